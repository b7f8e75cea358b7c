//! Search in one pass over entries: terms that must all hold, and the exact ids of the entries where they do.

use crate::base::time::Timestamp;
use crate::model::entry::Entry;

use super::super::answer::Answer;
use super::super::records::{Records, readback};
use super::moment::{self, NotAMoment};
use super::{counted, reference, result, result_word, what};

/// Terms of one query: people type a few; more is a mistake.
const TERMS_MAX: usize = 32;
const COLUMNS: [&str; 7] = ["entry", "at", "who", "what", "step", "result", "read back"];
const KEYS: &str = "kind, step, run, actor, result, after, before";

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    Kind(String),
    Step(String),
    Run(String),
    Actor(String),
    Result(String),
    After(Timestamp),
    Before(Timestamp),
    Word(String),
}

/// Conditions that must all hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    terms: Vec<Term>,
}

/// Why a query cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadQuery {
    /// Nothing is asked for.
    #[error("the query is empty")]
    Empty,
    /// Too much is.
    #[error("the query has more than {TERMS_MAX} terms")]
    TooLong,
    /// A term that does not exist.
    #[error("there is no term `{0}:`; there are {KEYS}, and free words in quotes may hold a colon")]
    UnknownTerm(String),
    /// A term without a value.
    #[error("`{0}:` needs a value")]
    NoValue(String),
    /// A quote that does not end.
    #[error("a quote is not closed")]
    OpenQuote,
    /// A bad moment.
    #[error(transparent)]
    Moment(#[from] NotAMoment),
}

impl Query {
    /// Reads a query: `kind:step.failed after:2027-01-11 "no such catalog"`.
    ///
    /// # Errors
    ///
    /// If it is empty, or a term is not one.
    pub fn parse(text: &str) -> Result<Self, BadQuery> {
        let terms = words(text)?.into_iter().map(term).collect::<Result<Vec<Term>, BadQuery>>()?;
        if terms.len() > TERMS_MAX {
            return Err(BadQuery::TooLong);
        }
        if terms.is_empty() { Err(BadQuery::Empty) } else { Ok(Self { terms }) }
    }

    fn holds(&self, entry: &Entry) -> bool {
        self.terms.iter().all(|term| term.holds(entry))
    }

    /// The entries where all terms hold, in one pass over what is given.
    pub fn hits<'e>(&self, entries: impl Iterator<Item = &'e Entry>) -> Vec<&'e Entry> {
        entries.filter(|entry| self.holds(entry)).collect()
    }
}

impl Term {
    fn holds(&self, entry: &Entry) -> bool {
        match self {
            Term::Kind(kind) => is_or_begins(&entry.kind, kind),
            Term::Step(step) => entry.step.as_ref().is_some_and(|own| is_or_begins(own.as_str(), step)),
            Term::Run(run) => entry.run.as_ref().is_some_and(|own| own.as_str().starts_with(run.as_str())),
            Term::Actor(actor) => entry.actor.id.eq_ignore_ascii_case(actor),
            Term::Result(word) => result_word(entry).is_some_and(|own| own.eq_ignore_ascii_case(word)),
            Term::After(moment) => entry.at >= *moment,
            Term::Before(moment) => entry.at < *moment,
            Term::Word(word) => holds_word(entry, word),
        }
    }
}

/// `step` finds `step.applied`: whole words from the left, so that `step` does not find `stepping`.
fn is_or_begins(name: &str, wanted: &str) -> bool {
    name.strip_prefix(wanted)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || wanted.ends_with('.'))
}

fn holds_word(entry: &Entry, word: &str) -> bool {
    let holds = |text: &str| text.to_lowercase().contains(word);
    holds(&entry.kind)
        || holds(what(entry))
        || holds(&entry.actor.id)
        || entry.step.as_ref().is_some_and(|step| holds(step.as_str()))
        || entry.refs.iter().any(|named| holds(&named.path) || holds(&named.sha256.to_string()))
        || holds(&entry.body.to_string())
}

/// A word of a query, and whether it stood in quotes.
fn words(text: &str) -> Result<Vec<(String, bool)>, BadQuery> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (word, quoted, after) = match rest.strip_prefix('"') {
            Some(inside) => {
                let (word, after) = inside.split_once('"').ok_or(BadQuery::OpenQuote)?;
                (word, true, after)
            }
            None => {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                (&rest[..end], false, &rest[end..])
            }
        };
        words.push((word.to_owned(), quoted));
        rest = after.trim_start();
    }
    Ok(words)
}

