//! What counts, what is new, and what may be accepted.
