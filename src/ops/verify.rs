//! Checks a bundle without journal and network.

use std::path::Path;

use crate::evidence::note::VerifierKey;
use crate::evidence::verify::{Pins, Verdict, verify};
use crate::journal::bundle_dir;
use crate::ops::error::Failure;

/// Reads a bundle's folder and checks it.
///
/// # Errors
///
/// If the folder cannot be read as a bundle, or the given key is not one.
pub fn bundle(path: &Path, key: Option<&str>) -> Result<Verdict, Failure> {
    let files = bundle_dir::read(path).map_err(|e| Failure::NotVerified { what: e.to_string() })?;
    let log = key.map(str::parse::<VerifierKey>).transpose().map_err(|_| {
        Failure::usage(
            "this is not a verifier key",
            "a key looks like name+1a2b3c4d+base64, as in keys/log.vkey",
        )
    })?;
    Ok(verify(&files, &Pins { log, bundle: None }))
}
