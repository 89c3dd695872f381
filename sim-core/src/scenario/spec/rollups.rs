//! The `rollups` section and the blob rules of a chain, as written.

use super::{
    BridgeSpec, Deserialize, Deserializer, Duration, Factor, FeeMarketSpec, GasAmount, JsonSchema, MapAccess,
    Price, Real, Serialize, Size, TravellersSpec, UsersSpec, Visitor, de, fmt,
};

/// Blob rules of a chain.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum BlobsSpec {
    /// The rules of a fork: "cancun", "prague", "osaka", "bpo1", "bpo2".
    Named(String),
    /// Rules of one's own.
    Given(BlobRulesSpec),
}

/// Blob rules given in place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BlobRulesSpec {
    /// Fork whose rules hold for what is left out. Default: "bpo2".
    pub schedule: Option<String>,
    /// Blobs a block at which the price stands still. Allowed: 1 to `max`.
    pub target: Option<u64>,
    /// Most blobs in a block. Allowed: 1 to 4096.
    pub max: Option<u64>,
    /// Excess blob gas that multiplies the price by e. Allowed: 1 to 10^12.
    pub update_fraction: Option<u64>,
    /// Most blobs in one transaction. Allowed: 1 to `max`.
    pub max_per_transaction: Option<u64>,
    /// Excess blob gas at the start, which sets the first price. Allowed: 0 to 1000 times the update fraction.
    pub excess: Option<u64>,
    /// Columns of 128 that a node downloads and passes on (EIP-7594); 0: whole blobs. Allowed: 0 to 128.
    pub columns: Option<u64>,
}

text_or! { BlobsSpec, "the name of a fork, or (target: .., max: ..)",
    fn visit_str<E: de::Error>(self, name: &str) -> Result<BlobsSpec, E> {
        Ok(BlobsSpec::Named(name.to_owned()))
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<BlobsSpec, A::Error> {
        BlobRulesSpec::deserialize(de::value::MapAccessDeserializer::new(map)).map(BlobsSpec::Given)
    }
}

/// Rollups on the chain `main`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub enum RollupsSpec {
    /// One rollup or many of a kind: each with its own state, sequencer and batches; idle ones cost nothing.
    Fleet(FleetSpec),
}

/// Rollups of one kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FleetSpec {
    /// Name shown in reports; unique. Default: the preset's name.
    pub name: Option<String>,
    /// Number of rollups. Allowed: 1 to 1,000,000. Default: 1.
    pub count: Option<u64>,
    /// Design whose parameters hold for what is left out: see `list`. Default: "op-like".
    pub preset: Option<String>,
    /// How demand is spread over the rollups. Default: Equal.
    pub shares: Option<SharesSpec>,
    /// What people send, over all rollups of the fleet: fields as in `Users`; `delivery` and `bundle` have no
    /// effect. Default: 10 tx/s by 2000 accounts over 4 instances, fees of at most 20 times the least base fee
    /// (median).
    pub demand: Option<UsersSpec>,
    /// Nodes that run sequencers and batchers, each for an equal number of rollups; taken from the hardware
    /// class with the fastest uplink. Allowed: 1 to 10,000, at most `count` and `nodes.count`. Default: 1 for
    /// one rollup or a shared sequencer, else 8.
    pub sequencers: Option<u64>,
    /// How the liquidity of every pool is spread over the rollups; none without any. Default: not at all, each has as
    /// much as a chain of its own.
    pub liquidity: Option<SharesSpec>,
    /// What kind of market pools are. Default: Constant.
    pub pools: Option<PoolsSpec>,
    /// Prices outside, and arbitrageurs who even them out; at least one field, for `()` is none. Default: neither.
    pub market: Option<MarketSpec>,
    /// Bridges between its rollups; at most 16. Default: none.
    pub bridges: Option<Vec<BridgeSpec>>,
    /// People with something to do, at home or over a bridge; at most 32 kinds. With any, `count` is at most 10,000.
    /// Default: none.
    pub travellers: Option<Vec<TravellersSpec>>,
    /// Nodes that follow each rollup beside its sequencer: they are sent every block and execute it. Allowed: 0 to
    /// 100, less than `nodes.count`. Default: 4 for one rollup, else 0.
    pub followers: Option<u64>,
    /// Nodes that derive each rollup from the L1 alone: they fetch what is posted and execute it. Allowed: 0 to 100, less than
    /// `nodes.count`. Default: 0.
    pub derivers: Option<u64>,
    /// Time between blocks. Allowed: 10 ms to 1 h. Default: the preset's.
    pub block: Option<Duration>,
    /// Time between soft confirmations (flashblocks); a part of the block time. Default: the preset's, or
    /// `block` where that is given.
    pub flashblock: Option<Duration>,
    /// Blocks begin when there is something to put in, instead of on a clock. Default: the preset's.
    pub on_demand: Option<bool>,
    /// Gas limit of a block. Allowed: 21000 gas to 1000 Ggas. Default: the preset's.
    pub gas_limit: Option<GasAmount>,
    /// Which transaction goes first. Default: the preset's.
    pub order: Option<OrderSpec>,
    /// Who orders: a sequencer of its own, one for all, or the proposers of the L1. Default: the preset's.
    pub sequencing: Option<SequencingSpec>,
    /// Transactions that may wait at a sequencer; 0: any number. Default: the preset's.
    pub queue: Option<u64>,
    /// After this long in the queue a transaction is given up; 0: never. Default: the preset's.
    pub timeout: Option<Duration>,
    /// Least base fee, and the first. Allowed: 0 to 1 eth; above 0 with `fees: Windows`. Default: the preset's.
    pub base_fee: Option<Price>,
    /// How the base fee moves: `Eip1559` or `Windows`, as for a chain, its floor being `base_fee`. Default: the preset's, also of
    /// what is left out of `Eip1559`.
    pub fees: Option<FeeMarketSpec>,
    /// Posting to the L1.
    pub batch: BatchSpec,
    /// Proofs: `Off`, or times and gas. Default: the preset's.
    pub proof: Option<ProofSpec>,
}

