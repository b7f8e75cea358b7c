//! The validators that items can use, as people look them up: what each asks, and an example to copy.

use serde::Serialize;

use crate::model::checklist::Validator;

/// One validator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its name in `[[item.validate]]`.
    pub name: &'static str,
    /// What it asks, as a sentence.
    pub asks: &'static str,
    /// A line to copy.
    pub example: &'static str,
}

/// All of them, by name.
pub const LIBRARY: [Entry; 12] = [
    Entry {
        name: "attest",
        asks: "People state it, in these words; no program ever does.",
        example: r#"attest = { statement = "The pilot has motivated leadership.", by = ["site-steward", "compliance"] }"#,
    },
    Entry {
        name: "facts",
        asks: "The files say so: /site its parameters, /program, /people, /registers.",
        example: r#"facts = { expect = [ { at = "/registers/systems/categories/lis", present = true, missing = "LIS" } ] }"#,
    },
    Entry {
        name: "record",
        asks: "A record was filed with `landfall record`, is new enough, and its JSON file says so.",
        example: r#"record = { kind = "drill.tabletop", within_days = 180, expect = [ { at = "/open_actions", max = 0 } ] }"#,
    },
    Entry {
        name: "read",
        asks: "An object of the scope reads back so from the target.",
        example: r#"read = { read = "group.stewards", expect = [ { at = "/members", present = true } ] }"#,
    },
    Entry {
        name: "rule",
        asks: "A rule of `landfall check` finds nothing wrong at this scope.",
        example: r#"rule = { rule = "RESIDENCY" }"#,
    },
    Entry {
        name: "dominates",
        asks: "What it governs cannot begin before it: it is on every way to it.",
        example: r#"dominates = { first = "privacy.dpia", governs = ["ingest.*"] }"#,
    },
    Entry {
        name: "http",
        asks: "An address answers with this status, and its JSON says so.",
        example: r#"http = { url = "https://fhir.example.org/metadata", status = 200, expect = [ { at = "/resourceType", equals = "CapabilityStatement" } ] }"#,
    },
    Entry {
        name: "dns",
        asks: "A name leads to addresses in this network and to no others.",
        example: r#"dns = { name = "sftp.example.org", within = "10.20.0.0/16" }"#,
    },
    Entry {
        name: "tls",
        asks: "A server shows a certificate that is trusted and valid for some days more.",
        example: r#"tls = { host = "fhir.example.org", port = 443, valid_days = 30 }"#,
    },
    Entry {
        name: "scim",
        asks: "A group of the account has members, all of them active.",
        example: r#"scim = { group = "hrb01-stewards", members_min = 2, active = true }"#,
    },
    Entry {
        name: "metric",
        asks: "A measured value of the register of metrics keeps within bounds.",
        example: r#"metric = { metric = "data.freshness_hours", max = 24 }"#,
    },
    Entry {
        name: "date",
        asks: "A day among the facts is not over, or not too long ago.",
        example: r#"date = { at = "/registers/agreements/*/until", ahead_days = 30 }"#,
    },
];

/// The name of a validator.
pub fn name(validator: &Validator) -> &'static str {
    match validator {
        Validator::Attest(_) => "attest",
        Validator::Facts { .. } => "facts",
        Validator::Record(_) => "record",
        Validator::Read(_) => "read",
        Validator::Rule { .. } => "rule",
        Validator::Dominates { .. } => "dominates",
        Validator::Http { .. } => "http",
        Validator::Dns { .. } => "dns",
        Validator::Tls { .. } => "tls",
        Validator::Scim { .. } => "scim",
        Validator::Metric { .. } => "metric",
        Validator::Date { .. } => "date",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_is_read_as_the_validator_it_stands_for() {
        for entry in LIBRARY {
            let table: toml::Table = entry.example.parse().unwrap();
            let json = serde_json::to_value(table).unwrap();
            let read: Validator =
                serde_json::from_value(json).unwrap_or_else(|e| panic!("{}: {e}", entry.name));
            assert_eq!(name(&read), entry.name);
        }
    }
}
