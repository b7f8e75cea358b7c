//! `assessment-plan.json`: what the site's plan sets out to show.

use serde::Serialize;
use uuid::Uuid;

use super::document::{
    BackMatter, ControlSelection, Document, Import, Metadata, Property, Resource, ReviewedControls,
};
use super::{Catalogue, Subject, name, observed};

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct AssessmentPlan {
    uuid: Uuid,
    metadata: Metadata,
    import_ssp: Import,
    #[serde(skip_serializing_if = "Option::is_none")]
    local_definitions: Option<Activities>,
    reviewed_controls: ReviewedControls,
    #[serde(skip_serializing_if = "Option::is_none")]
    back_matter: Option<BackMatter>,
}

#[derive(Debug, Serialize)]
struct Activities {
    activities: Vec<Activity>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Activity {
    uuid: Uuid,
    title: String,
    description: String,
    props: Vec<Property>,
    related_controls: ReviewedControls,
}

pub(super) fn document(catalogue: &Catalogue, subject: &Subject<'_>) -> Document {
    let ssp = Resource {
        uuid: name::own(subject, "resource", "system-security-plan"),
        title: "System security plan of the organisation".to_owned(),
        description: Some("Kept by the organisation; it is not part of this bundle.".to_owned()),
        rlinks: Vec::new(),
    };
    let activities: Vec<Activity> =
        observed::planned(subject).map(|(kind, _)| activity(catalogue, subject, kind)).collect();
    let planned = observed::planned(subject).map(|(kind, _)| kind);
    let title = format!("What the plan of site {} sets out to show", subject.site);
    Document::AssessmentPlan(Box::new(AssessmentPlan {
        uuid: name::own(subject, "document", "assessment-plan"),
        metadata: observed::metadata(subject, title),
        import_ssp: Import { href: format!("#{}", ssp.uuid) },
        local_definitions: if activities.is_empty() { None } else { Some(Activities { activities }) },
        reviewed_controls: reviewed(catalogue, planned),
        back_matter: BackMatter::of(vec![ssp]),
    }))
}

fn activity(catalogue: &Catalogue, subject: &Subject<'_>, kind: &str) -> Activity {
    let known = catalogue.kinds().get(kind);
    let holds = known.map_or(String::new(), |known| format!(". It holds: {}", known.holds.join("; ")));
    Activity {
        uuid: name::own(subject, "activity", kind),
        title: kind.to_owned(),
        description: format!("{}{holds}.", known.map_or(kind, |known| known.shows.as_str())),
        props: vec![Property::known("method", "TEST")],
        related_controls: reviewed(catalogue, [kind]),
    }
}

fn reviewed<'k>(catalogue: &Catalogue, kinds: impl IntoIterator<Item = &'k str>) -> ReviewedControls {
    let tokens = observed::tokens(catalogue, kinds).into_keys();
    ReviewedControls {
        description: None,
        control_selections: vec![ControlSelection::of(tokens)],
        control_objective_selections: Vec::new(),
    }
}
