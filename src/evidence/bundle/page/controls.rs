//! The controls of the page, a table for each framework: what asks for attention first, then what is open, then what holds.

use std::collections::BTreeMap;

use crate::base::id::{LogId, ScopeId};
use crate::document::{Block, Table, Text};

use super::super::super::control::{ControlRow, ControlStatus, Extent, Missing};
use super::super::layout;
use super::counted;
use super::facts::Facts;

/// A group of controls on the page, in the order of need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    NeedsYourEye,
    Waived,
    Partial,
    NotRun,
    Evidenced,
    Manual,
    NotApplicable,
}

/// What frameworks are called in full.
const FRAMEWORKS: [(&str, &str); 5] = [
    ("hipaa", "HIPAA Security Rule, 45 CFR 164"),
    ("soc2", "SOC 2 Trust Services Criteria"),
    ("hitrust", "HITRUST CSF"),
    ("part11", "21 CFR Part 11"),
    ("nist", "NIST SP 800-53"),
];

/// Files that one control links to; the others stand in `controls.json`.
const FILES_SHOWN_MAX: usize = 2;

impl Group {
    const ALL: [Group; 7] = [
        Group::NeedsYourEye,
        Group::Waived,
        Group::Partial,
        Group::NotRun,
        Group::Evidenced,
        Group::Manual,
        Group::NotApplicable,
    ];

    fn of(row: &ControlRow) -> Self {
        match row.status {
            _ if row.is_stale() => Group::NeedsYourEye,
            ControlStatus::Failed { .. } => Group::NeedsYourEye,
            ControlStatus::Evidenced => Group::Evidenced,
            ControlStatus::Partial { .. } => Group::Partial,
            ControlStatus::Manual => Group::Manual,
            ControlStatus::Waived { .. } => Group::Waived,
            ControlStatus::NotRun => Group::NotRun,
            ControlStatus::NotApplicable { .. } => Group::NotApplicable,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Group::NeedsYourEye => "failed or too old",
            Group::Waived => "waived",
            Group::Partial => "evidenced in part",
            Group::NotRun => "not run",
            Group::Evidenced => "evidenced",
            Group::Manual => "for a person to show",
            Group::NotApplicable => "not applicable",
        }
    }
}

fn count(rows: &[&ControlRow], group: Group) -> usize {
    rows.iter().filter(|row| Group::of(row) == group).count()
}

fn counts(rows: &[&ControlRow]) -> Vec<(String, u64)> {
    Group::ALL.iter().map(|group| (group.words().to_owned(), count(rows, *group) as u64)).collect()
}

/// What stands open of the controls, in words; nothing if nothing does.
pub(super) fn open_in_words(rows: &[ControlRow]) -> Option<String> {
    let all: Vec<&ControlRow> = rows.iter().collect();
    let open = [Group::NeedsYourEye, Group::Waived, Group::Partial, Group::NotRun, Group::Manual];
    let counts: Vec<(Group, usize)> = open.into_iter().map(|group| (group, count(&all, group))).collect();
    let sum: usize = counts.iter().map(|(_, count)| count).sum();
    let words: Vec<String> = counts
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(group, count)| format!("{count} {}", group.words()))
        .collect();
    (sum > 0).then(|| format!("{sum} of {} controls stand open: {}", rows.len(), words.join(", ")))
}

/// Each control that needs an eye or was waived, and how many are open otherwise.
pub(super) fn open_points(facts: &Facts<'_>) -> Vec<Text> {
    let rows = &facts.content.parts.controls;
    let mut points = Vec::new();
    for group in [Group::NeedsYourEye, Group::Waived] {
        for row in rows.iter().filter(|row| Group::of(row) == group) {
            let words = format!("Control {} ({}): ", name(row), row.title);
            points.push(Text::none().strong(words).plain(standing(facts, row)));
        }
    }
    let all: Vec<&ControlRow> = rows.iter().collect();
    let open: Vec<String> = [Group::Partial, Group::NotRun, Group::Manual]
        .into_iter()
        .map(|group| (group, count(&all, group)))
        .filter(|(_, count)| *count > 0)
        .map(|(group, count)| format!("{count} {}", group.words()))
        .collect();
    if !open.is_empty() {
        let words = format!(" {}: see ", open.join(", "));
        let head = Text::none().strong("Controls without full evidence:");
        points.push(head.plain(words).place("controls", "Controls"));
    }
    points
}

