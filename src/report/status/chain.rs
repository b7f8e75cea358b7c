//! Chains of reasons: from what does not go on, link by link, to who or what can release it.

use std::collections::BTreeSet;

use super::{Link, On, People, Run, Seen, Sources};
use crate::base::id::{ScopeId, StepId};
use crate::base::limits::{CHAIN_LINKS_MAX, CHAINS_MAX};
use crate::base::time::Timestamp;
use crate::engine::{self, StepWait, WaitsOn};
use crate::fleet::{self, Subject, Waiting};
use crate::model::event::Rest;
use crate::model::fleet_event::{HaltReason, SkipReason};
use crate::model::outcome::{Cause, CauseClass};
use crate::model::wait::Wait;

/// A launch with what it waits for.
pub(super) struct Told<'s> {
    pub(super) seen: &'s Seen,
    pub(super) waits: Vec<Waiting>,
    people: &'s People,
    at: Timestamp,
}

/// A chain that grows. What it has passed is not followed again.
#[derive(Default)]
struct Trail {
    links: Vec<Link>,
    passed: BTreeSet<ScopeId>,
}

impl Trail {
    fn add(&mut self, link: Link) {
        if self.links.len() < CHAIN_LINKS_MAX {
            self.links.push(link);
        }
    }
}

/// A link with nothing but its words.
pub(super) fn link(on: On, what: impl Into<String>) -> Link {
    let (since, age, until, owners, next) = (None, None, None, Vec::new(), None);
    Link { on, what: what.into(), since, age, until, owners, next }
}

impl<'s> Told<'s> {
    pub(super) fn new(seen: &'s Seen, sources: &'s Sources) -> Self {
        let waits = fleet::waits(&seen.plan, &seen.fleet, sources.at);
        Self { seen, waits, people: &sources.people, at: sources.at }
    }

    /// Why the launch as a whole does not go on.
    pub(super) fn launch(&self) -> Vec<Link> {
        let mut links = Vec::new();
        links.extend(self.pause());
        if self.seen.fleet.is_aborting() && self.seen.fleet.ended().is_none() {
            links.push(link(On::Person, "it is being called off; calls under way finish"));
        }
        if links.is_empty() {
            links.extend(self.resume());
        }
        links.into_iter().map(|link| self.aged(link)).collect()
    }

    /// Why a wave stands as it does.
    pub(super) fn wave(&self, wave: &fleet::Wave) -> Vec<Link> {
        let mut trail = Trail::default();
        let own = self.of(&Subject::Wave(wave.name.clone()));
        if let Some(why) = &wave.halted {
            self.halt(wave, why, &mut trail);
        } else if let Some(pause) = self.pause() {
            trail.add(pause);
        } else if let Some(waiting) = own.first() {
            self.expand(waiting, None, &mut trail);
        } else if wave.sites.iter().any(|site| !self.phase(site).is_ended()) {
            self.behind(wave, &mut trail);
            if trail.links.is_empty() {
                self.resume().into_iter().for_each(|link| trail.add(link));
            }
        }
        self.done(trail)
    }

    /// Why a scope does not go on: the chain that counts first.
    pub(super) fn scope(&self, scope: &ScopeId) -> Vec<Vec<Link>> {
        self.trails(scope, &BTreeSet::new()).into_iter().map(|trail| self.done(trail)).collect()
    }

    fn done(&self, trail: Trail) -> Vec<Link> {
        trail.links.into_iter().map(|link| self.aged(link)).collect()
    }

    fn aged(&self, link: Link) -> Link {
        Link { age: link.since.map(|since| self.at.since(since)), ..link }
    }

    fn phase(&self, scope: &ScopeId) -> &fleet::Phase {
        self.seen.fleet.scopes().get(scope).unwrap_or(&fleet::Phase::Pending)
    }

    fn of(&self, subject: &Subject) -> Vec<&Waiting> {
        self.waits.iter().filter(|waiting| waiting.subject == *subject).collect()
    }

