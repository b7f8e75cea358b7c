//! A real process, killed without warning at thirty moments of one launch and resumed each time, against a sandbox that
//! lives on: it must come to the same end as a launch that nobody touched, and make nothing twice.
//!
//! `LANDFALL_CRASH_SEED=7 cargo test --test crash` picks other moments.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[allow(dead_code, reason = "the other tests of the program use the rest")]
#[path = "cli/world.rs"]
mod world;

use std::collections::BTreeMap;

use serde_json::Value;
use world::{Estate, Ran, Served};

/// How often the process is killed.
const KILLS: usize = 30;
/// Most lines of progress between two kills: a launch of the pilot has about 360.
const STEPS_MAX: u64 = 30;
/// What the sandbox derives its ids from, so that two of them can be compared.
const SANDBOX_SEED: &str = "11";
/// A killed process leaves calls in doubt; they are looked for after this time.
const CALL_TIMEOUT_MS: u64 = 400;

/// SplitMix64: the moments follow from the seed on every machine.
struct Moments(u64);

impl Iterator for Moments {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Some((mixed ^ (mixed >> 31)) % STEPS_MAX + 1)
    }
}

/// A planned pilot and the sandbox it is for.
fn planned() -> (Estate, Served) {
    let mut estate = Estate::example();
    let folder = estate.path("sandbox").display().to_string();
    let served = estate.serve(&["--dir", &folder, "--seed", SANDBOX_SEED]);
    estate.reach(&served, CALL_TIMEOUT_MS);
    estate.plan(&["--wave", "pilot"], "p.plan").ends(0);
    (estate, served)
}

/// The sandbox's objects without those who sign in, who are new with every process.
fn state(served: &Served) -> Value {
    let mut state = served.state();
    state.as_object_mut().unwrap().remove("service_principals");
    let mut text = state.to_string();
    for name in ["DATABRICKS_CLIENT_ID", "SANDBOX_READER_ID"] {
        text = text.replace(served.of(name), name);
    }
    serde_json::from_str(&text).unwrap()
}

/// How often something was made under each path.
fn made(served: &Served) -> BTreeMap<String, usize> {
    let mut made = BTreeMap::new();
    let done = |status: u64| (200..300).contains(&status);
    for request in served.mutations().into_iter().filter(|r| r.method == "POST" && done(r.status)) {
        *made.entry(format!("{} {}", request.path, request.workspace)).or_insert(0) += 1;
    }
    made
}

/// Whether a step went forward: was begun or ended, and does not only wait.
fn is_forward(line: &str) -> bool {
    ["creating", "created", "updating", "updated", "checked"].iter().any(|word| line.ends_with(word))
}

/// Runs a command until so many steps went forward, and kills it; how it ended if it was quicker.
fn killed_after(estate: &Estate, args: &[&str], steps: u64) -> Option<Ran> {
    let mut process = estate.start(args);
    for _ in 0..steps {
        if process.said(is_forward).is_none() {
            return Some(process.wait());
        }
    }
    let ran = process.kill();
    (ran.code != -1).then_some(ran)
}

fn verified(estate: &Estate) {
    let status = estate.run(&["wave", "status", "pilot", "-o", "json"]).ends(0).json();
    assert_eq!(status["scopes"][0]["state"], "succeeded", "{status}");
    let export = estate.run(&["evidence", "export", "--site", "HRB01", "--out", "bundle"]).ends(0);
    let key =
        export.err.lines().find_map(|line| line.strip_prefix("Log key, to be kept outside the bundle: "));
    let verify = estate.run(&["evidence", "verify", "bundle", "--key", key.unwrap()]);
    verify.ends(0).prints("integrity ok, complete ok");
    for log in ["org", "account", "region/us-east-1", "site/HRB01"] {
        assert_ne!(estate.run(&["log", log]).ends(0).out, "");
    }
}

/// One launch, killed at these moments; how many of them there were before it ended.
fn launch(moments: &[u64]) -> (Estate, Served, usize) {
    let (estate, served) = planned();
    for (kill, steps) in moments.iter().enumerate() {
        // Killed before it had begun, there is nothing to take up again yet.
        let begun = !estate.run(&["log", "org"]).ends(0).out.is_empty();
        let args: &[&str] = if begun { &["resume"] } else { &["apply", "p.plan"] };
        if let Some(ran) = killed_after(&estate, args, *steps) {
            ran.ends(0);
            return (estate, served, kill);
        }
    }
    let left = estate.run(&["resume"]).ends(0);
    let forward = left.err.lines().filter(|line| is_forward(line)).count();
    println!("after {} kills, {forward} lines were left to say", moments.len());
    (estate, served, moments.len())
}

#[test]
fn thirty_kills_change_nothing_of_the_end() {
    let (estate, served) = planned();
    estate.run(&["apply", "p.plan"]).ends(0);
    let (wanted, wanted_made) = (state(&served), made(&served));
    verified(&estate);
    drop((estate, served));

    let seed = std::env::var("LANDFALL_CRASH_SEED").map_or(1, |seed| seed.parse().unwrap());
    let moments: Vec<u64> = Moments(seed).take(KILLS).collect();
    println!("LANDFALL_CRASH_SEED={seed}: steps that went forward before each kill {moments:?}");
    let mut left = &moments[..];
    while !left.is_empty() {
        let (estate, served, kills) = launch(left);
        assert!(kills > 0, "a launch ended before its first kill");
        left = &left[kills..];
        assert_eq!(made(&served), wanted_made, "made twice, or not at all");
        let found = state(&served);
        for (collection, objects) in wanted.as_object().unwrap() {
            assert_eq!(&found[collection], objects, "{collection}");
        }
        assert_eq!(found, wanted);
        verified(&estate);
        estate.plan(&["--wave", "pilot"], "q.plan").ends(0).prints("No changes.");
    }
}
