//! Tests of weighing: who may decide what, that nothing opens what it was not given for, and that every changed byte shows.

mod electronic;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::date;
use jiff::tz::TimeZone;

use super::*;
use crate::base::digest::Digest;
use crate::base::id::RoleName;
use crate::base::limits::DAY;
use crate::base::span::{SourceMap, Span};
use crate::base::time::Millis;
use crate::evidence::sshsig::people::tests::{key, sign};
use crate::model::people::{Conflict, Delegation, Enrolment, Holding, Person, PersonKey};
use crate::model::signed::{Act, NAMESPACE, STATEMENT_VERSION, Statement, SubjectKind};

const ESTATE: &str = "8f14e45f-ceea-4672-a5c5-d9b0a4a1a001";

fn span() -> Span {
    let mut map = SourceMap::default();
    let source = map.add("sites/people.toml", "");
    Span { source, range: 0..0 }
}

fn id(name: &str) -> PersonId {
    PersonId::new(name).expect("a handle")
}

fn role(name: &str) -> RoleName {
    RoleName::new(name).expect("a role")
}

fn site(code: &str) -> SiteCode {
    SiteCode::new(code).expect("a code")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a moment")
}

/// Everybody of these tests, in the order that gives each their key.
const CAST: [&str; 13] = [
    "author",
    "requester",
    "builder",
    "cab",
    "cab-backup",
    "cab-delegate",
    "stand-in",
    "compliance-lead",
    "sponsor",
    "platform-lead",
    "steward-hrb01",
    "steward-mpl02",
    "robot",
];

fn seed(person: &str) -> u8 {
    u8::try_from(CAST.iter().position(|name| *name == person).expect("one of the cast") + 1).expect("few")
}

struct World {
    people: People,
    keys: Enrolled,
    zone: TimeZone,
}

impl World {
    fn new() -> Self {
        let (mut persons, mut keys) = (BTreeMap::new(), BTreeMap::new());
        for name in CAST {
            let (_, public) = key(seed(name));
            let line = PersonKey {
                line: public.line(),
                from: date(2026, 12, 1),
                until: Some(date(2028, 12, 31)),
                revoked: None,
            };
            let automation = name == "robot";
            let person = Person {
                id: id(name),
                name: None,
                automation,
                clinician: false,
                keys: vec![line],
                span: span(),
            };
            persons.insert(id(name), person);
            let since = at("2027-01-01T00:00:00Z");
            keys.insert(public.fingerprint(), Enrolment { person: id(name), since, retired: None });
        }
        let hold = |role_of: &str, site_of: Option<&str>, person: &str, backup: Option<&str>| Holding {
            role: role(role_of),
            site: site_of.map(site),
            person: id(person),
            backup: backup.map(id),
            span: span(),
        };
        let hand = |role_of: &str, from: &str, to: &str| Delegation {
            role: role(role_of),
            site: None,
            from: id(from),
            to: id(to),
            begin: date(2027, 3, 1),
            end: date(2027, 3, 5),
            reason: "leave".to_owned(),
            span: span(),
        };
        let people = People {
            persons,
            holdings: vec![
                hold("change-control", None, "cab", Some("cab-backup")),
                hold("compliance", None, "compliance-lead", None),
                hold("executive-sponsor", None, "sponsor", None),
                hold("platform", None, "platform-lead", None),
                hold("program-manager", None, "requester", None),
                hold("data-team", None, "builder", None),
                hold("data-science", None, "author", None),
                hold("site-steward", Some("HRB01"), "steward-hrb01", None),
                hold("site-steward", Some("MPL02"), "steward-mpl02", None),
                hold("automation", None, "robot", None),
            ],
            delegations: vec![
                hand("change-control", "cab", "cab-delegate"),
                hand("program-manager", "requester", "stand-in"),
            ],
            conflicts: Vec::new(),
            part11: BTreeSet::new(),
        };
        Self { people, keys: Enrolled { keys, ..Enrolled::default() }, zone: TimeZone::UTC }
    }

