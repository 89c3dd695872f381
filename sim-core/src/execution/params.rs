//! Parameters of execution: plain data, as a resolved plan carries them.

use serde::{Deserialize, Serialize};

/// How blocks are executed, in simulated time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExecutionPlan {
    /// Scheduling algorithm replayed on the virtual cores.
    pub algorithm: Algorithm,
    /// Cores used on every node; `None`: as many as its hardware class has.
    pub cores: Option<u32>,
    /// Factor on every node's speed, parts per million.
    pub speed_ppm: u64,
    /// When execution happens relative to consensus.
    pub pipeline: Pipeline,
    /// What one unit of each class of work costs.
    pub profile: CostProfile,
}

/// Scheduling algorithm of a block's transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// One after the other.
    Serial,
    /// Optimistic, with multi-version memory, validation and re-execution.
    BlockStm,
}

/// When execution happens relative to consensus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pipeline {
    /// The proposer executes before proposing, everyone else before voting (Ethereum).
    BeforeVoting,
}

/// What one unit of work costs on the reference core. Picoseconds unless said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CostProfile {
    /// Name of the profile.
    pub name: String,
    /// Where the numbers come from.
    pub source: String,
    /// Picoseconds per unit of each class of work, by the class's name, sorted.
    pub unit_ps: std::collections::BTreeMap<String, u64>,
    /// Recovering one sender's key, ps.
    pub sender_recovery_ps: u64,
    /// Block-STM: validating one read, ps.
    pub validate_read_ps: u64,
    /// Block-STM: what versioned memory adds to one access, ps.
    pub versioned_access_ps: u64,
    /// Handing one task to a core, ps.
    pub dispatch_ps: u64,
    /// Committing one write in order, ps.
    pub commit_write_ps: u64,
    /// State root and database commit per touched key, ps.
    pub state_root_key_ps: u64,
    /// Speed of each core when n cores are busy, parts per million, for n = 1, 2, ...; the last repeats.
    pub core_efficiency_ppm: Vec<u64>,
    /// Core counts above this were not measured; results there are marked extrapolated.
    pub measured_cores: u32,
}
