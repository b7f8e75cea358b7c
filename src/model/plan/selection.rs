//! What was asked to be planned, and what of the touched waves that leaves out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::id::{SiteCode, WaveName};

/// What was asked to be planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Selection {
    /// The whole estate.
    All,
    /// One wave.
    Wave(WaveName),
    /// Some sites, and with them the whole of every wave that is touched. Plans of before have it for any list of sites.
    Sites(BTreeSet<SiteCode>),
    /// Some sites, and others of the same waves are left out: the plan is partial.
    Part(Box<Part>),
}

/// A selection that leaves out sites of a wave that it touches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Part {
    /// The sites that are in.
    pub sites: BTreeSet<SiteCode>,
    /// What was asked for.
    pub asked: Query,
    /// The sites that are left out, by their wave. Waves of which no site is in are not touched.
    pub left_out: BTreeMap<WaveName, BTreeSet<SiteCode>>,
}

/// What was asked for. Every part of it narrows the others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Query {
    /// One wave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wave: Option<WaveName>,
    /// Any of these sites; all, if there are none.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub sites: BTreeSet<SiteCode>,
    /// Sites in any of these regions; in all, if there are none.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub regions: BTreeSet<String>,
    /// Sites with all of these tags, each as `KEY=VALUE`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// None of these sites.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub exclude: BTreeSet<SiteCode>,
}

impl Selection {
    /// The sites, where they were named or found one by one.
    pub fn sites(&self) -> Option<&BTreeSet<SiteCode>> {
        match self {
            Selection::All | Selection::Wave(_) => None,
            Selection::Sites(sites) => Some(sites),
            Selection::Part(part) => Some(&part.sites),
        }
    }

    /// What it leaves out of the waves that it touches; nothing if it is whole.
    pub fn left_out(&self) -> Option<&BTreeMap<WaveName, BTreeSet<SiteCode>>> {
        match self {
            Selection::All | Selection::Wave(_) | Selection::Sites(_) => None,
            Selection::Part(part) => Some(&part.left_out),
        }
    }

    /// Whether it covers a site, which is in this wave.
    pub fn covers(&self, wave: &WaveName, site: &SiteCode) -> bool {
        match self {
            Selection::All => true,
            Selection::Wave(name) => name == wave,
            Selection::Sites(sites) => sites.contains(site),
            Selection::Part(part) => part.sites.contains(site),
        }
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Selection::All => f.write_str("whole estate"),
            Selection::Wave(wave) => write!(f, "wave {wave}"),
            Selection::Sites(sites) => write!(f, "sites {}", joined(sites)),
            Selection::Part(part) => write!(f, "{}", part.asked),
        }
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        if let Some(wave) = &self.wave {
            words.push(format!("wave {wave}"));
        }
        for (word, names) in [("sites", joined(&self.sites)), ("region", joined(&self.regions))] {
            if !names.is_empty() {
                words.push(format!("{word} {names}"));
            }
        }
        words.extend(self.tags.iter().map(|tag| format!("tag {tag}")));
        if words.is_empty() {
            words.push("whole estate".to_owned());
        }
        f.write_str(&words.join(" and "))?;
        if !self.exclude.is_empty() {
            write!(f, " without {}", joined(&self.exclude))?;
        }
        Ok(())
    }
}

/// Names in one line.
fn joined<T: fmt::Display>(names: &BTreeSet<T>) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_told() {
        let part = r#"{"part":{"sites":["AAA01"],"asked":{"wave":"w1","regions":["r"],"tags":["k=v"],"exclude":["BBB02"]},
            "left_out":{"w1":["BBB02"]}}}"#;
        for (text, told, partial) in [
            (r#""all""#, "whole estate", false),
            (r#"{"wave":"w1"}"#, "wave w1", false),
            (r#"{"sites":["AAA01","BBB02"]}"#, "sites AAA01, BBB02", false),
            (part, "wave w1 and region r and tag k=v without BBB02", true),
            (
                r#"{"part":{"sites":[],"asked":{"exclude":["BBB02"]},"left_out":{}}}"#,
                "whole estate without BBB02",
                true,
            ),
        ] {
            let selection: Selection = serde_json::from_str(text).unwrap();
            assert_eq!(selection.to_string(), told);
            assert_eq!(selection.left_out().is_some(), partial, "{text}");
        }
    }
}
