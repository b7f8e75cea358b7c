//! Every event of a run survives its entry, and bad bodies are refused.

use serde_json::json;

use super::*;
use crate::model::outcome::CauseClass;

fn step() -> StepId {
    StepId::new("catalog.clinical").expect("an id")
}

fn desired() -> Desired {
    let spec = json!({"name": "prod"});
    Desired {
        kind: KindName::new("databricks.catalog").expect("a kind"),
        via: Some(StepId::new("workspace.prod").expect("an id").into()),
        after: vec![StepId::new("workspace.prod").expect("an id")],
        spec_digest: Digest::of_canonical(&spec),
        spec,
    }
}

fn all() -> Vec<Event> {
    let at = Timestamp::from_millis(1_800_000_000_000);
    let blob = BlobRef { path: "readback/x.json".to_owned(), sha256: Digest::of(b"x") };
    let cause = Cause::new(CauseClass::Busy, "later");
    let attempt = 3;
    vec![
        Event::RunStarted { at },
        Event::RunRecovered { at },
        Event::RunStopping {},
        Event::RunSuspended {},
        Event::RunAborting {},
        Event::RunRetried { at, round: 2 },
        Event::RunEnded { outcome: RunOutcome::Failed, counts: Counts { failed: 1, ..Counts::default() } },
        Event::StepApplying {
            step: step(),
            attempt,
            call: NextCall::Create,
            deadline: at,
            desired: desired(),
        },
        Event::StepApplied { step: step(), attempt, at, id: Some("42".to_owned()) },
        Event::StepFound { step: step(), attempt, at, id: None },
        Event::StepRested {
            step: step(),
            attempt,
            at: Some(at),
            until: at,
            why: Rest::InDoubt,
            cause: Some(cause.clone()),
        },
        Event::StepPolled {
            step: step(),
            attempt,
            next: at,
            settles_from: at,
            seen: "provisioning".to_owned(),
        },
        Event::StepWoke { step: step(), attempt },
        Event::StepSucceeded {
            step: step(),
            attempt,
            effect: Effect::Created,
            id: Some("42".to_owned()),
            outputs: Map::from_iter([("url".to_owned(), json!("s3://x"))]),
            readback: Some(blob.clone()),
            polls: 2,
            settled_in: Millis(1500),
            desired: Some(desired()),
        },
        Event::StepFailed { step: step(), attempt, cause, readback: Some(blob) },
        Event::StepBlocked { step: step(), by: step() },
    ]
}

#[test]
fn every_event_survives_its_entry() {
    let mut kinds = Vec::new();
    for event in all() {
        let body = event.to_body();
        assert!(body.get("step").is_none(), "the step is the entry's own field");
        let back = Event::from_entry(event.kind(), event.step(), &body).expect("its own body");
        assert_eq!(back, event);
        kinds.push(event.kind().to_owned());
    }
    assert_eq!(kinds, KINDS, "each kind once, in the order of the list");
}

#[test]
fn unknown_kinds_are_kept_by_name_and_bad_bodies_are_refused() {
    let event = Event::from_entry("step.teleported", Some(&step()), &json!({"x": 1})).expect("tolerated");
    assert_eq!(event, Event::Unknown { kind: "step.teleported".to_owned(), step: Some(step()) });
    let error = Event::from_entry("step.applied", Some(&step()), &json!({"attempt": -1})).unwrap_err();
    assert_eq!(error.to_string(), "a step.applied entry cannot be understood");
    assert!(Event::from_entry("step.applied", None, &all()[6].to_body()).is_err(), "a step without its name");
}

#[test]
fn a_run_with_a_blocked_step_has_failed() {
    let mut counts = Counts::default();
    counts.add(Effect::Created);
    assert_eq!(counts.outcome(), RunOutcome::Succeeded);
    counts.blocked += 1;
    assert_eq!(counts.outcome(), RunOutcome::Failed);
}
