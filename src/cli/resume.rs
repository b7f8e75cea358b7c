//! Going on with launches, and saying how they left: what failed, what waits for whom, and what to type next.

use super::args::{Resume, Show};
use super::exit::Exit;
use super::live::Live;
use super::run::{at, runtime, stop_on_signals};
use super::ui::Ui;
use super::way_back;
use crate::base::id::ScopeId;
use crate::base::time::Timestamp;
use crate::fleet::{Subject, Waiting};
use crate::journal::sqlite::SqliteJournal;
use crate::model::ask::Ask;
use crate::model::calendar::zone;
use crate::model::fleet_event::LaunchOutcome;
use crate::model::plan::{Plan, SavedPlan};
use crate::model::wait::Wait;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::launch::{self, Due, Found, Launched, Watch};
use crate::ops::target::{reach, sign_in};
use crate::ops::{self, Context};
use crate::runner::Left;
use crate::runner::feed::Feed;

/// Goes on with one launch, or with all whose moment has come.
pub fn resume(ui: &Ui, context: &Context, args: &Resume) -> Result<Exit, Failure> {
    let ui = &ui.with_stream(args.show.events.is_some());
    let context = &at(context, &args.moment)?;
    let desired = Desired::read(&context.root)?;
    if !context.journal_dir().exists() {
        ui.say("There is nothing to resume: nothing was ever launched");
        return Ok(Exit::Done);
    }
    let mut journal = SqliteJournal::open(&context.journal_dir())?;
    let mut unfinished = launch::unfinished(&journal)?;
    if unfinished.is_empty() {
        ui.say("There is nothing to resume: the last launch has ended");
        return Ok(Exit::Done);
    }
    if args.due {
        return resume_due(ui, context, &desired, journal, unfinished, args);
    }
    let found = match &args.run {
        None => unfinished.pop(),
        Some(run) => unfinished.into_iter().find(|found| found.run.as_str() == run),
    };
    let Some(found) = found else {
        return Err(Failure::usage(
            "no unfinished launch has this name",
            "landfall resume without a name takes the newest one up",
        ));
    };
    if is_paused(ui, &found) {
        return Ok(Exit::Waiting);
    }
    ops::phi::refuse_rest(context, &desired, &found)?;
    carry_on(ui, context, &desired, &mut journal, found, manner(args))
}

fn resume_due(
    ui: &Ui,
    context: &Context,
    desired: &Desired,
    mut journal: SqliteJournal,
    unfinished: Vec<Found>,
    args: &Resume,
) -> Result<Exit, Failure> {
    let entry = &mut ops::entry::judge(desired, context.clock.clone());
    let mut worst = None;
    let mut next: Option<Timestamp> = None;
    for found in unfinished {
        if is_paused(ui, &found) {
            continue;
        }
        match found.due(&journal, context.clock.now(), entry)? {
            Due::Now => {
                if let Err(Failure::Refused { reason }) = ops::phi::refuse_rest(context, desired, &found) {
                    ui.result(&format!("Run {} of {} does not go on: {reason}", found.run, found.title()));
                    worst = worse(worst, Exit::Refused);
                    continue;
                }
                let exit = carry_on(ui, context, desired, &mut journal, found, manner(args))?;
                worst = worse(worst, exit);
            }
            Due::At(at) => {
                ui.result(&format!("Run {} of {} goes on at {at}", found.run, found.title()));
                next = next.into_iter().chain([at]).min();
            }
            Due::People => {
                ui.result(&format!("Run {} of {} waits for somebody to decide", found.run, found.title()));
            }
        }
    }
    Ok(worst.unwrap_or_else(|| {
        match next {
            Some(at) => ui.result(&format!("Nothing is due; the next moment is {at}")),
            None => ui.result("Nothing is due, and nothing goes on by itself"),
        }
        Exit::Waiting
    }))
}

fn manner(args: &Resume) -> Manner<'_> {
    Manner { show: &args.show, stay: args.wait }
}

/// A launch that failed says more than one that waits, and one that waits more than one that is done.
fn worse(so_far: Option<Exit>, exit: Exit) -> Option<Exit> {
    match (so_far, exit) {
        (Some(before), Exit::Done) => Some(before),
        (Some(before), Exit::Waiting) if before != Exit::Done => Some(before),
        _ => Some(exit),
    }
}

/// Says who paused a launch, if somebody did: only `wave resume` lets it go on.
fn is_paused(ui: &Ui, found: &Found) -> bool {
    let Some(paused) = found.fleet.paused() else { return false };
    ui.result(&format!(
        "Run {} of {} was paused by {} at {}: {}",
        found.run,
        found.title(),
        paused.by.id,
        paused.at,
        paused.reason
    ));
    ui.say(&format!("Next: landfall wave resume {} --reason \"…\"", wave_of(&found.saved.plan)));
    true
}

/// How a launch that is taken up shows itself, and whether its process stays while it waits.
#[derive(Clone, Copy)]
pub(super) struct Manner<'m> {
    pub(super) show: &'m Show,
    pub(super) stay: bool,
}

