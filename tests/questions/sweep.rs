//! Canaries by sweep: kind by kind, every text of every answer about it says something about a patient or a password, while
//! all other kinds answer as they should. A launch that ends early for one kind so still tests the others. The same with
//! every file of an estate and every text that people write. All of it in this process, on a clock that does not wait.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use landfall::base::digest::Digest;
use landfall::base::id::{LogId, ScopeId, SiteCode};
use landfall::base::secret::Secret;
use landfall::driver::databricks::{Auth, Databricks, Settings};
use landfall::entropy::Entropy;
use landfall::journal::Journal;
use landfall::journal::memory::MemoryJournal;
use landfall::journal::sqlite::SqliteJournal;
use landfall::model::entry::{Actor, ActorKind};
use landfall::model::estate::CalendarUse;
use landfall::model::plan::{Plan, SavedPlan, TargetName, WavePlan};
use landfall::ops::Context;
use landfall::ops::desired::Desired;
use landfall::ops::export::{self, export};
use landfall::ops::launch::{Watch, begin};
use landfall::ops::note::{self, Note};
use landfall::ops::plan::{Asked, make, select};
use landfall::ops::target::Reached;
use landfall::runner::clock::Clock;
use landfall::runner::feed::Feed;
use landfall::runner::stop::Stop;
use landfall::sandbox::{ClientCredential, Config, Sandbox, serve};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::canary::{Planted, canaries, is_sign_in, kind_of};
use super::proxy;
use super::world::{copy, repository, tree};

const ACCOUNT: &str = "a2f1c0de-0000-4000-8000-00000000cafe";
const SITE: &str = "HRB01";

/// A target of this process behind a service that says too much about one kind.
async fn reached(clock: &Clock, spills: Option<String>, planted: &Arc<Planted>, seen: &Seen) -> Reached {
    let mut config = Config::new(ACCOUNT);
    let (id, secret) = ("landfall".to_owned(), Secret::new("not-a-real-secret"));
    config.clients = vec![ClientCredential { id: id.clone(), secret: secret.clone(), read_only: false }];
    let now = clock.clone();
    let sandbox = Sandbox::open(config, Arc::new(move || now.now())).expect("a sandbox");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let host = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(serve(sandbox, listener, std::future::pending()));
    let (planted, seen) = (Arc::clone(planted), Arc::clone(seen));
    let before = proxy::before(&host, move |_, path, _, body| {
        let kind = kind_of(path);
        if is_sign_in(path) || !has_text(body) {
            return;
        }
        if spills.as_ref() == Some(&kind) {
            planted.plant(&kind, body, &|_| true);
        }
        seen.lock().expect("no test panics in here").insert(kind);
    });
    let settings = Settings {
        account_host: before.clone(),
        account_id: ACCOUNT.to_owned(),
        auth: Auth::OAuth { client_id: id, client_secret: secret },
        user_agent: "landfall/test".to_owned(),
    };
    let driver = Arc::new(Databricks::new(settings).expect("settings"));
    let name = TargetName { name: "sandbox".to_owned(), account_id: ACCOUNT.to_owned(), host: before };
    let mut reached = Reached::unseen(driver, name);
    (reached.calls_at_once, reached.calendar) = (8, CalendarUse::Ignore);
    reached
}

/// Kinds of which an answer held a text.
type Seen = Arc<Mutex<BTreeSet<String>>>;

