//! What was agreed with whom, until when, and what it covers.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::DataArea;
use crate::base::span::{Located, Span};

/// What an agreement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AgreementKind {
    /// Business associate agreement with who runs the cloud, the platform or a system.
    Baa,
    /// Data use agreement.
    Dua,
    /// Business associate agreement with who makes a tool or delivers data.
    VendorBaa,
    /// What of the organisation's data HIPAA applies to.
    HipaaScope,
    /// The inventory of PHI as it was signed.
    PhiInventory,
    /// Data privacy impact assessment.
    Dpia,
    /// How data is de-identified.
    Deid,
    /// How PHI is handled: the rules that people work by.
    Guardrails,
    /// Something of a site may be outside the regions where its data may be.
    ResidencyException,
}

impl AgreementKind {
    /// Every kind with the word the file uses for it.
    pub const ALL: [(&'static str, AgreementKind); 9] = [
        ("baa", Self::Baa),
        ("dua", Self::Dua),
        ("vendor-baa", Self::VendorBaa),
        ("hipaa-scope", Self::HipaaScope),
        ("phi-inventory", Self::PhiInventory),
        ("dpia", Self::Dpia),
        ("deid", Self::Deid),
        ("guardrails", Self::Guardrails),
        ("residency-exception", Self::ResidencyException),
    ];
    /// Those under which somebody else may have PHI.
    pub const BAAS: [AgreementKind; 2] = [Self::Baa, Self::VendorBaa];

    /// The word the file uses.
    pub fn word(self) -> &'static str {
        match self {
            Self::Baa => "baa",
            Self::Dua => "dua",
            Self::VendorBaa => "vendor-baa",
            Self::HipaaScope => "hipaa-scope",
            Self::PhiInventory => "phi-inventory",
            Self::Dpia => "dpia",
            Self::Deid => "deid",
            Self::Guardrails => "guardrails",
            Self::ResidencyException => "residency-exception",
        }
    }
}

/// How far an agreement has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgreementStatus {
    /// Not signed by everybody.
    Draft,
    /// Signed by everybody.
    Executed,
    /// Ended before its day.
    Terminated,
}

impl AgreementStatus {
    /// Every status with the word the file uses for it.
    pub const ALL: [(&'static str, AgreementStatus); 3] =
        [("draft", Self::Draft), ("executed", Self::Executed), ("terminated", Self::Terminated)];

    /// The word the file uses.
    pub fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Executed => "executed",
            Self::Terminated => "terminated",
        }
    }
}

/// One agreement.
#[derive(Debug, Clone)]
pub struct Agreement {
    /// Its name, once in the estate.
    pub id: Located<String>,
    /// What it is.
    pub kind: AgreementKind,
    /// With whom.
    pub party: String,
    /// The tools (of a BAA, beside the party itself) or datasets it covers. None says: a BAA the party alone, everything
    /// else all datasets of its sites.
    pub covers: Vec<Located<String>>,
    /// The sites it holds for; none says all.
    pub sites: Vec<Located<String>>,
    /// When everybody had signed.
    pub signed: Option<Date>,
    /// Its last day.
    pub expires: Option<Date>,
    /// The paper behind it.
    pub document: Option<Document>,
    /// What the data may be used for.
    pub permitted_uses: Vec<String>,
    /// The role that answers for it.
    pub owner: String,
    /// How far it has come.
    pub status: AgreementStatus,
    /// What agreements of its kind say besides.
    pub terms: Terms,
    /// Where it is declared.
    pub span: Span,
}

/// A paper that is kept elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What it is called.
    pub name: String,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
}

/// What agreements of one kind say besides what all say.
#[derive(Debug, Clone, PartialEq)]
pub enum Terms {
    /// Nothing.
    Plain,
    /// A HIPAA scope.
    Scope {
        /// The parts it decides about.
        areas: BTreeSet<DataArea>,
        /// Its version, which PHI datasets carry.
        version: String,
    },
    /// A way to de-identify.
    Deid(Deidentification),
    /// Guardrails: each section with the rules that carry it out.
    Guardrails(BTreeMap<String, Vec<String>>),
    /// An exception from residency.
    Residency {
        /// The region that is allowed although the site's residency does not name it.
        region: Located<String>,
        /// The roles that agreed.
        approved_by: BTreeSet<String>,
    },
}

