//! The time stamps of a bundle: one over the site's checkpoint, one over the org log's.

use crate::evidence::bundle::{Parts, layout};
use crate::ops::Context;
use crate::ops::error::Failure;
use crate::ops::timestamps::{self, Stamped};

use super::Wanted;

/// Adds what time-stamp services say. What they do not say stops no export: it is told, and tried again.
pub(super) fn attach(context: &Context, wanted: &Wanted, parts: &mut Parts) -> Result<Vec<String>, Failure> {
    if wanted.rehearsal || wanted.timestamps.is_empty() {
        return Ok(Vec::new());
    }
    let notes = [
        (layout::STAMP, parts.checkpoint.clone()),
        (layout::ORG_STAMP, parts.heads_proof.checkpoint.clone()),
    ];
    let mut troubles = Vec::new();
    let mut chain = None::<String>;
    for (path, note) in notes {
        match timestamps::over(context, &wanted.timestamps, note.as_bytes()) {
            Ok(Stamped { reply, stamp, chain: certificates }) => {
                parts.attachments.insert(path.to_owned(), reply);
                let all = chain.get_or_insert_default();
                if !all.contains(&certificates) {
                    all.push_str(&certificates);
                }
                if path == layout::STAMP {
                    parts.stamped = Some(stamp);
                }
            }
            Err(why) => troubles.push(format!("no time stamp for {path}: {why}")),
        }
    }
    if let Some(chain) = chain {
        parts.attachments.insert(layout::STAMP_CHAIN.to_owned(), chain.into_bytes());
    }
    Ok(troubles)
}
