//! Notices of real launches: a receiver that is down ends no run, and what it missed comes later.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use serde_json::{Value, json};

use crate::world::{Estate, Served};

const KEY: &str = "a key of more than twenty-four bytes";

/// Takes this many notices and gives back their bodies.
fn receive(listener: TcpListener, count: usize) -> JoinHandle<Vec<Value>> {
    std::thread::spawn(move || (0..count).map(|_| one(&listener.accept().unwrap().0)).collect())
}

fn one(mut stream: &TcpStream) -> Value {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if body.len() >= length.parse::<usize>().unwrap() {
                stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").unwrap();
                return serde_json::from_str(body).unwrap();
            }
        }
        let read = stream.read(&mut chunk).unwrap();
        assert!(read > 0, "half a request: {text}");
        bytes.extend_from_slice(&chunk[..read]);
    }
}

fn told(estate: &Estate, receiver: &str) {
    estate.append(
        "sites/estate.toml",
        &format!(
            "[[notify]]\nname = \"pm\"\nwebhook = \"{receiver}\"\nsecret = \"env:HOOK_KEY\"\n\n\
             [[notify]]\nname = \"local\"\nfile = \"notices.jsonl\"\non = [\"finished\"]\n"
        ),
    );
}

fn failing() -> (Estate, Served) {
    let mut estate = Estate::example();
    let served = estate.serve(&[]);
    estate.reach(&served, 400);
    estate.set("HOOK_KEY", KEY);
    (estate, served)
}

#[test]
fn a_run_whose_receiver_is_down_ends_as_it_would_and_is_told_later() {
    let (mut estate, served) = failing();
    let place = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = place.local_addr().unwrap();
    drop(place);
    told(&estate, &format!("http://{address}/hook?token=hush"));
    estate.plan(&["--wave", "pilot"], "p.plan").ends(0);
    let kind = json!({ "before": { "status": 400, "code": "INVALID_PARAMETER_VALUE" } });
    served.fault("POST */catalogs", &kind, 0, 1);

    let ran =
        estate.run(&["apply", "p.plan"]).ends(1).says("warning: notices: pm: 6 notices wait: no connection");
    assert!(!ran.err.contains("hush") && !ran.err.contains(KEY), "{}", ran.err);
    let lines = estate.text("notices.jsonl");
    let kinds: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["subject"].clone()).collect();
    assert_eq!(kinds, ["account", "region/us-east-1"], "what came to a good end, in its order");

    let status = estate.run(&["notify", "status", "-o", "json"]).ends(0).json();
    let pm = &status["sinks"][0];
    assert_eq!((&pm["waiting"], &pm["trouble"]), (&json!(6), &json!("no connection could be made")));
    estate.run(&["notify", "status"]).ends(0).prints("0 taken, 6 waiting, 0 given up; last taken never");
    estate.run(&["notify", "flush"]).ends(0).prints("0 sent, 6 waiting");
    estate.run(&["notify", "flush", "--strict"]).ends(1);
    estate.run(&["notify", "test", "pm"]).ends(1).says("did not take the test notice: no connection");
    estate.run(&["notify", "test", "mp"]).ends(64).says("there are: pm, local");

    let up = receive(TcpListener::bind(address).unwrap(), 6);
    estate.run(&["notify", "flush", "--retry-now", "--strict"]).ends(0).prints("6 sent, 0 waiting");
    let events = up.join().unwrap();
    let kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "dev.landfall.step.failed.v1").count(), 1, "{kinds:?}");
    assert_eq!(kinds.last(), Some(&"dev.landfall.launch.failed.v1"));
    let step = events.iter().find(|event| event["type"] == "dev.landfall.step.failed.v1").unwrap();
    assert_eq!((&step["data"]["site"], &step["data"]["owner"]), (&json!("HRB01"), &json!("ops-lead")));
    assert_eq!(step["data"]["why"]["code"], "INVALID_PARAMETER_VALUE");
    assert!(step["data"]["step"].as_str().unwrap().starts_with("catalog."));

    estate.set("HOOK_KEY", "");
    estate.plan(&["--wave", "pilot"], "q.plan").ends(0);
    let ran = estate.run(&["apply", "q.plan"]).ends(0);
    ran.says("pm: 4 notices wait: no key: the variable HOOK_KEY is not set");
}

#[test]
fn a_rehearsal_tells_nobody() {
    let (estate, _served) = failing();
    told(&estate, "http://127.0.0.1:9/hook");
    let ran = estate.run(&["rehearse", "pilot"]).ends(0);
    assert!(!ran.err.contains("notices:") && !estate.root().join("notices.jsonl").exists());
}
