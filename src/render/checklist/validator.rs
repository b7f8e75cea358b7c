//! Reads the tests of checklist items.

use core::net::{Ipv4Addr, Ipv6Addr};

use serde_json::Value;

use crate::base::diagnostic::{Diagnostic, nearest};
use crate::base::limits::CHECKLIST_LIST_MAX;
use crate::base::redact::shown;
use crate::base::span::Span;
use crate::model::checklist::{Assertion, Attest, RecordCheck, Validator};
use crate::model::reader::{Reader, boolean, count, string};
use crate::model::resource::{Check, Expectation};
use crate::model::tree::{Node, Table, Tree};

use super::{DAYS, ID, days, id, is_item_pattern, roles, sentence, spelled, wrong};
use crate::render::document::expectation;

type Read = fn(&mut Reader<'_, '_>) -> Option<Validator>;

/// Every test there is, by the word the files have for it.
const VALIDATORS: [(&str, Read); 12] = [
    ("attest", attest),
    ("facts", facts),
    ("record", record),
    ("read", read_back),
    ("rule", rule),
    ("dominates", dominates),
    ("http", http),
    ("dns", dns),
    ("tls", tls),
    ("scim", scim),
    ("metric", metric),
    ("date", date),
];

/// Where facts are found: see `ops::facts`.
const FACTS: [&str; 4] = ["/site", "/program", "/people", "/registers"];
const FACT: &str = "a JSON pointer into the facts: /site/…, /program/…, /people/… or /registers/…";

pub(super) fn read(reader: &mut Reader<'_, '_>, table: &Table, span: Span) -> Option<Validator> {
    let mut entries = table.entries.iter();
    let (Some((name, entry)), None) = (entries.next(), entries.next()) else {
        let message = format!("a test is one table, not {}", table.entries.len());
        wrong(reader, span, &message, "write one [[item.validate]] for each test");
        return None;
    };
    let words = VALIDATORS.map(|(word, _)| word);
    let Some((word, validator)) = VALIDATORS.iter().find(|(word, _)| word == name) else {
        let message = format!("no validator is called `{}`", shown(name));
        let help = match nearest(name, words) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the validators are: {}", words.join(", ")),
        };
        let problem = Diagnostic::error("render.unknown-validator", message);
        reader.found().push(problem.at(entry.key.clone(), "unknown validator").help(help));
        return None;
    };
    let Some(inside) = entry.tree.as_table() else {
        reader.wrong(&entry.tree, word, "a table");
        return None;
    };
    let mut inner = reader.inner(inside, entry.tree.span.clone(), word);
    let made = validator(&mut inner);
    inner.finish();
    made
}

fn attest(reader: &mut Reader<'_, '_>) -> Option<Validator> {
    let statement = sentence(reader, "statement");
    reader.require_any("by", "the roles that state it, one holder each");
    let by = roles(reader, "by");
    let clinician = reader.optional("clinician", "true or false", boolean);
    if by.is_empty() {
        let place = reader.place();
        wrong(reader, place, "nobody is asked to state this", "name at least one role in `by`");
        return None;
    }
    let clinician = clinician.is_some_and(|said| said.value);
    Some(Validator::Attest(Attest { statement: statement?, by, clinician }))
}

fn facts(reader: &mut Reader<'_, '_>) -> Option<Validator> {
    reader.require_any("expect", "a list of what must hold, such as { at = \"/site/bed_count\", min = 1 }");
    let expect = assertions(reader, &|text| is_fact(text).then(|| text.to_owned()), FACT);
    if expect.is_empty() {
        let place = reader.place();
        wrong(reader, place, "nothing is expected of the facts", "give at least one expectation");
        return None;
    }
    Some(Validator::Facts { expect })
}

