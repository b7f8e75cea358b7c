//! Reads the estate's `[tickets]` table.

use std::collections::BTreeMap;

use crate::base::diagnostic::Diagnostic;
use crate::base::id::PersonId;
use crate::base::span::{Located, Span};
use crate::base::time::Millis;
use crate::model::notify::{SECRET_REF_RULE, SecretRef, WebAddress};
use crate::model::reader::{Reader, count, string};
use crate::model::tickets::{CommentForm, CommentMethod, TicketAdapter, TicketForm, TicketUse, Tickets};
use crate::model::tree::Table;

const WRONG: &str = "estate.wrong-value";
/// Keys of `[tickets]` whose values are shown with problems; any other may hold a secret.
const PLAIN: [&str; 7] =
    ["adapter", "required", "approved_states", "closed_states", "timeout_ms", "fields", "people"];
/// Longest deadline of one call to a ticket system, in milliseconds: a person waits for it.
const TIMEOUT_MS_MAX: u32 = 120_000;

pub(super) fn read(reader: &mut Reader<'_, '_>) -> Option<Tickets> {
    let (table, span) = reader.table("tickets")?;
    let mut inner = reader.inner(table, span.clone(), "[tickets]");
    let adapter =
        inner.required("adapter", "servicenow, jira or generic", |value| word(value, &TicketAdapter::ALL));
    let url = inner.required("url", "an address such as https://example.service-now.com", string);
    let url = url.and_then(|url| address(&mut inner, &url));
    let user = inner.optional("user", "a reference to a name as a string", string);
    let user = user.map(|user| reference(&mut inner, "user", user));
    let token = inner.required("token", "where the token is, as a reference", string);
    let token = token.and_then(|token| reference(&mut inner, "token", token));
    let required =
        inner.optional("required", "real-targets, always or never", |value| word(value, &TicketUse::ALL));
    let milliseconds = |value: &serde_json::Value| count(value).filter(|n| (1..=TIMEOUT_MS_MAX).contains(n));
    let timeout = inner.optional("timeout_ms", "a number of milliseconds from 1 to 120000", milliseconds);
    let people = people(&mut inner);
    let form = form(&mut inner, adapter.as_ref().map(|adapter| adapter.value));
    inner.finish();
    // A user that was given and is wrong is no reason to sign in without one.
    let user = match user {
        None => None,
        Some(read) => Some(read?),
    };
    Some(Tickets {
        adapter: adapter?.value,
        url: url?,
        user,
        token: token?,
        required: required.map_or(TicketUse::RealTargets, |required| required.value),
        timeout: timeout.map(|timeout| Millis(u64::from(timeout.value))),
        form: form?,
        people,
        span,
    })
}

/// Where something stands that may be a secret: it is not to be shown with any problem.
pub(super) fn literals(estate: &Table) -> Vec<Span> {
    let Some(tree) = estate.get("tickets") else { return Vec::new() };
    let Some(table) = tree.as_table() else { return vec![tree.span.clone()] };
    let hidden = table.entries.iter().filter(|(key, entry)| {
        let text = entry.tree.as_str();
        match key.as_str() {
            plain if PLAIN.contains(&plain) => false,
            "url" => text.is_none_or(|text| text.contains(['@', '?'])),
            _ => text.is_none_or(|text| SecretRef::new(text).is_none()),
        }
    });
    hidden.map(|(_, entry)| entry.tree.span.clone()).collect()
}

fn word<T: Copy>(value: &serde_json::Value, all: &[(&str, T)]) -> Option<T> {
    let word = value.as_str()?;
    all.iter().find(|(name, _)| *name == word).map(|(_, one)| *one)
}

fn address(inner: &mut Reader<'_, '_>, written: &Located<String>) -> Option<WebAddress> {
    let wrong = |message: String| {
        Diagnostic::error(WRONG, message)
            .at(written.span.clone(), "not to be sent to")
            .help("plain http:// goes to this machine only; write https://HOST, and no user name or password")
    };
    let bare = written.value.trim_end_matches('/');
    match WebAddress::new(bare) {
        Ok(address) if !bare.contains(['?', '#']) => Some(address),
        Ok(_) => {
            inner.found().push(wrong("the address of the ticket system has a query".to_owned()));
            None
        }
        Err(bad) => {
            inner.found().push(wrong(format!("the address of the ticket system {bad}")));
            None
        }
    }
}

fn reference(inner: &mut Reader<'_, '_>, key: &str, written: Located<String>) -> Option<SecretRef> {
    let reference = SecretRef::new(&written.value);
    if reference.is_none() {
        let message = format!("`{key}` must be a reference, and it looks like the value itself");
        let help =
            format!("if it is a secret, replace it where it is used; then refer to it: {SECRET_REF_RULE}");
        inner.found().push(
            Diagnostic::error(WRONG, message)
                .at(written.span, "what signs in must not be in a file")
                .help(help),
        );
    }
    reference
}

/// `[tickets.people]`: handles, and the names that the ticket system has for them.
fn people(inner: &mut Reader<'_, '_>) -> BTreeMap<PersonId, String> {
    let Some((table, _)) = inner.table("people") else { return BTreeMap::new() };
    let mut people = BTreeMap::new();
    for (name, entry) in &table.entries {
        match (PersonId::new(name.as_str()), entry.tree.as_str()) {
            (Ok(person), Some(known_as)) => {
                people.insert(person, known_as.to_owned());
            }
            (Err(bad), _) => inner
                .found()
                .push(Diagnostic::error(WRONG, bad.rule).at(entry.key.clone(), "not a person's handle")),
            (Ok(_), None) => {
                inner.wrong(&entry.tree, name, "the name that the ticket system has for this person")
            }
        }
    }
    people
}

