//! Small launches told in words: what happens, and what is waited for.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{Command, Decision, Input, State, Subject, advance, apply, decide, owed, waits};
use crate::base::digest::Digest;
use crate::base::id::ScopeId;
use crate::base::time::{Millis, Timestamp};
use crate::model::entry::{Actor, ActorKind};
use crate::model::fleet_event::{Defect, FleetEvent, ScopeOutcome, SkipReason};
use crate::model::plan::{Plan, ScopePlan};
use crate::model::wait::OpenItem;

/// 2026-03-02T00:00:00Z, a Monday.
const MONDAY: i64 = 1_772_409_600_000;
const HOUR: i64 = 3_600_000;

struct Launch {
    plan: Plan,
    state: State,
    now: Timestamp,
}

/// Waves as `canary`, `parallel`, `budget` and so on; every site needs the region and changes something.
fn launch(waves: serde_json::Value, sites: &[&str]) -> Launch {
    let step = json!({
        "work": { "reconcile": {
            "kind": "databricks.catalog", "operation": "create", "spec": {}, "changes": [], "reversal": "reversible",
        } },
        "after": {},
        "limits": { "call_timeout": 1, "attempts_max": 1, "poll_every": 1, "ready_within": 1 },
    });
    let scope = |needs: &[&str]| -> ScopePlan {
        serde_json::from_value(json!({ "needs": needs, "steps": { "catalog.prod": step } })).expect("a scope")
    };
    let mut scopes = BTreeMap::from([(id("region/us"), scope(&[]))]);
    scopes.extend(sites.iter().map(|site| (id(&format!("site/{site}")), scope(&["region/us"]))));
    let plan: Plan = serde_json::from_value(json!({
        "v": 1, "tool": "test", "estate": "test", "lineage": "test",
        "target": { "name": "test", "account_id": "test", "host": "embedded" },
        "selection": "all", "inputs": {}, "packs": {}, "parameters": {}, "heads": {},
        "fleet": { "waves": waves }, "scopes": scopes,
    }))
    .expect("a plan");
    let state = State::new(&plan);
    Launch { plan, state, now: Timestamp::from_millis(MONDAY) }
}

fn id(scope: &str) -> ScopeId {
    scope.parse().expect("a scope")
}

fn pm() -> Actor {
    Actor { kind: ActorKind::Person, id: "pm".to_owned() }
}

impl Launch {
    /// The kinds of what follows, each with the scope or wave it is about.
    fn tell(&mut self, input: Input) -> String {
        let mut moved = self.state.clone();
        let in_one = advance(&self.plan, &mut moved, self.now, input.clone());
        let told = self.tell_apart(input, &in_one);
        assert_eq!(moved, self.state, "deciding and folding in one is the same as both");
        told
    }

    fn tell_apart(&mut self, input: Input, in_one: &Decision) -> String {
        let decision = decide(&self.plan, &self.state, self.now, input);
        assert_eq!(decision, *in_one);
        match decision {
            Decision::Stale => "stale".to_owned(),
            Decision::Refused(refusal) => refusal.to_string(),
            Decision::Accepted(events) => {
                events.iter().for_each(|event| apply(&mut self.state, event));
                events.iter().map(words).collect::<Vec<_>>().join(", ")
            }
        }
    }

    fn ends(&mut self, scope: &str, outcome: ScopeOutcome) -> String {
        self.tell(Input::ScopeEnded { scope: id(scope), outcome })
    }

    fn well(&mut self, scope: &str) -> String {
        self.ends(scope, ScopeOutcome::Succeeded)
    }

    fn started(mut self) -> Self {
        self.tell(Input::Started(Digest::of(b"plan")));
        self.well("region/us");
        self
    }

    fn after(&mut self, hours: i64) -> String {
        self.now = Timestamp::from_millis(self.now.as_millis() + hours * HOUR);
        self.tell(Input::TimeReached)
    }

