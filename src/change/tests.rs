//! Tests of the way of a change.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::*;
use crate::base::id::{LogId, SiteCode};
use crate::model::change::{
    ADVANCED, APPLIED, BoardDecision, ChangeAdvanced, ChangeApplied, DECIDED, OPENED,
};
use crate::model::entry::{ActorKind, Entry};

fn plan() -> Digest {
    Digest::of(b"plan")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("what a test writes can be parsed")
}

fn person(name: &str) -> PersonId {
    PersonId::new(name).expect("a handle")
}

/// An org log that is written by hand.
#[derive(Default)]
struct Log(Vec<Entry>);

impl Log {
    fn add(&mut self, moment: &str, kind: &str, run: Option<&str>, body: Value) -> &mut Self {
        self.0.push(Entry {
            v: 1,
            seq: self.0.len() as u64,
            at: at(moment),
            log: LogId::Org,
            run: run.map(|run| RunId::new(run).expect("a run id")),
            kind: kind.to_owned(),
            step: None,
            actor: Actor { kind: ActorKind::Person, id: "tester".to_owned() },
            plan: None,
            refs: Vec::new(),
            body,
            salt: String::new(),
        });
        self
    }

    fn open(&mut self, number: u32, class: ChangeClass) -> &mut Self {
        let opened = ChangeOpened {
            change: ChangeId(number),
            title: "Bring HRB01 ashore".to_owned(),
            class,
            plan: plan(),
            pattern: Digest::of(b"pattern"),
            target: "prod".to_owned(),
            covers: "wave pilot".to_owned(),
            sites: BTreeSet::from([SiteCode::new("HRB01").expect("a code")]),
            requester: person("maria"),
            built_by: BTreeSet::from([person("dev")]),
            ticket: None,
        };
        self.add("2027-03-01T09:00:00Z", OPENED, None, json!(opened))
    }

    fn step(&mut self, number: u32, from: ChangeState, to: ChangeState) -> &mut Self {
        let why = "it holds".to_owned();
        let body =
            ChangeAdvanced { change: ChangeId(number), from, to, why, rests_on: Vec::new(), begins: None };
        self.add("2027-03-03T09:00:00Z", ADVANCED, None, json!(body))
    }

    /// All steps up to a state.
    fn up_to(&mut self, number: u32, last: ChangeState) -> &mut Self {
        let all: Vec<ChangeState> = ChangeState::ALL.iter().map(|(_, state)| *state).collect();
        for pair in all.windows(2).filter(|pair| pair[1] <= last) {
            self.step(number, pair[0], pair[1]);
        }
        self
    }

    fn decide(&mut self, moment: &str, decision: BoardDecision, who: &[&str]) -> &mut Self {
        let body = ChangeDecided {
            change: ChangeId(1),
            plan: plan(),
            date: "2027-03-02".parse().expect("a day"),
            attendees: who.iter().map(|name| person(name)).collect(),
            decision,
            note: "too soon".to_owned(),
        };
        self.add(moment, DECIDED, None, json!(body))
    }

    fn launch(&mut self, outcome: &str) -> &mut Self {
        let applied = ChangeApplied { change: ChangeId(1), class: ChangeClass::Emergency, ticket: None };
        let run = Some("run-1");
        self.add("2027-03-05T15:00:00Z", APPLIED, None, json!(applied));
        self.add(
            "2027-03-05T15:00:00Z",
            "launch.started",
            run,
            json!({ "plan": plan(), "selection": "all" }),
        );
        let (since, until) = ("2027-03-05T16:00:00Z", "2027-03-05T18:00:00Z");
        let baking = json!({ "wave": "pilot", "batch": "wave", "at": since, "until": until });
        self.add(since, "wave.baking", run, baking);
        self.add(until, "wave.baked", run, json!({ "wave": "pilot", "batch": "wave" }));
        self.add("2027-03-05T18:30:00Z", "launch.ended", run, json!({ "outcome": outcome }))
    }

    fn changes(&self) -> Changes {
        changes(&self.0).expect("the log of a test is sound")
    }
}

