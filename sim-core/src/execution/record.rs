//! How a block executed, in simulated time.

use serde::{Deserialize, Serialize};

/// Execution of one block in simulated time, on a node of speed 1 with the plan's cores (or the first
/// hardware class's).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExecutionRecord {
    /// All transactions one after the other, with commit and state root, ns.
    pub serial_ns: u64,
    /// With the chosen algorithm and cores, commit and state root, ns.
    pub scheduled_ns: u64,
    /// Longest chain of dependent transactions, ns.
    pub critical_path_ns: u64,
    /// Longest single transaction, ns.
    pub longest_transaction_ns: u64,
    /// Virtual cores.
    pub cores: u32,
    /// Aborted executions in the replay.
    pub aborts: u32,
    /// Busy share of the cores, parts per million.
    pub utilisation_ppm: u64,
    /// The core count is beyond what was measured.
    pub extrapolated: bool,
    /// Work units by class, in the order of the cost profile's class names.
    pub work: Vec<u64>,
}
