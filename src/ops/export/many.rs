//! Bundles of many sites at once: the org log is sealed and read once for all, the bundles are made side by side.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::base::limits::{EXPORT_BATCH_MAX, EXPORTS_AT_ONCE_MAX};
use crate::journal::{Journal, bundle_dir};
use crate::ops::Context;
use crate::ops::controls::Ledger;
use crate::ops::error::Failure;
use crate::ops::keys::Keys;

use super::org::OrgSeal;
use super::{Exported, Form, Pulled, Reading, Wanted, finish, known, make, record};

/// Opens the journal once more for reading, for one more thread.
pub type OpenJournal<'o> = dyn Fn() -> Result<Box<dyn Journal>, Failure> + Sync + 'o;

/// What became of one site's bundle.
#[derive(Debug)]
pub struct OneOfMany {
    /// What was wanted.
    pub wanted: Wanted,
    /// The bundle, or why there is none.
    pub exported: Result<Exported, Failure>,
}

/// Writes a bundle of each site into a folder, named by the site's code. A site whose bundle cannot be made holds no
/// other up.
///
/// # Errors
///
/// If nothing can be exported at all: the org log cannot be sealed, or the disk does not take the bundles.
pub fn export_all(
    context: &Context,
    journal: &mut dyn Journal,
    open: &OpenJournal<'_>,
    wanted: Vec<Wanted>,
    out: &Path,
    form: Form,
) -> Result<Vec<OneOfMany>, Failure> {
    let Some(first) = wanted.first() else { return Ok(Vec::new()) };
    let keys = Keys::open(&context.key_dir(), &first.estate, first.rehearsal, context.entropy)?;
    let org = OrgSeal::of(context, journal, &keys, &first.actor)?;
    let shared = Shared { context, keys: &keys, org: &org, open, out, form };
    let mut all = Vec::new();
    let mut left = wanted;
    while !left.is_empty() {
        let rest = left.split_off(left.len().min(EXPORT_BATCH_MAX));
        all.extend(shared.batch(journal, left)?);
        left = rest;
    }
    Ok(all)
}

struct Shared<'s> {
    context: &'s Context,
    keys: &'s Keys,
    org: &'s OrgSeal,
    open: &'s OpenJournal<'s>,
    out: &'s Path,
    form: Form,
}

/// A bundle that is written and has no name yet.
type Ready = (bundle_dir::Staged, Pulled);

impl Shared<'_> {
    /// Some bundles: written, made durable together, recorded together, and only then named.
    fn batch(&self, journal: &mut dyn Journal, wanted: Vec<Wanted>) -> Result<Vec<OneOfMany>, Failure> {
        let made = self.side_by_side(&wanted);
        let ready = || made.iter().filter_map(|one| one.as_ref().ok());
        bundle_dir::sync(ready().map(|(staged, _)| staged)).map_err(|e| Failure::failed(e.to_string()))?;
        let pulled =
            wanted.iter().zip(&made).filter_map(|(wanted, one)| Some((wanted, &one.as_ref().ok()?.1)));
        record::exported(self.context, journal, &pulled.collect::<Vec<_>>())?;
        let one = |(wanted, made): (Wanted, Result<Ready, Failure>)| {
            let exported = made.and_then(|(staged, pulled)| {
                staged.publish().map_err(|e| Failure::failed(e.to_string()))?;
                finish(self.context, &wanted, self.keys, pulled, &self.place(&wanted))
            });
            OneOfMany { wanted, exported }
        };
        Ok(wanted.into_iter().zip(made).map(one).collect())
    }

    /// Makes and writes bundles in as many threads as there are cores, each with its own look at the journal.
    fn side_by_side(&self, wanted: &[Wanted]) -> Vec<Result<Ready, Failure>> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = cores.min(EXPORTS_AT_ONCE_MAX).min(wanted.len());
        let next = AtomicUsize::new(0);
        let done: Mutex<Vec<(usize, Result<Ready, Failure>)>> = Mutex::new(Vec::new());
        let work = || {
            let mut opened = (self.open)().and_then(|journal| Ok((journal, Ledger::open(self.context)?)));
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(wanted) = wanted.get(place) else { return };
                let ready = match &mut opened {
                    Ok((journal, ledger)) => self.one(&mut **journal, ledger, wanted),
                    Err(error) => Err(Failure::failed(error.to_string())),
                };
                done.lock().expect("no thread panics while it holds the list").push((place, ready));
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(work);
            }
        });
        let mut done = done.into_inner().expect("all threads have ended well");
        done.sort_by_key(|(place, _)| *place);
        done.into_iter().map(|(_, ready)| ready).collect()
    }

    fn one(&self, journal: &mut dyn Journal, ledger: &mut Ledger, wanted: &Wanted) -> Result<Ready, Failure> {
        known(&self.org.heads, &wanted.site)?;
        let mut reading = Reading { journal, org: self.org, ledger };
        let made = make(self.context, &mut reading, wanted, self.keys)?;
        let staged = self.form.stage(&self.place(wanted), &made.files);
        let staged =
            staged.map_err(|error| Failure::failed(format!("the bundle of {}: {error}", wanted.site)))?;
        Ok((staged, made.pulled))
    }

    fn place(&self, wanted: &Wanted) -> PathBuf {
        self.out.join(self.form.name(wanted.site.as_str()))
    }
}
