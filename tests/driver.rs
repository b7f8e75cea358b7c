//! The Databricks driver against a small server that answers by a table: hosts, sign-in, paging, what answers mean,
//! and answers that nobody should give.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use landfall::base::id::KindName;
use landfall::base::secret::Secret;
use landfall::base::time::Millis;
use landfall::driver::databricks::{Auth, BadSettings, Databricks, Settings};
use landfall::driver::{Call, Change, Driver, Listing, Place, Target};
use landfall::kind::{Ask, Assessment, Registry, assess};
use landfall::model::outcome::{ApplyOutcome, CauseClass, Observation};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const TIMEOUT: Millis = Millis::from_secs(20);
const ACCOUNT: &str = "/api/2.0/accounts/acc";
const UNITY: &str = "/api/2.1/unity-catalog";

/// One answer of the table.
#[derive(Clone)]
enum Reply {
    Json(u16, Value),
    Raw(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// A page with another token each time.
    Endless(usize),
    Hang,
}

/// What the server saw: method, path with query, and the headers and body that matter.
#[derive(Debug, Clone)]
struct Seen {
    line: String,
    auth: String,
    workspace: Option<String>,
    agent: String,
    body: Value,
}

#[derive(Default)]
struct Script {
    /// Answers by method and path; the last one stays.
    answers: BTreeMap<String, VecDeque<Reply>>,
    seen: Vec<Seen>,
}

type Shared = Arc<Mutex<Script>>;

struct Server {
    address: String,
    script: Shared,
}

impl Server {
    async fn start() -> Self {
        let script = Shared::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(answer).with_state(Arc::clone(&script));
        tokio::spawn(async move { axum::serve(listener, app).await });
        let server = Self { address, script };
        let token = json!({"access_token": "token-1", "token_type": "Bearer", "expires_in": 3600});
        server.on("POST /oidc/accounts/acc/v1/token", [Reply::Json(200, token)]);
        server
    }

    fn on(&self, line: &str, replies: impl IntoIterator<Item = Reply>) {
        self.script.lock().unwrap().answers.insert(line.to_owned(), replies.into_iter().collect());
    }

    fn json(&self, line: &str, body: Value) {
        self.on(line, [Reply::Json(200, body)]);
    }

    /// The API calls, without those of the sign-in.
    fn calls(&self) -> Vec<Seen> {
        let script = self.script.lock().unwrap();
        script.seen.iter().filter(|seen| !seen.line.contains("/oidc/")).cloned().collect()
    }

    fn lines(&self) -> Vec<String> {
        self.calls().into_iter().map(|seen| seen.line).collect()
    }

    fn sign_ins(&self) -> usize {
        let script = self.script.lock().unwrap();
        script.seen.iter().filter(|seen| seen.line.ends_with("/token")).count()
    }

    fn driver(&self) -> Databricks {
        let auth = Auth::OAuth { client_id: "robot".to_owned(), client_secret: Secret::new("s3cret") };
        driver(&self.address, auth)
    }
}

fn driver(host: &str, auth: Auth) -> Databricks {
    let settings = Settings {
        account_host: host.to_owned(),
        account_id: "acc".to_owned(),
        auth,
        user_agent: "landfall/0.0.0".to_owned(),
    };
    Databricks::new(settings).unwrap()
}

async fn answer(State(script): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, 1 << 20).await.unwrap();
    let header = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let path = format!("{} {}", parts.method, parts.uri.path());
    let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let (reply, count) = {
        let mut script = script.lock().unwrap();
        script.seen.push(Seen {
            line: format!("{path}{query}"),
            auth: header("authorization").unwrap_or_default(),
            workspace: header("x-databricks-workspace-id"),
            agent: header("user-agent").unwrap_or_default(),
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
        });
        let count = script.seen.len();
        let reply = script
            .answers
            .get_mut(&path)
            .map(|replies| if replies.len() > 1 { replies.pop_front().unwrap() } else { replies[0].clone() });
        let unknown = || Reply::Json(404, json!({"error_code": "NOT_FOUND", "message": "no such thing"}));
        (reply.unwrap_or_else(unknown), count)
    };
    let (status, headers, body) = match reply {
        Reply::Json(status, body) => (status, Vec::new(), body.to_string().into_bytes()),
        Reply::Raw(status, headers, body) => (status, headers, body),
        Reply::Endless(items) => {
            let page =
                json!({"catalogs": vec![json!({"name": "x"}); items], "next_page_token": count.to_string()});
            (200, Vec::new(), page.to_string().into_bytes())
        }
        Reply::Hang => std::future::pending().await,
    };
    let builder = Response::builder().status(status).header("x-request-id", "req-7");
    let builder = headers.into_iter().fold(builder, |builder, (name, value)| builder.header(name, value));
    builder.body(Body::from(body)).unwrap()
}

