//! What a scope owns: the fold over the whole log of the scope, all runs together.
//!
//! An object is ours if a call of ours made or changed it, or may have: an intent without a result leaves the step *in
//! doubt*, so that the next run knows whose object it is if one is found. An object that merely matched is not ours;
//! one that a person adopted is.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::adoption::{ADOPTED, Adopted};
use super::entry::{BlobRef, Entry};
use super::event::{BadEvent, Desired, Effect, Event, Rest};
use super::finding::NextCall;
use crate::base::id::{KindName, RunId, StepId};

/// What a scope owns, by step.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Holdings {
    tracks: BTreeMap<StepId, Track>,
}

/// An object that is ours.
#[derive(Debug, Clone, PartialEq)]
pub struct Holding {
    /// Its kind.
    pub kind: KindName,
    /// The workspace resource that its calls go through.
    pub via: Option<crate::model::via::Via>,
    /// The steps that it rests on.
    pub after: Vec<StepId>,
    /// Its id on the service, once known.
    pub id: Option<String>,
    /// What was last applied; for a create in doubt, what may have been.
    pub spec: Value,
    /// Its allow-listed outputs when it was last seen to be as desired.
    pub outputs: Map<String, Value>,
    /// The object when it was last seen to be as desired.
    pub readback: Option<BlobRef>,
    /// The run that last applied something to it.
    pub run: Option<RunId>,
    /// The call whose outcome is not known.
    pub in_doubt: Option<NextCall>,
}

/// What is known of one step. Most steps have one of these at a time, and a launch holds a track for each of its steps, so
/// none has room kept for what it has not.
#[derive(Debug, Clone, PartialEq, Default)]
struct Track {
    /// The object, if a call of ours had its effect.
    holding: Option<Box<Holding>>,
    /// A call that was about to be sent.
    intent: Option<Box<Intent>>,
    /// An earlier call whose answer never came.
    doubt: Option<Box<Intent>>,
    /// The object as a run saw it to be as desired without doing anything for it. It is not ours, but it was verified.
    matched: Option<Box<Holding>>,
    /// A create met an object that cannot be ours: a later create in doubt then proves nothing.
    contested: bool,
}

#[derive(Debug, Clone, PartialEq)]
struct Intent {
    call: NextCall,
    desired: Desired,
    run: Option<RunId>,
}

impl Holdings {
    /// What a log comes to.
    ///
    /// # Errors
    ///
    /// At the first entry of a known kind that cannot be understood.
    pub fn from_entries<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Result<Self, BadEvent> {
        let mut holdings = Self::default();
        for entry in entries {
            holdings.take(entry)?;
        }
        Ok(holdings)
    }

    /// Folds one entry, and gives the event that it holds, if it holds one.
    ///
    /// # Errors
    ///
    /// If it is of a known kind and cannot be understood.
    pub fn take(&mut self, entry: &Entry) -> Result<Option<Event>, BadEvent> {
        if let (ADOPTED, Some(step)) = (entry.kind.as_str(), &entry.step) {
            let adopted = serde_json::from_value(entry.body.clone());
            let adopted = adopted.map_err(|source| BadEvent { kind: entry.kind.clone(), source })?;
            self.adopt(step, adopted, &entry.refs);
            return Ok(None);
        }
        let event = Event::from_entry(&entry.kind, entry.step.as_ref(), &entry.body)?;
        self.fold(entry.run.as_ref(), &event);
        Ok(Some(event))
    }

    /// The same with an entry that nobody else needs.
    ///
    /// # Errors
    ///
    /// As `take`.
    pub fn take_over(&mut self, entry: Entry) -> Result<Option<Event>, BadEvent> {
        if entry.kind == ADOPTED {
            return self.take(&entry);
        }
        let event = Event::from_body(&entry.kind, entry.step.as_ref(), entry.body)?;
        self.fold(entry.run.as_ref(), &event);
        Ok(Some(event))
    }

