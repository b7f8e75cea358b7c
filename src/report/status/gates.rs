//! Which gates are shut, and on whom: a part of the document, and its lines.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::id::{GateId, ScopeId};
use crate::base::time::Timestamp;

/// Scopes that a line names before it counts them.
const NAMED_MAX: usize = 3;

/// A gate that is shut at one scope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShutGate {
    /// The scope.
    pub scope: ScopeId,
    /// The gate.
    pub gate: GateId,
    /// What it is called.
    pub title: String,
    /// How many things are missing.
    pub missing: usize,
    /// The roles that can close them.
    pub on: BTreeSet<String>,
    /// Since when only signatures are missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// When those are late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// Whether they are.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overdue: bool,
}

/// A line for each gate that is shut somewhere; empty if none is.
pub fn gate_lines(shut: &[ShutGate]) -> String {
    let mut by_gate: BTreeMap<&GateId, Vec<&ShutGate>> = BTreeMap::new();
    for one in shut {
        by_gate.entry(&one.gate).or_default().push(one);
    }
    if by_gate.is_empty() {
        return String::new();
    }
    let mut text = String::from("\nGates\n");
    for (gate, all) in by_gate {
        let on: BTreeSet<&str> = all.iter().flat_map(|one| one.on.iter().map(String::as_str)).collect();
        let on: Vec<&str> = on.into_iter().collect();
        let missing: usize = all.iter().map(|one| one.missing).sum();
        let late: Vec<&&ShutGate> = all.iter().filter(|one| one.overdue).collect();
        let late = if late.is_empty() { String::new() } else { format!("; OVERDUE at {}", places(&late)) };
        let places = places(&all.iter().collect::<Vec<_>>());
        let title = all.first().map_or("", |one| one.title.as_str());
        text.push_str(&format!(
            "  {gate} {title}  shut at {places}: {missing} missing, on {}{late}\n",
            on.join(", ")
        ));
    }
    text
}

fn places(all: &[&&ShutGate]) -> String {
    let name = |one: &&&ShutGate| one.scope.site().map_or_else(|| one.scope.to_string(), ToString::to_string);
    let named: Vec<String> = all.iter().take(NAMED_MAX).map(name).collect();
    match all.len().saturating_sub(NAMED_MAX) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shut(site: &str, on: &str, overdue: bool) -> ShutGate {
        ShutGate {
            scope: format!("site/{site}").parse().expect("a scope"),
            gate: GateId::new("g-02").expect("a gate"),
            title: "Readiness".to_owned(),
            missing: 2,
            on: BTreeSet::from([on.to_owned()]),
            since: None,
            due: None,
            overdue,
        }
    }

    #[test]
    fn one_line_tells_of_a_gate_at_all_sites() {
        assert_eq!(gate_lines(&[]), "");
        let all = [
            shut("HRB01", "compliance", false),
            shut("MPL02", "it-network", true),
            shut("OAK03", "compliance", false),
            shut("PIN04", "compliance", false),
        ];
        assert_eq!(
            gate_lines(&all),
            "\nGates\n  g-02 Readiness  shut at HRB01, MPL02, OAK03 and 1 more: 8 missing, on compliance, \
             it-network; OVERDUE at MPL02\n"
        );
    }
}
