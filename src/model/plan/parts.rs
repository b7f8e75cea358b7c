//! A plan in parts, so that one scope's part can be shown and proven without showing any other.
//!
//! The digest of a plan names its [`PlanHead`], and the head names every part by a digest over the part and a salt.
//! Salts follow from the whole plan: the same plan always has the same digest, and whoever holds only some parts can
//! try out names or contents of the others only by guessing all of them at once, to the last byte.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::digest::{Digest, ObjectDigest, canonical_bytes};
use crate::base::id::{LogId, PackName, ScopeId, SiteCode};
use crate::base::time::Timestamp;
use crate::model::authority::ApprovalNeed;

use super::{
    Consent, FleetPlan, LogHead, Overview, PLAN_VERSION, PackLock, Plan, RollbackOf, ScopePlan, Selection,
    TargetName,
};

/// What stands before a site's code in the path of its input file.
const SITE_FILE_PREFIX: &str = "sites/";
/// What stands behind it.
const SITE_FILE_SUFFIX: &str = ".toml";
/// The input files that every part may know of: they are the same for all sites.
const COMMON_INPUTS: [&str; 2] = ["sites/estate.toml", "templates/"];

/// What all parts of a plan have in common, and their digests. Names no site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanHead {
    /// Format version.
    pub v: u32,
    /// The program that made it.
    pub tool: String,
    /// The estate's name.
    pub estate: String,
    /// The estate's lineage.
    pub lineage: String,
    /// Where it is to be carried out.
    pub target: TargetName,
    /// Digest of every input file that is not about one site.
    pub inputs: BTreeMap<String, Digest>,
    /// Version and digest of every pack.
    pub packs: BTreeMap<PackName, PackLock>,
    /// The digest of what was selected and in which order sites run.
    pub launch: Digest,
    /// The digests of the parts of the account and of regions.
    pub shared: BTreeMap<ScopeId, Digest>,
    /// The digests of the parts of sites, without their codes.
    pub sites: BTreeSet<Digest>,
    /// The release that the plan leads back to. Such a plan has one scope only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<RollbackOf>,
    /// What the estate accepts beforehand of that which cannot be undone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consents: Vec<Consent>,
    /// Whether sites of a wave were left out. Which ones, only the launch's own log tells.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
}

/// Everything that a plan says about one scope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopePart {
    /// Keeps others from guessing the part from its digest.
    pub salt: Digest,
    /// The scope.
    pub scope: ScopeId,
    /// Its steps.
    pub plan: ScopePlan,
    /// Its parameters by dotted path.
    pub parameters: BTreeMap<String, Value>,
    /// Size and root of its log at the time of planning; nothing for an empty one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<LogHead>,
    /// Digests of the input files that are about this scope alone.
    pub inputs: BTreeMap<String, Digest>,
    /// The approvals that it needs, as if it were alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<ApprovalNeed>,
}

/// What a plan says about the launch as a whole; it names all of its sites.
#[derive(Serialize)]
struct LaunchPart<'p> {
    salt: Digest,
    selection: &'p Selection,
    fleet: &'p FleetPlan,
    heads: BTreeMap<&'p LogId, &'p LogHead>,
    parameters: BTreeMap<&'p ScopeId, &'p BTreeMap<String, Value>>,
    inputs: BTreeMap<&'p String, &'p Digest>,
    #[serde(skip_serializing_if = "Overview::is_empty")]
    overview: &'p Overview,
    #[serde(skip_serializing_if = "<[ApprovalNeed]>::is_empty")]
    approvals: &'p [ApprovalNeed],
}

/// A plan as one scope may see it: the head, and the scope's own part. The digest names both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanExcerpt {
    /// The whole plan's digest.
    pub digest: Digest,
    /// When the plan was made.
    pub made_at: Timestamp,
    /// The head.
    pub head: PlanHead,
    /// The scope's own part.
    pub part: ScopePart,
}

