//! What a decision about a plan is made with: the plan, the estate, the journal, and who signs.

use std::collections::BTreeSet;

use super::words::{Decides, PartsOf};
use crate::approval::need::is_of_site;
use crate::base::id::{ScopeId, SiteCode};
use crate::cli::run::at;
use crate::cli::signing::{Decider, Desk, Made, Signing};
use crate::cli::ui::Ui;
use crate::journal::Journal;
use crate::journal::sqlite::SqliteJournal;
use crate::model::estate::Estate;
use crate::model::plan::SavedPlan;
use crate::model::signed::{Act, STATEMENT_VERSION, Statement, Subject};
use crate::ops::approvals::{self, Case};
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::{self, Context};
use crate::people::Seat;

/// Everything that a decision about a plan is made with.
pub(super) struct Table<'t> {
    pub(super) ui: &'t Ui,
    pub(super) context: &'t Context,
    pub(super) estate: &'t Estate,
    pub(super) case: Case<'t>,
}

impl Table<'_> {
    pub(super) fn desk(&self) -> Desk<'_> {
        let case = &self.case;
        Desk { people: case.people, keys: &case.keys, zone: &case.zone, now: self.context.clock.now() }
    }

    /// The seats that the plan asks for, at these scopes or at all.
    pub(super) fn seats(&self, scopes: &BTreeSet<ScopeId>) -> BTreeSet<Seat> {
        let mut seats = BTreeSet::new();
        for need in &self.case.saved.plan.approvals {
            for scope in need.scopes.iter().filter(|scope| scopes.is_empty() || scopes.contains(scope)) {
                let roles = need.roles.iter().filter(|role| scope.site().is_some() || !is_of_site(role));
                seats.extend(roles.map(|role| Seat { role: role.clone(), site: scope.site().cloned() }));
            }
        }
        seats
    }

    /// The seats that anybody holds, for acts that any role can do.
    pub(super) fn any_seat(&self) -> BTreeSet<Seat> {
        let held = &self.case.people.holdings;
        held.iter().map(|one| Seat { role: one.role.clone(), site: one.site.clone() }).collect()
    }

    /// The parts that were named, or those of the decider's own sites where the role is a site's.
    pub(super) fn scopes(&self, parts: &PartsOf) -> Result<BTreeSet<ScopeId>, Failure> {
        let plan = &self.case.saved.plan;
        let mut scopes = BTreeSet::new();
        for code in &parts.site {
            let scope = SiteCode::new(code.as_str()).ok().map(ScopeId::Site);
            let known = scope.filter(|scope| plan.scopes.contains_key(scope));
            let none =
                || Failure::usage(format!("the plan has no site `{code}`"), "landfall show PLAN lists them");
            scopes.insert(known.ok_or_else(none)?);
        }
        for letter in &parts.pattern {
            let pattern = plan.overview.patterns.iter().find(|pattern| pattern.name == *letter);
            let none = || {
                Failure::usage(
                    format!("the plan has no pattern `{letter}`"),
                    "landfall show PLAN --patterns lists them",
                )
            };
            scopes.extend(pattern.ok_or_else(none)?.sites.iter().cloned().map(ScopeId::Site));
        }
        Ok(scopes)
    }

    pub(super) fn statement(&self, by: Decider, subject: Subject, act: Act, meaning: String) -> Statement {
        Statement {
            v: STATEMENT_VERSION,
            estate: self.case.estate.to_owned(),
            subject,
            act,
            person: by.person,
            role: by.role,
            instead_of: by.instead_of,
            at: self.context.clock.now(),
            expires: None,
            meaning,
            comment: String::new(),
            electronic: None,
        }
    }

    /// Signs, weighs and writes down.
    pub(super) fn settle(
        &self,
        signing: &Signing,
        statement: Statement,
        journal: &mut dyn Journal,
    ) -> Result<Option<Statement>, Failure> {
        let scopes: Vec<ScopeId> = self.case.covered(&statement.subject).cloned().collect();
        let statement = signing.made(self.context, journal, self.estate, &scopes, statement)?;
        self.ui.say(&format!("{} as {} signs: {}", statement.person, statement.role, statement.meaning));
        match signing.sign(self.ui, self.desk(), statement)? {
            Made::Written => Ok(None),
            Made::Signed(signed) => {
                // The log may know a challenge by now that it did not when the case was opened.
                let case = Case::open(self.case.saved, self.estate, journal)?;
                let recorded = approvals::decide(self.context, &case, journal, &signed)?;
                let org = recorded.places.first().map_or(0, |(_, seq)| *seq);
                let (kind, key) = (signed.statement.act.entry_kind(), &signed.key);
                self.ui.result(&format!("Recorded {kind} as entry {org} of the org log, signed with {key}"));
                Ok(Some(signed.statement))
            }
        }
    }

    pub(super) fn told(&self, journal: &dyn Journal, estate: &Estate) -> Result<(), Failure> {
        let case = Case::open(self.case.saved, estate, journal)?;
        let standing = case.standing(self.context.clock.now());
        approvals::lines(&case, &standing).iter().for_each(|line| self.ui.say(line));
        Ok(())
    }
}

/// Everything that is opened for a decision: held in one place so that the table can borrow from it.
pub(super) struct Opened {
    pub(super) context: Context,
    pub(super) saved: SavedPlan,
    pub(super) desired: Desired,
    pub(super) journal: SqliteJournal,
}

pub(super) fn open(context: &Context, of: &Decides) -> Result<Opened, Failure> {
    let context = at(context, &of.moment)?;
    let saved = ops::plan::read(&of.plan)?;
    ops::target::refuse_shifted(&context, &saved.plan.target)?;
    let desired = Desired::read(&context.root)?;
    if saved.plan.lineage != desired.loaded.estate.lineage {
        let reason = format!("the plan was made for another estate, `{}`", saved.plan.estate);
        return Err(Failure::Refused { reason });
    }
    if saved.plan.approvals.is_empty() {
        return Err(Failure::usage(
            format!(
                "the plan needs no approval: target {} asks for none, or nothing changes",
                saved.plan.target.name
            ),
            "[targets.NAME] gates = \"enforce\" in sites/estate.toml makes a target ask",
        ));
    }
    let journal = SqliteJournal::open(&context.journal_dir())?;
    Ok(Opened { context, saved, desired, journal })
}

impl Opened {
    pub(super) fn estate(&self) -> &Estate {
        &self.desired.loaded.estate
    }

    pub(super) fn table<'t>(&'t self, ui: &'t Ui) -> Result<Table<'t>, Failure> {
        let case = Case::open(&self.saved, self.estate(), &self.journal)?;
        Ok(Table { ui, context: &self.context, estate: self.estate(), case })
    }

    pub(super) fn another(&self) -> Result<SqliteJournal, Failure> {
        Ok(SqliteJournal::open(&self.context.journal_dir())?)
    }
}
