//! The sequencer of a rollup: a queue, an order, a block, a soft confirmation.
//!
//! **Captures.** Transactions wait in the sequencer's queue for the next block (on a clock with a phase of its own,
//! or on demand) and are taken ([`super::queue`]) in the rollup's order, nonces of a sender without gaps, as far as gas,
//! the base fee and a throttle on unposted bytes allow. They are executed for real, once, on the rollup's own state; the time that
//! takes is priced like any block's and spent on the node's cores, which all rollups of the node share. Only then
//! are senders told: one message to each gateway. With flashblocks a block is confirmed in parts, each with its
//! share of the gas. What waits at a sequencer whose node goes down is still there when it is back, as if it were
//! written to disk; a block under execution is finished then. The base fee follows the rollup's market (`fees`), empty blocks
//! and the time without any included.
//!
//! **Leaves out.** Gas that was reserved and not used is not offered again within a block; builders that reorder
//! for profit. A transaction that cannot pay the base fee waits.
//!
//! **Parameters.** [`super::params::RulesPlan`]. **Source** see `sim-core/data/rollups`.

use super::fleet::{Fleet, NONE};
use super::liquidity::books::Books;
use super::queue::{self, Budget, Waiting};
use super::record::{AFTER_A_DROPPED_ONE, Fate, INVALID, WAITED_TOO_LONG};
use super::{batcher, bridge, compress};
use crate::chain::account::{AccountKind, address};
use crate::chain::block::EPOCH_S;
use crate::chain::fee_market::MarketState;
use crate::execution::builder::{ExecutedBlock, Rules};
use crate::execution::host::{Host, RunError, timers};
use crate::execution::state::WorldState;
use crate::gossip::Dissemination;
use crate::kernel::event::Moment;
use crate::kernel::random::{Purpose, draw};
use crate::workload::economy::RESERVE;
use parallel_evm::{Address, BlockEnv, ExecuteError, SpecId, TxEnv, U256};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A rollup somebody uses.
#[derive(Clone)]
pub(super) struct Rollup {
    pub number: u32,
    pub state: WorldState,
    height: u32,
    pub base_fee_wei: u64,
    /// What the market remembers beside it.
    pub gauges: Vec<u64>,
    /// Block on the clock (or count of blocks on demand) the gas below belongs to.
    window: u64,
    window_gas: u64,
    last_start_ns: u64,
    queue: Vec<Waiting>,
    /// Time integral of the queue's length up to `queue_since_ns`.
    pub queue_area: u128,
    queue_since_ns: u64,
    timer_pending: bool,
    building: Option<Box<Building>>,
    pub channel: batcher::Channel,
    pub totals: Totals,
    /// Base fees of the blocks its state stands on, wei.
    pub burnt_wei: u128,
}

/// What a rollup has done.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    pub blocks: u64,
    pub gas_used: u64,
    pub execution_ns: u64,
    pub raw_bytes: u64,
    /// Swaps noted.
    pub swaps: u32,
}

/// A block under execution.
#[derive(Clone)]
pub(super) struct Building {
    txs: Vec<u32>,
    /// The transactions as signed, and where each ends.
    pub raw: Vec<u8>,
    ends: Vec<u32>,
    state: WorldState,
    burnt_wei: u128,
    gas_used: u64,
    start_ns: u64,
    /// Execution by hardware class, ns.
    pub durations: Arc<[u64]>,
    /// Pools that swaps of it went to.
    touched: Vec<u32>,
    books: Books,
}

/// What became of transactions that were to be executed.
pub(super) enum Verdict {
    /// There were none.
    Nothing,
    Executed(Arc<ExecutedBlock>),
    /// These cannot be part of the block, each with its reason.
    Invalid(Vec<(u32, u8)>),
}

impl Rollup {
    fn new(number: u32, genesis: &WorldState, base_fee_wei: u64) -> Self {
        Self {
            number,
            state: genesis.clone(),
            height: 0,
            base_fee_wei,
            gauges: Vec::new(),
            window: 0,
            window_gas: 0,
            last_start_ns: 0,
            queue: Vec::new(),
            queue_area: 0,
            queue_since_ns: 0,
            timer_pending: false,
            building: None,
            channel: batcher::Channel::default(),
            totals: Totals::default(),
            burnt_wei: 0,
        }
    }

