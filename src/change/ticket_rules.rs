//! What a ticket must say before a plan is launched on it. Each thing that is missing is a sentence of its own.

use std::collections::BTreeSet;

use crate::base::digest::Digest;
use crate::base::id::SiteCode;
use crate::base::limits::TICKET_CLOCK_SKEW;
use crate::base::time::Timestamp;
use crate::model::change::{Ticket, TicketApproval};
use crate::model::tickets::TicketForm;

/// What is launched, and by whom it was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The ticket's number, as the change has it.
    pub number: &'a str,
    /// The plan's digest.
    pub plan: &'a Digest,
    /// The plan's sites.
    pub sites: &'a BTreeSet<SiteCode>,
    /// The names that the ticket system may have for who asked for the plan or built it.
    pub kept_out: &'a BTreeSet<String>,
    /// When we wrote the plan's digest into the ticket, if we did.
    pub told_at: Option<Timestamp>,
}

/// Why a ticket does not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TicketRefusal {
    /// The answer is about another ticket.
    #[error("the ticket system answered with {found} when it was asked for {number}")]
    OtherNumber {
        /// The ticket that was asked for.
        number: String,
        /// The one that came.
        found: String,
    },
    /// It is over.
    #[error("ticket {number} is not open: its state is `{state}`")]
    NotOpen {
        /// The ticket.
        number: String,
        /// Its state.
        state: String,
    },
    /// It is not approved.
    #[error("ticket {number} is not approved: its state is `{state}`")]
    NotApproved {
        /// The ticket.
        number: String,
        /// Its state.
        state: String,
    },
    /// Somebody said no.
    #[error("ticket {number} was rejected by {by}")]
    Rejected {
        /// The ticket.
        number: String,
        /// By whom.
        by: String,
    },
    /// Nobody is named who approved it.
    #[error("ticket {number} does not tell who approved it")]
    NoApprover {
        /// The ticket.
        number: String,
    },
    /// Who asked for it is the only one who approved it.
    #[error(
        "ticket {number} was approved by {by} alone, who asked for the change or built it; somebody else must"
    )]
    OwnApproval {
        /// The ticket.
        number: String,
        /// By whom.
        by: String,
    },
    /// The approvals came before the ticket had the plan.
    #[error(
        "ticket {number} was approved before it named plan {plan}; whoever approved it must look at this plan and approve again"
    )]
    ApprovedBefore {
        /// The ticket.
        number: String,
        /// The plan, shortened.
        plan: String,
    },
    /// It is for other sites.
    #[error("ticket {number} is not for {missing}: it names {named}")]
    WrongSite {
        /// The ticket.
        number: String,
        /// Sites of the plan that it does not name.
        missing: String,
        /// Sites that it names.
        named: String,
    },
    /// It is for another plan, or for none.
    #[error("ticket {number} does not quote the digest of this plan, {plan}{}", other_words(*others))]
    WrongPlan {
        /// The ticket.
        number: String,
        /// The plan.
        plan: Digest,
        /// How many other digests it quotes.
        others: usize,
    },
}

fn other_words(others: usize) -> &'static str {
    if others == 0 { "" } else { "; it quotes another" }
}

/// Everything for which a ticket does not do; nothing if it does.
pub fn refusals(ticket: &Ticket, form: &TicketForm, wanted: Wanted<'_>) -> Vec<TicketRefusal> {
    let number = || ticket.number.clone();
    if ticket.number != wanted.number {
        let found = number();
        // Nothing else that it says is about our ticket.
        return vec![TicketRefusal::OtherNumber { number: wanted.number.to_owned(), found }];
    }
    let mut refusals = Vec::new();
    let closed = ticket.is_closed || form.is_closed(&ticket.state);
    if closed {
        refusals.push(TicketRefusal::NotOpen { number: number(), state: ticket.state.clone() });
    } else if !form.is_approved(&ticket.state) {
        refusals.push(TicketRefusal::NotApproved { number: number(), state: ticket.state.clone() });
    }
    refusals.extend(approvals(ticket, wanted));
    let missing: Vec<&SiteCode> = wanted.sites.difference(&ticket.sites).collect();
    if !missing.is_empty() {
        let named = if ticket.sites.is_empty() { "no site".to_owned() } else { list(&ticket.sites) };
        refusals.push(TicketRefusal::WrongSite { number: number(), missing: list(missing), named });
    }
    let all = ticket.quoted.union(&ticket.commented);
    if !ticket.quoted.contains(wanted.plan) && !ticket.commented.contains(wanted.plan) {
        refusals.push(TicketRefusal::WrongPlan { number: number(), plan: *wanted.plan, others: all.count() });
    }
    refusals
}

