//! Floor 2: pure views. A plan, a graph, a timeline as people and programs see them.

pub mod cycle_time;
pub mod events;
pub mod graph_view;
pub mod plan_view;
pub mod provisioning;
pub mod run;
pub mod status;
pub mod timeline;

#[cfg(test)]
mod tests;
