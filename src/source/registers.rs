//! Reads `sites/registers/*.toml`. Whether rows fit together (a site, an agreement, a dataset that is named) is for the
//! rules; here every row is read as it stands.

mod agreement;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::base::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::base::limits::REGISTER_ROWS_MAX;
use crate::base::redact::shown;
use crate::base::span::{Located, Span};
use crate::model::reader::{Reader, boolean, count, day, string};
use crate::model::register::{
    Column, DataArea, Dataset, Decision, Goal, Metric, REGISTERS_FOLDER, Register, Registers, Risk,
    RiskLevel, SuccessCriterion, System, SystemCategory, UseCase,
};
use crate::model::tree::{self, Table};

use super::{ESTATE_CODES, Texts};

const DAY: &str = "a date such as 2027-01-11";

/// Reads every register that is there; a file that is none of them is a problem.
pub(super) fn read(texts: &Texts, found: &mut Diagnostics) -> Registers {
    let mut registers = Registers::default();
    for (path, text) in texts.by_path.iter().filter(|(path, _)| path.starts_with(REGISTERS_FOLDER)) {
        let Some((register, _, rows)) = Register::ALL.into_iter().find(|(one, ..)| one.path() == *path)
        else {
            found.push(stranger(path, text.start()));
            continue;
        };
        let (table, problems) = tree::parse(text.source, &text.text);
        found.extend(problems);
        registers.files.insert(register, text.first_line());
        let what = register.path();
        let mut reader = Reader::new(&table, text.first_line(), &what, ESTATE_CODES, found);
        let mut tables = reader.tables(rows);
        if let Some((_, first)) = tables.get(REGISTER_ROWS_MAX) {
            let message = format!("a register has at most {REGISTER_ROWS_MAX} rows");
            let problem = Diagnostic::error(ESTATE_CODES.wrong, message).at(first.clone(), "from here on");
            reader.found().push(problem);
            tables.truncate(REGISTER_ROWS_MAX);
        }
        for (table, span) in tables {
            row(&mut reader, register, table, span, &mut registers);
        }
        reader.finish();
    }
    unique(&registers, found);
    registers
}

fn stranger(path: &str, start: Span) -> Diagnostic {
    let name = path.trim_start_matches(REGISTERS_FOLDER).trim_end_matches(".toml");
    let names = Register::ALL.map(|(_, word, _)| word);
    let help = nearest(name, names).map_or_else(
        || format!("the registers are {}", names.join(", ")),
        |near| format!("did you mean {REGISTERS_FOLDER}{near}.toml?"),
    );
    let message = format!("there is no register `{}`", shown(name));
    Diagnostic::error("estate.unknown-register", message).at(start, "this file is read by nobody").help(help)
}

fn row(reader: &mut Reader<'_, '_>, register: Register, table: &Table, span: Span, into: &mut Registers) {
    match register {
        Register::Agreements => into.agreements.extend(agreement::read(reader, table, span)),
        Register::Systems => into.systems.extend(system(reader, table, span)),
        Register::UseCases => into.use_cases.extend(use_case(reader, table, span)),
        Register::Datasets => into.datasets.extend(dataset(reader, table, span)),
        Register::Risks => into.risks.extend(risk(reader, table, span)),
        Register::Metrics => into.metrics.extend(metric(reader, table, span)),
    }
}

/// Rows are named by their ids elsewhere, so no two may share one.
fn unique(registers: &Registers, found: &mut Diagnostics) {
    let agreements = registers.agreements.iter().map(|row| &row.id);
    let datasets = registers.datasets.iter().map(|row| &row.id);
    let risks = registers.risks.iter().map(|row| &row.id);
    let all: [(&str, Vec<&Located<String>>); 3] =
        [("agreements", agreements.collect()), ("datasets", datasets.collect()), ("risks", risks.collect())];
    for (what, ids) in all {
        let mut seen: BTreeMap<&str, &Span> = BTreeMap::new();
        for id in ids {
            if let Some(first) = seen.insert(&id.value, &id.span) {
                found.push(
                    Diagnostic::error(
                        ESTATE_CODES.wrong,
                        format!("there are two {what} `{}`", shown(&id.value)),
                    )
                    .at(id.span.clone(), "the second")
                    .at(first.clone(), "the first"),
                );
            }
        }
    }
}