fn signatures() -> Signatures {
    let basis = |what: &str, seq| Basis { what: what.to_owned(), log: LogId::Org, seq };
    Signatures {
        reviews: vec![Review {
            person: person("peer"),
            at: at("2027-03-01T12:00:00Z"),
            basis: basis("review by peer", 500),
        }],
        missing: Vec::new(),
        rejected: None,
        rests_on: vec![basis("approval by compliance", 501)],
    }
}

/// What comes of the step to a state.
fn tried(log: &Log, number: u32, to: ChangeState, reason: &str, signatures: &Signatures) -> String {
    let all = log.changes();
    let launches = launches(&log.0);
    let opening =
        Ok(Opening { begins: at("2027-03-06T01:00:00Z"), why: "the next opening of HRB01".to_owned() });
    let grounds =
        Grounds { all: &all, signatures, launches: &launches, opening: Some(&opening), zone: &TimeZone::UTC };
    match advance(&all[&ChangeId(number)], to, reason, &grounds, at("2027-03-05T20:00:00Z")) {
        Ok(ground) => format!("to {to}: {}", ground.why),
        Err(refusal) => refusal.to_string(),
    }
}

#[test]
fn the_legal_order_passes_and_each_step_rests_on_something() {
    let mut log = Log::default();
    log.open(1, ChangeClass::Normal).decide(
        "2027-03-02T10:00:00Z",
        BoardDecision::Approved,
        &["cab-chair", "maria"],
    );
    log.launch("succeeded");
    let mut told = Vec::new();
    for (_, to) in &ChangeState::ALL[1..] {
        let from = log.changes()[&ChangeId(1)].state;
        told.push(tried(&log, 1, *to, if *to == ChangeState::Closed { "done" } else { "" }, &signatures()));
        log.step(1, from, *to);
    }
    assert_eq!(
        told,
        [
            &format!("to reviewed: reviewed by peer at 2027-03-01T12:00:00.000Z, plan {}", plan()),
            "to approved: 1 approval, and the change board of 2027-03-02 (cab-chair, maria)",
            "to scheduled: the next opening of HRB01",
            "to applied: run run-1 ended at 2027-03-05T18:30:00.000Z: succeeded",
            "to validated: every check of run run-1 held, bake times of 2 h 0 min included, at 2027-03-05T18:30:00.000Z",
            "to closed: done",
        ]
    );
    assert_eq!(
        tried(&log, 1, ChangeState::Draft, "no", &signatures()),
        "CHG-1 is closed, and draft does not follow on that; it is over"
    );
}

#[test]
fn no_step_is_left_out_and_the_legal_one_is_named() {
    let all: Vec<ChangeState> = ChangeState::ALL.iter().map(|(_, state)| *state).collect();
    for from in &all {
        let mut log = Log::default();
        log.open(1, ChangeClass::Emergency).up_to(1, *from).launch("succeeded");
        for to in all.iter().filter(|to| from.next() != Some(**to)) {
            let told = tried(&log, 1, *to, "because", &signatures());
            if *to == ChangeState::Draft && from.can_go_back() {
                assert_eq!(told, "to draft: because");
                continue;
            }
            let head = format!("CHG-1 is {from}, and {to} does not follow on that; ");
            let rest = told.strip_prefix(&head).unwrap_or_else(|| panic!("{told}"));
            match from.next() {
                Some(next) => assert!(rest.starts_with(&format!("the legal next step is {next}")), "{told}"),
                None => assert_eq!(rest, "it is over"),
            }
        }
    }
}

#[test]
fn who_asked_or_built_cannot_review() {
    let mut log = Log::default();
    log.open(1, ChangeClass::Normal);
    for own in ["maria", "dev"] {
        let mut signatures = signatures();
        signatures.reviews[0].person = person(own);
        let told = tried(&log, 1, ChangeState::Reviewed, "", &signatures);
        assert!(
            told.contains(&format!("the review by {own} does not count: they asked for it or built it")),
            "{told}"
        );
    }
    let told = tried(&log, 1, ChangeState::Reviewed, "", &Signatures::default());
    assert!(told.starts_with("CHG-1 stays draft; for reviewed is missing: a signed review"), "{told}");
}

