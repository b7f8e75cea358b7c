//! Who is told what: the estate's `[[notify]]` tables as they were written, and references to secrets.

use core::net::{IpAddr, Ipv6Addr};
use std::fmt;

use crate::base::id::SiteCode;
use crate::base::span::{Located, Span};

/// What a notice is about. A sink takes some or all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoticeClass {
    /// A gate is open: somebody has to decide.
    Gate,
    /// Something waits for people or for a date.
    Waiting,
    /// Something failed.
    Failed,
    /// Something came to a good end.
    Finished,
}

impl NoticeClass {
    /// Every class with the word the file uses for it.
    pub const ALL: [(&'static str, NoticeClass); 4] = [
        ("gate", Self::Gate),
        ("waiting", Self::Waiting),
        ("failed", Self::Failed),
        ("finished", Self::Finished),
    ];

    /// The word the file uses.
    pub fn word(self) -> &'static str {
        match self {
            NoticeClass::Gate => "gate",
            NoticeClass::Waiting => "waiting",
            NoticeClass::Failed => "failed",
            NoticeClass::Finished => "finished",
        }
    }

    /// The class of a word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| *name == word).map(|(_, class)| *class)
    }
}

/// One place that is told.
#[derive(Debug, Clone)]
pub struct Notify {
    /// Its name: also that of the file with its cursor.
    pub name: String,
    /// Where to.
    pub place: NotifyPlace,
    /// What it is told; empty means everything.
    pub on: Vec<NoticeClass>,
    /// About which sites only; empty means about everything.
    pub sites: Vec<Located<SiteCode>>,
    /// Where it is declared.
    pub span: Span,
}

impl Notify {
    /// Whether it wants a notice of this class about this site, or about none.
    pub fn wants(&self, class: NoticeClass, site: Option<&SiteCode>) -> bool {
        let class_fits = self.on.is_empty() || self.on.contains(&class);
        class_fits
            && (self.sites.is_empty()
                || site.is_some_and(|site| self.sites.iter().any(|own| own.value == *site)))
    }
}

/// Where notices go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotifyPlace {
    /// Posted to an address, signed with a key.
    Webhook {
        /// The address.
        address: NotifyAddress,
        /// Where the key is.
        secret: SecretRef,
    },
    /// Appended to a file, below the estate's folder unless it begins at the root.
    File(String),
}

/// An address in the file, or where to find it: the addresses of some services are secrets themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotifyAddress {
    /// As written.
    Written(WebAddress),
    /// Where it is.
    Kept(SecretRef),
}

/// An address that a signed notice may be sent to: HTTPS, or plain HTTP to this machine.
#[derive(Clone, PartialEq, Eq)]
pub struct WebAddress(String);

/// Why an address cannot be used. The address itself is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadAddress(pub &'static str);

/// Longest address: the longest of the known services are below 500.
const ADDRESS_BYTES_MAX: usize = 2_000;

impl WebAddress {
    /// Checks an address. It is stricter than an address may be, so that no two readers see two hosts in it.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn new(text: &str) -> Result<Self, BadAddress> {
        if text.len() > ADDRESS_BYTES_MAX || !text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') {
            return Err(BadAddress("is not an address"));
        }
        let (plain, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (false, rest),
            (None, Some(rest)) => (true, rest),
            (None, None) => return Err(BadAddress("must begin with https://")),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(BadAddress("must not hold a user name or password"));
        }
        let host = host_of(authority).ok_or(BadAddress("has no host"))?;
        if plain && !is_loopback(host) {
            return Err(BadAddress(
                "must begin with https://, so that nobody reads or changes it on the way",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The whole address. It may hold a secret: not for messages.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is on this machine.
    pub fn is_loopback(&self) -> bool {
        host_of(self.authority()).is_some_and(is_loopback)
    }

    fn authority(&self) -> &str {
        let rest = self.0.split_once("://").map_or("", |(_, rest)| rest);
        rest.split(['/', '?', '#']).next().unwrap_or_default()
    }
}

/// The host of `host`, `host:port` or `[v6]:port`, if both are spelled as such.
fn host_of(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            host.parse::<Ipv6Addr>().ok()?;
            (host, port)
        }
        None => {
            let at = authority.find(':').unwrap_or(authority.len());
            let (host, port) = authority.split_at(at);
            let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
            (!host.is_empty() && host.bytes().all(plain)).then_some(())?;
            (host, port)
        }
    };
    let good = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    good.then_some(host)
}

fn is_loopback(host: &str) -> bool {
    host.parse::<IpAddr>().map_or(host == "localhost", |address| address.is_loopback())
}

