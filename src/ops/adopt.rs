//! Taking objects over that exist already. Nothing on the target is changed: the scope's log says from then on that the
//! object is ours, with the values that were there, and the next plan shows what differs.

mod declared;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::base::digest::{Digest, canonical_bytes};
use crate::base::id::{KindName, LogId, ScopeId, StepId};
use crate::base::pointer;
use crate::evidence::scan;
use crate::journal::Journal;
use crate::kind::{self, Ask, Assessment, Registry};
use crate::model::adoption::{ADOPTED, Adopted};
use crate::model::entry::BlobRef;
use crate::model::event::Desired as Applied;
use crate::model::holdings::Holdings;
use crate::model::kind::Kind;
use crate::model::plan::FieldChange;
use crate::ops::Context;
use crate::ops::desired::Desired;
use crate::ops::drift::unread;
use crate::ops::error::Failure;
use crate::ops::note::{self, Note};
use crate::ops::observe::{Unheld, observe_declared};
use crate::ops::plan::read_holdings;
use crate::ops::target::Reached;

pub use declared::{Named, one};

/// A declared object that is there and that no log holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Its scope.
    pub scope: ScopeId,
    /// The step that declares it.
    pub step: StepId,
    /// Its kind.
    pub kind: KindName,
    /// Its natural key, or its id where there is none.
    pub key: String,
    /// Its id.
    pub id: String,
    /// What the next plan would change, field by field.
    pub changes: Vec<FieldChange>,
    /// Why it cannot be taken over, if it cannot.
    pub refused: Option<String>,
    adopted: Adopted,
    readback: Vec<u8>,
}

/// Everything in these scopes that is declared, is there and is held by no log, in the order in which it can be taken over.
///
/// # Errors
///
/// If the target cannot be read, or a log is damaged.
pub async fn discover(
    desired: &Desired,
    scopes: &BTreeSet<ScopeId>,
    reached: &Reached,
    journal: &dyn Journal,
) -> Result<Vec<Candidate>, Failure> {
    let logged = journal.heads()?.into_keys().filter_map(|log| match log {
        LogId::Scope(scope) => Some(scope),
        LogId::Org => None,
    });
    let all = read_holdings(journal, &logged.chain(scopes.iter().cloned()).collect())?;
    let world = observe_declared(&reached.reads(), desired, scopes, &all).await;
    if let Some((scope, step, cause)) = world.unreadable.first() {
        return Err(unread(&format!("{scope} {step}"), cause, world.unreadable.len() - 1));
    }
    let held = held(&all);
    // What is always there and was seen to be as desired has its place in a log already.
    let watched: BTreeSet<(&ScopeId, &StepId, String)> = all
        .iter()
        .flat_map(|(scope, holdings)| holdings.watched().map(move |(step, held)| (scope, step, held.id)))
        .filter_map(|(scope, step, id)| Some((scope, step, id?)))
        .collect();
    let is_new =
        |unheld: &Unheld| !watched.contains(&(&unheld.scope, &unheld.resource.id, unheld.id.clone()));
    let mut found: Vec<Candidate> =
        world.unheld.into_iter().filter(is_new).map(|unheld| candidate(unheld, &held)).collect();
    refuse_unreachable(&mut found);
    Ok(found)
}

/// What is reached through an object that cannot be taken over cannot be either: nobody could look at it any more.
fn refuse_unreachable(found: &mut [Candidate]) {
    let refused: BTreeSet<(ScopeId, StepId)> = found
        .iter()
        .filter(|one| one.refused.is_some())
        .map(|one| (one.scope.clone(), one.step.clone()))
        .collect();
    for one in found.iter_mut().filter(|one| one.refused.is_none()) {
        let via = one.adopted.desired.via.as_ref();
        let blocked = via
            .filter(|via| via.own().is_some_and(|step| refused.contains(&(one.scope.clone(), step.clone()))));
        one.refused = blocked.map(|via| format!("it is reached through {via}, which cannot be adopted"));
    }
}

/// The scope and step of everything that a log holds.
type HeldBy = BTreeMap<(KindName, String), (ScopeId, StepId)>;

fn held(all: &BTreeMap<ScopeId, Holdings>) -> HeldBy {
    let mut held = HeldBy::new();
    for (scope, holdings) in all {
        for (step, holding) in holdings.iter() {
            let Some(kind) = Registry::standard().get(&holding.kind) else { continue };
            let id = holding.id.clone().or_else(|| kind::id_of(kind, &holding.spec, None));
            held.extend(id.map(|id| ((holding.kind.clone(), id), (scope.clone(), step.clone()))));
        }
    }
    held
}

