//! On which values of an account a transaction's outcome depends.
//!
//! Every check of a balance (a debit that is or is not covered, emptiness, an exact look) admits a range of
//! balances that the account may have had when the transaction began; outside it the check would have come out
//! otherwise. The ranges of all checks, passed and failed, reverted frames' included, are intersected. With
//! `d` the change the transaction itself had made by then, "at least `a`" passed means `balance >= a - d`, and
//! failed means `balance < a - d`.

use crate::account::AccountRead;
use revm::primitives::{Address, KECCAK_EMPTY, U256};

/// Balances of which no sum can overflow: whoever holds more is observed exactly.
const ORDINARY_BITS: usize = 255;
/// Amounts of which no transaction can move enough to make an ordinary balance overflow.
const ORDINARY_AMOUNT_BITS: usize = 128;

/// An account as it was given to a transaction, and what of it mattered.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) address: Address,
    /// As given; the balance may be provisional.
    pub(crate) read: AccountRead,
    /// Least balance with the same outcome.
    pub(crate) least: U256,
    /// Greatest balance with the same outcome.
    pub(crate) most: U256,
    pub(crate) exact_nonce: bool,
    /// Whether the nonce is zero mattered.
    pub(crate) zero_nonce: bool,
    pub(crate) existence: bool,
    /// The nonce is the transaction's own: only the committed one can be compared with it.
    pub(crate) static_nonce: bool,
}

/// Whether a moved amount calls for exact balances.
pub(crate) fn is_huge(amount: U256) -> bool {
    amount.bit_len() > ORDINARY_AMOUNT_BITS
}

impl Loaded {
    pub(crate) const fn new(address: Address, read: AccountRead) -> Self {
        Self {
            address,
            read,
            least: U256::ZERO,
            most: U256::MAX,
            exact_nonce: false,
            zero_nonce: false,
            existence: false,
            static_nonce: false,
        }
    }

    /// The exact balance mattered.
    pub(crate) fn balance_seen(&mut self) {
        self.least = self.least.max(self.read.balance);
        self.most = self.most.min(self.read.balance);
    }

    /// It was checked whether the balance, `current` by then, covers an amount.
    pub(crate) fn checked(&mut self, current: U256, amount: U256) {
        let given = self.read.balance;
        if current >= amount {
            self.least = self.least.max(given.saturating_sub(current - amount));
        } else if let Some(enough) = given.checked_add(amount - current) {
            self.most = self.most.min(enough - U256::ONE);
        }
    }

    /// It was checked whether the account is empty, by the rule of EIP-161 if `clearing`; before, existence
    /// decides. Balance and nonce are those of then.
    ///
    /// The nonce is looked at before the balance, so that what is noted is a function of the final state.
    pub(crate) fn emptiness_seen(&mut self, balance: U256, nonce: u64, has_code: bool, clearing: bool) {
        if !clearing {
            self.existence = true;
        } else if !has_code {
            self.zero_nonce = true;
            if nonce == 0 && balance.is_zero() {
                self.balance_seen();
            } else if nonce == 0 {
                self.checked(balance, U256::ONE);
            }
        }
    }

    /// Whether the transaction would have had the same outcome on this account. `committed`: all earlier
    /// transactions are, so that the sender's nonce is what it will be.
    pub(crate) fn admits(&self, now: &AccountRead, committed: bool) -> bool {
        let ordinary = |balance: U256| balance.bit_len() <= ORDINARY_BITS;
        now.code_hash == self.read.code_hash
            && (now.balance == self.read.balance
                || self.least <= now.balance
                    && now.balance <= self.most
                    && ordinary(now.balance)
                    && ordinary(self.read.balance))
            && match self.static_nonce {
                true => !committed || now.nonce == self.read.nonce,
                false => {
                    (!self.exact_nonce || now.nonce == self.read.nonce)
                        && (!self.zero_nonce || (now.nonce == 0) == (self.read.nonce == 0))
                }
            }
            && (!self.existence || now.exists == self.read.exists)
    }

    /// Whether the account was given with code.
    pub(crate) fn has_code(&self) -> bool {
        self.read.code_hash != KECCAK_EMPTY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(balance: u64) -> Loaded {
        let read = AccountRead { exists: true, balance: U256::from(balance), ..AccountRead::ABSENT };
        Loaded::new(Address::ZERO, read)
    }

    fn range(loaded: &Loaded) -> (U256, U256) {
        (loaded.least, loaded.most)
    }

    #[test]
    fn passed_and_failed_checks_bound_the_balance_from_both_sides() {
        let mut account = loaded(10);
        account.checked(U256::from(10), U256::from(4));
        account.checked(U256::from(10), U256::from(11));
        assert_eq!(range(&account), (U256::from(4), U256::from(10)));
        // Six were paid out meanwhile: four are left, three are checked, then five.
        account.checked(U256::from(4), U256::from(3));
        account.checked(U256::from(4), U256::from(5));
        assert_eq!(range(&account), (U256::from(9), U256::from(10)));
    }

    #[test]
    fn credits_of_the_transaction_itself_loosen_a_check() {
        let mut account = loaded(0);
        account.checked(U256::from(7), U256::from(7));
        assert_eq!(range(&account), (U256::ZERO, U256::MAX));
        account.emptiness_seen(U256::from(7), 0, false, true);
        assert_eq!(range(&account), (U256::ZERO, U256::MAX));
    }

    #[test]
    fn emptiness_is_exact_only_if_empty() {
        let mut full = loaded(10);
        full.emptiness_seen(U256::from(10), 0, false, true);
        assert_eq!(range(&full), (U256::ONE, U256::MAX));
        let mut empty = loaded(0);
        empty.emptiness_seen(U256::ZERO, 0, false, true);
        assert_eq!(range(&empty), (U256::ZERO, U256::ZERO));
        let mut contract = loaded(0);
        contract.emptiness_seen(U256::ZERO, 0, true, true);
        contract.emptiness_seen(U256::ZERO, 1, false, true);
        assert_eq!(range(&contract), (U256::ZERO, U256::MAX));
    }

    #[test]
    fn extraordinary_balances_are_exact() {
        let mut account = loaded(0);
        account.read.balance = U256::MAX - U256::ONE;
        let mut now = account.read;
        assert!(account.admits(&now, true));
        now.balance = U256::from(5);
        assert!(!account.admits(&now, true));
        let account = loaded(5);
        now.balance = U256::MAX;
        assert!(!account.admits(&now, true));
        now.balance = U256::from(6);
        assert!(account.admits(&now, true));
    }
}
