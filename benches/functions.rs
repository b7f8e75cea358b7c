//! Single functions, inside this process: medians of batches, with the spread between them.
//!
//! `cargo bench --bench functions [-- WORD]`: only those whose name has the word. No row is judged here; what matters is how
//! a row changes on one machine. Instruction counts are in `benches/callgrind.sh`, whole processes in `benches/suite`.

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use landfall::base::digest::{Digest, canonical_bytes};
use landfall::base::id::{LogId, RunId, ScopeId, SiteCode};
use landfall::base::time::{Millis, Timestamp};
use landfall::engine;
use landfall::fleet;
use landfall::journal::sqlite::SqliteJournal;
use landfall::journal::{Journal as _, Lease};
use landfall::kind::{Ask, Registry, assess};
use landfall::merkle::{CompactRange, leaf_hash, root};
use landfall::model::entry::{Actor, ActorKind, EntryDraft};
use landfall::model::finding::{Finding, Readback};
use landfall::model::fleet_event::ScopeOutcome;
use landfall::model::outcome::ApplyOutcome;
use landfall::model::plan::{Plan, ScopePlan, Work};
use landfall::ops::desired::Desired;
use landfall::ops::plan::{Asked, offline, select};
use landfall::{ops, render, resolve, source};
use serde_json::{Value, json};

/// Batches of each function, and the least time that one takes.
const BATCHES: usize = 15;
const BATCH_SECONDS: f64 = 0.02;
/// Sites of the estate that is worked on.
const SITES: u32 = 12;

/// Times one function and prints its row. `work` says how many things one call does, in the unit.
fn measure(only: &str, name: &str, (work, unit): (usize, &str), mut call: impl FnMut()) {
    if !name.contains(only) {
        return;
    }
    let began = Instant::now();
    call();
    let once = began.elapsed().as_secs_f64().max(1e-9);
    let calls = ((BATCH_SECONDS / once) as usize).clamp(1, 1_000_000);
    let mut all: Vec<f64> = (0..BATCHES)
        .map(|_| {
            let began = Instant::now();
            (0..calls).for_each(|_| call());
            began.elapsed().as_secs_f64() / calls as f64
        })
        .collect();
    all.sort_by(f64::total_cmp);
    let median = all[BATCHES / 2];
    // A quarter of the batches is better, a quarter worse.
    let spread = (all[BATCHES * 3 / 4] - all[BATCHES / 4]) / median * 50.0;
    let per = median / work as f64 * 1e6;
    println!("{name:<44} {:>12.1} µs  ±{spread:>3.0} %  {per:>10.2} µs/{unit}", median * 1e6);
}

/// A whole run of one scope: every step is looked at, made and seen.
fn run_scope(plan: &ScopePlan, run: &RunId) -> usize {
    let now = Timestamp::from_millis(1_800_000_000_000);
    let mut state = engine::State::new(run.clone(), plan);
    let mut inputs = 0;
    let mut next = Some(engine::Input::Started);
    while let Some(input) = next {
        inputs += 1;
        match engine::decide(plan, &state, now, input) {
            engine::Decision::Accepted(events) => {
                events.iter().for_each(|event| engine::apply(&mut state, event))
            }
            other => panic!("a run that goes well is not {other:?}"),
        }
        next = engine::owed(&state).iter().find_map(answer);
    }
    inputs
}

fn answer(command: &engine::Command) -> Option<engine::Input> {
    let found = Finding::Matches { readback: Readback::default() };
    Some(match command.clone() {
        engine::Command::WakeAt(_) => return None,
        engine::Command::Apply { step, attempt, .. } => {
            engine::Input::Applied { step, attempt, outcome: ApplyOutcome::Done { id: Some("1".to_owned()) } }
        }
        engine::Command::Verify { step, attempt, .. } => {
            engine::Input::Verified { step, attempt, spec: Value::Null, finding: found }
        }
        engine::Command::Observe { step, attempt, .. } => {
            let is_check = step.as_str().contains("check");
            let finding = if is_check { found } else { Finding::Absent };
            engine::Input::Observed { step, attempt, spec: Value::Null, finding }
        }
    })
}

/// A whole launch in which every scope ends well.
fn run_fleet(plan: &Plan) -> usize {
    let mut now = Timestamp::from_millis(1_800_000_000_000);
    let mut state = fleet::State::new(plan);
    let mut inputs = 0;
    let mut next = Some(fleet::Input::Started(Digest::of(b"plan")));
    while let Some(input) = next {
        inputs += 1;
        if let fleet::Decision::Accepted(events) = fleet::decide(plan, &state, now, input) {
            events.iter().for_each(|event| fleet::apply(&mut state, event));
        }
        next = fleet::owed(&state).into_iter().next().map(|command| match command {
            fleet::Command::RunScope { scope, .. } => {
                fleet::Input::ScopeEnded { scope, outcome: ScopeOutcome::Succeeded }
            }
            fleet::Command::AbortScope(scope) => {
                fleet::Input::ScopeEnded { scope, outcome: ScopeOutcome::Failed }
            }
            fleet::Command::JudgeEntry(wave) => fleet::Input::EntryJudged { wave, open: Vec::new() },
            fleet::Command::LookAtBake { wave, .. } => {
                fleet::Input::BakeLooked { wave, held: 1, broken: Vec::new() }
            }
            fleet::Command::WakeAt(at) => {
                now = at;
                fleet::Input::TimeReached
            }
        });
    }
    inputs
}

