//! Populations: complete lists an auditor draws samples from, each with its source, its query and its count.
//!
//! All of them come from this site's own log, and say so: an object that somebody made beside this program is in none
//! of them. A list that the platform itself gave would also need the proof that its last page was read.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::base::id::StepId;
use crate::base::time::Timestamp;

use super::answer::Answer;
use super::question::ask::{Question, ask, changes_of};
use super::records::{Records, readback};
use super::rights::written;

/// The folder of populations in a bundle.
pub const FOLDER: &str = "population/";
/// The list of populations that sample tests begin with.
pub const LEAD_SHEET: &str = "lead-sheet.csv";

const LEAD: [&str; 7] = ["population", "file", "source", "size", "from", "to", "attributes"];
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
    entries: usize,
}

impl Population {
    /// The path of its rows in a bundle.
    pub fn path(&self) -> String {
        format!("{FOLDER}{}.csv", self.name)
    }

    fn query_text(&self, entries: usize) -> String {
        format!(
            "Population  {}\nSource      {SOURCE}: journal/site.jsonl with {entries} entries\nQuery       {}\n\
             Rows        {}\nPaging      none: every row comes from a read of one object, recorded in the log; no list \
             of\n            the platform was paged, so objects made beside this program are not in it\n",
            self.name,
            self.query,
            self.rows.rows.len(),
        )
    }
}

impl Populations {
    /// Draws all populations from a site's records.
    pub fn of(records: &Records) -> Self {
        let mut all: Vec<Population> = OBJECTS.iter().map(|objects| of_objects(records, objects)).collect();
        all.push(of_rights(records));
        all.push(of_changes(records));
        Self { all, reconciliation: reconcile(records), entries: records.entries.len() }
    }

    /// Their files, by path.
    pub fn files(&self) -> Vec<(String, String)> {
        let mut files = vec![(LEAD_SHEET.to_owned(), self.lead_sheet().csv())];
        for population in &self.all {
            files.push((population.path(), population.rows.csv()));
            files.push((
                format!("{FOLDER}{}.query.txt", population.name),
                population.query_text(self.entries),
            ));
        }
        files.push((format!("{FOLDER}reconciliation.csv"), self.reconciliation.table().csv()));
        files
    }

    fn lead_sheet(&self) -> Answer {
        let row = |population: &Population| {
            let (from, to) = population
                .span
                .map_or_else(Default::default, |(from, to)| (from.to_string(), to.to_string()));
            let size = population.rows.rows.len().to_string();
            let attributes = population.rows.columns.join("; ");
            vec![population.name.to_owned(), population.path(), SOURCE.to_owned(), size, from, to, attributes]
        };
        let rows = self.all.iter().map(row).collect();
        Answer { question: "lead sheet", sentence: String::new(), columns: &LEAD, rows }
    }
}

fn of_objects(records: &Records, objects: &Objects) -> Population {
    let seen: Vec<_> = records.seen().into_iter().filter(|seen| seen.kind == Some(objects.kind)).collect();
    let span = span(seen.iter().map(|seen| seen.at));
    let row = |seen: &super::records::Seen<'_>| {
        let mut cells = vec![seen.step.to_string(), records.id(seen.entry), seen.at.to_string()];
        let live = |pointer: &&str| match &seen.live {
            Some(live) => live.pointer(pointer).map_or_else(String::new, flat),
            None => "the read-back is not there".to_owned(),
        };
        cells.extend(objects.pointers.iter().map(live));
        cells
    };
    let rows = seen.iter().map(row).collect();
    let rows = Answer { question: objects.name, sentence: String::new(), columns: objects.columns, rows };
    let query = format!(
        "the last step.succeeded entry of each step of kind {}, unless it says deleted; columns from the read-back it names",
        objects.kind
    );
    Population { name: objects.name, query, rows, span }
}

fn of_rights(records: &Records) -> Population {
    let rights = super::rights::observed(records);
    let query = "the last read-back of each databricks.grants, permissions, workspace_assignment and \
                 workspace_bindings step, a row for each object, principal and right";
    let rows = ask(records, Question::Access);
    let span = span(rights.iter().map(|right| right.seen.at));
    Population { name: "grants", query: query.to_owned(), rows, span }
}

fn of_changes(records: &Records) -> Population {
    let query = "every step.applying entry, which is written before a call that changes something, with the entries \
                 that accepted and ended it";
    let rows = ask(records, Question::Changes);
    let span = span(changes_of(records).iter().map(|change| change.intent.at));
    Population { name: "changes", query: query.to_owned(), rows, span }
}

fn span(moments: impl Iterator<Item = Timestamp> + Clone) -> Option<(Timestamp, Timestamp)> {
    Some((moments.clone().min()?, moments.max()?))
}

/// A value in one cell; of an object, its fields.
fn flat(value: &Value) -> String {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| format!("{name}={}", written(value)))
            .collect::<Vec<_>>()
            .join("; "),
        other => written(other),
    }
}

fn reconcile(records: &Records) -> Reconciliation {
    let changes = changes_of(records);
    let mut last = std::collections::BTreeMap::new();
    for change in &changes {
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
    let found =
        records.seen().iter().filter(|seen| seen.kind.is_some() && !changed.contains(seen.step)).count();
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

    fn table(&self) -> Answer {
        let count = |what: &str, count: usize| vec![what.to_owned(), count.to_string(), String::new()];
        let mut rows = vec![
            count("objects changed according to the log", self.applied),
            count("of these read back afterwards, or seen to be gone", self.read_back),
            count("differences", self.differences.len()),
            count("objects found as they should be", self.found),
        ];
        let difference =
            |(step, what): &(StepId, String)| vec!["difference".to_owned(), step.to_string(), what.clone()];
        rows.extend(self.differences.iter().map(difference));
        Answer {
            question: "reconciliation",
            sentence: self.sentence(),
            columns: &["what", "count or step", "detail"],
            rows,
        }
    }
}
