//! One wave: what must be so before it, its plan with its approvals, and its launch.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;

use super::{MORNING_HOURS, World, actor};
use crate::access::campaign::RowState;
use crate::approval::need::is_of_site;
use crate::base::digest::Digest;
use crate::base::id::{GateId, PersonId, RoleName, ScopeId, SiteCode, WaveName};
use crate::base::time::{Millis, Timestamp};
use crate::journal::Journal;
use crate::model::access::{Answers, CAMPAIGN_VERSION};
use crate::model::criterion::Holds;
use crate::model::days::start_of;
use crate::model::plan::{Plan, SavedPlan, Selection, WavePlan};
use crate::model::signed::{Act, ChangeClass, Signed, Statement};
use crate::ops::approvals::{self, Case, NeedStanding, meaning};
use crate::ops::error::Failure;
use crate::ops::launch::{On, Watch, begin_on, outcomes, refuse_barred, went_well};
use crate::ops::plan::make;
use crate::ops::{access, entry, plan};
use crate::people::Seat;
use crate::persona;
use crate::report::life::{Kind, WaveLine};

/// Most answers that a plan's approvals take.
const ANSWERS_MAX: usize = 500;
/// Days that those have who look at rights again.
const REVIEW_DAYS: u32 = 14;
/// Who reviews a plan, if the plan does not ask for their approval.
pub(super) const REVIEWERS: [&str; 3] = ["security", "it-network", "data-team"];

fn role(name: &str) -> RoleName {
    RoleName::new(name).expect("the name of a role")
}

pub(super) fn of_program(name: &str) -> Seat {
    Seat { role: role(name), site: None }
}

