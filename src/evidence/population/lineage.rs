//! What gold tables were made from: the edges from source to target that the platform told, followed from each gold table
//! back to where data came in. Made from the rows of two populations alone, so that anybody can make it again.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::base::time::Timestamp;
use crate::model::population::LineageRead;

use super::platform::{GOLD, LINEAGE, Taken};

/// The edges per gold table, as a file of a bundle.
pub const LINEAGE_DATA: &str = "population/lineage.json";
/// Format version of [`LINEAGE_DATA`].
pub const LINEAGE_VERSION: u32 = 1;
/// The layer in which data comes in, as the last word of a schema's name.
const RAW: [&str; 2] = ["bronze", "raw"];
/// The layer of curated tables, as the last word of a schema's name and as the property `layer`.
pub const GOLD_LAYER: &str = "gold";
/// A source that is a file or a folder.
pub const PATH: &str = "PATH";
/// A source that belongs to another site: it is not named.
pub const ANOTHER: &str = "another site";

/// The form of [`LINEAGE_DATA`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lineage {
    /// Format version.
    pub v: u32,
    /// When it was read.
    pub at: Timestamp,
    /// The entry that keeps the edges.
    pub entry: u64,
    /// Whether every list was read to its end: else a missing edge says nothing.
    pub complete: bool,
    /// The gold tables by name.
    pub tables: Vec<GoldTable>,
}

/// A gold table with what it was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoldTable {
    /// Its full name.
    pub table: String,
    /// The step of the site's log that holds its schema.
    pub step: String,
    /// Whether any source is told.
    pub has_source: bool,
    /// Sources in the first layer, and files.
    pub raw: Vec<String>,
    /// All edges that lead to it, those of its sources as well.
    pub edges: Vec<Edge>,
}

/// One step of data from a source to a target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Edge {
    /// The target.
    pub target: String,
    /// The source: a table's full name, or a path.
    pub source: String,
    /// What the source is, in the platform's word.
    pub source_type: String,
    /// Whose the source is.
    pub source_is_of: String,
}

/// Whether a schema's name says that it holds curated tables.
pub fn is_gold(schema: &str) -> bool {
    last_word(schema) == GOLD_LAYER
}

fn last_word(name: &str) -> String {
    name.rsplit(['_', '.', '-']).next().unwrap_or_default().to_lowercase()
}

impl Lineage {
    /// From what was read; none if it was never asked for.
    pub fn of(taken: &BTreeMap<&'static str, Taken>) -> Option<Self> {
        let (gold, told) = (taken.get(GOLD)?, taken.get(LINEAGE)?);
        let mut to: BTreeMap<&str, BTreeSet<Edge>> = BTreeMap::new();
        for row in told.rows.rows.iter().filter(|row| !row[0].is_empty()) {
            to.entry(&row[1]).or_default().insert(Edge {
                source: row[0].clone(),
                target: row[1].clone(),
                source_type: row[2].clone(),
                source_is_of: row[3].clone(),
            });
        }
        let tables = gold.rows.rows.iter().map(|row| table(&row[0], &row[3], &to)).collect();
        let is_whole = |taken: &Taken| taken.wrong.is_none() && taken.read.cut().is_none();
        Some(Self {
            v: LINEAGE_VERSION,
            at: told.read.ended,
            entry: told.entry,
            complete: is_whole(gold) && is_whole(told),
            tables,
        })
    }

    /// What it came to, as the entry says it: nothing if it is not complete, or there is nothing to tell of.
    pub fn counts(&self) -> Option<LineageRead> {
        let (tables, without) = (self.tables.len() as u64, self.without().count() as u64);
        (self.complete && tables > 0).then_some(LineageRead { tables, without })
    }

    /// Gold tables of which no source is told.
    pub fn without(&self) -> impl Iterator<Item = &GoldTable> {
        self.tables.iter().filter(|table| !table.has_source)
    }

