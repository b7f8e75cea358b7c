//! DSSE envelopes (version 1.0.2) around in-toto statements: what Sigstore, in-toto and OSCAL tools read.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::base::digest::{Digest, canonical_bytes};

use super::note::{Algorithm, Signature, VerifierKey};

/// The only payload type that all tools take for in-toto statements.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// Longest envelope that is read: the largest of ours lists all rendered files of a site.
const ENVELOPE_BYTES_MAX: usize = 16 << 20;
/// Most signatures that are looked at.
const SIGNATURES_MAX: usize = 16;

/// What is wrong with an envelope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// It is not one.
    #[error("it is not a DSSE envelope of an in-toto statement: {0}")]
    Malformed(String),
    /// No signature is by this key.
    #[error("no signature of the envelope is by {0}")]
    NotSigned(String),
}

#[derive(Deserialize)]
struct Envelope {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<EnvelopeSignature>,
}

#[derive(Deserialize)]
struct EnvelopeSignature {
    sig: String,
}

/// The bytes that are signed: type and payload, each with its length, so that neither can pose as the other.
pub fn pre_authentication(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend(payload);
    bytes
}

/// The bytes that are signed for a statement.
pub fn message(statement: &Value) -> Vec<u8> {
    pre_authentication(PAYLOAD_TYPE, &canonical_bytes(statement))
}

/// The name by which securesystemslib knows a key; it ignores signatures that name another.
pub fn key_id(key: &VerifierKey) -> Digest {
    let (kind, scheme, public) = match key.algorithm() {
        Algorithm::Ed25519 => {
            let hex = key.public().iter().map(|byte| format!("{byte:02x}")).collect();
            ("ed25519", "ed25519", hex)
        }
        Algorithm::P256 => ("ecdsa", "ecdsa-sha2-nistp256", key.pem()),
    };
    // Its canonical JSON is not RFC 8785's: the line ends of a PEM file stand in it as they are.
    Digest::of(
        format!(r#"{{"keytype":"{kind}","keyval":{{"public":"{public}"}},"scheme":"{scheme}"}}"#).as_bytes(),
    )
}

/// The envelope's file.
pub fn write(statement: &Value, key: &VerifierKey, signature: &Signature) -> String {
    let envelope = json!({
        "payload": STANDARD.encode(canonical_bytes(statement)),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": key_id(key), "sig": STANDARD.encode(key.encoded(signature))}],
    });
    format!("{envelope}\n")
}

/// The statement, if this key signed it. Which key it is decides the signature, not the name in the envelope.
///
/// # Errors
///
/// If it is not an envelope, or this key did not sign it.
pub fn open(bytes: &[u8], key: &VerifierKey) -> Result<Value, EnvelopeError> {
    let malformed = |what: &str| EnvelopeError::Malformed(what.to_owned());
    if bytes.len() > ENVELOPE_BYTES_MAX {
        return Err(malformed("it is too long"));
    }
    let envelope: Envelope = serde_json::from_slice(bytes).map_err(|error| malformed(&error.to_string()))?;
    if envelope.payload_type != PAYLOAD_TYPE {
        return Err(malformed("its payload has another type"));
    }
    let payload = decode(&envelope.payload).ok_or_else(|| malformed("its payload is not base64"))?;
    let message = pre_authentication(PAYLOAD_TYPE, &payload);
    let own = |signature: &EnvelopeSignature| {
        let signature = decode(&signature.sig).and_then(|bytes| key.decoded(&bytes));
        signature.is_some_and(|signature| key.verifies(&message, &signature))
    };
    if !envelope.signatures.iter().take(SIGNATURES_MAX).any(own) {
        return Err(EnvelopeError::NotSigned(key.name().to_owned()));
    }
    serde_json::from_slice(&payload).map_err(|error| malformed(&error.to_string()))
}

/// Whether an envelope is spelled as [`write()`] does it, so that nothing beside its signed payload was changed.
pub fn is_exact(bytes: &[u8], statement: &Value, key: &VerifierKey) -> bool {
    let envelope: Option<Envelope> = serde_json::from_slice(bytes).ok();
    let signature = envelope.and_then(|envelope| key.decoded(&decode(&envelope.signatures.first()?.sig)?));
    signature.is_some_and(|signature| write(statement, key, &signature).as_bytes() == bytes)
}

/// Both alphabets are allowed.
fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::note::tests::key;
    use ed25519_dalek::Signer as _;

    #[test]
    fn the_encoding_is_that_of_the_specification() {
        let bytes = pre_authentication("http://example.com/HelloWorld", b"hello world");
        assert_eq!(bytes, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
        assert_eq!(pre_authentication("", b""), b"DSSEv1 0  0 ");
    }

    #[test]
    fn the_key_id_is_the_one_securesystemslib_computes() {
        let (_, public) = key("evidence.x/bundle", 4);
        let hex: String = public.public().iter().map(|byte| format!("{byte:02x}")).collect();
        let text = format!(r#"{{"keytype":"ed25519","keyval":{{"public":"{hex}"}},"scheme":"ed25519"}}"#);
        assert_eq!(key_id(&public), Digest::of(text.as_bytes()));
    }

    #[test]
    fn signed_and_opened_in_both_alphabets() {
        let (secret, public) = key("evidence.x/bundle", 4);
        let statement = json!({"_type": "https://in-toto.io/Statement/v1", "text": "???>>>é"});
        let signature = Signature(secret.sign(&message(&statement)).to_bytes());
        let text = write(&statement, &public, &signature);
        assert_eq!(open(text.as_bytes(), &public), Ok(statement.clone()));
        assert!(is_exact(text.as_bytes(), &statement, &public));
        assert!(!is_exact(text.replace("keyid", "keyId").as_bytes(), &statement, &public));
        let mut raw: Value = serde_json::from_str(&text).expect("JSON");
        let payload = STANDARD.decode(raw["payload"].as_str().expect("text")).expect("base64");
        raw["payload"] = URL_SAFE.encode(&payload).into();
        raw["signatures"][0]["keyid"] = "something else".into();
        raw["more"] = "unknown fields are ignored".into();
        assert!(open(raw.to_string().as_bytes(), &public).is_ok());
        let (_, other) = key("evidence.x/bundle", 5);
        assert_eq!(open(text.as_bytes(), &other), Err(EnvelopeError::NotSigned("evidence.x/bundle".into())));
        raw["payload"] = STANDARD.encode(b"{}").into();
        assert!(matches!(open(raw.to_string().as_bytes(), &public), Err(EnvelopeError::NotSigned(_))));
        raw["payloadType"] = "text/plain".into();
        assert!(matches!(open(raw.to_string().as_bytes(), &public), Err(EnvelopeError::Malformed(_))));
        for bad in ["", "[]", "{}", "null"] {
            assert!(matches!(open(bad.as_bytes(), &public), Err(EnvelopeError::Malformed(_))), "{bad:?}");
        }
    }
}
