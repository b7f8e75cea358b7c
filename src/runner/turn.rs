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

/// Deals one thing of each queue in turn, until there are no slots or nothing is left.
pub fn deal<T>(queues: Vec<(ScopeId, Vec<T>)>, slots: usize) -> Vec<(ScopeId, T)> {
    let mut queues: VecDeque<_> =
        queues.into_iter().map(|(scope, queue)| (scope, queue.into_iter())).collect();
    let mut dealt = Vec::new();
    while dealt.len() < slots {
        let Some((scope, mut queue)) = queues.pop_front() else { break };
        if let Some(one) = queue.next() {
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
            let queues =
                after(&scopes, served.as_ref()).map(|scope| (scope.clone(), vec!["a", "b"])).collect();
            let (scope, _) = deal(queues, 1).pop().unwrap();
            order.push_str(&scope.to_string()[9..]);
            served = Some(scope);
        }
        assert_eq!(order, "123123");
    }

    #[test]
    fn slots_go_round_and_short_queues_fall_out() {
        let queues = scopes().into_iter().zip([vec![1, 2, 3], vec![4], vec![]]).collect();
        let dealt: Vec<i32> = deal(queues, 3).into_iter().map(|(_, one)| one).collect();
        assert_eq!(dealt, [1, 4, 2]);
        assert!(deal(Vec::<(ScopeId, Vec<i32>)>::new(), 9).is_empty());
    }
}
