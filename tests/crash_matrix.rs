//! The real program, killed after every single write of its journal in turn while it launches a wave of three sites, and
//! resumed: each time it must come to the same end as the launch that nobody touched.
//!
//! `LANDFALL_CRASH_EVERY=5 cargo test --test crash_matrix` takes only every fifth write.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[allow(dead_code, reason = "the other tests of the program use the rest")]
#[path = "cli/world.rs"]
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use world::{Estate, repository};

/// Launches at the same time, each in folders of its own.
const WORKERS: usize = 2;
const SITES: [&str; 3] = ["CDR03", "MPL02", "NRT04"];
/// A clinic's objects: two that rest on each other, one that does not, and one that is only read back.
const CLINIC: &str = r#"
[[resource]]
id = "group.staff"
kind = "databricks.group"
spec = { displayName = "{{estate.code}}-{{site.code_lower}}-staff" }

[[resource]]
id = "bucket.clinical"
kind = "databricks.storage_configuration"
after = ["group.staff"]
[resource.spec]
storage_configuration_name = "{{estate.code}}-{{site.code_lower}}-clinical"
root_bucket_info = { bucket_name = "{{estate.code}}-{{site.code_lower}}-clinical" }

[[resource]]
id = "connectivity.clinical"
kind = "databricks.network_connectivity_config"
[resource.spec]
name = "{{estate.code}}-{{site.code_lower}}"
region = "{{site.region}}"

[[step]]
id = "check.connectivity"
title = "The connectivity of {{site.name}} is in {{site.region}}"
evidence = "encryption.cmk_at_rest"
[step.action.check]
read = "connectivity.clinical"
expect = [{ at = "/region", equals = "{{site.region}}" }]
"#;
/// More writes than this is a launch that does not end.
const WRITES_MAX: u64 = 2_000;

/// Three sites in one wave, and packs small enough that a launch takes less than a second.
fn estate() -> Estate {
    let estate = Estate::of(&[&repository().join("tests/fixtures/estate")]);
    estate.write("templates/clinic/workspace.toml.hbs", CLINIC);
    fs::remove_file(estate.root().join("templates/clinic/compute.toml.hbs")).unwrap();
    fs::remove_dir_all(estate.root().join("templates/clinic/files")).unwrap();
    let maple = estate.text("sites/MPL02.toml");
    for (code, number) in [("CDR03", "3"), ("NRT04", "4")] {
        let site = maple
            .replace("MPL02", code)
            .replace("mpl02", &code.to_lowercase())
            .replace("CC-4102", &format!("CC-410{number}"))
            .replace("10.61.", &format!("10.6{number}."))
            .replace("172.20.2.", &format!("172.20.{number}."));
        estate.write(&format!("sites/{code}.toml"), &site);
    }
    let wave = "name = \"wave1\"\nkind = \"repeatability\"\nsites = [\"MPL02\"]\nmax_parallel = 1\nfailure_budget = 0";
    let three = "name = \"wave1\"\nkind = \"scale\"\nsites = [\"MPL02\", \"CDR03\", \"NRT04\"]\nmax_parallel = 2\nfailure_budget = 1";
    estate.edit("sites/estate.toml", wave, three);
    // Calls in doubt are looked for after their deadline, and nobody wants to wait a minute for each.
    estate.edit("sites/estate.toml", "driver = \"sandbox\"", "driver = \"sandbox\"\ncall_timeout_ms = 400");
    estate.run(&["check"]).ends(0);
    estate.run(&["plan", "--wave", "wave1", "--out", "p.plan"]).ends(0);
    estate
}

/// What a launch leaves behind, without what differs between two launches that went the same way.
#[derive(Debug, PartialEq)]
struct End {
    /// Each step of each scope with its object and outputs.
    steps: BTreeMap<String, Value>,
    /// What the controls of each site say.
    controls: BTreeMap<String, Value>,
}

