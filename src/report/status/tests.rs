//! One small launch in every state: what people are told of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::*;
use crate::base::digest::Digest;
use crate::model::calendar::{ChangeWindow, FreezeDays};
use crate::model::criterion::{Criterion, Holds};
use crate::model::entry::{Actor, ActorKind};
use crate::model::event::{Counts, Event, Rest, RunOutcome};
use crate::model::finding::NextCall;
use crate::model::fleet_event::{
    Batch, Defect, FleetEvent, HaltReason, LaunchOutcome, ScopeOutcome, SkipReason,
};
use crate::model::outcome::{Cause, CauseClass};
use crate::model::plan::{
    Bake, EdgeReason, FleetPlan, Operation, PLAN_VERSION, PlannedStep, Reconcile, Reversal, ScopePlan,
    Selection, StepLimits, TargetName, WavePlan, Work,
};
use crate::model::wait::OpenItem;

/// A Saturday, outside of every window.
const NOW: &str = "2027-03-20T16:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn site(code: &str) -> ScopeId {
    format!("site/{code}").parse().unwrap()
}

fn pm() -> Actor {
    Actor { kind: ActorKind::Person, id: "pm".to_owned() }
}

fn planned(after: &[&str]) -> PlannedStep {
    let reconcile = Reconcile {
        kind: "databricks.catalog".parse().unwrap(),
        via: None,
        operation: Operation::Create,
        spec: json!({}).into(),
        changes: Vec::new(),
        seen: None,
        id: None,
        reversal: Reversal::Reversible,
    };
    let second = Millis::from_secs(1);
    let limits = StepLimits {
        call_timeout: second,
        attempts_max: 4,
        poll_every: second,
        ready_within: second,
        expected: Millis(0),
    };
    let after = after.iter().map(|step| (step.parse().unwrap(), EdgeReason::Declared)).collect();
    PlannedStep { work: Work::Reconcile(reconcile), after, origin: None, evidence: None, limits }
}

/// Saturday nights in the mountains.
fn calendar() -> Calendar {
    let window = ChangeWindow {
        days: [serde_json::from_value(json!("Sat")).unwrap()].into(),
        from: serde_json::from_value(json!("21:00")).unwrap(),
        to: serde_json::from_value(json!("23:00")).unwrap(),
        zone: "America/Denver".to_owned(),
    };
    let freezes: Vec<FreezeDays> = Vec::new();
    Calendar { zone: "America/Denver".to_owned(), windows: vec![window], freezes, first_day: None }
}

/// The account; wave1 with a canary and three more in two places; wave2 with one site and something that must hold.
fn plan() -> Plan {
    let scope = |needs: &[ScopeId]| ScopePlan {
        needs: needs.iter().cloned().collect(),
        steps: [
            ("workspace.prod".parse().unwrap(), planned(&[])),
            ("catalog.gold".parse().unwrap(), planned(&["workspace.prod"])),
            ("grants.gold".parse().unwrap(), planned(&["catalog.gold"])),
        ]
        .into(),
        calendar: None,
        expected: Millis(0),
    };
    let mut scopes: BTreeMap<ScopeId, ScopePlan> = [(ScopeId::Account, scope(&[]))].into();
    for code in ["HRB01", "HRB02", "HRB03", "HRB04", "WLW05"] {
        scopes.insert(site(code), scope(&[ScopeId::Account]));
    }
    let wave = |name: &str, sites: &[&str]| WavePlan {
        name: name.parse().unwrap(),
        sites: sites.iter().map(|code| code.parse().unwrap()).collect(),
        max_parallel: 2,
        failure_budget: 1,
        bake: None,
        entry: Vec::new(),
    };
    let mut first = wave("wave1", &["HRB01", "HRB02", "HRB03", "HRB04"]);
    first.bake = Some(Bake { length: Millis::from_secs(3600), every: Millis::from_secs(60) });
    let mut second = wave("wave2", &["WLW05"]);
    second.entry = vec![Criterion {
        id: "scale.drills".to_owned(),
        owner: "compliance".to_owned(),
        holds: Holds::NoOpenFindings,
    }];
    Plan {
        overview: Default::default(),
        rollback: None,
        approvals: Vec::new(),
        consents: Vec::new(),
        v: PLAN_VERSION,
        tool: "landfall".to_owned(),
        estate: "Cedar".to_owned(),
        lineage: "l".to_owned(),
        target: TargetName { name: "sandbox".into(), account_id: "1".into(), host: "embedded".into() },
        selection: Selection::All,
        inputs: BTreeMap::new(),
        packs: BTreeMap::new(),
        parameters: BTreeMap::new(),
        heads: BTreeMap::new(),
        fleet: FleetPlan { waves: vec![first, second], failure_budget: None },
        scopes,
    }
}

