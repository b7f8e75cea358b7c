//! Where checkpoints are handed on to: a folder or repository, where nothing is ever replaced, a program of one's own, a
//! store that locks, a ticket, a witness.

mod git;
mod lock;
mod program;
mod ticket;
mod witness;

use std::fs;
use std::io::Write as _;
use std::path::Path;

use crate::journal::Journal;
use crate::model::estate::{Estate, Hook};
use crate::ops::Context;
use crate::ops::earlier::failed;
use crate::ops::error::Failure;

pub use lock::{LOCKED_KIND, Locked};
use witness::Asked;

/// What a hook may need to know.
pub(super) struct Outside<'o> {
    pub(super) context: &'o Context,
    pub(super) journal: &'o dyn Journal,
    pub(super) estate: &'o Estate,
}

/// One checkpoint with its files. The first of them is the signed checkpoint, the second the request to a witness.
pub(super) struct Given<'g> {
    pub(super) log: &'g str,
    pub(super) size: u64,
    pub(super) files: &'g [(&'static str, Vec<u8>)],
}

impl Given<'_> {
    /// The bytes of one of its files.
    fn file(&self, kind: &str) -> &[u8] {
        self.files.iter().find(|(own, _)| *own == kind).map_or(&[], |(_, bytes)| bytes)
    }
}

/// What became of a checkpoint that was handed on.
#[derive(Debug)]
pub(super) enum Handed {
    /// It is there; what locks it says how.
    Taken(Option<Locked>),
    /// A witness does not know the key that signed it yet.
    OtherKey,
}

/// Shows a witness how keys took over from each other; others are not asked. Whether it took one that it did not know.
pub(super) fn hand_over(hook: &Hook, handovers: &[Vec<u8>]) -> Result<bool, Failure> {
    match hook {
        Hook::Witness(url) => witness::hand_over(url, handovers),
        Hook::Directory(_) | Hook::Git(_) | Hook::Command(_) | Hook::Lock(_) | Hook::Ticket => Ok(false),
    }
}

/// Hands one checkpoint on.
pub(super) fn hand_on(outside: &Outside<'_>, hook: &Hook, given: &Given<'_>) -> Result<Handed, Failure> {
    let root = &outside.context.root;
    let locked = match hook {
        Hook::Directory(directory) => store(&root.join(directory), given).map(|()| None),
        Hook::Git(folder) => git::commit(&root.join(folder), given).map(|()| None),
        Hook::Command(words) => program::run(root, words, given).map(|_| None),
        Hook::Lock(words) => lock::store(outside, words, given).map(Some),
        Hook::Ticket => ticket::comment(outside, given).map(|()| None),
        Hook::Witness(url) => match witness::ask(outside, url, given)? {
            Asked::Done => Ok(None),
            Asked::OtherKey => return Ok(Handed::OtherKey),
        },
    };
    locked.map(Handed::Taken)
}

/// Adds the files to the folder of their log.
fn store(folder: &Path, given: &Given<'_>) -> Result<(), Failure> {
    let folder = folder.join(given.log);
    fs::create_dir_all(&folder).map_err(|error| failed(&folder, error))?;
    given.files.iter().try_for_each(|(kind, bytes)| add(&folder, given.size, kind, bytes))
}

/// Adds a file; the same one may be there already, another one must not.
fn add(folder: &Path, size: u64, kind: &str, bytes: &[u8]) -> Result<(), Failure> {
    let path = super::checkpoints::path(folder, size, kind);
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| failed(folder, error))?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(|error| failed(&path, error))?;
    match file.persist_noclobber(&path) {
        Ok(_) => Ok(()),
        Err(_) if fs::read(&path).is_ok_and(|there| there == bytes) => Ok(()),
        Err(error) => Err(failed(&path, error.error)),
    }
}
