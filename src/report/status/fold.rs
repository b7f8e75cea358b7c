//! From the logs' states to the document.

use super::chain::{Told, failed};
use super::ends::{Ends, ends};
use super::{
    Launch, LaunchState, Place, STATUS_VERSION, Scope, ScopeState, Seen, Sources, Status, Wave, WaveState,
};
use crate::base::id::{ScopeId, WaveName};
use crate::base::time::{Millis, Timestamp};
use crate::engine;
use crate::fleet;
use crate::model::calendar::Calendar;
use crate::model::fleet_event::LaunchOutcome;
use crate::model::plan::Selection;

/// What one launch says, looked up once.
struct Voice<'s> {
    told: Told<'s>,
    state: LaunchState,
    ends: Ends,
}

/// Where everything stands.
pub fn fold(sources: &Sources) -> Status {
    let voices: Vec<Voice<'_>> = sources
        .launches
        .iter()
        .map(|seen| {
            let told = Told::new(seen, sources);
            let state = launch_state(seen);
            let ends = if state == LaunchState::Running { ends(seen, sources.at) } else { Ends::default() };
            Voice { told, state, ends }
        })
        .collect();
    let scopes: Vec<Scope> =
        sources.places.iter().map(|(id, place)| scope(sources, &voices, id, place)).collect();
    let waves = sources.waves.iter().map(|(name, sites)| wave(&voices, name, sites, &scopes)).collect();
    let newest = voices.len().saturating_sub(1);
    let shown = voices.iter().enumerate().filter(|(index, voice)| *index == newest || voice.state.is_open());
    Status {
        gates: Vec::new(),
        v: STATUS_VERSION,
        at: sources.at,
        estate: sources.estate.clone(),
        launches: shown.map(|(_, voice)| launch(voice)).collect(),
        waves,
        scopes,
    }
}

fn launch_state(seen: &Seen) -> LaunchState {
    match seen.fleet.ended() {
        Some(LaunchOutcome::Succeeded) => LaunchState::Succeeded,
        Some(LaunchOutcome::Partial) => LaunchState::Partial,
        Some(LaunchOutcome::Failed) => LaunchState::Failed,
        Some(LaunchOutcome::Aborted) => LaunchState::Aborted,
        None if seen.fleet.is_aborting() => LaunchState::Aborting,
        None if seen.fleet.paused().is_some() => LaunchState::Paused,
        None if seen.holder.is_some() => LaunchState::Running,
        None if seen.fleet.is_suspended() => LaunchState::Suspended,
        None => LaunchState::Unfinished,
    }
}

fn launch(voice: &Voice<'_>) -> Launch {
    let seen = voice.told.seen;
    let covers = match &seen.plan.selection {
        Selection::All => "the whole estate".to_owned(),
        Selection::Wave(wave) => wave.to_string(),
        Selection::Sites(_) | Selection::Part(_) => {
            let sites = seen.plan.selection.sites().into_iter().flatten();
            sites.map(|site| site.as_str()).collect::<Vec<_>>().join(", ")
        }
    };
    Launch {
        run: seen.run.clone(),
        covers,
        state: voice.state,
        began: seen.began,
        holder: seen.holder.clone(),
        waits: voice.told.launch(),
    }
}

/// The launch that has the last word on a scope: the newest one that is open or did something to it, else the newest.
fn voice<'v, 's>(voices: &'v [Voice<'s>], scope: &ScopeId) -> Option<&'v Voice<'s>> {
    let has = |voice: &&Voice<'_>| voice.told.seen.fleet.scopes().contains_key(scope);
    let speaks = |voice: &&Voice<'_>| {
        let phase = voice.told.seen.fleet.scopes().get(scope);
        voice.state.is_open() || phase.is_some_and(|phase| *phase != fleet::Phase::Pending)
    };
    let newest_first = || voices.iter().rev().filter(has);
    newest_first().find(speaks).or_else(|| newest_first().next())
}