fn workspace() -> Place {
    Place::Workspace { workspace_id: "4711".to_owned(), deployment_name: "hrb01".to_owned() }
}

fn target(kind: &str, spec: Value, id: Option<&str>) -> Target {
    let kind = KindName::new(format!("databricks.{kind}")).unwrap();
    Target { kind, place: workspace(), spec, id: id.map(str::to_owned) }
}

fn change(kind: &str, spec: Value, id: Option<&str>, call: Call) -> Change {
    Change { target: target(kind, spec, id), call, key: "key".to_owned() }
}

async fn observed(driver: &Databricks, target: &Target) -> String {
    match driver.observe(target, TIMEOUT).await {
        Observation::Absent => "absent".to_owned(),
        Observation::Present { id, live } => format!("{id} {live}"),
        Observation::Unreadable(cause) => format!("{:?}: {}", cause.class, cause.message),
    }
}

async fn applied(driver: &Databricks, change: &Change) -> String {
    told(driver.apply(change, TIMEOUT).await)
}

fn told(outcome: ApplyOutcome) -> String {
    match outcome {
        ApplyOutcome::Done { id } => format!("done {}", id.unwrap_or_else(|| "-".to_owned())),
        ApplyOutcome::Refused(cause) => format!("refused {:?}", cause.class),
        ApplyOutcome::Busy { retry_after, cause } => {
            format!(
                "busy {:?} {}",
                cause.class,
                retry_after.map_or("-".to_owned(), |wait| wait.0.to_string())
            )
        }
        ApplyOutcome::NoAnswer(cause) => format!("no answer {:?}", cause.class),
    }
}

fn catalog() -> Value {
    json!({"name": "Prod", "owner": "admins"})
}

