//! House rules that a machine can see: floors, pure floors, file layout, purpose lines.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Floor of each top-level module. Siblings on floor 2 do not import each other; faces do not either.
const FLOORS: &[(&str, u32)] = &[
    ("base", 0),
    ("model", 1),
    ("document", 1),
    ("resolve", 2),
    ("render", 2),
    ("kind", 2),
    ("policy", 2),
    ("plan", 2),
    ("pattern", 2),
    ("quota", 2),
    ("engine", 2),
    ("fleet", 2),
    ("merkle", 2),
    ("evidence", 2),
    ("release", 2),
    ("report", 2),
    ("controls", 2),
    ("pacing", 2),
    ("forecast", 2),
    ("notice", 2),
    ("drift", 2),
    ("facts", 2),
    ("people", 2),
    ("persona", 2),
    ("access", 2),
    ("approval", 2),
    ("change", 2),
    ("checklist", 2),
    ("gate", 2),
    ("validate", 2),
    ("source", 3),
    ("probe", 3),
    ("journal", 3),
    ("driver", 3),
    ("entropy", 3),
    ("signer", 3),
    ("notify", 3),
    ("ticket", 3),
    ("post", 3),
    ("timestamp", 3),
    ("sandbox", 3),
    ("runner", 4),
    ("ops", 5),
    ("cli", 6),
];

/// Imports between siblings that are wanted: views may read what they show, what counts as drift is told by the rules of
/// kinds, what leaves in a notice passes the scanner of the evidence, and randomness has one source.
const SIBLINGS: &[(&str, &str)] = &[
    ("approval", "evidence"),
    ("approval", "people"),
    ("checklist", "approval"),
    ("checklist", "people"),
    ("drift", "kind"),
    ("evidence", "merkle"),
    ("gate", "approval"),
    ("gate", "checklist"),
    ("gate", "people"),
    ("journal", "entropy"),
    ("timestamp", "post"),
    ("policy", "people"),
    ("report", "people"),
    ("journal", "merkle"),
    ("notice", "evidence"),
    ("notify", "journal"),
    ("report", "plan"),
    ("signer", "entropy"),
    ("report", "engine"),
    ("report", "fleet"),
    ("report", "forecast"),
];

/// What the pure floors must not name.
const IMPURE: &[&str] = &[
    "tokio",
    "reqwest",
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "std::thread",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "HashMap",
    "HashSet",
    "getrandom",
    "rusqlite",
];

fn rust_files(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a readable folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn module_of(path: &Path) -> String {
    let inside = path.strip_prefix(root()).expect("below src");
    let first = inside.components().next().expect("a component").as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// Code without line comments: words in prose are free.
fn code(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}

/// Top-level modules named as `crate::x`, also inside `use crate::{a, b::c}`.
fn imports(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => drop(found.insert(word(rest))),
            Some(group) => found.extend(members(group).map(word)),
        }
    }
    found
}

/// The first names of a group's members: what stands after its opening or a comma on its own level.
fn members(group: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_i32;
    let mut starts = vec![0];
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => starts.push(at + 1),
            _ => {}
        }
    }
    starts.into_iter().map(|at| group[at..].trim_start()).filter(|member| !member.starts_with('}'))
}

#[test]
fn imports_go_down_only() {
    let floors: BTreeMap<&str, u32> = FLOORS.iter().copied().collect();
    let mut wrong = Vec::new();
    let mut edges = 0;
    for path in rust_files(&root()) {
        let module = module_of(&path);
        if matches!(module.as_str(), "lib" | "main") {
            continue;
        }
        let Some(own) = floors.get(module.as_str()) else {
            wrong.push(format!("{} stands on no floor: add it to FLOORS", path.display()));
            continue;
        };
        let text = fs::read_to_string(&path).expect("a readable file");
        for other in imports(&code(&text)) {
            let Some(floor) = floors.get(other.as_str()) else { continue };
            edges += 1;
            let sibling = SIBLINGS.contains(&(module.as_str(), other.as_str()));
            let island = module == "sandbox" && other != "base" && other != module;
            if other != module && !sibling && (floor >= own || island) {
                wrong.push(format!(
                    "{}: {module} (floor {own}) imports {other} (floor {floor})",
                    path.display()
                ));
            }
        }
    }
    assert!(edges > 50, "the test reads imports ({edges} found)");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pure_floors_name_no_outside() {
    let floors: BTreeMap<&str, u32> = FLOORS.iter().copied().collect();
    let mut wrong = Vec::new();
    for path in rust_files(&root()) {
        if floors.get(module_of(&path).as_str()).is_none_or(|floor| *floor > 2) {
            continue;
        }
        let text = code(&fs::read_to_string(&path).expect("a readable file"));
        for word in IMPURE.iter().filter(|word| text.contains(**word)) {
            wrong.push(format!("{} names {word}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_say_their_purpose_and_have_plain_names() {
    let mut wrong = Vec::new();
    for path in rust_files(&root()) {
        let text = fs::read_to_string(&path).expect("a readable file");
        if !text.starts_with("//!") {
            wrong.push(format!("{} does not begin with its purpose (`//!`)", path.display()));
        }
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        if ["mod", "imp", "util", "utils", "common", "helpers", "misc"].contains(&name.as_str()) {
            wrong.push(format!("{} has a name that says nothing", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_left_for_later() {
    let marks = ["todo!(", "unimplemented!(", "FIXME", "XXX", "#[ignore"];
    let mut wrong = Vec::new();
    for path in rust_files(&root()) {
        let text = fs::read_to_string(&path).expect("a readable file");
        for mark in marks.iter().filter(|mark| text.contains(**mark)) {
            wrong.push(format!("{} has {mark}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_import_reader_sees_groups() {
    let found = imports("use crate::{base::id::X, model::{plan, event}};\nlet x = crate::kind::y();");
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["base", "kind", "model"]);
}