fn digests(only: &str, spec: &Value) {
    let bytes = canonical_bytes(spec).len();
    measure(only, "canonical JSON and digest", (bytes, "byte"), || {
        black_box(Digest::of_canonical(black_box(spec)));
    });
    let leaves: Vec<Digest> = (0..10_000_u32).map(|at| leaf_hash(&at.to_be_bytes())).collect();
    measure(only, "merkle append, 10,000 leaves", (leaves.len(), "leaf"), || {
        let mut range = CompactRange::default();
        leaves.iter().for_each(|leaf| range.append(*leaf));
        black_box(range.root());
    });
    measure(only, "merkle root from scratch, 10,000 leaves", (leaves.len(), "leaf"), || {
        black_box(root(black_box(&leaves)));
    });
}

fn files(only: &str, folder: &Path) {
    let sites = SITES as usize;
    measure(only, "read and parse an estate", (sites, "site"), || {
        black_box(source::load(folder));
    });
    let (loaded, _) = source::load(folder);
    measure(only, "resolve", (sites, "site"), || {
        black_box(resolve::all(&loaded));
    });
    let (resolved, _) = resolve::all(&loaded);
    measure(only, "render, templates compiled each time", (sites, "site"), || {
        black_box(render::all(&loaded, &resolved));
    });
    measure(only, "read, resolve, render and check", (sites, "site"), || {
        black_box(Desired::read(folder).expect("a sound estate"));
    });
}

fn plans(only: &str, desired: &Desired) -> Plan {
    let selection = select(desired, &Asked::All).expect("all sites");
    measure(only, "graphs of all scopes, nothing there", (SITES as usize, "site"), || {
        black_box(offline(desired, selection.clone()).expect("a plan"));
    });
    let plan = offline(desired, selection).expect("a plan");
    let specs: Vec<_> = desired.rendered.values().flat_map(|scope| &scope.resources).collect();
    measure(only, "compare with what is there", (specs.len(), "object"), || {
        for resource in &specs {
            let Some(kind) = Registry::standard().get(&resource.kind) else { continue };
            let (desired, live) = (Some(&*resource.spec), Some(&*resource.spec));
            black_box(assess(kind, &Ask { desired, applied: desired, live }));
        }
    });
    measure(only, "digest of the plan", (SITES as usize, "site"), || {
        black_box(Digest::of_canonical(&plan));
    });
    plan
}

fn engines(only: &str, plan: &Plan) {
    let (_, scope) = plan.scopes.iter().find(|(scope, _)| scope.site().is_some()).expect("a site");
    let checks = scope.steps.values().filter(|step| matches!(step.work, Work::Check { .. })).count();
    let run = RunId::new("bench").expect("a run id");
    let mut only_objects = scope.clone();
    only_objects.steps.retain(|_, step| matches!(step.work, Work::Reconcile(_)));
    for step in only_objects.steps.values_mut() {
        step.after.retain(|id, _| scope.steps.get(id).is_some_and(|s| matches!(s.work, Work::Reconcile(_))));
    }
    let inputs = run_scope(&only_objects, &run);
    println!("# one site: {} steps, {checks} of them checks, left out; {inputs} inputs", scope.steps.len());
    measure(only, "engine: decide and apply, one site", (inputs, "input"), || {
        black_box(run_scope(&only_objects, &run));
    });
    let inputs = run_fleet(plan);
    measure(only, "fleet: decide and apply, all sites", (inputs, "input"), || {
        black_box(run_fleet(plan));
    });
}

fn journals(only: &str, folder: &Path) {
    let mut journal = SqliteJournal::open(&folder.join("journal")).expect("a journal");
    let now = Timestamp::from_millis(1_800_000_000_000);
    let leases: Vec<Lease> = (0..64)
        .map(|at| {
            let code = SiteCode::new(format!("AAA{at:02}")).expect("a site code");
            let log = LogId::Scope(ScopeId::Site(code));
            journal.take_lease(&log, "bench", now, Millis::from_secs(3_600)).expect("a lease")
        })
        .collect();
    for count in [1, 64] {
        let held: Vec<&Lease> = leases[..count].iter().collect();
        let name = format!("journal: durable append, {count} at once");
        measure(only, &name, (count, "entry"), || {
            let drafts = held.iter().map(|lease| EntryDraft {
                log: lease.log.clone(),
                at: now,
                run: None,
                kind: "step.applied".to_owned(),
                step: None,
                actor: Actor { kind: ActorKind::Automation, id: "bench".to_owned() },
                plan: None,
                refs: Vec::new(),
                body: json!({ "object": "catalog.clinical", "words": "as it should be" }),
            });
            journal.append(&held, drafts.collect()).expect("an append");
        });
    }
}

fn main() {
    let only = std::env::args().skip(1).find(|word| !word.starts_with('-')).unwrap_or_default();
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let folder = scratch.path().join("estate");
    ops::init::write(&folder, Some(SITES)).expect("an estate");
    let desired = Desired::read(&folder).expect("a sound estate");
    let spec =
        desired.rendered.values().flat_map(|scope| &scope.resources).max_by_key(|r| r.spec.to_string().len());
    digests(&only, &spec.expect("an object").spec);
    files(&only, &folder);
    let plan = plans(&only, &desired);
    engines(&only, &plan);
    journals(&only, scratch.path());
}
