//! The keys of an estate's evidence: the log key, the bundle key, and the key behind the pseudonyms.

use std::path::Path;

use crate::base::id::LogId;
use crate::entropy::Entropy;
use crate::evidence::checkpoint::Checkpoint;
use crate::evidence::heads::PseudonymKey;
use crate::evidence::origin;
use crate::model::plan::LogHead;
use crate::ops::error::Failure;
use crate::signer::file_key::FileKey;
use crate::signer::{SignerError, pseudonym_file, sign_checkpoint};

/// The keys.
#[derive(Debug)]
pub struct Keys {
    /// Signs checkpoints.
    pub log: FileKey,
    /// Seals bundles.
    pub bundle: FileKey,
    /// Hides the names of logs.
    pub pseudonyms: PseudonymKey,
    /// The name that all logs share.
    pub root: String,
}

impl Keys {
    /// Reads the keys, or makes them on first use.
    ///
    /// # Errors
    ///
    /// If a key file cannot be used.
    pub fn open(dir: &Path, estate: &str, rehearsal: bool, entropy: Entropy) -> Result<Self, Failure> {
        let failed = |e: SignerError| Failure::failed(e.to_string());
        let root = origin::root(estate, rehearsal);
        Ok(Self {
            log: FileKey::open_or_make(&dir.join("log.pem"), &root, entropy).map_err(failed)?,
            bundle: FileKey::open_or_make(&dir.join("bundle.pem"), &origin::bundle_key(&root), entropy)
                .map_err(failed)?,
            pseudonyms: pseudonym_file::open(&dir.join("pseudonyms.key"), entropy).map_err(failed)?,
            root,
        })
    }

    /// A signed checkpoint of a log.
    ///
    /// # Errors
    ///
    /// If the key does not sign.
    pub fn checkpoint(&self, log: &LogId, head: &LogHead) -> Result<String, Failure> {
        let checkpoint =
            Checkpoint { origin: origin::of_log(&self.root, log), size: head.size, root: head.root };
        sign_checkpoint(&self.log, &checkpoint).map_err(|e| Failure::failed(e.to_string()))
    }
}
