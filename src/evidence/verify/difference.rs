//! Where a log first differs from what was sealed, and how: told by comparing leaf hashes.

use std::collections::BTreeMap;
use std::fmt;

use crate::base::digest::Digest;

/// The first difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Difference {
    /// The lines end too early.
    CutTail { lines: usize, sealed: usize },
    /// Two lines stand in each other's place.
    Swapped { one: usize, other: usize },
    /// A line was taken out; a later one stands in its place.
    Removed { place: usize, lines: usize, sealed: usize },
    /// A line stands where another belongs.
    Moved { place: usize, stands: usize },
    /// A line that was never sealed stands between others.
    Inserted { place: usize },
    /// A line has other bytes.
    Changed { place: usize },
    /// There are lines after the last sealed one.
    Added { first: usize },
}

impl Difference {
    /// The first difference between the lines' hashes and the sealed ones.
    pub(super) fn first(lines: &[Digest], sealed: &[Digest]) -> Option<Self> {
        let place = lines.iter().zip(sealed).position(|(line, leaf)| line != leaf);
        let Some(place) = place else {
            let (lines, sealed) = (lines.len(), sealed.len());
            return match lines.cmp(&sealed) {
                std::cmp::Ordering::Less => Some(Self::CutTail { lines, sealed }),
                std::cmp::Ordering::Equal => None,
                std::cmp::Ordering::Greater => Some(Self::Added { first: sealed }),
            };
        };
        let places = |hashes: &[Digest]| hashes.iter().copied().zip(0..).collect::<BTreeMap<Digest, usize>>();
        let line_was_at = places(sealed).get(&lines[place]).copied();
        let leaf_is_at = places(lines).get(&sealed[place]).copied();
        Some(match (line_was_at, leaf_is_at) {
            (Some(other), Some(is_at)) if other == is_at => Self::Swapped { one: place, other },
            (Some(stands), Some(_)) => Self::Moved { place, stands },
            (Some(_), None) => Self::Removed { place, lines: lines.len(), sealed: sealed.len() },
            (None, Some(_)) => Self::Inserted { place },
            (None, None) => Self::Changed { place },
        })
    }

    /// What is missing because of it, if something is.
    pub(super) fn missing(self) -> Option<String> {
        match self {
            Self::CutTail { lines, sealed } => Some(format!("{lines} of {sealed} entries")),
            Self::Removed { lines, sealed, .. } if lines < sealed => {
                Some(format!("{lines} of {sealed} entries"))
            }
            Self::Removed { place, .. } => Some(format!("entry {place}")),
            Self::Swapped { .. }
            | Self::Moved { .. }
            | Self::Inserted { .. }
            | Self::Changed { .. }
            | Self::Added { .. } => None,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CutTail { lines, sealed } => {
                write!(
                    f,
                    "the tail is cut off: {lines} of {sealed} entries, entry {lines} is the first that is missing"
                )
            }
            Self::Swapped { one, other } => write!(f, "entries {one} and {other} are swapped"),
            Self::Removed { place, .. } => write!(f, "entry {place} was removed"),
            Self::Moved { place, stands } => {
                write!(f, "entry {place} is not in its place, where entry {stands} stands")
            }
            Self::Inserted { place } => write!(f, "the line in the place of entry {place} was put in"),
            Self::Changed { place } => write!(f, "entry {place} was changed"),
            Self::Added { first } => {
                write!(f, "there are lines after the last sealed entry, from place {first} on")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes(letters: &str) -> Vec<Digest> {
        letters.bytes().map(|letter| Digest::of(&[letter])).collect()
    }

    #[test]
    fn each_way_of_tampering_has_its_own_words() {
        let sealed = hashes("abcdef");
        let cases = [
            ("abcdef", None),
            ("abcd", Some("the tail is cut off: 4 of 6 entries, entry 4 is the first that is missing")),
            ("", Some("the tail is cut off: 0 of 6 entries, entry 0 is the first that is missing")),
            ("aecdbf", Some("entries 1 and 4 are swapped")),
            ("acbdef", Some("entries 1 and 2 are swapped")),
            ("abdef", Some("entry 2 was removed")),
            ("bcdef", Some("entry 0 was removed")),
            ("abcxef", Some("entry 3 was changed")),
            ("abxcdef", Some("the line in the place of entry 2 was put in")),
            ("abbcdef", Some("entry 2 is not in its place, where entry 1 stands")),
            ("acdbef", Some("entry 1 is not in its place, where entry 2 stands")),
            ("abcdefx", Some("there are lines after the last sealed entry, from place 6 on")),
        ];
        for (letters, expected) in cases {
            let found = Difference::first(&hashes(letters), &sealed).map(|difference| difference.to_string());
            assert_eq!(found.as_deref(), expected, "{letters}");
        }
    }
}
