//! Where the controls of sites stand, folded from the journal whenever it is asked for; nothing of it is stored.

mod beside;
mod bundle;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::base::digest::Digest;
use crate::base::id::{LogId, ScopeId, SiteCode, StepId};
use crate::base::limits::DECISION_CLOCK_SKEW;
use crate::base::time::Timestamp;
use crate::controls::{
    Beside, Catalogue, Coverage, Framework, History, KindStanding, OwnControls, coverage, observe_with,
    rows_with, standings,
};
use crate::evidence::register::open_by_control;
use crate::journal::{Journal, Line};
use crate::model::control::ControlRow;
use crate::model::plan::parts::ScopePart;
use crate::model::plan::{PlanExcerpt, PlanFile};
use crate::ops::Context;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::launch::PLAN_FILE;
use crate::ops::plan;

use beside::OrgLog;
pub use beside::own_controls;
pub use bundle::{lines, of_bundle};

/// The controls of one site at one moment.
#[derive(Debug, Clone)]
pub struct SiteControls {
    /// The site.
    pub site: SiteCode,
    /// A row for each control.
    pub rows: Vec<ControlRow>,
    /// Where each evidence kind stands.
    pub standings: BTreeMap<String, KindStanding>,
}

impl SiteControls {
    /// The score for each of these frameworks.
    pub fn coverage(&self, frameworks: &[Framework]) -> Vec<Coverage> {
        coverage(Catalogue::embedded(), &self.site, &self.rows, frameworks)
    }
}

/// The controls of one site, or of every site of the estate.
///
/// # Errors
///
/// If there is no such site, a log is damaged, or `sites/controls.toml` says what it may not.
pub fn all(
    context: &Context,
    desired: &Desired,
    journal: &dyn Journal,
    site: Option<&str>,
    now: Timestamp,
) -> Result<Vec<SiteControls>, Failure> {
    let sites: Vec<SiteCode> = match site {
        Some(code) => vec![plan::site(desired, code)?],
        None => desired.rendered.keys().filter_map(|scope| scope.site().cloned()).collect(),
    };
    let mut ledger = Ledger::open(context)?;
    sites.iter().map(|site| ledger.site(journal, site, now)).collect()
}

/// What is kept while several sites are looked at: plans of a wave and the org log are the same for each of them.
#[derive(Debug, Default)]
pub struct Ledger {
    plans: BTreeMap<Digest, PlanEvidence>,
    own: OwnControls,
    /// The state folder, where what witnesses cosigned is kept.
    state: Option<PathBuf>,
    org: Option<OrgLog>,
    /// The logs that sites share, as they were at the moment that was asked about last.
    shared: BTreeMap<ScopeId, History>,
    asked: Option<Timestamp>,
}

/// Of one scope's plan, what evidence needs to know.
#[derive(Debug)]
struct PlanEvidence {
    digest: Digest,
    scope: ScopeId,
    needs: BTreeSet<ScopeId>,
    steps: BTreeMap<StepId, Option<String>>,
}

impl PlanEvidence {
    fn of(excerpt: &PlanExcerpt) -> Self {
        let ScopePart { scope, plan, .. } = &excerpt.part;
        let steps = plan.steps.iter().map(|(step, planned)| (step.clone(), planned.evidence.clone()));
        Self {
            digest: excerpt.digest,
            scope: scope.clone(),
            needs: plan.needs.clone(),
            steps: steps.collect(),
        }
    }
}

impl Ledger {
    /// With what the organisation says of controls, and what came back from witnesses.
    ///
    /// # Errors
    ///
    /// If `sites/controls.toml` cannot be read, or says what it may not.
    pub fn open(context: &Context) -> Result<Self, Failure> {
        let own = beside::own_controls(&context.root)?;
        Ok(Self { own, state: Some(context.state.clone()), ..Self::default() })
    }

