//! The order of a turn's entries.

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn item(act: bool, remedy: bool) -> Item {
    let deed = json!({ "tell": { "role": "pm", "text": "x" } });
    let mut item = json!({
        "id": "a.b", "title": "It is so.", "severity": "normal", "owner": "pm", "escalate_to": "sponsor",
        "within_days": 5, "validate": [{ "rule": { "rule": "RESIDENCY" } }],
        "origin": { "pack": "p", "template": "t", "line": 1 },
    });
    if act {
        item["act"] = deed.clone();
    }
    if remedy {
        item["remedy"] = deed;
    }
    serde_json::from_value(item).unwrap()
}

fn made() -> Input {
    Input::Acted(vec![Did::Made { deed: "tell pm".to_owned(), outcome: "x".to_owned() }])
}

fn tried(passed: bool) -> Input {
    let missing = if passed { Vec::new() } else { vec!["LIS is missing.".to_owned()] };
    Input::Validated { passed, missing, proofs: Vec::new() }
}

/// Goes through a turn; the validators come to these in order. Gives the kinds of its entries.
fn entries(item: &Item, mode: Mode, verdicts: &[bool], deed: impl Fn() -> Input) -> Vec<&'static str> {
    let subject = Subject { item, digest: Digest::of(b"item"), mode };
    let (mut state, mut verdicts, mut kinds) = (State::Observing, verdicts.iter(), Vec::new());
    for _ in 0..20 {
        let input = match owed(&subject, &state) {
            Owed::Nothing => return kinds,
            Owed::Observe => Input::Observed,
            Owed::Act(_) | Owed::Remedy(_) => deed(),
            Owed::Validate => tried(*verdicts.next().expect("as many verdicts as tries")),
        };
        let (events, next) = decide(&subject, &state, input, Timestamp::from_millis(0));
        kinds.extend(events.iter().map(|event| event.kind().trim_start_matches("item.")));
        state = next;
    }
    panic!("a turn ends")
}

#[test]
fn a_remedy_that_helps_is_done_once_and_leaves_its_trace() {
    let kinds = entries(&item(true, true), Mode::Live, &[false, true], made);
    assert_eq!(kinds, ["observed", "acted", "validated", "remedied", "validated", "recorded"]);
    let kinds = entries(&item(true, true), Mode::Live, &[false, false], made);
    assert_eq!(kinds, ["observed", "acted", "validated", "remedied", "validated", "recorded", "escalated"]);
    let kinds = entries(&item(true, true), Mode::Live, &[true], made);
    assert_eq!(kinds, ["observed", "acted", "validated", "recorded"]);
}

#[test]
fn without_a_remedy_a_role_is_told() {
    let kinds = entries(&item(true, false), Mode::Live, &[false], made);
    assert_eq!(kinds, ["observed", "acted", "validated", "recorded", "escalated"]);
    assert_eq!(
        entries(&item(false, false), Mode::Live, &[true], made),
        ["observed", "validated", "recorded"]
    );
}

#[test]
fn what_is_outside_of_the_contract_fails_the_item_at_once() {
    let refused =
        || Input::Acted(vec![Did::Refused { deed: "x.delete y".to_owned(), rule: "no".to_owned() }]);
    let kinds = entries(&item(true, true), Mode::Live, &[], refused);
    assert_eq!(kinds, ["observed", "refused", "recorded", "escalated"]);
    let kinds = entries(&item(false, true), Mode::Live, &[false], refused);
    assert_eq!(kinds, ["observed", "validated", "refused", "recorded", "escalated"]);
}

#[test]
fn nothing_is_done_in_a_dry_run_or_too_early() {
    for mode in [Mode::DryRun, Mode::Early] {
        let never = || panic!("a deed in {mode:?}");
        let kinds = entries(&item(true, true), mode, &[false], never);
        assert_eq!(kinds, ["observed", "validated", "recorded", "escalated"]);
    }
}

proptest! {
    #[test]
    fn whatever_comes_in_there_is_one_record_and_at_most_one_remedy(
        act in any::<bool>(), remedy in any::<bool>(), dry in any::<bool>(),
        inputs in proptest::collection::vec(0..4_u8, 0..30),
    ) {
        let item = item(act, remedy);
        let mode = if dry { Mode::DryRun } else { Mode::Live };
        let subject = Subject { item: &item, digest: Digest::of(b"item"), mode };
        let (mut state, mut kinds) = (State::Observing, Vec::new());
        for input in inputs {
            let input = match input {
                0 => Input::Observed,
                1 => made(),
                2 => tried(true),
                _ => tried(false),
            };
            let (events, next) = decide(&subject, &state, input, Timestamp::from_millis(0));
            kinds.extend(events.iter().map(ItemEvent::kind));
            state = next;
        }
        let count = |kind: &str| kinds.iter().filter(|one| **one == kind).count();
        prop_assert!(count("item.recorded") <= 1 && count("item.remedied") <= 1 && count("item.validated") <= 2);
        prop_assert_eq!(count("item.recorded") == 1, matches!(state, State::Over { .. }));
        prop_assert!(!dry || count("item.acted") + count("item.remedied") == 0);
    }
}
