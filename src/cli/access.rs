//! `landfall access`: who asks for rights, who answers for them, and what goes because nobody does.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use super::args::Output;
use super::exit::Exit;
use super::inspect::table;
use super::run::journal_to_read;
use super::signing::{Desk, Made, Signing};
use super::ui::Ui;
use crate::access::campaign::{RowState, Standing};
use crate::approval::{self, Asked, KeptOut};
use crate::base::id::{PersonId, SiteCode, StepId};
use crate::base::limits;
use crate::journal::Journal;
use crate::journal::sqlite::SqliteJournal;
use crate::model::access::{AccessEvent, Answers, CAMPAIGN_VERSION, Right};
use crate::model::signed::{Act, STATEMENT_VERSION, Statement, Subject};
use crate::ops::access::{self as ops_access, Wanted};
use crate::ops::desired::Desired;
use crate::ops::earlier::limited;
use crate::ops::error::Failure;
use crate::ops::{self, Context, approvals};
use crate::people::Seat;

/// Access commands.
#[derive(Debug, Subcommand)]
pub enum AccessCommand {
    /// The open requests and campaigns of a site; with --rows the work list
    List {
        /// The site
        #[arg(long, value_name = "CODE")]
        site: String,
        /// Every row of the newest campaign
        #[arg(long)]
        rows: bool,
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// Ask for a right of a group; a steward decides within central policy
    Request {
        /// The site
        #[arg(long, value_name = "CODE")]
        site: String,
        /// The step that keeps the grants, for example grants.gold.prod.claims.priorauth
        #[arg(long, value_name = "STEP")]
        on: String,
        /// The group
        #[arg(long, value_name = "GROUP")]
        principal: String,
        /// The privilege, for example SELECT
        #[arg(long, value_name = "PRIVILEGE")]
        privilege: String,
        /// What it is needed for
        #[arg(long)]
        purpose: String,
        /// For so many days
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=366))]
        days: Option<u32>,
        /// Who asks
        #[arg(long = "as", value_name = "PERSON")]
        person: String,
    },
    /// Decide about a request: approve it, or turn it down with --deny
    Decide {
        /// The request, for example AR-3
        request: String,
        /// The site
        #[arg(long, value_name = "CODE")]
        site: String,
        /// Turn it down; say why with --comment
        #[arg(long, requires = "comment")]
        deny: bool,
        /// Anything to add
        #[arg(long, default_value = "")]
        comment: String,
        /// Who signs
        #[command(flatten)]
        signing: Signing,
    },
    /// Recertification: every right of a site is answered for again
    #[command(subcommand)]
    Recert(Recert),
}

/// Commands of a recertification campaign.
#[derive(Debug, Subcommand)]
pub enum Recert {
    /// Begin a campaign: one row for each right that the site's log last saw
    Start {
        /// The site
        #[arg(long, value_name = "CODE")]
        site: String,
        /// Days until it is to be answered
        #[arg(long, default_value_t = limits::RECERTIFICATION_DAYS, value_parser = clap::value_parser!(u32).range(1..=90))]
        days: u32,
        /// The present moment
        #[command(flatten)]
        moment: super::args::Moment,
    },
    /// Answer rows: which stay and which go
    Answer {
        /// The site
        #[arg(long, value_name = "CODE")]
        site: String,
        /// Rows that stay, by id; `all` says every open row that is yours
        #[arg(long, value_name = "ROW", value_delimiter = ',')]
        keep: Vec<String>,
        /// Rows that go: ROW=REASON
        #[arg(long, value_name = "ROW=REASON")]
        revoke: Vec<String>,
        /// The same from a file, as JSON: { "keep": [ROW], "revoke": { ROW: REASON } }
        #[arg(long, value_name = "FILE", conflicts_with_all = ["keep", "revoke"])]
        file: Option<PathBuf>,
        /// Who signs
        #[command(flatten)]
        signing: Box<Signing>,
        /// The present moment
        #[command(flatten)]
        moment: super::args::Moment,
    },
    /// End the campaign: what nobody answered for is taken away with the next plan
    Close {
        /// The site
        #[arg(long, value_name = "CODE")]
        site: String,
        /// The present moment
        #[command(flatten)]
        moment: super::args::Moment,
    },
}

