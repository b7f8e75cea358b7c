//! The score of a site: how many controls that apply are evidenced, and what is missing for the others.

use serde::Serialize;

use crate::base::id::SiteCode;
use crate::model::control::{ControlRow, ControlStatus, Missing, Obligation};

use super::catalogue::{Catalogue, Framework};

/// One framework at one site. Computed whenever it is asked for; kept nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// The site.
    pub site: SiteCode,
    /// The framework.
    pub framework: Framework,
    /// Its name in tables.
    pub label: String,
    /// Controls that apply: all but those that have no occasion.
    pub required: usize,
    /// Those that are evidenced.
    pub evidenced: usize,
    /// Those that are evidenced in part.
    pub partial: usize,
    /// Those whose check failed.
    pub failed: usize,
    /// Those whose check was not run, or too long ago.
    pub not_run: usize,
    /// Those that a person has to show.
    pub manual: usize,
    /// Those that were accepted for a time.
    pub waived: usize,
    /// Controls without occasion.
    pub not_applicable: usize,
    /// Those among all whose evidence has failed or grown too old.
    pub stale: usize,
    /// Every control that applies and is neither evidenced nor waived.
    pub gaps: Vec<Gap>,
}

/// A control without full evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The control.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Whether it can be met in another way.
    pub obligation: Obligation,
    /// Where it stands, in a word.
    pub status: String,
    /// What is missing.
    pub missing: Vec<Missing>,
}

impl Coverage {
    /// Whether every control that applies is evidenced or waived.
    pub fn is_complete(&self) -> bool {
        self.gaps.is_empty()
    }
}

/// The score of a site for each of these frameworks.
pub fn coverage(
    catalogue: &Catalogue,
    site: &SiteCode,
    rows: &[ControlRow],
    frameworks: &[Framework],
) -> Vec<Coverage> {
    let of = |framework: &Framework| {
        let own: Vec<&ControlRow> = rows.iter().filter(|row| row.framework == framework.word()).collect();
        one(catalogue, site, *framework, &own)
    };
    frameworks.iter().map(of).collect()
}

fn one(catalogue: &Catalogue, site: &SiteCode, framework: Framework, rows: &[&ControlRow]) -> Coverage {
    let mut coverage = Coverage {
        site: site.clone(),
        framework,
        label: catalogue.label(framework).to_owned(),
        required: 0,
        evidenced: 0,
        partial: 0,
        failed: 0,
        not_run: 0,
        manual: 0,
        waived: 0,
        not_applicable: 0,
        stale: rows.iter().filter(|row| row.is_stale()).count(),
        gaps: Vec::new(),
    };
    for row in rows {
        let (count, gap) = match row.status {
            ControlStatus::Evidenced => (&mut coverage.evidenced, false),
            ControlStatus::Partial { .. } => (&mut coverage.partial, true),
            ControlStatus::Failed { .. } => (&mut coverage.failed, true),
            ControlStatus::Manual => (&mut coverage.manual, true),
            ControlStatus::Waived { .. } => (&mut coverage.waived, false),
            ControlStatus::NotRun => (&mut coverage.not_run, true),
            ControlStatus::NotApplicable { .. } => (&mut coverage.not_applicable, false),
        };
        *count += 1;
        if gap {
            coverage.gaps.push(Gap {
                id: row.id.clone(),
                title: row.title.clone(),
                obligation: row.obligation,
                status: row.status.word().to_owned(),
                missing: row.missing.clone(),
            });
        }
    }
    coverage.required = rows.len() - coverage.not_applicable;
    coverage.gaps.sort_by_key(|gap| (need(gap), gap.id.clone()));
    coverage
}

/// What failed or is too old comes first, then what a step could show, then what a person has to.
fn need(gap: &Gap) -> u32 {
    match gap.status.as_str() {
        _ if gap.missing.iter().any(|missing| missing.stale) => 0,
        "manual" => 2,
        _ => 1,
    }
}
