//! Releases, the way back and differences: logs in, words out.

use serde_json::{Value, json};

use super::*;

/// A log in short: `run kind step body`, one entry a line.
fn log(lines: &[(&str, &str, Option<&str>, Value)]) -> Vec<Entry> {
    let entry = |(seq, (run, kind, step, body)): (usize, &(&str, &str, Option<&str>, Value))| {
        let mut raw = json!({
            "v": 1, "seq": seq, "at": "2027-01-11T00:00:00.000Z", "log": "site/HRB01", "run": format!("run-{run}"), "kind": kind,
            "actor": { "type": "person", "id": "tester" }, "body": body, "salt": "00000000000000000000000000000000",
        });
        if let Some(step) = step {
            raw["step"] = json!(step);
        }
        serde_json::from_value(raw).unwrap()
    };
    lines.iter().enumerate().map(entry).collect()
}

fn started() -> Value {
    json!({ "at": "2027-01-11T00:00:00.000Z" })
}

fn desired(spec: &Value) -> Value {
    json!({ "kind": "databricks.catalog", "spec": spec, "spec_digest": Digest::of_canonical(spec) })
}

fn applying(version: u32) -> Value {
    json!({ "attempt": 1, "call": "update", "deadline": "2027-01-11T00:01:00.000Z",
        "desired": desired(&json!({ "version": version })) })
}

fn succeeded(effect: &str, version: Option<u32>) -> Value {
    let mut body = json!({ "attempt": 1, "effect": effect, "polls": 0, "settled_in": 0 });
    if let Some(version) = version {
        body["desired"] = desired(&json!({ "version": version }));
    }
    body
}

fn ended(outcome: &str) -> Value {
    json!({ "outcome": outcome, "counts": { "unchanged": 0, "created": 0, "updated": 0, "replaced": 0, "deleted": 0,
        "checked": 0, "failed": 0, "blocked": 0 } })
}

/// One run that brings `catalog.a` to a version, or finds it so.
fn run(
    name: &'static str,
    changes: bool,
    version: u32,
    outcome: &str,
) -> Vec<(&'static str, &'static str, Option<&'static str>, Value)> {
    let mut lines = vec![(name, "run.started", None, started())];
    if changes {
        lines.push((name, "step.applying", Some("catalog.a"), applying(version)));
        lines.push((
            name,
            "step.applied",
            Some("catalog.a"),
            json!({ "attempt": 1, "at": "2027-01-11T00:00:01.000Z" }),
        ));
    }
    if outcome == "succeeded" {
        let (effect, version) = if changes { ("updated", None) } else { ("unchanged", Some(version)) };
        lines.push((name, "step.succeeded", Some("catalog.a"), succeeded(effect, version)));
    }
    lines.push((name, "run.ended", None, ended(outcome)));
    lines
}

/// The releases as `number run version`, and where the way back leads.
fn check(lines: &[(&str, &str, Option<&str>, Value)], expect: &[&str], back: Option<&str>) -> History {
    let entries = log(lines);
    let history = History::read(&entries, &|_| None).unwrap();
    let words = |release: &Release| {
        let state: Vec<String> =
            release.state.0.values().map(|kept| kept.spec["version"].to_string()).collect();
        let run = release.run.as_str().trim_start_matches("run-");
        format!("{} {run} v{}", release.name(), state.join(","))
    };
    assert_eq!(history.releases.iter().map(words).collect::<Vec<_>>(), expect);
    assert_eq!(history.way_back().map(|(release, _)| release.name()), back.map(str::to_owned));
    history
}

#[test]
fn a_run_that_ended_well_is_a_release_and_one_that_found_the_same_confirms_it() {
    check(&[], &[], None);
    let first = run("a", true, 1, "succeeded");
    check(&first, &["R1 a v1"], None);
    let confirmed = [&first[..], &run("b", false, 1, "succeeded")].concat();
    check(&confirmed, &["R1 a v1"], None);
    let second = [&confirmed[..], &run("c", true, 2, "succeeded")].concat();
    check(&second, &["R1 a v1", "R2 c v2"], Some("R1"));
    let differs = [&first[..], &run("b", false, 2, "succeeded")].concat();
    check(&differs, &["R1 a v1", "R2 b v2"], Some("R1"));
}

