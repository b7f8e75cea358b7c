//! Lets an agent propose, and does what its contract allows. The first proposal outside of it ends the agent.

use serde_json::{Map, Value};

use super::deed::{Deeds, keep_ours, program};
use super::write::Book;
use crate::base::limits::{AGENT_LINES_MAX, AGENT_PROPOSALS_MAX, AGENT_TIMEOUT};
use crate::evidence::scan;
use crate::model::checklist::{Deed, Item, Validator};
use crate::ops::Context;
use crate::ops::error::Failure;
use crate::probe::agent::{Agent, Heard};
use crate::validate::agent::{Answer, Errand, Said, answer_line, begin_line, parse};
use crate::validate::assertion::places;
use crate::validate::turn::Did;

/// Runs an agent to its end, and tells everything that it did or wanted, in order.
pub(super) async fn run(
    deeds: &mut Deeds<'_, '_>,
    context: &Context,
    book: &mut Book<'_>,
    command: &[String],
) -> Result<Vec<Did>, Failure> {
    let name = program(&Deed::Agent { command: command.to_vec() }).unwrap_or_default();
    let ended = |outcome: String| Did::Made { deed: format!("agent {name}"), outcome };
    let root = deeds.around.root.clone();
    let mut agent = match Agent::start(command, &root, AGENT_TIMEOUT.as_std()) {
        Ok(agent) => agent,
        Err(why) => return Ok(vec![ended(why)]),
    };
    let mut did = Vec::new();
    let talked = talk(deeds, context, book, &mut agent, &mut did).await;
    agent.stop().await;
    if let Some(last) = talked? {
        did.push(ended(scan::unsaid(&last).unwrap_or(last)));
    }
    Ok(did)
}

/// Gives its last word, or why it was stopped; nothing if the refusal that ended it says so already.
async fn talk(
    deeds: &mut Deeds<'_, '_>,
    context: &Context,
    book: &mut Book<'_>,
    agent: &mut Agent,
    did: &mut Vec<Did>,
) -> Result<Option<String>, Failure> {
    if !agent.say(&begin_line(errand(deeds))).await {
        return Ok(Some("it ended before it was told what it is for".to_owned()));
    }
    let stop = deeds.tools.stop.clone();
    let mut proposals = 0;
    for _ in 0..AGENT_LINES_MAX {
        let heard = tokio::select! {
            heard = keep_ours(context, book, agent.hear()) => heard?,
            () = stop.asked() => return Ok(Some("it was stopped by a person".to_owned())),
        };
        let said = match heard {
            Heard::Ended => return Ok(Some("it ended without a last word".to_owned())),
            Heard::TooLate => return Ok(Some(format!("it was stopped after {AGENT_TIMEOUT}"))),
            Heard::Line(line) => parse(&line),
        };
        let proposal = match said {
            Ok(Said::Done(words)) => return Ok(Some(words)),
            Ok(Said::Propose(proposal)) => proposal,
            Err(bad) => return Ok(Some(format!("it was stopped: {bad}"))),
        };
        proposals += 1;
        if proposals > AGENT_PROPOSALS_MAX {
            break;
        }
        let (one, made) = deeds.propose(context, book, &proposal.call, &proposal.on, &proposal.spec).await?;
        let refused = matches!(one, Did::Refused { .. });
        did.push(one);
        if refused {
            return Ok(None);
        }
        let answer = Answer { done: made.done, outcome: made.outcome, read: made.read };
        if !agent.say(&answer_line(&answer)).await {
            return Ok(Some("it ended before it heard the answer".to_owned()));
        }
    }
    Ok(Some(format!("it was stopped after {AGENT_PROPOSALS_MAX} proposals")))
}

fn errand(deeds: &Deeds<'_, '_>) -> Errand {
    let item = deeds.item;
    Errand {
        item: item.id.clone(),
        title: item.title.clone(),
        scope: deeds.around.rendered.scope.clone(),
        allow: item.contract.allow.iter().cloned().collect(),
        missing: deeds.missing.to_vec(),
        facts: Value::Object(facts(item, &deeds.around.facts)),
    }
}

/// The facts that an item's validators name. An agent knows no others.
fn facts(item: &Item, all: &Value) -> Map<String, Value> {
    let named = |validator: &Validator| -> Vec<String> {
        match validator {
            Validator::Facts { expect } => expect.iter().map(|assertion| assertion.at.clone()).collect(),
            Validator::Date { at, .. } => vec![at.clone()],
            _ => Vec::new(),
        }
    };
    let pointers = item.validate.iter().flat_map(named);
    let found = pointers.flat_map(|at| {
        let places = places(all, &at).into_iter();
        places.map(|place| (place.at, place.value.cloned().unwrap_or(Value::Null))).collect::<Vec<_>>()
    });
    found.collect()
}
