//! What items, statements, records, waivers and signed decisions come to for a kind.

use super::*;

const REVIEW: &str = "access.recertification";
const DUTIES: &str = "approval.separation_of_duties";

fn bare() -> Log {
    Log::of("site/HRB01", &[])
}

impl Log {
    fn item(self, at: Timestamp, item: &str, missing: &[&str]) -> Self {
        let body = json!({ "passed": missing.is_empty(), "missing": missing });
        self.tell(at, "item.recorded", Some(item), body)
    }

    fn files(self, at: Timestamp, kind: &str, with_file: bool) -> Self {
        let mut log = self.tell(at, "evidence.recorded", None, json!({ "kind": kind }));
        let file = BlobRef { path: "record/a.json".into(), sha256: Digest::of(b"a") };
        log.0.entries.last_mut().expect("told just now").refs.extend(with_file.then_some(file));
        log
    }

    /// A signed decision about something.
    fn decides(self, at: Timestamp, kind: &str, subject: (&str, &str), person: &str, end: Value) -> Self {
        let body = json!({ "statement": { "subject": { "kind": subject.0, "name": subject.1 }, "person": person,
            "act": { "request": { "built_by": ["bea"] } }, "expires": end, "comment": "no feeds here" } });
        self.tell(at, kind, None, body)
    }

    /// Somebody states an item in a role.
    fn states(self, at: Timestamp, item: &str, role: &str) -> Self {
        let body = json!({ "statement": { "subject": { "kind": "item", "name": item, "digest": "d" },
            "meaning": "it is so", "role": role, "person": role, "expires": null } });
        self.tell(at, "attestation.given", None, body)
    }

    fn asks(self, at: Timestamp, person: &str) -> Self {
        self.decides(at, "approval.requested", ("plan", "p"), person, Value::Null)
    }

    fn approves(self, at: Timestamp, person: &str) -> Self {
        self.decides(at, "approval.given", ("plan", "p"), person, Value::Null)
    }

    fn standing(&self, kind: &str, now: Timestamp) -> KindStanding {
        kind_at(std::slice::from_ref(&self.0), kind, now)
    }

    fn state(&self, kind: &str, now: Timestamp) -> KindState {
        self.standing(kind, now).state
    }
}

#[test]
fn an_access_review_of_120_days_that_counts_for_90_has_expired() {
    let log = bare().item(day(0), "access.recertification", &[]);
    assert_eq!(log.state(REVIEW, day(89)), KindState::Held);
    let old = log.standing(REVIEW, day(120));
    assert_eq!((old.state, old.expires, old.lapsed), (KindState::Expired, Some(day(90)), Some(day(90))));
    assert_eq!(KindLine::of(REVIEW, &old).status, "EXPIRED");
    let theme = |now| {
        let catalogue = Catalogue::embedded();
        themes(&standings(catalogue, &observe(catalogue, std::slice::from_ref(&log.0)), now))["access"]
    };
    assert_eq!((theme(day(89)).evidenced, theme(day(120)).evidenced), (1, 0));
    let renewed = log.item(day(121), "access.recertification", &[]);
    let standing = renewed.standing(REVIEW, day(121));
    assert_eq!((standing.state, standing.in_force_since), (KindState::Held, Some(day(121))));
}

#[test]
fn a_file_that_was_only_filed_counts_until_somebody_looks_at_it() {
    let log = bare().files(day(0), REVIEW, false);
    assert_eq!(log.state(REVIEW, day(0)), KindState::Manual, "a sentence without a file shows nothing");
    let log = log.files(day(1), REVIEW, true);
    assert_eq!(log.state(REVIEW, day(1)), KindState::Held);
    let log = log.item(day(2), "access.recertification", &["3 rights were not looked at"]).files(
        day(3),
        REVIEW,
        true,
    );
    let standing = log.standing(REVIEW, day(3));
    assert_eq!(standing.state, KindState::Failed, "filing once more mends nothing");
    assert_eq!(standing.why, "item access.recertification failed: 3 rights were not looked at");
}

