//! What decided requests and reviews make of the declared rights: a revoked one is left out of what is desired, a granted
//! one is added, until a file says the same. The next plan shows it like any other change.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::request::within_policy;
use crate::base::id::{ScopeId, StepId};
use crate::base::time::Timestamp;
use crate::model::access::{AccessEvent, Right};
use crate::model::rendered::Rendered;
use crate::model::resource::Resource;

/// Kinds whose specs hold rights as lists of entries: the list, who, the privileges.
const LISTS: [(&str, &str, &str, &str); 1] =
    [("databricks.grants", "privilege_assignments", "principal", "privileges")];
/// The kind that is one right by itself: its privileges are a list beside the principal.
const ASSIGNMENT: &str = "databricks.workspace_assignment";

/// The decisions that hold now, one for each right, by its id: the newest one counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overlay {
    revoked: BTreeMap<String, Right>,
    granted: BTreeMap<String, Right>,
}

impl Overlay {
    /// Folds what a log says.
    pub fn of(events: &[(u64, AccessEvent)], now: Timestamp) -> Self {
        let mut overlay = Self::default();
        for (_, event) in events {
            match event {
                AccessEvent::Granted { right, until, .. } => {
                    overlay.revoked.remove(&right.id());
                    // What nobody may give is not given, whatever an entry says.
                    if until.is_none_or(|until| until > now) && within_policy(right).is_ok() {
                        overlay.granted.insert(right.id(), right.clone());
                    } else {
                        overlay.granted.remove(&right.id());
                    }
                }
                AccessEvent::Revoked { right, .. } => {
                    overlay.granted.remove(&right.id());
                    overlay.revoked.insert(right.id(), right.clone());
                }
                AccessEvent::Requested(_)
                | AccessEvent::Denied { .. }
                | AccessEvent::Started { .. }
                | AccessEvent::Closed { .. } => {}
            }
        }
        overlay
    }

    /// The same without what was granted.
    #[must_use]
    pub fn without_grants(self) -> Self {
        Self { granted: BTreeMap::new(), ..self }
    }

    /// The same with one more right.
    #[must_use]
    pub fn and(mut self, right: Right) -> Self {
        self.revoked.remove(&right.id());
        self.granted.insert(right.id(), right);
        self
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.revoked.is_empty() && self.granted.is_empty()
    }

    /// Applies it to what is rendered for the scope whose log it was folded from.
    pub fn apply(&self, rendered: &mut Rendered, names: &Names) {
        let scope = rendered.scope.clone();
        let mut emptied = Vec::new();
        for resource in &mut rendered.resources {
            if resource.kind.as_str() == ASSIGNMENT {
                if self.strip_assignment(resource) {
                    emptied.push(resource.id.clone());
                }
            } else if let Some((_, list, who, what)) = LISTS.iter().find(|l| l.0 == resource.kind.as_str()) {
                self.strip_list(resource, &scope, names, (list, who, what));
                self.add_to_list(resource, &scope, names, (list, who, what));
            }
        }
        rendered.resources.retain(|resource| !emptied.contains(&resource.id));
    }

    fn is_revoked(&self, step: &StepId, principal: Option<&str>, privilege: &str) -> bool {
        self.revoked.values().any(|right| {
            right.step == *step
                && right.privilege == privilege
                && principal.is_none_or(|name| right.principal.eq_ignore_ascii_case(name))
        })
    }

    /// Takes revoked levels out of an assignment; true if none is left, so that it is not declared any more.
    fn strip_assignment(&self, resource: &mut Resource) -> bool {
        let step = resource.id.clone();
        let Some(levels) =
            Arc::make_mut(&mut resource.spec).get_mut("permissions").and_then(Value::as_array_mut)
        else {
            return false;
        };
        let before = levels.len();
        levels.retain(|level| !level.as_str().is_some_and(|level| self.is_revoked(&step, None, level)));
        before > 0 && levels.is_empty()
    }

