//! Why a scope stands as it does: the chain to who or what can release it, one link a line.

use std::fmt::Write as _;

use super::text::{link_words, moment};
use super::{ScopeState, Status};

/// The chains of every scope of the document.
pub fn why(status: &Status) -> String {
    let mut out = String::new();
    for scope in &status.scopes {
        let since = scope.since.map_or(String::new(), |at| format!(" since {}", moment(&scope.zone, at)));
        let _ = writeln!(out, "{}: {}{since}", scope.scope, scope.state.word());
        for chain in &scope.waits {
            for link in chain {
                let _ = writeln!(out, "  ← {}", link_words(link, &scope.zone));
            }
            if let Some(next) = chain.last().and_then(|link| link.next.as_ref()) {
                let _ = writeln!(out, "    {next}");
            }
        }
        if scope.waits.is_empty() {
            let words = match scope.state {
                ScopeState::Succeeded => "it is done and waits for nothing",
                ScopeState::NotStarted => "no launch has it: landfall plan, then landfall apply",
                ScopeState::Running => "it runs and waits for nothing",
                ScopeState::Waiting
                | ScopeState::Unfinished
                | ScopeState::Suspended
                | ScopeState::Aborting
                | ScopeState::Failed
                | ScopeState::Aborted
                | ScopeState::Skipped => "nothing more is known of it",
            };
            let _ = writeln!(out, "  {words}");
        }
    }
    out
}
