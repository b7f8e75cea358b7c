//! Reads populations from the platform itself, with the proof that every page was read, and keeps each as an entry of the
//! site's log. List calls and reads only: nothing is changed on the target.

mod events;
mod inside;
mod lineage;
mod people;
mod site;
mod sorted;
mod whose;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::base::digest::Digest;
use crate::base::id::{KindName, LogId, ScopeId, SiteCode};
use crate::base::limits::{POPULATION_CALLS_MAX, RECORD_BYTES_MAX};
use crate::base::time::Timestamp;
use crate::driver::{ListAsk, Paged, Place};
use crate::evidence::answer::Answer;
use crate::evidence::population::platform::{LISTED, columns};
use crate::evidence::population::{PopulationSummary, Populations};
use crate::evidence::records::Records;
use crate::evidence::register::{self, Opened, Severity};
use crate::journal::{Journal, Line};
use crate::kind::Registry;
use crate::model::entry::{Actor, BlobRef};
use crate::model::holdings::Holdings;
use crate::model::kind::Level;
use crate::model::population::{
    CallRead, Compared, LineageRead, Others, POPULATION_VERSION, PagesEnd, PopulationRead, READ,
};
use crate::ops::Context;
use crate::ops::desired::Desired;
use crate::ops::drift::{holdings, logs};
use crate::ops::error::Failure;
use crate::ops::note::{self, Note};
use crate::ops::plan::{Asked, select, waves};
use crate::ops::question::of_log;
use crate::ops::target::Reached;

pub use people::People;
use sorted::{One, Sorted};
use whose::Owners;

/// What is to be collected.
#[derive(Debug, Clone)]
pub struct Wanted<'w> {
    /// The sites; those without a log are passed over.
    pub sites: BTreeSet<SiteCode>,
    /// Sources beside the platform.
    pub people: &'w People,
    /// Who collects.
    pub actor: Actor,
}

/// What was collected of a site.
#[derive(Debug)]
pub struct Collected {
    /// The site.
    pub site: SiteCode,
    /// What a bundle would say of it now.
    pub summary: PopulationSummary,
}

/// One population before it is written down.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub calls: Vec<CallRead>,
    pub items: u64,
    pub rows: Vec<Vec<String>>,
    pub others: Others,
    pub compared: Vec<Compared>,
    pub lineage: Option<LineageRead>,
    /// What is found of a thing that it names, and by what words.
    pub findings: Vec<(String, &'static str)>,
}

/// What everything else is read with.
pub(super) struct Reader<'r> {
    reached: &'r Reached,
    desired: &'r Desired,
    owners: Owners,
    holdings: BTreeMap<ScopeId, Holdings>,
    people: &'r People,
}

/// Reads the populations of some sites and records them in their logs.
///
/// # Errors
///
/// If a log is damaged or written by somebody else, or what was read may not be kept. A list that cannot be read to its end
/// is no error: it is recorded as cut off.
pub async fn collect(
    context: &Context,
    desired: &Desired,
    journal: &mut dyn Journal,
    reached: &Reached,
    wanted: &Wanted<'_>,
) -> Result<Vec<Collected>, Failure> {
    let logs = logs(&*journal)?;
    let holdings = holdings(&logs)?;
    let logged = logs.keys().filter_map(ScopeId::site).cloned();
    let owners = Owners::new(&holdings, codes(desired).chain(logged).collect());
    let reader = Reader { reached, desired, owners, holdings, people: wanted.people };
    let began = context.clock.now();
    let account = reader.account().await;
    let (calls, events) = reader.events().await;
    let events = events::Events::of(&reader, &logs, calls, events);
    let mut collected = Vec::new();
    for site in wanted.sites.iter().filter(|site| logs.contains_key(&ScopeId::Site((*site).clone()))) {
        let mut drafts = site::drafts(&reader, site, &account).await;
        drafts.insert("audit-events", events.of_site(site));
        let keeping = Keeping { reader: &reader, site, began, actor: &wanted.actor };
        keeping.keep(context, journal, drafts)?;
        let records = with_rows(&*journal, site)?;
        collected.push(Collected { site: site.clone(), summary: Populations::of(&records).summary() });
    }
    Ok(collected)
}

/// The records of a site, with the rows that its populations name.
fn with_rows(journal: &dyn Journal, site: &SiteCode) -> Result<Records, Failure> {
    let mut records = of_log(journal, &LogId::Scope(ScopeId::Site(site.clone())))?;
    for entry in records.entries.iter().filter(|entry| entry.kind == READ) {
        for named in &entry.refs {
            records.blobs.insert(named.sha256, journal.get_blob(&named.sha256)?);
        }
    }
    Ok(records)
}

