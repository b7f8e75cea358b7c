//! Floor 2: the formats of evidence and the folds over it, as pure functions: signed checkpoints, heads, bundles,
//! their offline verification, and the scanner that keeps secrets and patient data out.

pub mod answer;
pub mod bundle;
pub mod checkpoint;
pub mod control;
pub mod cosignature;
pub mod decisions;
pub mod dsse;
pub mod growth;
pub mod handover;
pub mod heads;
pub mod note;
pub mod origin;
pub mod population;
pub mod question;
pub mod records;
pub mod redaction;
pub mod register;
pub mod retention;
pub mod rights;
pub mod scan;
pub mod sshsig;
pub mod statement;
pub mod tally;
pub mod timestamp;
pub mod tlog_proof;
pub mod verify;
