//! `landfall checklist`: where items stand, since when, on whom, and what is missing. `landfall report waivers`.

use clap::Subcommand;
use serde_json::{Value, json};

use super::args::{Moment, Output};
use super::attest::{NotApplicable, not_applicable};
use super::checklist_run::{self, RunArgs};
use super::exit::Exit;
use super::gate::{Looked, look, site_of};
use super::inspect::table;
use super::ui::Ui;
use crate::base::id::{PackName, RoleName, ScopeId, StepId};
use crate::checklist::ItemStanding;
use crate::model::checklist::{Item, ItemState, Severity, Validator};
use crate::ops::Context;
use crate::ops::checklist::waivers::waivers;
use crate::ops::error::Failure;

/// Version of the JSON form of `checklist list` and `checklist show`.
const CHECKLIST_VERSION: u32 = 1;
/// Version of the JSON form of `report waivers`.
const WAIVERS_VERSION: u32 = 1;

/// Checklist commands.
#[derive(Debug, Subcommand)]
pub enum ChecklistCommand {
    /// Look at items, do what their contracts allow, and record what they come to
    Run(Box<RunArgs>),
    /// List the validators that items can use, with an example of each
    Validators {
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// List items, where they stand, and on whom
    List {
        /// The items of this pack only
        #[arg(long, value_name = "PACK")]
        pack: Option<String>,
        /// This site only
        #[arg(long, value_name = "CODE")]
        site: Option<String>,
        /// What is not closed only
        #[arg(long)]
        open: bool,
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text)]
        output: Output,
        /// The present moment
        #[command(flatten)]
        moment: Moment,
    },
    /// Show everything about an item
    Show {
        /// The item, for example readiness.inventory
        item: String,
        /// The site; without it every scope that has the item
        #[arg(long, value_name = "CODE")]
        site: Option<String>,
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text)]
        output: Output,
        /// The present moment
        #[command(flatten)]
        moment: Moment,
    },
    /// Say that an item does not apply here; its owner signs
    NotApplicable(Box<NotApplicable>),
}

/// Carries out a checklist command.
pub fn checklist(
    ui: &Ui,
    context: impl Fn() -> Result<Context, Failure>,
    command: ChecklistCommand,
) -> Result<Exit, Failure> {
    match command {
        ChecklistCommand::Run(args) => checklist_run::run(ui, &context()?, &args),
        ChecklistCommand::Validators { output } => checklist_run::validators(ui, output),
        ChecklistCommand::List { pack, site, open, output, moment } => {
            let looked = look(&context()?, &moment)?;
            let scope = site.as_deref().map(|code| site_of(&looked.desired, Some(code))).transpose()?;
            let pack = pack.map(|name| known_pack(&looked, &name)).transpose()?;
            let rows = rows(&looked, |row| {
                scope.as_ref().is_none_or(|scope| row.scope == scope)
                    && pack.as_ref().is_none_or(|pack| row.item.origin.pack == *pack)
                    && (!open || !row.standing.state.is_closed())
            });
            list(ui, &looked, &rows, output);
            Ok(Exit::Done)
        }
        ChecklistCommand::Show { item, site, output, moment } => {
            let looked = look(&context()?, &moment)?;
            let scope = site.as_deref().map(|code| site_of(&looked.desired, Some(code))).transpose()?;
            let rows = rows(&looked, |row| {
                row.item.id.as_str() == item && scope.as_ref().is_none_or(|scope| row.scope == scope)
            });
            if rows.is_empty() {
                return Err(unknown(&looked, &item));
            }
            show(ui, &looked, &rows, output);
            Ok(Exit::Done)
        }
        ChecklistCommand::NotApplicable(args) => not_applicable(ui, &context()?, &args),
    }
}

/// One item at one scope.
struct Row<'r> {
    scope: &'r ScopeId,
    item: &'r Item,
    standing: &'r ItemStanding,
}

