//! Parameters of dissemination, as a resolved plan carries them, and what it leaves in the record: plain data.

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

/// What a mesh did with copies of items: sums over all nodes and the whole run.
///
/// Each node that passes an item on sends it to its mesh, except where it came from, so that of F first
/// arrivals (each passed on) `degree_sum - F + from_beyond + to_beyond - cancelled` copies are sent, and what
/// of them is not one of the F is a duplicate. With nothing beyond the mesh and nothing cancelled, that is
/// D - 2 + 2/N a node and item, D the mean degree and N the nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeshRecord {
    /// Times a node passed an item on: its own, or one it had received.
    pub passed_on: u64,
    /// Sum of the node's mesh degree at these times.
    pub degree_sum: u64,
    /// Of these times, those when the first copy had come from outside the node's mesh.
    pub from_beyond: u64,
    /// Copies meant for neighbours outside the mesh: of a node's own items, and on request.
    pub to_beyond: u64,
    /// Copies not sent in the end: the receiver had the item meanwhile, or it was too late for it.
    pub cancelled: u64,
}

impl MeshRecord {
    /// Neighbours in a node's mesh when it passes an item on, mean; `None` if nothing was passed on.
    pub fn mean_degree(&self) -> Option<f64> {
        (self.passed_on > 0).then(|| self.degree_sum as f64 / self.passed_on as f64)
    }
}
