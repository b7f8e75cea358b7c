//! The heads of all logs at a moment, as the org log's last entry, and the file that shows a witness what they are.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::base::id::LogId;
use crate::evidence::heads::{HEADS_KIND, HeadsBody, HeadsRoll, NamelessHead};
use crate::evidence::tlog_proof::TlogProof;
use crate::journal::{Journal, Line};
use crate::model::entry::Actor;
use crate::model::estate::Estate;
use crate::model::plan::LogHead;
use crate::ops::checkpoints::{HEADS, Recorded, path, record};
use crate::ops::earlier::{failed, write};
use crate::ops::error::Failure;
use crate::ops::keys::Keys;
use crate::ops::note::{self, Note};
use crate::ops::{Context, person};
use crate::signer::Signer as _;

/// What a witness is shown: the entry, where it stands, and all heads under their pseudonyms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShownHeads {
    /// The entry, as it stands in the org log.
    pub line: String,
    /// The `tlog-proof` that it is the last one of the org log at this size.
    pub proof: String,
    /// The heads.
    pub heads: Vec<NamelessHead>,
}

/// Writes the heads of all logs into the org log.
///
/// # Errors
///
/// If somebody else writes it, or the journal fails.
pub fn seal(
    context: &Context,
    journal: &mut dyn Journal,
    keys: &Keys,
    actor: &Actor,
) -> Result<(Line, HeadsRoll), Failure> {
    let (mut lines, all) = note::write(context, journal, &LogId::Org, |journal| {
        let all = HeadsRoll::new(&keys.pseudonyms, &journal.heads()?);
        let body = all.body().with_bundle_key(keys.bundle.vkey()).to_value();
        Ok((vec![Note::new(HEADS_KIND, body).by(actor)], all))
    })?;
    let line = lines.pop().ok_or_else(|| Failure::failed("the heads entry was not written"))?;
    Ok((line, all))
}

/// The day's sign of life: the heads of all logs and a checkpoint over them, whether anything happened or not. Who
/// watches the checkpoints notices a day without one.
///
/// # Errors
///
/// If the keys or the journal cannot be used. What could not be handed on is in the answer.
pub fn beat(context: &Context, journal: &mut dyn Journal, estate: &Estate) -> Result<Recorded, Failure> {
    let keys = Keys::open(&context.key_dir(), &estate.name, false, context.entropy)?;
    seal(context, journal, &keys, &person())?;
    Ok(record(context, journal, estate, false))
}

/// Keeps the heads beside the checkpoint of an org log that ends with their entry, if no log has grown since.
pub(super) fn keep(
    folder: &Path,
    keys: &Keys,
    heads: &BTreeMap<LogId, LogHead>,
    lines: &[Line],
    checkpoint: &str,
) -> Result<(), Failure> {
    let Some(last) = lines.last().filter(|line| line.entry.kind == HEADS_KIND) else { return Ok(()) };
    let all = HeadsRoll::new(&keys.pseudonyms, heads);
    let body: Option<HeadsBody> = serde_json::from_value(last.entry.body.clone()).ok();
    if !body.is_some_and(|body| body.is_over(&all)) {
        return Ok(());
    }
    let texts: Vec<String> = lines.iter().map(|line| line.text.clone()).collect();
    let Some(proof) = TlogProof::of_last(&texts, checkpoint.to_owned()) else { return Ok(()) };
    let shown = ShownHeads { line: last.text.clone(), proof: proof.text(), heads: all.heads().to_vec() };
    let file = path(folder, lines.len() as u64, HEADS);
    write(&file, &serde_json::to_vec(&shown).map_err(|error| failed(&file, error))?)
}
