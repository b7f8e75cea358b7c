//! Who pulled which bundle, when: an entry of the org log for each.

use serde_json::json;

use crate::base::id::LogId;
use crate::journal::Journal;
use crate::ops::Context;
use crate::ops::error::Failure;
use crate::ops::note::{self, Note};

use super::{Pulled, Wanted};

/// The kind of the entry.
pub const EXPORTED: &str = "bundle.exported";

/// Records bundles that are about to leave, in one step. A bundle has no name before this is durable, so that none is
/// out there that nobody wrote down; one that then fails to appear was written down for nothing.
pub(super) fn exported(
    context: &Context,
    journal: &mut dyn Journal,
    bundles: &[(&Wanted, &Pulled)],
) -> Result<(), Failure> {
    let note = |(wanted, pulled): &(&Wanted, &Pulled)| {
        let body = json!({
            "site": wanted.site,
            "entries": pulled.entries,
            "files": pulled.files,
            "sums": pulled.sums,
        });
        Note::new(EXPORTED, body).by(&wanted.actor)
    };
    let notes: Vec<Note> = bundles.iter().map(note).collect();
    if notes.is_empty() {
        return Ok(());
    }
    note::write(context, journal, &LogId::Org, |_| Ok((notes, ())))?;
    Ok(())
}
