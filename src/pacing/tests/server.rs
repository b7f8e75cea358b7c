//! A server with a token bucket, and callers that always want more, over virtual time.

use std::collections::BTreeSet;

use super::{Lane, Millis, Pacer, Timestamp, at};

/// Time from a call to its answer.
const LATENCY: Millis = Millis(80);
/// Calls under way at once.
const UNDER_WAY_MAX: usize = 32;

/// Takes `rate` calls per second, and up to `bucket` at once after a pause.
pub struct Server {
    rate: f64,
    bucket: f64,
    tokens: f64,
    filled_at: Timestamp,
    retry_after: Option<Millis>,
}

impl Server {
    pub fn new(rate: f64, bucket: f64, retry_after: Option<Millis>) -> Self {
        Self { rate, bucket, tokens: bucket, filled_at: at(0), retry_after }
    }

    fn takes(&mut self, now: Timestamp) -> bool {
        let passed = now.since(self.filled_at).0 as f64 / 1000.0;
        self.tokens = (self.tokens + passed * self.rate).min(self.bucket);
        self.filled_at = now;
        let taken = self.tokens >= 1.0 - 1e-9;
        self.tokens -= f64::from(u8::from(taken));
        taken
    }
}

/// What came of it.
#[derive(Debug)]
pub struct Ran {
    /// Calls taken, as a part of what the server would have taken.
    pub share: f64,
    /// Calls refused.
    pub refusals: u64,
    /// Times at which the lane slowed down; several calls under way may be refused at once.
    pub slowdowns: u64,
    /// Slow-downs in a row without a call taken in between.
    pub longest_run: u64,
}

/// Sends calls whenever the pacer lets one out, for so long.
pub fn run(mut pacer: Pacer, lane: &Lane, mut server: Server, length: Millis) -> Ran {
    let (mut now, end) = (at(0), at(0) + length);
    let mut under_way: BTreeSet<(Timestamp, u64, bool)> = BTreeSet::new();
    let (mut sent, mut taken, mut refusals, mut slowdowns, mut row, mut longest_run) = (0, 0_u64, 0, 0, 0, 0);
    let mut slowed_at = None;
    loop {
        let ready = pacer.ready_at(lane, now);
        let answer = under_way.first().copied();
        match answer {
            Some((due, number, good)) if due <= ready || under_way.len() >= UNDER_WAY_MAX => {
                now = now.max(due);
                under_way.remove(&(due, number, good));
                if good {
                    taken += 1;
                    row = 0;
                    pacer.answered(lane, now);
                } else {
                    refusals += 1;
                    if slowed_at.is_none_or(|before| number >= before) {
                        slowdowns += 1;
                        row += 1;
                        longest_run = row.max(longest_run);
                        slowed_at = Some(sent);
                    }
                    pacer.refused(lane, now, server.retry_after);
                }
            }
            Some(_) | None => {
                now = ready;
                if now >= end {
                    break;
                }
                pacer.take(lane, now);
                under_way.insert((now + LATENCY, sent, server.takes(now)));
                sent += 1;
            }
        }
    }
    let possible = server.rate * length.0 as f64 / 1000.0;
    Ran { share: taken as f64 / possible, refusals, slowdowns, longest_run }
}