/// What kind of market a fleet's pools are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum PoolsSpec {
    /// Constant product: liquidity at all prices.
    Constant,
    /// The same capital in one range around the first price, so that it is deeper there and ends elsewhere: a swap that
    /// would leave the range is reverted. Nobody moves ranges; searchers, providers and travellers do not go there.
    Concentrated {
        /// How far up the range reaches, over the first price; down it reaches by the same factor. It ends at the nearest
        /// power of 1.006. Allowed: 0.006 to 9. Default: 0.1.
        #[serde(default)]
        range: Option<Real>,
    },
}

/// Prices outside and arbitrageurs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MarketSpec {
    /// Standard deviation over a day of the logarithm of a token's value; a pair has that of both, 1.41 times as
    /// much. Allowed: 0 to 10. Default: 0.05.
    pub volatility: Option<Real>,
    /// Jumps of a token's value a day. Allowed: 0 to 100,000. Default: 0.
    pub jumps: Option<Real>,
    /// Standard deviation of a jump's logarithm. Allowed: 0 to 1. Default: 0.01.
    pub jump: Option<Real>,
    /// Time between two moves. Allowed: 100 ms to 1 h. Default: "1 s".
    pub step: Option<Duration>,
    /// How many arbitrageurs watch all rollups, each from a node of its own with an inventory on every rollup. With any,
    /// `count` is at most 10,000. Allowed: 0 to 100, at most `nodes.count`. Default: 1.
    pub arbitrageurs: Option<u64>,
    /// What a trade costs them beside the fee, over the reserve of a pool that holds all liquidity, parts per
    /// billion: 10 are 2 cents for a pool worth 4 million dollars. Allowed: 0 to 1,000,000,000. Default: 10.
    pub cost_ppb: Option<u64>,
    /// What the reserve that a pool with all liquidity holds of one token is worth, ether. With it `cost_ppb` must not be
    /// given: a trade costs an arbitrageur the gas of a swap at the price of the rollup, and results are in ether.
    /// Allowed: 0.001 to 100,000,000. Default: nobody says, or 1000 where there are searchers.
    pub worth_eth: Option<Real>,
    /// Searchers, whose probes look for trades in a circle of all pools and use block space whether or not there are any;
    /// `demand.instances` is 2 to 4 with them.
    pub searchers: Option<SearchersSpec>,
    /// Providers of the liquidity who can leave and come back. Default: nobody can.
    pub providers: Option<ProvidersSpec>,
}

/// Providers of liquidity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProvidersSpec {
    /// How many own all liquidity in equal parts; times `count` at most 10,000. Allowed: 1 to 100, at most
    /// `nodes.count`. Default: 2.
    pub count: Option<u64>,
    /// Results are summed over about this long; a provider decides about a pool at most once in it. Allowed: 1 s to
    /// 1 h. Default: "1 min".
    pub window: Option<Duration>,
    /// A provider takes a quarter of what it had out when its result against rebalancing over the window is below minus
    /// this part of what it has there. Allowed: 0 to 1. Default: 0.00001.
    pub leave: Option<Real>,
}

