//! `assessment-results.json`: what was seen at the site, and what that means for each control it bears on.

use std::collections::BTreeSet;

use serde::Serialize;
use uuid::Uuid;

use super::document::{
    BackMatter, Component, Components, ControlSelection, Document, Import, Metadata, ObjectiveId,
    ObjectiveSelection, Observation, Origin, Property, RelatedObservation, RelatedRisk, ReviewedControls,
    Risk,
};
use super::{Catalogue, FRAMEWORKS, PLAN, Subject, name, observed};
use crate::base::time::Timestamp;
use crate::controls::standing::KindState;
use crate::model::control::{ControlRow, ControlStatus};

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct AssessmentResults {
    uuid: Uuid,
    metadata: Metadata,
    import_ap: Import,
    results: Vec<Outcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    back_matter: Option<BackMatter>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Outcome {
    uuid: Uuid,
    title: String,
    description: String,
    start: Timestamp,
    end: Timestamp,
    props: Vec<Property>,
    local_definitions: LocalDefinitions,
    reviewed_controls: ReviewedControls,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    observations: Vec<Observation>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    risks: Vec<Risk>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<Finding>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct LocalDefinitions {
    components: Vec<Component>,
    assessment_assets: AssessmentAssets,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct AssessmentAssets {
    #[serde(flatten)]
    components: Components,
    assessment_platforms: Vec<Platform>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Platform {
    uuid: Uuid,
    title: String,
    uses_components: Vec<UsesComponent>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct UsesComponent {
    component_uuid: Uuid,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Finding {
    uuid: Uuid,
    title: String,
    description: String,
    origins: Vec<Origin>,
    target: Target,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_observations: Vec<RelatedObservation>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_risks: Vec<RelatedRisk>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Target {
    #[serde(rename = "type")]
    kind: &'static str,
    target_id: String,
    status: ObjectiveStatus,
}

#[derive(Debug, Serialize)]
struct ObjectiveStatus {
    state: &'static str,
    reason: &'static str,
}

pub(super) fn document(catalogue: &Catalogue, subject: &Subject<'_>) -> Document {
    let wave = subject.wave.map_or(String::new(), |wave| format!(" in wave {wave}"));
    let title = format!("Evidence of site {}{wave}", subject.site);
    Document::AssessmentResults(Box::new(AssessmentResults {
        uuid: name::own(subject, "document", "assessment-results"),
        metadata: observed::metadata(subject, title.clone()),
        import_ap: Import { href: PLAN.to_owned() },
        results: vec![outcome(catalogue, subject, title)],
        back_matter: BackMatter::of(observed::resources(subject)),
    }))
}

fn outcome(catalogue: &Catalogue, subject: &Subject<'_>, title: String) -> Outcome {
    let tokens = observed::tokens(catalogue, observed::planned(subject).map(|(kind, _)| kind));
    let objectives: Vec<ObjectiveId> =
        tokens.keys().map(|token| ObjectiveId { objective_id: format!("{token}_obj") }).collect();
    let selection = ObjectiveSelection { include_objectives: objectives };
    let count = |state: KindState| observed::planned(subject).filter(|(_, one)| one.state == state).count();
    Outcome {
        uuid: name::own(subject, "result", "evidence"),
        title,
        description: "What steps, entries and people showed, from the site's first entry to the export."
            .to_owned(),
        start: subject.began,
        end: subject.exported.0,
        props: vec![
            Property::own("kinds-planned", observed::planned(subject).count()),
            Property::own("kinds-held", count(KindState::Held)),
            Property::own("kinds-failed", count(KindState::Failed)),
            Property::own("kinds-expired", count(KindState::Expired)),
        ],
        local_definitions: LocalDefinitions {
            components: vec![observed::site_component(subject)],
            assessment_assets: assets(subject),
        },
        reviewed_controls: ReviewedControls {
            description: Some(
                "Controls that something was planned or shown for; all others are left out.".to_owned(),
            ),
            control_objective_selections: if tokens.is_empty() { Vec::new() } else { vec![selection] },
            control_selections: vec![ControlSelection::of(tokens.into_keys())],
        },
        observations: observed::observations(catalogue, subject),
        risks: observed::risks(catalogue, subject),
        findings: findings(catalogue, subject),
    }
}

fn assets(subject: &Subject<'_>) -> AssessmentAssets {
    AssessmentAssets {
        components: Components { components: vec![observed::tool_component(subject)] },
        assessment_platforms: vec![Platform {
            uuid: name::own(subject, "platform", "tool"),
            title: subject.tool.to_owned(),
            uses_components: vec![UsesComponent { component_uuid: observed::tool(subject) }],
        }],
    }
}

/// One finding for each control that a planned kind bears on.
fn findings(catalogue: &Catalogue, subject: &Subject<'_>) -> Vec<Finding> {
    let planned: BTreeSet<&str> = observed::planned(subject).map(|(kind, _)| kind).collect();
    let mut findings = Vec::new();
    for framework in FRAMEWORKS {
        let own = subject.rows.iter().filter(|row| row.framework == framework.word());
        for row in own.filter(|row| row.kinds.iter().any(|kind| planned.contains(kind.as_str()))) {
            findings.push(finding(subject, row, catalogue.token(framework, &row.id)));
        }
    }
    findings
}

fn finding(subject: &Subject<'_>, row: &ControlRow, token: String) -> Finding {
    let (state, reason) = match row.status {
        ControlStatus::Evidenced => ("satisfied", "pass"),
        ControlStatus::Failed { .. } => ("not-satisfied", "fail"),
        ControlStatus::Partial { .. }
        | ControlStatus::Manual
        | ControlStatus::Waived { .. }
        | ControlStatus::NotRun
        | ControlStatus::NotApplicable { .. } => ("not-satisfied", "other"),
    };
    let missing: Vec<&str> = row.missing.iter().map(|missing| missing.kind.as_str()).collect();
    let missing =
        if missing.is_empty() { String::new() } else { format!("; missing: {}", missing.join(", ")) };
    let seen =
        |kind: &&String| subject.standings.get(*kind).is_some_and(|standing| !standing.seen.is_empty());
    let risky: BTreeSet<&str> = observed::at_risk(subject).map(|(kind, _)| kind).collect();
    let observation =
        |kind: &String| RelatedObservation { observation_uuid: name::own(subject, "observation", kind) };
    let risk = |kind: &String| RelatedRisk { risk_uuid: name::own(subject, "risk", kind) };
    Finding {
        uuid: name::own(subject, "finding", &token),
        title: row.title.clone(),
        description: format!("{}{missing}", row.status.word()),
        origins: vec![Origin::tool(observed::tool(subject))],
        target: Target {
            kind: "objective-id",
            target_id: format!("{token}_obj"),
            status: ObjectiveStatus { state, reason },
        },
        related_observations: row.kinds.iter().filter(seen).map(observation).collect(),
        related_risks: row
            .kinds
            .iter()
            .filter(|kind| risky.contains(kind.as_str()))
            .map(risk)
            .chain(row.findings.iter().map(|finding| risk(&observed::finding_name(finding))))
            .collect(),
    }
}
