//! Checks bundles without journal and network.

use std::fs;
use std::path::{Path, PathBuf};

use crate::base::limits::{BUNDLES_VERIFIED_MAX, NOTE_FILE_BYTES_MAX};
use crate::evidence::cosignature::WitnessKey;
use crate::evidence::note::VerifierKey;
use crate::evidence::timestamp::Roots;
use crate::evidence::verify::{Pins, Verdict, verify};
use crate::journal::bundle_dir;
use crate::ops::earlier;
use crate::ops::error::Failure;
use crate::ops::export::Form;
use crate::ops::shares;

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
    checked(path, &pins(trusted)?)
}

/// Reads bundles and checks each, on all cores. One that cannot be read keeps no other from its verdict.
pub fn bundles(paths: &[PathBuf], pins: &Pins) -> Vec<Result<Verdict, Failure>> {
    shares::each(paths, |path| checked(path, pins))
}

/// Reads a bundle and checks it.
///
/// # Errors
///
/// If it cannot be read as one.
pub fn checked(path: &Path, pins: &Pins) -> Result<Verdict, Failure> {
    let files = bundle_dir::read(path).map_err(|e| Failure::NotVerified { what: e.to_string() })?;
    Ok(verify(&files, pins))
}

/// What the reader brings along, read.
///
/// # Errors
///
/// If something of it is not what it should be.
pub fn pins(trusted: Trusted<'_>) -> Result<Pins, Failure> {
    let help = "a key looks like name+1a2b3c4d+base64, as in keys/log.vkey";
    let log = trusted.key.map(str::parse::<VerifierKey>).transpose();
    let log = log.map_err(|_| Failure::usage("this is not a verifier key", help))?;
    let witness = trusted.witness.map(str::parse::<WitnessKey>).transpose();
    let witness = witness.map_err(|_| Failure::usage("this is not the key of a witness", help))?;
    let previous = trusted.previous.map(earlier::read).transpose()?.map(|previous| previous.checkpoint);
    let stamps = trusted.tsa_ca.map(authorities).transpose()?;
    Ok(Pins { log, bundle: None, witness, previous, stamps })
}

/// The bundles at these paths. A folder that holds nothing but folders and archives is one of bundles, and stands for
/// all of them; a bundle has files of its own.
///
/// # Errors
///
/// If a folder cannot be read, or there are too many.
pub fn bundles_at(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut all = Vec::new();
    for path in paths {
        match members(path)? {
            Some(members) => all.extend(members),
            None => all.push(path.clone()),
        }
        if all.len() > BUNDLES_VERIFIED_MAX {
            let help = "name fewer of them at a time";
            return Err(Failure::usage(format!("more than {BUNDLES_VERIFIED_MAX} bundles"), help));
        }
    }
    Ok(all)
}

/// What a folder of bundles holds, by name; nothing if it is anything else.
fn members(path: &Path) -> Result<Option<Vec<PathBuf>>, Failure> {
    if !path.is_dir() {
        return Ok(None);
    }
    let unread =
        |error: std::io::Error| Failure::NotVerified { what: format!("{}: {error}", path.display()) };
    let mut members = Vec::new();
    for member in fs::read_dir(path).map_err(unread)?.take(BUNDLES_VERIFIED_MAX + 1) {
        let member = member.map_err(unread)?;
        let (kind, member) = (member.file_type().map_err(unread)?, member.path());
        let archive = kind.is_file() && Form::of(&member) == Form::Archive;
        if !kind.is_dir() && !archive {
            return Ok(None);
        }
        members.push(member);
    }
    members.sort();
    Ok((!members.is_empty()).then_some(members))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn names(paths: &[&Path]) -> Result<Vec<String>, Failure> {
        let paths: Vec<PathBuf> = paths.iter().map(|path| path.to_path_buf()).collect();
        let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        Ok(bundles_at(&paths)?.iter().map(name).collect())
    }

    #[test]
    fn a_folder_of_bundles_stands_for_them_and_a_bundle_for_itself() {
        let folder = tempfile::tempdir().unwrap();
        let all = folder.path().join("all");
        assert_eq!(names(&[&all]).unwrap(), ["all"], "what is not there is told by whoever reads it");
        fs::create_dir_all(all.join("MPL02/journal")).unwrap();
        fs::create_dir_all(all.join("HRB01")).unwrap();
        fs::write(all.join("BAY01.tar.gz"), "").unwrap();
        assert_eq!(names(&[&all]).unwrap(), ["BAY01.tar.gz", "HRB01", "MPL02"]);
        fs::write(all.join("HRB01/SHA256SUMS"), "").unwrap();
        let one = all.join("HRB01");
        assert_eq!(names(&[&one, &all]).unwrap(), ["HRB01", "BAY01.tar.gz", "HRB01", "MPL02"]);
        fs::create_dir_all(one.join("journal")).unwrap();
        assert_eq!(names(&[&one]).unwrap(), ["HRB01"], "a file of its own makes it a bundle");
        let empty = folder.path().join("empty");
        fs::create_dir(&empty).unwrap();
        assert_eq!(names(&[&empty]).unwrap(), ["empty"], "nothing is no good bundle, not many of them");
    }

    #[test]
    fn too_many_bundles_are_refused() {
        let one = PathBuf::from("no-such-bundle");
        assert!(bundles_at(&vec![one.clone(); BUNDLES_VERIFIED_MAX]).is_ok());
        let refused = bundles_at(&vec![one; BUNDLES_VERIFIED_MAX + 1]);
        assert!(matches!(refused, Err(Failure::Usage { .. })));
    }
}
