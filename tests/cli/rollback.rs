//! The way back of one site, and what an ordinary yes is not enough for, against a served sandbox.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::world::{Estate, SERVED, Served};

const SITE: &str = "sites/HRB01.toml";

fn launched(estate: &mut Estate, select: &[&str]) -> Served {
    let served = estate.serve(&[]);
    estate.reach(&served, 5000);
    estate.plan(select, "first.plan").ends(0);
    estate.run(&["apply", "first.plan"]).ends(0);
    served
}

fn rollback(estate: &Estate, more: &[&str]) -> crate::world::Ran {
    estate.run(&[&["rollback", "HRB01", "--target", SERVED], more].concat())
}

fn entries(estate: &Estate, log: &str) -> Vec<Value> {
    let ran = estate.run(&["log", log, "-o", "json"]).ends(0);
    let lines: Vec<Value> = ran.out.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    if lines.is_empty() { ran.json()["entries"].as_array().unwrap().clone() } else { lines }
}

/// Every id that the service gave to objects of a log.
fn ids(estate: &Estate, log: &str) -> BTreeSet<String> {
    let all = entries(estate, log);
    let ids = all.iter().filter_map(|entry| entry["body"]["id"].as_str());
    // Settings have the name of their type as id, the same everywhere; short ids are numbers that occur elsewhere.
    let own = |id: &&str| id.len() > 8 && !id.contains('/') && id.contains(|c: char| c.is_ascii_digit());
    ids.filter(own).map(str::to_owned).collect()
}

fn add_imaging(estate: &Estate) {
    estate.edit(SITE, "owner = \"team-hrb01\"", "owner = \"team-harbour\"");
    estate.append(
        SITE,
        "[[domains]]\nname = \"imaging\"\nproduct_lines = [{ name = \"reads\", purpose = \"treatment\" }]\n",
    );
}

#[test]
fn one_of_three_sites_goes_back_alone_and_what_holds_data_stays() {
    let mut estate = Estate::example();
    let served = launched(&mut estate, &["--site", "HRB01,MPL02,CDR03"]);
    add_imaging(&estate);
    estate.plan(&["--site", "HRB01"], "second.plan").ends(0);
    estate.run(&["apply", "second.plan"]).ends(0);
    let list = estate.run(&["release", "list", "HRB01", "-o", "json"]).ends(0).json();
    let releases = list["releases"].as_array().unwrap();
    assert_eq!(releases.len(), 2);
    assert_eq!((&releases[0]["known_good"], &releases[1]["known_good"]), (&json!(false), &json!(true)));
    assert_ne!(releases[0]["state"], releases[1]["state"]);
    let added = estate.run(&["release", "diff", "HRB01", "R1", "R2"]).ends(0);
    added.prints("  + catalog.prod.imaging   (databricks.catalog)").prints("/tag_value: \"team-hrb01\"");

    served.forget_requests();
    let back = rollback(&estate, &["--out", "back.plan"]).ends(0);
    let back = back.says("the site stands at known-good R2; R1 is the one before").prints("Leads back to R1");
    let back = back.prints("stays: catalog.prod.imaging   (it holds data");
    let back = back.prints("stays: tag.prod.imaging.data_class   (it belongs to catalog.prod.imaging");
    back.prints("- grants.catalog.prod.imaging").prints("[R1 did not have it]");
    assert_eq!(served.mutations(), [], "a way back is planned by looking");
    let plan: Value = serde_json::from_slice(&std::fs::read(estate.path("back.plan")).unwrap()).unwrap();
    let scopes: Vec<&String> = plan["plan"]["scopes"].as_object().unwrap().keys().collect();
    assert_eq!(scopes, ["site/HRB01"]);
    // The estate's files may say what they like meanwhile.
    estate.edit(SITE, "team-harbour", "team-somebody");
    estate.run(&["apply", "back.plan"]).ends(0).prints("Proved    it is as R1 was");

    let requests = served.requests();
    assert!(requests.iter().any(|request| request.mutating));
    for log in ["account", "region/us-east-1", "region/us-west-2", "site/MPL02", "site/CDR03"] {
        let foreign = ids(&estate, log);
        assert!(!foreign.is_empty(), "{log}");
        for request in &requests {
            let named = request.path.split('/').find(|part| foreign.contains(*part));
            assert_eq!(named, None, "{log}: {request:?}");
            assert!(!foreign.contains(&request.workspace), "{log}: {request:?}");
        }
    }

    let shown = estate.run(&["release", "show", "HRB01", "R3", "-o", "json"]).ends(0).json();
    assert_eq!(shown["state"], releases[0]["state"], "it is as the release was");
    assert_eq!(shown["proof"]["proved"], true);
    assert_eq!(shown["proof"]["after"], releases[0]["state"]);
    assert_eq!(shown["proof"]["before"], releases[1]["state"]);
    let proved = entries(&estate, "site/HRB01");
    let proved = proved.iter().find(|entry| entry["kind"] == "rollback.proved").unwrap();
    assert_eq!(proved["body"]["wanted"], releases[0]["state"]);
    assert!(proved["body"]["stayed"]["schema.prod.imaging.reads.gold"].is_string());
    let state = served.state().to_string();
    assert!(state.contains("prod_imaging_hrb01"), "the catalog is still there");

    served.forget_requests();
    rollback(&estate, &["--to", "R1", "--out", "again.plan"])
        .ends(0)
        .prints("No changes. What is there is as R1 was.");
    estate.run(&["apply", "again.plan"]).ends(0);
    assert_eq!(served.mutations(), []);
    rollback(&estate, &[]).ends(3).says("no release before it looked different");
    estate
        .run(&["release", "diff", "HRB01", "R1", "live", "--target", SERVED])
        .ends(0)
        .prints("What is there is as R1 was");
    estate.run(&["evidence", "export", "--site", "HRB01", "--out", "bundle"]).ends(0);
    estate.run(&["evidence", "verify", "bundle"]).ends(0);
}

