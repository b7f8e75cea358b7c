//! Which sites a plan is about: waves, sites, regions and tags narrow each other; what a touched wave loses is named.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::base::diagnostic::nearest;
use crate::base::id::{ScopeId, SiteCode, WaveName};
use crate::model::plan::Selection;
use crate::model::plan::selection::{Part, Query};
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::plan::site;

/// What was typed to narrow a selection, as it was typed.
#[derive(Debug, Clone, Default)]
pub struct Narrowing {
    /// One wave.
    pub wave: Option<String>,
    /// Some sites.
    pub sites: Vec<String>,
    /// Some regions.
    pub regions: Vec<String>,
    /// Tags of sites, each as `KEY=VALUE`.
    pub tags: Vec<String>,
    /// Sites that are not meant.
    pub exclude: Vec<String>,
}

/// The wave of this name.
///
/// # Errors
///
/// If there is none.
pub fn wave(desired: &Desired, name: &str) -> Result<WaveName, Failure> {
    let waves = &desired.loaded.estate.waves;
    let found = waves.iter().find(|wave| wave.name.as_str() == name);
    found.map(|wave| wave.name.clone()).ok_or_else(|| {
        let known: Vec<&str> = waves.iter().map(|wave| wave.name.as_str()).collect();
        Failure::usage(format!("no wave is called `{name}`"), format!("the waves are: {}", known.join(", ")))
    })
}

/// The selection of some sites by their codes.
///
/// # Errors
///
/// If there is no such site.
pub fn sites(desired: &Desired, codes: &[String]) -> Result<Selection, Failure> {
    let sites = named(desired, codes)?;
    Ok(settled(desired, Query { sites: sites.clone(), ..Query::default() }, sites))
}

/// The sites that pass everything that was typed.
///
/// # Errors
///
/// If it names what is not there, or no site is left.
pub fn narrowed(desired: &Desired, narrowing: &Narrowing) -> Result<Selection, Failure> {
    let query = Query {
        wave: narrowing.wave.as_deref().map(|name| wave(desired, name)).transpose()?,
        sites: named(desired, &narrowing.sites)?,
        regions: regions(desired, &narrowing.regions)?,
        tags: tags(&narrowing.tags)?,
        exclude: named(desired, &narrowing.exclude)?,
    };
    let all = desired.loaded.sites.iter().filter_map(|site| site.code());
    let chosen: BTreeSet<SiteCode> = all.filter(|code| passes(desired, &query, code)).collect();
    if chosen.is_empty() {
        return Err(Failure::usage(
            format!("no site is in the selection: {query}"),
            "landfall wave list shows the waves, landfall params --site CODE the region and the tags of a site",
        ));
    }
    Ok(settled(desired, query, chosen))
}

fn named(desired: &Desired, codes: &[String]) -> Result<BTreeSet<SiteCode>, Failure> {
    codes.iter().map(|code| site(desired, code)).collect()
}

fn regions(desired: &Desired, names: &[String]) -> Result<BTreeSet<String>, Failure> {
    let known: Vec<&str> = desired.loaded.estate.regions.keys().map(|name| name.as_str()).collect();
    if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
        let help = nearest(unknown, known.iter().copied())
            .map_or(format!("the regions are: {}", known.join(", ")), |near| format!("did you mean {near}?"));
        return Err(Failure::usage(format!("no region is called `{unknown}`"), help));
    }
    Ok(names.iter().cloned().collect())
}

fn tags(written: &[String]) -> Result<BTreeSet<String>, Failure> {
    let bad = |tag: &&String| tag.split_once('=').is_none_or(|(key, _)| key.is_empty());
    match written.iter().find(bad) {
        Some(tag) => Err(Failure::usage(
            format!("`{tag}` is no tag"),
            "write it as KEY=VALUE, for example owner=team-hrb01",
        )),
        None => Ok(written.iter().cloned().collect()),
    }
}

fn passes(desired: &Desired, query: &Query, code: &SiteCode) -> bool {
    let of_wave = |wave: &WaveName| desired.loaded.wave_of(code.as_str()).is_some_and(|of| of.name == *wave);
    let region = desired.loaded.site(code).map(|site| site.region.value.as_str());
    query.wave.as_ref().is_none_or(of_wave)
        && (query.sites.is_empty() || query.sites.contains(code))
        && (query.regions.is_empty() || region.is_some_and(|region| query.regions.contains(region)))
        && query.tags.iter().all(|tag| has_tag(desired, code, tag))
        && !query.exclude.contains(code)
}

/// Tags count as they are after all layers, not only where the site's own file sets them.
fn has_tag(desired: &Desired, code: &SiteCode, tag: &str) -> bool {
    let Some((key, wanted)) = tag.split_once('=') else { return false };
    let resolved = desired.resolved.scopes.get(&ScopeId::Site(code.clone()));
    let value = resolved.and_then(|scope| scope.value(&format!("site.tags.{key}")));
    value.is_some_and(|value| match value {
        Value::String(text) => text == wanted,
        other => format!("{other}") == wanted,
    })
}

/// Names what the touched waves lose; a selection that loses nothing is a plain list of sites.
fn settled(desired: &Desired, asked: Query, sites: BTreeSet<SiteCode>) -> Selection {
    let mut left_out: BTreeMap<WaveName, BTreeSet<SiteCode>> = BTreeMap::new();
    for wave in &desired.loaded.estate.waves {
        let members = wave.sites.iter().filter_map(|site| SiteCode::new(site.value.as_str()).ok());
        let (inside, outside): (BTreeSet<_>, BTreeSet<_>) = members.partition(|code| sites.contains(code));
        if !inside.is_empty() && !outside.is_empty() {
            left_out.insert(wave.name.clone(), outside);
        }
    }
    if left_out.is_empty() {
        return Selection::Sites(sites);
    }
    Selection::Part(Box::new(Part { sites, asked, left_out }))
}