#[tokio::test]
async fn a_workspace_call_signs_in_once_and_says_where_it_goes() {
    let server = Server::start().await;
    server.json(&format!("GET {UNITY}/catalogs/prod"), json!({"name": "prod"}));
    let driver = server.driver();
    for _ in 0..2 {
        assert_eq!(observed(&driver, &target("catalog", catalog(), None)).await, r#"prod {"name":"prod"}"#);
    }
    assert_eq!(server.sign_ins(), 1);
    let call = &server.calls()[0];
    assert_eq!((call.auth.as_str(), call.agent.as_str()), ("Bearer token-1", "landfall/0.0.0"));
    assert_eq!(call.workspace.as_deref(), Some("4711"));
    let script = server.script.lock().unwrap();
    let sign_in = script.seen.iter().find(|seen| seen.line.ends_with("/token")).unwrap();
    assert_eq!(sign_in.auth, "Basic cm9ib3Q6czNjcmV0");
}

#[tokio::test]
async fn account_calls_do_not_name_a_workspace() {
    let server = Server::start().await;
    server.json(&format!("GET {ACCOUNT}/workspaces"), json!([{"workspace_id": 1, "workspace_name": "w"}]));
    let found = observed(&server.driver(), &target("workspace", json!({"workspace_name": "w"}), None)).await;
    assert_eq!(found, r#"1 {"workspace_id":1,"workspace_name":"w"}"#);
    assert_eq!(server.calls()[0].workspace, None);
}

#[tokio::test]
async fn the_discovery_document_names_the_token_endpoint_but_never_another_host() {
    for (named, endpoint) in
        [("{here}/mint", "/mint"), ("http://127.0.0.1:9/steal", "/oidc/accounts/acc/v1/token")]
    {
        let server = Server::start().await;
        let document = json!({"token_endpoint": named.replace("{here}", &server.address)});
        server.json("GET /oidc/accounts/acc/.well-known/oauth-authorization-server", document);
        server.json("POST /mint", json!({"access_token": "token-2", "expires_in": 3600}));
        observed(&server.driver(), &target("catalog", catalog(), None)).await;
        let script = server.script.lock().unwrap();
        let posted: Vec<&str> =
            script.seen.iter().filter_map(|seen| seen.line.strip_prefix("POST ")).collect();
        assert_eq!(posted, [endpoint]);
    }
}

#[tokio::test]
async fn a_token_ends_forty_seconds_early() {
    let server = Server::start().await;
    let short = json!({"access_token": "token-1", "expires_in": 40});
    server.on("POST /oidc/accounts/acc/v1/token", [Reply::Json(200, short)]);
    let driver = server.driver();
    for _ in 0..3 {
        observed(&driver, &target("catalog", catalog(), None)).await;
    }
    assert_eq!(server.sign_ins(), 3);
}

#[tokio::test]
async fn a_read_is_repeated_with_a_new_token_and_a_change_is_not() {
    let server = Server::start().await;
    let refused = Reply::Json(401, json!({"error_code": 401, "message": "expired"}));
    let path = format!("GET {UNITY}/catalogs/prod");
    let good = Reply::Json(200, json!({"name": "prod"}));
    server.on(&path, [good.clone(), refused.clone(), good]);
    server.on(&format!("POST {UNITY}/catalogs"), [refused]);
    let driver = server.driver();
    let target = target("catalog", catalog(), None);
    observed(&driver, &target).await;
    assert_eq!(observed(&driver, &target).await, r#"prod {"name":"prod"}"#);
    assert_eq!((server.calls().len(), server.sign_ins()), (3, 2));

    let create = change("catalog", catalog(), None, Call::Create);
    assert_eq!(applied(&driver, &create).await, "busy Unauthenticated -", "the token had been used before");
    assert_eq!(applied(&driver, &create).await, "refused Unauthenticated", "a new token");
    assert_eq!(server.lines().iter().filter(|line| line.starts_with("POST")).count(), 2);
}

#[tokio::test]
async fn a_failed_sign_in_sends_no_call() {
    let server = Server::start().await;
    let wrong = json!({"error": "invalid_client", "error_description": "wrong secret"});
    let busy = Reply::Raw(429, vec![("retry-after", "3".to_owned())], Vec::new());
    server.on("POST /oidc/accounts/acc/v1/token", [Reply::Json(401, wrong), busy]);
    let driver = server.driver();
    let create = change("catalog", catalog(), None, Call::Create);
    assert_eq!(applied(&driver, &create).await, "refused Unauthenticated");
    assert_eq!(applied(&driver, &create).await, "busy Busy 3000");
    assert_eq!(server.calls().len(), 0);
}

#[tokio::test]
async fn what_an_answer_to_a_change_means() {
    let code = |status, code: &str| Reply::Json(status, json!({"error_code": code, "message": "m"}));
    let wait = |value: &str| Reply::Raw(429, vec![("retry-after", value.to_owned())], Vec::new());
    let cases = [
        (Reply::Json(200, json!({"name": "prod"})), "done prod"),
        (code(400, "CATALOG_ALREADY_EXISTS"), "refused Conflict"),
        (code(400, "INVALID_PARAMETER_VALUE"), "refused BadRequest"),
        (code(403, "PERMISSION_DENIED"), "refused PermissionDenied"),
        (code(400, "QUOTA_EXCEEDED"), "refused Quota"),
        (code(501, ""), "refused NotImplemented"),
        (wait("7"), "busy Busy 7000"),
        (wait("soon"), "busy Busy -"),
        (code(503, "TEMPORARILY_UNAVAILABLE"), "busy Busy -"),
        (code(500, "INTERNAL_ERROR"), "no answer Internal"),
        (code(502, ""), "no answer Internal"),
        (code(504, ""), "no answer Internal"),
        (Reply::Raw(200, Vec::new(), b"<html>".to_vec()), "no answer Garbled"),
        (Reply::Json(200, json!({"name": "../x"})), "no answer Garbled"),
        (Reply::Raw(302, vec![("location", "/login.html".to_owned())], Vec::new()), "refused Garbled"),
    ];
    let server = Server::start().await;
    let driver = server.driver();
    for (reply, expected) in cases {
        server.on(&format!("POST {UNITY}/catalogs"), [reply]);
        assert_eq!(applied(&driver, &change("catalog", catalog(), None, Call::Create)).await, expected);
    }
}

#[tokio::test]
async fn a_refusal_keeps_code_status_and_request_id() {
    let server = Server::start().await;
    let body = json!({"error_code": "INVALID_PARAMETER_VALUE", "message": "bad dapi0123456789abcdef"});
    server.on(&format!("POST {UNITY}/catalogs"), [Reply::Json(400, body)]);
    let create = change("catalog", catalog(), None, Call::Create);
    let ApplyOutcome::Refused(cause) = server.driver().apply(&create, TIMEOUT).await else {
        panic!("not refused")
    };
    assert_eq!(
        cause.to_string(),
        "create of databricks.catalog was answered with status 400: bad … (INVALID_PARAMETER_VALUE) [request req-7]"
    );
    assert_eq!(cause.status, Some(400));
}

#[tokio::test]
async fn a_delete_of_what_is_gone_is_done() {
    let server = Server::start().await;
    let delete = |live: Value| change("catalog", catalog(), Some("prod"), Call::Delete { live });
    assert_eq!(applied(&server.driver(), &delete(json!({"name": "prod"}))).await, "done prod");
    let parent = json!({"error_code": "MANAGED_BY_PARENT", "message": "m"});
    server.on(&format!("DELETE {UNITY}/catalogs/prod"), [Reply::Json(400, parent)]);
    assert_eq!(applied(&server.driver(), &delete(json!({}))).await, "done prod");
    assert_eq!(
        server.lines(),
        [format!("DELETE {UNITY}/catalogs/prod"), format!("DELETE {UNITY}/catalogs/prod")]
    );
}

#[tokio::test]
async fn nothing_was_done_where_nobody_listens_and_doubt_remains_where_nobody_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let create = change("catalog", catalog(), None, Call::Create);
    let pat = || Auth::Pat(Secret::new("dapi-test"));
    assert_eq!(applied(&driver(&nobody, pat()), &create).await, "busy Busy -");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let rude = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut start = [0; 16];
            stream.readable().await.unwrap();
            let _ = stream.try_read(&mut start);
        }
    });
    assert_eq!(applied(&driver(&rude, pat()), &create).await, "no answer NoAnswer");

    let server = Server::start().await;
    server.on(&format!("POST {UNITY}/catalogs"), [Reply::Hang]);
    server.on(&format!("GET {UNITY}/catalogs/prod"), [Reply::Hang]);
    let patient = driver(&server.address, pat());
    assert_eq!(told(patient.apply(&create, Millis(200)).await), "no answer NoAnswer");
    let Observation::Unreadable(cause) = patient.observe(&create.target, Millis(200)).await else {
        panic!("read")
    };
    assert_eq!(cause.class, CauseClass::NoAnswer);
}