    fn looked(&mut self, wave: &str, broken: &[&str]) -> String {
        let defect = |scope: &&str| Defect {
            scope: id(scope),
            step: "check.tags".parse().expect("a step"),
            what: "gone".to_owned(),
        };
        let broken = broken.iter().map(defect).collect();
        self.tell(Input::BakeLooked { wave: wave.parse().expect("a wave"), held: 1, broken })
    }

    fn judged(&mut self, wave: &str, open: &[&str]) -> String {
        let item = |missing: &&str| OpenItem {
            id: "a.criterion".to_owned(),
            missing: (*missing).to_owned(),
            owner: "security-officer".to_owned(),
        };
        let open = open.iter().map(item).collect();
        self.tell(Input::EntryJudged { wave: wave.parse().expect("a wave"), open })
    }

    fn retry(&mut self, scopes: &[&str]) -> String {
        let scopes: BTreeSet<ScopeId> = scopes.iter().map(|scope| id(scope)).collect();
        self.tell(Input::RetryAsked { scopes, by: pm(), reason: "put right".to_owned() })
    }

    fn skip(&mut self, scope: &str) -> String {
        let why = SkipReason::Person { by: "pm".to_owned(), reason: "not ready".to_owned() };
        self.tell(Input::SkipAsked { scope: id(scope), why, by: pm() })
    }

    fn waits(&self) -> Vec<String> {
        let told = |wait: super::Waiting| {
            let subject = match wait.subject {
                Subject::Launch => "launch".to_owned(),
                Subject::Wave(wave) => wave.to_string(),
                Subject::Scope(scope) => scope.to_string(),
            };
            let until = wait.until.map(|until| format!(" until {until}")).unwrap_or_default();
            format!("{subject}: {} ({}){until}", wait.why.word(), wait.why)
        };
        waits(&self.plan, &self.state, self.now).into_iter().map(told).collect()
    }

    fn owed(&self) -> Vec<String> {
        let told = |command| match command {
            Command::RunScope { scope, round } => format!("run {scope} {round}"),
            Command::AbortScope(scope) => format!("abort {scope}"),
            Command::JudgeEntry(wave) => format!("judge {wave}"),
            Command::LookAtBake { wave, scopes } => format!("look at {wave} {}", scopes.len()),
            Command::WakeAt(at) => format!("wake at {at}"),
        };
        owed(&self.state).into_iter().map(told).collect()
    }
}

fn words(event: &FleetEvent) -> String {
    let body = event.to_body();
    let about = ["scope", "wave", "outcome"].iter().find_map(|key| body.get(key)?.as_str());
    about.map_or_else(|| event.kind().to_owned(), |about| format!("{} {about}", event.kind()))
}

fn wave(sites: &[&str]) -> serde_json::Value {
    json!({ "name": "pilot", "sites": sites, "max_parallel": 2, "failure_budget": 1 })
}

#[test]
fn a_site_whose_window_is_shut_takes_no_place_and_is_woken_for() {
    let mut launch =
        launch(json!([wave(&["AAA01", "AAA02", "AAA03", "AAA04"])]), &["AAA01", "AAA02", "AAA03", "AAA04"]);
    let nights = json!({
        "zone": "UTC", "freezes": [], "first_day": null,
        "windows": [{ "days": ["Mon"], "from": "20:00", "to": "23:00", "zone": "UTC" }],
    });
    let site = launch.plan.scopes.get_mut(&id("site/AAA02")).expect("a scope");
    site.calendar = Some(serde_json::from_value(nights).expect("a calendar"));
    site.expected = Millis(60_000);
    let mut launch = launch.started();
    assert_eq!(
        launch.well("site/AAA01"),
        "scope.ended site/AAA01, scope.waiting site/AAA02, scope.started site/AAA03, scope.started site/AAA04"
    );
    assert_eq!(launch.owed(), ["run site/AAA03 1", "run site/AAA04 1"]);
    assert_eq!(launch.waits(), ["site/AAA02: place (one of the 2 places of its wave)"]);
    launch.well("site/AAA03");
    assert_eq!(launch.owed(), ["run site/AAA04 1", "wake at 2026-03-02T20:00:00.000Z"]);
    let window = "window (its change window: outside the change windows) until 2026-03-02T20:00:00.000Z";
    assert_eq!(launch.waits(), [format!("site/AAA02: {window}")]);
    assert_eq!(launch.after(1), "stale");
    assert_eq!(launch.after(19), "scope.started site/AAA02");
}

