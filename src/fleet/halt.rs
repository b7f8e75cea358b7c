//! What halts a wave: its canary, its budget, the launch's budget. Failed sites are counted as they stand now, so one
//! that is tried again frees its share.

use super::draft::Draft;
use super::state::{Phase, Turn};
use crate::model::fleet_event::{FleetEvent, HaltReason};

impl Draft<'_> {
    /// Halts every wave that must not go on.
    pub fn halt(&mut self) {
        for index in 0..self.state.waves.len() {
            if let Some(why) = self.reason(index) {
                let wave = self.state.waves[index].name.clone();
                self.note(FleetEvent::WaveHalted { wave, why });
            }
        }
        let (failed, budget) = (self.state.failed(), self.state.chart.failure_budget);
        if let Some(budget) = budget.filter(|budget| failed > *budget)
            && self.state.turn() != Turn::Halted
            && let Some(index) = self.under_way()
        {
            let wave = self.state.waves[index].name.clone();
            self.note(FleetEvent::WaveHalted { wave, why: HaltReason::LaunchBudget { failed, budget } });
        }
    }

    fn reason(&self, index: usize) -> Option<HaltReason> {
        let (wave, bounds) = self.wave(index);
        if wave.halted.is_some() || wave.count.failed == 0 {
            return None;
        }
        let canary = self.state.canary(wave)?;
        if *self.state.phase(canary) == Phase::Failed {
            return Some(HaltReason::Canary { scope: canary.clone() });
        }
        let (failed, budget) = (wave.count.failed, bounds.failure_budget);
        (failed > budget).then_some(HaltReason::Budget { failed, budget })
    }

    /// The first wave that has begun and is not over; if there is none, the last one in which a site failed.
    fn under_way(&self) -> Option<usize> {
        let waves = &self.state.waves;
        let open = |index: &usize| {
            let (wave, bounds) = self.wave(*index);
            wave.has_begun() && !wave.is_over(bounds)
        };
        let failed = |index: &usize| waves[*index].count.failed > 0;
        (0..waves.len()).find(open).or_else(|| (0..waves.len()).rev().find(failed))
    }
}
