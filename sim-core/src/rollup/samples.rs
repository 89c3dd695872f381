//! A fleet over time: fees, queues and prices at a few instants, for whoever watches.
//!
//! **Captures.** At barriers of simulated time, a quarter of the L1's slot apart, what the fleet's active rollups are
//! like: the base fee of their last blocks, what waits at sequencers, what is executed and not posted, and how far
//! apart their prices of the first pool are. Of more than [`ROLLUPS_MAX`] active rollups every k-th is looked at.
//! Once there are [`SAMPLES_MAX`] samples, every second is dropped and they are taken half as often.
//!
//! **Leaves out** everything between samples. Samples are neither part of a run's digest nor of its record.
//!
//! **Checked against** the fleet's own totals in `tests/rollup_look.rs`.

use super::fleet::Fleet;
use crate::kernel::math;

/// Most samples kept; between a half of that and all of it once that many were taken.
pub const SAMPLES_MAX: usize = 1_024;
/// Most rollups looked at.
pub const ROLLUPS_MAX: usize = 256;

/// What a fleet was like at an instant.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sample {
    /// When, ns.
    pub at_ns: u64,
    /// Rollups that were sent something until then.
    pub active: u32,
    /// Base fee of their last blocks: the least, the median, the most, wei per gas.
    pub base_fee_wei: [u64; 3],
    /// Transactions waiting at the sequencers of the rollups looked at.
    pub queued: u64,
    /// Bytes executed there and in no L1 block that the sequencer's node has executed.
    pub unposted_bytes: u64,
    /// Standard deviation over the rollups of the logarithm of the first pool's price; `None` where swaps are not
    /// followed or fewer than two rollups are active.
    pub dispersion: Option<f64>,
}

/// The samples of a fleet.
#[derive(Clone, Debug, Default)]
pub(super) struct Samples {
    taken: Vec<Sample>,
    /// Time between two, ns; 0: not begun.
    step_ns: u64,
    next_ns: u64,
}

impl Samples {
    /// Oldest first.
    pub fn taken(&self) -> &[Sample] {
        &self.taken
    }

    fn push(&mut self, sample: Sample) {
        self.taken.push(sample);
        if self.taken.len() >= SAMPLES_MAX {
            let mut odd = false;
            self.taken.retain(|_| {
                odd = !odd;
                odd
            });
            self.step_ns *= 2;
        }
        // After the last that was kept, so that all gaps stay alike.
        self.next_ns = self.taken.last().map_or(0, |last| last.at_ns) + self.step_ns;
    }
}

impl Fleet {
    /// Everything before `now_ns` has happened, and nothing of it: takes a sample if one is due.
    pub fn sample(&mut self, now_ns: u64) {
        if now_ns < self.samples.next_ns {
            return;
        }
        if self.samples.step_ns == 0 {
            self.samples.step_ns = self.tick_ns();
        }
        let sample = self.sampled(now_ns);
        self.samples.push(sample);
    }

    fn sampled(&self, now_ns: u64) -> Sample {
        let every = self.active.len().div_ceil(ROLLUPS_MAX).max(1);
        let seen = || self.active.iter().step_by(every);
        let mut fees: Vec<u64> = seen().map(|rollup| rollup.base_fee_wei()).collect();
        fees.sort_unstable();
        let fee = |at: usize| fees.get(at).copied().unwrap_or(0);
        let pool = self.common.economy.pools().first().filter(|_| self.common.plan.demand.trade.is_some());
        let prices: Vec<f64> = pool.map_or_else(Vec::new, |_| {
            seen().map(|rollup| self.pool(&rollup.state, 0).log_price()).filter(|p| p.is_finite()).collect()
        });
        Sample {
            at_ns: now_ns,
            active: self.active.len() as u32,
            base_fee_wei: [fee(0), fee(fees.len() / 2), fee(fees.len().saturating_sub(1))],
            queued: seen().map(|rollup| rollup.waiting() as u64).sum(),
            unposted_bytes: seen().map(|rollup| rollup.channel.unposted_bytes).sum(),
            dispersion: (prices.len() > 1).then(|| deviation(&prices)),
        }
    }
}

/// Standard deviation of all there is.
fn deviation(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>();
    math::sqrt(squares / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_thin_out_evenly_and_never_grow_beyond_their_number() {
        let mut samples = Samples { step_ns: 10, ..Samples::default() };
        for at_ns in (0..).step_by(10).take(50_000) {
            if at_ns >= samples.next_ns {
                samples.push(Sample { at_ns, ..Sample::default() });
            }
            assert!(samples.taken.len() < SAMPLES_MAX);
        }
        let times: Vec<u64> = samples.taken.iter().map(|s| s.at_ns).collect();
        assert!(times.len() >= SAMPLES_MAX / 2 - 1, "{}", times.len());
        let gaps: Vec<u64> = times.windows(2).map(|w| w[1] - w[0]).collect();
        assert!(gaps.iter().all(|gap| gap == &gaps[0]), "{gaps:?}");
    }

    #[test]
    fn the_deviation_of_two_values_is_half_their_distance() {
        assert_eq!(deviation(&[1.0, 4.0]), 1.5);
        assert_eq!(deviation(&[2.0, 2.0, 2.0]), 0.0);
    }
}
