//! The packs of an estate: list them, lock them.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::model::estate::LOCK_FILE;
use crate::ops::error::Failure;
use crate::source;

/// Writes `templates/pack.lock` with version and digest of every pack.
///
/// # Errors
///
/// If the packs cannot be read, or the file cannot be written.
pub fn lock(root: &Path) -> Result<String, Failure> {
    let (loaded, _) = source::load(root);
    let text = source::lock_text(&loaded);
    let path = root.join(LOCK_FILE);
    let failed = |e: std::io::Error| Failure::failed(format!("{}: {e}", path.display()));
    let mut file = tempfile::NamedTempFile::new_in(root.join("templates")).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.persist(&path).map_err(|e| failed(e.error))?;
    fs::read_to_string(&path).map_err(failed)
}
