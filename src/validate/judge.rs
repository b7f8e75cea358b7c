//! Verdicts: what was found, held against what a validator asks for.

use std::collections::BTreeMap;

use ipnet::IpNet;
use jiff::Span;
use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::assertion::{self, listed, number, places, said, shown};
use super::findings::{Certificate, Filed, Findings, Found, HttpAnswer, Member, Object};
use super::{Proof, Verdict, is_attested};
use crate::base::limits::{DAY, MISSING_WORDS_MAX};
use crate::base::time::Timestamp;
use crate::model::checklist::{Assertion, Item, RecordCheck, Validator};
use crate::model::resource::{Check, Expectation};

impl Verdict {
    fn new(missing: Vec<String>, proofs: Vec<Proof>) -> Self {
        Self { passed: missing.is_empty(), missing, proofs, waits_on: Default::default() }
    }

    fn lacks(missing: impl Into<String>) -> Self {
        Self::new(vec![missing.into()], Vec::new())
    }
}

fn proof(path: &str, body: Value) -> Proof {
    Proof::Found { path: format!("proof/{path}.json"), body }
}

/// Judges one validator by what was found. What people have to state is never judged: it says who they are.
pub fn judge(validator: &Validator, findings: &Findings, now: Timestamp) -> Verdict {
    match validator {
        Validator::Attest(attest) => Verdict { waits_on: attest.by.clone(), ..Verdict::default() },
        Validator::Facts { expect } => facts(expect, &findings.facts),
        Validator::Record(asked) => record(asked, findings, now),
        Validator::Read(check) => read(check, findings),
        Validator::Rule { rule } => of_rule(rule, findings),
        Validator::Dominates { first, governs } => dominates(first.as_str(), governs, findings),
        Validator::Http { url, status, expect } => http(url, *status, expect, findings),
        Validator::Dns { name, within } => dns(name, within, findings),
        Validator::Tls { host, port, valid_days } => tls(host, *port, *valid_days, findings, now),
        Validator::Scim { group, members_min, active } => scim(group, *members_min, *active, findings),
        Validator::Metric { metric: name, min, max } => metric(name, *min, *max, &findings.facts),
        Validator::Date { at, ahead_days, back_days } => date(at, *ahead_days, *back_days, findings, now),
    }
}

/// Judges all validators of an item that a program can judge; the others say on whom it waits.
pub fn judge_item(item: &Item, findings: &Findings, now: Timestamp) -> Verdict {
    let mut whole = Verdict::default();
    for validator in &item.validate {
        let one = judge(validator, findings, now);
        for sentence in one.missing {
            if !whole.missing.contains(&sentence) && whole.missing.len() < MISSING_WORDS_MAX {
                whole.missing.push(sentence);
            }
        }
        for proof in one.proofs {
            if !whole.proofs.contains(&proof) {
                whole.proofs.push(proof);
            }
        }
        whole.waits_on.extend(one.waits_on);
        debug_assert!(one.passed || !whole.missing.is_empty() || is_attested(validator));
    }
    whole.passed = whole.missing.is_empty();
    whole
}

fn facts(expect: &[Assertion], document: &Value) -> Verdict {
    let mut missing: Vec<String> = Vec::new();
    let mut seen = Map::new();
    for assertion in expect {
        for sentence in assertion::missing(document, assertion) {
            if !missing.contains(&sentence) {
                missing.push(sentence);
            }
        }
        for place in places(document, &assertion.at).into_iter().take(MISSING_WORDS_MAX) {
            seen.insert(place.at, place.value.cloned().unwrap_or(Value::Null));
        }
    }
    Verdict::new(missing, vec![proof("facts", Value::Object(seen))])
}

