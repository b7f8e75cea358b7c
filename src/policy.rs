//! Floor 2: the rules an estate must keep, over its files, its resolved values and its rendered objects.

mod access;
mod agreements;
mod datasets;
mod environments;
mod isolation;
mod naming;
mod network;
mod openings;
mod people;
mod phi;
mod program;
mod residency;
mod secrets;
mod sites;
mod tags;
mod use_cases;
mod windows;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::base::diagnostic::{Diagnostic, Diagnostics};
use crate::base::id::{ScopeId, SiteCode};
use crate::base::span::Span;
use crate::model::estate::{Loaded, Site};
use crate::model::rendered::Rendered;
use crate::model::resolved::{Resolved, ResolvedScope};
use crate::model::resource::Resource;

pub use phi::{GUARDRAIL_SECTIONS, PhiBlock, phi_bearing, phi_blocked};

/// What the rules look at. Scopes that could not be rendered are not in `rendered`; the rules look at what is there.
#[derive(Clone, Copy)]
pub struct View<'v> {
    /// The files.
    pub loaded: &'v Loaded,
    /// The values.
    pub resolved: &'v Resolved,
    /// The objects.
    pub rendered: &'v BTreeMap<ScopeId, Rendered>,
}

/// One rule.
pub struct Rule {
    /// Its name, as people call it.
    pub id: &'static str,
    /// The code of its problems.
    pub code: &'static str,
    /// What it asks for, as a sentence.
    pub about: &'static str,
    check: fn(View<'_>, &mut Diagnostics),
}

/// A rule's row in [`RULES`].
macro_rules! rule {
    ($id:literal, $code:expr, $check:path, $about:literal) => {
        Rule { id: $id, code: $code, about: $about, check: $check }
    };
}

/// Every rule.
pub const RULES: [Rule; 35] = [
    rule!(
        "SITECODE",
        sites::CODE,
        sites::check,
        "Every site has a code of its own, and its file is named by it."
    ),
    rule!(
        "NO-TEMPLATE-FORK",
        program::FORK,
        program::forks,
        "Sites differ by parameters, never by templates."
    ),
    rule!(
        "ROLE-UNFILLED",
        people::ROLE,
        people::roles,
        "The roles that carry the rollout are filled, and every site has a steward and an operations lead."
    ),
    rule!(
        "OWNER-MAP",
        people::OWNERS,
        people::owners,
        "Every use case has its five owners: sponsor, platform, data team, operations lead, compliance."
    ),
    rule!(
        "OWNER-MAP-ML",
        people::MODEL,
        people::model_owners,
        "Where a model of tier medium or high is used, data science, MLOps, security and compliance are named."
    ),
    rule!(
        "CLINICAL-CHAMPION",
        people::CHAMPION,
        people::clinical_champion,
        "A model of tier high has a clinical champion, who is a clinician."
    ),
    rule!(
        "ROLE-CONFLICT",
        people::CONFLICT,
        people::conflicts,
        "Nobody has roles together that the estate keeps apart."
    ),
    rule!(
        "DELEGATION",
        people::DELEGATION,
        people::delegations,
        "A role is handed on by its holder, within the holder's scope."
    ),
    rule!("WAVE-SIZE", program::SIZE, program::wave_sizes, "A scale wave has three to five sites."),
    rule!(
        "WAVE-MEMBERSHIP",
        program::MEMBER,
        program::wave_members,
        "A wave lists sites that exist, and a site is in at most one wave."
    ),
    rule!(
        "WINDOW",
        windows::CODE,
        windows::check,
        "A change window has days, a begin, an end and a time zone that exist."
    ),
    rule!(
        "WAVE-OPENING",
        openings::CODE,
        openings::check,
        "Every site of a wave may be changed at some time between the wave's first and last day."
    ),
    rule!(
        "CIDR-OVERLAP",
        network::OVERLAP,
        network::overlaps,
        "No two networks that can meet have an address in common."
    ),
    rule!(
        "CIDR-SIZE",
        network::SIZE,
        network::sizes,
        "Subnets lie in their network and hold as many nodes as the policies allow."
    ),
    rule!(
        "NO-SECRET-LITERAL",
        secrets::SECRET,
        secrets::literals,
        "Secrets are given by reference, never written down."
    ),
    rule!(
        "NO-PHI-IN-NAMES",
        secrets::PHI,
        secrets::names,
        "Names and tags hold nothing that could be a patient's."
    ),
    rule!(
        "RESIDENCY",
        residency::CODE,
        residency::check,
        "What a site has is in the regions where its data may be."
    ),
    rule!(
        "TAGS-REQUIRED",
        tags::CODE,
        tags::check,
        "Every taggable object carries the required tags, and they agree."
    ),
    rule!("DENY-DEFAULT", access::DENY, access::deny_default, "Nothing is granted to everybody."),
    rule!("METASTORE-ONE-PER-REGION", access::METASTORE, access::metastores, "A region has one metastore."),
    rule!("NAMING", naming::CODE, naming::check, "Names fit into what the platforms allow."),
    rule!(
        "STRICT-ISOLATION",
        isolation::STRICT,
        isolation::strict,
        "A site with restricted records has workspaces and catalogs of its own."
    ),
    rule!(
        "SHARED-ISOLATION",
        isolation::SHARED,
        isolation::shared,
        "A site shares catalogs only together with workspaces, and only what its region lends."
    ),
    rule!(
        "ENV-ISOLATION",
        environments::CODE,
        environments::check,
        "Production and the rest share no catalog binding, key, bucket or network."
    ),
    rule!(
        "REGISTERS",
        agreements::ROWS,
        agreements::rows,
        "What the registers name exists: sites, and agreements of the right sort."
    ),
    rule!(
        "BAA-BEFORE-PHI",
        agreements::BAA,
        agreements::before_phi,
        "Cloud and platform have a business associate agreement before any PHI comes in."
    ),
    rule!(
        "BAA-COVERAGE",
        agreements::COVERAGE,
        agreements::coverage,
        "Every tool that PHI passes through is covered by a business associate agreement."
    ),
    rule!(
        "DUA",
        agreements::DUA,
        agreements::data_use,
        "Data of third parties has a data use agreement, a provenance, and no other purposes than permitted."
    ),
    rule!(
        "INVENTORY",
        datasets::INVENTORY,
        datasets::inventory,
        "The inventory of a site lists every sort of system, or says why it has none."
    ),
    rule!(
        "CLASSIFY",
        datasets::CLASSIFY,
        datasets::classify,
        "PHI has purposes and an end, and every column that is known has a class."
    ),
    rule!("PHI-FLOW", datasets::FLOW, datasets::flow, "A dataset that is read is declared."),
    rule!(
        "DEID",
        datasets::DEID,
        datasets::deidentified,
        "Data for research and other secondary uses is de-identified in one of the two ways."
    ),
    rule!(
        "PILOT-PHI",
        phi::PILOT,
        phi::pilot,
        "Real PHI is used only under agreements, guardrails and delivery of the audit log."
    ),
    rule!(
        "USECASE-COUNT",
        use_cases::COUNT,
        use_cases::count,
        "A pilot shortlists two or three use cases with metrics and delivers one or two of them."
    ),
    rule!(
        "BASELINE-FROZEN",
        use_cases::FROZEN,
        use_cases::frozen,
        "A baseline stays as it was on the day it was frozen."
    ),
];

/// Runs every rule.
pub fn all(loaded: &Loaded, resolved: &Resolved, rendered: &BTreeMap<ScopeId, Rendered>) -> Diagnostics {
    let view = View { loaded, resolved, rendered };
    let mut found = Diagnostics::default();
    for rule in &RULES {
        (rule.check)(view, &mut found);
    }
    found.fold();
    found.settle();
    found
}

/// What one rule finds, place by place: mistakes of templates are told for every scope they show in. None if no rule has
/// this name.
pub fn of_rule(
    id: &str,
    loaded: &Loaded,
    resolved: &Resolved,
    rendered: &BTreeMap<ScopeId, Rendered>,
) -> Option<Diagnostics> {
    let rule = RULES.iter().find(|rule| rule.id == id || rule.code == id)?;
    let mut found = Diagnostics::default();
    (rule.check)(View { loaded, resolved, rendered }, &mut found);
    Some(found)
}

/// What may not be made on a day because PHI would come into it, by site.
pub fn phi_blocks(
    loaded: &Loaded,
    resolved: &Resolved,
    rendered: &BTreeMap<ScopeId, Rendered>,
    today: jiff::civil::Date,
) -> Vec<PhiBlock> {
    phi::phi_blocked(View { loaded, resolved, rendered }, today)
}

/// A site with its code and values.
struct SiteView<'v> {
    site: &'v Site,
    code: SiteCode,
    scope: &'v ResolvedScope,
}

