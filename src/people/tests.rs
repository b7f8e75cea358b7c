//! A few people, their roles and their absences, as text.

use super::*;
use crate::base::id::PersonId;
use crate::base::span::{SourceMap, Span};
use crate::model::people::{Conflict, Person};

/// People from lines: `holds ROLE[@SITE] PERSON [BACKUP]`, `hands ROLE[@SITE] FROM TO BEGIN END`, `conflict ROLE ROLE`,
/// `program PERSON`.
pub(crate) fn people(text: &str) -> People {
    let span = Span { source: SourceMap::default().add("sites/people.toml", ""), range: 0..0 };
    let person = |word: &str| PersonId::new(word).unwrap();
    let seat = |word: &str| {
        let (role, site) = word.split_once('@').map_or((word, None), |(role, site)| (role, Some(site)));
        (RoleName::new(role).unwrap(), site.map(|site| SiteCode::new(site).unwrap()))
    };
    let mut people = People::default();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["holds", what, holder] => {
                let (role, site) = seat(what);
                let span = span.clone();
                people.holdings.push(Holding { role, site, person: person(holder), backup: None, span });
            }
            ["holds", what, holder, backup] => {
                let ((role, site), backup) = (seat(what), Some(person(backup)));
                people.holdings.push(Holding {
                    role,
                    site,
                    person: person(holder),
                    backup,
                    span: span.clone(),
                });
            }
            ["hands", what, from, to, begin, end] => {
                let ((role, site), reason, span) = (seat(what), "leave".to_owned(), span.clone());
                let (begin, end) = (begin.parse().unwrap(), end.parse().unwrap());
                let (from, to) = (person(from), person(to));
                people.delegations.push(Delegation { role, site, from, to, begin, end, reason, span });
            }
            ["conflict", one, other] => {
                let roles = [one, other].map(|role| RoleName::new(role).unwrap()).into();
                people.conflicts.push(Conflict {
                    roles,
                    reason: "kept apart".to_owned(),
                    span: span.clone(),
                });
            }
            ["program", id] => {
                let (id, span) = (person(id), span.clone());
                let known = Person {
                    id: id.clone(),
                    name: None,
                    automation: true,
                    clinician: false,
                    keys: Vec::new(),
                    span,
                };
                people.persons.insert(id, known);
            }
            _ => panic!("{line}"),
        }
    }
    people
}

const CLINICS: &str = "
    holds compliance compliance-lead privacy-lead
    holds site-steward@HRB01 steward-hrb01 backup-hrb01
    holds site-steward@MPL02 steward-mpl02
    holds automation robot
    program robot
    hands site-steward@HRB01 steward-hrb01 visitor 2027-03-01 2027-03-05
    hands compliance compliance-lead deputy 2027-03-01 2027-03-05
    hands compliance deputy friend 2027-03-01 2027-03-05
    hands compliance privacy-lead friend 2027-03-01 2027-03-05
    hands site-steward steward-mpl02 visitor 2027-03-08 2027-03-09";

fn acting(text: &str, role: &str, site: &str, day: &str) -> String {
    let site = (!site.is_empty()).then(|| SiteCode::new(site).unwrap());
    let seat = Seat { role: RoleName::new(role).unwrap(), site };
    let acting = may_act(&people(text), &seat, day.parse().unwrap());
    let told = acting.into_iter().map(|(person, how)| match how {
        How::Holder => person.to_string(),
        How::Backup { of } => format!("{person} backs {of}"),
        How::Delegate { of } => format!("{person} for {of}"),
    });
    told.collect::<Vec<_>>().join(", ")
}

#[test]
fn a_delegation_holds_on_both_its_days_and_not_outside() {
    let on = |day: &str| acting(CLINICS, "site-steward", "HRB01", day);
    let without = "steward-hrb01, backup-hrb01 backs steward-hrb01";
    let with = format!("{without}, visitor for steward-hrb01");
    assert_eq!(on("2027-02-28"), without);
    assert_eq!(on("2027-03-01"), with);
    assert_eq!(on("2027-03-05"), with);
    assert_eq!(on("2027-03-06"), without);
}

