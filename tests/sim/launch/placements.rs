//! The budget rule over all placements of failures: for launches of up to eight sites in one or two waves, and every set
//! of sites that fail, exactly those sites start that the rule lets start, and a launch whose failures are put right and
//! tried again ends as one that never had any.

use std::collections::{BTreeMap, BTreeSet};

use landfall::base::digest::Digest;
use landfall::base::id::{ScopeId, SiteCode, WaveName};
use landfall::base::time::{Millis, Timestamp};
use landfall::fleet::{Command, Decision, Input, State, apply, decide, owed};
use landfall::model::entry::{Actor, ActorKind};
use landfall::model::fleet_event::{FleetEvent, LaunchOutcome, ScopeOutcome};
use landfall::model::plan::{FleetPlan, Plan, ScopePlan, WavePlan};

use super::draw::whole;
use super::story::smooth;

/// One launch: its waves by size, its limits, and whether the site that started first or last ends first.
#[derive(Clone, Debug)]
struct Case {
    sizes: Vec<usize>,
    max_parallel: u32,
    budget: u32,
    launch_budget: Option<u32>,
    last_first: bool,
}

fn cases(size: usize) -> Vec<Case> {
    let split = if size > 1 { vec![vec![size], vec![size - size / 3, size / 3]] } else { vec![vec![size]] };
    let mut cases = Vec::new();
    for sizes in split {
        for (max_parallel, budget) in [(1, 0), (3, 0), (2, 1), (4, 1), (3, 2), (8, 3)] {
            for launch_budget in [None, Some(1)] {
                let (sizes, last_first) = (sizes.clone(), max_parallel % 2 == 0);
                cases.push(Case { sizes, max_parallel, budget, launch_budget, last_first });
            }
        }
    }
    cases
}

fn site(number: usize) -> ScopeId {
    ScopeId::Site(SiteCode::new(format!("SIT{number:02}")).expect("a site code"))
}

fn plan(case: &Case) -> Plan {
    let mut next = 0;
    let mut scopes = BTreeMap::new();
    let mut waves = Vec::new();
    for (number, size) in case.sizes.iter().enumerate() {
        let numbers = next..next + size;
        next += size;
        let bare = || ScopePlan {
            needs: BTreeSet::new(),
            steps: BTreeMap::new(),
            calendar: None,
            expected: Millis(0),
        };
        scopes.extend(numbers.clone().map(|number| (site(number), bare())));
        waves.push(WavePlan {
            name: WaveName::new(format!("wave{number}")).expect("a wave"),
            sites: numbers.filter_map(|number| site(number).site().cloned()).collect(),
            max_parallel: case.max_parallel,
            failure_budget: case.budget,
            bake: None,
            entry: Vec::new(),
        });
    }
    whole(scopes, FleetPlan { waves, failure_budget: case.launch_budget })
}

/// The sites that start by the rule, said once more as simply as it can be.
fn by_rule(case: &Case, fails: u32) -> BTreeSet<usize> {
    let mut started = BTreeSet::new();
    let (mut first, mut failed_in_launch) = (0, 0);
    for size in &case.sizes {
        let (mut next, end) = (first, first + size);
        let (mut running, mut failed, mut halted) = (Vec::new(), 0, false);
        loop {
            let most = case.max_parallel.min((case.budget + 1).saturating_sub(failed));
            let of_launch =
                case.launch_budget.map_or(u32::MAX, |budget| (budget + 1).saturating_sub(failed_in_launch));
            let most = if next == first { 1 } else { most.min(of_launch) };
            while !halted && next < end && (running.len() as u32) < most {
                started.insert(next);
                running.push(next);
                next += 1;
                if next == first + 1 {
                    break;
                }
            }
            if running.is_empty() {
                break;
            }
            let done = if case.last_first { running.pop() } else { Some(running.remove(0)) };
            let done = done.expect("one runs");
            if fails & (1 << done) != 0 {
                failed += 1;
                failed_in_launch += 1;
                let over = case.launch_budget.is_some_and(|budget| failed_in_launch > budget);
                halted |= done == first || failed > case.budget || over;
            }
        }
        if halted {
            return started;
        }
        first = end;
    }
    started
}

/// A launch that is played without a shell.
struct Play<'p> {
    plan: &'p Plan,
    state: State,
    running: Vec<ScopeId>,
    started: BTreeSet<ScopeId>,
}

impl Play<'_> {
    fn turn(&mut self, input: Input) {
        let decision = decide(self.plan, &self.state, Timestamp::from_millis(0), input);
        let Decision::Accepted(events) = decision else { panic!("{decision:?}") };
        for event in events {
            apply(&mut self.state, &event);
            if let FleetEvent::ScopeStarted { scope, .. } = event {
                self.started.insert(scope.clone());
                self.running.push(scope);
            }
        }
    }

    fn run(&mut self, last_first: bool, fails: impl Fn(&ScopeId) -> bool) -> LaunchOutcome {
        while !self.running.is_empty() {
            let at = if last_first { self.running.len() - 1 } else { 0 };
            let scope = self.running.remove(at);
            let outcome = if fails(&scope) { ScopeOutcome::Failed } else { ScopeOutcome::Succeeded };
            self.turn(Input::ScopeEnded { scope, outcome });
            let owed = owed(&self.state);
            let runs = owed.iter().all(|command| matches!(command, Command::RunScope { .. }));
            assert!(runs && owed.len() == self.running.len(), "{owed:?}");
        }
        self.state.ended().expect("a launch in which nothing runs has ended")
    }
}

#[test]
fn the_budget_rule_holds_for_every_placement_of_failures() {
    let mut launches = 0;
    for size in 1..=8 {
        for case in cases(size) {
            let plan = plan(&case);
            let clean = smooth(&plan, Timestamp::from_millis(0));
            for fails in 0..1_u32 << size {
                launches += 1;
                play(&case, &plan, &clean, fails);
            }
        }
    }
    println!("{launches} launches");
}

fn play(case: &Case, plan: &Plan, clean: &State, fails: u32) {
    let state = State::new(plan);
    let mut play = Play { plan, state, running: Vec::new(), started: BTreeSet::new() };
    play.turn(Input::Started(Digest::of(b"plan")));
    let failing: BTreeSet<ScopeId> = (0..8).filter(|n| fails & (1 << n) != 0).map(site).collect();
    let outcome = play.run(case.last_first, |scope| failing.contains(scope));
    let by_rule: BTreeSet<ScopeId> = by_rule(case, fails).into_iter().map(site).collect();
    assert_eq!(play.started, by_rule, "{case:?} where {failing:?} fail");
    if outcome == LaunchOutcome::Succeeded {
        assert!(failing.is_empty(), "{case:?} where {failing:?} fail");
        return;
    }
    let by = Actor { kind: ActorKind::Person, id: "pm".to_owned() };
    play.turn(Input::RetryAsked { scopes: BTreeSet::new(), by, reason: "put right".to_owned() });
    let outcome = play.run(case.last_first, |_| false);
    assert_eq!(outcome, LaunchOutcome::Succeeded, "{case:?} where {failing:?} failed");
    assert_eq!(play.state.scopes(), clean.scopes());
    assert!(play.state.waves().iter().all(|wave| wave.halted.is_none()));
}
