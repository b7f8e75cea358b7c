//! Probes against receivers on this machine.

use std::sync::Arc;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

/// Answers every connection with these bytes, and says where.
async fn receiver(answer: Vec<u8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut asked = [0; 4096];
            let length = stream.read(&mut asked).await.unwrap_or(0);
            let asked = String::from_utf8_lossy(&asked[..length]).to_lowercase();
            assert!(!asked.contains("authorization") && !asked.contains("cookie"), "{asked}");
            let _ = stream.write_all(&answer).await;
        }
    });
    port
}

fn answer(head: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
        .into_bytes()
}

#[tokio::test]
async fn an_answer_is_read_with_its_status_and_its_json() {
    let port = receiver(answer("200 OK", r#"{"up":true}"#)).await;
    let url = format!("http://127.0.0.1:{port}/health");
    let expected = HttpAnswer { status: 200, body: Some(json!({ "up": true })) };
    assert_eq!(Network.http(&url, &[]).await, Ok(expected));
    let port = receiver(answer("503 Down", "sorry")).await;
    let url = format!("http://localhost:{port}/health");
    assert_eq!(Network.http(&url, &[]).await, Ok(HttpAnswer { status: 503, body: None }));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_nothing_more() {
    let port = receiver(answer("302 Found\r\nlocation: http://169.254.169.254/latest", "")).await;
    let url = format!("http://127.0.0.1:{port}/");
    assert_eq!(Network.http(&url, &[]).await, Ok(HttpAnswer { status: 302, body: None }));
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let long = format!("\"{}\"", "x".repeat(PROBE_BODY_BYTES_MAX));
    let port = receiver(answer("200 OK", &long)).await;
    let url = format!("http://127.0.0.1:{port}/");
    assert_eq!(Network.http(&url, &[]).await, Ok(HttpAnswer { status: 200, body: None }));
}

#[tokio::test]
async fn addresses_that_lead_elsewhere_are_not_asked() {
    let cases = [
        ("http://example.org/", "only this machine is asked without encryption: write https"),
        ("https://user:pw@127.0.0.1/", "credentials stand in it, and a probe has none"),
        ("file:///etc/passwd", "it names no host"),
        ("ftp://127.0.0.1/", "only https is asked"),
        ("nonsense", "it is no web address"),
        (
            "https://169.254.169.254/latest/meta-data",
            "it leads to an address where a cloud gives out credentials, which is never asked",
        ),
        (
            "https://10.0.0.1/",
            "it leads to 10.0.0.1, which is no public address; a dns validator of the item can name its network",
        ),
    ];
    for (url, why) in cases {
        assert_eq!(Network.http(url, &[]).await, Err(why.to_owned()), "{url}");
    }
    // Names of an address in other spellings come to the same.
    for url in ["https://0xa9fea9fe/", "https://2852039166/", "https://[::ffff:169.254.169.254]/"] {
        assert!(Network.http(url, &[]).await.is_err_and(|why| why.contains("credentials")), "{url}");
    }
}

/// A server whose certificate ends so many days from now.
async fn tls_server(days: i64) -> (u16, i64) {
    let now = jiff::Timestamp::now().as_second();
    let ends = now + days * 86_400;
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let at = |second: i64| jiff::Timestamp::from_second(second).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
    let day = |second: i64| {
        let date = at(second).date();
        let number = |n: i8| u8::try_from(n).unwrap();
        rcgen::date_time_ymd(i32::from(date.year()), number(date.month()), number(date.day()))
    };
    params.not_before = day(ends - 400 * 86_400);
    params.not_after = day(ends);
    let until = at(ends).start_of_day().unwrap().timestamp().as_millisecond();
    let certificate = params.self_signed(&key).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            rustls::pki_types::PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = acceptor.accept(stream).await;
        }
    });
    (port, until)
}

#[tokio::test]
async fn a_certificate_tells_its_end_even_when_that_is_over() {
    for days in [100, -3] {
        let (port, until) = tls_server(days).await;
        let shown = Network.tls("localhost", port, &[]).await.unwrap();
        assert_eq!((shown.until.as_millis(), shown.untrusted), (until, None), "{days}");
    }
    let port = receiver(b"hello".to_vec()).await;
    assert_eq!(Network.tls("127.0.0.1", port, &[]).await, Err("it shows no certificate".to_owned()));
}

#[tokio::test]
async fn what_never_answers_is_given_up() {
    let never = std::future::pending::<Found<()>>();
    assert_eq!(in_time(Millis(0), never).await, Err("no answer came within 0 ms".to_owned()));
}

#[tokio::test]
async fn names_lead_to_their_addresses() {
    assert_eq!(Network.dns("127.0.0.1").await, Ok(vec!["127.0.0.1".to_owned()]));
    assert!(Network.dns("no such name").await.is_err());
}
