//! Judges what must hold before a wave begins, from the records alone.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::id::{LogId, PackName, ScopeId, SiteCode, WaveName};
use crate::base::time::{Millis, Timestamp};
use crate::evidence::register;
use crate::journal::{Journal, JournalError, Line};
use crate::model::authority::GateUse;
use crate::model::criterion::{Criterion, Holds};
use crate::model::event::{Event, RunOutcome};
use crate::model::fleet_event::{Batch, FleetEvent};
use crate::model::plan::{PackLock, Plan, PlanExcerpt, WavePlan};
use crate::model::wait::OpenItem;
use crate::ops::checklist::Ground;
use crate::ops::desired::Desired;
use crate::ops::gates;
use crate::ops::launch::PLAN_FILE;
use crate::ops::question::of_log;
use crate::ops::record::RECORDED;
use crate::ops::status;
use crate::runner::clock::Clock;

/// The sites of each wave of an estate.
type Waves = BTreeMap<WaveName, Vec<ScopeId>>;

/// A judge of entry criteria for this estate.
pub fn judge(
    desired: &Desired,
    clock: Clock,
) -> impl FnMut(&Plan, &WavePlan, &dyn Journal) -> Result<Vec<OpenItem>, JournalError> + use<> {
    let estate = &desired.loaded.estate;
    let ground = Ground::of(desired);
    let free: BTreeSet<String> = estate
        .targets
        .iter()
        .filter(|(_, spec)| spec.gates == GateUse::Open)
        .map(|(name, _)| name.clone())
        .collect();
    let waves: Waves = estate
        .waves
        .iter()
        .map(|wave| {
            let codes = wave.sites.iter().filter_map(|code| SiteCode::new(code.value.as_str()).ok());
            (wave.name.clone(), codes.map(ScopeId::Site).collect())
        })
        .collect();
    move |plan, wave, journal| {
        let gates = Gates { ground: &ground, asked: !free.contains(&plan.target.name) };
        let bench = Bench { waves: &waves, plan, wave, journal, now: clock.now() };
        let mut open = gates.open(&bench)?;
        for criterion in &wave.entry {
            if let Some(missing) = bench.missing(criterion)? {
                let (id, owner) = (criterion.id.clone(), criterion.owner.clone());
                open.push(OpenItem { id, missing, owner });
            }
        }
        Ok(open)
    }
}

/// What a criterion is judged against.
struct Bench<'b> {
    waves: &'b Waves,
    plan: &'b Plan,
    wave: &'b WavePlan,
    journal: &'b dyn Journal,
    now: Timestamp,
}

/// The gates that criteria ask for.
struct Gates<'g> {
    ground: &'g Ground,
    /// Whether the target asks for gates at all.
    asked: bool,
}

impl Gates<'_> {
    /// Everything that keeps a gate shut, thing by thing, each with its own owner.
    fn open(&self, bench: &Bench<'_>) -> Result<Vec<OpenItem>, JournalError> {
        let gate = |criterion: &Criterion| match &criterion.holds {
            Holds::Gate(gate) => Some(gate.clone()),
            Holds::WaveDone(_)
            | Holds::SitesLive(_)
            | Holds::SamePacksAs(_)
            | Holds::NoOpenFindings
            | Holds::Evidence { .. } => None,
        };
        let wanted: Vec<_> =
            bench.wave.entry.iter().filter_map(|criterion| Some((criterion, gate(criterion)?))).collect();
        if !self.asked || wanted.is_empty() {
            return Ok(Vec::new());
        }
        let board = self.ground.board(bench.journal, bench.now)?;
        let sites: Vec<ScopeId> = bench.wave.sites.iter().cloned().map(ScopeId::Site).collect();
        let barred =
            |(criterion, gate): &(&Criterion, _)| gates::barred(self.ground, &board, criterion, gate, &sites);
        let open: Vec<OpenItem> = wanted.iter().flat_map(barred).collect();
        Ok(gates::cut(&open))
    }
}

/// The newest run of a site that ended well.
struct GoodRun {
    ended: Timestamp,
    packs: BTreeMap<PackName, PackLock>,
}