    /// The controls of a site, by what the logs held at a moment.
    ///
    /// # Errors
    ///
    /// If a log is damaged, or a plan that it names is missing or not whole.
    pub fn site(
        &mut self,
        journal: &dyn Journal,
        site: &SiteCode,
        now: Timestamp,
    ) -> Result<SiteControls, Failure> {
        let lines = journal.read(&LogId::Scope(ScopeId::Site(site.clone())), 0)?;
        self.site_of(journal, site, lines, now)
    }

    /// The same by lines of the site's log that are read already.
    ///
    /// # Errors
    ///
    /// As [`Ledger::site`].
    pub fn site_of(
        &mut self,
        journal: &dyn Journal,
        site: &SiteCode,
        lines: Vec<Line>,
        now: Timestamp,
    ) -> Result<SiteControls, Failure> {
        let scope = ScopeId::Site(site.clone());
        if self.org.is_none() {
            self.org = Some(OrgLog::read(journal)?);
        }
        let own = self.history(journal, &scope, lines, now)?;
        let mut needed = BTreeSet::from([ScopeId::Account]);
        let plan = own.newest.and_then(|newest| self.plans.get(&newest));
        needed
            .extend(plan.filter(|plan| plan.scope == scope).into_iter().flat_map(|plan| plan.needs.clone()));
        if self.asked != Some(now) {
            (self.shared, self.asked) = (BTreeMap::new(), Some(now));
        }
        let mut histories = vec![own.history];
        for scope in &needed {
            let kept = self.shared.remove(scope);
            histories.push(match kept {
                Some(history) => history,
                None => {
                    let lines = journal.read(&LogId::Scope(scope.clone()), 0)?;
                    self.history(journal, scope, lines, now)?.history
                }
            });
        }
        let catalogue = Catalogue::embedded();
        let org = self.org.as_ref().expect("read above");
        let signals = beside::signals(org, &histories[0], self.state.as_deref(), now)?;
        let standings = standings(catalogue, &observe_with(catalogue, &histories, &signals), now);
        let beside = Beside { own: self.own.clone(), findings: open_by_control(&histories[0].entries) };
        let rows = rows_with(catalogue, &standings, &beside, now);
        // For the next site, which has a plan of its own.
        self.shared.extend(needed.into_iter().zip(histories.drain(1..)));
        self.plans.retain(|_, plan| plan.scope != scope);
        Ok(SiteControls { site: site.clone(), rows, standings })
    }

    fn history(
        &mut self,
        journal: &dyn Journal,
        scope: &ScopeId,
        mut lines: Vec<Line>,
        now: Timestamp,
    ) -> Result<Told, Failure> {
        let log = LogId::Scope(scope.clone());
        // What was written after the moment was not there then. Clocks of machines differ a little.
        lines.retain(|line| line.entry.at <= now + DECISION_CLOCK_SKEW);
        let (mut plans, mut newest) = (BTreeMap::new(), None);
        for blob in lines.iter().filter_map(named_plan) {
            let known = self.plan(journal, &blob)?;
            if known.scope == *scope {
                plans.insert(known.digest, known.steps.clone());
            }
            newest = Some(blob);
        }
        let void = match &mut self.org {
            Some(org) => org.void(&log, &lines),
            None => BTreeSet::new(),
        };
        let entries = lines.into_iter().map(|line| line.entry).collect();
        Ok(Told { history: History { log, entries, plans, void }, newest })
    }

    /// Keeps what a plan says that was read already.
    pub fn know(&mut self, plan: &PlanFile) {
        self.plans.insert(Digest::of(plan.bytes()), PlanEvidence::of(plan.excerpt()));
    }

    fn plan(&mut self, journal: &dyn Journal, blob: &Digest) -> Result<&PlanEvidence, Failure> {
        if !self.plans.contains_key(blob) {
            let bad = |what: String| Failure::NotVerified { what: format!("{PLAN_FILE}: {what}") };
            let file = PlanFile::read(journal.get_blob(blob)?).map_err(|error| bad(error.to_string()))?;
            self.plans.insert(*blob, PlanEvidence::of(file.excerpt()));
        }
        Ok(&self.plans[blob])
    }
}

