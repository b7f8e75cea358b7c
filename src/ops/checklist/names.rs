//! Checks what items name that only the tables of kinds and the rules know.

use crate::base::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::base::id::{KindName, StepId};
use crate::kind::Registry;
use crate::model::checklist::{Item, Validator};
use crate::model::rendered::Rendered;
use crate::policy;

/// Calls of kinds, and rules of `landfall check`.
pub fn check(scope: &Rendered, found: &mut Diagnostics) {
    for item in &scope.items {
        calls(scope, item, found);
        for validator in &item.validate {
            if let Validator::Rule { rule } = validator {
                known_rule(scope, item, rule, found);
            }
        }
    }
}

fn calls(scope: &Rendered, item: &Item, found: &mut Diagnostics) {
    for call in &item.contract.allow {
        let kind = call.rsplit_once('.').and_then(|(kind, _)| KindName::new(kind).ok());
        if kind.as_ref().is_some_and(|kind| Registry::standard().get(kind).is_some()) {
            continue;
        }
        let message = format!("`{}` allows `{call}`, and no kind is called so", item.id);
        let names: Vec<&str> = Registry::standard().names().map(KindName::as_str).collect();
        let typed = kind.as_ref().map_or("", KindName::as_str);
        let help = nearest(typed, names.iter().copied())
            .map_or_else(|| format!("known kinds: {}", names.join(", ")), |near| format!("write `{near}.…`"));
        found.push(told(scope, &item.id, Diagnostic::error("kind.unknown", message).help(help)));
    }
}

fn known_rule(scope: &Rendered, item: &Item, rule: &str, found: &mut Diagnostics) {
    let names: Vec<&str> = policy::RULES.iter().map(|rule| rule.id).collect();
    if names.contains(&rule) {
        return;
    }
    let message = format!("`{}` asks for the rule `{rule}`, which `landfall check` does not have", item.id);
    let problem = Diagnostic::error("render.unknown-rule", message);
    let problem = match nearest(rule, names.iter().copied()) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem.help(format!("the rules are: {}", names.join(", "))),
    };
    found.push(told(scope, &item.id, problem));
}

fn told(scope: &Rendered, id: &StepId, problem: Diagnostic) -> Diagnostic {
    let problem = match scope.places.get(id) {
        Some(span) => problem.at(span.clone(), "declared here"),
        None => problem,
    };
    problem.note(format!("rendered for {}", scope.scope))
}
