//! Which of a rule's problems concern a scope.

use crate::base::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::base::id::ScopeId;
use crate::base::span::SourceMap;

/// The errors that concern a scope, in words. A problem concerns the sites that its message, its notes or its places
/// name; one that names none concerns everybody, and the account answers for all of them.
pub(super) fn of_scope(
    found: &Diagnostics,
    sources: &SourceMap,
    scope: &ScopeId,
    sites: &[&str],
) -> Vec<String> {
    let own = scope.site().map(|code| code.as_str());
    let concerns = |problem: &&Diagnostic| {
        let Some(own) = own else { return true };
        names(problem, sources, own) || !sites.iter().any(|site| names(problem, sources, site))
    };
    let errors = found.iter().filter(|problem| problem.severity == Severity::Error);
    let mut said: Vec<String> = errors.filter(concerns).map(|problem| problem.message.clone()).collect();
    said.sort();
    said.dedup();
    said
}

fn names(problem: &Diagnostic, sources: &SourceMap, code: &str) -> bool {
    let Diagnostic { message, notes, labels, .. } = problem;
    let places = labels.iter().map(|label| sources.get(label.span.source).path.clone());
    let texts = labels.iter().map(|label| label.text.clone());
    let mut all = notes.iter().cloned().chain([message.clone()]).chain(texts).chain(places);
    all.any(|text| {
        text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word.eq_ignore_ascii_case(code))
    })
}
