//! What a lane promises: by itself, and against a model of a server over virtual time.

mod server;

use proptest::prelude::*;

use super::*;
use server::{Ran, Server, run};

fn general() -> Lane {
    Lane { host: "accounts".to_owned(), family: Rates::standard().default_family().clone() }
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000) + Millis(millis)
}

/// Rates with one family of this rate and burst.
fn rates(per_second: f64, burst: u32) -> Rates {
    let text = format!(
        "default = \"general\"\n[[family]]\nname = \"general\"\nper_second = {per_second}\nburst = {burst}\n\
         scope = \"host\"\nsource = \"a test\"\nreason = \"a test\"\n"
    );
    Rates::read(&text).expect("a table")
}

/// The moments, in milliseconds, at which calls go out that are all wanted at once.
fn gone(pacer: &mut Pacer, from: u64, calls: usize) -> Vec<u64> {
    let mut now = at(from);
    let mut moments = Vec::new();
    for _ in 0..calls {
        now = pacer.ready_at(&general(), now);
        pacer.take(&general(), now);
        moments.push(now.since(at(0)).0);
    }
    moments
}

#[test]
fn a_burst_goes_out_at_once_and_the_rest_evenly() {
    let mut pacer = Pacer::new(Rates::standard().clone());
    assert_eq!(gone(&mut pacer, 0, 8), [0, 0, 0, 0, 0, 67, 134, 201]);
    assert_eq!(gone(&mut pacer, 60_000, 6), [60_000, 60_000, 60_000, 60_000, 60_000, 60_067]);
}

#[test]
fn a_call_that_could_not_wait_is_paid_for_by_the_next() {
    let mut pacer = Pacer::new(rates(1.0, 1));
    for _ in 0..3 {
        pacer.take(&general(), at(0));
    }
    assert_eq!(pacer.ready_at(&general(), at(0)), at(3000));
}

proptest! {
    #[test]
    fn in_no_time_do_more_calls_go_out_than_burst_and_rate_allow(
        per_second in 0.2_f64..150.0,
        burst in 1_u32..30,
        pauses in proptest::collection::vec(0_u64..4000, 2..150),
        crowds in proptest::collection::vec(1_usize..20, 150),
    ) {
        let mut pacer = Pacer::new(rates(per_second, burst));
        let mut moments: Vec<u64> = Vec::new();
        let mut from = 0;
        for (pause, crowd) in pauses.iter().zip(&crowds) {
            from = from.max(moments.last().copied().unwrap_or(0)) + pause;
            moments.extend(gone(&mut pacer, from, *crowd));
        }
        for (first, start) in moments.iter().enumerate() {
            for (count, end) in moments[first..].iter().enumerate() {
                let most = f64::from(burst) + per_second * (end - start) as f64 / 1000.0;
                prop_assert!(count as f64 + 1.0 <= most + 1e-6, "{} calls in {} ms", count + 1, end - start);
            }
        }
    }
}

#[test]
fn after_a_refusal_the_whole_lane_rests_and_starts_with_one_call() {
    let mut pacer = Pacer::new(Rates::standard().clone());
    gone(&mut pacer, 0, 20);
    pacer.refused(&general(), at(1100), Some(Millis::from_secs(7)));
    assert_eq!(pacer.ready_at(&general(), at(1101)), at(8100), "nothing before the rest ends");
    assert_eq!(gone(&mut pacer, 8100, 1), [8100]);
    assert_eq!(
        pacer.ready_at(&general(), at(8101)),
        at(9100),
        "the second waits for the first one's answer …"
    );
    pacer.answered(&general(), at(8250));
    assert_eq!(pacer.ready_at(&general(), at(8250)), at(8250), "… and no longer");
    assert_eq!(
        gone(&mut pacer, 8250, 4),
        [8250, 8383, 8516, 8650],
        "then evenly, at half the rate, without a burst"
    );
}

#[test]
fn refusals_of_one_swarm_halve_the_rate_once() {
    let mut pacer = Pacer::new(Rates::standard().clone());
    gone(&mut pacer, 0, 20);
    for late in 0..10 {
        pacer.refused(&general(), at(1100 + late), None);
        pacer.answered(&general(), at(1100 + late));
    }
    let report = pacer.report();
    assert_eq!((report[0].present.to_string().as_str(), report[0].refusals), ("7.5/s", 10));
    assert_eq!(pacer.ready_at(&general(), at(1200)), at(2109), "the rest counts from the last of them");
}

#[test]
fn refusal_after_refusal_rests_longer_and_the_rate_has_a_floor() {
    let mut pacer = Pacer::new(rates(64.0, 1));
    let mut now = at(0);
    let mut rests = Vec::new();
    for _ in 0..10 {
        now = pacer.ready_at(&general(), now);
        pacer.take(&general(), now);
        pacer.refused(&general(), now, None);
        rests.push(pacer.ready_at(&general(), now).since(now).0 / 1000);
    }
    assert_eq!(rests, [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]);
    assert_eq!(pacer.report()[0].present.to_string(), "1/s");
}

