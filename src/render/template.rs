//! Templates compiled once for all scopes, and their rendering.

use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::sync::Arc;

use handlebars::template::{Parameter, Subexpression, TemplateElement};
use handlebars::{Context, Handlebars, RenderError, RenderErrorReason, Template};

use crate::base::diagnostic::{Diagnostic, Diagnostics};
use crate::base::id::PackName;
use crate::base::limits::{RENDERED_BYTES_MAX, TEMPLATE_NESTING_MAX, TRACED_BYTES_MAX};
use crate::base::span::{SourceId, Span};
use crate::model::estate::Loaded;
use crate::model::pack::{Pack, TemplateFile};
use crate::model::resolved::ResolvedScope;

use super::format::Format;
use super::lines::Lines;
use super::print::Program;
use super::{helper, note, whose};

/// One template, parsed.
pub(super) struct Compiled {
    pub(super) pack: PackName,
    /// Its path in the pack.
    pub(super) path: String,
    /// What its output is called: the path without `.hbs`.
    pub(super) output: String,
    pub(super) format: Format,
    pub(super) source: SourceId,
    pub(super) text: Arc<str>,
    lines: Lines,
    /// As it was written; the registries hold a copy in which every value goes through the writer.
    pub(super) syntax: Template,
}

/// All templates of all packs, compiled once for all scopes.
pub struct Shelf {
    pub(super) templates: Vec<Arc<Compiled>>,
    /// The templates in the form in which they are printed, by key; those that have none are rendered by the registries.
    programs: BTreeMap<String, Program>,
    registries: BTreeMap<Format, Handlebars<'static>>,
    /// Whether what is rendered has notes in it about where its values come from.
    traced: bool,
}

impl Compiled {
    /// Whether the output declares resources, or is a file for its own sake.
    pub(super) fn is_document(&self) -> bool {
        self.format == Format::Toml && !self.path.contains('/')
    }

    fn key(&self) -> String {
        format!("{}/{}", self.pack, self.path)
    }

    /// The template's start.
    fn start(&self) -> Span {
        Span { source: self.source, range: 0..0 }
    }

    /// The place of a line and column, both from one, and of `length` bytes there.
    pub(super) fn span(&self, line: usize, column: usize, length: usize) -> Span {
        let start = offset(&self.text, line, column);
        Span { source: self.source, range: start..(start + length).min(self.text.len()) }
    }

    /// The place in the template that most likely gave this rendered line.
    pub(super) fn line_like(&self, rendered: &str) -> Span {
        let range = self.lines.like(rendered);
        range.map_or_else(|| self.start(), |range| Span { source: self.source, range })
    }
}

fn offset(text: &str, line: usize, column: usize) -> usize {
    let line_start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let rest = &text[line_start..];
    line_start + rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at)
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.templates.iter().map(|template| template.key())).finish()
    }
}

impl Shelf {
    /// Parses every template; templates with a problem are left out.
    pub(super) fn compile(loaded: &Loaded, found: &mut Diagnostics) -> Self {
        let mut shelf = Self::empty(false, &Format::ALL);
        for pack in loaded.packs.values() {
            for (path, file) in &pack.templates {
                match compile(pack, path, file) {
                    Ok(compiled) => shelf.add(Arc::new(compiled)),
                    Err(problem) => found.push(*problem),
                }
            }
        }
        shelf
    }

    /// The same for documents only, with notes in what is rendered.
    pub(super) fn traced(&self) -> Self {
        let mut shelf = Self::empty(true, &[Format::Toml]);
        self.templates.iter().cloned().for_each(|compiled| shelf.add(compiled));
        shelf
    }

    fn empty(traced: bool, formats: &[Format]) -> Self {
        let mut shelf =
            Shelf { templates: Vec::new(), programs: BTreeMap::new(), registries: BTreeMap::new(), traced };
        for format in formats.iter().copied() {
            let mut registry = Handlebars::new();
            registry.set_strict_mode(true);
            registry.register_escape_fn(handlebars::no_escape);
            helper::register(&mut registry, format);
            note::register(&mut registry);
            shelf.registries.insert(format, registry);
        }
        shelf
    }

    fn add(&mut self, compiled: Arc<Compiled>) {
        let mut guarded = compiled.syntax.clone();
        guard(&mut guarded);
        if self.traced {
            note::annotate(&mut guarded);
        } else if let Some(program) = Program::of(&guarded, compiled.format) {
            self.programs.insert(compiled.key(), program);
        }
        if let Some(registry) = self.registries.get_mut(&compiled.format) {
            registry.register_template(&compiled.key(), guarded);
            self.templates.push(compiled);
        }
    }

    /// Renders one template, or says why it cannot be. The context is what templates see of the scope.
    pub(super) fn render(
        &self,
        template: &Compiled,
        context: &LazyContext<'_>,
        scope: &ResolvedScope,
    ) -> Result<String, Box<Diagnostic>> {
        let most = if self.traced { TRACED_BYTES_MAX } else { RENDERED_BYTES_MAX };
        let program = self.programs.get(&template.key());
        if let Some(text) = program.and_then(|program| program.print(&scope.context, most)) {
            return Ok(text);
        }
        let mut out = Bounded(Vec::new(), most);
        let registry = &self.registries[&template.format];
        let result = registry.render_with_context_to_write(&template.key(), context, &mut out);
        result.map_err(|error| Box::new(failed(template, &error, scope)))?;
        let mut text = String::from_utf8(out.0).expect("what is put together from text is text");
        text.shrink_to_fit();
        Ok(text)
    }
}

