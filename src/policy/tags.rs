//! TAGS-REQUIRED: workspaces, compute policies, budget policies and catalogs carry the required tags, and what they
//! say about the site is the same everywhere.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::base::diagnostic::Diagnostics;
use crate::base::id::ScopeId;
use crate::model::reference::{RefScope, references};
use crate::model::rendered::Rendered;
use crate::model::resource::Resource;

use super::{View, about};

pub(super) const CODE: &str = "policy.tags-required";

/// The tag that names the site, and the one that names the environment: the only required one that may differ.
const SITE: &str = "siteCode";
const ENVIRONMENT: &str = "environment";

type Tags = BTreeMap<String, String>;

pub(super) fn check(view: View<'_>, found: &mut Diagnostics) {
    let rules = &view.loaded.estate.tags;
    of_regions(view, found);
    for site in view.sites() {
        let Some(rendered) = view.rendered_site(&site.code) else { continue };
        let mut first: BTreeMap<String, (String, &Resource)> = BTreeMap::new();
        for resource in &rendered.resources {
            let Some(tags) = tags_of(rendered, resource) else { continue };
            for key in &rules.required {
                let Some(value) = tags.get(key) else {
                    let message = format!("`{}` has no tag `{key}`", resource.id);
                    let help = format!("required are {}", rules.required.join(", "));
                    found.push(about(CODE, message, rendered, resource).help(help));
                    continue;
                };
                let wrong = match key.as_str() {
                    SITE if value != site.code.as_str() => Some(format!("not the site's code {}", site.code)),
                    ENVIRONMENT if !rules.environments.contains(value) => {
                        Some(format!("not one of {}", rules.environments.join(", ")))
                    }
                    SITE | ENVIRONMENT => None,
                    _ => {
                        let (said, by) =
                            first.entry(key.clone()).or_insert_with(|| (value.clone(), resource));
                        (said != value).then(|| format!("but `{}` says `{said}`", by.id))
                    }
                };
                if let Some(why) = wrong {
                    let message = format!("tag `{key}` of `{}` is `{value}`, {why}", resource.id);
                    found.push(about(CODE, message, rendered, resource));
                }
            }
        }
    }
}

/// What sites share belongs to none of them: it carries every required tag but the one that names a site.
fn of_regions(view: View<'_>, found: &mut Diagnostics) {
    let required: Vec<&String> = view.loaded.estate.tags.required.iter().filter(|key| *key != SITE).collect();
    for rendered in view.rendered.values().filter(|scope| matches!(scope.scope, ScopeId::Region(_))) {
        for resource in &rendered.resources {
            let Some(tags) = tags_of(rendered, resource) else { continue };
            for key in required.iter().filter(|key| !tags.contains_key(**key)) {
                let message = format!("`{}` has no tag `{key}`", resource.id);
                found.push(about(CODE, message, rendered, resource));
            }
            if tags.contains_key(SITE) {
                let message = format!("`{}` names a site, and belongs to {}", resource.id, rendered.scope);
                found.push(about(CODE, message, rendered, resource));
            }
        }
    }
}

/// The tags of an object that can have some.
fn tags_of(scope: &Rendered, resource: &Resource) -> Option<Tags> {
    match resource.kind.as_str() {
        "databricks.workspace" | "databricks.budget_policy" => Some(plain(resource.spec.get("custom_tags"))),
        "databricks.cluster_policy" => Some(fixed(resource.spec.get("definition"))),
        "databricks.catalog" => Some(assigned(scope, resource)),
        _ => None,
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// A table of tags, or a list of keys with values.
fn plain(tags: Option<&Value>) -> Tags {
    match tags {
        Some(Value::Object(entries)) => {
            entries.iter().filter_map(|(key, value)| Some((key.clone(), text(value)?))).collect()
        }
        Some(Value::Array(items)) => items
            .iter()
            .filter_map(|item| Some((text(item.get("key")?)?, text(item.get("value")?)?)))
            .collect(),
        Some(_) | None => Tags::new(),
    }
}

/// What a compute policy fixes; a tag that it only suggests is not one.
fn fixed(definition: Option<&Value>) -> Tags {
    let parsed: Option<Value>;
    let definition = match definition {
        Some(Value::String(json)) => {
            parsed = serde_json::from_str(json).ok();
            parsed.as_ref()
        }
        other => other,
    };
    let entries = definition.and_then(Value::as_object);
    let tag = |(key, rule): (&String, &Value)| {
        let key = key.strip_prefix("custom_tags.")?;
        (rule.get("type")?.as_str()? == "fixed").then(|| Some((key.to_owned(), text(rule.get("value")?)?)))?
    };
    entries.into_iter().flatten().filter_map(tag).collect()
}

/// The tags that the same scope assigns to a catalog, by reference or by name.
fn assigned(scope: &Rendered, catalog: &Resource) -> Tags {
    let reference = format!("{}.name", catalog.id);
    let is_meant = |name: &Value| {
        let by_name = name.is_string() && Some(name) == catalog.spec.get("name");
        by_name || references(name).iter().any(|r| r.scope == RefScope::Same && r.path == reference)
    };
    let tag = |resource: &Resource| {
        let spec = &resource.spec;
        let is_tag = resource.kind.as_str() == "databricks.entity_tag_assignment"
            && spec.get("entity_type").and_then(Value::as_str) == Some("catalogs")
            && spec.get("entity_name").is_some_and(is_meant);
        is_tag.then(|| Some((text(spec.get("tag_key")?)?, text(spec.get("tag_value")?)?)))?
    };
    scope.resources.iter().filter_map(tag).collect()
}
