//! The controls of a site as part of its bundle.

use crate::base::digest::Digest;
use crate::base::id::{LogId, ScopeId};
use crate::controls::{Catalogue, csv, oscal, workbook};
use crate::evidence::bundle::{Parts, places};
use crate::journal::Line;
use crate::merkle;
use crate::model::plan::LogHead;
use crate::ops::controls::SiteControls;
use crate::ops::error::Failure;

use super::Reading;

/// The rows of controls, the same as tables for people who filter and sort, and as OSCAL.
pub(super) fn attach_controls(
    journal: &mut Reading<'_>,
    lines: &[Line],
    parts: &mut Parts,
) -> Result<(), Failure> {
    let failed = |what: String| Failure::failed(format!("the controls of {}: {what}", parts.site));
    let now = parts.exported_at;
    let SiteControls { site, rows, standings } = journal.controls(&parts.site, now)?;
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