/// The sites of a selection; for everything, all that the estate has.
///
/// # Errors
///
/// If the selection names what is not there.
pub fn sites(desired: &Desired, asked: &Asked) -> Result<BTreeSet<SiteCode>, Failure> {
    let selection = select(desired, asked)?;
    let waves = waves(desired, &selection).into_iter().flat_map(|wave| wave.sites);
    let named = selection.sites().into_iter().flatten().cloned();
    let mut sites: BTreeSet<SiteCode> = waves.chain(named).collect();
    if matches!(asked, Asked::All) {
        sites.extend(codes(desired));
    }
    Ok(sites)
}

fn codes(desired: &Desired) -> impl Iterator<Item = SiteCode> {
    desired.loaded.sites.iter().filter_map(|site| site.code())
}

/// Lists of the account, which are read once for all sites.
pub(super) struct Account {
    lists: BTreeMap<&'static str, Sorted>,
    /// Names of all groups by id, whoever they belong to.
    groups: BTreeMap<String, String>,
    users: Paged,
    programs: Paged,
}

impl Reader<'_> {
    async fn account(&self) -> Account {
        let of_account = LISTED.iter().filter_map(|listed| {
            let kind = Registry::standard().get(&KindName::new(listed.kind).ok()?)?;
            let list = kind.calls.list.as_ref()?;
            (kind.level == Level::Account && !list.path.contains("{spec.")).then_some((listed, kind))
        });
        let of_account: Vec<_> = of_account.collect();
        let ask = |kind: &KindName| {
            let (kind, outer) = (kind.clone(), serde_json::Value::Null);
            ListAsk::Kind { kind, place: Place::Account, outer }
        };
        let mut asks: Vec<ListAsk> = of_account.iter().map(|(_, kind)| ask(&kind.name)).collect();
        asks.extend([ListAsk::Users, ListAsk::ServicePrincipals]);
        let mut answers = self.ask(asks).await;
        let programs = answers.pop().unwrap_or_else(nothing);
        let users = answers.pop().unwrap_or_else(nothing);
        let (mut lists, mut groups) = (BTreeMap::new(), BTreeMap::new());
        for ((listed, kind), paged) in of_account.into_iter().zip(answers) {
            if listed.name == "groups" {
                groups = paged.items.iter().filter_map(group).collect();
            }
            let mut sorted = Sorted::default();
            let outer = &serde_json::Value::Null;
            sorted.take(&self.owners, &One { listed, kind, outer, home: None }, paged);
            lists.insert(listed.name, sorted);
        }
        Account { lists, groups, users, programs }
    }

    /// Asks for lists, some at once, and gives the answers in the order of the questions.
    pub(super) async fn ask(&self, asks: Vec<ListAsk>) -> Vec<Paged> {
        let reads = self.reached.reads();
        let asked = reads.each(asks, |driver, timeout, ask| async move { driver.pages(&ask, timeout).await });
        asked.await.into_iter().map(|answer| self.shown(answer.unwrap_or_else(nothing))).collect()
    }

    /// The port of a sandbox inside this process says nothing, and is another one each time.
    pub(super) fn shown(&self, mut paged: Paged) -> Paged {
        if self.reached.embedded.is_some() && !paged.call.host.is_empty() {
            paged.call.host = self.reached.name.host.clone();
        }
        paged
    }
}

/// The id and the name of a group.
fn group(item: &serde_json::Value) -> Option<(String, String)> {
    let text = |field: &str| Some(item.get(field)?.as_str()?.to_owned());
    Some((text("id")?, text("displayName")?))
}

fn nothing() -> Paged {
    let end = PagesEnd::Cut { why: "the driver knows no such list".to_owned() };
    let (host, call, query) = (String::new(), "not asked".to_owned(), String::new());
    Paged { call: CallRead { host, call, query, pages: Vec::new(), end }, items: Vec::new() }
}

/// The role that sees to what is found of lineage: it answers for pipelines and gold tables.
const LINEAGE_OWNER: &str = "data-team";
/// The control that such a finding is about: nobody can say that data is whole who cannot say what it was made from.
const LINEAGE_CONTROL: &str = "164.312(c)(1)";

/// Writes down what was read of one site.
struct Keeping<'k> {
    reader: &'k Reader<'k>,
    site: &'k SiteCode,
    began: Timestamp,
    actor: &'k Actor,
}