    fn around(&self) -> Around<'_> {
        Around { estate: ESTATE, zone: &self.zone, people: &self.people, keys: &self.keys }
    }

    fn weigh(&self, asked: &Asked, decisions: &[Decision]) -> Weighed {
        weigh(asked, decisions, self.around(), at(NOW))
    }

    fn also(mut self, role_of: &str, site_of: Option<&str>, person: &str) -> Self {
        let site = site_of.map(site);
        self.people.holdings.push(Holding {
            role: role(role_of),
            site,
            person: id(person),
            backup: None,
            span: span(),
        });
        self
    }
}

const SIGNED: &str = "2027-03-04T09:00:00Z";
const NOW: &str = "2027-03-04T10:00:00Z";

fn plan(name: &[u8]) -> Subject {
    Subject {
        kind: SubjectKind::Plan,
        name: "wave pilot".to_owned(),
        scope: None,
        digest: Digest::of(name),
        parts: BTreeSet::new(),
    }
}

fn asked(subject: Subject, roles: &[(&str, Option<&str>)]) -> Asked {
    Asked {
        subject,
        seats: roles.iter().map(|(name, code)| Seat { role: role(name), site: code.map(site) }).collect(),
        review: false,
        clinician: false,
        valid_days: Some(30),
        kept_out: BTreeMap::from([(id("requester"), KeptOut::Requester), (id("builder"), KeptOut::Builder)]),
        one_way: BTreeSet::new(),
    }
}

fn approve() -> Act {
    Act::Approve { conditions: Vec::new(), one_way: BTreeSet::new() }
}

fn statement(person: &str, role_of: &str, subject: &Subject, act: Act) -> Statement {
    Statement {
        v: STATEMENT_VERSION,
        estate: ESTATE.to_owned(),
        subject: subject.clone(),
        act,
        person: id(person),
        role: role(role_of),
        instead_of: None,
        at: at(SIGNED),
        expires: None,
        meaning: "I approve it.".to_owned(),
        comment: "because".to_owned(),
        electronic: None,
    }
}

fn signed(statement: Statement) -> Decision {
    let (_, public) = key(seed(statement.person.as_str()));
    let signature = sign(seed(statement.person.as_str()), NAMESPACE, &statement.bytes());
    let log = match (statement.subject.kind, statement.subject.scope.clone()) {
        (SubjectKind::Plan, _) | (_, None) => LogId::Org,
        (_, Some(scope)) => LogId::Scope(scope),
    };
    let recorded_at = statement.at + Millis(1_000);
    Decision { signed: Signed { statement, signature, key: public.fingerprint() }, log, seq: 0, recorded_at }
}

fn decided(person: &str, role_of: &str, subject: &Subject, act: Act) -> Decision {
    signed(statement(person, role_of, subject, act))
}

fn word(weighed: &Weighed, at: usize) -> &'static str {
    weighed.refused.get(&at).map_or("counts", Rule::word)
}

/// One sort of question: what is asked, the act that answers it, and the role in which it is answered.
struct Class {
    name: &'static str,
    role: &'static str,
    site: Option<&'static str>,
    kind: SubjectKind,
    act: Act,
}

fn classes() -> Vec<Class> {
    let plain = |name, role, site| Class { name, role, site, kind: SubjectKind::Plan, act: approve() };
    vec![
        plain("changes", "change-control", None),
        plain("one-way", "executive-sponsor", None),
        plain("destroys", "compliance", None),
        plain("shared", "platform", None),
        plain("access", "site-steward", Some("HRB01")),
        Class {
            name: "gate",
            role: "compliance",
            site: Some("HRB01"),
            kind: SubjectKind::Gate,
            act: approve(),
        },
        Class {
            name: "attestation",
            role: "site-steward",
            site: Some("HRB01"),
            kind: SubjectKind::Item,
            act: Act::Attest {},
        },
        Class {
            name: "waiver",
            role: "compliance",
            site: Some("HRB01"),
            kind: SubjectKind::Item,
            act: Act::Waive { compensating: "a guard".to_owned() },
        },
    ]
}

