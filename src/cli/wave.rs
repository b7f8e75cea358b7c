//! What people want of a launch: pause, resume, abort, skip, retry. Left for the process that runs it, or decided here.

use std::collections::BTreeSet;
use std::io::{BufRead, IsTerminal};

use super::args::{Progress, Retry, Show, Why};
use super::exit::Exit;
use super::live::Live;
use super::resume::{Manner, carry_on, hand_on, refusal};
use super::run::{at, runtime};
use super::ui::Ui;
use crate::base::id::{ScopeId, SiteCode};
use crate::journal::sqlite::SqliteJournal;
use crate::model::ask::Wish;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::launch::{self, Found, Watch};
use crate::ops::{self, Context};
use crate::runner::feed::Feed;
use crate::runner::stop::Stop;

/// Nothing new begins; what runs is suspended.
pub fn pause(ui: &Ui, context: &Context, wave: &str, why: &Why) -> Result<Exit, Failure> {
    let context = &at(context, &why.moment)?;
    let mut journal = open(context)?;
    let found = of_wave(&journal, wave)?;
    decide(ui, context, &mut journal, found, Wish::Pause, &why.reason)
}

/// A paused launch goes on.
pub fn resume(
    ui: &Ui,
    context: &Context,
    wave: &str,
    why: &Why,
    wait: bool,
    show: &Show,
) -> Result<Exit, Failure> {
    let ui = &ui.with_stream(show.events.is_some());
    let context = &at(context, &why.moment)?;
    let mut journal = open(context)?;
    let found = of_wave(&journal, wave)?;
    if left(ui, context, &mut journal, &found, Wish::Resume, &why.reason)? {
        return Ok(Exit::Done);
    }
    let desired = Desired::read(&context.root)?;
    carry_on(ui, context, &desired, &mut journal, found, Manner { show, stay: wait })
}

/// The launch is called off, after a typed confirmation.
pub fn abort(ui: &Ui, context: &Context, wave: &str, why: &Why, yes: bool) -> Result<Exit, Failure> {
    let context = &at(context, &why.moment)?;
    let mut journal = open(context)?;
    let found = of_wave(&journal, wave)?;
    if !yes {
        confirm(ui, &found, wave)?;
    }
    decide(ui, context, &mut journal, found, Wish::Abort, &why.reason)
}

/// A site is taken out.
pub fn skip(ui: &Ui, context: &Context, site: &str, why: &Why) -> Result<Exit, Failure> {
    let context = &at(context, &why.moment)?;
    let mut journal = open(context)?;
    let code = site_code(site)?;
    let scope = ScopeId::Site(code.clone());
    let found = launch::unfinished(&journal)?
        .into_iter()
        .rev()
        .find(|found| found.fleet.scopes().contains_key(&scope))
        .ok_or_else(|| none(&format!("no unfinished launch has {site}")))?;
    decide(ui, context, &mut journal, found, Wish::Skip(code), &why.reason)
}

/// Sites are tried again.
pub fn retry(ui: &Ui, context: &Context, args: &Retry) -> Result<Exit, Failure> {
    let ui = &ui.with_stream(args.show.events.is_some());
    let context = &at(context, &args.why.moment)?;
    let mut journal = open(context)?;
    let sites = args.site.iter().map(|site| site_code(site)).collect::<Result<BTreeSet<_>, _>>()?;
    let found = launch::newest_lost(&journal)?
        .ok_or_else(|| none("nothing failed, was skipped or was taken out of any launch"))?;
    if left(ui, context, &mut journal, &found, Wish::Retry(sites), &args.why.reason)? {
        return Ok(Exit::Done);
    }
    let desired = Desired::read(&context.root)?;
    carry_on(ui, context, &desired, &mut journal, found, Manner { show: &args.show, stay: args.wait })
}

fn open(context: &Context) -> Result<SqliteJournal, Failure> {
    if !context.journal_dir().exists() {
        return Err(none("nothing was ever launched"));
    }
    Ok(SqliteJournal::open(&context.journal_dir())?)
}