impl Keeping<'_> {
    fn keep(
        &self,
        context: &Context,
        journal: &mut dyn Journal,
        drafts: BTreeMap<&'static str, Draft>,
    ) -> Result<Vec<Line>, Failure> {
        let log = LogId::Scope(ScopeId::Site(self.site.clone()));
        let ended = context.clock.now();
        let (lines, ()) = note::write(context, journal, &log, |journal| {
            let mut findings = self.findings(&*journal, &log, &drafts)?;
            let notes = drafts.into_iter().map(|(name, draft)| self.note(journal, name, draft, ended));
            let mut notes = notes.collect::<Result<Vec<_>, _>>()?;
            notes.append(&mut findings);
            Ok((notes, ()))
        })?;
        Ok(lines)
    }

    /// A finding for each thing that has no open one of the same words.
    fn findings(
        &self,
        journal: &dyn Journal,
        log: &LogId,
        drafts: &BTreeMap<&'static str, Draft>,
    ) -> Result<Vec<Note>, Failure> {
        let found = drafts.values().flat_map(|draft| &draft.findings);
        let titles: BTreeSet<String> = found
            .map(|(table, what)| {
                let table = self.reader.owners.safe(self.site, table);
                format!("lineage: gold table {table} {what}")
            })
            .collect();
        if titles.is_empty() {
            return Ok(Vec::new());
        }
        let entries = journal.read(log, 0)?.into_iter().map(|line| line.entry).collect();
        let records = Records { log: log.clone(), entries, blobs: BTreeMap::new() };
        let open = register::findings(&records).into_iter().filter(|finding| finding.closed.is_none());
        let open: BTreeSet<String> = open.map(|finding| finding.opened.title).collect();
        let opened = |title: &String| Opened {
            title: title.clone(),
            severity: Severity::Medium,
            owner: LINEAGE_OWNER.to_owned(),
            due: None,
            control: Some(LINEAGE_CONTROL.to_owned()),
        };
        let opened = titles.difference(&open).map(opened);
        opened.map(|opened| Ok(Note::of(register::OPENED, &opened)?.by(self.actor))).collect()
    }

    fn note(
        &self,
        journal: &mut dyn Journal,
        name: &'static str,
        draft: Draft,
        ended: Timestamp,
    ) -> Result<Note, Failure> {
        let Draft { mut calls, items, mut rows, others, compared, lineage, findings: _ } = draft;
        let safe = |text: &str| self.reader.owners.safe(self.site, text);
        rows.iter_mut().flatten().for_each(|cell| *cell = safe(cell));
        rows.sort();
        let (_, columns) =
            columns(name).ok_or_else(|| Failure::failed(format!("{name} is no population")))?;
        let count = rows.len() as u64;
        let csv = Answer { question: name, sentence: String::new(), columns, rows }.csv();
        if csv.len() > RECORD_BYTES_MAX {
            let what = format!(
                "{name} of {} has {} bytes, which is more than a file may have",
                self.site,
                csv.len()
            );
            return Err(Failure::failed(what));
        }
        let sha256 = journal.put_blob(csv.as_bytes())?;
        for call in &mut calls {
            for text in [&mut call.host, &mut call.call, &mut call.query] {
                *text = safe(text);
            }
            if let PagesEnd::Cut { why } = &mut call.end {
                *why = safe(why);
            }
        }
        // What was cut off is told first, so that it is never among those that are only counted.
        calls.sort_by_key(CallRead::is_whole);
        let more_calls = calls.len().saturating_sub(POPULATION_CALLS_MAX) as u64;
        calls.truncate(POPULATION_CALLS_MAX);
        let read = PopulationRead {
            v: POPULATION_VERSION,
            population: name.to_owned(),
            target: self.reader.reached.name.name.clone(),
            read_as: self.reader.reached.driver.identity(),
            began: self.began,
            ended,
            calls,
            more_calls,
            items,
            rows: count,
            others,
            compared,
            lineage,
            csv: Digest::of(csv.as_bytes()),
        };
        let named = BlobRef { path: format!("population/{name}.csv"), sha256 };
        Ok(Note::of(READ, &read)?.naming(vec![named]).by(self.actor))
    }
}

/// Reads the files that are compared with.
///
/// # Errors
///
/// If one of them cannot be read.
pub fn people(identity: Option<&Path>, leavers: Option<&Path>) -> Result<People, Failure> {
    People::read(identity, leavers)
}
