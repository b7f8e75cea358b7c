//! One turn of a checklist item: observe, act, validate, remedy once, validate again, record, escalate.
//!
//! ```text
//! Observing ─▶ Acting ─▶ Validating ──pass──▶ Recorded
//!     └─ no deed, or dry run ─▶ ┘ │
//!                                 ├─ fail, a remedy ─▶ Remedying ─▶ Validating again ─▶ Recorded ─▶ Escalated
//!                                 └─ fail, no remedy ────────────────────────────────▶ Recorded ─▶ Escalated
//! ```
//!
//! Pure: [`owed`] says what has to be done now, [`decide`] what follows from how it went. A turn is not taken up again
//! after a crash: deeds look before they change anything, so the next turn begins anew, and its entries begin with
//! `item.observed`. Entries belong to the newest `item.observed` before them.

use crate::base::digest::Digest;
use crate::base::id::RoleName;
use crate::base::time::Timestamp;
use crate::model::checklist::{Deed, Item};
use crate::model::entry::BlobRef;
use crate::model::item_event::ItemEvent;

/// Whether anything may be done, or only looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Deeds are done.
    Live,
    /// Something that comes before it is not done: it is looked at and recorded, but nothing is done for it yet.
    Early,
    /// Only reads happen, and nothing is written down.
    DryRun,
}

/// Where a turn stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It begins.
    Observing,
    /// What comes before validating is being done.
    Acting,
    /// The validators are being tried.
    Validating {
        /// Whether the remedy was done.
        remedied: bool,
    },
    /// The remedy is being done.
    Remedying,
    /// It is over.
    Over {
        /// Whether it passed.
        passed: bool,
        /// What is missing.
        missing: Vec<String>,
    },
}

/// What has to be done now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Owed<'i> {
    /// Write down that it begins.
    Observe,
    /// Do this.
    Act(&'i Deed),
    /// Try all validators.
    Validate,
    /// Do this, because they did not pass.
    Remedy(&'i Deed),
    /// Nothing: it is over.
    Nothing,
}

/// One thing that a deed did, or wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Did {
    /// It was done, or tried.
    Made {
        /// What.
        deed: String,
        /// What it came to.
        outcome: String,
    },
    /// It was wanted, and the contract does not allow it.
    Refused {
        /// What.
        deed: String,
        /// The rule.
        rule: String,
    },
}

/// How something went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// It may begin.
    Observed,
    /// A deed is over, and this is what it did in order.
    Acted(Vec<Did>),
    /// The validators were tried.
    Validated {
        /// Whether all of them passed.
        passed: bool,
        /// What is missing.
        missing: Vec<String>,
        /// What they rest on.
        proofs: Vec<BlobRef>,
    },
}

/// What a turn is about.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'i> {
    /// The item.
    pub item: &'i Item,
    /// Its digest: what is recorded counts as long as the item stays the same.
    pub digest: Digest,
    /// Whether anything may be done.
    pub mode: Mode,
}

impl<'i> Subject<'i> {
    fn act(&self) -> Option<&'i Deed> {
        self.item.act.as_ref().filter(|_| self.mode == Mode::Live)
    }

    fn remedy(&self) -> Option<&'i Deed> {
        self.item.remedy.as_ref().filter(|_| self.mode == Mode::Live)
    }
}

/// What has to be done now. In a dry run that is never a deed.
pub fn owed<'i>(subject: &Subject<'i>, state: &State) -> Owed<'i> {
    match state {
        State::Observing => Owed::Observe,
        State::Acting => subject.act().map_or(Owed::Nothing, Owed::Act),
        State::Validating { .. } => Owed::Validate,
        State::Remedying => subject.remedy().map_or(Owed::Nothing, Owed::Remedy),
        State::Over { .. } => Owed::Nothing,
    }
}

/// What follows: the entries to be written, in order, and where it stands then. What does not fit to where it stands
/// changes nothing.
pub fn decide(subject: &Subject<'_>, state: &State, input: Input, now: Timestamp) -> (Vec<ItemEvent>, State) {
    match (state, input) {
        (State::Observing, Input::Observed) => {
            let begun = ItemEvent::Observed { at: now, item: subject.digest };
            let next = match subject.act() {
                Some(_) => State::Acting,
                None => State::Validating { remedied: false },
            };
            (vec![begun], next)
        }
        (State::Acting, Input::Acted(did)) => after_deed(subject, did, false, now),
        (State::Remedying, Input::Acted(did)) => after_deed(subject, did, true, now),
        (State::Validating { remedied }, Input::Validated { passed, missing, proofs }) => {
            let tried = ItemEvent::Validated { passed, missing: missing.clone(), proofs };
            if !passed && !remedied && subject.remedy().is_some() {
                return (vec![tried], State::Remedying);
            }
            let why = if *remedied { "it does not hold after its remedy either" } else { "it does not hold" };
            close(subject, vec![tried], passed, missing, why, now)
        }
        (state, _) => (Vec::new(), state.clone()),
    }
}

fn after_deed(
    subject: &Subject<'_>,
    did: Vec<Did>,
    remedied: bool,
    now: Timestamp,
) -> (Vec<ItemEvent>, State) {
    let mut events = Vec::new();
    let mut missing = Vec::new();
    for one in did {
        events.push(match one {
            Did::Made { deed, outcome } if remedied => ItemEvent::Remedied { deed, outcome },
            Did::Made { deed, outcome } => ItemEvent::Acted { deed, outcome },
            Did::Refused { deed, rule } => {
                missing.push(format!("“{deed}” was wanted and not done: {rule}."));
                ItemEvent::Refused { deed, rule }
            }
        });
    }
    if missing.is_empty() {
        return (events, State::Validating { remedied });
    }
    close(subject, events, false, missing, "something was wanted that its contract does not allow", now)
}

fn close(
    subject: &Subject<'_>,
    mut events: Vec<ItemEvent>,
    passed: bool,
    missing: Vec<String>,
    why: &str,
    now: Timestamp,
) -> (Vec<ItemEvent>, State) {
    events.push(ItemEvent::Recorded { at: now, item: subject.digest, passed, missing: missing.clone() });
    if !passed {
        let to: RoleName = subject.item.escalate_to.clone();
        events.push(ItemEvent::Escalated { at: now, to, why: why.to_owned() });
    }
    (events, State::Over { passed, missing })
}

#[cfg(test)]
mod tests;
