//! The document as people read it: by wave, one line for each scope, what it waits for at the end of the line.

use std::fmt::Write as _;

use super::{Launch, Link, Scope, ScopeState, Status, Wave, WaveState};
use crate::base::limits::STATUS_SITES_MAX;
use crate::base::time::{Millis, Timestamp};
use crate::model::calendar::zone;

/// How much is shown.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style {
    /// Every site, however many there are.
    pub all: bool,
    /// Regions, runs, rounds, windows and expected ends too.
    pub wide: bool,
}

/// The zone of moments that are about no single site.
const SHARED_ZONE: &str = "UTC";

/// The whole estate.
pub fn page(status: &Status, style: Style) -> String {
    let mut out = String::new();
    for launch in &status.launches {
        line(&mut out, &launch_line(launch));
    }
    let shared: Vec<&Scope> = status.scopes.iter().filter(|scope| scope.scope.site().is_none()).collect();
    if !shared.is_empty() {
        line(&mut out, "account and regions");
        rows(&mut out, &shared, style);
    }
    let sites = status.scopes.iter().filter(|scope| scope.scope.site().is_some()).count();
    let many = sites > STATUS_SITES_MAX && !style.all;
    let mut hidden = 0;
    for wave in &status.waves {
        line(&mut out, &wave_line(wave, status));
        let of_wave = status.scopes.iter().filter(|scope| scope.wave.as_ref() == Some(&wave.name));
        let (shown, passed): (Vec<&Scope>, Vec<&Scope>) =
            of_wave.partition(|scope| !many || scope.state.is_noteworthy());
        hidden += passed.len();
        rows(&mut out, &shown, style);
    }
    let stray: Vec<&Scope> =
        status.scopes.iter().filter(|scope| scope.scope.site().is_some() && scope.wave.is_none()).collect();
    if !stray.is_empty() {
        line(&mut out, "in no wave");
        rows(&mut out, &stray, style);
    }
    if hidden > 0 {
        line(
            &mut out,
            &format!("{hidden} sites that are done or not started are not listed: --all shows them"),
        );
    }
    out
}

/// One wave.
pub fn wave_page(status: &Status, style: Style) -> String {
    let mut out = String::new();
    for launch in &status.launches {
        line(&mut out, &launch_line(launch));
    }
    for wave in &status.waves {
        line(&mut out, &wave_line(wave, status));
        for link in &wave.waits {
            line(&mut out, &format!("  ← {}", link_words(link, SHARED_ZONE)));
        }
        let of_wave: Vec<&Scope> =
            status.scopes.iter().filter(|scope| scope.wave.as_ref() == Some(&wave.name)).collect();
        rows(&mut out, &of_wave, style);
    }
    out
}

/// One scope with all there is to say about it.
pub fn scope_page(status: &Status) -> String {
    let mut out = String::new();
    for scope in &status.scopes {
        let zone = &scope.zone;
        let name = scope.name.as_ref().map_or(String::new(), |name| format!(" {name}"));
        let wave = scope.wave.as_ref().map_or(String::new(), |wave| format!(", stage {wave}"));
        line(&mut out, &format!("{}{name}{wave}: {}", scope.scope, scope.state.word()));
        if scope.total > 0 {
            let (done, total, percent) = (scope.done, scope.total, scope.percent);
            let round = if scope.round > 1 { format!(", round {}", scope.round) } else { String::new() };
            let (failed, blocked) = (scope.failed.len(), scope.blocked.len());
            line(
                &mut out,
                &format!(
                    "  {done} of {total} steps done ({percent} %), {failed} failed, {blocked} blocked{round}"
                ),
            );
        }
        let told = [
            ("since", scope.since),
            ("next window", scope.next_window),
            ("expected end", scope.expected_end),
        ];
        for (word, at) in told {
            if let Some(at) = at {
                line(&mut out, &format!("  {word}: {}", moment(zone, at)));
            }
        }
        for (step, cause) in &scope.failed {
            line(&mut out, &format!("  failed {step}: {cause}"));
        }
        if let Some(blocker) = &scope.blocker {
            line(&mut out, &format!("  waits for: {}", link_words(blocker, zone)));
            if let Some(code) = scope.scope.site() {
                line(&mut out, &format!("  the whole chain: landfall status {code} --why"));
            }
        }
    }
    out
}

fn line(out: &mut String, text: &str) {
    let _ = writeln!(out, "{}", text.trim_end());
}

fn launch_line(launch: &Launch) -> String {
    let holder = launch.holder.as_ref().map_or(String::new(), |holder| format!(" ({holder})"));
    let began = moment(SHARED_ZONE, launch.began);
    let waits: Vec<String> = launch.waits.iter().map(|link| link_words(link, SHARED_ZONE)).collect();
    let waits = if waits.is_empty() { String::new() } else { format!("; {}", waits.join("; ")) };
    let Launch { run, covers, state, .. } = launch;
    format!("launch {run} of {covers}: {}{holder}, began {began}{waits}", state.word())
}

