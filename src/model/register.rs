//! The registers of an estate: agreements, systems, use cases, datasets, risks and metrics, as `sites/registers/` lists them.

mod agreement;

use jiff::civil::Date;

use crate::base::span::{Located, Span};

pub use agreement::{
    Agreement, AgreementKind, AgreementStatus, Deidentification, Document, Method, Scan, Terms,
};

/// The folder of the registers, from the estate's folder.
pub const REGISTERS_FOLDER: &str = "sites/registers/";

/// Purposes beyond what data was collected for: they need de-identified data.
pub const SECONDARY_USES: [&str; 3] = ["research", "analytics", "secondary-use"];

/// One of the registers; each is one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Register {
    /// What was agreed with whom, and what it allows.
    Agreements,
    /// The systems and interfaces of each site.
    Systems,
    /// What is delivered for whom.
    UseCases,
    /// The data that flows: the inventory of PHI.
    Datasets,
    /// What may go wrong.
    Risks,
    /// What was measured.
    Metrics,
}

impl Register {
    /// Every register with its file's name and the key of its rows.
    pub const ALL: [(Register, &'static str, &'static str); 6] = [
        (Self::Agreements, "agreements", "agreement"),
        (Self::Systems, "systems", "system"),
        (Self::UseCases, "use_cases", "use_case"),
        (Self::Datasets, "datasets", "dataset"),
        (Self::Risks, "risks", "risk"),
        (Self::Metrics, "metrics", "metric"),
    ];

    /// The name of its file, without the ending.
    pub fn word(self) -> &'static str {
        match self {
            Self::Agreements => "agreements",
            Self::Systems => "systems",
            Self::UseCases => "use_cases",
            Self::Datasets => "datasets",
            Self::Risks => "risks",
            Self::Metrics => "metrics",
        }
    }

    /// Its file, from the estate's folder.
    pub fn path(self) -> String {
        format!("{REGISTERS_FOLDER}{}.toml", self.word())
    }
}

/// Everything that the registers say. A register that has no file has no place in `files`.
#[derive(Debug, Clone, Default)]
pub struct Registers {
    /// The registers that are there, and the first line of each.
    pub files: std::collections::BTreeMap<Register, Span>,
    /// What was agreed.
    pub agreements: Vec<Agreement>,
    /// Systems and interfaces.
    pub systems: Vec<System>,
    /// What is delivered.
    pub use_cases: Vec<UseCase>,
    /// What data there is.
    pub datasets: Vec<Dataset>,
    /// What may go wrong.
    pub risks: Vec<Risk>,
    /// What was measured.
    pub metrics: Vec<Metric>,
}

/// Sorts of systems, of which a site has some or says why it has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SystemCategory {
    /// Electronic health record.
    Ehr,
    /// Scheduling and billing of a practice.
    PracticeManagement,
    /// Laboratory.
    Lis,
    /// Radiology.
    Ris,
    /// Archive of images.
    ImagingArchive,
    /// A warehouse that is there already.
    DataWarehouse,
    /// HL7 version 2 messages.
    Hl7v2,
    /// FHIR.
    Fhir,
    /// Files that are dropped somewhere.
    Sftp,
    /// Data of somebody else.
    ThirdParty,
}

impl SystemCategory {
    /// Every sort with the word the file uses for it, and what people call it.
    pub const ALL: [(&'static str, SystemCategory, &'static str); 10] = [
        ("ehr", Self::Ehr, "EHR"),
        ("practice-management", Self::PracticeManagement, "practice management"),
        ("lis", Self::Lis, "LIS"),
        ("ris", Self::Ris, "RIS"),
        ("imaging-archive", Self::ImagingArchive, "imaging archive"),
        ("data-warehouse", Self::DataWarehouse, "data warehouse"),
        ("hl7v2", Self::Hl7v2, "HL7 v2"),
        ("fhir", Self::Fhir, "FHIR"),
        ("sftp", Self::Sftp, "SFTP"),
        ("third-party", Self::ThirdParty, "third-party data"),
    ];

    /// The word the file uses.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ehr => "ehr",
            Self::PracticeManagement => "practice-management",
            Self::Lis => "lis",
            Self::Ris => "ris",
            Self::ImagingArchive => "imaging-archive",
            Self::DataWarehouse => "data-warehouse",
            Self::Hl7v2 => "hl7v2",
            Self::Fhir => "fhir",
            Self::Sftp => "sftp",
            Self::ThirdParty => "third-party",
        }
    }
}

