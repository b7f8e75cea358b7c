//! What must be going on right now, from state alone.

use std::collections::BTreeSet;

use super::chart::Stage;
use super::state::{Phase, State, Turn};
use super::wave::Entry;
use crate::base::id::{ScopeId, WaveName};
use crate::base::time::Timestamp;

/// What the shell is to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Command {
    /// Run this scope, or take its run up again; its end is decided as `Input::ScopeEnded`. A launch that is stopping
    /// still owes it: the shell passes the stop on, and the scope then ends as `Suspended`.
    RunScope {
        /// The scope.
        scope: ScopeId,
        /// Which time it is tried. If its run has ended in an earlier round, it is retried.
        round: u32,
    },
    /// Call this scope's run off: pass the abort on; its end is decided as `Input::ScopeEnded`.
    AbortScope(ScopeId),
    /// Find out which of the wave's entry criteria are open; decided as `Input::EntryJudged`.
    JudgeEntry(WaveName),
    /// Repeat the checks of these sites of the wave; decided as `Input::BakeLooked`.
    LookAtBake {
        /// The wave.
        wave: WaveName,
        /// Its sites that are done.
        scopes: Vec<ScopeId>,
    },
    /// Decide `Input::TimeReached` at this moment, or at once if it has passed.
    WakeAt(Timestamp),
}

/// What must be going on right now, from state alone. At most one moment to wake at is among it, the earliest.
pub fn owed(state: &State) -> BTreeSet<Command> {
    let mut owed = owed_beside_scopes(state);
    owed.extend(state.running().filter_map(|scope| owed_by(state, scope)));
    owed
}

/// What is owed to one scope.
pub fn owed_by(state: &State, scope: &ScopeId) -> Option<Command> {
    if !state.is_live() {
        return None;
    }
    match state.scopes().get(scope)? {
        Phase::Running => Some(Command::RunScope { scope: scope.clone(), round: state.round(scope) }),
        Phase::Aborting => Some(Command::AbortScope(scope.clone())),
        Phase::Pending
        | Phase::Suspended
        | Phase::Succeeded
        | Phase::Failed
        | Phase::Aborted
        | Phase::Skipped { .. } => None,
    }
}

/// What is owed to waves and to the launch as a whole: all that is owed but the runs of scopes, of which there are many.
pub fn owed_beside_scopes(state: &State) -> BTreeSet<Command> {
    let mut owed = BTreeSet::new();
    if state.is_open() {
        let mut moments = windows(state);
        criteria(state, &mut owed, &mut moments);
        looks(state, &mut owed, &mut moments);
        owed.extend(moments.into_iter().min().map(Command::WakeAt));
    }
    owed
}

fn windows(state: &State) -> Vec<Timestamp> {
    let opens = |scope: &ScopeId| state.waiting(scope).and_then(|known| known.why.until());
    state.held_by_windows().iter().filter_map(opens).collect()
}

fn criteria(state: &State, owed: &mut BTreeSet<Command>, moments: &mut Vec<Timestamp>) {
    let Turn::Stage(Stage::Wave(index)) = state.turn() else { return };
    let wave = &state.waves[index];
    match &wave.entry {
        Entry::Judging(_) => {
            owed.insert(Command::JudgeEntry(wave.name.clone()));
        }
        Entry::Barred(barred) => moments.push(barred.next()),
        Entry::Open | Entry::Ahead => {}
    }
}

fn looks(state: &State, owed: &mut BTreeSet<Command>, moments: &mut Vec<Timestamp>) {
    for wave in state.waves.iter().filter(|wave| wave.halted.is_none()) {
        match &wave.baking {
            Some(baking) if baking.asked.is_some() => {
                owed.insert(Command::LookAtBake { wave: wave.name.clone(), scopes: state.done(wave) });
            }
            Some(baking) => moments.push(baking.next()),
            None => {}
        }
    }
}
