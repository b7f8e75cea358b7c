//! What waited for whom in a launch: for every site that did not start as soon as its wave did, the reasons and how long
//! each held it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::base::id::{ScopeId, WaveName};
use crate::base::time::{Millis, Timestamp};
use crate::model::entry::Entry;
use crate::model::fleet_event::{Batch, FleetEvent};
use crate::model::plan::{Plan, WavePlan};
use crate::model::wait::Wait;

/// One reason for which one site did not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waited {
    /// What waited: a site, or a wave that baked.
    pub what: String,
    /// From when on.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// For what.
    pub reason: String,
}

/// Moments of one launch by what happened.
#[derive(Default)]
struct Moments {
    started: BTreeMap<ScopeId, Timestamp>,
    ended: BTreeMap<ScopeId, Timestamp>,
    windows: BTreeMap<ScopeId, (Timestamp, String)>,
    baking: BTreeMap<(WaveName, Batch), Timestamp>,
    baked: BTreeMap<(WaveName, Batch), Timestamp>,
    last: Option<Timestamp>,
}

/// What waited in a launch, wave by wave. `entries` are the launch's own of the organisation's log.
pub fn waited<'e>(plan: &Plan, entries: impl IntoIterator<Item = &'e Entry>) -> Vec<Waited> {
    let mut moments = Moments::default();
    entries.into_iter().for_each(|entry| moments.note(entry));
    plan.fleet.waves.iter().flat_map(|wave| moments.of_wave(wave)).collect()
}

/// One line each; nothing if nothing waited.
pub fn text(waited: &[Waited]) -> String {
    let mut out = String::new();
    for Waited { what, from, to, reason } in waited {
        let _ = writeln!(out, "{what:<20} waited {} for {reason}", to.since(*from));
    }
    out
}

impl Moments {
    fn note(&mut self, entry: &Entry) {
        let at = entry.at;
        self.last = Some(at);
        match FleetEvent::from_entry(&entry.kind, &entry.body) {
            Ok(FleetEvent::ScopeStarted { scope, .. }) => {
                self.started.entry(scope).or_insert(at);
            }
            Ok(FleetEvent::ScopeEnded { scope, .. }) => {
                self.ended.insert(scope, at);
            }
            Ok(FleetEvent::ScopeWaiting { scope, at, why: Wait::Window { why, .. } }) => {
                self.windows.entry(scope).or_insert((at, format!("its change window ({why})")));
            }
            Ok(FleetEvent::WaveBaking { wave, batch, at, .. }) => {
                self.baking.entry((wave, batch)).or_insert(at);
            }
            Ok(FleetEvent::WaveBaked { wave, batch }) => {
                self.baked.insert((wave, batch), at);
            }
            _ => {}
        }
    }

    fn of_wave(&self, wave: &WavePlan) -> Vec<Waited> {
        let sites: Vec<ScopeId> = wave.sites.iter().cloned().map(ScopeId::Site).collect();
        let ready = |scope: &ScopeId| {
            let moments =
                self.started.get(scope).into_iter().chain(self.windows.get(scope).map(|(at, _)| at));
            moments.min().copied()
        };
        let Some(begin) = sites.iter().filter_map(ready).min() else { return Vec::new() };
        let canary = sites
            .iter()
            .min_by_key(|site| self.started.get(*site).copied().unwrap_or(Timestamp::from_millis(i64::MAX)));
        let mut found: Vec<Waited> =
            sites.iter().flat_map(|site| self.of_site(wave, site, canary, begin)).collect();
        let key = (wave.name.clone(), Batch::Wave);
        if let Some(from) = self.baking.get(&key) {
            let to = self.baked.get(&key).or(self.last.as_ref()).unwrap_or(from);
            let reason = "the bake time of its sites".to_owned();
            found.push(Waited { what: wave.name.to_string(), from: *from, to: *to, reason });
        }
        found
    }

