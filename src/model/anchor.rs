//! What the estate says about anchors outside its own reach: who stamps its checkpoints.

use std::fmt;

/// Longest address of a service.
const ADDRESS_BYTES_MAX: usize = 2_000;

/// A service that makes RFC 3161 time stamps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimestampService {
    /// Where it is asked.
    pub url: ServiceAddress,
    /// The file with the certificates of the authorities that are trusted for it, below the estate's folder.
    pub authorities: String,
}

/// An address over HTTPS or HTTP. Plain HTTP is enough where answers are signed and nothing secret is asked, and it is
/// what public time-stamp services offer.
#[derive(Clone, PartialEq, Eq)]
pub struct ServiceAddress(String);

/// What an address must be.
pub const ADDRESS_RULE: &str =
    "an address is https:// or http:// with a host, and holds no user name or password";

impl ServiceAddress {
    /// Checks an address; nothing if it is none.
    pub fn new(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
        let plain =
            text.len() <= ADDRESS_BYTES_MAX && text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        (plain && !host.is_empty() && !host.contains('@')).then(|| Self(text.to_owned()))
    }

    /// The whole address. A path or query may hold a secret: not for messages.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServiceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.0.split_once("://").unwrap_or_default();
        write!(f, "{scheme}://{}", rest.split(['/', '?', '#']).next().unwrap_or_default())
    }
}

impl fmt::Debug for ServiceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServiceAddress({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_scheme_and_host_are_shown() {
        let address = ServiceAddress::new("http://tsa.example.com:80/stamp?key=hush").expect("an address");
        assert_eq!(address.to_string(), "http://tsa.example.com:80");
        assert!(!format!("{address:?}").contains("hush"));
        for bad in ["", "tsa.example.com", "ftp://x", "http://", "http://u:p@x/", "http://a b", "https:///x"]
        {
            assert_eq!(ServiceAddress::new(bad), None, "{bad}");
        }
    }
}
