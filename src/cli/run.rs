//! Commands that reach a target: plan, graph, apply, resume, rehearse, sandbox.

use std::path::Path;

use serde_json::json;

use super::args::{Apply, Graph, GraphForm, Moment, PlanArgs, PlanForm, PlanOutput, ShowPlan};
use super::exit::Exit;
use super::live::Live;
use super::resume::conclude;
use super::ui::Ui;
use super::{asked, draw, way_back};
use crate::journal::Journal;
use crate::journal::memory::MemoryJournal;
use crate::journal::sqlite::SqliteJournal;
use crate::model::estate::TargetDriver;
use crate::model::plan::SavedPlan;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::launch::{self, Watch};
use crate::ops::target::{Reached, reach, sign_in};
use crate::ops::{self, Context};
use crate::report::{against_view, brief, calls_view, graph_view, pattern_view, plan_view, room_view};
use crate::runner::clock::Clock;
use crate::runner::feed::Feed;
use crate::runner::stop::Stop;

/// What `plan --output json` says about itself.
const PLAN_JSON_VERSION: u32 = 1;

pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::failed(format!("cannot start: {e}")))
}

/// The journal to read from; a new estate has none, and looking does not make one.
pub(super) fn journal_to_read(context: &Context) -> Result<Box<dyn Journal>, Failure> {
    let dir = context.journal_dir();
    if dir.exists() {
        Ok(Box::new(SqliteJournal::open_read_only(&dir)?))
    } else {
        Ok(Box::new(MemoryJournal::new()))
    }
}

pub(super) fn warn(ui: &Ui, desired: &Desired) {
    if !desired.warnings.is_empty() {
        ui.always(draw::diagnostics(&desired.warnings, &desired.loaded.sources, ui.colour()).trim_end());
    }
}

async fn make_plan(
    ui: &Ui,
    context: &Context,
    desired: &Desired,
    select: &super::args::Select,
    target: &str,
) -> Result<(SavedPlan, Reached), Failure> {
    let selection = ops::plan::select(desired, &asked(select))?;
    let reached = reach(context, &desired.loaded, target).await?.told(ui.talk());
    let journal = journal_to_read(context)?;
    let saved = ops::plan::make(context, desired, selection, &reached, &*journal).await?;
    Ok((saved, reached))
}

pub fn plan(ui: &Ui, context: &Context, args: &PlanArgs) -> Result<Exit, Failure> {
    let context = &at(context, &args.moment)?;
    let desired = Desired::read_with(&context.root, args.packs.as_deref())?;
    let desired = ops::access::overlay(desired, &*journal_to_read(context)?, context.clock.now())?;
    warn(ui, &desired);
    let other = match &args.against {
        Some(text) => Some(ops::against::find(text, &*journal_to_read(context)?)?),
        None => None,
    };
    let (saved, _reached) =
        runtime()?.block_on(make_plan(ui, context, &desired, &args.select, &args.target))?;
    let counts = plan_view::counts(&saved.plan);
    let outlook = ops::overview::outlook(&saved, Some(&desired.loaded.estate));
    if let Some(packs) = &args.packs {
        super::packs::told(ui, context, packs, &desired)?;
    }
    if let Some(other) = &other {
        other.refuse_other_scope(&saved.plan)?;
    }
    let compared = other.as_ref().map(|other| other.compare(&saved.plan));
    let form = PlanForm { by_pattern: args.form.by_pattern || args.packs.is_some(), ..args.form };
    print_plan(ui, &saved, &form, &outlook, compared.as_ref());
    if let (Some(other), Some(compared), PlanOutput::Text) = (&other, &compared, form.output) {
        ui.data(&against_view::text(compared, &other.name));
    }
    for line in ops::phi::told(context, &desired, &saved.plan) {
        ui.always(&format!("warning: {line}: a target with gates refuses it"));
    }
    for line in ops::plan::too_long(&saved.plan) {
        ui.always(&format!("warning: {line}: a launch of this plan is refused"));
    }
    if let Some(out) = &args.out {
        ops::plan::save(&saved, out)?;
        ui.say(&format!(
            "Saved {}. It applies as long as its inputs and the logs stay as they are",
            out.display()
        ));
        let packs =
            args.packs.as_ref().map_or(String::new(), |packs| format!(" --packs {}", packs.display()));
        ui.say(&format!("Next: landfall apply {}{packs}", out.display()));
    }
    let differs = compared.map_or(counts.has_changes(), |compared| !compared.is_empty());
    Ok(if args.detailed_exitcode && differs { Exit::Differences } else { Exit::Done })
}

