//! Bundles as one file: a gzipped tar archive, always the same bytes for the same files, and read back with limits.
//!
//! What comes in may be anything. Only plain files with plain names are taken, each name once, and the archive may
//! unpack to no more than a bundle can hold and to no more than [`ARCHIVE_GROWTH_MAX`] times its own size.

use std::fs;
use std::io::{BufReader, Read, Write as _};
use std::path::{Path, PathBuf};

use flate2::bufread::GzDecoder;
use flate2::{Compression, GzBuilder};
use tar::{Archive, Builder, EntryType, Header};

use super::bundle_dir::BundleDirError;
use crate::base::limits::{
    ARCHIVE_GROWTH_MAX, ARCHIVE_SPARE_BYTES, BUNDLE_BYTES_MAX, BUNDLE_FILE_BYTES_MAX, BUNDLE_FILES_MAX,
};
use crate::evidence::bundle::{Files, layout};

/// How an archive's name ends.
pub const SUFFIX: &str = ".tar.gz";
/// The folder that everything in an archive is in, whatever the archive is called.
const FOLDER: &str = "bundle/";

/// The archive's bytes. The same files give the same bytes: no times, no owners, in the order of their paths.
///
/// # Errors
///
/// If a path in the bundle leads out of it.
pub fn bytes(files: &Files) -> Result<Vec<u8>, BundleDirError> {
    let failed = |source| BundleDirError::File { path: PathBuf::from(FOLDER), source };
    let gzip = GzBuilder::new().mtime(0).write(Vec::new(), Compression::default());
    let mut archive = Builder::new(gzip);
    for (path, bytes) in files {
        if !layout::is_plain_path(path) {
            let what = "its path could lead out of the folder";
            return Err(BundleDirError::Foreign { path: path.into(), what });
        }
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        archive.append_data(&mut header, format!("{FOLDER}{path}"), bytes.as_slice()).map_err(failed)?;
    }
    archive.into_inner().and_then(flate2::write::GzEncoder::finish).map_err(failed)
}

/// Writes an archive beside the place that it is for.
pub(super) fn stage(parent: &Path, files: &Files) -> Result<tempfile::NamedTempFile, BundleDirError> {
    let failed = |source| BundleDirError::File { path: parent.to_owned(), source };
    let mut file =
        tempfile::Builder::new().prefix(".landfall-bundle-").tempfile_in(parent).map_err(failed)?;
    file.write_all(&bytes(files)?).map_err(failed)?;
    Ok(file)
}

/// Reads an archive as a bundle. Says nothing about whether it is a good one: that is the verifier's.
///
/// # Errors
///
/// If it is no such archive, holds anything but plain files, or unpacks to too much.
pub fn read(path: &Path) -> Result<Files, BundleDirError> {
    let failed = |source| BundleDirError::File { path: path.to_owned(), source };
    let file = fs::File::open(path).map_err(failed)?;
    let packed = file.metadata().map_err(failed)?.len();
    unpacked(path, BufReader::new(file), packed)
}

