//! Lists that are still to be asked for: of which kinds, and through which workspaces. Workspaces have to be looked at
//! before it is known where they are; everything else is known from the start.

use std::collections::{BTreeMap, BTreeSet};

use super::Wanted;
use super::listed::ListKey;
use crate::base::id::{KindName, ScopeId};
use crate::kind::{self, Registry};
use crate::model::via::Via;
use crate::runner::known::Known;

/// Kinds by the scope that declares them and by what its calls go through.
#[derive(Debug, Default)]
pub(super) struct Awaited(BTreeMap<(ScopeId, Option<Via>), BTreeSet<KindName>>);

/// Everything that declared resources will be looked up in.
pub(super) fn of(wanted: &[Wanted<'_>]) -> Awaited {
    let mut awaited = Awaited::default();
    for one in wanted {
        for resource in one.resources {
            if Registry::standard().get(&resource.kind).is_some_and(kind::listable) {
                let kinds = awaited.0.entry((one.scope.clone(), resource.via.clone())).or_default();
                kinds.insert(resource.kind.clone());
            }
        }
    }
    awaited
}

impl Awaited {
    /// Takes those whose place is known by now.
    pub(super) fn ready(&mut self, known: &Known) -> BTreeSet<ListKey> {
        let mut ready = BTreeSet::new();
        self.0.retain(|(scope, via), kinds| {
            let Some(place) = known.place(scope, via.as_ref()) else { return true };
            ready.extend(std::mem::take(kinds).into_iter().map(|kind| ListKey::whole(kind, place.clone())));
            false
        });
        ready
    }
}
