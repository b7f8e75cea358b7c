//! The ticket system of an estate: where it is, how it is signed in to, and which of its fields says what.
//!
//! The fields are data: an adapter is a table of addresses and JSON pointers, which the estate can override.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::base::id::PersonId;
use crate::base::span::Span;
use crate::base::time::Millis;
use crate::model::notify::{SecretRef, WebAddress};

/// What `[tickets]` says.
#[derive(Debug, Clone)]
pub struct Tickets {
    /// Which system.
    pub adapter: TicketAdapter,
    /// Scheme, host and what stands before every path.
    pub url: WebAddress,
    /// Where the name to sign in with is; without one the token is sent as a bearer token.
    pub user: Option<SecretRef>,
    /// Where the token or password is.
    pub token: SecretRef,
    /// Where a launch needs a ticket.
    pub required: TicketUse,
    /// Deadline of one call, where it differs from the product's.
    pub timeout: Option<Millis>,
    /// What its answers mean.
    pub form: TicketForm,
    /// The names that the ticket system has for people of the estate.
    pub people: BTreeMap<PersonId, String>,
    /// Where it is declared.
    pub span: Span,
}

/// A sort of ticket system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TicketAdapter {
    /// ServiceNow, through its Table API.
    ServiceNow,
    /// Jira, through its REST API of version 3.
    Jira,
    /// Any other; the estate says where its answers have what.
    Generic,
}

impl TicketAdapter {
    /// Every adapter with the word the file has for it.
    pub const ALL: [(&'static str, TicketAdapter); 3] =
        [("servicenow", Self::ServiceNow), ("jira", Self::Jira), ("generic", Self::Generic)];
}

/// Where a launch needs a change with an approved ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TicketUse {
    /// At every target that is no sandbox.
    RealTargets,
    /// At every target.
    Always,
    /// Nowhere.
    Never,
}

impl TicketUse {
    /// Every use with the word the file has for it.
    pub const ALL: [(&'static str, TicketUse); 3] =
        [("real-targets", Self::RealTargets), ("always", Self::Always), ("never", Self::Never)];
}

/// How a comment's text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommentForm {
    /// As a string.
    #[default]
    Text,
    /// As a document of paragraphs, as Jira takes it.
    Document,
}

/// The method with which a comment is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum CommentMethod {
    /// `POST`.
    #[default]
    Post,
    /// `PATCH`.
    Patch,
    /// `PUT`.
    Put,
}

/// Which address and which field of an answer says what. Addresses may have `{number}` and `{id}`; fields are JSON
/// pointers, and an empty one says that there is none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TicketForm {
    /// Path and query that read a ticket by its number.
    pub read: String,
    /// Where in the answer the ticket is; where that is a list, it must have one element.
    pub record: String,
    /// The id by which the system itself names it.
    pub id: String,
    /// Its number.
    pub number: String,
    /// Its state.
    pub state: String,
    /// A coarser word for its state, where there is one.
    pub category: String,
    /// Who asked for it.
    pub requester: String,
    /// Where site codes are looked for.
    pub sites: Vec<String>,
    /// Where its own text is, in which a plan's digest may be quoted.
    pub texts: Vec<String>,
    /// Where its comments are.
    pub comments: Vec<String>,
    /// When its work is planned to begin.
    pub begins: String,
    /// When it is planned to end.
    pub ends: String,
    /// Path and query that read its approvals, where they are not in the ticket itself.
    pub approvals_read: String,
    /// The list of approvals; without one, the ticket itself tells of one approval.
    pub approvals: String,
    /// A list of approvers inside each approval, where there is one.
    pub approvers: String,
    /// Who decided.
    pub approver: String,
    /// What they decided.
    pub approval_state: String,
    /// When.
    pub approved_at: String,
    /// Words for a yes.
    pub approved_words: Vec<String>,
    /// Words for a no.
    pub rejected_words: Vec<String>,
    /// States in which it is approved and its work may be done.
    pub approved_states: Vec<String>,
    /// States, or coarser words for them, in which it is over.
    pub closed_states: Vec<String>,
    /// Path and query of the page that people see.
    pub page: String,
    /// The method of a comment.
    pub comment_method: CommentMethod,
    /// Path and query to which a comment is sent.
    pub comment_path: String,
    /// Where in the body its text stands.
    pub comment_field: String,
    /// How it is written.
    pub comment_form: CommentForm,
}

impl TicketForm {
    /// What an adapter knows by itself; nothing for the generic one.
    ///
    /// # Panics
    ///
    /// Never: a test reads the tables that are built in.
    pub fn standard(adapter: TicketAdapter) -> Self {
        let text = match adapter {
            TicketAdapter::ServiceNow => include_str!("tickets/servicenow.toml"),
            TicketAdapter::Jira => include_str!("tickets/jira.toml"),
            TicketAdapter::Generic => include_str!("tickets/generic.toml"),
        };
        toml::from_str(text).expect("the tables that are built in can be read")
    }

    /// Whether a state is one in which it is over.
    pub fn is_closed(&self, state: &str) -> bool {
        is_among(&self.closed_states, state)
    }

    /// Whether a state is one in which its work may be done.
    pub fn is_approved(&self, state: &str) -> bool {
        is_among(&self.approved_states, state)
    }
}

/// Whether a word is one of these, whatever the case of its letters.
pub fn is_among(words: &[String], word: &str) -> bool {
    words.iter().any(|one| one.eq_ignore_ascii_case(word.trim()))
}

/// Longest number of a ticket: those of the known systems are below 20.
const NUMBER_BYTES_MAX: usize = 40;

/// Whether a text can be the number of a ticket: it stands in addresses, commands and logs.
pub fn is_ticket_number(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (1..=NUMBER_BYTES_MAX).contains(&text.len())
        && text.as_bytes()[0].is_ascii_alphanumeric()
        && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_that_are_built_in_say_what_is_needed() {
        for (word, adapter) in TicketAdapter::ALL {
            let form = TicketForm::standard(adapter);
            assert!(!form.approved_words.is_empty() && !form.closed_states.is_empty(), "{word}");
            if adapter != TicketAdapter::Generic {
                for pointer in
                    [&form.number, &form.state, &form.requester, &form.approver, &form.approval_state]
                {
                    assert!(pointer.starts_with('/'), "{word}: {pointer}");
                }
                assert!(form.read.contains("{number}") && form.comment_path.contains('{'), "{word}");
                assert!(!form.sites.is_empty() && !form.comments.is_empty(), "{word}");
            }
        }
    }

    #[test]
    fn a_number_is_one_word() {
        for good in ["CHG0012345", "OPS-12", "12_a"] {
            assert!(is_ticket_number(good), "{good}");
        }
        for bad in ["", "-1", "CHG 1", "CHG1^ORnumber=CHG2", "../x", "a/b", "ä", &"9".repeat(41)] {
            assert!(!is_ticket_number(bad), "{bad}");
        }
    }
}
