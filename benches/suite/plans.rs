//! Scenarios 1 to 5, 19 to 21: what planning costs, alone and against the floor and the baseline.

use std::fs;

use crate::Suite;
use crate::estate::{Estate, LANDFALL};
use crate::process::{Program, Runs, paired};
use crate::table::{Curve, Row, Verdict};

/// A cold plan with a durable file, against a sandbox inside the process.
const PLAN: [&str; 4] = ["plan", "--all", "--out", "p.plan"];

struct Pair {
    product: Runs,
    floor: Runs,
    steps: usize,
}

/// Product and floor in turn, both from nothing.
fn cold(suite: &Suite, estate: &Estate, times: usize) -> Pair {
    let steps = estate.steps();
    let sites = estate.root.join("sites");
    let each = (steps / estate.sites.max(1)).to_string();
    let state = estate.root.join("floor.state");
    let words = ["--floor-plan", &sites.to_string_lossy(), &each, &state.to_string_lossy()];
    let programs = [estate.program("plan", &PLAN), Program::own("floor", &suite.scratch, &words)];
    let mut runs = paired(&programs, times, |at| {
        if at == 0 {
            estate.forget();
        } else {
            let _ = fs::remove_file(&state);
        }
    });
    let floor = runs.pop().unwrap_or_default();
    Pair { product: runs.pop().unwrap_or_default(), floor, steps }
}

fn words(runs: &Runs) -> String {
    format!(
        "{} wall, {} CPU, {:.0} MB (±{:.0} %)",
        time(runs.wall()),
        time(runs.cpu()),
        runs.rss(),
        runs.spread(|usage| usage.cpu) * 50.0
    )
}

pub fn time(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.0} ms", seconds * 1e3) } else { format!("{seconds:.1} s") }
}

/// Cold plans, their growth, and their memory.
pub fn cold_plans(suite: &mut Suite) {
    let large = suite.sizes.large;
    if suite.short {
        suite.skip(
            2,
            "plan-100-cold",
            "≤ 1/100 of one root, ≤ 1/50 of one per site",
            "only in the full form",
        );
    }
    let sizes: Vec<usize> = suite.sizes.curve.clone();
    let (mut plan, mut check, mut floor) = (Curve::default(), Curve::default(), Curve::default());
    plan.name = "landfall plan --all (sandbox in the process)".to_owned();
    check.name = "landfall check (offline)".to_owned();
    floor.name = "floor".to_owned();
    for sites in sizes {
        let estate = Estate::new(&suite.scratch, &format!("cold-{sites}"), sites);
        // The large ones take long enough to be told from noise by one run.
        let times = if sites <= 25 { suite.times } else { 1 };
        let pair = cold(suite, &estate, times);
        let checked = paired(&[estate.program("check", &["check"])], times, |_| ());
        suite.say(&format!(
            "plan of {sites} sites, {} steps: {}; floor {}; check {}",
            pair.steps,
            words(&pair.product),
            words(&pair.floor),
            words(&checked[0])
        ));
        plan.points.push((sites as f64, pair.product.cpu()));
        floor.points.push((sites as f64, pair.floor.cpu()));
        check.points.push((sites as f64, checked[0].cpu()));
        if sites == 100 {
            hundred(suite, &pair);
        }
    }
    let (plan_grows, check_grows) = (plan.exponent(), check.exponent());
    suite.row(Row {
        number: 20,
        name: "growth of CPU with sites",
        target: "exponent ≤ 1.05",
        measured: format!("plan {plan_grows:.2}, check {check_grows:.2}"),
        floor: format!("floor {:.2}", floor.exponent()),
        ratio: String::new(),
        verdict: Verdict::of(plan_grows <= 1.05 && check_grows <= 1.05),
        note: "cold plans; apply and export are not in it".to_owned(),
    });
    suite.curves.extend([plan, check, floor]);
    if large > 0 {
        thousand(suite, large);
    } else {
        for (number, name, target) in [
            (1, "plan-1000-cold", "≤ 2.5× floor"),
            (4, "plan-1000-noop", "≤ 1.2 CPU-s"),
            (5, "plan-1000-edit-1", "≤ 0.3 s"),
            (19, "memory at 1,000 sites", "≤ 400 MB"),
        ] {
            suite.skip(number, name, target, "only in the full form");
        }
    }
}

