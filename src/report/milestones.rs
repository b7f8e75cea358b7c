//! The milestones of the first ninety days: which sites were to be live by when, and what that rests on.

use std::fmt::Write as _;

use serde::Serialize;

use crate::base::id::SiteCode;

/// One milestone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Milestone {
    /// Its name, for example `D30`.
    pub name: String,
    /// What was to be reached.
    pub goal: String,
    /// The day of the program by which it was to be reached.
    pub due_day: u32,
    /// How it stands.
    pub state: MilestoneState,
    /// Each site, with the day on which it was live.
    pub sites: Vec<(SiteCode, Option<u32>)>,
    /// What it rests on: the controls that had to hold.
    pub controls: Vec<ControlLine>,
}

/// How a milestone stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MilestoneState {
    /// It was reached on this day of the program.
    Met {
        /// The day.
        day: u32,
    },
    /// It was not, and its day has passed.
    NotMet,
    /// There is time left.
    Open,
}

/// One foundational control at the milestone's sites.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ControlLine {
    /// The site.
    pub site: SiteCode,
    /// The evidence kind.
    pub kind: String,
    /// Whether it holds.
    pub holds: bool,
    /// Why not, or the entries that show it.
    pub shown_by: String,
}

/// What is known before a milestone is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its name.
    pub name: &'static str,
    /// What was to be reached.
    pub goal: String,
    /// The day by which.
    pub due_day: u32,
    /// Each site, with the day on which it was live.
    pub sites: Vec<(SiteCode, Option<u32>)>,
    /// What had to hold there.
    pub controls: Vec<ControlLine>,
}

/// Judges a milestone: every site live by its day, every control held.
pub fn judge(found: Found, today: u32) -> Milestone {
    let Found { name, goal, due_day, sites, controls } = found;
    let last = sites
        .iter()
        .map(|(_, day)| *day)
        .collect::<Option<Vec<u32>>>()
        .and_then(|days| days.into_iter().max());
    let holds = controls.iter().all(|control| control.holds);
    let state = match last {
        Some(day) if day <= due_day && holds => MilestoneState::Met { day },
        _ if today <= due_day => MilestoneState::Open,
        _ => MilestoneState::NotMet,
    };
    Milestone { name: name.to_owned(), goal, due_day, state, sites, controls }
}

/// The milestones for people.
pub fn text(milestones: &[Milestone]) -> String {
    let mut text = String::new();
    for one in milestones {
        let state = match one.state {
            MilestoneState::Met { day } => format!("MET (day {day})"),
            MilestoneState::NotMet => "NOT MET".to_owned(),
            MilestoneState::Open => "open".to_owned(),
        };
        let _ = writeln!(text, "{}  {}: {state}, due by day {}", one.name, one.goal, one.due_day);
        for (site, day) in &one.sites {
            let live = day.map_or("not live".to_owned(), |day| format!("live on day {day}"));
            let _ = writeln!(text, "  {site}  {live}");
        }
        for control in &one.controls {
            let mark = if control.holds { "holds" } else { "OPEN " };
            let _ = writeln!(text, "  {}  {mark}  {:<28} {}", control.site, control.kind, control.shown_by);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(day: Option<u32>, holds: bool) -> Found {
        let site = SiteCode::new("HRB01").expect("a code");
        let control = ControlLine {
            site: site.clone(),
            kind: "tags.policy".to_owned(),
            holds,
            shown_by: "site/HRB01#4".to_owned(),
        };
        Found {
            name: "D30",
            goal: "the pilot is live".to_owned(),
            due_day: 30,
            sites: vec![(site, day)],
            controls: vec![control],
        }
    }

    #[test]
    fn a_milestone_is_met_in_time_and_with_every_control() {
        let state = |day, holds, today| judge(found(day, holds), today).state;
        assert_eq!(state(Some(25), true, 40), MilestoneState::Met { day: 25 });
        assert_eq!(state(Some(30), true, 40), MilestoneState::Met { day: 30 });
        assert_eq!(state(Some(31), true, 40), MilestoneState::NotMet);
        assert_eq!(state(Some(25), false, 40), MilestoneState::NotMet);
        assert_eq!(state(Some(25), false, 30), MilestoneState::Open);
        assert_eq!(state(None, true, 31), MilestoneState::NotMet);
        let met = text(&[judge(found(Some(25), true), 40)]);
        assert!(met.starts_with("D30  the pilot is live: MET (day 25), due by day 30\n"), "{met}");
        assert!(text(&[judge(found(Some(25), false), 40)]).contains("HRB01  OPEN   tags.policy"));
    }
}
