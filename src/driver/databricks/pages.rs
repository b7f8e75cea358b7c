//! Lists that are read as evidence: page by page, with the proof that the last one was read.

use serde_json::Value;

use super::host::Endpoint;
use super::read::{Get, Reading};
use super::{Auth, Databricks};
use crate::base::id::KindName;
use crate::base::time::Millis;
use crate::driver::walk::{Turn, Walk};
use crate::driver::{ListAsk, Paged, Place};
use crate::kind;
use crate::model::kind::{Kind, Paging};
use crate::model::outcome::{Cause, CauseClass};
use crate::model::population::{CallRead, PagesEnd};
use crate::pacing::Verb;

/// One list: where it starts, how it is paged, and where its items stand.
struct Plan<'a> {
    kind: &'a Kind,
    endpoint: Endpoint,
    get: Get,
    paging: Paging,
    at: String,
}

impl Databricks {
    pub(super) async fn walk_pages(&self, ask: &ListAsk, timeout: Millis) -> Result<Paged, Cause> {
        let Plan { kind, endpoint, get, paging, at } = self.plan_of(ask)?;
        let what = format!("list at {}", get.path);
        let (host, call) = (endpoint.base.clone(), format!("GET {}", get.path));
        let query: Vec<String> = get.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let reading = Reading { kind, endpoint, timeout, what };
        let mut walk = Walk::new(paging, &at);
        let mut page = walk.first();
        let end = loop {
            let query = get.query.iter().cloned().chain(page).collect();
            let answer = self.get(&reading, &Get { verb: get.verb, path: get.path.clone(), query }).await;
            match answer.map(|answer| walk.take(answer)) {
                Ok(Turn::More(next)) => page = next,
                Ok(Turn::Over(end)) => break end,
                Err(cause) => break PagesEnd::Cut { why: cause.to_string() },
            }
        };
        let (items, pages) = walk.end();
        Ok(Paged { call: CallRead { host, call, query: query.join("&"), pages, end }, items })
    }

    fn plan_of(&self, ask: &ListAsk) -> Result<Plan<'static>, Cause> {
        let group = || KindName::new("databricks.group").expect("the kind's name is spelled as one");
        let scim = |path: &str| -> Result<Plan<'static>, Cause> {
            let kind = self.kind(&group())?;
            let path = format!("/api/2.0/accounts/{}/scim/v2/{path}", self.account_id);
            let endpoint = self.endpoint(kind, &Place::Account)?;
            let get = Get { verb: Verb::List, path, query: Vec::new() };
            Ok(Plan { kind, endpoint, get, paging: Paging::Scim, at: "/Resources".to_owned() })
        };
        match ask {
            ListAsk::Users => scim("Users"),
            ListAsk::ServicePrincipals => scim("ServicePrincipals"),
            ListAsk::Tables { place, catalog, schema } => {
                let asked =
                    [("catalog_name", catalog.as_str()), ("schema_name", schema), ("max_results", "0")];
                let asked = asked.into_iter().chain([("omit_columns", "true"), ("omit_properties", "true")]);
                let path = "/api/2.1/unity-catalog/tables";
                self.of_catalog(place, path, asked, (Paging::Token, "/tables"))
            }
            ListAsk::Upstreams { place, table } => {
                let asked = [("table_name", table.as_str()), ("include_entity_lineage", "false")];
                let path = "/api/2.0/lineage-tracking/table-lineage";
                self.of_catalog(place, path, asked, (Paging::None, "/upstreams"))
            }
            ListAsk::Kind { kind, place, outer } => {
                let kind = self.kind(kind)?;
                let list = kind.calls.list.as_ref().ok_or_else(|| no_list(kind))?;
                let address = self.address(None, outer);
                let get = Get {
                    verb: Verb::List,
                    path: kind::expand_path(&list.path, &address).map_err(super::read::bad_address)?,
                    query: kind::expand_query(&list.query, &address).map_err(super::read::bad_address)?,
                };
                let endpoint = self.endpoint(kind, place)?;
                Ok(Plan { kind, endpoint, get, paging: list.paging, at: list.items.clone() })
            }
            ListAsk::Inside { kind, place, id, spec, at } => {
                let kind = self.kind(kind)?;
                let read = kind.calls.read.as_ref().ok_or_else(|| no_list(kind))?;
                let address = self.address(Some(id), spec);
                let get = Get {
                    verb: Verb::Read,
                    path: kind::expand_path(&read.path, &address).map_err(super::read::bad_address)?,
                    query: kind::expand_query(&read.query, &address).map_err(super::read::bad_address)?,
                };
                let paging = if read.pages.is_some() { Paging::Token } else { Paging::None };
                let endpoint = self.endpoint(kind, place)?;
                Ok(Plan { kind, endpoint, get, paging, at: at.clone() })
            }
        }
    }
}

impl Databricks {
    /// A list of Unity Catalog that is of no kind's objects; it is called where schemas are.
    fn of_catalog<'q>(
        &self,
        place: &Place,
        path: &str,
        asked: impl IntoIterator<Item = (&'q str, &'q str)>,
        (paging, at): (Paging, &str),
    ) -> Result<Plan<'static>, Cause> {
        let kind =
            self.kind(&KindName::new("databricks.schema").expect("the kind's name is spelled as one"))?;
        let query = asked.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let get = Get { verb: Verb::List, path: path.to_owned(), query };
        Ok(Plan { kind, endpoint: self.endpoint(kind, place)?, get, paging, at: at.to_owned() })
    }
}

fn no_list(kind: &Kind) -> Cause {
    Cause::new(CauseClass::NotImplemented, format!("{} has no list", kind.name))
}

/// The identity behind a way to sign in, if it tells.
pub(super) fn identity(auth: &Auth) -> Option<String> {
    match auth {
        Auth::OAuth { client_id, .. } => Some(client_id.clone()),
        Auth::Pat(_) => None,
    }
}

/// What a list gave that could not even be asked for.
pub(super) fn unasked(cause: &Cause) -> Paged {
    let end = PagesEnd::Cut { why: cause.to_string() };
    let (host, call, query) = (String::new(), "not asked".to_owned(), String::new());
    Paged { call: CallRead { host, call, query, pages: Vec::new(), end }, items: Vec::<Value>::new() }
}
