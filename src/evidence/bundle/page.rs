//! What the index page says, once, for a person who reads evidence; written as `index.html` and `index.pdf`.
//!
//! The order is that of need: what it is, what came of it in a sentence and five answers, what needs an eye; then controls,
//! changes, people, populations, how to check it; last, every step with its evidence.

mod changes;
mod check;
mod controls;
mod eye;
mod facts;
mod head;
mod people;
mod populations;
mod steps;
mod summary;

use super::Content;
use crate::document::Document;
use facts::Facts;

/// The page.
pub(super) fn document(content: &Content<'_>) -> Document {
    let parts = content.parts;
    let facts = Facts::of(content);
    let sections = [
        head::blocks(&facts),
        summary::blocks(&facts),
        eye::blocks(&facts),
        controls::blocks(&facts),
        changes::blocks(&facts),
        people::blocks(&facts),
        populations::blocks(&facts),
        check::blocks(&facts),
        steps::blocks(&facts),
    ];
    let rehearsal = if parts.rehearsal { "Rehearsal, nothing of it really happened. " } else { "" };
    Document {
        title: format!("Evidence of site {}", facts.site()),
        author: parts.exported_by.clone(),
        producer: parts.tool.clone(),
        identity: format!("{} {}", content.checkpoint.origin, content.checkpoint.root),
        made_at: parts.exported_at,
        foot: format!(
            "{rehearsal}Evidence of site {}, as of {}, {} entries",
            parts.site,
            facts.zone.moment(parts.exported_at),
            content.checkpoint.size
        ),
        blocks: sections.concat(),
    }
}

/// `1 entry`, `2 entries`.
fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

/// The first of some things, and in words how many are left out, if some are.
fn first<T>(things: Vec<T>, most: usize, left: impl Fn(usize) -> T) -> Vec<T> {
    let over = things.len().saturating_sub(most);
    let more = (over > 0).then(|| left(over));
    things.into_iter().take(most).chain(more).collect()
}
