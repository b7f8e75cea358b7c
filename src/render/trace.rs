//! Outlines: what a scope declares, with each value that says which site it is replaced by the parameter it came from.
//!
//! Where a value came from is never guessed from the value. Templates are rendered a second time with notes around
//! everything they print; without its notes that text must be the rendered file, byte for byte, or the file has no
//! outline. Then nothing of it is replaced: its sites may be told apart for nothing, but never held to be equal.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::base::id::{ScopeId, StepId};
use crate::base::pointer;
use crate::base::span::Span;
use crate::model::estate::Loaded;
use crate::model::outline::{Outline, OutlinedStep, PARAMETER_BEGIN, PARAMETER_END};
use crate::model::rendered::Rendered;
use crate::model::resolved::{Resolved, ResolvedScope};
use crate::model::tree::{self, Node, Table, Tree};

use super::note::{self, Mark, Note};
use super::template::{Compiled, LazyContext, Shelf, context_of};
use super::{applies, compile, whose_pack};

/// Values that say which site it is, whatever the packs declare.
const IDENTITY: [&str; 5] = ["site.code", "site.code_lower", "site.name", "site.wave", "wave.name"];

/// Outlines of these scopes as they were rendered.
pub fn outlines(
    loaded: &Loaded,
    resolved: &Resolved,
    rendered: &BTreeMap<ScopeId, &Rendered>,
) -> BTreeMap<ScopeId, Outline> {
    let tracer = Tracer::new(loaded, &compile(loaded).0);
    let of = |(scope, rendered): (&ScopeId, &&Rendered)| {
        Some((scope.clone(), tracer.outline(resolved.scopes.get(scope)?, rendered)))
    };
    rendered.iter().filter_map(of).collect()
}

/// Makes outlines, one scope at a time; no other has a part in one.
#[derive(Debug)]
pub struct Tracer<'l> {
    loaded: &'l Loaded,
    shelf: Shelf,
    identity: BTreeSet<&'l str>,
}

impl<'l> Tracer<'l> {
    /// From the templates with which the scopes were rendered.
    pub fn new(loaded: &'l Loaded, shelf: &Shelf) -> Self {
        let declared = loaded.packs.values().flat_map(|pack| &pack.inputs);
        let declared = declared.filter(|(_, input)| input.identity).map(|(path, _)| path.as_str());
        Self { loaded, shelf: shelf.traced(), identity: declared.chain(IDENTITY).collect() }
    }

    /// The outline of a scope as it was rendered.
    pub fn outline(&self, scope: &ResolvedScope, rendered: &Rendered) -> Outline {
        let context = context_of(scope);
        let kind = applies(&scope.scope);
        let documents = self
            .shelf
            .templates
            .iter()
            .filter(|t| t.is_document() && whose_pack(self.loaded, &t.pack) == Some(kind));
        let mut outline = Outline::default();
        for template in documents {
            let steps = traced(&self.shelf, template, &context, scope, rendered, &self.identity);
            outline.steps.extend(steps.into_iter().flatten());
        }
        outline
    }
}

fn traced(
    shelf: &Shelf,
    template: &Compiled,
    context: &LazyContext<'_>,
    scope: &ResolvedScope,
    rendered: &Rendered,
    identity: &BTreeSet<&str>,
) -> Option<Vec<(StepId, OutlinedStep)>> {
    let text = shelf.render(template, context, scope).ok()?;
    let (plain, mut marks) = note::take_out(&text)?;
    let same = rendered.files.get(&format!("{}/{}", template.pack, template.output)) == Some(&plain);
    if !same || plain.contains([PARAMETER_BEGIN, PARAMETER_END]) {
        return None;
    }
    marks.sort_by_key(|mark| (mark.range.start, mark.range.end));
    let (table, problems) = tree::parse(template.source, &plain);
    if problems.has_errors() {
        return None;
    }
    let (values, blocks) = marks.into_iter().partition(|mark| !mark.is_block);
    let sheet = Sheet { plain: &plain, values, blocks, identity };
    let mut steps = Vec::new();
    for key in ["resource", "step"] {
        let Some(Tree { node: Node::List(items), .. }) = table.get(key) else { continue };
        for table in items.iter().filter_map(Tree::as_table) {
            let id = StepId::new(table.get("id")?.as_str()?).ok()?;
            steps.push((id, sheet.step(table)));
        }
    }
    Some(steps)
}

/// A rendered text with what is known about its parts. Marks are in the order of the text.
struct Sheet<'s> {
    plain: &'s str,
    values: Vec<Mark>,
    blocks: Vec<Mark>,
    identity: &'s BTreeSet<&'s str>,
}

