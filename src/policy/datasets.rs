//! Rules about data: what each site has is inventoried, classified, declared before it is used, and de-identified before
//! it is used for more than care.

use std::collections::BTreeSet;

use crate::base::diagnostic::{Diagnostic, Diagnostics};
use crate::base::redact::shown;
use crate::model::register::{
    AgreementKind, Dataset, Method, Register, Registers, SECONDARY_USES, Scan, SystemCategory, Terms,
};

use super::View;

pub(super) const INVENTORY: &str = "policy.inventory";
pub(super) const CLASSIFY: &str = "policy.classify";
pub(super) const FLOW: &str = "policy.phi-flow";
pub(super) const DEID: &str = "policy.deid";

/// INVENTORY: every sort of system is listed, or said not to apply.
pub(super) fn inventory(view: View<'_>, found: &mut Diagnostics) {
    let registers = &view.loaded.registers;
    let Some(file) = registers.files.get(&Register::Systems) else { return };
    for site in view.sites() {
        let code = site.site.written_code.value.as_str();
        let known: BTreeSet<SystemCategory> =
            registers.systems_of(code).map(|system| system.category).collect();
        let missing = SystemCategory::ALL.iter().filter(|(_, category, _)| !known.contains(category));
        let missing: Vec<&str> = missing.map(|(_, _, name)| *name).collect();
        if !missing.is_empty() {
            found.push(
                Diagnostic::warning(
                    INVENTORY,
                    format!("the inventory of {code} says nothing about {}", missing.join(", ")),
                )
                .at(file.clone(), "belongs here")
                .help("add a [[system]] for each, or one with `not_applicable` and the reason"),
            );
        }
    }
}

/// CLASSIFY: data has purposes and an end, and every column that is known has a class.
pub(super) fn classify(view: View<'_>, found: &mut Diagnostics) {
    let registers = &view.loaded.registers;
    for dataset in &registers.datasets {
        let id = &dataset.id;
        let bare = dataset.columns.iter().filter(|column| column.class.is_none());
        let bare: Vec<String> = bare.map(|column| shown(&column.name.value).to_string()).collect();
        if !bare.is_empty() {
            let message = format!("columns of `{}` are not classified: {}", id.value, bare.join(", "));
            found.push(Diagnostic::error(CLASSIFY, message).at(id.span.clone(), "in this dataset").help(
                "give each a `class`, such as phi.identifier, phi.date or none: masks and filters go by it",
            ));
        }
        if !dataset.phi {
            continue;
        }
        let mut lacks = Vec::new();
        if registers.purposes_of(dataset).is_empty() {
            lacks.push("purposes");
        }
        if dataset.retention_days.is_none() {
            lacks.push("retention_days");
        }
        if !lacks.is_empty() {
            let message = format!("PHI dataset `{}` has no {}", id.value, lacks.join(" and no "));
            found.push(
                Diagnostic::error(CLASSIFY, message)
                    .at(id.span.clone(), "not classified")
                    .help("say what it may be used for, and for how many days it is kept"),
            );
        }
    }
}

/// PHI-FLOW: what is read is declared, at the same site. A warning: the map of flows shows it too, and the gate of
/// agreements stays shut.
pub(super) fn flow(view: View<'_>, found: &mut Diagnostics) {
    let registers = &view.loaded.registers;
    if !registers.files.contains_key(&Register::Datasets) {
        return;
    }
    let uses = registers.use_cases.iter().flat_map(|one| {
        one.consumes.iter().map(move |id| (id, format!("use case `{}` reads", one.name.value)))
    });
    let made = registers.datasets.iter().flat_map(|one| {
        one.from.iter().map(move |id| (id, format!("dataset `{}` is made from", one.id.value)))
    });
    for (id, by) in uses.chain(made).filter(|(id, _)| registers.dataset(&id.value).is_none()) {
        let problem =
            Diagnostic::warning(FLOW, format!("{by} `{}`, which is declared nowhere", shown(&id.value)))
                .at(id.span.clone(), "consumed, never declared");
        let known = registers.datasets.iter().map(|dataset| dataset.id.value.as_str());
        found.push(match crate::base::diagnostic::nearest(&id.value, known) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => {
                problem.help("declare it with [[dataset]]: where it comes from, and whether it holds PHI")
            }
        });
    }
    for dataset in &registers.datasets {
        let Some(system) = &dataset.system else { continue };
        let at_site = registers.systems_of(&dataset.site.value);
        if at_site.filter_map(|one| one.name.as_ref()).all(|name| name.value != system.value) {
            let message = format!("{} has no system `{}`", dataset.site.value, shown(&system.value));
            found.push(
                Diagnostic::warning(FLOW, message)
                    .at(system.span.clone(), "where this dataset is to come from")
                    .help("add the system to the inventory"),
            );
        }
    }
}

/// DEID: research, analytics and other secondary uses go by Safe Harbor or Expert Determination.
pub(super) fn deidentified(view: View<'_>, found: &mut Diagnostics) {
    let registers = &view.loaded.registers;
    for dataset in &registers.datasets {
        let Some(why) = no_pathway(registers, dataset) else { continue };
        let place = dataset.deid.as_ref().unwrap_or(&dataset.id);
        found.push(
            Diagnostic::warning(DEID, why)
                .at(place.span.clone(), "until then, PHI of its site is blocked")
                .help("name an agreement of kind `deid` in `deid`: safe-harbor with a passed scan, or expert-determination with report, expert and expires"),
        );
    }
}

/// Why a dataset may not be used for its purposes; nothing if it may.
pub(super) fn no_pathway(registers: &Registers, dataset: &Dataset) -> Option<String> {
    let purposes = registers.purposes_of(dataset);
    let secondary = purposes.iter().find(|purpose| SECONDARY_USES.contains(&purpose.as_str()))?;
    let id = &dataset.id.value;
    let agreement = dataset.deid.as_ref().and_then(|named| registers.agreement(&named.value));
    let Some(agreement) = agreement.filter(|one| one.kind == AgreementKind::Deid) else {
        return Some(format!("`{id}` is for {secondary}, and nothing says how it is de-identified"));
    };
    let missing = match &agreement.terms {
        Terms::Deid(deid) => match deid.method {
            Method::SafeHarbor => {
                (deid.scan != Some(Scan::Passed)).then_some("a scan for identifiers that passed")
            }
            Method::ExpertDetermination if deid.report.is_none() => Some("the id of the expert's report"),
            Method::ExpertDetermination if deid.expert.is_none() => Some("the expert"),
            Method::ExpertDetermination if agreement.expires.is_none() => Some("the day on which it expires"),
            Method::ExpertDetermination => None,
        },
        Terms::Plain | Terms::Scope { .. } | Terms::Guardrails(_) | Terms::Residency { .. } => None,
    };
    missing.map(|missing| format!("`{id}` is for {secondary}, and `{}` lacks {missing}", agreement.id.value))
}
