//! Checks what items and gates name: each other, objects, roles.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::base::id::{GateId, RoleName, ScopeId, StepId};
use crate::base::limits::{GATES_PER_SCOPE_MAX, ITEMS_PER_SCOPE_MAX};
use crate::base::redact::shown;
use crate::model::checklist::{Deed, Item, Validator};
use crate::model::criterion::Holds;
use crate::model::estate::Loaded;
use crate::model::gate::Gate;
use crate::model::people::{SITE_OPS_LEAD, SITE_STEWARD};
use crate::model::rendered::Rendered;

use super::of_account;

const REFERENCE: &str = "render.unknown-reference";

/// A gate's id among those of its scope.
///
/// # Panics
///
/// Never: whatever names a gate may name a step.
pub(in crate::render) fn of_gate(gate: &GateId) -> StepId {
    StepId::new(gate.as_str()).expect("ids of gates are spelled as ids of steps are, only stricter")
}

/// Says if a scope has more than can be looked at.
pub(in crate::render) fn count(scope: &Rendered, found: &mut Diagnostics) {
    let counts = [
        ("items", scope.items.len(), ITEMS_PER_SCOPE_MAX),
        ("gates", scope.gates.len(), GATES_PER_SCOPE_MAX),
    ];
    for (what, count, max) in counts.into_iter().filter(|(_, count, max)| count > max) {
        let message = format!("{} has {count} {what}, more than {max}", scope.scope);
        let mut problem = Diagnostic::error("render.too-many-items", message);
        if let Some(place) = scope.places.values().next() {
            problem = problem.at(place.clone(), "one of the scope's files");
        }
        found.push(problem.help("put together what is one matter"));
    }
}

/// Checks one scope. Of an account that could not be rendered nothing is known, and nothing is said.
pub(in crate::render) fn check(
    loaded: &Loaded,
    scope: &Rendered,
    rendered: &BTreeMap<ScopeId, Rendered>,
    found: &mut Diagnostics,
) {
    if scope.items.is_empty() && scope.gates.is_empty() {
        return;
    }
    let names = Names {
        scope,
        account: rendered.get(&ScopeId::Account),
        items: scope.items.iter().map(|item| item.id.as_str()).collect(),
        gates: scope.gates.iter().map(|gate| gate.id.as_str()).collect(),
        objects: scope.resources.iter().map(|resource| resource.id.as_str()).collect(),
        roles: roles_of(loaded, &scope.scope),
    };
    scope.items.iter().for_each(|item| names.item(item, found));
    scope.gates.iter().for_each(|gate| names.gate(gate, found));
    names.circles(found);
}

/// The roles that somebody can hold at a scope.
fn roles_of(loaded: &Loaded, scope: &ScopeId) -> BTreeSet<String> {
    let held = loaded.estate.roles.iter().filter(|(_, holder)| !holder.value.trim().is_empty());
    let mut roles: BTreeSet<String> = held.map(|(role, _)| role.clone()).collect();
    if scope.site().is_some() {
        roles.extend([SITE_STEWARD, SITE_OPS_LEAD].map(str::to_owned));
    }
    roles
}

/// Names among which one has to be, and what they are names of.
struct Pool<'p> {
    what: &'static str,
    names: &'p BTreeSet<&'p str>,
}

struct Names<'n> {
    scope: &'n Rendered,
    account: Option<&'n Rendered>,
    items: BTreeSet<&'n str>,
    gates: BTreeSet<&'n str>,
    objects: BTreeSet<&'n str>,
    roles: BTreeSet<String>,
}

/// Whether a name, or a beginning with `*`, is about this id.
fn is_about(pattern: &str, id: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => id.starts_with(start),
        None => id == pattern,
    }
}

