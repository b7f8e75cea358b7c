//! A small estate's journal with one rehearsed site, and the bundle made of it.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::{Signer as _, SigningKey};
use landfall::base::digest::Digest;
use landfall::base::id::{LogId, RunId, ScopeId, StepId};
use landfall::base::time::{Millis, Timestamp};
use landfall::evidence::bundle::{BundleError, Draft, Files, Parts, Unsealed};
use landfall::evidence::checkpoint::Checkpoint;
use landfall::evidence::heads::{HEADS_KIND, HeadsBody, PseudonymKey};
use landfall::evidence::note::{Signature, VerifierKey};
use landfall::evidence::origin;
use landfall::evidence::tlog_proof::TlogProof;
use landfall::journal::memory::MemoryJournal;
use landfall::journal::{Journal, Lease};
use landfall::model::entry::{Actor, ActorKind, BlobRef, EntryDraft};
use landfall::model::plan::{LogHead, Plan, PlanFile, SavedPlan};
use landfall::signer::{Signer, SignerError, sign_checkpoint};
use serde_json::{Value, json};

/// How the site's run went.
#[derive(Clone, Copy, PartialEq)]
pub enum Ending {
    Well,
    Badly,
    NotYet,
    Miscounted,
    /// Well; then the site ended, and seven years later its files went.
    Pruned,
    /// The same, but the files went too soon.
    PrunedEarly,
}

pub struct TestKey {
    pub secret: SigningKey,
    pub public: VerifierKey,
}

impl Signer for TestKey {
    fn sign(&self, bytes: &[u8]) -> Result<Signature, SignerError> {
        Ok(Signature(self.secret.sign(bytes).to_bytes()))
    }

    fn vkey(&self) -> &VerifierKey {
        &self.public
    }
}

pub fn key(name: &str, byte: u8) -> TestKey {
    let secret = SigningKey::from_bytes(&[byte; 32]);
    let public = VerifierKey::new(name, secret.verifying_key().as_bytes()).expect("a key");
    TestKey { secret, public }
}

pub struct Built {
    pub files: Files,
    pub log_key: TestKey,
    pub bundle_key: TestKey,
}

pub fn keys() -> (TestKey, TestKey) {
    let root = origin::root("Example Health", true);
    (key(&root, 1), key(&origin::bundle_key(&root), 2))
}

pub fn build(ending: Ending) -> Built {
    let (log_key, bundle_key) = keys();
    Built { files: sealed(&parts(ending)), log_key, bundle_key }
}

/// All files of a bundle of these parts but its seal.
pub fn assembled(parts: &Parts) -> Result<Unsealed, BundleError> {
    Draft::of(parts.clone())?.finish()
}

/// A bundle of these parts under the bundle key.
pub fn sealed(parts: &Parts) -> Files {
    let unsealed = assembled(parts).expect("a bundle");
    unsealed.seal(&|bytes| keys().1.sign(bytes).map_err(|error| error.to_string())).expect("sealed")
}

fn now() -> Timestamp {
    "2027-01-11T09:00:00Z".parse().expect("a moment")
}

fn log(name: &str) -> LogId {
    name.parse().expect("a log")
}

/// The plan, as other parts of the program write it.
pub fn plan() -> SavedPlan {
    let limits = json!({"call_timeout": 60000, "attempts_max": 8, "poll_every": 1000, "ready_within": 60000});
    let create = |kind: &str, name: &str| {
        json!({"reconcile": {
            "kind": kind, "operation": "create", "spec": {"name": name}, "reversal": "reversible",
            "changes": [{"at": "/name", "to": name, "reason": "catalogs.toml.hbs asks for it"}],
        }})
    };
    let check = json!({"check": {
        "title": "Clinical <script>alert(1)</script> is there",
        "check": {"read": "catalog.clinical", "expect": [{"at": "/name", "present": true}]},
    }});
    let step = |work: Value| json!({"work": work, "after": {}, "limits": limits});
    let plan: Plan = serde_json::from_value(json!({
        "v": 1, "tool": "landfall 0.1.0", "estate": "Example Health", "lineage": "a1b2",
        "target": {"name": "sandbox", "account_id": "0", "host": "embedded"},
        "selection": {"sites": ["HRB01", "MPL02"]}, "packs": {}, "heads": {},
        "inputs": {"sites/MPL02.toml": Digest::of(b"MPL02")},
        "parameters": {"account": {"sites": ["HRB01", "MPL02"]}, "site/MPL02": {"name": "MPL02"}},
        "fleet": {"waves": [{"name": "pilot", "sites": ["HRB01", "MPL02"], "max_parallel": 1, "failure_budget": 0}]},
        "scopes": {"site/HRB01": {"needs": ["account"], "steps": {
            "catalog.clinical": step(create("databricks.catalog", "prod_clinical_hrb01")),
            "schema.raw": step(create("databricks.schema", "raw")),
            "check.clinical": step(check),
        }}, "site/MPL02": {"needs": ["account"], "steps": {"catalog.mpl02": step(create("databricks.catalog", "mpl02"))}}},
    }))
    .expect("a plan");
    SavedPlan::new(plan, now())
}

