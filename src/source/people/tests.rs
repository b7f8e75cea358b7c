//! Files of people in, problems or people out.

use crate::base::diagnostic::Diagnostics;
use crate::base::limits::PEOPLE_MAX;
use crate::model::estate::Loaded;
use crate::people::key::tests::line;
use crate::source::{Files, load_files};

const ESTATE: &str = r#"
format = 1
[estate]
name = "Clinics"
code = "cli"
lineage = "0b41d4c2-35a7-4a0e-9f0a-6f0a7f0e4c11"
day_one = 2027-01-11
[region.us-east-1]
[ehr.EPIC-A]
[roles]
sponsor = "boss"
compliance = "lead"
automation = "robot"
"#;

const SITE: &str = r#"
code = "HRB01"
name = "Harborview"
region = "us-east-1"
ehr = "EPIC-A"
steward = "steward-one"
steward_backup = "steward-two"
ops_lead = "ops-one"
"#;

const PEOPLE: &str = r#"
[person.boss]
[person.lead]
name = "Compliance lead"
[person.deputy]
[person.robot]
automation = true
[person.nurse]
clinician = true
"#;

fn load(people: &str) -> (Loaded, Diagnostics) {
    let files = [("sites/estate.toml", ESTATE), ("sites/HRB01.toml", SITE), ("sites/people.toml", people)];
    let files: Files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).into();
    load_files(files)
}

/// The problems of the file with these lines after the people, one per line.
fn told(more: &str) -> String {
    let (loaded, found) = load(&format!("{PEOPLE}{more}"));
    let told = found.iter().map(|problem| {
        let place = problem.labels.first().map(|label| loaded.sources.place(&label.span)).unwrap_or_default();
        format!("{place} {}", problem.message)
    });
    told.collect::<Vec<_>>().join("\n")
}

