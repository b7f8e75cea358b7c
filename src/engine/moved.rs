//! To which steps something has happened: what a run owes is followed step by step, and not looked for among all that it
//! owes whenever one of them moves.

use std::collections::BTreeSet;

/// Steps to which something has happened since the shell last asked, by their places.
///
/// It says how far the shell has followed, not where the run stands: two runs that stand alike are equal.
#[derive(Debug, Clone, Default)]
pub(super) struct Moved(BTreeSet<usize>);

impl Moved {
    pub fn note(&mut self, at: usize) {
        self.0.insert(at);
    }

    pub fn take(&mut self) -> BTreeSet<usize> {
        std::mem::take(&mut self.0)
    }
}

impl PartialEq for Moved {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
