//! `landfall gate`: which gates let through, what is missing, and on whom.

use clap::Subcommand;
use serde_json::{Value, json};

use super::args::{Moment, Output};
use super::attest::{Sign, sign};
use super::exit::Exit;
use super::inspect::{read_journal, table};
use super::run::at;
use super::ui::Ui;
use crate::base::id::{GateId, ScopeId};
use crate::base::time::Timestamp;
use crate::journal::Journal;
use crate::journal::memory::MemoryJournal;
use crate::journal::sqlite::SqliteJournal;
use crate::model::authority::GateUse;
use crate::model::criterion::Holds;
use crate::model::gate::GateStanding;
use crate::model::plan::Plan;
use crate::model::wait::OpenItem;
use crate::ops::checklist::{Board, Ground};
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::gates::{self, OPENED, Written};
use crate::ops::{self, Context};

/// Version of the JSON form of `gate list` and `gate show`.
const GATES_VERSION: u32 = 1;

/// Gate commands.
#[derive(Debug, Subcommand)]
pub enum GateCommand {
    /// List gates, and whether they let through
    List {
        /// The gates that this stage asks for; ends with 3 if one of them is shut
        #[arg(long, value_name = "STAGE")]
        stage: Option<String>,
        /// Where
        #[command(flatten)]
        place: Place,
    },
    /// Show what a gate rests on and what is missing; ends with 3 if it is shut
    Show {
        /// The gate, for example g-02
        gate: String,
        /// Where
        #[command(flatten)]
        place: Place,
    },
    /// Sign a gate, when everything that it rests on is there
    Sign(Box<Sign>),
    /// Write down what opened or shut since, and tell those who are to know what is late
    Escalate {
        /// The present moment
        #[command(flatten)]
        moment: Moment,
    },
}

/// Where gates are looked at, and how they are printed.
#[derive(Debug, clap::Args)]
pub struct Place {
    /// This site only
    #[arg(long, value_name = "CODE", conflicts_with = "wave")]
    pub site: Option<String>,
    /// The sites of this wave only
    #[arg(long, value_name = "WAVE")]
    pub wave: Option<String>,
    /// How to print
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub output: Output,
    /// Take this RFC 3339 moment for the present one
    #[command(flatten)]
    pub moment: Moment,
}

/// What is looked at.
pub(super) struct Looked {
    pub(super) desired: Desired,
    pub(super) ground: Ground,
    pub(super) board: Board,
}

/// Reads everything; changes nothing.
pub(super) fn look(context: &Context, moment: &Moment) -> Result<Looked, Failure> {
    let context = at(context, moment)?;
    let desired = Desired::read(&context.root)?;
    let journal: Box<dyn Journal> = match read_journal(&context)? {
        Some(journal) => Box::new(journal),
        None => Box::new(MemoryJournal::new()),
    };
    let ground = Ground::of(&desired);
    let board = ground.board(&*journal, context.clock.now())?;
    Ok(Looked { desired, ground, board })
}

/// The scope of a site; the account without one.
pub(super) fn site_of(desired: &Desired, site: Option<&str>) -> Result<ScopeId, Failure> {
    match site {
        Some(code) => Ok(ScopeId::Site(ops::plan::site(desired, code)?)),
        None => Ok(ScopeId::Account),
    }
}

/// The scopes that were asked for; none says all.
fn wanted(desired: &Desired, place: &Place) -> Result<Option<Vec<ScopeId>>, Failure> {
    if let Some(code) = &place.site {
        return Ok(Some(vec![site_of(desired, Some(code))?]));
    }
    let Some(wave) = &place.wave else { return Ok(None) };
    let found = desired.loaded.estate.waves.iter().find(|one| one.name.as_str() == wave);
    let found =
        found.ok_or_else(|| Failure::usage(format!("no wave is called `{wave}`"), "landfall wave list"))?;
    let sites = found.sites.iter().map(|site| site_of(desired, Some(&site.value)));
    sites.collect::<Result<Vec<_>, _>>().map(Some)
}

/// The gate of this name, if any pack declares it.
fn named(ground: &Ground, name: &str) -> Result<GateId, Failure> {
    let known = ground.gates();
    let found = known.iter().find(|gate| gate.as_str() == name);
    found.map(|gate| (*gate).clone()).ok_or_else(|| {
        let help = match crate::base::diagnostic::nearest(name, known.iter().map(|gate| gate.as_str())) {
            Some(near) => format!("did you mean {near}?"),
            None => "landfall gate list shows all of them".to_owned(),
        };
        Failure::usage(format!("no gate is called `{name}`"), help)
    })
}

/// The one scope at which a gate is signed.
pub(super) fn only_scope(
    desired: &Desired,
    ground: &Ground,
    gate: &str,
    site: Option<&str>,
) -> Result<ScopeId, Failure> {
    let id = named(ground, gate)?;
    if site.is_some() {
        return site_of(desired, site);
    }
    match ground.having(&id).as_slice() {
        [only] => Ok(only.clone()),
        all if all.contains(&ScopeId::Account) => Ok(ScopeId::Account),
        all => {
            let message = format!("{} sites have a gate {id}", all.len());
            Err(Failure::usage(message, "say which one with --site CODE"))
        }
    }
}

