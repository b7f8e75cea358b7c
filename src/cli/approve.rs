//! Decisions about plans: asked for, given, refused, reviewed, taken back, listed.

pub mod launch;
mod table;
mod words;

use std::collections::BTreeSet;

use super::args::Output;
use super::exit::Exit;
use super::run::at;
use super::signing::Decider;
use super::ui::Ui;
use crate::approval::need::is_of_site;
use crate::base::id::{PersonId, ScopeId};
use crate::evidence::question::moment;
use crate::model::signed::{Act, Condition, Statement, Subject};
use crate::ops::approvals::{self, Case, meaning};
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::{self, Context, guard};
use crate::people::Seat;
use crate::report::brief;

use table::{Opened, Table, open};
pub use words::{ApprovalsCommand, Approve, Glass, Reject, Request, Review, Withdraw};

/// Asks for the approval of a plan.
pub fn request(ui: &Ui, context: &Context, args: &Request) -> Result<Exit, Failure> {
    let opened = open(context, &args.of)?;
    let table = opened.table(ui)?;
    let by = args.of.signing.decider(table.desk(), &table.any_seat())?;
    let built_by = args.built_by.iter().map(|name| builder(name)).collect::<Result<_, _>>()?;
    let subject = table.case.subject([]);
    let meaning = meaning::requests(&table.case, &subject, args.class.into());
    let act = Act::Request { built_by, class: args.class.into(), ticket: args.ticket.clone() };
    let statement = Statement { comment: args.comment.clone(), ..table.statement(by, subject, act, meaning) };
    show(ui, &opened, None);
    let mut journal = opened.another()?;
    if table.settle(&args.of.signing, statement, &mut journal)?.is_some() {
        table.told(&journal, opened.estate())?;
    }
    Ok(Exit::Done)
}

/// Somebody who built it need not be known: a contractor is kept out all the same.
fn builder(name: &str) -> Result<PersonId, Failure> {
    PersonId::new(name).map_err(|bad| Failure::usage(bad.to_string(), "--built-by data-team-lead"))
}

/// Approves a plan or parts of it.
pub fn approve(ui: &Ui, context: &Context, args: &Approve) -> Result<Exit, Failure> {
    let opened = open(context, &args.of)?;
    let table = opened.table(ui)?;
    let named = table.scopes(&args.parts)?;
    let by = args.of.signing.decider(table.desk(), &table.seats(&named))?;
    let scopes = own_sites(&table, &by, named);
    let one_way = one_way(&table, &by, &scopes, &args.one_way)?;
    let conditions = args.conditional.iter().map(|text| condition(text)).collect::<Result<_, _>>()?;
    let expires = args.expires.as_deref().map(moment::until).transpose();
    let expires = expires.map_err(|bad| Failure::usage(bad.to_string(), "write a day as 2027-01-11"))?;
    let subject = table.case.subject(&scopes);
    let meaning = meaning::approves(&table.case, &subject);
    let act = Act::Approve { conditions, one_way };
    let made = table.statement(by, subject, act, meaning);
    let statement = Statement { expires, comment: args.comment.clone(), ..made };
    show(ui, &opened, Some(&scopes));
    let mut journal = opened.another()?;
    if table.settle(&args.of.signing, statement, &mut journal)?.is_some() {
        table.told(&journal, opened.estate())?;
        ui.say(&format!("Next: landfall apply {}", args.of.plan.display()));
    }
    Ok(Exit::Done)
}

/// A site's own role decides about that site's part, and about no other.
fn own_sites(table: &Table<'_>, by: &Decider, named: BTreeSet<ScopeId>) -> BTreeSet<ScopeId> {
    if !named.is_empty() || !is_of_site(&by.role) {
        return named;
    }
    let today = crate::model::calendar::zone::local(&table.case.zone, table.context.clock.now()).date();
    let sites = table.case.saved.plan.scopes.keys().filter(|scope| {
        let seat = Seat { role: by.role.clone(), site: scope.site().cloned() };
        let able = crate::people::may_act(table.case.people, &seat, today);
        seat.site.is_some() && able.iter().any(|(person, _)| *person == by.person)
    });
    sites.cloned().collect()
}

