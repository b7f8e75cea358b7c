//! The adapter: asks over HTTP what the form says.
//!
//! Redirects are not followed, so the token goes to one host only; answers have a limit in size and time; what is read is
//! asked for a few times, what is written is sent once.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{Answer, Read, TicketError, TicketSystem, answer};
use crate::base::digest::Digest;
use crate::base::limits::{
    TICKET_BODY_BYTES_MAX, TICKET_READS_MAX, TICKET_REST, TICKET_REST_MAX, TICKET_TIMEOUT,
};
use crate::base::secret::Secret;
use crate::base::time::Millis;
use crate::model::notify::WebAddress;
use crate::model::tickets::{CommentMethod, TicketForm, Tickets, is_ticket_number};

const AGENT: &str = concat!("landfall/", env!("CARGO_PKG_VERSION"));

/// A ticket system behind an address.
pub struct Desk {
    client: reqwest::Client,
    base: WebAddress,
    authorization: HeaderValue,
    form: TicketForm,
    timeout: Millis,
}

/// One answer that has come.
struct Got {
    bytes: Vec<u8>,
    value: Value,
}

impl Desk {
    /// A ticket system as the estate describes it. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// If the sign-in cannot stand in a request, or the client cannot be set up.
    pub fn new(tickets: &Tickets, user: Option<&Secret>, token: &Secret) -> Result<Self, TicketError> {
        let bad = |what: &str| TicketError::NotSetUp { what: what.to_owned() };
        let local = tickets.url.is_loopback();
        let builder = reqwest::Client::builder()
            .user_agent(AGENT)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .https_only(!local);
        // A proxy cannot reach this machine's own loopback address.
        let builder = if local { builder.no_proxy() } else { builder };
        let client = builder.build().map_err(|_| bad("the HTTP client cannot be set up"))?;
        let word = match user {
            Some(user) => {
                let pair = format!("{}:{}", user.expose(), token.expose());
                format!("Basic {}", BASE64.encode(pair))
            }
            None => format!("Bearer {}", token.expose()),
        };
        let mut authorization =
            HeaderValue::from_str(&word).map_err(|_| bad("the token has characters that cannot be sent"))?;
        authorization.set_sensitive(true);
        Ok(Self {
            client,
            base: tickets.url.clone(),
            authorization,
            form: tickets.form.clone(),
            timeout: tickets.timeout.unwrap_or(TICKET_TIMEOUT),
        })
    }

    fn address(&self, path: &str, number: &str, id: &str) -> String {
        // Number and id were checked: nothing in them has a meaning in an address.
        let path = path.replace("{number}", number).replace("{id}", id);
        format!("{}{path}", self.base.as_str())
    }

    /// Asks until an answer comes that will not be another one the next time.
    async fn get(&self, url: &str) -> Result<Got, TicketError> {
        let mut tried = 1;
        loop {
            let got = match tokio::time::timeout(self.timeout.as_std(), self.get_once(url)).await {
                Ok(got) => got,
                Err(_) => Err(TicketError::Slow { within: self.timeout }),
            };
            match got {
                Err(error) if error.may_pass() && tried < TICKET_READS_MAX => {
                    tried += 1;
                    let asked = match &error {
                        TicketError::Down { retry_after, .. } => *retry_after,
                        _ => None,
                    };
                    tokio::time::sleep(asked.unwrap_or(TICKET_REST).min(TICKET_REST_MAX).as_std()).await;
                }
                got => return got,
            }
        }
    }

