//! Reads `sites/estate.toml`.

use std::collections::BTreeMap;

use crate::base::diagnostic::{Diagnostic, Diagnostics};
use crate::base::id::{RegionName, WaveName};
use crate::base::limits::{
    BREAK_GLASS_HOURS, BREAK_GLASS_HOURS_MAX, CALLS_AT_ONCE_MAX, PLAN_VALID_DAYS, PLAN_VALID_DAYS_MAX,
    SITE_DAYS_MAX,
};
use crate::base::span::{Located, Span};
use crate::base::time::Millis;
use crate::model::authority::GateUse;
use crate::model::estate::{
    CalendarUse, ESTATE_FILE, ESTATE_FORMAT, Estate, Facts, Freeze, Purpose, TagRules, TargetDriver,
    TargetSpec, Waiver, Wave, WaveKind,
};
use crate::model::people::People;
use crate::model::reader::{Reader, boolean, count, day, string};
use crate::model::register::SuccessCriterion;
use crate::model::tree::{self, Node, Table};

use super::{ESTATE_CODES, Texts, approvals, rates, registers, stages, undoing};

const DAY: &str = "a date such as 2027-01-11";

/// Reads the estate's file; without one, an empty estate and the problem.
pub(super) fn read(texts: &mut Texts, found: &mut Diagnostics) -> Estate {
    let Some(text) = texts.by_path.get(ESTATE_FILE) else {
        let nowhere = texts.absent(ESTATE_FILE);
        found.push(
            Diagnostic::error("estate.missing-file", format!("{ESTATE_FILE} is not there"))
                .at(nowhere.clone(), "")
                .help("run `landfall init` to get an estate to start from, or go to the estate's folder"),
        );
        let nothing = Table::default();
        return whole(&mut Reader::new(&nothing, nowhere, "", ESTATE_CODES, &mut Diagnostics::default()));
    };
    let (table, problems) = tree::parse(text.source, &text.text);
    found.extend(problems);
    let place = text.first_line();
    super::notify::literals(&table).iter().for_each(|span| texts.sources.hide(span));
    super::tickets::literals(&table).iter().for_each(|span| texts.sources.hide(span));
    let mut reader = Reader::new(&table, place, "estate.toml", ESTATE_CODES, found);
    let estate = whole(&mut reader);
    reader.finish();
    estate
}

fn whole(reader: &mut Reader<'_, '_>) -> Estate {
    let format = format!("{ESTATE_FORMAT}: this program reads no other format");
    reader.required("format", &format, |value| (value.as_i64() == Some(ESTATE_FORMAT)).then_some(()));
    let Identity { name, code, lineage, day_one, zone, plan_valid_days } = identity(reader);
    let free =
        |reader: &mut Reader<'_, '_>, key| reader.table(key).map(|(t, _)| t.clone()).unwrap_or_default();
    let program = program(reader);
    let waves = waves(reader);
    let stages = stages::read(reader, &waves);
    let roles = roles(reader);
    let approvals = approvals::read(reader, &roles, plan_valid_days);
    let anchors = super::anchors::read(reader);
    Estate {
        name,
        code,
        lineage,
        day_one,
        site_days_max: program.site_days_max,
        failure_budget: program.failure_budget,
        success: program.success,
        break_glass_hours: program.break_glass_hours,
        zone,
        account: free(reader, "account"),
        defaults: free(reader, "defaults"),
        locked: reader.texts("locked"),
        regions: regions(reader),
        ehrs: facts(reader, "ehr").into_iter().collect(),
        stages,
        waves,
        freezes: freezes(reader),
        roles,
        people: People::default(),
        approvals,
        tags: tags(reader),
        targets: targets(reader),
        plan_valid_days,
        quotas: quotas(reader),
        publish: anchors.publish,
        timestamps: anchors.timestamps,
        notify: super::notify::read(reader),
        tickets: super::tickets::read(reader),
        consents: undoing::consents(reader),
        on_failure: undoing::on_failure(reader).unwrap_or_default(),
        span: reader.place(),
    }
}

