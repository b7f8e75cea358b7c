//! WAVE-OPENING: a wave has days on which its sites may be changed.

use jiff::civil::Date;

use crate::base::diagnostic::{Diagnostic, Diagnostics};
use crate::base::id::{ScopeId, SiteCode};
use crate::base::time::Timestamp;
use crate::model::calendar::zone;
use crate::model::estate::{Loaded, Wave, calendar_of};

use super::{View, windows};

pub(super) const CODE: &str = "policy.wave-opening";

pub(super) fn check(view: View<'_>, found: &mut Diagnostics) {
    for wave in &view.loaded.estate.waves {
        if let (Some(start), Some(end)) = (wave.start, wave.end) {
            check_wave(view.loaded, wave, (start, end), found);
        }
    }
}

fn check_wave(loaded: &Loaded, wave: &Wave, (start, end): (Date, Date), found: &mut Diagnostics) {
    let covers = |from: Date, to: Date| from <= start && end <= to;
    let freezes = &loaded.estate.freezes;
    if let Some(freeze) = freezes.iter().find(|f| f.sites.is_empty() && covers(f.from, f.to)) {
        found.push(
            Diagnostic::error(CODE, format!("wave `{}` lies wholly in a freeze", wave.name))
                .at(wave.span.clone(), format!("{start} to {end}"))
                .at(freeze.span.clone(), format!("{} to {}", freeze.from, freeze.to))
                .help("move the wave, or the freeze"),
        );
        return;
    }
    for member in &wave.sites {
        let Ok(code) = SiteCode::new(member.value.as_str()) else { continue };
        if is_sound(loaded, &code) && !opens(loaded, &code, start, end) {
            found.push(
                Diagnostic::error(CODE, format!("site {code} cannot be changed while its wave lasts"))
                    .at(member.span.clone(), format!("no opening from {start} to {end}"))
                    .help(format!(
                        "give {code} another window, or move the wave; landfall schedule shows its openings"
                    )),
            );
        }
    }
}

/// Whether the site's windows can be understood; what is wrong with them is reported by their own rule.
fn is_sound(loaded: &Loaded, code: &SiteCode) -> bool {
    let mut problems = Diagnostics::default();
    let Some(site) = loaded.site(code) else { return false };
    site.windows.iter().for_each(|window| windows::check_window(window, &mut problems));
    problems.iter().next().is_none()
}

fn opens(loaded: &Loaded, code: &SiteCode, start: Date, end: Date) -> bool {
    let mut calendar = calendar_of(loaded, &ScopeId::Site(code.clone()));
    calendar.first_day = Some(start);
    // A zone that does not exist is reported by the rule about windows.
    let Some(own) = zone::named(&calendar.zone) else { return true };
    let ever = Timestamp::from_millis(i64::MIN);
    calendar.openings(ever, 1).first().is_some_and(|(begin, _)| zone::local(&own, *begin).date() <= end)
}
