//! Decisions at a site that keeps electronic records: what each has to hold, and that a challenge is good once.

use super::*;
use crate::base::limits::CHALLENGE_AGE_MAX;
use crate::model::electronic::{Electronic, Issued, SignatureMeaning, subject_digest};
use crate::model::signed::ELECTRONIC_VERSION;

const NONCE: &str = "0123456789abcdef0123456789abcdef";

fn item() -> Subject {
    Subject {
        kind: SubjectKind::Item,
        name: "golive.ready".to_owned(),
        scope: Some(ScopeId::Site(site("HRB01"))),
        ..plan(b"A")
    }
}

/// A world in which HRB01 keeps such records, and a challenge was given to its steward just before.
fn world() -> World {
    let mut world = World::new();
    world.people.part11 = BTreeSet::from([site("HRB01")]);
    let issued = Issued { person: id("steward-hrb01"), subject: subject_digest(&item()), at: at(SIGNED) };
    world.keys.challenges.insert(NONCE.to_owned(), issued);
    world
}

fn record() -> Statement {
    let electronic = Electronic {
        meaning: SignatureMeaning::Responsibility,
        name: "Dana Reyes, RN".to_owned(),
        time: "2027-03-04T04:00:00-05:00[America/New_York]".to_owned(),
        challenge: NONCE.to_owned(),
    };
    Statement {
        v: ELECTRONIC_VERSION,
        electronic: Some(electronic),
        ..statement("steward-hrb01", "site-steward", &item(), Act::Attest {})
    }
}

fn told(world: &World, decisions: &[Decision]) -> Vec<&'static str> {
    let weighed = world.weigh(&asked(item(), &[("site-steward", Some("HRB01"))]), decisions);
    (0..decisions.len()).map(|place| word(&weighed, place)).collect()
}

#[test]
fn only_whole_electronic_records_count_at_a_site_that_keeps_them() {
    let world = world();
    assert_eq!(told(&world, &[signed(record())]), ["counts"]);
    let plain = statement("steward-hrb01", "site-steward", &item(), Act::Attest {});
    assert_eq!(told(&world, &[signed(plain.clone())]), ["not-electronic"]);
    assert_eq!(told(&World::new(), &[signed(plain)]), ["counts"], "elsewhere nothing of it is asked");
    let with = |change: fn(&mut Statement, &mut Electronic)| {
        let (mut made, mut part) = (record(), record().electronic.expect("a part"));
        change(&mut made, &mut part);
        told(&world, &[signed(Statement { electronic: Some(part), ..made })])[0]
    };
    let incomplete: [fn(&mut Statement, &mut Electronic); 8] = [
        |_, part| part.name = "  ".to_owned(),
        |_, part| part.name = "x".repeat(10_000),
        |_, part| part.name = "Dana\nReyes".to_owned(),
        |_, part| part.time = "2027-03-04T09:00:00Z".to_owned(),
        |_, part| part.time = "2027-03-04T05:00:00-05:00[America/New_York]".to_owned(),
        |made, _| made.comment = " ".to_owned(),
        |_, part| part.challenge = String::new(),
        |_, part| part.challenge = NONCE.to_uppercase(),
    ];
    for (place, change) in incomplete.into_iter().enumerate() {
        assert_eq!(with(change), "record-incomplete", "{place}");
    }
    assert_eq!(with(|made, _| made.v = 3), "newer-format");
}

#[test]
fn a_challenge_is_good_for_its_signer_its_subject_its_minutes_and_once() {
    let world = world();
    let unknown = |change: fn(&mut Electronic)| {
        let mut part = record().electronic.expect("a part");
        change(&mut part);
        told(&world, &[signed(Statement { electronic: Some(part), ..record() })])[0]
    };
    assert_eq!(unknown(|part| part.challenge = "f".repeat(32)), "challenge-unknown");
    for (person, subject) in
        [("cab", item()), ("steward-hrb01", Subject { name: "other".to_owned(), ..item() })]
    {
        let mut other = World { ..self::world() };
        let issued = Issued { person: id(person), subject: subject_digest(&subject), at: at(SIGNED) };
        other.keys.challenges.insert(NONCE.to_owned(), issued);
        assert_eq!(
            told(&other, &[signed(record())]),
            ["challenge-unknown"],
            "given to {person} for {}",
            subject.name
        );
    }
    let late = |by: u64| {
        let mut decision = signed(record());
        decision.recorded_at = at(SIGNED) + Millis(CHALLENGE_AGE_MAX.0 + by);
        told(&world, &[decision])[0]
    };
    assert_eq!((late(0), late(1)), ("counts", "challenge-expired"));
    let mut early = signed(record());
    early.recorded_at = at("2027-03-04T08:59:59Z");
    assert_eq!(told(&world, &[early]), ["challenge-expired"], "recorded before it was given");
    // The same token again: under the same words, and under others.
    let again = Statement { comment: "and another thing".to_owned(), ..record() };
    let all = [signed(record()), signed(record()), signed(again)];
    assert_eq!(told(&world, &all), ["counts", "repeated", "challenge-used"]);
}
