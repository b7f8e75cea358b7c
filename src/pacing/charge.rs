//! What calls are charged to.
//!
//! What the engine has decided to send is sent: its intent is in the log and its deadline runs. So the waiting is done
//! before: a look that may lead to a call goes out only when the call could follow at once, and pays for both.

use super::{Lane, Rates, Verb};
use crate::base::id::KindName;
use crate::model::finding::NextCall;
use crate::model::plan::Operation;

/// One object as its lanes see it.
#[derive(Debug, Clone, Copy)]
pub struct Charge<'c> {
    /// The published rates.
    pub rates: &'c Rates,
    /// The host that its calls go to; none while that is not known, and then nothing is sent.
    pub host: Option<&'c str>,
    /// Its kind.
    pub kind: &'c KindName,
}

impl Charge<'_> {
    /// The lane of a call.
    pub fn lane(&self, verb: Verb) -> Option<Lane> {
        Some(Lane { host: self.host?.to_owned(), family: self.rates.family(self.kind, verb) })
    }

    /// The lane of a read. An object without a known id is looked for by its natural key, which takes a list call.
    pub fn read(&self, has_id: bool) -> Option<Lane> {
        self.lane(reads(has_id))
    }

    /// The lanes of a look, and of the call that may follow at once.
    pub fn look(&self, has_id: bool, then: Option<Operation>) -> (Vec<Lane>, bool) {
        let write = then.and_then(first_verb).and_then(|verb| self.lane(verb));
        let pays = write.is_some();
        (self.read(has_id).into_iter().chain(write).collect(), pays)
    }
}

/// How an object is read.
pub fn reads(has_id: bool) -> Verb {
    if has_id { Verb::Read } else { Verb::List }
}

/// What a mutating call does.
pub fn verb_of(call: NextCall) -> Verb {
    match call {
        NextCall::Create => Verb::Create,
        NextCall::Update => Verb::Update,
        NextCall::Delete => Verb::Delete,
    }
}

/// The call that a step sends first.
pub fn first_verb(operation: Operation) -> Option<Verb> {
    match operation {
        Operation::None => None,
        Operation::Create => Some(Verb::Create),
        Operation::Update => Some(Verb::Update),
        Operation::Replace | Operation::Delete => Some(Verb::Delete),
    }
}