#[test]
fn a_window_that_never_opens_refuses_the_launch() {
    let mut launch = launch(json!([wave(&["AAA01"])]), &["AAA01"]);
    let short = json!({
        "zone": "UTC", "freezes": [], "first_day": null,
        "windows": [{ "days": ["Mon"], "from": "20:00", "to": "23:00", "zone": "UTC" }],
    });
    let site = launch.plan.scopes.get_mut(&id("site/AAA01")).expect("a scope");
    site.calendar = Some(serde_json::from_value(short).expect("a calendar"));
    site.expected = Millis(4 * 3_600_000);
    let told = launch.tell(Input::Started(Digest::of(b"plan")));
    assert_eq!(told, "site/AAA01 can never be changed: no change window is long enough");
}

#[test]
fn a_wave_bakes_after_its_canary_and_at_its_end() {
    let mut pilot = wave(&["AAA01", "AAA02"]);
    pilot["bake"] = json!({ "length": 2 * HOUR, "every": HOUR });
    let mut launch = launch(
        json!([pilot, { "name": "next", "sites": ["BBB01"], "max_parallel": 1, "failure_budget": 0 }]),
        &["AAA01", "AAA02", "BBB01"],
    )
    .started();
    assert_eq!(launch.well("site/AAA01"), "scope.ended site/AAA01, wave.baking pilot");
    assert_eq!(launch.owed(), ["look at pilot 1"]);
    let bake = "bake (the bake time of pilot) until 2026-03-02T02:00:00.000Z";
    assert_eq!(launch.waits(), [format!("pilot: {bake}"), format!("next: {bake}")]);
    assert_eq!(launch.looked("pilot", &[]), "wave.looked pilot");
    assert_eq!(launch.owed(), ["wake at 2026-03-02T01:00:00.000Z"]);
    assert_eq!(launch.looked("pilot", &[]), "stale");
    assert_eq!(launch.after(1), "wave.due pilot");
    launch.after(1);
    // The look was owed before the time was over: another one follows.
    assert_eq!(launch.looked("pilot", &[]), "wave.looked pilot, wave.due pilot");
    assert_eq!(launch.looked("pilot", &[]), "wave.looked pilot, wave.baked pilot, scope.started site/AAA02");
    assert_eq!(launch.well("site/AAA02"), "scope.ended site/AAA02, wave.baking pilot");
    assert_eq!(launch.looked("pilot", &["site/AAA02"]), "wave.looked pilot");
    assert_eq!(launch.owed(), ["wake at 2026-03-02T02:01:00.000Z"]);
    launch.after(1);
    assert_eq!(
        launch.looked("pilot", &["site/AAA02"]),
        "wave.looked pilot, wave.halted pilot, launch.ended failed"
    );
    assert_eq!(launch.retry(&[]), "launch.reopened, wave.reopened pilot, wave.baking pilot");
}

