//! Users of the account, held against the identity provider's users and the register of people who left: sources that are
//! handed in as files. Their names are compared in memory and never kept.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::{Account, Draft};
use crate::base::digest::Digest;
use crate::base::limits::PEOPLE_FILE_BYTES_MAX;
use crate::model::population::{Compared, IDENTITY, LEAVERS, Others};
use crate::ops::earlier::limited;
use crate::ops::error::Failure;

/// What is said where no source was given.
const NOT_GIVEN: &str = "no source given";

/// Sources beside the platform.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct People {
    identity: Option<Source>,
    leavers: Option<Source>,
}

/// People by the names that the account knows them by, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Source {
    sha256: Digest,
    /// For each person all names they have.
    people: Vec<BTreeSet<String>>,
    whole: bool,
}

/// What a file holds: people by their names, and whether it is all of them.
type Held = Result<(Vec<BTreeSet<String>>, bool), String>;

/// One user of the account.
struct User {
    id: String,
    names: BTreeSet<String>,
    can_sign_in: bool,
}

impl People {
    /// Reads the files: the identity provider's users as a SCIM list (JSON), the register of leavers as a table (CSV) with
    /// the column `user_name` first.
    ///
    /// # Errors
    ///
    /// If one of them is too large or not of its form.
    pub(super) fn read(identity: Option<&Path>, leavers: Option<&Path>) -> Result<Self, Failure> {
        let read = |path: &Path, form: fn(&[u8]) -> Held| {
            let bytes = limited(path, PEOPLE_FILE_BYTES_MAX)?;
            let bad = |what: String| Failure::failed(format!("{}: {what}", path.display()));
            let (people, whole) = form(&bytes).map_err(bad)?;
            Ok::<_, Failure>(Source { sha256: Digest::of(&bytes), people, whole })
        };
        Ok(Self {
            identity: identity.map(|path| read(path, scim)).transpose()?,
            leavers: leavers.map(|path| read(path, register)).transpose()?,
        })
    }

