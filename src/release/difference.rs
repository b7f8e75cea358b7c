//! What differs between two states, object by object and field by field.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use super::{Kept, State};
use crate::base::id::{KindName, StepId};
use crate::base::pointer;

/// One object that is not the same in both.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The step that keeps it.
    pub step: StepId,
    /// Its kind.
    pub kind: KindName,
    /// What is different.
    pub change: Change,
}

/// How an object differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Only the second state has it.
    Added,
    /// Only the first state has it.
    Removed,
    /// Both have it, with other fields.
    Fields(Vec<FieldDifference>),
}

/// One field that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldDifference {
    /// JSON pointer of the field.
    pub at: String,
    /// Its value in the first state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Value>,
    /// Its value in the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
}

/// Compares two states.
pub fn difference(first: &State, second: &State) -> Vec<Difference> {
    let steps: BTreeSet<&StepId> = first.0.keys().chain(second.0.keys()).collect();
    steps.into_iter().filter_map(|step| of_step(step, first.0.get(step), second.0.get(step))).collect()
}

fn of_step(step: &StepId, first: Option<&Kept>, second: Option<&Kept>) -> Option<Difference> {
    let (kind, change) = match (first, second) {
        (Some(first), Some(second)) if first.kind == second.kind => {
            let mut fields = Vec::new();
            walk("", Some(&first.spec), Some(&second.spec), &mut fields);
            if fields.is_empty() {
                return None;
            }
            (&second.kind, Change::Fields(fields))
        }
        (Some(_), Some(second)) => {
            // Another kind under the same name is another object.
            (&second.kind, Change::Added)
        }
        (None, Some(second)) => (&second.kind, Change::Added),
        (Some(first), None) => (&first.kind, Change::Removed),
        (None, None) => return None,
    };
    Some(Difference { step: step.clone(), kind: kind.clone(), change })
}

fn walk(at: &str, first: Option<&Value>, second: Option<&Value>, found: &mut Vec<FieldDifference>) {
    if first == second {
        return;
    }
    if let (Some(Value::Object(one)), Some(Value::Object(other))) = (first, second) {
        let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
        for name in names {
            walk(&pointer::child(at, name), one.get(name), other.get(name), found);
        }
        return;
    }
    found.push(FieldDifference { at: at.to_owned(), from: first.cloned(), to: second.cloned() });
}
