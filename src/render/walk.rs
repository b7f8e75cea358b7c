//! Checks every path of a template against the values it will be rendered with, before it is rendered: also in
//! branches that are not taken, and where strictness alone would read a typing error as "false".

use handlebars::template::{BlockParam, HelperTemplate, Parameter, TemplateElement};
use handlebars::{Path, PathSeg, Template};
use serde_json::Value;

use crate::base::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::base::limits::{LOOP_TURNS_MAX, LOOP_TURNS_UNKNOWN};
use crate::base::span::Span;
use crate::model::resolved::ResolvedScope;

use super::helper::{BLOCKS, NAMES};
use super::template::Compiled;
use super::whose;

/// The names that loops give besides the values.
const LOCALS: [&str; 4] = ["key", "index", "first", "last"];

/// Line and column of a tag.
type At = (usize, usize);

/// What a path may stand for: all elements of a list at once, so that a loop's body is looked at once.
#[derive(Clone, Default)]
struct View<'v> {
    values: Vec<&'v Value>,
    /// Where it is from the root; an element of a list or table has `*`.
    path: Vec<&'v str>,
    /// Nothing is known about it, so everything is allowed below it.
    open: bool,
}

impl View<'_> {
    fn unknown() -> Self {
        View { open: true, ..View::default() }
    }
}

/// One block that changed what names mean.
struct Frame<'v> {
    view: View<'v>,
    names: Vec<(String, View<'v>)>,
    is_loop: bool,
    /// How often what is inside is rendered at most.
    turns: usize,
}

struct Walker<'v, 'd> {
    template: &'v Compiled,
    scope: &'v ResolvedScope,
    frames: Vec<Frame<'v>>,
    found: &'d mut Diagnostics,
}

/// Checks a template for one scope.
pub(super) fn check(template: &Compiled, scope: &ResolvedScope, found: &mut Diagnostics) {
    let root = View { values: vec![&scope.context], path: Vec::new(), open: false };
    let frame = Frame { view: root, names: Vec::new(), is_loop: false, turns: 1 };
    Walker { template, scope, frames: vec![frame], found }.template(&template.syntax);
}