#[test]
fn a_failed_run_is_no_release_and_the_way_back_leads_to_known_good() {
    let failed = [run("a", true, 1, "succeeded"), run("b", true, 2, "failed")].concat();
    let history = check(&failed, &["R1 a v1"], Some("R1"));
    assert!(!history.stands_at_known_good());
    assert_eq!(history.now.0.values().next().unwrap().spec["version"], 2, "what it did counts");
    let unfinished = &failed[..failed.len() - 1];
    check(unfinished, &["R1 a v1"], Some("R1"));
}

#[test]
fn going_back_twice_does_not_lead_forward_again() {
    let there =
        [run("a", true, 1, "succeeded"), run("b", true, 2, "succeeded"), run("c", true, 3, "succeeded")]
            .concat();
    check(&there, &["R1 a v1", "R2 b v2", "R3 c v3"], Some("R2"));
    let back = [&there[..], &run("d", true, 2, "succeeded")].concat();
    check(&back, &["R1 a v1", "R2 b v2", "R3 c v3", "R4 d v2"], Some("R1"));
}

#[test]
fn what_was_done_after_a_release_counts_unless_it_was_refused() {
    let mut lines = run("a", true, 1, "succeeded");
    lines.extend(run("b", true, 2, "failed"));
    let history = check(&lines, &["R1 a v1"], Some("R1"));
    let done = history.done_after(&history.releases[0]);
    assert_eq!(done.iter().map(|one| one.step.as_str()).collect::<Vec<_>>(), ["catalog.a"]);
    let mut refused = run("a", true, 1, "succeeded");
    refused.extend([
        ("b", "run.started", None, started()),
        ("b", "step.applying", Some("catalog.a"), applying(2)),
        (
            "b",
            "step.failed",
            Some("catalog.a"),
            json!({ "attempt": 1, "cause": { "class": "bad-request", "message": "no" } }),
        ),
        ("b", "run.ended", None, ended("failed")),
    ]);
    let history = check(&refused, &["R1 a v1"], Some("R1"));
    assert_eq!(history.done_after(&history.releases[0]), []);
    let in_doubt = &refused[..refused.len() - 2];
    let history = check(in_doubt, &["R1 a v1"], Some("R1"));
    assert_eq!(history.done_after(&history.releases[0]).len(), 1, "it may have had its effect");
}

#[test]
fn what_comes_from_the_own_scope_is_kept_by_name_and_the_rest_by_value() {
    let template = json!({
        "own": "${group.ops.id}", "both": "${group.ops.id}/${region:metastore.primary.metastore_id}",
        "region": "${region:metastore.primary.metastore_id}", "plain": "a $${b}", "list": ["${group.ops.id}", "x"],
        "count": 3,
    });
    let sent = json!({
        "own": "17", "both": "17/m-1", "region": "m-1 ${c}", "plain": "a ${b}", "list": ["17", "x"], "count": 3,
    });
    let expect = json!({
        "own": "${group.ops.id}", "both": "17/m-1", "region": "m-1 $${c}", "plain": "a $${b}",
        "list": ["${group.ops.id}", "x"], "count": 3,
    });
    assert_eq!(settled(&template, &sent), expect);
}

#[test]
fn differences_are_told_by_object_and_field() {
    let state = |raw: Value| -> State {
        let objects = raw.as_object().unwrap().iter().map(|(step, spec)| {
            let kind = KindName::new("databricks.catalog").unwrap();
            (StepId::new(step.as_str()).unwrap(), Kept { kind, via: None, spec: spec.clone() })
        });
        State(objects.collect())
    };
    let first =
        state(json!({ "catalog.a": { "x": 1, "deep": { "y": 1 } }, "catalog.b": {}, "catalog.c": {} }));
    let second =
        state(json!({ "catalog.a": { "x": 1, "deep": { "y": 2 } }, "catalog.c": {}, "catalog.d": {} }));
    let told = serde_json::to_value(difference(&first, &second)).unwrap();
    assert_eq!(
        told,
        json!([
            { "step": "catalog.a", "kind": "databricks.catalog",
              "change": { "fields": [{ "at": "/deep/y", "from": 1, "to": 2 }] } },
            { "step": "catalog.b", "kind": "databricks.catalog", "change": "removed" },
            { "step": "catalog.d", "kind": "databricks.catalog", "change": "added" },
        ])
    );
    assert_eq!(difference(&first, &first), []);
    assert_ne!(first.digest(), second.digest());
}
