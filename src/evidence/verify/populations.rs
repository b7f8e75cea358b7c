//! Whether populations and reconciliations are what the log and its files say: they are made again and compared.

use std::collections::BTreeSet;

use super::{Failure, Files, Found, needed};
use crate::base::digest::Digest;
use crate::base::id::{LogId, ScopeId};
use crate::evidence::bundle::manifest::Manifest;
use crate::evidence::bundle::sums::Sums;
use crate::evidence::population::{
    FOLDER, LEAD_SHEET, Populations, RECONCILIATION_DATA, RECONCILIATION_VERSION, Standing,
};
use crate::evidence::records::Records;
use crate::evidence::retention;
use crate::model::entry::Entry;
use crate::model::population::{POPULATION_VERSION, READ};

pub(super) fn populations(
    files: &Files,
    sums: &Sums,
    manifest: &Option<Manifest>,
    entries: Option<Vec<Entry>>,
) -> Found<()> {
    needed(&entries, "the log")?;
    let (manifest, entries) = (needed(manifest, "the manifest")?, entries.unwrap_or_default());
    newer(&entries)?;
    whole(sums, &entries)?;
    let Some(data) = files.get(RECONCILIATION_DATA) else {
        // Bundles that were made before this file have none, and no list of the platform's either.
        return match entries.iter().find(|entry| entry.kind == READ) {
            Some(entry) => {
                let what =
                    format!("entry {} keeps a population, but {RECONCILIATION_DATA} is missing", entry.seq);
                Err(Failure::cut(what.clone(), what))
            }
            None => Ok(((), "drawn from the log by an older program; not made again".to_owned())),
        };
    };
    let version = serde_json::from_slice::<serde_json::Value>(data).ok().and_then(|data| data["v"].as_u64());
    match version {
        Some(v) if v == u64::from(RECONCILIATION_VERSION) => {}
        Some(v) if v > u64::from(RECONCILIATION_VERSION) => {
            let what = format!("{RECONCILIATION_DATA} has format {v}: install a newer landfall");
            return Err(Failure::broken(what));
        }
        Some(_) | None => return Err(Failure::broken(format!("{RECONCILIATION_DATA} is not one"))),
    }
    let log = LogId::Scope(ScopeId::Site(manifest.site.clone()));
    let blobs = sums.iter().map(|(path, digest)| (*digest, files[path].clone())).collect();
    let made = Populations::of(&Records { log, entries, blobs });
    let wrong = made.all.iter().filter_map(|one| one.taken.as_ref()).find_map(|taken| taken.wrong.clone());
    if let Some(wrong) = wrong {
        return Err(Failure::broken(wrong));
    }
    same(files, &made)?;
    Ok(((), words(&made)))
}

/// Without a file that an entry names, other populations come out; what is missing then is the file.
fn whole(sums: &Sums, entries: &[Entry]) -> Result<(), Failure> {
    let mut there: BTreeSet<Digest> = sums.values().copied().collect();
    there.extend(retention::gone(entries));
    let named = entries.iter().flat_map(|entry| entry.refs.iter().map(move |named| (entry.seq, named)));
    match named.into_iter().find(|(_, named)| !there.contains(&named.sha256)) {
        Some((seq, named)) => {
            let what =
                format!("not made again, because entry {seq} names {:?}, which is not there", named.path);
            Err(Failure::missing(what))
        }
        None => Ok(()),
    }
}

/// Entries of a newer program may hold what this one does not know: then it cannot say that nothing is left out.
fn newer(entries: &[Entry]) -> Result<(), Failure> {
    let version = |entry: &Entry| entry.body.get("v").and_then(serde_json::Value::as_u64);
    let newer = entries
        .iter()
        .filter(|entry| entry.kind == READ)
        .find(|entry| version(entry).is_some_and(|v| v > u64::from(POPULATION_VERSION)));
    match newer {
        Some(entry) => {
            let what = format!("entry {} is of a newer program: install a newer landfall", entry.seq);
            Err(Failure::broken(what))
        }
        None => Ok(()),
    }
}

fn same(files: &Files, made: &Populations) -> Result<(), Failure> {
    let tables = made.tables();
    for (path, bytes) in &tables {
        match files.get(path) {
            None => {
                let what = format!("{path} is missing");
                return Err(Failure::cut(what.clone(), what));
            }
            Some(there) if there != bytes => {
                return Err(Failure::broken(format!(
                    "{path} is not what the log and its files come to: it has sha256:{}, made again it has sha256:{}",
                    Digest::of(there),
                    Digest::of(bytes)
                )));
            }
            Some(_) => {}
        }
    }
    let odd = files.keys().find(|path| path.starts_with(FOLDER) && !tables.contains_key(*path));
    match odd {
        Some(odd) => Err(Failure::broken(format!("{odd} is no population of this log"))),
        None => Ok(()),
    }
}

fn words(made: &Populations) -> String {
    let from_platform = made.all.iter().filter(|one| one.taken.is_some()).count();
    let count =
        |wanted: fn(&Standing) -> bool| made.reconciled.iter().filter(|one| wanted(&one.standing)).count();
    let agree = count(|standing| matches!(standing, Standing::Agrees));
    let differ = count(|standing| matches!(standing, Standing::Differs));
    let missing = count(|standing| matches!(standing, Standing::Missing { .. }));
    let cut = count(|standing| matches!(standing, Standing::Cut { .. }));
    format!(
        "{} populations, {from_platform} of them lists of the platform; reconciliations made again: {agree} agree, \
         {differ} differ, {cut} not complete, {missing} without a source ({LEAD_SHEET})",
        made.all.len()
    )
}
