//! Where everything stands, as one document: launches, waves, scopes, and for all that does not go on a chain of reasons
//! that ends at who or what can release it. `landfall schema status` publishes the form.

mod chain;
mod csv;
mod ends;
mod fold;
mod gates;
mod people;
mod state;
#[cfg(test)]
mod tests;
mod text;
mod why;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::id::{RegionName, RunId, ScopeId, StepId, WaveName};
use crate::base::time::{Millis, Timestamp};
use crate::engine;
use crate::fleet;
use crate::forecast::Durations;
use crate::model::calendar::Calendar;
use crate::model::plan::Plan;

pub use csv::csv;
pub(super) use csv::quoted;
pub use fold::fold;
pub use gates::{ShutGate, gate_lines};
pub use people::People;
pub use text::{Style, page, scope_page, wave_page};
pub use why::why;

/// Format version of the document. It grows with breaks; additions leave it.
pub const STATUS_VERSION: u32 = 1;

/// What the document is folded from.
#[derive(Debug)]
pub struct Sources {
    /// The present moment.
    pub at: Timestamp,
    /// The estate's name.
    pub estate: String,
    /// The estate's waves in order, with their sites.
    pub waves: Vec<(WaveName, Vec<ScopeId>)>,
    /// Every scope of the estate.
    pub places: BTreeMap<ScopeId, Place>,
    /// Who holds which role.
    pub people: People,
    /// The launches that say something about today, oldest first.
    pub launches: Vec<Seen>,
}

/// What the estate says about a scope.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// The site's name.
    pub name: Option<String>,
    /// The region it is in.
    pub region: Option<RegionName>,
    /// The wave it is in.
    pub wave: Option<WaveName>,
    /// When it may be changed, in the zone of its clock.
    pub calendar: Option<Calendar>,
}

/// One launch as its logs tell it.
#[derive(Debug)]
pub struct Seen {
    /// Its name.
    pub run: RunId,
    /// Its plan.
    pub plan: Plan,
    /// When it began.
    pub began: Timestamp,
    /// Where it stands.
    pub fleet: fleet::State,
    /// Where its scopes stand; those that never started may be missing.
    pub scopes: BTreeMap<ScopeId, Run>,
    /// Who carries it out at present.
    pub holder: Option<String>,
    /// How long steps are expected to take on its target.
    pub durations: Durations,
}

/// A scope's part of a launch.
#[derive(Debug)]
pub struct Run {
    /// Its steps.
    pub state: engine::State,
    /// When its state changed last.
    pub since: Timestamp,
    /// When each call under way was sent.
    pub sent: BTreeMap<StepId, Timestamp>,
}

/// Where everything stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// Format version.
    pub v: u32,
    /// The moment that it is about.
    pub at: Timestamp,
    /// The estate's name.
    pub estate: String,
    /// Launches that have not ended, and the newest one, oldest first.
    pub launches: Vec<Launch>,
    /// The waves in order.
    pub waves: Vec<Wave>,
    /// The account, the regions, the sites.
    pub scopes: Vec<Scope>,
    /// Gates that are shut, scope by scope.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<ShutGate>,
}

/// One launch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Launch {
    /// Its name.
    pub run: RunId,
    /// What it covers, for people.
    pub covers: String,
    /// In one word.
    pub state: LaunchState,
    /// When it began.
    pub began: Timestamp,
    /// The process that carries it out, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// Why it does not go on as a whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<Link>,
}

/// Where a launch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LaunchState {
    /// A process carries it out.
    Running,
    /// It has not ended and no process carries it out.
    Unfinished,
    /// It was stopped, or left while it waits, and can be taken up again.
    Suspended,
    /// A person has paused it.
    Paused,
    /// It is being called off.
    Aborting,
    /// Every scope succeeded.
    Succeeded,
    /// Some sites failed, within the budgets.
    Partial,
    /// It failed.
    Failed,
    /// It was called off.
    Aborted,
}

/// One wave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Wave {
    /// Its name.
    pub name: WaveName,
    /// In one word.
    pub state: WaveState,
    /// The newest launch that it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// Its sites that are done.
    pub done: usize,
    /// Its sites that failed or were called off.
    pub failed: usize,
    /// All its sites.
    pub total: usize,
    /// When it is expected to be over, if nothing fails and nobody has to be waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_end: Option<Timestamp>,
    /// Why it stands so, from what holds it to who or what can release it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<Link>,
}

/// Where a wave stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WaveState {
    /// Nothing has happened to a site of it.
    NotStarted,
    /// Something must hold before it begins, and does not.
    Barred,
    /// Its sites are under way.
    Running,
    /// What is done is being watched.
    Baking,
    /// Its launch is paused.
    Paused,
    /// Its launch has not ended, and nobody carries it out.
    Suspended,
    /// No further site of it starts.
    Halted,
    /// Every site is done.
    Done,
    /// Some sites are done, and no other is under way.
    Partial,
    /// No site is done, and one failed.
    Failed,
    /// It was called off.
    Aborted,
}