/// A launch as events tell it.
struct Story {
    plan: Plan,
    fleet: Vec<FleetEvent>,
    runs: BTreeMap<ScopeId, Vec<Event>>,
    holder: bool,
}

impl Story {
    /// The account is done, the canary's turn has come.
    fn begun() -> Self {
        let mut story = Self { plan: plan(), fleet: Vec::new(), runs: BTreeMap::new(), holder: true };
        let (plan, selection) = (Digest::of(b"p"), Selection::All);
        story.fleet.push(FleetEvent::LaunchStarted { plan, selection });
        story.done(ScopeId::Account);
        story
    }

    /// The same with a canary that has baked.
    fn proven() -> Self {
        let mut story = Self::begun();
        story.done(site("HRB01"));
        let (wave, batch): (WaveName, Batch) = ("wave1".parse().unwrap(), Batch::Canary);
        let (from, until) = (at("2027-03-20T14:00:00Z"), at("2027-03-20T15:00:00Z"));
        story.fleet.push(FleetEvent::WaveBaking { wave: wave.clone(), batch, at: from, until });
        story.fleet.push(FleetEvent::WaveLooked {
            wave: wave.clone(),
            at: until,
            held: 3,
            broken: Vec::new(),
        });
        story.fleet.push(FleetEvent::WaveBaked { wave, batch });
        story
    }

    fn start(&mut self, scope: ScopeId) {
        self.fleet.push(FleetEvent::ScopeStarted { scope: scope.clone(), round: 1 });
        self.runs.insert(scope, vec![Event::RunStarted { at: at("2027-03-20T15:00:00Z") }]);
    }

    fn end(&mut self, scope: ScopeId, outcome: ScopeOutcome) {
        self.fleet.push(FleetEvent::ScopeEnded { scope, outcome });
    }

    fn done(&mut self, scope: ScopeId) {
        self.start(scope.clone());
        self.end(scope, ScopeOutcome::Succeeded);
    }

    /// The scope's second step failed, the third is blocked.
    fn fails(&mut self, scope: ScopeId, class: CauseClass) {
        self.start(scope.clone());
        let cause = Cause {
            code: Some("INVALID_PARAMETER_VALUE".to_owned()),
            status: Some(400),
            ..Cause::new(class, "create of databricks.catalog was refused")
        };
        let succeeded = json!({ "attempt": 1, "effect": "created", "polls": 0, "settled_in": 0 });
        let step: StepId = "workspace.prod".parse().unwrap();
        let counts = Counts { created: 1, failed: 1, blocked: 1, ..Counts::default() };
        self.runs.get_mut(&scope).unwrap().extend([
            Event::from_entry("step.succeeded", Some(&step), &succeeded).unwrap(),
            Event::StepFailed { step: "catalog.gold".parse().unwrap(), attempt: 1, cause, readback: None },
            Event::StepBlocked { step: "grants.gold".parse().unwrap(), by: "catalog.gold".parse().unwrap() },
            Event::RunEnded { outcome: RunOutcome::Failed, counts },
        ]);
        self.end(scope, ScopeOutcome::Failed);
    }

    /// The scope's first step rests.
    fn rests(&mut self, scope: &ScopeId, why: Rest) {
        let (since, until) = (at("2027-03-20T15:58:00Z"), at("2027-03-20T16:00:12Z"));
        let rested = Event::StepRested {
            step: "workspace.prod".parse().unwrap(),
            attempt: 1,
            at: Some(since),
            until,
            why,
            cause: None,
        };
        self.runs.get_mut(scope).unwrap().push(rested);
    }

