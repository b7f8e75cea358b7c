//! The lock file: which version and digest of each pack the estate was last reviewed with.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::base::diagnostic::{Diagnostic, Diagnostics};
use crate::base::digest::Digest;
use crate::base::id::PackName;
use crate::base::span::Span;
use crate::model::estate::{LOCK_FILE, Loaded};
use crate::model::pack::{PACK_FORMAT, Pack};
use crate::model::plan::PackLock;
use crate::model::reader::Reader;
use crate::model::tree;

use super::{PACK_CODES, Texts};

const RELOCK: &str = "run `landfall packs lock` after reviewing the pack";

pub(super) fn read(
    texts: &Texts,
    packs: &BTreeMap<PackName, Pack>,
    found: &mut Diagnostics,
) -> BTreeMap<PackName, PackLock> {
    let Some(text) = texts.by_path.get(LOCK_FILE) else {
        if let Some(pack) = packs.values().next() {
            found.push(
                Diagnostic::warning(
                    "pack.not-locked",
                    format!("{LOCK_FILE} is not there: no pack is locked"),
                )
                .at(pack.span.clone(), "")
                .help(RELOCK),
            );
        }
        return BTreeMap::new();
    };
    let (table, problems) = tree::parse(text.source, &text.text);
    found.extend(problems);
    let mut reader = Reader::new(&table, text.first_line(), "pack.lock", PACK_CODES, found);
    let format = format!("{PACK_FORMAT}: this program reads no other format");
    reader.required("format", &format, |value| (value.as_i64() == Some(PACK_FORMAT)).then_some(()));
    let locks = locks(&mut reader);
    reader.finish();
    for pack in packs.values() {
        compare(pack, locks.get(&pack.name), text.first_line(), found);
    }
    locks.into_iter().map(|(name, (lock, _))| (name, lock)).collect()
}

fn locks(reader: &mut Reader<'_, '_>) -> BTreeMap<PackName, (PackLock, Span)> {
    let Some((table, _)) = reader.table("pack") else { return BTreeMap::new() };
    let mut locks = BTreeMap::new();
    for (name, entry) in &table.entries {
        let (Some(inner), Ok(pack)) = (entry.tree.as_table(), PackName::new(name.as_str())) else {
            reader.wrong(&entry.tree, name, "a table named like a pack");
            continue;
        };
        let what = format!("[pack.{name}]");
        let mut lock = reader.inner(inner, entry.key.clone(), &what);
        let version = lock.text("version");
        let digest = lock.required("digest", "a SHA-256 digest", |value| {
            value.as_str().and_then(|text| text.parse::<Digest>().ok())
        });
        lock.finish();
        if let (Some(version), Some(digest)) = (version, digest) {
            let found = PackLock { version: version.value, digest: digest.value };
            locks.insert(pack, (found, entry.key.clone()));
        }
    }
    locks
}

fn compare(pack: &Pack, locked: Option<&(PackLock, Span)>, lock_file: Span, found: &mut Diagnostics) {
    let Some((lock, place)) = locked else {
        found.push(
            Diagnostic::warning("pack.not-locked", format!("pack `{}` is not in pack.lock", pack.name))
                .at(pack.span.clone(), "not locked")
                .at(lock_file, "missing here")
                .help(RELOCK),
        );
        return;
    };
    if lock.digest == pack.digest {
        return;
    }
    if lock.version == pack.version.value {
        let message = format!("pack `{}` was changed, but its version is still {}", pack.name, lock.version);
        found.push(
            Diagnostic::error("pack.lock-mismatch", message)
                .at(pack.version.span.clone(), "raise this")
                .at(place.clone(), "locked here")
                .note(format!("locked {}, read {}", lock.digest.short(), pack.digest.short()))
                .help("raise `version` in pack.toml, then run `landfall packs lock`"),
        );
    } else {
        let message =
            format!("pack `{}` is {}, but {} is locked", pack.name, pack.version.value, lock.version);
        found.push(
            Diagnostic::warning("pack.lock-outdated", message)
                .at(pack.version.span.clone(), "the new version")
                .at(place.clone(), "locked here")
                .help(RELOCK),
        );
    }
}

/// The text of `templates/pack.lock` for the packs as they are now.
///
/// # Panics
///
/// Never: writing to a string does not fail.
pub fn lock_text(loaded: &Loaded) -> String {
    let mut text =
        String::from("# Written by `landfall packs lock`; the digests cover every file of a pack.\n");
    writeln!(text, "format = {PACK_FORMAT}").expect("strings take everything");
    for (name, lock) in loaded.pack_locks() {
        let version = serde_json::Value::from(lock.version);
        write!(text, "\n[pack.{name}]\nversion = {version}\ndigest = \"{}\"\n", lock.digest)
            .expect("strings take everything");
    }
    text
}
