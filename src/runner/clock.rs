//! The only clock of the product: the real one, and one that jumps from event to event for rehearsals.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::base::time::{Millis, Timestamp};

/// Where `now` comes from. Cloning shares the clock.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's clock.
    Real,
    /// The machine's clock, so many milliseconds ahead or behind: for tests and demonstrations of windows on a sandbox.
    Shifted(i64),
    /// A moment that moves only when it is told to.
    Virtual(Arc<AtomicI64>),
}

impl Clock {
    /// A virtual clock that stands at this moment.
    pub fn starting_at(moment: Timestamp) -> Self {
        Clock::Virtual(Arc::new(AtomicI64::new(moment.as_millis())))
    }

    /// A clock that shows this moment now and goes on from there.
    pub fn shifted_to(moment: Timestamp) -> Self {
        Clock::Shifted(moment.as_millis() - machine().as_millis())
    }

    /// The moment that leases go by. Processes share it, so it is the machine's own, however a clock was shifted.
    pub fn for_leases(&self) -> Timestamp {
        match self {
            Clock::Real | Clock::Shifted(_) => machine(),
            Clock::Virtual(_) => self.now(),
        }
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        match self {
            Clock::Real => machine(),
            Clock::Shifted(by) => Timestamp::from_millis(machine().as_millis().saturating_add(*by)),
            Clock::Virtual(millis) => Timestamp::from_millis(millis.load(Ordering::SeqCst)),
        }
    }

    /// Whether time passes by itself.
    pub fn is_real(&self) -> bool {
        match self {
            Clock::Real | Clock::Shifted(_) => true,
            Clock::Virtual(_) => false,
        }
    }

    /// Moves a virtual clock forward to this moment; never backward. The real clock does not listen.
    pub fn advance_to(&self, moment: Timestamp) {
        if let Clock::Virtual(millis) = self {
            millis.fetch_max(moment.as_millis(), Ordering::SeqCst);
        }
    }

    /// Time from now until a moment; zero if it has passed.
    pub fn until(&self, moment: Timestamp) -> Millis {
        moment.since(self.now())
    }
}

fn machine() -> Timestamp {
    Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shifted_clock_goes_on_by_itself_and_leaves_leases_alone() {
        let moment = Timestamp::from_millis(1_800_000_000_000);
        let clock = Clock::shifted_to(moment);
        assert!(clock.is_real());
        clock.advance_to(moment + Millis(1 << 40));
        assert!(clock.now() >= moment && clock.now().since(moment) < Millis::from_secs(3600));
        assert!(clock.for_leases().since(machine()) < Millis::from_secs(3600));
        assert_ne!(clock.now().as_millis() / 3_600_000, clock.for_leases().as_millis() / 3_600_000);
    }

    #[test]
    fn a_virtual_clock_moves_forward_only() {
        let clock = Clock::starting_at(Timestamp::from_millis(1000));
        let same = clock.clone();
        clock.advance_to(Timestamp::from_millis(5000));
        clock.advance_to(Timestamp::from_millis(2000));
        assert_eq!(same.now(), Timestamp::from_millis(5000));
        assert_eq!(clock.until(Timestamp::from_millis(5250)), Millis(250));
    }
}
