//! The certificate that a server shows. The handshake goes on whatever this machine thinks of it, so that a certificate
//! that is not trusted, or has expired, is told with its date; nothing is ever sent over such a connection.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use x509_cert::der::Decode as _;

use super::address::names_loopback;
use crate::base::time::Timestamp;
use crate::validate::Found;
use crate::validate::findings::Certificate;

/// Shakes hands with the first of these addresses that answers.
pub(super) async fn shown(host: &str, addresses: &[SocketAddr]) -> Found<Certificate> {
    let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(bare).map_err(|_| "its name is not spelled as one")?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let seen = Arc::new(Seen::new(Arc::clone(&provider)));
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| "the TLS client cannot be set up")?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&seen) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    let stream = TcpStream::connect(addresses).await.map_err(|_| "no connection could be made")?;
    // A server that wants a certificate of ours breaks off after it has shown its own.
    let _ = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    let (until, untrusted) = seen.taken().ok_or("it shows no certificate")??;
    // Nobody vouches for this machine's own test servers.
    Ok(Certificate { until, untrusted: untrusted.filter(|_| !names_loopback(host)) })
}

type Shown = Found<(Timestamp, Option<String>)>;

/// Lets every certificate pass and keeps what it is.
#[derive(Debug)]
struct Seen {
    provider: Arc<CryptoProvider>,
    shown: Mutex<Option<Shown>>,
}

impl Seen {
    fn new(provider: Arc<CryptoProvider>) -> Self {
        Self { provider, shown: Mutex::new(None) }
    }

    fn taken(&self) -> Option<Shown> {
        self.shown.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
    }

    fn keep(&self, shown: Shown) {
        *self.shown.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(shown);
    }
}

impl ServerCertVerifier for Seen {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = Verifier::new(Arc::clone(&self.provider)).and_then(|verifier| {
            verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        });
        let untrusted = verified.err().and_then(|error| distrust(&error)).map(str::to_owned);
        self.keep(until(end_entity).map(|until| (until, untrusted)));
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Why it is not trusted, in our words; nothing for its dates, which are judged by themselves.
fn distrust(error: &Error) -> Option<&'static str> {
    match error {
        Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            None
        }
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => Some("it is for another name"),
        Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        ) => Some("it is not valid yet"),
        Error::InvalidCertificate(CertificateError::Revoked) => Some("it was revoked"),
        _ => Some("no authority that this machine knows vouches for it"),
    }
}

fn until(der: &[u8]) -> Found<Timestamp> {
    let certificate = x509_cert::Certificate::from_der(der).map_err(|_| "its certificate cannot be read")?;
    let end = certificate.tbs_certificate().validity().not_after.to_unix_duration();
    Ok(Timestamp::from_millis(i64::try_from(end.as_millis()).unwrap_or(i64::MAX)))
}
