//! Whole processes, measured: what many sites cost, against what the machine allows and against Terraform.
//!
//! `cargo bench --bench suite -- [--short] [--only WORD] [--out DIR] [--publish] [--compare CSV] [--many SITES] [--dev-binary PATH]`. Every
//! program runs in a process of its own, in turn with what it is compared to; medians; CPU before wall; judged by ratios. A
//! scenario that comes to a bad end becomes a row that says so, and the others go on. See docs/PERFORMANCE.md.

#![allow(missing_docs, reason = "a program, not a library")]

/// What `landfall` itself is linked with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod apply;
mod chart;
mod crash;
mod estate;
mod faults;
#[path = "../../tests/sim/fleet.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod fleet;
mod floor;
mod journals;
mod large;
mod null;
mod plans;
mod process;
mod schedule;
mod served;
mod simulated;
mod standing;
mod table;
mod terraform;

use std::path::{Path, PathBuf};
use std::time::Instant;

use chart::Curve;
use table::{Row, Verdict};
use terraform::Terraform;

/// How many sites the scenarios have.
pub struct Sizes {
    /// For the growth with sites.
    pub curve: Vec<usize>,
    /// For the largest plan; none with 0.
    pub large: usize,
    /// For launches.
    pub launch: usize,
    /// For the largest launch; none with 0. `--many` sets another: a thousand take half an hour by themselves.
    pub many: usize,
    /// For launches without a service.
    pub null: Vec<usize>,
    /// For the fleet on a virtual clock.
    pub fleet: Vec<usize>,
    /// For what Terraform applies before its second plan: it takes half a minute for twelve.
    pub baseline: usize,
    /// Writes after which a launch is killed.
    pub kills: usize,
}

impl Sizes {
    fn full() -> Self {
        Self {
            curve: vec![12, 25, 50, 100, 200],
            large: 1_000,
            launch: 12,
            many: 200,
            null: vec![125, 250, 500, 1_000],
            fleet: vec![60, 250, 500, 1_000],
            baseline: 4,
            kills: 200,
        }
    }

    fn short() -> Self {
        Self {
            curve: vec![3, 6, 12],
            large: 0,
            launch: 2,
            many: 0,
            null: vec![50, 100],
            fleet: vec![60, 250],
            baseline: 2,
            kills: 8,
        }
    }
}

/// One run of the suite.
pub struct Suite {
    pub short: bool,
    pub scratch: PathBuf,
    pub sizes: Sizes,
    pub times: usize,
    pub terraform: Option<Terraform>,
    /// A build of the program that can be told to die after a write.
    pub dev_binary: Option<PathBuf>,
    pub rows: Vec<Row>,
    pub curves: Vec<Curve>,
    /// What one scenario leaves for others: exponents, and seconds of memory.
    pub exponents: Vec<(String, f64)>,
    pub memory: Vec<(String, f64)>,
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

    /// A row with a measurement.
    pub fn measured(&mut self, number: u32, met: bool, cells: [String; 3], note: String) {
        let [measured, floor, ratio] = cells;
        let row = Row::without(number, Verdict::of(met), &note);
        self.row(Row { measured, floor, ratio, ..row });
    }

    pub fn skip(&mut self, number: u32, why: &str) {
        self.say(&format!("#{number}: {why}"));
        self.rows.push(Row::without(number, Verdict::NotRun, why));
    }
}

/// Measures one thing.
type Scenario = fn(&mut Suite);

/// Scenarios by the word they are chosen with, and the rows that each owes.
const SCENARIOS: [(&str, Scenario, &[u32]); 15] = [
    ("floors", floors, &[]),
    ("start", plans::start, &[21]),
    ("journal", journals::appends, &[14]),
    ("fleet", simulated::fleets, &[22]),
    ("null", null::launches, &[13]),
    ("resume", null::resume, &[16]),
    ("launch", standing::launched, &[3, 17]),
    ("apply", apply::with_latency, &[6, 7]),
    ("limiter", apply::limited, &[9]),
    ("faults", faults::faulty, &[10]),
    ("straggler", faults::straggler, &[11]),
    ("fairness", faults::fairness, &[12]),
    ("plan", plans::cold_plans, &[1, 2]),
    ("many", large::many, &[4, 5, 8, 18]),
    ("crash", crash::matrix, &[15]),
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

/// What several scenarios gave together: growth and memory.
fn together(suite: &mut Suite) {
    if !suite.exponents.is_empty() {
        let all: Vec<String> =
            suite.exponents.iter().map(|(name, grows)| format!("{name} {grows:.2}")).collect();
        let met = suite.exponents.iter().all(|(_, grows)| *grows <= 1.05);
        let note =
            "slopes over the sizes of docs/performance/cost.svg; apply is the launch without a service (#13)";
        suite.measured(20, met, [all.join(", "), String::new(), String::new()], note.to_owned());
    }
    if !suite.memory.is_empty() {
        let all: Vec<String> = suite.memory.iter().map(|(name, mb)| format!("{name} {mb:.0} MB")).collect();
        let within = |(name, mb): &(String, f64)| *mb <= if name.starts_with("plan") { 400.0 } else { 150.0 };
        let (met, large) = (suite.memory.iter().all(within), suite.sizes.large > 0);
        let note = if large { "" } else { "short form: smaller sizes than the target's" };
        suite.measured(19, met && large, [all.join(", "), String::new(), String::new()], note.to_owned());
    }
}

/// The dev build beside these sources, if there is one.
fn built_for_development() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/debug/landfall");
    path.is_file().then_some(path)
}

