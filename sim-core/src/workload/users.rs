//! `Users`: people in regions send transactions; proposers include what pays best.
//!
//! **Captures.** Poisson arrivals, shared over regions like the nodes; a mix of calls to real contracts; Zipf
//! popularity of contracts, pools and counterparties; log-normal willingness to pay (EIP-1559 max fee). A user
//! hands the transaction to an RPC node of the region, which sends on what came in during `bundle_ns` as one
//! bundle ([`super::delivery`]); a proposer sees a transaction once a bundle with it has arrived, and picks by
//! effective tip, nonces in order. A user learns of inclusion when that RPC node has executed the block, and of finality when it is
//! final there.
//!
//! **Leaves out.** The user's own link to the RPC node; replacement and cancellation; announcements of single
//! transactions (a gossiped bundle is pushed whole, which costs about the bytes that announcements and one
//! body cost); private order flow.
//!
//! **Parameters.** [`UsersPlan`].
//!
//! Pinned contents: the block of a slot holds the transactions it held in the base run; arms of a comparison
//! then execute the same blocks. Where a block is lost in the arm, what it held is offered to the proposers
//! after it, so that the arm carries the same load.

mod arrivals;
mod building;

pub use arrivals::{Fate, Group};

use super::delivery::Deliveries;
use super::economy::Economy;
use super::load::Load;
use super::params::{Delivery, UsersPlan};
use super::{Pricing, Standpoint};
use crate::chain::fee_market::{Ask, BlockUse, FeeMarketPlan, KeyedBy, MarketState, Quote};
use crate::chain::mempool::{Mempool, TransactionLog, TxIx};
use crate::chain::schedule::Schedule;
use crate::chain::transaction::TxId;
use crate::chain::tree::BlockIx;
use crate::execution::builder::BlockExecutor;
use crate::execution::draft::Paid;
use crate::execution::host::{Host, timers};
use crate::execution::state::WorldState;
use crate::gossip::Dissemination;
use crate::kernel::event::Moment;
use crate::kernel::ids::NodeId;
use crate::net::message::MessageKind;
use arrivals::{Hot, Rpc, Samplers};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Pending transactions a pool holds at most.
const POOL_CAPACITY: usize = 1_000_000;
/// Framing of a bundle, bytes.
const BUNDLE_BYTES: u64 = 64;
/// Pinned contents of so many slots back may still be waiting for inclusion.
const PINNED_SLOTS: u32 = 16;

/// Contents of blocks by slot, taken from another run.
pub type Pinned = BTreeMap<u32, Arc<[TxId]>>;

/// The workload of one chain.
#[derive(Clone)]
pub struct Users {
    plan: UsersPlan,
    seed: u64,
    economy: Arc<Economy>,
    executor: BlockExecutor,
    pricing: Pricing,
    samplers: Arc<Samplers>,
    rpcs: Vec<Rpc>,
    rpc_of_node: BTreeMap<NodeId, usize>,
    log: TransactionLog,
    pool: Mempool,
    fates: Vec<Fate>,
    deliveries: Deliveries,
    schedule: Schedule,
    slot_ns: u64,
    last_slot: u32,
    /// By block: the state and the prices it left behind.
    states: BTreeMap<BlockIx, (WorldState, Arc<MarketState>)>,
    /// By block: what its transactions paid, in their order.
    paid: BTreeMap<BlockIx, Arc<[Paid]>>,
    /// By block: when each RPC node had executed it and when it was final there.
    seen: BTreeMap<BlockIx, Vec<[u64; 2]>>,
    pinned: Option<Arc<Pinned>>,
    chosen: Pinned,
    gas_limit: u64,
    load: Load,
    dropped: u64,
    market: Arc<FeeMarketPlan>,
    /// Wallets declare what their calls touch.
    declares: bool,
    /// The application whose demand bursts.
    hot: Option<Hot>,
}

/// What a workload of people is made of.
pub struct UsersSetup {
    /// Parameters.
    pub plan: UsersPlan,
    /// Root seed and chain number.
    pub seed: u64,
    /// Accounts and contracts.
    pub economy: Arc<Economy>,
    /// The state they start from.
    pub genesis: WorldState,
    /// Executes blocks.
    pub executor: BlockExecutor,
    /// Prices them.
    pub pricing: Pricing,
    /// RPC nodes with their regions and relative numbers of users.
    pub rpcs: Vec<(NodeId, u32, u64)>,
    /// Who proposes when.
    pub schedule: Schedule,
    /// Time between slots, ns.
    pub slot_ns: u64,
    /// Last slot with a proposal; nobody submits after it.
    pub last_slot: u32,
    /// Gas limit of a block.
    pub gas_limit: u64,
    /// Fee market.
    pub market: FeeMarketPlan,
    /// Base fee of the first block, wei per gas.
    pub base_fee_wei: u64,
    /// Contents to repeat.
    pub pinned: Option<Arc<Pinned>>,
}

