//! What the engine is told, and what it answers.

use std::collections::BTreeSet;

use super::refusal::Refusal;
use crate::base::digest::Digest;
use crate::base::id::{ScopeId, WaveName};
use crate::model::entry::Actor;
use crate::model::fleet_event::{Defect, FleetEvent, ScopeOutcome, SkipReason};
use crate::model::wait::OpenItem;

/// What happened outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The launch of the plan with this digest begins. Legal once.
    Started(Digest),
    /// A new holder has the lease and has replayed the log.
    Recovered,
    /// `Command::RunScope` came to this.
    ScopeEnded {
        /// The scope.
        scope: ScopeId,
        /// How it ended.
        outcome: ScopeOutcome,
    },
    /// Stop: no further scope starts.
    StopAsked,
    /// The moment of a `Command::WakeAt` has come.
    TimeReached,
    /// A person pauses the launch. Legal in every state of a launch that has not ended.
    PauseAsked {
        /// Who.
        by: Actor,
        /// Why.
        reason: String,
    },
    /// A person lets a paused launch go on.
    ResumeAsked {
        /// Who.
        by: Actor,
        /// Why.
        reason: String,
    },
    /// A person calls the launch off. Legal in every state of a launch that has not ended.
    AbortAsked {
        /// Who.
        by: Actor,
        /// Why.
        reason: String,
    },
    /// A person takes a scope out of the launch, whether it runs or not.
    SkipAsked {
        /// The scope.
        scope: ScopeId,
        /// Why it does not run, for one that has not started.
        why: SkipReason,
        /// Who.
        by: Actor,
    },
    /// A person wants scopes tried again that failed, were skipped or taken out: all of them, if none is named.
    RetryAsked {
        /// Which.
        scopes: BTreeSet<ScopeId>,
        /// Who.
        by: Actor,
        /// Why.
        reason: String,
    },
    /// `Command::JudgeEntry` found these criteria open.
    EntryJudged {
        /// The wave.
        wave: WaveName,
        /// What is open; nothing if it may begin.
        open: Vec<OpenItem>,
    },
    /// `Command::LookAtBake` found this.
    BakeLooked {
        /// The wave.
        wave: WaveName,
        /// How many checks held.
        held: u32,
        /// Those that did not.
        broken: Vec<Defect>,
    },
}

/// What an input comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// These things happened: append the durable ones in one step, then fold all, in order.
    Accepted(Vec<FleetEvent>),
    /// The input comes too late or twice; it changes nothing.
    Stale,
    /// The input makes no sense for this launch; it changes nothing.
    Refused(Refusal),
}
