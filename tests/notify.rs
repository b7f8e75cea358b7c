//! Delivering notices: to a receiver on this machine that answers by a script, and to files. The clock is a value.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use base64::Engine as _;
use landfall::base::id::{LogId, SiteCode};
use landfall::base::limits::{LEASE, NOTICE_AGE_MAX, NOTIFY_RETRY_BASE, NOTIFY_SINKS_MAX};
use landfall::base::secret::Secret;
use landfall::base::span::{Located, SourceMap, Span};
use landfall::base::time::{Millis, Timestamp};
use landfall::journal::Journal;
use landfall::journal::memory::MemoryJournal;
use landfall::model::entry::{Actor, ActorKind, EntryDraft};
use landfall::model::notify::{NoticeClass, Notify, NotifyAddress, NotifyPlace, SecretRef, WebAddress};
use landfall::notice::Program;
use landfall::notify::cursor::Store;
use landfall::notify::deliver::{Effort, deliver, enrol, look, try_out};
use landfall::notify::file::NoticeFile;
use landfall::notify::report::Report;
use landfall::notify::webhook::Webhook;
use landfall::notify::{Post, Sink};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;

const KEY: &str = "a key of more than twenty-four bytes";
const LINEAGE: &str = "7d0f6f52-5f0e-4b53-9a35-0c8c2f4b6a11";
const BUDGET: Millis = Millis::from_secs(30);

fn start() -> Timestamp {
    "2027-01-11T09:00:00Z".parse().unwrap()
}

/// One answer of the script; where it has ended, everything is taken.
#[derive(Clone)]
enum Reply {
    Status(u16),
    With(u16, &'static str, String),
    /// A good status and a body of this many bytes.
    Huge(usize),
    Hang,
}

/// One request as it came.
#[derive(Debug, Clone)]
struct Seen {
    id: String,
    timestamp: String,
    signature: String,
    content_type: String,
    body: Vec<u8>,
}

impl Seen {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn kind(&self) -> String {
        let event = self.json();
        format!("{} {}", event["type"].as_str().unwrap(), event["subject"].as_str().unwrap())
    }
}

#[derive(Default)]
struct Script {
    replies: VecDeque<Reply>,
    seen: Vec<Seen>,
}

type Shared = Arc<Mutex<Script>>;

struct Receiver {
    address: String,
    script: Shared,
}

impl Receiver {
    async fn start() -> Self {
        let script = Shared::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/hook?token=hush", listener.local_addr().unwrap());
        let app = Router::new().fallback(answer).with_state(Arc::clone(&script));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, script }
    }

    fn replies(&self, replies: impl IntoIterator<Item = Reply>) {
        self.script.lock().unwrap().replies = replies.into_iter().collect();
    }

    fn seen(&self) -> Vec<Seen> {
        self.script.lock().unwrap().seen.clone()
    }

    fn kinds(&self) -> Vec<String> {
        self.seen().iter().map(Seen::kind).collect()
    }
}

async fn answer(State(script): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let header = |name: &str| parts.headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    let body = to_bytes(body, 1 << 20).await.unwrap().to_vec();
    let seen = Seen {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
        content_type: header("content-type"),
        body,
    };
    let reply = {
        let mut script = script.lock().unwrap();
        script.seen.push(seen);
        script.replies.pop_front().unwrap_or(Reply::Status(204))
    };
    let built = Response::builder();
    match reply {
        Reply::Status(status) => built.status(status).body(Body::empty()).unwrap(),
        Reply::With(status, name, value) => {
            built.status(status).header(name, value).body(Body::empty()).unwrap()
        }
        Reply::Huge(size) => built.body(Body::from(vec![0; size])).unwrap(),
        Reply::Hang => std::future::pending().await,
    }
}

/// HMAC-SHA256 by its definition (RFC 2104), apart from the crate that the program uses.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    assert!(key.len() <= 64);
    let pad = |with: u8| -> Vec<u8> { (0..64).map(|at| key.get(at).copied().unwrap_or(0) ^ with).collect() };
    let inner = Sha256::digest([pad(0x36), message.to_vec()].concat());
    Sha256::digest([pad(0x5c), inner.to_vec()].concat()).to_vec()
}

