//! How many calls a service takes: families of calls with their published rates, read from `rates.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::base::id::KindName;

/// The table that is part of the program.
const STANDARD: &str = include_str!("rates.toml");

/// How far above the published rate an estate may go: more is a typing error or belongs into the table.
const ABOVE_PUBLISHED_MAX: f64 = 10.0;

/// The slowest rate that can be asked for, in calls per second: less than one call an hour is a stop, not a rate.
const PER_SECOND_MIN: f64 = 1.0 / 3600.0;

/// Calls that a service counts together, by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Family(String);

impl Family {
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a call does to an object of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// Reads one object.
    Read,
    /// Reads a page of a list.
    List,
    /// Makes an object.
    Create,
    /// Changes an object.
    Update,
    /// Deletes an object.
    Delete,
}

/// Whose calls a service counts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Counted {
    /// All calls to one host, whichever it is.
    Host,
    /// All calls to the account's host.
    AccountHost,
    /// All calls to one workspace's host.
    WorkspaceHost,
}

/// Calls per time, in millionths of a call per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(into = "f64")]
pub struct Rate(pub(super) u64);

impl Rate {
    /// So many calls per second; `None` for what is not a rate that can be kept.
    pub fn per_second(calls: f64) -> Option<Rate> {
        // Below a million calls per second the product is exact enough and fits.
        (calls.is_finite() && (PER_SECOND_MIN..=1e6).contains(&calls)).then_some(Rate((calls * 1e6) as u64))
    }

    /// Calls per second.
    pub fn as_per_second(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// Microseconds from one call to the next, rounded up: rounding never makes it faster.
    pub(super) fn interval(self) -> i64 {
        i64::try_from(1_000_000_000_000_u64.div_ceil(self.0.max(1))).unwrap_or(i64::MAX)
    }
}

impl From<Rate> for f64 {
    fn from(rate: Rate) -> f64 {
        rate.as_per_second()
    }
}

/// `15/s`, `2.5/s`, `35/min`.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, unit) = match self.as_per_second() {
            slow if slow < 1.0 => (slow * 60.0, "min"),
            fast => (fast, "s"),
        };
        write!(f, "{}/{unit}", (number * 100.0).round() / 100.0)
    }
}

/// What is known of one family.
#[derive(Debug, Clone, PartialEq)]
pub struct FamilyRate {
    /// How many calls the service takes.
    pub rate: Rate,
    /// How many calls may go out at once after a pause.
    pub burst: u32,
    /// Whose calls are counted together.
    pub scope: Counted,
    /// Who says so.
    pub source: String,
    /// Why the family stands in the table.
    pub reason: String,
}

/// The rates of all families.
#[derive(Debug, Clone, PartialEq)]
pub struct Rates {
    default: Family,
    families: BTreeMap<Family, FamilyRate>,
    claims: BTreeMap<KindName, BTreeMap<Verb, Family>>,
}

/// A table of rates that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a table of rates cannot be used: {0}")]
pub struct BadRates(String);

/// An estate's own rate that is refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BadOverride {
    /// There is no such family.
    #[error("there is no API family `{0}`")]
    Family(String),
    /// It is not a positive number.
    #[error("a rate is a number of calls per second above 0 (one call an hour at least)")]
    NotARate,
    /// It is far more than the service takes.
    #[error("the published rate is {published}; more than {most} per second is refused")]
    TooFast {
        /// What is published.
        published: Rate,
        /// The most that is taken, in calls per second.
        most: f64,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    default: Family,
    family: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: Family,
    #[serde(default)]
    per_second: Option<f64>,
    #[serde(default)]
    per_minute: Option<f64>,
    burst: u32,
    scope: Counted,
    source: String,
    reason: String,
    #[serde(default)]
    kinds: BTreeSet<KindName>,
    #[serde(default)]
    verbs: BTreeSet<Verb>,
}

impl Row {
    fn rate(&self) -> Option<Rate> {
        match (self.per_second, self.per_minute) {
            (Some(calls), None) => Rate::per_second(calls),
            (None, Some(calls)) => Rate::per_second(calls / 60.0),
            (Some(_), Some(_)) | (None, None) => None,
        }
    }
}

