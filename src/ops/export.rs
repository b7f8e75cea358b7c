//! Writes one site's evidence bundle: the whole log, sealed, with everything its entries name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::base::digest::Digest;
use crate::base::id::{LogId, RunId, ScopeId, SiteCode, WaveName};
use crate::controls::{Catalogue, csv, oscal, workbook};
use crate::evidence::bundle::{Files, Parts, assemble, layout, places};
use crate::evidence::decisions::{self, DecisionKey};
use crate::evidence::heads::{HEADS_KIND, HeadsBody};
use crate::evidence::redaction::redacted;
use crate::evidence::sshsig::key::PublicKey;
use crate::evidence::tlog_proof::TlogProof;
use crate::journal::{Journal, Line, bundle_dir};
use crate::merkle;
use crate::model::entry::{Actor, Entry};
use crate::model::plan::{LogHead, PlanExcerpt};
use crate::ops::controls::{Ledger, SiteControls};
use crate::ops::error::Failure;
use crate::ops::keys::Keys;
use crate::ops::launch::PLAN_FILE;
use crate::ops::note::{self, Note};
use crate::ops::{Context, earlier, witness};
use crate::people::key_records;
use crate::signer::Signer as _;

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
    /// A bundle or checkpoint that the log must continue; without one, what was last exported from here.
    pub previous: Option<PathBuf>,
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
    let keys = Keys::open(&context.key_dir(), &wanted.estate, wanted.rehearsal, context.entropy)?;
    let scope = ScopeId::Site(wanted.site.clone());
    let lines = journal.read(&LogId::Scope(scope.clone()), 0)?;
    if lines.is_empty() {
        let help = Some("landfall rehearse, or plan and apply, first".to_owned());
        return Err(Failure::Failed { what: format!("nothing was ever done at {}", wanted.site), help });
    }
    let mut parts = parts(context, journal, wanted, &keys, &scope, &lines)?;
    attach_decisions(journal, &lines, &mut parts)?;
    attach_controls(context, journal, &lines, &mut parts)?;
    let entries = lines.len();
    let failed = |what: String| Failure::failed(format!("the bundle of {}: {what}", wanted.site));
    let unsealed = assemble(&parts).map_err(|e| failed(e.to_string()))?;
    let sign = |bytes: &[u8]| keys.bundle.sign(bytes).ok();
    let files: Files = unsealed.seal(&sign).map_err(|e| failed(e.to_string()))?;
    let count = files.len();
    bundle_dir::write(out, &files).map_err(|e| failed(e.to_string()))?;
    earlier::keep(context, &wanted.site, &parts.checkpoint, Digest::of(&files[layout::SUMS]))?;
    Ok(Exported { path: out.to_owned(), log_key: keys.log.vkey().to_string(), entries, files: count })
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
    let (excerpt, plan_bytes, run) = newest_plan(journal, lines, &wanted.site)?;
    let mut blobs = BTreeMap::new();
    for blob in lines.iter().flat_map(|line| &line.entry.refs) {
        blobs.insert(blob.sha256, journal.get_blob(&blob.sha256)?);
    }
    let previous = match &wanted.previous {
        Some(path) => Some(earlier::read(path)?),
        None => earlier::last_export(context, &wanted.site)?,
    };
    let shared = excerpt.part.plan.needs.iter().cloned().map(LogId::Scope);
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
        previous,
        witnessed: witness::cosigned(context, &log, keys.log.vkey(), heads[&log].size)?,
        plan: plan_bytes,
        rendered: rendered(lines, &run, &blobs),
        blobs,
        controls: Vec::new(),
        attachments: Files::new(),
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
    let (mut lines, ()) = note::write(context, journal, &LogId::Org, |journal| {
        let heads = HeadsBody::new(&keys.pseudonyms, &journal.heads()?);
        let body = heads.with_bundle_key(keys.bundle.vkey()).to_value();
        Ok((vec![Note::new(HEADS_KIND, body).by(&wanted.actor)], ()))
    })?;
    let line = lines.pop().ok_or_else(|| Failure::failed("the heads entry was not written"))?;
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