/// A system or interface of one site, or the word that it has none of a sort.
#[derive(Debug, Clone)]
pub struct System {
    /// The site's code as written.
    pub site: Located<String>,
    /// Its sort.
    pub category: SystemCategory,
    /// What it is called; what does not apply has no name.
    pub name: Option<Located<String>>,
    /// How data leaves it.
    pub interface: Option<String>,
    /// The role that answers for it.
    pub owner: String,
    /// Whether PHI is in it.
    pub phi: bool,
    /// Whose products and services it passes through.
    pub tools: Vec<Located<String>>,
    /// The agreement under which its host has PHI.
    pub baa: Option<Located<String>>,
    /// Why the site has none of this sort.
    pub not_applicable: Option<String>,
    /// Where it is declared.
    pub span: Span,
}

/// Whether a use case is one of those to choose from, or was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// To choose from.
    Shortlist,
    /// Chosen from the shortlist.
    Deliver,
}

impl Decision {
    /// Every decision with the word the file uses for it.
    pub const ALL: [(&'static str, Decision); 2] =
        [("shortlist", Self::Shortlist), ("deliver", Self::Deliver)];

    /// The word the file uses.
    pub fn word(self) -> &'static str {
        match self {
            Self::Shortlist => "shortlist",
            Self::Deliver => "deliver",
        }
    }
}

/// Something that is done with data at some sites.
#[derive(Debug, Clone)]
pub struct UseCase {
    /// Its name.
    pub name: Located<String>,
    /// The sites' codes as written.
    pub sites: Vec<Located<String>>,
    /// What was decided.
    pub decision: Decision,
    /// The role that answers for it.
    pub owner: String,
    /// By what its success is told.
    pub metrics: Vec<Goal>,
    /// From when on its baselines stay as they are.
    pub frozen: Option<Date>,
    /// Whose products and services it passes through.
    pub tools: Vec<Located<String>>,
    /// The datasets it reads.
    pub consumes: Vec<Located<String>>,
    /// Whether it is tried with the PHI of real patients before it is live.
    pub real_phi: bool,
    /// Where it is declared.
    pub span: Span,
}

/// A number before, and the number it is to become.
#[derive(Debug, Clone)]
pub struct Goal {
    /// What is measured.
    pub name: Located<String>,
    /// Before.
    pub baseline: Option<Located<f64>>,
    /// What it is to become.
    pub target: f64,
    /// In what.
    pub unit: String,
}

/// Parts of a HIPAA scope, and where a dataset belongs among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DataArea {
    /// Records of the EHR.
    Ehr,
    /// Claims, as X12.
    Claims,
    /// Images and what describes them, as DICOM.
    Imaging,
    /// Everything else.
    Ancillary,
}

impl DataArea {
    /// Every area with the word the file uses for it.
    pub const ALL: [(&'static str, DataArea); 4] = [
        ("ehr", Self::Ehr),
        ("claims", Self::Claims),
        ("imaging", Self::Imaging),
        ("ancillary", Self::Ancillary),
    ];

    /// The word the file uses.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ehr => "ehr",
            Self::Claims => "claims",
            Self::Imaging => "imaging",
            Self::Ancillary => "ancillary",
        }
    }
}

/// Data of one site: where it comes from, what it is, and what it may be used for.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// Its name, once in the estate.
    pub id: Located<String>,
    /// The site's code as written.
    pub site: Located<String>,
    /// Where it belongs.
    pub area: DataArea,
    /// The system of the site that creates it, by name.
    pub system: Option<Located<String>>,
    /// The datasets that it is made from.
    pub from: Vec<Located<String>>,
    /// Whether it holds PHI.
    pub phi: bool,
    /// What it may be used for; none says what its data use agreement permits.
    pub purposes: Vec<String>,
    /// For how long it is kept.
    pub retention_days: Option<u32>,
    /// The data use agreement it is held under.
    pub agreement: Option<Located<String>>,
    /// How somebody else came by it, for data of third parties.
    pub provenance: Option<String>,
    /// The agreement that says how it is de-identified.
    pub deid: Option<Located<String>>,
    /// Where it rests, if that is not the site's region.
    pub region: Option<Located<String>>,
    /// Its columns, as far as they are known.
    pub columns: Vec<Column>,
    /// Where it is declared.
    pub span: Span,
}

