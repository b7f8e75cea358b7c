//! What may not be made yet because PHI would come into it: objects that hold PHI, and why each site's have to wait.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde_json::Value;

use crate::base::diagnostic::{Diagnostic, Diagnostics};
use crate::base::id::{ScopeId, StepId};
use crate::model::reference::{RefScope, references};
use crate::model::register::{AgreementKind, Registers, Terms, UseCase};
use crate::model::rendered::Rendered;
use crate::model::resource::Resource;

use super::{View, agreements, datasets, residency};

pub(super) const PILOT: &str = "policy.pilot-phi";

/// Classes of data that begin so are PHI: `phi`, `phi-restricted`.
const PHI_CLASS: &str = "phi";
/// The tag that says the class of the data in an object.
const CLASS_TAG: &str = "dataClass";
/// Kinds of objects that data lies in, when they lie in a catalog themselves.
const CONTAINERS: [&str; 2] = ["databricks.schema", "databricks.volume"];
/// What guardrails consist of.
pub const GUARDRAIL_SECTIONS: [&str; 5] =
    ["phi-handling", "masking", "rbac", "separation-of-duties", "approval-flows"];
/// The kind of object that shows that audit logs are delivered.
const LOG_DELIVERY: &str = "databricks.log_delivery";

/// Objects of one site that have to wait, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhiBlock {
    /// The site.
    pub scope: ScopeId,
    /// The objects.
    pub steps: BTreeSet<StepId>,
    /// Why, each as a sentence.
    pub reasons: Vec<String>,
}

/// The objects of a scope that hold PHI: catalogs that are tagged so, and the schemas and volumes in them. What only leads
/// there (networks, keys, credentials, grants) holds none.
pub fn phi_bearing(rendered: &Rendered) -> BTreeSet<StepId> {
    let tagged = rendered.resources.iter().filter(|resource| assigns_phi(resource));
    let names: BTreeSet<String> =
        tagged.flat_map(|tag| tag.spec.get("entity_name").into_iter().flat_map(same_scope)).collect();
    let plain: BTreeSet<&str> = rendered
        .resources
        .iter()
        .filter(|resource| assigns_phi(resource))
        .filter_map(|tag| tag.spec.get("entity_name")?.as_str())
        .collect();
    let is_catalog = |resource: &&Resource| {
        let named = resource.spec.get("name").and_then(Value::as_str);
        resource.kind.as_str() == "databricks.catalog"
            && (names.contains(&format!("{}.name", resource.id))
                || named.is_some_and(|name| plain.contains(name)))
    };
    let mut bearing: BTreeSet<StepId> =
        rendered.resources.iter().filter(is_catalog).map(|resource| resource.id.clone()).collect();
    let catalogs = bearing.clone();
    for resource in &rendered.resources {
        let lies_in = CONTAINERS.contains(&resource.kind.as_str())
            && resource.spec.get("catalog_name").is_some_and(|name| {
                let within = same_scope(name);
                catalogs.iter().any(|catalog| within.contains(&format!("{catalog}.name")))
                    || name.as_str().is_some_and(|name| plain.contains(name))
            });
        if lies_in {
            bearing.insert(resource.id.clone());
        }
    }
    bearing
}

fn assigns_phi(resource: &Resource) -> bool {
    let field = |key: &str| resource.spec.get(key).and_then(Value::as_str).unwrap_or_default();
    resource.kind.as_str() == "databricks.entity_tag_assignment"
        && field("entity_type") == "catalogs"
        && field("tag_key") == CLASS_TAG
        && field("tag_value").starts_with(PHI_CLASS)
}

fn same_scope(value: &Value) -> Vec<String> {
    let own = references(value).into_iter().filter(|reference| reference.scope == RefScope::Same);
    own.map(|reference| reference.path).collect()
}

/// Everything that may not be made on a day because something that PHI needs is not in force.
pub fn phi_blocked(view: View<'_>, today: Date) -> Vec<PhiBlock> {
    let logged = delivers_logs(view.rendered);
    let mut blocks = Vec::new();
    for site in view.sites() {
        let Some(rendered) = view.rendered_site(&site.code) else { continue };
        let steps = phi_bearing(rendered);
        let reasons = reasons(view, site.code.as_str(), rendered, logged, today);
        if !steps.is_empty() && !reasons.is_empty() {
            blocks.push(PhiBlock { scope: rendered.scope.clone(), steps, reasons });
        }
    }
    blocks
}

