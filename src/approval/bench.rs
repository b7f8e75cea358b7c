//! Holds genuine decisions against what is asked: who may fill which seat, and who fills it.

use std::collections::{BTreeMap, BTreeSet};

use super::docket::{Docket, day};
use super::{Asked, Decision, KeptOut, Rule, Weighed, site_of};
use crate::base::id::PersonId;
use crate::base::limits::DAY;
use crate::base::time::{Millis, Timestamp};
use crate::model::signed::{Act, Statement, Subject, SubjectKind};
use crate::people::{How, Seat, may_act, stands_for};

/// What somebody can fill: a seat, or the place of the reviewer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Seat(Seat),
    Review,
}

/// A decision that could fill a place.
#[derive(Debug, Clone)]
struct Claim {
    at: usize,
    person: PersonId,
    place: Place,
    seat: Seat,
    how: How,
    ends: Option<Timestamp>,
}

/// Which part a decision plays.
enum Part {
    /// It wants to fill a place.
    Claims(Claim),
    /// It rejects.
    Rejects(Seat),
    /// It is no answer, and is left aside: a request, or taking something back.
    Aside,
}

impl Docket<'_> {
    /// What the decisions come to for this question.
    pub fn weigh(&self, asked: &Asked) -> Weighed {
        let mut weighed = Weighed::default();
        let (mut claims, mut rejections) = (Vec::new(), Vec::new());
        for (at, decision) in self.decisions.iter().enumerate() {
            let judged = self.judged[at].clone().and_then(|()| self.part(asked, at, decision));
            match judged {
                Ok(Part::Claims(claim)) => claims.push(claim),
                Ok(Part::Rejects(seat)) => rejections.push((at, seat)),
                Ok(Part::Aside) => {}
                Err(rule) => drop(weighed.refused.insert(at, rule)),
            }
        }
        self.seat(asked, &claims, &mut weighed);
        weighed.rejected = rejections
            .into_iter()
            .filter(|(rejected, seat)| {
                let answered = |(at, (other, _)): (&usize, &(Seat, How))| {
                    let review = matches!(self.decisions[*at].signed.statement.act, Act::Review {});
                    at > rejected && other.role == seat.role && !review
                };
                !weighed.counted.iter().any(answered)
            })
            .map(|(at, _)| at)
            .next_back();
        weighed
    }

    /// Who could fill a seat now, if they signed.
    pub fn could_fill(&self, asked: &Asked, seat: &Seat) -> BTreeSet<PersonId> {
        let today = day(self.around, self.now);
        let able = may_act(self.around.people, seat, today);
        let able = able.into_iter().filter(|(person, _)| {
            let known = self.around.people.persons.get(person);
            known.is_some_and(|known| !known.automation && (!asked.clinician || known.clinician))
                && self.kept_out(asked, person, &[self.now]).is_ok()
                && self.no_conflict(person, seat, &[self.now]).is_ok()
        });
        able.map(|(person, _)| person).collect()
    }

    fn part(&self, asked: &Asked, at: usize, decision: &Decision) -> Result<Part, Rule> {
        let statement = &decision.signed.statement;
        about(&asked.subject, statement)?;
        if matches!(statement.act, Act::Request { .. } | Act::Withdraw {}) {
            return Ok(Part::Aside);
        }
        self.is_in_form(asked, statement)?;
        self.still_there(at, statement)?;
        if matches!(statement.act, Act::Reject {}) {
            let seat = asked.seats.iter().find(|seat| seat.role == statement.role);
            let seat = seat.ok_or_else(|| Rule::RoleNotAsked(statement.role.clone()))?;
            covers(&asked.subject, &statement.subject, true)?;
            self.hows(decision, seat)?;
            return Ok(Part::Rejects(seat.clone()));
        }
        self.claim(asked, at, decision).map(Part::Claims)
    }

    /// What concerns a site that keeps electronic records is decided by such.
    fn is_in_form(&self, asked: &Asked, statement: &Statement) -> Result<(), Rule> {
        let own = site_of(asked.subject.scope.as_ref());
        let sites = asked.seats.iter().filter_map(|seat| seat.site.as_ref()).chain(&own);
        let needs = sites.into_iter().any(|site| self.around.people.part11.contains(site));
        if needs && statement.electronic.is_none() { Err(Rule::NotElectronic) } else { Ok(()) }
    }

    fn claim(&self, asked: &Asked, at: usize, decision: &Decision) -> Result<Claim, Rule> {
        let statement = &decision.signed.statement;
        let reviews = matches!(statement.act, Act::Review {});
        if !reviews && !answers(asked.subject.kind, &statement.act) {
            return Err(Rule::OtherAct);
        }
        covers(&asked.subject, &statement.subject, false)?;
        let seat = if reviews {
            let site = asked.seats.first().and_then(|seat| seat.site.clone());
            Seat {
                role: statement.role.clone(),
                site: site.or_else(|| site_of(asked.subject.scope.as_ref())),
            }
        } else {
            let own = asked.seats.iter().find(|seat| seat.role == statement.role);
            own.ok_or_else(|| Rule::RoleNotAsked(statement.role.clone()))?.clone()
        };
        let how = self.may_decide(asked, decision, &seat)?;
        if asked.clinician && !reviews {
            let known = self.around.people.persons.get(&statement.person);
            if !known.is_some_and(|person| person.clinician) {
                return Err(Rule::NotClinician(statement.person.clone()));
            }
        }
        names_one_way(asked, &statement.act)?;
        let ends = ends(asked, statement);
        if ends.is_some_and(|end| end <= self.now) {
            return Err(Rule::Expired);
        }
        let place = if reviews { Place::Review } else { Place::Seat(seat.clone()) };
        Ok(Claim { at, person: statement.person.clone(), place, seat, how, ends })
    }

    /// Whether the same person took it back later.
    fn still_there(&self, at: usize, statement: &Statement) -> Result<(), Rule> {
        let takes_back = |other: &Statement| {
            matches!(other.act, Act::Withdraw {})
                && other.person == statement.person
                && about(&statement.subject, other).is_ok()
                && (other.subject.parts.is_empty()
                    || (!statement.subject.parts.is_empty()
                        && statement.subject.parts.is_subset(&other.subject.parts)))
        };
        let later = self.genuine().filter(|(place, _)| *place > at);
        let mut later = later.map(|(_, decision)| &decision.signed.statement);
        if later.any(takes_back) { Err(Rule::Withdrawn) } else { Ok(()) }
    }

    /// How the person held the role, on the day of the decision and on that of its recording.
    fn hows(&self, decision: &Decision, seat: &Seat) -> Result<Vec<How>, Rule> {
        let statement = &decision.signed.statement;
        let on = |moment: Timestamp| {
            let able = may_act(self.around.people, seat, day(self.around, moment));
            able.into_iter().filter(|(person, _)| *person == statement.person).map(|(_, how)| how)
        };
        let recorded: BTreeSet<How> = on(decision.recorded_at).collect();
        let hows: Vec<How> = on(statement.at).filter(|how| recorded.contains(how)).collect();
        if hows.is_empty() {
            return Err(Rule::RoleNotHeld { person: statement.person.clone(), role: statement.role.clone() });
        }
        let Some(of) = &statement.instead_of else { return Ok(hows) };
        let standing: Vec<How> = hows.into_iter().filter(|how| holder_behind(how) == Some(of)).collect();
        if standing.is_empty() {
            return Err(Rule::NotStandingIn { person: statement.person.clone(), of: of.clone() });
        }
        Ok(standing)
    }

    fn may_decide(&self, asked: &Asked, decision: &Decision, seat: &Seat) -> Result<How, Rule> {
        let statement = &decision.signed.statement;
        let moments = [statement.at, decision.recorded_at];
        // Said before whether they hold the role: who asks does not decide in any role.
        self.kept_out(asked, &statement.person, &moments)?;
        let hows = self.hows(decision, seat)?;
        self.no_conflict(&statement.person, seat, &moments)?;
        let lost = || Rule::RoleNotHeld { person: statement.person.clone(), role: statement.role.clone() };
        hows.into_iter().next().ok_or_else(lost)
    }

    /// Who asks or builds does not decide, and neither does who stands in for them, in whatever role.
    fn kept_out(&self, asked: &Asked, person: &PersonId, moments: &[Timestamp]) -> Result<(), Rule> {
        match asked.kept_out.get(person) {
            Some(KeptOut::Requester) => return Err(Rule::Requester(person.clone())),
            Some(KeptOut::Builder) => return Err(Rule::Builder(person.clone())),
            None => {}
        }
        let people = self.around.people;
        let of_day = |moment: &Timestamp| stands_for(people, person, day(self.around, *moment));
        for of in moments.iter().flat_map(of_day) {
            match asked.kept_out.get(&of) {
                Some(KeptOut::Requester) => return Err(Rule::StandsInForRequester { of }),
                Some(KeptOut::Builder) => return Err(Rule::StandsInForBuilder { of }),
                None => {}
            }
        }
        Ok(())
    }

    /// Roles that exclude each other must not be one person's for the same site.
    fn no_conflict(&self, person: &PersonId, seat: &Seat, moments: &[Timestamp]) -> Result<(), Rule> {
        let people = self.around.people;
        for conflict in people.conflicts.iter().filter(|conflict| conflict.roles.contains(&seat.role)) {
            for other in conflict.roles.iter().filter(|other| **other != seat.role) {
                let theirs = Seat { role: other.clone(), site: seat.site.clone() };
                let holds = |moment: &Timestamp| {
                    may_act(people, &theirs, day(self.around, *moment)).iter().any(|(who, _)| who == person)
                };
                if moments.iter().any(holds) {
                    let (role, other) = (seat.role.clone(), other.clone());
                    return Err(Rule::ConflictingRoles { person: person.clone(), role, other });
                }
            }
        }
        Ok(())
    }

    /// Fills as many places as can be, each with another person, and says what is left.
    fn seat(&self, asked: &Asked, claims: &[Claim], weighed: &mut Weighed) {
        let mut places: Vec<Place> = asked.seats.iter().cloned().map(Place::Seat).collect();
        places.extend(asked.review.then_some(Place::Review));
        let filled = fill(&places, claims);
        for claim in claims {
            let own = filled.get(&claim.place) == Some(&claim.person);
            let elsewhere = filled.values().any(|person| *person == claim.person);
            if !own && elsewhere {
                weighed.refused.insert(claim.at, Rule::SamePerson(claim.person.clone()));
                continue;
            }
            weighed.counted.insert(claim.at, (claim.seat.clone(), claim.how.clone()));
            let statement = &self.decisions[claim.at].signed.statement;
            let conditions = statement.act.conditions().unwrap_or_default().iter();
            weighed.conditions.extend(conditions.map(|one| (one.clone(), one.earliest(statement.at))));
        }
        let newest = |place: &Place| {
            let person = filled.get(place)?;
            claims.iter().rev().find(|claim| claim.place == *place && claim.person == *person)
        };
        weighed.until = places.iter().filter_map(newest).filter_map(|claim| claim.ends).min();
        weighed.missing = asked
            .seats
            .iter()
            .filter(|seat| !filled.contains_key(&Place::Seat((*seat).clone())))
            .cloned()
            .collect();
        weighed.unreviewed = asked.review && !filled.contains_key(&Place::Review);
    }
}