/// Prints a saved plan. The estate is asked only how long its plans are valid, and may be absent.
pub fn show(ui: &Ui, context: Result<Context, Failure>, args: &ShowPlan) -> Result<Exit, Failure> {
    let saved = ops::plan::read(&args.plan)?;
    let desired = context.ok().and_then(|context| Desired::read(&context.root).ok());
    let estate = desired.as_ref().map(|desired| &desired.loaded.estate);
    let own = estate.filter(|estate| estate.lineage == saved.plan.lineage);
    print_plan(ui, &saved, &args.form, &ops::overview::outlook(&saved, own), None);
    Ok(Exit::Done)
}

fn print_plan(
    ui: &Ui,
    saved: &SavedPlan,
    form: &PlanForm,
    outlook: &brief::Outlook,
    against: Option<&against_view::Comparison>,
) {
    let overview = &saved.plan.overview;
    match (form.output, form.patterns) {
        (PlanOutput::Json, true) => ui.json(&json!({
            "v": PLAN_JSON_VERSION, "digest": saved.digest, "patterns": overview.patterns,
        })),
        (PlanOutput::Json, false) => ui.json(&json!({
            "v": PLAN_JSON_VERSION, "digest": saved.digest, "made_at": saved.made_at,
            "counts": plan_view::counts(&saved.plan), "partial": saved.plan.selection.left_out(),
            "ceilings": room_view::ceilings(&saved.plan), "calls": ops::calls::of(&saved.plan),
            "against": against, "plan": saved.plan,
        })),
        (PlanOutput::Brief, _) => ui.data(&brief::text(saved, outlook)),
        (PlanOutput::Text, true) => ui.data(&pattern_view::text(&overview.patterns)),
        (PlanOutput::Text, false) => {
            let options = plan_view::Options {
                show_unchanged: form.show_unchanged,
                show_fields: form.show_fields,
                by_pattern: form.by_pattern,
            };
            ui.data(&plan_view::text(saved, options));
            if form.calls {
                ui.data(&calls_view::text(&ops::calls::of(&saved.plan)));
            }
        }
    }
}

pub fn graph(ui: &Ui, context: &Context, args: &Graph) -> Result<Exit, Failure> {
    let desired = Desired::read(&context.root)?;
    let selection = ops::plan::select(&desired, &asked(&args.select))?;
    let plan = ops::plan::offline(&desired, selection)?;
    match args.output {
        GraphForm::Text => ui.data(&graph_view::text(&plan)),
        GraphForm::Dot => ui.data(&graph_view::dot(&plan)),
        GraphForm::Svg => ui.data(&graph_view::svg(&plan)),
        GraphForm::Json => ui.json(&graph_view::json(&plan)),
    }
    Ok(Exit::Done)
}

pub fn apply(ui: &Ui, context: &Context, args: &Apply) -> Result<Exit, Failure> {
    let ui = &ui.with_stream(args.show.events.is_some());
    let context = &at(context, &args.moment)?;
    let saved = ops::plan::read(&args.plan)?;
    let desired = Desired::read_with(&context.root, args.packs.as_deref()).inspect_err(|failure| {
        if matches!(failure, Failure::Input { .. }) {
            for path in ops::stale::edited(&saved, &context.root) {
                ui.always(&format!("{path} was edited since the plan was made"));
            }
        }
    })?;
    let runtime = runtime()?;
    let mut live = Live::new(*ui, &args.show);
    live.plan(&saved.plan);
    let entry = &mut ops::entry::judge(&desired, context.clock.clone());
    let (launched, reached) = runtime.block_on(async {
        let reached = reach(context, &desired.loaded, &saved.plan.target.name).await?.told(ui.talk());
        let mut journal = SqliteJournal::open(&context.journal_dir())?;
        launch::refuse_held(context, &saved, &mut journal)?;
        // An unfinished launch makes this plan stale as well, but a new plan would not help.
        launch::refuse_shared(&saved, &journal)?;
        ops::stale::refuse(context, &saved, &desired, &reached, &journal).await?;
        super::gate::before(ui, context, &desired, &saved.plan, &mut journal)?;
        let estate = &desired.loaded.estate;
        launch::refuse_barred(&saved, &journal, entry)?;
        let change = args.change.as_deref();
        let cleared = ops::changes::refuse_without_change(context, estate, &saved, change, &journal).await?;
        // Last of what can be refused: nobody signs an emergency that would then be refused for another reason.
        let carved = super::approve::launch::before_launch(ui, context, &saved, estate, &mut journal, args)?;
        way_back::confirm(ui, &saved, args)?;
        sign_in(&reached).await?;
        super::notify::before(ui, context, &journal, &desired.loaded.estate);
        let stop = stop_on_signals(*ui);
        let feed = &mut |feed: &Feed<'_>| live.see(feed);
        let watch = Watch { actor: ops::person(), stop, feed, entry, stay: args.wait };
        ops::guard::record_named(context, &saved, &watch.actor, &mut journal)?;
        let rendered = ops::rollback::rendered(&saved, &desired.rendered, &journal)?;
        let change =
            cleared.map(|cleared| cleared.record(context, &saved, &watch.actor, &mut journal)).transpose()?;
        let launched = launch::begin_on(
            context,
            launch::On { saved: &saved, change, carved: &carved },
            &rendered,
            &reached,
            &mut journal,
            watch,
        )
        .await?;
        Ok::<_, Failure>((launched, reached))
    })?;
    live.finish();
    super::change::afterwards(ui, context, &desired, &launched.run, &runtime)?;
    let proved = way_back::afterwards(ui, context, &desired, &saved, &launched.run, (&runtime, &reached))?;
    Ok(proved.or(conclude(ui, context, &desired, &saved, &launched)?))
}

