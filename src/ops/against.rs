//! The plan that another plan is compared with: a saved one, or the one that a run carried out.

use std::path::Path;

use crate::base::id::LogId;
use crate::journal::Journal;
use crate::model::plan::SavedPlan;
use crate::ops::error::Failure;
use crate::ops::launch::PLAN_FILE;
use crate::ops::plan::{parse, read};

/// A plan to compare with, and how it is called.
#[derive(Debug)]
pub struct Other {
    /// Its name, for people.
    pub name: String,
    /// The plan.
    pub saved: SavedPlan,
}

/// Finds the plan: the file of this path if there is one, else the plan of the run whose name begins so.
///
/// # Errors
///
/// If there is neither, several runs begin so, or the plan cannot be read.
pub fn find(text: &str, journal: &dyn Journal) -> Result<Other, Failure> {
    let path = Path::new(text);
    if path.is_file() {
        return Ok(Other { name: text.to_owned(), saved: read(path)? });
    }
    let lines = journal.read(&LogId::Org, 0)?;
    let of_run = lines.iter().filter(|line| line.entry.kind == "launch.started");
    let named = of_run.filter_map(|line| Some((line.entry.run.as_ref()?, line)));
    let found: Vec<_> = named.filter(|(run, _)| !text.is_empty() && run.as_str().starts_with(text)).collect();
    let (run, line) = match found.as_slice() {
        [one] => one,
        [] => {
            let message = format!("`{text}` is neither a plan's file nor a run");
            return Err(Failure::usage(
                message,
                "landfall plan --out FILE saves a plan; landfall log org names the runs",
            ));
        }
        several => {
            let names: Vec<&str> = several.iter().map(|(run, _)| run.as_str()).collect();
            return Err(Failure::usage(format!("several runs begin with `{text}`"), names.join(", ")));
        }
    };
    let bad = |what: String| Failure::NotVerified { what: format!("the plan of run {run}: {what}") };
    let named = line.entry.refs.iter().find(|named| named.path == PLAN_FILE);
    let named =
        named.ok_or_else(|| bad(format!("entry {} of the org log does not name it", line.entry.seq)))?;
    let saved = parse(&journal.get_blob(&named.sha256)?).map_err(|error| bad(error.to_string()))?;
    Ok(Other { name: format!("run {run}"), saved })
}
