//! `landfall versions`: what is pinned, and what each site runs.

use clap::Args;
use serde_json::json;

use super::args::Output;
use super::exit::Exit;
use super::run::journal_to_read;
use super::ui::Ui;
use crate::model::plan::PackLock;
use crate::ops::Context;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::plan::Asked;
use crate::ops::versions::{Behind, Pins, Standing, pins, standings};

/// What the JSON says about itself.
const JSON_VERSION: u32 = 1;

/// Arguments of `versions`.
#[derive(Debug, Args)]
pub struct VersionsArgs {
    /// The sites of one wave, and the scopes they rest on
    #[arg(long, value_name = "WAVE", conflicts_with_all = ["site", "pins"])]
    pub wave: Option<String>,
    /// These sites, and the scopes they rest on [default: all]
    #[arg(long, value_name = "CODE", value_delimiter = ',', conflicts_with = "pins")]
    pub site: Vec<String>,
    /// Only what program and estate are pinned to, as the documentation has it
    #[arg(long)]
    pub pins: bool,
    /// How to print
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// Prints versions.
pub fn versions(ui: &Ui, context: &Context, args: VersionsArgs) -> Result<Exit, Failure> {
    let desired = Desired::read(&context.root)?;
    let pins = pins(&desired);
    let asked = match (args.wave, args.site.is_empty()) {
        (Some(wave), _) => Asked::Wave(wave),
        (None, false) => Asked::Sites(args.site),
        (None, true) => Asked::All,
    };
    let all = if args.pins { Vec::new() } else { standings(&desired, &asked, &*journal_to_read(context)?)? };
    match args.output {
        Output::Json => ui.json(&json!({ "v": JSON_VERSION, "pins": pins, "scopes": all })),
        Output::Text => {
            pin_lines(&pins).iter().for_each(|line| ui.line(line));
            all.iter().flat_map(lines).for_each(|line| ui.line(&line));
        }
    }
    Ok(Exit::Done)
}

fn pin_lines(pins: &Pins) -> Vec<String> {
    let Pins { program, plan_format, apis, runtimes, packs } = pins;
    let apis: Vec<&str> = apis.iter().map(String::as_str).collect();
    let mut lines = vec![
        format!("Program   {program}"),
        format!("Plans     format {plan_format}"),
        format!("APIs      {}", apis.join(", ")),
        format!("Runtimes  {}", runtimes.join(", ")),
    ];
    // Digests change with every byte; they are in the JSON and in the lock file.
    lines.extend(packs.iter().map(|(name, lock)| format!("Pack      {name} {}", lock.version)));
    lines
}

fn lines(standing: &Standing) -> Vec<String> {
    let Standing { scope, release, confirmed, packs, behind } = standing;
    let (Some(release), Some(confirmed)) = (release, confirmed) else {
        return vec![format!("{scope:<18} no release yet")];
    };
    let state = match behind.len() {
        0 => "up to date".to_owned(),
        count => format!("behind by {count} of {} packs", packs.len()),
    };
    let mut lines = vec![format!("{:<18} {release:<4} {confirmed}  {state}", scope.to_string())];
    lines.extend(behind.iter().map(difference));
    lines
}

fn difference(behind: &Behind) -> String {
    let word = |lock: &Option<PackLock>| lock.as_ref().map_or("nothing".to_owned(), short);
    format!("    {}: has {}, the files have {}", behind.pack, word(&behind.has), word(&behind.files))
}

fn short(lock: &PackLock) -> String {
    format!("{} ({})", lock.version, lock.digest.short())
}