fn lower_word(value: &serde_json::Value) -> Option<String> {
    let good =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    value.as_str().filter(|text| good(text)).map(str::to_owned)
}

fn lineage(value: &serde_json::Value) -> Option<String> {
    value.as_str().filter(|text| uuid::Uuid::try_parse(text).is_ok()).map(str::to_owned)
}

/// What `[estate]` says.
#[derive(Default)]
struct Identity {
    name: String,
    code: String,
    lineage: String,
    day_one: Option<jiff::civil::Date>,
    zone: Option<Located<String>>,
    plan_valid_days: u32,
}

fn identity(reader: &mut Reader<'_, '_>) -> Identity {
    let expected = "a table with the estate's name, code, lineage and day_one";
    let Some((table, span)) = reader.required_table("estate", expected) else { return Identity::default() };
    let mut inner = reader.inner(table, span, "[estate]");
    let name = inner.text("name");
    let code = inner.required("code", "a lower-case word", lower_word);
    let lineage = inner.required("lineage", "a UUID that is never changed", lineage);
    let day_one = inner.required("day_one", DAY, day);
    let zone = inner.optional("zone", "an IANA name such as America/New_York", string);
    let words = format!("a number of days from 1 to {PLAN_VALID_DAYS_MAX}");
    let some_days =
        |value: &serde_json::Value| count(value).filter(|days| (1..=PLAN_VALID_DAYS_MAX).contains(days));
    let valid_days = inner.optional("plan_valid_days", &words, some_days);
    inner.finish();
    let text = |located: Option<Located<String>>| located.map(|l| l.value).unwrap_or_default();
    Identity {
        name: text(name),
        code: text(code),
        lineage: text(lineage),
        day_one: day_one.map(|l| l.value),
        zone,
        plan_valid_days: valid_days.map_or(PLAN_VALID_DAYS, |l| l.value),
    }
}

/// `[program]`: what the program has promised, and how much of a launch may fail.
struct Program {
    site_days_max: u32,
    failure_budget: Option<u32>,
    success: Vec<SuccessCriterion>,
    break_glass_hours: u32,
}

fn program(reader: &mut Reader<'_, '_>) -> Program {
    let Some((table, span)) = reader.table("program") else {
        return Program {
            site_days_max: SITE_DAYS_MAX,
            failure_budget: None,
            success: Vec::new(),
            break_glass_hours: BREAK_GLASS_HOURS,
        };
    };
    let mut inner = reader.inner(table, span, "[program]");
    let at_least_one = |value: &serde_json::Value| count(value).filter(|days| *days > 0);
    let days = inner.optional("site_days_max", "a number of days from 1 up", at_least_one);
    let budget = inner.optional("failure_budget", "a number from 0 up", count);
    let success = registers::success(&mut inner);
    let words = format!("a number of hours from 1 to {BREAK_GLASS_HOURS_MAX}");
    let hours = inner.optional("break_glass_hours", &words, |value| {
        count(value).filter(|hours| (1..=BREAK_GLASS_HOURS_MAX).contains(hours))
    });
    inner.finish();
    Program {
        site_days_max: days.map_or(SITE_DAYS_MAX, |days| days.value),
        failure_budget: budget.map(|budget| budget.value),
        success,
        break_glass_hours: hours.map_or(BREAK_GLASS_HOURS, |hours| hours.value),
    }
}

/// `[quotas]`: ceilings of the services as they are for this account. Whether their names are those of limits is found
/// out where the tables of kinds are known.
fn quotas(reader: &mut Reader<'_, '_>) -> BTreeMap<String, Located<u64>> {
    let Some((table, _)) = reader.table("quotas") else { return BTreeMap::new() };
    let mut quotas = BTreeMap::new();
    for (name, entry) in &table.entries {
        match count(&entry.tree.to_json()) {
            Some(most) => {
                let most = Located { value: u64::from(most), span: entry.key.clone() };
                quotas.insert(name.clone(), most);
            }
            None => reader.wrong(&entry.tree, name, "a number from 0 up"),
        }
    }
    quotas
}

