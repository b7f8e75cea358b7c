//! The HIPAA Security Rule as an OSCAL catalogue, and NIST's mapping of it to SP 800-53: the same for everybody.

use std::collections::BTreeMap;

use serde::Serialize;
use uuid::Uuid;

use super::document::{Document, Metadata, Property};
use super::{CATALOG, Catalogue, Framework, NIST_CATALOG, name};
use crate::base::time::Timestamp;

/// The day of the data. Changes with it, and with nothing else.
const AS_OF: &str = "2026-11-21T00:00:00Z";
const VERSION: &str = "1";

/// The sections of 45 CFR 164 that the rule is in.
const SECTIONS: [(&str, &str); 5] = [
    ("164.308", "Administrative safeguards"),
    ("164.310", "Physical safeguards"),
    ("164.312", "Technical safeguards"),
    ("164.314", "Organizational requirements"),
    ("164.316", "Policies and procedures and documentation requirements"),
];

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Catalog {
    uuid: Uuid,
    metadata: Metadata,
    groups: Vec<Group>,
}

#[derive(Debug, Serialize)]
struct Group {
    id: String,
    title: &'static str,
    controls: Vec<CatalogControl>,
}

#[derive(Debug, Serialize)]
struct CatalogControl {
    id: String,
    title: String,
    props: Vec<Property>,
    parts: Vec<Part>,
}

#[derive(Debug, Serialize)]
struct Part {
    id: String,
    name: &'static str,
    prose: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct MappingCollection {
    uuid: Uuid,
    metadata: Metadata,
    provenance: Provenance,
    mappings: Vec<Mapping>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Provenance {
    method: &'static str,
    matching_rationale: &'static str,
    status: &'static str,
    mapping_description: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Mapping {
    uuid: Uuid,
    source_resource: CatalogReference,
    target_resource: CatalogReference,
    maps: Vec<Map>,
}

#[derive(Debug, Serialize)]
struct CatalogReference {
    #[serde(rename = "type")]
    kind: &'static str,
    href: &'static str,
}

#[derive(Debug, Serialize)]
struct Map {
    uuid: Uuid,
    relationship: &'static str,
    sources: Vec<Mapped>,
    targets: Vec<Mapped>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Mapped {
    #[serde(rename = "type")]
    kind: &'static str,
    id_ref: String,
}

impl Mapped {
    fn control(id_ref: String) -> Self {
        Self { kind: "control", id_ref }
    }
}

fn as_of() -> Timestamp {
    AS_OF.parse().expect("a moment")
}

pub(super) fn catalog(catalogue: &Catalogue) -> Document {
    let mut groups: BTreeMap<&str, Vec<CatalogControl>> = BTreeMap::new();
    for (id, control) in catalogue.controls(Framework::Hipaa) {
        let token = catalogue.token(Framework::Hipaa, id);
        let section = id.split('(').next().unwrap_or(id);
        groups.entry(section).or_default().push(CatalogControl {
            title: control.title.clone(),
            props: vec![
                Property::known("label", id),
                Property::own("requirement-kind", control.obligation(as_of()).word()),
            ],
            parts: vec![Part {
                id: format!("{token}_obj"),
                name: "assessment-objective",
                prose: format!("Evidence shows that 45 CFR {id} is met ({}).", control.title),
            }],
            id: token,
        });
    }
    let group = |(section, title): (&'static str, &'static str)| Group {
        id: format!("hipaa-{section}"),
        title,
        controls: groups.remove(section).unwrap_or_default(),
    };
    let title = "HIPAA Security Rule: ids and titles";
    let mut metadata = Metadata::new(title.to_owned(), as_of(), VERSION.to_owned());
    metadata.remarks = Some("Not the text of the rule: 45 CFR 164.308 to 164.316 governs.".to_owned());
    let groups = SECTIONS.map(group).into();
    Document::Catalog(Box::new(Catalog { uuid: name::fixed("document", "hipaa-catalog"), metadata, groups }))
}

pub(super) fn mapping(catalogue: &Catalogue) -> Document {
    let map = |(id, nist): (&String, &Vec<String>)| {
        let token = catalogue.token(Framework::Hipaa, id);
        Map {
            uuid: name::fixed("map", &token),
            relationship: "intersects-with",
            sources: vec![Mapped::control(token)],
            targets: nist.iter().cloned().map(Mapped::control).collect(),
        }
    };
    let related = catalogue.controls(Framework::Hipaa).iter().map(|(id, control)| (id, &control.nist));
    let maps = related.filter(|(_, nist)| !nist.is_empty()).map(map).collect();
    let title = "HIPAA Security Rule to NIST SP 800-53 r5, after SP 800-66r2".to_owned();
    Document::MappingCollection(Box::new(MappingCollection {
        uuid: name::fixed("document", "hipaa-mapping"),
        metadata: Metadata::new(title, as_of(), VERSION.to_owned()),
        provenance: Provenance {
            method: "human",
            matching_rationale: "semantic",
            status: "complete",
            mapping_description: "What NIST relates the items of the rule to in SP 800-66r2.",
        },
        mappings: vec![Mapping {
            uuid: name::fixed("mapping", "hipaa-to-800-53"),
            source_resource: CatalogReference { kind: "catalog", href: CATALOG },
            target_resource: CatalogReference { kind: "catalog", href: NIST_CATALOG },
            maps,
        }],
    }))
}