    async fn get_once(&self, url: &str) -> Result<Got, TicketError> {
        let request = self.client.get(url).header(ACCEPT, "application/json");
        let request = request.header(AUTHORIZATION, self.authorization.clone());
        let response = request.send().await.map_err(|error| self.broken(&error))?;
        judged(response.status(), response.headers())?;
        let bytes = self.body(response).await?;
        let value = serde_json::from_slice(&bytes).map_err(|_| TicketError::odd("it is not JSON"))?;
        Ok(Got { bytes, value })
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, TicketError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.broken(&error))? {
            if bytes.len() + chunk.len() > TICKET_BODY_BYTES_MAX {
                return Err(TicketError::odd(format!("it is larger than {TICKET_BODY_BYTES_MAX} bytes")));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// In words of ours: the texts of these errors name addresses.
    fn broken(&self, error: &reqwest::Error) -> TicketError {
        let down = |why: &str| TicketError::Down { why: why.to_owned(), retry_after: None };
        if error.is_timeout() {
            TicketError::Slow { within: self.timeout }
        } else if error.is_connect() {
            down("no connection could be made")
        } else if error.is_builder() {
            TicketError::NotSetUp { what: "the request cannot be built".to_owned() }
        } else {
            down("the connection broke before the whole answer came")
        }
    }

    async fn found(&self, number: &str) -> Result<(Got, String), TicketError> {
        refuse_odd(number)?;
        let got =
            self.get(&self.address(&self.form.read, number, "")).await.map_err(|error| match error {
                TicketError::Refused { status: 404 } => TicketError::NotFound { number: number.to_owned() },
                other => other,
            })?;
        let id = answer::id(&self.form, answer::record(&self.form, &got.value, number)?, number)?;
        Ok((got, id))
    }

    async fn whole(&self, number: &str) -> Result<Read, TicketError> {
        let (got, id) = self.found(number).await?;
        let mut hash = Sha256::new_with_prefix(&got.bytes);
        let approvals = match self.form.approvals_read.as_str() {
            "" => None,
            path => match self.get(&self.address(path, number, &id)).await {
                Ok(approvals) => {
                    hash.update(&approvals.bytes);
                    Some(approvals.value)
                }
                // A ticket to which the system's approvals do not apply has none.
                Err(TicketError::Refused { status: 404 }) => Some(empty(&self.form)),
                Err(error) => return Err(error),
            },
        };
        let record = answer::record(&self.form, &got.value, number)?;
        let page = self.address(&self.form.page, number, &id);
        let ticket = answer::ticket(&self.form, record, approvals.as_ref(), page)?;
        Ok(Read { ticket, answer: Digest::from_bytes(hash.finalize().into()) })
    }

    async fn write(&self, number: &str, text: &str) -> Result<(), TicketError> {
        let (_, id) = self.found(number).await?;
        let method = match self.form.comment_method {
            CommentMethod::Post => Method::POST,
            CommentMethod::Patch => Method::PATCH,
            CommentMethod::Put => Method::PUT,
        };
        let body = answer::comment(&self.form, text).to_string();
        let request = self
            .client
            .request(method, self.address(&self.form.comment_path, number, &id))
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/json")
            .header(AUTHORIZATION, self.authorization.clone())
            .body(body)
            .timeout(self.timeout.as_std());
        // Its answer's body is not read: the status says it.
        let response = request.send().await.map_err(|error| self.broken(&error))?;
        judged(response.status(), response.headers())
    }
}

fn empty(form: &TicketForm) -> Value {
    let mut answer = serde_json::json!({});
    crate::base::pointer::set(&mut answer, &form.approvals, serde_json::json!([]));
    answer
}

fn refuse_odd(number: &str) -> Result<(), TicketError> {
    if is_ticket_number(number) {
        return Ok(());
    }
    Err(TicketError::NotSetUp { what: "that is no number of a ticket".to_owned() })
}

fn judged(status: StatusCode, headers: &HeaderMap) -> Result<(), TicketError> {
    let number = status.as_u16();
    if status.is_success() {
        return Ok(());
    }
    if status.is_redirection() {
        return Err(TicketError::odd(format!(
            "it is {number}, which would lead elsewhere and is not followed"
        )));
    }
    if number == 401 || number == 403 {
        return Err(TicketError::SignIn { status: number });
    }
    if status.is_server_error() || number == 429 || number == 408 {
        let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let retry_after = seconds.map(Millis::from_secs);
        return Err(TicketError::Down { why: format!("it answered {number}"), retry_after });
    }
    Err(TicketError::Refused { status: number })
}

impl TicketSystem for Desk {
    fn find<'a>(&'a self, number: &'a str) -> Answer<'a, String> {
        Box::pin(async move { self.found(number).await.map(|(_, id)| id) })
    }

    fn read<'a>(&'a self, number: &'a str) -> Answer<'a, Read> {
        Box::pin(self.whole(number))
    }

    fn comment<'a>(&'a self, number: &'a str, text: &'a str) -> Answer<'a, ()> {
        Box::pin(self.write(number, text))
    }
}
