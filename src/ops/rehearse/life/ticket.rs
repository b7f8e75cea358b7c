//! The change behind a launch: opened with a ticket, told which plan it is about, decided by the board, taken on step by
//! step, and read again before anything starts.

use std::collections::{BTreeMap, BTreeSet};

use super::desk::ADDRESS;
use super::launch::{REVIEWERS, of_program};
use super::{World, actor};
use crate::base::id::RoleName;
use crate::base::span::Span;
use crate::model::change::{BoardDecision, ChangeState};
use crate::model::days::day_of;
use crate::model::entry::BlobRef;
use crate::model::notify::{SecretRef, WebAddress};
use crate::model::plan::SavedPlan;
use crate::model::signed::{Act, ChangeClass};
use crate::model::tickets::{TicketAdapter, TicketForm, TicketUse, Tickets};
use crate::ops::approvals::{self, Case, meaning};
use crate::ops::changes::{self, Begin, Book, Step, Wanted, board, ticket, weigh_plan};
use crate::ops::error::Failure;
use crate::report::life::Kind;
use crate::ticket::TicketSystem;

/// The ticket system that the rehearsal's target asks for. Its sign-in is never used.
///
/// # Errors
///
/// Never: a test holds that the address is one.
pub(super) fn rehearsed(span: Span) -> Result<Tickets, Failure> {
    Ok(Tickets {
        adapter: TicketAdapter::Generic,
        url: WebAddress::new(ADDRESS).map_err(|error| Failure::failed(error.to_string()))?,
        user: None,
        token: SecretRef::Env("NONE".to_owned()),
        required: TicketUse::Always,
        timeout: None,
        form: TicketForm::standard(TicketAdapter::Generic),
        people: BTreeMap::new(),
        span,
    })
}

