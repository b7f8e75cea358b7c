//! The scanner that stops secrets and patient data before they are written down for seven years.
//!
//! It knows shapes, not meanings: tokens, keys, passwords with their labels, social security numbers, record numbers
//! and dates of birth. It must stay silent on what evidence is full of: digests, UUIDs, salts, times, ARNs, CIDRs.

mod health;
mod secrets;

/// Something that must not be written. It never holds the value itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sensitive {
    /// What it looks like.
    pub what: &'static str,
    /// Where it begins, in bytes.
    pub at: usize,
}

/// Everything that is looked for, by the name under which it is told.
pub const SHAPES: [&str; 14] = [
    "a Databricks OAuth secret",
    "a Databricks token",
    "a GitHub token",
    "a GitLab token",
    "a JSON web token",
    "a Slack token",
    "a bearer token",
    "a date of birth",
    "a medical record number",
    "a password",
    "a private key",
    "a signed link",
    "a social security number",
    "an AWS access key",
];

/// The first sensitive thing in these bytes.
pub fn scan(bytes: &[u8]) -> Option<Sensitive> {
    let text = Text(bytes);
    let mut inside = false;
    for (at, byte) in bytes.iter().enumerate() {
        let first = FIRST[usize::from(*byte)];
        // No shape begins inside a word or number, but for `X-Amz-Signature`, which may stand behind anything.
        if first && (!inside || matches!(byte, b'x' | b'X' | b'-' | b':' | b'&' | b'?')) {
            let found = secrets::at(text, at).or_else(|| health::at(text, at));
            if let Some(what) = found {
                return Some(Sensitive { what, at });
            }
        }
        inside = byte.is_ascii_alphanumeric();
    }
    None
}

/// The bytes that a shape can begin with: most bytes of an entry are none, and an entry is scanned before it is written.
const FIRST: [bool; 256] = firsts(b"abcdegmprsxABCDMPRSX0123456789-:&?");

const fn firsts(bytes: &[u8]) -> [bool; 256] {
    let mut all = [false; 256];
    let mut at = 0;
    while at < bytes.len() {
        all[bytes[at] as usize] = true;
        at += 1;
    }
    all
}

/// What is shown in place of a text with something sensitive in it; nothing if the text can be shown.
pub fn unsaid(text: &str) -> Option<String> {
    scan(text.as_bytes()).map(|found| format!("(not shown: it looks like it holds {})", found.what))
}

/// The bytes that are scanned, with the few questions that matchers ask.
#[derive(Clone, Copy)]
struct Text<'t>(&'t [u8]);

impl<'t> Text<'t> {
    fn byte(self, at: usize) -> Option<u8> {
        self.0.get(at).copied()
    }

    /// Whether the byte before a place is none of these and neither letter nor digit.
    fn begins(self, at: usize, not_after: &[u8]) -> bool {
        let before = at.checked_sub(1).and_then(|at| self.byte(at));
        before.is_none_or(|byte| !byte.is_ascii_alphanumeric() && !not_after.contains(&byte))
    }

    /// Whether the byte at a place is none of these and neither letter nor digit.
    fn ends(self, at: usize, not_before: &[u8]) -> bool {
        self.byte(at).is_none_or(|byte| !byte.is_ascii_alphanumeric() && !not_before.contains(&byte))
    }

    fn starts(self, at: usize, word: &str) -> bool {
        self.0[at.min(self.0.len())..].starts_with(word.as_bytes())
    }

    /// The place after a word in any case, if it stands here.
    fn after_word(self, at: usize, word: &str) -> Option<usize> {
        let end = at + word.len();
        let here = self.0.get(at..end)?;
        here.eq_ignore_ascii_case(word.as_bytes()).then_some(end)
    }

    /// How many bytes of a class follow each other from here on, up to a number.
    fn run(self, at: usize, max: usize, class: impl Fn(u8) -> bool) -> usize {
        self.0.iter().skip(at).take(max).take_while(|byte| class(**byte)).count()
    }

    fn digits(self, at: usize, max: usize) -> usize {
        self.run(at, max, |byte| byte.is_ascii_digit())
    }

