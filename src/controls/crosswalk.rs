//! From controls to what shows them: the steps, items and records behind each, and what nothing shows.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::control::{ControlRow, ControlStatus};

use super::standing::KindStanding;

/// One control with what shows it at a site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Crossing {
    /// The framework's short name.
    pub framework: String,
    /// The control.
    pub id: String,
    /// The organisation's own id for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own_id: Option<String>,
    /// Its title.
    pub title: String,
    /// Where it stands.
    pub status: ControlStatus,
    /// Each evidence kind that bears on it, with the steps, items and entries behind it.
    pub shown_by: BTreeMap<String, Vec<String>>,
    /// Places in logs.
    pub records: String,
}

impl Crossing {
    /// Whether nothing of this program or of anybody else is named that would show it.
    pub fn is_gap(&self) -> bool {
        self.shown_by.is_empty() && !matches!(self.status, ControlStatus::NotApplicable { .. })
    }
}

/// Each of these controls with what shows it.
pub fn crosswalk(rows: &[ControlRow], standings: &BTreeMap<String, KindStanding>) -> Vec<Crossing> {
    let crossing = |row: &ControlRow| {
        let behind = |kind: &String| {
            let rests_on = standings.get(kind).map(|standing| standing.rests_on.iter().cloned().collect());
            (kind.clone(), rests_on.unwrap_or_default())
        };
        Crossing {
            framework: row.framework.clone(),
            id: row.id.clone(),
            own_id: row.own_id.clone(),
            title: row.title.clone(),
            status: row.status.clone(),
            shown_by: row.kinds.iter().map(behind).collect(),
            records: row.places(),
        }
    };
    rows.iter().map(crossing).collect()
}
