//! Scenario 14: appends to the journal, one writer and many that commit together, against a bare append to a file.

use std::time::Instant;

use landfall::base::id::{LogId, ScopeId, SiteCode};
use landfall::base::time::{Millis, Timestamp};
use landfall::journal::sqlite::SqliteJournal;
use landfall::journal::{Journal as _, Lease};
use landfall::model::entry::{Actor, ActorKind, EntryDraft};
use serde_json::json;

use crate::Suite;
use crate::floor;

/// Logs that commit together.
const WRITERS: usize = 64;

fn draft(log: &LogId, turn: usize) -> EntryDraft {
    EntryDraft {
        log: log.clone(),
        at: Timestamp::from_millis(1_800_000_000_000),
        run: None,
        kind: "step.applied".to_owned(),
        step: None,
        actor: Actor { kind: ActorKind::Automation, id: "bench".to_owned() },
        plan: None,
        refs: Vec::new(),
        body: json!({ "turn": turn, "object": "catalog.clinical", "words": "x".repeat(120) }),
    }
}

/// Sorted seconds of commits with one entry for each of so many logs.
fn commits(journal: &mut SqliteJournal, leases: &[Lease], times: usize) -> Vec<f64> {
    let held: Vec<&Lease> = leases.iter().collect();
    let mut all: Vec<f64> = (0..times)
        .map(|turn| {
            let drafts = leases.iter().map(|lease| draft(&lease.log, turn)).collect();
            let began = Instant::now();
            journal.append(&held, drafts).expect("an append");
            began.elapsed().as_secs_f64()
        })
        .collect();
    all.sort_by(f64::total_cmp);
    all
}

pub fn appends(suite: &mut Suite) {
    let folder = suite.scratch.join("journal");
    let mut journal = SqliteJournal::open(&folder).expect("a journal");
    let now = Timestamp::from_millis(1_800_000_000_000);
    let leases: Vec<Lease> = (0..WRITERS)
        .map(|at| {
            let code = SiteCode::new(format!("AAA{at:02}")).expect("a site code");
            let log = LogId::Scope(ScopeId::Site(code));
            journal.take_lease(&log, "bench", now, Millis::from_secs(3_600)).expect("a lease")
        })
        .collect();
    let times = if suite.short { 200 } else { 1_000 };
    // In turn, so that what else the machine does falls on all of them.
    let (mut one, mut many, mut bare, mut tail) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..5 {
        one.extend(commits(&mut journal, &leases[..1], times / 5));
        many.extend(commits(&mut journal, &leases, times / 20));
        let (median, worst) = floor::disk(&suite.scratch, times / 5);
        bare.push(median);
        tail.push(worst);
    }
    let median = |all: &mut Vec<f64>| {
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    let (one, many, bare, tail) = (median(&mut one), median(&mut many), median(&mut bare), median(&mut tail));
    let rows = WRITERS as f64 / many;
    suite.measured(
        14,
        one / bare <= 1.5 && rows >= 50_000.0,
        [
            format!("{:.0} µs; {:.0} µs for 64, {rows:.0} rows/s", one * 1e6, many * 1e6),
            format!("{:.0} µs (p99 {:.0} µs)", bare * 1e6, tail * 1e6),
            format!("{:.2}", one / bare),
        ],
        "sealed, chained, scanned for secrets, SQLite WAL with synchronous=FULL".to_owned(),
    );
}