fn rows<'r>(looked: &'r Looked, wanted: impl Fn(&Row<'r>) -> bool) -> Vec<Row<'r>> {
    let mut rows = Vec::new();
    for (scope, asks) in &looked.ground.scopes {
        for item in &asks.items {
            let Some(standing) = looked.board.item(scope, &item.id) else { continue };
            let row = Row { scope, item, standing };
            if wanted(&row) {
                rows.push(row);
            }
        }
    }
    rows
}

fn known_pack(looked: &Looked, name: &str) -> Result<PackName, Failure> {
    let packs = &looked.desired.loaded.packs;
    let found = packs.keys().find(|pack| pack.as_str() == name).cloned();
    found.ok_or_else(|| Failure::usage(format!("no pack is called `{name}`"), "landfall packs list"))
}

fn unknown(looked: &Looked, name: &str) -> Failure {
    let ids: std::collections::BTreeSet<&str> = looked
        .ground
        .scopes
        .values()
        .flat_map(|asks| asks.items.iter().map(|item| item.id.as_str()))
        .collect();
    let help = match crate::base::diagnostic::nearest(name, ids) {
        Some(near) => format!("did you mean {near}?"),
        None => "landfall checklist list shows all of them".to_owned(),
    };
    Failure::usage(format!("no item is called `{name}` there"), help)
}

fn list(ui: &Ui, looked: &Looked, rows: &[Row<'_>], output: Output) {
    if let Output::Json = output {
        let items: Vec<Value> = rows.iter().map(as_json).collect();
        ui.json(&json!({ "v": CHECKLIST_VERSION, "at": looked.board.now, "items": items }));
        return;
    }
    if rows.is_empty() {
        ui.say("No item: packs declare them with [[item]]");
        return;
    }
    let mut lines = table(&["Scope", "Item", "", "State", "On", "Due"]);
    for row in rows {
        let due = row.standing.due.map_or_else(String::new, |due| due.to_string());
        let late = if row.standing.overdue { " OVERDUE" } else { "" };
        lines.add_row([
            row.scope.to_string(),
            row.item.id.to_string(),
            severity(row.item.severity).to_owned(),
            state(&row.standing.state),
            on(row.standing),
            format!("{due}{late}"),
        ]);
    }
    ui.line(lines.to_string().trim_end());
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "high",
        Severity::Normal => "normal",
    }
}

/// Where an item stands, in a few words.
fn state(state: &ItemState) -> String {
    match state {
        ItemState::Open => "open".to_owned(),
        ItemState::Blocked { by } => format!("blocked by {by}"),
        ItemState::Waiting { .. } => "waiting to be stated".to_owned(),
        ItemState::Failed { missing } => format!("failed: {}", missing.join("; ")),
        ItemState::Passed { .. } => "passed".to_owned(),
        ItemState::Expired { .. } => "expired".to_owned(),
        ItemState::NotApplicable { .. } => "not applicable".to_owned(),
        ItemState::Waived { until } => format!("waived until {until}"),
    }
}

fn on(standing: &ItemStanding) -> String {
    if standing.state.is_closed() {
        return String::new();
    }
    let roles: Vec<String> = standing.waits_on().iter().map(ToString::to_string).collect();
    roles.join(", ")
}

fn as_json(row: &Row<'_>) -> Value {
    let standing = row.standing;
    let statements: Vec<Value> = standing
        .statements
        .iter()
        .map(|one| json!({ "text": one.text, "by": one.by, "clinician": one.clinician, "missing": one.missing }))
        .collect();
    json!({
        "scope": row.scope,
        "id": row.item.id,
        "title": row.item.title,
        "pack": row.item.origin.pack,
        "severity": row.item.severity,
        "owner": row.item.owner,
        "responsible": row.item.responsible,
        "escalate_to": row.item.escalate_to,
        "plan_rows": row.item.plan_rows,
        "digest": standing.digest,
        "state": standing.state,
        "closed": standing.state.is_closed(),
        "on": if standing.state.is_closed() { Vec::new() } else { standing.waits_on().into_iter().collect() },
        "since": standing.since,
        "due": standing.due,
        "overdue": standing.overdue,
        "until": standing.until,
        "escalated": standing.escalated,
        "entries": standing.rests_on,
        "statements": statements,
    })
}

fn show(ui: &Ui, looked: &Looked, rows: &[Row<'_>], output: Output) {
    if let Output::Json = output {
        return list(ui, looked, rows, output);
    }
    let blocks: Vec<String> = rows.iter().map(block).collect();
    ui.line(&blocks.join("\n\n"));
}

fn block(row: &Row<'_>) -> String {
    let (item, standing) = (row.item, row.standing);
    let mut lines = vec![
        format!("{} at {}: {}", item.id, row.scope, state(&standing.state)),
        format!("  {}", item.title),
        format!("  severity  {}", severity(item.severity)),
        format!("  owner     {}", item.owner),
        format!("  told late {}", item.escalate_to),
    ];
    let after: Vec<&str> = item.after.iter().map(StepId::as_str).collect();
    if !after.is_empty() {
        lines.push(format!("  after     {}", after.join(", ")));
    }
    if let ItemState::NotApplicable { reason } = &standing.state {
        lines.push(format!("  because   {reason}"));
    }
    lines.extend(standing.waived_by.iter().map(|reason| format!("  waived    {reason}")));
    lines.extend(standing.since.map(|since| format!("  since     {since}")));
    lines.extend(standing.until.map(|until| format!("  until     {until}")));
    let late = if standing.overdue { "  OVERDUE" } else { "" };
    lines.extend(standing.due.map(|due| format!("  due       {due}{late}")));
    let mut number = 0;
    for validator in &item.validate {
        let shown = match validator {
            Validator::Attest(attest) => {
                number += 1;
                let missing = standing.statements.get(number - 1).map(|one| &one.missing);
                let missing: Vec<&str> = missing.into_iter().flatten().map(RoleName::as_str).collect();
                let by: Vec<&str> = attest.by.iter().map(RoleName::as_str).collect();
                let open = if missing.is_empty() {
                    String::new()
                } else {
                    format!("; missing: {}", missing.join(", "))
                };
                format!("statement {number} by {}{open}: \u{201c}{}\u{201d}", by.join(", "), attest.statement)
            }
            other => format!("test {}", validator_word(other)),
        };
        lines.push(format!("  {shown}"));
    }
    lines.push(format!(
        "  declared  {} {} (rendered line {})",
        item.origin.pack, item.origin.template, item.origin.line
    ));
    lines.join("\n")
}

/// A test by the word the files have for it, with what it is about.
fn validator_word(validator: &Validator) -> String {
    let value = serde_json::to_value(validator).unwrap_or(Value::Null);
    let (word, inside) = match value.as_object().and_then(|fields| fields.iter().next()) {
        Some((word, inside)) => (word.clone(), inside.clone()),
        None => return "unknown".to_owned(),
    };
    let about = ["kind", "read", "rule", "first", "url", "name", "host", "group", "metric", "at"];
    let about = about.iter().find_map(|key| inside.get(*key).and_then(Value::as_str));
    about.map_or_else(|| word.clone(), |about| format!("{word} {about}"))
}

/// The register of waivers.
pub fn waiver_report(ui: &Ui, context: &Context, moment: &Moment, output: Output) -> Result<Exit, Failure> {
    let looked = look(context, moment)?;
    let all = waivers(&looked.board);
    match output {
        Output::Json => {
            ui.json(&json!({ "v": WAIVERS_VERSION, "at": looked.board.now, "waivers": all }));
        }
        Output::Text if all.is_empty() => ui.say("Nothing was ever waived"),
        Output::Text => {
            let mut lines = table(&["Scope", "What", "Owner", "Until", "Standing", "Reason", "Instead"]);
            for one in &all {
                lines.add_row([
                    one.scope.to_string(),
                    one.what.clone(),
                    format!("{} ({})", one.person, one.role),
                    one.until.map_or_else(String::new, |until| until.to_string()),
                    one.standing.word().to_owned(),
                    one.reason.clone(),
                    one.compensating.clone(),
                ]);
            }
            ui.line(lines.to_string().trim_end());
        }
    }
    Ok(Exit::Done)
}
