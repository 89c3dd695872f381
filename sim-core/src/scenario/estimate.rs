//! What a plan will cost, before it is run: rough, from the plan alone, meant to be right within a factor
//! of a few.
//!
//! An item that spreads over n nodes costs about `copies` messages a node, each of two queue events.

use super::limits;
use super::plan::{
    BurstPlan, ConsensusPlan, Delivery, FleetPlan, GossipPlan, Plan, TopologyPlan, TravellersPlan, UsersPlan,
    WorkloadPlan,
};
use super::resolve::thousands;
use std::fmt;

/// Memory of a node without its neighbour list, bytes (the design's yardstick).
const NODE_BYTES: u64 = 600;
/// A neighbour with its link state, both directions of an edge counted apart, bytes.
const NEIGHBOUR_BYTES: u64 = 16;
/// An account with its balance, nonce and storage, bytes.
const ACCOUNT_BYTES: u64 = 220;
/// A transaction with its body, record and execution report, bytes.
const TRANSACTION_BYTES: u64 = 1_200;
/// A rollup nobody uses, bytes: its place and its share of the demand.
const IDLE_ROLLUP_BYTES: u64 = 12;
/// A rollup in use, bytes: its state's difference to the genesis, queue and channel.
const ACTIVE_ROLLUP_BYTES: u64 = 4_000;
/// A pool of a used rollup whose reserves are its own, or as an arbitrageur knows it, bytes.
const POOL_BYTES: u64 = 1_200;
/// A transaction on a rollup, bytes: its times, its nonce, its record.
const ROLLUP_TX_BYTES: u64 = 600;
/// A journey with its transactions and messages, bytes.
const JOURNEY_BYTES: u64 = 5_000;
/// Places where travellers are shown pools.
const DESKS: u64 = 8;
/// A cell of the table of arrivals (block x node), bytes.
const NODE_BLOCK_BYTES: u64 = 200;
/// Most cells of that table a run keeps; beyond it only every k-th node is observed.
const NODE_BLOCKS_KEPT: u64 = 5_000_000;
/// A queued event, bytes.
const EVENT_BYTES: u64 = 48;
/// The program itself, contracts and tables, bytes.
const FIXED_BYTES: u64 = 40 << 20;
/// Times on one core of a 2-core cloud machine, measured on twelve runs of 100 to 20,000 nodes, 1 to 16 blocks, 10 to
/// 2,000 transactions a second and 1,000 to 200,000 accounts; each run took 0.6 to 1.9 times what they add up to.
/// An event.
const EVENT_NS: f64 = 250.0;
/// A node set up.
const NODE_NS: f64 = 20_000.0;
/// An account set up.
const ACCOUNT_NS: f64 = 60_000.0;
/// A transaction sent: made, spread to nobody, kept in mempools.
const TRANSACTION_NS: f64 = 3_000.0;
/// A unit of gas executed, ordering and state root included.
const GAS_NS: f64 = 1.0;
/// Gas of a user's transaction, where it is not known.
const TRANSACTION_GAS: u64 = 50_000;

/// What a plan will cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// Nodes.
    pub nodes: u64,
    /// Connections.
    pub edges: u64,
    /// Transactions sent by users over the run.
    pub transactions: u64,
    /// Gas executed over the run, each block once.
    pub gas: u64,
    /// Accounts of users.
    pub accounts: u64,
    /// Queue events processed.
    pub events: u64,
    /// Peak memory, bytes.
    pub memory_bytes: u64,
    /// Simulated time, ns.
    pub simulated_ns: u64,
}

/// Why a plan is refused before it is run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooLarge {
    /// More memory than there is.
    #[error(
        "arm `{arm}` needs about {} of memory, and {} are available; reduce nodes.count, the degree, \
         run.blocks, rollups' count or the rates of demand", gib(*.needed_bytes), gib(*.available_bytes)
    )]
    Memory {
        /// Name of the plan.
        arm: String,
        /// Estimated need, bytes.
        needed_bytes: u64,
        /// What there is, bytes.
        available_bytes: u64,
    },
    /// More events than anyone would wait for.
    #[error(
        "arm `{arm}` would process about {} events, more than {}; reduce nodes.count, run.blocks or \
         workload.rate", thousands(*.events), thousands(limits::EVENTS_MAX)
    )]
    Events {
        /// Name of the plan.
        arm: String,
        /// Estimated events.
        events: u64,
    },
}

/// What comes on top while an application is in demand: all the mix's calls of its kind, if it is the only one of
/// its kind, and accordingly less where there are more.
fn burst_transactions(users: &UsersPlan, burst: &BurstPlan) -> u128 {
    let total: u128 = users.mix.iter().map(|(_, w)| u128::from(*w)).sum();
    let own = users.mix.iter().find(|(kind, _)| *kind == burst.kind).map_or(0, |(_, w)| u128::from(*w));
    let even = if users.zipf_ppm == 0 { u128::from(users.instances.max(1)) } else { 1 };
    let usual =
        u128::from(burst.until_ns - burst.from_ns) * u128::from(users.rate_milli_tps) / 1_000_000_000_000;
    usual * own / total.max(1) / even * u128::from(burst.factor_ppm) / 1_000_000
}

