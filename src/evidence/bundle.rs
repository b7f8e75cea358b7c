//! The evidence bundle of one site, put together from given parts. Pure: the same parts give the same bytes.
//!
//! [`assemble`] makes all files but attestations and seals; [`Unsealed::seal`] adds those, with a function that signs
//! with the bundle key.

pub mod layout;
pub mod manifest;
mod page;
mod readbacks;
mod readme;
pub mod scanned;
pub mod seal;
pub mod sums;

use std::collections::BTreeMap;

use crate::base::digest::{Digest, canonical_bytes};
use crate::base::id::{LogId, RunId, ScopeId, SiteCode, StepId, WaveName};
use crate::base::limits::{BUNDLE_FILE_BYTES_MAX, BUNDLE_FILES_MAX};
use crate::base::time::Timestamp;
use crate::document;
use crate::merkle::{self, leaf_hash};
use crate::model::plan::{LogHead, PlanExcerpt, PlannedStep};

use super::checkpoint::{Checkpoint, CheckpointError};
use super::control::ControlRow;
use super::growth::Growth;
use super::handover::{self, Handover};
use super::heads::HeadMember;
use super::note::VerifierKey;
use super::origin;
use super::population::Populations;
use super::records::{BadRecords, Records};
use super::redaction;

use super::statement::{self, Shown};
use super::tally::{Executions, Outcomes, Tally};
use super::timestamp::Stamp;
use super::tlog_proof::TlogProof;
use super::{scan, sshsig};

use manifest::{Manifest, OrgHead, PreviousBundle};

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
    /// What the site may see of the plan, as its log names it: the bytes of a [`PlanExcerpt`].
    pub plan: Vec<u8>,
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
    /// The plan cannot be read, or does not know the site.
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
struct Content<'p> {
    parts: &'p Parts,
    checkpoint: Checkpoint,
    org: Checkpoint,
    plan: PlanExcerpt,
    outcomes: Outcomes,
    previous: Option<PreviousBundle>,
    tally: Tally,
    records: Records,
    populations: Populations,
    /// Where the file of each digest stands.
    places: BTreeMap<Digest, String>,
}

impl Content<'_> {
    fn steps(&self) -> &BTreeMap<StepId, PlannedStep> {
        &self.plan.part.plan.steps
    }
}

/// Makes all files of a bundle but its seal.
///
/// # Errors
///
/// If a part cannot be read, a file that an entry names is missing, or parts contradict each other.
pub fn assemble(parts: &Parts) -> Result<Unsealed, BundleError> {
    agree(parts)?;
    let records = records(parts)?;
    let mut files = plain_files(parts)?;
    let populations = populations(&records, &mut files)?;
    readbacks::place(&records.entries, &parts.blobs, &mut files)?;
    let previous = previous(parts, &mut files)?;
    let content = Content { previous, ..content(parts, records, populations, &files)? };
    let manifest = manifest(&content);
    files.insert(layout::MANIFEST.to_owned(), manifest.to_bytes());
    files.insert(layout::README.to_owned(), readme::text(&content).into_bytes());
    let page = page::document(&content);
    files.insert(layout::INDEX.to_owned(), document::html::page(&page).into_bytes());
    files.insert(layout::PRINTED.to_owned(), document::pdf::pages(&page).map_err(BundleError::BadPage)?);
    within_limits(&files)?;
    nothing_sensitive(&files)?;
    let record = scanned::Scanned::of(&parts.tool, &content.records.entries, &files);
    files.insert(layout::SCAN.to_owned(), record.to_bytes());
    let shown = Shown { manifest: &manifest, plan: &content.plan, entries: &content.records.entries };
    let statements = statement::all(&shown, &files, &content.outcomes);
    Ok(Unsealed { files, manifest, statements, key: parts.bundle_key.clone() })
}

/// Where the files of these parts will stand in the bundle, by digest: what further files may refer to.
///
/// # Errors
///
/// If a part cannot be read, or a file that an entry names is missing.
pub fn places(parts: &Parts) -> Result<BTreeMap<Digest, String>, BundleError> {
    let mut files = plain_files(parts)?;
    let records = records(parts)?;
    populations(&records, &mut files)?;
    readbacks::place(&records.entries, &parts.blobs, &mut files)?;
    Ok(files.into_iter().map(|(path, bytes)| (Digest::of(&bytes), path)).collect())
}