    /// One chain for each thing that holds a scope.
    fn trails(&self, scope: &ScopeId, passed: &BTreeSet<ScopeId>) -> Vec<Trail> {
        let mut passed = passed.clone();
        if !passed.insert(scope.clone()) {
            return Vec::new();
        }
        let fresh = || Trail { links: Vec::new(), passed: passed.clone() };
        let single = |on: On, what: String| {
            let mut trail = fresh();
            trail.add(Link { owners: self.people.decides(), ..link(on, what) });
            vec![trail]
        };
        match self.phase(scope) {
            fleet::Phase::Succeeded => Vec::new(),
            fleet::Phase::Running | fleet::Phase::Suspended => self.steps(scope, fresh),
            fleet::Phase::Aborting => single(On::Person, "it is being called off".to_owned()),
            fleet::Phase::Failed => self.failures(scope, fresh),
            fleet::Phase::Aborted => single(On::Person, "it was called off".to_owned()),
            fleet::Phase::Skipped { why: SkipReason::Need(need) } => {
                let mut trail = fresh();
                self.needs(need, &mut trail);
                vec![trail]
            }
            fleet::Phase::Skipped { why } => single(On::Person, why.to_string()),
            fleet::Phase::Pending => self.pending(scope, fresh),
        }
    }

    fn pending(&self, scope: &ScopeId, fresh: impl Fn() -> Trail) -> Vec<Trail> {
        let mut trails: Vec<Trail> = Vec::new();
        let mut keep = |trail: Trail| {
            if !trail.links.is_empty() {
                trails.push(trail);
            }
        };
        if let Some(pause) = self.pause() {
            let mut trail = fresh();
            trail.add(pause);
            keep(trail);
        }
        let wave = self.seen.fleet.waves().iter().find(|wave| wave.sites.contains(scope));
        let own = self.of(&Subject::Scope(scope.clone()));
        let of_wave = wave.map(|wave| self.of(&Subject::Wave(wave.name.clone()))).unwrap_or_default();
        for waiting in if own.is_empty() { of_wave } else { own } {
            let mut trail = fresh();
            self.expand(waiting, Some(scope), &mut trail);
            keep(trail);
        }
        if let Some(wave) = wave {
            let mut trail = fresh();
            self.behind(wave, &mut trail);
            keep(trail);
        }
        if trails.is_empty()
            && let Some(resume) = self.resume()
        {
            let mut trail = fresh();
            trail.add(resume);
            trails.push(trail);
        }
        trails
    }

    /// The halted wave that keeps this one from starting anything: itself, or one before it.
    fn behind(&self, wave: &fleet::Wave, trail: &mut Trail) {
        let waves = self.seen.fleet.waves();
        let upto = waves.iter().position(|one| one.name == wave.name).map_or(0, |index| index + 1);
        let halted = waves[..upto].iter().find_map(|one| Some((one, one.halted.as_ref()?)));
        if let Some((halted, why)) = halted {
            self.halt(halted, why, trail);
        }
    }

    fn halt(&self, wave: &fleet::Wave, why: &HaltReason, trail: &mut Trail) {
        let next = "mend it, then landfall retry --failed --reason \"…\"".to_owned();
        let halt = link(On::Halt, format!("{} is halted: {why}", wave.name));
        trail.add(Link { owners: self.people.decides(), next: Some(next), ..halt });
        let lost = |scope: &&ScopeId| matches!(self.phase(scope), fleet::Phase::Failed);
        let culprit = match why {
            HaltReason::Canary { scope } => Some(scope.clone()),
            HaltReason::Budget { .. } => wave.sites.iter().find(lost).cloned(),
            HaltReason::LaunchBudget { .. } => {
                self.seen.fleet.waves().iter().flat_map(|wave| &wave.sites).find(lost).cloned()
            }
            HaltReason::Bake { .. } => None,
        };
        if let Some(culprit) = culprit {
            self.needs(&culprit, trail);
        }
    }

