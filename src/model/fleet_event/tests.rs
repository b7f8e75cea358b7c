//! Every event of a launch survives its entry, and reasons are told in words.

use super::*;

#[test]
fn reasons_are_told_in_words() {
    let canary = HaltReason::Canary { scope: "site/HRB01".parse().unwrap() };
    assert_eq!(canary.to_string(), "its canary site/HRB01 did not end well");
    let budget = HaltReason::Budget { failed: 2, budget: 1 };
    assert_eq!(budget.to_string(), "2 of its sites failed, and no more than 1 may");
}

#[test]
fn every_event_survives_its_entry() {
    let scope: ScopeId = "site/HRB01".parse().expect("a scope");
    let wave = WaveName::new("wave1").expect("a wave");
    let by = Actor { kind: crate::model::entry::ActorKind::Person, id: "pm".to_owned() };
    let (at, reason) = (Timestamp::from_millis(0), "a reason".to_owned());
    let defect =
        Defect { scope: scope.clone(), step: "check.tags".parse().unwrap(), what: "gone".to_owned() };
    let events = [
        FleetEvent::LaunchStarted {
            plan: Digest::of(b"p"),
            selection: Selection::Wave(WaveName::new("pilot").expect("a wave")),
        },
        FleetEvent::LaunchRecovered {},
        FleetEvent::LaunchStopping {},
        FleetEvent::LaunchSuspended {},
        FleetEvent::LaunchPaused { by: by.clone(), reason: reason.clone(), at },
        FleetEvent::LaunchResumed { by: by.clone(), reason: reason.clone() },
        FleetEvent::LaunchAborting { by: by.clone(), reason: reason.clone() },
        FleetEvent::LaunchEnded { outcome: LaunchOutcome::Partial },
        FleetEvent::LaunchReopened { by: by.clone(), reason: reason.clone() },
        FleetEvent::ScopeStarted { scope: scope.clone(), round: 2 },
        FleetEvent::ScopeEnded { scope: scope.clone(), outcome: ScopeOutcome::Suspended },
        FleetEvent::ScopeWaiting { scope: scope.clone(), at, why: Wait::Place { places: 2 } },
        FleetEvent::ScopeSkipped { scope: scope.clone(), why: SkipReason::Need(ScopeId::Account) },
        FleetEvent::ScopeAborting { scope: scope.clone(), by: by.clone(), reason: reason.clone() },
        FleetEvent::ScopeRequeued { scope: scope.clone(), by: by.clone(), reason: reason.clone() },
        FleetEvent::WaveReached { wave: wave.clone() },
        FleetEvent::WaveEntered { wave: wave.clone() },
        FleetEvent::WaveBarred { wave: wave.clone(), at, open: Vec::new() },
        FleetEvent::WaveDue { wave: wave.clone(), at },
        FleetEvent::WaveUnchanged { wave: wave.clone(), at },
        FleetEvent::WaveBaking { wave: wave.clone(), batch: Batch::Canary, at, until: at },
        FleetEvent::WaveLooked { wave: wave.clone(), at, held: 3, broken: vec![defect] },
        FleetEvent::WaveBaked { wave: wave.clone(), batch: Batch::Wave },
        FleetEvent::WaveHalted { wave: wave.clone(), why: HaltReason::Budget { failed: 2, budget: 1 } },
        FleetEvent::WaveReopened { wave, by, reason },
    ];
    assert_eq!(events.each_ref().map(|event| event.kind()), KINDS);
    for event in events {
        assert_eq!(FleetEvent::from_entry(event.kind(), &event.to_body()).expect("its own body"), event);
    }
    let unknown = FleetEvent::from_entry("scope.adopted", &Value::Null).expect("tolerated");
    assert_eq!(unknown, FleetEvent::Unknown { kind: "scope.adopted".to_owned() });
}
