//! What several files say alike: the site and the program as components, observations, and risks.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::document::{
    Component, Hash, Metadata, Observation, Origin, Party, Property, RelatedObservation, RelevantEvidence,
    Resource, ResourceLink, ResponsibleParty, Risk, Role, Status, SubjectReference,
};
use super::{Catalogue, FRAMEWORKS, Framework, KindStanding, Subject, name};
use crate::base::digest::Digest;
use crate::controls::kind::Source;
use crate::controls::standing::KindState;
use crate::model::control::OpenFinding;

/// Letters of a reason that are repeated; the log holds all of it.
const REASON_CHARS_MAX: usize = 400;

const EXPORTER: &str = "exporter";

/// Kinds that a step of the newest plan carries.
pub(super) fn planned<'s>(subject: &Subject<'s>) -> impl Iterator<Item = (&'s str, &'s KindStanding)> {
    let planned = |(_, standing): &(&String, &KindStanding)| standing.planned > 0;
    subject.standings.iter().filter(planned).map(|(name, standing)| (name.as_str(), standing))
}

/// The tokens of all controls that kinds bear on, each once.
pub(super) fn tokens<'k>(
    catalogue: &Catalogue,
    kinds: impl IntoIterator<Item = &'k str>,
) -> BTreeMap<String, (Framework, String)> {
    let kinds = kinds.into_iter().filter_map(|kind| catalogue.kinds().get(kind));
    let own = kinds.flat_map(|kind| kind.controls()).filter(|(framework, _)| FRAMEWORKS.contains(framework));
    own.map(|(framework, id)| (catalogue.token(framework, id), (framework, id.to_owned()))).collect()
}

/// The head of a file about a site.
pub(super) fn metadata(subject: &Subject<'_>, title: String) -> Metadata {
    let (log, head) = subject.log;
    let mut metadata = Metadata::new(title, subject.exported.0, head.size.to_string());
    let (estate, exporter) = (name::own(subject, "party", "estate"), name::own(subject, "party", "exporter"));
    metadata.props = vec![
        Property::own("site", subject.site),
        Property::own("rehearsal", subject.rehearsal),
        Property::own("journal-log", log),
        Property::own("journal-size", head.size),
        Property::own("journal-root", head.root),
    ];
    metadata.props.extend(subject.wave.map(|wave| Property::own("wave", wave)));
    metadata.roles = vec![Role { id: EXPORTER, title: "Who exported the evidence" }];
    metadata.parties = vec![
        Party { uuid: estate, kind: "organization", name: subject.estate.to_owned() },
        Party { uuid: exporter, kind: "person", name: subject.exported.1.to_owned() },
    ];
    metadata.responsible_parties = vec![ResponsibleParty { role_id: EXPORTER, party_uuids: vec![exporter] }];
    if subject.rehearsal {
        metadata.remarks = Some("A rehearsal: nothing of it really happened.".to_owned());
    }
    metadata
}

pub(super) fn tool(subject: &Subject<'_>) -> Uuid {
    name::own(subject, "component", "tool")
}

/// The site as a component.
pub(super) fn site_component(subject: &Subject<'_>) -> Component {
    Component {
        uuid: name::own(subject, "component", "site"),
        kind: "service",
        title: format!("Databricks at site {}", subject.site),
        description: "Workspaces, catalogs, keys, networks and groups of the site.".to_owned(),
        props: vec![Property::own("site", subject.site)],
        status: Status { state: "operational" },
    }
}

/// The program as a component.
pub(super) fn tool_component(subject: &Subject<'_>) -> Component {
    Component {
        uuid: tool(subject),
        kind: "software",
        title: "Landfall".to_owned(),
        description: "Carried out the plan and read the settings back.".to_owned(),
        props: vec![Property::known("version", subject.tool)],
        status: Status { state: "operational" },
    }
}

/// One observation for each kind that has an outcome.
pub(super) fn observations(catalogue: &Catalogue, subject: &Subject<'_>) -> Vec<Observation> {
    planned(subject).filter_map(|(kind, standing)| observation(catalogue, subject, kind, standing)).collect()
}

fn observation(
    catalogue: &Catalogue,
    subject: &Subject<'_>,
    kind: &str,
    standing: &KindStanding,
) -> Option<Observation> {
    let seen = || standing.seen.values().flatten();
    let collected = seen().map(|seen| seen.at).max()?;
    let result = match standing.state {
        KindState::Held => "pass",
        KindState::Failed => "fail",
        KindState::Expired => "expired",
        KindState::Waived => "waived",
        KindState::Partial | KindState::NotRun | KindState::Manual | KindState::NotApplicable => "incomplete",
    };
    let known = catalogue.kinds().get(kind);
    let shows = known.map_or(kind, |kind| kind.shows.as_str());
    // What a program read back is a test; what people bring is a document that was looked at.
    let (parts, methods) = match known.map(|kind| (kind.by, kind.inputs.is_empty())) {
        Some((Source::Person, _)) => ("parts", vec!["EXAMINE"]),
        Some((Source::Step | Source::Program, false)) => ("parts", vec!["TEST"]),
        Some((Source::Step | Source::Program, true)) | None => ("steps", vec!["TEST"]),
    };
    let held = standing.held;
    let why = if standing.why.is_empty() { String::new() } else { format!(" {}.", cut(&standing.why)) };
    let mut props = vec![
        Property::own("result", result),
        Property::own("steps-planned", standing.planned),
        Property::own("steps-held", held),
    ];
    for (log, seqs) in standing.entries() {
        let seqs: Vec<String> = seqs.iter().map(u64::to_string).collect();
        props.push(Property::own("journal-entries", format!("{log} {}", seqs.join(" "))));
    }
    Some(Observation {
        uuid: name::own(subject, "observation", kind),
        title: kind.to_owned(),
        description: format!("{shows}: {held} of {} {parts} hold.{why}", standing.planned),
        props,
        methods,
        types: vec!["control-objective"],
        origins: vec![Origin::tool(tool(subject))],
        subjects: vec![SubjectReference {
            subject_uuid: name::own(subject, "component", "site"),
            kind: "component",
        }],
        relevant_evidence: evidence(subject, standing),
        collected,
        expires: standing.expires,
    })
}

