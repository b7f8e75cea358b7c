//! The fold of one run's events.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::command::Command;
use super::graph::{Graph, Node};
use super::step::{Phase, Step};
use crate::base::id::{RunId, StepId};
use crate::base::time::Timestamp;
use crate::model::event::{Counts, Event, RunOutcome};
use crate::model::finding::{Goal, Look};
use crate::model::plan::{Operation, ScopePlan};

/// Where one run of one scope stands.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    pub(super) run: RunId,
    pub(super) graph: Arc<Graph>,
    pub(super) steps: BTreeMap<StepId, Step>,
    /// When the present round began; none before the first.
    pub(super) began: Option<Timestamp>,
    pub(super) round: u32,
    pub(super) stopping: bool,
    pub(super) suspended: bool,
    pub(super) aborting: bool,
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
            graph.nodes().iter().map(|(id, node)| (id.clone(), Step::new(node.needs.len()))).collect();
        Self {
            run,
            open: steps.len(),
            graph: Arc::new(graph),
            steps,
            began: None,
            round: 1,
            stopping: false,
            suspended: false,
            aborting: false,
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
        self.began.is_some()
    }

    /// The present round: 1 at first, and what the last retry said.
    pub fn round(&self) -> u32 {
        self.round
    }

    /// Whether the run was asked to stop and calls are still under way.
    pub fn is_stopping(&self) -> bool {
        self.stopping && !self.suspended
    }

    /// Whether the run has stopped and can be taken up again.
    pub fn is_suspended(&self) -> bool {
        self.suspended
    }

    /// Whether the run was called off and calls are still under way.
    pub fn is_aborting(&self) -> bool {
        self.aborting && self.ended.is_none()
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
        self.is_started() && !self.suspended && self.ended.is_none()
    }

    /// Whether calls under way are only waited for, and nothing new is begun.
    pub(super) fn is_draining(&self) -> bool {
        self.stopping || self.aborting
    }

    /// Brings what is owed up to date after a change of one step.
    pub(super) fn refresh(&mut self, id: &StepId) {
        let (command, timer) = self.due(id);
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

    /// What is owed for a step, and the moment that it waits for.
    fn due(&self, id: &StepId) -> (Option<Command>, Option<Timestamp>) {
        if !self.is_live() {
            return (None, None);
        }
        let step = self.step(id);
        let timer = if self.is_draining() { None } else { timer_of(step) };
        (self.command_for(id, step), timer)
    }

    fn command_for(&self, id: &StepId, known: &Step) -> Option<Command> {
        let attempt = known.attempt;
        let (name, node) = (|| id.clone(), || self.graph.node(id));
        match known.phase {
            Phase::Applying { call, deadline } => {
                let remaining = Reverse(node().remaining);
                Some(Command::Apply { remaining, step: name(), attempt, call, deadline })
            }
            Phase::Observing if !self.is_draining() => {
                let (remaining, look) = (Reverse(node().remaining), look_of(known, node()));
                Some(Command::Observe { remaining, step: name(), attempt, look })
            }
            Phase::Verifying { next: None, .. } if !self.is_draining() => {
                let (remaining, look) = (Reverse(node().remaining), look_of(known, node()));
                Some(Command::Verify { remaining, step: name(), attempt, look })
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

    /// How a step's object is to be looked at.
    pub(super) fn look(&self, id: &StepId) -> Look {
        look_of(self.step(id), self.graph.node(id))
    }
}

fn timer_of(step: &Step) -> Option<Timestamp> {
    match &step.phase {
        Phase::Resting { until, .. } => Some(*until),
        Phase::Verifying { next, .. } => *next,
        Phase::Waiting
        | Phase::Observing
        | Phase::Applying { .. }
        | Phase::Succeeded { .. }
        | Phase::Failed { .. }
        | Phase::Blocked { .. } => None,
    }
}

fn look_of(step: &Step, node: &Node) -> Look {
    let goal = match node.operation {
        Some(Operation::Delete) => Goal::Gone,
        Some(Operation::Replace) if !step.cleared => Goal::Gone,
        Some(Operation::None | Operation::Create | Operation::Update | Operation::Replace) | None => {
            Goal::AsDesired
        }
    };
    Look { goal, ours: step.ours }
}
