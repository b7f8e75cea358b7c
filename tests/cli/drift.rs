//! Objects that change, or are there already, behind the program's back.

use serde_json::{Value, json};

use crate::world::{Estate, SERVED, Served};

const CATALOG: &str = "/api/2.1/unity-catalog/catalogs/prod_clinical_hrb01";

fn launched() -> (Estate, Served) {
    let mut estate = Estate::example();
    let served = estate.serve(&[]);
    estate.reach(&served, 5000);
    estate.plan(&["--wave", "pilot"], "p.plan").ends(0);
    estate.run(&["apply", "p.plan"]).ends(0);
    (estate, served)
}

fn prod(served: &Served) -> String {
    let all = served.call("GET", &served.account("workspaces"), None, &Value::Null);
    let is_prod = |w: &&Value| w["custom_tags"]["environment"] == "prod";
    all.as_array().unwrap().iter().find(is_prod).unwrap()["workspace_id"].to_string()
}

#[test]
fn an_object_that_changed_after_the_plan_is_left_alone_until_a_plan_shows_it() {
    let (estate, served) = launched();
    let good = served.state();
    let prod = prod(&served);
    let was = served.call("GET", CATALOG, Some(&prod), &Value::Null)["comment"].clone();
    estate.plan(&["--wave", "pilot"], "q.plan").ends(0).prints("No changes.");
    served.call("PATCH", CATALOG, Some(&prod), &json!({ "comment": "by hand" }));
    served.forget_requests();

    // Should it change only while the launch is under way, its own step finds out: the simulation has those stories.
    let refused = estate.run(&["apply", "q.plan"]).ends(6);
    refused.says("site/HRB01 catalog.prod.clinical: /comment was ").says(", now \"by hand\"");
    assert_eq!(served.mutations(), [], "a stale plan is not carried out");

    let planned = estate.plan(&["--wave", "pilot"], "r.plan").ends(0);
    let planned =
        planned.prints("Plan: 0 to add, 1 to change, 0 to destroy.").prints("~ catalog.prod.clinical");
    let change = planned.out.lines().find(|line| line.contains("comment")).unwrap_or_default();
    assert!(change.contains("by hand") && change.contains(was.as_str().unwrap()), "{}", planned.out);
    let plan = estate.run(&["plan", "--wave", "pilot", "--target", SERVED, "-o", "json"]).ends(0).json();
    let step = &plan["plan"]["scopes"]["site/HRB01"]["steps"]["catalog.prod.clinical"];
    let text = step.to_string();
    for word in ["\"at\":\"/comment\"", "\"from\":\"by hand\"", "\"reason\":\""] {
        assert!(text.contains(word), "no {word} in {text}");
    }

    estate.run(&["apply", "r.plan"]).ends(0);
    assert_eq!(served.state(), good, "mended");
    let patched = served.mutations();
    assert_eq!(patched.len(), 1, "{patched:#?}");
    assert!(patched[0].is("PATCH", CATALOG));
}

#[test]
fn an_object_that_went_away_is_planned_and_made_again() {
    let (estate, served) = launched();
    let prod = prod(&served);
    let volumes = "/api/2.1/unity-catalog/volumes/prod_clinical_hrb01.priorauth_bronze.landing";
    estate.plan(&["--wave", "pilot"], "q.plan").ends(0).prints("No changes.");
    served.call("DELETE", volumes, Some(&prod), &Value::Null);
    served.forget_requests();
    let refused = estate.run(&["apply", "q.plan"]).ends(6);
    refused.says("site/HRB01 volume.prod.clinical.priorauth.landing: it is gone");
    assert_eq!(served.mutations(), []);
    let planned = estate.plan(&["--wave", "pilot"], "r.plan").ends(0);
    planned
        .prints("Plan: 1 to add, 0 to change, 0 to destroy.")
        .prints("+ volume.prod.clinical.priorauth.landing");
    estate.run(&["apply", "r.plan"]).ends(0);
    let made = served.mutations();
    assert_eq!(made.iter().filter(|r| r.is("POST", "/volumes")).count(), 1, "{made:#?}");
}

#[test]
fn an_object_with_our_name_that_we_did_not_make_never_becomes_ours() {
    let mut estate = Estate::example();
    let served = estate.serve(&[]);
    estate.reach(&served, 5000);
    estate.plan(&["--wave", "pilot"], "early.plan").ends(0);
    let groups = served.account("scim/v2/Groups");
    served.call("POST", &groups, None, &json!({ "displayName": "cban-platform-admins" }));
    served.forget_requests();

    let refused = estate.plan(&["--wave", "pilot"], "p.plan").ends(3);
    refused.says("they are never taken over silently").says("account group.platform-admins (id ");
    assert!(!estate.path("p.plan").exists(), "a refused plan is not saved");
    assert_eq!(served.mutations(), []);

    let refused = estate.run(&["apply", "early.plan"]).ends(6);
    refused.says("account group.platform-admins: it is there now, and was not when the plan was made");
    let groups_named_so = served.call("GET", &groups, None, &Value::Null);
    let ours = |group: &&Value| group["displayName"] == "cban-platform-admins";
    assert_eq!(groups_named_so["Resources"].as_array().unwrap().iter().filter(ours).count(), 1);
}
