//! Exit codes: one table, the same in `landfall help-exit-codes` and in the README.

use std::process::ExitCode;

/// What the process ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, or no changes.
    Done = 0,
    /// Something failed.
    Failed = 1,
    /// There are differences: drift, or a plan's with `--detailed-exitcode`.
    Differences = 2,
    /// A policy, gate or approval rule refuses it.
    Refused = 3,
    /// Sign-in failed, or a right is missing.
    NotAllowed = 4,
    /// Waiting for a person or a window.
    Waiting = 5,
    /// The plan is stale.
    Stale = 6,
    /// A journal or evidence does not verify.
    NotVerified = 7,
    /// The command line is wrong.
    Usage = 64,
    /// The input files are wrong.
    Input = 65,
    /// A bug of ours.
    Bug = 70,
    /// Interrupted; the state is saved.
    Interrupted = 130,
}

/// The table as people read it.
pub const TABLE: &[(Exit, &str)] = &[
    (Exit::Done, "done, or no changes"),
    (Exit::Failed, "something failed"),
    (Exit::Differences, "there are differences: drift, or a plan's with --detailed-exitcode"),
    (Exit::Refused, "refused by a policy, gate or approval rule"),
    (Exit::NotAllowed, "sign-in failed or a right is missing"),
    (Exit::Waiting, "waiting for a person or a window"),
    (Exit::Stale, "the plan is stale"),
    (Exit::NotVerified, "the journal or the evidence does not verify"),
    (Exit::Usage, "the command line is wrong"),
    (Exit::Input, "the input files are wrong"),
    (Exit::Bug, "a bug in landfall"),
    (Exit::Interrupted, "interrupted; the state is saved"),
];

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}