/// The people of the matrix by what they are to the change, with the rule that keeps them out or nothing.
const PARTS: [(&str, &str, &str); 8] = [
    // what they are, who, what the rules say of them where they hold the role that is asked
    ("author", "author", "builder"),
    ("requester", "requester", "requester"),
    ("builder", "builder", "builder"),
    ("approver", "cab", "counts"),
    ("delegate of the approver", "cab-delegate", "counts"),
    ("backup of the approver", "cab-backup", "counts"),
    ("delegate of the requester", "stand-in", "stands-in-for-requester"),
    ("automation", "robot", "automation"),
];

#[test]
fn who_may_decide_what_is_one_table() {
    println!("{:<26}{}", "", classes().iter().map(|class| format!("{:<26}", class.name)).collect::<String>());
    for (what, person, expected) in PARTS {
        let mut line = format!("{what:<26}");
        for class in classes() {
            let mut world = World::new();
            // The role that is asked is the approver's own, whatever it is; author, requester, builder, who stands in for
            // the requester and the program hold it too: it is not the role that keeps them out.
            world.people.holdings.retain(|one| one.role != role(class.role));
            let holding = |person: &str, backup: Option<&str>| Holding {
                role: role(class.role),
                site: class.site.map(site),
                person: id(person),
                backup: backup.map(id),
                span: span(),
            };
            world.people.holdings.push(holding("cab", Some("cab-backup")));
            for other in ["author", "requester", "builder", "stand-in", "robot"] {
                world.people.holdings.push(holding(other, None));
            }
            world.people.delegations[0].role = role(class.role);
            let scope =
                class.site.map(|code| ScopeId::Site(site(code))).filter(|_| class.kind != SubjectKind::Plan);
            let subject = Subject { kind: class.kind, scope, ..plan(b"A") };
            let mut asked = asked(subject.clone(), &[(class.role, class.site)]);
            asked.kept_out.insert(id("author"), KeptOut::Builder);
            let mut made = statement(person, class.role, &subject, class.act.clone());
            made.expires = Some(at("2027-04-01T00:00:00Z"));
            let weighed = world.weigh(&asked, &[signed(made)]);
            let found = word(&weighed, 0);
            assert_eq!(found, expected, "{what} on {}: {:?}", class.name, weighed.refused);
            assert_eq!(weighed.holds(), expected == "counts", "{what} on {}", class.name);
            line.push_str(&format!("{found:<26}"));
        }
        println!("{line}");
    }
}

#[test]
fn nobody_decides_in_a_role_that_is_not_theirs() {
    let subject = plan(b"A");
    let world = World::new();
    for (person, role_of, seats, expected) in [
        ("platform-lead", "change-control", &[("change-control", None)][..], "role-not-held"),
        ("compliance-lead", "compliance", &[("change-control", None)], "role-not-asked"),
        ("steward-hrb01", "site-steward", &[("site-steward", Some("MPL02"))], "role-not-held"),
        ("steward-mpl02", "site-steward", &[("site-steward", Some("MPL02"))], "counts"),
    ] {
        let weighed =
            world.weigh(&asked(subject.clone(), seats), &[decided(person, role_of, &subject, approve())]);
        assert_eq!(word(&weighed, 0), expected, "{person} as {role_of}");
        assert_eq!(weighed.holds(), expected == "counts");
    }
}

