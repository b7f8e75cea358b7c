//! Reads `sites/people.toml`, and puts it together with the roles of `estate.toml` and of the site files.
//!
//! The file is no input of plans: who is on leave does not change what a plan would do.

mod hand;
mod holdings;
mod person;

use std::collections::BTreeMap;

use crate::base::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::base::id::{PersonId, RoleName, SiteCode};
use crate::base::limits::PEOPLE_TEXT_BYTES_MAX;
use crate::base::redact::{is_unseen, shown};
use crate::base::span::{Located, Span};
use crate::model::estate::{Estate, Site};
use crate::model::people::{Holding, PEOPLE_FILE, People, Person};
use crate::model::reader::Reader;
use crate::model::tree;
use crate::people::register;

use super::{ESTATE_CODES, Texts};

const WRONG: &str = ESTATE_CODES.wrong;

/// Reads the people of an estate; without the file, the roles alone.
pub(super) fn read(texts: &Texts, estate: &Estate, sites: &[Site], found: &mut Diagnostics) -> People {
    let part11 = sites.iter().filter(|site| site.part11).filter_map(Site::code).collect();
    let mut people = People { holdings: holdings::read(estate, sites, found), part11, ..People::default() };
    let Some(text) = texts.by_path.get(PEOPLE_FILE) else { return people };
    let (table, problems) = tree::parse(text.source, &text.text);
    found.extend(problems);
    let mut reader = Reader::new(&table, text.first_line(), "people.toml", ESTATE_CODES, found);
    people.persons = person::read(&mut reader);
    let codes = sites.iter().filter_map(Site::code).collect();
    let known = Known { persons: &people.persons, holdings: &people.holdings, sites: codes };
    let backups = hand::backups(&mut reader, &known);
    people.delegations = hand::delegations(&mut reader, &known);
    people.conflicts = hand::conflicts(&mut reader, &known);
    reader.finish();
    holdings::with_backups(&mut people.holdings, backups, found);
    holdings::check_automation(&people, found);
    people
}

/// What the tables of the file may refer to.
struct Known<'k> {
    persons: &'k BTreeMap<PersonId, Person>,
    holdings: &'k [Holding],
    sites: Vec<SiteCode>,
}

impl Known<'_> {
    fn person(&self, written: Located<String>, found: &mut Diagnostics) -> Option<PersonId> {
        let known = self.persons.keys().find(|id| id.as_str() == written.value);
        if known.is_none() {
            let names = self.persons.keys().map(PersonId::as_str);
            let near = nearest(&written.value, names);
            let problem = Diagnostic::error(WRONG, format!("there is no person `{}`", shown(&written.value)));
            found.push(problem.at(written.span, "not declared").help(near.map_or_else(
                || format!("declare them in {PEOPLE_FILE}: [person.<handle>]"),
                |near| format!("did you mean `{near}`?"),
            )));
        }
        known.cloned()
    }

    /// A role of the register or of the estate's own, under the name that the register has for it.
    fn role(&self, written: Located<String>, found: &mut Diagnostics) -> Option<RoleName> {
        let role = RoleName::new(written.value.as_str()).ok().map(|role| register::canonical(&role));
        let own = self.holdings.iter().map(|holding| &holding.role);
        let known: Vec<&RoleName> = register::names().chain(own).collect();
        let role = role.filter(|role| known.contains(&role));
        if role.is_none() {
            let near = nearest(&written.value, known.iter().map(|role| role.as_str()));
            let problem = Diagnostic::error(WRONG, format!("there is no role `{}`", shown(&written.value)));
            found.push(problem.at(written.span, "unknown role").help(near.map_or_else(
                || "landfall roles --crosswalk lists the roles".to_owned(),
                |near| format!("did you mean `{near}`?"),
            )));
        }
        role
    }

    fn site(&self, written: Located<String>, found: &mut Diagnostics) -> Option<SiteCode> {
        let known = self.sites.iter().find(|code| code.as_str() == written.value);
        if known.is_none() {
            let problem = Diagnostic::error(WRONG, format!("there is no site `{}`", shown(&written.value)));
            let near = nearest(&written.value, self.sites.iter().map(SiteCode::as_str));
            found.push(problem.at(written.span, "unknown site").help(near.map_or_else(
                || "write the code of a site file".to_owned(),
                |near| format!("did you mean `{near}`?"),
            )));
        }
        known.cloned()
    }
}

/// For [`Reader`]: a short text without anything that is not seen.
fn words(value: &serde_json::Value) -> Option<String> {
    let good = |text: &&str| {
        !text.trim().is_empty() && text.len() <= PEOPLE_TEXT_BYTES_MAX && !text.chars().any(is_unseen)
    };
    value.as_str().filter(good).map(str::to_owned)
}

const WORDS: &str = "a short text without control characters";

/// Says once that there are too many of something; true if there are.
fn too_many(at: usize, max: usize, what: &str, span: &Span, found: &mut Diagnostics) -> bool {
    if at == max {
        let message = format!("there are more than {max} {what}");
        found.push(Diagnostic::error(WRONG, message).at(span.clone(), "from here on"));
    }
    at >= max
}

#[cfg(test)]
mod tests;
