//! Whether every planned step of a site left a record.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::base::id::{LogId, StepId};

use super::super::answer::Answer;
use super::super::records::Records;
use super::{counted, result, what};

const COLUMNS: [&str; 7] = ["site", "step", "executed", "records", "first", "last", "result"];

/// One site's records with the steps that its newest plan has.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The records.
    pub records: Records,
    /// The steps of the plan that its newest run carried out.
    pub steps: BTreeSet<StepId>,
}

/// What a site's or wave's records leave out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// The steps with the number of their records, steps without any first.
    pub answer: Answer,
    /// Steps that were to be carried out.
    pub planned: usize,
    /// Steps without any record.
    pub missing: usize,
}

/// The steps that a plan's file has for a log: of a whole plan, or of what one scope may see of it.
pub fn planned_steps(plan: &[u8], log: &LogId) -> Option<BTreeSet<StepId>> {
    let plan: Value = serde_json::from_slice(plan).ok()?;
    let scope = log.to_string();
    let steps = match plan.get("part") {
        Some(part) => {
            part.get("plan").filter(|_| part.get("scope") == Some(&Value::from(scope)))?.get("steps")?
        }
        None => plan.pointer("/plan/scopes")?.get(&scope)?.get("steps")?,
    };
    steps.as_object()?.keys().map(|step| StepId::new(step.as_str()).ok()).collect()
}

/// Counts the records of each step of these sites; `silent` are sites of the wave without any log.
pub fn coverage(sites: &[Planned], silent: &[String]) -> Coverage {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut planned = 0;
    for site in sites {
        planned += site.steps.len();
        let mut of_step: BTreeMap<&StepId, Vec<&crate::model::entry::Entry>> =
            site.steps.iter().map(|step| (step, Vec::new())).collect();
        for entry in &site.records.entries {
            if let Some(entries) = entry.step.as_ref().and_then(|step| of_step.get_mut(step)) {
                entries.push(entry);
            }
        }
        for (step, entries) in of_step {
            let last = entries.last();
            let executed = entries.iter().any(|entry| entry.kind != "step.blocked");
            let id = |entry: Option<&&crate::model::entry::Entry>| {
                entry.map_or_else(String::new, |entry| site.records.id(entry.seq))
            };
            let ended = last.map(|entry| (what(entry), result(entry)));
            rows.push(vec![
                site.records.log.to_string(),
                step.to_string(),
                if executed { "yes" } else { "no" }.to_owned(),
                entries.len().to_string(),
                id(entries.first()),
                id(last),
                ended.map_or("no record".to_owned(), |(what, result)| {
                    if result.is_empty() { what.to_owned() } else { result }
                }),
            ]);
        }
    }
    rows.sort_by_key(|row| row[3] != "0");
    let missing = rows.iter().filter(|row| row[3] == "0").count();
    let sentence = sentence(sites.len(), planned, missing, silent);
    Coverage { answer: Answer { question: "list", sentence, columns: &COLUMNS, rows }, planned, missing }
}

fn sentence(sites: usize, planned: usize, missing: usize, silent: &[String]) -> String {
    let with = planned - missing;
    let mut text = if planned == 0 {
        "No record: nothing was ever carried out.".to_owned()
    } else {
        let none =
            if missing == 0 { "none is missing".to_owned() } else { format!("{missing} without any record") };
        format!(
            "{with} of {planned} planned steps of {} have at least one record; {none}.",
            counted(sites, "site", "sites")
        )
    };
    if !silent.is_empty() {
        text.push_str(&format!(" No record of: {}.", silent.join(", ")));
    }
    text
}
