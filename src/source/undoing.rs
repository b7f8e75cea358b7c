//! Reads what an estate says about undoing: what follows a failed run, and what is accepted that cannot be undone.

use crate::base::diagnostic::Diagnostic;
use crate::base::id::KindName;
use crate::kind::Registry;
use crate::model::estate::OnFailure;
use crate::model::plan::{Consent, Reversal};
use crate::model::reader::Reader;

/// Reads `on_failure`.
pub(super) fn on_failure(reader: &mut Reader<'_, '_>) -> Option<OnFailure> {
    let word = reader.optional("on_failure", "hold or rollback", |value| {
        let known = OnFailure::ALL.iter().find(|(word, _)| value.as_str() == Some(word));
        known.map(|(_, choice)| *choice)
    });
    word.map(|word| word.value)
}

/// Reads `[[accept_one_way]]` tables. Each names one kind whose making cannot be undone; there are no wildcards.
pub(super) fn consents(reader: &mut Reader<'_, '_>) -> Vec<Consent> {
    let tables = reader.tables("accept_one_way");
    let mut consents = Vec::new();
    for (table, span) in tables {
        let mut inner = reader.inner(table, span, "[[accept_one_way]]");
        let what = inner.required(
            "what",
            "a kind and the word create, as `databricks.log_delivery create`",
            |value| KindName::new(value.as_str()?.strip_suffix(" create")?).ok(),
        );
        let (reason, owner) = (inner.text("reason"), inner.text("owner"));
        if let Some(what) = &what
            && !can_be_one_way(&what.value)
        {
            let message = format!("making a `{}` can be undone, or no kind is called so", what.value);
            inner.found().push(
                Diagnostic::error("estate.wrong-value", message)
                    .at(what.span.clone(), "nothing to accept")
                    .help("remove it; landfall plan names what cannot be undone"),
            );
        }
        inner.finish();
        if let (Some(what), Some(reason), Some(owner)) = (what, reason, owner) {
            consents.push(Consent { kind: what.value, reason: reason.value, owner: owner.value });
        }
    }
    consents
}

fn can_be_one_way(kind: &KindName) -> bool {
    Registry::standard().get(kind).is_some_and(|kind| {
        let exceptions = kind.reversal.exceptions.iter().map(|one| one.rank);
        exceptions.chain([kind.reversal.create.rank]).any(|rank| rank == Reversal::OneWay)
    })
}
