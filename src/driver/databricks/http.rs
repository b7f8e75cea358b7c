//! One HTTP request and its reply, with limits on size and time. Redirects are never followed.

use std::time::{Duration, Instant};

use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::Value;

use crate::base::limits::{HTTP_BODY_BYTES_MAX, HTTP_HEADER_BYTES_MAX};
use crate::base::secret::Secret;
use crate::base::time::Millis;

const WORKSPACE_HEADER: &str = "x-databricks-workspace-id";

/// The end of the time that a call may take. Measured here because only the caller's side of the wire can measure
/// it; a monotonic instant, so that nothing that sets clocks can move it. It decides nothing but when to stop waiting.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    ends: Instant,
}

impl Deadline {
    /// This far from now.
    pub(super) fn after(length: Millis) -> Self {
        let now = Instant::now();
        Self { ends: now.checked_add(length.as_std()).unwrap_or(now) }
    }

    /// A part of the time that is left, as a deadline of its own.
    pub(super) fn part(self, parts: u32) -> Self {
        Self { ends: Instant::now() + self.left() / parts }
    }

    pub(super) fn left(self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
    }
}

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: reqwest::Method,
    /// The whole address, percent-encoded.
    pub(super) url: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Option<Value>,
}

/// What came back.
#[derive(Debug)]
pub(super) enum Reply {
    /// An answer, whatever its status.
    Answer(Box<HttpAnswer>),
    /// The request never left: nothing was done.
    NotSent(&'static str),
    /// No answer, or only a part of one.
    Lost(&'static str),
}

/// An answer.
#[derive(Debug)]
pub(super) struct HttpAnswer {
    pub(super) status: u16,
    pub(super) request_id: Option<String>,
    pub(super) retry_after: Option<String>,
    pub(super) date: Option<String>,
    pub(super) location: Option<String>,
    /// The body; none if it was larger than the limit.
    pub(super) body: Option<Vec<u8>>,
}

impl HttpAnswer {
    /// The body as JSON. An empty body of a good answer is an empty object.
    pub(super) fn json(&self) -> Option<Value> {
        match self.body.as_deref()? {
            [] => Some(Value::Object(serde_json::Map::new())),
            bytes => serde_json::from_slice(bytes).ok(),
        }
    }
}

/// The client. Clones share its connections.
#[derive(Debug, Clone)]
pub(super) struct Http {
    client: reqwest::Client,
}

impl Http {
    pub(super) fn new(user_agent: &str, is_loopback: bool) -> Result<Self, reqwest::Error> {
        let builder =
            reqwest::Client::builder().user_agent(user_agent).redirect(reqwest::redirect::Policy::none());
        // A proxy cannot reach this machine's own loopback address.
        let builder = if is_loopback { builder.no_proxy() } else { builder };
        Ok(Self { client: builder.build()? })
    }

    pub(super) async fn send(
        &self,
        request: Request,
        token: &Secret,
        workspace: Option<&String>,
        deadline: Deadline,
    ) -> Reply {
        let mut headers = HeaderMap::new();
        let Ok(mut bearer) = HeaderValue::from_str(&format!("Bearer {}", token.expose())) else {
            return Reply::NotSent("the token has characters that cannot be sent");
        };
        bearer.set_sensitive(true);
        headers.insert(reqwest::header::AUTHORIZATION, bearer);
        if let Some(Ok(id)) = workspace.map(|id| HeaderValue::from_str(id)) {
            headers.insert(WORKSPACE_HEADER, id);
        }
        let mut builder =
            self.client.request(request.method, &request.url).headers(headers).query(&request.query);
        if let Some(body) = &request.body {
            builder = builder.json(body);
        }
        finish(builder, deadline).await
    }

    /// A request of the sign-in itself.
    pub(super) async fn sign_in(&self, url: &str, form: Option<SignInForm<'_>>, deadline: Deadline) -> Reply {
        let builder = match form {
            None => self.client.get(url),
            Some(form) => {
                let fields = [("grant_type", "client_credentials"), ("scope", "all-apis")];
                self.client
                    .post(url)
                    .basic_auth(form.client_id, Some(form.client_secret.expose()))
                    .form(&fields)
            }
        };
        finish(builder, deadline).await
    }
}

/// Who signs in.
#[derive(Debug, Clone, Copy)]
pub(super) struct SignInForm<'a> {
    pub(super) client_id: &'a str,
    pub(super) client_secret: &'a Secret,
}

async fn finish(builder: reqwest::RequestBuilder, deadline: Deadline) -> Reply {
    let left = deadline.left();
    if left.is_zero() {
        return Reply::NotSent("no time was left to send it");
    }
    let mut response = match builder.timeout(left).send().await {
        Ok(response) => response,
        Err(error) if error.is_builder() => return Reply::NotSent("the request could not be built"),
        Err(error) if error.is_connect() => return Reply::NotSent("no connection could be made"),
        Err(error) if error.is_timeout() => return Reply::Lost("no answer came in time"),
        Err(_) => return Reply::Lost("the connection broke before an answer came"),
    };
    let header = |name: &str| {
        let text = response.headers().get(name)?.to_str().ok()?;
        (text.len() <= HTTP_HEADER_BYTES_MAX && !text.is_empty()).then(|| text.to_owned())
    };
    let mut answer = HttpAnswer {
        status: response.status().as_u16(),
        request_id: header("x-request-id").filter(|id| id.bytes().all(|b| b.is_ascii_graphic())),
        retry_after: header("retry-after"),
        date: header("date"),
        location: header("location"),
        body: None,
    };
    match read_body(&mut response).await {
        Ok(body) => answer.body = body,
        Err(error) if error.is_timeout() => return Reply::Lost("the answer stopped half way"),
        Err(_) => return Reply::Lost("the connection broke in the middle of the answer"),
    }
    Reply::Answer(Box::new(answer))
}

/// The body, or nothing if it is larger than the limit.
async fn read_body(response: &mut reqwest::Response) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > HTTP_BODY_BYTES_MAX {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}
