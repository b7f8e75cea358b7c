//! Reaching a target: the sandbox inside this process, or an account over HTTP.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::base::id::KindName;
use crate::base::limits;
use crate::base::secret::Secret;
use crate::base::time::{Millis, Timestamp};
use crate::driver::credentials;
use crate::driver::databricks::{Auth, Databricks, Settings};
use crate::driver::patience::Patience;
use crate::driver::{AuditSource, Driver, Listing, Place};
use crate::entropy::Entropy;
use crate::model::estate::{CalendarUse, Loaded, TargetDriver, TargetSpec};
use crate::model::outcome::CauseClass;
use crate::model::plan::TargetName;
use crate::ops::Context;
use crate::ops::error::Failure;
use crate::ops::reads::Reads;
use crate::ops::reads::patient::Patient;
use crate::pacing::Rates;
use crate::runner::clock::Clock;
use crate::sandbox::{ClientCredential, Config, Durations, Sandbox, serve};

/// What the plan calls the host of a sandbox inside the process.
pub const EMBEDDED: &str = "embedded";

/// What is listed to see whether sign-in works: every account has this call.
const ASKED_FIRST: &str = "databricks.workspace";

/// The identity that the sandbox inside this process knows us by: the same in each process, so that its audit events stay
/// those of one identity. The secret is another one each time.
const EMBEDDED_CLIENT: &str = "landfall";

/// A target that can be called.
pub struct Reached {
    /// How, for a launch: one call for each that is asked for, and it decides itself what to do with the answer.
    pub driver: Arc<dyn Driver>,
    /// How, for everything that only looks: reads wait for their lanes, and are sent again while the target is busy.
    pub reader: Arc<dyn Driver>,
    /// Its name and address.
    pub name: TargetName,
    /// Deadline of one call.
    pub call_timeout: Millis,
    /// How many calls it takes; a sandbox takes any number.
    pub rates: Option<Rates>,
    /// Calls under way at once.
    pub calls_at_once: usize,
    /// Whether changes wait for the sites' calendars.
    pub calendar: CalendarUse,
    /// Who tells which identity changed what. A real account delivers its audit log to storage, where nobody asks it yet.
    pub audit: Option<Arc<dyn AuditSource>>,
    patience: Option<Arc<Patient>>,
    /// The sandbox inside this process, if that is what it is. Dropping it stops the server.
    pub embedded: Option<Embedded>,
}

impl Reached {
    /// A target of which nobody has seen more than its name: what is asked of it is left to this driver.
    pub fn unseen(driver: Arc<dyn Driver>, name: TargetName) -> Self {
        Self {
            reader: Arc::clone(&driver),
            driver,
            name,
            call_timeout: limits::CALL_TIMEOUT,
            rates: None,
            calls_at_once: limits::CALLS_MAX,
            calendar: CalendarUse::Observe,
            audit: None,
            patience: None,
            embedded: None,
        }
    }

    /// How to look at it.
    pub fn reads(&self) -> Reads {
        Reads { driver: Arc::clone(&self.reader), timeout: self.call_timeout, at_once: self.calls_at_once }
    }

    /// Has somebody told when reads wait for long.
    pub fn told(self, tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        if let Some(patience) = &self.patience {
            patience.listen(tell);
        }
        self
    }
}

/// A sandbox that serves inside this process.
pub struct Embedded {
    /// The sandbox.
    pub sandbox: Sandbox,
    _stop: oneshot::Sender<()>,
}

/// Reaches the estate's target of this name.
///
/// # Errors
///
/// If there is no such target, or sign-in is not configured.
pub async fn reach(context: &Context, loaded: &Loaded, name: &str) -> Result<Reached, Failure> {
    let mut reached = reach_unshifted(context, loaded, name).await?;
    refuse_shifted(context, &reached.name)?;
    if let Some(spec) = loaded.estate.targets.get(name) {
        reached.calendar = spec.calendar;
    }
    Ok(reached)
}

