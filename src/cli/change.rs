//! `landfall change`: what a launch is asked for, reviewed, approved and closed with.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::args::{Moment, Output};
use super::exit::Exit;
use super::run::{at, journal_to_read, runtime, warn};
use super::signing::{Desk, Made, Signing};
use super::ui::Ui;
use crate::base::id::{PersonId, RoleName, RunId};
use crate::base::time::Timestamp;
use crate::change::{Change, Standing};
use crate::journal::sqlite::SqliteJournal;
use crate::model::change::{BoardDecision, ChangeState, class_word};
use crate::model::signed::{ChangeClass, Signed, Statement};
use crate::ops::changes::board::Meeting;
use crate::ops::changes::{self, Begin, Book, Step, Wanted};
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::{self, Context};
use crate::people::Seat;

/// Version of the JSON forms of `change`.
const CHANGE_JSON_VERSION: u32 = 1;

/// Change commands.
#[derive(Debug, Subcommand)]
pub enum ChangeCommand {
    /// Open a change for a saved plan, and write the plan's digest into its ticket
    Open(Box<Open>),
    /// List the changes
    List {
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text)]
        output: Output,
        /// The present moment
        #[command(flatten)]
        moment: Moment,
    },
    /// Show where a change stands, and what is missing for its next step
    Show {
        /// The change, such as CHG-1
        change: String,
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text)]
        output: Output,
        /// The present moment
        #[command(flatten)]
        moment: Moment,
    },
    /// Take a change one step on, or back to draft
    Advance(Advance),
    /// Record what the change board decided
    Decide(Decide),
    /// Write the plan's digest into the ticket once more
    Tell {
        /// The change, such as CHG-1
        change: String,
    },
    /// Close a change that was validated
    Close {
        /// The change, such as CHG-1
        change: String,
        /// Why; it is recorded
        #[arg(long)]
        reason: String,
        /// The present moment
        #[command(flatten)]
        moment: Moment,
    },
}

/// Arguments of `change open`.
#[derive(Debug, Args)]
pub struct Open {
    /// A plan saved with `plan --out`
    pub plan: PathBuf,
    /// What it is about, in a line, without patient data
    #[arg(long)]
    pub title: String,
    /// The ticket's number, such as CHG0012345
    #[arg(long, value_name = "NUMBER")]
    pub ticket: Option<String>,
    /// How it is handled
    #[arg(long, value_enum, default_value_t = Class::Normal)]
    pub class: Class,
    /// Who built it [default: who asks]
    #[arg(long, value_name = "PERSON", value_delimiter = ',')]
    pub built_by: Vec<String>,
    /// Who asks for it, and how they sign
    #[command(flatten)]
    pub signing: Signing,
    /// The present moment
    #[command(flatten)]
    pub moment: Moment,
}

/// Classes of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Class {
    /// The change board decides before
    Normal,
    /// Repeats a change that is closed
    Standard,
    /// Cannot wait; the change board decides within two working days
    Emergency,
}

/// Arguments of `change advance`.
#[derive(Debug, Args)]
pub struct Advance {
    /// The change, such as CHG-1
    pub change: String,
    /// draft, reviewed, approved, scheduled, applied, validated or closed
    #[arg(long, value_name = "STATE")]
    pub to: String,
    /// Why; needed for the way back to draft and for closing
    #[arg(long, default_value = "")]
    pub reason: String,
    /// For scheduled: the moment from which on it may begin
    #[arg(long, value_name = "MOMENT", conflicts_with = "next")]
    pub at: Option<Timestamp>,
    /// For scheduled: the next opening of its plan
    #[arg(long)]
    pub next: bool,
    /// The present moment
    #[command(flatten)]
    pub moment: Moment,
}

/// Arguments of `change decide`.
#[derive(Debug, Args)]
pub struct Decide {
    /// The change, such as CHG-1
    pub change: String,
    /// What was decided
    #[arg(long, value_enum)]
    pub decision: Decision,
    /// Who was there, by handle
    #[arg(long, value_name = "PERSON", value_delimiter = ',', required = true)]
    pub attendees: Vec<String>,
    /// The day of the meeting
    #[arg(long, value_name = "DATE")]
    pub date: jiff::civil::Date,
    /// Anything to add; the reason of a rejection
    #[arg(long, default_value = "")]
    pub note: String,
    /// The present moment
    #[command(flatten)]
    pub moment: Moment,
}

/// Decisions of a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Decision {
    /// It may be done
    Approved,
    /// It may not be done
    Rejected,
    /// Another meeting decides
    Deferred,
}

