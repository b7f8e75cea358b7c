//! The approvals of a plan: what it needs, what was decided about it, what that comes to, and whether it may be launched.

pub mod break_glass;
pub mod meaning;
mod pending;
mod record;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;

use crate::approval::need::{self, Nature, is_of_site};
use crate::approval::{Around, Asked, Decision, Docket, KeptOut, Rule, Weighed};
use crate::base::digest::Digest;
use crate::base::id::{LogId, PersonId, ScopeId, SiteCode};
use crate::base::time::Timestamp;
use crate::journal::Journal;
use crate::kind::Registry;
use crate::model::authority::{ApprovalNeed, GateUse};
use crate::model::entry::Entry;
use crate::model::estate::Estate;
use crate::model::people::{Enrolled, People};
use crate::model::plan::{Plan, SavedPlan, Selection};
use crate::model::signed::{Act, Subject, SubjectKind};
use crate::ops::decisions;
use crate::ops::error::Failure;
use crate::ops::guard;
use crate::people::Seat;

pub use pending::pending;
pub use record::{Recorded, decide, keep_plan, logs_of, record};
pub use words::{lines, shown};

/// What the target of this name makes of approvals.
pub fn gates(estate: &Estate, target: &str) -> GateUse {
    estate.targets.get(target).map_or(GateUse::Open, |target| target.gates)
}

/// What a plan needs on the target that it is for; nothing where nobody is asked.
pub fn needs(estate: &Estate, plan: &Plan) -> Vec<ApprovalNeed> {
    match gates(estate, &plan.target.name) {
        GateUse::Open => Vec::new(),
        GateUse::Enforce => {
            let mut one_way: BTreeMap<ScopeId, BTreeSet<String>> = BTreeMap::new();
            for step in guard::one_way(plan) {
                one_way.entry(step.scope).or_default().insert(step.step.to_string());
            }
            let is_access = &|kind: &crate::base::id::KindName| {
                Registry::standard().get(kind).is_none_or(crate::kind::is_access)
            };
            let nature = Nature { one_way: &one_way, is_access };
            if estate.approvals.is_empty() {
                need::needs(&need::standard(estate.plan_valid_days), plan, &nature)
            } else {
                need::needs(&estate.approvals, plan, &nature)
            }
        }
    }
}

/// Everything that is needed to say where a plan's approvals stand.
pub struct Case<'c> {
    /// The plan.
    pub saved: &'c SavedPlan,
    /// The estate's lineage.
    pub estate: &'c str,
    /// Who is who.
    pub people: &'c People,
    /// The zone in which days are meant.
    pub zone: TimeZone,
    /// Whose keys the org log knows.
    pub keys: Enrolled,
    /// What was decided about the plan.
    pub decisions: Vec<Decision>,
    /// The digest of each scope's part.
    pub parts: BTreeMap<ScopeId, Digest>,
}

impl<'c> Case<'c> {
    /// Reads what was decided about a plan.
    ///
    /// # Errors
    ///
    /// If the org log is damaged.
    pub fn open(saved: &'c SavedPlan, estate: &'c Estate, journal: &dyn Journal) -> Result<Self, Failure> {
        let decisions = decisions::about(journal, &LogId::Org, |subject| is_about(saved, subject))?;
        Ok(Self::of(saved, estate, decisions::keys(journal)?, decisions))
    }

    /// The same from entries of the org log that were read already.
    pub fn among(saved: &'c SavedPlan, estate: &'c Estate, entries: &[Entry]) -> Self {
        let mut decisions = decisions::among(&LogId::Org, entries);
        decisions.retain(|decision| is_about(saved, &decision.signed.statement.subject));
        Self::of(saved, estate, crate::people::enrolled(entries), decisions)
    }

    fn of(saved: &'c SavedPlan, estate: &'c Estate, keys: Enrolled, decisions: Vec<Decision>) -> Self {
        let (people, zone) = (&estate.people, estate.time_zone());
        Self { saved, estate: &estate.lineage, people, zone, keys, decisions, parts: saved.part_digests() }
    }

