//! Scenarios 3 and 17: what stands in the sandbox inside the process, planned again, and its evidence.

use std::fs;
use std::path::Path;

use crate::Suite;
use crate::estate::Estate;
use crate::plans::time;
use crate::process::paired;

/// Sites of a launch whose evidence is exported: as many as in the example.
const PLAN: [&str; 4] = ["plan", "--all", "--out", "p.plan"];

pub fn launched(suite: &mut Suite) {
    let estate = Estate::new(&suite.scratch, "launch", suite.sizes.launch);
    let planned = estate.program("plan", &PLAN).run();
    let apply = estate.program("apply", &["apply", "p.plan", "--progress", "none"]).run();
    suite.say(&format!("plan {planned:?}, apply {apply:?}"));
    assert!(apply.ok, "the launch of {} sites did not end well", estate.sites);
    noop(suite, &estate);
    evidence(suite, &estate);
    let _ = fs::remove_dir_all(&estate.root);
}

fn noop(suite: &mut Suite, estate: &Estate) {
    let mut programs = vec![estate.program("plan", &["plan", "--all", "--out", "q.plan"])];
    if let Some(terraform) = &suite.terraform {
        let root = terraform.root(&suite.scratch, "tf-noop", suite.sizes.baseline);
        let _ = terraform.apply(&root).run();
        programs.push(terraform.plan(&root));
    }
    let runs = paired(&programs, suite.times.min(5), |_| ());
    let left: usize = estate
        .operations("q.plan")
        .iter()
        .filter(|(word, _)| !["none", "check"].contains(&word.as_str()))
        .map(|(_, n)| n)
        .sum();
    let ours = &runs[0];
    let scale = estate.sites as f64 / suite.sizes.baseline as f64;
    let (floor, ratio, fits) = match runs.get(1) {
        Some(theirs) => {
            let cpu = theirs.cpu() * scale;
            (
                format!(
                    "Terraform, one root: {} CPU (of {} sites, times {scale:.0})",
                    time(cpu),
                    suite.sizes.baseline
                ),
                format!("1/{:.1}", cpu / ours.cpu()),
                cpu / ours.cpu() >= 50.0,
            )
        }
        None => ("no terraform or tofu here".to_owned(), String::new(), false),
    };
    suite.measured(
        3,
        left == 0 && fits && ours.ok(),
        [format!("{} wall, {} CPU, {:.0} MB", time(ours.wall()), time(ours.cpu()), ours.rss()), floor, ratio],
        format!(
            "{} sites; reads the live state over HTTP from a sandbox in the same process, whose work is in it; {left} \
             changes left; Terraform reads nothing",
            estate.sites
        ),
    );
}

fn evidence(suite: &mut Suite, estate: &Estate) {
    let code = estate.code(0);
    let export = estate.program("export", &["evidence", "export", "--site", &code, "--out", "bundle"]);
    let verify = estate.program("verify", &["evidence", "verify", "bundle"]);
    let bundle = estate.root.join("bundle");
    let runs = paired(&[export, verify], suite.times.min(5), |at| {
        if at == 0 {
            let _ = fs::remove_dir_all(&bundle);
        }
    });
    let cpu = [runs[0].cpu(), runs[1].cpu()];
    suite.measured(
        17,
        runs.iter().all(|r| r.ok()) && cpu[0] <= 0.15 && cpu[1] <= 0.05,
        [
            format!(
                "{} / {} CPU, {} / {} wall",
                time(cpu[0]),
                time(cpu[1]),
                time(runs[0].wall()),
                time(runs[1].wall())
            ),
            "fsync and process start: see #14, #21".to_owned(),
            format!("{:.1} / {:.1}", cpu[0] / 0.15, cpu[1] / 0.05),
        ],
        format!("one of {} sites, {} KB; judged by CPU", estate.sites, size(&bundle) / 1024),
    );
}

pub fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => size(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}