/// Takes a launch up again in this process.
pub(super) fn carry_on(
    ui: &Ui,
    context: &Context,
    desired: &Desired,
    journal: &mut SqliteJournal,
    found: Found,
    manner: Manner<'_>,
) -> Result<Exit, Failure> {
    let (saved, runtime) = (&found.saved, runtime()?);
    let mut live = Live::new(*ui, manner.show);
    live.plan(&saved.plan);
    let entry = &mut ops::entry::judge(desired, context.clock.clone());
    let mut refusals = Vec::new();
    let (launched, reached) = runtime.block_on(async {
        let reached = reach(context, &desired.loaded, &saved.plan.target.name).await?.told(ui.talk());
        super::approve::launch::before_resume(ui, context, &found, &desired.loaded.estate, journal)?;
        sign_in(&reached).await?;
        super::notify::before(ui, context, journal, &desired.loaded.estate);
        let stop = stop_on_signals(*ui);
        let feed = &mut |feed: &Feed<'_>| {
            live.see(feed);
            refusals.extend(refusal(feed));
        };
        let watch = Watch { actor: ops::person(), stop, feed, entry, stay: manner.stay };
        let launched = launch::resume(context, &found, &reached, journal, watch).await?;
        Ok::<_, Failure>((launched, reached))
    })?;
    live.finish();
    super::change::afterwards(ui, context, desired, &launched.run, &runtime)?;
    let proved = way_back::afterwards(ui, context, desired, saved, &launched.run, (&runtime, &reached))?;
    let exit = proved.or(conclude(ui, context, desired, saved, &launched)?);
    Ok(if refusals.is_empty() { exit } else { Exit::Refused })
}

/// A wish that was refused, with the reason.
pub(super) fn refusal(feed: &Feed<'_>) -> Option<(Ask, String)> {
    match feed {
        Feed::Refused { ask, why, .. } => Some(((*ask).clone(), (*why).to_owned())),
        Feed::Fleet { .. } | Feed::Scope { .. } | Feed::Paced { .. } | Feed::Note { .. } => None,
    }
}

/// Publishes what was recorded, and tells those who want to know.
pub(super) fn hand_on(ui: &Ui, context: &Context, desired: &Desired) -> Result<SqliteJournal, Failure> {
    let journal = SqliteJournal::open_read_only(&context.journal_dir())?;
    super::witness::checkpoints(ui, context, &journal, &desired.loaded.estate);
    super::notify::after(ui, context, &journal, &desired.loaded.estate);
    Ok(journal)
}

/// Says how a launch left, what failed, and what to type next.
pub(super) fn conclude(
    ui: &Ui,
    context: &Context,
    desired: &Desired,
    saved: &SavedPlan,
    launched: &Launched,
) -> Result<Exit, Failure> {
    let journal = hand_on(ui, context, desired)?;
    for (scope, outcome) in launch::outcomes(&journal, &launched.run)? {
        ui.result(&format!("{:<20} {outcome}", scope.to_string()));
    }
    let report = ops::run_report::of_launch(&journal, &launched.run, saved)?;
    crate::report::run::short(&report).lines().for_each(|line| ui.result(line));
    Ok(match &launched.left {
        Left::Ended(LaunchOutcome::Succeeded) => {
            ui.result(&format!("Run {} succeeded", launched.run));
            ui.say("Next: landfall status, landfall evidence export --site CODE");
            Exit::Done
        }
        Left::Ended(LaunchOutcome::Partial | LaunchOutcome::Failed) => {
            ui.result(&format!("Run {} failed", launched.run));
            ui.say("Next: landfall status says why; mend it, then landfall retry --failed --reason \"…\"");
            Exit::Failed
        }
        Left::Ended(LaunchOutcome::Aborted) => {
            ui.result(&format!("Run {} was called off", launched.run));
            Exit::Failed
        }
        Left::Suspended => {
            ui.result(&format!("Run {} was stopped; everything is saved", launched.run));
            ui.say("Next: landfall resume goes on");
            Exit::Interrupted
        }
        Left::Waiting { waits, due } => {
            ui.result(&format!("Run {} waits; everything is saved and no process is needed", launched.run));
            waits.iter().for_each(|wait| ui.result(&line(&saved.plan, wait)));
            if let Some(due) = due {
                ui.say(&format!("Next: landfall resume --due at {due} or later"));
            }
            Exit::Waiting
        }
    })
}

/// One line: what waits, for what, since when, until when, who can release it, what to type.
fn line(plan: &Plan, waiting: &Waiting) -> String {
    let Waiting { subject, why, since, until } = waiting;
    let (what, scope) = match subject {
        Subject::Launch => ("the launch".to_owned(), None),
        Subject::Wave(wave) => (wave.to_string(), None),
        Subject::Scope(scope) => (scope.to_string(), Some(scope)),
    };
    let local = |moment: &Timestamp| shown(plan, scope, *moment);
    let since = since.as_ref().map_or(String::new(), |at| format!(", since {}", local(at)));
    let until = until.as_ref().map_or(String::new(), |at| format!(", until {}", local(at)));
    let next = match why {
        Wait::Window { .. } | Wait::Bake { .. } | Wait::Service { .. } => {
            ": landfall resume --due".to_owned()
        }
        Wait::Pause { .. } => format!(": landfall wave resume {} --reason \"…\"", wave_of(plan)),
        Wait::Entry { .. } => ": landfall resume, once it is closed".to_owned(),
        Wait::Scope { .. } | Wait::Place { .. } => String::new(),
    };
    format!("{what:<20} waits for {why}{since}{until}; released by {}{next}", why.released_by())
}

/// The wave that stands for a launch on the command line.
fn wave_of(plan: &Plan) -> String {
    plan.fleet.waves.first().map_or_else(|| "WAVE".to_owned(), |wave| wave.name.to_string())
}

/// A moment on the clock of a site's wall, or in UTC where there is none.
fn shown(plan: &Plan, scope: Option<&ScopeId>, moment: Timestamp) -> String {
    let calendar = scope.and_then(|scope| plan.scopes.get(scope)).and_then(|scope| scope.calendar.as_ref());
    match calendar.and_then(|calendar| Some((zone::named(&calendar.zone)?, &calendar.zone))) {
        Some((zone, name)) => format!("{:.0} {name}", zone::local(&zone, moment)),
        None => moment.to_string(),
    }
}
