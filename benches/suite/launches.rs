//! Scenarios 3, 13, 17 and 18: launches against the sandbox inside the process, what a second plan costs, and evidence.

use std::fs;

use crate::Suite;
use crate::estate::Estate;
use crate::plans::time;
use crate::process::paired;
use crate::table::{Row, Verdict};

pub fn embedded(suite: &mut Suite) {
    let estate = Estate::new(&suite.scratch, "launch", suite.sizes.launch);
    let planned = estate.program("plan", &["plan", "--all", "--out", "p.plan"]).run();
    let operations = estate.operations("p.plan");
    let made = operations.get("create").copied().unwrap_or(0);
    let apply = estate.program("apply", &["apply", "p.plan", "--progress", "none"]).run();
    let entries = journal_entries(&estate);
    suite.say(&format!("plan {planned:?}, apply of {operations:?}: {apply:?}, {entries} entries"));
    suite.row(Row {
        number: 13,
        name: "journalled steps, no latency",
        target: "≥ 20,000 durable steps/s",
        measured: format!("{:.0} steps/s, {:.0} entries/s", made as f64 / apply.wall, entries as f64 / apply.wall),
        floor: "one append+fdatasync each: see #14".to_owned(),
        ratio: format!("{:.2}", made as f64 / apply.wall / 20_000.0),
        verdict: Verdict::of(apply.ok && made as f64 / apply.wall >= 20_000.0),
        note: format!(
            "{} sites, {made} objects made by HTTP in a sandbox inside the same process: {} wall, {} CPU, {:.0} MB; the \
             target is for steps without calls",
            estate.sites,
            time(apply.wall),
            time(apply.cpu),
            apply.rss
        ),
    });
    noop(suite, &estate, apply.ok);
    evidence(suite, &estate, apply.ok);
    let _ = fs::remove_dir_all(&estate.root);
}

fn journal_entries(estate: &Estate) -> usize {
    let mut logs = vec!["org".to_owned(), "account".to_owned()];
    logs.extend((0..estate.sites).map(|at| format!("site/{}", estate.code(at))));
    logs.iter().map(|log| estate.prints(&["log", log]).lines().count()).sum()
}

fn noop(suite: &mut Suite, estate: &Estate, is_launched: bool) {
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
                format!("Terraform, one root: {} CPU", time(cpu)),
                format!("1/{:.1}", cpu / ours.cpu()),
                cpu / ours.cpu() >= 50.0,
            )
        }
        None => ("no terraform or tofu here".to_owned(), String::new(), false),
    };
    suite.row(Row {
        number: 3,
        name: "plan-12-noop",
        target: "≤ 1/50 of Terraform (CPU), ≤ 40 ms quiet",
        measured: format!("{} wall, {} CPU, {:.0} MB", time(ours.wall()), time(ours.cpu()), ours.rss()),
        floor,
        ratio,
        verdict: Verdict::of(is_launched && left == 0 && fits && ours.wall() <= 0.04),
        note: format!(
            "{} sites; reads the live state over HTTP from a sandbox in the process; {left} changes left",
            estate.sites
        ),
    });
}

fn evidence(suite: &mut Suite, estate: &Estate, is_launched: bool) {
    let code = estate.code(0);
    let export = estate.program("export", &["evidence", "export", "--site", &code, "--out", "bundle"]);
    let verify = estate.program("verify", &["evidence", "verify", "bundle"]);
    let bundle = estate.root.join("bundle");
    let runs = paired(&[export, verify], suite.times.min(5), |at| {
        if at == 0 {
            let _ = fs::remove_dir_all(&bundle);
        }
    });
    let bytes = size(&bundle);
    let (wall, verified) = (runs[0].wall(), runs[1].wall());
    suite.row(Row {
        number: 17,
        name: "evidence export / verify, one site",
        target: "≤ 150 / ≤ 50 ms",
        measured: format!(
            "{} / {} wall, {} / {} CPU",
            time(wall),
            time(verified),
            time(runs[0].cpu()),
            time(runs[1].cpu())
        ),
        floor: "fsync and process start: see #14, #21".to_owned(),
        ratio: format!("{:.1} / {:.1}", wall / 0.15, verified / 0.05),
        verdict: Verdict::of(
            is_launched && runs.iter().all(|r| r.ok()) && runs[0].cpu() <= 0.15 && runs[1].cpu() <= 0.05,
        ),
        note: format!(
            "{} KB; judged by CPU; bundles are per site, so the 12 of the target are 12 of these",
            bytes / 1024
        ),
    });
    suite.row(Row {
        number: 18,
        name: "evidence of 1,000 sites",
        target: "≤ 2.0 / ≤ 1.0 s",
        measured: format!("{} / {} CPU", time(runs[0].cpu() * 1e3), time(runs[1].cpu() * 1e3)),
        floor: "103 MB through zstd and SHA-256: 0.6 / 0.45 s".to_owned(),
        ratio: format!("{:.0} / {:.0}", runs[0].cpu() * 1e3 / 2.0, runs[1].cpu() * 1e3),
        verdict: Verdict::NotRun,
        note: "1,000 times #17, computed: there is no export of a whole estate".to_owned(),
    });
}

fn size(folder: &std::path::Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => size(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}