    fn strip_list(&self, resource: &mut Resource, scope: &ScopeId, names: &Names, keys: (&str, &str, &str)) {
        let (list, who, what) = keys;
        let step = resource.id.clone();
        let Some(rows) = Arc::make_mut(&mut resource.spec).get_mut(list).and_then(Value::as_array_mut) else {
            return;
        };
        for row in rows.iter_mut() {
            let Some(name) = row.get(who).and_then(Value::as_str).map(|name| names.literal(scope, name))
            else {
                continue;
            };
            if let Some(privileges) = row.get_mut(what).and_then(Value::as_array_mut) {
                privileges.retain(|privilege| {
                    !privilege.as_str().is_some_and(|one| self.is_revoked(&step, Some(&name), one))
                });
            }
        }
        rows.retain(|row| row.get(what).and_then(Value::as_array).is_none_or(|left| !left.is_empty()));
    }

    fn add_to_list(&self, resource: &mut Resource, scope: &ScopeId, names: &Names, keys: (&str, &str, &str)) {
        let (list, who, what) = keys;
        let granted = self.granted.values().filter(|right| right.step == resource.id);
        let granted: Vec<Right> = granted.cloned().collect();
        let Some(rows) = Arc::make_mut(&mut resource.spec).get_mut(list).and_then(Value::as_array_mut) else {
            return;
        };
        for right in granted {
            let of = |row: &Value| {
                row.get(who)
                    .and_then(Value::as_str)
                    .is_some_and(|name| names.literal(scope, name).eq_ignore_ascii_case(&right.principal))
            };
            match rows.iter_mut().find(|row| of(row)) {
                None => rows.push(json!({ who: right.principal, what: [right.privilege] })),
                Some(row) => {
                    let Some(privileges) = row.get_mut(what).and_then(Value::as_array_mut) else { continue };
                    if !privileges.iter().any(|one| one.as_str() == Some(&right.privilege)) {
                        privileges.push(Value::String(right.privilege));
                    }
                }
            }
        }
    }
}

/// The names of groups behind references such as `${account:group.auditors.displayName}`.
#[derive(Debug, Clone, Default)]
pub struct Names(BTreeMap<(ScopeId, StepId), String>);

