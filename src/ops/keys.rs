//! The keys of an estate's evidence: the log key, the bundle key, and the key behind the pseudonyms.

pub mod rotate;

use std::path::Path;

use crate::base::id::LogId;
use crate::base::limits::NOTE_FILE_BYTES_MAX;
use crate::entropy::Entropy;
use crate::evidence::checkpoint::Checkpoint;
use crate::evidence::handover::{self, Chain, Handover, KeyRing, KeyUse};
use crate::evidence::heads::PseudonymKey;
use crate::evidence::origin;
use crate::model::plan::LogHead;
use crate::ops::earlier::{failed, limited};
use crate::ops::error::Failure;
use crate::signer::held::HeldKey;
use crate::signer::{Signer as _, SignerError, pseudonym_file, sign_checkpoint};

/// The file of all handovers, in the folder of the keys.
const HANDOVERS_FILE: &str = "handovers.json";

/// The keys.
#[derive(Debug)]
pub struct Keys {
    /// Signs checkpoints.
    pub log: HeldKey,
    /// Seals bundles.
    pub bundle: HeldKey,
    /// Hides the names of logs.
    pub pseudonyms: PseudonymKey,
    /// The name that all logs share.
    pub root: String,
    /// How keys took over from each other, oldest first.
    pub handovers: Vec<Handover>,
    chain: Chain,
}

impl Keys {
    /// Reads the keys, or makes them on first use.
    ///
    /// # Errors
    ///
    /// If a key file cannot be used, or a key took over without an entry that says so.
    pub fn open(dir: &Path, estate: &str, rehearsal: bool, entropy: Entropy) -> Result<Self, Failure> {
        let failed = |e: SignerError| Failure::failed(e.to_string());
        let root = origin::root(estate, rehearsal);
        let handovers = handovers(dir)?;
        rotate::finish(dir, &handovers)?;
        let log = HeldKey::open(dir, KeyUse::Log.word(), &root, entropy).map_err(failed)?;
        let name = origin::bundle_key(&root);
        let bundle = HeldKey::open(dir, KeyUse::Bundle.word(), &name, entropy).map_err(failed)?;
        let wrong = |what: String| Failure::NotVerified { what };
        if !handover::may_sign(KeyUse::Log, log.vkey()) {
            return Err(wrong(format!("the log key {} is no Ed25519 key: {}", log.vkey(), handover::WHY)));
        }
        let chain =
            handover::chain(&handovers, log.vkey(), None).map_err(|error| wrong(error.to_string()))?;
        if chain.bundle.last().is_some_and(|last| last != bundle.vkey()) {
            return Err(wrong("the bundle key is another than the last that took over".to_owned()));
        }
        let pseudonyms = pseudonym_file::open(&dir.join("pseudonyms.key"), entropy).map_err(failed)?;
        Ok(Self { log, bundle, pseudonyms, root, handovers, chain })
    }

    /// The keys of checkpoints, today's and those before it.
    pub fn ring(&self) -> &KeyRing {
        &self.chain.log
    }

    /// The keys that sealed bundles before today's, oldest first.
    pub fn retired_bundle_keys(&self) -> &[crate::evidence::note::VerifierKey] {
        self.chain.bundle.split_last().map_or(&[], |(_, before)| before)
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

fn handovers(dir: &Path) -> Result<Vec<Handover>, Failure> {
    let path = dir.join(HANDOVERS_FILE);
    if !path.exists() {
        return Ok(Vec::new());
    }
    serde_json::from_slice(&limited(&path, NOTE_FILE_BYTES_MAX)?).map_err(|error| failed(&path, error))
}
