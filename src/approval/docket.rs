//! What can be said of each decision before anything is asked: whether it is genuine. Done once, however much is asked
//! afterwards; signatures are what takes time.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::{Around, Decision, Rule};
use crate::base::digest::Digest;
use crate::base::id::LogId;
use crate::base::limits::DECISION_CLOCK_SKEW;
use crate::base::time::Timestamp;
use crate::evidence::sshsig::key::PublicKey;
use crate::evidence::sshsig::people::{self, BadSignature};
use crate::model::calendar::zone;
use crate::model::electronic::{self, Unanswered};
use crate::model::people::PersonKey;
use crate::model::signed::{Act, ELECTRONIC_VERSION, NAMESPACE, STATEMENT_VERSION, Statement, SubjectKind};

/// Decisions, oldest first, each with the rule by which it is not genuine.
#[derive(Debug, Clone)]
pub struct Docket<'d> {
    pub(super) decisions: &'d [Decision],
    pub(super) around: Around<'d>,
    pub(super) now: Timestamp,
    pub(super) judged: Vec<Result<(), Rule>>,
}

impl<'d> Docket<'d> {
    /// Judges each decision by itself.
    pub fn new(decisions: &'d [Decision], around: Around<'d>, now: Timestamp) -> Self {
        let mut seen: BTreeMap<Digest, usize> = BTreeMap::new();
        let mut answered: BTreeMap<&str, usize> = BTreeMap::new();
        let judged = decisions
            .iter()
            .enumerate()
            .map(|(at, decision)| {
                genuine(decision, around, now)?;
                let statement = Digest::of_canonical(&decision.signed.statement);
                if *seen.entry(statement).or_insert(at) != at {
                    return Err(Rule::Repeated);
                }
                let said = decision.signed.statement.electronic.as_ref();
                let challenge = said.map(|said| said.challenge.as_str());
                match challenge.map(|challenge| *answered.entry(challenge).or_insert(at)) {
                    Some(first) if first != at => Err(Rule::ChallengeUsed),
                    Some(_) | None => Ok(()),
                }
            })
            .collect();
        Self { decisions, around, now, judged }
    }

    /// The decisions that are genuine, with their places.
    pub fn genuine(&self) -> impl Iterator<Item = (usize, &'d Decision)> {
        let judged = self.judged.iter().zip(self.decisions).enumerate();
        judged.filter_map(|(at, (judged, decision))| judged.is_ok().then_some((at, decision)))
    }

    /// Why a decision is not genuine, if it is not.
    pub fn refused(&self, at: usize) -> Option<&Rule> {
        self.judged.get(at).and_then(|judged| judged.as_ref().err())
    }
}

fn genuine(decision: &Decision, around: Around<'_>, now: Timestamp) -> Result<(), Rule> {
    let statement = &decision.signed.statement;
    let known = if statement.electronic.is_some() { ELECTRONIC_VERSION } else { STATEMENT_VERSION };
    if statement.v > known {
        return Err(Rule::NewerFormat);
    }
    let fitting =
        people::verify(&decision.signed.signature, NAMESPACE, &statement.bytes()).map_err(Rule::Signature)?;
    if fitting.key.fingerprint() != decision.signed.key {
        return Err(Rule::OtherKey);
    }
    if statement.estate != around.estate {
        return Err(Rule::OtherEstate);
    }
    in_its_log(decision)?;
    says_what_it_must(statement)?;
    answers_its_challenge(decision, around)?;
    let Some(person) = around.people.persons.get(&statement.person) else { return Err(Rule::UnknownPerson) };
    if person.automation {
        return Err(Rule::Automation);
    }
    enrolled(decision, around)?;
    let declared = person.keys.iter().find(|key| same(key, &fitting.key)).ok_or(Rule::KeyNotDeclared)?;
    valid(declared, decision, around, now)
}

