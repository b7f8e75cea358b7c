//! The controls of a site as its bundle tells them: a reader needs no estate and no journal.

use std::collections::BTreeMap;
use std::path::Path;

use super::SiteControls;
use crate::base::time::Timestamp;
use crate::controls::{Catalogue, KindLine};
use crate::evidence::bundle::layout;
use crate::evidence::bundle::manifest::Manifest;
use crate::evidence::verify::Integrity;
use crate::journal::bundle_dir;
use crate::model::control::ControlRow;
use crate::ops::error::Failure;
use crate::ops::verify::{self, Trusted};

/// What a bundle says of controls, and the moment for which it says so. Only what verifies is read.
///
/// # Errors
///
/// `NotVerified` if it is no bundle, or not as it was sealed.
pub fn of_bundle(folder: &Path) -> Result<(SiteControls, Timestamp), Failure> {
    let bad = |what: String| Failure::NotVerified { what: format!("{}: {what}", folder.display()) };
    if let Integrity::Broken { first } = verify::bundle(folder, Trusted::default())?.integrity {
        return Err(bad(first));
    }
    let files = bundle_dir::read(folder).map_err(|error| bad(error.to_string()))?;
    let file = |name: &str| files.get(name).map(Vec::as_slice).unwrap_or_default();
    let manifest: Manifest =
        serde_json::from_slice(file(layout::MANIFEST)).map_err(|error| bad(error.to_string()))?;
    let rows: Vec<ControlRow> =
        serde_json::from_slice(file(layout::CONTROLS)).map_err(|error| bad(error.to_string()))?;
    Ok((SiteControls { site: manifest.site, rows, standings: BTreeMap::new() }, manifest.exported_at))
}

/// Where evidence kinds stand by the rows of a bundle: what no control misses is there.
pub fn lines<'k>(rows: &[ControlRow], kinds: impl IntoIterator<Item = &'k str>) -> Vec<KindLine> {
    let missing: BTreeMap<&str, _> =
        rows.iter().flat_map(|row| &row.missing).map(|one| (one.kind.as_str(), one)).collect();
    let known = kinds.into_iter().filter(|kind| Catalogue::embedded().kinds().contains_key(*kind));
    known.map(|kind| KindLine::told(kind, missing.get(kind).copied())).collect()
}
