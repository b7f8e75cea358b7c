//! A witness that answers over HTTP, as C2SP `tlog-witness` describes: it gets the request and gives its cosignature back.

use crate::base::digest::Digest;
use crate::base::id::LogId;
use crate::base::limits::{HOOK_TIMEOUT, WITNESS_ANSWER_BYTES_MAX};
use crate::evidence::growth::Growth;
use crate::evidence::note::SignedNote;
use crate::merkle;
use crate::model::anchor::ServiceAddress;
use crate::ops::checkpoints::{CHECKPOINT, COSIGNED, HEADS, REQUEST, path};
use crate::ops::earlier::write;
use crate::ops::error::Failure;
use crate::post::{Answer, Bounds, post};

use super::{Given, Outside};

const ADD_CHECKPOINT: &str = "/add-checkpoint";
const SHOW_HEADS: &str = "/show-heads";
const TAKE_OVER: &str = "/take-over";

/// What the witness made of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// It is done.
    Done,
    /// It knows another log key. It may yet be told which one took over.
    OtherKey,
}

/// Asks for a cosignature and keeps it. A witness that knows another size says so, and is asked again from there. The
/// heads that the org log ends with go before it, so that it is not cosigned if they shrank.
pub(super) fn ask(outside: &Outside<'_>, url: &ServiceAddress, given: &Given<'_>) -> Result<Asked, Failure> {
    let told = |what: String| Failure::failed(format!("{} at {}: {what}", given.log, given.size));
    let note = String::from_utf8(given.file(CHECKPOINT).to_vec()).map_err(|e| told(e.to_string()))?;
    let heads = given.file(HEADS);
    if !heads.is_empty() {
        let answer = send(url, SHOW_HEADS, heads.to_vec()).map_err(told)?;
        // Other programs' witnesses know nothing of heads, and say so; our own says 403 of another key.
        match answer.status {
            200 | 403 | 404 | 405 => {}
            status => return Err(told(format!("it refused the heads of all logs with status {status}"))),
        }
    }
    let mut answer = send(url, ADD_CHECKPOINT, given.file(REQUEST).to_vec()).map_err(told)?;
    if answer.status == 409 {
        let known = String::from_utf8_lossy(&answer.body).trim().parse::<u64>();
        let known = known.map_err(|_| told("it refused, and did not say what it knows".to_owned()))?;
        if known > given.size {
            // It has seen a later checkpoint, which covers this one.
            return Ok(Asked::Done);
        }
        let growth = from(outside, given, known).map_err(|failure| told(failure.to_string()))?;
        answer = send(url, ADD_CHECKPOINT, growth.request(&note).into_bytes()).map_err(told)?;
    }
    if answer.status == 403 {
        return Ok(Asked::OtherKey);
    }
    if answer.status != 200 {
        return Err(told(format!("it refused with status {}", answer.status)));
    }
    let lines = String::from_utf8(answer.body).map_err(|e| told(e.to_string()))?;
    let cosigned = format!("{note}{lines}");
    let more = SignedNote::parse(cosigned.as_bytes()).map_err(|e| told(format!("its answer: {e}")))?;
    if SignedNote::parse(note.as_bytes()).is_ok_and(|own| own == more) {
        return Err(told("its answer holds no cosignature".to_owned()));
    }
    let folder = outside.context.state.join(COSIGNED).join(given.log);
    write(&path(&folder, given.size, COSIGNED), cosigned.as_bytes())?;
    Ok(Asked::Done)
}

/// Shows how keys took over from each other, oldest first. Whether the witness took one that it did not know.
pub(super) fn hand_over(url: &ServiceAddress, handovers: &[Vec<u8>]) -> Result<bool, Failure> {
    let mut taken = false;
    for handover in handovers {
        let answer = send(url, TAKE_OVER, handover.clone()).map_err(Failure::failed)?;
        taken |= answer.status == 200;
    }
    Ok(taken)
}

fn send(url: &ServiceAddress, to: &str, body: Vec<u8>) -> Result<Answer, String> {
    let url = format!("{}{to}", url.as_str().trim_end_matches('/'));
    let bounds = Bounds { bytes: WITNESS_ANSWER_BYTES_MAX, within: HOOK_TIMEOUT };
    post(&url, "text/plain; charset=utf-8", body, bounds).map_err(|error| error.to_string())
}

/// The proof that the log continues what the witness knows.
fn from(outside: &Outside<'_>, given: &Given<'_>, known: u64) -> Result<Growth, Failure> {
    let log: LogId = given.log.parse().map_err(|_| Failure::failed("it is not a log"))?;
    let lines = outside.journal.read(&log, 0)?;
    let size = usize::try_from(given.size).unwrap_or(usize::MAX).min(lines.len());
    let leaves: Vec<Digest> =
        lines[..size].iter().map(|line| merkle::leaf_hash(line.text.as_bytes())).collect();
    Growth::new(&leaves, known).ok_or_else(|| Failure::failed("the witness knows more than there is"))
}
