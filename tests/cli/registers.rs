//! `landfall registers list`, `landfall report phi-flow`, and what `landfall plan` says of PHI that may not come in yet.

use serde_json::Value;

use crate::world::Estate;

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn what_is_over_comes_first_and_other_sites_rows_do_not_come_at_all() {
    let estate = Estate::example();
    let now = ["--now", "2029-03-01T12:00:00Z"];
    let listed = estate
        .run(&[&["registers", "list", "agreements", "--site", "HRB01", "-o", "json"][..], &now].concat());
    let listed = json(&listed.ends(0).out);
    let rows = listed["rows"].as_array().unwrap();
    assert_eq!(rows[0]["validity"]["not"]["why"], "expired on 2028-12-31");
    assert_eq!(rows[0]["days_left"], -60);
    assert!(!rows.iter().any(|row| row["id"] == "dua-implants-wlw05"));
    let text = estate.run(&["registers", "list", "systems", "--site", "PNE09"]);
    let text = text.ends(0);
    assert!(text.out.contains("no fhir: This instance of the EHR offers none"), "{}", text.out);
    assert!(!text.out.contains("HRB01"), "{}", text.out);
}

#[test]
fn the_map_of_flows_shows_what_is_consumed_and_was_never_declared() {
    let estate = Estate::example();
    let map = |estate: &Estate, format: &str| {
        let ran = estate.run(&["report", "phi-flow", "--site", "WLW05", "--format", format]);
        ran.ends(0).out
    };
    let drawn = map(&estate, "mermaid");
    assert!(drawn.starts_with("flowchart LR\n"), "{drawn}");
    assert!(drawn.contains("[(\"implants-vendor\")]:::phi"), "{drawn}");
    assert_eq!(json(&map(&estate, "json"))["findings"], serde_json::json!([]));
    estate.edit("sites/registers/use_cases.toml", "\"wlw05.priorauth-extraction\"", "\"wlw05.prior-auth\"");
    let told = map(&estate, "text");
    assert!(
        told.contains(
            "! use case `priorauth-extraction` reads `wlw05.prior-auth`, which is declared nowhere at WLW05"
        ),
        "{told}"
    );
    assert!(map(&estate, "mermaid").contains("[\"wlw05.prior-auth\"]:::undeclared"));
}

#[test]
fn a_plan_says_what_has_to_wait_for_an_agreement_and_plans_the_rest() {
    let estate = Estate::example();
    estate.edit("sites/registers/agreements.toml", "party = \"aws\"", "party = \"aws\"\nsites = [\"MPL02\"]");
    let ran = estate.run(&["plan", "--site", "HRB01", "--target", "sandbox", "-o", "brief"]);
    let ran = ran.ends(0);
    assert!(
        ran.err.contains("site/HRB01: no PHI yet: the cloud's provider may have no PHI: no business associate agreement covers aws; blocked are catalog.prod."),
        "{}",
        ran.err
    );
}