/// Tables of free facts with the site parameters they set under `defaults`.
fn facts(reader: &mut Reader<'_, '_>, key: &'static str) -> Vec<(String, Facts)> {
    let Some((table, _)) = reader.table(key) else { return Vec::new() };
    let mut all = Vec::new();
    for (name, entry) in &table.entries {
        let Some(inner) = entry.tree.as_table() else {
            reader.wrong(&entry.tree, name, "a table");
            continue;
        };
        let mut free = inner.clone();
        let defaults = match free.entries.remove("defaults") {
            None => Table::default(),
            Some(entry) => match entry.tree.node {
                Node::Table(defaults) => defaults,
                Node::Scalar(_) | Node::List(_) => {
                    reader.wrong(&entry.tree, "defaults", "a table");
                    Table::default()
                }
            },
        };
        all.push((name.clone(), Facts { facts: free, defaults, span: entry.key.clone() }));
    }
    all
}

fn regions(reader: &mut Reader<'_, '_>) -> BTreeMap<RegionName, Facts> {
    let mut regions = BTreeMap::new();
    for (name, facts) in facts(reader, "region") {
        match RegionName::new(name) {
            Ok(name) => {
                regions.insert(name, facts);
            }
            Err(bad) => reader
                .found()
                .push(Diagnostic::error("estate.wrong-value", bad.rule).at(facts.span, "not a region name")),
        }
    }
    regions
}

fn waves(reader: &mut Reader<'_, '_>) -> Vec<Wave> {
    let tables = reader.tables("wave");
    tables.into_iter().filter_map(|(table, span)| wave(reader, table, span)).collect()
}

fn wave(reader: &mut Reader<'_, '_>, table: &Table, span: Span) -> Option<Wave> {
    let mut inner = reader.inner(table, span.clone(), "[[wave]]");
    let name = inner.required("name", "a lower-case word such as wave1", |value| {
        value.as_str().and_then(|text| WaveName::new(text).ok())
    });
    let kind = inner.required("kind", "pilot, repeatability or scale", |value| {
        let word = value.as_str()?;
        WaveKind::ALL.iter().find(|(name, _)| *name == word).map(|(_, kind)| *kind)
    });
    let sites = inner.texts("sites");
    let at_least_one = |value: &serde_json::Value| count(value).filter(|number| *number > 0);
    let max_parallel = inner.optional("max_parallel", "a number from 1 up", at_least_one);
    let failure_budget = inner.optional("failure_budget", "a number from 0 up", count);
    let (start, end) = (inner.optional("start", DAY, day), inner.optional("end", DAY, day));
    let stage = inner.optional_text("stage");
    let bake = stages::bake(&mut inner);
    let waiver = waiver(&mut inner);
    let defaults = inner.table("defaults").map(|(table, _)| table.clone()).unwrap_or_default();
    if let (Some(start), Some(end)) = (&start, &end)
        && end.value < start.value
    {
        inner.found().push(
            Diagnostic::error("estate.wrong-value", "the wave ends before it starts")
                .at(end.span.clone(), "the end")
                .at(start.span.clone(), "the start"),
        );
    }
    inner.finish();
    Some(Wave {
        name: name?.value,
        kind: kind?.value,
        sites,
        max_parallel: max_parallel.map_or(1, |l| l.value),
        failure_budget: failure_budget.map_or(0, |l| l.value),
        bake,
        stage,
        waiver,
        start: start.map(|l| l.value),
        end: end.map(|l| l.value),
        defaults,
        span,
    })
}

