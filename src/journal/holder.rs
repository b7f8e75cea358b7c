//! Whether the holder of a lease is still alive: each holds a lock on a file of its own, which the operating system
//! releases when its process ends, however it ends.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use crate::base::digest::Digest;

/// Tries to lock a file that somebody else removes at the same moment.
const TRIES_MAX: usize = 8;
/// Letters of the holder's name that its file shows, for people.
const SHOWN_MAX: usize = 40;

/// The locks of one open journal, in a folder that it shares with others.
#[derive(Debug)]
pub(super) struct Holders {
    folder: PathBuf,
    own: BTreeMap<String, File>,
}

impl Holders {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, own: BTreeMap::new() }
    }

    /// Goes by this name from now on; `false` if somebody alive does already.
    pub(super) fn claim(&mut self, holder: &str) -> std::io::Result<bool> {
        if self.own.contains_key(holder) {
            return Ok(true);
        }
        let path = self.path(holder);
        for _ in 0..TRIES_MAX {
            let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
            if !lock(&file)? {
                return Ok(false);
            }
            // A holder that ended meanwhile may have removed the file that was just locked.
            if path.try_exists()? {
                self.own.insert(holder.to_owned(), file);
                return Ok(true);
            }
        }
        Err(std::io::Error::other("the lock file is removed again and again"))
    }

    /// Whether nobody alive goes by this name.
    pub(super) fn is_gone(&self, holder: &str) -> std::io::Result<bool> {
        if self.own.contains_key(holder) {
            return Ok(false);
        }
        match File::open(self.path(holder)) {
            Ok(file) => lock(&file),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(error),
        }
    }

    fn path(&self, holder: &str) -> PathBuf {
        self.folder.join(file_name(holder))
    }
}

impl Drop for Holders {
    fn drop(&mut self) {
        // While the lock is still held, so that nobody else can have taken the name. Left behind, it does no harm.
        for holder in self.own.keys() {
            let _ = std::fs::remove_file(self.path(holder));
        }
    }
}

fn lock(file: &File) -> std::io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// A file name that no holder's name can lead out of the folder, and that no two share.
fn file_name(holder: &str) -> PathBuf {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    let shown: String = holder.chars().take(SHOWN_MAX).map(plain).collect();
    Path::new(&format!("{shown}-{}.lock", Digest::of(holder.as_bytes()).short())).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_inside_the_folder_and_apart() {
        let names: Vec<PathBuf> = ["../../etc/passwd", "..-..-etc-passwd", "a\0b", "", &"x".repeat(5000)]
            .into_iter()
            .map(file_name)
            .collect();
        for name in &names {
            assert_eq!(name.components().count(), 1);
            assert!(name.to_string_lossy().len() < 64);
        }
        assert_ne!(names[0], names[1]);
    }

    #[test]
    fn a_holder_is_gone_with_its_locks() {
        let folder = tempfile::tempdir().expect("a folder");
        let open = || Holders::new(folder.path().to_owned());
        let (mut one, mut two) = (open(), open());
        assert!(one.claim("one").expect("a claim"));
        assert!(one.claim("one").expect("a claim"), "one's own name can be claimed again");
        assert!(!two.claim("one").expect("a claim"));
        assert!(!two.is_gone("one").expect("an answer"));
        drop(one);
        assert!(two.is_gone("one").expect("an answer"));
        assert!(two.claim("one").expect("a claim"));
        assert!(two.is_gone("nobody").expect("an answer"));
    }
}
