//! Packs against packs: versions, inputs, and what they render to for each site, grouped by pattern.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use super::plan_view;
use crate::base::id::{PackName, ScopeId};
use crate::model::pack::{Input, Pack};
use crate::model::plan::{PackLock, Plan, SavedPlan};

/// One pack that is not the same on both sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PackChange {
    /// The pack.
    pub name: PackName,
    /// What it was; absent if it is new.
    pub old: Option<PackLock>,
    /// What it is; absent if it is gone.
    pub new: Option<PackLock>,
    /// Its inputs that differ, by path.
    pub inputs: BTreeMap<String, InputChange>,
}

/// One input that is not the same on both sides, with how it is declared.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum InputChange {
    /// It is asked for now.
    Added(String),
    /// It is no longer asked for.
    Removed(String),
    /// It is declared otherwise.
    Changed {
        /// As it was.
        old: String,
        /// As it is.
        new: String,
    },
}

/// What the packs render to, old against new, as if what the old ones render were there.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// The steps that lead from one to the other. Cannot be applied: no target was looked at.
    pub plan: SavedPlan,
    /// Checks and artifacts that differ, each with the scopes in which they do.
    pub beside: BTreeMap<String, BTreeSet<ScopeId>>,
}

/// The packs that differ.
pub fn changes(old: &BTreeMap<PackName, Pack>, new: &BTreeMap<PackName, Pack>) -> Vec<PackChange> {
    let names: BTreeSet<&PackName> = old.keys().chain(new.keys()).collect();
    let change = |name: &PackName| {
        let (old, new) = (old.get(name), new.get(name));
        let (was, is) = (old.map(Pack::lock), new.map(Pack::lock));
        (was != is).then(|| PackChange { name: name.clone(), old: was, new: is, inputs: inputs(old, new) })
    };
    names.into_iter().filter_map(change).collect()
}

fn inputs(old: Option<&Pack>, new: Option<&Pack>) -> BTreeMap<String, InputChange> {
    let of = |pack: Option<&Pack>| -> BTreeMap<String, String> {
        pack.into_iter()
            .flat_map(|pack| &pack.inputs)
            .map(|(path, input)| (path.clone(), declared(input)))
            .collect()
    };
    let (old, new) = (of(old), of(new));
    let paths: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let change = |path: &String| match (old.get(path), new.get(path)) {
        (None, Some(new)) => Some(InputChange::Added(new.clone())),
        (Some(old), None) => Some(InputChange::Removed(old.clone())),
        (Some(old), Some(new)) if old != new => {
            Some(InputChange::Changed { old: old.clone(), new: new.clone() })
        }
        (Some(_), Some(_)) | (None, None) => None,
    };
    paths.into_iter().filter_map(|path| Some((path.clone(), change(path)?))).collect()
}

/// How an input is declared, in words.
fn declared(input: &Input) -> String {
    let mut words = input.kind.to_string();
    words.push_str(if input.required { ", required" } else { ", optional" });
    if !input.one_of.is_empty() {
        let values: Vec<String> = input.one_of.iter().map(ToString::to_string).collect();
        let _ = write!(words, ", one of {}", values.join(", "));
    }
    if let Some((least, greatest)) = input.range {
        let _ = write!(words, ", {least} to {greatest}");
    }
    if input.identity {
        words.push_str(", says which site it is");
    }
    words
}

/// One pack in a line: what it was, what it is.
pub fn line(change: &PackChange) -> String {
    let told = |lock: &PackLock| format!("{} ({})", lock.version, lock.digest.short());
    let (old, new) = (change.old.as_ref().map(told), change.new.as_ref().map(told));
    match (old, new) {
        (Some(old), Some(new)) => format!("~ {} {old} -> {new}", change.name),
        (None, Some(new)) => format!("+ {} {new}", change.name),
        (Some(old), None) => format!("- {} {old}", change.name),
        (None, None) => change.name.to_string(),
    }
}

/// The packs and their inputs.
pub fn packs(changes: &[PackChange]) -> String {
    if changes.is_empty() {
        return "The packs are the same.\n".to_owned();
    }
    let mut out = String::from("Packs\n");
    for change in changes {
        let _ = writeln!(out, "  {}", line(change));
        for (path, input) in &change.inputs {
            let _ = match input {
                InputChange::Added(words) => writeln!(out, "      + input {path}: {words}"),
                InputChange::Removed(words) => writeln!(out, "      - input {path}: {words}"),
                InputChange::Changed { old, new } => writeln!(out, "      ~ input {path}: {old} -> {new}"),
            };
        }
    }
    out
}

/// What the packs render to: what is to be looked at first, then one listing per pattern.
pub fn rendered(rendered: &Rendered) -> String {
    let plan = &rendered.plan.plan;
    let mut out = String::from(
        "\nWhat they render to, as if what the old packs render were there; no target was looked at.\n",
    );
    let options = plan_view::Options { by_pattern: true, ..plan_view::Options::default() };
    out.push_str(&plan_view::body(plan, options));
    if !rendered.beside.is_empty() {
        out.push_str("\nChecks and artifacts that differ\n");
        for (what, scopes) in &rendered.beside {
            let _ = writeln!(out, "  {what}   ({})", named(scopes));
        }
    }
    out.push_str(&totals(plan));
    out
}

fn named(scopes: &BTreeSet<ScopeId>) -> String {
    let names: Vec<String> = scopes.iter().map(ToString::to_string).collect();
    match names.as_slice() {
        [] | [_] | [_, _] | [_, _, _] => names.join(", "),
        [first, ..] => format!("{} scopes, the first {first}", names.len()),
    }
}

fn totals(plan: &Plan) -> String {
    let counts = plan_view::counts(plan);
    let sites = plan.scopes.keys().filter(|scope| scope.site().is_some()).count();
    format!(
        "\n{} added, {} changed, {} taken away, {} of these replaced, over {sites} {}.\n",
        counts.add,
        counts.change,
        counts.destroy,
        counts.replace,
        plan_view::plural(sites, "site", "sites")
    )
}
