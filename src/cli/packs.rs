//! `landfall packs diff`, and what is said of other packs than the estate's own.

use std::path::Path;

use serde_json::json;

use super::args::Output;
use super::exit::Exit;
use super::ui::Ui;
use crate::ops::Context;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::upgrade;
use crate::report::{pack_view, plan_view};

/// Carries out `packs diff`.
pub fn diff(
    ui: &Ui,
    context: &Context,
    old: &Path,
    new: Option<&Path>,
    output: Output,
) -> Result<Exit, Failure> {
    let upgrade = upgrade::diff(&context.root, old, new)?;
    let rendered = match upgrade.rendered {
        Ok(rendered) => rendered,
        Err(failure) => {
            // What is known is shown: that one side does not fit the estate as it is now is common in an upgrade.
            match output {
                Output::Text => ui.data(&pack_view::packs(&upgrade.packs)),
                Output::Json => ui.json(&json!({ "v": 1, "packs": upgrade.packs, "rendered": null })),
            }
            ui.always("What they render to is not known: one side does not render for this estate as it is");
            return Err(failure);
        }
    };
    let plan = &rendered.plan.plan;
    match output {
        Output::Text => {
            ui.data(&pack_view::packs(&upgrade.packs));
            ui.data(&pack_view::rendered(&rendered));
        }
        Output::Json => ui.json(&json!({
            "v": 1, "packs": upgrade.packs,
            "rendered": {
                "counts": plan_view::counts(plan), "patterns": plan.overview.patterns,
                "scopes": plan.scopes, "beside": rendered.beside,
            },
        })),
    }
    Ok(Exit::Done)
}

/// Says which packs a plan was made with, against the estate's own.
pub(super) fn told(ui: &Ui, context: &Context, packs: &Path, desired: &Desired) -> Result<(), Failure> {
    let (own, _) = Desired::load(&context.root, None)?;
    ui.say(&format!("Packs from {}; paths below templates/ are in there", packs.display()));
    for change in pack_view::changes(&own.packs, &desired.loaded.packs) {
        ui.say(&format!("  {}", pack_view::line(&change)));
    }
    Ok(())
}
