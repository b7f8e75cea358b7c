//! `landfall drift`: what is not as the logs hold it, recorded and accepted.

use serde_json::{Value, json};

use crate::world::{Estate, Ran, SERVED, Served};

/// A pilot that was carried out, and how to change it by hand.
struct World {
    estate: Estate,
    served: Served,
    prod: String,
}

impl World {
    fn launched() -> Self {
        let mut estate = Estate::example();
        let served = estate.serve(&[]);
        estate.reach(&served, 5000);
        estate.plan(&["--wave", "pilot"], "p.plan").ends(0);
        estate.run(&["apply", "p.plan"]).ends(0);
        let all = served.call("GET", &served.account("workspaces"), None, &Value::Null);
        let is_prod = |w: &&Value| w["custom_tags"]["environment"] == "prod";
        let prod = all.as_array().unwrap().iter().find(is_prod).unwrap()["workspace_id"].to_string();
        Self { estate, served, prod }
    }

    fn hand(&self, method: &str, path: &str, body: Value) -> Value {
        self.served.call(method, path, Some(&self.prod), &body)
    }

    fn drift(&self, more: &[&str]) -> Ran {
        let mut args = vec!["drift", "--site", "HRB01", "--target", SERVED];
        args.extend(more);
        self.served.forget_requests();
        let ran = self.estate.run(&args);
        assert_eq!(self.served.mutations(), [], "drift only looks");
        ran
    }
}

const UC: &str = "/api/2.1/unity-catalog";

impl World {
    fn setting(&self, name: &str, field: &str, value: Value) {
        let path = format!("/api/2.0/settings/types/{name}/names/default");
        let etag = self.hand("GET", &path, Value::Null)["etag"].clone();
        let setting = json!({ "etag": etag, "setting_name": "default", field: value });
        let body = json!({ "allow_missing": true, "field_mask": field, "setting": setting });
        self.hand("PATCH", &path, body);
    }

    fn policy(&self, name: &str) -> Value {
        let list = self.hand("GET", "/api/2.0/policies/clusters/list", Value::Null);
        let found = list["policies"].as_array().unwrap().iter().find(|policy| policy["name"] == name);
        found.unwrap().clone()
    }

