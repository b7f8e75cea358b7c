//! `landfall adopt`: an estate that is there already becomes ours, and nothing of it is changed.

use serde_json::{Value, json};

use crate::world::{Estate, SERVED, Served};

const CATALOG: &str = "/api/2.1/unity-catalog/catalogs/prod_clinical_hrb01";

/// A pilot that was carried out by somebody whose journal is lost.
fn found() -> (Estate, Served, String) {
    let mut estate = Estate::example();
    let served = estate.serve(&[]);
    estate.reach(&served, 5000);
    estate.plan(&["--wave", "pilot"], "p.plan").ends(0);
    estate.run(&["apply", "p.plan"]).ends(0);
    std::fs::rename(estate.path("state"), estate.path("lost")).unwrap();
    let all = served.call("GET", &served.account("workspaces"), None, &Value::Null);
    let is_prod = |w: &&Value| w["custom_tags"]["environment"] == "prod";
    let prod = all.as_array().unwrap().iter().find(is_prod).unwrap()["workspace_id"].to_string();
    served.forget_requests();
    (estate, served, prod)
}

const OF_CATALOG: [&str; 7] = [
    "adopt",
    "databricks.catalog",
    "prod_clinical_hrb01",
    "--scope",
    "site/HRB01",
    "--as",
    "catalog.prod.clinical",
];

fn adopt(args: &[&'static str]) -> Vec<&'static str> {
    args.iter().copied().chain(["--target", SERVED]).collect()
}

#[test]
fn a_whole_estate_is_taken_over_and_then_there_is_nothing_to_plan() {
    let (estate, served, _) = found();
    let before = served.state();
    let plan = ["plan", "--wave", "pilot", "--target", SERVED];
    estate.run(&plan).ends(3).says("never taken over silently").says("landfall adopt --discover");

    let listed = estate.run(&["adopt", "--discover", "--target", SERVED, "-o", "json"]).ends(0).json();
    let objects = listed["objects"].as_array().unwrap();
    assert_eq!(objects.len(), 172);
    assert!(objects.iter().all(|one| one["refused"].is_null() && one["differs"] == json!([])));
    let text = estate.run(&["adopt", "--discover", "--target", SERVED]).ends(0);
    let text = text.prints(
        "landfall adopt databricks.catalog prod_clinical_hrb01 --scope site/HRB01 --as catalog.prod.clinical",
    );
    text.prints("172 declared objects are there that no log holds, 172 of them can be adopted");
    assert!(!estate.path("state").join("journal").exists(), "looking makes no journal");

    let all = ["adopt", "--discover", "--all", "--target", SERVED];
    estate.run(&all).ends(3).says("add --yes").says("nothing was adopted");
    estate.run(&[&all[..], &["--yes"]].concat()).ends(0).says("Adopted 172 objects");
    estate.run(&["adopt", "--discover", "--target", SERVED]).ends(0).prints("Nothing to adopt");
    estate.run(&plan).ends(0).prints("No changes.").prints("172 unchanged");
    estate.run(&["drift", "--all", "--target", SERVED]).ends(0).prints("No drift in 172 objects.");
    assert_eq!(served.mutations(), [], "nothing was changed");

    estate.plan(&["--wave", "pilot"], "q.plan").ends(0);
    estate.run(&["apply", "q.plan"]).ends(0);
    assert_eq!(served.mutations(), [], "there was nothing to do");
    assert_eq!(served.state(), before);
    estate.run(&["evidence", "export", "--site", "HRB01", "--out", "bundle"]).ends(0);
    estate.run(&["evidence", "verify", "bundle"]).ends(0);
}

#[test]
fn one_object_is_taken_over_by_name_and_the_next_plan_changes_what_differs() {
    let (estate, served, prod) = found();
    served.call(
        "PATCH",
        CATALOG,
        Some(&prod),
        &json!({ "owner": "cban-automation", "comment": "MRN 12345678" }),
    );
    served.forget_requests();
    let catalog = adopt(&OF_CATALOG);
    let yes = [&catalog[..], &["--yes"]].concat();
    estate
        .run(&yes)
        .ends(3)
        .says("catalog.prod.clinical is reached through workspace.prod, which no log holds");
    let all = ["adopt", "--discover", "--target", SERVED, "-o", "json"];
    let listed = estate.run(&all).ends(0).json();
    let workspace =
        listed["objects"].as_array().unwrap().iter().find(|one| one["step"] == "workspace.prod").unwrap();
    let command: Vec<&str> =
        workspace["command"].as_str().unwrap().split(' ').skip(1).chain(["--yes"]).collect();
    estate.run(&command).ends(0).says("site/HRB01 holds workspace.prod from now on");
    estate.run(&catalog).ends(3).says("add --yes");
    let told = estate.run(&yes).ends(0).prints("a plan would then change:");
    let told = told.prints("/owner: \"cban-automation\" -> \"cban-platform-admins\"");
    assert!(!told.out.contains("12345678"), "{}", told.out);
    estate.run(&yes).ends(3).says("site/HRB01 holds catalog.prod.clinical already");
    let log = estate.run(&["log", "site/HRB01", "-o", "json"]).ends(0).out;
    assert!(
        log.contains("object.adopted") && log.contains("it was there before") && !log.contains("12345678")
    );

    estate
        .run(&["adopt", "--discover", "--all", "--yes", "--target", SERVED])
        .ends(0)
        .says("Adopted 170 objects");
    let planned = estate.run(&["plan", "--wave", "pilot", "--target", SERVED]).ends(0);
    let planned = planned.prints("Plan: 0 to add, 1 to change, 0 to destroy.");
    planned.prints("/owner: \"cban-automation\" -> \"cban-platform-admins\"");
    assert_eq!(served.mutations(), []);
}

#[test]
fn what_is_not_there_not_declared_or_of_another_kind_is_refused() {
    let mut estate = Estate::example();
    let served = estate.serve(&[]);
    estate.reach(&served, 5000);
    let groups = served.account("scim/v2/Groups");
    served.call("POST", &groups, None, &json!({ "displayName": "cban-platform-admins" }));
    served.forget_requests();
    let group = |kind: &'static str, key: &'static str, scope: &'static str, step: &'static str| {
        estate.run(&adopt(&["adopt", kind, key, "--scope", scope, "--as", step, "--yes"]))
    };
    let (kind, step) = ("databricks.group", "group.platform-admins");
    group(kind, "cban-platform-admins", "account", "group.platform-admin")
        .ends(3)
        .says("did you mean group.platform-admins?");
    group("databricks.catalog", "x", "account", step)
        .ends(3)
        .says("is declared as databricks.group, not as databricks.catalog");
    group(kind, "cban-admins", "account", step)
        .ends(3)
        .says("is declared as `cban-platform-admins`, not as `cban-admins`");
    group(kind, "x", "nowhere", step).ends(64).says("`nowhere` is no scope");
    group(kind, "x", "site/XYZ99", step).ends(3).says("no pack declares anything for site/XYZ99");
    estate
        .run(&adopt(&OF_CATALOG))
        .ends(3)
        .says("there is no databricks.catalog as catalog.prod.clinical declares it");
    group(kind, "cban-platform-admins", "account", step).ends(0);
    assert_eq!(served.mutations(), []);
    estate
        .run(&["plan", "--wave", "pilot", "--target", SERVED])
        .ends(0)
        .prints("to add, 0 to change, 0 to destroy.");
}
