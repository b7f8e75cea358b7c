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

    /// The wave that the launch's budget halts: the first one that has begun and is not over; if there is none, the last
    /// one in which a site failed. Where that is halted for reasons of its own, the first wave before it that could begin.
    fn under_way(&self) -> Option<usize> {
        let waves = &self.state.waves;
        let is_open = |index: &usize| {
            let (wave, bounds) = self.wave(*index);
            wave.halted.is_none() && !wave.is_over(bounds)
        };
        let begun = (0..waves.len()).find(|index| waves[*index].has_begun() && is_open(index));
        begun.or_else(|| match waves.iter().position(|wave| wave.halted.is_some()) {
            None => waves.iter().rposition(|wave| wave.count.failed > 0),
            Some(halted) => (0..halted).find(is_open),
        })
    }
}
