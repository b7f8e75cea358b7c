//! Reading: one object by id or by natural key, or all objects of a kind. Always safe, so it may be repeated.

use serde_json::{Value, json};

use super::error::{cause_of, etag_of, garbled, retry_after_of};
use super::host::Endpoint;
use super::http::{Deadline, HttpAnswer, Reply, Request};
use super::{Databricks, Sent, SignIn};
use crate::base::id::KindName;
use crate::base::limits::{LIST_ITEMS_MAX, LIST_PAGES_MAX};
use crate::base::time::Millis;
use crate::driver::patience::{Outgoing, Unread};
use crate::driver::{Listing, Place, Target};
use crate::kind;
use crate::model::kind::{Kind, List, Paging, Read, UpdateStyle};
use crate::model::outcome::{Cause, CauseClass, Observation};
use crate::pacing::Verb;

/// Items of one SCIM page.
const SCIM_COUNT: usize = 1_000;

/// Where a read stands: the kind, where its calls go, and how long each of them may take.
pub(super) struct Reading<'a> {
    pub(super) kind: &'a Kind,
    pub(super) endpoint: Endpoint,
    pub(super) timeout: Millis,
    pub(super) what: String,
}

/// One GET.
pub(super) struct Get {
    pub(super) verb: Verb,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
}

impl Databricks {
    pub(super) async fn observe_one(&self, target: &Target, timeout: Millis) -> Result<Observation, Cause> {
        let kind = self.kind(&target.kind)?;
        let endpoint = self.endpoint(kind, &target.place)?;
        let reading = Reading { kind, endpoint, timeout, what: format!("read of {}", kind.name) };
        let id = target.id.clone().or_else(|| kind::id_of(kind, &target.spec, None));
        match (&kind.calls.read, &id) {
            (Some(read), Some(id)) => self.read_one(&reading, read, &target.spec, id).await,
            _ => self.find(&reading, &target.spec).await,
        }
    }

    async fn read_one(
        &self,
        reading: &Reading<'_>,
        read: &Read,
        spec: &Value,
        id: &str,
    ) -> Result<Observation, Cause> {
        let address = self.address(Some(id), spec);
        let get = Get {
            verb: Verb::Read,
            path: kind::expand_path(&read.path, &address).map_err(bad_address)?,
            query: kind::expand_query(&read.query, &address).map_err(bad_address)?,
        };
        let answer = match &read.pages {
            Some(at) => self.get_pages(reading, get, at).await,
            None => self.get(reading, &get).await,
        };
        let Some(answer) = absent_if_not_found(answer)? else { return Ok(Observation::Absent) };
        let live = kind::answered(reading.kind, spec, answer, read.unwrap.as_deref(), read.nest.as_ref());
        present(reading, spec, live, Some(id))
    }

    /// Looks for the object by its natural key.
    async fn find(&self, reading: &Reading<'_>, spec: &Value) -> Result<Observation, Cause> {
        let kind = reading.kind;
        let unknown =
            || Cause::new(CauseClass::BadRequest, format!("the natural key of {} is not known", kind.name));
        let key = kind::natural_key(kind, spec).ok_or_else(unknown)?;
        let list = kind.calls.list.as_ref().ok_or_else(unknown)?;
        let items = match self.list_items(reading, list, spec, true).await {
            Ok(items) => items,
            Err(cause) if cause.class == CauseClass::NotFound => return Ok(Observation::Absent),
            Err(cause) => return Err(cause),
        };
        let mut matching = Vec::new();
        for item in items {
            let live = kind::answered(kind, spec, item, None, None);
            let shown = kind::key_inside(kind, spec, &live);
            let own = shown.and_then(|shown| kind::natural_key(kind, &shown));
            if own.as_deref() == Some(key.as_str()) {
                matching.push(live);
            }
        }
        let Some(live) = the_one(kind, matching)? else { return Ok(Observation::Absent) };
        match (&kind.calls.read, kind::id_of(kind, spec, Some(&live))) {
            (Some(read), Some(id)) if !list.leaves_out.is_empty() => {
                check_id(reading, &id)?;
                self.read_one(reading, read, spec, &id).await
            }
            _ => present(reading, spec, live, None),
        }
    }

