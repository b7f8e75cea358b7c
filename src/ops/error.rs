//! What can end a use case other than well. Each kind has one exit code; the faces draw them.

use crate::base::diagnostic::Diagnostics;
use crate::base::span::SourceMap;
use crate::base::time::Timestamp;
use crate::journal::JournalError;

/// Why a use case did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command line names something that is not there.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to type instead.
        help: Option<String>,
    },
    /// The input files are wrong. All problems are in here.
    #[error("the input files have problems")]
    Input {
        /// The problems.
        found: Diagnostics,
        /// The files they point into.
        sources: SourceMap,
    },
    /// A rule refuses it.
    #[error("{reason}")]
    Refused {
        /// Which rule, and on what.
        reason: String,
    },
    /// Sign-in failed or a right is missing.
    #[error("{what}")]
    NotAllowed {
        /// What was refused, by whom.
        what: String,
    },
    /// The plan no longer fits.
    #[error("the plan is stale")]
    Stale {
        /// Everything that changed since it was made.
        changed: Vec<String>,
    },
    /// The plan has waited too long.
    #[error("the plan was made at {made_at} and could be applied until {until}")]
    Expired {
        /// When it was made.
        made_at: Timestamp,
        /// Until when it could be applied.
        until: Timestamp,
        /// For how many days the estate lets a plan wait.
        days: u32,
    },
    /// A journal or bundle does not verify.
    #[error("{what}")]
    NotVerified {
        /// The first thing that is wrong.
        what: String,
    },
    /// Something failed.
    #[error("{what}")]
    Failed {
        /// What, where, because of what.
        what: String,
        /// What to type next.
        help: Option<String>,
    },
    /// The journal failed.
    #[error("{0}")]
    Journal(#[from] JournalError),
}

impl Failure {
    /// A failure with a reason and nothing to add.
    pub fn failed(what: impl Into<String>) -> Self {
        Failure::Failed { what: what.into(), help: None }
    }

    /// A command line that names something that is not there.
    pub fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Failure::Usage { message: message.into(), help: Some(help.into()) }
    }
}
