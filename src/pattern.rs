//! Floor 2: which sites of a plan get the same. Steps are compared by their outlines, in which the values that say
//! which site it is are replaced by their parameters; everything else must be equal, what happens to an object included.
//!
//! A pattern is about what changes: objects that stay as they are belong to none, and a check counts where what it
//! reads is changed. So an upgrade that touches one field is one pattern for all sites, however different they are.

mod except;
mod normal;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::base::digest::Digest;
use crate::base::id::{ScopeId, SiteCode, StepId};
use crate::base::span::SourceMap;
use crate::model::outline::Outline;
use crate::model::plan::Plan;
use crate::model::plan::overview::Pattern;
use crate::model::resolved::Resolved;

use normal::Normal;

/// What patterns are found from, besides the plan.
#[derive(Debug, Clone, Copy)]
pub struct Origins<'o> {
    /// What each scope declares without what says which site it is.
    pub outlines: &'o BTreeMap<ScopeId, Outline>,
    /// What each object was last set to by us: tells an earlier value of ours from one that somebody else wrote.
    pub applied: &'o BTreeMap<ScopeId, BTreeMap<StepId, Value>>,
    /// Every parameter, with the places that set it.
    pub resolved: &'o Resolved,
    /// The files behind those places.
    pub sources: &'o SourceMap,
}

/// Groups the sites of a plan. The pattern with the most sites comes first; of equal ones, that of the first site.
pub fn patterns(plan: &Plan, origins: Origins<'_>) -> Vec<Pattern> {
    let mut groups: BTreeMap<Digest, (Vec<SiteCode>, Normal)> = BTreeMap::new();
    let mut order: Vec<Digest> = Vec::new();
    for code in plan.fleet.waves.iter().flat_map(|wave| &wave.sites) {
        let scope = ScopeId::Site(code.clone());
        let Some(steps) = plan.scopes.get(&scope) else { continue };
        let normal = normal::of(&scope, steps, origins);
        let digest = normal.digest();
        let group = groups.entry(digest).or_insert_with(|| {
            order.push(digest);
            (Vec::new(), normal)
        });
        group.0.push(code.clone());
    }
    // Stable: what came first in launch order stays first among equals.
    order.sort_by_key(|digest| std::cmp::Reverse(groups[digest].0.len()));
    let first = order.first().map(|digest| (&groups[digest].0[0], &groups[digest].1));
    let pattern = |(index, digest): (usize, &Digest)| {
        let (sites, normal) = &groups[digest];
        let except = first.filter(|_| index > 0).map(|(there, like)| {
            let pair = except::Pair { here: &sites[0], there, origins };
            pair.compare(normal, like, &letter(0))
        });
        Pattern {
            name: letter(index),
            digest: *digest,
            sites: sites.clone(),
            changes: normal.changes(),
            except,
        }
    };
    order.iter().enumerate().map(pattern).collect()
}

/// `A` to `Z`, then `AA`.
fn letter(index: usize) -> String {
    let last = char::from(b'A' + u8::try_from(index % 26).expect("a remainder of 26"));
    match index / 26 {
        0 => last.to_string(),
        more => format!("{}{last}", letter(more - 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::letter;

    #[test]
    fn letters_go_on_after_z() {
        assert_eq!([0, 25, 26, 51, 52, 701, 702].map(letter), ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
    }
}
