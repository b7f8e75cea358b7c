//! Writes what the packs give for some sites into a folder, or prints its digests.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::base::digest::Digest;
use crate::base::id::ScopeId;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::plan::{Asked, scopes, select, waves};

/// The rendered files of a selection, by path below the folder: `<scope>/<pack>/<file>`.
///
/// # Errors
///
/// If the selection names what is not there.
pub fn files(desired: &Desired, asked: &Asked) -> Result<BTreeMap<String, String>, Failure> {
    let selection = select(desired, asked)?;
    let chosen = scopes(desired, &waves(desired, &selection));
    let of = |scope: &ScopeId| desired.rendered.get(scope).into_iter().flat_map(|r| &r.files);
    let named =
        chosen.iter().flat_map(|scope| of(scope).map(move |(path, text)| (format!("{scope}/{path}"), text)));
    Ok(named.map(|(path, text)| (path, text.clone())).collect())
}

/// One digest over all files: paths and digests, in order.
pub fn digest(files: &BTreeMap<String, String>) -> Digest {
    let digests: BTreeMap<&String, Digest> =
        files.iter().map(|(p, text)| (p, Digest::of(text.as_bytes()))).collect();
    Digest::of_canonical(&digests)
}

/// Writes files into a new folder: all of them, or nothing is left behind.
///
/// # Errors
///
/// If the folder holds something already, or cannot be written.
pub fn write(files: &BTreeMap<String, String>, out: &Path) -> Result<(), Failure> {
    let failed = |e: std::io::Error| Failure::failed(format!("{}: {e}", out.display()));
    if fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Failure::failed(format!("{} is not empty; nothing was written", out.display())));
    }
    let parent = out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(failed)?;
    let staged = tempfile::tempdir_in(parent).map_err(failed)?;
    for (path, text) in files {
        let path = staged.path().join(path);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).map_err(failed)?;
        fs::write(&path, text).map_err(failed)?;
    }
    if !out.exists() {
        return fs::rename(staged.keep(), out).map_err(failed);
    }
    // The folder itself stays: somebody may stand in it.
    let fill = || -> std::io::Result<()> {
        for entry in fs::read_dir(staged.path())? {
            let entry = entry?;
            fs::rename(entry.path(), out.join(entry.file_name()))?;
        }
        Ok(())
    };
    fill().map_err(failed)
}