    /// The users who have a way into a site, with what the other sources say of them.
    pub(super) fn users(&self, account: &Account, ways: &[(&'static str, BTreeSet<String>)]) -> Draft {
        let way = |id: &str| ways.iter().find(|(_, ids)| ids.contains(id)).map(|(word, _)| *word);
        let users: Vec<User> = account.users.items.iter().map(user).collect();
        let programs: Vec<User> = account.programs.items.iter().map(user).collect();
        let mut draft = Draft {
            calls: vec![account.users.call.clone(), account.programs.call.clone()],
            items: (users.len() + programs.len()) as u64,
            ..Draft::default()
        };
        let known = self.identity.as_ref().map(Source::names);
        let left = self.leavers.as_ref().map(Source::names);
        for (all, word) in [(&users, "user"), (&programs, "service principal")] {
            for user in all {
                let Some(way) = way(&user.id) else { continue };
                let told = |names: &Option<BTreeSet<&String>>| match names {
                    _ if word != "user" => "not a person",
                    None => NOT_GIVEN,
                    Some(names) => yes_or_no(user.names.iter().any(|name| names.contains(name))),
                };
                let cells = [word, yes_or_no(user.can_sign_in), way, told(&known), told(&left)];
                let cells = std::iter::once(user.id.clone()).chain(cells.map(str::to_owned));
                draft.rows.push(cells.collect());
            }
        }
        draft.others = Others { known: 0, unknown: draft.items - draft.rows.len() as u64 };
        draft.compared = self.compared(&users);
        draft
    }

    fn compared(&self, users: &[User]) -> Vec<Compared> {
        let mut by_name: BTreeMap<&str, bool> = BTreeMap::new();
        for user in users {
            for name in &user.names {
                *by_name.entry(name).or_default() |= user.can_sign_in;
            }
        }
        let active = users.iter().filter(|user| user.can_sign_in).count() as u64;
        let standing = |person: &BTreeSet<String>| {
            person
                .iter()
                .filter_map(|name| by_name.get(name.as_str()))
                .copied()
                .reduce(|one, other| one || other)
        };
        let count = |source: &Source, wanted: fn(Option<bool>) -> bool| {
            source.people.iter().filter(|person| wanted(standing(person))).count() as u64
        };
        let of = |with: &str, source: &Source, matched: u64, in_account: u64| Compared {
            with: with.to_owned(),
            sha256: source.sha256,
            people: source.people.len() as u64,
            whole: source.whole,
            matched,
            in_account,
        };
        let identity = self
            .identity
            .as_ref()
            .map(|source| of(IDENTITY, source, count(source, |standing| standing == Some(true)), active));
        let leavers = self.leavers.as_ref().map(|source| {
            let disabled = count(source, |standing| standing == Some(false));
            of(LEAVERS, source, disabled, count(source, |standing| standing.is_some()))
        });
        [identity, leavers].into_iter().flatten().collect()
    }
}

impl Source {
    fn names(&self) -> BTreeSet<&String> {
        self.people.iter().flatten().collect()
    }
}

fn yes_or_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

fn names(item: &Value) -> BTreeSet<String> {
    let fields = ["userName", "externalId"].iter().filter_map(|field| item.get(field)?.as_str());
    fields.filter(|name| !name.is_empty()).map(str::to_lowercase).collect()
}

fn user(item: &Value) -> User {
    let id = item.get("id").map_or_else(String::new, crate::evidence::population::cell);
    // Nothing said about it means active, as in SCIM.
    let can_sign_in = item.get("active").and_then(Value::as_bool).unwrap_or(true);
    User { id, names: names(item), can_sign_in }
}

/// A SCIM list: all of it is there only if it holds as many as it counts.
fn scim(bytes: &[u8]) -> Held {
    let list: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let items = list.get("Resources").and_then(Value::as_array);
    let items = items.ok_or("it is not a SCIM list: it has no Resources")?;
    let whole = list.get("totalResults").and_then(Value::as_u64) == Some(items.len() as u64);
    let active = |item: &&Value| item.get("active").and_then(Value::as_bool).unwrap_or(true);
    Ok((items.iter().filter(active).map(names).collect(), whole))
}

fn register(bytes: &[u8]) -> Held {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let cell =
        |line: &str| line.split(',').next().unwrap_or_default().trim().trim_matches('"').to_lowercase();
    let mut lines = text.lines();
    if lines.next().map(cell).as_deref() != Some("user_name") {
        return Err("its first column is not user_name".to_owned());
    }
    let people = lines.map(cell).filter(|name| !name.is_empty()).map(|name| BTreeSet::from([name]));
    Ok((people.collect(), true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::collect::nothing;
    use serde_json::json;

    fn people(scim_list: Option<Value>, leavers: Option<&str>) -> People {
        let source = |(people, whole): (Vec<_>, bool)| Source { sha256: Digest::of(b""), people, whole };
        People {
            identity: scim_list.map(|list| source(scim(list.to_string().as_bytes()).unwrap())),
            leavers: leavers.map(|text| source(register(text.as_bytes()).unwrap())),
        }
    }

    fn account(users: Value) -> Account {
        let items = users.as_array().unwrap().clone();
        let users = crate::driver::Paged { items, ..nothing() };
        Account { lists: BTreeMap::new(), groups: BTreeMap::new(), users, programs: nothing() }
    }

    fn draft(people: &People) -> Draft {
        let account = account(json!([
            { "id": "1", "userName": "Ana@example.org", "active": true },
            { "id": "2", "userName": "bo@example.org", "active": true },
            { "id": "3", "userName": "cy@example.org", "active": false },
        ]));
        people.users(&account, &[("group", ["1", "2"].map(str::to_owned).into())])
    }

    #[test]
    fn people_are_compared_by_name_and_told_by_id() {
        let identity = json!({ "totalResults": 2, "Resources": [
            { "userName": "ana@EXAMPLE.org" }, { "userName": "new@example.org" },
        ] });
        let draft = draft(&people(
            Some(identity),
            Some("user_name,left\ncy@example.org,2027\nbo@example.org,2027\n"),
        ));
        let rows: Vec<String> = draft.rows.iter().map(|row| row.join(" ")).collect();
        assert_eq!(rows, ["1 user yes group yes no", "2 user yes group no yes"]);
        assert_eq!((draft.items, draft.others.unknown), (3, 1));
        let [identity, leavers] = &draft.compared[..] else { panic!("two sources") };
        assert_eq!((identity.people, identity.matched, identity.in_account, identity.whole), (2, 1, 2, true));
        assert_eq!(
            (leavers.people, leavers.matched, leavers.in_account),
            (2, 1, 2),
            "bo left and can sign in"
        );
        assert!(!format!("{draft:?}").contains("example.org"), "no name is kept");
    }

    #[test]
    fn what_is_not_given_is_not_nobody() {
        let draft = draft(&People::default());
        assert_eq!(draft.rows[0][4..], [NOT_GIVEN, NOT_GIVEN]);
        assert!(draft.compared.is_empty());
        let cut = json!({ "totalResults": 9, "Resources": [{ "userName": "ana@example.org" }] });
        assert!(!people(Some(cut), None).identity.unwrap().whole);
        for bad in ["", "[]", "{}", "{\"Resources\":1}"] {
            assert!(scim(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(register(b"name\nx\n").is_err() && register(&[0xff]).is_err());
    }
}
