//! Reads the files below `sites/` and `templates/` of a folder, within limits and without following links.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::base::limits::{INPUT_DEPTH_MAX, INPUT_FILE_BYTES_MAX, INPUT_FILES_MAX};
use crate::source::Files;

/// The file that makes a folder a pack.
const MANIFEST: &str = "pack.toml";

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

/// Reads an estate with other packs than its own: those of a folder like `templates/`, or one pack, which takes the place of
/// the estate's pack of that name. Their files are named as if they were below `templates/`, so that a plan does not
/// depend on where the folder stands.
///
/// # Errors
///
/// If there is no such folder, or no pack in it.
pub fn read_with_packs(root: &Path, packs: &Path) -> std::io::Result<Folder> {
    let packs = fs::canonicalize(packs)?;
    let packs = if packs.join("templates").is_dir() { packs.join("templates") } else { packs };
    let (Some(parent), Some(name)) = (packs.parent(), packs.file_name().and_then(|name| name.to_str()))
    else {
        return Err(std::io::Error::other("this is no folder of packs"));
    };
    let mut other = Folder::default();
    enter(parent, name, 1, &mut other);
    let single =
        other.files.get(&format!("{name}/{MANIFEST}")).map(|text| name_in(text).unwrap_or(name.to_owned()));
    let is_manifest =
        |path: &String| path.matches('/').count() == 2 && path.ends_with(&format!("/{MANIFEST}"));
    if single.is_none() && !other.files.keys().any(is_manifest) {
        return Err(std::io::Error::other(format!("there is no pack in it: no {MANIFEST}")));
    }
    let place = single.as_ref().map_or("templates".to_owned(), |pack| format!("templates/{pack}"));
    let mut folder = read(root);
    let replaced = format!("{place}/");
    folder.files.retain(|path, _| !path.starts_with(&replaced));
    folder.unread.retain(|unread| !unread.path.starts_with(&replaced));
    let moved = |path: &str| format!("{place}{}", path.strip_prefix(name).unwrap_or_default());
    folder.files.extend(other.files.into_iter().map(|(path, bytes)| (moved(&path), bytes)));
    folder.unread.extend(other.unread.into_iter().map(|one| Unread { path: moved(&one.path), ..one }));
    Ok(folder)
}

/// The name that a manifest gives its pack, if it can be told.
fn name_in(manifest: &[u8]) -> Option<String> {
    let table: toml::Table = toml::from_str(std::str::from_utf8(manifest).ok()?).ok()?;
    let name = table.get("name")?.as_str()?;
    crate::base::id::PackName::new(name).ok().map(|name| name.to_string())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, path: &str, text: &str) {
        fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        fs::write(root.join(path), text).unwrap();
    }

    #[test]
    fn other_packs_take_the_place_of_the_estates_own() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for path in [
            "own/sites/estate.toml",
            "own/templates/a/pack.toml",
            "own/templates/b/pack.toml",
            "own/templates/b/x.hbs",
        ] {
            write(root, path, "name = \"b\"");
        }
        write(root, "one-pack/pack.toml", "name = \"b\"");
        write(root, "all/c/pack.toml", "name = \"c\"");
        write(root, "empty/notes/read.toml", "");
        let paths = |packs: &str| {
            let read = read_with_packs(&root.join("own"), &root.join(packs));
            read.map(|folder| folder.files.into_keys().collect::<Vec<_>>().join(" "))
                .map_err(|error| error.to_string())
        };
        let estate = "sites/estate.toml templates/";
        assert_eq!(paths("one-pack").unwrap(), format!("{estate}a/pack.toml templates/b/pack.toml"));
        assert_eq!(paths("all").unwrap(), format!("{estate}c/pack.toml"));
        assert_eq!(
            paths("own").unwrap(),
            format!("{estate}a/pack.toml templates/b/pack.toml templates/b/x.hbs"),
            "the folder of an estate stands for its packs"
        );
        assert_eq!(paths("empty").unwrap_err(), "there is no pack in it: no pack.toml");
        assert!(paths("nowhere").is_err());
        write(root, "sly/pack.toml", "name = \"../../sites\"");
        assert!(
            paths("sly").unwrap().contains("templates/sly/pack.toml"),
            "a name never leads out of templates"
        );
    }
}