    fn number(self, at: usize, digits: usize) -> u32 {
        let digits = self.0.iter().skip(at).take(digits);
        digits.fold(0, |number, byte| number * 10 + u32::from(byte.wrapping_sub(b'0')))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::Digest;
    use base64::Engine as _;

    #[test]
    fn planted_canaries_are_found_wherever_they_stand() {
        // Put together here, so that no scanner takes this file for a leak.
        let hex = "0123456789abcdef".repeat(2);
        let canaries = [
            (format!("dapi{hex}"), "a Databricks token"),
            (format!("dapi{hex}-2"), "a Databricks token"),
            (format!("dose{hex}"), "a Databricks OAuth secret"),
            (format!("AK{}", "IAIOSFODNN7EXAMPLE"), "an AWS access key"),
            (format!("gh{}_{}", 'p', "a1B2".repeat(9)), "a GitHub token"),
            (format!("-----BEGIN {}PRIVATE KEY-----\nMIIE", "RSA "), "a private key"),
            (format!("-----BEGIN {}PRIVATE KEY-----", ""), "a private key"),
            (format!("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{}", "abcDEF123456"), "a JSON web token"),
            (format!("Authorization: Bearer {}", "a1b2c3d4e5f6g7h8"), "a bearer token"),
            ("Authorization: Basic dXNlcjpwYXNz".to_owned(), "a bearer token"),
            (r#""client_secret": "hunter2hunter2""#.to_owned(), "a password"),
            (r#"{\"password\":\"hunter22\"}"#.to_owned(), "a password"),
            ("db_password=hunter22".to_owned(), "a password"),
            ("aws_secret_access_key = wJalrXUtnFEMI".to_owned(), "a password"),
            ("postgres://app:hunter2@db:5432/x".to_owned(), "a password"),
            (format!("https://b.s3.amazonaws.com/k?X-Amz-Signature={hex}{hex}"), "a signed link"),
            (format!("https://a.blob.core.windows.net/c?sv=1&sig={}", "a%2Bb".repeat(8)), "a signed link"),
            ("123-45-6789".to_owned(), "a social security number"),
            ("SSN 123456789".to_owned(), "a social security number"),
            ("MRN: 00441723".to_owned(), "a medical record number"),
            (r#""mrn": "00441723""#.to_owned(), "a medical record number"),
            ("Medical Record Number 88123".to_owned(), "a medical record number"),
            ("DOB 03/14/1962".to_owned(), "a date of birth"),
            (r#""birthDate":"1962-03-14""#.to_owned(), "a date of birth"),
            ("admitted 3/14/1962 in".to_owned(), "a date of birth"),
        ];
        for (canary, what) in canaries {
            for text in
                [canary.clone(), format!("{{\"note\":\"seen {canary} here\"}}"), format!("é {canary}")]
            {
                let found = scan(text.as_bytes()).unwrap_or_else(|| panic!("{what} was not found"));
                assert_eq!(found.what, what, "{text}");
                assert!(SHAPES.contains(&found.what), "{what} is told in the record of a scan");
            }
        }
    }

    #[test]
    fn no_shape_begins_where_none_is_looked_for() {
        // Pieces of all shapes behind each other in many orders, so that one stands in the middle of another.
        let hex = "0123456789abcdef".repeat(2);
        let pieces = [
            format!("dapi{hex}"),
            format!("AK{}", "IAIOSFODNN7EXAMPLE"),
            format!("-----BEGIN {}PRIVATE KEY-----", ""),
            format!("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{}", "abcDEF123456"),
            format!("Bearer {}", "a1b2c3d4e5f6g7h8"),
            format!("X-Amz-Signature={hex}{hex}"),
            format!("&sig={}", "a%2Bb".repeat(8)),
            "://app:hunter2@db".to_owned(),
            "password=hunter22".to_owned(),
            "123-45-6789".to_owned(),
            "MRN: 00441723".to_owned(),
            "3/14/1962".to_owned(),
            "DOB 03/14/1962".to_owned(),
        ];
        let between = ["", "x", "9", "-", "_", " ", "\"", ":", ".", "é"];
        for (one, other) in pieces.iter().flat_map(|one| pieces.iter().map(move |other| (one, other))) {
            for joint in between {
                let whole = format!("{joint}{one}{joint}{other}");
                let text = Text(whole.as_bytes());
                let everywhere = (0..whole.len()).find_map(|at| {
                    secrets::at(text, at).or_else(|| health::at(text, at)).map(|what| Sensitive { what, at })
                });
                assert_eq!(scan(whole.as_bytes()), everywhere, "{whole}");
            }
        }
    }

    #[test]
    fn nothing_of_what_evidence_is_full_of_is_found() {
        let texts = harmless();
        assert!(texts.len() >= 500);
        for text in texts {
            assert_eq!(scan(text.as_bytes()), None, "{text}");
        }
    }

    /// Strings such as entries, read-backs and rendered files hold, a different one for each number.
    fn harmless() -> Vec<String> {
        let shapes: [fn(u32, &str) -> String; 22] = [
            |_, hex| hex.to_owned(),
            |_, hex| {
                format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
            },
            |_, hex| base64::engine::general_purpose::STANDARD.encode(hex),
            |_, hex| format!("\"salt\":\"{}\"", &hex[..32]),
            |n, _| format!("2027-01-{:02}T{:02}:{:02}:33.{:03}Z", n % 28 + 1, n % 24, n % 60, n),
            |n, hex| format!("arn:aws:iam::{:012}:role/landfall-{}", u64::from(n) * 7_919_000_001, &hex[..8]),
            |n, _| format!("10.{}.{}.0/22", n % 256, n * 4 % 256),
            |n, _| format!("workspace id {}", 1_234_567_890_123_456_u64 + u64::from(n) * 98_765),
            |_, hex| format!("vpce-0{}", &hex[..16]),
            |n, hex| format!("s3://hrb{n:02}-logs/audit/2027/01/{:02}/{}.json", n % 28 + 1, &hex[..12]),
            |n, _| {
                format!(
                    "https://dbc-a1b2c3d4-{n:04}.cloud.databricks.com:443/api/2.1/unity-catalog/catalogs?page_token=x"
                )
            },
            |n, _| {
                format!(
                    "\"password\": \"${{secret.db.{n}}}\", \"client_secret\": \"env:DATABRICKS_CLIENT_SECRET\""
                )
            },
            |n, _| format!("columns mrn, dob, ssn masked by functions mask_mrn_{n} and mask_dob"),
            |n, _| {
                format!(
                    "token-usage policy; bearer of role {n}; next_page_token: \"\"; secret_scope site-{n}"
                )
            },
            |n, _| format!("+1 555-{:03}-{:04} on-call rota", n % 1000, n),
            |n, _| format!("version 2.{}.{} of 2027-{:02}-{:02}", n % 30, n % 10, n % 12 + 1, n % 28 + 1),
            |n, hex| {
                format!("arn:aws:kms:us-east-1:{:012}:key/{}-0000-4000-8000-{}", n, &hex[..8], &hex[8..20])
            },
            |n, _| format!("person{n}@harbor.example approved; ticket CHG{:07}", n * 31),
            |n, hex| {
                format!(
                    "{{\"id\":\"sg-0{}\",\"from_port\":443,\"to_port\":{},\"password_reset\":true}}",
                    &hex[..16],
                    8443 + n
                )
            },
            |n, _| format!("jdbc:sqlserver://db{n}.example:1433;user=svc@harbor;encrypt=true"),
            |n, _| {
                format!(
                    "export API_KEY=$SITE_{n}_KEY PRIVATE_KEY=/etc/ssl/{n}.key password={{{{secrets/db/{n}}}}}"
                )
            },
            |n, _| format!("{}/{} steps; ratio 1/2; 5/{}/27", n, n + 3, n % 9 + 1),
        ];
        let texts = |n: u32| {
            let hex = Digest::of(&n.to_be_bytes()).to_string();
            shapes.map(|shape| shape(n, &hex))
        };
        (0..40).flat_map(texts).collect()
    }

    #[test]
    fn no_bytes_make_it_panic() {
        for text in [
            "dapi",
            "mrn",
            "dob:",
            "://",
            "://a:",
            "bearer ",
            "password=",
            "-----BEGIN ",
            "eyJ",
            "&sig=",
            "é",
        ] {
            for end in 0..=text.len() {
                assert_eq!(scan(&text.as_bytes()[..end]), None, "{text}");
            }
        }
        assert_eq!(scan(&[0xff; 300]), None);
    }
}
