//! Populations that the platform gave: which there are, what of an object they show, and how they are read back from the
//! entries that keep them.

use std::collections::BTreeMap;

use crate::evidence::answer::Answer;
use crate::evidence::records::Records;
use crate::model::entry::Entry;
use crate::model::population::{POPULATION_VERSION, PopulationRead, READ};

use super::table;

/// Objects of one kind as a list of the platform's shows them. Nothing else of an object is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// The population's name, which is also its file's.
    pub name: &'static str,
    /// The kind.
    pub kind: &'static str,
    /// The columns: those of [`BEFORE`], then one for each pointer.
    pub columns: &'static [&'static str],
    /// Where in an object the further cells stand. All are in the kind's `record`.
    pub pointers: &'static [&'static str],
}

/// The columns that every list of objects begins with: the object's id, why the row is this site's, and the step of the log
/// that holds the object.
pub const BEFORE: [&str; 3] = ["id", "this site's by", "step"];

macro_rules! listed {
    ($name:literal, $kind:literal, $($column:literal at $pointer:literal),+) => {
        Listed {
            name: $name,
            kind: concat!("databricks.", $kind),
            columns: &["id", "this site's by", "step", $($column),+],
            pointers: &[$($pointer),+],
        }
    };
}

/// The lists of objects, those that others rest on first.
pub const LISTED: [Listed; 17] = [
    listed!("workspaces", "workspace", "name" at "/workspace_name", "region" at "/aws_region",
        "status" at "/workspace_status", "tier" at "/pricing_tier", "tags" at "/custom_tags"),
    listed!("credentials", "credentials", "name" at "/credentials_name",
        "role" at "/aws_credentials/sts_role/role_arn"),
    listed!("storage-configurations", "storage_configuration", "name" at "/storage_configuration_name",
        "bucket" at "/root_bucket_info/bucket_name"),
    listed!("networks", "network", "name" at "/network_name", "vpc" at "/vpc_id"),
    listed!("vpc-endpoints", "vpc_endpoint", "name" at "/vpc_endpoint_name", "region" at "/region",
        "use" at "/use_case", "state" at "/state"),
    listed!("private-access-settings", "private_access_settings", "name" at "/private_access_settings_name",
        "public access" at "/public_access_enabled", "level" at "/private_access_level"),
    listed!("customer-managed-keys", "customer_managed_key", "uses" at "/use_cases", "key" at "/aws_key_info"),
    listed!("network-connectivity-configs", "network_connectivity_config", "name" at "/name", "region" at "/region"),
    listed!("groups", "group", "name" at "/displayName", "external id" at "/externalId"),
    listed!("budgets", "budget", "name" at "/display_name"),
    listed!("budget-policies", "budget_policy", "name" at "/policy_name", "tags" at "/custom_tags"),
    listed!("assignments", "workspace_assignment", "workspace" at "/workspace_id", "principal" at "/principal_id",
        "permissions" at "/permissions"),
    listed!("cluster-policies", "cluster_policy", "name" at "/name"),
    listed!("storage-credentials", "storage_credential", "name" at "/name", "owner" at "/owner",
        "isolation" at "/isolation_mode"),
    listed!("external-locations", "external_location", "name" at "/name", "url" at "/url", "owner" at "/owner",
        "isolation" at "/isolation_mode"),
    listed!("catalogs", "catalog", "name" at "/name", "owner" at "/owner", "isolation" at "/isolation_mode",
        "storage" at "/storage_root"),
    listed!("schemas", "schema", "name" at "/full_name", "owner" at "/owner"),
];

/// Lists that are not of one kind's objects, with their columns.
pub const FURTHER: [(&str, &[&str]); 6] = [
    (MEMBERS, &["group id", "group", "member id", "step"]),
    (USERS, &["id", "type", "can sign in", "this site's by", "at the identity source", "left"]),
    (GRANTS, &["type", "object", "principal", "privileges", "step"]),
    (EVENTS, &["at", "who", "method", "path", "workspace", "entry"]),
    (GOLD, &["table", "schema", "type", "step"]),
    (LINEAGE, &["source", "target", "source type", "source is of"]),
];
/// Tables in the gold schemas of the site.
pub const GOLD: &str = "gold-tables";
/// What gold tables, and what is between, were made from.
pub const LINEAGE: &str = "lineage";
/// Members of the groups that lead into the site.
pub const MEMBERS: &str = "members";
/// Users and service principals that have a way into the site.
pub const USERS: &str = "users";
/// Direct grants on what the site has.
pub const GRANTS: &str = "grants";
/// Audit events of calls that changed something of the site's.
pub const EVENTS: &str = "audit-events";

/// Why a row is the site's although it is not ours: the service makes such objects by itself.
pub const BY_SERVICE: &str = "made by the service";

/// Why a row is not counted: the object still answers, but counts as taken away.
pub const GONE: &str = "taken away";

/// The columns of a population, and its name as we spell it.
pub fn columns(name: &str) -> Option<(&'static str, &'static [&'static str])> {
    let listed = LISTED.iter().map(|one| (one.name, one.columns));
    listed.chain(FURTHER).find(|(known, _)| *known == name)
}

/// One population as an entry keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The entry's place.
    pub entry: u64,
    /// What was read, and how.
    pub read: PopulationRead,
    /// The rows. Empty if the file is not there or is no table.
    pub rows: Answer,
    /// What is wrong with it, if something is.
    pub wrong: Option<String>,
}

/// The newest of each population that the log has, by name. What a newer program wrote is left where it is.
pub fn newest(records: &Records) -> BTreeMap<&'static str, Taken> {
    let mut newest = BTreeMap::new();
    for entry in records.entries.iter().filter(|entry| entry.kind == READ) {
        if let Some((name, taken)) = taken(records, entry) {
            newest.insert(name, taken);
        }
    }
    newest
}

fn taken(records: &Records, entry: &Entry) -> Option<(&'static str, Taken)> {
    let read: PopulationRead = serde_json::from_value(entry.body.clone()).ok()?;
    let (name, columns) = columns(&read.population).filter(|_| read.v == POPULATION_VERSION)?;
    let bytes = records.blobs.get(&read.csv).and_then(|bytes| std::str::from_utf8(bytes).ok());
    let table = bytes.and_then(table::rows).filter(|rows| rows.first().is_some_and(|head| head == columns));
    let mut rows = table.unwrap_or_default();
    let wrong = match rows.len().checked_sub(1) {
        None => Some(format!("entry {} names rows that are not there or are no table", entry.seq)),
        Some(count) if count as u64 != read.rows => {
            Some(format!("entry {} says {} rows, and its file has {count}", entry.seq, read.rows))
        }
        Some(_) => pages_against_items(entry.seq, &read),
    };
    if !rows.is_empty() {
        rows.remove(0);
    }
    let rows = Answer { question: name, sentence: String::new(), columns, rows };
    Some((name, Taken { entry: entry.seq, read, rows, wrong }))
}

/// Whether the pages that are told add up to the items that are told; they can only be fewer where calls are left out.
fn pages_against_items(seq: u64, read: &PopulationRead) -> Option<String> {
    let told: u64 = read.calls.iter().flat_map(|call| &call.pages).map(|items| u64::from(*items)).sum();
    let fits = if read.more_calls == 0 { told == read.items } else { told <= read.items };
    let counted = read.rows + read.others.count();
    if !fits {
        return Some(format!("entry {seq} says {} items, and its pages have {told}", read.items));
    }
    (counted != read.items)
        .then(|| format!("entry {seq} says {} items, and counts {counted} as somebody's", read.items))
}
