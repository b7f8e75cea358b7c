//! A plan made by hand, and everything a launch of it needs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use landfall::base::id::{LogId, ScopeId, StepId};
use landfall::base::time::{Millis, Timestamp};
use landfall::journal::Journal;
use landfall::journal::memory::MemoryJournal;
use landfall::model::ask::{Ask, Wish};
use landfall::model::entry::{Actor, ActorKind, Entry};
use landfall::model::event::Event;
use landfall::model::plan::{
    EdgeReason, FleetPlan, Operation, PLAN_VERSION, Plan, PlannedStep, Reconcile, Reversal, SavedPlan,
    ScopePlan, Selection, StepLimits, TargetName, WavePlan, Work,
};
use landfall::model::resource::Check;
use landfall::model::wait::OpenItem;
use landfall::pacing::Rates;
use landfall::runner::clock::Clock;
use landfall::runner::feed::Feed;
use landfall::runner::stop::Stop;
use landfall::runner::{Left, RunnerError, Shell, run};
use serde_json::json;

use crate::service::Service;

pub const CALL_TIMEOUT: Millis = Millis::from_secs(60);

/// The moment at which every story begins.
pub fn start() -> Timestamp {
    "2027-01-11T09:00:00Z".parse().unwrap()
}

/// A step that makes one catalog.
pub struct Step {
    id: StepId,
    planned: PlannedStep,
}

pub fn step(name: &str) -> Step {
    let reconcile = Reconcile {
        kind: "databricks.catalog".parse().unwrap(),
        via: None,
        operation: Operation::Create,
        spec: json!({ "name": name }).into(),
        changes: Vec::new(),
        seen: None,
        id: None,
        reversal: Reversal::Reversible,
    };
    let limits = StepLimits {
        call_timeout: CALL_TIMEOUT,
        attempts_max: 4,
        poll_every: Millis(500),
        ready_within: Millis::from_secs(600),
        expected: landfall::base::time::Millis(0),
    };
    let work = Work::Reconcile(reconcile);
    let planned = PlannedStep { work, after: BTreeMap::new(), origin: None, evidence: None, limits };
    Step { id: name.parse().unwrap(), planned }
}

/// A step that makes sure that a catalog has its name.
pub fn check(name: &str, read: &str) -> Step {
    let check = Check {
        read: read.parse().unwrap(),
        expect: vec![serde_json::from_value(json!({"at": "/name", "equals": read})).unwrap()],
    };
    let work = Work::Check { title: "it has its name".to_owned(), check };
    let planned = PlannedStep { work, ..step(read).planned };
    Step { id: name.parse().unwrap(), planned }.after(read)
}

impl Step {
    pub fn after(mut self, name: &str) -> Self {
        self.planned.after.insert(name.parse().unwrap(), EdgeReason::Declared);
        self
    }

    pub fn spec(mut self, text: &str) -> Self {
        if let Work::Reconcile(reconcile) = &mut self.planned.work {
            reconcile.spec = serde_json::from_str(text).unwrap();
        }
        self
    }
}

/// A plan of scopes with their steps. Its sites are one wave.
pub fn plan(scopes: Vec<(&str, Vec<Step>)>) -> Plan {
    let scopes: BTreeMap<ScopeId, ScopePlan> = scopes
        .into_iter()
        .map(|(scope, steps)| {
            let steps = steps.into_iter().map(|step| (step.id, step.planned)).collect();
            let scope: ScopeId = scope.parse().unwrap();
            let needs = if scope == ScopeId::Account { BTreeSet::new() } else { [ScopeId::Account].into() };
            (scope, ScopePlan { needs, steps, calendar: None, expected: landfall::base::time::Millis(0) })
        })
        .collect();
    let sites = scopes.keys().filter_map(|scope| scope.site().cloned()).collect();
    let wave = WavePlan {
        name: "pilot".parse().unwrap(),
        sites,
        max_parallel: 2,
        failure_budget: 1,
        bake: None,
        entry: Vec::new(),
    };
    Plan {
        v: PLAN_VERSION,
        tool: "test".to_owned(),
        estate: "test".to_owned(),
        lineage: "test".to_owned(),
        target: TargetName { name: "script".into(), account_id: "1".into(), host: "script".into() },
        selection: Selection::All,
        inputs: BTreeMap::new(),
        packs: BTreeMap::new(),
        parameters: BTreeMap::new(),
        heads: BTreeMap::new(),
        fleet: FleetPlan { waves: vec![wave], failure_budget: None },
        scopes,
        overview: Default::default(),
        rollback: None,
        approvals: Vec::new(),
        consents: Vec::new(),
    }
}

