//! What it takes to undo an operation, by the kind's table: the kind as a whole first, then field by field.

use serde_json::Value;

use super::always_there;
use super::normal::is_empty;
use crate::model::kind::{Kind, OneWay};
use crate::model::plan::{FieldChange, Operation, Reversal};

/// How far an operation can be undone.
pub fn reversal(kind: &Kind, operation: Operation, spec: &Value, changes: &[FieldChange]) -> Reversal {
    undo(kind, operation, spec, changes).0
}

/// How far an operation can be undone, and the table's reason; no reason where nothing is lost.
pub fn undo<'k>(
    kind: &'k Kind,
    operation: Operation,
    spec: &Value,
    changes: &[FieldChange],
) -> (Reversal, &'k str) {
    let (made, deleted) = (kind.reversal.of_create(spec), &kind.reversal.delete);
    let deleted = (deleted.rank, deleted.reason.as_str());
    let whole = match operation {
        Operation::None => return (Reversal::Reversible, ""),
        // What is always there is never made: the first change of it is what making is for others.
        Operation::Update if always_there(kind) => made,
        Operation::Update => (Reversal::Reversible, ""),
        Operation::Create => made,
        Operation::Delete => deleted,
        Operation::Replace if deleted.0 >= made.0 => deleted,
        Operation::Replace => made,
    };
    let field = (operation == Operation::Update).then(|| one_way_field(kind, changes)).flatten();
    match field {
        Some(reason) if whole.0 != Reversal::OneWay => (Reversal::OneWay, reason),
        _ => whole,
    }
}

/// The reason of the first change that a field's rule says cannot be taken back.
fn one_way_field<'k>(kind: &'k Kind, changes: &[FieldChange]) -> Option<&'k str> {
    let rule = |change: &FieldChange| {
        let field = kind.field(&change.at)?;
        let one_way = match field.one_way? {
            OneWay::Set => change.from.as_ref().is_none_or(is_empty),
            OneWay::Change => true,
        };
        one_way.then_some(field.reason.as_str())
    };
    changes.iter().find_map(rule)
}

/// Why a change in place may shut out whoever would have to take it back; nothing if none does.
pub fn shuts_out<'k>(kind: &'k Kind, operation: Operation, changes: &[FieldChange]) -> Option<&'k str> {
    if operation != Operation::Update {
        return None;
    }
    let rule = |change: &FieldChange| {
        let mut rules = kind.fields.iter().filter(|field| field.shuts_out);
        let below = |at: &str| {
            change.at.strip_prefix(at).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        // Opening up shuts nobody out.
        let opens = change.to == Some(Value::Bool(true));
        rules.find(|field| !opens && below(&field.at)).map(|field| field.reason.as_str())
    };
    changes.iter().find_map(rule)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kind::sample;

    fn change(at: &str, from: Option<Value>) -> FieldChange {
        FieldChange {
            at: at.to_owned(),
            from,
            to: Some(json!("new")),
            known_after: None,
            forces_replacement: false,
            reason: String::new(),
        }
    }

    #[test]
    fn operations_are_ranked_by_the_tables() {
        use Operation::{Create, Delete, None, Replace, Update};
        use Reversal::{OneWay, Reversible, WithLoss};
        let csp = json!({ "type": "shield_csp_enablement_ws_db" });
        for (kind, operation, spec, expect) in [
            ("catalog", Create, json!({}), Reversible),
            ("catalog", Update, json!({}), Reversible),
            ("catalog", Delete, json!({}), OneWay),
            ("catalog", Replace, json!({}), OneWay),
            ("catalog", None, json!({}), Reversible),
            ("group", Delete, json!({}), WithLoss),
            ("group", Replace, json!({}), WithLoss),
            ("log_delivery", Create, json!({}), OneWay),
            ("log_delivery", Replace, json!({}), OneWay),
            ("log_delivery", Delete, json!({}), WithLoss),
            ("workspace_setting", Update, csp.clone(), OneWay),
            ("workspace_setting", None, csp, Reversible),
            ("workspace_setting", Update, json!({ "type": "disable_legacy_dbfs" }), Reversible),
        ] {
            assert_eq!(reversal(sample(kind), operation, &spec, &[]), expect, "{kind} {operation:?}");
        }
    }

    #[test]
    fn a_field_that_can_be_set_and_never_removed_is_one_way_when_it_is_set() {
        let workspace = sample("workspace");
        let at = "/private_access_settings_id";
        let of = |operation, from| reversal(workspace, operation, &json!({}), &[change(at, from)]);
        assert_eq!(of(Operation::Update, None), Reversal::OneWay);
        assert_eq!(of(Operation::Update, Some(json!(""))), Reversal::OneWay);
        assert_eq!(of(Operation::Update, Some(json!("pas-1"))), Reversal::Reversible, "swapped");
        assert_eq!(of(Operation::Create, None), Reversal::Reversible, "a workspace can be deleted");
        let network = change("/network_id", None);
        assert_eq!(reversal(workspace, Operation::Update, &json!({}), &[network]), Reversal::Reversible);
    }
}