/// Refuses to carry anything out at a real target at a moment that is not the present one.
///
/// # Errors
///
/// `Refused`.
pub fn refuse_shifted(context: &Context, target: &TargetName) -> Result<(), Failure> {
    match context.clock {
        Clock::Shifted(_) if !is_sandbox(target) => Err(Failure::Refused {
            reason: format!(
                "--now is for sandboxes; target {} at {} goes by the present moment",
                target.name, target.host
            ),
        }),
        Clock::Real | Clock::Shifted(_) | Clock::Virtual(_) => Ok(()),
    }
}

async fn reach_unshifted(context: &Context, loaded: &Loaded, name: &str) -> Result<Reached, Failure> {
    let Some(spec) = loaded.estate.targets.get(name) else {
        let known: Vec<&str> = loaded.estate.targets.keys().map(String::as_str).collect();
        return Err(Failure::usage(
            format!("no target is called `{name}`"),
            format!("sites/estate.toml has: {}", known.join(", ")),
        ));
    };
    match spec.driver {
        TargetDriver::Sandbox => {
            let mut config = Config::new(&spec.account_id);
            config.state_dir = Some(context.state.join("sandbox"));
            // The machine's clock runs here: nobody should wait five minutes for a workspace that is not real.
            config.durations = Durations::IMMEDIATE;
            config.pipelines = true;
            let call_timeout = spec.call_timeout.unwrap_or(limits::CALL_TIMEOUT);
            embed(name, config, context.clock.clone(), call_timeout).await
        }
        TargetDriver::Databricks => remote(context, name, spec),
    }
}

/// Starts a sandbox inside this process and reaches it over loopback HTTP.
///
/// # Errors
///
/// If it cannot be opened or no loopback port is free.
pub async fn embed(
    name: &str,
    mut config: Config,
    clock: Clock,
    call_timeout: Millis,
) -> Result<Reached, Failure> {
    let (client_id, client_secret) = (EMBEDDED_CLIENT.to_owned(), Secret::new(random_id()?));
    config.clients =
        vec![ClientCredential { id: client_id.clone(), secret: client_secret.clone(), read_only: false }];
    let (account_id, seed, reading_clock) = (config.account_id.clone(), config.seed, clock.clone());
    let now = Arc::new(move || -> Timestamp { clock.now() });
    let sandbox = Sandbox::open(config, now).map_err(|e| Failure::failed(format!("the sandbox: {e}")))?;
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .map_err(|e| Failure::failed(format!("the sandbox's port: {e}")))?;
    let address = listener.local_addr().map_err(|e| Failure::failed(format!("the sandbox's port: {e}")))?;
    let (stop, stopped) = oneshot::channel::<()>();
    let server = serve(sandbox.clone(), listener, async move {
        // Ends when the sender is dropped, too.
        let _ = stopped.await;
    });
    tokio::spawn(server);
    let settings = Settings {
        account_host: format!("http://{address}"),
        account_id: account_id.clone(),
        auth: Auth::OAuth { client_id, client_secret },
        user_agent: user_agent(),
    };
    let (driver, reader, patience) = drivers(settings, None, reading_clock, Entropy::Seeded(seed))?;
    Ok(Reached {
        audit: Some(reader.clone()),
        driver,
        reader,
        patience: Some(patience),
        name: TargetName { name: name.to_owned(), account_id, host: EMBEDDED.to_owned() },
        call_timeout,
        rates: None,
        calls_at_once: limits::CALLS_MAX,
        calendar: CalendarUse::Ignore,
        embedded: Some(Embedded { sandbox, _stop: stop }),
    })
}

