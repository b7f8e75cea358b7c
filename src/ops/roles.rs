//! The roles of an estate, and the keys with which people sign: what the files say, and what the org log knows.

mod keys;

use jiff::civil::Date;

use crate::base::diagnostic::nearest;
use crate::base::id::{PersonId, ScopeId, SiteCode};
use crate::base::time::Timestamp;
use crate::journal::sqlite::SqliteJournal;
use crate::model::calendar::zone;
use crate::model::estate::{Estate, Loaded, Site};
use crate::model::people::People;
use crate::ops::Context;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::report::roles::raci::{Raci, raci};
use crate::report::roles::{RoleTable, table};
use crate::source;

pub use keys::{KeyRow, KeyState, enrol, keys, owed};

/// An estate's files, as far as they can be read: a role that nobody holds is shown, not told as an error.
///
/// # Errors
///
/// If a file of the estate cannot be understood.
pub fn read(context: &Context) -> Result<Loaded, Failure> {
    let (loaded, found) = source::load(&context.root);
    if found.has_errors() {
        return Err(Failure::Input { found, sources: loaded.sources });
    }
    Ok(loaded)
}

/// The day of a moment, as the estate's people mean it.
pub fn day_of(estate: &Estate, moment: Timestamp) -> Date {
    zone::local(&estate.time_zone(), moment).date()
}

/// Who holds which role on a day.
///
/// # Errors
///
/// If there is no such site.
pub fn roles(loaded: &Loaded, site: Option<&str>, day: Date) -> Result<RoleTable, Failure> {
    let mut codes: Vec<SiteCode> = loaded.sites.iter().filter_map(Site::code).collect();
    codes.sort();
    let site = site.map(|typed| known_site(&codes, typed)).transpose()?;
    Ok(table(&loaded.estate.people, &codes, site.as_ref(), day))
}

/// Who answers for what of a scope's checklists: of a site, or of the whole program.
///
/// # Errors
///
/// Every problem of every file, or that there is no such site.
pub fn responsibilities(context: &Context, site: Option<&str>) -> Result<Raci, Failure> {
    let desired = Desired::read(&context.root)?;
    let codes: Vec<SiteCode> = desired.loaded.sites.iter().filter_map(Site::code).collect();
    let scope = match site {
        None => ScopeId::Account,
        Some(typed) => ScopeId::Site(known_site(&codes, typed)?),
    };
    let items = desired.rendered.get(&scope).map_or(&[][..], |rendered| &rendered.items);
    Ok(raci(&desired.loaded.estate.people, &scope, items))
}

fn known_site(codes: &[SiteCode], typed: &str) -> Result<SiteCode, Failure> {
    codes.iter().find(|code| code.as_str() == typed).cloned().ok_or_else(|| {
        let near = nearest(typed, codes.iter().map(SiteCode::as_str));
        let help = near
            .map_or("landfall wave list shows the sites".to_owned(), |near| format!("did you mean {near}?"));
        Failure::usage(format!("there is no site `{typed}`"), help)
    })
}

/// The person of this handle: declared, or known to the org log.
fn known_person(
    people: &People,
    also: impl Iterator<Item = PersonId>,
    typed: &str,
) -> Result<PersonId, Failure> {
    let known: Vec<PersonId> = people.persons.keys().cloned().chain(also).collect();
    known.iter().find(|id| id.as_str() == typed).cloned().ok_or_else(|| {
        let near = nearest(typed, known.iter().map(PersonId::as_str));
        let help = near
            .map_or("declare them in sites/people.toml".to_owned(), |near| format!("did you mean {near}?"));
        Failure::usage(format!("there is no person `{typed}`"), help)
    })
}

/// The journal to look into; none if nothing was ever recorded.
fn to_read(context: &Context) -> Result<Option<SqliteJournal>, Failure> {
    let dir = context.journal_dir();
    if dir.exists() { Ok(Some(SqliteJournal::open_read_only(&dir)?)) } else { Ok(None) }
}
