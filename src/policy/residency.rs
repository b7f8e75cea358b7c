//! RESIDENCY: every region that a site's objects name is one where its data may be.

use serde_json::Value;

use crate::base::diagnostic::{Diagnostic, Diagnostics};

use super::{View, about, each_text};

pub(super) const CODE: &str = "policy.residency";

pub(super) fn check(view: View<'_>, found: &mut Diagnostics) {
    for site in view.sites() {
        let Some(list) = site.scope.value("site.residency").and_then(Value::as_array) else { continue };
        let allowed: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
        let own = &site.site.region;
        // A region that does not exist is told once, as that.
        if !view.loaded.estate.regions.keys().any(|name| name.as_str() == own.value) {
            continue;
        }
        let said = site.place("site.residency");
        let help = format!(
            "keep {} in {}, or change `residency` after compliance agreed",
            site.code,
            allowed.join(", ")
        );
        if !allowed.contains(&own.value.as_str()) {
            let message = format!("site {} is in {}, where its data may not be", site.code, own.value);
            found.push(
                Diagnostic::error(CODE, message)
                    .at(own.span.clone(), "its region")
                    .at(said.clone(), "where its data may be")
                    .help(help.clone()),
            );
        }
        let Some(rendered) = view.rendered_site(&site.code) else { continue };
        for resource in &rendered.resources {
            let mut see = |key: &str, text: &str| {
                if let Some(region) = region_in(key, text).filter(|region| !allowed.contains(region)) {
                    let message = format!("`{}` would be in {region}", resource.id);
                    found.push(
                        about(CODE, message, rendered, resource)
                            .at(said.clone(), "where its data may be")
                            .help(help.clone()),
                    );
                }
            };
            each_text("", &resource.spec, &mut see);
        }
    }
}

/// The region that a string names: by its key, or as the fourth part of an ARN.
fn region_in<'t>(key: &str, text: &'t str) -> Option<&'t str> {
    if text.starts_with("arn:") {
        return text.split(':').nth(3).filter(|region| !region.is_empty() && !region.contains("${"));
    }
    let by_key = key == "region" || key.ends_with("_region");
    (by_key && !text.contains("${")).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_seen_by_key_and_in_arns() {
        assert_eq!(region_in("aws_region", "us-east-1"), Some("us-east-1"));
        assert_eq!(region_in("key_arn", "arn:aws:kms:us-west-2:1:key/x"), Some("us-west-2"));
        assert_eq!(region_in("role_arn", "arn:aws:iam::1:role/x"), None);
        assert_eq!(region_in("region", "${metastore.region}"), None);
        assert_eq!(region_in("comment", "us-east-1"), None);
    }
}