    pub(super) async fn list_all(
        &self,
        name: &KindName,
        place: &Place,
        timeout: Millis,
    ) -> Result<Listing, Cause> {
        let kind = self.kind(name)?;
        let Some(list) = kind.calls.list.as_ref().filter(|_| kind::listable(kind)) else {
            return Ok(Listing::Unsupported);
        };
        let endpoint = self.endpoint(kind, place)?;
        let reading = Reading { kind, endpoint, timeout, what: format!("list of {}", kind.name) };
        match self.list_items(&reading, list, &Value::Null, false).await {
            Ok(items) => Ok(Listing::Complete(items)),
            Err(cause) if cause.class == CauseClass::NotImplemented => Ok(Listing::Unsupported),
            Err(cause) => Err(cause),
        }
    }

    pub(super) async fn list_within(
        &self,
        name: &KindName,
        place: &Place,
        outer: &Value,
        timeout: Millis,
    ) -> Result<Listing, Cause> {
        let kind = self.kind(name)?;
        let Some(list) = &kind.calls.list else { return Ok(Listing::Unsupported) };
        let endpoint = self.endpoint(kind, place)?;
        let reading = Reading { kind, endpoint, timeout, what: format!("list of {}", kind.name) };
        self.list_items(&reading, list, outer, false).await.map(Listing::Complete)
    }

    /// Users and service principals of the account. What else is known of them stays where it is.
    pub(super) async fn list_principals(&self, timeout: Millis) -> Result<Listing, Cause> {
        let kind =
            self.kind(&KindName::new("databricks.group").expect("the kind's name is spelled as one"))?;
        let mut all = Vec::new();
        for (path, what) in [("Users", "list of users"), ("ServicePrincipals", "list of service principals")]
        {
            let endpoint = self.endpoint(kind, &Place::Account)?;
            let reading = Reading { kind, endpoint, timeout, what: what.to_owned() };
            let path = format!("/api/2.0/accounts/{}/scim/v2/{path}", self.account_id);
            let get = Get { verb: Verb::List, path, query: Vec::new() };
            let items = self.scim_items(&reading, get, "/Resources").await?;
            all.extend(
                items.iter().map(|item| json!({ "id": item.get("id"), "active": item.get("active") })),
            );
        }
        Ok(Listing::Complete(all))
    }

    async fn list_items(
        &self,
        reading: &Reading<'_>,
        list: &List,
        spec: &Value,
        finds_one: bool,
    ) -> Result<Vec<Value>, Cause> {
        let address = self.address(None, spec);
        let mut query = kind::expand_query(&list.query, &address).map_err(bad_address)?;
        if finds_one {
            query.extend(kind::expand_query(&list.find, &address).map_err(bad_address)?);
        }
        let path = kind::expand_path(&list.path, &address).map_err(bad_address)?;
        let get = Get { verb: Verb::List, path, query };
        match list.paging {
            Paging::None | Paging::Array => items_at(self.get(reading, &get).await?, &list.items)
                .ok_or_else(|| garbled_list(reading, "is not a list")),
            Paging::Token => {
                let whole = self.get_pages(reading, get, &list.items).await?;
                items_at(whole, &list.items).ok_or_else(|| garbled_list(reading, "is not a list"))
            }
            Paging::Scim => self.scim_items(reading, get, &list.items).await,
        }
    }