/// Adds the populations. Rows that an entry names stand among them, and need no second place.
fn populations(records: &Records, files: &mut Files) -> Result<Populations, BundleError> {
    let populations = Populations::of(records);
    files.extend(populations.files().map_err(|bad| contradiction(&bad.to_string()))?);
    Ok(populations)
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

fn records(parts: &Parts) -> Result<Records, BundleError> {
    let log = LogId::Scope(ScopeId::Site(parts.site.clone()));
    Records::of_log(log, &parts.site_log, parts.blobs.clone()).map_err(|bad| match bad {
        BadRecords::Entry { seq, what } => BundleError::BadEntry { seq, what },
        BadRecords::File { path, what } => contradiction(&format!("{path}: {what}")),
    })
}

/// The files whose bytes are given, or follow from one part alone.
fn plain_files(parts: &Parts) -> Result<Files, BundleError> {
    let lines = |lines: &[String]| lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect::<String>();
    let leaves: Vec<String> =
        parts.site_log.iter().map(|line| redaction::leaf(line.as_bytes()).to_string()).collect();
    let texts = [
        (layout::LOG, lines(&parts.site_log)),
        (layout::LEAVES, lines(&leaves)),
        (layout::CHECKPOINT, parts.checkpoint.clone()),
        (layout::HEADS, parts.heads_line.clone()),
        (layout::HEADS_PROOF, parts.heads_proof.text()),
        (layout::ORG_CHECKPOINT, parts.heads_proof.checkpoint.clone()),
        (layout::LOG_KEY, format!("{}\n", parts.log_key)),
        (layout::BUNDLE_KEY, format!("{}\n", parts.bundle_key)),
        (layout::BUNDLE_KEY_PEM, parts.bundle_key.pem()),
        (
            layout::ALLOWED_SIGNERS,
            sshsig::allowed_signer(&origin::principal(parts.log_key.name()), &parts.bundle_key),
        ),
        (layout::CONTROLS, manifest::pretty(&parts.controls)),
    ];
    let mut files: Files =
        texts.into_iter().map(|(path, text)| (path.to_owned(), text.into_bytes())).collect();
    files.extend(layout::SCRIPTS.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())));
    files.insert(layout::PLAN.to_owned(), parts.plan.clone());
    if !parts.heads_members.is_empty() {
        files.insert(layout::HEADS_MEMBERS.to_owned(), canonical_bytes(&parts.heads_members));
    }
    if !parts.handovers.is_empty() {
        files.insert(layout::HANDOVERS.to_owned(), manifest::pretty(&parts.handovers).into_bytes());
    }
    if let Some(witnessed) = &parts.witnessed {
        files.insert(layout::WITNESSED.to_owned(), witnessed.clone().into_bytes());
    }
    for (path, bytes) in &parts.rendered {
        if !layout::is_plain_path(path) {
            return Err(BundleError::BadPath { path: path.clone() });
        }
        files.insert(format!("{}{path}", layout::RENDERED), bytes.clone());
    }
    attach(&parts.attachments, &mut files)?;
    Ok(files)
}

/// Adds further files under their own paths, which nothing that is made here may have, on any file system.
fn attach(attachments: &Files, files: &mut Files) -> Result<(), BundleError> {
    for (path, bytes) in attachments {
        let taken = |own: &str| own.eq_ignore_ascii_case(path);
        let own = layout::MADE.into_iter().chain(files.keys().map(String::as_str)).any(taken);
        if own || !layout::is_plain_path(path) {
            return Err(BundleError::BadPath { path: path.clone() });
        }
        files.insert(path.clone(), bytes.clone());
    }
    Ok(())
}

fn content<'p>(
    parts: &'p Parts,
    records: Records,
    populations: Populations,
    files: &Files,
) -> Result<Content<'p>, BundleError> {
    let open = |log: &LogId, note: &str| {
        let failed = |source| BundleError::BadCheckpoint { log: log.to_string(), source };
        Checkpoint::open(note.as_bytes(), &parts.log_key).map_err(failed)
    };
    let checkpoint = open(&LogId::Scope(ScopeId::Site(parts.site.clone())), &parts.checkpoint)?;
    let org = open(&LogId::Org, &parts.heads_proof.checkpoint)?;
    if checkpoint.size != parts.site_log.len() as u64 {
        return Err(contradiction("the site's checkpoint is not over as many entries as its log has"));
    }
    let bad_plan = |what: String| BundleError::BadPlan { what };
    let raw = serde_json::from_slice(&parts.plan).map_err(|error| bad_plan(error.to_string()))?;
    let plan = PlanExcerpt::from_value(raw).map_err(|error| bad_plan(error.to_string()))?;
    if plan.part.scope != ScopeId::Site(parts.site.clone()) {
        return Err(bad_plan(format!("it is about {}", plan.part.scope)));
    }
    let outcomes = Executions { plan: &plan.digest, runs: &parts.runs }.outcomes(&records.entries);
    let tally = Tally::new(plan.part.plan.steps.keys(), &outcomes);
    let places = files.iter().map(|(path, bytes)| (Digest::of(bytes), path.clone())).collect();
    Ok(Content {
        parts,
        checkpoint,
        org,
        plan,
        outcomes,
        tally,
        records,
        populations,
        places,
        previous: None,
    })
}

/// Adds the checkpoint that was shown before, and the proof that the log continues it.
fn previous(parts: &Parts, files: &mut Files) -> Result<Option<PreviousBundle>, BundleError> {
    let Some(previous) = &parts.previous else { return Ok(None) };
    let log = LogId::Scope(ScopeId::Site(parts.site.clone()));
    let failed = |source| BundleError::BadCheckpoint { log: format!("{log} in the previous bundle"), source };
    let keys = handover::chain(&parts.handovers, &parts.log_key, None)
        .map_err(|error| contradiction(&error.to_string()))?;
    let (older, _) = keys.log.open(previous.checkpoint.as_bytes()).map_err(failed)?;
    if older.origin != origin::of_log(parts.log_key.name(), &log) {
        return Err(contradiction(&format!("the previous checkpoint is of the log {}", older.origin)));
    }
    let leaves: Vec<Digest> = parts.site_log.iter().map(|line| leaf_hash(line.as_bytes())).collect();
    let own =
        Checkpoint { origin: older.origin.clone(), size: leaves.len() as u64, root: merkle::root(&leaves) };
    let growth =
        Growth::new(&leaves, older.size).filter(|growth| growth.holds((older.size, &older.root), &own));
    let growth = growth.ok_or(BundleError::Rewritten { size: older.size })?;
    files.insert(layout::PREVIOUS.to_owned(), previous.checkpoint.clone().into_bytes());
    files.insert(layout::CONSISTENCY.to_owned(), growth.text().into_bytes());
    Ok(Some(PreviousBundle { size: older.size, root: older.root, sums: previous.sums }))
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
