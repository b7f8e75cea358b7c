//! The last step: attestations over what is there, the list of files, and the seals over the list.

use serde_json::Value;

use crate::base::digest::Digest;

use super::super::note::{self, Signature, VerifierKey};
use super::super::{dsse, sshsig, statement};
use super::manifest::Manifest;
use super::sums::{self, Sums};
use super::{BundleError, Files, layout};

/// Signs bytes with the bundle key, or says why whatever holds the key does not.
pub type Sign<'s> = dyn Fn(&[u8]) -> Result<Signature, String> + 's;

/// A bundle without its attestations, its list of files and its seals.
#[derive(Debug, Clone)]
pub struct Unsealed {
    pub(super) files: Files,
    pub(super) sums: Sums,
    pub(super) manifest: Manifest,
    /// Statements that are files like others, by path.
    pub(super) statements: Vec<(String, Value)>,
    pub(super) key: VerifierKey,
}

impl Unsealed {
    /// The bundle's files, sealed.
    ///
    /// # Errors
    ///
    /// `NotSigned` if a signature is missing or not the bundle key's.
    pub fn seal(self, sign: &Sign<'_>) -> Result<Files, BundleError> {
        let Self { mut files, mut sums, manifest, statements, key } = self;
        let signed = |what: &str, message: &[u8]| {
            let failed = |why: String| BundleError::NotSigned { what: what.to_owned(), why };
            let signature = sign(message).map_err(failed)?;
            match key.verifies(message, &signature) {
                true => Ok(signature),
                false => Err(failed("the signature does not fit the key".to_owned())),
            }
        };
        for (path, statement) in statements {
            let signature = signed(&path, &dsse::message(&statement))?;
            let written = dsse::write(&statement, &key, &signature).into_bytes();
            sums.insert(path.clone(), Digest::of(&written));
            files.insert(path, written);
        }
        let list = sums::text(&sums).into_bytes();
        let digest = Digest::of(&list);
        let text = layout::note_text(&manifest.origin, &manifest.site, &digest);
        let whole = statement::bundle(&manifest, &digest);
        let seals = [
            (layout::SEAL, note::write(&text, &key, &signed(layout::SEAL, text.as_bytes())?)),
            (layout::SSH_SEAL, sshsig::write(&key, &signed(layout::SSH_SEAL, &sshsig::message(&list))?)),
            (
                layout::ATTESTED_BUNDLE,
                dsse::write(&whole, &key, &signed(layout::ATTESTED_BUNDLE, &dsse::message(&whole))?),
            ),
        ];
        files.insert(layout::SUMS.to_owned(), list);
        files.extend(seals.map(|(path, text)| (path.to_owned(), text.into_bytes())));
        Ok(files)
    }
}