    fn group(&self, name: &str) -> String {
        let list = self.served.call("GET", &self.served.account("scim/v2/Groups"), None, &Value::Null);
        let found = list["Resources"].as_array().unwrap().iter().find(|group| group["displayName"] == name);
        found.unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// One of each kind of drift.
    fn meddle(&self) {
        // A setting, a policy that is loosened, an owner, a grant, an egress rule.
        self.setting(
            "restrict_workspace_admins",
            "restrict_workspace_admins",
            json!({ "status": "ALLOW_ALL" }),
        );
        let mut policy = self.policy("cban-hrb01-prod-job");
        let mut definition: Value = serde_json::from_str(policy["definition"].as_str().unwrap()).unwrap();
        definition["autoscale.max_workers"]["maxValue"] = json!(600);
        policy["definition"] = json!(definition.to_string());
        self.hand("POST", "/api/2.0/policies/clusters/edit", policy);
        self.hand(
            "PATCH",
            &format!("{UC}/catalogs/prod_clinical_hrb01"),
            json!({ "owner": "cban-automation" }),
        );
        let grant = json!({ "changes": [{ "principal": "cban-platform-admins", "add": ["MODIFY"] }] });
        self.hand("PATCH", &format!("{UC}/permissions/catalog/prod_claims_hrb01"), grant);
        let rules = self.served.account("network-policies/cban-us-east-1-prod");
        let mut network = self.served.call("GET", &rules, None, &Value::Null);
        network["egress"]["network_access"]["allowed_internet_destinations"] = json!([
            { "destination": "paste.example.com", "internet_destination_type": "DNS_NAME" }]);
        self.served.call("PUT", &rules, None, &network);
        // A tag and an object that go.
        let tag = "entity-tag-assignments/catalogs/prod_clinical_hrb01/tags/dataClass";
        self.hand("DELETE", &format!("{UC}/{tag}"), Value::Null);
        self.hand(
            "DELETE",
            &format!("{UC}/volumes/prod_clinical_hrb01.priorauth_bronze.landing"),
            Value::Null,
        );
        // Objects that come: a schema, a volume and a policy, and somebody who may sign in.
        let schema = json!({ "name": "scratch", "catalog_name": "prod_claims_hrb01" });
        self.hand("POST", &format!("{UC}/schemas"), schema);
        let policy = json!({ "name": "anything goes", "definition": "{}" });
        self.hand("POST", "/api/2.0/policies/clusters/create", policy);
        let groups = self.served.account("scim/v2/Groups");
        self.served.call("POST", &groups, None, &json!({ "displayName": "outsiders" }));
        let path =
            format!("workspaces/{}/permissionassignments/principals/{}", self.prod, self.group("outsiders"));
        self.served.call("PUT", &self.served.account(&path), None, &json!({ "permissions": ["USER"] }));
    }
}

#[test]
fn an_untouched_site_has_no_drift_however_often_one_looks() {
    let world = World::launched();
    let log = || world.estate.run(&["log", "site/HRB01"]).ends(0).out;
    let before = log();
    for flags in [&[][..], &["--record"], &["--record"]] {
        let told = world.drift(flags).ends(0);
        assert!(told.out.contains("No drift in 172 objects."), "{}", told.out);
    }
    let after = log();
    let looks = after.strip_prefix(&before).expect("the log only grows");
    assert_eq!((looks.lines().count(), looks.matches("drift.looked").count()), (2, 2), "{looks}");
    let all = world.estate.run(&["drift", "--all", "--target", SERVED]).ends(0);
    all.prints("No log yet, so nothing is held: ").prints("site/MPL02");
    world.estate.run(&["drift", "--wave", "pilot", "--target", SERVED, "-o", "json"]).ends(0);
}

#[test]
fn each_kind_of_drift_is_found_and_classed_and_gone_after_the_next_run() {
    let world = World::launched();
    world.meddle();
    let told = world.drift(&[]).ends(2);
    let is_object = |line: &&str| line.starts_with("  ") && !line.starts_with("   ") && !line.contains('#');
    let found: Vec<String> = told.out.lines().filter(is_object).map(str::to_owned).collect();
    let policy = world.policy("anything goes")["policy_id"].as_str().unwrap().to_owned();
    let assignment = format!("{}/{}", world.prod, world.group("outsiders"));
    assert_eq!(
        found,
        [
            "  ~ network_policy.prod (databricks.network_policy)   changed".to_owned(),
            "  ~ catalog.prod.clinical (databricks.catalog)   changed".to_owned(),
            format!("  ? databricks.cluster_policy:{policy} \"anything goes\"   unmanaged"),
            "  ? databricks.schema:prod_claims_hrb01.scratch   unmanaged".to_owned(),
            format!("  ? databricks.workspace_assignment:{assignment}   unmanaged"),
            "  ~ grants.catalog.prod.claims (databricks.grants)   changed".to_owned(),
            "  ~ policy.prod.job (databricks.cluster_policy)   changed".to_owned(),
            "  ~ setting.restrict_admins.prod (databricks.workspace_setting)   changed".to_owned(),
            "  - tag.prod.clinical.data_class (databricks.entity_tag_assignment)   missing".to_owned(),
            "  - volume.prod.clinical.priorauth.landing (databricks.volume)   missing".to_owned(),
        ],
        "{}",
        told.out
    );
    for words in [
        "/owner: \"cban-platform-admins\" -> \"cban-automation\"   [",
        "/autoscale.max_workers/maxValue: 6 -> 600",
        "\"RESTRICT_TOKENS_AND_JOB_RUN_AS\" -> \"ALLOW_ALL\"",
        "+ {\"destination\":\"paste.example.com\"",
        "Drift: 5 changed, 2 missing, 3 unmanaged, of 172 objects that the logs hold.",
        "landfall plan --site HRB01 --target served puts back what was applied",
    ] {
        assert!(told.out.contains(words), "no {words:?} in\n{}", told.out);
    }
    let client = world.served.of("DATABRICKS_CLIENT_ID");
    let by = told.out.matches(&format!("by: {client} at 20")).count();
    assert_eq!(by, found.len(), "the audit log tells of each who it was:\n{}", told.out);

    world
        .estate
        .plan(&["--wave", "pilot"], "q.plan")
        .ends(0)
        .prints("Plan: 2 to add, 5 to change, 0 to destroy.");
    world.estate.run(&["apply", "q.plan"]).ends(0);
    let told = world.drift(&[]).ends(2);
    assert!(told.out.contains("Drift: 0 changed, 0 missing, 3 unmanaged"), "{}", told.out);
    assert!(!told.out.contains("landfall plan"), "a plan does nothing about them: {}", told.out);
    world.hand("DELETE", &format!("{UC}/schemas/prod_claims_hrb01.scratch"), Value::Null);
    world.hand("POST", "/api/2.0/policies/clusters/delete", json!({ "policy_id": policy }));
    let (workspace, principal) = assignment.split_once('/').unwrap();
    let path = format!("workspaces/{workspace}/permissionassignments/principals/{principal}");
    world.served.call("DELETE", &world.served.account(&path), None, &Value::Null);
    world.drift(&[]).ends(0);
}

#[test]
fn what_no_template_names_is_compared_with_what_was_seen() {
    let world = World::launched();
    let catalog = format!("{UC}/catalogs/prod_clinical_hrb01");
    world.hand("PATCH", &catalog, json!({ "enable_predictive_optimization": "DISABLE" }));
    let told = world.drift(&[]).ends(2);
    let told = told.prints("~ catalog.prod.clinical").prints("/enable_predictive_optimization: ");
    let told = told
        .prints("-> \"DISABLE\"   [nothing declares it; it was otherwise when the object was last verified");
    assert!(
        told.out.contains("a plan does not put it back") && !told.out.contains("landfall plan"),
        "{}",
        told.out
    );
    world.estate.plan(&["--wave", "pilot"], "q.plan").ends(0).prints("No changes.");
    world.estate.run(&["apply", "q.plan"]).ends(0);
    world.drift(&[]).ends(0);
}

#[test]
fn accepted_drift_is_listed_and_does_not_count_and_a_plan_still_shows_it() {
    let world = World::launched();
    let catalog = format!("{UC}/catalogs/prod_clinical_hrb01");
    world.hand("PATCH", &catalog, json!({ "owner": "cban-automation" }));
    let until = std::time::SystemTime::now() + std::time::Duration::from_secs(30 * 24 * 60 * 60);
    let until = until.duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let until = jiff::Timestamp::from_millisecond(i64::try_from(until).unwrap()).unwrap().to_string();
    let accept = |object: &str, what: &[&str], owner: &str, until: &str| {
        let mut args = vec!["drift", "accept", "--site", "HRB01", object, "--target", SERVED];
        args.extend(["--owner", owner, "--until", until, "--reason", "handover of the platform"]);
        args.extend(what);
        world.served.forget_requests();
        let ran = world.estate.run(&args);
        assert_eq!(world.served.mutations(), [], "accepting changes nothing");
        ran
    };
    let owner = &["--field", "/owner"][..];
    accept("catalog.*", owner, "compliance", &until).ends(3).says("wildcard");
    accept("catalog.prod.clinical", &["--field", "/*"], "compliance", &until).ends(3).says("wildcard");
    accept("catalog.prod.claims", owner, "compliance", &until)
        .ends(3)
        .says("catalog.prod.claims has not drifted");
    accept("catalog.prod.clinical", &["--field", "/comment"], "compliance", &until)
        .ends(3)
        .says("it has at: /owner");
    accept("catalog.prod.clinical", &["--whole"], "compliance", &until).ends(3).says("it has at: /owner");
    accept("catalog.prod.clinical", owner, "nobody", &until).ends(64).says("the roles are: ");
    accept("catalog.prod.clinical", owner, "compliance", "2020-01-01").ends(3).says("has passed");
    accept("catalog.prod.clinical", owner, "compliance", "2199-01-01").ends(3).says("within 92 days");
    accept("catalog.prod.clinical", owner, "compliance", &until).ends(0).says("A plan still shows it");

    let told = world.drift(&[]).ends(0);
    let told = told.prints("by tester for compliance: handover of the platform").prints("recorded since");
    told.prints("No drift in 172 objects. 1 accepted: a plan would still put it back.");
    world.estate.plan(&["--wave", "pilot"], "q.plan").ends(0).prints("~ catalog.prod.clinical");

    world.hand("PATCH", &catalog, json!({ "owner": "cban-auditors" }));
    world.drift(&[]).ends(2).prints("1 changed");
    world.hand("PATCH", &catalog, json!({ "owner": "cban-automation" }));
    world.hand("PATCH", &catalog, json!({ "comment": "by hand" }));
    let told = world.drift(&["-o", "json"]).ends(2).json();
    assert_eq!(told["counts"], json!({ "changed": 1, "missing": 0, "unmanaged": 0, "accepted": 0 }));
    let fields = told["drift"]["drifts"][0]["fields"].as_array().unwrap();
    let accepted: Vec<(&str, bool)> =
        fields.iter().map(|field| (field["at"].as_str().unwrap(), field["accepted"].is_object())).collect();
    assert_eq!(accepted, [("/comment", false), ("/owner", true)]);
}

#[test]
fn what_somebody_wrote_about_a_patient_is_neither_shown_nor_recorded() {
    let world = World::launched();
    let catalog = format!("{UC}/catalogs/prod_clinical_hrb01");
    world.hand("PATCH", &catalog, json!({ "comment": "ask about MRN 12345678" }));
    let told = world.drift(&["--record"]).ends(2).prints("not shown: it looks like it holds");
    let log = world.estate.run(&["log", "site/HRB01", "-o", "json"]).ends(0).out;
    assert!(log.contains("drift.found") && log.contains("/comment"), "{log}");
    for text in [&told.out, &told.err, &log] {
        assert!(!text.contains("12345678"), "{text}");
    }
}

#[test]
fn without_sign_in_nothing_is_said() {
    let mut world = World::launched();
    world.estate.set("DATABRICKS_CLIENT_SECRET", "wrong");
    let told = world.drift(&["--record"]).ends(4);
    assert_eq!(told.out, "");
}

#[test]
fn recorded_drift_is_recorded_once_makes_its_evidence_stale_and_ends_with_the_next_run() {
    let world = World::launched();
    let entries = |kind: &str| {
        let log = world.estate.run(&["log", "site/HRB01", "-o", "json"]).ends(0).out;
        log.lines()
            .filter(|line| line.contains(&format!("\"kind\":\"{kind}\"")))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let coverage = || {
        let told = world.estate.run(&["evidence", "coverage", "--site", "HRB01", "-o", "csv"]).ends(0).out;
        told.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let whole = coverage();
    world.setting("restrict_workspace_admins", "restrict_workspace_admins", json!({ "status": "ALLOW_ALL" }));
    let mut policy = world.policy("cban-hrb01-prod-job");
    policy["definition"] = json!("{}");
    world.hand("POST", "/api/2.0/policies/clusters/edit", policy);
    world.drift(&[]).ends(2);
    assert_eq!(entries("drift.found").len(), 0, "only --record records");
    assert_eq!(coverage(), whole);
    world.drift(&["--record"]).ends(2).says("Recorded 2 changes");
    world.drift(&["--record"]).ends(2).says("Recorded 0 changes").prints("recorded since");
    let found = entries("drift.found");
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].contains("policy.prod.job") && found[0].contains("/definition"), "{}", found[0]);

    // The shared scopes, in which nothing differed, were seen again: of their lines only dates have moved.
    let stale: Vec<(String, String)> = whole
        .iter()
        .cloned()
        .zip(coverage())
        .filter(|(before, after)| before != after && after.contains(" has drifted"))
        .collect();
    assert!(!stale.is_empty());
    let rests_on = |kind: &str, object: &str| format!("{kind} ({object} has drifted");
    let policy = rests_on("compute.cluster_policy", "policy.prod.job");
    // That everything reads back as planned rests on every object, so it breaks with any of them.
    let all = "readback.matches_plan (";
    assert!(stale.iter().all(|(_, after)| after.contains(&policy) || after.contains(all)), "{stale:#?}");
    assert!(stale.iter().any(|(_, after)| after.contains(&policy)), "{stale:#?}");

    world.setting(
        "restrict_workspace_admins",
        "restrict_workspace_admins",
        json!({ "status": "RESTRICT_TOKENS_AND_JOB_RUN_AS" }),
    );
    world.drift(&["--record"]).ends(2).says("Recorded 1 change");
    assert_eq!(entries("drift.gone").len(), 1);
    world.estate.plan(&["--wave", "pilot"], "q.plan").ends(0).prints("0 to add, 1 to change");
    world.estate.run(&["apply", "q.plan"]).ends(0);
    world.drift(&["--record"]).ends(0).says("Recorded 0 changes");
    assert_eq!(entries("drift.gone").len(), 1, "a run that sees it mended is record enough");
}

#[test]
fn a_finding_is_opened_once_for_each_object_that_was_changed_by_hand() {
    let world = World::launched();
    let catalog = format!("{UC}/catalogs/prod_clinical_hrb01");
    world.hand("PATCH", &catalog, json!({ "owner": "cban-automation" }));
    let incident = ["--record", "--open-finding", "--owner", "platform"];
    world.drift(&["--open-finding", "--owner", "platform"]).ends(64);
    world.drift(&["--record", "--open-finding"]).ends(64);
    world.drift(&["--record", "--open-finding", "--owner", "nobody"]).ends(64).says("the roles are: ");
    world.drift(&incident).ends(2).says("Recorded 2 changes");
    world.drift(&incident).ends(2).says("Recorded 0 changes");
    // Another change of the same object is more of the same incident.
    world.hand("PATCH", &catalog, json!({ "comment": "by hand" }));
    world.drift(&incident).ends(2).says("Recorded 1 change");
    let list = world.estate.run(&["finding", "list", "--site", "HRB01"]).ends(0);
    let list = list.prints("1 findings, 1 of them open").prints("high").prints("platform");
    list.prints("drift: catalog.prod.clinical was changed outside of Landfall");
    let log = world.estate.run(&["log", "site/HRB01", "-o", "json"]).ends(0).out;
    let entries: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let seq = |kind: &str| entries.iter().find(|entry| entry["kind"] == kind).unwrap()["seq"].to_string();
    assert!(log.contains("drift.found") && log.contains("\"who\":{"), "who did it is recorded with it");

    world.estate.plan(&["--wave", "pilot"], "q.plan").ends(0);
    world.estate.run(&["apply", "q.plan"]).ends(0);
    let after = world.estate.run(&["log", "site/HRB01", "-o", "json"]).ends(0).out;
    let mended: Value = after
        .lines()
        .rev()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .find(|entry| entry["kind"] == "step.succeeded" && entry["step"] == "catalog.prod.clinical")
        .unwrap();
    let (finding, evidence) = (seq("finding.opened"), mended["seq"].to_string());
    let close = ["finding", "close", "--site", "HRB01", "--finding", &finding, "--evidence", &evidence];
    world.estate.run(&[&close[..], &["--comment", "put back"]].concat()).ends(0);
    world.hand("PATCH", &catalog, json!({ "owner": "cban-automation" }));
    world.drift(&incident).ends(2).says("Recorded 2 changes");
    world.estate.run(&["finding", "list", "--site", "HRB01"]).ends(0).prints("2 findings, 1 of them open");
}
