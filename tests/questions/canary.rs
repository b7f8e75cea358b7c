//! Patient data and secrets that a service spills into its answers end nowhere: not in journal, blobs, plan or bundle,
//! not on the screen.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::proxy;
use super::world::{Estate, Ran, Served, tree};

/// What a service might say about a patient or a password. Put together here, so that no scanner takes it for a leak.
pub fn canaries() -> Vec<String> {
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

    /// The bundle says what it was searched for, and that nothing was found in all of its entries.
    #[track_caller]
    fn scan_is_recorded(&self) {
        let read =
            |path: &str| std::fs::read(self.estate.path("bundle").join(path)).expect("the bundle's file");
        let record: Value = serde_json::from_slice(&read("scan.json")).expect("JSON");
        let entries = String::from_utf8(read("journal/site.jsonl")).expect("text").lines().count();
        assert_eq!((&record["entries"], &record["hits"]), (&json!(entries), &json!(0)), "{record}");
        assert!(record["patterns"].as_array().expect("a list").len() >= 14, "{record}");
        println!("{record}");
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

/// What was planted: how often, and in how many different places of answers.
#[derive(Default)]
pub struct Planted {
    count: AtomicUsize,
    places: Mutex<BTreeMap<String, usize>>,
}

/// Names of fields by which objects and pages are known, and states that are waited for: a service that lies about those
/// is not followed at all, which another test shows.
const NAMES: [&str; 11] =
    ["id", "name", "arn", "status", "state", "token", "type", "url", "root", "code", "schemas"];

impl Planted {
    /// Puts a canary into every text of an answer that is meant, however deep it stands.
    pub fn plant(&self, place: &str, value: &mut Value, meant: &dyn Fn(&str) -> bool) {
        match value {
            Value::Object(object) => {
                object
                    .iter_mut()
                    .for_each(|(name, inner)| self.plant(&format!("{place}/{name}"), inner, meant));
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.plant(place, item, meant)),
            Value::String(text) if meant(place) => {
                let turn = self.count.fetch_add(1, Ordering::SeqCst);
                *text = canaries()[turn % canaries().len()].clone();
                *self.places.lock().expect("no test panics in here").entry(place.to_owned()).or_default() +=
                    1;
            }
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// How much was planted, and in how many different fields.
    pub fn counts(&self) -> (usize, usize) {
        (self.count.load(Ordering::SeqCst), self.places.lock().expect("unlocked").len())
    }

    /// Says how much was planted.
    fn told(&self, what: &str) -> usize {
        let (count, places) =
            (self.count.load(Ordering::SeqCst), self.places.lock().expect("unlocked").len());
        println!(
            "{what}: {count} canaries planted in {places} different fields of answers, none found anywhere"
        );
        places
    }
}

/// The part of a request's path that says which kind of object it is about.
pub fn kind_of(path: &str) -> String {
    let plain = path.split('?').next().unwrap_or_default();
    let words = plain.split('/').filter(|part| !part.is_empty() && !part.chars().any(|c| c.is_ascii_digit()));
    words.collect::<Vec<_>>().join("/")
}

pub fn is_sign_in(path: &str) -> bool {
    path.contains("/oidc/") || path.contains("/oauth") || path.contains(".well-known")
}

#[test]
fn a_service_that_says_it_in_every_text_of_every_answer_is_never_repeated() {
    let planted = Arc::new(Planted::default());
    let here = Arc::clone(&planted);
    let mut spilling = Spilling::before(move |_, path, _, body| {
        if !is_sign_in(path) {
            here.plant(&kind_of(path), body, &|place| {
                let field = place.rsplit('/').next().unwrap_or_default().to_lowercase();
                !NAMES.iter().any(|name| field.ends_with(name))
            });
        }
    });
    let [plan, _, export] = spilling.go();
    assert_eq!(plan, 0);
    spilling.is_clean();
    assert!(planted.told("every text but names") > 0);
    if export == 0 {
        spilling.scan_is_recorded();
    }
}

#[test]
fn a_service_that_lies_in_every_name_and_state_too_is_not_followed_and_not_repeated() {
    let planted = Arc::new(Planted::default());
    let (here, spills) = (Arc::clone(&planted), Arc::new(AtomicBool::new(false)));
    let now = Arc::clone(&spills);
    let mut spilling = Spilling::before(move |method, path, _, body| {
        let meant = method != "GET" || now.load(Ordering::SeqCst);
        if !is_sign_in(path) && meant {
            here.plant(&kind_of(path), body, &|_| true);
        }
    });
    let [plan, apply, _] = spilling.go();
    assert!(plan == 0 && apply != 0, "what was made cannot be followed: {plan}, {apply}");
    spills.store(true, Ordering::SeqCst);
    for args in [
        &["plan", "--target", "served", "--wave", "pilot", "--out", "q.plan", "--show-fields"][..],
        &["drift", "--target", "served"],
    ] {
        spilling.run(args);
    }
    spilling.is_clean();
    assert!(planted.told("every text of every answer") > 0);
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
    spilling.scan_is_recorded();
}