    fn told(&self) -> Status {
        let run: RunId = "run-1".parse().unwrap();
        let fleet = fleet::State::replay(&self.plan, &self.fleet).unwrap();
        let of = |(scope, events): (&ScopeId, &Vec<Event>)| {
            let state = engine::State::replay(run.clone(), self.plan.scope(scope), events).unwrap();
            let sent = events.iter().filter_map(|event| match event {
                Event::StepApplying { step, .. } => Some((step.clone(), at("2027-03-20T15:59:00Z"))),
                _ => None,
            });
            (scope.clone(), Run { state, since: at("2027-03-20T15:30:00Z"), sent: sent.collect() })
        };
        let seen = Seen {
            run: run.clone(),
            plan: self.plan.clone(),
            began: at("2027-03-20T13:00:00Z"),
            fleet,
            scopes: self.runs.iter().map(of).collect(),
            holder: self.holder.then(|| "pm/1/run-1".to_owned()),
            durations: Durations::published(),
        };
        let waves = self.plan.fleet.waves.iter();
        let waves =
            waves.map(|wave| (wave.name.clone(), wave.sites.iter().cloned().map(ScopeId::Site).collect()));
        let waves: Vec<(WaveName, Vec<ScopeId>)> = waves.collect();
        let place = |scope: &ScopeId| Place {
            wave: waves.iter().find(|(_, sites)| sites.contains(scope)).map(|(name, _)| name.clone()),
            calendar: Some(calendar()),
            ..Place::default()
        };
        let roles =
            [("program-manager", "pm"), ("compliance", "compliance-lead"), ("platform", "platform-lead")];
        let estate = roles.map(|(role, handle)| (role.to_owned(), handle.to_owned())).into();
        fold(&Sources {
            at: at(NOW),
            estate: "Cedar".to_owned(),
            places: self.plan.scopes.keys().map(|scope| (scope.clone(), place(scope))).collect(),
            waves,
            people: People { estate, sites: BTreeMap::new() },
            launches: vec![seen],
        })
    }

    fn why(&self, code: &str) -> String {
        why(&self.told().of_scope(&site(code)))
    }

    /// The wave's own line, and its state.
    fn wave(&self, name: &str) -> (WaveState, String) {
        let status = self.told().of_wave(&name.parse().unwrap());
        let line = page(&status, Style::default());
        let line = line.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
        (status.waves[0].state, line)
    }
}

