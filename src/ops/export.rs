//! Writes one site's evidence bundle: the whole log, sealed, with everything its entries name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::base::digest::Digest;
use crate::base::id::{LogId, RunId, ScopeId, SiteCode, WaveName};
use crate::base::limits;
use crate::evidence::bundle::{Files, Parts, assemble};
use crate::evidence::checkpoint::Checkpoint;
use crate::evidence::control::{ControlRow, ControlStatus};
use crate::evidence::heads::{HEADS_KIND, HeadsBody};
use crate::evidence::origin;
use crate::evidence::redaction::redacted;
use crate::evidence::tlog_proof::TlogProof;
use crate::journal::{Journal, Line, bundle_dir};
use crate::merkle;
use crate::model::entry::{Actor, EntryDraft};
use crate::model::plan::{LogHead, SavedPlan};
use crate::ops::error::Failure;
use crate::ops::launch::PLAN_FILE;
use crate::ops::{Context, holder, new_run_id, plan};
use crate::signer::file_key::FileKey;
use crate::signer::{Signer, pseudonym_file, sign_checkpoint};

/// What to export, and as whom.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The site.
    pub site: SiteCode,
    /// The wave it is in.
    pub wave: Option<WaveName>,
    /// The estate's name.
    pub estate: String,
    /// Whether nothing of it really happened.
    pub rehearsal: bool,
    /// Who exports.
    pub actor: Actor,
}

/// A bundle that was written.
#[derive(Debug, Clone)]
pub struct Exported {
    /// Its folder.
    pub path: PathBuf,
    /// The key that signs checkpoints, for the reader to keep outside the bundle.
    pub log_key: String,
    /// Entries of the site's log.
    pub entries: usize,
    /// Files of the bundle.
    pub files: usize,
}

/// Writes a bundle into a new folder.
///
/// # Errors
///
/// If the site's log is empty or damaged, a file it names is missing, or the folder exists.
pub fn export(
    context: &Context,
    journal: &mut dyn Journal,
    wanted: &Wanted,
    out: &Path,
) -> Result<Exported, Failure> {
    let keys = Keys::open(&context.key_dir(), wanted)?;
    let scope = ScopeId::Site(wanted.site.clone());
    let lines = journal.read(&LogId::Scope(scope.clone()), 0)?;
    if lines.is_empty() {
        let help = Some("landfall rehearse, or plan and apply, first".to_owned());
        return Err(Failure::Failed { what: format!("nothing was ever done at {}", wanted.site), help });
    }
    let parts = parts(context, journal, wanted, &keys, &scope, &lines)?;
    let entries = lines.len();
    let failed = |what: String| Failure::failed(format!("the bundle of {}: {what}", wanted.site));
    let unsealed = assemble(&parts).map_err(|e| failed(e.to_string()))?;
    let signature = keys.bundle.sign(unsealed.note_text().as_bytes()).map_err(|e| failed(e.to_string()))?;
    let files: Files = unsealed.seal(&signature).map_err(|e| failed(e.to_string()))?;
    let count = files.len();
    bundle_dir::write(out, &files).map_err(|e| failed(e.to_string()))?;
    Ok(Exported { path: out.to_owned(), log_key: keys.log.vkey().to_string(), entries, files: count })
}

struct Keys {
    log: FileKey,
    bundle: FileKey,
    pseudonyms: crate::evidence::heads::PseudonymKey,
    root: String,
}

impl Keys {
    fn open(dir: &Path, wanted: &Wanted) -> Result<Self, Failure> {
        let failed = |e: crate::signer::SignerError| Failure::failed(e.to_string());
        let root = origin::root(&wanted.estate, wanted.rehearsal);
        Ok(Self {
            log: FileKey::open(&dir.join("log.pem"), &root).map_err(failed)?,
            bundle: FileKey::open(&dir.join("bundle.pem"), &origin::bundle_key(&root)).map_err(failed)?,
            pseudonyms: pseudonym_file::open(&dir.join("pseudonyms.key")).map_err(failed)?,
            root,
        })
    }

    fn checkpoint(&self, log: &LogId, head: &LogHead) -> Result<String, Failure> {
        let checkpoint =
            Checkpoint { origin: origin::of_log(&self.root, log), size: head.size, root: head.root };
        sign_checkpoint(&self.log, &checkpoint).map_err(|e| Failure::failed(e.to_string()))
    }
}

fn parts(
    context: &Context,
    journal: &mut dyn Journal,
    wanted: &Wanted,
    keys: &Keys,
    scope: &ScopeId,
    lines: &[Line],
) -> Result<Parts, Failure> {
    let log = LogId::Scope(scope.clone());
    let (heads_line, heads_proof) = seal_heads(context, journal, wanted, keys)?;
    let heads = journal.heads()?;
    let (saved, plan_bytes, run) = newest_plan(journal, lines, &wanted.site)?;
    let mut blobs = BTreeMap::new();
    for blob in lines.iter().flat_map(|line| &line.entry.refs) {
        blobs.insert(blob.sha256, journal.get_blob(&blob.sha256)?);
    }
    let shared = saved.plan.scope(scope).needs.iter().cloned().map(LogId::Scope);
    Ok(Parts {
        site: wanted.site.clone(),
        wave: wanted.wave.clone(),
        runs: vec![run.clone()],
        estate: wanted.estate.clone(),
        rehearsal: wanted.rehearsal,
        tool: format!("landfall {}", env!("CARGO_PKG_VERSION")),
        exported_at: context.clock.now(),
        exported_by: wanted.actor.id.clone(),
        site_log: redacted(&lines.iter().map(|line| line.text.clone()).collect::<Vec<_>>()),
        checkpoint: keys.checkpoint(&log, &heads[&log])?,
        heads_line,
        heads_proof,
        shared: shared.filter_map(|log| Some((log.clone(), heads.get(&log)?.clone()))).collect(),
        plan: plan_bytes,
        rendered: rendered(lines, &run, &blobs),
        blobs,
        controls: controls(&saved, scope, lines, &run),
        log_key: keys.log.vkey().clone(),
        bundle_key: keys.bundle.vkey().clone(),
    })
}

