//! Services that are busy, refuse, or lose their answers.

use serde_json::{Value, json};

use crate::world::{Estate, Request, Served};

const DELIVERY: &str = "/log-delivery";
const WORKSPACES: &str = "/workspaces";

/// A planned pilot on an empty sandbox with one fault rule.
fn planned(wave: &str, pattern: &str, kind: &Value, times: u32) -> (Estate, Served) {
    planned_in(Estate::example(), wave, pattern, kind, times)
}

/// The example without stages.
pub fn unstaged() -> Estate {
    let estate = Estate::example();
    let text = estate.text("sites/estate.toml");
    estate.write("sites/estate.toml", &text.replace("\nstage = \"scale\"\n", "\n"));
    estate
}

fn planned_in(mut estate: Estate, wave: &str, pattern: &str, kind: &Value, times: u32) -> (Estate, Served) {
    let served = estate.serve(&[]);
    estate.reach(&served, 400);
    estate.plan(&["--wave", wave], "p.plan").ends(0);
    served.fault(pattern, kind, 0, times);
    served.forget_requests();
    (estate, served)
}

fn posts(served: &Served, to: &str) -> Vec<u64> {
    let is_post = |r: &&Request| r.is("POST", to);
    served.requests().iter().filter(is_post).map(|r| r.status).collect()
}

fn standing(estate: &Estate, site: &str) -> Value {
    let status = estate.run(&["status", site, "-o", "json"]).ends(0).json();
    status["scopes"][0].clone()
}

#[test]
fn a_service_that_is_busy_is_asked_again_when_it_said() {
    let kind = json!({ "too_many": { "retry_after": 1 } });
    let (estate, served) = planned("pilot", "POST */log-delivery", &kind, 2);
    served.fault("POST */storage-configurations", &json!("unavailable"), 0, 1);
    let ran = estate.run(&["apply", "p.plan"]).ends(0);
    assert_eq!(posts(&served, DELIVERY), [429, 429, 200]);
    let mut stored = posts(&served, "/storage-configurations");
    stored.sort_unstable();
    assert_eq!(stored.iter().filter(|status| **status == 503).count(), 1, "{stored:?}");
    assert_eq!(stored.iter().filter(|status| **status < 300).count(), stored.len() - 1, "{stored:?}");
    let rests = ran.err.lines().filter(|line| line.contains("log_delivery.audit rests until"));
    assert_eq!(rests.count(), 2, "{}", ran.err);
}

#[test]
fn a_create_whose_answer_is_lost_is_looked_for_and_never_sent_twice() {
    let (estate, served) = planned("pilot", "POST */workspaces", &json!({ "after_effect": {} }), 2);
    estate.run(&["apply", "p.plan"]).ends(0);
    assert_eq!(posts(&served, WORKSPACES), [0, 0], "both took effect, neither was answered");
    let all = served.call("GET", &served.account("workspaces"), None, &Value::Null);
    assert_eq!(all.as_array().unwrap().len(), 2);
    estate.plan(&["--wave", "pilot"], "q.plan").ends(0).prints("No changes.");
}

#[test]
fn a_refusal_is_final_blocks_what_rests_on_it_and_nothing_else() {
    let kind = json!({ "before": { "status": 400, "code": "INVALID_PARAMETER_VALUE" } });
    let (estate, served) = planned("pilot", "POST */catalogs", &kind, 1);
    let ran = estate.run(&["apply", "p.plan"]).ends(1).prints("site/HRB01           failed");
    let ran = ran.prints("account              succeeded").says("landfall status says why");
    let catalogs = posts(&served, "/catalogs");
    assert_eq!(catalogs.iter().filter(|status| **status == 400).count(), 1);
    assert_eq!(catalogs.len(), 6, "one call for each catalog: {catalogs:?}");

    let standing = standing(&estate, "HRB01");
    let failed = standing["failed"].as_object().unwrap();
    assert_eq!(failed.len(), 1, "{failed:?}");
    let (step, cause) = failed.iter().next().unwrap();
    assert!(step.starts_with("catalog.") && cause.as_str().unwrap().contains("(INVALID_PARAMETER_VALUE)"));
    let blocked = standing["blocked"].as_object().unwrap();
    let domain = step.trim_start_matches("catalog.");
    assert!(!blocked.is_empty());
    for (other, by) in blocked {
        assert!(
            other.contains(domain) || other.starts_with("check."),
            "{other} is blocked by {by} because of {step}"
        );
    }
    let done = standing["done"].as_u64().unwrap() as usize;
    assert_eq!(done + failed.len() + blocked.len(), 163, "every step came to an end");
    assert!(ran.err.contains(&format!("{step} FAILED")), "{}", ran.err);
    estate.run(&["status", "HRB01"]).ends(0).prints(step).prints("INVALID_PARAMETER_VALUE");
    estate.run(&["wave", "status", "pilot"]).ends(0).prints("failed");

    let planned = estate.plan(&["--wave", "pilot"], "q.plan").ends(0);
    let left = format!("+ {step}");
    planned.prints(&left);
    estate.run(&["apply", "q.plan"]).ends(0);
    estate.plan(&["--wave", "pilot"], "r.plan").ends(0).prints("No changes.");
}

#[test]
fn a_failed_canary_halts_its_wave_before_another_site_is_touched() {
    let kind = json!({ "before": { "status": 400, "code": "INVALID_PARAMETER_VALUE" } });
    // Out of its stage, whose criteria a new program cannot fulfil.
    let (estate, served) = planned_in(unstaged(), "wave2", "POST */workspaces", &kind, 1);
    let ran = estate.run(&["apply", "p.plan"]).ends(1).prints("site/NRT04           failed");
    let ran = ran.says("wave wave2 halted").says("site/NRT04");
    assert_eq!(standing(&estate, "NRT04")["state"], "failed");
    for site in ["WLW05", "STN06", "RVB07"] {
        assert!(
            !ran.out.contains(site) && !ran.err.contains(&format!("site/{site} ")),
            "{}\n{}",
            ran.out,
            ran.err
        );
        assert_eq!(standing(&estate, site)["state"], "not-started");
        assert_eq!(estate.run(&["log", &format!("site/{site}")]).ends(0).out, "");
        let own = |r: &Request| r.path.to_lowercase().contains(&site.to_lowercase());
        assert!(!served.requests().iter().any(own), "a call for {site}");
    }
    assert_eq!(posts(&served, WORKSPACES).len(), 2, "the canary's own two");
    let state = served.state();
    let workspaces = state["workspaces"].to_string();
    assert!(!workspaces.contains("wlw05") && !workspaces.contains("stn06") && !workspaces.contains("rvb07"));
}
