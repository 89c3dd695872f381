//! The price of blob space.
//!
//! **Captures** EIP-4844 with the schedules since: excess blob gas that follows what parents used, a price that
//! is exponential in it, and since Osaka the reserve price of EIP-7918 that ties it to the base fee. The
//! arithmetic is the crate `alloy-eips`, as Rust clients use it. **Leaves out** a schedule that changes in the
//! middle of a run. **Parameters** [`BlobMarket`], by the name of a schedule or given. **Source** EIP-4844,
//! EIP-7691, EIP-7840, EIP-7892, EIP-7918. **Checked against** the vectors of go-ethereum's `eip4844` package
//! and a second rendition of the EIPs' formulas in wide integers.

use super::{Ask, BlockUse, FeeMarket, MarketState, Quote};
use alloy_eips::eip7840::BlobParams;
use parallel_evm::Address;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Blob gas of one blob: one per byte (EIP-4844, `GAS_PER_BLOB`).
pub const GAS_PER_BLOB: u64 = 1 << 17;
/// Size of a blob, bytes: 4,096 field elements of 32 bytes.
pub const BLOB_BYTES: u64 = 1 << 17;
/// What a blob can carry when each field element holds 31 free bytes.
pub const USABLE_BLOB_BYTES: u64 = 4_096 * 31;
/// More excess than any chain can reach; the price at it is beyond 128 bits under every schedule.
const EXCESS_MAX: u64 = 1 << 62;

/// The schedules by name: Ethereum's forks with what each made of blob space, in order. `bpo2` holds since
/// 2026-01-07.
pub const SCHEDULES: [(&str, BlobMarket); 5] = [
    ("cancun", BlobMarket::of(BlobParams::cancun())),
    ("prague", BlobMarket::of(BlobParams::prague())),
    ("osaka", BlobMarket::of(BlobParams::osaka())),
    ("bpo1", BlobMarket::of(BlobParams::bpo1())),
    ("bpo2", BlobMarket::of(BlobParams::bpo2())),
];

/// Rules of a chain for blob space and its price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobMarket {
    /// Blobs a block at which the price stays.
    pub target_blobs: u64,
    /// Most blobs in a block.
    pub max_blobs: u64,
    /// Most blobs in a transaction.
    pub max_blobs_per_tx: u64,
    /// Excess blob gas that multiplies the price by e.
    pub update_fraction: u64,
    /// Lowest price, wei per blob gas.
    pub min_fee_wei: u64,
    /// Execution gas that a blob's price must at least be worth before the excess may fall (EIP-7918); 0: no
    /// such reserve price.
    pub reserve_gas: u64,
}

/// What the price of the next block follows from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlobParent {
    /// Excess blob gas of the block.
    pub excess_gas: u64,
    /// Blob gas it used.
    pub used_gas: u64,
    /// Its base fee, wei per gas.
    pub base_fee_wei: u64,
}

/// Rules that contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BlobRulesError {
    /// A block could never reach the target.
    #[error("a target of {target} blobs is above the most a block may have, {max}")]
    TargetAboveMax {
        /// Target, blobs.
        target: u64,
        /// Most, blobs.
        max: u64,
    },
    /// No blob fits, or the price cannot be computed.
    #[error("a block must have room for a blob, a target above 0 and an update fraction above 0")]
    Zero,
}

impl BlobMarket {
    const fn of(params: BlobParams) -> Self {
        Self {
            target_blobs: params.target_blob_count,
            max_blobs: params.max_blob_count,
            max_blobs_per_tx: params.max_blobs_per_tx,
            update_fraction: params.update_fraction as u64,
            min_fee_wei: params.min_blob_fee as u64,
            reserve_gas: params.blob_base_cost,
        }
    }

    /// The rules of a schedule of [`SCHEDULES`].
    pub fn named(name: &str) -> Option<Self> {
        SCHEDULES.iter().find(|(known, _)| *known == name).map(|(_, rules)| *rules)
    }

    /// Rules of one's own, with the reserve price of Osaka.
    ///
    /// # Errors
    /// [`BlobRulesError`] when no block could follow them.
    pub fn new(target_blobs: u64, max_blobs: u64, update_fraction: u64) -> Result<Self, BlobRulesError> {
        if target_blobs > max_blobs {
            return Err(BlobRulesError::TargetAboveMax { target: target_blobs, max: max_blobs });
        }
        if target_blobs == 0 || update_fraction == 0 {
            return Err(BlobRulesError::Zero);
        }
        let osaka = Self::of(BlobParams::osaka());
        let max_blobs_per_tx = osaka.max_blobs_per_tx.min(max_blobs);
        Ok(Self { target_blobs, max_blobs, max_blobs_per_tx, update_fraction, ..osaka })
    }

    fn params(&self) -> BlobParams {
        BlobParams {
            target_blob_count: self.target_blobs,
            max_blob_count: self.max_blobs,
            update_fraction: u128::from(self.update_fraction),
            min_blob_fee: u128::from(self.min_fee_wei),
            max_blobs_per_tx: self.max_blobs_per_tx,
            blob_base_cost: self.reserve_gas,
        }
    }