fn is_fact(text: &str) -> bool {
    FACTS
        .iter()
        .any(|root| text.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

fn record(reader: &mut Reader<'_, '_>) -> Option<Validator> {
    let kind = sentence(reader, "kind");
    let within_days = reader.optional("within_days", DAYS, days).map(|days| days.value);
    let after_release = reader.optional("after_release", "true or false", boolean);
    let after_release = after_release.is_some_and(|said| said.value);
    let expect = assertions(reader, &pointer, "a JSON pointer into the record, such as /outcome");
    Some(Validator::Record(RecordCheck { kind: kind?, within_days, after_release, expect }))
}

fn pointer(text: &str) -> Option<String> {
    (text.is_empty() || text.starts_with('/')).then(|| text.to_owned())
}

fn read_back(reader: &mut Reader<'_, '_>) -> Option<Validator> {
    let read = reader.required("read", ID, id);
    reader.require_any("expect", "a list of expectations");
    let expect = expectations(reader);
    Some(Validator::Read(Check { read: read?.value, expect }))
}

fn expectations(reader: &mut Reader<'_, '_>) -> Vec<Expectation> {
    let tables = at_most(reader, "expect");
    tables.into_iter().filter_map(|(table, span)| expectation(reader, table, span)).collect()
}

fn at_most<'t>(reader: &mut Reader<'t, '_>, key: &'static str) -> Vec<(&'t Table, Span)> {
    let mut tables = reader.tables(key);
    if let Some((_, span)) = tables.get(CHECKLIST_LIST_MAX) {
        let message = format!("`{key}` has {} entries, more than {CHECKLIST_LIST_MAX}", tables.len());
        let span = span.clone();
        wrong(reader, span, &message, "make several tests of it");
        tables.truncate(CHECKLIST_LIST_MAX);
    }
    tables
}

fn rule(reader: &mut Reader<'_, '_>) -> Option<Validator> {
    let rule = reader.required("rule", "the name of a rule of `landfall check`, such as RESIDENCY", string);
    Some(Validator::Rule { rule: rule?.value })
}

fn dominates(reader: &mut Reader<'_, '_>) -> Option<Validator> {
    let first = reader.required("first", ID, id);
    reader.require_any("governs", "the ids of what it governs; `*` at the end stands for any rest");
    let own = |text: &str| !text.contains(':') && is_item_pattern(text);
    let governs = spelled(reader, "governs", "an id of this scope, or its beginning with `*`", own);
    if governs.is_empty() {
        return None;
    }
    Some(Validator::Dominates { first: first?.value, governs })
}

fn http(reader: &mut Reader<'_, '_>) -> Option<Validator> {
    let address = |value: &Value| value.as_str().filter(|text| is_address(text)).map(str::to_owned);
    let url = reader.required("url", "an https address, or http to this machine", address);
    let is_status = |value: &Value| {
        value
            .as_u64()
            .and_then(|status| u16::try_from(status).ok())
            .filter(|status| (100..=599).contains(status))
    };
    let status = reader.required("status", "an HTTP status such as 200", is_status);
    let expect = expectations(reader);
    Some(Validator::Http { url: url?.value, status: status?.value, expect })
}

/// Nothing is asked in the clear beyond this machine, and an address carries no sign-in.
fn is_address(text: &str) -> bool {
    let (rest, clear) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (rest, false),
        (None, Some(rest)) => (rest, true),
        (None, None) => return false,
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(inside) => inside.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let here = host == "localhost"
        || host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
        || host.parse::<Ipv6Addr>().is_ok_and(|ip| ip.is_loopback());
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic()) && !authority.contains('@');
    plain && !host.is_empty() && (!clear || here)
}

fn dns(reader: &mut Reader<'_, '_>) -> Option<Validator> {
    let name = sentence(reader, "name");
    let network =
        |value: &Value| value.as_str().filter(|text| text.parse::<ipnet::IpNet>().is_ok()).map(str::to_owned);
    let within = reader.required("within", "a network such as 10.0.0.0/8", network);
    Some(Validator::Dns { name: name?, within: within?.value })
}

fn tls(reader: &mut Reader<'_, '_>) -> Option<Validator> {
    let host = sentence(reader, "host");
    let is_port =
        |value: &Value| value.as_u64().and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0);
    let port = reader.required("port", "a port such as 443", is_port);
    let valid_days = reader.required("valid_days", DAYS, days);
    Some(Validator::Tls { host: host?, port: port?.value, valid_days: valid_days?.value })
}

