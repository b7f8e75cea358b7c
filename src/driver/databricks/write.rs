//! Changing: exactly one mutating call, sent at most once.

use serde_json::Value;

use super::error::{cause_of, garbled, retry_after_of};
use super::http::{Deadline, HttpAnswer, Reply, Request};
use super::read::bad_address;
use super::{Databricks, SignIn};
use crate::base::time::Millis;
use crate::driver::{Call, Change};
use crate::kind::{self, Address};
use crate::model::kind::{Kind, Method, Role, UpdateStyle};
use crate::model::outcome::{ApplyOutcome, Cause, CauseClass};

/// A call that is ready to be sent.
struct Prepared {
    verb: &'static str,
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    body: Option<Value>,
}

impl Databricks {
    pub(super) async fn apply_one(&self, change: &Change, timeout: Millis) -> Result<ApplyOutcome, Cause> {
        let deadline = Deadline::after(timeout);
        let target = &change.target;
        let kind = self.kind(&target.kind)?;
        let endpoint = self.endpoint(kind, &target.place)?;
        let prepared = self.prepare(kind, change)?;
        let what = format!("{} of {}", prepared.verb, kind.name);
        let request = Request {
            method: method(prepared.method),
            url: format!("{}{}", endpoint.base, prepared.path),
            query: prepared.query,
            body: prepared.body,
        };
        let sent = match self.send(&endpoint, request, deadline).await {
            Ok(sent) => sent,
            Err(sign_in) => return Ok(not_signed_in(sign_in)),
        };
        Ok(match sent.reply {
            Reply::NotSent(why) => {
                let cause = Cause::new(CauseClass::Busy, format!("{what} was not sent: {why}"));
                ApplyOutcome::Busy { retry_after: None, cause }
            }
            Reply::Lost(why) => ApplyOutcome::NoAnswer(Cause::new(
                CauseClass::NoAnswer,
                format!("{what} had no answer: {why}"),
            )),
            Reply::Answer(answer) if (200..300).contains(&answer.status) => {
                done(kind, change, &what, &answer)
            }
            Reply::Answer(answer) => refused(kind, change, &what, &answer, sent.was_cached),
        })
    }

    fn prepare(&self, kind: &Kind, change: &Change) -> Result<Prepared, Cause> {
        let target = &change.target;
        match &change.call {
            Call::Create => self.prepare_create(kind, &target.spec, &change.key),
            Call::Update { changes, live } => {
                let id = known_id(kind, target.id.as_ref(), &target.spec, live);
                let update = kind.calls.update.as_ref().ok_or_else(|| no_call(kind, "update"))?;
                let address = self.address(id.as_deref(), &target.spec);
                let mut query = kind::expand_query(&update.query, &address).map_err(bad_address)?;
                if update.style == UpdateStyle::Mask {
                    query.push(("update_mask".to_owned(), kind::update_mask(changes)));
                }
                let body = kind::update_body(kind, &target.spec, changes, live);
                let path = kind::expand_path(&update.path, &address).map_err(bad_address)?;
                Ok(Prepared { verb: "update", method: update.method, path, query, body: Some(body) })
            }
            Call::Delete { live } => {
                let id = known_id(kind, target.id.as_ref(), &target.spec, live);
                let delete = kind.calls.delete.as_ref().ok_or_else(|| no_call(kind, "delete"))?;
                let spec = as_it_is(kind, &target.spec, live);
                let address: Address<'_> = self.address(id.as_deref(), &spec);
                Ok(Prepared {
                    verb: "delete",
                    method: delete.method,
                    path: kind::expand_path(&delete.path, &address).map_err(bad_address)?,
                    query: kind::expand_query(&delete.query, &address).map_err(bad_address)?,
                    body: kind::delete_body(kind, &address, live).map_err(bad_address)?,
                })
            }
        }
    }

    fn prepare_create(&self, kind: &Kind, spec: &Value, key: &str) -> Result<Prepared, Cause> {
        let create = kind.calls.create.as_ref().ok_or_else(|| no_call(kind, "create"))?;
        let address = self.address(None, spec);
        Ok(Prepared {
            verb: "create",
            method: create.method,
            path: kind::expand_path(&create.path, &address).map_err(bad_address)?,
            query: kind::expand_query(&create.query, &address).map_err(bad_address)?,
            body: Some(kind::create_body(kind, &address, key).map_err(bad_address)?),
        })
    }
}