#[test]
fn a_rejection_sends_back_and_what_was_decided_before_does_not_count_any_more() {
    let mut log = Log::default();
    log.open(1, ChangeClass::Normal).decide("2027-03-02T10:00:00Z", BoardDecision::Approved, &["cab-chair"]);
    log.step(1, ChangeState::Draft, ChangeState::Reviewed);
    assert_eq!(
        tried(&log, 1, ChangeState::Draft, " ", &signatures()),
        "a reason is needed to take CHG-1 to draft: --reason \"…\""
    );
    log.step(1, ChangeState::Reviewed, ChangeState::Draft);
    let mut signatures = signatures();
    signatures.reviews[0].basis.seq = 2;
    assert!(tried(&log, 1, ChangeState::Reviewed, "", &signatures).contains("is missing: a signed review"));
    log.step(1, ChangeState::Draft, ChangeState::Reviewed);
    let told = tried(&log, 1, ChangeState::Approved, "", &signatures);
    assert!(told.contains("is missing: a decision of the change board"), "{told}");
}

#[test]
fn a_board_decides_by_others_than_those_who_want_it() {
    let told = |decision, who: &[&str]| {
        let mut log = Log::default();
        log.open(1, ChangeClass::Normal).up_to(1, ChangeState::Reviewed);
        log.decide("2027-03-04T10:00:00Z", decision, who);
        tried(&log, 1, ChangeState::Approved, "", &signatures())
    };
    assert!(
        told(BoardDecision::Approved, &["maria", "dev"])
            .contains("somebody who neither asked for it nor built it")
    );
    assert!(
        told(BoardDecision::Rejected, &["cab-chair"])
            .ends_with("the change board rejected it on 2027-03-02: too soon")
    );
    assert!(
        told(BoardDecision::Deferred, &["cab-chair"]).contains("the change board deferred it on 2027-03-02")
    );
    assert!(told(BoardDecision::Approved, &["cab-chair"]).starts_with("to approved: 1 approval"));
    let mut log = Log::default();
    log.open(1, ChangeClass::Emergency).up_to(1, ChangeState::Reviewed);
    let missing = Signatures {
        missing: vec!["compliance has not signed".to_owned()],
        rejected: Some("rejected by it-network".to_owned()),
        ..Signatures::default()
    };
    assert_eq!(
        tried(&log, 1, ChangeState::Approved, "", &missing),
        "CHG-1 stays reviewed; for approved is missing: compliance has not signed; rejected by it-network: landfall change \
         advance CHG-1 --to draft --reason \"…\""
    );
}

#[test]
fn a_standard_change_repeats_one_that_was_closed() {
    let told = |class, last| {
        let mut log = Log::default();
        log.open(1, class).up_to(1, last).open(2, ChangeClass::Standard).up_to(2, ChangeState::Reviewed);
        tried(&log, 2, ChangeState::Approved, "", &signatures())
    };
    let good = "to approved: 1 approval, and it repeats CHG-1, a normal change that is closed";
    assert_eq!(told(ChangeClass::Normal, ChangeState::Closed), good);
    for (class, last) in
        [(ChangeClass::Normal, ChangeState::Validated), (ChangeClass::Emergency, ChangeState::Closed)]
    {
        assert!(told(class, last).contains("an earlier closed change that did the same"));
    }
}

