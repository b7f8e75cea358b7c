//! From files to what is desired in every scope, with all problems of all files in one pass.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::base::diagnostic::{Diagnostic, Diagnostics};
use crate::base::id::ScopeId;
use crate::base::limits;
use crate::kind::{self, Registry};
use crate::model::estate::Loaded;
use crate::model::pack::PackScope;
use crate::model::rendered::Rendered;
use crate::model::resolved::{Resolved, ResolvedScope};
use crate::ops::error::Failure;
use crate::ops::shares;
use crate::render::Shelf;
use crate::{plan, policy, render, resolve, source};

/// An estate that can be planned.
#[derive(Debug)]
pub struct Desired {
    /// What was read.
    pub loaded: Loaded,
    /// Each scope's parameters.
    pub resolved: Resolved,
    /// The templates of the packs.
    pub shelf: Shelf,
    /// What the packs give for each scope.
    pub rendered: BTreeMap<ScopeId, Rendered>,
    /// Problems that stop nothing.
    pub warnings: Diagnostics,
}

impl Desired {
    /// Reads, resolves, renders and checks everything.
    ///
    /// # Errors
    ///
    /// Every problem of every file.
    pub fn read(root: &Path) -> Result<Self, Failure> {
        Self::of(source::load(root))
    }

    /// The same with the packs of another folder, where one is named.
    ///
    /// # Errors
    ///
    /// Every problem of every file; or that there are no packs in that folder.
    pub fn read_with(root: &Path, packs: Option<&Path>) -> Result<Self, Failure> {
        Self::of(Self::load(root, packs)?)
    }

    /// What was read, before any of it is put together.
    ///
    /// # Errors
    ///
    /// That there are no packs in that folder.
    pub fn load(root: &Path, packs: Option<&Path>) -> Result<(Loaded, Diagnostics), Failure> {
        let Some(packs) = packs else { return Ok(source::load(root)) };
        let folder = source::read_with_packs(root, packs).map_err(|error| {
            Failure::usage(
                format!("{}: {error}", packs.display()),
                "name a folder of packs like templates/, or one pack with its pack.toml",
            )
        })?;
        Ok(source::load_folder(folder))
    }

    fn of((loaded, mut found): (Loaded, Diagnostics)) -> Result<Self, Failure> {
        let (resolved, problems) = resolve::all(&loaded);
        found.extend(problems);
        let (shelf, rendered, problems) = printed(&loaded, &resolved);
        found.extend(problems);
        found.extend(policy::all(&loaded, &resolved, &rendered));
        check_kinds(&loaded, &rendered, &mut found);
        each_scope(&rendered, &mut found, check_graph);
        found.settle();
        if found.has_errors() {
            return Err(Failure::Input { found, sources: loaded.sources });
        }
        Ok(Self { loaded, resolved, shelf, rendered, warnings: found })
    }

    /// The region that a site lies in.
    pub fn region_of(&self, scope: &ScopeId) -> Option<ScopeId> {
        let site = self.loaded.site(scope.site()?)?;
        Some(ScopeId::Region(site.region.value.parse().ok()?))
    }

    /// Scopes that must have ended well before this one.
    pub fn needs_of(&self, scope: &ScopeId) -> BTreeSet<ScopeId> {
        match scope {
            ScopeId::Account => BTreeSet::new(),
            ScopeId::Region(_) => BTreeSet::from([ScopeId::Account]),
            ScopeId::Site(_) => self.region_of(scope).into_iter().chain([ScopeId::Account]).collect(),
        }
    }
}

/// What [`render::all`] gives, scope by scope on all cores, and the templates for further use.
pub fn printed(loaded: &Loaded, resolved: &Resolved) -> (Shelf, BTreeMap<ScopeId, Rendered>, Diagnostics) {
    let (shelf, problems) = render::compile(loaded);
    let scopes: Vec<&ResolvedScope> =
        if problems.has_errors() { Vec::new() } else { resolved.scopes.values().collect() };
    let printed = shares::each(&scopes, |scope| render::one(loaded, &shelf, scope));
    let (rendered, problems) = render::join(loaded, printed, problems);
    (shelf, rendered, problems)
}

/// Checks each scope by itself; problems come in the order of the scopes.
fn each_scope(
    rendered: &BTreeMap<ScopeId, Rendered>,
    found: &mut Diagnostics,
    check: impl Fn(&Rendered, &mut Diagnostics) + Sync,
) {
    let scopes: Vec<&Rendered> = rendered.values().collect();
    let checked = shares::each(&scopes, |scope| {
        let mut problems = Diagnostics::default();
        check(scope, &mut problems);
        problems
    });
    checked.into_iter().for_each(|problems| found.extend(problems));
}

