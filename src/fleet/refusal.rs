//! Why an input is refused, and the plans that no launch can carry out.

use std::collections::BTreeSet;

use crate::base::id::{ScopeId, WaveName};
use crate::base::time::Timestamp;
use crate::model::calendar::{Shut, Standing};
use crate::model::fleet_event::HaltReason;
use crate::model::plan::Plan;

/// Why an input was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The launch has already begun.
    #[error("the launch has already begun: take it up again instead")]
    AlreadyStarted,
    /// The launch has not begun.
    #[error("the launch has not begun")]
    NotStarted,
    /// The launch has ended.
    #[error("the launch has ended")]
    Ended,
    /// The launch was called off.
    #[error("the launch was called off: plan what is left anew")]
    CalledOff,
    /// The plan has no such scope.
    #[error("the plan has no scope {0}")]
    UnknownScope(ScopeId),
    /// The plan has no such wave.
    #[error("the plan has no wave {0}")]
    UnknownWave(WaveName),
    /// A site's steps are planned, but the site is in no wave, or in two.
    #[error("the plan does not place {0} in exactly one wave")]
    Misplaced(ScopeId),
    /// A scope needs something that comes no earlier than itself.
    #[error("{scope} cannot need {need}: a site may need regions and the account, a region the account")]
    Backward {
        /// The scope.
        scope: ScopeId,
        /// What it needs.
        need: ScopeId,
    },
    /// A scope's calendar never lets its changes begin.
    #[error("{scope} can never be changed: {why}")]
    NeverOpen {
        /// The scope.
        scope: ScopeId,
        /// Why not.
        why: Shut,
    },
    /// The account and the regions cannot be taken out.
    #[error("{0} cannot be taken out: sites need it; call the launch off instead")]
    Shared(ScopeId),
    /// The scope has ended and cannot be taken out.
    #[error("{scope} has {} already", past(.phase))]
    HasEnded {
        /// The scope.
        scope: ScopeId,
        /// The word of its phase.
        phase: &'static str,
    },
    /// The scope cannot be tried again.
    #[error("{scope} cannot be tried again: it is {phase}")]
    NotRetryable {
        /// The scope.
        scope: ScopeId,
        /// The word of its phase.
        phase: &'static str,
    },
    /// Nothing failed, was called off, or was skipped.
    #[error("nothing is there to be tried again")]
    NothingToRetry,
    /// Something that the scope needs did not end well, and is not to be tried again.
    #[error("{scope} needs {need}, which did not end well: try that again too")]
    NeedFirst {
        /// The scope.
        scope: ScopeId,
        /// What it needs.
        need: ScopeId,
    },
    /// The wave would be halted again at once.
    #[error("wave {wave} would be halted again at once: {why}")]
    StillHalted {
        /// The wave.
        wave: WaveName,
        /// Why.
        why: HaltReason,
    },
}

fn past(phase: &&'static str) -> String {
    match *phase {
        "skipped" => "been skipped".to_owned(),
        "aborted" => "been called off".to_owned(),
        other => other.to_owned(),
    }
}

/// Why a launch of this plan cannot begin.
pub(super) fn unlaunchable(plan: &Plan, now: Timestamp) -> Option<Refusal> {
    misplaced(plan).map(Refusal::Misplaced).or_else(|| backward(plan)).or_else(|| never_open(plan, now))
}

/// A site without a place, with two, or with a place but without steps.
fn misplaced(plan: &Plan) -> Option<ScopeId> {
    let mut placed = BTreeSet::new();
    for site in plan.fleet.waves.iter().flat_map(|wave| &wave.sites) {
        let scope = ScopeId::Site(site.clone());
        if !plan.scopes.contains_key(&scope) || !placed.insert(scope.clone()) {
            return Some(scope);
        }
    }
    plan.scopes.keys().find(|scope| scope.site().is_some() && !placed.contains(*scope)).cloned()
}

fn backward(plan: &Plan) -> Option<Refusal> {
    let stage = |scope: &ScopeId| match scope {
        ScopeId::Account => 0,
        ScopeId::Region(_) => 1,
        ScopeId::Site(_) => 2,
    };
    let mut edges =
        plan.scopes.iter().flat_map(|(scope, steps)| steps.needs.iter().map(move |need| (scope, need)));
    let (scope, need) = edges.find(|(scope, need)| stage(need) >= stage(scope))?;
    Some(Refusal::Backward { scope: scope.clone(), need: need.clone() })
}

fn never_open(plan: &Plan, now: Timestamp) -> Option<Refusal> {
    plan.scopes.iter().find_map(|(scope, steps)| {
        let calendar = steps.calendar.as_ref().filter(|_| steps.mutates())?;
        match calendar.standing(now, steps.expected) {
            Standing::Never { why } => Some(Refusal::NeverOpen { scope: scope.clone(), why }),
            Standing::Open { .. } | Standing::Shut { .. } => None,
        }
    })
}
