//! The cheapest second copy: a comment with origin, size and root on the ticket of every open change of a site.

use std::collections::BTreeSet;

use crate::base::id::{LogId, ScopeId};
use crate::evidence::checkpoint::Checkpoint;
use crate::evidence::note::SignedNote;
use crate::model::change::ChangeState;
use crate::ops::changes::Book;
use crate::ops::error::Failure;
use crate::ops::{checkpoints, tickets};
use crate::post;

use super::{Given, Outside};

/// Writes the comment where there is an open change with a ticket; other logs than sites' have none.
pub(super) fn comment(outside: &Outside<'_>, given: &Given<'_>) -> Result<(), Failure> {
    let Ok(LogId::Scope(ScopeId::Site(site))) = given.log.parse::<LogId>() else { return Ok(()) };
    let book = Book::read(outside.journal)?;
    let open = book.changes.values().filter(|change| change.state != ChangeState::Closed);
    let numbers: BTreeSet<&str> = open
        .filter(|change| change.opened.sites.contains(&site))
        .filter_map(|change| change.opened.ticket.as_deref())
        .collect();
    if numbers.is_empty() {
        return Ok(());
    }
    let told = |what: String| Failure::failed(format!("{} at {}: {what}", given.log, given.size));
    let note = SignedNote::parse(given.file(checkpoints::CHECKPOINT)).map_err(|e| told(e.to_string()))?;
    let checkpoint = Checkpoint::parse(note.unverified_text()).map_err(|e| told(e.to_string()))?;
    let text = text(&checkpoint);
    let system =
        tickets::reach(outside.context, tickets::of(outside.estate)?).map_err(|e| told(e.to_string()))?;
    for number in numbers {
        let system = &*system;
        // The root is in the text, so that a comment whose answer did not come is looked for and not written twice.
        let said = post::wait(async {
            if system.read(number).await.is_ok_and(|read| read.ticket.commented.contains(&checkpoint.root)) {
                return Ok(());
            }
            tickets::comment(system, number, &checkpoint.root, &text).await
        });
        said.map_err(|e| told(e.to_string()))?.map_err(|e| told(format!("ticket {number}: {e}")))?;
    }
    Ok(())
}

fn text(checkpoint: &Checkpoint) -> String {
    let Checkpoint { origin, size, root } = checkpoint;
    format!(
        "Landfall checkpoint of {origin}\n{size} entries, root sha256 {root}\nKeep this comment: it shows later that no entry was changed."
    )
}
