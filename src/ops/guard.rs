//! What an ordinary yes is not enough for: steps that cannot be undone and steps that destroy something are named one by
//! one, and nobody is locked out.

mod lockout;

use std::collections::BTreeSet;

use crate::base::id::{KindName, LogId, ScopeId, StepId};
use crate::journal::Journal;
use crate::kind::{self, Registry};
use crate::model::entry::Actor;
use crate::model::plan::{Operation, Plan, Reconcile, Reversal, SavedPlan};
use crate::ops::Context;
use crate::ops::error::Failure;
use crate::ops::note::{Note, append};

pub use lockout::refuse_lockout;

/// The kind of the entry that says who named what.
pub const NAMED: &str = "one-way.named";

/// The kind of the entry that says who allowed which objects to be destroyed.
pub const ALLOWED: &str = "destroy.allowed";

/// A step that must be named before it is carried out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OneWayStep {
    /// Its scope.
    pub scope: ScopeId,
    /// Its name.
    pub step: StepId,
    /// The kind of its object.
    pub kind: KindName,
    /// What is done to it.
    pub operation: Operation,
    /// What is lost by it.
    pub why: String,
}

impl OneWayStep {
    /// What is typed to name it.
    pub fn name(&self) -> String {
        format!("{} {}", self.scope, self.step)
    }
}

/// How far a planned operation can be undone: what the plan says, or what the tables say now if that is worse. The reason
/// is the tables'.
pub fn undo(reconcile: &Reconcile) -> (Reversal, String) {
    if reconcile.operation == Operation::None {
        return (Reversal::Reversible, String::new());
    }
    let unknown = (Reversal::OneWay, "this program does not know the kind");
    let (rank, why) = Registry::standard()
        .get(&reconcile.kind)
        .map_or(unknown, |kind| kind::undo(kind, reconcile.operation, &reconcile.spec, &reconcile.changes));
    let why = if rank < reconcile.reversal { "the plan says so" } else { why };
    (rank.max(reconcile.reversal), why.to_owned())
}

/// The steps of a plan that cannot be undone and are not accepted beforehand, in order.
pub fn one_way(plan: &Plan) -> Vec<OneWayStep> {
    let accepted = |reconcile: &Reconcile| {
        reconcile.operation == Operation::Create
            && plan.consents.iter().any(|consent| consent.kind == reconcile.kind)
    };
    let steps = plan.reconciles().filter(|(_, _, reconcile)| !accepted(reconcile));
    // Whether somebody is shut out depends on where they come in from, which no plan tells: then they must be asked.
    steps
        .filter_map(|(scope, step, reconcile)| {
            let (rank, why) = undo(reconcile);
            let shut_out = Registry::standard()
                .get(&reconcile.kind)
                .and_then(|kind| kind::shuts_out(kind, reconcile.operation, &reconcile.changes));
            let why = match (rank, shut_out) {
                (Reversal::OneWay, _) => why,
                (_, Some(why)) => why.to_owned(),
                (Reversal::Reversible | Reversal::WithLoss, None) => return None,
            };
            Some(OneWayStep {
                scope: scope.clone(),
                step: step.clone(),
                kind: reconcile.kind.clone(),
                operation: reconcile.operation,
                why,
            })
        })
        .collect()
}

/// The steps of a plan that take something away which cannot be brought back whole, in order. Those that cannot be undone at
/// all are among [`one_way`], and what holds data is refused altogether.
pub fn destroys(plan: &Plan) -> Vec<OneWayStep> {
    let gone = |one: &Reconcile| matches!(one.operation, Operation::Delete | Operation::Replace);
    let steps = plan.reconciles().filter(|(_, _, reconcile)| gone(reconcile));
    steps
        .filter_map(|(scope, step, reconcile)| {
            let (rank, why) = undo(reconcile);
            (rank == Reversal::WithLoss).then(|| OneWayStep {
                scope: scope.clone(),
                step: step.clone(),
                kind: reconcile.kind.clone(),
                operation: reconcile.operation,
                why,
            })
        })
        .collect()
}

/// Steps as lines, each with its reason.
pub fn lines(steps: &[OneWayStep]) -> String {
    let line = |one: &OneWayStep| {
        let operation = match one.operation {
            Operation::None => "none",
            Operation::Create => "create",
            Operation::Update => "change",
            Operation::Replace => "replace",
            Operation::Delete => "delete",
        };
        format!("  {}   ({operation} {}: {})", one.name(), one.kind, one.why)
    };
    steps.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// What names steps, and what is said where a name is missing.
struct Naming {
    flag: &'static str,
    missing: &'static str,
}

const ONE_WAY: Naming = Naming {
    flag: "--one-way",
    missing: "the plan has steps that can never be undone; an ordinary yes is not enough",
};

const ALLOW_DESTROY: Naming = Naming {
    flag: "--allow-destroy",
    missing: "the plan destroys objects, and something is lost with each; an ordinary yes is not enough",
};

/// Refuses a plan whose one-way steps were not all named, exactly and one by one.
///
/// # Errors
///
/// `Refused` with the steps and what to type.
pub fn refuse_unnamed(saved: &SavedPlan, named: &[String]) -> Result<(), Failure> {
    ONE_WAY.check(one_way(&saved.plan), named)
}

/// Refuses a plan that destroys something with loss unless each such step was named, exactly and one by one.
///
/// # Errors
///
/// `Refused` with the steps and what to type.
pub fn refuse_unallowed(saved: &SavedPlan, named: &[String]) -> Result<(), Failure> {
    ALLOW_DESTROY.check(destroys(&saved.plan), named)
}

impl Naming {
    fn check(&self, steps: Vec<OneWayStep>, named: &[String]) -> Result<(), Failure> {
        let Self { flag, missing: head } = self;
        let known: BTreeSet<String> = steps.iter().map(OneWayStep::name).collect();
        let spoken: BTreeSet<String> = named.iter().map(|name| words(name)).collect();
        if let Some(odd) = spoken.iter().find(|name| !known.contains(*name)) {
            let what = if odd.contains(['*', '?', '[', ',']) {
                "steps are named one by one, without wildcards"
            } else {
                "the plan has no such step that needs to be named"
            };
            return Err(Failure::Refused { reason: format!("{flag} '{odd}': {what}") });
        }
        let missing: Vec<OneWayStep> =
            steps.into_iter().filter(|one| !spoken.contains(&one.name())).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let type_this: Vec<String> = missing.iter().map(|one| format!("{flag} '{}'", one.name())).collect();
        let reason = format!("{head}:\n{}\nName each of them: add {}", lines(&missing), type_this.join(" "));
        Err(Failure::Refused { reason })
    }
}

fn words(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Records in the org log who named which one-way steps of a plan, and which objects that it destroys. Does nothing where
/// there are none.
///
/// # Errors
///
/// If somebody else writes the log, or the journal fails.
pub fn record_named(
    context: &Context,
    saved: &SavedPlan,
    actor: &Actor,
    journal: &mut dyn Journal,
) -> Result<(), Failure> {
    for (kind, steps) in [(NAMED, one_way(&saved.plan)), (ALLOWED, destroys(&saved.plan))] {
        if steps.is_empty() {
            continue;
        }
        let names: Vec<String> = steps.iter().map(OneWayStep::name).collect();
        let body = serde_json::json!({ "steps": names });
        append(context, journal, &LogId::Org, Note::new(kind, body).by(actor).on(saved.digest))?;
    }
    Ok(())
}
