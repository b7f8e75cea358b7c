//! The three-way diff: desired, last applied, live.

use serde_json::{Map, Value};

use super::normal::{
    first_reference, holds_unresolved, is_empty, is_unresolved, normal, same_list, same_or_unknown,
    same_scalar,
};
use super::spec::complete;
use super::view::readback;
use crate::base::pointer;
use crate::model::kind::{Existence, Field, FieldType, Kind, Ready, Role, UpdateStyle};
use crate::model::plan::FieldChange;

/// What is to be compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ask<'a> {
    /// What is wanted; none if the object should be gone.
    pub desired: Option<&'a Value>,
    /// What was last applied, if our logs know it.
    pub applied: Option<&'a Value>,
    /// What is there; none if nothing is.
    pub live: Option<&'a Value>,
}

/// What the comparison found.
#[derive(Debug, Clone, PartialEq)]
pub enum Assessment {
    /// Nothing is there: to be made, or properly gone.
    Absent,
    /// It is as desired and ready.
    Matches,
    /// It is on its way.
    Pending {
        /// The state it shows.
        state: String,
    },
    /// It is in a state that it does not leave by itself.
    Broken {
        /// The state it shows.
        state: String,
        /// The service's words about it.
        detail: Option<String>,
    },
    /// It is something else than desired.
    Differs {
        /// Field by field.
        changes: Vec<FieldChange>,
        /// Whether it takes a new object.
        replace: bool,
        /// Whether all differences are in fields that are accepted only after the object was made.
        only_after_create: bool,
    },
}

/// Compares.
pub fn assess(kind: &Kind, ask: &Ask<'_>) -> Assessment {
    let Some(desired) = ask.desired else { return assess_gone(kind, ask.live) };
    let desired = complete(kind, desired);
    let Some(live) = ask.live else {
        let nothing_wanted = kind.existence == Existence::Always && is_gone(kind, &desired);
        return if nothing_wanted { Assessment::Matches } else { Assessment::Absent };
    };
    if let Some(waiting) = kind.ready.as_ref().and_then(|ready| waiting(ready, live)) {
        return waiting;
    }
    let applied = ask.applied.map(|applied| complete(kind, applied));
    let mut walk = Walk { kind, changes: Vec::new(), outside_after_create: false };
    walk.object(&Place::default(), &desired, applied.as_ref(), live);
    if walk.changes.is_empty() {
        return Assessment::Matches;
    }
    Assessment::Differs {
        replace: walk.changes.iter().any(|change| change.forces_replacement),
        only_after_create: !walk.outside_after_create,
        changes: walk.changes,
    }
}

/// Whether a live object counts as being there. Kinds that always exist count as absent while they hold nothing.
pub fn exists(kind: &Kind, live: &Value) -> bool {
    kind.existence == Existence::Made || !is_gone(kind, live)
}

fn assess_gone(kind: &Kind, live: Option<&Value>) -> Assessment {
    let Some(live) = live else { return Assessment::Absent };
    // Without a delete call there is nothing to be done about it: it stays as it is.
    if kind.calls.delete.is_none() || is_gone(kind, live) {
        return Assessment::Absent;
    }
    let leaving = kind.ready.as_ref().and_then(|ready| {
        let state = live.pointer(&ready.at)?.as_str()?;
        names(&ready.leaving, state).then(|| Assessment::Pending { state: state.to_owned() })
    });
    leaving.unwrap_or_else(|| {
        let reason = kind.protected.clone().unwrap_or_else(|| "it is no longer declared".to_owned());
        let from = Some(readback(kind, live));
        let change = FieldChange {
            at: String::new(),
            from,
            to: None,
            known_after: None,
            forces_replacement: false,
            reason,
        };
        Assessment::Differs { changes: vec![change], replace: false, only_after_create: false }
    })
}

fn is_gone(kind: &Kind, live: &Value) -> bool {
    kind.gone.as_ref().is_some_and(|gone| {
        let shown = live.pointer(&gone.at).map(|value| normal(kind, &gone.at, value)).unwrap_or_default();
        shown == gone.value || (is_empty(&shown) && is_empty(&gone.value))
    })
}

fn names(states: &[String], state: &str) -> bool {
    states.iter().any(|known| known.eq_ignore_ascii_case(state))
}

fn waiting(ready: &Ready, live: &Value) -> Option<Assessment> {
    let state = live.pointer(&ready.at).and_then(Value::as_str).unwrap_or("not shown").to_owned();
    if names(&ready.good, &state) {
        return None;
    }
    if !names(&ready.bad, &state) {
        return Some(Assessment::Pending { state });
    }
    let detail = ready.detail.as_ref().and_then(|at| live.pointer(at)?.as_str()).map(str::to_owned);
    Some(Assessment::Broken { state, detail })
}

/// Where the walk stands, and the rules that hold there and below.
#[derive(Debug, Clone, Default)]
struct Place {
    pattern: String,
    at: String,
    replace: bool,
    after_create: bool,
    inside_map: bool,
    reason: String,
}

