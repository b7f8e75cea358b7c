//! Checks a bundle without journal and network.

use std::path::Path;

use crate::base::limits::NOTE_FILE_BYTES_MAX;
use crate::evidence::cosignature::WitnessKey;
use crate::evidence::note::VerifierKey;
use crate::evidence::timestamp::Roots;
use crate::evidence::verify::{Pins, Verdict, verify};
use crate::journal::bundle_dir;
use crate::ops::earlier;
use crate::ops::error::Failure;

/// What the reader brings along, as typed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Trusted<'t> {
    /// The log key.
    pub key: Option<&'t str>,
    /// The witness's key.
    pub witness: Option<&'t str>,
    /// A bundle or checkpoint that was kept.
    pub previous: Option<&'t Path>,
    /// A PEM file with the authorities for time stamps.
    pub tsa_ca: Option<&'t Path>,
}

/// Reads a bundle's folder and checks it.
///
/// # Errors
///
/// If the folder cannot be read as a bundle, or what the reader brings along is not what it should be.
pub fn bundle(path: &Path, trusted: Trusted<'_>) -> Result<Verdict, Failure> {
    let files = bundle_dir::read(path).map_err(|e| Failure::NotVerified { what: e.to_string() })?;
    let help = "a key looks like name+1a2b3c4d+base64, as in keys/log.vkey";
    let log = trusted.key.map(str::parse::<VerifierKey>).transpose();
    let log = log.map_err(|_| Failure::usage("this is not a verifier key", help))?;
    let witness = trusted.witness.map(str::parse::<WitnessKey>).transpose();
    let witness = witness.map_err(|_| Failure::usage("this is not the key of a witness", help))?;
    let previous = trusted.previous.map(earlier::read).transpose()?.map(|previous| previous.checkpoint);
    let stamps = trusted.tsa_ca.map(authorities).transpose()?;
    Ok(verify(&files, &Pins { log, bundle: None, witness, previous, stamps }))
}

fn authorities(path: &Path) -> Result<Roots, Failure> {
    let bytes = earlier::limited(path, NOTE_FILE_BYTES_MAX)?;
    Roots::from_pem(&bytes).map_err(|error| {
        Failure::usage(
            format!("{}: {error}", path.display()),
            "openssl x509 -in FILE -text shows what a file holds",
        )
    })
}
