//! Patience by itself on a clock that jumps, and a plan of a busy target against one of the same at rest.

use std::path::Path;

use super::*;
use crate::driver::databricks::{Auth, Databricks, Settings};
use crate::driver::{Driver, Listing, Place};
use crate::entropy::Entropy;
use crate::journal::Journal;
use crate::journal::memory::MemoryJournal;
use crate::model::entry::{Actor, ActorKind};
use crate::model::plan::{Plan, SavedPlan, WavePlan};
use crate::ops::Context;
use crate::ops::desired::Desired;
use crate::ops::launch::{self, Watch};
use crate::ops::plan::{Asked, make, select};
use crate::ops::target::{Reached, embed};
use crate::pacing::Verb;
use crate::runner::stop::Stop;
use crate::sandbox::{Conditions, Config, Sandbox};

const START: i64 = 1_790_000_000_000;

fn clock() -> Clock {
    Clock::starting_at(Timestamp::from_millis(START))
}

fn read_of(host: &str) -> Outgoing {
    Outgoing {
        host: host.to_owned(),
        call: "GET /api/2.1/unity-catalog/catalogs".to_owned(),
        kind: "databricks.catalog".parse().unwrap(),
        verb: Verb::List,
        tries: 0,
        rested: Millis(0),
    }
}

fn unread(class: CauseClass, status: Option<u16>, retry_after: Option<u64>) -> Unread {
    let cause = Cause { status, ..Cause::new(class, "too many") };
    Unread { cause, retry_after: retry_after.map(Millis) }
}

/// Sends a read that always fails so, and tells how often it went out, how long that took, and what was said.
async fn in_vain(patient: &Patient, host: &str, failed: &Unread) -> (u32, u64, String) {
    let began = patient.clock.now();
    let mut read = read_of(host);
    loop {
        patient.admit(&read).await;
        read.tries += 1;
        if let Err(cause) = patient.failed(&mut read, failed.clone()).await {
            return (read.tries, patient.clock.now().since(began).0, cause.to_string());
        }
    }
}

#[tokio::test]
async fn tries_and_time_are_limited_and_the_error_says_all() {
    let busy = unread(CauseClass::Busy, Some(429), Some(2_000));
    let patient = Patient::new(None, clock(), [1; 32]);
    let (tries, took, said) = in_vain(&patient, "https://w1", &busy).await;
    assert_eq!(tries, READ_TRIES_BUSY_MAX);
    assert!(took >= 2_000 * u64::from(READ_TRIES_BUSY_MAX - 1), "{took}");
    assert_eq!(
        said,
        "GET /api/2.1/unity-catalog/catalogs was sent 12 times in 22 s to https://w1, in vain; the last answer, which \
         asks for a rest of 2 s: too many"
    );
    let (tries, took, said) = in_vain(&patient, "https://w1", &busy).await;
    assert_eq!(tries, 1, "a host that was given up on is not waited for again: {took} {said}");
    patient.answered(&read_of("https://w1"));
    assert_eq!(
        in_vain(&patient, "https://w1", &busy).await.0,
        READ_TRIES_BUSY_MAX,
        "one that answers is again"
    );
    assert_eq!(in_vain(&patient, "https://w2", &busy).await.0, READ_TRIES_BUSY_MAX, "another host is");
    let slow = unread(CauseClass::Busy, Some(429), Some(600_000));
    let (tries, took, _) = in_vain(&patient, "https://w3", &slow).await;
    assert!(tries == 2 && took < READ_REST_MAX.0, "{tries} {took}");
}

#[tokio::test]
async fn what_would_fail_again_is_not_sent_again_and_silence_not_for_long() {
    let patient = Patient::new(None, clock(), [1; 32]);
    for class in [CauseClass::NotFound, CauseClass::PermissionDenied, CauseClass::BadRequest] {
        let (tries, took, said) = in_vain(&patient, "https://w", &unread(class, Some(400), None)).await;
        assert_eq!((tries, took, said.as_str()), (1, 0, "too many"), "{class:?}");
    }
    for (host, class) in [("a", CauseClass::NoAnswer), ("b", CauseClass::Internal), ("c", CauseClass::Busy)] {
        let (tries, took, _) = in_vain(&patient, host, &unread(class, None, None)).await;
        assert_eq!(tries, READ_TRIES_SILENT_MAX);
        assert!((3_750..=7_500).contains(&took), "{took}");
    }
}

#[test]
fn rests_grow_to_a_cap_and_follow_from_the_seed() {
    let rests = |seed: u8| -> Vec<u64> {
        let patient = Patient::new(None, clock(), [seed; 32]);
        let at = |tries| patient.backoff(&Outgoing { tries, ..read_of("https://w") }).0;
        (1..12).map(at).collect()
    };
    assert_eq!(rests(1), rests(1));
    assert_ne!(rests(1), rests(2));
    for (doublings, rest) in rests(1).into_iter().enumerate() {
        let full = (RETRY_BASE.0 << doublings).min(RETRY_CAP.0);
        assert!((full / 2..=full).contains(&rest), "{doublings}: {rest}");
    }
}

