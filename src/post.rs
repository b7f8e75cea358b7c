//! Floor 3: one request to somebody outside and its answer, for code that does not wait itself. What is sent is sent
//! once, redirects are not followed, and answers have a limit in size and time.

use std::future::Future;

use reqwest::header::CONTENT_TYPE;

use crate::base::time::Millis;

const AGENT: &str = concat!("landfall/", env!("CARGO_PKG_VERSION"));

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
}

/// How large an answer may be and how long it may take.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Bytes of the body.
    pub bytes: usize,
    /// From the first attempt to connect to the last byte.
    pub within: Millis,
}

/// Why there is no answer. The address is not repeated: it may hold a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PostError {
    /// Nobody is there.
    #[error("no connection could be made")]
    NoConnection,
    /// It took too long.
    #[error("no answer came within {0}")]
    Slow(Millis),
    /// It said too much.
    #[error("the answer has more than {0} bytes")]
    TooLarge(usize),
    /// It broke off.
    #[error("the connection broke before the whole answer came")]
    Broken,
    /// It could not be sent.
    #[error("the request cannot be sent")]
    NotSent,
}

/// Sends a body and waits for the answer.
///
/// # Errors
///
/// If no whole answer comes within the bounds.
pub fn post(url: &str, kind: &str, body: Vec<u8>, bounds: Bounds) -> Result<Answer, PostError> {
    wait(async {
        let asked = tokio::time::timeout(bounds.within.as_std(), send(url, kind, body, bounds.bytes));
        asked.await.unwrap_or(Err(PostError::Slow(bounds.within)))
    })?
}

/// Waits for something on a thread and runtime of its own, so that it works wherever it is called.
///
/// # Errors
///
/// If neither can be had.
pub fn wait<T: Send>(future: impl Future<Output = T> + Send) -> Result<T, PostError> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map(|runtime| runtime.block_on(future)).map_err(|_| PostError::NotSent)
        });
        thread.join().unwrap_or(Err(PostError::NotSent))
    })
}

async fn send(url: &str, kind: &str, body: Vec<u8>, bytes_max: usize) -> Result<Answer, PostError> {
    let url = reqwest::Url::parse(url).map_err(|_| PostError::NotSent)?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let local = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let builder = reqwest::Client::builder()
        .user_agent(AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false);
    // A proxy cannot reach this machine's own loopback address.
    let builder = if local { builder.no_proxy() } else { builder };
    let client = builder.build().map_err(|_| PostError::NotSent)?;
    let sent = client.post(url).header(CONTENT_TYPE, kind).body(body).send().await;
    let mut response = sent.map_err(|error| match error.is_connect() {
        true => PostError::NoConnection,
        false => PostError::Broken,
    })?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| PostError::Broken)? {
        if body.len() + chunk.len() > bytes_max {
            return Err(PostError::TooLarge(bytes_max));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, body })
}