    /// It is where others' batches have led it.
    pub fn stands_at(&mut self, state: WorldState, burnt_wei: u128, height: u32, prices: MarketState) {
        (self.state, self.burnt_wei, self.height) = (state, burnt_wei, height);
        self.stands_at_prices(prices);
    }

    fn prices(&self) -> MarketState {
        MarketState { gauges: self.gauges.clone(), ..MarketState::flat(self.base_fee_wei) }
    }

    /// Its next block has these prices.
    pub fn stands_at_prices(&mut self, prices: MarketState) {
        (self.base_fee_wei, self.gauges) = (prices.base_fee_wei, prices.gauges);
    }

    /// Brings the time integral of the queue's length up to `now_ns`, before the length changes.
    fn count(&mut self, now_ns: u64) {
        self.queue_area = self.queue_area_until(now_ns);
        self.queue_since_ns = now_ns;
    }

    /// Time integral of the number of transactions waiting or under execution until `now_ns`.
    pub fn queue_area_until(&self, now_ns: u64) -> u128 {
        self.queue_area + self.waiting() as u128 * u128::from(now_ns.saturating_sub(self.queue_since_ns))
    }

    /// Transactions waiting or under execution.
    pub fn waiting(&self) -> usize {
        self.queue.len() + self.building.as_ref().map_or(0, |b| b.txs.len())
    }

    /// Transactions waiting.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Takes out of the queue what `is` says.
    pub fn remove(&mut self, now_ns: u64, is: impl Fn(&Waiting) -> bool) {
        self.count(now_ns);
        self.queue.retain(|waiting| !is(waiting));
    }

    /// Base fee of its last block, wei per gas.
    pub fn base_fee_wei(&self) -> u64 {
        self.base_fee_wei
    }

    pub fn heap_bytes(&self) -> usize {
        self.queue.capacity() * size_of::<Waiting>() + self.channel.heap_bytes()
    }
}

