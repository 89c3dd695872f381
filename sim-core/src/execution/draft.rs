//! Building blocks.
//!
//! **Captures** a builder that packs by gas limit in the order of tips, within what the chain's fee market quotes
//! and admits; executes; and refills what the transactions left unused. Where the market knows what a transaction
//! touches only after it ran, the builder runs it with a guess (its callee), reads what it touched, and runs it
//! again at the right price; whoever cannot pay that, or touched what is full, is left out, with the sender's later
//! transactions, and waits. **Leaves out** bundles, private order flow, ordering by anything but tips; the time that
//! executions in vain cost the builder. **Parameters** [`BUILD_ROUNDS`], [`METERED_ROUNDS`], [`REVISIONS`].
//! **Source** go-ethereum's `miner` (fill by tip, drop what turns out invalid). **Checked against** serial
//! execution of the finished list; conservation of ether under every market (`tests/fee_markets.rs`).

use super::builder::{BlockExecutor, ExecutedBlock, Rules};
use super::state::WorldState;
use crate::chain::fee_market::{Ask, BlockUse, FeeMarket, KeyedBy, MarketState, Quote, resources};
use crate::chain::mempool::{Mempool, Pending, TransactionLog, TxIx};
use parallel_evm::{
    Address, B256, Block, BlockEnv, BlockOutput, ExecuteError, InvalidReason, InvalidTransaction, TxEnv,
    TxReport,
};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How often a builder asks the pool for transactions: once, and again for what is left of the gas.
pub const BUILD_ROUNDS: usize = 3;

/// The same where the market meters less than the gas used: a round's transactions are chosen by their whole gas
/// limits, so it takes more of them to fill every resource.
pub const METERED_ROUNDS: usize = 12;

/// How often transactions are run again because a price was guessed wrong, before those are left out whose price is
/// still another.
pub const REVISIONS: usize = 4;

/// A transaction that a builder had to leave out although the pool offered it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// Which one.
    pub transaction: TxIx,
    /// Why.
    pub reason: DropReason,
}

/// Why a builder left a transaction out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// The EVM's validation refused it.
    Invalid(InvalidReason),
    /// An earlier transaction of the same sender was dropped.
    AfterDropped,
}

impl DropReason {
    /// A short name to count by.
    pub fn name(&self) -> &'static str {
        match self {
            Self::AfterDropped => "after a dropped one",
            Self::Invalid(InvalidReason::Transaction(reason)) => match reason {
                InvalidTransaction::LackOfFundForMaxFee { .. } => "lack of funds",
                InvalidTransaction::NonceTooLow { .. } | InvalidTransaction::NonceTooHigh { .. } => "nonce",
                InvalidTransaction::GasPriceLessThanBasefee => "below the base fee",
                _ => "invalid",
            },
            Self::Invalid(InvalidReason::BlockGasLimit { .. }) => "block gas limit",
            Self::Invalid(_) => "invalid",
        }
    }
}

/// What a transaction paid, wei per gas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paid {
    /// Gas used.
    pub gas_used: u64,
    /// Beyond the base fee, for what it touched; burnt.
    pub surcharge_wei: u64,
    /// To the proposer.
    pub tip_wei: u64,
}

/// What a builder made.
#[derive(Clone, Debug)]
pub struct BuiltBlock {
    /// The chosen transactions in order.
    pub transactions: Vec<TxIx>,
    /// What each of them paid.
    pub paid: Vec<Paid>,
    /// What they used, as the fee market counts.
    pub used: BlockUse,
    /// Transactions executed in vain, because of what they turned out to touch.
    pub turned_away: u32,
    /// Their execution.
    pub executed: Arc<ExecutedBlock>,
    /// What had to be left out.
    pub dropped: Vec<Dropped>,
    /// How often the pool was asked and had something.
    pub rounds: usize,
}

/// Where a builder takes its transactions from: a pool as one proposer sees it.
#[derive(Clone, Copy)]
pub struct PoolView<'a> {
    /// Bodies.
    pub log: &'a TransactionLog,
    /// The pending set.
    pub pool: &'a Mempool,
    /// Whether the proposer has received a transaction.
    pub visible: &'a dyn Fn(TxIx) -> bool,
    /// Address of a sender.
    pub address: &'a dyn Fn(u32) -> Address,
}

