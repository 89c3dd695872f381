//! One account: what a transaction sees of it, what it changes, and how changes fold in block order.
//!
//! A transaction never says what a balance becomes, only by how much it shifts: shifts commute. Nor does it say
//! whether an account exists afterwards: touching decides that when the change is folded, for an account that is
//! empty then vanishes (EIP-161 on) or comes into being (before).

use crate::{AccountChange, AccountDelta, AccountFields};
use revm::{
    primitives::{Address, B256, KECCAK_EMPTY, U256},
    state::{AccountInfo, Bytecode},
};
use std::collections::BTreeMap;

/// An account's own fields and whether it exists; the fields of an absent account are those of an empty one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AccountRead {
    pub(crate) exists: bool,
    pub(crate) nonce: u64,
    pub(crate) balance: U256,
    pub(crate) code_hash: B256,
}

/// A difference of two balances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shift {
    Up(U256),
    Down(U256),
}

/// The end of an account's previous life within a transaction. Its storage from before is void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reset {
    Destroyed,
    Created,
}

/// What a transaction does to an account it touches, storage aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) reset: Option<Reset>,
    pub(crate) shift: Shift,
    pub(crate) nonce: Option<u64>,
    pub(crate) code: Option<(B256, Bytecode)>,
}

/// What folding a change found out; everything else about a change is known before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// The account existed before.
    pub(crate) existed: bool,
    /// It is gone afterwards: destroyed, or touched while empty.
    pub(crate) gone: bool,
    /// An empty account came into being by being touched (before EIP-161).
    pub(crate) materialised: bool,
}

impl Shift {
    pub(crate) const NONE: Self = Self::Up(U256::ZERO);

    pub(crate) fn between(before: U256, after: U256) -> Self {
        if after >= before { Self::Up(after - before) } else { Self::Down(before - after) }
    }

    pub(crate) fn is_none(self) -> bool {
        let (Self::Up(amount) | Self::Down(amount)) = self;
        amount.is_zero()
    }

    /// The balance after. A shift that does not fit belongs to an attempt that saw stale values and will be
    /// discarded; then any balance will do.
    pub(crate) const fn apply(self, balance: U256) -> U256 {
        match self {
            Self::Up(amount) => balance.saturating_add(amount),
            Self::Down(amount) => balance.saturating_sub(amount),
        }
    }
}

impl AccountRead {
    pub(crate) const ABSENT: Self =
        Self { exists: false, nonce: 0, balance: U256::ZERO, code_hash: KECCAK_EMPTY };

    pub(crate) fn from_info(info: Option<AccountInfo>) -> (Self, Option<Bytecode>) {
        let Some(info) = info else { return (Self::ABSENT, None) };
        let code_hash = if info.code_hash.is_zero() { KECCAK_EMPTY } else { info.code_hash };
        (Self { exists: true, nonce: info.nonce, balance: info.balance, code_hash }, info.code)
    }

    /// No nonce, no balance, no code (EIP-161).
    pub(crate) fn is_empty(&self) -> bool {
        self.nonce == 0 && self.balance.is_zero() && self.code_hash == KECCAK_EMPTY
    }

    /// Folds the next change. `clearing`: whether touched empty accounts vanish (EIP-161).
    pub(crate) fn apply(&mut self, change: &Change, clearing: bool) -> Facts {
        let existed = self.exists;
        if change.reset == Some(Reset::Destroyed) {
            *self = Self::ABSENT;
            return Facts { existed, gone: true, materialised: false };
        }
        self.balance = change.shift.apply(self.balance);
        self.nonce = change.nonce.unwrap_or(self.nonce);
        if let Some((hash, _)) = &change.code {
            self.code_hash = *hash;
        }
        if change.reset.is_none() && self.is_empty() {
            if clearing {
                *self = Self::ABSENT;
                return Facts { existed, gone: true, materialised: false };
            }
            self.exists = true;
            return Facts { existed, gone: false, materialised: !existed };
        }
        self.exists = true;
        Facts { existed, gone: false, materialised: false }
    }

    /// Credits a transaction fee. Crediting touches: it creates an absent account before state clearing, and
    /// clears an empty one since. A fee that no longer fits the balance is lost, as in revm.
    pub(crate) fn credit_fee(&mut self, fee: U256, clearing: bool) {
        self.balance = self.balance.checked_add(fee).unwrap_or(self.balance);
        self.exists = if clearing { self.exists && !self.is_empty() || !fee.is_zero() } else { true };
    }
}

/// An account as of the last committed transaction, and what the block has done to it so far.
#[derive(Clone, Debug)]
pub(crate) struct AccountState {
    pub(crate) read: AccountRead,
    /// The code, once somebody fetched it.
    pub(crate) code: Option<Bytecode>,
    pub(crate) info_written: bool,
    pub(crate) storage_cleared: bool,
}

impl AccountState {
    pub(crate) const fn new(read: AccountRead, code: Option<Bytecode>) -> Self {
        Self { read, code, info_written: false, storage_cleared: false }
    }

