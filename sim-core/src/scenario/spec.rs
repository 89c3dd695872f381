//! A scenario as *written*: every field may be left out and is then filled from the base preset.
//!
//! The doc comments here are what `explain` prints and what editors show from the JSON Schema: they are the
//! only description of the format. `Default:` is given where the value is not in the preset.

pub mod fees;

use super::units::{BitRate, Duration, Factor, GasAmount, Price, Real, Size, TxRate};
use fees::{BurstSpec, FeeMarketSpec};
use schemars::JsonSchema;
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A Lightcone scenario: one base run and the arms it is compared with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Spec {
    /// Version of the scenario format. Allowed: 1.
    pub version: Option<u64>,
    /// Preset whose values fill every field left out here. Fields given in the file replace the preset's;
    /// lists and choices such as `Gossipsub(..)` are replaced as a whole. Default: "ethereum-2026".
    pub base: Option<String>,
    /// Root seed of every random draw. The same seed and plan give the same run, bit for bit.
    pub seed: Option<u64>,
    /// How long to run and what to leave out of the statistics.
    pub run: RunSpec,
    /// The machines: how many, where, how strong, with how much stake.
    pub nodes: NodesSpec,
    /// How bits move between the machines.
    pub network: NetworkSpec,
    /// Timing and limits of the chain `main`.
    pub chain: ChainRulesSpec,
    /// How blocks are made and agreed on.
    pub consensus: Option<ConsensusSpec>,
    /// How blocks are executed, in simulated time.
    pub execution: ExecutionSpec,
    /// What goes into the blocks.
    pub workload: Option<WorkloadSpec>,
    /// Further chains on the same machines; each starts from the values above. Default: none.
    pub chains: Option<Vec<ChainSpec>>,
    /// Rollups that post to the chain `main`, as in `[Fleet(count: 100, preset: "op-like")]`. Default: none.
    pub rollups: Option<Vec<RollupsSpec>>,
    /// Changes while it runs, each at a time: links, latencies, execution, gas limit, load, outages. A live run's
    /// changes are saved here, and give the same run. At equal times they follow the order of the list. Default:
    /// none.
    pub interventions: Option<Vec<InterventionSpec>>,
    /// Arms that run paired with the base (same seed): a name, and what is changed by path, as in
    /// `("2x bandwidth", { "network.bandwidth": "2x" })`. Default: none.
    pub compare: Option<Vec<(String, BTreeMap<String, serde_json::Value>)>>,
}

/// How long to run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RunSpec {
    /// Blocks (slots) measured after the warm-up. Allowed: 1 to 1,000,000.
    pub blocks: Option<u64>,
    /// Blocks (slots) run before measuring starts, left out of the statistics: links, mempools and the base
    /// fee need a while to settle. Allowed: 0 to 1,000,000.
    pub warm_up: Option<u64>,
    /// Parts the event loop is split into, on one thread. Never changes a result; for testing that it does
    /// not. Allowed: 1 to 64.
    pub partitions: Option<u64>,
}

/// The machines.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NodesSpec {
    /// Number of nodes. Allowed: 2 to 10,000,000.
    pub count: Option<u64>,
    /// Where the nodes are: the name of a region mix (see `list`), or shares by region of the latency table,
    /// as in `{ "eu-central-1": 60, "us-east-1": 40 }`. Shares are relative and need not add up to 100.
    pub regions: Option<RegionsSpec>,
    /// What the nodes are: shares by hardware class. A class is named (see `list`), as in
    /// `{ "attester": 80, "home-staker": 20 }`, or described in place, as in
    /// `{ "mine": (share: 5, up: "25 Mbit/s", down: "50 Mbit/s", cores: 8, speed: 1.0) }`.
    pub hardware: Option<HardwareMixSpec>,
    /// How stake is spread over the nodes. A node proposes as often as its stake says.
    pub stake: Option<StakeSpec>,
}

