//! Gates with items of every sort behind them, signed by roles alone: who may sign is another module's matter.

use serde_json::json;

use super::*;
use crate::checklist::tests::{at, authority, by_role, decision, item, recorded, scope};
use crate::checklist::{ItemEntry, digest as item_digest, subject as item_subject};
use crate::model::checklist::Item;
use crate::model::signed::Condition;

fn gate(more: serde_json::Value) -> Gate {
    let mut value = json!({
        "id": "g-02", "title": "Readiness", "opens": "Foundation", "items": ["readiness.*"],
        "quorum": { "roles": ["compliance", "it-network"] }, "statement": "Building may begin.",
        "escalate_to": "executive-sponsor", "within_days": 5,
        "origin": { "pack": "readiness", "template": "gates.toml.hbs", "line": 1 },
    });
    value.as_object_mut().expect("a table").extend(more.as_object().expect("a table").clone());
    serde_json::from_value(value).expect("a gate")
}

struct World {
    items: Vec<Item>,
    gates: Vec<Gate>,
    log: Vec<ItemEntry>,
    decisions: Vec<Decision>,
}

impl World {
    /// Two items that passed, and a gate over them.
    fn ready() -> Self {
        let items = vec![
            item("readiness.inventory", json!({ "severity": "critical" })),
            item("readiness.privacy", json!({ "severity": "high" })),
            item("other", json!({})),
        ];
        let log = vec![
            recorded(1, "2027-03-01T15:00:00Z", &items[0], &[]),
            recorded(2, "2027-03-01T16:00:00Z", &items[1], &[]),
        ];
        Self { items, gates: vec![gate(json!({}))], log, decisions: Vec::new() }
    }

    fn all(&self, now: &str) -> BTreeMap<GateId, GateStanding> {
        let (scope, authority, now) = (scope(), authority(), at(now));
        let weigh = by_role(now);
        let zone = jiff::tz::TimeZone::UTC;
        let day_one = None;
        let around =
            Around { scope: &scope, zone: &zone, day_one, authority: &authority, weigh: &weigh, now };
        let items = checklist::standing(&self.items, &self.log, &self.decisions, around);
        standing(&self.gates, &items, None, &self.decisions, around)
    }

    fn look(&self, now: &str) -> GateStanding {
        self.all(now)[&GateId::new("g-02").expect("a gate")].clone()
    }

    /// A decision about the gate as it stands at that moment.
    fn decide(&mut self, when: &str, act: Act, role: &str, comment: &str, end: Option<&str>) {
        let subject = subject(&self.look(when));
        let seq = 100 + self.decisions.len() as u64;
        self.decisions.push(decision(seq, when, subject, act, role, ("Building may begin.", comment, end)));
    }

    fn sign(&mut self, when: &str) {
        for role in ["compliance", "it-network"] {
            let act = Act::Approve { conditions: Vec::new(), one_way: BTreeSet::new() };
            self.decide(when, act, role, "", None);
        }
    }
}

fn ids(standing: &GateStanding) -> Vec<String> {
    standing.missing.iter().map(|item| format!("{} [{}]", item.id, item.owner)).collect()
}

#[test]
fn a_gate_lists_what_is_missing_by_id_and_is_signed_last() {
    let mut world = World::ready();
    world.log.pop();
    let shut = world.look("2027-03-02T00:00:00Z");
    assert!(!shut.open && shut.unsigned.is_empty() && shut.due.is_none());
    assert_eq!(ids(&shut), ["readiness.privacy [it-network]", "g-02 [compliance]", "g-02 [it-network]"]);
    world.log.push(recorded(2, "2027-03-01T16:00:00Z", &world.items[1].clone(), &[]));
    let unsigned = world.look("2027-03-02T00:00:00Z");
    assert_eq!(ids(&unsigned), ["g-02 [compliance]", "g-02 [it-network]"]);
    assert_eq!(unsigned.unsigned.len(), 2);
    assert_eq!(unsigned.since, Some(at("2027-03-01T16:00:00Z")));
    world.sign("2027-03-02T10:00:00Z");
    let open = world.look("2027-03-03T00:00:00Z");
    assert!(open.open && open.missing.is_empty(), "{open:?}");
    assert_eq!(open.since, Some(at("2027-03-02T10:00:00Z")));
}

