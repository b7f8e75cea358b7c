//! What must hold before a wave begins, as the estate says it.

use serde::{Deserialize, Serialize};

use crate::base::id::{GateId, WaveName};

/// One condition on the records of the program.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Criterion {
    /// Its id, for example `productize.second-site`.
    pub id: String,
    /// The role that can close it.
    pub owner: String,
    /// What must hold.
    pub holds: Holds,
}

/// The conditions that the records can answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holds {
    /// Every site of the wave has a newest run that ended well, and the wave's bake time is over.
    WaveDone(WaveName),
    /// At least so many sites have a newest run that ended well.
    SitesLive(u32),
    /// The newest good runs of this wave's sites used the packs of this plan, digest by digest.
    SamePacksAs(WaveName),
    /// A gate lets through: the account's where it has one of this name, else that of every site of the wave.
    Gate(GateId),
    /// No finding of the register is open at the wave's sites.
    NoOpenFindings,
    /// A record of this evidence kind is there and not too old.
    Evidence {
        /// The kind, for example `drill.tabletop`.
        kind: String,
        /// Its greatest age in days.
        within_days: Option<u32>,
        /// It must be newer than the newest good run of this wave.
        after: Option<WaveName>,
    },
}
