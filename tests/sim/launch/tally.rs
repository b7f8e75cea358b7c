//! What was met in the stories: a kind of event that never happens proves nothing.

use landfall::model::fleet_event::{Batch, FleetEvent, HaltReason, LaunchOutcome, ScopeOutcome, SkipReason};

macro_rules! tally {
    ($($name:ident),*) => {
        #[derive(Default, Debug, Clone)]
        pub struct Tally {
            $(pub $name: u64,)*
        }

        impl Tally {
            pub fn add(&mut self, other: &Tally) {
                $(self.$name += other.$name;)*
            }

            pub fn counts(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name),)*]
            }
        }
    };
}

tally!(
    turns,
    events,
    crashes,
    stops,
    pauses,
    resumes,
    aborts,
    retries,
    refused,
    stale,
    jumps,
    late_holders,
    started,
    suspended,
    called_off,
    skipped,
    skipped_for_need,
    out_of_scope,
    requeued,
    second_rounds,
    windows,
    barred,
    entered,
    unchanged,
    baking,
    canary_baked,
    looks,
    baked,
    halted,
    canary_halts,
    budget_halts,
    launch_budget_halts,
    bake_halts,
    wave_reopened,
    launch_reopened,
    succeeded,
    partial,
    failed,
    aborted,
    healed
);

impl Tally {
    pub fn count(&mut self, event: &FleetEvent) {
        self.events += 1;
        let slot = match event {
            FleetEvent::LaunchStopping {} => &mut self.stops,
            FleetEvent::LaunchPaused { .. } => &mut self.pauses,
            FleetEvent::LaunchResumed { .. } => &mut self.resumes,
            FleetEvent::LaunchAborting { .. } => &mut self.aborts,
            FleetEvent::LaunchReopened { .. } => &mut self.launch_reopened,
            FleetEvent::LaunchEnded { outcome } => match outcome {
                LaunchOutcome::Succeeded => &mut self.succeeded,
                LaunchOutcome::Partial => &mut self.partial,
                LaunchOutcome::Failed => &mut self.failed,
                LaunchOutcome::Aborted => &mut self.aborted,
            },
            FleetEvent::ScopeStarted { round: 1, .. } => &mut self.started,
            FleetEvent::ScopeStarted { .. } => &mut self.second_rounds,
            FleetEvent::ScopeEnded { outcome: ScopeOutcome::Suspended, .. } => &mut self.suspended,
            FleetEvent::ScopeWaiting { .. } => &mut self.windows,
            FleetEvent::ScopeSkipped { why, .. } => match why {
                SkipReason::Need(_) => &mut self.skipped_for_need,
                SkipReason::Person { .. } => &mut self.skipped,
                SkipReason::OutOfScope(_) => &mut self.out_of_scope,
            },
            FleetEvent::ScopeAborting { .. } => &mut self.called_off,
            FleetEvent::ScopeRequeued { .. } => &mut self.requeued,
            FleetEvent::WaveEntered { .. } => &mut self.entered,
            FleetEvent::WaveBarred { .. } => &mut self.barred,
            FleetEvent::WaveUnchanged { .. } => &mut self.unchanged,
            FleetEvent::WaveBaking { .. } => &mut self.baking,
            FleetEvent::WaveLooked { .. } => &mut self.looks,
            FleetEvent::WaveBaked { batch: Batch::Canary, .. } => &mut self.canary_baked,
            FleetEvent::WaveBaked { batch: Batch::Wave, .. } => &mut self.baked,
            FleetEvent::WaveReopened { .. } => &mut self.wave_reopened,
            FleetEvent::WaveHalted { why, .. } => {
                self.halted += 1;
                match why {
                    HaltReason::Canary { .. } => &mut self.canary_halts,
                    HaltReason::Budget { .. } => &mut self.budget_halts,
                    HaltReason::LaunchBudget { .. } => &mut self.launch_budget_halts,
                    HaltReason::Bake { .. } => &mut self.bake_halts,
                }
            }
            FleetEvent::LaunchStarted { .. }
            | FleetEvent::LaunchRecovered {}
            | FleetEvent::LaunchSuspended {}
            | FleetEvent::ScopeEnded { .. }
            | FleetEvent::WaveReached { .. }
            | FleetEvent::WaveDue { .. }
            | FleetEvent::Unknown { .. } => return,
        };
        *slot += 1;
    }
}
