//! Floor 2: what counts as drift, and what is known of it already. Pure: live objects and logs come in as values.
//!
//! What is compared is what our logs say we hold, never what a template says: a template that has changed since is
//! the business of `plan`.

mod accept;
mod compare;
mod culprit;
mod explained;
mod standing;
#[cfg(test)]
mod tests;

pub use accept::{BadAcceptance, Wish, accepted};
pub use compare::{Compared, Held, compare, unmanaged};
pub use culprit::culprit;
pub use explained::{Sent, explain};
pub use standing::{BadDrift, News, Standings};
