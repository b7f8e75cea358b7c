//! What a scope declares without the values that say which site it is, and which parameters stand behind each value.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::base::id::StepId;

/// Begins the name of a parameter that stands for its value in an outline. Text with these letters has no outline,
/// so that no value can pass for a parameter.
pub const PARAMETER_BEGIN: char = '\u{E010}';

/// Ends the name of a parameter.
pub const PARAMETER_END: char = '\u{E011}';

/// The outline of one scope. Steps of files that could not be traced are not in it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outline {
    /// By the step's name.
    pub steps: BTreeMap<StepId, OutlinedStep>,
}

/// One declared resource or checklist item.
#[derive(Debug, Clone, PartialEq)]
pub struct OutlinedStep {
    /// What the template declares, with each value that says which site it is replaced by its parameter's name.
    pub normal: Value,
    /// The parameters printed at each place, by pointer into `normal`.
    pub printed: BTreeMap<String, BTreeSet<String>>,
    /// The parameters that conditions and loops around and inside it look at.
    pub decided_by: BTreeSet<String>,
}

impl OutlinedStep {
    /// The step's name without what says which site it is.
    pub fn name(&self) -> String {
        shown(self.normal["id"].as_str().unwrap_or_default())
    }
}

/// Text of an outline as people read it: `‹site.code›` for a parameter.
pub fn shown(text: &str) -> String {
    text.replace(PARAMETER_BEGIN, "‹").replace(PARAMETER_END, "›")
}