#[test]
fn a_delegation_counts_on_its_days_and_is_cited() {
    let (world, subject) = (World::new(), plan(b"A"));
    let question = asked(subject.clone(), &[("change-control", None)]);
    let on = |day: &str, recorded: &str| {
        let made =
            Statement { at: at(day), ..statement("cab-delegate", "change-control", &subject, approve()) };
        let decision = Decision { recorded_at: at(recorded), ..signed(made) };
        weigh(&question, &[decision], world.around(), at(recorded))
    };
    let inside = on("2027-03-04T09:00:00Z", "2027-03-04T09:00:01Z");
    assert_eq!(inside.counted.get(&0).map(|(_, how)| how.clone()), Some(How::Delegate { of: id("cab") }));
    assert_eq!(word(&on("2027-03-06T09:00:00Z", "2027-03-06T09:00:01Z"), 0), "role-not-held");
    // Dated back into the days of the delegation, but recorded after them.
    assert_eq!(word(&on("2027-03-04T09:00:00Z", "2027-03-06T09:00:01Z"), 0), "role-not-held");
    let mut made = statement("cab-delegate", "change-control", &subject, approve());
    made.instead_of = Some(id("sponsor"));
    assert_eq!(word(&world.weigh(&question, &[signed(made)]), 0), "not-standing-in");
}

#[test]
fn each_seat_has_a_person_of_its_own() {
    let subject = plan(b"A");
    let question = asked(subject.clone(), &[("compliance", None), ("executive-sponsor", None)]);
    let world = World::new().also("executive-sponsor", None, "compliance-lead");
    let both = [
        decided("compliance-lead", "compliance", &subject, approve()),
        decided("compliance-lead", "executive-sponsor", &subject, approve()),
    ];
    let alone = world.weigh(&question, &both);
    assert_eq!((word(&alone, 0), word(&alone, 1)), ("counts", "same-person"));
    assert_eq!(alone.missing.len(), 1);
    // Somebody else takes one of the seats: whoever can sit elsewhere makes room.
    let world = world.also("compliance", None, "platform-lead");
    let mut three = vec![decided("compliance-lead", "compliance", &subject, approve())];
    three.push(decided("platform-lead", "compliance", &subject, approve()));
    three.push(decided("compliance-lead", "executive-sponsor", &subject, approve()));
    assert!(world.weigh(&question, &three).holds());
}

#[test]
fn a_review_is_by_somebody_who_does_not_approve() {
    let (world, subject) = (World::new(), plan(b"A"));
    let question = Asked { review: true, ..asked(subject.clone(), &[("change-control", None)]) };
    let approval = decided("cab", "change-control", &subject, approve());
    let review = |person: &str, role_of: &str| decided(person, role_of, &subject, Act::Review {});
    let weigh = |reviewer: Decision| world.weigh(&question, &[reviewer, approval.clone()]);
    assert!(weigh(review("platform-lead", "platform")).holds());
    let own = weigh(review("cab", "change-control"));
    assert!(!own.holds());
    assert_eq!(word(&weigh(review("requester", "program-manager")), 0), "requester");
    assert_eq!(word(&weigh(review("builder", "data-team")), 0), "builder");
    assert_eq!(word(&weigh(review("sponsor", "platform")), 0), "role-not-held");
}

#[test]
fn roles_that_exclude_each_other_keep_their_holder_out() {
    let subject = plan(b"A");
    let mut world = World::new().also("change-control", None, "compliance-lead");
    let roles = BTreeSet::from([role("change-control"), role("compliance")]);
    world.people.conflicts = vec![Conflict { roles, reason: "four eyes".to_owned(), span: span() }];
    let question = asked(subject.clone(), &[("change-control", Some("HRB01"))]);
    let weighed =
        world.weigh(&question, &[decided("compliance-lead", "change-control", &subject, approve())]);
    assert_eq!(word(&weighed, 0), "conflicting-roles");
    assert!(world.weigh(&question, &[decided("cab", "change-control", &subject, approve())]).holds());
}

#[test]
fn only_clinicians_decide_what_is_theirs() {
    let subject = plan(b"A");
    let mut world = World::new();
    let question = Asked { clinician: true, ..asked(subject.clone(), &[("change-control", None)]) };
    let decision = [decided("cab", "change-control", &subject, approve())];
    assert_eq!(word(&world.weigh(&question, &decision), 0), "not-clinician");
    world.people.persons.get_mut(&id("cab")).expect("there").clinician = true;
    assert!(world.weigh(&question, &decision).holds());
}

