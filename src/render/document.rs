//! Reads what was rendered: the output must be what its name says, and resources and steps must be well formed.

use serde_json::Value;

use crate::base::diagnostic::{Diagnostic, Diagnostics};
use crate::base::id::{KindName, StepId};
use crate::base::redact::shown;
use crate::base::span::{Located, SourceId, SourceMap, Span};
use crate::model::checklist::Item;
use crate::model::gate::Gate;
use crate::model::reader::{Codes, Reader, boolean};
use crate::model::reference::RefScope;
use crate::model::resolved::ResolvedScope;
use crate::model::resource::{Action, Check, ChecklistStep, Expectation, Origin, Resource};
use crate::model::tree::{self, Node, Table, Tree};
use crate::model::via::Via;

use super::checklist;
use super::format::{Format, sql_problem};
use super::template::Compiled;
use super::whose;

type Outer = Vec<(RefScope, StepId)>;

pub(super) const CODES: Codes =
    Codes { unknown: "render.unknown-key", missing: "render.missing-key", wrong: "render.wrong-value" };

/// A step that waits for one of the scopes below. Those are done before it starts, so this is checked and then dropped.
#[derive(Debug)]
pub(super) struct OuterNeed {
    pub(super) step: StepId,
    pub(super) scope: RefScope,
    pub(super) needs: StepId,
}

/// What one rendered file declares. Gates and items have their ids from the same names as steps.
#[derive(Default)]
pub(super) struct Document {
    pub(super) resources: Vec<Resource>,
    pub(super) steps: Vec<ChecklistStep>,
    pub(super) items: Vec<Item>,
    pub(super) gates: Vec<Gate>,
    /// What they wait for outside their scope.
    pub(super) outer: Vec<OuterNeed>,
    /// In the order of the file; the same id may be there twice.
    pub(super) places: Vec<(StepId, Span)>,
}

/// A rendered text whose problems are to be told in terms of its template.
pub(super) struct Sheet<'t> {
    template: &'t Compiled,
    scope: &'t ResolvedScope,
    text: &'t str,
    /// Where each line of the text begins.
    lines: Vec<usize>,
    source: SourceId,
}

impl Document {
    /// Parses one rendered file. Files for their own sake are checked, and declare nothing.
    pub(super) fn read(
        template: &Compiled,
        text: &str,
        scope: &ResolvedScope,
        found: &mut Diagnostics,
    ) -> Document {
        // A map of its own: these places never leave this function as they are.
        let source = SourceMap::default().add(template.output.clone(), "");
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let sheet = Sheet { template, scope, text, lines, source };
        let mut document = Document::default();
        let mut problems = Diagnostics::default();
        match template.format {
            Format::Toml => {
                let (table, errors) = tree::parse(source, text);
                if !errors.is_empty() {
                    errors.iter().for_each(|error| found.push(sheet.broken(&error.message, error)));
                    return document;
                }
                if template.is_document() {
                    document.declared(&sheet, table, &mut problems);
                }
            }
            Format::Json => found_in_json(&sheet, text, found),
            Format::Sql => found_in_sql(&sheet, text, found),
            Format::Text => {}
        }
        problems.iter().for_each(|problem| found.push(sheet.relocate(problem)));
        document
    }

    fn declared(&mut self, sheet: &Sheet<'_>, table: Table, problems: &mut Diagnostics) {
        let start = Span { source: sheet.source, range: 0..0 };
        let mut reader = Reader::new(&table, start, "the rendered document", CODES, problems);
        for (table, span) in reader.tables("resource") {
            if let Some((resource, outer)) = resource(&mut reader, sheet, table, span) {
                self.wait(&resource.id, outer);
                self.places.push((resource.id.clone(), sheet.place_of(table)));
                self.resources.push(resource);
            }
        }
        for (table, span) in reader.tables("step") {
            if let Some((step, outer)) = step(&mut reader, sheet, table, span) {
                self.wait(&step.id, outer);
                self.places.push((step.id.clone(), sheet.place_of(table)));
                self.steps.push(step);
            }
        }
        for (table, span) in reader.tables("item") {
            if let Some(item) = checklist::item(&mut reader, sheet, table, span) {
                self.places.push((item.id.clone(), sheet.place_of(table)));
                self.items.push(item);
            }
        }
        for (table, span) in reader.tables("gate") {
            if let Some(gate) = checklist::gate(&mut reader, sheet, table, span) {
                self.places.push((checklist::names::of_gate(&gate.id), sheet.place_of(table)));
                self.gates.push(gate);
            }
        }
        reader.finish();
        // With a problem, nothing of the scope is used.
        if problems.is_empty() {
            self.take_specs(table);
        }
    }

