//! Notes that a template leaves in its output about where each value comes from. A note stands before and after each
//! printed value and each block; it names the paths of the context that were looked at. Conditions see the same values
//! as without notes, so the same branches are taken.

use handlebars::template::{HelperTemplate, Parameter, TemplateElement};
use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext, RenderError,
    RenderErrorReason, Template,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::helper;

/// Before a printed value.
const VALUE: char = '\u{E000}';
/// Before a block.
const BLOCK: char = '\u{E001}';
/// Between a note and the text that it is about.
const TEXT: char = '\u{E002}';
/// After the text.
const END: char = '\u{E003}';

/// The helpers that write notes; no template can name them, because the walk knows no such helpers.
const NOTE_VALUE: &str = "note-value";
const NOTE_BLOCK: &str = "note-block";

/// Helpers that give their arguments' text back, as it is or spelled otherwise. What any other helper gives says
/// something about its arguments, and must not be taken for one of them.
const SPELLING: [&str; 8] =
    ["lower", "upper", "concat", "join", "json", "sql_ident", "sql_str", helper::WRITE];

/// Stands for an argument in a form.
const ARGUMENT: char = '%';

/// What one note says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Note {
    /// How the value is put together, with `%` for each argument; empty if it only says something about them.
    pub(super) form: String,
    /// What was looked at, in the order of the form.
    pub(super) looked_at: Vec<LookedAt>,
}

/// One argument.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct LookedAt {
    /// Its dotted path in the context; none if it is not a place there.
    pub(super) path: Option<String>,
    /// What stands there.
    pub(super) value: Value,
}

/// A note and the text that it is about.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mark {
    pub(super) range: std::ops::Range<usize>,
    pub(super) is_block: bool,
    pub(super) note: Note,
}

/// Puts a note around everything that a template prints and around every block.
pub(super) fn annotate(template: &mut Template) {
    let elements = std::mem::take(&mut template.elements);
    let mapping = std::mem::take(&mut template.mapping);
    for (index, mut element) in elements.into_iter().enumerate() {
        let mut around = None;
        match &mut element {
            TemplateElement::Expression(call) => around = Some(note_on(call, NOTE_VALUE)),
            TemplateElement::HelperBlock(block) => {
                around = Some(note_on(block, NOTE_BLOCK));
                block.template.iter_mut().chain(block.inverse.iter_mut()).for_each(annotate);
            }
            _ => {}
        }
        let is_noted = around.is_some();
        template.elements.extend(around);
        template.elements.push(element);
        template.elements.extend(is_noted.then(|| TemplateElement::RawString(END.to_string())));
        let times = if is_noted { 3 } else { 1 };
        template.mapping.extend(mapping.get(index).into_iter().cycle().take(times).cloned());
    }
}

fn note_on(call: &HelperTemplate, name: &str) -> TemplateElement {
    let mut note = call.clone();
    let mut paths = Vec::new();
    let inner = Parameter::Name(call.name.as_name().unwrap_or_default().to_owned());
    let form = form_of(&inner, &call.params, &mut paths);
    let mut named: Vec<_> = call.hash.iter().collect();
    named.sort_by_key(|(key, _)| *key);
    // No helper takes named arguments, so there is no form with them.
    let form = if named.is_empty() { form } else { None };
    named.into_iter().for_each(|(_, parameter)| drop(form_of_parameter(parameter, &mut paths)));
    note.name = Parameter::Name(name.to_owned());
    note.params =
        std::iter::once(Parameter::Literal(Value::from(form.unwrap_or_default()))).chain(paths).collect();
    note.hash.clear();
    note.block_param = None;
    note.template = None;
    note.inverse = None;
    note.block = false;
    note.chain = false;
    TemplateElement::Expression(Box::new(note))
}

fn form_of(name: &Parameter, arguments: &[Parameter], paths: &mut Vec<Parameter>) -> Option<String> {
    let forms: Vec<Option<String>> = arguments.iter().map(|a| form_of_parameter(a, paths)).collect();
    let forms = forms.into_iter().collect::<Option<Vec<_>>>()?;
    let name = name.as_name()?;
    let is_plain = name == helper::WRITE || name == "json";
    match (SPELLING.contains(&name), is_plain, &forms[..]) {
        (false, _, _) => None,
        (true, true, [only]) => Some(only.clone()),
        (true, _, _) => Some(format!("{name}({})", forms.join(", "))),
    }
}

fn form_of_parameter(parameter: &Parameter, paths: &mut Vec<Parameter>) -> Option<String> {
    match parameter {
        Parameter::Path(_) => {
            paths.push(parameter.clone());
            Some(ARGUMENT.to_string())
        }
        // A sign for an argument inside a literal would be taken for an argument.
        Parameter::Literal(value) => Some(value.to_string()).filter(|text| !text.contains(ARGUMENT)),
        Parameter::Subexpression(inner) => match inner.as_element() {
            TemplateElement::Expression(call) => {
                let named: Vec<&Parameter> = call.hash.values().collect();
                let form = form_of(&call.name, &call.params, paths);
                named.iter().for_each(|parameter| drop(form_of_parameter(parameter, paths)));
                form.filter(|_| named.is_empty())
            }
            _ => None,
        },
        _ => None,
    }
}

