//! Sentences for what holds and what does not, and that nothing makes them fall.

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn assertion(text: &str) -> Assertion {
    let table: toml::Table = format!("x = {text}").parse().unwrap();
    serde_json::from_value(serde_json::to_value(&table["x"]).unwrap()).unwrap()
}

fn document() -> Value {
    json!({
        "site": { "name": "Harborview", "beds": 40, "tier": "basic", "empty": "  ", "none": null },
        "systems": { "ehr": [{ "name": "epic", "owner": "pm" }], "lis": [], "ris": { "not_applicable": "none here" } },
        "rows": [{ "id": "a", "left": 1, "right": 1.0 }, { "id": "b", "left": 1, "right": 2 }],
        "tags": ["one", "two"],
        "a/b": { "c~d": true },
    })
}

fn check(text: &str, expected: &[&str]) {
    assert_eq!(missing(&document(), &assertion(text)), expected, "{text}");
}

#[test]
fn what_holds_is_silent_and_what_does_not_is_a_sentence() {
    check(r#"{ at = "/site/name", present = true }"#, &[]);
    check(r#"{ at = "/site/name" }"#, &[]);
    check(r#"{ at = "/systems/lis", present = true }"#, &["Nothing is filled in for “lis” in systems."]);
    check(r#"{ at = "/systems/ris", present = true }"#, &[]);
    check(r#"{ at = "/site/empty" }"#, &["Nothing is filled in for “empty” in site."]);
    check(r#"{ at = "/site/empty", present = false }"#, &[]);
    check(
        r#"{ at = "/site/tier", present = false }"#,
        &["There must be nothing for “tier” in site, and something is there."],
    );
    check(r#"{ at = "/site/tier", equals = "basic" }"#, &[]);
    check(r#"{ at = "/site/tier", equals = "premium" }"#, &["“tier” in site must be premium; it is basic."]);
    check(r#"{ at = "/site/beds", equals = "40" }"#, &[]);
    check(r#"{ at = "/site/no", equals = true }"#, &["“no” in site must be yes; nothing is filled in."]);
    check(r#"{ at = "/site/tier", one_of = ["basic", "premium"] }"#, &[]);
    check(
        r#"{ at = "/site/tier", one_of = ["gold", "premium"] }"#,
        &["“tier” in site must be gold or premium; it is basic."],
    );
    check(r#"{ at = "/tags", has = ["one", "three", "four"] }"#, &["three and four are missing in “tags”."]);
    check(r#"{ at = "/systems", has = ["ehr", "lis"] }"#, &[]);
    check(r#"{ at = "/site/no", has = ["x"] }"#, &["x is missing in “no” in site."]);
    check(r#"{ at = "/site/beds", min = 40, max = 40 }"#, &[]);
    check(r#"{ at = "/site/beds", min = 41 }"#, &["“beds” in site must be at least 41; it is 40."]);
    check(r#"{ at = "/rows", max = 1 }"#, &["“rows” must be at most 1; there are 2."]);
    check(
        r#"{ at = "/systems/lis", min = 1 }"#,
        &["“lis” in systems must be at least 1; nothing is filled in."],
    );
    check(r#"{ at = "/site/name", max = 3 }"#, &["“name” in site must be at most 3; it is not a number."]);
    check(r#"{ at = "/a~1b/c~0d", equals = true }"#, &[]);
}

#[test]
fn a_star_asks_every_element_and_names_each_that_does_not_hold() {
    check(r#"{ at = "/rows/*/id", present = true }"#, &[]);
    check(r#"{ at = "/rows/*/id", equals = "a" }"#, &["“id” in rows › 1 must be a; it is b."]);
    check(
        r#"{ at = "/rows/*/left", same_as = "/rows/*/right" }"#,
        &["“left” in rows › 1 must be the same as “right” in rows › 1."],
    );
    check(r#"{ at = "/systems/lis/*/name", present = true }"#, &[]);
    check(r#"{ at = "/none/*/name", present = true }"#, &["Nothing is filled in for “name” in none › *."]);
    check(
        r#"{ at = "/systems/*", min = 1, missing = "The inventory has no system" }"#,
        &["The inventory has no system (lis) is missing."],
    );
}

#[test]
fn the_words_of_the_item_come_first() {
    check(r#"{ at = "/systems/lis", present = true, missing = "LIS" }"#, &["LIS is missing."]);
    check(
        r#"{ at = "/systems/lis", present = true, missing = "List the laboratory." }"#,
        &["List the laboratory."],
    );
    check(r#"{ at = "/tags", has = ["three", "four"], missing = "Tags." }"#, &["Tags: three and four."]);
    check(
        r#"{ at = "/systems/lis", present = true, missing = " " }"#,
        &["Nothing is filled in for “lis” in systems."],
    );
}

#[test]
fn hostile_pointers_and_values_end_in_short_plain_words() {
    check(r#"{ at = "site" }"#, &["The item asks for “site”, which names no place."]);
    let deep = "/*".repeat(200);
    assert_eq!(missing(&document(), &assertion(&format!("{{ at = \"{deep}\", present = false }}"))), [""; 0]);
    let wide = json!({ "rows": vec![json!({}); 10_000] });
    let told = missing(&wide, &assertion(r#"{ at = "/rows/*/id" }"#));
    assert_eq!(told.len(), MISSING_WORDS_MAX);
    let loud = json!({ "x": format!("\u{1b}[2J{}", "a".repeat(500)) });
    let told = missing(&loud, &assertion(r#"{ at = "/x", equals = "y" }"#)).concat();
    assert!(told.chars().count() < 150 && !told.contains('\u{1b}'), "{told}");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map("[a-c~/*]{0,2}", inner, 0..5)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_document_and_no_pointer_makes_it_fall(
        document in any_json(),
        wanted in any_json(),
        at in "(/([a-c*0-9]|~0|~1|~|)){0,4}|.{0,6}",
        other in "(/[a-c*]){0,3}",
        bound in any::<f64>(),
    ) {
        let assertion = Assertion {
            at, present: None, equals: Some(wanted.clone()), one_of: Some(vec![wanted.clone()]),
            has: Some(vec![wanted]), min: Some(bound), max: Some(bound), same_as: Some(other), missing: None,
        };
        let said = missing(&document, &assertion);
        prop_assert!(said.len() <= MISSING_WORDS_MAX + 8);
        prop_assert!(said.iter().all(|sentence| sentence.ends_with('.') && !sentence.contains('\n')));
    }

    #[test]
    fn what_is_there_equals_itself(document in any_json(), at in "(/[a-c0-2]){0,3}") {
        if let Some(value) = document.pointer(&at) {
            let mut assertion = assertion(r#"{ at = "/x" }"#);
            (assertion.at, assertion.equals) = (at, Some(value.clone()));
            prop_assert_eq!(missing(&document, &assertion), Vec::<String>::new());
        }
    }
}
