//! ENV-ISOLATION: production and the rest of a site share nothing through which data could cross.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::base::diagnostic::{Diagnostic, Diagnostics};
use crate::base::id::{RegionName, ScopeId};
use crate::model::reference::{RefScope, references};
use crate::model::rendered::Rendered;
use crate::model::resource::Resource;

use super::{SiteView, View, about, each_text};

pub(super) const CODE: &str = "policy.env-isolation";

const PROD: &str = "prod";

pub(super) fn check(view: View<'_>, found: &mut Diagnostics) {
    for site in view.sites() {
        shared_parts(&site, found);
    }
    for rendered in view.rendered.values() {
        bindings(rendered, region_of(view, rendered), found);
    }
}

/// Keys, buckets and network parts by what their key is called. An account may hold several zones.
fn is_part(key: &str) -> bool {
    let part = key.ends_with("_arn") || key.contains("bucket") || key == "id" || key.ends_with("_id");
    part && !key.ends_with("account_id")
}

fn shared_parts(site: &SiteView<'_>, found: &mut Diagnostics) {
    let zones = site.scope.value("site.network").and_then(Value::as_object);
    let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
    for (zone, value) in zones.into_iter().flatten() {
        let mut see = |key: &str, part| {
            if !is_part(key) {
                return;
            }
            let owner = *owners.entry(part).or_insert(zone.as_str());
            if owner != zone.as_str() {
                let message = format!("{owner} and {zone} of site {} share `{part}`", site.code);
                found.push(
                    Diagnostic::error(CODE, message)
                        .at(site.place(&format!("site.network.{zone}.{key}")), zone.as_str())
                        .at(site.place(&format!("site.network.{owner}.{key}")), owner)
                        .help("give each landing zone its own"),
                );
            }
        };
        each_text("", value, &mut see);
    }
}

/// What the region of a site has; nothing for other scopes.
fn region_of<'v>(view: View<'v>, rendered: &Rendered) -> Option<&'v Rendered> {
    let site = view.loaded.site(rendered.scope.site()?)?;
    let region = RegionName::new(site.region.value.as_str()).ok()?;
    view.rendered.get(&ScopeId::Region(region))
}

/// The object of the scope, or of the site's region, that a value refers to.
fn referred<'r>(scope: &'r Rendered, region: Option<&'r Rendered>, value: &Value) -> Option<&'r Resource> {
    let all = references(value);
    let (named, there) = all.iter().find_map(|reference| match reference.scope {
        RefScope::Same => Some((reference, scope)),
        RefScope::Region => Some((reference, region?)),
        RefScope::Account => None,
    })?;
    let is_meant = |resource: &&Resource| {
        named.path.strip_prefix(resource.id.as_str()).is_some_and(|rest| rest.starts_with('.'))
    };
    there.resources.iter().filter(is_meant).max_by_key(|resource| resource.id.as_str().len())
}

fn is_prod_workspace(workspace: &Resource) -> Option<bool> {
    workspace.spec.pointer("/custom_tags/environment")?.as_str().map(|environment| environment == PROD)
}

/// A catalog says its environment as a property, or else as the first word of its name.
fn is_prod_catalog(catalog: &Resource) -> Option<bool> {
    let property = catalog.spec.pointer("/properties/environment").and_then(Value::as_str);
    let name = catalog.spec.get("name").and_then(Value::as_str);
    let environment = property.or_else(|| name.and_then(|name| name.split('_').next()))?;
    Some(environment == PROD)
}

fn bindings(rendered: &Rendered, region: Option<&Rendered>, found: &mut Diagnostics) {
    let all = rendered.resources.iter().filter(|r| r.kind.as_str() == "databricks.workspace_bindings");
    for binding in all {
        let catalog = binding.spec.get("securable_name").and_then(|name| referred(rendered, region, name));
        let Some(catalog) = catalog.filter(|catalog| catalog.kind.as_str() == "databricks.catalog") else {
            continue;
        };
        let list = binding.spec.get("bindings").and_then(Value::as_array);
        for workspace in list
            .into_iter()
            .flatten()
            .filter_map(|entry| referred(rendered, region, entry.get("workspace_id")?))
        {
            let (Some(from), Some(to)) = (is_prod_catalog(catalog), is_prod_workspace(workspace)) else {
                continue;
            };
            if from != to {
                let message = format!("`{}` binds `{}` to `{}`", binding.id, catalog.id, workspace.id);
                found.push(
                    about(CODE, message, rendered, binding).help(
                        "bind prod catalogs to prod workspaces only, and all others to the others only",
                    ),
                );
            }
        }
    }
}
