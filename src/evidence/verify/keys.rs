//! The keys: what the bundle says they are, what the reader trusts, and how one took over from the other.

use super::super::bundle::{Files, layout};
use super::super::checkpoint::Checkpoint;
use super::super::handover::{self, Chain, Handover, KeyUse};
use super::super::note::VerifierKey;
use super::{Failure, Found, file};

/// The key of checkpoints with those before it. One of them must be the one that the reader trusts.
pub(super) fn log(files: &Files, pinned: Option<&VerifierKey>) -> Found<Chain> {
    let key = read(files, layout::LOG_KEY)?;
    if !handover::may_sign(KeyUse::Log, &key) {
        return Err(Failure::broken(format!("{} is no Ed25519 key: {}", layout::LOG_KEY, handover::WHY)));
    }
    let chain = chain(files, &key)?;
    match pinned {
        Some(pinned) if *pinned == key => {
            let told = format!("{key}, as you gave it{}", before(&chain));
            Ok((chain, told))
        }
        Some(pinned) if chain.log.holds(pinned) => {
            let told =
                format!("{key} took over from {pinned}, which you gave and which named it in the org log");
            Ok((chain, told))
        }
        Some(pinned) => Err(stranger(layout::LOG_KEY, &key, pinned)),
        None => {
            let told = format!(
                "{key}, taken from the bundle itself: compare it with what you were given{}",
                before(&chain)
            );
            Ok((chain, told))
        }
    }
}

/// The key of the seal. It, or one that it took over from, must be the one that the reader trusts.
pub(super) fn bundle(
    files: &Files,
    chain: &Option<Chain>,
    pinned: Option<&VerifierKey>,
) -> Found<VerifierKey> {
    let key = read(files, layout::BUNDLE_KEY)?;
    let before = chain.as_ref().map_or(&[][..], |chain| &chain.bundle);
    if before.last().is_some_and(|last| *last != key) {
        let detail = format!("{} is not the key that took over last", layout::BUNDLE_KEY);
        return Err(Failure::broken(detail));
    }
    match pinned {
        Some(pinned) if *pinned == key => Ok((key.clone(), format!("{key}, as you gave it"))),
        Some(pinned) if before.contains(pinned) => {
            Ok((key.clone(), format!("{key} took over from {pinned}, which you gave")))
        }
        Some(pinned) => Err(stranger(layout::BUNDLE_KEY, &key, pinned)),
        None => Ok((
            key.clone(),
            format!("{key}, taken from the bundle itself: compare it with what you were given"),
        )),
    }
}

fn read(files: &Files, path: &str) -> Result<VerifierKey, Failure> {
    let text = std::str::from_utf8(file(files, path)?).unwrap_or_default();
    let key: Option<VerifierKey> = text.strip_suffix('\n').and_then(|line| line.parse().ok());
    key.ok_or_else(|| Failure::broken(format!("{path} is not a verifier key")))
}

/// The handovers that lead to this key, each continued by the org log that it signed.
fn chain(files: &Files, key: &VerifierKey) -> Result<Chain, Failure> {
    let broken = |what: String| Failure::broken(format!("{}: {what}", layout::HANDOVERS));
    let handovers: Vec<Handover> = match files.get(layout::HANDOVERS) {
        None => Vec::new(),
        Some(bytes) => serde_json::from_slice(bytes).map_err(|error| broken(error.to_string()))?,
    };
    if handovers.is_empty() {
        return handover::chain(&handovers, key, None).map_err(|error| broken(error.to_string()));
    }
    let org = Checkpoint::open(file(files, layout::ORG_CHECKPOINT)?, key);
    let org = org.map_err(|error| broken(format!("{}: {error}", layout::ORG_CHECKPOINT)))?;
    handover::chain(&handovers, key, Some(&org)).map_err(|error| broken(error.to_string()))
}

fn before(chain: &Chain) -> String {
    let names: Vec<String> = chain.log.retired().iter().map(ToString::to_string).collect();
    if names.is_empty() { String::new() } else { format!("; it took over from {}", names.join(", then ")) }
}

fn stranger(path: &str, key: &VerifierKey, pinned: &VerifierKey) -> Failure {
    Failure::broken(format!("{path} is {key}, but the key that you trust is {pinned}"))
}
