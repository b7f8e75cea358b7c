//! Faults, late reads and the request log.

use serde_json::{Value, json};

use super::*;

fn rule(pattern: &str, kind: FaultKind) -> Fault {
    Fault::once(pattern, kind)
}

#[test]
fn a_lost_answer_took_effect_and_a_refusal_before_did_not() {
    let mut trial = Trial::new(|_| {});
    let (path, body) = (format!("{A}/scim/v2/Groups"), json!({ "displayName": "g" }));
    let before = FaultKind::Before { status: 500, code: "INTERNAL_ERROR".into() };
    trial.core().add_fault(rule("POST */scim/v2/Groups", before));
    assert_eq!(trial.refused("POST", &path, body.clone()), code(500, "INTERNAL_ERROR"));
    assert_eq!(trial.get(&path).1["totalResults"], 0);
    trial.core().add_fault(rule("POST */scim/v2/Groups", FaultKind::AfterEffect { status: None }));
    assert_eq!(trial.post(&path, body.clone()).0, 0);
    assert_eq!(trial.get(&path).1["totalResults"], 1);
    assert_eq!(trial.post(&path, body).0, 409, "the rule is used up and the group is there");
}

#[test]
fn too_many_and_unavailable_say_when_to_come_back() {
    let mut trial = Trial::new(|config| {
        config.faults = vec![
            rule("GET *", FaultKind::TooMany { retry_after: Some(7) }),
            rule("GET *", FaultKind::Unavailable),
        ];
    });
    let answered = trial.call("GET", &format!("{A}/workspaces"), Value::Null);
    assert_eq!((answered.status, answered.retry_after), (429, Some(7)));
    let answered = trial.call("GET", &format!("{A}/workspaces"), Value::Null);
    assert_eq!((answered.status, answered.retry_after), (503, None));
    assert_eq!(trial.get(&format!("{A}/workspaces")).0, 200);
}

#[test]
fn first_reads_may_be_stale() {
    let mut trial = Trial::with_catalog();
    let kind = FaultKind::StaleFirstRead { reads: 1, absent: false };
    let stale = Fault { times: 2, ..rule("GET *catalogs/late", kind) };
    trial.core().add_fault(stale);
    let made = json!({ "name": "late", "storage_root": "s3://lake/late" });
    trial.ok("POST", &format!("{U}/catalogs"), made);
    let path = format!("{U}/catalogs/late");
    assert_eq!([trial.get(&path).0, trial.get(&path).0], [404, 200]);
    trial.ok("PATCH", &path, json!({ "comment": "new" }));
    let comments = [trial.get(&path).1["comment"].clone(), trial.get(&path).1["comment"].clone()];
    assert_eq!(comments, [Value::Null, json!("new")]);
}

#[test]
fn reads_settle_after_a_while() {
    let mut trial = Trial::new(|config| config.settle_ms = 1000);
    let path = format!("{A}/scim/v2/Groups");
    let id = trial.ok("POST", &path, json!({ "displayName": "g" }))["id"].clone();
    let item = format!("{path}/{}", id.as_str().unwrap_or_default());
    assert_eq!(trial.get(&item).0, 404);
    trial.pass(1000);
    assert_eq!(trial.get(&item).0, 200);
}

#[test]
fn a_refused_request_leaves_nothing_behind() {
    let mut trial = Trial::with_catalog();
    let before = trial.core().state();
    let half = json!({ "changes": [
        { "principal": "account users", "add": ["BROWSE"] },
        { "principal": "nobody", "add": ["BROWSE"] },
    ] });
    trial.refused("PATCH", &format!("{U}/permissions/catalog/cat"), half);
    assert_eq!(trial.core().state(), before);
}

#[test]
fn the_log_holds_paths_and_nothing_secret() {
    let mut trial = Trial::new(|_| {});
    trial.get(&format!("{A}/workspaces?secret=1"));
    let log: Vec<_> = trial.core().requests().cloned().collect();
    let last = log.last().expect("a request");
    assert_eq!(
        (last.seq, last.method.as_str(), last.path.as_str(), last.status, last.mutating),
        (2, "GET", "/api/2.0/accounts/acc-1/workspaces", 200, false)
    );
}
