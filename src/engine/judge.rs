//! What follows from a finding: the rules as two tables, without time or counters.

use crate::model::entry::BlobRef;
use crate::model::event::Rest;
use crate::model::finding::{Finding, Goal, Look, NextCall, Readback};
use crate::model::outcome::{Cause, CauseClass};
use crate::model::plan::Operation;

/// What is to follow.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Verdict {
    /// The goal is reached.
    Succeed(Readback),
    /// Send this call.
    Call(NextCall),
    /// Send this update to finish a create, if it is time; else look again.
    FollowUp,
    /// It is ours and on its way: watch it.
    Watch { id: Option<String> },
    /// Wait, then look afresh.
    Rest { why: Rest, cause: Cause },
    /// Not yet: look again later.
    Poll { seen: String, wait: Wait },
    /// Give up.
    Fail { cause: Cause, readback: Option<BlobRef> },
}

/// How long "not yet" is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// It shows something else than what was applied.
    Settle,
    /// It says that it is not ready.
    Ready,
    /// It could not be read, so either may be true.
    Either,
}

/// Before a call: what a look at the object means for a step. `operation` is none for a check.
pub(super) fn observed(operation: Option<Operation>, look: Look, finding: Finding) -> Verdict {
    match finding {
        Finding::Absent => absent(operation, look.goal),
        Finding::Matches { readback } => match look.goal {
            Goal::AsDesired => Verdict::Succeed(readback),
            Goal::Gone => call(operation, look.goal, NextCall::Delete),
        },
        Finding::Differs { call: wanted, .. } => call(operation, look.goal, wanted),
        Finding::Pending { id, .. } if look.ours => Verdict::Watch { id },
        Finding::Pending { state, .. } => Verdict::Rest {
            why: Rest::NotReady,
            cause: Cause::new(CauseClass::Busy, format!("the object is {state}")),
        },
        Finding::Unreadable { cause, retry: true } => Verdict::Rest { why: Rest::Unreadable, cause },
        Finding::Holds { readback } => Verdict::Succeed(readback),
        Finding::Broken { .. }
        | Finding::Foreign { .. }
        | Finding::Stale { .. }
        | Finding::Unreadable { .. }
        | Finding::Fails { .. } => hopeless(finding),
    }
}

/// After a call: what a look at the object means for a step.
pub(super) fn verified(operation: Option<Operation>, look: Look, finding: Finding) -> Verdict {
    let settle = |seen: &str| Verdict::Poll { seen: seen.to_owned(), wait: Wait::Settle };
    match (finding, look.goal) {
        (Finding::Absent, Goal::Gone) => absent(operation, Goal::Gone),
        (Finding::Absent, Goal::AsDesired) => settle("not there yet"),
        (Finding::Matches { readback } | Finding::Holds { readback }, Goal::AsDesired) => {
            Verdict::Succeed(readback)
        }
        (Finding::Matches { .. } | Finding::Holds { .. } | Finding::Differs { .. }, Goal::Gone) => {
            settle("still there")
        }
        (Finding::Differs { call: wanted, after_create: true, .. }, Goal::AsDesired)
            if wanted == NextCall::Update && permits(operation, look.goal, wanted) =>
        {
            Verdict::FollowUp
        }
        (Finding::Differs { .. }, Goal::AsDesired) => settle("still as before"),
        (Finding::Pending { state, .. }, _) => Verdict::Poll { seen: state, wait: Wait::Ready },
        (Finding::Unreadable { cause, retry: true }, _) => {
            Verdict::Poll { seen: cause.message, wait: Wait::Either }
        }
        (
            finding @ (Finding::Broken { .. }
            | Finding::Foreign { .. }
            | Finding::Stale { .. }
            | Finding::Unreadable { .. }
            | Finding::Fails { .. }),
            _,
        ) => hopeless(finding),
    }
}

fn absent(operation: Option<Operation>, goal: Goal) -> Verdict {
    let stale = |message: &str| fail(Cause::new(CauseClass::Stale, message));
    match operation {
        Some(Operation::Delete) => Verdict::Succeed(Readback::default()),
        Some(Operation::Create | Operation::Replace) => Verdict::Call(NextCall::Create),
        Some(Operation::None | Operation::Update) if goal == Goal::AsDesired => {
            stale("the object was there when the plan was made, and is not any more")
        }
        Some(Operation::None | Operation::Update) => stale("the plan does not delete this object"),
        None => fail(Cause::new(CauseClass::Expectation, "there is nothing to read")),
    }
}

