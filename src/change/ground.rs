//! The condition of each step, and what it rests on.

use super::{Change, Grounds};
use crate::base::id::LogId;
use crate::base::time::Timestamp;
use crate::model::change::{Basis, BoardDecision, ChangeState, class_word};
use crate::model::fleet_event::LaunchOutcome;
use crate::model::signed::ChangeClass;

/// Why a step can be taken.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ground {
    /// The condition that holds, in words.
    pub why: String,
    /// The entries behind it.
    pub rests_on: Vec<Basis>,
    /// For the step to scheduled: when it begins at the earliest.
    pub begins: Option<Timestamp>,
}

type Found = Result<Ground, Vec<String>>;

/// What the step to a state rests on, or what is missing for it.
pub(super) fn of(change: &Change, to: ChangeState, grounds: &Grounds<'_>, now: Timestamp) -> Found {
    match to {
        ChangeState::Draft => Ok(Ground::default()),
        ChangeState::Reviewed => reviewed(change, grounds),
        ChangeState::Approved => approved(change, grounds),
        ChangeState::Scheduled => scheduled(grounds, now),
        ChangeState::Applied => applied(change, grounds),
        ChangeState::Validated => validated(change, grounds),
        ChangeState::Closed => closed(change),
    }
}

fn org(what: String, seq: u64) -> Basis {
    Basis { what, log: LogId::Org, seq }
}

/// A review by somebody who neither asked for it nor built it.
fn reviewed(change: &Change, grounds: &Grounds<'_>) -> Found {
    let counts = |basis: &Basis| basis.log != LogId::Org || basis.seq > change.draft_seq;
    let mut own = Vec::new();
    for review in grounds.signatures.reviews.iter().filter(|review| counts(&review.basis)) {
        if change.is_by(&review.person) {
            own.push(format!(
                "the review by {} does not count: they asked for it or built it",
                review.person
            ));
            continue;
        }
        let why = format!("reviewed by {} at {}, plan {}", review.person, review.at, change.opened.plan);
        return Ok(Ground { why, rests_on: vec![review.basis.clone()], begins: None });
    }
    own.push(
        "a signed review of the plan by somebody who neither asked for it nor built it: landfall review PLAN --as PERSON"
            .to_owned(),
    );
    Err(own)
}

fn approved(change: &Change, grounds: &Grounds<'_>) -> Found {
    let signatures = grounds.signatures;
    let mut missing: Vec<String> = signatures.missing.clone();
    if let Some(rejected) = &signatures.rejected {
        missing
            .push(format!("{rejected}: landfall change advance {} --to draft --reason \"…\"", change.id()));
    }
    let mut rests_on = signatures.rests_on.clone();
    let mut why = match signatures.rests_on.len() {
        0 => "its plan needs no approvals".to_owned(),
        1 => "1 approval".to_owned(),
        more => format!("{more} approvals"),
    };
    match change.opened.class {
        ChangeClass::Normal => match board(change) {
            Ok(basis) => {
                why.push_str(&format!(", and {}", basis.what));
                rests_on.push(basis);
            }
            Err(lacks) => missing.push(lacks),
        },
        ChangeClass::Standard => match repeated(change, grounds) {
            Some(basis) => {
                why.push_str(&format!(", and {}", basis.what));
                rests_on.push(basis);
            }
            None => missing.push(
                "an earlier closed change that did the same (equal pattern digest): a standard change repeats one; ask for \
                 a normal one otherwise"
                    .to_owned(),
            ),
        },
        ChangeClass::Emergency => why.push_str(", and the change board decides afterwards"),
    }
    if missing.is_empty() { Ok(Ground { why, rests_on, begins: None }) } else { Err(missing) }
}

/// The board's yes, by more than those who want it.
fn board(change: &Change) -> Result<Basis, String> {
    let decide = format!(
        "landfall change decide {} --decision approved --attendees WHO,WHO --date YYYY-MM-DD",
        change.id()
    );
    let Some(decided) = change.board() else {
        return Err(format!("a decision of the change board: {decide}"));
    };
    let body = &decided.body;
    if body.plan != change.opened.plan {
        return Err(format!("a decision of the change board about this plan: {decide}"));
    }
    match body.decision {
        BoardDecision::Rejected => {
            Err(format!("the change board rejected it on {}: {}", body.date, body.note))
        }
        BoardDecision::Deferred => Err(format!("the change board deferred it on {}: {decide}", body.date)),
        BoardDecision::Approved if body.attendees.iter().all(|person| change.is_by(person)) => {
            Err("a change board with somebody who neither asked for it nor built it".to_owned())
        }
        BoardDecision::Approved => {
            let who: Vec<&str> = body.attendees.iter().map(|person| person.as_str()).collect();
            Ok(org(format!("the change board of {} ({})", body.date, who.join(", ")), decided.seq))
        }
    }
}