/// Carries out a gate command.
pub fn gate(ui: &Ui, context: &Context, command: GateCommand) -> Result<Exit, Failure> {
    match command {
        GateCommand::List { stage, place } => list(ui, context, stage.as_deref(), &place),
        GateCommand::Show { gate, place } => show(ui, context, &gate, &place),
        GateCommand::Sign(args) => sign(ui, context, &args),
        GateCommand::Escalate { moment } => escalate(ui, context, &moment),
    }
}

fn list(ui: &Ui, context: &Context, stage: Option<&str>, place: &Place) -> Result<Exit, Failure> {
    let looked = look(context, &place.moment)?;
    let scopes = wanted(&looked.desired, place)?;
    let asked = stage.map(|stage| of_stage(&looked.desired, stage)).transpose()?;
    let mut found: Vec<&GateStanding> = Vec::new();
    for (scope, stand) in &looked.board.scopes {
        let here = |gate: &GateId| {
            let own = scopes.as_ref().is_none_or(|scopes| {
                scopes.contains(scope) || looked.ground.scopes_of(gate, scopes).contains(scope)
            });
            own && asked.as_ref().is_none_or(|asked| asked.contains(gate))
        };
        found.extend(stand.gates.values().filter(|standing| here(&standing.gate)));
    }
    print(ui, place, &looked, &found, false);
    let shut = found.iter().any(|standing| !standing.open);
    Ok(if asked.is_some() && shut { Exit::Refused } else { Exit::Done })
}

/// The gates that a stage asks for at its begin, those of the ends of earlier stages included.
fn of_stage(desired: &Desired, name: &str) -> Result<Vec<GateId>, Failure> {
    let stages = &desired.loaded.estate.stages;
    let at = stages.iter().position(|stage| stage.name.value == name).ok_or_else(|| {
        let names: Vec<&str> = stages.iter().map(|stage| stage.name.value.as_str()).collect();
        Failure::usage(format!("no stage is called `{name}`"), format!("stages are: {}", names.join(", ")))
    })?;
    let criteria = stages[..at].iter().flat_map(|stage| &stage.exit).chain(&stages[at].entry);
    let gate = |holds: &Holds| match holds {
        Holds::Gate(gate) => Some(gate.clone()),
        Holds::WaveDone(_)
        | Holds::SitesLive(_)
        | Holds::SamePacksAs(_)
        | Holds::NoOpenFindings
        | Holds::Evidence { .. } => None,
    };
    Ok(criteria.filter_map(|criterion| gate(&criterion.holds)).collect())
}

fn show(ui: &Ui, context: &Context, gate: &str, place: &Place) -> Result<Exit, Failure> {
    let looked = look(context, &place.moment)?;
    let id = named(&looked.ground, gate)?;
    let having = looked.ground.having(&id);
    let scopes = match wanted(&looked.desired, place)? {
        Some(scopes) => looked.ground.scopes_of(&id, &scopes),
        None => having,
    };
    let found: Vec<&GateStanding> = scopes.iter().filter_map(|scope| looked.board.gate(scope, &id)).collect();
    if found.len() < scopes.len() {
        let lacks = scopes.iter().find(|scope| looked.board.gate(scope, &id).is_none());
        let where_ = lacks.map_or_else(String::new, ToString::to_string);
        return Err(Failure::usage(format!("{where_} has no gate `{id}`"), "landfall gate list"));
    }
    print(ui, place, &looked, &found, true);
    let open = !found.is_empty() && found.iter().all(|standing| standing.open);
    Ok(if open { Exit::Done } else { Exit::Refused })
}

fn print(ui: &Ui, place: &Place, looked: &Looked, found: &[&GateStanding], whole: bool) {
    if let Output::Json = place.output {
        let told: Vec<Value> = found.iter().map(|standing| as_json(looked, standing)).collect();
        ui.json(&json!({ "v": GATES_VERSION, "at": looked.board.now, "gates": told }));
        return;
    }
    if found.is_empty() {
        ui.say("No gate: packs declare them with [[gate]]");
        return;
    }
    if whole {
        let blocks: Vec<String> = found.iter().map(|standing| block(looked, standing)).collect();
        ui.line(&blocks.join("\n\n"));
        return;
    }
    let mut rows = table(&["Scope", "Gate", "", "Standing", "On"]);
    for standing in found {
        let title =
            looked.ground.gate(&standing.scope, &standing.gate).map_or("", |gate| gate.title.as_str());
        rows.add_row([
            standing.scope.to_string(),
            standing.gate.to_string(),
            title.to_owned(),
            word(standing),
            on(&standing.missing).join(", "),
        ]);
    }
    ui.line(rows.to_string().trim_end());
}

