//! Writes evidence bundles: a site's whole log, sealed, with everything its entries name.
//!
//! Every new bundle is first made whole and recorded in the org log (who pulled which bundle, when), and only then gets
//! its name. Bundles of several sites share the sealed heads and are made side by side.

mod anchors;
mod controls;
mod decisions;
pub mod many;
mod org;
mod parts;
mod record;
mod timestamps;

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};

use crate::base::digest::Digest;
use crate::base::id::{LogId, ScopeId, SiteCode, WaveName};
use crate::base::time::Timestamp;
use crate::evidence::bundle::{Draft, Files, Previous, layout};
use crate::journal::bundle_dir::BundleDirError;
use crate::journal::{Journal, Line, bundle_archive, bundle_dir};
use crate::model::anchor::TimestampService;
use crate::model::entry::Actor;
use crate::model::plan::{LogHead, PlanFile};
use crate::ops::controls::{Ledger, SiteControls};
use crate::ops::error::Failure;
use crate::ops::keys::Keys;
use crate::ops::{Context, earlier};
use crate::signer::Signer as _;

use controls::with_controls;
use decisions::attach_decisions;
use org::OrgSeal;
use parts::parts;
pub use record::EXPORTED;

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
    /// Who is asked for time stamps, in this order; a rehearsal asks nobody.
    pub timestamps: Vec<TimestampService>,
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
    /// What is not in it although it should be, in words; it is tried again with the next export.
    pub troubles: Vec<String>,
}

/// The journal with what the bundles of one export share.
struct Reading<'r> {
    journal: &'r mut dyn Journal,
    org: &'r OrgSeal,
    ledger: &'r mut Ledger,
}

impl Reading<'_> {
    /// The controls of a site by lines of its log and the plan of its newest run, which are read already.
    fn controls(
        &mut self,
        site: &SiteCode,
        lines: Vec<Line>,
        plan: &PlanFile,
        now: Timestamp,
    ) -> Result<SiteControls, Failure> {
        self.ledger.know(plan);
        self.ledger.site_of(&*self.journal, site, lines, now)
    }
}

impl<'r> Deref for Reading<'r> {
    type Target = dyn Journal + 'r;

    fn deref(&self) -> &Self::Target {
        &*self.journal
    }
}

impl DerefMut for Reading<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut *self.journal
    }
}

/// A bundle that is made and has no place yet.
struct Made {
    files: Files,
    pulled: Pulled,
}

/// What is kept of a bundle that leaves.
struct Pulled {
    checkpoint: String,
    previous: Option<Previous>,
    sums: Digest,
    entries: usize,
    files: usize,
    troubles: Vec<String>,
}

/// As what bundles are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A folder.
    Folder,
    /// One file.
    Archive,
}

impl Form {
    /// The form that a path asks for by its ending.
    pub fn of(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(bundle_archive::SUFFIX) { Form::Archive } else { Form::Folder }
    }

    /// The name of a bundle in this form.
    pub fn name(self, bundle: &str) -> String {
        match self {
            Form::Folder => bundle.to_owned(),
            Form::Archive => format!("{bundle}{}", bundle_archive::SUFFIX),
        }
    }

    fn stage(self, place: &Path, files: &Files) -> Result<bundle_dir::Staged, BundleDirError> {
        match self {
            Form::Folder => bundle_dir::stage(place, files),
            Form::Archive => bundle_dir::stage_archive(place, files),
        }
    }
}

/// Writes a bundle into a new folder, or a new archive if the path ends like one.
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
    known(&journal.heads()?, &wanted.site)?;
    let org = OrgSeal::of(context, journal, &keys, &wanted.actor)?;
    let mut ledger = Ledger::open(context)?;
    let made = make(context, &mut Reading { journal, org: &org, ledger: &mut ledger }, wanted, &keys)?;
    let failed = |what: String| Failure::failed(format!("the bundle of {}: {what}", wanted.site));
    let staged = Form::of(out).stage(out, &made.files).map_err(|e| failed(e.to_string()))?;
    bundle_dir::sync([&staged]).map_err(|e| failed(e.to_string()))?;
    record::exported(context, journal, &[(wanted, &made.pulled)])?;
    staged.publish().map_err(|e| failed(e.to_string()))?;
    finish(context, wanted, &keys, made.pulled, out)
}

/// That something is recorded of a site.
fn known(heads: &BTreeMap<LogId, LogHead>, site: &SiteCode) -> Result<(), Failure> {
    let log = LogId::Scope(ScopeId::Site(site.clone()));
    if heads.get(&log).is_some_and(|head| head.size > 0) {
        return Ok(());
    }
    let help = Some("landfall rehearse, or plan and apply, first".to_owned());
    Err(Failure::Failed { what: format!("nothing was ever done at {site}"), help })
}

/// Makes a bundle: everything that a bundle holds is put together here.
fn make(context: &Context, journal: &mut Reading<'_>, wanted: &Wanted, keys: &Keys) -> Result<Made, Failure> {
    let scope = ScopeId::Site(wanted.site.clone());
    let log = LogId::Scope(scope.clone());
    let mut lines = journal.read(&log, 0)?;
    // What came after the heads were sealed is for the next bundle.
    lines.truncate(usize::try_from(journal.org.heads[&log].size).unwrap_or(usize::MAX));
    let mut parts = parts(context, journal, wanted, keys, &scope, &lines)?;
    attach_decisions(journal, &lines, &mut parts)?;
    let troubles = timestamps::attach(context, wanted, &mut parts)?;
    let (checkpoint, previous) = (parts.checkpoint.clone(), parts.previous.clone());
    let entries = lines.len();
    let failed = |what: String| Failure::failed(format!("the bundle of {}: {what}", wanted.site));
    let draft = Draft::of(parts).map_err(|e| failed(e.to_string()))?;
    let draft = with_controls(journal, lines, draft)?;
    let unsealed = draft.finish().map_err(|e| failed(e.to_string()))?;
    let sign = |bytes: &[u8]| keys.bundle.sign(bytes).map_err(|error| error.to_string());
    let files: Files = unsealed.seal(&sign).map_err(|e| failed(e.to_string()))?;
    let pulled = Pulled {
        checkpoint,
        previous,
        sums: Digest::of(&files[layout::SUMS]),
        entries,
        files: files.len(),
        troubles,
    };
    Ok(Made { files, pulled })
}

/// Keeps what was shown, for the next bundle to continue.
fn finish(
    context: &Context,
    wanted: &Wanted,
    keys: &Keys,
    pulled: Pulled,
    out: &Path,
) -> Result<Exported, Failure> {
    earlier::keep(context, &wanted.site, &pulled.checkpoint, pulled.sums, pulled.previous.as_ref())?;
    Ok(Exported {
        path: out.to_owned(),
        log_key: keys.log.vkey().to_string(),
        entries: pulled.entries,
        files: pulled.files,
        troubles: pulled.troubles,
    })
}