impl Users {
    /// A workload that has not started.
    pub fn new(setup: UsersSetup) -> Self {
        let UsersSetup { plan, seed, economy, genesis, executor, pricing, rpcs, pinned, .. } = setup;
        let samplers = Samplers::new(&plan, economy.instances());
        let rpcs = arrivals::rpcs(&plan, seed, &samplers, rpcs);
        let hot = plan.burst.as_ref().map(|burst| {
            let instance = burst.instance as usize;
            let position = plan.mix.iter().position(|(kind, _)| *kind == burst.kind);
            let call = economy.call(burst.kind, instance, 0, 0);
            let mix_position = position.expect("the plan was checked");
            Hot { mix_position, instance, to: call.to, touches: call.touches }
        });
        let left = Arc::new(MarketState::flat(setup.base_fee_wei));
        let declares = setup.market.market().keyed_by() == Some(KeyedBy::AccessList);
        Self {
            plan,
            seed,
            economy,
            executor,
            pricing,
            samplers: Arc::new(samplers),
            rpc_of_node: rpcs.iter().enumerate().map(|(i, rpc)| (rpc.node, i)).collect(),
            rpcs,
            log: TransactionLog::new(),
            pool: Mempool::new(POOL_CAPACITY),
            fates: Vec::new(),
            deliveries: Deliveries::default(),
            schedule: setup.schedule,
            slot_ns: setup.slot_ns,
            last_slot: setup.last_slot,
            states: BTreeMap::from([(BlockIx(0), (genesis, left))]),
            paid: BTreeMap::new(),
            seen: BTreeMap::new(),
            pinned,
            chosen: Pinned::new(),
            gas_limit: setup.gas_limit,
            load: Load::default(),
            dropped: 0,
            market: Arc::new(setup.market),
            declares,
            hot,
        }
    }

    /// Sets the first timers.
    pub fn start<D: Dissemination>(&mut self, host: &mut Host<'_, D>, chain: u32) {
        let count = self.rpcs.len() as u64;
        for (i, rpc) in self.rpcs.iter().enumerate() {
            // RPC nodes close their bundles out of phase.
            let phase = self.plan.bundle_ns * (i as u64 + 1) / count;
            host.timer(Moment::default(), phase.max(1), rpc.node, timers::BUNDLE, chain);
        }
    }

