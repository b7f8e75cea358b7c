//! A bundle in the making: the files that follow from its parts, each with its digest, and what the log in them says. What
//! is read, folded and hashed for one file is there for all others.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::digest::{Digest, canonical_bytes};
use crate::base::id::{LogId, ScopeId};
use crate::document;
use crate::merkle;
use crate::model::plan::PlanExcerpt;

use super::super::checkpoint::Checkpoint;
use super::super::control::ControlRow;
use super::super::growth::Growth;
use super::super::population::Populations;
use super::super::records::{BadRecords, Records};
use super::super::statement::{self, Shown};
use super::super::tally::{Executions, Tally};
use super::super::{handover, origin, redaction, sshsig};
use super::manifest::{self, PreviousBundle};
use super::sums::{self, Sums};
use super::{
    BundleError, Content, Files, Parts, Unsealed, agree, contradiction, layout, nothing_sensitive, page,
    readbacks, readme, scanned, within_limits,
};

/// A bundle in the making.
#[derive(Debug, Clone)]
pub struct Draft {
    parts: Parts,
    records: Records,
    populations: Populations,
    leaves: Vec<Digest>,
    files: Files,
    sums: Sums,
}

impl Draft {
    /// The files that follow from these parts, without the page and what else tells of all of them.
    ///
    /// # Errors
    ///
    /// If a part cannot be read, a file that an entry names is missing, or parts contradict each other.
    pub fn of(mut parts: Parts) -> Result<Self, BundleError> {
        agree(&parts)?;
        let records = records(&mut parts)?;
        let leaves: Vec<Digest> =
            parts.site_log.iter().map(|line| redaction::leaf(line.as_bytes())).collect();
        let mut files = plain_files(&parts, &leaves)?;
        attach(std::mem::take(&mut parts.attachments), &mut files)?;
        let populations = Populations::of(&records);
        // Rows that an entry names stand among the populations, and need no second place.
        files.extend(populations.files().map_err(|bad| contradiction(&bad.to_string()))?);
        let mut sums = sums::of(&files);
        readbacks::place(&records.entries, &records.blobs, &mut files, &mut sums)?;
        Ok(Self { parts, records, populations, leaves, files, sums })
    }

    /// The parts, but for those that became files.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Where the file of each digest stands: what further files may refer to.
    pub fn places(&self) -> BTreeMap<Digest, String> {
        self.sums.iter().map(|(path, digest)| (*digest, path.clone())).collect()
    }

    /// Says this about controls.
    #[must_use]
    pub fn with_controls(mut self, rows: Vec<ControlRow>) -> Self {
        self.add(layout::CONTROLS, manifest::pretty(&rows).into_bytes());
        self.parts.controls = rows;
        self
    }

    /// Adds further files under their own paths.
    ///
    /// # Errors
    ///
    /// If one of them would take the place of another file, or its path leads out of the bundle.
    pub fn with_files(mut self, further: Files) -> Result<Self, BundleError> {
        self.sums.extend(sums::of(&further));
        attach(further, &mut self.files)?;
        Ok(self)
    }

    fn add(&mut self, path: &str, bytes: Vec<u8>) {
        self.sums.insert(path.to_owned(), Digest::of(&bytes));
        self.files.insert(path.to_owned(), bytes);
    }

    /// Makes all files of the bundle but its seal.
    ///
    /// # Errors
    ///
    /// If parts contradict each other, or a file holds what must not leave.
    pub fn finish(mut self) -> Result<Unsealed, BundleError> {
        let previous = self.previous()?;
        let content = self.content(previous)?;
        let manifest = super::manifest(&content);
        let page = page::document(&content);
        let made = [
            (layout::MANIFEST, manifest.to_bytes()),
            (layout::README, readme::text(&content).into_bytes()),
            (layout::INDEX, document::html::page(&page).into_bytes()),
            (layout::PRINTED, document::pdf::pages(&page).map_err(BundleError::BadPage)?),
        ];
        let outcomes = content.outcomes;
        for (path, bytes) in made {
            self.add(path, bytes);
        }
        within_limits(&self.files)?;
        nothing_sensitive(&self.files)?;
        let record = scanned::Scanned::of(&self.parts.tool, &self.records.entries, &self.files);
        self.add(layout::SCAN, record.to_bytes());
        let Self { parts, records, files, sums, .. } = self;
        let shown = Shown { manifest: &manifest, plan: parts.plan.excerpt(), entries: &records.entries };
        let statements = statement::all(&shown, &files, &sums, &outcomes);
        Ok(Unsealed { files, sums, manifest, statements, key: parts.bundle_key })
    }

