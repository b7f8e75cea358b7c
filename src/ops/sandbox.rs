//! Serves the sandbox over loopback HTTP until it is asked to stop.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;

use crate::base::secret::Secret;
use crate::base::time::Millis;
use crate::ops::error::Failure;
use crate::ops::target::random_id;
use crate::runner::clock::Clock;
use crate::runner::stop::Stop;
use crate::sandbox::{ClientCredential, Conditions, Config, Durations, Sandbox, serve};

/// How a sandbox is to be served.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Loopback address and port.
    pub listen: String,
    /// The account it answers for.
    pub account_id: String,
    /// Where its state is kept; in memory without one.
    pub dir: Option<PathBuf>,
    /// Seconds a workspace takes to come up.
    pub workspace_seconds: u64,
    /// What ids are derived from.
    pub seed: u64,
    /// Tag keys without which workspaces and budget policies are refused.
    pub required_tags: Vec<String>,
    /// What it is like to call it.
    pub conditions: Conditions,
    /// Items of one page of its lists; its own number without one.
    pub page_size: Option<usize>,
}

/// A sandbox that is about to serve, and how to reach it.
#[derive(Debug)]
pub struct Address {
    /// Where it listens.
    pub address: SocketAddr,
    /// The account.
    pub account_id: String,
    /// A client that may do everything: id and secret.
    pub client: (String, Secret),
    /// A client that may only read: id and secret.
    pub reader: (String, Secret),
    /// The token for requests, faults and state under `/__sandbox`.
    pub admin: Secret,
}

/// Serves until asked to stop. `ready` is told how to reach it.
///
/// # Errors
///
/// If the address is not loopback or is taken, or the state cannot be opened.
pub async fn run(wanted: Wanted, stop: Stop, ready: &mut dyn FnMut(&Address)) -> Result<(), Failure> {
    let failed = |what: String| Failure::failed(format!("sandbox: {what}"));
    // Before anything listens or a secret is shown.
    let listen = loopback(&wanted.listen).await?;
    let (client, reader, admin) = secrets()?;
    let mut config = Config::new(&wanted.account_id);
    config.clients = vec![
        ClientCredential { id: client.0.clone(), secret: client.1.clone(), read_only: false },
        ClientCredential { id: reader.0.clone(), secret: reader.1.clone(), read_only: true },
    ];
    config.admin_token = Some(admin.clone());
    config.seed = wanted.seed;
    config.state_dir = wanted.dir;
    config.required_tags = wanted.required_tags;
    config.conditions = wanted.conditions;
    if let Some(page_size) = wanted.page_size {
        config.page_size = page_size.max(1);
    }
    let workspace = Millis::from_secs(wanted.workspace_seconds);
    config.durations = Durations { workspace, ..Durations::IMMEDIATE };
    let clock = Clock::Real;
    let sandbox = Sandbox::open(config, Arc::new(move || clock.now())).map_err(|e| failed(e.to_string()))?;
    let listener = TcpListener::bind(listen).await.map_err(|e| failed(format!("{}: {e}", wanted.listen)))?;
    let address = listener.local_addr().map_err(|e| failed(e.to_string()))?;
    ready(&Address { address, account_id: wanted.account_id, client, reader, admin });
    let stopped = async move { stop.asked().await };
    serve(sandbox, listener, stopped).await.map_err(|e| failed(e.to_string()))
}

/// The address of these words, if it can be reached from this machine only.
async fn loopback(listen: &str) -> Result<SocketAddr, Failure> {
    let help = "write a loopback address and a port, such as 127.0.0.1:0";
    let found = tokio::net::lookup_host(listen).await.map(|mut all| all.next());
    match found {
        Ok(Some(address)) if address.ip().is_loopback() => Ok(address),
        Ok(Some(address)) => {
            let message = format!("the sandbox listens on loopback addresses only, not on {address}");
            Err(Failure::usage(message, help))
        }
        Ok(None) | Err(_) => Err(Failure::usage(format!("`{listen}` is not an address to listen on"), help)),
    }
}

type Signin = (String, Secret);

/// New secrets for this process; they end with it.
fn secrets() -> Result<(Signin, Signin, Secret), Failure> {
    let signin =
        || -> Result<Signin, Failure> { Ok((uuid::Uuid::now_v7().to_string(), Secret::new(random_id()?))) };
    Ok((signin()?, signin()?, Secret::new(random_id()?)))
}
