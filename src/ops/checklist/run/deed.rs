//! Deeds: what is done for an item, within its contract. Each looks before it changes anything, so doing it twice does it
//! once; what cannot be undone is never done here.

use serde_json::Value;

use super::Tools;
use super::agent;
use super::around::{Around, words};
use super::write::Book;
use crate::base::digest::{Digest, canonical_bytes};
use crate::base::id::StepId;
use crate::base::limits;
use crate::base::time::Millis;
use crate::driver::{Call, Change, Driver, Target};
use crate::evidence::scan;
use crate::kind::{self, Ask, Assessment, Registry};
use crate::model::adoption::{ADOPTED, Adopted};
use crate::model::checklist::{Deed, Item};
use crate::model::entry::BlobRef;
use crate::model::event::Desired as Applied;
use crate::model::holdings::Holding;
use crate::model::kind::Kind;
use crate::model::outcome::{ApplyOutcome, Observation};
use crate::model::plan::{Operation, Reversal};
use crate::model::resource::Resource;
use crate::ops::error::Failure;
use crate::ops::{Context, person};
use crate::validate::agent::deed as named;
use crate::validate::contract::{CallName, Verb, permit};
use crate::validate::turn::Did;

/// The program behind a deed, if there is one: its entries say that it was no person.
pub(super) fn program(deed: &Deed) -> Option<String> {
    match deed {
        Deed::Agent { command } => {
            let path = command.first()?;
            Some(path.rsplit('/').next().unwrap_or(path).to_owned())
        }
        Deed::Call { .. } | Deed::Tell { .. } => None,
    }
}

/// What deeds of an item work with.
pub(super) struct Deeds<'d, 't> {
    pub(super) around: &'d Around<'d>,
    pub(super) item: &'d Item,
    pub(super) tools: &'d mut Tools<'t>,
    /// What is missing so far.
    pub(super) missing: &'d [String],
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Made {
    /// Whether things are now as the call wanted them.
    pub(super) done: bool,
    /// In words.
    pub(super) outcome: String,
    /// What was read of it, as far as evidence may hold it.
    pub(super) read: Option<Value>,
}

impl Made {
    fn not(outcome: impl Into<String>) -> Self {
        Self { done: false, outcome: format!("not done: {}", outcome.into()), read: None }
    }

    fn done(outcome: impl Into<String>) -> Self {
        Self { done: true, outcome: outcome.into(), read: None }
    }
}

impl Deeds<'_, '_> {
    /// Does a deed, and tells everything that it did or wanted, in order.
    ///
    /// # Errors
    ///
    /// Only if the log cannot be written.
    pub(super) async fn carry_out(
        mut self,
        context: &Context,
        book: &mut Book<'_>,
        deed: &Deed,
    ) -> Result<Vec<Did>, Failure> {
        match deed {
            Deed::Tell { role, text } => {
                Ok(vec![Did::Made { deed: format!("tell {role}"), outcome: text.clone() }])
            }
            Deed::Call { call, on, spec } => {
                let (did, _) = self.propose(context, book, call, on, spec).await?;
                Ok(vec![did])
            }
            Deed::Agent { command } => agent::run(&mut self, context, book, command).await,
        }
    }

    /// Holds one call against the contract, and makes it if it is within.
    pub(super) async fn propose(
        &mut self,
        context: &Context,
        book: &mut Book<'_>,
        call: &str,
        on: &StepId,
        spec: &Value,
    ) -> Result<(Did, Made), Failure> {
        let deed = sayable(named(call, on));
        let (name, resource) = match permit(&self.item.contract, &self.around.rendered.resources, call, on) {
            Ok(permitted) => permitted,
            Err(refusal) => {
                let rule = refusal.to_string();
                let made = Made { done: false, outcome: format!("refused: {rule}"), read: None };
                return Ok((Did::Refused { deed, rule }, made));
            }
        };
        let mut made = self.make(context, book, &name, resource, spec).await?;
        made.outcome = sayable(made.outcome);
        Ok((Did::Made { deed, outcome: made.outcome.clone() }, made))
    }