impl Fleet {
    /// A transaction has reached its sequencer.
    pub(super) fn on_transaction<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        handle: u32,
    ) {
        let queue_max = self.common.plan.rules.queue_max as usize;
        if self.txs[handle as usize].received_ns > 0 {
            return self.on_transaction_again(host, now, handle);
        }
        if self.bundle_of(handle).is_some() {
            return self.on_bundle(host, now, handle);
        }
        self.txs[handle as usize].received_ns = now.time.0;
        let place = self.activate(self.txs[handle as usize].rollup);
        if queue_max > 0 && self.active[place].queue.len() >= queue_max {
            self.refuse(host, now, place, &[(handle, 0)]);
            return;
        }
        let place = self.enqueue(now, handle);
        self.await_block(host, now, place);
    }

    /// Puts a transaction into its rollup's queue.
    pub(super) fn enqueue(&mut self, now: Moment, handle: u32) -> usize {
        self.txs[handle as usize].fate = Fate::Queued;
        let tx = self.txs[handle as usize];
        let place = self.activate(tx.rollup);
        let body = self.transaction(&tx);
        let waiting = Waiting {
            tx: handle,
            sender: body.sender,
            nonce: body.nonce,
            turn_ns: self.turn_ns(&tx),
            gas_limit: body.gas_limit,
            max_fee_wei: body.max_fee_per_gas,
            tip_wei: body.max_priority_fee_per_gas,
            bytes: body.wire_size_bytes(),
        };
        let rollup = &mut self.active[place];
        rollup.count(now.time.0);
        rollup.queue.push(waiting);
        place
    }

    pub(super) fn activate(&mut self, number: u32) -> usize {
        if self.places[number as usize] == NONE {
            self.places[number as usize] = self.active.len() as u32;
            let genesis = self.genesis_of(number);
            self.active.push(Rollup::new(number, &genesis, self.common.plan.rules.base_fee_min_wei));
        }
        self.places[number as usize] as usize
    }

    /// The state a rollup starts from.
    pub(super) fn genesis_of(&self, number: u32) -> WorldState {
        let common = &self.common;
        let spread = common.liquidity.as_ref().map(|shares| {
            let reserve = shares.part(number, U256::from(RESERVE));
            common.economy.with_reserves(&common.genesis, reserve)
        });
        spread.unwrap_or_else(|| common.genesis.clone())
    }

    /// When the first block begins on the clock of a rollup, ns.
    pub(super) fn phase_ns(&self, number: u32) -> u64 {
        let number = if self.shared.is_some() { 0 } else { number };
        let entity = u64::from(self.chain) << 32 | u64::from(number);
        draw(self.common.seed, Purpose::TIMER, entity, 0) % self.common.plan.rules.soft_ns
    }

    /// Sets the timer of the next block, if there is something to put in.
    pub(super) fn await_block<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        place: usize,
    ) {
        let rules = &self.common.plan.rules;
        let rollup = &self.active[place];
        if rollup.timer_pending || rollup.building.is_some() || rollup.queue.is_empty() {
            return;
        }
        if self.shared.is_some() {
            return self.await_tick(host, now);
        }
        let (now_ns, number) = (now.time.0, rollup.number);
        let at_ns = if rules.on_demand {
            now_ns.max(rollup.last_start_ns + if rollup.height > 0 { rules.block_ns } else { 0 })
        } else {
            let phase = self.phase_ns(number);
            phase + ((now_ns + rules.soft_ns - phase) / rules.soft_ns) * rules.soft_ns
        };
        self.active[place].timer_pending = true;
        let node = self.hosts[self.host_index(number) as usize].node;
        host.task_timer(now, at_ns - now_ns, node, timers::SEQUENCE, (self.chain, place as u32));
    }

    /// Time for a block.
    pub(super) fn on_sequence<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        number: u32,
    ) -> Result<(), RunError> {
        let place = number as usize;
        self.active[place].timer_pending = false;
        self.give_up(host, now, place);
        let budget = self.open_block(now, place);
        let mut chosen = self.choose(now, place, budget, |_| false);
        let node = self.hosts[self.host_index(self.active[place].number) as usize].node;
        let executed = self.execute(host, now, place, &mut chosen)?;
        let Some(executed) = executed else {
            self.await_block(host, now, place);
            return Ok(());
        };
        let durations: Arc<[u64]> = self.pricing.durations_ns(&executed.trace).into();
        let duration = durations[host.fabric.class(node)];
        let (_, end) = host.cpus[node.index()].run(now.time.0, duration);
        self.active[place].totals.execution_ns += duration;
        self.begin_building(now, place, chosen, &executed, durations)?;
        host.task_timer(now, end - now.time.0, node, timers::SEALED, (self.chain, number));
        Ok(())
    }

    /// A block that was executed is built from now on, until it is sealed.
    ///
    /// # Errors
    /// When tokens or ether are not accounted for.
    pub(super) fn begin_building(
        &mut self,
        now: Moment,
        place: usize,
        chosen: Vec<u32>,
        executed: &ExecutedBlock,
        durations: Arc<[u64]>,
    ) -> Result<(), RunError> {
        let burnt_wei = self.account_for(&self.standing(place), executed)?;
        self.note_crossings(place, &chosen, executed);
        let touched = if self.common.plan.demand.trade.is_some() {
            self.note_trades(now, place, &chosen, executed)
        } else {
            Vec::new()
        };
        let mut books = Books::default();
        if self.common.plan.market.is_some() {
            let beneficiary = self.env(now, place).beneficiary;
            books = self.books_of(now, place, executed, beneficiary);
        }
        let (raw, ends) = self.encode(&chosen);
        let rollup = &mut self.active[place];
        let taken: BTreeSet<u32> = chosen.iter().copied().collect();
        rollup.remove(now.time.0, |waiting| taken.contains(&waiting.tx));
        let state = executed.state.clone().expect("a block on a state leads to a state");
        let (gas_used, start_ns) = (executed.output.gas_used, now.time.0);
        rollup.building = Some(Box::new(Building {
            txs: chosen,
            raw,
            ends,
            state,
            burnt_wei,
            gas_used,
            start_ns,
            durations,
            touched,
            books,
        }));
        Ok(())
    }

    /// Begins a block, or the next part of one: the base fee, and gas and bytes it may hold.
    pub(super) fn open_block(&mut self, now: Moment, place: usize) -> Budget {
        let rules = &self.common.plan.rules;
        let number = self.active[place].number;
        let (window, share) = if rules.on_demand {
            let since = now.time.0.saturating_sub(self.active[place].last_start_ns);
            (self.active[place].window + (since / rules.block_ns).max(1), (1, 1))
        } else {
            let parts = (rules.block_ns / rules.soft_ns).max(1);
            let step = now.time.0.saturating_sub(self.phase_ns(number)) / rules.soft_ns;
            (step / parts, (step % parts + 1, parts))
        };
        let rollup = &mut self.active[place];
        if rollup.height == 0 || window > rollup.window {
            if rollup.height > 0 {
                let (blocks, since_ns) = (window - rollup.window, now.time.0 - rollup.last_start_ns);
                let elapsed_ns = if rules.on_demand { since_ns } else { blocks * rules.block_ns };
                let next = rules.next_prices(rollup.prices(), rollup.window_gas, blocks, elapsed_ns);
                rollup.stands_at_prices(next);
            }
            (rollup.window, rollup.window_gas) = (window, 0);
            rollup.height += 1;
        }
        rollup.last_start_ns = now.time.0;
        let gas = u128::from(rules.gas_limit) * u128::from(share.0) / u128::from(share.1);
        let throttle = self.common.plan.batcher.throttle;
        let throttled = throttle.filter(|t| rollup.channel.unposted_bytes > t.backlog_bytes);
        Budget {
            gas: (gas as u64).saturating_sub(rollup.window_gas),
            bytes: throttled.map_or(u64::MAX, |t| t.block_bytes),
        }
    }

    /// Drops what has waited too long.
    pub(super) fn give_up<D: Dissemination>(&mut self, host: &mut Host<'_, D>, now: Moment, place: usize) {
        let timeout_ns = self.common.plan.rules.timeout_ns;
        if timeout_ns == 0 {
            return;
        }
        let txs = &self.txs;
        let rollup = &mut self.active[place];
        rollup.count(now.time.0);
        let late = |w: &Waiting| now.time.0 - txs[w.tx as usize].received_ns > timeout_ns;
        let (given_up, kept) = std::mem::take(&mut rollup.queue).into_iter().partition(late);
        rollup.queue = kept;
        let given_up: Vec<Waiting> = given_up;
        let refused: Vec<(u32, u8)> = given_up.iter().map(|w| (w.tx, WAITED_TOO_LONG)).collect();
        self.refuse(host, now, place, &refused);
    }

    /// The next block's transactions, in order, without those that stay `out`.
    pub(super) fn choose(
        &mut self,
        now: Moment,
        place: usize,
        budget: Budget,
        out: impl Fn(u32) -> bool,
    ) -> Vec<u32> {
        let common = Arc::clone(&self.common);
        let rollup = &mut self.active[place];
        queue::sort(&mut rollup.queue, common.plan.rules.order, rollup.base_fee_wei);
        let nonce = |sender| rollup.state.nonce(bridge::address_of(&common.economy, sender));
        queue::choose(&rollup.queue, now.time.0, rollup.base_fee_wei, budget, nonce, out)
    }

    /// Executes what was chosen on the rollup's state; what cannot be part of a block is dropped.
    fn execute<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        place: usize,
        chosen: &mut Vec<u32>,
    ) -> Result<Option<Arc<ExecutedBlock>>, RunError> {
        loop {
            match self.execute_once(now, place, chosen)? {
                Verdict::Nothing => return Ok(None),
                Verdict::Executed(executed) => return Ok(Some(executed)),
                Verdict::Invalid(refused) => {
                    let out: BTreeSet<u32> = refused.iter().map(|(tx, _)| *tx).collect();
                    chosen.retain(|tx| !out.contains(tx));
                    self.active[place].remove(now.time.0, |waiting| out.contains(&waiting.tx));
                    self.refuse(host, now, place, &refused);
                }
            }
        }
    }

    /// Executes what was chosen on the rollup's state, if it can be part of a block.
    pub(super) fn execute_once(
        &mut self,
        now: Moment,
        place: usize,
        chosen: &[u32],
    ) -> Result<Verdict, RunError> {
        if chosen.is_empty() {
            return Ok(Verdict::Nothing);
        }
        let rollup = &self.active[place];
        let bodies = chosen.iter().map(|tx| self.transaction(&self.txs[*tx as usize]));
        let (senders, envs): (Vec<u32>, Vec<TxEnv>) = bodies.map(|b| (b.sender, b.to_env())).unzip();
        let rules = Rules { spec: SpecId::OSAKA, chain_id: self.chain_id(rollup.number) };
        let env = self.env(now, place);
        match self.executor.execute(rules, &env, &rollup.state, envs) {
            Ok(executed) => Ok(Verdict::Executed(executed)),
            Err(ExecuteError::InvalidTransaction { index, .. }) => {
                let mut refused = vec![(chosen[index], INVALID)];
                let later = (index + 1..chosen.len()).filter(|i| senders[*i] == senders[index]);
                refused.extend(later.map(|i| (chosen[i], AFTER_A_DROPPED_ONE)));
                Ok(Verdict::Invalid(refused))
            }
            Err(error) => {
                let (chain, slot) = (self.chain, rollup.height);
                Err(RunError::Execution { chain, slot, reason: error.to_string() })
            }
        }
    }

    fn env(&self, now: Moment, place: usize) -> BlockEnv {
        let (rollup, rules) = (&self.active[place], &self.common.plan.rules);
        BlockEnv {
            number: U256::from(rollup.height),
            beneficiary: self.beneficiary(place),
            timestamp: U256::from(EPOCH_S + now.time.0 / 1_000_000_000),
            gas_limit: rules.gas_limit,
            basefee: rollup.base_fee_wei,
            difficulty: U256::ZERO,
            prevrandao: Some(alloy_primitives::keccak256(rollup.height.to_be_bytes())),
            ..BlockEnv::default()
        }
    }

    /// Who collects the tips of a rollup's blocks.
    pub(super) fn beneficiary(&self, place: usize) -> Address {
        let node = self.hosts[self.host_index(self.active[place].number) as usize].node;
        address(AccountKind::Proposer, u64::from(node.0))
    }

    pub(super) fn encode(&self, chosen: &[u32]) -> (Vec<u8>, Vec<u32>) {
        let (mut raw, mut ends) = (Vec::new(), Vec::with_capacity(chosen.len()));
        for tx in chosen.iter().map(|tx| &self.txs[*tx as usize]) {
            let number = self.signature_number(tx);
            compress::encode(&self.transaction(tx), self.common.seed, number, &mut raw);
            ends.push(raw.len() as u32);
        }
        (raw, ends)
    }

    /// A block is executed: it counts, its senders are told, its bytes go into the channel.
    pub(super) fn on_sealed<D: Dissemination>(
        &mut self,
        host: &mut Host<'_, D>,
        now: Moment,
        number: u32,
    ) -> Result<(), RunError> {
        let place = number as usize;
        self.active[place].count(now.time.0);
        let rollup = &mut self.active[place];
        let Some(block) = rollup.building.take() else { return Ok(()) };
        (rollup.state, rollup.burnt_wei) = (block.state.clone(), block.burnt_wei);
        rollup.window_gas += block.gas_used;
        rollup.totals.blocks += 1;
        rollup.totals.gas_used += block.gas_used;
        rollup.totals.raw_bytes += block.raw.len() as u64;
        self.books += block.books;
        let (rollup_number, gas_used) = (rollup.number, block.gas_used);
        self.tally.executed += block.txs.len() as u64;
        for tx in &block.txs {
            let tx = &mut self.txs[*tx as usize];
            tx.executed_ns = now.time.0;
            tx.fate = Fate::Included;
        }
        let node = self.hosts[self.host_index(rollup_number) as usize].node;
        host.fabric.witness(node, now.time.0 ^ u64::from(rollup_number) << 40 ^ gas_used);
        self.seal_crossings(host, now, place, &block.txs)?;
        self.answer(host, now, place, &block.txs, false);
        self.show(host, now, place, (&block.txs, &block.touched));
        self.show_desks(host, now, place, &block.touched);
        self.feed(host, now, place, &block);
        self.note_block(place, &block.txs, &block.durations);
        self.fill_channel(host, now, place, (block.start_ns, &block.txs, &block.raw, &block.ends));
        self.await_block(host, now, place);
        Ok(())
    }
}
