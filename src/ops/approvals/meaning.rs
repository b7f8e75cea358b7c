//! What signatures about plans mean, in one sentence each. Whoever signs sees it, and it is under the signature.

use super::Case;
use crate::model::plan::TargetName;
use crate::model::signed::{ChangeClass, Subject};

fn what(case: &Case<'_>, subject: &Subject) -> String {
    let TargetName { name, host, .. } = &case.saved.plan.target;
    let parts = match subject.parts.len() {
        0 => "all of the plan".to_owned(),
        1 => "one part of the plan".to_owned(),
        count => format!("{count} parts of the plan"),
    };
    format!("{parts} {} for {} at target {name} ({host})", subject.digest, subject.name)
}

/// Of an approval.
pub fn approves(case: &Case<'_>, subject: &Subject) -> String {
    format!("I have read {} and approve that exactly this is carried out.", what(case, subject))
}

/// Of a rejection.
pub fn rejects(case: &Case<'_>, subject: &Subject) -> String {
    format!("I reject {}; it must not be carried out.", what(case, subject))
}

/// Of a review.
pub fn reviews(case: &Case<'_>, subject: &Subject) -> String {
    format!("I have reviewed {}, did not build it, and found it right.", what(case, subject))
}

/// Of a request.
pub fn requests(case: &Case<'_>, subject: &Subject, class: ChangeClass) -> String {
    let class = match class {
        ChangeClass::Normal => "a normal change",
        ChangeClass::Standard => "a standard change",
        ChangeClass::Emergency => "an emergency change",
    };
    format!("I ask for the approval of {} as {class}.", what(case, subject))
}

/// Of taking a decision back.
pub fn withdraws(case: &Case<'_>, subject: &Subject) -> String {
    format!("I take back what I decided about {}.", what(case, subject))
}

/// Of saying that a condition is met.
pub fn meets(condition: &str, subject: &Subject) -> String {
    format!("The condition {condition} of my approval of plan {} is met.", subject.digest)
}

/// Of opening a way past the approvals.
pub fn breaks_glass(case: &Case<'_>, subject: &Subject) -> String {
    format!(
        "In an emergency I let {} be carried out without its approvals. Somebody else reviews it afterwards.",
        what(case, subject)
    )
}

/// Of reviewing that.
pub fn reviews_emergency(subject: &Subject) -> String {
    format!("I have reviewed what was carried out of plan {} without its approvals, and why.", subject.digest)
}