/// Why something is not an excerpt of a plan.
#[derive(Debug, thiserror::Error)]
pub enum BadExcerpt {
    /// It has no version, or one that is not known.
    #[error("its format is not known: install a newer landfall")]
    Version,
    /// It is no JSON.
    #[error(transparent)]
    NoJson(serde_json::Error),
    /// It is something else.
    #[error("it is not an excerpt of a plan: {0}")]
    Malformed(#[from] serde_json::Error),
    /// The head is not the one that the digest names.
    #[error("its digest is {0}, not the one that it names")]
    OtherHead(Digest),
    /// The head does not name the part.
    #[error("the plan {0} has another part for this scope")]
    OtherPart(Digest),
}

/// The file of an excerpt, read once: its exact bytes, as logs name them, and what they say.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanFile {
    bytes: Vec<u8>,
    excerpt: PlanExcerpt,
}

impl PlanFile {
    /// Reads an excerpt's file.
    ///
    /// # Errors
    ///
    /// As [`PlanExcerpt::from_value`], or if it is no JSON.
    pub fn read(bytes: Vec<u8>) -> Result<Self, BadExcerpt> {
        let excerpt = PlanExcerpt::from_value(serde_json::from_slice(&bytes).map_err(BadExcerpt::NoJson)?)?;
        Ok(Self { bytes, excerpt })
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What they say.
    pub fn excerpt(&self) -> &PlanExcerpt {
        &self.excerpt
    }
}

impl PlanExcerpt {
    /// Reads an excerpt and checks that its digest names its head, and its head the part.
    ///
    /// Digests are taken from the value as it is, so that nothing this program does not know is left out of them.
    ///
    /// # Errors
    ///
    /// If it is not whole.
    pub fn from_value(raw: Value) -> Result<Self, BadExcerpt> {
        let version = raw.pointer("/head/v").and_then(Value::as_u64);
        if version.is_none_or(|version| version > u64::from(PLAN_VERSION)) {
            return Err(BadExcerpt::Version);
        }
        let (head, part) = (Digest::of_canonical(&raw["head"]), Digest::of_canonical(&raw["part"]));
        let excerpt: Self = serde_json::from_value(raw)?;
        if excerpt.digest != head {
            return Err(BadExcerpt::OtherHead(head));
        }
        let named = match &excerpt.part.scope {
            ScopeId::Site(_) => excerpt.head.sites.contains(&part),
            shared @ (ScopeId::Account | ScopeId::Region(_)) => {
                excerpt.head.shared.get(shared) == Some(&part)
            }
        };
        if named { Ok(excerpt) } else { Err(BadExcerpt::OtherPart(head)) }
    }
}

/// The digest of a plan: that of its head.
pub(super) fn digest(plan: &Plan) -> Digest {
    Digest::of_canonical(&Parted::new(plan).head())
}

/// What every scope of a plan may see of it, one after the other: all of them together are larger than the plan.
pub(super) fn excerpts(
    plan: &Plan,
    digest: Digest,
    made_at: Timestamp,
) -> impl Iterator<Item = (&ScopeId, PlanExcerpt)> {
    let parted = Parted::new(plan);
    let head = parted.head();
    plan.scopes.iter().map(move |(scope, steps)| {
        let part = parted.part(scope, steps);
        (scope, PlanExcerpt { digest, made_at, head: head.clone(), part })
    })
}

/// The digest of each scope's part, as the head lists them.
pub(super) fn digests(plan: &Plan) -> BTreeMap<ScopeId, Digest> {
    let parted = Parted::new(plan);
    plan.scopes.keys().map(|scope| (scope.clone(), parted.part_digest(scope))).collect()
}

/// A plan with the seed of its salts.
struct Parted<'p> {
    plan: &'p Plan,
    seed: Digest,
    /// Each scope's part up to the salt, which only the whole plan gives.
    begun: BTreeMap<&'p ScopeId, ObjectDigest>,
}

