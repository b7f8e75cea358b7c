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
