//! Selections that narrow each other, and every cause for which a saved plan is refused.

use serde_json::{Value, json};

use crate::world::{Estate, SERVED, Served};

fn planned() -> (Estate, Served) {
    let mut estate = crate::faults::unstaged();
    let served = estate.serve(&[]);
    estate.reach(&served, 5000);
    estate.plan(&["--wave", "pilot"], "p.plan").ends(0);
    (estate, served)
}

#[test]
fn a_selection_is_narrowed_and_what_it_leaves_out_is_marked() {
    let (mut estate, served) = planned();
    let waves = estate.run(&["wave", "list", "-o", "json"]).ends(0).json();
    let sites = |wave: &Value| -> Vec<String> {
        wave["sites"].as_array().unwrap().iter().map(|site| site.as_str().unwrap().to_owned()).collect()
    };
    let wave = waves["waves"].as_array().unwrap().iter().find(|wave| sites(wave).len() > 2).unwrap();
    let (name, codes) = (wave["name"].as_str().unwrap(), sites(wave));
    let select = ["--wave", name, "--exclude", &codes[1]];
    let text = estate.plan(&select, "part.plan").ends(0);
    let told = format!("Partial plan: leaves out 1 of {name} ({}).", codes[1]);
    let text = text.prints(&told).prints(&format!("wave {name} without {}", codes[1]));
    assert!(!text.out.contains(&format!("site/{}", codes[1])));
    estate.run(&["show", "part.plan", "-o", "brief"]).ends(0).prints(&told);
    let shown = estate.run(&["show", "part.plan", "-o", "json"]).ends(0).json();
    assert_eq!(shown["partial"], json!({ name: [codes[1]] }));
    let whole = estate.run(&["plan", "--wave", "pilot", "--target", SERVED, "-o", "json"]).ends(0).json();
    assert_eq!(whole["partial"], Value::Null);

    let tag = estate.run(&["plan", "--all", "--tag", "owner=team-hrb01", "--target", SERVED]).ends(0);
    tag.prints("Across 1 site ");
    for (args, words) in [
        (&["--all", "--tag", "owner=nobody"][..], "no site is in the selection: tag owner=nobody"),
        (&["--wave", "pilot", "--exclude", "HRB01"], "no site is in the selection: wave pilot without HRB01"),
        (
            &["--wave", "pilot", "--region", "us-west-2"],
            "no site is in the selection: wave pilot and region us-west-2",
        ),
        (&["--region", "us-wst-2"], "no region is called `us-wst-2`"),
        (&["--tag", "owner"], "`owner` is no tag"),
    ] {
        let args = [&["plan", "--target", SERVED][..], args].concat();
        estate.run(&args).ends(64).says(words);
    }

    // One site of a wave: its evidence says that others were left out.
    estate.plan(&["--site", &codes[0]], "one.plan").ends(0).prints("Partial plan: leaves out");
    estate.run(&["apply", "one.plan"]).ends(0);
    let log = estate.run(&["log", "org", "-o", "json"]).ends(0);
    let started = log.out.lines().find(|line| line.contains("launch.started")).unwrap();
    let started: Value = serde_json::from_str(started).unwrap();
    assert!(
        started["body"]["selection"]["part"]["left_out"][name].as_array().unwrap().contains(&json!(codes[1]))
    );
    let bundle = estate.path("bundle");
    estate.run(&["evidence", "export", "--site", &codes[0], "--out", bundle.to_str().unwrap()]).ends(0);
    let page = std::fs::read_to_string(bundle.join("index.html")).unwrap();
    assert!(page.contains("<strong>Partial plan:</strong>"));
    let plan = std::fs::read_to_string(bundle.join("plan.json")).unwrap();
    let plan: Value = serde_json::from_str(&plan).unwrap();
    assert_eq!(plan["head"]["partial"], true);
    estate.run(&["evidence", "verify", bundle.to_str().unwrap()]).ends(0);
    estate.set("NO_COLOR", "1");
    assert!(!served.mutations().is_empty());
}