/// Where the nodes are.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum RegionsSpec {
    /// A named region mix.
    Named(String),
    /// Relative shares by region.
    Shares(BTreeMap<String, u64>),
}

/// Shares by hardware class.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum HardwareMixSpec {
    /// All nodes of one named class.
    One(String),
    /// Relative shares by class.
    Shares(BTreeMap<String, HardwareSpec>),
}

/// A share of the nodes: of a named class, or of one described in place.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum HardwareSpec {
    /// Relative share of the class named by the key.
    Share(u64),
    /// A class described in place; the key is its name.
    Inline(InlineHardware),
}

/// A kind of machine, described in place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InlineHardware {
    /// Relative share of the nodes. Default: 1.
    #[serde(default = "one")]
    pub share: u64,
    /// Uplink of the access link, shared by all connections. Allowed: 1 kbit/s to 1000 Gbit/s.
    pub up: BitRate,
    /// Downlink of the access link, shared by all connections. Allowed: 1 kbit/s to 1000 Gbit/s.
    pub down: BitRate,
    /// Cores usable for execution when `execution.cores` is not given. Allowed: 1 to 1024.
    pub cores: u64,
    /// Speed of one core relative to the reference core of the cost profile. Allowed: 0.001 to 1000.
    /// Default: 1.
    #[serde(default = "unit_factor")]
    pub speed: Factor,
}

fn one() -> u64 {
    1
}

fn unit_factor() -> Factor {
    Factor(1_000_000)
}

/// How stake is spread over the nodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub enum StakeSpec {
    /// Every node has the same stake.
    Equal,
    /// The node of rank r has stake proportional to r^-exponent; ranks are dealt at random.
    Zipf(Real),
    /// Relative stake by node, repeated from the start when there are more nodes.
    Given(Vec<u64>),
}

/// How bits move.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkSpec {
    /// One-way base latencies: the name of a table (see `list`), a file "my-table.ron" beside the scenario,
    /// or a factor such as "0.5x", which keeps the table and sets `network.latency_scale`.
    pub latency: Option<String>,
    /// Factor on every base latency of the table. Allowed: 0.001 to 1000.
    pub latency_scale: Option<Factor>,
    /// Random part of the latency.
    pub jitter: Option<JitterSpec>,
    /// Factor on every access-link rate, up and down, of all hardware classes. Allowed: 0.001 to 1000.
    pub bandwidth: Option<Factor>,
    /// Queueing discipline of the access links.
    pub links: Option<LinksSpec>,
    /// Who is connected to whom.
    pub topology: Option<TopologySpec>,
    /// How items spread over the connections.
    pub gossip: Option<GossipSpec>,
    /// What a node does with a block before it passes it on.
    pub forward: Option<ForwardSpec>,
}

/// Random part of the latency: a factor on the base latency, drawn for every message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum JitterSpec {
    /// No jitter: every message takes the base latency.
    Off,
    /// As measured between data centres: the percentiles that come with the latency tables.
    Measured,
    /// Log-normal with median 1.
    LogNormal {
        /// 90th percentile of the factor: 1.1 means that one message in ten takes over 10 % longer than the
        /// base latency. Allowed: 1 to 100.
        p90: Factor,
        /// Hard lower floor of the factor. Allowed: 0.1 to 1. Default: 0.9.
        #[serde(default)]
        floor: Option<Factor>,
        /// Hard upper cap of the factor. Allowed: p90 to 1000. Default: 10, or p90 if that is larger.
        #[serde(default)]
        cap: Option<Factor>,
    },
}

/// Queueing discipline of the access links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum LinksSpec {
    /// Store and forward, first in first out: one shared uplink and one shared downlink a node.
    Fifo,
}

