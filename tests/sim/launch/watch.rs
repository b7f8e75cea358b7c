//! The invariants of a launch. What they rest on is the true plan and what was truly told, never the engine's state.

use std::collections::{BTreeMap, BTreeSet};

use landfall::base::id::{ScopeId, WaveName};
use landfall::base::limits::BAKE_CONFIRM_AFTER;
use landfall::base::time::Timestamp;
use landfall::fleet::Input;
use landfall::model::calendar::Standing;
use landfall::model::fleet_event::{Batch, FleetEvent, HaltReason, LaunchOutcome, ScopeOutcome, SkipReason};
use landfall::model::plan::{Plan, WavePlan};
use landfall::model::wait::{OpenItem, Wait};

use crate::watch::{Held, broken, holds};

/// What the invariants remember.
#[derive(Default)]
pub struct Watch {
    /// The sites of each wave in the order in which they may start.
    order: BTreeMap<WaveName, Vec<ScopeId>>,
    rounds: BTreeMap<ScopeId, u32>,
    under_way: BTreeSet<ScopeId>,
    /// What the scopes themselves said.
    truly: BTreeMap<ScopeId, ScopeOutcome>,
    skipped: BTreeSet<ScopeId>,
    /// Taken out by a person before they started.
    taken_out: BTreeSet<ScopeId>,
    called_off: BTreeSet<ScopeId>,
    waiting: BTreeMap<ScopeId, Wait>,
    halted: BTreeSet<WaveName>,
    judged: BTreeMap<WaveName, Vec<OpenItem>>,
    barred: BTreeMap<WaveName, Vec<OpenItem>>,
    entered: BTreeSet<WaveName>,
    baking: BTreeMap<WaveName, Timestamp>,
    looks: BTreeMap<WaveName, Looks>,
    baked: BTreeSet<(WaveName, Batch)>,
    ended: bool,
    stopped: bool,
    paused: bool,
    aborted: bool,
}

/// The looks at a wave that bakes.
#[derive(Default)]
struct Looks {
    last_begun: Option<Timestamp>,
    last_told: Option<Timestamp>,
    /// How many in a row found something broken.
    broken: u32,
}

impl Watch {
    pub fn new(plan: &Plan) -> Self {
        let sites = |wave: &WavePlan| wave.sites.iter().cloned().map(ScopeId::Site).collect();
        let order = plan.fleet.waves.iter().map(|wave| (wave.name.clone(), sites(wave))).collect();
        Self { order, ..Self::default() }
    }

    pub fn is_fresh(&self, scope: &ScopeId) -> bool {
        self.round(scope) == 0 && !self.skipped.contains(scope)
    }

    pub fn round(&self, scope: &ScopeId) -> u32 {
        self.rounds.get(scope).copied().unwrap_or(0)
    }

    pub fn is_called_off(&self, scope: &ScopeId) -> bool {
        self.called_off.contains(scope)
    }

    /// Whether somebody wants what runs to come to rest.
    pub fn rests(&self) -> bool {
        self.stopped || self.paused || self.aborted
    }

    /// Takes in what somebody told the engine, and the engine accepted.
    pub fn told(&mut self, input: &Input, begun: Timestamp, now: Timestamp) -> Held {
        match input {
            Input::ScopeEnded { scope, outcome } => {
                self.truly.insert(scope.clone(), *outcome);
                if *outcome != ScopeOutcome::Suspended {
                    self.under_way.remove(scope);
                    self.called_off.remove(scope);
                }
            }
            Input::StopAsked => self.stopped = true,
            Input::Recovered => self.stopped = false,
            Input::PauseAsked { .. } => self.paused = true,
            Input::ResumeAsked { .. } => self.paused = false,
            Input::AbortAsked { .. } => {
                (self.aborted, self.paused) = (true, false);
                self.called_off = self.under_way.clone();
            }
            Input::SkipAsked { scope, .. } if self.under_way.contains(scope) => {
                self.called_off.insert(scope.clone());
            }
            Input::SkipAsked { scope, .. } => {
                self.taken_out.insert(scope.clone());
            }
            Input::EntryJudged { wave, open } => {
                let mut open = open.clone();
                open.sort();
                self.judged.insert(wave.clone(), open);
            }
            Input::BakeLooked { wave, broken: defects, .. } => {
                return self.looked(wave, !defects.is_empty(), begun, now);
            }
            Input::Started(_) | Input::TimeReached | Input::RetryAsked { .. } => {}
        }
        Ok(())
    }

