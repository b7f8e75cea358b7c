//! Questions put to the records of a journal, or of a bundle alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::base::id::{LogId, ScopeId, SiteCode, StepId};
use crate::evidence::bundle::layout;
use crate::evidence::question::coverage::{self, Coverage, Planned, coverage};
use crate::evidence::records::{BadRecords, Records};
use crate::evidence::retention::gone;
use crate::journal::sqlite::SqliteJournal;
use crate::journal::{Journal, bundle_dir};
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::launch::PLAN_FILE;
use crate::ops::{Context, plan};

/// Where the records are.
#[derive(Debug, Clone)]
pub enum Source {
    /// One site's log in the journal.
    Site(String),
    /// Every log in the journal.
    All,
    /// A bundle's folder; nothing else is looked at.
    Bundle(PathBuf),
}

/// Reads the records of a source. The context is only made for a journal: a bundle needs no estate around it.
///
/// # Errors
///
/// If there is no such journal, log or bundle, or it cannot be read.
pub fn records(
    context: impl FnOnce() -> Result<Context, Failure>,
    source: &Source,
) -> Result<Vec<Records>, Failure> {
    match source {
        Source::Bundle(folder) => Ok(vec![of_bundle(folder)?]),
        Source::Site(code) => {
            let journal = open(&context()?)?;
            Ok(vec![of_log(&journal, &site_log(&journal, code)?)?])
        }
        Source::All => {
            let journal = open(&context()?)?;
            journal.heads()?.keys().map(|log| of_log(&journal, log)).collect()
        }
    }
}

/// The records in a bundle's folder.
///
/// # Errors
///
/// If it is not one.
pub fn of_bundle(folder: &Path) -> Result<Records, Failure> {
    let files = bundle_dir::read(folder).map_err(|e| Failure::NotVerified { what: e.to_string() })?;
    Records::of_bundle(&files).map_err(unreadable)
}

/// The records of one log, with the read-backs that it names.
///
/// # Errors
///
/// If the log is damaged, or a read-back is missing.
pub fn of_log(journal: &dyn Journal, log: &LogId) -> Result<Records, Failure> {
    let lines: Vec<String> = journal.read(log, 0)?.into_iter().map(|line| line.text).collect();
    let mut records = Records::of_log(log.clone(), &lines, BTreeMap::new()).map_err(unreadable)?;
    let gone = gone(&records.entries);
    for named in records.entries.iter().flat_map(|entry| &entry.refs) {
        if named.path.starts_with("readback/") && !gone.contains(&named.sha256) {
            records.blobs.insert(named.sha256, journal.get_blob(&named.sha256)?);
        }
    }
    Ok(records)
}

/// Whether every planned step of a wave's sites left a record.
///
/// # Errors
///
/// If there is no such wave or no journal, or a plan cannot be read.
pub fn wave(context: &Context, name: &str) -> Result<Coverage, Failure> {
    let desired = Desired::read(&context.root)?;
    let Some(wave) = desired.loaded.estate.waves.iter().find(|wave| wave.name.as_str() == name) else {
        let known: Vec<&str> = desired.loaded.estate.waves.iter().map(|wave| wave.name.as_str()).collect();
        return Err(Failure::usage(
            format!("no wave is called `{name}`"),
            format!("the waves are: {}", known.join(", ")),
        ));
    };
    let journal = open(context)?;
    let heads = journal.heads()?;
    let (mut planned, mut silent) = (Vec::new(), Vec::new());
    for code in &wave.sites {
        let site = plan::site(&desired, &code.value)?;
        let log = LogId::Scope(ScopeId::Site(site.clone()));
        if !heads.contains_key(&log) {
            silent.push(site.to_string());
            continue;
        }
        let records = of_log(&journal, &log)?;
        let steps = planned_steps(&journal, &records)?;
        planned.push(Planned { records, steps });
    }
    Ok(coverage(&planned, &silent))
}

/// Whether every planned step of a bundle's site left a record in it.
///
/// # Errors
///
/// If it is no bundle, or its plan cannot be read.
pub fn bundle(folder: &Path) -> Result<Coverage, Failure> {
    let files = bundle_dir::read(folder).map_err(|e| Failure::NotVerified { what: e.to_string() })?;
    let records = Records::of_bundle(&files).map_err(unreadable)?;
    let plan = files.get(layout::PLAN).map(Vec::as_slice).unwrap_or_default();
    let steps = coverage::planned_steps(plan, &records.log);
    let what = || Failure::NotVerified { what: format!("{} has no steps of {}", layout::PLAN, records.log) };
    let steps = steps.ok_or_else(what)?;
    Ok(coverage(&[Planned { records, steps }], &[]))
}

/// The steps of a site in the plan that its newest run names.
fn planned_steps(journal: &dyn Journal, records: &Records) -> Result<BTreeSet<StepId>, Failure> {
    let started = records.entries.iter().rev().filter(|entry| entry.kind == "run.started");
    let named = started.flat_map(|entry| &entry.refs).find(|named| named.path == PLAN_FILE);
    let Some(named) = named else { return Ok(BTreeSet::new()) };
    let steps = coverage::planned_steps(&journal.get_blob(&named.sha256)?, &records.log);
    steps.ok_or_else(|| Failure::NotVerified { what: format!("the plan has no steps of {}", records.log) })
}

/// The journal, to be read.
///
/// # Errors
///
/// If there is none yet.
pub fn open(context: &Context) -> Result<SqliteJournal, Failure> {
    let dir = context.journal_dir();
    if !dir.exists() {
        let help = Some(
            "landfall apply writes it; a rehearsal's records are in its bundle: --bundle DIR".to_owned(),
        );
        return Err(Failure::Failed {
            what: "no record: there is no journal, because nothing was ever launched".to_owned(),
            help,
        });
    }
    Ok(SqliteJournal::open_read_only(&dir)?)
}

/// The log of a site. The journal decides, not the estate: a site that has left it still has its history.
///
/// # Errors
///
/// If the journal has none.
pub fn site_log(journal: &dyn Journal, code: &str) -> Result<LogId, Failure> {
    let heads = journal.heads()?;
    let log = SiteCode::new(code).ok().map(|site| LogId::Scope(ScopeId::Site(site)));
    log.filter(|log| heads.contains_key(log)).ok_or_else(|| {
        let known: Vec<String> = heads.keys().map(ToString::to_string).collect();
        Failure::usage(
            format!("no record: the journal has no log of `{code}`"),
            format!("it has: {}", known.join(", ")),
        )
    })
}

pub(super) fn unreadable(bad: BadRecords) -> Failure {
    Failure::NotVerified { what: bad.to_string() }
}
