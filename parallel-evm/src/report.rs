//! What one transaction did: work, reads and writes. Final values only, never those of an aborted attempt.

use crate::WorkVector;
use revm::primitives::{Address, U256};

/// A piece of state that transactions can conflict on.
///
/// Conflicts are defined finely: two transactions that call the same contract share only `Code`, which nobody
/// writes, unless they meet in a slot or a balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Location {
    /// An account's nonce.
    Nonce(Address),
    /// An account's balance.
    Balance(Address),
    /// An account's code and whether the account exists at all. Any use of an account reads it; creation,
    /// deletion, a first credit and a delegation write it.
    Code(Address),
    /// One storage slot.
    Slot(Address, U256),
}

impl Location {
    /// The account the location belongs to.
    pub const fn address(&self) -> Address {
        match self {
            Self::Nonce(address) | Self::Balance(address) | Self::Code(address) | Self::Slot(address, _) => {
                *address
            }
        }
    }
}

/// A read, with the work the transaction had done before it first needed the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// What was read.
    pub location: Location,
    /// Work done in this transaction before the first access to the location.
    pub prefix: WorkVector,
}

/// How a transaction depends on an account's balance, and what it does to it.
///
/// The transaction's outcome is the same for every balance from `least` to `most` that the account may have when
/// it begins: it would read, write, log and use gas alike, and shift the balance alike. Both are equal if the
/// balance was observed exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BalanceUse {
    /// The account.
    pub address: Address,
    /// Least balance with the same outcome, wei: what all debits and checks needed.
    pub least: U256,
    /// Greatest balance with the same outcome, wei: more, and a check that failed would have passed.
    pub most: U256,
    /// What the balance gains, wei.
    pub credit: U256,
    /// What the balance loses, wei; one of the two is zero.
    pub debit: U256,
    /// The account is gone afterwards: what it held is lost, or was moved on.
    pub vanishes: bool,
}

impl BalanceUse {
    /// Whether the transaction observed the exact balance.
    pub fn is_exact(&self) -> bool {
        self.least == self.most
    }

    /// Whether the transaction changes the balance.
    pub fn changes(&self) -> bool {
        self.vanishes || self.credit != self.debit
    }

    pub(crate) fn matters(&self) -> bool {
        self.changes() || !self.least.is_zero() || self.most != U256::MAX
    }
}

/// What one transaction did, identical from every engine.
///
/// Commutative, hence absent unless the transaction touches the account otherwise: the fee credited to the
/// block's beneficiary. The sender's nonce is known from the transaction itself: it is written, not read.
/// In `reads` and `writes` a value transfer is an exact read and write of both balances; `balances` says how
/// much less it is. A transaction that creates contracts or carries authorisations reads the nonces of all
/// accounts it loads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxReport {
    /// Gas used, as in the receipt.
    pub gas_used: u64,
    /// All work of the transaction, that of reverted calls included.
    pub work: WorkVector,
    /// Reads, sorted by location, each location once.
    pub reads: Vec<Access>,
    /// Writes, sorted, each location once; a value that ends as it was is no write.
    pub writes: Vec<Location>,
    /// How it depends on balances and shifts them, sorted by address, each account once.
    pub balances: Vec<BalanceUse>,
}
