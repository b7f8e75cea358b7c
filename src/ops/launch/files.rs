//! The files behind a launch: its plan, what each scope may see of it, and what was rendered.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::base::digest::{Digest, canonical_bytes};
use crate::base::id::ScopeId;
use crate::base::limits::LAUNCH_FILES_BYTES_AT_ONCE;
use crate::journal::{Journal, Line};
use crate::model::entry::BlobRef;
use crate::model::plan::SavedPlan;
use crate::model::rendered::Rendered;
use crate::ops::error::Failure;
use crate::ops::plan;
use crate::policy::RULES;

use super::{CHANGE_FILE, PLAN_FILE, RENDERED_FILE, RULES_FILE};

/// The files behind a launch, in the journal.
#[derive(Debug, Clone)]
pub(super) struct Files {
    pub(super) plan: BlobRef,
    pub(super) list: BlobRef,
    /// The change that it is launched on, if there is one.
    pub(super) change: Option<BlobRef>,
    /// The rules that were held against the files, unless the plan leads back to what was there before.
    rules: Option<BlobRef>,
    /// Path and digest of each scope's rendered files.
    rendered: BTreeMap<ScopeId, BTreeMap<String, Digest>>,
}

/// What each scope may see of a plan, by digest: no log but the organisation's names all sites.
pub(super) type Excerpts = BTreeMap<ScopeId, Digest>;

impl Files {
    /// Stores the files of a launch that begins.
    pub(super) fn store(
        saved: &SavedPlan,
        rendered: &BTreeMap<ScopeId, Rendered>,
        journal: &mut dyn Journal,
    ) -> Result<(Self, Excerpts), Failure> {
        let mut batch = Batch::new(journal);
        let bytes = serde_json::to_vec(saved).map_err(|e| Failure::failed(e.to_string()))?;
        let plan = named(PLAN_FILE, batch.put(Cow::Owned(bytes))?);
        let mut files: BTreeMap<ScopeId, BTreeMap<String, Digest>> = BTreeMap::new();
        for (scope, of) in rendered.iter().filter(|(scope, _)| saved.plan.scopes.contains_key(scope)) {
            let own = files.entry(scope.clone()).or_default();
            for (path, text) in &of.files {
                own.insert(path.clone(), batch.put(Cow::Borrowed(text.as_bytes()))?);
            }
        }
        let list = named(RENDERED_FILE, batch.put(Cow::Owned(canonical_bytes(&files)))?);
        let rules = match saved.plan.rollback {
            None => Some(named(RULES_FILE, batch.put(Cow::Owned(canonical_bytes(&rules(saved))))?)),
            Some(_) => None,
        };
        let mut excerpts = Excerpts::new();
        for (scope, excerpt) in saved.excerpts() {
            excerpts.insert(scope.clone(), batch.put(Cow::Owned(canonical_bytes(&excerpt)))?);
        }
        batch.close()?;
        Ok((Self { plan, list, change: None, rules, rendered: files }, excerpts))
    }

    pub(super) fn load(started: &Line, journal: &dyn Journal) -> Result<(Self, SavedPlan), Failure> {
        let given = |path: &str| started.entry.refs.iter().find(|blob| blob.path == path).cloned();
        let expected = |path: &str| {
            given(path).ok_or_else(|| Failure::NotVerified {
                what: format!("entry {} of the org log does not name {path}", started.entry.seq),
            })
        };
        let (plan_file, list) = (expected(PLAN_FILE)?, expected(RENDERED_FILE)?);
        let rendered = serde_json::from_slice(&journal.get_blob(&list.sha256)?)
            .map_err(|e| Failure::NotVerified { what: format!("{RENDERED_FILE}: {e}") })?;
        let saved = plan::parse(&journal.get_blob(&plan_file.sha256)?)
            .map_err(|what| Failure::NotVerified { what: format!("{PLAN_FILE}: {what}") })?;
        let (change, rules) = (given(CHANGE_FILE), given(RULES_FILE));
        Ok((Self { plan: plan_file, list, change, rules, rendered }, saved))
    }

    /// What the first entry of the launch names.
    pub(super) fn launch_refs(&self) -> Vec<BlobRef> {
        [&self.plan, &self.list].into_iter().chain(&self.change).chain(&self.rules).cloned().collect()
    }

    /// What the first entry of each scope's run names.
    pub(super) fn run_refs(&self, excerpts: &Excerpts) -> BTreeMap<ScopeId, Vec<BlobRef>> {
        let of = |scope: &ScopeId, files: &BTreeMap<String, Digest>| {
            let rendered = files.iter().map(|(path, sha256)| named(&format!("rendered/{path}"), *sha256));
            let given = self.change.iter().chain(&self.rules).cloned();
            let own = excerpts.get(scope).map(|sha256| named(PLAN_FILE, *sha256)).into_iter().chain(given);
            own.chain(rendered).collect()
        };
        self.rendered.iter().map(|(scope, files)| (scope.clone(), of(scope, files))).collect()
    }
}

/// The excerpts of a plan whose files were stored when its launch began.
pub(super) fn excerpts(saved: &SavedPlan) -> Excerpts {
    saved.excerpts().map(|(scope, excerpt)| (scope.clone(), Digest::of(&canonical_bytes(&excerpt)))).collect()
}

fn named(path: &str, sha256: Digest) -> BlobRef {
    BlobRef { path: path.to_owned(), sha256 }
}

/// Files on their way into the journal: many in one durable step, because each step costs a write to the disk, and no
/// more at once than is worth it, because those of a thousand sites are larger than all else that a launch holds.
struct Batch<'s> {
    journal: &'s mut dyn Journal,
    waiting: Vec<Cow<'s, [u8]>>,
    size: usize,
}

impl<'s> Batch<'s> {
    fn new(journal: &'s mut dyn Journal) -> Self {
        Self { journal, waiting: Vec::new(), size: 0 }
    }

    /// Takes a file, and gives its name.
    fn put(&mut self, bytes: Cow<'s, [u8]>) -> Result<Digest, Failure> {
        let name = Digest::of(&bytes);
        self.size += bytes.len();
        self.waiting.push(bytes);
        if self.size >= LAUNCH_FILES_BYTES_AT_ONCE {
            self.close()?;
        }
        Ok(name)
    }

    /// Stores what waits.
    fn close(&mut self) -> Result<(), Failure> {
        let waiting = std::mem::take(&mut self.waiting);
        self.size = 0;
        let blobs: Vec<&[u8]> = waiting.iter().map(|bytes| &**bytes).collect();
        self.journal.put_blobs(&blobs)?;
        Ok(())
    }
}

/// What was held against the files behind a plan: an estate in which a rule finds a mistake is not launched.
fn rules(saved: &SavedPlan) -> serde_json::Value {
    let rules: Vec<serde_json::Value> = RULES
        .iter()
        .map(|rule| serde_json::json!({ "rule": rule.id, "asks": rule.about, "mistakes": 0 }))
        .collect();
    serde_json::json!({ "v": 1, "tool": saved.plan.tool, "plan": saved.digest, "rules": rules })
}