    /// All pages of a list with tokens, as the first answer with all items in it. A page may be empty and still
    /// have a successor.
    async fn get_pages(&self, reading: &Reading<'_>, mut get: Get, at: &str) -> Result<Value, Cause> {
        let mut whole: Option<Value> = None;
        let mut items: Vec<Value> = Vec::new();
        let own_query = get.query.len();
        let mut last_token = String::new();
        for _ in 0..LIST_PAGES_MAX {
            let mut page = self.get(reading, &get).await?;
            let more = page.pointer_mut(at).map(Value::take).unwrap_or_default();
            match more {
                Value::Array(more) => items.extend(more),
                Value::Null => {}
                _ => return Err(garbled_list(reading, "is not a list")),
            }
            check_size(reading, items.len())?;
            let token = page.get("next_page_token").and_then(Value::as_str).unwrap_or_default().to_owned();
            let whole = whole.get_or_insert(page);
            if token.is_empty() {
                crate::base::pointer::set(whole, at, Value::Array(items));
                return Ok(whole.take());
            }
            if token == last_token {
                return Err(garbled_list(reading, "names the same next page again"));
            }
            get.query.truncate(own_query);
            get.query.push(("page_token".to_owned(), token.clone()));
            last_token = token;
        }
        Err(garbled_list(reading, "does not end"))
    }

    async fn scim_items(&self, reading: &Reading<'_>, mut get: Get, at: &str) -> Result<Vec<Value>, Cause> {
        let mut items: Vec<Value> = Vec::new();
        let own_query = get.query.len();
        for _ in 0..LIST_PAGES_MAX {
            get.query.truncate(own_query);
            get.query.push(("startIndex".to_owned(), (items.len() + 1).to_string()));
            get.query.push(("count".to_owned(), SCIM_COUNT.to_string()));
            let page = self.get(reading, &get).await?;
            let total = page.get("totalResults").and_then(Value::as_u64);
            let more = items_at(page, at).ok_or_else(|| garbled_list(reading, "is not a list"))?;
            let is_last = more.is_empty();
            items.extend(more);
            check_size(reading, items.len())?;
            if is_last || total.is_some_and(|total| items.len() as u64 >= total) {
                return Ok(items);
            }
        }
        Err(garbled_list(reading, "does not end"))
    }

    /// One GET, sent again for as long as the patience of this driver lasts.
    pub(super) async fn get(&self, reading: &Reading<'_>, get: &Get) -> Result<Value, Cause> {
        let Some(patience) = &self.patience else {
            return self.get_now(reading, get).await.map_err(|unread| unread.cause);
        };
        let mut read = reading.outgoing(get);
        loop {
            patience.admit(&read).await;
            read.tries += 1;
            match self.get_now(reading, get).await {
                Ok(answer) => {
                    patience.answered(&read);
                    return Ok(answer);
                }
                Err(unread) => patience.failed(&mut read, unread).await?,
            }
        }
    }

    /// One GET. A 401 to a token that had been used before is answered with a new token and the same read again.
    async fn get_now(&self, reading: &Reading<'_>, get: &Get) -> Result<Value, Unread> {
        let mut sent = self.get_once(reading, get).await?;
        if sent.was_cached && matches!(&sent.reply, Reply::Answer(answer) if answer.status == 401) {
            sent = self.get_once(reading, get).await?;
        }
        match sent.reply {
            Reply::NotSent(why) => {
                Err(Cause::new(CauseClass::Busy, format!("{} was not sent: {why}", reading.what)).into())
            }
            Reply::Lost(why) => {
                Err(Cause::new(CauseClass::NoAnswer, format!("{} had no answer: {why}", reading.what)).into())
            }
            Reply::Answer(answer) => understood(reading, &answer)
                .map_err(|cause| Unread { cause, retry_after: retry_after_of(&answer) }),
        }
    }

    async fn get_once(&self, reading: &Reading<'_>, get: &Get) -> Result<Sent, Unread> {
        let request = Request {
            method: reqwest::Method::GET,
            url: format!("{}{}", reading.endpoint.base, get.path),
            query: get.query.clone(),
            body: None,
        };
        let deadline = Deadline::after(reading.timeout);
        let unread = |SignIn { cause, retry_after }| Unread { cause, retry_after };
        self.send(&reading.endpoint, request, deadline).await.map_err(unread)
    }
}

