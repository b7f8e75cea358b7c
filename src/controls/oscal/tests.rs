//! The files say what the log shows, refer to nothing outside, and are the same each time.

use serde_json::{Value, json};

use super::*;
use crate::base::time::Millis;
use crate::controls::{Beside, History, observe, rows_with, standings};
use crate::model::control::OpenFinding;
use crate::model::entry::{Actor, ActorKind, BlobRef, Entry};

const KEY: &str = "encryption.cmk_at_rest";
const GROUPS: &str = "identity.scim_groups";

fn start() -> Timestamp {
    "2027-01-11T09:00:00Z".parse().expect("a moment")
}

fn entry(seq: u64, kind: &str, step: Option<&str>, body: Value) -> Entry {
    let readback = BlobRef { path: "readback/key.json".into(), sha256: Digest::of(b"{}") };
    Entry {
        v: 1,
        seq,
        at: start(),
        log: "site/HRB01".parse().expect("a log"),
        run: None,
        kind: kind.into(),
        step: step.map(|step| step.parse().expect("a step")),
        actor: Actor { kind: ActorKind::Rehearsal, id: "rehearsal".into() },
        plan: Some(Digest::of(b"plan")),
        refs: if kind == "step.succeeded" { vec![readback] } else { Vec::new() },
        body,
        salt: String::new(),
    }
}

/// The files of a site with one kind that holds and one whose step ended so.
fn made(ending: &str, body: Value) -> BTreeMap<String, Value> {
    made_beside(vec![entry(2, ending, Some("group.a"), body)], Beside::default())
}

/// The same with these entries after the first, and what else is known of controls.
fn made_beside(more: Vec<Entry>, beside: Beside) -> BTreeMap<String, Value> {
    let catalogue = Catalogue::embedded();
    let steps = [("key.a", KEY), ("group.a", GROUPS)];
    let steps = steps.map(|(step, kind)| (step.parse().expect("a step"), Some(kind.to_owned()))).into();
    let mut entries =
        vec![entry(0, "run.started", None, json!({})), entry(1, "step.succeeded", Some("key.a"), json!({}))];
    entries.extend(more);
    let log: LogId = "site/HRB01".parse().expect("a log");
    let history = History {
        log: log.clone(),
        entries,
        plans: [(Digest::of(b"plan"), steps)].into(),
        void: Default::default(),
    };
    let now = start() + Millis::from_secs(3600);
    let standings = standings(catalogue, &observe(catalogue, &[history]), now);
    let rows = rows_with(catalogue, &standings, &beside, now);
    let files = [
        (Digest::of(b"{}"), "evidence/0001-key.json".to_owned()),
        (Digest::of(b"log"), "journal/site.jsonl".to_owned()),
    ]
    .into();
    let head = LogHead { size: 3, root: Digest::of(b"root") };
    let (site, wave) = ("HRB01".parse().expect("a site"), "pilot".parse().expect("a wave"));
    let subject = Subject {
        site: &site,
        wave: Some(&wave),
        estate: "Example Health",
        rehearsal: true,
        tool: "landfall 0.1.0",
        exported: (now, "compliance"),
        began: start(),
        log: (&log, &head),
        rows: &rows,
        standings: &standings,
        files: &files,
    };
    let files = super::files(catalogue, &subject).expect("files");
    assert_eq!(super::files(catalogue, &subject).as_ref(), Ok(&files), "the same each time");
    let read = |(path, bytes): (String, Vec<u8>)| {
        let value: Value = serde_json::from_slice(&bytes).expect("JSON");
        assert_eq!(canonical_bytes(&value), bytes, "{path} is canonical");
        (path, value)
    };
    files.into_iter().map(read).collect()
}

fn failed() -> BTreeMap<String, Value> {
    made("step.failed", json!({ "cause": { "message": "no such\n group" } }))
}