/// The context with the clock that was asked for.
pub(super) fn at(context: &Context, moment: &Moment) -> Result<Context, Failure> {
    let Some(text) = &moment.now else { return Ok(context.clone()) };
    let moment = text.parse().map_err(|error: crate::base::time::NotAMoment| {
        Failure::usage(format!("--now {text}: {error}"), "write --now 2027-01-12T01:30:00Z")
    })?;
    Ok(Context { clock: Clock::shifted_to(moment), ..context.clone() })
}

/// The first signal drains; the second ends the process at once, as a crash would: resume goes on from there.
pub(super) fn stop_on_signals(ui: Ui) -> Stop {
    let stop = Stop::new();
    let asked = stop.clone();
    tokio::spawn(async move {
        let mut terminated = signal_stream();
        for turn in 0.. {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                () = wait_for(&mut terminated) => {}
            }
            if turn > 0 {
                std::process::exit(i32::from(Exit::Interrupted as u8));
            }
            ui.always("Stopping: calls under way finish and are recorded. Again to stop at once");
            asked.ask();
        }
    });
    stop
}

#[cfg(unix)]
fn signal_stream() -> Option<tokio::signal::unix::Signal> {
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok()
}

#[cfg(unix)]
async fn wait_for(stream: &mut Option<tokio::signal::unix::Signal>) {
    match stream {
        Some(stream) => {
            stream.recv().await;
        }
        None => std::future::pending().await,
    }
}

#[cfg(not(unix))]
fn signal_stream() {}

#[cfg(not(unix))]
async fn wait_for(_stream: &mut ()) {
    std::future::pending().await
}

pub(super) fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).display().to_string()
}

/// The account of the estate's first sandbox target.
pub fn sandbox_account(context: &Context) -> Result<String, Failure> {
    let desired = Desired::read(&context.root)?;
    let targets = desired.loaded.estate.targets.values();
    let sandbox = targets.into_iter().find(|target| target.driver == TargetDriver::Sandbox);
    sandbox.map(|target| target.account_id.clone()).ok_or_else(|| {
        Failure::usage("the estate has no sandbox target", "name an account with --account-id")
    })
}

pub fn sandbox(ui: &Ui, wanted: ops::sandbox::Wanted) -> Result<Exit, Failure> {
    let ready = &mut |address: &ops::sandbox::Address| {
        let at = address.address;
        ui.line(&format!("DATABRICKS_HOST=http://{at}"));
        ui.line(&format!("DATABRICKS_ACCOUNT_ID={}", address.account_id));
        ui.line(&format!("DATABRICKS_CLIENT_ID={}", address.client.0));
        ui.line(&format!("DATABRICKS_CLIENT_SECRET={}", address.client.1.expose()));
        ui.line(&format!("SANDBOX_READER_ID={}", address.reader.0));
        ui.line(&format!("SANDBOX_READER_SECRET={}", address.reader.1.expose()));
        ui.line(&format!("SANDBOX_ADMIN_TOKEN={}", address.admin.expose()));
        ui.say("Serving until interrupted. The secrets end with this process");
    };
    runtime()?.block_on(async {
        let stop = stop_on_signals(*ui);
        ops::sandbox::run(wanted, stop, ready).await
    })?;
    Ok(Exit::Done)
}
