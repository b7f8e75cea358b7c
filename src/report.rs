//! Floor 2: pure views. A plan, a graph, a timeline as people and programs see them.

pub mod against_view;
pub mod approvals;
pub mod brief;
pub mod calls_view;
pub mod committee;
pub mod conformance;
pub mod cycle_time;
pub mod drift_view;
pub mod effort;
pub mod events;
pub mod graph_view;
pub mod life;
pub mod milestones;
pub mod pack_view;
pub mod pattern_view;
pub mod phi_flow;
pub mod plan_ninety;
pub mod plan_view;
pub mod provisioning;
pub mod registers;
pub mod roles;
pub mod room_view;
pub mod run;
pub mod status;
pub mod timeline;
pub mod waited;

#[cfg(test)]
mod tests;