    fn looked(&mut self, wave: &WaveName, bad: bool, begun: Timestamp, now: Timestamp) -> Held {
        let looks = self.looks.entry(wave.clone()).or_default();
        if bad && looks.broken > 0 {
            let first = looks.last_told.unwrap_or(begun);
            let later = begun >= first + BAKE_CONFIRM_AFTER || begun < first;
            holds("confirmed-later", later, || format!("{wave}: {first} and {begun}"))?;
        }
        looks.broken = if bad { looks.broken + 1 } else { 0 };
        (looks.last_begun, looks.last_told) = (Some(begun), Some(now));
        Ok(())
    }

    /// Takes in one event that follows.
    pub fn event(&mut self, plan: &Plan, now: Timestamp, event: &FleetEvent) -> Held {
        match event {
            FleetEvent::ScopeStarted { scope, round } => {
                self.starts(plan, now, scope)?;
                let before = self.round(scope);
                holds("rounds-in-order", *round == before + 1, || {
                    format!("{scope}: {round} after {before}")
                })?;
                self.rounds.insert(scope.clone(), *round);
                self.under_way.insert(scope.clone());
                self.waiting.remove(scope);
            }
            FleetEvent::ScopeWaiting { scope, why, .. } => self.waits(plan, now, scope, why)?,
            FleetEvent::ScopeSkipped { scope, why } => self.skips(plan, now, scope, why)?,
            FleetEvent::ScopeAborting { scope, .. } => {
                let asked = self.called_off.contains(scope);
                holds("called-off-when-asked", asked, || scope.to_string())?;
            }
            FleetEvent::ScopeRequeued { scope, .. } => self.requeued(plan, scope),
            FleetEvent::WaveHalted { wave, why } => self.halts(plan, wave, why)?,
            FleetEvent::WaveReopened { wave, .. } => {
                self.halted.remove(wave);
            }
            FleetEvent::WaveEntered { wave } => {
                let held = self.judged.get(wave).is_some_and(Vec::is_empty);
                holds("entered-when-nothing-open", held, || wave.to_string())?;
                self.entered.insert(wave.clone());
            }
            FleetEvent::WaveBarred { wave, open, .. } => {
                let known = self.barred.insert(wave.clone(), open.clone());
                holds("barred-written-once", known.as_ref() != Some(open), || wave.to_string())?;
            }
            FleetEvent::WaveBaking { wave, at, .. } => {
                let bake = wave_of(plan, wave).bake.expect("only a wave with bake time bakes");
                self.baking.insert(wave.clone(), *at + bake.length);
                self.looks.insert(wave.clone(), Looks::default());
            }
            FleetEvent::WaveBaked { wave, batch } => self.bakes(wave, *batch)?,
            FleetEvent::LaunchEnded { outcome } => self.ends(plan, *outcome)?,
            FleetEvent::LaunchReopened { .. } => {
                let legal = self.ended && !self.aborted;
                holds("reopened-after-end", legal, || "the launch has not ended".to_owned())?;
                (self.ended, self.stopped, self.paused) = (false, false, false);
            }
            FleetEvent::LaunchStarted { .. }
            | FleetEvent::LaunchRecovered {}
            | FleetEvent::LaunchStopping {}
            | FleetEvent::LaunchSuspended {}
            | FleetEvent::LaunchPaused { .. }
            | FleetEvent::LaunchResumed { .. }
            | FleetEvent::LaunchAborting { .. }
            | FleetEvent::ScopeEnded { .. }
            | FleetEvent::WaveReached { .. }
            | FleetEvent::WaveDue { .. }
            | FleetEvent::WaveUnchanged { .. }
            | FleetEvent::WaveLooked { .. }
            | FleetEvent::Unknown { .. } => {}
        }
        Ok(())
    }

