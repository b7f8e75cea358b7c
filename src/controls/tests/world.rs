//! A site whose logs hold everything that the catalogue asks for, and what is lost with each single thing.

use super::*;

/// Something that a kind rests on: a step of the plan, or one input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Step,
    Input(usize),
}

/// Everything that all kinds rest on.
fn parts() -> Vec<(&'static str, Part)> {
    let of = |(name, kind): (&'static String, &'static EvidenceKind)| {
        let inputs = (0..kind.inputs.len()).map(Part::Input);
        // A step shows whatever no input does.
        let step = kind.inputs.is_empty().then_some(Part::Step);
        step.into_iter().chain(inputs).map(|part| (name.as_str(), part)).collect::<Vec<_>>()
    };
    Catalogue::embedded().kinds().iter().flat_map(of).collect()
}

/// A site in which everything was seen to hold, but for what was left out.
pub(super) struct World {
    history: History,
    signals: Vec<Signal>,
}

impl World {
    /// Its one log.
    pub(super) fn histories(self) -> History {
        self.history
    }

    pub(super) fn rows(&self, now: Timestamp) -> Vec<ControlRow> {
        let catalogue = Catalogue::embedded();
        let observed = observe_with(catalogue, std::slice::from_ref(&self.history), &self.signals);
        rows(catalogue, &standings(catalogue, &observed, now), now)
    }
}

/// Every kind but this one.
pub(super) fn all_but(left_out: &str) -> World {
    build(&|kind, _| kind != left_out)
}

/// The entries that a source needs, in their order: with one it holds.
fn entries(selector: &Selector) -> Vec<(&'static str, Option<String>, Value)> {
    let statement = |kind: &str, name: &str, person: &str| {
        json!({ "statement": { "subject": { "kind": kind, "name": name }, "person": person,
            "act": { "request": { "built_by": ["builder"] } }, "expires": day(400) } })
    };
    match selector {
        Selector::Item(id) => vec![("item.recorded", Some(id.clone()), json!({ "passed": true }))],
        Selector::Attested { item, roles } => {
            let by = |role: &String| {
                let mut said = statement("item", item, "owner");
                said["statement"]["role"] = json!(role);
                ("attestation.given", None, said)
            };
            roles.iter().map(by).collect()
        }
        Selector::Record(kind) => vec![("evidence.recorded", None, json!({ "kind": kind }))],
        Selector::Signal(_) => Vec::new(),
        Selector::Feed(name) => match name.as_str() {
            "plan.named" | "rules.held" => Vec::new(),
            "calls.closed" => vec![
                ("step.applying", Some("key.a".into()), json!({})),
                ("step.applied", Some("key.a".into()), json!({})),
            ],
            "approval.requested" => vec![("approval.requested", None, statement("plan", "p", "asker"))],
            "approval.given" => vec![("approval.given", None, statement("plan", "p", "approver"))],
            "recertification.closed" => vec![("recertification.closed", None, json!({ "outcome": "d" }))],
            "rollback.drilled" => vec![("drill.rollback", None, json!({ "proof": { "proved": true } }))],
            "rollback.proved" => vec![("rollback.proved", None, json!({ "proved": true }))],
            "emergency.reviewed" => vec![
                ("break-glass.opened", None, statement("plan", "p", "opener")),
                ("review.given", None, statement("plan", "p", "reviewer")),
            ],
            "signature.electronic" => {
                let mut body = statement("access-request", "r", "signer");
                body["statement"]["electronic"] =
                    json!({ "name": "S", "meaning": "approval", "challenge": "c" });
                vec![("approval.given", None, body)]
            }
            "lineage.read" => {
                vec![("population.read", None, json!({ "lineage": { "tables": 1, "without": 0 } }))]
            }
            "waiver" => vec![("waiver.granted", None, statement("gate", "g", "owner"))],
            other => panic!("no entry is known for feed {other}: write one"),
        },
    }
}

/// What happened once, so that there is an occasion for every kind.
const OCCASIONS: [&str; 4] =
    ["waiver.granted", "break-glass.opened", "retirement.completed", "approval.challenged"];