    /// Folds the next change. Storage from before is void if [`Facts::voids_storage`] says so.
    pub(crate) fn apply(&mut self, change: &Change, clearing: bool) -> Facts {
        let facts = self.read.apply(change, clearing);
        if facts.gone {
            self.code = None;
            self.info_written |= facts.existed;
        } else {
            if let Some((_, code)) = &change.code {
                self.code = Some(code.clone());
            }
            self.info_written |=
                !facts.existed || !change.shift.is_none() || change.nonce.is_some() || change.code.is_some();
        }
        self.storage_cleared |= facts.voids_storage(change);
        facts
    }

    pub(crate) fn credit_fee(&mut self, fee: U256, clearing: bool) {
        let before = self.read;
        self.read.credit_fee(fee, clearing);
        self.info_written |= self.read != before;
    }

    /// What the block did to the account, if it did anything; `storage`: what it wrote there.
    pub(crate) fn delta(&self, storage: BTreeMap<U256, U256>) -> Option<AccountDelta> {
        let current = self.read;
        let info = match (self.info_written, current.exists) {
            (false, _) => AccountChange::Unchanged,
            (true, false) => AccountChange::Deleted,
            (true, true) => AccountChange::Updated(AccountFields {
                nonce: current.nonce,
                balance: current.balance,
                code_hash: current.code_hash,
            }),
        };
        let delta = AccountDelta { info, storage_cleared: self.storage_cleared, storage };
        (delta != AccountDelta::default()).then_some(delta)
    }
}

impl Facts {
    pub(crate) fn voids_storage(self, change: &Change) -> bool {
        match change.reset {
            Some(Reset::Created) => true,
            _ => self.gone && self.existed || self.materialised,
        }
    }
}

/// Sorts by address. First bytes are compared as numbers, so that a comparison seldom follows a reference.
pub(crate) fn by_address<T>(
    items: impl Iterator<Item = T>,
    address: impl Fn(&T) -> Address,
) -> impl Iterator<Item = T> {
    let first = |address: Address| address.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    let mut keyed: Vec<_> = items.map(|item| (first(address(&item)), item)).collect();
    keyed.sort_unstable_by(|(a, x), (b, y)| a.cmp(b).then_with(|| address(x).cmp(&address(y))));
    keyed.into_iter().map(|(_, item)| item)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(shift: Shift) -> Change {
        Change { reset: None, shift, nonce: None, code: None }
    }

    fn holding(balance: u64) -> AccountRead {
        AccountRead { exists: true, balance: U256::from(balance), ..AccountRead::ABSENT }
    }

    #[test]
    fn shifts_commute_and_undo_each_other() {
        let (up, down) =
            (touch(Shift::Up(U256::from(7))), touch(Shift::between(U256::from(5), U256::from(2))));
        let (mut a, mut b) = (holding(5), holding(5));
        a.apply(&up, true);
        a.apply(&down, true);
        b.apply(&down, true);
        b.apply(&up, true);
        assert_eq!((a, a), (b, holding(9)));
    }

    #[test]
    fn a_touch_of_an_empty_account_deletes_it_since_eip_161_and_creates_it_before() {
        let (mut legacy, mut absent) = (holding(0), AccountRead::ABSENT);
        let facts = legacy.apply(&touch(Shift::NONE), true);
        assert!(facts.existed && facts.gone && !legacy.exists);
        let facts = absent.apply(&touch(Shift::NONE), false);
        assert!(facts.materialised && absent.exists);
        let mut kept = holding(0);
        let facts = kept.apply(&touch(Shift::NONE), false);
        assert!(!facts.materialised && !facts.gone && kept.exists);
    }

    #[test]
    fn a_credit_to_an_absent_account_also_creates_it() {
        let mut state = AccountState::new(AccountRead::ABSENT, None);
        let facts = state.apply(&touch(Shift::Up(U256::ONE)), true);
        assert!(!facts.existed && state.read.exists && state.info_written && !state.storage_cleared);
    }

    #[test]
    fn destruction_voids_what_existed_and_nothing_else() {
        let destroyed = Change { reset: Some(Reset::Destroyed), ..touch(Shift::NONE) };
        let mut state = AccountState::new(holding(3), None);
        state.apply(&destroyed, true);
        assert!(!state.read.exists && state.storage_cleared && state.info_written);
        let mut never = AccountState::new(AccountRead::ABSENT, None);
        never.apply(&destroyed, true);
        assert!(!never.info_written && !never.storage_cleared);
    }

    #[test]
    fn a_fee_that_does_not_fit_is_lost_whole() {
        let mut full = AccountRead { balance: U256::MAX - U256::ONE, ..holding(0) };
        full.credit_fee(U256::from(2), true);
        assert_eq!(full.balance, U256::MAX - U256::ONE);
        full.credit_fee(U256::ONE, true);
        assert_eq!(full.balance, U256::MAX);
    }

    #[test]
    fn a_fee_of_nothing_clears_an_empty_beneficiary_since_eip_161_and_creates_it_before() {
        let mut beneficiary = holding(0);
        beneficiary.credit_fee(U256::ZERO, true);
        assert!(!beneficiary.exists);
        beneficiary.credit_fee(U256::ZERO, false);
        assert!(beneficiary.exists);
    }
}