impl World<'_> {
    /// Brings the change of an approved plan to its launch, and gives the file that says which one it is.
    pub(super) async fn change(&mut self, saved: &SavedPlan) -> Result<Option<BlobRef>, Failure> {
        let (asker, chair) = (of_program("program-manager"), of_program("change-control"));
        let player = |seat, world: &Self| world.cast.player(seat, false, &BTreeSet::new(), world.now());
        let Some((asker, chair)) = player(&asker, self).zip(player(&chair, self)) else {
            self.event(Kind::Finding, "nobody can ask for the change, or sit at its board", None);
            return Ok(None);
        };
        let built_by = self.builder(&asker.person).into_iter().collect();
        let number = self.desk.open(&asker.person, changes::sites_of(saved));
        let title = format!("Bring {} ashore", saved.plan.selection);
        let wanted = Wanted {
            saved,
            title: &title,
            class: ChangeClass::Normal,
            ticket: Some(&number),
            requester: &asker.person,
            built_by,
        };
        let opened = changes::open(&self.context, &mut self.journal, &wanted, None, &actor())?;
        let id = opened.change.to_string();
        let desk = self.desk.clone();
        let reach = |_: &Tickets| Ok(Box::new(desk.clone()) as Box<dyn TicketSystem>);
        let estate = &self.estate.desired.loaded.estate;
        ticket::tell_by(&self.context, estate, &mut self.journal, &opened, &actor(), &reach).await?;
        self.reviewed(saved)?;
        let estate = &self.estate.desired.loaded.estate;
        // Whoever approves the ticket does so after it has the plan.
        self.desk.approve(&number, &chair.person, self.context.clock.now());
        let meeting = board::Meeting {
            change: &id,
            date: day_of(&self.zone, self.now()),
            attendees: BTreeSet::from([chair.person.clone()]),
            decision: BoardDecision::Approved,
            note: "",
        };
        board::decide(&self.context, estate, &mut self.journal, meeting, &actor())?;
        for to in [ChangeState::Reviewed, ChangeState::Approved, ChangeState::Scheduled] {
            self.advance(&id, to)?;
        }
        self.begin_of(&id)?;
        let estate = &self.estate.desired.loaded.estate;
        let on = (saved, Some(id.as_str()));
        let cleared = changes::cleared(&self.context, estate, on, &self.journal, &reach).await?;
        let file = cleared
            .map(|cleared| cleared.record(&self.context, saved, &actor(), &mut self.journal))
            .transpose()?;
        let by = format!("{} as change-control", chair.person);
        let what = format!("{id} with ticket {number} is scheduled for plan {}", saved.digest.short());
        self.event(Kind::Approval, what, Some(by));
        Ok(file)
    }

    /// Somebody who neither asked for the plan nor decides about it reads it, once the change is there.
    fn reviewed(&mut self, saved: &SavedPlan) -> Result<(), Failure> {
        let asked: BTreeSet<&RoleName> = saved.plan.approvals.iter().flat_map(|need| &need.roles).collect();
        let free = REVIEWERS.iter().map(|name| of_program(name)).find(|seat| !asked.contains(&seat.role));
        let Some(seat) = free else { return Ok(()) };
        let Some(player) = self.cast.player(&seat, false, &BTreeSet::new(), self.now()) else {
            return Ok(());
        };
        let case = Case::open(saved, &self.estate.desired.loaded.estate, &self.journal)?;
        let subject = case.subject([]);
        let meaning = meaning::reviews(&case, &subject);
        let statement = self.statement(&seat, &player, subject, Act::Review {}, meaning);
        let signed = self.cast.sign(statement)?;
        approvals::decide(&self.context, &case, &mut self.journal, &signed)?;
        self.life.counts.decisions += 1;
        Ok(())
    }

    fn advance(&mut self, change: &str, to: ChangeState) -> Result<(), Failure> {
        let (estate, now) = (&self.estate.desired.loaded.estate, self.context.clock.now());
        let begin = (to == ChangeState::Scheduled).then_some(Begin::Next);
        let step = Step { change, to, reason: "", begin };
        let weigh = weigh_plan(estate, now);
        changes::advance(&self.context, estate, &mut self.journal, step, &weigh, &actor())?;
        Ok(())
    }

    /// A scheduled change is not launched before its moment.
    fn begin_of(&mut self, change: &str) -> Result<(), Failure> {
        let book = Book::read(&self.journal)?;
        let begins = book.find(change)?.history.iter().rev().find_map(|passed| passed.begins);
        if let Some(begins) = begins {
            self.context.clock.advance_to(begins);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::desk::Desk;
    use super::*;
    use crate::base::span::SourceMap;

    #[tokio::test]
    async fn a_ticket_quotes_what_was_told_and_names_who_approved_it() {
        let desk = Desk::default();
        let person = |name: &str| crate::base::id::PersonId::new(name).expect("a handle");
        let site = crate::base::id::SiteCode::new("HRB01").expect("a site");
        let number = desk.open(&person("pm"), BTreeSet::from([site.clone()]));
        let plan = crate::base::digest::Digest::of(b"plan");
        desk.comment(&number, &format!("Plan sha256 {plan}\nCovers")).await.expect("taken");
        let waiting = desk.read(&number).await.expect("a ticket");
        desk.approve(&number, &person("chair"), crate::base::time::Timestamp::from_millis(7));
        let read = desk.read(&number).await.expect("a ticket");
        assert_ne!(waiting.answer, read.answer);
        let source = SourceMap::default().add("sites/estate.toml", "");
        let form = rehearsed(Span { source, range: 0..0 }).expect("a form").form;
        assert!(form.is_approved(&read.ticket.state) && !form.is_approved(&waiting.ticket.state));
        assert_eq!((read.ticket.commented, read.ticket.sites), ([plan].into(), [site].into()));
        assert_eq!(read.ticket.approvals[0].approver, "chair");
        assert!(desk.read("CHG9").await.is_err() && desk.comment("CHG9", "x").await.is_err());
    }
}
