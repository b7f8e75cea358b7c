//! Bundles with lists of the platform in their logs, in every state that a reconciliation knows, for both verifiers.

use std::collections::BTreeMap;

use landfall::base::digest::Digest;
use landfall::base::id::LogId;
use landfall::evidence::answer::Answer;
use landfall::evidence::bundle::{Files, Parts};
use landfall::evidence::heads::{HeadsBody, PseudonymKey};
use landfall::evidence::population::platform;
use landfall::evidence::tlog_proof::TlogProof;
use landfall::merkle;
use landfall::model::entry::Entry;
use landfall::model::plan::LogHead;
use serde_json::{Value, json};

use super::fixture::{Ending, checkpoint, parts, sealed};
use super::tampering::resealed;

/// A site's log that grows, with the files that it names.
struct Grown {
    parts: Parts,
    entries: Vec<Entry>,
}

impl Grown {
    /// The fixture's log, each entry with all that its kind promises.
    fn new() -> Self {
        let parts = parts(Ending::Well);
        let mut entries: Vec<Entry> =
            parts.site_log.iter().map(|line| serde_json::from_str(line).expect("an entry")).collect();
        for entry in &mut entries {
            let step = entry.step.as_ref().map(ToString::to_string).unwrap_or_default();
            let kind = if step.starts_with("schema") { "databricks.schema" } else { "databricks.catalog" };
            let more = match entry.kind.as_str() {
                "run.started" => json!({ "at": "2027-01-11T09:00:00.000Z" }),
                "step.applying" => applying("create", kind),
                "step.applied" => json!({ "at": "2027-01-11T09:00:00.000Z" }),
                "step.succeeded" => json!({ "attempt": 1, "polls": 0, "settled_in": 1 }),
                _ => json!({}),
            };
            merge(&mut entry.body, more);
        }
        Self { parts, entries }
    }

    /// Appends an entry that belongs to no run of the bundle.
    fn note(&mut self, kind: &str, step: Option<&str>, body: Value) -> &mut Entry {
        let mut entry = self.entries[0].clone();
        entry.kind = kind.to_owned();
        (entry.run, entry.plan, entry.refs) = (None, None, Vec::new());
        entry.step = step.map(|step| step.parse().expect("a step"));
        entry.body = body;
        self.entries.push(entry);
        self.entries.last_mut().expect("just pushed")
    }

    fn made(&mut self, step: &str, kind: &str, id: &str) {
        self.note("step.applying", Some(step), applying("create", kind));
        self.note(
            "step.applied",
            Some(step),
            json!({ "attempt": 1, "at": "2027-01-11T09:00:00.000Z", "id": id }),
        );
        self.ended(step, "created", id);
    }

    fn ended(&mut self, step: &str, effect: &str, id: &str) {
        let body = json!({ "attempt": 1, "effect": effect, "id": id, "polls": 0, "settled_in": 1 });
        self.note("step.succeeded", Some(step), body);
    }

    /// The last step's read-back.
    fn showing(&mut self, live: &Value) {
        let bytes = live.to_string().into_bytes();
        let sha256 = Digest::of(&bytes);
        self.parts.blobs.insert(sha256, bytes);
        let step = self.entries.last().and_then(|entry| entry.step.clone()).expect("a step");
        let named = json!({ "path": format!("readback/{step}.json"), "sha256": sha256 });
        self.entries.last_mut().expect("an entry").refs =
            vec![serde_json::from_value(named).expect("a file")];
    }

    /// Keeps a list of the platform; `change` may spoil what is said of it.
    fn read(&mut self, name: &str, rows: &[&[&str]], change: impl FnOnce(&mut Value)) {
        let (question, columns) = platform::columns(name).expect("a population");
        let wide = |row: &&[&str]| {
            let mut row: Vec<String> = row.iter().map(|cell| (*cell).to_owned()).collect();
            row.resize(columns.len(), String::new());
            row
        };
        let rows: Vec<Vec<String>> = rows.iter().map(wide).collect();
        let csv = Answer { question, sentence: String::new(), columns, rows: rows.clone() }.csv();
        self.keep(name, rows.len(), csv.into_bytes(), change);
    }

