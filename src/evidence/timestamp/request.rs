//! What is asked of a time-stamp service.

use crate::base::digest::Digest;

use super::der::{self, BOOLEAN, INTEGER, NULL, OCTETS, OID, SEQUENCE};

/// 2.16.840.1.101.3.4.2.1
pub(super) const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];

/// A request for a time stamp over some bytes, of which only the hash leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub(super) imprint: Digest,
    pub(super) nonce: [u8; 8],
}

impl Request {
    /// A request over these bytes. The random number tells its reply from all others.
    pub fn new(bytes: &[u8], random: [u8; 8]) -> Self {
        let mut nonce = random;
        // Neither negative nor shorter than it is: one spelling, which every service sends back as it is.
        nonce[0] = (nonce[0] & 0x3f) | 0x40;
        Self { imprint: Digest::of(bytes), nonce }
    }

    /// The request as it is sent: version 1, SHA-256, the nonce, and the certificate is wanted.
    pub fn to_der(&self) -> Vec<u8> {
        let algorithm = der::write(SEQUENCE, &[&der::write(OID, &[SHA256]), &[NULL, 0]]);
        let imprint =
            der::write(SEQUENCE, &[&algorithm, &der::write(OCTETS, &[self.imprint.as_bytes().as_slice()])]);
        let nonce = der::write(INTEGER, &[&self.nonce]);
        der::write(SEQUENCE, &[&[INTEGER, 1, 1], &imprint, &nonce, &[BOOLEAN, 1, 0xff]])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `openssl ts -query -data F -sha256 -cert` writes for the same hash and nonce.
    #[test]
    fn the_request_is_the_one_openssl_makes() {
        let request = Request::new(b"checkpoint\n", [0xff, 1, 2, 3, 4, 5, 6, 7]);
        let hex: String = request.to_der().iter().map(|byte| format!("{byte:02x}")).collect();
        let expected = format!(
            "304302010130313\
             00d060960864801650304020105000420{}02087f01020304050607010 1ff",
            Digest::of(b"checkpoint\n")
        );
        assert_eq!(hex, expected.replace(' ', ""));
    }
}