/// Persons on places, as many as there can be: whoever signed first keeps a place wherever that is possible.
fn fill(places: &[Place], claims: &[Claim]) -> BTreeMap<Place, PersonId> {
    let mut filled = BTreeMap::new();
    let mut tried = BTreeSet::new();
    for claim in claims {
        if !filled.values().any(|person| *person == claim.person) {
            tried.clear();
            place(&claim.person, places, claims, &mut filled, &mut tried);
        }
    }
    filled
}

/// Finds a place for a person, if need be by moving those who sit to other places that they can fill as well.
fn place(
    person: &PersonId,
    places: &[Place],
    claims: &[Claim],
    filled: &mut BTreeMap<Place, PersonId>,
    tried: &mut BTreeSet<Place>,
) -> bool {
    let wanted =
        |place: &&Place| claims.iter().any(|claim| claim.person == *person && claim.place == **place);
    for one in places.iter().filter(wanted) {
        if !tried.insert(one.clone()) {
            continue;
        }
        let sitting = filled.get(one).cloned();
        let free = sitting.is_none_or(|other| place(&other, places, claims, filled, tried));
        if free {
            filled.insert(one.clone(), person.clone());
            return true;
        }
    }
    false
}

fn about(asked: &Subject, statement: &Statement) -> Result<(), Rule> {
    let given = &statement.subject;
    if given.digest != asked.digest {
        return Err(Rule::OtherDigest);
    }
    let same = given.kind == asked.kind && given.name == asked.name && given.scope == asked.scope;
    if same { Ok(()) } else { Err(Rule::OtherSubject) }
}

