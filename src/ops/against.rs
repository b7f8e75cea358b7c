//! What a plan is compared with: a saved plan, the one that a run carried out, or a release of a scope.

use std::path::Path;

use crate::base::id::{LogId, ScopeId};
use crate::journal::Journal;
use crate::model::plan::{Plan, ScopePlan};
use crate::ops::error::Failure;
use crate::ops::launch::PLAN_FILE;
use crate::ops::plan::{parse, read};
use crate::ops::releases;
use crate::report::against_view::{Comparison, compare, compare_release};

/// What stands before a release that is named by its path.
const RELEASE: &str = "release:";

/// What to compare with, and how it is called.
#[derive(Debug)]
pub struct Other {
    /// Its name, for people.
    pub name: String,
    subject: Subject,
}

#[derive(Debug)]
enum Subject {
    Plan(Box<Plan>),
    Release(ScopeId, Box<ScopePlan>),
}

impl Other {
    /// What a plan does not have in common with it. Against a release, only the steps of its scope are compared, and by
    /// what they ask for: a release is a state, and does nothing.
    pub fn compare(&self, plan: &Plan) -> Comparison {
        match &self.subject {
            Subject::Plan(other) => compare(plan, other),
            Subject::Release(scope, steps) => compare_release(plan, scope, steps),
        }
    }

    /// Refuses to compare a plan that has nothing of the release's scope.
    ///
    /// # Errors
    ///
    /// `Usage` with the scope.
    pub fn refuse_other_scope(&self, plan: &Plan) -> Result<(), Failure> {
        match &self.subject {
            Subject::Release(scope, _) if !plan.scopes.contains_key(scope) => Err(Failure::usage(
                format!("the plan has no steps of {scope}, so it cannot be compared with {}", self.name),
                "select the site whose release it is, for example with --site",
            )),
            Subject::Plan(_) | Subject::Release(..) => Ok(()),
        }
    }
}

/// Finds it: the file of this path if there is one, a release if it is named as one, else the plan of the run whose name
/// begins so.
///
/// # Errors
///
/// If there is none of these, several runs begin so, or the plan cannot be read.
pub fn find(text: &str, journal: &dyn Journal) -> Result<Other, Failure> {
    let path = Path::new(text);
    if path.is_file() {
        return Ok(Other { name: text.to_owned(), subject: Subject::Plan(Box::new(read(path)?.plan)) });
    }
    if let Some((scope, release)) = release_named(text) {
        return of_release(scope, release, journal);
    }
    let lines = journal.read(&LogId::Org, 0)?;
    let of_run = lines.iter().filter(|line| line.entry.kind == "launch.started");
    let named = of_run.filter_map(|line| Some((line.entry.run.as_ref()?, line)));
    let found: Vec<_> = named.filter(|(run, _)| !text.is_empty() && run.as_str().starts_with(text)).collect();
    let (run, line) = match found.as_slice() {
        [one] => one,
        [] => {
            let message = format!("`{text}` is neither a plan's file nor a run nor a release");
            return Err(Failure::usage(
                message,
                "landfall plan --out FILE saves a plan; landfall log org names the runs; a release is named as R2@HRB01",
            ));
        }
        several => {
            let names: Vec<&str> = several.iter().map(|(run, _)| run.as_str()).collect();
            return Err(Failure::usage(format!("several runs begin with `{text}`"), names.join(", ")));
        }
    };
    let bad = |what: String| Failure::NotVerified { what: format!("the plan of run {run}: {what}") };
    let named = line.entry.refs.iter().find(|named| named.path == PLAN_FILE);
    let named =
        named.ok_or_else(|| bad(format!("entry {} of the org log does not name it", line.entry.seq)))?;
    let saved = parse(&journal.get_blob(&named.sha256)?).map_err(|error| bad(error.to_string()))?;
    Ok(Other { name: format!("run {run}"), subject: Subject::Plan(Box::new(saved.plan)) })
}

/// Scope and release of `R3@HRB01` or `release:HRB01/R3`. A scope may itself have a slash.
fn release_named(text: &str) -> Option<(&str, &str)> {
    match text.strip_prefix(RELEASE) {
        Some(path) => Some(path.rsplit_once('/').unwrap_or((path, ""))),
        None => text.split_once('@').map(|(release, scope)| (scope, release)),
    }
}

fn of_release(scope: &str, release: &str, journal: &dyn Journal) -> Result<Other, Failure> {
    let scope = releases::scope(scope)?;
    let history = releases::history(journal, &scope)?;
    let release = releases::named(&history, release)?;
    let steps = releases::excerpt_of(journal, release)?.part.plan;
    let name = format!("{} of {scope}", release.name());
    Ok(Other { name, subject: Subject::Release(scope, Box::new(steps)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_named_in_two_ways() {
        let mut found = Vec::new();
        for text in ["R3@HRB01", "release:HRB01/R3", "release:region/us-east-1/R2", "R2@region/us-east-1"] {
            found.push(release_named(text).unwrap());
        }
        let expected =
            [("HRB01", "R3"), ("HRB01", "R3"), ("region/us-east-1", "R2"), ("region/us-east-1", "R2")];
        assert_eq!(found, expected);
        assert_eq!(release_named("0190a1b2"), None, "that is a run");
    }
}