/// What the site may see of the plan of its newest run, with its exact bytes.
fn newest_plan(
    journal: &dyn Journal,
    lines: &[Line],
    site: &SiteCode,
) -> Result<(PlanExcerpt, Vec<u8>, RunId), Failure> {
    let started = lines.iter().rev().find(|line| line.entry.kind == "run.started");
    let named = started.and_then(|line| {
        let blob = line.entry.refs.iter().find(|blob| blob.path == PLAN_FILE)?;
        Some((blob.sha256, line.entry.run.clone()?))
    });
    let Some((digest, run)) = named else {
        return Err(Failure::failed(format!("no run of {site} names its plan")));
    };
    let bytes = journal.get_blob(&digest)?;
    let bad = |what: String| Failure::NotVerified { what: format!("the plan of run {run}: {what}") };
    let raw = serde_json::from_slice(&bytes).map_err(|error| bad(error.to_string()))?;
    let excerpt = PlanExcerpt::from_value(raw).map_err(|error| bad(error.to_string()))?;
    Ok((excerpt, bytes, run))
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

/// What people decided, as they signed it, and the keys with which they did; by what the org log knows of them.
fn attach_decisions(journal: &dyn Journal, lines: &[Line], parts: &mut Parts) -> Result<(), Failure> {
    // What is redacted leaves the house as its hash alone, and so does what was signed there.
    let shown = lines.iter().zip(&parts.site_log).filter(|(line, text)| line.text == **text);
    let shown: Vec<Entry> = shown.map(|(line, _)| line.entry.clone()).collect();
    let org = journal.read(&LogId::Org, 0)?;
    let records = key_records(org.iter().map(|line| &line.entry));
    let day = |day: jiff::civil::Date| day.strftime("%Y%m%dZ").to_string();
    let keys = records.into_iter().filter_map(|(fingerprint, record)| {
        let key = PublicKey::from_line(&record.key.key).ok()?;
        let before = record.key.until.and_then(|until| until.tomorrow().ok()).map(day);
        let person = record.key.person.to_string();
        Some((fingerprint, DecisionKey { person, key, after: day(record.key.from), before }))
    });
    parts.attachments.extend(decisions::files(&decisions::of(&shown), &keys.collect()));
    Ok(())
}

/// The rows of controls, the same as tables for people who filter and sort, and as OSCAL.
fn attach_controls(
    context: &Context,
    journal: &dyn Journal,
    lines: &[Line],
    parts: &mut Parts,
) -> Result<(), Failure> {
    let failed = |what: String| Failure::failed(format!("the controls of {}: {what}", parts.site));
    let now = parts.exported_at;
    let SiteControls { site, rows, standings } = Ledger::open(context)?.site(journal, &parts.site, now)?;
    let log = LogId::Scope(ScopeId::Site(site.clone()));
    let leaves: Vec<Digest> = lines.iter().map(|line| merkle::leaf_hash(line.text.as_bytes())).collect();
    let head = LogHead { size: lines.len() as u64, root: merkle::root(&leaves) };
    let files = places(parts).map_err(|e| failed(e.to_string()))?;
    let subject = oscal::Subject {
        site: &site,
        wave: parts.wave.as_ref(),
        estate: &parts.estate,
        rehearsal: parts.rehearsal,
        tool: &parts.tool,
        exported: (now, &parts.exported_by),
        began: lines.first().map_or(now, |line| line.entry.at),
        log: (&log, &head),
        rows: &rows,
        standings: &standings,
        files: &files,
    };
    let mut made = oscal::files(Catalogue::embedded(), &subject).map_err(|e| failed(e.to_string()))?;
    made.insert("controls/matrix.csv".to_owned(), csv([(&site, rows.as_slice())]).into_bytes());
    let book = workbook(&rows, now).map_err(|e| failed(e.to_string()))?;
    made.insert("controls/matrix.xlsx".to_owned(), book);
    parts.attachments.extend(made);
    parts.controls = rows;
    Ok(())
}
