//! `component-definition.json`: the controls that the packs of the site set out to support.

use serde::Serialize;
use uuid::Uuid;

use super::document::{Document, Metadata};
use super::{CATALOG, Catalogue, FRAMEWORKS, Framework, NIST_CATALOG, Subject, name, observed};

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct ComponentDefinition {
    uuid: Uuid,
    metadata: Metadata,
    components: Vec<Blueprint>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Blueprint {
    uuid: Uuid,
    #[serde(rename = "type")]
    kind: &'static str,
    title: String,
    description: String,
    purpose: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    control_implementations: Vec<Implementation>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Implementation {
    uuid: Uuid,
    source: &'static str,
    description: String,
    implemented_requirements: Vec<Requirement>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Requirement {
    uuid: Uuid,
    control_id: String,
    description: String,
}

pub(super) fn document(catalogue: &Catalogue, subject: &Subject<'_>) -> Document {
    let blueprint = Blueprint {
        uuid: name::own(subject, "component", "blueprint"),
        kind: "service",
        title: format!("Databricks as the packs set it up at site {}", subject.site),
        description: "Workspaces, catalogs, keys, networks and groups of one site, from versioned packs."
            .to_owned(),
        purpose: "Analytics on ePHI at one site",
        control_implementations: FRAMEWORKS
            .into_iter()
            .filter_map(|framework| implementation(catalogue, subject, framework))
            .collect(),
    };
    let title = format!("Blueprint of site {}", subject.site);
    Document::ComponentDefinition(Box::new(ComponentDefinition {
        uuid: name::own(subject, "document", "component-definition"),
        metadata: observed::metadata(subject, title),
        components: vec![blueprint],
    }))
}

fn implementation(
    catalogue: &Catalogue,
    subject: &Subject<'_>,
    framework: Framework,
) -> Option<Implementation> {
    let planned: Vec<&str> = observed::planned(subject).map(|(kind, _)| kind).collect();
    let mut requirements = Vec::new();
    for id in catalogue.controls(framework).keys() {
        let bearing = catalogue.kinds_of(framework, id).into_iter().map(|(kind, _)| kind);
        let own: Vec<&str> = bearing.filter(|kind| planned.contains(kind)).collect();
        let shown = own.iter().filter_map(|kind| Some(catalogue.kinds().get(*kind)?.shows.as_str()));
        let description = shown.collect::<Vec<_>>().join(". ");
        if !own.is_empty() {
            let control_id = catalogue.token(framework, id);
            let uuid = name::own(subject, "requirement", &control_id);
            requirements.push(Requirement { uuid, control_id, description: format!("{description}.") });
        }
    }
    let source = if framework == Framework::Hipaa { CATALOG } else { NIST_CATALOG };
    (!requirements.is_empty()).then(|| Implementation {
        uuid: name::own(subject, "implementation", framework.word()),
        source,
        description: format!("What the packs set up for {}, in part or in full.", catalogue.name(framework)),
        implemented_requirements: requirements,
    })
}