    /// Moves the specs out of the tree in which the resources were read: they are most of it.
    fn take_specs(&mut self, mut table: Table) {
        let Some(Node::List(items)) = table.entries.remove("resource").map(|entry| entry.tree.node) else {
            return;
        };
        for (resource, item) in self.resources.iter_mut().zip(items) {
            if let Node::Table(mut written) = item.node
                && let Some(spec) = written.entries.remove("spec")
            {
                resource.spec = spec.tree.into_json().into();
            }
        }
    }

    fn wait(&mut self, step: &StepId, outer: Outer) {
        let need = |(scope, needs)| OuterNeed { step: step.clone(), scope, needs };
        self.outer.extend(outer.into_iter().map(need));
    }
}

impl Sheet<'_> {
    fn line(&self, span: &Span) -> usize {
        self.lines.partition_point(|start| *start <= span.range.start)
    }

    fn line_text(&self, line: usize) -> &str {
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or(self.text.len());
        self.text[start..].lines().next().unwrap_or_default()
    }

    /// The place in the template of the line that carries the id.
    fn place_of(&self, table: &Table) -> Span {
        let line = table.entries.get("id").map_or(1, |entry| self.line(&entry.key));
        self.template.line_like(self.line_text(line))
    }

    /// The same problem, told at the template.
    fn relocate(&self, problem: &Diagnostic) -> Diagnostic {
        let line = problem.labels.first().map_or(1, |label| self.line(&label.span));
        let text = problem.labels.first().map_or("here", |label| label.text.as_str());
        let mut told = Diagnostic { labels: Vec::new(), ..problem.clone() };
        told = told.at(self.template.line_like(self.line_text(line)), text);
        told.note(self.excerpt(line))
    }

    fn excerpt(&self, line: usize) -> String {
        format!("rendered {}, line {line}: {}", whose(self.scope), shown(self.line_text(line).trim()))
    }

    fn broken(&self, message: &str, error: &Diagnostic) -> Diagnostic {
        self.relocate(&Diagnostic {
            code: "render.bad-output",
            message: format!("the output is not valid: {message}"),
            ..error.clone()
        })
    }

    fn broken_at(&self, message: &str, offset: usize) -> Diagnostic {
        let span = Span { source: self.source, range: offset..offset };
        self.broken(message, &Diagnostic::error("render.bad-output", "").at(span, "renders to this"))
    }

    pub(super) fn origin(&self, span: &Span) -> Origin {
        Origin {
            pack: self.template.pack.clone(),
            template: self.template.path.clone(),
            line: self.line(span),
        }
    }
}

fn found_in_json(sheet: &Sheet<'_>, text: &str, found: &mut Diagnostics) {
    let Err(error) = serde_json::from_str::<Value>(text) else { return };
    let line_start: usize =
        text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let message = format!("this is not JSON: {error}");
    found.push(sheet.broken_at(&message, line_start));
}

fn found_in_sql(sheet: &Sheet<'_>, text: &str, found: &mut Diagnostics) {
    if let Some((at, problem)) = sql_problem(text) {
        found.push(sheet.broken_at(&format!("this is not SQL: {problem}"), at));
    }
}

pub(super) fn id(value: &Value) -> Option<StepId> {
    value.as_str().and_then(|text| StepId::new(text).ok())
}

pub(super) const ID: &str =
    "an id of lower-case words joined by dots, dashes and underscores, for example catalog.clinical";

/// What must come before: steps of this scope, and of the ones it rests on.
fn after(reader: &mut Reader<'_, '_>) -> (Vec<StepId>, Outer) {
    let (mut own, mut outer) = (Vec::new(), Vec::new());
    for text in reader.texts("after") {
        let (scope, name) = match text.value.split_once(':') {
            Some(("region", name)) => (RefScope::Region, name),
            Some(("account", name)) => (RefScope::Account, name),
            Some(_) | None => (RefScope::Same, text.value.as_str()),
        };
        match (StepId::new(name), scope) {
            (Ok(id), RefScope::Same) => own.push(id),
            (Ok(id), RefScope::Region | RefScope::Account) => outer.push((scope, id)),
            (Err(_), _) => bad_id(reader, &text),
        }
    }
    (own, outer)
}

