//! The compiled program, driven as its users would: by its command line, against a sandbox that it serves itself.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "cli/rehearse.rs"]
mod rehearse;
#[path = "cli/plan_apply.rs"]
mod plan_apply;
#[path = "cli/world.rs"]
mod world;
