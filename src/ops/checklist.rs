//! Checklists: what is asked at each scope, and carrying out what a program can.

pub mod run;
