//! Files that entries name, under the place of the entry in the log: `evidence/0012-catalog.clinical.json`.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::digest::Digest;
use crate::model::entry::{BlobRef, Entry};

use super::super::retention;
use super::sums::Sums;
use super::{BundleError, Files, layout};

/// Letters of a name that are kept.
const NAME_MAX: usize = 100;

/// Adds each file that an entry names and that is not there yet, once.
pub(super) fn place(
    entries: &[Entry],
    blobs: &BTreeMap<Digest, Vec<u8>>,
    files: &mut Files,
    sums: &mut Sums,
) -> Result<(), BundleError> {
    // What a tombstone stands for is left out even where it is still there: the same log makes the same bundle.
    let mut present: BTreeSet<Digest> = sums.values().copied().collect();
    present.extend(retention::gone(entries));
    for entry in entries {
        for named in &entry.refs {
            if present.contains(&named.sha256) {
                continue;
            }
            let bytes = blobs.get(&named.sha256).filter(|bytes| Digest::of(bytes) == named.sha256);
            let bytes = bytes.ok_or_else(|| BundleError::MissingBlob {
                seq: entry.seq,
                path: named.path.clone(),
                digest: named.sha256,
            })?;
            let path = free_path(entry.seq, named, files);
            sums.insert(path.clone(), named.sha256);
            files.insert(path, bytes.clone());
            present.insert(named.sha256);
        }
    }
    Ok(())
}

/// The path for a file; with a number if the entry names another file by the same name.
fn free_path(seq: u64, named: &BlobRef, files: &Files) -> String {
    let name = plain_name(&named.path);
    let numbers = std::iter::once(String::new()).chain((2..).map(|number: u64| format!("{number}-")));
    let mut paths = numbers.map(|number| format!("{}{seq:04}-{number}{name}", layout::EVIDENCE));
    paths.find(|path| !files.contains_key(path)).expect("there is always a greater number")
}

/// The last part of a path, with only letters that any file system takes.
fn plain_name(path: &str) -> String {
    let last = path.rsplit('/').next().unwrap_or_default();
    let plain =
        |letter: char| if letter.is_ascii_alphanumeric() || "._-".contains(letter) { letter } else { '-' };
    let name: String = last.chars().take(NAME_MAX).map(plain).collect();
    let name = name.trim_matches('.');
    if name.is_empty() { "file".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_entries_stay_in_the_folder() {
        let named = |path: &str| BlobRef { path: path.into(), sha256: Digest::of(b"") };
        let mut files = Files::new();
        for bad in ["readback/catalog.clinical.json", "../..", "a\\b/..\\c", "", "é\n", &"x".repeat(999)] {
            let path = free_path(7, &named(bad), &files);
            assert!(path.starts_with("evidence/0007-") && layout::is_plain_path(&path), "{path}");
            files.insert(path, Vec::new());
        }
        assert!(files.contains_key("evidence/0007-catalog.clinical.json"));
        let again = free_path(7, &named("other/catalog.clinical.json"), &files);
        assert_eq!(again, "evidence/0007-2-catalog.clinical.json");
    }
}
