//! The sandbox over real HTTP: sign-in, faults, paging, persistence, and what must be refused.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use landfall::base::secret::Secret;
use landfall::base::time::Timestamp;
use landfall::sandbox::{ClientCredential, Config, Durations, Fault, FaultKind, Now, Sandbox, serve};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

const ACCOUNT: &str = "11111111-2222-4333-8444-555555555555";

fn config() -> Config {
    let mut config = Config::new(ACCOUNT);
    let client = |id: &str, read_only| ClientCredential {
        id: id.into(),
        secret: Secret::new(format!("{id}-secret")),
        read_only,
    };
    config.clients = vec![client("writer", false), client("reader", true)];
    config.pats = vec![Secret::new("dapi-test")];
    config.admin_token = Some(Secret::new("admin-token"));
    config.durations = Durations::IMMEDIATE;
    config.page_size = 2;
    config
}

fn still_clock() -> Now {
    Arc::new(|| Timestamp::from_millis(1_700_000_000_000))
}

/// A sandbox that serves until it is dropped.
struct Server {
    sandbox: Sandbox,
    address: SocketAddr,
    http: Client,
    stop: Option<oneshot::Sender<()>>,
}

impl Server {
    async fn start(config: Config) -> Server {
        Server::start_at(config, still_clock()).await
    }

    async fn start_at(config: Config, now: Now) -> Server {
        let sandbox = Sandbox::open(config, now).expect("a sandbox");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = serve(sandbox.clone(), listener, async {
            let _ = stopped.await;
        });
        tokio::spawn(serving);
        let http = Client::builder().timeout(Duration::from_secs(30)).build().expect("a client");
        Server { sandbox, address, http, stop: Some(stop) }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn token_at(&self, path: &str, client: &str) -> String {
        let secret = format!("{client}-secret");
        let answer = self
            .http
            .post(self.url(path))
            .basic_auth(client, Some(secret))
            .form(&[("grant_type", "client_credentials"), ("scope", "all-apis")])
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK);
        let body: Value = answer.json().await.expect("JSON");
        assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(3600)));
        body["access_token"].as_str().expect("a token").to_owned()
    }

    async fn token(&self, client: &str) -> String {
        self.token_at(&format!("/oidc/accounts/{ACCOUNT}/v1/token"), client).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let mut request = self.http.request(method, self.url(path)).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("an answer");
        assert!(answer.headers().contains_key("x-request-id"));
        let status = answer.status();
        (status, answer.json().await.unwrap_or(Value::Null))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
    }
}

fn account(path: &str) -> String {
    format!("/api/2.0/accounts/{ACCOUNT}/{path}")
}

fn group(name: &str) -> Option<Value> {
    Some(json!({ "displayName": name }))
}

#[tokio::test]
async fn clients_find_the_endpoints_and_sign_in() {
    let server = Server::start(config()).await;
    let get = |path: &str| server.http.get(server.url(path)).send();
    let host: Value = get("/.well-known/databricks-config").await.expect("sent").json().await.expect("JSON");
    assert_eq!(host["account_id"], ACCOUNT);
    let root = host["oidc_endpoint"].as_str().expect("an endpoint").replace("{account_id}", ACCOUNT);
    let found = server.http.get(format!("{root}/.well-known/oauth-authorization-server")).send();
    let found: Value = found.await.expect("sent").json().await.expect("JSON");
    assert_eq!(found["token_endpoint"], server.url(&format!("/oidc/accounts/{ACCOUNT}/v1/token")));

    let in_form =
        [("grant_type", "client_credentials"), ("client_id", "writer"), ("client_secret", "writer-secret")];
    let post = server.http.post(server.url("/oidc/v1/token")).form(&in_form);
    assert_eq!(post.send().await.expect("sent").status(), 200);
    for (client, secret) in [("writer", "wrong"), ("nobody", "writer-secret"), ("writer", "reader-secret")] {
        let post = server.http.post(server.url("/oidc/v1/token")).basic_auth(client, Some(secret));
        let answer = post.form(&[("grant_type", "client_credentials")]).send().await.expect("sent");
        assert_eq!(answer.status(), 401, "{client} {secret}");
        let body: Value = answer.json().await.expect("JSON");
        assert_eq!(body["error"], "invalid_client");
    }
    let other = server.http.post(server.url("/oidc/v1/token")).basic_auth("writer", Some("writer-secret"));
    let other = other.form(&[("grant_type", "password")]).send().await.expect("sent");
    assert_eq!(other.status(), 400);
}