impl Names<'_> {
    fn item(&self, item: &Item, found: &mut Diagnostics) {
        let Item { id, owner, responsible, escalate_to, .. } = item;
        let roles = [owner, escalate_to].into_iter().chain(responsible);
        roles.for_each(|role| self.role(id, role, found));
        for before in &item.after {
            self.named(id, "comes after", before.as_str(), &Pool { what: "item", names: &self.items }, found);
        }
        for deed in item.act.iter().chain(&item.remedy) {
            self.deed(id, deed, found);
        }
        for validator in &item.validate {
            self.validator(id, validator, found);
        }
    }

    fn deed(&self, id: &StepId, deed: &Deed, found: &mut Diagnostics) {
        match deed {
            Deed::Call { call, on, .. } => {
                self.named(id, "acts on", on.as_str(), &Pool { what: "object", names: &self.objects }, found);
                let object = self.scope.resources.iter().find(|resource| resource.id == *on);
                let kind = call.rsplit_once('.').map_or(call.as_str(), |(kind, _)| kind);
                if let Some(object) = object.filter(|object| object.kind.as_str() != kind) {
                    let message = format!("`{id}` calls `{call}` on `{on}`, which is a {}", object.kind);
                    let help = format!("write the verb of {}, or name another object", object.kind);
                    found.push(self.problem(id, REFERENCE, message).help(help));
                }
            }
            Deed::Tell { role, .. } => self.role(id, role, found),
            Deed::Agent { .. } => {}
        }
    }

    fn validator(&self, id: &StepId, validator: &Validator, found: &mut Diagnostics) {
        match validator {
            Validator::Attest(attest) => attest.by.iter().for_each(|role| self.role(id, role, found)),
            Validator::Read(check) => {
                self.named(
                    id,
                    "reads",
                    check.read.as_str(),
                    &Pool { what: "object", names: &self.objects },
                    found,
                );
            }
            Validator::Dominates { first, governs } => {
                let known: BTreeSet<&str> = self.scope.places.keys().map(StepId::as_str).collect();
                self.named(
                    id,
                    "says what comes before others of",
                    first.as_str(),
                    &Pool { what: "step", names: &known },
                    found,
                );
                for governed in governs {
                    self.named(
                        id,
                        "says what governs",
                        governed,
                        &Pool { what: "step", names: &known },
                        found,
                    );
                }
            }
            Validator::Facts { .. }
            | Validator::Record(_)
            | Validator::Rule { .. }
            | Validator::Http { .. }
            | Validator::Dns { .. }
            | Validator::Tls { .. }
            | Validator::Scim { .. }
            | Validator::Metric { .. }
            | Validator::Date { .. } => {}
        }
    }

    fn gate(&self, gate: &Gate, found: &mut Diagnostics) {
        let id = of_gate(&gate.id);
        let roles = gate.quorum.roles.iter().chain([&gate.escalate_to]);
        roles.for_each(|role| self.role(&id, role, found));
        let theirs = |pick: fn(&Rendered) -> BTreeSet<&str>| self.account.map(pick);
        let items = theirs(|scope| scope.items.iter().map(|item| item.id.as_str()).collect());
        for item in &gate.items {
            self.in_scope(&id, item, &Pool { what: "item", names: &self.items }, items.as_ref(), found);
        }
        let gates = theirs(|scope| scope.gates.iter().map(|gate| gate.id.as_str()).collect());
        for other in &gate.gates {
            self.in_scope(&id, other, &Pool { what: "gate", names: &self.gates }, gates.as_ref(), found);
        }
    }

    /// A name of this scope, or of the account.
    fn in_scope(
        &self,
        id: &StepId,
        text: &str,
        own: &Pool<'_>,
        account: Option<&BTreeSet<&str>>,
        found: &mut Diagnostics,
    ) {
        match (of_account(text), self.scope.scope == ScopeId::Account, account) {
            (None, _, _) => self.named(id, "needs", text, own, found),
            (Some(name), true, _) => {
                let message = format!("`{id}` needs `{text}`, and this is the account");
                found.push(self.problem(id, REFERENCE, message).help(format!("write `{name}`")));
            }
            (Some(_), false, None) => {}
            (Some(name), false, Some(names)) => {
                self.named(id, "needs, of the account,", name, &Pool { what: own.what, names }, found);
            }
        }
    }

    fn named(&self, id: &StepId, does: &str, name: &str, pool: &Pool<'_>, found: &mut Diagnostics) {
        let Pool { what, names: known } = *pool;
        if known.iter().any(|one| is_about(name, one)) {
            return;
        }
        let message = match name.ends_with('*') {
            true => format!("`{id}` {does} `{name}`, and no {what} begins so"),
            false => format!("`{id}` {does} `{name}`, which is no {what} here"),
        };
        let problem = self.problem(id, REFERENCE, message);
        let problem = match nearest(name.trim_end_matches('*'), known.iter().copied()) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None if known.is_empty() => problem.help(format!("there is no {what} at all")),
            None => problem.help(format!("{}s here: {}", what, listed(known))),
        };
        found.push(problem);
    }

    fn role(&self, id: &StepId, role: &RoleName, found: &mut Diagnostics) {
        if self.roles.contains(role.as_str()) {
            return;
        }
        let message = format!("`{id}` names the role `{role}`, which nobody can hold here");
        let problem = self.problem(id, "render.unknown-role", message);
        let of_sites = [SITE_STEWARD, SITE_OPS_LEAD].contains(&role.as_str());
        found.push(match nearest(role.as_str(), self.roles.iter().map(String::as_str)) {
            _ if of_sites => problem.help("only sites have one: name a role of estate.toml"),
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem.help(format!("add `{role} = \"…\"` to [roles] of sites/estate.toml")),
        });
    }

    fn problem(&self, id: &StepId, code: &'static str, message: String) -> Diagnostic {
        let mut problem = Diagnostic::error(code, message);
        if let Some(span) = self.scope.places.get(id) {
            problem = problem.at(span.clone(), "declared here");
        }
        problem.note(format!("rendered for {}", self.scope.scope))
    }

    /// Items that wait for each other, and gates that need each other.
    fn circles(&self, found: &mut Diagnostics) {
        let items = self.scope.items.iter().map(|item| (item.id.clone(), item.after.clone())).collect();
        let needs = |gate: &Gate| {
            let own = gate.gates.iter().filter(|name| of_account(name).is_none());
            own.filter_map(|name| StepId::new(name.as_str()).ok()).collect()
        };
        let gates = self.scope.gates.iter().map(|gate| (of_gate(&gate.id), needs(gate))).collect();
        for (what, edges) in [("items", items), ("gates", gates)] {
            let Some(path) = circle(&edges) else { continue };
            let told: Vec<&str> = path.iter().chain(path.first()).map(StepId::as_str).collect();
            let message = format!("{what} wait for each other: {}", told.join(" → "));
            let mut problem = Diagnostic::error("render.item-cycle", message);
            for id in &path {
                if let Some(span) = self.scope.places.get(id) {
                    problem = problem.at(span.clone(), format!("`{id}`"));
                }
            }
            let key = if what == "items" { "after" } else { "gates" };
            let problem = problem.note(format!("rendered for {}", self.scope.scope));
            found.push(problem.help(format!("remove one of these `{key}` entries")));
        }
    }
}

