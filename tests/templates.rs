//! Single templates in, what is said about them out: the check before rendering, and the escapes of each format.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;

use landfall::base::diagnostic::Diagnostics;
use landfall::source::{Files, load_files};
use landfall::{render, resolve};

const ESTATE: &str = r#"
format = 1
[estate]
name = "E"
code = "e"
lineage = "0b41d4c2-35a7-4a0e-9f0a-6f0a7f0e4c11"
day_one = 2027-01-11
[region.us-east-1]
hub = "h"
[ehr.EPIC-A]
[[wave]]
name = "pilot"
kind = "pilot"
sites = ["HRB01"]
"#;

const SITE: &str = r#"
code = "HRB01"
name = "Har\"bor\\view\n"
region = "us-east-1"
ehr = "EPIC-A"
count = 3
flag = false
domains = [{ name = "clinical", lines = ["a", "b"] }, { name = "claims", lines = [], extra = "x" }]
zones.prod.cidr = "10.0.0.0/24"
zones.nonprod.cidr = "10.0.1.0/24"
"#;

const PACK: &str = r#"
format = 1
name = "p"
version = "1"
scope = "site"
[inputs]
"site.count" = { type = "integer", doc = "d" }
"site.flag" = { type = "boolean", doc = "d" }
"site.domains" = { type = "list<table>", doc = "d" }
"site.zones" = { type = "table", doc = "d" }
"site.zones.prod.nat" = { type = "cidr", required = false, doc = "d" }
"site.later" = { type = "list", required = false, doc = "d" }
"#;

/// The rendered text, or the messages with line, column and fix.
fn render(file: &str, template: &str) -> Result<String, Vec<String>> {
    let files = [
        ("sites/estate.toml", ESTATE),
        ("sites/HRB01.toml", SITE),
        ("templates/p/pack.toml", PACK),
        (&format!("templates/p/{file}.hbs"), template),
    ];
    let files: Files =
        files.into_iter().map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).collect();
    let (loaded, mut found) = load_files(files);
    let (resolved, problems) = resolve::all(&loaded);
    found.extend(problems);
    let (rendered, problems) = render::all(&loaded, &resolved);
    found.extend(problems);
    if found.has_errors() {
        return Err(told(&found, &loaded.sources));
    }
    let files: BTreeMap<String, String> = rendered.into_values().flat_map(|scope| scope.files).collect();
    Ok(files[&format!("p/{file}")].clone())
}

fn told(found: &Diagnostics, sources: &landfall::base::span::SourceMap) -> Vec<String> {
    let errors =
        found.iter().filter(|problem| problem.severity == landfall::base::diagnostic::Severity::Error);
    let told = errors.map(|problem| {
        let (line, column) = problem.labels.first().map_or((0, 0), |label| sources.position(&label.span));
        let help = problem.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
        format!("{line}:{column} {}{help}", problem.message)
    });
    told.collect()
}

fn text(template: &str) -> String {
    render("files/x.txt", template).unwrap()
}

fn refused(template: &str) -> Vec<String> {
    render("files/x.txt", template).unwrap_err()
}

#[test]
fn loops_levels_and_names_are_followed() {
    assert_eq!(
        text("{{#each site.domains}}{{this.name}}/{{../site.code}}/{{@index}} {{/each}}"),
        "clinical/HRB01/0 claims/HRB01/1 "
    );
    assert_eq!(
        text("{{#each site.zones}}{{@key}}={{cidr}} {{/each}}"),
        "nonprod=10.0.1.0/24 prod=10.0.0.0/24 "
    );
    assert_eq!(
        text(
            "{{#each site.domains as |d|}}{{#each d.lines as |l i|}}{{d.name}}{{l}}{{i}} {{/each}}{{/each}}"
        ),
        "clinicala0 clinicalb1 "
    );
    assert_eq!(
        text(
            "{{#each site.domains}}{{#each lines}}{{../name}}{{../../site.code}}{{@root.wave.name}} {{/each}}{{/each}}"
        ),
        "clinicalHRB01pilot clinicalHRB01pilot "
    );
    assert_eq!(text("{{#with site.zones}}{{prod.cidr}} {{../site.count}}{{/with}}"), "10.0.0.0/24 3");
    assert_eq!(
        text(
            "{{#if (or site.flag (eq site.count 3))}}{{upper (concat site.code \"-x\" site.count)}}{{else}}{{site.code}}{{/if}}"
        ),
        "HRB01-X3"
    );
}

