//! Rules about people: roles that must be filled, owners of use cases and models, roles that exclude each other, absences.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::base::diagnostic::{Diagnostic, Diagnostics};
use crate::base::id::RoleName;
use crate::base::redact::shown;
use crate::base::span::Span;
use crate::model::estate::Site;
use crate::model::people::{Delegation, Holding, SITE_OPS_LEAD};
use crate::people::register::{self, MODEL_OWNERS, Required, USE_CASE_OWNERS};
use crate::people::{How, can_hand_on, conflicting};

use super::{SiteView, View};

pub(super) const ROLE: &str = "policy.role-unfilled";
pub(super) const OWNERS: &str = "policy.owner-map";
pub(super) const MODEL: &str = "policy.owner-map-ml";
pub(super) const CHAMPION: &str = "policy.clinical-champion";
pub(super) const CONFLICT: &str = "policy.role-conflict";
pub(super) const DELEGATION: &str = "policy.delegation";

/// The role without which no model of tier high goes live.
const CLINICAL_CHAMPION: &str = "clinical-champion";
/// The gate at which models are approved, as the register of gates calls it.
const MODEL_GATE: &str = "G-11";

/// The required roles of the program: what nobody is, and what somebody has to be.
const OF_PROGRAM: [(&str, &str, &str); 5] = [
    ("executive-sponsor", "no executive sponsor", "an executive sponsor"),
    ("program-manager", "no program manager", "a program manager"),
    ("it-network", "nobody for IT and network", "somebody for IT and network"),
    ("platform", "no data platform lead", "a data platform lead"),
    ("compliance", "nobody for compliance", "somebody for compliance"),
];

/// The required roles of a site: the key in its file, what it lacks, and what that means.
const OF_SITE: [(&str, &str, &str); 2] = [
    ("steward", "no steward", "nobody can sign for this site"),
    ("ops_lead", "no operations lead", "nobody brings this site along"),
];

pub(super) fn roles(view: View<'_>, found: &mut Diagnostics) {
    let estate = &view.loaded.estate;
    let filled = |role: &RoleName| {
        let named = |name: &String| {
            RoleName::new(name.as_str()).is_ok_and(|name| register::canonical(&name) == *role)
        };
        estate.roles.iter().any(|(name, who)| !who.value.is_empty() && named(name))
    };
    let required = register::rows().iter().filter(|row| row.required == Some(Required::Program));
    for row in required.filter(|row| !filled(&row.role)) {
        let words = OF_PROGRAM.iter().find(|(role, ..)| *role == row.role.as_str());
        let (_, nobody, what) = words.expect("every required role of the register has its words");
        found.push(
            Diagnostic::error(ROLE, format!("the estate names {nobody}"))
                .at(estate.span.clone(), "")
                .help(format!("add `{} = \"…\"` to [roles]: {what} must be able to sign", row.role)),
        );
    }
    for site in &view.loaded.sites {
        for (key, nobody, means) in OF_SITE {
            if !is_written(site, key) {
                let code = shown(&site.written_code.value);
                found.push(
                    Diagnostic::error(ROLE, format!("site {code} has {nobody}"))
                        .at(site.span.clone(), means)
                        .help(format!("add `{key} = \"…\"` to {}", site.path)),
                );
            }
        }
    }
}

fn is_written(site: &Site, key: &str) -> bool {
    site.parameters.get(key).and_then(|tree| tree.as_str()).is_some_and(|text| !text.is_empty())
}

/// A use case of a site.
struct UseCase<'v> {
    site: &'v SiteView<'v>,
    name: String,
    tier: &'v str,
}

impl UseCase<'_> {
    fn words(&self) -> String {
        format!("`{}` of {}, tier {}", self.name, self.site.code, shown(self.tier))
    }
}

fn use_cases<'v>(site: &'v SiteView<'v>) -> Vec<UseCase<'v>> {
    let written = site.scope.value("site.use_cases").and_then(Value::as_array);
    let text = |case: &'v Value, key: &str| case.get(key).and_then(Value::as_str).unwrap_or("unknown");
    let case = |case| UseCase { site, name: shown(text(case, "name")), tier: text(case, "tier") };
    written.into_iter().flatten().map(case).collect()
}

/// Who holds a role, as a site sees it.
fn holder<'v>(view: View<'v>, role: &str, site: &SiteView<'_>) -> Option<&'v Holding> {
    let fits = |one: &&Holding| {
        one.role.as_str() == role && (one.site.is_none() || one.site.as_ref() == Some(&site.code))
    };
    view.loaded.estate.people.holdings.iter().find(fits)
}

/// Where a role would be filled, and with which words.
fn place(view: View<'_>, role: &str, site: &SiteView<'_>) -> (Span, String) {
    if role == SITE_OPS_LEAD {
        (site.site.span.clone(), format!("add `ops_lead = \"…\"` to {}", site.site.path))
    } else {
        (view.loaded.estate.span.clone(), format!("add `{role} = \"…\"` to [roles]"))
    }
}

