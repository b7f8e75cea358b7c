//! The words of agents: a program proposes calls, one JSON object on a line, and is answered the same way. Pure: lines
//! in, messages out; the program itself is started on a floor above.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::assertion::short;
use crate::base::id::{ScopeId, StepId};
use crate::base::limits::{AGENT_LINE_BYTES_MAX, AGENT_WORDS_CHARS_MAX};

/// Version of the lines.
pub const AGENT_VERSION: u32 = 1;

/// The first line that an agent reads: what it is for, and what it may know. There is nothing secret in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Begin {
    /// Format version.
    pub v: u32,
    /// What it is for.
    pub begin: Errand,
}

/// What an agent is for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Errand {
    /// The item.
    pub item: StepId,
    /// What it makes sure of.
    pub title: String,
    /// The scope.
    pub scope: ScopeId,
    /// The calls it may propose.
    pub allow: Vec<String>,
    /// What is missing so far, in words.
    pub missing: Vec<String>,
    /// The facts that the item's validators name, by pointer.
    pub facts: Value,
}

/// A line of an agent.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// It wants something to be done.
    Propose(Proposal),
    /// It has done what it could, in its own words.
    Done(String),
}

/// A call that an agent wants to be made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// `<kind>.<verb>`.
    pub call: String,
    /// A resource of the scope.
    pub on: StepId,
    /// The desired state of it, or what is changed of it; nothing for a read.
    #[serde(default)]
    pub spec: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    v: u32,
    #[serde(default)]
    propose: Option<Proposal>,
    #[serde(default)]
    done: Option<String>,
}

/// A line that is none of the protocol. What it says is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadLine {
    /// Too long.
    #[error("a line of the agent is longer than {AGENT_LINE_BYTES_MAX} bytes")]
    Long,
    /// Not JSON, or not of this form.
    #[error("a line of the agent is neither a proposal nor its last word")]
    Form,
    /// Another version.
    #[error("the agent speaks another version than {AGENT_VERSION}")]
    Version,
}

/// Reads one line.
///
/// # Errors
///
/// If it is none of the protocol.
pub fn parse(line: &[u8]) -> Result<Said, BadLine> {
    if line.len() > AGENT_LINE_BYTES_MAX {
        return Err(BadLine::Long);
    }
    let line: Line = serde_json::from_slice(line).map_err(|_| BadLine::Form)?;
    if line.v != AGENT_VERSION {
        return Err(BadLine::Version);
    }
    match (line.propose, line.done) {
        (Some(proposal), None) => Ok(Said::Propose(proposal)),
        (None, Some(words)) => Ok(Said::Done(words_of(&words))),
        (Some(_), Some(_)) | (None, None) => Err(BadLine::Form),
    }
}

/// An agent's own words, as far as they are kept.
fn words_of(words: &str) -> String {
    let cut: String = words.chars().take(AGENT_WORDS_CHARS_MAX).collect();
    cut.split(char::is_control).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// What becomes of a proposal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Whether it was done.
    pub done: bool,
    /// What it came to, in words.
    pub outcome: String,
    /// What was read, for a read: only what evidence may hold of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<Value>,
}

/// One answer as a line, without its newline.
pub fn answer_line(answer: &Answer) -> String {
    serde_json::json!({ "v": AGENT_VERSION, "answer": answer }).to_string()
}

/// The first line, without its newline.
pub fn begin_line(errand: Errand) -> String {
    let begin = Begin { v: AGENT_VERSION, begin: errand };
    serde_json::to_string(&begin).expect("an errand has a JSON form")
}

/// A proposal in words: `databricks.group.update group.stewards`.
pub fn deed(call: &str, on: &StepId) -> String {
    format!("{} {on}", short(call))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_are_proposals_or_last_words_and_nothing_else() {
        let propose =
            br#"{"v":1,"propose":{"call":"databricks.group.update","on":"group.a","spec":{"x":1}}}"#;
        let Said::Propose(proposal) = parse(propose).unwrap() else { panic!("a proposal") };
        assert_eq!((proposal.call.as_str(), proposal.on.as_str()), ("databricks.group.update", "group.a"));
        assert_eq!(
            parse(br#"{"v":1,"done":"all\u001b[2J\nwell"}"#),
            Ok(Said::Done("all [2J well".to_owned()))
        );
        let bad: [&[u8]; 8] = [
            b"",
            b"hello",
            b"{}",
            br#"{"v":1}"#,
            br#"{"v":1,"done":"x","propose":{"call":"a.read","on":"b"}}"#,
            br#"{"v":1,"approve":"g-02"}"#,
            br#"{"v":1,"propose":{"call":"a.read","on":"b","as":"compliance"}}"#,
            br#"{"v":1,"propose":{"call":"a.read","on":"../b"}}"#,
        ];
        for line in bad {
            assert_eq!(parse(line), Err(BadLine::Form), "{}", String::from_utf8_lossy(line));
        }
        assert_eq!(parse(br#"{"v":2,"done":"x"}"#), Err(BadLine::Version));
        assert_eq!(parse(&vec![b' '; AGENT_LINE_BYTES_MAX + 1]), Err(BadLine::Long));
    }

    proptest! {
        #[test]
        fn no_line_makes_the_reader_fall(line in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&line);
        }
    }
}