/// A chain's fee market and the prices it has in the block.
#[derive(Clone, Copy)]
pub struct Terms<'a> {
    /// The market.
    pub market: &'a dyn FeeMarket,
    /// The prices.
    pub prices: &'a MarketState,
}

impl BlockExecutor {
    /// Builds a block: takes the pool's choice for the gas limit, executes it, asks the pool again for the gas
    /// that was reserved but not used, at most [`BUILD_ROUNDS`] times. The prices' base fee must be that of `env`.
    ///
    /// What validation refuses is dropped, with the sender's later transactions. The result is that of
    /// executing the final list in order.
    ///
    /// # Errors
    /// Only if the state fails or the environment is one no transaction can run in.
    pub fn build(
        &self,
        rules: Rules,
        env: &BlockEnv,
        parent: &WorldState,
        source: PoolView<'_>,
        terms: Terms<'_>,
    ) -> Result<BuiltBlock, ExecuteError> {
        let mut draft = Draft::new(rules, env, parent, source.log, terms);
        let mut rounds = 0;
        while rounds < if draft.metered { METERED_ROUNDS } else { BUILD_ROUNDS } {
            let offered = draft.ask(source);
            if offered.is_empty() {
                break;
            }
            rounds += 1;
            draft.add(self, offered)?;
            // Metering may leave more room than the gas suggests, and only then.
            draft.metered |= terms.market.metered(&draft.used) < draft.used.gas;
        }
        draft.finish(self, parent, rounds)
    }

    /// Executes a given list as a block, or finds that this was done before. `None` where its prices are known only
    /// after execution, where it is not valid, or where somebody in it cannot pay.
    pub fn repeat(
        &self,
        rules: Rules,
        env: &BlockEnv,
        parent: &WorldState,
        log: &TransactionLog,
        transactions: Vec<TxIx>,
        terms: Terms<'_>,
    ) -> Option<BuiltBlock> {
        if terms.market.keyed_by() == Some(KeyedBy::WriteSet) {
            return None;
        }
        let mut draft = Draft::new(rules, env, parent, log, terms);
        let offers: Vec<Offer> = transactions.iter().map(|ix| draft.offer(*ix)).collect();
        if !offers.iter().all(|offer| draft.tip_wei(*offer).is_some()) {
            return None;
        }
        let (envs, surcharges) = (draft.envs(&offers), surcharges(&offers));
        let executed = self.execute_charged(rules, env, parent, envs, &surcharges).ok()?;
        for (offer, trace) in offers.iter().zip(&executed.trace.transactions) {
            let keys = draft.keys_before(offer.ix);
            draft.accept(*offer, &keys, trace.gas_used, resources::split(&trace.work, trace.gas_used));
        }
        Some(draft.built(executed, 0))
    }
}

/// Gas by resource.
type Split = [u64; resources::RESOURCES];

/// A transaction about to be executed, and the surcharge it is executed at, wei per gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Offer {
    ix: TxIx,
    surcharge_wei: u64,
}

fn surcharges(offers: &[Offer]) -> Vec<u64> {
    offers.iter().map(|offer| offer.surcharge_wei).collect()
}

/// A block in the making.
struct Draft<'a> {
    rules: Rules,
    env: &'a BlockEnv,
    log: &'a TransactionLog,
    terms: Terms<'a>,
    keyed_by: Option<KeyedBy>,
    /// After all accepted transactions.
    state: WorldState,
    accepted: Vec<Offer>,
    paid: Vec<Paid>,
    used: BlockUse,
    /// The market meters less than the gas used.
    metered: bool,
    dropped: Vec<Dropped>,
    turned_away: u32,
    /// Not to be asked for again: dropped or turned away.
    out: BTreeSet<TxIx>,
    /// Executions of the accepted transactions, piece by piece.
    pieces: Vec<BlockOutput>,
}

/// What two pieces come to when the second follows the first.
fn joined(mut first: BlockOutput, mut second: BlockOutput) -> BlockOutput {
    for receipt in &mut second.receipts {
        receipt.cumulative_gas_used += first.gas_used;
    }
    first.gas_used += second.gas_used;
    first.receipts.append(&mut second.receipts);
    first.transactions.append(&mut second.transactions);
    first.state.append(&second.state);
    first
}

