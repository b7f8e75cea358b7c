//! What people see of one small plan and of its launch.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{brief, graph_view, plan_view, timeline};
use crate::base::digest::Digest;
use crate::base::id::{ScopeId, SiteCode, StepId};
use crate::base::time::{Millis, Timestamp};
use crate::model::entry::{Actor, ActorKind, Entry};
use crate::model::event::{Effect, Event};
use crate::model::outcome::{Cause, CauseClass};
use crate::model::plan::overview::{Because, Blocked, Counted, Except, Pattern, Room, Setting};
use crate::model::plan::{
    EdgeReason, FieldChange, FleetPlan, Operation, Overview, PLAN_VERSION, Plan, PlannedStep, Reconcile,
    Reversal, SavedPlan, ScopePlan, Selection, StepLimits, TargetName, WavePlan, Work,
};
use crate::model::resource::Check;

fn id(text: &str) -> StepId {
    text.parse().unwrap()
}

fn change(at: &str, from: Option<Value>, to: Option<Value>, reason: &str) -> FieldChange {
    FieldChange {
        at: at.to_owned(),
        from,
        to,
        known_after: None,
        forces_replacement: false,
        reason: reason.to_owned(),
    }
}

fn step(work: Work, after: &[(&str, EdgeReason)]) -> PlannedStep {
    let second = Millis(1000);
    PlannedStep {
        work,
        after: after.iter().map(|(before, why)| (id(before), why.clone())).collect(),
        origin: None,
        evidence: None,
        limits: StepLimits {
            call_timeout: second,
            attempts_max: 1,
            poll_every: second,
            ready_within: second,
            expected: crate::base::time::Millis(0),
        },
    }
}

fn object(operation: Operation, reversal: Reversal, changes: Vec<FieldChange>) -> Work {
    Work::Reconcile(Reconcile {
        kind: "databricks.catalog".parse().unwrap(),
        via: None,
        operation,
        spec: json!({}).into(),
        changes,
        seen: None,
        id: None,
        reversal,
    })
}

/// All five operations, a value that is not known yet, a replacement and a check.
fn plan() -> Plan {
    let unknown = FieldChange {
        known_after: Some("catalog.new".to_owned()),
        ..change("/comment", Some(json!("old \u{1b}[31m text")), None, "asked for by p/t.toml.hbs")
    };
    let forces = FieldChange {
        forces_replacement: true,
        ..change("/storage_root", Some(json!("s3://a")), Some(json!("s3://b")), "managed storage cannot move")
    };
    let named = change("/name", None, Some(json!("new")), "asked for by p/t.toml.hbs");
    let gone = change("", Some(json!({"name": "x".repeat(100)})), None, "no pack declares it any more");
    let check = Check { read: id("catalog.same"), expect: Vec::new() };
    let reference = EdgeReason::Reference("/comment".to_owned());
    let steps = [
        ("catalog.same", step(object(Operation::None, Reversal::Reversible, vec![]), &[])),
        ("catalog.new", step(object(Operation::Create, Reversal::OneWay, vec![named]), &[])),
        (
            "catalog.next",
            step(
                object(Operation::Update, Reversal::Reversible, vec![unknown]),
                &[("catalog.new", reference)],
            ),
        ),
        ("catalog.moved", step(object(Operation::Replace, Reversal::OneWay, vec![forces]), &[])),
        (
            "catalog.left",
            step(
                object(Operation::Delete, Reversal::WithLoss, vec![gone]),
                &[("catalog.moved", EdgeReason::Deletes)],
            ),
        ),
        (
            "check.same",
            step(
                Work::Check { title: "It is <there> & well".into(), check },
                &[("catalog.same", EdgeReason::Reads)],
            ),
        ),
    ];
    let steps = steps.into_iter().map(|(name, step)| (id(name), step)).collect();
    let site = ScopePlan {
        needs: [ScopeId::Account].into(),
        steps,
        calendar: None,
        expected: crate::base::time::Millis(0),
    };
    let account = ScopePlan {
        needs: BTreeSet::new(),
        steps: BTreeMap::new(),
        calendar: None,
        expected: crate::base::time::Millis(0),
    };
    Plan {
        v: PLAN_VERSION,
        tool: "landfall".to_owned(),
        estate: "Cedar \"Basin\"".to_owned(),
        lineage: "l".to_owned(),
        target: TargetName { name: "sandbox".into(), account_id: "1".into(), host: "embedded".into() },
        selection: Selection::Sites(["HRB01".parse().unwrap()].into()),
        inputs: BTreeMap::new(),
        packs: BTreeMap::new(),
        parameters: BTreeMap::new(),
        heads: BTreeMap::new(),
        fleet: FleetPlan { waves: Vec::new(), failure_budget: None },
        scopes: [(ScopeId::Account, account), ("site/HRB01".parse().unwrap(), site)].into(),
        overview: Overview::default(),
        rollback: None,
        approvals: Vec::new(),
        consents: Vec::new(),
    }
}