pub(super) fn blocks(facts: &Facts<'_>) -> Vec<Block> {
    let rows = &facts.content.parts.controls;
    if rows.is_empty() {
        return Vec::new();
    }
    let all: Vec<&ControlRow> = rows.iter().collect();
    let intro =
        Text::new(format!("{}; the same as a table to sort: ", counted(rows.len(), "control", "controls")))
            .file("controls/matrix.csv", "controls/matrix.csv")
            .plain(". The last column is yours to tick.");
    let mut blocks =
        vec![Block::named("controls", "Controls"), Block::Paragraph(intro), Block::Shares(counts(&all))];
    let mut frameworks: BTreeMap<(usize, &str), Vec<&ControlRow>> = BTreeMap::new();
    for row in rows {
        let place =
            FRAMEWORKS.iter().position(|(short, _)| *short == row.framework).unwrap_or(FRAMEWORKS.len());
        frameworks.entry((place, &row.framework)).or_default().push(row);
    }
    for ((_, framework), rows) in frameworks {
        blocks.extend(of_framework(facts, framework, rows));
    }
    blocks
}

fn of_framework(facts: &Facts<'_>, framework: &str, mut rows: Vec<&ControlRow>) -> Vec<Block> {
    rows.sort_by_key(|row| Group::of(row));
    let told: Vec<String> = counts(&rows)
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(what, count)| format!("{count} {what}"))
        .collect();
    let title =
        FRAMEWORKS.iter().find(|(short, _)| *short == framework).map_or(framework, |(_, title)| title);
    let mut blocks = vec![
        Block::part(title),
        Block::Paragraph(
            format!("{}: {}.", counted(rows.len(), "control", "controls"), told.join(", ")).into(),
        ),
    ];
    let mut table = Table::new(&[
        ("Control", 16),
        ("Title", 20),
        ("Where it stands", 30),
        ("Newest, in force since", 17),
        ("Evidence", 23),
        ("Tick", 6),
    ]);
    let in_words = |row: &ControlRow| matches!(Group::of(row), Group::NotApplicable | Group::Manual);
    for row in rows.iter().filter(|row| !in_words(row)) {
        table.push([
            with_own_id(row),
            row.title.clone().into(),
            standing(facts, row).into(),
            dates(facts, row),
            evidence(facts, row),
            Text::none(),
        ]);
    }
    if !table.rows.is_empty() {
        blocks.push(Block::Table(table));
    }
    blocks.extend(out_of_scope(&rows));
    blocks.extend(by_people(&rows));
    blocks
}

/// A control's id with that of the organisation, where it has one.
fn with_own_id(row: &ControlRow) -> Text {
    let id = Text::none().strong(row.id.clone());
    let id = match &row.own_id {
        Some(own) => id.line().plain(format!("own id {own}")),
        None => id,
    };
    id.line().plain(row.obligation.word())
}

/// Controls that do not apply here, each with its reason.
fn out_of_scope(rows: &[&ControlRow]) -> Option<Block> {
    let words = |row: &&&ControlRow| match &row.status {
        ControlStatus::NotApplicable { reason } => Some(format!("{} {}: {reason}", row.id, row.title)),
        _ => None,
    };
    let all: Vec<String> = rows.iter().filter_map(|row| words(&row)).collect();
    let text = Text::none().strong("Does not apply here: ").plain(format!("{}.", all.join("; ")));
    (!all.is_empty()).then_some(Block::Paragraph(text))
}

/// Controls that a person shows, first those that this program has a place for.
fn by_people(rows: &[&ControlRow]) -> Vec<Block> {
    let told = |head: &str, untouched: bool| {
        let wanted =
            |row: &&&ControlRow| Group::of(row) == Group::Manual && row.kinds.is_empty() == untouched;
        let all: Vec<String> =
            rows.iter().filter(wanted).map(|row| format!("{} {}", row.id, row.title)).collect();
        let text =
            Text::none().strong(format!("{head} ({}): ", all.len())).plain(format!("{}.", all.join("; ")));
        (!all.is_empty()).then_some(Block::Paragraph(text))
    };
    let own = told("A person shows it, and nobody has yet", false);
    let others = told("Not touched by this program, shown by a person", true);
    own.into_iter().chain(others).collect()
}

fn name(row: &ControlRow) -> String {
    format!("{} {}", row.framework.to_ascii_uppercase(), row.id)
}

