//! Populations: complete lists an auditor draws samples from, each with its source, its query and its count.
//!
//! Where the platform was asked for its own lists, they are the populations, with the proof that every page was read. The
//! others come from this site's own log, and say so: an object that somebody made beside this program is in none of them.

pub mod lead_sheet;
pub mod lineage;
pub mod platform;
pub mod reconcile;
pub mod sample;
pub mod summary;
mod table;
mod tables;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::id::StepId;
use crate::base::time::Timestamp;

use super::answer::Answer;
use super::bundle::{Files, Parts};
use super::question::ask::{self, Change, changes_of};
use super::records::{BadRecords, Records, Seen, readback};
use super::rights::{observed, written};

pub use lead_sheet::BadLeadSheet;
pub use lineage::{LINEAGE_DATA, Lineage};
pub use platform::Taken;
pub use reconcile::{Counted, Difference, Reconciled, Standing};
pub use sample::Sample;
pub use summary::{PopulationLine, PopulationSummary, ReconciliationLine};

/// The folder of populations in a bundle.
pub const FOLDER: &str = "population/";
/// The list of populations that sample tests begin with.
pub const LEAD_SHEET: &str = "lead-sheet.csv";
/// The same with samples, as a workbook.
pub const LEAD_WORKBOOK: &str = "lead-sheet.xlsx";
/// Both counts of each reconciliation, and the differences.
pub const RECONCILIATION: &str = "population/reconciliation.csv";
/// The same as data.
pub const RECONCILIATION_DATA: &str = "population/reconciliation.json";
/// The items of all samples.
pub const SAMPLES: &str = "population/samples.csv";
/// Format version of [`RECONCILIATION_DATA`].
pub const RECONCILIATION_VERSION: u32 = 1;

const SOURCE: &str = "this site's own log, not a list of the platform's";

/// A population of objects of one kind: its columns and where in a read-back they stand.
struct Objects {
    name: &'static str,
    kind: &'static str,
    columns: &'static [&'static str],
    pointers: &'static [&'static str],
}

const OBJECTS: [Objects; 4] = [
    Objects {
        name: "workspaces",
        kind: "databricks.workspace",
        columns: &["step", "entry", "observed at", "id", "name", "region", "status", "tier", "tags"],
        pointers: &[
            "/workspace_id",
            "/workspace_name",
            "/aws_region",
            "/workspace_status",
            "/pricing_tier",
            "/custom_tags",
        ],
    },
    Objects {
        name: "catalogs",
        kind: "databricks.catalog",
        columns: &["step", "entry", "observed at", "name", "owner", "isolation", "storage"],
        pointers: &["/name", "/owner", "/isolation_mode", "/storage_root"],
    },
    Objects {
        name: "groups",
        kind: "databricks.group",
        columns: &["step", "entry", "observed at", "id", "name"],
        pointers: &["/id", "/displayName"],
    },
    Objects {
        name: "assignments",
        kind: "databricks.workspace_assignment",
        columns: &["step", "entry", "observed at", "workspace", "principal", "permissions"],
        pointers: &["/workspace_id", "/principal_id", "/permissions"],
    },
];

/// One population.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Population {
    /// Its name, which is also its file's.
    pub name: &'static str,
    /// How it was drawn, in words that can be repeated by hand.
    pub query: String,
    /// Its rows.
    pub rows: Answer,
    /// The first and the last moment it is about.
    pub span: Option<(Timestamp, Timestamp)>,
    /// How the platform gave it; none if it was drawn from the log.
    pub taken: Option<Taken>,
}

/// What was applied against what was read back afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconciliation {
    /// Objects to which the log says a call was sent that changes something.
    pub applied: usize,
    /// Those of them that were read back after their last call.
    pub read_back: usize,
    /// The others, each with what is known of it.
    pub differences: Vec<(StepId, String)>,
    /// Objects that were read back without any call before: found as they should be.
    pub found: usize,
}

