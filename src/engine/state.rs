//! The fold of one run's events.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::command::Command;
use super::graph::Graph;
use crate::base::id::{RunId, StepId};
use crate::base::time::Timestamp;
use crate::model::event::{Counts, Effect, Event, RunOutcome};
use crate::model::finding::{Goal, Look, NextCall};
use crate::model::outcome::Cause;
use crate::model::plan::{Operation, ScopePlan};

/// Where one run of one scope stands.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    pub(super) run: RunId,
    pub(super) graph: Arc<Graph>,
    pub(super) steps: BTreeMap<StepId, Step>,
    pub(super) started: bool,
    pub(super) stopping: bool,
    pub(super) suspended: bool,
    pub(super) ended: Option<RunOutcome>,
    pub(super) counts: Counts,
    /// Steps that have not ended.
    pub(super) open: usize,
    /// Steps with a call under way.
    pub(super) applying: BTreeSet<StepId>,
    /// Steps that wait for a moment, the next one first.
    pub(super) timers: BTreeSet<(Timestamp, StepId)>,
    owed: BTreeSet<Command>,
}

/// Where one step stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its phase.
    pub phase: Phase,
    /// Its turn: grows with each look after a rest and with each call after the first, so that a result tells which
    /// command it belongs to.
    pub attempt: u32,
    /// Needs that have not succeeded yet.
    pub(super) unmet: usize,
    /// Tries spent on busy services, conflicts and unreadable objects.
    pub(super) tries: u32,
    /// Calls that a service did not answer. Those whose holder went away are not counted.
    pub(super) doubts: u32,
    /// Rests for an object that is busy with somebody else's change.
    pub(super) waits: u32,
    /// Updates sent to finish a create.
    pub(super) follow_ups: u32,
    /// The last call.
    pub(super) last_call: Option<NextCall>,
    /// Whether the old object of a replacement was seen to be gone.
    pub(super) cleared: bool,
    /// Calls that had their effect, or may have had it.
    pub(super) acted: BTreeSet<NextCall>,
    /// Whether an object that is there is ours, because this run acted on it or may have.
    pub(super) ours: bool,
    /// Whether a create met an object that cannot be ours. A later create in doubt then proves nothing.
    pub(super) contested: bool,
    owes: Option<Command>,
    timer: Option<Timestamp>,
}

/// The phases of a step.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    /// It waits for other steps.
    Waiting,
    /// Its object is being looked at.
    Observing,
    /// A call is under way.
    Applying {
        /// Which.
        call: NextCall,
        /// It has had its effect by then, or never will.
        deadline: Timestamp,
    },
    /// After a call, its object is being looked at until the goal is reached.
    Verifying {
        /// When the call was answered.
        since: Timestamp,
        /// From when on waiting for it to become ready is counted.
        watched_from: Timestamp,
        /// From when on waiting for it to show what was applied is counted.
        settles_from: Timestamp,
        /// Looks that said "not yet".
        polls: u32,
        /// The next look, unless one is under way.
        next: Option<Timestamp>,
    },
    /// It waits before it looks again.
    Resting {
        /// Until when.
        until: Timestamp,
    },
    /// It reached its goal.
    Succeeded {
        /// What the run did for it.
        effect: Effect,
    },
    /// It did not.
    Failed {
        /// Why.
        cause: Cause,
    },
    /// It never starts.
    Blocked {
        /// The step whose failure is the reason.
        by: StepId,
    },
}

/// The log cannot be continued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// An event that only a newer program knows.
    #[error("the run holds a {kind} entry, which this program does not know: install a newer landfall")]
    Unknown {
        /// Its kind.
        kind: String,
    },
}

impl State {
    /// A run to which nothing has happened yet.
    ///
    /// # Panics
    ///
    /// If an edge of the plan leaves its scope; the planner's checker refuses such a plan.
    pub fn new(run: RunId, plan: &ScopePlan) -> Self {
        let graph = Graph::new(plan);
        let steps: BTreeMap<StepId, Step> =
            graph.nodes().iter().map(|(id, node)| (id.clone(), Step::new(node.needs))).collect();
        Self {
            run,
            open: steps.len(),
            graph: Arc::new(graph),
            steps,
            started: false,
            stopping: false,
            suspended: false,
            ended: None,
            counts: Counts::default(),
            applying: BTreeSet::new(),
            timers: BTreeSet::new(),
            owed: BTreeSet::new(),
        }
    }

