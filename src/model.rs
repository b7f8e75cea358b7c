//! Floor 1: the product's nouns as plain, versioned data. Imports `base` only.

pub mod adoption;
pub mod ask;
pub mod calendar;
pub mod control;
pub mod criterion;
pub mod drift;
pub mod entry;
pub mod estate;
pub mod event;
pub mod finding;
pub mod fleet_event;
pub mod holdings;
pub mod kind;
pub mod notify;
pub mod outcome;
pub mod outline;
pub mod pack;
pub mod plan;
pub mod reader;
pub mod reference;
pub mod rendered;
pub mod resolved;
pub mod resource;
pub mod tree;
pub mod wait;
