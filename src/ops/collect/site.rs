//! All populations of one site: its part of the account's lists, and the lists that are read through its workspaces.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::inside::{grants, members};
use super::lineage::lineage;
use super::sorted::{One, Sorted};
use super::{Account, Draft, Reader};
use crate::base::id::{KindName, ScopeId, SiteCode, StepId};
use crate::driver::{ListAsk, Place};
use crate::evidence::population::platform::{
    BY_SERVICE, GOLD, GONE, GRANTS, LINEAGE, LISTED, Listed, MEMBERS, USERS,
};
use crate::kind::Registry;
use crate::model::holdings::Holdings;
use crate::model::kind::Kind;
use crate::runner::known::Known;

const WORKSPACE: &str = "databricks.workspace";

/// One site while it is read.
pub(super) struct Site<'s> {
    pub reader: &'s Reader<'s>,
    pub code: &'s SiteCode,
    pub scope: ScopeId,
    pub known: Known,
    /// The workspaces that are asked, the site's own if it has any.
    pub places: Vec<Place>,
    /// Whether they are the site's own.
    pub own: bool,
}

/// The populations of a site, by name.
pub(super) async fn drafts(
    reader: &Reader<'_>,
    code: &SiteCode,
    account: &Account,
) -> BTreeMap<&'static str, Draft> {
    let site = Site::new(reader, code);
    let mut drafts: BTreeMap<&'static str, Draft> =
        account.lists.iter().map(|(name, sorted)| (*name, sorted.draft(code))).collect();
    let mut inner: BTreeMap<&'static str, Sorted> = BTreeMap::new();
    for listed in LISTED.iter().filter(|listed| !account.lists.contains_key(listed.name)) {
        if let Some(sorted) = site.list(listed, &inner).await {
            drafts.insert(listed.name, sorted.draft(code));
            inner.insert(listed.name, sorted);
        }
    }
    drafts.insert(GRANTS, grants(&site, &inner).await);
    let assigned = inner.get("assignments").map_or(&[][..], |list| list.of(code));
    let assigned: BTreeSet<String> = assigned.iter().filter_map(|row| row.cells.get(4).cloned()).collect();
    let (draft, insiders) = members(&site, site.groups(account, &assigned)).await;
    drafts.insert(MEMBERS, draft);
    let ways = [("group", insiders), ("assignment", assigned)];
    drafts.insert(USERS, reader.people.users(account, &ways));
    let (gold, edges) = lineage(&site).await;
    drafts.insert(GOLD, gold);
    drafts.insert(LINEAGE, edges);
    drafts
}

impl<'s> Site<'s> {
    fn new(reader: &'s Reader<'s>, code: &'s SiteCode) -> Self {
        let scope = ScopeId::Site(code.clone());
        let region = reader.desired.region_of(&scope);
        let mut known = Known::default();
        for one in std::iter::once(&scope).chain(region.as_ref()) {
            let held = reader.holdings.get(one);
            let of = if *one == scope { region.clone() } else { None };
            let steps = || held.into_iter().flat_map(Holdings::watched);
            known.declare(one, of, steps().map(|(id, _)| id.clone()));
            for (id, holding) in steps() {
                known.set_outputs(one, id, holding.outputs);
            }
        }
        let mut site = Self { reader, code, scope, known, places: Vec::new(), own: true };
        site.places = site.workspaces(&site.scope.clone());
        if let (true, Some(region)) = (site.places.is_empty(), region) {
            site.places = site.workspaces(&region);
            site.own = false;
        }
        site
    }

    /// The workspaces that a scope's log holds and that have come up.
    fn workspaces(&self, scope: &ScopeId) -> Vec<Place> {
        let held = self.reader.holdings.get(scope).into_iter().flat_map(Holdings::iter);
        let workspaces = held.filter(|(_, held)| held.kind.as_str() == WORKSPACE);
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let place = |outputs: &serde_json::Map<String, Value>| {
            let workspace_id = text(outputs.get("workspace_id")?);
            Some(Place::Workspace { workspace_id, deployment_name: text(outputs.get("deployment_name")?) })
        };
        workspaces.filter_map(|(_, held)| place(&held.outputs)).collect()
    }

    /// Where the calls of something that a step holds go; else through the first workspace.
    pub(super) fn place_of(&self, step: &str) -> Option<Place> {
        let held = StepId::new(step).ok().and_then(|step| self.holdings()?.get(&step));
        let own = held.and_then(|held| self.known.place(&self.scope, held.via.as_ref()));
        own.filter(|place| *place != Place::Account).or_else(|| self.places.first().cloned())
    }

