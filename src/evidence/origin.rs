//! What logs and keys are called outside this program: `evidence.<estate>/site/HRB01`.

use crate::base::id::LogId;

/// How the root of a rehearsal's origins begins, so that nobody takes its evidence for that of a real run.
const REHEARSAL_PREFIX: &str = "rehearsal.";
const REAL_PREFIX: &str = "evidence.";
/// Letters of an estate's name that are kept.
const NAME_MAX: usize = 60;

/// The name that all logs of an estate share, and the name of the key that signs their checkpoints.
///
/// Made of the estate's name in lower case, with anything else than letters and digits as dashes.
pub fn root(estate: &str, rehearsal: bool) -> String {
    let mut name = String::new();
    for letter in estate.chars().flat_map(char::to_lowercase) {
        if letter.is_ascii_alphanumeric() {
            name.push(letter);
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
        if name.len() >= NAME_MAX {
            break;
        }
    }
    let name = name.trim_end_matches('-');
    let name = if name.is_empty() { "estate" } else { name };
    format!("{}{name}", if rehearsal { REHEARSAL_PREFIX } else { REAL_PREFIX })
}

/// The origin of one log, the first line of its checkpoints.
pub fn of_log(root: &str, log: &LogId) -> String {
    format!("{root}/{log}")
}

/// The name of the key that signs bundles.
pub fn bundle_key(root: &str) -> String {
    format!("{root}/bundle")
}

/// Who seals bundles, as `ssh-keygen` asks for: `evidence@<estate>`.
pub fn principal(root: &str) -> String {
    root.replacen('.', "@", 1)
}

/// Whether an origin or key name says that it belongs to a rehearsal.
pub fn is_rehearsal(origin: &str) -> bool {
    origin.starts_with(REHEARSAL_PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_estates_become_names_of_keys() {
        assert_eq!(root("Harbor Health, Inc.", false), "evidence.harbor-health-inc");
        assert_eq!(root("  ", true), "rehearsal.estate");
        assert_eq!(root("É+\n", false), "evidence.estate");
        assert!(root(&"long ".repeat(100), false).len() < 80);
        assert_eq!(of_log("evidence.x", &LogId::Org), "evidence.x/org");
        assert_eq!(principal("evidence.x-y"), "evidence@x-y");
    }
}
