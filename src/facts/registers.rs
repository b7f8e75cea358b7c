//! The rows of the registers that concern one scope.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde_json::{Map, Value, json};

use crate::base::id::ScopeId;
use crate::base::span::Located;
use crate::model::estate::Loaded;
use crate::model::register::{
    Agreement, AgreementKind, Dataset, Decision, Goal, Metric, Registers, Risk, System, SystemCategory,
    Terms, UseCase,
};

/// What the registers say of a scope: a site's own rows and those that hold for all; anywhere else only the latter.
pub(super) fn of_scope(loaded: &Loaded, scope: &ScopeId, today: Option<Date>) -> Value {
    let view = View { registers: &loaded.registers, site: scope.site().map(|code| code.as_str()), today };
    json!({
        "present": loaded.registers.files.keys().map(|register| register.word()).collect::<Vec<_>>(),
        "agreements": view.agreements(),
        "systems": view.systems(),
        "use_cases": view.use_cases(),
        "datasets": view.datasets(),
        "risks": view.rows(&loaded.registers.risks, |risk| risk.site.as_ref(), risk_row),
        "metrics": view.rows(&loaded.registers.metrics, |metric| metric.site.as_ref(), metric_row),
    })
}

struct View<'r> {
    registers: &'r Registers,
    site: Option<&'r str>,
    today: Option<Date>,
}

