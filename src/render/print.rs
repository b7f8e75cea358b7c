//! Prints templates that are made of what packs are made of: texts, values by their place, conditions and loops. They are
//! put into a form in which a place is found without a copy of it or of what leads there. What is not of that sort, and
//! whatever goes wrong, is left to the template library, which also says what is wrong.

use std::borrow::Cow;

use handlebars::template::{HelperTemplate, Parameter, TemplateElement};
use handlebars::{JsonTruthy, Path, PathSeg, Template};
use serde_json::Value;

use super::format::Format;
use super::helper::{self, Function, Writer};

/// A template in the form in which it is printed.
pub(super) struct Program {
    format: Format,
    pieces: Vec<Piece>,
}

enum Piece {
    Text(String),
    Write(Writer, Argument),
    When { condition: Argument, holds: Vec<Piece>, fails: Vec<Piece> },
    Each { over: Place, body: Vec<Piece>, nothing: Option<Vec<Piece>> },
}

/// What a tag says about a value.
enum Argument {
    Literal(Value),
    Place(Place),
    /// The turn of the loop so many levels up: how many came before.
    Index(usize),
    Call(Function, Vec<Argument>),
}

/// A place in what templates see.
struct Place {
    /// From the root, or from so many levels up.
    from: Option<usize>,
    names: Vec<String>,
}

/// What `this` is on one level, and for a loop how many turns came before.
#[derive(Clone, Copy)]
struct Level<'v> {
    value: &'v Value,
    index: Option<usize>,
}

const NOTHING: &Value = &Value::Null;

impl Program {
    /// Brings a template whose values go through writers into this form; none if there is more in it.
    pub(super) fn of(template: &Template, format: Format) -> Option<Self> {
        Some(Self { format, pieces: pieces(template)? })
    }

    /// What the template gives, up to so many bytes; none if that is for the library to find out.
    pub(super) fn print(&self, context: &Value, most: usize) -> Option<String> {
        let mut printer = Printer { format: self.format, out: String::new(), most };
        printer.print(&self.pieces, &mut vec![Level { value: context, index: None }])?;
        printer.out.shrink_to_fit();
        Some(printer.out)
    }
}

fn pieces(template: &Template) -> Option<Vec<Piece>> {
    template.elements.iter().map(piece).collect()
}

fn piece(element: &TemplateElement) -> Option<Piece> {
    match element {
        TemplateElement::RawString(text) => Some(Piece::Text(text.clone())),
        TemplateElement::Comment(_) => Some(Piece::Text(String::new())),
        TemplateElement::Expression(call) => {
            Some(Piece::Write(helper::writer(call.name.as_name()?)?, argument(only(call)?)?))
        }
        TemplateElement::HelperBlock(block) => self::block(block),
        _ => None,
    }
}

/// The only argument of a call that has nothing else.
fn only(call: &HelperTemplate) -> Option<&Parameter> {
    match &call.params[..] {
        [only] if call.hash.is_empty() && call.block_param.is_none() => Some(only),
        _ => None,
    }
}

fn block(block: &HelperTemplate) -> Option<Piece> {
    let inside = |template: &Option<Template>| template.as_ref().map_or(Some(Vec::new()), pieces);
    let (first, second) = (inside(&block.template)?, inside(&block.inverse)?);
    let condition = argument(only(block)?)?;
    match (block.name.as_name()?, condition) {
        ("if", condition) => Some(Piece::When { condition, holds: first, fails: second }),
        ("unless", condition) => Some(Piece::When { condition, holds: second, fails: first }),
        ("each", Argument::Place(over)) => {
            Some(Piece::Each { over, body: first, nothing: block.inverse.is_some().then_some(second) })
        }
        _ => None,
    }
}

fn argument(parameter: &Parameter) -> Option<Argument> {
    match parameter {
        Parameter::Literal(value) => Some(Argument::Literal(value.clone())),
        Parameter::Path(Path::Local((levels, name, _))) if name == "index" => Some(Argument::Index(*levels)),
        Parameter::Path(Path::Relative((segments, _))) => place(segments).map(Argument::Place),
        Parameter::Subexpression(inner) => match inner.as_element() {
            TemplateElement::Expression(call) if call.hash.is_empty() => {
                let arguments = call.params.iter().map(argument).collect::<Option<_>>()?;
                Some(Argument::Call(helper::function(call.name.as_name()?)?, arguments))
            }
            _ => None,
        },
        _ => None,
    }
}

