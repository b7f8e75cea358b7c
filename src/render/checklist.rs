//! Reads `[[item]]` and `[[gate]]` of rendered documents.

mod deed;
pub(super) mod names;
mod validator;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::base::diagnostic::Diagnostic;
use crate::base::id::{GateId, RoleName, StepId};
use crate::base::limits::{
    CHECKLIST_DAYS_MAX, CHECKLIST_LIST_MAX, CHECKLIST_TEXT_MAX, VALIDATORS_PER_ITEM_MAX,
};
use crate::base::redact::shown;
use crate::base::span::{Located, Span};
use crate::model::authority::Quorum;
use crate::model::checklist::{Contract, DayWindow, Item, Severity};
use crate::model::gate::Gate;
use crate::model::reader::{Reader, boolean, count};
use crate::model::tree::Table;

use super::document::{CODES, ID, Sheet, id};

const ROLE: &str = "a role of the estate, for example compliance";
const ITEM_NAMES: &str = "the id of an item, or its beginning with `*`, for example readiness.*; \
                          `account:` before it says the account's";
const GATE_NAMES: &str = "a gate such as g-01, or account:g-01 for the account's";

/// What an item that waits for another scope is told instead.
const ACROSS: &str = "items wait for items of their own scope: let a gate ask for the other, with \
                      `gates = [\"account:…\"]`";

/// One item; none if it has a problem without which it would be another.
pub(super) fn item(
    reader: &mut Reader<'_, '_>,
    sheet: &Sheet<'_>,
    table: &Table,
    span: Span,
) -> Option<Item> {
    let mut inner = reader.inner(table, span.clone(), "[[item]]");
    let name = inner.required("id", ID, id);
    let title = sentence(&mut inner, "title");
    let severity = inner.required("severity", "critical, high or normal", severity);
    let owner = role(&mut inner, "owner");
    let responsible = roles(&mut inner, "responsible");
    let escalate_to = role(&mut inner, "escalate_to");
    let after = after(&mut inner);
    let due = window(&mut inner);
    let plan_rows = limited(&mut inner, "plan_rows").into_iter().map(|row| row.value).collect();
    let within_days = inner.required("within_days", DAYS, days);
    let valid_days = inner.optional("valid_days", DAYS, days);
    let may_not_apply = inner.optional("may_not_apply", "true or false", boolean);
    let contract = contract(&mut inner);
    let act = deed::read(&mut inner, "act", &contract);
    let remedy = deed::read(&mut inner, "remedy", &contract);
    let validate = validators(&mut inner, &span);
    let evidence = inner.optional_text("evidence");
    inner.finish();
    Some(Item {
        id: name?.value,
        title: title?,
        severity: severity?.value,
        owner: owner?,
        responsible,
        escalate_to: escalate_to?,
        after,
        due,
        plan_rows,
        within_days: within_days?.value,
        valid_days: valid_days.map(|days| days.value),
        may_not_apply: may_not_apply.is_some_and(|said| said.value),
        contract,
        act,
        validate,
        remedy,
        evidence: evidence.map(|kind| kind.value),
        origin: sheet.origin(&span),
    })
}

/// One gate; none if it has a problem without which it would be another.
pub(super) fn gate(
    reader: &mut Reader<'_, '_>,
    sheet: &Sheet<'_>,
    table: &Table,
    span: Span,
) -> Option<Gate> {
    let mut inner = reader.inner(table, span.clone(), "[[gate]]");
    let name = inner.required("id", "a gate such as g-02", |value| GateId::new(value.as_str()?).ok());
    let title = sentence(&mut inner, "title");
    let opens = sentence(&mut inner, "opens");
    let items = spelled(&mut inner, "items", ITEM_NAMES, is_item_pattern);
    let gates = spelled(&mut inner, "gates", GATE_NAMES, is_gate_name);
    inner.require_any("signers", "the roles that sign it, one holder each");
    let signers = roles(&mut inner, "signers");
    if table.get("signers").is_some() && signers.is_empty() {
        wrong(&mut inner, span.clone(), "nobody signs this gate", "name at least one role in `signers`");
    }
    let review = inner.optional("review", "true or false", boolean).is_some_and(|said| said.value);
    let statement = sentence(&mut inner, "statement");
    let valid_days = inner.optional("valid_days", DAYS, days);
    let escalate_to = role(&mut inner, "escalate_to");
    let within_days = inner.required("within_days", DAYS, days);
    inner.finish();
    Some(Gate {
        id: name?.value,
        title: title?,
        opens: opens?,
        items,
        gates,
        quorum: Quorum { roles: signers, review },
        statement: statement?,
        valid_days: valid_days.map(|days| days.value),
        escalate_to: escalate_to?,
        within_days: within_days?.value,
        origin: sheet.origin(&span),
    })
}

const DAYS: &str = "a number of days from 1 to 3660";

fn days(value: &Value) -> Option<u32> {
    count(value).filter(|days| (1..=CHECKLIST_DAYS_MAX).contains(days))
}