    async fn make(
        &mut self,
        context: &Context,
        book: &mut Book<'_>,
        name: &CallName,
        resource: &Resource,
        spec: &Value,
    ) -> Result<Made, Failure> {
        if self.around.estate.breaks_rules && name.verb != Verb::Read {
            return Ok(Made::not("the files break a rule; landfall check shows which"));
        }
        let Some(reached) = self.tools.reached else { return Ok(Made::not("there is no target")) };
        let Some(kind) = Registry::standard().get(&resource.kind) else {
            return Ok(Made::not("its kind is not known"));
        };
        let (target, declared) = match self.target(kind, resource, spec) {
            Ok(found) => found,
            Err(why) => return Ok(Made::not(why)),
        };
        let held = self.around.held(&resource.id);
        let target = Target { id: held.as_ref().and_then(|held| held.id.clone()), ..target };
        let driver = &*reached.driver;
        let timeout = reached.call_timeout;
        let work =
            Work { driver, kind, target, held, verb: name.verb, timeout, key: self.key(context, resource) };
        let (made, kept) = keep_ours(context, book, work.carry_out(context)).await?;
        if let Some(kept) = kept {
            let spec = as_declared(kept.spec, &declared);
            self.record(context, book, resource, kind, Kept { spec, ..kept })?;
        }
        Ok(made)
    }

    /// The object with what is wanted of it, and what the files declare of it.
    fn target(&self, kind: &Kind, resource: &Resource, spec: &Value) -> Result<(Target, Value), String> {
        let mut whole = resource.spec.as_ref().clone();
        if let (Value::Object(whole), Value::Object(own)) = (&mut whole, spec) {
            whole.extend(own.clone());
        }
        let spec = self.around.resolved(&whole)?;
        // What is applied is recorded afterwards, so what may not be recorded is not applied.
        if let Some(found) = scan::scan(spec.to_string().as_bytes()) {
            return Err(format!("what it would set looks like it holds {}", found.what));
        }
        if let Some(problem) = kind::check_spec(kind, &spec).into_iter().next() {
            return Err(format!("{}: {}", problem.at, problem.message));
        }
        let target =
            Target { kind: resource.kind.clone(), place: self.around.place(resource)?, spec, id: None };
        Ok((target, self.around.resolved(&resource.spec)?))
    }

    fn key(&self, context: &Context, resource: &Resource) -> String {
        let now = context.clock.now();
        Digest::of_canonical(&(&self.item.id, &resource.id, now)).to_string()[..32].to_owned()
    }

    /// What was made or changed is ours from now on, with the values that it got: plans and drift go by that.
    fn record(
        &self,
        context: &Context,
        book: &mut Book<'_>,
        resource: &Resource,
        kind: &Kind,
        kept: Kept,
    ) -> Result<(), Failure> {
        let Kept { id, live, spec } = kept;
        let mut bytes = canonical_bytes(&kind::readback(kind, &live));
        bytes.push(b'\n');
        let refs: Vec<BlobRef> = book.readback(&resource.id, &bytes)?.into_iter().collect();
        let adopted = Adopted {
            desired: Applied {
                kind: resource.kind.clone(),
                via: resource.via.clone(),
                after: resource.after.clone(),
                spec_digest: Digest::of_canonical(&spec),
                spec,
            },
            outputs: kind::outputs(kind, &id, &live),
            id,
            differs: Vec::new(),
            reason: format!("done for the checklist item {}", self.item.id),
        };
        let body = serde_json::to_value(&adopted).map_err(|error| Failure::failed(error.to_string()))?;
        let entry = (ADOPTED.to_owned(), resource.id.clone(), refs.clone(), body);
        book.append(context, &person(), vec![entry])?;
        self.around.take_in(&resource.id, adopted, &refs);
        Ok(())
    }
}

/// Words of an agent or of a service as they may be written down.
fn sayable(words: String) -> String {
    scan::unsaid(&words).unwrap_or(words)
}

/// What counts as applied: of the fields that the files declare. The others are not ours to plan, so a plan leaves them as
/// the deed has left them.
fn as_declared(mut spec: Value, declared: &Value) -> Value {
    if let (Value::Object(spec), Value::Object(declared)) = (&mut spec, declared) {
        spec.retain(|field, _| declared.contains_key(field));
    }
    spec
}

/// Renews the lease while something takes long.
pub(super) async fn keep_ours<T>(
    context: &Context,
    book: &mut Book<'_>,
    work: impl Future<Output = T>,
) -> Result<T, Failure> {
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return Ok(done),
            () = tokio::time::sleep(limits::LEASE.as_std() / 3) => book.renew(context)?,
        }
    }
}

/// An object as a deed has left it.
struct Kept {
    id: String,
    live: Value,
    spec: Value,
}

/// One call with all it needs.
struct Work<'w> {
    driver: &'w dyn Driver,
    kind: &'w Kind,
    target: Target,
    held: Option<Holding>,
    verb: Verb,
    timeout: Millis,
    key: String,
}