#[test]
fn each_input_is_needed_and_named_where_it_is_missing() {
    let kind = "risk.analysis_dpia";
    let account = Log::of("account", &[]).item(day(0), "governance.risk-analysis", &[]);
    let site = bare().item(day(1), "governance.dpia", &[]);
    let both = [site.0.clone(), account.0.clone()];
    let standing = kind_at(&both, kind, day(1));
    assert_eq!(standing.state, KindState::Partial);
    let lacking = "a signed statement about item governance.dpia by privacy";
    assert_eq!(standing.why, format!("not there: {lacking}"));
    let other = site.clone().states(day(2), "governance.dpia", "platform");
    let standing = kind_at(&[other.0, account.0.clone()], kind, day(2));
    assert_eq!((standing.state, standing.why), (KindState::Partial, format!("not there: {lacking}")));
    let site = site.states(day(2), "governance.dpia", "privacy");
    let standing = kind_at(&[site.0.clone(), account.0.clone()], kind, day(2));
    assert_eq!((standing.state, standing.in_force_since), (KindState::Held, Some(day(2))));
    let account = account.item(day(3), "governance.risk-analysis", &["what concerns another site"]);
    let standing = kind_at(&[site.0, account.0], kind, day(3));
    assert_eq!(standing.state, KindState::Failed);
    assert_eq!(standing.why, "item governance.risk-analysis failed", "the account's words are not repeated");
}

#[test]
fn a_waiver_counts_until_its_end_and_is_never_called_evidence() {
    let kind = "audit.review_done";
    let failed = bare().item(day(0), "operate.log-review", &["nobody looked"]);
    let about = ("item", "operate.log-review");
    let waived = failed.decides(day(1), "waiver.granted", about, "cora", json!(day(10)));
    let standing = waived.standing(kind, day(9));
    assert_eq!((standing.state, standing.expires), (KindState::Waived, Some(day(10))));
    let row = |now| {
        let rows = rows_at(std::slice::from_ref(&waived.0), now);
        rows.into_iter().find(|row| row.id == "164.308(a)(1)(ii)(D)").expect("a row")
    };
    assert!(row(day(9)).missing.iter().any(|one| one.kind == kind && !one.stale));
    assert_eq!(waived.state(kind, day(10)), KindState::Failed, "its end has come");
    let again = waived.item(day(5), "operate.log-review", &["nobody looked"]);
    assert_eq!(again.state(kind, day(6)), KindState::Waived, "a test in between changes nothing");
    let done = again.item(day(7), "operate.log-review", &[]);
    assert_eq!(done.state(kind, day(8)), KindState::Held);
    let excused = failed_item().decides(day(1), "item.not-applicable", about, "cora", Value::Null);
    let standing = excused.standing(kind, day(2));
    assert_eq!(standing.state, KindState::NotApplicable);
    assert!(standing.why.contains("no feeds here"), "{}", standing.why);
}

fn failed_item() -> Log {
    bare().item(day(0), "operate.log-review", &["nobody looked"])
}

#[test]
fn a_control_whose_only_open_kind_is_waived_is_waived_until_then() {
    let catalogue = Catalogue::embedded();
    let world = world::all_but("audit.review_done");
    let about = ("item", "operate.log-review");
    let log = Log(world.histories()).decides(day(0), "waiver.granted", about, "cora", json!(day(7)));
    let observed = observe(catalogue, std::slice::from_ref(&log.0));
    let rows = rows(catalogue, &standings(catalogue, &observed, day(1)), day(1));
    let row = rows.iter().find(|row| row.id == "CC7.3").expect("a row");
    assert_eq!(row.status, ControlStatus::Waived { until: day(7) });
}

#[test]
fn an_exception_is_asked_for_only_while_one_is_in_force() {
    let kind = "risk.exception_accepted";
    assert_eq!(bare().state(kind, day(0)), KindState::NotApplicable);
    let log = bare().decides(day(0), "waiver.granted", ("gate", "g-05"), "cora", json!(day(10)));
    let standing = log.standing(kind, day(5));
    assert_eq!((standing.state, standing.expires), (KindState::Held, Some(day(10))));
    assert_eq!(log.state(kind, day(10)), KindState::NotApplicable, "it has ended");
}

#[test]
fn an_approval_counts_for_its_plan_before_its_run_and_by_somebody_else() {
    let state = |log: &Log| log.state(DUTIES, day(3));
    let good = bare().asks(day(0), "ann").approves(day(1), "cora").start(day(2));
    assert_eq!(state(&good), KindState::Held);
    assert_eq!(state(&bare().asks(day(0), "ann").approves(day(1), "ann").start(day(2))), KindState::Failed);
    assert_eq!(state(&bare().asks(day(0), "ann").approves(day(1), "bea").start(day(2))), KindState::Failed);
    assert_eq!(state(&bare().asks(day(0), "ann").start(day(1)).approves(day(2), "cora")), KindState::Partial);
    assert_eq!(state(&bare().approves(day(1), "cora").start(day(2))), KindState::Partial, "nobody asked");
    assert_eq!(state(&bare().asks(day(0), "ann").approves(day(1), "cora")), KindState::NotRun, "nothing ran");
    let mut other = good;
    for entry in &mut other.0.entries[..2] {
        entry.plan = Some(Digest::of(b"an older plan"));
    }
    assert_eq!(state(&other), KindState::NotRun, "of another plan");
}

