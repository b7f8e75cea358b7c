//! What several sections of the page say alike: decisions, exceptions in force, and who approved what they had not made.

use std::collections::BTreeSet;

use crate::base::digest::Digest;
use crate::base::id::PersonId;
use crate::document::{Text, Zone};
use crate::evidence::decisions;
use crate::evidence::redaction::is_redacted;
use crate::model::entry::Entry;
use crate::model::signed::{Act, Signed, Statement, SubjectKind};

use super::super::{Content, layout};

/// The content with what follows from it.
pub(super) struct Facts<'c> {
    pub(super) content: &'c Content<'c>,
    pub(super) zone: Zone,
    /// Signed decisions by their entries.
    pub(super) signed: Vec<(u64, Signed)>,
}

/// Whether approvals of plans are by others than those who asked for them or built them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Separation {
    /// No plan was approved here.
    NoApproval,
    /// Every approver is somebody else.
    Kept,
    /// These approved what they had asked for or built.
    Broken(Vec<String>),
    /// So many approvals have no request beside them that says who built what.
    NotShown(usize),
}

impl<'c> Facts<'c> {
    pub(super) fn of(content: &'c Content<'c>) -> Self {
        let zone = content.plan.part.plan.calendar.as_ref().map_or("UTC", |calendar| &calendar.zone);
        Self { content, zone: Zone::of(zone), signed: decisions::of(&content.records.entries) }
    }

    /// The site's code with its name, if the plan knows it.
    pub(super) fn site(&self) -> String {
        let code = &self.content.parts.site;
        match self.content.plan.part.parameters.get("site.name").and_then(|name| name.as_str()) {
            Some(name) if name != code.as_str() => format!("{code}, {name}"),
            _ => code.to_string(),
        }
    }

    /// Decisions that were not taken back by whoever made them.
    pub(super) fn standing(&self) -> impl Iterator<Item = (u64, &Statement)> {
        let taken_back = |seq: u64, one: &Statement| {
            self.signed.iter().any(|(later, other)| {
                let other = &other.statement;
                *later > seq
                    && matches!(other.act, Act::Withdraw {})
                    && other.person == one.person
                    && other.subject == one.subject
            })
        };
        self.signed
            .iter()
            .map(|(seq, signed)| (*seq, &signed.statement))
            .filter(move |(seq, statement)| !taken_back(*seq, statement))
    }

    /// Exceptions that hold at the time of the export, those that end first before others.
    pub(super) fn exceptions(&self) -> Vec<(u64, &Statement)> {
        let now = self.content.parts.exported_at;
        let holds = |statement: &Statement| statement.expires.is_none_or(|end| end > now);
        let waives = |statement: &Statement| matches!(statement.act, Act::Waive { .. });
        let mut all: Vec<_> = self.standing().filter(|(_, one)| waives(one) && holds(one)).collect();
        all.sort_by_key(|(seq, one)| (one.expires.is_none(), one.expires, *seq));
        all
    }

    /// Approvals, of plans and of everything else.
    pub(super) fn approvals(&self) -> Vec<(u64, &Statement)> {
        self.standing().filter(|(_, one)| matches!(one.act, Act::Approve { .. })).collect()
    }

    /// Who asked for a plan or built it, by the requests for it.
    fn makers(&self, plan: &Digest) -> Option<BTreeSet<&PersonId>> {
        let mut makers = BTreeSet::new();
        for (_, signed) in &self.signed {
            if let Act::Request { built_by, .. } = &signed.statement.act
                && signed.statement.subject.digest == *plan
            {
                makers.insert(&signed.statement.person);
                makers.extend(built_by);
            }
        }
        (!makers.is_empty()).then_some(makers)
    }

    /// Whether those who approved plans are others than those who made them.
    pub(super) fn separation(&self) -> Separation {
        let plans: Vec<&Statement> = self
            .approvals()
            .into_iter()
            .map(|(_, one)| one)
            .filter(|one| one.subject.kind == SubjectKind::Plan)
            .collect();
        if plans.is_empty() {
            return Separation::NoApproval;
        }
        let (mut broken, mut unknown) = (Vec::new(), 0);
        for one in plans {
            match self.makers(&one.subject.digest) {
                None => unknown += 1,
                Some(makers) => {
                    let own = |person: &PersonId| makers.contains(person);
                    if own(&one.person) || one.instead_of.as_ref().is_some_and(own) {
                        broken.push(one.person.to_string());
                    }
                }
            }
        }
        match (broken.is_empty(), unknown) {
            (false, _) => Separation::Broken(broken),
            (true, 0) => Separation::Kept,
            (true, count) => Separation::NotShown(count),
        }
    }

    /// Whether an entry should keep a signed decision and does not, or one that cannot be read.
    pub(super) fn is_unsigned(&self, entry: &Entry) -> bool {
        let known = self.signed.iter().any(|(seq, _)| *seq == entry.seq);
        !known && !is_redacted(entry) && Act::ENTRY_KINDS.contains(&entry.kind.as_str())
    }

    /// The numbers of the tickets that requests and launches name.
    pub(super) fn tickets(&self) -> BTreeSet<String> {
        self.content.records.entries.iter().filter_map(|entry| self.ticket(entry)).collect()
    }

    /// The ticket that an entry names.
    pub(super) fn ticket(&self, entry: &Entry) -> Option<String> {
        if let Some(change) = self.content.records.change(entry) {
            return change.ticket.map(|ticket| ticket.number);
        }
        let signed: Signed = decisions::of(std::slice::from_ref(entry)).pop()?.1;
        match signed.statement.act {
            Act::Request { ticket, .. } => ticket,
            _ => None,
        }
    }

    /// A link to the entry's decision file if the bundle has it, else its place in the log.
    pub(super) fn decision(&self, seq: u64) -> Text {
        let path = decisions::path(seq);
        if self.content.files.contains_key(&path) {
            return Text::link(path.clone(), path);
        }
        self.entry(seq)
    }

    /// A link to the log, with the entry's place in it.
    pub(super) fn entry(&self, seq: u64) -> Text {
        Text::link(layout::LOG, format!("entry {seq}"))
    }
}
