//! Audit findings and legal holds: small registers kept as entries of a site's log, so that they are sealed with it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::time::Timestamp;
use crate::model::control::OpenFinding;
use crate::model::entry::Entry;

use super::answer::Answer;
use super::records::Records;

/// The kind of the entry that opens a finding. Its place in the log is the finding's number.
pub const OPENED: &str = "finding.opened";
/// The kind of the entry that closes one.
pub const CLOSED: &str = "finding.closed";
/// The kind of the entry that sets a legal hold on the log.
pub const HOLD_SET: &str = "hold.set";
/// The kind of the entry that releases it.
pub const HOLD_RELEASED: &str = "hold.released";

/// Milliseconds of a day.
const DAY: u64 = 24 * 60 * 60 * 1000;
const FINDINGS: [&str; 10] = [
    "site",
    "finding",
    "control",
    "severity",
    "state",
    "opened",
    "age in days",
    "owner",
    "title",
    "evidence",
];
const REPORT: [&str; 7] = ["site", "control", "severity", "open", "closed", "overdue", "oldest open in days"];

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Act at once.
    Critical,
    /// Act soon.
    High,
    /// Plan it.
    Medium,
    /// When there is time.
    Low,
}

impl Severity {
    /// Whether a control is not called evidenced while such a finding about it is open.
    fn is_serious(self) -> bool {
        match self {
            Severity::Critical | Severity::High => true,
            Severity::Medium | Severity::Low => false,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Severity::Critical => "critical",
            Severity::High => "high",
            Severity::Medium => "medium",
            Severity::Low => "low",
        }
    }
}

/// The body of `finding.opened`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opened {
    /// What was found.
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// Who sees to it.
    pub owner: String,
    /// By when it is to be closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// The control it is about, for example `164.312(b)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<String>,
}

/// The body of `finding.closed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Closed {
    /// The finding's number: the place of the entry that opened it.
    pub finding: u64,
    /// The entry of the same log that shows that it is mended.
    pub evidence: u64,
    /// What was done.
    pub comment: String,
}

/// The body of `hold.set` and `hold.released`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// Why.
    pub reason: String,
}

/// A finding with what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding<'r> {
    /// The entry that opened it.
    pub entry: &'r Entry,
    /// What it says.
    pub opened: Opened,
    /// The entry that closed it, and what it says.
    pub closed: Option<(&'r Entry, Closed)>,
}

/// Why a finding cannot be closed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotClosable {
    /// No such finding.
    #[error("entry {0} of this log opened no finding")]
    NoFinding(u64),
    /// It is closed.
    #[error("finding {0} was closed by entry {1}")]
    ClosedAlready(u64, u64),
    /// No such evidence.
    #[error(
        "there is no entry {evidence} in this log, which ends at {last}; closing needs the entry that shows it"
    )]
    NoEvidence {
        /// What was named.
        evidence: u64,
        /// The last entry.
        last: u64,
    },
    /// Evidence that is older than the finding shows nothing about its end.
    #[error("entry {evidence} is older than finding {finding}, so it cannot show that it was mended")]
    TooOld {
        /// What was named.
        evidence: u64,
        /// The finding.
        finding: u64,
    },
}

/// The findings of a log in the order in which they were opened.
pub fn findings(records: &Records) -> Vec<Finding<'_>> {
    findings_of(&records.entries)
}

/// The open findings among the entries of a log by the control that they are about.
pub fn open_by_control(entries: &[Entry]) -> BTreeMap<String, Vec<OpenFinding>> {
    let mut open: BTreeMap<String, Vec<OpenFinding>> = BTreeMap::new();
    for Finding { entry, opened, closed } in findings_of(entries) {
        let (None, Some(control)) = (closed, opened.control) else { continue };
        open.entry(control).or_default().push(OpenFinding {
            entry: entry.seq,
            severity: opened.severity.word().to_owned(),
            serious: opened.severity.is_serious(),
            title: opened.title,
            since: entry.at,
            due: opened.due,
        });
    }
    open
}

fn findings_of(entries: &[Entry]) -> Vec<Finding<'_>> {
    let mut findings: BTreeMap<u64, Finding<'_>> = BTreeMap::new();
    for entry in entries {
        match entry.kind.as_str() {
            OPENED => {
                if let Ok(opened) = serde_json::from_value(entry.body.clone()) {
                    findings.insert(entry.seq, Finding { entry, opened, closed: None });
                }
            }
            CLOSED => {
                let Ok(closed) = serde_json::from_value::<Closed>(entry.body.clone()) else { continue };
                if let Some(finding) = findings.get_mut(&closed.finding) {
                    finding.closed.get_or_insert((entry, closed));
                }
            }
            _ => {}
        }
    }
    findings.into_values().collect()
}

/// The open findings in words.
pub fn open_findings(records: &Records) -> Vec<String> {
    let open = findings(records).into_iter().filter(|finding| finding.closed.is_none());
    let told = |finding: Finding<'_>| {
        let Opened { title, severity, owner, .. } = &finding.opened;
        format!(
            "{} ({}, entry {}, owner {owner}, since {})",
            title,
            severity.word(),
            finding.entry.seq,
            finding.entry.at
        )
    };
    open.map(told).collect()
}

