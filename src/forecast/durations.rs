//! How long steps take: published or assumed times, replaced by the median of what was measured.

use std::collections::{BTreeMap, VecDeque};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::base::id::KindName;
use crate::base::limits::{DURATION_SAMPLES_MAX, DURATION_SAMPLES_MIN};
use crate::base::time::Millis;
use crate::model::plan::{Operation, PlannedStep, TargetName, Work};

/// The table that is part of the program.
const STANDARD: &str = include_str!("durations.toml");

/// Where an expected duration comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// From the table that is part of the program.
    Published,
    /// The median of so many earlier steps on the same target.
    Measured {
        /// How many.
        samples: usize,
    },
}

/// How long something is expected to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Expected {
    /// How long.
    pub millis: Millis,
    /// Who says so.
    pub source: Source,
}

/// One row of everything that is known, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Known {
    /// The kind; none for what holds for all kinds that have no row of their own.
    pub kind: Option<KindName>,
    /// The operation, `look` or `check`.
    pub operation: &'static str,
    /// What is expected.
    pub expected: Expected,
    /// What the table says, measured or not.
    pub published: Millis,
    /// Who says what the table says.
    pub basis: String,
}

/// How far a measured time is from what the table says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deviation {
    /// The kind.
    pub kind: KindName,
    /// The operation.
    pub operation: &'static str,
    /// What the table says.
    pub predicted: Millis,
    /// The median of what was measured.
    pub measured: Millis,
    /// Of how many steps.
    pub samples: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Usual {
    millis: Millis,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    kind: KindName,
    operation: Operation,
    millis: Millis,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    look: Usual,
    check: Usual,
    create: Usual,
    update: Usual,
    delete: Usual,
    row: Vec<Row>,
}

#[derive(Debug, PartialEq, Eq)]
struct Published {
    look: Usual,
    check: Usual,
    create: Usual,
    update: Usual,
    delete: Usual,
    rows: BTreeMap<(KindName, Operation), Usual>,
}

impl Published {
    fn standard() -> &'static Published {
        static PUBLISHED: LazyLock<Published> =
            LazyLock::new(|| Published::read(STANDARD).expect("the built-in table is tested"));
        &PUBLISHED
    }

    fn read(text: &str) -> Result<Published, String> {
        let file: File = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        let File { look, check, create, update, delete, row } = file;
        let mut rows = BTreeMap::new();
        for Row { kind, operation, millis, source } in row {
            let again = rows.insert((kind.clone(), operation), Usual { millis, source });
            if again.is_some() || operation == Operation::None {
                return Err(format!("{kind} {}: stands there twice, or does nothing", word(operation)));
            }
        }
        Ok(Published { look, check, create, update, delete, rows })
    }

    fn of(&self, kind: &KindName, operation: Operation) -> Usual {
        if let Some(row) = self.rows.get(&(kind.clone(), operation)) {
            return row.clone();
        }
        match operation {
            Operation::None => self.look.clone(),
            Operation::Create => self.create.clone(),
            Operation::Update => self.update.clone(),
            Operation::Delete => self.delete.clone(),
            Operation::Replace => {
                let (delete, create) = (self.of(kind, Operation::Delete), self.of(kind, Operation::Create));
                let millis = Millis(delete.millis.0.saturating_add(create.millis.0));
                Usual { millis, source: "a delete and a create".to_owned() }
            }
        }
    }
}

/// The word for an operation in tables.
fn word(operation: Operation) -> &'static str {
    match operation {
        Operation::None => "look",
        Operation::Create => "create",
        Operation::Update => "update",
        Operation::Replace => "replace",
        Operation::Delete => "delete",
    }
}

/// What was measured of one kind and operation: the newest samples, and how many there are to one side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Samples {
    newest: VecDeque<Millis>,
    median: Millis,
}

impl Samples {
    fn add(&mut self, took: Millis) {
        if self.newest.len() == DURATION_SAMPLES_MAX {
            self.newest.pop_front();
        }
        self.newest.push_back(took);
        let mut sorted: Vec<Millis> = self.newest.iter().copied().collect();
        sorted.sort_unstable();
        let (low, high) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
        self.median = Millis(u64::midpoint(low.0, high.0));
    }