impl<'v> View<'v> {
    /// Every site that could be resolved.
    fn sites(self) -> impl Iterator<Item = SiteView<'v>> {
        self.resolved.scopes.values().filter_map(move |scope| {
            let code = scope.scope.site()?;
            Some(SiteView { site: self.loaded.site(code)?, code: code.clone(), scope })
        })
    }

    /// Every rendered object.
    fn resources(self) -> impl Iterator<Item = (&'v Rendered, &'v Resource)> {
        self.rendered.values().flat_map(|scope| scope.resources.iter().map(move |resource| (scope, resource)))
    }

    /// The rendered objects of one site.
    fn rendered_site(self, code: &SiteCode) -> Option<&'v Rendered> {
        self.rendered.get(&ScopeId::Site(code.clone()))
    }
}

impl SiteView<'_> {
    /// Where a parameter was set, or the site's first line.
    fn place(&self, path: &str) -> Span {
        self.scope.span_of(path).unwrap_or(&self.site.span).clone()
    }
}

/// A problem with a rendered object, told at its template.
fn about(code: &'static str, message: String, scope: &Rendered, resource: &Resource) -> Diagnostic {
    let problem = Diagnostic::error(code, message);
    let problem = match scope.places.get(&resource.id) {
        Some(span) => problem.at(span.clone(), "declared here"),
        None => problem,
    };
    problem.note(format!("`{}` of {}", resource.id, scope.scope))
}

/// Calls `see` with every string in a value and the key it stands under.
fn each_text<'v>(key: &'v str, value: &'v Value, see: &mut dyn FnMut(&'v str, &'v str)) {
    match value {
        Value::String(text) => see(key, text),
        Value::Array(items) => items.iter().for_each(|item| each_text(key, item, see)),
        Value::Object(entries) => entries.iter().for_each(|(key, item)| each_text(key, item, see)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
