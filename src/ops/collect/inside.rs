//! Lists inside objects of a site: members of its groups, grants on what it has.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Draft;
use super::site::Site;
use super::sorted::Sorted;
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

/// Members of groups, and who they are. Of a group: its id, its name, the step that holds it.
pub(super) async fn members(site: &Site<'_>, groups: Vec<[String; 3]>) -> (Draft, BTreeSet<String>) {
    let ask = |[id, _, _]: &[String; 3]| ListAsk::Inside {
        kind: name("databricks.group"),
        place: Place::Account,
        id: id.clone(),
        spec: Value::Null,
        at: "/members".to_owned(),
    };
    let answers = site.reader.ask(groups.iter().map(ask).collect()).await;
    let (mut draft, mut insiders) = (Draft::default(), BTreeSet::new());
    for ([id, title, step], paged) in groups.into_iter().zip(answers) {
        draft.calls.push(paged.call);
        draft.items += paged.items.len() as u64;
        for item in &paged.items {
            let member = item.get("value").map_or_else(String::new, cell);
            draft.rows.push(vec![id.clone(), title.clone(), member.clone(), step.clone()]);
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
