//! The evidence bundle of one site, put together from given parts. Pure: the same parts give the same bytes.
//!
//! A [`Draft`] holds the files that follow from the parts; what rests on their places, controls above all, is added to it.
//! [`Draft::finish`] makes the others but attestations and seals; [`Unsealed::seal`] adds those, with a function that
//! signs with the bundle key.

mod draft;
pub mod layout;
pub mod manifest;
mod page;
mod readbacks;
mod readme;
pub mod scanned;
pub mod seal;
pub mod sums;

use std::collections::BTreeMap;

use crate::base::digest::Digest;
use crate::base::id::{LogId, RunId, ScopeId, SiteCode, StepId, WaveName};
use crate::base::limits::{BUNDLE_FILE_BYTES_MAX, BUNDLE_FILES_MAX};
use crate::base::time::Timestamp;
use crate::document;
use crate::model::plan::{LogHead, PlanExcerpt, PlanFile, PlannedStep};

use super::checkpoint::{Checkpoint, CheckpointError};
use super::control::ControlRow;
use super::handover::Handover;
use super::heads::HeadMember;
use super::note::VerifierKey;
use super::population::Populations;
use super::records::Records;
use super::tally::{Outcomes, Tally};
use super::timestamp::Stamp;
use super::tlog_proof::TlogProof;
use super::{origin, scan};

use manifest::{Manifest, OrgHead, PreviousBundle};

pub use draft::Draft;
pub use seal::{Sign, Unsealed};

/// The files of a bundle by path, with forward slashes.
pub type Files = BTreeMap<String, Vec<u8>>;

/// What a bundle is made of.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The site.
    pub site: SiteCode,
    /// The wave it was launched in.
    pub wave: Option<WaveName>,
    /// The runs of the site's scope that the bundle is about; the log holds all others too.
    pub runs: Vec<RunId>,
    /// The estate's name.
    pub estate: String,
    /// Whether nothing of it really happened. Must agree with the log key's name.
    pub rehearsal: bool,
    /// The program that made it, for example `landfall 0.1.0`.
    pub tool: String,
    /// When it was made: the moment of the last entry, or of the export.
    pub exported_at: Timestamp,
    /// Who made it.
    pub exported_by: String,
    /// Every line of the site's log.
    pub site_log: Vec<String>,
    /// The signed checkpoint over all of them.
    pub checkpoint: String,
    /// The org log's last entry, which holds the heads of all logs.
    pub heads_line: String,
    /// The proofs that the site's head and those of the logs it rests on are under it, if it does not list them.
    pub heads_members: Vec<HeadMember>,
    /// The proof that it is the last entry of the org log, with the org log's signed checkpoint.
    pub heads_proof: TlogProof,
    /// The logs of the account and of regions that the site rests on, by reference.
    pub shared: BTreeMap<LogId, LogHead>,
    /// What was last shown of the site's log to anybody.
    pub previous: Option<Previous>,
    /// The newest checkpoint of the site's log that a witness has cosigned.
    pub witnessed: Option<String>,
    /// What the site may see of the plan, as its log names it.
    pub plan: PlanFile,
    /// The rendered files of the site, by path.
    pub rendered: BTreeMap<String, Vec<u8>>,
    /// The blobs that entries of the site's log name.
    pub blobs: BTreeMap<Digest, Vec<u8>>,
    /// What there is to say about controls.
    pub controls: Vec<ControlRow>,
    /// Further files by path; none of them may take the place of a file that is made here.
    pub attachments: Files,
    /// How keys took over from each other, oldest first, each with the proof that the org log continues it.
    pub handovers: Vec<Handover>,
    /// Who stamped the site's checkpoint, and when; nothing if there is no time stamp.
    pub stamped: Option<Stamp>,
    /// The key that signs checkpoints. Its name is the origin that all logs share, see [`origin::root`].
    pub log_key: VerifierKey,
    /// The key that signs the bundle, named by [`origin::bundle_key`].
    pub bundle_key: VerifierKey,
}

/// What the bundle before this one showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Previous {
    /// The signed checkpoint of the site's log.
    pub checkpoint: String,
    /// The digest of its list of files, if that is known.
    pub sums: Option<Digest>,
}