/// Carries out a change command.
pub fn run(ui: &Ui, context: &Context, command: ChangeCommand) -> Result<Exit, Failure> {
    match command {
        ChangeCommand::Open(args) => open(ui, context, &args),
        ChangeCommand::List { output, moment } => list(ui, &at(context, &moment)?, output),
        ChangeCommand::Show { change, output, moment } => show(ui, &at(context, &moment)?, &change, output),
        ChangeCommand::Advance(args) => {
            let to = ChangeState::of(&args.to).ok_or_else(|| {
                let words: Vec<&str> = ChangeState::ALL.iter().map(|(word, _)| *word).collect();
                Failure::usage(
                    format!("no state is called `{}`", args.to),
                    format!("there are: {}", words.join(", ")),
                )
            })?;
            let begin = args.at.map(Begin::At).or(args.next.then_some(Begin::Next));
            let step = Step { change: &args.change, to, reason: &args.reason, begin };
            advance(ui, &at(context, &args.moment)?, step)
        }
        ChangeCommand::Decide(args) => decide(ui, &at(context, &args.moment)?, &args),
        ChangeCommand::Tell { change } => tell(ui, context, &change),
        ChangeCommand::Close { change, reason, moment } => {
            let step = Step { change: &change, to: ChangeState::Closed, reason: &reason, begin: None };
            advance(ui, &at(context, &moment)?, step)
        }
    }
}

fn class_of(class: Class) -> ChangeClass {
    match class {
        Class::Normal => ChangeClass::Normal,
        Class::Standard => ChangeClass::Standard,
        Class::Emergency => ChangeClass::Emergency,
    }
}

fn person(desired: &Desired, name: &str) -> Result<PersonId, Failure> {
    let person =
        PersonId::new(name).map_err(|bad| Failure::usage(bad.to_string(), "handles look like pm"))?;
    let persons = &desired.loaded.estate.people.persons;
    if persons.is_empty() || persons.contains_key(&person) {
        return Ok(person);
    }
    let near = crate::base::diagnostic::nearest(name, persons.keys().map(PersonId::as_str));
    let help =
        near.map_or("sites/people.toml says who there is".to_owned(), |near| format!("did you mean {near}?"));
    Err(Failure::usage(format!("nobody is called `{name}`"), help))
}

fn people(desired: &Desired, names: &[String]) -> Result<BTreeSet<PersonId>, Failure> {
    names.iter().map(|name| person(desired, name)).collect()
}

fn open(ui: &Ui, context: &Context, args: &Open) -> Result<Exit, Failure> {
    let context = &at(context, &args.moment)?;
    let saved = ops::plan::read(&args.plan)?;
    let desired = Desired::read(&context.root)?;
    warn(ui, &desired);
    let estate = &desired.loaded.estate;
    if saved.plan.lineage != estate.lineage {
        let reason = format!("the plan is of the estate `{}`, which is not this one", saved.plan.estate);
        return Err(Failure::Refused { reason });
    }
    let nobody = || Failure::usage("it is not said who asks for it", "name yourself with --as PERSON");
    let requester = person(&desired, args.signing.person.as_deref().ok_or_else(nobody)?)?;
    let mut built_by = people(&desired, &args.built_by)?;
    if built_by.is_empty() {
        built_by.insert(requester.clone());
    }
    let wanted = Wanted {
        saved: &saved,
        title: &args.title,
        class: class_of(args.class),
        ticket: args.ticket.as_deref(),
        requester: &requester,
        built_by,
    };
    let mut journal = SqliteJournal::open(&context.journal_dir())?;
    let signed = match request(ui, context, &desired, &mut journal, args, &wanted)? {
        Request::Written => return Ok(Exit::Done),
        Request::Unsigned => None,
        Request::Signed(signed) => Some(signed),
    };
    let actor = ops::person();
    let opened = changes::open(context, &mut journal, &wanted, signed.as_deref(), &actor)?;
    ui.line(&opened.change.to_string());
    ui.say(&format!("Opened {} for plan {}: {}", opened.change, opened.plan.short(), opened.title));
    if opened.ticket.is_some() && estate.tickets.is_some() {
        match runtime()?.block_on(changes::ticket::tell(context, estate, &mut journal, &opened, &actor)) {
            Ok(()) => {
                ui.say("Its ticket has the plan's digest: whoever approves it from now on approves this plan")
            }
            Err(failure) => {
                ui.always(&format!("warning: {failure}; landfall change tell {} tries again", opened.change));
            }
        }
    }
    ui.say(&format!("Next: landfall change show {}", opened.change));
    Ok(Exit::Done)
}

/// What became of asking for a signature.
enum Request {
    /// None is needed, and none was offered.
    Unsigned,
    /// It was written, to be signed by hand.
    Written,
    /// It is signed.
    Signed(Box<Signed>),
}