/// A column of a dataset.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its name.
    pub name: Located<String>,
    /// What it holds, for masks and filters.
    pub class: Option<String>,
}

/// Something that may go wrong.
#[derive(Debug, Clone)]
pub struct Risk {
    /// Its name.
    pub id: Located<String>,
    /// What may happen, as a sentence.
    pub title: String,
    /// How bad it is.
    pub level: RiskLevel,
    /// What is done about it.
    pub treatment: String,
    /// The role that answers for it.
    pub owner: String,
    /// When it is looked at again.
    pub review: Date,
    /// The one site it is about; none says the program.
    pub site: Option<Located<String>>,
    /// Where it is declared.
    pub span: Span,
}

/// How bad a risk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RiskLevel {
    /// It can be lived with.
    Low,
    /// It is watched.
    Medium,
    /// Something has to be done.
    High,
}

impl RiskLevel {
    /// Every level with the word the file uses for it.
    pub const ALL: [(&'static str, RiskLevel); 3] =
        [("low", Self::Low), ("medium", Self::Medium), ("high", Self::High)];

    /// The word the file uses.
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// A number that was measured.
#[derive(Debug, Clone)]
pub struct Metric {
    /// What was measured.
    pub name: Located<String>,
    /// The one site it was measured at; none says the program.
    pub site: Option<Located<String>>,
    /// The number.
    pub value: f64,
    /// In what.
    pub unit: String,
    /// When.
    pub measured: Date,
    /// By what, or where it can be looked up.
    pub source: String,
    /// Where it is declared.
    pub span: Span,
}

/// What the program is to have reached, so that everybody can tell whether it has.
#[derive(Debug, Clone)]
pub struct SuccessCriterion {
    /// What is measured.
    pub metric: String,
    /// Before, if it is known.
    pub baseline: Option<f64>,
    /// What it is to become.
    pub target: f64,
    /// In what.
    pub unit: String,
    /// The day by which it is.
    pub by: Option<Date>,
    /// The role that answers for it.
    pub owner: String,
}

impl Registers {
    /// The agreement of this name.
    pub fn agreement(&self, id: &str) -> Option<&Agreement> {
        self.agreements.iter().find(|agreement| agreement.id.value == id)
    }

    /// The dataset of this name.
    pub fn dataset(&self, id: &str) -> Option<&Dataset> {
        self.datasets.iter().find(|dataset| dataset.id.value == id)
    }

    /// The agreements of these sorts that concern a site.
    pub fn agreements_of<'r>(
        &'r self,
        site: &'r str,
        kinds: &'r [AgreementKind],
    ) -> impl Iterator<Item = &'r Agreement> {
        self.agreements
            .iter()
            .filter(move |agreement| kinds.contains(&agreement.kind) && agreement.holds_for(site))
    }

    /// The use cases of a site.
    pub fn use_cases_of<'r>(&'r self, site: &'r str) -> impl Iterator<Item = &'r UseCase> {
        self.use_cases.iter().filter(move |one| one.sites.iter().any(|code| code.value == site))
    }

    /// The datasets of a site.
    pub fn datasets_of<'r>(&'r self, site: &'r str) -> impl Iterator<Item = &'r Dataset> {
        self.datasets.iter().filter(move |dataset| dataset.site.value == site)
    }

    /// The systems of a site, those that do not apply included.
    pub fn systems_of<'r>(&'r self, site: &'r str) -> impl Iterator<Item = &'r System> {
        self.systems.iter().filter(move |system| system.site.value == site)
    }

    /// Whether a dataset comes from somebody else: from a system of that sort.
    pub fn is_third_party(&self, dataset: &Dataset) -> bool {
        let Some(named) = &dataset.system else { return false };
        self.systems_of(&dataset.site.value).any(|system| {
            system.category == SystemCategory::ThirdParty
                && system.name.as_ref().is_some_and(|name| name.value == named.value)
        })
    }

    /// What a dataset may be used for: what it says itself, or what its agreement permits.
    pub fn purposes_of<'r>(&'r self, dataset: &'r Dataset) -> &'r [String] {
        if !dataset.purposes.is_empty() {
            return &dataset.purposes;
        }
        let agreement = dataset.agreement.as_ref().and_then(|named| self.agreement(&named.value));
        agreement.map_or(&[], |agreement| &agreement.permitted_uses)
    }
}
