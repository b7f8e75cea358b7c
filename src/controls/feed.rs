//! Feeds: what an entry beside steps and items says about an evidence kind. Data; this reads one entry by it.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use crate::base::time::Timestamp;
use crate::model::entry::Entry;

/// One sort of entry.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    /// What it is, in words, where it is missing.
    pub says: String,
    /// The kinds of its entries.
    pub entry: BTreeSet<String>,
    /// Pointers of the body that must be there.
    #[serde(default)]
    has: Vec<String>,
    /// Beginnings of paths, for each of which it must name a file.
    #[serde(default)]
    names: Vec<String>,
    /// Whether it must be about the plan of the site's newest run.
    #[serde(default)]
    pub of_plan: bool,
    /// It must come before the first entry of this kind about the plan.
    #[serde(default)]
    pub before: Option<String>,
    /// The value by which it holds.
    #[serde(default)]
    holds: Option<Holds>,
    /// Where the moment stands from which it no longer counts.
    #[serde(default)]
    until: Option<String>,
    /// Entries that open something which an entry of the feed closes.
    #[serde(default)]
    pub opens: BTreeSet<String>,
    /// How the two belong together.
    #[serde(default)]
    same: Same,
    /// Entries that say that nothing is open, if nothing is.
    #[serde(default)]
    pub idle: BTreeSet<String>,
    /// Pointers to the people behind it.
    #[serde(default)]
    who: Vec<String>,
    /// Feeds behind whose entries they must not be.
    #[serde(default)]
    pub apart: Vec<String>,
}

/// A value that must be found.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Holds {
    at: String,
    equals: Value,
}

/// How what opens and what closes belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Same {
    /// By run and step.
    #[default]
    Step,
    /// By plan.
    Plan,
}

impl Feed {
    /// Whether the entry is one of the feed's, as far as it says itself.
    pub fn takes(&self, entry: &Entry) -> bool {
        let names = |path: &String| entry.refs.iter().any(|named| named.path.starts_with(path.as_str()));
        let there = |pointer: &String| entry.body.pointer(pointer).is_some_and(|value| !value.is_null());
        self.entry.contains(&entry.kind) && self.names.iter().all(names) && self.has.iter().all(there)
    }

    /// Why the entry says that it does not hold, if it does.
    pub fn broken(&self, entry: &Entry) -> Option<String> {
        let Holds { at, equals } = self.holds.as_ref()?;
        let found = entry.body.pointer(at);
        (found != Some(equals)).then(|| format!("{} says otherwise", entry.kind))
    }

    /// The moment from which the entry no longer counts.
    pub fn until(&self, entry: &Entry) -> Option<Timestamp> {
        let text = entry.body.pointer(self.until.as_deref()?)?.as_str()?;
        text.parse().ok()
    }

    /// What the entry opens or closes, by name.
    pub fn subject(&self, entry: &Entry) -> String {
        let or_none = |text: Option<String>| text.unwrap_or_default();
        match self.same {
            Same::Step => {
                let run = or_none(entry.run.as_ref().map(ToString::to_string));
                format!("{run} {}", or_none(entry.step.as_ref().map(ToString::to_string)))
            }
            Same::Plan => or_none(entry.plan.as_ref().map(ToString::to_string)),
        }
    }

    /// The people behind an entry.
    pub fn people<'e>(&self, entry: &'e Entry) -> BTreeSet<&'e str> {
        let mut people = BTreeSet::new();
        for value in self.who.iter().filter_map(|pointer| entry.body.pointer(pointer)) {
            let listed = value.as_array().into_iter().flatten().filter_map(Value::as_str);
            people.extend(value.as_str().into_iter().chain(listed));
        }
        people
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::Digest;
    use serde_json::json;

    fn entry(body: Value) -> Entry {
        let value = json!({ "v": 1, "seq": 0, "at": "2027-01-11T09:00:00Z", "log": "site/HRB01", "kind": "x",
            "actor": { "type": "person", "id": "a" }, "plan": Digest::of(b"p"), "body": body, "salt": "",
            "refs": [{ "path": "plan.json", "sha256": Digest::of(b"f") }] });
        serde_json::from_value(value).expect("an entry")
    }

    fn feed(more: &str) -> Feed {
        toml::from_str(&format!("says = \"s\"\nentry = [\"x\"]\n{more}")).expect("a feed")
    }

    #[test]
    fn an_entry_is_taken_only_if_it_has_and_names_what_is_asked_for() {
        assert!(feed("").takes(&entry(json!({}))));
        assert!(feed("names = [\"plan.json\"]").takes(&entry(json!({}))));
        assert!(!feed("names = [\"plan.json\", \"rendered/\"]").takes(&entry(json!({}))));
        let has = feed("has = [\"/ticket/number\"]");
        assert!(has.takes(&entry(json!({ "ticket": { "number": "CHG1" } }))));
        for without in
            [json!({}), json!({ "ticket": null }), json!({ "ticket": { "number": null } }), json!([])]
        {
            assert!(!has.takes(&entry(without)));
        }
    }

    #[test]
    fn whatever_the_body_is_it_is_read_without_harm() {
        let feed =
            feed("holds = { at = \"/proved\", equals = true }\nuntil = \"/end\"\nwho = [\"/by\", \"/with\"]");
        assert_eq!(feed.broken(&entry(json!({ "proved": true }))), None);
        for odd in [json!({}), json!({ "proved": "true" }), json!(null), json!([1]), json!({ "proved": 1 })] {
            assert!(feed.broken(&entry(odd)).is_some());
        }
        assert_eq!(feed.until(&entry(json!({ "end": "soon" }))), None);
        assert_eq!(feed.until(&entry(json!({ "end": 7 }))), None);
        let people = entry(json!({ "by": "ann", "with": ["bob", 3, null] }));
        assert_eq!(feed.people(&people), BTreeSet::from(["ann", "bob"]));
    }
}
