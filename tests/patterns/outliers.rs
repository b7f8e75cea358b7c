//! Whatever a site is given that is no identity sets it apart, and whatever is one never does: over random values, and over
//! every input that the shipped packs declare for sites.

use std::collections::{BTreeMap, BTreeSet};

use landfall::base::id::ScopeId;
use landfall::model::pack::PackScope;
use landfall::source::Files;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Program, codes, estate, example, site};

/// Sites of one property case: enough for groups, few enough for many cases.
const SITES: usize = 100;

/// Something that is built otherwise, as a site's file has it. None is what the other sites have.
fn difference() -> impl Strategy<Value = (&'static str, String)> {
    let word = "[a-z][a-z0-9]{0,8}";
    prop_oneof![
        (5_u32..900).prop_map(|count| ("workers", count.to_string())),
        Just(("restricted", "true".to_owned())),
        word.prop_map(|word| ("twin", format!("\"x{word}\""))),
        prop::collection::vec("[mr][5-9]\\.(large|2xlarge)", 1..4)
            .prop_map(|types| ("node_types", json!(types).to_string())),
        prop::collection::btree_set(word, 1..4).prop_map(|names| {
            let domains = names.iter().map(|name| format!("{{ name = \"x{name}\" }}")).collect::<Vec<_>>();
            ("domains", format!("[{}]", domains.join(", ")))
        }),
        prop::collection::btree_set(word, 1..4).prop_map(|names| {
            let net = |name: &String| format!("{{ zone = \"{name}\", bucket = \"own-{name}\" }}");
            ("nets", format!("[{}]", names.iter().map(net).collect::<Vec<_>>().join(", ")))
        }),
    ]
}

/// Each case plans a hundred sites; more of them with `LANDFALL_PATTERN_CASES=n`.
fn cases() -> ProptestConfig {
    let asked = std::env::var("LANDFALL_PATTERN_CASES").ok().and_then(|text| text.parse().ok());
    ProptestConfig {
        cases: asked.unwrap_or(12),
        max_shrink_iters: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn among_a_hundred_sites_the_one_that_differs_is_alone_and_identities_split_nobody(
        place in 0..SITES,
        (key, value) in difference(),
        seats in prop::collection::vec(0_u32..100_000, SITES),
        ports in prop::collection::vec(0_u32..60_000, SITES),
    ) {
        let text = |(number, code): (usize, &String)| {
            let mut own = BTreeMap::from([
                ("seats", seats[number].to_string()),
                ("ports", format!("[{}, {}]", ports[number], ports[(number + 1) % SITES])),
            ]);
            if number == place {
                own.insert(key, value.clone());
            }
            (code.clone(), site(code, number, &own))
        };
        let sites: Vec<_> = codes().iter().take(SITES).enumerate().map(text).collect();
        let alone = codes()[place].clone();
        let groups: BTreeSet<Vec<String>> = Program::new(estate(&sites))
            .patterns()
            .iter()
            .map(|pattern| pattern.sites.iter().map(ToString::to_string).collect())
            .collect();
        prop_assert_eq!(groups.len(), 2, "{} = {}", key, value);
        prop_assert!(groups.contains(&vec![alone]), "{} = {} at {}: {:?}", key, value, place, groups);
    }
}

/// The pilot three times over, under three codes.
const TRIPLETS: [&str; 3] = ["HRB01", "HRB02", "HRB03"];

/// The example estate with those sites alone, and parameters of the last one replaced.
fn triplets(replaced: &[(&str, Value)]) -> Files {
    let mut files = example();
    let text = |files: &Files, path: &str| String::from_utf8(files[path].clone()).unwrap();
    let whole = text(&files, "sites/estate.toml");
    let (before, rest) = whole.split_once("# ---- Stages").unwrap();
    let (_, after) = rest.split_once("# ---- People").unwrap();
    let wave =
        "\n[[wave]]\nname = \"pilot\"\nkind = \"pilot\"\nsites = [\"HRB01\", \"HRB02\", \"HRB03\"]\n\n# ";
    let pilot = text(&files, "sites/HRB01.toml");
    files.retain(|path, _| !path.starts_with("sites/"));
    files.insert("sites/estate.toml".to_owned(), format!("{before}{wave}{after}").into_bytes());
    for code in TRIPLETS {
        let mut table: toml::Table = toml::from_str(&pilot.replace("HRB01", code)).unwrap();
        if code == TRIPLETS[2] {
            for (path, value) in replaced {
                put(&mut table, path, toml::Value::try_from(value).unwrap());
            }
        }
        files.insert(format!("sites/{code}.toml"), toml::to_string(&table).unwrap().into_bytes());
    }
    files
}

fn put(table: &mut toml::Table, path: &str, value: toml::Value) {
    match path.split_once('.') {
        None => drop(table.insert(path.to_owned(), value)),
        Some((first, rest)) => {
            let inner = table.entry(first).or_insert_with(|| toml::Value::Table(toml::Table::new()));
            put(inner.as_table_mut().unwrap(), rest, value);
        }
    }
}

/// Other values than this one, the plainest first.
fn others(value: &Value, one_of: &[Value]) -> Vec<Value> {
    let mut found: Vec<Value> = one_of.iter().filter(|other| *other != value).cloned().collect();
    match value {
        Value::Bool(yes) => found.push(json!(!yes)),
        Value::Number(number) => found.extend(number.as_i64().map(|n| json!(n + 1))),
        Value::String(text) => {
            found.extend(["us-west-2", "10.99.0.0/22", "R5", "other"].map(|word| json!(word)));
            // Ids, addresses of resources and tags: the last letter or digit is another.
            let last = if text.ends_with('1') { '2' } else { '1' };
            found.push(json!(format!("{}{last}", &text[..text.len().saturating_sub(1)])));
        }
        Value::Array(items) => {
            if items.len() > 1 {
                found.push(json!(items[1..]));
            }
            if let Some(Value::Object(first)) = items.first() {
                let mut renamed = first.clone();
                renamed.insert("name".to_owned(), json!("other"));
                found.push(json!([items.clone(), vec![Value::Object(renamed)]].concat()));
            }
            found.push(json!([items.clone(), vec![json!("other")]].concat()));
        }
        Value::Null | Value::Object(_) => {}
    }
    found
}

/// The same shape with another end of every text: an identity says which site it is, and not how many of something it has.
fn renamed(value: &Value) -> Value {
    match value {
        Value::String(text) => {
            let last = if text.ends_with('1') { '2' } else { '1' };
            json!(format!("{}{last}", &text[..text.len().saturating_sub(1)]))
        }
        Value::Array(items) => items.iter().map(renamed).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), renamed(value))).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// The program, unless the files have problems.
