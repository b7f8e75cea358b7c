//! A sandbox without a network for the tests of the services: paths and JSON in, status and JSON out.

mod account;
mod billing;
mod lineage;
mod provisioning;
mod sign_in;
mod trouble;
mod unity_catalog;
mod workspace_objects;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::call::Call;
use super::dispatch::{Core, Reply};
use super::http::Answered;
use super::{ClientCredential, Config, Durations, Fault, FaultKind};
use crate::base::secret::Secret;
use crate::base::time::Timestamp;

pub(super) const ACCOUNT_ID: &str = "acc-1";
const A: &str = "/api/2.0/accounts/acc-1";
const U: &str = "/api/2.1/unity-catalog";

/// A core with a clock that the test moves.
pub(super) struct Trial {
    core: Core,
    clock: Arc<AtomicI64>,
    token: String,
    workspace: Option<String>,
}

impl Trial {
    pub fn new(change: impl FnOnce(&mut Config)) -> Trial {
        let mut config = Config::new(ACCOUNT_ID);
        let client = |id: &str, read_only| ClientCredential {
            id: id.into(),
            secret: Secret::new(format!("{id}-secret")),
            read_only,
        };
        config.clients = vec![client("writer", false), client("reader", true)];
        config.durations = Durations::IMMEDIATE;
        config.page_size = 2;
        change(&mut config);
        let clock = Arc::new(AtomicI64::new(1_700_000_000_000));
        let hands = clock.clone();
        let now = Arc::new(move || Timestamp::from_millis(hands.load(Ordering::SeqCst)));
        let core = Core::open(config, now).expect("a sandbox");
        let mut trial = Trial { core, clock, token: String::new(), workspace: None };
        trial.token = trial.sign_in("writer");
        trial
    }

    /// With a running workspace attached to a metastore, a credential, a location and a catalog `cat`.
    pub fn with_catalog() -> Trial {
        let mut trial = Trial::new(|_| {});
        let workspace = trial.make_workspace("one");
        let metastore = trial.post(
            &format!("{A}/metastores"),
            json!({ "metastore_info": { "name": "m", "region": "us-west-2" } }),
        );
        let id = metastore.1["metastore_info"]["metastore_id"].as_str().expect("an id").to_owned();
        trial.ok("POST", &format!("{A}/workspaces/{workspace}/metastores/{id}"), json!({}));
        trial.workspace = Some(workspace);
        let role = json!({ "role_arn": "arn:aws:iam::1:role/uc" });
        trial.ok("POST", &format!("{U}/storage-credentials"), json!({ "name": "sc", "aws_iam_role": role }));
        let location = json!({ "name": "loc", "url": "s3://lake", "credential_name": "sc" });
        trial.ok("POST", &format!("{U}/external-locations"), location);
        trial.ok(
            "POST",
            &format!("{U}/catalogs"),
            json!({ "name": "Cat", "storage_root": "s3://lake/cat/" }),
        );
        trial
    }

    pub fn make_workspace(&mut self, name: &str) -> String {
        let role = json!({ "sts_role": { "role_arn": "arn:aws:iam::1:role/x" } });
        let credentials = json!({ "credentials_name": name, "aws_credentials": role });
        let credentials = self.ok("POST", &format!("{A}/credentials"), credentials);
        let bucket =
            json!({ "storage_configuration_name": name, "root_bucket_info": { "bucket_name": "b" } });
        let storage = self.ok("POST", &format!("{A}/storage-configurations"), bucket);
        let made = self.ok(
            "POST",
            &format!("{A}/workspaces"),
            json!({
                "workspace_name": name, "aws_region": "us-west-2",
                "credentials_id": credentials["credentials_id"],
                "storage_configuration_id": storage["storage_configuration_id"],
            }),
        );
        made["workspace_id"].to_string()
    }

    pub fn sign_in(&mut self, client: &str) -> String {
        let mut call = Call::new("POST", "/oidc/accounts/acc-1/v1/token", "").expect("a call");
        let plain = format!("{client}:{client}-secret");
        call.authorization = Some(Secret::new(format!("Basic {}", STANDARD.encode(plain))));
        call.body = b"grant_type=client_credentials".to_vec();
        let answered = self.send(&call);
        answered.body.expect("a body")["access_token"].as_str().unwrap_or_default().to_owned()
    }

    pub fn use_token_of(&mut self, client: &str) {
        self.token = self.sign_in(client);
    }

    pub fn use_workspace(&mut self, workspace: &str) {
        self.workspace = Some(workspace.to_owned());
    }

    pub fn pass(&self, millis: i64) {
        self.clock.fetch_add(millis, Ordering::SeqCst);
    }

    pub fn core(&mut self) -> &mut Core {
        &mut self.core
    }

    fn send(&mut self, call: &Call) -> Answered {
        let strike = self.core.begin(call).strike;
        match self.core.serve(call, strike) {
            Reply::Answered(answered) => answered,
            Reply::Lost(answered) => Answered { status: 0, body: None, ..answered },
        }
    }

    pub fn call(&mut self, method: &str, target: &str, body: Value) -> Answered {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut call = Call::new(method, path, query).expect("a call");
        call.authorization = Some(Secret::new(format!("Bearer {}", self.token)));
        call.workspace = self.workspace.clone();
        call.body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.send(&call)
    }

    fn pair(&mut self, method: &str, target: &str, body: Value) -> (u16, Value) {
        let answered = self.call(method, target, body);
        (answered.status, answered.body.unwrap_or(Value::Null))
    }

    pub fn get(&mut self, target: &str) -> (u16, Value) {
        self.pair("GET", target, Value::Null)
    }

    pub fn post(&mut self, target: &str, body: Value) -> (u16, Value) {
        self.pair("POST", target, body)
    }

    /// Status and error code of a call that is refused.
    pub fn refused(&mut self, method: &str, target: &str, body: Value) -> (u16, String) {
        let (status, body) = self.pair(method, target, body);
        assert!(status >= 400, "{method} {target} answered {status} {body}");
        (status, body["error_code"].as_str().unwrap_or_default().to_owned())
    }

    /// The body of a call that must go well.
    pub fn ok(&mut self, method: &str, target: &str, body: Value) -> Value {
        let (status, body) = self.pair(method, target, body);
        assert!(status < 300, "{method} {target} answered {status} {body}");
        body
    }
}

fn code(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}
