//! The offline verifier of a bundle. Pure: files in, verdict out; no database, no network, no clock.
//!
//! Integrity (is what is here what was sealed?) and completeness (is all there that should be?) are two verdicts. The
//! checks run in the order in which an auditor would ask, so that the first one that fails names the cause: an entry
//! of the log before the list of files that is wrong because of it.

mod attested;
mod decisions;
mod difference;
mod history;
mod keys;
mod log;
mod org;
mod plan;
mod populations;
mod scanned;
mod seal;
mod steps;
mod timestamp;

use serde::Serialize;

use crate::model::entry::{ActorKind, Entry};

use super::bundle::manifest::{BUNDLE_VERSION, Manifest};
use super::bundle::{Files, layout, sums};
use super::cosignature::WitnessKey;
use super::note::VerifierKey;
use super::origin;
use super::timestamp::Roots;

/// Keys that the reader trusts, given to them on another way than in the bundle.
#[derive(Debug, Clone, Default)]
pub struct Pins {
    /// The key of checkpoints.
    pub log: Option<VerifierKey>,
    /// The key of the seal.
    pub bundle: Option<VerifierKey>,
    /// The key of the witness.
    pub witness: Option<WitnessKey>,
    /// A signed checkpoint of the site's log that the reader kept: the log must continue it.
    pub previous: Option<String>,
    /// The authorities that the reader trusts for time stamps: the log's checkpoint must have one.
    pub stamps: Option<Roots>,
}

/// What the verifier found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Whether what is here is what was sealed.
    pub integrity: Integrity,
    /// Whether all is there that should be.
    pub completeness: Completeness,
    /// Whether the bundle is that of a rehearsal: nothing of it really happened.
    pub rehearsal: bool,
    /// Whether the log key was compared with one that the reader trusts, and the bundle key with one that the reader
    /// trusts or that the org log vouches for. If not, anybody could have made the bundle or a part of it.
    pub pinned: bool,
    /// Every check with its outcome, in order.
    pub checks: Vec<NamedCheck>,
}

impl Verdict {
    /// Whether both verdicts are good.
    pub fn holds(&self) -> bool {
        self.integrity == Integrity::Ok && self.completeness == Completeness::Complete
    }
}

/// Whether what is here is what was sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Integrity {
    /// It is.
    Ok,
    /// It is not.
    Broken {
        /// The first thing that is not; an entry of the log by its place, if it is one.
        first: String,
    },
}

/// Whether all is there that should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Completeness {
    /// It is.
    Complete,
    /// It is not.
    Incomplete {
        /// The first thing that is missing.
        what: String,
    },
}

/// One check and its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NamedCheck {
    /// What was checked.
    pub name: String,
    /// Whether it holds.
    pub ok: bool,
    /// What was found.
    pub detail: String,
}

/// Why a check does not hold, and which verdicts that decides.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Failure {
    detail: String,
    broken: bool,
    missing: Option<String>,
}

impl Failure {
    /// Something is not what was sealed.
    fn broken(detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), broken: true, missing: None }
    }

    /// Something is not there.
    fn missing(detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { missing: Some(detail.clone()), detail, broken: false }
    }

    /// Something was taken away from what was sealed.
    fn cut(detail: impl Into<String>, missing: impl Into<String>) -> Self {
        Self { detail: detail.into(), broken: true, missing: Some(missing.into()) }
    }
}

/// What a check found: words for people and a value for later checks.
type Found<T> = Result<(T, String), Failure>;

#[derive(Default)]
struct Checks {
    done: Vec<NamedCheck>,
    first_broken: Option<String>,
    first_missing: Option<String>,
}

impl Checks {
    fn keep<T>(&mut self, name: &str, found: Found<T>) -> Option<T> {
        let (value, ok, detail) = match found {
            Ok((value, detail)) => (Some(value), true, detail),
            Err(failure) => {
                if failure.broken {
                    self.first_broken.get_or_insert(failure.detail.clone());
                }
                if let Some(missing) = failure.missing {
                    self.first_missing.get_or_insert(missing);
                }
                (None, false, failure.detail)
            }
        };
        self.done.push(NamedCheck { name: name.to_owned(), ok, detail });
        value
    }

    fn verdict(self, rehearsal: bool, pinned: bool) -> Verdict {
        Verdict {
            integrity: self.first_broken.map_or(Integrity::Ok, |first| Integrity::Broken { first }),
            completeness: self
                .first_missing
                .map_or(Completeness::Complete, |what| Completeness::Incomplete { what }),
            rehearsal,
            pinned,
            checks: self.done,
        }
    }
}

