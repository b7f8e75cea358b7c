//! Probes whose answers come from a table: for tests and rehearsals, where nothing real is looked at.

use std::collections::BTreeMap;

use ipnet::IpNet;

use super::{Answer, Probe};
use crate::validate::Found;
use crate::validate::findings::{Certificate, HttpAnswer};

/// Answers by what is asked. What is not in here could not be looked at.
#[derive(Debug, Clone, Default)]
pub struct Scripted {
    /// Answers by address.
    pub http: BTreeMap<String, Found<HttpAnswer>>,
    /// Addresses by name.
    pub dns: BTreeMap<String, Found<Vec<String>>>,
    /// Certificates by server and port.
    pub tls: BTreeMap<(String, u16), Found<Certificate>>,
}

fn told<'a, T: Clone + Send + 'a>(found: Option<&Found<T>>) -> Answer<'a, T> {
    let found = found.cloned().unwrap_or_else(|| Err("nobody has said what it answers".to_owned()));
    Box::pin(std::future::ready(found))
}

impl Probe for Scripted {
    fn http<'a>(&'a self, url: &'a str, _inside: &'a [IpNet]) -> Answer<'a, HttpAnswer> {
        told(self.http.get(url))
    }

    fn dns<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<String>> {
        told(self.dns.get(name))
    }

    fn tls<'a>(&'a self, host: &'a str, port: u16, _inside: &'a [IpNet]) -> Answer<'a, Certificate> {
        told(self.tls.get(&(host.to_owned(), port)))
    }
}