fn scim(reader: &mut Reader<'_, '_>) -> Option<Validator> {
    let group = sentence(reader, "group");
    let members_min = reader.required("members_min", "a number from 0 up", count);
    let active = reader.optional("active", "true or false", boolean).is_some_and(|said| said.value);
    Some(Validator::Scim { group: group?, members_min: members_min?.value, active })
}

fn metric(reader: &mut Reader<'_, '_>) -> Option<Validator> {
    let metric = sentence(reader, "metric");
    let (min, max) = (number(reader, "min"), number(reader, "max"));
    bounds(reader, min, max);
    if min.is_none() && max.is_none() {
        let place = reader.place();
        wrong(reader, place, "the metric has no bound", "give `min`, `max` or both");
        return None;
    }
    Some(Validator::Metric { metric: metric?, min, max })
}

fn number(reader: &mut Reader<'_, '_>, key: &'static str) -> Option<f64> {
    let finite = |value: &Value| value.as_f64().filter(|number| number.is_finite());
    reader.optional(key, "a number", finite).map(|number| number.value)
}

fn bounds(reader: &mut Reader<'_, '_>, min: Option<f64>, max: Option<f64>) {
    if let (Some(min), Some(max)) = (min, max)
        && min > max
    {
        let place = reader.place();
        wrong(reader, place, &format!("nothing is at least {min} and at most {max}"), "swap `min` and `max`");
    }
}

fn date(reader: &mut Reader<'_, '_>) -> Option<Validator> {
    let fact = |value: &Value| value.as_str().filter(|text| is_fact(text)).map(str::to_owned);
    let at = reader.required("at", FACT, fact);
    let ahead_days = reader.optional("ahead_days", "a number of days", count).map(|days| days.value);
    let back_days = reader.optional("back_days", "a number of days", count).map(|days| days.value);
    if ahead_days.is_none() && back_days.is_none() {
        let place = reader.place();
        wrong(reader, place, "nothing is asked of the day", "give `ahead_days`, `back_days` or both");
        return None;
    }
    Some(Validator::Date { at: at?.value, ahead_days, back_days })
}

fn assertions(
    reader: &mut Reader<'_, '_>,
    fits: &dyn Fn(&str) -> Option<String>,
    expected: &str,
) -> Vec<Assertion> {
    let tables = at_most(reader, "expect");
    tables.into_iter().filter_map(|(table, span)| assertion(reader, table, span, fits, expected)).collect()
}

const COMPARISONS: [&str; 7] = ["present", "equals", "one_of", "has", "min", "max", "same_as"];

fn assertion(
    reader: &mut Reader<'_, '_>,
    table: &Table,
    span: Span,
    fits: &dyn Fn(&str) -> Option<String>,
    expected: &str,
) -> Option<Assertion> {
    let mut inner = reader.inner(table, span.clone(), "an expectation");
    let at = inner.required("at", expected, |value| value.as_str().and_then(fits));
    let present = inner.optional("present", "true or false", boolean).map(|said| said.value);
    let equals = inner.any("equals").map(Tree::to_json);
    let one_of = values(&mut inner, "one_of");
    let has = values(&mut inner, "has");
    let (min, max) = (number(&mut inner, "min"), number(&mut inner, "max"));
    bounds(&mut inner, min, max);
    let same_as = inner.optional("same_as", expected, |value| value.as_str().and_then(fits));
    let same_as = same_as.map(|at| at.value);
    let missing = inner.optional_text("missing").map(|text| text.value);
    if COMPARISONS.iter().all(|key| table.get(key).is_none()) {
        let help = format!("give one of {}", COMPARISONS.join(", "));
        wrong(&mut inner, span, "an expectation that everything meets", &help);
    }
    inner.finish();
    Some(Assertion { at: at?.value, present, equals, one_of, has, min, max, same_as, missing })
}

fn values(reader: &mut Reader<'_, '_>, key: &'static str) -> Option<Vec<Value>> {
    match reader.any(key)? {
        Tree { node: Node::List(items), .. } => Some(items.iter().map(Tree::to_json).collect()),
        tree => {
            reader.wrong(tree, key, "a list of values");
            None
        }
    }
}
