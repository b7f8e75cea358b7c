//! `landfall access`: who asks for rights, who answers for them, and what goes because nobody does.

mod recert;

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use super::args::Output;
use super::exit::Exit;
use super::inspect::table;
use super::run::journal_to_read;
use super::signing::{Desk, Made, Signing, known};
use super::ui::Ui;
use crate::access::campaign::{Refused, RowState, Standing};
use crate::base::id::{RoleName, SiteCode, StepId};
use crate::base::limits;
use crate::base::time::Timestamp;
use crate::journal::Journal;
use crate::journal::sqlite::SqliteJournal;
use crate::model::access::{Right, Row};
use crate::model::signed::{Act, STATEMENT_VERSION, Signed, Statement, Subject};
use crate::ops::access::{self as ops_access, Decided, Wanted};
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::{self, Context, decisions};
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
        /// The present moment
        #[command(flatten)]
        moment: super::args::Moment,
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
        /// The present moment
        #[command(flatten)]
        moment: super::args::Moment,
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
        /// The present moment
        #[command(flatten)]
        moment: super::args::Moment,
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
    /// File the newest closed campaign again, once what it took away is gone
    Confirm {
        /// The site
        #[arg(long, value_name = "CODE")]
        site: String,
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
        AccessCommand::List { site: code, rows, moment, output } => {
            let now = super::run::at(context, &moment)?.clock.now();
            let (site, journal) = (site(&code)?, journal_to_read(context)?);
            list(ui, &*journal, (&desired, &site, now), rows, output)
        }
        AccessCommand::Request { site: code, on, principal, privilege, purpose, days, person, moment } => {
            let context = &recording(context, &desired, &moment)?;
            let site = site(&code)?;
            let bad = |error: crate::base::id::BadName| {
                Failure::usage(error.to_string(), "landfall plan shows steps")
            };
            let step = StepId::new(on.as_str()).map_err(bad)?;
            let by = known(&desired.loaded.estate.people, &person)?;
            let privilege = privilege.to_uppercase().replace(' ', "_");
            let right = Right { step, object: String::new(), principal, privilege };
            let wanted = Wanted { right, purpose, days, sla_hours: limits::ACCESS_REQUEST_HOURS, by };
            let mut journal = SqliteJournal::open(&context.journal_dir())?;
            let request = ops_access::request(context, &desired, &mut journal, &site, wanted)?;
            let (_, _, roles) = ops_access::deciding(&journal, &site, &request.id)?;
            ui.result(&format!("{} of {site} waits for {}", request.id, names(&roles)));
            ui.say(&format!("Next: landfall access decide {} --site {site} --as PERSON", request.id));
            Ok(Exit::Done)
        }
        AccessCommand::Decide { request, site: code, deny, comment, signing, moment } => {
            let context = &recording(context, &desired, &moment)?;
            decide(ui, context, &desired, &site(&code)?, (&request, deny, &comment), &signing)
        }
        AccessCommand::Recert(command) => recert::recert(ui, context, &desired, command),
    }
}

/// The context of a command that writes down what it does.
fn recording(context: &Context, desired: &Desired, moment: &super::args::Moment) -> Result<Context, Failure> {
    let context = super::run::at(context, moment)?;
    ops::gates::refuse_shifted(&context, desired)?;
    Ok(context)
}

fn names(roles: &BTreeSet<RoleName>) -> String {
    roles.iter().map(RoleName::as_str).collect::<Vec<_>>().join(" and ")
}

fn list(
    ui: &Ui,
    journal: &dyn Journal,
    (desired, site, now): (&Desired, &SiteCode, Timestamp),
    rows: bool,
    output: Output,
) -> Result<Exit, Failure> {
    let all = ops_access::standings(&desired.loaded.estate, journal, site, now)?;
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
        for Refused { person, at, why } in &one.refused {
            ui.line(&format!("      not counted: {person} at {at}: {why}"));
        }
    }
    if open.is_empty() && all.is_empty() {
        ui.say(&format!("{site} has no request and no campaign"));
    }
    if let Some(newest) = newest.filter(|_| rows) {
        let mut shown = table(&["ROW", "PRINCIPAL", "PRIVILEGE", "ON", "ANSWERS", "STATE"]);
        for (id, (row, state)) in &newest.rows {
            let Right { object, principal, privilege, .. } = &row.right;
            let word = word(state, newest.closed.is_some());
            let cells = [id.as_str(), principal, privilege, object, row.reviewer.as_str(), word];
            shown.add_row(cells);
        }
        ui.line(&shown.to_string());
    }
    Ok(Exit::Done)
}