impl Bench<'_> {
    /// What is missing, in words; nothing if the criterion holds.
    fn missing(&self, criterion: &Criterion) -> Result<Option<String>, JournalError> {
        match &criterion.holds {
            Holds::WaveDone(wave) => self.wave_done(wave),
            Holds::SitesLive(wanted) => self.sites_live(*wanted),
            Holds::SamePacksAs(wave) => self.same_packs(wave),
            // Gates say more than one thing each, and are judged together.
            Holds::Gate(_) => Ok(None),
            Holds::NoOpenFindings => self.open_findings(),
            Holds::Evidence { kind, within_days, after } => self.evidence(kind, *within_days, after.as_ref()),
        }
    }

    fn sites(&self, wave: &WaveName) -> &[ScopeId] {
        self.waves.get(wave).map_or(&[], Vec::as_slice)
    }

    fn is_live(&self, site: &ScopeId) -> Result<bool, JournalError> {
        let lines = self.journal.read(&LogId::Scope(site.clone()), 0)?;
        Ok(status::ended_well(&lines))
    }

    fn wave_done(&self, wave: &WaveName) -> Result<Option<String>, JournalError> {
        let mut open = Vec::new();
        for site in self.sites(wave) {
            if !self.is_live(site)? {
                open.push(site.to_string());
            }
        }
        if !open.is_empty() || self.sites(wave).is_empty() {
            return Ok(Some(format!("{wave} is not done: {} did not end well", named(&open))));
        }
        Ok(self.bakes(wave)?.then(|| format!("the bake time of {wave} is not over")))
    }

    /// Whether the newest bake time of a wave has begun and not ended well.
    fn bakes(&self, wave: &WaveName) -> Result<bool, JournalError> {
        let mut baking = false;
        for line in self.journal.read(&LogId::Org, 0)? {
            match FleetEvent::from_entry(&line.entry.kind, &line.entry.body) {
                Ok(FleetEvent::WaveBaking { wave: of, .. }) if of == *wave => baking = true,
                Ok(FleetEvent::WaveBaked { wave: of, batch: Batch::Wave }) if of == *wave => baking = false,
                _ => {}
            }
        }
        Ok(baking)
    }

    fn sites_live(&self, wanted: u32) -> Result<Option<String>, JournalError> {
        let mut live = 0;
        for site in self.waves.values().flatten() {
            live += u32::from(self.is_live(site)?);
        }
        Ok((live < wanted).then(|| format!("{live} of {wanted} sites are live")))
    }

    fn same_packs(&self, wave: &WaveName) -> Result<Option<String>, JournalError> {
        let mut differ: BTreeSet<String> = BTreeSet::new();
        for site in self.sites(wave) {
            let Some(run) = self.good_run(site)? else {
                return Ok(Some(format!(
                    "{site} of {wave} has no run that ended well to compare packs with"
                )));
            };
            let other = |(name, lock): &(&PackName, &PackLock)| {
                self.plan.packs.get(*name).is_none_or(|now| now.digest != lock.digest)
            };
            differ.extend(run.packs.iter().filter(other).map(|(name, _)| name.to_string()));
        }
        let differ: Vec<String> = differ.into_iter().collect();
        Ok((!differ.is_empty()).then(|| format!("not the packs of {wave}: {} changed since", named(&differ))))
    }

    /// The newest run of a site that ended well, with the packs of its plan. A run that names no plan counts as none:
    /// nothing could be compared with it.
    fn good_run(&self, site: &ScopeId) -> Result<Option<GoodRun>, JournalError> {
        let lines = self.journal.read(&LogId::Scope(site.clone()), 0)?;
        let good = |line: &&Line| {
            let event = Event::from_entry(&line.entry.kind, None, &line.entry.body);
            matches!(event, Ok(Event::RunEnded { outcome: RunOutcome::Succeeded, .. }))
        };
        let Some(ended) = lines.iter().rev().find(good) else { return Ok(None) };
        let began = |line: &&Line| line.entry.kind == "run.started" && line.entry.run == ended.entry.run;
        let plan = lines
            .iter()
            .find(began)
            .and_then(|line| line.entry.refs.iter().find(|blob| blob.path == PLAN_FILE));
        let Some(blob) = plan else { return Ok(None) };
        let bytes = self.journal.get_blob(&blob.sha256)?;
        let raw = serde_json::from_slice(&bytes).map_err(|error| unreadable(&error))?;
        let packs = PlanExcerpt::from_value(raw).map_err(|error| unreadable(&error))?.head.packs;
        Ok(Some(GoodRun { ended: ended.entry.at, packs }))
    }

    fn open_findings(&self) -> Result<Option<String>, JournalError> {
        let mut open = Vec::new();
        for site in self.wave.sites.iter().cloned().map(ScopeId::Site) {
            let records =
                of_log(self.journal, &LogId::Scope(site.clone())).map_err(|error| unreadable(&error))?;
            open.extend(
                register::open_findings(&records).into_iter().map(|words| format!("{site}: {words}")),
            );
        }
        Ok((!open.is_empty()).then(|| format!("{} open: {}", open.len(), open.join("; "))))
    }

    fn evidence(
        &self,
        kind: &str,
        within_days: Option<u32>,
        after: Option<&WaveName>,
    ) -> Result<Option<String>, JournalError> {
        let Some(newest) = self.newest_record(kind)? else {
            return Ok(Some(format!("no record of {kind}: landfall record {kind} files one")));
        };
        if let Some(days) = within_days
            && self.now.since(newest) > Millis::from_secs(u64::from(days) * 24 * 60 * 60)
        {
            return Ok(Some(format!(
                "the newest record of {kind} is of {newest}, more than {days} days ago"
            )));
        }
        let Some(wave) = after else { return Ok(None) };
        let mut last = None;
        for site in self.sites(wave) {
            last = last.max(self.good_run(site)?.map(|run| run.ended));
        }
        Ok(match last {
            Some(last) if newest > last => None,
            Some(last) => {
                Some(format!("the newest record of {kind} is of {newest}; {wave} ended after it, {last}"))
            }
            None => Some(format!("{kind} is to be recorded after {wave}, which has no run that ended well")),
        })
    }

    /// When a record of this kind was filed last, in any log.
    fn newest_record(&self, kind: &str) -> Result<Option<Timestamp>, JournalError> {
        let mut newest = None;
        for log in self.journal.heads()?.into_keys() {
            let lines = self.journal.read(&log, 0)?;
            let of = |line: &&Line| line.entry.kind == RECORDED && line.entry.body["kind"] == *kind;
            newest = newest.max(lines.iter().filter(of).map(|line| line.entry.at).max());
        }
        Ok(newest)
    }
}