/// A word of a fixed list.
fn word<T: Copy>(
    reader: &mut Reader<'_, '_>,
    key: &'static str,
    words: &[(&'static str, T)],
) -> Option<Located<T>> {
    let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let expected = format!("one of {}", known.join(", "));
    reader.required(key, &expected, |value| chosen(value, words))
}

fn chosen<T: Copy>(value: &Value, words: &[(&'static str, T)]) -> Option<T> {
    let word = value.as_str()?;
    words.iter().find(|(known, _)| *known == word).map(|(_, choice)| *choice)
}

/// A number that is one: neither infinite nor not a number.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().filter(|number| number.is_finite())
}

/// A text that says something.
fn filled(value: &Value) -> Option<String> {
    string(value).filter(|text| !text.trim().is_empty())
}

fn name(value: &Value) -> Option<String> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.');
    filled(value).filter(|text| text.len() <= 80 && text.bytes().all(plain))
}

const NAME: &str = "a lower-case name such as baa-aws";
const TEXT: &str = "a text";

fn values(texts: Vec<Located<String>>) -> Vec<String> {
    texts.into_iter().map(|text| text.value).collect()
}

fn flag(reader: &mut Reader<'_, '_>, key: &'static str) -> bool {
    reader.optional(key, "true or false", boolean).is_some_and(|flag| flag.value)
}

fn system(reader: &mut Reader<'_, '_>, table: &Table, span: Span) -> Option<System> {
    let mut inner = reader.inner(table, span.clone(), "[[system]]");
    let site = inner.text("site");
    let words = SystemCategory::ALL.map(|(word, category, _)| (word, category));
    let category = word(&mut inner, "category", &words);
    let not_applicable = inner.optional("not_applicable", "the reason, as a text", filled);
    let called = inner.optional("name", TEXT, filled);
    if not_applicable.is_none() && called.is_none() {
        inner.require_any("name", "what the system is called, or `not_applicable` with the reason");
    }
    if let (Some(reason), Some(called)) = (&not_applicable, &called) {
        inner.found().push(
            Diagnostic::error(ESTATE_CODES.wrong, "what does not apply has no name")
                .at(called.span.clone(), "a system")
                .at(reason.span.clone(), "and the reason why there is none"),
        );
    }
    let interface = inner.optional("interface", TEXT, filled);
    let owner = inner.required("owner", "a role", filled);
    let phi = flag(&mut inner, "phi");
    let (tools, baa) = (inner.texts("tools"), inner.optional_text("baa"));
    inner.finish();
    Some(System {
        site: site?,
        category: category?.value,
        name: called,
        interface: interface.map(|text| text.value),
        owner: owner?.value,
        phi,
        tools,
        baa,
        not_applicable: not_applicable.map(|text| text.value),
        span,
    })
}

fn use_case(reader: &mut Reader<'_, '_>, table: &Table, span: Span) -> Option<UseCase> {
    let mut inner = reader.inner(table, span.clone(), "[[use_case]]");
    let called = inner.required("name", NAME, name);
    inner.require_any("sites", "the codes of its sites");
    let sites = inner.texts("sites");
    let decision = word(&mut inner, "decision", &Decision::ALL);
    let owner = inner.required("owner", "a role", filled);
    let frozen = inner.optional("frozen", DAY, day);
    let (tools, consumes) = (inner.texts("tools"), inner.texts("consumes"));
    let real_phi = flag(&mut inner, "real_phi");
    let tables = inner.tables("metric");
    let metrics = tables.into_iter().filter_map(|(table, span)| goal(&mut inner, table, span)).collect();
    inner.finish();
    Some(UseCase {
        name: called?,
        sites,
        decision: decision?.value,
        owner: owner?.value,
        metrics,
        frozen: frozen.map(|day| day.value),
        tools,
        consumes,
        real_phi,
        span,
    })
}

fn goal(reader: &mut Reader<'_, '_>, table: &Table, span: Span) -> Option<Goal> {
    let mut inner = reader.inner(table, span, "metric");
    let called = inner.required("name", TEXT, filled);
    let baseline = inner.optional("baseline", "a number", number);
    let target = inner.required("target", "a number", number);
    let unit = inner.required("unit", TEXT, filled);
    inner.finish();
    Some(Goal { name: called?, baseline, target: target?.value, unit: unit?.value })
}

fn dataset(reader: &mut Reader<'_, '_>, table: &Table, span: Span) -> Option<Dataset> {
    let mut inner = reader.inner(table, span.clone(), "[[dataset]]");
    let (id, site) = (inner.required("id", NAME, name), inner.text("site"));
    let area = word(&mut inner, "area", &DataArea::ALL);
    let system = inner.optional_text("system");
    let from = inner.texts("from");
    let phi = inner.required("phi", "true or false", boolean);
    let purposes = values(inner.texts("purposes"));
    let retention = inner.optional("retention_days", "a number of days", count);
    let (agreement, provenance) =
        (inner.optional_text("agreement"), inner.optional("provenance", TEXT, filled));
    let (deid, region) = (inner.optional_text("deid"), inner.optional_text("region"));
    let tables = inner.tables("column");
    let columns = tables.into_iter().filter_map(|(table, span)| column(&mut inner, table, span)).collect();
    inner.finish();
    Some(Dataset {
        id: id?,
        site: site?,
        area: area?.value,
        system,
        from,
        phi: phi?.value,
        purposes,
        retention_days: retention.map(|days| days.value),
        agreement,
        provenance: provenance.map(|text| text.value),
        deid,
        region,
        columns,
        span,
    })
}

fn column(reader: &mut Reader<'_, '_>, table: &Table, span: Span) -> Option<Column> {
    let mut inner = reader.inner(table, span, "column");
    let (called, class) =
        (inner.required("name", TEXT, filled), inner.optional("class", "a class such as phi.date", name));
    inner.finish();
    Some(Column { name: called?, class: class.map(|text| text.value) })
}

fn risk(reader: &mut Reader<'_, '_>, table: &Table, span: Span) -> Option<Risk> {
    let mut inner = reader.inner(table, span.clone(), "[[risk]]");
    let (id, title) = (inner.required("id", NAME, name), inner.required("title", TEXT, filled));
    let level = word(&mut inner, "level", &RiskLevel::ALL);
    let (treatment, owner) =
        (inner.required("treatment", TEXT, filled), inner.required("owner", "a role", filled));
    let review = inner.required("review", DAY, day);
    let site = inner.optional_text("site");
    inner.finish();
    Some(Risk {
        id: id?,
        title: title?.value,
        level: level?.value,
        treatment: treatment?.value,
        owner: owner?.value,
        review: review?.value,
        site,
        span,
    })
}

fn metric(reader: &mut Reader<'_, '_>, table: &Table, span: Span) -> Option<Metric> {
    let mut inner = reader.inner(table, span.clone(), "[[metric]]");
    let (called, site) = (inner.required("name", TEXT, filled), inner.optional_text("site"));
    let value = inner.required("value", "a number", number);
    let (unit, measured) = (inner.required("unit", TEXT, filled), inner.required("measured", DAY, day));
    let source = inner.required("source", TEXT, filled);
    inner.finish();
    Some(Metric {
        name: called?,
        site,
        value: value?.value,
        unit: unit?.value,
        measured: measured?.value,
        source: source?.value,
        span,
    })
}

/// `[[program.success]]` of `sites/estate.toml`.
pub(super) fn success(program: &mut Reader<'_, '_>) -> Vec<SuccessCriterion> {
    let tables = program.tables("success");
    let mut all = Vec::new();
    for (table, span) in tables {
        let mut inner = program.inner(table, span, "[[program.success]]");
        let metric = inner.required("metric", TEXT, filled);
        let baseline = inner.optional("baseline", "a number", number);
        let target = inner.required("target", "a number", number);
        let unit = inner.required("unit", TEXT, filled);
        let by = inner.optional("by", DAY, day);
        let owner = inner.required("owner", "a role", filled);
        inner.finish();
        if let (Some(metric), Some(target), Some(unit), Some(owner)) = (metric, target, unit, owner) {
            all.push(SuccessCriterion {
                metric: metric.value,
                baseline: baseline.map(|number| number.value),
                target: target.value,
                unit: unit.value,
                by: by.map(|day| day.value),
                owner: owner.value,
            });
        }
    }
    all
}
