//! Who changed what: one event for each call that changed something, kept with the state. Real accounts deliver such
//! events to storage; here they are asked for at a path of the sandbox's own.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::answer::{Answer, Outcome, Refusal};
use super::call::Call;
use super::store::Store;
use super::visit::ACCOUNT;
use crate::base::limits::{SANDBOX_AUDIT_EVENTS_MAX, SANDBOX_AUDIT_PAGE, SANDBOX_AUDIT_SUBJECTS_MAX};
use crate::base::time::Timestamp;

/// Where the events are kept.
pub(super) const COLLECTION: &str = "audit_events";

/// Longest text that can name an object; longer ones are contents.
const SUBJECT_BYTES_MAX: usize = 256;

/// Keeps what a call did, as part of the call's own transaction.
pub(super) fn record(
    store: &mut Store,
    now: Timestamp,
    caller: &str,
    call: &Call,
    done: &Answer,
    workspace: &str,
) {
    let last = store.last_key(COLLECTION, ACCOUNT).and_then(|key| key.parse::<u64>().ok());
    let seq = last.map_or(1, |last| last + 1);
    let mut subjects: BTreeSet<String> = call.segments.iter().cloned().collect();
    let body = serde_json::from_slice(&call.body).unwrap_or(Value::Null);
    texts(&body, &mut subjects);
    texts(done.body.as_ref().unwrap_or(&Value::Null), &mut subjects);
    let event = json!({
        "seq": seq, "at": now, "who": caller, "method": call.method, "path": call.path,
        "workspace": workspace, "subjects": subjects,
    });
    store.put(COLLECTION, ACCOUNT, &key(seq), event);
    if let Some(old) = seq.checked_sub(SANDBOX_AUDIT_EVENTS_MAX) {
        store.remove(COLLECTION, ACCOUNT, &key(old));
    }
}

/// Keys sort as numbers do.
fn key(seq: u64) -> String {
    format!("{seq:020}")
}

/// Everything short that may be an id or a name.
fn texts(value: &Value, found: &mut BTreeSet<String>) {
    if found.len() >= SANDBOX_AUDIT_SUBJECTS_MAX {
        return;
    }
    match value {
        Value::String(text) if text.len() <= SUBJECT_BYTES_MAX => drop(found.insert(text.clone())),
        Value::Number(number) => drop(found.insert(number.to_string())),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(map) => map.values().for_each(|item| texts(item, found)),
        Value::String(_) | Value::Bool(_) | Value::Null => {}
    }
}

/// A page of events, oldest first; `after` is the last number that is known already.
pub(super) fn serve(store: &Store, call: &Call) -> Outcome {
    let after = match call.query.get("after").map(|text| text.parse::<u64>()) {
        None => 0,
        Some(Ok(after)) => after,
        Some(Err(_)) => return Err(Refusal::invalid("after is the number of an event")),
    };
    let later = store.rows(COLLECTION, ACCOUNT).filter(|(at, _)| at.as_str() > key(after).as_str());
    let events: Vec<Value> = later.take(SANDBOX_AUDIT_PAGE + 1).map(|(_, event)| event.clone()).collect();
    let more = events.len() > SANDBOX_AUDIT_PAGE;
    let page: Vec<Value> = events.into_iter().take(SANDBOX_AUDIT_PAGE).collect();
    Answer::ok(json!({ "events": page, "more": more }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(store: &Store, query: &str) -> Result<Value, u16> {
        let call = Call::new("GET", "/__sandbox/audit-events", query).expect("a path");
        serve(store, &call).map(|answer| answer.body.expect("a body")).map_err(|refusal| refusal.status)
    }

    #[test]
    fn events_come_in_pages_and_a_number_that_is_none_is_refused() {
        let mut store = Store::default();
        let mut call = Call::new("POST", "/api/2.1/unity-catalog/schemas", "").expect("a path");
        call.body = format!("{{\"name\":\"gold\",\"comment\":\"{}\"}}", "x".repeat(10_000)).into_bytes();
        let done =
            Answer { status: 200, body: Some(json!({ "full_name": "prod.gold", "list": vec!["a"; 500] })) };
        for _ in 0..=SANDBOX_AUDIT_PAGE {
            record(&mut store, Timestamp::from_millis(7), "eve", &call, &done, "W");
        }
        let first = events(&store, "").expect("a page");
        assert_eq!(
            (first["events"].as_array().expect("a list").len(), &first["more"]),
            (SANDBOX_AUDIT_PAGE, &json!(true))
        );
        let event = &first["events"][0];
        assert_eq!(
            (&event["seq"], &event["who"], &event["workspace"]),
            (&json!(1), &json!("eve"), &json!("W"))
        );
        let subjects = event["subjects"].to_string();
        assert!(
            subjects.contains("prod.gold") && !subjects.contains("xxx"),
            "names, no contents: {subjects}"
        );
        let last = events(&store, &format!("after={SANDBOX_AUDIT_PAGE}")).expect("a page");
        assert_eq!((last["events"].as_array().expect("a list").len(), &last["more"]), (1, &json!(false)));
        assert_eq!(events(&store, "after=99999999").expect("a page")["events"], json!([]));
        for odd in ["after=x", "after=-1", "after=99999999999999999999999"] {
            assert_eq!(events(&store, odd), Err(400), "{odd}");
        }
    }
}
