//! A scenario as *meant*: every default filled in, every preset and data file resolved.
//!
//! The plan is plain data. Nothing in it refers to a file, an environment variable or a default, so the
//! same plan always describes the same run; it is written into the run's manifest. Units are the last
//! word of every field's name.
//!
//! Invariant: `simulation` reads a plan and nothing else. What is not in the plan cannot change a run.

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

/// A kind of machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HardwareClass {
    /// Name shown in reports.
    pub name: String,
    /// Uplink rate of the access link, bit/s.
    pub up_bps: u64,
    /// Downlink rate of the access link, bit/s.
    pub down_bps: u64,
    /// Cores usable for execution when `execution.cores` is not given.
    pub cores: u32,
    /// Speed of one core relative to the cost profile's reference core, parts per million.
    pub speed_ppm: u64,
    /// Where the numbers come from.
    pub source: String,
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

/// One-way base latencies between regions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LatencyTable {
    /// Name of the table.
    pub name: String,
    /// Where the numbers come from and what was done to them.
    pub source: String,
    /// The regions, in the order of the matrix.
    pub regions: Vec<Region>,
    /// `one_way_ns[from][to]`, nanoseconds.
    pub one_way_ns: Vec<Vec<u64>>,
}

/// A place on the map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Region {
    /// Name, for example `eu-central`.
    pub name: String,
    /// Degrees north, times 1000.
    pub latitude_mdeg: i32,
    /// Degrees east, times 1000.
    pub longitude_mdeg: i32,
}

/// Multiplicative jitter on the base latency: log-normal with median 1, given by two percentiles' spread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JitterPlan {
    /// 90th percentile of the factor, parts per million (1_000_000 = no jitter).
    pub p90_ppm: u64,
    /// Hard lower floor of the factor, parts per million.
    pub floor_ppm: u64,
    /// Hard upper cap of the factor, parts per million.
    pub cap_ppm: u64,
}

/// Queueing discipline of the shared access links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkDiscipline {
    /// Store and forward, first in first out, one shared uplink and one shared downlink a node.
    Fifo,
}

/// Who is connected to whom.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TopologyPlan {
    /// Every node has exactly `degree` neighbours.
    RandomRegular {
        /// Neighbours of each node.
        degree: u32,
    },
    /// Every pair is connected with the probability that gives `mean_degree`.
    ErdosRenyi {
        /// Expected neighbours, thousandths.
        mean_degree_milli: u64,
    },
    /// Everyone with everyone.
    FullMesh,
    /// An undirected edge list (already read and checked against the node count).
    Given {
        /// Name of the file it was read from.
        name: String,
        /// Pairs of node numbers.
        edges: Vec<(u32, u32)>,
    },
}

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
    /// How blocks are executed.
    pub execution: ExecutionPlan,
    /// What goes into the blocks.
    pub workload: WorkloadPlan,
}

/// How blocks are made and agreed on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ConsensusPlan {
    /// A proposer per slot, attestation before a deadline, aggregation, finality by 2/3 of the stake.
    Slots(SlotsPlan),
    /// No agreement: a payload of fixed size is published at intervals and spreads. For network studies.
    Broadcast(BroadcastPlan),
}

/// Parameters of the `Slots` protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlotsPlan {
    /// Time between slots, ns.
    pub slot_ns: u64,
    /// Attestation deadline after the slot's start, ns.
    pub attest_by_ns: u64,
    /// Aggregators publish what they have at this time after the slot's start, ns.
    pub aggregate_by_ns: u64,
    /// Number of vote committees (and aggregators) a slot.
    pub committees: u32,
    /// Size of one vote on the wire, bytes.
    pub vote_bytes: u64,
    /// Fixed size of an aggregate, bytes; one bit per committee member comes on top.
    pub aggregate_bytes: u64,
}

/// Parameters of the `Broadcast` protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BroadcastPlan {
    /// Mean time between payloads, ns.
    pub interval_ns: u64,
    /// Exponential gaps instead of equal ones.
    pub poisson: bool,
    /// Size of a payload, bytes.
    pub payload_bytes: u64,
}

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

/// What goes into the blocks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum WorkloadPlan {
    /// People sending transactions, executed on our contracts.
    Users(UsersPlan),
    /// Recorded blocks (`evm-block/1`), proposed in turn, each on its own pre-state.
    Blocks(BlocksPlan),
    /// Nothing: empty blocks, or a `Broadcast` payload.
    Empty,
}

/// Parameters of the `Users` workload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UsersPlan {
    /// Transactions a second over all regions, thousandths.
    pub rate_milli_tps: u64,
    /// Number of accounts.
    pub accounts: u32,
    /// Zipf exponent of which contract instance, counterparty or pool is used, parts per million (0 =
    /// uniform).
    pub zipf_ppm: u64,
    /// Number of instances of each contract kind (tokens, pools, collections, compute contracts).
    pub instances: u32,
    /// Relative weights of the kinds.
    pub mix: Vec<(TxKind, u64)>,
    /// Loop iterations of a `Compute` call.
    pub compute_iterations: u64,
    /// Median of what a sender is willing to pay per gas, wei (log-normal).
    pub max_fee_median_wei: u64,
    /// 90th percentile over the median, parts per million.
    pub max_fee_p90_ppm: u64,
    /// RPC nodes collect transactions for this long before they gossip them as one bundle, ns.
    pub bundle_ns: u64,
    /// RPC nodes a region (users talk to one in their own region).
    pub rpc_nodes_per_region: u32,
}

/// A kind of user transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TxKind {
    /// Plain value transfer.
    Transfer,
    /// ERC-20 transfer.
    Erc20,
    /// Swap on a constant-product pool.
    Swap,
    /// NFT mint.
    Mint,
    /// A loop of keccak and mulmod.
    Compute,
}

/// Parameters of the `Blocks` workload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlocksPlan {
    /// The files, in the order in which they are proposed (absolute paths or as given, already expanded).
    pub files: Vec<String>,
}
