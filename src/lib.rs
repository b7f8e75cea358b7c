//! Landfall brings the sites of a healthcare organisation onto Databricks, wave by wave.
//!
//! The crate is built in floors; imports go down only, and `tests/house.rs` fails otherwise.
//! See `docs/ARCHITECTURE.md` for the way of data and `docs/GLOSSARY.md` for the words.

pub mod base;
pub mod driver;
pub mod journal;
pub mod model;
pub mod policy;
pub mod render;
pub mod resolve;
pub mod source;