fn end(estate: &Estate) -> End {
    let plan = estate.run(&["plan", "--wave", "wave1", "--detailed-exitcode"]).ends(0);
    plan.prints("No changes.");
    let sites = SITES.map(|code| format!("site/{code}"));
    let mut steps = BTreeMap::new();
    let mut made: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for log in ["account", "region/us-west-2"].map(str::to_owned).into_iter().chain(sites) {
        for line in estate.run(&["log", &log, "-o", "json"]).ends(0).out.lines() {
            let entry: Value = serde_json::from_str(line).unwrap();
            let Some(step) = entry["step"].as_str() else { continue };
            let (name, body) = (format!("{log} {step}"), &entry["body"]);
            if entry["kind"] == "step.applied" && !body["id"].is_null() {
                made.entry(name.clone()).or_default().insert(body["id"].to_string());
            }
            if entry["kind"] == "step.succeeded" {
                steps.insert(name, json!([body["id"], body["outputs"]]));
            }
        }
    }
    for (name, ids) in made {
        assert_eq!(ids.len(), 1, "{name} was made twice: {ids:?}");
    }
    End { steps, controls: SITES.map(|code| (code.to_owned(), controls(estate, code))).into() }
}

/// Exports and verifies a site's bundle; the status of every control in it, and what is missing.
fn controls(estate: &Estate, code: &str) -> Value {
    let export = estate.run(&["evidence", "export", "--site", code, "--out", code]).ends(0);
    let key =
        export.err.lines().find_map(|line| line.strip_prefix("Log key, to be kept outside the bundle: "));
    estate
        .run(&["evidence", "verify", code, "--key", key.unwrap()])
        .ends(0)
        .prints("integrity ok, complete ok");
    let text = fs::read_to_string(estate.path(code).join("controls.json")).unwrap();
    let controls: Value = serde_json::from_str(&text).unwrap();
    let one = |control: &Value| {
        ["framework", "id", "status", "missing"].map(|field| control[field].clone()).to_vec()
    };
    json!(controls.as_array().unwrap().iter().map(one).collect::<Vec<_>>())
}

/// Launches until the end, killed after this write of the first process; whether the kill came before the end.
fn killed_after(write: u64) -> (Estate, bool) {
    let mut estate = estate();
    estate.set("LANDFALL_DEBUG_ABORT_AFTER_WRITE", &write.to_string());
    let ran = estate.run(&["apply", "p.plan"]);
    estate.set("LANDFALL_DEBUG_ABORT_AFTER_WRITE", "");
    if ran.code == 0 {
        return (estate, false);
    }
    assert_eq!(ran.code, -1, "a killed process has no exit code: {}", ran.err);
    // Killed before the launch was in the log, there is nothing to take up again yet.
    let begun = !estate.run(&["log", "org"]).ends(0).out.is_empty();
    if begun {
        estate.run(&["resume"]);
    }
    if !begun
        || estate.run(&["wave", "status", "wave1", "-o", "json"]).json()["scopes"][0]["state"]
            == "not-started"
    {
        estate.run(&["apply", "p.plan"]).ends(0);
    }
    (estate, true)
}

#[test]
fn a_kill_after_any_write_changes_nothing_of_the_end() {
    let every = std::env::var("LANDFALL_CRASH_EVERY").map_or(1, |every| every.parse().unwrap());
    let (quiet, _) = killed_after(0);
    let wanted = end(&quiet);
    assert_eq!(wanted.steps.keys().filter(|name| name.starts_with("site/")).count(), 3 * 4);
    let next = AtomicU64::new(0);
    let worker = || {
        let mut kills = 0;
        loop {
            let write = 1 + next.fetch_add(every, Ordering::SeqCst);
            assert!(write < WRITES_MAX, "the launch does not end");
            let (estate, killed) = killed_after(write);
            assert_eq!(end(&estate), wanted, "killed after write {write}");
            if !killed {
                return kills;
            }
            kills += 1;
        }
    };
    let kills: u64 = std::thread::scope(|threads| {
        let workers = [(); WORKERS].map(|()| threads.spawn(worker));
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    println!(
        "a launch of three sites was killed after {kills} of its writes, one by one, and came to its end each time"
    );
}