    fn keep(&mut self, name: &str, rows: usize, csv: Vec<u8>, change: impl FnOnce(&mut Value)) {
        let sha256 = Digest::of(&csv);
        self.parts.blobs.insert(sha256, csv);
        let mut body = json!({
            "v": 1, "population": name, "target": "production", "read_as": "landfall",
            "began": "2027-01-11T10:00:00.000Z", "ended": "2027-01-11T10:00:01.000Z",
            "calls": [{ "host": "https://accounts.example", "call": "GET /list", "pages": [rows],
                        "end": { "exhausted": { "proof": "it has no next_page_token" } } }],
            "items": rows, "rows": rows, "csv": sha256,
        });
        change(&mut body);
        let entry = self.note("population.read", None, body);
        let named = json!({ "path": format!("population/{name}.csv"), "sha256": sha256 });
        entry.refs = vec![serde_json::from_value(named).expect("a file")];
    }

    fn files(mut self) -> Files {
        for (seq, entry) in self.entries.iter_mut().enumerate() {
            entry.seq = seq as u64;
        }
        let line = |entry: &Entry| serde_json::to_string(entry).expect("JSON");
        let mut parts = self.parts;
        parts.site_log = self.entries.iter().map(line).collect();
        parts.checkpoint = checkpoint("site/HRB01", &parts.site_log);
        let leaves: Vec<Digest> =
            parts.site_log.iter().map(|line| merkle::leaf_hash(line.as_bytes())).collect();
        let own = LogHead { size: leaves.len() as u64, root: merkle::root(&leaves) };
        let mut heads: BTreeMap<LogId, LogHead> = parts.shared.clone();
        heads.insert("site/HRB01".parse().expect("a log"), own);
        let body =
            HeadsBody::new(&PseudonymKey::new([5; 32]), &heads).with_bundle_key(&parts.bundle_key).to_value();
        let mut entry: Entry = serde_json::from_str(&parts.heads_line).expect("the heads");
        (entry.seq, entry.body) = (0, body);
        let org = [line(&entry)];
        parts.heads_proof = TlogProof::of_last(&org, checkpoint("org", &org)).expect("a proof");
        parts.heads_line = org[0].clone();
        sealed(&parts)
    }
}

fn applying(call: &str, kind: &str) -> Value {
    let desired = json!({ "kind": kind, "spec": {}, "spec_digest": Digest::of(b"spec") });
    json!({ "attempt": 1, "call": call, "deadline": "2027-01-11T09:01:00.000Z", "desired": desired })
}

fn merge(body: &mut Value, more: Value) {
    if let (Value::Object(body), Value::Object(more)) = (body, more) {
        body.extend(more);
    }
}

const WORKSPACE: &[&str] = &["1001", "log", "workspace.prod", "cban-hrb01-prod"];
const AT: &str = "2027-01-11T09:30:00.000Z";

/// A log with a list of everything, of which nothing agrees.
fn rich() -> Grown {
    let mut log = Grown::new();
    log.made("workspace.prod", "databricks.workspace", "1001");
    log.showing(&json!({ "workspace_id": 1001, "workspace_name": "=prod", "custom_tags": { "b": [1, true], "a": null } }));
    log.made("group.readers", "databricks.group", "71");
    log.showing(&json!({ "id": "71", "displayName": "readers, all \"of\" them" }));
    log.made("grants.raw", "databricks.grants", "raw");
    log.showing(&json!({ "securable_type": "schema", "full_name": "a.raw", "privilege_assignments": [
        { "principal": "readers", "privileges": ["USE_SCHEMA", "SELECT"] }, { "principal": "é" }] }));
    log.made("assignment.readers", "databricks.workspace_assignment", "x");
    log.showing(&json!({ "workspace_id": 1001, "principal_id": 71, "permissions": ["USER"] }));
    log.made("permissions.policy", "databricks.permissions", "p");
    log.showing(&json!({ "object_type": "cluster-policy", "object_id": "9", "access_control_list": [
        { "group_name": "readers", "all_permissions": [{ "permission_level": "CAN_USE", "inherited": true }] }] }));
    log.made("bindings.raw", "databricks.workspace_bindings", "b");
    log.showing(&json!({ "securable_type": "catalog", "securable_name": "raw",
        "bindings": [{ "workspace_id": 1002, "binding_type": "READ_WRITE" }] }));
    let applied = json!({ "change": "CHG-1", "class": "normal", "ticket": {
        "change": "CHG-1", "number": "CHG0031337", "url": "https://tickets.example/1", "state": "approved",
        "approvers": ["ann"], "read_at": AT, "answer": Digest::of(b"{}"), "plan": Digest::of(b"plan"),
        "standing": "open" } });
    log.note("change.applied", None, applied.clone());
    log.note(
        "change.applied",
        None,
        json!({ "change": "CHG-1", "class": "normal", "ticket": { "number": "CHG0" } }),
    );
    log.note("change.applied", None, applied).run = log_run();
    log.note("evidence.recorded", None, json!({ "kind": "test.restore", "passed": false }));
    log.note("recertification.closed", None, json!({}));
    log
}