fn listed(names: &BTreeSet<&str>) -> String {
    const SHOWN: usize = 12;
    let mut text = names.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text.push_str(", …");
    }
    text
}

/// A path from a name back to itself, each waiting for the next; the walk is a list, so that long chains do no harm.
fn circle(edges: &BTreeMap<StepId, Vec<StepId>>) -> Option<Vec<StepId>> {
    let mut done: BTreeSet<&StepId> = BTreeSet::new();
    for start in edges.keys() {
        // What is being walked, each with the place of the next one to look at.
        let mut path: Vec<(&StepId, usize)> = vec![(start, 0)];
        while let Some((at, next)) = path.last_mut() {
            let Some(to) = edges.get(*at).and_then(|all| all.get(*next)) else {
                done.insert(*at);
                path.pop();
                continue;
            };
            *next += 1;
            if let Some(from) = path.iter().position(|(walked, _)| *walked == to) {
                return Some(path[from..].iter().map(|(walked, _)| (*walked).clone()).collect());
            }
            if !done.contains(to) {
                path.push((to, 0));
            }
        }
    }
    None
}

/// Criteria of stages name gates that the packs have. Where a scope could not be rendered, its gates are not known.
pub(in crate::render) fn gates_of_stages(
    loaded: &Loaded,
    rendered: &BTreeMap<ScopeId, Rendered>,
    found: &mut Diagnostics,
) {
    if found.has_errors() {
        return;
    }
    let known: BTreeSet<&str> =
        rendered.values().flat_map(|scope| &scope.gates).map(|gate| gate.id.as_str()).collect();
    for stage in &loaded.estate.stages {
        for criterion in stage.entry.iter().chain(&stage.exit) {
            let Holds::Gate(gate) = &criterion.holds else { continue };
            if known.contains(gate.as_str()) {
                continue;
            }
            let message = format!("`{}` asks for the gate `{gate}`, which no pack has", shown(&criterion.id));
            let problem =
                Diagnostic::error("render.unknown-gate", message).at(stage.span.clone(), "in this stage");
            found.push(match nearest(gate.as_str(), known.iter().copied()) {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None if known.is_empty() => problem.help("declare it as [[gate]] in a pack"),
                None => problem.help(format!("the gates are: {}", listed(&known))),
            });
        }
    }
}