/// Why a bundle cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// A line of the site's log is not an entry.
    #[error("entry {seq} of the site's log cannot be read: {what}")]
    BadEntry {
        /// Its place.
        seq: u64,
        /// What is wrong.
        what: String,
    },
    /// A file that an entry names is not among the parts.
    #[error("entry {seq} names `{path}` with digest {digest}, which is missing")]
    MissingBlob {
        /// The entry's place.
        seq: u64,
        /// What the entry calls it.
        path: String,
        /// Its digest.
        digest: Digest,
    },
    /// The plan is not the site's.
    #[error("the plan cannot be used: {what}")]
    BadPlan {
        /// What is wrong.
        what: String,
    },
    /// A path that cannot stand in a bundle.
    #[error("`{path}` cannot be the path of a file in a bundle")]
    BadPath {
        /// The path.
        path: String,
    },
    /// A checkpoint is not signed by the log key.
    #[error("the checkpoint of {log} cannot be used")]
    BadCheckpoint {
        /// The log.
        log: String,
        /// Why.
        source: CheckpointError,
    },
    /// A signature is missing, or is not by the bundle key.
    #[error("{what} was not signed by the bundle key: {why}")]
    NotSigned {
        /// What was to be signed.
        what: String,
        /// What the holder of the key says.
        why: String,
    },
    /// The site's log does not continue what was shown of it before.
    #[error(
        "the site's log does not continue the {size} entries that were shown before: its history was rewritten"
    )]
    Rewritten {
        /// How many.
        size: u64,
    },
    /// Parts contradict each other.
    #[error("the parts of the bundle contradict each other: {what}")]
    Contradiction {
        /// What does not fit.
        what: String,
    },
    /// Something looks like a secret or like patient data. The value is not repeated.
    #[error("`{path}` looks like it holds {what} at byte {at}, so no bundle was made")]
    Sensitive {
        /// The file.
        path: String,
        /// What it looks like.
        what: String,
        /// Where it begins.
        at: usize,
    },
    /// The index page cannot be printed.
    #[error("the index page cannot be made")]
    BadPage(#[source] document::pdf::PdfError),
    /// Too many or too large files.
    #[error("the bundle is too large: {what}")]
    TooLarge {
        /// What is.
        what: String,
    },
}

/// Everything that is read from the parts once and used for several files.
struct Content<'d> {
    parts: &'d Parts,
    checkpoint: Checkpoint,
    org: Checkpoint,
    plan: &'d PlanExcerpt,
    outcomes: Outcomes,
    previous: Option<PreviousBundle>,
    tally: Tally,
    records: &'d Records,
    populations: &'d Populations,
    files: &'d Files,
    /// Where the file of each digest stands.
    places: BTreeMap<Digest, String>,
}

impl Content<'_> {
    fn steps(&self) -> &BTreeMap<StepId, PlannedStep> {
        &self.plan.part.plan.steps
    }
}

fn agree(parts: &Parts) -> Result<(), BundleError> {
    let root = parts.log_key.name();
    if origin::is_rehearsal(root) != parts.rehearsal {
        return Err(contradiction("only a rehearsal is signed by a rehearsal's key"));
    }
    if parts.bundle_key.name() != origin::bundle_key(root) {
        return Err(contradiction("the bundle key is not named after the log key"));
    }
    let site = |log: &&LogId| matches!(log, LogId::Scope(ScopeId::Site(_)));
    match parts.shared.keys().find(site) {
        Some(log) => Err(contradiction(&format!("{log} is not shared"))),
        None => Ok(()),
    }
}

fn manifest(content: &Content<'_>) -> Manifest {
    let Content { parts, checkpoint, org, plan, tally, previous, .. } = content;
    Manifest {
        v: manifest::BUNDLE_VERSION,
        site: parts.site.clone(),
        wave: parts.wave.clone(),
        runs: parts.runs.clone(),
        estate: parts.estate.clone(),
        rehearsal: parts.rehearsal,
        tool: parts.tool.clone(),
        exported_at: parts.exported_at,
        exported_by: parts.exported_by.clone(),
        origin: parts.log_key.name().to_owned(),
        log: LogHead { size: checkpoint.size, root: checkpoint.root },
        org: OrgHead { size: org.size, root: org.root, heads_index: parts.heads_proof.index },
        previous: previous.clone(),
        shared: parts.shared.clone(),
        plan: plan.digest,
        steps: *tally,
    }
}

fn within_limits(files: &Files) -> Result<(), BundleError> {
    if files.len() > BUNDLE_FILES_MAX {
        return Err(BundleError::TooLarge { what: format!("{} files", files.len()) });
    }
    match files.iter().find(|(_, bytes)| bytes.len() as u64 > BUNDLE_FILE_BYTES_MAX) {
        Some((path, bytes)) => {
            Err(BundleError::TooLarge { what: format!("{path} has {} bytes", bytes.len()) })
        }
        None => Ok(()),
    }
}

/// Everything is scanned once more on its way out: shapes that were not known when it was written down may be by now.
fn nothing_sensitive(files: &Files) -> Result<(), BundleError> {
    let found = files.iter().find_map(|(path, bytes)| Some((path, scan::scan(bytes)?)));
    match found {
        Some((path, found)) => {
            Err(BundleError::Sensitive { path: path.clone(), what: found.what.to_owned(), at: found.at })
        }
        None => Ok(()),
    }
}

fn contradiction(what: &str) -> BundleError {
    BundleError::Contradiction { what: what.to_owned() }
}