fn term((word, quoted): (String, bool)) -> Result<Term, BadQuery> {
    let Some((key, value)) = word.split_once(':').filter(|_| !quoted) else {
        return Ok(Term::Word(word.to_lowercase()));
    };
    if value.is_empty() {
        return Err(BadQuery::NoValue(key.to_owned()));
    }
    let owned = value.to_owned();
    Ok(match key {
        "kind" => Term::Kind(owned),
        "step" => Term::Step(owned),
        "run" => Term::Run(owned),
        "actor" => Term::Actor(owned),
        "result" => Term::Result(owned),
        "after" => Term::After(moment::from(value)?),
        "before" => Term::Before(moment::from(value)?),
        _ => return Err(BadQuery::UnknownTerm(key.to_owned())),
    })
}

/// The entries of these logs that the query finds.
pub fn search(logs: &[Records], query: &Query) -> Answer {
    let mut rows = Vec::new();
    let mut searched = 0;
    for records in logs {
        searched += records.entries.len();
        for entry in query.hits(records.entries.iter()) {
            rows.push(vec![
                records.id(entry.seq),
                entry.at.to_string(),
                entry.actor.id.clone(),
                what(entry).to_owned(),
                entry.step.as_ref().map_or_else(String::new, ToString::to_string),
                result(entry),
                reference(readback(entry)),
            ]);
        }
    }
    let of = counted(searched, "entry", "entries");
    let sentence = if rows.is_empty() {
        format!("No record: none of {of} is what was searched for.")
    } else {
        format!("{} of {of} found.", rows.len())
    };
    Answer { question: "search", sentence, columns: &COLUMNS, rows }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use serde_json::json;

    use super::*;

    fn entry(seq: u64) -> Entry {
        let kind = ["step.applying", "step.applied", "step.succeeded", "step.failed"][(seq % 4) as usize];
        serde_json::from_value(json!({
            "v": 1, "seq": seq, "at": format!("2027-01-{:02}T09:00:00Z", seq % 28 + 1), "log": "site/HRB01",
            "run": format!("run-{}", seq % 3), "kind": kind, "step": format!("catalog.c{}", seq % 10),
            "actor": {"type": "person", "id": if seq.is_multiple_of(2) { "ana" } else { "ben" }},
            "body": {"effect": "created", "cause": {"message": format!("no such thing {seq}")}}, "salt": "00",
        }))
        .expect("an entry")
    }

    fn found(query: &str) -> Vec<u64> {
        let entries: Vec<Entry> = (0..56).map(entry).collect();
        let query = Query::parse(query).expect("a query");
        query.hits(entries.iter()).into_iter().map(|entry| entry.seq).collect()
    }

    #[test]
    fn terms_give_the_exact_ids() {
        assert_eq!(found("kind:step.failed step:catalog.c3"), [3, 23, 43]);
        assert_eq!(found("kind:step step:catalog.c1 actor:BEN run:run-1"), [1, 31]);
        assert_eq!(found("after:2027-01-27 before:2027-01-28"), [26, 54]);
        assert_eq!(found("result:failed \"thing 7\""), [7]);
        assert_eq!(found("result:created kind:step.succeeded after:2027-01-27T00:00:00Z"), [26, 54]);
        assert_eq!(found("step:catalog.c"), Vec::<u64>::new(), "half a word is not its beginning");
        assert_eq!(found("CATALOG.C3 failed before:2027-01-05"), [3]);
    }

    #[test]
    fn ten_thousand_entries_are_gone_through_once() {
        let entries: Vec<Entry> = (0..10_000).map(entry).collect();
        let looks = Cell::new(0);
        let query = Query::parse("kind:step.failed \"thing 9999\"").expect("a query");
        let hits = query.hits(entries.iter().inspect(|_| looks.set(looks.get() + 1)));
        assert_eq!(hits.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [9999]);
        assert_eq!(looks.get(), 10_000);
    }

    #[test]
    fn what_is_no_query_is_refused_with_the_reason() {
        let told = |query: &str| Query::parse(query).expect_err("no query").to_string();
        assert_eq!(told("  "), "the query is empty");
        assert!(told("colour:red").starts_with("there is no term `colour:`"));
        assert_eq!(told("kind:"), "`kind:` needs a value");
        assert_eq!(told("\"open"), "a quote is not closed");
        assert!(told("after:soon").starts_with("`soon` is neither a day"));
        assert!(told(&"a ".repeat(33)).ends_with("more than 32 terms"));
        assert!(Query::parse("\"arn:aws\"").is_ok());
    }
}