/// All populations of a site, with their reconciliation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Populations {
    /// The populations.
    pub all: Vec<Population>,
    /// Applied against read back.
    pub reconciliation: Reconciliation,
    /// The log against sources that this program does not control.
    pub reconciled: Vec<Reconciled>,
    /// A sample of each population.
    pub samples: Vec<Sample>,
    /// What gold tables were made from; none if it was never read.
    pub lineage: Option<Lineage>,
    entries: usize,
    /// When the newest entry was written: the same log gives the same bytes, whenever it is exported.
    last: Timestamp,
}

/// The form of [`RECONCILIATION_DATA`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReconciliationData {
    /// Format version.
    pub v: u32,
    /// The reconciliations.
    pub reconciled: Vec<Reconciled>,
}

impl Population {
    /// The path of its rows in a bundle.
    pub fn path(&self) -> String {
        format!("{FOLDER}{}.csv", self.name)
    }

    /// The path of its query in a bundle.
    pub fn query_path(&self) -> String {
        format!("{FOLDER}{}.query.txt", self.name)
    }

    /// Where it comes from, in a sentence.
    pub fn source(&self) -> String {
        let Some(Taken { read, .. }) = &self.taken else { return SOURCE.to_owned() };
        let who = read.read_as.as_deref().unwrap_or("an identity that the way of signing in does not tell");
        let pages = read.pages();
        let more =
            if read.more_calls > 0 { format!(" and {} more calls", read.more_calls) } else { String::new() };
        let complete = if self.cut().is_some() { "NOT COMPLETE" } else { "every page read" };
        format!("lists of target {}, read by {who} in {pages} pages{more}; {complete}", read.target)
    }

    /// Why it is not all there is, if it is not.
    pub fn cut(&self) -> Option<String> {
        let taken = self.taken.as_ref()?;
        taken.wrong.clone().or_else(|| taken.read.cut().map(str::to_owned))
    }

    /// What its being empty says; none if it has rows.
    pub fn nothing(&self) -> Option<String> {
        if !self.rows.rows.is_empty() {
            return None;
        }
        Some(match (&self.taken, self.cut()) {
            (Some(taken), None) if taken.read.calls.is_empty() => {
                "No record: the target gives no such list.".to_owned()
            }
            (Some(taken), None) => format!(
                "Nothing happened and nothing is there: the platform's lists were read to their end, from {} to {}, and \
                 none of their {} items is this site's.",
                taken.read.began, taken.read.ended, taken.read.items
            ),
            (Some(_), Some(why)) => format!("No statement: the list was not read to its end ({why})."),
            (None, _) => {
                "No record: this site's log has none. That does not say that there is none.".to_owned()
            }
        })
    }
}

impl Populations {
    /// Draws all populations from a site's records: those that the platform gave, and for the others what the log has.
    pub fn of(records: &Records) -> Self {
        let mut taken = platform::newest(records);
        let lineage = Lineage::of(&taken);
        if let (Some(made), Some(told)) = (&lineage, taken.get_mut(platform::LINEAGE)) {
            told.wrong = told.wrong.take().or_else(|| made.wrong(told));
        }
        let (seen, changes) = (records.seen(), changes_of(records));
        let reconciled = reconcile::reconcile(records, &changes, &taken, lineage.as_ref());
        let drawn = OBJECTS.iter().map(|objects| of_objects(records, &seen, objects));
        let drawn = drawn.chain([of_rights(records, &seen), of_changes(records, &changes)]);
        let mut all: Vec<Population> = drawn
            .map(|drawn| match taken.remove(drawn.name) {
                Some(taken) => of_platform(taken),
                None => drawn,
            })
            .collect();
        let order =
            platform::LISTED.iter().map(|one| one.name).chain(platform::FURTHER.map(|(name, _)| name));
        all.extend(order.filter_map(|name| taken.remove(name)).map(of_platform));
        let reconciliation = reconcile(records, &seen, &changes);
        let facts = sample::Facts::of(records, changes);
        let samples = all.iter().map(|population| sample::sample(records, &facts, population)).collect();
        let entries = records.entries.len();
        let last = records.entries.last().map_or(Timestamp::from_millis(0), |entry| entry.at);
        Self { all, reconciliation, reconciled, samples, lineage, entries, last }
    }