impl<'r> View<'r> {
    /// The rows for all, and those of the own site.
    fn rows<T>(
        &self,
        all: &'r [T],
        site: impl Fn(&'r T) -> Option<&'r Located<String>>,
        row: impl Fn(&'r T) -> Value,
    ) -> Vec<Value> {
        let seen =
            |one: &&'r T| site(one).is_none_or(|of| self.site.is_some_and(|own| own == of.value.as_str()));
        all.iter().filter(seen).map(row).collect()
    }

    /// By kind; every kind is there, though it may have no row.
    fn agreements(&self) -> Value {
        let mut kinds: Map<String, Value> =
            AgreementKind::ALL.iter().map(|(word, _)| ((*word).to_owned(), json!([]))).collect();
        for agreement in &self.registers.agreements {
            let concerns = match self.site {
                Some(site) => agreement.holds_for(site),
                None => agreement.sites.is_empty(),
            };
            let row = concerns.then(|| self.agreement(agreement));
            if let (Some(row), Some(rows)) =
                (row, kinds.get_mut(agreement.kind.word()).and_then(Value::as_array_mut))
            {
                rows.push(row);
            }
        }
        kinds.into()
    }

    fn agreement(&self, agreement: &Agreement) -> Value {
        let mut row = agreement_row(agreement);
        let Some(fields) = row.as_object_mut() else { return row };
        let covers: BTreeSet<&str> = self.own(&agreement.covers).collect();
        fields.insert("covers".to_owned(), json!(covers));
        fields.insert("sites".to_owned(), json!(self.site.filter(|_| !agreement.sites.is_empty())));
        if let Some(today) = self.today {
            let fault = agreement.fault_on(today);
            fields.insert("valid".to_owned(), json!(fault.is_none()));
            fields.insert("fault".to_owned(), json!(fault));
        }
        row
    }

    /// The datasets of a list but those of other sites: they are not for this one to know.
    fn own(&self, listed: &'r [Located<String>]) -> impl Iterator<Item = &'r str> {
        let foreign = |id: &str| {
            self.registers
                .dataset(id)
                .is_some_and(|dataset| self.site.is_none_or(|own| own != dataset.site.value))
        };
        listed.iter().map(|one| one.value.as_str()).filter(move |id| !foreign(id))
    }

    fn use_case(&self, one: &'r UseCase) -> Value {
        let mut row = use_case_row(one);
        if let Some(fields) = row.as_object_mut() {
            fields.insert("consumes".to_owned(), json!(self.own(&one.consumes).collect::<Vec<_>>()));
        }
        row
    }

    fn systems(&self) -> Value {
        let own: Vec<&System> =
            self.site.map(|site| self.registers.systems_of(site).collect()).unwrap_or_default();
        let mut categories = Map::new();
        for (word, category, _) in SystemCategory::ALL {
            let of = own.iter().filter(|system| system.category == category);
            let reason = of.clone().find_map(|system| system.not_applicable.as_ref());
            let rows: Vec<Value> = of
                .filter(|system| system.not_applicable.is_none())
                .map(|system| system_row(system))
                .collect();
            let value = match reason {
                Some(reason) if rows.is_empty() => json!({ "not_applicable": reason }),
                Some(_) | None => rows.into(),
            };
            categories.insert(word.to_owned(), value);
        }
        let all: Vec<Value> = own
            .iter()
            .filter(|system| system.not_applicable.is_none())
            .map(|system| system_row(system))
            .collect();
        json!({ "categories": categories, "all": all })
    }

    /// The shortlist holds what was chosen from it, too.
    fn use_cases(&self) -> Value {
        let own: Vec<&UseCase> =
            self.site.map(|site| self.registers.use_cases_of(site).collect()).unwrap_or_default();
        let chosen = own.iter().filter(|one| one.decision == Decision::Deliver);
        json!({
            "shortlist": own.iter().map(|one| self.use_case(one)).collect::<Vec<_>>(),
            "deliver": chosen.map(|one| self.use_case(one)).collect::<Vec<_>>(),
        })
    }

    fn datasets(&self) -> Value {
        let own: Vec<&Dataset> =
            self.site.map(|site| self.registers.datasets_of(site).collect()).unwrap_or_default();
        let rows = |keep: &dyn Fn(&Dataset) -> bool| -> Vec<Value> {
            own.iter()
                .filter(|dataset| keep(dataset))
                .map(|dataset| dataset_row(self.registers, dataset))
                .collect()
        };
        let ids = |phi: bool| own.iter().filter(move |one| one.phi || !phi).map(|one| one.id.value.as_str());
        let ids = |phi: bool| ids(phi).collect::<BTreeSet<&str>>();
        let known = ids(false);
        let uses = self.site.into_iter().flat_map(|site| self.registers.use_cases_of(site));
        let read = uses.flat_map(|one| &one.consumes).chain(own.iter().flat_map(|one| &one.from));
        // Of a use case of several sites, every site reads its own datasets.
        let elsewhere = |id: &str| self.registers.dataset(id).is_some();
        let undeclared: BTreeSet<&str> =
            read.map(|id| id.value.as_str()).filter(|id| !known.contains(id) && !elsewhere(id)).collect();
        let third = |dataset: &Dataset| self.registers.is_third_party(dataset);
        let secondary = |dataset: &Dataset| is_secondary(self.registers.purposes_of(dataset));
        json!({
            "all": rows(&|_| true),
            "ids": known,
            "phi_ids": ids(true),
            "third_party": rows(&third),
            "secondary": rows(&secondary),
            "undeclared": undeclared,
        })
    }
}

/// Whether data is used for more than what it was collected for.
fn is_secondary(purposes: &[String]) -> bool {
    purposes.iter().any(|purpose| crate::model::register::SECONDARY_USES.contains(&purpose.as_str()))
}

fn texts(all: &[Located<String>]) -> Vec<&str> {
    all.iter().map(|text| text.value.as_str()).collect()
}

/// A day as the facts write it.
pub(super) fn day(day: Option<Date>) -> Option<String> {
    day.map(|day| day.to_string())
}

fn text(one: Option<&Located<String>>) -> Option<&str> {
    one.map(|text| text.value.as_str())
}

/// An agreement as it was written.
pub fn agreement_row(agreement: &Agreement) -> Value {
    let document = agreement.document.as_ref();
    let mut row = json!({
        "id": agreement.id.value,
        "kind": agreement.kind.word(),
        "party": agreement.party,
        "covers": texts(&agreement.covers),
        "sites": texts(&agreement.sites),
        "signed": day(agreement.signed),
        "expires": day(agreement.expires),
        "document": document.map(|one| json!({ "name": one.name, "sha256": one.sha256 })),
        "permitted_uses": agreement.permitted_uses,
        "owner": agreement.owner,
        "status": agreement.status.word(),
    });
    let more = match &agreement.terms {
        Terms::Plain => json!({}),
        Terms::Scope { areas, version } => {
            json!({ "areas": areas.iter().map(|area| area.word()).collect::<Vec<_>>(), "version": version })
        }
        Terms::Deid(deid) => json!({
            "method": deid.method.word(),
            "report": deid.report,
            "expert": deid.expert,
            "scan": deid.scan.map(|scan| scan.word()),
        }),
        Terms::Guardrails(sections) => json!({ "sections": sections }),
        Terms::Residency { region, approved_by } => {
            json!({ "region": region.value, "approved_by": approved_by })
        }
    };
    if let (Some(row), Value::Object(more)) = (row.as_object_mut(), more) {
        row.extend(more);
    }
    row
}

/// A system as it was written.
pub fn system_row(system: &System) -> Value {
    json!({
        "site": system.site.value,
        "category": system.category.word(),
        "name": text(system.name.as_ref()),
        "interface": system.interface,
        "owner": system.owner,
        "phi": system.phi,
        "tools": texts(&system.tools),
        "baa": text(system.baa.as_ref()),
        "not_applicable": system.not_applicable,
    })
}

fn use_case_row(one: &UseCase) -> Value {
    let goal = |goal: &Goal| {
        json!({
            "name": goal.name.value,
            "baseline": goal.baseline.as_ref().map(|number| number.value),
            "target": goal.target,
            "unit": goal.unit,
        })
    };
    json!({
        "name": one.name.value,
        "decision": one.decision.word(),
        "owner": one.owner,
        "metrics": one.metrics.iter().map(goal).collect::<Vec<_>>(),
        "frozen": day(one.frozen),
        "tools": texts(&one.tools),
        "consumes": texts(&one.consumes),
        "real_phi": one.real_phi,
    })
}

/// A dataset with what follows for it from agreements: its purposes, and the version of the HIPAA scope it falls under.
pub fn dataset_row(registers: &Registers, dataset: &Dataset) -> Value {
    let scopes = registers.agreements_of(&dataset.site.value, &[AgreementKind::HipaaScope]);
    let version = |agreement: &Agreement| match &agreement.terms {
        Terms::Scope { areas, version } => areas.contains(&dataset.area).then(|| version.clone()),
        Terms::Plain | Terms::Deid(_) | Terms::Guardrails(_) | Terms::Residency { .. } => None,
    };
    let newest = scopes.max_by_key(|agreement| agreement.signed).and_then(version);
    let agreement = dataset.agreement.as_ref().and_then(|named| registers.agreement(&named.value));
    let columns: BTreeMap<&str, Option<&str>> =
        dataset.columns.iter().map(|column| (column.name.value.as_str(), column.class.as_deref())).collect();
    json!({
        "id": dataset.id.value,
        "area": dataset.area.word(),
        "system": text(dataset.system.as_ref()),
        "from": texts(&dataset.from),
        "phi": dataset.phi,
        "hipaa_scope": newest.filter(|_| dataset.phi),
        "purposes": registers.purposes_of(dataset),
        "retention_days": dataset.retention_days,
        "agreement": text(dataset.agreement.as_ref()),
        "agreement_expires": day(agreement.and_then(|one| one.expires)),
        "provenance": dataset.provenance,
        "third_party": registers.is_third_party(dataset),
        "deid": text(dataset.deid.as_ref()),
        "region": text(dataset.region.as_ref()),
        "columns": columns,
    })
}

fn risk_row(risk: &Risk) -> Value {
    json!({
        "id": risk.id.value,
        "title": risk.title,
        "level": risk.level.word(),
        "treatment": risk.treatment,
        "owner": risk.owner,
        "review": risk.review.to_string(),
    })
}

fn metric_row(metric: &Metric) -> Value {
    json!({
        "name": metric.name.value,
        "value": metric.value,
        "unit": metric.unit,
        "measured": metric.measured.to_string(),
        "source": metric.source,
    })
}
