//! The witness over HTTP: `POST /add-checkpoint`, as C2SP `tlog-witness` has it, and two addresses of our own for what a
//! folder of checkpoints shows beside requests, `POST /show-heads` and `POST /take-over`. One request is answered at a time.

use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::post;
use tokio::net::TcpListener;

use crate::base::limits::{WITNESS_ANSWER_BYTES_MAX, WITNESS_REQUEST_TIMEOUT, WITNESS_SHOWN_BYTES_MAX};
use crate::base::time::Timestamp;
use crate::ops::error::Failure;
use crate::runner::clock::Clock;

use super::Witness;
pub use super::answer::Answered;

/// The type of an answer that names a size.
const SIZE_TYPE: HeaderValue = HeaderValue::from_static("text/x.tlog.size");

/// Serves until `stop` is done.
///
/// # Errors
///
/// If the system stops it.
pub async fn serve(
    witness: Witness,
    clock: Clock,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let shared = Arc::new((Mutex::new(witness), clock));
    let router = Router::new()
        .route("/add-checkpoint", post(add))
        .route("/show-heads", post(show))
        .route("/take-over", post(follow))
        .with_state(shared);
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}

type Shared = Arc<(Mutex<Witness>, Clock)>;

/// What is done with the body of a request.
type Deed = fn(&mut Witness, &[u8], Timestamp) -> Result<Answered, Failure>;

async fn add(State(shared): State<Shared>, request: Request) -> Response {
    answer(shared, request, WITNESS_ANSWER_BYTES_MAX, Witness::add).await
}

async fn show(State(shared): State<Shared>, request: Request) -> Response {
    answer(shared, request, WITNESS_SHOWN_BYTES_MAX, |witness, body, _| witness.show_heads(body)).await
}

async fn follow(State(shared): State<Shared>, request: Request) -> Response {
    answer(shared, request, WITNESS_ANSWER_BYTES_MAX, |witness, body, _| witness.take_over(body)).await
}

async fn answer(shared: Shared, request: Request, max: usize, deed: Deed) -> Response {
    let body = axum::body::to_bytes(request.into_body(), max);
    let body = match tokio::time::timeout(WITNESS_REQUEST_TIMEOUT.as_std(), body).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return plain(StatusCode::PAYLOAD_TOO_LARGE, String::new()),
        Err(_) => return plain(StatusCode::REQUEST_TIMEOUT, String::new()),
    };
    let answered = tokio::task::spawn_blocking(move || {
        let (witness, clock) = &*shared;
        // A request that panicked has written whole files or none.
        let mut witness = witness.lock().unwrap_or_else(PoisonError::into_inner);
        deed(&mut witness, &body, clock.now())
    });
    match answered.await {
        Ok(Ok(answered)) => said(&answered),
        Ok(Err(_)) | Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, String::new()),
    }
}