fn finding_of<'f>(files: &'f BTreeMap<String, Value>, target: &str) -> &'f Value {
    let results = &files["oscal/assessment-results.json"]["assessment-results"]["results"][0];
    let findings = results["findings"].as_array().expect("findings");
    findings.iter().find(|finding| finding["target"]["target-id"] == target).expect("a finding")
}

#[test]
fn without_open_items_there_is_no_list_of_them() {
    let names = |files: BTreeMap<String, Value>| files.into_keys().collect::<Vec<_>>();
    let well = names(made("step.succeeded", json!({})));
    let expected = [
        "oscal/assessment-plan.json",
        "oscal/assessment-results.json",
        "oscal/component-definition.json",
        "oscal/hipaa-security-rule.catalog.json",
        "oscal/hipaa-to-800-53.mapping.json",
    ];
    assert_eq!(well, expected);
    assert!(names(failed()).contains(&"oscal/plan-of-action-and-milestones.json".to_owned()));
}

#[test]
fn a_finding_is_satisfied_only_if_the_control_is_evidenced() {
    let files = failed();
    let status = |target: &str| finding_of(&files, target)["target"]["status"].clone();
    assert_eq!(status("sc-28_obj"), json!({ "state": "satisfied", "reason": "pass" }));
    assert_eq!(status("ac-2.1_obj"), json!({ "state": "not-satisfied", "reason": "fail" }));
    // The key is held, but nothing shows that keys are rotated.
    assert_eq!(status("hipaa-164.312-a-2-iv_obj"), json!({ "state": "not-satisfied", "reason": "other" }));
    let risks = finding_of(&files, "ac-2.1_obj")["related-risks"].as_array().expect("risks").len();
    assert_eq!(risks, 1);
}

#[test]
fn observations_name_files_by_digest_and_say_what_was_seen() {
    let files = failed();
    let document = &files["oscal/assessment-results.json"]["assessment-results"];
    let observations = document["results"][0]["observations"].as_array().expect("observations");
    let told: Vec<&str> = observations.iter().filter_map(|one| one["description"].as_str()).collect();
    assert_eq!(
        told,
        [
            "Data at rest is encrypted with keys of the customer: 1 of 1 steps hold.",
            "Users and groups come from the identity provider: 0 of 1 steps hold. group.a failed: no such group.",
            "Settings read back equal the plan: 1 of 2 steps hold. group.a failed: no such group.",
        ]
    );
    assert_eq!(observations[0]["expires"], "2027-04-11T09:00:00.000Z");
    let resources = document["back-matter"]["resources"].as_array().expect("resources");
    let read_back =
        resources.iter().find(|one| one["title"] == "evidence/0001-key.json").expect("a resource");
    assert_eq!(read_back["rlinks"][0]["href"], "../evidence/0001-key.json");
    assert_eq!(read_back["rlinks"][0]["hashes"][0]["value"], Digest::of(b"{}").to_string());
}

#[test]
fn every_control_that_is_named_is_in_a_catalogue() {
    let files = failed();
    let groups = &files["oscal/hipaa-security-rule.catalog.json"]["catalog"]["groups"];
    let controls = groups.as_array().expect("groups").iter().flat_map(|group| group["controls"].as_array());
    let mut known: Vec<&str> = controls.flatten().filter_map(|control| control["id"].as_str()).collect();
    assert_eq!(known.len(), 71);
    known.extend(Catalogue::embedded().controls(Framework::Nist).keys().map(String::as_str));
    let mut named = Vec::new();
    files.values().for_each(|file| collect(file, &mut named));
    assert!(named.len() > 100);
    for id in named {
        assert!(known.contains(&id.trim_end_matches("_obj")), "{id}");
    }
}