/// Levels or the root first, names after them.
fn place(segments: &[PathSeg]) -> Option<Place> {
    let mut place = Place { from: Some(0), names: Vec::new() };
    for segment in segments {
        match (segment, place.from) {
            (PathSeg::Named(name), _) => place.names.push(name.clone()),
            (PathSeg::Ruled(rule), Some(levels)) if place.names.is_empty() => {
                // The rule's type is private to the template library; how it prints is all there is.
                match format!("{rule:?}").as_str() {
                    "path_up" => place.from = Some(levels + 1),
                    "path_root" if levels == 0 => place.from = None,
                    _ => return None,
                }
            }
            _ => return None,
        }
    }
    Some(place)
}

struct Printer {
    format: Format,
    out: String,
    most: usize,
}

impl Printer {
    fn print<'v>(&mut self, pieces: &'v [Piece], levels: &mut Vec<Level<'v>>) -> Option<()> {
        for piece in pieces {
            match piece {
                Piece::Text(text) => self.write(text)?,
                Piece::Write(writer, argument) => {
                    let value = value(argument, levels)?;
                    self.write(&writer(self.format, &value).ok()?)?;
                }
                Piece::When { condition, holds, fails } => {
                    let holds_now = value(condition, levels)?.is_truthy(false);
                    self.print(if holds_now { holds } else { fails }, levels)?;
                }
                Piece::Each { over, body, nothing } => self.turns(over, body, nothing.as_deref(), levels)?,
            }
        }
        Some(())
    }

    fn turns<'v>(
        &mut self,
        over: &Place,
        body: &'v [Piece],
        nothing: Option<&'v [Piece]>,
        levels: &mut Vec<Level<'v>>,
    ) -> Option<()> {
        let values: Vec<&Value> = match find(over, levels)? {
            Value::Array(items) => items.iter().collect(),
            Value::Object(entries) => entries.values().collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                // Without another branch, this is an error.
                return self.print(nothing?, levels);
            }
        };
        if let Some(nothing) = nothing.filter(|_| values.is_empty()) {
            return self.print(nothing, levels);
        }
        for (index, value) in values.into_iter().enumerate() {
            levels.push(Level { value, index: Some(index) });
            self.print(body, levels)?;
            levels.pop();
        }
        Some(())
    }

    fn write(&mut self, text: &str) -> Option<()> {
        if self.out.len() + text.len() > self.most {
            return None;
        }
        self.out.push_str(text);
        Some(())
    }
}

/// The level so many levels up.
fn up<'v>(levels: &[Level<'v>], ups: usize) -> Option<Level<'v>> {
    levels.get(levels.len().checked_sub(1 + ups)?).copied()
}