fn signature(seen: &Seen) -> String {
    let signed = [format!("{}.{}.", seen.id, seen.timestamp).as_bytes(), &seen.body].concat();
    format!("v1,{}", base64::engine::general_purpose::STANDARD.encode(hmac(KEY.as_bytes(), &signed)))
}

/// A journal with entries, sinks, cursors and the program they are about.
struct World {
    folder: tempfile::TempDir,
    journal: MemoryJournal,
    posts: Vec<Post>,
    program: Program,
}

fn span() -> Span {
    Span { source: SourceMap::default().add("estate.toml", ""), range: 0..0 }
}

fn post(name: &str, place: NotifyPlace, open: landfall::notify::Open) -> Post {
    Post {
        notify: Notify { name: name.to_owned(), place, on: Vec::new(), sites: Vec::new(), span: span() },
        open,
    }
}

/// A sink at an address that the test can change; the place that the estate names stays the same.
fn webhook(name: &str, address: &Arc<Mutex<String>>) -> Post {
    let written = WebAddress::new("https://hooks.example.com/x").unwrap();
    let secret = SecretRef::new("env:KEY").unwrap();
    let address = Arc::clone(address);
    let open = Box::new(move || {
        let address = WebAddress::new(&address.lock().unwrap()).map_err(|bad| bad.to_string())?;
        Ok(Box::new(Webhook::new(address, &Secret::new(KEY))?) as Box<dyn Sink>)
    });
    post(name, NotifyPlace::Webhook { address: NotifyAddress::Written(written), secret }, open)
}

fn to_file(name: &str, path: PathBuf) -> Post {
    let open = Box::new(move || Ok(Box::new(NoticeFile::new(path.clone())) as Box<dyn Sink>));
    post(name, NotifyPlace::File("notices.jsonl".to_owned()), open)
}

impl World {
    fn new(posts: Vec<Post>) -> Self {
        let program =
            Program { code: "cban".to_owned(), lineage: LINEAGE.to_owned(), waves: Default::default() };
        let world =
            Self { folder: tempfile::tempdir().unwrap(), journal: MemoryJournal::new(), posts, program };
        assert_eq!(enrol(&world.journal, &world.posts, &world.store(), &world.program), [""; 0]);
        world
    }

    /// With one webhook at this receiver.
    fn at(receiver: &Receiver) -> Self {
        Self::new(vec![webhook("pm", &Arc::new(Mutex::new(receiver.address.clone())))])
    }

    fn store(&self) -> Store {
        Store::new(self.folder.path().join("notify"))
    }

    fn cursor_file(&self) -> PathBuf {
        self.folder.path().join("notify").join("pm.json")
    }

    fn happens(&mut self, log: &str, kind: &str, body: Value, at: Timestamp) {
        let log: LogId = log.parse().unwrap();
        let lease = self.journal.take_lease(&log, "test", at, LEASE).unwrap();
        let draft = EntryDraft {
            log,
            at,
            run: Some("run-1".parse().unwrap()),
            kind: kind.to_owned(),
            step: None,
            actor: Actor { kind: ActorKind::Person, id: "tester".to_owned() },
            plan: None,
            refs: Vec::new(),
            body,
        };
        self.journal.append(&[&lease], vec![draft]).unwrap();
        self.journal.release(&lease).unwrap();
    }

    /// A site that fails: two notices, among entries that are none.
    fn site_fails(&mut self, site: &str, at: Timestamp) {
        let log = format!("site/{site}");
        self.happens(&log, "run.started", json!({}), at);
        let cause = json!({"class": "quota", "message": "x"});
        self.happens(&log, "step.failed", json!({"attempt": 1, "cause": cause}), at + Millis(1));
        self.happens(&log, "run.ended", json!({"outcome": "failed"}), at + Millis(2));
        self.happens("org", "scope.ended", json!({"scope": log, "outcome": "failed"}), at + Millis(2));
    }

    async fn deliver(&self, now: Timestamp) -> Report {
        self.effort(Effort { now, budget: BUDGET, insist: false }).await
    }

    async fn effort(&self, effort: Effort) -> Report {
        deliver(&self.journal, &self.posts, &self.store(), &self.program, effort).await
    }
}

