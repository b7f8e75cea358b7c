//! What signs a token: one signer, over attributes that hold the hash of what is stated and of its own certificate.

use aws_lc_rs::digest::{self, Algorithm};
use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm};
use webpki::EndEntityCert;
use webpki::aws_lc_rs as algorithms;

use super::TimestampError;
use super::der::{CONTEXT_0, Der, OCTETS, SEQUENCE, SET};
use super::reply::TST_INFO;
use super::request::SHA256;

const SHA384: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
const SHA512: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];
const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];
/// Names the signer's certificate by its SHA-1 hash (RFC 2634).
const CERTIFICATE_V1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x0c];
/// Names it by a better hash (RFC 5035).
const CERTIFICATE_V2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x2f];
/// Attributes that are looked at: services send four to six.
const ATTRIBUTES_MAX: usize = 32;

/// A way of signing; which curve or which length of key, the certificate says.
type Verifiers = &'static [&'static dyn SignatureVerificationAlgorithm];

/// Object identifiers of signatures without a hash of their own: it is the digest algorithm's.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

/// The one signer of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signer {
    digest: Vec<u8>,
    /// The attributes as they are signed: with the tag of a set.
    attributes: Vec<u8>,
    algorithm: Vec<u8>,
    signature: Vec<u8>,
}

/// What the attributes say.
#[derive(Default)]
struct Attributes<'a> {
    is_time_stamp: bool,
    digest: Option<&'a [u8]>,
    /// The hash of the signer's certificate, and which hash that is.
    certificate: Option<(&'static Algorithm, &'a [u8])>,
}

impl Signer {
    pub(super) fn read(mut info: Der<'_>) -> Option<Self> {
        info.small()?;
        // Issuer and serial number, or key id: the attributes name the certificate by its hash, which says more.
        info.any()?;
        let digest = info.inside(SEQUENCE)?.oid()?.to_vec();
        let mut attributes = info.one(CONTEXT_0)?.whole.to_vec();
        attributes[0] = SET;
        let algorithm = info.inside(SEQUENCE)?.oid()?.to_vec();
        let signature = info.one(OCTETS)?.body.to_vec();
        Some(Self { digest, attributes, algorithm, signature })
    }

    /// The certificate among these that signed what is stated.
    pub(super) fn verify<'c>(
        &self,
        stated: &[u8],
        certificates: &'c [Vec<u8>],
    ) -> Result<&'c [u8], TimestampError> {
        let wrong = TimestampError::Signature;
        let hash = hash(&self.digest).ok_or(wrong("its hash is none that is accepted"))?;
        let attributes = attributes(&self.attributes).ok_or(wrong("its attributes cannot be read"))?;
        if !attributes.is_time_stamp || attributes.digest != Some(digest::digest(hash, stated).as_ref()) {
            return Err(wrong("what is signed is not what the token states"));
        }
        let (by, named) = attributes.certificate.ok_or(wrong("it does not name its certificate"))?;
        let own = certificates.iter().find(|one| digest::digest(by, one).as_ref() == named);
        let own = own.ok_or(wrong("the certificate that it names did not come along"))?;
        let der = CertificateDer::from_slice(own);
        let certificate =
            EndEntityCert::try_from(&der).map_err(|_| wrong("its certificate cannot be read"))?;
        let verifiers =
            verifiers(&self.algorithm, &self.digest).ok_or(wrong("its kind is none that is accepted"))?;
        let fits = |one: &&dyn SignatureVerificationAlgorithm| {
            certificate.verify_signature(*one, &self.attributes, &self.signature).is_ok()
        };
        if verifiers.iter().any(fits) { Ok(own) } else { Err(wrong("it does not fit")) }
    }
}

/// The hashes that a token may use. SHA-1 is not among them.
fn hash(oid: &[u8]) -> Option<&'static Algorithm> {
    [(SHA256, &digest::SHA256), (SHA384, &digest::SHA384), (SHA512, &digest::SHA512)]
        .into_iter()
        .find_map(|(known, hash)| (known == oid).then_some(hash))
}

