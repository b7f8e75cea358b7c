//! Approvals in words: what is there, what is missing, on whom it waits, since when, and what to type.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Case, NeedStanding, Standing};
use crate::approval::KeptOut;
use crate::base::id::{PersonId, ScopeId};
use crate::base::time::Timestamp;
use crate::people::How;

/// Why a plan is not launched: each rule with its role, who could sign, since when it waits, and what to type.
pub(super) fn refusal(case: &Case<'_>, standing: &Standing, now: Timestamp) -> String {
    let mut out = String::from("the plan does not have the approvals that it needs; nothing was changed");
    let Some(since) = standing.requested else {
        out.push_str(
            "\n  nobody has asked for its approval yet: landfall request PLAN --built-by PERSON --class normal",
        );
        return out;
    };
    let rejected: BTreeSet<usize> = standing.needs.iter().filter_map(|one| one.weighed.rejected).collect();
    for at in rejected {
        let statement = &case.decisions[at].signed.statement;
        let _ = write!(
            out,
            "\n  rejected by {} ({}) at {}: {}; it is a draft again: change it and plan anew, or {} approves it after all",
            statement.person, statement.role, statement.at, statement.comment, statement.role
        );
    }
    for (line, scopes) in grouped(standing) {
        let _ = write!(out, "\n  {line}, at {}; asked since {since}", named(&scopes));
    }
    let _ = write!(
        out,
        "\nhelp: landfall approve PLAN --as PERSON; landfall approvals list PLAN says more (as of {now})"
    );
    out
}

/// What is missing, each with the scopes at which it is.
fn grouped(standing: &Standing) -> BTreeMap<String, BTreeSet<ScopeId>> {
    let mut lines: BTreeMap<String, BTreeSet<ScopeId>> = BTreeMap::new();
    for one in standing.needs.iter().filter(|one| one.weighed.rejected.is_none()) {
        for line in missing(one) {
            lines.entry(line).or_default().insert(one.scope.clone());
        }
    }
    lines
}

fn missing(one: &NeedStanding) -> Vec<String> {
    let rule = &one.need.rule;
    let seat = |seat: &crate::people::Seat| {
        let could = one.could.get(seat).into_iter().flatten().map(PersonId::as_str).collect::<Vec<_>>();
        let who = if could.is_empty() { "nobody may at the moment".to_owned() } else { could.join(", ") };
        format!("rule {rule}: {} has not approved ({who})", seat.role)
    };
    let mut lines: Vec<String> = one.weighed.missing.iter().map(seat).collect();
    if one.weighed.unreviewed {
        lines.push(format!("rule {rule}: nobody has reviewed it (anybody with a role who neither asked, built nor approves: landfall review PLAN)"));
    }
    lines
}