fn hundred(suite: &mut Suite, pair: &Pair) {
    let root = suite.terraform.as_ref().map(|terraform| (terraform, suite.scratch.clone()));
    let Some((terraform, scratch)) = root else {
        suite.skip(
            2,
            "plan-100-cold",
            "≤ 1/100 of one root, ≤ 1/50 of one per site",
            "no terraform or tofu here",
        );
        return;
    };
    let one = terraform.root(&scratch, "tf-site", 1);
    let per_site = paired(&[terraform.plan(&one)], 3, |_| ());
    let whole = terraform.root(&scratch, "tf-100", 100);
    let all = paired(&[terraform.plan(&whole)], 1, |_| ());
    let ours = pair.product.cpu();
    let (each, root) = (per_site[0].cpu() * 100.0, all[0].cpu());
    suite.row(Row {
        number: 2,
        name: "plan-100-cold",
        target: "≤ 1/100 of one root, ≤ 1/50 of one per site (CPU)",
        measured: words(&pair.product),
        floor: format!("Terraform: one root {}, one per site {} (×100)", time(root), time(each)),
        ratio: format!("1/{:.1}, 1/{:.1}", root / ours, each / ours),
        verdict: Verdict::of(root / ours >= 100.0 && each / ours >= 50.0),
        note: format!("{} steps against 6,000 of `terraform_data`", pair.steps),
    });
}

fn thousand(suite: &mut Suite, sites: usize) {
    let estate = Estate::new(&suite.scratch, "large", sites);
    let pair = cold(suite, &estate, 1);
    suite.say(&format!("plan of {sites} sites: {}; floor {}", words(&pair.product), words(&pair.floor)));
    let ratio = pair.product.cpu() / pair.floor.cpu();
    suite.row(Row {
        number: 1,
        name: "plan-1000-cold",
        target: "≤ 2.5× floor (CPU), ≤ 1.5 s quiet",
        measured: words(&pair.product),
        floor: format!("floor {}", words(&pair.floor)),
        ratio: format!("{ratio:.1}"),
        verdict: Verdict::of(pair.product.ok() && ratio <= 2.5),
        note: format!("{sites} sites, {} steps; the sandbox's own work is in it", pair.steps),
    });
    suite.row(Row {
        number: 19,
        name: "memory at 1,000 sites",
        target: "plan ≤ 400 MB, apply ≤ 150 MB",
        measured: format!("plan {:.0} MB", pair.product.rss()),
        floor: format!("floor {:.0} MB", pair.floor.rss()),
        ratio: format!("{:.1}", pair.product.rss() / pair.floor.rss()),
        verdict: Verdict::of(pair.product.ok() && pair.product.rss() <= 400.0),
        note: "apply of 1,000 sites is not run".to_owned(),
    });
    let graph = paired(&[estate.program("check", &["check"])], 1, |_| ());
    suite.say(&format!("check of {sites} sites: {}", words(&graph[0])));
    suite.row(Row {
        number: 4,
        name: "plan-1000-noop (offline part)",
        target: "≤ 0.6 s, ≤ 1.2 CPU-s",
        measured: words(&graph[0]),
        floor: format!("floor (cold) {}", words(&pair.floor)),
        ratio: format!("{:.1}", graph[0].cpu() / pair.floor.cpu()),
        verdict: Verdict::of(graph[0].ok() && graph[0].cpu() <= 1.2),
        note:
            "there is no offline plan of what stands: this is `check`, all of a plan but looking and writing"
                .to_owned(),
    });
    let edited = &estate.site_files()[sites / 2];
    let text = fs::read_to_string(edited).expect("a site");
    fs::write(edited, text.replacen("costCenter = \"CC-", "costCenter = \"CX-", 1)).expect("a site");
    let after = paired(&[estate.program("check", &["check"])], 1, |_| ());
    suite.row(Row {
        number: 5,
        name: "plan-1000-edit-1 (offline part)",
        target: "≤ 0.30 s",
        measured: words(&after[0]),
        floor: "as #4".to_owned(),
        ratio: String::new(),
        verdict: Verdict::of(after[0].ok() && after[0].wall() <= 0.3),
        note: "nothing is kept from an earlier plan, so one edited file costs what all cost".to_owned(),
    });
    let _ = fs::remove_dir_all(&estate.root);
}

/// What it takes to start.
pub fn start(suite: &mut Suite) {
    let estate = Estate::new(&suite.scratch, "start", 12);
    let programs = [
        Program::new("--version", &suite.scratch, &[LANDFALL, "--version"]),
        Program::new("/bin/true", &suite.scratch, &["/bin/true"]),
        estate.program("check", &["check"]),
    ];
    let runs = paired(&programs, suite.times.max(9), |_| ());
    let (version, nothing, check) = (runs[0].wall(), runs[1].wall(), runs[2].cpu());
    suite.row(Row {
        number: 21,
        name: "start: `--version`, `check` of 12 sites",
        target: "≤ 5 ms over a process that does nothing; ≤ 40 ms CPU",
        measured: format!("{}; {} CPU", time(version), time(check)),
        floor: format!("/bin/true {}", time(nothing)),
        ratio: format!("{:.1}", version / nothing),
        verdict: Verdict::of(version - nothing <= 0.005 && check <= 0.04),
        note: format!("check {} wall", time(runs[2].wall())),
    });
}
