//! `landfall evidence verify`: one bundle check by check, or many with a line for each.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::args::Output;
use super::exit::Exit;
use super::ui::Ui;
use crate::base::limits::VERIFY_BATCH_MAX;
use crate::evidence::verify::{Completeness, Integrity, Pins, Verdict};
use crate::ops::error::Failure;
use crate::ops::verify::{self, Trusted, bundles, bundles_at, pins};

/// Arguments of `evidence verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// Folders or archives of bundles, or folders that hold nothing but bundles
    #[arg(required = true, value_name = "BUNDLE")]
    pub bundles: Vec<PathBuf>,
    /// The key you trust, as given to you outside the bundle
    #[arg(long, value_name = "VKEY")]
    pub key: Option<String>,
    /// A bundle or checkpoint that you kept: the log must continue it
    #[arg(long, value_name = "PATH")]
    pub previous: Option<PathBuf>,
    /// The key of a witness: its cosignature must be there
    #[arg(long, value_name = "VKEY")]
    pub witness: Option<String>,
    /// A PEM file with the authorities that you trust for time stamps: the checkpoint must have one
    #[arg(long, value_name = "FILE")]
    pub tsa_ca: Option<PathBuf>,
    /// Accept a rehearsal's bundle
    #[arg(long)]
    pub allow_rehearsal: bool,
    /// How to print
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// Said of verdicts that rest on keys from the bundle itself.
const UNPINNED: &str =
    "The keys were taken from the bundle itself; give --key with the key you were handed to be sure";
/// Said of a rehearsal's bundle that nobody asked for.
const REHEARSAL: &str =
    "This is the bundle of a rehearsal: nothing in it really happened. --allow-rehearsal accepts it";

/// Checks one bundle, or many.
pub fn verify(ui: &Ui, args: &Verify) -> Result<Exit, Failure> {
    let pins = pins(Trusted {
        key: args.key.as_deref(),
        witness: args.witness.as_deref(),
        previous: args.previous.as_deref(),
        tsa_ca: args.tsa_ca.as_deref(),
    })?;
    let bundles = bundles_at(&args.bundles)?;
    if bundles == args.bundles
        && let [bundle] = bundles.as_slice()
    {
        return one(ui, bundle, &pins, args);
    }
    if args.previous.is_some() {
        let help = "name the bundle that continues it alone";
        return Err(Failure::usage("--previous is about the log of one site", help));
    }
    many(ui, &bundles, &pins, args)
}

fn one(ui: &Ui, bundle: &Path, pins: &Pins, args: &Verify) -> Result<Exit, Failure> {
    let verdict = verify::checked(bundle, pins)?;
    if args.output == Output::Json {
        ui.json(&value(&verdict)?);
    } else {
        for check in &verdict.checks {
            ui.line(&format!("{:<4} {:<22} {}", mark(check.ok), check.name, check.detail));
        }
        ui.line(&verdict_line(&verdict));
        unpinned(ui, pins);
    }
    if !verdict.holds() {
        return Ok(Exit::NotVerified);
    }
    if !accepted(&verdict, args) {
        ui.always(REHEARSAL);
        return Ok(Exit::NotVerified);
    }
    Ok(Exit::Done)
}

/// A line for each bundle and a total. Whoever looks into one of them verifies that one alone.
fn many(ui: &Ui, bundles: &[PathBuf], pins: &Pins, args: &Verify) -> Result<Exit, Failure> {
    let (mut told, mut good, mut rehearsed) = (Vec::new(), 0, false);
    for batch in bundles.chunks(VERIFY_BATCH_MAX) {
        for (bundle, verdict) in batch.iter().zip(self::bundles(batch, pins)) {
            let accepted =
                verdict.as_ref().is_ok_and(|verdict| verdict.holds() && self::accepted(verdict, args));
            good += usize::from(accepted);
            rehearsed |= verdict.as_ref().is_ok_and(|verdict| !self::accepted(verdict, args));
            if args.output == Output::Json {
                told.push(of_many(bundle, &verdict)?);
            } else {
                let words = verdict.as_ref().map_or_else(ToString::to_string, verdict_line);
                ui.line(&format!("{:<4} {}: {words}", mark(accepted), bundle.display()));
            }
        }
    }
    let bad = bundles.len() - good;
    if args.output == Output::Json {
        ui.json(&json!({"bundles": told, "good": good, "bad": bad}));
    } else {
        ui.line(&format!("{} bundles: {good} good, {bad} not", bundles.len()));
        unpinned(ui, pins);
    }
    if rehearsed {
        ui.always("Bundles of rehearsals are among them: nothing in those really happened. --allow-rehearsal accepts them");
    }
    Ok(if bad == 0 { Exit::Done } else { Exit::NotVerified })
}

fn of_many(bundle: &Path, verdict: &Result<Verdict, Failure>) -> Result<Value, Failure> {
    let path = bundle.display().to_string();
    Ok(match verdict {
        Ok(verdict) => json!({"path": path, "verdict": value(verdict)?}),
        Err(error) => json!({"path": path, "error": error.to_string()}),
    })
}

fn value(verdict: &Verdict) -> Result<Value, Failure> {
    serde_json::to_value(verdict).map_err(|error| Failure::failed(error.to_string()))
}

fn mark(ok: bool) -> &'static str {
    if ok { "ok" } else { "FAIL" }
}

/// Whether it is a real run's, or a rehearsal's that is wanted.
fn accepted(verdict: &Verdict, args: &Verify) -> bool {
    !verdict.rehearsal || args.allow_rehearsal
}

fn unpinned(ui: &Ui, pins: &Pins) {
    if pins.log.is_none() {
        ui.say(UNPINNED);
    }
}

/// Both verdicts in one line; they are never folded into one word.
pub fn verdict_line(verdict: &Verdict) -> String {
    let integrity = match &verdict.integrity {
        Integrity::Ok => "integrity ok".to_owned(),
        Integrity::Broken { first } => format!("integrity BROKEN: {first}"),
    };
    let complete = match &verdict.completeness {
        Completeness::Complete => "complete ok".to_owned(),
        Completeness::Incomplete { what } => format!("INCOMPLETE: {what}"),
    };
    let rehearsal = if verdict.rehearsal { " (rehearsal)" } else { "" };
    format!("{integrity}, {complete}{rehearsal}")
}
