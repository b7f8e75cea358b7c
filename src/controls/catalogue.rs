//! The catalogue: frameworks with their controls, and evidence kinds. Embedded data; a test holds it together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::base::time::Timestamp;
use crate::model::control::{Extent, Obligation};

use super::feed::Feed;
use super::kind::EvidenceKind;
use super::said;
use super::selector::Selector;

/// A set of controls that somebody asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Framework {
    /// HIPAA Security Rule.
    Hipaa,
    /// SOC 2 trust services criteria.
    Soc2,
    /// HITRUST CSF.
    Hitrust,
    /// 21 CFR Part 11.
    Part11,
    /// NIST SP 800-53.
    Nist,
}

impl Framework {
    /// All of them, in the order of reports.
    pub const ALL: [Framework; 5] =
        [Framework::Hipaa, Framework::Soc2, Framework::Hitrust, Framework::Part11, Framework::Nist];

    /// Its short name.
    pub fn word(self) -> &'static str {
        match self {
            Framework::Hipaa => "hipaa",
            Framework::Soc2 => "soc2",
            Framework::Hitrust => "hitrust",
            Framework::Part11 => "part11",
            Framework::Nist => "nist",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Framework::Hipaa => include_str!("hipaa.toml"),
            Framework::Soc2 => include_str!("soc2.toml"),
            Framework::Hitrust => include_str!("hitrust.toml"),
            Framework::Part11 => include_str!("part11.toml"),
            Framework::Nist => include_str!("nist.toml"),
        }
    }
}

/// One framework's file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sheet {
    /// Its full name.
    pub name: String,
    /// Its name in tables.
    pub label: String,
    /// What its ids begin with in OSCAL, where an id may not begin with a digit.
    pub prefix: String,
    /// Ids whose names were not confirmed by a second source.
    #[serde(default)]
    pub unconfirmed: BTreeSet<String>,
    /// The controls by id.
    pub controls: BTreeMap<String, Control>,
}

/// One control of a framework.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// Its title.
    pub title: String,
    /// The day from which it is required, as `2005-04-20`.
    #[serde(default)]
    required: Option<String>,
    /// The day from which it is addressable, as `2005-04-20`.
    #[serde(default)]
    addressable: Option<String>,
    /// Controls of NIST SP 800-53 that NIST relates it to.
    #[serde(default)]
    pub nist: Vec<String>,
}

impl Control {
    /// What it is at a moment: the later of the obligations that are in force. Before all of them, the first.
    pub fn obligation(&self, now: Timestamp) -> Obligation {
        let dated = [(&self.required, Obligation::Required), (&self.addressable, Obligation::Addressable)];
        let mut dated: Vec<_> =
            dated.into_iter().filter_map(|(day, kind)| Some((day.as_deref()?, kind))).collect();
        dated.sort();
        let today = now.to_string();
        let last = dated.iter().rev().find(|(day, _)| *day <= today.as_str()).or(dated.first());
        last.map_or(Obligation::Required, |(_, kind)| *kind)
    }

    /// The days of its obligations; without any there is a mistake in the data.
    #[cfg(test)]
    pub(super) fn days(&self) -> Vec<&str> {
        [&self.required, &self.addressable].into_iter().flatten().map(String::as_str).collect()
    }
}

/// Frameworks, controls and evidence kinds.
#[derive(Debug, Clone)]
pub struct Catalogue {
    pub(super) sheets: BTreeMap<Framework, Sheet>,
    pub(super) kinds: BTreeMap<String, EvidenceKind>,
    feeds: BTreeMap<String, Feed>,
    /// Controls that are for others to show, with the reason.
    outside: BTreeMap<Framework, BTreeMap<String, String>>,
    /// By the kind of entry, the sources to which it can say something.
    sources: BTreeMap<String, Vec<SourceAt>>,
}

/// Where a source of an input stands in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SourceAt {
    /// The evidence kind.
    pub kind: String,
    /// Which of its inputs.
    pub input: usize,
    /// Which source of the input.
    pub source: usize,
}

static EMBEDDED: LazyLock<Catalogue> = LazyLock::new(|| {
    let held = "embedded data, held by a test";
    let sheets =
        Framework::ALL.map(|framework| (framework, toml::from_str(framework.text()).expect(held))).into();
    let kinds: BTreeMap<String, EvidenceKind> = toml::from_str(include_str!("kinds.toml")).expect(held);
    let feeds: BTreeMap<String, Feed> = toml::from_str(include_str!("feeds.toml")).expect(held);
    let outside = toml::from_str(include_str!("outside.toml")).expect(held);
    let mut sources: BTreeMap<String, Vec<SourceAt>> = BTreeMap::new();
    for (place, selector) in places(&kinds) {
        for kind in said::entry_kinds(selector, &feeds) {
            sources.entry(kind.to_owned()).or_default().push(place.clone());
        }
    }
    Catalogue { sheets, kinds, feeds, outside, sources }
});