impl Place {
    fn child(&self, kind: &Kind, name: &str) -> Place {
        let pattern = pointer::child(&self.pattern, name);
        let field = kind.field(&pattern);
        Place {
            at: pointer::child(&self.at, name),
            replace: self.replace || field.is_some_and(|f| f.replace),
            after_create: self.after_create || field.is_some_and(|f| f.after_create),
            inside_map: kind.field(&self.pattern).is_some_and(|f| f.holds == FieldType::Map),
            reason: field.and_then(reason_for_change).map_or_else(|| self.reason.clone(), str::to_owned),
            pattern,
        }
    }
}

/// The field's reason, where it says something about a change. Rules about spelling and clearing do not.
fn reason_for_change(field: &Field) -> Option<&str> {
    let about_change = field.replace || field.after_create || field.set.is_some() || field.default.is_some();
    let only_spelling = !field.normal.is_empty() || field.clear.is_some();
    (!field.reason.is_empty() && (about_change || !only_spelling)).then_some(field.reason.as_str())
}

struct Walk<'k> {
    kind: &'k Kind,
    changes: Vec<FieldChange>,
    outside_after_create: bool,
}

impl Walk<'_> {
    fn object(&mut self, place: &Place, desired: &Value, applied: Option<&Value>, live: &Value) {
        let Some(desired) = desired.as_object() else { return };
        for (name, value) in desired.iter().filter(|(_, value)| !value.is_null()) {
            let applied = applied.and_then(|map| map.get(name));
            self.field(&place.child(self.kind, name), value, applied, live.get(name).unwrap_or(&Value::Null));
        }
        let dropped = applied.and_then(Value::as_object).into_iter().flatten();
        for (name, value) in dropped.filter(|(name, _)| !desired.contains_key(*name)) {
            self.dropped(&place.child(self.kind, name), value, live.get(name).unwrap_or(&Value::Null));
        }
    }

    fn field(&mut self, place: &Place, desired: &Value, applied: Option<&Value>, live: &Value) {
        let rule = self.kind.field(&place.pattern);
        if rule.is_some_and(|rule| rule.role != Role::Managed) {
            return;
        }
        if (is_empty(desired) && is_empty(live)) || is_silent_default(rule, desired, live) {
            return;
        }
        let opaque = rule.is_some_and(|rule| rule.holds == FieldType::JsonText);
        let same = match desired {
            Value::Object(_) if !opaque => return self.object(place, desired, applied, live),
            Value::String(_) if is_unresolved(desired) => !is_empty(live),
            _ => self.same(place, rule, desired, live),
        };
        if !same {
            self.push(place, Some(live), Some(desired));
        }
    }

    fn same(&self, place: &Place, rule: Option<&Field>, desired: &Value, live: &Value) -> bool {
        let desired = normal(self.kind, &place.pattern, desired);
        let live = normal(self.kind, &place.pattern, live);
        match (&desired, &live) {
            (Value::Array(desired), Value::Array(live)) => {
                same_list(desired, live, rule.is_none_or(|rule| rule.set.is_none()))
            }
            (Value::Array(desired), Value::Null) => desired.is_empty(),
            (Value::Object(_), _) => same_or_unknown(&desired, &live),
            _ => same_scalar(rule, &desired, &live),
        }
    }

    /// A field that was applied before and is no longer named.
    fn dropped(&mut self, place: &Place, applied: &Value, live: &Value) {
        let rule = self.kind.field(&place.pattern);
        let Some(update) = &self.kind.calls.update else { return };
        if is_empty(live) || rule.is_some_and(|rule| rule.role != Role::Managed) {
            return;
        }
        let can_clear = rule.is_some_and(|rule| rule.clear.is_some());
        let nested = place.at.matches('/').count() > 1;
        let whole = matches!(update.style, UpdateStyle::Full | UpdateStyle::Upsert | UpdateStyle::Scim);
        let replaces = place.replace && !place.inside_map;
        let can = !replaces && (place.inside_map || can_clear || nested || whole);
        if can && rule.is_some_and(|rule| rule.holds == FieldType::Map) {
            // Of a map with free names only ours are taken away; the service may have put others beside them.
            return self.object(place, &Value::Object(Map::new()), Some(applied), live);
        }
        if can {
            self.push(place, Some(live), None);
        }
    }

    fn push(&mut self, place: &Place, from: Option<&Value>, to: Option<&Value>) {
        let shown =
            from.filter(|value| !value.is_null()).map(|value| normal(self.kind, &place.pattern, value));
        let unknown = to.filter(|value| holds_unresolved(value));
        let immutable = self.kind.calls.update.is_none();
        let reason = match (place.reason.is_empty(), immutable, to) {
            (false, _, _) => place.reason.clone(),
            (true, true, _) => format!("a {} cannot be changed once it is made", self.kind.title),
            (true, false, Some(_)) => "the spec asks for it".to_owned(),
            (true, false, None) => "the spec no longer names it".to_owned(),
        };
        self.outside_after_create |= !place.after_create;
        self.changes.push(FieldChange {
            at: place.at.clone(),
            from: shown,
            to: if unknown.is_some() { None } else { to.cloned() },
            known_after: unknown.and_then(first_reference),
            forces_replacement: place.replace || immutable,
            reason,
        });
    }
}

/// A service that does not show a field shows its default.
fn is_silent_default(rule: Option<&Field>, desired: &Value, live: &Value) -> bool {
    live.is_null() && rule.and_then(|rule| rule.default.as_ref()) == Some(desired)
}

#[cfg(test)]
mod tests;