#[tokio::test]
async fn a_token_is_good_for_its_level_and_its_hour() {
    let hands = Arc::new(AtomicI64::new(1_700_000_000_000));
    let clock = hands.clone();
    let now: Now = Arc::new(move || Timestamp::from_millis(clock.load(Ordering::SeqCst)));
    let server = Server::start_at(config(), now).await;
    let (own, workspace) = (server.token("writer").await, server.token_at("/oidc/v1/token", "writer").await);
    let path = account("workspaces");
    assert_eq!(server.send(Method::GET, &path, &own, None).await.0, 200);
    for bad in [workspace.as_str(), "dapi-test", "", "admin-token"] {
        assert_eq!(server.send(Method::GET, &path, bad, None).await.0, 401, "{bad}");
    }
    assert_eq!(server.http.get(server.url(&path)).send().await.expect("sent").status(), 401);
    hands.fetch_add(3_600_000, Ordering::SeqCst);
    assert_eq!(server.send(Method::GET, &path, &own, None).await.0, 401);
}

#[tokio::test]
async fn a_workspace_is_named_by_header_or_by_host() {
    let server = Server::start(config()).await;
    let token = server.token("writer").await;
    let body = json!({ "workspace_name": "w", "aws_region": "r", "compute_mode": "SERVERLESS" });
    let (_, made) = server.send(Method::POST, &account("workspaces"), &token, Some(body)).await;
    let id = made["workspace_id"].to_string();
    let deployment = made["deployment_name"].as_str().expect("a name").to_owned();
    let me = server.url("/api/2.0/preview/scim/v2/Me");
    let get = || server.http.get(&me).bearer_auth("dapi-test");
    assert_eq!(get().send().await.expect("sent").status(), 400, "no workspace is named");
    assert_eq!(get().header("x-databricks-workspace-id", "7").send().await.expect("sent").status(), 404);
    let host = format!("{deployment}.localhost:{}", server.address.port());
    for request in [
        get().header("X-Databricks-Workspace-Id", &id),
        get().header("X-Databricks-Org-Id", &id),
        get().header("Host", &host),
    ] {
        let answer = request.send().await.expect("sent");
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["x-databricks-org-id"], id.as_str());
    }
    let config = server.http.get(server.url("/.well-known/databricks-config")).header("Host", &host);
    let config: Value = config.send().await.expect("sent").json().await.expect("JSON");
    assert_eq!(
        (&config["workspace_id"], &config["oidc_endpoint"]),
        (&json!(id), &json!(format!("http://{host}/oidc")))
    );
}

#[tokio::test]
async fn a_cut_connection_took_effect() {
    let server = Server::start(config()).await;
    let token = server.token("writer").await;
    let path = account("scim/v2/Groups");
    let kind = FaultKind::AfterEffect { status: None };
    server.sandbox.add_fault(Fault { skip: 1, ..Fault::once(format!("POST {path}"), kind) });
    assert_eq!(server.send(Method::POST, &path, &token, group("one")).await.0, 201);
    let cut = server.http.post(server.url(&path)).bearer_auth(&token).json(&group("two")).send().await;
    let error = cut.expect_err("the connection is cut");
    assert!(error.is_request() || error.is_connect(), "{error:?}");
    let (_, list) = server.send(Method::GET, &path, &token, None).await;
    assert_eq!(list["totalResults"], 2);
    let statuses: Vec<u16> =
        server.sandbox.requests().iter().filter(|one| one.mutating).map(|one| one.status).collect();
    assert_eq!(statuses, [201, 0]);
}