impl<'v> Walker<'v, '_> {
    fn template(&mut self, template: &'v Template) {
        for (element, place) in template.elements.iter().zip(&template.mapping) {
            let at = (place.0, place.1);
            match element {
                TemplateElement::RawString(_) | TemplateElement::Comment(_) => {}
                TemplateElement::Expression(call) => self.call(call, at),
                TemplateElement::HelperBlock(block) => self.block(block, at),
                TemplateElement::HtmlExpression(_) => {
                    let message = "triple braces and `&` would print without escaping";
                    let problem = Diagnostic::error("render.unescaped", message);
                    self.report(problem.help("write {{x}}, or {{json x}} for a list or table"), self.tag(at));
                }
                _ => {
                    let message = "partials and decorators are not part of packs";
                    self.report(Diagnostic::error("render.not-supported", message), self.tag(at));
                }
            }
        }
    }

    fn report(&mut self, problem: Diagnostic, span: Span) {
        let note = format!("rendered {}", whose(self.scope));
        self.found.push(problem.at(span, "here").note(note));
    }

    fn tag(&self, at: At) -> Span {
        self.template.span(at.0, at.1, 2)
    }

    /// The place of a word inside the tag that begins here.
    fn word(&self, at: At, word: &str) -> Span {
        let mut span = self.tag(at);
        let rest = &self.template.text[span.range.start..];
        let tag = rest.find("}}").map_or(rest, |end| &rest[..end]);
        if let Some(start) = tag.find(word).filter(|_| !word.is_empty()) {
            span.range = span.range.start + start..span.range.start + start + word.len();
        }
        span
    }

    fn call(&mut self, call: &'v HelperTemplate, at: At) {
        if call.params.is_empty() && call.hash.is_empty() {
            self.parameter(&call.name, at);
            return;
        }
        let name = call.name.as_name().unwrap_or_default();
        if !NAMES.contains(&name) {
            let problem = Diagnostic::error("render.unknown-helper", format!("there is no helper `{name}`"));
            let problem = match nearest(name, NAMES) {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem.help(format!("known helpers: {}", NAMES.join(", "))),
            };
            let span = self.word(at, name);
            self.report(problem, span);
        }
        let mut named: Vec<_> = call.hash.iter().collect();
        named.sort_by_key(|(name, _)| *name);
        for parameter in call.params.iter().chain(named.into_iter().map(|(_, parameter)| parameter)) {
            self.parameter(parameter, at);
        }
    }

    /// What an argument stands for.
    fn parameter(&mut self, parameter: &'v Parameter, at: At) -> View<'v> {
        match parameter {
            Parameter::Literal(value) => View { values: vec![value], ..View::default() },
            Parameter::Path(path) => self.path(path, at),
            Parameter::Subexpression(inner) => {
                if let TemplateElement::Expression(call) = inner.as_element() {
                    self.call(call, at);
                }
                View::unknown()
            }
            _ => View::unknown(),
        }
    }

    fn block(&mut self, block: &'v HelperTemplate, at: At) {
        let name = block.name.as_name().unwrap_or_default();
        if !BLOCKS.contains(&name) {
            let problem = Diagnostic::error("render.unknown-helper", format!("there is no block `#{name}`"))
                .help(format!("known blocks: #{}", BLOCKS.join(", #")));
            let span = self.word(at, name);
            self.report(problem, span);
        }
        let mut subjects: Vec<View<'v>> = block.params.iter().map(|p| self.parameter(p, at)).collect();
        let subject = if subjects.is_empty() { View::unknown() } else { subjects.swap_remove(0) };
        let outer = self.frames.last().map_or(1, |frame| frame.turns);
        let names = Vec::new();
        let frame = match name {
            "each" => {
                let turns = outer.saturating_mul(turns(&subject));
                Some(Frame { view: elements(&subject), names, is_loop: true, turns })
            }
            "with" => Some(Frame { view: subject, names, is_loop: false, turns: outer }),
            _ => None,
        };
        if frame.as_ref().is_some_and(|frame| frame.turns > LOOP_TURNS_MAX && outer <= LOOP_TURNS_MAX) {
            let message = format!("these loops inside each other turn more than {LOOP_TURNS_MAX} times");
            self.report(Diagnostic::error("render.too-many-turns", message), self.tag(at));
        }
        let opens = frame.is_some();
        self.frames.extend(frame.map(|frame| named(frame, block.block_param.as_ref())));
        if let Some(body) = &block.template {
            self.template(body);
        }
        if opens {
            self.frames.pop();
        }
        if let Some(otherwise) = &block.inverse {
            self.template(otherwise);
        }
    }

    fn path(&mut self, path: &'v Path, at: At) -> View<'v> {
        let (result, raw) = match path {
            Path::Local((_, name, raw)) => (self.local(name, raw), raw),
            Path::Relative((segments, raw)) => (self.relative(segments), raw),
        };
        result.unwrap_or_else(|problem| {
            let span = self.word(at, raw);
            self.report(problem, span);
            View::unknown()
        })
    }

    fn local(&self, name: &str, raw: &str) -> Result<View<'v>, Diagnostic> {
        if LOCALS.contains(&name) && self.frames.iter().any(|frame| frame.is_loop) {
            return Ok(View::unknown());
        }
        Err(Diagnostic::error("render.unknown-field", format!("`{raw}` is not known here"))
            .help("inside {{#each}} there are @key, @index, @first and @last"))
    }

    fn relative(&self, segments: &'v [PathSeg]) -> Result<View<'v>, Diagnostic> {
        let (mut ups, mut from_root, mut names) = (0, false, Vec::new());
        for segment in segments {
            match segment {
                PathSeg::Named(name) => names.push(name.as_str()),
                // The rule's type is private to the template library; how it prints is all there is.
                PathSeg::Ruled(rule) => match format!("{rule:?}").as_str() {
                    "path_up" => ups += 1,
                    "path_root" => from_root = true,
                    _ => {}
                },
                _ => {}
            }
        }
        self.find(ups, from_root, &names)
    }

    fn find(&self, ups: usize, from_root: bool, names: &[&'v str]) -> Result<View<'v>, Diagnostic> {
        let named = names.first().and_then(|first| {
            let mut all = self.frames.iter().rev().flat_map(|frame| &frame.names);
            all.find(|(name, _)| name == first).map(|(_, view)| view)
        });
        let (start, names) = match (named, self.frames.len().checked_sub(1 + ups)) {
            (Some(view), _) => (view, &names[1..]),
            (None, _) if from_root => (&self.frames[0].view, names),
            (None, Some(index)) => (&self.frames[index].view, names),
            (None, None) => {
                let message = format!("`{}` goes above the outermost block", "../".repeat(ups));
                let help = "only {{#each}} and {{#with}} open a level: take one `../` away";
                return Err(Diagnostic::error("render.unknown-field", message).help(help));
            }
        };
        let mut view = start.clone();
        for (depth, name) in names.iter().enumerate() {
            if !self.go_below(&mut view, name) {
                let mut above = start.clone();
                for name in &names[..depth] {
                    self.go_below(&mut above, name);
                }
                return Err(self.unknown(&above, &view.path, name));
            }
        }
        Ok(view)
    }

    /// Makes a view that of a field below it; says whether that can be there.
    fn go_below(&self, view: &mut View<'v>, name: &'v str) -> bool {
        view.path.push(name);
        let mut open = view.open;
        view.values.retain_mut(|value| {
            let below = match *value {
                Value::Object(entries) => entries.get(name),
                Value::Array(items) => name.parse().ok().and_then(|at: usize| items.get(at)),
                Value::Null => {
                    open = true;
                    None
                }
                Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
            };
            below.inspect(|below| *value = below).is_some()
        });
        // Declared and not set: a template may ask for it.
        let is_declared = || self.scope.absent.iter().any(|path| leads_to(&view.path, path));
        view.open = open || (view.values.is_empty() && is_declared());
        view.open || !view.values.is_empty()
    }

    fn unknown(&self, view: &View<'_>, path: &[&str], name: &str) -> Diagnostic {
        let objects = view.values.iter().filter_map(|value| value.as_object());
        let mut known: Vec<&str> = objects.flat_map(|entries| entries.keys().map(String::as_str)).collect();
        let declared =
            self.scope.absent.iter().filter(|declared| leads_to(&path[..path.len() - 1], declared));
        known.extend(declared.filter_map(|declared| declared.split('.').nth(path.len() - 1)));
        let message = format!("`{}` is not known", path.join(".").replace(".*", "[]"));
        let problem = Diagnostic::error("render.unknown-field", message);
        match nearest(name, known.iter().copied()) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None if known.is_empty() => problem.help("there is nothing below this value"),
            None => problem.help("set it in the estate and declare it as an input of the pack"),
        }
    }
}

/// Whether a path is on the way to a declared input, or is it.
fn leads_to(path: &[&str], declared: &str) -> bool {
    let mut segments = declared.split('.');
    path.iter().all(|own| segments.next().is_some_and(|segment| *own == "*" || *own == segment))
}

/// How often a loop over this turns at most.
fn turns(view: &View<'_>) -> usize {
    let length = |value: &&Value| match value {
        Value::Array(items) => items.len(),
        Value::Object(entries) => entries.len(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    };
    let longest = view.values.iter().map(length).max().unwrap_or(0);
    if view.open && view.values.is_empty() { LOOP_TURNS_UNKNOWN } else { longest.max(1) }
}

fn elements<'v>(view: &View<'v>) -> View<'v> {
    let mut inside = View { values: Vec::new(), path: view.path.clone(), open: view.open };
    inside.path.push("*");
    for value in &view.values {
        match value {
            Value::Array(items) => inside.values.extend(items),
            Value::Object(entries) => inside.values.extend(entries.values()),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    // A loop over nothing says nothing about what its elements would have.
    inside.open |= inside.values.is_empty();
    inside
}

fn named<'v>(mut frame: Frame<'v>, names: Option<&'v BlockParam>) -> Frame<'v> {
    let text = |parameter: &'v Parameter| parameter.as_name().unwrap_or_default().to_owned();
    match names {
        Some(BlockParam::Single(value)) => frame.names.push((text(value), frame.view.clone())),
        Some(BlockParam::Pair((value, key))) => {
            frame.names.push((text(value), frame.view.clone()));
            frame.names.push((text(key), View::unknown()));
        }
        Some(_) | None => {}
    }
    frame
}
