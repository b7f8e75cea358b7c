//! What the bundle key attests, as in-toto statements: the bundle itself, where its rendered files come from, and the
//! outcomes of its checks. Each is made of what the other files say, so that the verifier can make it again.

use serde_json::{Value, json};

use crate::base::digest::Digest;
use crate::model::plan::{PlanExcerpt, Work};

use super::bundle::manifest::Manifest;
use super::bundle::{Files, layout};
use super::tally::{Outcomes, StepResult};

const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
const TEST_RESULT: &str = "https://in-toto.io/attestation/test-result/v0.1";
/// What the statement about a whole bundle is.
const BUNDLE: &str = "urn:landfall:attestation:site-evidence:v1";
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
pub fn provenance(manifest: &Manifest, plan: &PlanExcerpt, files: &Files) -> Value {
    let made = files.iter().filter(|(path, _)| *path == layout::PLAN || path.starts_with(layout::RENDERED));
    let subjects = made.map(|(path, bytes)| named(path, &Digest::of(bytes))).collect();
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
pub fn checks(plan: &PlanExcerpt, plan_file: &[u8], outcomes: &Outcomes) -> Value {
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
    let file = named(layout::PLAN, &Digest::of(plan_file));
    let predicate = json!({
        "result": result, "configuration": [file],
        "passedTests": passed, "warnedTests": warned, "failedTests": failed,
    });
    statement(TEST_RESULT, vec![named(layout::PLAN, &Digest::of(plan_file))], predicate)
}
