//! Runs checklist items: looks, does what an item's contract allows, validates, writes down, tells a role. What people
//! have to state is left to them.

mod agent;
mod around;
mod deed;
mod gather;
mod graph;
mod rules;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use crate::base::id::{LogId, PackName, RoleName, ScopeId, StepId};
use crate::checklist::{self, ItemStanding};
use crate::evidence::scan;
use crate::journal::Journal;
use crate::model::checklist::{Item, ItemState, Severity, Validator};
use crate::model::entry::{Actor, ActorKind};
use crate::model::item_event::ItemEvent;
use crate::model::rendered::Rendered;
use crate::ops::error::Failure;
use crate::ops::target::Reached;
use crate::ops::{Context, person};
use crate::probe::Probe;
use crate::runner::stop::Stop;
use crate::validate::turn::{Did, Input, Mode, Owed, State, Subject, decide, owed};
use crate::validate::{self, Query, Verdict, judge_item};
pub use around::{Around, Estate};
use write::Book;

/// Version of the JSON form of a report.
pub const CHECKLIST_RUN_VERSION: u32 = 1;

/// What was asked for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Items of this pack only.
    pub pack: Option<PackName>,
    /// This item, or those that begin so, with `*` at the end.
    pub item: Option<String>,
    /// Only these items, if any are named.
    pub among: BTreeSet<StepId>,
    /// This scope only.
    pub scope: Option<ScopeId>,
    /// Only reads, and nothing is written down.
    pub dry_run: bool,
}

impl Wanted {
    fn takes(&self, item: &Item) -> bool {
        let named = self.item.as_deref().is_none_or(|name| match name.strip_suffix('*') {
            Some(beginning) => item.id.as_str().starts_with(beginning),
            None => item.id.as_str() == name,
        });
        let among = self.among.is_empty() || self.among.contains(&item.id);
        named && among && self.pack.as_ref().is_none_or(|pack| item.origin.pack == *pack)
    }
}

/// What a run works with.
pub struct Tools<'t> {
    /// The target, if anything asks for it.
    pub reached: Option<&'t Reached>,
    /// How services are looked at.
    pub probe: Arc<dyn Probe>,
    /// Whether somebody wants it to end.
    pub stop: Stop,
    /// Hears of each item when it begins and when it is over.
    pub feed: &'t mut dyn FnMut(Progress<'_>),
}

/// How far a run is.
#[derive(Debug, Clone, Copy)]
pub enum Progress<'p> {
    /// An item is being looked at.
    Begins(&'p ScopeId, &'p Item),
    /// Something is being done for it.
    Acts(&'p ScopeId, &'p Item),
    /// It is over.
    Over(&'p ItemRun),
}

/// What became of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Became {
    /// Nothing is missing.
    Passed,
    /// People still have to state it; nothing else is missing.
    Waiting,
    /// It does not apply here, or somebody answers for what is missing.
    Excused,
    /// Something is missing.
    Failed,
}

/// One item as it was run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ItemRun {
    /// Its scope.
    pub scope: ScopeId,
    /// The item.
    pub item: StepId,
    /// What it makes sure of.
    pub title: String,
    /// Its pack.
    pub pack: PackName,
    /// What it means if it is missing.
    pub severity: Severity,
    /// What became of it.
    pub became: Became,
    /// Everything that is missing.
    pub missing: Vec<String>,
    /// The roles that are asked to state it.
    pub waits_on: BTreeSet<RoleName>,
    /// What was done for it.
    pub did: Vec<String>,
    /// Who was told, if somebody was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub told: Option<RoleName>,
    /// The item that keeps back what would be done for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<StepId>,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Format version.
    pub v: u32,
    /// Whether only reads happened.
    pub dry_run: bool,
    /// Whether it was stopped before its end.
    pub interrupted: bool,
    /// The items, scope by scope, each after what comes before it.
    pub items: Vec<ItemRun>,
}

impl Report {
    /// How many items became this.
    pub fn count(&self, became: Became) -> usize {
        self.items.iter().filter(|item| item.became == became).count()
    }
}

/// The items that are meant, scope by scope.
///
/// # Errors
///
/// If there are none.
pub fn select<'e>(
    estate: &'e Estate,
    wanted: &Wanted,
) -> Result<Vec<(&'e Rendered, Vec<&'e Item>)>, Failure> {
    let scopes = estate.desired.rendered.values();
    let of_scope =
        scopes.filter(|rendered| wanted.scope.as_ref().is_none_or(|scope| rendered.scope == *scope));
    let chosen: Vec<(&Rendered, Vec<&Item>)> = of_scope
        .map(|rendered| (rendered, ordered(&rendered.items, wanted)))
        .filter(|(_, items)| !items.is_empty())
        .collect();
    if chosen.is_empty() {
        let what = wanted.item.as_ref().map_or("no checklist item is there".to_owned(), |name| {
            format!("no checklist item is called `{name}`")
        });
        return Err(Failure::usage(what, "landfall checklist list shows all of them, scope by scope"));
    }
    Ok(chosen)
}

