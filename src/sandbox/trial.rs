//! A sandbox without a network for the tests of the services: paths and JSON in, status and JSON out.

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
        call.authorization = Some(format!("Basic {}", STANDARD.encode(format!("{client}:{client}-secret"))));
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
        call.authorization = Some(format!("Bearer {}", self.token));
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

mod sign_in {
    use super::*;

    #[test]
    fn without_a_good_token_nothing_is_answered() {
        let mut trial = Trial::new(|_| {});
        assert_eq!(trial.get(&format!("{A}/workspaces")).0, 200);
        trial.pass(3_600_000);
        assert_eq!(trial.get(&format!("{A}/workspaces")).0, 401, "a token is good for an hour");
        trial.token = "made-up".into();
        assert_eq!(trial.get(&format!("{A}/workspaces")).0, 401);
    }

    #[test]
    fn a_read_only_client_reads_only() {
        let mut trial = Trial::new(|_| {});
        trial.use_token_of("reader");
        assert_eq!(trial.get(&format!("{A}/workspaces")).0, 200);
        let refused = trial.refused("POST", &format!("{A}/scim/v2/Groups"), json!({ "displayName": "g" }));
        assert_eq!(refused, code(403, "PERMISSION_DENIED"));
    }

    #[test]
    fn another_account_and_other_paths_are_not_there() {
        let mut trial = Trial::new(|_| {});
        assert_eq!(trial.get("/api/2.0/accounts/acc-2/workspaces").0, 404);
        for path in
            [&format!("{A}/nothing"), "/", "/api/2.0/accounts/acc-1", "/api/9.9/x", "//", "/__sandbox/state"]
        {
            let (status, body) = trial.get(path);
            let needs_workspace = path.starts_with("/api/9");
            assert_eq!(status, if needs_workspace { 400 } else { 501 }, "{path} {body}");
        }
    }
}

mod provisioning {
    use super::*;

    #[test]
    fn a_workspace_runs_after_its_time_and_is_gone_after_its_deletion() {
        let mut trial = Trial::new(|config| config.durations = Durations::default());
        let id = trial.make_workspace("one");
        let path = format!("{A}/workspaces/{id}");
        assert_eq!(trial.get(&path).1["workspace_status"], "PROVISIONING");
        trial.use_workspace(&id);
        assert_eq!(trial.get("/api/2.0/preview/scim/v2/Me").0, 503);
        trial.pass(299_999);
        assert_eq!(trial.get(&path).1["workspace_status"], "PROVISIONING");
        trial.pass(1);
        assert_eq!(trial.get(&path).1["workspace_status"], "RUNNING");
        assert_eq!(trial.get("/api/2.0/preview/scim/v2/Me").0, 200);
        trial.ok("DELETE", &path, Value::Null);
        assert_eq!(trial.get(&path).1["workspace_status"], "CANCELLING");
        trial.pass(60_000);
        assert_eq!(trial.get(&path).0, 404);
        assert_eq!(trial.get(&format!("{A}/workspaces")).1, json!([]));
    }

    #[test]
    fn ids_do_not_depend_on_the_order_of_calls_but_on_how_often_a_name_was_made() {
        let names = [["one", "two"], ["two", "one"]];
        let [first, second] = names.map(|names| {
            let mut trial = Trial::new(|_| {});
            names.iter().for_each(|name| drop(trial.make_workspace(name)));
            trial.core().state()
        });
        assert_eq!(first, second);
        let mut trial = Trial::new(|_| {});
        let id = trial.make_workspace("one");
        assert!(first["workspaces"]["account"].get(&id).is_some());
        trial.ok("DELETE", &format!("{A}/workspaces/{id}"), Value::Null);
        let old = trial.get(&format!("{A}/credentials")).1[0].clone();
        let again = json!({
            "workspace_name": "one", "aws_region": "us-west-2", "credentials_id": old["credentials_id"],
            "storage_configuration_id":
                trial.get(&format!("{A}/storage-configurations")).1[0]["storage_configuration_id"],
        });
        let made = trial.ok("POST", &format!("{A}/workspaces"), again);
        assert_ne!(made["workspace_id"].to_string(), id);
    }

