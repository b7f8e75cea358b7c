//! After the end: late answers, retries, and the comparison with a launch in which nothing ever failed.

use std::collections::BTreeSet;

use landfall::base::id::ScopeId;
use landfall::base::time::Timestamp;
use landfall::fleet::{Decision, Input, Phase, decide};
use landfall::model::fleet_event::{FleetEvent, HaltReason, LaunchOutcome, ScopeOutcome};

use super::people::person;
use super::{Answer, Story, smooth};
use crate::launch::draw::BEGIN;
use crate::launch::world::Rates;
use crate::watch::{Held, Violation, holds};

impl Story {
    /// A launch that has ended is left alone or tried again; whether it is tried again.
    pub(super) fn goes_on_after_end(&mut self) -> Result<bool, Violation> {
        let outcome = self.state.ended();
        self.late_after_end()?;
        if outcome == Some(LaunchOutcome::Aborted) {
            let refused = self.turn(self.retry_all(), None)? != Answer::Accepted;
            return holds("nothing-after-abort", refused, || "it was tried again".to_owned()).map(|()| false);
        }
        if self.is_healed {
            let well = outcome == Some(LaunchOutcome::Succeeded);
            holds("retried-ends-well", well, || format!("{outcome:?}"))?;
            self.as_never_failed()?;
            return Ok(false);
        }
        if self.is_patient {
            self.is_healed = true;
            self.rates = Rates { crash: self.rates.crash, closes: 500, ..Rates::default() };
            self.world.broken.clear();
            if outcome == Some(LaunchOutcome::Succeeded) {
                return Ok(true);
            }
            self.tally.healed += 1;
            let input = self.retry_all();
            while self.turn(input.clone(), None)? == Answer::Crashed && self.is_written_end() {
                self.is_held = true;
            }
            return Ok(true);
        }
        if self.random.chance(self.rates.retry * 5) {
            self.rates.retry /= 2;
            let input = self.retry();
            self.tally.retries += 1;
            return Ok(self.turn(input, None)? != Answer::Refused);
        }
        Ok(false)
    }

    /// Whether the launch has ended by its log.
    pub(super) fn is_written_end(&self) -> bool {
        let end = |event: &FleetEvent| {
            matches!(event, FleetEvent::LaunchEnded { .. } | FleetEvent::LaunchReopened { .. })
        };
        matches!(self.log.iter().rev().find(|event| end(event)), Some(FleetEvent::LaunchEnded { .. }))
    }

    /// Everything that did not end well is named, also what a person took out, and what broke during bake time.
    pub(super) fn retry_all(&self) -> Input {
        let lost = |phase: &Phase| matches!(phase, Phase::Failed | Phase::Aborted | Phase::Skipped { .. });
        let lost = self.state.scopes().iter().filter(|(_, phase)| lost(phase)).map(|(scope, _)| scope);
        let broke = self.state.waves().iter().filter_map(|wave| match &wave.halted {
            Some(HaltReason::Bake { defect, .. }) => Some(&defect.scope),
            _ => None,
        });
        let scopes = lost.chain(broke).cloned().collect();
        Input::RetryAsked { scopes, by: person(), reason: "it was put right".to_owned() }
    }

    pub(super) fn late_after_end(&mut self) -> Held {
        let outcome = ScopeOutcome::Succeeded;
        let late = self.plan.scopes.keys().next().cloned().map(|scope| Input::ScopeEnded { scope, outcome });
        for input in [Input::StopAsked, Input::TimeReached].into_iter().chain(late) {
            let decision = decide(&self.engine_plan, &self.state, self.now(), input);
            holds("late-changes-nothing", decision == Decision::Stale, || format!("{decision:?}"))?;
        }
        Ok(())
    }

    /// The launch stands where one stands in which nothing ever failed.
    pub(super) fn as_never_failed(&self) -> Held {
        let smooth = smooth(&self.engine_plan, Timestamp::from_millis(BEGIN));
        let same = smooth.scopes() == self.state.scopes() && smooth.ended() == self.state.ended();
        holds("retried-as-never-failed", same, || "its scopes stand elsewhere".to_owned())?;
        let waves = smooth.waves().iter().zip(self.state.waves());
        for (smooth, wave) in waves {
            let same =
                (&smooth.halted, &smooth.entry, &smooth.baking) == (&wave.halted, &wave.entry, &wave.baking);
            let sites = |sites: &[ScopeId]| sites.iter().cloned().collect::<BTreeSet<_>>();
            let same = same && sites(&smooth.sites) == sites(&wave.sites);
            holds("retried-as-never-failed", same, || format!("{} stands elsewhere", wave.name))?;
        }
        Ok(())
    }
}
