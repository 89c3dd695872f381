//! How a running transaction sees the state, and the log of what it looked at.
//!
//! The EVM's journal starts empty for every transaction, so each account and slot passes here exactly once,
//! at its first use: the log of loads is the raw material of read sets and of work prefixes.

use super::{codes::own_empty, observation::Loaded};
use crate::{StateError, WorkClass, WorkVector, account::AccountRead};
use revm::{
    Database,
    database_interface::DBErrorMarker,
    primitives::{Address, AddressMap, B256, KECCAK_EMPTY, U256},
    state::{AccountId, AccountInfo, Bytecode},
};
use std::fmt;

/// The state before one transaction, as far as it is known.
pub(crate) trait View {
    fn account(&self, address: Address) -> Result<Given, StateError>;
    /// `place`: where the view said it keeps the account.
    fn slot(&self, address: Address, place: Option<AccountId>, slot: U256) -> Result<U256, StateError>;
    fn code(&self, hash: B256) -> Result<Bytecode, StateError>;
    fn block_hash(&self, number: u64) -> Result<B256, StateError>;
    /// The running transaction begins anew: what it was told no longer counts.
    fn again(&self) {}
}

/// What a view knows of an account.
pub(crate) struct Given {
    pub(crate) read: AccountRead,
    /// The code, if it is at hand.
    pub(crate) code: Option<Bytecode>,
    /// Where the view keeps the account, so that it need not be searched again.
    pub(crate) place: Option<AccountId>,
}

impl DBErrorMarker for StateError {}

/// What is noted of a running transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Noting {
    /// Work, accesses and their prefixes, for a report.
    pub(crate) counts: bool,
    /// On which values of the state the outcome depends, for validation (and for a report).
    pub(crate) observations: bool,
    /// Take the sender's nonce from the transaction; whoever commits it checks that it was right.
    pub(crate) static_nonce: bool,
}

/// What one attempt at a transaction has looked at so far.
#[derive(Default)]
pub(crate) struct AccessLog {
    /// Accounts fetched, in order.
    pub(crate) accounts: Vec<Loaded>,
    /// The work done before each of `accounts` was fetched.
    pub(crate) account_prefixes: Vec<WorkVector>,
    /// Slots fetched, in order, each with the work done before.
    pub(crate) slots: Vec<((Address, U256), WorkVector)>,
    /// Balances the program has looked at, with the work done before the first look.
    pub(crate) balances: AddressMap<WorkVector>,
    /// Creators, whose nonces make addresses, with the work done before the first creation.
    pub(crate) nonces: AddressMap<WorkVector>,
    /// Whether nonces of all fetched accounts may have mattered: contracts were created (collisions) or
    /// authorisations applied.
    pub(crate) nonces_matter: bool,
    /// So much was moved that a balance could overflow: every balance is taken to matter exactly.
    pub(crate) huge: bool,
}

impl AccessLog {
    fn clear(&mut self) {
        self.accounts.clear();
        self.account_prefixes.clear();
        self.slots.clear();
        self.balances.clear();
        self.nonces.clear();
        self.nonces_matter = false;
        self.huge = false;
    }

    /// The account, if it was fetched. Transactions fetch few accounts, and the first ones are used most.
    pub(crate) fn loaded(&mut self, address: Address) -> Option<&mut Loaded> {
        self.accounts.iter_mut().find(|loaded| loaded.address == address)
    }
}

/// The EVM's database: a view, the log and the work counters of the running transaction.
pub(crate) struct TxDb<'v> {
    view: &'v dyn View,
    pub(crate) noting: Noting,
    pub(crate) log: AccessLog,
    pub(crate) work: WorkVector,
    /// The fee owed to the beneficiary, unless the transaction touched the beneficiary and paid it itself.
    pub(crate) fee: Option<U256>,
    sender: (Address, u64),
    empty_code: Bytecode,
}

impl<'v> TxDb<'v> {
    pub(crate) fn new(view: &'v dyn View) -> Self {
        let noting = Noting { counts: false, observations: false, static_nonce: false };
        let (sender, empty_code) = ((Address::ZERO, 0), own_empty());
        Self {
            view,
            noting,
            log: AccessLog::default(),
            work: WorkVector::ZERO,
            fee: None,
            sender,
            empty_code,
        }
    }

    pub(crate) fn start(&mut self, noting: Noting, sender: Address, nonce: u64) {
        self.noting = noting;
        self.sender = (sender, nonce);
        self.log.clear();
        self.work = WorkVector::ZERO;
        self.fee = None;
    }

    /// Forgets what the running transaction has looked at.
    pub(crate) fn again(&mut self) {
        self.log.clear();
        self.view.again();
    }

    /// An account as revm would be given it, its code left out. Not for counting.
    pub(super) fn given_without_code(
        &mut self,
        address: Address,
    ) -> Result<(AccountRead, Option<AccountId>), StateError> {
        let Given { read, place, .. } = self.given(address)?;
        match !read.exists && read.nonce == 0 {
            true => Ok((AccountRead::ABSENT, None)),
            false => Ok((AccountRead { exists: true, ..read }, place)),
        }
    }

    /// The program looks at a balance, by an opcode about to run.
    pub(crate) fn note_balance(&mut self, address: Address) {
        if self.noting.counts {
            self.log.balances.entry(address).or_insert(self.work);
        }
    }

    /// The program creates a contract, by an opcode about to run.
    pub(crate) fn note_creator(&mut self, address: Address) {
        self.log.nonces_matter = true;
        if self.noting.counts {
            self.log.nonces.entry(address).or_insert(self.work);
        }
    }
}

impl TxDb<'_> {
    fn given(&mut self, address: Address) -> Result<Given, StateError> {
        let mut given = self.view.account(address)?;
        let static_nonce = self.noting.static_nonce && address == self.sender.0;
        if static_nonce {
            given.read.nonce = self.sender.1;
        }
        if self.noting.observations {
            self.log.accounts.push(Loaded { static_nonce, ..Loaded::new(address, given.read) });
        }
        Ok(given)
    }

    fn fetch(&mut self, address: Address, place: Option<AccountId>, slot: U256) -> Result<U256, StateError> {
        if self.noting.counts {
            self.log.slots.push(((address, slot), self.work));
            self.work.add(WorkClass::StorageReadCold, 1);
        }
        self.view.slot(address, place, slot)
    }
}

impl fmt::Debug for TxDb<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TxDb").field("work", &self.work).finish_non_exhaustive()
    }
}

impl Database for TxDb<'_> {
    type Error = StateError;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        if self.noting.counts {
            self.log.account_prefixes.push(self.work);
            self.work.add(WorkClass::AccountCold, 1);
        }
        let Given { read, code, place } = self.given(address)?;
        if !read.exists && read.nonce == 0 {
            return Ok(None);
        }
        let code = if read.code_hash == KECCAK_EMPTY { Some(self.empty_code.clone()) } else { code };
        let AccountRead { nonce, balance, code_hash, .. } = read;
        Ok(Some(AccountInfo { nonce, balance, code_hash, code, account_id: place }))
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, StateError> {
        self.view.code(hash)
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.fetch(address, None, slot)
    }

    fn storage_by_account_id(
        &mut self,
        address: Address,
        place: AccountId,
        slot: U256,
    ) -> Result<U256, StateError> {
        self.fetch(address, Some(place), slot)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, StateError> {
        self.view.block_hash(number)
    }
}
