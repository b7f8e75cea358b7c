//! What the fixtures of checklist items say: a world in which an item passes, and what is taken from it so that it fails.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use landfall::base::id::{ScopeId, StepId};
use landfall::base::time::Timestamp;
use landfall::model::checklist::{Item, Validator};
use landfall::model::estate::{LOCK_FILE, Loaded};
use landfall::model::rendered::Rendered;
use landfall::model::resolved::Resolved;
use landfall::source::{self, Files, load_files};
use landfall::validate::findings::{Filed, Findings, Member, Object};
use landfall::validate::{Verdict, judge_item};
use landfall::{render, resolve};
use serde::Deserialize;
use serde_json::{Map, Value, json};

const DAY: i64 = 24 * 60 * 60 * 1000;

/// The example estate; one of its sites has a last day, so that everything that packs can ask for is asked for.
pub struct Example {
    pub loaded: Loaded,
    pub resolved: Resolved,
    pub rendered: BTreeMap<ScopeId, Rendered>,
}

pub const LEAVES: &str = "ASH10";

pub fn files() -> Files {
    let folder = source::read(Path::new(env!("CARGO_MANIFEST_DIR")));
    assert_eq!(folder.unread, []);
    folder.files
}

/// The files with a piece of one of them replaced, and the packs locked as they are.
pub fn changed(mut files: Files, path: &str, from: &str, to: &str) -> Files {
    let text = String::from_utf8(files[path].clone()).unwrap();
    assert!(text.contains(from), "{path} has no {from:?}");
    files.insert(path.to_owned(), text.replacen(from, to, 1).into_bytes());
    let lock = source::lock_text(&load_files(files.clone()).0);
    files.insert(LOCK_FILE.to_owned(), lock.into_bytes());
    files
}

impl Example {
    pub fn load() -> Example {
        let path = format!("sites/{LEAVES}.toml");
        let files = changed(files(), &path, "\n[[window]]", "last_day = 2028-06-30\n\n[[window]]");
        let (loaded, mut found) = load_files(files);
        let (resolved, problems) = resolve::all(&loaded);
        found.extend(problems);
        let (rendered, problems) = render::all(&loaded, &resolved);
        found.extend(problems);
        let told: Vec<&String> = found.iter().map(|problem| &problem.message).collect();
        assert!(told.is_empty(), "{told:?}");
        Example { loaded, resolved, rendered }
    }

    /// Every item of every pack, with the first scope that has it.
    pub fn items(&self) -> BTreeMap<(String, String), &Item> {
        let mut items = BTreeMap::new();
        for item in self.rendered.values().flat_map(|scope| &scope.items) {
            items.entry((item.origin.pack.to_string(), item.id.to_string())).or_insert(item);
        }
        items
    }

    pub fn item(&self, at: &str, id: &str) -> &Item {
        let scope = if at == "account" { at.to_owned() } else { format!("site/{at}") };
        let rendered = &self.rendered[&scope.parse::<ScopeId>().unwrap()];
        rendered
            .items
            .iter()
            .find(|item| item.id.as_str() == id)
            .unwrap_or_else(|| panic!("{scope} has no {id}"))
    }
}

/// One fixture: where the item is looked at, with what it passes, and what it fails without.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixture {
    pub at: String,
    #[serde(default)]
    pub attested: BTreeSet<String>,
    #[serde(default)]
    facts: Map<String, Value>,
    /// The newest record of each kind, as its file says.
    #[serde(default)]
    records: Map<String, Value>,
    #[serde(default)]
    reads: Map<String, Value>,
    /// The members of each group: whether each is active.
    #[serde(default)]
    scim: Map<String, Value>,
    pub fail: Vec<Fail>,
}

/// One way to fail.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fail {
    /// What is not there: parts with `/` between them, `*` for each.
    without: Vec<String>,
    /// What is otherwise.
    set: BTreeMap<String, Value>,
    /// What rules find.
    rules: BTreeMap<String, Vec<String>>,
    /// How many days ago a record was filed; one, where nothing is said.
    days: BTreeMap<String, i64>,
    /// How many days ago the scope's newest good run ended; ten, where nothing is said.
    released: Option<i64>,
    pub attested: Option<BTreeSet<String>>,
    /// Words of what is missing, each in a sentence.
    pub missing: Vec<String>,
    /// The roles that still have to state it.
    pub waits_on: BTreeSet<String>,
}

impl Fixture {
    fn document(&self) -> Value {
        json!({"facts": self.facts, "records": self.records, "reads": self.reads, "scim": self.scim})
    }