/// One scope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Scope {
    /// Which.
    pub scope: ScopeId,
    /// The site's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The region it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<RegionName>,
    /// The wave it is in: its stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wave: Option<WaveName>,
    /// The IANA zone in which people are told its times.
    pub zone: String,
    /// In one word.
    pub state: ScopeState,
    /// The launch that says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// Which time it is tried.
    pub round: u32,
    /// Steps that reached their goal.
    pub done: usize,
    /// All steps.
    pub total: usize,
    /// The first of the second, in whole per cent.
    pub percent: usize,
    /// Steps whose calls were sent and not answered yet.
    pub under_way: Vec<StepId>,
    /// Steps that failed, and why.
    pub failed: BTreeMap<StepId, String>,
    /// Steps that never started, and the step that is the reason.
    pub blocked: BTreeMap<StepId, StepId>,
    /// Since when it stands so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// The first moment from now on at which its calendar lets changes begin. Absent without a calendar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_window: Option<Timestamp>,
    /// When it is expected to be done, if nothing fails and nobody has to be waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_end: Option<Timestamp>,
    /// The end of the first chain: who or what can release it, since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocker: Option<Link>,
    /// Why it does not go on; several chains if several things hold it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<Vec<Link>>,
}

/// Where a scope stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScopeState {
    /// Nothing was done, and nothing is about to be.
    NotStarted,
    /// Its launch is under way, and it waits for something.
    Waiting,
    /// It runs.
    Running,
    /// It has begun and not ended, and no process carries it out.
    Unfinished,
    /// It was stopped and can be taken up again.
    Suspended,
    /// It is being called off.
    Aborting,
    /// It ended well.
    Succeeded,
    /// It did not.
    Failed,
    /// It was called off.
    Aborted,
    /// It was taken out, or never started because of something it needs.
    Skipped,
}

/// One link of a chain of reasons: what the one before it waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Link {
    /// What sort of thing it is.
    pub on: On,
    /// In words, without times.
    pub what: String,
    /// Since when it is in the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// How long that is, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age: Option<Millis>,
    /// When it ends by itself, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Who can release it. Nobody, for what time or a service releases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<Owner>,
    /// What to type or to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Somebody who can release something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Owner {
    /// The role.
    pub role: String,
    /// Who holds it, as the estate says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
}

/// What can be in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum On {
    /// The site's change window.
    Window,
    /// The bake time of a wave.
    Bake,
    /// A person who paused the launch.
    Pause,
    /// What must hold before a wave begins.
    Entry,
    /// Another scope.
    Scope,
    /// A place of its wave.
    Place,
    /// A service, or an object that is not ready.
    Service,
    /// A step of the scope.
    Step,
    /// Calls that are being answered.
    Work,
    /// A step that failed.
    Failure,
    /// A wave that was halted.
    Halt,
    /// A person who took it out, or called it off.
    Person,
    /// Somebody has to take the launch up again.
    Resume,
}

impl Status {
    /// Keeps one wave and its sites.
    pub fn of_wave(mut self, wave: &WaveName) -> Self {
        self.waves.retain(|one| one.name == *wave);
        self.scopes.retain(|one| one.wave.as_ref() == Some(wave));
        let runs: Vec<_> = self.waves.iter().filter_map(|wave| wave.run.clone()).collect();
        self.launches.retain(|launch| runs.contains(&launch.run));
        let sites: Vec<&ScopeId> = self.scopes.iter().map(|one| &one.scope).collect();
        self.gates.retain(|gate| sites.contains(&&gate.scope));
        self
    }

    /// Keeps one scope, with its wave and launch.
    pub fn of_scope(mut self, scope: &ScopeId) -> Self {
        self.scopes.retain(|one| one.scope == *scope);
        let wave = self.scopes.first().and_then(|one| one.wave.clone());
        let run = self.scopes.first().and_then(|one| one.run.clone());
        self.waves.retain(|one| Some(&one.name) == wave.as_ref());
        self.launches.retain(|launch| Some(&launch.run) == run.as_ref());
        self.gates.retain(|gate| gate.scope == *scope);
        self
    }

    /// Whether a launch has not ended.
    pub fn is_open(&self) -> bool {
        self.launches.iter().any(|launch| launch.state.is_open())
    }

    /// The same without what changes while nothing happens: two that are equal so tell the same.
    pub fn timeless(&self) -> Self {
        let mut same = self.clone();
        same.at = Timestamp::from_millis(0);
        same.waves.iter_mut().for_each(|wave| {
            wave.expected_end = None;
            wave.waits.iter_mut().for_each(|link| link.age = None);
        });
        let ages = same.launches.iter_mut().flat_map(|launch| &mut launch.waits);
        ages.for_each(|link| link.age = None);
        for scope in &mut same.scopes {
            (scope.expected_end, scope.next_window) = (None, None);
            let links = scope.waits.iter_mut().flatten().chain(&mut scope.blocker);
            links.for_each(|link| link.age = None);
        }
        same
    }
}

/// The published form of the document.
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Status);
    schema.insert("$id".to_owned(), "https://landfall.dev/schemas/status-1.json".into());
    schema.insert("title".to_owned(), "landfall status".into());
    schema.to_value()
}