fn evidence(subject: &Subject<'_>, standing: &KindStanding) -> Vec<RelevantEvidence> {
    let link = |resource: &Resource| RelevantEvidence {
        href: format!("#{}", resource.uuid),
        description: resource.title.clone(),
    };
    let named: Vec<Resource> = named_files(subject, standing).into_values().collect();
    record(subject).iter().chain(&named).map(link).collect()
}

/// The files of the bundle that a kind's entries name.
fn named_files(subject: &Subject<'_>, standing: &KindStanding) -> BTreeMap<String, Resource> {
    let refs = standing.seen.values().flatten().flat_map(|seen| &seen.refs);
    let placed = refs.filter_map(|named| Some((named.sha256, subject.files.get(&named.sha256)?)));
    placed.map(|(digest, path)| (path.clone(), resource(subject, path, &digest))).collect()
}

/// The log itself, which every observation is taken from.
fn record(subject: &Subject<'_>) -> Vec<Resource> {
    let files = subject.files.iter().filter(|(_, path)| path.as_str() == "journal/site.jsonl");
    files.map(|(digest, path)| resource(subject, path, digest)).collect()
}

/// All files of the bundle that observations name.
pub(super) fn resources(subject: &Subject<'_>) -> Vec<Resource> {
    let mut all: BTreeMap<String, Resource> = BTreeMap::new();
    for (_, standing) in planned(subject).filter(|(_, standing)| !standing.seen.is_empty()) {
        all.extend(named_files(subject, standing));
    }
    record(subject).into_iter().chain(all.into_values()).collect()
}

fn resource(subject: &Subject<'_>, path: &str, digest: &Digest) -> Resource {
    let media_type = if path.ends_with(".json") { "application/json" } else { "text/plain" };
    let hash = Hash { algorithm: "SHA-256", value: digest.to_string() };
    Resource {
        uuid: name::own(subject, "resource", path),
        title: path.to_owned(),
        description: None,
        rlinks: vec![ResourceLink { href: format!("../{path}"), media_type, hashes: vec![hash] }],
    }
}

/// The kinds whose evidence has failed, grown too old, or is missing with somebody's word.
pub(super) fn at_risk<'s>(subject: &Subject<'s>) -> impl Iterator<Item = (&'s str, &'s KindStanding)> {
    planned(subject).filter(|(_, standing)| match standing.state {
        KindState::Failed | KindState::Expired | KindState::Waived => true,
        KindState::Held
        | KindState::Partial
        | KindState::NotRun
        | KindState::Manual
        | KindState::NotApplicable => false,
    })
}

/// The open findings about controls, each once.
pub(super) fn open_findings<'s>(subject: &Subject<'s>) -> BTreeMap<u64, &'s OpenFinding> {
    let open = subject.rows.iter().flat_map(|row| &row.findings);
    open.map(|finding| (finding.entry, finding)).collect()
}

/// What the risk and the open item of a finding are named after.
pub(super) fn finding_name(finding: &OpenFinding) -> String {
    format!("finding-{}", finding.entry)
}

/// One open risk for each of them.
pub(super) fn risks(catalogue: &Catalogue, subject: &Subject<'_>) -> Vec<Risk> {
    let risk = |(kind, standing): (&str, &KindStanding)| {
        let controls: Vec<String> = tokens(catalogue, [kind]).into_keys().collect();
        Risk {
            uuid: name::own(subject, "risk", kind),
            title: title(catalogue, kind),
            description: cut(&standing.why),
            statement: format!(
                "While it does not hold, these are not fully evidenced: {}.",
                controls.join(", ")
            ),
            status: if standing.state == KindState::Waived { "deviation-approved" } else { "open" },
            deadline: standing.expires.filter(|_| standing.state == KindState::Waived),
            origins: vec![Origin::tool(tool(subject))],
            related_observations: vec![RelatedObservation {
                observation_uuid: name::own(subject, "observation", kind),
            }],
        }
    };
    let found = |finding: &OpenFinding| Risk {
        uuid: name::own(subject, "risk", &finding_name(finding)),
        title: format!("Finding {}: {}", finding.entry, cut(&finding.title)),
        description: format!("Open since {}, {}.", finding.since, finding.severity),
        statement: "Found by people at a control; closed with the entry that shows that it is mended."
            .to_owned(),
        status: "open",
        deadline: finding.due,
        origins: vec![Origin::tool(tool(subject))],
        related_observations: Vec::new(),
    };
    at_risk(subject).map(risk).chain(open_findings(subject).into_values().map(found)).collect()
}

/// What a risk is called.
pub(super) fn title(catalogue: &Catalogue, kind: &str) -> String {
    let shows = catalogue.kinds().get(kind).map_or("unknown", |kind| kind.shows.as_str());
    format!("Not shown: {shows}")
}

/// A reason on one line, cut where it is long.
fn cut(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = line.chars().take(REASON_CHARS_MAX).collect();
    if short.is_empty() { "no reason is recorded".to_owned() } else { short }
}
