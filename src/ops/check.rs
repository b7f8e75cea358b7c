//! Checks all files of an estate and says what was checked.

use std::path::Path;

use crate::base::diagnostic::{Diagnostic, Diagnostics};
use crate::base::span::SourceMap;
use crate::controls::OWN_CONTROLS_FILE;
use crate::ops::controls::own_controls;
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
    let own = own_controls(root).err().map(as_problem);
    let desired = match (Desired::read_with(root, packs), own) {
        (Ok(desired), None) => desired,
        (Ok(desired), Some(problem)) => {
            let mut found = desired.warnings;
            found.push(problem);
            return Err(Failure::Input { found, sources: desired.loaded.sources });
        }
        (Err(Failure::Input { mut found, sources }), Some(problem)) => {
            found.push(problem);
            return Err(Failure::Input { found, sources });
        }
        (Err(other), _) => return Err(other),
    };
    Ok(Checked {
        sites: desired.loaded.sites.len(),
        waves: desired.loaded.estate.waves.len(),
        packs: desired.loaded.packs.len(),
        steps: desired.rendered.values().map(|r| r.resources.len() + r.steps.len()).sum(),
        warnings: desired.warnings,
        sources: desired.loaded.sources,
    })
}

/// What is wrong with the file of the organisation's own controls. No plan rests on it, so it is no input; evidence does.
fn as_problem(failure: Failure) -> Diagnostic {
    let problem = match &failure {
        Failure::Usage { help: Some(help), .. } => {
            Diagnostic::error("estate.controls", failure.to_string()).help(help.clone())
        }
        _ => Diagnostic::error("estate.controls", format!("{OWN_CONTROLS_FILE}: {failure}")),
    };
    problem.note("evidence is not judged, and no bundle is written, until this can be read")
}