    /// Follows a wait to its end.
    fn expand(&self, waiting: &Waiting, scope: Option<&ScopeId>, trail: &mut Trail) {
        let Waiting { why, since, until, .. } = waiting;
        let timed = |link: Link| Link { since: *since, until: *until, ..link };
        match why {
            Wait::Window { why, .. } => {
                let whose = scope.map_or_else(|| "the site".to_owned(), ToString::to_string);
                trail.add(timed(
                    self.by_itself(link(On::Window, format!("change window of {whose} ({why})"))),
                ));
            }
            Wait::Bake { wave, .. } => {
                trail.add(timed(self.by_itself(link(On::Bake, format!("bake time of {wave}")))));
            }
            Wait::Pause { .. } => self.pause().into_iter().for_each(|link| trail.add(link)),
            Wait::Entry { wave, open } => {
                let missing: Vec<String> = open
                    .iter()
                    .map(|item| format!("{}: {} [{}]", item.id, item.missing, item.owner))
                    .collect();
                let entry = link(On::Entry, format!("what must hold before {wave}: {}", missing.join("; ")));
                let owners = self.people.owners(scope, open.iter().map(|item| item.owner.as_str()));
                let next = "close what is missing; it is judged again by itself, and by landfall resume";
                trail.add(timed(Link { owners, next: Some(next.to_owned()), ..entry }));
            }
            Wait::Scope { scope } => self.needs(scope, trail),
            Wait::Place { places } => self.place(scope, *places, trail),
            Wait::Service { .. } => {
                trail.add(timed(self.by_itself(link(On::Service, "the service asked for patience"))));
            }
        }
    }

    /// All places are taken: by whom, and what the first of them waits for.
    fn place(&self, scope: Option<&ScopeId>, places: u32, trail: &mut Trail) {
        let waves = self.seen.fleet.waves();
        let wave = waves.iter().find(|wave| scope.is_some_and(|scope| wave.sites.contains(scope)));
        let busy = |scope: &&ScopeId| {
            use fleet::Phase::{Aborting, Running, Suspended};
            matches!(self.phase(scope), Running | Aborting | Suspended)
        };
        let holders: Vec<&ScopeId> =
            wave.map(|wave| wave.sites.iter().filter(busy).collect()).unwrap_or_default();
        let names: Vec<String> = holders.iter().map(|one| short(one)).collect();
        let of = wave.map_or_else(|| "its wave".to_owned(), |wave| wave.name.to_string());
        let taken = names.len();
        trail.add(link(
            On::Place,
            format!("place in {of} ({taken} of {places} taken by {})", names.join(", ")),
        ));
        if let Some(first) = holders.first() {
            self.needs(first, trail);
        }
    }

    /// Another scope, and what that one waits for.
    fn needs(&self, scope: &ScopeId, trail: &mut Trail) {
        let run = self.seen.scopes.get(scope);
        let (done, total) = run.map_or((0, self.steps_of(scope)), |run| super::fold::progress(&run.state));
        let word = self.phase(scope).word();
        let what = match self.phase(scope) {
            fleet::Phase::Pending => format!("{scope} ({word})"),
            _ => format!("{scope} ({word}, {done} of {total} steps)"),
        };
        trail.add(Link { since: run.map(|run| run.since), ..link(On::Scope, what) });
        if let Some(next) = self.trails(scope, &trail.passed).into_iter().next() {
            trail.passed.extend(next.passed);
            next.links.into_iter().for_each(|link| trail.add(link));
        }
    }

    fn steps_of(&self, scope: &ScopeId) -> usize {
        self.seen.plan.scopes.get(scope).map_or(0, |plan| plan.steps.len())
    }

    /// What the steps of a scope under way wait for.
    fn steps(&self, scope: &ScopeId, fresh: impl Fn() -> Trail) -> Vec<Trail> {
        let chains = self.step_chains(scope).into_iter().take(CHAINS_MAX);
        let trail = |links: Vec<Link>| {
            let mut trail = fresh();
            links.into_iter().for_each(|link| trail.add(link));
            trail
        };
        chains.map(trail).collect()
    }