    fn measured(&self) -> Option<Expected> {
        let samples = self.newest.len();
        (samples >= DURATION_SAMPLES_MIN)
            .then_some(Expected { millis: self.median, source: Source::Measured { samples } })
    }
}

/// Expected durations of steps on one target. What was measured on another target is never taken in: a sandbox makes
/// a workspace in seconds, and a plan for a real account that believed it would be worthless.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Durations {
    target: Option<String>,
    measured: BTreeMap<(KindName, Operation), Samples>,
}

/// What tells a target from all others: the account and its host, whatever the estate calls it.
pub fn target_key(target: &TargetName) -> String {
    format!("{}@{}", target.account_id, target.host)
}

impl Durations {
    /// The table alone. It learns nothing: it is about no target.
    pub fn published() -> Self {
        Self::default()
    }

    /// The table, for plans of this target (see [`target_key`]); measured times of this target replace it.
    pub fn of_target(target: &str) -> Self {
        Self { target: Some(target.to_owned()), measured: BTreeMap::new() }
    }

    /// Takes a measured time in, and says whether it did: figures of other targets are refused.
    pub fn learn(&mut self, target: &str, kind: &KindName, operation: Operation, took: Millis) -> bool {
        let ours = self.target.as_deref() == Some(target);
        if ours {
            self.measured.entry((kind.clone(), operation)).or_default().add(took);
        }
        ours
    }

    /// How long it takes to bring an object of a kind to its desired state.
    pub fn of(&self, kind: &KindName, operation: Operation) -> Expected {
        let measured = self.measured.get(&(kind.clone(), operation)).and_then(Samples::measured);
        measured.unwrap_or_else(|| Expected {
            millis: Published::standard().of(kind, operation).millis,
            source: Source::Published,
        })
    }

    /// How long a check takes.
    pub fn check(&self) -> Expected {
        Expected { millis: Published::standard().check.millis, source: Source::Published }
    }

    /// How long a planned step takes.
    pub fn of_step(&self, step: &PlannedStep) -> Expected {
        match &step.work {
            Work::Reconcile(reconcile) => self.of(&reconcile.kind, reconcile.operation),
            Work::Check { .. } => self.check(),
        }
    }

    /// Everything that is known: what holds for all kinds first, then each kind and operation that differs.
    pub fn table(&self) -> Vec<Known> {
        let published = Published::standard();
        let general = [
            ("look", &published.look),
            ("check", &published.check),
            ("create", &published.create),
            ("update", &published.update),
            ("delete", &published.delete),
        ];
        let mut rows: Vec<Known> = general
            .into_iter()
            .map(|(operation, usual)| Known {
                kind: None,
                operation,
                expected: Expected { millis: usual.millis, source: Source::Published },
                published: usual.millis,
                basis: usual.source.clone(),
            })
            .collect();
        let keys: std::collections::BTreeSet<_> = published.rows.keys().chain(self.measured.keys()).collect();
        rows.extend(keys.into_iter().map(|(kind, operation)| {
            let usual = published.of(kind, *operation);
            Known {
                kind: Some(kind.clone()),
                operation: word(*operation),
                expected: self.of(kind, *operation),
                published: usual.millis,
                basis: usual.source,
            }
        }));
        rows
    }

    /// What was measured to be furthest from the table, the furthest (by factor) first.
    pub fn deviations(&self) -> Vec<Deviation> {
        let mut all: Vec<Deviation> = self
            .measured
            .iter()
            .filter_map(|((kind, operation), samples)| {
                let measured = samples.measured()?.millis;
                let predicted = Published::standard().of(kind, *operation).millis;
                let (kind, operation, samples) = (kind.clone(), word(*operation), samples.newest.len());
                (measured != predicted).then_some(Deviation { kind, operation, predicted, measured, samples })
            })
            .collect();
        all.sort_by(|a, b| {
            b.factor()
                .total_cmp(&a.factor())
                .then_with(|| (&a.kind, a.operation).cmp(&(&b.kind, b.operation)))
        });
        all
    }
}

impl Deviation {
    /// How many times longer the longer of the two is.
    pub fn factor(&self) -> f64 {
        let (short, long) = (self.predicted.min(self.measured).0, self.predicted.max(self.measured).0);
        long.max(1) as f64 / short.max(1) as f64
    }
}