impl World<'_> {
    /// Lives through one wave; gives its plan if it was launched and succeeded.
    ///
    /// # Errors
    ///
    /// If it cannot be planned, or the rehearsal's journal fails.
    pub(super) async fn wave(
        &mut self,
        name: &WaveName,
        is_last: bool,
    ) -> Result<Option<SavedPlan>, Failure> {
        let selection = Selection::Wave(name.clone());
        let Some(wave) = plan::waves(&self.estate.desired, &selection).into_iter().next() else {
            return Err(Failure::failed(format!("{name} has no sites")));
        };
        let is_first = self.life.waves.is_empty();
        let sites: Vec<String> = wave.sites.iter().map(ToString::to_string).collect();
        self.event(Kind::Wave, format!("{name}: {}", sites.join(", ")), None);
        self.life.waves.push(WaveLine {
            wave: name.to_string(),
            sites,
            launched: None,
            ended: None,
            outcome: "never launched".to_owned(),
            good: false,
            barred: Vec::new(),
        });
        self.gates_of(&wave, is_first).await?;
        if self.stop.is_asked() {
            return Ok(None);
        }
        self.morning_of(&wave);
        let saved =
            make(&self.context, &self.estate.desired, selection, &self.reached, &self.journal).await?;
        self.ask(&saved)?;
        if is_first || is_last {
            self.look_into_inboxes(&format!("before the launch of {name}"))?;
        }
        self.approve(&saved)?;
        if self.stop.is_asked() {
            return Ok(None);
        }
        let good = self.launch(&saved).await?;
        Ok(good.then_some(saved))
    }

    /// Everything that is asked before a wave may begin.
    async fn gates_of(&mut self, wave: &WavePlan, is_first: bool) -> Result<(), Failure> {
        let sites: Vec<ScopeId> = wave.sites.iter().cloned().map(ScopeId::Site).collect();
        let mut gates: Vec<(ScopeId, GateId)> = Vec::new();
        for criterion in &wave.entry {
            match &criterion.holds {
                Holds::Gate(gate) => {
                    let scopes = self.ground.scopes_of(gate, &sites);
                    gates.extend(scopes.into_iter().map(|scope| (scope, gate.clone())));
                }
                Holds::Evidence { kind, after, .. } if kind == "access.review" => {
                    self.access_reviews(after.as_ref()).await?;
                }
                Holds::Evidence { .. }
                | Holds::WaveDone(_)
                | Holds::SitesLive(_)
                | Holds::SamePacksAs(_)
                | Holds::NoOpenFindings => {}
            }
        }
        if is_first {
            // The first gates are those of readiness: with them open, everybody finds the rest in their inbox.
            let first: Vec<_> =
                gates.iter().take_while(|(scope, _)| *scope == ScopeId::Account).take(2).cloned().collect();
            self.open(&first).await?;
            self.look_into_inboxes("after readiness opened")?;
        }
        self.open(&gates).await
    }

    /// A wave begins on the morning of its first day, or when everything is there.
    fn morning_of(&mut self, wave: &WavePlan) {
        let declared = self.estate.desired.loaded.estate.waves.iter().find(|one| one.name == wave.name);
        if let Some(day) = declared.and_then(|one| one.start) {
            let morning = start_of(&self.zone, day) + Millis::from_secs(MORNING_HOURS as u64 * 3600);
            self.context.clock.advance_to(morning);
        }
    }

    /// Looks at the rights again at the sites of a wave: a campaign each, answered by those who are asked.
    async fn access_reviews(&mut self, after: Option<&WaveName>) -> Result<(), Failure> {
        let waves = &self.estate.desired.loaded.estate.waves;
        let of = waves.iter().filter(|wave| after.is_none_or(|name| wave.name == *name));
        let codes: Vec<SiteCode> = of
            .flat_map(|wave| &wave.sites)
            .filter_map(|code| SiteCode::new(code.value.as_str()).ok())
            .collect();
        for site in codes {
            if !self.stop.is_asked() {
                self.access_review(&site)?;
            }
        }
        Ok(())
    }

    fn access_review(&mut self, site: &SiteCode) -> Result<(), Failure> {
        let standing = match access::start(&self.context, &mut self.journal, site, REVIEW_DAYS) {
            Ok(standing) => standing,
            Err(Failure::Refused { reason }) => {
                self.event(Kind::Finding, format!("no review of rights at {site}: {reason}"), None);
                return Ok(());
            }
            Err(other) => return Err(other),
        };
        let campaign = standing.campaign.clone();
        let what = format!("{campaign} of {site} begins: {} rights", standing.rows.len());
        self.event(Kind::Access, what, None);
        let mut of_role: BTreeMap<RoleName, BTreeSet<String>> = BTreeMap::new();
        for (id, (row, state)) in &standing.rows {
            if matches!(state, RowState::Open) {
                of_role.entry(row.reviewer.clone()).or_default().insert(id.clone());
            }
        }
        let since = self.now();
        let mut answers = Vec::new();
        for (role, keep) in of_role {
            let seat = Seat { role, site: Some(site.clone()) };
            let Some(player) = self.cast.player(&seat, false, &BTreeSet::new(), since) else {
                self.event(
                    Kind::Finding,
                    format!("nobody can review rights as {} at {site}", seat.role),
                    None,
                );
                continue;
            };
            let due = self.answer(&format!("access/{site}/{campaign}/{}", seat.role), &player, since);
            answers.push((due, seat, player, keep));
        }
        answers.sort_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
        for (due, seat, player, keep) in answers {
            self.context.clock.advance_to(due);
            let count = keep.len();
            let answers =
                Answers { v: CAMPAIGN_VERSION, campaign: campaign.clone(), keep, revoke: BTreeMap::new() };
            let (subject, meaning) = access::answering(&self.journal, site, &answers, &seat.role)?;
            let statement = self.statement(&seat, &player, subject, Act::Attest {}, meaning);
            let signed = self.sign(statement)?;
            access::answer(
                &self.context,
                &self.estate.desired.loaded.estate,
                &mut self.journal,
                site,
                &answers,
                &signed,
            )?;
            let minutes = self
                .asked
                .get(&format!("access/{site}/{campaign}/{}", seat.role))
                .map_or(0, |one| one.minutes);
            self.waited(&seat.role, minutes, None);
            let by = format!("{} as {}", player.person, seat.role);
            self.event(Kind::Access, format!("{campaign} of {site}: {count} rights stay"), Some(by));
        }
        let estate = &self.estate.desired.loaded.estate;
        match access::close(&self.context, estate, &mut self.journal, site) {
            Ok(_) => self.event(Kind::Access, format!("{campaign} of {site} is closed"), None),
            Err(Failure::Refused { reason }) => {
                self.event(Kind::Finding, format!("{campaign} of {site} cannot be closed: {reason}"), None);
            }
            Err(other) => return Err(other),
        }
        Ok(())
    }

    /// Asks for the approval of a plan.
    fn ask(&mut self, saved: &SavedPlan) -> Result<(), Failure> {
        if saved.plan.approvals.is_empty() {
            return Ok(());
        }
        let refused = approvals::refuse_unapproved(
            saved,
            &self.estate.desired.loaded.estate,
            &self.journal,
            self.now(),
        );
        match refused {
            Err(Failure::Refused { .. }) => {}
            Ok(_) => self.event(Kind::Finding, "the plan may be launched before anybody approved it", None),
            Err(other) => return Err(other),
        }
        let seat = of_program("program-manager");
        let Some(player) = self.cast.player(&seat, false, &BTreeSet::new(), self.now()) else {
            self.event(Kind::Finding, "nobody can ask for the approval as program-manager", None);
            return Ok(());
        };
        let case = Case::open(saved, &self.estate.desired.loaded.estate, &self.journal)?;
        let built_by = self.builder(&player.person).into_iter().collect();
        let subject = case.subject([]);
        let meaning = meaning::requests(&case, &subject, ChangeClass::Normal);
        let act = Act::Request { built_by, class: ChangeClass::Normal, ticket: None };
        let statement = self.statement(&seat, &player, subject, act, meaning);
        let scopes: Vec<ScopeId> = case.covered(&statement.subject).cloned().collect();
        drop(case);
        self.settle(saved, statement, &scopes)?;
        self.life.counts.decisions += 1;
        let what = format!("asked for plan {}: {} needs", saved.digest.short(), saved.plan.approvals.len());
        self.event(Kind::Approval, what, Some(format!("{} as {}", player.person, seat.role)));
        Ok(())
    }

    /// Signs a decision about a plan and records it.
    fn settle(
        &mut self,
        saved: &SavedPlan,
        statement: Statement,
        scopes: &[ScopeId],
    ) -> Result<Signed, Failure> {
        let statement = self.in_form(statement, scopes)?;
        let signed = self.cast.sign(statement)?;
        let case = Case::open(saved, &self.estate.desired.loaded.estate, &self.journal)?;
        let decided = approvals::decide(&self.context, &case, &mut self.journal, &signed);
        drop(case);
        decided?;
        Ok(signed)
    }

    /// Whoever built the plan: the one who stands in for the platform, so that its holder can still decide.
    pub(super) fn builder(&self, requester: &PersonId) -> Option<PersonId> {
        let holding = crate::people::holder(self.cast.people(), &of_program("platform"))?;
        holding.backup.clone().filter(|backup| backup != requester)
    }

    /// Reviews a plan and approves it, each in their own time, until nothing is missing or nobody can go on.
    fn approve(&mut self, saved: &SavedPlan) -> Result<(), Failure> {
        if saved.plan.approvals.is_empty() {
            return Ok(());
        }
        for _ in 0..ANSWERS_MAX {
            if self.stop.is_asked() {
                return Ok(());
            }
            let case = Case::open(saved, &self.estate.desired.loaded.estate, &self.journal)?;
            let standing = case.standing(self.now());
            if standing.holds() {
                let what = format!("plan {} has every approval that it needs", saved.digest.short());
                drop(case);
                self.event(Kind::Approval, what, None);
                return Ok(());
            }
            let mut first: Option<(Timestamp, String, Statement)> = None;
            let wanted = self.wanted(&case, &standing.needs);
            for (key, statement) in wanted {
                let due = due_of(&mut self.asked, (self.seed, &self.zone), &key, &statement);
                if first.as_ref().is_none_or(|(other, known, _)| (due, &key) < (*other, known)) {
                    first = Some((due, key, statement));
                }
            }
            let Some((due, key, statement)) = first else { break };
            self.context.clock.advance_to(due);
            let at = self.now();
            let scopes: Vec<ScopeId> = case.covered(&statement.subject).cloned().collect();
            drop(case);
            let signed = self.settle(saved, Statement { at, ..statement }, &scopes)?;
            self.life.counts.decisions += 1;
            let minutes = self.asked.get(&key).map_or(0, |answer| answer.minutes);
            let said = signed.statement;
            self.waited(&said.role, minutes, None);
            let word = if matches!(said.act, Act::Review {}) { "reviewed" } else { "approved" };
            let parts = match said.subject.parts.len() {
                0 => String::new(),
                count => format!(", {count} of its parts"),
            };
            let what = format!("{word} plan {}{parts}", saved.digest.short());
            self.event(Kind::Approval, what, Some(format!("{} as {}", said.person, said.role)));
        }
        self.event(Kind::Finding, format!("plan {} does not get its approvals", saved.digest.short()), None);
        Ok(())
    }

    /// What could be said next, each with the key under which it is asked for.
    fn wanted(&self, case: &Case<'_>, needs: &[NeedStanding]) -> Vec<(String, Statement)> {
        let plan = case.saved.digest.short();
        let mut wanted = Vec::new();
        if needs.iter().any(|one| one.weighed.unreviewed) {
            let asked: BTreeSet<&RoleName> = needs.iter().flat_map(|one| &one.need.roles).collect();
            let free = REVIEWERS.iter().map(|name| of_program(name)).find(|seat| !asked.contains(&seat.role));
            let player = free
                .and_then(|seat| Some((self.cast.player(&seat, false, &BTreeSet::new(), self.now())?, seat)));
            if let Some((player, seat)) = player {
                let subject = case.subject([]);
                let meaning = meaning::reviews(case, &subject);
                let statement = self.statement(&seat, &player, subject, Act::Review {}, meaning);
                return vec![(format!("review/{plan}"), statement)];
            }
        }
        let mut seats: BTreeMap<Seat, (BTreeSet<ScopeId>, BTreeSet<PersonId>)> = BTreeMap::new();
        for one in needs {
            for (seat, could) in &one.could {
                let site = seat.site.clone().filter(|_| is_of_site(&seat.role));
                let entry = seats.entry(Seat { role: seat.role.clone(), site }).or_default();
                entry.0.insert(one.scope.clone());
                entry.1.extend(could.iter().cloned());
            }
        }
        for (seat, (scopes, could)) in seats {
            let all: BTreeSet<PersonId> = self.cast.people().persons.keys().cloned().collect();
            let kept_out: BTreeSet<PersonId> = all.difference(&could).cloned().collect();
            let Some(player) = self.cast.player(&seat, false, &kept_out, self.now()) else { continue };
            let subject = if seat.site.is_some() { case.subject(&scopes) } else { case.subject([]) };
            let steps = case.saved.plan.approvals.iter().filter(|need| need.roles.contains(&seat.role));
            let steps = steps.flat_map(|need| &need.one_way);
            let one_way =
                steps.flat_map(|(scope, ids)| ids.iter().map(|id| case.one_way_name(scope, id))).collect();
            let meaning = meaning::approves(case, &subject);
            let act = Act::Approve { conditions: Vec::new(), one_way };
            let key = format!("approve/{plan}/{}/{:?}", seat.role, seat.site);
            wanted.push((key, self.statement(&seat, &player, subject, act, meaning)));
        }
        wanted
    }

    /// Launches a plan as in earnest: approvals and gates are judged again, from the records.
    async fn launch(&mut self, saved: &SavedPlan) -> Result<bool, Failure> {
        let at = self.life.waves.len() - 1;
        let estate = &self.estate.desired.loaded.estate;
        let mut judge = entry::judge(&self.estate.desired, self.context.clock.clone());
        let refused = approvals::refuse_unapproved(saved, estate, &self.journal, self.context.clock.now())
            .and_then(|_| refuse_barred(saved, &self.journal, &mut judge));
        if let Err(refused) = refused {
            let Failure::Refused { reason } = refused else { return Err(refused) };
            self.life.waves[at].barred = reason.lines().map(str::to_owned).collect();
            "refused".clone_into(&mut self.life.waves[at].outcome);
            self.event(Kind::Finding, format!("not launched: {reason}"), None);
            return Ok(false);
        }
        let change = match self.change(saved).await {
            Ok(change) => change,
            Err(Failure::Refused { reason }) => {
                "refused".clone_into(&mut self.life.waves[at].outcome);
                self.event(Kind::Finding, format!("not launched: {reason}"), None);
                return Ok(false);
            }
            Err(other) => return Err(other),
        };
        let mut judge = entry::judge(&self.estate.desired, self.context.clock.clone());
        self.event(Kind::Launch, format!("plan {} begins", saved.digest.short()), None);
        self.life.waves[at].launched = Some(self.shown(self.now()));
        let entry = &mut |plan: &Plan, wave: &WavePlan, journal: &dyn Journal| judge(plan, wave, journal);
        let watch = Watch { actor: actor(), stop: self.stop.clone(), feed: &mut |_| {}, entry, stay: true };
        let launched = begin_on(
            &self.context,
            On { saved, change, carved: &[] },
            &self.estate.desired.rendered,
            &self.reached,
            &mut self.journal,
            watch,
        )
        .await?;
        let good = went_well(&launched.left);
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for outcome in outcomes(&self.journal, &launched.run)?.into_values() {
            *counts.entry(outcome).or_insert(0) += 1;
        }
        let words: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
        let ended = self.shown(self.now());
        let line = &mut self.life.waves[at];
        (line.ended, line.good, line.outcome) = (Some(ended), good, words.join(", "));
        self.look_at_milestones()?;
        let kind = if good { Kind::Launch } else { Kind::Finding };
        self.event(kind, format!("plan {} ended: {}", saved.digest.short(), words.join(", ")), None);
        Ok(good)
    }
}

/// When somebody says what they are asked for; from now on, if they are asked now.
fn due_of(
    asked: &mut BTreeMap<String, super::Answer>,
    (seed, zone): (u64, &TimeZone),
    key: &str,
    statement: &Statement,
) -> Timestamp {
    let since = statement.at;
    let answer = asked.entry(key.to_owned()).or_insert_with(|| {
        let minutes = persona::minutes(seed, &statement.person, &Digest::of(key.as_bytes()));
        super::Answer { since, due: persona::after_work(since, minutes, zone), minutes }
    });
    answer.due
}
