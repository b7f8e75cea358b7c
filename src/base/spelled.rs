//! Values that files and logs hold as text. They are read where the text stands: a log of a hundred thousand entries has
//! a million of them, and no copy of each is needed to see whether it is spelled as it should be.

use std::fmt::{self, Display};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::Deserializer;
use serde::de::{Error, Visitor};

/// A value from its text.
///
/// # Errors
///
/// If there is no text, or it is spelled otherwise than the value's own rule says.
pub fn parsed<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    deserializer.deserialize_str(Text(PhantomData))
}

struct Text<T>(PhantomData<T>);

impl<T: FromStr<Err: Display>> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use crate::base::digest::Digest;
    use crate::base::id::{LogId, SiteCode, StepId};
    use crate::base::time::Timestamp;

    type Read = (StepId, SiteCode, LogId, Timestamp, BTreeMap<StepId, Digest>);

    fn told(text: &str) -> String {
        let straight = serde_json::from_str::<Read>(text);
        let by_value = serde_json::from_str::<Value>(text).and_then(serde_json::from_value::<Read>);
        match (straight, by_value) {
            (Ok(one), Ok(other)) => {
                assert_eq!(one, other);
                serde_json::to_string(&one).expect("a JSON form")
            }
            // By text the message ends with the place.
            (Err(one), Err(other)) => {
                assert!(one.to_string().starts_with(&other.to_string()), "{one} and {other}");
                other.to_string()
            }
            (one, other) => panic!("{one:?} and {other:?}"),
        }
    }

    #[test]
    fn text_is_read_wherever_it_stands_and_what_is_none_is_told() {
        let digest = Digest::of(b"x");
        let whole =
            json!(["catalog.a", "HRB01", "site/HRB01", "2027-01-11T14:00:00.000Z", { "schema.b": digest }]);
        assert_eq!(told(&whole.to_string()), whole.to_string());
        // An escape has no place of its own in the text that it was read from.
        assert_eq!(told(&whole.to_string().replace("catalog", "\\u0063atalog")), whole.to_string());
        for (at, wrong, expected) in [
            (0, json!("Catalog"), "an id is lower-case words"),
            (0, json!(7), "invalid type: integer `7`, expected a string"),
            (1, json!("hrb01"), "a site code is three capital letters"),
            (2, json!("nowhere"), ""),
            (3, json!("soon"), ""),
            (4, json!({ "schema.b": "00" }), ""),
            (4, json!({ "B": digest }), "an id is lower-case words"),
        ] {
            let mut other = whole.clone();
            other[at] = wrong;
            let text = other.to_string();
            let told = told(&text);
            assert!(told.starts_with(expected) && told != text, "{told}");
        }
    }
}