/// Appends the heads of all logs to the org log and proves that they are its last entry.
fn seal_heads(
    context: &Context,
    journal: &mut dyn Journal,
    wanted: &Wanted,
    keys: &Keys,
) -> Result<(String, TlogProof), Failure> {
    let now = context.clock.now();
    let lease = journal.take_lease(&LogId::Org, &holder(&new_run_id()), now, limits::LEASE)?;
    let body =
        HeadsBody::new(&keys.pseudonyms, &journal.heads()?).with_bundle_key(keys.bundle.vkey()).to_value();
    let draft = EntryDraft {
        log: LogId::Org,
        at: now,
        run: None,
        kind: HEADS_KIND.to_owned(),
        step: None,
        actor: wanted.actor.clone(),
        plan: None,
        refs: Vec::new(),
        body,
    };
    let appended = journal.append(&[&lease], vec![draft]);
    journal.release(&lease)?;
    let line = appended?.pop().ok_or_else(|| Failure::failed("the heads entry was not written"))?;
    let leaves: Vec<Digest> =
        journal.read(&LogId::Org, 0)?.iter().map(|l| merkle::leaf_hash(l.text.as_bytes())).collect();
    let index = line.entry.seq;
    // Another process may have appended in between: the proof is over the log as it ends with our entry.
    let upto = usize::try_from(index).map_or(leaves.len(), |i| i + 1);
    let leaves = &leaves[..upto.min(leaves.len())];
    let head = LogHead { size: leaves.len() as u64, root: merkle::root(leaves) };
    let hashes = merkle::proof::inclusion(leaves, leaves.len() - 1)
        .ok_or_else(|| Failure::failed("the heads entry is not in the org log"))?;
    let checkpoint = keys.checkpoint(&LogId::Org, &head)?;
    Ok((line.text, TlogProof { index, hashes, checkpoint }))
}

/// The plan of the newest run, with its exact bytes.
fn newest_plan(
    journal: &dyn Journal,
    lines: &[Line],
    site: &SiteCode,
) -> Result<(SavedPlan, Vec<u8>, RunId), Failure> {
    let started = lines.iter().rev().find(|line| line.entry.kind == "run.started");
    let named = started.and_then(|line| {
        let blob = line.entry.refs.iter().find(|blob| blob.path == PLAN_FILE)?;
        Some((blob.sha256, line.entry.run.clone()?))
    });
    let Some((digest, run)) = named else {
        return Err(Failure::failed(format!("no run of {site} names its plan")));
    };
    let bytes = journal.get_blob(&digest)?;
    let saved = plan::parse(&bytes).map_err(|what| Failure::NotVerified { what })?;
    Ok((saved, bytes, run))
}

/// The rendered files that the run's first entry names.
fn rendered(lines: &[Line], run: &RunId, blobs: &BTreeMap<Digest, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    let started = lines.iter().find(|l| l.entry.kind == "run.started" && l.entry.run.as_ref() == Some(run));
    let refs = started.into_iter().flat_map(|line| &line.entry.refs);
    refs.filter_map(|blob| {
        Some((blob.path.strip_prefix("rendered/")?.to_owned(), blobs.get(&blob.sha256)?.clone()))
    })
    .collect()
}

/// A control is evidenced only if every step that shows it was seen to hold in this run.
fn controls(saved: &SavedPlan, scope: &ScopeId, lines: &[Line], run: &RunId) -> Vec<ControlRow> {
    let mut by_evidence: BTreeMap<&str, BTreeSet<&crate::base::id::StepId>> = BTreeMap::new();
    for (id, step) in &saved.plan.scope(scope).steps {
        if let Some(evidence) = &step.evidence {
            by_evidence.entry(evidence).or_default().insert(id);
        }
    }
    let shown: BTreeMap<&crate::base::id::StepId, u64> = lines
        .iter()
        .filter(|l| l.entry.run.as_ref() == Some(run) && l.entry.kind == "step.succeeded")
        .filter_map(|l| Some((l.entry.step.as_ref()?, l.entry.seq)))
        .collect();
    let row = |(evidence, steps): (&str, BTreeSet<&crate::base::id::StepId>)| {
        let missing: Vec<String> =
            steps.iter().filter(|s| !shown.contains_key(*s)).map(ToString::to_string).collect();
        let status = if missing.is_empty() {
            ControlStatus::Evidenced
        } else if missing.len() == steps.len() {
            ControlStatus::NotRun
        } else {
            ControlStatus::Partial { missing: missing.join(", ") }
        };
        ControlRow {
            id: evidence.to_owned(),
            title: format!("{} of this site", evidence.replace(['.', '_'], " ")),
            answers: Vec::new(),
            status,
            entries: steps.iter().filter_map(|s| shown.get(*s).copied()).collect(),
        }
    };
    by_evidence.into_iter().map(row).collect()
}
