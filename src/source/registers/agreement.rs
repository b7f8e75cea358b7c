//! Reads `[[agreement]]`: what all kinds say, and what some say besides.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::base::diagnostic::Diagnostic;
use crate::base::span::Span;
use crate::model::reader::{Reader, day};
use crate::model::register::{
    Agreement, AgreementKind, AgreementStatus, DataArea, Deidentification, Document, Method, Scan, Terms,
};
use crate::model::tree::{Node, Table};

use super::{DAY, ESTATE_CODES, NAME, TEXT, chosen, filled, name, values, word};

pub(super) fn read(reader: &mut Reader<'_, '_>, table: &Table, span: Span) -> Option<Agreement> {
    let mut inner = reader.inner(table, span.clone(), "[[agreement]]");
    let id = inner.required("id", NAME, name);
    let kind = word(&mut inner, "kind", &AgreementKind::ALL);
    let party = inner.required("party", TEXT, filled);
    let (covers, sites) = (inner.texts("covers"), inner.texts("sites"));
    let (signed, expires) = (inner.optional("signed", DAY, day), inner.optional("expires", DAY, day));
    if let (Some(signed), Some(expires)) = (&signed, &expires)
        && expires.value < signed.value
    {
        inner.found().push(
            Diagnostic::error(ESTATE_CODES.wrong, "the agreement ends before it is signed")
                .at(expires.span.clone(), "the end")
                .at(signed.span.clone(), "the signature"),
        );
    }
    let document = document(&mut inner);
    let permitted_uses = values(inner.texts("permitted_uses"));
    let owner = inner.required("owner", "a role", filled);
    let status = word(&mut inner, "status", &AgreementStatus::ALL);
    let terms = kind.as_ref().and_then(|kind| terms(&mut inner, kind.value));
    // A row of no kind would have its own keys told as unknown, too.
    if kind.is_some() {
        inner.finish();
    }
    Some(Agreement {
        id: id?,
        kind: kind?.value,
        party: party?.value,
        covers,
        sites,
        signed: signed.map(|day| day.value),
        expires: expires.map(|day| day.value),
        document,
        permitted_uses,
        owner: owner?.value,
        status: status?.value,
        terms: terms?,
        span,
    })
}

fn document(reader: &mut Reader<'_, '_>) -> Option<Document> {
    let (table, span) = reader.table("document")?;
    let mut inner = reader.inner(table, span, "document");
    let called = inner.required("name", TEXT, filled);
    let sha256 = inner.required("sha256", "64 hexadecimal digits", |value| {
        let hex = |text: &&str| {
            text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'))
        };
        value.as_str().filter(hex).map(str::to_owned)
    });
    inner.finish();
    Some(Document { name: called?.value, sha256: sha256?.value })
}

fn terms(reader: &mut Reader<'_, '_>, kind: AgreementKind) -> Option<Terms> {
    match kind {
        AgreementKind::Baa
        | AgreementKind::VendorBaa
        | AgreementKind::Dua
        | AgreementKind::PhiInventory
        | AgreementKind::Dpia => Some(Terms::Plain),
        AgreementKind::HipaaScope => {
            let areas = areas(reader);
            let version = reader.required("version", TEXT, filled);
            Some(Terms::Scope { areas, version: version?.value })
        }
        AgreementKind::Deid => {
            let method = word(reader, "method", &Method::ALL);
            let report = reader.optional("report", TEXT, filled);
            let expert = reader.optional("expert", TEXT, filled);
            let scan = reader.optional("scan", "passed or failed", |value| chosen(value, &Scan::ALL));
            Some(Terms::Deid(Deidentification {
                method: method?.value,
                report: report.map(|text| text.value),
                expert: expert.map(|text| text.value),
                scan: scan.map(|scan| scan.value),
            }))
        }
        AgreementKind::Guardrails => guardrails(reader),
        AgreementKind::ResidencyException => {
            let region = reader.required("region", "a region", filled);
            let approved_by = values(reader.texts("approved_by")).into_iter().collect();
            Some(Terms::Residency { region: region?, approved_by })
        }
    }
}

fn areas(reader: &mut Reader<'_, '_>) -> BTreeSet<DataArea> {
    let mut areas = BTreeSet::new();
    for text in reader.texts("areas") {
        match chosen(&Value::from(text.value.as_str()), &DataArea::ALL) {
            Some(area) => {
                areas.insert(area);
            }
            None => reader.found().push(
                Diagnostic::error(ESTATE_CODES.wrong, "this is no part of a HIPAA scope")
                    .at(text.span, "unknown")
                    .help("the parts are ehr, claims, imaging and ancillary"),
            ),
        }
    }
    areas
}

/// `sections = { masking = ["DENY-DEFAULT"], … }`: each section with the rules that carry it out.
fn guardrails(reader: &mut Reader<'_, '_>) -> Option<Terms> {
    let expected = "a table of sections, each with the names of the rules that carry it out";
    let (table, _) = reader.required_table("sections", expected)?;
    let mut sections = BTreeMap::new();
    for (section, entry) in &table.entries {
        let rules = match &entry.tree.node {
            Node::List(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
            Node::Scalar(_) | Node::Table(_) => None,
        };
        match rules {
            Some(rules) => {
                sections.insert(section.clone(), rules);
            }
            None => reader.wrong(&entry.tree, section, "a list of strings"),
        }
    }
    Some(Terms::Guardrails(sections))
}
