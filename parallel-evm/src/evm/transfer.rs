//! Plain transfers without an EVM: most of a transaction that runs no code is setting up what would run it.
//!
//! A transfer is taken here only if everything about it is ordinary: it is valid on the state that the view shows,
//! calls nobody's code and no precompile, and nobody pays himself. Anything else, invalid transactions among
//! them, is left to revm, which finds out the same from the start. What is noted and what comes out is what revm's
//! execution would note and yield; the `equivalence` test compares the two.

use super::{
    effects::{AccountEffect, Effects},
    view::TxDb,
};
use crate::{
    Block, Receipt, StateError,
    account::{AccountRead, Change, Shift},
};
use revm::{
    context::{Transaction, TxEnv},
    context_interface::transaction::TransactionType,
    primitives::{Address, KECCAK_EMPTY, TxKind, U256, hardfork::SpecId},
    state::AccountId,
};

/// What a transfer uses, since the beginning.
const GAS: u64 = 21_000;

/// No fork allows transactions of less (EIP-7825).
const GAS_LIMIT_MAX: u64 = 1 << 24;

/// Balances and amounts of which no sum can overflow.
const BALANCE_BITS: usize = 255;
const AMOUNT_BITS: usize = 128;

/// Addresses with no more than this many significant bytes are left to the precompiles.
const PRECOMPILE_BYTES: usize = 2;

/// A block's rules for transfers.
pub(super) struct Transfers {
    spec: SpecId,
    chain_id: u64,
    base_fee: u128,
    gas_limit_max: u64,
    beneficiary: Address,
}

/// A transfer whose form is ordinary.
struct Plain {
    to: Address,
    /// Price of gas that is paid, wei, and the part of it that the beneficiary gets.
    price: u128,
    tip: u128,
}

impl Transfers {
    /// None if the block is such that all of its transactions are invalid, or of rules by which touching an empty
    /// account makes it exist.
    pub(super) fn new(block: &Block) -> Option<Self> {
        let Block { spec, chain_id, env, .. } = block;
        let complete = (!spec.is_enabled_in(SpecId::MERGE) || env.prevrandao.is_some())
            && (!spec.is_enabled_in(SpecId::CANCUN) || env.blob_excess_gas_and_price.is_some());
        // Later rules than are tested may charge otherwise.
        let known = spec.is_enabled_in(SpecId::SPURIOUS_DRAGON) && *spec <= SpecId::OSAKA;
        (complete && known).then(|| Self {
            spec: *spec,
            chain_id: *chain_id,
            base_fee: u128::from(env.basefee),
            gas_limit_max: env.gas_limit.min(GAS_LIMIT_MAX),
            beneficiary: env.beneficiary,
        })
    }

    /// Executes a transaction if it is an ordinary transfer. Returns its receipt; without one, nothing is known
    /// of it but what the view was asked.
    ///
    /// # Errors
    /// The state cannot answer.
    pub(super) fn execute(
        &self,
        tx: &TxEnv,
        db: &mut TxDb<'_>,
        effects: &mut Effects,
    ) -> Result<Option<Receipt>, StateError> {
        let Some(plain) = self.plain(tx) else {
            return Ok(None);
        };
        let (given, place) = db.given_without_code(tx.caller)?;
        let affords = || tx.max_balance_spending().is_ok_and(|most| most <= given.balance);
        if !given.exists || given.nonce != tx.nonce || given.code_hash != KECCAK_EMPTY || !affords() {
            return Ok(None);
        }
        let (payee, payee_place) = db.given_without_code(plain.to)?;
        if payee.code_hash != KECCAK_EMPTY || payee.balance.bit_len() > BALANCE_BITS {
            return Ok(None);
        }
        let (mut paid, mut got) = (tx.value + U256::from(plain.price) * U256::from(GAS), tx.value);
        let fee = U256::from(plain.tip) * U256::from(GAS);
        effects.accounts.clear();
        effects.slots.clear();
        effects.fee = None;
        // A beneficiary that takes part is paid at once.
        match self.beneficiary {
            beneficiary if beneficiary == tx.caller => paid -= fee,
            beneficiary if beneficiary == plain.to => got += fee,
            _ => effects.fee = Some(fee),
        }
        let nonce = Some(tx.nonce + 1);
        effects.accounts.push(effect(tx.caller, place, given, given.balance - paid, nonce));
        effects.accounts.push(effect(plain.to, payee_place, payee, payee.balance + got, None));
        Ok(Some(Receipt { tx_type: tx.tx_type, success: true, gas_used: GAS, ..Receipt::default() }))
    }

    /// Whom a transaction pays if its form is that of an ordinary transfer.
    pub(super) fn payee(&self, tx: &TxEnv) -> Option<Address> {
        self.plain(tx).map(|plain| plain.to)
    }

    /// Whether the form of a transaction is ordinary, and valid.
    fn plain(&self, tx: &TxEnv) -> Option<Plain> {
        let TxKind::Call(to) = tx.kind else {
            return None;
        };
        let bare = tx.data.is_empty()
            && tx.access_list.is_empty()
            && tx.authorization_list.is_empty()
            && tx.blob_hashes.is_empty()
            && tx.max_fee_per_blob_gas == 0;
        let tx_type = TransactionType::from(tx.tx_type);
        let legacy = tx_type == TransactionType::Legacy;
        let chain = tx.chain_id == Some(self.chain_id) || legacy && tx.chain_id.is_none();
        let gas = (GAS..=self.gas_limit_max).contains(&tx.gas_limit);
        let precompile = to[..20 - PRECOMPILE_BYTES].iter().all(|byte| *byte == 0);
        let amounts = tx.value.bit_len() <= AMOUNT_BITS && tx.nonce < u64::MAX;
        if !(bare && chain && gas && amounts) || precompile || to == tx.caller {
            return None;
        }
        let london = self.spec.is_enabled_in(SpecId::LONDON);
        let price = match (tx_type, tx.gas_priority_fee) {
            (TransactionType::Legacy, None) => tx.gas_price,
            (TransactionType::Eip2930, None) if self.spec.is_enabled_in(SpecId::BERLIN) => tx.gas_price,
            (TransactionType::Eip1559, Some(priority)) if london && priority <= tx.gas_price => {
                tx.gas_price.min(self.base_fee.saturating_add(priority))
            }
            _ => return None,
        };
        if price < self.base_fee {
            return None;
        }
        Some(Plain { to, price, tip: if london { price - self.base_fee } else { price } })
    }
}

fn effect(
    address: Address,
    place: Option<AccountId>,
    given: AccountRead,
    balance: U256,
    nonce: Option<u64>,
) -> AccountEffect {
    let shift = Shift::between(given.balance, balance);
    let change = Change { reset: None, shift, nonce, code: None };
    // Where EIP-161 holds.
    let expected = { given }.apply(&change, true);
    AccountEffect { address, place, given, change, slots: 0, expected }
}
