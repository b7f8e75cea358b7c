//! Problems in the user's files, collected beside a result so that all of them come out in one pass.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::Serialize;

use super::span::Span;

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing may go on.
    Error,
    /// Worth a look; nothing stops.
    Warning,
}

/// A place a problem points at, with a few words about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What is there; may be empty.
    pub text: String,
}

/// One problem, as a value; drawing it is the face's job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// A stable code such as `render.unknown-field`; `docs/problems/` may explain it.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one line, lower case, no full stop.
    pub message: String,
    /// The place itself first, then other places that matter.
    pub labels: Vec<Label>,
    /// Facts that help to see why.
    pub notes: Vec<String>,
    /// What to type instead.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error with this code and message.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            labels: Vec::new(),
            notes: Vec::new(),
            help: None,
        }
    }

    /// A warning with this code and message.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Points at a place; the first call names the place itself.
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Says what to type instead.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }
}

/// The problems of one pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    /// Adds all of another pass.
    pub fn extend(&mut self, other: Diagnostics) {
        self.list.extend(other.list);
    }

    /// Whether anything here stops the work.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|d| d.severity == Severity::Error)
    }

    /// Whether there is nothing at all.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// All of them, in the order they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// Makes one of problems that differ in their notes only: a template's mistake shows in every site it is rendered
    /// for, and is one mistake.
    pub fn fold(&mut self) {
        let mut folded: Vec<(Diagnostic, Vec<String>)> = Vec::new();
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        for mut problem in std::mem::take(&mut self.list) {
            let notes = std::mem::take(&mut problem.notes);
            match places.entry(format!("{problem:?}")) {
                Entry::Occupied(at) => folded[*at.get()].1.extend(notes.first().cloned()),
                Entry::Vacant(free) => {
                    free.insert(folded.len());
                    folded.push((Diagnostic { notes, ..problem }, Vec::new()));
                }
            }
        }
        for (mut problem, others) in folded {
            problem.notes.extend(match others.as_slice() {
                [] => None,
                [other] => Some(format!("the same again: {other}")),
                [.., last] => Some(format!("the same {} times more, last: {last}", others.len())),
            });
            self.list.push(problem);
        }
    }

    /// Sorts by place and drops exact repeats, so that the order does not depend on how the files were read.
    pub fn settle(&mut self) {
        self.list.sort_by(|a, b| {
            let place = |d: &Diagnostic| d.labels.first().map(|l| l.span.clone());
            (place(a), a.code, &a.message).cmp(&(place(b), b.code, &b.message))
        });
        self.list.dedup();
    }
}

/// The known name closest to what was typed, if one is close enough to be a typing error.
pub fn nearest<'k>(typed: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let limit = (typed.chars().count() / 3).max(1) + 1;
    known
        .into_iter()
        .map(|name| (distance(&typed.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, name)| name)
}

/// Edit distance where a swap of neighbours counts as one, and underscores, dashes and case do not separate words.
fn distance(a: &str, b: &str) -> usize {
    let fold = |text: &str| -> Vec<char> { text.chars().filter(|c| !matches!(c, '_' | '-')).collect() };
    let (a, b) = (fold(a), fold(b));
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let substitute = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = substitute.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_finds_typing_errors_and_nothing_else() {
        let known = ["costCenter", "owner", "region"];
        assert_eq!(nearest("cost_centre", known), Some("costCenter"));
        assert_eq!(nearest("regoin", known), Some("region"));
        assert_eq!(nearest("autotermination", known), None);
    }

    #[test]
    fn folding_keeps_one_of_what_differs_in_notes() {
        let mut found = Diagnostics::default();
        for site in ["A", "B", "C"] {
            found.push(Diagnostic::error("a", "typo").note(site));
        }
        found.push(Diagnostic::error("a", "other").note("A"));
        found.fold();
        let notes: Vec<_> = found.iter().map(|d| d.notes.join(", ")).collect();
        assert_eq!(notes, ["A, the same 2 times more, last: C", "A"]);
    }

    #[test]
    fn settling_removes_repeats() {
        let mut found = Diagnostics::default();
        found.push(Diagnostic::warning("b", "two"));
        found.push(Diagnostic::error("a", "one"));
        found.push(Diagnostic::error("a", "one"));
        found.settle();
        assert_eq!(found.iter().map(|d| d.code).collect::<Vec<_>>(), ["a", "b"]);
        assert!(found.has_errors());
    }
}
