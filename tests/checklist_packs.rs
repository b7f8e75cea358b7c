//! The checklists and gates that this repository carries: every item has a world in which it passes and ones in which it
//! fails, every test of every item can fail, and the plan of the first ninety days is there once.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use jiff::civil::date;
use landfall::base::diagnostic::Severity;
use landfall::base::id::ScopeId;
use landfall::model::checklist::{Assertion, Item, Validator};
use landfall::policy::RULES;
use landfall::report::plan_ninety::BULLETS;
use landfall::source::load_files;
use landfall::{facts, resolve};
use serde_json::{Value, json};

#[path = "checklists/world.rs"]
mod world;

use world::{Example, Fail, Fixture, LEAVES, changed, files, fixtures};

/// Rendered once: it takes a second or two.
static EXAMPLE: LazyLock<Example> = LazyLock::new(Example::load);

/// Every fixture with its item.
fn each(mut look: impl FnMut(&str, &Item, &Fixture)) {
    for (pack, of_pack) in &fixtures() {
        for (key, fixture) in of_pack {
            let id = key.split('@').next().unwrap();
            look(&format!("{pack}/{key}"), EXAMPLE.item(&fixture.at, id), fixture);
        }
    }
}

#[test]
fn every_item_has_a_fixture_and_every_fixture_an_item() {
    let example = &*EXAMPLE;
    let items: BTreeSet<(String, String)> = example.items().into_keys().collect();
    let named = |key: &String| key.split('@').next().unwrap().to_owned();
    let covered: BTreeSet<(String, String)> = fixtures()
        .iter()
        .flat_map(|(pack, of)| of.keys().map(move |key| (pack.clone(), named(key))))
        .collect();
    assert_eq!(items.difference(&covered).collect::<Vec<_>>(), Vec::<&(String, String)>::new(), "no fixture");
    assert_eq!(covered.difference(&items).collect::<Vec<_>>(), Vec::<&(String, String)>::new(), "no item");
    assert!(items.len() > 100, "{}", items.len());
}

#[test]
fn every_item_passes_in_its_world() {
    each(|name, item, fixture| {
        let verdict = fixture.verdict(item, &Fail::default());
        let waits: BTreeSet<String> = verdict.waits_on.iter().map(ToString::to_string).collect();
        assert!(verdict.passed, "{name}: {:?}", verdict.missing);
        assert_eq!(waits, fixture.attested, "{name} waits for others than its fixture says");
    });
}

#[test]
fn every_item_fails_as_its_fixture_says() {
    each(|name, item, fixture| {
        assert!(!fixture.fail.is_empty(), "{name} has no failing fixture");
        for fail in &fixture.fail {
            let verdict = fixture.verdict(item, fail);
            assert_eq!(verdict.passed, fail.missing.is_empty(), "{name}: {:?}", verdict.missing);
            for words in &fail.missing {
                let told = verdict.missing.iter().any(|sentence| sentence.contains(words));
                assert!(told, "{name}: nothing says {words:?}: {:?}", verdict.missing);
            }
            let attested = fail.attested.as_ref().unwrap_or(&fixture.attested);
            let waits =
                verdict.waits_on.iter().map(ToString::to_string).filter(|role| !attested.contains(role));
            assert_eq!(waits.collect::<BTreeSet<_>>(), fail.waits_on, "{name}");
            assert!(!fail.missing.is_empty() || !fail.waits_on.is_empty(), "{name} fails at nothing");
        }
    });
}

/// An expectation that holds of an empty form tests nothing.
#[test]
fn every_expectation_of_every_item_fails_where_nothing_is_filled_in() {
    let mut tried = 0;
    each(|name, item, fixture| {
        for validator in &item.validate {
            let (root, expect) = match validator {
                Validator::Facts { expect } => ("facts".to_owned(), expect),
                Validator::Record(asked) => (format!("records\n{}", asked.kind), &asked.expect),
                _ => continue,
            };
            for assertion in expect {
                let Assertion { at, present, missing, .. } = assertion;
                let filled = (*present == Some(false)).then(|| json!(["something"]));
                let verdict = fixture.emptied(item, &root, at, filled.as_ref());
                let verdict = verdict.unwrap_or_else(|| panic!("{name}: the fixture has nothing at {at}"));
                let words = missing.as_ref().unwrap_or_else(|| panic!("{name}: no words for {at}"));
                let told = verdict.missing.iter().any(|sentence| sentence.contains(words.as_str()));
                let of_list = at.ends_with("/*");
                assert!(told || of_list && !verdict.passed, "{name}: without {at}: {:?}", verdict.missing);
                tried += 1;
            }
        }
    });
    assert!(tried > 250, "{tried}");
}