    #[test]
    fn required_tags_are_asked_for() {
        let mut trial = Trial::new(|config| config.required_tags = vec!["cost_center".into()]);
        let serverless = |tags: Value| {
            json!({
                "workspace_name": "w", "aws_region": "us-west-2", "compute_mode": "SERVERLESS", "custom_tags": tags,
            })
        };
        let path = format!("{A}/workspaces");
        assert_eq!(trial.refused("POST", &path, serverless(json!({}))), code(400, "INVALID_PARAMETER_VALUE"));
        trial.ok("POST", &path, serverless(json!({ "cost_center": "1" })));
    }

    #[test]
    fn deployment_names_are_labels() {
        let mut trial = Trial::new(|_| {});
        let body = |name: &str| {
            json!({
                "workspace_name": name, "aws_region": "r", "compute_mode": "SERVERLESS", "deployment_name": name,
            })
        };
        let path = format!("{A}/workspaces");
        for bad in ["a.b", "a b", "-a", "a/b"] {
            assert_eq!(
                trial.refused("POST", &path, body(bad)),
                code(400, "INVALID_PARAMETER_VALUE"),
                "{bad}"
            );
        }
        assert_eq!(trial.ok("POST", &path, body("hrb01"))["deployment_name"], "hrb01");
    }
}

mod unity_catalog {
    use super::*;

    #[test]
    fn a_workspace_without_a_metastore_has_no_catalogs() {
        let mut trial = Trial::new(|_| {});
        let id = trial.make_workspace("one");
        trial.use_workspace(&id);
        let refused = trial.refused("GET", &format!("{U}/catalogs"), Value::Null);
        assert_eq!(refused, code(404, "METASTORE_DOES_NOT_EXIST"));
    }

    #[test]
    fn names_fold_slashes_go_and_the_server_adds_its_own() {
        let mut trial = Trial::with_catalog();
        let catalog = trial.get(&format!("{U}/catalogs/CAT")).1;
        assert_eq!(
            (&catalog["name"], &catalog["storage_root"], &catalog["owner"]),
            (&json!("cat"), &json!("s3://lake/cat"), &json!("writer"))
        );
        assert!(catalog["properties"].as_object().is_some_and(|own| own.len() == 1));
        let made = json!({ "name": "Bronze", "catalog_name": "CAT", "owner": "x" });
        let schema = trial.ok("POST", &format!("{U}/schemas"), made);
        assert_eq!((&schema["full_name"], &schema["owner"]), (&json!("cat.bronze"), &json!("writer")));
    }