#[test]
fn a_wave_with_criteria_begins_when_none_is_open() {
    let mut pilot = wave(&["AAA01"]);
    pilot["entry"] =
        json!([{ "id": "a.criterion", "owner": "security-officer", "holds": "no-open-findings" }]);
    let mut launch = launch(json!([pilot]), &["AAA01"]).started();
    assert_eq!(launch.owed(), ["judge pilot"]);
    assert_eq!(launch.judged("pilot", &["a drill"]), "wave.barred pilot");
    assert_eq!(launch.owed(), ["wake at 2026-03-02T00:10:00.000Z"]);
    assert_eq!(launch.waits(), ["pilot: entry (what must hold before pilot: a drill)"]);
    assert_eq!(launch.after(1), "wave.due pilot");
    assert_eq!(launch.judged("pilot", &["a drill"]), "wave.unchanged pilot");
    assert_eq!(launch.judged("pilot", &[]), "stale");
    assert_eq!(launch.tell(Input::Recovered), "launch.recovered, wave.due pilot");
    assert_eq!(launch.judged("pilot", &[]), "wave.entered pilot, scope.started site/AAA01");
}

#[test]
fn a_pause_outlives_a_recovery() {
    let mut launch = launch(json!([wave(&["AAA01", "AAA02"])]), &["AAA01", "AAA02"]).started();
    let pause = Input::PauseAsked { by: pm(), reason: "go-live".to_owned() };
    assert_eq!(launch.tell(pause.clone()), "launch.paused");
    assert_eq!(launch.tell(pause), "stale");
    assert!(launch.state.is_stopping());
    assert_eq!(
        launch.ends("site/AAA01", ScopeOutcome::Suspended),
        "scope.ended site/AAA01, launch.suspended"
    );
    assert_eq!(launch.tell(Input::Recovered), "launch.recovered");
    assert_eq!((launch.owed().len(), launch.state.is_suspended()), (0, true));
    assert_eq!(launch.waits(), ["launch: pause (paused by pm: go-live)", "site/AAA02: scope (site/AAA01)"]);
    let resume = Input::ResumeAsked { by: pm(), reason: "done".to_owned() };
    assert_eq!(launch.tell(resume), "launch.resumed");
    assert_eq!(launch.owed(), ["run site/AAA01 1"]);
}

#[test]
fn an_abort_runs_up_what_is_suspended() {
    let mut launch = launch(json!([wave(&["AAA01", "AAA02"])]), &["AAA01", "AAA02"]).started();
    launch.tell(Input::StopAsked);
    launch.ends("site/AAA01", ScopeOutcome::Suspended);
    assert!(launch.state.is_suspended());
    let abort = Input::AbortAsked { by: pm(), reason: "a wrong plan".to_owned() };
    assert_eq!(launch.tell(abort), "launch.aborting");
    assert_eq!(launch.owed(), ["abort site/AAA01"]);
    assert_eq!(
        launch.ends("site/AAA01", ScopeOutcome::Aborted),
        "scope.ended site/AAA01, launch.ended aborted"
    );
    assert_eq!(launch.retry(&[]), "the launch was called off: plan what is left anew");
}

#[test]
fn a_site_that_is_taken_out_passes_the_canary_on() {
    let mut launch = launch(json!([wave(&["AAA01", "AAA02"])]), &["AAA01", "AAA02"]).started();
    assert_eq!(
        launch.skip("region/us"),
        "region/us cannot be taken out: sites need it; call the launch off instead"
    );
    assert_eq!(launch.skip("site/AAA01"), "scope.aborting site/AAA01");
    assert_eq!(launch.owed(), ["abort site/AAA01"]);
    assert_eq!(
        launch.ends("site/AAA01", ScopeOutcome::Aborted),
        "scope.ended site/AAA01, scope.started site/AAA02"
    );
    assert_eq!(launch.skip("site/AAA01"), "site/AAA01 has been called off already");
    assert_eq!(launch.well("site/AAA02"), "scope.ended site/AAA02, launch.ended partial");
    assert_eq!(launch.retry(&["site/AAA02"]), "site/AAA02 cannot be tried again: it is succeeded");
    assert_eq!(
        launch.retry(&["site/AAA01"]),
        "launch.reopened, scope.requeued site/AAA01, scope.started site/AAA01"
    );
    assert_eq!(launch.owed(), ["run site/AAA01 2"]);
    assert_eq!(launch.well("site/AAA01"), "scope.ended site/AAA01, launch.ended succeeded");
    assert_eq!(launch.retry(&[]), "nothing is there to be tried again");
}

