//! A folder of estates with one thing wrong each, laid over a good one, and what is said about each of them.
//!
//! `LANDFALL_UPDATE=1 cargo test --test bad_estates` writes the answers anew; read them before committing.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use landfall::base::diagnostic::{Diagnostics, Severity};
use landfall::base::id::ScopeId;
use landfall::model::estate::{LOCK_FILE, Loaded};
use landfall::model::rendered::Rendered;
use landfall::model::resolved::Resolved;
use landfall::source::{Files, load_files};
use landfall::{policy, render, resolve, source};

struct Outcome {
    loaded: Loaded,
    resolved: Resolved,
    rendered: BTreeMap<ScopeId, Rendered>,
    found: Diagnostics,
}

fn run((loaded, mut found): (Loaded, Diagnostics)) -> Outcome {
    let (resolved, problems) = resolve::all(&loaded);
    found.extend(problems);
    let (rendered, problems) = render::all(&loaded, &resolved);
    found.extend(problems);
    found.extend(policy::all(&loaded, &resolved, &rendered));
    landfall::ops::desired::check_kinds(&loaded, &rendered, &mut found);
    found.settle();
    Outcome { loaded, resolved, rendered, found }
}

/// One paragraph per problem: severity, code, place and message; then the other places, notes and the fix.
fn told(outcome: &Outcome) -> String {
    let mut text = String::new();
    for problem in outcome.found.iter() {
        let severity = match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let mut places = problem.labels.iter().map(|label| outcome.loaded.sources.place(&label.span));
        let first = places.next().unwrap_or_default();
        writeln!(text, "{severity} {} {first} {}", problem.code, problem.message).unwrap();
        places.for_each(|place| writeln!(text, "  also {place}").unwrap());
        problem.notes.iter().for_each(|note| writeln!(text, "  note: {note}").unwrap());
        problem.help.iter().for_each(|help| writeln!(text, "  help: {help}").unwrap());
    }
    text
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn good() -> Files {
    let folder = source::read(&tests().join("fixtures/estate"));
    assert_eq!(folder.unread, []);
    with_lock(folder.files)
}

/// Locks the packs as they are.
fn with_lock(mut files: Files) -> Files {
    let text = source::lock_text(&load_files(files.clone()).0);
    files.insert(LOCK_FILE.to_owned(), text.into_bytes());
    files
}

/// The good estate with one site's line replaced.
fn with(path: &str, from: &str, to: &str) -> Files {
    let mut files = good();
    let text = String::from_utf8(files[path].clone()).unwrap();
    assert!(text.contains(from), "{path} has no {from:?}");
    files.insert(path.to_owned(), text.replacen(from, to, 1).into_bytes());
    if path.starts_with("templates/") { with_lock(files) } else { files }
}

#[test]
fn the_good_estate_has_no_problem() {
    let outcome = run(load_files(good()));
    assert_eq!(told(&outcome), "");
    let scopes: Vec<String> = outcome.rendered.keys().map(ToString::to_string).collect();
    assert_eq!(scopes, ["account", "region/us-east-1", "region/us-west-2", "site/HRB01", "site/MPL02"]);
    let site = &outcome.rendered[&"site/MPL02".parse().unwrap()];
    assert_eq!(site.files["clinic/files/grants.sql"].lines().next(), Some("-- Grants of 'Maple \"Street\"'"));
    let json: serde_json::Value = serde_json::from_str(&site.files["clinic/files/site.json"]).unwrap();
    assert_eq!(json["name"], "Maple \"Street\"");
    assert_eq!(json["residency"], serde_json::json!(["us-east-1", "us-west-2"]));
    assert_eq!((site.resources.len(), site.steps.len()), (5, 1));
    assert_eq!(site.steps[0].title, "The workspace of Maple \"Street\" is in us-west-2");
}

#[test]
fn the_same_files_render_to_the_same_bytes() {
    let (one, two) = (run(load_files(good())), run(load_files(good())));
    assert_eq!(one.rendered, two.rendered);
    assert_eq!(one.loaded.digests(), two.loaded.digests());
    assert_eq!(one.loaded.pack_locks(), two.loaded.pack_locks());
}

#[test]
fn a_value_is_explained_with_everything_it_overrode() {
    let outcome = run(load_files(good()));
    let explain = |scope: &str, path: &str| {
        let scope = &outcome.resolved.scopes[&scope.parse().unwrap()];
        let found = scope.explain(path, &outcome.loaded.sources).expect("a value");
        let chain: Vec<_> =
            found.chain.iter().map(|l| format!("{} {} {}", l.layer, l.place, l.value)).collect();
        (found.value, chain)
    };
    let (value, chain) = explain("site/HRB01", "autotermination_minutes");
    assert_eq!(value, 20);
    assert_eq!(chain, ["program sites/estate.toml:14 30", "site sites/HRB01.toml:7 20"]);
    let (value, chain) = explain("site/MPL02", "site.autotermination_minutes");
    assert_eq!(value, 25);
    assert_eq!(chain, ["program sites/estate.toml:14 30", "region sites/estate.toml:26 25"]);
}

#[test]
fn a_site_that_moves_takes_its_region_along() {
    let outcome = run(load_files(with("sites/HRB01.toml", "us-east-1", "us-west-2")));
    assert_eq!(told(&outcome), "");
    let site = &outcome.rendered[&"site/HRB01".parse().unwrap()];
    let specs: Vec<String> = site.resources.iter().map(|resource| resource.spec.to_string()).collect();
    assert!(specs.iter().any(|spec| spec.contains("us-west-2")));
    assert!(!specs.iter().any(|spec| spec.contains("us-east-1")), "{specs:?}");
}

#[test]
fn a_small_scale_wave_needs_somebody_who_answers_for_it() {
    let wave = |waiver: &str| {
        let small = format!("kind = \"scale\"\nend = 2027-05-01\nsites = [\"MPL02\"]{waiver}\n#");
        let text = "kind = \"repeatability\"\nsites = [\"MPL02\"]\nmax_parallel = 1\nfailure_budget = 0";
        let told =
            told(&run(load_files(with("sites/estate.toml", text, &format!("max_parallel = 1\n{small}")))));
        told.lines().filter(|line| !line.starts_with("  ")).collect::<Vec<_>>().join("\n")
    };
    let waiver = |until: &str| {
        format!(
            "\n[wave.waiver]\nowner = \"executive-sponsor\"\nreason = \"one site moved\"\nuntil = {until}"
        )
    };
    assert!(wave("").starts_with("error policy.wave-size"), "{}", wave(""));
    let waived = wave(&waiver("2027-06-01"));
    assert!(waived.starts_with("warning policy.wave-size") && waived.ends_with("has 1 sites"), "{waived}");
    assert!(
        wave(&waiver("2027-04-01")).starts_with("error policy.wave-size"),
        "it ends before the wave does"
    );
    let half = wave("\n[wave.waiver]\nowner = \"executive-sponsor\"");
    assert!(half.contains("error"), "a waiver is whole or none: {half}");
}

#[test]
fn every_bad_estate_is_told_what_is_wrong() {
    let mut wrong = Vec::new();
    let mut cases: Vec<PathBuf> =
        std::fs::read_dir(tests().join("bad-estates")).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    for case in &cases {
        let mut files = good();
        let overlay = source::read(case);
        assert_eq!(overlay.unread, []);
        let locks = overlay.files.contains_key(LOCK_FILE);
        files.extend(overlay.files);
        let files = if locks { files } else { with_lock(files) };
        let outcome = run(load_files(files));
        let told = told(&outcome);
        let expected = case.join("expect.txt");
        if std::env::var_os("LANDFALL_UPDATE").is_some() {
            std::fs::write(&expected, &told).unwrap();
        }
        let expected = std::fs::read_to_string(&expected).unwrap_or_default();
        assert!(!outcome.found.is_empty(), "{} has no problem", case.display());
        if told != expected {
            wrong.push(format!("== {}\nexpected:\n{expected}\ntold:\n{told}", case.display()));
        }
    }
    assert!(cases.len() >= 17, "only {} cases", cases.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_a_bad_estate() {
    let cases = std::fs::read_dir(tests().join("bad-estates")).unwrap();
    let told: String =
        cases.map(|case| std::fs::read_to_string(case.unwrap().path().join("expect.txt")).unwrap()).collect();
    for rule in &policy::RULES {
        // What only holds up work with PHI is a warning here, and refused where it is applied.
        let is_told =
            ["error", "warning"].iter().any(|word| told.contains(&format!("{word} {} ", rule.code)));
        assert!(is_told, "no bad estate breaks {}", rule.id);
    }
}

fn first(files: Files) -> String {
    told(&run(load_files(files))).lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_secret_is_neither_told_nor_kept_in_the_text_behind_it() {
    let pat = format!("dapi{}", "0123456789abcdef".repeat(2));
    for path in ["sites/estate.toml", "templates/org/groups.toml.hbs"] {
        let mut files = good();
        files.get_mut(path).unwrap().extend(format!("# {pat}\n").bytes());
        let told = told(&run(load_files(with_lock(files))));
        assert!(told.starts_with(&format!("error policy.no-secret-literal {path}:")), "{told}");
    }
    let outcome = run(load_files(with("sites/HRB01.toml", "team-hrb01", &pat)));
    let told = told(&outcome);
    assert!(
        told.starts_with(
            "error policy.no-secret-literal sites/HRB01.toml:17 this looks like a Databricks token: dapi…(36 characters)"
        ),
        "{told}"
    );
    assert!(!told.contains("0123456789abcdef"));
    assert!(outcome.loaded.sources.iter().all(|(_, source)| !source.text.contains("0123456789abcdef")));
}

#[test]
fn a_literal_where_a_reference_belongs_is_neither_told_nor_kept_in_the_text() {
    let literal = "correct-horse-battery";
    let notify = |table: &str| {
        let mut files = good();
        files.get_mut("sites/estate.toml").unwrap().extend(table.bytes());
        run(load_files(files))
    };
    let table = |secret: &str| {
        format!("\n[[notify]]\nname = \"x\"\nwebhook = \"https://a.example/x\"\nsecret = {secret}\n")
    };
    let cases = [
        table(&format!("\"{literal}\" # a")),
        table(&format!("'''\n{literal}\né{literal}'''")),
        table(&format!("\"env:{literal}\"")),
        table(&format!("[\"{literal}\"]")),
        table(&format!("\"env:KEY\"\nsecert = \"{literal}\"")),
        table("\"env:KEY\"").replace("[[notify]]", "[notify]").replace("env:KEY", literal),
        table("\"env:KEY\"").replace("https://", &format!("https://me:{literal}@")),
    ];
    for case in cases {
        let outcome = notify(&case);
        let told = told(&outcome);
        assert!(told.contains("sites/estate.toml:"), "{case}: {told}");
        assert!(!told.contains(literal), "{told}");
        assert!(outcome.loaded.sources.iter().all(|(_, source)| !source.text.contains(literal)), "{case}");
    }
    assert_eq!(told(&notify(&table("\"env:KEY\""))), "");
}

#[test]
fn files_that_are_no_text_or_too_large_are_named() {
    let mut files = good();
    files.insert("sites/HRB01.toml".into(), b"code = \"HRB01\"\nname = \"Harb\xffr\"\n".to_vec());
    assert_eq!(
        first(files),
        "error file.not-utf8 sites/HRB01.toml:2 this file is not UTF-8 text: byte 28 is not"
    );
    let mut files = good();
    files.insert("sites/HRB01.toml".into(), vec![b'#'; (1 << 20) + 1]);
    assert_eq!(first(files), "error file.too-large sites/HRB01.toml:1 this file has 1048577 bytes");
}

#[test]
fn nothing_that_is_put_into_a_file_makes_the_program_fall() {
    let hostile = [
        "[[[[",
        "a = ",
        "{{#if",
        "\u{0}",
        "format = 2",
        "[estate]\ncode = 1",
        "x = 9e999",
        "code = \"../..\"",
    ];
    for path in good().into_keys() {
        for text in hostile {
            let mut files = good();
            files.insert(path.clone(), text.as_bytes().to_vec());
            let _ = told(&run(load_files(files)));
        }
        let mut files = good();
        files.remove(&path);
        let _ = told(&run(load_files(files)));
    }
    assert!(first(Files::new()).starts_with("error estate.missing-file sites/estate.toml:1"));
    let deep = "{{#if site.code}}".repeat(20_000);
    let mut files = good();
    files.insert("templates/clinic/workspace.toml.hbs".into(), deep.into_bytes());
    assert!(told(&run(load_files(files))).contains("render.too-deep"));
}

#[cfg(unix)]
#[test]
fn links_and_large_files_are_not_read_from_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for (path, bytes) in good() {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    assert_eq!(told(&run(source::load(root))), "");
    std::os::unix::fs::symlink("/etc/hostname", root.join("sites/ABC03.toml")).unwrap();
    std::fs::write(root.join("sites/BIG04.toml"), vec![b'#'; 1 << 21]).unwrap();
    std::fs::create_dir_all(root.join("templates/a/b/c/d/e/f/g/h/i")).unwrap();
    let told = told(&run(source::load(root)));
    assert!(
        told.contains("error file.too-deep templates/a/b/c/d/e/f/g/h:1 folders are nested deeper than 8"),
        "{told}"
    );
    assert!(told.contains("error file.symlink sites/ABC03.toml:1 this is a symbolic link"), "{told}");
    assert!(
        told.contains("error file.too-large sites/BIG04.toml:1 this file has more than 1048576 bytes"),
        "{told}"
    );
}
