//! A control plane that speaks the Databricks account, workspace and Unity Catalog APIs over loopback HTTP.
//!
//! One server is a *unified host*: account paths carry the account id, workspace calls name their workspace
//! in a header or by the first label of the host. All state is JSON documents in one store; every request is
//! one transaction under one lock. The sandbox reads no clock: `now` is given, so that a rehearsal can run it
//! on a virtual one. Ids come from the seed and natural keys, never from the order in which calls arrive.

mod admin;
mod answer;
mod assignments;
mod audit;
mod billing;
mod call;
mod catalogs;
mod clusters;
pub mod compute_policy;
mod conditions;
mod dispatch;
mod faults;
mod filter;
mod grants;
mod http;
mod ids;
mod line;
mod lineage;
mod locations;
mod metastores;
mod networking;
mod oauth;
mod paging;
mod permissions;
mod policies;
mod principals;
mod privileges;
mod provisioning;
mod routes;
mod schemas;
mod scim;
mod securables;
mod settings;
mod store;
mod tags;
mod visit;
mod workspaces;

#[cfg(test)]
mod trial;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::base::secret::Secret;
use crate::base::time::{Millis, Timestamp};

pub use conditions::Conditions;
pub use faults::{Fault, FaultKind};
pub use http::serve;

/// The sandbox's clock.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A service principal that may sign in.
#[derive(Debug, Clone)]
pub struct ClientCredential {
    /// Application id.
    pub id: String,
    /// OAuth secret.
    pub secret: Secret,
    /// Whether every change this client asks for is refused with 403.
    pub read_only: bool,
}

/// How long the asynchronous states last; zero is at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Durations {
    /// A workspace from PROVISIONING to RUNNING.
    pub workspace: Millis,
    /// A workspace from its deletion until it answers 404.
    pub workspace_delete: Millis,
    /// A VPC endpoint from pending to available.
    pub vpc_endpoint: Millis,
}

impl Default for Durations {
    fn default() -> Self {
        Self {
            workspace: Millis::from_secs(300),
            workspace_delete: Millis::from_secs(60),
            vpc_endpoint: Millis::from_secs(45),
        }
    }
}

impl Durations {
    /// Everything is ready at once.
    pub const IMMEDIATE: Durations =
        Durations { workspace: Millis(0), workspace_delete: Millis(0), vpc_endpoint: Millis(0) };
}

/// What a sandbox is like.
#[derive(Debug, Clone)]
pub struct Config {
    /// The one account it holds.
    pub account_id: String,
    /// Service principals that may sign in.
    pub clients: Vec<ClientCredential>,
    /// Personal access tokens, good for workspace calls.
    pub pats: Vec<Secret>,
    /// Guards `/__sandbox`; without one those paths do not exist.
    pub admin_token: Option<Secret>,
    /// What ids are derived from.
    pub seed: u64,
    /// Most items of one page of a list.
    pub page_size: usize,
    /// How long things take.
    pub durations: Durations,
    /// For how long after a write reads still show what was there before.
    pub settle_ms: u64,
    /// Fault rules at the start.
    pub faults: Vec<Fault>,
    /// What it is like to call it at the start.
    pub conditions: Conditions,
    /// Custom tag keys without which workspaces and budget policies are refused.
    pub required_tags: Vec<String>,
    /// Whether the pipelines of the sites run: then each layer of a product line has a table, made from the layer before
    /// it. Nothing of it is state, so it makes no difference to anything else.
    pub pipelines: bool,
    /// Folder that keeps the state; in memory without one.
    pub state_dir: Option<PathBuf>,
}

impl Config {
    /// A sandbox for this account with nobody in it and everything else at its default.
    pub fn new(account_id: impl Into<String>) -> Self {
        Self {
            account_id: account_id.into(),
            clients: Vec::new(),
            pats: Vec::new(),
            admin_token: None,
            seed: 1,
            page_size: 25,
            durations: Durations::default(),
            settle_ms: 0,
            faults: Vec::new(),
            conditions: Conditions::default(),
            required_tags: Vec::new(),
            pipelines: false,
            state_dir: None,
        }
    }
}

/// Why a sandbox does not open.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The state file cannot be used.
    #[error("the sandbox state in {path} cannot be used")]
    State {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The state folder cannot be made.
    #[error("the sandbox folder {path} cannot be made")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A row of the state file is not what was written.
    #[error("the sandbox state in {path} is damaged at {collection}/{key}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The collection of the row.
        collection: String,
        /// The key of the row.
        key: String,
    },
    /// A setting that makes no sense.
    #[error("{0}")]
    Config(String),
}

/// One request as the sandbox saw it. Bodies, queries and headers are not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequestRecord {
    /// Position since the sandbox was opened or the log was cleared.
    pub seq: u64,
    /// When it came, on the sandbox's clock.
    pub time: Timestamp,
    /// Time from when it came until it was answered, on the sandbox's clock.
    pub took_ms: u64,
    /// HTTP method.
    pub method: String,
    /// Path without the query.
    pub path: String,
    /// Status answered; zero when the connection was cut instead.
    pub status: u16,
    /// Whether it could change state.
    pub mutating: bool,
    /// The workspace it named, if it found one.
    pub workspace: Option<String>,
}

/// A running control plane; cloning gives another handle to the same one.
#[derive(Clone)]
pub struct Sandbox {
    core: Arc<Mutex<dispatch::Core>>,
}

impl Sandbox {
    /// Opens the sandbox, with the state its folder holds if it names one.
    ///
    /// # Errors
    /// If the configuration makes no sense or the state cannot be read.
    pub fn open(config: Config, now: Now) -> Result<Sandbox, SandboxError> {
        let core = dispatch::Core::open(config, now)?;
        Ok(Sandbox { core: Arc::new(Mutex::new(core)) })
    }

    /// The HTTP face. Without [`serve`] a fault that cuts the connection answers 503 instead.
    pub fn router(&self) -> axum::Router {
        http::router(self.clone())
    }

    /// The newest requests, oldest first.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.core().requests().cloned().collect()
    }

    /// Adds a fault rule after those that are there.
    pub fn add_fault(&self, fault: Fault) {
        self.core().add_fault(fault);
    }

    /// Changes what it is like to call it.
    pub fn set_conditions(&self, conditions: Conditions) {
        self.core().set_conditions(conditions);
    }

    /// Puts people into a group of the account, as an identity provider does; false if there is no such group.
    ///
    /// # Errors
    /// If the state cannot be written.
    pub fn enter_group(&self, group: &str, people: &[String]) -> Result<bool, SandboxError> {
        let entered = self.core().enter_group(group, people);
        entered.map_err(|error| SandboxError::Config(format!("the state cannot be written: {error}")))
    }

    /// Puts rows of `system.access.table_lineage` in, with the tables that they name: `source_table_full_name` or
    /// `source_path`, `source_type`, `target_table_full_name`, `entity_type`.
    ///
    /// # Errors
    /// If a row names no table of a schema that is there, or the state cannot be written.
    pub fn add_lineage(&self, rows: &[serde_json::Value]) -> Result<(), SandboxError> {
        let refused = |refusal: answer::Refusal| SandboxError::Config(refusal.body()["message"].to_string());
        self.core().add_lineage(rows).map(drop).map_err(refused)
    }

    /// All objects without moments, tokens and versions: equal for equal end states.
    pub fn state(&self) -> serde_json::Value {
        self.core().state()
    }

    /// A request that panicked left nothing behind: the next one begins by rolling its changes back.
    fn core(&self) -> MutexGuard<'_, dispatch::Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sandbox")
    }
}
