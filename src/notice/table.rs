//! Which entries people are told of, as data: a kind of entry is added by a line.
//!
//! Not here on purpose: `scope.ended`, because the scope's own `run.ended` says the same; starts and recoveries, which
//! ask nothing of anybody; steps that are blocked, because the failed one before them is told.

use serde_json::Value;

use crate::model::entry::Entry;
use crate::model::notify::NoticeClass::{self, Failed, Finished, Gate, Waiting};
use crate::model::outcome::CauseClass;

/// One line of the table.
pub(super) struct Row {
    /// The entry's kind.
    kind: &'static str,
    /// The outcome in its body, where that makes a difference.
    outcome: Option<&'static str>,
    pub(super) class: NoticeClass,
    /// What stands in the middle of the notice's type.
    pub(super) name: &'static str,
    pub(super) owner: Owner,
    /// What happened; `{}` stands for what it is about.
    pub(super) what: &'static str,
    /// What to type next; `{}` stands for the site, or for nothing.
    pub(super) next: &'static str,
}

/// Whose turn it is, as the name of a role.
#[derive(Clone, Copy)]
pub(super) enum Owner {
    /// The site's operations lead; for the account and for regions, the program manager.
    Operations,
    /// The site's steward; for waves and launches, the program manager.
    Steward,
    /// The program manager.
    Program,
    /// The executive sponsor.
    Sponsor,
}

impl Owner {
    pub(super) fn role(self, is_site: bool) -> &'static str {
        match self {
            Owner::Operations if is_site => "ops-lead",
            Owner::Steward if is_site => "steward",
            Owner::Operations | Owner::Steward | Owner::Program => "program-manager",
            Owner::Sponsor => "executive-sponsor",
        }
    }
}

const SITE: &str = "landfall status {}";
const RESUME: &str = "landfall resume";
const STATUS: &str = "landfall status";
const ANY: Option<&str> = None;
const GOOD: Option<&str> = Some("succeeded");
const PART: Option<&str> = Some("partial");
const BAD: Option<&str> = Some("failed");

#[rustfmt::skip]
const ROWS: &[Row] = &[
    told(("run.ended",        GOOD), Finished, "run.succeeded",    Owner::Operations, SITE,   "every step of {} holds"),
    told(("run.ended",        BAD),  Failed,   "run.failed",       Owner::Operations, SITE,   "the run of {} ended with failed steps"),
    told(("step.failed",      ANY),  Failed,   "step.failed",      Owner::Operations, SITE,   "a step of {} failed"),
    told(("launch.suspended", ANY),  Waiting,  "launch.suspended", Owner::Program,    RESUME, "the launch was stopped and can be taken up again"),
    told(("launch.ended",     GOOD), Finished, "launch.succeeded", Owner::Program,    STATUS, "the launch ended and every scope of it succeeded"),
    told(("launch.ended",     PART), Finished, "launch.partial",   Owner::Program,    STATUS, "the launch ended; some sites failed, no more than the budgets allow"),
    told(("launch.ended",     BAD),  Failed,   "launch.failed",    Owner::Program,    STATUS, "the launch failed"),
    told(("launch.paused",    ANY),  Waiting,  "launch.paused",    Owner::Program,    STATUS, "the launch is paused"),
    told(("launch.aborting",  ANY),  Failed,   "launch.aborting",  Owner::Program,    STATUS, "the launch is being aborted"),
    told(("wave.halted",      ANY),  Failed,   "wave.halted",      Owner::Program,    STATUS, "{} is halted: no further site of it starts"),
    told(("wave.barred",      ANY),  Waiting,  "wave.barred",      Owner::Program,    STATUS, "{} may not start: gates before it are open"),
    told(("wave.baking",      ANY),  Waiting,  "wave.baking",      Owner::Program,    STATUS, "{} is watched for a while before anything further starts"),
    told(("wave.baked",       ANY),  Finished, "wave.baked",       Owner::Program,    STATUS, "{} was watched long enough"),
    told(("scope.skipped",    ANY),  Failed,   "scope.skipped",    Owner::Operations, SITE,   "{} will not start"),
    told(("scope.waiting",    ANY),  Waiting,  "scope.waiting",    Owner::Steward,    SITE,   "{} waits before it may start"),
    told(("gate.opened",      ANY),  Gate,     "gate.opened",      Owner::Steward,    SITE,   "a gate before {} is open and needs a decision"),
    told(("wait.escalated",   ANY),  Waiting,  "wait.escalated",   Owner::Sponsor,    SITE,   "what {} waits for was not answered in time"),
];

const fn told(
    (kind, outcome): (&'static str, Option<&'static str>),
    class: NoticeClass,
    name: &'static str,
    owner: Owner,
    next: &'static str,
    what: &'static str,
) -> Row {
    Row { kind, outcome, class, name, owner, what, next }
}

