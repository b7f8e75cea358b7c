//! Holdings.
