//! Lists inside objects of a site: members of its groups, grants on what it has.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Draft;
use super::site::Site;
use super::sorted::{Row, Sorted};
use crate::base::id::KindName;
use crate::driver::{ListAsk, Place};
use crate::evidence::population::cell;
use crate::evidence::population::platform::{BY_SERVICE, GONE};
use crate::model::population::Others;

/// What grants are read on: the population, and the word of the service for it.
const SECURABLES: [(&str, &str); 4] = [
    ("catalogs", "catalog"),
    ("schemas", "schema"),
    ("external-locations", "external_location"),
    ("storage-credentials", "storage_credential"),
];

fn name(kind: &str) -> KindName {
    KindName::new(kind).expect("the kind's name is spelled as one")
}

/// Members of groups, and who they are.
pub(super) async fn members(site: &Site<'_>, groups: &[Row]) -> (Draft, BTreeSet<String>) {
    let ask = |row: &Row| ListAsk::Inside {
        kind: name("databricks.group"),
        place: Place::Account,
        id: row.cells[0].clone(),
        spec: Value::Null,
        at: "/members".to_owned(),
    };
    let there: Vec<&Row> = groups.iter().filter(|row| row.cells[1] != GONE).collect();
    let answers = site.reader.ask(there.iter().map(|row| ask(row)).collect()).await;
    let (mut draft, mut insiders) = (Draft::default(), BTreeSet::new());
    for (group, paged) in there.into_iter().zip(answers) {
        draft.calls.push(paged.call);
        draft.items += paged.items.len() as u64;
        for item in &paged.items {
            let member = item.get("value").map_or_else(String::new, cell);
            let [id, _, step, title] = [0, 1, 2, 3].map(|place| group.cells[place].clone());
            draft.rows.push(vec![id, title, member.clone(), step]);
            insiders.insert(member);
        }
    }
    (draft, insiders)
}

/// Direct grants on what the site has.
pub(super) async fn grants(site: &Site<'_>, inner: &BTreeMap<&'static str, Sorted>) -> Draft {
    let mut asks = Vec::new();
    for (population, word) in SECURABLES {
        let rows = inner.get(population).map_or(&[][..], |list| list.of(site.code));
        for row in rows.iter().filter(|row| row.cells[1] != BY_SERVICE && row.cells[1] != GONE) {
            let Some(place) = site.place_of(&row.cells[2]) else { continue };
            asks.push((word, row.cells[0].clone(), place));
        }
    }
    let question = |(word, object, place): &(&str, String, Place)| ListAsk::Inside {
        kind: name("databricks.grants"),
        place: place.clone(),
        id: format!("{word}/{object}"),
        spec: json!({ "securable_type": word, "full_name": object }),
        at: "/privilege_assignments".to_owned(),
    };
    let answers = site.reader.ask(asks.iter().map(question).collect()).await;
    let mut draft = Draft { others: Others::default(), ..Draft::default() };
    for ((word, object, _), paged) in asks.into_iter().zip(answers) {
        draft.calls.push(paged.call);
        draft.items += paged.items.len() as u64;
        let holder = site.reader.owners.holder(&name("databricks.grants"), &format!("{word}/{object}"));
        let step = holder.filter(|(scope, _)| *scope == site.scope).map_or("", |(_, step)| step.as_str());
        for item in &paged.items {
            let text = |field: &str| item.get(field).map_or_else(String::new, cell);
            let (principal, privileges) = (text("principal"), text("privileges"));
            draft.rows.push(vec![word.to_owned(), object.clone(), principal, privileges, step.to_owned()]);
        }
    }
    draft
}