    /// Folds one event of a run. Events that say nothing about objects change nothing.
    pub fn fold(&mut self, run: Option<&RunId>, event: &Event) {
        let Some(step) = event.step() else { return };
        let track = self.tracks.entry(step.clone()).or_default();
        match event {
            Event::StepApplying { call, desired, .. } => {
                // An intent that nobody took up again is in doubt for good.
                track.rested_in_doubt();
                if *call == NextCall::Create {
                    // Only what was seen not to be there is made.
                    track.holding = None;
                }
                let intent = Intent { call: *call, desired: desired.clone(), run: run.cloned() };
                track.intent = Some(Box::new(intent));
            }
            Event::StepApplied { id, .. } => {
                if let Some(intent) = track.intent.take() {
                    track.effected(*intent, id.clone());
                }
                (track.doubt, track.contested) = (None, false);
            }
            Event::StepFound { id, .. } => track.found(id.clone()),
            Event::StepRested { why: Rest::InDoubt, .. } => track.rested_in_doubt(),
            Event::StepRested { why: Rest::Conflict, .. } => {
                let made = track.intent.take().is_some_and(|intent| intent.call == NextCall::Create);
                track.contested |= made && track.doubt.is_none();
            }
            Event::StepRested { .. } | Event::StepFailed { .. } => track.intent = None,
            Event::StepSucceeded { effect: Effect::Deleted | Effect::AlreadyGone, .. } => {
                *track = Track::default();
            }
            Event::StepSucceeded { id, outputs, readback, desired, .. } => {
                track.found(id.clone());
                track.matched = match (&track.holding, desired) {
                    (None, Some(desired)) => Some(Box::new(Holding {
                        outputs: outputs.clone(),
                        readback: readback.clone(),
                        ..Holding::new(desired.clone(), id.clone(), run.cloned())
                    })),
                    (Some(_), _) | (None, None) => None,
                };
                if let Some(holding) = &mut track.holding {
                    holding.outputs = outputs.clone();
                    holding.readback = readback.clone();
                    if let Some(desired) = desired {
                        holding.take_over(desired);
                    }
                }
            }
            Event::StepPolled { .. }
            | Event::StepWoke { .. }
            | Event::StepBlocked { .. }
            | Event::Unknown { .. }
            | Event::RunStarted { .. }
            | Event::RunRecovered { .. }
            | Event::RunStopping {}
            | Event::RunAborting {}
            | Event::RunRetried { .. }
            | Event::RunSuspended {}
            | Event::RunEnded { .. } => {}
        }
        if *track == Track::default() {
            self.tracks.remove(step);
        }
    }

    /// Takes an object over that was there before us.
    pub fn adopt(&mut self, step: &StepId, adopted: Adopted, refs: &[BlobRef]) {
        let Adopted { desired, id, outputs, differs: _, reason: _ } = adopted;
        let readback = refs.iter().find(|named| named.path.starts_with("readback/")).cloned();
        let holding = Holding { outputs, readback, ..Holding::new(desired, Some(id), None) };
        let holding = Some(Box::new(holding));
        self.tracks.insert(step.clone(), Track { holding, ..Track::default() });
    }

    /// What a step holds, or may hold.
    pub fn get(&self, step: &StepId) -> Option<Holding> {
        self.tracks.get(step).and_then(Track::shown)
    }

    /// Whether the id of what is ours is known.
    pub fn has_id(&self, step: &StepId) -> bool {
        let held = self.tracks.get(step).and_then(|track| track.holding.as_ref());
        held.is_some_and(|held| held.id.is_some())
    }

    /// Everything that is ours or may be, and everything else that a run has seen to be as desired, by step: objects
    /// that are always there are not ours for merely being as they should, but they should stay so.
    pub fn watched(&self) -> impl Iterator<Item = (&StepId, Holding)> {
        let of = |track: &Track| track.shown().or_else(|| track.matched.as_deref().cloned());
        self.tracks.iter().filter_map(move |(step, track)| Some((step, of(track)?)))
    }

    /// What the service told of everything that is ours; nothing of what may only be.
    pub fn outputs(&self) -> impl Iterator<Item = (&StepId, Option<&Map<String, Value>>)> {
        let held = self.tracks.iter().filter(|(_, track)| track.holding.is_some() || track.open().is_some());
        held.map(|(step, track)| (step, track.holding.as_deref().map(|holding| &holding.outputs)))
    }

    /// Everything that is ours or may be, by step.
    pub fn iter(&self) -> impl Iterator<Item = (&StepId, Holding)> {
        self.tracks.iter().filter_map(|(step, track)| Some((step, track.shown()?)))
    }
}

impl Track {
    fn effected(&mut self, intent: Intent, id: Option<String>) {
        self.matched = None;
        let Intent { call, desired, run } = intent;
        match (call, &mut self.holding) {
            // Until it was seen to be gone, it is still ours.
            (NextCall::Delete, Some(_)) => {}
            (NextCall::Update, Some(holding)) => {
                holding.take_over(&desired);
                holding.run = run;
                holding.id = id.or(holding.id.take());
            }
            (NextCall::Create, _) | (NextCall::Update | NextCall::Delete, None) => {
                self.holding = Some(Box::new(Holding::new(desired, id, run)));
            }
        }
    }

    /// A look after a call showed the object: a doubt about making or changing it is dispelled.
    fn found(&mut self, id: Option<String>) {
        self.rested_in_doubt();
        if let Some(doubt) = self.doubt.take() {
            self.effected(*doubt, id.clone());
        }
        if let (Some(holding), Some(_)) = (&mut self.holding, &id) {
            holding.id = id;
        }
    }