fn word(state: &RowState, is_closed: bool) -> &'static str {
    match (state, is_closed) {
        (RowState::Open, false) => "open",
        (RowState::Open, true) => "goes, not answered",
        (RowState::Kept { .. }, _) => "stays",
        (RowState::Revoked { .. }, _) => "goes",
    }
}

fn campaign_json(standing: &Standing) -> serde_json::Value {
    let is_closed = standing.closed.is_some();
    let row = |(id, (row, state)): (&String, &(Row, RowState))| {
        json!({
            "row": id, "right": row.right, "reviewer": row.reviewer, "entry": row.entry,
            "state": word(state, is_closed),
        })
    };
    let refused = |one: &Refused| json!({ "person": one.person, "at": one.at, "why": one.why });
    json!({
        "campaign": standing.campaign, "started": standing.started, "due": standing.due, "closed": standing.closed,
        "answered_percent": standing.percent(), "rows": standing.rows.iter().map(row).collect::<Vec<_>>(),
        "not_counted": standing.refused.iter().map(refused).collect::<Vec<_>>(),
    })
}

/// What a statement says besides who makes it.
struct Draft<'d> {
    subject: Subject,
    act: Act,
    meaning: String,
    comment: &'d str,
    seats: BTreeSet<Seat>,
}

/// Signs a statement. `None` if it was only written out to be signed by hand. Whether it counts is judged where it is
/// filed.
fn sign(
    ui: &Ui,
    context: &Context,
    desired: &Desired,
    journal: &mut dyn Journal,
    signing: &Signing,
    draft: Draft<'_>,
) -> Result<Option<Signed>, Failure> {
    let estate = &desired.loaded.estate;
    let (keys, zone, now) = (decisions::keys(&*journal)?, estate.time_zone(), context.clock.now());
    let desk = Desk { people: &estate.people, keys: &keys, zone: &zone, now };
    let Draft { subject, act, meaning, comment, seats } = draft;
    let decider = signing.decider(desk, &seats)?;
    ui.say(&format!("Signing: {meaning}"));
    let statement = Statement {
        v: STATEMENT_VERSION,
        estate: estate.lineage.clone(),
        subject,
        act,
        person: decider.person,
        role: decider.role,
        instead_of: decider.instead_of,
        at: now,
        expires: None,
        meaning,
        comment: comment.to_owned(),
        electronic: None,
    };
    let scope = statement.subject.scope.clone();
    let statement = signing.made(context, journal, estate, scope.as_ref(), statement)?;
    match signing.sign(ui, desk, statement)? {
        Made::Signed(signed) => Ok(Some(*signed)),
        Made::Written => Ok(None),
    }
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
    let seats = roles.into_iter().map(|role| Seat { role, site: Some(site.clone()) }).collect();
    let act =
        if deny { Act::Reject {} } else { Act::Approve { conditions: Vec::new(), one_way: BTreeSet::new() } };
    let meaning = ops_access::meaning(&request, !deny);
    let draft = Draft { subject, act, meaning, comment, seats };
    let Some(signed) = sign(ui, context, desired, &mut journal, signing, draft)? else {
        return Ok(Exit::Done);
    };
    match ops_access::decide(context, desired, &mut journal, site, id, &signed)? {
        Decided::Granted => {
            ui.result(&format!("{id} of {site} is granted: the next plan of {site} shows it"));
            ui.say(&format!("Next: landfall plan --site {site} --out access.plan"));
        }
        Decided::Denied => ui.result(&format!("{id} of {site} is turned down")),
        Decided::WaitsFor(roles) => {
            ui.result(&format!("{id} of {site}: recorded; it waits for {}", names(&roles)));
        }
    }
    Ok(Exit::Done)
}
