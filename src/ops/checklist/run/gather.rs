//! Finds out what the validators of an item ask for.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use serde_json::Value;

use super::Tools;
use super::around::{Around, words};
use super::graph;
use crate::base::id::{KindName, StepId};
use crate::base::limits::SCIM_MEMBERS_MAX;
use crate::driver::{Listing, Place, Target};
use crate::kind::{self, Registry};
use crate::model::checklist::{Item, Validator};
use crate::model::outcome::Observation;
use crate::ops::Context;
use crate::ops::record::RECORDED;
use crate::validate::findings::{Filed, Member, Object};
use crate::validate::{Findings, Found, Query, needs};

const GROUP: &str = "databricks.group";

/// Everything that an item's validators ask for, each thing once.
pub(super) async fn findings(
    around: &Around<'_>,
    item: &Item,
    tools: &Tools<'_>,
    _context: &Context,
) -> Findings {
    let mut findings = Findings {
        facts: around.facts.clone(),
        zone: around.zone.clone(),
        released: around.released,
        ..Findings::default()
    };
    let inside = inside(item);
    let queries: BTreeSet<Query> = item.validate.iter().flat_map(needs).collect();
    for query in queries {
        match query {
            Query::Facts | Query::Release => {}
            Query::Record { kind } => {
                let filed = filed(around, &kind);
                findings.records.insert(kind, filed);
            }
            Query::Readback { step } => {
                let found = readback(around, tools, &step).await;
                findings.readbacks.insert(step, found);
            }
            Query::Rule { rule } => {
                let found = around.rule(&rule);
                findings.rules.insert(rule, found);
            }
            Query::Graph => findings.graph = graph::of_scope(&around.estate.desired, around.rendered),
            Query::Http { url } => {
                let found = tools.probe.http(&url, &inside).await;
                findings.http.insert(url, found);
            }
            Query::Dns { name } => {
                let found = tools.probe.dns(&name).await;
                findings.dns.insert(name, found);
            }
            Query::Tls { host, port } => {
                let found = tools.probe.tls(&host, port, &inside).await;
                findings.tls.insert((host, port), found);
            }
            Query::Scim { group, active } => {
                let found = members(tools, &group, active).await;
                findings.scim.insert(group, found);
            }
        }
    }
    findings
}

/// The private networks that an item names: its probes may reach these and no others.
fn inside(item: &Item) -> Vec<IpNet> {
    let named = |validator: &Validator| match validator {
        Validator::Dns { within, .. } => within.parse().ok(),
        _ => None,
    };
    item.validate.iter().filter_map(named).collect()
}

fn filed(around: &Around<'_>, kind: &str) -> Vec<Filed> {
    let records = around.lines.iter().filter(|line| {
        line.entry.kind == RECORDED && line.entry.body.get("kind").and_then(Value::as_str) == Some(kind)
    });
    records
        .map(|line| {
            let file = line.entry.refs.first().cloned();
            let said = file.as_ref().and_then(|file| around.files.get(&file.sha256)).cloned();
            Filed { entry: line.entry.seq, at: line.entry.at, file, said }
        })
        .collect()
}

/// The object of a resource, as it is now. One that no log knows is somebody else's, and is not looked at in its place.
async fn readback(around: &Around<'_>, tools: &Tools<'_>, step: &StepId) -> Found<Option<Object>> {
    let reached = tools.reached.ok_or("there is no target")?;
    let resource = around
        .rendered
        .resources
        .iter()
        .find(|resource| resource.id == *step)
        .ok_or("no resource of this scope has this name")?;
    let kind = Registry::standard().get(&resource.kind).ok_or("its kind is not known")?;
    let held = around.held(step);
    if held.is_none() && !kind::always_there(kind) {
        return Ok(None);
    }
    let (spec, place) = (around.resolved(&resource.spec)?, around.place(resource)?);
    let target = Target { kind: resource.kind.clone(), place, spec, id: held.and_then(|held| held.id) };
    match reached.reader.observe(&target, reached.call_timeout).await {
        Observation::Absent => Ok(None),
        Observation::Present { live, .. } => {
            let kept = kind::readback(kind, &live);
            Ok(Some(Object { live, kept }))
        }
        Observation::Unreadable(cause) => Err(words(&cause)),
    }
}

/// The members of a group of the account; none if there is no such group.
async fn members(tools: &Tools<'_>, group: &str, active: bool) -> Found<Option<Vec<Member>>> {
    let reached = tools.reached.ok_or("there is no target")?;
    let target = Target {
        kind: KindName::new(GROUP).expect("the kind's name is spelled as one"),
        place: Place::Account,
        spec: serde_json::json!({ "displayName": group }),
        id: None,
    };
    let live = match reached.reader.observe(&target, reached.call_timeout).await {
        Observation::Absent => return Ok(None),
        Observation::Present { live, .. } => live,
        Observation::Unreadable(cause) => return Err(words(&cause)),
    };
    let listed = live.get("members").and_then(Value::as_array);
    let ids: Vec<String> = listed.into_iter().flatten().filter_map(|m| text(m, "value")).collect();
    if ids.len() > SCIM_MEMBERS_MAX {
        return Err(format!("it has more than {SCIM_MEMBERS_MAX} members"));
    }
    let states = if active && !ids.is_empty() { principals(tools).await? } else { BTreeMap::new() };
    let member = |id: String| Member { active: states.get(&id).copied().flatten(), id };
    Ok(Some(ids.into_iter().map(member).collect()))
}

/// Who of the account can sign in, by id.
async fn principals(tools: &Tools<'_>) -> Found<BTreeMap<String, Option<bool>>> {
    let reached = tools.reached.ok_or("there is no target")?;
    match reached.reader.principals(reached.call_timeout).await {
        Listing::Complete(items) => {
            let state = |item: &Value| Some((text(item, "id")?, item.get("active").and_then(Value::as_bool)));
            Ok(items.iter().filter_map(state).collect())
        }
        Listing::Unsupported => Ok(BTreeMap::new()),
        Listing::Unreadable(cause) => Err(words(&cause)),
    }
}

fn text(value: &Value, field: &str) -> Option<String> {
    match value.get(field)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