/// `[wave.waiver]`: whole or not at all.
fn waiver(wave: &mut Reader<'_, '_>) -> Option<Located<Waiver>> {
    let (table, span) = wave.table("waiver")?;
    let mut inner = wave.inner(table, span.clone(), "[wave.waiver]");
    let (owner, reason) = (inner.text("owner"), inner.text("reason"));
    let until = inner.required("until", DAY, day);
    inner.finish();
    let value = Waiver { owner: owner?.value, reason: reason?.value, until: until?.value };
    Some(Located { value, span })
}

fn freezes(reader: &mut Reader<'_, '_>) -> Vec<Freeze> {
    let tables = reader.tables("freeze");
    let mut freezes = Vec::new();
    for (table, span) in tables {
        let mut inner = reader.inner(table, span.clone(), "[[freeze]]");
        let name = inner.text("name");
        let (from, to) = (inner.required("from", DAY, day), inner.required("to", DAY, day));
        if let (Some(from), Some(to)) = (&from, &to)
            && to.value < from.value
        {
            inner.found().push(
                Diagnostic::error("estate.wrong-value", "the freeze ends before it begins")
                    .at(to.span.clone(), "the end")
                    .at(from.span.clone(), "the begin"),
            );
        }
        let sites = inner.texts("sites");
        inner.finish();
        if let (Some(name), Some(from), Some(to)) = (name, from, to) {
            freezes.push(Freeze { name: name.value, from: from.value, to: to.value, sites, span });
        }
    }
    freezes
}

fn roles(reader: &mut Reader<'_, '_>) -> BTreeMap<String, Located<String>> {
    let Some((table, _)) = reader.table("roles") else { return BTreeMap::new() };
    let mut roles = BTreeMap::new();
    for (name, entry) in &table.entries {
        match entry.tree.as_str() {
            Some(person) => {
                let person = Located { value: person.to_owned(), span: entry.tree.span.clone() };
                roles.insert(name.clone(), person);
            }
            None => reader.wrong(&entry.tree, name, "a person's handle as a string"),
        }
    }
    roles
}

fn tags(reader: &mut Reader<'_, '_>) -> TagRules {
    let Some((table, span)) = reader.table("tags") else { return TagRules::default() };
    let mut inner = reader.inner(table, span, "[tags]");
    let plain = |texts: Vec<Located<String>>| texts.into_iter().map(|text| text.value).collect();
    let rules = TagRules {
        required: plain(inner.texts("required")),
        environments: plain(inner.texts("environments")),
    };
    inner.finish();
    rules
}

fn targets(reader: &mut Reader<'_, '_>) -> BTreeMap<String, TargetSpec> {
    let Some((table, _)) = reader.table("targets") else { return BTreeMap::new() };
    let mut targets = BTreeMap::new();
    for (name, entry) in &table.entries {
        match entry.tree.as_table() {
            None => reader.wrong(&entry.tree, name, "a table"),
            Some(table) => {
                if let Some(spec) = target(reader, name, table, entry.key.clone()) {
                    targets.insert(name.clone(), spec);
                }
            }
        }
    }
    targets
}

