//! Which event of an audit log is which change of our logs: each event explains at most one change, and each change has at
//! most one event.

use std::collections::{BTreeMap, BTreeSet};

use super::culprit::{fits, paths};
use crate::base::limits::AUDIT_CLOCK_MARGIN;
use crate::base::time::Timestamp;
use crate::model::audit::AuditEvent;
use crate::model::kind::Kind;

/// A change as a log tells it: a call that was sent, and taken.
#[derive(Debug, Clone)]
pub struct Sent<'k> {
    /// The object's kind.
    pub kind: &'k Kind,
    /// The object's id, if the log came to know it.
    pub id: Option<String>,
    /// Before the call.
    pub from: Timestamp,
    /// After its answer.
    pub to: Timestamp,
}

/// For each event, the place of the change that it is; none if it is none of them. Only events of `who` can be. Events
/// must come oldest first.
pub fn explain(events: &[AuditEvent], who: &str, sent: &[Sent<'_>]) -> Vec<Option<usize>> {
    let by_subject = index(events, who);
    let mut explained = vec![None; events.len()];
    let mut order: Vec<usize> = (0..sent.len()).collect();
    order.sort_by_key(|place| (sent[*place].from, *place));
    for place in order {
        let one = &sent[place];
        let paths = paths(one.kind);
        let parts = parts(one);
        let rarest = parts.iter().map(|part| by_subject.get(part).map_or(&[][..], Vec::as_slice));
        let Some(candidates) = rarest.min_by_key(|found| found.len()) else { continue };
        let fitting = candidates.iter().copied().find(|at| {
            let event = &events[*at];
            explained[*at].is_none()
                && is_within(one, event.at)
                && paths.iter().any(|template| fits(template, &event.path))
                && parts.iter().all(|part| speaks_of(event, part))
        });
        if let Some(at) = fitting {
            explained[at] = Some(place);
        }
    }
    explained
}

/// The parts of an id that an event must speak of.
fn parts(sent: &Sent<'_>) -> Vec<String> {
    let id = sent.id.as_deref().unwrap_or_default();
    id.split('/').filter(|part| !part.is_empty()).map(str::to_lowercase).collect()
}

fn speaks_of(event: &AuditEvent, part: &str) -> bool {
    event.subjects.iter().any(|subject| subject.eq_ignore_ascii_case(part))
}

fn is_within(sent: &Sent<'_>, at: Timestamp) -> bool {
    sent.from <= at + AUDIT_CLOCK_MARGIN && at <= sent.to + AUDIT_CLOCK_MARGIN
}

fn index(events: &[AuditEvent], who: &str) -> BTreeMap<String, Vec<usize>> {
    let mut by_subject: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, event) in events.iter().enumerate().filter(|(_, event)| event.who == who) {
        let subjects: BTreeSet<String> = event.subjects.iter().map(|one| one.to_lowercase()).collect();
        for subject in subjects {
            by_subject.entry(subject).or_default().push(at);
        }
    }
    by_subject
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Registry;

    const SCHEMAS: &str = "/api/2.1/unity-catalog/schemas";

    fn event(at: i64, who: &str, path: &str, subjects: &[&str]) -> AuditEvent {
        let subjects = path.split('/').chain(subjects.iter().copied()).map(str::to_owned).collect();
        let (method, workspace) = ("POST".to_owned(), "7".to_owned());
        let (who, path) = (who.to_owned(), path.to_owned());
        AuditEvent { seq: 1, at: Timestamp::from_millis(at), who, method, path, workspace, subjects }
    }

    fn sent(id: Option<&str>, from: i64, to: i64) -> Sent<'static> {
        let kind =
            Registry::standard().get(&"databricks.schema".parse().expect("a kind's name")).expect("a kind");
        let (from, to) = (Timestamp::from_millis(from), Timestamp::from_millis(to));
        Sent { kind, id: id.map(str::to_owned), from, to }
    }

    #[test]
    fn each_event_is_one_change_at_most() {
        let far = i64::try_from(AUDIT_CLOCK_MARGIN.0).expect("a margin of minutes") * 10;
        let events = [
            event(far, "landfall", SCHEMAS, &["Prod.gold"]),
            event(far + 1, "landfall", &format!("{SCHEMAS}/prod.gold"), &[]),
            event(far + 2, "eve", &format!("{SCHEMAS}/prod.gold"), &[]),
            event(far + 3, "landfall", "/api/2.1/unity-catalog/catalogs/prod", &["prod.gold"]),
            event(far + 4, "landfall", &format!("{SCHEMAS}/prod.silver"), &[]),
        ];
        let told = |changes: &[Sent<'_>]| explain(&events, "landfall", changes);
        let both = [sent(Some("prod.gold"), far, far + 1), sent(Some("prod.gold"), far + 1, far + 2)];
        assert_eq!(told(&both), [Some(0), Some(1), None, None, None], "in order, and nobody else's");
        let three = [both[0].clone(), both[1].clone(), sent(Some("prod.gold"), far, far + 9)];
        assert_eq!(told(&three)[2..], [None, None, None], "a third change has no event");
        assert_eq!(told(&[sent(Some("prod.gold"), 0, 1)]), [None; 5], "too early");
        assert_eq!(
            told(&[sent(None, far, far + 9)]),
            [None; 5],
            "of an object without an id nothing can be said"
        );
        assert_eq!(explain(&[], "landfall", &both), []);
    }
}