/// Journeys people start.
fn journeys(fleet: &FleetPlan, simulated_ns: u128) -> u128 {
    let of = |plan: &TravellersPlan| {
        let span_ns = simulated_ns.min(plan.until_ns.map_or(u128::MAX, u128::from));
        span_ns * u128::from(plan.rate_milli_tps) / 1_000_000_000_000
    };
    fleet.travellers.iter().map(of).sum()
}

fn gib(bytes: u64) -> String {
    let tenths = (u128::from(bytes) * 10).div_ceil(1 << 30);
    format!("{}.{} GiB", tenths / 10, tenths % 10)
}

/// Estimates what a plan will cost.
pub fn estimate(plan: &Plan) -> Estimate {
    let nodes = u128::from(plan.nodes.count);
    let edges = match &plan.network.topology {
        TopologyPlan::RandomRegular { degree } => nodes * u128::from(*degree) / 2,
        TopologyPlan::ErdosRenyi { mean_degree_milli } => nodes * u128::from(*mean_degree_milli) / 2_000,
        TopologyPlan::FullMesh => nodes * (nodes - 1) / 2,
        TopologyPlan::Given { edges, .. } => edges.len() as u128,
    };
    let degree = (2 * edges / nodes).max(1);
    // Copies of an item that each node sends, and control messages beside them.
    let copies = match &plan.network.gossip {
        GossipPlan::Flood => degree.saturating_sub(1).max(1),
        GossipPlan::Gossipsub(g) => {
            let mesh = u128::from(g.mesh).min(degree);
            mesh + if g.idontwant { mesh } else { 0 }
        }
    };
    let spread = nodes * copies * 2;
    let blocks = u128::from(plan.run.blocks) + u128::from(plan.run.warm_up);
    let (mut events, mut transactions, mut state, mut simulated) = (0u128, 0u128, 0u128, 0u128);
    let (mut rollups, mut executed) = (0u128, 0u128);
    let (mut gas, mut accounts) = (0u128, 0u128);
    let mut active_regions = plan.nodes.region_weights.len() as u128;
    active_regions = active_regions.max(1);
    for chain in &plan.chains {
        let (slot_ns, per_block) = match &chain.consensus {
            // The block, the aggregates, a vote of every node, and a few timers each.
            ConsensusPlan::Slots(s) => {
                (s.slot_ns, spread * (1 + u128::from(s.committees)) + nodes * 2 + nodes * 4)
            }
            ConsensusPlan::Broadcast(b) => (b.interval_ns, spread),
        };
        let span_ns = blocks * u128::from(slot_ns);
        simulated = simulated.max(span_ns);
        events += blocks * per_block;
        if let WorkloadPlan::Users(users) = &chain.workload {
            let sent = span_ns * u128::from(users.rate_milli_tps) / 1_000_000_000_000;
            let sent = sent + users.burst.as_ref().map_or(0, |burst| burst_transactions(users, burst));
            let bundlers = active_regions * u128::from(users.rpc_nodes_per_region);
            let bundles = (span_ns / u128::from(users.bundle_ns) * bundlers).min(sent);
            // Straight to a few leaders, or to everybody.
            events += match users.delivery {
                Delivery::Gossip => sent + bundles * spread,
                Delivery::Leaders { ahead } => sent + bundles * 2 * u128::from(ahead),
            };
            transactions += sent;
            let comers = users.burst.as_ref().map_or(0, |burst| u128::from(burst.accounts));
            accounts += u128::from(users.accounts) + comers;
            gas += (sent * u128::from(TRANSACTION_GAS)).min(blocks * u128::from(chain.gas_limit));
        }
        if let WorkloadPlan::Blocks(recorded) = &chain.workload {
            state += recorded.files.len() as u128 * (2 << 20);
            gas += blocks * u128::from(chain.gas_limit);
        }
    }
    for fleet in &plan.rollups {
        let demand = &fleet.demand;
        let sent = simulated * u128::from(demand.rate_milli_tps) / 1_000_000_000_000;
        let active = sent.min(u128::from(fleet.count));
        // The arrival, two messages of two events each, the block's two timers.
        events += sent * 7;
        rollups += u128::from(fleet.count) * u128::from(IDLE_ROLLUP_BYTES)
            + active * u128::from(ACTIVE_ROLLUP_BYTES)
            + sent * u128::from(ROLLUP_TX_BYTES);
        accounts += u128::from(demand.accounts);
        let arbitrageurs = demand.trade.map_or(0, |trade| u128::from(trade.arbitrageurs));
        let pools = u128::from(fleet.count) * u128::from(demand.instances);
        if fleet.liquidity.is_some() {
            rollups += active * u128::from(demand.instances) * u128::from(POOL_BYTES);
        }
        if let Some(market) = fleet.market.as_ref().filter(|_| arbitrageurs > 0) {
            // A timer a move each; all rollups come to be used.
            events += arbitrageurs * (simulated / u128::from(market.step_ns.max(1)));
            rollups += (arbitrageurs + 1) * pools * u128::from(POOL_BYTES)
                + u128::from(fleet.count) * u128::from(ACTIVE_ROLLUP_BYTES);
        }
        executed += sent;
        gas += sent * u128::from(TRANSACTION_GAS);
        let searchers = demand.trade.map_or(0, |trade| u128::from(trade.searchers));
        if fleet.market.as_ref().and_then(|market| market.searchers).is_some() {
            // As many probes as transactions of people, as a guess: what pays is not known beforehand.
            let probes = if searchers > 0 { sent } else { 0 };
            events += probes * 6;
            executed += probes;
            gas += probes * u128::from(TRANSACTION_GAS);
            rollups += probes * u128::from(ROLLUP_TX_BYTES)
                + searchers * u128::from(fleet.count) * u128::from(POOL_BYTES);
        }
        let journeys = journeys(fleet, simulated);
        // There and back, each with three transactions, of which everybody is shown.
        events += journeys * 60;
        rollups += journeys * u128::from(JOURNEY_BYTES);
        if !fleet.travellers.is_empty() {
            rollups += pools * u128::from(DESKS * POOL_BYTES)
                + u128::from(fleet.count) * u128::from(ACTIVE_ROLLUP_BYTES);
        }
        let purses: u128 = fleet.travellers.iter().map(|plan| u128::from(plan.accounts)).sum();
        state += purses * u128::from(demand.instances) * u128::from(4 * ACCOUNT_BYTES);
        executed += journeys * 7;
        gas += journeys * 7 * u128::from(TRANSACTION_GAS);
    }
    state += accounts * u128::from(ACCOUNT_BYTES);
    let observed = (nodes * blocks * plan.chains.len() as u128).min(u128::from(NODE_BLOCKS_KEPT));
    let memory = nodes * u128::from(NODE_BYTES)
        + edges * 2 * u128::from(NEIGHBOUR_BYTES)
        + state
        + transactions * u128::from(TRANSACTION_BYTES)
        + rollups
        + observed * u128::from(NODE_BLOCK_BYTES)
        + (nodes * 4).min(events) * u128::from(EVENT_BYTES)
        + u128::from(FIXED_BYTES);
    let narrow = |value: u128| u64::try_from(value).unwrap_or(u64::MAX);
    Estimate {
        nodes: narrow(nodes),
        edges: narrow(edges),
        transactions: narrow(transactions + executed),
        gas: narrow(gas),
        accounts: narrow(accounts),
        events: narrow(events),
        memory_bytes: narrow(memory),
        simulated_ns: narrow(simulated),
    }
}

