//! The audit events of a sandbox. A real account delivers its events to storage and answers no such call.

use serde::Deserialize;

use super::Databricks;
use super::read::{Get, Reading};
use crate::base::id::KindName;
use crate::base::limits::AUDIT_PAGES_MAX;
use crate::base::time::Millis;
use crate::driver::{Answer, AuditSource};
use crate::model::audit::AuditEvent;
use crate::model::outcome::{Cause, CauseClass};
use crate::model::population::{CallRead, PagesEnd};
use crate::pacing::Verb;

const WHAT: &str = "read of audit events";
const PATH: &str = "/__sandbox/audit-events";
/// A kind of the account whose calls are counted as these are.
const COUNTED_AS: &str = "databricks.workspace";

#[derive(Deserialize)]
struct Page {
    events: Vec<AuditEvent>,
    more: bool,
}

impl AuditSource for Databricks {
    fn events(&self, timeout: Millis) -> Answer<'_, Result<Vec<AuditEvent>, Cause>> {
        Box::pin(async move { Ok(self.audit_events(timeout).await?.1) })
    }

    fn proven_events(&self, timeout: Millis) -> Answer<'_, Result<(CallRead, Vec<AuditEvent>), Cause>> {
        Box::pin(self.audit_events(timeout))
    }
}

impl Databricks {
    async fn audit_events(&self, timeout: Millis) -> Result<(CallRead, Vec<AuditEvent>), Cause> {
        let mut all: Vec<AuditEvent> = Vec::new();
        let mut pages = Vec::new();
        let mut end = PagesEnd::Cut { why: "its pages do not end".to_owned() };
        for _ in 0..AUDIT_PAGES_MAX {
            let after = all.last().map_or(0, |event| event.seq);
            let page = self.audit_page(after, timeout).await?;
            let grew = page.events.first().is_some_and(|event| event.seq > after);
            pages.push(u32::try_from(page.events.len()).unwrap_or(u32::MAX));
            all.extend(page.events);
            if !page.more {
                end = whole(&all);
                break;
            }
            if !grew {
                end =
                    PagesEnd::Cut { why: "a page says that there is more and gives nothing new".to_owned() };
                break;
            }
        }
        let (host, call, query) = (self.hosts.account().base, format!("GET {PATH}"), String::new());
        Ok((CallRead { host, call, query, pages, end }, all))
    }

    async fn audit_page(&self, after: u64, timeout: Millis) -> Result<Page, Cause> {
        let kind = self.kind(&KindName::new(COUNTED_AS).expect("the kind's name is spelled as one"))?;
        let reading = Reading { kind, endpoint: self.hosts.account(), timeout, what: WHAT.to_owned() };
        let query = vec![("after".to_owned(), after.to_string())];
        let answer = self.get(&reading, &Get { verb: Verb::List, path: PATH.to_owned(), query }).await?;
        serde_json::from_value(answer).map_err(|_| {
            Cause::new(CauseClass::Garbled, format!("the answer to the {WHAT} is not a page of them"))
        })
    }
}

/// Events are numbered from one without a gap: what is not there was dropped.
fn whole(all: &[AuditEvent]) -> PagesEnd {
    let missing = (1..).zip(all).find(|(number, event)| *number != event.seq);
    match missing {
        None => PagesEnd::Exhausted { proof: "the last page says that there is no more".to_owned() },
        Some((number, _)) => PagesEnd::Cut { why: format!("event {number} is no longer kept") },
    }
}
