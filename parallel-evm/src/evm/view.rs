//! How a running transaction sees the state, and the log of what it looked at.
//!
//! The EVM's journal starts empty for every transaction, so each account and slot passes here exactly once,
//! at its first use: the log of loads is the raw material of read sets and of work prefixes.

use crate::{StateError, WorkClass, WorkVector};
use revm::{
    Database,
    database_interface::DBErrorMarker,
    primitives::{Address, AddressMap, B256, KECCAK_EMPTY, U256},
    state::{AccountInfo, Bytecode},
};
use std::fmt;

/// The state before one transaction, as far as it is known.
pub(crate) trait View {
    fn account(&self, address: Address) -> Result<AccountRead, ViewError>;
    fn slot(&self, address: Address, slot: U256) -> Result<U256, ViewError>;
    fn code(&self, hash: B256) -> Result<Bytecode, ViewError>;
    fn block_hash(&self, number: u64) -> Result<B256, ViewError>;
}

/// Why a view cannot answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ViewError {
    /// The value is being computed by an earlier transaction.
    Blocked { by: usize },
    /// The pre-state failed.
    State(StateError),
}

impl fmt::Display for ViewError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blocked { by } => write!(f, "waiting for transaction {by}"),
            Self::State(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ViewError {}
impl DBErrorMarker for ViewError {}

impl From<StateError> for ViewError {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

/// An account's own fields and whether it exists; the fields of an absent account are those of an empty one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AccountRead {
    pub(crate) exists: bool,
    pub(crate) nonce: u64,
    pub(crate) balance: U256,
    pub(crate) code_hash: B256,
}

impl AccountRead {
    pub(crate) fn from_info(info: Option<AccountInfo>) -> Self {
        let exists = info.is_some();
        let info = info.unwrap_or_default();
        let code_hash = if info.code_hash.is_zero() { KECCAK_EMPTY } else { info.code_hash };
        Self { exists, nonce: info.nonce, balance: info.balance, code_hash }
    }

    /// No nonce, no balance, no code (EIP-161).
    pub(crate) fn is_empty(&self) -> bool {
        self.nonce == 0 && self.balance.is_zero() && self.code_hash == KECCAK_EMPTY
    }

    /// Credits a transaction fee. Crediting touches: it creates an absent account before state clearing, and
    /// clears an empty one since.
    pub(crate) fn credit_fee(&mut self, fee: U256, state_clearing: bool) {
        self.balance = self.balance.saturating_add(fee);
        self.exists = if state_clearing { self.exists && !self.is_empty() || !fee.is_zero() } else { true };
    }
}

/// What one attempt at a transaction has looked at so far.
#[derive(Default)]
pub(crate) struct AccessLog {
    /// Accounts fetched, in order, each with the work done before.
    pub(crate) accounts: Vec<(Address, WorkVector)>,
    /// Slots fetched, in order, each with the work done before.
    pub(crate) slots: Vec<((Address, U256), WorkVector)>,
    /// Balances the program has looked at, with the work done before the first look.
    pub(crate) balances: AddressMap<WorkVector>,
    /// Creators, whose nonces make addresses, with the work done before the first creation.
    pub(crate) nonces: AddressMap<WorkVector>,
    /// Whether nonces of all fetched accounts may have mattered: contracts were created (collisions) or
    /// authorisations applied.
    pub(crate) nonces_matter: bool,
}

impl AccessLog {
    fn clear(&mut self) {
        self.accounts.clear();
        self.slots.clear();
        self.balances.clear();
        self.nonces.clear();
        self.nonces_matter = false;
    }
}

/// The EVM's database: a view, the log and the work counters of the running transaction.
pub(crate) struct TxDb<'v> {
    view: &'v dyn View,
    pub(crate) log: AccessLog,
    pub(crate) work: WorkVector,
    /// The fee owed to the beneficiary, unless the transaction touched the beneficiary and paid it itself.
    pub(crate) fee: Option<U256>,
}

impl<'v> TxDb<'v> {
    pub(crate) fn new(view: &'v dyn View) -> Self {
        Self { view, log: AccessLog::default(), work: WorkVector::ZERO, fee: None }
    }

    pub(crate) fn clear(&mut self) {
        self.log.clear();
        self.work = WorkVector::ZERO;
        self.fee = None;
    }

    pub(crate) fn observe_balance(&mut self, address: Address) {
        self.log.balances.entry(address).or_insert(self.work);
    }

    pub(crate) fn observe_creator(&mut self, address: Address) {
        self.log.nonces_matter = true;
        self.log.nonces.entry(address).or_insert(self.work);
    }
}

impl fmt::Debug for TxDb<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TxDb").field("work", &self.work).finish_non_exhaustive()
    }
}

impl Database for TxDb<'_> {
    type Error = ViewError;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, ViewError> {
        self.log.accounts.push((address, self.work));
        self.work.add(WorkClass::AccountCold, 1);
        let read = self.view.account(address)?;
        if !read.exists {
            return Ok(None);
        }
        let code = (read.code_hash == KECCAK_EMPTY).then(Bytecode::default);
        let AccountRead { nonce, balance, code_hash, .. } = read;
        Ok(Some(AccountInfo { nonce, balance, code_hash, code, ..AccountInfo::default() }))
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, ViewError> {
        self.view.code(hash)
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, ViewError> {
        self.log.slots.push(((address, slot), self.work));
        self.work.add(WorkClass::StorageReadCold, 1);
        self.view.slot(address, slot)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, ViewError> {
        self.view.block_hash(number)
    }
}