/// The approvals that count for a plan: a yes of somebody else than who asked for it or built it, given when the ticket
/// had the plan.
pub fn counting<'t>(ticket: &'t Ticket, wanted: Wanted<'_>) -> Vec<&'t TicketApproval> {
    let counts = |one: &&TicketApproval| !is_kept_out(ticket, one, wanted) && is_in_time(ticket, one, wanted);
    ticket.approvals.iter().filter(|one| one.approved).filter(counts).collect()
}

fn approvals(ticket: &Ticket, wanted: Wanted<'_>) -> Option<TicketRefusal> {
    let number = ticket.number.clone();
    if let Some(no) = ticket.approvals.iter().find(|one| one.rejected) {
        return Some(TicketRefusal::Rejected { number, by: no.approver.clone() });
    }
    let given: Vec<&TicketApproval> = ticket.approvals.iter().filter(|one| one.approved).collect();
    if given.is_empty() {
        return Some(TicketRefusal::NoApprover { number });
    }
    if !counting(ticket, wanted).is_empty() {
        return None;
    }
    let others: Vec<&&TicketApproval> =
        given.iter().filter(|one| !is_kept_out(ticket, one, wanted)).collect();
    if others.is_empty() {
        let by: BTreeSet<&str> = given.iter().map(|one| one.approver.as_str()).collect();
        return Some(TicketRefusal::OwnApproval { number, by: list(by) });
    }
    Some(TicketRefusal::ApprovedBefore { number, plan: wanted.plan.short() })
}

fn is_kept_out(ticket: &Ticket, approval: &TicketApproval, wanted: Wanted<'_>) -> bool {
    let same = |name: &str| name.eq_ignore_ascii_case(&approval.approver);
    ticket.requester.as_deref().is_some_and(same) || wanted.kept_out.iter().any(|name| same(name))
}

/// What was approved before the ticket had the plan was not about the plan. Where the ticket's own text quotes it,
/// that was there to be read; where only a comment does, the moment at which we wrote it is known from our log.
fn is_in_time(ticket: &Ticket, approval: &TicketApproval, wanted: Wanted<'_>) -> bool {
    if ticket.quoted.contains(wanted.plan) {
        return true;
    }
    match (approval.at, wanted.told_at) {
        (Some(at), Some(told)) => at + TICKET_CLOCK_SKEW >= told,
        // Somebody else wrote the comment, or nobody tells when they approved: nothing shows the order.
        (None, _) | (Some(_), None) => false,
    }
}