/// Checks a bundle. Without pinned keys, those in the bundle are used, and the verdict says so.
pub fn verify(files: &Files, pins: &Pins) -> Verdict {
    let mut checks = Checks::default();
    let sums = sums::of(files);
    let manifest = checks.keep("manifest", manifest(files));
    let chain = checks.keep("log key", keys::log(files, pins.log.as_ref()));
    let bundle_key = checks.keep("bundle key", keys::bundle(files, &chain, pins.bundle.as_ref()));
    let log_key = chain.as_ref().map(|chain| chain.log.current().clone());
    let checkpoint = checks.keep("log signature", log::checkpoint(files, &manifest, &log_key));
    let entries = checks.keep("log entries", log::entries(files, &manifest, &checkpoint));
    let sealed =
        history::Sealed { manifest: &manifest, chain: &chain, checkpoint: &checkpoint, entries: &entries };
    checks.keep("history", history::continued(files, &sealed, pins));
    checks.keep("witness", history::witnessed(files, &sealed, pins.witness.as_ref()));
    checks.keep("time stamps", timestamp::stamps(files, pins.stamps.as_ref()));
    let heads = checks.keep("organisation's log", org::heads(files, &manifest, &log_key, &checkpoint));
    checks.keep("kind of run", rehearsal(&manifest, &log_key, &entries));
    let plan = checks.keep("plan", plan::plan(files, &manifest, &entries));
    checks.keep("planned steps", steps::outcomes(&manifest, &plan, &entries));
    checks.keep("files named by entries", seal::named_files(&sums, &entries));
    checks.keep("decisions", decisions::signatures(files, &entries));
    checks.keep("list of files", seal::list(files, &sums));
    let keys = seal::Keys { log: &log_key, bundle: &bundle_key, heads: &heads };
    checks.keep("seal", seal::seal(files, &manifest, &keys));
    let attested =
        attested::Attested { manifest: &manifest, plan: &plan, entries: &entries, key: &bundle_key };
    checks.keep("attestations", attested.attestations(files, &sums));
    checks.keep("scan", scanned::record(files, &manifest, &entries));
    checks.keep("populations", populations::populations(files, &sums, &manifest, entries));
    let vouched = heads.is_some_and(|heads| heads.bundle_key.is_some());
    let by_key = log_key.is_some_and(|key| origin::is_rehearsal(key.name()));
    let rehearsal = by_key || manifest.is_some_and(|manifest| manifest.rehearsal);
    checks.verdict(rehearsal, pins.log.is_some() && (vouched || pins.bundle.is_some()))
}

fn file<'f>(files: &'f Files, path: &str) -> Result<&'f [u8], Failure> {
    files.get(path).map(Vec::as_slice).ok_or_else(|| {
        let what = format!("{path} is missing");
        Failure::cut(what.clone(), what)
    })
}

/// What an earlier check should have found; its own failure says why it did not.
fn needed<'v, T>(value: &'v Option<T>, what: &str) -> Result<&'v T, Failure> {
    value.as_ref().ok_or_else(|| Failure::broken(format!("not checked, because {what} does not hold")))
}

fn manifest(files: &Files) -> Found<Manifest> {
    let bytes = file(files, layout::MANIFEST)?;
    let bad =
        |error: serde_json::Error| Failure::broken(format!("{} cannot be read: {error}", layout::MANIFEST));
    let manifest: Manifest = serde_json::from_slice(bytes).map_err(bad)?;
    if manifest.v > BUNDLE_VERSION {
        return Err(Failure::broken(format!(
            "the bundle has format {}; this program knows up to {BUNDLE_VERSION}: install a newer landfall",
            manifest.v
        )));
    }
    let detail =
        format!("site {}, exported {} by {}", manifest.site, manifest.exported_at, manifest.exported_by);
    Ok((manifest, detail))
}

fn rehearsal(
    manifest: &Option<Manifest>,
    log_key: &Option<VerifierKey>,
    entries: &Option<Vec<Entry>>,
) -> Found<()> {
    let manifest = needed(manifest, "the manifest")?;
    let by_key = origin::is_rehearsal(needed(log_key, "the log key")?.name());
    if manifest.rehearsal != by_key {
        return Err(Failure::broken("bundle.json and the log key disagree on whether this is a rehearsal"));
    }
    let rehearsed = |entry: &&Entry| entry.actor.kind == ActorKind::Rehearsal;
    let entry = entries.iter().flatten().find(rehearsed);
    match (by_key, entry) {
        (true, _) => Ok(((), "a rehearsal: nothing of it really happened".to_owned())),
        (false, None) => Ok(((), "a real run".to_owned())),
        (false, Some(entry)) => {
            Err(Failure::broken(format!("entry {} is a rehearsal's, but the bundle is not", entry.seq)))
        }
    }
}
