//! Dashboards as pages without scripts: the program, compliance, and a page for each site, from the same reports as the JSON.

mod compliance;
mod program;
mod site;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use crate::base::id::{LogId, ScopeId, SiteCode};
use crate::base::time::Timestamp;
use crate::document::{Document, Text, Zone, html};
use crate::evidence::bundle::Files;
use crate::evidence::records::Records;
use crate::evidence::register;
use crate::journal::{Journal, bundle_dir};
use crate::ops::checklist::waivers::{Waiver, waivers};
use crate::ops::checklist::{Board, Ground};
use crate::ops::controls::{self, SiteControls};
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::{Context, milestones, releases, status};
use crate::release::Release;
use crate::report::milestones::Milestone;
use crate::report::status::Status;

/// The page of the program.
const PROGRAM: &str = "index.html";
/// The page of compliance.
const COMPLIANCE: &str = "compliance.html";

/// Everything that the pages tell, as the reports give it.
pub struct Figures {
    now: Timestamp,
    zone: Zone,
    status: Status,
    milestones: Vec<Milestone>,
    controls: Vec<SiteControls>,
    waivers: Vec<Waiver>,
    findings: BTreeMap<SiteCode, Vec<String>>,
    releases: BTreeMap<SiteCode, Vec<Release>>,
    board: Board,
    ground: Ground,
}

/// Reads everything that the pages tell.
///
/// # Errors
///
/// If a log is damaged, or a plan that it names is missing.
pub fn figures(
    context: &Context,
    desired: &Desired,
    journal: &dyn Journal,
    now: Timestamp,
) -> Result<Figures, Failure> {
    let ground = Ground::of(desired);
    let board = ground.board(journal, now)?;
    let (mut findings, mut of_site) = (BTreeMap::new(), BTreeMap::new());
    for site in desired.rendered.keys().filter_map(ScopeId::site) {
        let scope = ScopeId::Site(site.clone());
        let log = LogId::Scope(scope.clone());
        let texts: Vec<String> = journal.read(&log, 0)?.into_iter().map(|line| line.text).collect();
        let records = Records::of_log(log, &texts, BTreeMap::new());
        let records =
            records.map_err(|bad| Failure::NotVerified { what: format!("the log of {scope}: {bad}") })?;
        findings.insert(site.clone(), register::open_findings(&records));
        of_site.insert(site.clone(), releases::history(journal, &scope)?.releases);
    }
    let milestones = match desired.loaded.estate.day_one {
        Some(_) => milestones::milestones(desired, journal, now)?,
        None => Vec::new(),
    };
    Ok(Figures {
        now,
        zone: Zone::of(desired.loaded.estate.zone_name()),
        status: status::status(desired, journal, now)?,
        milestones,
        controls: controls::all(context, desired, journal, None, now)?,
        waivers: waivers(&board),
        findings,
        releases: of_site,
        board,
        ground,
    })
}

/// Writes the pages into a new folder, which appears whole or not at all.
///
/// # Errors
///
/// If there is something at the path, or it cannot be written.
pub fn write(figures: &Figures, out: &Path) -> Result<usize, Failure> {
    if out.symlink_metadata().is_ok() {
        let there = format!("{} is there already", out.display());
        return Err(Failure::usage(there, "name a folder that is not there yet"));
    }
    let files = files(figures);
    bundle_dir::write(out, &files).map_err(|e| Failure::failed(format!("the pages: {e}")))?;
    Ok(files.len())
}

/// The pages, by path.
pub fn files(figures: &Figures) -> Files {
    pages(figures).into_iter().map(|(path, page)| (path, html::page(&page).into_bytes())).collect()
}

fn pages(figures: &Figures) -> BTreeMap<String, Document> {
    let mut pages = BTreeMap::new();
    pages.insert(PROGRAM.to_owned(), page(figures, "Program", program::blocks(figures)));
    pages.insert(COMPLIANCE.to_owned(), page(figures, "Compliance", compliance::blocks(figures)));
    for scope in &figures.status.scopes {
        if let Some(site) = scope.scope.site() {
            let title = scope.name.as_ref().map_or(site.to_string(), |name| format!("{site}, {name}"));
            pages.insert(path(site), page(figures, &title, site::blocks(figures, site, scope)));
        }
    }
    pages
}

fn page(figures: &Figures, title: &str, blocks: Vec<crate::document::Block>) -> Document {
    let head = Text::new(format!("{}, as of {}. ", figures.status.estate, figures.zone.moment(figures.now)))
        .file(PROGRAM, "Program")
        .plain(" · ")
        .file(COMPLIANCE, "Compliance");
    Document {
        title: title.to_owned(),
        author: figures.status.estate.clone(),
        producer: format!("landfall {}", env!("CARGO_PKG_VERSION")),
        identity: title.to_owned(),
        made_at: figures.now,
        foot: figures.status.estate.clone(),
        blocks: std::iter::once(crate::document::Block::Paragraph(head)).chain(blocks).collect(),
    }
}

/// Where a site's page stands.
fn path(site: &SiteCode) -> String {
    format!("site-{site}.html")
}

/// The word that the JSON reports have for something.
fn word(one: impl Serialize) -> String {
    match serde_json::to_value(one) {
        Ok(Value::String(word)) => word.replace('-', " "),
        Ok(Value::Object(fields)) => {
            fields.keys().next().map_or_else(String::new, |word| word.replace('-', " "))
        }
        Ok(_) | Err(_) => String::new(),
    }
}

/// How often each word stands in a list, in the order of the words.
fn tally(words: impl Iterator<Item = String>) -> Vec<(String, u64)> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for word in words {
        *counts.entry(word).or_default() += 1;
    }
    counts.into_iter().collect()
}
