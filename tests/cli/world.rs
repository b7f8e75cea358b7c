//! What the tests of the compiled program stand on: an estate in a folder of its own, the program run as people run it,
//! and a served sandbox with its request log, its faults and its back door.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Nothing that is tested takes a tenth of it; whoever waits longer waits for something that never comes.
const DEADLINE: Duration = Duration::from_secs(180);

/// The target that the tests add to the estate.
pub const SERVED: &str = "served";

/// Copies a folder with everything in it.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Every file below a folder, by path, with its bytes.
pub fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_string_lossy().replace('\\', "/");
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// The repository's folder.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What a command came to.
#[derive(Debug, Clone)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// The same, if it ended with this code.
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\n--- stdout\n{}\n--- stderr\n{}", self.out, self.err);
        self
    }

    /// The same, if standard error has these words.
    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        assert!(self.err.contains(words), "no {words:?} in\n{}", self.err);
        self
    }

    /// The same, if standard output has these words.
    #[track_caller]
    pub fn prints(self, words: &str) -> Self {
        assert!(self.out.contains(words), "no {words:?} in\n{}", self.out);
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}", self.out))
    }
}

/// An estate in a folder of its own.
pub struct Estate {
    folder: tempfile::TempDir,
    env: Vec<(String, String)>,
}

impl Estate {
    /// A copy of the repository's example.
    pub fn example() -> Self {
        Self::of(&[repository()])
    }

    /// The `sites` and `templates` of these folders, laid over each other.
    pub fn of(layers: &[&Path]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for layer in layers {
            for part in ["sites", "templates"] {
                if layer.join(part).exists() {
                    copy(&layer.join(part), &folder.path().join("estate").join(part));
                }
            }
        }
        fs::create_dir(folder.path().join("tmp")).unwrap();
        Self { folder, env: Vec::new() }
    }

    /// A path in the test's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The estate's own folder.
    pub fn root(&self) -> PathBuf {
        self.path("estate")
    }

    /// Sets a variable for all commands.
    pub fn set(&mut self, name: &str, value: &str) {
        self.env.push((name.to_owned(), value.to_owned()));
    }

    /// The text of a file of the estate.
    pub fn text(&self, file: &str) -> String {
        fs::read_to_string(self.root().join(file)).unwrap()
    }

    /// Writes a file of the estate.
    pub fn write(&self, file: &str, text: &str) {
        fs::write(self.root().join(file), text).unwrap();
    }

    /// Replaces words that a file of the estate has.
    #[track_caller]
    pub fn edit(&self, file: &str, from: &str, to: &str) {
        let text = self.text(file);
        assert!(text.contains(from), "{file} has no {from:?}");
        self.write(file, &text.replacen(from, to, 1));
    }

    /// Adds lines to a file of the estate.
    pub fn append(&self, file: &str, lines: &str) {
        self.write(file, &format!("{}\n{lines}", self.text(file)));
    }

    /// Names a served sandbox as a target and takes its sign-in.
    pub fn reach(&mut self, served: &Served, call_timeout_ms: u64) {
        self.append(
            "sites/estate.toml",
            &format!(
                "[targets.{SERVED}]\ndriver = \"databricks\"\nhost = \"{}\"\naccount_id = \"{}\"\n\
                 call_timeout_ms = {call_timeout_ms}\ncalendar = \"ignore\"\ngates = \"open\"\n",
                served.of("DATABRICKS_HOST"),
                served.of("DATABRICKS_ACCOUNT_ID"),
            ),
        );
        for name in ["DATABRICKS_CLIENT_ID", "DATABRICKS_CLIENT_SECRET"] {
            let value = served.of(name).to_owned();
            self.set(name, &value);
        }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_landfall"));
        command
            .args(args)
            .env_clear()
            .env("HOME", self.folder.path())
            .env("TMPDIR", self.path("tmp"))
            .env("USER", "tester")
            .env("LANDFALL_ROOT", self.root())
            .env("LANDFALL_STATE", self.path("state"))
            .envs(self.env.iter().cloned())
            .current_dir(self.folder.path());
        command
    }