#[test]
fn typing_errors_are_found_where_strictness_alone_is_silent() {
    for (template, expected) in [
        ("a\n{{#if site.cuont}}x{{/if}}", "2:7 `site.cuont` is not known (did you mean `count`?)"),
        ("{{#if site.flag}}{{site.codee}}{{/if}}", "1:20 `site.codee` is not known (did you mean `code`?)"),
        (
            "{{#each site.domians}}{{name}}{{/each}}",
            "1:9 `site.domians` is not known (did you mean `domains`?)",
        ),
        (
            "{{#each site.domains}}{{nmae}}{{/each}}",
            "1:25 `site.domains[].nmae` is not known (did you mean `name`?)",
        ),
        (
            "{{#each site.domains}}{{site.code}}{{/each}}",
            "1:25 `site.domains[].site` is not known (set it in the estate and declare it as an input of the pack)",
        ),
        ("{{lower (concat site.code site.nme)}}", "1:27 `site.nme` is not known (did you mean `name`?)"),
        (
            "{{../site.code}}",
            "1:3 `../` goes above the outermost block (only {{#each}} and {{#with}} open a level: take one `../` away)",
        ),
        (
            "{{@index}}",
            "1:3 `@index` is not known here (inside {{#each}} there are @key, @index, @first and @last)",
        ),
        (
            "{{#each site.zones as |z|}}{{z.cdir}}{{/each}}",
            "1:30 `site.zones[].cdir` is not known (did you mean `cidr`?)",
        ),
        ("{{loer site.code}}", "1:3 there is no helper `loer` (did you mean `lower`?)"),
        (
            "{{#eech site.domains}}{{/eech}}",
            "1:4 there is no block `#eech` (known blocks: #if, #unless, #each, #with)",
        ),
        ("é {{> other}}", "1:3 partials and decorators are not part of packs"),
        (
            "{{value site.code}}",
            "1:3 there is no helper `value` (known helpers: lookup, eq, ne, gt, gte, lt, lte, and, or, not, len, lower, upper, concat, join, includes, json, sql_ident, sql_str)",
        ),
    ] {
        assert_eq!(refused(template), [expected], "{template}");
    }
}

#[test]
fn declared_inputs_without_a_value_may_be_asked_for_but_not_printed() {
    assert_eq!(
        text("{{#if site.zones.prod.nat}}nat{{else}}none{{/if}}{{#if (eq site.later 1)}}x{{/if}}"),
        "none"
    );
    assert_eq!(
        text(
            "{{#each site.zones}}{{#if nat}}nat{{/if}}{{/each}}{{#if site.later}}{{#each site.later}}{{any}}{{/each}}{{/if}}"
        ),
        ""
    );
    let help = "(put it into {{#if …}} … {{/if}}, or make the input required)";
    assert_eq!(
        refused("x {{site.zones.prod.nat}}"),
        [format!("1:3 `site.zones.prod.nat` has no value {help}")]
    );
    assert_eq!(
        refused("{{#each site.domains}}{{extra}}{{/each}}"),
        [format!("1:23 `extra` has no value {help}")]
    );
    assert_eq!(refused("{{site.domains}}"), ["1:1 `site.domains` is a list: write {{json …}} or {{join …}}"]);
}

