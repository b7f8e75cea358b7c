//! A ticket system on this machine: answers as ServiceNow, Jira or a hostile stranger does.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// The ticket that it has.
pub const NUMBER: &str = "CHG0012345";
/// What it wants to hear.
pub const TOKEN: &str = "not-a-real-token";

/// One request as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub authorization: String,
    pub body: Value,
}

/// How it behaves.
#[derive(Debug, Clone, PartialEq)]
pub enum Mood {
    Good,
    /// Answers this status so many times, then well.
    Status(u16, u32),
    /// Takes what is written, and then breaks the connection without a word.
    DropsAnswers,
    Hangs,
    Redirects(String),
    Malformed,
    /// Announces and sends more than anybody reads.
    Huge,
    Endless,
}

/// What the desk knows.
#[derive(Debug, Clone)]
pub struct Desk {
    pub mood: Mood,
    pub state: String,
    pub requester: String,
    /// Who, their word, when (in UTC as databases print it).
    pub approvals: Vec<(String, String, String)>,
    pub title: String,
    pub notes: String,
    pub seen: Vec<Seen>,
    held: Vec<Arc<TcpStream>>,
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            mood: Mood::Good,
            state: "Implement".to_owned(),
            requester: "pat.requester".to_owned(),
            approvals: vec![approval("cab.chair", "approved")],
            title: "Bring HRB01 ashore".to_owned(),
            notes: String::new(),
            seen: Vec::new(),
            held: Vec::new(),
        }
    }
}

/// A decision long after every test.
pub fn approval(who: &str, word: &str) -> (String, String, String) {
    (who.to_owned(), word.to_owned(), "2099-01-01 09:00:00".to_owned())
}

/// A receiver that answers until the test ends.
pub struct Receiver {
    pub address: String,
    desk: Arc<Mutex<Desk>>,
}

impl Receiver {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let desk = Arc::new(Mutex::new(Desk::default()));
        let shared = Arc::clone(&desk);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { address, desk }
    }

    /// Looks at the desk, or changes it.
    pub fn desk<T>(&self, with: impl FnOnce(&mut Desk) -> T) -> T {
        with(&mut self.desk.lock().unwrap())
    }

    /// The requests with this method.
    pub fn seen(&self, method: &str) -> Vec<Seen> {
        self.desk(|desk| desk.seen.iter().filter(|seen| seen.method == method).cloned().collect())
    }
}

fn request(stream: &mut TcpStream) -> Option<Seen> {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let header =
                |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            let length = header("content-length: ").parse().unwrap_or(0);
            if body.len() >= length {
                let mut words = head.split(' ');
                let mut word = || words.next().unwrap_or_default().to_owned();
                return Some(Seen {
                    method: word(),
                    path: word(),
                    authorization: header("authorization: ").to_owned(),
                    body: serde_json::from_str(body).unwrap_or(Value::Null),
                });
            }
        }
        match stream.read(&mut chunk) {
            Ok(read) if read > 0 => bytes.extend_from_slice(&chunk[..read]),
            _ => return None,
        }
    }
}

fn send(mut stream: &TcpStream, status: u16, headers: &str, body: &[u8]) {
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n",
        body.len()
    );
    // Who hangs up early is what some of the tests are about.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}

fn serve(mut stream: TcpStream, shared: &Mutex<Desk>) {
    let Some(seen) = request(&mut stream) else { return };
    let mood = {
        let mut desk = shared.lock().unwrap();
        desk.seen.push(seen.clone());
        let mood = desk.mood.clone();
        if let Mood::Status(status, left) = &mood {
            desk.mood = if *left <= 1 { Mood::Good } else { Mood::Status(*status, left - 1) };
        }
        mood
    };
    match mood {
        Mood::Good => {
            let (status, body) = answer(&seen, shared);
            send(&stream, status, "", body.to_string().as_bytes());
        }
        Mood::DropsAnswers if seen.method == "GET" => {
            let (status, body) = answer(&seen, shared);
            send(&stream, status, "", body.to_string().as_bytes());
        }
        Mood::DropsAnswers => drop(answer(&seen, shared)),
        Mood::Status(status, _) => send(&stream, status, "retry-after: 0\r\n", b"{\"error\": \"hush\"}"),
        Mood::Hangs => shared.lock().unwrap().held.push(Arc::new(stream)),
        Mood::Redirects(to) => send(&stream, 302, &format!("location: {to}\r\n"), b"{}"),
        Mood::Malformed => send(&stream, 200, "", b"<html>hush</html>"),
        Mood::Huge => send(&stream, 200, "", &vec![b' '; 6 << 20]),
        Mood::Endless => {
            let head = b"HTTP/1.1 200 X\r\nconnection: close\r\n\r\n";
            let mut going = stream.write_all(head);
            while going.is_ok() {
                going = stream.write_all(&[b' '; 4096]);
            }
        }
    }
}