/// Every source of every input.
fn places(kinds: &BTreeMap<String, EvidenceKind>) -> impl Iterator<Item = (SourceAt, &Selector)> {
    kinds.iter().flat_map(|(name, kind)| {
        kind.inputs.iter().enumerate().flat_map(move |(input, sources)| {
            let at = move |source| SourceAt { kind: name.clone(), input, source };
            sources.iter().enumerate().map(move |(source, selector)| (at(source), selector))
        })
    })
}

impl Catalogue {
    /// The catalogue that this program carries.
    pub fn embedded() -> &'static Catalogue {
        &EMBEDDED
    }

    /// The controls of a framework by id.
    pub fn controls(&self, framework: Framework) -> &BTreeMap<String, Control> {
        &self.sheets[&framework].controls
    }

    /// Whether a control's name was found in more than one public source.
    pub fn is_confirmed(&self, framework: Framework, id: &str) -> bool {
        !self.sheets[&framework].unconfirmed.contains(id)
    }

    /// A framework's full name.
    pub fn name(&self, framework: Framework) -> &str {
        &self.sheets[&framework].name
    }

    /// A framework's name in tables.
    pub fn label(&self, framework: Framework) -> &str {
        &self.sheets[&framework].label
    }

    /// The evidence kinds by name.
    pub fn kinds(&self) -> &BTreeMap<String, EvidenceKind> {
        &self.kinds
    }

    /// The feeds by name.
    pub(super) fn feeds(&self) -> &BTreeMap<String, Feed> {
        &self.feeds
    }

    /// The feeds behind whose entries somebody else must not be.
    pub(super) fn kept_apart(&self) -> impl Iterator<Item = (&str, &Feed)> {
        let named: BTreeSet<&String> = self.feeds.values().flat_map(|feed| &feed.apart).collect();
        let known = named.into_iter().filter_map(|name| self.feeds.get_key_value(name));
        known.map(|(name, feed)| (name.as_str(), feed))
    }

    /// The sources to which an entry of this kind can say something.
    pub(super) fn sources_of(&self, entry_kind: &str) -> &[SourceAt] {
        self.sources.get(entry_kind).map_or(&[], Vec::as_slice)
    }

    /// The sources that a signal is.
    pub(super) fn sources_of_signal(&self, name: &str) -> Vec<SourceAt> {
        let own = |(_, selector): &(SourceAt, &Selector)| matches!(selector, Selector::Signal(signal) if signal == name);
        places(&self.kinds).filter(own).map(|(place, _)| place).collect()
    }

    /// What a source is called where it is missing.
    pub(super) fn words(&self, selector: &Selector) -> String {
        match selector {
            Selector::Feed(name) => self.feeds.get(name).map_or(name.clone(), |feed| feed.says.clone()),
            Selector::Signal(name) => match name.as_str() {
                "checkpoint" => "a checkpoint of the log in the org log".to_owned(),
                "witness" => "the cosignature of a witness".to_owned(),
                "lock" => "a checkpoint that a store keeps under a lock".to_owned(),
                "ticket" => "a change whose approved ticket was read before the launch".to_owned(),
                _ => name.clone(),
            },
            Selector::Item(_) | Selector::Attested { .. } | Selector::Record(_) => selector.to_string(),
        }
    }

    /// Why a control is for others to show, if it is.
    pub fn outside(&self, framework: Framework, id: &str) -> Option<&str> {
        self.outside.get(&framework)?.get(id).map(String::as_str)
    }

    /// The framework of a control, by an id that only one of them has.
    pub fn framework_of(&self, id: &str) -> Option<Framework> {
        Framework::ALL.into_iter().find(|framework| self.sheets[framework].controls.contains_key(id))
    }

    /// A control's id as an OSCAL token: `hipaa-164.312-a-2-iv` for `164.312(a)(2)(iv)`.
    pub fn token(&self, framework: Framework, id: &str) -> String {
        let plain = id.replace(['(', ')'], "-").replace("--", "-");
        format!("{}{}", self.sheets[&framework].prefix, plain.trim_end_matches('-'))
    }

    /// The evidence kinds that bear on a control, with how much of it each shows.
    pub fn kinds_of(&self, framework: Framework, id: &str) -> Vec<(&str, Extent)> {
        let bears = |(name, kind)| Some((name, EvidenceKind::extent(kind, framework, id)?));
        self.kinds.iter().filter_map(|(name, kind)| bears((name.as_str(), kind))).collect()
    }
}