fn method(method: Method) -> reqwest::Method {
    match method {
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Patch => reqwest::Method::PATCH,
        Method::Delete => reqwest::Method::DELETE,
    }
}

fn no_call(kind: &Kind, verb: &str) -> Cause {
    Cause::new(CauseClass::BadRequest, format!("{} has no {verb} call", kind.name))
}

fn known_id(kind: &Kind, id: Option<&String>, spec: &Value, live: &Value) -> Option<String> {
    let known = id.cloned().or_else(|| kind::id_of(kind, spec, Some(live)));
    known.filter(|id| kind.id.live.is_none() || kind::is_sane_id(id))
}

/// The address of what is there now: before a replacement, the spec already names what will be there.
fn as_it_is(kind: &Kind, spec: &Value, live: &Value) -> Value {
    let mut spec = spec.clone();
    for (name, field) in
        kind.fields_below("").filter(|(_, field)| field.role == Role::Managed && field.replace)
    {
        if let (Some(map), Some(value)) = (spec.as_object_mut(), live.get(name).filter(|v| !v.is_null())) {
            map.insert(field.at.trim_start_matches('/').to_owned(), value.clone());
        }
    }
    spec
}

fn not_signed_in(sign_in: SignIn) -> ApplyOutcome {
    if sign_in.cause.class == CauseClass::Unauthenticated {
        return ApplyOutcome::Refused(sign_in.cause);
    }
    // The call itself was never sent.
    ApplyOutcome::Busy { retry_after: sign_in.retry_after, cause: sign_in.cause }
}

fn done(kind: &Kind, change: &Change, what: &str, answer: &HttpAnswer) -> ApplyOutcome {
    let create = match &change.call {
        Call::Create => kind.calls.create.as_ref(),
        Call::Update { .. } | Call::Delete { .. } => {
            return ApplyOutcome::Done { id: change.target.id.clone() };
        }
    };
    let Some(object) = answer.json().filter(Value::is_object) else {
        // It was carried out, but nobody knows what it made: the engine looks for it.
        let why =
            if answer.body.is_none() { "its body is larger than the limit" } else { "its body is not JSON" };
        return ApplyOutcome::NoAnswer(garbled(what, answer, why));
    };
    let unwrap = create.and_then(|create| create.unwrap.as_deref());
    let live = kind::answered(kind, &change.target.spec, object, unwrap, None);
    let id = kind::id_of(kind, &change.target.spec, Some(&live));
    if kind.id.live.is_some() && id.as_deref().is_some_and(|id| !kind::is_sane_id(id)) {
        return ApplyOutcome::NoAnswer(garbled(what, answer, "it holds an id that cannot be one"));
    }
    ApplyOutcome::Done { id }
}

fn refused(kind: &Kind, change: &Change, what: &str, answer: &HttpAnswer, was_cached: bool) -> ApplyOutcome {
    let cause = cause_of(what, answer);
    let busy = |cause| ApplyOutcome::Busy { retry_after: retry_after_of(answer), cause };
    let is_delete = matches!(change.call, Call::Delete { .. });
    if is_delete
        && (cause.class == CauseClass::NotFound || cause.code.as_deref() == Some("MANAGED_BY_PARENT"))
    {
        return ApplyOutcome::Done { id: change.target.id.clone() };
    }
    let guarded = kind.calls.update.as_ref().is_some_and(|update| update.style == UpdateStyle::Etag);
    match cause.class {
        CauseClass::Busy => busy(cause),
        // The service turned it away at the door; the next try signs in anew.
        CauseClass::Unauthenticated if was_cached => busy(cause),
        // A stale etag: somebody else was first, so look again.
        CauseClass::Conflict if guarded => busy(cause),
        CauseClass::Internal | CauseClass::NoAnswer => ApplyOutcome::NoAnswer(cause),
        CauseClass::BadRequest if answer.status == 408 => ApplyOutcome::NoAnswer(cause),
        CauseClass::BadRequest
        | CauseClass::Unauthenticated
        | CauseClass::PermissionDenied
        | CauseClass::NotFound
        | CauseClass::Conflict
        | CauseClass::Quota
        | CauseClass::NotImplemented
        | CauseClass::Garbled
        | CauseClass::BadState
        | CauseClass::NotHeld
        | CauseClass::Foreign
        | CauseClass::Stale
        | CauseClass::Expectation
        | CauseClass::Exhausted
        | CauseClass::Shut => ApplyOutcome::Refused(cause),
    }
}