/// What is named of that which cannot be undone, as the statement has it.
fn one_way(
    table: &Table<'_>,
    by: &Decider,
    scopes: &BTreeSet<ScopeId>,
    named: &[String],
) -> Result<BTreeSet<String>, Failure> {
    let case = &table.case;
    let steps = guard::one_way(&case.saved.plan);
    let mut found = BTreeSet::new();
    for name in named {
        let typed = name.split_whitespace().collect::<Vec<_>>().join(" ");
        let step = steps
            .iter()
            .find(|step| step.name() == typed || step.name().strip_prefix("site/") == Some(&*typed));
        let Some(step) = step else {
            let what = if typed.contains(['*', '?', '[', ',']) {
                "steps are named one by one, without wildcards (rule wildcard)"
            } else {
                "the plan has no such step that needs to be named"
            };
            return Err(Failure::Refused { reason: format!("--one-way '{typed}': {what}") });
        };
        found.insert(case.one_way_name(&step.scope, step.step.as_str()));
    }
    let mut missing = Vec::new();
    for need in case.saved.plan.approvals.iter().filter(|need| need.roles.contains(&by.role)) {
        for (scope, ids) in
            need.one_way.iter().filter(|(scope, _)| scopes.is_empty() || scopes.contains(scope))
        {
            let open = ids.iter().filter(|id| !found.contains(&case.one_way_name(scope, id)));
            missing.extend(open.map(|id| format!("  --one-way '{scope} {id}'")));
        }
    }
    if missing.is_empty() {
        return Ok(found);
    }
    let reason = format!(
        "these steps can never be undone, and whoever approves names each of them (rule one-way-not-named):\n{}",
        missing.join("\n")
    );
    Err(Failure::Refused { reason })
}

/// `shadow>=30d`.
fn condition(text: &str) -> Result<Condition, Failure> {
    let parsed = text.split_once(">=").and_then(|(name, days)| {
        let name = name.trim();
        let days_min = days.trim().strip_suffix('d')?.parse().ok()?;
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        (!name.is_empty() && plain).then(|| Condition { name: name.to_owned(), days_min })
    });
    parsed.ok_or_else(|| {
        Failure::usage(
            format!("`{text}` is not a condition"),
            "write a name and days: --conditional 'shadow>=30d'",
        )
    })
}

/// Rejects a plan or parts of it.
pub fn reject(ui: &Ui, context: &Context, args: &Reject) -> Result<Exit, Failure> {
    if args.reason.trim().is_empty() {
        return Err(Failure::usage("the reason is empty", "say why: --reason \"…\""));
    }
    let opened = open(context, &args.of)?;
    let table = opened.table(ui)?;
    let named = table.scopes(&args.parts)?;
    let by = args.of.signing.decider(table.desk(), &table.seats(&named))?;
    let scopes = own_sites(&table, &by, named);
    let subject = table.case.subject(&scopes);
    let meaning = meaning::rejects(&table.case, &subject);
    let made = table.statement(by, subject, Act::Reject {}, meaning);
    let statement = Statement { comment: args.reason.clone(), ..made };
    let mut journal = opened.another()?;
    if table.settle(&args.of.signing, statement, &mut journal)?.is_some() {
        if scopes.is_empty() {
            ui.result("The plan is a draft again: change what the reason says, then plan anew");
        } else {
            ui.result("A launch goes on without these sites");
        }
        table.told(&journal, opened.estate())?;
    }
    Ok(Exit::Done)
}

