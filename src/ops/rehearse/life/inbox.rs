//! What waits for whom at one moment of a rehearsal, role by role.

use std::collections::{BTreeMap, BTreeSet};

use super::World;
use crate::base::time::Timestamp;
use crate::ops::error::Failure;
use crate::ops::inbox::inbox;
use crate::report::life::{Inbox, InboxLine};

impl World<'_> {
    /// Keeps what every role finds in its inbox now.
    ///
    /// # Errors
    ///
    /// If a log cannot be read.
    pub(super) fn look_into_inboxes(&mut self, moment: &str) -> Result<(), Failure> {
        let now = self.now();
        let waits = inbox(&self.estate.desired, &self.journal, now)?;
        let mut roles: BTreeMap<String, (usize, Timestamp, String)> = BTreeMap::new();
        for wait in waits {
            let at = wait.subject.scope.as_ref().map_or_else(String::new, |scope| format!(" ({scope})"));
            let oldest = format!("{}{at}", wait.asks);
            let line = roles.entry(wait.role.to_string()).or_insert((0, wait.since, oldest.clone()));
            line.0 += 1;
            if wait.since < line.1 {
                (line.1, line.2) = (wait.since, oldest);
            }
        }
        let free: Vec<String> = self
            .cast
            .people()
            .holdings
            .iter()
            .map(|holding| holding.role.to_string())
            .collect::<BTreeSet<String>>()
            .into_iter()
            .filter(|role| !roles.contains_key(role))
            .collect();
        let line = |(role, (waits, since, oldest)): (String, (usize, Timestamp, String))| InboxLine {
            role,
            waits,
            oldest,
            since: self.shown(since),
        };
        let roles = roles.into_iter().map(line).collect();
        self.life.inboxes.push(Inbox { moment: moment.to_owned(), at: self.shown(now), roles, free });
        Ok(())
    }
}
