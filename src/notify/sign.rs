//! The signature of a notice, as Standard Webhooks has it: HMAC-SHA256 over `id.timestamp.body`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::base::limits::NOTIFY_KEY_BYTES_MIN;
use crate::base::secret::Secret;

/// What a key in base64 begins with.
const PREFIX: &str = "whsec_";

/// A key that signs notices.
pub(super) struct Key(Vec<u8>);

impl Key {
    /// Takes a key in: base64 behind `whsec_`, or else the bytes of the text itself.
    pub(super) fn new(secret: &Secret) -> Result<Self, String> {
        let bytes = match secret.expose().strip_prefix(PREFIX) {
            Some(coded) => {
                STANDARD.decode(coded).map_err(|_| format!("the key behind {PREFIX} is not base64"))?
            }
            None => secret.expose().as_bytes().to_vec(),
        };
        if bytes.len() < NOTIFY_KEY_BYTES_MIN {
            return Err(format!("the key has fewer than {NOTIFY_KEY_BYTES_MIN} bytes"));
        }
        Ok(Self(bytes))
    }

    /// The value of the signature's header.
    pub(super) fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(format!("{id}.{seconds}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_the_published_example() {
        let key = Key::new(&Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).ok().unwrap();
        let signed = key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn weak_keys_are_refused() {
        let told = |text: &str| Key::new(&Secret::new(text)).err().unwrap();
        assert_eq!(told("too short"), "the key has fewer than 24 bytes");
        assert_eq!(told("whsec_c2hvcnQ="), "the key has fewer than 24 bytes");
        assert_eq!(told("whsec_!!"), "the key behind whsec_ is not base64");
    }
}
