//! The attestations: each is signed by the bundle key and says what the other files say.

use crate::base::digest::Digest;
use crate::model::entry::Entry;
use crate::model::plan::PlanExcerpt;

use super::super::bundle::manifest::Manifest;
use super::super::bundle::{Files, layout};
use super::super::dsse;
use super::super::note::VerifierKey;
use super::super::statement::{self, Shown};
use super::super::tally::Executions;
use super::{Failure, Found, file, needed};

/// All attestations that the other files ask for, and no other.
pub(super) fn attestations(
    files: &Files,
    manifest: &Option<Manifest>,
    plan: &Option<PlanExcerpt>,
    entries: &Option<Vec<Entry>>,
    key: &Option<VerifierKey>,
) -> Found<()> {
    let manifest = needed(manifest, "the manifest")?;
    let plan = needed(plan, "the plan")?;
    let entries = needed(entries, "the log")?;
    let key = needed(key, "the bundle key")?;
    let outcomes = Executions { plan: &plan.digest, runs: &manifest.runs }.outcomes(entries);
    let sums = Digest::of(file(files, layout::SUMS)?);
    let mut expected = statement::all(&Shown { manifest, plan, entries }, files, &outcomes);
    expected.insert(0, (layout::ATTESTED_BUNDLE.to_owned(), statement::bundle(manifest, &sums)));
    let expects = |path: &String| expected.iter().any(|(known, _)| known == path);
    let odd = files.keys().find(|path| path.starts_with(layout::ATTESTATIONS) && !expects(path));
    if let Some(odd) = odd {
        return Err(Failure::broken(format!("{odd} attests what the bundle does not show")));
    }
    for (path, expected) in &expected {
        let bytes = file(files, path)?;
        let found = dsse::open(bytes, key);
        let found = found.map_err(|error| Failure::broken(format!("{path}: {error}")))?;
        if found != *expected {
            return Err(Failure::broken(format!("{path} attests something else than the bundle shows")));
        }
        if !dsse::is_exact(bytes, expected, key) {
            return Err(Failure::broken(format!("{path} was changed outside of what it attests")));
        }
    }
    Ok(((), format!("{} statements signed by {}", expected.len(), key.name())))
}
