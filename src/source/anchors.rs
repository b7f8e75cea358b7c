//! Reads the estate's `[evidence]` table: who gets every checkpoint, and who stamps it.

use crate::base::diagnostic::Diagnostic;
use crate::base::span::{Located, Span};
use crate::model::anchor::{ADDRESS_RULE, ServiceAddress, TimestampService};
use crate::model::estate::Hook;
use crate::model::reader::{Reader, boolean, string};

const WRONG: &str = "estate.wrong-value";

/// Where checkpoints go, and what stamps them.
#[derive(Debug, Default)]
pub(super) struct Anchors {
    pub(super) publish: Vec<Hook>,
    pub(super) timestamps: Vec<TimestampService>,
}

pub(super) fn read(reader: &mut Reader<'_, '_>) -> Anchors {
    let Some((table, span)) = reader.table("evidence") else { return Anchors::default() };
    let mut evidence = reader.inner(table, span, "[evidence]");
    let mut anchors = Anchors::default();
    for (table, span) in evidence.tables("publish") {
        let mut inner = evidence.inner(table, span.clone(), "publish");
        anchors.publish.extend(hook(&mut inner, span));
        inner.finish();
    }
    for (table, span) in evidence.tables("timestamp") {
        let mut inner = evidence.inner(table, span, "timestamp");
        anchors.timestamps.extend(service(&mut inner));
        inner.finish();
    }
    evidence.finish();
    anchors
}

fn hook(inner: &mut Reader<'_, '_>, span: Span) -> Option<Hook> {
    let plain = |words: Vec<Located<String>>| words.into_iter().map(|word| word.value).collect::<Vec<_>>();
    let directory = inner.optional("directory", "a folder", string);
    let git = inner.optional("git", "the folder of a repository", string);
    let words = plain(inner.texts("command"));
    let lock = plain(inner.texts("lock"));
    let ticket = inner.optional("ticket", "true", |value| boolean(value).filter(|yes| *yes));
    let witness = inner.optional("witness", "the address of a witness", string);
    let witness = witness.and_then(|url| address(inner, &url));
    let mut hooks = Vec::new();
    hooks.extend(directory.map(|directory| Hook::Directory(directory.value)));
    hooks.extend(git.map(|folder| Hook::Git(folder.value)));
    hooks.extend((!words.is_empty()).then_some(Hook::Command(words)));
    hooks.extend((!lock.is_empty()).then_some(Hook::Lock(lock)));
    hooks.extend(ticket.map(|_| Hook::Ticket));
    hooks.extend(witness.map(Hook::Witness));
    if hooks.len() == 1 {
        return hooks.pop();
    }
    inner.found().push(
        Diagnostic::error(
            WRONG,
            "a place to publish to is one of directory, git, command, lock, ticket, witness",
        )
        .at(span, "expected one of them")
        .help("write `{ directory = \"…\" }` or `{ command = [\"program\", \"argument\"] }`"),
    );
    None
}

fn service(inner: &mut Reader<'_, '_>) -> Option<TimestampService> {
    let url = inner.required("url", "the address of a time-stamp service", string);
    let authorities = inner.required("ca", "a file with certificates as PEM", string);
    let url = url.and_then(|url| address(inner, &url));
    Some(TimestampService { url: url?, authorities: authorities?.value })
}

fn address(inner: &mut Reader<'_, '_>, url: &Located<String>) -> Option<ServiceAddress> {
    let read = ServiceAddress::new(&url.value);
    if read.is_none() {
        inner.found().push(
            Diagnostic::error(WRONG, "this is not an address")
                .at(url.span.clone(), "expected an address")
                .help(ADDRESS_RULE),
        );
    }
    read
}
