//! Rules about agreements: rows name what exists, providers and tools have a BAA, data of others a data use agreement.

use std::collections::BTreeSet;

use jiff::civil::Date;

use crate::base::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::base::redact::shown;
use crate::base::span::Located;
use crate::model::register::{Agreement, AgreementKind, Register, Registers};

use super::{SiteView, View};

pub(super) const ROWS: &str = "policy.registers";
pub(super) const BAA: &str = "policy.baa-before-phi";
pub(super) const COVERAGE: &str = "policy.baa-coverage";
pub(super) const DUA: &str = "policy.dua";

/// Who has PHI as soon as there is some: what they are, and the name they go by in the register.
pub(super) const PROVIDERS: [(&str, &str); 2] =
    [("the cloud's provider", "aws"), ("the platform's provider", "databricks")];

/// REGISTERS: rows name sites and agreements that exist, of the sort that is asked for.
pub(super) fn rows(view: View<'_>, found: &mut Diagnostics) {
    let registers = &view.loaded.registers;
    let sites: Vec<&str> = view.loaded.sites.iter().map(|site| site.written_code.value.as_str()).collect();
    for code in site_codes(registers).filter(|code| !sites.contains(&code.value.as_str())) {
        unknown("site", code, sites.iter().copied(), found);
    }
    let ids = registers.agreements.iter().map(|agreement| agreement.id.value.as_str());
    let mut named = |named: Option<&Located<String>>, kinds: &[AgreementKind]| {
        let Some(named) = named else { return };
        match registers.agreement(&named.value) {
            None => unknown("agreement", named, ids.clone(), found),
            Some(agreement) if !kinds.contains(&agreement.kind) => {
                let words: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
                let message = format!("`{}` is no {}", named.value, words.join(" or "));
                found.push(
                    Diagnostic::error(ROWS, message)
                        .at(named.span.clone(), "named here")
                        .at(agreement.span.clone(), format!("a {}", agreement.kind.word())),
                );
            }
            Some(_) => {}
        }
    };
    registers.systems.iter().for_each(|system| named(system.baa.as_ref(), &AgreementKind::BAAS));
    for dataset in &registers.datasets {
        named(dataset.agreement.as_ref(), &[AgreementKind::Dua]);
        named(dataset.deid.as_ref(), &[AgreementKind::Deid]);
    }
}

fn site_codes(registers: &Registers) -> impl Iterator<Item = &Located<String>> {
    let agreements = registers.agreements.iter().flat_map(|row| &row.sites);
    let use_cases = registers.use_cases.iter().flat_map(|row| &row.sites);
    let risks = registers.risks.iter().filter_map(|row| row.site.as_ref());
    let metrics = registers.metrics.iter().filter_map(|row| row.site.as_ref());
    let systems = registers.systems.iter().map(|row| &row.site);
    let datasets = registers.datasets.iter().map(|row| &row.site);
    agreements.chain(use_cases).chain(risks).chain(metrics).chain(systems).chain(datasets)
}

fn unknown<'k>(
    what: &str,
    named: &Located<String>,
    known: impl Iterator<Item = &'k str>,
    found: &mut Diagnostics,
) {
    let message = format!("there is no {what} `{}`", shown(&named.value));
    let problem = Diagnostic::error(ROWS, message).at(named.span.clone(), "named here");
    found.push(match nearest(&named.value, known) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem.help(format!("declare it, or remove the {what} from this row")),
    });
}

/// Why a provider or tool may not have PHI of a site on a day; nothing if an agreement in force covers it. The agreement
/// that is nearest to covering it comes along.
pub(super) fn uncovered<'r>(
    registers: &'r Registers,
    site: &'r str,
    tool: &str,
    day: Option<Date>,
) -> Option<(String, Option<&'r Agreement>)> {
    let mut nearest = None;
    for agreement in registers.agreements_of(site, &AgreementKind::BAAS) {
        if !agreement.covers_tool(tool) {
            continue;
        }
        // Without a day only what holds on every day counts.
        let fault = match day {
            Some(day) => agreement.fault_on(day),
            None => agreement.signed.and_then(|signed| agreement.fault_on(signed)),
        };
        match fault {
            None if day.is_some() || agreement.signed.is_some() => return None,
            None => nearest = Some((format!("`{}` is not signed", agreement.id.value), Some(agreement))),
            Some(fault) => nearest = Some((format!("`{}` {fault}", agreement.id.value), Some(agreement))),
        }
    }
    Some(nearest.unwrap_or_else(|| (format!("no business associate agreement covers {tool}"), None)))
}

/// The last day for which files can tell that an agreement has to hold: the end of the site's wave, or the program's first
/// day where waves have no dates.
pub(super) fn needed_until(view: View<'_>, site: &SiteView<'_>) -> Option<Date> {
    let wave = view.loaded.wave_of(site.code.as_str());
    wave.and_then(|wave| wave.end.or(wave.start)).or(view.loaded.estate.day_one)
}

