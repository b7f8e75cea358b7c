//! What a person wants of a launch: left for the process that runs it, or decided here if none does.

use std::sync::Arc;

use crate::base::id::{KindName, LogId, RunId};
use crate::base::time::Millis;
use crate::driver::{Answer, Change, Driver, Listing, Place, Target};
use crate::journal::Journal;
use crate::model::ask::{Ask, Wish};
use crate::model::outcome::{ApplyOutcome, Cause, CauseClass, Observation};
use crate::ops::error::Failure;
use crate::ops::launch::{self, Found, Launched, Watch};
use crate::ops::target::Reached;
use crate::ops::{Context, person};

/// Leaves a wish; the holder that is going to take it up, if a process runs the launch.
///
/// # Errors
///
/// If the reason is empty or may not be recorded, or too many wishes wait.
pub fn leave(
    context: &Context,
    journal: &mut dyn Journal,
    run: &RunId,
    wish: Wish,
    reason: &str,
) -> Result<Option<String>, Failure> {
    if reason.trim().is_empty() {
        return Err(Failure::usage("the reason is empty", "say why in a few words: --reason \"…\""));
    }
    let ask =
        Ask { run: run.clone(), at: context.clock.now(), by: person(), reason: reason.to_owned(), wish };
    journal.ask(&ask)?;
    let holder = journal.locks()?.into_iter().find(|lock| lock.log == LogId::Org && lock.alive);
    Ok(holder.map(|lock| lock.holder))
}

/// Decides the wishes that were left for a launch that no process runs, and leaves it as it then is. Sends nothing.
///
/// # Errors
///
/// As [`launch::resume`].
pub async fn decide(
    context: &Context,
    found: Found,
    journal: &mut dyn Journal,
    watch: Watch<'_>,
) -> Result<Launched, Failure> {
    let name = found.saved.plan.target.clone();
    crate::ops::target::refuse_shifted(context, &name)?;
    let reached = Reached::unseen(Arc::new(Unreached), name);
    // Stopped before it starts: wishes are decided first, and then nothing new begins.
    watch.stop.ask();
    launch::resume(context, &found, &reached, journal, watch).await
}

/// A target that nobody has signed in to, for decisions that need none.
struct Unreached;

fn unreached() -> Cause {
    Cause::new(CauseClass::Unauthenticated, "nobody has signed in: this was only to record a decision")
}

impl Driver for Unreached {
    fn observe<'a>(&'a self, _target: &'a Target, _timeout: Millis) -> Answer<'a, Observation> {
        Box::pin(async { Observation::Unreadable(unreached()) })
    }

    fn list<'a>(&'a self, _kind: &'a KindName, _place: &'a Place, _timeout: Millis) -> Answer<'a, Listing> {
        Box::pin(async { Listing::Unreadable(unreached()) })
    }

    fn apply<'a>(&'a self, _change: &'a Change, _timeout: Millis) -> Answer<'a, ApplyOutcome> {
        Box::pin(async { ApplyOutcome::Busy { retry_after: None, cause: unreached() } })
    }
}
