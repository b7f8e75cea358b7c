//! Problems in files, drawn with the line they are about.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::base::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::base::span::SourceMap;

/// All problems as text, each with code, file, line, caret and fix.
pub fn diagnostics(found: &Diagnostics, sources: &SourceMap, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    for diagnostic in found.iter() {
        out.push_str(&renderer.render(&report(diagnostic, sources)));
        out.push_str("\n\n");
    }
    out
}

fn report<'a>(diagnostic: &'a Diagnostic, sources: &'a SourceMap) -> Vec<Group<'a>> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(&diagnostic.message).id(diagnostic.code));
    for (index, label) in diagnostic.labels.iter().enumerate() {
        let source = sources.get(label.span.source);
        let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        let length = source.text.len();
        let start = source.text.floor_char_boundary(label.span.range.start.min(length));
        let end = source.text.ceil_char_boundary(label.span.range.end.clamp(start, length));
        let annotation = kind.span(start..end).label(label.text.as_str());
        group = group.element(Snippet::source(&*source.text).path(&*source.path).annotation(annotation));
    }
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(note));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help));
    }
    vec![group]
}

/// The same problems as JSON lines' values, for machines.
pub fn json(found: &Diagnostics, sources: &SourceMap) -> Vec<serde_json::Value> {
    found
        .iter()
        .map(|d| {
            let places: Vec<serde_json::Value> = d
                .labels
                .iter()
                .map(|label| {
                    let (line, column) = sources.position(&label.span);
                    let path = &sources.get(label.span.source).path;
                    serde_json::json!({ "path": path, "line": line, "column": column, "text": label.text })
                })
                .collect();
            serde_json::json!({
                "code": d.code, "severity": d.severity, "message": d.message,
                "places": places, "notes": d.notes, "help": d.help,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::span::Span;

    #[test]
    fn a_problem_shows_file_line_caret_and_fix() {
        let mut sources = SourceMap::default();
        let source = sources.add("sites/HRB01.toml", "code = \"HRB01\"\nregion = \"eastus9\"\n");
        let mut found = Diagnostics::default();
        let span = Span { source, range: 24..33 };
        found.push(
            Diagnostic::error("resolve.unknown-region", "no region is called `eastus9`")
                .at(span, "not in sites/estate.toml")
                .help("use one of: us-east-1, us-west-2"),
        );
        insta::assert_snapshot!(diagnostics(&found, &sources, false), @"");
    }
}