/// Two steps of the account, then two of a site.
pub fn chain() -> Plan {
    plan(vec![
        ("account", vec![step("a"), step("b").after("a")]),
        ("site/HRB01", vec![step("c"), step("d").after("c")]),
    ])
}

/// Everything a launch needs, and what was told about it.
pub struct Story {
    pub service: Arc<Service>,
    pub journal: MemoryJournal,
    pub clock: Clock,
    pub stop: Stop,
    pub rates: Option<Rates>,
    pub stay: bool,
    /// What the entry criteria of every wave come to.
    pub open: Vec<OpenItem>,
    pub plan: Plan,
    stop_at: Option<(String, String)>,
    ask_at: Option<(String, Wish)>,
    break_at: Option<(String, String)>,
    seen: Vec<String>,
    durable: usize,
}

impl Story {
    pub fn new(plan: Plan) -> Self {
        Self {
            service: Arc::default(),
            journal: MemoryJournal::seeded(1),
            clock: Clock::starting_at(start()),
            stop: Stop::new(),
            rates: None,
            stay: false,
            open: Vec::new(),
            plan,
            stop_at: None,
            ask_at: None,
            break_at: None,
            seen: Vec::new(),
            durable: 0,
        }
    }

    /// Asks for a stop as soon as this is told.
    pub fn stop_at(&mut self, kind: &str, step: &str) {
        self.stop_at = Some((kind.to_owned(), step.to_owned()));
    }

    /// Somebody leaves a wish as soon as this is told; once.
    pub fn ask_at(&mut self, kind: &str, step: &str, wish: Wish) {
        self.ask_at = Some((format!("{kind} {step}"), wish));
    }

    /// From here on nobody leaves wishes.
    pub fn ask_nothing(&mut self) {
        self.ask_at = None;
    }

    /// Somebody takes this object away as soon as this is told.
    pub fn break_at(&mut self, kind: &str, object: &str) {
        self.break_at = Some((kind.to_owned(), object.to_owned()));
    }

    /// Somebody leaves a wish now.
    pub fn leave(&mut self, run: &str, wish: Wish) {
        self.journal.ask(&ask(run, wish)).unwrap();
    }

    /// Wishes that nobody has answered.
    pub fn asks(&self, run: &str) -> Vec<(u64, Ask)> {
        self.journal.asks(&run.parse().unwrap()).unwrap()
    }

    /// From here on nobody asks for a stop.
    pub fn resume_freely(&mut self) {
        (self.stop, self.stop_at) = (Stop::new(), None);
    }

    /// The plan that would be made now: every step has this operation.
    pub fn plan_again(&mut self, operation: Operation) {
        self.plan.heads = self.journal.heads().unwrap();
        for step in self.plan.scopes.values_mut().flat_map(|scope| scope.steps.values_mut()) {
            if let Work::Reconcile(reconcile) = &mut step.work {
                reconcile.operation = operation;
            }
        }
    }

    pub async fn launch(&mut self, run: &str) -> Result<Left, RunnerError> {
        // Opened as another process would, so that a crash leaves its leases behind.
        let mut journal = self.journal.another();
        self.launch_on(&mut journal, run).await
    }