impl Sheet<'_> {
    fn step(&self, table: &Table) -> OutlinedStep {
        let mut step =
            OutlinedStep { normal: Value::Null, printed: BTreeMap::new(), decided_by: BTreeSet::new() };
        let mut lies = Extent { start: usize::MAX, end: 0 };
        step.normal = self.table("", table, &mut lies, &mut step);
        let around = self.blocks.iter().take_while(|mark| mark.range.start < lies.end);
        let around = around.filter(|mark| lies.start < mark.range.end);
        step.decided_by = around.flat_map(|mark| paths(&mark.note)).collect();
        step
    }

    fn table(&self, at: &str, table: &Table, lies: &mut Extent, step: &mut OutlinedStep) -> Value {
        let mut normal = serde_json::Map::new();
        for (key, entry) in &table.entries {
            let here = pointer::child(at, key);
            let name = match self.leaf(&here, &entry.key, &Value::from(key.as_str()), step) {
                Value::String(name) => name,
                _ => key.clone(),
            };
            normal.insert(name, self.tree(&here, &entry.tree, lies, step));
        }
        Value::Object(normal)
    }

    fn tree(&self, at: &str, tree: &Tree, lies: &mut Extent, step: &mut OutlinedStep) -> Value {
        match &tree.node {
            Node::Table(table) => self.table(at, table, lies, step),
            Node::List(items) => {
                let item = |(index, item)| self.tree(&format!("{at}/{index}"), item, lies, step);
                items.iter().enumerate().map(item).collect()
            }
            Node::Scalar(value) => {
                lies.take_in(&tree.span);
                self.leaf(at, &tree.span, value, step)
            }
        }
    }

    /// One value: as it is, unless something that says which site it is was printed into it.
    fn leaf(&self, at: &str, span: &Span, value: &Value, step: &mut OutlinedStep) -> Value {
        let range = &span.range;
        // Printed values do not lie in each other, so their ends are in order too.
        let first = self.values.partition_point(|mark| mark.range.end <= range.start);
        let inside = self.values[first..].iter().take_while(|mark| mark.range.start < range.end);
        let (mut text, mut from, mut replaced) = (String::new(), range.start, false);
        for mark in inside {
            let form = self.form(&mark.note);
            let is_own = |path: &String| form.is_some() && self.says_which_site(path);
            step.printed
                .entry(at.to_owned())
                .or_default()
                .extend(paths(&mark.note).filter(|path| !is_own(path)));
            if let Some(form) = form {
                text.push_str(&self.plain[from..mark.range.start.max(from)]);
                text.push_str(&form);
                from = mark.range.end.min(range.end);
                replaced = true;
            }
        }
        if !replaced {
            return value.clone();
        }
        text.push_str(&self.plain[from..range.end]);
        // A number that became text must not be equal to a text.
        Value::from(if value.is_string() { text } else { format!("{PARAMETER_BEGIN}{PARAMETER_END}{text}") })
    }

    /// Whether a parameter, or what it lies in, is declared to say which site it is.
    fn says_which_site(&self, path: &str) -> bool {
        let mut prefixes = path.match_indices('.').map(|(at, _)| &path[..at]).chain([path]);
        prefixes.any(|prefix| self.identity.contains(prefix))
    }

    /// What stands for a value that says which site it is; none for all others.
    fn form(&self, note: &Note) -> Option<String> {
        let named = |path: &Option<String>| path.clone().filter(|path| self.says_which_site(path));
        if note.form.is_empty() || !note.looked_at.iter().any(|one| named(&one.path).is_some()) {
            return None;
        }
        let mut arguments = note.looked_at.iter();
        let mut form = String::new();
        for letter in note.form.chars() {
            if letter != '%' {
                form.push(letter);
                continue;
            }
            let argument = arguments.next()?;
            // Beside the site's own values there may be others, and those must stay in sight.
            match named(&argument.path) {
                Some(path) => form.push_str(&path),
                None => form.push_str(&argument.value.to_string()),
            }
        }
        Some(format!("{PARAMETER_BEGIN}{form}{PARAMETER_END}"))
    }
}

/// From where to where a step's values stand in the text.
struct Extent {
    start: usize,
    end: usize,
}

impl Extent {
    fn take_in(&mut self, span: &Span) {
        self.start = self.start.min(span.range.start);
        self.end = self.end.max(span.range.end);
    }
}

fn paths(note: &Note) -> impl Iterator<Item = String> {
    note.looked_at.iter().filter_map(|one| one.path.clone())
}
