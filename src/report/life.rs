//! A rehearsal of whole waves as a document and as text: what happened, which gates opened by what, who waited for whom.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::base::time::Timestamp;

/// Format version of the JSON form.
pub const LIFE_VERSION: u32 = 1;

/// What sort of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A wave's life begins.
    Wave,
    /// A gate was judged and does not let through.
    Closed,
    /// A gate lets through.
    Open,
    /// A record was filed.
    Filed,
    /// What a program can judge was judged.
    Checked,
    /// Somebody stated something.
    Stated,
    /// Somebody signed a gate.
    Signed,
    /// Something is missing, and somebody answers for it until a day.
    Waived,
    /// A role was told that something is late.
    Late,
    /// The approval of a plan: asked for, reviewed, given.
    Approval,
    /// Rights were looked at again.
    Access,
    /// A launch began or ended.
    Launch,
    /// Something is not as it should be.
    Finding,
}

impl Kind {
    /// The word in front of a line.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Wave => "WAVE",
            Kind::Closed => "CLOSED",
            Kind::Open => "OPEN",
            Kind::Filed => "filed",
            Kind::Checked => "checked",
            Kind::Stated => "stated",
            Kind::Signed => "signed",
            Kind::Waived => "WAIVED",
            Kind::Late => "late",
            Kind::Approval => "approval",
            Kind::Access => "access",
            Kind::Launch => "launch",
            Kind::Finding => "FINDING",
        }
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// The same on the clock of the estate's zone.
    pub local: String,
    /// The day of the program, from 1.
    pub day: Option<u32>,
    /// What sort of thing.
    pub kind: Kind,
    /// What.
    pub what: String,
    /// Who, if it was somebody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl Event {
    /// One line.
    pub fn line(&self) -> String {
        let day = self.day.map_or_else(String::new, |day| format!("day {day:<3} "));
        let by = self.by.as_ref().map_or_else(String::new, |by| format!(" [{by}]"));
        format!("{day}{}  {:<8} {}{by}", self.local, self.kind.word(), self.what)
    }
}

/// One gate, from when it was found closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GateLine {
    /// Where.
    pub scope: String,
    /// The gate.
    pub gate: String,
    /// What it opens.
    pub opens: String,
    /// What of it was missing when it was looked at first.
    pub missing: usize,
    /// When it was found closed; none if it was open before anybody did anything.
    pub closed: Option<String>,
    /// When it opened.
    pub opened: Option<String>,
    /// Who signed it.
    pub by: Vec<String>,
    /// Waivers that it rests on.
    pub waived: Vec<String>,
    /// Working minutes it waited, by role.
    pub waited: BTreeMap<String, u64>,
}

/// How long was waited for a role.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RoleWait {
    /// Working minutes, all answers together.
    pub minutes: u64,
    /// How often.
    pub answers: usize,
    /// The longest single wait in working minutes.
    pub longest: u64,
}

/// How a wave went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WaveLine {
    /// The wave.
    pub wave: String,
    /// Its sites.
    pub sites: Vec<String>,
    /// When it was launched, if it was.
    pub launched: Option<String>,
    /// When it ended.
    pub ended: Option<String>,
    /// How it ended, in words.
    pub outcome: String,
    /// Whether it succeeded.
    pub good: bool,
    /// What kept it from beginning.
    pub barred: Vec<String>,
}

/// How a milestone stands at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MilestoneLine {
    /// Its name.
    pub name: String,
    /// What was to be reached.
    pub goal: String,
    /// By which day.
    pub due_day: u32,
    /// Whether it was reached.
    pub met: bool,
    /// How it stands, in words.
    pub state: String,
}

/// How much of a framework is evidenced at the first site, at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CoverageLine {
    /// The site.
    pub site: String,
    /// Which moment.
    pub moment: String,
    /// The framework's name in tables.
    pub framework: String,
    /// Controls that are evidenced.
    pub evidenced: usize,
    /// Controls that apply.
    pub required: usize,
    /// Controls that somebody answers for.
    pub waived: usize,
    /// Controls that are evidenced in part.
    pub partial: usize,
}