#[test]
fn a_delegation_keeps_the_scope() {
    assert_eq!(acting(CLINICS, "site-steward", "MPL02", "2027-03-04"), "steward-mpl02");
    assert_eq!(
        acting(CLINICS, "site-steward", "MPL02", "2027-03-08"),
        "steward-mpl02, visitor for steward-mpl02"
    );
    assert_eq!(acting(CLINICS, "site-steward", "", "2027-03-04"), "");
    let narrow = "holds compliance lead\nhands compliance@HRB01 lead deputy 2027-03-01 2027-03-05";
    assert_eq!(acting(narrow, "compliance", "HRB01", "2027-03-02"), "lead, deputy for lead");
    assert_eq!(acting(narrow, "compliance", "MPL02", "2027-03-02"), "lead");
    assert_eq!(acting(narrow, "compliance", "", "2027-03-02"), "lead");
}

#[test]
fn neither_a_delegate_nor_a_backup_hands_a_role_on() {
    let found = acting(CLINICS, "compliance", "HRB01", "2027-03-02");
    assert_eq!(found, "compliance-lead, privacy-lead backs compliance-lead, deputy for compliance-lead");
}

#[test]
fn a_role_of_a_site_is_nothing_at_another_and_programs_never_act() {
    assert_eq!(acting(CLINICS, "site-steward", "CDR03", "2027-03-02"), "");
    assert_eq!(acting("holds site-steward steward", "site-steward", "HRB01", "2027-03-02"), "");
    assert_eq!(acting(CLINICS, "automation", "", "2027-03-02"), "");
    let handed = format!("{CLINICS}\nhands compliance compliance-lead robot 2027-03-01 2027-03-05");
    assert!(!acting(&handed, "compliance", "", "2027-03-02").contains("robot"));
}

#[test]
fn whoever_stands_in_stands_for_the_holder() {
    let people = people(CLINICS);
    let stands = |who: &str, day: &str| {
        let found = stands_for(&people, &PersonId::new(who).unwrap(), day.parse().unwrap());
        found.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(stands("deputy", "2027-03-05"), "compliance-lead");
    assert_eq!(stands("deputy", "2027-03-06"), "");
    assert_eq!(stands("friend", "2027-03-02"), "", "what cannot be handed on was not");
    assert_eq!(stands("privacy-lead", "2027-06-01"), "compliance-lead");
    assert_eq!(stands("visitor", "2027-03-08"), "steward-mpl02");
}

#[test]
fn roles_that_exclude_each_other_clash_at_the_same_site_only() {
    let told = |text: &str| {
        let clashes = conflicting(&people(&format!(
            "conflict data-team compliance\nconflict site-steward site-ops-lead\n{text}"
        )));
        let told = clashes.iter().map(|one| {
            let roles: Vec<&str> = one.roles.keys().map(RoleName::as_str).collect();
            format!(
                "{} {} {}",
                one.person,
                one.site.as_ref().map_or("everywhere", SiteCode::as_str),
                roles.join("+")
            )
        });
        told.collect::<Vec<_>>()
    };
    assert_eq!(told("holds data-team lead\nholds compliance lead"), ["lead everywhere compliance+data-team"]);
    assert_eq!(
        told("holds data-team lead\nholds compliance boss lead"),
        ["lead everywhere compliance+data-team"]
    );
    assert_eq!(
        told("holds site-steward@HRB01 one\nholds site-ops-lead@HRB01 one"),
        ["one HRB01 site-ops-lead+site-steward"]
    );
    assert_eq!(told("holds site-steward@HRB01 one\nholds site-ops-lead@MPL02 one"), Vec::<String>::new());
    assert_eq!(
        told("holds compliance lead\nholds data-team@HRB01 lead"),
        ["lead HRB01 compliance+data-team"]
    );
    let handed =
        "holds data-team lead\nholds compliance boss\nhands compliance boss lead 2027-03-01 2027-03-02";
    assert_eq!(told(handed), ["lead everywhere compliance+data-team"]);
}