fn load() -> String {
    std::fs::read_to_string("/proc/loadavg").map_or_else(
        |_| "unknown".to_owned(),
        |text| text.split_whitespace().take(3).collect::<Vec<_>>().join(" "),
    )
}

/// Runs one scenario; whatever becomes of it, its rows are there afterwards.
fn guarded(suite: &mut Suite, word: &str, run: Scenario, owes: &[u32]) {
    suite.say(&format!("— {word}"));
    let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(suite)));
    let why = match ran {
        Ok(()) => "the scenario left no row".to_owned(),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked");
            text.lines().next().unwrap_or_default().replace('|', "/")
        }
    };
    for number in owes {
        if !suite.rows.iter().any(|row| row.number == *number) {
            suite.say(&format!("#{number} failed: {why}"));
            suite.rows.push(Row::without(*number, Verdict::Failed, &why));
        }
    }
}

/// What this program does as its own child, if it was asked for it.
fn as_child(words: &[String]) -> bool {
    match words.first().map(String::as_str) {
        Some("--wrap") => process::wrap(&words[1..]),
        Some("--floor-plan") => {
            let each = words[2].parse().expect("a number of objects");
            floor::plan(Path::new(&words[1]), each, Path::new(&words[3]));
        }
        Some("--simulate") => simulated::child(&words[1..]),
        Some("--null-launch") => null::child(&words[1..]),
        _ => return false,
    }
    true
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if as_child(&words) {
        return;
    }
    let after =
        |flag: &str| words.iter().position(|word| word == flag).and_then(|at| words.get(at + 1)).cloned();
    let short = words.iter().any(|word| word == "--short");
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let mut sizes = if short { Sizes::short() } else { Sizes::full() };
    if let Some(many) = after("--many") {
        sizes.many = many.parse().expect("--many is a number of sites");
    }
    let mut suite = Suite {
        short,
        scratch: scratch.path().to_owned(),
        sizes,
        times: if short { 3 } else { 5 },
        terraform: Terraform::find(),
        dev_binary: after("--dev-binary").map(PathBuf::from).or_else(built_for_development),
        rows: Vec::new(),
        curves: Vec::new(),
        exponents: Vec::new(),
        memory: Vec::new(),
        began: Instant::now(),
    };
    let (before, only) = (load(), after("--only"));
    for (word, run, owes) in SCENARIOS {
        if only.as_ref().is_none_or(|only| only == word) {
            guarded(&mut suite, word, run, owes);
        }
    }
    together(&mut suite);
    for number in (1..=22).filter(|_| only.is_none()) {
        if !suite.rows.iter().any(|row| row.number == number) {
            suite.rows.push(Row::without(number, Verdict::NotRun, "no scenario of this run measures it"));
        }
    }
    suite.rows.sort_by_key(|row| row.number);
    report(&suite, &before, after("--out"), after("--compare"), words.iter().any(|word| word == "--publish"));
}

fn report(suite: &Suite, before: &str, out: Option<String>, earlier: Option<String>, publish: bool) {
    let form = if suite.short { "short" } else { "full" };
    let mut text = format!(
        "Form: {form}, {:.0} minutes. Load of the machine before and after: {before} / {}. Baseline: {}.\n\n{}",
        suite.began.elapsed().as_secs_f64() / 60.0,
        load(),
        suite.terraform.as_ref().map_or("no terraform or tofu was found", |terraform| &terraform.version),
        table::markdown(&suite.rows)
    );
    if let Some(earlier) = earlier {
        match table::compared(Path::new(&earlier), &suite.rows) {
            Ok(table) => text.push_str(&format!("\nBefore and after:\n\n{table}")),
            Err(error) => text.push_str(&format!("\n{earlier} cannot be compared with: {error}\n")),
        }
    }
    println!("{text}");
    let out = out.map_or_else(|| PathBuf::from("target/suite"), PathBuf::from);
    let published = publish.then(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/performance"));
    for folder in std::iter::once(out).chain(published) {
        match table::write(&folder, &suite.rows, &suite.curves, &text) {
            Ok(()) => suite.say(&format!("written to {}", folder.display())),
            Err(error) => suite.say(&format!("{} cannot be written: {error}", folder.display())),
        }
    }
}