/// Carries out an access command.
pub fn access(ui: &Ui, context: &Context, command: AccessCommand) -> Result<Exit, Failure> {
    let desired = Desired::read(&context.root)?;
    let site = |code: &str| ops::plan::site(&desired, code);
    match command {
        AccessCommand::List { site: code, rows, output } => {
            list(ui, &*journal_to_read(context)?, &site(&code)?, rows, output)
        }
        AccessCommand::Request { site: code, on, principal, privilege, purpose, days, person } => {
            let site = site(&code)?;
            let bad = |error: crate::base::id::BadName| {
                Failure::usage(error.to_string(), "landfall plan shows steps")
            };
            let step = StepId::new(on.as_str()).map_err(bad)?;
            let by = person_of(&desired, &person)?;
            let object = format!("what {step} is about");
            let right =
                Right { step, object, principal, privilege: privilege.to_uppercase().replace(' ', "_") };
            let wanted = Wanted { right, purpose, days, sla_hours: limits::ACCESS_REQUEST_HOURS, by };
            let mut journal = SqliteJournal::open(&context.journal_dir())?;
            let request = ops_access::request(context, &desired, &mut journal, &site, wanted)?;
            let (_, _, roles) = ops_access::deciding(&journal, &site, &request.id)?;
            let roles: Vec<String> = roles.iter().map(ToString::to_string).collect();
            ui.result(&format!("{} of {site} waits for {}", request.id, roles.join(" and ")));
            ui.say(&format!("Next: landfall access decide {} --site {site} --as PERSON", request.id));
            Ok(Exit::Done)
        }
        AccessCommand::Decide { request, site: code, deny, comment, signing } => {
            decide(ui, context, &desired, &site(&code)?, (&request, deny, &comment), &signing)
        }
        AccessCommand::Recert(command) => recert(ui, context, &desired, command),
    }
}

fn person_of(desired: &Desired, name: &str) -> Result<PersonId, Failure> {
    let persons = &desired.loaded.estate.people.persons;
    persons.keys().find(|person| person.as_str() == name).cloned().ok_or_else(|| {
        let near = crate::base::diagnostic::nearest(name, persons.keys().map(PersonId::as_str));
        let help = near
            .map_or("sites/people.toml says who there is".to_owned(), |near| format!("did you mean {near}?"));
        Failure::usage(format!("nobody is called `{name}`"), help)
    })
}

fn list(
    ui: &Ui,
    journal: &dyn Journal,
    site: &SiteCode,
    rows: bool,
    output: Output,
) -> Result<Exit, Failure> {
    let all = ops_access::standings(journal, site)?;
    let open = ops_access::open_requests(journal, site)?;
    let newest = all.last();
    if output == Output::Json {
        let campaigns: Vec<serde_json::Value> = all.iter().map(campaign_json).collect();
        ui.json(&json!({ "v": 1, "site": site, "requests": open, "campaigns": campaigns }));
        return Ok(Exit::Done);
    }
    for request in &open {
        let Right { principal, privilege, step, .. } = &request.right;
        ui.line(&format!(
            "{}  {principal} {privilege} by {step}, for {}, since {}",
            request.id, request.purpose, request.at
        ));
    }
    for one in &all {
        let state = one.closed.map_or(format!("due {}", one.due), |closed| format!("closed {closed}"));
        ui.line(&format!(
            "{}  {} rights, {} % answered, {state}",
            one.campaign,
            one.rows.len(),
            one.percent()
        ));
    }
    if open.is_empty() && all.is_empty() {
        ui.say(&format!("{site} has no request and no campaign"));
    }
    if let Some(newest) = newest.filter(|_| rows) {
        let mut shown = table(&["ROW", "PRINCIPAL", "PRIVILEGE", "ON", "ANSWERS", "STATE"]);
        for (id, (row, state)) in &newest.rows {
            let Right { object, principal, privilege, .. } = &row.right;
            let cells = [id.as_str(), principal, privilege, object, row.reviewer.as_str(), word(state)];
            shown.add_row(cells);
        }
        ui.line(&shown.to_string());
    }
    Ok(Exit::Done)
}

fn word(state: &RowState) -> &'static str {
    match state {
        RowState::Open => "open",
        RowState::Kept { .. } => "stays",
        RowState::Revoked { .. } => "goes",
    }
}

fn campaign_json(standing: &Standing) -> serde_json::Value {
    let row = |(id, (row, state)): (&String, &(crate::model::access::Row, RowState))| json!({ "row": id, "right": row.right, "reviewer": row.reviewer, "entry": row.entry, "state": word(state) });
    json!({
        "campaign": standing.campaign, "started": standing.started, "due": standing.due, "closed": standing.closed,
        "answered_percent": standing.percent(), "rows": standing.rows.iter().map(row).collect::<Vec<_>>(),
    })
}

/// What a statement says besides who makes it.
struct Draft<'d> {
    subject: Subject,
    act: Act,
    meaning: String,
    comment: &'d str,
    seats: std::collections::BTreeSet<Seat>,
    kept_out: std::collections::BTreeMap<PersonId, KeptOut>,
}

