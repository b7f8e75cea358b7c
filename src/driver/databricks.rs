//! One driver for all Databricks kinds. What a kind needs is in its table; here is only how calls are made.

mod audit;
mod error;
mod host;
mod http;
mod pages;
mod read;
mod token;
mod write;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use self::host::{Endpoint, Hosts};
use self::http::{Deadline, Http, Reply, Request};
use self::token::{Elapsed, Tokens};
use crate::base::id::KindName;
use crate::base::secret::Secret;
use crate::base::time::Millis;
use crate::driver::patience::Patience;
use crate::driver::{Answer, Change, Driver, ListAsk, Listing, Paged, Place, Target};
use crate::kind::{Address, Registry};
use crate::model::kind::{Kind, Level};
use crate::model::outcome::{ApplyOutcome, Cause, CauseClass, Observation};

/// How to sign in.
#[derive(Debug, Clone)]
pub enum Auth {
    /// OAuth machine-to-machine, as a service principal.
    OAuth {
        /// The service principal's application id.
        client_id: String,
        /// Its secret.
        client_secret: Secret,
    },
    /// A personal access token.
    Pat(Secret),
}

/// What the driver needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The account host, with or without `https://`.
    pub account_host: String,
    /// The account.
    pub account_id: String,
    /// How to sign in.
    pub auth: Auth,
    /// What the audit log shows as the caller's program, for example `landfall/0.1.0`.
    pub user_agent: String,
}

/// Settings that cannot work.
#[derive(Debug, thiserror::Error)]
pub enum BadSettings {
    /// The host cannot be used.
    #[error("the account host `{host}` {what}")]
    Host {
        /// The host as given.
        host: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The account id has characters that cannot stand in a path.
    #[error("the account id is missing or not an id")]
    AccountId,
    /// The HTTP client could not be made.
    #[error("the HTTP client cannot be set up")]
    Client(#[source] reqwest::Error),
}

/// The driver. Clones share connections and tokens.
#[derive(Debug, Clone)]
pub struct Databricks {
    registry: &'static Registry,
    account_id: String,
    identity: Option<String>,
    hosts: Hosts,
    http: Http,
    tokens: Arc<Tokens>,
    patience: Option<Arc<dyn Patience>>,
}

impl Databricks {
    /// A driver for one account and its workspaces. Nothing is called yet.
    ///
    /// # Errors
    ///
    /// If host or account id cannot be used.
    pub fn new(settings: Settings) -> Result<Self, BadSettings> {
        Self::by_clock(settings, Elapsed::here())
    }

    /// The same, but that tokens end by a clock of the caller's, which tells how much time has passed and never goes
    /// backward.
    ///
    /// # Errors
    ///
    /// As [`Databricks::new`].
    pub fn timed(
        settings: Settings,
        elapsed: impl Fn() -> Duration + Send + Sync + 'static,
    ) -> Result<Self, BadSettings> {
        Self::by_clock(settings, Elapsed::by(elapsed))
    }

    fn by_clock(settings: Settings, elapsed: Elapsed) -> Result<Self, BadSettings> {
        if !crate::kind::is_sane_id(&settings.account_id) {
            return Err(BadSettings::AccountId);
        }
        let hosts = Hosts::new(&settings.account_host, &settings.account_id)?;
        let http = Http::new(&settings.user_agent, hosts.is_loopback()).map_err(BadSettings::Client)?;
        Ok(Self {
            registry: Registry::standard(),
            account_id: settings.account_id,
            identity: pages::identity(&settings.auth),
            hosts,
            http,
            tokens: Arc::new(Tokens::new(settings.auth, elapsed)),
            patience: None,
        })
    }

    /// The same driver, but that its reads go out and are repeated as this says. What changes something is sent as before:
    /// exactly once.
    pub fn patient(&self, patience: Arc<dyn Patience>) -> Self {
        Self { patience: Some(patience), ..self.clone() }
    }

    fn kind(&self, name: &KindName) -> Result<&'static Kind, Cause> {
        let unknown =
            || Cause::new(CauseClass::BadRequest, format!("this driver does not know the kind {name}"));
        self.registry.get(name).ok_or_else(unknown)
    }

    fn endpoint(&self, kind: &Kind, place: &Place) -> Result<Endpoint, Cause> {
        match (kind.level, place) {
            (Level::Account, _) => Ok(self.hosts.account()),
            (Level::Workspace, Place::Workspace { workspace_id, deployment_name }) => {
                self.hosts.workspace(workspace_id, deployment_name)
            }
            (Level::Workspace, Place::Account) => {
                let message = format!("{} lives in a workspace, but no workspace is given", kind.name);
                Err(Cause::new(CauseClass::BadRequest, message))
            }
        }
    }

    fn address<'a>(&'a self, id: Option<&'a str>, spec: &'a Value) -> Address<'a> {
        Address { account_id: &self.account_id, id, spec }
    }

    /// Sends a request with a token. `was_cached` tells whether a 401 may come from a token that ended early.
    async fn send(&self, endpoint: &Endpoint, request: Request, deadline: Deadline) -> Result<Sent, SignIn> {
        let token = self.tokens.get(&self.http, endpoint, deadline).await?;
        let reply = self.http.send(request, &token.secret, endpoint.header.as_ref(), deadline).await;
        if matches!(&reply, Reply::Answer(answer) if answer.status == 401) {
            self.tokens.forget(endpoint, &token).await;
        }
        Ok(Sent { reply, was_cached: token.was_cached })
    }
}

/// A reply, and whether the token it was asked with had been used before.
struct Sent {
    reply: Reply,
    was_cached: bool,
}

/// Sign-in failed: the call itself was not sent.
struct SignIn {
    cause: Cause,
    retry_after: Option<Millis>,
}

impl Driver for Databricks {
    fn observe<'a>(&'a self, target: &'a Target, timeout: Millis) -> Answer<'a, Observation> {
        Box::pin(
            async move { self.observe_one(target, timeout).await.unwrap_or_else(Observation::Unreadable) },
        )
    }

    fn list<'a>(&'a self, kind: &'a KindName, place: &'a Place, timeout: Millis) -> Answer<'a, Listing> {
        Box::pin(async move { self.list_all(kind, place, timeout).await.unwrap_or_else(Listing::Unreadable) })
    }

    fn list_inside<'a>(
        &'a self,
        kind: &'a KindName,
        place: &'a Place,
        outer: &'a Value,
        timeout: Millis,
    ) -> Answer<'a, Listing> {
        Box::pin(async move {
            self.list_within(kind, place, outer, timeout).await.unwrap_or_else(Listing::Unreadable)
        })
    }

    fn principals<'a>(&'a self, timeout: Millis) -> Answer<'a, Listing> {
        Box::pin(async move { self.list_principals(timeout).await.unwrap_or_else(Listing::Unreadable) })
    }

    fn pages<'a>(&'a self, ask: &'a ListAsk, timeout: Millis) -> Answer<'a, Option<Paged>> {
        Box::pin(async move {
            let paged = self.walk_pages(ask, timeout).await;
            Some(paged.unwrap_or_else(|cause| pages::unasked(&cause)))
        })
    }

    fn identity(&self) -> Option<String> {
        self.identity.clone()
    }

    fn apply<'a>(&'a self, change: &'a Change, timeout: Millis) -> Answer<'a, ApplyOutcome> {
        Box::pin(async move { self.apply_one(change, timeout).await.unwrap_or_else(ApplyOutcome::Refused) })
    }
}
