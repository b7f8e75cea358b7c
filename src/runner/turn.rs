//! Who is served next when there are fewer slots than calls: one scope after the other, going on after the last one.

use std::collections::{BTreeSet, VecDeque};
use std::ops::Bound;

use crate::base::id::ScopeId;

/// All scopes in order, beginning after the one that was served last.
pub fn after<'s>(
    scopes: &'s BTreeSet<ScopeId>,
    served: Option<&'s ScopeId>,
) -> impl Iterator<Item = &'s ScopeId> {
    let (from, upto) = match served {
        Some(served) => (Bound::Excluded(served), Bound::Included(served)),
        None => (Bound::Unbounded, Bound::Unbounded),
    };
    let rest = scopes.range((from, Bound::Unbounded));
    let start = served.map(|_| scopes.range((Bound::Unbounded, upto))).into_iter().flatten();
    rest.chain(start)
}

/// Deals one thing of each queue in turn, until there are no slots or nothing is left. What is not taken is passed over:
/// it holds back nothing behind it.
pub fn deal<T>(
    queues: Vec<(ScopeId, impl Iterator<Item = T>)>,
    slots: usize,
    mut takes: impl FnMut(&ScopeId, &T) -> bool,
) -> Vec<(ScopeId, T)> {
    let mut queues: VecDeque<_> = queues.into();
    let mut dealt = Vec::new();
    while dealt.len() < slots {
        let Some((scope, mut queue)) = queues.pop_front() else { break };
        if let Some(one) = queue.find(|one| takes(&scope, one)) {
            dealt.push((scope.clone(), one));
            queues.push_back((scope, queue));
        }
    }
    dealt
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes() -> BTreeSet<ScopeId> {
        ["site/HRB01", "site/HRB02", "site/HRB03"].map(|text| text.parse().unwrap()).into()
    }

    #[test]
    fn a_scope_is_served_again_only_after_all_others() {
        let scopes = scopes();
        let mut served: Option<ScopeId> = None;
        let mut order = String::new();
        for _ in 0..6 {
            let queues = after(&scopes, served.as_ref())
                .map(|scope| (scope.clone(), ["a", "b"].into_iter()))
                .collect();
            let (scope, _) = deal(queues, 1, |_, _| true).pop().unwrap();
            order.push_str(&scope.to_string()[9..]);
            served = Some(scope);
        }
        assert_eq!(order, "123123");
    }

    #[test]
    fn slots_go_round_and_short_queues_fall_out() {
        let queues = || {
            let queues = [vec![1, 2, 3], vec![4], vec![]].map(Vec::into_iter);
            scopes().into_iter().zip(queues).collect::<Vec<_>>()
        };
        let dealt = |slots, takes: &dyn Fn(i32) -> bool| -> Vec<i32> {
            deal(queues(), slots, |_, one| takes(*one)).into_iter().map(|(_, one)| one).collect()
        };
        assert_eq!(dealt(3, &|_| true), [1, 4, 2]);
        assert_eq!(dealt(9, &|one| one != 1), [2, 4, 3], "what is passed over holds back nothing");
        assert_eq!(dealt(9, &|_| false), [0; 0]);
    }
}
