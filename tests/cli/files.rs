//! Commands that read files only: check, render, params, packs, init, and the codes they end with.

use std::path::{Path, PathBuf};

use landfall::model::estate::LOCK_FILE;
use landfall::source::{self, load_files};
use serde_json::Value;

use crate::world::{Estate, copy, repository, tree};

fn tests() -> PathBuf {
    repository().join("tests")
}

/// The good small estate with one case laid over it.
fn case(folder: &Path) -> Estate {
    let estate = Estate::of(&[&tests().join("fixtures/estate"), folder]);
    if !folder.join(LOCK_FILE).exists() {
        let files = source::read(&estate.root()).files;
        estate.write(LOCK_FILE, &source::lock_text(&load_files(files).0));
    }
    estate
}

#[test]
fn every_bad_estate_ends_with_65_and_all_of_its_problems() {
    let mut cases: Vec<PathBuf> =
        std::fs::read_dir(tests().join("bad-estates")).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() > 30);
    for folder in cases {
        let estate = case(&folder);
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let ran = estate.run(&["check"]);
        let expected = std::fs::read_to_string(folder.join("expect.txt")).unwrap();
        // What only holds up work with PHI is a warning, and stops nothing here.
        let code = if expected.lines().any(|line| line.starts_with("error ")) { 65 } else { 0 };
        assert_eq!(ran.code, code, "{name}: {}", ran.err);
        assert_eq!(ran.out.is_empty(), code == 65, "{name}: {}", ran.out);
        let json = estate.run(&["check", "-o", "json"]).ends(code).json();
        let facts = json["diagnostics"].as_array().unwrap();
        let problems: Vec<&str> =
            expected.lines().filter(|l| l.starts_with("error ") || l.starts_with("warning ")).collect();
        for problem in &problems {
            let mut words = problem.splitn(4, ' ');
            let (severity, code) = (words.next().unwrap(), words.next().unwrap());
            assert!(
                ran.err.contains(&format!("{severity}[{code}]: ")),
                "{name}: no {problem} in\n{}",
                ran.err
            );
            let told = |fact: &Value| {
                let place = &fact["places"][0];
                let file = place["path"].as_str().unwrap_or_default();
                let place = format!("{file}:{}", place["line"]);
                fact["code"] == code
                    && problem.contains(fact["message"].as_str().unwrap())
                    && problem.contains(&place)
            };
            assert!(facts.iter().any(told), "{name}: no {problem} in {json}");
            let message = problem.splitn(4, ' ').nth(3).unwrap();
            let first = message.lines().next().unwrap();
            assert!(ran.err.contains(first), "{name}: no {first:?} in\n{}", ran.err);
        }
        // Some cases are wrong for their kinds' rules, too, which are not looked at where those lines come from.
        let others = facts.iter().filter(|fact| fact["code"] != "kind.spec").count();
        assert_eq!(others, problems.len(), "{name}: {json}");
        assert!(!estate.path("state").exists(), "{name}: a check writes nothing");
    }
}

#[test]
fn problems_are_drawn_with_file_line_caret_and_fix() {
    for name in ["template-typo", "wrong-type-and-region", "invalid-toml"] {
        let estate = case(&tests().join("bad-estates").join(name));
        let ran = estate.run(&["check", "--color", "never"]).ends(65);
        insta::assert_snapshot!(name, ran.err);
    }
    let estate = case(&tests().join("bad-estates/template-typo"));
    let ran = estate.run(&["check", "--color", "always"]).ends(65);
    assert!(ran.err.contains("\x1b["), "colour when asked for");
}

#[test]
fn every_command_that_needs_the_estate_refuses_a_bad_one_alike() {
    let estate = case(&tests().join("bad-estates/template-typo"));
    let check = estate.run(&["check"]).ends(65);
    for command in [
        &["plan", "--all"][..],
        &["graph", "--all"],
        &["render", "--all", "--out", "out"],
        &["rehearse", "pilot"],
        &["params", "--site", "HRB01"],
        &["status"],
    ] {
        let ran = estate.run(command).ends(65);
        assert_eq!(ran.err, check.err, "{command:?}");
    }
    assert!(!estate.path("out").exists(), "nothing is left behind");
}

#[test]
fn steps_that_wait_for_each_other_are_named_with_the_whole_way_round() {
    let estate = case(&tests().join("fixtures/estate"));
    estate.run(&["check"]).ends(0);
    let template = "templates/clinic/workspace.toml.hbs";
    let workspace = "kind = \"databricks.workspace\"\n";
    estate.edit(template, workspace, &format!("{workspace}after = [\"bucket.clinical\"]\n"));
    estate.run(&["packs", "lock"]);
    let files = source::read(&estate.root()).files;
    estate.write(LOCK_FILE, &source::lock_text(&load_files(files).0));
    let ran =
        estate.run(&["check"]).ends(65).says("error[plan.cycle]: steps of site/HRB01 wait for each other: ");
    let path = ran.err.lines().find(|line| line.contains("plan.cycle")).unwrap();
    assert!(path.contains("workspace.prod") && path.contains("bucket.clinical"), "{path}");
    let json = estate.run(&["check", "-o", "json"]).ends(65).json();
    let cycle = json["diagnostics"].as_array().unwrap().iter().find(|d| d["code"] == "plan.cycle").unwrap();
    assert!(path.contains(cycle["message"].as_str().unwrap()));
    assert!(cycle["places"].as_array().unwrap().len() >= 2, "{cycle}");
    estate.run(&["plan", "--all"]).ends(65).says("plan.cycle");
}

