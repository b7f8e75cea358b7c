//! The attestations: each is signed by the bundle key and says what the other files say.

use serde_json::Value;

use crate::base::digest::Digest;
use crate::model::entry::Entry;
use crate::model::plan::PlanExcerpt;

use super::super::bundle::manifest::Manifest;
use super::super::bundle::sums::Sums;
use super::super::bundle::{Files, layout};
use super::super::dsse;
use super::super::note::VerifierKey;
use super::super::statement::{self, Shown};
use super::super::tally::Executions;
use super::{Failure, Found, file, needed};

/// What earlier checks found good of what is attested.
pub(super) struct Attested<'a> {
    pub(super) manifest: &'a Option<Manifest>,
    pub(super) plan: &'a Option<PlanExcerpt>,
    pub(super) entries: &'a Option<Vec<Entry>>,
    pub(super) key: &'a Option<VerifierKey>,
}

impl Attested<'_> {
    /// All attestations that the other files ask for, and no other.
    pub(super) fn attestations(&self, files: &Files, sums: &Sums) -> Found<()> {
        let manifest = needed(self.manifest, "the manifest")?;
        let plan = needed(self.plan, "the plan")?;
        let entries = needed(self.entries, "the log")?;
        let key = needed(self.key, "the bundle key")?;
        let outcomes = Executions { plan: &plan.digest, runs: &manifest.runs }.outcomes(entries);
        let list = Digest::of(file(files, layout::SUMS)?);
        let mut expected = statement::all(&Shown { manifest, plan, entries }, files, sums, &outcomes);
        expected.insert(0, (layout::ATTESTED_BUNDLE.to_owned(), statement::bundle(manifest, &list)));
        signed(files, &expected, key)
    }
}

/// Each of these statements is there as the key signed it, and no other.
fn signed(files: &Files, expected: &[(String, Value)], key: &VerifierKey) -> Found<()> {
    let expects = |path: &String| expected.iter().any(|(known, _)| known == path);
    let odd = files.keys().find(|path| path.starts_with(layout::ATTESTATIONS) && !expects(path));
    if let Some(odd) = odd {
        return Err(Failure::broken(format!("{odd} attests what the bundle does not show")));
    }
    for (path, expected) in expected {
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
