//! Bake time, and the moments at which something is looked at again.

use super::chart::Stage;
use super::decide::First;
use super::draft::Draft;
use super::state::{Phase, State, Turn};
use super::wave::{Entry, Wave};
use crate::base::id::ScopeId;
use crate::base::time::Timestamp;
use crate::model::fleet_event::{Batch, Defect, FleetEvent, HaltReason};

/// What a look found. The second of two looks in a row that find something broken halts the wave: the first one may have
/// read what was old.
pub(super) fn looked(state: &State, index: usize, now: Timestamp, held: u32, broken: Vec<Defect>) -> First {
    let wave = &state.waves[index];
    let baking = match &wave.baking {
        Some(baking) if baking.asked.is_some() && state.is_live() && !state.aborting => baking,
        Some(_) | None => return First::Stale,
    };
    let name = &wave.name;
    let (count, defect) = (u32::try_from(broken.len()).unwrap_or(u32::MAX), broken.first().cloned());
    let mut events = vec![FleetEvent::WaveLooked { wave: name.clone(), at: now, held, broken }];
    match defect {
        Some(defect) if baking.broken => events.push(FleetEvent::WaveHalted {
            wave: name.clone(),
            why: HaltReason::Bake { defect, broken: count },
        }),
        None if baking.is_last(now) => {
            events.push(FleetEvent::WaveBaked { wave: name.clone(), batch: baking.batch });
        }
        Some(_) | None => {}
    }
    First::Events(events)
}

impl State {
    /// The wave's sites that are done.
    pub(super) fn done(&self, wave: &Wave) -> Vec<ScopeId> {
        wave.sites.iter().filter(|scope| *self.phase(scope) == Phase::Succeeded).cloned().collect()
    }

    /// Whose bake time is to begin, if any is: the canary's while others are to follow it, else all sites'.
    fn unbaked(&self, wave: &Wave) -> Option<Batch> {
        if wave.baking.is_some() || wave.halted.is_some() || wave.count.succeeded == 0 {
            return None;
        }
        if wave.count.open() == 0 {
            return (!wave.baked).then_some(Batch::Wave);
        }
        let first = self.canary(wave).is_some_and(|canary| *self.phase(canary) == Phase::Succeeded);
        (first && !wave.canary_baked).then_some(Batch::Canary)
    }
}

impl Draft<'_> {
    /// Begins the bake time that is to begin.
    pub fn bake(&mut self, index: usize) {
        let (wave, bounds) = self.wave(index);
        if let (Some(bake), Some(batch)) = (bounds.bake, self.state.unbaked(wave)) {
            let (wave, at) = (wave.name.clone(), self.now);
            self.note(FleetEvent::WaveBaking { wave, batch, at, until: at + bake.length });
        }
    }

    /// Marks what is to be looked at again because its moment has come.
    pub fn due(&mut self) {
        let now = self.now;
        self.mark(|wave| match (&wave.baking, &wave.entry) {
            (Some(baking), _) => baking.asked.is_none() && baking.next() <= now,
            (None, Entry::Barred(barred)) => barred.next() <= now,
            (None, Entry::Open | Entry::Ahead | Entry::Judging(_)) => false,
        });
    }

    /// Marks what is to be looked at again because somebody has come back. Only a look that is to confirm another one
    /// keeps to its moment, unless the clock was set back behind that.
    pub fn look_again(&mut self) {
        let now = self.now;
        self.mark(|wave| match (&wave.baking, &wave.entry) {
            (Some(baking), _) => {
                let early = baking.looked.is_some_and(|looked| looked <= now && now < baking.next());
                baking.asked != Some(now) && !(baking.broken && early)
            }
            (None, Entry::Barred(_)) => true,
            (None, Entry::Open | Entry::Ahead | Entry::Judging(_)) => false,
        });
    }

    fn mark(&mut self, is_due: impl Fn(&Wave) -> bool) {
        if !self.state.is_open() {
            return;
        }
        let turn = self.state.turn();
        for index in 0..self.state.waves.len() {
            let wave = &self.state.waves[index];
            let turned = wave.baking.is_some() || turn == Turn::Stage(Stage::Wave(index));
            if turned && wave.halted.is_none() && is_due(wave) {
                let wave = wave.name.clone();
                self.note(FleetEvent::WaveDue { wave, at: self.now });
            }
        }
    }
}
