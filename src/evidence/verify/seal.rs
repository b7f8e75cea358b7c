//! The files: those that entries name, those that are listed, and the seal over the list.

use std::collections::BTreeSet;

use crate::base::digest::Digest;
use crate::model::entry::Entry;

use super::super::bundle::manifest::Manifest;
use super::super::bundle::sums::{self, Sums};
use super::super::bundle::{Files, layout};
use super::super::heads::HeadsBody;
use super::super::note::{SignedNote, VerifierKey};
use super::super::{origin, retention, sshsig};
use super::{Failure, Found, file, needed};

/// Every file that an entry names is there, with exactly those bytes.
pub(super) fn named_files(sums: &Sums, entries: &Option<Vec<Entry>>) -> Found<()> {
    let entries = needed(entries, "the log")?;
    let present: BTreeSet<Digest> = sums.values().copied().collect();
    if let Some(seq) = retention::too_early(entries) {
        return Err(Failure::broken(format!("entry {seq} stands for files that had to be kept")));
    }
    let gone = retention::gone(entries);
    let (mut count, mut pruned) = (0, 0);
    for entry in entries {
        for named in &entry.refs {
            if gone.contains(&named.sha256) {
                pruned += 1;
                continue;
            }
            if !present.contains(&named.sha256) {
                let (path, digest) = (&named.path, &named.sha256);
                let detail =
                    format!("entry {} names {path:?} with digest {digest}, which no file has", entry.seq);
                return Err(Failure::missing(detail));
            }
            count += 1;
        }
    }
    let rest = if pruned == 0 {
        String::new()
    } else {
        format!(", but for {pruned} that need not be kept any longer")
    };
    Ok(((), format!("{count} files named, all there{rest}")))
}

/// The list names exactly the files that are there, with their digests.
pub(super) fn list(files: &Files, sums: &Sums) -> Found<()> {
    let listed = sums::parse(file(files, layout::SUMS)?);
    let listed =
        listed.ok_or_else(|| Failure::broken(format!("{} is not a list of digests", layout::SUMS)))?;
    for (path, digest) in &listed {
        file(files, path)?;
        if sums.get(path) != Some(digest) {
            return Err(Failure::broken(format!("{path} was changed")));
        }
    }
    let unlisted = |path: &&String| !layout::UNLISTED.contains(&path.as_str()) && !listed.contains_key(*path);
    match files.keys().find(unlisted) {
        Some(path) => Err(Failure::broken(format!("{path:?} is not listed in {}", layout::SUMS))),
        None => Ok(((), format!("{} files, each as listed", listed.len()))),
    }
}

/// The keys of a bundle, as far as earlier checks found them good.
pub(super) struct Keys<'k> {
    pub(super) log: &'k Option<VerifierKey>,
    pub(super) bundle: &'k Option<VerifierKey>,
    /// The heads of the org log, which vouch for the bundle key.
    pub(super) heads: &'k Option<HeadsBody>,
}

/// The bundle key signed this list for this site.
pub(super) fn seal(files: &Files, manifest: &Option<Manifest>, keys: &Keys<'_>) -> Found<()> {
    let manifest = needed(manifest, "the manifest")?;
    let (log_key, bundle_key) = (needed(keys.log, "the log key")?, needed(keys.bundle, "the bundle key")?);
    if bundle_key.name() != origin::bundle_key(log_key.name()) {
        return Err(Failure::broken("the bundle key is not named after the log key"));
    }
    let vouched = needed(keys.heads, "the organisation's log")?.bundle_key.as_ref();
    if vouched.is_some_and(|vouched| *vouched != bundle_key.to_string()) {
        let detail = format!("{} is not the key that the org log vouches for", layout::BUNDLE_KEY);
        return Err(Failure::broken(detail));
    }
    let broken = |what: &dyn std::fmt::Display| Failure::broken(format!("{}: {what}", layout::SEAL));
    let note = SignedNote::parse(file(files, layout::SEAL)?).map_err(|error| broken(&error))?;
    let text = note.verified(bundle_key).map_err(|error| broken(&error))?;
    let digest = Digest::of(file(files, layout::SUMS)?);
    if text != layout::note_text(log_key.name(), &manifest.site, &digest) {
        return Err(broken(&"it seals another list of files"));
    }
    let list = file(files, layout::SUMS)?;
    sshsig::verify(file(files, layout::SSH_SEAL)?, bundle_key, list)
        .map_err(|error| Failure::broken(format!("{}: {error}", layout::SSH_SEAL)))?;
    same_key(files, log_key, bundle_key)?;
    Ok(((), format!("{} seals the list of files {}", bundle_key.name(), digest.short())))
}

/// The key is the same in every form in which stock tools read it.
fn same_key(files: &Files, log_key: &VerifierKey, key: &VerifierKey) -> Result<(), Failure> {
    let principal = origin::principal(log_key.name());
    let forms = [
        (layout::BUNDLE_KEY_PEM, key.pem()),
        (layout::ALLOWED_SIGNERS, sshsig::allowed_signer(&principal, key)),
    ];
    for (path, form) in forms {
        if file(files, path)? != form.as_bytes() {
            return Err(Failure::broken(format!("{path} holds something else than {}", layout::BUNDLE_KEY)));
        }
    }
    Ok(())
}
