//! Holds the values against what packs declare: unknown keys, missing keys, types, ranges and allowed values.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::base::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::base::id::RegionName;
use crate::base::redact::shown;
use crate::model::estate::{Loaded, Site};
use crate::model::pack::{Input, InputType, Pack, PackScope};
use crate::model::resolved::ResolvedScope;
use crate::model::tree::{Node, Table, shape};

/// Parameters that the product itself reads, whether or not a pack declares them. A path covers what is below it.
const OWN_PARAMETERS: [&str; 7] =
    ["steward", "steward_backup", "ops_lead", "use_cases", "residency", "max_workers", "on_prem"];

/// Every parameter path that somebody reads, without the root `site.`.
pub(super) fn known_parameters(loaded: &Loaded) -> BTreeSet<&str> {
    let declared = loaded.packs.values().flat_map(|pack| pack.inputs.keys());
    declared.filter_map(|path| path.strip_prefix("site.")).chain(OWN_PARAMETERS).collect()
}

/// Reports parameters that nobody reads: most are typing errors, and all would be lost without a word.
pub(super) fn check_known(table: &Table, known: &BTreeSet<&str>, found: &mut Diagnostics) {
    look_into("", table, known, found);
}

fn look_into(prefix: &str, table: &Table, known: &BTreeSet<&str>, found: &mut Diagnostics) {
    for (key, entry) in &table.entries {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        // A table that is declared as a whole may hold more than its declared entries.
        if known.contains(path.as_str()) {
            continue;
        }
        let below = format!("{path}.");
        let has_children = known.range(below.as_str()..).next().is_some_and(|next| next.starts_with(&below));
        match &entry.tree.node {
            Node::Table(inner) if has_children => look_into(&path, inner, known, found),
            Node::Table(_) | Node::Scalar(_) | Node::List(_) => {
                found.push(unknown_key(&path, known).at(entry.key.clone(), "unknown parameter"));
            }
        }
    }
}

fn unknown_key(path: &str, known: &BTreeSet<&str>) -> Diagnostic {
    let problem = Diagnostic::error("resolve.unknown-key", format!("no pack reads `{path}`"));
    match nearest(path, known.iter().copied()) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem.help("remove it, or declare it as an input of the pack that should read it"),
    }
}

/// Checks every input that packs of this scope declare, and notes the ones that nobody set.
pub(super) fn check(
    loaded: &Loaded,
    kind: PackScope,
    scope: &mut ResolvedScope,
    site: Option<&Site>,
    found: &mut Diagnostics,
) {
    let inputs = loaded.packs.values().filter(|pack| pack.scope == kind);
    let mut missing: BTreeMap<&str, (&Pack, &Input)> = BTreeMap::new();
    let mut absent = BTreeSet::new();
    for (pack, (path, input)) in inputs.flat_map(|pack| pack.inputs.iter().map(move |input| (pack, input))) {
        match scope.value(path) {
            Some(value) if !value.is_null() => check_value(loaded, scope, path, value, input, found),
            Some(_) | None => {
                absent.insert(path.clone());
                if input.required {
                    missing.entry(path).or_insert((pack, input));
                }
            }
        }
    }
    for (path, (pack, input)) in missing {
        found.push(missing_input(loaded, path, pack, input, site, scope));
    }
    scope.absent = absent;
}

fn missing_input(
    loaded: &Loaded,
    path: &str,
    pack: &Pack,
    input: &Input,
    site: Option<&Site>,
    scope: &ResolvedScope,
) -> Diagnostic {
    let (place, help) = match (path.split_once('.'), site) {
        (Some(("site", "wave")), Some(site)) | (Some(("wave", _)), Some(site)) => {
            let code = &site.written_code.value;
            (site.span.clone(), format!("add \"{code}\" to the sites of a [[wave]] in estate.toml"))
        }
        (Some(("site", key)), Some(site)) => (site.span.clone(), format!("add `{key} = …` to {}", site.path)),
        (Some(("region", key)), _) => {
            let name = scope.value("region.name").and_then(Value::as_str).unwrap_or_default();
            let facts = RegionName::new(name).ok().and_then(|name| loaded.estate.regions.get(&name));
            let place = facts.map_or(&loaded.estate.span, |facts| &facts.span).clone();
            (place, format!("add `{key} = …` to [region.{name}] in estate.toml"))
        }
        (Some(("ehr", key)), Some(site)) => {
            let facts = loaded.estate.ehrs.get(&site.ehr.value);
            let place = facts.map_or(&site.ehr.span, |facts| &facts.span).clone();
            (place, format!("add `{key} = …` to [ehr.{}] in estate.toml", site.ehr.value))
        }
        (Some(_), _) | (None, _) => (loaded.estate.span.clone(), format!("set `{path}` in estate.toml")),
    };
    Diagnostic::error("resolve.missing-key", format!("`{path}` is not set: {}", lower_first(&input.doc)))
        .at(place, format!("expected {}", input.kind))
        .at(input.span.clone(), format!("pack `{}` needs it", pack.name))
        .help(help)
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_lowercase().to_string()).unwrap_or_default();
    // A word in capitals, such as CIDR, stays as it is.
    if letters.clone().next().is_some_and(char::is_uppercase) {
        text.to_owned()
    } else {
        first + letters.as_str()
    }
}

