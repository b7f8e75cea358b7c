//! RESIDENCY: every region that a site's objects and datasets name is one where its data may be, or one for which
//! compliance and the sponsor have agreed to an exception that ends.

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde_json::Value;

use crate::base::diagnostic::{Diagnostic, Diagnostics};
use crate::base::redact::shown;
use crate::model::register::{Agreement, AgreementKind, AgreementStatus, Registers, Terms};
use crate::model::rendered::Rendered;

use super::{SiteView, View, about, agreements, each_text};

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
        let excepted = exceptions(view, &site, found);
        let is_allowed = |region: &str| allowed.contains(&region) || excepted.iter().any(|one| one == region);
        let help = format!(
            "keep {} in {}, or change `residency` after compliance agreed",
            site.code,
            allowed.join(", ")
        );
        if !is_allowed(&own.value) {
            let message = format!("site {} is in {}, where its data may not be", site.code, own.value);
            found.push(
                Diagnostic::error(CODE, message)
                    .at(own.span.clone(), "its region")
                    .at(said.clone(), "where its data may be")
                    .help(help.clone()),
            );
        }
        for dataset in view.loaded.registers.datasets_of(&site.site.written_code.value) {
            let Some(region) = dataset.region.as_ref().filter(|region| !is_allowed(&region.value)) else {
                continue;
            };
            let message = format!("dataset `{}` would be in {}", dataset.id.value, shown(&region.value));
            found.push(
                Diagnostic::error(CODE, message)
                    .at(region.span.clone(), "its region")
                    .at(said.clone(), "where its data may be")
                    .help(help.clone()),
            );
        }
        let Some(rendered) = view.rendered_site(&site.code) else { continue };
        for resource in &rendered.resources {
            let mut see = |key: &str, text: &str| {
                if let Some(region) = region_in(key, text).filter(|region| !is_allowed(region)) {
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

/// Who has to agree to an exception.
const AGREED_BY: [&str; 2] = ["compliance", "executive-sponsor"];

/// The regions for which the site has an exception that counts: agreed by both, and not over before the site's wave is.
fn exceptions(view: View<'_>, site: &SiteView<'_>, found: &mut Diagnostics) -> BTreeSet<String> {
    let until = agreements::needed_until(view, site);
    let code = site.site.written_code.value.as_str();
    let mut regions = BTreeSet::new();
    let kinds = [AgreementKind::ResidencyException];
    let rows = view.loaded.registers.agreements_of(code, &kinds);
    // One that was ended is kept for the record and lets nobody through.
    let rows = rows.filter(|one| one.status != AgreementStatus::Terminated);
    for (agreement, region, approved_by) in rows.filter_map(exception) {
        let why = weakness(agreement, approved_by, until);
        match why {
            None => {
                regions.insert(region.to_owned());
            }
            Some(why) => found.push(
                Diagnostic::error(CODE, format!("exception `{}` {why}", agreement.id.value))
                    .at(agreement.span.clone(), format!("does not let {code} into {region}"))
                    .help("an exception names its site, is approved by compliance and executive-sponsor, and expires after the site's wave"),
            ),
        }
    }
    regions
}

fn exception(agreement: &Agreement) -> Option<(&Agreement, &str, &BTreeSet<String>)> {
    match &agreement.terms {
        Terms::Residency { region, approved_by } => Some((agreement, region.value.as_str(), approved_by)),
        Terms::Plain | Terms::Scope { .. } | Terms::Deid(_) | Terms::Guardrails(_) => None,
    }
}

/// Why an exception does not count, as the rest of a sentence about it.
fn weakness(agreement: &Agreement, approved_by: &BTreeSet<String>, until: Option<Date>) -> Option<String> {
    let missing: Vec<&str> = AGREED_BY.into_iter().filter(|role| !approved_by.contains(*role)).collect();
    if agreement.sites.is_empty() {
        return Some("names no site".to_owned());
    }
    if !missing.is_empty() {
        return Some(format!("is not approved by {}", missing.join(" and ")));
    }
    if agreement.expires.is_none() {
        return Some("has no end".to_owned());
    }
    until.or(agreement.signed).map_or(Some("is not signed".to_owned()), |day| agreement.fault_on(day))
}

/// Exceptions on which objects of a site rest and that are not in force on a day, each as a sentence.
pub(super) fn lapsed(registers: &Registers, site: &str, rendered: &Rendered, today: Date) -> Vec<String> {
    let names = |region: &str| {
        let mut named = false;
        for resource in &rendered.resources {
            each_text("", &resource.spec, &mut |key, text| named |= region_in(key, text) == Some(region));
        }
        let datasets = registers.datasets_of(site);
        named || datasets.filter_map(|one| one.region.as_ref()).any(|one| one.value == region)
    };
    let kinds = [AgreementKind::ResidencyException];
    let rows = registers.agreements_of(site, &kinds).filter_map(exception);
    rows.filter_map(|(agreement, region, _)| {
        let fault = agreement.fault_on(today).filter(|_| names(region))?;
        Some(format!("data would be in {region}, and exception `{}` {fault}", agreement.id.value))
    })
    .collect()
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
