//! Pending transactions of a chain, shared by its nodes, and the choice a proposer makes among them.
//!
//! **Captures** a shared log of transaction bodies; a bounded pending set; fee-ordered selection that respects
//! each sender's nonces; replacement and eviction. A node's view is given by closures: which transactions it
//! has received, and the next nonce of a sender in the state it builds on. **Leaves out** per-node pool limits
//! and per-node replacement: the pending set is one for all nodes, only visibility differs.
//! **Parameters** capacity in transactions; price bump of a replacement ([`PRICE_BUMP_PERCENT`]).
//! **Source** EIP-1559 (effective tip); go-ethereum's `txpool` (10 % price bump on both fees).
//! **Checked against** a naive selection on random pools (`tests/chain_properties.rs`).

use super::transaction::{Transaction, TxId, effective_tip};
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::sync::Arc;
use thiserror::Error;

/// A replacement must raise both the max fee and the max priority fee by this many percent.
pub const PRICE_BUMP_PERCENT: u64 = 10;

/// The least gas any transaction needs; selection stops when less is left.
pub const MIN_TRANSACTION_GAS: u64 = 21_000;

/// Selection stops after this many transactions that did not fit into the gas left.
pub const MAX_MISFITS: u32 = 1_000;

/// Position of a transaction in a [`TransactionLog`]: a handle, not an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TxIx(pub u32);

impl TxIx {
    /// The handle as an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Every transaction ever handed to a chain, in the order of submission. Bodies are stored once: clones share
/// all but the newest few thousand.
#[derive(Clone, Debug, Default)]
pub struct TransactionLog {
    full: Vec<Arc<Vec<Transaction>>>,
    newest: Vec<Transaction>,
}

/// Transactions in a piece that clones share.
const PIECE: usize = 2_048;

impl TransactionLog {
    /// An empty log.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a transaction.
    pub fn push(&mut self, transaction: Transaction) -> TxIx {
        let ix = TxIx(u32::try_from(self.len()).expect("fewer than 2^32 transactions"));
        self.newest.push(transaction);
        if self.newest.len() == PIECE {
            self.full.push(Arc::new(std::mem::take(&mut self.newest)));
        }
        ix
    }

    /// A transaction.
    pub fn get(&self, ix: TxIx) -> &Transaction {
        let (piece, place) = (ix.index() / PIECE, ix.index() % PIECE);
        self.full.get(piece).map_or_else(|| &self.newest[place], |full| &full[place])
    }

    /// Number of transactions.
    pub fn len(&self) -> usize {
        self.full.len() * PIECE + self.newest.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All transactions with their handles, in order.
    pub fn iter(&self) -> impl Iterator<Item = (TxIx, &Transaction)> {
        let all = self.full.iter().flat_map(|piece| piece.iter()).chain(&self.newest);
        all.enumerate().map(|(i, transaction)| (TxIx(i as u32), transaction))
    }
}

/// Why a transaction was not taken into the pending set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    /// The sender already has a transaction with this nonce, and the new one does not pay enough more.
    #[error("a replacement must raise both fees by {PRICE_BUMP_PERCENT} %")]
    ReplacementUnderpriced,
    /// The max priority fee exceeds the max fee.
    #[error("the priority fee exceeds the max fee")]
    TipAboveFee,
}

/// What an accepted transaction pushed out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inserted {
    /// The transaction with the same sender and nonce that it replaced.
    pub replaced: Option<TxIx>,
    /// Transactions dropped because the pool was over its capacity; may include the new one.
    pub evicted: Vec<TxIx>,
}

/// What the pool knows of a pending transaction without looking at its body.
#[derive(Clone, Copy, Debug)]
pub struct Pending {
    /// Which one.
    pub ix: TxIx,
    /// Most it pays per gas, wei.
    pub max_fee: u64,
    /// Most of that which is a tip, wei.
    pub max_priority_fee: u64,
    /// Most gas it may use.
    pub gas_limit: u64,
    nonce: u64,
    id: TxId,
}

impl Pending {
    fn fee_key(&self, sender: u32) -> FeeKey {
        (self.max_fee, Reverse(self.nonce), Reverse(self.id), sender)
    }
}

/// Least max fee first; then the latest nonce, then the latest identity.
type FeeKey = (u64, Reverse<u64>, Reverse<TxId>, u32);

