//! `landfall rehearse --all`: waves through their whole life, with everybody who plays a part.

use clap::{Args, ValueEnum};

use super::args::{Output, Rehearse};
use super::exit::Exit;
use super::run::{runtime, shown, stop_on_signals, warn};
use super::ui::Ui;
use super::verify::verdict_line;
use crate::ops::Context;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::rehearse::life::{Lived, Wanted, live};
use crate::report::life::{Event, Kind};

/// Which sites get a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Bundles {
    /// Those of the last wave
    Last,
    /// Those of all waves
    All,
}

/// Arguments of the whole life.
#[derive(Debug, Args)]
pub struct LifeArgs {
    /// Live through the waves from readiness on: personas file, state, sign and approve, each gate is found closed and
    /// opened; for example `landfall rehearse --all --until pilot`
    #[arg(long, conflicts_with_all = ["from", "faults"])]
    pub all: bool,
    /// The last wave that is lived through, with --all
    #[arg(long, value_name = "WAVE", requires = "all", default_value = "wave2")]
    pub until: String,
    /// Which sites get a bundle, with --all
    #[arg(long, value_enum, requires = "all", default_value_t = Bundles::Last)]
    pub bundles: Bundles,
    /// Print every record and statement too, with --all
    #[arg(long, requires = "all")]
    pub every: bool,
    /// How to print, with --all
    #[arg(long, short, value_enum, requires = "all", default_value_t = Output::Text)]
    pub output: Output,
}

pub fn rehearse(ui: &Ui, context: &Context, args: &Rehearse) -> Result<Exit, Failure> {
    let desired = Desired::read(&context.root)?;
    warn(ui, &desired);
    let is_text = matches!(args.life.output, Output::Text);
    let every = args.life.every;
    let tell = &mut |event: &Event| {
        let told = every || !matches!(event.kind, Kind::Filed | Kind::Stated);
        if is_text && told {
            ui.line(&event.line());
        }
    };
    let lived = runtime()?.block_on(async {
        let wanted = Wanted {
            until: &args.life.until,
            seed: args.seed,
            out: args.out.as_deref(),
            bundles_of_all: args.life.bundles == Bundles::All,
            stop: stop_on_signals(*ui),
        };
        live(context, desired, wanted, tell).await
    })?;
    Ok(conclude(ui, &lived, is_text))
}

fn conclude(ui: &Ui, lived: &Lived, is_text: bool) -> Exit {
    let Lived { life, bundles, interrupted } = lived;
    if is_text {
        ui.line("");
        ui.line(life.tables().trim_end());
    } else {
        ui.json(&serde_json::json!(life));
    }
    let mut good = life.good;
    for (exported, verdict) in bundles {
        if is_text {
            ui.line(&format!("Bundle {}: {}", shown(&exported.path), verdict_line(verdict)));
        }
        good &= verdict.holds();
    }
    if *interrupted {
        ui.always("The rehearsal was stopped. It is not taken up again: its sandbox ends with it");
        return Exit::Interrupted;
    }
    for gate in life.shut() {
        ui.always(&format!("Stayed closed: {gate}"));
    }
    for wave in life.waves.iter().filter(|wave| !wave.good) {
        ui.always(&format!("Did not succeed: {}: {}", wave.wave, wave.outcome));
    }
    for event in life.events.iter().filter(|event| event.kind == Kind::Finding) {
        ui.always(&format!("Finding: {}", event.what));
    }
    if good { Exit::Done } else { Exit::Failed }
}
