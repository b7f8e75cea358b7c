//! Tests of weighing.