fn target(reader: &mut Reader<'_, '_>, name: &str, table: &Table, span: Span) -> Option<TargetSpec> {
    let what = format!("[targets.{name}]");
    let mut inner = reader.inner(table, span.clone(), &what);
    let driver = inner.required("driver", "sandbox or databricks", |value| match value.as_str() {
        Some("sandbox") => Some(TargetDriver::Sandbox),
        Some("databricks") => Some(TargetDriver::Databricks),
        Some(_) | None => None,
    });
    let account_id = inner.text("account_id");
    let real = driver.as_ref().is_some_and(|driver| driver.value == TargetDriver::Databricks);
    let host = if real { inner.text("host") } else { inner.optional_text("host") };
    let profile = inner.optional("profile", "a profile's name", string);
    let timeout = inner.optional("call_timeout_ms", "a number of milliseconds", count);
    let calls_at_once = inner.optional("calls_at_once", "a number from 1 to 900", calls_at_once);
    let rates = rates::read(&mut inner);
    let calendar = inner.optional("calendar", "observe or ignore", |value| {
        let word = value.as_str()?;
        CalendarUse::ALL.iter().find(|(name, _)| *name == word).map(|(_, uses)| *uses)
    });
    // What is not said to be for rehearsals is taken seriously, unless it can be nothing else.
    let purpose = inner.optional("purpose", "production or rehearsal", |value| {
        let word = value.as_str()?;
        Purpose::ALL.iter().find(|(name, _)| *name == word).map(|(_, purpose)| *purpose)
    });
    let local = host.as_ref().is_none_or(|host| is_loopback(&host.value));
    if let (Some(calendar), Some(host)) = (&calendar, &host)
        && real
    {
        calendar_of_account(calendar, host, inner.found());
    }
    let gates = inner.optional("gates", "enforce or open", |value| {
        let word = value.as_str()?;
        GateUse::ALL.iter().find(|(name, _)| *name == word).map(|(_, uses)| *uses)
    });
    let here = host.as_ref().map(|host| (host, is_loopback(&host.value)));
    let gates = approvals::gates(gates.as_ref(), real, here, inner.found());
    inner.finish();
    Some(TargetSpec {
        driver: driver?.value,
        account_id: account_id?.value,
        host: host.map(|l| l.value),
        profile: profile.map(|l| l.value),
        call_timeout: timeout.map(|l| Millis(u64::from(l.value))),
        calls_at_once: calls_at_once.map(|l| l.value),
        rates,
        calendar: calendar.map_or(if real { CalendarUse::Observe } else { CalendarUse::Ignore }, |l| l.value),
        gates,
        purpose: purpose.map_or(if local { Purpose::Rehearsal } else { Purpose::Production }, |l| l.value),
        span,
    })
}

/// So many calls that the process has connections for them.
fn calls_at_once(value: &serde_json::Value) -> Option<usize> {
    let number = count(value).filter(|number| (1..=CALLS_AT_ONCE_MAX).contains(number))?;
    usize::try_from(number).ok()
}

/// A real account is never changed outside the windows: only a host on this machine may be.
fn calendar_of_account(calendar: &Located<CalendarUse>, host: &Located<String>, found: &mut Diagnostics) {
    let ignored = match calendar.value {
        CalendarUse::Observe => false,
        CalendarUse::Ignore => true,
    };
    if ignored && !is_loopback(&host.value) {
        found.push(
            Diagnostic::error("estate.wrong-value", "the calendars of a real account cannot be ignored")
                .at(calendar.span.clone(), "sites would be changed at any time")
                .at(host.span.clone(), "this host is not this machine")
                .help("remove `calendar`, or write `calendar = \"observe\"`"),
        );
    }
}

/// Whether a host is this machine, as the driver will understand its name.
fn is_loopback(host: &str) -> bool {
    let text = if host.contains("://") { host.to_owned() } else { format!("https://{host}") };
    let Ok(url) = reqwest::Url::parse(&text) else { return false };
    let name = url.host_str().unwrap_or_default();
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    address.map_or(name == "localhost", |address| address.is_loopback())
}

/// Reads `[[window]]` tables; their times and zones are judged by the window rule.
pub(super) fn windows(reader: &mut Reader<'_, '_>) -> Vec<crate::model::estate::Window> {
    let tables = reader.tables("window");
    let mut windows = Vec::new();
    for (table, span) in tables {
        let mut inner = reader.inner(table, span.clone(), "[[window]]");
        let days = inner.texts("days");
        let (from, to, zone) = (inner.text("from"), inner.text("to"), inner.text("zone"));
        let crosses = inner.optional("crosses_midnight", "true or false", boolean);
        inner.finish();
        if let (Some(from), Some(to), Some(zone)) = (from, to, zone) {
            let crosses_midnight = crosses.is_some_and(|l| l.value);
            windows.push(crate::model::estate::Window { days, from, to, zone, crosses_midnight, span });
        }
    }
    windows
}