fn counts(report: &Report) -> Vec<(u64, u64, u64)> {
    report.sinks.iter().map(|sink| (sink.sent, sink.waiting, sink.dropped)).collect()
}

fn trouble(report: &Report) -> String {
    report.troubles().join("\n")
}

const TWO: [&str; 2] = ["dev.landfall.step.failed.v1 site/HRB01", "dev.landfall.run.failed.v1 site/HRB01"];

#[tokio::test]
async fn every_event_is_posted_once_and_signed() {
    let receiver = Receiver::start().await;
    let mut world = World::at(&receiver);
    world.site_fails("HRB01", start());
    world.happens(
        "org",
        "gate.opened",
        json!({"scope": "site/HRB01", "gate": "go-live"}),
        start() + Millis(5),
    );
    let report = world.deliver(start() + Millis(500)).await;
    assert_eq!(counts(&report), [(3, 0, 0)]);
    assert!(report.is_clear(), "{}", trouble(&report));
    let gate = "dev.landfall.gate.opened.v1 site/HRB01";
    assert_eq!(receiver.kinds(), [TWO[0], TWO[1], gate]);
    for seen in receiver.seen() {
        assert_eq!(seen.signature, signature(&seen));
        assert_eq!(seen.timestamp, (start().as_millis() / 1000).to_string());
        assert_eq!(seen.content_type, "application/cloudevents+json; charset=utf-8");
        assert_eq!(seen.json()["id"], seen.id.as_str());
    }
    let gate = receiver.seen()[2].json();
    assert_eq!(gate["data"]["site"], "HRB01");
    assert_eq!(gate["data"]["owner"], "steward");
    assert_eq!(counts(&world.deliver(start() + Millis(900)).await), [(0, 0, 0)]);
    assert_eq!(receiver.seen().len(), 3);
}

#[tokio::test]
async fn what_was_before_is_not_told_and_logs_that_come_later_are() {
    let receiver = Receiver::start().await;
    let mut world = World::at(&receiver);
    world.site_fails("HRB01", start());
    fs::remove_file(world.cursor_file()).unwrap();
    enrol(&world.journal, &world.posts, &world.store(), &world.program);
    world.site_fails("MPL02", start() + Millis(10));
    world.deliver(start() + Millis(20)).await;
    let told = TWO.map(|kind| kind.replace("HRB01", "MPL02"));
    assert_eq!(receiver.kinds(), told);
}

#[tokio::test]
async fn a_receiver_that_is_down_gets_everything_later_in_order_and_once() {
    let receiver = Receiver::start().await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let address = Arc::new(Mutex::new(format!("http://{nobody}/?token=hush")));
    let mut world = World::new(vec![webhook("pm", &address)]);
    world.site_fails("HRB01", start());
    let now = start() + Millis(500);
    let report = world.deliver(now).await;
    assert_eq!(counts(&report), [(0, 2, 0)]);
    let told = trouble(&report);
    assert_eq!(
        told,
        "pm: 2 notices wait: no connection could be made, next try from 2027-01-11T09:00:30.500Z"
    );

    *address.lock().unwrap() = receiver.address.clone();
    let early = world.deliver(now + Millis(1)).await;
    assert_eq!((counts(&early), trouble(&early)), (vec![(0, 2, 0)], told.clone()));
    assert!(receiver.seen().is_empty(), "it is left alone until then");
    let standing = look(&world.journal, &world.posts, &world.store(), &world.program, now + Millis(1));
    assert_eq!((counts(&standing), trouble(&standing)), (vec![(0, 2, 0)], told));

    world.happens("org", "launch.ended", json!({"outcome": "failed"}), start() + Millis(600));
    let report = world.deliver(now + NOTIFY_RETRY_BASE).await;
    assert_eq!((counts(&report), report.is_clear()), (vec![(3, 0, 0)], true));
    assert_eq!(receiver.kinds(), [TWO[0], TWO[1], "dev.landfall.launch.failed.v1 launch/run-1"]);
}

