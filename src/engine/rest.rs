//! How long to rest. Jitter is a hash, so that a replay rests as long as the run did.

use crate::base::digest::Digest;
use crate::base::id::{RunId, StepId};
use crate::base::limits::{RETRY_AFTER_MAX, RETRY_BASE, RETRY_CAP, SETTLE_POLL_MAX};
use crate::base::time::Millis;

/// The rest after a busy answer: what the service asked for, or else twice the last one, between half and all of it.
pub(super) fn after_busy(
    retry_after: Option<Millis>,
    run: &RunId,
    step: &StepId,
    attempt: u32,
    tries: u32,
) -> Millis {
    if let Some(asked) = retry_after {
        return asked.min(RETRY_AFTER_MAX);
    }
    let full = doubled(RETRY_BASE, tries).min(RETRY_CAP);
    let digest = Digest::of(format!("{run}\n{step}\n{attempt}").as_bytes());
    let [a, b, ..] = *digest.as_bytes();
    let half = full.0 / 2;
    Millis(half + half * u64::from(u16::from_be_bytes([a, b])) / u64::from(u16::MAX))
}

/// The time to the next look at an object that settles.
pub(super) fn between_looks(poll_every: Millis, polls: u32) -> Millis {
    doubled(RETRY_BASE.min(poll_every).max(Millis(1)), polls).min(SETTLE_POLL_MAX)
}

fn doubled(base: Millis, times: u32) -> Millis {
    Millis(base.0.saturating_mul(1 << times.min(20)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_grow_to_a_cap_and_repeat_themselves() {
        let run = RunId::new("run-1").expect("an id");
        let step = StepId::new("a").expect("an id");
        let rests: Vec<u64> = (0..12).map(|n| after_busy(None, &run, &step, n, n).0).collect();
        let again: Vec<u64> = (0..12).map(|n| after_busy(None, &run, &step, n, n).0).collect();
        assert_eq!(rests, again);
        for (tries, rest) in rests.iter().enumerate() {
            let full = (RETRY_BASE.0 << tries).min(RETRY_CAP.0);
            assert!((full / 2..=full).contains(rest), "rest {tries} is {rest}");
        }
        assert!(after_busy(Some(Millis(u64::MAX)), &run, &step, 1, 1) == RETRY_AFTER_MAX);
    }

    #[test]
    fn looks_are_never_closer_than_asked_at_first_nor_endlessly_apart() {
        assert_eq!(between_looks(Millis(20), 0), Millis(20));
        assert_eq!(between_looks(Millis(5000), 0), RETRY_BASE);
        assert_eq!(between_looks(Millis(5000), 60), SETTLE_POLL_MAX);
        assert_eq!(between_looks(Millis(0), 0), Millis(1));
    }
}