#[test]
fn keys_count_only_while_the_log_and_the_files_say_so() {
    let subject = plan(b"A");
    let question = asked(subject.clone(), &[("change-control", None)]);
    let decision = decided("cab", "change-control", &subject, approve());
    let fingerprint = decision.signed.key.clone();
    let told = |change: &dyn Fn(&mut World)| {
        let mut world = World::new();
        change(&mut world);
        word(&world.weigh(&question, std::slice::from_ref(&decision)), 0)
    };
    let own = |world: &mut World, change: &dyn Fn(&mut PersonKey)| {
        change(&mut world.people.persons.get_mut(&id("cab")).expect("there").keys[0]);
    };
    let enrolment = |world: &mut World, change: &dyn Fn(&mut Enrolment)| {
        change(world.keys.keys.get_mut(&fingerprint).expect("there"));
    };
    assert_eq!(told(&|_| {}), "counts");
    assert_eq!(told(&|world| drop(world.keys.keys.remove(&fingerprint))), "key-not-enrolled");
    assert_eq!(told(&|world| enrolment(world, &|one| one.person = id("sponsor"))), "key-of-another");
    assert_eq!(
        told(&|world| enrolment(world, &|one| one.since = at("2027-03-04T09:30:00Z"))),
        "key-enrolled-later"
    );
    assert_eq!(
        told(&|world| enrolment(world, &|one| one.retired = Some(at("2027-03-01T00:00:00Z")))),
        "key-retired"
    );
    assert_eq!(told(&|world| enrolment(world, &|one| one.retired = Some(at(NOW)))), "counts");
    assert_eq!(told(&|world| own(world, &|key| key.until = Some(date(2027, 3, 3)))), "key-not-valid");
    assert_eq!(told(&|world| own(world, &|key| key.from = date(2027, 3, 5))), "key-not-valid");
    assert_eq!(told(&|world| own(world, &|key| key.revoked = Some(date(2027, 3, 4)))), "key-revoked");
    assert_eq!(told(&|world| own(world, &|key| key.revoked = Some(date(2027, 3, 5)))), "counts");
    assert_eq!(
        told(&|world| world.people.persons.get_mut(&id("cab")).expect("there").keys.clear()),
        "key-not-declared"
    );
    assert_eq!(told(&|world| drop(world.people.persons.remove(&id("cab")))), "unknown-person");
}

#[test]
fn decisions_end_are_taken_back_and_count_once() {
    let (world, subject) = (World::new(), plan(b"A"));
    let question = asked(subject.clone(), &[("change-control", None)]);
    let first = decided("cab", "change-control", &subject, approve());
    let later = |act: Act, text: &str| {
        signed(Statement { at: at(text), ..statement("cab", "change-control", &subject, act) })
    };
    // Recorded twice.
    let twice = world.weigh(&question, &[first.clone(), first.clone()]);
    assert_eq!((word(&twice, 0), word(&twice, 1)), ("counts", "repeated"));
    // Its end.
    let mut ending = statement("cab", "change-control", &subject, approve());
    ending.expires = Some(at("2027-03-04T09:30:00Z"));
    assert_eq!(word(&world.weigh(&question, &[signed(ending)]), 0), "expired");
    let after = at(SIGNED) + Millis(DAY.0 * 30);
    assert_eq!(word(&weigh(&question, std::slice::from_ref(&first), world.around(), after), 0), "expired");
    assert_eq!(world.weigh(&question, std::slice::from_ref(&first)).until, Some(after));
    // Taken back, and given again.
    let back = later(Act::Withdraw {}, "2027-03-04T09:10:00Z");
    assert_eq!(word(&world.weigh(&question, &[first.clone(), back.clone()]), 0), "withdrawn");
    let again = later(approve(), "2027-03-04T09:20:00Z");
    assert!(world.weigh(&question, &[first.clone(), back, again]).holds());
    // Dated after its recording.
    let early = Decision { recorded_at: at("2027-03-04T08:00:00Z"), ..first };
    assert_eq!(word(&world.weigh(&question, &[early]), 0), "from-the-future");
}

