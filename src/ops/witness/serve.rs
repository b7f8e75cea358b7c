//! The witness over HTTP: one address, `POST /add-checkpoint`. One request is answered at a time.

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

use crate::base::limits::{WITNESS_ANSWER_BYTES_MAX, WITNESS_REQUEST_TIMEOUT};
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
    let router = Router::new().route("/add-checkpoint", post(answer)).with_state(shared);
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}

async fn answer(State(shared): State<Arc<(Mutex<Witness>, Clock)>>, request: Request) -> Response {
    let body = axum::body::to_bytes(request.into_body(), WITNESS_ANSWER_BYTES_MAX);
    let body = match tokio::time::timeout(WITNESS_REQUEST_TIMEOUT.as_std(), body).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return plain(StatusCode::PAYLOAD_TOO_LARGE, String::new()),
        Err(_) => return plain(StatusCode::REQUEST_TIMEOUT, String::new()),
    };
    let answered = tokio::task::spawn_blocking(move || {
        let (witness, clock) = &*shared;
        // A request that panicked has written whole files or none.
        let mut witness = witness.lock().unwrap_or_else(PoisonError::into_inner);
        witness.add(&body, clock.now())
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
        Answered::Malformed | Answered::NotSigned | Answered::UnknownLog | Answered::NoGrowth => {
            plain(status, String::new())
        }
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
    use crate::evidence::checkpoint::Checkpoint;
    use crate::evidence::growth::Growth;
    use crate::evidence::note::SignedNote;
    use crate::merkle;
    use crate::post::{self, Answer, Bounds};
    use crate::signer::file_key::FileKey;
    use crate::signer::{Signer as _, sign_checkpoint};

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
}