/// Who is connected to whom.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum TopologySpec {
    /// Every node has exactly the same number of neighbours.
    RandomRegular {
        /// Neighbours of each node. Allowed: 2 to 1000, less than `nodes.count`; degree times count is even.
        degree: u64,
    },
    /// Every pair is connected with the same probability.
    ErdosRenyi {
        /// Expected number of neighbours. Allowed: 1 to 1000, less than `nodes.count`. Below about
        /// ln(count) + 4 the graph is likely to fall apart.
        mean_degree: Real,
    },
    /// Everyone with everyone. At most 5,000 nodes.
    FullMesh,
    /// An undirected edge list, one "a,b" a line (node numbers from 0), in a file beside the scenario.
    File(String),
}

/// How items spread over the connections.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub enum GossipSpec {
    /// Push to every neighbour but the one it came from.
    Flood,
    /// libp2p gossipsub v1.1, with IDONTWANT of v1.2.
    Gossipsub(GossipsubSpec),
}

/// Parameters of gossipsub. Source of the defaults: the Ethereum consensus p2p specification.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GossipsubSpec {
    /// Desired mesh degree, D. Allowed: 1 to 255. Default: 8.
    pub mesh: Option<u64>,
    /// Lower bound of the mesh degree, D_low. Allowed: 1 to mesh. Default: 3/4 of mesh (6 of 8).
    pub mesh_low: Option<u64>,
    /// Upper bound of the mesh degree, D_high. Allowed: mesh to 255. Default: 3/2 of mesh (12 of 8).
    pub mesh_high: Option<u64>,
    /// Peers outside the mesh told of recent items at each heartbeat, D_lazy. Allowed: 0 to 255. Default: 6.
    pub lazy: Option<u64>,
    /// Time between heartbeats. Allowed: 10 ms to 1 min. Default: "700 ms".
    pub heartbeat: Option<Duration>,
    /// Heartbeats for which an item is announced (mcache_gossip). Allowed: 1 to history_length. Default: 3.
    pub history_gossip: Option<u64>,
    /// Heartbeats for which an item can be asked for (mcache_len). Allowed: 1 to 255. Default: 6.
    pub history_length: Option<u64>,
    /// Tell the mesh not to send an item just received (v1.2). Default: true.
    pub idontwant: Option<bool>,
    /// Least size of an item for IDONTWANT to be sent. Default: "1 KiB".
    pub idontwant_threshold: Option<Size>,
    /// The publisher pushes its own items to all neighbours, not only to its mesh; with large items and one
    /// uplink that is slower. Default: false.
    pub flood_publish: Option<bool>,
}

/// What happens between the arrival of a block and passing it on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum ForwardSpec {
    /// After checking the header and the proposer's signature.
    AfterHeaderCheck {
        /// How long the check takes. Allowed: 0 to 10 s. Default: "1 ms".
        #[serde(default)]
        check: Option<Duration>,
    },
    /// Only after the block was executed.
    AfterExecution,
}

/// Timing and limits of a chain.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ChainRulesSpec {
    /// Time between blocks. Allowed: 1 ms to 1 h.
    pub slot: Option<Duration>,
    /// Attestation deadline after the slot's start: a block executed later gets no vote. Allowed: more than
    /// 0, less than `chain.slot`. Default: a third of the slot.
    pub attest_by: Option<Duration>,
    /// Most gas in a block. Allowed: 21000 gas to 1000 Ggas.
    pub gas_limit: Option<GasAmount>,
    /// Base fee of the first block; the fee market moves it from there. Allowed: 0 to 1 eth.
    pub base_fee: Option<Price>,
    /// Blobs: the rules of a fork by name, or given in place. Default: "bpo2" where there are rollups, else none.
    pub blobs: Option<BlobsSpec>,
    /// Who gets into blocks and at what price. Default: Eip1559().
    pub fee_market: Option<FeeMarketSpec>,
}

/// How blocks are made and agreed on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub enum ConsensusSpec {
    /// A proposer per slot drawn by stake, votes before a deadline, aggregation, finality by 2/3 of the
    /// stake.
    Slots(SlotsSpec),
    /// No agreement: a payload of fixed size is published at intervals and spreads. For network studies.
    Broadcast(BroadcastSpec),
}