fn call(operation: Option<Operation>, goal: Goal, wanted: NextCall) -> Verdict {
    if permits(operation, goal, wanted) {
        return Verdict::Call(wanted);
    }
    let name = match wanted {
        NextCall::Create => "created",
        NextCall::Update => "changed",
        NextCall::Delete => "deleted",
    };
    fail(Cause::new(
        CauseClass::Stale,
        format!("the object would have to be {name}, which is not in the plan"),
    ))
}

/// Whether the plan's operation holds this call: nothing is ever done that the plan did not show.
fn permits(operation: Option<Operation>, goal: Goal, wanted: NextCall) -> bool {
    match (operation, goal) {
        (Some(Operation::Create | Operation::Replace), Goal::AsDesired) => wanted != NextCall::Delete,
        (Some(Operation::Update), Goal::AsDesired) => wanted == NextCall::Update,
        (Some(Operation::Delete | Operation::Replace), Goal::Gone) => wanted == NextCall::Delete,
        (Some(Operation::None | Operation::Delete | Operation::Create | Operation::Update) | None, _) => {
            false
        }
    }
}

fn hopeless(finding: Finding) -> Verdict {
    match finding {
        Finding::Broken { cause } | Finding::Unreadable { cause, .. } => fail(cause),
        Finding::Foreign { id } => fail(Cause::new(
            CauseClass::Foreign,
            format!(
                "an object with the same name exists that was not made by landfall; its id is {id}; if it is yours, \
                 landfall adopt --discover shows how to take it over"
            ),
        )),
        Finding::Stale { what } => fail(Cause::new(CauseClass::Stale, what)),
        Finding::Fails { cause, readback } => Verdict::Fail { cause, readback: readback.blob },
        Finding::Absent
        | Finding::Matches { .. }
        | Finding::Pending { .. }
        | Finding::Differs { .. }
        | Finding::Holds { .. } => unreachable!("sorted-by-judge: the finding leaves hope"),
    }
}

fn fail(cause: Cause) -> Verdict {
    Verdict::Fail { cause, readback: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPERATIONS: [Option<Operation>; 6] = [
        None,
        Some(Operation::None),
        Some(Operation::Create),
        Some(Operation::Update),
        Some(Operation::Replace),
        Some(Operation::Delete),
    ];

    fn look(goal: Goal, ours: bool) -> Look {
        Look { goal, ours }
    }

    #[test]
    fn no_call_goes_beyond_the_plan() {
        let mut seen = Vec::new();
        for operation in OPERATIONS {
            for goal in [Goal::AsDesired, Goal::Gone] {
                for wanted in [NextCall::Create, NextCall::Update, NextCall::Delete] {
                    if permits(operation, goal, wanted) {
                        let name = operation.map(|op| format!("{op:?}")).unwrap_or_default();
                        seen.push(format!("{name} {goal:?} {wanted:?}"));
                    }
                }
            }
        }
        assert_eq!(
            seen,
            [
                "Create AsDesired Create",
                "Create AsDesired Update",
                "Update AsDesired Update",
                "Replace AsDesired Create",
                "Replace AsDesired Update",
                "Replace Gone Delete",
                "Delete Gone Delete",
            ]
        );
    }

    #[test]
    fn a_foreign_or_stale_object_is_never_called_upon() {
        for operation in OPERATIONS {
            for ours in [false, true] {
                for finding in
                    [Finding::Foreign { id: "7".to_owned() }, Finding::Stale { what: "changed".to_owned() }]
                {
                    for judge in [observed, verified] {
                        let verdict = judge(operation, look(Goal::AsDesired, ours), finding.clone());
                        assert!(
                            matches!(verdict, Verdict::Fail { .. }),
                            "{operation:?} {finding:?}: {verdict:?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn absence_after_a_create_is_not_a_reason_to_create_again() {
        let create = Some(Operation::Create);
        let verdict = verified(create, look(Goal::AsDesired, true), Finding::Absent);
        assert_eq!(verdict, Verdict::Poll { seen: "not there yet".to_owned(), wait: Wait::Settle });
        let verdict = observed(create, look(Goal::AsDesired, true), Finding::Absent);
        assert_eq!(verdict, Verdict::Call(NextCall::Create), "but before one it is");
    }
}