/// Signs a statement and refuses one that would not count. `None` if it was only written out to be signed by hand.
fn sign(
    ui: &Ui,
    context: &Context,
    desired: &Desired,
    journal: &dyn Journal,
    signing: &Signing,
    draft: Draft<'_>,
) -> Result<Option<crate::model::signed::Signed>, Failure> {
    let estate = &desired.loaded.estate;
    let (keys, zone, now) = (approvals::enrolled(journal)?, approvals::zone_of(estate), context.clock.now());
    let desk = Desk { people: &estate.people, keys: &keys, zone: &zone, now };
    let Draft { subject, act, meaning, comment, seats, kept_out } = draft;
    let decider = signing.decider(desk, &seats)?;
    ui.say(&format!("Signing: {meaning}"));
    let counts = matches!(act, Act::Approve { .. } | Act::Attest {});
    let statement = Statement {
        v: STATEMENT_VERSION,
        estate: estate.lineage.clone(),
        subject: subject.clone(),
        act,
        person: decider.person,
        role: decider.role,
        instead_of: decider.instead_of,
        at: now,
        expires: None,
        meaning,
        comment: comment.to_owned(),
    };
    let Made::Signed(signed) = signing.sign(ui, desk, statement)? else { return Ok(None) };
    let asked = Asked {
        subject,
        seats,
        review: false,
        clinician: false,
        valid_days: None,
        kept_out,
        one_way: Default::default(),
    };
    let scope = asked.subject.scope.clone();
    let log = scope.map_or(crate::base::id::LogId::Org, crate::base::id::LogId::Scope);
    let decision = approval::Decision { signed: (*signed).clone(), log, seq: 0, recorded_at: now };
    let around =
        approval::Around { estate: &estate.lineage, zone: &zone, people: &estate.people, keys: &keys };
    let weighed = approval::weigh(&asked, std::slice::from_ref(&decision), around, now);
    if let Some(rule) = weighed.refused.get(&0).filter(|_| counts) {
        return Err(Failure::Refused { reason: format!("{rule} (rule {})", rule.word()) });
    }
    Ok(Some(*signed))
}

fn decide(
    ui: &Ui,
    context: &Context,
    desired: &Desired,
    site: &SiteCode,
    (id, deny, comment): (&str, bool, &str),
    signing: &Signing,
) -> Result<Exit, Failure> {
    let mut journal = SqliteJournal::open(&context.journal_dir())?;
    let (request, subject, roles) = ops_access::deciding(&journal, site, id)?;
    let seat = |role| Seat { role, site: Some(site.clone()) };
    let seats: std::collections::BTreeSet<Seat> = roles.into_iter().map(seat).collect();
    let act = if deny {
        Act::Reject {}
    } else {
        Act::Approve { conditions: Vec::new(), one_way: Default::default() }
    };
    let meaning = ops_access::meaning(&request, !deny);
    let kept_out = [(request.by.clone(), KeptOut::Requester)].into();
    let draft = Draft { subject: subject.clone(), act, meaning, comment, seats: seats.clone(), kept_out };
    let Some(signed) = sign(ui, context, desired, &journal, signing, draft)? else { return Ok(Exit::Done) };
    let holds = !deny
        && ops_access::would_hold(context, desired, &journal, site, (&request, &subject, &seats), &signed)?;
    match ops_access::decide(context, &mut journal, site, &request, &signed, holds)? {
        Some(AccessEvent::Granted { .. }) => {
            ui.result(&format!("{id} of {site} is granted: the next plan of {site} shows it"));
            ui.say(&format!("Next: landfall plan --site {site} --out access.plan"));
        }
        Some(_) => ui.result(&format!("{id} of {site} is turned down")),
        None => ui.result(&format!("{id} of {site}: recorded; others have to decide too")),
    }
    Ok(Exit::Done)
}

