//! The digest of each file of a bundle, computed once, and `SHA256SUMS`, as `sha256sum -c` reads it.

use std::collections::BTreeMap;

use crate::base::digest::Digest;

use super::{Files, layout};

/// The digest of each file, by path.
pub type Sums = BTreeMap<String, Digest>;

/// The digests of these files.
pub fn of(files: &Files) -> Sums {
    files.iter().map(|(path, bytes)| (path.clone(), Digest::of(bytes))).collect()
}

/// The list of these digests, in the order of their paths.
pub fn text(sums: &Sums) -> String {
    sums.iter().map(|(path, digest)| format!("{digest}  {path}\n")).collect()
}

/// Reads a list; what [`text`] writes and nothing else. `None` if it is anything else.
pub fn parse(bytes: &[u8]) -> Option<Sums> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut sums = Sums::new();
    for line in text.strip_suffix('\n')?.split('\n') {
        let (digest, path) = line.split_once("  ")?;
        if !layout::is_plain_path(path) {
            return None;
        }
        let sorted = sums.last_key_value().is_none_or(|(last, _): (&String, _)| last.as_str() < path);
        sorted.then(|| sums.insert(path.to_owned(), digest.parse().ok()?))?;
    }
    Some(sums)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_and_read_back_in_one_spelling() {
        let files: Files = [("b/c", "1"), ("a", "2")].map(|(path, text)| (path.into(), text.into())).into();
        let list = text(&of(&files));
        let sums = parse(list.as_bytes()).expect("a list");
        assert_eq!(sums.keys().collect::<Vec<_>>(), ["a", "b/c"]);
        assert_eq!(sums["a"], Digest::of(b"2"));
        let lines: Vec<&str> = list.lines().collect();
        let turned = format!("{}\n{}\n", lines[1], lines[0]);
        let twice = format!("{}\n{}\n", lines[0], lines[0]);
        let outside = list.replace("b/c", "b/../../c");
        for bad in ["", "\n", list.trim_end(), &turned, &twice, &outside, &list.replace("  ", " *")] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad:?}");
        }
    }
}
