//! The least time in which a plan could run: a list schedule without any cost of its own.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use serde_json::Value;

/// A task: what it waits for, and how long it takes.
#[derive(Debug, Default, Clone)]
struct Task {
    after: Vec<usize>,
    seconds: f64,
}

/// The tasks of a plan, whole scopes behind what they need.
#[derive(Debug, Default)]
pub struct Tasks(Vec<Task>);

impl Tasks {
    /// From a saved plan. `seconds` says how long a step takes; the first of the sites goes before the others, as in
    /// every wave, and has ended before they begin.
    pub fn of(plan: &Value, seconds: impl Fn(&str, &Value) -> f64) -> Self {
        let scopes = plan["scopes"].as_object().cloned().unwrap_or_default();
        let canary = plan["fleet"]["waves"][0]["sites"][0].as_str().unwrap_or_default();
        let canary = format!("site/{canary}");
        let mut order: Vec<&String> = scopes.keys().collect();
        order.sort_by_key(|scope| {
            (scope.starts_with("site/"), scope.starts_with("region/"), **scope != canary)
        });
        let mut tasks = Self::default();
        let mut ends: BTreeMap<&str, usize> = BTreeMap::new();
        for scope in order {
            let needs = scopes[scope]["needs"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let mut before: Vec<usize> = needs.filter_map(|need| ends.get(need).copied()).collect();
            if scope.starts_with("site/") && *scope != canary {
                before.extend(ends.get(canary.as_str()));
            }
            let begin = tasks.add(before, 0.0);
            let steps = scopes[scope]["steps"].as_object().cloned().unwrap_or_default();
            let first = tasks.0.len();
            let at: BTreeMap<&String, usize> =
                steps.keys().enumerate().map(|(n, id)| (id, first + n)).collect();
            for (id, step) in &steps {
                let needed = step["after"].as_object().cloned().unwrap_or_default();
                let mut after: Vec<usize> = needed.keys().filter_map(|id| at.get(id).copied()).collect();
                after.push(begin);
                tasks.add(after, seconds(id, step));
            }
            let all: Vec<usize> = at.values().copied().collect();
            let end = tasks.add(if all.is_empty() { vec![begin] } else { all }, 0.0);
            ends.insert(scope, end);
        }
        tasks
    }

    fn add(&mut self, after: Vec<usize>, seconds: f64) -> usize {
        self.0.push(Task { after, seconds });
        self.0.len() - 1
    }

    /// Longest remaining path first, so many at once.
    pub fn makespan(&self, slots: usize) -> f64 {
        let count = self.0.len();
        let mut dependants = vec![Vec::new(); count];
        let mut open: Vec<usize> = self.0.iter().map(|task| task.after.len()).collect();
        for (at, task) in self.0.iter().enumerate() {
            task.after.iter().for_each(|before| dependants[*before].push(at));
        }
        let rest = self.remaining(&dependants);
        let key = |seconds: f64| (seconds * 1e6) as u64;
        let mut ready: BinaryHeap<(u64, Reverse<usize>)> =
            (0..count).filter(|at| open[*at] == 0).map(|at| (key(rest[at]), Reverse(at))).collect();
        let mut running: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
        let (mut now, mut busy) = (0, 0);
        loop {
            while busy < slots {
                let Some((_, Reverse(at))) = ready.pop() else { break };
                busy += 1;
                running.push(Reverse((now + key(self.0[at].seconds), at)));
            }
            let Some(Reverse((end, at))) = running.pop() else { return now as f64 / 1e6 };
            (now, busy) = (end, busy - 1);
            for next in &dependants[at] {
                open[*next] -= 1;
                if open[*next] == 0 {
                    ready.push((key(rest[*next]), Reverse(*next)));
                }
            }
        }
    }

    fn remaining(&self, dependants: &[Vec<usize>]) -> Vec<f64> {
        let mut open: Vec<usize> = dependants.iter().map(Vec::len).collect();
        let mut rest: Vec<f64> = self.0.iter().map(|task| task.seconds).collect();
        let mut ready: Vec<usize> = (0..self.0.len()).filter(|at| open[*at] == 0).collect();
        while let Some(at) = ready.pop() {
            for before in &self.0[at].after {
                rest[*before] = rest[*before].max(self.0[*before].seconds + rest[at]);
                open[*before] -= 1;
                if open[*before] == 0 {
                    ready.push(*before);
                }
            }
        }
        rest
    }
}
