//! Writes a decision down: first it is weighed, then it goes into the org log and into the log of every scope it covers.

use std::collections::BTreeSet;

use super::pending::{Open, open_conditions};
use super::{Case, break_glass, meaning};
use crate::approval::{Decision, Docket, Rule};
use crate::base::digest::Digest;
use crate::base::id::LogId;
use crate::base::limits;
use crate::base::time::Timestamp;
use crate::journal::Journal;
use crate::model::entry::{Actor, ActorKind, BlobRef, EntryDraft};
use crate::model::plan::SavedPlan;
use crate::model::signed::{Act, Signed, SubjectKind};
use crate::ops::decisions;
use crate::ops::error::Failure;
use crate::ops::launch::PLAN_FILE;
use crate::ops::{Context, holder, new_run_id};

/// Where a decision was written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its place in each log.
    pub places: Vec<(LogId, u64)>,
}

/// Writes a decision about a plan down, if it counts for something that the plan needs.
///
/// # Errors
///
/// `Refused` with the rule by which it does not count.
pub fn decide(
    context: &Context,
    case: &Case<'_>,
    journal: &mut dyn Journal,
    signed: &Signed,
) -> Result<Recorded, Failure> {
    let now = context.clock.now();
    let decision = Decision { signed: signed.clone(), log: LogId::Org, seq: u64::MAX, recorded_at: now };
    if let Some(rule) = uncounted(case, &decision, now) {
        let word = rule.word();
        return Err(Failure::Refused { reason: format!("{rule} (rule {word}); nothing was recorded") });
    }
    let refs = match signed.statement.act {
        Act::Request { .. } => keep_plan(case.saved, journal)?,
        Act::Review {}
        | Act::Approve { .. }
        | Act::Reject {}
        | Act::Attest {}
        | Act::NotApplicable {}
        | Act::Waive { .. }
        | Act::BreakGlass {}
        | Act::Withdraw {} => Vec::new(),
    };
    record(context, journal, &logs_of(case, signed), signed, refs)
}

/// The rule by which a decision would count for nothing of what the plan needs.
fn uncounted(case: &Case<'_>, decision: &Decision, now: Timestamp) -> Option<Rule> {
    let mut all = case.decisions.clone();
    all.push(decision.clone());
    let at = all.len() - 1;
    let docket = Docket::new(&all, case.around(), now);
    if let Some(rule) = docket.refused(at) {
        return Some(rule.clone());
    }
    let statement = &decision.signed.statement;
    match &statement.act {
        Act::Request { .. } | Act::Withdraw {} => return None,
        Act::BreakGlass {} => {
            let held = break_glass::is_asked(case, &statement.person, &statement.role, now);
            let (person, role) = (statement.person.clone(), statement.role.clone());
            return (!held).then_some(Rule::RoleNotHeld { person, role });
        }
        Act::Attest {} => return (!closes_condition(case, decision, now)).then_some(Rule::OtherAct),
        Act::Review {} | Act::Approve { .. } | Act::Reject {} | Act::NotApplicable {} | Act::Waive { .. } => {
        }
    }
    let kept_out = super::kept_out(&docket);
    let mut first: Option<Rule> = None;
    for need in &case.saved.plan.approvals {
        for scope in &need.scopes {
            let weighed = docket.weigh(&case.asked(need, scope, &kept_out));
            match weighed.refused.get(&at) {
                None => return None,
                // That one rule asks for another role says nothing; why the asked role does not count does.
                Some(rule) if first.as_ref().is_none_or(says_little) => first = Some(rule.clone()),
                Some(_) => {}
            }
        }
    }
    Some(first.unwrap_or(Rule::OtherAct))
}

/// Whether it says of a condition that it is met: by whoever set it, and not before it can be.
fn closes_condition(case: &Case<'_>, decision: &Decision, now: Timestamp) -> bool {
    let statement = &decision.signed.statement;
    let is_own = |open: &Open| {
        open.person == statement.person
            && open.from <= now
            && statement.meaning == meaning::meets(&open.condition.name, &statement.subject)
    };
    open_conditions(case, now).iter().any(is_own)
}

fn says_little(rule: &Rule) -> bool {
    matches!(rule, Rule::RoleNotAsked(_) | Rule::OtherPart)
}

/// The logs that a decision about a plan goes to: the organisation's, and those of the scopes that it covers.
pub fn logs_of(case: &Case<'_>, signed: &Signed) -> Vec<LogId> {
    let covered = case.covered(&signed.statement.subject);
    std::iter::once(LogId::Org).chain(covered.cloned().map(LogId::Scope)).collect()
}

/// Keeps a plan in the journal, so that those who are asked can read it there. Only the org log may name it.
///
/// # Errors
///
/// If the journal fails.
pub fn keep_plan(saved: &SavedPlan, journal: &mut dyn Journal) -> Result<Vec<BlobRef>, Failure> {
    let bytes = serde_json::to_vec(saved).map_err(|error| Failure::failed(error.to_string()))?;
    if bytes.len() > limits::BLOB_BYTES_MAX {
        return Ok(Vec::new());
    }
    journal.put_blob(&bytes)?;
    Ok(vec![BlobRef { path: PLAN_FILE.to_owned(), sha256: Digest::of(&bytes) }])
}

/// Writes a signed decision into these logs, in one step. Files are named in the org log alone.
///
/// # Errors
///
/// If a log is being written by somebody else, or the same statement stands there already.
pub fn record(
    context: &Context,
    journal: &mut dyn Journal,
    logs: &[LogId],
    signed: &Signed,
    refs: Vec<BlobRef>,
) -> Result<Recorded, Failure> {
    let statement = &signed.statement;
    let body = serde_json::to_value(signed).map_err(|error| Failure::failed(error.to_string()))?;
    let plan = (statement.subject.kind == SubjectKind::Plan).then_some(statement.subject.digest);
    let name = holder(&new_run_id());
    let mut leases = Vec::new();
    let unique: BTreeSet<&LogId> = logs.iter().collect();
    let appended = (|| {
        for log in &unique {
            leases.push(journal.take_lease(log, &name, context.clock.for_leases(), limits::LEASE)?);
        }
        for log in &unique {
            let same = |given: &crate::model::signed::Subject| *given == statement.subject;
            let known = decisions::about(journal, log, same)?;
            if known.iter().any(|known| known.signed.statement == *statement) {
                let reason = format!("{} (rule {})", Rule::Repeated, Rule::Repeated.word());
                return Err(Failure::Refused { reason });
            }
        }
        let draft = |log: &&LogId| EntryDraft {
            log: (*log).clone(),
            at: context.clock.now(),
            run: None,
            kind: statement.act.entry_kind().to_owned(),
            step: None,
            actor: Actor { kind: ActorKind::Person, id: statement.person.to_string() },
            plan,
            refs: if **log == LogId::Org { refs.clone() } else { Vec::new() },
            body: body.clone(),
        };
        let drafts = unique.iter().map(draft).collect();
        Ok(journal.append(&leases.iter().collect::<Vec<_>>(), drafts)?)
    })();
    for lease in &leases {
        journal.release(lease)?;
    }
    let places = appended?.into_iter().map(|line| (line.entry.log, line.entry.seq)).collect();
    Ok(Recorded { places })
}
