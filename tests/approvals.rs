//! Approvals over the compiled program: nothing is launched without what the plan needs, and nothing gets around it.

#![allow(clippy::unwrap_used, dead_code, reason = "helpers of tests")]

#[path = "approvals/bytes.rs"]
mod bytes;
#[path = "approvals/electronic.rs"]
mod electronic;
#[path = "approvals/gates.rs"]
mod gates;
#[path = "approvals/keys.rs"]
mod keys;
#[path = "cli/world.rs"]
mod world;
