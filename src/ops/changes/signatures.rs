//! What the signatures about a change's plan come to. The weighing itself is done by `approval`; it is called through a
//! parameter, so that the way of a change can be tried out with any outcome.

use std::collections::{BTreeMap, BTreeSet};

use crate::approval::{Decision, Docket, KeptOut, Weighed};
use crate::base::id::PersonId;
use crate::base::time::Timestamp;
use crate::change::{Change, Review, Signatures};
use crate::model::change::Basis;
use crate::model::entry::Entry;
use crate::model::estate::Estate;
use crate::model::plan::SavedPlan;
use crate::model::signed::{Act, Subject, SubjectKind};
use crate::ops::approvals::{Case, NeedStanding, Standing};
use crate::people::Seat;

/// Weighs the signatures about the plan of a change, from the entries of the org log.
pub type Weigh<'w> = dyn Fn(&SavedPlan, &Change, &[Entry]) -> Signatures + 'w;

/// What a decision about a plan is about.
pub fn plan_subject(saved: &SavedPlan) -> Subject {
    Subject {
        kind: SubjectKind::Plan,
        name: saved.plan.selection.to_string(),
        scope: None,
        digest: saved.digest,
        parts: BTreeSet::new(),
    }
}

/// The standard weighing: reviews and approvals by enrolled keys, as a launch of the plan weighs them.
pub fn weigh_plan(estate: &Estate, now: Timestamp) -> impl Fn(&SavedPlan, &Change, &[Entry]) -> Signatures {
    move |saved, change, entries| {
        let case = Case::among(saved, estate, entries);
        let standing = case.standing_without(now, kept_out(change));
        let mut signatures = Signatures { reviews: reviews(&case, now), ..Signatures::default() };
        for one in standing.open(&case.decisions) {
            missing(&mut signatures, one);
        }
        signatures.rejected = rejection(&standing, &case.decisions);
        for one in &standing.needs {
            rests_on(&mut signatures, &one.weighed, &case.decisions);
        }
        signatures
    }
}

/// Who opened the change and who built its plan, whether or not a signed request says so too.
fn kept_out(change: &Change) -> BTreeMap<PersonId, KeptOut> {
    let builders = change.opened.built_by.iter().map(|person| (person.clone(), KeptOut::Builder));
    builders.chain([(change.opened.requester.clone(), KeptOut::Requester)]).collect()
}

/// The reviews that are genuine and not taken back, whoever gave them.
fn reviews(case: &Case<'_>, now: Timestamp) -> Vec<Review> {
    let docket = Docket::new(&case.decisions, case.around(), now);
    let taken_back = |at: usize, decision: &Decision| {
        docket.genuine().any(|(later, other)| {
            later > at
                && matches!(other.signed.statement.act, Act::Withdraw {})
                && other.signed.statement.person == decision.signed.statement.person
        })
    };
    let given = docket.genuine().filter(|(_, one)| matches!(one.signed.statement.act, Act::Review {}));
    let standing = given.filter(|(at, one)| !taken_back(*at, one));
    let review = |decision: &Decision| {
        let person = decision.signed.statement.person.clone();
        let basis = basis("review", decision);
        Review { person, at: decision.recorded_at, basis }
    };
    standing.map(|(_, decision)| review(decision)).collect()
}

fn basis(what: &str, decision: &Decision) -> Basis {
    let by = &decision.signed.statement.person;
    Basis { what: format!("{what} by {by}"), log: decision.log.clone(), seq: decision.seq }
}

fn missing(to: &mut Signatures, one: &NeedStanding) {
    let rule = &one.need.rule;
    let of = |seat: &Seat| {
        let site = seat.site.as_ref().map_or(String::new(), |site| format!(" of {site}"));
        format!("the approval of {}{site} (rule {rule}): landfall approve PLAN", seat.role)
    };
    let review = one.weighed.unreviewed.then(|| format!("a review (rule {rule}): landfall review PLAN"));
    for what in one.weighed.missing.iter().map(of).chain(review) {
        // A role of the whole program is asked once, however many scopes the plan has.
        if !to.missing.contains(&what) {
            to.missing.push(what);
        }
    }
}

/// The rejection of the whole: a site whose own part was rejected is left out by the launch, unless there is no other.
fn rejection(standing: &Standing, decisions: &[Decision]) -> Option<String> {
    let rejected = standing.rejected_sites(decisions);
    let is_carved = |one: &NeedStanding| one.scope.site().is_some_and(|site| rejected.contains_key(site));
    let nothing_left = standing.needs.iter().all(is_carved);
    let mut counts = standing.needs.iter().filter(|one| nothing_left || !is_carved(one));
    let statement = &decisions.get(counts.find_map(|one| one.weighed.rejected)?)?.signed.statement;
    Some(format!("{} rejected it: {}", statement.person, statement.comment))
}

fn rests_on(to: &mut Signatures, weighed: &Weighed, decisions: &[Decision]) {
    for decision in weighed.counted.keys().filter_map(|at| decisions.get(*at)) {
        let basis = basis("approval", decision);
        let approves = matches!(decision.signed.statement.act, Act::Approve { .. });
        if approves && !to.rests_on.contains(&basis) {
            to.rests_on.push(basis);
        }
    }
}