    /// The reasons one after the other: the canary, its bake time, the site's own window, a place.
    fn of_site(
        &self,
        wave: &WavePlan,
        site: &ScopeId,
        canary: Option<&ScopeId>,
        begin: Timestamp,
    ) -> Vec<Waited> {
        let Some(start) = self.started.get(site).or(self.last.as_ref()).copied() else { return Vec::new() };
        let mut bounds: Vec<(Timestamp, String)> = Vec::new();
        if let Some(canary) = canary.filter(|canary| *canary != site) {
            let end = self.ended.get(canary).copied().unwrap_or(start);
            bounds.push((end, format!("the canary {canary}")));
            let key = (wave.name.clone(), Batch::Canary);
            if self.baking.contains_key(&key) {
                let baked = self.baked.get(&key).copied().unwrap_or(start);
                bounds.push((baked, format!("the bake time of {canary}")));
            }
        }
        match self.windows.get(site) {
            Some((shut, why)) => {
                bounds.push((*shut, "a place in its wave".to_owned()));
                bounds.push((start, why.clone()));
            }
            None => bounds.push((start, "a place in its wave".to_owned())),
        }
        let mut from = begin;
        let mut found = Vec::new();
        for (to, reason) in bounds {
            let to = to.min(start);
            if to.since(from) > Millis(0) {
                found.push(Waited { what: site.to_string(), from, to, reason });
                from = to;
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn entry(minute: i64, kind: &str, body: Value) -> Entry {
        let at = Timestamp::from_millis(minute * 60_000);
        let entry = json!({
            "v": 1, "seq": 0, "at": at, "log": "org", "kind": kind, "salt": "",
            "actor": { "type": "rehearsal", "id": "r" }, "body": body,
        });
        serde_json::from_value(entry).unwrap()
    }

    fn plan() -> Plan {
        let wave = json!({ "name": "w", "sites": ["AAA01", "BBB02", "CCC03"], "max_parallel": 1, "failure_budget": 1 });
        serde_json::from_value(json!({
            "v": 1, "tool": "t", "estate": "e", "lineage": "l", "selection": "all",
            "target": { "name": "t", "account_id": "1", "host": "h" },
            "inputs": {}, "packs": {}, "parameters": {}, "heads": {}, "scopes": {}, "fleet": { "waves": [wave] },
        }))
        .unwrap()
    }

    #[test]
    fn every_reason_is_told_with_its_share() {
        let at = |minute: i64| Timestamp::from_millis(minute * 60_000);
        let entries = [
            entry(0, "scope.started", json!({ "scope": "site/AAA01" })),
            entry(6, "scope.ended", json!({ "scope": "site/AAA01", "outcome": "succeeded" })),
            entry(6, "wave.baking", json!({ "wave": "w", "batch": "canary", "at": at(6), "until": at(36) })),
            entry(36, "wave.baked", json!({ "wave": "w", "batch": "canary" })),
            entry(36, "scope.started", json!({ "scope": "site/BBB02" })),
            entry(41, "scope.ended", json!({ "scope": "site/BBB02", "outcome": "succeeded" })),
            entry(
                41,
                "scope.waiting",
                json!({
                    "scope": "site/CCC03", "at": at(41), "why": { "window": { "opens": at(100), "why": "outside-window" } },
                }),
            ),
            entry(100, "scope.started", json!({ "scope": "site/CCC03" })),
        ];
        let told = text(&waited(&plan(), &entries));
        assert_eq!(
            told.lines().collect::<Vec<_>>(),
            [
                "site/BBB02           waited 6 min for the canary site/AAA01",
                "site/BBB02           waited 30 min for the bake time of site/AAA01",
                "site/CCC03           waited 6 min for the canary site/AAA01",
                "site/CCC03           waited 30 min for the bake time of site/AAA01",
                "site/CCC03           waited 5 min for a place in its wave",
                "site/CCC03           waited 59 min for its change window (outside the change windows)",
            ]
        );
        assert_eq!(text(&waited(&plan(), &[])), "");
    }
}