impl<'p> Parted<'p> {
    /// Digests the whole plan, scope by scope: every step is written once, for the plan and for its part, and of a
    /// thousand sites no more than one is in memory as text. The entries are in the order of their keys; one that is
    /// missing here would not be under the digest, which is why all fields are named.
    fn new(plan: &'p Plan) -> Self {
        let Plan {
            v,
            tool,
            estate,
            lineage,
            target,
            selection,
            inputs,
            packs,
            parameters,
            heads,
            fleet,
            scopes,
            overview,
            rollback,
            approvals,
            consents,
        } = plan;
        let (mut whole, mut begun) = (ObjectDigest::new(), BTreeMap::new());
        if !approvals.is_empty() {
            whole.entry("approvals", approvals);
        }
        if !consents.is_empty() {
            whole.entry("consents", consents);
        }
        whole.entry("estate", estate);
        whole.entry("fleet", fleet);
        whole.entry("heads", heads);
        whole.entry("inputs", inputs);
        whole.entry("lineage", lineage);
        if !overview.is_empty() {
            whole.entry("overview", overview);
        }
        whole.entry("packs", packs);
        whole.entry("parameters", parameters);
        if let Some(rollback) = rollback {
            whole.entry("rollback", rollback);
        }
        whole.begin_inner("scopes");
        for (scope, steps) in scopes {
            let text = canonical_bytes(steps);
            whole.written(&scope.to_string(), &text);
            begun.insert(scope, begin_part(plan, scope, &text));
        }
        whole.end_inner("scopes");
        whole.entry("selection", selection);
        whole.entry("target", target);
        whole.entry("tool", tool);
        whole.entry("v", v);
        Self { plan, seed: whole.end(), begun }
    }

    /// The digest of a part: [`Digest::of_canonical`] of [`Parted::part`].
    fn part_digest(&self, scope: &ScopeId) -> Digest {
        let mut part = self.begun[scope].clone();
        part.entry("salt", &self.salt(&scope.to_string()));
        part.entry("scope", scope);
        part.end()
    }

    fn salt(&self, of: &str) -> Digest {
        Digest::of_canonical(&("landfall plan part", self.seed, of))
    }

    fn part(&self, scope: &ScopeId, plan: &ScopePlan) -> ScopePart {
        ScopePart {
            salt: self.salt(&scope.to_string()),
            scope: scope.clone(),
            plan: plan.clone(),
            parameters: self.plan.parameters.get(scope).cloned().unwrap_or_default(),
            log: self.plan.heads.get(&LogId::Scope(scope.clone())).cloned(),
            inputs: site_files(self.plan, scope),
            approvals: needs_of(self.plan, scope),
        }
    }

    /// Everything that is neither in the head nor in a scope's part, so that all of the plan is under its digest.
    fn launch(&self) -> LaunchPart<'p> {
        let Plan { selection, inputs, parameters, heads, fleet, scopes, overview, approvals, .. } = self.plan;
        let of_part =
            |path: &str| site_of(path).is_some_and(|code| scopes.contains_key(&ScopeId::Site(code)));
        let in_part = |log: &LogId| matches!(log, LogId::Scope(scope) if scopes.contains_key(scope));
        LaunchPart {
            salt: self.salt("launch"),
            selection,
            fleet,
            heads: heads.iter().filter(|(log, _)| !in_part(log)).collect(),
            parameters: parameters.iter().filter(|(scope, _)| !scopes.contains_key(scope)).collect(),
            inputs: inputs.iter().filter(|(path, _)| !is_common(path) && !of_part(path)).collect(),
            overview,
            approvals,
        }
    }

    fn head(&self) -> PlanHead {
        let plan = self.plan;
        let (mut shared, mut sites) = (BTreeMap::new(), BTreeSet::new());
        for scope in plan.scopes.keys() {
            let digest = self.part_digest(scope);
            match scope {
                ScopeId::Site(_) => drop(sites.insert(digest)),
                ScopeId::Account | ScopeId::Region(_) => drop(shared.insert(scope.clone(), digest)),
            }
        }
        let common = plan.inputs.iter().filter(|(path, _)| is_common(path));
        PlanHead {
            v: plan.v,
            tool: plan.tool.clone(),
            estate: plan.estate.clone(),
            lineage: plan.lineage.clone(),
            target: plan.target.clone(),
            inputs: common.map(|(path, digest)| (path.clone(), *digest)).collect(),
            packs: plan.packs.clone(),
            launch: Digest::of_canonical(&self.launch()),
            shared,
            sites,
            rollback: plan.rollback.clone(),
            consents: plan.consents.clone(),
            partial: plan.selection.left_out().is_some(),
        }
    }
}

