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

use super::delivery::Deliveries;
use super::economy::{Economy, RULES};
use super::load::Load;
use super::params::{Delivery, UsersPlan};
use super::{BuildRequest, Draft, Pricing, Standpoint, next_header};
use crate::chain::block::{Block, BlockHeader, Body, wire_size_bytes};
use crate::chain::mempool::{Mempool, TransactionLog, TxIx};
use crate::chain::schedule::Schedule;
use crate::chain::transaction::{Transaction, TxId};
use crate::chain::tree::BlockIx;
use crate::execution::builder::{BlockExecutor, ExecutedBlock, PoolView};
use crate::execution::host::{Host, RunError, timers};
use crate::execution::state::WorldState;
use crate::gossip::Dissemination;
use crate::kernel::event::Moment;
use crate::kernel::ids::NodeId;
use crate::kernel::random::{Purpose, Weighted, Zipf, draw, exponential_duration, log_normal, uniform_below};
use crate::kernel::time::SimDuration;
use crate::net::fabric::Fabric;
use crate::net::message::MessageKind;
use parallel_evm::TxKind as To;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Pending transactions a pool holds at most.
const POOL_CAPACITY: usize = 1_000_000;
/// Framing of a bundle, bytes.
const BUNDLE_BYTES: u64 = 64;
/// Median tip, wei per gas.
const TIP_MEDIAN_WEI: f64 = 1e9;
/// 90th percentile of the standard normal distribution.
const Z90: f64 = 1.281_551_565_544_600_4;
/// People beyond this rank are equally popular counterparties (keeps the popularity table small).
const POPULAR_PEOPLE: usize = 10_000;

/// Pinned contents of so many slots back may still be waiting for inclusion.
const PINNED_SLOTS: u32 = 16;

/// Contents of blocks by slot, taken from another run.
pub type Pinned = BTreeMap<u32, Arc<[TxId]>>;

/// What a user saw of one transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fate {
    /// Region of the user.
    pub region: u32,
    /// Position of its kind in the plan's mix.
    pub kind: u32,
    /// Handed to the RPC node, ns.
    pub submitted_ns: u64,
    /// RPC node, as a position in the list of RPC nodes.
    rpc: u32,
    bundle: u32,
}

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
    states: BTreeMap<BlockIx, WorldState>,
    /// By block: when each RPC node had executed it and when it was final there.
    seen: BTreeMap<BlockIx, Vec<[u64; 2]>>,
    pinned: Option<Arc<Pinned>>,
    chosen: Pinned,
    gas_limit: u64,
    load: Load,
    dropped: u64,
}

struct Samplers {
    kinds: Weighted,
    instances: Zipf,
    people: Zipf,
    fee_sigma: f64,
}

/// A node that takes transactions from users, with the accounts of its users.
#[derive(Clone)]
struct Rpc {
    node: NodeId,
    region: u32,
    mean_gap_ns: u64,
    next_ns: u64,
    arrivals: u64,
    accounts: std::ops::Range<u32>,
    nonces: Vec<u64>,
    transactions: Vec<TxIx>,
    /// Share of all users, parts per million.
    share_ppm: u64,
    /// Taken and not yet seen in a final block, where bundles go to leaders,
    /// as (sender, nonce, transaction), sorted up to what came in last.
    pending: Vec<(u32, u64, TxIx)>,
    /// Slot in which leftovers were last sent.
    last_leftovers: u32,
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
    /// Contents to repeat.
    pub pinned: Option<Arc<Pinned>>,
}

