//! Floor 1: the product's nouns as plain, versioned data. Imports `base` only.

pub mod entry;
pub mod kind;
pub mod outcome;
pub mod plan;
pub mod resource;
