//! The registers as a list for people: what is over, or will be soon, comes first.

use jiff::civil::Date;
use serde::Serialize;

use crate::base::span::Located;
use crate::model::estate::Loaded;
use crate::model::register::{Register, Registers};

/// One row of a register.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Its register.
    pub register: &'static str,
    /// Its name.
    pub id: String,
    /// What it is, in short.
    pub what: String,
    /// The sites it concerns; none says all.
    pub sites: String,
    /// Whether it is in force.
    pub validity: Validity,
    /// Days until it ends or is looked at again; negative since then.
    pub days_left: Option<i32>,
    /// The role that answers for it.
    pub owner: String,
    /// The file and line.
    pub place: String,
}

/// Whether a row is in force. The order is that of the list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Validity {
    /// It is not, and why.
    Not {
        /// As the rest of a sentence about it.
        why: String,
    },
    /// It is.
    InForce,
    /// It has no end.
    Standing,
}

impl Validity {
    /// For people.
    pub fn words(&self) -> String {
        match self {
            Self::Not { why } => why.clone(),
            Self::InForce => "in force".to_owned(),
            Self::Standing => String::new(),
        }
    }
}

/// The rows of one register or of all, of one site or of all, as of a day.
pub fn rows(loaded: &Loaded, only: Option<Register>, site: Option<&str>, today: Date) -> Vec<Listed> {
    let mut all: Vec<Listed> = Register::ALL
        .into_iter()
        .filter(|(register, ..)| only.is_none_or(|only| only == *register))
        .flat_map(|(register, ..)| of(loaded, register, site, today))
        .collect();
    all.sort_by(|one, other| {
        let key = |row: &Listed| {
            let order = match &row.validity {
                Validity::Not { .. } => 0,
                Validity::InForce => 1,
                Validity::Standing => 2,
            };
            (order, row.days_left.unwrap_or(i32::MAX))
        };
        key(one).cmp(&key(other))
    });
    all
}

fn of(loaded: &Loaded, register: Register, site: Option<&str>, today: Date) -> Vec<Listed> {
    let registers = &loaded.registers;
    match register {
        Register::Agreements => agreements(loaded, site, today),
        Register::Risks => risks(loaded, site, today),
        Register::Systems | Register::UseCases | Register::Datasets | Register::Metrics => {
            standing(loaded, registers, register, site)
        }
    }
}

fn days(today: Date, end: Date) -> i32 {
    today.until(end).map_or(0, |span| span.get_days())
}

fn codes(sites: &[Located<String>]) -> String {
    sites.iter().map(|site| site.value.as_str()).collect::<Vec<_>>().join(" ")
}

fn concerns(of: Option<&Located<String>>, site: Option<&str>) -> bool {
    match (of, site) {
        (None, _) | (_, None) => true,
        (Some(of), Some(site)) => of.value == site,
    }
}

fn agreements(loaded: &Loaded, site: Option<&str>, today: Date) -> Vec<Listed> {
    let all = loaded.registers.agreements.iter();
    all.filter(|row| site.is_none_or(|site| row.holds_for(site)))
        .map(|row| Listed {
            register: Register::Agreements.word(),
            id: row.id.value.clone(),
            what: format!("{}: {}", row.kind.word(), row.party),
            sites: codes(&row.sites),
            validity: match (row.fault_on(today), row.expires) {
                (Some(why), _) => Validity::Not { why },
                (None, Some(_)) => Validity::InForce,
                (None, None) => Validity::Standing,
            },
            days_left: row.expires.map(|end| days(today, end)),
            owner: row.owner.clone(),
            place: loaded.sources.place(&row.span),
        })
        .collect()
}

fn risks(loaded: &Loaded, site: Option<&str>, today: Date) -> Vec<Listed> {
    let all = loaded.registers.risks.iter();
    all.filter(|row| concerns(row.site.as_ref(), site))
        .map(|row| Listed {
            register: Register::Risks.word(),
            id: row.id.value.clone(),
            what: format!("{} risk: {}", row.level.word(), row.title),
            sites: row.site.as_ref().map_or(String::new(), |site| site.value.clone()),
            validity: if row.review < today {
                Validity::Not { why: format!("was to be reviewed on {}", row.review) }
            } else {
                Validity::InForce
            },
            days_left: Some(days(today, row.review)),
            owner: row.owner.clone(),
            place: loaded.sources.place(&row.span),
        })
        .collect()
}

/// Rows without an end.
fn standing(loaded: &Loaded, registers: &Registers, register: Register, site: Option<&str>) -> Vec<Listed> {
    let row = |id: &str, what: String, sites: String, owner: &str, span: &crate::base::span::Span| Listed {
        register: register.word(),
        id: id.to_owned(),
        what,
        sites,
        validity: Validity::Standing,
        days_left: None,
        owner: owner.to_owned(),
        place: loaded.sources.place(span),
    };
    let own = |of: &Located<String>| concerns(Some(of), site);
    match register {
        Register::Agreements | Register::Risks => Vec::new(),
        Register::Systems => registers
            .systems
            .iter()
            .filter(|one| own(&one.site))
            .map(|one| {
                let name = one.name.as_ref().map_or("", |name| name.value.as_str());
                let what = match (&one.not_applicable, &one.interface) {
                    (Some(why), _) => format!("no {}: {why}", one.category.word()),
                    (None, Some(interface)) => format!("{}: {interface}", one.category.word()),
                    (None, None) => one.category.word().to_owned(),
                };
                row(name, what, one.site.value.clone(), &one.owner, &one.span)
            })
            .collect(),
        Register::UseCases => registers
            .use_cases
            .iter()
            .filter(|one| site.is_none_or(|site| one.sites.iter().any(|code| code.value == site)))
            .map(|one| {
                let goals: Vec<String> = one
                    .metrics
                    .iter()
                    .map(|goal| format!("{} to {} {}", goal.name.value, goal.target, goal.unit))
                    .collect();
                let what = format!("{}: {}", one.decision.word(), goals.join(", "));
                row(&one.name.value, what, codes(&one.sites), &one.owner, &one.span)
            })
            .collect(),
        Register::Datasets => registers
            .datasets
            .iter()
            .filter(|one| own(&one.site))
            .map(|one| {
                let class = if one.phi { "PHI" } else { "no PHI" };
                let purposes = registers.purposes_of(one).join(", ");
                let what = format!("{}, {class}, for {purposes}", one.area.word());
                row(&one.id.value, what, one.site.value.clone(), "site-steward", &one.span)
            })
            .collect(),
        Register::Metrics => registers
            .metrics
            .iter()
            .filter(|one| concerns(one.site.as_ref(), site))
            .map(|one| {
                let what = format!("{} {} on {}: {}", one.value, one.unit, one.measured, one.source);
                let sites = one.site.as_ref().map_or(String::new(), |site| site.value.clone());
                row(&one.name.value, what, sites, "", &one.span)
            })
            .collect(),
    }
}