impl Users {
    /// A workload that has not started.
    pub fn new(setup: UsersSetup) -> Self {
        let UsersSetup { plan, seed, economy, genesis, executor, pricing, rpcs, pinned, .. } = setup;
        let total: u64 = rpcs.iter().map(|(_, _, weight)| weight).sum::<u64>().max(1);
        let people = u64::from(economy.people());
        let mut before = 0;
        let rpcs = rpcs.into_iter().map(|(node, region, weight)| {
            let from = (people * before / total) as u32;
            before += weight;
            let to = ((people * before / total) as u32).max(from + 1).min(people as u32);
            // rate = plan.rate * weight / total; gap = 1 / rate.
            let gap = 1_000_000_000_000_u128 * u128::from(total);
            let rate = u128::from(plan.rate_milli_tps) * u128::from(weight);
            let mean_gap_ns = gap.checked_div(rate).map_or(u64::MAX, |g| g as u64);
            let accounts = from.min(people as u32 - 1)..to;
            let nonces = vec![0; accounts.len()];
            let mut rpc = Rpc {
                node,
                region,
                mean_gap_ns,
                next_ns: 0,
                arrivals: 0,
                accounts,
                nonces,
                transactions: Vec::new(),
                share_ppm: weight * 1_000_000 / total,
                pending: Vec::new(),
                last_leftovers: 0,
            };
            rpc.next_ns = rpc.gap_ns(seed);
            rpc
        });
        let rpcs: Vec<Rpc> = rpcs.collect();
        let samplers = Samplers {
            kinds: Weighted::new(plan.mix.iter().map(|(_, w)| *w)).expect("the mix has weight"),
            instances: Zipf::new(economy.instances(), plan.zipf_ppm as f64 / 1e6).expect("instances exist"),
            people: Zipf::new((people as usize).min(POPULAR_PEOPLE), plan.zipf_ppm as f64 / 1e6)
                .expect("people exist"),
            fee_sigma: crate::kernel::math::ln(plan.max_fee_p90_ppm as f64 / 1e6) / Z90,
        };
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
            states: BTreeMap::from([(BlockIx(0), genesis)]),
            seen: BTreeMap::new(),
            pinned,
            chosen: Pinned::new(),
            gas_limit: setup.gas_limit,
            load: Load::default(),
            dropped: 0,
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
        while self.rpcs[rpc].next_ns <= now.time.0 {
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
    /// best first, as far as the node's share of two blocks' gas goes.
    fn leftovers(&mut self, rpc: usize, at: Standpoint) -> Vec<TxIx> {
        let gas_limit = self.gas_limit;
        let Rpc { pending, share_ppm, .. } = &mut self.rpcs[rpc];
        let (log, economy) = (&self.log, &self.economy);
        // The state of a root that finality has not moved for long is gone: nothing is forgotten then.
        let [head, root] = [at.head, at.root].map(|ix| self.states.get(&ix));
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
                let Some(tip) = log.get(ix).effective_tip(at.base_fee_wei) else { break };
                worth = worth.min(tip);
                offers.push((std::cmp::Reverse(worth), sender, nonce, ix));
            }
        }
        *pending = waiting;
        offers.sort_unstable();
        let mut gas_left = u128::from(gas_limit) * 2 * u128::from(*share_ppm) / 1_000_000;
        let affordable = offers.into_iter().map(|(_, _, _, ix)| ix).take_while(|ix| {
            let gas = u128::from(log.get(*ix).gas_limit);
            let fits = gas <= gas_left;
            gas_left = gas_left.saturating_sub(gas);
            fits
        });
        affordable.collect()
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

    /// The next user's transaction at an RPC node; its size, bytes.
    fn submit(&mut self, index: usize) -> u64 {
        let rpc = &mut self.rpcs[index];
        let submitted_ns = rpc.next_ns;
        let (entity, counter) = (u64::from(rpc.node.0) << 8, rpc.arrivals);
        let seed = self.seed;
        let random = |field: u64| draw(seed, Purpose::WORKLOAD, entity | field, counter);
        rpc.arrivals += 1;
        rpc.next_ns = self.load.after(rpc.next_ns, rpc.gap_ns(seed));
        let account = uniform_below(random(1), rpc.accounts.len() as u64) as usize;
        let sender = rpc.accounts.start + account as u32;
        let nonce = rpc.nonces[account];
        rpc.nonces[account] += 1;
        let kind = self.samplers.kinds.sample(random(2));
        let instance = self.samplers.instances.sample(random(3));
        let other = self.samplers.people.sample(random(4)) as u32;
        let call = self.economy.call(self.plan.mix[kind].0, instance, other, random(5));
        let max_fee = log_normal(random(6), self.plan.max_fee_median_wei as f64, self.samplers.fee_sigma);
        let max_fee = (max_fee as u64).max(1);
        let tip = log_normal(random(7), TIP_MEDIAN_WEI, 0.5) as u64;
        let transaction = Transaction {
            id: TxId { producer: rpc.node.0, sequence: counter },
            sender,
            from: self.economy.person(sender),
            nonce,
            to: To::Call(call.to),
            value: call.value,
            input: call.input,
            gas_limit: call.gas_limit,
            max_fee_per_gas: max_fee,
            max_priority_fee_per_gas: tip.min(max_fee),
            chain_id: RULES.chain_id,
        };
        let bytes = transaction.wire_size_bytes();
        let ix = self.log.push(transaction);
        rpc.transactions.push(ix);
        let (region, rpc, bundle) = (rpc.region, index as u32, self.deliveries.next());
        self.fates.push(Fate { region, kind: kind as u32, submitted_ns, rpc, bundle });
        if self.pinned.is_none() {
            self.pool.insert(&self.log, ix).expect("fees are ordered and nonces are new");
        }
        bytes
    }

    /// Prices blocks built from now on in another way.
    pub fn set_pricing(&mut self, pricing: Pricing) {
        self.pricing = pricing;
    }

    /// Most gas in the blocks to come, for what is worth sending to their proposers.
    pub fn set_gas_limit(&mut self, gas_limit: u64) {
        self.gas_limit = gas_limit;
    }

    /// From `at_ns` on people send `factor_ppm` times what the plan says.
    pub fn set_load(&mut self, at_ns: u64, factor_ppm: u64) {
        for rpc in self.rpcs.iter_mut().filter(|rpc| rpc.next_ns > at_ns) {
            rpc.next_ns = self.load.rescaled(at_ns, rpc.next_ns, factor_ppm);
        }
        self.load.set(at_ns, factor_ppm);
    }

    /// A node is back at `at_ns`: what its users would have sent in the meantime they did not.
    pub fn resume(&mut self, node: NodeId, at_ns: u64) {
        let Some(&rpc) = self.rpc_of_node.get(&node) else { return };
        let rpc = &mut self.rpcs[rpc];
        if rpc.next_ns <= at_ns {
            rpc.next_ns = self.load.after(at_ns, rpc.gap_ns(self.seed));
        }
    }

    /// Time between bundles, ns.
    pub fn bundle_ns(&self) -> u64 {
        self.plan.bundle_ns
    }

    /// Builds a block on `parent`.
    ///
    /// # Errors
    /// When the state is incomplete or the executor fails.
    pub fn build(
        &mut self,
        request: &BuildRequest,
        parent: &BlockHeader,
        fabric: &Fabric,
    ) -> Result<Draft, RunError> {
        let header = next_header(request, parent, 0);
        let state = self.states[&request.parent].clone();
        let failed = |reason: parallel_evm::ExecuteError| RunError::Execution {
            chain: request.chain,
            slot: request.slot,
            reason: reason.to_string(),
        };
        if let Some(draft) = self.repeat(request, &header, &state) {
            return Ok(draft);
        }
        let pinned_pool = self.pinned_pool(request.slot);
        let pool = pinned_pool.as_ref().unwrap_or(&self.pool);
        let pinned = pinned_pool.is_some();
        let received = self.deliveries.open(request.slot, request.proposer, self.log.len(), fabric);
        let (fates, economy) = (&self.fates, &self.economy);
        let visible = |ix: TxIx| pinned || received(ix, fates[ix.index()].bundle);
        let address = |sender: u32| economy.person(sender);
        let view = PoolView { log: &self.log, pool, visible: &visible, address: &address };
        let built = self.executor.build(RULES, &header.to_env(), &state, view).map_err(failed)?;
        drop(received);
        self.dropped += built.dropped.len() as u64;
        Ok(self.draft(request, header, built.transactions, &built.executed))
    }

    /// The pinned contents of a slot as they are, if all of them are valid on this parent and nothing pinned
    /// for an earlier slot is left over.
    fn repeat(&mut self, request: &BuildRequest, header: &BlockHeader, state: &WorldState) -> Option<Draft> {
        let pinned = Arc::clone(self.pinned.as_ref()?);
        let ids = pinned.get(&request.slot)?;
        let included = |id: &TxId| {
            let transaction = self.find(id).map(|ix| self.log.get(ix));
            transaction.is_none_or(|t| t.nonce < state.nonce(t.from))
        };
        let earlier = request.slot.saturating_sub(PINNED_SLOTS)..request.slot;
        if !pinned.range(earlier).flat_map(|(_, ids)| ids.iter()).all(included) {
            return None;
        }
        let transactions: Option<Vec<TxIx>> = ids.iter().map(|id| self.find(id)).collect();
        let transactions = transactions?;
        let envs = transactions.iter().map(|ix| self.log.get(*ix).to_env()).collect();
        let executed = self.executor.execute(RULES, &header.to_env(), state, envs).ok()?;
        Some(self.draft(request, header.clone(), transactions, &executed))
    }

    fn draft(
        &mut self,
        request: &BuildRequest,
        mut header: BlockHeader,
        transactions: Vec<TxIx>,
        executed: &ExecutedBlock,
    ) -> Draft {
        header.gas_used = executed.output.gas_used;
        let sizes = transactions.iter().map(|ix| self.log.get(*ix).wire_size_bytes());
        let size_bytes = wire_size_bytes(&header, sizes);
        let (durations_ns, execution) = self.pricing.price(&executed.trace);
        let ids = transactions.iter().map(|ix| self.log.get(*ix).id);
        self.chosen.insert(request.slot, ids.collect());
        Draft {
            transactions: transactions.len() as u32,
            block: Block { header, body: Body::Transactions(transactions), size_bytes },
            recorded: None,
            durations_ns,
            execution,
            trace: Arc::clone(&executed.trace),
            state: executed.state.clone(),
        }
    }

    fn find(&self, id: &TxId) -> Option<TxIx> {
        let rpc = &self.rpcs[*self.rpc_of_node.get(&NodeId(id.producer))?];
        rpc.transactions.get(id.sequence as usize).copied()
    }

    /// A pool of just the pinned contents of a slot and of the slots before it: what a lost block leaves over
    /// is included later.
    fn pinned_pool(&self, slot: u32) -> Option<Mempool> {
        let pinned = self.pinned.as_ref()?;
        let mut pool = Mempool::new(POOL_CAPACITY);
        let slots = pinned.range(slot.saturating_sub(PINNED_SLOTS)..=slot);
        for id in slots.flat_map(|(_, ids)| ids.iter()) {
            if let Some(ix) = self.find(id) {
                // A transaction may be listed twice: in a lost block and in a later one.
                let _ = pool.insert(&self.log, ix);
            }
        }
        Some(pool)
    }

    /// The last draft became a block.
    pub fn built(&mut self, ix: BlockIx, state: WorldState) {
        self.states.insert(ix, state);
    }

    /// A block is closed: note what the RPC nodes saw, and forget what is final. Nobody waits for an `absent`
    /// node to see it.
    pub fn confirm(
        &mut self,
        ix: BlockIx,
        body: &Body,
        times: impl Fn(NodeId) -> [u64; 2],
        absent: impl Fn(NodeId) -> bool,
    ) {
        let seen: Vec<[u64; 2]> = self.rpcs.iter().map(|rpc| times(rpc.node)).collect();
        let is_final = |(rpc, seen): (&Rpc, &[u64; 2])| seen[1] > 0 || absent(rpc.node);
        if self.rpcs.iter().zip(&seen).all(is_final) && seen.iter().any(|seen| seen[1] > 0) {
            self.pool.remove(&self.log, body.transactions().iter().copied());
        }
        self.seen.insert(ix, seen);
        // Nobody builds on a block this far below a closed one.
        self.states.retain(|block, _| block.0 + 64 > ix.0);
    }

    /// Takes over more pinned contents: those of further slots.
    pub fn pin(&mut self, contents: Arc<Pinned>) {
        self.pinned = Some(contents);
    }

    /// Contents of all blocks built, to pin in another run.
    pub fn contents(&self) -> &Pinned {
        &self.chosen
    }

    /// Transactions in the order of submission to RPC nodes, by RPC node.
    pub fn fates(&self) -> impl Iterator<Item = (TxIx, &Fate)> {
        self.rpcs.iter().flat_map(|rpc| &rpc.transactions).map(|ix| (*ix, &self.fates[ix.index()]))
    }

    /// What a user saw of one transaction.
    pub fn fate(&self, tx: TxIx) -> &Fate {
        &self.fates[tx.index()]
    }

    /// When the user of a transaction saw block `ix` executed and final, ns.
    pub fn user_saw(&self, ix: BlockIx, fate: &Fate) -> [Option<u64>; 2] {
        let times = self.seen.get(&ix).map_or([0; 2], |seen| seen[fate.rpc as usize]);
        times.map(|t| (t > 0).then_some(t))
    }

    /// Transactions that turned out invalid when they were executed.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Transactions handed to RPC nodes.
    pub fn submitted(&self) -> usize {
        self.log.len()
    }
}

impl Rpc {
    fn gap_ns(&self, seed: u64) -> u64 {
        let random = draw(seed, Purpose::WORKLOAD, u64::from(self.node.0) << 8, self.arrivals);
        exponential_duration(random, SimDuration(self.mean_gap_ns)).0.max(1)
    }
}