    fn content(&self, previous: Option<PreviousBundle>) -> Result<Content<'_>, BundleError> {
        let Self { parts, records, populations, files, .. } = self;
        let open = |log: &LogId, note: &str| {
            let failed = |source| BundleError::BadCheckpoint { log: log.to_string(), source };
            Checkpoint::open(note.as_bytes(), &parts.log_key).map_err(failed)
        };
        let checkpoint = open(&LogId::Scope(ScopeId::Site(parts.site.clone())), &parts.checkpoint)?;
        let org = open(&LogId::Org, &parts.heads_proof.checkpoint)?;
        if checkpoint.size != parts.site_log.len() as u64 {
            return Err(contradiction("the site's checkpoint is not over as many entries as its log has"));
        }
        let plan: &PlanExcerpt = parts.plan.excerpt();
        if plan.part.scope != ScopeId::Site(parts.site.clone()) {
            return Err(BundleError::BadPlan { what: format!("it is about {}", plan.part.scope) });
        }
        let outcomes = Executions { plan: &plan.digest, runs: &parts.runs }.outcomes(&records.entries);
        let tally = Tally::new(plan.part.plan.steps.keys(), &outcomes);
        let places = self.places();
        Ok(Content {
            parts,
            checkpoint,
            org,
            plan,
            outcomes,
            previous,
            tally,
            records,
            populations,
            files,
            places,
        })
    }

    /// Adds the checkpoint that was shown before, and the proof that the log continues it.
    fn previous(&mut self) -> Result<Option<PreviousBundle>, BundleError> {
        let parts = &self.parts;
        let Some(previous) = &parts.previous else { return Ok(None) };
        let log = LogId::Scope(ScopeId::Site(parts.site.clone()));
        let failed =
            |source| BundleError::BadCheckpoint { log: format!("{log} in the previous bundle"), source };
        let keys = handover::chain(&parts.handovers, &parts.log_key, None)
            .map_err(|error| contradiction(&error.to_string()))?;
        let (older, _) = keys.log.open(previous.checkpoint.as_bytes()).map_err(failed)?;
        if older.origin != origin::of_log(parts.log_key.name(), &log) {
            return Err(contradiction(&format!("the previous checkpoint is of the log {}", older.origin)));
        }
        let own = Checkpoint {
            origin: older.origin.clone(),
            size: self.leaves.len() as u64,
            root: merkle::root(&self.leaves),
        };
        let growth = Growth::new(&self.leaves, older.size)
            .filter(|growth| growth.holds((older.size, &older.root), &own));
        let growth = growth.ok_or(BundleError::Rewritten { size: older.size })?;
        let shown = PreviousBundle { size: older.size, root: older.root, sums: previous.sums };
        let checkpoint = previous.checkpoint.clone();
        self.add(layout::PREVIOUS, checkpoint.into_bytes());
        self.add(layout::CONSISTENCY, growth.text().into_bytes());
        Ok(Some(shown))
    }
}

/// Reads the log. The files that it names go with its entries.
fn records(parts: &mut Parts) -> Result<Records, BundleError> {
    let log = LogId::Scope(ScopeId::Site(parts.site.clone()));
    let blobs = std::mem::take(&mut parts.blobs);
    Records::of_log(log, &parts.site_log, blobs).map_err(|bad| match bad {
        BadRecords::Entry { seq, what } => BundleError::BadEntry { seq, what },
        BadRecords::File { path, what } => contradiction(&format!("{path}: {what}")),
    })
}

/// The files whose bytes are given, or follow from one part alone.
fn plain_files(parts: &Parts, leaves: &[Digest]) -> Result<Files, BundleError> {
    let lines = |lines: &[String]| lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect::<String>();
    let texts = [
        (layout::LOG, lines(&parts.site_log)),
        (layout::LEAVES, leaves.iter().map(|leaf| format!("{leaf}\n")).collect()),
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
    files.insert(layout::PLAN.to_owned(), parts.plan.bytes().to_vec());
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
    Ok(files)
}

/// Adds further files under their own paths, which nothing that is made here may have, on any file system.
fn attach(further: Files, files: &mut Files) -> Result<(), BundleError> {
    let own = layout::MADE.into_iter().chain(files.keys().map(String::as_str));
    let mut taken: BTreeSet<String> = own.map(str::to_ascii_lowercase).collect();
    for (path, bytes) in further {
        if !taken.insert(path.to_ascii_lowercase()) || !layout::is_plain_path(&path) {
            return Err(BundleError::BadPath { path });
        }
        files.insert(path, bytes);
    }
    Ok(())
}