const WORKSPACES: &str = "templates/landing-zone/workspaces.toml.hbs";

/// Takes a block away that begins so and ends with a blank line.
fn cut(estate: &Estate, file: &str, begins: &str) {
    let text = estate.text(file);
    let (before, rest) = text.split_once(begins).expect("the block is there");
    let (_, after) = rest.split_once("\n\n").expect("the block ends");
    estate.write(file, &format!("{before}{after}"));
}

#[test]
fn a_step_that_cannot_be_undone_is_named_or_refused_and_ends_the_way_back() {
    let mut estate = Estate::example();
    // A site whose workspaces come without the profile, in an estate that has not agreed to it beforehand.
    cut(&estate, WORKSPACES, "[[resource]]\nid = \"setting.compliance_profile");
    cut(&estate, "sites/estate.toml", "[[accept_one_way]]\nwhat = \"databricks.workspace_setting");
    estate.run(&["packs", "lock"]).ends(0);
    let served = launched(&mut estate, &["--wave", "pilot"]);
    estate.edit(SITE, "owner = \"team-hrb01\"", "owner = \"team-harbour\"");
    estate.append(
        WORKSPACES,
        "[[resource]]\nid = \"setting.csp\"\nkind = \"databricks.workspace_setting\"\nvia = \"workspace.prod\"\n\
         [resource.spec]\ntype = \"shield_csp_enablement_ws_db\"\n\
         value = { compliance_security_profile_workspace = { is_enabled = true, compliance_standards = [\"HIPAA\"] } }\n",
    );
    estate.run(&["packs", "lock"]).ends(0);
    estate.plan(&["--wave", "pilot"], "csp.plan").ends(0).prints("site/HRB01 setting.csp   cannot be undone");
    served.forget_requests();
    let asks = "--one-way 'site/HRB01 setting.csp'";
    estate.run(&["apply", "csp.plan"]).ends(3).says("can never be undone").says(asks);
    let refused = estate.run(&["apply", "csp.plan", "--yes"]).ends(3).says(asks);
    assert!(!refused.err.contains("log_delivery"), "what is accepted beforehand is not asked for");
    estate.run(&["apply", "csp.plan", "--one-way", "site/HRB01 *"]).ends(3).says("without wildcards");
    estate.run(&["apply", "csp.plan", "--one-way", "site/HRB01 workspace.prod"]).ends(3).says("no such step");
    assert_eq!(served.mutations(), []);
    estate.run(&["apply", "csp.plan", "--yes", "--one-way", "site/HRB01 setting.csp"]).ends(0);
    let named = entries(&estate, "org");
    let named = named.iter().find(|entry| entry["kind"] == "one-way.named").unwrap();
    assert_eq!(named["body"]["steps"], json!(["site/HRB01 setting.csp"]));
    assert_eq!(named["actor"]["id"], "tester");

    let refused = rollback(&estate, &[]).ends(3).says("past the point of no return").says("setting.csp");
    assert_eq!(refused.err.matches("(run ").count(), 1, "exactly that step:\n{}", refused.err);
    rollback(&estate, &["--to", "known-good"]).ends(0).prints("No changes.");
    estate.run(&["rollback", "account"]).ends(3).says("shared by sites");
    estate.run(&["rollback", "region/us-east-1"]).ends(3).says("shared by sites");
    rollback(&estate, &["--to", "R7"]).ends(64).says("the releases are: R1, R2");
}