#[test]
fn a_signature_is_over_what_the_gate_rests_on() {
    let mut world = World::ready();
    world.sign("2027-03-02T10:00:00Z");
    let now = "2027-03-10T00:00:00Z";
    assert!(world.look(now).open);
    // One more good record, or an item that it does not rest on, changes nothing.
    world.log.push(recorded(8, "2027-03-04T16:00:00Z", &world.items[1].clone(), &[]));
    world.log.push(recorded(9, "2027-03-04T16:00:00Z", &world.items[2].clone(), &["x"]));
    assert!(world.look(now).open);
    // A failure shuts it, and it does not open by itself when that is mended: it rests on another record.
    world.log.push(recorded(10, "2027-03-05T16:00:00Z", &world.items[1].clone(), &["LIS"]));
    assert!(!world.look(now).open);
    world.log.push(recorded(11, "2027-03-06T16:00:00Z", &world.items[1].clone(), &[]));
    let mended = world.look(now);
    assert_eq!(ids(&mended), ["g-02 [compliance]", "g-02 [it-network]"]);
    world.sign("2027-03-07T10:00:00Z");
    assert!(world.look(now).open);
    // An edited item, an item that is added, another statement: each asks for it again.
    let signed = world.gates.clone();
    world.gates[0].statement = "Building and more may begin.".to_owned();
    assert!(!world.look(now).open);
    world.gates = signed;
    assert!(world.look(now).open);
    world.gates[0].origin.line = 77;
    assert!(world.look(now).open, "where it stands in its file is no part of it");
    let before = item_digest(&world.items[0]);
    world.items[0].title.push('!');
    assert_ne!(before, item_digest(&world.items[0]));
    assert!(!world.look(now).open);
}

#[test]
fn an_item_that_grows_old_shuts_the_gate() {
    let mut world = World::ready();
    world.items[1] = item("readiness.privacy", json!({ "valid_days": 10 }));
    world.log[1] = recorded(2, "2027-03-01T16:00:00Z", &world.items[1].clone(), &[]);
    world.sign("2027-03-02T10:00:00Z");
    let open = world.look("2027-03-11T23:00:00Z");
    assert_eq!((open.open, open.until), (true, Some(at("2027-03-12T00:00:00Z"))));
    assert!(!world.look("2027-03-12T00:00:00Z").open);
}

#[test]
fn signatures_grow_old_if_the_gate_says_so() {
    let mut world = World::ready();
    world.gates[0].valid_days = Some(5);
    world.sign("2027-03-02T10:00:00Z");
    assert_eq!(world.look("2027-03-07T23:00:00Z").until, Some(at("2027-03-08T00:00:00Z")));
    let old = world.look("2027-03-08T00:00:00Z");
    assert_eq!((old.open, old.unsigned.len()), (false, 2));
}

#[test]
fn unanswered_for_six_working_days_with_five_allowed_is_late() {
    let world = World::ready();
    // Monday 1 March; five working days end with Monday 8 March.
    let due = world.look("2027-03-08T23:59:59Z");
    assert_eq!((due.overdue, due.due), (false, Some(at("2027-03-09T00:00:00Z"))));
    assert!(world.look("2027-03-09T00:00:00Z").overdue);
}