fn sound(files: Files) -> Option<Program> {
    Program::attempt(files).ok()
}

fn groups(program: &Program) -> Vec<Vec<String>> {
    let named =
        |p: &landfall::model::plan::overview::Pattern| p.sites.iter().map(ToString::to_string).collect();
    program.patterns().iter().map(named).collect()
}

#[test]
fn every_input_of_the_shipped_packs_sets_a_site_apart_exactly_if_it_is_no_identity() {
    let equal = Program::new(triplets(&[]));
    assert_eq!(groups(&equal), [TRIPLETS], "equal sites are one group");
    let last: ScopeId = "site/HRB03".parse().unwrap();
    // A key is an identity if any pack says so, or if it lies below one that is.
    let packs = equal.loaded.packs.values().filter(|pack| pack.scope == PackScope::Site);
    let inputs: BTreeMap<&String, _> =
        packs.flat_map(|pack| &pack.inputs).filter(|(key, _)| key.starts_with("site.")).collect();
    let all = || equal.loaded.packs.values().flat_map(|pack| &pack.inputs);
    let is_identity = |key: &str| {
        let covers = |other: &str| other == key || key.starts_with(&format!("{other}."));
        all().any(|(other, input)| input.identity && covers(other))
    };
    let (mut set_apart, mut identities, mut silent, mut fixed) = (vec![], vec![], vec![], vec![]);
    for (key, input) in inputs {
        let Some(now) = equal.resolved.scopes[&last].value(key) else { continue };
        let path = key.trim_start_matches("site.");
        let mut tried = others(now, &input.one_of);
        if is_identity(key) {
            tried.retain(|value| !value.is_array());
            tried.push(renamed(now));
        }
        let mut sound =
            tried.into_iter().filter_map(|value| Some((sound(triplets(&[(path, value.clone())]))?, value)));
        let Some((program, value)) = sound.next() else {
            fixed.push(path);
            continue;
        };
        let found = groups(&program);
        let reaches = program.plan.scopes[&last] != equal.plan.scopes[&last];
        if is_identity(key) || !reaches {
            assert_eq!(found, [TRIPLETS], "{key} = {value} must split nobody");
            if reaches { identities.push(path) } else { silent.push(path) }
        } else {
            assert_eq!(found, [vec!["HRB01", "HRB02"], vec!["HRB03"]], "{key} = {value} must stand out");
            set_apart.push(path);
        }
    }
    eprintln!("apart {set_apart:?}\nidentity {identities:?}\nsilent {silent:?}\nfixed {fixed:?}");
    assert!(set_apart.len() >= 10 && identities.len() >= 10, "{set_apart:?} {identities:?}");
}