    /// What must hold between two inputs.
    pub fn between(&self) -> Held {
        let twice =
            self.baking.keys().find(|wave| self.looks.get(*wave).is_some_and(|looks| looks.broken > 1));
        holds("broken-twice-halts", twice.is_none(), || format!("{twice:?} bakes on"))
    }

    fn is(&self, scope: &ScopeId, outcome: ScopeOutcome) -> bool {
        self.truly.get(scope) == Some(&outcome)
    }

    fn has_ended(&self, scope: &ScopeId) -> bool {
        let rests = self.truly.get(scope).is_some_and(|outcome| *outcome != ScopeOutcome::Suspended);
        rests || self.skipped.contains(scope)
    }

    fn is_lost(&self, scope: &ScopeId) -> bool {
        self.has_ended(scope) && !self.is(scope, ScopeOutcome::Succeeded)
    }

    fn count(&self, wave: &WavePlan, outcome: ScopeOutcome) -> u32 {
        self.order[&wave.name].iter().filter(|site| self.is(site, outcome)).count() as u32
    }

    fn busy(&self, wave: &WavePlan) -> u32 {
        self.order[&wave.name].iter().filter(|site| self.under_way.contains(*site)).count() as u32
    }

    /// The first site that was not taken out.
    fn canary(&self, wave: &WavePlan) -> Option<&ScopeId> {
        let out = |site: &ScopeId| self.skipped.contains(site) || self.is(site, ScopeOutcome::Aborted);
        self.order[&wave.name].iter().find(|site| !out(site))
    }

    fn starts(&self, plan: &Plan, now: Timestamp, scope: &ScopeId) -> Held {
        let steps = plan.scope(scope);
        let unmet =
            |need: &&ScopeId| plan.scopes.contains_key(*need) && !self.is(need, ScopeOutcome::Succeeded);
        let unmet = steps.needs.iter().find(unmet);
        holds("needs-respected", unmet.is_none(), || format!("{scope} before {unmet:?}"))?;
        holds("nothing-started-after-stop", !self.stopped, || scope.to_string())?;
        holds("nothing-started-while-paused", !self.paused, || scope.to_string())?;
        holds("nothing-started-after-abort", !self.aborted, || scope.to_string())?;
        holds("taken-out-never-starts", !self.taken_out.contains(scope), || scope.to_string())?;
        let once = !self.under_way.contains(scope) && !self.has_ended(scope);
        holds("started-once", once, || scope.to_string())?;
        if let Some(calendar) = steps.calendar.as_ref().filter(|_| steps.mutates()) {
            let standing = calendar.standing(now, steps.expected);
            let open = matches!(standing, Standing::Open { .. });
            holds("window-respected", open, || format!("{scope} at {now}: {standing:?}"))?;
        }
        if scope.site().is_none() {
            return Ok(());
        }
        let shared = plan.scopes.keys().find(|other| other.site().is_none() && !self.has_ended(other));
        holds("shared-first", shared.is_none(), || format!("{scope} before {shared:?}"))?;
        self.starts_behind(plan, scope)
    }

    fn starts_behind(&self, plan: &Plan, scope: &ScopeId) -> Held {
        for wave in &plan.fleet.waves {
            let name = &wave.name;
            holds("halted-wave-starts-nothing", !self.halted.contains(name), || {
                format!("{scope} after {name} was halted")
            })?;
            if self.order[name].contains(scope) {
                self.starts_in(plan, wave, scope)?;
                return self.budgets(plan, wave, scope);
            }
            let open = self.order[name].iter().find(|site| !self.has_ended(site));
            holds("waves-in-order", open.is_none(), || format!("{scope} before {open:?}"))?;
            let raw = self.is_unbaked(wave);
            holds("baked-before-next", !raw, || format!("{scope} before {name} has baked"))?;
        }
        broken("waves-in-order", format!("{scope} is in no wave"))
    }

