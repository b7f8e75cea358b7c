//! Replies that `openssl ts` made (by `tests/evidence/tsa.sh`), whole and spoilt.

use super::*;

const DATA: &[u8] = include_bytes!("../../../tests/evidence/timestamps/checkpoint.txt");
const RSA: &[u8] = include_bytes!("../../../tests/evidence/timestamps/rsa.tsr");
const EC: &[u8] = include_bytes!("../../../tests/evidence/timestamps/ec.tsr");
/// By a certificate that had ended long before.
const OLD: &[u8] = include_bytes!("../../../tests/evidence/timestamps/old.tsr");
const RSA_CA: &[u8] = include_bytes!("../../../tests/evidence/timestamps/rsa-ca.pem");
const EC_CA: &[u8] = include_bytes!("../../../tests/evidence/timestamps/ec-ca.pem");
const OLD_CA: &[u8] = include_bytes!("../../../tests/evidence/timestamps/old-ca.pem");
/// Of the same authority, for web servers.
const PLAIN: &[u8] = include_bytes!("../../../tests/evidence/timestamps/rsa-plain.pem");

fn roots(pem: &[u8]) -> Roots {
    Roots::from_pem(pem).expect("certificates")
}

#[test]
fn tokens_of_another_program_hold_with_both_kinds_of_keys() {
    for (reply, ca) in [(RSA, RSA_CA), (EC, EC_CA)] {
        let token = Token::parse(reply).expect("a token");
        assert_eq!(token.is_over(DATA), Ok(()));
        let stamp = token.verify(&roots(ca)).expect("it holds");
        assert_eq!(stamp.at, token.at());
        assert!(stamp.by.contains("CN=Example stamping"), "{}", stamp.by);
        assert!(stamp.until > stamp.at);
        // What a bundle carries holds as well.
        let carried = roots(roots(ca).with(token.certificates()).as_bytes());
        assert_eq!(token.verify(&carried), Ok(stamp));
    }
}

#[test]
fn what_does_not_hold_is_refused_by_name() {
    let token = Token::parse(RSA).expect("a token");
    assert_eq!(token.is_over(b"another checkpoint\n"), Err(TimestampError::OtherImprint));
    assert_eq!(token.answers(&Request::new(DATA, [9; 8])), Err(TimestampError::OtherNonce));
    assert_eq!(token.answers(&Request::new(b"x", [9; 8])), Err(TimestampError::OtherImprint));
    let stranger = token.verify(&roots(EC_CA)).expect_err("another authority");
    assert!(stranger.to_string().starts_with("certificate: "), "{stranger}");
    let expired = Token::parse(OLD).expect("a token");
    assert_eq!(expired.verify(&roots(OLD_CA)), Err(TimestampError::Time { at: expired.at() }));
    let none = token.verify(&Roots::default()).expect_err("no roots");
    assert!(none.to_string().starts_with("certificate: "), "{none}");
}

#[test]
fn at_another_moment_the_same_certificate_is_not_valid() {
    let token = Token::parse(RSA).expect("a token");
    let own = token.certificates().first().expect("its own");
    let at = |text: &str| text.parse().expect("a moment");
    let vouch = |moment| roots(RSA_CA).vouch(own, token.certificates(), moment);
    assert!(vouch(token.at()).is_ok());
    assert!(matches!(vouch(at("2020-01-01T00:00:00Z")), Err(TimestampError::Time { .. })));
    assert!(matches!(vouch(at("2099-01-01T00:00:00Z")), Err(TimestampError::Time { .. })));
}

#[test]
fn a_certificate_for_something_else_is_refused() {
    let plain = roots(PLAIN).with(&[]);
    let der = roots(plain.as_bytes());
    let [own] = der.0.as_slice() else { panic!("one certificate") };
    let at = Token::parse(RSA).expect("a token").at();
    let error = roots(RSA_CA).vouch(own, &[], at).expect_err("for web servers");
    assert_eq!(error, TimestampError::Certificate("it is not for time stamping".into()));
}

#[test]
fn every_cut_is_noticed_and_no_flipped_bit_passes() {
    for cut in 0..RSA.len() {
        assert!(matches!(Token::parse(&RSA[..cut]), Err(TimestampError::Malformed(_))), "{cut}");
    }
    let mut longer = RSA.to_vec();
    longer.push(0);
    assert_eq!(Token::parse(&longer), Err(TimestampError::Malformed("something follows it")));
    let roots = roots(EC_CA);
    let whole = Token::parse(EC).expect("a token").verify(&roots).expect("it holds");
    for at in 0..EC.len() {
        let mut spoilt = EC.to_vec();
        spoilt[at] ^= 1;
        let found = Token::parse(&spoilt).and_then(|token| {
            token.is_over(DATA)?;
            token.verify(&roots)
        });
        // Bits that nothing signs (version numbers, the signer's name beside the hash of its certificate) change nothing.
        assert!(found.is_err() || found == Ok(whole.clone()), "byte {at}: {found:?}");
    }
}
