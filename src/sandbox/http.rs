//! The HTTP face: takes requests off the wire, gives them to the dispatcher, writes what it says.

use std::future::Future;
use std::io;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode, request};
use axum::response::Response;
use tokio::net::TcpListener;

use super::Sandbox;
use super::answer::Refusal;
use super::call::Call;
use super::dispatch::{Reply, Stalled};
use super::faults::Strike;
use super::line::{Lines, Shears};
use crate::base::limits::SANDBOX_BODY_BYTES_MAX;
use crate::base::secret::Secret;
use crate::base::time::Millis;

const WORKSPACE_HEADERS: [&str; 2] = ["x-databricks-workspace-id", "x-databricks-org-id"];
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const ORG_ID: HeaderName = HeaderName::from_static("x-databricks-org-id");

/// Serves the sandbox until `stop` is done.
///
/// # Errors
/// If the listener is not on a loopback address, or the system stops it.
pub async fn serve(
    sandbox: Sandbox,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("the sandbox listens on loopback addresses only, not on {address}"),
        ));
    }
    let service = router(sandbox).into_make_service_with_connect_info::<Shears>();
    axum::serve(Lines(listener), service).with_graceful_shutdown(stop).await
}

/// Every path goes to the dispatcher.
pub(super) fn router(sandbox: Sandbox) -> Router {
    Router::new().fallback(answer).with_state(sandbox)
}

async fn answer(State(sandbox): State<Sandbox>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let shears = parts.extensions.get::<ConnectInfo<Shears>>().map(|info| info.0.clone());
    let call = match axum::body::to_bytes(body, SANDBOX_BODY_BYTES_MAX).await {
        Ok(bytes) => read(&parts, bytes.to_vec()),
        Err(_) => Err(Refusal::new(413, "REQUEST_TOO_LARGE", "the request body is larger than 4 MB")),
    };
    let reply = match call {
        Ok(call) => {
            let Stalled { strike, wait, latency } = sandbox.core().begin(&call);
            if let Some(wait) = wait {
                tokio::time::sleep(wait.as_std()).await;
            }
            match latency {
                Some(latency) => carry_out(sandbox, call, strike, latency).await,
                None => sandbox.core().serve(&call, strike),
            }
        }
        Err(refusal) => sandbox.core().refuse(parts.method.as_str(), parts.uri.path(), refusal),
    };
    match (reply, shears) {
        (Reply::Answered(answered), _) => write(answered),
        (Reply::Lost(answered), Some(shears)) => {
            shears.cut();
            write(answered)
        }
        (Reply::Lost(answered), None) => write(answered),
    }
}

/// Carries a call out after its latency, whether or not its caller still waits: a service that has received a call
/// does not notice that the caller went away.
async fn carry_out(sandbox: Sandbox, call: Call, strike: Strike, latency: Millis) -> Reply {
    let work = tokio::spawn(async move {
        tokio::time::sleep(latency.as_std()).await;
        sandbox.core().serve(&call, strike)
    });
    work.await.expect("a call that panics is a bug of the sandbox")
}

fn read(parts: &request::Parts, body: Vec<u8>) -> Result<Call, Refusal> {
    let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut call = Call::new(parts.method.as_str(), parts.uri.path(), parts.uri.query().unwrap_or_default())?;
    call.authorization = text(AUTHORIZATION.as_str()).map(Secret::new);
    call.host = text(HOST.as_str());
    call.workspace =
        WORKSPACE_HEADERS.iter().find_map(|name| text(name)).or_else(|| call.query.get("o").cloned());
    call.body = body;
    Ok(call)
}

/// What goes onto the wire.
#[derive(Debug)]
pub(super) struct Answered {
    pub status: u16,
    pub body: Option<serde_json::Value>,
    pub request_id: String,
    pub workspace: Option<String>,
    pub retry_after: Option<u64>,
}

fn write(answered: Answered) -> Response {
    let body = answered.body.map(|body| body.to_string());
    let mut response = Response::new(body.clone().map_or_else(Body::empty, Body::from));
    // A fault rule may name any number; a status below 200 would not end the exchange.
    let status = StatusCode::from_u16(answered.status).ok().filter(|status| !status.is_informational());
    *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if body.is_some() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    let values = [
        (REQUEST_ID, Some(answered.request_id)),
        (ORG_ID, answered.workspace),
        (RETRY_AFTER, answered.retry_after.map(|seconds| seconds.to_string())),
    ];
    for (name, value) in values {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(name, value);
        }
    }
    response
}
