//! What is asked when a launch begins or goes on: the approvals that its plan needs, or the signed way past them.

use std::collections::BTreeSet;

use super::table::Table;
use crate::base::id::ScopeId;
use crate::cli::args::Apply;
use crate::cli::run::journal_to_read;
use crate::cli::signing::Signing;
use crate::cli::ui::Ui;
use crate::journal::sqlite::SqliteJournal;
use crate::model::estate::Estate;
use crate::model::plan::SavedPlan;
use crate::model::signed::{Act, Statement};
use crate::ops::approvals::{self, Carved, Case, meaning};
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::launch::Found;
use crate::ops::{self, Context};

/// What is asked before a launch begins: the approvals that the plan needs, or the signed way past them.
pub fn before_launch(
    ui: &Ui,
    context: &Context,
    saved: &SavedPlan,
    estate: &Estate,
    journal: &mut SqliteJournal,
    args: &Apply,
) -> Result<Vec<Carved>, Failure> {
    let now = context.clock.now();
    let refused = match approvals::refuse_unapproved(saved, estate, journal, now) {
        Ok(carved) => {
            told_carved(ui, &carved);
            return Ok(carved);
        }
        Err(refused) => refused,
    };
    let (true, Some(reason), Failure::Refused { .. }) =
        (args.glass.break_glass, &args.glass.reason, &refused)
    else {
        return Err(refused);
    };
    break_glass(ui, context, (saved, estate), journal, (&args.glass.signing, reason))?;
    approvals::refuse_unapproved(saved, estate, journal, now)
}

fn break_glass(
    ui: &Ui,
    context: &Context,
    (saved, estate): (&SavedPlan, &Estate),
    journal: &mut SqliteJournal,
    (signing, reason): (&Signing, &str),
) -> Result<(), Failure> {
    let case = Case::open(saved, estate, journal)?;
    let table = Table { ui, context, estate, case };
    let by = signing.decider(table.desk(), &table.seats(&BTreeSet::new()))?;
    let subject = table.case.subject([]);
    let meaning = meaning::breaks_glass(&table.case, &subject);
    let made = table.statement(by, subject, Act::BreakGlass {}, meaning);
    let statement = Statement { comment: reason.to_owned(), ..made };
    if table.settle(signing, statement, journal)?.is_none() {
        let reason = "the statement was written out; nothing was launched".to_owned();
        return Err(Failure::Refused { reason });
    }
    ui.always(&format!(
        "BREAK-GLASS: launched without approvals. Somebody else reviews it within {} hours: landfall review PLAN --break-glass",
        estate.break_glass_hours
    ));
    Ok(())
}

/// What is asked when a launch is taken up again.
pub fn before_resume(
    ui: &Ui,
    context: &Context,
    found: &Found,
    estate: &Estate,
    journal: &mut SqliteJournal,
) -> Result<(), Failure> {
    let carved = approvals::refuse_unheld(&found.saved, estate, journal, context.clock.now())?;
    let open = |carved: &Carved| {
        let scope = ScopeId::Site(carved.site.clone());
        found.fleet.scopes().get(&scope).is_some_and(|phase| !phase.is_ended())
    };
    let carved: Vec<Carved> = carved.into_iter().filter(open).collect();
    told_carved(ui, &carved);
    ops::launch::take_out(context, journal, &found.run, &carved)
}

/// Says loudly which launches went past their approvals and were not reviewed yet.
pub fn told_emergencies(ui: &Ui, context: &Context, desired: &Desired) -> Result<(), Failure> {
    let journal = journal_to_read(context)?;
    let now = context.clock.now();
    let opened = approvals::break_glass::opened(&desired.loaded.estate, &*journal, now)?;
    opened.iter().filter(|one| one.is_open()).for_each(|one| ui.always(&one.line(now)));
    Ok(())
}

fn told_carved(ui: &Ui, carved: &[Carved]) {
    for Carved { site, by, reason } in carved {
        ui.always(&format!("{site} is left out: {by} rejected its part: {reason}"));
    }
}
