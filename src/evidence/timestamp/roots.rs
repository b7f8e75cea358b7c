//! The roots that a reader trusts for time stamps, and whether a certificate leads to one of them.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rustls::pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, Error, KeyUsage, anchor_from_trusted_cert};
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::ExtendedKeyUsage;

use crate::base::time::Timestamp;

use super::TimestampError;
use super::signature::OF_CERTIFICATES;

/// The purpose that the certificate must have: id-kp-timeStamping, 1.3.6.1.5.5.7.3.8
const TIME_STAMPING: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08];
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
/// Certificates of a file that are read: a company's own authorities, or a list of public ones.
const CERTIFICATES_MAX: usize = 300;

/// Certificates of authorities.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roots(pub(super) Vec<Vec<u8>>);

/// The file holds no certificates.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it holds no certificates as PEM")]
pub struct NoRoots;

impl Roots {
    /// Reads the certificates of a PEM file; what stands between them is left out.
    ///
    /// # Errors
    ///
    /// If there is none, one of them is broken, or there are too many.
    pub fn from_pem(bytes: &[u8]) -> Result<Self, NoRoots> {
        let mut rest = std::str::from_utf8(bytes).map_err(|_| NoRoots)?;
        let mut found = Vec::new();
        while let Some((_, after)) = rest.split_once(BEGIN) {
            let (body, after) = after.split_once(END).ok_or(NoRoots)?;
            let body: String = body.split_ascii_whitespace().collect();
            let der = BASE64.decode(body).map_err(|_| NoRoots)?;
            x509_cert::Certificate::from_der(&der).map_err(|_| NoRoots)?;
            found.push(der);
            rest = after;
            if found.len() > CERTIFICATES_MAX {
                return Err(NoRoots);
            }
        }
        if found.is_empty() { Err(NoRoots) } else { Ok(Self(found)) }
    }

    /// The same and these, each once, as a PEM file: what a bundle carries for readers without roots of their own.
    pub fn with(&self, more: &[Vec<u8>]) -> String {
        let mut all: Vec<&Vec<u8>> = self.0.iter().chain(more).collect();
        all.sort();
        all.dedup();
        all.into_iter().map(|der| pem(der)).collect()
    }

    /// The subject and the end of a certificate that leads to one of these roots by way of the others, is for time
    /// stamping, and was valid at this moment.
    pub(super) fn vouch(
        &self,
        own: &[u8],
        others: &[Vec<u8>],
        at: Timestamp,
    ) -> Result<(String, Timestamp), TimestampError> {
        let wrong = |what: &str| TimestampError::Certificate(what.to_owned());
        let roots: Vec<CertificateDer<'_>> =
            self.0.iter().map(|der| CertificateDer::from_slice(der)).collect();
        // One that webpki does not take as a root is none; if none is left, nothing can lead to one.
        let anchors: Vec<_> = roots.iter().filter_map(|der| anchor_from_trusted_cert(der).ok()).collect();
        let between: Vec<CertificateDer<'_>> =
            others.iter().filter(|der| *der != own).map(|der| CertificateDer::from_slice(der)).collect();
        let der = CertificateDer::from_slice(own);
        let certificate = EndEntityCert::try_from(&der).map_err(|_| wrong("it cannot be read"))?;
        let millis = u64::try_from(at.as_millis()).unwrap_or(0);
        let moment = UnixTime::since_unix_epoch(Duration::from_millis(millis));
        // The authorities between need not say what they are for; the certificate itself must.
        if !is_for_time_stamping(own) {
            return Err(wrong("it is not for time stamping"));
        }
        let usage = KeyUsage::required_if_present(TIME_STAMPING);
        let led =
            certificate.verify_for_usage(OF_CERTIFICATES, &anchors, &between, moment, usage, None, None);
        match led {
            Ok(_) => subject(own).ok_or_else(|| wrong("it cannot be read")),
            Err(Error::CertExpired { .. } | Error::CertNotValidYet { .. }) => {
                Err(TimestampError::Time { at })
            }
            // The last two: an authority of the same name has another key.
            Err(
                Error::UnknownIssuer
                | Error::InvalidSignatureForPublicKey
                | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_),
            ) => Err(wrong("it does not lead to a root that is trusted here")),
            Err(other) => Err(wrong(&format!("it does not hold: {other:?}"))),
        }
    }
}

/// Whether time stamping is among the purposes that the certificate states.
fn is_for_time_stamping(der: &[u8]) -> bool {
    let certificate = x509_cert::Certificate::from_der(der).ok();
    let purposes = certificate.and_then(|certificate| {
        certificate.tbs_certificate().get_extension::<ExtendedKeyUsage>().ok().flatten()
    });
    purposes.is_some_and(|(_, purposes)| purposes.0.iter().any(|one| one.as_bytes() == TIME_STAMPING))
}

fn subject(der: &[u8]) -> Option<(String, Timestamp)> {
    let certificate = x509_cert::Certificate::from_der(der).ok()?;
    let own = certificate.tbs_certificate();
    let until = own.validity().not_after.to_unix_duration().as_millis();
    let until = Timestamp::from_millis(i64::try_from(until).unwrap_or(i64::MAX));
    Some((own.subject().to_string(), until))
}

fn pem(der: &[u8]) -> String {
    let encoded = BASE64.encode(der);
    let lines = encoded.as_bytes().chunks(64).map(|line| format!("{}\n", String::from_utf8_lossy(line)));
    format!("{BEGIN}\n{}{END}\n", lines.collect::<String>())
}
