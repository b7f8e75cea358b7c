//! What a program manager sees of real launches: states, chains of reasons, published forms, reports and walks.

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::faults::unstaged;
use crate::world::{Estate, Served, repository};

fn published(name: &str) -> Value {
    let path = repository().join("docs/schemas").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn validator(name: &str) -> Validator {
    jsonschema::draft202012::options().build(&published(name)).unwrap()
}

/// The document, if the published form allows it.
#[track_caller]
fn valid(estate: &Estate, command: &[&str]) -> Value {
    let document = estate.run(&[command, &["-o", "json"]].concat()).ends(0).json();
    let problems: Vec<String> = validator("status.schema.json")
        .iter_errors(&document)
        .map(|e| format!("{}: {e}", e.instance_path()))
        .collect();
    assert!(problems.is_empty(), "{problems:#?}\n{document}");
    document
}

fn planned(mut estate: Estate, wave: &str) -> (Estate, Served) {
    let served = estate.serve(&[]);
    estate.reach(&served, 60_000);
    estate.plan(&["--wave", wave], "p.plan").ends(0);
    (estate, served)
}

#[test]
fn the_published_forms_are_those_of_the_program() {
    let estate = Estate::example();
    for (name, file) in [("status", "status.schema.json"), ("events", "events.schema.json")] {
        let printed = estate.run(&["schema", name]).ends(0).json();
        assert_eq!(printed, published(file), "landfall schema {name} > docs/schemas/{file}");
    }
    let document = valid(&estate, &["status"]);
    let mut broken = document.clone();
    broken["scopes"][0]["state"] = json!("pending");
    assert!(!validator("status.schema.json").is_valid(&broken), "a bare pending is none of the states");
    let mut broken = document;
    broken["scopes"][0].as_object_mut().unwrap().remove("waits");
    broken["scopes"][0].as_object_mut().unwrap().remove("percent");
    assert!(!validator("status.schema.json").is_valid(&broken));
}

#[test]
fn a_failed_canary_is_told_from_every_site_that_waits_behind_it() {
    let (estate, served) = planned(unstaged(), "wave2");
    served.fault(
        "POST */workspaces",
        &json!({ "before": { "status": 400, "code": "INVALID_PARAMETER_VALUE" } }),
        0,
        1,
    );
    let ran = estate.run(&["apply", "p.plan", "--events", "json"]).ends(1);
    let lines: Vec<Value> =
        ran.out.lines().filter(|l| l.starts_with('{')).map(|l| serde_json::from_str(l).unwrap()).collect();
    let form = validator("events.schema.json");
    for line in &lines {
        assert!(form.is_valid(line), "{line}");
    }
    assert!(lines.len() > 50 && lines.iter().any(|line| line["type"] == "wave.halted"));
    assert!(!form.is_valid(&json!({ "type": "wave.halted", "at": "2027-01-11T09:00:00.000Z", "body": {} })));
    assert!(ran.err.contains("1 step failed: 400 INVALID_PARAMETER_VALUE (workspace."), "{}", ran.err);

    let document = valid(&estate, &["wave", "status", "wave2"]);
    assert_eq!(document["waves"][0]["state"], "halted");
    assert_eq!(document["launches"][0]["state"], "failed");
    valid(&estate, &["status"]);
    estate.run(&["status"]).ends(0).prints("wave2: halted, 0 of 4 sites done, 1 failed");
    let why = estate.run(&["status", "RVB07", "--why"]).ends(0);
    let why = why
        .prints("site/RVB07: not started")
        .prints("← wave2 is halted: its canary site/NRT04 did not end well");
    why.prints("← site/NRT04 (failed,")
        .prints("landfall retry --site NRT04")
        .prints("platform (platform-lead)");
    let blocker = &valid(&estate, &["status", "RVB07"])["scopes"][0]["blocker"];
    assert_eq!(blocker["on"], "failure");
    assert!(
        blocker["age"].as_u64().is_some() && blocker["owners"][0]["handle"] == "platform-lead",
        "{blocker}"
    );

    let report = estate.run(&["report", "run", "-o", "json"]).ends(0).json();
    assert_eq!(report["causes"][0]["status"], 400);
    assert_eq!(report["causes"][0]["steps"][0][0], "site/NRT04");
    let text = estate
        .run(&["report", "run"])
        .ends(0)
        .prints("1 step failed: 400 INVALID_PARAMETER_VALUE (workspace.");
    text.prints("steps blocked behind it").prints("site/RVB07         not started");
    let rows = estate.run(&["report", "run", "-o", "csv"]).ends(0).out;
    let failed = rows.lines().find(|row| row.contains(",failed,,")).unwrap();
    assert!(failed.contains(",bad-request,INVALID_PARAMETER_VALUE,400,"), "{failed}");
    estate.run(&["report", "run", "no-such-run"]).ends(64);

    let step = report["causes"][0]["steps"][0][1].as_str().unwrap();
    let walk = estate.run(&["log", "site/NRT04", "--run", "last", "--step", step]).ends(0);
    let walk = walk.prints("a create is about to be sent").prints("[observing → applying]");
    walk.prints("failed: ").prints("[applying → failed]");
    let until = estate.run(&["log", "site/NRT04", "--run", "last", "--until", "0"]).ends(0);
    assert_eq!(until.out.lines().filter(|line| line.contains("run.started")).count(), 1);
    until.prints("observing ").prints("waiting ");
    estate.run(&["log", "org", "--run", "last"]).ends(0).prints("wave2 is halted");
    estate.run(&["log", "site/NRT04", "--run", "none"]).ends(64).says("the newest runs of site/NRT04 are: ");
    estate
        .run(&["log", "site/NRT04", "--run", "last", "--step", "workspace.prd"])
        .ends(64)
        .says("did you mean");
}

#[test]
fn a_launch_under_way_is_watched_to_its_stop_and_says_what_to_type() {
    let (estate, served) = planned(Estate::example(), "pilot");
    served.fault("POST */workspaces", &json!({ "stall": { "millis": 600_000 } }), 0, 2);
    let mut apply = estate.start(&["apply", "p.plan"]);
    apply.said(|line| line.contains("workspace.prod creating")).unwrap();
    let running = valid(&estate, &["status", "HRB01"]);
    assert_eq!(running["launches"][0]["state"], "running");
    assert!(running["launches"][0]["holder"].as_str().unwrap().starts_with("tester/"), "{running}");
    assert!(running["scopes"][0]["under_way"].to_string().contains("workspace."), "{running}");
    let mut watch = estate.start(&["wave", "status", "pilot", "--watch", "1"]);
    watch.printed(|line| line.starts_with("pilot: running"));
    apply.kill();
    watch.printed(|line| line.starts_with("pilot: suspended"));
    watch.signal("INT");
    let watched = watch.wait().ends(130);
    assert!(!watched.out.contains('\u{1b}'), "no terminal, no escapes");

    let left = valid(&estate, &["status", "HRB01"]);
    assert_eq!(left["scopes"][0]["state"], "unfinished");
    let why = estate.run(&["status", "HRB01", "--why"]).ends(0);
    why.prints("no process carries the launch out").prints("landfall resume 0");
}

#[test]
fn a_watch_ends_with_its_launch_and_every_form_names_the_same_scopes() {
    let (estate, _served) = planned(Estate::example(), "pilot");
    estate.run(&["apply", "p.plan"]).ends(0);
    estate.run(&["status", "--watch"]).ends(0).prints("pilot: done, 1 of 1 sites done");
    let document = valid(&estate, &["status"]);
    let names: Vec<&str> =
        document["scopes"].as_array().unwrap().iter().map(|one| one["scope"].as_str().unwrap()).collect();
    let printed = estate.run(&["status", "-o", "name"]).ends(0).out;
    assert_eq!(printed.lines().collect::<Vec<_>>(), names);
    let rows = estate.run(&["status", "-o", "csv"]).ends(0).out;
    assert_eq!(rows.lines().skip(1).map(|row| row.split(',').next().unwrap()).collect::<Vec<_>>(), names);
    estate.run(&["status", "-o", "wide"]).ends(0).prints("NEXT WINDOW").prints("us-east-1");
    estate.run(&["status", "HRB01", "--why"]).ends(0).prints("it is done and waits for nothing");
    estate.run(&["status", "WLW05", "--why"]).ends(0).prints("no launch has it");
    estate.run(&["status", "--why"]).ends(64);
}
