//! Who interferes: people with their requests, clocks, and a holder that is one no longer.

use std::collections::BTreeSet;

use landfall::base::id::ScopeId;
use landfall::fleet::{Decision, Input, Phase, decide};
use landfall::model::entry::{Actor, ActorKind};
use landfall::model::fleet_event::{ScopeOutcome, SkipReason};

use super::Story;
use crate::launch::draw::DAY;
use crate::launch::mutant::Mutant;
use crate::watch::Violation;

impl Story {
    /// Somebody interferes; whether anything happened.
    pub(super) fn disturb(&mut self) -> Result<bool, Violation> {
        if self.random.chance(self.rates.jump) {
            self.tally.jumps += 1;
            self.rates.jump /= 2;
            let far = self.random.below(3 * DAY) as i64;
            self.offset += if self.random.chance(500) { far } else { -far };
        }
        if self.random.chance(20) && self.late.is_some() {
            self.late_holder();
        }
        let rates = self.rates.clone();
        let input = if self.random.chance(rates.stop) {
            self.rates.stop /= 2;
            Input::StopAsked
        } else if self.random.chance(rates.pause) {
            self.rates.pause /= 2;
            self.pause()
        } else if self.state.paused().is_some() && self.random.chance(300) {
            self.resume()
        } else if self.random.chance(rates.abort) {
            self.abort()
        } else if self.random.chance(rates.skip) && !self.plan.scopes.is_empty() {
            self.skip()
        } else if self.random.chance(rates.retry) {
            self.retry()
        } else if self.random.chance(10) {
            Input::TimeReached
        } else {
            return Ok(false);
        };
        self.turn(input, None)?;
        Ok(true)
    }

    pub(super) fn pause(&self) -> Input {
        Input::PauseAsked { by: person(), reason: "a change freeze".to_owned() }
    }

    pub(super) fn resume(&self) -> Input {
        Input::ResumeAsked { by: person(), reason: "it is over".to_owned() }
    }

    pub(super) fn abort(&self) -> Input {
        Input::AbortAsked { by: person(), reason: "a wrong plan".to_owned() }
    }

    pub(super) fn skip(&mut self) -> Input {
        let open = |scope: &&ScopeId| scope.site().is_some() && !self.state.scopes()[*scope].is_ended();
        let mut scopes: Vec<ScopeId> = self.plan.scopes.keys().filter(open).cloned().collect();
        if scopes.is_empty() || self.random.chance(100) {
            scopes = self.plan.scopes.keys().cloned().collect();
        }
        let scope = scopes[self.random.below(scopes.len() as u64) as usize].clone();
        let why = SkipReason::Person { by: "pm".to_owned(), reason: "not ready".to_owned() };
        Input::SkipAsked { scope, why, by: person() }
    }

    pub(super) fn retry(&mut self) -> Input {
        let mut scopes = BTreeSet::new();
        if self.random.chance(600) {
            for (scope, phase) in self.state.scopes() {
                let lost = matches!(phase, Phase::Failed | Phase::Aborted | Phase::Skipped { .. });
                if self.random.chance(if lost { 700 } else { 20 }) {
                    scopes.insert(scope.clone());
                }
            }
        }
        if self.random.chance(800) {
            self.world.broken.clear();
        }
        Input::RetryAsked { scopes, by: person(), reason: "it was put right".to_owned() }
    }

    /// A holder that has lost its lease decides on what it remembers. Its entries are refused for their epoch.
    pub(super) fn late_holder(&mut self) {
        let Some(late) = &self.late else { return };
        let running = late.running().next().cloned();
        let input = running.map_or(Input::TimeReached, |scope| Input::ScopeEnded {
            scope,
            outcome: ScopeOutcome::Succeeded,
        });
        self.tally.late_holders += 1;
        if let Decision::Accepted(events) = decide(&self.engine_plan, late, self.now(), input)
            && self.mutant == Some(Mutant::LateHolderWrites)
        {
            self.log.extend(events);
        }
    }
}

pub(super) fn person() -> Actor {
    Actor { kind: ActorKind::Person, id: "pm".to_owned() }
}