#[test]
fn a_decision_that_does_not_count_shows_nothing() {
    let mut log = bare().asks(day(0), "ann").approves(day(1), "cora").start(day(2));
    log.0.void = BTreeSet::from([1]);
    let standing = log.standing(DUTIES, day(3));
    assert_eq!(standing.state, KindState::Partial);
    assert!(standing.why.starts_with("not there: a signed approval of the plan"), "{}", standing.why);
}

#[test]
fn a_call_whose_end_is_not_recorded_is_named_and_closed_by_its_own_end_alone() {
    let kind = "apply.executed";
    let begun = bare().tell(day(0), "step.applying", Some("key.a"), json!({}));
    assert_eq!(begun.state(kind, day(0)), KindState::NotRun);
    let other = begun.tell(day(0), "step.applied", Some("key.b"), json!({}));
    assert_eq!(other.state(kind, day(0)), KindState::NotRun, "the end of another");
    let ended = other.tell(day(0), "run.ended", None, json!({}));
    assert_eq!(ended.state(kind, day(0)), KindState::NotRun, "the run ended, the call did not");
    let closed = ended.tell(day(1), "step.failed", Some("key.a"), json!({}));
    assert_eq!(closed.state(kind, day(1)), KindState::Held, "a failure is recorded as well");
    let idle = bare().tell(day(0), "run.ended", None, json!({}));
    assert_eq!(idle.state(kind, day(0)), KindState::Held, "nothing was to be done");
}

#[test]
fn an_emergency_is_closed_by_the_review_of_somebody_else() {
    let kind = "emergency.change";
    let opened = bare().decides(day(0), "break-glass.opened", ("plan", "p"), "ann", Value::Null);
    assert_eq!(opened.state(kind, day(0)), KindState::Manual);
    let own = opened.decides(day(1), "review.given", ("plan", "p"), "ann", Value::Null);
    assert_eq!(own.state(kind, day(1)), KindState::Manual);
    let reviewed = own.decides(day(2), "review.given", ("plan", "p"), "cora", Value::Null);
    assert_eq!(reviewed.state(kind, day(2)), KindState::Held);
    let another = reviewed.decides(day(3), "break-glass.opened", ("plan", "p"), "ann", Value::Null);
    assert_eq!(another.state(kind, day(3)), KindState::Manual, "each has a review of its own");
}

#[test]
fn a_rendered_file_alone_never_satisfies_a_control() {
    let mut log = bare().start(day(0));
    for path in ["plan.json", "rendered/keys.toml"] {
        let file = BlobRef { path: path.into(), sha256: Digest::of(path.as_bytes()) };
        log.0.entries[0].refs.push(file);
    }
    assert_eq!(log.state("plan.rendered", day(0)), KindState::Held);
    let rows = rows_at(&[log.0], day(0));
    assert!(rows.iter().all(|row| row.status != ControlStatus::Evidenced));
}

#[test]
fn a_serious_finding_keeps_a_control_from_being_evidenced_and_any_is_shown() {
    let catalogue = Catalogue::embedded();
    let finding = |serious| OpenFinding {
        entry: 12,
        severity: if serious { "high" } else { "low" }.to_owned(),
        serious,
        title: "logs were late".to_owned(),
        since: day(0),
        due: None,
    };
    let log = Log(world::all_but("journal.integrity").histories());
    let standings = standings(catalogue, &observe(catalogue, &[log.0]), day(0));
    let row = |serious| {
        let findings = [("CC7.3".to_owned(), vec![finding(serious)])].into();
        let beside = Beside { findings, ..Beside::default() };
        let rows = rows_with(catalogue, &standings, &beside, day(0));
        rows.into_iter().find(|row| row.id == "CC7.3").expect("a row")
    };
    let serious = row(true);
    assert_eq!(serious.status, ControlStatus::Partial { missing: "finding 12".into() });
    assert_eq!(serious.missing[0].why, "open, high: logs were late");
    let slight = row(false);
    assert_eq!((slight.status, slight.findings.len()), (ControlStatus::Evidenced, 1));
}

