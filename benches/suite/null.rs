//! Scenarios 13, 16, and the memory and growth of a launch: the production shell with the SQLite journal and a service
//! that answers at once, inside one process. Each step is looked at, made and seen: three durable entries.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use landfall::base::id::{KindName, ScopeId, StepId};
use landfall::base::time::{Millis, Timestamp};
use landfall::driver::{Answer, Change, Driver, Listing, Place, Target};
use landfall::journal::Journal;
use landfall::journal::sqlite::SqliteJournal;
use landfall::model::entry::{Actor, ActorKind};
use landfall::model::fleet_event::LaunchOutcome;
use landfall::model::outcome::{ApplyOutcome, Observation};
use landfall::model::plan::{
    EdgeReason, FleetPlan, Operation, PLAN_VERSION, Plan, PlannedStep, Reconcile, Reversal, SavedPlan,
    ScopePlan, Selection, StepLimits, TargetName, WavePlan, Work,
};
use landfall::runner::clock::Clock;
use landfall::runner::feed::Feed;
use landfall::runner::stop::Stop;
use landfall::runner::{Left, Shell, run};
use serde_json::{Value, json};

use crate::Suite;
use crate::chart::{Curve, Drawing};
use crate::plans::time;

/// Objects on each level of a site's graph, sixty in all.
const LEVELS: [usize; 6] = [4, 8, 12, 14, 12, 10];
/// Calls under way at once.
const SLOTS: usize = 512;

/// Sites of sixty catalogs on six levels, each with two needs on the level above.
fn plan(sites: usize) -> Plan {
    let mut scopes = BTreeMap::new();
    let mut codes = Vec::new();
    for at in 0..sites {
        let letter = |part: usize| char::from(b'A' + (part % 26) as u8);
        let code =
            format!("{}{}{}{:02}", letter(at / 67_600), letter(at / 2_600), letter(at / 100), at % 100);
        let scope: ScopeId = format!("site/{code}").parse().expect("a scope");
        codes.push(code.parse().expect("a code"));
        let plan =
            ScopePlan { needs: BTreeSet::new(), steps: steps(&code), calendar: None, expected: Millis(0) };
        scopes.insert(scope, plan);
    }
    let most = u32::try_from(sites).expect("a number of sites");
    let wave = WavePlan {
        name: "all".parse().expect("a wave"),
        sites: codes,
        max_parallel: most,
        failure_budget: most,
        bake: None,
        entry: Vec::new(),
    };
    Plan {
        v: PLAN_VERSION,
        tool: "bench".to_owned(),
        estate: "bench".to_owned(),
        lineage: "bench".to_owned(),
        target: TargetName { name: "null".into(), account_id: "1".into(), host: "null".into() },
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

fn steps(code: &str) -> BTreeMap<StepId, PlannedStep> {
    let mut steps = BTreeMap::new();
    let mut above: Vec<StepId> = Vec::new();
    for (level, count) in LEVELS.iter().enumerate() {
        let ids: Vec<StepId> =
            (0..*count).map(|at| format!("c{level}-{at:02}").parse().expect("a step")).collect();
        for (at, id) in ids.iter().enumerate() {
            let needs = (0..2.min(above.len())).map(|turn| above[(at + turn) % above.len()].clone());
            let after = needs.map(|need| (need, EdgeReason::Declared)).collect();
            let spec = json!({ "name": format!("{}_{}", code.to_lowercase(), id.as_str().replace('-', "_")),
                "comment": "an object of a site" });
            let work = Work::Reconcile(Reconcile {
                kind: "databricks.catalog".parse().expect("a kind"),
                via: None,
                operation: Operation::Create,
                spec: spec.into(),
                changes: Vec::new(),
                seen: None,
                id: None,
                reversal: Reversal::Reversible,
            });
            let limits = StepLimits {
                call_timeout: Millis(1_000),
                attempts_max: 8,
                poll_every: Millis(500),
                ready_within: Millis::from_secs(600),
                expected: Millis(100),
            };
            steps.insert(id.clone(), PlannedStep { work, after, origin: None, evidence: None, limits });
        }
        above = ids;
    }
    steps
}

/// Answers at once. What was made lives in a file beside the journal, so that a process that comes after sees it.
struct Null {
    there: Mutex<BTreeSet<String>>,
    file: Mutex<fs::File>,
    began: Instant,
    first: Mutex<Option<f64>>,
}

impl Null {
    fn open(folder: &Path, began: Instant) -> Self {
        let path = folder.join("made");
        let there = fs::read_to_string(&path).unwrap_or_default().lines().map(str::to_owned).collect();
        let file = fs::OpenOptions::new().create(true).append(true).open(path).expect("a file");
        Self { there: Mutex::new(there), file: Mutex::new(file), began, first: Mutex::new(None) }
    }

    fn name(target: &Target) -> String {
        target.spec["name"].as_str().expect("a name").to_owned()
    }
}

impl Driver for Null {
    fn observe<'a>(&'a self, target: &'a Target, _: Millis) -> Answer<'a, Observation> {
        Box::pin(async move {
            self.first.lock().expect("whole").get_or_insert(self.began.elapsed().as_secs_f64());
            let name = Self::name(target);
            if self.there.lock().expect("whole").contains(&name) {
                Observation::Present { id: name, live: target.spec.clone() }
            } else {
                Observation::Absent
            }
        })
    }

    fn list<'a>(&'a self, _: &'a KindName, _: &'a Place, _: Millis) -> Answer<'a, Listing> {
        Box::pin(async { Listing::Unsupported })
    }

    fn apply<'a>(&'a self, change: &'a Change, _: Millis) -> Answer<'a, ApplyOutcome> {
        Box::pin(async move {
            use std::io::Write as _;
            let name = Self::name(&change.target);
            writeln!(self.file.lock().expect("whole"), "{name}").expect("it is written");
            self.there.lock().expect("whole").insert(name.clone());
            ApplyOutcome::Done { id: Some(name) }
        })
    }
}

