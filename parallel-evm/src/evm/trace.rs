//! From what was noted of a transaction to its report.

use super::{AccountEffect, Effects, view::AccessLog};
use crate::{Access, BalanceUse, Location, TxReport, WorkVector, account::Shift};
use revm::primitives::{Address, U256};
use std::collections::BTreeMap;

/// Everything noted of a finished transaction.
pub(crate) struct Trace {
    pub(super) sender: Address,
    pub(super) gas_used: u64,
    pub(super) work: WorkVector,
    pub(super) log: AccessLog,
}

impl Trace {
    /// Reads and writes as [`TxReport`] defines them, given that folding found out what the effects expect.
    pub(crate) fn report(&self, all: &Effects) -> TxReport {
        let effects: BTreeMap<Address, &AccountEffect> =
            all.accounts.iter().map(|effect| (effect.address, effect)).collect();
        let mut reads = Vec::with_capacity(self.log.accounts.len() * 2 + self.log.slots.len());
        let mut balances = Vec::new();
        for (loaded, prefix) in self.log.accounts.iter().zip(&self.log.account_prefixes) {
            let address = loaded.address;
            let written = effects.get(&address).map(|effect| Written::by(effect)).unwrap_or_default();
            let mut read = |location, prefix: &WorkVector| reads.push(Access { location, prefix: *prefix });
            read(Location::Code(address), prefix);
            let looked = self.log.balances.get(&address);
            if looked.is_some() || written.balance {
                read(Location::Balance(address), looked.unwrap_or(prefix));
            }
            if (self.log.nonces_matter || written.nonce) && address != self.sender {
                read(Location::Nonce(address), self.log.nonces.get(&address).unwrap_or(prefix));
            }
            let shift = effects.get(&address).map_or(Shift::NONE, |effect| effect.change.shift);
            let vanishes = effects.get(&address).is_some_and(|effect| effect.expected.gone);
            let (credit, debit) = match shift {
                Shift::Up(amount) => (amount, Default::default()),
                Shift::Down(amount) => (Default::default(), amount),
            };
            let (least, most) = (loaded.least, loaded.most);
            let usage = BalanceUse { address, least, most, credit, debit, vanishes };
            if usage.matters() {
                balances.push(usage);
            }
        }
        for ((address, slot), prefix) in &self.log.slots {
            reads.push(Access { location: Location::Slot(*address, *slot), prefix: *prefix });
        }
        // Stable: of equal locations the first access comes first.
        reads.sort_by_key(|access| access.location);
        reads.dedup_by_key(|access| access.location);
        balances.sort_unstable_by_key(|usage| usage.address);
        let mut writes = Vec::new();
        for (effect, slots) in all.iter() {
            Written::by(effect).locations(effect.address, slots, &mut writes);
        }
        writes.sort_unstable();
        TxReport { gas_used: self.gas_used, work: self.work, reads, writes, balances }
    }
}

/// Which of an account's own fields an effect writes.
#[derive(Clone, Copy, Default)]
struct Written {
    balance: bool,
    nonce: bool,
    code: bool,
    slots: bool,
}

impl Written {
    fn by(effect: &AccountEffect) -> Self {
        let (change, facts) = (&effect.change, effect.expected);
        if facts.gone {
            let all = facts.existed;
            return Self { balance: all, nonce: all, code: all, slots: false };
        }
        Self {
            balance: !change.shift.is_none(),
            nonce: change.nonce.is_some(),
            code: change.code.is_some() || !facts.existed,
            slots: true,
        }
    }

    fn locations(self, address: Address, slots: &[(U256, U256)], out: &mut Vec<Location>) {
        out.extend(self.nonce.then_some(Location::Nonce(address)));
        out.extend(self.balance.then_some(Location::Balance(address)));
        out.extend(self.code.then_some(Location::Code(address)));
        if self.slots {
            out.extend(slots.iter().map(|(slot, _)| Location::Slot(address, *slot)));
        }
    }
}
