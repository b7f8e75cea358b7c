//! Bake time: the checks of the sites that are done are repeated. Reads only; several at once within the slots.
//!
//! A check that holds counts as held, one that does not is broken. A read that fails is repeated, soon at first and then
//! every minute: that a service cannot be read says nothing about the site, and a look that saw nothing must not end a
//! bake time. What cannot be read for half an hour counts as broken: nobody could say any more that it holds.

use std::collections::{BTreeMap, BTreeSet};

use super::RunnerError;
use super::perform::Outcome;
use super::running::Running;
use crate::base::id::{ScopeId, StepId, WaveName};
use crate::base::limits;
use crate::base::time::Timestamp;
use crate::fleet;
use crate::model::finding::Finding;
use crate::model::fleet_event::Defect;
use crate::model::outcome::Cause;
use crate::model::plan::Work;

/// One check of one site.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Repeat {
    pub(super) wave: WaveName,
    pub(super) scope: ScopeId,
    pub(super) step: StepId,
}

/// Where a check of a look stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// To be read at this moment, for the so manieth time.
    Due(Timestamp, u32),
    /// Being read, for the so manieth time.
    UnderWay(u32),
}

/// One look at a wave.
#[derive(Debug, Default)]
struct Look {
    open: BTreeMap<(ScopeId, StepId), Standing>,
    held: u32,
    broken: Vec<Defect>,
}

/// What a read came to.
enum Read {
    Held,
    Broken(String),
    Unread(Cause),
}

/// The looks that are being taken.
#[derive(Debug, Default)]
pub(super) struct Bakes {
    looks: BTreeMap<WaveName, Look>,
    /// Waves whose criteria were judged in this turn: once is enough.
    judged: BTreeSet<WaveName>,
}

impl Bakes {
    pub(super) fn begin_turn(&mut self) {
        self.judged.clear();
    }

    /// Drops looks that are not owed any more.
    pub(super) fn keep_owed(&mut self, owed: &BTreeSet<fleet::Command>) {
        let is_owed = |name: &WaveName| {
            owed.iter()
                .any(|command| matches!(command, fleet::Command::LookAtBake { wave, .. } if wave == name))
        };
        self.looks.retain(|wave, _| is_owed(wave));
    }

    /// Checks whose moment has come, in order.
    pub(super) fn startable(&self, now: Timestamp) -> Vec<Repeat> {
        let of = |(wave, look): (&WaveName, &Look)| {
            let due = look.open.iter().filter(|(_, standing)| is_due(**standing, now));
            let repeat = |((scope, step), _): (&(ScopeId, StepId), &Standing)| Repeat {
                wave: wave.clone(),
                scope: scope.clone(),
                step: step.clone(),
            };
            due.map(repeat).collect::<Vec<_>>()
        };
        self.looks.iter().flat_map(of).collect()
    }

    /// When the next check is to be read, unless that is held back by a lane.
    pub(super) fn next_timer(&self) -> Option<Timestamp> {
        let moments = self.looks.values().flat_map(|look| look.open.values()).filter_map(|one| match one {
            Standing::Due(at, tries) => (*tries > 1).then_some(*at),
            Standing::UnderWay(_) => None,
        });
        moments.min()
    }

    pub(super) fn started(&mut self, one: &Repeat) {
        let key = (one.scope.clone(), one.step.clone());
        if let Some(standing) = self.looks.get_mut(&one.wave).and_then(|look| look.open.get_mut(&key))
            && let Standing::Due(_, tries) = *standing
        {
            *standing = Standing::UnderWay(tries);
        }
    }