fn scope(sources: &Sources, voices: &[Voice<'_>], id: &ScopeId, place: &Place) -> Scope {
    let mut row = Scope {
        scope: id.clone(),
        name: place.name.clone(),
        region: place.region.clone(),
        wave: place.wave.clone(),
        zone: place.calendar.as_ref().map_or_else(|| "UTC".to_owned(), zone_of),
        state: ScopeState::NotStarted,
        run: None,
        round: 0,
        done: 0,
        total: 0,
        percent: 0,
        under_way: Vec::new(),
        failed: std::collections::BTreeMap::new(),
        blocked: std::collections::BTreeMap::new(),
        since: None,
        next_window: opens(sources, place.calendar.as_ref()),
        expected_end: None,
        blocker: None,
        waits: Vec::new(),
    };
    let Some(voice) = voice(voices, id) else { return row };
    let seen = voice.told.seen;
    let plan = seen.plan.scope(id);
    row.run = Some(seen.run.clone());
    row.round = seen.fleet.round(id);
    row.total = plan.steps.len();
    row.waits = voice.told.scope(id);
    row.blocker = row.waits.first().and_then(|chain| chain.last()).cloned();
    row.expected_end = voice.ends.scopes.get(id).copied();
    if let Some(run) = seen.scopes.get(id) {
        (row.done, _) = progress(&run.state);
        row.percent = (row.done * 100).checked_div(row.total).unwrap_or(100);
        row.under_way = run.sent.keys().cloned().collect();
        row.failed =
            failed(&run.state).into_iter().map(|(step, cause)| (step.clone(), cause.to_string())).collect();
        row.blocked = run.state.steps().iter().filter_map(blocked).collect();
        row.since = Some(run.since);
    }
    row.state = scope_state(voice, id, !row.waits.is_empty());
    if row.since.is_none() {
        row.since = seen.fleet.waiting(id).map(|known| known.since);
    }
    // What a launch is bound to counts while it is open; a sandbox may keep no calendar.
    if voice.state.is_open() {
        row.next_window = opens(sources, plan.calendar.as_ref());
    }
    row
}

/// The clock that people at a site look at: that of its first window, else that of its calendar.
fn zone_of(calendar: &Calendar) -> String {
    calendar.windows.first().map_or_else(|| calendar.zone.clone(), |window| window.zone.clone())
}

/// The next legal start, where a calendar says more than "at any time".
fn opens(sources: &Sources, calendar: Option<&Calendar>) -> Option<Timestamp> {
    let says =
        |one: &&Calendar| !(one.windows.is_empty() && one.freezes.is_empty() && one.first_day.is_none());
    calendar.filter(says)?.next_legal_start(sources.at, Millis(0))
}

fn blocked(
    (id, step): (&crate::base::id::StepId, &engine::Step),
) -> Option<(crate::base::id::StepId, crate::base::id::StepId)> {
    match &step.phase {
        engine::Phase::Blocked { by } => Some((id.clone(), by.clone())),
        engine::Phase::Waiting
        | engine::Phase::Observing
        | engine::Phase::Applying { .. }
        | engine::Phase::Verifying { .. }
        | engine::Phase::Resting { .. }
        | engine::Phase::Succeeded { .. }
        | engine::Phase::Failed { .. } => None,
    }
}

fn scope_state(voice: &Voice<'_>, id: &ScopeId, waits: bool) -> ScopeState {
    let seen = voice.told.seen;
    match seen.fleet.scopes().get(id).unwrap_or(&fleet::Phase::Pending) {
        fleet::Phase::Pending if voice.state.is_open() && waits && !is_behind_halt(seen, id) => {
            ScopeState::Waiting
        }
        fleet::Phase::Pending => ScopeState::NotStarted,
        fleet::Phase::Running if seen.holder.is_none() => ScopeState::Unfinished,
        fleet::Phase::Running if seen.scopes.get(id).is_some_and(|run| rests(&run.state)) => {
            ScopeState::Waiting
        }
        fleet::Phase::Running => ScopeState::Running,
        fleet::Phase::Aborting => ScopeState::Aborting,
        fleet::Phase::Suspended => ScopeState::Suspended,
        fleet::Phase::Succeeded => ScopeState::Succeeded,
        fleet::Phase::Failed => ScopeState::Failed,
        fleet::Phase::Aborted => ScopeState::Aborted,
        fleet::Phase::Skipped { .. } => ScopeState::Skipped,
    }
}

/// Whether a site stays where it is because its wave, or one before it, was halted.
fn is_behind_halt(seen: &Seen, id: &ScopeId) -> bool {
    let waves = seen.fleet.waves();
    let own = waves.iter().position(|wave| wave.sites.contains(id));
    own.is_some_and(|own| waves[..=own].iter().any(|wave| wave.halted.is_some()))
}

/// Whether every step that has not ended only waits for time or for another step.
fn rests(state: &engine::State) -> bool {
    let idle = |step: &engine::Step| match &step.phase {
        engine::Phase::Observing | engine::Phase::Applying { .. } => false,
        engine::Phase::Verifying { .. }
        | engine::Phase::Waiting
        | engine::Phase::Resting { .. }
        | engine::Phase::Succeeded { .. }
        | engine::Phase::Failed { .. }
        | engine::Phase::Blocked { .. } => true,
    };
    state.is_started() && state.steps().values().all(idle)
}

/// Steps that reached their goal, and all steps.
pub(super) fn progress(state: &engine::State) -> (usize, usize) {
    let done = |step: &&engine::Step| matches!(step.phase, engine::Phase::Succeeded { .. });
    (state.steps().values().filter(done).count(), state.steps().len())
}

fn wave(voices: &[Voice<'_>], name: &WaveName, sites: &[ScopeId], scopes: &[Scope]) -> Wave {
    let rows: Vec<&Scope> = scopes.iter().filter(|scope| sites.contains(&scope.scope)).collect();
    let count = |passes: &dyn Fn(ScopeState) -> bool| rows.iter().filter(|row| passes(row.state)).count();
    let done = count(&|state| state == ScopeState::Succeeded);
    let failed = count(&ScopeState::is_lost);
    let of_launch = voices.iter().rev().find_map(|voice| {
        let wave = voice.told.seen.fleet.waves().iter().find(|wave| wave.name == *name)?;
        Some((voice, wave))
    });
    let by_sites = by_sites(&rows, done, failed);
    let Some((voice, of_fleet)) = of_launch else {
        let (run, expected_end, waits) = (None, None, Vec::new());
        let (name, total) = (name.clone(), sites.len());
        return Wave { name, state: by_sites, run, done, failed, total, expected_end, waits };
    };
    let state = wave_state(voice, of_fleet, by_sites);
    let is_over = matches!(state, WaveState::Done | WaveState::Running);
    Wave {
        name: name.clone(),
        state,
        run: Some(voice.told.seen.run.clone()),
        done,
        failed,
        total: sites.len(),
        expected_end: voice.ends.waves.get(name).copied().filter(|_| state != WaveState::Done),
        waits: if is_over { Vec::new() } else { voice.told.wave(of_fleet) },
    }
}

/// A wave's state by what its launch says, where that says more than its sites do.
fn wave_state(voice: &Voice<'_>, wave: &fleet::Wave, by_sites: WaveState) -> WaveState {
    let barred = matches!(wave.entry, fleet::Entry::Barred(_) | fleet::Entry::Judging(Some(_)));
    if wave.halted.is_some() && by_sites != WaveState::Done {
        return WaveState::Halted;
    }
    match voice.state {
        LaunchState::Paused if by_sites == WaveState::Done => WaveState::Done,
        LaunchState::Paused => WaveState::Paused,
        _ if !voice.state.is_open() => by_sites,
        _ if barred => WaveState::Barred,
        _ if wave.baking.is_some() => WaveState::Baking,
        LaunchState::Running | LaunchState::Aborting => by_sites,
        _ if matches!(by_sites, WaveState::Running) => WaveState::Suspended,
        _ => by_sites,
    }
}

/// A wave's state by its sites alone.
fn by_sites(rows: &[&Scope], done: usize, failed: usize) -> WaveState {
    use ScopeState::{Aborted, Aborting, Failed, NotStarted, Running, Suspended, Unfinished, Waiting};
    let any = |states: &[ScopeState]| rows.iter().any(|row| states.contains(&row.state));
    if !rows.is_empty() && done == rows.len() {
        return WaveState::Done;
    }
    // A site that has begun and rests is as much under way as one that waits while others have ended.
    let begun = rows.iter().any(|row| row.state == Waiting && row.round > 0);
    if any(&[Running, Unfinished, Suspended, Aborting]) || begun || (any(&[Waiting]) && done + failed > 0) {
        return WaveState::Running;
    }
    if rows.iter().all(|row| matches!(row.state, NotStarted | Waiting)) {
        return WaveState::NotStarted;
    }
    match (done > 0, any(&[Failed])) {
        (true, _) => WaveState::Partial,
        (false, true) => WaveState::Failed,
        (false, false) if any(&[Aborted]) => WaveState::Aborted,
        (false, false) => WaveState::NotStarted,
    }
}