#[test]
fn values_are_escaped_for_where_they_stand() {
    let name = "Har\"bor\\view\n";
    let json: serde_json::Value = serde_json::from_str(
        &render(
            "files/x.json",
            "{\"a\": \"{{lower site.name}}\", \"b\": {{json site.domains}}, \"n\": {{site.count}}}",
        )
        .unwrap(),
    )
    .unwrap();
    assert_eq!((json["a"].as_str(), &json["n"]), (Some(name.to_lowercase().as_str()), &serde_json::json!(3)));
    assert_eq!(json["b"][1]["extra"], "x");
    let toml: toml::Table =
        render("files/x.toml", "a = \"{{site.name}}\"\nb = {{json site.zones}}\nc = {{site.flag}}")
            .unwrap()
            .parse()
            .unwrap();
    assert_eq!((toml["a"].as_str(), toml["b"]["prod"]["cidr"].as_str()), (Some(name), Some("10.0.0.0/24")));
    assert_eq!(
        render("files/x.sql", "SELECT {{sql_str site.name}}, {{site.count}}, {{sql_ident site.code}}")
            .unwrap(),
        "SELECT 'Har\\\"bor\\\\view\n', 3, `HRB01`".replace("\\\"", "\"")
    );
    let bare = render("files/x.sql", "SELECT '{{site.name}}'").unwrap_err();
    assert_eq!(bare, ["1:9 `site.name` is not a plain word: write {{sql_ident …}} or {{sql_str …}}"]);
}

#[test]
fn output_that_is_not_what_its_name_says_is_refused() {
    for (file, template, expected) in [
        (
            "x.toml",
            "\n[[resource]]\nid = {{site.code}}\n",
            "3:1 the output is not valid: this is not TOML: string values must be quoted, expected literal string",
        ),
        (
            "x.toml",
            "[[resorce]]\n",
            "1:1 the rendered document has no key `resorce` (did you mean `resource`?)",
        ),
        (
            "x.toml",
            "[[resource]]\nid = \"a\"\nkind = \"k\"\nspec = {}\nafer = []\n",
            "5:1 [[resource]] has no key `afer` (did you mean `after`?)",
        ),
        (
            "x.toml",
            "[[resource]]\nid = \"A b\"\nkind = \"k\"\nspec = {}\n",
            "2:1 `id` must be an id of lower-case words joined by dots, dashes and underscores, for example catalog.clinical, not `A b`",
        ),
        (
            "x.toml",
            "[[resource]]\nid = \"a\"\nkind = \"k\"\n",
            "1:1 [[resource]] has no `spec` (add `spec = …`: a table with the desired state)",
        ),
        (
            "files/x.sql",
            "SELECT 'a",
            "1:1 the output is not valid: this is not SQL: a quote that does not end",
        ),
        (
            "x.json",
            "{}",
            "1:1 `x.json.hbs` renders to nothing that is known (put it into the pack's folder files/: beside pack.toml only TOML is rendered)",
        ),
        (
            "files/x.yaml",
            "a: 1",
            "1:1 `files/x.yaml.hbs` renders to nothing that is known (name it *.toml.hbs, or files/*.json.hbs, .sql.hbs, .md.hbs or .txt.hbs)",
        ),
    ] {
        assert_eq!(render(file, template).unwrap_err(), [expected], "{file}: {template}");
    }
}

#[test]
fn a_template_that_renders_without_end_is_stopped() {
    let inner = "x".repeat(60_000);
    let mut template = inner;
    for _ in 0..9 {
        template = format!("{{{{#each @root.site.domains}}}}{template}{{{{/each}}}}");
    }
    let silent = "{{#each @root.site.domains}}".repeat(20) + &"{{/each}}".repeat(20);
    assert_eq!(refused(&silent), ["1:533 these loops inside each other turn more than 1000000 times"]);
    let unknown = "{{#each (lookup @root.site \"domains\")}}".repeat(3) + &"{{/each}}".repeat(3);
    assert!(refused(&unknown)[0].contains("turn more than"));
    assert_eq!(refused(&template).len(), 1);
    assert!(refused(&template)[0].contains("renders more than 8388608 bytes"));
}