    /// Takes what a read came to; the cause, once, if it keeps failing.
    fn take(&mut self, wave: &WaveName, key: (ScopeId, StepId), read: Read, now: Timestamp) -> Option<Cause> {
        let look = self.looks.get_mut(wave)?;
        let Some(Standing::UnderWay(tries)) = look.open.get(&key).copied() else { return None };
        match read {
            Read::Unread(cause) if tries < limits::BAKE_READS_MAX => {
                let soon = tries < limits::BAKE_READS_SOON;
                let rest = if soon { limits::RETRY_BASE } else { limits::BAKE_CONFIRM_AFTER };
                look.open.insert(key, Standing::Due(now + rest, tries + 1));
                return (tries == limits::BAKE_READS_SOON).then_some(cause);
            }
            Read::Unread(cause) => {
                let what = format!("it could not be read {tries} times: {cause}");
                look.broken.push(Defect { scope: key.0.clone(), step: key.1.clone(), what });
            }
            Read::Held => look.held += 1,
            Read::Broken(what) => {
                look.broken.push(Defect { scope: key.0.clone(), step: key.1.clone(), what });
            }
        }
        look.open.remove(&key);
        None
    }

    /// A look whose last check has been read.
    fn finished(&mut self, wave: &WaveName) -> Option<Look> {
        let done = self.looks.get(wave)?.open.is_empty();
        if done { self.looks.remove(wave) } else { None }
    }
}

fn is_due(standing: Standing, now: Timestamp) -> bool {
    match standing {
        Standing::Due(at, _) => at <= now,
        Standing::UnderWay(_) => false,
    }
}

impl Running<'_> {
    /// Begins a look at a wave's sites that are done.
    pub(super) fn start_bake(&mut self, wave: &WaveName, scopes: &[ScopeId]) -> Result<(), RunnerError> {
        if self.bakes.looks.contains_key(wave) {
            return Ok(());
        }
        let mut look = Look::default();
        for scope in scopes {
            let steps = &self.saved.plan.scope(scope).steps;
            let checks = steps.iter().filter(|(_, step)| matches!(step.work, Work::Check { .. }));
            look.open.extend(
                checks.map(|(step, _)| ((scope.clone(), step.clone()), Standing::Due(self.now(), 1))),
            );
        }
        self.bakes.looks.insert(wave.clone(), look);
        // Sites without checks have nothing that could break.
        self.finish_bake(wave)
    }

    /// Takes one read of a look.
    pub(super) fn take_bake(
        &mut self,
        wave: &WaveName,
        scope: ScopeId,
        step: StepId,
        result: Outcome,
    ) -> Result<(), RunnerError> {
        let now = self.now();
        let failing = self.bakes.take(wave, (scope.clone(), step.clone()), read(result), now);
        if let Some(cause) = failing {
            self.ledger.note(now, format!("{step} of {scope} cannot be read during bake time: {cause}"));
        }
        self.finish_bake(wave)
    }

    fn finish_bake(&mut self, wave: &WaveName) -> Result<(), RunnerError> {
        let Some(Look { held, broken, .. }) = self.bakes.finished(wave) else { return Ok(()) };
        self.fleet_input(fleet::Input::BakeLooked { wave: wave.clone(), held, broken })
    }

    /// Asks which of a wave's criteria are open; at most once in a turn, and whether it did. The records are asked, so what
    /// was noted so far is written first.
    pub(super) fn judge_entry(&mut self, wave: &WaveName) -> Result<bool, RunnerError> {
        if !self.bakes.judged.insert(wave.clone()) {
            return Ok(false);
        }
        self.ledger.commit()?;
        let planned = self.saved.plan.fleet.waves.iter().find(|planned| planned.name == *wave);
        let planned = planned.expect("the fleet judges waves of the plan");
        let open = (self.entry)(&self.saved.plan, planned, self.ledger.journal())?;
        self.fleet_input(fleet::Input::EntryJudged { wave: wave.clone(), open })?;
        Ok(true)
    }
}

fn read(result: Outcome) -> Read {
    match result {
        Outcome::Found(looked) => match looked.finding {
            Finding::Holds { .. } | Finding::Matches { .. } => Read::Held,
            Finding::Fails { cause, .. } | Finding::Broken { cause } => Read::Broken(cause.to_string()),
            Finding::Unreadable { cause, .. } => Read::Unread(cause),
            Finding::Absent
            | Finding::Pending { .. }
            | Finding::Differs { .. }
            | Finding::Foreign { .. }
            | Finding::Stale { .. } => unreachable!("checks hold, fail, are broken, or cannot be read"),
        },
        Outcome::Answered(_) => unreachable!("bake time sends no calls that change anything"),
    }
}