#[test]
fn a_condition_keeps_it_shut_for_its_days_and_is_listed() {
    let mut world = World::ready();
    let conditions = vec![Condition { name: "shadow".to_owned(), days_min: 30 }];
    world.decide(
        "2027-03-02T10:00:00Z",
        Act::Approve { conditions, one_way: BTreeSet::new() },
        "compliance",
        "",
        None,
    );
    let plain = Act::Approve { conditions: Vec::new(), one_way: BTreeSet::new() };
    world.decide("2027-03-02T10:00:00Z", plain, "it-network", "", None);
    let shut = world.look("2027-03-31T10:00:00Z");
    assert_eq!(ids(&shut), ["g-02.shadow [compliance]"]);
    assert!(shut.missing[0].missing.contains("2027-04-01T10:00:00"), "{:?}", shut.missing);
    assert!(world.look("2027-04-01T10:00:00Z").open);
}

#[test]
fn a_rejection_keeps_it_shut_with_its_reason() {
    let mut world = World::ready();
    world.sign("2027-03-02T10:00:00Z");
    world.decide("2027-03-03T10:00:00Z", Act::Reject {}, "compliance", "the inventory is a copy", None);
    let shut = world.look("2027-03-04T00:00:00Z");
    assert!(!shut.open);
    assert!(shut.missing[0].missing.contains("the inventory is a copy"), "{:?}", shut.missing);
}

#[test]
fn a_critical_item_passes_the_gate_only_when_sponsor_and_compliance_waive_it_together() {
    let mut world = World::ready();
    world.log.remove(0);
    let about = item_subject(&scope(), &world.items[0]);
    let waive = |seq, role| {
        let act = Act::Waive { compensating: "a list on paper".to_owned() };
        let said = ("", "the tool comes in May", Some("2027-04-01T00:00:00Z"));
        decision(seq, "2027-03-02T09:00:00Z", about.clone(), act, role, said)
    };
    let now = "2027-03-03T00:00:00Z";
    world.decisions.push(waive(50, "compliance"));
    assert_eq!(ids(&world.look(now))[0], "readiness.inventory [it-network]");
    world.decisions.push(waive(51, "executive-sponsor"));
    world.sign("2027-03-02T10:00:00Z");
    let open = world.look(now);
    assert!(open.open);
    assert!(open.waived[0].contains("the tool comes in May"), "{:?}", open.waived);
    assert_eq!(open.until, Some(at("2027-04-01T00:00:00Z")));
    let ended = world.look("2027-04-01T00:00:00Z");
    assert_eq!(ids(&ended)[0], "readiness.inventory [it-network]");
}

#[test]
fn a_gate_needs_other_gates_and_says_what_holds_them_up() {
    let mut world = World::ready();
    let second = gate(json!({ "id": "g-03", "items": [], "gates": ["g-02", "account:g-01"] }));
    world.gates.insert(0, second);
    let all = world.all("2027-03-03T00:00:00Z");
    let shut = &all[&GateId::new("g-03").expect("a gate")];
    let missing: Vec<&str> = shut.missing.iter().map(|item| item.id.as_str()).collect();
    assert_eq!(missing, ["account:g-01", "g-02", "g-03", "g-03"]);
    assert!(shut.missing[1].missing.contains("not signed by compliance"), "{:?}", shut.missing[1]);
}

#[test]
fn a_whole_gate_is_waived_only_for_what_was_missing_then() {
    let mut world = World::ready();
    world.log.pop();
    for role in ["executive-sponsor", "compliance"] {
        let act = Act::Waive { compensating: "daily calls".to_owned() };
        world.decide("2027-03-02T10:00:00Z", act, role, "a hurricane", Some("2027-03-20T00:00:00Z"));
    }
    let open = world.look("2027-03-03T00:00:00Z");
    assert!(open.open && open.waived[0].contains("readiness.privacy"), "{open:?}");
    assert!(!world.look("2027-03-20T00:00:00Z").open, "it has ended");
    world.log.push(recorded(7, "2027-03-05T16:00:00Z", &world.items[0].clone(), &["LIS"]));
    assert!(!world.look("2027-03-06T00:00:00Z").open, "more is missing than was waived");
}
