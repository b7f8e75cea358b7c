//! The compiled program, driven as its users would: by its command line, against a sandbox that it serves itself.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "cli/access.rs"]
mod access;
#[path = "cli/adopt.rs"]
mod adopt;
#[path = "cli/changes.rs"]
mod changes;
#[path = "cli/committee.rs"]
mod committee;
#[path = "cli/drift.rs"]
mod drift;
#[path = "cli/drift_report.rs"]
mod drift_report;
#[path = "cli/durations.rs"]
mod durations;
#[path = "cli/evidence.rs"]
mod evidence;
#[path = "cli/faults.rs"]
mod faults;
#[path = "cli/files.rs"]
mod files;
#[path = "cli/gates.rs"]
mod gates;
#[path = "cli/isolation.rs"]
mod isolation;
#[path = "cli/life.rs"]
mod life;
#[path = "cli/notify.rs"]
mod notify;
#[path = "cli/operators.rs"]
mod operators;
#[path = "cli/plan_apply.rs"]
mod plan_apply;
#[path = "cli/populations.rs"]
mod populations;
#[allow(dead_code, reason = "the tests of tickets use the rest of it")]
#[path = "tickets/receiver.rs"]
mod receiver;
#[path = "cli/registers.rs"]
mod registers;
#[path = "cli/rehearse.rs"]
mod rehearse;
#[path = "cli/reports.rs"]
mod reports;
#[path = "cli/roles.rs"]
mod roles;
#[path = "cli/rollback.rs"]
mod rollback;
#[path = "cli/schedule.rs"]
mod schedule;
#[path = "cli/signin.rs"]
mod signin;
#[path = "cli/stale.rs"]
mod stale;
#[path = "cli/status.rs"]
mod status;
#[path = "cli/upgrade.rs"]
mod upgrade;
#[path = "cli/waves.rs"]
mod waves;
#[path = "cli/world.rs"]
mod world;
