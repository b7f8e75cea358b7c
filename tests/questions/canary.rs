//! Patient data and secrets that a service spills into its answers end nowhere: not in journal, blobs, plan or bundle,
//! not on the screen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::proxy;
use super::world::{Estate, Ran, Served, tree};

/// What a service might say about a patient or a password. Put together here, so that no scanner takes it for a leak.
fn canaries() -> Vec<String> {
    let (ssn, token) = (["123", "45", "6789"].join("-"), format!("dapi{}", "0123456789abcdef".repeat(2)));
    vec![ssn, token, ["MRN:", "00441723"].join(" "), ["DOB", "03/14/1962"].join(" ")]
}

struct Spilling {
    estate: Estate,
    served: Served,
    said: Vec<Ran>,
}

impl Spilling {
    fn before(change: impl Fn(&str, &str, &mut u16, &mut Value) + Send + Sync + 'static) -> Self {
        let mut estate = Estate::example();
        let served = estate.serve(&[]);
        estate.reach(&served, 5000);
        let host = served.of("DATABRICKS_HOST").to_owned();
        estate.edit(
            "sites/estate.toml",
            &format!("host = \"{host}\""),
            &format!("host = \"{}\"", proxy::before(&host, change)),
        );
        Self { estate, served, said: Vec::new() }
    }

    fn run(&mut self, args: &[&str]) -> i32 {
        let ran = self.estate.run(args);
        let code = ran.code;
        self.said.push(ran);
        code
    }

    /// The whole way from plan to bundle, with every look at it.
    fn go(&mut self) -> [i32; 3] {
        let plan =
            self.run(&["plan", "--target", "served", "--wave", "pilot", "--out", "p.plan", "--show-fields"]);
        let apply = self.run(&["apply", "p.plan", "--progress", "lines", "--events", "json"]);
        let export = self.run(&["evidence", "export", "--site", "HRB01", "--out", "bundle"]);
        self.run(&["status", "-o", "json"]);
        for log in ["org", "account", "site/HRB01"] {
            self.run(&["log", log, "-o", "json"]);
        }
        self.run(&["evidence", "timeline", "--site", "HRB01"]);
        [plan, apply, export]
    }

    /// Every file that was written and every word that was said, without any canary.
    #[track_caller]
    fn is_clean(&self) {
        assert!(!self.served.mutations().is_empty(), "nothing was tried, so nothing was shown");
        let mut places: Vec<(String, Vec<u8>)> = tree(&self.estate.path("")).into_iter().collect();
        assert!(places.iter().any(|(path, _)| path.starts_with("state/journal/")), "there is a journal");
        for ran in &self.said {
            places.push(("stdout".to_owned(), ran.out.clone().into_bytes()));
            places.push(("stderr".to_owned(), ran.err.clone().into_bytes()));
        }
        for (path, bytes) in places {
            let text = String::from_utf8_lossy(&bytes);
            for canary in canaries() {
                assert!(!text.contains(&canary), "{path} holds {canary}");
            }
        }
    }
}

/// Sets fields in every object of a value, however deep.
fn plant(value: &mut Value, fields: &[&str]) {
    match value {
        Value::Object(object) => {
            // Keys of a map of tags are state, not fields that a service may add.
            let inner = object.iter_mut().filter(|(name, _)| !name.ends_with("tags"));
            inner.for_each(|(_, inner)| plant(inner, fields));
            for field in fields {
                object.insert((*field).to_owned(), json!(canaries().join("; ")));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| plant(item, fields)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn fields_that_nobody_asked_for_are_dropped_or_stop_the_write() {
    let mut spilling = Spilling::before(|_, _, _, body| {
        // At the top of an object. Where a kind's read-back keeps whole what is below one of its fields, the scanner
        // is what stands between such a field and the journal.
        let of_one = |value: &mut Value| {
            if let Value::Object(object) = value {
                for field in ["patient_note", "debug_info", "last_query_text"] {
                    object.insert(field.to_owned(), json!(canaries().join("; ")));
                }
            }
        };
        if let Value::Array(items) = body {
            items.iter_mut().for_each(of_one);
        }
        of_one(body);
    });
    let [plan, apply, _] = spilling.go();
    assert_eq!(plan, 0);
    assert!(
        apply == 0 || spilling.said[1].err.contains("so nothing was written"),
        "{}",
        spilling.said[1].err
    );
    spilling.is_clean();
}

#[test]
fn fields_deep_inside_an_object_stop_the_write() {
    let mut spilling = Spilling::before(|_, _, _, body| plant(body, &["patient_note"]));
    let [plan, apply, _] = spilling.go();
    assert_eq!((plan, apply), (0, 1));
    assert!(spilling.said[1].err.contains("so nothing was written"), "{}", spilling.said[1].err);
    spilling.is_clean();
}

#[test]
fn a_comment_about_a_patient_is_planned_away_without_being_repeated() {
    let spills = Arc::new(AtomicBool::new(false));
    let now = Arc::clone(&spills);
    let mut spilling = Spilling::before(move |method, path, _, body| {
        if method == "GET" && path.contains("/catalogs") && now.load(Ordering::SeqCst) {
            plant(body, &["comment"]);
        }
    });
    assert_eq!(spilling.go(), [0, 0, 0]);
    spills.store(true, Ordering::SeqCst);
    let args = ["plan", "--target", "served", "--wave", "pilot", "--out", "q.plan", "--show-fields"];
    assert_eq!(spilling.run(&args), 0);
    let shown = &spilling.said.last().expect("a plan").out;
    assert!(shown.contains("(not shown: it looks like it holds"), "{shown}");
    spilling.is_clean();
}

#[test]
fn messages_of_failures_do_not_carry_patient_data() {
    let mut spilling = Spilling::before(|method, path, status, body| {
        if method == "POST" && path.ends_with("/catalogs") {
            *status = 400;
            *body = json!({ "error_code": "INVALID_PARAMETER_VALUE", "message": canaries().join(", "),
                "details": [{ "reason": canaries().join(" ") }] });
        }
    });
    assert_eq!(spilling.go(), [0, 1, 0]);
    let asked = spilling.estate.run(&["evidence", "search", "kind:step.failed", "--site", "HRB01"]).ends(0);
    asked.prints("not shown: it looks like it holds");
    spilling.is_clean();
}
