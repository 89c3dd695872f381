//! From a finished transaction's journal to its writes, its footprint and its report.
//!
//! Writes are kept field by field: a transaction writes only what it changed, so that a field it never looked
//! at may be stale in its journal without harm.

use super::view::TxDb;
use crate::{Access, Location, Receipt, TxReport, WorkVector};
use revm::{
    primitives::{Address, B256, KECCAK_EMPTY, U256},
    state::{Account, Bytecode, EvmState},
};

/// A transaction that ran to its end.
pub(crate) struct Executed {
    /// The receipt, with `cumulative_gas_used` still to be set.
    pub(crate) receipt: Receipt,
    pub(crate) writes: Writes,
    pub(crate) footprint: Footprint,
    pub(crate) report: Option<TxReport>,
}

/// What a transaction changes, ordered by address.
#[derive(Clone, Default)]
pub(crate) struct Writes {
    pub(crate) accounts: Vec<AccountWrite>,
    pub(crate) codes: Vec<(B256, Bytecode)>,
    /// The fee to credit to the beneficiary at commit, if the transaction did not do so itself.
    pub(crate) fee: Option<U256>,
}

/// Changed fields of one account.
#[derive(Clone)]
pub(crate) struct AccountWrite {
    pub(crate) address: Address,
    pub(crate) balance: Option<U256>,
    pub(crate) nonce: Option<u64>,
    pub(crate) code: Option<CodeWrite>,
    /// All earlier storage is void; precedes `slots`.
    pub(crate) storage_cleared: bool,
    pub(crate) slots: Vec<(U256, U256)>,
}

/// A changed existence or code.
#[derive(Clone, Copy)]
pub(crate) struct CodeWrite {
    pub(crate) exists: bool,
    pub(crate) code_hash: B256,
}

/// Which fields of the fetched accounts mattered, beyond code, existence and emptiness, which always do.
pub(crate) enum Footprint {
    /// The transaction did not finish: everything it saw mattered.
    All,
    /// Sorted by address.
    Fields(Vec<(Address, Observed)>),
}

#[derive(Clone, Copy, Default)]
pub(crate) struct Observed {
    pub(crate) balance: bool,
    pub(crate) nonce: bool,
}

impl Footprint {
    pub(crate) fn of(&self, address: Address) -> Observed {
        match self {
            Self::All => Observed { balance: true, nonce: true },
            Self::Fields(fields) => match fields.binary_search_by_key(&address, |(address, _)| *address) {
                Ok(index) => fields[index].1,
                Err(_) => Observed::default(),
            },
        }
    }
}

impl Writes {
    /// Collects what the journal changed.
    pub(super) fn collect(state: EvmState, fee: Option<U256>) -> Self {
        let mut writes = Self { fee, ..Self::default() };
        for (address, account) in state {
            if account.is_touched() {
                writes.accounts.extend(account_write(address, account, &mut writes.codes));
            }
        }
        writes.accounts.sort_unstable_by_key(|write| write.address);
        writes
    }

    fn of(&self, address: Address) -> Option<&AccountWrite> {
        let index = self.accounts.binary_search_by_key(&address, |write| write.address).ok()?;
        Some(&self.accounts[index])
    }
}

fn account_write(
    address: Address,
    account: Account,
    codes: &mut Vec<(B256, Bytecode)>,
) -> Option<AccountWrite> {
    let existed = !account.is_loaded_as_not_existing();
    let created = account.is_created();
    // revm has marked empty accounts as created, or untouched, where the fork keeps them.
    let cleared_as_empty = account.is_empty() && !created;
    if account.is_selfdestructed() || cleared_as_empty {
        return existed.then(|| AccountWrite {
            address,
            balance: Some(U256::ZERO),
            nonce: Some(0),
            code: Some(CodeWrite { exists: false, code_hash: KECCAK_EMPTY }),
            storage_cleared: true,
            slots: Vec::new(),
        });
    }
    let before = account.original_info();
    let now = &account.info;
    let code_changed = now.code_hash != before.code_hash;
    if let (true, Some(code)) = (code_changed, &now.code)
        && !code.is_empty()
    {
        codes.push((now.code_hash, code.clone()));
    }
    let mut slots: Vec<_> =
        account.changed_storage_slots().map(|(slot, value)| (*slot, value.present_value)).collect();
    slots.sort_unstable_by_key(|(slot, _)| *slot);
    let write = AccountWrite {
        address,
        balance: (now.balance != before.balance).then_some(now.balance),
        nonce: (now.nonce != before.nonce).then_some(now.nonce),
        code: (code_changed || !existed).then_some(CodeWrite { exists: true, code_hash: now.code_hash }),
        storage_cleared: created,
        slots,
    };
    let changes = write.balance.is_some()
        || write.nonce.is_some()
        || write.code.is_some()
        || write.storage_cleared
        || !write.slots.is_empty();
    changes.then_some(write)
}

/// Which fields mattered to a finished transaction.
pub(super) fn footprint(db: &TxDb<'_>, sender: Address, writes: &Writes) -> Footprint {
    let mut fields: Vec<_> = db
        .log
        .accounts
        .iter()
        .map(|(address, _)| {
            let written = writes.of(*address);
            let observed = Observed {
                balance: db.log.balances.contains_key(address)
                    || written.is_some_and(|write| write.balance.is_some()),
                nonce: *address == sender
                    || db.log.nonces_matter
                    || written.is_some_and(|write| write.nonce.is_some()),
            };
            (*address, observed)
        })
        .collect();
    fields.sort_unstable_by_key(|(address, _)| *address);
    Footprint::Fields(fields)
}

/// Reads and writes as [`TxReport`] defines them.
pub(super) fn report(
    db: &TxDb<'_>,
    sender: Address,
    footprint: &Footprint,
    writes: &Writes,
    gas_used: u64,
) -> TxReport {
    let mut reads = Vec::with_capacity(db.log.accounts.len() * 2 + db.log.slots.len());
    for (address, loaded) in &db.log.accounts {
        let observed = footprint.of(*address);
        let mut read = |location, prefix: &WorkVector| reads.push(Access { location, prefix: *prefix });
        read(Location::Code(*address), loaded);
        if observed.balance {
            read(Location::Balance(*address), db.log.balances.get(address).unwrap_or(loaded));
        }
        if observed.nonce && *address != sender {
            read(Location::Nonce(*address), db.log.nonces.get(address).unwrap_or(loaded));
        }
    }
    for ((address, slot), prefix) in &db.log.slots {
        reads.push(Access { location: Location::Slot(*address, *slot), prefix: *prefix });
    }
    // Stable: of equal locations the first access comes first.
    reads.sort_by_key(|access| access.location);
    reads.dedup_by_key(|access| access.location);
    TxReport { gas_used, work: db.work, reads, writes: locations(writes) }
}

fn locations(writes: &Writes) -> Vec<Location> {
    let mut locations = Vec::new();
    for write in &writes.accounts {
        locations.extend(write.nonce.map(|_| Location::Nonce(write.address)));
        locations.extend(write.balance.map(|_| Location::Balance(write.address)));
        locations.extend(write.code.map(|_| Location::Code(write.address)));
        locations.extend(write.slots.iter().map(|(slot, _)| Location::Slot(write.address, *slot)));
    }
    locations.sort_unstable();
    locations
}
