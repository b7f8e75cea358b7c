//! What the signatures about a change's plan come to. The weighing itself is done by `approval`; it is called through a
//! parameter, so that the way of a change can be tried out with any outcome.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;

use crate::approval::{Around, Asked, Decision, Docket, KeptOut, Weighed, weigh};
use crate::base::id::LogId;
use crate::base::time::Timestamp;
use crate::change::{Change, Review, Signatures};
use crate::model::authority::ApprovalNeed;
use crate::model::change::Basis;
use crate::model::entry::Entry;
use crate::model::estate::Estate;
use crate::model::people::{SITE_OPS_LEAD, SITE_STEWARD};
use crate::model::plan::SavedPlan;
use crate::model::signed::{Act, Signed, Subject, SubjectKind};
use crate::people::Seat;

/// Weighs the signatures about the plan of a change, from the entries of the org log.
pub type Weigh<'w> = dyn Fn(&SavedPlan, &Change, &[Entry]) -> Signatures + 'w;

/// The kinds of entries that keep decisions about plans.
const DECISIONS: [&str; 5] =
    ["approval.requested", "approval.given", "approval.rejected", "review.given", "decision.withdrawn"];

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

/// The standard weighing: reviews and approvals by enrolled keys, held against what the plan needs.
pub fn weigh_plan(
    estate: &Estate,
    zone: &TimeZone,
    now: Timestamp,
) -> impl Fn(&SavedPlan, &Change, &[Entry]) -> Signatures {
    move |saved, change, entries| {
        let keys = crate::people::enrolled::enrolled(entries);
        let around = Around { estate: &estate.lineage, zone, people: &estate.people, keys: &keys };
        let decisions = decisions(saved, entries);
        let mut signatures =
            Signatures { reviews: reviews(&decisions, around, now), ..Signatures::default() };
        for need in &saved.plan.approvals {
            let asked = asked(saved, change, need);
            add(&mut signatures, need, &weigh(&asked, &decisions, around, now), &decisions);
        }
        signatures
    }
}

fn decisions(saved: &SavedPlan, entries: &[Entry]) -> Vec<Decision> {
    let about = entries.iter().filter(|entry| DECISIONS.contains(&entry.kind.as_str()));
    let read = about.filter_map(|entry| {
        // What cannot be read decides nothing; the journal's own check says that it is there.
        let signed: Signed = serde_json::from_value(entry.body.clone()).ok()?;
        let of_plan = signed.statement.subject.digest == saved.digest;
        of_plan.then_some(Decision { signed, log: LogId::Org, seq: entry.seq, recorded_at: entry.at })
    });
    read.collect()
}

/// The reviews that are genuine and not taken back, whoever gave them.
fn reviews(decisions: &[Decision], around: Around<'_>, now: Timestamp) -> Vec<Review> {
    let docket = Docket::new(decisions, around, now);
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

fn asked(saved: &SavedPlan, change: &Change, need: &ApprovalNeed) -> Asked {
    let mut seats = BTreeSet::new();
    for role in &need.roles {
        if [SITE_STEWARD, SITE_OPS_LEAD].contains(&role.as_str()) {
            let sites = need.scopes.iter().filter_map(|scope| scope.site().cloned());
            seats.extend(sites.map(|site| Seat { role: role.clone(), site: Some(site) }));
        } else {
            seats.insert(Seat { role: role.clone(), site: None });
        }
    }
    let builders = change.opened.built_by.iter().map(|person| (person.clone(), KeptOut::Builder));
    let mut kept_out: BTreeMap<_, _> = builders.collect();
    kept_out.insert(change.opened.requester.clone(), KeptOut::Requester);
    let steps = need.one_way.iter();
    let one_way = steps.flat_map(|(scope, steps)| steps.iter().map(move |step| format!("{scope} {step}")));
    Asked {
        subject: plan_subject(saved),
        seats,
        review: need.review,
        clinician: false,
        valid_days: Some(need.valid_days),
        kept_out,
        one_way: one_way.collect(),
    }
}

fn add(to: &mut Signatures, need: &ApprovalNeed, weighed: &Weighed, decisions: &[Decision]) {
    for seat in &weighed.missing {
        let site = seat.site.as_ref().map_or(String::new(), |site| format!(" of {site}"));
        to.missing
            .push(format!("the approval of {}{site} (rule {}): landfall approve PLAN", seat.role, need.rule));
    }
    if weighed.unreviewed {
        to.missing.push(format!("a review (rule {}): landfall review PLAN", need.rule));
    }
    if let Some(decision) = weighed.rejected.and_then(|at| decisions.get(at)) {
        let statement = &decision.signed.statement;
        to.rejected = Some(format!("{} rejected it: {}", statement.person, statement.comment));
    }
    for decision in weighed.counted.keys().filter_map(|at| decisions.get(*at)) {
        let basis = basis("approval", decision);
        let approves = matches!(decision.signed.statement.act, Act::Approve { .. });
        if approves && !to.rests_on.contains(&basis) {
            to.rests_on.push(basis);
        }
    }
}
