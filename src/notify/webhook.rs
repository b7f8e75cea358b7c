//! A sink that posts each notice, signed, to an address. Redirects are not followed and answers are not read: all that
//! counts is the status, so nothing that a receiver sends can do harm or be repeated.

use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};

use super::sign::Key;
use super::{Sending, Sent, Sink};
use crate::base::limits::{HTTP_HEADER_BYTES_MAX, NOTIFY_RETRY_AFTER_MAX};
use crate::base::secret::Secret;
use crate::base::time::{Millis, Timestamp};
use crate::model::notify::WebAddress;
use crate::notice::Notice;

const AGENT: &str = concat!("landfall/", env!("CARGO_PKG_VERSION"));

/// A receiver.
pub struct Webhook {
    client: reqwest::Client,
    address: WebAddress,
    key: Key,
}

impl Webhook {
    /// A receiver at an address. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// If the key is too weak, or the client cannot be set up.
    pub fn new(address: WebAddress, secret: &Secret) -> Result<Self, String> {
        let local = address.is_loopback();
        let builder = reqwest::Client::builder()
            .user_agent(AGENT)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .https_only(!local);
        // A proxy cannot reach this machine's own loopback address.
        let builder = if local { builder.no_proxy() } else { builder };
        let client = builder.build().map_err(|_| "the HTTP client cannot be set up".to_owned())?;
        Ok(Self { client, address, key: Key::new(secret)? })
    }

    async fn post(&self, notice: &Notice, now: Timestamp, timeout: Millis) -> Sent {
        let body = notice.to_bytes();
        let seconds = now.as_millis().div_euclid(1000);
        let answer = self
            .client
            .post(self.address.as_str())
            .header(CONTENT_TYPE, "application/cloudevents+json; charset=utf-8")
            .header("webhook-id", &notice.id)
            .header("webhook-timestamp", seconds.to_string())
            .header("webhook-signature", self.key.sign(&notice.id, seconds, &body))
            .body(body)
            .timeout(timeout.as_std())
            .send()
            .await;
        // The texts of these errors name the address, which may be a secret.
        match answer {
            Ok(answer) => judged(answer.status(), answer.headers(), now),
            Err(error) if error.is_timeout() => Sent::later("no answer came in time"),
            Err(error) if error.is_connect() => Sent::later("no connection could be made"),
            Err(error) if error.is_builder() => Sent::later("the request could not be built"),
            Err(_) => Sent::later("the connection broke before an answer came"),
        }
    }
}

impl Sink for Webhook {
    fn send<'a>(&'a self, notice: &'a Notice, now: Timestamp, timeout: Millis) -> Sending<'a> {
        Box::pin(self.post(notice, now, timeout))
    }
}

fn judged(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Sent {
    let number = status.as_u16();
    if status.is_success() {
        Sent::Taken
    } else if status == StatusCode::GONE {
        Sent::Closed { why: format!("it answered {number}: it takes no notices any more") }
    } else if status.is_redirection() {
        Sent::later(format!("it answered {number}, which would lead elsewhere and is not followed"))
    } else {
        Sent::Later { why: format!("it answered {number}"), retry_after: retry_after(headers, now) }
    }
}

/// Seconds, or a moment as HTTP writes it.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Millis> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok().filter(|text| text.len() <= HTTP_HEADER_BYTES_MAX)?;
    let asked = if text.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than a number holds are more than is believed anyway.
        text.parse().map_or(NOTIFY_RETRY_AFTER_MAX, Millis::from_secs)
    } else {
        let moment = jiff::fmt::rfc2822::parse(text).ok()?.timestamp().as_millisecond();
        Timestamp::from_millis(moment).since(now)
    };
    Some(asked.min(NOTIFY_RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Option<Millis> {
        let now = "2027-01-11T09:00:00Z".parse().unwrap();
        let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
        match judged(StatusCode::TOO_MANY_REQUESTS, &headers, now) {
            Sent::Later { retry_after, .. } => retry_after,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_a_receiver_asks_for_is_read_and_bounded() {
        assert_eq!(asked("120"), Some(Millis::from_secs(120)));
        assert_eq!(asked("Mon, 11 Jan 2027 09:02:00 GMT"), Some(Millis::from_secs(120)));
        assert_eq!(asked("Mon, 11 Jan 2027 08:00:00 GMT"), Some(Millis(0)));
        assert_eq!(asked("99999999999999999999999999"), Some(NOTIFY_RETRY_AFTER_MAX));
        assert_eq!(asked("999999999"), Some(NOTIFY_RETRY_AFTER_MAX));
        assert_eq!(asked("soon"), None);
        assert_eq!(asked("-5"), None);
    }
}
