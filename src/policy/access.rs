//! DENY-DEFAULT and METASTORE-ONE-PER-REGION.

use std::collections::BTreeMap;

use crate::base::diagnostic::Diagnostics;
use crate::model::rendered::Rendered;
use crate::model::resource::Resource;

use super::{View, about, each_text};

pub(super) const DENY: &str = "policy.deny-default";
pub(super) const METASTORE: &str = "policy.metastore-one-per-region";

/// The groups that everybody is in.
const EVERYBODY: [&str; 2] = ["account users", "users"];
/// The keys under which an object says who may do something.
const PRINCIPAL_KEYS: [&str; 4] = ["principal", "group_name", "principal_name", "user_name"];

pub(super) fn deny_default(view: View<'_>, found: &mut Diagnostics) {
    for (scope, resource) in view.resources() {
        let mut see = |key: &str, text: &str| {
            let is_everybody = || EVERYBODY.contains(&text.trim().to_lowercase().as_str());
            if PRINCIPAL_KEYS.contains(&key) && is_everybody() {
                let message = format!("`{}` grants something to `{text}`, which is everybody", resource.id);
                found.push(about(DENY, message, scope, resource).help("name the group that needs it"));
            }
        };
        each_text("", &resource.spec, &mut see);
    }
}

pub(super) fn metastores(view: View<'_>, found: &mut Diagnostics) {
    let mut first: BTreeMap<&str, (&Rendered, &Resource)> = BTreeMap::new();
    for (scope, resource) in view.resources().filter(|(_, r)| r.kind.as_str() == "databricks.metastore") {
        let Some(region) = resource.spec.get("region").and_then(|region| region.as_str()) else { continue };
        let Some((other_scope, other)) = first.get(region) else {
            first.insert(region, (scope, resource));
            continue;
        };
        let message = format!("region {region} has two metastores: `{}` and `{}`", other.id, resource.id);
        let mut problem = about(METASTORE, message, scope, resource);
        if let Some(span) = other_scope.places.get(&other.id) {
            problem = problem.at(span.clone(), "the first one");
        }
        found.push(problem.help("keep one: all workspaces of a region share it"));
    }
}