/// Searchers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SearchersSpec {
    /// How many, each at a node of its own and with a contract on every rollup; times `count` at most 10,000.
    /// Allowed: 0 to 100, at most `nodes.count`. Default: 3.
    pub count: Option<u64>,
    /// Tip per gas. Allowed: 0 to 1 eth. Default: a hundredth of the least base fee.
    pub tip: Option<Price>,
    /// Gains are averaged over about this long, and each rollup is probed at least once in it. Allowed: 1 s to 1 h.
    /// Default: "30 s".
    pub window: Option<Duration>,
    /// What a probe must be expected to gain beyond its price, over that price. Allowed: 0 to 100. Default: 0.
    pub margin: Option<Real>,
}

/// How demand or liquidity is spread over rollups.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub enum SharesSpec {
    /// All alike.
    Equal,
    /// The r-th in proportion to r^-exponent. Allowed exponent: 0 to 10.
    Zipf(Real),
    /// Relative shares, one a rollup.
    Given(Vec<u64>),
}

/// Which transaction goes first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum OrderSpec {
    /// As they arrive at the sequencer.
    FirstCome,
    /// By tip on gas.
    PriorityFee,
    /// As they arrive, those outside an express lane later.
    Timeboost {
        /// How much later. Allowed: 0 to 10 s. Default: "200 ms".
        #[serde(default)]
        delay: Option<Duration>,
        /// Share of transactions in the express lane. Allowed: 0 to 1. Default: 0.05.
        #[serde(default)]
        express: Option<Real>,
    },
}

/// Who orders a rollup's transactions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum SequencingSpec {
    /// A sequencer node.
    Own,
    /// Whoever proposes the L1's next block: it orders, executes and posts one batch a slot, and people see the L1
    /// block first. Swaps are not followed there.
    Based {
        /// How long before its slot a proposer builds. Allowed: 10 ms to less than a slot. Default: "1 s".
        #[serde(default)]
        lead: Option<Duration>,
    },
    /// One sequencer node for all rollups of the fleet: their blocks have the same clock, and transactions for several of
    /// them that are sent together are taken together or not at all (travellers with the policy `Together`).
    Shared {
        /// What is promised of them. Default: Inclusion.
        #[serde(default)]
        atomic: Option<AtomicSpec>,
    },
}

/// What a shared sequencer promises of transactions that are sent together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AtomicSpec {
    /// All of them are in blocks of the same tick, or none; each may revert.
    Inclusion,
    /// And none if one of them would revert: the sequencer executes, and repeats it without them.
    Execution,
}

/// Posting to the L1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BatchSpec {
    /// A batch is due this long after its first transaction. Allowed: 1 s to 30 days.
    pub max_delay: Option<Duration>,
    /// It is due earlier once it is likely to fill so many blobs. Allowed: 1 to `max_blobs`.
    pub target_blobs: Option<u64>,
    /// Most blobs in a batch. Allowed: 1 to the most a transaction may carry.
    pub max_blobs: Option<u64>,
    /// Brotli quality. Allowed: 0 to 11.
    pub compression: Option<u64>,
    /// Where batches go: Blobs, Calldata, or Cheaper of the two.
    pub data: Option<DataSpec>,
    /// Most a rollup pays per blob gas: median over rollups (log-normal). Allowed: 1 wei to 1 eth.
    pub max_blob_fee: Option<Price>,
    /// 90th percentile of that over the median. Allowed: 1 to 1000.
    pub max_blob_fee_p90: Option<Factor>,
    /// Tip per gas at first: median over rollups. Allowed: 1 wei to 1 eth.
    pub tip: Option<Price>,
    /// The tip doubles every so long until the batch is in. Allowed: 1 s to 30 days.
    pub tip_doubles: Option<Duration>,
    /// Bytes executed and not posted above which blocks are throttled; 0: never.
    pub throttle_at: Option<Size>,
    /// Bytes of transactions in a throttled block. Default: "21 kB".
    pub throttle_block: Option<Size>,
    /// Batches of several rollups of a sequencer node share blobs.
    pub sharing: Option<bool>,
}

/// Where batches go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub enum DataSpec {
    /// Into blobs.
    Blobs,
    /// Into calldata, at most so much a batch.
    Calldata(Size),
    /// Into blobs, or calldata (at most so much a batch) when that is cheaper at the prices seen.
    Cheaper(Size),
}

/// How a batch comes to count as proven.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum ProofSpec {
    /// Never.
    Off,
    /// A proof, or an assertion, some time after the batch is on the L1.
    On {
        /// Until it is ready. Allowed: 0 to 30 days. Default: the preset's.
        #[serde(default)]
        latency: Option<Duration>,
        /// From its finality until it takes effect (dispute window, execution delay); added by rule. Allowed: 0
        /// to 60 days. Default: the preset's.
        #[serde(default)]
        window: Option<Duration>,
        /// Gas of its transaction. Allowed: 21000 gas to 16 Mgas. Default: the preset's.
        #[serde(default)]
        gas: Option<GasAmount>,
    },
}
