//! Floor 2: which control is evidenced at which site, folded from logs and the catalogue of controls. Pure.
//!
//! [`Catalogue`] is data: frameworks, their controls, and evidence kinds with the controls that each bears on.
//! [`KindStanding`] is what the logs say about one evidence kind at one moment; [`rows`] turns all of them into one
//! row for each control, from which tables, the score and the OSCAL files are made.

mod catalogue;
mod coverage;
mod fold;
mod kind;
mod matrix;
pub mod oscal;
mod standing;
mod workbook;

pub use crate::model::control::Extent;
pub use catalogue::{Catalogue, Control, Framework};
pub use coverage::{Coverage, coverage};
pub use fold::{History, Observation, Observed, StepOutcome, observe};
pub use kind::{EvidenceKind, Source};
pub use matrix::csv;
pub use standing::{KindStanding, KindState, rows, standings};
pub use workbook::{BadWorkbook, workbook};

#[cfg(test)]
mod tests;
