//! From a finished transaction's journal to its effects: changes relative to what it was given.

use crate::account::{AccountRead, Change, Facts, Reset, Shift};
use revm::{
    primitives::{Address, KECCAK_EMPTY, U256},
    state::{Account, AccountId, EvmState},
};

/// What a transaction does to the state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effects {
    /// Touched accounts, each once.
    pub(crate) accounts: Vec<AccountEffect>,
    /// Slots written, account by account.
    pub(crate) slots: Vec<(U256, U256)>,
    /// The fee to credit to the beneficiary at commit, if the transaction did not do so itself.
    pub(crate) fee: Option<U256>,
}

/// What a transaction does to one account.
#[derive(Clone, Debug)]
pub(crate) struct AccountEffect {
    pub(crate) address: Address,
    /// The place that the view told.
    pub(crate) place: Option<AccountId>,
    /// The account as it was given.
    pub(crate) given: AccountRead,
    pub(crate) change: Change,
    /// How many slots were written; they belong to the account's new life if the change resets it.
    pub(crate) slots: usize,
    /// What folding into the account as given would find out.
    pub(crate) expected: Facts,
}

impl Effects {
    /// Collects what the journal holds and empties it. Memory is kept, here and there.
    pub(super) fn drain(&mut self, journal: &mut EvmState, fee: Option<U256>, clearing: bool) {
        self.accounts.clear();
        self.slots.clear();
        self.fee = fee;
        for (address, account) in journal.iter_mut().filter(|(_, account)| account.is_touched()) {
            self.account(*address, account, clearing);
        }
        journal.clear();
    }

    /// Every account with the slots written in it.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&AccountEffect, &[(U256, U256)])> {
        let mut rest = self.slots.as_slice();
        self.accounts.iter().map(move |effect| {
            let (slots, others) = rest.split_at(effect.slots);
            rest = others;
            (effect, slots)
        })
    }

    fn account(&mut self, address: Address, account: &mut Account, clearing: bool) {
        let reset = if account.is_selfdestructed() {
            Some(Reset::Destroyed)
        } else {
            // `is_created` alone may also mean: touched into being before EIP-161.
            account.is_created_locally().then_some(Reset::Created)
        };
        let existed = !account.is_loaded_as_not_existing();
        let (mut place, mut before_balance, mut before_nonce) = (None, U256::ZERO, 0);
        let mut before_code = KECCAK_EMPTY;
        if existed {
            // Not a copy, which would count a reference to the code.
            let given = account.original_info_mut();
            (place, before_balance, before_nonce) = (given.account_id, given.balance, given.nonce);
            before_code = if given.code_hash.is_zero() { KECCAK_EMPTY } else { given.code_hash };
        }
        let now = &mut account.info;
        let change = if reset == Some(Reset::Destroyed) {
            Change { reset, shift: Shift::NONE, nonce: None, code: None }
        } else {
            Change {
                reset,
                shift: Shift::between(before_balance, now.balance),
                nonce: (now.nonce != before_nonce).then_some(now.nonce),
                code: (now.code_hash != before_code)
                    .then(|| (now.code_hash, now.code.take().unwrap_or_default())),
            }
        };
        let before = self.slots.len();
        if reset != Some(Reset::Destroyed) {
            self.slots
                .extend(account.changed_storage_slots().map(|(slot, value)| (*slot, value.present_value)));
        }
        let slots = self.slots.len() - before;
        // Even if it has a nonce here: unless that mattered, it may turn out to have none.
        let may_be_empty = account.info.code_hash == KECCAK_EMPTY;
        let is_effect = reset.is_some()
            || !change.shift.is_none()
            || change.nonce.is_some()
            || change.code.is_some()
            || slots > 0
            || may_be_empty;
        if is_effect {
            let given = AccountRead {
                exists: existed,
                nonce: before_nonce,
                balance: before_balance,
                code_hash: before_code,
            };
            let expected = { given }.apply(&change, clearing);
            self.accounts.push(AccountEffect { address, place, given, change, slots, expected });
        }
    }
}
