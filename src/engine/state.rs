//! The fold of one run's events.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::command::Command;
use super::graph::{Graph, Node};
use super::moved::Moved;
use super::step::{Phase, Step};
use super::steps::Steps;
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
    /// By their places in the graph, as everywhere below.
    pub(super) steps: Vec<Step>,
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
    pub(super) applying: BTreeSet<usize>,
    /// Steps that wait for a moment, the next one first.
    pub(super) timers: BTreeSet<(Timestamp, usize)>,
    moved: Moved,
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
        let steps: Vec<Step> = graph.nodes().iter().map(|node| Step::new(node.needs.len())).collect();
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
            moved: Moved::default(),
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
    pub fn steps(&self) -> Steps<'_> {
        Steps::new(self.graph.names(), &self.steps)
    }

    /// One step.
    ///
    /// # Panics
    ///
    /// If the run has no such step.
    pub fn step(&self, id: &StepId) -> &Step {
        &self.steps[self.place(id)]
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

    pub(super) fn owed(&self) -> BTreeSet<Command> {
        let wake = self.timers.first().map(|(at, _)| Command::WakeAt(*at));
        (0..self.steps.len()).filter_map(|at| self.owed_by(at)).chain(wake).collect()
    }

    pub(super) fn take_moved(&mut self) -> BTreeSet<usize> {
        self.moved.take()
    }

    pub(super) fn place(&self, id: &StepId) -> usize {
        self.graph.place(id).expect("step-of-the-plan: events name steps of the plan")
    }

    /// Whether anything may go on at all.
    pub(super) fn is_live(&self) -> bool {
        self.is_started() && !self.suspended && self.ended.is_none()
    }

    /// Whether calls under way are only waited for, and nothing new is begun.
    pub(super) fn is_draining(&self) -> bool {
        self.stopping || self.aborting
    }

    /// Brings timers up to date after a change of one step, and notes that it has moved.
    pub(super) fn refresh(&mut self, at: usize) {
        let goes_on = self.is_live() && !self.is_draining();
        let step = &mut self.steps[at];
        let timer = if goes_on { timer_of(step) } else { None };
        let before = std::mem::replace(&mut step.timer, timer);
        if before != timer {
            before.map(|moment| self.timers.remove(&(moment, at)));
            timer.map(|moment| self.timers.insert((moment, at)));
        }
        self.moved.note(at);
    }

    /// The same after a change of the whole run.
    pub(super) fn refresh_all(&mut self) {
        (0..self.steps.len()).for_each(|at| self.refresh(at));
    }

    /// What is owed for a step.
    pub(super) fn owed_by(&self, at: usize) -> Option<Command> {
        if !self.is_live() {
            return None;
        }
        let (known, node) = (&self.steps[at], self.graph.node(at));
        let (attempt, remaining) = (known.attempt, Reverse(node.remaining));
        let (name, look) = (|| self.graph.name(at).clone(), || look_of(known, node));
        match known.phase {
            Phase::Applying { call, deadline } => {
                Some(Command::Apply { remaining, step: name(), attempt, call, deadline })
            }
            Phase::Observing if !self.is_draining() => {
                Some(Command::Observe { remaining, step: name(), attempt, look: look() })
            }
            Phase::Verifying { next: None, .. } if !self.is_draining() => {
                Some(Command::Verify { remaining, step: name(), attempt, look: look() })
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
    pub(super) fn look(&self, at: usize) -> Look {
        look_of(&self.steps[at], self.graph.node(at))
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
