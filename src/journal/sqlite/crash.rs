//! Ends a debug build right after a chosen write, so that tests can kill the real program at every one of them.
//! Release builds do not look at the variable.

/// Names the write after which the process ends: 1 for the first.
#[cfg(debug_assertions)]
const VARIABLE: &str = "LANDFALL_DEBUG_ABORT_AFTER_WRITE";

/// A write was made durable.
#[cfg(debug_assertions)]
pub(super) fn written() {
    use std::sync::atomic::{AtomicU64, Ordering};
    static WRITES: AtomicU64 = AtomicU64::new(0);
    let number = WRITES.fetch_add(1, Ordering::SeqCst) + 1;
    if std::env::var(VARIABLE).is_ok_and(|last| last == number.to_string()) {
        // As a kill would: nothing is unwound, flushed or released.
        std::process::abort();
    }
}

#[cfg(not(debug_assertions))]
pub(super) fn written() {}