fn record(asked: &RecordCheck, findings: &Findings, now: Timestamp) -> Verdict {
    let kind = &asked.kind;
    let Some(newest) = findings.records.get(kind).and_then(|filed| filed.last()) else {
        return Verdict::lacks(format!(
            "No record of “{kind}” has been filed here: landfall record {kind} files one."
        ));
    };
    let day = findings.day(newest.at);
    let mut missing = Vec::new();
    if let Some(days) = asked.within_days
        && now.since(newest.at).0 > DAY.0.saturating_mul(u64::from(days))
    {
        missing.push(format!(
            "The newest record of “{kind}” is of {day} and must not be older than {days} days."
        ));
    }
    if asked.after_release {
        missing.extend(before_release(kind, newest, findings));
    }
    if !asked.expect.is_empty() {
        match &newest.said {
            Some(said) => missing.extend(asked.expect.iter().flat_map(|one| assertion::missing(said, one))),
            None => missing.push(format!(
                "The record of “{kind}” of {day} has no JSON file, so nobody can see from it what it found."
            )),
        }
    }
    let entry = json!({ "kind": kind, "entry": newest.entry, "at": newest.at });
    let kept = newest.file.clone().map(Proof::Kept);
    Verdict::new(missing, [proof(&format!("record-{kind}"), entry)].into_iter().chain(kept).collect())
}

fn before_release(kind: &str, newest: &Filed, findings: &Findings) -> Option<String> {
    match findings.released {
        None => {
            Some(format!("Nothing was brought here to a good end yet, and “{kind}” has to come after that."))
        }
        Some(released) if newest.at < released => Some(format!(
            "The newest record of “{kind}” is of {}, and the newest good run ended later, on {}.",
            findings.day(newest.at),
            findings.day(released)
        )),
        Some(_) => None,
    }
}

/// What was found under a key; else a sentence about why nothing was.
fn found<'f, T, K: Ord>(
    all: &'f BTreeMap<K, Found<T>>,
    key: &K,
    what: impl FnOnce() -> String,
) -> Result<&'f T, Verdict> {
    match all.get(key) {
        Some(Ok(found)) => Ok(found),
        Some(Err(why)) => Err(Verdict::lacks(format!("{} could not be looked at: {why}.", what()))),
        None => Err(Verdict::lacks(format!("{} was not looked at.", what()))),
    }
}

fn read(check: &Check, findings: &Findings) -> Verdict {
    let step = &check.read;
    let Object { live, kept } = match found(&findings.readbacks, step, || format!("“{step}”")) {
        Ok(Some(object)) => object,
        Ok(None) => return Verdict::lacks(format!("“{step}” is not there.")),
        Err(verdict) => return verdict,
    };
    let missing = check.expect.iter().flat_map(|one| assertion::missing(live, &as_assertion(one)));
    let missing: Vec<String> = missing.map(|sentence| format!("{step}: {sentence}")).collect();
    Verdict::new(missing, vec![proof(&format!("read-{step}"), kept.clone())])
}

fn as_assertion(expectation: &Expectation) -> Assertion {
    let Expectation { at, equals, one_of, present } = expectation.clone();
    Assertion { at, present, equals, one_of, has: None, min: None, max: None, same_as: None, missing: None }
}

fn of_rule(rule: &str, findings: &Findings) -> Verdict {
    match found(&findings.rules, &rule.to_owned(), || format!("The rule {rule}")) {
        Ok(problems) => {
            let missing = problems.iter().map(|problem| format!("Rule {rule}: {problem}.")).collect();
            Verdict::new(missing, vec![proof(&format!("rule-{rule}"), json!({ "problems": problems }))])
        }
        Err(verdict) => verdict,
    }
}

/// What waits for several others waits for each of them, so what governs it is on every way to it exactly if it is among
/// all that must be done before it.
fn dominates(first: &str, governs: &[String], findings: &Findings) -> Verdict {
    let graph = &findings.graph;
    let mut missing = Vec::new();
    if !graph.after.contains_key(first) {
        missing.push(format!("“{first}” is not part of what is planned here."));
    }
    let mut governed = Vec::new();
    for pattern in governs {
        let is_meant = |name: &&String| match pattern.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => *name == pattern,
        };
        let names: Vec<&String> = graph.after.keys().filter(is_meant).filter(|name| *name != first).collect();
        // Where a pattern fits nothing there is nothing to govern; a name that is not there is a mistake.
        if names.is_empty() && !pattern.ends_with('*') {
            missing.push(format!("“{pattern}” is not part of what is planned here."));
        }
        governed.extend(names);
    }
    let around: Vec<String> = governed
        .iter()
        .filter(|name| !graph.before(name).contains(first))
        .map(|name| format!("“{name}”"))
        .collect();
    if !around.is_empty() && graph.after.contains_key(first) {
        let list = listed(around, "and");
        missing.push(format!("{list} can begin without “{first}”: name it in `after`."));
    }
    missing.truncate(MISSING_WORDS_MAX);
    Verdict::new(missing, vec![proof("graph", json!({ "first": first, "governs": governed }))])
}

