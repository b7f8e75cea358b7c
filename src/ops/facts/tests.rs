//! What each scope is told, and what it is not.

use std::collections::BTreeMap;

use jiff::civil::date;
use serde_json::{Value, json};

use crate::base::id::ScopeId;
use crate::model::estate::Loaded;
use crate::model::resolved::{Resolved, ResolvedScope};

/// An estate of two sites with these registers.
fn estate(registers: &[(&str, &str)]) -> Loaded {
    let estate = r#"
format = 1
[estate]
name = "N"
code = "n"
lineage = "7d0f6f52-5f0e-4b53-9a35-0c8c2f4b6a11"
day_one = 2027-01-11
[roles]
program-manager = "pm"
[[program.success]]
metric = "sites live"
target = 3
unit = "sites"
by = 2027-04-10
owner = "executive-sponsor"
[[wave]]
name = "w"
kind = "scale"
sites = ["HRB01", "MPL02"]
"#;
    let site = |code: &str| format!("code = \"{code}\"\nname = \"x\"\nregion = \"r\"\nehr = \"e\"\n");
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::from([
        ("sites/estate.toml".to_owned(), estate.into()),
        ("sites/HRB01.toml".to_owned(), site("HRB01").into()),
        ("sites/MPL02.toml".to_owned(), site("MPL02").into()),
    ]);
    for (name, text) in registers {
        files.insert(format!("sites/registers/{name}.toml"), text.as_bytes().to_vec());
    }
    let (loaded, found) = crate::source::load_files(files);
    let told: Vec<_> = found.iter().map(|one| &one.message).collect();
    assert_eq!(told, [""; 0]);
    loaded
}

fn of(loaded: &Loaded, scope: &str) -> Value {
    let id: ScopeId = scope.parse().unwrap();
    let mut resolved = Resolved::default();
    resolved.scopes.insert(
        id.clone(),
        ResolvedScope {
            scope: id.clone(),
            context: json!({ "site": { "code": "HRB01", "steward": "steward-hrb01" } }),
            provenance: BTreeMap::new(),
            absent: std::collections::BTreeSet::new(),
        },
    );
    crate::facts::of_scope(loaded, &resolved, &id, Some(date(2027, 1, 11)))
}

const AGREEMENTS: &str = r#"
[[agreement]]
id = "baa-cloud"
kind = "baa"
party = "cloud"
signed = 2026-01-01
expires = 2027-01-10
owner = "compliance"
status = "executed"
[[agreement]]
id = "dua-mpl"
kind = "dua"
party = "vendor"
sites = ["MPL02"]
permitted_uses = ["treatment"]
owner = "compliance"
status = "draft"
[[agreement]]
id = "dpia"
kind = "dpia"
party = "n"
covers = ["hrb01.ehr", "mpl02.implants", "nobody.knows"]
owner = "privacy"
status = "executed"
[[agreement]]
id = "scope"
kind = "hipaa-scope"
party = "n"
areas = ["ehr", "claims"]
version = "2"
owner = "compliance"
status = "executed"
"#;

const SYSTEMS: &str = r#"
[[system]]
site = "HRB01"
category = "lis"
not_applicable = "the laboratory is a hospital's"
owner = "it-network"
[[system]]
site = "HRB01"
category = "ehr"
name = "epic"
owner = "it-network"
phi = true
[[system]]
site = "MPL02"
category = "third-party"
name = "implants"
owner = "it-network"
"#;

const DATASETS: &str = r#"
[[dataset]]
id = "hrb01.ehr"
site = "HRB01"
area = "ehr"
phi = true
from = ["hrb01.raw"]
[[dataset]]
id = "mpl02.implants"
site = "MPL02"
area = "ancillary"
system = "implants"
phi = true
agreement = "dua-mpl"
"#;

#[test]
fn a_site_sees_its_own_rows_and_those_for_all_and_nothing_of_another_site() {
    let loaded = estate(&[("agreements", AGREEMENTS), ("systems", SYSTEMS), ("datasets", DATASETS)]);
    let facts = of(&loaded, "site/HRB01");
    let at = |pointer: &str| facts.pointer(pointer).cloned().unwrap_or(json!("nothing there"));
    assert_eq!(at("/registers/systems/categories/lis/not_applicable"), "the laboratory is a hospital's");
    assert_eq!(at("/registers/systems/categories/ehr/0/name"), "epic");
    assert_eq!(at("/registers/systems/categories/sftp"), json!([]));
    assert_eq!(at("/registers/agreements/dpia/0/covers"), json!(["hrb01.ehr", "nobody.knows"]));
    assert_eq!(at("/registers/agreements/dua"), json!([]));
    assert_eq!(at("/registers/datasets/all/0/hipaa_scope"), "2");
    assert_eq!(at("/registers/datasets/undeclared"), json!(["hrb01.raw"]));
    assert_eq!(at("/program/waves/0/sites"), json!(["HRB01"]));
    assert_eq!(at("/program/success_criteria/0/target"), 3.0);
    assert_eq!(at("/people/site-steward"), "steward-hrb01");
    assert_eq!(at("/people/program-manager"), "pm");
    let text = facts.to_string().to_lowercase();
    assert!(!text.contains("mpl02") && !text.contains("implants"), "{text}");
}

#[test]
fn agreements_say_whether_they_are_in_force_on_the_day() {
    let loaded = estate(&[("agreements", AGREEMENTS)]);
    let facts = of(&loaded, "site/MPL02");
    let baa = &facts["registers"]["agreements"]["baa"][0];
    assert_eq!((&baa["valid"], &baa["fault"]), (&json!(false), &json!("expired on 2027-01-10")));
    assert_eq!(facts["registers"]["agreements"]["dua"][0]["fault"], "is a draft");
    assert_eq!(facts["today"], "2027-01-11");
}

#[test]
fn data_of_others_has_the_purposes_that_its_agreement_permits() {
    let loaded = estate(&[("agreements", AGREEMENTS), ("systems", SYSTEMS), ("datasets", DATASETS)]);
    let facts = of(&loaded, "site/MPL02");
    let row = &facts["registers"]["datasets"]["third_party"][0];
    assert_eq!((&row["id"], &row["purposes"]), (&json!("mpl02.implants"), &json!(["treatment"])));
    assert_eq!(row["hipaa_scope"], Value::Null, "the scope says nothing about ancillary data");
}

#[test]
fn the_account_sees_only_what_holds_for_all() {
    let loaded = estate(&[("agreements", AGREEMENTS), ("systems", SYSTEMS), ("datasets", DATASETS)]);
    let facts = of(&loaded, "account");
    assert_eq!(facts["registers"]["datasets"]["all"], json!([]));
    assert_eq!(facts["registers"]["agreements"]["dua"], json!([]));
    assert_eq!(facts["registers"]["agreements"]["dpia"][0]["covers"], json!(["nobody.knows"]));
}