    /// A create in doubt stays in doubt whatever call came after it.
    fn rested_in_doubt(&mut self) {
        let Some(intent) = self.intent.take() else { return };
        if self.contested && intent.call == NextCall::Create {
            return;
        }
        let keeps = self.doubt.as_ref().is_some_and(|doubt| doubt.call == NextCall::Create);
        if !keeps || intent.call == NextCall::Create {
            self.doubt = Some(intent);
        }
    }

    /// The call whose outcome is not known.
    fn open(&self) -> Option<&Intent> {
        let proves = |intent: &&Intent| !(self.contested && intent.call == NextCall::Create);
        self.doubt.as_deref().or(self.intent.as_deref().filter(proves))
    }

    fn shown(&self) -> Option<Holding> {
        let open = self.open();
        let in_doubt = open.map(|intent| intent.call);
        match (self.holding.as_deref(), open) {
            (Some(holding), _) => Some(Holding { in_doubt, ..holding.clone() }),
            (None, Some(intent)) => {
                let holding = Holding::new(intent.desired.clone(), None, intent.run.clone());
                Some(Holding { in_doubt, ..holding })
            }
            (None, None) => None,
        }
    }
}

impl Holding {
    fn new(desired: Desired, id: Option<String>, run: Option<RunId>) -> Self {
        let Desired { kind, via, after, spec, spec_digest: _ } = desired;
        Self { kind, via, after, id, spec, outputs: Map::new(), readback: None, run, in_doubt: None }
    }