/// Each after what comes before it; rendering has refused circles.
fn ordered<'i>(items: &'i [Item], wanted: &Wanted) -> Vec<&'i Item> {
    let mut left: Vec<&Item> = items.iter().filter(|item| wanted.takes(item)).collect();
    let mut done = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let ids: BTreeSet<&StepId> = left.iter().map(|item| &item.id).collect();
        let (now, later): (Vec<&Item>, Vec<&Item>) =
            left.iter().partition(|item| !item.after.iter().any(|before| ids.contains(before)));
        if now.is_empty() {
            done.extend(later);
            break;
        }
        done.extend(now);
        left = later;
    }
    done
}

/// Whether any of these items needs the target: then it has to be reached.
pub fn needs_target(chosen: &[(&Rendered, Vec<&Item>)], dry_run: bool) -> bool {
    let looks = |validator: &Validator| {
        validate::needs(validator)
            .iter()
            .any(|query| matches!(query, Query::Readback { .. } | Query::Scim { .. }))
    };
    let acts = |item: &&Item| !dry_run && (item.act.is_some() || item.remedy.is_some());
    chosen.iter().flat_map(|(_, items)| items).any(|item| acts(item) || item.validate.iter().any(looks))
}

/// Runs the items that are meant.
///
/// # Errors
///
/// If a log is being written by somebody else, or cannot be written.
pub async fn run(
    context: &Context,
    estate: &Estate,
    wanted: &Wanted,
    journal: &mut dyn Journal,
    mut tools: Tools<'_>,
) -> Result<Report, Failure> {
    let mut report =
        Report { v: CHECKLIST_RUN_VERSION, dry_run: wanted.dry_run, interrupted: false, items: Vec::new() };
    for (rendered, items) in select(estate, wanted)? {
        let around = Around::read(context, estate, rendered, journal)?;
        let log = LogId::Scope(rendered.scope.clone());
        let writes = !wanted.dry_run && items.iter().any(|item| validate::is_automatic(item));
        let mut book = Book::open(context, journal, log, writes)?;
        let ran = of_scope(context, (&around, &items), wanted, &mut book, &mut tools, &mut report).await;
        book.close()?;
        ran?;
        if report.interrupted {
            break;
        }
    }
    Ok(report)
}

async fn of_scope(
    context: &Context,
    (around, items): (&Around<'_>, &[&Item]),
    wanted: &Wanted,
    book: &mut Book<'_>,
    tools: &mut Tools<'_>,
    report: &mut Report,
) -> Result<(), Failure> {
    for item in items {
        if tools.stop.is_asked() {
            report.interrupted = true;
            return Ok(());
        }
        (tools.feed)(Progress::Begins(&around.rendered.scope, item));
        let standings = book.standings(&around.ground, &around.rendered.scope, context.clock.now())?;
        let mut turn = Turn::new(around, item, wanted, &standings);
        if turn.looks(standings.get(&item.id)) && !turn.take(context, book, tools).await? {
            report.interrupted = true;
            return Ok(());
        }
        let standings = book.standings(&around.ground, &around.rendered.scope, context.clock.now())?;
        turn.settle(standings.get(&item.id));
        (tools.feed)(Progress::Over(&turn.run));
        report.items.push(turn.run);
    }
    Ok(())
}

/// One item's turn.
struct Turn<'t> {
    around: &'t Around<'t>,
    item: &'t Item,
    subject: Subject<'t>,
    run: ItemRun,
}

impl<'t> Turn<'t> {
    fn new(
        around: &'t Around<'t>,
        item: &'t Item,
        wanted: &Wanted,
        standings: &BTreeMap<StepId, ItemStanding>,
    ) -> Self {
        let is_open = |id: &&StepId| standings.get(*id).is_none_or(|before| !before.state.is_closed());
        let after = item.after.iter().find(is_open).cloned();
        let mode = match (wanted.dry_run, &after) {
            (true, _) => Mode::DryRun,
            (false, Some(_)) => Mode::Early,
            (false, None) => Mode::Live,
        };
        let acts = item.act.is_some() || item.remedy.is_some();
        let run = ItemRun {
            scope: around.rendered.scope.clone(),
            item: item.id.clone(),
            title: item.title.clone(),
            pack: item.origin.pack.clone(),
            severity: item.severity,
            became: Became::Passed,
            missing: Vec::new(),
            waits_on: BTreeSet::new(),
            did: Vec::new(),
            told: None,
            after: after.filter(|_| mode == Mode::Early && acts),
        };
        Self { around, item, subject: Subject { item, digest: checklist::digest(item), mode }, run }
    }

