//! Random draws without state: a draw is a function of (seed, purpose, entity, counter).
//!
//! Nothing has to be carried along, cloned or kept in order; two runs that differ in anything but the
//! workload share their latencies, and the other way round; a node's draws do not depend on what other
//! nodes did. The caller supplies the counter: usually the sequence number it already has.
//!
//! **Generator:** Philox-2x64 with seven rounds. It was chosen because its counter is 128 bits, so (entity,
//! counter) enters it whole and no two draws of a (seed, purpose) can collide or overlap (unlike
//! generators whose streams are windows of one sequence); because it is published, analysed and has known
//! answers; because seven multiplications need no table and no memory; and because independent draws
//! overlap in the pipeline, so that one costs about 3 ns in a loop.

mod philox;
mod samplers;

use super::math;
use super::time::SimDuration;
use rand::rand_core::{Infallible, TryRng};
pub use samplers::{Weighted, WeightsError, Zipf};

/// What a draw is for. Open: a protocol outside this crate may define its own, from
/// [`Purpose::FIRST_CUSTOM`] on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Purpose(pub u32);

impl Purpose {
    /// Jitter of a message's latency.
    pub const LATENCY: Self = Self(1);
    /// Arrival times of transactions and users' choices.
    pub const WORKLOAD: Self = Self(2);
    /// Who proposes, who mines and when.
    pub const PROPOSER: Self = Self(3);
    /// Edges of the peer graph.
    pub const TOPOLOGY: Self = Self(4);
    /// Which region, coordinates and hardware a node gets.
    pub const PLACEMENT: Self = Self(5);
    /// A node's line rates.
    pub const BANDWIDTH: Self = Self(6);
    /// A dissemination protocol's choice of peers.
    pub const GOSSIP: Self = Self(7);
    /// Contents of blocks and transactions.
    pub const CONTENT: Self = Self(8);
    /// Loss of packets and messages.
    pub const LOSS: Self = Self(9);
    /// Crashes, churn and other faults.
    pub const FAULT: Self = Self(10);
    /// Committees and attesters.
    pub const COMMITTEE: Self = Self(11);
    /// Offsets of timers and heartbeats.
    pub const TIMER: Self = Self(12);
    /// Prices, bridges and other exogenous processes of a market.
    pub const MARKET: Self = Self(13);
    /// Resampling in statistics (bootstrap); never inside a run.
    pub const STATISTICS: Self = Self(14);
    /// The first number free for purposes defined outside this crate.
    pub const FIRST_CUSTOM: u32 = 1 << 16;
}

/// 64 random bits for (seed, purpose, entity, counter).
#[inline(always)]
pub const fn draw(seed: u64, purpose: Purpose, entity: u64, counter: u64) -> u64 {
    draw_pair(seed, purpose, entity, counter)[0]
}

/// 128 random bits for (seed, purpose, entity, counter); the first word is that of [`draw`].
#[inline(always)]
pub const fn draw_pair(seed: u64, purpose: Purpose, entity: u64, counter: u64) -> [u64; 2] {
    // Multiplication by an odd number spreads the small purpose numbers over the key.
    let key = seed ^ (purpose.0 as u64).wrapping_mul(0xD1B5_4A32_D192_ED03);
    philox::philox2x64::<7>([counter, entity], key)
}

/// A number below `n`: the high half of `bits * n` (D. Lemire, 2019, without rejection).
///
/// The probability of a value is off by at most a factor of 1 ± n / 2^64, which no simulation can see.
///
/// # Panics
/// In debug builds if `n` is zero.
#[inline(always)]
pub const fn uniform_below(bits: u64, n: u64) -> u64 {
    debug_assert!(n > 0, "a number below zero");
    ((bits as u128 * n as u128) >> 64) as u64
}

/// A multiple of 2^-53 in [0, 1).
#[inline(always)]
pub const fn unit_f64(bits: u64) -> f64 {
    (bits >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// Whether an event of probability `p` happens; exact to 2^-53.
#[inline(always)]
pub fn chance(bits: u64, p: f64) -> bool {
    unit_f64(bits) < p
}

/// An exponentially distributed number of the given mean: `-mean * ln(1 - u)`. At most 36.8 means.
#[inline]
pub fn exponential(bits: u64, mean: f64) -> f64 {
    -mean * math::ln(1.0 - unit_f64(bits))
}

/// An exponentially distributed duration of the given mean, rounded to the nearest nanosecond.
#[inline]
pub fn exponential_duration(bits: u64, mean: SimDuration) -> SimDuration {
    SimDuration::from_secs_f64(exponential(bits, mean.as_nanos() as f64) * 1e-9).unwrap_or(SimDuration::MAX)
}

/// A standard normal number, by inversion; one draw, one number.
#[inline]
pub fn standard_normal(bits: u64) -> f64 {
    // The middle of one of 2^53 cells: never 0 or 1.
    math::normal_quantile(((bits >> 11) as f64 + 0.5) * (1.0 / (1u64 << 53) as f64))
}

/// A log-normal number of the given median and standard deviation of its logarithm.
#[inline]
pub fn log_normal(bits: u64, median: f64, sigma: f64) -> f64 {
    median * math::exp(sigma * standard_normal(bits))
}

/// A Pareto number: at least `scale`, exceeding x with probability `(scale / x)^shape`.
#[inline]
pub fn pareto(bits: u64, scale: f64, shape: f64) -> f64 {
    scale * math::pow(1.0 - unit_f64(bits), -1.0 / shape)
}

/// A (seed, purpose, entity) stream as a generator for the `rand` traits: for code that needs an unknown
/// number of draws in a row, such as a shuffle or a generator of random graphs.
///
/// Its n-th word is `draw(seed, purpose, entity, n)`. Samplers of `rand_distr` that compute a logarithm or
/// power do so outside [`math`] and are not portable: use the functions of this module for those.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawRng {
    seed: u64,
    purpose: Purpose,
    entity: u64,
    counter: u64,
}

impl DrawRng {
    /// The stream from its start.
    pub const fn new(seed: u64, purpose: Purpose, entity: u64) -> Self {
        Self { seed, purpose, entity, counter: 0 }
    }

    /// The next word.
    #[inline]
    pub fn next_draw(&mut self) -> u64 {
        let bits = draw(self.seed, self.purpose, self.entity, self.counter);
        self.counter += 1;
        bits
    }

    /// A number below `n`: see [`uniform_below`].
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        uniform_below(self.next_draw(), n)
    }

    /// Puts a slice in random order (Fisher-Yates, one draw an element).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = self.below(i as u64 + 1) as usize;
            items.swap(i, j);
        }
    }
}

impl TryRng for DrawRng {
    type Error = Infallible;

    #[inline]
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.next_draw() >> 32) as u32)
    }

    #[inline]
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.next_draw())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next_draw().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