/// A scope's part up to its salt, its fields in the order of their names; `steps` is the text of its steps.
fn begin_part(plan: &Plan, scope: &ScopeId, steps: &[u8]) -> ObjectDigest {
    let (mut part, nothing) = (ObjectDigest::new(), BTreeMap::new());
    let approvals = needs_of(plan, scope);
    if !approvals.is_empty() {
        part.entry("approvals", &approvals);
    }
    part.entry("inputs", &site_files(plan, scope));
    if let Some(log) = plan.heads.get(&LogId::Scope(scope.clone())) {
        part.entry("log", log);
    }
    part.entry("parameters", plan.parameters.get(scope).unwrap_or(&nothing));
    part.written("plan", steps);
    part
}

fn needs_of(plan: &Plan, scope: &ScopeId) -> Vec<ApprovalNeed> {
    plan.approvals.iter().filter_map(|need| need.of(scope)).collect()
}

/// The input files that are about this scope alone.
fn site_files(plan: &Plan, scope: &ScopeId) -> BTreeMap<String, Digest> {
    let path = scope.site().map(|code| format!("{SITE_FILE_PREFIX}{code}{SITE_FILE_SUFFIX}"));
    path.and_then(|path| Some((path.clone(), *plan.inputs.get(&path)?))).into_iter().collect()
}

/// Whether an input file is the same for all sites.
fn is_common(path: &str) -> bool {
    let [estate, templates] = COMMON_INPUTS;
    path == estate || path.starts_with(templates)
}