/// Writes one note.
struct Writer(char);

impl HelperDef for Writer {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let mut arguments = helper.params().iter();
        let form = arguments.next().and_then(|form| form.value().as_str()).unwrap_or_default().to_owned();
        let looked_at = arguments.map(|argument| LookedAt {
            path: argument.context_path().map(|path| path.join(".")),
            value: argument.value().clone(),
        });
        // A block's values are not needed, and may be large.
        let thin = |one: LookedAt| if self.0 == BLOCK { LookedAt { value: Value::Null, ..one } } else { one };
        let note = Note { form, looked_at: looked_at.map(thin).collect() };
        let text = serde_json::to_string(&note)
            .map_err(|error| RenderError::from(RenderErrorReason::Other(error.to_string())))?;
        out.write(&format!("{}{text}{TEXT}", self.0))?;
        Ok(())
    }
}

/// Puts the helpers that write notes into a registry.
pub(super) fn register(registry: &mut Handlebars<'static>) {
    registry.register_helper(NOTE_VALUE, Box::new(Writer(VALUE)));
    registry.register_helper(NOTE_BLOCK, Box::new(Writer(BLOCK)));
}

/// The text without its notes, and what they say about which part of it. None if the notes cannot be told from the
/// text: then a value or the template itself has their letters.
pub(super) fn take_out(traced: &str) -> Option<(String, Vec<Mark>)> {
    let (mut plain, mut marks, mut open) = (String::with_capacity(traced.len()), Vec::new(), Vec::new());
    let mut rest = traced;
    while let Some(at) = rest.find([VALUE, BLOCK, TEXT, END]) {
        let letter = rest[at..].chars().next()?;
        plain.push_str(&rest[..at]);
        rest = &rest[at + letter.len_utf8()..];
        match letter {
            VALUE | BLOCK => {
                let (note, after) = rest.split_once(TEXT)?;
                let note: Note = serde_json::from_str(note).ok()?;
                open.push((plain.len(), letter == BLOCK, note));
                rest = after;
            }
            END => {
                let (start, is_block, note) = open.pop()?;
                marks.push(Mark { range: start..plain.len(), is_block, note });
            }
            _ => return None,
        }
    }
    plain.push_str(rest);
    open.is_empty().then_some((plain, marks))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traced(template: &str, context: &Value) -> String {
        let mut syntax = Template::compile(template).unwrap();
        super::super::template::guard(&mut syntax);
        annotate(&mut syntax);
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        helper::register(&mut registry, super::super::format::Format::Toml);
        register(&mut registry);
        registry.register_template("t", syntax);
        registry.render("t", context).unwrap()
    }

    /// Each mark as `text <- form of paths`.
    fn told(template: &str, context: &Value) -> (String, Vec<String>) {
        let (plain, mut marks) = take_out(&traced(template, context)).expect("notes that can be taken out");
        marks.sort_by_key(|mark| (mark.range.start, mark.range.end));
        let told = marks.iter().map(|mark| {
            let paths: Vec<&str> =
                mark.note.looked_at.iter().map(|l| l.path.as_deref().unwrap_or("?")).collect();
            let what = if mark.is_block { "block" } else { &mark.note.form };
            format!("{} <- {what} of {}", &plain[mark.range.clone()], paths.join(" "))
        });
        let told = told.collect();
        (plain, told)
    }

    #[test]
    fn every_value_knows_the_path_it_was_read_from() {
        let context = serde_json::json!({
            "site": {"code": "HRB01", "twin": "HRB01", "nets": [{"id": "a"}, {"id": "b"}], "size": 3},
        });
        let template = "{{site.code}} {{site.twin}} HRB01 {{#each site.nets}}{{this.id}}{{../site.code}};{{/each}}\
                        {{lower site.code}} {{concat site.code \"-x\" site.size}} {{eq site.code \"HRB01\"}}\
                        {{#if (eq site.size 3)}}!{{/if}}";
        let (plain, told) = told(template, &context);
        assert_eq!(plain, "HRB01 HRB01 HRB01 aHRB01;bHRB01;hrb01 HRB01-x3 true!");
        assert_eq!(
            told,
            [
                "HRB01 <- % of site.code",
                "HRB01 <- % of site.twin",
                "a <- % of site.nets.0.id",
                "aHRB01;bHRB01; <- block of site.nets",
                "HRB01 <- % of site.code",
                "b <- % of site.nets.1.id",
                "HRB01 <- % of site.code",
                "hrb01 <- lower(%) of site.code",
                "HRB01-x3 <- concat(%, \"-x\", %) of site.code site.size",
                "true <-  of site.code",
                "! <- block of site.size",
            ]
        );
    }

    #[test]
    fn text_that_looks_like_a_note_is_refused() {
        for hostile in ["\u{E000}{}\u{E002}x\u{E003}", "\u{E003}", "\u{E001}", "a\u{E002}"] {
            let context = serde_json::json!({ "x": hostile });
            let traced = traced("{{x}}", &context);
            let out = take_out(&traced);
            assert!(out.is_none_or(|(plain, _)| plain != hostile), "{hostile:?} was taken for text");
        }
    }
}
