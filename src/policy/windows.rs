//! WINDOW: change windows that can be understood, and whose end comes after their begin.

use crate::base::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::base::redact::shown;
use crate::base::span::Located;
use crate::model::estate::Window;

use super::View;

pub(super) const CODE: &str = "policy.window";

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

pub(super) fn check(view: View<'_>, found: &mut Diagnostics) {
    for window in view.loaded.sites.iter().flat_map(|site| &site.windows) {
        days(window, found);
        times(window, found);
        zone(window, found);
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
    for day in window.days.iter().filter(|day| !DAYS.contains(&day.value.as_str())) {
        let problem = Diagnostic::error(CODE, format!("`{}` is not a day", shown(&day.value)));
        let start: String = day.value.chars().take(3).collect();
        let near = nearest(&start, DAYS).unwrap_or("Mon");
        found.push(problem.at(day.span.clone(), "unknown day").help(format!("did you mean `{near}`?")));
    }
}

/// Minutes since midnight of a time such as `01:30`.
fn minutes(text: &Located<String>, found: &mut Diagnostics) -> Option<u32> {
    let parts = text.value.split_once(':').filter(|(hour, minute)| hour.len() == 2 && minute.len() == 2);
    let number =
        |part: &str| part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse::<u32>().ok()).flatten();
    let time = parts.and_then(|(hour, minute)| Some((number(hour)?, number(minute)?)));
    let time = time.filter(|(hour, minute)| *hour < 24 && *minute < 60);
    if time.is_none() {
        found.push(
            Diagnostic::error(CODE, format!("`{}` is not a time", shown(&text.value)))
                .at(text.span.clone(), "expected a time such as 01:30")
                .help("write hours 00 to 23 and minutes 00 to 59"),
        );
    }
    time.map(|(hour, minute)| hour * 60 + minute)
}

fn times(window: &Window, found: &mut Diagnostics) {
    let (Some(from), Some(to)) = (minutes(&window.from, found), minutes(&window.to, found)) else { return };
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

fn zone(window: &Window, found: &mut Diagnostics) {
    let name = &window.zone.value;
    // `UTC+5` and the like would be taken for a rule; only names of places follow their law.
    if name.contains('/') && jiff::tz::TimeZone::get(name).is_ok() || name == "UTC" {
        return;
    }
    found.push(
        Diagnostic::error(CODE, format!("`{}` is not a time zone", shown(name)))
            .at(window.zone.span.clone(), "unknown zone")
            .help("write an IANA name such as America/New_York"),
    );
}
