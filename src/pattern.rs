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
use crate::model::plan::overview::Pattern;
use crate::model::plan::{Plan, ScopePlan};
use crate::model::resolved::Resolved;

use normal::Normal;

/// What patterns are found from, besides the plan.
#[derive(Clone, Copy)]
pub struct Origins<'o> {
    /// What a scope declares without what says which site it is. It is as large as the plan of the scope, so nobody holds
    /// those of a thousand sites: it is asked for once for each site, and once more for the first of each pattern.
    pub outline: &'o (dyn Fn(&ScopeId) -> Option<Outline> + Sync),
    /// What an object was last set to by us: tells an earlier value of ours from one that somebody else wrote.
    pub applied: &'o (dyn Fn(&ScopeId, &StepId) -> Option<Value> + Sync),
    /// Every parameter, with the places that set it.
    pub resolved: &'o Resolved,
    /// The files behind those places.
    pub sources: &'o SourceMap,
}

/// The digest of what is done at one site, without what says which site it is: equal for sites of one pattern.
pub fn digest(scope: &ScopeId, steps: &ScopePlan, origins: Origins<'_>) -> Digest {
    Normal::of(scope, steps, (origins.outline)(scope).as_ref(), origins).digest()
}

/// Groups the sites of a plan by their [`digest`]s. The pattern with the most sites comes first; of equal ones, that of
/// the first site.
pub fn patterns(plan: &Plan, digests: &BTreeMap<ScopeId, Digest>, origins: Origins<'_>) -> Vec<Pattern> {
    let mut groups: BTreeMap<Digest, Vec<SiteCode>> = BTreeMap::new();
    let mut order: Vec<Digest> = Vec::new();
    for code in plan.fleet.waves.iter().flat_map(|wave| &wave.sites) {
        let Some(digest) = digests.get(&ScopeId::Site(code.clone())) else { continue };
        let sites = groups.entry(*digest).or_insert_with(|| {
            order.push(*digest);
            Vec::new()
        });
        sites.push(code.clone());
    }
    // Stable: what came first in launch order stays first among equals.
    order.sort_by_key(|digest| std::cmp::Reverse(groups[digest].len()));
    let mut patterns: Vec<Pattern> = Vec::new();
    let mut first = None;
    for (index, digest) in order.into_iter().enumerate() {
        let sites = groups.remove(&digest).expect("a digest is in the order once, with its sites");
        let site = Outlined::new(plan, &sites[0], origins);
        let changes = site.normal.changes();
        let like = first.get_or_insert_with(|| site.clone());
        let except =
            (index > 0).then(|| except::Pair { here: &site, there: like, origins }.compare(&letter(0)));
        patterns.push(Pattern { name: letter(index), digest, sites, changes, except });
    }
    patterns
}

/// A site that stands for all of its pattern.
#[derive(Debug, Clone)]
struct Outlined {
    code: SiteCode,
    scope: ScopeId,
    outline: Option<Outline>,
    normal: Normal,
}

impl Outlined {
    fn new(plan: &Plan, site: &SiteCode, origins: Origins<'_>) -> Self {
        let scope = ScopeId::Site(site.clone());
        let outline = (origins.outline)(&scope);
        let normal = Normal::of(&scope, plan.scope(&scope), outline.as_ref(), origins);
        Self { code: site.clone(), scope, outline, normal }
    }
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
