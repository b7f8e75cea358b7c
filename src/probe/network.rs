//! The real probe: one GET, one lookup or one handshake, with limits on time and size. Redirects are not followed, nothing
//! is sent but the question, and no proxy stands between what was checked and what is asked.

use ipnet::IpNet;
use reqwest::Url;

use super::address::{lookup, names_loopback, resolve};
use super::{Answer, Probe, certificate};
use crate::base::limits::{PROBE_BODY_BYTES_MAX, PROBE_TIMEOUT};
use crate::validate::Found;
use crate::validate::findings::{Certificate, HttpAnswer};

const AGENT: &str = concat!("landfall/", env!("CARGO_PKG_VERSION"));

/// Looks at services over the network.
#[derive(Debug, Clone, Copy, Default)]
pub struct Network;

impl Probe for Network {
    fn http<'a>(&'a self, url: &'a str, inside: &'a [IpNet]) -> Answer<'a, HttpAnswer> {
        Box::pin(in_time(get(url, inside)))
    }

    fn dns<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<String>> {
        Box::pin(async move {
            Ok(lookup(name, 0).await?.into_iter().map(|address| address.ip().to_string()).collect())
        })
    }

    fn tls<'a>(&'a self, host: &'a str, port: u16, inside: &'a [IpNet]) -> Answer<'a, Certificate> {
        Box::pin(in_time(async move {
            let addresses = resolve(host, port, inside).await?;
            certificate::shown(host, &addresses).await
        }))
    }
}

async fn in_time<T>(work: impl Future<Output = Found<T>>) -> Found<T> {
    let late = || Err(format!("no answer came within {PROBE_TIMEOUT}"));
    tokio::time::timeout(PROBE_TIMEOUT.as_std(), work).await.unwrap_or_else(|_| late())
}

async fn get(text: &str, inside: &[IpNet]) -> Found<HttpAnswer> {
    let (url, host) = checked(text)?;
    let port = url.port_or_known_default().ok_or("its port is not known")?;
    let addresses = resolve(&host, port, inside).await?;
    let client = reqwest::Client::builder()
        .user_agent(AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .https_only(!names_loopback(&host))
        .resolve_to_addrs(&host, &addresses)
        .build()
        .map_err(|_| "the HTTP client cannot be set up")?;
    let mut answer = client.get(url).send().await.map_err(|error| why(&error).to_owned())?;
    let status = answer.status().as_u16();
    let body = body(&mut answer).await?;
    Ok(HttpAnswer { status, body: body.and_then(|bytes| serde_json::from_slice(&bytes).ok()) })
}

/// The address, and the host that it names.
fn checked(text: &str) -> Result<(Url, String), String> {
    let url: Url = text.parse().map_err(|_| "it is no web address")?;
    let host = url.host_str().ok_or("it names no host")?.to_owned();
    if !url.username().is_empty() || url.password().is_some() {
        return Err("credentials stand in it, and a probe has none".to_owned());
    }
    match url.scheme() {
        "https" => Ok((url, host)),
        "http" if names_loopback(&host) => Ok((url, host)),
        "http" => Err("only this machine is asked without encryption: write https".to_owned()),
        _ => Err("only https is asked".to_owned()),
    }
}

/// The texts of these errors repeat the address, and words of a server: they are not ours to show.
fn why(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "no answer came in time"
    } else if error.is_connect() {
        "no connection could be made, or its certificate is not trusted here"
    } else {
        "the connection broke before an answer came"
    }
}

/// The body, or nothing if it is larger than the limit.
async fn body(answer: &mut reqwest::Response) -> Found<Option<Vec<u8>>> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|_| "the answer stopped half way")? {
        if body.len() + chunk.len() > PROBE_BODY_BYTES_MAX {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

#[cfg(test)]
mod tests;