/// Says that a plan was reviewed, that a condition is met, or that an emergency was looked at.
pub fn review(ui: &Ui, context: &Context, args: &Review) -> Result<Exit, Failure> {
    let opened = open(context, &args.of)?;
    let table = opened.table(ui)?;
    let asked = if args.condition.is_some() { table.seats(&BTreeSet::new()) } else { table.any_seat() };
    let by = args.of.signing.decider(table.desk(), &asked)?;
    let whole = table.case.subject([]);
    let (act, subject, meaning) = match &args.condition {
        Some(name) => {
            let subject = conditioned(&table, &by, name).unwrap_or(whole);
            let meaning = meaning::meets(name, &subject);
            (Act::Attest {}, subject, meaning)
        }
        None if args.break_glass => (Act::Review {}, whole.clone(), meaning::reviews_emergency(&whole)),
        None => (Act::Review {}, whole.clone(), meaning::reviews(&table.case, &whole)),
    };
    let statement = Statement { comment: args.comment.clone(), ..table.statement(by, subject, act, meaning) };
    if args.condition.is_none() {
        show(ui, &opened, None);
    }
    let mut journal = opened.another()?;
    if table.settle(&args.of.signing, statement, &mut journal)?.is_some() {
        table.told(&journal, opened.estate())?;
    }
    Ok(Exit::Done)
}

/// What the approval with this condition was about.
fn conditioned(table: &Table<'_>, by: &Decider, name: &str) -> Option<Subject> {
    let own = table.case.decisions.iter().map(|decision| &decision.signed.statement);
    let mut own = own.filter(|statement| statement.person == by.person);
    let has = |statement: &&Statement| {
        statement.act.conditions().unwrap_or_default().iter().any(|condition| condition.name == name)
    };
    own.rfind(has).map(|statement| statement.subject.clone())
}

/// Takes back what somebody decided.
pub fn withdraw(ui: &Ui, context: &Context, args: &Withdraw) -> Result<Exit, Failure> {
    let opened = open(context, &args.of)?;
    let table = opened.table(ui)?;
    let scopes = table.scopes(&args.parts)?;
    let by = args.of.signing.decider(table.desk(), &table.any_seat())?;
    let subject = table.case.subject(&scopes);
    let meaning = meaning::withdraws(&table.case, &subject);
    let made = table.statement(by, subject, Act::Withdraw {}, meaning);
    let statement = Statement { comment: args.comment.clone(), ..made };
    let mut journal = opened.another()?;
    if table.settle(&args.of.signing, statement, &mut journal)?.is_some() {
        table.told(&journal, opened.estate())?;
    }
    Ok(Exit::Done)
}

/// Shows where a plan's approvals stand.
pub fn approvals(ui: &Ui, context: &Context, command: ApprovalsCommand) -> Result<Exit, Failure> {
    let ApprovalsCommand::List { plan, moment, output } = command;
    let context = &at(context, &moment)?;
    let saved = ops::plan::read(&plan)?;
    ops::target::refuse_shifted(context, &saved.plan.target)?;
    let desired = Desired::read(&context.root)?;
    let journal = super::run::journal_to_read(context)?;
    let case = Case::open(&saved, &desired.loaded.estate, &*journal)?;
    let standing = case.standing(context.clock.now());
    match output {
        Output::Json => ui.json(&approvals::shown(&case, &standing)),
        Output::Text => {
            ui.line(&format!("Plan {} for {}", saved.digest, case.subject([]).name));
            approvals::lines(&case, &standing).iter().for_each(|line| ui.line(line));
        }
    }
    Ok(Exit::Done)
}

/// Shows what is going to be signed: what cannot be undone and what is destroyed first, then the plan on one page.
fn show(ui: &Ui, opened: &Opened, scopes: Option<&BTreeSet<ScopeId>>) {
    let steps = guard::one_way(&opened.saved.plan);
    if !steps.is_empty() {
        ui.say("Cannot be undone:");
        ui.say(&guard::lines(&steps));
    }
    let outlook = ops::overview::outlook(&opened.saved, Some(opened.estate()));
    ui.say(brief::text(&opened.saved, &outlook).trim_end());
    if let Some(scopes) = scopes.filter(|scopes| !scopes.is_empty()) {
        let names: Vec<String> = scopes.iter().map(ToString::to_string).collect();
        ui.say(&format!("Only the parts of {}", names.join(", ")));
    }
}
