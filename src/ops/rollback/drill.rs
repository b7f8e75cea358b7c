//! A rollback drill: one harmless change to a site at known-good, and the way back from it, measured and proved.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;

use crate::base::id::{RunId, ScopeId, SiteCode, StepId};
use crate::base::time::Millis;
use crate::journal::Journal;
use crate::kind::Registry;
use crate::model::authority::GateUse;
use crate::model::entry::Actor;
use crate::model::estate::Purpose;
use crate::model::kind::{FieldType, Role};
use crate::model::plan::{Operation, SavedPlan};
use crate::model::rendered::Rendered;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::launch::{self, Watch};
use crate::ops::note::{Note, append};
use crate::ops::target::{Reached, is_sandbox};
use crate::ops::{Context, approvals, releases};
use crate::release::{DRILLED, Kept, Release, State};
use crate::report::plan_view;
use crate::runner::stop::Stop;

use super::Where;
use super::proof::{Proof, prove};

/// The field that a drill changes: nothing depends on a comment.
const FIELD: &str = "/comment";
/// What it is changed to.
const TEXT: &str = "Changed on purpose by a rollback drill";

/// What a drill came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drilled {
    /// The release that was led back to.
    pub release: u32,
    /// The step whose comment was changed on purpose.
    pub step: StepId,
    /// The run that changed it.
    pub changed: RunId,
    /// The run that led back.
    pub back: RunId,
    /// Time from the decision to go back until the site was seen to be as the release.
    pub took_ms: Millis,
    /// What the way back proved.
    pub proof: Proof,
}

/// Drills the way back of a site.
///
/// # Errors
///
/// `Refused` on a target that is no sandbox, or if the site is not exactly as known-good says.
pub async fn drill(
    context: &Context,
    desired: &Desired,
    site: &SiteCode,
    reached: &Reached,
    journal: &mut dyn Journal,
    (actor, stop): (&Actor, &Stop),
) -> Result<Drilled, Failure> {
    let refused = |reason: String| Failure::Refused { reason };
    if !is_sandbox(&reached.name) {
        let name = &reached.name;
        return Err(refused(format!(
            "drills are for sandboxes; target {} at {} is none",
            name.name, name.host
        )));
    }
    if approvals::gates(&desired.loaded.estate, &reached.name.name) == GateUse::Enforce {
        let name = &reached.name.name;
        return Err(refused(format!(
            "target {name} asks for approvals, and a drill would change it without"
        )));
    }
    let purpose = desired.loaded.estate.targets.get(&reached.name.name).map(|spec| spec.purpose);
    if purpose == Some(Purpose::Production) {
        return Err(refused(format!(
            "target {} is for production; drills are for targets with purpose = \"rehearsal\"",
            reached.name.name
        )));
    }
    let scope = ScopeId::Site(site.clone());
    let at = Where { context, desired, scope: &scope, reached };
    let history = releases::history(journal, &scope)?;
    if !history.stands_at_known_good() {
        return Err(refused(format!("{site} does not stand at a known-good release")));
    }
    let release = history.known_good().expect("it stands at one").clone();
    let (step, kept) = harmless(&release.state).ok_or_else(|| {
        refused(format!("nothing in {} has a comment that could be changed", release.name()))
    })?;
    let one = (step.clone(), kept);
    let there = super::lead_to(&at, journal, &history, &release, Some(one)).await?;
    refuse_more_than(&there, &step)?;
    let mut running = Running { context, reached, actor, stop };
    let changed = running.run(&there, journal).await?;
    prove(context, &there, &changed, actor, journal)?;

    let decided = context.clock.now();
    let history = releases::history(journal, &scope)?;
    let again = still(&history, &release)?;
    let back = super::lead_to(&at, journal, &history, again, None).await?;
    let run = running.run(&back, journal).await?;
    let proof = prove(context, &back, &run, actor, journal)?;
    let proof = proof.ok_or_else(|| Failure::failed("the way back left no proof"))?;
    let took_ms = context.clock.now().since(decided);
    let drilled = Drilled { release: release.number, step, changed, back: run, took_ms, proof };
    let note = Note::of(DRILLED, &drilled)?.by(actor).on(back.digest);
    append(context, journal, &releases::log_of(&scope), note)?;
    Ok(drilled)
}

fn still<'h>(history: &'h crate::release::History, release: &Release) -> Result<&'h Release, Failure> {
    let found = history.release(release.number).filter(|one| one.digest == release.digest);
    found.ok_or_else(|| Failure::NotVerified {
        what: format!("{} is not in the log any more", release.name()),
    })
}

/// The first object with a comment of its own, and that object with another comment.
fn harmless(state: &State) -> Option<(StepId, Kept)> {
    let (step, kept) = state.0.iter().find(|(_, kept)| {
        let kind = Registry::standard().get(&kept.kind);
        let field = kind.filter(|kind| kind.calls.update.is_some()).and_then(|kind| kind.field(FIELD));
        field.is_some_and(|field| {
            field.holds == FieldType::Text && field.role == Role::Managed && !field.replace
        })
    })?;
    let mut changed = kept.clone();
    crate::base::pointer::set(&mut changed.spec, FIELD, json!(TEXT));
    Some((step.clone(), changed))
}

/// A drill changes one comment and nothing else.
fn refuse_more_than(saved: &SavedPlan, step: &StepId) -> Result<(), Failure> {
    let counts = plan_view::counts(&saved.plan);
    let only = saved.plan.reconciles().all(|(_, id, one)| {
        one.operation == Operation::None || (id == step && one.operation == Operation::Update)
    });
    if only && counts.change == 1 {
        return Ok(());
    }
    Err(Failure::Refused {
        reason: "the site is not as its release was; a drill would change more than one comment. \
                 Look at it with landfall release diff"
            .to_owned(),
    })
}

/// What both launches of a drill have in common.
struct Running<'a> {
    context: &'a Context,
    reached: &'a Reached,
    actor: &'a Actor,
    stop: &'a Stop,
}

impl Running<'_> {
    async fn run(&mut self, saved: &SavedPlan, journal: &mut dyn Journal) -> Result<RunId, Failure> {
        let nothing = BTreeMap::<ScopeId, Rendered>::new();
        let rendered = super::rendered(saved, &nothing, journal)?;
        let feed = &mut |_: &crate::runner::feed::Feed<'_>| {};
        let entry = &mut |_: &_, _: &_, _: &dyn Journal| Ok(Vec::new());
        let watch = Watch { actor: self.actor.clone(), stop: self.stop.clone(), feed, entry, stay: false };
        let launched = launch::begin(self.context, saved, &rendered, self.reached, journal, watch).await?;
        if launch::went_well(&launched.left) {
            return Ok(launched.run);
        }
        Err(Failure::Failed {
            what: format!("run {} of the drill did not end well", launched.run),
            help: Some("landfall status says why; landfall rollback SITE leads back".to_owned()),
        })
    }
}