/// The site that an input file is about.
fn site_of(path: &str) -> Option<SiteCode> {
    path.strip_prefix(SITE_FILE_PREFIX)?.strip_suffix(SITE_FILE_SUFFIX)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::SavedPlan;
    use super::*;

    fn plan() -> Plan {
        let digest = Digest::of(b"file").to_string();
        let step = json!({"work": {"check": {"title": "is there", "check": {"read": "a", "expect": []}}}, "after": {},
            "limits": {"call_timeout": 1, "attempts_max": 1, "poll_every": 1, "ready_within": 1}});
        let scope = |needs: Value| json!({"needs": needs, "steps": {"a": step}});
        serde_json::from_value(json!({
            "v": 1, "tool": "landfall", "estate": "E", "lineage": "l",
            "target": {"name": "sandbox", "account_id": "0", "host": "embedded"},
            "selection": {"sites": ["AAA01", "BBB02"]},
            "inputs": {"sites/estate.toml": digest, "sites/AAA01.toml": digest, "sites/BBB02.toml": digest,
                "sites/CCC03.toml": digest, "sites/notes.txt": digest, "templates/x/pack.toml": digest},
            "packs": {}, "parameters": {"account": {"sites": ["AAA01"]}, "site/AAA01": {"a": 1}, "site/BBB02": {"a": 2}},
            "heads": {"site/AAA01": {"size": 3, "root": digest}},
            "fleet": {"waves": [{"name": "w", "sites": ["AAA01", "BBB02"], "max_parallel": 1, "failure_budget": 0}]},
            "approvals": [{"rule": "change", "roles": ["change-control"], "valid_days": 3,
                "scopes": ["account", "site/AAA01", "site/BBB02"], "one_way": {"site/AAA01": ["a"], "site/BBB02": ["a"]}}],
            "scopes": {"account": scope(json!([])), "site/AAA01": scope(json!(["account"])), "site/BBB02": scope(json!(["account"]))},
        }))
        .expect("a plan")
    }

    fn saved() -> SavedPlan {
        SavedPlan::new(plan(), Timestamp::from_millis(0))
    }

    fn excerpt(of: &str) -> Value {
        let (saved, of) = (saved(), of.parse::<ScopeId>().expect("a scope"));
        let (_, own) = saved.excerpts().find(|(scope, _)| **scope == of).expect("an excerpt");
        serde_json::to_value(&own).expect("JSON")
    }

    #[test]
    fn an_excerpt_proves_its_part_and_names_no_other_site() {
        let own = PlanExcerpt::from_value(excerpt("site/AAA01")).expect("whole");
        assert_eq!(own.digest, saved().digest);
        assert_eq!(own.part.inputs.keys().collect::<Vec<_>>(), ["sites/AAA01.toml"]);
        assert_eq!(own.part.log.as_ref().map(|head| head.size), Some(3));
        let text = excerpt("site/AAA01").to_string();
        for hidden in ["BBB02", "CCC03", "notes.txt", "selection", "waves"] {
            assert!(!text.contains(hidden), "{hidden} in {text}");
        }
        assert!(PlanExcerpt::from_value(excerpt("account")).is_ok());
    }

    #[test]
    fn anything_changed_in_an_excerpt_is_refused() {
        for (at, value) in [
            ("/part/parameters/a", json!(9)),
            ("/part/salt", json!(Digest::of(b"other"))),
            ("/part/scope", json!("site/BBB02")),
            ("/part/plan/steps/a/limits/attempts_max", json!(9)),
            ("/part/approvals/0/valid_days", json!(9)),
            ("/part/approvals", json!([])),
            ("/head/target/host", json!("elsewhere")),
            ("/head/launch", json!(Digest::of(b"other"))),
            ("/head/v", json!(99)),
            ("/digest", json!(Digest::of(b"other"))),
        ] {
            let mut raw = excerpt("site/AAA01");
            *raw.pointer_mut(at).expect("the field") = value;
            assert!(PlanExcerpt::from_value(raw).is_err(), "{at}");
        }
        let mut swapped = excerpt("site/AAA01");
        swapped["part"] = excerpt("account")["part"].take();
        swapped["part"]["scope"] = json!("region/x");
        assert!(PlanExcerpt::from_value(swapped).is_err());
        let mut more = excerpt("site/AAA01");
        more["part"]["note"] = json!("smuggled in");
        assert!(PlanExcerpt::from_value(more).is_err());
    }

    #[test]
    fn digests_taken_piece_by_piece_are_those_of_the_whole() {
        let mut full = plan();
        full.overview.rest_on.insert(ScopeId::Account, BTreeSet::from(["AAA01".parse().expect("a code")]));
        let bare = Plan { approvals: Vec::new(), heads: BTreeMap::new(), ..plan() };
        for plan in [plan(), full, bare] {
            let parted = Parted::new(&plan);
            assert_eq!(parted.seed, Digest::of_canonical(&plan));
            for (scope, steps) in &plan.scopes {
                let part = parted.part(scope, steps);
                assert_eq!(parted.part_digest(scope), Digest::of_canonical(&part), "{scope}");
            }
        }
    }

    #[test]
    fn every_part_of_a_plan_is_under_its_digest() {
        let whole = saved();
        assert!(whole.is_whole());
        assert_eq!(whole.digest, saved().digest, "the same plan has the same digest");
        let changes: [(&str, Value); 11] = [
            ("/selection", json!("all")),
            ("/inputs/sites~1CCC03.toml", json!(Digest::of(b"x"))),
            ("/inputs/sites~1notes.txt", json!(Digest::of(b"x"))),
            ("/inputs/templates~1x~1pack.toml", json!(Digest::of(b"x"))),
            ("/parameters/site~1BBB02/a", json!(3)),
            ("/heads/site~1AAA01/size", json!(4)),
            ("/fleet/waves/0/failure_budget", json!(1)),
            ("/scopes/account/steps/a/limits/attempts_max", json!(2)),
            ("/approvals/0/roles", json!(["nobody"])),
            ("/approvals/0/scopes", json!(["account"])),
            ("/approvals", json!([])),
        ];
        for (at, value) in changes {
            let mut raw = serde_json::to_value(plan()).expect("JSON");
            *raw.pointer_mut(at).expect("the field") = value;
            let other =
                SavedPlan::new(serde_json::from_value(raw).expect("a plan"), Timestamp::from_millis(0));
            assert_ne!(other.digest, whole.digest, "{at}");
        }
    }
}
