//! Objects of Unity Catalog.

use serde_json::{Value, json};

use super::*;

#[test]
fn a_workspace_without_a_metastore_has_no_catalogs() {
    let mut trial = Trial::new(|_| {});
    let id = trial.make_workspace("one");
    trial.use_workspace(&id);
    let refused = trial.refused("GET", &format!("{U}/catalogs"), Value::Null);
    assert_eq!(refused, code(404, "METASTORE_DOES_NOT_EXIST"));
}

#[test]
fn names_fold_slashes_go_and_the_server_adds_its_own() {
    let mut trial = Trial::with_catalog();
    let catalog = trial.get(&format!("{U}/catalogs/CAT")).1;
    assert_eq!(
        (&catalog["name"], &catalog["storage_root"], &catalog["owner"]),
        (&json!("cat"), &json!("s3://lake/cat"), &json!("writer"))
    );
    assert!(catalog["properties"].as_object().is_some_and(|own| own.len() == 1));
    let made = json!({ "name": "Bronze", "catalog_name": "CAT", "owner": "x" });
    let schema = trial.ok("POST", &format!("{U}/schemas"), made);
    assert_eq!((&schema["full_name"], &schema["owner"]), (&json!("cat.bronze"), &json!("writer")));
}

#[test]
fn lists_come_in_pages_one_of_which_is_empty() {
    let mut trial = Trial::with_catalog();
    for name in ["a", "b", "c"] {
        trial.ok("POST", &format!("{U}/schemas"), json!({ "name": name, "catalog_name": "cat" }));
    }
    let (mut sizes, mut token) = (Vec::new(), String::new());
    loop {
        let target = format!("{U}/schemas?catalog_name=cat&max_results=0&page_token={token}");
        let page = trial.get(&target).1;
        sizes.push(page["schemas"].as_array().map_or(0, Vec::len));
        match page["next_page_token"].as_str() {
            Some(next) => token = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(sizes, [2, 0, 2, 1]);
    let all = trial.get(&format!("{U}/schemas?catalog_name=cat")).1;
    assert_eq!(all["schemas"].as_array().map_or(0, Vec::len), 5, "unset asks for everything at once");
}

#[test]
fn refusals_carry_the_codes_of_their_kinds() {
    let mut trial = Trial::with_catalog();
    let cases = [
        ("POST", "catalogs", json!({ "name": "CAT" }), code(400, "CATALOG_ALREADY_EXISTS")),
        ("POST", "catalogs", json!({ "name": "x" }), code(400, "INVALID_STATE")),
        ("POST", "catalogs", json!({ "name": "a.b" }), code(400, "INVALID_PARAMETER_VALUE")),
        ("POST", "catalogs", json!({ "name": 1 }), code(400, "MALFORMED_REQUEST")),
        (
            "POST",
            "catalogs",
            json!({ "name": "x", "storage_root": "s3://other/x" }),
            code(400, "EXTERNAL_LOCATION_DOES_NOT_EXIST"),
        ),
        ("GET", "catalogs/none", Value::Null, code(404, "CATALOG_DOES_NOT_EXIST")),
        ("GET", "schemas/cat.none", Value::Null, code(404, "SCHEMA_DOES_NOT_EXIST")),
        ("GET", "volumes/cat.default.none", Value::Null, code(404, "VOLUME_DOES_NOT_EXIST")),
        ("PATCH", "catalogs/cat", json!({}), code(400, "INVALID_PARAMETER_VALUE")),
        ("DELETE", "catalogs/cat", Value::Null, code(400, "INVALID_STATE")),
        (
            "POST",
            "external-locations",
            json!({ "name": "l2", "url": "s3://lake/x", "credential_name": "sc" }),
            code(400, "LOCATION_OVERLAP"),
        ),
        (
            "POST",
            "storage-credentials",
            json!({ "name": "SC", "aws_iam_role": { "role_arn": "arn:aws:iam::1:role/x" } }),
            code(409, "STORAGE_CREDENTIAL_ALREADY_EXISTS"),
        ),
    ];
    for (method, path, body, expected) in cases {
        assert_eq!(trial.refused(method, &format!("{U}/{path}"), body), expected, "{method} {path}");
    }
}

#[test]
fn force_takes_all_that_is_inside() {
    let mut trial = Trial::with_catalog();
    let tag = json!({ "entity_type": "schemas", "entity_name": "cat.default", "tag_key": "k" });
    trial.ok("POST", &format!("{U}/entity-tag-assignments"), tag);
    let change = json!({ "changes": [{ "principal": "account users", "add": ["USE SCHEMA"] }] });
    trial.ok("PATCH", &format!("{U}/permissions/schema/cat.default"), change);
    trial.ok("DELETE", &format!("{U}/catalogs/cat?force=true"), Value::Null);
    let state = trial.core().state();
    for gone in ["catalogs", "schemas", "grants", "entity_tags"] {
        assert_eq!(state.get(gone), None, "{gone}");
    }
}

#[test]
fn grants_are_deltas_over_known_principals() {
    let mut trial = Trial::with_catalog();
    let path = format!("{U}/permissions/catalog/cat");
    let change = |principal: &str, add: &[&str], remove: &[&str]| {
        let change = json!({ "principal": principal, "add": add, "remove": remove });
        json!({ "changes": [change] })
    };
    trial.ok("PATCH", &path, change("account users", &["USE_CATALOG", "BROWSE"], &[]));
    trial.ok("PATCH", &path, change("Account Users", &["SELECT"], &["BROWSE"]));
    assert_eq!(
        trial.get(&path).1,
        json!({ "privilege_assignments": [
            { "principal": "account users", "privileges": ["SELECT", "USE_CATALOG"] }
        ] })
    );
    let both = trial.refused("PATCH", &path, change("account users", &["SELECT"], &["SELECT"]));
    assert_eq!(both, code(400, "INVALID_PARAMETER_VALUE"));
    let unknown = trial.refused("PATCH", &path, change("nobody", &["SELECT"], &[]));
    assert_eq!(unknown, code(404, "PRINCIPAL_DOES_NOT_EXIST"));
    trial.ok("PATCH", &path, change("account users", &["BROWSE"], &["ALL_PRIVILEGES"]));
    assert_eq!(trial.get(&path).1["privilege_assignments"][0]["privileges"], json!(["BROWSE"]));
}

#[test]
fn an_isolated_catalog_is_for_bound_workspaces() {
    let mut trial = Trial::with_catalog();
    trial.ok("PATCH", &format!("{U}/catalogs/cat"), json!({ "isolation_mode": "ISOLATED" }));
    let here = trial.workspace.clone().expect("a workspace");
    let bindings = trial.get(&format!("{U}/bindings/catalog/cat")).1;
    assert_eq!(bindings["bindings"][0]["workspace_id"].to_string(), here);
    let number: u64 = here.parse().expect("a number");
    let unbind = json!({ "remove": [{ "workspace_id": number }] });
    trial.ok("PATCH", &format!("{U}/bindings/catalog/cat"), unbind);
    let refused = trial.refused("GET", &format!("{U}/schemas/cat.default"), Value::Null);
    assert_eq!(refused, code(403, "PERMISSION_DENIED"));
    assert_eq!(trial.get(&format!("{U}/catalogs")).1["catalogs"], json!([]));
}
