//! The longest paths of a scope's graph, forwards and backwards, each in one walk over steps and edges.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::id::StepId;
use crate::base::time::Millis;
use crate::model::plan::ScopePlan;

use super::durations::{Durations, Expected};
use super::{Forecast, StepForecast};

/// What is left of a step that has taken longer than expected, as a part of what was expected.
const OVERDUE_PART: u64 = 10;

/// The steps that have not ended, by number, in the order of their names.
struct Graph<'p> {
    ids: Vec<&'p StepId>,
    /// What each waits for.
    before: Vec<Vec<usize>>,
    /// What waits for each.
    behind: Vec<Vec<usize>>,
}

impl<'p> Graph<'p> {
    fn of(plan: &'p ScopePlan, done: &BTreeSet<StepId>) -> Self {
        let ids: Vec<&StepId> = plan.steps.keys().filter(|id| !done.contains(*id)).collect();
        let numbers: BTreeMap<&StepId, usize> = ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
        let before: Vec<Vec<usize>> = ids
            .iter()
            .map(|id| plan.steps[*id].after.keys().filter_map(|need| numbers.get(need).copied()).collect())
            .collect();
        let mut behind = vec![Vec::new(); ids.len()];
        for (step, needs) in before.iter().enumerate() {
            for need in needs {
                behind[*need].push(step);
            }
        }
        Self { ids, before, behind }
    }

    /// Each step after all that it waits for; steps in or behind a circle are not in it.
    fn order(&self) -> Vec<usize> {
        let mut unmet: Vec<usize> = self.before.iter().map(Vec::len).collect();
        let mut order: Vec<usize> = (0..unmet.len()).filter(|step| unmet[*step] == 0).collect();
        let mut at = 0;
        while at < order.len() {
            for step in &self.behind[order[at]] {
                unmet[*step] -= 1;
                if unmet[*step] == 0 {
                    order.push(*step);
                }
            }
            at += 1;
        }
        order
    }
}

pub(super) fn forecast(
    plan: &ScopePlan,
    durations: &Durations,
    done: &BTreeSet<StepId>,
    running: &BTreeMap<StepId, Millis>,
) -> Forecast {
    let graph = Graph::of(plan, done);
    let order = graph.order();
    let expected: Vec<Expected> =
        graph.ids.iter().map(|id| left(durations.of_step(&plan.steps[*id]), running.get(*id))).collect();
    let count = graph.ids.len();
    let (mut starts, mut ends) = (vec![0_u64; count], vec![0_u64; count]);
    for step in &order {
        // A running step has started, whatever the plan says that it waits for.
        if !running.contains_key(graph.ids[*step]) {
            starts[*step] = graph.before[*step].iter().map(|need| ends[*need]).max().unwrap_or(0);
        }
        ends[*step] = starts[*step].saturating_add(expected[*step].millis.0);
    }
    let mut remaining = vec![0_u64; count];
    for step in order.iter().rev() {
        let behind = graph.behind[*step].iter().map(|next| remaining[*next]).max().unwrap_or(0);
        remaining[*step] = behind.saturating_add(expected[*step].millis.0);
    }
    let of = |step: &usize| StepForecast {
        expected: expected[*step],
        starts_after: Millis(starts[*step]),
        ends_after: Millis(ends[*step]),
        remaining: Millis(remaining[*step]),
    };
    Forecast {
        total: Millis(order.iter().map(|step| ends[*step]).max().unwrap_or(0)),
        path: longest(&graph, &order, &remaining),
        steps: order.iter().map(|step| (graph.ids[*step].clone(), of(step))).collect(),
    }
}

/// What is left of a step that has been under way for so long.
fn left(expected: Expected, elapsed: Option<&Millis>) -> Expected {
    let Some(elapsed) = elapsed else { return expected };
    let whole = expected.millis.0;
    Expected { millis: Millis(whole.saturating_sub(elapsed.0).max(whole / OVERDUE_PART)), ..expected }
}

/// From the step that has most behind it, always to the one that has most behind it; the first name where two tie.
fn longest(graph: &Graph<'_>, order: &[usize], remaining: &[u64]) -> Vec<StepId> {
    let most =
        |steps: &mut dyn Iterator<Item = usize>| steps.max_by_key(|s| (remaining[*s], usize::MAX - *s));
    let mut path = Vec::new();
    let first = |step: &usize| graph.before[*step].is_empty();
    let mut ordered = vec![false; graph.ids.len()];
    order.iter().for_each(|step| ordered[*step] = true);
    let mut at = most(&mut order.iter().copied().filter(first));
    while let Some(step) = at {
        path.push(graph.ids[step].clone());
        at = most(&mut graph.behind[step].iter().copied().filter(|next| ordered[*next]));
    }
    path
}