    /// Excess blob gas of the block after `parent`:
    /// `max(0, excess + used - target)`, or while a blob costs less than `reserve_gas` of execution
    /// `excess + floor(used * (max - target) / max)`.
    pub fn next_excess(&self, parent: BlobParent) -> u64 {
        let excess = parent.excess_gas.min(EXCESS_MAX);
        let used = parent.used_gas.min(self.max_blobs * GAS_PER_BLOB);
        self.params().next_block_excess_blob_gas_osaka(excess, used, parent.base_fee_wei)
    }

    /// Price in a block with this excess, wei per blob gas: the EIP's integer rendition of
    /// `min_fee * exp(excess / update_fraction)`, rounded down; saturates at `u128::MAX`.
    pub fn fee_wei(&self, excess_gas: u64) -> u128 {
        self.params().calc_blob_fee(excess_gas.min(EXCESS_MAX))
    }

    /// Blob bytes a second that fit at the target and at most, with a block every `slot_ns`; rounded down.
    pub fn bytes_per_s(&self, slot_ns: u64) -> [u64; 2] {
        [self.target_blobs, self.max_blobs].map(|blobs| {
            let bytes = u128::from(blobs) * u128::from(BLOB_BYTES) * 1_000_000_000;
            u64::try_from(bytes / u128::from(slot_ns.max(1))).unwrap_or(u64::MAX)
        })
    }
}

/// As a market of its own: it prices nothing but blobs and leaves the base fee to the market for gas. The state's
/// only gauge is the excess blob gas.
impl FeeMarket for BlobMarket {
    fn quote(&self, state: &MarketState, _: &[Address]) -> Quote {
        let excess = state.gauges.first().copied().unwrap_or(0);
        Quote { base_fee_wei: state.base_fee_wei, blob_fee_wei: self.fee_wei(excess), ..Quote::default() }
    }

    fn admit(&self, used: &BlockUse, ask: &Ask<'_>) -> bool {
        let most = (self.max_blobs * GAS_PER_BLOB, self.max_blobs_per_tx * GAS_PER_BLOB);
        ask.blob_gas <= most.1 && used.blob_gas.saturating_add(ask.blob_gas) <= most.0
    }

