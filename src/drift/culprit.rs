//! Who changed an object, from the events of an audit log: the newest call of its kind that speaks of it.

use std::collections::BTreeSet;

use crate::base::time::Timestamp;
use crate::model::audit::AuditEvent;
use crate::model::drift::{Drift, Who};
use crate::model::kind::{Kind, Level};

/// Objects below this path belong to the metastore, and a call may reach them through any of its workspaces.
const OF_THE_METASTORE: &str = "/api/2.1/unity-catalog/";

/// Who brought an object into the state it was found in, if an event tells. `held` is when our log last knew it to be as
/// desired: what was done before does not explain what is different now.
pub fn culprit(events: &[AuditEvent], kind: &Kind, drift: &Drift, held: Option<Timestamp>) -> Option<Who> {
    let id: Vec<&str> = drift.id.as_deref()?.split('/').filter(|part| !part.is_empty()).collect();
    let paths = paths(kind);
    let told =
        events.iter().rev().take_while(|event| held.is_none_or(|held| event.at > held)).find(|event| {
            paths.iter().any(|template| fits(template, &event.path))
                && is_in_place(kind, drift, event)
                && id
                    .iter()
                    .all(|part| event.subjects.iter().any(|subject| subject.eq_ignore_ascii_case(part)))
        });
    told.map(|event| Who { id: event.who.clone(), at: Some(event.at) })
}

/// The paths of the calls that change objects of a kind.
pub(super) fn paths(kind: &Kind) -> BTreeSet<&str> {
    let calls = &kind.calls;
    let writes = [&calls.create, &calls.delete].into_iter().flatten().map(|write| write.path.as_str());
    writes.chain(calls.update.as_ref().map(|update| update.path.as_str())).collect()
}

/// Whether a path is one of a template: what stands in braces is any one part.
pub(super) fn fits(template: &str, path: &str) -> bool {
    let (mut wanted, mut found) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), found.next()) {
            (None, None) => return true,
            // Keeps its slashes, so it may be several parts.
            (Some(wanted), Some(_)) if wanted.starts_with("{+") => return true,
            (Some(wanted), Some(found)) if wanted.contains('{') || wanted == found => {}
            _ => return false,
        }
    }
}

fn is_in_place(kind: &Kind, drift: &Drift, event: &AuditEvent) -> bool {
    match (kind.level, &drift.workspace) {
        (Level::Account, _) | (Level::Workspace, None) => true,
        (Level::Workspace, Some(workspace)) => {
            event.workspace == *workspace || event.path.starts_with(OF_THE_METASTORE)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Registry;
    use crate::model::drift::DriftClass;

    fn event(at: i64, who: &str, path: &str, workspace: &str, subjects: &[&str]) -> AuditEvent {
        let own = path.split('/').chain(subjects.iter().copied()).map(str::to_owned).collect();
        let (path, workspace) = (path.to_owned(), workspace.to_owned());
        AuditEvent {
            seq: at.unsigned_abs(),
            at: Timestamp::from_millis(at),
            who: who.to_owned(),
            method: "POST".to_owned(),
            path,
            workspace,
            subjects: own,
        }
    }

    fn asked(kind: &str, id: &str, workspace: Option<&str>, held: Option<i64>) -> Option<String> {
        let events = [
            event(1, "eve", "/api/2.1/unity-catalog/schemas/prod.gold", "7", &[]),
            event(2, "tom", "/api/2.0/settings/types/disable_legacy_dbfs/names/default", "7", &[]),
            event(3, "ann", "/api/2.0/settings/types/disable_legacy_dbfs/names/default", "8", &[]),
            event(4, "bob", "/api/2.0/policies/clusters/edit", "7", &["P1"]),
            event(5, "joe", "/api/2.1/unity-catalog/permissions/catalog/prod", "8", &["SELECT"]),
            event(6, "ada", "/api/2.1/unity-catalog/schemas", "7", &["Prod.gold"]),
        ];
        let kind = Registry::standard().get(&kind.parse().unwrap()).unwrap();
        let drift = Drift {
            scope: "site/HRB01".parse().unwrap(),
            object: "x".to_owned(),
            step: None,
            kind: kind.name.clone(),
            id: Some(id.to_owned()),
            title: None,
            class: DriftClass::Changed,
            fields: Vec::new(),
            since: None,
            workspace: workspace.map(str::to_owned),
            who: None,
        };
        culprit(&events, kind, &drift, held.map(Timestamp::from_millis)).map(|who| who.id)
    }

    #[test]
    fn the_newest_call_that_speaks_of_the_object_tells_who_it_was() {
        let told = |kind, id, workspace, held| asked(kind, id, workspace, held).unwrap_or_default();
        assert_eq!(told("databricks.schema", "prod.gold", Some("9"), None), "ada", "through any workspace");
        assert_eq!(told("databricks.schema", "prod.silver", None, None), "");
        assert_eq!(
            told("databricks.schema", "prod.gold", None, Some(6)),
            "",
            "what was before explains nothing"
        );
        assert_eq!(told("databricks.workspace_setting", "disable_legacy_dbfs", Some("7"), None), "tom");
        assert_eq!(told("databricks.workspace_setting", "disable_legacy_dbfs", Some("8"), None), "ann");
        assert_eq!(told("databricks.cluster_policy", "P1", Some("7"), Some(3)), "bob");
        assert_eq!(told("databricks.grants", "catalog/prod", Some("7"), None), "joe");
        assert_eq!(told("databricks.volume", "prod.gold", Some("7"), None), "", "another kind");
    }
}