impl Rates {
    /// The rates that are part of the program.
    ///
    /// # Panics
    ///
    /// If the built-in table cannot be read; a test reads it.
    pub fn standard() -> &'static Rates {
        static RATES: LazyLock<Rates> =
            LazyLock::new(|| Rates::read(STANDARD).expect("the built-in table is tested"));
        &RATES
    }

    /// Reads a table.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it.
    pub fn read(text: &str) -> Result<Rates, BadRates> {
        let file: File = toml::from_str(text).map_err(|error| BadRates(error.message().to_owned()))?;
        let mut rates = Rates { default: file.default, families: BTreeMap::new(), claims: BTreeMap::new() };
        for row in file.family {
            let name = row.name.clone();
            let wrong = |what: &str| BadRates(format!("{name}: {what}"));
            let rate = row.rate().ok_or_else(|| wrong("one of per_second and per_minute, above 0"))?;
            if row.burst == 0 {
                return Err(wrong("a burst of 0 lets no call out"));
            }
            for kind in &row.kinds {
                for verb in &row.verbs {
                    let claimed = rates.claims.entry(kind.clone()).or_default().insert(*verb, name.clone());
                    if claimed.is_some() {
                        return Err(wrong("claims a call that another family has"));
                    }
                }
            }
            let known = FamilyRate {
                rate,
                burst: row.burst,
                scope: row.scope,
                source: row.source,
                reason: row.reason,
            };
            if rates.families.insert(name.clone(), known).is_some() {
                return Err(wrong("stands there twice"));
            }
        }
        if !rates.families.contains_key(&rates.default) {
            return Err(BadRates(format!("the default `{}` is not a family", rates.default)));
        }
        Ok(rates)
    }

    /// The family of a call.
    pub fn family(&self, kind: &KindName, verb: Verb) -> Family {
        self.claims.get(kind).and_then(|verbs| verbs.get(&verb)).unwrap_or(&self.default).clone()
    }

    /// The family of calls that no other family claims.
    pub fn default_family(&self) -> &Family {
        &self.default
    }

    /// The family of this name.
    pub fn named(&self, name: &str) -> Option<&Family> {
        self.families.get_key_value(&Family(name.to_owned())).map(|(family, _)| family)
    }

    /// What is known of a family; of the default for one that is not in the table.
    ///
    /// # Panics
    ///
    /// Never: a table without its default is not read.
    pub fn of(&self, family: &Family) -> &FamilyRate {
        let known = self.families.get(family).or_else(|| self.families.get(&self.default));
        known.expect("the default is in the table")
    }

    /// Every family with what is known of it.
    pub fn families(&self) -> impl Iterator<Item = (&Family, &FamilyRate)> {
        self.families.iter()
    }

    /// Every kind and verb that has a family of its own.
    pub fn claims(&self) -> impl Iterator<Item = (&KindName, Verb, &Family)> {
        let of = |(kind, verbs)| {
            let verbs: &BTreeMap<Verb, Family> = verbs;
            verbs.iter().map(move |(verb, family)| (kind, *verb, family))
        };
        self.claims.iter().flat_map(of)
    }

    /// The rate that an estate may set for a family.
    ///
    /// # Errors
    ///
    /// Why it may not.
    pub fn accept(&self, family: &str, per_second: f64) -> Result<Rate, BadOverride> {
        let Some(known) = self.named(family).map(|family| self.of(family)) else {
            return Err(BadOverride::Family(family.to_owned()));
        };
        let rate = Rate::per_second(per_second).ok_or(BadOverride::NotARate)?;
        let most = known.rate.as_per_second() * ABOVE_PUBLISHED_MAX;
        if per_second > most {
            return Err(BadOverride::TooFast { published: known.rate, most });
        }
        Ok(rate)
    }

    /// The same rates, but for the families that an estate sets itself, in calls per second.
    ///
    /// What [`Rates::accept`] refuses has been reported with the estate and changes nothing here.
    pub fn with<'o>(&self, overrides: impl IntoIterator<Item = (&'o str, f64)>) -> Rates {
        let mut rates = self.clone();
        for (family, per_second) in overrides {
            if let Ok(rate) = self.accept(family, per_second)
                && let Some(known) = rates.families.get_mut(&Family(family.to_owned()))
            {
                known.rate = rate;
                "the estate".clone_into(&mut known.source);
            }
        }
        rates
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(name: &str) -> KindName {
        KindName::new(name).expect("a kind")
    }

    #[test]
    fn the_built_in_table_says_what_is_published() {
        let rates = Rates::standard();
        let shown: Vec<String> =
            rates.families().map(|(name, of)| format!("{name} {} burst {}", of.rate, of.burst)).collect();
        assert_eq!(
            shown,
            [
                "account-scim-list 4/s burst 4",
                "account-scim-patch 2/s burst 2",
                "account-scim-read 20/s burst 5",
                "account-scim-write 5/s burst 3",
                "general 15/s burst 5",
                "permissions-read 100/s burst 20",
                "permissions-write 30/s burst 5",
            ]
        );
        for (name, of) in rates.families() {
            assert!(!of.source.is_empty() && !of.reason.is_empty(), "{name} has neither source nor reason");
        }
    }

    #[test]
    fn a_call_belongs_to_its_family_or_to_the_default() {
        let rates = Rates::standard();
        let family = |name, verb| rates.family(&kind(name), verb).to_string();
        assert_eq!(family("databricks.group", Verb::Update), "account-scim-patch");
        assert_eq!(family("databricks.group", Verb::Delete), "account-scim-write");
        assert_eq!(family("databricks.permissions", Verb::List), "general");
        assert_eq!(family("databricks.workspace", Verb::Create), "general");
    }

    #[test]
    fn an_estate_may_set_rates_within_reason() {
        let rates = Rates::standard();
        let told =
            |family, calls| rates.accept(family, calls).map(|r| r.to_string()).map_err(|e| e.to_string());
        assert_eq!(told("general", 150.0), Ok("150/s".to_owned()));
        assert_eq!(told("general", 0.25), Ok("15/min".to_owned()));
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-9, 150.1] {
            assert!(told("general", bad).is_err(), "{bad} was taken");
        }
        assert_eq!(told("jobs", 1.0), Err("there is no API family `jobs`".to_owned()));
        let own = rates.with([("general", 2.5), ("jobs", 1.0), ("permissions-read", -1.0)]);
        assert_eq!(own.of(own.default_family()).rate.to_string(), "2.5/s");
        assert_eq!(own.families().count(), rates.families().count());
        let (same, was) = (own.named("permissions-read"), rates.named("permissions-read"));
        assert_eq!(own.of(same.expect("there")), rates.of(was.expect("there")));
    }

    #[test]
    fn bad_tables_are_told() {
        let row = "[[family]]\nname = \"a\"\nper_second = 1\nburst = 1\nscope = \"host\"\nsource = \"s\"\nreason = \"r\"\n";
        let told = |text: String| Rates::read(&text).expect_err("a bad table").to_string();
        assert!(Rates::read(&format!("default = \"a\"\n{row}")).is_ok());
        assert!(told(format!("default = \"b\"\n{row}")).ends_with("the default `b` is not a family"));
        assert!(told(format!("default = \"a\"\n{row}{row}")).ends_with("a: stands there twice"));
        assert!(told(format!("default = \"a\"\n{row}per_minute = 1\n")).contains("one of per_second"));
        assert!(told(format!("default = \"a\"\n{}", row.replace("= 1\nb", "= 0\nb"))).contains("above 0"));
        assert!(
            told(format!("default = \"a\"\n{}", row.replace("burst = 1", "burst = 0"))).contains("burst")
        );
        assert!(told(format!("default = \"a\"\n{row}speed = 3\n")).contains("unknown field"));
        let claim = "kinds = [\"k\"]\nverbs = [\"read\"]\n";
        let second = row.replace("\"a\"", "\"b\"");
        assert!(told(format!("default = \"a\"\n{row}{claim}{second}{claim}")).contains("another family has"));
    }
}
