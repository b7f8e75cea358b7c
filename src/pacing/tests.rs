//! What a lane promises, against a model of a server, over virtual time.

use super::*;

fn general() -> Lane {
    Lane { host: "accounts".to_owned(), family: Rates::standard().default_family().clone() }
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000 + millis)
}

#[test]
fn a_burst_goes_out_at_once_and_the_rest_evenly() {
    let mut pacer = Pacer::new(Rates::standard().clone());
    let lane = general();
    let mut now = at(0);
    let mut gone = Vec::new();
    for _ in 0..8 {
        now = pacer.ready_at(&lane, now);
        pacer.take(&lane, now);
        gone.push(now.since(at(0)).0);
    }
    assert_eq!(gone, [0, 0, 0, 0, 0, 67, 134, 201]);
}
