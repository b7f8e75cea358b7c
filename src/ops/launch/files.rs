//! The files behind a launch: its plan, what each scope may see of it, and what was rendered.

use std::collections::BTreeMap;

use crate::base::digest::{Digest, canonical_bytes};
use crate::base::id::ScopeId;
use crate::journal::{Journal, Line};
use crate::model::entry::BlobRef;
use crate::model::plan::{PlanExcerpt, SavedPlan};
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
    /// What each scope may see of the plan: no log but the organisation's names all sites.
    excerpts: BTreeMap<ScopeId, BlobRef>,
    /// Path and digest of each scope's rendered files.
    rendered: BTreeMap<ScopeId, BTreeMap<String, Digest>>,
}

impl Files {
    pub(super) fn store(
        saved: &SavedPlan,
        rendered: &BTreeMap<ScopeId, Rendered>,
        journal: &mut dyn Journal,
    ) -> Result<Self, Failure> {
        let mut files: BTreeMap<ScopeId, BTreeMap<String, Digest>> = BTreeMap::new();
        let mut blobs: Vec<&[u8]> = Vec::new();
        for (scope, of) in rendered.iter().filter(|(scope, _)| saved.plan.scopes.contains_key(scope)) {
            blobs.extend(of.files.values().map(|text| text.as_bytes()));
            let digests = of.files.iter().map(|(path, text)| (path.clone(), Digest::of(text.as_bytes())));
            files.insert(scope.clone(), digests.collect());
        }
        let bytes = serde_json::to_vec(saved).map_err(|e| Failure::failed(e.to_string()))?;
        let listed = canonical_bytes(&files);
        let excerpts: BTreeMap<ScopeId, Vec<u8>> = saved
            .excerpts()
            .iter()
            .map(|(scope, excerpt)| (scope.clone(), canonical_bytes(excerpt)))
            .collect();
        let rules = saved.plan.rollback.is_none().then(|| canonical_bytes(&rules(saved)));
        blobs.extend([&*bytes, &*listed]);
        blobs.extend(rules.as_deref());
        blobs.extend(excerpts.values().map(|bytes| &**bytes));
        // All in one durable step: one by one, each would cost a write to the disk of its own.
        journal.put_blobs(&blobs)?;
        let named = |path: &str, bytes: &[u8]| BlobRef { path: path.to_owned(), sha256: Digest::of(bytes) };
        let (plan, list) = (named(PLAN_FILE, &bytes), named(RENDERED_FILE, &listed));
        let rules = rules.map(|bytes| named(RULES_FILE, &bytes));
        let excerpts =
            excerpts.iter().map(|(scope, bytes)| (scope.clone(), named(PLAN_FILE, bytes))).collect();
        Ok(Self { plan, list, change: None, rules, excerpts, rendered: files })
    }

    pub(super) fn load(started: &Line, journal: &dyn Journal) -> Result<(Self, SavedPlan), Failure> {
        let named = |path: &str| {
            let blob = started.entry.refs.iter().find(|blob| blob.path == path).cloned();
            blob.ok_or_else(|| Failure::NotVerified {
                what: format!("entry {} of the org log does not name {path}", started.entry.seq),
            })
        };
        let (plan_file, list) = (named(PLAN_FILE)?, named(RENDERED_FILE)?);
        let rendered = serde_json::from_slice(&journal.get_blob(&list.sha256)?)
            .map_err(|e| Failure::NotVerified { what: format!("{RENDERED_FILE}: {e}") })?;
        let saved = plan::parse(&journal.get_blob(&plan_file.sha256)?)
            .map_err(|what| Failure::NotVerified { what: format!("{PLAN_FILE}: {what}") })?;
        let excerpt = |(scope, excerpt): (ScopeId, PlanExcerpt)| {
            let sha256 = Digest::of(&canonical_bytes(&excerpt));
            (scope, BlobRef { path: PLAN_FILE.to_owned(), sha256 })
        };
        let excerpts = saved.excerpts().into_iter().map(excerpt).collect();
        let given = |path: &str| started.entry.refs.iter().find(|blob| blob.path == path).cloned();
        let (change, rules) = (given(CHANGE_FILE), given(RULES_FILE));
        Ok((Self { plan: plan_file, list, change, rules, excerpts, rendered }, saved))
    }

    /// What the first entry of the launch names.
    pub(super) fn launch_refs(&self) -> Vec<BlobRef> {
        [&self.plan, &self.list].into_iter().chain(&self.change).chain(&self.rules).cloned().collect()
    }

    /// What the first entry of each scope's run names.
    pub(super) fn run_refs(&self) -> BTreeMap<ScopeId, Vec<BlobRef>> {
        let of = |scope: &ScopeId, files: &BTreeMap<String, Digest>| {
            let rendered = files
                .iter()
                .map(|(path, sha256)| BlobRef { path: format!("rendered/{path}"), sha256: *sha256 });
            let given = self.change.iter().chain(&self.rules).cloned();
            let own = self.excerpts.get(scope).cloned().into_iter().chain(given);
            own.chain(rendered).collect()
        };
        self.rendered.iter().map(|(scope, files)| (scope.clone(), of(scope, files))).collect()
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
