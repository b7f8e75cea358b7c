//! The evidence of a site as OSCAL 1.2.1: results, plan, component, open items, and the HIPAA catalogue with its
//! mapping once. Names are version 5 UUIDs and bytes are RFC 8785, so that exporting again gives the same files.

mod catalog;
mod component;
mod document;
mod name;
mod observed;
mod plan;
mod poam;
mod references;
mod results;

use std::collections::BTreeMap;

use crate::base::digest::{Digest, canonical_bytes};
use crate::base::id::{LogId, SiteCode, WaveName};
use crate::base::time::Timestamp;
use crate::model::control::ControlRow;
use crate::model::plan::LogHead;

use super::catalogue::{Catalogue, Framework};
use super::standing::KindStanding;

pub use references::{BadReference, check};

/// The release that trestle reads.
const OSCAL_VERSION: &str = "1.2.1";
/// Whose properties ours are.
const NAMESPACE: &str = "https://landfall.example/ns/oscal";
/// NIST's catalogue of SP 800-53.
const NIST_CATALOG: &str = "https://raw.githubusercontent.com/usnistgov/oscal-content/main/nist.gov/SP800-53/rev5/json/NIST_SP-800-53_rev5_catalog.json";
/// Frameworks that there is an OSCAL catalogue of.
const FRAMEWORKS: [Framework; 2] = [Framework::Hipaa, Framework::Nist];

const RESULTS: &str = "assessment-results.json";
const PLAN: &str = "assessment-plan.json";
const COMPONENT: &str = "component-definition.json";
const POAM: &str = "plan-of-action-and-milestones.json";
const CATALOG: &str = "hipaa-security-rule.catalog.json";
const MAPPING: &str = "hipaa-to-800-53.mapping.json";

/// What the files are made from.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'s> {
    /// The site.
    pub site: &'s SiteCode,
    /// The wave it was launched in.
    pub wave: Option<&'s WaveName>,
    /// The estate's name.
    pub estate: &'s str,
    /// Whether nothing of it really happened.
    pub rehearsal: bool,
    /// The program, for example `landfall 0.1.0`.
    pub tool: &'s str,
    /// When and by whom it is exported.
    pub exported: (Timestamp, &'s str),
    /// The moment of the site's first entry.
    pub began: Timestamp,
    /// The site's log and its head.
    pub log: (&'s LogId, &'s LogHead),
    /// A row for each control.
    pub rows: &'s [ControlRow],
    /// Where each evidence kind stands.
    pub standings: &'s BTreeMap<String, KindStanding>,
    /// Where the bundle's files stand, by digest.
    pub files: &'s BTreeMap<Digest, String>,
}

/// The files of the bundle's folder `oscal/` by path.
///
/// # Errors
///
/// If a file refers to something that is not in it.
pub fn files(
    catalogue: &Catalogue,
    subject: &Subject<'_>,
) -> Result<BTreeMap<String, Vec<u8>>, BadReference> {
    let value =
        |document: document::Document| serde_json::to_value(document).expect("a document has a JSON form");
    let mut documents = vec![
        (RESULTS, value(results::document(catalogue, subject))),
        (PLAN, value(plan::document(catalogue, subject))),
        (COMPONENT, value(component::document(catalogue, subject))),
        (CATALOG, value(catalog::catalog(catalogue))),
        (MAPPING, value(catalog::mapping(catalogue))),
    ];
    documents.extend(poam::document(catalogue, subject).map(|document| (POAM, value(document))));
    let mut files = BTreeMap::new();
    for (name, document) in documents {
        check(name, &document)?;
        files.insert(format!("oscal/{name}"), canonical_bytes(&document));
    }
    Ok(files)
}

#[cfg(test)]
mod tests;