    fn take_over(&mut self, desired: &Desired) {
        let Desired { kind, via, after, spec, spec_digest: _ } = desired.clone();
        (self.kind, self.via, self.after, self.spec) = (kind, via, after, spec);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::base::digest::Digest;
    use crate::base::time::{Millis, Timestamp};
    use crate::model::outcome::{Cause, CauseClass};

    fn step() -> StepId {
        StepId::new("catalog.clinical").expect("an id")
    }

    fn desired(version: u32) -> Desired {
        let spec = json!({ "version": version });
        Desired {
            kind: KindName::new("databricks.catalog").expect("a kind"),
            via: None,
            after: vec![StepId::new("workspace.prod").expect("an id")],
            spec_digest: Digest::of_canonical(&spec),
            spec,
        }
    }

    fn applying(call: NextCall, version: u32) -> Event {
        let deadline = Timestamp::from_millis(60_000);
        Event::StepApplying { step: step(), attempt: 1, call, deadline, desired: desired(version) }
    }

    fn applied(id: &str) -> Event {
        let at = Timestamp::from_millis(1_000);
        Event::StepApplied { step: step(), attempt: 1, at, id: Some(id.to_owned()) }
    }

    fn rested(why: Rest) -> Event {
        let until = Timestamp::from_millis(1_000);
        Event::StepRested { step: step(), attempt: 1, at: None, until, why, cause: None }
    }

    fn succeeded(effect: Effect, id: Option<&str>, version: Option<u32>) -> Event {
        Event::StepSucceeded {
            step: step(),
            attempt: 1,
            effect,
            id: id.map(str::to_owned),
            outputs: Map::new(),
            readback: None,
            polls: 0,
            settled_in: Millis(0),
            desired: version.map(desired),
        }
    }

    fn failed() -> Event {
        let cause = Cause::new(CauseClass::PermissionDenied, "not allowed");
        Event::StepFailed { step: step(), attempt: 1, cause, readback: None }
    }

    /// Folds, and tells what is held as `id version in-doubt`.
    fn check(events: &[Event], expect: &str) {
        let run = RunId::new("run-1").expect("an id");
        let mut holdings = Holdings::default();
        for event in events {
            holdings.fold(Some(&run), event);
        }
        let shown = holdings.get(&step()).map_or("nothing".to_owned(), |holding| {
            let doubt = holding.in_doubt.map_or(String::new(), |call| format!(" in doubt: {call:?}"));
            format!("{} v{}{doubt}", holding.id.unwrap_or("?".to_owned()), holding.spec["version"])
        });
        assert_eq!(shown, expect, "after {events:?}");
        assert_eq!(holdings.iter().count(), usize::from(expect != "nothing"));
    }

    #[test]
    fn what_merely_matched_is_watched_until_a_call_makes_it_ours() {
        let watched = |events: &[Event]| {
            let mut holdings = Holdings::default();
            events.iter().for_each(|event| holdings.fold(None, event));
            let shown: Vec<String> = holdings
                .watched()
                .map(|(_, held)| format!("{:?} v{}", held.id, held.spec["version"]))
                .collect();
            shown.join(", ")
        };
        let matched = succeeded(Effect::Unchanged, Some("7"), Some(1));
        assert_eq!(watched(std::slice::from_ref(&matched)), r#"Some("7") v1"#);
        let made = [matched.clone(), applying(NextCall::Create, 2), applied("8")];
        assert_eq!(watched(&made), r#"Some("8") v2"#);
        assert_eq!(watched(&[matched, succeeded(Effect::Deleted, None, None)]), "");
        assert_eq!(watched(&[succeeded(Effect::Checked, Some("7"), None)]), "", "a check has no object");
    }

    #[test]
    fn what_was_applied_is_held_until_it_was_seen_to_be_gone() {
        use NextCall::{Create, Delete, Update};
        check(&[applying(Create, 1), applied("7")], "7 v1");
        check(&[applying(Create, 1), applied("7"), applying(Update, 2), applied("7")], "7 v2");
        let deleted = [applying(Create, 1), applied("7"), applying(Delete, 1), applied("7")];
        check(&deleted, "7 v1");
        check(&[&deleted[..], &[succeeded(Effect::Deleted, None, None)]].concat(), "nothing");
        check(&[&deleted[..], &[applying(Create, 2), applied("8")]].concat(), "8 v2");
        check(&[&deleted[..], &[applying(Create, 2), rested(Rest::Busy)]].concat(), "nothing");
    }

    #[test]
    fn an_object_that_merely_matched_is_not_ours() {
        check(&[succeeded(Effect::Unchanged, Some("7"), Some(1))], "nothing");
        let held = [applying(NextCall::Create, 1), applied("7")];
        check(&[&held[..], &[succeeded(Effect::Unchanged, Some("7"), Some(2))]].concat(), "7 v2");
        check(&[&held[..], &[succeeded(Effect::AlreadyGone, None, None)]].concat(), "nothing");
    }

    #[test]
    fn an_adopted_object_is_ours_as_if_we_had_made_it() {
        let adopted = Adopted {
            desired: desired(1),
            id: "7".to_owned(),
            outputs: Map::from_iter([("url".to_owned(), json!("s3://x"))]),
            differs: vec!["/comment".to_owned()],
            reason: "it was there".to_owned(),
        };
        let blob = BlobRef { path: "readback/catalog.clinical.json".to_owned(), sha256: Digest::of(b"x") };
        let entry = |kind: &str, body: Value| Entry {
            v: 1,
            seq: 0,
            at: Timestamp::from_millis(0),
            log: "account".parse().expect("a log"),
            run: None,
            kind: kind.to_owned(),
            step: Some(step()),
            actor: super::super::entry::Actor {
                kind: super::super::entry::ActorKind::Person,
                id: "tester".to_owned(),
            },
            plan: None,
            refs: vec![blob.clone()],
            body,
            salt: String::new(),
        };
        let body = serde_json::to_value(&adopted).expect("a body");
        let holdings = Holdings::from_entries([&entry(ADOPTED, body)]).expect("a good entry");
        let held = holdings.get(&step()).expect("held");
        assert_eq!((held.id.as_deref(), &held.spec["version"]), (Some("7"), &json!(1)));
        assert_eq!((held.in_doubt, held.readback, held.outputs.len()), (None, Some(blob.clone()), 1));
        assert!(Holdings::from_entries([&entry(ADOPTED, json!({ "id": 7 }))]).is_err(), "a bad body");
    }

    #[test]
    fn an_intent_without_a_result_stays_in_doubt() {
        use NextCall::{Create, Update};
        check(&[applying(Create, 1)], "? v1 in doubt: Create");
        let doubt = [applying(Create, 1), rested(Rest::InDoubt)];
        check(&doubt, "? v1 in doubt: Create");
        check(&[&doubt[..], &[applying(Create, 1), rested(Rest::Busy)]].concat(), "? v1 in doubt: Create");
        check(&[&doubt[..], &[failed()]].concat(), "? v1 in doubt: Create");
        check(&[&doubt[..], &[succeeded(Effect::Created, Some("7"), None)]].concat(), "7 v1");
        check(&[applying(Create, 1), succeeded(Effect::Unchanged, Some("7"), Some(1))], "7 v1");
        let updating = [applying(Create, 1), applied("7"), applying(Update, 2)];
        check(&updating, "7 v1 in doubt: Update");
        check(
            &[&updating[..], &[rested(Rest::InDoubt), succeeded(Effect::Updated, Some("7"), None)]].concat(),
            "7 v2",
        );
        check(&[applying(Create, 1), failed()], "nothing");
        let contested =
            [applying(Create, 1), rested(Rest::Conflict), applying(Create, 1), rested(Rest::InDoubt)];
        check(&contested, "nothing");
        check(&[&contested[..], &[applying(Create, 1), applied("7")]].concat(), "7 v1");
    }
}