    fn update(&self, state: &MarketState, used: &BlockUse) -> MarketState {
        let excess_gas = state.gauges.first().copied().unwrap_or(0);
        let parent = BlobParent { excess_gas, used_gas: used.blob_gas, base_fee_wei: state.base_fee_wei };
        MarketState { gauges: vec![self.next_excess(parent)], ..MarketState::flat(state.base_fee_wei) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{U256, U512};
    use proptest::prelude::*;

    fn rules(name: &str) -> BlobMarket {
        BlobMarket::named(name).expect("a known schedule")
    }

    fn parent(excess_gas: u64, blobs: u64, base_fee_wei: u64) -> BlobParent {
        BlobParent { excess_gas, used_gas: blobs * GAS_PER_BLOB, base_fee_wei }
    }

    #[test]
    fn the_excess_vectors_of_go_ethereum_hold() {
        let cancun = rules("cancun");
        let target = 3 * GAS_PER_BLOB;
        let vectors = [
            (0, 0, 0),
            (0, 1, 0),
            (0, 3, 0),
            (0, 4, GAS_PER_BLOB),
            (1, 4, GAS_PER_BLOB + 1),
            (1, 5, 2 * GAS_PER_BLOB + 1),
            (target, 3, target),
            (target, 2, target - GAS_PER_BLOB),
            (target, 1, target - 2 * GAS_PER_BLOB),
            (GAS_PER_BLOB - 1, 2, 0),
        ];
        for (excess, blobs, expected) in vectors {
            assert_eq!(cancun.next_excess(parent(excess, blobs, 1_000_000_000)), expected);
        }
    }

    #[test]
    fn the_fee_vectors_of_go_ethereum_hold() {
        let vectors = [(0, 1), (2_314_057, 1), (2_314_058, 2), (10 * 1024 * 1024, 23)];
        for (excess, expected) in vectors {
            assert_eq!(rules("cancun").fee_wei(excess), expected);
        }
    }

    #[test]
    fn the_schedules_are_those_of_the_forks() {
        let found = SCHEDULES.map(|(_, r)| (r.target_blobs, r.max_blobs, r.update_fraction));
        let expected = [
            (3, 6, 3_338_477),
            (6, 9, 5_007_716),
            (6, 9, 5_007_716),
            (10, 15, 8_346_193),
            (14, 21, 11_684_671),
        ];
        assert_eq!(found, expected);
        assert_eq!(SCHEDULES.map(|(_, r)| r.reserve_gas), [0, 0, 8_192, 8_192, 8_192]);
        assert_eq!(SCHEDULES.map(|(_, r)| r.max_blobs_per_tx), [6, 9, 6, 6, 6]);
    }

    #[test]
    fn below_the_reserve_price_full_and_empty_blocks_no_longer_lower_the_excess() {
        // A blob's gas is 16 times its reserve of 2^13: at a price of 1 wei the reserve binds from 17 wei on.
        let osaka = rules("osaka");
        assert_eq!(osaka.next_excess(parent(0, 7, 16)), GAS_PER_BLOB);
        assert_eq!(osaka.next_excess(parent(0, 7, 17)), 7 * GAS_PER_BLOB / 3);
        assert_eq!(osaka.next_excess(parent(6 * GAS_PER_BLOB, 0, 17)), 6 * GAS_PER_BLOB);
        assert_eq!(osaka.next_excess(parent(6 * GAS_PER_BLOB, 0, 16)), 0);
        assert_eq!(rules("prague").next_excess(parent(0, 7, u64::MAX)), GAS_PER_BLOB);
    }

    #[test]
    fn one_block_moves_the_price_by_what_the_schedule_says() {
        // exp((max - target) / fraction) and exp(-target / fraction), in units of 2^17 blob gas.
        let steps = [("cancun", 1.1250, 0.8889), ("prague", 1.0817, 0.8547), ("bpo2", 1.0817, 0.8547)];
        for (name, up, down) in steps {
            let rules = rules(name);
            // High enough that a wei of rounding is far below the four digits compared.
            let before = 40 * rules.update_fraction;
            let ratio = |blobs| {
                let next = rules.next_excess(parent(before, blobs, 0));
                rules.fee_wei(next) as f64 / rules.fee_wei(before) as f64
            };
            assert!((ratio(rules.max_blobs) - up).abs() < 5e-5, "{name}: {}", ratio(rules.max_blobs));
            assert!((ratio(0) - down).abs() < 5e-5, "{name}: {}", ratio(0));
        }
    }

    #[test]
    fn extremes_saturate() {
        for (_, rules) in SCHEDULES {
            assert_eq!(rules.fee_wei(u64::MAX), u128::MAX);
            let far = parent(u64::MAX, rules.max_blobs, u64::MAX);
            assert!(rules.next_excess(far) >= EXCESS_MAX);
            let absurd = BlobParent { used_gas: u64::MAX, ..parent(0, 0, 0) };
            assert!(rules.next_excess(absurd) <= rules.max_blobs * GAS_PER_BLOB);
        }
    }

    #[test]
    fn rules_that_contradict_each_other_are_refused() {
        assert_eq!(BlobMarket::new(15, 10, 1), Err(BlobRulesError::TargetAboveMax { target: 15, max: 10 }));
        assert_eq!(BlobMarket::new(0, 10, 1), Err(BlobRulesError::Zero));
        assert_eq!(BlobMarket::new(1, 10, 0), Err(BlobRulesError::Zero));
        assert_eq!(BlobMarket::new(14, 21, 11_684_671), Ok(rules("bpo2")));
        assert_eq!(BlobMarket::named("bpo9"), None);
    }

    #[test]
    fn all_rollups_together_get_153_kilobytes_a_second_at_a_target_of_14() {
        assert_eq!(rules("bpo2").bytes_per_s(12_000_000_000), [152_917, 229_376]);
    }

    /// The exponential of EIP-4844 in 512-bit integers.
    fn exponential(factor: u64, numerator: u64, denominator: u64) -> U512 {
        let [factor, numerator, denominator] = [factor, numerator, denominator].map(U512::from);
        let (mut sum, mut term, mut i) = (U512::ZERO, factor * denominator, U512::from(1));
        while !term.is_zero() {
            sum += term;
            term = term * numerator / (denominator * i);
            i += U512::from(1);
        }
        sum / denominator
    }

    proptest! {
        #[test]
        fn excess_and_price_equal_a_second_rendition_of_the_eips(
            schedule in 0_usize..5, fractions in 0_u64..60, rest in 0_u64..3_000_000, blobs in 0_u64..22,
            base_fee in 0_u64..10_000_000_000_000,
        ) {
            let rules = SCHEDULES[schedule].1;
            let blobs = blobs.min(rules.max_blobs);
            let excess = fractions * rules.update_fraction + rest;
            let price = exponential(rules.min_fee_wei, excess, rules.update_fraction);
            prop_assert_eq!(U512::from(rules.fee_wei(excess)), price);
            let used = blobs * GAS_PER_BLOB;
            let target = rules.target_blobs * GAS_PER_BLOB;
            let floor = U512::from(rules.reserve_gas) * U512::from(U256::from(base_fee));
            let expected = if excess + used < target {
                0
            } else if floor > U512::from(GAS_PER_BLOB) * price {
                excess + used * (rules.max_blobs - rules.target_blobs) / rules.max_blobs
            } else {
                excess + used - target
            };
            prop_assert_eq!(rules.next_excess(parent(excess, blobs, base_fee)), expected);
        }
    }
}