    /// Gold tables that were made from something of another site's.
    pub fn mixed(&self) -> impl Iterator<Item = &GoldTable> {
        let of_another = |table: &&GoldTable| table.edges.iter().any(|edge| edge.source_is_of == ANOTHER);
        self.tables.iter().filter(of_another)
    }

    /// In a sentence.
    pub fn sentence(&self) -> String {
        let edges: BTreeSet<&Edge> = self.tables.iter().flat_map(|table| &table.edges).collect();
        let raw = self.tables.iter().filter(|table| !table.raw.is_empty()).count();
        let end = if self.complete { "" } else { "; NOT COMPLETE" };
        format!(
            "Lineage: {} gold tables, {} edges from source to target; {raw} followed back to raw data, {} without any source{end}.",
            self.tables.len(),
            edges.len(),
            self.without().count()
        )
    }

    /// What the entry says against what its rows come to.
    pub(super) fn wrong(&self, told: &Taken) -> Option<String> {
        let entry = told.entry;
        // What was cut off or spoiled says so itself.
        let is_other = self.complete && told.read.lineage != self.counts();
        is_other.then(|| format!("entry {entry} does not say of the lineage what its rows come to"))
    }
}

/// Follows the edges back from a table; each table is passed once, so that a circle ends.
fn table(name: &str, step: &str, to: &BTreeMap<&str, BTreeSet<Edge>>) -> GoldTable {
    let (mut edges, mut seen) = (BTreeSet::new(), BTreeSet::from([name]));
    let mut open = vec![name];
    while let Some(target) = open.pop() {
        for edge in to.get(target).into_iter().flatten() {
            edges.insert(edge.clone());
            if edge.source_type != PATH && seen.insert(&edge.source) {
                open.push(&edge.source);
            }
        }
    }
    let raw: BTreeSet<&String> = edges.iter().filter(|edge| is_raw(edge)).map(|edge| &edge.source).collect();
    GoldTable {
        table: name.to_owned(),
        step: step.to_owned(),
        has_source: to.contains_key(name),
        raw: raw.into_iter().cloned().collect(),
        edges: edges.into_iter().collect(),
    }
}

fn is_raw(edge: &Edge) -> bool {
    let schema = edge.source.rsplit_once('.').map_or("", |(schema, _)| schema);
    edge.source_type == PATH || RAW.contains(&last_word(schema).as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_of_a_schema_says_its_layer() {
        for gold in ["gold", "priorauth_gold", "prod.hrb01_priorauth_gold", "X-GOLD"] {
            assert!(is_gold(gold), "{gold}");
        }
        for other in ["", "golden", "gold_old", "priorauth_silver", "marigold"] {
            assert!(!is_gold(other), "{other}");
        }
    }

    #[test]
    fn edges_are_followed_back_once_and_circles_end() {
        let edge = |source: &str, target: &str, kind: &str| Edge {
            source: source.to_owned(),
            target: target.to_owned(),
            source_type: kind.to_owned(),
            source_is_of: String::new(),
        };
        let all = [
            edge("c.x_silver.b", "c.x_gold.a", "TABLE"),
            edge("c.x_bronze.r", "c.x_silver.b", "TABLE"),
            edge("c.x_gold.a", "c.x_silver.b", "TABLE"),
            edge("/Volumes/c/x_bronze/landing", "c.x_bronze.r", PATH),
            edge("c.y_silver.z", "c.y_gold.other", "TABLE"),
        ];
        let mut to: BTreeMap<&str, BTreeSet<Edge>> = BTreeMap::new();
        for edge in &all {
            to.entry(&edge.target).or_default().insert(edge.clone());
        }
        let found = table("c.x_gold.a", "schema.x", &to);
        assert!(found.has_source);
        assert_eq!(found.edges.len(), 4, "{found:#?}");
        assert_eq!(found.raw, ["/Volumes/c/x_bronze/landing", "c.x_bronze.r"]);
        let orphan = table("c.x_gold.lone", "schema.x", &to);
        assert!(!orphan.has_source && orphan.raw.is_empty() && orphan.edges.is_empty());
    }
}
