//! Audit events, each held against the change of a log that it is.

use std::collections::{BTreeMap, BTreeSet};

use super::{Draft, Reader};
use crate::base::id::{KindName, LogId, ScopeId, SiteCode, StepId};
use crate::drift::{Sent, explain};
use crate::evidence::question::ask::{Change, changes_of};
use crate::evidence::records::{Records, kind_of, text};
use crate::journal::Line;
use crate::kind::{self, Registry};
use crate::model::audit::AuditEvent;
use crate::model::population::{CallRead, Others, PagesEnd};

/// All events, sorted by the sites they are about.
pub(super) struct Events {
    calls: Vec<CallRead>,
    items: u64,
    explained: u64,
    rows: BTreeMap<SiteCode, Vec<(Vec<String>, bool)>>,
}

impl Reader<'_> {
    /// The target's audit events, and the call that gave them; no call if the target gives none.
    pub(super) async fn events(&self) -> (Vec<CallRead>, Vec<AuditEvent>) {
        let Some(source) = self.reached.audit.as_ref() else { return (Vec::new(), Vec::new()) };
        match source.proven_events(self.reached.call_timeout).await {
            Ok((mut call, events)) => {
                if self.reached.embedded.is_some() {
                    call.host = self.reached.name.host.clone();
                }
                (vec![call], events)
            }
            Err(cause) => {
                let (host, call, query) = (String::new(), "audit events".to_owned(), String::new());
                let end = PagesEnd::Cut { why: cause.to_string() };
                (vec![CallRead { host, call, query, pages: Vec::new(), end }], Vec::new())
            }
        }
    }
}

impl Events {
    /// Sorts events by what the logs say.
    pub(super) fn of(
        reader: &Reader<'_>,
        logs: &BTreeMap<ScopeId, Vec<Line>>,
        calls: Vec<CallRead>,
        events: Vec<AuditEvent>,
    ) -> Self {
        let mut sent: Vec<Sent<'static>> = Vec::new();
        let mut names: Vec<(&ScopeId, u64)> = Vec::new();
        for (scope, lines) in logs {
            for (seq, one) in changes(scope, lines) {
                sent.push(one);
                names.push((scope, seq));
            }
        }
        let who = reader.reached.driver.identity();
        let explained = match &who {
            Some(who) => explain(&events, who, &sent),
            None => vec![None; events.len()],
        };
        let mut sorted = Self { calls, items: events.len() as u64, explained: 0, rows: BTreeMap::new() };
        for (event, change) in events.iter().zip(explained) {
            let change = change.map(|place| names[place]);
            sorted.explained += u64::from(change.is_some());
            let entry = change.map_or_else(String::new, |(scope, seq)| format!("{scope}#{seq}"));
            let sites: BTreeSet<&SiteCode> = match change {
                Some((scope, _)) => scope.site().into_iter().collect(),
                None => spoken_of(reader, event),
            };
            for site in sites {
                let cells = [&event.who, &event.method, &event.path, &event.workspace, &entry];
                let mut row = vec![event.at.to_string()];
                row.extend(cells.into_iter().cloned());
                sorted.rows.entry(site.clone()).or_default().push((row, change.is_some()));
            }
        }
        sorted
    }

    /// The events that are about a site.
    pub(super) fn of_site(&self, site: &SiteCode) -> Draft {
        let rows = self.rows.get(site).map_or(&[][..], Vec::as_slice);
        let known = self.explained - rows.iter().filter(|(_, explained)| *explained).count() as u64;
        Draft {
            calls: self.calls.clone(),
            items: self.items,
            rows: rows.iter().map(|(row, _)| row.clone()).collect(),
            others: Others { known, unknown: self.items - known - rows.len() as u64 },
            compared: Vec::new(),
            ..Draft::default()
        }
    }
}

/// The sites of an event that is no change of any log: those whose objects it speaks of, or whose codes stand in it.
fn spoken_of<'r>(reader: &'r Reader<'_>, event: &'r AuditEvent) -> BTreeSet<&'r SiteCode> {
    let texts = || event.subjects.iter().chain([&event.path, &event.workspace]);
    let held = texts().flat_map(|text| reader.owners.of_id(text)).filter_map(ScopeId::site);
    let named = texts().flat_map(|text| reader.owners.named(text));
    held.chain(named).collect()
}

/// The changes of a log that the service took, with their entries.
fn changes(scope: &ScopeId, lines: &[Line]) -> Vec<(u64, Sent<'static>)> {
    let entries = lines.iter().map(|line| line.entry.clone()).collect();
    let records = Records { log: LogId::Scope(scope.clone()), entries, blobs: BTreeMap::new() };
    let mut ids: BTreeMap<StepId, String> = BTreeMap::new();
    let mut sent = Vec::new();
    for change in changes_of(&records) {
        let Some(step) = &change.intent.step else { continue };
        let id = id_of(&change).or_else(|| ids.get(step).cloned());
        if let Some(id) = &id {
            ids.insert(step.clone(), id.clone());
        }
        let kind = kind_of(change.intent).and_then(|kind| KindName::new(kind).ok());
        let Some(kind) = kind.and_then(|kind| Registry::standard().get(&kind)) else { continue };
        let Some(last) = change.accepted.or(change.ended) else { continue };
        sent.push((change.intent.seq, Sent { kind, id, from: change.intent.at, to: last.at }));
    }
    sent
}

/// The object's id: as the service gave it, or as it follows from what was asked for.
fn id_of(change: &Change<'_>) -> Option<String> {
    let told = [change.accepted, change.ended].into_iter().flatten().find_map(|entry| text(entry, "/id"));
    let kind = KindName::new(kind_of(change.intent)?).ok()?;
    let kind = Registry::standard().get(&kind)?;
    let spec = change.intent.body.pointer("/desired/spec");
    told.map(str::to_owned).or_else(|| kind::id_of(kind, spec?, None))
}
