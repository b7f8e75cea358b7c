//! A service that says too much: it stands before a served sandbox and changes its answers.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use serde_json::Value;

/// Changes an answer: method and path of the request, status and body of the answer.
pub type Change = dyn Fn(&str, &str, &mut u16, &mut Value) + Send + Sync;

/// Starts it before `upstream` and gives its address. Its threads end with the test's process.
pub fn before(
    upstream: &str,
    change: impl Fn(&str, &str, &mut u16, &mut Value) + Send + Sync + 'static,
) -> String {
    let upstream = upstream.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let change: Arc<Change> = Arc::new(change);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (upstream, change) = (upstream.clone(), Arc::clone(&change));
            std::thread::spawn(move || serve(stream, &upstream, &change));
        }
    });
    format!("http://{address}")
}

/// One request, one answer, and the connection closes. A client that went away is no concern.
fn serve(mut client: TcpStream, upstream: &str, change: &Arc<Change>) -> Option<()> {
    let (head, body) = request(&mut client)?;
    let mut lines = head.split("\r\n");
    let first = lines.next()?;
    let (method, path) = first.rsplit_once(' ')?.0.split_once(' ')?;
    let kept = lines.filter(|line| !line.to_lowercase().starts_with("connection:"));
    let head: Vec<&str> = std::iter::once(first).chain(kept).collect();
    let mut server = TcpStream::connect(upstream).ok()?;
    server.write_all(format!("{}\r\nconnection: close\r\n\r\n", head.join("\r\n")).as_bytes()).ok()?;
    server.write_all(&body).ok()?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).ok()?;
    let text = String::from_utf8(answer).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut status: u16 = head.split(' ').nth(1)?.parse().ok()?;
    let mut value: Value = serde_json::from_str(body).unwrap_or(Value::Null);
    change(method, path, &mut status, &mut value);
    let body = if body.is_empty() && value.is_null() { String::new() } else { value.to_string() };
    let kind = "content-type: application/json\r\nconnection: close";
    let answer = format!("HTTP/1.1 {status} told\r\n{kind}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    client.write_all(answer.as_bytes()).ok()
}

fn request(client: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    let split = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        let read = client.read(&mut chunk).ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&chunk[..read]);
    };
    let head = String::from_utf8(bytes[..split].to_vec()).ok()?;
    let length = head
        .lines()
        .find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = bytes.split_off(split + 4);
    while body.len() < length.unwrap_or(0) {
        let read = client.read(&mut chunk).ok().filter(|read| *read > 0)?;
        body.extend_from_slice(&chunk[..read]);
    }
    Some((head, body))
}
