//! Campaigns of recertification: started over what was last seen, answered by signatures, closed, and confirmed once what
//! was taken away is gone.

use std::collections::{BTreeMap, BTreeSet};

use super::{Bench, COVERED, damaged, decision, events, log_of, note_of, write};
use crate::access::campaign::{self, Given, Refused, Standing};
use crate::approval::Decision;
use crate::base::digest::{Digest, canonical_bytes};
use crate::base::id::{LogId, PersonId, RoleName, ScopeId, SiteCode};
use crate::base::limits::DAY;
use crate::base::time::{Millis, Timestamp};
use crate::evidence::rights;
use crate::journal::Journal;
use crate::model::access::{AccessEvent, Answers, Outcome, Right, WorkList};
use crate::model::days::day_of;
use crate::model::entry::BlobRef;
use crate::model::estate::Estate;
use crate::model::people::SITE_STEWARD;
use crate::model::signed::{Act, Signed, Subject, SubjectKind};
use crate::ops::error::Failure;
use crate::ops::note::Note;
use crate::ops::question::of_log;
use crate::ops::record::RECORDED;
use crate::ops::{Context, decisions};
use crate::people::{Seat, may_act};

/// Where a campaign's files are called in a bundle.
const FOLDER: &str = "access-reviews";
/// The records that a closed campaign is: what is asked before scale, and every quarter after that.
const RECORDS: [&str; 2] = ["access.review", "access.recertification"];

/// Begins a campaign at a site over every right that its log last saw.
///
/// # Errors
///
/// `Refused` if one is open already, or nothing was ever seen there.
pub fn start(
    context: &Context,
    journal: &mut dyn Journal,
    site: &SiteCode,
    days: u32,
) -> Result<Standing, Failure> {
    let at = context.clock.now();
    write(context, journal, site, |journal| {
        let told = told(journal, site)?;
        if let Some(open) = told.iter().find(|one| one.closed.is_none()) {
            let reason = format!("{} of {site} is open until {}: close it first", open.campaign, open.due);
            return Err(Failure::Refused { reason });
        }
        let campaign = format!("RC-{}", told.len() + 1);
        let source = "the last read-back of every grant and workspace assignment in the site's log";
        let list = campaign::work_list(&campaign, source, seen(journal, site)?);
        if list.rows.is_empty() {
            let reason = format!("the log of {site} has seen no right yet: launch the site first");
            return Err(Failure::Refused { reason });
        }
        let due = at + Millis(DAY.0 * u64::from(days));
        let blob = keep(journal, &format!("{campaign}.json"), &canonical_bytes(&list))?;
        let rows = u32::try_from(list.rows.len()).unwrap_or(u32::MAX);
        let started = AccessEvent::Started { campaign, at, due, rows, list: blob.sha256 };
        let standing = campaign::standing(&list, (at, due), &[]);
        Ok((vec![note_of(&started, vec![blob])], standing))
    })
}

/// The rights of a site as its log last saw them, each with the entry.
fn seen(journal: &dyn Journal, site: &SiteCode) -> Result<Vec<(Right, u64)>, Failure> {
    let records = of_log(journal, &log_of(site))?;
    let groups = groups_of_account(journal)?;
    let mut all = Vec::new();
    for one in rights::observed(&records.seen()) {
        if !one.seen.kind.is_some_and(|kind| COVERED.contains(&kind)) {
            continue;
        }
        if one.seen.live.is_none() {
            let reason =
                format!("nobody knows which rights {} keeps: its read-back is not there", one.seen.step);
            return Err(Failure::Refused { reason });
        }
        let (step, entry) = (one.seen.step.clone(), one.seen.entry);
        // Groups of the account are known to the account's log alone; nobody can answer for a number.
        let name = one.who.strip_prefix("id ").and_then(|id| groups.get(id));
        let principal = name.map_or_else(|| one.who.clone(), |name| format!("{name} ({})", one.who));
        all.push((Right { step, object: one.object, principal, privilege: one.right }, entry));
    }
    Ok(all)
}