fn has_text(value: &Value) -> bool {
    match value {
        Value::Object(object) => object.values().any(has_text),
        Value::Array(items) => items.iter().any(has_text),
        Value::String(_) => true,
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// What one launch left behind.
struct Left {
    folder: tempfile::TempDir,
    said: Vec<String>,
    steps: usize,
    exported: bool,
}

/// Plans, launches and exports the pilot. The plan is made before anything spills over reads of what is not there yet.
async fn launch(desired: &Desired, spills: Option<&str>, planted: &Arc<Planted>, seen: &Seen) -> Left {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Clock::starting_at("2027-01-11T08:00:00Z".parse().expect("a moment"));
    let context = Context {
        root: repository().to_owned(),
        state: folder.path().join("state"),
        clock: clock.clone(),
        entropy: Entropy::Seeded(7),
    };
    let mut journal = SqliteJournal::open(&context.journal_dir()).expect("a journal");
    let reached = reached(&clock, spills.map(str::to_owned), planted, seen).await;
    let mut said = Vec::new();
    let selection = select(desired, &Asked::Wave("pilot".to_owned())).expect("a wave");
    let (mut steps, mut exported) = (0, false);
    let saved: Option<SavedPlan> = match make(&context, desired, selection, &reached, &journal).await {
        Ok(saved) => Some(saved),
        Err(failure) => {
            said.push(format!("{failure}\n{failure:?}"));
            None
        }
    };
    if let Some(saved) = saved {
        said.push(serde_json::to_string(&saved.plan).expect("JSON"));
        let mut feed = |told: &Feed<'_>| {
            steps += usize::from(matches!(told, Feed::Scope { .. }));
            said.push(format!("{told:?}"));
        };
        let actor = Actor { kind: ActorKind::Person, id: "tester".to_owned() };
        let entry = &mut |_: &Plan, _: &WavePlan, _: &dyn Journal| Ok(Vec::new());
        let watch = Watch { actor: actor.clone(), stop: Stop::new(), feed: &mut feed, entry, stay: true };
        let launched = begin(&context, &saved, &desired.rendered, &reached, &mut journal, watch).await;
        said.push(format!("{launched:?}"));
        let wanted = export::Wanted {
            site: SITE.parse::<SiteCode>().expect("a site"),
            wave: None,
            estate: desired.loaded.estate.name.clone(),
            rehearsal: false,
            previous: None,
            actor,
            timestamps: Vec::new(),
        };
        let made = export(&context, &mut journal, &wanted, &folder.path().join("bundle"));
        exported = made.is_ok();
        said.push(format!("{:?}", made.map_err(|failure| format!("{failure}\n{failure:?}"))));
    }
    for log in journal.heads().expect("heads").into_keys() {
        said.extend(journal.read(&log, 0).expect("lines").into_iter().map(|line| line.text));
    }
    Left { folder, said, steps, exported }
}

/// Nothing that was written or said holds a canary, and a bundle that came about says so of itself.
#[track_caller]
fn is_clean(left: &Left, about: &str) -> usize {
    let canaries = canaries();
    let files = tree(left.folder.path());
    let texts = files.iter().map(|(path, bytes)| (path.as_str(), String::from_utf8_lossy(bytes)));
    let said = left.said.iter().map(|text| ("what was said", text.as_str().into()));
    for (path, text) in texts.chain(said) {
        for canary in &canaries {
            let found =
                text.find(canary.as_str()).map(|at| text[..at].chars().rev().take(300).collect::<String>());
            let before = found.map(|back| back.chars().rev().collect::<String>());
            assert_eq!(before, None, "{about}: {path} holds {canary}");
        }
    }
    if left.exported {
        let record: Value = serde_json::from_slice(&files["bundle/scan.json"]).expect("JSON");
        let entries = files["bundle/journal/site.jsonl"].split(|byte| *byte == b'\n').count() - 1;
        assert_eq!((&record["entries"], &record["hits"]), (&json!(entries), &json!(0)), "{about}: {record}");
    }
    files.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_kind_may_lie_in_every_text_and_nothing_of_it_is_kept() {
    let desired = Desired::read(repository()).expect("the estate");
    let (none, seen) = (Arc::new(Planted::default()), Seen::default());
    let good = launch(&desired, None, &none, &seen).await;
    assert!(good.exported && good.steps > 300, "{} events", good.steps);
    is_clean(&good, "no kind");
    let kinds = seen.lock().expect("unlocked").clone();
    let (mut count, mut places, mut files, mut events, mut bundles) = (0, 0, 0, 0, 0);
    for kind in &kinds {
        let planted = Arc::new(Planted::default());
        let left = launch(&desired, Some(kind), &planted, &Seen::default()).await;
        files += is_clean(&left, kind);
        let (own, fields) = planted.counts();
        assert!(own > 0, "{kind}: nothing was planted");
        (count, places) = (count + own, places + fields);
        (events, bundles) = (events + left.steps, bundles + usize::from(left.exported));
    }
    println!(
        "{} kinds of answers: {count} canaries in {places} fields, {events} events, {files} files, {bundles} bundles; none \
         found anywhere",
        kinds.len()
    );
    assert!(kinds.len() >= 20 && places >= 100, "{kinds:?}");
}

/// Every text inside a value, one after the other replaced by a canary.
fn poisoned(value: &Value) -> Vec<Value> {
    fn leaves(value: &Value, at: &mut Vec<String>, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                for (name, inner) in object {
                    at.push(name.replace('~', "~0").replace('/', "~1"));
                    leaves(inner, at, found);
                    at.pop();
                }
            }
            Value::Array(items) => {
                for (place, inner) in items.iter().enumerate() {
                    at.push(place.to_string());
                    leaves(inner, at, found);
                    at.pop();
                }
            }
            Value::String(_) => found.push(format!("/{}", at.join("/"))),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let mut found = Vec::new();
    leaves(value, &mut Vec::new(), &mut found);
    let with = |(turn, pointer): (usize, &String)| {
        let mut value = value.clone();
        let canary = canaries()[turn % canaries().len()].clone();
        *value.pointer_mut(pointer).expect("it was found there") = format!("as {canary} said").into();
        value
    };
    found.iter().enumerate().map(with).collect()
}

/// What people write, by the kind of entry that keeps it.
fn written_by_people() -> Vec<(&'static str, Value)> {
    let statement = |act: Value| {
        json!({ "statement": { "v": 1, "estate": "7d0f", "subject": { "kind": "gate", "name": "g-09",
            "digest": Digest::of(b"gate") }, "act": act, "person": "ann", "role": "steward", "at": "2027-01-11T09:00:00Z",
            "meaning": "I have seen it", "comment": "as agreed" }, "signature": "-----BEGIN SSH SIGNATURE-----",
            "key": "SHA256:abc" })
    };
    vec![
        (
            "approval.requested",
            statement(json!({ "request": { "built_by": ["dev"], "class": "normal", "ticket": "CHG1" } })),
        ),
        ("review.given", statement(json!({ "review": {} }))),
        (
            "approval.given",
            statement(json!({ "approve": { "conditions": [{ "name": "shadow", "days_min": 3 }] } })),
        ),
        ("approval.rejected", statement(json!({ "reject": {} }))),
        ("attestation.given", statement(json!({ "attest": {} }))),
        ("item.not-applicable", statement(json!({ "not-applicable": {} }))),
        ("waiver.granted", statement(json!({ "waive": { "compensating": "checked by hand" } }))),
        ("break-glass.opened", statement(json!({ "break-glass": {} }))),
        ("decision.withdrawn", statement(json!({ "withdraw": {} }))),
        (
            "change.opened",
            json!({ "change": "CHG-1", "title": "Bring it ashore", "covers": "HRB01", "ticket": "CHG1" }),
        ),
        ("change.advanced", json!({ "change": "CHG-1", "to": "approved", "why": "agreed" })),
        ("change.decided", json!({ "change": "CHG-1", "decision": "approved", "note": "with care" })),
        ("object.adopted", json!({ "id": "7", "reason": "it was there", "outputs": { "url": "s3://x" } })),
        ("drift.accepted", json!({ "object": "catalog.x", "field": "/comment", "reason": "until Friday" })),
        ("finding.opened", json!({ "severity": "high", "title": "a finding", "description": "in words" })),
        ("finding.closed", json!({ "comment": "mended" })),
        ("hold.set", json!({ "reason": "a case" })),
        (
            "redaction.made",
            json!({ "entry": 3, "reason": "it named somebody", "was": { "kind": "run.noted" } }),
        ),
        ("access.requested", json!({ "who": "maria", "right": "SELECT", "reason": "for a study" })),
        (
            "evidence.recorded",
            json!({ "kind": "document", "title": "BAA", "note": "signed", "url": "https://x.example" }),
        ),
        ("item.recorded", json!({ "item": "x", "sentence": "it holds", "observed": { "answer": "yes" } })),
        ("incident.noted", json!({ "title": "an outage", "story": "what happened" })),
    ]
}

#[test]
fn no_text_of_a_person_brings_it_into_a_log_or_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let context = Context {
        root: repository().to_owned(),
        state: folder.path().join("state"),
        clock: Clock::Real,
        entropy: Entropy::System,
    };
    let mut sqlite = SqliteJournal::open(&context.journal_dir()).expect("a journal");
    let mut memory = MemoryJournal::seeded(1);
    let (mut tried, log) = (0, LogId::Org);
    for (kind, body) in written_by_people() {
        for journal in [&mut sqlite as &mut dyn Journal, &mut memory] {
            note::append(&context, journal, &log, Note::new(kind, body.clone()))
                .expect("plain words are written");
            let before = journal.heads().expect("heads");
            for bad in poisoned(&body) {
                let failure = note::append(&context, journal, &log, Note::new(kind, bad.clone()))
                    .expect_err(&format!("{kind}: {bad}"));
                let said = format!("{failure}\n{failure:?}");
                assert!(canaries().iter().all(|canary| !said.contains(canary)), "{kind}: {said}");
                let bytes = bad.to_string().into_bytes();
                assert!(journal.put_blob(&bytes).is_err(), "{kind}: as a file");
                tried += 1;
            }
            assert_eq!(journal.heads().expect("heads"), before, "{kind}: nothing was written");
        }
    }
    drop(sqlite);
    for (path, bytes) in tree(folder.path()) {
        let text = String::from_utf8_lossy(&bytes);
        assert!(canaries().iter().all(|canary| !text.contains(canary)), "{path}");
    }
    println!("{tried} texts of people refused, in {} kinds of entries", written_by_people().len());
    assert!(tried > 250);
}

/// The text of a TOML file with a canary in each value that is words for people, and how many those are.
fn spoiled(text: &str, canary: &str) -> Option<(String, usize)> {
    const WORDS: [&str; 10] =
        ["title", "description", "name", "comment", "reason", "note", "statement", "ask", "text", "meaning"];
    let mut count = 0;
    let lines: Vec<String> = text
        .lines()
        .map(|line| {
            let Some((key, value)) = line.split_once('=') else { return line.to_owned() };
            let plain =
                value.trim().starts_with('"') && value.trim_end().ends_with('"') && value.trim().len() > 2;
            if !plain || !WORDS.contains(&key.trim()) || value.contains("{{") {
                return line.to_owned();
            }
            count += 1;
            let end = value.trim_end().len() - 1;
            format!("{key}={} {canary}\"", &value[..end])
        })
        .collect();
    (count > 0).then(|| (lines.join("\n") + "\n", count))
}

fn toml_files(folder: &Path) -> Vec<PathBuf> {
    let all = ["sites", "templates"]
        .map(|name| tree(&folder.join(name)).into_keys().map(move |path| Path::new(name).join(path)));
    all.into_iter().flatten().filter(|path| path.extension().is_some_and(|end| end == "toml")).collect()
}

#[test]
fn no_file_of_an_estate_brings_it_into_a_plan_or_a_journal() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["sites", "templates"] {
        copy(&repository().join(name), &folder.path().join(name));
    }
    let (mut tried, mut refused, mut stopped) = (0, 0, 0);
    for (turn, path) in toml_files(folder.path()).into_iter().enumerate() {
        let place = folder.path().join(&path);
        let good = fs::read_to_string(&place).expect("text");
        let canary = canaries()[turn % canaries().len()].clone();
        let Some((bad, count)) = spoiled(&good, &canary) else { continue };
        fs::write(&place, bad).expect("written");
        tried += count;
        match Desired::read(folder.path()) {
            Err(failure) => {
                refused += 1;
                assert!(!failure.to_string().contains(&canary), "{}: {failure}", path.display());
            }
            Ok(desired) => stopped += kept(&desired, &canary, &path),
        }
        fs::write(&place, good).expect("written");
    }
    println!(
        "{tried} texts in files: {refused} files refused when they are read, {stopped} rendered files stopped on their way"
    );
    assert!(tried > 20 && refused + stopped > 0);
}

/// Where such a text comes through to a rendered file, the journal does not take the file. How many there are.
fn kept(desired: &Desired, canary: &str, path: &Path) -> usize {
    let mut journal = MemoryJournal::seeded(2);
    let scopes: BTreeMap<&ScopeId, _> = desired.rendered.iter().collect();
    let files = scopes.values().flat_map(|rendered| rendered.files.values());
    let with: Vec<&String> = files.filter(|text| text.contains(canary)).collect();
    for text in &with {
        assert!(journal.put_blob(text.as_bytes()).is_err(), "{}: a rendered file is kept", path.display());
    }
    assert_eq!(journal.heads().expect("heads").len(), 0);
    with.len()
}
