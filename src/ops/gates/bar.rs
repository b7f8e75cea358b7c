//! What a wave that waits for a gate is told.

use crate::base::id::{GateId, ScopeId};
use crate::base::limits::{GATE_MISSING_MAX, GATE_WORDS_MAX};
use crate::journal::{Journal, JournalError};
use crate::model::criterion::{Criterion, Holds};
use crate::model::plan::Plan;
use crate::model::wait::OpenItem;
use crate::ops::checklist::{Board, Ground};

/// What keeps a gate shut at the scopes at which it is asked for; nothing if it is open at all of them.
pub fn barred(
    ground: &Ground,
    board: &Board,
    criterion: &Criterion,
    gate: &GateId,
    sites: &[ScopeId],
) -> Vec<OpenItem> {
    let mut open = Vec::new();
    for scope in ground.scopes_of(gate, sites) {
        let told = |id: &str, missing: &str, owner: &str| OpenItem {
            id: format!("{}: {} {id}", criterion.id, place(&scope)),
            missing: format!("{missing} (gate {gate})"),
            owner: owner.to_owned(),
        };
        match board.gate(&scope, gate) {
            Some(standing) if standing.open => {}
            Some(standing) if standing.missing.is_empty() => {
                open.push(told(gate.as_str(), "it is shut", &criterion.owner));
            }
            Some(standing) => {
                let missing = standing.missing.iter();
                open.extend(missing.map(|item| told(&item.id, &item.missing, &item.owner)));
            }
            None => open.push(told(gate.as_str(), "no pack declares it there", &criterion.owner)),
        }
    }
    open
}

fn place(scope: &ScopeId) -> String {
    scope.site().map_or_else(|| scope.to_string(), ToString::to_string)
}

/// As much as an entry of the log has room for.
pub fn cut(open: &[OpenItem]) -> Vec<OpenItem> {
    let short = |text: &str| match text.char_indices().nth(GATE_WORDS_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    };
    let mut kept: Vec<OpenItem> = open
        .iter()
        .take(GATE_MISSING_MAX)
        .map(|item| OpenItem { missing: short(&item.missing), ..item.clone() })
        .collect();
    if let Some(last) = open.get(GATE_MISSING_MAX) {
        let more = open.len() - GATE_MISSING_MAX;
        let missing = format!("{more} more are missing: landfall gate list shows all of them");
        kept.push(OpenItem { missing, ..last.clone() });
    }
    kept
}

/// What would bar the waves of a plan on a target that asks for gates: told where it does not.
///
/// # Errors
///
/// If a log cannot be read.
pub fn notes(
    ground: &Ground,
    journal: &dyn Journal,
    plan: &Plan,
    now: crate::base::time::Timestamp,
) -> Result<Vec<String>, JournalError> {
    let mut notes = Vec::new();
    let mut board = None;
    for wave in &plan.fleet.waves {
        let sites: Vec<ScopeId> = wave.sites.iter().cloned().map(ScopeId::Site).collect();
        for criterion in &wave.entry {
            let Holds::Gate(gate) = &criterion.holds else { continue };
            if board.is_none() {
                board = Some(ground.board(journal, now)?);
            }
            let Some(board) = &board else { continue };
            let open = barred(ground, board, criterion, gate, &sites);
            if let Some(first) = open.first() {
                notes.push(format!(
                    "the gate {gate} before {} is shut ({} missing, first {}: {}); the target {} does not ask for gates",
                    wave.name,
                    open.len(),
                    first.id,
                    first.missing,
                    plan.target.name,
                ));
            }
        }
    }
    Ok(notes)
}
