//! Whole processes, measured: what many sites cost, against what the machine allows and against Terraform.
//!
//! `cargo bench --bench suite -- [--short] [--only WORD] [--out DIR]`. Every program runs in a process of its own, in turn
//! with what it is compared to; medians; CPU before wall; judged by ratios. See docs/PERFORMANCE.md.

#![allow(missing_docs, reason = "a program, not a library")]

mod calls;
mod estate;
mod fleet;
mod floor;
mod journals;
mod launches;
mod plans;
mod process;
mod schedule;
mod served;
mod table;
mod terraform;

use std::path::{Path, PathBuf};
use std::time::Instant;

use table::{Curve, Row, Verdict};
use terraform::Terraform;

/// How many sites the scenarios have.
pub struct Sizes {
    /// For the growth with sites.
    pub curve: Vec<usize>,
    /// For the largest plan; none with 0.
    pub large: usize,
    /// For launches.
    pub launch: usize,
    /// For the wave on a virtual clock.
    pub fleet: usize,
    /// For what Terraform applies before its second plan: it takes half a minute for twelve.
    pub baseline: usize,
}

/// One run of the suite.
pub struct Suite {
    pub short: bool,
    pub scratch: PathBuf,
    pub sizes: Sizes,
    pub times: usize,
    pub terraform: Option<Terraform>,
    pub rows: Vec<Row>,
    pub curves: Vec<Curve>,
    began: Instant,
}

impl Suite {
    pub fn say(&self, words: &str) {
        eprintln!("{:>6.0} s  {words}", self.began.elapsed().as_secs_f64());
    }

    pub fn row(&mut self, row: Row) {
        self.say(&format!("#{} {}: {} | {} | {}", row.number, row.name, row.measured, row.floor, row.ratio));
        self.rows.push(row);
    }

    pub fn skip(&mut self, number: u32, name: &'static str, target: &'static str, why: &str) {
        self.rows.push(Row {
            number,
            name,
            target,
            measured: String::new(),
            floor: String::new(),
            ratio: String::new(),
            verdict: Verdict::NotRun,
            note: why.to_owned(),
        });
    }
}

/// Measures one thing.
type Scenario = fn(&mut Suite);

/// Scenarios by the word they are chosen with.
const SCENARIOS: [(&str, Scenario); 8] = [
    ("floors", floors),
    ("start", plans::start),
    ("journal", journals::appends),
    ("launch", launches::embedded),
    ("plan", plans::cold_plans),
    ("calls", calls::with_latency),
    ("fleet", fleet::rehearsed),
    ("elsewhere", elsewhere),
];

fn floors(suite: &mut Suite) {
    let (disk, worst) = floor::disk(&suite.scratch, 500);
    let (hash, http) = (floor::hash(50_000), floor::http(2_000));
    suite.say(&format!(
        "floors: append+fdatasync {:.0} µs (p99 {:.0}), SHA-256 {:.2} GB/s, HTTP {http:.0} requests/s on one connection",
        disk * 1e6,
        worst * 1e6,
        hash / 1e9
    ));
}

fn elsewhere(suite: &mut Suite) {
    suite.skip(
        15,
        "crash matrix",
        "0 orphaned, 0 repeated, 0 unreadable",
        "judged by tests, not here: tests/crash.rs and tests/crash_matrix.rs kill a real process at every journal write",
    );
}

fn load() -> String {
    std::fs::read_to_string("/proc/loadavg").map_or_else(
        |_| "unknown".to_owned(),
        |text| text.split_whitespace().take(3).collect::<Vec<_>>().join(" "),
    )
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some("--wrap") => return process::wrap(&words[1..]),
        Some("--floor-plan") => {
            let each = words[2].parse().expect("a number of objects");
            return floor::plan(Path::new(&words[1]), each, Path::new(&words[3]));
        }
        _ => {}
    }
    let after =
        |flag: &str| words.iter().position(|word| word == flag).and_then(|at| words.get(at + 1)).cloned();
    let short = words.iter().any(|word| word == "--short");
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let sizes = if short {
        Sizes { curve: vec![12, 25, 50], large: 0, launch: 3, fleet: 3, baseline: 3 }
    } else {
        Sizes { curve: vec![12, 25, 50, 100, 200], large: 1_000, launch: 12, fleet: 24, baseline: 4 }
    };
    let mut suite = Suite {
        short,
        scratch: scratch.path().to_owned(),
        sizes,
        times: if short { 3 } else { 5 },
        terraform: Terraform::find(),
        rows: Vec::new(),
        curves: Vec::new(),
        began: Instant::now(),
    };
    let before = load();
    for (word, run) in SCENARIOS {
        if after("--only").is_none_or(|only| only == word) {
            run(&mut suite);
        }
    }
    suite.rows.sort_by_key(|row| row.number);
    let head = format!(
        "Load of the machine before and after: {before} / {}. Baseline: {}.\n",
        load(),
        suite.terraform.as_ref().map_or("no terraform or tofu was found", |terraform| &terraform.version)
    );
    let out = after("--out").map_or_else(|| PathBuf::from("target/suite"), PathBuf::from);
    table::write(&out, &suite.rows, &suite.curves, &head).expect("the results are written");
    println!("{head}\n{}", table::markdown(&suite.rows));
    suite.say(&format!("written to {}", out.display()));
}
