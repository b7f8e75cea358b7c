//! The catalogue of controls against the packs that this repository carries.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use landfall::controls::Catalogue;

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn every_evidence_kind_of_the_packs_is_known() {
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let (mut used, mut promised) = (BTreeSet::new(), BTreeSet::new());
    for path in files(&templates) {
        let text = fs::read_to_string(&path).expect("text");
        let lines = text.lines().filter_map(|line| line.trim().strip_prefix("evidence = \""));
        used.extend(lines.map(|rest| rest.trim_end_matches('"').to_owned()));
        if path.ends_with("pack.toml") {
            let pack: toml::Table = text.parse().expect("a manifest");
            let controls = pack["controls"].as_array().expect("a list");
            promised.extend(controls.iter().map(|kind| kind.as_str().expect("text").to_owned()));
        }
    }
    assert!(used.len() >= 10, "{used:?}");
    let kinds = Catalogue::embedded().kinds();
    let unknown: Vec<&String> = used.union(&promised).filter(|kind| !kinds.contains_key(*kind)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let idle: Vec<&String> = promised.difference(&used).collect();
    assert!(idle.is_empty(), "promised by a pack, shown by no step: {idle:?}");
}
