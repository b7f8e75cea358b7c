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
        if !is_sound(loaded, &code) {
            continue;
        }
        let next = match first_opening(loaded, &code, start) {
            Some((day, _)) if day <= end => continue,
            Some((_, shown)) => format!("its next opening begins {shown}"),
            None => "it has no opening in the year after that either".to_owned(),
        };
        found.push(
            Diagnostic::error(CODE, format!("site {code} cannot be changed while its wave lasts"))
                .at(member.span.clone(), format!("no opening from {start} to {end}"))
                .note(next)
                .help(format!("give {code} another window, or move the wave")),
        );
    }
}

/// Whether the site's windows and zone can be understood; what is wrong with them is reported by their own rule.
fn is_sound(loaded: &Loaded, code: &SiteCode) -> bool {
    let mut problems = Diagnostics::default();
    let Some(site) = loaded.site(code) else { return false };
    // The zone of the estate is the one of a site without windows.
    if zone::named(loaded.estate.zone_name()).is_none() {
        return false;
    }
    site.windows.iter().for_each(|window| windows::check_window(window, &mut problems));
    problems.iter().next().is_none()
}

/// The day on which the site's first opening of the wave begins, and the moment for people.
fn first_opening(loaded: &Loaded, code: &SiteCode, start: Date) -> Option<(Date, String)> {
    let mut calendar = calendar_of(loaded, &ScopeId::Site(code.clone()));
    calendar.first_day = Some(start);
    let own = zone::named(&calendar.zone)?;
    let ever = Timestamp::from_millis(i64::MIN);
    let (begin, _) = *calendar.openings(ever, 1).first()?;
    Some((zone::local(&own, begin).date(), zone::shown(&own, begin)))
}