fn list<T: ToString>(names: impl IntoIterator<Item = T>) -> String {
    names.into_iter().map(|name| name.to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tickets::TicketAdapter;

    const TOLD: &str = "2027-01-11T09:00:00Z";

    fn plan() -> Digest {
        Digest::of(b"plan")
    }

    fn site(code: &str) -> SiteCode {
        SiteCode::new(code).unwrap()
    }

    fn approval(approver: &str, at: &str) -> TicketApproval {
        let at = Some(at.parse().unwrap());
        TicketApproval {
            approver: approver.to_owned(),
            state: "approved".to_owned(),
            approved: true,
            rejected: false,
            at,
        }
    }

    fn good() -> Ticket {
        Ticket {
            number: "CHG0012345".to_owned(),
            state: "Implement".to_owned(),
            is_closed: false,
            requester: Some("pat".to_owned()),
            approvals: vec![approval("cab", "2027-01-11T10:00:00Z")],
            sites: BTreeSet::from([site("HRB01"), site("MPL02")]),
            quoted: BTreeSet::new(),
            commented: BTreeSet::from([plan()]),
            begins: None,
            ends: None,
            url: "https://example.service-now.com/x".to_owned(),
        }
    }

    fn told(change: impl FnOnce(&mut Ticket)) -> String {
        let mut ticket = good();
        change(&mut ticket);
        let kept_out = BTreeSet::from(["maria".to_owned()]);
        let wanted = Wanted {
            number: "CHG0012345",
            plan: &plan(),
            sites: &BTreeSet::from([site("HRB01")]),
            kept_out: &kept_out,
            told_at: Some(TOLD.parse().unwrap()),
        };
        let form = TicketForm::standard(TicketAdapter::ServiceNow);
        let all = refusals(&ticket, &form, wanted);
        all.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn a_ticket_that_is_open_approved_and_about_this_plan_does() {
        assert_eq!(told(|_| {}), "");
        assert_eq!(told(|ticket| ticket.state = "scheduled".to_owned()), "");
        // A second yes of who asked for it does no harm.
        assert_eq!(told(|ticket| ticket.approvals.push(approval("Maria", "2027-01-11T10:00:00Z"))), "");
    }

    #[test]
    fn each_refusal_has_its_own_sentence() {
        let t = "ticket CHG0012345";
        let plan = plan();
        type Case = (Box<dyn FnOnce(&mut Ticket)>, String);
        let cases: Vec<Case> = vec![
            (
                Box::new(|one| one.number = "CHG0000001".to_owned()),
                "the ticket system answered with CHG0000001 when it was asked for CHG0012345".to_owned(),
            ),
            (
                Box::new(|one| one.state = "Closed".to_owned()),
                format!("{t} is not open: its state is `Closed`"),
            ),
            (Box::new(|one| one.is_closed = true), format!("{t} is not open: its state is `Implement`")),
            (
                Box::new(|one| one.state = "Assess".to_owned()),
                format!("{t} is not approved: its state is `Assess`"),
            ),
            (
                Box::new(|one| {
                    one.approvals[0].approved = false;
                    one.approvals[0].rejected = true;
                }),
                format!("{t} was rejected by cab"),
            ),
            (Box::new(|one| one.approvals.clear()), format!("{t} does not tell who approved it")),
            (
                Box::new(|one| one.approvals[0].approver = "MARIA".to_owned()),
                format!(
                    "{t} was approved by MARIA alone, who asked for the change or built it; somebody else must"
                ),
            ),
            (
                Box::new(|one| one.approvals[0].approver = "pat".to_owned()),
                format!(
                    "{t} was approved by pat alone, who asked for the change or built it; somebody else must"
                ),
            ),
            (Box::new(|one| one.sites.clear()), format!("{t} is not for HRB01: it names no site")),
            (
                Box::new(|one| {
                    one.sites.remove(&site("HRB01"));
                }),
                format!("{t} is not for HRB01: it names MPL02"),
            ),
            (
                Box::new(|one| one.commented = BTreeSet::from([Digest::of(b"other")])),
                format!("{t} does not quote the digest of this plan, {plan}; it quotes another"),
            ),
            (
                Box::new(|one| one.commented.clear()),
                format!("{t} does not quote the digest of this plan, {plan}"),
            ),
        ];
        for (change, expected) in cases {
            assert_eq!(told(change), expected);
        }
    }

    #[test]
    fn what_was_approved_before_it_had_the_plan_was_not_about_the_plan() {
        let before = format!(
            "ticket CHG0012345 was approved before it named plan {}; whoever approved it must look at this plan and approve again",
            plan().short()
        );
        assert_eq!(told(|one| one.approvals[0] = approval("cab", "2027-01-11T08:30:00Z")), before);
        assert_eq!(told(|one| one.approvals[0].at = None), before);
        // Two clocks are never the same.
        assert_eq!(told(|one| one.approvals[0] = approval("cab", "2027-01-11T08:58:00Z")), "");
        // Its own text was there to be read.
        let quotes = |one: &mut Ticket| {
            one.approvals[0].at = None;
            one.quoted = BTreeSet::from([plan()]);
        };
        assert_eq!(told(quotes), "");
    }

    #[test]
    fn all_that_is_missing_is_told_at_once() {
        let bad = told(|one| {
            one.state = "Canceled".to_owned();
            one.approvals.clear();
            one.sites.clear();
            one.commented.clear();
        });
        assert_eq!(bad.split("; ").count(), 4, "{bad}");
    }
}
