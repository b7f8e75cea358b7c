//! Signing in: discovery documents, token endpoints, and the tokens that are good.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use super::Config;
use super::answer::{Answer, Outcome, Refusal};
use super::call::Call;
use super::visit::Caller;
use crate::base::limits::SANDBOX_TOKENS_MAX;
use crate::base::secret::Secret;
use crate::base::time::{Millis, Timestamp};

/// How long a token is good.
const LIFETIME: Millis = Millis::from_secs(3600);
/// The user behind personal access tokens.
pub(super) const TOKEN_USER: &str = "sandbox.operator@example.com";

struct Token {
    secret: Secret,
    expires: Timestamp,
    caller: Caller,
}

/// The tokens that were issued.
#[derive(Default)]
pub(super) struct Tokens(Vec<Token>);

impl Tokens {
    /// Who holds the token of an `Authorization` header.
    ///
    /// # Errors
    /// 401 if there is none, or it is unknown or over.
    pub fn caller(&self, header: Option<&str>, config: &Config, now: Timestamp) -> Result<Caller, Refusal> {
        let given = header.and_then(bearer).ok_or_else(Refusal::unauthenticated)?;
        let issued = self.0.iter().filter(|token| token.expires > now);
        let mut found = None;
        for token in issued {
            if token.secret.matches(given) {
                found = Some(token.caller.clone());
            }
        }
        if config.pats.iter().filter(|pat| pat.matches(given)).count() > 0 {
            found = Some(Caller { name: TOKEN_USER.into(), read_only: false, account: false });
        }
        found.ok_or_else(Refusal::unauthenticated)
    }

    /// Answers a token request.
    ///
    /// # Errors
    /// If the grant, the client or the system's randomness does not allow it.
    pub fn issue(&mut self, call: &Call, config: &Config, now: Timestamp, account: bool) -> Outcome {
        let form = call.form();
        if form.get("grant_type").map(String::as_str) != Some("client_credentials") {
            return Err(Refusal::oauth(400, "unsupported_grant_type", "only client_credentials is served"));
        }
        let wrong = || Refusal::oauth(401, "invalid_client", "Client authentication failed");
        let (id, secret) = presented(call.credentials(), &form).ok_or_else(wrong)?;
        let mut client = None;
        for known in &config.clients {
            if known.secret.matches(&secret) && known.id == id {
                client = Some(known);
            }
        }
        let client = client.ok_or_else(wrong)?;
        let mut bytes = [0u8; 32];
        getrandom::fill(&mut bytes).map_err(|_| Refusal::oauth(500, "server_error", "no randomness"))?;
        let token = format!("sandbox-{}", URL_SAFE_NO_PAD.encode(bytes));
        let caller = Caller { name: client.id.clone(), read_only: client.read_only, account };
        self.0.retain(|token| token.expires > now);
        if self.0.len() >= SANDBOX_TOKENS_MAX {
            self.0.remove(0);
        }
        self.0.push(Token { secret: Secret::new(token.clone()), expires: now + LIFETIME, caller });
        let scope = form.get("scope").map_or("all-apis", String::as_str);
        let seconds = LIFETIME.0 / 1000;
        Answer::ok(json!({
            "access_token": token, "token_type": "Bearer", "expires_in": seconds, "scope": scope,
        }))
    }
}

/// `/.well-known/databricks-config`.
pub(super) fn host_metadata(call: &Call, config: &Config, workspace: Option<&str>) -> Outcome {
    let base = base_url(call);
    Answer::ok(match workspace {
        Some(workspace) => json!({
            "oidc_endpoint": format!("{base}/oidc"), "account_id": config.account_id,
            "workspace_id": workspace, "cloud": "AWS",
        }),
        None => json!({
            "oidc_endpoint": format!("{base}/oidc/accounts/{{account_id}}"),
            "account_id": config.account_id, "cloud": "AWS",
        }),
    })
}

/// The discovery document whose endpoints live under this path.
pub(super) fn discovery(call: &Call, under: &str) -> Outcome {
    let root = format!("{}{under}", base_url(call));
    Answer::ok(json!({
        "issuer": root,
        "authorization_endpoint": format!("{root}/v1/authorize"),
        "token_endpoint": format!("{root}/v1/token"),
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "scopes_supported": ["all-apis"],
    }))
}

fn base_url(call: &Call) -> String {
    let host = call.host.as_deref().unwrap_or("127.0.0.1");
    let is_plain = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte));
    format!("http://{}", if is_plain { host } else { "127.0.0.1" })
}

pub(super) fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn presented(header: Option<&str>, form: &BTreeMap<String, String>) -> Option<(String, String)> {
    if let Some(header) = header {
        let (scheme, coded) = header.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let plain = String::from_utf8(STANDARD.decode(coded.trim()).ok()?).ok()?;
        let (id, secret) = plain.split_once(':')?;
        return Some((id.to_owned(), secret.to_owned()));
    }
    Some((form.get("client_id")?.clone(), form.get("client_secret")?.clone()))
}