    /// Against what decisions are held.
    pub fn around(&self) -> Around<'_> {
        Around { estate: self.estate, zone: &self.zone, people: self.people, keys: &self.keys }
    }

    /// What is decided about: the plan, or the parts of it for these scopes.
    pub fn subject<'s>(&self, scopes: impl IntoIterator<Item = &'s ScopeId>) -> Subject {
        Subject {
            kind: SubjectKind::Plan,
            name: name_of(&self.saved.plan),
            scope: None,
            digest: self.saved.digest,
            parts: scopes.into_iter().filter_map(|scope| self.parts.get(scope).copied()).collect(),
        }
    }

    /// The scopes that a decision about the plan covers.
    pub fn covered(&self, subject: &Subject) -> impl Iterator<Item = &ScopeId> {
        let parts = subject.parts.clone();
        let covered = move |part: &Digest| parts.is_empty() || parts.contains(part);
        self.parts.iter().filter(move |(_, part)| covered(part)).map(|(scope, _)| scope)
    }

    /// What is asked for one need at one scope.
    pub fn asked(
        &self,
        need: &ApprovalNeed,
        scope: &ScopeId,
        kept_out: &BTreeMap<PersonId, KeptOut>,
    ) -> Asked {
        let steps = need.one_way.get(scope).into_iter().flatten();
        Asked {
            subject: self.subject([scope]),
            seats: seats(need, scope),
            review: need.review,
            clinician: false,
            valid_days: Some(need.valid_days),
            kept_out: kept_out.clone(),
            one_way: steps.map(|step| self.one_way_name(scope, step)).collect(),
        }
    }

    /// How an approval names a step that cannot be undone: a site by the digest of its part, since approvals go into the
    /// logs of other sites too.
    pub fn one_way_name(&self, scope: &ScopeId, step: &str) -> String {
        match (scope.site(), self.parts.get(scope)) {
            (Some(_), Some(part)) => format!("{part} {step}"),
            (Some(_) | None, _) => format!("{scope} {step}"),
        }
    }

    /// Where the plan's approvals stand at a moment.
    pub fn standing(&self, now: Timestamp) -> Standing {
        self.standing_without(now, BTreeMap::new())
    }

    /// The same if others than those whom decisions name must not decide either.
    pub fn standing_without(&self, now: Timestamp, others: BTreeMap<PersonId, KeptOut>) -> Standing {
        let docket = Docket::new(&self.decisions, self.around(), now);
        let mut kept_out = kept_out(&docket);
        kept_out.extend(others);
        let requested = docket.genuine().find_map(|(_, decision)| {
            matches!(decision.signed.statement.act, Act::Request { .. }).then_some(decision.recorded_at)
        });
        let mut needs = Vec::new();
        for need in &self.saved.plan.approvals {
            for scope in &need.scopes {
                let asked = self.asked(need, scope, &kept_out);
                let weighed = docket.weigh(&asked);
                let could = |seat: &Seat| (seat.clone(), docket.could_fill(&asked, seat));
                let could = weighed.missing.iter().map(could).collect();
                needs.push(NeedStanding { need: need.clone(), scope: scope.clone(), asked, weighed, could });
            }
        }
        let refused =
            (0..self.decisions.len()).filter_map(|at| Some((at, docket.refused(at)?.clone()))).collect();
        Standing { requested, kept_out, needs, refused }
    }
}

/// Where a plan's approvals stand.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Since when approval is asked for.
    pub requested: Option<Timestamp>,
    /// Who must not decide.
    pub kept_out: BTreeMap<PersonId, KeptOut>,
    /// Each need at each scope that it is about.
    pub needs: Vec<NeedStanding>,
    /// The decisions that are not genuine, by their place.
    pub refused: BTreeMap<usize, Rule>,
}

/// Where one need at one scope stands.
#[derive(Debug, Clone)]
pub struct NeedStanding {
    /// The need.
    pub need: ApprovalNeed,
    /// The scope.
    pub scope: ScopeId,
    /// What is asked.
    pub asked: Asked,
    /// What decisions come to.
    pub weighed: Weighed,
    /// Who could fill the seats that are empty.
    pub could: BTreeMap<Seat, BTreeSet<PersonId>>,
}

impl Standing {
    /// Whether the plan may be launched as a whole.
    pub fn holds(&self) -> bool {
        self.needs.is_empty()
            || (self.requested.is_some() && self.needs.iter().all(|one| one.weighed.holds()))
    }

    /// The needs that do not hold, but for those of sites that a launch goes on without.
    pub fn open(&self, decisions: &[Decision]) -> Vec<&NeedStanding> {
        let rejected = self.rejected_sites(decisions);
        let is_carved = |scope: &ScopeId| scope.site().is_some_and(|site| rejected.contains_key(site));
        self.needs.iter().filter(|one| !one.weighed.holds() && !is_carved(&one.scope)).collect()
    }