impl Reading<'_> {
    fn outgoing(&self, get: &Get) -> Outgoing {
        Outgoing {
            host: self.endpoint.name(),
            call: format!("GET {}", get.path),
            kind: self.kind.name.clone(),
            verb: get.verb,
            tries: 0,
            rested: Millis(0),
        }
    }
}

fn understood(reading: &Reading<'_>, answer: &HttpAnswer) -> Result<Value, Cause> {
    if !(200..300).contains(&answer.status) {
        let guarded =
            reading.kind.calls.update.as_ref().is_some_and(|update| update.style == UpdateStyle::Etag);
        let cause = cause_of(&reading.what, answer);
        // A setting that was never set is not found, but gives its etag: it is there and holds nothing.
        return match etag_of(answer).filter(|_| guarded && cause.class == CauseClass::NotFound) {
            Some(etag) => Ok(json!({ "etag": etag })),
            None => Err(cause),
        };
    }
    if answer.body.is_none() {
        return Err(garbled(&reading.what, answer, "its body is larger than the limit"));
    }
    let value = answer.json().ok_or_else(|| garbled(&reading.what, answer, "its body is not JSON"))?;
    match value {
        Value::Object(_) | Value::Array(_) => Ok(value),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            Err(garbled(&reading.what, answer, "its body is neither object nor list"))
        }
    }
}

fn absent_if_not_found(answer: Result<Value, Cause>) -> Result<Option<Value>, Cause> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(cause) if cause.class == CauseClass::NotFound => Ok(None),
        Err(cause) => Err(cause),
    }
}

fn present(reading: &Reading<'_>, spec: &Value, live: Value, id: Option<&str>) -> Result<Observation, Cause> {
    let kind = reading.kind;
    if !live.is_object() {
        return Err(garbled_list(reading, "is not an object"));
    }
    if !kind::exists(kind, &live) {
        return Ok(Observation::Absent);
    }
    let found = id.map(str::to_owned).or_else(|| kind::id_of(kind, spec, Some(&live)));
    let id = found.ok_or_else(|| garbled_list(reading, "holds no id"))?;
    if kind.id.live.is_some() {
        check_id(reading, &id)?;
    }
    Ok(Observation::Present { id, live })
}

/// The one object of a natural key. Several cannot be told apart, unless all but one count as gone.
fn the_one(kind: &Kind, mut matching: Vec<Value>) -> Result<Option<Value>, Cause> {
    if matching.len() > 1 {
        let is_there = |live: &Value| {
            let gone = kind::Ask { desired: None, applied: None, live: Some(live) };
            kind::assess(kind, &gone) != kind::Assessment::Absent
        };
        if matching.iter().any(is_there) {
            matching.retain(is_there);
        } else {
            matching.truncate(1);
        }
    }
    if matching.len() > 1 {
        let message = format!("{} objects of {} have the same natural key", matching.len(), kind.name);
        return Err(Cause::new(CauseClass::Conflict, message));
    }
    Ok(matching.pop())
}

fn items_at(mut answer: Value, at: &str) -> Option<Vec<Value>> {
    match answer.pointer_mut(at).map(Value::take) {
        Some(Value::Array(items)) => Some(items),
        // A list without items is often left out.
        Some(Value::Null) | None if !at.is_empty() => Some(Vec::new()),
        _ => None,
    }
}

fn check_size(reading: &Reading<'_>, items: usize) -> Result<(), Cause> {
    if items <= LIST_ITEMS_MAX { Ok(()) } else { Err(garbled_list(reading, "has more items than can be")) }
}

fn check_id(reading: &Reading<'_>, id: &str) -> Result<(), Cause> {
    if kind::is_sane_id(id) { Ok(()) } else { Err(garbled_list(reading, "holds an id that cannot be one")) }
}

fn garbled_list(reading: &Reading<'_>, why: &str) -> Cause {
    Cause::new(CauseClass::Garbled, format!("the answer to the {} {why}", reading.what))
}

pub(super) fn bad_address(problem: kind::BadAddress) -> Cause {
    Cause::new(CauseClass::BadRequest, format!("the call cannot be addressed: {problem}"))
}