/// BAA-BEFORE-PHI: a warning, because what holds no PHI may be built before everybody has signed.
pub(super) fn before_phi(view: View<'_>, found: &mut Diagnostics) {
    let registers = &view.loaded.registers;
    let Some(file) = registers.files.get(&Register::Agreements) else { return };
    for site in view.sites() {
        let code = site.site.written_code.value.as_str();
        let until = needed_until(view, &site);
        for (what, provider) in PROVIDERS {
            let Some((why, agreement)) = uncovered(registers, code, provider, until) else { continue };
            let place = agreement.map_or(file, |agreement| &agreement.span);
            let message = format!("{what} may have no PHI of {code}: {why}");
            let problem =
                Diagnostic::warning(BAA, message).at(place.clone(), "until it is in force, PHI is blocked");
            let problem = match until {
                Some(until) => problem.note(format!("it has to be in force on {until}")),
                None => problem,
            };
            found.push(problem.help(format!(
                "add or renew an executed `baa` or `vendor-baa` that covers {provider}; objects without PHI may be made before"
            )));
        }
    }
}

/// BAA-COVERAGE: every tool that PHI of a site passes through.
pub(super) fn coverage(view: View<'_>, found: &mut Diagnostics) {
    let registers = &view.loaded.registers;
    let mut told: BTreeSet<(String, &str)> = BTreeSet::new();
    for site in view.sites() {
        let code = site.site.written_code.value.as_str();
        let systems = registers.systems_of(code).filter(|system| system.phi).flat_map(|system| {
            let name = system.name.as_ref().map_or("", |name| name.value.as_str());
            system.tools.iter().map(move |tool| (tool, format!("system `{name}`")))
        });
        let reads_phi = |id: &Located<String>| registers.dataset(&id.value).is_none_or(|one| one.phi);
        let uses = registers.use_cases_of(code).filter(|one| one.consumes.iter().any(reads_phi));
        let uses = uses.flat_map(|one| {
            one.tools.iter().map(move |tool| (tool, format!("use case `{}`", one.name.value)))
        });
        // Cloud and platform are for the rule before this one: without their agreements, what holds no PHI may be made.
        let is_tool = |tool: &Located<String>| PROVIDERS.iter().all(|(_, provider)| tool.value != *provider);
        for (tool, by) in systems.chain(uses).filter(|(tool, _)| is_tool(tool)) {
            let Some((why, _)) = uncovered(registers, code, &tool.value, None) else { continue };
            if !told.insert((by.clone(), &tool.value)) {
                continue;
            }
            let message = format!("{by} hands PHI of {code} to `{}`: {why}", shown(&tool.value));
            found.push(
                Diagnostic::error(COVERAGE, message)
                    .at(tool.span.clone(), "not covered")
                    .help("name it in `covers` of an executed agreement of kind `baa` or `vendor-baa`, or take it out of the way of PHI"),
            );
        }
    }
}

/// DUA: data of others is held under a data use agreement, its provenance is known, and nothing goes beyond what is
/// permitted.
pub(super) fn data_use(view: View<'_>, found: &mut Diagnostics) {
    let registers = &view.loaded.registers;
    for dataset in registers.datasets.iter().filter(|dataset| registers.is_third_party(dataset)) {
        let id = &dataset.id;
        let agreement = dataset.agreement.as_ref().and_then(|named| registers.agreement(&named.value));
        let mut missing = Vec::new();
        match (&dataset.agreement, agreement) {
            (None, _) => missing.push("a data use agreement".to_owned()),
            (Some(_), Some(agreement)) if agreement.expires.is_none() => {
                missing.push(format!("the day on which `{}` expires", agreement.id.value));
            }
            (Some(_), Some(_) | None) => {}
        }
        if dataset.provenance.is_none() {
            missing.push("its provenance".to_owned());
        }
        if !missing.is_empty() {
            let message = format!("third-party dataset `{}` lacks {}", id.value, missing.join(" and "));
            found.push(
                Diagnostic::warning(DUA, message)
                    .at(id.span.clone(), "nothing of it may be ingested")
                    .help("add `agreement` (of kind `dua`, with `expires`) and `provenance`"),
            );
        }
        let permitted = agreement.map_or(&[][..], |agreement| &agreement.permitted_uses);
        let beyond = dataset.purposes.iter().filter(|purpose| !permitted.contains(purpose));
        for purpose in beyond.filter(|_| agreement.is_some()) {
            let message = format!("`{}` may not be used for {}", id.value, shown(purpose));
            found.push(
                Diagnostic::error(DUA, message)
                    .at(id.span.clone(), "its purposes go beyond its agreement")
                    .help(format!("its agreement permits {}", permitted.join(", "))),
            );
        }
    }
}
