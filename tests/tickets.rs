//! Tickets: systems on this machine are read and written to, well-behaved ones and others; and launches are held against
//! what they say.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "tickets/launches.rs"]
mod launches;
#[path = "tickets/receiver.rs"]
mod receiver;
#[path = "tickets/systems.rs"]
mod systems;
