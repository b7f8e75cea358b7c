//! What the machine allows: plain programs that do the least that the job needs.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use sha2::{Digest as _, Sha256};

/// Reads and parses every site's file, makes so many objects of each, hashes them, compares them with what is recorded
/// in `state` (if it is there), and writes a durable plan and, without a record, a durable record.
pub fn plan(sites: &Path, each: usize, state: &Path) {
    let mut objects: BTreeMap<String, [u8; 32]> = BTreeMap::new();
    let mut bodies = Vec::new();
    for entry in std::fs::read_dir(sites).expect("a folder of sites") {
        let path = entry.expect("an entry").path();
        if !path.is_file() {
            continue; // Registers are not a site's.
        }
        let text = std::fs::read_to_string(&path).expect("a readable file");
        let values: toml::Table = toml::from_str(&text).expect("TOML");
        let code = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        for number in 0..each {
            let body = serde_json::json!({
                "id": format!("{code}.{number}"), "name": values.get("name").and_then(|v| v.as_str()),
                "region": values.get("region").and_then(|v| v.as_str()), "spec": {
                    "name": format!("prod_{number}_{code}"), "comment": "an object of a site", "owner": "automation",
                    "storage_root": format!("s3://bucket-{code}/{number}"), "after": number.saturating_sub(3),
                    "properties": { "siteCode": code, "environment": "prod", "costCenter": "CC-1" },
                },
            });
            let bytes = serde_json::to_vec(&body).expect("JSON");
            objects.insert(format!("{code}.{number}"), Sha256::digest(&bytes).into());
            bodies.push(bytes);
        }
    }
    let recorded: BTreeMap<String, [u8; 32]> = match File::open(state) {
        Ok(file) => serde_json::from_reader(std::io::BufReader::new(file)).expect("a record"),
        Err(_) => BTreeMap::new(),
    };
    let changed: Vec<&[u8]> = objects
        .iter()
        .zip(&bodies)
        .filter(|((id, digest), _)| recorded.get(*id) != Some(*digest))
        .map(|(_, body)| body.as_slice())
        .collect();
    durable(&state.with_extension("plan"), &changed.join(&b'\n'));
    if recorded.is_empty() {
        durable(state, &serde_json::to_vec(&objects).expect("JSON"));
    }
}

fn durable(path: &Path, bytes: &[u8]) {
    let mut file = File::create(path).expect("a file");
    file.write_all(bytes).and_then(|()| file.sync_all()).expect("a durable file");
}

/// Seconds of an append of 512 bytes that is durable, as medians and 99 of 100.
pub fn disk(folder: &Path, times: usize) -> (f64, f64) {
    let mut file =
        OpenOptions::new().create(true).append(true).open(folder.join("floor.log")).expect("a file");
    let mut all: Vec<f64> = (0..times)
        .map(|_| {
            let began = Instant::now();
            file.write_all(&[b'x'; 512]).and_then(|()| file.sync_data()).expect("a durable append");
            began.elapsed().as_secs_f64()
        })
        .collect();
    all.sort_by(f64::total_cmp);
    (all[times / 2], all[times * 99 / 100])
}

/// Bytes per second of SHA-256 over blocks of 4 KB.
pub fn hash(blocks: usize) -> f64 {
    let block = [7_u8; 4096];
    let began = Instant::now();
    let mut last = 0;
    for _ in 0..blocks {
        last ^= Sha256::digest(std::hint::black_box(block))[0];
    }
    std::hint::black_box(last);
    (blocks * block.len()) as f64 / began.elapsed().as_secs_f64()
}

/// Requests per second over one kept connection to a server that does nothing.
pub fn http(requests: usize) -> f64 {
    use std::io::{BufRead as _, BufReader};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let server = std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        let mut reader = BufReader::new(stream.try_clone().expect("a handle"));
        let mut stream = stream;
        let mut line = String::new();
        while reader.read_line(&mut line).is_ok_and(|read| read > 0) {
            if line == "\r\n" && stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").is_err()
            {
                return;
            }
            line.clear();
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let rate = runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let began = Instant::now();
        for _ in 0..requests {
            let answer = client.get(format!("http://{address}/")).send().await.expect("an answer");
            answer.bytes().await.expect("a body");
        }
        requests as f64 / began.elapsed().as_secs_f64()
    });
    drop(runtime);
    let _ = server.join();
    rate
}