fn reasons(view: View<'_>, site: &str, rendered: &Rendered, logged: bool, today: Date) -> Vec<String> {
    let registers = &view.loaded.registers;
    let mut reasons = Vec::new();
    for (what, provider) in agreements::PROVIDERS {
        if let Some((why, _)) = agreements::uncovered(registers, site, provider, Some(today)) {
            reasons.push(format!("{what} may have no PHI: {why}"));
        }
    }
    for one in registers.use_cases_of(site).filter(|one| one.real_phi) {
        let missing = unguarded(registers, one, site, logged, Some(today));
        if !missing.is_empty() {
            reasons.push(format!(
                "`{}` is tried with real PHI without {}",
                one.name.value,
                missing.join(" and ")
            ));
        }
    }
    reasons.extend(registers.datasets_of(site).filter_map(|one| datasets::no_pathway(registers, one)));
    reasons.extend(residency::lapsed(registers, site, rendered, today));
    reasons
}

/// What has to stand before real PHI is used, and does not.
fn unguarded(
    registers: &Registers,
    one: &UseCase,
    site: &str,
    logged: bool,
    day: Option<Date>,
) -> Vec<String> {
    let mut missing = Vec::new();
    let tools = one.tools.iter().map(|tool| tool.value.as_str());
    let providers = agreements::PROVIDERS.iter().map(|(_, provider)| *provider);
    let open: BTreeSet<&str> = providers
        .chain(tools)
        .filter(|tool| agreements::uncovered(registers, site, tool, day).is_some())
        .collect();
    if !open.is_empty() {
        missing.push(format!("a BAA for {}", open.into_iter().collect::<Vec<_>>().join(", ")));
    }
    let whole = registers.agreements_of(site, &[AgreementKind::Guardrails]).any(|agreement| {
        let in_force = match day.or(agreement.signed) {
            Some(day) => agreement.fault_on(day).is_none(),
            None => false,
        };
        in_force && lacking(&agreement.terms).is_empty()
    });
    if !whole {
        missing.push("guardrails".to_owned());
    }
    if !logged {
        missing.push("delivery of the audit log".to_owned());
    }
    missing
}

/// Sections that guardrails lack.
fn lacking(terms: &Terms) -> Vec<&'static str> {
    match terms {
        Terms::Guardrails(sections) => {
            let missing = |section: &&str| sections.get(*section).is_none_or(std::vec::Vec::is_empty);
            GUARDRAIL_SECTIONS.into_iter().filter(missing).collect()
        }
        Terms::Plain | Terms::Scope { .. } | Terms::Deid(_) | Terms::Residency { .. } => {
            GUARDRAIL_SECTIONS.to_vec()
        }
    }
}

fn delivers_logs(rendered: &BTreeMap<ScopeId, Rendered>) -> bool {
    let account = rendered.get(&ScopeId::Account);
    account.is_some_and(|account| account.resources.iter().any(|one| one.kind.as_str() == LOG_DELIVERY))
}

/// PILOT-PHI: real PHI comes after the agreements, the guardrails and the audit log. A warning: what holds no PHI may be
/// made before, and PHI is blocked where the plan is applied.
pub(super) fn pilot(view: View<'_>, found: &mut Diagnostics) {
    let registers = &view.loaded.registers;
    let logged = delivers_logs(view.rendered);
    for one in registers.use_cases.iter().filter(|one| one.real_phi) {
        for site in &one.sites {
            let missing = unguarded(registers, one, &site.value, logged, None);
            if missing.is_empty() {
                continue;
            }
            let message = format!(
                "`{}` is to be tried with real PHI of {} without {}",
                one.name.value,
                site.value,
                missing.join(" and ")
            );
            found.push(
                Diagnostic::warning(PILOT, message)
                    .at(one.name.span.clone(), "PHI of the site is blocked until then")
                    .help("use synthetic or de-identified data (`real_phi = false`), or put what is missing into sites/registers/agreements.toml"),
            );
        }
    }
}
