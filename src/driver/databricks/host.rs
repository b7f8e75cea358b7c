//! Which host a call goes to. A name from an answer never sends a token to a host of somebody else.

use reqwest::Url;

use super::BadSettings;
use crate::kind::encode_segment;
use crate::model::outcome::{Cause, CauseClass};

/// Longest label of a host name (RFC 1035).
const LABEL_BYTES_MAX: usize = 63;

/// The account's host and what follows from it.
#[derive(Debug, Clone)]
pub(super) struct Hosts {
    account: Url,
    account_id: String,
}

/// Where a call goes and how to sign in there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// Scheme, host and port, without a slash at the end.
    pub(super) base: String,
    /// The workspace id, on a host that serves account and workspaces.
    pub(super) header: Option<String>,
    /// Path of the document that names the token endpoint.
    pub(super) discovery: String,
    /// Path of the token endpoint where there is no such document.
    pub(super) token: String,
}

impl Endpoint {
    /// Host, and workspace where the host serves several: what a service counts the calls of.
    pub(super) fn name(&self) -> String {
        self.header.as_ref().map_or_else(|| self.base.clone(), |id| format!("{}, workspace {id}", self.base))
    }
}

impl Hosts {
    pub(super) fn new(host: &str, account_id: &str) -> Result<Self, BadSettings> {
        let bad = |what| BadSettings::Host { host: host.to_owned(), what };
        let text = if host.contains("://") { host.to_owned() } else { format!("https://{host}") };
        let account = Url::parse(&text).map_err(|_| bad("is not an address"))?;
        if !account.username().is_empty() || account.password().is_some() {
            return Err(bad("must not hold a user name or password"));
        }
        let hosts = Self { account, account_id: account_id.to_owned() };
        match hosts.account.scheme() {
            "https" => Ok(hosts),
            "http" if hosts.is_loopback() => Ok(hosts),
            _ => Err(bad("must begin with https://, so that nobody reads the token on the way")),
        }
    }

    /// Whether the account host is this machine.
    pub(super) fn is_loopback(&self) -> bool {
        let host = self.account.host_str().unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
        address.map_or(host == "localhost", |address| address.is_loopback())
    }

    pub(super) fn account(&self) -> Endpoint {
        let account = encode_segment(&self.account_id);
        Endpoint {
            base: base_of(&self.account),
            header: None,
            discovery: format!("/oidc/accounts/{account}/.well-known/oauth-authorization-server"),
            token: format!("/oidc/accounts/{account}/v1/token"),
        }
    }

    /// The first label `accounts` is replaced by the deployment name; any other host is taken to be a unified one,
    /// which serves the workspaces too and is told by a header which one is meant.
    pub(super) fn workspace(&self, workspace_id: &str, deployment_name: &str) -> Result<Endpoint, Cause> {
        let garbled =
            |what: &str| Cause::new(CauseClass::Garbled, format!("the workspace's {what} is unusable"));
        let host = self.account.host_str().unwrap_or_default();
        let Some(domain) = ["accounts.", "accounts-dod."].iter().find_map(|label| host.strip_prefix(label))
        else {
            if workspace_id.is_empty() || !workspace_id.bytes().all(|b| b.is_ascii_digit()) {
                return Err(garbled("id"));
            }
            return Ok(Endpoint { header: Some(workspace_id.to_owned()), ..self.account() });
        };
        let is_label = |c: u8| c.is_ascii_alphanumeric() || c == b'-';
        if !(1..=LABEL_BYTES_MAX).contains(&deployment_name.len()) || !deployment_name.bytes().all(is_label) {
            return Err(garbled("deployment name"));
        }
        let mut url = self.account.clone();
        url.set_host(Some(&format!("{deployment_name}.{domain}"))).map_err(|_| garbled("host"))?;
        Ok(Endpoint {
            base: base_of(&url),
            header: None,
            discovery: "/oidc/.well-known/oauth-authorization-server".to_owned(),
            token: "/oidc/v1/token".to_owned(),
        })
    }
}

fn base_of(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(account: &str, deployment: &str) -> String {
        let hosts = match Hosts::new(account, "acc") {
            Ok(hosts) => hosts,
            Err(error) => return error.to_string(),
        };
        match hosts.workspace("4711", deployment) {
            Ok(endpoint) => {
                format!("{} {}", endpoint.base, endpoint.header.unwrap_or_else(|| "-".to_owned()))
            }
            Err(cause) => cause.message,
        }
    }

    #[test]
    fn workspace_hosts_follow_from_the_account_host() {
        let cases = [
            ("accounts.cloud.databricks.com", "https://hrb01.cloud.databricks.com -"),
            ("https://accounts-dod.cloud.databricks.us/", "https://hrb01.cloud.databricks.us -"),
            ("https://unified.example.com", "https://unified.example.com 4711"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080 4711"),
            ("http://[::1]:8080", "http://[::1]:8080 4711"),
        ];
        for (account, expected) in cases {
            assert_eq!(workspace(account, "hrb01"), expected);
        }
    }

    #[test]
    fn a_deployment_name_cannot_lead_elsewhere() {
        for hostile in ["evil.example/", "evil.example#", "a@evil", "", "a.b", "..", "a:1", &"x".repeat(64)] {
            let told = workspace("accounts.cloud.databricks.com", hostile);
            assert_eq!(told, "the workspace's deployment name is unusable", "{hostile:?}");
        }
    }

    #[test]
    fn a_token_is_never_sent_in_the_clear() {
        let told = workspace("http://accounts.cloud.databricks.com", "a");
        assert!(
            told.ends_with("must begin with https://, so that nobody reads the token on the way"),
            "{told}"
        );
        assert!(workspace("https://user:pw@accounts.example", "a").contains("must not hold"));
    }
}
