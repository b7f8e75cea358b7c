//! From a request to its answer: faults, sign-in, the way to a service, the end of the transaction.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

use super::answer::{Answer, Outcome, Refusal};
use super::call::Call;
use super::conditions::{Conditions, Counted};
use super::faults::{self, Asked, Fault, FaultKind, Strike};
use super::http::Answered;
use super::ids::Origin;
use super::oauth::{self, Tokens};
use super::store::{Store, View};
use super::visit::{ACCOUNT, Caller, Visit, text};
use super::{Config, Now, RequestRecord, SandboxError};
use super::{admin, audit, lineage, principals, routes, workspaces};
use crate::base::limits::{SANDBOX_FAULTS_MAX, SANDBOX_REQUESTS_MAX, SANDBOX_STALL_MAX};
use crate::base::time::Millis;

/// The sandbox behind its lock.
pub(super) struct Core {
    config: Config,
    now: Now,
    store: Store,
    tokens: Tokens,
    faults: Vec<Fault>,
    counted: Counted,
    requests: VecDeque<RequestRecord>,
    sequence: u64,
    request_births: BTreeMap<String, u64>,
    generation: u64,
}

/// What the fault rules say before a request is served.
pub(super) struct Stalled {
    /// The rules' word.
    pub strike: Strike,
    /// Real time to wait first; whoever hangs up meanwhile is not heard.
    pub wait: Option<Millis>,
    /// Real time that carrying it out takes, whether or not the caller is still there.
    pub latency: Option<Millis>,
}

/// How a request ends on the wire.
#[derive(Debug)]
pub(super) enum Reply {
    /// With an answer.
    Answered(Answered),
    /// It took effect, and the connection is cut; the answer is for those who cannot cut.
    Lost(Answered),
}

impl Core {
    /// Opens the state and puts the configured clients into the account.
    ///
    /// # Errors
    /// If the state cannot be read or written.
    pub fn open(config: Config, now: Now) -> Result<Core, SandboxError> {
        if config.account_id.is_empty() || config.account_id.contains('/') {
            return Err(SandboxError::Config("the sandbox needs an account id without slashes".into()));
        }
        if let Some(fault) = config.conditions.fault() {
            return Err(SandboxError::Config(fault));
        }
        let store = Store::open(config.state_dir.as_deref())?;
        let faults = config.faults.iter().take(SANDBOX_FAULTS_MAX).cloned().collect();
        let mut core = Core {
            config,
            now,
            store,
            tokens: Tokens::default(),
            faults,
            counted: Counted::default(),
            requests: VecDeque::new(),
            sequence: 0,
            request_births: BTreeMap::new(),
            generation: 0,
        };
        core.generation = core.store.birth("generation", ACCOUNT);
        core.seed().map_err(|source| SandboxError::State {
            path: core.config.state_dir.clone().unwrap_or_default(),
            source,
        })?;
        Ok(core)
    }

    fn seed(&mut self) -> Result<(), rusqlite::Error> {
        self.change(principals::seed)
    }

    /// Puts people into a group, as an identity provider does; false if there is no such group.
    ///
    /// # Errors
    /// If the state cannot be written.
    pub fn enter_group(&mut self, group: &str, people: &[String]) -> Result<bool, rusqlite::Error> {
        let mut found = false;
        self.change(|visit| found = principals::enter_group(visit, group, people))?;
        Ok(found)
    }

    /// Puts rows of lineage in, as pipelines that ran elsewhere do; gives their number.
    ///
    /// # Errors
    /// If one of them cannot be, or the state cannot be written: then none is put in.
    pub fn add_lineage(&mut self, rows: &[Value]) -> Result<usize, Refusal> {
        let mut added = Ok(0);
        let written = self.change(|visit| {
            added = lineage::add(visit, rows);
            if added.is_err() {
                visit.store.roll_back();
            }
        });
        written.map_err(|_| Refusal::new(500, "INTERNAL_ERROR", "the sandbox cannot write its state"))?;
        added
    }

    /// Whether the pipelines of the sites run from now on.
    #[cfg(test)]
    pub fn run_pipelines(&mut self, they_run: bool) {
        self.config.pipelines = they_run;
    }

