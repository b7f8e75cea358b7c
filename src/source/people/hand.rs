//! Reads who stands in for whom, `[[backup]]` and `[[delegation]]`, and what one person must not have together,
//! `[[conflict]]`.

use std::collections::BTreeSet;

use crate::base::diagnostic::Diagnostic;
use crate::base::id::{PersonId, RoleName, SiteCode};
use crate::base::limits::{DELEGATION_DAYS_MAX, DELEGATIONS_MAX};
use crate::base::span::{Located, Span};
use crate::model::people::{Conflict, Delegation};
use crate::model::reader::{Reader, day};
use crate::model::tree::Table;
use crate::people::is_of_site;

use super::{Known, WORDS, WRONG, too_many, words};

const DAY: &str = "a date such as 2027-01-11";

/// `[[backup]]`: somebody for a role, before it is known whether that role is held.
pub(super) struct Backup {
    pub(super) role: RoleName,
    pub(super) site: Option<SiteCode>,
    pub(super) person: PersonId,
    pub(super) span: Span,
}

/// Every table of this name that could be read.
fn each<T>(
    reader: &mut Reader<'_, '_>,
    key: &'static str,
    one: impl Fn(&mut Reader<'_, '_>, &Table, Span) -> Option<T>,
) -> Vec<T> {
    let tables = reader.tables(key);
    let mut all = Vec::new();
    for (at, (table, span)) in tables.into_iter().enumerate() {
        if too_many(at, DELEGATIONS_MAX, &format!("[[{key}]] tables"), &span, reader.found()) {
            break;
        }
        all.extend(one(reader, table, span));
    }
    all
}

pub(super) fn backups(reader: &mut Reader<'_, '_>, known: &Known<'_>) -> Vec<Backup> {
    each(reader, "backup", |reader, table, span| {
        let mut inner = reader.inner(table, span.clone(), "[[backup]]");
        let (role, site, person) = (inner.text("role"), inner.optional_text("site"), inner.text("person"));
        inner.finish();
        let role = role.and_then(|role| known.role(role, reader.found()));
        let person = person.and_then(|person| known.person(person, reader.found()));
        let site = site_of(reader, known, role.as_ref(), site, &span);
        Some(Backup { role: role?, site: site?, person: person?, span })
    })
}

/// The site, as far as there is one; a role of the sites needs one.
fn site_of(
    reader: &mut Reader<'_, '_>,
    known: &Known<'_>,
    role: Option<&RoleName>,
    written: Option<Located<String>>,
    span: &Span,
) -> Option<Option<SiteCode>> {
    if let Some(role) = role.filter(|role| is_of_site(role) != written.is_some()) {
        let (message, help) = if is_of_site(role) {
            (format!("`{role}` is a role of each site"), "add `site = \"…\"`")
        } else {
            (format!("`{role}` is a role of the whole program"), "remove `site`")
        };
        reader.found().push(Diagnostic::error(WRONG, message).at(span.clone(), "").help(help));
        return None;
    }
    match written {
        None => Some(None),
        Some(written) => known.site(written, reader.found()).map(Some),
    }
}

pub(super) fn delegations(reader: &mut Reader<'_, '_>, known: &Known<'_>) -> Vec<Delegation> {
    each(reader, "delegation", |reader, table, span| {
        let mut inner = reader.inner(table, span.clone(), "[[delegation]]");
        let (role, site) = (inner.text("role"), inner.optional_text("site"));
        let (from, to) = (inner.text("from"), inner.text("to"));
        let (begin, end) = (inner.required("begin", DAY, day), inner.required("end", DAY, day));
        let reason = inner.required("reason", WORDS, words);
        inner.finish();
        let role = role.and_then(|role| known.role(role, reader.found()));
        let site = match site {
            None => Some(None),
            Some(written) => known.site(written, reader.found()).map(Some),
        };
        if let (Some(from), Some(to)) = (&from, &to)
            && from.value == to.value
        {
            reader.found().push(
                Diagnostic::error(WRONG, "a role is handed on to the one who has it")
                    .at(to.span.clone(), "the same person")
                    .help("name somebody else in `to`"),
            );
            return None;
        }
        let from = from.and_then(|person| known.person(person, reader.found()));
        let to = to.and_then(|person| known.person(person, reader.found()));
        let days = begin.zip(end).filter(|(begin, end)| check_days(reader, begin, end));
        let (begin, end) = days?;
        let (begin, end, reason) = (begin.value, end.value, reason?.value);
        Some(Delegation { role: role?, site: site?, from: from?, to: to?, begin, end, reason, span })
    })
}

fn check_days(
    reader: &mut Reader<'_, '_>,
    begin: &Located<jiff::civil::Date>,
    end: &Located<jiff::civil::Date>,
) -> bool {
    let (message, help) = if end.value < begin.value {
        ("the delegation ends before it begins".to_owned(), "both days are part of it".to_owned())
    } else if (end.value - begin.value).get_days() >= i32::try_from(DELEGATION_DAYS_MAX).unwrap_or(i32::MAX) {
        (
            format!("a role is handed on for at most {DELEGATION_DAYS_MAX} days"),
            "give the role to somebody else for good, or hand it on anew in time".to_owned(),
        )
    } else {
        return true;
    };
    reader.found().push(
        Diagnostic::error(WRONG, message)
            .at(end.span.clone(), "the last day")
            .at(begin.span.clone(), "the first day")
            .help(help),
    );
    false
}

pub(super) fn conflicts(reader: &mut Reader<'_, '_>, known: &Known<'_>) -> Vec<Conflict> {
    each(reader, "conflict", |reader, table, span| {
        let mut inner = reader.inner(table, span.clone(), "[[conflict]]");
        let written = inner.texts("roles");
        inner.require_any("roles", "two roles or more that one person must not have together");
        let reason = inner.required("reason", WORDS, words);
        inner.finish();
        let count = written.len();
        let roles = written.into_iter().filter_map(|role| known.role(role, reader.found()));
        let roles: BTreeSet<RoleName> = roles.collect();
        if roles.len() < 2 && count == roles.len() && reason.is_some() {
            reader.found().push(
                Diagnostic::error(WRONG, "a conflict is between two roles or more")
                    .at(span.clone(), "in this table")
                    .help("name the roles that one person must not have together"),
            );
        }
        let reason = reason?.value;
        (roles.len() > 1).then_some(Conflict { roles, reason, span })
    })
}