impl Names {
    /// Those that the rendered scopes declare.
    pub fn of<'r>(rendered: impl IntoIterator<Item = &'r Rendered>) -> Self {
        let mut names = BTreeMap::new();
        for scope in rendered {
            for resource in scope.resources.iter().filter(|one| one.kind.as_str() == "databricks.group") {
                if let Some(name) = resource.spec.get("displayName").and_then(Value::as_str) {
                    names.insert((scope.scope.clone(), resource.id.clone()), name.to_owned());
                }
            }
        }
        Self(names)
    }

    /// The name that a principal of a scope's spec stands for; itself if it is no reference to a known group.
    fn literal(&self, scope: &ScopeId, written: &str) -> String {
        let inner = written.strip_prefix("${").and_then(|rest| rest.strip_suffix(".displayName}"));
        let Some(inner) = inner else { return written.to_owned() };
        let (scope, step) = match inner.split_once(':') {
            Some(("account", step)) => (ScopeId::Account, step),
            Some(_) => return written.to_owned(),
            None => (scope.clone(), inner),
        };
        let name = StepId::new(step).ok().and_then(|step| self.0.get(&(scope, step)));
        name.cloned().unwrap_or_else(|| written.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::{KindName, PackName};
    use crate::model::resource::Origin;

    fn resource(id: &str, kind: &str, spec: Value) -> Resource {
        Resource {
            id: StepId::new(id).expect("an id"),
            kind: KindName::new(kind).expect("a kind"),
            after: Vec::new(),
            via: None,
            spec: spec.into(),
            evidence: None,
            origin: Origin {
                pack: PackName::new("p").expect("a name"),
                template: "t.toml.hbs".to_owned(),
                line: 1,
            },
        }
    }

    fn site() -> Rendered {
        let grants = json!({ "securable_type": "catalog", "privilege_assignments": [
            { "principal": "${group.analysts.displayName}", "privileges": ["USE_CATALOG", "SELECT"] },
            { "principal": "${account:group.auditors.displayName}", "privileges": ["BROWSE"] },
        ]});
        Rendered {
            scope: "site/HRB01".parse().expect("a scope"),
            files: BTreeMap::new(),
            resources: vec![
                resource("group.analysts", "databricks.group", json!({"displayName": "analysts-hrb01"})),
                resource("grants.c", "databricks.grants", grants),
                resource("assignment.x", ASSIGNMENT, json!({"principal_id": "1", "permissions": ["USER"]})),
            ],
            steps: Vec::new(),
            items: Vec::new(),
            gates: Vec::new(),
            places: BTreeMap::new(),
        }
    }

    fn account() -> Rendered {
        let group = resource("group.auditors", "databricks.group", json!({"displayName": "auditors"}));
        Rendered { scope: ScopeId::Account, resources: vec![group], ..site() }
    }

    fn right(step: &str, principal: &str, privilege: &str) -> Right {
        Right {
            step: StepId::new(step).expect("an id"),
            object: String::new(),
            principal: principal.to_owned(),
            privilege: privilege.to_owned(),
        }
    }

    fn revoked(right: Right) -> AccessEvent {
        let at = Timestamp::from_millis(5);
        AccessEvent::Revoked { right, at, why: "not needed".to_owned(), campaign: None }
    }

    fn granted(right: Right, until: Option<i64>) -> AccessEvent {
        let at = Timestamp::from_millis(5);
        AccessEvent::Granted {
            request: "AR-1".to_owned(),
            right,
            at,
            until: until.map(Timestamp::from_millis),
        }
    }

    fn rows(events: Vec<AccessEvent>) -> (String, usize) {
        let events: Vec<(u64, AccessEvent)> = events.into_iter().map(|event| (0, event)).collect();
        let mut rendered = site();
        let names = Names::of([&rendered.clone(), &account()]);
        Overlay::of(&events, Timestamp::from_millis(10)).apply(&mut rendered, &names);
        let grants = rendered.resources.iter().find(|one| one.id.as_str() == "grants.c").expect("it stays");
        let rows = grants.spec["privilege_assignments"].as_array().expect("a list");
        let row = |row: &Value| format!("{} {}", row["principal"], row["privileges"]).replace('"', "");
        (rows.iter().map(row).collect::<Vec<_>>().join("; "), rendered.resources.len())
    }

    #[test]
    fn what_was_revoked_is_not_desired_and_what_was_granted_is() {
        let (untouched, all) = rows(Vec::new());
        assert_eq!(
            untouched,
            "${group.analysts.displayName} [USE_CATALOG,SELECT]; ${account:group.auditors.displayName} [BROWSE]"
        );
        let (one_less, _) = rows(vec![revoked(right("grants.c", "Analysts-HRB01", "SELECT"))]);
        assert_eq!(
            one_less,
            "${group.analysts.displayName} [USE_CATALOG]; ${account:group.auditors.displayName} [BROWSE]"
        );
        let (row_gone, _) = rows(vec![revoked(right("grants.c", "auditors", "BROWSE"))]);
        assert_eq!(row_gone, "${group.analysts.displayName} [USE_CATALOG,SELECT]");
        let (_, left) = rows(vec![revoked(right("assignment.x", "whoever (id 1)", "USER"))]);
        assert_eq!(left, all - 1, "an assignment without a level is not declared");
        let (more, _) = rows(vec![
            granted(right("grants.c", "auditors", "SELECT"), None),
            granted(right("grants.c", "research-hrb01", "BROWSE"), Some(11)),
        ]);
        assert_eq!(
            more,
            "${group.analysts.displayName} [USE_CATALOG,SELECT]; ${account:group.auditors.displayName} [BROWSE,SELECT]; research-hrb01 [BROWSE]"
        );
    }

    #[test]
    fn the_newest_decision_counts_and_a_right_for_a_time_ends() {
        let one = || right("grants.c", "auditors", "BROWSE");
        assert!(rows(vec![revoked(one()), granted(one(), None)]).0.contains("[BROWSE]"));
        assert!(!rows(vec![granted(one(), None), revoked(one())]).0.contains("[BROWSE]"));
        let over = granted(right("grants.c", "research-hrb01", "BROWSE"), Some(10));
        assert!(!rows(vec![over]).0.contains("research"));
        let beyond = granted(right("grants.c", "research-hrb01", "MANAGE"), None);
        assert!(
            !rows(vec![beyond]).0.contains("research"),
            "an entry alone gives nothing that nobody may give"
        );
    }
}