/// What the adapter knows by itself, with what the estate says otherwise.
fn form(inner: &mut Reader<'_, '_>, adapter: Option<TicketAdapter>) -> Option<TicketForm> {
    let mut form = TicketForm::standard(adapter.unwrap_or(TicketAdapter::ServiceNow));
    for (key, to) in
        [("approved_states", &mut form.approved_states), ("closed_states", &mut form.closed_states)]
    {
        let words = inner.texts(key);
        if !words.is_empty() {
            *to = words.into_iter().map(|word| word.value).collect();
        }
    }
    let place = inner.place();
    if let Some((table, span)) = inner.table("fields") {
        let mut fields = inner.inner(table, span, "[tickets.fields]");
        addresses(&mut fields, &mut form);
        pointers(&mut fields, &mut form);
        lists(&mut fields, &mut form);
        comment(&mut fields, &mut form);
        fields.finish();
    }
    adapter?;
    let missing = missing(&form);
    if !missing.is_empty() {
        inner.found().push(
            Diagnostic::error("estate.missing-key", "the fields of the ticket system are not all known")
                .at(place, "[tickets.fields] belongs here")
                .help(format!("add {}", missing.join(", "))),
        );
    }
    missing.is_empty().then_some(form)
}

/// What cannot be done without: who approved which ticket for which sites.
fn missing(form: &TicketForm) -> Vec<&'static str> {
    let texts = [
        ("read", &form.read),
        ("number", &form.number),
        ("state", &form.state),
        ("approver", &form.approver),
        ("comment_path", &form.comment_path),
        ("comment_field", &form.comment_field),
    ];
    let mut missing: Vec<&str> =
        texts.iter().filter(|(_, text)| text.is_empty()).map(|(key, _)| *key).collect();
    missing.extend(form.sites.is_empty().then_some("sites"));
    missing.extend((form.texts.is_empty() && form.comments.is_empty()).then_some("texts"));
    missing
}

fn addresses(fields: &mut Reader<'_, '_>, form: &mut TicketForm) {
    let all = [
        ("read", &mut form.read),
        ("approvals_read", &mut form.approvals_read),
        ("comment_path", &mut form.comment_path),
        ("page", &mut form.page),
    ];
    for (key, to) in all {
        let path = fields.optional(key, "a path such as /api/tickets/{number}", |value| {
            value.as_str().filter(|text| is_path(text)).map(str::to_owned)
        });
        if let Some(path) = path {
            *to = path.value;
        }
    }
}

/// A path behind the address, so that no ticket leads a token to another host.
fn is_path(text: &str) -> bool {
    let known = text.replace("{number}", "").replace("{id}", "");
    text.is_empty()
        || (text.starts_with('/')
            && !text.starts_with("//")
            && !known.contains(['{', '}', '\\', '#'])
            && known.bytes().all(|b| b.is_ascii_graphic()))
}

fn is_pointer(text: &str) -> bool {
    text.is_empty() || text.starts_with('/')
}

fn pointers(fields: &mut Reader<'_, '_>, form: &mut TicketForm) {
    let all = [
        ("record", &mut form.record),
        ("id", &mut form.id),
        ("number", &mut form.number),
        ("state", &mut form.state),
        ("category", &mut form.category),
        ("requester", &mut form.requester),
        ("begins", &mut form.begins),
        ("ends", &mut form.ends),
        ("approvals", &mut form.approvals),
        ("approvers", &mut form.approvers),
        ("approver", &mut form.approver),
        ("approval_state", &mut form.approval_state),
        ("approved_at", &mut form.approved_at),
        ("comment_field", &mut form.comment_field),
    ];
    for (key, to) in all {
        let pointer = fields.optional(key, "a JSON pointer such as /fields/status", |value| {
            value.as_str().filter(|text| is_pointer(text)).map(str::to_owned)
        });
        if let Some(pointer) = pointer {
            *to = pointer.value;
        }
    }
}

fn lists(fields: &mut Reader<'_, '_>, form: &mut TicketForm) {
    let all = [("sites", &mut form.sites), ("texts", &mut form.texts), ("comments", &mut form.comments)];
    for (key, to) in all {
        let given = fields.texts(key);
        for bad in given.iter().filter(|text| !is_pointer(&text.value)) {
            fields.found().push(
                Diagnostic::error(WRONG, format!("`{key}` holds something that is no JSON pointer"))
                    .at(bad.span.clone(), "expected a pointer such as /fields/summary"),
            );
        }
        if !given.is_empty() {
            *to = given.into_iter().map(|text| text.value).collect();
        }
    }
    for (key, to) in
        [("approved_words", &mut form.approved_words), ("rejected_words", &mut form.rejected_words)]
    {
        let given = fields.texts(key);
        if !given.is_empty() {
            *to = given.into_iter().map(|text| text.value).collect();
        }
    }
}

fn comment(fields: &mut Reader<'_, '_>, form: &mut TicketForm) {
    let methods =
        [("POST", CommentMethod::Post), ("PATCH", CommentMethod::Patch), ("PUT", CommentMethod::Put)];
    if let Some(method) =
        fields.optional("comment_method", "POST, PATCH or PUT", |value| word(value, &methods))
    {
        form.comment_method = method.value;
    }
    let forms = [("text", CommentForm::Text), ("document", CommentForm::Document)];
    if let Some(read) = fields.optional("comment_form", "text or document", |value| word(value, &forms)) {
        form.comment_form = read.value;
    }
}
