//! A value that must never be printed, logged, serialised or compared in variable time.

use std::fmt;

/// Holds a secret; its `Debug` and `Display` show dots, and it has no `Serialize`.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes the secret in.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself. Give it to the one call that needs it and to nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Compares in time that depends on the given text's length only.
    pub fn matches(&self, given: &str) -> bool {
        let (own, given) = (self.0.as_bytes(), given.as_bytes());
        let mut difference = own.len() ^ given.len();
        for (index, byte) in given.iter().enumerate() {
            difference |= usize::from(byte ^ own.get(index).unwrap_or(&0));
        }
        difference == 0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "… Secret(…)");
    }

    #[test]
    fn only_the_same_text_matches() {
        let secret = Secret::new("abc");
        assert!(secret.matches("abc"));
        for other in ["", "ab", "abcd", "abd", "abc\0"] {
            assert!(!secret.matches(other), "{other:?}");
        }
    }
}
