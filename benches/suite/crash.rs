//! Scenario 15: a launch of one site by the real packs, killed after one of its writes, at as many writes as asked for, and
//! resumed. `tests/crash_matrix.rs` does the same after every write of a small launch.
//!
//! Only a build with debug assertions can be told to die after a write: that build makes the launch that is killed, and the
//! program under test takes it up, plans again, exports and verifies.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::Suite;
use crate::estate::Estate;
use crate::process::Program;

/// After this write of its journal the program ends as if it were killed.
const VARIABLE: &str = "LANDFALL_DEBUG_ABORT_AFTER_WRITE";
/// Launches at the same time, each in folders of its own.
const WORKERS: usize = 2;

#[derive(Debug, Default)]
struct Found {
    kills: usize,
    /// Objects that are there and no log knows.
    orphaned: usize,
    /// Steps whose object was made more than once.
    twice: usize,
    /// Journals that could not be read, or bundles that did not verify.
    unreadable: usize,
    /// Launches that did not come to their end, or after which something was left to do.
    unfinished: usize,
}

fn copied(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let (path, at) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() { copied(&path, &at) } else { fs::copy(&path, &at).map(|_| ()).expect("a copy") }
    }
}

/// The launch, up to the write after which it is killed; whether it came to its end instead.
fn ends_before(mortal: &str, estate: &Estate, write: usize) -> bool {
    let words = [mortal, "--quiet", "apply", "p.plan", "--progress", "none"];
    let apply = Program::new("apply", &estate.root, &words);
    quiet(apply.with(vec![(VARIABLE.to_owned(), write.to_string())]))
}

/// A launch in this folder, killed after this write and brought to its end; nothing is counted if it was not killed.
fn killed(mortal: &str, estate: &Estate, write: usize, found: &mut Found) {
    if ends_before(mortal, estate, write) {
        return;
    }
    found.kills += 1;
    let begun = !estate.prints(&["log", "org"]).is_empty();
    if !(begun && quiet(estate.program("resume", &["resume", "--progress", "none"]))) {
        let again = estate.program("apply", &["apply", "p.plan", "--progress", "none"]);
        found.unfinished += usize::from(!quiet(again));
    }
    judge(estate, found);
}

fn quiet(program: Program) -> bool {
    program.start().wait().is_ok_and(|status| status.success())
}

fn judge(estate: &Estate, found: &mut Found) {
    let saved = fs::read(estate.root.join("p.plan")).unwrap_or_default();
    let saved: Value = serde_json::from_slice(&saved).unwrap_or_default();
    let logs: Vec<String> =
        saved["plan"]["scopes"].as_object().into_iter().flat_map(|all| all.keys().cloned()).collect();
    for log in &logs {
        let mut made: std::collections::BTreeMap<String, std::collections::BTreeSet<String>> =
            Default::default();
        for line in estate.prints(&["log", log, "-o", "json"]).lines() {
            let Ok(entry) = serde_json::from_str::<Value>(line) else {
                found.unreadable += 1;
                continue;
            };
            if entry["kind"] == "step.applied" && !entry["body"]["id"].is_null() {
                let step = entry["step"].as_str().unwrap_or_default().to_owned();
                made.entry(step).or_default().insert(entry["body"]["id"].to_string());
            }
        }
        found.twice += made.values().filter(|ids| ids.len() > 1).count();
    }
    // What is there and no log knows makes a plan refuse; what is missing makes it want changes.
    let again = estate.program("plan", &["plan", "--all", "--detailed-exitcode"]).start().wait();
    match again.ok().and_then(|status| status.code()) {
        Some(0) => {}
        Some(2) => found.unfinished += 1,
        _ => found.orphaned += 1,
    }
    let code = estate.code(0);
    let export = estate.program("export", &["evidence", "export", "--site", &code, "--out", "bundle"]);
    let verify = estate.program("verify", &["evidence", "verify", "bundle"]);
    found.unreadable += usize::from(!(quiet(export) && quiet(verify)));
}