/// One log, and the newest plan that a run of it names.
struct Told {
    history: History,
    newest: Option<Digest>,
}

fn named_plan(line: &Line) -> Option<Digest> {
    let started = line.entry.kind == "run.started";
    let named = line.entry.refs.iter().find(|blob| blob.path == PLAN_FILE);
    named.filter(|_| started).map(|blob| blob.sha256)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::base::limits::LEASE;
    use crate::controls::Selector;
    use crate::journal::memory::MemoryJournal;
    use crate::model::checklist::Validator;
    use crate::model::entry::{Actor, ActorKind, EntryDraft};
    use crate::ops::checklist::Ground;

    #[test]
    fn a_statement_counts_in_the_roles_that_the_packs_ask_for() {
        let desired = Desired::read(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the example estate");
        let ground = Ground::of(&desired);
        let scopes = [ScopeId::Account, ScopeId::Site("HRB01".parse().expect("a site"))];
        let kinds = Catalogue::embedded().kinds();
        let mut held = 0;
        for source in kinds.values().flat_map(|kind| &kind.inputs).flatten() {
            let Selector::Attested { item, roles } = source else { continue };
            let id = StepId::new(item.as_str()).expect("an item");
            let found = scopes.iter().find_map(|scope| ground.item(scope, &id));
            let found = found.unwrap_or_else(|| panic!("no pack has {item}"));
            let asked = found.validate.iter().filter_map(Validator::attest).flat_map(|attest| &attest.by);
            let asked: BTreeSet<String> = asked.map(ToString::to_string).collect();
            assert_eq!(&asked, roles, "{item}");
            held += 1;
        }
        assert!(held >= 5, "{held}");
    }

    fn journal(logs: &[(&str, usize)]) -> MemoryJournal {
        let (mut journal, at) = (MemoryJournal::seeded(1), Timestamp::from_millis(1_799_658_000_000));
        for (log, count) in logs {
            let log: LogId = log.parse().expect("a log");
            let lease = journal.take_lease(&log, "test", at, LEASE).expect("a lease");
            let draft = EntryDraft {
                log,
                at,
                run: None,
                kind: "run.noted".to_owned(),
                step: None,
                actor: Actor { kind: ActorKind::Automation, id: "test".to_owned() },
                plan: None,
                refs: Vec::new(),
                body: serde_json::json!({}),
            };
            journal.append(&[&lease], vec![draft; *count]).expect("appended");
        }
        journal
    }

    #[test]
    fn what_sites_share_is_read_once_for_each_moment() {
        let (mut ledger, now) = (Ledger::default(), Timestamp::from_millis(1_799_658_060_000));
        let site = |code: &str| code.parse::<SiteCode>().expect("a code");
        let kept = |ledger: &Ledger| ledger.shared[&ScopeId::Account].entries.len();
        let first = journal(&[("account", 3), ("site/HRB01", 1), ("site/MPL02", 1)]);
        ledger.site(&first, &site("HRB01"), now).expect("looked at");
        assert_eq!(kept(&ledger), 3);
        // Nobody reads the account's log again: here it would be another one.
        let other = journal(&[("account", 7), ("site/MPL02", 1)]);
        let told = ledger.site(&other, &site("MPL02"), now).expect("looked at");
        assert_eq!((kept(&ledger), ledger.shared.len()), (3, 1), "and no site's own log is kept");
        let alone = Ledger::default().site(&first, &site("MPL02"), now).expect("looked at");
        assert_eq!(told.rows, alone.rows);
        ledger.site(&other, &site("MPL02"), now + DECISION_CLOCK_SKEW).expect("looked at");
        assert_eq!(kept(&ledger), 7, "another moment is another look");
    }
}