/// Whether the parts that are meant are those that are asked about. A rejection of any of them is enough.
fn covers(asked: &Subject, given: &Subject, any: bool) -> Result<(), Rule> {
    let all = given.parts.is_empty() || (!asked.parts.is_empty() && asked.parts.is_subset(&given.parts));
    let some = any && (asked.parts.is_empty() || !asked.parts.is_disjoint(&given.parts));
    if all || some { Ok(()) } else { Err(Rule::OtherPart) }
}

/// Which acts answer a question of this sort. About an item several things can be asked; whoever asks gives the decisions
/// of one act.
fn answers(kind: SubjectKind, act: &Act) -> bool {
    match act {
        Act::Approve { .. } => kind != SubjectKind::Item,
        Act::Attest {} => kind != SubjectKind::Plan,
        Act::Waive { .. } | Act::NotApplicable {} => kind == SubjectKind::Item || kind == SubjectKind::Gate,
        Act::BreakGlass {} | Act::Request { .. } | Act::Review {} | Act::Reject {} | Act::Withdraw {} => {
            false
        }
    }
}

fn holder_behind(how: &How) -> Option<&PersonId> {
    match how {
        How::Holder => None,
        How::Backup { of } | How::Delegate { of } => Some(of),
    }
}

fn names_one_way(asked: &Asked, act: &Act) -> Result<(), Rule> {
    let Act::Approve { one_way, .. } = act else { return Ok(()) };
    if let Some(pattern) = one_way.iter().find(|step| step.contains(['*', '?'])) {
        return Err(Rule::Wildcard(pattern.clone()));
    }
    match asked.one_way.difference(one_way).next() {
        Some(step) => Err(Rule::OneWayNotNamed(step.clone())),
        None => Ok(()),
    }
}

/// When a decision ends: as it says itself, or after the days for which such decisions count.
fn ends(asked: &Asked, statement: &Statement) -> Option<Timestamp> {
    let days = asked.valid_days.map(|days| statement.at + Millis(DAY.0.saturating_mul(u64::from(days))));
    days.into_iter().chain(statement.expires).min()
}
