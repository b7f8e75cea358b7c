//! WINDOW: change windows, freezes and zones that can be understood; a window's end comes after its begin.

use crate::base::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::base::limits::{FREEZES_MAX, WINDOWS_MAX};
use crate::base::redact::shown;
use crate::base::span::Located;
use crate::model::calendar::{ClockTime, Weekday, zone};
use crate::model::estate::Window;

use super::View;

pub(super) const CODE: &str = "policy.window";

pub(super) fn check(view: View<'_>, found: &mut Diagnostics) {
    let loaded = view.loaded;
    for site in &loaded.sites {
        if let Some(window) = site.windows.get(WINDOWS_MAX) {
            let message =
                format!("site {} has {} windows", shown(&site.written_code.value), site.windows.len());
            let help = format!("a site has at most {WINDOWS_MAX}: put days with the same times into one");
            found.push(Diagnostic::error(CODE, message).at(window.span.clone(), "one too many").help(help));
        }
        site.windows.iter().for_each(|window| check_window(window, found));
    }
    if let Some(zone) = &loaded.estate.zone {
        check_zone(zone, found);
    }
    freezes(view, found);
}

/// Everything that is wrong with one window.
pub(super) fn check_window(window: &Window, found: &mut Diagnostics) {
    days(window, found);
    times(window, found);
    check_zone(&window.zone, found);
}

fn freezes(view: View<'_>, found: &mut Diagnostics) {
    let freezes = &view.loaded.estate.freezes;
    if let Some(freeze) = freezes.get(FREEZES_MAX) {
        let message = format!("the estate has {} freezes", freezes.len());
        let help = format!("at most {FREEZES_MAX} are kept: remove those that are over");
        found.push(Diagnostic::error(CODE, message).at(freeze.span.clone(), "one too many").help(help));
    }
    let known: Vec<&str> = view.loaded.sites.iter().map(|site| site.written_code.value.as_str()).collect();
    for (freeze, site) in
        freezes.iter().flat_map(|freeze| freeze.sites.iter().map(move |site| (freeze, site)))
    {
        if known.contains(&site.value.as_str()) {
            continue;
        }
        let problem = Diagnostic::error(CODE, format!("there is no site `{}`", shown(&site.value)))
            .at(site.span.clone(), format!("in freeze `{}`", shown(&freeze.name)));
        found.push(match nearest(&site.value, known.iter().copied()) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem.help("a freeze without `sites` holds for everything"),
        });
    }
}

fn days(window: &Window, found: &mut Diagnostics) {
    if window.days.is_empty() {
        found.push(
            Diagnostic::error(CODE, "this window has no days")
                .at(window.span.clone(), "")
                .help("add days = [\"Tue\", \"Thu\"]"),
        );
    }
    for day in window.days.iter().filter(|day| Weekday::named(&day.value).is_none()) {
        let problem = Diagnostic::error(CODE, format!("`{}` is not a day", shown(&day.value)));
        let start: String = day.value.chars().take(3).collect();
        let near = nearest(&start, Weekday::ALL.map(|(word, _)| word)).unwrap_or("Mon");
        found.push(problem.at(day.span.clone(), "unknown day").help(format!("did you mean `{near}`?")));
    }
}

fn time(text: &Located<String>, found: &mut Diagnostics) -> Option<ClockTime> {
    let time = text.value.parse().ok();
    if time.is_none() {
        found.push(
            Diagnostic::error(CODE, format!("`{}` is not a time", shown(&text.value)))
                .at(text.span.clone(), "expected a time such as 01:30")
                .help("write hours 00 to 23 and minutes 00 to 59"),
        );
    }
    time
}

fn times(window: &Window, found: &mut Diagnostics) {
    let (Some(from), Some(to)) = (time(&window.from, found), time(&window.to, found)) else { return };
    let shown = format!("{} to {}", window.from.value, window.to.value);
    let (message, help) = if from == to {
        ("has no length", "give it an end that is not its begin")
    } else if from > to && !window.crosses_midnight {
        (
            "ends before it begins",
            "swap the times, or add `crosses_midnight = true` if it ends on the next day",
        )
    } else if from < to && window.crosses_midnight {
        ("does not cross midnight", "remove `crosses_midnight`, or swap the times")
    } else {
        return;
    };
    found.push(
        Diagnostic::error(CODE, format!("the window {shown} {message}"))
            .at(window.to.span.clone(), "the end")
            .at(window.from.span.clone(), "the begin")
            .help(help),
    );
}

fn check_zone(name: &Located<String>, found: &mut Diagnostics) {
    if zone::named(&name.value).is_none() {
        found.push(
            Diagnostic::error(CODE, format!("`{}` is not a time zone", shown(&name.value)))
                .at(name.span.clone(), "unknown zone")
                .help("write an IANA name such as America/New_York"),
        );
    }
}