    /// The sites whose own part was rejected, with the place of the rejection.
    pub fn rejected_sites(&self, decisions: &[Decision]) -> BTreeMap<SiteCode, usize> {
        let mut found = BTreeMap::new();
        for one in &self.needs {
            if let (Some(at), Some(site)) = (one.weighed.rejected, one.scope.site())
                && !decisions[at].signed.statement.subject.parts.is_empty()
            {
                found.insert(site.clone(), at);
            }
        }
        found
    }
}

/// A site that a launch goes on without, because somebody rejected its part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carved {
    /// The site.
    pub site: SiteCode,
    /// Who rejected it.
    pub by: PersonId,
    /// Why.
    pub reason: String,
}

/// Refuses to launch a plan that does not have what it needs. Gives the sites that the launch goes on without.
///
/// # Errors
///
/// `Stale` if it says that it needs something else than the estate's rules say; `Refused` with everything that is missing,
/// on whom it waits, and what to type.
pub fn refuse_unapproved(
    saved: &SavedPlan,
    estate: &Estate,
    journal: &dyn Journal,
    now: Timestamp,
) -> Result<Vec<Carved>, Failure> {
    if needs(estate, &saved.plan) != saved.plan.approvals {
        let changed =
            vec!["the approvals that it needs are not those that the estate's rules ask for".to_owned()];
        return Err(Failure::Stale { changed });
    }
    refuse_unheld(saved, estate, journal, now)
}

/// The same when a launch is taken up again: by what its own plan says, whatever became of the estate's rules.
///
/// # Errors
///
/// `Refused`.
pub fn refuse_unheld(
    saved: &SavedPlan,
    estate: &Estate,
    journal: &dyn Journal,
    now: Timestamp,
) -> Result<Vec<Carved>, Failure> {
    if saved.plan.approvals.is_empty() {
        return Ok(Vec::new());
    }
    let case = Case::open(saved, estate, journal)?;
    let standing = case.standing(now);
    let rejected = standing.rejected_sites(&case.decisions);
    let open = standing.open(&case.decisions);
    let all_sites =
        saved.plan.scopes.keys().filter_map(ScopeId::site).all(|site| rejected.contains_key(site));
    if standing.requested.is_some() && open.is_empty() && !all_sites {
        let carved = rejected.iter().map(|(site, at)| {
            let statement = &case.decisions[*at].signed.statement;
            Carved { site: site.clone(), by: statement.person.clone(), reason: statement.comment.clone() }
        });
        return Ok(carved.collect());
    }
    if break_glass::is_past(&case, estate, now) {
        return Ok(Vec::new());
    }
    Err(Failure::Refused { reason: words::refusal(&case, &standing, now) })
}

fn is_about(saved: &SavedPlan, subject: &Subject) -> bool {
    subject.kind == SubjectKind::Plan && subject.digest == saved.digest
}

/// Who must not decide about a plan: who asked for it, and who built it. Nobody gets in again by taking that back.
fn kept_out(docket: &Docket<'_>) -> BTreeMap<PersonId, KeptOut> {
    let mut kept_out = BTreeMap::new();
    for (_, decision) in docket.genuine() {
        let statement = &decision.signed.statement;
        if let Act::Request { built_by, .. } = &statement.act {
            for builder in built_by {
                kept_out.insert(builder.clone(), KeptOut::Builder);
            }
            kept_out.insert(statement.person.clone(), KeptOut::Requester);
        }
    }
    kept_out
}

fn seats(need: &ApprovalNeed, scope: &ScopeId) -> BTreeSet<Seat> {
    let site = scope.site();
    let asked = need.roles.iter().filter(|role| site.is_some() || !is_of_site(role));
    asked.map(|role| Seat { role: role.clone(), site: site.cloned() }).collect()
}

/// What a plan is called in a decision: without the codes of sites, since decisions go into the logs of other sites too.
fn name_of(plan: &Plan) -> String {
    let sites = plan.scopes.keys().filter(|scope| scope.site().is_some()).count();
    match &plan.selection {
        Selection::All => "the whole estate".to_owned(),
        Selection::Wave(wave) => format!("wave {wave}"),
        Selection::Sites(_) | Selection::Part(_) if sites == 1 => "one site".to_owned(),
        Selection::Sites(_) | Selection::Part(_) => format!("{sites} sites"),
    }
}
