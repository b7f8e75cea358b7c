//! Tokens: one per token endpoint, asked for once and kept until shortly before they end.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use reqwest::Url;
use serde_json::Value;
use tokio::sync::Mutex;

use super::error::{cause_of, retry_after_of};
use super::host::Endpoint;
use super::http::{Deadline, Http, HttpAnswer, Reply, SignInForm};
use super::{Auth, SignIn};
use crate::base::limits::{TOKEN_LIFETIME_MAX, TOKEN_MARGIN};
use crate::base::secret::Secret;
use crate::model::outcome::{Cause, CauseClass};

/// How much time has passed since some moment; it never goes backward.
#[derive(Clone)]
pub(super) struct Elapsed(Arc<dyn Fn() -> Duration + Send + Sync>);

impl Elapsed {
    /// By this process's monotonic clock: wall clocks may differ or be set.
    pub(super) fn here() -> Self {
        let began = Instant::now();
        Self(Arc::new(move || began.elapsed()))
    }

    pub(super) fn by(told: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self(Arc::new(told))
    }

    fn now(&self) -> Duration {
        (self.0)()
    }
}

impl fmt::Debug for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.now().fmt(f)
    }
}

/// Sign-in, and the tokens it gave.
#[derive(Debug)]
pub(super) struct Tokens {
    auth: Auth,
    elapsed: Elapsed,
    slots: Mutex<BTreeMap<String, Slot>>,
    /// How many tokens were given.
    given: AtomicU64,
}

/// The place of one endpoint's token. Its lock is held while a token is asked for, so that only one call asks.
type Slot = Arc<Mutex<Option<Token>>>;

#[derive(Debug)]
struct Token {
    secret: Secret,
    number: u64,
    /// By our own clock and the server's `expires_in`.
    ends: Duration,
}

/// A token to send.
#[derive(Debug, Clone)]
pub(super) struct Ticket {
    pub(super) secret: Secret,
    /// Whether it had been got for an earlier call: then a 401 may only mean that it ended early.
    pub(super) was_cached: bool,
    number: u64,
}

impl Tokens {
    pub(super) fn new(auth: Auth, elapsed: Elapsed) -> Self {
        Self { auth, elapsed, slots: Mutex::new(BTreeMap::new()), given: AtomicU64::new(0) }
    }

    pub(super) async fn get(&self, http: &Http, at: &Endpoint, deadline: Deadline) -> Result<Ticket, SignIn> {
        let (client_id, client_secret) = match &self.auth {
            Auth::Pat(token) => return Ok(Ticket { secret: token.clone(), was_cached: false, number: 0 }),
            Auth::OAuth { client_id, client_secret } => (client_id, client_secret),
        };
        let slot = self.slot(at).await;
        let mut kept = slot.lock().await;
        if let Some(token) = kept.as_ref().filter(|token| token.ends > self.elapsed.now()) {
            return Ok(Ticket { secret: token.secret.clone(), was_cached: true, number: token.number });
        }
        let url = token_endpoint(http, at, deadline.part(4)).await;
        let asked = self.elapsed.now();
        let reply = http.sign_in(&url, Some(SignInForm { client_id, client_secret }), deadline).await;
        let (secret, lifetime) = token_in(reply)?;
        let number = self.given.fetch_add(1, Ordering::Relaxed);
        *kept = Some(Token { secret: secret.clone(), number, ends: asked + lifetime });
        Ok(Ticket { secret, was_cached: false, number })
    }

    /// Drops an endpoint's token, because the service no longer takes it. One that another call got since then stays.
    pub(super) async fn forget(&self, at: &Endpoint, refused: &Ticket) {
        let slot = self.slot(at).await;
        let mut kept = slot.lock().await;
        if kept.as_ref().is_some_and(|token| token.number == refused.number) {
            *kept = None;
        }
    }

    async fn slot(&self, at: &Endpoint) -> Slot {
        let key = format!("{}{}", at.base, at.token);
        Arc::clone(self.slots.lock().await.entry(key).or_default())
    }
}

/// The token endpoint that the discovery document names; the usual one if there is no such document, or if it
/// names another host: the secret goes nowhere but to the host that was configured.
async fn token_endpoint(http: &Http, at: &Endpoint, deadline: Deadline) -> String {
    let usual = format!("{}{}", at.base, at.token);
    let reply = http.sign_in(&format!("{}{}", at.base, at.discovery), None, deadline).await;
    let Reply::Answer(answer) = reply else { return usual };
    let named = answer.json().filter(|_| answer.status == 200);
    let named = named.as_ref().and_then(|document| document.get("token_endpoint")?.as_str());
    let same_origin = |named: &str| -> Option<bool> {
        Some(Url::parse(named).ok()?.origin() == Url::parse(&usual).ok()?.origin())
    };
    named.filter(|named| same_origin(named) == Some(true)).map_or(usual.clone(), str::to_owned)
}

fn token_in(reply: Reply) -> Result<(Secret, Duration), SignIn> {
    let busy = |what: &str| SignIn {
        cause: Cause::new(CauseClass::Busy, format!("sign-in failed: {what}")),
        retry_after: None,
    };
    match reply {
        Reply::NotSent(what) | Reply::Lost(what) => Err(busy(what)),
        Reply::Answer(answer) if answer.status == 200 => {
            token_of(&answer).ok_or_else(|| busy("the answer holds no token"))
        }
        Reply::Answer(answer) => {
            let mut cause = cause_of("sign-in", &answer);
            // Whatever a token endpoint calls it: a client that is refused there is not signed in.
            if !matches!(cause.class, CauseClass::Busy | CauseClass::Internal) {
                cause.class = CauseClass::Unauthenticated;
            }
            Err(SignIn { cause, retry_after: retry_after_of(&answer) })
        }
    }
}

fn token_of(answer: &HttpAnswer) -> Option<(Secret, Duration)> {
    let document = answer.json()?;
    let token = document.get("access_token")?.as_str().filter(|token| !token.is_empty())?;
    let seconds = document.get("expires_in").and_then(Value::as_u64).unwrap_or(0);
    let lifetime = Duration::from_secs(seconds).min(TOKEN_LIFETIME_MAX.as_std());
    Some((Secret::new(token), lifetime.saturating_sub(TOKEN_MARGIN.as_std())))
}