fn log_run() -> Option<landfall::base::id::RunId> {
    landfall::base::id::RunId::new("run-0001").ok()
}

/// Lists that differ from the log in every way.
fn listed(log: &mut Grown) {
    log.read(
        "workspaces",
        &[
            WORKSPACE,
            WORKSPACE,
            &["1009", "log", "workspace.prod"],
            &["2002", "tag", "", "=by hand"],
            &["7", "made by the service", ""],
            &["8", "taken away", ""],
            &["9", "log", "workspace.gone"],
        ],
        |body| {
            body["others"] = json!({ "known": 2, "unknown": 3 });
            (body["items"], body["calls"][0]["pages"]) = (json!(12), json!([5, 0, 7]));
        },
    );
    log.read("groups", &[&["71", "log", "group.readers"]], |_| ());
    log.read("grants", &[&["schema", "a.raw", "readers", "SELECT", "grants.raw"]], |_| ());
    let first = log.entries.iter().position(|entry| entry.kind == "step.applying").unwrap_or_default();
    let known = format!("site/HRB01#{first}");
    let own = [AT, "landfall", "POST", "/catalogs", "", known.as_str()];
    log.read("audit-events", &[&own, &own, &[AT, "eve", "DELETE", "/x", "", ""]], |_| ());
    let people: &[&[&str]] = &[
        &["71", "user", "yes", "group", "no", "yes"],
        &["72", "user", "yes", "group", "yes", "no"],
        &["73", "user", "no", "group", "yes", "yes"],
    ];
    let compared = |with: &str, whole: bool| json!({ "with": with, "sha256": Digest::of(b"users"), "people": 6, "whole": whole, "matched": 2, "in_account": 5 });
    log.read("users", people, |body| {
        body["compared"] = json!([compared("identity", true), compared("leavers", false)]);
        body["more_calls"] = json!(4);
    });
    log.read("budgets", &[], |_| ());
    log.read("catalogs", &[], |body| {
        body["calls"][0]["end"] = json!({ "cut": { "why": "a page names a page that was read before" } });
        body["calls"][0]["query"] = json!("max=5");
    });
}

/// Logs whose holdings hang on how calls in doubt are read.
fn doubts() -> Vec<(&'static str, Grown)> {
    let step = Some("workspace.prod");
    let rested = |why: &str| json!({ "attempt": 1, "until": AT, "why": why });
    let histories: [(&str, &[(&str, Value)]); 6] = [
        ("an intent without a result", &[("step.applying", applying("create", "databricks.workspace"))]),
        (
            "a create in doubt, then found",
            &[
                ("step.applying", applying("create", "databricks.workspace")),
                ("step.rested", rested("in-doubt")),
                ("step.found", json!({ "attempt": 1, "at": AT, "id": "1001" })),
            ],
        ),
        (
            "a contested create",
            &[
                ("step.applying", applying("create", "databricks.workspace")),
                ("step.rested", rested("conflict")),
                ("step.applying", applying("create", "databricks.workspace")),
                ("step.rested", rested("in-doubt")),
            ],
        ),
        (
            "an update in doubt of another kind",
            &[
                ("step.applying", applying("update", "databricks.network")),
                ("step.applying", applying("delete", "databricks.workspace")),
                ("step.failed", json!({ "attempt": 1, "cause": { "class": "not-found", "message": "no" } })),
            ],
        ),
        (
            "adopted",
            &[(
                "object.adopted",
                json!({ "desired": applying("", "databricks.workspace")["desired"],
            "id": "1001", "reason": "it was there" }),
            )],
        ),
        (
            "deleted",
            &[
                ("step.applying", applying("delete", "databricks.workspace")),
                ("step.succeeded", json!({ "attempt": 1, "effect": "deleted", "polls": 0, "settled_in": 1 })),
            ],
        ),
    ];
    let made = histories.into_iter().flat_map(|(name, history)| {
        [false, true].map(|after| {
            let mut log = Grown::new();
            if after {
                log.made("workspace.prod", "databricks.workspace", "1000");
            }
            for (kind, body) in history {
                log.note(kind, step, body.clone());
            }
            log.read("workspaces", &[WORKSPACE], |_| ());
            (name, log)
        })
    });
    made.collect()
}