#[tokio::test]
async fn reads_keep_to_the_published_rates_host_by_host() {
    let patient = Patient::new(Some(Rates::standard()), clock(), [1; 32]);
    for _ in 0..105 {
        patient.admit(&read_of("https://w1")).await;
        patient.answered(&read_of("https://w1"));
    }
    // Five at once, and the hundred others at fifteen a second.
    let took = patient.clock.now().since(Timestamp::from_millis(START)).0;
    assert!((6_600..=6_700).contains(&took), "{took}");
    patient.admit(&read_of("https://w2")).await;
    assert_eq!(
        patient.clock.now().since(Timestamp::from_millis(START)).0,
        took,
        "another host waits for nobody"
    );
    let free = Patient::new(None, clock(), [1; 32]);
    for _ in 0..1_000 {
        free.admit(&read_of("https://w1")).await;
    }
    assert_eq!(free.clock.now().as_millis(), START, "where nothing is known, nobody waits before a refusal");
}

/// One estate, its sandbox and its logs.
struct Ground {
    context: Context,
    desired: Desired,
    reached: Reached,
    journal: MemoryJournal,
}

impl Ground {
    async fn new() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).to_owned();
        let desired = Desired::read(&root).unwrap();
        let state = root.join("target");
        let context = Context { root, state, clock: clock(), entropy: Entropy::Seeded(1) };
        let config = Config::new("00000000-0000-4000-8000-000000000001");
        let reached = embed("t", config, context.clock.clone(), Millis::from_secs(60)).await.unwrap();
        Self { context, desired, reached, journal: MemoryJournal::new() }
    }

    fn sandbox(&self) -> &Sandbox {
        &self.reached.embedded.as_ref().unwrap().sandbox
    }

    async fn plan(&self) -> SavedPlan {
        let asked = select(&self.desired, &Asked::Wave("pilot".to_owned())).unwrap();
        make(&self.context, &self.desired, asked, &self.reached, &self.journal).await.unwrap()
    }

    async fn launch(&mut self) {
        let saved = self.plan().await;
        let entry = &mut |_: &Plan, _: &WavePlan, _: &dyn Journal| Ok(Vec::new());
        let actor = Actor { kind: ActorKind::Rehearsal, id: "rehearsal".to_owned() };
        let watch = Watch { actor, stop: Stop::new(), feed: &mut |_| {}, entry, stay: true };
        let (rendered, journal) = (&self.desired.rendered, &mut self.journal);
        let launched =
            launch::begin(&self.context, &saved, rendered, &self.reached, journal, watch).await.unwrap();
        assert!(launch::went_well(&launched.left), "{launched:?}");
    }
}

#[tokio::test]
async fn a_plan_of_a_busy_target_is_the_same_as_of_one_at_rest() {
    let mut ground = Ground::new().await;
    ground.launch().await;
    let before = ground.sandbox().requests().len();
    let calm = ground.plan().await.plan;
    let asked = ground.sandbox().requests().len() - before;
    let limited = Conditions { rate: Some(30), ..Conditions::default() };
    let tight = Conditions { limits: [("scim".to_owned(), 2)].into(), ..Conditions::default() };
    let flaky = Conditions { busy_percent: 20, error_percent: 5, ..Conditions::default() };
    for (name, conditions) in [("30/s", limited), ("scim=2", tight), ("20 % busy", flaky)] {
        ground.sandbox().set_conditions(conditions);
        let before = ground.sandbox().requests().len();
        assert_eq!(ground.plan().await.plan, calm, "{name}");
        let requests = ground.sandbox().requests().split_off(before);
        let refused = requests.iter().filter(|request| matches!(request.status, 429 | 503)).count();
        assert!(refused > 0 && requests.len() == asked + refused, "{name}: {refused} of {}", requests.len());
    }
}

#[tokio::test]
async fn a_connection_that_breaks_is_tried_again() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        for round in 0..3 {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut bytes = [0; 4096];
            let _ = socket.read(&mut bytes).await;
            // Twice it is cut, once in the middle of the answer.
            let answer: &[u8] = match round {
                0 => b"",
                1 => b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n[{",
                _ => b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n[]",
            };
            let _ = socket.write_all(answer).await;
        }
    });
    let settings = Settings {
        account_host: format!("http://{address}"),
        account_id: "acc".to_owned(),
        auth: Auth::Pat(crate::base::secret::Secret::new("t")),
        user_agent: "landfall/0".to_owned(),
    };
    let patience = Arc::new(Patient::new(None, clock(), [1; 32]));
    let driver = Databricks::new(settings).unwrap().patient(patience);
    let kind = "databricks.credentials".parse().unwrap();
    let listing = driver.list(&kind, &Place::Account, Millis::from_secs(10)).await;
    assert_eq!(listing, Listing::Complete(Vec::new()));
    server.await.unwrap();
}