/// A plan that needs approvals is asked for with a signature; for others one may be given.
fn request(
    ui: &Ui,
    context: &Context,
    desired: &Desired,
    journal: &mut SqliteJournal,
    args: &Open,
    wanted: &Wanted<'_>,
) -> Result<Request, Failure> {
    let signing = &args.signing;
    let offered = signing.key.is_some() || signing.statement_out.is_some() || signing.signature.is_some();
    if wanted.saved.plan.approvals.is_empty() && !offered {
        return Ok(Request::Unsigned);
    }
    let estate = &desired.loaded.estate;
    let entries = crate::journal::Journal::read(&*journal, &crate::base::id::LogId::Org, 0)?;
    let keys = crate::people::enrolled::enrolled(entries.iter().map(|line| &line.entry));
    let zone = estate.time_zone();
    let desk = Desk { people: &estate.people, keys: &keys, zone: &zone, now: context.clock.now() };
    // Anybody may ask, in whatever role is theirs.
    let own = estate.people.holdings.iter().find(|holding| holding.person == *wanted.requester);
    let role = own.map_or_else(|| RoleName::new("requester").expect("it is a role"), |own| own.role.clone());
    let seat = Seat { role, site: own.and_then(|own| own.site.clone()) };
    let role = match own {
        Some(_) => signing.decider(desk, [&seat])?.role,
        None => seat.role,
    };
    let made = changes::request(wanted, estate, role, desk.now);
    // An electronic record gives a reason: that of asking is what the change is called.
    let comment = if signing.meaning.is_some() { args.title.trim().to_owned() } else { made.comment.clone() };
    let statement = Statement { comment, ..made };
    let scopes = wanted.saved.plan.scopes.keys();
    let statement = signing.made(context, journal, estate, scopes, statement)?;
    Ok(match signing.sign(ui, desk, statement)? {
        Made::Written => {
            ui.say("Nothing is opened before it is signed");
            Request::Written
        }
        Made::Signed(signed) => Request::Signed(signed),
    })
}

fn list(ui: &Ui, context: &Context, output: Output) -> Result<Exit, Failure> {
    let (estate, journal) = (Desired::read(&context.root)?.loaded.estate, journal_to_read(context)?);
    let (book, now) = (Book::read(&*journal)?, context.clock.now());
    let mut all = Vec::new();
    let weigh = changes::weigh_plan(&estate, now);
    for change in book.changes.values() {
        let standing = changes::standing(&estate, &book, change, &*journal, &weigh, now)?;
        match output {
            Output::Json => all.push(shown(change, &standing)),
            Output::Text => ui.line(&line(change, &standing)),
        }
    }
    match output {
        Output::Json => ui.json(&json!({ "v": CHANGE_JSON_VERSION, "changes": all })),
        Output::Text if book.changes.is_empty() => ui.say("No change was ever opened"),
        Output::Text => {}
    }
    Ok(Exit::Done)
}

fn line(change: &Change, standing: &Standing) -> String {
    let opened = &change.opened;
    let late = if standing.late { "  LATE" } else { "" };
    format!(
        "{:<8} {:<10} {:<10} {}  {}{late}",
        opened.change.to_string(),
        standing.state.word(),
        class_word(opened.class),
        opened.ticket.as_deref().unwrap_or("-"),
        opened.title
    )
}

fn show(ui: &Ui, context: &Context, typed: &str, output: Output) -> Result<Exit, Failure> {
    let (estate, journal) = (Desired::read(&context.root)?.loaded.estate, journal_to_read(context)?);
    let (book, now) = (Book::read(&*journal)?, context.clock.now());
    let weigh = changes::weigh_plan(&estate, now);
    let change = book.find(typed)?;
    let standing = changes::standing(&estate, &book, change, &*journal, &weigh, now)?;
    match output {
        Output::Json => ui.json(&json!({ "v": CHANGE_JSON_VERSION, "change": shown(change, &standing) })),
        Output::Text => text(change, &standing).iter().for_each(|line| ui.line(line)),
    }
    Ok(Exit::Done)
}

