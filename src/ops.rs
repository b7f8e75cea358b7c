//! Floor 5: one use case per file. Faces call nothing else.

pub mod access;
pub mod adopt;
pub mod against;
pub mod approvals;
pub mod calls;
pub mod challenge;
pub mod changes;
pub mod check;
pub mod checklist;
pub mod checkpoints;
pub mod collect;
pub mod committee;
pub mod completeness;
pub mod conformance;
pub mod controls;
pub mod dashboards;
pub mod decisions;
pub mod desired;
pub mod dossier;
pub mod drift;
pub mod durations;
pub mod earlier;
pub mod effort;
pub mod entry;
pub mod error;
pub mod export;
pub mod facts;
pub mod gates;
pub mod guard;
mod hook;
pub mod inbox;
pub mod init;
pub mod keys;
pub mod launch;
pub mod locks;
pub mod log;
pub mod milestones;
pub mod note;
pub mod notify;
pub mod observe;
pub mod overview;
pub mod packs;
pub mod params;
pub mod phi;
pub mod plan;
pub mod plan_ninety;
pub mod prune;
pub mod question;
pub mod reads;
pub mod record;
pub mod register;
pub mod rehearse;
pub mod releases;
pub mod render;
pub mod reports;
pub mod roles;
pub mod rollback;
pub mod run_report;
pub mod sandbox;
pub mod schedule;
pub mod select;
mod shares;
pub mod stale;
pub mod status;
pub mod target;
pub mod tickets;
pub mod timestamps;
pub mod upgrade;
pub mod verify;
pub mod versions;
pub mod wish;
pub mod witness;

use std::path::{Path, PathBuf};

use crate::base::id::RunId;
use crate::entropy::Entropy;
use crate::model::entry::{Actor, ActorKind};
use crate::runner::clock::Clock;
use error::Failure;

/// Where a use case works.
#[derive(Debug, Clone)]
pub struct Context {
    /// The folder that holds `sites/` and `templates/`.
    pub root: PathBuf,
    /// The folder for journal, plans and sandbox state.
    pub state: PathBuf,
    /// Where `now` comes from.
    pub clock: Clock,
    /// Where salts, keys and names come from.
    pub entropy: Entropy,
}

impl Context {
    /// Finds the estate's folder: the given one, or the nearest one upwards that has `sites/estate.toml`.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn find(root: Option<PathBuf>, state: Option<PathBuf>, from: &Path) -> Result<Self, Failure> {
        let has_estate = |folder: &Path| folder.join("sites/estate.toml").is_file();
        let root = match root {
            Some(root) if has_estate(&root) => root,
            Some(root) => {
                let message = format!("there is no sites/estate.toml in {}", root.display());
                return Err(Failure::usage(message, "landfall init DIR writes an example estate"));
            }
            None => from.ancestors().find(|folder| has_estate(folder)).map(Path::to_owned).ok_or_else(|| {
                Failure::usage(
                    format!("there is no sites/estate.toml in {} or above", from.display()),
                    "go to your estate's folder, name it with --root, or write an example with landfall init DIR",
                )
            })?,
        };
        let state = state.unwrap_or_else(|| root.join(".landfall"));
        Ok(Self { root, state, clock: Clock::Real, entropy: Entropy::System })
    }

    /// The journal's folder.
    pub fn journal_dir(&self) -> PathBuf {
        self.state.join("journal")
    }

    /// The folder of our signing keys.
    pub fn key_dir(&self) -> PathBuf {
        self.state.join("keys")
    }
}

/// A new name for a run: time-ordered, unique.
pub fn new_run_id() -> RunId {
    RunId::new(uuid::Uuid::now_v7().to_string()).expect("a UUID is spelled as a run id")
}

impl Context {
    /// A new name for a launch: time-ordered, and unique unless randomness comes from a seed.
    ///
    /// # Errors
    ///
    /// If the system gives no randomness.
    pub fn new_launch_id(&self) -> Result<RunId, Failure> {
        let now = self.clock.now();
        let bytes =
            self.entropy.bytes(&format!("launch\n{now}")).map_err(|e| Failure::failed(e.to_string()))?;
        let random: [u8; 10] = std::array::from_fn(|at| bytes[at]);
        let millis = u64::try_from(now.as_millis()).unwrap_or(0);
        let name = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().to_string();
        Ok(RunId::new(name).expect("a UUID is spelled as a run id"))
    }
}

/// The person at the keyboard, as the operating system knows them.
pub fn person() -> Actor {
    let id = ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
    Actor {
        kind: ActorKind::Person,
        id: id.filter(|id| !id.is_empty()).unwrap_or_else(|| "unknown".to_owned()),
    }
}

/// The name under which this process holds leases.
pub fn holder(run: &RunId) -> String {
    format!("{}/{}/{run}", person().id, std::process::id())
}
