//! `plan-of-action-and-milestones.json`: what is open. Without open items there is no such file.

use serde::Serialize;
use uuid::Uuid;

use super::document::{Components, Document, Metadata, Observation, RelatedObservation, RelatedRisk, Risk};
use super::{Catalogue, Subject, name, observed};
use crate::model::control::OpenFinding;

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct OpenItems {
    uuid: Uuid,
    metadata: Metadata,
    system_id: SystemId,
    local_definitions: Components,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    observations: Vec<Observation>,
    risks: Vec<Risk>,
    poam_items: Vec<Item>,
    #[serde(skip_serializing_if = "Option::is_none")]
    back_matter: Option<super::document::BackMatter>,
}

#[derive(Debug, Serialize)]
struct SystemId {
    id: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Item {
    uuid: Uuid,
    title: String,
    description: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_observations: Vec<RelatedObservation>,
    related_risks: Vec<RelatedRisk>,
}

pub(super) fn document(catalogue: &Catalogue, subject: &Subject<'_>) -> Option<Document> {
    let item = |kind: &str| Item {
        uuid: name::own(subject, "item", kind),
        title: observed::title(catalogue, kind),
        description: format!("Find out why and run {kind} again."),
        related_observations: vec![RelatedObservation {
            observation_uuid: name::own(subject, "observation", kind),
        }],
        related_risks: vec![RelatedRisk { risk_uuid: name::own(subject, "risk", kind) }],
    };
    let found = |finding: &OpenFinding| {
        let own = observed::finding_name(finding);
        Item {
            uuid: name::own(subject, "item", &own),
            title: format!("Finding {}: {}", finding.entry, finding.title),
            description: "Mend it, and close it with the entry that shows so.".to_owned(),
            related_observations: Vec::new(),
            related_risks: vec![RelatedRisk { risk_uuid: name::own(subject, "risk", &own) }],
        }
    };
    let findings = observed::open_findings(subject).into_values().map(found);
    let poam_items: Vec<Item> =
        observed::at_risk(subject).map(|(kind, _)| item(kind)).chain(findings).collect();
    if poam_items.is_empty() {
        return None;
    }
    let open: Vec<Uuid> =
        observed::at_risk(subject).map(|(kind, _)| name::own(subject, "observation", kind)).collect();
    let mut observations = observed::observations(catalogue, subject);
    observations.retain(|observation| open.contains(&observation.uuid));
    Some(Document::PlanOfActionAndMilestones(Box::new(OpenItems {
        uuid: name::own(subject, "document", "poam"),
        metadata: observed::metadata(subject, format!("What is open at site {}", subject.site)),
        system_id: SystemId { id: format!("{}/{}", subject.estate, subject.site) },
        local_definitions: Components {
            components: vec![observed::site_component(subject), observed::tool_component(subject)],
        },
        observations,
        risks: observed::risks(catalogue, subject),
        poam_items,
        back_matter: super::document::BackMatter::of(observed::resources(subject)),
    })))
}