fn collect<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(members) => {
            let keys = ["control-id", "id-ref", "target-id", "objective-id"];
            found.extend(keys.iter().filter_map(|key| members.get(*key)?.as_str()));
            members.values().for_each(|value| collect(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn a_reference_that_leads_nowhere_is_refused() {
    let files = failed();
    let whole = &files["oscal/assessment-results.json"];
    assert_eq!(check("results", whole), Ok(()));
    let spoilt = |pointer: &str, value: Value| {
        let mut document = whole.clone();
        *document.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
        check("results", &document).expect_err(pointer).what
    };
    let result = "/assessment-results/results/0";
    let stranger = "00000000-0000-5000-8000-000000000000";
    for place in [
        "findings/0/related-observations/0/observation-uuid",
        "findings/0/origins/0/actors/0/actor-uuid",
        "observations/0/subjects/0/subject-uuid",
        "risks/0/related-observations/0/observation-uuid",
    ] {
        assert!(spoilt(&format!("{result}/{place}"), json!(stranger)).ends_with("leads nowhere"), "{place}");
    }
    let metadata = "/assessment-results/metadata/responsible-parties/0";
    assert!(spoilt(&format!("{metadata}/party-uuids"), json!([stranger])).ends_with("leads nowhere"));
    assert!(spoilt(&format!("{metadata}/role-id"), json!("nobody")).ends_with("is not defined"));
    let resource = "/assessment-results/back-matter/resources/0/uuid";
    assert!(spoilt(resource, json!(stranger)).ends_with("leads nowhere"), "its readers lose it");
    let twice = whole.pointer("/assessment-results/uuid").expect("a name").clone();
    assert!(spoilt(&format!("{result}/uuid"), twice).ends_with("is given twice"));
}

#[test]
fn no_list_is_empty() {
    fn walk(value: &Value, at: &str) {
        match value {
            Value::Array(items) => {
                assert!(!items.is_empty(), "{at}");
                items.iter().for_each(|item| walk(item, at));
            }
            Value::Object(members) => {
                members.iter().for_each(|(key, value)| walk(value, &format!("{at}/{key}")))
            }
            Value::String(text) => assert!(!text.is_empty(), "{at}"),
            Value::Null => panic!("{at} is null"),
            Value::Bool(_) | Value::Number(_) => {}
        }
    }
    for (path, value) in failed().iter().chain(&made("step.blocked", json!({ "by": "key.a" }))) {
        walk(value, path);
    }
}

#[test]
fn waivers_and_findings_are_open_items_with_their_ends() {
    let missing = json!({ "passed": false, "missing": ["nobody looked"] });
    let waiver = json!({ "statement": { "subject": { "kind": "item", "name": "operate.log-review" },
        "expires": "2027-03-01T00:00:00.000Z" } });
    let more = vec![
        entry(2, "step.succeeded", Some("group.a"), json!({})),
        entry(3, "item.recorded", Some("operate.log-review"), missing),
        entry(4, "waiver.granted", None, waiver),
    ];
    let finding = OpenFinding {
        entry: 9,
        severity: "high".into(),
        serious: true,
        title: "grants without owner".into(),
        since: start(),
        due: Some("2027-02-01T00:00:00Z".parse().expect("a moment")),
    };
    let findings = [("sc-28".to_owned(), vec![finding])].into();
    let files = made_beside(more, Beside { findings, ..Beside::default() });
    let open = &files["oscal/plan-of-action-and-milestones.json"]["plan-of-action-and-milestones"];
    let told = |list: &str, field: &str| {
        let all = open[list].as_array().expect("a list");
        all.iter().map(|one| one[field].as_str().unwrap_or("-").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        told("poam-items", "title"),
        ["Not shown: Somebody looked at the logs", "Finding 9: grants without owner"]
    );
    assert_eq!(told("risks", "status"), ["deviation-approved", "open"]);
    assert_eq!(told("risks", "deadline"), ["2027-03-01T00:00:00.000Z", "2027-02-01T00:00:00.000Z"]);
    let sc28 = finding_of(&files, "sc-28_obj");
    assert_eq!(sc28["target"]["status"]["state"], "not-satisfied", "a serious finding is open");
    assert_eq!(sc28["related-risks"].as_array().map(Vec::len), Some(1));
}
