//! Who holds which role: `[roles]` of the estate, and steward and operations lead of each site.

use std::collections::BTreeMap;

use crate::base::diagnostic::{Diagnostic, Diagnostics};
use crate::base::id::{PersonId, RoleName};
use crate::base::span::{Located, Span};
use crate::model::estate::{Estate, Site};
use crate::model::people::{Holding, People, SITE_OPS_LEAD, SITE_STEWARD};
use crate::people::{is_of_site, register};

use super::WRONG;
use super::hand::Backup;

/// The role that only programs hold.
const AUTOMATION: &str = "automation";

pub(super) fn read(estate: &Estate, sites: &[Site], found: &mut Diagnostics) -> Vec<Holding> {
    let mut holdings = of_program(estate, found);
    for site in sites {
        let Some(code) = site.code() else { continue };
        let backup = handle(written(site, "steward_backup"), found);
        for (key, role) in [("steward", SITE_STEWARD), ("ops_lead", SITE_OPS_LEAD)] {
            let written = written(site, key);
            let span = written.as_ref().map_or_else(|| site.span.clone(), |written| written.span.clone());
            let Some(person) = handle(written, found) else { continue };
            let role = RoleName::new(role).expect("the roles of sites are spelled as roles");
            let backup = backup.clone().filter(|_| key == "steward");
            holdings.push(Holding { role, site: Some(code.clone()), person, backup, span });
        }
    }
    holdings
}

fn of_program(estate: &Estate, found: &mut Diagnostics) -> Vec<Holding> {
    let mut seen: BTreeMap<RoleName, Span> = BTreeMap::new();
    let mut holdings = Vec::new();
    for (name, written) in &estate.roles {
        let role = match RoleName::new(name.as_str()) {
            Ok(role) => register::canonical(&role),
            Err(bad) => {
                found.push(Diagnostic::error(WRONG, bad.rule).at(written.span.clone(), "of no such role"));
                continue;
            }
        };
        if is_of_site(&role) {
            let key = if role.as_str() == SITE_STEWARD { "steward" } else { "ops_lead" };
            found.push(
                Diagnostic::error(WRONG, format!("`{role}` is a role of each site"))
                    .at(written.span.clone(), "not held for the program")
                    .help(format!("write `{key} = \"…\"` in the site's file")),
            );
            continue;
        }
        if let Some(first) = seen.get(&role) {
            found.push(
                Diagnostic::error(WRONG, format!("`{role}` is given twice, under two names"))
                    .at(written.span.clone(), "one holder")
                    .at(first.clone(), "the other")
                    .help(format!("keep `{role}`")),
            );
            continue;
        }
        seen.insert(role.clone(), written.span.clone());
        if let Some(person) = handle(Some(written.clone()), found) {
            holdings.push(Holding { role, site: None, person, backup: None, span: written.span.clone() });
        }
    }
    holdings
}

fn written(site: &Site, key: &str) -> Option<Located<String>> {
    let tree = site.parameters.get(key)?;
    Some(Located { value: tree.as_str()?.to_owned(), span: tree.span.clone() })
}

/// Nobody, if nothing is written: that the role is not filled is told by a rule.
fn handle(written: Option<Located<String>>, found: &mut Diagnostics) -> Option<PersonId> {
    let written = written.filter(|written| !written.value.is_empty())?;
    match PersonId::new(written.value) {
        Ok(id) => Some(id),
        Err(bad) => {
            found.push(Diagnostic::error(WRONG, bad.rule).at(written.span, "not a handle"));
            None
        }
    }
}

/// Gives the holders their backups.
pub(super) fn with_backups(holdings: &mut [Holding], backups: Vec<Backup>, found: &mut Diagnostics) {
    for backup in backups {
        let Backup { role, site, person, span } = backup;
        let held = holdings.iter_mut().find(|holding| holding.role == role && holding.site == site);
        let problem = match held {
            None => Some((format!("nobody holds `{role}`, so nobody can back them"), None)),
            Some(holding) if holding.person == person => {
                Some((format!("`{person}` is their own backup"), Some(holding.span.clone())))
            }
            Some(holding) if holding.backup.is_some() => {
                Some((format!("`{role}` has a backup already"), Some(holding.span.clone())))
            }
            Some(holding) => {
                holding.backup = Some(person);
                None
            }
        };
        if let Some((message, other)) = problem {
            let problem = Diagnostic::error(WRONG, message).at(span, "this backup");
            found.push(match other {
                Some(other) => problem.at(other, "the role is held here"),
                None => problem.help("give the role to somebody in [roles] first"),
            });
        }
    }
}

/// Programs hold the role for programs and no other; people do not hold it.
pub(super) fn check_automation(people: &People, found: &mut Diagnostics) {
    let is_program = |id: &PersonId| people.persons.get(id).is_some_and(|person| person.automation);
    let mut refuse = |id: &PersonId, role: &RoleName, span: &Span| {
        if is_program(id) && role.as_str() != AUTOMATION {
            found.push(
                Diagnostic::error(WRONG, format!("`{id}` is a program and cannot have the role `{role}`"))
                    .at(span.clone(), "programs never decide")
                    .help("name a person"),
            );
        }
    };
    for holding in &people.holdings {
        refuse(&holding.person, &holding.role, &holding.span);
        holding.backup.iter().for_each(|backup| refuse(backup, &holding.role, &holding.span));
    }
    people.delegations.iter().for_each(|one| refuse(&one.to, &one.role, &one.span));
    for holding in people.holdings.iter().filter(|holding| holding.role.as_str() == AUTOMATION) {
        if people.persons.get(&holding.person).is_some_and(|person| !person.automation) {
            found.push(
                Diagnostic::error(
                    WRONG,
                    format!(
                        "`{}` is not declared to be a program and has the role `{AUTOMATION}`",
                        holding.person
                    ),
                )
                .at(holding.span.clone(), "for programs only")
                .help(format!("add `automation = true` to [person.{}]", holding.person)),
            );
        }
    }
}