    #[test]
    fn lists_come_in_pages_one_of_which_is_empty() {
        let mut trial = Trial::with_catalog();
        for name in ["a", "b", "c"] {
            trial.ok("POST", &format!("{U}/schemas"), json!({ "name": name, "catalog_name": "cat" }));
        }
        let (mut sizes, mut token) = (Vec::new(), String::new());
        loop {
            let target = format!("{U}/schemas?catalog_name=cat&max_results=0&page_token={token}");
            let page = trial.get(&target).1;
            sizes.push(page["schemas"].as_array().map_or(0, Vec::len));
            match page["next_page_token"].as_str() {
                Some(next) => token = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(sizes, [2, 0, 2, 1]);
        let all = trial.get(&format!("{U}/schemas?catalog_name=cat")).1;
        assert_eq!(all["schemas"].as_array().map_or(0, Vec::len), 5, "unset asks for everything at once");
    }

    #[test]
    fn refusals_carry_the_codes_of_their_kinds() {
        let mut trial = Trial::with_catalog();
        let cases = [
            ("POST", "catalogs", json!({ "name": "CAT" }), code(400, "CATALOG_ALREADY_EXISTS")),
            ("POST", "catalogs", json!({ "name": "x" }), code(400, "INVALID_STATE")),
            ("POST", "catalogs", json!({ "name": "a.b" }), code(400, "INVALID_PARAMETER_VALUE")),
            ("POST", "catalogs", json!({ "name": 1 }), code(400, "MALFORMED_REQUEST")),
            (
                "POST",
                "catalogs",
                json!({ "name": "x", "storage_root": "s3://other/x" }),
                code(400, "EXTERNAL_LOCATION_DOES_NOT_EXIST"),
            ),
            ("GET", "catalogs/none", Value::Null, code(404, "CATALOG_DOES_NOT_EXIST")),
            ("GET", "schemas/cat.none", Value::Null, code(404, "SCHEMA_DOES_NOT_EXIST")),
            ("GET", "volumes/cat.default.none", Value::Null, code(404, "VOLUME_DOES_NOT_EXIST")),
            ("PATCH", "catalogs/cat", json!({}), code(400, "INVALID_PARAMETER_VALUE")),
            ("DELETE", "catalogs/cat", Value::Null, code(400, "INVALID_STATE")),
            (
                "POST",
                "external-locations",
                json!({ "name": "l2", "url": "s3://lake/x", "credential_name": "sc" }),
                code(400, "LOCATION_OVERLAP"),
            ),
            (
                "POST",
                "storage-credentials",
                json!({ "name": "SC", "aws_iam_role": { "role_arn": "arn:aws:iam::1:role/x" } }),
                code(409, "STORAGE_CREDENTIAL_ALREADY_EXISTS"),
            ),
        ];
        for (method, path, body, expected) in cases {
            assert_eq!(trial.refused(method, &format!("{U}/{path}"), body), expected, "{method} {path}");
        }
    }

    #[test]
    fn force_takes_all_that_is_inside() {
        let mut trial = Trial::with_catalog();
        let tag = json!({ "entity_type": "schemas", "entity_name": "cat.default", "tag_key": "k" });
        trial.ok("POST", &format!("{U}/entity-tag-assignments"), tag);
        let change = json!({ "changes": [{ "principal": "account users", "add": ["USE SCHEMA"] }] });
        trial.ok("PATCH", &format!("{U}/permissions/schema/cat.default"), change);
        trial.ok("DELETE", &format!("{U}/catalogs/cat?force=true"), Value::Null);
        let state = trial.core().state();
        for gone in ["catalogs", "schemas", "grants", "entity_tags"] {
            assert_eq!(state.get(gone), None, "{gone}");
        }
    }

    #[test]
    fn grants_are_deltas_over_known_principals() {
        let mut trial = Trial::with_catalog();
        let path = format!("{U}/permissions/catalog/cat");
        let change = |principal: &str, add: &[&str], remove: &[&str]| json!({ "changes": [{ "principal": principal, "add": add, "remove": remove }] });
        trial.ok("PATCH", &path, change("account users", &["USE_CATALOG", "BROWSE"], &[]));
        trial.ok("PATCH", &path, change("Account Users", &["SELECT"], &["BROWSE"]));
        assert_eq!(
            trial.get(&path).1,
            json!({ "privilege_assignments": [
                { "principal": "account users", "privileges": ["SELECT", "USE_CATALOG"] }
            ] })
        );
        let both = trial.refused("PATCH", &path, change("account users", &["SELECT"], &["SELECT"]));
        assert_eq!(both, code(400, "INVALID_PARAMETER_VALUE"));
        let unknown = trial.refused("PATCH", &path, change("nobody", &["SELECT"], &[]));
        assert_eq!(unknown, code(404, "PRINCIPAL_DOES_NOT_EXIST"));
        trial.ok("PATCH", &path, change("account users", &["BROWSE"], &["ALL_PRIVILEGES"]));
        assert_eq!(trial.get(&path).1["privilege_assignments"][0]["privileges"], json!(["BROWSE"]));
    }

    #[test]
    fn an_isolated_catalog_is_for_bound_workspaces() {
        let mut trial = Trial::with_catalog();
        trial.ok("PATCH", &format!("{U}/catalogs/cat"), json!({ "isolation_mode": "ISOLATED" }));
        let here = trial.workspace.clone().expect("a workspace");
        let bindings = trial.get(&format!("{U}/bindings/catalog/cat")).1;
        assert_eq!(bindings["bindings"][0]["workspace_id"].to_string(), here);
        let number: u64 = here.parse().expect("a number");
        let unbind = json!({ "remove": [{ "workspace_id": number }] });
        trial.ok("PATCH", &format!("{U}/bindings/catalog/cat"), unbind);
        let refused = trial.refused("GET", &format!("{U}/schemas/cat.default"), Value::Null);
        assert_eq!(refused, code(403, "PERMISSION_DENIED"));
        assert_eq!(trial.get(&format!("{U}/catalogs")).1["catalogs"], json!([]));
    }
}

mod workspace_objects {
    use super::*;

    const SETTING: &str = "/api/2.0/settings/types/default_namespace_ws/names/default";

    #[test]
    fn a_setting_is_written_with_its_current_etag_only() {
        let mut trial = Trial::with_catalog();
        let patch = |etag: &Value| {
            json!({
                "allow_missing": true, "field_mask": "namespace.value",
                "setting": { "namespace": { "value": "prod" }, "etag": etag, "setting_name": "default" },
            })
        };
        assert_eq!(trial.get(SETTING).0, 404);
        let (status, body) = trial.pair("PATCH", SETTING, patch(&json!("")));
        assert_eq!((status, &body["error_code"]), (409, &json!("RESOURCE_CONFLICT")));
        let etag = body["details"][0]["metadata"]["etag"].clone();
        let done = trial.ok("PATCH", SETTING, patch(&etag));
        assert_eq!(done["namespace"]["value"], "prod");
        assert_eq!(trial.pair("PATCH", SETTING, patch(&etag)).0, 409, "the old etag is stale");
        trial.ok("PATCH", SETTING, patch(&done["etag"]));
    }

    #[test]
    fn permissions_are_replaced_or_added_and_admins_are_always_shown() {
        let mut trial = Trial::with_catalog();
        let policy = json!({ "name": "p", "definition": "{}" });
        let id = trial.ok("POST", "/api/2.0/policies/clusters/create", policy.clone())["policy_id"].clone();
        let again = trial.refused("POST", "/api/2.0/policies/clusters/create", policy);
        assert_eq!(again, code(400, "INVALID_PARAMETER_VALUE"));
        let path = format!("/api/2.0/permissions/cluster-policies/{}", id.as_str().unwrap_or_default());
        let list = |group: &str| json!({ "access_control_list": [{ "group_name": group, "permission_level": "CAN_USE" }] });
        let names = |shown: Value| -> Vec<String> {
            let list = shown["access_control_list"].as_array().cloned().unwrap_or_default();
            list.iter().map(|entry| entry["group_name"].as_str().unwrap_or_default().to_owned()).collect()
        };
        assert_eq!(names(trial.ok("PUT", &path, list("users"))), ["users", "admins"]);
        assert_eq!(names(trial.ok("PATCH", &path, list("admins"))), ["admins", "users"]);
        assert_eq!(names(trial.ok("PUT", &path, json!({ "access_control_list": [] }))), ["admins"]);
        assert_eq!(trial.refused("PUT", &path, list("ghosts")).0, 404);
    }
}

mod trouble {
    use super::*;

    fn rule(pattern: &str, kind: FaultKind) -> Fault {
        Fault { pattern: pattern.into(), kind, skip: 0, times: 1 }
    }

    #[test]
    fn a_lost_answer_took_effect_and_a_refusal_before_did_not() {
        let mut trial = Trial::new(|_| {});
        let (path, body) = (format!("{A}/scim/v2/Groups"), json!({ "displayName": "g" }));
        let before = FaultKind::Before { status: 500, code: "INTERNAL_ERROR".into() };
        trial.core().add_fault(rule("POST */scim/v2/Groups", before));
        assert_eq!(trial.refused("POST", &path, body.clone()), code(500, "INTERNAL_ERROR"));
        assert_eq!(trial.get(&path).1["totalResults"], 0);
        trial.core().add_fault(rule("POST */scim/v2/Groups", FaultKind::AfterEffect { status: None }));
        assert_eq!(trial.post(&path, body.clone()).0, 0);
        assert_eq!(trial.get(&path).1["totalResults"], 1);
        assert_eq!(trial.post(&path, body).0, 409, "the rule is used up and the group is there");
    }

    #[test]
    fn too_many_and_unavailable_say_when_to_come_back() {
        let mut trial = Trial::new(|config| {
            config.faults = vec![
                rule("GET *", FaultKind::TooMany { retry_after: Some(7) }),
                rule("GET *", FaultKind::Unavailable),
            ];
        });
        let answered = trial.call("GET", &format!("{A}/workspaces"), Value::Null);
        assert_eq!((answered.status, answered.retry_after), (429, Some(7)));
        let answered = trial.call("GET", &format!("{A}/workspaces"), Value::Null);
        assert_eq!((answered.status, answered.retry_after), (503, None));
        assert_eq!(trial.get(&format!("{A}/workspaces")).0, 200);
    }

    #[test]
    fn first_reads_may_be_stale() {
        let mut trial = Trial::with_catalog();
        let kind = FaultKind::StaleFirstRead { reads: 1, absent: false };
        let stale = Fault { times: 2, ..rule("GET *catalogs/late", kind) };
        trial.core().add_fault(stale);
        let made = json!({ "name": "late", "storage_root": "s3://lake/late" });
        trial.ok("POST", &format!("{U}/catalogs"), made);
        let path = format!("{U}/catalogs/late");
        assert_eq!([trial.get(&path).0, trial.get(&path).0], [404, 200]);
        trial.ok("PATCH", &path, json!({ "comment": "new" }));
        let comments = [trial.get(&path).1["comment"].clone(), trial.get(&path).1["comment"].clone()];
        assert_eq!(comments, [Value::Null, json!("new")]);
    }

    #[test]
    fn reads_settle_after_a_while() {
        let mut trial = Trial::new(|config| config.settle_ms = 1000);
        let path = format!("{A}/scim/v2/Groups");
        let id = trial.ok("POST", &path, json!({ "displayName": "g" }))["id"].clone();
        let item = format!("{path}/{}", id.as_str().unwrap_or_default());
        assert_eq!(trial.get(&item).0, 404);
        trial.pass(1000);
        assert_eq!(trial.get(&item).0, 200);
    }

    #[test]
    fn a_refused_request_leaves_nothing_behind() {
        let mut trial = Trial::with_catalog();
        let before = trial.core().state();
        let half = json!({ "changes": [
            { "principal": "account users", "add": ["BROWSE"] },
            { "principal": "nobody", "add": ["BROWSE"] },
        ] });
        trial.refused("PATCH", &format!("{U}/permissions/catalog/cat"), half);
        assert_eq!(trial.core().state(), before);
    }

    #[test]
    fn the_log_holds_paths_and_nothing_secret() {
        let mut trial = Trial::new(|_| {});
        trial.get(&format!("{A}/workspaces?secret=1"));
        let log: Vec<_> = trial.core().requests().cloned().collect();
        let last = log.last().expect("a request");
        assert_eq!(
            (last.seq, last.method.as_str(), last.path.as_str(), last.status, last.mutating),
            (2, "GET", "/api/2.0/accounts/acc-1/workspaces", 200, false)
        );
    }
}

mod billing {
    use super::*;

    #[test]
    fn two_log_deliveries_of_a_type_are_enabled_and_none_is_ever_deleted() {
        let mut trial = Trial::new(|_| {});
        trial.make_workspace("one");
        let credentials = trial.get(&format!("{A}/credentials")).1[0]["credentials_id"].clone();
        let storage =
            trial.get(&format!("{A}/storage-configurations")).1[0]["storage_configuration_id"].clone();
        let path = format!("{A}/log-delivery");
        let body = |name: &str| {
            json!({ "log_delivery_configuration": {
                "config_name": name, "log_type": "AUDIT_LOGS", "output_format": "JSON",
                "credentials_id": credentials, "storage_configuration_id": storage,
            } })
        };
        let first = trial.ok("POST", &path, body("a"))["log_delivery_configuration"]["config_id"].clone();
        trial.ok("POST", &path, body("b"));
        assert_eq!(trial.refused("POST", &path, body("c")), code(400, "RESOURCE_LIMIT_EXCEEDED"));
        let item = format!("{path}/{}", first.as_str().unwrap_or_default());
        assert_eq!(trial.refused("DELETE", &item, Value::Null).0, 501);
        trial.ok("PATCH", &item, json!({ "status": "DISABLED" }));
        trial.ok("POST", &path, body("c"));
    }

    #[test]
    fn a_budget_policy_with_the_same_request_id_is_the_same() {
        let mut trial = Trial::new(|_| {});
        let path = "/api/2.1/accounts/acc-1/budget-policies";
        let body = |request: &str| json!({ "policy": { "policy_name": "p" }, "request_id": request });
        let first = trial.ok("POST", path, body("r1"));
        assert_eq!(trial.ok("POST", path, body("r1")), first);
        assert_eq!(trial.refused("POST", path, body("r2")), code(409, "ALREADY_EXISTS"));
    }
}