/// What templates see of a scope, copied for the template library when it is first asked.
pub(super) type LazyContext<'s> = LazyCell<Context, Box<dyn FnOnce() -> Context + 's>>;

/// What templates see of this scope.
pub(super) fn context_of(scope: &ResolvedScope) -> LazyContext<'_> {
    LazyCell::new(Box::new(|| Context::from(scope.context.clone())))
}

fn failed(template: &Compiled, error: &RenderError, scope: &ResolvedScope) -> Diagnostic {
    let span = template.span(error.line_no.unwrap_or(1), error.column_no.unwrap_or(1), 2);
    let reason = match error.reason() {
        RenderErrorReason::Other(text) => text.clone(),
        RenderErrorReason::MissingVariable(Some(path)) => format!("`{path}` has no value"),
        RenderErrorReason::MissingVariable(None) => "this has no value".to_owned(),
        RenderErrorReason::IOError(_) => format!("this renders more than {RENDERED_BYTES_MAX} bytes"),
        other => other.to_string(),
    };
    let problem = if reason.ends_with("has no value") {
        Diagnostic::error("render.no-value", reason)
            .help("put it into {{#if …}} … {{/if}}, or make the input required")
    } else {
        Diagnostic::error("render.failed", reason)
    };
    problem.at(span, "rendered here").note(format!("rendered {}", whose(scope)))
}

fn compile(pack: &Pack, path: &str, file: &TemplateFile) -> Result<Compiled, Box<Diagnostic>> {
    let start = Span { source: file.source, range: 0..0 };
    let output = path.strip_suffix(".hbs").unwrap_or(path);
    let misplaced = |help: &str| {
        let message = format!("`{path}` renders to nothing that is known");
        Box::new(Diagnostic::error("pack.unknown-file-type", message).at(start.clone(), "").help(help))
    };
    let Some(format) = Format::of(output) else {
        return Err(misplaced("name it *.toml.hbs, or files/*.json.hbs, .sql.hbs, .md.hbs or .txt.hbs"));
    };
    if format != Format::Toml && !path.starts_with("files/") {
        return Err(misplaced(
            "put it into the pack's folder files/: beside pack.toml only TOML is rendered",
        ));
    }
    if nesting(&file.text) > TEMPLATE_NESTING_MAX {
        let message = format!("blocks and brackets are nested deeper than {TEMPLATE_NESTING_MAX}");
        return Err(Box::new(Diagnostic::error("render.too-deep", message).at(start, "")));
    }
    let mut compiled = Compiled {
        pack: pack.name.clone(),
        path: path.to_owned(),
        output: output.to_owned(),
        format,
        source: file.source,
        text: file.text.clone(),
        lines: Lines::of(&file.text),
        syntax: Template::new(),
    };
    compiled.syntax = Template::compile(&file.text).map_err(|error| {
        let (line, column) = error.pos().unwrap_or((1, 1));
        let message = format!("this template cannot be read: {}", error.reason());
        Box::new(Diagnostic::error("render.syntax", message).at(compiled.span(line, column, 1), "here"))
    })?;
    Ok(compiled)
}

/// How deep blocks, and brackets inside tags, are nested at most. The parser behind this recurses, so it is found out
/// before it runs; the count may be too high, never too low.
fn nesting(text: &str) -> usize {
    let (mut blocks, mut deepest) = (0usize, 0usize);
    for tag in text.split("{{").skip(1) {
        // Without `}}` the rest of the file is inside the tag.
        let inside = tag.split_once("}}").map_or(tag, |(inside, _)| inside);
        let name = inside.trim_start_matches(['~', '{']);
        if name.starts_with('#') {
            blocks += 1;
        } else if name.starts_with('/') {
            blocks = blocks.saturating_sub(1);
        }
        let is_comment = name.starts_with('!');
        let brackets = inside.bytes().filter(|b| !is_comment && matches!(b, b'(' | b'[')).count();
        deepest = deepest.max(blocks + brackets);
    }
    deepest
}

/// Sends everything that a template prints through the writer of its format.
pub(super) fn guard(template: &mut Template) {
    for element in &mut template.elements {
        match element {
            TemplateElement::Expression(call) => {
                let is_plain = call.params.is_empty() && call.hash.is_empty();
                if !is_plain && helper::LITERALS.contains(&call.name.as_name().unwrap_or_default()) {
                    continue;
                }
                let old = std::mem::replace(&mut call.name, Parameter::Name(helper::WRITE.to_owned()));
                let (params, hash) = (std::mem::take(&mut call.params), std::mem::take(&mut call.hash));
                let inner = if is_plain {
                    old
                } else {
                    Parameter::Subexpression(Subexpression::new(old, params, hash))
                };
                call.params = vec![inner];
            }
            TemplateElement::HelperBlock(block) => {
                block.template.iter_mut().chain(block.inverse.iter_mut()).for_each(guard);
            }
            // The walk refuses everything else that prints.
            _ => {}
        }
    }
}

/// Takes what is written up to the limit.
struct Bounded(Vec<u8>, usize);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.len() + bytes.len() > self.1 {
            return Err(std::io::Error::from(std::io::ErrorKind::FileTooLarge));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_is_counted_before_parsing() {
        assert_eq!(nesting("{{#if a}}{{#each b}}{{lower (concat c)}}{{/each}}{{/if}}"), 3);
        assert!(nesting(&"{{#if a}}".repeat(100)) >= 100);
        assert!(nesting(&("{{x ".to_owned() + &"(".repeat(100))) >= 100);
    }
}