fn named(scopes: &BTreeSet<ScopeId>) -> String {
    const SHOWN: usize = 4;
    let names: Vec<String> = scopes.iter().take(SHOWN).map(ToString::to_string).collect();
    match scopes.len().saturating_sub(SHOWN) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

fn how(how: &How) -> String {
    match how {
        How::Holder => String::new(),
        How::Backup { of } => format!(", backup of {of}"),
        How::Delegate { of } => format!(", delegate of {of}"),
    }
}

/// Where the approvals of a plan stand, line by line.
pub fn lines(case: &Case<'_>, standing: &Standing) -> Vec<String> {
    let mut out = Vec::new();
    if standing.needs.is_empty() {
        out.push("This plan needs no approval: its target asks for none, or it changes nothing".to_owned());
        return out;
    }
    match standing.requested {
        Some(at) => out.push(format!("Asked for at {at}")),
        None => {
            out.push("Not asked for yet: landfall request PLAN --built-by PERSON --class normal".to_owned())
        }
    }
    for (person, why) in &standing.kept_out {
        let why = match why {
            KeptOut::Requester => "asked for it",
            KeptOut::Builder => "built it",
        };
        out.push(format!("  {person} {why} and does not decide"));
    }
    for (at, decision) in case.decisions.iter().enumerate() {
        out.push(decision_line(case, standing, at, decision));
    }
    for (line, scopes) in grouped(standing) {
        out.push(format!("  open: {line}, at {}", named(&scopes)));
    }
    out.push(if standing.holds() {
        "Everything that it needs is there".to_owned()
    } else {
        "It may not be launched as a whole".to_owned()
    });
    out
}

fn decision_line(
    case: &Case<'_>,
    standing: &Standing,
    at: usize,
    decision: &crate::approval::Decision,
) -> String {
    let statement = &decision.signed.statement;
    let parts = &statement.subject.parts;
    let covers: BTreeSet<ScopeId> =
        case.parts.iter().filter(|(_, part)| parts.contains(part)).map(|(scope, _)| scope.clone()).collect();
    let covers = if parts.is_empty() { "all of it".to_owned() } else { named(&covers) };
    let standing_word = match counted(standing, at) {
        Counted::For(rules, held) => format!("counts for {}{}", rules.join(", "), held),
        Counted::Rejects => "stands as a rejection".to_owned(),
        Counted::Not(why) => format!("does not count: {why}"),
        Counted::Aside => "noted".to_owned(),
    };
    let comment =
        if statement.comment.is_empty() { String::new() } else { format!(" \"{}\"", statement.comment) };
    format!(
        "  {} {} by {} as {} at {}, {covers}: {standing_word}{comment}",
        decision.seq,
        statement.act.entry_kind(),
        statement.person,
        statement.role,
        statement.at
    )
}

enum Counted {
    For(Vec<String>, String),
    Rejects,
    Not(String),
    Aside,
}

fn counted(standing: &Standing, at: usize) -> Counted {
    if let Some(rule) = standing.refused.get(&at) {
        return Counted::Not(format!("{rule} (rule {})", rule.word()));
    }
    if standing.needs.iter().any(|one| one.weighed.rejected == Some(at)) {
        return Counted::Rejects;
    }
    let mut rules = BTreeSet::new();
    let mut held = String::new();
    for one in &standing.needs {
        if let Some((_, by)) = one.weighed.counted.get(&at) {
            rules.insert(one.need.rule.clone());
            held = how(by);
        }
    }
    if !rules.is_empty() {
        return Counted::For(rules.into_iter().collect(), held);
    }
    let why = standing.needs.iter().find_map(|one| one.weighed.refused.get(&at));
    why.map_or(Counted::Aside, |rule| Counted::Not(format!("{rule} (rule {})", rule.word())))
}

/// The same for programs.
pub fn shown(case: &Case<'_>, standing: &Standing) -> Value {
    let decisions: Vec<Value> = case
        .decisions
        .iter()
        .enumerate()
        .map(|(at, decision)| {
            let (word, detail) = match counted(standing, at) {
                Counted::For(rules, _) => ("counts", json!(rules)),
                Counted::Rejects => ("rejects", Value::Null),
                Counted::Not(why) => ("does-not-count", json!(why)),
                Counted::Aside => ("noted", Value::Null),
            };
            json!({ "entry": decision.seq, "recorded_at": decision.recorded_at, "statement": decision.signed.statement,
                "key": decision.signed.key, "standing": word, "detail": detail })
        })
        .collect();
    let needs: Vec<Value> = standing
        .needs
        .iter()
        .map(|one| {
            let missing: Vec<Value> = one
                .weighed
                .missing
                .iter()
                .map(|seat| json!({ "role": seat.role, "site": seat.site, "people": one.could.get(seat) }))
                .collect();
            json!({ "rule": one.need.rule, "scope": one.scope, "holds": one.weighed.holds(), "missing": missing,
                "unreviewed": one.weighed.unreviewed, "rejected": one.weighed.rejected.is_some(), "until": one.weighed.until })
        })
        .collect();
    json!({ "v": 1, "digest": case.saved.digest, "requested": standing.requested, "holds": standing.holds(),
        "needs": needs, "decisions": decisions })
}