fn severity(value: &Value) -> Option<Severity> {
    match value.as_str()? {
        "critical" => Some(Severity::Critical),
        "high" => Some(Severity::High),
        "normal" => Some(Severity::Normal),
        _ => None,
    }
}

fn wrong(reader: &mut Reader<'_, '_>, span: Span, message: &str, help: &str) {
    reader.found().push(Diagnostic::error(CODES.wrong, message).at(span, "here").help(help));
}

/// A text that says something and can be read.
fn sentence(reader: &mut Reader<'_, '_>, key: &'static str) -> Option<String> {
    let fits = |value: &Value| {
        let text = value.as_str()?.trim();
        (!text.is_empty() && text.chars().count() <= CHECKLIST_TEXT_MAX).then(|| text.to_owned())
    };
    reader.required(key, "a text of 1 to 2000 characters", fits).map(|text| text.value)
}

fn role_name(value: &Value) -> Option<RoleName> {
    RoleName::new(value.as_str()?).ok()
}

fn role(reader: &mut Reader<'_, '_>, key: &'static str) -> Option<RoleName> {
    reader.required(key, ROLE, role_name).map(|role| role.value)
}

fn roles(reader: &mut Reader<'_, '_>, key: &'static str) -> BTreeSet<RoleName> {
    spelled(reader, key, ROLE, |text| RoleName::new(text).is_ok())
        .into_iter()
        .filter_map(|text| RoleName::new(text).ok())
        .collect()
}

/// A list of texts, cut off where nobody could read on.
fn limited(reader: &mut Reader<'_, '_>, key: &'static str) -> Vec<Located<String>> {
    let mut texts = reader.texts(key);
    if let Some(first) = texts.get(CHECKLIST_LIST_MAX) {
        let message = format!("`{key}` has {} entries, more than {CHECKLIST_LIST_MAX}", texts.len());
        let span = first.span.clone();
        wrong(reader, span, &message, "split it into several");
        texts.truncate(CHECKLIST_LIST_MAX);
    }
    texts
}

/// A list of texts that are spelled by a rule.
fn spelled(
    reader: &mut Reader<'_, '_>,
    key: &'static str,
    expected: &str,
    fits: impl Fn(&str) -> bool,
) -> Vec<String> {
    let mut kept = Vec::new();
    for text in limited(reader, key) {
        if fits(&text.value) {
            kept.push(text.value);
        } else {
            let message = format!("`{}` in `{key}` is not {expected}", shown(&text.value));
            reader.found().push(Diagnostic::error(CODES.wrong, message).at(text.span, "not one"));
        }
    }
    kept
}

/// A name of the account's without its prefix.
pub(super) fn of_account(text: &str) -> Option<&str> {
    text.strip_prefix("account:")
}

fn is_item_pattern(text: &str) -> bool {
    let text = of_account(text).unwrap_or(text);
    match text.strip_suffix('*') {
        Some(start) => start.is_empty() || StepId::new(start.trim_end_matches(['.', '-', '_'])).is_ok(),
        None => StepId::new(text).is_ok(),
    }
}

fn is_gate_name(text: &str) -> bool {
    GateId::new(of_account(text).unwrap_or(text)).is_ok()
}

fn after(reader: &mut Reader<'_, '_>) -> Vec<StepId> {
    let mut after = Vec::new();
    for text in limited(reader, "after") {
        match StepId::new(text.value.as_str()) {
            Ok(id) => after.push(id),
            Err(_) => {
                let across = text.value.starts_with("account:") || text.value.starts_with("region:");
                let help = if across { ACROSS } else { "write the id of another [[item]]" };
                let message = format!("`{}` is not {ID}", shown(&text.value));
                wrong(reader, text.span, &message, help);
            }
        }
    }
    after
}

fn window(reader: &mut Reader<'_, '_>) -> Option<DayWindow> {
    let (table, span) = reader.table("due")?;
    let mut inner = reader.inner(table, span.clone(), "due");
    let from = inner.required("from", DAYS, days);
    let to = inner.required("to", DAYS, days);
    inner.finish();
    let window = DayWindow { from: from?.value, to: to?.value };
    if window.to < window.from {
        let message = format!("day {} is before day {}", window.to, window.from);
        wrong(reader, span, &message, "`to` is the last day, `from` the first");
        return None;
    }
    Some(window)
}

fn contract(reader: &mut Reader<'_, '_>) -> Contract {
    let allow = spelled(reader, "allow", deed::CALL, deed::is_call);
    Contract { allow: allow.into_iter().collect() }
}

fn validators(reader: &mut Reader<'_, '_>, place: &Span) -> Vec<crate::model::checklist::Validator> {
    reader.require_any("validate", "at least one [[item.validate]]: without one it could never be done");
    let tables = reader.tables("validate");
    if tables.len() > VALIDATORS_PER_ITEM_MAX {
        let message = format!("an item has {} tests, more than {VALIDATORS_PER_ITEM_MAX}", tables.len());
        wrong(reader, place.clone(), &message, "make two items of it");
    }
    let tables = tables.into_iter().take(VALIDATORS_PER_ITEM_MAX);
    tables.filter_map(|(table, span)| validator::read(reader, table, span)).collect()
}
