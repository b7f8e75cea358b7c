//! What the logs tell a plan: what each scope holds, and how long steps take.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::id::{LogId, ScopeId};
use crate::forecast::Durations;
use crate::journal::{Journal, Line};
use crate::model::holdings::Holdings;
use crate::model::plan::TargetName;
use crate::ops::durations::Learning;
use crate::ops::error::Failure;

/// What the logs tell.
pub(super) struct History {
    /// What each scope of the plan holds.
    pub(super) holdings: BTreeMap<ScopeId, Holdings>,
    /// How long steps take, by all runs of all scopes.
    pub(super) durations: Durations,
}

/// Reads every log once, one at a time, for all that is to be known of it.
pub(super) fn history<'l>(
    journal: &dyn Journal,
    scopes: &BTreeSet<ScopeId>,
    logs: impl Iterator<Item = &'l LogId>,
    target: &TargetName,
) -> Result<History, Failure> {
    let logged = logs.filter_map(|log| match log {
        LogId::Scope(scope) => Some(scope),
        LogId::Org => None,
    });
    let mut learning = Learning::on(target);
    let mut holdings = BTreeMap::new();
    for scope in scopes.iter().chain(logged).collect::<BTreeSet<_>>() {
        let lines = journal.read(&LogId::Scope(scope.clone()), 0)?;
        learning.take(&lines, journal)?;
        if scopes.contains(scope) {
            holdings.insert(scope.clone(), held(scope, &lines)?);
        }
    }
    Ok(History { holdings, durations: learning.durations })
}

/// What each of these scopes holds by its log.
pub(in crate::ops) fn read_holdings(
    journal: &dyn Journal,
    scopes: &BTreeSet<ScopeId>,
) -> Result<BTreeMap<ScopeId, Holdings>, Failure> {
    let mut all = BTreeMap::new();
    for scope in scopes {
        all.insert(scope.clone(), holdings_of(journal, scope)?);
    }
    Ok(all)
}

/// What a scope holds by its log.
pub(in crate::ops) fn holdings_of(journal: &dyn Journal, scope: &ScopeId) -> Result<Holdings, Failure> {
    held(scope, &journal.read(&LogId::Scope(scope.clone()), 0)?)
}

fn held(scope: &ScopeId, lines: &[Line]) -> Result<Holdings, Failure> {
    Holdings::from_entries(lines.iter().map(|line| &line.entry))
        .map_err(|e| Failure::NotVerified { what: format!("the log of {scope}: {e}") })
}