/// How many writes the launch has: twice as far until it is not killed any more, then between.
fn writes(mortal: &str, model: &Path, folder: &Path) -> usize {
    let dies = |write: usize| {
        copied(model, folder);
        !ends_before(mortal, &Estate { root: folder.to_owned(), sites: 1 }, write)
    };
    let (mut low, mut high) = (0, 16);
    while dies(high) && high < 100_000 {
        (low, high) = (high, high * 2);
    }
    while high - low > 1 {
        let middle = usize::midpoint(low, high);
        if dies(middle) { low = middle } else { high = middle }
    }
    low
}

pub fn matrix(suite: &mut Suite) {
    let estate = Estate::new(&suite.scratch, "crash", 1);
    // Calls in doubt are looked for after their deadline.
    let path = estate.root.join("sites/estate.toml");
    let text = fs::read_to_string(&path).expect("the estate");
    fs::write(&path, text.replacen("driver = \"sandbox\"", "driver = \"sandbox\"\ncall_timeout_ms = 400", 1))
        .expect("it is written");
    assert!(estate.program("plan", &["plan", "--all", "--out", "p.plan"]).run().ok, "the plan");
    let model = estate.root.clone();
    let folder = |worker: usize| -> PathBuf { suite.scratch.join(format!("crash-{worker}")) };
    let Some(mortal) = suite.dev_binary.as_ref().map(|path| path.to_string_lossy().into_owned()) else {
        return suite.skip(15, "there is no dev build: `cargo build`, or --dev-binary PATH");
    };
    let all = writes(&mortal, &model, &folder(0));
    if all == 0 {
        return suite.skip(15, &format!("{mortal} cannot be told to die after a write: it is no dev build"));
    }
    // A launch with fewer writes is killed after each of them more than once: its calls fall otherwise each time.
    let points = suite.sizes.kills;
    suite.say(&format!(
        "a launch of one site has {all} writes; {points} launches are killed after one of them"
    ));
    let (next, total) = (AtomicUsize::new(0), Mutex::new(Found::default()));
    std::thread::scope(|threads| {
        for worker in 0..WORKERS {
            let (next, total, model, folder, mortal) = (&next, &total, &model, folder(worker), &mortal);
            threads.spawn(move || {
                loop {
                    let point = next.fetch_add(1, Ordering::SeqCst);
                    // A launch takes a few writes more or less each time: one that ended before its kill is made up for.
                    let enough = total.lock().expect("no worker panics with it").kills >= points;
                    if enough || point >= 2 * points {
                        return;
                    }
                    copied(model, &folder);
                    let estate = Estate { root: folder.clone(), sites: 1 };
                    let mut found = Found::default();
                    // From the first write to the last, evenly.
                    let write = 1 + point % points * all.saturating_sub(1) / points.saturating_sub(1).max(1);
                    killed(mortal, &estate, write, &mut found);
                    let mut total = total.lock().expect("no worker panics with it");
                    total.kills += found.kills;
                    total.orphaned += found.orphaned;
                    total.twice += found.twice;
                    total.unreadable += found.unreadable;
                    total.unfinished += found.unfinished;
                }
            });
        }
    });
    let found = total.into_inner().expect("no worker panics with it");
    let nothing = found.orphaned + found.twice + found.unreadable + found.unfinished == 0;
    suite.measured(
        15,
        nothing && found.kills >= 200,
        [
            format!(
                "killed {} times: {} orphaned, {} twice, {} unreadable, {} unfinished",
                found.kills, found.orphaned, found.twice, found.unreadable, found.unfinished
            ),
            "0".to_owned(),
            String::new(),
        ],
        format!(
            "one site by the real packs, {all} writes, killed {points} times after one of them, from the first to the last, and \
             resumed; after each a plan without changes, and a bundle that verifies; every write of a small \
             launch: `cargo test --test crash_matrix`"
        ),
    );
}