#[test]
fn items_look_where_the_facts_of_the_example_are() {
    let example = &*EXAMPLE;
    for (scope, rendered) in &example.rendered {
        let today = Some(date(2027, 1, 11));
        let facts = facts::of_scope(&example.loaded, &example.resolved, scope, today);
        for item in &rendered.items {
            for validator in &item.validate {
                let Validator::Facts { expect } = validator else { continue };
                for assertion in expect {
                    // What is in a list depends on the estate; that there is such a list does not.
                    let fixed = assertion.at.split('/').skip(1).take_while(|part| !is_place(part));
                    let fixed: String = fixed.map(|part| format!("/{part}")).collect();
                    assert!(facts.pointer(&fixed).is_some(), "{scope} {}: no {fixed}", item.id);
                }
            }
        }
    }
}

/// What the example's registers know is not asked of anybody.
#[test]
fn the_registers_of_the_example_answer_for_the_pilot() {
    let today = Some(date(2027, 1, 11));
    for (scope, id) in [
        ("account", "readiness.charter"),
        ("account", "readiness.roles"),
        ("account", "readiness.pilot-named"),
        ("account", "governance.guardrails"),
        ("account", "governance.risk-analysis"),
        ("account", "governance.baa"),
        ("HRB01", "readiness.inventory"),
        ("HRB01", "readiness.pilot-selection"),
        ("HRB01", "readiness.use-cases-owned"),
        ("HRB01", "governance.dpia"),
        ("HRB01", "governance.hipaa-scope"),
        ("HRB01", "governance.phi-inventory"),
        ("WLW05", "governance.third-party-data"),
    ] {
        let item = EXAMPLE.item(scope, id);
        let name = if scope == "account" { scope.to_owned() } else { format!("site/{scope}") };
        let facts = facts::of_scope(&EXAMPLE.loaded, &EXAMPLE.resolved, &name.parse().unwrap(), today);
        let expect = item.validate.iter().filter_map(|one| match one {
            Validator::Facts { expect } => Some(expect),
            _ => None,
        });
        let missing: Vec<String> =
            expect.flatten().flat_map(|one| landfall::validate::assertion::missing(&facts, one)).collect();
        assert_eq!(missing, Vec::<String>::new(), "{scope} {id}");
    }
}

fn is_place(part: &str) -> bool {
    part == "*" || part.bytes().all(|byte| byte.is_ascii_digit())
}

#[test]
fn every_rule_that_an_item_names_is_there() {
    let known: BTreeSet<&str> = RULES.iter().map(|rule| rule.id).collect();
    let example = &*EXAMPLE;
    let named = example.items().into_values().flat_map(|item| &item.validate).filter_map(|one| match one {
        Validator::Rule { rule } => Some(rule.as_str()),
        _ => None,
    });
    let named: BTreeSet<&str> = named.collect();
    assert!(named.len() > 10, "{named:?}");
    assert_eq!(named.difference(&known).collect::<Vec<_>>(), Vec::<&&str>::new());
}

#[test]
fn every_row_of_the_first_ninety_days_is_there_once_with_owner_and_window() {
    let example = &*EXAMPLE;
    let mut rows: BTreeMap<&str, Vec<&Item>> = BTreeMap::new();
    for item in example.items().into_values() {
        item.plan_rows.iter().for_each(|row| rows.entry(row).or_default().push(item));
    }
    let wanted: Vec<&str> = BULLETS.iter().map(|bullet| bullet.row).collect();
    assert_eq!(rows.keys().copied().collect::<Vec<_>>(), wanted);
    for bullet in &BULLETS {
        let [item] = rows[bullet.row][..] else { panic!("{} is there more than once", bullet.row) };
        assert_eq!(item.due, Some(bullet.window()), "{} {}", bullet.row, item.id);
    }
}

#[test]
fn the_gates_of_the_program_are_there_with_their_signers() {
    let example = &*EXAMPLE;
    let mut signers: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for gate in example.rendered.values().flat_map(|scope| &scope.gates) {
        let roles = gate.quorum.roles.iter().map(|role| role.as_str()).collect();
        signers.insert(gate.id.as_str(), roles);
        assert!(!gate.items.is_empty(), "{} rests on nothing", gate.id);
    }
    let told: Vec<String> = signers
        .iter()
        .map(|(gate, roles)| format!("{gate}: {}", roles.iter().copied().collect::<Vec<_>>().join(", ")))
        .collect();
    assert_eq!(
        told,
        [
            "g-01: executive-sponsor, program-manager",
            "g-02: compliance, it-network",
            "g-02-site: compliance, it-network",
            "g-03: compliance",
            "g-03-site: compliance",
            "g-04: it-network, platform",
            "g-04-proven: platform",
            "g-05: program-manager, security, site-ops-lead",
            "g-06: compliance, platform",
            "g-07: program-manager",
            "g-08: compliance, it-network",
            "g-09: compliance, it-network, site-ops-lead",
            "g-10: change-control",
            "g-15: compliance, program-manager",
            "g-16: compliance, platform",
            "g-ehr: it-network, site-steward",
        ]
    );
}

