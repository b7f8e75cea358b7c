//! What a plan says across its sites: which of them get the same, and how much room the services' limits leave.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::digest::Digest;
use crate::base::id::{KindName, ScopeId, SiteCode};

/// What is known about a plan as a whole. Plans of before have none.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Overview {
    /// The patterns of its sites, the one with the most sites first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patterns: Vec<Pattern>,
    /// Room under the limits it comes close to, by name of the limit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub room: Vec<Room>,
    /// All sites of the estate that rest on the account or on a region of this plan, whether they are in it or not.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rest_on: BTreeMap<ScopeId, BTreeSet<SiteCode>>,
}

impl Overview {
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty() && self.room.is_empty() && self.rest_on.is_empty()
    }

    /// The first scope in launch order that does not fit, and the limit it does not fit under.
    pub fn first_blocked(&self) -> Option<(&Room, &Blocked)> {
        let blocked = self.room.iter().filter_map(|room| Some((room, room.blocks.as_ref()?)));
        blocked.min_by_key(|(room, blocked)| (blocked.turn, &room.quota))
    }

    /// The limit under which the fewest further sites fit, each needing as much as the largest of this plan, and how
    /// many do.
    pub fn next_limit(&self) -> Option<(&Room, u64)> {
        let rooms = self.room.iter().filter(|room| room.site_needs > 0 && !room.is_of_one_site);
        let more = |room: &Room| u64::try_from(room.left).map_or(0, |left| left / room.site_needs);
        rooms.map(|room| (room, more(room))).min_by_key(|(room, more)| (*more, &room.quota))
    }
}

/// Sites of a plan for which the same is done, but for the values that say which site it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pattern {
    /// Its letter in this plan.
    pub name: String,
    /// Names what is done: equal digests, equal changes.
    pub digest: Digest,
    /// Its sites in launch order.
    pub sites: Vec<SiteCode>,
    /// Objects that are made, changed, replaced or deleted at each of them.
    pub changes: usize,
    /// How it differs from the first pattern; absent for that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub except: Option<Except>,
}

/// How the sites of one pattern differ from those of another. Steps are named as in the plan, with `‹parameter›` for
/// what says which site it is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Except {
    /// The other pattern's letter.
    pub like: String,
    /// What happens here and not there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<String>,
    /// What happens there and not here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// What happens at both, but not in the same way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differing: Vec<Differing>,
    /// The parameters that are the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<Because>,
    /// Differing steps for which no parameter was found to be the reason: what was found at the site is then another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found_otherwise: Vec<String>,
    /// Steps that were left out of the lists above.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: usize,
}

/// A step that is there at both, but not the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Differing {
    /// The step.
    pub step: String,
    /// Pointers into its declaration, or a word for what else differs.
    pub at: Vec<String>,
}

/// A parameter that makes two patterns differ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Because {
    /// Its dotted path.
    pub parameter: String,
    /// What it is here.
    pub here: Setting,
    /// What it is at the other pattern.
    pub there: Setting,
    /// How many steps differ because of it.
    pub steps: usize,
}

/// A parameter's value and the place that sets it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Setting {
    /// The site it was looked up for.
    pub site: SiteCode,
    /// The value; absent if it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// `file:line`; absent if no file sets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

/// How many objects may still be made under one limit, in one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// The limit's name, for example `workspaces_per_account`.
    pub quota: String,
    /// The kind that is counted.
    pub kind: KindName,
    /// Where it is counted, for example `account` or `metastore us-east-1`.
    pub owner: String,
    /// How many there may be.
    pub max: u64,
    /// How many there were when the plan was made.
    pub live: u64,
    /// How sure that number is.
    pub counted: Counted,
    /// How many more the plan makes; negative if it leaves fewer.
    pub planned: i64,
    /// How many could still be made after the plan; negative if it does not fit.
    pub left: i64,
    /// The most that one site of this plan needs.
    pub site_needs: u64,
    /// Whether it is counted inside something that is one site's own: then it says nothing about further sites.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_of_one_site: bool,
    /// The first scope, in launch order, that does not fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocks: Option<Blocked>,
}

/// The first scope that does not fit under a limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocked {
    /// The scope.
    pub scope: ScopeId,
    /// Its place in launch order, from one.
    pub turn: usize,
    /// How many it needs.
    pub needs: u64,
    /// How many are left when its turn comes.
    pub left: i64,
}

/// How sure a count of live objects is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Counted {
    /// A list showed all of them, ours or not.
    All,
    /// Lists showed those that some workspaces can see: there may be more.
    AtLeast,
    /// No list was read: only those that this plan knows of are counted.
    OwnOnly,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}