    /// Changes the account without a request.
    fn change(&mut self, change: impl FnOnce(&mut Visit<'_>)) -> Result<(), rusqlite::Error> {
        let now = (self.now)();
        let call = Call::default();
        let mut visit = Visit {
            store: &mut self.store,
            config: &self.config,
            now,
            caller: Caller { name: String::new(), read_only: false, account: true },
            call: &call,
            workspace: String::new(),
            metastore: String::new(),
        };
        change(&mut visit);
        self.store.commit(now)?;
        self.store.settle();
        Ok(())
    }

    /// The request log.
    pub fn requests(&self) -> impl Iterator<Item = &RequestRecord> {
        self.requests.iter()
    }

    /// Forgets the request log.
    pub fn clear_requests(&mut self) {
        self.requests.clear();
        self.sequence = 0;
    }

    /// Adds a fault rule; beyond the limit the oldest goes.
    pub fn add_fault(&mut self, fault: Fault) {
        if self.faults.len() >= SANDBOX_FAULTS_MAX {
            self.faults.remove(0);
        }
        self.faults.push(fault);
    }

    /// The fault rules as they stand.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// What it is like to call it.
    pub fn conditions(&self) -> &Conditions {
        &self.config.conditions
    }

    /// Changes what it is like to call it.
    pub fn set_conditions(&mut self, conditions: Conditions) {
        self.config.conditions = conditions;
        self.counted = Counted::default();
    }

    /// Forgets all fault rules.
    pub fn clear_faults(&mut self) {
        self.faults.clear();
    }

    /// All objects without what changes from run to run.
    pub fn state(&self) -> Value {
        admin::state(&self.store)
    }

    /// Asks the fault rules.
    pub fn begin(&mut self, call: &Call) -> Stalled {
        if call.segments.first().is_some_and(|first| first == "__sandbox") {
            return Stalled { strike: Strike::default(), wait: None, latency: None };
        }
        // Without rules nobody asks what a request holds.
        let workspace = if self.faults.is_empty() { None } else { self.workspace_name(call) };
        let holds =
            |text: &str| call.holds(text) || workspace.as_ref().is_some_and(|name| name.contains(text));
        let request = format!("{} {}", call.method, call.path);
        let now = (self.now)();
        let mut strike = faults::strike(&mut self.faults, &Asked { request, now, holds: &holds });
        strike.came = Some(now);
        if strike.kind.is_none() {
            strike.kind = self.counted.judge(&self.config.conditions, self.config.seed, call, now);
        }
        let wait = match strike.kind {
            Some(FaultKind::Stall { millis }) => Some(Millis(millis).min(SANDBOX_STALL_MAX)),
            Some(
                FaultKind::Before { .. }
                | FaultKind::AfterEffect { .. }
                | FaultKind::StaleFirstRead { .. }
                | FaultKind::TooMany { .. }
                | FaultKind::Unavailable,
            )
            | None => None,
        };
        Stalled { strike, wait, latency: self.config.conditions.latency() }
    }

    /// Serves a request as one transaction.
    pub fn serve(&mut self, call: &Call, strike: Strike) -> Reply {
        let mut workspace = None;
        let outcome = match &strike.kind {
            Some(FaultKind::Before { status, code }) => {
                Err(Refusal::new(*status, code.clone(), "refused by a fault rule of the sandbox"))
            }
            Some(FaultKind::TooMany { retry_after }) => {
                let mut refusal =
                    Refusal::new(429, "REQUEST_LIMIT_EXCEEDED", "too many requests, by a fault rule");
                refusal.retry_after = *retry_after;
                Err(refusal)
            }
            Some(FaultKind::Unavailable) => Err(Refusal::new(
                503,
                "TEMPORARILY_UNAVAILABLE",
                "the service is temporarily unavailable, by a fault rule",
            )),
            Some(
                FaultKind::AfterEffect { .. } | FaultKind::Stall { .. } | FaultKind::StaleFirstRead { .. },
            )
            | None => self.carry_out(call, &strike, &mut workspace),
        };
        self.conclude(call, &strike, outcome, workspace)
    }

    /// Records and writes a request that did not even become a call.
    pub fn refuse(&mut self, method: &str, path: &str, refusal: Refusal) -> Reply {
        let call = Call { method: method.to_owned(), path: path.to_owned(), ..Call::default() };
        self.conclude(&call, &Strike::default(), Err(refusal), None)
    }

    fn carry_out(&mut self, call: &Call, strike: &Strike, workspace: &mut Option<String>) -> Outcome {
        self.store.roll_back();
        let now = (self.now)();
        workspaces::sweep(&mut self.store, self.config.durations.workspace_delete, now);
        let outcome = self.route(call, strike, workspace);
        let served = strike.stale.filter(|_| self.store.stale_served());
        if let Some(fault) = served.and_then(|(position, _, _)| self.faults.get_mut(position)) {
            fault.times = fault.times.saturating_sub(1);
        }
        self.store.set_view(View::Fresh);
        match outcome {
            Ok(answer) => match self.store.commit(now) {
                Ok(()) => Ok(answer),
                Err(_) => Err(Refusal::new(500, "INTERNAL_ERROR", "the sandbox cannot write its state")),
            },
            Err(refusal) => {
                self.store.roll_back();
                Err(refusal)
            }
        }
    }

    fn conclude(
        &mut self,
        call: &Call,
        strike: &Strike,
        outcome: Outcome,
        workspace: Option<String>,
    ) -> Reply {
        let (mut answered, is_done) = match outcome {
            Ok(Answer { status, body }) => (self.answered(call, status, body), true),
            Err(refusal) => {
                let mut answered = self.answered(call, refusal.status, Some(refusal.body()));
                answered.retry_after = refusal.retry_after;
                (answered, false)
            }
        };
        answered.workspace = workspace.clone();
        let mut lost = false;
        if let (Some(FaultKind::AfterEffect { status }), true) = (&strike.kind, is_done) {
            answered.status = status.unwrap_or(503);
            answered.body = Some(json!({
                "error_code": "TEMPORARILY_UNAVAILABLE",
                "message": "the answer was lost by a fault rule; the request took effect",
            }));
            lost = status.is_none();
        }
        let status = if lost { 0 } else { answered.status };
        self.record(call, strike, status, workspace);
        if lost { Reply::Lost(answered) } else { Reply::Answered(answered) }
    }

    fn answered(&mut self, call: &Call, status: u16, body: Option<Value>) -> Answered {
        let request = format!("{} {}", call.method, call.path);
        if self.request_births.len() > SANDBOX_REQUESTS_MAX {
            self.request_births.clear();
            self.generation += 1;
        }
        let born = self.request_births.entry(request.clone()).or_default();
        *born += 1;
        let kind = format!("request/{}", self.generation);
        let request_id = Origin::of(self.config.seed, &kind, &request, *born).uuid();
        Answered { status, body, request_id, workspace: None, retry_after: None }
    }

    fn record(&mut self, call: &Call, strike: &Strike, status: u16, workspace: Option<String>) {
        if call.segments.first().is_some_and(|first| first == "__sandbox") {
            return;
        }
        if self.requests.len() >= SANDBOX_REQUESTS_MAX {
            self.requests.pop_front();
        }
        self.sequence += 1;
        let now = (self.now)();
        let came = strike.came.unwrap_or(now);
        self.requests.push_back(RequestRecord {
            seq: self.sequence,
            time: came,
            took_ms: now.since(came).0,
            method: call.method.clone(),
            path: call.path.clone(),
            status,
            mutating: call.is_mutating(),
            workspace,
        });
    }

    fn route(&mut self, call: &Call, strike: &Strike, workspace: &mut Option<String>) -> Outcome {
        let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
        let now = (self.now)();
        match (call.method.as_str(), segments.as_slice()) {
            ("GET", [".well-known", "databricks-config"]) => {
                let named = call.host_label().and_then(|label| workspaces::by_label(&self.store, label));
                oauth::host_metadata(call, &self.config, named.as_deref())
            }
            ("GET", ["oidc", ".well-known", "oauth-authorization-server" | "openid-configuration"]) => {
                oauth::discovery(call, "/oidc")
            }
            ("POST", ["oidc", "v1", "token"]) => self.tokens.issue(call, &self.config, now, false),
            (
                "GET",
                [
                    "oidc",
                    "accounts",
                    id,
                    ".well-known",
                    "oauth-authorization-server" | "openid-configuration",
                ],
            ) => {
                self.check_account(id)?;
                oauth::discovery(call, &format!("/oidc/accounts/{id}"))
            }
            ("POST", ["oidc", "accounts", id, "v1", "token"]) => {
                self.check_account(id)?;
                self.tokens.issue(call, &self.config, now, true)
            }
            ("GET", ["__sandbox", "audit-events"]) => {
                if !self.caller(call)?.account {
                    return Err(Refusal::unauthenticated());
                }
                audit::serve(&self.store, call)
            }
            (_, ["__sandbox", rest @ ..]) => admin::serve(self, call, rest),
            (_, ["api", version, "accounts", id, rest @ ..]) => {
                let caller = self.caller(call)?;
                if !caller.account {
                    return Err(Refusal::unauthenticated());
                }
                self.check_account(id)?;
                let who = caller.name.clone();
                let mut visit = self.visit(call, caller, strike)?;
                let outcome = routes::account(&mut visit, version, rest);
                self.keep(call, &who, "", outcome)
            }
            (_, ["api", _, _, ..]) => {
                let caller = self.caller(call)?;
                let named = self.workspace(call)?;
                *workspace = Some(named.clone());
                let who = caller.name.clone();
                let mut visit = self.visit(call, caller, strike)?;
                visit.workspace.clone_from(&named);
                let outcome = routes::workspace(&mut visit, &segments[1..]);
                self.keep(call, &who, &named, outcome)
            }
            _ => Err(Refusal::not_served(&call.method, &call.path)),
        }
    }

    /// Keeps who changed something, if the call did.
    fn keep(&mut self, call: &Call, who: &str, workspace: &str, outcome: Outcome) -> Outcome {
        let done = outcome?;
        if call.is_mutating() {
            audit::record(&mut self.store, (self.now)(), who, call, &done, workspace);
        }
        Ok(done)
    }

    fn check_account(&self, id: &str) -> Result<(), Refusal> {
        if id == self.config.account_id {
            return Ok(());
        }
        Err(Refusal::absent(format!("account {id} does not exist")))
    }

    fn caller(&self, call: &Call) -> Result<Caller, Refusal> {
        self.tokens.caller(call.credentials(), &self.config, (self.now)())
    }

    /// The name of the workspace a call goes through, in lower case, if it names one that is there.
    fn workspace_name(&self, call: &Call) -> Option<String> {
        let named = match (&call.workspace, call.host_label()) {
            (Some(id), _) => id.clone(),
            (None, Some(label)) => workspaces::by_label(&self.store, label)?,
            (None, None) => return None,
        };
        let document = self.store.get(workspaces::COLLECTION, ACCOUNT, &named)?;
        Some(text(document, "workspace_name").to_lowercase())
    }

    /// The workspace a call goes through, by header or host.
    fn workspace(&self, call: &Call) -> Result<String, Refusal> {
        let named = match (&call.workspace, call.host_label()) {
            (Some(id), _) => id.clone(),
            (None, Some(label)) => workspaces::by_label(&self.store, label)
                .ok_or_else(|| Refusal::absent(format!("no workspace is deployed as {label}")))?,
            (None, None) => {
                return Err(Refusal::invalid(
                    "this call needs a workspace: send X-Databricks-Workspace-Id or use its host name",
                ));
            }
        };
        let document = self
            .store
            .get(workspaces::COLLECTION, ACCOUNT, &named)
            .ok_or_else(|| Refusal::absent(format!("workspace {named} does not exist")))?;
        if !workspaces::is_running(document, &self.config.durations, (self.now)()) {
            let name = text(document, "workspace_name");
            return Err(Refusal::new(
                503,
                "TEMPORARILY_UNAVAILABLE",
                format!("workspace {name} is not running yet"),
            ));
        }
        Ok(named)
    }

    fn visit<'a>(
        &'a mut self,
        call: &'a Call,
        caller: Caller,
        strike: &Strike,
    ) -> Result<Visit<'a>, Refusal> {
        if caller.read_only && call.is_mutating() {
            return Err(Refusal::denied(format!("{} may read only", caller.name)));
        }
        let now = (self.now)();
        let view = match strike.stale {
            _ if call.is_mutating() => View::Fresh,
            Some((_, reads, absent)) => View::Stale { reads, absent },
            None if self.config.settle_ms > 0 => View::Settling(now, Millis(self.config.settle_ms)),
            None => View::Fresh,
        };
        self.store.set_view(view);
        Ok(Visit {
            store: &mut self.store,
            config: &self.config,
            now,
            caller,
            call,
            workspace: String::new(),
            metastore: String::new(),
        })
    }

    /// The configured admin token, for the admin paths.
    pub fn config(&self) -> &Config {
        &self.config
    }
}