/// The names of the account's groups by their ids, as its log last saw them.
fn groups_of_account(journal: &dyn Journal) -> Result<BTreeMap<String, String>, Failure> {
    let records = of_log(journal, &LogId::Scope(ScopeId::Account))?;
    let group = |seen: crate::evidence::records::Seen<'_>| {
        let live = seen.live.filter(|_| seen.kind == Some("databricks.group"))?;
        let text = |key: &str| Some(live.get(key)?.as_str()?.to_owned());
        Some((text("id")?, text("displayName")?))
    };
    Ok(records.seen().into_iter().filter_map(group).collect())
}

fn keep(journal: &mut dyn Journal, name: &str, bytes: &[u8]) -> Result<BlobRef, Failure> {
    let sha256 = journal.put_blob(bytes)?;
    Ok(BlobRef { path: format!("{FOLDER}/{name}"), sha256 })
}

/// A campaign as its own entries tell it.
struct Told {
    campaign: String,
    at: Timestamp,
    due: Timestamp,
    list: Digest,
    closed: Option<Digest>,
}

fn told(journal: &dyn Journal, site: &SiteCode) -> Result<Vec<Told>, Failure> {
    let mut all: Vec<Told> = Vec::new();
    for (_, event) in events(journal, site)? {
        match event {
            AccessEvent::Started { campaign, at, due, list, .. } => {
                all.push(Told { campaign, at, due, list, closed: None });
            }
            AccessEvent::Closed { campaign, outcome, .. } => {
                let own = all.iter_mut().find(|one| one.campaign == campaign);
                own.into_iter().for_each(|one| one.closed = Some(outcome));
            }
            AccessEvent::Requested(_)
            | AccessEvent::Granted { .. }
            | AccessEvent::Denied { .. }
            | AccessEvent::Revoked { .. } => {}
        }
    }
    Ok(all)
}

/// Every campaign of a site, oldest first. Answers of an open one are weighed anew; a closed one is as it was settled.
///
/// # Errors
///
/// If the log is damaged.
pub fn standings(
    estate: &Estate,
    journal: &dyn Journal,
    site: &SiteCode,
    now: Timestamp,
) -> Result<Vec<Standing>, Failure> {
    let bench = Bench { estate, site, now };
    let standing = |one: Told| match one.closed {
        Some(outcome) => Ok(campaign::settled(&read::<Outcome>(journal, &outcome)?)),
        None => open(&bench, journal, &one),
    };
    told(journal, site)?.into_iter().map(standing).collect()
}

fn read<T: serde::de::DeserializeOwned>(journal: &dyn Journal, digest: &Digest) -> Result<T, Failure> {
    serde_json::from_slice(&journal.get_blob(digest)?).map_err(damaged)
}

fn open(bench: &Bench<'_>, journal: &dyn Journal, told: &Told) -> Result<Standing, Failure> {
    let list: WorkList = read(journal, &told.list)?;
    let (given, refused) = given(bench, journal, &told.campaign)?;
    let mut standing = campaign::standing(&list, (told.at, told.due), &given);
    standing.refused.extend(refused);
    standing.refused.sort_by_key(|one| one.at);
    Ok(standing)
}