    /// What becomes of the item in this world, with something of it otherwise.
    pub fn verdict(&self, item: &Item, fail: &Fail) -> Verdict {
        let mut document = self.document();
        for path in &fail.without {
            assert!(change(&mut document, &parts(path), None), "{}: nothing at {path}", item.id);
        }
        for (path, value) in &fail.set {
            assert!(change(&mut document, &parts(path), Some(value)), "{}: nothing at {path}", item.id);
        }
        judge_item(item, &findings(item, &document, fail), now())
    }

    /// The world with one place of it empty, by the JSON pointer of an assertion. Says whether there was such a place.
    pub fn emptied(&self, item: &Item, root: &str, pointer: &str, to: Option<&Value>) -> Option<Verdict> {
        let mut document = self.document();
        let path: Vec<String> = root
            .split('\n')
            .map(str::to_owned)
            .chain(pointer.split('/').skip(1).map(str::to_owned))
            .collect();
        change(&mut document, &path, to)
            .then(|| judge_item(item, &findings(item, &document, &Fail::default()), now()))
    }
}

/// Kinds of records and names of groups have dots, never slashes.
fn parts(path: &str) -> Vec<String> {
    path.split('/').map(str::to_owned).collect()
}

/// Sets a place, or takes it away; whether there was one.
fn change(document: &mut Value, path: &[String], to: Option<&Value>) -> bool {
    let Some((first, rest)) = path.split_first() else { return false };
    if first == "*" {
        let children: Vec<String> = match document {
            Value::Array(items) => (0..items.len()).rev().map(|index| index.to_string()).collect(),
            Value::Object(entries) => entries.keys().cloned().collect(),
            _ => return false,
        };
        let each = children.into_iter().map(|child| {
            let path: Vec<String> = std::iter::once(child).chain(rest.iter().cloned()).collect();
            change(document, &path, to)
        });
        return each.fold(false, |any, one| any | one);
    }
    match (rest.is_empty(), document) {
        (false, Value::Object(entries)) => {
            entries.get_mut(first).is_some_and(|inner| change(inner, rest, to))
        }
        (false, Value::Array(items)) => first
            .parse::<usize>()
            .ok()
            .and_then(|at| items.get_mut(at))
            .is_some_and(|inner| change(inner, rest, to)),
        (true, Value::Object(entries)) => match to {
            Some(value) => entries.insert(first.clone(), value.clone()).is_some() || to.is_some(),
            None => entries.remove(first).is_some(),
        },
        (true, Value::Array(items)) => {
            let Some(item) = first.parse::<usize>().ok().and_then(|at| items.get_mut(at)) else {
                return false;
            };
            *item = to.cloned().unwrap_or(Value::Null);
            true
        }
        (_, Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => false,
    }
}

fn now() -> Timestamp {
    "2027-03-01T12:00:00Z".parse().unwrap()
}

fn days_ago(days: i64) -> Timestamp {
    Timestamp::from_millis(now().as_millis() - days * DAY)
}

fn findings(item: &Item, document: &Value, fail: &Fail) -> Findings {
    let entries = |key: &str| document[key].as_object().cloned().unwrap_or_default();
    let mut findings = Findings { facts: document["facts"].clone(), ..Findings::default() };
    findings.released = Some(days_ago(fail.released.unwrap_or(10)));
    for (kind, said) in entries("records") {
        let at = days_ago(fail.days.get(&kind).copied().unwrap_or(1));
        findings.records.insert(kind, vec![Filed { entry: 7, at, file: None, said: Some(said) }]);
    }
    for (step, live) in entries("reads") {
        findings.readbacks.insert(StepId::new(step).unwrap(), Ok(Some(Object { kept: live.clone(), live })));
    }
    for (group, members) in entries("scim") {
        let active = members.as_array().cloned().unwrap_or_default();
        let members = active.iter().enumerate();
        let members = members.map(|(id, active)| Member { id: id.to_string(), active: active.as_bool() });
        findings.scim.insert(group, Ok(Some(members.collect())));
    }
    for validator in &item.validate {
        if let Validator::Rule { rule } = validator {
            let problems = fail.rules.get(rule).cloned().unwrap_or_default();
            findings.rules.insert(rule.clone(), Ok(problems));
        }
    }
    findings
}

/// The fixtures of each pack, by item; `item@SITE` is one more of the same item, at another site.
pub fn fixtures() -> BTreeMap<String, BTreeMap<String, Fixture>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/checklists/fixtures");
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let read = toml::from_str(&text).unwrap_or_else(|problem| panic!("{}: {problem}", path.display()));
        all.insert(path.file_stem().unwrap().to_string_lossy().into_owned(), read);
    }
    all
}
