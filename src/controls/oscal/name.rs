//! Names of things in OSCAL files: the same thing has the same UUID in every export.

use uuid::Uuid;

use super::{NAMESPACE, Subject};

/// A UUID from words.
fn of(words: &[&str]) -> Uuid {
    let space = Uuid::new_v5(&Uuid::NAMESPACE_URL, NAMESPACE.as_bytes());
    // No word can hold the separator, so that two lists never run into the same name.
    Uuid::new_v5(&space, words.join("\n").as_bytes())
}

/// The name of something that is the same for everybody.
pub(super) fn fixed(kind: &str, what: &str) -> Uuid {
    of(&["fixed", kind, what])
}

/// The name of something of a site in a wave.
pub(super) fn own(subject: &Subject<'_>, kind: &str, what: &str) -> Uuid {
    let wave = subject.wave.map_or("", |wave| wave.as_str());
    of(&["site", subject.estate, subject.site.as_str(), wave, kind, what])
}
