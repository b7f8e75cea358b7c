//! Populations and reconciliations in the form in which a page shows them.

use crate::base::time::Timestamp;

use super::Populations;
use super::reconcile::Standing;

/// Everything that a page says of populations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PopulationSummary {
    /// The populations.
    pub populations: Vec<PopulationLine>,
    /// The reconciliations.
    pub reconciliations: Vec<ReconciliationLine>,
}

/// One population.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PopulationLine {
    /// Its name.
    pub name: &'static str,
    /// The path of its rows in the bundle.
    pub path: String,
    /// The path of its query in the bundle.
    pub query_path: String,
    /// Where it comes from: the platform, with time, identity and pages, or the site's own log.
    pub source: String,
    /// Whether the platform gave it, and not the log.
    pub from_platform: bool,
    /// Its rows.
    pub size: usize,
    /// When it was read; the last moment it is about, if the log gave it.
    pub at: Option<Timestamp>,
    /// Why it is not all there is, if it is not.
    pub cut: Option<String>,
    /// What an empty population says; none if it has rows.
    pub nothing: Option<String>,
}

/// One reconciliation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReconciliationLine {
    /// What is counted.
    pub what: String,
    /// Our source and its count.
    pub ours: (String, Option<u64>),
    /// The other source and its count.
    pub theirs: (String, Option<u64>),
    /// How many differences there are.
    pub differences: u64,
    /// What it came to, in words: agrees, DIFFERS, source missing, NOT COMPLETE.
    pub standing: String,
    /// Whether both sources are whole and agree.
    pub agrees: bool,
    /// The differences that are listed: item and detail.
    pub listed: Vec<(String, String)>,
    /// When the other source was read.
    pub at: Option<Timestamp>,
}

impl PopulationSummary {
    pub(super) fn of(populations: &Populations) -> Self {
        let line = |population: &super::Population| PopulationLine {
            name: population.name,
            path: population.path(),
            query_path: population.query_path(),
            source: population.source(),
            from_platform: population.taken.is_some(),
            size: population.rows.rows.len(),
            at: match &population.taken {
                Some(taken) => Some(taken.read.ended),
                None => population.span.map(|(_, to)| to),
            },
            cut: population.cut(),
            nothing: population.nothing(),
        };
        let reconciliation = |one: &super::Reconciled| ReconciliationLine {
            what: one.what.clone(),
            ours: (one.ours.source.clone(), one.ours.count),
            theirs: (one.theirs.source.clone(), one.theirs.count),
            differences: one.differences,
            standing: one.standing.words(),
            agrees: one.standing == Standing::Agrees,
            listed: one.listed.iter().map(|one| (one.item.clone(), one.detail.clone())).collect(),
            at: one.at,
        };
        Self {
            populations: populations.all.iter().map(line).collect(),
            reconciliations: populations.reconciled.iter().map(reconciliation).collect(),
        }
    }
}
