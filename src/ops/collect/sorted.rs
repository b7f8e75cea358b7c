//! The items of lists, sorted by the sites they belong to. Each item is looked at once, however many sites there are.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Draft;
use super::whose::Owners;
use crate::base::id::{ScopeId, SiteCode};
use crate::base::pointer;
use crate::driver::Paged;
use crate::evidence::population::cell;
use crate::evidence::population::platform::{BY_SERVICE, GONE, Listed};
use crate::kind;
use crate::model::kind::Kind;
use crate::model::population::{CallRead, Others};

/// Lists of one population, read and sorted.
#[derive(Debug, Default)]
pub struct Sorted {
    calls: Vec<CallRead>,
    items: u64,
    held: u64,
    rows: BTreeMap<SiteCode, Vec<Row>>,
}

/// One list: what it is of, and where.
#[derive(Debug, Clone, Copy)]
pub struct One<'l> {
    /// The population.
    pub listed: &'l Listed,
    /// The kind.
    pub kind: &'l Kind,
    /// What it was asked for.
    pub outer: &'l Value,
    /// The site that it lies in, if all of it is one site's.
    pub home: Option<&'l SiteCode>,
}

/// One item that is a site's.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its cells.
    pub cells: Vec<String>,
    /// The item.
    pub live: Value,
    /// Whether a log holds it.
    pub is_held: bool,
}

impl Sorted {
    /// Takes the items of a list. Whatever is in a list of `home` is that site's, unless another log holds it.
    pub fn take(&mut self, owners: &Owners, list: &One<'_>, paged: Paged) {
        let One { listed, kind, outer, home } = *list;
        self.calls.push(paged.call);
        self.items += paged.items.len() as u64;
        for item in paged.items {
            let (id, live) = identified(kind, outer, item);
            let holder = owners.holder(&kind.name, &id);
            self.held += u64::from(holder.is_some());
            let (sites, by, step) = match holder {
                Some((ScopeId::Site(site), step)) => (BTreeSet::from([site]), "log", step.as_str()),
                Some(_) => continue,
                None => {
                    let (sites, by) = said(owners, listed, &live, home);
                    (sites, by, "")
                }
            };
            let by = if is_own_make(kind, &live) && step.is_empty() { BY_SERVICE } else { by };
            let by = if kind::exists(kind, &live) { by } else { GONE };
            let mut cells = vec![id, by.to_owned(), step.to_owned()];
            cells.extend(listed.pointers.iter().map(|at| live.pointer(at).map_or_else(String::new, cell)));
            for site in sites {
                let row = Row { cells: cells.clone(), live: live.clone(), is_held: !step.is_empty() };
                self.rows.entry(site.clone()).or_default().push(row);
            }
        }
    }

    /// The rows of a site.
    pub fn of(&self, site: &SiteCode) -> &[Row] {
        self.rows.get(site).map_or(&[], Vec::as_slice)
    }

    /// The population of a site.
    pub fn draft(&self, site: &SiteCode) -> Draft {
        let rows = self.of(site);
        let known = self.held - rows.iter().filter(|row| row.is_held).count() as u64;
        Draft {
            calls: self.calls.clone(),
            items: self.items,
            rows: rows.iter().map(|row| row.cells.clone()).collect(),
            others: Others { known, unknown: self.items - known - rows.len() as u64 },
            compared: Vec::new(),
            ..Draft::default()
        }
    }
}

/// The sites that an object says it is of, and by what.
fn said<'o>(
    owners: &'o Owners,
    listed: &Listed,
    live: &Value,
    home: Option<&'o SiteCode>,
) -> (BTreeSet<&'o SiteCode>, &'static str) {
    if let Some(home) = home {
        return (BTreeSet::from([home]), "place");
    }
    let texts = |tags: bool| {
        let at = listed.pointers.iter().filter(move |at| at.ends_with("tags") == tags);
        at.filter_map(|at| live.pointer(at)).map(cell).collect::<Vec<_>>().join(" ")
    };
    for (tags, by) in [(true, "tag"), (false, "name")] {
        let text = texts(tags);
        let sites: BTreeSet<SiteCode> = owners.named(&text).cloned().collect();
        if !sites.is_empty() {
            return (sites.iter().filter_map(|site| owners.code(site)).collect(), by);
        }
    }
    (BTreeSet::new(), "")
}

fn is_own_make(kind: &Kind, live: &Value) -> bool {
    let rules = kind.strangers.iter().flat_map(|rule| &rule.exceptions);
    rules.into_iter().any(|one| live.pointer(&one.at).is_some_and(|value| one.one_of.contains(value)))
}

/// An item with the parts of its address that the list was asked for, and its id.
fn identified(kind: &Kind, outer: &Value, item: Value) -> (String, Value) {
    let outer = if outer.is_object() { outer.clone() } else { serde_json::json!({}) };
    let mut live = kind::answered(kind, &outer, item, None, None);
    let mut spec = outer;
    for part in &kind.key.parts {
        if let Some(value) = part.item.as_ref().and_then(|at| live.pointer(at)).cloned() {
            pointer::set(&mut spec, &part.spec, value.clone());
            if live.pointer(&part.spec).is_none() {
                pointer::set(&mut live, &part.spec, value);
            }
        }
    }
    let id = kind::id_of(kind, &spec, Some(&live)).or_else(|| kind::key_in_list(kind, &live));
    (id.unwrap_or_default(), live)
}
