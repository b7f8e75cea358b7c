//! The end of a rehearsal: the sites of its first wave have lived longest, so all that is asked of a live site is asked of
//! them. Every gate of theirs is opened, what grows old is shown again, everything is looked at once more, somebody else's
//! key cosigns the logs, and each gets a bundle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::deed::{Deed, What};
use super::need::records;
use super::{World, actor};
use crate::base::id::{GateId, PersonId, RoleName, ScopeId, SiteCode, StepId};
use crate::base::limits::DAY;
use crate::base::time::{Millis, Timestamp};
use crate::checklist;
use crate::controls::{Catalogue, KindStanding, KindState};
use crate::evidence::origin;
use crate::evidence::verify::Verdict;
use crate::model::checklist::{Item, Validator};
use crate::model::plan::SavedPlan;
use crate::ops::checkpoints::{self, COSIGNED};
use crate::ops::controls::Ledger;
use crate::ops::drift;
use crate::ops::error::Failure;
use crate::ops::export::Exported;
use crate::ops::keys::Keys;
use crate::ops::witness::{KEY_FILE, Witness};
use crate::report::life::Kind;
use crate::signer::Signer as _;
use crate::signer::file_key::FileKey;
use crate::validate;

/// What would be too old within so many days is shown again.
const AHEAD_DAYS: u64 = 7;
/// The folder of the rehearsal's witness, beside its journal: in earnest it is somebody else's machine.
const WITNESS: &str = "witness";

