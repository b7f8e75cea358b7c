//! Who is let in, and where.

use serde_json::json;

use super::*;

#[test]
fn without_a_good_token_nothing_is_answered() {
    let mut trial = Trial::new(|_| {});
    assert_eq!(trial.get(&format!("{A}/workspaces")).0, 200);
    trial.pass(3_600_000);
    assert_eq!(trial.get(&format!("{A}/workspaces")).0, 401, "a token is good for an hour");
    trial.token = "made-up".into();
    assert_eq!(trial.get(&format!("{A}/workspaces")).0, 401);
}

#[test]
fn a_read_only_client_reads_only() {
    let mut trial = Trial::new(|_| {});
    trial.use_token_of("reader");
    assert_eq!(trial.get(&format!("{A}/workspaces")).0, 200);
    let refused = trial.refused("POST", &format!("{A}/scim/v2/Groups"), json!({ "displayName": "g" }));
    assert_eq!(refused, code(403, "PERMISSION_DENIED"));
}

#[test]
fn another_account_and_other_paths_are_not_there() {
    let mut trial = Trial::new(|_| {});
    assert_eq!(trial.get("/api/2.0/accounts/acc-2/workspaces").0, 404);
    for path in
        [&format!("{A}/nothing"), "/", "/api/2.0/accounts/acc-1", "/api/9.9/x", "//", "/__sandbox/state"]
    {
        let (status, body) = trial.get(path);
        let needs_workspace = path.starts_with("/api/9");
        assert_eq!(status, if needs_workspace { 400 } else { 501 }, "{path} {body}");
    }
}