    fn step_chains(&self, scope: &ScopeId) -> Vec<Vec<Link>> {
        let run = self.seen.scopes.get(scope);
        let waits = run.map(|run| engine::waits(&run.state)).unwrap_or_default();
        let shut = self.shut(scope, &waits);
        // Who left because a window is shut comes back when it opens; who was stopped, at any time.
        let held = self.pause().or_else(|| self.resume().filter(|_| shut.is_none()));
        let mut chains: Vec<Vec<Link>> = held.into_iter().map(|link| vec![link]).collect();
        let Some(run) = run else { return chains };
        chains.extend(failed(&run.state).into_iter().map(|step| self.failure(scope, &run.state, step)));
        chains.extend(shut.map(|link| vec![link]));
        let mut rests: Vec<_> = waits.iter().filter_map(|wait| Some((wait, rest(&wait.on)?))).collect();
        // What is waited for longest tells most.
        rests.sort_by_key(|(wait, _)| (wait.since, wait.step.clone()));
        for (wait, (words, until)) in rests {
            let step = Link { since: Some(wait.since), ..link(On::Step, format!("step {}", wait.step)) };
            chains.push(vec![step, Link { until, ..self.by_itself(link(On::Service, words)) }]);
        }
        if chains.is_empty() {
            chains.extend(self.calls(run).map(|link| vec![link]));
        }
        chains
    }

    /// The window that steps of a scope under way wait for.
    fn shut(&self, scope: &ScopeId, waits: &[StepWait]) -> Option<Link> {
        let windows = waits.iter().filter_map(|wait| match wait.on {
            WaitsOn::Window { until } => Some((until, wait.since)),
            WaitsOn::Step(_) | WaitsOn::Service { .. } | WaitsOn::Goal { .. } => None,
        });
        let (until, since) = windows.reduce(|a, b| (a.0.min(b.0), a.1.min(b.1)))?;
        let window = link(On::Window, format!("change window of {scope}"));
        Some(Link { since: Some(since), until: Some(until), ..self.by_itself(window) })
    }

    /// Calls that are being answered.
    fn calls(&self, run: &Run) -> Option<Link> {
        let since = run.sent.values().min().copied()?;
        let names: Vec<&str> = run.sent.keys().take(CHAINS_MAX).map(StepId::as_str).collect();
        let others = run.sent.len() - names.len();
        let more = if others > 0 { format!(" and {others} more") } else { String::new() };
        let what = format!("answers to calls under way: {}{more}", names.join(", "));
        Some(Link { since: Some(since), ..self.by_itself(link(On::Work, what)) })
    }

    /// The steps that failed, each with what it blocks.
    fn failures(&self, scope: &ScopeId, fresh: impl Fn() -> Trail) -> Vec<Trail> {
        let Some(run) = self.seen.scopes.get(scope) else { return Vec::new() };
        let of = |step| {
            let mut trail = fresh();
            self.failure(scope, &run.state, step).into_iter().for_each(|link| trail.add(link));
            trail
        };
        failed(&run.state).into_iter().map(of).take(CHAINS_MAX).collect()
    }

    fn failure(&self, scope: &ScopeId, state: &engine::State, (step, cause): (&StepId, &Cause)) -> Vec<Link> {
        let is_behind =
            |one: &engine::Step| matches!(&one.phase, engine::Phase::Blocked { by } if by == step);
        let blocked: Vec<&StepId> =
            state.steps().iter().filter(|(_, one)| is_behind(one)).map(|(id, _)| id).collect();
        let mut links = Vec::new();
        if let Some(first) = blocked.first() {
            let more = if blocked.len() > 1 {
                format!(" and {} more steps", blocked.len() - 1)
            } else {
                String::new()
            };
            links.push(link(On::Step, format!("step {first}{more} (blocked)")));
        }
        let since = self.seen.scopes.get(scope).map(|run| run.since);
        let failure = link(On::Failure, format!("step {step} (failed: {cause})"));
        let next = Some(mend(scope, cause.class));
        links.push(Link { since, owners: self.people.mends(), next, ..failure });
        links
    }

    fn pause(&self) -> Option<Link> {
        let paused = self.seen.fleet.paused()?;
        let wave =
            self.seen.plan.fleet.waves.first().map_or_else(|| "WAVE".to_owned(), |w| w.name.to_string());
        let pause = link(On::Pause, format!("paused by {}: {}", paused.by.id, paused.reason));
        let next = format!("landfall wave resume {wave} --reason \"…\"");
        Some(Link { since: Some(paused.at), owners: self.people.decides(), next: Some(next), ..pause })
    }