    /// What a page shows of them.
    pub fn summary(&self) -> PopulationSummary {
        PopulationSummary::of(self)
    }

    /// Their files, by path.
    ///
    /// # Errors
    ///
    /// If the workbook cannot be written.
    pub fn files(&self) -> Result<Files, BadLeadSheet> {
        let mut files = self.tables();
        files.insert(LEAD_WORKBOOK.to_owned(), lead_sheet::workbook(self, self.last)?);
        Ok(files)
    }

    /// Their files but for the workbook: what the verifier makes again.
    pub fn tables(&self) -> Files {
        let mut files = Files::new();
        for population in &self.all {
            files.insert(population.path(), population.rows.csv().into_bytes());
            files.insert(population.query_path(), population.query_text(self.entries).into_bytes());
        }
        files.insert(LEAD_SHEET.to_owned(), self.lead_sheet().csv().into_bytes());
        files.insert(SAMPLES.to_owned(), self.samples_table().csv().into_bytes());
        files.insert(RECONCILIATION.to_owned(), self.table().csv().into_bytes());
        let data = ReconciliationData { v: RECONCILIATION_VERSION, reconciled: self.reconciled.clone() };
        files.insert(RECONCILIATION_DATA.to_owned(), crate::base::digest::canonical_bytes(&data));
        if let Some(lineage) = &self.lineage {
            files.insert(LINEAGE_DATA.to_owned(), crate::base::digest::canonical_bytes(lineage));
        }
        files
    }
}

impl PopulationSummary {
    /// What a page shows of the populations of a bundle's parts.
    ///
    /// # Errors
    ///
    /// If the site's log cannot be read.
    pub fn of_parts(parts: &Parts) -> Result<Self, BadRecords> {
        use crate::base::id::{LogId, ScopeId};
        let log = LogId::Scope(ScopeId::Site(parts.site.clone()));
        Ok(Populations::of(&Records::of_log(log, &parts.site_log, parts.blobs.clone())?).summary())
    }
}

/// What the platform gave.
fn of_platform(mut taken: Taken) -> Population {
    let rows = std::mem::replace(
        &mut taken.rows,
        Answer { question: "", sentence: String::new(), columns: &[], rows: Vec::new() },
    );
    let query = match rows.question {
        platform::EVENTS => {
            "calls that changed something of this site's, by anybody; a call of the program's own has the entry of the \
             log that announced it"
        }
        platform::USERS => {
            "users and service principals that are assigned to a workspace of this site's, or in a group that leads into it"
        }
        platform::MEMBERS => {
            "members of each group that is this site's, is named for it, or is assigned to a workspace of its own"
        }
        platform::GOLD => {
            "tables in each schema of this site's log that says by property or name that it is gold"
        }
        platform::LINEAGE => {
            "the sources of each gold table and of each of their sources, as far as they are not another site's; a row \
             without a source is a writer that names none"
        }
        platform::GRANTS => {
            "direct grants on each catalog, schema, location and storage credential of this site's"
        }
        _ => {
            "rows of objects that the site's log holds, whose tag or name says this site, or that are inside an object of \
             the site's"
        }
    };
    let span = Some((taken.read.began, taken.read.ended));
    Population { name: rows.question, query: query.to_owned(), rows, span, taken: Some(taken) }
}

fn of_objects(records: &Records, seen: &[Seen<'_>], objects: &Objects) -> Population {
    let seen = seen.iter().filter(|seen| seen.kind == Some(objects.kind));
    let span = span(seen.clone().map(|seen| seen.at));
    let row = |seen: &Seen<'_>| {
        let mut cells = vec![seen.step.to_string(), records.id(seen.entry), seen.at.to_string()];
        let live = |pointer: &&str| match &seen.live {
            Some(live) => live.pointer(pointer).map_or_else(String::new, cell),
            None => "the read-back is not there".to_owned(),
        };
        cells.extend(objects.pointers.iter().map(live));
        cells
    };
    let rows = seen.map(row).collect();
    let rows = Answer { question: objects.name, sentence: String::new(), columns: objects.columns, rows };
    let query = format!(
        "the last step.succeeded entry of each step of kind {}, unless it says deleted; columns from the read-back it names",
        objects.kind
    );
    Population { name: objects.name, query, rows, span, taken: None }
}

