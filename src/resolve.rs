//! Floor 2: puts the layers together. One context per scope, every value with the chain it overrode, every input
//! checked, all problems in one pass.

mod context;
mod inputs;
mod layers;

use std::collections::BTreeSet;

use crate::base::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::base::id::{RegionName, ScopeId};
use crate::model::estate::{Facts, Loaded, Site};
use crate::model::pack::PackScope;
use crate::model::resolved::{Layer, Resolved, ResolvedScope};
use crate::model::tree::Table;

use layers::Layers;

/// Resolves every scope of the estate. Scopes with problems are there too, so that later steps can look for more.
pub fn all(loaded: &Loaded) -> (Resolved, Diagnostics) {
    let mut found = Diagnostics::default();
    check_layers(loaded, &mut found);
    let mut resolved = Resolved::default();
    let mut add = |scope: ResolvedScope| resolved.scopes.insert(scope.scope.clone(), scope);
    add(account(loaded, &mut found));
    for (name, facts) in &loaded.estate.regions {
        add(region(loaded, name, facts, &mut found));
    }
    let mut seen = BTreeSet::new();
    for each in &loaded.sites {
        match each.code() {
            Some(code) if seen.insert(code.clone()) => {
                add(site(loaded, each, ScopeId::Site(code), &mut found))
            }
            // Somebody else's file has this code: nothing may be planned for either of them.
            Some(_) | None => {
                found.push(unusable(each));
                None
            }
        };
    }
    found.settle();
    (resolved, found)
}

fn unusable(site: &Site) -> Diagnostic {
    let message = format!("no site can be made of code `{}`", site.written_code.value);
    Diagnostic::error("resolve.site-code", message)
        .at(site.written_code.span.clone(), "this code is taken, or is not one")
        .help("give every site a code of its own: three capital letters and two digits, for example HRB01")
}

fn account(loaded: &Loaded, found: &mut Diagnostics) -> ResolvedScope {
    let mut scope = context::account(loaded);
    inputs::check(loaded, PackScope::Account, &mut scope, None, found);
    scope
}

fn region(loaded: &Loaded, name: &RegionName, facts: &Facts, found: &mut Diagnostics) -> ResolvedScope {
    let mut scope = context::region(loaded, name, facts);
    inputs::check(loaded, PackScope::Region, &mut scope, None, found);
    scope
}

fn site(loaded: &Loaded, site: &Site, id: ScopeId, found: &mut Diagnostics) -> ResolvedScope {
    let estate = &loaded.estate;
    let region = RegionName::new(site.region.value.as_str()).ok().and_then(|name| estate.regions.get(&name));
    if region.is_none() {
        let known = estate.regions.keys().map(RegionName::as_str);
        found.push(
            unknown_name("region", &site.region.value, known)
                .at(site.region.span.clone(), "not a region of the estate"),
        );
    }
    let ehr = estate.ehrs.get(&site.ehr.value);
    if ehr.is_none() {
        let known = estate.ehrs.keys().map(String::as_str);
        found.push(
            unknown_name("EHR variant", &site.ehr.value, known)
                .at(site.ehr.span.clone(), "not a variant of the estate"),
        );
    }
    let wave = loaded.wave_of(&site.written_code.value);
    let mut layers = Layers::new(&estate.locked);
    let steps = [
        (Layer::Program, Some(&estate.defaults)),
        (Layer::Region, region.map(|facts| &facts.defaults)),
        (Layer::Ehr, ehr.map(|facts| &facts.defaults)),
        (Layer::Wave, wave.map(|wave| &wave.defaults)),
        (Layer::Site, Some(&site.parameters)),
    ];
    for (layer, table) in steps {
        if let Some(table) = table {
            layers.lay(layer, table, found);
        }
    }
    let mut scope = context::site(loaded, site, id, layers);
    inputs::check(loaded, PackScope::Site, &mut scope, Some(site), found);
    scope
}

fn unknown_name<'k>(what: &str, typed: &str, known: impl Iterator<Item = &'k str> + Clone) -> Diagnostic {
    let message = format!("the estate has no {what} `{}`", crate::base::redact::shown(typed));
    let problem = Diagnostic::error("resolve.unknown-name", message);
    match nearest(typed, known.clone()) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem.help(format!("known: {}", known.collect::<Vec<_>>().join(", "))),
    }
}

/// What can be said about the layers without looking at a site: keys nobody reads, and locks on nothing.
fn check_layers(loaded: &Loaded, found: &mut Diagnostics) {
    let estate = &loaded.estate;
    let known = inputs::known_parameters(loaded);
    let facts = estate.regions.values().chain(estate.ehrs.values()).map(|facts| &facts.defaults);
    let waves = estate.waves.iter().map(|wave| &wave.defaults);
    let sites = loaded.sites.iter().map(|site| &site.parameters);
    let tables: Vec<&Table> =
        std::iter::once(&estate.defaults).chain(facts).chain(waves).chain(sites).collect();
    // Without packs there is nothing to hold the keys against.
    if !loaded.packs.is_empty() {
        for table in tables {
            inputs::check_known(table, &known, found);
        }
    }
    for locked in &estate.locked {
        if estate.defaults.at(&locked.value).is_some() {
            continue;
        }
        let message = format!("`{}` is locked, but [defaults] does not set it", locked.value);
        let problem =
            Diagnostic::error("resolve.locked-nothing", message).at(locked.span.clone(), "locked here");
        let keys = estate.defaults.entries.keys().map(String::as_str);
        found.push(match nearest(&locked.value, keys) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem.help(format!("add `{} = …` to [defaults], or unlock it", locked.value)),
        });
    }
}