fn dates(facts: &Facts<'_>, row: &ControlRow) -> Text {
    let day = |at: Option<crate::base::time::Timestamp>| at.map(|at| facts.zone.day(at));
    match (day(row.newest), day(row.in_force_since)) {
        (Some(newest), Some(since)) => Text::new(newest).line().plain(format!("since {since}")),
        (Some(newest), None) => newest.into(),
        (None, Some(since)) => format!("since {since}").into(),
        (None, None) => "no evidence".into(),
    }
}

/// Links to read-backs that this site's own entries name; how many more there are, and where.
fn evidence(facts: &Facts<'_>, row: &ControlRow) -> Text {
    let content = facts.content;
    let own = LogId::Scope(ScopeId::Site(content.parts.site.clone()));
    let seqs: Vec<u64> = row.entries.get(&own).into_iter().flatten().copied().collect();
    let refs = seqs.iter().rev().filter_map(|seq| content.records.entries.get(usize::try_from(*seq).ok()?));
    let paths = refs.flat_map(|entry| &entry.refs).filter_map(|named| content.places.get(&named.sha256));
    let mut paths: Vec<&String> = paths.collect();
    paths.dedup();
    let whole: usize = row.entries.values().map(|seqs| seqs.len()).sum();
    let shown = paths.len().min(FILES_SHOWN_MAX);
    let mut lines: Vec<Text> =
        paths.iter().take(shown).map(|path| Text::link(path.as_str(), short(path))).collect();
    if whole > shown {
        let words =
            if shown == 0 { counted(whole, "entry", "entries") } else { format!("{} more", whole - shown) };
        lines.push(Text::link(layout::CONTROLS, words));
    }
    Text::lines(lines)
}

fn short(path: &str) -> &str {
    path.strip_prefix(layout::EVIDENCE).unwrap_or(path)
}

/// Where a control stands, with what is missing grouped by why.
fn standing(facts: &Facts<'_>, row: &ControlRow) -> String {
    let missing = || missing(&row.missing);
    match &row.status {
        ControlStatus::Evidenced if row.shown == Some(Extent::Full) => {
            "✓ Evidenced, in full by one item".to_owned()
        }
        ControlStatus::Evidenced => "✓ Evidenced, by items that show a part each".to_owned(),
        ControlStatus::Partial { missing } if row.missing.is_empty() => {
            format!("In part. Missing: {}", in_words(missing))
        }
        ControlStatus::Partial { .. } => format!("In part. {}", missing()),
        ControlStatus::Failed { what } => {
            format!("✗ Failed: {}. {}", in_words(what), missing()).trim_end().to_owned()
        }
        ControlStatus::Manual => "A person shows it".to_owned(),
        ControlStatus::Waived { until } => format!("Waived until {}", facts.zone.moment(*until)),
        ControlStatus::NotRun => format!("✗ Not run. {}", missing()).trim_end().to_owned(),
        ControlStatus::NotApplicable { reason } => format!("Does not apply: {reason}"),
    }
}

/// What is missing, by why: `A person brings it: Somebody looked at the logs; Tags are set`.
fn missing(missing: &[Missing]) -> String {
    let mut by_reason: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for one in missing {
        by_reason.entry(&one.why).or_default().push(shown(one));
    }
    let words: Vec<String> =
        by_reason.into_iter().map(|(why, kinds)| format!("{}: {}", capital(why), kinds.join("; "))).collect();
    words.join(". ")
}

/// What something that is missing would show. Bundles of earlier programs only have its name.
fn shown(one: &Missing) -> String {
    if one.shows.is_empty() { in_words(&one.kind) } else { one.shows.clone() }
}

/// The name of an evidence kind as words: `audit.log_delivery` is `audit: log delivery`.
fn in_words(kind: &str) -> String {
    let is_name = |letter: char| {
        letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_' || letter == '.'
    };
    if !kind.chars().all(is_name) {
        return kind.to_owned();
    }
    kind.replace(['.', '_'], " ")
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_by_why_and_in_words() {
        let one = |kind: &str, why: &str| Missing {
            kind: kind.into(),
            shows: String::new(),
            why: why.into(),
            since: None,
            stale: false,
        };
        let all = [
            Missing {
                shows: "Somebody looked at the logs".into(),
                ..one("audit.review_done", "a person brings it")
            },
            one("encryption.in_transit", "no step of the plan shows it"),
            one("risk.analysis", "a person brings it"),
        ];
        assert_eq!(
            missing(&all),
            "A person brings it: Somebody looked at the logs; risk analysis. No step of the plan shows it: encryption in transit"
        );
        assert_eq!(in_words("What a person wrote."), "What a person wrote.");
    }
}
