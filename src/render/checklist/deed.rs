//! Reads what is done for an item, and holds it against the item's contract.

use crate::base::diagnostic::{Diagnostic, nearest};
use crate::base::id::KindName;
use crate::base::limits::DEED_WORDS_MAX;
use crate::base::redact::shown;
use crate::base::span::{Located, Span};
use crate::model::checklist::{Contract, Deed};
use crate::model::reader::Reader;
use crate::model::tree::Table;

use super::{ID, id, limited, role, sentence, wrong};

/// What a deed or an entry of a contract names.
pub(super) const CALL: &str =
    "a kind and a verb (read, create, update, delete), for example databricks.group.update";

const VERBS: [&str; 4] = ["read", "create", "update", "delete"];
const DEEDS: [&str; 3] = ["call", "agent", "tell"];

/// Whether it is spelled as `<kind>.<verb>`.
pub(super) fn is_call(text: &str) -> bool {
    let parts = text.rsplit_once('.');
    parts.is_some_and(|(kind, verb)| KindName::new(kind).is_ok() && VERBS.contains(&verb))
}

/// The deed under this key, if there is one.
pub(super) fn read(reader: &mut Reader<'_, '_>, key: &'static str, contract: &Contract) -> Option<Deed> {
    let (table, span) = reader.table(key)?;
    let mut inner = reader.inner(table, span.clone(), key);
    let call = inner.table("call");
    let agent = inner.table("agent");
    let tell = inner.table("tell");
    let mut deeds = Vec::new();
    if let Some((table, span)) = call {
        deeds.push(called(&mut inner, table, span, contract));
    }
    if let Some((table, span)) = agent {
        deeds.push(proposed(&mut inner, table, span));
    }
    if let Some((table, span)) = tell {
        deeds.push(told(&mut inner, table, span));
    }
    let given = DEEDS.iter().filter(|deed| table.get(deed).is_some()).count();
    inner.finish();
    if given != 1 {
        let message = format!("`{key}` does {given} things");
        wrong(reader, span, &message, "give exactly one of `call`, `agent` and `tell`");
        return None;
    }
    deeds.pop().flatten()
}

fn called(reader: &mut Reader<'_, '_>, table: &Table, span: Span, contract: &Contract) -> Option<Deed> {
    let mut inner = reader.inner(table, span, "call");
    let call =
        inner.required("call", CALL, |value| value.as_str().filter(|text| is_call(text)).map(str::to_owned));
    let on = inner.required("on", ID, id);
    let spec = inner.required_table("spec", "a table with what is changed, or the desired state");
    let spec = spec.map(|(table, _)| table.to_json());
    inner.finish();
    let call = within(reader, call?, contract)?;
    Some(Deed::Call { call, on: on?.value, spec: spec? })
}

/// The call, if the contract allows it.
fn within(reader: &mut Reader<'_, '_>, call: Located<String>, contract: &Contract) -> Option<String> {
    if contract.allow.contains(&call.value) {
        return Some(call.value);
    }
    let message = format!("the item does `{}`, which its contract does not allow", shown(&call.value));
    let allowed = contract.allow.iter().map(String::as_str);
    let help = match nearest(&call.value, allowed) {
        Some(near) => format!("did you mean `{near}`? Else add it to `allow`"),
        None => format!("add \"{}\" to the item's `allow`", shown(&call.value)),
    };
    let problem = Diagnostic::error("render.outside-contract", message);
    reader.found().push(problem.at(call.span, "not in `allow`").help(help));
    None
}

fn proposed(reader: &mut Reader<'_, '_>, table: &Table, span: Span) -> Option<Deed> {
    let mut inner = reader.inner(table, span.clone(), "agent");
    inner.require_any(
        "command",
        "the program and its arguments, for example [\"agents/inventory\", \"--site\"]",
    );
    let words = limited(&mut inner, "command");
    inner.finish();
    let command: Vec<String> = words.into_iter().map(|word| word.value).collect();
    table.get("command")?;
    if command.first().is_none_or(|program| program.trim().is_empty()) || command.len() > DEED_WORDS_MAX {
        let message =
            format!("an agent's command has 1 to {DEED_WORDS_MAX} words, of which the first is the program");
        wrong(reader, span, &message, "write `command = [\"program\", \"argument\"]`");
        return None;
    }
    Some(Deed::Agent { command })
}

fn told(reader: &mut Reader<'_, '_>, table: &Table, span: Span) -> Option<Deed> {
    let mut inner = reader.inner(table, span, "tell");
    let whom = role(&mut inner, "role");
    let text = sentence(&mut inner, "text");
    inner.finish();
    Some(Deed::Tell { role: whom?, text: text? })
}