fn none(what: &str) -> Failure {
    Failure::usage(what, "landfall status shows where every site stands")
}

fn site_code(site: &str) -> Result<SiteCode, Failure> {
    SiteCode::new(site).map_err(|bad| Failure::usage(bad.to_string(), "site codes look like HRB01"))
}

/// The newest unfinished launch of a wave.
fn of_wave(journal: &SqliteJournal, wave: &str) -> Result<Found, Failure> {
    let has =
        |found: &Found| found.saved.plan.fleet.waves.iter().any(|planned| planned.name.as_str() == wave);
    let found = launch::unfinished(journal)?.into_iter().rev().find(has);
    found.ok_or_else(|| none(&format!("no unfinished launch has a wave `{wave}`")))
}

fn confirm(ui: &Ui, found: &Found, wave: &str) -> Result<(), Failure> {
    let said_no = || Failure::usage("nothing was called off", "type the wave's name, or say --yes");
    if !std::io::stdin().is_terminal() {
        return Err(said_no());
    }
    ui.always(&format!("This calls off run {} of {}. Type {wave} to go on:", found.run, found.title()));
    let mut typed = String::new();
    // One short line: whatever is longer is not the name.
    let read = std::io::stdin().lock().read_line(&mut typed);
    if read.is_ok() && typed.trim() == wave { Ok(()) } else { Err(said_no()) }
}

/// Leaves a wish; whether somebody else is going to take it up.
fn left(
    ui: &Ui,
    context: &Context,
    journal: &mut SqliteJournal,
    found: &Found,
    wish: Wish,
    reason: &str,
) -> Result<bool, Failure> {
    ops::target::refuse_shifted(context, &found.saved.plan.target)?;
    let Some(holder) = ops::wish::leave(context, journal, &found.run, wish, reason)? else {
        return Ok(false);
    };
    ui.result(&format!("Left for {holder}, which runs launch {} of {}", found.run, found.title()));
    ui.say("Next: landfall status");
    Ok(true)
}

/// Leaves a wish or, if no process runs the launch, decides it here and sends nothing.
fn decide(
    ui: &Ui,
    context: &Context,
    journal: &mut SqliteJournal,
    found: Found,
    wish: Wish,
    reason: &str,
) -> Result<Exit, Failure> {
    if left(ui, context, journal, &found, wish.clone(), reason)? {
        return Ok(Exit::Done);
    }
    let desired = Desired::read(&context.root)?;
    let (run, plan) = (found.run.clone(), found.saved.plan.clone());
    let show = Show { progress: Progress::Auto, events: None };
    let mut live = Live::new(*ui, &show);
    live.plan(&plan);
    let mut refusals = Vec::new();
    let entry = &mut ops::entry::judge(&desired, context.clock.clone());
    runtime()?.block_on(async {
        let feed = &mut |feed: &Feed<'_>| {
            live.see(feed);
            refusals.extend(refusal(feed));
        };
        let watch = Watch { actor: ops::person(), stop: Stop::new(), feed, entry, stay: false };
        ops::wish::decide(context, found, journal, watch).await
    })?;
    live.finish();
    hand_on(ui, context, &desired)?;
    if !refusals.is_empty() {
        return Ok(Exit::Refused);
    }
    let (what, next) = match wish {
        Wish::Pause => ("is paused".to_owned(), "landfall wave resume WAVE lets it go on"),
        Wish::Abort => ("was called off".to_owned(), "landfall status shows what stands"),
        Wish::Skip(site) => (format!("goes on without {site}"), "landfall resume goes on"),
        Wish::Resume | Wish::Retry(_) => ("may go on".to_owned(), "landfall resume goes on"),
    };
    ui.result(&format!("Run {run} {what}"));
    ui.say("Recorded; no call was sent");
    ui.say(&format!("Next: {next}"));
    Ok(Exit::Done)
}
