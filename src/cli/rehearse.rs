//! `landfall rehearse`: a whole wave on a virtual clock, and what came of it.

use std::collections::{BTreeMap, BTreeSet};

use super::args::{Rehearse, StartFrom};
use super::exit::Exit;
use super::live::Live;
use super::run::{runtime, shown, stop_on_signals, warn};
use super::ui::Ui;
use super::verify::verdict_line;
use crate::model::plan::SavedPlan;
use crate::model::wait::OpenItem;
use crate::ops;
use crate::ops::Context;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::launch;
use crate::ops::plan::too_long;
use crate::ops::rehearse::{Beginning, Rehearsed};
use crate::report::{plan_view, waited};
use crate::runner::Left;
use crate::runner::feed::Feed;

pub fn rehearse(ui: &Ui, context: &Context, args: Rehearse) -> Result<Exit, Failure> {
    if args.life.all {
        return super::rehearse_life::rehearse(ui, context, &args);
    }
    let ui = &ui.with_stream(args.show.events.is_some());
    let desired = Desired::read(&context.root)?;
    warn(ui, &desired);
    let live = std::cell::RefCell::new(Live::new(*ui, &args.show));
    let rehearsed = runtime()?.block_on(async {
        let stop = stop_on_signals(*ui);
        let planned = &mut |saved: &SavedPlan| {
            ui.say(plan_view::summary(saved).trim_start());
            for line in too_long(&saved.plan) {
                ui.always(&format!("warning: {line}: a launch of this plan is refused"));
            }
            live.borrow_mut().plan(&saved.plan);
        };
        let feed = &mut |feed: &Feed<'_>| live.borrow_mut().see(feed);
        let wanted = ops::rehearse::Wanted {
            waves: &args.waves,
            seed: args.seed,
            out: args.out.as_deref(),
            from: if args.from == StartFrom::Live { Beginning::Live } else { Beginning::Empty },
            faults: &args.faults,
            stop,
        };
        ops::rehearse::rehearse(context, &desired, wanted, planned, feed).await
    })?;
    live.borrow_mut().finish();
    let (from, to) = rehearsed.time;
    let waves = args.waves.join(", ");
    ui.result(&format!("Rehearsed {waves} on a virtual clock: {from} to {to}, {}", to.since(from)));
    ui.result(&format!(
        "{} requests to the sandbox, {} of them changing something",
        rehearsed.requests.0, rehearsed.requests.1
    ));
    ui.result(&rehearsed.timeline.text());
    tell(ui, &rehearsed);
    before_real(ui, &waves, &rehearsed.open);
    let mut good = launch::went_well(&rehearsed.launched.left);
    for (exported, verdict) in &rehearsed.bundles {
        ui.result(&format!("Bundle {}", shown(&exported.path)));
        ui.say(&format!("Log key, to be kept outside the bundle: {}", exported.log_key));
        ui.result(&verdict_line(verdict));
        good &= verdict.holds();
    }
    if rehearsed.launched.left == Left::Suspended {
        ui.always("The rehearsal was stopped. It is not taken up again: its sandbox ends with it");
        return Ok(Exit::Interrupted);
    }
    if !good {
        ui.always("The rehearsal did not end well; see above");
        return Ok(Exit::Failed);
    }
    if let Some((exported, _)) = rehearsed.bundles.first() {
        let page = shown(&exported.path.join("index.html"));
        ui.say(&format!(
            "Next: open {page}, or landfall evidence verify --allow-rehearsal {}",
            shown(&exported.path)
        ));
    }
    Ok(Exit::Done)
}

/// What has to be closed before the waves may begin for real: one line for each criterion. A gate's items are its own
/// page.
fn before_real(ui: &Ui, waves: &str, open: &[OpenItem]) {
    if open.is_empty() {
        return;
    }
    ui.say(&format!("Before {waves} may begin for real:"));
    let mut criteria: BTreeMap<&str, Vec<&OpenItem>> = BTreeMap::new();
    for item in open {
        // What follows the criterion's id says where.
        let id = item.id.split(':').next().unwrap_or_default();
        criteria.entry(id).or_default().push(item);
    }
    for (id, items) in criteria {
        match items.as_slice() {
            [item] => ui.say(&format!("  {}: {} (open with {})", item.id, item.missing, item.owner)),
            several => {
                let owners: BTreeSet<&str> = several.iter().map(|item| item.owner.as_str()).collect();
                let owners: Vec<&str> = owners.into_iter().collect();
                ui.say(&format!("  {id}: {} things are open, with {}", several.len(), owners.join(", ")));
            }
        }
    }
    if open.len() > 1 {
        ui.say("  landfall gate list shows every gate, landfall inbox who is waited for");
    }
}

/// What waited for whom, where the rates bound, and what went wrong.
fn tell(ui: &Ui, rehearsed: &Rehearsed) {
    let waited = waited::text(&rehearsed.waited);
    if !waited.is_empty() {
        ui.result(waited.trim_end());
    }
    for (scope, outcome) in rehearsed.outcomes.iter().filter(|(_, outcome)| *outcome != "succeeded") {
        ui.result(&format!("{:<20} {outcome}", scope.to_string()));
    }
    for (wave, why) in &rehearsed.halted {
        ui.result(&format!("Wave {wave} was halted: {why}"));
    }
    let mut failed: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (scope, step, cause) in &rehearsed.failed {
        failed.entry(cause).or_default().push(format!("{scope} {step}"));
    }
    for (cause, steps) in failed {
        ui.result(&format!("Failed: {}: {cause}", steps.join(", ")));
    }
    let mut bound: Vec<_> = rehearsed.lanes.iter().filter(|lane| lane.bound.0 > 0).collect();
    bound.sort_by_key(|lane| std::cmp::Reverse(lane.bound));
    if bound.is_empty() {
        ui.result("No rate limit held a call back");
    }
    for lane in bound {
        ui.result(&format!(
            "{} held calls back for {} ({} calls at {} a second)",
            lane.lane.family.as_str(),
            lane.bound,
            lane.taken,
            lane.published.as_per_second()
        ));
    }
}