#[tokio::test]
async fn lists_are_read_to_the_end_even_through_empty_pages() {
    let server = Server::start().await;
    let page = |names: &[&str], token: Option<&str>| {
        let items: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
        Reply::Json(200, json!({"catalogs": items, "next_page_token": token}))
    };
    let pages =
        [page(&["a"], Some("1")), Reply::Json(200, json!({"next_page_token": "2"})), page(&["b"], None)];
    server.on(&format!("GET {UNITY}/catalogs"), pages);
    let kind = KindName::new("databricks.catalog").unwrap();
    let listing = server.driver().list(&kind, &workspace(), TIMEOUT).await;
    assert_eq!(listing, Listing::Complete(vec![json!({"name": "a"}), json!({"name": "b"})]));
    let query = "include_unbound=true&max_results=0";
    let path = format!("GET {UNITY}/catalogs?{query}");
    assert_eq!(
        server.lines(),
        [path.clone(), format!("{path}&page_token=1"), format!("{path}&page_token=2")]
    );
    let unlisted = KindName::new("databricks.grants").unwrap();
    assert_eq!(server.driver().list(&unlisted, &workspace(), TIMEOUT).await, Listing::Unsupported);
}

#[tokio::test]
async fn groups_are_found_by_filter_and_read_by_id() {
    let server = Server::start().await;
    let path = format!("{ACCOUNT}/scim/v2/Groups");
    let found = json!({"totalResults": 1, "Resources": [{"id": "9", "displayName": "nurses"}]});
    server.json(&format!("GET {path}"), found);
    server.json(
        &format!("GET {path}/9"),
        json!({"id": "9", "displayName": "nurses", "members": [{"value": "1"}]}),
    );
    let group = target("group", json!({"displayName": "Nurses"}), None);
    let live = observed(&server.driver(), &group).await;
    assert_eq!(live, r#"9 {"displayName":"nurses","id":"9","members":[{"value":"1"}]}"#);
    let first = format!("GET {path}?filter=displayName+eq+%22Nurses%22&startIndex=1&count=1000");
    assert_eq!(server.lines(), [first, format!("GET {path}/9")]);
}

#[tokio::test]
async fn an_assignment_is_found_among_those_of_its_workspace() {
    let server = Server::start().await;
    let path = format!("GET {ACCOUNT}/workspaces/47/permissionassignments");
    let one = |id: u64| json!({"principal": {"principal_id": id}, "permissions": ["USER"]});
    server.json(&path, json!({"permission_assignments": [one(8), one(9)]}));
    let spec = json!({"workspace_id": "47", "principal_id": "9", "permissions": ["USER"]});
    let observation =
        server.driver().observe(&target("workspace_assignment", spec.clone(), None), TIMEOUT).await;
    let Observation::Present { id, live } = observation else { panic!("{observation:?}") };
    assert_eq!(id, "47/9");
    let kind = Registry::standard().get(&KindName::new("databricks.workspace_assignment").unwrap()).unwrap();
    let ask = Ask { desired: Some(&spec), applied: None, live: Some(&live) };
    assert_eq!(assess(kind, &ask), Assessment::Matches);
    let other = json!({"workspace_id": "47", "principal_id": "10", "permissions": ["USER"]});
    assert_eq!(observed(&server.driver(), &target("workspace_assignment", other, None)).await, "absent");
}

#[tokio::test]
async fn two_objects_of_one_name_cannot_be_told_apart() {
    let server = Server::start().await;
    let one = |id: &str, status: &str| json!({"config_id": id, "config_name": "audit", "status": status});
    let path = format!("GET {ACCOUNT}/log-delivery");
    let spec = target("log_delivery", json!({"config_name": "audit"}), None);
    server.json(&path, json!({"log_delivery_configurations": [one("a", "ENABLED"), one("b", "ENABLED")]}));
    let told = observed(&server.driver(), &spec).await;
    assert_eq!(told, "Conflict: 2 objects of databricks.log_delivery have the same natural key");
    server.json(&path, json!({"log_delivery_configurations": [one("a", "DISABLED"), one("b", "ENABLED")]}));
    assert!(observed(&server.driver(), &spec).await.starts_with("b "));
}

#[tokio::test]
async fn grants_are_absent_while_there_are_none_and_come_in_pages() {
    let server = Server::start().await;
    let path = format!("GET {UNITY}/permissions/catalog/prod");
    server.json(&path, json!({}));
    let spec = json!({"securable_type": "catalog", "full_name": "prod", "privilege_assignments": []});
    let grants = target("grants", spec, None);
    assert_eq!(observed(&server.driver(), &grants).await, "absent");
    let page = |who: &str, token: Option<&str>| {
        let grant = json!({"principal": who, "privileges": ["SELECT"]});
        Reply::Json(200, json!({"privilege_assignments": [grant], "next_page_token": token}))
    };
    server.on(&path, [page("a", Some("t")), page("b", None)]);
    let Observation::Present { id, live } = server.driver().observe(&grants, TIMEOUT).await else {
        panic!("read")
    };
    assert_eq!(
        (id.as_str(), live["privilege_assignments"].as_array().map(Vec::len)),
        ("catalog/prod", Some(2))
    );
}

#[tokio::test]
async fn a_stale_etag_means_look_again() {
    let server = Server::start().await;
    let path = "/api/2.0/settings/types/shield_csp_enablement_ws_db/names/default";
    let field = "compliance_security_profile_workspace";
    server.json(
        &format!("GET {path}"),
        json!({"etag": "e2", "setting_name": "default", field: {"is_enabled": false}}),
    );
    let stale = json!({"error_code": "RESOURCE_CONFLICT", "message": "etag"});
    server.on(&format!("PATCH {path}"), [Reply::Json(409, stale), Reply::Json(200, json!({"etag": "e3"}))]);
    let spec = json!({"type": "shield_csp_enablement_ws_db", "value": {field: {"is_enabled": true}}});
    let driver = server.driver();
    let setting = target("workspace_setting", spec.clone(), None);
    let Observation::Present { id, live } = driver.observe(&setting, TIMEOUT).await else { panic!("read") };
    assert_eq!((id.as_str(), &live["etag"]), ("shield_csp_enablement_ws_db", &json!("e2")));
    let update = change("workspace_setting", spec, Some(&id), Call::Update { changes: Vec::new(), live });
    assert_eq!(applied(&driver, &update).await, "busy Conflict -");
    assert_eq!(applied(&driver, &update).await, "done shield_csp_enablement_ws_db");
    assert_eq!(server.calls()[1].body["setting"]["etag"], "e2");
}

#[tokio::test]
async fn every_create_goes_where_its_table_says() {
    let server = Server::start().await;
    let driver = server.driver();
    let cases = [
        (
            "budget",
            json!({"display_name": "b", "alert_configurations": []}),
            "POST /api/2.1/accounts/acc/budgets",
            json!({"budget": {"budget_configuration_id": "b-1"}}),
            "done b-1",
        ),
        (
            "metastore_assignment",
            json!({"workspace_id": "47", "metastore_id": "m"}),
            "POST /api/2.0/accounts/acc/workspaces/47/metastores/m",
            json!({}),
            "done 47",
        ),
        (
            "volume",
            json!({"catalog_name": "c", "schema_name": "s", "name": "V", "volume_type": "MANAGED"}),
            "POST /api/2.1/unity-catalog/volumes",
            json!({"full_name": "c.s.v"}),
            "done c.s.v",
        ),
        (
            "permissions",
            json!({"object_type": "sql/warehouses", "object_id": "w1", "access_control_list": []}),
            "PUT /api/2.0/permissions/sql/warehouses/w1",
            json!({}),
            "done sql/warehouses/w1",
        ),
        (
            "cluster_policy",
            json!({"name": "p", "definition": {}}),
            "POST /api/2.0/policies/clusters/create",
            json!({"policy_id": "p-1"}),
            "done p-1",
        ),
        (
            "workspace",
            json!({"workspace_name": "w", "aws_region": "r"}),
            "POST /api/2.0/accounts/acc/workspaces",
            json!({"workspace_id": 4711}),
            "done 4711",
        ),
    ];
    for (kind, spec, line, body, expected) in cases {
        server.json(line, body);
        assert_eq!(applied(&driver, &change(kind, spec, None, Call::Create)).await, expected);
        assert_eq!(server.lines().last().map(String::as_str), Some(line));
    }
}

#[tokio::test]
async fn a_replacement_deletes_what_is_there_not_what_will_be() {
    let server = Server::start().await;
    let spec = json!({"workspace_id": "47", "metastore_id": "new"});
    let live = json!({"workspace_id": 47, "metastore_id": "old"});
    applied(&server.driver(), &change("metastore_assignment", spec, None, Call::Delete { live })).await;
    assert_eq!(server.lines(), [format!("DELETE {ACCOUNT}/workspaces/47/metastores/old")]);
}

#[tokio::test]
async fn hostile_answers_to_a_read_are_not_understood() {
    let text = |status, body: &str| Reply::Raw(status, Vec::new(), body.as_bytes().to_vec());
    let login = "https://w.example/login.html?error=private-link-validation-error";
    let cases = [
        (text(200, "<html>log in</html>"), "Garbled"),
        (text(200, "{\"name\": "), "Garbled"),
        (text(200, "\"text\""), "Garbled"),
        (text(200, "[]"), "Garbled"),
        (Reply::Json(200, json!({"name": "../../token"})), "prod"),
        (Reply::Raw(200, Vec::new(), vec![b' '; (32 << 20) + 1]), "Garbled"),
        (Reply::Raw(302, vec![("location", login.to_owned())], Vec::new()), "PermissionDenied"),
        (Reply::Raw(302, vec![("location", "/".to_owned())], Vec::new()), "Garbled"),
    ];
    let server = Server::start().await;
    let driver = server.driver();
    for (reply, expected) in cases {
        server.on(&format!("GET {UNITY}/catalogs/prod"), [reply]);
        let told = observed(&driver, &target("catalog", catalog(), None)).await;
        assert!(told.starts_with(expected), "{told}");
    }
    assert!(server.lines().iter().all(|line| line.ends_with("/catalogs/prod")), "a redirect was followed");
}

#[tokio::test]
async fn an_id_that_would_leave_its_path_is_refused() {
    let server = Server::start().await;
    let hostile = json!([{"workspace_id": "../../metastores/m", "workspace_name": "w"}]);
    server.json(&format!("GET {ACCOUNT}/workspaces"), hostile);
    let spec = json!({"workspace_name": "w"});
    let told = observed(&server.driver(), &target("workspace", spec.clone(), None)).await;
    assert!(told.starts_with("Garbled: "), "{told}");
    let delete = Call::Delete { live: json!({"workspace_id": "../../metastores/m"}) };
    assert_eq!(
        applied(&server.driver(), &change("workspace", spec, None, delete)).await,
        "refused BadRequest"
    );
    assert_eq!(server.lines().len(), 1);
}

#[tokio::test]
async fn a_list_that_does_not_end_is_given_up() {
    let server = Server::start().await;
    let kind = KindName::new("databricks.catalog").unwrap();
    let same = Reply::Json(200, json!({"catalogs": [], "next_page_token": "same"}));
    for reply in [Reply::Endless(60_000), same] {
        server.on(&format!("GET {UNITY}/catalogs"), [reply]);
        let Listing::Unreadable(cause) = server.driver().list(&kind, &workspace(), TIMEOUT).await else {
            panic!("read")
        };
        assert_eq!(cause.class, CauseClass::Garbled);
    }
    assert!(server.lines().len() < 10);
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let told = |host: &str, account: &str| {
        let auth = Auth::Pat(Secret::new("t"));
        let settings = Settings {
            account_host: host.to_owned(),
            account_id: account.to_owned(),
            auth,
            user_agent: "landfall/0.0.0".to_owned(),
        };
        Databricks::new(settings)
            .map(|_| "fine".to_owned())
            .unwrap_or_else(|error: BadSettings| error.to_string())
    };
    assert_eq!(told("accounts.cloud.databricks.com", "acc"), "fine");
    assert_eq!(told("accounts.cloud.databricks.com", "a/../b"), "the account id is missing or not an id");
    assert!(told("http://accounts.cloud.databricks.com", "acc").contains("must begin with https://"));
    assert!(told("not an address", "acc").contains("is not an address"));
}
