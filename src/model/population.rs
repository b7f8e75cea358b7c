//! What the platform's own lists said at one moment: the entry that keeps it, with the proof that every page was read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::digest::Digest;
use crate::base::time::Timestamp;

/// The kind of the entry that keeps one population.
pub const READ: &str = "population.read";
/// Format version of its body.
pub const POPULATION_VERSION: u32 = 1;

/// The body of `population.read`. The rows are the one file that the entry names: only those of the log's own site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PopulationRead {
    /// Format version.
    pub v: u32,
    /// Which population, by the name of its file.
    pub population: String,
    /// The target's name.
    pub target: String,
    /// The identity that read it; none if the way of signing in does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_as: Option<String>,
    /// Before the first call.
    pub began: Timestamp,
    /// After the last answer.
    pub ended: Timestamp,
    /// The calls, each with its pages. Calls after those that are listed here are in `more_calls`.
    pub calls: Vec<CallRead>,
    /// Calls of the same form that are not listed, all of which ended with their last page.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_calls: u64,
    /// Everything that the calls gave, whoever it belongs to.
    pub items: u64,
    /// Rows of this site.
    pub rows: u64,
    /// What belongs to others: a count, never a name.
    #[serde(default, skip_serializing_if = "Others::are_none")]
    pub others: Others,
    /// What is read at other places than the platform, for comparison; by word.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compared: Vec<Compared>,
    /// What lineage came to, in the population of lineage; none if it was not read to its end or there is no gold table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lineage: Option<LineageRead>,
    /// SHA-256 of the rows as CSV.
    pub csv: Digest,
}

/// What the lineage of a site's gold tables came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LineageRead {
    /// Gold tables.
    pub tables: u64,
    /// Those of them that nothing is told of what they were made from.
    pub without: u64,
}

/// What of a list is not this site's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Others {
    /// Items that the log of another scope knows.
    pub known: u64,
    /// Items that no log of the estate knows.
    pub unknown: u64,
}

impl Others {
    fn are_none(&self) -> bool {
        *self == Self::default()
    }

    /// All of them.
    pub fn count(&self) -> u64 {
        self.known + self.unknown
    }
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A source beside the platform that was given to be compared with: the identity provider's users, the register of
/// leavers. Holds counts; whom a difference of this site is about stands in the rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Compared {
    /// Which: [`IDENTITY`] or [`LEAVERS`].
    pub with: String,
    /// SHA-256 of the file that was given.
    pub sha256: Digest,
    /// People in it.
    pub people: u64,
    /// Whether all of it is there: it may count more than it holds.
    pub whole: bool,
    /// Of those people, how many the account has (identity) or has and lets nobody sign in as (leavers).
    pub matched: u64,
    /// People of the account that are compared with: those who can sign in (identity), those of the register (leavers).
    pub in_account: u64,
}

/// The identity provider's users.
pub const IDENTITY: &str = "identity";
/// The register of people who left.
pub const LEAVERS: &str = "leavers";

/// One call, with the pages it took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallRead {
    /// The host.
    pub host: String,
    /// Method and path.
    pub call: String,
    /// The parameters, as `name=value` with `&` between; without tokens of pages.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub query: String,
    /// Items of each page, in order.
    pub pages: Vec<u32>,
    /// How the last page was known to be the last, or why reading ended before it.
    pub end: PagesEnd,
}

/// How a list ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PagesEnd {
    /// With its last page.
    Exhausted {
        /// What said so.
        proof: String,
    },
    /// Before it: whatever was read is not all.
    Cut {
        /// Why.
        why: String,
    },
}

impl CallRead {
    /// Whether its last page was read.
    pub fn is_whole(&self) -> bool {
        match self.end {
            PagesEnd::Exhausted { .. } => true,
            PagesEnd::Cut { .. } => false,
        }
    }
}

impl PopulationRead {
    /// Why it is not all there is, if it is not.
    pub fn cut(&self) -> Option<&str> {
        self.calls.iter().find_map(|call| match &call.end {
            PagesEnd::Exhausted { .. } => None,
            PagesEnd::Cut { why } => Some(why.as_str()),
        })
    }

    /// Pages of the calls that are listed.
    pub fn pages(&self) -> usize {
        self.calls.iter().map(|call| call.pages.len()).sum()
    }
}