    pub(super) fn holdings(&self) -> Option<&Holdings> {
        self.reader.holdings.get(&self.scope)
    }

    /// The groups through which people get into the site, each with its name and the step of the site's log that holds it:
    /// its own, those that are named for it, and those that are assigned to its workspaces.
    fn groups(&self, account: &Account, assigned: &BTreeSet<String>) -> Vec<[String; 3]> {
        let rows = account.lists.get("groups").map_or(&[][..], |groups| groups.of(self.code));
        let own: BTreeMap<&str, &str> = rows
            .iter()
            .filter(|row| row.cells[1] != GONE)
            .map(|row| (row.cells[0].as_str(), row.cells[2].as_str()))
            .collect();
        let is_named = |name: &str| self.reader.owners.named(name).any(|code| code == self.code);
        let leads_in = |(id, name): &(&String, &String)| {
            own.contains_key(id.as_str()) || assigned.contains(*id) || is_named(name)
        };
        let all = account.groups.iter().filter(leads_in);
        all.map(|(id, name)| {
            let step = own.get(id.as_str()).copied().unwrap_or_default();
            [id.clone(), name.clone(), step.to_owned()]
        })
        .collect()
    }

    /// A population that is read through workspaces; none if there is nothing to read it through.
    async fn list(&self, listed: &Listed, inner: &BTreeMap<&'static str, Sorted>) -> Option<Sorted> {
        let kind = Registry::standard().get(&KindName::new(listed.kind).ok()?)?;
        let asks = self.asks(listed, kind, inner);
        if asks.is_empty() {
            return None;
        }
        let questions = asks.iter().map(|(place, outer, _)| ListAsk::Kind {
            kind: kind.name.clone(),
            place: place.clone(),
            outer: outer.clone(),
        });
        let answers = self.reader.ask(questions.collect()).await;
        let mut sorted = Sorted::default();
        for ((_, outer, is_own), paged) in asks.iter().zip(answers) {
            let home = is_own.then_some(self.code);
            sorted.take(&self.reader.owners, &One { listed, kind, outer, home }, paged);
        }
        Some(sorted)
    }

    /// The calls of a population: where they go, what they ask for, and whether all that they give is the site's.
    fn asks(
        &self,
        listed: &Listed,
        kind: &Kind,
        inner: &BTreeMap<&'static str, Sorted>,
    ) -> Vec<(Place, Value, bool)> {
        match listed.name {
            "assignments" => {
                let of = |place: &Place| match place {
                    Place::Workspace { workspace_id, .. } => {
                        let number = workspace_id.parse::<u64>().map_or(json!(workspace_id), |id| json!(id));
                        Some((Place::Account, json!({ "workspace_id": number }), self.own))
                    }
                    Place::Account => None,
                };
                self.places.iter().filter_map(of).collect()
            }
            "cluster-policies" => {
                self.places.iter().map(|place| (place.clone(), Value::Null, self.own)).collect()
            }
            "schemas" => self.catalogs(kind, inner),
            // Everything else belongs to the metastore, and one workspace shows all of it.
            _ => self.places.first().map(|place| (place.clone(), Value::Null, false)).into_iter().collect(),
        }
    }

    /// Catalogs are listed through, those of the site and those of its region in which it has schemas.
    fn catalogs(&self, schemas: &Kind, inner: &BTreeMap<&'static str, Sorted>) -> Vec<(Place, Value, bool)> {
        let rows = inner.get("catalogs").map_or(&[][..], |catalogs| catalogs.of(self.code));
        let own = rows.iter().filter(|row| row.cells[1] != BY_SERVICE);
        let mut asked: BTreeSet<String> = BTreeSet::new();
        let mut asks = Vec::new();
        for row in own {
            let Some(place) = self.place_of(&row.cells[2]) else { continue };
            if asked.insert(row.cells[0].to_lowercase()) {
                asks.push((place, json!({ "catalog_name": row.cells[0] }), true));
            }
        }
        let held = self.holdings().into_iter().flat_map(Holdings::watched);
        for (step, holding) in held.filter(|(_, held)| held.kind == schemas.name) {
            let Some(name) = holding.spec.get("catalog_name").and_then(Value::as_str) else { continue };
            let Some(place) = self.place_of(step.as_str()) else { continue };
            if asked.insert(name.to_lowercase()) {
                asks.push((place, json!({ "catalog_name": name }), false));
            }
        }
        asks
    }
}
