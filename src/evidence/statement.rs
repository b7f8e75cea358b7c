//! What the bundle key attests, as in-toto statements: the bundle itself, where its rendered files come from, the
//! outcomes of its checks, the scan, each OSCAL file, and the gates that people let through. Each is made of what the
//! other files say, so that the verifier can make it again.

mod gates;

use serde_json::{Value, json};

use crate::base::digest::Digest;
use crate::model::entry::Entry;
use crate::model::plan::{PlanExcerpt, Work};

use super::bundle::manifest::{Manifest, SCANNED_SINCE};
use super::bundle::scanned::Scanned;
use super::bundle::sums::Sums;
use super::bundle::{Files, layout};
use super::tally::{Outcomes, StepResult};

pub use gates::GO_LIVE;

const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
const TEST_RESULT: &str = "https://in-toto.io/attestation/test-result/v0.1";
/// What the statement about a whole bundle is.
const BUNDLE: &str = "urn:landfall:attestation:site-evidence:v1";
/// What compliance-trestle takes for the signature of an OSCAL file.
const OSCAL_SIGNING: &str = "https://oscal-compass.github.io/compliance-trestle/predicates/oscal-signing/v1";
/// How rendered files come about.
const RENDER: &str = "urn:landfall:build:render:v1";
/// Who does it.
const BUILDER: &str = "urn:landfall:builder";

fn statement(kind: &str, subjects: Vec<Value>, predicate: Value) -> Value {
    json!({"_type": STATEMENT, "subject": subjects, "predicateType": kind, "predicate": predicate})
}

fn named(name: &str, digest: &Digest) -> Value {
    json!({"name": name, "digest": {"sha256": digest}})
}

/// What statements are made of.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'s> {
    /// The manifest.
    pub manifest: &'s Manifest,
    /// The site's part of the plan.
    pub plan: &'s PlanExcerpt,
    /// The entries of the log.
    pub entries: &'s [Entry],
}

/// Every statement that a bundle with these files and digests holds, but for the one about its list of files; by path.
pub fn all(shown: &Shown<'_>, files: &Files, sums: &Sums, outcomes: &Outcomes) -> Vec<(String, Value)> {
    let Shown { manifest, plan, entries } = *shown;
    let plan_file = sums.get(layout::PLAN).copied().unwrap_or_else(|| Digest::of(b""));
    let mut all = vec![
        (layout::ATTESTED_ORIGIN.to_owned(), provenance(manifest, plan, sums)),
        (layout::ATTESTED_CHECKS.to_owned(), checks(plan, &plan_file, outcomes)),
    ];
    if manifest.v < SCANNED_SINCE {
        return all;
    }
    let record = files.get(layout::SCAN).zip(sums.get(layout::SCAN));
    all.extend(record.map(|(record, digest)| (layout::ATTESTED_SCAN.to_owned(), scan(record, digest))));
    all.extend(sums.iter().filter_map(|(path, digest)| {
        let place = layout::oscal_attestation(path)?;
        Some((place, oscal(path.strip_prefix(layout::OSCAL)?, digest, &manifest.tool)))
    }));
    let gates = gates::statement_of(manifest, entries, sums);
    all.extend(gates.map(|gates| (layout::ATTESTED_GATES.to_owned(), gates)));
    all
}

/// An OSCAL file, in the words that compliance-trestle asks for. Its bytes are RFC 8785, so their digest is the one that
/// trestle computes.
fn oscal(name: &str, digest: &Digest, tool: &str) -> Value {
    let predicate = json!({
        "canonicalization": "RFC8785", "digestAlgorithm": "sha256", "digestSource": "canonical-json", "tool": tool,
    });
    statement(OSCAL_SIGNING, vec![named(name, digest)], predicate)
}

/// That everything was searched, and nothing was found: a test for each thing that was searched for.
fn scan(record: &[u8], digest: &Digest) -> Value {
    let read: Option<Scanned> = serde_json::from_slice(record).ok();
    let clean = read.as_ref().is_some_and(|read| read.hits == 0);
    let patterns: Vec<String> = read.into_iter().flat_map(|read| read.patterns).collect();
    let (passed, failed) = if clean { (patterns, Vec::new()) } else { (Vec::new(), patterns) };
    let file = named(layout::SCAN, digest);
    let predicate = json!({
        "result": if clean { "PASSED" } else { "FAILED" }, "configuration": [file.clone()],
        "passedTests": passed, "warnedTests": [], "failedTests": failed,
    });
    statement(TEST_RESULT, vec![file], predicate)
}