fn named(names: &[String]) -> String {
    if names.is_empty() { "no site".to_owned() } else { names.join(", ") }
}

fn unreadable(error: &dyn std::fmt::Display) -> JournalError {
    JournalError::Store { path: "what the criteria rest on".to_owned(), what: error.to_string() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::base::limits;
    use crate::journal::memory::MemoryJournal;
    use crate::model::entry::{Actor, ActorKind, BlobRef, EntryDraft};
    use crate::model::event::Counts;

    fn draft(log: &LogId, event: &Event, refs: Vec<BlobRef>) -> EntryDraft {
        EntryDraft {
            log: log.clone(),
            at: Timestamp::from_millis(1),
            run: Some("run-1".parse().unwrap()),
            kind: event.kind().to_owned(),
            step: None,
            actor: Actor { kind: ActorKind::Person, id: "tester".to_owned() },
            plan: None,
            refs,
            body: event.to_body(),
        }
    }

    #[test]
    fn packs_are_not_compared_with_a_run_that_names_no_plan() {
        let site: ScopeId = "site/HRB01".parse().unwrap();
        let log = LogId::Scope(site.clone());
        let mut journal = MemoryJournal::new();
        let lease = journal.take_lease(&log, "here", Timestamp::from_millis(0), limits::LEASE).unwrap();
        let ended = Event::RunEnded { outcome: RunOutcome::Succeeded, counts: Counts::default() };
        let started = Event::RunStarted { at: Timestamp::from_millis(0) };
        journal
            .append(&[&lease], vec![draft(&log, &started, Vec::new()), draft(&log, &ended, Vec::new())])
            .unwrap();
        let plan: Plan = serde_json::from_value(json!({
            "v": 1, "tool": "t", "estate": "E", "lineage": "l", "selection": "all",
            "target": { "name": "none", "account_id": "", "host": "none" },
            "inputs": {}, "packs": {}, "parameters": {}, "heads": {}, "scopes": {},
            "fleet": { "waves": [{ "name": "next", "sites": ["MPL02"], "max_parallel": 1, "failure_budget": 0 }] },
        }))
        .unwrap();
        let pilot: WaveName = "pilot".parse().unwrap();
        let waves = Waves::from([(pilot.clone(), vec![site])]);
        let wave = &plan.fleet.waves[0];
        let bench =
            Bench { waves: &waves, plan: &plan, wave, journal: &journal, now: Timestamp::from_millis(2) };
        let told = bench.same_packs(&pilot).unwrap().unwrap();
        assert_eq!(told, "site/HRB01 of pilot has no run that ended well to compare packs with");
    }
}
