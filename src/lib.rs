//! Landfall brings the sites of a healthcare organisation onto Databricks, wave by wave.
//!
//! The crate is built in floors; imports go down only, and `tests/house.rs` fails otherwise.
//! See `docs/ARCHITECTURE.md` for the way of data and `docs/GLOSSARY.md` for the words.

pub mod access;
pub mod approval;
pub mod base;
pub mod change;
pub mod checklist;
pub mod cli;
pub mod controls;
pub mod document;
pub mod drift;
pub mod driver;
pub mod engine;
pub mod entropy;
pub mod evidence;
pub mod facts;
pub mod fleet;
pub mod forecast;
pub mod gate;
pub mod journal;
pub mod kind;
pub mod merkle;
pub mod model;
pub mod notice;
pub mod notify;
pub mod ops;
pub mod pacing;
pub mod pattern;
pub mod people;
pub mod persona;
pub mod plan;
pub mod policy;
pub mod post;
pub mod probe;
pub mod quota;
pub mod release;
pub mod render;
pub mod report;
pub mod resolve;
pub mod runner;
pub mod sandbox;
pub mod signer;
pub mod source;
pub mod ticket;
pub mod timestamp;
pub mod validate;