impl Estimate {
    /// Refuses what cannot be run: over the events limit, or over the memory there is (if known).
    ///
    /// # Errors
    /// [`TooLarge`], with the number.
    pub fn check(&self, arm: &str, available_bytes: Option<u64>) -> Result<(), TooLarge> {
        if self.events > limits::EVENTS_MAX {
            return Err(TooLarge::Events { arm: arm.to_owned(), events: self.events });
        }
        match available_bytes {
            Some(available_bytes) if self.memory_bytes > available_bytes => Err(TooLarge::Memory {
                arm: arm.to_owned(),
                needed_bytes: self.memory_bytes,
                available_bytes,
            }),
            _ => Ok(()),
        }
    }

    /// Rough time of a run on one core, s: set-up, event loop, and the blocks it executes itself.
    pub fn run_s(&self) -> f64 {
        self.repeated_s() + self.gas as f64 * GAS_NS / 1e9
    }

    /// As [`Estimate::run_s`], of a run whose blocks have been executed before.
    pub fn repeated_s(&self) -> f64 {
        let parts = [
            (self.events, EVENT_NS),
            (self.nodes, NODE_NS),
            (self.accounts, ACCOUNT_NS),
            (self.transactions, TRANSACTION_NS),
        ];
        parts.iter().map(|(count, ns)| *count as f64 * ns).sum::<f64>() / 1e9
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} nodes, {} connections, {} transactions, {} simulated; about {} events, {} of memory",
            thousands(self.nodes),
            thousands(self.edges),
            thousands(self.transactions),
            super::units::Duration(self.simulated_ns),
            thousands(round(self.events)),
            if self.memory_bytes >= 1 << 30 {
                gib(self.memory_bytes)
            } else {
                format!("{} MiB", self.memory_bytes >> 20)
            },
        )
    }
}

/// Keeps two digits: an estimate should not look exact.
fn round(value: u64) -> u64 {
    let mut scale = 1;
    while value / scale >= 100 {
        scale *= 10;
    }
    value / scale * scale
}
