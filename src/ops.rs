//! Floor 5: one use case per file. Faces call nothing else.

pub mod check;
pub mod checkpoints;
pub mod controls;
pub mod desired;
pub mod durations;
pub mod earlier;
pub mod entry;
pub mod error;
pub mod export;
mod hook;
pub mod init;
pub mod keys;
pub mod launch;
pub mod locks;
pub mod log;
pub mod observe;
pub mod packs;
pub mod params;
pub mod plan;
pub mod question;
pub mod record;
pub mod register;
pub mod rehearse;
pub mod render;
pub mod reports;
pub mod run_report;
pub mod sandbox;
pub mod schedule;
pub mod status;
pub mod target;
pub mod verify;
pub mod wish;
pub mod witness;

use std::path::{Path, PathBuf};

use crate::base::id::RunId;
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
        Ok(Self { root, state, clock: Clock::Real })
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