    fn is_unbaked(&self, wave: &WavePlan) -> bool {
        let done = self.count(wave, ScopeOutcome::Succeeded) > 0;
        wave.bake.is_some() && done && !self.baked.contains(&(wave.name.clone(), Batch::Wave))
    }

    fn starts_in(&self, plan: &Plan, wave: &WavePlan, scope: &ScopeId) -> Held {
        let entered = wave_of(plan, &wave.name).entry.is_empty() || self.entered.contains(&wave.name);
        holds("entered-before-started", entered, || scope.to_string())?;
        let canary = self.canary(wave).expect("at least this one");
        let first = canary == scope || self.is(canary, ScopeOutcome::Succeeded);
        holds("canary-first", first, || format!("{scope} before {canary}"))?;
        let alone = canary != scope || self.busy(wave) == 0;
        holds("canary-first", alone, || format!("{scope} is not alone"))?;
        let baked = canary == scope || self.baked.contains(&(wave.name.clone(), Batch::Canary));
        holds("baked-before-next", wave.bake.is_none() || baked, || format!("{scope} before {canary} has"))
    }

    fn budgets(&self, plan: &Plan, wave: &WavePlan, scope: &ScopeId) -> Held {
        let failed = self.count(wave, ScopeOutcome::Failed);
        holds("budget-respected", failed <= wave.failure_budget, || format!("{scope} after {failed}"))?;
        let (busy, left) = (self.busy(wave), wave.failure_budget - failed);
        let most = wave.max_parallel.max(1).min(left.saturating_add(1));
        holds("parallel-within-limit", busy < most, || format!("{scope} beside {busy}, {most} at most"))?;
        let Some(budget) = plan.fleet.failure_budget else { return Ok(()) };
        let failed: u32 = plan.fleet.waves.iter().map(|wave| self.count(wave, ScopeOutcome::Failed)).sum();
        let busy: u32 = plan.fleet.waves.iter().map(|wave| self.busy(wave)).sum();
        let within = failed <= budget && busy < budget - failed + 1;
        holds("launch-budget-respected", within, || format!("{scope}: {failed} failed, {busy} run"))
    }

    fn waits(&mut self, plan: &Plan, now: Timestamp, scope: &ScopeId, why: &Wait) -> Held {
        let known = self.waiting.insert(scope.clone(), why.clone());
        holds("waiting-written-once", known.as_ref() != Some(why), || scope.to_string())?;
        let steps = plan.scope(scope);
        let standing = steps.calendar.as_ref().map(|calendar| calendar.standing(now, steps.expected));
        let shut = matches!((&standing, why), (Some(Standing::Shut { opens, .. }), Wait::Window { opens: said, .. })
            if opens == said);
        holds("waits-for-what-is-shut", shut && steps.mutates(), || format!("{scope} {why:?}: {standing:?}"))
    }

    fn skips(&mut self, plan: &Plan, now: Timestamp, scope: &ScopeId, why: &SkipReason) -> Held {
        self.skipped.insert(scope.clone());
        let steps = plan.scope(scope);
        match why {
            SkipReason::Need(need) => {
                let lost = self.is_lost(need) && steps.needs.contains(need);
                holds("skipped-only-behind-lost", lost, || format!("{scope} behind {need}"))
            }
            SkipReason::Person { .. } => {
                holds("skipped-when-asked", self.taken_out.contains(scope), || scope.to_string())
            }
            SkipReason::OutOfScope(_) => {
                let standing = steps.calendar.as_ref().map(|calendar| calendar.standing(now, steps.expected));
                let never = matches!(standing, Some(Standing::Never { .. }));
                holds("out-of-scope-when-never-open", never, || format!("{scope}: {standing:?}"))
            }
        }
    }