/// Lists that say something wrong of themselves.
fn spoiled() -> Vec<(&'static str, Grown)> {
    type Spoil = fn(&mut Value);
    let spoils: [(&str, Spoil); 9] = [
        ("more rows than there are", |body| body["rows"] = json!(2)),
        ("more items than its pages", |body| body["items"] = json!(9)),
        ("more pages than items", |body| body["calls"][0]["pages"] = json!([1, 1])),
        ("others that are not counted", |body| body["others"] = json!({ "known": 5, "unknown": 0 })),
        ("of a newer program", |body| body["v"] = json!(2)),
        ("of no version", |body| body["v"] = json!(0)),
        ("read as nobody", |body| drop(body.as_object_mut().and_then(|body| body.remove("read_as")))),
        ("without calls", |body| {
            (body["calls"], body["items"], body["rows"]) = (json!([]), json!(1), json!(1));
            body["more_calls"] = json!(1);
        }),
        ("rows of elsewhere", |body| body["csv"] = json!(Digest::of(b"{}"))),
    ];
    let mut cases: Vec<(&str, Grown)> = Vec::new();
    for (name, spoil) in spoils {
        for list in ["workspaces", "audit-events"] {
            let mut log = Grown::new();
            log.read(list, &[&["1001", "landfall", "", ""]], spoil);
            cases.push((name, log));
        }
    }
    for (name, csv) in
        [("a broken table", "id,this\r\n\"x"), ("another head", "id,why\r\n1,2\r\n"), ("no text", "\u{0}")]
    {
        let mut log = Grown::new();
        log.keep("budgets", 1, csv.as_bytes().to_vec(), |_| ());
        cases.push((name, log));
    }
    cases
}

/// Every case by name.
pub fn cases() -> Vec<(String, Files)> {
    let mut cases: Vec<(String, Files)> = Vec::new();
    cases.push(("populated: drawn from the log".into(), rich().files()));
    let mut log = rich();
    listed(&mut log);
    let whole = log.files();
    cases.push(("populated: lists that differ".into(), whole.clone()));
    let mut log = rich();
    let many: Vec<[String; 3]> =
        (0..600).map(|number| [format!("{number}"), "tag".to_owned(), String::new()]).collect();
    let many: Vec<Vec<&str>> = many.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
    log.read("budgets", &many.iter().map(Vec::as_slice).collect::<Vec<_>>(), |_| ());
    cases.push(("populated: six hundred strangers".into(), log.files()));
    let odd = doubts().into_iter().chain(spoiled());
    cases.extend(odd.map(|(name, log)| (format!("populated: {name}"), log.files())));
    // A forger who holds the bundle key, and changes a number or a word.
    for path in whole.keys().filter(|path| path.starts_with("population/") || *path == "lead-sheet.csv") {
        let mut files = whole.clone();
        let bytes = files.get_mut(path).expect("the file");
        match bytes.iter().rposition(u8::is_ascii_alphanumeric) {
            Some(place) => bytes[place] = if bytes[place] == b'1' { b'2' } else { b'1' },
            None => bytes.push(b'1'),
        }
        cases.push((format!("populated: {path} forged"), resealed(files)));
        let mut files = whole.clone();
        files.remove(path);
        cases.push((format!("populated: {path} dropped and resealed"), resealed(files)));
    }
    let mut files = whole;
    files.insert("population/more.csv".into(), b"id\r\n".to_vec());
    cases.push(("populated: a population more".into(), resealed(files)));
    cases
}