/// The answers to a campaign, oldest first: those whose signatures count today, and the others with the reason.
fn given(
    bench: &Bench<'_>,
    journal: &dyn Journal,
    campaign: &str,
) -> Result<(Vec<Given>, Vec<Refused>), Failure> {
    let scope = ScopeId::Site(bench.site.clone());
    let of_campaign = |about: &Subject| {
        about.kind == SubjectKind::Recertification
            && about.name == campaign
            && about.scope.as_ref() == Some(&scope)
    };
    let decisions = decisions::about(journal, &log_of(bench.site), of_campaign)?;
    let (mut given, mut refused) = (Vec::new(), Vec::new());
    for at in 0..decisions.len() {
        let statement = &decisions[at].signed.statement;
        if !matches!(statement.act, Act::Attest {}) {
            continue;
        }
        match judged(bench, journal, &decisions, at)? {
            Ok(answers) => given.push(Given {
                answers,
                person: statement.person.clone(),
                role: statement.role.clone(),
                at: decisions[at].recorded_at,
            }),
            Err(why) => {
                refused.push(Refused {
                    person: statement.person.clone(),
                    at: decisions[at].recorded_at,
                    why,
                });
            }
        }
    }
    Ok((given, refused))
}

/// What one of these decisions answers, or why it does not count.
fn judged(
    bench: &Bench<'_>,
    journal: &dyn Journal,
    decisions: &[Decision],
    at: usize,
) -> Result<Result<Answers, String>, Failure> {
    let statement = &decisions[at].signed.statement;
    let seat = Seat { role: statement.role.clone(), site: Some(bench.site.clone()) };
    let seats = BTreeSet::from([seat]);
    let weighed = bench.weigh(journal, &statement.subject, seats, Default::default(), decisions)?;
    if let Some(rule) = weighed.refused.get(&at) {
        return Ok(Err(format!("{rule} (rule {})", rule.word())));
    }
    let bytes = journal.get_blob(&statement.subject.digest)?;
    let answers = serde_json::from_slice::<Answers>(&bytes);
    Ok(answers.map_err(|error| format!("its answers cannot be read: {error}")))
}

/// What somebody would sign for answers to a campaign.
///
/// # Errors
///
/// `Refused` if there is no such campaign, it is closed, or a row is not theirs to answer.
pub fn answering(
    journal: &dyn Journal,
    site: &SiteCode,
    answers: &Answers,
    role: &RoleName,
) -> Result<(Subject, String), Failure> {
    let Some(told) = told(journal, site)?.into_iter().find(|one| one.campaign == answers.campaign) else {
        let help = format!("landfall access list --site {site} shows the campaigns");
        return Err(Failure::usage(format!("{site} has no campaign {}", answers.campaign), help));
    };
    if told.closed.is_some() {
        return Err(Failure::Refused { reason: format!("{} of {site} is closed", told.campaign) });
    }
    let list: WorkList = read(journal, &told.list)?;
    campaign::check(&list, answers, role).map_err(|bad| Failure::Refused { reason: bad.to_string() })?;
    let meaning = format!(
        "I have looked at these rights of {} at {site}: {} stay, {} are taken away.",
        told.campaign,
        answers.keep.len(),
        answers.revoke.len()
    );
    let subject = Subject {
        kind: SubjectKind::Recertification,
        name: told.campaign,
        scope: Some(ScopeId::Site(site.clone())),
        digest: Digest::of_canonical(answers),
        parts: BTreeSet::new(),
    };
    Ok((subject, meaning))
}

/// Files signed answers.
///
/// # Errors
///
/// `Refused` if the signature does not count, or what was signed is something else; also if the log is written by somebody
/// else.
pub fn answer(
    context: &Context,
    estate: &Estate,
    journal: &mut dyn Journal,
    site: &SiteCode,
    answers: &Answers,
    signed: &Signed,
) -> Result<Standing, Failure> {
    let now = context.clock.now();
    write(context, journal, site, |journal| {
        let role = &signed.statement.role;
        let (subject, _) = answering(journal, site, answers, role)?;
        let bench = Bench { estate, site, now };
        let seats = BTreeSet::from([Seat { role: role.clone(), site: Some(site.clone()) }]);
        let candidate = [bench.candidate(signed)];
        let weighed = bench.weigh(journal, &subject, seats, Default::default(), &candidate)?;
        Bench::refuse_uncounted(&weighed, 0)?;
        let name = format!("{}-{}.json", answers.campaign, signed.statement.person);
        let blob = keep(journal, &name, &canonical_bytes(answers))?;
        Ok((vec![decision(signed, vec![blob])?], ()))
    })?;
    let all = standings(estate, journal, site, now)?;
    let found = all.into_iter().find(|one| one.campaign == answers.campaign);
    found.ok_or_else(|| Failure::failed("the campaign is gone"))
}