    pub async fn launch_on(&mut self, journal: &mut dyn Journal, name: &str) -> Result<Left, RunnerError> {
        let saved = SavedPlan::new(self.plan.clone(), start());
        let (stop, stop_at) = (self.stop.clone(), self.stop_at.clone());
        let (mut ask_at, break_at) = (self.ask_at.clone(), self.break_at.clone());
        let (mut others, service) = (self.journal.another(), Arc::clone(&self.service));
        let (seen, durable) = (&mut self.seen, &mut self.durable);
        let mut feed = |feed: &Feed<'_>| {
            let (line, kept) = told(feed);
            *durable += usize::from(kept);
            if stop_at.as_ref().is_some_and(|(kind, step)| line.ends_with(&format!("{kind} {step}"))) {
                stop.ask();
            }
            if let Some((_, wish)) = ask_at.take_if(|(told, _)| line.ends_with(told.as_str())) {
                others.ask(&ask(name, wish)).unwrap();
            }
            if let Some((_, object)) = break_at.as_ref().filter(|(told, _)| line.ends_with(told.as_str())) {
                service.spoil(object);
            }
            seen.push(line);
        };
        let open = self.open.clone();
        let mut entry = |_: &Plan, _: &WavePlan, _: &dyn Journal| Ok(open.clone());
        let shell = Shell {
            saved: &saved,
            launch_refs: Vec::new(),
            run_refs: BTreeMap::new(),
            run: name.parse().unwrap(),
            journal,
            driver: self.service.clone(),
            clock: self.clock.clone(),
            stop: self.stop.clone(),
            actor: Actor { kind: ActorKind::Rehearsal, id: "test".to_owned() },
            holder: "test".to_owned(),
            feed: &mut feed,
            entry: &mut entry,
            rates: self.rates.clone(),
            calls_at_once: landfall::base::limits::CALLS_MAX,
            stay: self.stay,
        };
        run(shell).await
    }

    /// What was told, line by line.
    pub fn seen(&self) -> Vec<String> {
        self.seen.clone()
    }

    /// How much of it belongs in a log.
    pub fn told_durable(&self) -> usize {
        self.durable
    }

    /// When entries of this kind were written about a step.
    pub fn times(&self, kind: &str, step: &str) -> Vec<Timestamp> {
        let of =
            |entry: &Entry| entry.kind == kind && entry.step.as_ref().is_some_and(|s| s.as_str() == step);
        self.entries().iter().filter(|entry| of(entry)).map(|entry| entry.at).collect()
    }

    /// Why a step failed.
    pub fn failure(&self, step: &str) -> String {
        let entries = self.entries();
        let of = |entry: &&Entry| {
            entry.kind == "step.failed" && entry.step.as_ref().is_some_and(|s| s.as_str() == step)
        };
        entries.iter().find(of).unwrap().body["cause"]["message"].as_str().unwrap().to_owned()
    }

    fn entries(&self) -> Vec<Entry> {
        let logs = self.plan.scopes.keys().cloned().map(LogId::Scope);
        logs.flat_map(|log| self.journal.read(&log, 0).unwrap()).map(|line| line.entry).collect()
    }
}

fn ask(run: &str, wish: Wish) -> Ask {
    let by = Actor { kind: ActorKind::Person, id: "pm".to_owned() };
    Ask { run: run.parse().unwrap(), at: start(), by, reason: "a reason".to_owned(), wish }
}

fn told(feed: &Feed<'_>) -> (String, bool) {
    match feed {
        Feed::Fleet { at, event } => (format!("{at} {}", event.kind()), true),
        Feed::Refused { at, why, .. } => (format!("{at} refused: {why}"), false),
        Feed::Paced { at, lanes } => (format!("{at} paced: {} lanes", lanes.len()), false),
        Feed::Note { at, words } => (format!("{at} note: {words}"), false),
        Feed::Scope { at, scope, event } => {
            let step = event.step().map_or("-", StepId::as_str);
            (format!("{at} {scope} {} {step}", event.kind()), Event::is_durable(event))
        }
    }
}

/// A log, one line per entry: step and kind.
pub fn log_of(journal: &MemoryJournal, log: &str) -> String {
    let lines = journal.read(&log.parse().unwrap(), 0).unwrap();
    let text = lines.iter().map(|line| match &line.entry.step {
        Some(step) => format!("{step} {}\n", line.entry.kind),
        None => format!("{}\n", line.entry.kind),
    });
    text.collect()
}
