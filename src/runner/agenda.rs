//! Which scopes a turn has to look at: kept up to date scope by scope, so that a turn costs what changed in it, and not
//! what there is. With a thousand sites under way, nearly all of them have nothing new to say.

use std::collections::{BTreeMap, BTreeSet};

use super::scope_run::ScopeRun;
use crate::base::id::ScopeId;
use crate::base::time::Timestamp;

/// What the runs that go on want of a turn.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    /// Come to rest.
    resting: BTreeSet<ScopeId>,
    timers: BTreeSet<(Timestamp, ScopeId)>,
    /// The moment under which a scope stands among the timers.
    moments: BTreeMap<ScopeId, Timestamp>,
    /// Mutating calls that are owed and not running, of the scopes that have some, and of all.
    calls: BTreeMap<ScopeId, usize>,
    all_calls: usize,
}

impl Agenda {
    /// Notes how a scope's run stands now.
    pub(super) fn note(&mut self, scope: &ScopeId, run: &ScopeRun) {
        self.set_calls(scope, run.calls());
        set(&mut self.resting, scope, run.is_at_rest());
        let moment = run.next_timer();
        let before = match moment {
            Some(at) => self.moments.insert(scope.clone(), at),
            None => self.moments.remove(scope),
        };
        if before != moment {
            before.map(|at| self.timers.remove(&(at, scope.clone())));
            moment.map(|at| self.timers.insert((at, scope.clone())));
        }
    }

    /// Nothing is owed to this scope any more.
    pub(super) fn strike(&mut self, scope: &ScopeId) {
        self.resting.remove(scope);
        self.set_calls(scope, 0);
        if let Some(at) = self.moments.remove(scope) {
            self.timers.remove(&(at, scope.clone()));
        }
    }

    fn set_calls(&mut self, scope: &ScopeId, count: usize) {
        let before = match count {
            0 => self.calls.remove(scope),
            _ => self.calls.insert(scope.clone(), count),
        };
        self.all_calls = self.all_calls + count - before.unwrap_or(0);
    }

    /// Mutating calls that are owed and not running.
    pub(super) fn calls(&self) -> usize {
        self.all_calls
    }

    /// Scopes that have come to rest, in order.
    pub(super) fn resting(&self) -> Vec<ScopeId> {
        self.resting.iter().cloned().collect()
    }

    /// The first moment at which one of them is to be woken.
    pub(super) fn next_timer(&self) -> Option<Timestamp> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Scopes whose moment has come, in the order of scopes.
    pub(super) fn due(&self, now: Timestamp) -> BTreeSet<ScopeId> {
        self.timers.iter().take_while(|(at, _)| *at <= now).map(|(_, scope)| scope.clone()).collect()
    }
}

fn set(scopes: &mut BTreeSet<ScopeId>, scope: &ScopeId, belongs: bool) {
    if !belongs {
        scopes.remove(scope);
    } else if !scopes.contains(scope) {
        scopes.insert(scope.clone());
    }
}