#[test]
fn people_roles_and_absences_come_together() {
    let more = format!(
        "{PEOPLE}
        keys = [{{ ssh = \"{} me@machine\", from = 2026-12-01, revoked = 2027-05-01 }}]
        [[backup]]
        role = \"compliance\"
        person = \"deputy\"
        [[backup]]
        role = \"site-ops-lead\"
        site = \"HRB01\"
        person = \"nurse\"
        [[delegation]]
        role = \"sponsor\"
        from = \"boss\"
        to = \"deputy\"
        begin = 2027-03-01
        end = 2027-05-29
        reason = \"leave\"
        [[conflict]]
        roles = [\"compliance\", \"data-team\"]
        reason = \"nobody checks their own work\"",
        line(1)
    );
    let (loaded, found) = load(&more);
    assert_eq!(found.iter().map(|one| one.message.clone()).collect::<Vec<_>>(), Vec::<String>::new());
    let people = &loaded.estate.people;
    let held: Vec<String> = people
        .holdings
        .iter()
        .map(|one| {
            let site = one.site.as_ref().map_or("-", |code| code.as_str());
            format!(
                "{} {site} {} {}",
                one.role,
                one.person,
                one.backup.as_ref().map_or("-", |id| id.as_str())
            )
        })
        .collect();
    assert_eq!(
        held,
        [
            "automation - robot -",
            "compliance - lead deputy",
            "executive-sponsor - boss -",
            "site-steward HRB01 steward-one steward-two",
            "site-ops-lead HRB01 ops-one nurse",
        ]
    );
    assert_eq!(people.delegations[0].role.as_str(), "executive-sponsor");
    let nurse = &people.persons[&"nurse".parse().unwrap()];
    assert_eq!((nurse.clinician, nurse.keys[0].line.as_str()), (true, line(1).as_str()));
    assert_eq!(people.conflicts.len(), 1);
    assert_eq!(loaded.inputs.keys().collect::<Vec<_>>(), ["sites/HRB01.toml", "sites/estate.toml"]);
    assert_eq!(loaded.sites.len(), 1, "the file of people is no site");
}

#[test]
fn without_the_file_the_roles_stand_and_nobody_has_a_key() {
    let mut files: Files = [("sites/estate.toml".to_owned(), ESTATE.as_bytes().to_vec())].into();
    files.insert("sites/HRB01.toml".to_owned(), SITE.as_bytes().to_vec());
    let people = load_files(files).0.estate.people;
    assert_eq!((people.holdings.len(), people.persons.len()), (5, 0));
}

#[test]
fn what_is_not_there_is_named_with_the_nearest_that_is() {
    let delegation = |role: &str, site: &str, to: &str| {
        told(&format!(
            "[[delegation]]\nrole = \"{role}\"\n{site}from = \"lead\"\nto = \"{to}\"\nbegin = 2027-03-01\nend = 2027-03-05\nreason = \"x\""
        ))
    };
    assert_eq!(delegation("compliance", "", "deputy"), "");
    assert!(delegation("complience", "", "deputy").contains("people.toml:11 there is no role `complience`"));
    assert!(delegation("compliance", "", "deputi").contains("there is no person `deputi`"));
    assert!(delegation("compliance", "site = \"HRB02\"\n", "deputy").contains("there is no site `HRB02`"));
    assert!(delegation("compliance", "", "robot").contains("`robot` is a program"));
    assert!(delegation("compliance", "", "lead").contains("handed on to the one who has it"));
    assert!(told("[[backup]]\nrole = \"platform\"\nperson = \"deputy\"").contains("nobody holds `platform`"));
    assert!(told("[[backup]]\nrole = \"compliance\"\nperson = \"lead\"").contains("their own backup"));
    assert!(told("[[backup]]\nrole = \"site-steward\"\nperson = \"deputy\"").contains("a role of each site"));
    assert!(told("[[conflict]]\nroles = [\"compliance\"]\nreason = \"x\"").contains("two roles or more"));
    assert!(told("[[delegations]]").contains("has no key `delegations`"));
}

#[test]
fn a_delegation_has_days_in_order_and_not_too_many() {
    let days = |begin: &str, end: &str| {
        told(&format!(
            "[[delegation]]\nrole = \"compliance\"\nfrom = \"lead\"\nto = \"deputy\"\nbegin = {begin}\nend = {end}\nreason = \"x\""
        ))
    };
    assert_eq!(days("2027-03-01", "2027-03-01"), "");
    assert_eq!(days("2027-03-01", "2027-05-29"), "", "ninety days, both counted");
    assert!(days("2027-03-01", "2027-05-30").contains("at most 90 days"));
    assert!(days("2027-03-02", "2027-03-01").contains("ends before it begins"));
    assert!(days("0001-01-01", "9999-12-31").contains("at most 90 days"));
}

#[test]
fn keys_belong_to_one_person_each_and_never_to_a_program() {
    let key = |who: &str, byte: u8| {
        format!("[person.{who}]\nkeys = [{{ ssh = \"{}\", from = 2027-01-01 }}]\n", line(byte))
    };
    assert_eq!(told(&key("one", 1)), "");
    assert!(
        told(&format!("{}{}", key("one", 1), key("two", 1))).contains("`one` and `two` have the same key")
    );
    assert!(told(&format!("{}automation = true", key("one", 1))).contains("is a program and has keys"));
    assert!(
        told(&key("one", 1).replace("from = ", "until = 2026-12-31, from = "))
            .contains("ends before it begins")
    );
    let rsa = told("[person.one]\nkeys = [{ ssh = \"ssh-rsa AAAA\", from = 2027-01-01 }]");
    assert!(rsa.contains("keys of the sort ssh-rsa are not taken"), "{rsa}");
    let options = key("one", 1).replace("ssh-ed25519 ", "no-pty ssh-ed25519 ");
    assert!(told(&options).contains("not the line of an OpenSSH public key file"));
}

#[test]
fn what_is_not_seen_is_not_taken_and_never_repeated() {
    let hostile = [
        "[person.one]\nname = \"a\\u001b[31mb\"",
        "[person.one]\nname = \"a\\u202eb\"",
        "[person.\"a\\u202eb\"]",
        "[person.\"\"]",
        "[[backup]]\nrole = \"comp\\u202eliance\"\nperson = \"deputy\"",
        "[[backup]]\nrole = \"compliance\"\nperson = \"dep\\u001b[2Juty\"",
        "[person.one]\nkeys = [{ ssh = \"ssh-ed25519 AAAA\\u0000\", from = 2027-01-01 }]",
        "[person.one]\n\"na\\u202eme\" = 1",
        "person = 1",
        "[person]\none = 1",
        "[person.one]\nkeys = 1",
    ];
    for text in hostile {
        let told = told(text);
        assert!(!told.is_empty(), "{text}");
        assert!(!told.contains(['\u{1b}', '\u{202e}', '\u{0}']), "{told:?}");
    }
    let many: String = (0..=PEOPLE_MAX).map(|at| format!("[person.p{at}]\n")).collect();
    assert!(told(&many).contains(&format!("more than {PEOPLE_MAX} people")));
    let (_, found) = load(&"#".repeat((1 << 20) + 1));
    assert!(found.iter().any(|problem| problem.code == "file.too-large"));
}