/// What is complete at one site at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CompleteLine {
    /// The site.
    pub site: String,
    /// The frameworks of which no control that applies is open, by their names in tables.
    pub complete: Vec<String>,
    /// Controls that are open, by the names of the other frameworks.
    pub open: BTreeMap<String, usize>,
    /// The evidence kinds that are not there, each with why.
    pub missing: Vec<String>,
}

/// What a role finds in its inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InboxLine {
    /// The role.
    pub role: String,
    /// How many things wait for it.
    pub waits: usize,
    /// The oldest of them.
    pub oldest: String,
    /// Since when.
    pub since: String,
}

/// The inbox of every role at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inbox {
    /// Which moment.
    pub moment: String,
    /// When.
    pub at: String,
    /// Role by role.
    pub roles: Vec<InboxLine>,
    /// Roles for which nothing waits.
    pub free: Vec<String>,
}

/// How much was done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Signed decisions.
    pub decisions: usize,
    /// Records that were filed.
    pub records: usize,
    /// Items that programs judge alone.
    pub automatic: usize,
    /// Items that people have to state, alone or beside what programs judge.
    pub manual: usize,
    /// Requests to the sandbox.
    pub requests: usize,
}

/// A rehearsal of whole waves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Life {
    /// Format version.
    pub v: u32,
    /// What fixes it.
    pub seed: u64,
    /// The zone of the moments.
    pub zone: String,
    /// When it began.
    pub began: String,
    /// When it ended.
    pub ended: String,
    /// The last day of the program that it came to.
    pub days: Option<u32>,
    /// Whether every gate opened and every wave succeeded.
    pub good: bool,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// The gates.
    pub gates: Vec<GateLine>,
    /// How long was waited for whom.
    pub roles: BTreeMap<String, RoleWait>,
    /// The waves.
    pub waves: Vec<WaveLine>,
    /// The milestones of the program.
    pub milestones: Vec<MilestoneLine>,
    /// What is evidenced at the first site, framework by framework.
    pub coverage: Vec<CoverageLine>,
    /// What is complete at the end, site by site.
    pub complete: Vec<CompleteLine>,
    /// Inboxes at some moments.
    pub inboxes: Vec<Inbox>,
    /// How much was done.
    pub counts: Counts,
}

/// Working minutes as hours.
pub fn hours(minutes: u64) -> String {
    format!("{}.{}h", minutes / 60, minutes % 60 / 6)
}

impl Life {
    /// What stayed closed, each gate with its scope.
    pub fn shut(&self) -> Vec<String> {
        let shut = self.gates.iter().filter(|gate| gate.opened.is_none());
        shut.map(|gate| format!("{} at {}", gate.gate, gate.scope)).collect()
    }

    /// The tables that follow the events.
    pub fn tables(&self) -> String {
        let mut text = String::new();
        self.gate_table(&mut text);
        self.role_table(&mut text);
        for inbox in &self.inboxes {
            let _ = writeln!(text, "\nInbox {}, {}", inbox.moment, inbox.at);
            for line in &inbox.roles {
                let _ = writeln!(
                    text,
                    "  {:<20} {:>3}  oldest {} {}",
                    line.role, line.waits, line.since, line.oldest
                );
            }
            if !inbox.free.is_empty() {
                let _ = writeln!(text, "  nothing waits for {}", inbox.free.join(", "));
            }
        }
        let _ = writeln!(text, "\nWaves");
        for wave in &self.waves {
            let launched = wave.launched.as_deref().unwrap_or("never launched");
            let ended = wave.ended.as_deref().unwrap_or("-");
            let sites = wave.sites.join(" ");
            let _ = writeln!(text, "  {:<8} {launched} to {ended}  {} ({sites})", wave.wave, wave.outcome);
        }
        let _ = writeln!(text, "\nMilestones");
        for one in &self.milestones {
            let _ =
                writeln!(text, "  {:<4} by day {:<3} {} ({})", one.name, one.due_day, one.state, one.goal);
        }
        for (at, one) in self.coverage.iter().enumerate() {
            if at == 0 || self.coverage[at - 1].moment != one.moment {
                let _ = writeln!(text, "\nControls evidenced at {}, {}", one.site, one.moment);
            }
            let share = format!("{}/{}", one.evidenced, one.required);
            let _ = writeln!(
                text,
                "  {:<12} {share:>8}, {} in part, {} waived",
                one.framework, one.partial, one.waived
            );
        }
        self.complete_table(&mut text);
        let Counts { decisions, records, automatic, manual, requests } = self.counts;
        let days = self.days.map_or_else(String::new, |days| format!(", day 1 to day {days} of the program"));
        let _ = writeln!(text, "\n{} to {}{days}", self.began, self.ended);
        let _ = writeln!(
            text,
            "{decisions} signed decisions, {records} records filed, {automatic} items judged by programs alone, {manual} by people too, {requests} requests to the sandbox"
        );
        text
    }

