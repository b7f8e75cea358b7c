//! Estates to measure with, and the program under test.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::Program;

/// The program under test.
pub const LANDFALL: &str = env!("CARGO_BIN_EXE_landfall");

/// A generated estate in a folder of its own, without windows and dates, so that it can be launched at any time: one
/// wave of all sites.
pub struct Estate {
    pub root: PathBuf,
    pub sites: usize,
}

impl Estate {
    pub fn new(scratch: &Path, name: &str, sites: usize) -> Self {
        let root = scratch.join(name);
        let _ = fs::remove_dir_all(&root);
        let status = Command::new(LANDFALL)
            .args(["--quiet", "init", "--sites", &sites.to_string()])
            .arg(&root)
            .status()
            .expect("the program starts");
        assert!(status.success(), "init of {sites} sites");
        let estate = Self { root, sites };
        estate.open();
        estate
    }

    /// Gives this site so many product lines more; each brings fourteen steps.
    pub fn widen(&self, site: usize, lines: usize) {
        let path = &self.site_files()[site];
        let text = fs::read_to_string(path).expect("a site");
        let more: String =
            (0..lines).map(|at| format!("{{ name = \"extra-{at:02}\", purpose = \"payment\" }}, ")).collect();
        let text = text.replacen("product_lines = [", &format!("product_lines = [{more}"), 1);
        fs::write(path, text).expect("a site is written");
    }

    fn open(&self) {
        let mut codes = Vec::new();
        for path in self.site_files() {
            codes.push(format!("\"{}\"", path.file_stem().unwrap_or_default().to_string_lossy()));
            let text = fs::read_to_string(&path).expect("a site");
            fs::write(&path, without(&text, &["[[window]]"])).expect("a site is written");
        }
        let path = self.root.join("sites/estate.toml");
        let text = fs::read_to_string(&path).expect("the estate");
        let mut text = without(
            &text,
            &["[[wave]]", "[[freeze]]", "[wave.defaults]", "[[stage]]", "[[stage.entry]]", "[[stage.exit]]"],
        );
        let most = self.sites.max(1);
        // A pilot has no size of its own. The budget bounds how many run at once, so it is as large as the wave.
        text.push_str(&format!(
            "\n[[wave]]\nname = \"all\"\nkind = \"pilot\"\nsites = [{}]\nmax_parallel = {most}\nfailure_budget = {most}\n",
            codes.join(", ")
        ));
        fs::write(&path, text).expect("the estate is written");
    }

    pub fn site_files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.root.join("sites")).expect("a folder of sites");
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
        // A site's file has the name of its code; others, such as `people.toml`, are in small letters.
        files.retain(|path| {
            path.file_stem()
                .is_some_and(|stem| stem.to_string_lossy().starts_with(|c: char| c.is_ascii_uppercase()))
        });
        files.sort();
        files
    }

    pub fn code(&self, at: usize) -> String {
        self.site_files()[at].file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The program with these words, in this estate.
    pub fn program(&self, name: &str, words: &[&str]) -> Program {
        let all: Vec<&str> = [LANDFALL, "--quiet"].into_iter().chain(words.iter().copied()).collect();
        Program::new(name, &self.root, &all)
    }

    /// What the program prints.
    pub fn prints(&self, words: &[&str]) -> String {
        let output = Command::new(LANDFALL).args(words).current_dir(&self.root).output().expect("it starts");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub fn forget(&self) {
        let _ = fs::remove_dir_all(self.root.join(".landfall"));
    }

    /// Steps that all packs give for this estate, as `check` counts them.
    pub fn steps(&self) -> usize {
        let text = self.prints(&["check"]);
        let words: Vec<&str> = text.split_whitespace().collect();
        let at = words.iter().position(|word| word.starts_with("steps")).unwrap_or(0);
        at.checked_sub(1).and_then(|at| words[at].parse().ok()).unwrap_or(0)
    }

    /// Operations of a saved plan, by name.
    pub fn operations(&self, plan: &str) -> BTreeMap<String, usize> {
        let text = fs::read(self.root.join(plan)).unwrap_or_default();
        let value: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
        let mut counted = BTreeMap::new();
        for scope in value["plan"]["scopes"].as_object().into_iter().flat_map(|map| map.values()) {
            for step in scope["steps"].as_object().into_iter().flat_map(|map| map.values()) {
                let word = step["work"]["reconcile"]["operation"].as_str().unwrap_or("check").to_owned();
                *counted.entry(word).or_insert(0) += 1;
            }
        }
        counted
    }
}

/// A text without the tables under these headers.
fn without(text: &str, headers: &[&str]) -> String {
    let mut out = String::new();
    let mut skipping = false;
    for line in text.lines() {
        if line.starts_with('[') {
            skipping = headers.contains(&line);
        }
        if !skipping {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}