fn remote(context: &Context, name: &str, spec: &TargetSpec) -> Result<Reached, Failure> {
    let signin = credentials::read(spec.profile.as_deref(), spec.host.as_deref())
        .map_err(|e| Failure::NotAllowed { what: format!("target {name}: {e}") })?;
    let host = signin.host.clone();
    let settings = Settings {
        account_host: signin.host,
        account_id: spec.account_id.clone(),
        auth: signin.auth,
        user_agent: user_agent(),
    };
    let rates = rates(&host, spec);
    let (driver, reader, patience) =
        drivers(settings, rates.as_ref(), context.clock.clone(), context.entropy)?;
    let audit = is_loopback(&host).then(|| reader.clone() as Arc<dyn AuditSource>);
    Ok(Reached {
        audit,
        driver,
        reader,
        patience: Some(patience),
        call_timeout: spec.call_timeout.unwrap_or(limits::CALL_TIMEOUT),
        rates,
        calls_at_once: spec.calls_at_once.unwrap_or(limits::CALLS_MAX),
        calendar: spec.calendar,
        name: TargetName { name: name.to_owned(), account_id: spec.account_id.clone(), host },
        embedded: None,
    })
}

/// What a target takes: the published rates but for those that the estate sets. A sandbox takes any number, unless the
/// estate sets rates for it.
fn rates(host: &str, spec: &TargetSpec) -> Option<Rates> {
    let own = || spec.rates.iter().map(|(family, calls)| (family.as_str(), calls.value));
    let limited = !is_loopback(host) || !spec.rates.is_empty();
    limited.then(|| Rates::standard().with(own()))
}

/// Whether a target is a sandbox: inside the process, or served on this machine. Only there may time be shifted.
pub fn is_sandbox(target: &TargetName) -> bool {
    target.host == EMBEDDED || is_loopback(&target.host)
}

/// Whether a host is this machine, without a secret on the way.
pub fn is_loopback(host: &str) -> bool {
    let Some(rest) = host.strip_prefix("http://") else { return false };
    let address = rest.split('/').next().unwrap_or_default();
    let name = address.rsplit_once(':').map_or(address, |(name, _)| name);
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The driver of a launch, the one of everything that only looks, and how patient that is.
type Drivers = (Arc<Databricks>, Arc<Databricks>, Arc<Patient>);

fn drivers(
    settings: Settings,
    rates: Option<&Rates>,
    clock: Clock,
    entropy: Entropy,
) -> Result<Drivers, Failure> {
    let seed = entropy.bytes("rests between reads").map_err(|e| Failure::failed(e.to_string()))?;
    // On a virtual clock tokens end by it: otherwise all calls of a later day would be refused first.
    let driver = match clock.clone() {
        Clock::Real | Clock::Shifted(_) => Databricks::new(settings),
        Clock::Virtual(millis) => Databricks::timed(settings, move || {
            Duration::from_millis(u64::try_from(millis.load(Ordering::SeqCst)).unwrap_or(0))
        }),
    };
    let driver = driver.map_err(|e| Failure::failed(format!("the HTTP client: {e}")))?;
    let patience = Arc::new(Patient::new(rates, clock, seed));
    let reader = driver.patient(Arc::clone(&patience) as Arc<dyn Patience>);
    Ok((Arc::new(driver), Arc::new(reader), patience))
}

/// Makes sure that somebody is at home who knows us, before a launch begins: without it every step would fail by
/// itself, each after all of its tries. Busy or silent services are left to the launch, which knows how to wait.
///
/// # Errors
///
/// If sign-in is refused, or the account may not be read.
pub async fn sign_in(reached: &Reached) -> Result<(), Failure> {
    let kind = KindName::new(ASKED_FIRST).expect("the kind's name is spelled as one");
    match reached.driver.list(&kind, &Place::Account, reached.call_timeout).await {
        Listing::Unreadable(cause)
            if matches!(cause.class, CauseClass::Unauthenticated | CauseClass::PermissionDenied) =>
        {
            Err(Failure::NotAllowed { what: format!("target {}: {cause}", reached.name.name) })
        }
        Listing::Unreadable(_) | Listing::Complete(_) | Listing::Unsupported => Ok(()),
    }
}

/// The audit log keeps it: which build made a change.
pub fn user_agent() -> String {
    format!("landfall/{}", env!("CARGO_PKG_VERSION"))
}

/// 128 random bits in hexadecimal.
///
/// # Errors
///
/// If the operating system gives no randomness.
pub fn random_id() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|e| Failure::failed(format!("no randomness: {e}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
