//! Floor 3: the port to services that are looked at but never changed: what an address answers, where a name leads, which
//! certificate a server shows. A probe has no credentials and follows nobody.

mod address;
pub mod agent;
mod certificate;
pub mod network;
pub mod scripted;

use std::future::Future;
use std::pin::Pin;

use ipnet::IpNet;

use crate::validate::Found;
use crate::validate::findings::{Certificate, HttpAnswer};

/// What a probe gives back.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Found<T>> + Send + 'a>>;

/// A way to look at services.
pub trait Probe: Send + Sync {
    /// One GET. `inside` names the private networks that it may reach.
    fn http<'a>(&'a self, url: &'a str, inside: &'a [IpNet]) -> Answer<'a, HttpAnswer>;

    /// The addresses of a name, as text. Nothing is connected to.
    fn dns<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<String>>;

    /// The certificate of a server. `inside` names the private networks that it may reach.
    fn tls<'a>(&'a self, host: &'a str, port: u16, inside: &'a [IpNet]) -> Answer<'a, Certificate>;
}