    /// The state after these events of the run's log. Entries of other kinds than `run.` and `step.` are not the
    /// engine's and are passed over.
    ///
    /// # Errors
    ///
    /// If one of them is the engine's but unknown: a run is never continued over what is not understood.
    ///
    /// # Panics
    ///
    /// If the events are not the log of a run of this plan.
    pub fn replay<'a>(
        run: RunId,
        plan: &ScopePlan,
        events: impl IntoIterator<Item = &'a Event>,
    ) -> Result<Self, ReplayError> {
        let mut state = Self::new(run, plan);
        for event in events {
            match event {
                Event::Unknown { kind, .. } if kind.starts_with("run.") || kind.starts_with("step.") => {
                    return Err(ReplayError::Unknown { kind: kind.clone() });
                }
                Event::Unknown { .. } => {}
                known => super::apply(&mut state, known),
            }
        }
        Ok(state)
    }

    /// The run.
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// The steps by name.
    pub fn steps(&self) -> &BTreeMap<StepId, Step> {
        &self.steps
    }

    /// Whether the run has begun.
    pub fn is_started(&self) -> bool {
        self.started
    }

    /// Whether the run was asked to stop and calls are still under way.
    pub fn is_stopping(&self) -> bool {
        self.stopping && !self.suspended
    }

    /// Whether the run has stopped and can be taken up again.
    pub fn is_suspended(&self) -> bool {
        self.suspended
    }

    /// How the run ended, if it has.
    pub fn ended(&self) -> Option<RunOutcome> {
        self.ended
    }

    /// Steps that have ended, by how.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    pub(super) fn owed(&self) -> &BTreeSet<Command> {
        &self.owed
    }

    pub(super) fn step(&self, id: &StepId) -> &Step {
        self.steps.get(id).expect("step-of-the-plan: events name steps of the plan")
    }

    pub(super) fn step_mut(&mut self, id: &StepId) -> &mut Step {
        self.steps.get_mut(id).expect("step-of-the-plan: events name steps of the plan")
    }

    /// Whether anything may go on at all.
    pub(super) fn is_live(&self) -> bool {
        self.started && !self.suspended && self.ended.is_none()
    }

    /// Brings what is owed up to date after a change of one step.
    pub(super) fn refresh(&mut self, id: &StepId) {
        let (command, timer) = (self.command_for(id), self.timer_for(id));
        let step = self.step_mut(id);
        let old_command = std::mem::replace(&mut step.owes, command.clone());
        let old_timer = std::mem::replace(&mut step.timer, timer);
        if old_command != command {
            old_command.map(|old| self.owed.remove(&old));
            command.map(|new| self.owed.insert(new));
        }
        if old_timer != timer {
            let wake = self.timers.first().map(|(at, _)| *at);
            old_timer.map(|old| self.timers.remove(&(old, id.clone())));
            timer.map(|new| self.timers.insert((new, id.clone())));
            wake.map(|at| self.owed.remove(&Command::WakeAt(at)));
            if let Some((at, _)) = self.timers.first() {
                self.owed.insert(Command::WakeAt(*at));
            }
        }
    }

    /// Brings what is owed up to date after a change of the whole run.
    pub(super) fn refresh_all(&mut self) {
        let ids: Vec<StepId> = self.steps.keys().cloned().collect();
        for id in ids {
            self.refresh(&id);
        }
    }

    fn command_for(&self, id: &StepId) -> Option<Command> {
        if !self.is_live() {
            return None;
        }
        let step = self.step(id);
        let (attempt, look) = (step.attempt, self.look(id));
        match &step.phase {
            Phase::Applying { call, deadline } => {
                Some(Command::Apply { step: id.clone(), attempt, call: *call, deadline: *deadline })
            }
            Phase::Observing if !self.stopping => Some(Command::Observe { step: id.clone(), attempt, look }),
            Phase::Verifying { next: None, .. } if !self.stopping => {
                Some(Command::Verify { step: id.clone(), attempt, look })
            }
            Phase::Observing
            | Phase::Verifying { .. }
            | Phase::Waiting
            | Phase::Resting { .. }
            | Phase::Succeeded { .. }
            | Phase::Failed { .. }
            | Phase::Blocked { .. } => None,
        }
    }

    fn timer_for(&self, id: &StepId) -> Option<Timestamp> {
        if !self.is_live() || self.stopping {
            return None;
        }
        match &self.step(id).phase {
            Phase::Resting { until } => Some(*until),
            Phase::Verifying { next, .. } => *next,
            Phase::Waiting
            | Phase::Observing
            | Phase::Applying { .. }
            | Phase::Succeeded { .. }
            | Phase::Failed { .. }
            | Phase::Blocked { .. } => None,
        }
    }

    /// How a step's object is to be looked at.
    pub(super) fn look(&self, id: &StepId) -> Look {
        let step = self.step(id);
        let goal = match self.graph.node(id).operation {
            Some(Operation::Delete) => Goal::Gone,
            Some(Operation::Replace) if !step.cleared => Goal::Gone,
            Some(Operation::None | Operation::Create | Operation::Update | Operation::Replace) | None => {
                Goal::AsDesired
            }
        };
        Look { goal, ours: step.ours }
    }
}

impl Step {
    fn new(unmet: usize) -> Self {
        Self {
            phase: Phase::Waiting,
            attempt: 1,
            unmet,
            tries: 0,
            doubts: 0,
            waits: 0,
            follow_ups: 0,
            last_call: None,
            cleared: false,
            acted: BTreeSet::new(),
            ours: false,
            contested: false,
            owes: None,
            timer: None,
        }
    }

    /// Whether it has ended.
    pub fn is_ended(&self) -> bool {
        match self.phase {
            Phase::Succeeded { .. } | Phase::Failed { .. } | Phase::Blocked { .. } => true,
            Phase::Waiting
            | Phase::Observing
            | Phase::Applying { .. }
            | Phase::Verifying { .. }
            | Phase::Resting { .. } => false,
        }
    }

    /// What the run did for it, judged by the calls that had their effect or may have had it.
    pub(super) fn effect(&self, operation: Option<Operation>) -> Effect {
        let did = |call| self.acted.contains(&call);
        match operation {
            None => Effect::Checked,
            Some(Operation::Replace) if did(NextCall::Delete) && did(NextCall::Create) => Effect::Replaced,
            Some(_) if did(NextCall::Create) => Effect::Created,
            Some(Operation::Delete) if did(NextCall::Delete) => Effect::Deleted,
            Some(Operation::Delete) => Effect::AlreadyGone,
            Some(_) if did(NextCall::Update) => Effect::Updated,
            Some(_) => Effect::Unchanged,
        }
    }
}