fn value<'v>(argument: &'v Argument, levels: &[Level<'v>]) -> Option<Cow<'v, Value>> {
    match argument {
        Argument::Literal(value) => Some(Cow::Borrowed(value)),
        Argument::Place(place) => find(place, levels).map(Cow::Borrowed),
        Argument::Index(ups) => up(levels, *ups)?.index.map(|index| Cow::Owned(Value::from(index))),
        Argument::Call(function, arguments) => {
            let values: Vec<_> = arguments.iter().map(|one| value(one, levels)).collect::<Option<_>>()?;
            let values: Vec<&Value> = values.iter().map(AsRef::as_ref).collect();
            function(&values).ok().map(Cow::Owned)
        }
    }
}

/// What stands at a place: a null where nothing does.
fn find<'v>(place: &Place, levels: &[Level<'v>]) -> Option<&'v Value> {
    let mut at = match place.from {
        Some(ups) => up(levels, ups)?.value,
        None => levels.first()?.value,
    };
    for name in &place.names {
        at = match at {
            Value::Object(entries) => entries.get(name).unwrap_or(NOTHING),
            // A name that is no number is an error there.
            Value::Array(items) => items.get(name.parse::<usize>().ok()?).unwrap_or(NOTHING),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => NOTHING,
        };
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use handlebars::Handlebars;
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::template::guard;
    use super::*;

    fn context() -> Value {
        json!({
            "site": {"code": "HRB01", "size": 3, "zero": 0, "nets": [{"id": "a", "tags": ["x", "y"]}, {"id": "b\"c", "tags": []}]},
            "map": {"k1": {"id": 1}, "k2": {"id": false}},
            "none": null, "empty": [], "text": "t",
        })
    }

    /// What both make of a template: the program, if it has one and finishes, and the library.
    fn both(template: &str) -> Option<(Option<String>, Result<String, String>)> {
        let mut syntax = Template::compile(template).ok()?;
        guard(&mut syntax);
        let program = Program::of(&syntax, Format::Toml);
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        registry.register_escape_fn(handlebars::no_escape);
        helper::register(&mut registry, Format::Toml);
        registry.register_template("t", syntax);
        let printed = registry.render("t", &context()).map_err(|error| error.to_string());
        Some((program.and_then(|program| program.print(&context(), 1_000)), printed))
    }

    #[test]
    fn what_packs_are_made_of_is_printed() {
        for (template, text) in [
            ("a {{site.code}} {{lower site.code}} {{json site.nets}}", None),
            (
                "{{#each site.nets}}{{@index}}{{this.id}}{{../site.code}}{{#each tags}}{{this}}{{../../text}}{{@../index}}{{/each}};{{/each}}",
                None,
            ),
            (
                "{{#if (eq site.size 3)}}y{{else if none}}n{{/if}}{{#unless site.zero}}u{{/unless}}{{#each empty}}{{else}}e{{/each}}",
                Some("yue"),
            ),
            (
                "{{#each map}}{{id}},{{/each}}{{#if @root.none}}x{{/if}}{{#if (or missing text)}}o{{/if}}",
                Some("1,false,o"),
            ),
        ] {
            let (plain, library) = both(template).expect("a template");
            assert!(plain.is_some(), "{template}");
            assert_eq!(plain, library.ok(), "{template}");
            assert!(text.is_none() || plain.as_deref() == text, "{template}: {plain:?}");
        }
    }

    #[test]
    fn what_goes_wrong_is_left_to_the_library() {
        for template in [
            "{{missing}}",
            "{{none}}",
            "{{site}}",
            "{{#each none}}{{/each}}",
            "{{lower site.size}}",
            "{{site.nets.x}}",
            "{{../text}}",
            "{{@index}}",
            "{{site.code.x}}",
            "{{json none}}",
            "{{eq text}}",
        ] {
            let (plain, library) = both(template).expect("a template");
            assert_eq!(plain, None, "{template} gives {library:?}");
        }
        let long = "x".repeat(1_001);
        assert_eq!(both(&long).expect("a template").0, None);
        let most = "x".repeat(1_000);
        assert_eq!(both(&most).expect("a template").0, Some(most));
    }

    const PIECES: [&str; 44] = [
        "text",
        "\n",
        "  ",
        "{{site.code}}",
        "{{this.id}}",
        "{{id}}",
        "{{this}}",
        "{{../text}}",
        "{{../../text}}",
        "{{@root.text}}",
        "{{./text}}",
        "{{site/code}}",
        "{{site.nets.0.id}}",
        "{{site.nets.[1].id}}",
        "{{@index}}",
        "{{@key}}",
        "{{@first}}",
        "{{missing.x}}",
        "{{json site.size}}",
        "{{json this}}",
        "{{json map}}",
        "{{lower (concat text \"-X\" site.size)}}",
        "{{#if (eq text \"t\")}}",
        "{{#if missing}}",
        "{{#if @index}}",
        "{{#unless (and text none)}}",
        "{{#each site.nets}}",
        "{{#each this.tags}}",
        "{{#each tags}}",
        "{{#each map}}",
        "{{#each empty}}",
        "{{#each text}}",
        "{{#each this as |x|}}",
        "{{x.id}}",
        "{{#with site}}",
        "{{else}}",
        "{{else if none}}",
        "{{/if}}",
        "{{/if}}",
        "{{/unless}}",
        "{{/each}}",
        "{{/each}}",
        "{{/with}}",
        "{{len site.nets}}",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn what_is_printed_is_what_the_library_prints(
            pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..12),
        ) {
            // Blocks are closed, so that most of what comes out can be read.
            let mut open = Vec::new();
            let mut template = String::new();
            for piece in pieces {
                if let Some(name) = piece.strip_prefix("{{#") {
                    open.push(name.split(' ').next().unwrap_or_default().to_owned());
                } else if piece.starts_with("{{/") && open.pop().is_none_or(|name| !piece.contains(&name)) {
                    break;
                }
                template.push_str(piece);
            }
            open.iter().rev().for_each(|name| template.push_str(&format!("{{{{/{name}}}}}")));
            if let Some((Some(plain), library)) = both(&template) {
                prop_assert_eq!(Ok(plain), library, "{}", template);
            }
        }
    }
}
