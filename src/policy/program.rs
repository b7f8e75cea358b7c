//! Rules about the program: forks of templates, waves.

use std::collections::BTreeMap;

use crate::base::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::base::redact::shown;
use crate::base::span::Span;
use crate::model::estate::{Waiver, WaveKind};

use super::View;

pub(super) const FORK: &str = "policy.no-template-fork";
pub(super) const SIZE: &str = "policy.wave-size";
pub(super) const MEMBER: &str = "policy.wave-membership";

/// Fewer do not show that a wave works, more cannot be watched by one team.
const SCALE_SITES: std::ops::RangeInclusive<usize> = 3..=5;

pub(super) fn forks(view: View<'_>, found: &mut Diagnostics) {
    for span in &view.loaded.forks {
        let path = &view.loaded.sources.get(span.source).path;
        found.push(
            Diagnostic::error(FORK, format!("{path} is a template of one site"))
                .at(span.clone(), "forked here")
                .help("say the difference as a site parameter or an EHR variant, and read it in the pack"),
        );
    }
}

pub(super) fn wave_sizes(view: View<'_>, found: &mut Diagnostics) {
    for wave in &view.loaded.estate.waves {
        let fits = match wave.kind {
            WaveKind::Pilot | WaveKind::Repeatability => true,
            WaveKind::Scale => SCALE_SITES.contains(&wave.sites.len()),
        };
        if fits {
            continue;
        }
        let message = format!("wave `{}` has {} sites", wave.name, wave.sites.len());
        // What is too large cannot be watched, whoever answers for it.
        let waiver = wave.waiver.as_ref().filter(|_| wave.sites.len() < *SCALE_SITES.start());
        found.push(match waiver {
            Some(waiver) if wave.end.or(wave.start).is_none_or(|day| day <= waiver.value.until) => {
                let Waiver { owner, reason, until } = &waiver.value;
                Diagnostic::warning(SIZE, message)
                    .at(waiver.span.clone(), format!("waived until {until} by {owner}: {reason}"))
            }
            Some(waiver) => Diagnostic::error(SIZE, message)
                .at(
                    waiver.span.clone(),
                    format!("the waiver ends on {}, before the wave does", waiver.value.until),
                )
                .help("let the owner renew the waiver, or move sites to this wave"),
            None => {
                let small = wave.sites.len() < *SCALE_SITES.start();
                let help = if small {
                    "move sites to this wave, or add a [wave.waiver] with owner, reason and until"
                } else {
                    "move sites to another wave"
                };
                Diagnostic::error(SIZE, message).at(wave.span.clone(), "a scale wave has 3 to 5").help(help)
            }
        });
    }
}

pub(super) fn wave_members(view: View<'_>, found: &mut Diagnostics) {
    let known: Vec<&str> = view.loaded.sites.iter().map(|site| site.written_code.value.as_str()).collect();
    let mut taken: BTreeMap<&str, &Span> = BTreeMap::new();
    for wave in &view.loaded.estate.waves {
        for member in &wave.sites {
            let code = member.value.as_str();
            if !known.contains(&code) {
                let problem = Diagnostic::error(MEMBER, format!("there is no site `{}`", shown(code)))
                    .at(member.span.clone(), format!("in wave `{}`", wave.name));
                found.push(match nearest(code, known.iter().copied()) {
                    Some(near) => problem.help(format!("did you mean `{near}`?")),
                    None => problem.help(format!("add sites/{}.toml", shown(code))),
                });
            } else if let Some(first) = taken.insert(code, &member.span) {
                found.push(
                    Diagnostic::error(MEMBER, format!("site {code} is listed twice"))
                        .at(member.span.clone(), "the second time")
                        .at(first.clone(), "the first time")
                        .help("a site is in one wave, once"),
                );
            }
        }
    }
}