#[test]
fn every_cause_of_a_stale_plan_has_its_message_and_all_are_told_at_once() {
    let (mut estate, served) = planned();
    let (site, manifest, pack) =
        ("sites/HRB01.toml", "templates/tagging/pack.toml", "templates/tagging/spend.toml.hbs");
    let before = [site, manifest, pack, "templates/pack.lock", "sites/estate.toml"]
        .map(|file| (file, estate.text(file)));
    let restore = |estate: &Estate| before.iter().for_each(|(file, text)| estate.write(file, text));

    let edit_file = |estate: &Estate| estate.append(site, "# a note");
    let edit_parameter =
        |estate: &Estate| estate.edit(site, "owner = \"team-hrb01\"", "owner = \"team-harbour\"");
    let edit_pack = |estate: &Estate| {
        estate.append(pack, "# a note");
        estate.edit(manifest, "version = \"1.1.0\"", "version = \"1.1.1\"");
        estate.run(&["packs", "lock"]).ends(0);
    };
    let other_estate = |estate: &Estate| estate.edit("sites/estate.toml", "lineage = \"7", "lineage = \"8");
    type Cause<'a> = (&'a dyn Fn(&Estate), &'a [&'a str]);
    let causes: [Cause<'_>; 4] = [
        (&edit_file, &["  sites/HRB01.toml was edited"]),
        (
            &edit_parameter,
            &["  site/HRB01: site.tags.owner was \"team-hrb01\", now \"team-harbour\" (sites/HRB01.toml:"],
        ),
        (
            &edit_pack,
            &[
                "  pack tagging was 1.1.0 (",
                "and is 1.1.1 (",
                "  templates/tagging/spend.toml.hbs was edited",
            ],
        ),
        (
            &other_estate,
            &["  the plan was made for the estate `Cedar Basin Ambulatory Network`, which is not this one"],
        ),
    ];
    for (change, words) in causes {
        change(&estate);
        let mut refused =
            estate.run(&["apply", "p.plan"]).ends(6).says("the plan is stale; nothing was changed");
        for words in words {
            refused = refused.says(words);
        }
        restore(&estate);
    }

    // Another's hand: an object that the plan would make is there by now.
    let body = json!({ "displayName": "cban-platform-admins" });
    served.call("POST", &served.account("scim/v2/Groups"), None, &body);
    let there = "  account group.platform-admins: it is there now, and was not when the plan was made";
    served.forget_requests();
    estate.run(&["apply", "p.plan"]).ends(6).says(there);
    // Everything at once.
    edit_parameter(&estate);
    edit_pack(&estate);
    let text = std::fs::read_to_string(estate.path("p.plan")).unwrap();
    let mut saved: Value = serde_json::from_str(&text).unwrap();
    saved["made_at"] = json!("2020-01-01T00:00:00.000Z");
    std::fs::write(estate.path("old.plan"), saved.to_string()).unwrap();
    let refused = estate.run(&["apply", "old.plan"]).ends(6);
    refused
        .says("the plan was made at 2020-01-01T00:00:00.000Z and could be applied until")
        .says("pack tagging was 1.1.0")
        .says("site.tags.owner was")
        .says(there);
    restore(&estate);

    // A file that somebody changed says nothing that counts.
    std::fs::write(estate.path("t.plan"), text.replace("\"team-hrb01\"", "\"team-other\"")).unwrap();
    estate
        .run(&["apply", "t.plan"])
        .ends(6)
        .says("t.plan: the plan was changed after it was made: its digest does not fit");
    assert_eq!(served.mutations(), [], "no refusal touches anything");
    estate.set("NO_COLOR", "1");
}

