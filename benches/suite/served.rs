//! A sandbox in a process of its own, with latency and faults by its admin paths.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use crate::estate::{Estate, LANDFALL};

/// A served sandbox; it ends with this value.
pub struct Served {
    child: Child,
    printed: BTreeMap<String, String>,
}

impl Served {
    /// Whether this program's sandbox knows such a flag.
    pub fn knows(flag: &str) -> bool {
        let output = Command::new(LANDFALL).args(["sandbox", "serve", "--help"]).output().expect("it starts");
        String::from_utf8_lossy(&output.stdout).contains(flag)
    }

    /// With these flags.
    pub fn with(estate: &Estate, flags: &[&str]) -> Self {
        let mut child = Command::new(LANDFALL)
            .args(["sandbox", "serve"])
            .args(flags)
            .current_dir(&estate.root)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the sandbox starts");
        let mut lines = BufReader::new(child.stdout.take().expect("it prints")).lines();
        let mut printed = BTreeMap::new();
        while !printed.contains_key("SANDBOX_ADMIN_TOKEN") {
            let line = lines.next().expect("the sandbox says where it is").expect("text");
            if let Some((name, value)) = line.split_once('=') {
                printed.insert(name.to_owned(), value.to_owned());
            }
        }
        Self { child, printed }
    }

    fn of(&self, name: &str) -> &str {
        &self.printed[name]
    }

    /// Makes the estate's target `served` this sandbox, with more lines about it. The sign-in goes by the environment.
    pub fn reach_by(&self, estate: &Estate, more: &str) {
        let path = estate.root.join("sites/estate.toml");
        let text = std::fs::read_to_string(&path).expect("the estate");
        let text = text.split("\n[targets.served]").next().unwrap_or_default().to_owned();
        let target = format!(
            "\n[targets.served]\ndriver = \"databricks\"\nhost = \"{}\"\naccount_id = \"{}\"\ncall_timeout_ms = 60000\ngates = \"open\"\n{more}\n",
            self.of("DATABRICKS_HOST"),
            self.of("DATABRICKS_ACCOUNT_ID"),
        );
        std::fs::write(&path, text + &target).expect("the estate is written");
    }

    /// What the program's environment must say to sign in.
    pub fn signin(&self) -> Vec<(String, String)> {
        ["DATABRICKS_CLIENT_ID", "DATABRICKS_CLIENT_SECRET"]
            .iter()
            .map(|name| ((*name).to_owned(), self.of(name).to_owned()))
            .collect()
    }

    fn admin(&self, method: &str, what: &str, body: &str) -> Value {
        let address = self.of("DATABRICKS_HOST").trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).expect("the sandbox listens");
        let text = format!(
            "{method} /__sandbox/{what} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\nauthorization: Bearer {}\r\n\
             content-length: {}\r\n\r\n{body}",
            self.of("SANDBOX_ADMIN_TOKEN"),
            body.len()
        );
        stream.write_all(text.as_bytes()).expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        serde_json::from_str(body).unwrap_or(Value::Null)
    }

    /// Adds a fault rule.
    pub fn fault(&self, pattern: &str, holds: Option<&str>, kind: Value, skip: u32, times: u32) {
        let mut rule = json!({ "pattern": pattern, "kind": kind, "skip": skip, "times": times });
        if let Some(holds) = holds {
            rule["holds"] = json!(holds);
        }
        self.admin("POST", "faults", &rule.to_string());
    }

    /// Every call takes so long.
    pub fn latency(&self, millis: u64) {
        self.fault("*", None, json!({ "stall": { "millis": millis } }), 0, u32::MAX);
    }

    /// No call is delayed or refused any more.
    pub fn forget_faults(&self) {
        self.admin("DELETE", "faults", "");
    }

    pub fn forget_requests(&self) {
        self.admin("DELETE", "requests", "");
    }

    /// Everything that was asked since it was last forgotten: when (in seconds), method, path, status.
    pub fn requests(&self) -> Vec<Asked> {
        let all = self.admin("GET", "requests", "");
        let of = |value: &Value| Asked {
            at: seconds(&value["time"]),
            method: value["method"].as_str().unwrap_or_default().to_owned(),
            path: value["path"].as_str().unwrap_or_default().to_owned(),
            status: value["status"].as_u64().unwrap_or(0),
            host: value["host"].as_str().unwrap_or_default().to_owned(),
            took: ["took_ms", "service_ms", "duration_ms", "millis"]
                .iter()
                .find_map(|name| value[*name].as_f64())
                .map(|millis| millis / 1e3),
        };
        all["requests"].as_array().into_iter().flatten().map(of).collect()
    }

    /// Seconds that one call takes here, asked one after the other: what the fixture itself adds is in it.
    pub fn service_time(&self) -> f64 {
        let address = self.of("DATABRICKS_HOST").trim_start_matches("http://").to_owned();
        let mut all: Vec<f64> = (0..15)
            .map(|_| {
                let began = Instant::now();
                let mut stream = TcpStream::connect(&address).expect("the sandbox listens");
                let text = format!(
                    "GET /oidc/.well-known/x HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
                );
                stream.write_all(text.as_bytes()).expect("a request");
                let mut answer = Vec::new();
                let _ = stream.read_to_end(&mut answer);
                began.elapsed().as_secs_f64()
            })
            .collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One request as the sandbox logged it.
#[derive(Debug, Clone)]
pub struct Asked {
    pub at: f64,
    pub method: String,
    pub path: String,
    pub status: u64,
    /// The host that was asked, where the sandbox names it.
    pub host: String,
    /// Seconds that the service took, where the sandbox says so.
    pub took: Option<f64>,
}

/// A moment as the sandbox writes it, in seconds.
pub fn seconds(value: &Value) -> f64 {
    let text = value.as_str().unwrap_or_default();
    text.parse::<jiff::Timestamp>().map_or(f64::NAN, |at| at.as_millisecond() as f64 / 1_000.0)
}