fn of_rights(records: &Records, seen: &[Seen<'_>]) -> Population {
    let rights = observed(seen);
    let query = "the last read-back of each databricks.grants, permissions, workspace_assignment and \
                 workspace_bindings step, a row for each object, principal and right";
    let rows = ask::access(records, &rights);
    let span = span(rights.iter().map(|right| right.seen.at));
    Population { name: "grants", query: query.to_owned(), rows, span, taken: None }
}

fn of_changes(records: &Records, changes: &[Change<'_>]) -> Population {
    let query = "every step.applying entry, which is written before a call that changes something, with the entries \
                 that accepted and ended it";
    let rows = ask::changes(records, changes);
    let span = span(changes.iter().map(|change| change.intent.at));
    Population { name: "changes", query: query.to_owned(), rows, span, taken: None }
}

fn span(moments: impl Iterator<Item = Timestamp> + Clone) -> Option<(Timestamp, Timestamp)> {
    Some((moments.clone().min()?, moments.max()?))
}

/// A value in one cell; of an object, its fields.
pub fn cell(value: &Value) -> String {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| format!("{name}={}", written(value)))
            .collect::<Vec<_>>()
            .join("; "),
        other => written(other),
    }
}

fn reconcile(records: &Records, seen: &[Seen<'_>], changes: &[Change<'_>]) -> Reconciliation {
    let mut last = std::collections::BTreeMap::new();
    for change in changes {
        if let Some(step) = &change.intent.step {
            last.insert(step, change);
        }
    }
    let mut differences = Vec::new();
    for (step, change) in &last {
        let difference = match change.ended {
            Some(end) if end.kind == "step.failed" => {
                "the step failed; what is there is not known".to_owned()
            }
            Some(end) if super::records::ended_in_delete(end) => continue,
            Some(end) => match readback(end) {
                Some(named) if records.blobs.contains_key(&named.sha256) => continue,
                Some(_) => format!("entry {} names a read-back that is not there", end.seq),
                None => format!("entry {} names no read-back", end.seq),
            },
            None => "sent, but no outcome is recorded".to_owned(),
        };
        differences.push(((*step).clone(), difference));
    }
    let changed: BTreeSet<&StepId> = last.keys().copied().collect();
    let found = seen.iter().filter(|seen| seen.kind.is_some() && !changed.contains(seen.step)).count();
    Reconciliation { applied: last.len(), read_back: last.len() - differences.len(), differences, found }
}

impl Reconciliation {
    /// In one sentence, with both counts.
    pub fn sentence(&self) -> String {
        let Self { applied, read_back, differences, found } = self;
        format!(
            "{applied} objects were changed according to the log; {read_back} of them were read back, or seen to be \
             gone, after their last change; {} differ. {found} more were found as they should be and not touched.",
            differences.len()
        )
    }

    /// Its rows in the table of all reconciliations.
    fn rows(&self) -> Vec<Vec<String>> {
        let row = |what: &str, count: String, differences: String, item: String, detail: String| {
            let source = "this site's log".to_owned();
            let blank = String::new;
            vec![what.to_owned(), source, count, blank(), blank(), differences, blank(), item, detail]
        };
        let none = String::new;
        let count = self.differences.len().to_string();
        let mut rows = vec![
            row("objects changed according to the log", self.applied.to_string(), none(), none(), none()),
            row(
                "of these read back afterwards, or seen to be gone",
                self.read_back.to_string(),
                count,
                none(),
                none(),
            ),
            row("objects found as they should be", self.found.to_string(), none(), none(), none()),
        ];
        let difference = |(step, what): &(StepId, String)| {
            row("difference: read back", none(), none(), step.to_string(), what.clone())
        };
        rows.extend(self.differences.iter().map(difference));
        rows
    }
}