/// Checks that a finding may be closed so.
///
/// # Errors
///
/// If there is no such open finding, or the evidence is not a later entry of the log.
pub fn check_close(records: &Records, closed: &Closed) -> Result<(), NotClosable> {
    let Closed { finding, evidence, .. } = *closed;
    let all = findings(records);
    let found = all.iter().find(|one| one.entry.seq == finding).ok_or(NotClosable::NoFinding(finding))?;
    if let Some((by, _)) = &found.closed {
        return Err(NotClosable::ClosedAlready(finding, by.seq));
    }
    let last = records.entries.last().map_or(0, |entry| entry.seq);
    if evidence > last {
        return Err(NotClosable::NoEvidence { evidence, last });
    }
    if evidence <= finding { Err(NotClosable::TooOld { evidence, finding }) } else { Ok(()) }
}

/// Why the log is held, and since when; nothing if it is not.
pub fn hold(records: &Records) -> Option<(Timestamp, String)> {
    let mut hold = None;
    for entry in &records.entries {
        let reason = || super::records::text(entry, "/reason").unwrap_or("no reason is recorded").to_owned();
        match entry.kind.as_str() {
            HOLD_SET => hold = Some((entry.at, reason())),
            HOLD_RELEASED => hold = None,
            _ => {}
        }
    }
    hold
}

/// Every finding of these logs, open ones first.
pub fn list(logs: &[Records], now: Timestamp) -> Answer {
    let mut rows = Vec::new();
    for records in logs {
        for finding in findings(records) {
            let Finding { entry, opened, closed } = &finding;
            let until = closed.as_ref().map_or(now, |(by, _)| by.at);
            rows.push(vec![
                records.log.to_string(),
                entry.seq.to_string(),
                opened.control.clone().unwrap_or_default(),
                opened.severity.word().to_owned(),
                state(&finding, now),
                entry.at.to_string(),
                days(entry.at, until),
                opened.owner.clone(),
                opened.title.clone(),
                closed.as_ref().map_or_else(String::new, |(_, closed)| records.id(closed.evidence)),
            ]);
        }
    }
    rows.sort_by_key(|row| row[4].starts_with("closed"));
    let open = rows.iter().filter(|row| !row[4].starts_with("closed")).count();
    let sentence = match rows.len() {
        0 => "No record: no finding was ever opened.".to_owned(),
        count => format!("{count} findings, {open} of them open."),
    };
    Answer { question: "findings", sentence, columns: &FINDINGS, rows }
}

/// Findings counted by site, control and severity, with the age of the oldest open one.
pub fn report(logs: &[Records], now: Timestamp) -> Answer {
    let mut rows = Vec::new();
    for records in logs {
        let mut groups: BTreeMap<(Option<String>, Severity), Vec<Finding<'_>>> = BTreeMap::new();
        for finding in findings(records) {
            let group = (finding.opened.control.clone(), finding.opened.severity);
            groups.entry(group).or_default().push(finding);
        }
        for ((control, severity), findings) in groups {
            let open: Vec<_> = findings.iter().filter(|finding| finding.closed.is_none()).collect();
            let overdue = open.iter().filter(|finding| is_overdue(finding, now)).count();
            rows.push(vec![
                records.log.to_string(),
                control.unwrap_or_default(),
                severity.word().to_owned(),
                open.len().to_string(),
                (findings.len() - open.len()).to_string(),
                overdue.to_string(),
                open.first().map_or_else(String::new, |finding| days(finding.entry.at, now)),
            ]);
        }
    }
    let sum = |column: usize| {
        rows.iter().filter_map(|row: &Vec<String>| row[column].parse::<usize>().ok()).sum::<usize>()
    };
    let sentence = if rows.is_empty() {
        "No record: no finding was ever opened.".to_owned()
    } else {
        format!("{} findings open, {} of them overdue, {} closed.", sum(3), sum(5), sum(4))
    };
    Answer { question: "findings report", sentence, columns: &REPORT, rows }
}

fn state(finding: &Finding<'_>, now: Timestamp) -> String {
    match &finding.closed {
        Some((by, _)) => format!("closed {}", by.at),
        None if is_overdue(finding, now) => "overdue".to_owned(),
        None => "open".to_owned(),
    }
}

fn is_overdue(finding: &Finding<'_>, now: Timestamp) -> bool {
    finding.opened.due.is_some_and(|due| due < now)
}

fn days(from: Timestamp, until: Timestamp) -> String {
    (until.since(from).0 / DAY).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry(seq: u64, kind: &str, body: serde_json::Value) -> Entry {
        let value = json!({ "v": 1, "seq": seq, "at": "2027-01-11T09:00:00Z", "log": "site/HRB01", "kind": kind,
            "actor": { "type": "person", "id": "ana" }, "body": body, "salt": "" });
        serde_json::from_value(value).expect("an entry")
    }

    #[test]
    fn open_findings_are_told_by_the_control_that_they_are_about() {
        let opened = |severity: &str, control: &str| json!({ "title": "t", "severity": severity, "owner": "ana", "control": control });
        let entries = [
            entry(0, OPENED, opened("high", "164.312(b)")),
            entry(1, OPENED, opened("low", "164.312(b)")),
            entry(2, OPENED, opened("critical", "CC6.1")),
            entry(3, OPENED, json!({ "title": "t", "severity": "high", "owner": "ana" })),
            entry(4, OPENED, json!({ "title": 7 })),
            entry(5, CLOSED, json!({ "finding": 2, "evidence": 4, "comment": "done" })),
        ];
        let open = open_by_control(&entries);
        let told: Vec<(&String, Vec<(u64, bool)>)> = open
            .iter()
            .map(|(id, all)| (id, all.iter().map(|one| (one.entry, one.serious)).collect()))
            .collect();
        assert_eq!(told, [(&"164.312(b)".to_owned(), vec![(0, true), (1, false)])]);
    }
}