#[test]
fn creating_what_can_never_be_deleted_is_asked_for_unless_the_estate_accepts_it() {
    let mut estate = Estate::example();
    let text = estate.text("sites/estate.toml");
    let (before, rest) = text.split_once("[[accept_one_way]]").unwrap();
    let (consent, after) = rest.split_once("\n\n").unwrap();
    estate.write("sites/estate.toml", &format!("{before}{after}"));
    let served = estate.serve(&[]);
    estate.reach(&served, 5000);
    estate.plan(&["--wave", "pilot"], "p.plan").ends(0);
    estate.run(&["apply", "p.plan"]).ends(3).says("--one-way 'account log_delivery.audit'");
    assert_eq!(served.mutations(), []);
    for wrong in [
        "databricks.* create",
        "databricks.log_delivery",
        "databricks.log_delivery delete",
        "databricks.group create",
    ] {
        let consent = consent.replace("databricks.log_delivery create", wrong);
        estate.write("sites/estate.toml", &format!("{before}[[accept_one_way]]{consent}\n\n{after}"));
        estate.run(&["check"]).ends(65).says("estate.wrong-value");
    }
}

#[test]
fn after_a_failure_it_says_how_to_go_back_and_plans_it_where_the_site_asks_for_that() {
    let mut estate = Estate::example();
    let served = launched(&mut estate, &["--wave", "pilot"]);
    estate.edit(SITE, "owner = \"team-hrb01\"", "owner = \"team-harbour\"");
    estate.edit(SITE, "name = \"Harborview", "on_failure = \"panic\"\nname = \"Harborview");
    estate.run(&["check"]).ends(65).says("hold or rollback");
    estate.edit(SITE, "\"panic\"", "\"rollback\"");
    estate.plan(&["--wave", "pilot"], "bad.plan").ends(0);
    // One step is refused by the service, the others are carried out.
    let refused = json!({ "before": { "status": 400, "code": "INVALID_PARAMETER_VALUE" } });
    served.fault("PATCH */workspaces/*", &refused, 0, 1);
    let failed = estate.run(&["apply", "bad.plan"]).ends(1).says("is planned, not applied");
    assert!(failed.err.contains("rollback-HRB01.plan"));
    let file = estate.path("state/plans/rollback-HRB01.plan");
    served.forget_requests();
    estate.run(&["apply", &file.to_string_lossy()]).ends(0).prints("Proved    it is as R1 was");
}