struct Scribe {
    journal: MemoryJournal,
    leases: BTreeMap<LogId, Lease>,
    plan: Digest,
    minutes: u64,
}

impl Scribe {
    fn write(&mut self, log_name: &str, kind: &str, step: Option<&str>, refs: Vec<BlobRef>, body: Value) {
        self.minutes += 1;
        let log = log(log_name);
        let of_site = log == self::log("site/HRB01");
        let draft = EntryDraft {
            log: log.clone(),
            at: now() + Millis::from_secs(60 * self.minutes),
            run: of_site.then(run),
            kind: kind.into(),
            step: step.map(|step| StepId::new(step).expect("an id")),
            actor: Actor { kind: ActorKind::Rehearsal, id: "landfall".into() },
            plan: of_site.then_some(self.plan),
            refs,
            body,
        };
        let journal = &mut self.journal;
        let taken = || journal.take_lease(&log, "fixture", now(), Millis::from_secs(30)).expect("a lease");
        let lease = self.leases.entry(log.clone()).or_insert_with(taken).clone();
        self.journal.append(&[&lease], vec![draft]).expect("a line");
    }

    fn site(&mut self, kind: &str, step: Option<&str>, refs: Vec<BlobRef>, body: Value) {
        self.write("site/HRB01", kind, step, refs, body);
    }

    fn prune(&mut self, in_time: bool) {
        const SEVEN_YEARS: u64 = (7 * 365 + 2) * 24 * 60;
        self.site("retirement.completed", None, Vec::new(), json!({}));
        let ended = now() + Millis::from_secs(60 * self.minutes);
        self.minutes += if in_time { SEVEN_YEARS } else { 0 };
        let stone = json!({
            "run": "run-0001", "files": 2, "in_effect_until": ended,
            "kept_until": ended + Millis::from_secs(60 * SEVEN_YEARS),
        });
        self.site("record.pruned", None, Vec::new(), stone);
    }

    fn readback(&mut self, step: &str) -> Vec<BlobRef> {
        let bytes = format!("{{\"name\":\"{step}\"}}\n");
        let sha256 = self.journal.put_blob(bytes.as_bytes()).expect("a blob");
        vec![BlobRef { path: format!("readback/{step}.json"), sha256 }]
    }
}

fn run() -> RunId {
    RunId::new("run-0001").expect("an id")
}