#[test]
fn an_emergency_is_decided_afterwards_and_late_ones_are_flagged() {
    let mut log = Log::default();
    log.open(1, ChangeClass::Emergency).up_to(1, ChangeState::Scheduled).launch("succeeded");
    log.step(1, ChangeState::Scheduled, ChangeState::Applied).step(
        1,
        ChangeState::Applied,
        ChangeState::Validated,
    );
    let told = tried(&log, 1, ChangeState::Closed, "done", &signatures());
    assert!(told.contains("the decision of the change board about this emergency"), "{told}");
    let standing_at = |log: &Log, now: &str| {
        let (all, launches, signatures) = (log.changes(), launches(&log.0), signatures());
        let grounds = Grounds {
            all: &all,
            signatures: &signatures,
            launches: &launches,
            opening: None,
            zone: &TimeZone::UTC,
        };
        standing(&all[&ChangeId(1)], &grounds, at(now))
    };
    // It began on a Friday: Monday and Tuesday are the two working days.
    let due = Some(at("2027-03-10T00:00:00Z"));
    let tuesday = standing_at(&log, "2027-03-09T20:00:00Z");
    assert_eq!((tuesday.due, tuesday.late), (due, false));
    let wednesday = standing_at(&log, "2027-03-10T00:00:00Z");
    assert_eq!((wednesday.due, wednesday.late), (due, true));
    log.decide("2027-03-10T10:00:00Z", BoardDecision::Deferred, &["cab-chair"]);
    assert_eq!(standing_at(&log, "2027-03-11T00:00:00Z").due, due);
    log.decide("2027-03-11T10:00:00Z", BoardDecision::Approved, &["cab-chair"]);
    let decided = standing_at(&log, "2027-03-12T00:00:00Z");
    assert_eq!((decided.due, decided.late), (None, true), "it stays told that it came late");
    assert_eq!(tried(&log, 1, ChangeState::Closed, "done", &signatures()), "to closed: done");
}

#[test]
fn waiting_for_people_and_dwelling_for_safety_are_told_apart() {
    let mut log = Log::default();
    log.open(1, ChangeClass::Emergency).up_to(1, ChangeState::Scheduled).launch("succeeded");
    let (all, launches, signatures) = (log.changes(), launches(&log.0), signatures());
    let opening = None;
    let grounds =
        Grounds { all: &all, signatures: &signatures, launches: &launches, opening, zone: &TimeZone::UTC };
    let standing = standing(&all[&ChangeId(1)], &grounds, at("2027-03-05T19:30:00Z"));
    assert_eq!(
        standing.waited,
        Millis::from_secs(2 * 24 * 60 * 60),
        "opened on the 1st, approved on the 3rd"
    );
    assert_eq!(
        standing.dwelt,
        Millis::from_secs(3 * 60 * 60),
        "two hours of bake time, and one since the end"
    );
}

#[test]
fn what_failed_is_not_validated() {
    for outcome in ["partial", "failed", "aborted"] {
        let mut log = Log::default();
        log.open(1, ChangeClass::Emergency).up_to(1, ChangeState::Applied).launch(outcome);
        let told = tried(&log, 1, ChangeState::Validated, "", &signatures());
        assert!(told.contains("landfall retry"), "{told}");
    }
    let mut log = Log::default();
    log.open(1, ChangeClass::Emergency).up_to(1, ChangeState::Scheduled);
    assert!(
        tried(&log, 1, ChangeState::Applied, "", &signatures())
            .ends_with("landfall apply PLAN --change CHG-1")
    );
}

#[test]
fn a_log_whose_changes_do_not_follow_on_each_other_is_damaged() {
    let told = |build: fn(&mut Log)| {
        let mut log = Log::default();
        build(&mut log);
        changes(&log.0).unwrap_err().to_string()
    };
    assert_eq!(
        told(|log| {
            log.step(1, ChangeState::Draft, ChangeState::Reviewed);
        }),
        "entry 0 (change.advanced): CHG-1 was never opened"
    );
    assert_eq!(
        told(|log| {
            log.open(1, ChangeClass::Normal).step(1, ChangeState::Draft, ChangeState::Applied);
        }),
        "entry 1 (change.advanced): CHG-1 was draft, and went from draft to applied"
    );
    assert_eq!(
        told(|log| {
            log.open(1, ChangeClass::Normal).open(1, ChangeClass::Normal);
        }),
        "entry 1 (change.opened): CHG-1 was opened before"
    );
}
