//! Which sites of a plan get the same: a hundred generated sites with one that differs, values that only look as if they
//! came from the site, and the waves of the example estate.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "patterns/outliers.rs"]
mod outliers;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use landfall::base::id::{ScopeId, SiteCode, StepId};
use landfall::base::time::Millis;
use landfall::model::estate::{LOCK_FILE, Loaded};
use landfall::model::outline::Outline;
use landfall::model::plan::overview::{Except, Pattern};
use landfall::model::plan::{FieldChange, Operation, Plan, Reconcile, Work};
use landfall::model::rendered::Rendered;
use landfall::model::resolved::Resolved;
use landfall::ops::observe::new_object;
use landfall::pattern::{Origins, digest, patterns};
use landfall::plan::{Parts, scope_plan};
use landfall::report::pattern_view;
use landfall::source::{self, Files, load_files};
use landfall::{render, resolve};
use serde_json::{Value, json};

/// A pack with a condition, two loops, a number, a helper, and fields of both sorts.
const TEMPLATE: &str = r#"
{{#each site.nets}}
[[resource]]
id = "storage.{{this.zone}}.{{../site.code_lower}}"
kind = "databricks.storage_configuration"
[resource.spec]
storage_configuration_name = "{{../estate.code}}-{{concat (lower ../site.code) "-" this.zone}}"
root_bucket_info = { bucket_name = "{{this.bucket}}" }

{{/each}}
[[resource]]
id = "workspace.prod"
kind = "databricks.workspace"
[resource.spec]
workspace_name = "{{estate.code}}-{{site.code_lower}}"
aws_region = "{{site.region}}"
[resource.spec.custom_tags]
siteCode = "{{site.code}}"
twin = "{{site.twin}}"
literal = "HRB"
seats = "{{site.seats}}"
{{#if site.restricted}}
sensitivity = "restricted"
{{/if}}

[[resource]]
id = "policy.job"
kind = "databricks.cluster_policy"
via = "workspace.prod"
[resource.spec]
name = "{{site.code}}: {{site.workers}} workers"
definition = { nodes = {{json site.node_types}}, ports = {{json site.ports}}, workers = {{site.workers}}, seats = {{site.seats}} }
{{#each site.domains}}

[[resource]]
id = "catalog.{{this.name}}"
kind = "databricks.catalog"
via = "workspace.prod"
[resource.spec]
name = "{{this.name}}_{{../site.code_lower}}"
{{/each}}

[[step]]
id = "check.workspace"
title = "The workspace of {{site.name}} is in {{site.region}}"
[step.action.check]
read = "workspace.prod"
expect = [{ at = "/aws_region", equals = "{{site.region}}" }]
"#;

const PACK: &str = r#"
format = 1
name = "clinic"
version = "1.0.0"
scope = "site"
[inputs."site.nets"]
doc = "nets"
type = "list<table>"
[inputs."site.twin"]
doc = "twin"
type = "string"
[inputs."site.seats"]
type = "integer"
identity = true
doc = "How many people work there: no reason to review the site by itself"
[inputs."site.ports"]
doc = "ports"
type = "list<integer>"
identity = true
[inputs."site.restricted"]
doc = "restricted"
type = "boolean"
[inputs."site.workers"]
doc = "workers"
type = "integer"
[inputs."site.node_types"]
doc = "node_types"
type = "list<string>"
[inputs."site.domains"]
doc = "domains"
type = "list<table>"
"#;

/// A site's file; `own` comes in the place of the lines that other sites share.
fn site(code: &str, number: usize, own: &BTreeMap<&str, String>) -> String {
    let mut text =
        format!("code = \"{code}\"\nname = \"Clinic {number}\"\nregion = \"us-east-1\"\nehr = \"EPIC-A\"\n");
    let shared = [
        ("twin", "\"HRB0\"".to_owned()),
        ("seats", format!("{}", 10 + number)),
        ("ports", format!("[{}, {}]", 1000 + number, 2000 + number)),
        (
            "nets",
            "[{ zone = \"a\", bucket = \"common-a\" }, { zone = \"b\", bucket = \"common-b\" }]".to_owned(),
        ),
        ("restricted", "false".to_owned()),
        ("workers", "4".to_owned()),
        ("node_types", "[\"m6id.large\", \"m6id.xlarge\"]".to_owned()),
        ("domains", "[{ name = \"clinical\" }]".to_owned()),
    ];
    for (key, value) in shared {
        writeln!(text, "{key} = {}", own.get(key).unwrap_or(&value)).unwrap();
    }
    text
}

fn estate(sites: &[(String, String)]) -> Files {
    let mut text = "format = 1\n[estate]\nname = \"Hundred\"\ncode = \"hun\"\nday_one = 2027-01-11\n\
                    lineage = \"0b41d4c2-35a7-4a0e-9f0a-6f0a7f0e4c11\"\n[region.us-east-1]\n[ehr.EPIC-A]\n"
        .to_owned();
    for (index, some) in sites.chunks(5).enumerate() {
        let codes: Vec<String> = some.iter().map(|(code, _)| format!("\"{code}\"")).collect();
        write!(text, "[[wave]]\nname = \"wave{index}\"\nkind = \"scale\"\nsites = [{}]\n", codes.join(", "))
            .unwrap();
    }
    let mut files = Files::new();
    files.insert("sites/estate.toml".into(), text.into_bytes());
    files.insert("templates/clinic/pack.toml".into(), PACK.into());
    files.insert("templates/clinic/all.toml.hbs".into(), TEMPLATE.into());
    for (code, text) in sites {
        files.insert(format!("sites/{code}.toml"), text.clone().into_bytes());
    }
    let lock = source::lock_text(&load_files(files.clone()).0);
    files.insert(LOCK_FILE.to_owned(), lock.into_bytes());
    files
}

/// Everything that patterns are found from.
struct Program {
    loaded: Loaded,
    resolved: Resolved,
    outlines: BTreeMap<ScopeId, Outline>,
    applied: BTreeMap<ScopeId, BTreeMap<StepId, Value>>,
    plan: Plan,
}

impl Program {
    /// A plan for an account in which nothing is there yet.
    fn new(files: Files) -> Self {
        Self::attempt(files).unwrap_or_else(|told| panic!("{told:?}"))
    }

    /// The same, or what is wrong with the files.
    fn attempt(files: Files) -> Result<Self, Vec<String>> {
        let (loaded, mut found) = load_files(files);
        let (resolved, problems) = resolve::all(&loaded);
        found.extend(problems);
        let (rendered, problems) = render::all(&loaded, &resolved);
        found.extend(problems);
        let told: Vec<_> = found.iter().filter(|d| d.code != "policy").map(|d| d.message.clone()).collect();
        if found.has_errors() {
            return Err(told);
        }
        let outlines =
            render::outlines(&loaded, &resolved, &rendered.iter().map(|(s, r)| (s.clone(), r)).collect());
        let waves: Vec<Value> = loaded
            .estate
            .waves
            .iter()
            .map(|wave| {
                let sites: Vec<&str> = wave.sites.iter().map(|site| site.value.as_str()).collect();
                json!({"name": wave.name, "sites": sites, "max_parallel": 1, "failure_budget": 0})
            })
            .collect();
        let mut plan: Plan = serde_json::from_value(json!({
            "v": 1, "tool": "t", "estate": "E", "lineage": "l", "selection": "all",
            "target": {"name": "none", "account_id": "", "host": "none"},
            "inputs": {}, "packs": {}, "parameters": {}, "heads": {}, "scopes": {}, "fleet": {"waves": waves},
        }))
        .unwrap();
        plan.scopes =
            rendered.iter().map(|(scope, rendered)| (scope.clone(), planned(scope, rendered))).collect();
        Ok(Self { loaded, resolved, outlines, applied: BTreeMap::new(), plan })
    }

    fn patterns(&self) -> Vec<Pattern> {
        let origins = Origins {
            outline: &|scope| self.outlines.get(scope).cloned(),
            applied: &|scope, step| self.applied.get(scope)?.get(step).cloned(),
            resolved: &self.resolved,
            sources: &self.loaded.sources,
        };
        let of_sites = self.plan.scopes.iter().filter(|(scope, _)| scope.site().is_some());
        let digests = of_sites.map(|(scope, steps)| (scope.clone(), digest(scope, steps, origins))).collect();
        patterns(&self.plan, &digests, origins)
    }

    fn reconcile(&mut self, site: &str, step: &str) -> &mut Reconcile {
        let scope = self.plan.scopes.get_mut(&format!("site/{site}").parse().unwrap()).unwrap();
        match &mut scope.steps.get_mut(&StepId::new(step).unwrap()).unwrap().work {
            Work::Reconcile(reconcile) => reconcile,
            Work::Check { .. } => panic!("{step} is a check"),
        }
    }

    /// All sites as they are wanted, but for one field of one step that is to be changed.
    fn update(&mut self, step: &str, at: &str, from: impl Fn(&str) -> Value) {
        let sites: Vec<String> =
            self.plan.scopes.keys().filter_map(ScopeId::site).map(ToString::to_string).collect();
        for site in sites {
            let scope: ScopeId = format!("site/{site}").parse().unwrap();
            let steps: Vec<StepId> = self.plan.scopes[&scope].steps.keys().cloned().collect();
            for id in steps.iter().filter(|id| !id.as_str().starts_with("check.")) {
                let reconcile = self.reconcile(&site, id.as_str());
                (reconcile.operation, reconcile.changes) = (Operation::None, Vec::new());
            }
            let was = from(&site);
            let reconcile = self.reconcile(&site, step);
            reconcile.operation = Operation::Update;
            reconcile.changes = vec![FieldChange {
                at: at.to_owned(),
                from: Some(was.clone()),
                to: reconcile.spec.pointer(at).cloned(),
                known_after: None,
                forces_replacement: false,
                reason: "the spec asks for it".to_owned(),
            }];
            let mut applied = json!({});
            applied[at.trim_start_matches('/')] = was;
            self.applied.entry(scope).or_default().insert(StepId::new(step).unwrap(), applied);
        }
    }
}

fn planned(scope: &ScopeId, rendered: &Rendered) -> landfall::model::plan::ScopePlan {
    let found = rendered.resources.iter().map(|r| (r.id.clone(), new_object(r))).collect();
    let parts = Parts {
        scope,
        needs: &BTreeSet::new(),
        resources: &rendered.resources,
        checks: &rendered.steps,
        leftovers: &[],
        call_timeout: Millis(1),
    };
    scope_plan(parts, found).unwrap()
}

fn codes() -> Vec<String> {
    (0..100).map(|number| format!("{}{:02}", ["HRB", "MPL", "CDR", "NRT"][number % 4], number)).collect()
}

fn hundred(outlier: usize, own: &BTreeMap<&str, String>) -> Program {
    let none = BTreeMap::new();
    let text = |(number, code): (usize, &String)| {
        (code.clone(), site(code, number, if number == outlier { own } else { &none }))
    };
    Program::new(estate(&codes().iter().enumerate().map(text).collect::<Vec<_>>()))
}

/// The sites outside the first pattern, and how they differ.
fn outliers(found: &[Pattern]) -> Vec<(Vec<String>, Except)> {
    let rest = found.iter().skip(1);
    rest.map(|p| (p.sites.iter().map(SiteCode::to_string).collect(), p.except.clone().unwrap())).collect()
}

#[test]
fn equal_sites_are_one_group_and_a_seeded_outlier_is_always_alone() {
    let equal = hundred(0, &BTreeMap::new()).patterns();
    assert_eq!(equal.iter().map(|p| (p.name.as_str(), p.sites.len())).collect::<Vec<_>>(), [("A", 100)]);
    let differences: [(&str, &str, &str); 7] = [
        ("workers", "5", "site.workers"),
        ("node_types", "[\"m6id.large\", \"m6id.2xlarge\"]", "site.node_types"),
        ("node_types", "[\"m6id.large\"]", "site.node_types"),
        ("restricted", "true", "site.restricted"),
        ("domains", "[{ name = \"clinical\" }, { name = \"claims\" }]", "site.domains"),
        ("domains", "[{ name = \"imaging\" }]", "site.domains"),
        ("nets", "[{ zone = \"a\", bucket = \"common-a\" }]", "site.nets"),
    ];
    let codes = codes();
    // A multiplicative walk over the sites: every difference at another place, the first and the last among them.
    let places = (0_usize..).map(|turn| [0, 99, 37, 64, 5, 82, 51][turn % 7]);
    for ((key, value, parameter), place) in differences.into_iter().zip(places) {
        let found = hundred(place, &BTreeMap::from([(key, value.to_owned())])).patterns();
        assert_eq!((found.len(), found[0].sites.len()), (2, 99), "{key} = {value} at {place}");
        let (sites, except) = outliers(&found).remove(0);
        assert_eq!(sites, [codes[place].clone()], "{key} = {value}");
        let because: Vec<&str> = except.because.iter().map(|b| b.parameter.as_str()).collect();
        assert_eq!(because, [parameter], "{key} = {value}");
        let (here, there) = (&except.because[0].here, &except.because[0].there);
        assert_eq!(here.site.as_str(), codes[place]);
        assert_ne!(here.value, there.value);
        let file = format!("sites/{}.toml:", codes[place]);
        assert!(here.place.as_ref().unwrap().starts_with(&file), "{here:?}");
        assert_eq!(except.found_otherwise, [""; 0], "{key} = {value}");
    }
}

#[test]
fn a_site_to_which_something_else_happens_is_another_pattern() {
    for operation in [Operation::None, Operation::Update, Operation::Replace, Operation::Delete] {
        let mut program = hundred(0, &BTreeMap::new());
        let reconcile = program.reconcile("MPL01", "policy.job");
        reconcile.operation = operation;
        let found = program.patterns();
        let (sites, except) = outliers(&found).remove(0);
        assert_eq!((found.len(), sites), (2, vec!["MPL01".to_owned()]), "{operation:?}");
        let told = (except.missing, except.differing.into_iter().map(|d| d.step).collect::<Vec<_>>());
        let step = vec!["policy.job".to_owned()];
        let expected = if operation == Operation::None { (step, vec![]) } else { (vec![], step) };
        assert_eq!(told, expected, "{operation:?}");
        assert_eq!(except.because, [], "no parameter is the reason");
        assert_eq!(except.found_otherwise, ["policy.job"]);
    }
}

#[test]
fn a_value_that_merely_equals_the_site_code_is_not_taken_for_it() {
    // At every site the parameter holds what the site's code is. It is none, so every site is its own pattern.
    let text = |(number, code): (usize, &String)| {
        (code.clone(), site(code, number, &BTreeMap::from([("twin", format!("\"{code}\""))])))
    };
    let sites: Vec<_> = codes().iter().take(5).enumerate().map(text).collect();
    let found = Program::new(estate(&sites)).patterns();
    assert_eq!(found.len(), 5);
    for (_, except) in outliers(&found) {
        assert_eq!(except.differing.len(), 1);
        assert_eq!(except.differing[0].at, ["/spec/custom_tags/twin"]);
        assert_eq!(except.because.iter().map(|b| b.parameter.as_str()).collect::<Vec<_>>(), ["site.twin"]);
    }
    // And a site whose code happens to stand in a literal of the template, or in another site's parameter.
    let sites = [
        site("HRB00", 0, &BTreeMap::new()),
        site("MPL01", 1, &BTreeMap::from([("twin", "\"HRB00\"".to_owned())])),
    ];
    let sites: Vec<_> = ["HRB00", "MPL01"].map(str::to_owned).into_iter().zip(sites).collect();
    assert_eq!(Program::new(estate(&sites)).patterns().len(), 2);
}

#[test]
fn text_that_spells_a_parameter_or_a_note_is_never_equal_to_one() {
    for hostile in ["\u{E010}site.code\u{E011}", "\u{E000}{}\u{E002}\u{E003}", "‹site.code›", "\u{E003}"]
    {
        let own = BTreeMap::from([("twin", format!("\"{hostile}\""))]);
        let sites = vec![
            ("HRB00".to_owned(), site("HRB00", 0, &BTreeMap::new())),
            ("MPL01".to_owned(), site("MPL01", 1, &own)),
            ("CDR02".to_owned(), site("CDR02", 2, &BTreeMap::new())),
        ];
        let found = Program::new(estate(&sites)).patterns();
        assert_eq!(
            outliers(&found).into_iter().map(|(sites, _)| sites).collect::<Vec<_>>(),
            [["MPL01"]],
            "{hostile:?}"
        );
    }
}

#[test]
fn an_upgrade_of_one_field_is_one_pattern_and_what_somebody_changed_by_hand_stands_out() {
    let domains =
        BTreeMap::from([("domains", "[{ name = \"clinical\" }, { name = \"claims\" }]".to_owned())]);
    let mut program = hundred(7, &domains);
    program.update("policy.job", "/name", |site| json!(format!("{site} policy of before")));
    let found = program.patterns();
    assert_eq!(found.len(), 1, "what does not change makes no difference: {found:?}");
    assert_eq!(found[0].changes, 1);
    program.reconcile("NRT03", "policy.job").changes[0].from = Some(json!("mine"));
    let found = program.patterns();
    assert_eq!(outliers(&found)[0].0, ["NRT03"]);
    // A field that is the same everywhere: what it was before counts as well.
    program.update("workspace.prod", "/aws_region", |site| {
        json!(if site == "CDR02" { "eu-west-1" } else { "us-west-2" })
    });
    let found = program.patterns();
    assert_eq!(outliers(&found).into_iter().map(|(sites, _)| sites).collect::<Vec<_>>(), [["CDR02"]]);
}

fn example() -> Files {
    let folder = source::read(Path::new(env!("CARGO_MANIFEST_DIR")));
    assert_eq!(folder.unread, []);
    folder.files
}

fn of_wave(program: &mut Program, wave: &str) -> Vec<Pattern> {
    program.plan.fleet.waves.retain(|one| one.name.as_str() == wave);
    program.patterns()
}

#[test]
fn wave_three_of_the_example_has_four_patterns() {
    let found = of_wave(&mut Program::new(example()), "wave3");
    let line = pattern_view::line(&found).unwrap();
    assert_eq!(
        line,
        "4 sites, 4 patterns: A (LKS08); B (PNE09): like A, except site.domains, site.purpose_tags, site.region, \
         site.sensitivity, site.tags.dataClass; C (ASH10): like A, except site.domains, site.purpose_tags, \
         site.sensitivity, site.tags.dataClass; D (GRN11): like A, except site.domains, site.purpose_tags, site.region, \
         site.residency, site.sensitivity, site.tags.dataClass."
    );
    for (sites, except) in outliers(&found) {
        assert_eq!(except.found_otherwise, [""; 0], "{sites:?}");
        let placed =
            except.because.iter().flat_map(|b| [&b.here, &b.there]).all(|setting| setting.place.is_some());
        assert!(placed, "{sites:?}");
    }
    let text = pattern_view::text(&found);
    for line in [
        "    because of site.region (12 steps)\n      PNE09: \"us-west-2\"   sites/PNE09.toml:",
        "      LKS08: \"us-east-1\"   sites/LKS08.toml:",
        "    because of site.sensitivity (1 step)\n      PNE09: \"standard\"   sites/estate.toml:",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
}

#[test]
fn sites_of_different_waves_with_the_same_objects_are_one_pattern() {
    let found = Program::new(example()).patterns();
    let first: Vec<&str> = found[0].sites.iter().map(SiteCode::as_str).collect();
    assert_eq!((first, found.len()), (vec!["NRT04", "ASH10"], 10));
    let digests: BTreeSet<_> = found.iter().map(|pattern| pattern.digest).collect();
    assert_eq!(digests.len(), 10);
}

#[test]
fn every_step_of_the_example_has_an_outline() {
    let program = Program::new(example());
    for (scope, plan) in program.plan.scopes.iter().filter(|(scope, _)| scope.site().is_some()) {
        let outlined: BTreeSet<&StepId> = program.outlines[scope].steps.keys().collect();
        assert_eq!(outlined, plan.steps.keys().collect(), "{scope}");
        let text =
            format!("{:?}", program.outlines[scope].steps.values().map(|s| &s.normal).collect::<Vec<_>>());
        let code = scope.site().unwrap().as_str();
        assert!(!text.contains(code) && !text.contains(&code.to_lowercase()), "{code} is left in {scope}");
    }
}