fn unpacked(path: &Path, packed: impl std::io::BufRead, size: u64) -> Result<Files, BundleDirError> {
    let most =
        size.saturating_mul(ARCHIVE_GROWTH_MAX).saturating_add(ARCHIVE_SPARE_BYTES).min(BUNDLE_BYTES_MAX);
    let failed = |source| BundleDirError::File { path: path.to_owned(), source };
    let too_large = |what: String| BundleDirError::TooLarge { path: path.to_owned(), what };
    let mut gzip = GzDecoder::new(packed);
    let mut files = Files::new();
    {
        let mut archive = Archive::new(Limited { inner: &mut gzip, left: most });
        for (count, entry) in archive.entries().map_err(failed)?.enumerate() {
            if count >= BUNDLE_FILES_MAX {
                return Err(too_large(format!("more than {BUNDLE_FILES_MAX} files")));
            }
            let entry = entry.map_err(failed)?;
            let name = name(&entry)?;
            let mut bytes = Vec::new();
            entry.take(BUNDLE_FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
            if bytes.len() as u64 > BUNDLE_FILE_BYTES_MAX {
                return Err(too_large(format!("{name} has more than {BUNDLE_FILE_BYTES_MAX} bytes")));
            }
            if files.insert(name.clone(), bytes).is_some() {
                return Err(BundleDirError::Foreign { path: name.into(), what: "it is there twice" });
            }
        }
    }
    nothing_behind(gzip, most).map_err(failed)?;
    Ok(files)
}

/// The path of a member in the bundle, if it is a plain file with a plain name.
fn name<R: Read>(entry: &tar::Entry<'_, R>) -> Result<String, BundleDirError> {
    let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
    let foreign = |what| BundleDirError::Foreign { path: PathBuf::from(&name), what };
    if entry.header().entry_type() != EntryType::Regular {
        return Err(foreign("it is no plain file"));
    }
    let inner = name.strip_prefix(FOLDER).filter(|inner| layout::is_plain_path(inner));
    inner.map(str::to_owned).ok_or_else(|| foreign("its path could lead out of the folder"))
}

/// Behind the last member there are noughts only, and behind the archive nothing: otherwise something could be hidden
/// there. Reading to the end is also what makes gzip compare its checksum.
fn nothing_behind<R: std::io::BufRead>(mut gzip: GzDecoder<R>, most: u64) -> std::io::Result<()> {
    let more = || std::io::Error::other("there is something behind the end of the archive");
    let mut rest = Limited { inner: &mut gzip, left: most };
    let mut chunk = [0; 4096];
    loop {
        let read = rest.read(&mut chunk)?;
        if chunk[..read].iter().any(|byte| *byte != 0) {
            return Err(more());
        }
        if read == 0 {
            break;
        }
    }
    let mut packed = gzip.into_inner();
    if packed.fill_buf()?.is_empty() { Ok(()) } else { Err(more()) }
}

/// Reads so many bytes, and fails where more would come.
struct Limited<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => {
                return Err(std::io::Error::other("it unpacks to more than a bundle of its size can hold"));
            }
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Files {
        let long = format!("evidence/0012-{}.json", "x".repeat(100));
        [("index.html", "<p>"), ("journal/site.jsonl", "{}\n"), ("empty", ""), (long.as_str(), "long")]
            .map(|(path, text)| (path.to_owned(), text.into()))
            .into()
    }

    fn back(bytes: &[u8]) -> Result<Files, BundleDirError> {
        unpacked(Path::new("b.tar.gz"), bytes, bytes.len() as u64)
    }

    fn gzipped(bytes: &[u8]) -> Vec<u8> {
        let mut gzip = GzBuilder::new().write(Vec::new(), Compression::best());
        gzip.write_all(bytes).expect("in memory");
        gzip.finish().expect("in memory")
    }

    /// An archive with one member of this type, written without any care.
    fn hostile(kind: EntryType, name: &str, link: Option<&str>, bytes: &[u8]) -> Vec<u8> {
        let mut archive = Builder::new(Vec::new());
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(bytes.len() as u64);
        header.set_mode(0o777);
        let field = &mut header.as_old_mut().name;
        field[..name.len()].copy_from_slice(name.as_bytes());
        if let Some(link) = link {
            header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        }
        header.set_cksum();
        archive.append(&header, bytes).expect("in memory");
        gzipped(&archive.into_inner().expect("in memory"))
    }

    #[test]
    fn the_same_files_give_the_same_bytes_and_come_back() {
        let packed = bytes(&files()).expect("an archive");
        assert_eq!(packed, bytes(&files()).expect("an archive"));
        assert_eq!(back(&packed).expect("files"), files());
    }

    #[test]
    fn links_devices_folders_and_odd_names_are_refused() {
        let kinds = [
            (EntryType::Symlink, Some("/etc/passwd")),
            (EntryType::Link, Some("bundle/index.html")),
            (EntryType::Fifo, None),
            (EntryType::Char, None),
            (EntryType::Block, None),
            (EntryType::Directory, None),
        ];
        for (kind, link) in kinds {
            let refused = back(&hostile(kind, "bundle/a", link, b""));
            assert!(matches!(refused, Err(BundleDirError::Foreign { .. })), "{kind:?}: {refused:?}");
        }
        let names = [
            "/etc/passwd",
            "../a",
            "bundle/../../a",
            "bundle//a",
            "bundle/./a",
            "a",
            "bundle/",
            "bundle/a\\b",
            "bundle/.a",
            "bundle/a\nb",
        ];
        for name in names {
            let refused = back(&hostile(EntryType::Regular, name, None, b"x"));
            assert!(matches!(refused, Err(BundleDirError::Foreign { .. })), "{name:?}: {refused:?}");
        }
        assert!(
            back(&hostile(EntryType::Regular, "bundle/a", None, b"x")).is_ok(),
            "the other cases would say nothing"
        );
    }

    #[test]
    fn a_name_that_is_there_twice_is_refused() {
        let mut archive = Builder::new(Vec::new());
        for text in ["one", "two"] {
            let mut header = Header::new_gnu();
            header.set_size(3);
            header.set_mode(0o644);
            archive.append_data(&mut header, "bundle/a", text.as_bytes()).expect("in memory");
        }
        let packed = gzipped(&archive.into_inner().expect("in memory"));
        assert!(matches!(back(&packed), Err(BundleDirError::Foreign { what: "it is there twice", .. })));
    }

    #[test]
    fn what_unpacks_to_far_more_than_it_is_large_is_refused() {
        let bomb = hostile(EntryType::Regular, "bundle/a", None, &vec![0; 40 << 20]);
        assert!(bomb.len() < 100 << 10, "{}", bomb.len());
        let Err(BundleDirError::File { source, .. }) = back(&bomb) else { panic!("unpacked") };
        assert!(source.to_string().contains("unpacks to more"), "{source}");
        // The same behind the end of the archive, where no member would count it.
        let behind = gzipped(&vec![0; 40 << 20]);
        assert!(back(&behind).is_err());
    }

    #[test]
    fn no_changed_cut_or_lengthened_archive_gives_other_files() {
        let packed = bytes(&files()).expect("an archive");
        let mut harmless = 0;
        for at in 0..packed.len() {
            let mut changed = packed.clone();
            changed[at] ^= 1 << (at % 8);
            // Gzip's head holds a time and the like, and its last bits may be anything: nothing rests on those.
            if let Ok(read) = back(&changed) {
                assert!(read == files(), "byte {at}");
                harmless += 1;
            }
            assert!(back(&packed[..at]).is_err(), "cut at {at}");
        }
        assert!(harmless <= 12, "{harmless} bytes of {} can be anything", packed.len());
        for more in [&b"\0"[..], b"more", &packed] {
            assert!(back(&[&packed, more].concat()).is_err());
        }
        assert!(back(b"").is_err() && back(b"no archive").is_err());
    }
}