/// The bundle: counts, heads and the previous bundle, over the list of its files.
pub fn bundle(manifest: &Manifest, sums: &Digest) -> Value {
    let site = &manifest.log;
    let head =
        |origin: String, size: u64, root: &Digest| json!({"origin": origin, "size": size, "rootHash": root});
    let log = format!("{}/site/{}", manifest.origin, manifest.site);
    let mut org = head(format!("{}/org", manifest.origin), manifest.org.size, &manifest.org.root);
    org["headsIndex"] = manifest.org.heads_index.into();
    let steps = &manifest.steps;
    let previous = manifest.previous.as_ref().map(
        |previous| json!({"journalSize": previous.size, "rootHash": previous.root, "sha256": previous.sums}),
    );
    let predicate = json!({
        "site": manifest.site, "wave": manifest.wave, "runs": manifest.runs, "rehearsal": manifest.rehearsal,
        "journal": head(log, site.size, &site.root), "org": org, "previousBundle": previous,
        "plan": {"sha256": manifest.plan},
        "counts": {
            "stepsPlanned": steps.planned, "stepsRun": steps.run, "stepsSucceeded": steps.succeeded,
            "stepsFailed": steps.failed, "stepsBlocked": steps.blocked, "stepsWithoutOutcome": steps.open,
        },
        "tool": manifest.tool, "exportedAt": manifest.exported_at, "exportedBy": manifest.exported_by,
    });
    statement(BUNDLE, vec![named(layout::SUMS, sums)], predicate)
}

/// Where the rendered files and the plan come from: packs, input files and the site.
fn provenance(manifest: &Manifest, plan: &PlanExcerpt, sums: &Sums) -> Value {
    let made = sums.iter().filter(|(path, _)| *path == layout::PLAN || path.starts_with(layout::RENDERED));
    let subjects = made.map(|(path, digest)| named(path, digest)).collect();
    let pack = |(name, lock): (_, &crate::model::plan::PackLock)| json!({"name": format!("templates/{name}"), "digest": {"sha256": lock.digest}, "annotations": {"version": lock.version}});
    let inputs = plan.head.inputs.iter().filter(|(path, _)| !path.starts_with("templates/"));
    let inputs = inputs.chain(&plan.part.inputs).map(|(path, digest)| named(path, digest));
    let dependencies: Vec<Value> = plan.head.packs.iter().map(pack).chain(inputs).collect();
    let predicate = json!({
        "buildDefinition": {
            "buildType": RENDER,
            "externalParameters": {
                "estate": plan.head.estate, "lineage": plan.head.lineage, "site": manifest.site,
                "target": plan.head.target.name,
            },
            "resolvedDependencies": dependencies,
        },
        "runDetails": {
            "builder": {"id": BUILDER, "version": {"landfall": plan.head.tool}},
            "metadata": {"invocationId": plan.digest, "startedOn": plan.made_at},
        },
    });
    statement(PROVENANCE, subjects, predicate)
}

/// How the plan's checks ended. A check without an outcome is a warning: it neither passed nor failed.
fn checks(plan: &PlanExcerpt, plan_file: &Digest, outcomes: &Outcomes) -> Value {
    let (mut passed, mut warned, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    for (step, planned) in &plan.part.plan.steps {
        if matches!(planned.work, Work::Check { .. }) {
            match outcomes.get(step).map(|outcome| outcome.result) {
                Some(StepResult::Succeeded) => passed.push(step),
                Some(StepResult::Failed) => failed.push(step),
                Some(StepResult::Blocked) | None => warned.push(step),
            }
        }
    }
    let result = match (failed.is_empty(), warned.is_empty()) {
        (false, _) => "FAILED",
        (true, false) => "WARNED",
        (true, true) => "PASSED",
    };
    let file = named(layout::PLAN, plan_file);
    let predicate = json!({
        "result": result, "configuration": [file.clone()],
        "passedTests": passed, "warnedTests": warned, "failedTests": failed,
    });
    statement(TEST_RESULT, vec![file], predicate)
}
