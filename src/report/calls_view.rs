//! The calls that a plan would make, counted and listed.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::plan_view::plural;
use crate::base::id::{KindName, ScopeId, StepId};

/// One call that changes something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedCall {
    /// The scope.
    pub scope: ScopeId,
    /// The step.
    pub step: StepId,
    /// The kind of its object.
    pub kind: KindName,
    /// Where it goes: `account`, or scope and step of a workspace.
    pub host: String,
    /// The HTTP method.
    pub method: &'static str,
    /// The path as the kind's table has it: ids that are not known yet stand in braces.
    pub path: String,
    /// The family of API calls that the service counts it with.
    pub family: String,
    /// Whether it follows a create, for fields that the create call does not take: it is left out where the service's own
    /// value is the wanted one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub follow_up: bool,
}

/// All calls of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// How many go to each host, by family.
    pub per_host: BTreeMap<String, BTreeMap<String, usize>>,
    /// The calls, by scope and step.
    pub calls: Vec<PlannedCall>,
}

impl Calls {
    /// Counts a list of calls.
    pub fn new(calls: Vec<PlannedCall>) -> Self {
        let mut per_host: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
        for call in &calls {
            *per_host.entry(call.host.clone()).or_default().entry(call.family.clone()).or_default() += 1;
        }
        Self { per_host, calls }
    }
}

/// For people.
pub fn text(calls: &Calls) -> String {
    let count = calls.calls.len();
    let mut out = format!("{count} {} that change something:\n", plural(count, "call", "calls"));
    for (host, families) in &calls.per_host {
        let words: Vec<String> = families.iter().map(|(family, count)| format!("{count} {family}")).collect();
        let _ = writeln!(out, "  {host}: {}", words.join(", "));
    }
    for call in &calls.calls {
        let PlannedCall { scope, step, host, method, path, follow_up, .. } = call;
        let note = if *follow_up { "   (after the create)" } else { "" };
        let _ = writeln!(out, "    {scope} {step}: {method} {path}   [{host}]{note}");
    }
    out
}
