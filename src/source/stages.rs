//! Reads `[[stage]]` with its criteria, and what waves say about stages and bake time.

use std::collections::BTreeMap;

use crate::base::diagnostic::{Diagnostic, nearest};
use crate::base::id::{GateId, WaveName};
use crate::base::limits::{BAKE_LOOK_EVERY_MIN, BAKE_LOOKS_MAX};
use crate::base::redact::shown;
use crate::base::span::{Located, Span};
use crate::base::time::Millis;
use crate::model::criterion::{Criterion, Holds};
use crate::model::estate::{Stage, Wave};
use crate::model::plan::Bake;
use crate::model::reader::{Reader, boolean, count, string};
use crate::model::tree::Table;

use super::ESTATE_CODES;

/// Time between two looks where a wave does not say it.
const LOOK_EVERY: Millis = Millis::from_secs(10 * 60);
/// The conditions a criterion can have, as the file spells them.
const CONDITIONS: &str = "wave_done, sites_live, same_packs_as, gate, no_open_findings or evidence";

/// The stages in order; waves of unknown stages, criteria about unknown waves and doubled ids are problems.
pub(super) fn read(reader: &mut Reader<'_, '_>, waves: &[Wave]) -> Vec<Stage> {
    let tables = reader.tables("stage");
    let stages: Vec<Stage> =
        tables.into_iter().filter_map(|(table, span)| stage(reader, table, span, waves)).collect();
    let mut seen: BTreeMap<String, Span> = BTreeMap::new();
    for stage in &stages {
        let twice = seen.insert(stage.name.value.clone(), stage.name.span.clone());
        if let Some(first) = twice {
            let message = format!("there are two stages `{}`", shown(&stage.name.value));
            reader.found().push(
                Diagnostic::error(ESTATE_CODES.wrong, message)
                    .at(stage.name.span.clone(), "the second")
                    .at(first, "the first"),
            );
        }
    }
    for named in waves.iter().filter_map(|wave| wave.stage.as_ref()) {
        if !seen.contains_key(&named.value) {
            let message = format!("there is no stage `{}`", shown(&named.value));
            let names = seen.keys().map(String::as_str);
            let help = nearest(&named.value, names).map_or_else(
                || "declare it with [[stage]]".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            let problem = Diagnostic::error(ESTATE_CODES.wrong, message);
            reader.found().push(problem.at(named.span.clone(), "unknown stage").help(help));
        }
    }
    unique(reader, &stages);
    stages
}

/// People close criteria by their ids, so no two may share one.
fn unique(reader: &mut Reader<'_, '_>, stages: &[Stage]) {
    let mut ids: BTreeMap<&str, &Stage> = BTreeMap::new();
    for stage in stages {
        for criterion in stage.entry.iter().chain(&stage.exit) {
            if ids.insert(&criterion.id, stage).is_some() {
                let message = format!("there are two criteria `{}`", shown(&criterion.id));
                reader.found().push(
                    Diagnostic::error(ESTATE_CODES.wrong, message)
                        .at(stage.span.clone(), "in this stage")
                        .help("give each criterion an id of its own"),
                );
            }
        }
    }
}

fn stage(reader: &mut Reader<'_, '_>, table: &Table, span: Span, waves: &[Wave]) -> Option<Stage> {
    let mut inner = reader.inner(table, span.clone(), "[[stage]]");
    let name = inner.text("name");
    let one_to_three = |value: &serde_json::Value| count(value).filter(|phase| (1..=3).contains(phase));
    let phase = inner.required("phase", "1, 2 or 3", one_to_three);
    let entry = criteria(&mut inner, "entry", waves);
    let exit = criteria(&mut inner, "exit", waves);
    inner.finish();
    Some(Stage { name: name?, phase: phase?.value, entry, exit, span })
}

fn criteria(reader: &mut Reader<'_, '_>, key: &'static str, waves: &[Wave]) -> Vec<Criterion> {
    let tables = reader.tables(key);
    tables.into_iter().filter_map(|(table, span)| criterion(reader, table, span, waves)).collect()
}

fn criterion(reader: &mut Reader<'_, '_>, table: &Table, span: Span, waves: &[Wave]) -> Option<Criterion> {
    let mut inner = reader.inner(table, span.clone(), "a criterion");
    let (id, owner) = (inner.text("id"), inner.text("owner"));
    // One that names something unknown counts: its own problem says what is wrong with it.
    let mut conditions: Vec<Option<Holds>> = Vec::new();
    if let Some(wave) = inner.optional("wave_done", "a wave's name", string) {
        conditions.push(known(&mut inner, &wave, waves).map(Holds::WaveDone));
    }
    if let Some(sites) = inner.optional("sites_live", "a number from 1 up", count) {
        conditions.push(Some(Holds::SitesLive(sites.value)));
    }
    if let Some(wave) = inner.optional("same_packs_as", "a wave's name", string) {
        conditions.push(known(&mut inner, &wave, waves).map(Holds::SamePacksAs));
    }
    if let Some(gate) =
        inner.optional("gate", "a gate such as g-08", |value| GateId::new(value.as_str()?).ok())
    {
        conditions.push(Some(Holds::Gate(gate.value)));
    }
    let only_true = |value: &serde_json::Value| boolean(value).filter(|said| *said);
    if inner.optional("no_open_findings", "true", only_true).is_some() {
        conditions.push(Some(Holds::NoOpenFindings));
    }
    if let Some((table, span)) = inner.table("evidence") {
        conditions.push(evidence(&mut inner, table, span, waves));
    }
    if conditions.len() != 1 {
        inner.found().push(
            Diagnostic::error(ESTATE_CODES.wrong, "a criterion has exactly one condition")
                .at(span, format!("has {}", conditions.len()))
                .help(format!("give it one of {CONDITIONS}")),
        );
    }
    inner.finish();
    Some(Criterion { id: id?.value, owner: owner?.value, holds: conditions.pop()?? })
}

fn evidence(reader: &mut Reader<'_, '_>, table: &Table, span: Span, waves: &[Wave]) -> Option<Holds> {
    let mut inner = reader.inner(table, span, "evidence");
    let kind = inner.text("kind");
    let within = inner.optional("within_days", "a number of days", count);
    let after = inner.optional("after", "a wave's name", string);
    let after = after.and_then(|wave| known(&mut inner, &wave, waves));
    inner.finish();
    Some(Holds::Evidence { kind: kind?.value, within_days: within.map(|days| days.value), after })
}

/// The wave of this name, or the problem that there is none.
fn known(reader: &mut Reader<'_, '_>, name: &Located<String>, waves: &[Wave]) -> Option<WaveName> {
    let found = waves.iter().find(|wave| wave.name.as_str() == name.value);
    if found.is_none() {
        let message = format!("there is no wave `{}`", shown(&name.value));
        let help = match nearest(&name.value, waves.iter().map(|wave| wave.name.as_str())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "declare it with [[wave]]".to_owned(),
        };
        let problem = Diagnostic::error(ESTATE_CODES.wrong, message);
        reader.found().push(problem.at(name.span.clone(), "unknown wave").help(help));
    }
    found.map(|wave| wave.name.clone())
}

/// A wave's bake time: `bake = "30m"`, `bake_every = "10m"`.
pub(super) fn bake(reader: &mut Reader<'_, '_>) -> Option<Bake> {
    let length = reader.optional("bake", "a length of time such as 30m or 2h", length);
    let every = reader.optional("bake_every", "a length of time such as 10m", length_of_looks);
    let Some(length) = length else {
        if let Some(every) = every {
            let problem = Diagnostic::error(ESTATE_CODES.wrong, "bake_every without bake");
            reader.found().push(problem.at(every.span, "looks at what?").help("add bake = \"30m\""));
        }
        return None;
    };
    let usual = LOOK_EVERY.min(length.value).max(Millis(length.value.0 / BAKE_LOOKS_MAX));
    let chosen = every.as_ref().map_or(usual, |every| every.value);
    if let Some(every) = every
        && (every.value > length.value || length.value.0 / every.value.0.max(1) > BAKE_LOOKS_MAX)
    {
        let message = format!("a bake time has between one look and {BAKE_LOOKS_MAX}");
        let problem = Diagnostic::error(ESTATE_CODES.wrong, message);
        reader.found().push(problem.at(every.span, "too long or too short for it"));
    }
    Some(Bake { length: length.value, every: chosen })
}

fn length_of_looks(value: &serde_json::Value) -> Option<Millis> {
    length(value).filter(|every| *every >= BAKE_LOOK_EVERY_MIN)
}

/// A whole number of seconds, minutes, hours or days: `45s`, `30m`, `2h`, `1d`.
fn length(value: &serde_json::Value) -> Option<Millis> {
    let text = value.as_str()?;
    let unit = text.chars().last()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return None,
    };
    let number = &text[..text.len() - unit.len_utf8()];
    let digits = !number.is_empty() && number.len() <= 6 && number.bytes().all(|b| b.is_ascii_digit());
    let number: u64 = digits.then(|| number.parse().ok()).flatten()?;
    (number > 0).then(|| Millis::from_secs(number * seconds))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lengths_have_a_unit() {
        let read = |text: &str| length(&json!(text)).map(|length| length.0 / 1000);
        assert_eq!([read("45s"), read("30m"), read("2h"), read("1d")], [45, 1800, 7200, 86_400].map(Some));
        for bad in ["", "m", "30", "30 m", "-1m", "0m", "1.5h", "9999999s", "é", "5é"] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }
}
