//! The one object that somebody named: declared where it is said to be, there, and nobody's.

use std::collections::BTreeSet;

use super::{Candidate, needs_first};
use crate::base::diagnostic::nearest;
use crate::base::id::{KindName, ScopeId, StepId};
use crate::journal::Journal;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::plan::read_holdings;

/// What was typed.
#[derive(Debug, Clone)]
pub struct Named {
    /// The kind.
    pub kind: String,
    /// Natural key or id.
    pub key: String,
    /// The scope that is to own it.
    pub scope: ScopeId,
    /// The step that declares it.
    pub step: String,
}

impl Named {
    /// Checks that the step is declared, and of this kind.
    ///
    /// # Errors
    ///
    /// `Refused` if it is not.
    pub fn check(&self, desired: &Desired) -> Result<(StepId, KindName), Failure> {
        let refused = |reason: String| Failure::Refused { reason };
        let rendered = desired.rendered.get(&self.scope);
        let rendered =
            rendered.ok_or_else(|| refused(format!("no pack declares anything for {}", self.scope)))?;
        let Some(resource) = rendered.resources.iter().find(|one| one.id.as_str() == self.step) else {
            let known = rendered.resources.iter().map(|one| one.id.as_str());
            let near =
                nearest(&self.step, known).map_or(String::new(), |near| format!("; did you mean {near}?"));
            return Err(refused(format!("no pack declares {} for {}{near}", self.step, self.scope)));
        };
        if resource.kind.as_str() != self.kind {
            let reason = format!("{} is declared as {}, not as {}", self.step, resource.kind, self.kind);
            return Err(refused(reason));
        }
        Ok((resource.id.clone(), resource.kind.clone()))
    }
}

/// Picks the named object out of what was discovered.
///
/// # Errors
///
/// If the log is damaged; `Refused` if the object is not there, is held already, or is called otherwise than it is declared.
pub fn one(
    named: &Named,
    step: &StepId,
    journal: &dyn Journal,
    discovered: &[Candidate],
) -> Result<Candidate, Failure> {
    let refused = |reason: String| Failure::Refused { reason };
    let found = discovered.iter().find(|one| one.scope == named.scope && one.step == *step);
    let Some(found) = found else {
        let holdings = read_holdings(journal, &BTreeSet::from([named.scope.clone()]))?;
        return Err(refused(match holdings[&named.scope].get(step) {
            Some(held) => {
                let id = held.id.map_or(String::new(), |id| format!(" (id {id})"));
                format!("{} holds {step} already{id}", named.scope)
            }
            None => format!("there is no {} as {step} declares it", named.kind),
        }));
    };
    let same = |text: &str| text.eq_ignore_ascii_case(&named.key);
    if !same(&found.key) && !same(&found.id) {
        return Err(refused(format!("{step} is declared as `{}`, not as `{}`", found.key, named.key)));
    }
    if let Some(first) = needs_first(found, discovered) {
        return Err(refused(format!(
            "{step} is reached through {first}, which no log holds: adopt that first"
        )));
    }
    Ok(found.clone())
}