#[test]
fn a_rejection_stands_until_its_role_approves_or_it_is_withdrawn() {
    let (world, subject) = (World::new().also("change-control", None, "platform-lead"), plan(b"A"));
    let question = asked(subject.clone(), &[("change-control", None), ("compliance", None)]);
    let later = |person: &str, role_of: &str, act: Act, minute: u32| {
        let moment = at(&format!("2027-03-04T09:{minute:02}:00Z"));
        signed(Statement { at: moment, ..statement(person, role_of, &subject, act) })
    };
    let mut all = vec![
        later("cab", "change-control", approve(), 0),
        later("compliance-lead", "compliance", Act::Reject {}, 1),
    ];
    assert_eq!(world.weigh(&question, &all).rejected, Some(1));
    // Another role cannot outvote it; a review of the same role does not either.
    all.push(later("platform-lead", "change-control", approve(), 2));
    all.push(later("compliance-lead", "compliance", Act::Review {}, 3));
    assert_eq!(world.weigh(&question, &all).rejected, Some(1));
    let mut approved = all.clone();
    approved.push(later("compliance-lead", "compliance", approve(), 4));
    assert!(world.weigh(&question, &approved).holds());
    all.push(later("compliance-lead", "compliance", Act::Withdraw {}, 5));
    assert_eq!(world.weigh(&question, &all).rejected, None);
}

#[test]
fn parts_open_themselves_and_nothing_else() {
    let world = World::new();
    let (one, other) = (Digest::of(b"part one"), Digest::of(b"part other"));
    let of = |parts: &[Digest]| Subject { parts: parts.iter().copied().collect(), ..plan(b"A") };
    let question = |parts: &[Digest]| asked(of(parts), &[("change-control", None)]);
    let approval = |parts: &[Digest]| [decided("cab", "change-control", &of(parts), approve())];
    assert!(world.weigh(&question(&[one]), &approval(&[one])).holds());
    assert!(world.weigh(&question(&[one]), &approval(&[])).holds());
    assert!(world.weigh(&question(&[one]), &approval(&[one, other])).holds());
    for (asked_about, given) in [(&[other][..], &[one][..]), (&[one, other], &[one]), (&[], &[one])] {
        assert_eq!(word(&world.weigh(&question(asked_about), &approval(given)), 0), "other-part");
    }
    let rejection = [decided("cab", "change-control", &of(&[one]), Act::Reject {})];
    assert_eq!(world.weigh(&question(&[one]), &rejection).rejected, Some(0));
    assert_eq!(world.weigh(&question(&[other]), &rejection).rejected, None);
}

#[test]
fn steps_that_cannot_be_undone_are_named_one_by_one() {
    let (world, subject) = (World::new(), plan(b"A"));
    let steps =
        BTreeSet::from(["account metastore.primary".to_owned(), "account metastore.second".to_owned()]);
    let question = Asked { one_way: steps.clone(), ..asked(subject.clone(), &[("executive-sponsor", None)]) };
    let naming = |named: BTreeSet<String>| {
        let act = Act::Approve { conditions: Vec::new(), one_way: named };
        word(&world.weigh(&question, &[decided("sponsor", "executive-sponsor", &subject, act)]), 0)
    };
    assert_eq!(naming(BTreeSet::new()), "one-way-not-named");
    assert_eq!(naming(BTreeSet::from(["account metastore.primary".to_owned()])), "one-way-not-named");
    assert_eq!(naming(BTreeSet::from(["account *".to_owned()])), "wildcard");
    assert_eq!(naming(steps), "counts");
}

#[test]
fn conditions_say_from_when_on_they_can_be_met() {
    let (world, subject) = (World::new(), plan(b"A"));
    let condition = Condition { name: "shadow".to_owned(), days_min: 30 };
    let act = Act::Approve { conditions: vec![condition.clone()], one_way: BTreeSet::new() };
    let weighed = world.weigh(
        &asked(subject.clone(), &[("change-control", None)]),
        &[decided("cab", "change-control", &subject, act)],
    );
    assert!(weighed.holds());
    assert_eq!(weighed.conditions, [(condition, at(SIGNED) + Millis(DAY.0 * 30))]);
}