    /// Nobody carries the launch out.
    fn resume(&self) -> Option<Link> {
        if self.seen.holder.is_some() || self.seen.fleet.ended().is_some() {
            return None;
        }
        let what = if self.seen.fleet.is_suspended() {
            "stopped; landfall resume goes on"
        } else {
            "no process carries the launch out; landfall resume goes on"
        };
        let since = self.seen.scopes.values().map(|run| run.since).max();
        let next = format!("landfall resume {}", self.seen.run);
        Some(Link { since, owners: self.people.decides(), next: Some(next), ..link(On::Resume, what) })
    }

    /// What time or a service releases: by itself, if a process is there to see it.
    fn by_itself(&self, link: Link) -> Link {
        let next = match self.seen.holder {
            Some(_) => "goes on by itself".to_owned(),
            None => "landfall resume --due, at that moment or later".to_owned(),
        };
        Link { next: Some(next), ..link }
    }
}

/// A scope's name without its sort.
fn short(scope: &ScopeId) -> String {
    scope.site().map_or_else(|| scope.to_string(), ToString::to_string)
}

/// The steps that failed, each with its cause.
pub(super) fn failed(state: &engine::State) -> Vec<(&StepId, &Cause)> {
    let steps = state.steps().iter();
    steps
        .filter_map(|(id, step)| match &step.phase {
            engine::Phase::Failed { cause } => Some((id, cause)),
            engine::Phase::Waiting
            | engine::Phase::Observing
            | engine::Phase::Applying { .. }
            | engine::Phase::Verifying { .. }
            | engine::Phase::Resting { .. }
            | engine::Phase::Succeeded { .. }
            | engine::Phase::Blocked { .. } => None,
        })
        .collect()
}

/// What a step that rests waits for, in words.
fn rest(on: &WaitsOn) -> Option<(&'static str, Option<Timestamp>)> {
    match on {
        WaitsOn::Step(_) | WaitsOn::Window { .. } => None,
        WaitsOn::Goal { until } => Some(("the service: what was applied is not there yet", *until)),
        WaitsOn::Service { until, why } => {
            let words = match why {
                Rest::Busy => "the service: it asked to come back later",
                Rest::Conflict => "the service: the object exists already or was just changed",
                Rest::Unreadable => "the service: the object could not be read",
                Rest::NotReady => "the service: the object is busy with a change that is not ours",
                Rest::InDoubt => "the service: a call was not answered; it is waited out and looked for",
                Rest::Window => return None,
            };
            Some((words, Some(*until)))
        }
    }
}

/// What to do about a failed step.
fn mend(scope: &ScopeId, class: CauseClass) -> String {
    let retry = match scope.site() {
        Some(site) => format!("landfall retry --site {site} --reason \"…\""),
        None => "landfall retry --failed --reason \"…\"".to_owned(),
    };
    match class {
        CauseClass::Stale => "it changed since the plan: make a new plan with landfall plan --out".to_owned(),
        CauseClass::Foreign => {
            "it belongs to somebody else: give ours another name, or have it taken away".to_owned()
        }
        CauseClass::Unauthenticated | CauseClass::PermissionDenied => {
            format!("give whoever signs in the right, then {retry}")
        }
        CauseClass::Quota => format!("have the quota raised, then {retry}"),
        CauseClass::Busy
        | CauseClass::Internal
        | CauseClass::NoAnswer
        | CauseClass::Exhausted
        | CauseClass::Garbled => format!("when the service is well again, {retry}"),
        CauseClass::Shut => "give it a longer change window, or make a new plan".to_owned(),
        CauseClass::BadRequest
        | CauseClass::NotFound
        | CauseClass::Conflict
        | CauseClass::NotImplemented
        | CauseClass::BadState
        | CauseClass::NotHeld
        | CauseClass::Expectation => format!("mend it, then {retry}"),
    }
}
