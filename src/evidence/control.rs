//! What a bundle says about each control.

pub use crate::model::control::{ControlRow, ControlStatus, Extent, Missing, Obligation};