/// Scheme and host only: what follows may be a secret.
impl fmt::Display for WebAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.0.split_once("://").map_or("", |(scheme, _)| scheme);
        write!(f, "{scheme}://{}", self.authority())
    }
}

impl fmt::Debug for WebAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where a secret is. Files hold these, never secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// A variable of the environment.
    Env(String),
    /// A file, below the estate's folder unless it begins at the root.
    File(String),
    /// What a program prints; it is run without a shell, its words are split at spaces.
    Exec(Vec<String>),
}

/// How a reference to a secret is written.
pub const SECRET_REF_RULE: &str = "\"env:NAME\", \"file:PATH\" or \"exec:PROGRAM ARGUMENT …\"";

impl SecretRef {
    /// Reads a reference; anything else may be a secret, so it is not repeated.
    pub fn new(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once(':')?;
        let clean = !rest.is_empty() && !rest.chars().any(char::is_control);
        match scheme {
            "env" if clean && is_variable(rest) => Some(SecretRef::Env(rest.to_owned())),
            "file" if clean => Some(SecretRef::File(rest.to_owned())),
            "exec" if clean => {
                let words: Vec<String> = rest.split_whitespace().map(str::to_owned).collect();
                (!words.is_empty()).then_some(SecretRef::Exec(words))
            }
            _ => None,
        }
    }
}

fn is_variable(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !name.as_bytes().first().is_some_and(u8::is_ascii_digit)
}

/// As written, but for a program's arguments: they are nobody's business.
impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecretRef::Env(name) => write!(f, "env:{name}"),
            SecretRef::File(path) => write!(f, "file:{path}"),
            SecretRef::Exec(words) => write!(f, "exec:{}", words.first().map_or("", |word| word)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_or_on_this_machine() {
        for good in [
            "https://hooks.example.com/a?sig=x",
            "https://hooks.example.com:8443",
            "http://127.0.0.1:8080/x",
            "http://localhost/x",
            "http://[::1]:9/x",
        ] {
            assert!(WebAddress::new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "hooks.example.com",
            "ftp://hooks.example.com",
            "http://hooks.example.com",
            "http://127.0.0.1@hooks.example.com/",
            "http://127.0.0.1.example.com/",
            "http://localhost.example.com/",
            "http://127.0.0.1\\@hooks.example.com/",
            "https://user:word@hooks.example.com/",
            "https:///path",
            "https://exa mple.com/",
            "https://example.com:99999/",
            "https://[::1/",
            "http://[::1]x/",
            "https://exämple.com/",
        ] {
            assert!(WebAddress::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_is_shown_without_what_may_be_secret() {
        let address = WebAddress::new("https://hooks.example.com:8443/T0/B0?sig=hush").unwrap();
        assert_eq!(
            format!("{address} {address:?}"),
            "https://hooks.example.com:8443 https://hooks.example.com:8443"
        );
    }

    #[test]
    fn a_reference_is_told_from_a_secret() {
        assert_eq!(SecretRef::new("env:KEY_1"), Some(SecretRef::Env("KEY_1".to_owned())));
        assert_eq!(SecretRef::new("file:/run/key"), Some(SecretRef::File("/run/key".to_owned())));
        let words = vec!["pass".to_owned(), "show".to_owned(), "x".to_owned()];
        assert_eq!(SecretRef::new("exec:pass show x"), Some(SecretRef::Exec(words)));
        for other in
            ["hunter2", "whsec_abc", "env:", "env:A B", "env:1A", "file:", "exec: ", "vault:x", "file:a\nb"]
        {
            assert_eq!(SecretRef::new(other), None, "{other}");
        }
    }

    #[test]
    fn a_sink_that_names_sites_hears_of_these_only() {
        let site = SiteCode::new("HRB01").unwrap();
        let span = Span { source: crate::base::span::SourceMap::default().add("x", ""), range: 0..0 };
        let mut notify = Notify {
            name: "x".to_owned(),
            place: NotifyPlace::File("x".to_owned()),
            on: vec![NoticeClass::Failed],
            sites: Vec::new(),
            span: span.clone(),
        };
        assert!(notify.wants(NoticeClass::Failed, None) && notify.wants(NoticeClass::Failed, Some(&site)));
        assert!(!notify.wants(NoticeClass::Gate, None));
        notify.sites = vec![Located { value: SiteCode::new("MPL02").unwrap(), span }];
        assert!(!notify.wants(NoticeClass::Failed, None) && !notify.wants(NoticeClass::Failed, Some(&site)));
    }
}