/// Parameters of `Slots`. Its slot time and deadline are `chain.slot` and `chain.attest_by`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SlotsSpec {
    /// When aggregators publish what they have, after the slot's start. Allowed: after `chain.attest_by`,
    /// before the slot ends. Default: half-way between the deadline and the slot's end.
    pub aggregate_by: Option<Duration>,
    /// Vote committees, and aggregators, a slot. Allowed: 1 to 4096, at most `nodes.count`. Default: 4.
    pub committees: Option<u64>,
    /// Size of one vote on the wire. Allowed: 1 B to 1 MB. Default: "240 B".
    pub vote: Option<Size>,
    /// Size of an aggregate without its bits (one bit per committee member is added). Allowed: 1 B to 1 MB.
    /// Default: "320 B".
    pub aggregate: Option<Size>,
}

/// Parameters of `Broadcast`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BroadcastSpec {
    /// Mean time between payloads. Allowed: 1 ms to 24 h. Default: `chain.slot`.
    pub interval: Option<Duration>,
    /// Exponential gaps instead of equal ones. Default: false.
    pub poisson: Option<bool>,
    /// Size of a payload. Allowed: 1 B to 1 GB. Default: "128 KiB".
    pub payload: Option<Size>,
}

/// How blocks are executed, in simulated time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ExecutionSpec {
    /// Scheduling algorithm replayed on the virtual cores.
    pub algorithm: Option<AlgorithmSpec>,
    /// Cores used on every node. Allowed: 1 to 1024. Default: as many as the node's hardware class has.
    pub cores: Option<u64>,
    /// Factor on every node's execution speed. Allowed: 0.001 to 1000.
    pub speed: Option<Factor>,
    /// When execution happens relative to consensus.
    pub pipeline: Option<PipelineSpec>,
    /// What one unit of each class of work costs: the name of a cost profile (see `list`), or a file
    /// "my-profile.ron" beside the scenario.
    pub profile: Option<String>,
}

/// Scheduling algorithm of a block's transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AlgorithmSpec {
    /// One after the other.
    Serial,
    /// Optimistic, with multi-version memory, validation and re-execution.
    BlockStm,
}

/// When execution happens relative to consensus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PipelineSpec {
    /// The proposer executes before proposing, everyone else before voting (Ethereum).
    BeforeVoting,
}

/// What goes into the blocks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub enum WorkloadSpec {
    /// People sending transactions, executed on our contracts.
    Users(Box<UsersSpec>),
    /// Recorded blocks (`evm-block/1` files), proposed in turn, each on its own pre-state: a file, a folder,
    /// a pattern with `*` in the file name, or a list of those. `${LIGHTCONE_DATA}` stands for the folder
    /// with recorded data. Blocks are taken in the order of the numbers in their names.
    Blocks(PathsSpec),
    /// Nothing: empty blocks, or the payload of `Broadcast`.
    Empty,
}

/// One path or several.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum PathsSpec {
    /// One file, folder or pattern.
    One(String),
    /// Several, in this order.
    Many(Vec<String>),
}