/// Closes the open campaign of a site: what is not to stay is revoked, and the review is filed as a record.
///
/// # Errors
///
/// `Refused` if there is none, or rows are open and there is time left.
pub fn close(
    context: &Context,
    estate: &Estate,
    journal: &mut dyn Journal,
    site: &SiteCode,
) -> Result<Outcome, Failure> {
    let now = context.clock.now();
    write(context, journal, site, |journal| {
        let open = standings(estate, journal, site, now)?.into_iter().find(|one| one.closed.is_none());
        let standing =
            open.ok_or_else(|| Failure::Refused { reason: format!("{site} has no open campaign") })?;
        standing.can_close(now).map_err(|not| Failure::Refused { reason: not.to_string() })?;
        let seat = Seat {
            role: RoleName::new(SITE_STEWARD).expect("a role of the product"),
            site: Some(site.clone()),
        };
        let today = day_of(&estate.time_zone(), now);
        let stewards: BTreeSet<PersonId> =
            may_act(&estate.people, &seat, today).into_iter().map(|(person, _)| person).collect();
        let outcome = campaign::outcome(&standing, now, &|person| stewards.contains(person));
        let blob = keep(journal, &format!("{}-closed.json", outcome.campaign), &canonical_bytes(&outcome))?;
        let events = campaign::closing(&outcome, blob.sha256);
        let of = |event: &AccessEvent| {
            let refs = if let AccessEvent::Closed { .. } = event { vec![blob.clone()] } else { Vec::new() };
            note_of(event, refs)
        };
        let mut notes: Vec<Note> = events.iter().map(of).collect();
        notes.extend(records(&outcome, site, &blob));
        Ok((notes, outcome))
    })
}

/// Files the newest closed campaign again, now that what was taken away is gone.
///
/// # Errors
///
/// `Refused` if there is none, or something is still there.
pub fn confirm(context: &Context, journal: &mut dyn Journal, site: &SiteCode) -> Result<Outcome, Failure> {
    let now = context.clock.now();
    write(context, journal, site, |journal| {
        let closed = told(journal, site)?.into_iter().rev().find_map(|one| one.closed);
        let closed =
            closed.ok_or_else(|| Failure::Refused { reason: format!("{site} has no closed campaign") })?;
        let there: BTreeSet<String> = seen(journal, site)?.iter().map(|(right, _)| right.id()).collect();
        let outcome = campaign::confirmed(&read(journal, &closed)?, &there, now);
        if outcome.removed_but_there > 0 {
            let reason = format!(
                "{} rights that {} took away are still there: landfall plan --site {site} shows them",
                outcome.removed_but_there, outcome.campaign
            );
            return Err(Failure::Refused { reason });
        }
        let name = format!("{}-confirmed.json", outcome.campaign);
        let blob = keep(journal, &name, &canonical_bytes(&outcome))?;
        Ok((records(&outcome, site, &blob), outcome))
    })
}

/// A campaign as the records that checklists and stages ask for.
fn records(outcome: &Outcome, site: &SiteCode, file: &BlobRef) -> Vec<Note> {
    let statement = format!(
        "{} of {site}: {} % of {} rights answered for, {} taken away and still there",
        outcome.campaign, outcome.answered_percent, outcome.grants, outcome.removed_but_there
    );
    let note = |kind: &&str| {
        let standing = "answers signed one by one";
        let body = serde_json::json!({ "kind": kind, "statement": statement, "standing": standing });
        Note::new(RECORDED, body).naming(vec![file.clone()])
    };
    RECORDS.iter().map(note).collect()
}