    fn complete_table(&self, text: &mut String) {
        let _ = writeln!(text, "\nEvidence at the end");
        for one in &self.complete {
            let complete =
                if one.complete.is_empty() { "nothing".to_owned() } else { one.complete.join(", ") };
            let open: Vec<String> = one.open.iter().map(|(name, count)| format!("{name} {count}")).collect();
            let open = if open.is_empty() { "none".to_owned() } else { open.join(", ") };
            let _ = writeln!(text, "  {:<8} complete: {complete}; controls open: {open}", one.site);
        }
        // What is missing at one site in words; the others lack what only comes with time, and much of it is the same.
        for one in self.complete.iter().take(1) {
            for missing in &one.missing {
                let _ = writeln!(text, "  missing at {}: {missing}", one.site);
            }
        }
    }

    fn gate_table(&self, text: &mut String) {
        let _ = writeln!(text, "Gates");
        for gate in &self.gates {
            let since = gate.closed.as_deref().unwrap_or("never closed");
            let opened = gate.opened.as_deref().unwrap_or("STAYED CLOSED");
            let mut waited: Vec<(&String, &u64)> = gate.waited.iter().collect();
            waited.sort_by_key(|(role, minutes)| (std::cmp::Reverse(**minutes), (*role).clone()));
            let waited: Vec<String> =
                waited.iter().map(|(role, minutes)| format!("{role}: {}", hours(**minutes))).collect();
            let _ = writeln!(
                text,
                "  {:<12} {:<12} closed {since} ({} missing), opened {opened}",
                gate.gate, gate.scope, gate.missing
            );
            if !waited.is_empty() {
                let _ = writeln!(text, "      waited for {}", waited.join(", "));
            }
            for waived in &gate.waived {
                let _ = writeln!(text, "      WAIVED {waived}");
            }
        }
    }

    fn role_table(&self, text: &mut String) {
        let _ = writeln!(text, "\nWaited for, in working hours");
        let mut roles: Vec<(&String, &RoleWait)> = self.roles.iter().collect();
        roles.sort_by_key(|(role, wait)| (std::cmp::Reverse(wait.minutes), (*role).clone()));
        for (role, wait) in roles {
            let _ = writeln!(
                text,
                "  {role:<20} {:>8}  {:>3} answers, longest {}",
                hours(wait.minutes),
                wait.answers,
                hours(wait.longest)
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_shown_as_hours_with_one_place() {
        assert_eq!([0, 6, 59, 60, 90, 605].map(hours), ["0.0h", "0.1h", "0.9h", "1.0h", "1.5h", "10.0h"]);
    }

    #[test]
    fn a_line_says_when_what_and_who() {
        let event = Event {
            at: Timestamp::from_millis(0),
            local: "Mon 2027-01-11 09:00".to_owned(),
            day: Some(1),
            kind: Kind::Open,
            what: "g-01 at account".to_owned(),
            by: Some("pm, sponsor".to_owned()),
        };
        assert_eq!(event.line(), "day 1   Mon 2027-01-11 09:00  OPEN     g-01 at account [pm, sponsor]");
        let event = Event { day: None, by: None, kind: Kind::Finding, ..event };
        assert_eq!(event.line(), "Mon 2027-01-11 09:00  FINDING  g-01 at account");
    }
}