fn both(value: &str) -> Value {
    json!({ "value": value, "display_value": value })
}

/// The answer of whichever system has such a path.
fn answer(seen: &Seen, shared: &Mutex<Desk>) -> (u16, Value) {
    let mut desk = shared.lock().unwrap();
    let is = |start: &str| seen.path.starts_with(start);
    if !seen.authorization.starts_with("Basic ") && seen.authorization != format!("Bearer {TOKEN}") {
        return (401, json!({ "error": "hush" }));
    }
    if seen.method == "GET" && is("/api/now/table/change_request?") {
        let ours = seen.path.contains(&format!("number%3D{NUMBER}&"));
        return (200, json!({ "result": if ours { vec![service_now(&desk)] } else { Vec::new() } }));
    }
    if seen.method == "GET" && is("/api/now/table/sysapproval_approver?sysparm_query=sysapproval%3Dabc123&") {
        let of = |(who, word, at): &(String, String, String)| json!({ "approver.user_name": both(who), "state": both(word), "sys_updated_on": both(at) });
        return (200, json!({ "result": desk.approvals.iter().map(of).collect::<Vec<_>>() }));
    }
    if seen.method == "PATCH" && is("/api/now/table/change_request/abc123") {
        let note = seen.body["work_notes"].as_str().unwrap_or_default().to_owned();
        desk.notes.push_str(&format!("2027-01-11 09:00:00 - Landfall (Work notes)\n{note}\n\n"));
        return (200, json!({ "result": {} }));
    }
    if seen.method == "GET" && is("/rest/api/3/issue/OPS-7?") {
        return (200, jira(&desk));
    }
    if seen.method == "GET" && is("/rest/servicedeskapi/request/OPS-7/approval") {
        let of = |(who, word, _): &(String, String, String)| {
            json!({ "approvers": [{ "approver": { "accountId": who }, "approverDecision": word }],
                "completedDate": { "epochMillis": 4_070_944_800_000_u64 } })
        };
        return (200, json!({ "values": desk.approvals.iter().map(of).collect::<Vec<_>>() }));
    }
    if seen.method == "POST" && is("/rest/api/3/issue/OPS-7/comment") {
        desk.notes.push_str(&seen.body.to_string());
        return (201, json!({}));
    }
    if seen.method == "GET" && is("/tickets/T-1") {
        let (who, ..) = desk.approvals.first().cloned().unwrap_or_default();
        return (
            200,
            json!({ "no": "T-1", "status": desk.state, "about": desk.title, "by": who, "log": [desk.notes] }),
        );
    }
    (404, json!({ "error": "hush" }))
}

fn service_now(desk: &Desk) -> Value {
    json!({
        "sys_id": both("abc123"), "number": both(NUMBER),
        "state": { "value": "-1", "display_value": desk.state },
        "requested_by.user_name": both(&desk.requester), "short_description": both(&desk.title),
        "description": both("A patient would be named here, and must not be kept"), "work_notes": both(&desk.notes),
        "start_date": both("2027-01-12 01:00:00"), "end_date": both("after the party"),
    })
}

fn jira(desk: &Desk) -> Value {
    let text = |words: &str| json!({ "type": "doc", "content": [{ "content": [{ "type": "text", "text": words }] }] });
    json!({ "id": "10002", "key": "OPS-7", "fields": {
        "summary": desk.title, "description": text("none"), "labels": [], "components": [],
        "status": { "name": desk.state, "statusCategory": { "key": "indeterminate" } },
        "reporter": { "accountId": desk.requester }, "comment": { "comments": [{ "body": text(&desk.notes) }] } } })
}
