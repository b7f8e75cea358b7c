//! Tests of the records of changes.
