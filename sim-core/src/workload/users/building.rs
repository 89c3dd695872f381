//! From what proposers see to blocks, and from blocks to what users see.

use super::arrivals::{Fate, Group, Rpc};
use super::{PINNED_SLOTS, POOL_CAPACITY, Pinned, Users};
use crate::chain::block::{Block, BlockHeader, Body, wire_size_bytes};
use crate::chain::fee_market::{FeeRecord, MarketState};
use crate::chain::mempool::{Mempool, TxIx};
use crate::chain::transaction::TxId;
use crate::chain::tree::BlockIx;
use crate::execution::draft::{BuiltBlock, Paid, PoolView, Terms};
use crate::execution::host::RunError;
use crate::execution::state::WorldState;
use crate::kernel::ids::NodeId;
use crate::net::fabric::Fabric;
use crate::workload::economy::RULES;
use crate::workload::{After, BuildRequest, Draft, next_header};
use parallel_evm::Address;
use std::sync::Arc;

impl Users {
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
        let plan = Arc::clone(&self.market);
        let (state, left) = self.states[&request.parent].clone();
        let prices = plan.market().open(&left, request.slot_start_ns - parent.slot_start_ns);
        let terms = Terms { market: plan.market(), prices: &prices };
        let header = next_header(request, parent, prices.base_fee_wei);
        let failed = |reason: parallel_evm::ExecuteError| RunError::Execution {
            chain: request.chain,
            slot: request.slot,
            reason: reason.to_string(),
        };
        if let Some(built) = self.repeat(request, &header, &state, terms) {
            return Ok(self.draft(request, header, built, terms));
        }
        let pinned_pool = self.pinned_pool(request.slot);
        let pool = pinned_pool.as_ref().unwrap_or(&self.pool);
        let pinned = pinned_pool.is_some();
        let received = self.deliveries.open(request.slot, request.proposer, self.log.len(), fabric);
        let (fates, economy) = (&self.fates, &self.economy);
        let visible = |ix: TxIx| pinned || received(ix, fates[ix.index()].bundle);
        let address = |sender: u32| economy.person(sender);
        let view = PoolView { log: &self.log, pool, visible: &visible, address: &address };
        let built = self.executor.build(RULES, &header.to_env(), &state, view, terms).map_err(failed)?;
        drop(received);
        self.dropped += built.dropped.len() as u64;
        Ok(self.draft(request, header, built, terms))
    }

    /// The pinned contents of a slot as they are, if all of them are valid on this parent and nothing pinned
    /// for an earlier slot is left over.
    fn repeat(
        &self,
        request: &BuildRequest,
        header: &BlockHeader,
        state: &WorldState,
        terms: Terms<'_>,
    ) -> Option<BuiltBlock> {
        let pinned = self.pinned.as_ref()?;
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
        self.executor.repeat(RULES, &header.to_env(), state, &self.log, transactions?, terms)
    }

    fn draft(
        &mut self,
        request: &BuildRequest,
        mut header: BlockHeader,
        built: BuiltBlock,
        terms: Terms<'_>,
    ) -> Draft {
        header.gas_used = built.executed.output.gas_used;
        let sizes = built.transactions.iter().map(|ix| self.log.get(*ix).wire_size_bytes());
        let size_bytes = wire_size_bytes(&header, sizes);
        let (durations_ns, execution) = self.pricing.price(&built.executed.trace);
        let ids = built.transactions.iter().map(|ix| self.log.get(*ix).id);
        self.chosen.insert(request.slot, ids.collect());
        let fees = self.fees(&built, terms);
        let (prices, used, paid) = (terms.prices.clone(), built.used, built.paid.into());
        let after = built.executed.state.clone().map(|world| After { world, prices, used, paid });
        Draft {
            transactions: built.transactions.len() as u32,
            block: Block { header, body: Body::Transactions(built.transactions), size_bytes },
            recorded: None,
            durations_ns,
            execution,
            trace: Arc::clone(&built.executed.trace),
            fees,
            after,
        }
    }

    /// Who paid what to whom.
    fn fees(&self, built: &BuiltBlock, terms: Terms<'_>) -> FeeRecord {
        let base_fee_wei = u128::from(terms.prices.base_fee_wei);
        let mut fees = FeeRecord {
            metered_gas: terms.market.metered(&built.used),
            by_resource: built.used.by_resource,
            turned_away: built.turned_away,
            hot_surcharge_wei: terms.market.quote(terms.prices, &self.hot_keys()).surcharge_wei,
            ..FeeRecord::default()
        };
        for (ix, paid) in built.transactions.iter().zip(&built.paid) {
            let gas = u128::from(paid.gas_used);
            fees.base_wei += base_fee_wei * gas;
            fees.surcharge_wei += u128::from(paid.surcharge_wei) * gas;
            fees.tips_wei += u128::from(paid.tip_wei) * gas;
            if self.fates[ix.index()].group == Some(Group::Hot) {
                fees.hot_gas += paid.gas_used;
            }
        }
        fees
    }

    /// What a call of the application in demand is keyed by.
    fn hot_keys(&self) -> Vec<Address> {
        let Some(hot) = &self.hot else { return Vec::new() };
        let mut keys = match self.market.market().keyed_by() {
            None => Vec::new(),
            Some(crate::chain::fee_market::KeyedBy::To) => vec![hot.to],
            Some(_) => hot.touches.clone(),
        };
        keys.sort_unstable();
        keys
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
    pub fn built(&mut self, ix: BlockIx, after: After) {
        let left = self.market.market().update(&after.prices, &after.used);
        self.states.insert(ix, (after.world, Arc::new(left)));
        self.paid.insert(ix, after.paid);
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

    /// Prices that a block left behind, while somebody may build on it.
    pub(super) fn prices_after(&self, ix: BlockIx) -> Option<&Arc<MarketState>> {
        self.states.get(&ix).map(|(_, market)| market)
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

    /// What the n-th transaction of a block paid.
    pub fn paid(&self, ix: BlockIx, n: usize) -> Option<Paid> {
        self.paid.get(&ix)?.get(n).copied()
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
