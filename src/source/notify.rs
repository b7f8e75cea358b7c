//! Reads the estate's `[[notify]]` tables.

use crate::base::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::base::id::SiteCode;
use crate::base::limits::NOTIFY_SINKS_MAX;
use crate::base::redact::shown;
use crate::base::span::{Located, Span};
use crate::model::estate::{Estate, Site};
use crate::model::notify::{
    NoticeClass, Notify, NotifyAddress, NotifyPlace, SECRET_REF_RULE, SecretRef, WebAddress,
};
use crate::model::reader::{Reader, string};
use crate::model::tree::{Node, Table, Tree};

const WRONG: &str = "estate.wrong-value";

pub(super) fn read(reader: &mut Reader<'_, '_>) -> Vec<Notify> {
    let mut all: Vec<Notify> = Vec::new();
    for (table, span) in reader.tables("notify") {
        let Some(notify) = one(reader, table, &span) else { continue };
        if all.iter().any(|other| other.name == notify.name) {
            let message = format!("`{}` is told twice", notify.name);
            reader.found().push(
                Diagnostic::error(WRONG, message)
                    .at(span, "the second of this name")
                    .help("give each [[notify]] a name of its own: its place in the logs is kept under it"),
            );
        } else if all.len() == NOTIFY_SINKS_MAX {
            let message = format!("there are more than {NOTIFY_SINKS_MAX} [[notify]] tables");
            reader.found().push(Diagnostic::error(WRONG, message).at(span, "from here on"));
            break;
        } else {
            all.push(notify);
        }
    }
    all
}

/// Where something stands that may be a secret, also under a misspelled key or in a wrong shape: it is not to be shown
/// with any problem.
pub(super) fn literals(estate: &Table) -> Vec<Span> {
    let Some(tree) = estate.get("notify") else { return Vec::new() };
    let all = match &tree.node {
        Node::List(all) => all.as_slice(),
        Node::Table(_) | Node::Scalar(_) => std::slice::from_ref(tree),
    };
    let entries = all.iter().filter_map(Tree::as_table).flat_map(|table| &table.entries);
    let hidden = entries.filter(|(key, entry)| {
        let text = entry.tree.as_str();
        match key.as_str() {
            "name" | "file" | "on" | "sites" => false,
            "webhook" => text.is_none_or(|text| text.contains(['@', '?'])),
            _ => text.is_none_or(|text| SecretRef::new(text).is_none()),
        }
    });
    hidden.map(|(_, entry)| entry.tree.span.clone()).collect()
}

fn one(reader: &mut Reader<'_, '_>, table: &Table, span: &Span) -> Option<Notify> {
    let mut inner = reader.inner(table, span.clone(), "[[notify]]");
    let name = inner.required("name", "a lower-case word such as pm-channel", |value| {
        value.as_str().filter(|text| is_name(text)).map(str::to_owned)
    });
    let place = place(&mut inner, span);
    let on = words(&mut inner);
    let sites = sites(&mut inner);
    inner.finish();
    Some(Notify { name: name?.value, place: place?, on, sites, span: span.clone() })
}

/// It becomes the name of a file.
fn is_name(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=40).contains(&text.len()) && text.as_bytes()[0].is_ascii_lowercase() && text.bytes().all(plain)
}

fn place(inner: &mut Reader<'_, '_>, span: &Span) -> Option<NotifyPlace> {
    let webhook = inner.optional("webhook", "an address", string);
    let file = inner.optional("file", "a path", string);
    let secret = inner.optional("secret", "a reference to a secret as a string", string);
    match (webhook, file) {
        (Some(webhook), None) => {
            let address = address(inner, &webhook);
            let secret = reference(inner, secret);
            Some(NotifyPlace::Webhook { address: address?, secret: secret? })
        }
        (None, Some(file)) => {
            if secret.is_some() {
                inner.found().push(
                    Diagnostic::error(WRONG, "a file needs no `secret`: nothing is signed in it")
                        .at(span.clone(), "in this table")
                        .help("remove `secret`"),
                );
            }
            to_file(inner, file)
        }
        (Some(_), Some(_)) | (None, None) => {
            inner.found().push(
                Diagnostic::error(WRONG, "who is told has a webhook or a file")
                    .at(span.clone(), "expected one of them")
                    .help("write `webhook = \"https://…\"` with a `secret`, or `file = \"notices.jsonl\"`"),
            );
            None
        }
    }
}

