//! What people say about an item: that it is so, that it does not apply, that it may be missing for a while.

use std::collections::{BTreeMap, BTreeSet};

use crate::approval::{Asked, Decision, Weighed};
use crate::base::id::RoleName;
use crate::base::time::Timestamp;
use crate::checklist::{Around, seat, subject};
use crate::model::checklist::{Attest, Item, Severity, Validator};
use crate::model::days::end_after;
use crate::model::people::People;
use crate::model::signed::{Act, Subject};
use crate::people::Seat;

/// The roles whose word lets something pass that the program cannot do without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// The executive sponsor.
    pub sponsor: RoleName,
    /// Who answers for compliance.
    pub compliance: RoleName,
}

impl Authority {
    /// The names that these roles have in an estate.
    ///
    /// # Panics
    ///
    /// Never: the names are spelled as roles are.
    pub fn of(people: &People) -> Self {
        let held = |names: [&str; 2]| {
            let name =
                names.iter().find(|name| people.holdings.iter().any(|one| one.role.as_str() == **name));
            RoleName::new(*name.unwrap_or(&names[0])).expect("a name of a role")
        };
        Self {
            sponsor: held(["executive-sponsor", "sponsor"]),
            compliance: held(["compliance", "compliance-lead"]),
        }
    }
}

/// Something that people are asked to state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The words.
    pub text: String,
    /// Whether it takes a clinician.
    pub clinician: bool,
    /// Who is asked.
    pub by: BTreeSet<RoleName>,
    /// Who has not stated it.
    pub missing: BTreeSet<RoleName>,
}

/// The roles that have to waive an item of this severity, all of them together.
pub fn waiver_roles(severity: Severity, owner: &RoleName, authority: &Authority) -> BTreeSet<RoleName> {
    match severity {
        Severity::Critical => BTreeSet::from([authority.sponsor.clone(), authority.compliance.clone()]),
        Severity::High => BTreeSet::from([authority.compliance.clone()]),
        Severity::Normal => BTreeSet::from([owner.clone()]),
    }
}

/// The same as seats at a scope.
pub fn waiver_seats(item: &Item, around: Around<'_>) -> BTreeSet<Seat> {
    let roles = waiver_roles(item.severity, &item.owner, around.authority);
    roles.iter().map(|role| seat(around.scope, role)).collect()
}

/// What was stated of an item, all statements together.
pub(super) struct Stated {
    pub(super) statements: Vec<Statement>,
    /// The moment from which everything was stated.
    pub(super) at: Option<Timestamp>,
    /// When the first of it ends.
    pub(super) until: Option<Timestamp>,
    pub(super) seqs: BTreeSet<u64>,
    /// A rejection that stands, in words.
    pub(super) rejected: Option<String>,
    /// The moment since which it is too old, if it was complete.
    pub(super) expired: Option<Timestamp>,
}

impl Stated {
    pub(super) fn missing(&self) -> BTreeSet<RoleName> {
        self.statements.iter().flat_map(|statement| statement.missing.iter().cloned()).collect()
    }
}

/// What is asked about an item.
pub(super) fn asked(item: &Item, seats: BTreeSet<Seat>, around: Around<'_>) -> Asked {
    Asked {
        subject: subject(around.scope, item),
        seats,
        review: false,
        clinician: false,
        valid_days: None,
        kept_out: BTreeMap::new(),
        one_way: BTreeSet::new(),
    }
}

/// Decisions about the subject's name that pass a test, with what takes them back.
pub(super) fn about(
    subject: &Subject,
    decisions: &[Decision],
    wanted: impl Fn(&Decision) -> bool,
) -> Vec<Decision> {
    let same = |decision: &&Decision| {
        let said = &decision.signed.statement;
        let own = (said.subject.kind, &said.subject.name, &said.subject.scope);
        own == (subject.kind, &subject.name, &subject.scope)
            && (matches!(said.act, Act::Withdraw {}) || wanted(decision))
    };
    decisions.iter().filter(same).cloned().collect()
}

/// The places of those that count in their log, one for each seat: the oldest, so that saying it again changes nothing.
pub(super) fn seqs(weighed: &Weighed, decisions: &[Decision]) -> BTreeSet<u64> {
    let mut by_seat: BTreeMap<&Seat, u64> = BTreeMap::new();
    for (at, (seat, _)) in &weighed.counted {
        let Some(decision) = decisions.get(*at) else { continue };
        let seq = by_seat.entry(seat).or_insert(decision.seq);
        *seq = (*seq).min(decision.seq);
    }
    by_seat.into_values().collect()
}

/// The moment from which all seats were filled.
fn filled_at(weighed: &Weighed, decisions: &[Decision]) -> Option<Timestamp> {
    let mut by_seat: BTreeMap<&Seat, Timestamp> = BTreeMap::new();
    for (at, (seat, _)) in &weighed.counted {
        let Some(decision) = decisions.get(*at) else { continue };
        let first = by_seat.entry(seat).or_insert(decision.recorded_at);
        *first = (*first).min(decision.recorded_at);
    }
    by_seat.into_values().max()
}