/// Runs a launch in this folder: `plan SITES FOLDER` writes its plan, `run FOLDER [KILL_AFTER]` launches it or takes it up.
pub fn child(words: &[String]) {
    let began = Instant::now();
    if words[0] == "plan" {
        let saved = SavedPlan::new(plan(words[1].parse().expect("a number")), Timestamp::from_millis(0));
        fs::create_dir_all(&words[2]).expect("a folder");
        let bytes = serde_json::to_vec(&saved).expect("JSON");
        return fs::write(Path::new(&words[2]).join("plan.json"), bytes).expect("a plan is written");
    }
    let folder = Path::new(&words[1]);
    let kill_after: Option<u64> = words.get(2).map(|text| text.parse().expect("a number"));
    let bytes = fs::read(folder.join("plan.json")).expect("a plan");
    let saved: SavedPlan = serde_json::from_slice(&bytes).expect("a plan");
    drop(bytes);
    let mut journal = SqliteJournal::open(&folder.join("journal")).expect("a journal");
    let driver = Arc::new(Null::open(folder, began));
    let mut entries = 0;
    let mut feed = |_: &Feed<'_>| {
        entries += 1;
        if kill_after.is_some_and(|after| entries >= after) {
            std::process::abort();
        }
    };
    let mut entry = |_: &Plan, _: &WavePlan, _: &dyn Journal| Ok(Vec::new());
    let launched = Instant::now();
    let shell = Shell {
        saved: &saved,
        launch_refs: Vec::new(),
        run_refs: BTreeMap::new(),
        run: "run-1".parse().expect("a run"),
        journal: &mut journal,
        driver: driver.clone(),
        clock: Clock::Real,
        stop: Stop::new(),
        actor: Actor { kind: ActorKind::Automation, id: "bench".to_owned() },
        holder: format!("bench-{}", std::process::id()),
        feed: &mut feed,
        entry: &mut entry,
        rates: None,
        calls_at_once: SLOTS,
        stay: true,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let left = runtime.block_on(run(shell)).expect("the launch runs");
    assert_eq!(left, Left::Ended(LaunchOutcome::Succeeded), "the launch ends well");
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_SELF).expect("usage");
    use nix::sys::time::TimeValLike as _;
    let cpu = (usage.user_time().num_microseconds() + usage.system_time().num_microseconds()) as f64 / 1e6;
    println!(
        "{}",
        json!({
            "wall": launched.elapsed().as_secs_f64(), "entries": entries, "cpu": cpu,
            "rss": usage.max_rss() as f64 / 1024.0, "first": *driver.first.lock().expect("whole"),
        })
    );
}