fn wave_line(wave: &Wave, status: &Status) -> String {
    let Wave { name, state, done, failed, total, .. } = wave;
    let mut text = format!("{name}: {}, {done} of {total} sites done", state.word());
    if *failed > 0 {
        let _ = write!(text, ", {failed} failed");
    }
    // A wave's moments are told by the clock of its first site.
    let first = status.scopes.iter().find(|scope| scope.wave.as_ref() == Some(name));
    let zone = first.map_or(SHARED_ZONE, |scope| &scope.zone);
    if let Some(end) = wave.expected_end {
        let _ = write!(text, ", ends about {}", moment(zone, end));
    }
    match state {
        WaveState::Done | WaveState::Running | WaveState::Partial | WaveState::Failed => {}
        WaveState::NotStarted
        | WaveState::Barred
        | WaveState::Baking
        | WaveState::Paused
        | WaveState::Suspended
        | WaveState::Halted
        | WaveState::Aborted => {
            if let Some(link) = wave.waits.first() {
                let tells = matches!(
                    link.on,
                    super::On::Halt | super::On::Pause | super::On::Resume | super::On::Person
                );
                let word = if tells { "" } else { "waits for " };
                let _ = write!(text, "; {word}{}", link_words(link, zone));
            }
        }
    }
    text
}

fn rows(out: &mut String, scopes: &[&Scope], style: Style) {
    let mut table: Vec<Vec<String>> = scopes.iter().map(|scope| row(scope, style)).collect();
    if style.wide && !table.is_empty() {
        let head =
            ["SCOPE", "STATE", "STEPS", "", "REGION", "RUN", "ROUND", "NEXT WINDOW", "ENDS ABOUT", "WHY"];
        table.insert(0, head.map(str::to_owned).to_vec());
    }
    let columns = table.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| table.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in &table {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        line(out, &format!("  {}", cells.join("  ")));
    }
}

fn row(scope: &Scope, style: Style) -> Vec<String> {
    let begun = scope.total > 0;
    let steps = if begun { format!("{}/{}", scope.done, scope.total) } else { String::new() };
    let percent = if begun { format!("{:>3} %", scope.percent) } else { String::new() };
    let mut cells = vec![scope.scope.to_string(), scope.state.word().to_owned(), steps, percent];
    if style.wide {
        let at = |at: Option<Timestamp>| at.map_or(String::new(), |at| moment(&scope.zone, at));
        cells.extend([
            scope.region.as_ref().map_or(String::new(), ToString::to_string),
            scope.run.as_ref().map_or(String::new(), ToString::to_string),
            scope.round.to_string(),
            at(scope.next_window),
            at(scope.expected_end),
        ]);
    }
    cells.push(reason(scope));
    cells
}

/// Why it stands so, in one line: what failed, or what it waits for first and what is behind that.
fn reason(scope: &Scope) -> String {
    if let (ScopeState::Failed, Some((step, cause))) = (scope.state, scope.failed.iter().next()) {
        let blocked = scope.blocked.len();
        let more = if blocked > 0 { format!("; blocked: {blocked}") } else { String::new() };
        return format!("{step}: {cause}{more}");
    }
    let Some(first) = scope.waits.first().and_then(|chain| chain.first()) else {
        return match (scope.state, scope.next_window) {
            (ScopeState::NotStarted, Some(opens)) => {
                format!("no launch has it yet; next window {}", moment(&scope.zone, opens))
            }
            (ScopeState::NotStarted, None) => "no launch has it yet".to_owned(),
            _ => String::new(),
        };
    };
    if first.on == super::On::Halt {
        // The wave's line has said who decides, and the failed site's what is to be mended.
        return first.what.clone();
    }
    let mut text = link_words(first, &scope.zone);
    if let Some(blocker) = scope.blocker.as_ref().filter(|blocker| *blocker != first) {
        let _ = write!(text, " ← {}", link_words(blocker, &scope.zone));
    }
    text
}

/// A link in words with its times: what, for how long, until when, who can release it.
pub(super) fn link_words(link: &Link, zone: &str) -> String {
    let mut text = link.what.clone();
    if let Some(until) = link.until {
        let word = match link.on {
            super::On::Window => "opens",
            super::On::Service => "next look",
            super::On::Bake
            | super::On::Pause
            | super::On::Entry
            | super::On::Scope
            | super::On::Place
            | super::On::Step
            | super::On::Work
            | super::On::Failure
            | super::On::Halt
            | super::On::Person
            | super::On::Resume => "until",
        };
        let _ = write!(text, ", {word} {}", moment(zone, until));
    }
    if let Some(age) = link.age {
        let _ = write!(text, ", for {}", length(age));
    }
    if !link.owners.is_empty() {
        let owners: Vec<String> = link.owners.iter().map(ToString::to_string).collect();
        let _ = write!(text, " [{}]", owners.join(", "));
    }
    text
}

/// A moment by the clock of a zone, with its offset.
pub(super) fn moment(name: &str, at: Timestamp) -> String {
    match zone::named(name) {
        Some(zone) => zone::shown(&zone, at),
        None => at.to_string(),
    }
}

/// A length as the others, and days where hours stop being readable.
fn length(age: Millis) -> String {
    let hours = age.0 / 3_600_000;
    if hours >= 48 { format!("{} d {} h", hours / 24, hours % 24) } else { age.to_string() }
}
