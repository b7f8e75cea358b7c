//! The roles of a small estate, on a day with an absence and on one without.

use std::collections::BTreeSet;

use super::crosswalk::crosswalk;
use super::raci::raci;
use super::*;
use crate::base::id::{PackName, ScopeId};
use crate::model::checklist::{Attest, Contract, Item, Severity, Validator};
use crate::model::resource::Origin;
use crate::people::tests::people;

const CLINICS: &str = "
    holds executive-sponsor boss
    holds program-manager pm deputy-pm
    holds compliance compliance-lead
    holds privacy privacy-lead
    holds librarian keeper
    holds automation robot
    program robot
    holds site-steward@HRB01 steward-hrb01
    holds site-ops-lead@HRB01 ops-hrb01
    hands site-steward@HRB01 steward-hrb01 visitor 2027-03-01 2027-03-05";

fn sites() -> Vec<SiteCode> {
    ["HRB01", "MPL02"].map(|code| SiteCode::new(code).unwrap()).into()
}

fn told(site: Option<&str>, day: &str) -> Vec<String> {
    let site = site.map(|code| SiteCode::new(code).unwrap());
    let table = table(&people(CLINICS), &sites(), site.as_ref(), day.parse().unwrap());
    let line = |one: &HeldRole| {
        let name = |id: &Option<PersonId>| id.as_ref().map_or("-".to_owned(), ToString::to_string);
        let site = one.site.as_ref().map_or(String::new(), |site| format!("@{site}"));
        let stands: Vec<String> =
            one.stands_in.iter().map(|by| format!("{} until {}", by.person, by.until)).collect();
        format!("{}{site} {} {} {}", one.role, name(&one.person), name(&one.backup), stands.join(" "))
    };
    table.roles.iter().map(|one| line(one).trim().to_owned()).collect()
}

#[test]
fn the_six_of_the_rollout_come_first_with_their_stand_ins() {
    let lines = told(Some("HRB01"), "2027-03-04");
    assert_eq!(
        lines[..6],
        [
            "executive-sponsor boss -",
            "program-manager pm deputy-pm",
            "it-network - -",
            "platform - -",
            "compliance compliance-lead -",
            "site-ops-lead@HRB01 ops-hrb01 -",
        ]
    );
    assert!(lines.contains(&"privacy privacy-lead -".to_owned()), "{lines:?}");
    assert!(
        lines.contains(&"site-steward@HRB01 steward-hrb01 - visitor until 2027-03-05".to_owned()),
        "{lines:?}"
    );
    assert_eq!(lines.last().unwrap(), "librarian keeper -");
    let after = told(Some("HRB01"), "2027-03-06");
    assert!(after.contains(&"site-steward@HRB01 steward-hrb01 -".to_owned()), "{after:?}");
}

#[test]
fn without_a_site_every_sites_own_roles_are_there_and_gaps_are_named() {
    let table = table(&people(CLINICS), &sites(), None, "2027-03-06".parse().unwrap());
    let unfilled: Vec<String> = table
        .unfilled()
        .map(|one| {
            format!("{}{}", one.role, one.site.as_ref().map_or(String::new(), |site| format!("@{site}")))
        })
        .collect();
    assert_eq!(unfilled, ["it-network", "platform", "site-ops-lead@MPL02", "site-steward@MPL02"]);
}

#[test]
fn the_register_leads_from_every_title_to_a_person() {
    let crosswalk = crosswalk(&people(CLINICS));
    assert_eq!(crosswalk.roles.len(), 19);
    let compliance = crosswalk.roles.iter().find(|row| row.titles.contains(&"Privacy".to_owned())).unwrap();
    assert_eq!(compliance.people.len(), 2);
    let pipelines = crosswalk.use_case_owners.iter().find(|row| row.owns == "its pipelines").unwrap();
    assert_eq!((pipelines.role.as_str(), pipelines.people.len()), ("data-team", 0));
}

fn item(id: &str, owner: &str, responsible: &[&str], attested: &[&str]) -> Item {
    let role = |name: &str| RoleName::new(name).unwrap();
    let roles = |names: &[&str]| names.iter().map(|name| role(name)).collect::<BTreeSet<_>>();
    Item {
        id: id.parse().unwrap(),
        title: "It is so".to_owned(),
        severity: Severity::High,
        owner: role(owner),
        responsible: roles(responsible),
        escalate_to: role("executive-sponsor"),
        after: Vec::new(),
        due: None,
        plan_rows: Vec::new(),
        within_days: 5,
        valid_days: None,
        may_not_apply: false,
        contract: Contract::default(),
        act: None,
        validate: vec![Validator::Attest(Attest {
            statement: "It is so.".to_owned(),
            by: roles(attested),
            clinician: false,
        })],
        remedy: None,
        evidence: None,
        origin: Origin { pack: PackName::new("readiness").unwrap(), template: "x".to_owned(), line: 1 },
    }
}

#[test]
fn every_item_has_one_who_answers_and_somebody_who_does_it_or_a_gap() {
    let items = [
        item("a", "compliance", &[], &["site-steward"]),
        item("b", "site-ops-lead", &["program-manager", "automation"], &[]),
        item("c", "platform", &[], &[]),
        item("d", "automation", &["data-team"], &[]),
    ];
    let raci = raci(&people(CLINICS), &"site/HRB01".parse::<ScopeId>().unwrap(), &items);
    let line = |row: &raci::RaciRow| {
        let names = |parts: &[raci::Part]| {
            parts.iter().map(|part| part.person.to_string()).collect::<Vec<_>>().join("+")
        };
        let accountable = row.accountable.as_ref().map_or("-".to_owned(), |part| part.person.to_string());
        format!(
            "{accountable} {} {} {} {:?}",
            names(&row.responsible),
            names(&row.consulted),
            names(&row.informed),
            row.gaps
        )
    };
    assert_eq!(
        raci.items.iter().map(line).collect::<Vec<_>>(),
        [
            "compliance-lead compliance-lead steward-hrb01 boss []",
            "ops-hrb01 robot+pm  boss []",
            "-   boss [\"nobody answers for it: `platform` is not filled\", \"nobody does it\"]",
            "-   boss [\"`robot` is a program and cannot answer for it\", \"`data-team` is to do it and is not filled\", \"nobody does it\"]",
        ]
    );
    assert_eq!(raci.gaps().count(), 2);
}