fn attributes(set: &[u8]) -> Option<Attributes<'_>> {
    let mut inner = Der::new(set).inside(SET)?;
    let mut found = Attributes::default();
    for _ in 0..ATTRIBUTES_MAX {
        if inner.is_empty() {
            return Some(found);
        }
        let mut attribute = inner.inside(SEQUENCE)?;
        let kind = attribute.oid()?;
        let mut values = attribute.inside(SET)?;
        if kind == CONTENT_TYPE {
            found.is_time_stamp = values.oid()? == TST_INFO;
        } else if kind == MESSAGE_DIGEST {
            found.digest = Some(values.one(OCTETS)?.body);
        } else if kind == CERTIFICATE_V2 {
            found.certificate = Some(named_by(values)?);
        } else if kind == CERTIFICATE_V1 && found.certificate.is_none() {
            let mut first = values.inside(SEQUENCE)?.inside(SEQUENCE)?.inside(SEQUENCE)?;
            found.certificate = Some((&digest::SHA1_FOR_LEGACY_USE_ONLY, first.one(OCTETS)?.body));
        }
    }
    None
}

/// The hash of the first certificate that is named, which is the signer's; SHA-256 where none is said.
fn named_by(mut values: Der<'_>) -> Option<(&'static Algorithm, &[u8])> {
    let mut first = values.inside(SEQUENCE)?.inside(SEQUENCE)?.inside(SEQUENCE)?;
    let by = match first.perhaps(SEQUENCE) {
        Some(algorithm) => hash(Der::new(algorithm.body).oid()?)?,
        None => &digest::SHA256,
    };
    Some((by, first.one(OCTETS)?.body))
}

/// The ways in which this kind of signature can be checked.
fn verifiers(algorithm: &[u8], digest: &[u8]) -> Option<Verifiers> {
    const RSA_256: Verifiers = &[algorithms::RSA_PKCS1_2048_8192_SHA256];
    const RSA_384: Verifiers = &[algorithms::RSA_PKCS1_2048_8192_SHA384];
    const RSA_512: Verifiers = &[algorithms::RSA_PKCS1_2048_8192_SHA512];
    const EC_256: Verifiers =
        &[algorithms::ECDSA_P256_SHA256, algorithms::ECDSA_P384_SHA256, algorithms::ECDSA_P521_SHA256];
    const EC_384: Verifiers =
        &[algorithms::ECDSA_P256_SHA384, algorithms::ECDSA_P384_SHA384, algorithms::ECDSA_P521_SHA384];
    const EC_512: Verifiers =
        &[algorithms::ECDSA_P256_SHA512, algorithms::ECDSA_P384_SHA512, algorithms::ECDSA_P521_SHA512];
    const ED25519: Verifiers = &[algorithms::ED25519];
    let by_digest = |rsa: bool| match (digest, rsa) {
        (d, true) if d == SHA256 => Some(RSA_256),
        (d, true) if d == SHA384 => Some(RSA_384),
        (d, true) if d == SHA512 => Some(RSA_512),
        (d, false) if d == SHA256 => Some(EC_256),
        (d, false) if d == SHA384 => Some(EC_384),
        (d, false) if d == SHA512 => Some(EC_512),
        _ => None,
    };
    match algorithm {
        oid if oid == RSA => by_digest(true),
        oid if oid == EC_KEY => by_digest(false),
        // sha256WithRSAEncryption and its longer brothers; ecdsa-with-SHA256 and its.
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b..=0x0d] => by_digest(true),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02..=0x04] => by_digest(false),
        [0x2b, 0x65, 0x70] => Some(ED25519),
        _ => None,
    }
}

/// All ways in which certificates of a chain may be signed.
pub(super) const OF_CERTIFICATES: Verifiers = &[
    algorithms::RSA_PKCS1_2048_8192_SHA256,
    algorithms::RSA_PKCS1_2048_8192_SHA384,
    algorithms::RSA_PKCS1_2048_8192_SHA512,
    algorithms::ECDSA_P256_SHA256,
    algorithms::ECDSA_P256_SHA384,
    algorithms::ECDSA_P384_SHA256,
    algorithms::ECDSA_P384_SHA384,
    algorithms::ECDSA_P521_SHA512,
    algorithms::ED25519,
];