#[test]
fn a_retry_brings_back_what_was_skipped_for_it() {
    let mut launch = launch(json!([wave(&["AAA01", "AAA02"])]), &["AAA01", "AAA02"]);
    launch.tell(Input::Started(Digest::of(b"plan")));
    assert_eq!(
        launch.ends("region/us", ScopeOutcome::Failed),
        "scope.ended region/us, scope.skipped site/AAA01, scope.skipped site/AAA02, launch.ended failed"
    );
    assert_eq!(
        launch.retry(&["site/AAA01"]),
        "site/AAA01 needs region/us, which did not end well: try that again too"
    );
    assert_eq!(
        launch.retry(&["region/us"]),
        "launch.reopened, scope.requeued region/us, scope.requeued site/AAA01, scope.requeued site/AAA02, \
         scope.started region/us"
    );
}

#[test]
fn a_retried_site_goes_to_the_end_of_its_wave() {
    let sites = ["AAA01", "AAA02", "AAA03"];
    let mut pilot = wave(&sites);
    pilot["failure_budget"] = json!(0);
    let mut launch = launch(json!([pilot]), &sites).started();
    launch.well("site/AAA01");
    assert_eq!(
        launch.ends("site/AAA02", ScopeOutcome::Failed),
        "scope.ended site/AAA02, wave.halted pilot, launch.ended failed"
    );
    assert_eq!(
        launch.retry(&["site/AAA02"]),
        "launch.reopened, scope.requeued site/AAA02, wave.reopened pilot, scope.started site/AAA03"
    );
    assert_eq!(launch.retry(&["site/AAA02"]), "site/AAA02 cannot be tried again: it is pending");
}

#[test]
fn a_retry_behind_a_failed_canary_is_refused() {
    let mut launch = launch(json!([wave(&["AAA01", "AAA02"])]), &["AAA01", "AAA02"]).started();
    launch.skip("site/AAA02");
    launch.ends("site/AAA01", ScopeOutcome::Failed);
    assert_eq!(
        launch.retry(&["site/AAA02"]),
        "wave pilot would be halted again at once: its canary site/AAA01 did not end well"
    );
    assert_eq!(
        launch.retry(&[]),
        "launch.reopened, scope.requeued site/AAA01, wave.reopened pilot, scope.started site/AAA01"
    );
}

#[test]
fn the_budget_of_the_launch_halts_a_wave_before_one_that_is_halted() {
    let budget = |name: &str, sites: &[&str]| json!({ "name": name, "sites": sites, "max_parallel": 1, "failure_budget": 1 });
    let waves = json!([budget("first", &["AAA01"]), budget("second", &["BBB01"])]);
    let mut launch = launch(waves, &["AAA01", "BBB01"]);
    launch.plan.fleet.failure_budget = Some(0);
    launch.plan.scopes.insert(id("region/eu"), launch.plan.scopes[&id("region/us")].clone());
    let site = launch.plan.scopes.get_mut(&id("site/AAA01")).expect("a scope");
    site.needs = BTreeSet::from([id("region/eu")]);
    launch.state = State::new(&launch.plan);
    launch.tell(Input::Started(Digest::of(b"plan")));
    launch.ends("region/eu", ScopeOutcome::Failed);
    launch.well("region/us");
    assert_eq!(
        launch.ends("site/BBB01", ScopeOutcome::Failed),
        "scope.ended site/BBB01, wave.halted second, launch.ended failed"
    );
    assert_eq!(
        launch.retry(&["region/eu"]),
        "wave first would be halted again at once: 1 sites of the launch failed, and no more than 0 may"
    );
}
