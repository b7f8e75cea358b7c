//! Who holds which role, where, since when, and who may stand in for whom.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use crate::base::id::{PersonId, RoleName, SiteCode};
use crate::base::span::Span;
use crate::base::time::Timestamp;
use crate::model::electronic::Issued;

/// Where the people of an estate are declared.
pub const PEOPLE_FILE: &str = "sites/people.toml";

/// The role of a site's data steward, which comes from the site's own file (`steward`, `steward_backup`).
pub const SITE_STEWARD: &str = "site-steward";
/// The role of a site's operations lead, which comes from the site's own file (`ops_lead`).
pub const SITE_OPS_LEAD: &str = "site-ops-lead";

/// The people of an estate: the files' word on who may decide what.
#[derive(Debug, Clone, Default)]
pub struct People {
    /// Everybody who is known, by handle.
    pub persons: BTreeMap<PersonId, Person>,
    /// Every role that somebody holds, for the whole program or for one site.
    pub holdings: Vec<Holding>,
    /// Who stands in for whom, and when.
    pub delegations: Vec<Delegation>,
    /// Roles that one person cannot hold together for the same site.
    pub conflicts: Vec<Conflict>,
    /// The sites whose records are electronic records in the sense of 21 CFR Part 11 (`part11 = true`).
    pub part11: BTreeSet<SiteCode>,
}

/// A person, or a program that acts under its own name.
#[derive(Debug, Clone)]
pub struct Person {
    /// The handle.
    pub id: PersonId,
    /// The name, for people; handles are used where there is none.
    pub name: Option<String>,
    /// Whether it is a program. Programs can never sign.
    pub automation: bool,
    /// Whether the person is a physician, nurse or pharmacist: some decisions are theirs alone.
    pub clinician: bool,
    /// The public keys with which they sign.
    pub keys: Vec<PersonKey>,
    /// Where it is declared.
    pub span: Span,
}

/// A public key and the days on which signatures by it count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonKey {
    /// The line of an OpenSSH public key file, without options.
    pub line: String,
    /// First day.
    pub from: Date,
    /// Last day.
    pub until: Option<Date>,
    /// The day from which no signature by it counts any more, whenever it was made.
    pub revoked: Option<Date>,
}

/// A role and who holds it.
#[derive(Debug, Clone)]
pub struct Holding {
    /// The role.
    pub role: RoleName,
    /// The one site it holds for; none says the whole program.
    pub site: Option<SiteCode>,
    /// The holder.
    pub person: PersonId,
    /// Who holds it too, for the time in which the holder is away.
    pub backup: Option<PersonId>,
    /// Where it is declared.
    pub span: Span,
}

/// A role handed on for some days.
#[derive(Debug, Clone)]
pub struct Delegation {
    /// The role.
    pub role: RoleName,
    /// The one site it is handed on for; none says all that the holder has.
    pub site: Option<SiteCode>,
    /// Who hands it on.
    pub from: PersonId,
    /// Who has it meanwhile.
    pub to: PersonId,
    /// First day.
    pub begin: Date,
    /// Last day.
    pub end: Date,
    /// Why.
    pub reason: String,
    /// Where it is declared.
    pub span: Span,
}

/// Roles that exclude each other.
#[derive(Debug, Clone)]
pub struct Conflict {
    /// The roles.
    pub roles: BTreeSet<RoleName>,
    /// Why.
    pub reason: String,
    /// Where it is declared.
    pub span: Span,
}

/// The keys that the org log knows: who was enrolled with which key, and since when. A key that is only in a file counts
/// for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Enrolled {
    /// By fingerprint, `SHA256:…` as OpenSSH writes it.
    pub keys: BTreeMap<String, Enrolment>,
    /// The challenges that were given out for electronic records, by what a signature has to hold.
    pub challenges: BTreeMap<String, Issued>,
}

/// A key's place in the org log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// Whose it is.
    pub person: PersonId,
    /// When it was enrolled.
    pub since: Timestamp,
    /// When it was retired.
    pub retired: Option<Timestamp>,
}