    /// Starts a command.
    pub fn start(&self, args: &[&str]) -> Started {
        Started::new(self.command(args))
    }

    /// Runs a command to its end.
    pub fn run(&self, args: &[&str]) -> Ran {
        self.start(args).wait()
    }

    /// Makes a plan for the served target and saves it under this name.
    pub fn plan(&self, select: &[&str], file: &str) -> Ran {
        let mut args = vec!["plan", "--target", SERVED, "--out", file];
        args.extend(select);
        self.run(&args)
    }

    /// Serves a sandbox.
    pub fn serve(&self, extra: &[&str]) -> Served {
        let mut args = vec!["sandbox", "serve"];
        args.extend(extra);
        Served::new(self.start(&args))
    }
}

enum Heard {
    Out(String),
    Err(String),
    OutEnd,
    ErrEnd,
}

/// A command that runs. It does not outlive its test.
pub struct Started {
    child: Child,
    heard: Receiver<Heard>,
    open: usize,
    out: String,
    err: String,
    since: Instant,
}

impl Started {
    fn new(mut command: Command) -> Self {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (say, heard) = channel();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let tell = say.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let _ = tell.send(Heard::Out(line));
            }
            let _ = tell.send(Heard::OutEnd);
        });
        std::thread::spawn(move || {
            for line in BufReader::new(err).lines().map_while(Result::ok) {
                let _ = say.send(Heard::Err(line));
            }
            let _ = say.send(Heard::ErrEnd);
        });
        Self { child, heard, open: 2, out: String::new(), err: String::new(), since: Instant::now() }
    }

    /// The next line of either stream; none once both have ended.
    #[track_caller]
    fn next(&mut self) -> Option<(bool, String)> {
        while self.open > 0 {
            let left = DEADLINE.saturating_sub(self.since.elapsed());
            match self.heard.recv_timeout(left) {
                Ok(Heard::Out(line)) => {
                    self.out.push_str(&line);
                    self.out.push('\n');
                    return Some((false, line));
                }
                Ok(Heard::Err(line)) => {
                    self.err.push_str(&line);
                    self.err.push('\n');
                    return Some((true, line));
                }
                Ok(Heard::OutEnd | Heard::ErrEnd) => self.open -= 1,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("no end in {DEADLINE:?}\n--- stdout\n{}\n--- stderr\n{}", self.out, self.err)
                }
            }
        }
        None
    }

    /// Waits for a line of standard output that passes.
    #[track_caller]
    pub fn printed(&mut self, passes: impl Fn(&str) -> bool) -> String {
        while let Some((is_err, line)) = self.next() {
            if !is_err && passes(&line) {
                return line;
            }
        }
        panic!("it ended first\n--- stdout\n{}\n--- stderr\n{}", self.out, self.err)
    }

    /// Waits for a line of standard error that passes; none if the command ends before.
    pub fn said(&mut self, passes: impl Fn(&str) -> bool) -> Option<String> {
        while let Some((is_err, line)) = self.next() {
            if is_err && passes(&line) {
                return Some(line);
            }
        }
        None
    }

    /// Sends a signal by its short name.
    pub fn signal(&self, name: &str) {
        let status =
            Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Ends it at once, as a crash would.
    pub fn kill(mut self) -> Ran {
        self.child.kill().unwrap();
        self.wait()
    }

    /// Waits for its end. One that was killed by a signal has code -1.
    #[track_caller]
    pub fn wait(mut self) -> Ran {
        while self.next().is_some() {}
        let status = self.child.wait().unwrap();
        Ran {
            code: status.code().unwrap_or(-1),
            out: std::mem::take(&mut self.out),
            err: std::mem::take(&mut self.err),
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One line of the sandbox's request log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub status: u64,
    pub mutating: bool,
    pub workspace: String,
}

impl Request {
    /// Whether it is this call, whatever came of it.
    pub fn is(&self, method: &str, path_end: &str) -> bool {
        self.method == method && self.path.ends_with(path_end)
    }
}

/// A sandbox that serves.
pub struct Served {
    _process: Started,
    printed: BTreeMap<String, String>,
}

impl Served {
    fn new(mut process: Started) -> Self {
        process.printed(|line| line.starts_with("SANDBOX_ADMIN_TOKEN="));
        let pairs = process.out.lines().filter_map(|line| line.split_once('='));
        let printed = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { _process: process, printed }
    }

    /// What it printed under this name.
    pub fn of(&self, name: &str) -> &str {
        &self.printed[name]
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, Value) {
        let address = self.of("DATABRICKS_HOST").trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut text = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let body = if body.is_empty() { Value::Null } else { serde_json::from_str(body).unwrap() };
        (status, body)
    }

    fn admin(&self, method: &str, what: &str, body: &str) -> Value {
        let bearer = format!("Bearer {}", self.of("SANDBOX_ADMIN_TOKEN"));
        let path = format!("/__sandbox/{what}");
        let (status, body) = self.send(method, &path, &[("authorization", &bearer)], body);
        assert!(status < 300, "{method} {path}: {status} {body}");
        body
    }

    /// Everything that was asked of it.
    pub fn requests(&self) -> Vec<Request> {
        let answer = self.admin("GET", "requests", "");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let of = |r: &Value| Request {
            method: text(&r["method"]),
            path: text(&r["path"]),
            status: r["status"].as_u64().unwrap(),
            mutating: r["mutating"].as_bool().unwrap(),
            workspace: text(&r["workspace"]),
        };
        answer["requests"].as_array().unwrap().iter().map(of).collect()
    }

    /// What of it can change something.
    pub fn mutations(&self) -> Vec<Request> {
        self.requests().into_iter().filter(|request| request.mutating).collect()
    }

    /// Forgets the request log.
    pub fn forget_requests(&self) {
        self.admin("DELETE", "requests", "");
    }

    /// Puts rows of lineage in, as pipelines that ran do.
    pub fn lineage(&self, rows: &Value) {
        self.admin("POST", "lineage", &rows.to_string());
    }

    /// Adds a fault rule.
    pub fn fault(&self, pattern: &str, kind: &Value, skip: u32, times: u32) {
        let rule = json!({ "pattern": pattern, "kind": kind, "skip": skip, "times": times });
        self.admin("POST", "faults", &rule.to_string());
    }

    /// Adds a rule that strikes once, at requests that speak of one site.
    pub fn fault_at(&self, site: &str, pattern: &str, kind: &Value) {
        let rule = json!({ "pattern": pattern, "holds": site, "kind": kind });
        self.admin("POST", "faults", &rule.to_string());
    }

    /// All objects, without what differs between runs.
    pub fn state(&self) -> Value {
        self.admin("GET", "state", "")
    }

    /// A call behind the program's back.
    #[track_caller]
    pub fn call(&self, method: &str, path: &str, workspace: Option<&str>, body: &Value) -> Value {
        let form = format!(
            "grant_type=client_credentials&scope=all-apis&client_id={}&client_secret={}",
            self.of("DATABRICKS_CLIENT_ID"),
            self.of("DATABRICKS_CLIENT_SECRET")
        );
        let token = format!("/oidc/accounts/{}/v1/token", self.of("DATABRICKS_ACCOUNT_ID"));
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let (status, answer) = self.send("POST", &token, &headers, &form);
        assert_eq!(status, 200, "{answer}");
        let bearer = format!("Bearer {}", answer["access_token"].as_str().unwrap());
        let mut headers = vec![("authorization", bearer.as_str()), ("content-type", "application/json")];
        headers.extend(workspace.map(|id| ("x-databricks-workspace-id", id)));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, answer) = self.send(method, path, &headers, &body);
        assert!(status < 300, "{method} {path}: {status} {answer}");
        answer
    }

    /// A path below the account.
    pub fn account(&self, rest: &str) -> String {
        format!("/api/2.0/accounts/{}/{rest}", self.of("DATABRICKS_ACCOUNT_ID"))
    }
}
