//! The parts of OSCAL that we write, field by field. Empty lists are left out: OSCAL refuses them.

use serde::Serialize;
use uuid::Uuid;

use crate::base::time::Timestamp;

use super::{NAMESPACE, OSCAL_VERSION};

/// One file, under its model's name.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Document {
    AssessmentResults(Box<super::results::AssessmentResults>),
    AssessmentPlan(Box<super::plan::AssessmentPlan>),
    ComponentDefinition(Box<super::component::ComponentDefinition>),
    PlanOfActionAndMilestones(Box<super::poam::OpenItems>),
    Catalog(Box<super::catalog::Catalog>),
    MappingCollection(Box<super::catalog::MappingCollection>),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Metadata {
    pub title: String,
    pub last_modified: Timestamp,
    pub version: String,
    pub oscal_version: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub props: Vec<Property>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Role>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parties: Vec<Party>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub responsible_parties: Vec<ResponsibleParty>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remarks: Option<String>,
}

impl Metadata {
    pub fn new(title: String, last_modified: Timestamp, version: String) -> Self {
        Self {
            title,
            last_modified,
            version,
            oscal_version: OSCAL_VERSION,
            props: Vec::new(),
            roles: Vec::new(),
            parties: Vec::new(),
            responsible_parties: Vec::new(),
            remarks: None,
        }
    }
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Property {
    pub name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ns: Option<&'static str>,
    pub value: String,
}

impl Property {
    /// A property of ours.
    pub fn own(name: &'static str, value: impl ToString) -> Self {
        Self { name, ns: Some(NAMESPACE), value: value.to_string() }
    }

    /// A property that OSCAL knows.
    pub fn known(name: &'static str, value: impl ToString) -> Self {
        Self { name, ns: None, value: value.to_string() }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Role {
    pub id: &'static str,
    pub title: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct Party {
    pub uuid: Uuid,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub name: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct ResponsibleParty {
    pub role_id: &'static str,
    pub party_uuids: Vec<Uuid>,
}

#[derive(Debug, Serialize)]
pub(super) struct Import {
    pub href: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct ReviewedControls {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub control_selections: Vec<ControlSelection>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub control_objective_selections: Vec<ObjectiveSelection>,
}

/// Either some controls by id, or all of them; one of the two has to be there.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ControlSelection {
    IncludeControls(Vec<ControlId>),
    IncludeAll {},
}

impl ControlSelection {
    pub fn of(tokens: impl IntoIterator<Item = String>) -> Self {
        let ids: Vec<ControlId> = tokens.into_iter().map(|control_id| ControlId { control_id }).collect();
        if ids.is_empty() { ControlSelection::IncludeAll {} } else { ControlSelection::IncludeControls(ids) }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct ControlId {
    pub control_id: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct ObjectiveSelection {
    pub include_objectives: Vec<ObjectiveId>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct ObjectiveId {
    pub objective_id: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Component {
    pub uuid: Uuid,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub title: String,
    pub description: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub props: Vec<Property>,
    pub status: Status,
}

#[derive(Debug, Serialize)]
pub(super) struct Status {
    pub state: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct Components {
    pub components: Vec<Component>,
}

#[derive(Debug, Serialize)]
pub(super) struct BackMatter {
    pub resources: Vec<Resource>,
}

impl BackMatter {
    pub fn of(resources: Vec<Resource>) -> Option<Self> {
        if resources.is_empty() { None } else { Some(Self { resources }) }
    }
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Resource {
    pub uuid: Uuid,
    pub title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rlinks: Vec<ResourceLink>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct ResourceLink {
    pub href: String,
    pub media_type: &'static str,
    pub hashes: Vec<Hash>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Hash {
    pub algorithm: &'static str,
    pub value: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Observation {
    pub uuid: Uuid,
    pub title: String,
    pub description: String,
    pub props: Vec<Property>,
    pub methods: Vec<&'static str>,
    pub types: Vec<&'static str>,
    pub origins: Vec<Origin>,
    pub subjects: Vec<SubjectReference>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub relevant_evidence: Vec<RelevantEvidence>,
    pub collected: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Origin {
    pub actors: Vec<OriginActor>,
}

impl Origin {
    /// The program.
    pub fn tool(uuid: Uuid) -> Self {
        Self { actors: vec![OriginActor { kind: "tool", actor_uuid: uuid }] }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct OriginActor {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub actor_uuid: Uuid,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct SubjectReference {
    pub subject_uuid: Uuid,
    #[serde(rename = "type")]
    pub kind: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct RelevantEvidence {
    pub href: String,
    pub description: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Risk {
    pub uuid: Uuid,
    pub title: String,
    pub description: String,
    pub statement: String,
    pub status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
    pub origins: Vec<Origin>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related_observations: Vec<RelatedObservation>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct RelatedObservation {
    pub observation_uuid: Uuid,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct RelatedRisk {
    pub risk_uuid: Uuid,
}