pub fn journal(ending: Ending, plan: &SavedPlan) -> MemoryJournal {
    let journal = MemoryJournal::seeded(7);
    let mut scribe = Scribe { journal, leases: BTreeMap::new(), plan: plan.digest, minutes: 0 };
    scribe.write("account", "run.started", None, Vec::new(), json!({}));
    scribe.write("site/MPL02", "run.started", None, Vec::new(), json!({}));
    scribe.site("run.started", None, Vec::new(), json!({}));
    scribe.site("step.applying", Some("catalog.clinical"), Vec::new(), json!({"attempt": 1}));
    scribe.site("step.applied", Some("catalog.clinical"), Vec::new(), json!({"attempt": 1, "id": "42"}));
    let refs = scribe.readback("catalog.clinical");
    scribe.site("step.succeeded", Some("catalog.clinical"), refs, json!({"effect": "created"}));
    scribe.site("step.applying", Some("schema.raw"), Vec::new(), json!({"attempt": 1}));
    scribe.site("step.applied", Some("schema.raw"), Vec::new(), json!({"attempt": 1}));
    let counts = |created: u32, checked: u32, failed: u32, blocked: u32| {
        json!({"outcome": "failed", "counts": {
            "unchanged": 0, "created": created, "updated": 0, "replaced": 0, "deleted": 0,
            "checked": checked, "failed": failed, "blocked": blocked,
        }})
    };
    match ending {
        Ending::Well | Ending::Pruned | Ending::PrunedEarly => {
            let refs = scribe.readback("schema.raw");
            scribe.site("step.succeeded", Some("schema.raw"), refs.clone(), json!({"effect": "created"}));
            scribe.site("step.succeeded", Some("check.clinical"), refs, json!({"effect": "checked"}));
            scribe.site("run.ended", None, Vec::new(), counts(2, 1, 0, 0));
            scribe.site("run.noted", None, Vec::new(), json!({"text": "é"}));
        }
        Ending::Badly => {
            let cause = json!({"cause": {"class": "not-found", "message": "no such <catalog> & more"}});
            scribe.site("step.failed", Some("schema.raw"), Vec::new(), cause);
            scribe.site("step.blocked", Some("check.clinical"), Vec::new(), json!({"by": "schema.raw"}));
            scribe.site("run.ended", None, Vec::new(), counts(1, 0, 1, 1));
        }
        Ending::NotYet => {}
        Ending::Miscounted => {
            scribe.site("step.succeeded", Some("schema.raw"), Vec::new(), json!({"effect": "created"}));
            scribe.site("step.succeeded", Some("check.clinical"), Vec::new(), json!({"effect": "checked"}));
            scribe.site("run.ended", None, Vec::new(), counts(3, 1, 0, 0));
        }
    }
    if matches!(ending, Ending::Pruned | Ending::PrunedEarly) {
        scribe.prune(ending == Ending::Pruned);
    }
    scribe.write("org", "site.ended", None, Vec::new(), json!({}));
    let heads = scribe.journal.heads().expect("heads");
    let body = HeadsBody::new(&PseudonymKey::new([5; 32]), &heads).with_bundle_key(&keys().1.public);
    scribe.write("org", HEADS_KIND, None, Vec::new(), body.to_value());
    scribe.journal
}

fn lines(journal: &dyn Journal, log_name: &str) -> Vec<String> {
    journal.read(&log(log_name), 0).expect("lines").into_iter().map(|line| line.text).collect()
}

/// A signed checkpoint over a log of these lines.
pub fn checkpoint(log_name: &str, lines: &[String]) -> String {
    let log_key = keys().0;
    let checkpoint = Checkpoint::over(origin::of_log(log_key.public.name(), &log(log_name)), lines);
    sign_checkpoint(&log_key, &checkpoint).expect("a checkpoint")
}

pub fn parts(ending: Ending) -> Parts {
    let (log_key, bundle_key) = keys();
    let plan = plan();
    let site = ScopeId::Site("HRB01".parse().expect("a site"));
    let (_, excerpt) = plan.excerpts().find(|(scope, _)| **scope == site).expect("an excerpt");
    let journal = journal(ending, &plan);
    let site_log = lines(&journal, "site/HRB01");
    let org_log = lines(&journal, "org");
    let heads: BTreeMap<LogId, LogHead> = journal.heads().expect("heads");
    let named: BTreeSet<Digest> = journal
        .read(&log("site/HRB01"), 0)
        .expect("lines")
        .iter()
        .flat_map(|line| line.entry.refs.clone())
        // Everything that the site's entries name are read-backs.
        .filter(|_| ending != Ending::Pruned)
        .map(|named| named.sha256)
        .collect();
    Parts {
        site: "HRB01".parse().expect("a site"),
        wave: Some("pilot".parse().expect("a wave")),
        runs: vec![run()],
        estate: "Example Health".into(),
        rehearsal: true,
        tool: "landfall 0.1.0".into(),
        exported_at: now() + Millis::from_secs(7200),
        exported_by: "compliance".into(),
        checkpoint: checkpoint("site/HRB01", &site_log),
        site_log,
        heads_members: Vec::new(),
        heads_line: org_log.last().expect("the heads").clone(),
        heads_proof: TlogProof::of_last(&org_log, checkpoint("org", &org_log)).expect("a proof"),
        shared: [(LogId::Scope(ScopeId::Account), heads[&log("account")].clone())].into(),
        plan: PlanFile::read(serde_json::to_vec(&excerpt).expect("JSON")).expect("a plan"),
        rendered: [("sql/grants.sql".to_owned(), b"GRANT SELECT ON SCHEMA raw TO `readers`;\n".to_vec())]
            .into(),
        blobs: named.into_iter().map(|digest| (digest, journal.get_blob(&digest).expect("a blob"))).collect(),
        controls: Vec::new(),
        previous: None,
        witnessed: None,
        attachments: Files::new(),
        handovers: Vec::new(),
        stamped: None,
        log_key: log_key.public,
        bundle_key: bundle_key.public,
    }
}
