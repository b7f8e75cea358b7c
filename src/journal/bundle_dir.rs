//! Bundles as folders: written in one step, and read back with limits and without following links.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::base::limits::{BUNDLE_BYTES_MAX, BUNDLE_DEPTH_MAX, BUNDLE_FILE_BYTES_MAX, BUNDLE_FILES_MAX};
use crate::evidence::bundle::{Files, layout};

use super::bundle_archive;

/// Why a folder cannot be written or read as a bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleDirError {
    /// There is something at this path.
    #[error("{path} exists already; a bundle is never overwritten")]
    Exists {
        /// The path.
        path: PathBuf,
    },
    /// Something in the folder is neither a file nor a folder, or has a name that no bundle has.
    #[error("{path} does not belong into a bundle: {what}")]
    Foreign {
        /// The path.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// It is larger than a bundle can be.
    #[error("{path} is more than a bundle can hold: {what}")]
    TooLarge {
        /// The path.
        path: PathBuf,
        /// The limit that it breaks.
        what: String,
    },
    /// A file or folder cannot be read or written.
    #[error("{path} cannot be used")]
    File {
        /// The path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// A bundle that is written under another name beside the place that it is for. Dropped, it is gone.
#[derive(Debug)]
pub struct Staged {
    made: Written,
    /// The place that it is for.
    place: PathBuf,
}

#[derive(Debug)]
enum Written {
    Folder(tempfile::TempDir),
    Archive(tempfile::NamedTempFile),
}

impl Written {
    fn path(&self) -> &Path {
        match self {
            Written::Folder(folder) => folder.path(),
            Written::Archive(file) => file.path(),
        }
    }
}

/// Writes a bundle as a new folder; it appears whole or not at all.
///
/// # Errors
///
/// If there is something at the path, a path in the bundle leads out of it, or it cannot be written.
pub fn write(folder: &Path, files: &Files) -> Result<(), BundleDirError> {
    let staged = stage(folder, files)?;
    sync([&staged])?;
    staged.publish()
}

/// Writes a bundle beside the place that it is for. It is not durable before [`sync`].
///
/// # Errors
///
/// As [`write()`].
pub fn stage(folder: &Path, files: &Files) -> Result<Staged, BundleDirError> {
    let parent = parent_of(folder)?;
    let prefix = ".landfall-bundle-";
    let made = tempfile::Builder::new().prefix(prefix).tempdir_in(parent);
    let made = made.map_err(|source| failed(parent, source))?;
    let mut folders = BTreeSet::new();
    for (path, bytes) in files {
        if !layout::is_plain_path(path) {
            let what = "its path could lead out of the folder";
            return Err(BundleDirError::Foreign { path: path.into(), what });
        }
        let path = made.path().join(path);
        if let Some(inner) = path.parent().filter(|inner| !folders.contains(*inner)) {
            fs::create_dir_all(inner).map_err(|source| failed(inner, source))?;
            folders.insert(inner.to_owned());
        }
        write_file(&path, bytes)?;
    }
    Ok(Staged { made: Written::Folder(made), place: folder.to_owned() })
}

/// Writes a bundle as one file beside the place that it is for; as [`stage`] otherwise.
///
/// # Errors
///
/// As [`write()`].
pub fn stage_archive(place: &Path, files: &Files) -> Result<Staged, BundleDirError> {
    let made = bundle_archive::stage(parent_of(place)?, files)?;
    Ok(Staged { made: Written::Archive(made), place: place.to_owned() })
}

/// The folder that a new bundle goes to; made if it is not there.
fn parent_of(place: &Path) -> Result<&Path, BundleDirError> {
    if place.symlink_metadata().is_ok() {
        return Err(BundleDirError::Exists { path: place.to_owned() });
    }
    let parent = place.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(|source| failed(parent, source))?;
    Ok(parent)
}

/// Makes bundles durable, all of them in one go: a sync for each of hundreds of files is what used to take longest.
///
/// # Errors
///
/// If the disk does not take them.
#[cfg(target_os = "linux")]
pub fn sync<'s>(staged: impl IntoIterator<Item = &'s Staged>) -> Result<(), BundleDirError> {
    // One file system for each place where bundles go; asked again for the same one, it has nothing to do.
    let parents: BTreeSet<PathBuf> =
        staged.into_iter().filter_map(|staged| Some(staged.made.path().parent()?.to_owned())).collect();
    for parent in parents {
        let opened = fs::File::open(&parent).map_err(|source| failed(&parent, source))?;
        nix::unistd::syncfs(&opened).map_err(|error| failed(&parent, error.into()))?;
    }
    Ok(())
}

/// Makes bundles durable, file by file.
///
/// # Errors
///
/// If the disk does not take them.
#[cfg(not(target_os = "linux"))]
pub fn sync<'s>(staged: impl IntoIterator<Item = &'s Staged>) -> Result<(), BundleDirError> {
    fn all(folder: &Path) -> std::io::Result<()> {
        if folder.is_file() {
            return fs::File::open(folder)?.sync_all();
        }
        for member in fs::read_dir(folder)? {
            let member = member?;
            let path = member.path();
            if member.file_type()?.is_dir() { all(&path)? } else { fs::File::open(&path)?.sync_all()? }
        }
        Ok(())
    }
    staged
        .into_iter()
        .try_for_each(|staged| all(staged.made.path()).map_err(|source| failed(staged.made.path(), source)))
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<(), BundleDirError> {
    let failed = |source| failed(path, source);
    let mut file = fs::File::create_new(path).map_err(failed)?;
    file.write_all(bytes).map_err(failed)
}

impl Staged {
    /// Gives the finished bundle its name. Renaming onto a folder that appeared meanwhile fails unless that is empty.
    ///
    /// # Errors
    ///
    /// If it cannot be renamed.
    pub fn publish(self) -> Result<(), BundleDirError> {
        let Self { made, place } = self;
        open_to_readers(&made).map_err(|source| failed(made.path(), source))?;
        match made {
            Written::Folder(folder) => {
                fs::rename(folder.path(), &place).map_err(|source| failed(&place, source))?;
                // The folder is no longer where the guard would look for it.
                let _ = folder.keep();
            }
            Written::Archive(file) => {
                file.persist_noclobber(&place).map_err(|error| failed(&place, error.error))?;
            }
        }
        Ok(())
    }
}

/// Temporary folders and files are private; a bundle is for handing on, so it gets what a new one would.
#[cfg(unix)]
fn open_to_readers(made: &Written) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = match made {
        Written::Folder(_) => 0o755,
        Written::Archive(_) => 0o644,
    };
    fs::set_permissions(made.path(), fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn open_to_readers(_made: &Written) -> std::io::Result<()> {
    Ok(())
}

/// Reads a folder, or an archive of one, as a bundle. Says nothing about whether it is a good one: that is the verifier's.
///
/// # Errors
///
/// If it holds links, devices or odd names, is too large, or cannot be read.
pub fn read(folder: &Path) -> Result<Files, BundleDirError> {
    if folder.is_file() {
        return bundle_archive::read(folder);
    }
    let mut reading = Reading { files: Files::new(), bytes: 0 };
    reading.folder(folder, "", 0)?;
    Ok(reading.files)
}

struct Reading {
    files: Files,
    bytes: u64,
}

impl Reading {
    fn folder(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<(), BundleDirError> {
        if depth > BUNDLE_DEPTH_MAX {
            return Err(too_large(folder, format!("more than {BUNDLE_DEPTH_MAX} folders deep")));
        }
        let failed = |source| failed(folder, source);
        for member in fs::read_dir(folder).map_err(failed)? {
            let member = member.map_err(failed)?;
            let path = member.path();
            let foreign = |what| BundleDirError::Foreign { path: path.clone(), what };
            let name = member.file_name().into_string().map_err(|_| foreign("its name is not UTF-8"))?;
            // Of the entry itself: a link is a link, wherever it leads.
            let kind = member.file_type().map_err(failed)?;
            if kind.is_dir() {
                self.folder(&path, &format!("{prefix}{name}/"), depth + 1)?;
            } else if kind.is_file() {
                self.file(&path, format!("{prefix}{name}"))?;
            } else {
                return Err(foreign("it is neither a file nor a folder"));
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, name: String) -> Result<(), BundleDirError> {
        if self.files.len() >= BUNDLE_FILES_MAX {
            return Err(too_large(path, format!("more than {BUNDLE_FILES_MAX} files")));
        }
        let failed = |source| failed(path, source);
        let file = open(path).map_err(failed)?;
        let left = BUNDLE_FILE_BYTES_MAX.min(BUNDLE_BYTES_MAX - self.bytes);
        let mut bytes = Vec::new();
        file.take(left + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > left {
            return Err(too_large(path, format!("more than {left} bytes")));
        }
        self.bytes += bytes.len() as u64;
        self.files.insert(name, bytes);
        Ok(())
    }
}

/// Opens a plain file, looked at a second time once it is open, in case a link was put there meanwhile.
fn open(path: &Path) -> std::io::Result<fs::File> {
    let file = fs::File::open(path)?;
    let plain = path.symlink_metadata()?.is_file() && file.metadata()?.is_file();
    if plain { Ok(file) } else { Err(std::io::Error::other("it is no plain file")) }
}

fn too_large(path: &Path, what: String) -> BundleDirError {
    BundleDirError::TooLarge { path: path.to_owned(), what }
}

fn failed(path: &Path, source: std::io::Error) -> BundleDirError {
    BundleDirError::File { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Files {
        [("index.html", "<p>"), ("journal/site.jsonl", "{}\n"), ("a/b/c", "")]
            .map(|(path, text)| (path.to_owned(), text.into()))
            .into()
    }

    #[test]
    fn written_whole_read_back_and_never_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        let bundle = folder.path().join("out/HRB01");
        write(&bundle, &files()).expect("written");
        assert_eq!(read(&bundle).expect("read"), files());
        assert!(matches!(write(&bundle, &files()), Err(BundleDirError::Exists { .. })));
        let names: Vec<_> = fs::read_dir(folder.path().join("out")).expect("names").collect();
        assert_eq!(names.len(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_path_that_leads_out_is_refused_and_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let bundle = folder.path().join("HRB01");
        for path in ["../evil", "/evil", "a/../../evil", "a\\b"] {
            let files = [("fine".to_owned(), Vec::new()), (path.to_owned(), Vec::new())].into();
            assert!(matches!(write(&bundle, &files), Err(BundleDirError::Foreign { .. })), "{path}");
        }
        assert_eq!(fs::read_dir(folder.path()).expect("names").count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, target) in [("file", "/etc/hostname"), ("folder", "/etc"), ("loop", ".")] {
            let bundle = folder.path().join(name);
            write(&bundle, &files()).expect("written");
            std::os::unix::fs::symlink(target, bundle.join("link")).expect("a link");
            assert!(matches!(read(&bundle), Err(BundleDirError::Foreign { .. })), "{name}");
        }
    }

    #[test]
    fn depth_has_a_limit() {
        let folder = tempfile::tempdir().expect("a folder");
        let deep = folder.path().join("d/".repeat(BUNDLE_DEPTH_MAX + 1));
        fs::create_dir_all(&deep).expect("folders");
        assert!(matches!(read(folder.path()), Err(BundleDirError::TooLarge { .. })));
        assert!(matches!(read(&folder.path().join("nowhere")), Err(BundleDirError::File { .. })));
    }
}
