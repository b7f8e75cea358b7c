//! The documentation keeps up with the program: every diagnostic code has its line, every link leads somewhere, the
//! exit codes are those of the source, and every test that a page names is there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What a diagnostic code begins with.
const AREAS: [&str; 9] = ["estate", "file", "kind", "pack", "plan", "policy", "render", "resolve", "site"];
/// Words of the same shape in the source that are no codes: names of files, of inputs and of halves of events.
const NOT_CODES: [&str; 12] = [
    "estate.toml",
    "pack.lock",
    "pack.toml",
    "plan.json",
    "site.code",
    "site.json",
    "site.name",
    "site.network",
    "site.residency",
    "site.steward",
    "site.tags",
    "site.wave",
];
/// Depth of folders below `docs/` and `src/`.
const DEPTH_MAX: usize = 6;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn files(folder: &Path, extension: &str, depth: usize, found: &mut Vec<PathBuf>) {
    assert!(depth <= DEPTH_MAX, "{} is too deep", folder.display());
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, extension, depth + 1, found);
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
}

fn all(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(&root().join(folder), extension, 0, &mut found);
    found.sort();
    assert!(!found.is_empty(), "no .{extension} below {folder}");
    found
}

fn is_code(word: &str) -> bool {
    let Some((area, name)) = word.split_once('.') else { return false };
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    AREAS.contains(&area) && !name.is_empty() && name.bytes().all(plain) && !NOT_CODES.contains(&word)
}

/// The part of a source file that is not tests.
fn product(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or_default()
}

/// Every code that stands as a string in the source.
fn codes() -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    let of_tests = |path: &PathBuf| {
        path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs")
    };
    for path in all("src", "rs").into_iter().filter(|path| !of_tests(path)) {
        let text = fs::read_to_string(&path).expect("a source file");
        let code = product(&text).lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            codes.extend(line.split('"').skip(1).step_by(2).filter(|word| is_code(word)).map(str::to_owned));
        }
    }
    codes
}

/// The first cell of every row of a page's tables, without its back-quotes.
fn first_cells(page: &str) -> BTreeSet<String> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split('`').next()).map(str::to_owned).collect()
}

#[test]
fn every_diagnostic_code_is_explained_and_no_other() {
    let (codes, told) = (codes(), first_cells(&text("docs/problems/README.md")));
    assert!(
        codes.len() > 50,
        "only {} codes were found: is the reader of the source still right?",
        codes.len()
    );
    assert_eq!(
        codes.difference(&told).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "in src/, not in the table"
    );
    assert_eq!(
        told.difference(&codes).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "in the table, not in src/"
    );
}

#[test]
fn every_page_of_a_problem_is_about_a_code() {
    let codes = codes();
    for path in all("docs/problems", "md") {
        let name = path.file_stem().and_then(|n| n.to_str()).expect("a name");
        if name == "README" {
            continue;
        }
        assert!(codes.contains(name), "docs/problems/{name}.md is about no code");
        let page = fs::read_to_string(&path).expect("a page");
        assert!(
            page.starts_with(&format!("# `{name}`\n")),
            "docs/problems/{name}.md begins with another title"
        );
        let table = text("docs/problems/README.md");
        assert!(table.contains(&format!("({name}.md)")), "the table does not lead to {name}.md");
    }
}

/// The targets of all links of a page, code blocks left out.
fn links(page: &str) -> Vec<String> {
    let mut in_code = false;
    let mut links = Vec::new();
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        let outside_quotes: String = line.split('`').step_by(2).collect::<Vec<_>>().join("");
        for rest in outside_quotes.split("](").skip(1) {
            links.extend(rest.split(')').next().map(str::to_owned));
        }
    }
    links
}

fn pages() -> Vec<PathBuf> {
    let mut pages = all("docs", "md");
    pages.extend(all("templates", "md"));
    pages.extend(["README.md", "CHANGELOG.md"].map(|name| root().join(name)));
    pages
}

#[test]
fn every_relative_link_leads_to_a_file() {
    let mut count = 0;
    let mut broken = Vec::new();
    for page in pages() {
        let folder = page.parent().expect("a folder");
        for link in links(&fs::read_to_string(&page).expect("a page")) {
            let path = link.split('#').next().unwrap_or_default();
            if path.is_empty() || path.contains("://") {
                continue;
            }
            count += 1;
            if !folder.join(path).exists() {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(count > 20, "only {count} links were found");
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn the_link_reader_sees_links_and_not_code() {
    let page = "[a](b.md) and [c](d.md#e) but `[x](y)`\n```\n[z](z)\n```\n";
    assert_eq!(links(page), ["b.md", "d.md#e"]);
}

/// `number → meaning` as the source has it.
fn exits_of_source() -> BTreeMap<u32, String> {
    let source = text("src/cli/exit.rs");
    let mut numbers = BTreeMap::new();
    for line in source.lines() {
        if let Some((name, number)) = line.trim().trim_end_matches(',').split_once(" = ")
            && let Ok(number) = number.parse::<u32>()
        {
            numbers.insert(name.to_owned(), number);
        }
    }
    let rows = source.lines().filter_map(|line| line.trim().strip_prefix("(Exit::"));
    let row = |row: &str| {
        let (name, meaning) = row.split_once(", \"").expect("a name and a meaning");
        (numbers[name], meaning.trim_end_matches("\"),").to_owned())
    };
    let rows: BTreeMap<u32, String> = rows.map(row).collect();
    assert_eq!(rows.len(), numbers.len(), "every exit code is in the table of the source");
    rows
}

/// The same as the README has it.
fn exits_of_readme() -> BTreeMap<u32, String> {
    let readme = text("README.md");
    let section = readme.split("\n## Exit codes\n").nth(1).expect("a section on exit codes");
    let section = section.split("\n## ").next().unwrap_or_default();
    let cells = |line: &str| -> Option<(u32, String)> {
        let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
        Some((cells.next()?.trim_matches('`').parse().ok()?, cells.next()?.replace('`', "")))
    };
    section.lines().filter_map(cells).collect()
}

#[test]
fn the_readme_has_the_exit_codes_of_the_source() {
    assert_eq!(exits_of_readme(), exits_of_source());
}

/// Every `test_name` that a page puts behind `tests/file.rs::` or `src/file.rs::`.
fn named_tests(page: &str) -> Vec<(String, String)> {
    let quoted = page.split('`').skip(1).step_by(2);
    quoted
        .filter_map(|word| word.split_once("::"))
        .filter(|(file, _)| file.ends_with(".rs"))
        .map(|(file, test)| (file.to_owned(), test.to_owned()))
        .collect()
}

#[test]
fn every_test_that_guards_an_invariant_is_there() {
    let named = named_tests(&text("docs/ARCHITECTURE.md"));
    assert!(named.len() > 20, "only {} tests are named", named.len());
    for (file, test) in named {
        let source = text(&file);
        assert!(source.contains(&format!("fn {test}(")), "{file} has no test {test}");
    }
}

#[test]
fn the_page_of_versions_says_what_is_pinned() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_landfall"));
    let output = command.args(["versions", "--pins"]).env("LANDFALL_ROOT", root).output().expect("it runs");
    let pins = String::from_utf8(output.stdout).expect("text");
    assert!(pins.contains("Runtimes  16.4"), "{pins}");
    let page = std::fs::read_to_string(root.join("docs/VERSIONS.md")).expect("the page");
    assert!(page.contains(&format!("```\n{pins}```")), "put this into docs/VERSIONS.md:\n{pins}");
}
