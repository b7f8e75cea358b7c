//! Floor 1: the product's nouns as plain, versioned data. Imports `base` only.

pub mod entry;
pub mod event;
pub mod finding;
pub mod fleet_event;
pub mod holdings;
pub mod outcome;
pub mod plan;
pub mod resource;