/// The line of an entry, if there is one.
pub(super) fn row(entry: &Entry) -> Option<&'static Row> {
    let outcome = entry.body.get("outcome").and_then(Value::as_str);
    ROWS.iter().find(|row| row.kind == entry.kind && (row.outcome.is_none() || row.outcome == outcome))
}

/// A sentence with its one gap filled.
pub(super) fn sentence(pattern: &str, about: &str) -> String {
    pattern.replace("{}", about)
}

/// Why something happened: a class, and words of ours for it.
pub(super) struct Why {
    pub(super) class: String,
    /// The service's own code.
    pub(super) code: Option<String>,
    pub(super) words: &'static str,
}

/// Why, as far as an entry says so. The message beside a cause is left out: a service may have put names into it.
pub(super) fn why(entry: &Entry) -> Option<Why> {
    if let Some(cause) = entry.body.get("cause") {
        return of_cause(cause);
    }
    let given = match entry.body.get("why")? {
        Value::String(word) => word,
        // A reason with details is a table under its own name.
        Value::Object(reason) => reason.keys().next()?,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => return None,
    };
    let (_, class, words) =
        REASONS.iter().find(|(kind, reason, _)| *kind == entry.kind && reason == given)?;
    Some(Why { class: (*class).to_owned(), code: None, words })
}

fn of_cause(cause: &Value) -> Option<Why> {
    let word = cause.get("class")?;
    let class: CauseClass = serde_json::from_value(word.clone()).ok()?;
    let code = cause.get("code").and_then(Value::as_str).filter(|code| is_code(code)).map(str::to_owned);
    Some(Why { class: word.as_str()?.to_owned(), code, words: words_of(class) })
}

/// Codes of services are constants such as `RESOURCE_ALREADY_EXISTS`; anything else stays here.
fn is_code(code: &str) -> bool {
    code.len() <= 80 && code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

/// A word with the spelling of our own names.
pub(super) fn is_word(word: &str) -> bool {
    let plain =
        |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.' | b'_' | b'/');
    (1..=80).contains(&word.len()) && word.bytes().all(plain)
}

/// Reasons of halts, of waits and of skips, by kind of entry. One that is not here is not told.
const REASONS: [(&str, &str, &str); 12] = [
    ("wave.halted", "bake", "a check broke during bake time"),
    ("wave.halted", "budget", "more sites failed than the wave's budget allows"),
    ("wave.halted", "canary", "the canary of the wave did not end well"),
    ("wave.halted", "launch-budget", "more sites failed than the launch's budget allows"),
    ("scope.skipped", "need", "one that it needs did not end well"),
    ("scope.skipped", "out-of-scope", "it is no longer in scope"),
    ("scope.skipped", "person", "somebody took it out"),
    ("scope.waiting", "bake", "it waits until the sites before it were watched long enough"),
    ("scope.waiting", "entry", "it waits for what must hold before its wave begins"),
    ("scope.waiting", "pause", "it waits until the launch goes on"),
    ("scope.waiting", "scope", "it waits for another scope"),
    ("scope.waiting", "window", "it waits for its change window"),
];

fn words_of(class: CauseClass) -> &'static str {
    match class {
        CauseClass::BadRequest => "the service found the request wrong",
        CauseClass::Unauthenticated => "sign-in failed",
        CauseClass::PermissionDenied => "a permission is missing",
        CauseClass::NotFound => "something that it refers to is not there",
        CauseClass::Conflict => "it exists already, or somebody else changed it",
        CauseClass::Quota => "a quota is used up",
        CauseClass::Busy => "the service was busy for too long",
        CauseClass::Internal => "the service failed",
        CauseClass::NotImplemented => "the service does not have this call",
        CauseClass::NoAnswer => "no answer came",
        CauseClass::Garbled => "the answer could not be understood",
        CauseClass::BadState => "the object is in a state that it does not leave by itself",
        CauseClass::NotHeld => "what was applied is not what is there",
        CauseClass::Foreign => "there is an object of this name that is not ours",
        CauseClass::Stale => "the object changed since the plan was made",
        CauseClass::Expectation => "a check found something else than expected",
        CauseClass::Exhausted => "it was tried as often as allowed",
        CauseClass::Shut => "the calendar leaves no time for it",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_types_and_each_is_given_once() {
        let mut names: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
        assert!(names.iter().all(|name| is_word(name) && name.split('.').count() == 2));
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn only_constants_count_as_codes() {
        assert!(is_code("RESOURCE_ALREADY_EXISTS"));
        for other in ["User jane@x", "not_found", "A B", &"A".repeat(81)] {
            assert!(!is_code(other), "{other}");
        }
    }
}