/// An earlier change with the same pattern that came to its end.
fn repeated(change: &Change, grounds: &Grounds<'_>) -> Option<Basis> {
    let same = |other: &&Change| {
        other.id() < change.id()
            && other.state == ChangeState::Closed
            && other.opened.pattern == change.opened.pattern
            && other.opened.class != ChangeClass::Emergency
    };
    let other = grounds.all.values().rev().find(same)?;
    let class = class_word(other.opened.class);
    let seq = other.history.last().map_or(0, |passed| passed.seq);
    Some(org(format!("it repeats {}, a {class} change that is closed", other.id()), seq))
}

fn scheduled(grounds: &Grounds<'_>, now: Timestamp) -> Found {
    match grounds.opening {
        None => Err(vec![
            "a moment: landfall change advance --to scheduled --at MOMENT, or --next for the next opening"
                .to_owned(),
        ]),
        Some(Err(why)) => Err(vec![why.clone()]),
        Some(Ok(opening)) if opening.begins < now => {
            Err(vec![format!("a moment that is still ahead: {} has passed", opening.begins)])
        }
        Some(Ok(opening)) => {
            Ok(Ground { why: opening.why.clone(), rests_on: Vec::new(), begins: Some(opening.begins) })
        }
    }
}

fn applied(change: &Change, grounds: &Grounds<'_>) -> Found {
    let of_plan = grounds.launches.iter().rev().filter(|launch| launch.plan == change.opened.plan);
    let mut open = None;
    for launch in of_plan {
        match &launch.ended {
            Some((at, outcome, seq)) => {
                let what = format!("run {} ended at {at}: {}", launch.run, outcome_word(*outcome));
                return Ok(Ground { why: what.clone(), rests_on: vec![org(what, *seq)], begins: None });
            }
            None => open = Some(format!("the end of run {}: landfall resume", launch.run)),
        }
    }
    let none = || format!("a launch of its plan: landfall apply PLAN --change {}", change.id());
    Err(vec![open.unwrap_or_else(none)])
}

/// A launch ends well only when every check held, until the bake times were over.
fn validated(change: &Change, grounds: &Grounds<'_>) -> Found {
    let of_plan = grounds.launches.iter().rev().filter(|launch| launch.plan == change.opened.plan);
    let ended = of_plan.filter_map(|launch| Some((launch, launch.ended.as_ref()?))).next();
    match ended {
        Some((launch, (at, LaunchOutcome::Succeeded, seq))) => {
            let baked = if launch.baked.0 == 0 {
                String::new()
            } else {
                format!(", bake times of {} included", launch.baked)
            };
            let what = format!("every check of run {} held{baked}", launch.run);
            Ok(Ground { why: format!("{what}, at {at}"), rests_on: vec![org(what, *seq)], begins: None })
        }
        Some((launch, (_, outcome, _))) => Err(vec![format!(
            "run {} ended: {}; mend it and take it up again: landfall retry --failed --reason \"…\"",
            launch.run,
            outcome_word(*outcome)
        )]),
        None => Err(vec!["the end of the launch: landfall resume".to_owned()]),
    }
}

fn closed(change: &Change) -> Found {
    let after = change.opened.class == ChangeClass::Emergency
        && !change.board().is_some_and(|decided| decided.body.decision.is_one());
    if after {
        return Err(vec![format!(
            "the decision of the change board about this emergency: landfall change decide {} --decision approved \
             --attendees WHO,WHO --date YYYY-MM-DD",
            change.id()
        )]);
    }
    Ok(Ground::default())
}

fn outcome_word(outcome: LaunchOutcome) -> &'static str {
    match outcome {
        LaunchOutcome::Succeeded => "succeeded",
        LaunchOutcome::Partial => "partial",
        LaunchOutcome::Failed => "failed",
        LaunchOutcome::Aborted => "called off",
    }
}