fn address(inner: &mut Reader<'_, '_>, written: &Located<String>) -> Option<NotifyAddress> {
    if let Some(kept) = SecretRef::new(&written.value) {
        return Some(NotifyAddress::Kept(kept));
    }
    match WebAddress::new(&written.value) {
        Ok(address) => Some(NotifyAddress::Written(address)),
        Err(bad) => {
            inner.found().push(
                Diagnostic::error(WRONG, format!("the address of the webhook {bad}"))
                    .at(written.span.clone(), "not to be sent to")
                    .help("plain http:// goes to this machine only; an address that is a secret is written \"env:NAME\""),
            );
            None
        }
    }
}

fn reference(inner: &mut Reader<'_, '_>, written: Option<Located<String>>) -> Option<SecretRef> {
    let Some(written) = written else {
        inner.require_any("secret", &format!("where the key is: {SECRET_REF_RULE}"));
        return None;
    };
    let reference = SecretRef::new(&written.value);
    if reference.is_none() {
        inner.found().push(
            Diagnostic::error(WRONG, "`secret` must be a reference, and it looks like the secret itself")
                .at(written.span, "a secret must not be in a file")
                .help(format!(
                    "if it is one, replace it where it is used; then refer to it: {SECRET_REF_RULE}"
                )),
        );
    }
    reference
}

fn to_file(inner: &mut Reader<'_, '_>, file: Located<String>) -> Option<NotifyPlace> {
    let path = file.value.trim_start_matches("./");
    let inputs = ["sites/", "templates/"].iter().any(|folder| path.starts_with(folder));
    if path.is_empty() || path.chars().any(char::is_control) || inputs {
        inner.found().push(
            Diagnostic::error(WRONG, "this is no place for notices")
                .at(file.span, "expected a file outside of sites/ and templates/")
                .help("write for example `file = \"notices.jsonl\"`"),
        );
        return None;
    }
    Some(NotifyPlace::File(file.value))
}

fn words(inner: &mut Reader<'_, '_>) -> Vec<NoticeClass> {
    let known: Vec<&str> = NoticeClass::ALL.iter().map(|(word, _)| *word).collect();
    let mut on = Vec::new();
    for word in inner.texts("on") {
        match NoticeClass::of(&word.value) {
            Some(class) => on.push(class),
            None => {
                let message = format!("there is no notice `{}`", shown(&word.value));
                let problem = Diagnostic::error(WRONG, message).at(word.span, "unknown");
                inner.found().push(match nearest(&word.value, known.iter().copied()) {
                    Some(near) => problem.help(format!("did you mean `{near}`?")),
                    None => problem.help(format!("known: {}", known.join(", "))),
                });
            }
        }
    }
    on
}

fn sites(inner: &mut Reader<'_, '_>) -> Vec<Located<SiteCode>> {
    let mut sites = Vec::new();
    for text in inner.texts("sites") {
        match SiteCode::new(text.value) {
            Ok(value) => sites.push(Located { value, span: text.span }),
            Err(bad) => {
                inner.found().push(Diagnostic::error(WRONG, bad.rule).at(text.span, "not a site code"));
            }
        }
    }
    sites
}

/// Sites that nobody has: whoever asked for them would never hear anything.
pub(super) fn check_sites(estate: &Estate, sites: &[Site], found: &mut Diagnostics) {
    let known: Vec<&str> = sites.iter().map(|site| site.written_code.value.as_str()).collect();
    for (notify, site) in estate.notify.iter().flat_map(|n| n.sites.iter().map(move |site| (n, site))) {
        let code = site.value.as_str();
        if known.contains(&code) {
            continue;
        }
        let problem = Diagnostic::error(WRONG, format!("there is no site `{code}`"))
            .at(site.span.clone(), format!("`{}` would hear of nothing else", notify.name));
        found.push(match nearest(code, known.iter().copied()) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem.help(format!("add sites/{code}.toml")),
        });
    }
}
