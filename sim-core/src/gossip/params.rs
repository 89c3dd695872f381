//! Parameters of dissemination: plain data, as a resolved plan carries them.

use serde::{Deserialize, Serialize};

/// How items spread over the topology.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum GossipPlan {
    /// Push to every neighbour but the one it came from.
    Flood,
    /// libp2p gossipsub v1.1/v1.2.
    Gossipsub(GossipsubPlan),
}

/// Parameters of gossipsub.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GossipsubPlan {
    /// Desired mesh degree, D.
    pub mesh: u32,
    /// Lower bound, D_low.
    pub mesh_low: u32,
    /// Upper bound, D_high.
    pub mesh_high: u32,
    /// Peers told of recent items at each heartbeat, D_lazy.
    pub lazy: u32,
    /// Heartbeat interval, ns.
    pub heartbeat_ns: u64,
    /// Heartbeats for which an item is announced (mcache_gossip).
    pub history_gossip: u32,
    /// Heartbeats for which an item can be asked for (mcache_len).
    pub history_length: u32,
    /// Tell the mesh not to send an item just received (v1.2).
    pub idontwant: bool,
    /// Least size of an item for IDONTWANT to be sent, bytes.
    pub idontwant_threshold_bytes: u64,
    /// The publisher pushes its own items to all neighbours, not only to its mesh.
    pub flood_publish: bool,
}

/// What happens between the arrival of a block and passing it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ForwardRule {
    /// After a check of the header and the proposer's signature that takes this long.
    AfterHeaderCheck {
        /// Duration of the check, ns.
        check_ns: u64,
    },
    /// Only after the block was executed.
    AfterExecution,
}
