//! Floor 2: which control is evidenced at which site, folded from logs and the catalogue of controls. Pure.
//!
//! [`Catalogue`] is data: frameworks, their controls, and evidence kinds with the controls that each bears on.
//! [`KindStanding`] is what the logs say about one evidence kind at one moment; [`rows`] turns all of them into one
//! row for each control, from which tables, the score and the OSCAL files are made.

mod catalogue;
mod coverage;
mod crosswalk;
mod feed;
mod fold;
mod kind;
mod matrix;
pub mod oscal;
mod own;
mod row;
mod said;
mod score;
mod selector;
mod set;
mod standing;
mod workbook;

pub use crate::model::control::Extent;
pub use catalogue::{Catalogue, Control, Framework};
pub use coverage::{Coverage, Gap, coverage};
pub use crosswalk::{Crossing, crosswalk};
pub use feed::Feed;
pub use fold::{History, Observation, Observed, Signal, StepOutcome, observe, observe_with};
pub use kind::{EvidenceKind, Source};
pub use matrix::csv;
pub use own::{BadOwnControls, OWN_CONTROLS_FILE, OwnControls};
pub use row::{Beside, rows, rows_with};
pub use score::{KindLine, Share, share, themes};
pub use selector::{BadSelector, Selector};
pub use standing::{KindStanding, KindState, standings};
pub use workbook::{BadWorkbook, workbook};

#[cfg(test)]
mod tests;