/// The pending set of a chain.
#[derive(Clone, Debug)]
pub struct Mempool {
    /// By sender number; each queue in the order of nonces.
    queues: Vec<Vec<Pending>>,
    by_fee: BTreeSet<FeeKey>,
    capacity: usize,
    dropped: u64,
}

impl Mempool {
    /// An empty pool that holds at most `capacity` transactions (at least 1).
    pub fn new(capacity: usize) -> Self {
        Self { queues: Vec::new(), by_fee: BTreeSet::new(), capacity: capacity.max(1), dropped: 0 }
    }

    /// Number of pending transactions.
    pub fn len(&self) -> usize {
        self.by_fee.len()
    }

    /// Whether nothing is pending.
    pub fn is_empty(&self) -> bool {
        self.by_fee.is_empty()
    }

    /// Transactions evicted so far because the pool was full.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Adds a transaction of the log.
    ///
    /// One with the same sender and nonce is replaced if both fees rise by [`PRICE_BUMP_PERCENT`]. Over
    /// capacity, the transaction with the lowest max fee goes (ties: latest nonce, latest identity), together
    /// with its sender's later nonces, which could no longer be included.
    pub fn insert(&mut self, log: &TransactionLog, ix: TxIx) -> Result<Inserted, Rejection> {
        let transaction = log.get(ix);
        if transaction.max_priority_fee_per_gas > transaction.max_fee_per_gas {
            return Err(Rejection::TipAboveFee);
        }
        let sender = transaction.sender;
        let new = Pending {
            nonce: transaction.nonce,
            max_fee: transaction.max_fee_per_gas,
            max_priority_fee: transaction.max_priority_fee_per_gas,
            gas_limit: transaction.gas_limit,
            id: transaction.id,
            ix,
        };
        if self.queues.len() <= sender as usize {
            self.queues.resize(sender as usize + 1, Vec::new());
        }
        let queue = &mut self.queues[sender as usize];
        let mut inserted = Inserted::default();
        match queue.binary_search_by_key(&new.nonce, |pending| pending.nonce) {
            Ok(place) => {
                let old = queue[place];
                if !bumps(old.max_fee, new.max_fee) || !bumps(old.max_priority_fee, new.max_priority_fee) {
                    return Err(Rejection::ReplacementUnderpriced);
                }
                queue[place] = new;
                self.by_fee.remove(&old.fee_key(sender));
                inserted.replaced = Some(old.ix);
            }
            Err(place) => queue.insert(place, new),
        }
        self.by_fee.insert(new.fee_key(sender));
        while self.by_fee.len() > self.capacity {
            let &(_, Reverse(nonce), _, victim) = self.by_fee.first().expect("over capacity, so not empty");
            let queue = &mut self.queues[victim as usize];
            let place = queue.partition_point(|pending| pending.nonce < nonce);
            for pending in queue.drain(place..) {
                self.by_fee.remove(&pending.fee_key(victim));
                inserted.evicted.push(pending.ix);
            }
        }
        self.dropped += inserted.evicted.len() as u64;
        Ok(inserted)
    }

    /// Removes what can never be included again: nonces below the sender's next one in a final state.
    /// Returns how many went.
    pub fn prune(&mut self, mut next_nonce: impl FnMut(u32) -> u64) -> usize {
        let before = self.by_fee.len();
        for (sender, queue) in self.queues.iter_mut().enumerate() {
            if queue.is_empty() {
                continue;
            }
            let sender = sender as u32;
            let next = next_nonce(sender);
            let stale = queue.partition_point(|pending| pending.nonce < next);
            for pending in queue.drain(..stale) {
                self.by_fee.remove(&pending.fee_key(sender));
            }
        }
        before - self.by_fee.len()
    }

    /// Removes the given transactions where they are still pending, for example because they are in a final
    /// block. Costs nothing for the others.
    pub fn remove(&mut self, log: &TransactionLog, gone: impl IntoIterator<Item = TxIx>) {
        for ix in gone {
            let transaction = log.get(ix);
            let Some(queue) = self.queues.get_mut(transaction.sender as usize) else { continue };
            if let Ok(place) = queue.binary_search_by_key(&transaction.nonce, |pending| pending.nonce)
                && queue[place].ix == ix
            {
                let pending = queue.remove(place);
                self.by_fee.remove(&pending.fee_key(transaction.sender));
            }
        }
    }

