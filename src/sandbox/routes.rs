//! The table of paths: which service serves what.

use super::answer::{Outcome, Refusal};
use super::visit::Visit;
use super::{
    assignments, billing, catalogs, clusters, grants, lineage, locations, metastores, networking,
    permissions, policies, provisioning, schemas, scim, settings, tags, workspaces,
};

/// Account paths: `rest` is what follows the account id.
pub(super) fn account(visit: &mut Visit<'_>, version: &str, rest: &[&str]) -> Outcome {
    let method = visit.call.method.clone();
    let method = method.as_str();
    match (version, rest) {
        ("2.0", ["scim", "v2", rest @ ..]) => scim::account(visit, method, rest),
        ("2.0", ["workspaces", workspace, "permissionassignments", rest @ ..]) => {
            assignments::serve(visit, method, workspace, rest)
        }
        ("2.0", ["workspaces", workspace, "network"]) => networking::option(visit, method, workspace),
        ("2.0", ["workspaces", workspace, "metastore"]) => {
            metastores::assignment(visit, method, workspace, None)
        }
        ("2.0", ["workspaces", workspace, "metastores", metastore]) => {
            metastores::assignment(visit, method, workspace, Some(metastore))
        }
        ("2.0", ["workspaces", rest @ ..]) => workspaces::serve(visit, method, rest),
        ("2.0", ["metastores", rest @ ..]) => metastores::account(visit, method, rest),
        ("2.0", ["network-connectivity-configs", rest @ ..]) => networking::configs(visit, method, rest),
        ("2.0", ["network-policies", rest @ ..]) => networking::policies(visit, method, rest),
        ("2.0", ["log-delivery", rest @ ..]) => billing::log_delivery(visit, method, rest),
        ("2.1", ["budgets", rest @ ..]) => billing::budgets(visit, method, rest),
        ("2.1", ["budget-policies", rest @ ..]) => billing::policies(visit, method, rest),
        ("2.0", ["settings", "types", kind, "names", "default"]) => settings::serve(visit, method, kind),
        ("2.0", [path, rest @ ..]) => provisioning::serve(visit, method, path, rest),
        _ => Err(Refusal::not_served(method, &visit.call.path)),
    }
}

/// Workspace paths: `segments` is what follows `/api`.
pub(super) fn workspace(visit: &mut Visit<'_>, segments: &[&str]) -> Outcome {
    let method = visit.call.method.clone();
    let method = method.as_str();
    match segments {
        ["2.1", "unity-catalog", rest @ ..] => unity_catalog(visit, method, rest),
        ["2.0", "lineage-tracking", "table-lineage"] => {
            metastores::enter(visit)?;
            lineage::serve(visit, method)
        }
        ["2.1", "clusters", verb] => clusters::serve(visit, method, verb),
        ["2.0", "policies", "clusters", verb] => policies::serve(visit, method, verb),
        ["2.0", "permissions", rest @ ..] => permissions::serve(visit, method, rest),
        ["2.0", "settings", "types", kind, "names", "default"] => settings::serve(visit, method, kind),
        ["2.0", "preview", "scim", "v2", rest @ ..] => scim::workspace(visit, method, rest),
        _ => Err(Refusal::not_served(method, &visit.call.path)),
    }
}

fn unity_catalog(visit: &mut Visit<'_>, method: &str, rest: &[&str]) -> Outcome {
    metastores::enter(visit)?;
    match rest {
        ["metastore_summary" | "current-metastore-assignment" | "metastores" | "workspaces", ..] => {
            metastores::workspace(visit, method, rest)
        }
        ["storage-credentials", rest @ ..] => locations::credentials(visit, method, rest),
        ["validate-storage-credentials"] => locations::validate(visit, method),
        ["external-locations", rest @ ..] => locations::serve(visit, method, rest),
        ["catalogs", rest @ ..] => catalogs::serve(visit, method, rest),
        ["schemas", rest @ ..] => schemas::serve(visit, method, rest),
        ["tables", rest @ ..] => lineage::tables(visit, method, rest),
        ["volumes", rest @ ..] => schemas::volumes(visit, method, rest),
        ["permissions", kind, name] => grants::permissions(visit, method, kind, name),
        ["privilege-assignments", kind, name] => grants::assignments(visit, method, kind, name),
        ["effective-permissions", kind, name] => grants::effective(visit, method, kind, name),
        ["bindings", kind, name] => grants::bindings(visit, method, kind, name),
        ["entity-tag-assignments", rest @ ..] => tags::serve(visit, method, rest),
        _ => Err(Refusal::not_served(method, &visit.call.path)),
    }
}
