//! Services that answer as items expect: in a rehearsal nothing real is looked at.

use serde_json::{Value, json};

use crate::base::limits::DAY;
use crate::base::time::{Millis, Timestamp};
use crate::model::checklist::{Item, Validator};
use crate::model::resource::Expectation;
use crate::probe::scripted::Scripted;
use crate::validate::findings::{Certificate, HttpAnswer};

/// Answers for everything that items look at.
pub(super) fn fitting(items: &[Item], now: Timestamp) -> Scripted {
    let mut scripted = Scripted::default();
    for validator in items.iter().flat_map(|item| &item.validate) {
        put(&mut scripted, validator, now);
    }
    scripted
}

fn put(scripted: &mut Scripted, validator: &Validator, now: Timestamp) {
    match validator {
        Validator::Http { url, status, expect } => {
            let answer = HttpAnswer { status: *status, body: Some(body(expect)) };
            scripted.http.insert(url.clone(), Ok(answer));
        }
        Validator::Dns { name, within } => {
            let address = within.split('/').next().unwrap_or_default().to_owned();
            scripted.dns.insert(name.clone(), Ok(vec![address]));
        }
        Validator::Tls { host, port, valid_days } => {
            let until = now + Millis(DAY.0.saturating_mul(u64::from(*valid_days) + 1));
            let shown = Certificate { until, untrusted: None };
            scripted.tls.insert((host.clone(), *port), Ok(shown));
        }
        Validator::Attest(_)
        | Validator::Facts { .. }
        | Validator::Record(_)
        | Validator::Read(_)
        | Validator::Rule { .. }
        | Validator::Dominates { .. }
        | Validator::Scim { .. }
        | Validator::Metric { .. }
        | Validator::Date { .. } => {}
    }
}

/// A body that says what is expected, as far as its pointers lead through objects.
fn body(expect: &[Expectation]) -> Value {
    let mut body = json!({});
    for one in expect.iter().filter(|one| one.present != Some(false)) {
        let first = one.one_of.as_ref().and_then(|all| all.first());
        let value = one.equals.as_ref().or(first).cloned().unwrap_or_else(|| json!("rehearsed"));
        let mut place = &mut body;
        for part in one.at.split('/').skip(1) {
            if !place.is_object() {
                *place = json!({});
            }
            place = &mut place[part.replace("~1", "/").replace("~0", "~").as_str()];
        }
        *place = value;
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_answer_as_they_are_expected_to() {
        let validators: Vec<Validator> = serde_json::from_value(json!([
            { "http": { "url": "https://here.example/ready", "status": 200,
                "expect": [{ "at": "/state/word", "equals": "up" }, { "at": "/gone", "present": false }] } },
            { "dns": { "name": "here.example", "within": "10.0.0.0/8" } },
            { "tls": { "host": "here.example", "port": 443, "valid_days": 30 } },
        ]))
        .expect("validators");
        let mut scripted = Scripted::default();
        validators.iter().for_each(|one| put(&mut scripted, one, Timestamp::from_millis(0)));
        let http = scripted.http["https://here.example/ready"].clone().expect("an answer");
        assert_eq!((http.status, http.body), (200, Some(json!({ "state": { "word": "up" } }))));
        assert_eq!(scripted.dns["here.example"], Ok(vec!["10.0.0.0".to_owned()]));
        let shown = scripted.tls[&("here.example".to_owned(), 443)].clone().expect("a certificate");
        assert!(
            shown.until.since(Timestamp::from_millis(0)) > Millis(DAY.0 * 30) && shown.untrusted.is_none()
        );
    }
}