#[test]
fn everything_that_is_asked_for_at_a_site_can_be_there() {
    let site = "HRB01".parse().expect("a site");
    let complete = |world: &world::World| {
        let asked = [Framework::Hipaa, Framework::Soc2];
        let scores = coverage(Catalogue::embedded(), &site, &world.rows(day(0)), &asked);
        scores.iter().map(Coverage::is_complete).collect::<Vec<_>>()
    };
    assert_eq!(complete(&world::all_but("")), [true, true]);
    for (name, kind) in Catalogue::embedded().kinds() {
        let bears = |framework| kind.controls().any(|(own, _)| own == framework);
        let expected = [!bears(Framework::Hipaa), !bears(Framework::Soc2)];
        if name != "readback.matches_plan" {
            assert_eq!(complete(&world::all_but(name)), expected, "{name}");
        }
    }
}

#[test]
fn a_crosswalk_names_what_is_behind_each_control_and_what_nothing_shows() {
    let rows = world::all_but("").rows(day(0));
    let hitrust: Vec<ControlRow> = rows.into_iter().filter(|row| row.framework == "hitrust").collect();
    let crossings = crosswalk(&hitrust, &Default::default());
    assert_eq!(crossings.len(), 49);
    let gaps = crossings.iter().filter(|crossing| crossing.is_gap()).count();
    let shown = crossings.iter().filter(|crossing| !crossing.shown_by.is_empty()).count();
    assert_eq!((gaps, shown), (18, 29), "two are inherited");
}

#[test]
fn kinds_are_found_by_name_theme_and_set() {
    let catalogue = Catalogue::embedded();
    assert_eq!(catalogue.kinds_named(REVIEW), [REVIEW]);
    assert_eq!(catalogue.kinds_named("tests-access-reviews-approvals").len(), 3);
    assert!(catalogue.kinds_named("access").len() > 3);
    assert!(catalogue.kinds_named("acc").is_empty() && catalogue.kinds_named("").is_empty());
}

#[test]
fn a_statement_counts_once_every_role_has_made_it_and_until_all_of_them_renew_it() {
    let kind = "session.auto_logoff";
    let item = "golive.sessions";
    let log = bare().item(day(0), item, &[]).states(day(1), item, "security");
    assert_eq!(log.state(kind, day(1)), KindState::Partial, "one of two roles");
    let log = log.states(day(2), item, "security");
    assert_eq!(log.state(kind, day(2)), KindState::Partial, "the same role twice");
    let log = log.states(day(3), item, "it-network").item(day(80), item, &[]);
    assert_eq!(log.state(kind, day(3)), KindState::Held);
    let half = log.states(day(80), item, "security");
    assert_eq!((half.state(kind, day(81)), half.state(kind, day(94))), (KindState::Held, KindState::Expired));
    let whole = half.states(day(82), item, "it-network");
    assert_eq!(whole.state(kind, day(94)), KindState::Held);
}

#[test]
fn a_look_at_which_nothing_differs_renews_what_holds_and_mends_nothing() {
    let kind = "encryption.cmk_at_rest";
    let look = |log: Log, at, body| log.tell(at, "drift.looked", None, body);
    let good = || json!({ "v": 1, "target": { "name": "t", "account_id": "a", "host": "h" }, "objects": 2 });
    let held = || Log::of("site/HRB01", &[("key.a", kind)]).start(day(0)).holds(day(0), "key.a");
    assert_eq!(held().state(kind, day(91)), KindState::Expired);
    let looked = look(held(), day(60), good());
    let standing = looked.standing(kind, day(91));
    assert_eq!((standing.state, standing.in_force_since), (KindState::Held, Some(day(0))));
    let site = &looked.0.log;
    assert_eq!(standing.entries()[site], BTreeSet::from([1, 2]), "the read-back and the look");
    for nothing in [json!({}), json!({ "v": 1, "objects": 0 }), json!({ "v": 2, "objects": 2 }), json!(null)]
    {
        assert_eq!(look(held(), day(60), nothing).state(kind, day(91)), KindState::Expired);
    }
    let failed = look(held().fails(day(1), "key.a"), day(60), good());
    assert_eq!(failed.state(kind, day(61)), KindState::Failed);
    let drifted = look(held().drifts(day(1), "key.a", &[]), day(60), good());
    assert_eq!(drifted.state(kind, day(61)), KindState::Failed, "a run has to see it hold again");
    let open = Log::of("site/HRB01", &[("key.a", kind)]).start(day(0));
    assert_eq!(look(open, day(1), good()).state(kind, day(1)), KindState::NotRun);
}