fn own(words: &[&str]) -> std::process::Output {
    let own = std::env::current_exe().expect("this program has a path");
    Command::new(own).arg("--null-launch").args(words).output().expect("it starts")
}

fn launched(folder: &str) -> Value {
    let output = own(&["run", folder]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

pub fn launches(suite: &mut Suite) {
    let mut steps = Curve::new(Drawing::Steps, "launch without a service, SQLite, synchronous=FULL");
    let mut cost = Curve::new(Drawing::Cost, "launch without a service, 60 steps a site");
    let (mut last, mut sites) = (Value::Null, 0);
    let number = |of: &Value, name: &str| of[name].as_f64().unwrap_or(f64::NAN);
    for size in suite.sizes.null.clone() {
        let folder = suite.scratch.join(format!("null-{size}"));
        let folder = folder.to_string_lossy().into_owned();
        own(&["plan", &size.to_string(), &folder]);
        let one = launched(&folder);
        let rate = size as f64 * 60.0 / number(&one, "wall");
        suite.say(&format!("{size} sites of 60 steps: {rate:.0} steps/s, {one}"));
        steps.points.push((size as f64, rate));
        cost.points.push((size as f64, number(&one, "cpu")));
        (last, sites) = (one, size);
        let _ = fs::remove_dir_all(&folder);
    }
    let wall = number(&last, "wall");
    let rate = sites as f64 * 60.0 / wall;
    let entries = number(&last, "entries");
    suite.exponents.push(("apply".to_owned(), cost.exponent()));
    suite.memory.push((format!("apply of {sites} sites"), number(&last, "rss")));
    suite.measured(
        13,
        rate >= 20_000.0 && sites >= 1_000,
        [
            format!("{rate:.0} steps/s, {:.0} entries/s", entries / wall),
            "rows that 64 writers commit together: see #14".to_owned(),
            format!("{:.2}", rate / 20_000.0),
        ],
        format!(
            "{sites} sites of 60 steps, {entries:.0} entries, by the production shell without a service: {} wall, {} CPU, \
             {:.0} MB",
            time(wall),
            time(number(&last, "cpu")),
            number(&last, "rss")
        ),
    );
    suite.curves.extend([steps, cost]);
}

pub fn resume(suite: &mut Suite) {
    let sites = suite.sizes.null.last().copied().unwrap_or(100);
    let folder = suite.scratch.join("null-resume").to_string_lossy().into_owned();
    own(&["plan", &sites.to_string(), &folder]);
    // Two thirds of the entries of a launch that was not disturbed: with two entries a step, half of them all.
    let kill_after = sites * 60 * 2;
    let killed = own(&["run", &folder, &kill_after.to_string()]);
    assert!(!killed.status.success(), "the launch was to be killed");
    let one = launched(&folder);
    let first = one["first"].as_f64().unwrap_or(f64::NAN);
    let made = fs::read_to_string(Path::new(&folder).join("made")).unwrap_or_default();
    let (calls, objects) = (made.lines().count(), made.lines().collect::<BTreeSet<_>>().len());
    let _ = fs::remove_dir_all(&folder);
    suite.measured(
        16,
        first <= 0.5 && calls == objects && sites >= 1_000,
        [
            format!("{} to the first new call, {} to the end", time(first), time(one["wall"].as_f64().unwrap_or(f64::NAN))),
            "120,000 entries read and verified at 566,000/s: 0.21 s".to_owned(),
            format!("{:.2}", first / 0.5),
        ],
        format!(
            "{sites} sites of 60 steps, killed after {kill_after} entries, the plan read from a file; {} objects were made \
             twice; calls in doubt are waited out (1 s here)",
            calls - objects
        ),
    );
}
