//! Reads the files below `sites/` and `templates/` of a folder, within limits and without following links.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::base::limits::{INPUT_DEPTH_MAX, INPUT_FILE_BYTES_MAX, INPUT_FILES_MAX};
use crate::source::Files;

/// What is in an estate's folder.
#[derive(Debug, Default)]
pub struct Folder {
    /// The files that could be read.
    pub files: Files,
    /// The ones that could not.
    pub unread: Vec<Unread>,
}

/// A file or folder that was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Its path from the estate's folder.
    pub path: String,
    /// The problem's code.
    pub code: &'static str,
    /// The problem.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

/// Reads `sites/` and `templates/` below this folder. Names that begin with a dot are left out.
pub fn read(root: &Path) -> Folder {
    let mut folder = Folder::default();
    for top in ["sites", "templates"] {
        if root.join(top).exists() {
            enter(root, top, 1, &mut folder);
        }
    }
    folder
}

impl Folder {
    fn refuse(
        &mut self,
        path: &str,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.unread.push(Unread { path: path.to_owned(), code, message: message.into(), help: help.into() });
    }

    fn unreadable(&mut self, path: &str, error: &std::io::Error) {
        let message = format!("this cannot be read: {}", error.kind());
        self.refuse(path, "file.unreadable", message, "check that it is there and that you may read it");
    }
}

fn enter(root: &Path, path: &str, depth: usize, folder: &mut Folder) {
    if depth > INPUT_DEPTH_MAX {
        let message = format!("folders are nested deeper than {INPUT_DEPTH_MAX}");
        return folder.refuse(path, "file.too-deep", message, "move its files up");
    }
    let entries = fs::read_dir(root.join(path)).and_then(|dir| dir.collect::<Result<Vec<_>, _>>());
    let mut names = match entries {
        Ok(entries) => entries.iter().map(fs::DirEntry::file_name).collect::<Vec<_>>(),
        Err(error) => return folder.unreadable(path, &error),
    };
    names.sort();
    for name in names {
        let Some(name) = name.to_str() else {
            folder.refuse(path, "file.bad-name", "a file name here is not UTF-8", "rename the file");
            continue;
        };
        if !name.starts_with('.') {
            visit(root, &format!("{path}/{name}"), depth, folder);
        }
    }
}

fn visit(root: &Path, path: &str, depth: usize, folder: &mut Folder) {
    if folder.files.len() + folder.unread.len() >= INPUT_FILES_MAX {
        if folder.unread.last().is_none_or(|last| last.code != "file.too-many") {
            let message = format!("there are more than {INPUT_FILES_MAX} files");
            folder.refuse(path, "file.too-many", message, "keep only the estate's files in this folder");
        }
        return;
    }
    let full: PathBuf = root.join(path);
    match fs::symlink_metadata(&full) {
        Err(error) => folder.unreadable(path, &error),
        Ok(found) if found.is_symlink() => {
            let help = "put a copy of the file here: what a link points at can change behind a plan's back";
            folder.refuse(path, "file.symlink", "this is a symbolic link, and links are not followed", help);
        }
        Ok(found) if found.is_dir() => enter(root, path, depth + 1, folder),
        Ok(found) if found.is_file() => file(&full, path, folder),
        Ok(_) => folder.refuse(path, "file.not-a-file", "this is neither a file nor a folder", "remove it"),
    }
}

/// Reads one byte more than allowed, so that a file that grows meanwhile is noticed too.
fn file(full: &Path, path: &str, folder: &mut Folder) {
    let mut bytes = Vec::new();
    let read =
        fs::File::open(full).and_then(|file| file.take(INPUT_FILE_BYTES_MAX + 1).read_to_end(&mut bytes));
    match read {
        Err(error) => folder.unreadable(path, &error),
        Ok(length) if length as u64 > INPUT_FILE_BYTES_MAX => {
            let message = format!("this file has more than {INPUT_FILE_BYTES_MAX} bytes");
            folder.refuse(path, "file.too-large", message, "split it, or move it out of the estate");
        }
        Ok(_) => {
            folder.files.insert(path.to_owned(), bytes);
        }
    }
}
