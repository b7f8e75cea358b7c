//! What the change board decided, and what it still has to decide.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::{Book, grounds};
use crate::base::id::{LogId, PersonId, RoleName};
use crate::base::time::Timestamp;
use crate::change::{self, Change, Signatures};
use crate::journal::Journal;
use crate::model::change::{ADVANCED, BoardDecision, ChangeAdvanced, ChangeDecided, ChangeState, DECIDED};
use crate::model::days::day_of;
use crate::model::entry::Actor;
use crate::model::estate::Estate;
use crate::model::pending::Pending;
use crate::model::signed::{ChangeClass, Subject, SubjectKind};
use crate::ops::Context;
use crate::ops::error::Failure;
use crate::ops::note::{Note, write};
use crate::ops::target::refuse_shifted;

/// What a board decided.
#[derive(Debug, Clone)]
pub struct Meeting<'m> {
    /// The change, as typed.
    pub change: &'m str,
    /// The day.
    pub date: Date,
    /// Who was there.
    pub attendees: BTreeSet<PersonId>,
    /// What was decided.
    pub decision: BoardDecision,
    /// Anything to add; the reason of a rejection.
    pub note: &'m str,
}

/// Records what the change board decided. A rejection sends the change back to draft, if it can still go back.
///
/// # Errors
///
/// Usage for a meeting without people, in the future, or a rejection without a reason; `Refused` for a change that is
/// closed.
pub fn decide(
    context: &Context,
    estate: &Estate,
    journal: &mut dyn Journal,
    meeting: Meeting<'_>,
    actor: &Actor,
) -> Result<ChangeDecided, Failure> {
    let today = day_of(&estate.time_zone(), context.clock.now());
    if meeting.attendees.is_empty() {
        return Err(Failure::usage(
            "nobody was at the board",
            "name who was there: --attendees it-network,compliance",
        ));
    }
    if meeting.date > today {
        return Err(Failure::usage(
            format!("{} is still to come: today is {today}", meeting.date),
            "a decision is recorded after the meeting",
        ));
    }
    if meeting.decision == BoardDecision::Rejected && meeting.note.trim().is_empty() {
        return Err(Failure::usage("a rejection needs a reason", "say why: --note \"…\""));
    }
    let (_, decided) = write(context, journal, &LogId::Org, |journal| {
        let book = Book::read(journal)?;
        let change = book.find(meeting.change)?;
        if change.state == ChangeState::Closed {
            return Err(Failure::Refused {
                reason: format!("{} is closed: nothing is left to decide", change.id()),
            });
        }
        refuse_shifted(context, &book.plan_of(change, journal)?.plan.target)?;
        let body = ChangeDecided {
            change: change.id(),
            plan: change.opened.plan,
            date: meeting.date,
            attendees: meeting.attendees.clone(),
            decision: meeting.decision,
            note: meeting.note.trim().to_owned(),
        };
        let plan = change.opened.plan;
        let mut notes = vec![Note::of(DECIDED, &body)?.by(actor).on(plan)];
        if body.decision == BoardDecision::Rejected && change.state.can_go_back() {
            let back = ChangeAdvanced {
                change: change.id(),
                from: change.state,
                to: ChangeState::Draft,
                why: format!("the change board rejected it on {}: {}", body.date, body.note),
                rests_on: Vec::new(),
                begins: None,
            };
            notes.push(Note::of(ADVANCED, &back)?.by(actor).on(plan));
        }
        Ok((notes, body))
    })?;
    Ok(decided)
}

/// What waits for the change board.
///
/// # Errors
///
/// If the journal is damaged.
pub fn pending(estate: &Estate, journal: &dyn Journal, now: Timestamp) -> Result<Vec<Pending>, Failure> {
    let book = Book::read(journal)?;
    let zone = estate.time_zone();
    let nothing = Signatures::default();
    let mut all = Vec::new();
    for change in book.changes.values() {
        let asked = match change.opened.class {
            ChangeClass::Normal => change.state == ChangeState::Reviewed,
            ChangeClass::Emergency => change.begun.is_some(),
            ChangeClass::Standard => false,
        };
        let decided = change.board().is_some_and(|decided| decided.body.decision.is_one());
        if change.state == ChangeState::Closed || !asked || decided {
            continue;
        }
        let standing = change::standing(change, &grounds(&book, &nothing, None, &zone), now);
        all.push(waiting(estate, change, standing.due));
    }
    Ok(all)
}

fn waiting(estate: &Estate, change: &Change, due: Option<Timestamp>) -> Pending {
    let role = RoleName::new("change-board").expect("it is spelled as a role");
    let holder = estate.roles.get(role.as_str()).and_then(|person| PersonId::new(person.value.as_str()).ok());
    let id = change.id();
    Pending {
        subject: Subject {
            kind: SubjectKind::Plan,
            name: change.opened.covers.clone(),
            scope: None,
            digest: change.opened.plan,
            parts: BTreeSet::new(),
        },
        asks: format!("the change board decides about {id}: {}", change.opened.title),
        role,
        people: holder.into_iter().filter(|person| !change.is_by(person)).collect(),
        since: change.begun.unwrap_or(change.since),
        due,
        meaning: format!("The change board has decided about {id}, plan {}.", change.opened.plan),
        command: format!(
            "landfall change decide {id} --decision approved --attendees WHO,WHO --date YYYY-MM-DD"
        ),
    }
}
