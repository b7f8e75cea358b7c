//! Checks all files of an estate and says what was checked.

use std::path::Path;

use crate::base::diagnostic::Diagnostics;
use crate::base::span::SourceMap;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;

/// What was checked, when nothing stops the estate from being planned.
#[derive(Debug)]
pub struct Checked {
    /// Sites.
    pub sites: usize,
    /// Waves.
    pub waves: usize,
    /// Packs.
    pub packs: usize,
    /// Resources and checklist items that were rendered.
    pub steps: usize,
    /// Problems that stop nothing.
    pub warnings: Diagnostics,
    /// The files they point into.
    pub sources: SourceMap,
}

/// Checks everything that can be checked offline, with the packs of another folder where one is named.
///
/// # Errors
///
/// Every problem of every file.
pub fn check(root: &Path, packs: Option<&Path>) -> Result<Checked, Failure> {
    let desired = Desired::read_with(root, packs)?;
    Ok(Checked {
        sites: desired.loaded.sites.len(),
        waves: desired.loaded.estate.waves.len(),
        packs: desired.loaded.packs.len(),
        steps: desired.rendered.values().map(|r| r.resources.len() + r.steps.len()).sum(),
        warnings: desired.warnings,
        sources: desired.loaded.sources,
    })
}
