//! The controls of a site as part of its bundle.

use crate::base::id::{LogId, ScopeId};
use crate::controls::{Catalogue, csv, oscal, workbook};
use crate::evidence::bundle::Draft;
use crate::journal::Line;
use crate::ops::controls::SiteControls;
use crate::ops::error::Failure;

use super::Reading;

/// The rows of controls, the same as tables for people who filter and sort, and as OSCAL.
pub(super) fn with_controls(
    journal: &mut Reading<'_>,
    lines: Vec<Line>,
    draft: Draft,
) -> Result<Draft, Failure> {
    let parts = draft.parts();
    let failed = |what: String| Failure::failed(format!("the controls of {}: {what}", draft.parts().site));
    let now = parts.exported_at;
    let began = lines.first().map_or(now, |line| line.entry.at);
    let SiteControls { site, rows, standings } = journal.controls(&parts.site, lines, &parts.plan, now)?;
    let log = LogId::Scope(ScopeId::Site(site.clone()));
    let files = draft.places();
    let subject = oscal::Subject {
        site: &site,
        wave: parts.wave.as_ref(),
        estate: &parts.estate,
        rehearsal: parts.rehearsal,
        tool: &parts.tool,
        exported: (now, &parts.exported_by),
        began,
        log: (&log, &journal.org.heads[&log]),
        rows: &rows,
        standings: &standings,
        files: &files,
    };
    let mut made = oscal::files(Catalogue::embedded(), &subject).map_err(|e| failed(e.to_string()))?;
    made.insert("controls/matrix.csv".to_owned(), csv([(&site, rows.as_slice())]).into_bytes());
    let book = workbook(&rows, now).map_err(|e| failed(e.to_string()))?;
    made.insert("controls/matrix.xlsx".to_owned(), book);
    let what = format!("the bundle of {site}");
    draft.with_controls(rows).with_files(made).map_err(|e| Failure::failed(format!("{what}: {e}")))
}
