//! What was shown of a log before: a bundle that somebody kept, or what this state folder last exported.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::base::digest::Digest;
use crate::base::id::SiteCode;
use crate::base::limits::{NOTE_FILE_BYTES_MAX, SUMS_BYTES_MAX};
use crate::evidence::bundle::{Previous, layout};
use crate::journal::bundle_archive;
use crate::ops::Context;
use crate::ops::error::Failure;

/// What is kept of the last export of a site.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    checkpoint: String,
    sums: Digest,
    /// What that export itself continued, so that it can be made again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<Earlier>,
}

/// A bundle before the last one.
#[derive(Debug, Serialize, Deserialize)]
struct Earlier {
    checkpoint: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sums: Option<Digest>,
}

/// What a bundle's folder, or a file with a signed checkpoint, showed.
///
/// # Errors
///
/// If it cannot be read.
pub fn read(path: &Path) -> Result<Previous, Failure> {
    let text = |path: &Path| {
        let bytes = limited(path, NOTE_FILE_BYTES_MAX)?;
        String::from_utf8(bytes).map_err(|_| failed(path, "it is not UTF-8"))
    };
    if path.is_file() && path.to_string_lossy().ends_with(bundle_archive::SUFFIX) {
        let files = bundle_archive::read(path).map_err(|error| failed(path, error))?;
        let missing = || failed(path, "it holds no checkpoint and list of files");
        let part = |name: &str| files.get(name).ok_or_else(missing);
        let checkpoint = String::from_utf8(part(layout::CHECKPOINT)?.clone()).map_err(|_| missing())?;
        return Ok(Previous { checkpoint, sums: Some(Digest::of(part(layout::SUMS)?)) });
    }
    if !path.is_dir() {
        return Ok(Previous { checkpoint: text(path)?, sums: None });
    }
    let sums = limited(&path.join(layout::SUMS), SUMS_BYTES_MAX)?;
    Ok(Previous { checkpoint: text(&path.join(layout::CHECKPOINT))?, sums: Some(Digest::of(&sums)) })
}

/// What a bundle with this checkpoint is to continue: what this state folder last exported of the site. If that showed
/// the very same log, what came before it: exporting again what has not changed gives the same bundle.
///
/// # Errors
///
/// If what is kept of it cannot be read.
pub fn to_continue(
    context: &Context,
    site: &SiteCode,
    checkpoint: &str,
) -> Result<Option<Previous>, Failure> {
    let path = file(context, site);
    if !path.exists() {
        return Ok(None);
    }
    let bytes = limited(&path, NOTE_FILE_BYTES_MAX)?;
    let kept: Kept = serde_json::from_slice(&bytes).map_err(|error| failed(&path, error))?;
    if kept.checkpoint == checkpoint {
        let before = |before: Earlier| Previous { checkpoint: before.checkpoint, sums: before.sums };
        return Ok(kept.before.map(before));
    }
    Ok(Some(Previous { checkpoint: kept.checkpoint, sums: Some(kept.sums) }))
}

/// Keeps what was exported, and what that continued, for the next bundle to continue.
///
/// # Errors
///
/// If it cannot be written.
pub fn keep(
    context: &Context,
    site: &SiteCode,
    checkpoint: &str,
    sums: Digest,
    before: Option<&Previous>,
) -> Result<(), Failure> {
    let before = before.map(|before| Earlier { checkpoint: before.checkpoint.clone(), sums: before.sums });
    let kept = Kept { checkpoint: checkpoint.to_owned(), sums, before };
    let bytes = serde_json::to_vec_pretty(&kept).map_err(|error| failed(&file(context, site), error))?;
    write(&file(context, site), &bytes)
}

fn file(context: &Context, site: &SiteCode) -> PathBuf {
    context.state.join("exported").join(format!("{site}.json"))
}

/// Writes a file whole or not at all.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| failed(folder, error))?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(|error| failed(path, error))?;
    file.persist(path).map_err(|error| failed(path, error.error))?;
    Ok(())
}

/// Reads a file with a limit.
pub fn limited(path: &Path, max: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(|error| failed(path, error))?;
    file.take(max + 1).read_to_end(&mut bytes).map_err(|error| failed(path, error))?;
    if bytes.len() as u64 > max {
        Err(failed(path, format!("it has more than {max} bytes")))
    } else {
        Ok(bytes)
    }
}

pub(super) fn failed(path: &Path, what: impl std::fmt::Display) -> Failure {
    Failure::failed(format!("{}: {what}", path.display()))
}
