//! The register of waivers: what does not hold and who answers for that, until when, and what is done instead.

use serde::Serialize;

use super::Board;
use crate::approval::Decision;
use crate::base::id::{GateId, PersonId, RoleName, ScopeId, StepId};
use crate::base::time::Timestamp;
use crate::model::checklist::ItemState;
use crate::model::signed::{Act, Statement, SubjectKind};

/// One waiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waiver {
    /// The scope.
    pub scope: ScopeId,
    /// The item or gate.
    pub what: String,
    /// Who waived it.
    pub person: PersonId,
    /// In which role.
    pub role: RoleName,
    /// Why.
    pub reason: String,
    /// What is done instead.
    pub compensating: String,
    /// When it was recorded.
    pub since: Timestamp,
    /// Its end.
    pub until: Option<Timestamp>,
    /// What has become of it.
    pub standing: Standing,
    /// Its entry in the log of the scope.
    pub entry: u64,
}

/// What has become of a waiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It lets something pass now.
    Holds,
    /// Its end has come: what it let pass is open again, unless it was done.
    Ended,
    /// What it was for is done, or does not apply.
    NotNeeded,
    /// What it was for has changed since, so that it no longer applies.
    Void,
    /// Alone it lets nothing pass: somebody else has to waive it too, or it was taken back or does not count.
    Alone,
}

impl Standing {
    /// In words.
    pub fn word(self) -> &'static str {
        match self {
            Standing::Holds => "holds",
            Standing::Ended => "ended",
            Standing::NotNeeded => "not needed any more",
            Standing::Void => "void: what it was for has changed",
            Standing::Alone => "lets nothing pass alone",
        }
    }
}

/// Every waiver in the logs, the one that ends first at the top.
pub fn waivers(board: &Board) -> Vec<Waiver> {
    let mut all = Vec::new();
    for (scope, stand) in &board.scopes {
        for decision in &stand.decisions {
            let said = &decision.signed.statement;
            let Act::Waive { compensating } = &said.act else { continue };
            all.push(Waiver {
                scope: scope.clone(),
                what: said.subject.name.clone(),
                person: said.person.clone(),
                role: said.role.clone(),
                reason: said.comment.clone(),
                compensating: compensating.clone(),
                since: decision.recorded_at,
                until: said.expires,
                standing: standing(board, scope, decision),
                entry: decision.seq,
            });
        }
    }
    all.sort_by(|one, other| {
        (one.until, &one.scope, one.entry).cmp(&(other.until, &other.scope, other.entry))
    });
    all
}

fn standing(board: &Board, scope: &ScopeId, decision: &Decision) -> Standing {
    let said = &decision.signed.statement;
    if said.expires.is_none_or(|end| board.now >= end) {
        return Standing::Ended;
    }
    match said.subject.kind {
        SubjectKind::Item => of_item(board, scope, decision, said),
        SubjectKind::Gate => {
            let id = GateId::new(said.subject.name.as_str()).ok();
            match id.and_then(|id| board.gate(scope, &id)) {
                Some(gate) if gate.digest != said.subject.digest => Standing::Void,
                Some(gate) if gate.open && !gate.waived.is_empty() => Standing::Holds,
                Some(gate) if gate.open => Standing::NotNeeded,
                Some(_) => Standing::Alone,
                None => Standing::Void,
            }
        }
        SubjectKind::Plan | SubjectKind::AccessRequest | SubjectKind::Recertification => Standing::Alone,
    }
}

fn of_item(board: &Board, scope: &ScopeId, decision: &Decision, said: &Statement) -> Standing {
    let id = StepId::new(said.subject.name.as_str()).ok();
    let Some(item) = id.and_then(|id| board.item(scope, &id)) else { return Standing::Void };
    if item.digest != said.subject.digest {
        return Standing::Void;
    }
    match &item.state {
        ItemState::Waived { .. } if item.rests_on.contains(&decision.seq) => Standing::Holds,
        ItemState::Passed { .. } | ItemState::NotApplicable { .. } => Standing::NotNeeded,
        ItemState::Waived { .. }
        | ItemState::Open
        | ItemState::Blocked { .. }
        | ItemState::Waiting { .. }
        | ItemState::Failed { .. }
        | ItemState::Expired { .. } => Standing::Alone,
    }
}
