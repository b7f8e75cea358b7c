//! Floor 2: the fleet engine, a pure state machine that runs the scopes of one launch.
//!
//! The same shape as the scope engine: [`decide`] → append the durable events → [`apply`] all of them → start what is
//! [`owed`]. [`advance`] decides and applies in one. `tests/sim` proves the rules.
//!
//! **Order.** The account comes first, then the regions, then the waves. Inside a wave the first site that was not taken
//! out is the canary; it ends well before another starts. After it, at most `max_parallel` sites run, and never more
//! than what is left of the wave's and of the launch's failure budget + 1, so that a budget is overdrawn by one site at
//! the most. A suspended site keeps its place. A canary that fails, or more failures than a budget, halt the wave: its
//! remaining sites stay pending and no later wave starts. A site whose needs did not end well is skipped; that does not
//! count against a budget, because the site itself was not tried.
//!
//! **Time.** A scope that changes something starts only when its calendar is open for as long as its changes take. Until
//! then it waits, takes no place, and lets others go first; only the canary is never passed.
//!
//! **Begin.** A wave with criteria begins once none of them is open. They are judged when its turn comes, after every
//! recovery, and from time to time.
//!
//! **Bake.** After the canary, and after the wave's last site, what is done is watched: looks at intervals, the last one
//! begun when the time is over. Two looks in a row that find something broken halt the wave. Nothing else of the wave
//! starts before its canary has baked, and no later wave before all of it has.
//!
//! **People.** A launch that is asked to stop or is paused starts no further scope, waits for those that run to come to
//! rest, and is suspended. After a stop the next recovery makes it go on; after a pause, only `ResumeAsked` does, at once
//! where the launch is live or a holder has taken it up, else with the next recovery. An abort calls off everything under
//! way, suspended scopes too, and ends the launch. A scope can be taken out at any time; one under way is called off.
//! What failed, was called off or skipped can be tried again, also after the launch has ended.
//!
//! **Outcomes.** `Succeeded`: every scope. `Failed`: a wave is halted, or the account or a region did not end well.
//! `Partial`: neither; some sites failed within the budgets, were called off, or were taken out. `Aborted`: called off.
//! Failures are counted as they stand at the end: a site that was tried again and succeeded has never failed.

mod apply;
mod bake;
mod chart;
mod decide;
mod draft;
mod entry;
mod halt;
mod input;
mod owed;
mod refusal;
mod request;
mod retry;
mod start;
mod state;
#[cfg(test)]
mod tests;
mod wait;
mod wave;

pub use apply::apply;
pub use decide::{advance, decide};
pub use input::{Decision, Input};
pub use owed::{Command, owed, owed_beside_scopes, owed_by};
pub use refusal::Refusal;
pub use state::{Paused, Phase, ReplayError, Standstill, State};
pub use wait::{Subject, Waiting, waits};
pub use wave::{Baking, Barred, Entry, Wave};
