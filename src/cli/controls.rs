//! `landfall evidence crosswalk` and `evidence check`, and `landfall report evidence`: what shows which control, what
//! is there of what is asked for.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::args::{FrameworkName, Moment, Output};
use super::coverage::framework as of_name;
use super::exit::Exit;
use super::inspect::{read_journal, table};
use super::ui::Ui;
use crate::base::time::Timestamp;
use crate::controls::{Catalogue, Crossing, Framework, KindLine, crosswalk};
use crate::journal::Journal;
use crate::journal::memory::MemoryJournal;
use crate::ops::Context;
use crate::ops::completeness::{Completeness, completeness};
use crate::ops::controls::{SiteControls, all, lines, of_bundle};
use crate::ops::desired::Desired;
use crate::ops::error::Failure;

/// Names that are told of a control before the rest is counted.
const NAMED_MAX: usize = 4;

/// Questions about controls.
#[derive(Debug, Subcommand)]
pub enum ControlsCommand {
    /// Show for each control of a framework what shows it at a site: steps, items, records, and what nothing shows
    Crosswalk {
        /// The site
        #[arg(long, value_name = "CODE")]
        site: String,
        /// One framework only
        #[arg(long, value_enum, value_name = "NAME")]
        framework: Option<FrameworkName>,
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// Show whether evidence of some kinds is there at a site
    Check {
        /// The site
        #[arg(long, value_name = "CODE", required_unless_present = "bundle")]
        site: Option<String>,
        /// What a bundle says, as of its export; it is verified first
        #[arg(long, value_name = "DIR", conflicts_with = "site")]
        bundle: Option<PathBuf>,
        /// An evidence kind, a theme such as access, or a set such as tests-access-reviews-approvals
        #[arg(long, value_name = "NAME")]
        kind: String,
        /// Exit with 3 if any of it is not there
        #[arg(long)]
        require_complete: bool,
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
}

/// Arguments of `report evidence`.
#[derive(Debug, Args)]
pub struct EvidenceReport {
    /// One site only
    #[arg(long, value_name = "CODE")]
    pub site: Option<String>,
    /// The present moment
    #[command(flatten)]
    pub moment: Moment,
    /// How to print
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// The journal, or an empty one where there is none yet.
fn journal(context: &Context) -> Result<Box<dyn Journal>, Failure> {
    Ok(match read_journal(context)? {
        Some(journal) => Box::new(journal),
        None => Box::new(MemoryJournal::new()),
    })
}

fn of_site(context: &Context, site: &str, now: Timestamp) -> Result<SiteControls, Failure> {
    let desired = Desired::read(&context.root)?;
    let mut found = all(context, &desired, &*journal(context)?, Some(site), now)?;
    found.pop().ok_or_else(|| Failure::failed(format!("there is no site {site}")))
}

/// Answers a question about controls.
pub fn controls(
    ui: &Ui,
    context: impl FnOnce() -> Result<Context, Failure>,
    command: &ControlsCommand,
) -> Result<Exit, Failure> {
    match command {
        ControlsCommand::Crosswalk { site, framework, output } => {
            let context = context()?;
            let now = context.clock.now();
            cross(ui, &of_site(&context, site, now)?, framework.map(of_name), *output);
            Ok(Exit::Done)
        }
        ControlsCommand::Check { bundle: Some(folder), kind, require_complete, output, .. } => {
            let (found, _) = of_bundle(folder)?;
            let lines = lines(&found.rows, named_kinds(kind)?);
            told(ui, &found, (kind, lines), *require_complete, *output)
        }
        ControlsCommand::Check { site, bundle: None, kind, require_complete, output } => {
            let context = context()?;
            let site = site.as_deref().unwrap_or_default();
            let found = of_site(&context, site, context.clock.now())?;
            if kind == "crosswalk" {
                cross(ui, &found, Some(Framework::Hitrust), *output);
                return Ok(Exit::Done);
            }
            let standing = |kind: &str| Some(KindLine::of(kind, found.standings.get(kind)?));
            let lines = named_kinds(kind)?.into_iter().filter_map(standing).collect();
            told(ui, &found, (kind, lines), *require_complete, *output)
        }
    }
}

fn cross(ui: &Ui, found: &SiteControls, framework: Option<Framework>, output: Output) {
    let mut rows = found.rows.clone();
    rows.retain(|row| framework.is_none_or(|framework| framework.word() == row.framework));
    let crossings = crosswalk(&rows, &found.standings);
    let gaps: Vec<&Crossing> = crossings.iter().filter(|crossing| crossing.is_gap()).collect();
    if output == Output::Json {
        let unmapped: Vec<&str> = gaps.iter().map(|gap| gap.id.as_str()).collect();
        ui.json(&json!({ "v": 1, "site": found.site, "controls": crossings, "unmapped": unmapped }));
        return;
    }
    let mut shown = table(&["CONTROL", "OWN ID", "TITLE", "STATUS", "SHOWN BY", "RECORDS"]);
    for crossing in crossings.iter().filter(|crossing| !crossing.is_gap()) {
        let by = crossing.shown_by.iter().map(|(kind, behind)| match behind.len() {
            0 => kind.clone(),
            _ => format!("{kind}: {}", named(behind)),
        });
        shown.add_row([
            format!("{} {}", crossing.framework, crossing.id),
            crossing.own_id.clone().unwrap_or_default(),
            crossing.title.clone(),
            crossing.status.word().to_owned(),
            by.collect::<Vec<_>>().join("\n"),
            crossing.records.clone(),
        ]);
    }
    ui.line(&shown.to_string());
    ui.line(&format!("\nUnmapped: {} of {} controls", gaps.len(), crossings.len()));
    for gap in gaps {
        ui.line(&format!("  gap  {} {}  {}", gap.framework, gap.id, gap.title));
    }
}

fn named(all: &[String]) -> String {
    let shown = all.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
    match all.len().checked_sub(NAMED_MAX) {
        None | Some(0) => shown,
        Some(more) => format!("{shown} and {more} more"),
    }
}

/// The kinds of a name: a kind, a theme or a set.
fn named_kinds(name: &str) -> Result<Vec<&'static str>, Failure> {
    let catalogue = Catalogue::embedded();
    let kinds = catalogue.kinds_named(name);
    if kinds.is_empty() {
        let help = format!("name a kind, or one of: {}", catalogue.names_of_kinds().join(", "));
        return Err(Failure::usage(format!("there is no evidence kind {name}"), help));
    }
    Ok(kinds)
}

fn told(
    ui: &Ui,
    found: &SiteControls,
    (name, lines): (&str, Vec<KindLine>),
    require_complete: bool,
    output: Output,
) -> Result<Exit, Failure> {
    let there = lines.iter().filter(|line| line.is_there()).count();
    match output {
        Output::Json => ui.json(&json!({
            "v": 1, "site": found.site, "kind": name, "there": there, "asked": lines.len(), "kinds": lines,
        })),
        Output::Text => {
            let mut shown = table(&["KIND", "STANDING", "NEWEST", "EXPIRES", "ENTRIES", "WHY"]);
            let moment = |at: Option<Timestamp>| at.map_or(String::new(), |at| at.to_string());
            for line in &lines {
                let (newest, expires) = (moment(line.newest), moment(line.expires));
                let cells = [line.kind.as_str(), line.status, &newest, &expires, &line.entries, &line.why];
                shown.add_row(cells);
            }
            ui.line(&shown.to_string());
            ui.line(&format!(
                "{there} of {} are there ({} %)",
                lines.len(),
                there * 100 / lines.len().max(1)
            ));
        }
    }
    if require_complete && there < lines.len() {
        let open = lines.iter().filter(|line| !line.is_there()).map(|line| line.kind.as_str());
        let open = Vec::from_iter(open).join(", ");
        ui.always(&format!("refused: {} kinds of evidence are not there: {open}", lines.len() - there));
        return Ok(Exit::Refused);
    }
    Ok(Exit::Done)
}

/// Prints how much evidence is there.
pub fn report(ui: &Ui, context: &Context, args: &EvidenceReport) -> Result<Exit, Failure> {
    let now = super::run::at(context, &args.moment)?.clock.now();
    let desired = Desired::read(&context.root)?;
    let report = completeness(context, &desired, &*journal(context)?, args.site.as_deref(), now)?;
    match args.output {
        Output::Json => {
            ui.json(&json!({ "v": 1, "as_of": now, "sites": report.sites, "waves": report.waves }));
        }
        Output::Text => text(ui, &report, args.site.is_some()),
    }
    Ok(Exit::Done)
}

fn text(ui: &Ui, report: &Completeness, with_gaps: bool) {
    let mut sites = table(&["SITE", "THEME", "THERE", "PERCENT"]);
    for site in &report.sites {
        let all = std::iter::once(("all", &site.all));
        let themes = site.themes.iter().map(|(theme, share)| (theme.as_str(), share));
        for (theme, share) in all.chain(themes.filter(|_| with_gaps)) {
            let percent = share.percent().to_string();
            sites.add_row([site.site.as_str(), theme, &share.text(), &percent]);
        }
    }
    ui.line(&sites.to_string());
    let mut waves = table(&["WAVE", "DONE", "THERE THEN", "THERE NOW"]);
    for wave in &report.waves {
        let ended = wave.ended.map_or("not yet".to_owned(), |ended| ended.to_string());
        let then = wave.then.map_or(String::new(), |then| format!("{} ({} %)", then.text(), then.percent()));
        let now = format!("{} ({} %)", wave.now.text(), wave.now.percent());
        waves.add_row([wave.wave.clone(), ended, then, now]);
    }
    ui.line(&format!("\n{waves}"));
    if !with_gaps {
        ui.say("Next: --site CODE tells themes and gaps");
        return;
    }
    let mut gaps = table(&["KIND", "STANDING", "WHY"]);
    for line in report.sites.iter().flat_map(|site| &site.gaps) {
        gaps.add_row([line.kind.as_str(), line.status, line.why.as_str()]);
    }
    ui.line(&format!("\n{gaps}"));
}