/// Parameters of `Users`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UsersSpec {
    /// Transactions sent a second, over all regions (Poisson). Allowed: 0.001 to 10,000,000 tx/s. Default:
    /// "20 tx/s".
    pub rate: Option<TxRate>,
    /// How often each contract, counterparty or pool is used. Default: Zipf(0.8).
    pub hot_spot: Option<HotSpotSpec>,
    /// Relative shares of the kinds of transaction: transfer, erc20, swap, mint, compute. Default:
    /// { "transfer": 40, "erc20": 40, "swap": 18, "mint": 2 }.
    pub mix: Option<BTreeMap<String, u64>>,
    /// Number of accounts. Allowed: 2 to 100,000,000. Default: 20000.
    pub accounts: Option<u64>,
    /// Instances of each contract kind (tokens, pools, collections, compute contracts). Allowed: 1 to
    /// 100,000. Default: 8.
    pub instances: Option<u64>,
    /// Loop iterations of one `compute` call. Allowed: 1 to 1,000,000. Default: 1000.
    pub compute_iterations: Option<u64>,
    /// Median of what a sender is willing to pay per gas (log-normal). Allowed: 1 wei to 1 eth. Default:
    /// "20 gwei".
    pub max_fee: Option<Price>,
    /// 90th percentile of the willingness to pay over its median. Allowed: 1 to 1000. Default: 3.
    pub max_fee_p90: Option<Factor>,
    /// How transactions get from RPC nodes to proposers. Default: Leaders(2).
    pub delivery: Option<DeliverySpec>,
    /// RPC nodes collect transactions for this long before they send them as one bundle; shorter is closer to
    /// reality and, with Gossip, costs proportionally more events. Allowed: 1 ms to 1 min. Default: "100 ms"
    /// with Leaders, "1 s" with Gossip.
    pub bundle: Option<Duration>,
    /// RPC nodes a region; users talk to one in their own region. Allowed: 1 to 1000. Default: 1.
    pub rpc_nodes_per_region: Option<u64>,
    /// One application is in demand for a while; `summary.json` and the report then tell how the others fared.
    /// Default: none.
    pub burst: Option<BurstSpec>,
    /// Sizes of swaps (log-normal), at least one field; what each cost is then in the tables of rollups and the
    /// report. Default: about a millionth of a pool each.
    pub trade: Option<TradeSpec>,
}

/// Sizes of swaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TradeSpec {
    /// Median, as a share of the reserve of a pool that holds all liquidity there is. Allowed: more than 0, at
    /// most 1. If left out: 0.0001.
    pub median: Option<Real>,
    /// 90th percentile over the median. Allowed: 1 to 1000. If left out: 10.
    pub p90: Option<Factor>,
}

/// How transactions get from RPC nodes to proposers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub enum DeliverySpec {
    /// Every bundle is gossiped to every node, as on Ethereum. At thousands of transactions a second this
    /// alone fills home uplinks.
    Gossip,
    /// Every bundle goes straight to the proposers of this many coming slots; what they leave over is sent
    /// again. Allowed: 1 to 64.
    Leaders(u64),
}

/// How use is spread over contracts and counterparties.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub enum HotSpotSpec {
    /// All alike.
    Uniform,
    /// The r-th is used in proportion to r^-exponent. Allowed exponent: 0 to 10.
    Zipf(Real),
}

/// A further chain on the same machines. What is left out is as for the chain `main`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ChainSpec {
    /// Name shown in reports; unique.
    pub name: Option<String>,
    /// Timing and limits.
    pub chain: ChainRulesSpec,
    /// How blocks are made and agreed on.
    pub consensus: Option<ConsensusSpec>,
    /// How blocks are executed.
    pub execution: ExecutionSpec,
    /// What goes into the blocks.
    pub workload: Option<WorkloadSpec>,
}

/// A change while it runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InterventionSpec {
    /// When, from the start of the run; before everything else of that instant. After the run's end it has no
    /// effect.
    pub at: Duration,
    /// What changes. Factors are relative to the scenario's own value, so that a factor of 1 undoes a change.
    pub change: ChangeSpec,
}