#[test]
fn a_plan_shows_what_cannot_be_undone_first_and_makes_nothing_up() {
    let saved = SavedPlan::new(plan(), Timestamp::from_millis(0));
    let text =
        plan_view::text(&saved, plan_view::Options::default()).replace(&saved.digest.to_string(), "DIGEST");
    assert!(!text.contains('\u{1b}'), "what a service says never reaches the terminal as it is");
    insta::assert_snapshot!(text, @r#"
    Cedar "Basin" · sites HRB01 · target sandbox (embedded)
    Read-only: no object was changed to make this plan.

    Look at these first:
      - site/HRB01 catalog.left   destroys what is there
    -/+ site/HRB01 catalog.moved   destroys what is there and makes it again; cannot be undone
      + site/HRB01 catalog.new   cannot be undone

      # account

      # site/HRB01
      - catalog.left   (databricks.catalog)
            (whole object): {"name":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… -> (none)   [no pack declares it any more]
    -/+ catalog.moved   (databricks.catalog)
            /storage_root: "s3://a" -> "s3://b"  # forces replacement   [managed storage cannot move]
      + catalog.new   (databricks.catalog)
      ~ catalog.next   (databricks.catalog)
            /comment: "old \u001b[31m text" -> (known after catalog.new)   [asked for by p/t.toml.hbs]
        1 unchanged hidden (--show-unchanged), 1 check

    Plan: 2 to add, 1 to change, 2 to destroy.
    Across 1 site and 1 shared scope. 1 replacement. 1 unchanged. 1 check.
    Digest DIGEST
    "#);
}

#[test]
fn nothing_to_do_is_said_in_words() {
    let mut nothing = plan();
    nothing.scopes.values_mut().for_each(|scope| scope.steps.retain(|id, _| id.as_str().ends_with("same")));
    let summary = plan_view::summary(&SavedPlan::new(nothing, Timestamp::from_millis(0)));
    assert!(summary.contains("No changes."), "{summary}");
}

#[test]
fn a_graph_reads_layer_by_layer_with_reasons() {
    insta::assert_snapshot!(graph_view::text(&plan()), @r#"
    account
      0 steps, longest chain 0
    site/HRB01 (after account)
        0 -/+ catalog.moved  databricks.catalog
        0   + catalog.new  databricks.catalog
        0     catalog.same  databricks.catalog
        1   - catalog.left  databricks.catalog
                <- catalog.moved: is deleted after what rests on it
        1   ~ catalog.next  databricks.catalog
                <- catalog.new: refers to it at /comment
        1   ? check.same  check
                <- catalog.same: reads it back
      6 steps, longest chain 2
    "#);
}

#[test]
fn a_graph_for_graphviz_quotes_its_labels() {
    insta::assert_snapshot!(graph_view::dot(&plan()), @r#"
    digraph landfall {
      rankdir=LR;
      node [shape=box, fontname="sans-serif"];
      subgraph cluster_0 {
        label="account";
      }
      subgraph cluster_1 {
        label="site/HRB01";
        "site/HRB01:catalog.left" [label="catalog.left\ndatabricks.catalog"];
        "site/HRB01:catalog.moved" [label="catalog.moved\ndatabricks.catalog"];
        "site/HRB01:catalog.new" [label="catalog.new\ndatabricks.catalog"];
        "site/HRB01:catalog.next" [label="catalog.next\ndatabricks.catalog"];
        "site/HRB01:catalog.same" [label="catalog.same\ndatabricks.catalog"];
        "site/HRB01:check.same" [label="check.same\ncheck"];
      }
      "site/HRB01:catalog.moved" -> "site/HRB01:catalog.left" [tooltip="is deleted after what rests on it"];
      "site/HRB01:catalog.new" -> "site/HRB01:catalog.next" [tooltip="refers to it at /comment"];
      "site/HRB01:catalog.same" -> "site/HRB01:check.same" [tooltip="reads it back"];
    }
    "#);
}

#[test]
fn a_drawing_is_whole_and_stable() {
    let svg = graph_view::svg(&plan());
    assert_eq!(svg, graph_view::svg(&plan()));
    assert_eq!(svg.matches("<rect").count(), 6);
    assert_eq!(svg.matches("<path").count(), 3);
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
}

#[test]
fn a_graph_for_programs_has_all_nodes_and_edges() {
    let json = graph_view::json(&plan());
    assert_eq!(json["v"], 1);
    let site = &json["scopes"]["site/HRB01"];
    let count = |list: &Value| list.as_array().map_or(0, Vec::len);
    assert_eq!(json, graph_view::json(&plan()));
    assert_eq!((count(&site["steps"]), count(&site["edges"])), (6, 3), "{site}");
}

fn entry(seq: u64, millis: i64, event: &Event) -> Entry {
    Entry {
        v: 1,
        seq,
        at: Timestamp::from_millis(millis),
        log: "site/HRB01".parse().unwrap(),
        run: None,
        kind: event.kind().to_owned(),
        step: event.step().cloned(),
        actor: Actor { kind: ActorKind::Rehearsal, id: "r".to_owned() },
        plan: None,
        refs: Vec::new(),
        body: event.to_body(),
        salt: String::new(),
    }
}

fn succeeded(step: &str, effect: Effect) -> Event {
    let (settled_in, outputs) = (Millis(0), serde_json::Map::new());
    let (step, attempt, polls) = (id(step), 1, 0);
    Event::StepSucceeded {
        step,
        attempt,
        effect,
        id: None,
        outputs,
        readback: None,
        polls,
        settled_in,
        desired: None,
    }
}

#[test]
fn a_timeline_shows_bars_and_the_longest_chain() {
    let site: ScopeId = "site/HRB01".parse().unwrap();
    let cause = Cause::new(CauseClass::Stale, "changed");
    let entries = vec![
        entry(0, 0, &Event::RunStarted { at: Timestamp::from_millis(0) }),
        entry(1, 1000, &succeeded("catalog.same", Effect::Unchanged)),
        entry(2, 61_000, &succeeded("catalog.new", Effect::Created)),
        entry(3, 62_000, &succeeded("catalog.next", Effect::Updated)),
        entry(4, 70_000, &Event::StepFailed { step: id("catalog.moved"), attempt: 1, cause, readback: None }),
        entry(5, 70_000, &Event::StepBlocked { step: id("catalog.left"), by: id("catalog.moved") }),
    ];
    let logs = [(ScopeId::Account, Vec::new()), (site, entries)];
    insta::assert_snapshot!(timeline::timeline(&plan(), &logs).text(), @r#"
    site/HRB01           ████████████████████████████████████████ 1 min 10 s, 5 steps, until 00:01:10 UTC
    Longest chain, in site/HRB01:
      00:01:01  catalog.new  created (0 ms)
      00:01:02  catalog.next  updated (0 ms)
    "#);
    assert_eq!(timeline::timeline(&plan(), &[]).text(), "nothing ran\n");
}

/// The plan with three sites in two patterns, and too little room for the last.
fn looked_over() -> SavedPlan {
    let mut plan = plan();
    let codes = ["HRB01", "MPL02", "CDR03"].map(|code| code.parse::<SiteCode>().unwrap());
    let account = ScopePlan {
        needs: BTreeSet::new(),
        steps: [(id("group.all"), step(object(Operation::Update, Reversal::WithLoss, vec![]), &[]))].into(),
        calendar: None,
        expected: crate::base::time::Millis(0),
    };
    plan.scopes.insert(ScopeId::Account, account);
    let setting = |site: &SiteCode, value: Value| Setting {
        site: site.clone(),
        value: Some(value),
        place: Some(format!("sites/{site}.toml:7")),
    };
    let because = Because {
        parameter: "site.node_types".to_owned(),
        here: setting(&codes[2], json!(["imaging"])),
        there: setting(&codes[0], json!(["clinical"])),
        steps: 2,
    };
    let except = Except {
        like: "A".to_owned(),
        added: vec!["catalog.imaging".to_owned()],
        missing: vec!["catalog.clinical".to_owned()],
        because: vec![because],
        ..Except::default()
    };
    let pattern = |name: &str, sites: &[SiteCode], except| Pattern {
        name: name.to_owned(),
        digest: Digest::of(name.as_bytes()),
        sites: sites.to_vec(),
        changes: 4,
        except,
    };
    let room = Room {
        quota: "catalogs_per_metastore".to_owned(),
        kind: "databricks.catalog".parse().unwrap(),
        owner: "metastore us-east-1".to_owned(),
        max: 1000,
        live: 996,
        counted: Counted::AtLeast,
        planned: 6,
        left: -2,
        site_needs: 2,
        is_of_one_site: false,
        blocks: Some(Blocked { scope: ScopeId::Site(codes[2].clone()), turn: 3, needs: 2, left: 0 }),
    };
    plan.overview = Overview {
        patterns: vec![pattern("A", &codes[..2], None), pattern("B", &codes[2..], Some(except))],
        room: vec![room],
        rest_on: [(ScopeId::Account, codes.iter().cloned().collect())].into(),
    };
    let wave = WavePlan {
        name: "w".parse().unwrap(),
        sites: codes.to_vec(),
        max_parallel: 2,
        failure_budget: 1,
        bake: None,
        entry: Vec::new(),
    };
    plan.fleet.waves.push(wave);
    SavedPlan::new(plan, Timestamp::from_millis(0))
}

#[test]
fn the_brief_is_one_page_and_calls_the_unknown_unknown() {
    let saved = looked_over();
    let text = brief::text(&saved, &brief::Outlook::default()).replace(&saved.digest.to_string(), "DIGEST");
    assert!(text.lines().count() < 60, "one page");
    insta::assert_snapshot!(text, @r#"
    Cedar "Basin": sites HRB01
    Plan DIGEST, made at 1970-01-01T00:00:00.000Z

    What
      2 to add, 2 to change, 2 to destroy, 1 of these a replacement; 1 stay as they are. 1 check read back what was made.
    Where
      Target sandbox (embedded); regions: none.
    Sites
      w: 3 sites, HRB01 MPL02 CDR03; HRB01 goes first and alone, then at most 2 at once. 1 may fail before no further one starts.
    Patterns
      3 sites, 2 patterns: A (HRB01 MPL02); B (CDR03): like A, except site.node_types.
    When
      Next start of each site: unknown.
      Until when the plan can be applied: unknown.
    Risk
      2 steps cannot be undone, 2 can be undone with loss. 2 objects are destroyed or replaced. 1 step changes what sites share.
    Cannot be undone
      site/HRB01 catalog.moved (databricks.catalog)
      site/HRB01 catalog.new (databricks.catalog)
    Destroyed or replaced
      site/HRB01 catalog.left (databricks.catalog)
      site/HRB01 catalog.moved (databricks.catalog)
    Shared
      account: 0 to add, 1 to change, 0 to destroy; on it rest HRB01, and outside this plan CDR03 MPL02
              ~ group.all
    Room
      No room: site/CDR03 does not fit: catalogs_per_metastore allows 1000 per metastore us-east-1, at most 0 are left when its turn comes, as number 3 in launch order, and it needs 2.
      Unknown how many others have already made under: catalogs_per_metastore.
    Waits for
      All sites wait until account ended well.
      Approvals and people: unknown.
    Cost
      Unknown: a plan holds no prices.
    "#);
    let outlook = brief::Outlook {
        next_starts: [("MPL02".parse().unwrap(), Timestamp::from_millis(0))].into(),
        valid_until: Some(Timestamp::from_millis(86_400_000)),
        open_gates: Some(vec!["The change board has not approved.".to_owned()]),
    };
    let text = brief::text(&saved, &outlook);
    for line in [
        "Next start of each site: HRB01: unknown, MPL02: 1970-01-01T00:00:00.000Z, CDR03: unknown.",
        "The plan can be applied until 1970-01-02T00:00:00.000Z.",
        "The change board has not approved.",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert!(!text.contains("Approvals and people: unknown"));
}

#[test]
fn shared_objects_patterns_and_room_are_in_the_text() {
    let text = plan_view::text(&looked_over(), plan_view::Options::default());
    let shared = "Shared by sites:\n  account: 0 to add, 1 to change, 0 to destroy; on it rest HRB01, and outside this plan \
                  CDR03 MPL02\n        ~ group.all\n";
    assert!(text.contains(shared), "{text}");
    let lines = "3 sites, 2 patterns: A (HRB01 MPL02); B (CDR03): like A, except site.node_types.\n\
                 No room: site/CDR03 does not fit: catalogs_per_metastore allows 1000 per metastore us-east-1, at most 0 are left \
                 when its turn comes, as number 3 in launch order, and it needs 2.\n";
    assert!(text.contains(lines), "{text}");
    assert!(text.find("Look at these first").unwrap() < text.find("Shared by sites").unwrap());
}

#[test]
fn a_plan_of_before_is_read_and_keeps_its_digest() {
    let old = serde_json::to_value(plan()).unwrap();
    assert!(old.get("overview").is_none(), "what says nothing is left out");
    assert_eq!(serde_json::from_value::<Plan>(old).unwrap(), plan());
    let (with, mut without) = (looked_over(), looked_over().plan);
    without.overview = Overview::default();
    assert_ne!(
        with.digest,
        SavedPlan::new(without, Timestamp::from_millis(0)).digest,
        "it is under the digest"
    );
}

#[test]
fn what_looks_like_a_secret_is_starred_out_of_a_plan() {
    let token = format!("dapi{}", "0123456789abcdef".repeat(2));
    let shown = plan_view::short(&json!({ "token": token }));
    assert!(shown.contains("****") && !shown.contains("89abcdef"), "{shown}");
}