/// How data is de-identified, and what shows that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deidentification {
    /// By which of the two ways of 45 CFR 164.514(b).
    pub method: Method,
    /// The expert's report.
    pub report: Option<String>,
    /// Who the expert is, as a handle.
    pub expert: Option<String>,
    /// What the scan for identifiers found.
    pub scan: Option<Scan>,
}

/// The two ways to de-identify.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Eighteen sorts of identifiers are taken out.
    SafeHarbor,
    /// An expert says that the risk is very small.
    ExpertDetermination,
}

impl Method {
    /// Both ways with the word the file uses for them.
    pub const ALL: [(&'static str, Method); 2] =
        [("safe-harbor", Self::SafeHarbor), ("expert-determination", Self::ExpertDetermination)];

    /// The word the file uses.
    pub fn word(self) -> &'static str {
        match self {
            Self::SafeHarbor => "safe-harbor",
            Self::ExpertDetermination => "expert-determination",
        }
    }
}

/// What a scan for identifiers found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scan {
    /// None.
    Passed,
    /// Some.
    Failed,
}

impl Scan {
    /// Both with the word the file uses for them.
    pub const ALL: [(&'static str, Scan); 2] = [("passed", Self::Passed), ("failed", Self::Failed)];

    /// The word the file uses.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
        }
    }
}

impl Agreement {
    /// Whether it concerns this site.
    pub fn holds_for(&self, site: &str) -> bool {
        self.sites.is_empty() || self.sites.iter().any(|code| code.value == site)
    }

    /// Whether it covers a tool: the party's own name, or one that it lists.
    pub fn covers_tool(&self, tool: &str) -> bool {
        self.party == tool || self.covers.iter().any(|covered| covered.value == tool)
    }

    /// Whether it covers a dataset: every one where it lists none.
    pub fn covers_dataset(&self, dataset: &str) -> bool {
        self.covers.is_empty() || self.covers.iter().any(|covered| covered.value == dataset)
    }

    /// Why it is not in force on a day, as the rest of a sentence about it; nothing if it is.
    pub fn fault_on(&self, day: Date) -> Option<String> {
        match self.status {
            AgreementStatus::Draft => return Some("is a draft".to_owned()),
            AgreementStatus::Terminated => return Some("was terminated".to_owned()),
            AgreementStatus::Executed => {}
        }
        match (self.signed, self.expires) {
            (None, _) => Some("is not signed".to_owned()),
            (Some(signed), _) if signed > day => Some(format!("is signed only on {signed}")),
            (Some(_), Some(expires)) if expires < day => Some(format!("expired on {expires}")),
            (Some(_), _) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::base::span::SourceMap;

    #[test]
    fn an_agreement_is_in_force_from_its_signature_to_its_last_day() {
        let span = Span { source: SourceMap::default().add("x", ""), range: 0..0 };
        let mut agreement = Agreement {
            id: Located { value: "baa-x".to_owned(), span: span.clone() },
            kind: AgreementKind::Baa,
            party: "x".to_owned(),
            covers: Vec::new(),
            sites: Vec::new(),
            signed: Some(date(2026, 1, 2)),
            expires: Some(date(2027, 1, 2)),
            document: None,
            permitted_uses: Vec::new(),
            owner: "compliance".to_owned(),
            status: AgreementStatus::Executed,
            terms: Terms::Plain,
            span,
        };
        let fault = |agreement: &Agreement, year| agreement.fault_on(date(year, 1, 2)).unwrap_or_default();
        assert_eq!([fault(&agreement, 2026), fault(&agreement, 2027)], ["", ""]);
        assert_eq!(fault(&agreement, 2025), "is signed only on 2026-01-02");
        assert_eq!(fault(&agreement, 2028), "expired on 2027-01-02");
        assert!(agreement.covers_tool("x") && !agreement.covers_tool("y"));
        agreement.status = AgreementStatus::Draft;
        assert_eq!(fault(&agreement, 2026), "is a draft");
    }
}
