//! Whether every decision that the log holds is there as it was signed, and no other.

use std::collections::BTreeSet;

use super::{Failure, Files, Found, needed};
use crate::evidence::decisions::{FOLDER, of, path, signature_path, unanswered, wrong};
use crate::model::entry::Entry;

pub(super) fn signatures(files: &Files, entries: &Option<Vec<Entry>>) -> Found<()> {
    let entries = needed(entries, "the log")?;
    let decisions = of(entries);
    let wrong = decisions.iter().find_map(|(seq, signed)| wrong(files, *seq, signed));
    if let Some(wrong) = wrong.or_else(|| unanswered(entries)) {
        return Err(Failure::broken(wrong));
    }
    let known: BTreeSet<String> =
        decisions.iter().flat_map(|(seq, _)| [path(*seq), signature_path(*seq)]).collect();
    let odd = files.keys().find(|path| path.starts_with(FOLDER) && !known.contains(*path));
    if let Some(odd) = odd {
        return Err(Failure::broken(format!("{odd} belongs to no decision of the log")));
    }
    Ok((
        (),
        match decisions.len() {
            0 => "the log holds no decision".to_owned(),
            1 => "1 decision, as it was signed".to_owned(),
            count => format!("{count} decisions, as they were signed"),
        },
    ))
}