#[tokio::test]
async fn the_admin_paths_are_for_the_admin_token() {
    let server = Server::start(config()).await;
    let own = server.token("writer").await;
    for token in [own.as_str(), "", "dapi-test"] {
        for path in ["/__sandbox/state", "/__sandbox/requests", "/__sandbox/faults"] {
            assert_eq!(server.send(Method::GET, path, token, None).await.0, 401, "{path}");
        }
    }
    let rule = json!({ "pattern": "GET *", "kind": "unavailable", "times": 1 });
    assert_eq!(server.send(Method::POST, "/__sandbox/faults", "admin-token", Some(rule)).await.0, 200);
    let bad = json!({ "pattern": "GET *", "kind": "explode" });
    assert_eq!(server.send(Method::POST, "/__sandbox/faults", "admin-token", Some(bad)).await.0, 400);
    assert_eq!(server.send(Method::GET, &account("workspaces"), &own, None).await.0, 503);
    assert_eq!(server.send(Method::GET, &account("workspaces"), &own, None).await.0, 200);
    let (_, log) = server.send(Method::GET, "/__sandbox/requests", "admin-token", None).await;
    let text = log.to_string();
    assert!(text.contains("\"status\":503") && !text.contains(&own) && !text.contains("secret"), "{text}");
    server.send(Method::DELETE, "/__sandbox/requests", "admin-token", None).await;
    assert!(server.sandbox.requests().is_empty());
    let (_, state) = server.send(Method::GET, "/__sandbox/state", "admin-token", None).await;
    assert_eq!(state, server.sandbox.state());
    assert!(!state.to_string().contains("secret"));
}

#[tokio::test]
async fn lists_are_walked_to_their_ends() {
    let server = Server::start(config()).await;
    let token = server.token("writer").await;
    let path = account("network-connectivity-configs");
    for number in 0..5 {
        let body = json!({ "name": format!("ncc-{number}"), "region": "us-west-2" });
        assert_eq!(server.send(Method::POST, &path, &token, Some(body)).await.0, 200);
        server.send(Method::POST, &account("scim/v2/Groups"), &token, group(&format!("g{number}"))).await;
    }
    let (mut names, mut next) = (Vec::new(), String::new());
    loop {
        let (_, page) = server.send(Method::GET, &format!("{path}?page_token={next}"), &token, None).await;
        let items = page["items"].as_array().cloned().unwrap_or_default();
        assert!(items.len() <= 2);
        names.extend(items.iter().map(|item| item["name"].to_string()));
        match page["next_page_token"].as_str() {
            Some(token) => next = token.to_owned(),
            None => break,
        }
    }
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 5);
    assert_eq!(server.send(Method::GET, &format!("{path}?page_token=nonsense"), &token, None).await.0, 400);
    let groups = account("scim/v2/Groups?startIndex=5&count=10000");
    let (_, last) = server.send(Method::GET, &groups, &token, None).await;
    assert_eq!((&last["totalResults"], last["Resources"].as_array().map(Vec::len)), (&json!(5), Some(1)));
    let (_, array) = server.send(Method::GET, &account("credentials"), &token, None).await;
    assert_eq!(array, json!([]));
}

#[tokio::test]
async fn state_outlives_the_server_and_tokens_do_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = || Config { state_dir: Some(folder.path().join("state")), ..config() };
    let server = Server::start(kept()).await;
    let old = server.token("writer").await;
    server.send(Method::POST, &account("scim/v2/Groups"), &old, group("g")).await;
    let before = server.sandbox.state();
    // As after `kill -9`: a copy of the files while the first server still has them open.
    let copy = tempfile::tempdir().expect("a folder");
    for file in std::fs::read_dir(folder.path().join("state")).expect("files") {
        let file = file.expect("a file");
        std::fs::copy(file.path(), copy.path().join(file.file_name())).expect("copied");
    }
    let second = Config { state_dir: Some(copy.path().to_owned()), ..config() };
    let again = Server::start(second).await;
    assert_eq!(again.sandbox.state(), before);
    assert_eq!(again.send(Method::GET, &account("workspaces"), &old, None).await.0, 401);
    let token = again.token("writer").await;
    assert_eq!(again.send(Method::POST, &account("scim/v2/Groups"), &token, group("g")).await.0, 409);
}

