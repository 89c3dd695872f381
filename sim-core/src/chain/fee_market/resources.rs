//! A block is as full as its scarcest resource.
//!
//! **Captures** the metering of EIP-8011: a transaction's gas is split over the resources it uses, a block's gas
//! limit holds for each of them apart, and the one base fee follows the fullest. A transaction pays for all its gas,
//! as before. So a burst of one kind of work leaves room for other kinds. **Leaves out** a price for each resource
//! (EIP-7706, EIP-7999); memory as a resource. **Parameters** those of EIP-1559. **Source** EIP-8011; the split is
//! ours, from the executor's work vector at the gas schedule's prices ([`split`]). **Checked against** conservation:
//! the parts sum to the gas used, to the unit.

use super::{BlockUse, Eip1559, FeeMarket, MarketState};
use parallel_evm::{WorkClass, WorkVector};
use serde::{Deserialize, Serialize};

/// Number of resources.
pub const RESOURCES: usize = 4;
/// Their names in order: computation; first touches of accounts and slots; call data and logs; writes.
pub const RESOURCE_NAMES: [&str; RESOURCES] = ["compute", "access", "data", "state"];

/// Parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// The base fee, which follows the fullest resource.
    pub base: Eip1559,
}

/// Gas of a unit of work (Osaka), and the resource it belongs to. What a transaction uses beyond the sum is
/// writing: that is the class whose price depends on values the work vector does not know. The 21,000 of every
/// transaction count 6,000 as computation (its signature), 5,000 as access (two accounts), the rest as writing.
const SPLIT: [(WorkClass, usize, u64); 23] = [
    (WorkClass::Transaction, 0, 6_000),
    (WorkClass::Simple, 0, 3),
    (WorkClass::Divide, 0, 5),
    (WorkClass::MulMod, 0, 8),
    (WorkClass::ExpByte, 0, 50),
    (WorkClass::MemoryWord, 0, 3),
    (WorkClass::HashCall, 0, 30),
    (WorkClass::HashWord, 0, 6),
    (WorkClass::StorageReadWarm, 0, 100),
    (WorkClass::Transient, 0, 100),
    (WorkClass::AccountWarm, 0, 100),
    (WorkClass::Ecrecover, 0, 3_000),
    (WorkClass::HashPrecompileWord, 0, 12),
    (WorkClass::ModExpGas, 0, 1),
    (WorkClass::PrecompileGas, 0, 1),
    (WorkClass::Transaction, 1, 5_000),
    (WorkClass::StorageReadCold, 1, 2_100),
    (WorkClass::AccountCold, 1, 2_500),
    (WorkClass::Create, 1, 2_500),
    (WorkClass::CalldataByte, 2, 16),
    (WorkClass::Log, 2, 750),
    (WorkClass::LogByte, 2, 8),
    (WorkClass::CreateByte, 2, 1),
];

/// A transaction's gas by resource, in the order of [`RESOURCE_NAMES`]; sums to `gas_used`.
///
/// Where the known parts come to more than the gas used (refunds, warmed-up accounts), they are scaled down to it,
/// rounded down; the rest is writing.
pub fn split(work: &WorkVector, gas_used: u64) -> [u64; RESOURCES] {
    let mut known = [0_u64; RESOURCES - 1];
    for (class, resource, gas) in SPLIT {
        known[resource] = known[resource].saturating_add(u64::from(work.get(class)).saturating_mul(gas));
    }
    let total: u128 = known.iter().map(|gas| u128::from(*gas)).sum();
    if total > u128::from(gas_used) {
        known = known.map(|gas| (u128::from(gas) * u128::from(gas_used) / total) as u64);
    }
    let [compute, access, data] = known;
    [compute, access, data, gas_used - known.iter().sum::<u64>()]
}

impl FeeMarket for Resources {
    fn metered(&self, used: &BlockUse) -> u64 {
        used.by_resource.into_iter().max().unwrap_or(0)
    }

    fn update(&self, state: &MarketState, used: &BlockUse) -> MarketState {
        let metered = self.metered(used);
        MarketState::flat(self.base.next_base_fee(state.base_fee_wei, metered, used.gas_limit))
    }
}