fn build(keep: &dyn Fn(&str, Part) -> bool) -> World {
    let catalogue = Catalogue::embedded();
    let step_of = |kind: &str| format!("check.{}", kind.replace(['.', '_'], "-"));
    let kept: Vec<_> = parts().into_iter().filter(|(kind, part)| keep(kind, *part)).collect();
    let has = |kind: &str, part: Part| kept.contains(&(kind, part));
    let steps: Vec<(String, &str)> = kept
        .iter()
        .filter(|(kind, part)| *part == Part::Step && !catalogue.kinds()[*kind].every_step)
        .map(|(kind, _)| (step_of(kind), *kind))
        .collect();
    let named: Vec<(&str, &str)> = steps.iter().map(|(step, kind)| (step.as_str(), *kind)).collect();
    let mut log = Log::of("site/HRB01", &named);
    // An occasion is no evidence: it names nobody and no moment by which it would count.
    let reviewed = has("emergency.change", Part::Input(0));
    // With its review, the emergency is told below.
    for occasion in OCCASIONS.into_iter().filter(|kind| !reviewed || *kind != "break-glass.opened") {
        log = log.tell(day(0), occasion, None, json!({}));
        log.0.entries.last_mut().expect("told just now").plan = None;
    }
    for place in approvals_first(&kept) {
        let Selector::Feed(name) = &catalogue.kinds()[place.0].inputs[place.1][0] else { continue };
        for (kind, step, body) in entries(&Selector::Feed(name.clone())) {
            log = log.tell(day(0), kind, step.as_deref(), body);
        }
    }
    log = log.start(day(0));
    let started = log.0.entries.last_mut().expect("told just now");
    let file = |path: &str| BlobRef { path: path.into(), sha256: Digest::of(path.as_bytes()) };
    if has("plan.rendered", Part::Input(0)) {
        started.refs.extend([file("plan.json"), file("rendered/a.toml")]);
    }
    if has("test.pre_apply", Part::Input(0)) {
        started.refs.push(file("tests/rules.json"));
    }
    if has("readback.matches_plan", Part::Step) {
        for (step, _) in &steps {
            log = log.holds(day(0), step);
        }
    }
    let mut signals = Vec::new();
    for (kind, part) in &kept {
        let Part::Input(input) = part else { continue };
        let selector = &catalogue.kinds()[*kind].inputs[*input][0];
        if let Selector::Signal(name) = selector {
            let (name, log) = (name.clone(), log.0.log.clone());
            signals.push(Signal { name, log, seq: 0, at: day(0) });
        }
        if !is_before_the_run(kind) {
            for (kind, step, body) in entries(selector) {
                log = log.tell(day(0), kind, step.as_deref(), body);
                log.0.entries.last_mut().expect("told just now").refs.push(file("record/a.json"));
            }
        }
    }
    World { history: log.0, signals }
}

fn is_before_the_run(kind: &str) -> bool {
    kind == "approval.separation_of_duties"
}

fn approvals_first(kept: &[(&'static str, Part)]) -> Vec<(&'static str, usize)> {
    let input = |(kind, part): &(&'static str, Part)| match part {
        Part::Input(input) if is_before_the_run(kind) => Some((*kind, *input)),
        Part::Input(_) | Part::Step => None,
    };
    kept.iter().filter_map(input).collect()
}

#[test]
fn a_site_that_has_everything_is_evidenced_wherever_a_kind_bears_on_a_control() {
    for row in build(&|_, _| true).rows(day(0)) {
        let expected = if row.kinds.is_empty() { "not applicable manual" } else { "evidenced" };
        assert!(expected.contains(row.status.word()), "{} {}: {:?}", row.framework, row.id, row.missing);
    }
}

/// Takes away one thing after another, over all kinds: exactly the controls that the kind bears on fall, and name it.
#[test]
fn taking_one_thing_away_drops_exactly_its_controls_and_names_it() {
    let catalogue = Catalogue::embedded();
    let whole = build(&|_, _| true).rows(day(0));
    let (mut things, mut fallen) = (0, 0);
    for (name, part) in parts() {
        if name == "readback.matches_plan" {
            continue;
        }
        let after = build(&|kind, one| (kind, one) != (name, part)).rows(day(0));
        let mapped: BTreeSet<(&str, &str)> =
            catalogue.kinds()[name].controls().map(|(f, id)| (f.word(), id)).collect();
        let mut dropped = BTreeSet::new();
        for (before, after) in
            whole.iter().zip(&after).filter(|(before, after)| before.status != after.status)
        {
            dropped.insert((before.framework.as_str(), before.id.as_str()));
            let missing: Vec<&str> = after.missing.iter().map(|missing| missing.kind.as_str()).collect();
            assert_eq!(missing, [name], "{} of {name} {part:?}", after.id);
            assert!(!after.missing[0].why.is_empty() && !after.missing[0].stale, "{name} {part:?}");
            let alone = after.kinds.len() == 1;
            match &after.status {
                ControlStatus::Partial { missing } => assert_eq!(missing, name),
                ControlStatus::NotRun | ControlStatus::Manual => assert!(alone, "{} of {name}", after.id),
                other => panic!("{} of {name} {part:?}: {other:?}", after.id),
            }
        }
        assert_eq!(dropped, mapped, "{name} {part:?}");
        (things, fallen) = (things + 1, fallen + dropped.len());
    }
    println!("{things} things were taken away one by one; {fallen} controls fell, each the right one");
    assert!(things > catalogue.kinds().len() - 1 && fallen > 350, "{things} {fallen}");
}

#[test]
fn read_backs_of_every_step_are_needed() {
    let after = build(&|kind, _| kind != "readback.matches_plan").rows(day(0));
    let row = after.iter().find(|row| row.id == "cm-6.1").expect("a row");
    assert_eq!(row.status, ControlStatus::NotRun);
}
