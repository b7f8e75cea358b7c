//! Cosignatures of witnesses, as C2SP `tlog-cosignature` version 1 writes them: an Ed25519 signature over a moment and a
//! checkpoint, added to the checkpoint's note as one more line.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::VerifyingKey;

use super::note::{self, NoteError, Signature, SignedNote};

/// The type byte of Ed25519 cosignatures.
const COSIGNATURE: u8 = 0x04;
/// Bytes of the moment before the signature.
const TIME_BYTES: usize = 8;

/// The named public key of a witness.
#[derive(Clone, PartialEq, Eq)]
pub struct WitnessKey {
    name: String,
    key: VerifyingKey,
}

impl WitnessKey {
    /// A key with a name.
    ///
    /// # Errors
    ///
    /// If the name is not one, or the bytes are not a sound Ed25519 public key.
    pub fn new(name: &str, public: &[u8; 32]) -> Result<Self, NoteError> {
        let key = note::sound_key(name, public)?;
        Ok(Self { name: name.to_owned(), key })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn id(&self) -> [u8; 4] {
        note::key_id(&self.name, COSIGNATURE, self.key.as_bytes())
    }

    /// The line that a cosignature adds to a note, with its newline.
    pub fn line(&self, seconds: u64, signature: &Signature) -> String {
        note::signature_text(&self.name, self.id(), &[&seconds.to_be_bytes()[..], &signature.0].concat())
    }

    /// When this witness cosigned the note, in seconds since 1970.
    ///
    /// # Errors
    ///
    /// `NotSigned` or `BadSignature`.
    pub fn cosigned(&self, note: &SignedNote) -> Result<u64, NoteError> {
        let mut moments = note.signatures_by(&self.name, self.id()).map(|bytes| {
            let (seconds, signature) = bytes.split_first_chunk::<TIME_BYTES>()?;
            let seconds = u64::from_be_bytes(*seconds);
            let signature = ed25519_dalek::Signature::from_bytes(signature.try_into().ok()?);
            let message = message(seconds, note.unverified_text());
            self.key.verify_strict(&message, &signature).ok().map(|()| seconds)
        });
        let first = moments.next().ok_or_else(|| NoteError::NotSigned(self.name.clone()))?;
        let bad = || NoteError::BadSignature(self.name.clone());
        moments.try_fold(first.ok_or_else(bad)?, |earliest, moment| Ok(earliest.min(moment.ok_or_else(bad)?)))
    }
}

/// The bytes that a witness signs.
pub fn message(seconds: u64, checkpoint: &str) -> Vec<u8> {
    format!("cosignature/v1\ntime {seconds}\n{checkpoint}").into_bytes()
}

impl fmt::Display for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&note::key_text(&self.name, COSIGNATURE, self.key.as_bytes()))
    }
}

impl fmt::Debug for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WitnessKey({self})")
    }
}

impl FromStr for WitnessKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let (name, public) = note::parse_key(text, COSIGNATURE)?;
        let key = Self::new(name, &public)?;
        if key.to_string() == text { Ok(key) } else { Err(NoteError::BadKey) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::note::tests::{key, signed};
    use ed25519_dalek::{Signer as _, SigningKey};

    #[test]
    fn cosigned_beside_the_logs_own_signature() {
        let log = key("evidence.x", 1);
        let secret = SigningKey::from_bytes(&[7; 32]);
        let witness = WitnessKey::new("witness.x/1", secret.verifying_key().as_bytes()).expect("a key");
        assert_eq!(witness.to_string().parse(), Ok(witness.clone()));
        assert!(witness.to_string().parse::<note::VerifierKey>().is_err(), "it signs nothing but growth");
        let text = "evidence.x/org\n3\nroot\n";
        let line =
            witness.line(1_700_000_000, &Signature(secret.sign(&message(1_700_000_000, text)).to_bytes()));
        let note = format!("{}{line}", signed(text, &log));
        let note = SignedNote::parse(note.as_bytes()).expect("a note");
        assert_eq!(note.verified(&log.1), Ok(text));
        assert_eq!(witness.cosigned(&note), Ok(1_700_000_000));
        // Another moment under the same signature.
        let moved =
            witness.line(1_800_000_000, &Signature(secret.sign(&message(1_700_000_000, text)).to_bytes()));
        let moved = SignedNote::parse(format!("{}{moved}", signed(text, &log)).as_bytes()).expect("a note");
        assert_eq!(witness.cosigned(&moved), Err(NoteError::BadSignature("witness.x/1".into())));
        let alone = SignedNote::parse(signed(text, &log).as_bytes()).expect("a note");
        assert_eq!(witness.cosigned(&alone), Err(NoteError::NotSigned("witness.x/1".into())));
    }

    /// Made with `transparency-dev/formats` v0.1.1 and `golang.org/x/mod` v0.36.0, whose private keys nobody kept.
    #[test]
    fn a_cosignature_of_another_implementation_verifies() {
        let log: note::VerifierKey =
            "log.example+4c19403d+AVGljIGphOXv67XfMNXZGvq6eWPEVCgDTllvyJqxRTsN".parse().expect("a vkey");
        let witness: WitnessKey = "witness.example/w1+7523957c+BJ8vLI+suGe5HrITF20fpRL3pG90g0MJBE7QiywGXxte"
            .parse()
            .expect("a vkey");
        let text = "log.example/org\n3\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— log.example TBlAPXQZXm1KCldsNpYSdyCHBoNfEGRIjNhHWXRknhhaOr1MCxW/0Skh8ggKBEkXxoGuamKWaVfi0B3SIXsasdCl9Qc=\n— witness.example/w1 dSOVfAAAAABrAxfl24B9JC1PONnCSLPPN7zijbPEplSawN3xP0OTdesNeBh4zmz4TANgHQGieQjcVsh0la7O/LRlrrM0XTaFYzCHAQ==\n";
        let note = SignedNote::parse(text.as_bytes()).expect("a note");
        assert_eq!(note.verified(&log), Ok(note.unverified_text()));
        assert_eq!(witness.cosigned(&note), Ok(1_795_364_837));
        let later = SignedNote::parse(text.replace("\n3\n", "\n4\n").as_bytes()).expect("a note");
        assert_eq!(witness.cosigned(&later), Err(NoteError::BadSignature("witness.example/w1".into())));
    }
}
