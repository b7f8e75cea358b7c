//! What runs measured: told for the target they ran on and for no other, and reported site by site.

use serde_json::Value;

use crate::world::{Estate, SERVED};

/// Kinds whose expected durations were measured.
fn measured(told: &Value) -> Vec<String> {
    let rows = told["durations"].as_array().unwrap();
    let measured = rows.iter().filter(|row| row["expected"]["source"] != "published");
    measured
        .map(|row| format!("{} {}", row["kind"].as_str().unwrap(), row["operation"].as_str().unwrap()))
        .collect()
}

#[test]
fn runs_teach_about_their_own_target_and_are_reported() {
    let mut estate = Estate::example();
    let served = estate.serve(&[]);
    estate.reach(&served, 60_000);
    let nothing = estate.run(&["report", "provisioning-time", "--wave", "pilot"]).ends(0);
    assert!(nothing.out.contains("not started"), "{}", nothing.out);
    let of = |estate: &Estate, target: &str| {
        estate.run(&["durations", "--target", target, "-o", "json"]).ends(0).json()
    };
    assert_eq!(measured(&of(&estate, SERVED)), Vec::<String>::new(), "there is no journal yet");
    estate.plan(&["--wave", "pilot"], "p.plan").ends(0);
    estate.run(&["apply", "p.plan"]).ends(0);

    let told = of(&estate, SERVED);
    assert!(measured(&told).contains(&"databricks.schema create".to_owned()), "{told}");
    assert!(!told["deviations"].as_array().unwrap().is_empty());
    assert_eq!(
        measured(&of(&estate, "sandbox")),
        Vec::<String>::new(),
        "another target learns nothing of it"
    );
    let shown = estate.run(&["durations", "--target", SERVED]).ends(0).prints("measured").prints("any other");
    assert!(shown.out.contains(", where the table says "), "{}", shown.out);
    estate.run(&["durations", "--target", "moon"]).ends(64).says("no target is called `moon`");
    reports(&estate);
}

/// How long the pilot took, with the entries behind every figure.
fn reports(estate: &Estate) {
    let told = estate.run(&["report", "provisioning-time", "--wave", "pilot", "-o", "json"]).ends(0).json();
    let site = &told["sites"][0];
    assert_eq!((&site["site"], &site["started"]["id"]), (&"HRB01".into(), &"site/HRB01#0".into()), "{told}");
    let number = |key: &str| site[key].as_u64().unwrap();
    assert_eq!(number("active") + number("waiting"), number("total"));
    assert!(site["validated"]["id"].as_str().unwrap().starts_with("site/HRB01#"));
    let days = estate.run(&["report", "cycle-time", "--wave", "pilot", "-o", "json"]).ends(0).json();
    assert_eq!(
        (&days["sites"][0]["standing"], &days["sites"][0]["days_max"]),
        (&"met".into(), &14.into()),
        "{days}"
    );
    estate.run(&["report", "cycle-time", "--wave", "pilot"]).ends(0).prints("met").prints("org#");
    estate.run(&["report", "cycle-time", "--wave", "moon"]).ends(64).says("no wave is called `moon`");
}