fn http(url: &str, status: u16, expect: &[Expectation], findings: &Findings) -> Verdict {
    let HttpAnswer { status: got, body } = match found(&findings.http, &url.to_owned(), || url.to_string()) {
        Ok(answer) => answer,
        Err(verdict) => return verdict,
    };
    let mut missing = Vec::new();
    if *got != status {
        missing.push(format!("{url} answers {got} where {status} is expected."));
    }
    match body {
        Some(body) => missing.extend(
            expect
                .iter()
                .flat_map(|one| assertion::missing(body, &as_assertion(one)))
                .map(|sentence| format!("{url}: {sentence}")),
        ),
        None if !expect.is_empty() => missing.push(format!("{url} does not answer with JSON.")),
        None => {}
    }
    let kept = json!({ "url": url, "status": got, "answered_json": body.is_some() });
    Verdict::new(missing, vec![proof("http", kept)])
}

fn dns(name: &str, within: &str, findings: &Findings) -> Verdict {
    let Ok(net) = within.parse::<IpNet>() else {
        return Verdict::lacks(format!("“{within}” is no network, such as 10.20.0.0/16."));
    };
    let addresses = match found(&findings.dns, &name.to_owned(), || format!("The name {name}")) {
        Ok(addresses) => addresses,
        Err(verdict) => return verdict,
    };
    let is_inside = |address: &&String| as_net(address).is_some_and(|one| net.contains(&one));
    let outside: Vec<String> = addresses.iter().filter(|a| !is_inside(a)).cloned().collect();
    let missing = match (addresses.is_empty(), outside.is_empty()) {
        (true, _) => vec![format!("The name {name} leads to no address.")],
        (false, true) => Vec::new(),
        (false, false) => {
            vec![format!("The name {name} leads to {}, outside of {within}.", listed(outside, "and"))]
        }
    };
    Verdict::new(missing, vec![proof("dns", json!({ "name": name, "addresses": addresses }))])
}

/// One address as the smallest network.
fn as_net(address: &str) -> Option<IpNet> {
    let bits = if address.contains(':') { 128 } else { 32 };
    format!("{address}/{bits}").parse().ok()
}

fn tls(host: &str, port: u16, valid_days: u32, findings: &Findings, now: Timestamp) -> Verdict {
    let key = (host.to_owned(), port);
    let Certificate { until, untrusted } =
        match found(&findings.tls, &key, || format!("The certificate of {host}:{port}")) {
            Ok(certificate) => certificate,
            Err(verdict) => return verdict,
        };
    let mut missing = Vec::new();
    if let Some(why) = untrusted {
        missing.push(format!("The certificate of {host}:{port} is not trusted here: {why}."));
    }
    let day = findings.day(*until);
    if *until <= now {
        missing.push(format!("The certificate of {host}:{port} has expired on {day}."));
    } else if until.since(now).0 < DAY.0.saturating_mul(u64::from(valid_days)) {
        missing.push(format!(
            "The certificate of {host}:{port} expires on {day}; it must be valid for {valid_days} days more."
        ));
    }
    Verdict::new(missing, vec![proof("tls", json!({ "host": host, "port": port, "until": until }))])
}

fn scim(group: &str, members_min: u32, active: bool, findings: &Findings) -> Verdict {
    let members: &Vec<Member> =
        match found(&findings.scim, &group.to_owned(), || format!("The group “{group}”")) {
            Ok(Some(members)) => members,
            Ok(None) => return Verdict::lacks(format!("The account has no group “{group}”.")),
            Err(verdict) => return verdict,
        };
    let mut missing = Vec::new();
    if members.len() < members_min as usize {
        missing.push(format!(
            "The group “{group}” has {} and must have at least {members_min}.",
            counted(members.len(), "member")
        ));
    }
    if active {
        let named = |state: Option<bool>| {
            let of: Vec<String> =
                members.iter().filter(|m| m.active == state).map(|m| m.id.clone()).collect();
            (!of.is_empty()).then(|| listed(of, "and"))
        };
        missing.extend(named(Some(false)).map(|who| {
            format!("In the group “{group}” there are members who are not active any more: {who}.")
        }));
        missing.extend(
            named(None)
                .map(|who| format!("Whether these members of “{group}” are active is not known: {who}.")),
        );
    }
    let ids: Vec<&str> = members.iter().map(|member| member.id.as_str()).collect();
    Verdict::new(missing, vec![proof("group", json!({ "group": group, "members": ids }))])
}