/// Decisions about a thing stand in its log. Those about a plan, which has many scopes, stand in several.
fn in_its_log(decision: &Decision) -> Result<(), Rule> {
    let subject = &decision.signed.statement.subject;
    let own = subject.scope.clone().map_or(LogId::Org, LogId::Scope);
    let fits = match subject.kind {
        SubjectKind::Plan => subject.scope.is_none(),
        SubjectKind::Gate | SubjectKind::Item | SubjectKind::AccessRequest | SubjectKind::Recertification => {
            decision.log == own
        }
    };
    if fits { Ok(()) } else { Err(Rule::OtherLog) }
}

fn says_what_it_must(statement: &Statement) -> Result<(), Rule> {
    if statement.meaning.trim().is_empty() {
        return Err(Rule::NoMeaning);
    }
    let (reason, end) = match &statement.act {
        Act::Request { .. } | Act::Review {} | Act::Approve { .. } | Act::Attest {} | Act::Withdraw {} => {
            (false, false)
        }
        Act::Reject {} | Act::NotApplicable {} | Act::BreakGlass {} => (true, false),
        Act::Waive { .. } => (true, true),
    };
    if reason && statement.comment.trim().is_empty() {
        return Err(Rule::NoReason);
    }
    if end && statement.expires.is_none() { Err(Rule::NoEnd) } else { Ok(()) }
}

/// An electronic record is whole, and answers a challenge that was given to its signer about this very subject, in time.
fn answers_its_challenge(decision: &Decision, around: Around<'_>) -> Result<(), Rule> {
    let statement = &decision.signed.statement;
    let Some(said) = &statement.electronic else { return Ok(()) };
    if let Some(what) = electronic::lacks(statement) {
        return Err(Rule::Incomplete(what));
    }
    let issued = around.keys.challenges.get(&said.challenge).ok_or(Rule::ChallengeUnknown)?;
    issued.answered_by(statement, decision.recorded_at).map_err(|no| match no {
        Unanswered::Unknown => Rule::ChallengeUnknown,
        Unanswered::Expired => Rule::ChallengeExpired,
    })
}

/// The org log must have known the key for this person when the decision was made and recorded.
fn enrolled(decision: &Decision, around: Around<'_>) -> Result<(), Rule> {
    let statement = &decision.signed.statement;
    let enrolment = around.keys.keys.get(&decision.signed.key).ok_or(Rule::KeyNotEnrolled)?;
    if enrolment.person != statement.person {
        return Err(Rule::KeyOfAnother { of: enrolment.person.clone() });
    }
    if statement.at > decision.recorded_at + DECISION_CLOCK_SKEW {
        return Err(Rule::FromTheFuture);
    }
    if decision.recorded_at < enrolment.since || statement.at + DECISION_CLOCK_SKEW < enrolment.since {
        return Err(Rule::KeyEnrolledLater);
    }
    match enrolment.retired {
        Some(retired) if decision.recorded_at >= retired => Err(Rule::KeyRetired),
        Some(_) | None => Ok(()),
    }
}

fn same(declared: &PersonKey, key: &PublicKey) -> bool {
    PublicKey::from_line(&declared.line).is_ok_and(|declared| declared == *key)
}

fn valid(key: &PersonKey, decision: &Decision, around: Around<'_>, now: Timestamp) -> Result<(), Rule> {
    let days = [decision.signed.statement.at, decision.recorded_at].map(|moment| day(around, moment));
    let holds = |day: &Date| key.from <= *day && key.until.is_none_or(|until| *day <= until);
    if key.revoked.is_some_and(|revoked| revoked <= day(around, now)) {
        return Err(Rule::KeyRevoked);
    }
    if days.iter().all(holds) { Ok(()) } else { Err(Rule::KeyNotValid) }
}

/// The day of the program on which a moment is.
pub(super) fn day(around: Around<'_>, moment: Timestamp) -> Date {
    zone::local(around.zone, moment).date()
}

/// What is wrong with a signature by itself, for those who only have its bytes.
///
/// # Errors
///
/// As [`people::verify`]; also if it is by another key than the one named.
pub fn signature(signed: &crate::model::signed::Signed) -> Result<PublicKey, BadSignature> {
    let fitting = people::verify(&signed.signature, NAMESPACE, &signed.statement.bytes())?;
    if fitting.key.fingerprint() == signed.key { Ok(fitting.key) } else { Err(BadSignature::OtherKey) }
}