impl World<'_> {
    /// Brings the sites of a plan to the end of their life, and gives their bundles.
    ///
    /// # Errors
    ///
    /// If the rehearsal's journal fails, or a bundle cannot be written.
    pub(super) async fn close(
        &mut self,
        first: &SavedPlan,
        out: &Path,
    ) -> Result<Vec<(Exported, Verdict)>, Failure> {
        let sites: BTreeSet<SiteCode> =
            first.plan.fleet.waves.iter().flat_map(|wave| wave.sites.iter().cloned()).collect();
        let names: Vec<&str> = sites.iter().map(SiteCode::as_str).collect();
        self.event(Kind::Wave, format!("the end of the rehearsal: {}", names.join(", ")), None);
        let gates = self.gates_at(&sites);
        self.open(&gates).await?;
        self.renew(&sites).await?;
        if self.stop.is_asked() {
            return Ok(Vec::new());
        }
        self.look_again(&sites).await?;
        self.witnessed()?;
        let World { context, estate, journal, reached, .. } = self;
        super::super::collected(context, &estate.desired, journal, reached, first, &actor()).await?;
        super::super::bundles(context, &estate.desired, journal, first, &actor(), out)
    }

    /// Every gate of some sites.
    fn gates_at(&self, sites: &BTreeSet<SiteCode>) -> Vec<(ScopeId, GateId)> {
        let of = |site: &SiteCode| {
            let scope = ScopeId::Site(site.clone());
            let gates = self.ground.scopes.get(&scope).map_or(&[][..], |asks| &asks.gates);
            gates.iter().map(move |gate| (scope.clone(), gate.id.clone())).collect::<Vec<_>>()
        };
        sites.iter().flat_map(of).collect()
    }

    /// Shows again what has grown old or will have soon, as far as checklist items show it.
    async fn renew(&mut self, sites: &BTreeSet<SiteCode>) -> Result<(), Failure> {
        let mut items: BTreeSet<(ScopeId, StepId)> = BTreeSet::new();
        let mut ledger = Ledger::open(&self.context)?;
        let until = self.now() + Millis(DAY.0 * AHEAD_DAYS);
        for site in sites {
            let standings = ledger.site(&self.journal, site, self.now())?.standings;
            items.extend(self.aging(site, &standings, until));
        }
        for (scope, id) in items {
            if self.stop.is_asked() {
                return Ok(());
            }
            let Some(item) = self.ground.item(&scope, &id).cloned() else { continue };
            self.show_again(&scope, &item).await?;
        }
        Ok(())
    }

    /// The items behind kinds that are too old at a moment.
    fn aging(
        &self,
        site: &SiteCode,
        standings: &BTreeMap<String, KindStanding>,
        until: Timestamp,
    ) -> Vec<(ScopeId, StepId)> {
        let ages = |one: &KindStanding| {
            one.state == KindState::Expired || one.expires.is_some_and(|expires| expires <= until)
        };
        let kinds = standings.iter().filter(|(_, standing)| ages(standing));
        let kinds = kinds.filter_map(|(name, _)| Catalogue::embedded().kinds().get(name));
        let named = kinds.flat_map(|kind| &kind.inputs).flatten().filter_map(|source| source.item());
        let scopes = [ScopeId::Site(site.clone()), ScopeId::Account];
        let ids = named.filter_map(|id| StepId::new(id).ok());
        let places = ids.flat_map(|id| scopes.clone().map(|scope| (scope, id.clone())));
        places.filter(|(scope, id)| self.ground.item(scope, id).is_some()).collect()
    }

    /// Files the records of an item again, has programs look at it, and has people state it again.
    async fn show_again(&mut self, scope: &ScopeId, item: &Item) -> Result<(), Failure> {
        for kind in records(item) {
            let what = What::File { kind: kind.to_owned() };
            self.play(scope, &item.owner, what, BTreeSet::new())?;
        }
        if validate::is_automatic(item) {
            self.check(scope, BTreeSet::from([item.id.clone()])).await?;
        }
        for validator in &item.validate {
            let Validator::Attest(attest) = validator else { continue };
            let mut said = BTreeSet::new();
            for role in &attest.by {
                let what = What::State { item: item.id.clone(), text: attest.statement.clone() };
                said.extend(self.play(scope, role, what, said.clone())?);
            }
        }
        Ok(())
    }

    /// Has a role do something in its own time, and tells who did it.
    fn play(
        &mut self,
        scope: &ScopeId,
        role: &RoleName,
        what: What,
        kept_out: BTreeSet<PersonId>,
    ) -> Result<Option<PersonId>, Failure> {
        let word = match &what {
            What::File { kind } => kind.clone(),
            What::State { item, .. } => item.to_string(),
            What::Enter { .. } | What::Waive { .. } | What::Sign { .. } | What::Review { .. } => {
                String::new()
            }
        };
        let deed = Deed {
            key: format!("again/{scope}/{word}/{role}/{}", self.now()),
            scope: scope.clone(),
            seat: checklist::seat(scope, role),
            what,
            // No gate waits for it.
            line: usize::MAX,
            clinician: false,
            kept_out,
            earliest: None,
        };
        let Some((deed, player, due)) = self.next(vec![deed]) else { return Ok(None) };
        self.context.clock.advance_to(due);
        let board = self.ground.board(&self.journal, self.now())?;
        self.perform(&deed, &player, &board)?;
        Ok(Some(player.person))
    }

    /// Looks at everything that the logs of the sites, and of what they rest on, hold.
    async fn look_again(&mut self, sites: &BTreeSet<SiteCode>) -> Result<(), Failure> {
        let World { context, estate, journal, reached, .. } = self;
        let mut chosen = BTreeSet::from([ScopeId::Account]);
        for site in sites.iter().cloned().map(ScopeId::Site) {
            chosen.extend(estate.desired.region_of(&site));
            chosen.insert(site);
        }
        let report = drift::look(context, &estate.desired, &chosen, reached, &*journal).await?;
        drift::record(context, journal, &report)?;
        let (held, differ) = (report.held, report.drifts.len());
        let kind = if differ == 0 { Kind::Checked } else { Kind::Finding };
        self.event(kind, format!("{held} objects were read again: {differ} differ"), None);
        Ok(())
    }

    /// Has the logs cosigned by a key that the rehearsal's log key has nothing to do with. What the estate publishes
    /// checkpoints to is left alone.
    fn witnessed(&mut self) -> Result<(), Failure> {
        let World { context, estate, journal, .. } = self;
        let mut quiet = estate.desired.loaded.estate.clone();
        quiet.publish.clear();
        let recorded = checkpoints::record(context, journal, &quiet, true);
        let keys = Keys::open(&context.key_dir(), &quiet.name, true, context.entropy)?;
        let dir = context.state.join(WITNESS);
        let name = format!("{}/witness", origin::root(&quiet.name, true));
        let failed = |error: crate::signer::SignerError| Failure::failed(error.to_string());
        // From the seed, so that the same seed gives the same bundle.
        FileKey::open_or_make(&dir.join(KEY_FILE), &name, context.entropy).map_err(failed)?;
        let mut witness = Witness::init(&dir, &name, &keys.log.vkey().to_string())?;
        let now = context.clock.now();
        let done = witness.cosign(&checkpoints::folder(context), &context.state.join(COSIGNED), now)?;
        let troubles: Vec<String> = recorded.troubles.into_iter().chain(done.refused).collect();
        for trouble in troubles {
            self.event(Kind::Finding, format!("not cosigned: {trouble}"), None);
        }
        let what = format!("a witness cosigned {} logs", done.cosigned.len());
        self.event(Kind::Checked, what, None);
        Ok(())
    }
}
