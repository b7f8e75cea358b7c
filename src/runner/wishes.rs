//! What others want of the launch that runs here: wishes are decided like everything else, and taken away afterwards.

use super::RunnerError;
use super::running::Running;
use crate::base::id::ScopeId;
use crate::fleet;
use crate::model::ask::{Ask, Wish};
use crate::model::fleet_event::SkipReason;

impl Running<'_> {
    /// Decides the wishes that were left: at every turn on a virtual clock, every few seconds on a real one.
    pub(super) fn look_at_asks(&mut self) -> Result<(), RunnerError> {
        if self.clock.is_real() && self.now() < self.asks_at {
            return Ok(());
        }
        self.asks_at = self.next_asks();
        for (number, ask) in self.ledger.asks()? {
            match self.try_fleet_input(input(&ask)) {
                Ok(true) => {}
                // A wish that was decided just before a crash, or one for what is so already.
                Ok(false) => self.ledger.note(self.now(), format!("{} changes nothing", words(&ask))),
                Err(refusal) => {
                    let why = refusal.to_string();
                    self.ledger.refused(self.now(), ask, why);
                }
            }
            self.ledger.answered(number);
        }
        Ok(())
    }
}

fn input(ask: &Ask) -> fleet::Input {
    let Ask { by, reason, wish, .. } = ask.clone();
    match wish {
        Wish::Pause => fleet::Input::PauseAsked { by, reason },
        Wish::Resume => fleet::Input::ResumeAsked { by, reason },
        Wish::Abort => fleet::Input::AbortAsked { by, reason },
        Wish::Skip(site) => {
            let why = SkipReason::Person { by: by.id.clone(), reason };
            fleet::Input::SkipAsked { scope: ScopeId::Site(site), why, by }
        }
        Wish::Retry(sites) => {
            fleet::Input::RetryAsked { scopes: sites.into_iter().map(ScopeId::Site).collect(), by, reason }
        }
    }
}

/// A wish in words.
pub fn words(ask: &Ask) -> String {
    let what = match &ask.wish {
        Wish::Pause => "to pause".to_owned(),
        Wish::Resume => "to go on".to_owned(),
        Wish::Abort => "to call it off".to_owned(),
        Wish::Skip(site) => format!("to skip {site}"),
        Wish::Retry(sites) if sites.is_empty() => "to try what failed again".to_owned(),
        Wish::Retry(sites) => {
            let sites: Vec<&str> = sites.iter().map(|site| site.as_str()).collect();
            format!("to try {} again", sites.join(", "))
        }
    };
    format!("the wish of {} {what}", ask.by.id)
}
