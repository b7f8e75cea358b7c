//! What a witness answers to one request over HTTP, as C2SP `tlog-witness` says.

use crate::base::id::LogId;
use crate::base::time::Timestamp;
use crate::evidence::checkpoint::{Checkpoint, CheckpointError};
use crate::evidence::growth::Growth;
use crate::evidence::note::SignedNote;
use crate::model::plan::LogHead;
use crate::ops::checkpoints::{COSIGNED, path};
use crate::ops::earlier::write;
use crate::ops::error::Failure;

use super::Witness;

/// An answer, with the status that HTTP has for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    /// 200: the line of the cosignature.
    Cosigned(String),
    /// 200: what was shown is taken.
    Taken,
    /// 400: it is no request.
    Malformed,
    /// 403: the log key did not sign it.
    NotSigned,
    /// 404: no log of the log key has this origin.
    UnknownLog,
    /// 409: the witness knows another size, this one, or another root of the same size.
    Conflict(u64),
    /// 422: the proof does not hold, or the heads that the log ends with shrank.
    NoGrowth,
}

impl Answered {
    /// The status.
    pub fn status(&self) -> u16 {
        match self {
            Answered::Cosigned(_) | Answered::Taken => 200,
            Answered::Malformed => 400,
            Answered::NotSigned => 403,
            Answered::UnknownLog => 404,
            Answered::Conflict(_) => 409,
            Answered::NoGrowth => 422,
        }
    }
}

impl Witness {
    /// Answers one request. What is cosigned is kept before it is told.
    ///
    /// # Errors
    ///
    /// If the witness's folder cannot be written.
    pub fn add(&mut self, request: &[u8], now: Timestamp) -> Result<Answered, Failure> {
        let Ok((growth, note)) = Growth::parse_request(request) else { return Ok(Answered::Malformed) };
        let Ok(parsed) = SignedNote::parse(note.as_bytes()) else { return Ok(Answered::Malformed) };
        let Ok(stated) = Checkpoint::parse(parsed.unverified_text()) else { return Ok(Answered::Malformed) };
        let log = stated.origin.strip_prefix(self.log_key.name()).and_then(|log| log.strip_prefix('/'));
        let Some(log) = log.filter(|log| log.parse::<LogId>().is_ok()) else {
            return Ok(Answered::UnknownLog);
        };
        let new = match Checkpoint::open(note.as_bytes(), &self.log_key) {
            Ok(new) => new,
            Err(CheckpointError::Note(_)) => return Ok(Answered::NotSigned),
            Err(CheckpointError::Malformed) => return Ok(Answered::Malformed),
        };
        if growth.old > new.size {
            return Ok(Answered::Malformed);
        }
        let empty = LogHead { size: 0, root: crate::merkle::root(&[]) };
        let known = self.state.logs.get(&new.origin).unwrap_or(&empty).clone();
        if growth.old != known.size || (new.size == known.size && new.root != known.root) {
            return Ok(Answered::Conflict(known.size));
        }
        if !growth.holds((known.size, &known.root), &new) || self.is_refused(&new) {
            return Ok(Answered::NoGrowth);
        }
        let cosigned = self.signed(&note, now)?;
        let log = log.to_owned();
        let head = LogHead { size: new.size, root: new.root };
        self.keep_shown(&head);
        self.state.logs.insert(new.origin.clone(), head);
        write(&path(&self.dir.join(COSIGNED).join(log), new.size, COSIGNED), cosigned.as_bytes())?;
        self.save()?;
        Ok(Answered::Cosigned(cosigned[note.len()..].to_owned()))
    }
}