#[tokio::test]
async fn a_receiver_that_does_not_answer_costs_no_more_than_the_budget_and_nobody_else_their_turn() {
    let (slow, quick) = (Receiver::start().await, Receiver::start().await);
    slow.replies([Reply::Hang]);
    let posts = [("slow", &slow), ("quick", &quick)]
        .map(|(name, receiver)| webhook(name, &Arc::new(Mutex::new(receiver.address.clone()))));
    let mut world = World::new(posts.into());
    world.site_fails("HRB01", start());
    // Without an end of its own this would not return.
    let report = world.effort(Effort { now: start(), budget: Millis(2_000), insist: false }).await;
    assert_eq!(counts(&report), [(0, 2, 0), (2, 0, 0)]);
    assert!(
        trouble(&report).starts_with("slow: 2 notices wait: no answer came in time"),
        "{}",
        trouble(&report)
    );
    world.deliver(start() + NOTIFY_RETRY_BASE).await;
    let ids: Vec<String> = slow.seen().iter().map(|seen| seen.id.clone()).collect();
    assert_eq!(ids.len(), 3);
    assert_eq!(ids[0], ids[1], "the one that may have arrived comes under the same id");
    assert_eq!(ids[1..], quick.seen().iter().map(|seen| seen.id.clone()).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_receiver_that_asks_for_time_gets_it() {
    let receiver = Receiver::start().await;
    receiver.replies([Reply::With(429, "retry-after", "600".to_owned())]);
    let mut world = World::at(&receiver);
    world.site_fails("HRB01", start());
    let report = world.deliver(start()).await;
    assert_eq!(
        trouble(&report),
        "pm: 2 notices wait: it answered 429, next try from 2027-01-11T09:10:00.000Z"
    );
    let early = start() + Millis::from_secs(599);
    for insist in [false, true] {
        let report = world.effort(Effort { now: early, budget: BUDGET, insist }).await;
        assert_eq!(counts(&report), [(0, 2, 0)], "insist: {insist}");
    }
    assert_eq!(receiver.seen().len(), 1);
    assert_eq!(counts(&world.deliver(start() + Millis::from_secs(600)).await), [(2, 0, 0)]);
}

#[tokio::test]
async fn a_receiver_that_fails_is_tried_again_less_and_less_often() {
    let receiver = Receiver::start().await;
    receiver.replies([Reply::Status(500), Reply::Status(404), Reply::Status(503)]);
    let mut world = World::at(&receiver);
    world.site_fails("HRB01", start());
    let mut now = start();
    for (status, rest) in [(500, 30), (404, 60), (503, 120)] {
        let report = world.deliver(now).await;
        assert_eq!(counts(&report), [(0, 2, 0)]);
        assert!(trouble(&report).contains(&format!("it answered {status}")), "{}", trouble(&report));
        let next = report.sinks[0].next_try.unwrap();
        assert_eq!(next.since(now), Millis::from_secs(rest));
        now = next;
    }
    let insist = Effort { now: now - Millis(1), budget: BUDGET, insist: true };
    assert_eq!(counts(&world.effort(insist).await), [(2, 0, 0)], "somebody asked for it");
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_left_alone_loudly_until_it_takes_a_test() {
    let receiver = Receiver::start().await;
    receiver.replies([Reply::Status(410)]);
    let mut world = World::at(&receiver);
    world.site_fails("HRB01", start());
    for minutes in [0, 60, 600] {
        let now = start() + Millis::from_secs(minutes * 60);
        let report = world.effort(Effort { now, budget: BUDGET, insist: true }).await;
        assert!(
            trouble(&report).starts_with("pm: 2 notices wait: CLOSED: it answered 410"),
            "{}",
            trouble(&report)
        );
    }
    assert_eq!(receiver.seen().len(), 1);
    let now = start() + Millis::from_secs(60_000);
    try_out(&world.journal, &world.posts[0], &world.store(), &world.program, now).await.unwrap();
    assert_eq!(receiver.seen()[1].json()["type"], "dev.landfall.notify.test.v1");
    assert_eq!(counts(&world.deliver(now).await), [(2, 0, 0)]);
}

#[tokio::test]
async fn a_test_that_is_not_taken_opens_nothing() {
    let receiver = Receiver::start().await;
    receiver.replies([Reply::Status(410), Reply::Status(401)]);
    let mut world = World::at(&receiver);
    world.site_fails("HRB01", start());
    world.deliver(start()).await;
    let told = try_out(&world.journal, &world.posts[0], &world.store(), &world.program, start()).await;
    assert_eq!(told.unwrap_err(), "it answered 401");
    assert_eq!(counts(&world.deliver(start() + NOTICE_AGE_MAX).await), [(0, 2, 0)]);
    assert_eq!(receiver.seen().len(), 2);
}

#[tokio::test]
async fn answers_that_nobody_should_give_do_no_harm() {
    let (receiver, elsewhere) = (Receiver::start().await, Receiver::start().await);
    receiver.replies([
        Reply::Huge(64 << 20),
        Reply::With(307, "location", elsewhere.address.clone()),
        Reply::With(503, "retry-after", "9".repeat(150)),
        Reply::With(503, "retry-after", "soon".to_owned()),
    ]);
    let mut world = World::at(&receiver);
    world.site_fails("HRB01", start());
    let report = world.deliver(start()).await;
    assert_eq!(counts(&report), [(1, 1, 0)], "a good status counts; the body is left where it is");
    assert!(trouble(&report).contains("it answered 307, which would lead elsewhere"), "{}", trouble(&report));
    assert!(elsewhere.seen().is_empty());
    let mut now = report.sinks[0].next_try.unwrap();
    for hours in [24, 0] {
        let report = world.deliver(now).await;
        let next = report.sinks[0].next_try.unwrap();
        assert_eq!(next.since(now).0 / 3_600_000, hours);
        assert!(!trouble(&report).contains("hush"), "the address may be a secret");
        now = next;
    }
    assert_eq!(counts(&world.deliver(now).await), [(1, 0, 0)]);
}

#[tokio::test]
async fn what_nobody_takes_for_too_long_is_given_up_and_said_so() {
    let receiver = Receiver::start().await;
    receiver.replies([Reply::Status(500)]);
    let mut world = World::at(&receiver);
    world.site_fails("HRB01", start());
    world.deliver(start()).await;
    let late = start() + NOTICE_AGE_MAX + Millis(2);
    world.happens("org", "launch.paused", json!({}), late);
    let report = world.deliver(late).await;
    assert_eq!(counts(&report), [(2, 0, 1)], "only the first is older than the limit");
    assert!(trouble(&report).contains("1 notice GIVEN UP"), "{}", trouble(&report));
    assert_eq!(receiver.kinds()[1..], [TWO[1], "dev.landfall.launch.paused.v1 launch/run-1"]);
    let report = world.deliver(late).await;
    assert!(report.is_clear(), "it is said once: {}", trouble(&report));
    assert_eq!(report.sinks[0].cursor.dropped, 1, "and counted for good");
}

#[tokio::test]
async fn a_crash_after_sending_sends_again_under_the_same_id() {
    let receiver = Receiver::start().await;
    let mut world = World::at(&receiver);
    world.site_fails("HRB01", start());
    let before = fs::read(world.cursor_file()).unwrap();
    world.deliver(start()).await;
    fs::write(world.cursor_file(), before).unwrap();
    world.deliver(start() + Millis(1)).await;
    let ids: Vec<String> = receiver.seen().into_iter().map(|seen| seen.id).collect();
    assert_eq!(ids[..2], ids[2..]);
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn a_cursor_that_cannot_be_used_is_told_and_never_sends_the_history_again() {
    let receiver = Receiver::start().await;
    let mut world = World::at(&receiver);
    world.site_fails("HRB01", start());
    world.deliver(start()).await;
    let good = fs::read_to_string(world.cursor_file()).unwrap();
    let beyond = good.replace(r#""site/HRB01":3"#, r#""site/HRB01":300"#);
    assert_ne!(good, beyond);
    let cases = [
        ("{".to_owned(), "is damaged"),
        (String::new(), "is damaged"),
        ("x".repeat(5 << 20), "is too large"),
        (good.replace(LINEAGE, "another"), "is about another estate"),
        (good.replace(r#""v":1"#, r#""v":2"#), "is from another version"),
        (beyond, "300 were told of"),
    ];
    for (text, expected) in cases {
        fs::write(world.cursor_file(), &text).unwrap();
        let report = world.deliver(start()).await;
        assert!(trouble(&report).contains(expected), "{expected} is not in {}", trouble(&report));
        assert_eq!(counts(&report), [(0, 0, 0)], "{expected}");
        assert!(world.deliver(start()).await.is_clear(), "{expected}: it is mended");
    }
    assert_eq!(receiver.seen().len(), 2);
    world.site_fails("MPL02", start());
    assert_eq!(counts(&world.deliver(start()).await), [(2, 0, 0)]);
}

#[tokio::test]
async fn one_process_delivers_at_a_time() {
    let receiver = Receiver::start().await;
    let mut world = World::at(&receiver);
    world.site_fails("HRB01", start());
    let lock = world.store().lock().unwrap();
    let report = world.deliver(start()).await;
    assert_eq!(trouble(&report), "nothing was delivered: another process is delivering notices");
    drop(lock);
    assert_eq!(counts(&world.deliver(start()).await), [(2, 0, 0)]);
}

#[tokio::test]
async fn a_sink_hears_only_of_what_it_asked_for() {
    let receiver = Receiver::start().await;
    let mut world = World::at(&receiver);
    world.posts[0].notify.on = vec![NoticeClass::Failed];
    world.posts[0].notify.sites = vec![Located { value: SiteCode::new("HRB01").unwrap(), span: span() }];
    world.site_fails("MPL02", start());
    world.site_fails("HRB01", start());
    world.happens("org", "launch.ended", json!({"outcome": "failed"}), start());
    world.happens("org", "gate.opened", json!({"scope": "site/HRB01"}), start());
    assert_eq!(counts(&world.deliver(start()).await), [(2, 0, 0)]);
    assert_eq!(receiver.kinds(), TWO);
}

#[tokio::test]
async fn a_sink_without_its_key_waits_and_the_others_do_not() {
    let receiver = Receiver::start().await;
    let mut posts = vec![webhook("pm", &Arc::new(Mutex::new(receiver.address.clone())))];
    posts.insert(0, {
        let mut post = webhook("keyless", &Arc::default());
        post.open = Box::new(|| Err("no key: the variable KEY is not set".to_owned()));
        post
    });
    assert!(posts.len() <= NOTIFY_SINKS_MAX);
    let mut world = World::new(posts);
    world.site_fails("HRB01", start());
    let report = world.deliver(start()).await;
    assert_eq!(counts(&report), [(0, 2, 0), (2, 0, 0)]);
    assert_eq!(trouble(&report), "keyless: 2 notices wait: no key: the variable KEY is not set");
}

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_file_gets_one_line_for_each_notice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notices.jsonl");
    let mut world = World::new(vec![to_file("file", path.clone())]);
    world.site_fails("HRB01", start());
    assert_eq!(counts(&world.deliver(start()).await), [(2, 0, 0)]);
    let kinds: Vec<Value> = lines(&path)
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["type"].clone())
        .collect();
    assert_eq!(kinds, ["dev.landfall.step.failed.v1", "dev.landfall.run.failed.v1"]);

    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 20]).unwrap();
    world.happens("org", "launch.paused", json!({}), start());
    world.deliver(start()).await;
    let after = lines(&path);
    assert_eq!(after.len(), 3, "half a line stays half a line");
    assert!(serde_json::from_str::<Value>(&after[2]).is_ok());
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_is_its_owners_and_nothing_else_is_written_to() {
    use std::os::unix::fs::{MetadataExt as _, symlink};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notices.jsonl");
    let victim = folder.path().join("victim");
    fs::write(&victim, "mine").unwrap();
    symlink(&victim, &path).unwrap();
    let mut world = World::new(vec![to_file("file", path.clone())]);
    world.site_fails("HRB01", start());
    let report = world.deliver(start()).await;
    assert!(trouble(&report).contains("there is something else than a file"), "{}", trouble(&report));
    assert_eq!(fs::read_to_string(&victim).unwrap(), "mine");
    fs::remove_file(&path).unwrap();
    assert_eq!(counts(&world.deliver(start() + NOTIFY_RETRY_BASE).await), [(2, 0, 0)]);
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
}