/// What an intervention changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum ChangeSpec {
    /// Rates of access links, up and down. What is being sent sends its rest at the new rate, and what waits
    /// follows in its order.
    Bandwidth {
        /// Factor on the scenario's own rates. Allowed: 0.001 to 1000, links from 1 kbit/s to 1000 Gbit/s.
        factor: Factor,
        /// Whose links: All, Region("name") or Node(number). Default: All.
        #[serde(default)]
        of: Option<ScopeSpec>,
    },
    /// A factor on all base latencies, for messages whose last bit leaves the sender from then on; those in the
    /// air keep theirs. Allowed: 0.001 to 1000.
    Latency(Factor),
    /// A factor on the speed of execution, for blocks whose execution begins from then on. Allowed: 0.001 to
    /// 1000.
    ExecutionSpeed(Factor),
    /// Cores used on every node, for blocks whose execution begins from then on. Allowed: 1 to 1024.
    Cores(u64),
    /// Scheduling algorithm, Serial or BlockStm, for blocks whose execution begins from then on.
    Algorithm(AlgorithmSpec),
    /// Most gas in a block, for blocks built from then on. Allowed: 21000 gas to 1000 Ggas.
    GasLimit(GasAmount),
    /// A factor on the users' rate, for arrivals from then on. Allowed: 0.001 to 1000.
    Load(Factor),
    /// Nodes go down: All, Region("name") or Node(number). They neither send nor receive, execute, vote nor
    /// propose, and keep what they have; what is under way to them is lost, and their neighbours do not notice.
    Kill(ScopeSpec),
    /// Nodes that are down come back with what they had, and fetch the blocks they missed from a peer.
    Restore(ScopeSpec),
}

/// Which nodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub enum ScopeSpec {
    /// Every node.
    All,
    /// The nodes of a region of the latency table.
    Region(String),
    /// One node, by its number from 0.
    Node(u64),
}

/// Reads `"text"` as one thing and `{..}`, `(..)`, `[..]` or a number as another, so that errors inside keep
/// their place (serde's own untagged enums lose it).
macro_rules! text_or {
    ($type:ident, $expecting:literal, $($method:tt)*) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Both;
                impl<'de> Visitor<'de> for Both {
                    type Value = $type;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expecting)
                    }
                    $($method)*
                }
                deserializer.deserialize_any(Both)
            }
        }
    };
}

text_or! { RegionsSpec, "the name of a region mix, or { \"region\": share, ... }",
    fn visit_str<E: de::Error>(self, name: &str) -> Result<RegionsSpec, E> {
        Ok(RegionsSpec::Named(name.to_owned()))
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RegionsSpec, A::Error> {
        BTreeMap::deserialize(de::value::MapAccessDeserializer::new(map)).map(RegionsSpec::Shares)
    }
}

text_or! { HardwareMixSpec, "the name of a hardware class, or { \"class\": share, ... }",
    fn visit_str<E: de::Error>(self, name: &str) -> Result<HardwareMixSpec, E> {
        Ok(HardwareMixSpec::One(name.to_owned()))
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<HardwareMixSpec, A::Error> {
        BTreeMap::deserialize(de::value::MapAccessDeserializer::new(map)).map(HardwareMixSpec::Shares)
    }
}

text_or! { HardwareSpec, "a share (a whole number, 0 or more), or a class (share: .., up: .., down: .., cores: ..)",
    fn visit_u64<E: de::Error>(self, share: u64) -> Result<HardwareSpec, E> {
        Ok(HardwareSpec::Share(share))
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<HardwareSpec, A::Error> {
        InlineHardware::deserialize(de::value::MapAccessDeserializer::new(map)).map(HardwareSpec::Inline)
    }
}

text_or! { PathsSpec, "a path in quotes, or a list of paths",
    fn visit_str<E: de::Error>(self, path: &str) -> Result<PathsSpec, E> {
        Ok(PathsSpec::One(path.to_owned()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<PathsSpec, A::Error> {
        Vec::deserialize(de::value::SeqAccessDeserializer::new(seq)).map(PathsSpec::Many)
    }
}

mod bridges;
mod rollups;

pub use bridges::{BridgeSpec, PolicySpec, TravellersSpec};
pub use rollups::{
    AtomicSpec, BatchSpec, BlobRulesSpec, BlobsSpec, DataSpec, FleetSpec, MarketSpec, OrderSpec, PoolsSpec,
    ProofSpec, RollupsSpec, SequencingSpec, SharesSpec,
};