impl<'a> Draft<'a> {
    fn new(
        rules: Rules,
        env: &'a BlockEnv,
        parent: &WorldState,
        log: &'a TransactionLog,
        terms: Terms<'a>,
    ) -> Self {
        debug_assert_eq!(env.basefee, terms.prices.base_fee_wei, "one base fee");
        Self {
            rules,
            env,
            log,
            terms,
            keyed_by: terms.market.keyed_by(),
            state: parent.clone(),
            accepted: Vec::new(),
            paid: Vec::new(),
            used: BlockUse::new(env.gas_limit),
            metered: false,
            dropped: Vec::new(),
            turned_away: 0,
            out: BTreeSet::new(),
            pieces: Vec::new(),
        }
    }

    // --- what the market says --------------------------------------------------------------------------

    fn keys_before(&self, ix: TxIx) -> Vec<Address> {
        self.keyed_by.map_or_else(Vec::new, |keyed_by| keyed_by.before(self.log.get(ix)))
    }

    fn keys_after(&self, ix: TxIx, report: &TxReport) -> Vec<Address> {
        let before = self.keys_before(ix);
        let sender = self.log.get(ix).from;
        self.keyed_by.map_or_else(Vec::new, |keyed_by| keyed_by.after(before, sender, report))
    }

    fn quote(&self, keys: &[Address]) -> Quote {
        self.terms.market.quote(self.terms.prices, keys)
    }

    /// A transaction at the surcharge that what is known of it suggests.
    fn offer(&self, ix: TxIx) -> Offer {
        Offer { ix, surcharge_wei: self.quote(&self.keys_before(ix)).surcharge_wei }
    }

    fn tip_wei(&self, offer: Offer) -> Option<u64> {
        let transaction = self.log.get(offer.ix);
        let base_fee_wei = self.terms.prices.base_fee_wei;
        let quote = Quote { base_fee_wei, surcharge_wei: offer.surcharge_wei, ..Quote::default() };
        quote.tip_wei(transaction.max_fee_per_gas, transaction.max_priority_fee_per_gas)
    }

    /// What the pool offers for the gas that is left.
    fn ask(&self, source: PoolView<'_>) -> Vec<Offer> {
        let market = self.terms.market;
        let room = self.env.gas_limit.saturating_sub(market.metered(&self.used));
        let mut reserved = self.used.clone();
        let visible = |ix: TxIx| !self.out.contains(&ix) && (source.visible)(ix);
        let next_nonce = |sender| self.state.nonce((source.address)(sender));
        let chosen = if self.keyed_by.is_none() {
            source.pool.select(self.terms.prices.base_fee_wei, room, visible, next_nonce)
        } else {
            let tip = |pending: &Pending| {
                let quote = self.quote(&self.keys_before(pending.ix));
                quote.tip_wei(pending.max_fee, pending.max_priority_fee)
            };
            let admit = |pending: &Pending| {
                let keys = self.keys_before(pending.ix);
                let ask = Ask { gas: pending.gas_limit, keys: &keys, blob_gas: 0 };
                let admitted = market.admit(&reserved, &ask);
                if admitted {
                    reserved.add(&ask, Default::default());
                }
                admitted
            };
            source.pool.select_with(room, tip, admit, visible, next_nonce)
        };
        chosen.into_iter().map(|ix| self.offer(ix)).collect()
    }

    // --- executing -------------------------------------------------------------------------------------

    fn envs(&self, offers: &[Offer]) -> Vec<TxEnv> {
        let base_fee_wei = self.terms.prices.base_fee_wei;
        let env = |offer: &Offer| self.log.get(offer.ix).to_env_with(base_fee_wei, offer.surcharge_wei);
        offers.iter().map(env).collect()
    }

    fn block(&self, offers: &[Offer]) -> Block {
        let Rules { spec, chain_id } = self.rules;
        Block { spec, chain_id, env: self.env.clone(), transactions: self.envs(offers) }
    }

