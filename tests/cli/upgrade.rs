//! Other packs, other plans: what an upgrade would do to every site, and what a plan has that another has not.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::world::{Estate, SERVED, copy};

const SPEND: &str = "templates/tagging/spend.toml.hbs";
const MANIFEST: &str = "templates/tagging/pack.toml";
const CREDENTIALS: &str = "
[[resource]]
id = \"credentials.export\"
kind = \"databricks.credentials\"
[resource.spec]
credentials_name = \"{{estate.code}}-{{site.code_lower}}-export\"
aws_credentials = { sts_role = { role_arn = \"arn:aws:iam::210987654300:role/export\" } }
";
const GROUP: &str = "
[[resource]]
id = \"group.reviewers\"
kind = \"databricks.group\"
[resource.spec]
displayName = \"{{estate.code}}-{{site.code_lower}}-reviewers\"
";

/// An estate, and beside it packs in which a tag is new everywhere, one object is another, and one is new.
fn upgraded() -> Estate {
    let estate = crate::faults::unstaged();
    estate.append(SPEND, CREDENTIALS);
    estate.run(&["packs", "lock"]).ends(0);
    copy(&estate.root().join("templates"), &estate.path("next"));
    let spend = estate.text(SPEND).replace(":role/export", ":role/export-v2");
    // The last in the order of keys: checks look at the others by their place.
    let tag = "{ key = \"wave\", value = \"{{../site.wave}}\" },";
    let spend = spend.replace(tag, &format!("{tag}\n  {{ key = \"works\", value = \"landing\" }},")) + GROUP;
    std::fs::write(estate.path("next/tagging/spend.toml.hbs"), spend).unwrap();
    let manifest = estate.text(MANIFEST).replace("version = \"1.1.0\"", "version = \"1.2.0\"");
    std::fs::write(estate.path("next/tagging/pack.toml"), manifest).unwrap();
    estate
}

/// How often each kind is to be made, changed and deleted, by the plan.
fn predicted(plan: &Value) -> BTreeMap<(String, &'static str), usize> {
    let mut counts = BTreeMap::new();
    for scope in plan["plan"]["scopes"].as_object().unwrap().values() {
        for step in scope["steps"].as_object().unwrap().values() {
            let reconcile = &step["work"]["reconcile"];
            let calls: &[&'static str] = match reconcile["operation"].as_str() {
                Some("create") => &["POST"],
                Some("update") => &["PATCH"],
                Some("delete") => &["DELETE"],
                Some("replace") => &["DELETE", "POST"],
                _ => &[],
            };
            for call in calls {
                let kind = reconcile["kind"].as_str().unwrap().trim_start_matches("databricks.").to_owned();
                *counts.entry((kind, *call)).or_default() += 1;
            }
        }
    }
    counts
}

#[test]
fn what_an_upgrade_of_eleven_sites_is_said_to_do_is_what_the_service_sees() {
    let mut estate = upgraded();
    let served = estate.serve(&[]);
    estate.reach(&served, 5000);
    // Four waves in one launch, one after the other.
    let launched = ["--all"];
    estate.plan(&launched, "old.plan").ends(0);
    estate.run(&["apply", "old.plan"]).ends(0);

    let all = estate.run(&["plan", "--all", "--packs", "next", "--target", SERVED]).ends(0);
    let all = all.says("Packs from next").says("~ tagging 1.1.0 (").prints("Look at these first:");
    let first = all.out.find("-/+ site/HRB01 credentials.export").unwrap();
    assert!(first < all.out.find("# pattern A").unwrap(), "replacements stand on top");
    all.prints("# pattern B").prints("Across 11 sites");

    let args =
        [&["plan", "--packs", "next", "--target", SERVED, "--out", "new.plan", "-o", "json"][..], &launched]
            .concat();
    let plan = estate.run(&args).ends(0).json();
    let predicted = predicted(&plan);
    let of = |kind: &str, call| predicted.get(&(kind.to_owned(), call)).copied().unwrap_or_default();
    assert_eq!((of("credentials", "DELETE"), of("credentials", "POST")), (11, 11));
    assert_eq!((of("budget_policy", "PATCH"), of("group", "POST")), (22, 11));
    let patterns = plan["plan"]["overview"]["patterns"].as_array().unwrap();
    let sizes: Vec<usize> = patterns.iter().map(|one| one["sites"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [9, 2], "two sites hold another class of data, which one of the tags says");
    let listed = plan["calls"]["calls"].as_array().unwrap();
    assert_eq!(listed.len(), predicted.values().sum::<usize>(), "the calls are listed as well");
    estate
        .run(&["apply", "new.plan"])
        .ends(6)
        .says("pack tagging was 1.2.0 (")
        .says("and is 1.1.0 (")
        .says("--packs");

    served.forget_requests();
    let versions = estate.run(&["versions"]).ends(0).prints("site/GRN11         R1").prints("up to date");
    assert!(!versions.out.contains("behind by"), "{}", versions.out);
    estate.run(&["apply", "new.plan", "--packs", "next"]).ends(0);
    let behind = estate.run(&["versions", "--site", "GRN11"]).ends(0).prints("behind by 1 of");
    behind.prints("    tagging: has 1.2.0 (").prints("the files have 1.1.0 (");
    let told = estate.run(&["versions", "--wave", "wave3", "-o", "json"]).ends(0).json();
    let scopes = told["scopes"].as_array().unwrap();
    let sites = scopes.iter().filter(|one| one["scope"].as_str().unwrap().starts_with("site/"));
    let behind: Vec<usize> = sites.map(|one| one["behind"].as_array().unwrap().len()).collect();
    assert_eq!(behind, [1; 4]);
    let mut seen: BTreeMap<(String, &'static str), usize> = BTreeMap::new();
    for request in served.mutations() {
        let kinds = [
            ("/credentials", "credentials"),
            ("/budget-policies", "budget_policy"),
            ("/scim/v2/Groups", "group"),
        ];
        let kind = kinds.iter().find(|(path, _)| request.path.contains(path)).map(|(_, kind)| *kind);
        let kind = kind.unwrap_or_else(|| panic!("nobody foresaw {request:?}")).to_owned();
        let call = ["POST", "PATCH", "DELETE"].into_iter().find(|call| *call == request.method).unwrap();
        *seen.entry((kind, call)).or_default() += 1;
    }
    assert_eq!(seen, predicted);
    let args =
        [&["plan", "--packs", "next", "--target", SERVED, "--detailed-exitcode"][..], &launched].concat();
    estate.run(&args).ends(0).prints("No changes.");
}

#[test]
fn packs_are_compared_without_a_target() {
    let estate = upgraded();
    let diff = estate.run(&["packs", "diff", "estate/templates", "next"]).ends(0);
    let diff = diff.prints("~ tagging 1.1.0 (").prints("-/+ site/HRB01 credentials.export");
    let diff = diff.prints("~ budget_policy.prod   (databricks.budget_policy)").prints("+ group.reviewers");
    // Two sites hold another class of data, and one of the tags that are sent says so.
    diff.prints("# pattern A: 9 sites, HRB01")
        .prints("# pattern B: 2 sites, STN06 LKS08")
        .prints("22 added, 22 changed, 11 taken away, 11 of these replaced, over 11 sites.");
    estate.run(&["packs", "diff", "estate/templates"]).ends(0).prints("The packs are the same.");
    let one = estate.run(&["packs", "diff", "next/tagging", "-o", "json"]).ends(0).json();
    assert_eq!(one["packs"][0]["old"]["version"], "1.2.0");
    assert_eq!(one["packs"][0]["new"]["version"], "1.1.0");
    assert_eq!(one["rendered"]["counts"]["destroy"], 22, "the other way round");

    // An input that the estate does not give yet.
    let manifest = std::fs::read_to_string(estate.path("next/tagging/pack.toml")).unwrap();
    let input = "\n[inputs.\"site.cost_owner\"]\ntype = \"string\"\nrequired = true\ndoc = \"Who pays\"\n";
    std::fs::write(estate.path("next/tagging/pack.toml"), manifest + input).unwrap();
    let asked = estate.run(&["packs", "diff", "estate/templates", "next"]).ends(65);
    asked.prints("+ input site.cost_owner: a string, required").says("resolve.missing-key");
    estate.run(&["check", "--packs", "next"]).ends(65).says("site.cost_owner");
    estate.run(&["check"]).ends(0);
    estate.run(&["check", "--packs", "estate/sites"]).ends(64).says("there is no pack in it");
}

#[test]
fn a_plan_is_compared_with_another_plan_or_a_run() {
    let mut estate = crate::faults::unstaged();
    let served = estate.serve(&[]);
    estate.reach(&served, 5000);
    estate.plan(&["--wave", "pilot"], "p.plan").ends(0);
    let against = |other: &str, more: &[&'static str]| {
        let args = ["plan", "--wave", "pilot", "--target", SERVED, "--detailed-exitcode", "--against", other];
        estate.run(&[&args[..], more].concat())
    };
    against("p.plan", &[]).ends(0).prints("Against p.plan: the same steps.");
    estate.run(&["apply", "p.plan"]).ends(0);
    let log = estate.run(&["log", "org", "-o", "json"]).ends(0);
    let started = log.out.lines().find(|line| line.contains("launch.started")).unwrap();
    let started: Value = serde_json::from_str(started).unwrap();
    let run = started["run"].as_str().unwrap();
    estate.edit("sites/HRB01.toml", "owner = \"team-hrb01\"", "owner = \"team-harbour\"");
    let told = against(run, &[]).ends(2).prints(&format!("Against run {run}:"));
    told.prints("site/HRB01 workspace.prod   update here, create there   /custom_tags/owner");
    let told = against("p.plan", &["-o", "json"]).ends(2).json();
    assert_eq!(told["against"]["only_here"], serde_json::json!([]));
    assert!(told["against"]["different"].as_array().unwrap().len() >= 172, "all were made meanwhile");
    against("nothing", &[]).ends(64).says("`nothing` is neither a plan's file nor a run nor a release");

    let told = against("R1@HRB01", &[]).ends(2).prints("Against R1 of site/HRB01:");
    let told = told.prints("site/HRB01 workspace.prod   /custom_tags/owner");
    assert!(!told.out.contains("only in"), "nothing came and nothing went");
    assert_eq!(against("release:HRB01/R1", &[]).ends(2).out, told.out, "the other name of the same");
    against("release:region/us-east-1/R1", &[]).ends(0).prints("R1 of region/us-east-1: the same steps.");
    against("R9@HRB01", &[]).ends(64).says("no release is called `R9`").says("the releases are: R1");
    against("R1@CDR03", &[]).ends(64).says("there is none yet");
    estate.edit("sites/HRB01.toml", "owner = \"team-harbour\"", "owner = \"team-hrb01\"");
    against("R1@HRB01", &[]).ends(0).prints("Against R1 of site/HRB01: the same steps.");
}