#[tokio::test]
async fn damaged_state_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("sandbox.sqlite"), b"this is not a database at all").expect("written");
    let config = Config { state_dir: Some(folder.path().to_owned()), ..config() };
    assert!(Sandbox::open(config, still_clock()).is_err());
}

#[tokio::test]
async fn it_does_not_listen_to_the_world() {
    let sandbox = Sandbox::open(config(), still_clock()).expect("a sandbox");
    let listener = TcpListener::bind("0.0.0.0:0").await.expect("a listener");
    let error = serve(sandbox, listener, std::future::pending()).await.expect_err("refused");
    assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied);
}

/// Sends bytes as they are and gives the status line's number.
async fn raw(server: &Server, request: &str) -> u16 {
    let mut stream = TcpStream::connect(server.address).await.expect("connected");
    stream.write_all(request.as_bytes()).await.expect("written");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("read");
    let text = String::from_utf8_lossy(&answer);
    text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

#[tokio::test]
async fn hostile_requests_are_refused_and_do_no_harm() {
    let server = Server::start(config()).await;
    let token = server.token("writer").await;
    let before = server.sandbox.state();
    let path = account("scim/v2/Groups");
    let huge = vec![b' '; (4 << 20) + 1];
    let post = |body: Vec<u8>| server.http.post(server.url(&path)).bearer_auth(&token).body(body).send();
    assert_eq!(post(huge).await.expect("sent").status(), 413);
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    for bad in [
        b"{".to_vec(),
        b"[]".to_vec(),
        b"\xff\xfe".to_vec(),
        b"{\"displayName\": 1e999}".to_vec(),
        deep.into_bytes(),
    ] {
        let answer = post(bad).await.expect("sent");
        assert_eq!(answer.status(), 400);
        assert_eq!(answer.json::<Value>().await.expect("JSON")["error_code"], "MALFORMED_REQUEST");
    }
    let request = |target: &str| {
        format!(
            "GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        )
    };
    for (target, status) in [
        (format!("/api/2.0/accounts/{ACCOUNT}/../../../etc/passwd"), 501),
        (format!("/api/2.0/accounts/{ACCOUNT}/workspaces/..%2f..%2fetc%2fpasswd"), 404),
        (format!("/api/2.0/accounts/{ACCOUNT}/workspaces/%ff"), 400),
        (format!("/api/2.0/accounts/{ACCOUNT}/workspaces/%zz"), 400),
        (format!("/api/2.0/accounts/{ACCOUNT}/workspaces/a%00b"), 400),
        (format!("/api/2.0/accounts/{ACCOUNT}/workspaces?page_token=%"), 400),
        ("/".to_owned(), 501),
        ("//".to_owned(), 501),
    ] {
        assert_eq!(raw(&server, &request(&target)).await, status, "{target}");
    }
    let host =
        "GET /.well-known/databricks-config HTTP/1.1\r\nHost: a\"b<script>\r\nConnection: close\r\n\r\n";
    assert!(matches!(raw(&server, host).await, 200 | 400));
    assert_eq!(server.sandbox.state(), before);
}

#[tokio::test]
async fn calls_at_the_same_time_give_the_same_state_as_one_after_another() {
    let (one, other) = (Server::start(config()).await, Server::start(config()).await);
    let path = account("scim/v2/Groups");
    let token = one.token("writer").await;
    let calls = (0..20).map(|number| {
        let (http, url, token) = (one.http.clone(), one.url(&path), token.clone());
        tokio::spawn(async move {
            let body = json!({ "displayName": format!("g{number}") });
            http.post(url).bearer_auth(token).json(&body).send().await.expect("sent").status()
        })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.expect("done"), 201);
    }
    let token = other.token("writer").await;
    for number in 0..20 {
        other.send(Method::POST, &path, &token, group(&format!("g{number}"))).await;
    }
    assert_eq!(one.sandbox.state(), other.sandbox.state());
}