fn as_json(looked: &Looked, standing: &GateStanding) -> Value {
    let gate = looked.ground.gate(&standing.scope, &standing.gate);
    json!({
        "title": gate.map(|gate| &gate.title),
        "opens": gate.map(|gate| &gate.opens),
        "statement": gate.map(|gate| &gate.statement),
        "signers": gate.map(|gate| &gate.quorum.roles),
        "standing": standing,
    })
}

/// The roles that hold it up, each once.
fn on(missing: &[OpenItem]) -> Vec<String> {
    let mut roles: Vec<String> = missing.iter().map(|item| item.owner.clone()).collect();
    roles.sort();
    roles.dedup();
    roles
}

/// Where a gate stands, in a few words.
pub(super) fn word(standing: &GateStanding) -> String {
    match (standing.open, standing.overdue) {
        (true, _) if standing.waived.is_empty() => "open".to_owned(),
        (true, _) => "open, with waivers".to_owned(),
        (false, true) => format!("shut: {} missing, OVERDUE", standing.missing.len()),
        (false, false) => format!("shut: {} missing", standing.missing.len()),
    }
}

/// One line about a gate.
pub(super) fn line(standing: &GateStanding, now: Timestamp) -> String {
    let age = standing.since.map_or_else(String::new, |since| format!(", since {}", now.since(since)));
    let on = on(&standing.missing);
    let on = if on.is_empty() { String::new() } else { format!(", on {}", on.join(", ")) };
    format!("{} at {}: {}{on}{age}", standing.gate, standing.scope, word(standing))
}

/// Everything about a gate.
fn block(looked: &Looked, standing: &GateStanding) -> String {
    let mut lines = Vec::new();
    if let Some(gate) = looked.ground.gate(&standing.scope, &standing.gate) {
        lines.push(format!("{} {} at {}: {}", gate.id, gate.title, standing.scope, word(standing)));
        lines.push(format!("  opens    {}", gate.opens));
        let signers: Vec<&str> = gate.quorum.roles.iter().map(crate::base::id::RoleName::as_str).collect();
        let review = if gate.quorum.review { ", and a review by somebody else" } else { "" };
        lines.push(format!("  signers  {}{review}", signers.join(", ")));
    }
    lines.extend(standing.since.map(|since| format!("  since    {since}")));
    lines.extend(standing.until.map(|until| format!("  until    {until}")));
    let late = if standing.overdue { "  OVERDUE" } else { "" };
    lines.extend(standing.due.map(|due| format!("  due      {due}{late}")));
    lines.push(format!("  digest   {}", standing.digest));
    lines.extend(standing.waived.iter().map(|waived| format!("  waived   {waived}")));
    for item in &standing.missing {
        lines.push(format!("  missing  {}: {} [{}]", item.id, item.missing, item.owner));
    }
    let closed = standing.rests_on.iter().filter(|rest| !rest.how.starts_with("open"));
    lines.extend(closed.map(|rest| format!("  rests on {} ({})", rest.id, rest.how)));
    lines.join("\n")
}

/// Says what was written.
pub(super) fn tell(ui: &Ui, written: &Written) {
    for (scope, gate, kind) in &written.gates {
        let what = if *kind == OPENED { "is open" } else { "is shut again" };
        ui.say(&format!("The gate {gate} at {scope} {what}"));
    }
    written.told.iter().for_each(|line| ui.say(line));
    for scope in &written.busy {
        ui.say(&format!("Not written at {scope}: somebody else is writing its log"));
    }
}

fn escalate(ui: &Ui, context: &Context, moment: &Moment) -> Result<Exit, Failure> {
    let context = at(context, moment)?;
    let desired = Desired::read(&context.root)?;
    gates::refuse_shifted(&context, &desired)?;
    let mut journal = SqliteJournal::open(&context.journal_dir())?;
    let written = gates::record(&context, &Ground::of(&desired), &mut journal)?;
    tell(ui, &written);
    let late = ops::inbox::escalate(&context, &desired, &mut journal)?;
    late.iter().for_each(|line| ui.say(line));
    if written == Written::default() && late.is_empty() {
        ui.say("Nothing opened, shut or became late since it was written last");
    }
    Ok(Exit::Done)
}

/// What a launch does about gates before it begins: writes down what opened, shut or became late since; or, on a target
/// that does not ask for gates, says which ones are shut.
pub(super) fn before(
    ui: &Ui,
    context: &Context,
    desired: &Desired,
    plan: &Plan,
    journal: &mut dyn Journal,
) -> Result<(), Failure> {
    let ground = Ground::of(desired);
    let spec = desired.loaded.estate.targets.get(&plan.target.name);
    if spec.is_some_and(|spec| spec.gates == GateUse::Open) {
        let notes = gates::notes(&ground, &*journal, plan, context.clock.now())?;
        notes.iter().for_each(|note| ui.say(&format!("note: {note}")));
        return Ok(());
    }
    if !ground.scopes.is_empty() {
        tell(ui, &gates::record(context, &ground, journal)?);
    }
    ops::inbox::escalate(context, desired, journal)?.iter().for_each(|line| ui.say(line));
    Ok(())
}