fn text(change: &Change, standing: &Standing) -> Vec<String> {
    let opened = &change.opened;
    let builders: Vec<&str> = opened.built_by.iter().map(|person| person.as_str()).collect();
    let mut lines = vec![
        format!("{}  {} since {}, {}", change.id(), standing.state, standing.since, class_word(opened.class)),
        format!("  {}", opened.title),
        format!("  plan {}, {} at target {}", opened.plan, opened.covers, opened.target),
        format!("  asked for by {}, built by {}", opened.requester, builders.join(", ")),
    ];
    lines.extend(opened.ticket.as_ref().map(|number| match &change.ticket {
        None => format!("  ticket {number}, not read yet"),
        Some(read) => format!(
            "  ticket {number}: {}, approved by {}; read at {}, {}  {}",
            read.state,
            read.approvers.join(", "),
            read.read_at,
            read.standing,
            read.url
        ),
    }));
    let passed = |one: &crate::change::Passed| {
        format!("  {} → {}  {}  by {}: {}", one.from, one.to, one.at, one.by.id, one.why)
    };
    lines.extend(change.history.iter().map(passed));
    lines.extend(change.decided.iter().map(|decided| {
        let who: Vec<&str> = decided.body.attendees.iter().map(|person| person.as_str()).collect();
        let body = &decided.body;
        format!("  board of {}: {} ({})  {}", body.date, body.decision.word(), who.join(", "), body.note)
    }));
    if let Some(next) = standing.next {
        let ready = if standing.missing.is_empty() { "ready" } else { "missing" };
        lines.push(format!("  next: {next}, {ready}"));
        lines.extend(standing.missing.iter().map(|one| format!("    {one}")));
    }
    if let Some(due) = standing.due {
        let late = if standing.late { "LATE: " } else { "" };
        lines.push(format!("  {late}the change board decides by {due}"));
    } else if standing.late {
        lines.push("  the change board decided late".to_owned());
    }
    lines.push(format!("  waited for people {}, dwelt for safety {}", standing.waited, standing.dwelt));
    lines
}

fn shown(change: &Change, standing: &Standing) -> Value {
    let passed = |one: &crate::change::Passed| json!({ "entry": one.seq, "at": one.at, "by": one.by.id, "from": one.from, "to": one.to, "why": one.why });
    json!({
        "opened": change.opened, "opened_at": change.opened_at, "state": standing.state, "since": standing.since,
        "history": change.history.iter().map(passed).collect::<Vec<_>>(),
        "board": change.decided.iter().map(|one| &one.body).collect::<Vec<_>>(),
        "ticket": change.ticket, "next": standing.next, "missing": standing.missing, "due": standing.due,
        "late": standing.late, "waited_ms": standing.waited.0, "dwelt_ms": standing.dwelt.0,
    })
}

fn advance(ui: &Ui, context: &Context, step: Step<'_>) -> Result<Exit, Failure> {
    let estate = Desired::read(&context.root)?.loaded.estate;
    let mut journal = SqliteJournal::open(&context.journal_dir())?;
    let weigh = changes::weigh_plan(&estate, context.clock.now());
    let advanced = changes::advance(context, &estate, &mut journal, step, &weigh, &ops::person())?;
    ui.say(&format!("{} is {}: {}", advanced.change, advanced.to, advanced.why));
    if let Some(begins) = advanced.begins {
        ui.say(&format!("It may begin at {begins}: landfall apply PLAN --change {}", advanced.change));
    }
    Ok(Exit::Done)
}

fn decide(ui: &Ui, context: &Context, args: &Decide) -> Result<Exit, Failure> {
    let desired = Desired::read(&context.root)?;
    let mut journal = SqliteJournal::open(&context.journal_dir())?;
    let meeting = Meeting {
        change: &args.change,
        date: args.date,
        attendees: people(&desired, &args.attendees)?,
        decision: match args.decision {
            Decision::Approved => BoardDecision::Approved,
            Decision::Rejected => BoardDecision::Rejected,
            Decision::Deferred => BoardDecision::Deferred,
        },
        note: &args.note,
    };
    let decided =
        changes::board::decide(context, &desired.loaded.estate, &mut journal, meeting, &ops::person())?;
    let (id, word) = (decided.change, decided.decision.word());
    ui.say(&format!("The change board {word} {id}: recorded, not signed"));
    Ok(Exit::Done)
}

fn tell(ui: &Ui, context: &Context, typed: &str) -> Result<Exit, Failure> {
    let estate = Desired::read(&context.root)?.loaded.estate;
    let mut journal = SqliteJournal::open(&context.journal_dir())?;
    let opened = Book::read(&journal)?.find(typed)?.opened.clone();
    runtime()?.block_on(changes::ticket::tell(context, &estate, &mut journal, &opened, &ops::person()))?;
    ui.say(&format!("The ticket of {} has the plan's digest", opened.change));
    Ok(Exit::Done)
}

/// Takes the change of a launch on, once that has ended, and tells its ticket. None of it changes how the launch ended.
pub(super) fn afterwards(
    ui: &Ui,
    context: &Context,
    desired: &Desired,
    run: &RunId,
    runtime: &tokio::runtime::Runtime,
) -> Result<(), Failure> {
    let mut journal = SqliteJournal::open(&context.journal_dir())?;
    let (estate, actor) = (&desired.loaded.estate, ops::person());
    let after = changes::after_launch(context, estate, run, &mut journal, &actor);
    let after = runtime.block_on(after)?;
    after.done.iter().for_each(|line| ui.say(line));
    after.trouble.iter().for_each(|line| ui.always(&format!("warning: {line}")));
    Ok(())
}
