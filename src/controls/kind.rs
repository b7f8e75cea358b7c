//! Evidence kinds: what each shows, of which controls, for how long, and what it must hold.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::time::Millis;
use crate::model::control::Extent;

use super::catalogue::Framework;
use super::selector::Selector;

/// Who brings evidence of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A step of a plan.
    Step,
    /// The program, from its own record.
    Program,
    /// A person.
    Person,
}

/// One kind of evidence.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceKind {
    /// Who brings it.
    pub by: Source,
    /// What it shows, as a sentence.
    pub shows: String,
    /// For how many days it counts. Evidence about one event does not age.
    #[serde(default)]
    days: Option<u32>,
    /// The kind of entry in the site's log before which it is not asked for.
    #[serde(default)]
    pub when: Option<String>,
    /// Why it is not asked for without such an entry.
    #[serde(default)]
    pub otherwise: Option<String>,
    /// Controls that it shows in full.
    #[serde(default)]
    pub full: BTreeMap<Framework, Vec<String>>,
    /// Controls that it shows in part.
    #[serde(default)]
    pub part: BTreeMap<Framework, Vec<String>>,
    /// What shows it beside steps: all of these, each by any one of its sources.
    #[serde(default)]
    pub inputs: Vec<Vec<Selector>>,
    /// Whether all steps of the site's plan show it together.
    #[serde(default)]
    pub every_step: bool,
    /// What it must hold.
    pub holds: Vec<String>,
}

const DAY: Millis = Millis::from_secs(24 * 60 * 60);

impl EvidenceKind {
    /// For how long it counts; nothing if it does not age.
    pub fn max_age(&self) -> Option<Millis> {
        self.days.map(|days| Millis(DAY.0 * u64::from(days)))
    }

    /// How much of a control it shows, if anything.
    pub fn extent(&self, framework: Framework, id: &str) -> Option<Extent> {
        let within = |set: &BTreeMap<Framework, Vec<String>>| {
            set.get(&framework).is_some_and(|ids| ids.iter().any(|own| own == id))
        };
        match (within(&self.full), within(&self.part)) {
            (true, _) => Some(Extent::Full),
            (false, true) => Some(Extent::Part),
            (false, false) => None,
        }
    }

    /// All controls that it bears on.
    pub fn controls(&self) -> impl Iterator<Item = (Framework, &str)> {
        let sets = self.full.iter().chain(&self.part);
        sets.flat_map(|(framework, ids)| ids.iter().map(|id| (*framework, id.as_str())))
    }
}