fn bad_id(reader: &mut Reader<'_, '_>, text: &Located<String>) {
    let message = format!("`{}` is not {ID}", shown(&text.value));
    reader.found().push(Diagnostic::error(CODES.wrong, message).at(text.span.clone(), "not an id"));
}

fn resource(
    reader: &mut Reader<'_, '_>,
    sheet: &Sheet<'_>,
    table: &Table,
    span: Span,
) -> Option<(Resource, Outer)> {
    let mut inner = reader.inner(table, span.clone(), "[[resource]]");
    let name = inner.required("id", ID, id);
    let kind = inner.required("kind", "a kind such as databricks.catalog", |value| {
        value.as_str().and_then(|text| KindName::new(text).ok())
    });
    let (after, outer) = after(&mut inner);
    let via =
        inner.optional("via", "the id of a workspace, after `region:` if it is the region's", |value| {
            value.as_str().and_then(Via::parse)
        });
    let evidence = inner.optional_text("evidence");
    // What is in it is moved here once everything is read.
    let spec = inner.required_table("spec", "a table with the desired state").map(|_| Value::Null);
    inner.finish();
    let resource = Resource {
        id: name?.value,
        kind: kind?.value,
        after,
        via: via.map(|l| l.value),
        spec: spec?.into(),
        evidence: evidence.map(|l| l.value),
        origin: sheet.origin(&span),
    };
    Some((resource, outer))
}

fn step(
    reader: &mut Reader<'_, '_>,
    sheet: &Sheet<'_>,
    table: &Table,
    span: Span,
) -> Option<(ChecklistStep, Outer)> {
    let mut inner = reader.inner(table, span.clone(), "[[step]]");
    let name = inner.required("id", ID, id);
    let title = inner.text("title");
    let (after, outer) = after(&mut inner);
    let evidence = inner.optional_text("evidence");
    let action = inner.required_table("action", "{ check = { read = …, expect = [ … ] } }");
    let action = action.and_then(|(table, span)| action_of(&mut inner, table, span));
    inner.finish();
    let step = ChecklistStep {
        id: name?.value,
        title: title?.value,
        after,
        action: action?,
        evidence: evidence.map(|l| l.value),
        origin: sheet.origin(&span),
    };
    Some((step, outer))
}

fn action_of(reader: &mut Reader<'_, '_>, table: &Table, span: Span) -> Option<Action> {
    let mut inner = reader.inner(table, span, "action");
    let check = inner.required_table("check", "{ read = …, expect = [ … ] }");
    let check = check.and_then(|(table, span)| {
        let mut check = inner.inner(table, span, "check");
        let read = check.required("read", ID, id);
        check.require_any("expect", "a list of expectations");
        let tables = check.tables("expect");
        let expect =
            tables.into_iter().filter_map(|(table, span)| expectation(&mut check, table, span)).collect();
        check.finish();
        Some(Check { read: read?.value, expect })
    });
    inner.finish();
    check.map(Action::Check)
}

pub(super) fn expectation(reader: &mut Reader<'_, '_>, table: &Table, span: Span) -> Option<Expectation> {
    let mut inner = reader.inner(table, span.clone(), "an expectation");
    let at = inner.required("at", "a JSON pointer such as /region", |value| {
        value.as_str().filter(|text| text.is_empty() || text.starts_with('/')).map(str::to_owned)
    });
    let equals = inner.any("equals").map(Tree::to_json);
    let one_of = match inner.any("one_of") {
        None => None,
        Some(Tree { node: Node::List(items), .. }) => Some(items.iter().map(Tree::to_json).collect()),
        Some(tree) => {
            inner.wrong(tree, "one_of", "a list of values");
            None
        }
    };
    let present = inner.optional("present", "true or false", boolean).map(|l| l.value);
    let given = ["equals", "one_of", "present"].iter().filter(|key| table.get(key).is_some()).count();
    if given != 1 {
        let message = format!("an expectation has {given} comparisons");
        inner.found().push(
            Diagnostic::error(CODES.wrong, message)
                .at(span, "here")
                .help("give exactly one of `equals`, `one_of` and `present`"),
        );
    }
    inner.finish();
    Some(Expectation { at: at?.value, equals, one_of, present })
}