    /// An RPC node sends on what came in since the last bundle.
    pub fn on_bundle<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        node: NodeId,
        chain: u32,
        sequence: u32,
        at: Standpoint,
    ) {
        let rpc = self.rpc_of_node[&node];
        let slot = (now.time.0 / self.slot_ns) as u32;
        if let Delivery::Leaders { ahead } = self.plan.delivery
            && self.rpcs[rpc].last_leftovers < slot
        {
            self.rpcs[rpc].last_leftovers = slot;
            let leftovers = self.leftovers(rpc, at);
            self.send_letter(host, now, rpc, chain, leftovers, slot + ahead..=slot + ahead);
        }
        let first = self.log.len();
        let mut bytes = BUNDLE_BYTES;
        while self.rpcs[rpc].next_ns() <= now.time.0 {
            bytes += self.submit(rpc);
        }
        if self.log.len() > first {
            match self.plan.delivery {
                Delivery::Gossip => {
                    let kind = MessageKind::Transactions;
                    let bundle = self.deliveries.next();
                    let item =
                        host.fabric.create_item(now, node, sequence, kind, chain, bundle, bytes, false);
                    self.deliveries.gossiped(item, host.fabric.item(item).generation);
                    host.publish(now, node, item);
                }
                Delivery::Leaders { ahead } => {
                    let new: Vec<TxIx> = (first..self.log.len()).map(|i| TxIx(i as u32)).collect();
                    let waiting =
                        new.iter().map(|ix| (self.log.get(*ix).sender, self.log.get(*ix).nonce, *ix));
                    self.rpcs[rpc].pending.extend(waiting);
                    self.send_letter(host, now, rpc, chain, new, slot + 1..=slot + ahead);
                }
            }
        }
        if slot < self.last_slot {
            host.timer(now, self.plan.bundle_ns, node, timers::BUNDLE, chain);
        }
    }

    /// What an RPC node still waits to see included and could be: what the branch of its head does not hold,
    /// so that transactions of a block lost to a fork are sent again. A sender's transactions count in the
    /// order of nonces, up to the first that cannot pay, and each is worth the least tip of those up to it;
    /// best first, as far as the node's share of two blocks' gas goes and the market would admit them.
    fn leftovers(&mut self, rpc: usize, at: Standpoint) -> Vec<TxIx> {
        let plan = Arc::clone(&self.market);
        let prices = self.prices_after(at.head).map(Arc::clone).unwrap_or_default();
        let (market, keyed_by) = (plan.market(), plan.market().keyed_by());
        let gas_limit = self.gas_limit;
        let Rpc { pending, share_ppm, .. } = &mut self.rpcs[rpc];
        let (log, economy) = (&self.log, &self.economy);
        let keys = |ix: TxIx| keyed_by.map_or_else(Vec::new, |keyed_by| keyed_by.before(log.get(ix)));
        let tip = |ix: TxIx| {
            let surcharge_wei = market.quote(&prices, &keys(ix)).surcharge_wei;
            let quote = Quote { base_fee_wei: at.base_fee_wei, surcharge_wei, ..Quote::default() };
            quote.tip_wei(log.get(ix).max_fee_per_gas, log.get(ix).max_priority_fee_per_gas)
        };
        // The state of a root that finality has not moved for long is gone: nothing is forgotten then.
        let [head, root] = [at.head, at.root].map(|ix| self.states.get(&ix).map(|(world, _)| world));
        let next =
            |state: Option<&WorldState>, sender: u32| state.map_or(0, |s| s.nonce(economy.person(sender)));
        pending.sort();
        let mut offers = Vec::new();
        let mut waiting = Vec::with_capacity(pending.len());
        for queue in pending.chunk_by(|a, b| a.0 == b.0) {
            let [included, settled] = [head, root].map(|state| next(state, queue[0].0));
            waiting.extend(queue.iter().filter(|(_, nonce, _)| *nonce >= settled));
            let mut worth = u64::MAX;
            for &(sender, nonce, ix) in queue.iter().filter(|(_, nonce, _)| *nonce >= included) {
                let Some(tip) = tip(ix) else { break };
                worth = worth.min(tip);
                offers.push((std::cmp::Reverse(worth), sender, nonce, ix));
            }
        }
        *pending = waiting;
        offers.sort_unstable();
        let most = (u128::from(gas_limit) * 2 * u128::from(*share_ppm) / 1_000_000) as u64;
        let mut sent = BlockUse::new(most);
        let mut chosen = Vec::new();
        for (_, _, _, ix) in offers {
            let keys = keys(ix);
            let ask = Ask { gas: log.get(ix).gas_limit, keys: &keys, blob_gas: 0 };
            if ask.gas > most - sent.gas {
                break;
            }
            if market.admit(&sent, &ask) {
                sent.add(&ask, Default::default());
                chosen.push(ix);
            }
        }
        chosen
    }

    /// Sends transactions to the proposers of some slots.
    fn send_letter<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        rpc: usize,
        chain: u32,
        transactions: Vec<TxIx>,
        slots: std::ops::RangeInclusive<u32>,
    ) {
        let Some(&first) = transactions.first() else { return };
        let first = self.log.get(first).id.sequence;
        let from = self.rpcs[rpc].node;
        let sizes = transactions.iter().map(|ix| self.log.get(*ix).wire_size_bytes());
        let bytes = BUNDLE_BYTES + sizes.sum::<u64>();
        let bundle = self.deliveries.written(transactions);
        for slot in slots.filter(|s| (1..=self.last_slot).contains(s)) {
            let letter = self.deliveries.post(slot, bundle);
            let to = self.schedule.proposer(slot);
            if to == from {
                self.deliveries.arrived(letter);
            } else {
                let (kind, round) = (MessageKind::Transactions, first ^ u64::from(slot) << 20);
                host.fabric.send_direct(now, from, to, kind, bytes, chain, letter, round);
            }
        }
    }

    /// Transactions have reached a proposer.
    pub fn on_transactions(&mut self, letter: u32) {
        self.deliveries.arrived(letter);
    }

    /// Prices blocks built from now on in another way.
    pub fn set_pricing(&mut self, pricing: Pricing) {
        self.pricing = pricing;
    }

    /// Most gas in the blocks to come, for what is worth sending to their proposers.
    pub fn set_gas_limit(&mut self, gas_limit: u64) {
        self.gas_limit = gas_limit;
    }

    /// Time between bundles, ns.
    pub fn bundle_ns(&self) -> u64 {
        self.plan.bundle_ns
    }
}