#[test]
fn objects_that_moved_are_named_with_their_fields_and_another_run_with_its_name() {
    let (estate, served) = planned();
    estate.run(&["apply", "p.plan"]).ends(0);
    let refused = estate.run(&["apply", "p.plan"]).ends(6);
    let line =
        refused.err.lines().find(|line| line.contains("the log of account has grown from 0 to")).unwrap();
    assert!(line.contains(": run ") && line.ends_with(" by tester"), "{line}");

    estate.plan(&["--wave", "pilot"], "q.plan").ends(0).prints("No changes.");
    let all = served.call("GET", &served.account("workspaces"), None, &Value::Null);
    let is_prod = |w: &&Value| w["custom_tags"]["environment"] == "prod";
    let prod = all.as_array().unwrap().iter().find(is_prod).unwrap()["workspace_id"].to_string();
    let catalog = "/api/2.1/unity-catalog/catalogs/prod_clinical_hrb01";
    served.call("PATCH", catalog, Some(&prod), &json!({ "owner": "cban-automation" }));
    let groups = served.call("GET", &served.account("scim/v2/Groups"), None, &Value::Null);
    let analysts =
        groups["Resources"].as_array().unwrap().iter().find(|g| g["displayName"] == "cban-hrb01-analysts");
    let path = format!("{}/{}", served.account("scim/v2/Groups"), analysts.unwrap()["id"].as_str().unwrap());
    served.call("DELETE", &path, None, &Value::Null);
    served.forget_requests();
    let refused = estate.run(&["apply", "q.plan"]).ends(6);
    refused
        .says("  site/HRB01 catalog.prod.clinical: /owner was \"cban-platform-admins\", now \"cban-automation\"")
        .says("  site/HRB01 group.analysts: it is gone");
    assert_eq!(served.mutations(), [], "the look changes nothing");
    // A new plan is about what is there now.
    estate.plan(&["--wave", "pilot"], "r.plan").ends(0).prints("Plan: ");
    estate.run(&["apply", "r.plan"]).ends(0);
}

#[test]
fn conformance_has_one_red_cell_for_each_deviation() {
    let (estate, served) = planned();
    estate.run(&["apply", "p.plan"]).ends(0);
    let report = |more: &[&'static str]| {
        let args = ["report", "conformance", "--wave", "pilot", "--target", SERVED];
        served.forget_requests();
        let ran = estate.run(&[&args[..], more].concat()).ends(0);
        assert_eq!(served.mutations(), [], "the report only looks");
        ran
    };
    report(&[]).prints("172 conform, 0 deviate, 0 accepted, 0 not there, 0 not looked at.");

    // Log delivery is switched off.
    let path = served.account("log-delivery");
    let all = served.call("GET", &path, None, &Value::Null);
    let id = all["log_delivery_configurations"][0]["config_id"].as_str().unwrap().to_owned();
    served.call("PATCH", &format!("{path}/{id}"), None, &json!({ "status": "DISABLED" }));
    let text = report(&[]).prints("171 conform, 1 deviate");
    assert_eq!(text.out.lines().filter(|line| line.contains("DEV")).count(), 4, "{}", text.out);
    let text = text.prints("  DEV  account log_delivery.audit   audit.log_delivery");
    text.prints("/status: wanted \"ENABLED\", found \"DISABLED\"");
    let told = report(&["-o", "json"]).json();
    let red = |matrix: &Value| {
        let cells =
            matrix.as_object().unwrap().values().flat_map(|row| row.as_object().unwrap().values().cloned());
        cells.filter(|cell| *cell == "deviates" || cell["mark"] == "deviates").count()
    };
    assert_eq!((red(&told["controls"]), red(&told["settings"])), (1, 1));
    report(&["-o", "csv"]).prints(
        "setting,account,log_delivery.audit,deviates,/status,\"\"\"ENABLED\"\"\",\"\"\"DISABLED\"\"\"",
    );

    let until = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(30 * 24);
    let until = until.strftime("%Y-%m-%d").to_string();
    let accept = [
        "drift",
        "accept",
        "log_delivery.audit",
        "--scope",
        "account",
        "--field",
        "/status",
        "--owner",
        "compliance",
        "--until",
        &until,
        "--reason",
        "the bucket moves",
        "--target",
        SERVED,
    ];
    estate.run(&accept).ends(0);
    report(&[]).prints("171 conform, 0 deviate, 1 accepted").prints("by compliance: the bucket moves");
}
