//! Plans that are applied exactly or refused, against a served sandbox.

use crate::world::{Estate, SERVED};

#[test]
fn a_plan_changes_nothing_its_apply_does_all_and_the_next_finds_nothing_to_do() {
    let mut estate = Estate::example();
    let served = estate.serve(&[]);
    estate.reach(&served, 5000);
    let planned = estate.plan(&["--wave", "pilot"], "p.plan").ends(0);
    let planned = planned.prints("Plan: 172 to add, 0 to change, 0 to destroy.");
    let planned = planned
        .prints("Isolation: workspace-per-site: 24 more sites fit (2 per site, counted per account); ")
        .prints("catalog-per-site: 165 more sites fit (6 per site, counted per metastore us-east-1).");
    assert!(served.requests().len() > 5, "it looked");
    assert_eq!(served.mutations(), [], "a plan is read-only");
    let graph = estate.run(&["graph", "--wave", "pilot", "-o", "json"]).ends(0).json();
    let mut declared = 0;
    for (scope, of) in graph["scopes"].as_object().unwrap() {
        for step in of["steps"].as_array().unwrap().iter().filter(|step| step["operation"] == "create") {
            let line =
                format!("  + {}   ({})\n", step["id"].as_str().unwrap(), step["kind"].as_str().unwrap());
            assert!(planned.out.contains(&line), "{scope}: no {line}");
            declared += 1;
        }
    }
    assert_eq!(declared, 172);

    estate.run(&["apply", "p.plan"]).ends(0).prints("site/HRB01           succeeded");
    let done = served.mutations();
    assert!(done.len() >= 172, "{}", done.len());
    let calls = estate.run(&["show", "p.plan", "-o", "json"]).ends(0).json()["calls"].clone();
    let calls = calls["calls"].as_array().unwrap();
    let later = calls.iter().filter(|call| call["follow_up"] == true).count();
    assert!(
        (calls.len() - later..=calls.len()).contains(&done.len()),
        "{} of {} calls",
        done.len(),
        calls.len()
    );
    for request in &done {
        let fits = |call: &&serde_json::Value| {
            let (template, path) = (call["path"].as_str().unwrap(), request.path.as_str());
            let same = |(wanted, found): (&str, &str)| wanted.contains('{') || wanted == found;
            call["method"] == request.method.as_str()
                && (template.contains("{+") || template.split('/').count() == path.split('/').count())
                && template.split('/').zip(path.split('/')).all(same)
        };
        assert!(calls.iter().any(|call| fits(&call)), "the plan does not list {request:?}");
    }
    let shown = estate.run(&["show", "p.plan", "--calls"]).ends(0);
    let shown = shown.prints(&format!("{} calls that change something:", calls.len()));
    shown.prints("site/HRB01 catalog.prod.clinical: POST /api/2.1/unity-catalog/catalogs   [site/HRB01 workspace.prod]");

    let args = ["plan", "--target", SERVED, "--wave", "pilot", "--detailed-exitcode", "--out", "q.plan"];
    estate.run(&args).ends(0).prints("No changes.");
    estate.run(&["apply", "q.plan"]).ends(0);
    assert_eq!(served.mutations().len(), done.len(), "what is as it should be is left alone");
    estate.run(&["apply", "p.plan"]).ends(6).says("has grown from 0 to");
}