/// What follows from the tables of kinds: fields, whose an object may be, names of limits.
pub fn check_kinds(loaded: &Loaded, rendered: &BTreeMap<ScopeId, Rendered>, found: &mut Diagnostics) {
    each_scope(rendered, found, |scope, found| {
        check_specs(scope, found);
        check_scopes(scope, found);
        crate::ops::checklist::check(scope, found);
    });
    found.fold();
    check_quotas(loaded, found);
}

/// What belongs to the account or a region is declared there: taking back one site must never take it along.
fn check_scopes(rendered: &Rendered, found: &mut Diagnostics) {
    let own = match rendered.scope {
        ScopeId::Account => PackScope::Account,
        ScopeId::Region(_) => PackScope::Region,
        ScopeId::Site(_) => PackScope::Site,
    };
    for resource in &rendered.resources {
        let Some(kind) = Registry::standard().get(&resource.kind) else { continue };
        let Some(belongs) = kind.belongs.as_ref().filter(|belongs| own > belongs.to) else { continue };
        let (scope, to) = (own.word(), belongs.to.word());
        let message = format!("a {scope} cannot have a {} of its own: {}", kind.title, belongs.reason);
        let mut problem = Diagnostic::error("kind.scope", message);
        if let Some(span) = rendered.places.get(&resource.id) {
            problem = problem.at(span.clone(), "declared here");
        }
        let help =
            format!("declare it in a pack of scope `{to}` and refer to it as `${{{to}:{}.…}}`", resource.id);
        found.push(problem.note(format!("`{}` of {}", resource.id, rendered.scope)).help(help));
    }
}

fn check_quotas(loaded: &Loaded, found: &mut Diagnostics) {
    let known = crate::quota::names(Registry::standard().kinds());
    for (name, most) in loaded.estate.quotas.iter().filter(|(name, _)| !known.contains(name.as_str())) {
        let problem = Diagnostic::error("estate.unknown-quota", format!("no limit is called `{name}`"))
            .at(most.span.clone(), "not a limit");
        found.push(match crate::base::diagnostic::nearest(name, known.iter().copied()) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem
                .help(format!("the limits are: {}", known.iter().copied().collect::<Vec<_>>().join(", "))),
        });
    }
}

/// Kinds and their fields: a typing error in a template is found here, not by the service.
fn check_specs(rendered: &Rendered, found: &mut Diagnostics) {
    let registry = Registry::standard();
    for resource in &rendered.resources {
        let place = rendered.places.get(&resource.id);
        let at = |diagnostic: Diagnostic| match place {
            Some(span) => diagnostic.at(span.clone(), format!("in `{}` for {}", resource.id, rendered.scope)),
            None => diagnostic,
        };
        let Some(kind) = registry.get(&resource.kind) else {
            let names: Vec<&str> = registry.names().map(|name| name.as_str()).collect();
            let near = crate::base::diagnostic::nearest(resource.kind.as_str(), names.iter().copied());
            let help = near.map_or(format!("known kinds: {}", names.join(", ")), |n| format!("write `{n}`"));
            found.push(at(Diagnostic::error(
                "kind.unknown",
                format!("no kind is called `{}`", resource.kind),
            )
            .help(help)));
            continue;
        };
        for problem in kind::check_spec(kind, &resource.spec) {
            let message = format!("{}{}: {}", resource.id, problem.at, problem.message);
            let diagnostic = at(Diagnostic::error("kind.spec", message));
            found.push(match problem.help {
                Some(help) => diagnostic.help(help),
                None => diagnostic,
            });
        }
    }
}

/// A circle of steps is a mistake in the packs; it is named with its whole path.
fn check_graph(rendered: &Rendered, found: &mut Diagnostics) {
    match plan::count(&rendered.resources, &rendered.steps) {
        Ok(steps) if steps > limits::STEPS_PER_SCOPE_MAX => {
            let message =
                format!("{} has {steps} steps; the limit is {}", rendered.scope, limits::STEPS_PER_SCOPE_MAX);
            found.push(Diagnostic::error("plan.too-many-steps", message));
        }
        Ok(_) => {}
        Err(cycle) => {
            let message = format!("steps of {} wait for each other: {cycle}", rendered.scope);
            let mut diagnostic = Diagnostic::error("plan.cycle", message)
                .help("remove one of these `after` entries or references");
            for id in &cycle.path {
                if let Some(span) = rendered.places.get(id) {
                    diagnostic = diagnostic.at(span.clone(), format!("`{id}`"));
                }
            }
            found.push(diagnostic);
        }
    }
}
