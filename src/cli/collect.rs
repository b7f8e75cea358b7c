//! `landfall evidence collect`: reads populations from the platform and keeps them in the sites' logs.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::args::Output;
use super::exit::Exit;
use super::inspect::table;
use super::run::{runtime, warn};
use super::ui::Ui;
use crate::base::id::SiteCode;
use crate::evidence::population::PopulationSummary;
use crate::journal::sqlite::SqliteJournal;
use crate::ops::collect::{self, Collected, Wanted, people};
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::plan::Asked;
use crate::ops::target::{reach, sign_in};
use crate::ops::{self, Context};

/// Arguments of `evidence collect`.
#[derive(Debug, Args)]
pub struct Collect {
    /// The sites of one wave
    #[arg(long, value_name = "WAVE", conflicts_with_all = ["site", "all"])]
    pub wave: Option<String>,
    /// These sites
    #[arg(long, value_name = "CODE", value_delimiter = ',', conflicts_with = "all", required_unless_present_any = ["wave", "all"])]
    pub site: Vec<String>,
    /// Every site that has a log
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    pub from: From,
    /// How to print
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// Where populations come from, and what they are held against.
#[derive(Debug, Args)]
pub struct From {
    /// Where to read
    #[arg(long, value_name = "NAME", default_value = "sandbox")]
    pub target: String,
    /// The identity provider's users, as a SCIM list in JSON: compared with the account's users; names are not kept
    #[arg(long, value_name = "FILE")]
    pub identity: Option<PathBuf>,
    /// People who left, as CSV with the column user_name first: compared with the users who can sign in; names are not kept
    #[arg(long, value_name = "FILE")]
    pub leavers: Option<PathBuf>,
}

/// Carries out `evidence collect`.
pub fn collect(ui: &Ui, context: &Context, args: &Collect) -> Result<Exit, Failure> {
    let desired = Desired::read(&context.root)?;
    warn(ui, &desired);
    let asked = match (&args.wave, args.site.is_empty()) {
        (Some(wave), _) => Asked::Wave(wave.clone()),
        (None, false) => Asked::Sites(args.site.clone()),
        (None, true) => Asked::All,
    };
    let sites = collect::sites(&desired, &asked)?;
    let collected = read(ui, context, &desired, &args.from, sites)?;
    if collected.is_empty() {
        let help = "landfall rehearse, or plan and apply, first";
        return Err(Failure::Failed {
            what: "nothing was ever done at these sites".to_owned(),
            help: Some(help.to_owned()),
        });
    }
    match args.output {
        Output::Json => {
            ui.json(&json!({ "v": 1, "sites": collected.iter().map(as_json).collect::<Vec<_>>() }))
        }
        Output::Text => collected.iter().for_each(|one| show(ui, one)),
    }
    Ok(Exit::Done)
}

/// Reads the populations of sites before they are exported.
///
/// # Errors
///
/// As [`collect`].
pub(super) fn before_export(ui: &Ui, context: &Context, asked: &Asked, from: &From) -> Result<(), Failure> {
    let desired = Desired::read(&context.root)?;
    let sites = collect::sites(&desired, asked)?;
    for one in read(ui, context, &desired, from, sites)? {
        ui.say(&sentence(&one));
    }
    Ok(())
}

fn read(
    ui: &Ui,
    context: &Context,
    desired: &Desired,
    from: &From,
    sites: BTreeSet<SiteCode>,
) -> Result<Vec<Collected>, Failure> {
    let people = people(from.identity.as_deref(), from.leavers.as_deref())?;
    let mut journal = SqliteJournal::open(&context.journal_dir())?;
    runtime()?.block_on(async {
        let reached = reach(context, &desired.loaded, &from.target).await?.told(ui.talk());
        sign_in(&reached).await?;
        let wanted = Wanted { sites, people: &people, actor: ops::person() };
        collect::collect(context, desired, &mut journal, &reached, &wanted).await
    })
}

fn show(ui: &Ui, collected: &Collected) {
    let PopulationSummary { populations, reconciliations } = &collected.summary;
    ui.line(&sentence(collected));
    let mut shown = table(&["POPULATION", "ROWS", "SOURCE"]);
    for one in populations.iter().filter(|one| one.from_platform) {
        shown.add_row([
            one.name.to_owned(),
            one.size.to_string(),
            one.cut.clone().unwrap_or_else(|| "every page read".to_owned()),
        ]);
    }
    ui.line(&shown.to_string());
    let mut shown = table(&["RECONCILED", "OURS", "THEIRS", "DIFFERENCES", "STANDING"]);
    let count = |count: Option<u64>| count.map_or("missing".to_owned(), |count| count.to_string());
    for one in reconciliations {
        let cells =
            [count(one.ours.1), count(one.theirs.1), one.differences.to_string(), one.standing.clone()];
        shown.add_row(std::iter::once(one.what.clone()).chain(cells));
    }
    ui.line(&shown.to_string());
    for one in reconciliations {
        for (item, detail) in &one.listed {
            ui.line(&format!("  {}: {item}: {detail}", one.what));
        }
    }
}

fn sentence(collected: &Collected) -> String {
    let PopulationSummary { populations, reconciliations } = &collected.summary;
    let read = populations.iter().filter(|one| one.from_platform).count();
    let cut = populations.iter().filter(|one| one.cut.is_some()).count();
    let agree = reconciliations.iter().filter(|one| one.agrees).count();
    let of = reconciliations.len();
    format!(
        "{}: {read} populations read from the platform, {cut} of them not to their end; {agree} of {of} reconciliations agree",
        collected.site
    )
}

fn as_json(collected: &Collected) -> serde_json::Value {
    let PopulationSummary { populations, reconciliations } = &collected.summary;
    let population = |one: &crate::evidence::population::PopulationLine| {
        json!({ "name": one.name, "rows": one.size, "from_platform": one.from_platform, "at": one.at,
                "source": one.source, "cut": one.cut, "nothing": one.nothing })
    };
    let reconciled = |one: &crate::evidence::population::ReconciliationLine| {
        let listed = one.listed.iter().map(|(item, detail)| json!({ "item": item, "detail": detail }));
        json!({ "what": one.what, "ours": { "source": one.ours.0, "count": one.ours.1 },
                "theirs": { "source": one.theirs.0, "count": one.theirs.1 }, "differences": one.differences,
                "standing": one.standing, "agrees": one.agrees, "listed": listed.collect::<Vec<_>>(), "at": one.at })
    };
    json!({ "site": collected.site,
            "populations": populations.iter().map(population).collect::<Vec<_>>(),
            "reconciliations": reconciliations.iter().map(reconciled).collect::<Vec<_>>() })
}
