//! Populations that the platform gives, held against the log, with things that somebody made by hand beside it.

use std::fs;

use serde_json::{Value, json};

use crate::world::{Estate, SERVED, Served, tree};

/// A workspace that nobody planned, tagged for a site.
fn by_hand(served: &Served, name: &str, code: &str) {
    let all = served.call("GET", &served.account("workspaces"), None, &Value::Null);
    let like = &all.as_array().unwrap()[0];
    let body = json!({
        "workspace_name": name, "aws_region": like["aws_region"], "credentials_id": like["credentials_id"],
        "storage_configuration_id": like["storage_configuration_id"], "custom_tags": { "siteCode": code },
    });
    served.call("POST", &served.account("workspaces"), None, &body);
}

fn line<'v>(collected: &'v Value, what: &str) -> &'v Value {
    let all = collected["sites"][0]["reconciliations"].as_array().unwrap();
    all.iter().find(|one| one["what"] == what).unwrap_or_else(|| panic!("no {what} in {collected:#}"))
}

fn collect(estate: &Estate, more: &[&str]) -> Value {
    let mut args = vec!["evidence", "collect", "--site", "HRB01", "--target", SERVED, "-o", "json"];
    args.extend(more);
    estate.run(&args).ends(0).json()
}

#[test]
fn the_platform_gives_the_populations_and_what_was_made_by_hand_is_a_difference() {
    let mut estate = Estate::example();
    let served = estate.serve(&["--page-size", "2"]);
    estate.reach(&served, 5000);
    estate.plan(&["--wave", "pilot"], "p.plan").ends(0);
    estate.run(&["apply", "p.plan"]).ends(0);
    estate.plan(&["--wave", "pilot"], "later.plan").ends(0).prints("No changes.");
    served.forget_requests();

    let first = collect(&estate, &[]);
    assert_eq!(served.mutations(), [], "looking changes nothing");
    for one in first["sites"][0]["reconciliations"].as_array().unwrap() {
        let known = one["standing"].as_str().unwrap();
        assert!(one["agrees"] == true || known.starts_with("source missing"), "{one:#}");
    }
    assert_eq!(line(&first, "schemas of this site")["theirs"]["count"], 18, "over pages of two");
    let events = line(&first, "changes and audit events");
    assert!(events["ours"]["count"].as_u64().unwrap() > 100 && events["differences"] == 0, "{events:#}");
    estate.run(&["apply", "later.plan"]).ends(0);

    by_hand(&served, "somebody-hrb01", "HRB01");
    by_hand(&served, "somebody-rvb07", "RVB07");
    let users = served.account("scim/v2/Users");
    let made = served.call("POST", &users, None, &json!({ "userName": "eve@example.org" }));
    let id = made["id"].as_str().unwrap().to_owned();
    let groups = served.call("GET", &served.account("scim/v2/Groups?count=100"), None, &Value::Null);
    let of_site = |group: &&Value| group["displayName"].as_str().unwrap().contains("hrb01-analysts");
    let mut all = groups["Resources"].as_array().unwrap().clone();
    for start in (1..).step_by(2).take(20) {
        let page = served.account(&format!("scim/v2/Groups?startIndex={start}"));
        all.extend(served.call("GET", &page, None, &Value::Null)["Resources"].as_array().unwrap().clone());
    }
    let group = all.iter().find(of_site).unwrap()["id"].as_str().unwrap().to_owned();
    let add = json!({ "Operations": [{ "op": "add", "path": "members", "value": [{ "value": id }] }] });
    served.call("PATCH", &served.account(&format!("scim/v2/Groups/{group}")), None, &add);
    fs::write(estate.path("idp.json"), r#"{"totalResults":1,"Resources":[{"userName":"ana@example.org"}]}"#)
        .unwrap();
    fs::write(estate.path("left.csv"), "user_name,left\neve@example.org,2027-01-01\n").unwrap();

    let second = collect(&estate, &["--identity", "idp.json", "--leavers", "left.csv"]);
    let own = line(&second, "workspaces of this site");
    assert_eq!(
        (&own["ours"]["count"], &own["theirs"]["count"], &own["differences"]),
        (&json!(2), &json!(3), &json!(1))
    );
    assert!(
        own["listed"][0]["detail"].as_str().unwrap().contains("in the list (tag), not in the log"),
        "{own:#}"
    );
    let account = line(&second, "workspaces of the whole account");
    assert_eq!((&account["ours"]["count"], &account["theirs"]["count"]), (&json!(2), &json!(4)));
    let people = line(&second, "users of the account");
    assert_eq!(people["listed"][0]["item"], id.as_str(), "{people:#}");
    assert_eq!(line(&second, "people who left")["listed"][0]["item"], id.as_str());
    assert_eq!(
        line(&second, "changes and audit events")["differences"],
        3,
        "two workspaces with credentials of the site, and the membership"
    );

    let export = |out: &str| estate.run(&["evidence", "export", "--site", "HRB01", "--out", out]).ends(0);
    export("one");
    export("two");
    let (one, two) = (tree(&estate.path("one")), tree(&estate.path("two")));
    let of_populations = |path: &&String| path.starts_with("population/") || path.starts_with("lead-sheet");
    assert!(one.keys().filter(of_populations).count() > 40);
    for path in one.keys().filter(of_populations) {
        assert_eq!(one[path], two[path], "{path}");
    }
    for (path, bytes) in &one {
        let text = String::from_utf8_lossy(bytes).to_lowercase();
        assert!(!text.contains("rvb07"), "{path} names another site");
        assert!(!text.contains("example.org") || !path.starts_with("population"), "{path} names a person");
    }
    let query = String::from_utf8(one["population/catalogs.query.txt"].clone()).unwrap();
    assert!(query.contains(" pages of 2 + ") && query.contains("no next_page_token"), "{query}");
    estate.run(&["evidence", "verify", "one"]).ends(0).prints("reconciliations made again: ");
    let third = estate.run(&[
        "evidence",
        "export",
        "--site",
        "HRB01",
        "--collect",
        "--target",
        SERVED,
        "--out",
        "three",
    ]);
    third.ends(0).says("populations read from the platform");
}

/// Puts rows of `system.access.table_lineage` into the sandbox.
fn made_from(served: &Served, edges: &[(&str, &str)]) {
    let row = |(source, target): &(&str, &str)| {
        json!({ "source_table_full_name": source, "source_type": "TABLE", "target_table_full_name": target,
                "target_type": "TABLE", "entity_type": "PIPELINE" })
    };
    let rows: Vec<Value> = edges.iter().map(row).collect();
    served.lineage(&json!({ "rows": rows }));
}

#[test]
fn lineage_is_followed_back_from_gold_and_a_gold_table_without_a_source_is_a_finding() {
    let mut estate = Estate::example();
    let served = estate.serve(&["--page-size", "3"]);
    estate.reach(&served, 5000);
    estate.plan(&["--wave", "pilot"], "p.plan").ends(0);
    estate.run(&["apply", "p.plan"]).ends(0);
    let check = |kind: &str| {
        let asked = ["evidence", "check", "--site", "HRB01", "--kind", kind, "-o", "json"];
        let found = estate.run(&asked).ends(0).json();
        assert_eq!(found["asked"], 1, "{found:#}");
        found["there"].as_u64().unwrap()
    };
    collect(&estate, &[]);
    assert_eq!(check("lineage-snapshot"), 0, "no gold table, no lineage");

    let schema = |layer: &str| format!("prod_clinical_hrb01.priorauth_{layer}");
    let [gold, silver, bronze] = ["gold", "silver", "bronze"].map(schema);
    let [cases, lone] = ["cases", "lone"].map(|name| format!("{gold}.{name}"));
    let (notes, faxes) = (format!("{silver}.notes"), format!("{bronze}.faxes"));
    made_from(&served, &[(&notes, &cases), (&faxes, &notes)]);
    served.forget_requests();
    let good = collect(&estate, &[]);
    assert_eq!(served.mutations(), [], "looking changes nothing");
    assert_eq!(line(&good, "gold tables and their sources")["agrees"], true);
    assert_eq!(check("lineage.snapshot"), 1);

    made_from(&served, &[("", &lone)]);
    let found = collect(&estate, &[]);
    let told = line(&found, "gold tables and their sources");
    assert_eq!((&told["ours"]["count"], &told["theirs"]["count"]), (&json!(2), &json!(1)));
    assert_eq!(check("lineage-snapshot"), 0);
    collect(&estate, &[]);
    let findings = estate.run(&["finding", "list", "--site", "HRB01", "-o", "json"]).ends(0);
    let findings = findings.json().to_string();
    assert_eq!(
        findings.matches(&*format!("gold table {lone} has no upstream edge")).count(),
        1,
        "{findings}"
    );

    estate.run(&["evidence", "export", "--site", "HRB01", "--out", "out"]).ends(0);
    estate.run(&["evidence", "verify", "out"]).ends(0);
    let data: Value =
        serde_json::from_slice(&fs::read(estate.path("out/population/lineage.json")).unwrap()).unwrap();
    let table =
        |name: &str| data["tables"].as_array().unwrap().iter().find(|one| one["table"] == name).unwrap();
    let edges = table(&cases)["edges"].as_array().unwrap();
    let pairs: Vec<_> = edges.iter().map(|one| (one["source"].as_str(), one["target"].as_str())).collect();
    assert_eq!(
        pairs,
        [(Some(notes.as_str()), Some(cases.as_str())), (Some(faxes.as_str()), Some(notes.as_str()))]
    );
    assert_eq!((&table(&cases)["raw"], &table(&lone)["has_source"]), (&json!([faxes]), &json!(false)));
    let page = fs::read_to_string(estate.path("out/index.html")).unwrap();
    assert!(page.contains("Lineage: 2 gold tables, 2 edges from source to target; 1 followed back to raw data, 1 without any source."));
    let second = estate.path("out").join("verify_bundle.py");
    let ran = std::process::Command::new("python3").arg(second).arg(estate.path("out")).output();
    if let Ok(ran) = ran {
        let told = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert!(ran.status.success(), "the second verifier agrees:\n{told}");
    }
}
