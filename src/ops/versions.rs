//! Which site runs which versions of the packs, and by what it is behind the estate's files.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::base::id::{PackName, ScopeId};
use crate::base::time::Timestamp;
use crate::journal::Journal;
use crate::kind::Registry;
use crate::model::pack::PackScope;
use crate::model::plan::{PLAN_VERSION, PackLock};
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::plan::{Asked, scopes, select, waves};
use crate::ops::releases;

/// What a scope stands at.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Standing {
    /// The scope.
    pub scope: ScopeId,
    /// Its newest release; none if no run of it ended well.
    pub release: Option<String>,
    /// When that was last found to be so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<Timestamp>,
    /// The packs of that release which make something for such a scope.
    pub packs: BTreeMap<PackName, PackLock>,
    /// What of them is otherwise in the estate's files now.
    pub behind: Vec<Behind>,
}

/// A pack that a scope has in another version than the estate's files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Behind {
    /// The pack.
    pub pack: PackName,
    /// What the scope has; none if the pack is new.
    pub has: Option<PackLock>,
    /// What the files have; none if the pack is gone.
    pub files: Option<PackLock>,
}

/// What this program and this estate are pinned to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pins {
    /// The program.
    pub program: String,
    /// Format of plans.
    pub plan_format: u32,
    /// Versions of the Databricks APIs that are called, taken from the tables of kinds.
    pub apis: BTreeSet<String>,
    /// Databricks runtimes that the estate allows.
    pub runtimes: Vec<String>,
    /// The packs in the estate's files.
    pub packs: BTreeMap<PackName, PackLock>,
}

/// What everything is pinned to.
pub fn pins(desired: &Desired) -> Pins {
    let sites = desired.resolved.scopes.values().filter_map(|scope| scope.value("site"));
    let runtimes = sites.filter_map(|site| site.get("runtimes"));
    let runtimes = runtimes.filter_map(|value| value.as_array()).flatten().filter_map(|value| value.as_str());
    let runtimes: BTreeSet<String> = runtimes.map(str::to_owned).collect();
    Pins {
        program: format!("landfall {}", env!("CARGO_PKG_VERSION")),
        plan_format: PLAN_VERSION,
        apis: apis(),
        runtimes: runtimes.into_iter().collect(),
        packs: desired.loaded.pack_locks(),
    }
}

/// `/api/2.1/unity-catalog/…` is version 2.1 of it.
fn apis() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for kind in Registry::standard().kinds() {
        let calls = &kind.calls;
        let writes = [&calls.create, &calls.delete].into_iter().flatten().map(|write| write.path.as_str());
        let others = calls.update.iter().map(|update| update.path.as_str());
        let reads = calls.read.iter().map(|read| read.path.as_str());
        for path in writes.chain(others).chain(reads) {
            let mut parts = path.split('/').filter(|part| !part.is_empty()).skip(1);
            if let (Some(version), Some(service)) = (parts.next(), parts.next()) {
                found.insert(format!("{service} {version}"));
            }
        }
    }
    found
}

/// What the scopes of a selection stand at.
///
/// # Errors
///
/// If the selection names what is not there, or a log is damaged.
pub fn standings(desired: &Desired, asked: &Asked, journal: &dyn Journal) -> Result<Vec<Standing>, Failure> {
    let selection = select(desired, asked)?;
    let chosen = scopes(desired, &waves(desired, &selection));
    chosen.into_iter().map(|scope| standing(desired, scope, journal)).collect()
}

fn standing(desired: &Desired, scope: ScopeId, journal: &dyn Journal) -> Result<Standing, Failure> {
    let history = releases::history(journal, &scope)?;
    let Some(release) = history.known_good() else {
        return Ok(Standing {
            scope,
            release: None,
            confirmed: None,
            packs: BTreeMap::new(),
            behind: Vec::new(),
        });
    };
    let sort = match &scope {
        ScopeId::Account => PackScope::Account,
        ScopeId::Region(_) => PackScope::Region,
        ScopeId::Site(_) => PackScope::Site,
    };
    let files: BTreeMap<&PackName, PackLock> = desired
        .loaded
        .packs
        .iter()
        .filter(|(_, pack)| pack.scope == sort)
        .map(|(name, pack)| (name, pack.lock()))
        .collect();
    // A pack that is in the files no longer is taken to have been one for such a scope.
    let is_own = |name: &PackName| files.contains_key(name) || !desired.loaded.packs.contains_key(name);
    let packs: BTreeMap<PackName, PackLock> = release
        .packs
        .iter()
        .filter(|(name, _)| is_own(name))
        .map(|(name, lock)| (name.clone(), lock.clone()))
        .collect();
    let names: BTreeSet<&PackName> = packs.keys().chain(files.keys().copied()).collect();
    let behind = names.into_iter().filter_map(|name| {
        let (has, files) = (packs.get(name).cloned(), files.get(name).cloned());
        (has != files).then(|| Behind { pack: name.clone(), has, files })
    });
    let behind = behind.collect();
    Ok(Standing { release: Some(release.name()), confirmed: Some(release.confirmed), packs, behind, scope })
}
