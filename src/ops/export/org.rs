//! What all bundles of one export share: the heads of all logs, sealed once at the end of the org log, and the keys of
//! people, as that log knows them.

use std::collections::BTreeMap;

use crate::base::digest::Digest;
use crate::base::id::LogId;
use crate::base::limits::HEADS_AGE_MAX;
use crate::base::time::Timestamp;
use crate::evidence::decisions::DecisionKey;
use crate::evidence::handover::Handover;
use crate::evidence::heads::{HEADS_KIND, HeadsBody, HeadsRoll};
use crate::evidence::sshsig::key::PublicKey;
use crate::evidence::tlog_proof::TlogProof;
use crate::journal::{Journal, Line};
use crate::merkle;
use crate::model::entry::Actor;
use crate::model::plan::LogHead;
use crate::ops::Context;
use crate::ops::error::Failure;
use crate::ops::keys::Keys;
use crate::ops::note::{self, Note};
use crate::people::key_records;
use crate::signer::Signer as _;

use super::anchors;

/// The org log as a bundle needs it.
#[derive(Debug)]
pub struct OrgSeal {
    /// The line of its newest `heads` entry.
    pub heads_line: String,
    /// The proof that it is the last one under a signed checkpoint.
    pub proof: TlogProof,
    /// When it was sealed: the moment that bundles made from it carry.
    pub at: Timestamp,
    /// The heads that it seals.
    pub heads: BTreeMap<LogId, LogHead>,
    /// The same without names, for the proofs that a head is among them.
    pub roll: HeadsRoll,
    /// How keys took over from each other, each with the proof that this org log continues it.
    pub handovers: Vec<Handover>,
    /// The keys that sign decisions, by fingerprint.
    pub signers: BTreeMap<String, DecisionKey>,
}

impl OrgSeal {
    /// The newest heads of all logs. Those that the org log holds already will do while no log has grown and they are
    /// not too old: so exporting again what has not changed gives the same bytes.
    ///
    /// # Errors
    ///
    /// If a log is damaged, or somebody else writes the org log.
    pub fn of(
        context: &Context,
        journal: &mut dyn Journal,
        keys: &Keys,
        actor: &Actor,
    ) -> Result<Self, Failure> {
        let heads = journal.heads()?;
        let body = HeadsBody::new(&keys.pseudonyms, &heads).with_bundle_key(keys.bundle.vkey()).to_value();
        let lines = journal.read(&LogId::Org, 0)?;
        let now = context.clock.now().as_millis();
        let fresh = |line: &Line| {
            let age = now.saturating_sub(line.entry.at.as_millis());
            line.entry.body == body && u64::try_from(age).is_ok_and(|age| age < HEADS_AGE_MAX.0)
        };
        let newest = lines.iter().rposition(|line| line.entry.kind == HEADS_KIND);
        if let Some(place) = newest.filter(|place| fresh(&lines[*place])) {
            return Self::at(keys, &lines, place, heads);
        }
        let (place, heads) = seal(context, journal, keys, actor)?;
        Self::at(keys, &journal.read(&LogId::Org, 0)?, place, heads)
    }

    /// The seal whose `heads` entry stands at a place of the org log. Its checkpoint is over the log as it ends there.
    fn at(
        keys: &Keys,
        lines: &[Line],
        place: usize,
        heads: BTreeMap<LogId, LogHead>,
    ) -> Result<Self, Failure> {
        let upto =
            lines.get(..=place).ok_or_else(|| Failure::failed("the heads entry is not in the org log"))?;
        let leaves: Vec<Digest> = upto.iter().map(|line| merkle::leaf_hash(line.text.as_bytes())).collect();
        let head = LogHead { size: leaves.len() as u64, root: merkle::root(&leaves) };
        let hashes = merkle::proof::inclusion(&leaves, place)
            .ok_or_else(|| Failure::failed("the heads entry is not in the org log"))?;
        let proof =
            TlogProof { index: place as u64, hashes, checkpoint: keys.checkpoint(&LogId::Org, &head)? };
        let line = &lines[place];
        let signers = signers(lines);
        let roll = HeadsRoll::new(&keys.pseudonyms, &heads);
        let handovers = anchors::handovers(keys, &leaves)?;
        Ok(Self { heads_line: line.text.clone(), proof, at: line.entry.at, heads, roll, handovers, signers })
    }
}

/// Appends the heads of all logs to the org log; gives the entry's place, and the heads.
fn seal(
    context: &Context,
    journal: &mut dyn Journal,
    keys: &Keys,
    actor: &Actor,
) -> Result<(usize, BTreeMap<LogId, LogHead>), Failure> {
    let (lines, heads) = note::write(context, journal, &LogId::Org, |journal| {
        let heads = journal.heads()?;
        let body = HeadsBody::new(&keys.pseudonyms, &heads).with_bundle_key(keys.bundle.vkey());
        Ok((vec![Note::new(HEADS_KIND, body.to_value()).by(actor)], heads))
    })?;
    let place = lines.last().and_then(|line| usize::try_from(line.entry.seq).ok());
    Ok((place.ok_or_else(|| Failure::failed("the heads entry was not written"))?, heads))
}

/// The keys that sign decisions, with the days on which they count.
fn signers(org: &[Line]) -> BTreeMap<String, DecisionKey> {
    let day = |day: jiff::civil::Date| day.strftime("%Y%m%dZ").to_string();
    let key = |(fingerprint, record): (_, crate::people::KeyRecord)| {
        let key = PublicKey::from_line(&record.key.key).ok()?;
        let before = record.key.until.and_then(|until| until.tomorrow().ok()).map(day);
        let person = record.key.person.to_string();
        Some((fingerprint, DecisionKey { person, key, after: day(record.key.from), before }))
    };
    key_records(org.iter().map(|line| &line.entry)).into_iter().filter_map(key).collect()
}