#[test]
fn every_item_of_the_account_and_of_a_site_stands_behind_a_gate() {
    let example = &*EXAMPLE;
    let is_about = |pattern: &str, id: &str| match pattern.strip_suffix('*') {
        Some(start) => id.starts_with(start),
        None => pattern == id,
    };
    // The rows of the plan that no gate waits for: they are reported, and bar nothing.
    let beside =
        |item: &Item| item.origin.pack.as_str() == "plan-90" && !item.id.as_str().starts_with("drills.");
    for (scope, rendered) in &example.rendered {
        for item in rendered.items.iter().filter(|item| !beside(item)) {
            let behind = rendered.gates.iter().flat_map(|gate| &gate.items);
            let count = behind.filter(|pattern| is_about(pattern, item.id.as_str())).count();
            assert!(count > 0, "{scope}: no gate asks for {}", item.id);
        }
    }
}

#[test]
fn the_pilot_has_more_to_show_and_only_who_leaves_is_asked_about_leaving() {
    let example = &*EXAMPLE;
    let of_pack = |pack: &str| -> Vec<String> {
        let has = |(_, rendered): &(&ScopeId, &landfall::model::rendered::Rendered)| {
            rendered.items.iter().any(|item| item.origin.pack.as_str() == pack)
        };
        example.rendered.iter().filter(has).map(|(scope, _)| scope.to_string()).collect()
    };
    assert_eq!(of_pack("pilot"), ["site/HRB01"]);
    assert_eq!(of_pack("offboard"), [format!("site/{LEAVES}")]);
    assert_eq!(of_pack("go-live").len(), 11);
}

#[test]
fn vendors_are_asked_for_what_is_theirs_and_others_are_refused() {
    let example = &*EXAMPLE;
    let text = |site: &str| -> String {
        let files = &example.rendered[&format!("site/{site}").parse::<ScopeId>().unwrap()].files;
        format!("{}{}", files["ehr-interface/files/interface.md"], files["ehr-interface/items.toml"])
    };
    let (epic, cerner) = (text("HRB01"), text("CDR03"));
    assert!(epic.contains("smart-backend-jwt") && !epic.contains("smart-system-account"));
    assert!(cerner.contains("smart-system-account") && !cerner.contains("smart-backend-jwt"));
    assert!(cerner.contains("hl7v2-oru") && !cerner.contains("ehr.bulk-export"));

    let files = changed(files(), "sites/estate.toml", "vendor = \"cerner\"", "vendor = \"athena\"");
    let (loaded, _) = load_files(files);
    let (_, found) = resolve::all(&loaded);
    let told: BTreeSet<&str> = found
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .map(|problem| problem.message.as_str())
        .collect();
    assert_eq!(
        told.into_iter().collect::<Vec<_>>(),
        ["`ehr.vendor` must be one of `epic`, `cerner`, not `athena`"]
    );
}

/// What people sign is written out, so that a change of it asks for the signatures again.
#[test]
fn new_data_and_another_baseline_open_what_was_signed() {
    let statement = |from: &str, to: &str, id: &str| -> (Value, Value) {
        let of = |files| {
            let (loaded, _) = load_files(files);
            let (resolved, _) = resolve::all(&loaded);
            let (rendered, _) = landfall::render::all(&loaded, &resolved);
            let site = &rendered[&"site/HRB01".parse::<ScopeId>().unwrap()];
            let item = site.items.iter().find(|item| item.id.as_str() == id).unwrap();
            serde_json::to_value(landfall::checklist::digest(item)).unwrap()
        };
        (of(files()), of(changed(files(), "sites/HRB01.toml", from, to)))
    };
    let (before, after) = statement("name = \"claims\"", "name = \"claims_837\"", "governance.new-data");
    assert_ne!(before, after);
    let (before, after) = statement("value = 72", "value = 96", "baseline.frozen");
    assert_ne!(before, after);
    let (before, after) = statement("value = 72", "value = 96", "governance.new-data");
    assert_eq!(before, after, "what it is not about opens nothing");
}
