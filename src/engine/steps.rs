//! The steps of a run by name, as everybody outside the engine sees them.

use super::step::Step;
use crate::base::id::StepId;

/// The steps of a run, in the order of their names.
#[derive(Debug, Clone, Copy)]
pub struct Steps<'s> {
    names: &'s [StepId],
    steps: &'s [Step],
}

impl<'s> Steps<'s> {
    /// These steps under these names, which are in order.
    pub(super) fn new(names: &'s [StepId], steps: &'s [Step]) -> Self {
        Self { names, steps }
    }

    /// The step of this name.
    pub fn get(self, step: &StepId) -> Option<&'s Step> {
        self.names.binary_search(step).ok().map(|at| &self.steps[at])
    }

    /// All of them with their names.
    pub fn iter(self) -> impl Iterator<Item = (&'s StepId, &'s Step)> {
        self.into_iter()
    }

    /// All names.
    pub fn keys(self) -> impl Iterator<Item = &'s StepId> {
        self.names.iter()
    }

    /// All of them.
    pub fn values(self) -> impl Iterator<Item = &'s Step> {
        self.steps.iter()
    }

    /// How many there are.
    pub fn len(self) -> usize {
        self.steps.len()
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.steps.is_empty()
    }
}

impl<'s> IntoIterator for Steps<'s> {
    type Item = (&'s StepId, &'s Step);
    type IntoIter = std::iter::Zip<std::slice::Iter<'s, StepId>, std::slice::Iter<'s, Step>>;

    fn into_iter(self) -> Self::IntoIter {
        self.names.iter().zip(self.steps)
    }
}
