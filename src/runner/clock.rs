//! The only clock of the product: the real one, and one that jumps from event to event for rehearsals.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::base::time::{Millis, Timestamp};

/// Where `now` comes from. Cloning shares the clock.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's clock.
    Real,
    /// A moment that moves only when it is told to.
    Virtual(Arc<AtomicI64>),
}

impl Clock {
    /// A virtual clock that stands at this moment.
    pub fn starting_at(moment: Timestamp) -> Self {
        Clock::Virtual(Arc::new(AtomicI64::new(moment.as_millis())))
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        match self {
            Clock::Real => Timestamp::from_millis(jiff::Timestamp::now().as_millisecond()),
            Clock::Virtual(millis) => Timestamp::from_millis(millis.load(Ordering::SeqCst)),
        }
    }

    /// Whether time passes by itself.
    pub fn is_real(&self) -> bool {
        matches!(self, Clock::Real)
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

#[cfg(test)]
mod tests {
    use super::*;

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