fn counted(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

fn metric(name: &str, min: Option<f64>, max: Option<f64>, facts: &Value) -> Verdict {
    let row = match facts.pointer("/registers/metrics") {
        Some(Value::Object(rows)) => rows.get(name),
        Some(Value::Array(rows)) => rows.iter().rev().find(|row| {
            ["id", "name", "metric"].iter().any(|key| row.get(key).and_then(Value::as_str) == Some(name))
        }),
        _ => None,
    };
    let value = row.and_then(|row| row.as_f64().or_else(|| row.get("value").and_then(Value::as_f64)));
    let kept = vec![proof("metric", json!({ "metric": name, "row": row }))];
    let Some(value) = value else {
        return Verdict::new(vec![format!("The metric “{name}” has not been measured yet.")], kept);
    };
    let mut missing = Vec::new();
    if let Some(min) = min.filter(|min| value < *min) {
        missing.push(format!(
            "The metric “{name}” is {} and must be at least {}.",
            number(value),
            number(min)
        ));
    }
    if let Some(max) = max.filter(|max| value > *max) {
        missing.push(format!(
            "The metric “{name}” is {} and must be at most {}.",
            number(value),
            number(max)
        ));
    }
    Verdict::new(missing, kept)
}

fn date(
    at: &str,
    ahead_days: Option<u32>,
    back_days: Option<u32>,
    findings: &Findings,
    now: Timestamp,
) -> Verdict {
    let asked = Assertion {
        at: at.to_owned(),
        present: Some(true),
        equals: None,
        one_of: None,
        has: None,
        min: None,
        max: None,
        same_as: None,
        missing: None,
    };
    let mut missing = assertion::missing(&findings.facts, &asked);
    let mut seen = Map::new();
    let today = findings.day(now);
    for place in places(&findings.facts, at).into_iter().take(MISSING_WORDS_MAX) {
        let Some(value) = place.value.filter(|value| !value.is_null()) else { continue };
        seen.insert(place.at.clone(), value.clone());
        match value.as_str().filter(|text| !text.trim().is_empty()) {
            Some(text) => missing.extend(day_of(text, findings).map_or_else(
                || Some(format!("“{}” for {} is no day, such as 2027-03-01.", shown(value), said(&place.at))),
                |day| lies_wrong(day, today, &said(&place.at), ahead_days, back_days),
            )),
            None if value.is_string() => {}
            None => missing.push(format!("“{}” for {} is no day.", shown(value), said(&place.at))),
        }
    }
    missing.truncate(MISSING_WORDS_MAX);
    Verdict::new(missing, vec![proof("date", Value::Object(seen))])
}

fn day_of(text: &str, findings: &Findings) -> Option<Date> {
    let day = text.parse::<Date>().ok().filter(|_| text.len() == "2027-03-01".len());
    day.or_else(|| text.parse::<Timestamp>().ok().map(|moment| findings.day(moment)))
}

fn lies_wrong(day: Date, today: Date, at: &str, ahead: Option<u32>, back: Option<u32>) -> Option<String> {
    // A number of days that no calendar has leads to its end.
    let moved = |days: i64| {
        let edge = if days < 0 { Date::MIN } else { Date::MAX };
        let span = Span::new().try_days(days).ok();
        span.and_then(|span| today.checked_add(span).ok()).unwrap_or(edge)
    };
    if let Some(ahead) = ahead
        && day < moved(i64::from(ahead))
    {
        return Some(if day < today {
            format!("{day}, the day for {at}, is over.")
        } else {
            format!("{day}, the day for {at}, must be at least {ahead} days ahead.")
        });
    }
    let back = back.filter(|back| day < moved(-i64::from(*back)))?;
    Some(format!("{day}, the day for {at}, is more than {back} days back."))
}

#[cfg(test)]
mod tests;
