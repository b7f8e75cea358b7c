//! `landfall schedule`: when each site may be changed next.

use serde_json::json;

use super::args::{Output, Schedule as Args};
use super::exit::Exit;
use super::ui::Ui;
use crate::ops::Context;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::plan::Asked;
use crate::ops::schedule::{Opened, Schedule, schedules};

pub fn schedule(ui: &Ui, context: &Context, args: &Args) -> Result<Exit, Failure> {
    let desired = Desired::read(&context.root)?;
    let asked = match (&args.wave, args.site.is_empty()) {
        (Some(wave), _) => Asked::Wave(wave.clone()),
        (None, false) => Asked::Sites(args.site.clone()),
        (None, true) => Asked::All,
    };
    let from = args.from.unwrap_or_else(|| context.clock.now());
    let all = schedules(&desired, &asked, from)?;
    match args.output {
        Output::Json => ui.json(&json!({ "v": 1, "from": from, "sites": all })),
        Output::Text => {
            let parts: Vec<String> = all.iter().map(text).collect();
            ui.line(&parts.join("\n\n"));
        }
    }
    Ok(Exit::Done)
}

/// One site: a line about it, then a line for each opening and each freeze.
fn text(schedule: &Schedule) -> String {
    let mut lines = vec![head(schedule)];
    match (&schedule.shut, schedule.openings.is_empty()) {
        (Some(why), true) => lines.push(format!("  no opening within 400 days: {why}")),
        (Some(why), false) => lines.push(format!("  shut at that moment: {why}")),
        (None, _) => lines.push("  open at that moment".to_owned()),
    }
    lines.extend(schedule.openings.iter().map(opening));
    let frozen = |freeze: &crate::model::calendar::FreezeDays| {
        format!("  frozen  {} to {}  {}", freeze.from, freeze.to, freeze.name)
    };
    lines.extend(schedule.freezes.iter().map(frozen));
    lines.join("\n")
}

fn head(schedule: &Schedule) -> String {
    let mut parts = vec![schedule.site.to_string()];
    parts.extend(schedule.wave.as_ref().map(ToString::to_string));
    parts.push(schedule.zone.clone());
    parts.extend(schedule.first_day.map(|day| format!("from {day}")));
    parts.push(match (schedule.longest, schedule.any_time) {
        (Some(longest), _) => format!("longest opening of a year {longest}"),
        (None, true) => "no windows: any time".to_owned(),
        (None, false) => "windows without a gap".to_owned(),
    });
    parts.join("  ")
}

fn opening(opening: &Opened) -> String {
    match (&opening.end_local, opening.end) {
        (Some(local), Some(end)) => {
            format!("  open    {} to {local}  {}", opening.begin_local, end.since(opening.begin))
        }
        (None, _) | (_, None) => format!("  open    {} on", opening.begin_local),
    }
}