pub(super) fn stated(item: &Item, decisions: &[Decision], around: Around<'_>) -> Stated {
    let mut all = Stated {
        statements: Vec::new(),
        at: None,
        until: None,
        seqs: BTreeSet::new(),
        rejected: None,
        expired: None,
    };
    for attest in item.validate.iter().filter_map(Validator::attest) {
        one(&mut all, item, attest, decisions, around);
    }
    all
}

fn one(all: &mut Stated, item: &Item, attest: &Attest, decisions: &[Decision], around: Around<'_>) {
    let seats: BTreeSet<Seat> = attest.by.iter().map(|role| seat(around.scope, role)).collect();
    let asked =
        Asked { clinician: attest.clinician, valid_days: item.valid_days, ..asked(item, seats, around) };
    // Word for word: who stated something else has not stated this.
    let wanted = |decision: &Decision| match decision.signed.statement.act {
        Act::Attest {} => decision.signed.statement.meaning == attest.statement,
        Act::Reject {} => true,
        _ => false,
    };
    let decisions = about(&asked.subject, decisions, wanted);
    let weighed = (around.weigh)(&asked, &decisions);
    let ends = end_of(&weighed, &decisions, item.valid_days, around);
    if weighed.holds() {
        all.at = all.at.max(filled_at(&weighed, &decisions));
        all.seqs.extend(seqs(&weighed, &decisions));
        all.until = earlier(all.until, ends);
    } else if item.valid_days.is_some() {
        let ageless = (around.weigh)(&Asked { valid_days: None, ..asked.clone() }, &decisions);
        if ageless.holds() {
            let ended = end_of(&ageless, &decisions, item.valid_days, around);
            all.expired = earlier(all.expired, ended.map(|end| end.min(around.now)));
        }
    }
    if let Some(decision) = weighed.rejected.and_then(|at| decisions.get(at)) {
        let said = &decision.signed.statement;
        all.rejected = Some(format!("rejected by {} ({}): {}", said.person, said.role, said.comment));
    }
    all.statements.push(Statement {
        text: attest.statement.clone(),
        clinician: attest.clinician,
        by: attest.by.clone(),
        missing: weighed.missing.into_iter().map(|seat| seat.role).collect(),
    });
}

/// When the first seat is empty again, each being as good as its newest decision.
fn end_of(
    weighed: &Weighed,
    decisions: &[Decision],
    valid_days: Option<u32>,
    around: Around<'_>,
) -> Option<Timestamp> {
    let mut by_seat: BTreeMap<&Seat, Option<Timestamp>> = BTreeMap::new();
    for (at, (seat, _)) in &weighed.counted {
        let Some(decision) = decisions.get(*at) else { continue };
        let aged = valid_days.map(|days| end_after(around.zone, decision.recorded_at, days));
        let end = earlier(decision.signed.statement.expires, aged);
        let newest = by_seat.entry(seat).or_insert(end);
        *newest = match (*newest, end) {
            (Some(one), Some(other)) => Some(one.max(other)),
            (None, _) | (_, None) => None,
        };
    }
    by_seat.into_values().fold(None, earlier)
}

/// The earlier of two ends, of which none says never.
pub(super) fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Why an item does not apply, if its owner said so and it may be said.
pub(super) struct Excused {
    pub(super) reason: String,
    pub(super) at: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
    pub(super) seqs: BTreeSet<u64>,
}

pub(super) fn not_applicable(item: &Item, decisions: &[Decision], around: Around<'_>) -> Option<Excused> {
    if !item.may_not_apply {
        return None;
    }
    let asked = asked(item, BTreeSet::from([seat(around.scope, &item.owner)]), around);
    let wanted = |decision: &Decision| {
        let said = &decision.signed.statement;
        matches!(said.act, Act::NotApplicable {}) && !said.comment.trim().is_empty()
    };
    excused(&asked, &about(&asked.subject, decisions, wanted), around)
}

pub(super) fn waived(item: &Item, decisions: &[Decision], around: Around<'_>) -> Option<Excused> {
    let asked = asked(item, waiver_seats(item, around), around);
    excused(&asked, &about(&asked.subject, decisions, |decision| is_waiver(decision, around.now)), around)
}

/// Whether it says why, what is done instead, and until when; and that is not over.
pub(crate) fn is_waiver(decision: &Decision, now: Timestamp) -> bool {
    let said = &decision.signed.statement;
    let Act::Waive { compensating } = &said.act else { return false };
    let told = !said.comment.trim().is_empty() && !compensating.trim().is_empty();
    told && said.expires.is_some_and(|end| now < end)
}

fn excused(asked: &Asked, decisions: &[Decision], around: Around<'_>) -> Option<Excused> {
    let weighed = (around.weigh)(asked, decisions);
    if !weighed.holds() {
        return None;
    }
    let last = weighed.counted.keys().filter_map(|at| decisions.get(*at)).next_back()?;
    Some(Excused {
        reason: last.signed.statement.comment.clone(),
        at: filled_at(&weighed, decisions),
        until: end_of(&weighed, decisions, None, around),
        seqs: seqs(&weighed, decisions),
    })
}