fn candidate(unheld: Unheld, held: &HeldBy) -> Candidate {
    let Unheld { scope, resource, after, spec, missing, id, live } = unheld;
    let kind = Registry::standard().get(&resource.kind).expect("kinds were checked before");
    let (changes, refused) =
        match kind::assess(kind, &Ask { desired: Some(&spec), applied: None, live: Some(&live) }) {
            Assessment::Matches | Assessment::Absent => (Vec::new(), None),
            Assessment::Differs { changes, .. } => (changes, None),
            Assessment::Pending { state } => {
                (Vec::new(), Some(format!("it is {state}: wait until it is ready")))
            }
            Assessment::Broken { state, .. } => (Vec::new(), Some(format!("it is {state}"))),
        };
    let other = held.get(&(resource.kind.clone(), id.clone()));
    let refused = other.map(|(scope, step)| format!("{scope} holds it as {step}")).or(refused);
    let unknown = missing.first().map(|reference| format!("it needs {reference}, which has no value yet"));
    let spec = as_it_is(kind, &spec, &changes);
    let applied = Applied {
        kind: resource.kind.clone(),
        via: resource.via.clone(),
        after,
        spec_digest: Digest::of_canonical(&spec),
        spec,
    };
    let mut readback = canonical_bytes(&kind::readback(kind, &live));
    readback.push(b'\n');
    Candidate {
        key: kind::natural_key(kind, &applied.spec).unwrap_or_else(|| id.clone()),
        adopted: Adopted {
            desired: applied,
            outputs: kind::outputs(kind, &id, &live),
            id: id.clone(),
            differs: changes.iter().map(|change| change.at.clone()).collect(),
            reason: String::new(),
        },
        scope,
        step: resource.id,
        kind: resource.kind,
        id,
        changes,
        refused: refused.or(unknown),
        readback,
    }
}

/// The declared state with what is there in the place of what differs: that is what counts as applied. What evidence
/// may not hold stays as declared.
fn as_it_is(kind: &Kind, desired: &Value, changes: &[FieldChange]) -> Value {
    let mut spec = desired.clone();
    for change in changes.iter().filter(|change| kind::recorded(kind, &change.at)) {
        match &change.from {
            Some(live) if scan::unsaid(&live.to_string()).is_none() => {
                pointer::set(&mut spec, &change.at, live.clone())
            }
            Some(_) => {}
            None => drop(pointer::remove(&mut spec, &change.at)),
        }
    }
    spec
}

/// What has to be taken over before an object: the step that it goes through, while no log holds it.
fn needs_first<'c>(candidate: &'c Candidate, discovered: &[Candidate]) -> Option<&'c StepId> {
    let via = candidate.adopted.desired.via.as_ref()?.own()?;
    discovered.iter().any(|other| other.scope == candidate.scope && other.step == *via).then_some(via)
}

/// Writes into the logs that these objects are ours.
///
/// # Errors
///
/// `Refused` if one of them cannot be taken over, or its log is being written by somebody else.
pub fn adopt(
    context: &Context,
    journal: &mut dyn Journal,
    chosen: &[Candidate],
    reason: &str,
) -> Result<usize, Failure> {
    let refused = chosen.iter().find_map(|one| Some((one, one.refused.as_ref()?)));
    if let Some((one, why)) = refused {
        return Err(Failure::Refused {
            reason: format!("{} {} cannot be adopted: {why}", one.scope, one.step),
        });
    }
    let scopes: BTreeSet<&ScopeId> = chosen.iter().map(|one| &one.scope).collect();
    for scope in scopes {
        let of_scope: Vec<&Candidate> = chosen.iter().filter(|one| one.scope == *scope).collect();
        adopt_in(context, journal, scope, &of_scope, reason)?;
    }
    Ok(chosen.len())
}

fn adopt_in(
    context: &Context,
    journal: &mut dyn Journal,
    scope: &ScopeId,
    chosen: &[&Candidate],
    reason: &str,
) -> Result<(), Failure> {
    note::write(context, journal, &LogId::Scope(scope.clone()), |journal| {
        // Whoever held the log until now may have taken some of it over.
        let holdings = &read_holdings(journal, &BTreeSet::from([scope.clone()]))?[scope];
        if let Some(one) =
            chosen.iter().find(|one| holdings.get(&one.step).is_some_and(|h| h.id == Some(one.id.clone())))
        {
            let reason = format!("{scope} holds {} already", one.step);
            return Err(Failure::Refused { reason });
        }
        let notes = chosen.iter().map(|one| adopted(journal, one, reason));
        Ok((notes.collect::<Result<Vec<_>, Failure>>()?, ()))
    })
    .map(drop)
}

fn adopted(journal: &mut dyn Journal, one: &Candidate, reason: &str) -> Result<Note, Failure> {
    let mut refs = Vec::new();
    // What looks like patient data in somebody's object is no reason to leave the object to nobody.
    if scan::scan(&one.readback).is_none() {
        let sha256 = journal.put_blob(&one.readback)?;
        refs.push(BlobRef { path: format!("readback/{}.json", one.step), sha256 });
    }
    let adopted = Adopted { reason: reason.to_owned(), ..one.adopted.clone() };
    Ok(Note::of(ADOPTED, &adopted)?.about(Some(one.step.clone())).naming(refs))
}
