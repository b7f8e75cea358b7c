//! Floor 3: where randomness comes from: the system's source, or for rehearsals a seed, so that the same rehearsal gives
//! the same bytes.

use crate::base::digest::{Digest, hex};

/// Where random bytes come from. A seed hides nothing: it is for rehearsals and tests alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Entropy {
    /// The operating system's own source.
    #[default]
    System,
    /// Everything follows from this number and from what the bytes are for.
    Seeded(u64),
}

/// The operating system gives no random bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no randomness: {what}")]
pub struct NoRandomness {
    what: String,
}

impl Entropy {
    /// 256 bits. `purpose` tells them from all others of the same seed.
    ///
    /// # Errors
    ///
    /// If the operating system has none.
    pub fn bytes(self, purpose: &str) -> Result<[u8; 32], NoRandomness> {
        match self {
            Entropy::System => {
                let mut bytes = [0; 32];
                getrandom::fill(&mut bytes).map_err(|error| NoRandomness { what: error.to_string() })?;
                Ok(bytes)
            }
            Entropy::Seeded(seed) => {
                let text = [&seed.to_be_bytes()[..], purpose.as_bytes()].concat();
                Ok(*Digest::of(&text).as_bytes())
            }
        }
    }

    /// 128 bits in hexadecimal.
    ///
    /// # Errors
    ///
    /// If the operating system has none.
    pub fn name(self, purpose: &str) -> Result<String, NoRandomness> {
        let bytes = self.bytes(purpose)?;
        Ok(hex(&bytes[..16]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_repeat_and_the_system_does_not() {
        let name = |entropy: Entropy, purpose: &str| entropy.name(purpose).expect("bytes");
        assert_eq!(name(Entropy::Seeded(1), "salt"), name(Entropy::Seeded(1), "salt"));
        assert_ne!(name(Entropy::Seeded(1), "salt"), name(Entropy::Seeded(1), "key"));
        assert_ne!(name(Entropy::Seeded(1), "salt"), name(Entropy::Seeded(2), "salt"));
        assert_ne!(name(Entropy::System, "salt"), name(Entropy::System, "salt"));
    }
}