pub(super) fn owners(view: View<'_>, found: &mut Diagnostics) {
    for site in view.sites() {
        for case in use_cases(&site) {
            for (role, what) in USE_CASE_OWNERS {
                if holder(view, role, &site).is_none() {
                    let (span, help) = place(view, role, &site);
                    let message = format!("a use case has nobody for {what}: `{role}` is not filled");
                    found.push(Diagnostic::error(OWNERS, message).at(span, "").note(case.words()).help(help));
                }
            }
        }
    }
}

pub(super) fn model_owners(view: View<'_>, found: &mut Diagnostics) {
    for site in view.sites() {
        for case in use_cases(&site).iter().filter(|case| ["medium", "high"].contains(&case.tier)) {
            for (role, what) in MODEL_OWNERS {
                if holder(view, role, &site).is_none() {
                    let (span, help) = place(view, role, &site);
                    let message = format!(
                        "gate {MODEL_GATE} cannot be opened for a model: nobody answers for {what}, `{role}` is not filled"
                    );
                    found.push(Diagnostic::error(MODEL, message).at(span, "").note(case.words()).help(help));
                }
            }
        }
    }
}

pub(super) fn clinical_champion(view: View<'_>, found: &mut Diagnostics) {
    for site in view.sites() {
        for case in use_cases(&site).iter().filter(|case| case.tier == "high") {
            let problem = match holder(view, CLINICAL_CHAMPION, &site) {
                None => {
                    let (span, help) = place(view, CLINICAL_CHAMPION, &site);
                    let message = "a model of tier high has no clinical champion".to_owned();
                    Diagnostic::error(CHAMPION, message).at(span, "").help(help)
                }
                Some(holding) => match is_clinician(view, holding) {
                    Ok(()) => continue,
                    Err(problem) => problem,
                },
            };
            found.push(problem.note(case.words()));
        }
    }
}

fn is_clinician(view: View<'_>, holding: &Holding) -> Result<(), Diagnostic> {
    let who = &holding.person;
    match view.loaded.estate.people.persons.get(who) {
        Some(person) if person.clinician => Ok(()),
        Some(person) => {
            Err(Diagnostic::error(CHAMPION, format!("the clinical champion `{who}` is not a clinician"))
                .at(holding.span.clone(), "holds `clinical-champion`")
                .at(person.span.clone(), "not marked `clinician = true`")
                .help("name a physician, nurse or pharmacist; if they are one, say so in people.toml"))
        }
        None => Err(Diagnostic::warning(CHAMPION, format!("nobody says that `{who}` is a clinician"))
            .at(holding.span.clone(), "holds `clinical-champion`")
            .help(format!("add [person.{who}] with `clinician = true` to sites/people.toml"))),
    }
}

pub(super) fn conflicts(view: View<'_>, found: &mut Diagnostics) {
    let people = &view.loaded.estate.people;
    for clash in conflicting(people) {
        let conflict = &people.conflicts[clash.conflict];
        let roles: Vec<String> = clash.roles.keys().map(|role| format!("`{role}`")).collect();
        let wherever = clash.site.as_ref().map_or(String::new(), |site| format!(" for {site}"));
        let message = format!("`{}` has {} together{wherever}", clash.person, roles.join(" and "));
        let held: BTreeSet<&Span> = people
            .holdings
            .iter()
            .filter(|one| clash.roles.contains_key(&one.role))
            .filter(|one| one.person == clash.person || one.backup.as_ref() == Some(&clash.person))
            .filter(|one| one.site.is_none() || one.site == clash.site)
            .map(|one| &one.span)
            .collect();
        let problem = Diagnostic::error(CONFLICT, message).at(conflict.span.clone(), shown(&conflict.reason));
        let problem = held.into_iter().fold(problem, |problem, span| problem.at(span.clone(), "held here"));
        let problem = clash.roles.iter().fold(problem, |problem, (role, how)| match how {
            How::Holder => problem,
            How::Backup { of } => problem.note(format!("`{role}` as backup of `{of}`")),
            How::Delegate { of } => problem.note(format!("`{role}` handed on by `{of}`")),
        });
        found.push(problem.help("give one of the roles to somebody else"));
    }
}

pub(super) fn delegations(view: View<'_>, found: &mut Diagnostics) {
    let people = &view.loaded.estate.people;
    for one in people.delegations.iter().filter(|one| !can_hand_on(people, one)) {
        let Delegation { role, site, from, .. } = one;
        let wherever = site.as_ref().map_or(String::new(), |site| format!(" of {site}"));
        let second_hand = people.delegations.iter().any(|other| other.role == *role && other.to == *from)
            || people.holdings.iter().any(|held| held.role == *role && held.backup.as_ref() == Some(from));
        let problem = if second_hand {
            Diagnostic::error(
                DELEGATION,
                format!("`{from}` hands on `{role}`{wherever}, which is not theirs"),
            )
            .help("only the holder hands a role on: a backup or delegate cannot")
        } else {
            Diagnostic::error(
                DELEGATION,
                format!("`{from}` hands on `{role}`{wherever} and does not hold it"),
            )
            .help("name the holder in `from`, and a site where the role is a site's")
        };
        found.push(problem.at(one.span.clone(), "this delegation opens nothing"));
    }
}