    /// Takes the turn to its end; false if somebody wanted it to end before.
    async fn take(
        &mut self,
        context: &Context,
        book: &mut Book<'_>,
        tools: &mut Tools<'_>,
    ) -> Result<bool, Failure> {
        let mut state = State::Observing;
        let mut verdict = Verdict::default();
        loop {
            let mut actor = person();
            let input = match owed(&self.subject, &state) {
                Owed::Nothing => break,
                Owed::Observe => Input::Observed,
                Owed::Act(deed) | Owed::Remedy(deed) => {
                    (tools.feed)(Progress::Acts(&self.around.rendered.scope, self.item));
                    if let Some(program) = deed::program(deed) {
                        actor = Actor { kind: ActorKind::Automation, id: format!("agent:{program}") };
                    }
                    let did = deed::Deeds {
                        around: self.around,
                        item: self.item,
                        tools,
                        missing: &verdict.missing,
                    }
                    .carry_out(context, book, deed)
                    .await?;
                    self.run.did.extend(did.iter().map(told));
                    Input::Acted(did)
                }
                Owed::Validate => {
                    let stop = tools.stop.clone();
                    let findings = tokio::select! {
                        findings = gather::findings(self.around, self.item, tools, context) => findings,
                        () = stop.asked() => return Ok(false),
                    };
                    verdict = judge_item(self.item, &findings, context.clock.now());
                    let proofs = book.keep(&mut verdict)?;
                    verdict.missing.iter_mut().for_each(sayable);
                    Input::Validated { passed: verdict.passed, missing: verdict.missing.clone(), proofs }
                }
            };
            let (events, next) = decide(&self.subject, &state, input, context.clock.now());
            book.write(context, &self.item.id, &actor, &events)?;
            if self.subject.mode != Mode::DryRun {
                self.run.told = events.iter().find_map(escalated).or(self.run.told.take());
            }
            state = next;
            if tools.stop.is_asked() && !matches!(state, State::Over { .. }) {
                return Ok(false);
            }
        }
        if let State::Over { passed, missing } = state {
            self.run.became = if passed { Became::Passed } else { Became::Failed };
            self.run.missing = missing;
        }
        Ok(true)
    }

    /// Whether there is anything to look at: what people have said does not apply is left alone.
    fn looks(&self, standing: Option<&ItemStanding>) -> bool {
        let applies = standing.is_none_or(|one| !matches!(one.state, ItemState::NotApplicable { .. }));
        applies && validate::is_automatic(self.item)
    }

    /// Adds what people have said to what was found.
    fn settle(&mut self, standing: Option<&ItemStanding>) {
        let Some(standing) = standing else { return };
        if matches!(standing.state, ItemState::NotApplicable { .. } | ItemState::Waived { .. }) {
            self.run.became = Became::Excused;
            return;
        }
        let unsaid = standing.statements.iter().flat_map(|statement| statement.missing.iter().cloned());
        self.run.waits_on = unsaid.collect();
        match &standing.state {
            // Somebody who is asked has rejected it.
            ItemState::Failed { missing } if self.run.became == Became::Passed => {
                (self.run.became, self.run.missing) = (Became::Failed, missing.clone());
            }
            _ if self.run.became == Became::Passed && !self.run.waits_on.is_empty() => {
                self.run.became = Became::Waiting;
            }
            _ => {}
        }
    }
}

/// A sentence that looks like it holds something that may not be written down keeps its place, not its words.
fn sayable(sentence: &mut String) {
    if let Some(unsaid) = scan::unsaid(sentence) {
        *sentence = format!("Something is missing {unsaid}.");
    }
}

fn told(did: &Did) -> String {
    match did {
        Did::Made { deed, outcome } => format!("{deed}: {outcome}"),
        Did::Refused { deed, rule } => format!("{deed}: refused, {rule}"),
    }
}

fn escalated(event: &ItemEvent) -> Option<RoleName> {
    match event {
        ItemEvent::Escalated { to, .. } => Some(to.clone()),
        ItemEvent::Observed { .. }
        | ItemEvent::Acted { .. }
        | ItemEvent::Refused { .. }
        | ItemEvent::Validated { .. }
        | ItemEvent::Remedied { .. }
        | ItemEvent::Recorded { .. } => None,
    }
}