impl Work<'_> {
    async fn carry_out(self, _context: &Context) -> (Made, Option<Kept>) {
        let seen = match self.driver.observe(&self.target, self.timeout).await {
            Observation::Unreadable(cause) => {
                return (Made::not(format!("it could not be read: {}", words(&cause))), None);
            }
            Observation::Absent => None,
            Observation::Present { id, live } => Some((id, live)),
        };
        let ours = self.held.is_some() || kind::always_there(self.kind);
        match (self.verb, seen) {
            (Verb::Read, None) => (Made::done("it is not there"), None),
            (Verb::Read, Some((_, live))) => {
                let read = Some(kind::readback(self.kind, &live));
                (Made { read, ..Made::done("read") }, None)
            }
            (_, Some(_)) if !ours => {
                (Made::not("it is there and no log of ours holds it; landfall adopt takes it over"), None)
            }
            (Verb::Create, None) => self.send(Operation::Create, Call::Create, "made").await,
            (Verb::Create, Some((_, live))) => match self.compared(&live) {
                Assessment::Matches => (Made::done("it is there already, as wanted"), None),
                _ => (Made::not("it is there already, and is not as wanted"), None),
            },
            (Verb::Update, None) => (Made::not("it is not there"), None),
            (Verb::Update, Some((_, live))) => self.update(live).await,
            (Verb::Delete, None) => (Made::done("it is gone already"), None),
            (Verb::Delete, Some((_, live))) => {
                self.send(Operation::Delete, Call::Delete { live }, "deleted").await
            }
        }
    }

    fn compared(&self, live: &Value) -> Assessment {
        let applied = self.held.as_ref().map(|held| &held.spec);
        kind::assess(self.kind, &Ask { desired: Some(&self.target.spec), applied, live: Some(live) })
    }

    async fn update(self, live: Value) -> (Made, Option<Kept>) {
        match self.compared(&live) {
            Assessment::Matches => (Made::done("it is as wanted already"), None),
            Assessment::Differs { changes, replace: false, .. } => {
                self.send(Operation::Update, Call::Update { changes, live }, "changed").await
            }
            Assessment::Differs { replace: true, .. } => {
                (Made::not("it would take a new object in its place; a plan shows what that means"), None)
            }
            Assessment::Absent => (Made::not("it is not there"), None),
            Assessment::Pending { state } => (Made::not(format!("it is {state}")), None),
            Assessment::Broken { state, .. } => (Made::not(format!("it is in state {state}")), None),
        }
    }

    async fn send(self, operation: Operation, call: Call, word: &str) -> (Made, Option<Kept>) {
        let changes = match &call {
            Call::Update { changes, .. } => changes.as_slice(),
            Call::Create | Call::Delete { .. } => &[],
        };
        if kind::reversal(self.kind, operation, &self.target.spec, changes) == Reversal::OneWay {
            return (Made::not("it cannot be undone, so it belongs into a plan"), None);
        }
        let change = Change { target: self.target.clone(), call, key: self.key.clone() };
        match self.driver.apply(&change, self.timeout).await {
            ApplyOutcome::Done { id } => self.settled(id, word).await,
            // The call may have had its effect: what is there tells.
            ApplyOutcome::NoAnswer(_) => self.settled(None, word).await,
            ApplyOutcome::Refused(cause) => (Made::not(words(&cause)), None),
            ApplyOutcome::Busy { cause, .. } => {
                (Made::not(format!("the service is busy: {}", words(&cause))), None)
            }
        }
    }

    /// Looks until what was wanted shows: reads lag behind writes.
    async fn settled(mut self, id: Option<String>, word: &str) -> (Made, Option<Kept>) {
        self.target.id = id.or(self.target.id.take());
        for look in 0..limits::DEED_LOOKS_MAX {
            if look > 0 {
                tokio::time::sleep(limits::DEED_SETTLE_EVERY.as_std()).await;
            }
            match (self.verb, self.driver.observe(&self.target, self.timeout).await) {
                (Verb::Delete, Observation::Absent) => return (Made::done(word), None),
                (Verb::Create | Verb::Update, Observation::Present { id, live })
                    if self.compared(&live) == Assessment::Matches =>
                {
                    let kept = Kept { id, live, spec: self.target.spec };
                    return (Made::done(word), Some(kept));
                }
                (Verb::Read | Verb::Create | Verb::Update | Verb::Delete, _) => {}
            }
        }
        (Made::not("the call was sent, and what is there does not show it"), None)
    }
}