fn recert(ui: &Ui, context: &Context, desired: &Desired, command: Recert) -> Result<Exit, Failure> {
    match command {
        Recert::Start { site, days, moment } => {
            let context = &super::run::at(context, &moment)?;
            let site = ops::plan::site(desired, &site)?;
            let mut journal = SqliteJournal::open(&context.journal_dir())?;
            let standing = ops_access::start(context, &mut journal, &site, days)?;
            ui.result(&format!(
                "{} of {site}: {} rights to answer for until {}",
                standing.campaign,
                standing.rows.len(),
                standing.due
            ));
            let mut work: std::collections::BTreeMap<String, usize> = Default::default();
            for (_, row) in standing.open() {
                *work.entry(row.reviewer.to_string()).or_default() += 1;
            }
            work.iter().for_each(|(role, rows)| ui.line(&format!("  {role}: {rows} rows")));
            ui.say(&format!("Next: landfall access list --site {site} --rows"));
        }
        Recert::Answer { site, keep, revoke, file, signing, moment } => {
            let context = &super::run::at(context, &moment)?;
            let site = ops::plan::site(desired, &site)?;
            return answer(ui, context, desired, &site, (keep, revoke, file), &signing);
        }
        Recert::Close { site, moment } => {
            let context = &super::run::at(context, &moment)?;
            let site = ops::plan::site(desired, &site)?;
            let mut journal = SqliteJournal::open(&context.journal_dir())?;
            for event in ops_access::close(context, &mut journal, &site)? {
                match event {
                    AccessEvent::Revoked { right, why, .. } => {
                        ui.line(&format!("goes: {} {} by {}: {why}", right.principal, right.privilege, right.step));
                    }
                    AccessEvent::Closed { campaign, kept, revoked, unanswered, .. } => ui.result(&format!(
                        "{campaign} of {site} is closed: {kept} stay, {revoked} go, {unanswered} go because nobody answered"
                    )),
                    AccessEvent::Requested(_)
                    | AccessEvent::Granted { .. }
                    | AccessEvent::Denied { .. }
                    | AccessEvent::Started { .. } => {}
                }
            }
            ui.say(&format!("Next: landfall plan --site {site} --out access.plan shows what is taken away"));
        }
    }
    Ok(Exit::Done)
}

fn answer(
    ui: &Ui,
    context: &Context,
    desired: &Desired,
    site: &SiteCode,
    (keep, revoke, file): (Vec<String>, Vec<String>, Option<PathBuf>),
    signing: &Signing,
) -> Result<Exit, Failure> {
    let mut journal = SqliteJournal::open(&context.journal_dir())?;
    let all = ops_access::standings(&journal, site)?;
    let Some(open) = all.into_iter().find(|one| one.closed.is_none()) else {
        return Err(Failure::Refused {
            reason: format!("{site} has no open campaign: landfall access recert start"),
        });
    };
    let seats: std::collections::BTreeSet<Seat> = open
        .rows
        .values()
        .map(|(row, _)| Seat { role: row.reviewer.clone(), site: Some(site.clone()) })
        .collect();
    let estate = &desired.loaded.estate;
    let (keys, zone, now) = (approvals::enrolled(&journal)?, approvals::zone_of(estate), context.clock.now());
    let desk = Desk { people: &estate.people, keys: &keys, zone: &zone, now };
    let role = signing.decider(desk, &seats)?.role;
    let mut answers = match file {
        Some(path) => {
            let bytes = limited(&path, limits::NOTE_FILE_BYTES_MAX)?;
            let bad = |error: serde_json::Error| {
                Failure::usage(
                    format!("{}: {error}", path.display()),
                    "write { \"keep\": [ROW], \"revoke\": { ROW: REASON } }",
                )
            };
            let mut raw: serde_json::Value = serde_json::from_slice(&bytes).map_err(bad)?;
            if let Some(table) = raw.as_object_mut() {
                table.insert("v".to_owned(), json!(CAMPAIGN_VERSION));
                table.insert("campaign".to_owned(), json!(open.campaign));
            }
            serde_json::from_value(raw).map_err(bad)?
        }
        None => Answers {
            v: CAMPAIGN_VERSION,
            campaign: open.campaign.clone(),
            keep: keep.into_iter().collect(),
            revoke: revoke.iter().map(|text| reason(text)).collect::<Result<_, _>>()?,
        },
    };
    if answers.keep.remove("all") {
        let own = open.open().filter(|(id, row)| row.reviewer == role && !answers.revoke.contains_key(*id));
        answers.keep.extend(own.map(|(id, _)| id.clone()));
    }
    let (subject, meaning) = ops_access::answering(&journal, site, &answers, &role)?;
    let seats = [Seat { role, site: Some(site.clone()) }].into();
    let draft =
        Draft { subject, act: Act::Attest {}, meaning, comment: "", seats, kept_out: Default::default() };
    let Some(signed) = sign(ui, context, desired, &journal, signing, draft)? else { return Ok(Exit::Done) };
    let standing = ops_access::answer(context, &mut journal, site, &answers, &signed)?;
    let open = standing.open().count();
    ui.result(&format!(
        "{} of {site}: {} % answered, {open} rows open",
        standing.campaign,
        standing.percent()
    ));
    Ok(Exit::Done)
}

fn reason(text: &str) -> Result<(String, String), Failure> {
    let (row, why) = text
        .split_once('=')
        .ok_or_else(|| Failure::usage(format!("--revoke {text}: no reason"), "write --revoke ROW=REASON"))?;
    Ok((row.trim().to_owned(), why.trim().to_owned()))
}