#[test]
fn a_decision_opens_only_what_it_was_given_for() {
    let world = World::new();
    let subject = plan(b"A");
    let question = asked(subject.clone(), &[("change-control", None)]);
    let told = |made: Statement| word(&world.weigh(&question, &[signed(made)]), 0);
    let made = || statement("cab", "change-control", &subject, approve());
    let about = |subject: Subject| statement("cab", "change-control", &subject, approve());
    assert_eq!(told(made()), "counts");
    assert_eq!(told(about(plan(b"B"))), "other-digest");
    assert_eq!(told(about(Subject { name: "wave 2".to_owned(), ..plan(b"A") })), "other-subject");
    assert_eq!(told(about(Subject { kind: SubjectKind::Gate, ..plan(b"A") })), "other-subject");
    assert_eq!(told(about(Subject { scope: Some(ScopeId::Account), ..plan(b"A") })), "other-log");
    assert_eq!(told(Statement { estate: "another".to_owned(), ..made() }), "other-estate");
    assert_eq!(told(Statement { v: 99, ..made() }), "newer-format");
    assert_eq!(told(Statement { meaning: " ".to_owned(), ..made() }), "no-meaning");
    assert_eq!(told(Statement { act: Act::Reject {}, comment: String::new(), ..made() }), "no-reason");
    assert_eq!(told(Statement { act: Act::Attest {}, ..made() }), "other-act");
    let waiver = Act::Waive { compensating: "none".to_owned() };
    assert_eq!(told(Statement { act: waiver, ..made() }), "no-end");
    // Signed for another purpose, or kept under the name of another key.
    let mut other = signed(made());
    other.signed.signature = sign(seed("cab"), "file", &made().bytes());
    assert_eq!(word(&world.weigh(&question, &[other]), 0), "other-namespace");
    let mut other = signed(made());
    other.signed.key = key(seed("sponsor")).1.fingerprint();
    assert_eq!(word(&world.weigh(&question, &[other]), 0), "other-key");
    // In a log that is not its subject's.
    let gate = Subject { kind: SubjectKind::Gate, scope: Some(ScopeId::Account), ..plan(b"A") };
    let question = asked(gate.clone(), &[("change-control", None)]);
    let good = decided("cab", "change-control", &gate, approve());
    assert!(world.weigh(&question, std::slice::from_ref(&good)).holds());
    let moved = Decision { log: LogId::Scope(ScopeId::Site(site("HRB01"))), ..good };
    assert_eq!(word(&world.weigh(&question, &[moved]), 0), "other-log");
}

#[test]
fn any_changed_byte_of_a_decision_is_refused() {
    let (world, subject) = (World::new(), plan(b"A"));
    let question = asked(subject.clone(), &[("change-control", None)]);
    let good = decided("cab", "change-control", &subject, approve());
    let text = serde_json::to_string(&good.signed).expect("JSON");
    let mut read = 0;
    for at in 0..text.len() {
        for flip in [1_u8, 2, 4] {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= flip;
            let Ok(signed) = serde_json::from_slice::<Signed>(&bytes) else { continue };
            if signed == good.signed {
                continue;
            }
            read += 1;
            let weighed = world.weigh(&question, &[Decision { signed, ..good.clone() }]);
            assert!(!weighed.holds() && weighed.refused.contains_key(&0), "byte {at}");
        }
    }
    assert!(read > 200, "only {read} changed decisions could be read at all");
}

#[test]
fn every_rule_is_explained() {
    let page = include_str!("../../docs/REFUSED_APPROVALS.md");
    let rules = include_str!("rule.rs");
    let words: Vec<&str> =
        rules.lines().filter_map(|line| line.split("=> \"").nth(1)?.split('"').next()).collect();
    assert!(words.len() > 35, "{words:?}");
    for word in words {
        assert!(page.contains(&format!("| `{word}` |")), "{word}");
    }
}
