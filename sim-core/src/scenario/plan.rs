//! A scenario as *meant*: every default filled in, every preset and data file resolved.
//!
//! The plan is plain data. Nothing in it refers to a file, an environment variable or a default, so the
//! same plan always describes the same run; it is written into the run's manifest. Units are the last
//! word of every field's name.
//!
//! Invariant: `simulation` reads a plan and nothing else. What is not in the plan cannot change a run.

pub use super::intervention::{Change, Intervention};
pub use crate::chain::blob::{BlobPlan, Sampling};
pub use crate::chain::fee_market::{FeeMarketPlan, KeyedBy};
pub use crate::consensus::params::{BroadcastPlan, ConsensusPlan, SlotsPlan};
pub use crate::execution::params::{Algorithm, CostProfile, ExecutionPlan, Pipeline};
pub use crate::gossip::params::{ForwardRule, GossipPlan, GossipsubPlan};
pub use crate::net::params::{
    HardwareClass, JitterPlan, LatencyTable, LinkDiscipline, Region, Scope, TopologyPlan,
};
pub use crate::rollup::bridge::params::{BridgeKind, BridgePlan, PolicyPlan, TravellersPlan};
pub use crate::rollup::params::{
    Atomic, BatcherPlan, DataPlan, FeesPlan, FleetPlan, MarketPlan, OrderPlan, ProofPlan, ProvidersPlan,
    RulesPlan, SearchersPlan, SequencingPlan, SharesPlan, ThrottlePlan,
};
pub use crate::workload::params::{
    BlocksPlan, BurstPlan, Delivery, PoolsPlan, TradePlan, TxKind, UsersPlan, WorkloadPlan,
};
use serde::{Deserialize, Serialize};

/// One run, fully described.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The arm's name: `base`, or the name given under `compare`.
    pub name: String,
    /// Root seed of every random draw.
    pub seed: u64,
    /// How long to run and what to leave out of the statistics.
    pub run: RunPlan,
    /// The machines.
    pub nodes: NodesPlan,
    /// How bits move between them.
    pub network: NetworkPlan,
    /// The chains the machines carry, in the order of their ids. Never empty.
    pub chains: Vec<ChainPlan>,
    /// Rollups on them; fleet i has chain number `chains.len() + i`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rollups: Vec<FleetPlan>,
    /// What changes while it runs, in the order of times; at equal times, in this order.
    #[serde(default)]
    pub interventions: Vec<Intervention>,
}

/// How long to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunPlan {
    /// Blocks (slots) measured after the warm-up.
    pub blocks: u32,
    /// Blocks (slots) before that, left out of the statistics.
    pub warm_up: u32,
    /// Number of partitions the event loop is split into (on one thread). Never changes a result.
    pub partitions: u32,
}

/// The machines: how many, where, how strong, with how much stake.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodesPlan {
    /// Number of nodes.
    pub count: u32,
    /// Shares of the nodes by region; indices into [`LatencyTable::regions`]. Weights are relative.
    pub region_weights: Vec<(usize, u64)>,
    /// Hardware classes and their relative weights.
    pub hardware: Vec<(HardwareClass, u64)>,
    /// How stake is spread over the nodes.
    pub stake: StakePlan,
}

/// Distribution of stake over nodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum StakePlan {
    /// Every node has the same stake.
    Equal,
    /// Stake of the node of rank r is proportional to r^-exponent; ranks are assigned at random.
    Zipf {
        /// Exponent, parts per million.
        exponent_ppm: u64,
    },
    /// Relative stake by node; repeated cyclically if shorter than the node count.
    Given(Vec<u64>),
}

/// How bits move.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkPlan {
    /// One-way base latencies between regions.
    pub latency: LatencyTable,
    /// Factor on every base latency, parts per million.
    pub latency_scale_ppm: u64,
    /// Random part of the latency.
    pub jitter: JitterPlan,
    /// Factor on every access-link rate, parts per million.
    pub bandwidth_scale_ppm: u64,
    /// Queueing discipline of the access links.
    pub links: LinkDiscipline,
    /// Who is connected to whom.
    pub topology: TopologyPlan,
    /// How items spread.
    pub gossip: GossipPlan,
    /// What a node does with an item before it passes it on.
    pub forward: ForwardRule,
}

/// One chain: a value with its own rules, state, fee market and workload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChainPlan {
    /// Name shown in reports.
    pub name: String,
    /// How blocks are made and agreed on.
    pub consensus: ConsensusPlan,
    /// Gas limit of a block.
    pub gas_limit: u64,
    /// Base fee of the first block, wei per gas.
    pub initial_base_fee_wei: u64,
    /// How space in blocks is priced.
    #[serde(default)]
    pub fee_market: FeeMarketPlan,
    /// Blobs, and transactions of others than users, if it takes any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blobs: Option<BlobPlan>,
    /// How blocks are executed.
    pub execution: ExecutionPlan,
    /// What goes into the blocks.
    pub workload: WorkloadPlan,
}

impl Plan {
    /// When the run ends, ns; `None` where that is drawn at random.
    pub fn end_ns(&self) -> Option<u64> {
        let blocks = self.run.warm_up.saturating_add(self.run.blocks);
        let ends: Option<Vec<u64>> = self.chains.iter().map(|c| c.consensus.end_ns(blocks)).collect();
        ends?.into_iter().max()
    }
}