    /// A proposer's choice under one base fee: [`Mempool::select_with`] by the effective tip at `base_fee` wei per
    /// gas, with nothing but the gas limit to keep anybody out.
    pub fn select(
        &self,
        base_fee: u64,
        gas_limit: u64,
        visible: impl Fn(TxIx) -> bool,
        next_nonce: impl Fn(u32) -> u64,
    ) -> Vec<TxIx> {
        let tip = |pending: &Pending| effective_tip(pending.max_fee, pending.max_priority_fee, base_fee);
        self.select_with(gas_limit, tip, |_| true, visible, next_nonce)
    }

    /// A proposer's choice: transactions by tip, best first, as many as fit.
    ///
    /// - `gas_limit`: the sum of the chosen transactions' gas limits stays within it.
    /// - `tip`: what a transaction leaves the proposer, wei per gas; who cannot pay what it is charged has none and
    ///   is left out.
    /// - `admit`: whether a transaction that would be chosen now may; who may not is passed over.
    /// - `visible`: whether the proposer has the transaction.
    /// - `next_nonce`: the next nonce of a sender in the state built on; asked at most once a sender, and only
    ///   of senders that may be chosen.
    ///
    /// A sender's transactions come in the order of nonces without gaps; where the next one is missing,
    /// invisible, too poor, not admitted or too large, its sender is skipped. Equal tips are decided by [`TxId`].
    /// The choice ends when less than [`MIN_TRANSACTION_GAS`] is left, or after [`MAX_MISFITS`] transactions that
    /// did not fit.
    pub fn select_with(
        &self,
        gas_limit: u64,
        tip: impl Fn(&Pending) -> Option<u64>,
        mut admit: impl FnMut(&Pending) -> bool,
        visible: impl Fn(TxIx) -> bool,
        next_nonce: impl Fn(u32) -> u64,
    ) -> Vec<TxIx> {
        let offer = |sender: u32, place: usize, nonce: u64| {
            let pending = self.queues[sender as usize].get(place)?;
            let tip = tip(pending)?;
            (pending.nonce == nonce && visible(pending.ix)).then_some(Offer {
                tip,
                bound: false,
                id: Reverse(pending.id),
                sender,
                place: place as u32,
            })
        };
        // A sender enters with the best tip of anything it has: an upper bound, so that its state is only
        // looked up when its turn may have come.
        let bounds = self.queues.iter().enumerate().filter_map(|(sender, queue)| {
            let tips = queue.iter().filter(|pending| visible(pending.ix));
            let tip = tips.filter_map(&tip).max()?;
            let id = Reverse(TxId { producer: 0, sequence: 0 });
            Some(Offer { tip, bound: true, id, sender: sender as u32, place: 0 })
        });
        let mut offers: BinaryHeap<Offer> = bounds.collect::<Vec<_>>().into();
        let mut chosen = Vec::new();
        let mut gas_left = gas_limit;
        let mut misfits = 0;
        while gas_left >= MIN_TRANSACTION_GAS && misfits < MAX_MISFITS {
            let Some(best) = offers.pop() else { break };
            let queue = &self.queues[best.sender as usize];
            if best.bound {
                let nonce = next_nonce(best.sender);
                let place = queue.partition_point(|pending| pending.nonce < nonce);
                offers.extend(offer(best.sender, place, nonce));
                continue;
            }
            let pending = &queue[best.place as usize];
            if pending.gas_limit > gas_left {
                misfits += 1;
                continue;
            }
            if !admit(pending) {
                continue;
            }
            gas_left -= pending.gas_limit;
            chosen.push(pending.ix);
            offers.extend(offer(best.sender, best.place as usize + 1, pending.nonce + 1));
        }
        chosen
    }
}

/// Ordered so that the greatest is the next to look at: highest tip, bounds before offers, lowest identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Offer {
    tip: u64,
    bound: bool,
    id: Reverse<TxId>,
    sender: u32,
    place: u32,
}

/// Whether `new` is at least [`PRICE_BUMP_PERCENT`] above `old`.
fn bumps(old: u64, new: u64) -> bool {
    u128::from(new) * 100 >= u128::from(old) * u128::from(100 + PRICE_BUMP_PERCENT)
}