fn check_value(
    loaded: &Loaded,
    scope: &ResolvedScope,
    path: &str,
    value: &Value,
    input: &Input,
    found: &mut Diagnostics,
) {
    let place = scope.span_of(path).unwrap_or(&input.span).clone();
    let mut report = |message: String, label: String| {
        let problem = Diagnostic::error("resolve.wrong-value", message).at(place.clone(), label);
        let problem = problem.at(input.span.clone(), "declared here");
        found.push(if input.doc.is_empty() { problem } else { problem.help(fix(&input.doc, input)) });
    };
    if let Some(bad) = misfit(loaded, value, &input.kind) {
        let a_string = if bad.is_string() && !input.kind.is_text() { "the string " } else { "" };
        let message = format!("`{path}` must be {}, not {a_string}{}", input.kind, quoted(bad));
        report(message, format!("expected {}", input.kind));
        return;
    }
    let outside = |value: &Value| !input.one_of.is_empty() && !input.one_of.contains(value);
    let each: &[Value] = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    if let Some(bad) = each.iter().find(|value| outside(value)) {
        let allowed: Vec<String> = input.one_of.iter().map(quoted).collect();
        let near = bad.as_str().and_then(|bad| nearest(bad, input.one_of.iter().filter_map(Value::as_str)));
        let label = near.map_or_else(|| "not allowed".to_owned(), |near| format!("did you mean `{near}`?"));
        report(format!("`{path}` must be one of {}, not {}", allowed.join(", "), quoted(bad)), label);
    }
    if let (Some((least, greatest)), Some(number)) = (input.range, value.as_f64())
        && !(least..=greatest).contains(&number)
    {
        report(
            format!("`{path}` must be from {least} to {greatest}, not {number}"),
            format!("from {least} to {greatest}"),
        );
    }
}

fn fix(doc: &str, input: &Input) -> String {
    let allowed: Vec<String> = input.one_of.iter().map(quoted).collect();
    let what = match (allowed.is_empty(), input.range) {
        (false, _) => allowed.join(" or "),
        (true, Some((least, greatest))) => format!("{} from {least} to {greatest}", input.kind),
        (true, None) => input.kind.to_string(),
    };
    format!("write {what} here ({})", lower_first(doc))
}

fn quoted(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{}`", shown(text)),
        Value::Bool(_) | Value::Number(_) => format!("`{value}`"),
        Value::Null | Value::Array(_) | Value::Object(_) => shape(value).to_owned(),
    }
}

/// The part of a value that does not fit its type.
fn misfit<'v>(loaded: &Loaded, value: &'v Value, kind: &InputType) -> Option<&'v Value> {
    let text = |test: fn(&str) -> bool| value.as_str().is_some_and(test);
    let fits = match kind {
        InputType::String => value.is_string(),
        InputType::Integer => value.is_i64() || value.is_u64(),
        InputType::Number => value.is_number(),
        InputType::Boolean => value.is_boolean(),
        InputType::Cidr => text(is_network),
        InputType::Date => text(is_date),
        InputType::Region => value
            .as_str()
            .is_some_and(|name| loaded.estate.regions.keys().any(|known| known.as_str() == name)),
        InputType::Email => text(is_email),
        InputType::Arn => text(is_arn),
        InputType::List(of) => {
            let Value::Array(items) = value else { return Some(value) };
            return items.iter().find_map(|item| of.as_ref().and_then(|of| misfit(loaded, item, of)));
        }
        InputType::Table => value.is_object(),
    };
    (!fits).then_some(value)
}

/// A network has no bits set below its prefix: `10.0.0.1/24` is an address.
fn is_network(text: &str) -> bool {
    text.parse::<ipnet::IpNet>().is_ok_and(|net| net.trunc() == net)
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

fn is_email(text: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c == '@');
    text.split_once('@').is_some_and(|(name, host)| plain(name) && plain(host) && host.contains('.'))
}

fn is_arn(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    parts.len() == 6
        && parts[0] == "arn"
        && parts[1].starts_with("aws")
        && !parts[2].is_empty()
        && !parts[5].is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelled_types() {
        assert!(is_network("10.41.0.0/22") && is_network("2001:db8::/32"));
        assert!(!is_network("10.41.0.1/22") && !is_network("10.41.0.0") && !is_network(""));
        assert!(is_date("2027-01-11") && !is_date("2027-13-11") && !is_date("2027-01-11T00:00:00"));
        assert!(is_email("finops@cedarbasin.example") && !is_email("finops") && !is_email("a@b@c.d"));
        assert!(is_arn("arn:aws:iam::123456789012:role/x") && !is_arn("arn:aws:iam") && !is_arn("role/x"));
    }
}
