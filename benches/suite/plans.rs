//! Scenarios 1 to 5, 19 to 21: what planning costs, alone and against the floor and the baseline.

use std::fs;

use crate::Suite;
use crate::chart::{Curve, Drawing};
use crate::estate::{Estate, LANDFALL};
use crate::process::{Program, Runs, paired};

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
    // A floor that fell over is quick, and no floor: nothing may be judged by it.
    assert!(floor.ok(), "the floor program did not end well");
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
    let sizes: Vec<usize> = suite.sizes.curve.clone();
    let mut plan = Curve::new(Drawing::Cost, "landfall plan --all (sandbox in the process)");
    let mut check = Curve::new(Drawing::Cost, "landfall check (offline)");
    let mut floor = Curve::new(Drawing::Cost, "floor");
    let mut baseline = Curve::new(Drawing::Cost, "Terraform plan, one root (60 resources a site)");
    let most = sizes.last().copied().unwrap_or(0);
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
        if sites <= 100
            && let Some(terraform) = &suite.terraform
        {
            let root = terraform.root(&suite.scratch, &format!("tf-{sites}"), sites);
            baseline.points.push((sites as f64, paired(&[terraform.plan(&root)], 1, |_| ())[0].cpu()));
        }
        if sites == 100 {
            let whole = baseline.points.last().map(|(_, cpu)| *cpu);
            hundred(suite, &pair, whole);
        }
        if sites == most && large == 0 {
            suite.memory.push((format!("plan of {sites} sites"), pair.product.rss()));
        }
        let _ = fs::remove_dir_all(&estate.root);
    }
    if large > 0 {
        thousand(suite, large, [&mut plan, &mut check, &mut floor]);
    } else {
        suite.skip(1, "only in the full form");
        suite.skip(2, "only in the full form");
    }
    suite.exponents.extend([("plan".to_owned(), plan.exponent()), ("check".to_owned(), check.exponent())]);
    let curves = [plan, check, floor, baseline];
    suite.curves.extend(curves.into_iter().filter(|curve| !curve.points.is_empty()));
}

fn hundred(suite: &mut Suite, pair: &Pair, whole: Option<f64>) {
    let (Some(terraform), Some(root)) = (&suite.terraform, whole) else {
        return suite.skip(2, "no terraform or tofu here");
    };
    let one = terraform.root(&suite.scratch, "tf-site", 1);
    let per_site = paired(&[terraform.plan(&one)], 3, |_| ());
    let (ours, each) = (pair.product.cpu(), per_site[0].cpu() * 100.0);
    suite.measured(
        2,
        root / ours >= 100.0 && each / ours >= 50.0,
        [
            words(&pair.product),
            format!("Terraform: one root {}, one per site {} (×100)", time(root), time(each)),
            format!("1/{:.1}, 1/{:.1}", root / ours, each / ours),
        ],
        format!("{} steps against 6,000 of `terraform_data`, which reads and checks nothing", pair.steps),
    );
}

fn thousand(suite: &mut Suite, sites: usize, curves: [&mut Curve; 3]) {
    let estate = Estate::new(&suite.scratch, "large", sites);
    let pair = cold(suite, &estate, 1);
    let checked = paired(&[estate.program("check", &["check"])], 1, |_| ());
    suite.say(&format!(
        "plan of {sites} sites: {}; floor {}; check {}",
        words(&pair.product),
        words(&pair.floor),
        words(&checked[0])
    ));
    for (curve, runs) in curves.into_iter().zip([&pair.product, &checked[0], &pair.floor]) {
        curve.points.push((sites as f64, runs.cpu()));
    }
    let ratio = pair.product.cpu() / pair.floor.cpu();
    suite.memory.push((format!("plan of {sites} sites"), pair.product.rss()));
    suite.measured(
        1,
        pair.product.ok() && ratio <= 2.5,
        [words(&pair.product), format!("floor {}", words(&pair.floor)), format!("{ratio:.1}")],
        format!(
            "{sites} sites, {} steps; the sandbox's own work is in it; `check`, all but looking and writing: {} CPU",
            pair.steps,
            time(checked[0].cpu())
        ),
    );
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
    suite.measured(
        21,
        version - nothing <= 0.005 && check <= 0.04,
        [
            format!("{}; {} CPU", time(version), time(check)),
            format!("/bin/true {}", time(nothing)),
            format!("{:.1}", version / nothing),
        ],
        format!("check {} wall", time(runs[2].wall())),
    );
    let _ = fs::remove_dir_all(&estate.root);
}