    /// A site goes to the end of its wave, but where none is done or under way the order stays.
    fn requeued(&mut self, plan: &Plan, scope: &ScopeId) {
        for wave in &plan.fleet.waves {
            if !self.order[&wave.name].contains(scope) {
                continue;
            }
            if self.count(wave, ScopeOutcome::Succeeded) + self.busy(wave) > 0 {
                let sites = self.order.get_mut(&wave.name).expect("the wave is known");
                sites.retain(|site| site != scope);
                sites.push(scope.clone());
            }
            self.baked.remove(&(wave.name.clone(), Batch::Wave));
        }
        self.waiting.remove(scope);
        self.truly.remove(scope);
        self.skipped.remove(scope);
        self.taken_out.remove(scope);
    }

    fn halts(&mut self, plan: &Plan, name: &WaveName, why: &HaltReason) -> Held {
        self.halted.insert(name.clone());
        self.baking.remove(name);
        let wave = wave_of(plan, name);
        let cause = match why {
            HaltReason::Canary { scope } => {
                self.canary(wave) == Some(scope) && self.is(scope, ScopeOutcome::Failed)
            }
            HaltReason::Budget { failed, .. } => {
                *failed == self.count(wave, ScopeOutcome::Failed) && *failed > wave.failure_budget
            }
            HaltReason::LaunchBudget { failed, .. } => {
                let truly = self
                    .truly
                    .iter()
                    .filter(|(scope, outcome)| scope.site().is_some() && **outcome == ScopeOutcome::Failed);
                let truly = truly.count() as u32;
                truly == *failed && plan.fleet.failure_budget.is_some_and(|budget| truly > budget)
            }
            HaltReason::Bake { .. } => self.looks.get(name).is_some_and(|looks| looks.broken > 1),
        };
        holds("halted-for-cause", cause, || format!("{name}: {why}"))
    }

    fn bakes(&mut self, wave: &WaveName, batch: Batch) -> Held {
        let until = self.baking.remove(wave);
        let begun = self.looks.get(wave).and_then(|looks| looks.last_begun);
        let whole = until.is_some_and(|until| begun.is_some_and(|begun| begun >= until));
        holds("bake-watched-to-its-end", whole, || format!("{wave}: {begun:?} of {until:?}"))?;
        let held = self.looks.get(wave).is_some_and(|looks| looks.broken == 0);
        holds("baked-means-held", held, || wave.to_string())?;
        self.baked.insert((wave.clone(), batch));
        Ok(())
    }

    fn ends(&mut self, plan: &Plan, outcome: LaunchOutcome) -> Held {
        holds("ended-exactly-once", !self.ended, || "the launch ended again".to_owned())?;
        self.ended = true;
        let busy = self.under_way.iter().next();
        holds("ended-when-drained", busy.is_none(), || format!("{busy:?} has not ended"))?;
        let well = plan.scopes.keys().all(|scope| self.is(scope, ScopeOutcome::Succeeded));
        let shared = plan.scopes.keys().any(|scope| scope.site().is_none() && self.is_lost(scope));
        let said = outcome == LaunchOutcome::Succeeded;
        let good = well && self.halted.is_empty() && !self.aborted;
        holds("success-means-scopes-succeeded", said == good, || format!("{outcome:?}"))?;
        let bad = shared || !self.halted.is_empty();
        let failed = outcome == LaunchOutcome::Failed;
        holds("outcome-follows-scopes", failed == (bad && !self.aborted), || format!("{outcome:?}"))?;
        let aborted = outcome == LaunchOutcome::Aborted;
        holds("outcome-follows-scopes", aborted == self.aborted, || format!("{outcome:?}"))?;
        if self.aborted || !self.halted.is_empty() {
            return Ok(());
        }
        let open = plan.scopes.keys().find(|scope| !self.has_ended(scope));
        holds("ended-when-nothing-may-run", open.is_none(), || format!("{open:?} could still run"))?;
        let raw = plan.fleet.waves.iter().find(|wave| self.is_unbaked(wave));
        holds("baked-before-ended", raw.is_none(), || format!("{raw:?} has not baked"))
    }
}

fn wave_of<'p>(plan: &'p Plan, name: &WaveName) -> &'p WavePlan {
    plan.fleet.waves.iter().find(|wave| wave.name == *name).expect("a wave of the plan")
}