#[test]
fn a_site_that_waits_for_its_window_is_told_when_it_opens_by_its_own_clock() {
    let mut story = Story::begun();
    for scope in story.plan.scopes.values_mut() {
        scope.calendar = Some(calendar());
    }
    let wait: crate::model::wait::Wait = serde_json::from_value(
        json!({ "window": { "opens": "2027-03-21T03:00:00Z", "why": "outside-window" } }),
    )
    .unwrap();
    story.fleet.push(FleetEvent::ScopeWaiting {
        scope: site("HRB01"),
        at: at("2027-03-20T14:00:00Z"),
        why: wait,
    });
    insta::assert_snapshot!(story.why("HRB01"), @r#"
    site/HRB01: waiting since Sat 2027-03-20 08:00 -06:00
      ← change window of site/HRB01 (outside the change windows), opens Sat 2027-03-20 21:00 -06:00, for 2 h 0 min
        goes on by itself
    "#);
    let told = story.told().of_scope(&site("HRB01"));
    let row = &told.scopes[0];
    assert_eq!((row.state, row.next_window), (ScopeState::Waiting, Some(at("2027-03-21T03:00:00Z"))));
    insta::assert_snapshot!(story.why("HRB03"), @r#"
    site/HRB03: waiting
      ← site/HRB01 (pending)
      ← change window of site/HRB01 (outside the change windows), opens Sat 2027-03-20 21:00 -06:00, for 2 h 0 min
        goes on by itself
    "#);
    story.holder = false;
    assert!(story.why("HRB01").contains("landfall resume --due"), "nobody would see it open");
}

#[test]
fn a_place_is_followed_to_the_service_that_its_holder_waits_for() {
    let mut story = Story::proven();
    for code in ["HRB02", "HRB03"] {
        story.start(site(code));
    }
    story.rests(&site("HRB02"), Rest::NotReady);
    assert_eq!(story.wave("wave1").0, WaveState::Running);
    insta::assert_snapshot!(story.why("HRB04"), @r#"
    site/HRB04: waiting
      ← place in wave1 (2 of 2 taken by HRB02, HRB03)
      ← site/HRB02 (running, 0 of 3 steps), for 30 min
      ← step workspace.prod, for 2 min
      ← the service: the object is busy with a change that is not ours, next look Sat 2027-03-20 10:00 -06:00
        goes on by itself
    "#);
    let row = story.told().of_scope(&site("HRB04")).scopes.remove(0);
    assert_eq!(row.blocker.unwrap().on, On::Service);
    insta::assert_snapshot!(story.why("WLW05"), @r#"
    site/WLW05: waiting
      ← site/HRB02 (running, 0 of 3 steps), for 30 min
      ← step workspace.prod, for 2 min
      ← the service: the object is busy with a change that is not ours, next look Sat 2027-03-20 10:00 -06:00
        goes on by itself
    "#);
    let words: BTreeSet<String> = [Rest::Busy, Rest::Conflict, Rest::Unreadable, Rest::InDoubt, Rest::Window]
        .map(|why| {
            let mut story = Story::proven();
            story.start(site("HRB02"));
            if why == Rest::InDoubt {
                let spec = json!({});
                let desired =
                    json!({ "kind": "databricks.catalog", "spec": spec, "spec_digest": Digest::of(b"s") });
                story.runs.get_mut(&site("HRB02")).unwrap().push(Event::StepApplying {
                    step: "workspace.prod".parse().unwrap(),
                    attempt: 1,
                    call: NextCall::Create,
                    deadline: at(NOW),
                    desired: serde_json::from_value(desired).unwrap(),
                });
            }
            story.rests(&site("HRB02"), why);
            story.why("HRB02")
        })
        .into();
    assert_eq!(words.len(), 5, "each rest has words of its own: {words:#?}");
}

#[test]
fn a_bake_a_bar_and_a_pause_name_who_releases_them() {
    let mut story = Story::begun();
    story.done(site("HRB01"));
    let until = at("2027-03-20T17:00:00Z");
    let (wave, batch): (WaveName, Batch) = ("wave1".parse().unwrap(), Batch::Canary);
    story.fleet.push(FleetEvent::WaveBaking { wave, batch, at: at("2027-03-20T15:00:00Z"), until });
    insta::assert_snapshot!(story.why("HRB02"), @r#"
    site/HRB02: waiting
      ← bake time of wave1, until Sat 2027-03-20 11:00 -06:00, for 1 h 0 min
        goes on by itself
    "#);
    insta::assert_snapshot!(story.wave("wave1").1, @r#"
    wave1: baking, 1 of 4 sites done, ends about Sat 2027-03-20 12:00 -06:00; waits for bake time of wave1, until Sat 2027-03-20 11:00 -06:00, for 1 h 0 min
    "#);
    assert_eq!(story.wave("wave1").0, WaveState::Baking);

    let (reason, paused) = ("network team asked".to_owned(), at("2027-03-20T15:15:00Z"));
    story.fleet.push(FleetEvent::LaunchPaused { by: pm(), reason, at: paused });
    insta::assert_snapshot!(story.why("HRB02"), @r#"
    site/HRB02: waiting
      ← paused by pm: network team asked, for 45 min [program-manager (pm)]
        landfall wave resume wave1 --reason "…"
      ← bake time of wave1, until Sat 2027-03-20 11:00 -06:00, for 1 h 0 min
        goes on by itself
    "#);
    assert_eq!(story.wave("wave1").0, WaveState::Paused);

    let mut story = Story::proven();
    story.plan.fleet.waves[0].bake = None;
    story.fleet.retain(|event| !event.kind().starts_with("wave."));
    ["HRB02", "HRB03", "HRB04"].into_iter().for_each(|code| story.done(site(code)));
    let wave: WaveName = "wave2".parse().unwrap();
    story.fleet.push(FleetEvent::WaveReached { wave: wave.clone() });
    let open = vec![OpenItem {
        id: "scale.drills".to_owned(),
        missing: "no drill.tabletop in the last 90 days".to_owned(),
        owner: "compliance".to_owned(),
    }];
    story.fleet.push(FleetEvent::WaveBarred { wave, at: at("2027-03-17T12:00:00Z"), open });
    assert_eq!(story.wave("wave2").0, WaveState::Barred);
    insta::assert_snapshot!(story.why("WLW05"), @r#"
    site/WLW05: waiting
      ← what must hold before wave2: scale.drills: no drill.tabletop in the last 90 days [compliance], for 3 d 4 h [compliance (compliance-lead)]
        close what is missing; it is judged again by itself, and by landfall resume
    "#);
    assert_eq!(story.wave("wave1").0, WaveState::Done);
    let owner = &story.told().of_scope(&site("WLW05")).scopes[0].blocker.clone().unwrap().owners[0];
    assert_eq!((owner.role.as_str(), owner.handle.as_deref()), ("compliance", Some("compliance-lead")));
}

#[test]
fn a_halt_is_followed_to_the_step_that_failed() {
    let mut story = Story::begun();
    story.fails(site("HRB01"), CauseClass::BadRequest);
    let (wave, why): (WaveName, _) = ("wave1".parse().unwrap(), HaltReason::Canary { scope: site("HRB01") });
    story.fleet.push(FleetEvent::WaveHalted { wave, why });
    insta::assert_snapshot!(story.why("HRB01"), @r#"
    site/HRB01: failed since Sat 2027-03-20 09:30 -06:00
      ← step grants.gold (blocked)
      ← step catalog.gold (failed: create of databricks.catalog was refused (INVALID_PARAMETER_VALUE)), for 30 min [platform (platform-lead)]
        mend it, then landfall retry --site HRB01 --reason "…"
    "#);
    insta::assert_snapshot!(story.why("WLW05"), @r#"
    site/WLW05: not started
      ← wave1 is halted: its canary site/HRB01 did not end well [program-manager (pm)]
      ← site/HRB01 (failed, 1 of 3 steps), for 30 min
      ← step grants.gold (blocked)
      ← step catalog.gold (failed: create of databricks.catalog was refused (INVALID_PARAMETER_VALUE)), for 30 min [platform (platform-lead)]
        mend it, then landfall retry --site HRB01 --reason "…"
    "#);
    story.fleet.push(FleetEvent::LaunchEnded { outcome: LaunchOutcome::Failed });
    let status = story.told();
    assert_eq!(status.launches[0].state, LaunchState::Failed);
    assert_eq!(
        status.waves.iter().map(|wave| wave.state).collect::<Vec<_>>(),
        [WaveState::Halted, WaveState::NotStarted]
    );
    insta::assert_snapshot!(page(&status, Style::default()), @r#"
    launch run-1 of the whole estate: failed (pm/1/run-1), began Sat 2027-03-20 13:00 +00:00
    account and regions
      account  succeeded  0/3    0 %
    wave1: halted, 0 of 4 sites done, 1 failed; wave1 is halted: its canary site/HRB01 did not end well [program-manager (pm)]
      site/HRB01  failed       1/3   33 %  catalog.gold: create of databricks.catalog was refused (INVALID_PARAMETER_VALUE); blocked: 1
      site/HRB02  not started  0/3    0 %  wave1 is halted: its canary site/HRB01 did not end well
      site/HRB03  not started  0/3    0 %  wave1 is halted: its canary site/HRB01 did not end well
      site/HRB04  not started  0/3    0 %  wave1 is halted: its canary site/HRB01 did not end well
    wave2: not started, 0 of 1 sites done; wave1 is halted: its canary site/HRB01 did not end well [program-manager (pm)]
      site/WLW05  not started  0/3    0 %  wave1 is halted: its canary site/HRB01 did not end well
    "#);
    assert!(!status.is_open());
}

#[test]
fn other_halts_and_losses_have_their_reasons() {
    let mut story = Story::proven();
    ["HRB02", "HRB03"].into_iter().for_each(|code| story.start(site(code)));
    for code in ["HRB02", "HRB03"] {
        story.end(site(code), ScopeOutcome::Failed);
    }
    let wave: WaveName = "wave1".parse().unwrap();
    let mut halted = |why: HaltReason| {
        story.fleet.push(FleetEvent::WaveHalted { wave: wave.clone(), why });
        let line = story.wave("wave1").1;
        story.fleet.pop();
        line
    };
    let budget = halted(HaltReason::Budget { failed: 2, budget: 1 });
    assert!(
        budget.contains("halted, 1 of 4 sites done, 2 failed") && budget.contains("no more than 1 may"),
        "{budget}"
    );
    let launch = halted(HaltReason::LaunchBudget { failed: 2, budget: 1 });
    assert!(launch.contains("2 sites of the launch failed"), "{launch}");
    let defect =
        Defect { scope: site("HRB01"), step: "check.tags".parse().unwrap(), what: "gone".to_owned() };
    let bake = halted(HaltReason::Bake { defect, broken: 1 });
    assert!(bake.contains("check.tags of site/HRB01 broke during bake time: gone"), "{bake}");

    let why = SkipReason::Person { by: "pm".to_owned(), reason: "clinic closed".to_owned() };
    story.fleet.push(FleetEvent::ScopeSkipped { scope: site("HRB04"), why });
    assert!(
        story.why("HRB04").contains("skipped\n  ← taken out by pm: clinic closed [program-manager (pm)]")
    );
    story.fleet.push(FleetEvent::LaunchEnded { outcome: LaunchOutcome::Partial });
    assert_eq!(story.wave("wave1").0, WaveState::Partial);

    let mut story = Story { plan: plan(), fleet: Vec::new(), runs: BTreeMap::new(), holder: true };
    story.fleet.push(FleetEvent::LaunchStarted { plan: Digest::of(b"p"), selection: Selection::All });
    story.fails(ScopeId::Account, CauseClass::PermissionDenied);
    story
        .fleet
        .push(FleetEvent::ScopeSkipped { scope: site("HRB01"), why: SkipReason::Need(ScopeId::Account) });
    insta::assert_snapshot!(story.why("HRB01"), @r#"
    site/HRB01: skipped
      ← account (failed, 1 of 3 steps), for 30 min
      ← step grants.gold (blocked)
      ← step catalog.gold (failed: create of databricks.catalog was refused (INVALID_PARAMETER_VALUE)), for 30 min [platform (platform-lead)]
        give whoever signs in the right, then landfall retry --failed --reason "…"
    "#);
}

#[test]
fn a_launch_that_nobody_carries_out_says_what_to_type() {
    let mut story = Story::begun();
    story.start(site("HRB01"));
    assert_eq!(story.wave("wave1").0, WaveState::Running);
    insta::assert_snapshot!(story.wave("wave2").1, @r#"
    wave2: not started, 0 of 1 sites done, ends about Sat 2027-03-20 11:00 -06:00; waits for site/HRB01 (running, 0 of 3 steps), for 30 min
    "#);
    story.holder = false;
    let status = story.told();
    assert_eq!(status.launches[0].state, LaunchState::Unfinished);
    assert_eq!(status.scopes[1].state, ScopeState::Unfinished);
    assert_eq!(story.wave("wave1").0, WaveState::Suspended);
    assert!(story.why("HRB01").contains("no process carries the launch out; landfall resume goes on"));
    assert!(story.why("HRB01").contains("    landfall resume run-1\n"));
    story.fleet.push(FleetEvent::LaunchStopping {});
    story.end(site("HRB01"), ScopeOutcome::Suspended);
    story.fleet.push(FleetEvent::LaunchSuspended {});
    assert_eq!(story.told().launches[0].state, LaunchState::Suspended);
    assert!(story.why("HRB01").contains("stopped; landfall resume goes on"), "{}", story.why("HRB01"));
}

#[test]
fn what_is_called_off_says_so() {
    let mut story = Story::begun();
    story.start(site("HRB01"));
    story.fleet.push(FleetEvent::LaunchAborting { by: pm(), reason: "wrong plan".to_owned() });
    assert_eq!(story.told().launches[0].state, LaunchState::Aborting);
    assert!(story.why("HRB01").contains("being called off"));
    story.end(site("HRB01"), ScopeOutcome::Aborted);
    story.fleet.push(FleetEvent::LaunchEnded { outcome: LaunchOutcome::Aborted });
    assert_eq!(story.wave("wave1").0, WaveState::Aborted);
    assert!(story.why("HRB01").contains("it was called off"));
}

#[test]
fn expected_ends_keep_to_places_and_bake_times() {
    let story = Story::begun();
    let status = story.told();
    let end = |code: &str| {
        let row = status.scopes.iter().find(|row| row.scope == site(code)).unwrap();
        row.expected_end.unwrap().since(at(NOW))
    };
    let one = end("HRB01");
    let bake = Millis::from_secs(3600);
    assert!(one > Millis(0));
    assert_eq!(end("HRB02"), Millis(one.0 * 2 + bake.0), "behind the canary's bake time");
    assert_eq!(end("HRB03"), end("HRB02"), "two at a time");
    assert_eq!(end("HRB04"), Millis(one.0 * 3 + bake.0), "in the place that is free first");
    let wave = status.waves[0].expected_end.unwrap().since(at(NOW));
    assert_eq!(wave, Millis(one.0 * 3 + bake.0 * 2));
}

#[test]
fn among_many_sites_only_those_are_listed_that_somebody_has_to_know_of() {
    let mut story = Story::proven();
    story.start(site("HRB02"));
    let codes: Vec<String> = (10..40).map(|number| format!("ZZZ{number}")).collect();
    let wave = &mut story.plan.fleet.waves[1];
    wave.sites.extend(codes.iter().map(|code| code.parse().unwrap()));
    let like = story.plan.scopes[&site("WLW05")].clone();
    story.plan.scopes.extend(codes.iter().map(|code| (site(code), like.clone())));
    story.fleet.push(FleetEvent::WaveHalted {
        wave: "wave1".parse().unwrap(),
        why: HaltReason::Budget { failed: 2, budget: 1 },
    });
    let status = story.told();
    let text = page(&status, Style::default());
    assert!(text.contains("site/HRB02") && !text.contains("ZZZ10"), "{text}");
    assert!(text.contains("wave2: not started, 0 of 31 sites done"), "{text}");
    assert!(text.contains("--all shows them"), "{text}");
    assert!(page(&status, Style { all: true, wide: false }).contains("ZZZ10"));
}

#[test]
fn rows_for_spreadsheets_hold_no_formulas_and_keep_their_columns() {
    let mut story = Story::begun();
    story.start(site("HRB01"));
    let reason = "=cmd|' /C calc'!A0, \"x\"".to_owned();
    story.fleet.push(FleetEvent::LaunchPaused { by: pm(), reason, at: at(NOW) });
    let text = csv(&story.told());
    let row = text.lines().find(|line| line.starts_with("site/HRB01")).unwrap();
    assert!(row.contains("\"paused by pm: =cmd|' /C calc'!A0, \"\"x\"\"\""), "{row}");
    assert_eq!(quoted("=1+1"), "'=1+1");
    assert_eq!(text.lines().next().unwrap().split(',').count(), 21);
}

#[test]
fn two_looks_in_which_nothing_happened_tell_the_same() {
    let mut story = Story::begun();
    story.start(site("HRB01"));
    story.rests(&site("HRB01"), Rest::Busy);
    assert_eq!(story.wave("wave1").0, WaveState::Running, "its only site has begun, and rests");
    let one = story.told();
    let mut later = one.clone();
    later.at = later.at + Millis::from_secs(5);
    for link in later.scopes.iter_mut().flat_map(|scope| scope.waits.iter_mut().flatten()) {
        link.age = link.age.map(|age| Millis(age.0 + 5000));
    }
    assert_ne!(one, later);
    assert_eq!(one.timeless(), later.timeless());
    story.rests(&site("HRB01"), Rest::Busy);
    later.scopes[1].state = ScopeState::Failed;
    assert_ne!(one.timeless(), later.timeless());
}