#[test]
fn a_plan_that_waited_too_long_or_does_not_fit_is_not_applied() {
    let mut estate = Estate::example();
    let served = estate.serve(&[]);
    estate.reach(&served, 5000);
    estate.edit("sites/estate.toml", "day_one = 2027-01-11", "day_one = 2027-01-11\nplan_valid_days = 7");
    estate.plan(&["--wave", "pilot"], "p.plan").ends(0);
    // The moment is outside the digest, so that the same inputs give the same plan.
    let mut saved: serde_json::Value =
        serde_json::from_slice(&std::fs::read(estate.path("p.plan")).unwrap()).unwrap();
    saved["made_at"] = serde_json::json!("2020-01-01T00:00:00.000Z");
    std::fs::write(estate.path("old.plan"), saved.to_string()).unwrap();
    estate
        .run(&["apply", "old.plan"])
        .ends(6)
        .says("the plan has expired; nothing was changed. It was made at 2020-01-01T00:00:00.000Z")
        .says("2020-01-08T00:00:00.000Z: plans of this estate are valid for 7 days");
    estate
        .run(&["show", "old.plan", "-o", "brief"])
        .ends(0)
        .prints("can be applied until 2020-01-08T00:00:00.000Z.");

    // One workspace is all that may be there, and the pilot makes two.
    estate.append("sites/estate.toml", "\n[quotas]\n# a trial account\nworkspaces_per_account = 1\n");
    let planned = estate.plan(&["--wave", "pilot"], "full.plan").ends(0);
    planned
        .prints("No room: site/HRB01 does not fit: workspaces_per_account allows 1 per account, 1 are left");
    estate
        .run(&["apply", "full.plan"])
        .ends(3)
        .says("site/HRB01 does not fit: workspaces_per_account allows 1");
    assert_eq!(served.mutations(), [], "nothing runs where not all of it fits");
}

#[test]
fn a_saved_plan_is_applied_exactly_or_refused_with_what_changed() {
    let mut estate = Estate::example();
    let served = estate.serve(&[]);
    estate.reach(&served, 5000);
    estate.plan(&["--wave", "pilot"], "p.plan").ends(0);

    let site = "sites/HRB01.toml";
    let before = estate.text(site);
    estate.edit(site, "owner = \"team-hrb01\"", "owner = \"team-harbour\"");
    let refused = estate.run(&["apply", "p.plan"]).ends(6).says("the plan is stale; nothing was changed");
    refused.says("site/HRB01: site.tags.owner was \"team-hrb01\", now \"team-harbour\" (sites/HRB01.toml:");
    estate.write(site, &before);

    let pack = "templates/tagging/entities.toml.hbs";
    let before = estate.text(pack);
    estate.append(pack, "# edited\n");
    let refused = estate.run(&["apply", "p.plan"]);
    assert!([6, 65].contains(&refused.code), "{refused:?}");
    refused.says("tagging");
    estate.run(&["packs", "lock"]).ends(0);
    estate.run(&["apply", "p.plan"]).ends(6).says("templates/tagging/entities.toml.hbs was edited");
    estate.write(pack, &before);
    estate.run(&["packs", "lock"]).ends(0);

    let text = std::fs::read_to_string(estate.path("p.plan")).unwrap();
    assert!(text.contains("\"team-hrb01\""));
    std::fs::write(estate.path("t.plan"), text.replace("\"team-hrb01\"", "\"team-other\"")).unwrap();
    estate.run(&["apply", "t.plan"]).ends(6).says("was changed after it was made");
    std::fs::write(estate.path("u.plan"), "{}").unwrap();
    estate.run(&["apply", "u.plan"]).ends(3).says("this is not a plan");
    estate.run(&["apply", "none.plan"]).ends(64).says("none.plan");
    assert_eq!(served.mutations(), [], "no refusal touches anything");
    let status = estate.run(&["status", "HRB01", "-o", "json"]).ends(0).json();
    assert_eq!(status["scopes"][0]["state"], "not-started");

    estate.run(&["apply", "p.plan"]).ends(0);
}

#[test]
fn a_plan_for_another_target_or_another_place_is_refused() {
    let mut estate = Estate::example();
    let served = estate.serve(&[]);
    estate.reach(&served, 5000);
    estate.plan(&["--wave", "pilot"], "p.plan").ends(0);
    let address = served.of("DATABRICKS_HOST").to_owned();
    let other = estate.serve(&[]);
    estate.edit("sites/estate.toml", &address, other.of("DATABRICKS_HOST"));
    for name in ["DATABRICKS_CLIENT_ID", "DATABRICKS_CLIENT_SECRET"] {
        estate.set(name, other.of(name));
    }
    estate.run(&["apply", "p.plan"]).ends(6).says(&address).says("which is not this one");
    assert_eq!((served.mutations(), other.mutations()), (Vec::new(), Vec::new()));
    estate
        .run(&["plan", "--wave", "pilot", "--target", "sevred"])
        .ends(64)
        .says("no target is called `sevred`");
}
