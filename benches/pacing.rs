//! Drives a real HTTP server on loopback that takes so many calls per second, and shows how much of it was used.
//!
//! `cargo bench --bench pacing [-- SECONDS]`: seconds for each row, 10 unless told. What must hold is tested over virtual
//! time in `src/pacing/tests.rs`; this shows the same with sockets, timers and a scheduler in between.

use std::future::IntoFuture as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use landfall::base::time::{Millis, Timestamp};
use landfall::pacing::{Lane, Pacer, Rates};
use tokio::task::JoinSet;

/// Calls under way at once.
const UNDER_WAY_MAX: usize = 32;
/// Calls per second that the server takes, and the rate that the client believes to be published.
const ROWS: [(f64, f64); 6] =
    [(5.0, 5.0), (20.0, 20.0), (50.0, 50.0), (100.0, 100.0), (20.0, 40.0), (50.0, 100.0)];

/// A token bucket with the room of half a second, at least ten calls: more than the client's burst, so that what is
/// measured is the rate. (What a smaller bucket costs is in the tests: one refusal, and no burst from then on.)
struct Bucket {
    rate: f64,
    tokens: f64,
    filled_at: Instant,
}

impl Bucket {
    fn takes(&mut self) -> bool {
        let passed = self.filled_at.elapsed().as_secs_f64();
        self.filled_at = Instant::now();
        self.tokens = (self.tokens + passed * self.rate).min(room(self.rate));
        let taken = self.tokens >= 1.0;
        self.tokens -= f64::from(u8::from(taken));
        taken
    }
}

fn room(rate: f64) -> f64 {
    (rate / 2.0).max(10.0)
}

/// Starts a server, and says where it listens.
async fn serve(rate: f64) -> String {
    let bucket = Arc::new(Mutex::new(Bucket { rate, tokens: room(rate), filled_at: Instant::now() }));
    let answer = move || {
        let taken = bucket.lock().expect("nobody panics while holding it").takes();
        async move { if taken { StatusCode::OK } else { StatusCode::TOO_MANY_REQUESTS } }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(axum::serve(listener, Router::new().route("/", get(answer))).into_future());
    format!("http://{address}/")
}

fn rates(per_second: f64) -> Rates {
    Rates::standard().with([("general", per_second)])
}

/// Sends calls for so long; calls taken and refused.
async fn drive(url: &str, published: f64, length: Duration) -> (u64, u64, Pacer) {
    let mut pacer = Pacer::new(rates(published));
    let lane = Lane { host: url.to_owned(), family: pacer.rates().default_family().clone() };
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let began = Instant::now();
    let now =
        || Timestamp::from_millis(0) + Millis(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX));
    let mut under_way = JoinSet::new();
    let (mut taken, mut refused) = (0, 0);
    while began.elapsed() < length {
        let wait = pacer.ready_at(&lane, now()).since(now());
        if wait == Millis(0) && under_way.len() < UNDER_WAY_MAX {
            pacer.take(&lane, now());
            let call = client.get(url).send();
            under_way.spawn(async move { call.await.map(|answer| answer.status()) });
            continue;
        }
        let answer = tokio::select! {
            () = tokio::time::sleep(wait.as_std()), if under_way.len() < UNDER_WAY_MAX => None,
            Some(answer) = under_way.join_next() => Some(answer),
        };
        match answer.map(|joined| joined.expect("a call does not panic").expect("the server answers")) {
            None => {}
            Some(StatusCode::TOO_MANY_REQUESTS) => {
                refused += 1;
                pacer.refused(&lane, now(), None);
            }
            Some(_) => {
                taken += 1;
                pacer.answered(&lane, now());
            }
        }
    }
    (taken, refused, pacer)
}

#[tokio::main]
async fn main() {
    let seconds = std::env::args().filter_map(|word| word.parse::<u64>().ok()).next().unwrap_or(10);
    println!(
        "{:>10} {:>10} {:>10} {:>8} {:>6} {:>12}",
        "taken/s", "published", "achieved", "share", "429s", "ends at"
    );
    for (real, published) in ROWS {
        let url = serve(real).await;
        let (taken, refused, pacer) = drive(&url, published, Duration::from_secs(seconds)).await;
        let achieved = taken as f64 / seconds as f64;
        let ends = pacer.report().first().map_or(String::new(), |lane| lane.present.to_string());
        println!(
            "{real:>10} {published:>10} {achieved:>10.1} {:>7.0}% {refused:>6} {ends:>12}",
            achieved / real * 100.0
        );
    }
}
