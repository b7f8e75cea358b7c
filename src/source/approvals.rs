//! Reads the estate's `[[approval]]` tables: which plans need whose signatures.

use std::collections::{BTreeMap, BTreeSet};

use crate::approval::need::is_of_site;
use crate::base::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::base::id::RoleName;
use crate::base::limits::{APPROVAL_RULES_MAX, PLAN_VALID_DAYS_MAX};
use crate::base::redact::shown;
use crate::base::span::{Located, Span};
use crate::model::authority::{ApprovalRule, GateUse, Quorum, When};
use crate::model::people::{SITE_OPS_LEAD, SITE_STEWARD};
use crate::model::reader::{Reader, boolean, count};
use crate::model::tree::Table;
use crate::people::register;

use super::ESTATE_CODES;

/// The role of programs, which can never decide.
const AUTOMATION: &str = "automation";

/// Reads the rules. `roles` are those that the estate fills, `valid_days` is what counts where a rule says nothing.
pub(super) fn read(
    reader: &mut Reader<'_, '_>,
    roles: &BTreeMap<String, Located<String>>,
    valid_days: u32,
) -> Vec<ApprovalRule> {
    let filled: BTreeSet<RoleName> = roles
        .keys()
        .filter_map(|name| RoleName::new(name.as_str()).ok())
        .map(|role| register::canonical(&role))
        .chain([SITE_STEWARD, SITE_OPS_LEAD].iter().filter_map(|role| RoleName::new(*role).ok()))
        .collect();
    let mut all: Vec<(ApprovalRule, Span)> = Vec::new();
    for (table, span) in reader.tables("approval") {
        if all.len() == APPROVAL_RULES_MAX {
            let message = format!("there are more than {APPROVAL_RULES_MAX} [[approval]] tables");
            reader.found().push(wrong(message).at(span, "from here on"));
            break;
        }
        let Some(rule) = rule(reader, table, &span, &filled, valid_days) else { continue };
        match all.iter().find(|(other, _)| other.id == rule.id) {
            Some((_, first)) => {
                let problem = wrong(format!("two rules are called `{}`", rule.id));
                let problem = problem.at(span, "the second").at(first.clone(), "the first");
                reader.found().push(problem.help("give each [[approval]] an id of its own"));
            }
            None => all.push((rule, span)),
        }
    }
    if let Some((_, first)) = all.first()
        && !all.iter().any(|(rule, _)| rule.when == When::Changes)
    {
        let problem = wrong("no rule is about every plan that changes something".to_owned());
        let problem = problem.at(first.clone(), "rules that are written here replace the built-in ones");
        reader.found().push(problem.help("add an [[approval]] with `when = \"changes\"`"));
    }
    all.into_iter().map(|(rule, _)| rule).collect()
}

fn wrong(message: String) -> Diagnostic {
    Diagnostic::error(ESTATE_CODES.wrong, message)
}

fn rule(
    reader: &mut Reader<'_, '_>,
    table: &Table,
    span: &Span,
    filled: &BTreeSet<RoleName>,
    valid_days: u32,
) -> Option<ApprovalRule> {
    let mut inner = reader.inner(table, span.clone(), "[[approval]]");
    let id = inner.required("id", "a lower-case word such as one-way", |value| {
        value.as_str().filter(|text| RoleName::new(*text).is_ok()).map(str::to_owned)
    });
    let sorts = When::ALL.map(|(word, _)| word).join(", ");
    let when = inner.required("when", &format!("one of {sorts}"), |value| {
        let word = value.as_str()?;
        When::ALL.iter().find(|(name, _)| *name == word).map(|(_, when)| *when)
    });
    let written = inner.texts("roles");
    let some = !written.is_empty();
    let roles: Vec<Option<RoleName>> =
        written.into_iter().map(|name| role(name, filled, inner.found())).collect();
    let review = inner.optional("review", "true or false", boolean).is_some_and(|review| review.value);
    let words = format!("a number of days from 1 to {PLAN_VALID_DAYS_MAX}");
    let days = inner.optional("valid_days", &words, |value| {
        count(value).filter(|days| (1..=PLAN_VALID_DAYS_MAX).contains(days))
    });
    inner.finish();
    if !some && !review {
        let problem = wrong("this rule asks for nobody".to_owned()).at(span.clone(), "no role and no review");
        reader.found().push(problem.help("name roles: `roles = [\"compliance\"]`"));
        return None;
    }
    let roles: BTreeSet<RoleName> = roles.into_iter().collect::<Option<_>>()?;
    let when = when?.value;
    if when == When::Shared && !review && roles.iter().all(is_of_site) {
        let problem =
            wrong("this rule asks for nobody: the account and regions have no site's roles".to_owned());
        reader
            .found()
            .push(problem.at(span.clone(), "only roles of sites").help("name a role of the program"));
        return None;
    }
    let valid_days = days.map_or(valid_days, |days| days.value);
    Some(ApprovalRule { id: id?.value, when, quorum: Quorum { roles, review }, valid_days })
}

/// A role that somebody fills.
fn role(written: Located<String>, filled: &BTreeSet<RoleName>, found: &mut Diagnostics) -> Option<RoleName> {
    let role = RoleName::new(written.value.as_str()).ok().map(|role| register::canonical(&role));
    if role.as_ref().is_some_and(|role| role.as_str() == AUTOMATION) {
        let problem = wrong("automation can never decide".to_owned()).at(written.span, "not a person");
        found.push(problem.help("name a role that people hold"));
        return None;
    }
    let known = role.filter(|role| filled.contains(role));
    if known.is_none() {
        let problem = wrong(format!("nobody holds the role `{}`", shown(&written.value)));
        let near = nearest(&written.value, filled.iter().map(RoleName::as_str));
        let help = near.map_or("fill it in [roles]".to_owned(), |near| format!("did you mean `{near}`?"));
        found.push(problem.at(written.span, "would wait for ever").help(help));
    }
    known
}

/// Whether a target asks for approvals: always one of a real account, unless its host is this machine.
pub(super) fn gates(
    written: Option<&Located<GateUse>>,
    real: bool,
    host: Option<(&Located<String>, bool)>,
    found: &mut Diagnostics,
) -> GateUse {
    let Some(written) = written else { return if real { GateUse::Enforce } else { GateUse::Open } };
    let open = match written.value {
        GateUse::Open => true,
        GateUse::Enforce => false,
    };
    if let (true, true, Some((host, false))) = (open, real, host) {
        found.push(
            wrong("the gates of a real account cannot be open".to_owned())
                .at(written.span.clone(), "anybody could change it without asking")
                .at(host.span.clone(), "this host is not this machine")
                .help("remove `gates`, or write `gates = \"enforce\"`"),
        );
    }
    written.value
}