#[test]
fn the_same_estate_renders_to_the_same_bytes() {
    let estate = Estate::example();
    let first = estate.run(&["render", "--all", "--out", "a"]).ends(0);
    let second = estate.run(&["render", "--all", "--out", "b"]).ends(0);
    assert_eq!(first.out, second.out);
    let (a, b) = (tree(&estate.path("a")), tree(&estate.path("b")));
    assert!(a.len() > 100, "{}", a.len());
    assert_eq!(a, b);
    let digests = || estate.run(&["render", "--all", "--digest"]).ends(0).out;
    let once = digests();
    assert_eq!(once, digests());
    assert_eq!(once.lines().count(), a.len() + 1);
    assert_eq!(once.lines().last(), first.out.lines().last(), "the digest of all");
    for path in a.keys() {
        assert!(once.contains(&format!("  {path}\n")), "{path}");
    }
    estate.run(&["render", "--all", "--out", "a"]).ends(1).says("a is not empty; nothing was written");
    assert_eq!(tree(&estate.path("a")), b, "a full folder is left alone");
}

#[test]
fn a_parameter_is_explained_with_every_file_and_line_that_set_it() {
    let estate = Estate::example();
    estate.edit("sites/HRB01.toml", "region = ", "autotermination_minutes = 20\nregion = ");
    let line = |file: &str, words: &str| {
        let text = estate.text(file);
        format!("{file}:{}", text.lines().position(|line| line.starts_with(words)).unwrap() + 1)
    };
    let (program, site) = (
        line("sites/estate.toml", "autotermination_minutes"),
        line("sites/HRB01.toml", "autotermination_minutes"),
    );
    let explain = ["params", "--site", "HRB01", "--explain", "autotermination_minutes"];
    let ran = estate.run(&explain).ends(0);
    let lines: Vec<Vec<&str>> = ran.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        lines,
        [
            vec!["site.autotermination_minutes", "=", "20"],
            vec!["program", &program, "30", "overridden"],
            vec!["site", &site, "20", "this", "counts"],
        ]
    );
    let json = estate.run(&[&explain[..], &["-o", "json"]].concat()).ends(0).json();
    assert_eq!(json["value"], 20);
    assert_eq!(json["chain"][0]["place"], program.as_str());
    assert_eq!(json["chain"][1]["place"], site.as_str());
    let near = estate.run(&["params", "--site", "HRB01", "--explain", "autotermination_minute"]).ends(64);
    near.says("did you mean `autotermination_minutes`?");
}

#[test]
fn codes_say_how_it_ended() {
    let estate = Estate::example();
    estate.run(&["plan", "--wave", "pilot", "--frobnicate"]).ends(64).says("--frobnicate");
    estate.run(&["plan"]).ends(64);
    estate.run(&["nonsense"]).ends(64);
    for command in [&["plan", "--site", "HRB02"][..], &["params", "--site", "HRB02"], &["status", "HRB02"]] {
        estate.run(command).ends(64).says("no site is called `HRB02`").says("did you mean HRB01?");
    }
    estate.run(&["plan", "--wave", "pliot"]).ends(64).says("no wave is called `pliot`").says("pilot");
    estate.run(&["rehearse", "pliot"]).ends(64);
    estate.run(&["wave", "status", "pliot"]).ends(64);
    estate.run(&["log", "nonsense"]).ends(64);
    estate.run(&["--root", "nowhere", "check"]).ends(64).says("landfall init DIR");
    estate.run(&["--help"]).ends(0).prints("landfall rehearse pilot");
    estate.run(&["--version"]).ends(0).prints("landfall 0.");
    let codes: Vec<u32> = estate
        .run(&["help-exit-codes"])
        .ends(0)
        .out
        .lines()
        .map(|line| line.split_whitespace().next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 64, 65, 70, 130]);
    assert!(!estate.path("state").exists(), "none of these writes state");
}

#[test]
fn a_new_estate_checks_out_and_rehearses_and_is_never_written_over() {
    let estate = Estate::example();
    estate.run(&["init", "fresh"]).ends(0);
    let written = tree(&estate.path("fresh"));
    estate.run(&["--root", "fresh", "check"]).ends(0).prints("nothing is wrong");
    let packet =
        ["--root", "fresh", "docs", "committee-packet", "--site", "HRB01", "--model", "no-show-risk"];
    estate.run(&packet).ends(0).prints("## Intended use");
    estate.run(&["init", "fresh"]).ends(1).says("fresh is not empty");
    assert_eq!(tree(&estate.path("fresh")), written);
    let mut expected = std::collections::BTreeMap::new();
    for part in ["models", "sites", "templates"] {
        copy(&repository().join(part), &estate.path("given").join(part));
    }
    expected.extend(tree(&estate.path("given")));
    for (path, bytes) in &expected {
        assert_eq!(written.get(path), Some(bytes), "{path}");
    }
}