#[test]
fn an_absurd_rest_is_cut() {
    let mut pacer = Pacer::new(rates(1.0, 1));
    pacer.refused(&general(), at(0), Some(Millis(u64::MAX)));
    let limit = crate::base::limits::RETRY_AFTER_MAX;
    assert_eq!(pacer.ready_at(&general(), at(0)), at(0) + limit);
}

#[test]
fn a_lane_that_is_refused_no_more_comes_back_to_the_published_rate() {
    let mut pacer = Pacer::new(Rates::standard().clone());
    gone(&mut pacer, 0, 20);
    pacer.refused(&general(), at(1100), None);
    let mut seen = Vec::new();
    let mut now = at(1100);
    while now < at(300_000) {
        now = pacer.ready_at(&general(), now);
        pacer.take(&general(), now);
        pacer.answered(&general(), now);
        seen.push(pacer.report()[0].present);
    }
    assert!(seen.is_sorted(), "it never slows down on the way");
    assert!(seen.windows(2).all(|pair| pair[1].0 - pair[0].0 <= seen[0].0 / 2), "no step is a leap");
    assert_eq!(pacer.report()[0].present, pacer.report()[0].published);
}

#[test]
fn one_host_that_refuses_slows_no_other_down() {
    let mut pacer = Pacer::new(Rates::standard().clone());
    let other = Lane { host: "workspace-1".to_owned(), ..general() };
    let alone = pacer.clone();
    pacer.refused(&general(), at(0), Some(Millis::from_secs(60)));
    assert_eq!(pacer.ready_at(&other, at(1)), alone.ready_at(&other, at(1)));
    let family = Rates::standard().named("permissions-write").expect("a family").clone();
    let other = Lane { family, ..general() };
    assert_eq!(pacer.ready_at(&other, at(1)), at(1));
}

#[test]
fn hosts_beyond_the_limit_share_one_lane_until_one_is_idle() {
    let mut pacer = Pacer::new(rates(1.0, 1));
    let lane = |number: usize| Lane { host: format!("host-{number}"), ..general() };
    for number in 0..PACING_LANES_MAX {
        pacer.take(&lane(number), at(0));
    }
    assert_eq!(pacer.ready_at(&lane(PACING_LANES_MAX), at(0)), at(0));
    pacer.take(&lane(PACING_LANES_MAX), at(0));
    assert_eq!(pacer.ready_at(&lane(PACING_LANES_MAX + 1), at(0)), at(1000), "it shares the last lane");
    pacer.take(&lane(PACING_LANES_MAX + 1), at(5000));
    assert!(pacer.report().len() <= PACING_LANES_MAX + 1);
    assert_eq!(
        pacer.ready_at(&lane(PACING_LANES_MAX + 1), at(5000)),
        at(6000),
        "its own lane, in an idle one's place"
    );
}

#[test]
fn the_report_says_where_the_rate_was_the_bound() {
    let mut pacer = Pacer::new(rates(2.0, 1));
    gone(&mut pacer, 0, 11);
    for call in 0..5 {
        gone(&mut pacer, 20_000 + call * 3000, 1);
    }
    let report = &pacer.report()[0];
    assert_eq!((report.taken, report.refusals, report.bound), (16, 0, Millis(5000)));
}

/// Ten minutes against a server of this rate and bucket.
fn ten_minutes(published: f64, real: f64, bucket: f64, retry_after: Option<Millis>) -> Ran {
    let server = Server::new(real, bucket, retry_after);
    run(Pacer::new(rates(published, 5)), &general(), server, Millis::from_secs(600))
}

#[test]
fn a_server_is_kept_nine_tenths_busy_whether_it_takes_what_it_publishes_or_less() {
    let mut bad = Vec::new();
    for real in [1.0_f64, 2.0, 7.0, 15.0, 33.0, 100.0] {
        for bucket in [1.0, 5.0, 2.0 * real] {
            for retry_after in [None, Some(Millis::from_secs(1))] {
                for published in [real, 2.0 * real, 1.3 * real, 4.0 * real] {
                    let bucket = bucket.max(1.0);
                    let ran = ten_minutes(published, real, bucket, retry_after);
                    let possible = 1.0 + (bucket + 1.0) / (real * 600.0);
                    assert!(ran.share <= possible, "the model of the server gives too much: {ran:?}");
                    if ran.share < 0.9 || ran.slowdowns > 20 || ran.longest_run > 2 {
                        bad.push(format!(
                            "{published}/s published, {real}/s taken, bucket {bucket}: {ran:?}"
                        ));
                    }
                }
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
fn a_server_that_takes_what_it_publishes_never_has_to_refuse() {
    for real in [1.0, 15.0, 100.0] {
        let ran = ten_minutes(real, real, 5.0, None);
        assert_eq!(ran.refusals, 0);
        assert!(ran.share > 0.98, "{ran:?}");
    }
}