fn said(answered: &Answered) -> Response {
    let status = StatusCode::from_u16(answered.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match answered {
        Answered::Cosigned(line) => plain(status, line.clone()),
        Answered::Conflict(size) => {
            let mut response = plain(status, format!("{size}\n"));
            response.headers_mut().insert(CONTENT_TYPE, SIZE_TYPE);
            response
        }
        Answered::Taken
        | Answered::Malformed
        | Answered::NotSigned
        | Answered::UnknownLog
        | Answered::NoGrowth => plain(status, String::new()),
    }
}

fn plain(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::Digest;
    use crate::base::time::Millis;
    use crate::entropy::Entropy;
    use crate::evidence::checkpoint::Checkpoint;
    use crate::evidence::growth::Growth;
    use crate::evidence::handover::KeyUse;
    use crate::evidence::note::SignedNote;
    use crate::evidence::note::VerifierKey;
    use crate::journal::Journal as _;
    use crate::journal::memory::MemoryJournal;
    use crate::merkle;
    use crate::model::anchor::ServiceAddress;
    use crate::model::estate::Hook;
    use crate::ops::Context;
    use crate::ops::checkpoints::heads;
    use crate::ops::desired::Desired;
    use crate::ops::keys::Keys;
    use crate::ops::keys::rotate::rotate;
    use crate::ops::note::{self, Note};
    use crate::post::{self, Answer, Bounds};
    use crate::signer::file_key::FileKey;
    use crate::signer::{Signer as _, sign_checkpoint};
    use std::path::Path;

    /// A request about the first `size` of these letters, proved from `old` entries of another history.
    fn request(key: &FileKey, log: &str, letters: &str, old: usize, proved: &str) -> Vec<u8> {
        let leaves =
            |text: &str| -> Vec<Digest> { text.bytes().map(|letter| merkle::leaf_hash(&[letter])).collect() };
        let own = leaves(letters);
        let checkpoint = Checkpoint {
            origin: format!("evidence.x/{log}"),
            size: own.len() as u64,
            root: merkle::root(&own),
        };
        let note = sign_checkpoint(key, &checkpoint).expect("signed");
        let growth = Growth::new(&leaves(proved), old as u64).expect("a proof");
        growth.request(&note).into_bytes()
    }

    #[tokio::test]
    async fn every_status_of_the_protocol() {
        let folder = tempfile::tempdir().expect("a folder");
        let key = FileKey::open(&folder.path().join("log.pem"), "evidence.x").expect("a key");
        let other = FileKey::open(&folder.path().join("other.pem"), "evidence.x").expect("a key");
        let dir = folder.path().join("witness");
        let witness = Witness::init(&dir, "witness.x/1", &key.vkey().to_string()).expect("a witness");
        let public = witness.public().clone();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/add-checkpoint", listener.local_addr().expect("an address"));
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let served = tokio::spawn(serve(witness, Clock::Real, listener, async {
            let _ = stopped.await;
        }));
        let ask = |body: Vec<u8>| {
            let bounds = Bounds { bytes: 4096, within: Millis::from_secs(10) };
            let url = url.clone();
            async move {
                let asked = tokio::task::spawn_blocking(move || post::post(&url, "text/plain", body, bounds));
                asked.await.expect("asked").expect("an answer")
            }
        };
        let first = ask(request(&key, "org", "abc", 0, "abc")).await;
        assert_eq!(first.status, 200);
        let text = request(&key, "org", "abc", 0, "abc");
        let (_, note) = Growth::parse_request(&text).expect("a request");
        let cosigned = format!("{note}{}", String::from_utf8(first.body).expect("text"));
        let cosigned = SignedNote::parse(cosigned.as_bytes()).expect("a note");
        assert!(public.cosigned(&cosigned).is_ok());
        let cases: [(&str, Vec<u8>, u16, &[u8]); 10] = [
            ("the same again", request(&key, "org", "abc", 3, "abc"), 200, b""),
            ("from nothing again", request(&key, "org", "abc", 0, "abc"), 409, b"3\n"),
            ("another root", request(&key, "org", "abX", 3, "abX"), 409, b"3\n"),
            ("rewritten", request(&key, "org", "abXde", 3, "abXde"), 422, b""),
            ("another proof", request(&key, "org", "abcde", 3, "abXde"), 422, b""),
            ("shrunk", request(&key, "org", "ab", 3, "abc"), 400, b""),
            ("a stranger", request(&other, "org", "abcde", 3, "abcde"), 403, b""),
            ("no log", request(&key, "nowhere", "abc", 0, "abc"), 404, b""),
            ("garbage", b"old 0\n".to_vec(), 400, b""),
            ("too much", vec![b'x'; WITNESS_ANSWER_BYTES_MAX + 1], 413, b""),
        ];
        for (what, body, status, said) in cases {
            let Answer { status: found, body } = ask(body).await;
            assert_eq!(found, status, "{what}");
            assert!(status == 200 || body == said, "{what}: {body:?}");
        }
        assert_eq!(ask(request(&key, "org", "abcde", 3, "abcde")).await.status, 200);
        stop.send(()).expect("still there");
        served.await.expect("ended").expect("in order");
        assert_eq!(
            Witness::open(&dir).expect("there").verify().expect("holds"),
            [("evidence.x/org".to_owned(), 5)]
        );
    }

    /// A witness that is served on this machine, and its address for an estate.
    async fn served(dir: &Path, log_key: &VerifierKey) -> Hook {
        let witness = Witness::init(dir, "witness.x/1", &log_key.to_string()).expect("a witness");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(serve(witness, Clock::Real, listener, std::future::pending()));
        Hook::Witness(ServiceAddress::new(&url).expect("an address"))
    }

    #[tokio::test]
    async fn heads_and_keys_that_take_over_are_seen_over_http() {
        let folder = tempfile::tempdir().expect("a folder");
        let context = Context {
            root: Path::new(env!("CARGO_MANIFEST_DIR")).to_owned(),
            state: folder.path().join("state"),
            clock: Clock::Real,
            entropy: Entropy::System,
        };
        let mut estate = Desired::read(&context.root).expect("the estate").loaded.estate;
        let keys = Keys::open(&context.key_dir(), &estate.name, false, context.entropy).expect("keys");
        let dirs = ["on time", "late"].map(|name| folder.path().join(name));
        let [on_time, late] =
            [served(&dirs[0], keys.log.vkey()).await, served(&dirs[1], keys.log.vkey()).await];
        (estate.publish, estate.timestamps) = (vec![on_time.clone()], Vec::new());
        let asked = tokio::task::spawn_blocking(move || {
            let mut journal = MemoryJournal::seeded(5);
            let mut troubles = Vec::new();
            let site = "site/HRB01".parse().expect("a log");
            for which in [KeyUse::Log, KeyUse::Bundle, KeyUse::Log] {
                let note = Note::new("run.noted", serde_json::json!({}));
                note::append(&context, &mut journal, &site, note).expect("written");
                troubles.extend(heads::beat(&context, &mut journal, &estate).expect("a beat").troubles);
                troubles.extend(rotate(&context, &mut journal, &estate, which).expect("rotated").troubles);
            }
            estate.publish = vec![on_time, late];
            troubles.extend(heads::beat(&context, &mut journal, &estate).expect("a beat").troubles);
            (troubles, journal.heads().expect("heads"))
        });
        let (troubles, heads) = asked.await.expect("asked");
        assert!(troubles.is_empty(), "{troubles:?}");
        for dir in dirs {
            let witness = Witness::open(&dir).expect("there");
            let held = witness.verify().expect("holds");
            assert_eq!(held.len(), heads.len(), "{held:?}");
            assert!(
                held.iter().all(|(log, size)| heads
                    .iter()
                    .any(|(own, head)| { log.ends_with(&format!("/{own}")) && head.size == *size })),
                "{held:?}"
            );
            assert_eq!(witness.state.retired.len(), 2, "it followed both");
            assert!(!witness.state.heads.is_empty(), "it saw the heads");
        }
    }
}