    /// Executes what was offered after what was accepted so far, and accepts what may stay.
    fn add(&mut self, engine: &BlockExecutor, mut rest: Vec<Offer>) -> Result<(), ExecuteError> {
        let mut revisions = 0;
        while !rest.is_empty() {
            match engine.run(&self.block(&rest), &self.state) {
                Ok(output) => match self.revise(&rest, &output, revisions < REVISIONS) {
                    None => {
                        self.accept_piece(&rest, output);
                        return Ok(());
                    }
                    Some(revised) => {
                        rest = revised;
                        revisions += 1;
                    }
                },
                Err(ExecuteError::InvalidTransaction { index, reason }) => {
                    // Keep what comes before, drop the culprit and its sender's later ones, go on with the rest.
                    let tail = rest.split_off(index);
                    self.add(engine, rest)?;
                    let sender = self.log.get(tail[0].ix).sender;
                    self.drop(tail[0].ix, DropReason::Invalid(reason));
                    rest = Vec::with_capacity(tail.len());
                    for offer in &tail[1..] {
                        if self.log.get(offer.ix).sender == sender {
                            self.drop(offer.ix, DropReason::AfterDropped);
                        } else {
                            rest.push(*offer);
                        }
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn drop(&mut self, transaction: TxIx, reason: DropReason) {
        self.out.insert(transaction);
        self.dropped.push(Dropped { transaction, reason });
    }

    /// What is to be executed instead, now that it is known what the transactions touch: those at another price at
    /// that (if `again`), without those that may not stay. `None`: all is as it should be.
    fn revise(&mut self, offers: &[Offer], output: &BlockOutput, again: bool) -> Option<Vec<Offer>> {
        if self.keyed_by != Some(KeyedBy::WriteSet) {
            return None;
        }
        let mut used = self.used.clone();
        let mut gone: BTreeSet<u32> = BTreeSet::new();
        let mut revised = Vec::with_capacity(offers.len());
        for (offer, report) in offers.iter().zip(&output.transactions) {
            let sender = self.log.get(offer.ix).sender;
            let keys = self.keys_after(offer.ix, report);
            let ask = Ask { gas: report.gas_used, keys: &keys, blob_gas: 0 };
            let exact = Offer { ix: offer.ix, surcharge_wei: self.quote(&keys).surcharge_wei };
            let stays = (again || exact == *offer)
                && !gone.contains(&sender)
                && self.tip_wei(exact).is_some()
                && self.terms.market.admit(&used, &ask);
            if stays {
                used.add(&ask, Default::default());
                revised.push(exact);
            } else {
                gone.insert(sender);
                self.turned_away += 1;
                self.out.insert(offer.ix);
            }
        }
        (revised != offers).then_some(revised)
    }

    fn accept_piece(&mut self, offers: &[Offer], output: BlockOutput) {
        for (offer, report) in offers.iter().zip(&output.transactions) {
            let keys = self.keys_after(offer.ix, report);
            self.accept(*offer, &keys, report.gas_used, resources::split(&report.work, report.gas_used));
        }
        self.state = self.state.apply(&output.state, B256::ZERO);
        self.pieces.push(output);
    }

    fn accept(&mut self, offer: Offer, keys: &[Address], gas_used: u64, by_resource: Split) {
        let tip_wei = self.tip_wei(offer).unwrap_or(0);
        self.used.add(&Ask { gas: gas_used, keys, blob_gas: 0 }, by_resource);
        self.paid.push(Paid { gas_used, surcharge_wei: offer.surcharge_wei, tip_wei });
        self.accepted.push(offer);
    }

    fn finish(
        mut self,
        engine: &BlockExecutor,
        parent: &WorldState,
        rounds: usize,
    ) -> Result<BuiltBlock, ExecuteError> {
        let pieces = std::mem::take(&mut self.pieces);
        let executed = match pieces.into_iter().reduce(joined) {
            Some(output) => {
                engine.keep(&self.block(&self.accepted), &surcharges(&self.accepted), parent, output)
            }
            // Nothing was accepted.
            None => engine.execute(self.rules, self.env, parent, Vec::new())?,
        };
        Ok(self.built(executed, rounds))
    }

    fn built(self, executed: Arc<ExecutedBlock>, rounds: usize) -> BuiltBlock {
        BuiltBlock {
            transactions: self.accepted.iter().map(|offer| offer.ix).collect(),
            paid: self.paid,
            used: self.used,
            turned_away: self.turned_away,
            executed,
            dropped: self.dropped,
            rounds,
        }
    }
}