#[test]
fn a_drill_proves_the_way_back_on_sandboxes_only() {
    let mut estate = Estate::example();
    let served = launched(&mut estate, &["--wave", "pilot"]);
    let before = served.state();
    let drilled = rollback(&estate, &["--drill", "-o", "json"]).ends(0).json();
    assert_eq!(drilled["drill"]["proof"]["proved"], true);
    assert_eq!(drilled["drill"]["release"], 1);
    let log = entries(&estate, "site/HRB01");
    let drill = log.iter().find(|entry| entry["kind"] == "drill.rollback").unwrap();
    assert!(drill["body"]["took_ms"].is_u64());
    let comment = |state: &Value| state.to_string().matches("rollback drill").count();
    assert_eq!((comment(&before), comment(&served.state())), (0, 0));
    estate.run(&["release", "list", "HRB01"]).ends(0).prints("drill").prints("back to R1");

    let target = "[targets.served]\n";
    estate.edit("sites/estate.toml", target, &format!("{target}purpose = \"practice\"\n"));
    estate.run(&["check"]).ends(65).says("production or rehearsal");
    estate.edit("sites/estate.toml", "\"practice\"", "\"production\"");
    served.forget_requests();
    rollback(&estate, &["--drill"]).ends(3).says("target served is for production");
    assert_eq!(served.mutations(), []);
}

#[test]
fn what_is_destroyed_with_loss_is_named_and_what_holds_data_is_never_destroyed() {
    let mut estate = Estate::example();
    let served = launched(&mut estate, &["--wave", "pilot"]);
    let ops = "[[account.site_profile]]\nname = \"ops\"\nprod = \"USER\"\nnonprod = \"none\"\n\
               purpose = \"Work lists and dashboards on gold of their own site\"\n";
    estate.edit("sites/estate.toml", ops, "");
    estate.plan(&["--wave", "pilot"], "less.plan").ends(0).prints("- group.ops");
    served.forget_requests();
    let asks = "--allow-destroy 'site/HRB01 group.ops'";
    let refused =
        estate.run(&["apply", "less.plan", "--yes"]).ends(3).says(asks).says("delete databricks.group");
    assert_eq!(
        refused.err.matches("--allow-destroy").count(),
        1,
        "rights can be given again:\n{}",
        refused.err
    );
    for wrong in ["site/HRB01 *", "site/HRB01 assignment.prod.ops", "site/MPL02 group.ops"] {
        estate.run(&["apply", "less.plan", "--allow-destroy", wrong]).ends(3);
    }
    estate.run(&["apply", "less.plan", "--one-way", "site/HRB01 group.ops"]).ends(3).says("no such step");
    assert_eq!(served.mutations(), []);
    estate.run(&["apply", "less.plan", "--allow-destroy", "site/HRB01 group.ops"]).ends(0);
    assert!(!served.state().to_string().contains("cban-hrb01-ops"));
    let named = entries(&estate, "org");
    let named = named.iter().find(|entry| entry["kind"] == "destroy.allowed").unwrap();
    assert_eq!(named["body"]["steps"], json!(["site/HRB01 group.ops"]));

    let claims =
        "[[domains]]\nname = \"claims\"\nproduct_lines = [{ name = \"priorauth\", purpose = \"payment\" }]\n";
    estate.edit(SITE, claims, "");
    estate.plan(&["--wave", "pilot"], "lost.plan").ends(0);
    served.forget_requests();
    let all =
        ["apply", "lost.plan", "--yes", "--allow-destroy", "site/HRB01 catalog.prod.claims", "--one-way"];
    let refused = estate.run(&[&all[..], &["site/HRB01 catalog.prod.claims"]].concat()).ends(3);
    refused
        .says("holds schemas, tables and volumes with a site's data")
        .says("site/HRB01 schema.prod.claims.priorauth.gold   (databricks.schema: holds tables");
    assert_eq!(served.mutations(), []);
}
