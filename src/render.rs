//! Floor 2: renders packs for resolved scopes. Every path of a template is checked before anything is rendered, the
//! output must parse, and a scope with a problem gives nothing at all.

mod checklist;
mod document;
mod format;
mod helper;
mod lines;
mod links;
mod note;
mod print;
mod template;
mod trace;
mod walk;

use std::collections::BTreeMap;

use crate::base::diagnostic::{Diagnostic, Diagnostics};
use crate::base::id::{PackName, ScopeId};
use crate::base::limits::STEPS_PER_SCOPE_MAX;
use crate::model::estate::Loaded;
use crate::model::pack::{Pack, PackScope};
use crate::model::rendered::Rendered;
use crate::model::resolved::{Resolved, ResolvedScope};

use document::{Document, OuterNeed};
use template::Compiled;
pub use template::Shelf;
pub use trace::{Tracer, outlines};

/// What became of one scope: what it renders to, unless something is wrong with it.
#[derive(Debug, Default)]
pub struct Printed {
    result: Option<(Rendered, Vec<OuterNeed>)>,
    problems: Diagnostics,
}

/// Renders every scope. Scopes with a problem are not in the result.
pub fn all(loaded: &Loaded, resolved: &Resolved) -> (BTreeMap<ScopeId, Rendered>, Diagnostics) {
    let (shelf, problems) = compile(loaded);
    let printed = if problems.has_errors() {
        Vec::new()
    } else {
        resolved.scopes.values().map(|scope| one(loaded, &shelf, scope)).collect()
    };
    join(loaded, printed, problems)
}

/// Compiles all templates. Where one cannot be read, nothing is to be rendered.
pub fn compile(loaded: &Loaded) -> (Shelf, Diagnostics) {
    let mut found = Diagnostics::default();
    (Shelf::compile(loaded, &mut found), found)
}

/// Puts together what was rendered scope by scope, in their order, and checks what they name of each other.
pub fn join(
    loaded: &Loaded,
    printed: Vec<Printed>,
    mut found: Diagnostics,
) -> (BTreeMap<ScopeId, Rendered>, Diagnostics) {
    let mut rendered = BTreeMap::new();
    let mut outer = BTreeMap::new();
    for Printed { result, problems } in printed {
        if let Some((result, needs)) = result {
            outer.insert(result.scope.clone(), needs);
            rendered.insert(result.scope.clone(), result);
        }
        found.extend(problems);
    }
    let bad = links::check(loaded, &rendered, &outer, &mut found);
    rendered.retain(|scope, _| !bad.contains(scope));
    found.fold();
    found.settle();
    (rendered, found)
}

fn applies(scope: &ScopeId) -> PackScope {
    match scope {
        ScopeId::Account => PackScope::Account,
        ScopeId::Region(_) => PackScope::Region,
        ScopeId::Site(_) => PackScope::Site,
    }
}

/// The scope of the pack of this name.
fn whose_pack(loaded: &Loaded, pack: &PackName) -> Option<PackScope> {
    loaded.packs.get(pack).map(|pack| pack.scope)
}

/// Renders one scope; no other has a part in it.
pub fn one(loaded: &Loaded, shelf: &Shelf, scope: &ResolvedScope) -> Printed {
    let mut found = Diagnostics::default();
    let kind = applies(&scope.scope);
    let of_scope = |pack: &PackName| loaded.packs.get(pack).is_some_and(|pack| pack.scope == kind);
    let templates: Vec<&Compiled> =
        shelf.templates.iter().map(AsRef::as_ref).filter(|t: &&Compiled| of_scope(&t.pack)).collect();
    for template in &templates {
        walk::check(template, scope, &mut found);
    }
    // What a pack cannot do without and nobody set has been told already.
    let required = |path: &String, pack: &Pack| pack.inputs.get(path).is_some_and(|input| input.required);
    let mut packs = loaded.packs.values().filter(|pack| pack.scope == kind);
    let lacks = packs.any(|pack| scope.absent.iter().any(|path| required(path, pack)));
    if lacks || found.has_errors() {
        return Printed { result: None, problems: found };
    }
    let context = template::context_of(scope);
    let mut result = Rendered {
        scope: scope.scope.clone(),
        files: BTreeMap::new(),
        resources: Vec::new(),
        steps: Vec::new(),
        items: Vec::new(),
        gates: Vec::new(),
        places: BTreeMap::new(),
    };
    let mut outer = Vec::new();
    for template in templates {
        match shelf.render(template, &context, scope) {
            Ok(text) => outer.extend(take_in(&mut result, template, text, scope, &mut found)),
            Err(problem) => found.push(*problem),
        }
    }
    let count = result.resources.len() + result.steps.len();
    if let Some(place) = result.places.values().next().filter(|_| count > STEPS_PER_SCOPE_MAX) {
        let message = format!("{} has {count} steps, more than {STEPS_PER_SCOPE_MAX}", scope.scope);
        found.push(Diagnostic::error("render.too-many-steps", message).at(place.clone(), "one of them"));
    }
    checklist::names::count(&result, &mut found);
    // These stay as long as the estate does, and there are thousands of them.
    result.resources.shrink_to_fit();
    result.steps.shrink_to_fit();
    result.items.shrink_to_fit();
    result.gates.shrink_to_fit();
    let result = if found.has_errors() { None } else { Some((result, outer)) };
    Printed { result, problems: found }
}

fn take_in(
    result: &mut Rendered,
    template: &Compiled,
    text: String,
    scope: &ResolvedScope,
    found: &mut Diagnostics,
) -> Vec<OuterNeed> {
    let document = Document::read(template, &text, scope, found);
    result.resources.extend(document.resources);
    result.steps.extend(document.steps);
    result.items.extend(document.items);
    result.gates.extend(document.gates);
    for (id, span) in document.places {
        if let Some(first) = result.places.insert(id.clone(), span.clone()) {
            let message = format!("`{id}` is declared twice in one scope");
            found.push(
                Diagnostic::error("render.duplicate-id", message)
                    .at(span, "the second one")
                    .at(first, "the first one")
                    .note(format!("rendered {}", whose(scope)))
                    .help("give each resource, step, item and gate of a scope an id of its own"),
            );
        }
    }
    result.files.insert(format!("{}/{}", template.pack, template.output), text);
    document.outer
}

/// `for site HRB01`, to end a message about a rendering.
fn whose(scope: &ResolvedScope) -> String {
    match &scope.scope {
        ScopeId::Account => "for the account".to_owned(),
        ScopeId::Region(name) => format!("for region {name}"),
        ScopeId::Site(code) => format!("for site {code}"),
    }
}
