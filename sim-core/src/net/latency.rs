//! One-way latencies at run time: a dense table and an inverse-CDF jitter table, integers only.
//!
//! **Captures.** Base latency between two regions, scaled; a multiplicative log-normal factor with median 1,
//! clamped between a hard floor and a hard cap.
//!
//! **Leaves out.** Correlation in time (every message draws anew, so a later message may overtake an earlier
//! one), places inside a region, the tail beyond the kernel's cut at 1 - 2^-14.
//!
//! **Parameters.** [`LatencyTable`], a scale in parts per million, [`JitterPlan`].
//!
//! **Source.** The 90th percentile p of the factor gives sigma = ln p / 1.28155; its quantiles fill the
//! kernel's integer table ([`InverseCdf`]).
//!
//! **Checked against.** Percentiles of the plan, floor and cap never crossed (`tests/net_links.rs`).

use super::geography::ONE_WAY_MAX_NS;
use crate::kernel::jitter::{Factor, InverseCdf};
use crate::kernel::math;
use crate::kernel::time::SimDuration;
use crate::net::params::{JitterPlan, LatencyTable};
use thiserror::Error;

/// Units of a [`Factor`] in 1.
const FACTOR_UNITS: u64 = 1 << 20;
/// Largest cap of the factor, parts per million.
pub const CAP_MAX_PPM: u64 = 100_000_000;
/// Largest scale of all latencies, parts per million.
pub const SCALE_MAX_PPM: u64 = 1_000_000_000;

/// Why no latency model can be made of a plan.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum LatencyError {
    /// The matrix is not one row and one column a region, or has no region.
    #[error("latency table `{table}` is not a square matrix over its regions")]
    Shape {
        /// Name of the table.
        table: String,
    },
    /// An entry above [`ONE_WAY_MAX_NS`].
    #[error("latency table `{table}` has an entry of {ns} ns, more than {ONE_WAY_MAX_NS}")]
    TooLong {
        /// Name of the table.
        table: String,
        /// The entry, ns.
        ns: u64,
    },
    /// The scale is above [`SCALE_MAX_PPM`].
    #[error("a latency scale of {ppm} parts per million is more than {SCALE_MAX_PPM}")]
    Scale {
        /// The scale, parts per million.
        ppm: u64,
    },
    /// The jitter's numbers contradict each other.
    #[error(
        "jitter with floor {}, 90th percentile {} and cap {} (parts per million): needs 0 < floor <= 1000000 \
         <= p90 <= cap <= {CAP_MAX_PPM}",
        .0.floor_ppm, .0.p90_ppm, .0.cap_ppm
    )]
    Jitter(JitterPlan),
}

/// One-way latencies between regions, sampled with integers only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatencyModel {
    regions: usize,
    /// Scaled base latencies, row by row, ns.
    base_ns: Vec<u64>,
    factor: InverseCdf,
}

impl LatencyModel {
    /// Prepares a table, scaled by `scale_ppm` (1_000_000 = as it is; 0 leaves the 1 ns that any message
    /// between two nodes takes).
    ///
    /// # Errors
    /// [`LatencyError`] for tables that are not square or have absurd entries, and contradictory jitter.
    pub fn new(table: &LatencyTable, scale_ppm: u64, jitter: &JitterPlan) -> Result<Self, LatencyError> {
        let regions = table.regions.len();
        let square = table.one_way_ns.len() == regions && table.one_way_ns.iter().all(|r| r.len() == regions);
        if regions == 0 || !square {
            return Err(LatencyError::Shape { table: table.name.clone() });
        }
        if let Some(&ns) = table.one_way_ns.iter().flatten().find(|&&ns| ns > ONE_WAY_MAX_NS) {
            return Err(LatencyError::TooLong { table: table.name.clone(), ns });
        }
        if scale_ppm > SCALE_MAX_PPM {
            return Err(LatencyError::Scale { ppm: scale_ppm });
        }
        let scaled = |ns: &u64| (ns * scale_ppm).div_ceil(1_000_000);
        let base_ns = table.one_way_ns.iter().flatten().map(scaled).collect();
        Ok(Self { regions, base_ns, factor: distribution(jitter)? })
    }

    /// The same model with every base latency times `factor_ppm`, rounded up. The jitter stays.
    pub fn scaled(&self, factor_ppm: u64) -> Self {
        let scale = |ns: &u64| (u128::from(*ns) * u128::from(factor_ppm)).div_ceil(1_000_000);
        let base_ns = self.base_ns.iter().map(|ns| u64::try_from(scale(ns)).unwrap_or(u64::MAX));
        Self { base_ns: base_ns.collect(), ..self.clone() }
    }

    /// Number of regions.
    pub fn regions(&self) -> usize {
        self.regions
    }

    /// Scaled latency without jitter, ns.
    #[inline]
    pub fn base_ns(&self, from_region: u32, to_region: u32) -> u64 {
        self.base_ns[from_region as usize * self.regions + to_region as usize]
    }

    /// A latency, ns: base times the factor at the quantile that the upper bits of `random` (uniform over
    /// 64 bits) name, rounded down; at least 1 ns.
    #[inline]
    pub fn sample(&self, from_region: u32, to_region: u32, random: u64) -> u64 {
        times(self.base_ns(from_region, to_region), self.factor.sample(random))
    }

    /// The latencies from one region, for many messages at once.
    #[inline(always)]
    pub fn from_region(&self, region: u16) -> LatenciesFrom<'_> {
        let start = usize::from(region) * self.regions;
        LatenciesFrom { base_ns: &self.base_ns[start..start + self.regions], factor: &self.factor }
    }

    /// The least latency [`Self::sample`] can give for a pair of regions, ns.
    #[inline]
    pub fn floor_ns(&self, from_region: u32, to_region: u32) -> u64 {
        times(self.base_ns(from_region, to_region), self.factor.least())
    }

    /// The least latency [`Self::sample`] can give for any pair of regions, ns.
    pub fn least_ns(&self) -> u64 {
        (0..self.regions as u32)
            .flat_map(|a| (0..self.regions as u32).map(move |b| (a, b)))
            .map(|(a, b)| self.floor_ns(a, b))
            .min()
            .unwrap_or(1)
    }

    /// The least latency between any two partitions, ns: how far one may run ahead of the others.
    /// `partitions[p]` lists the regions in which partition `p` has nodes. `None` if fewer than two
    /// partitions have nodes.
    pub fn lookahead_ns(&self, partitions: &[Vec<u32>]) -> Option<u64> {
        let mut least: Option<u64> = None;
        for (i, first) in partitions.iter().enumerate() {
            for second in &partitions[i + 1..] {
                for &a in first {
                    for &b in second {
                        let ns = self.floor_ns(a, b).min(self.floor_ns(b, a));
                        least = Some(least.map_or(ns, |l| l.min(ns)));
                    }
                }
            }
        }
        least
    }
}

/// What [`LatencyModel`] has for messages from one region.
#[derive(Clone, Copy, Debug)]
pub struct LatenciesFrom<'a> {
    base_ns: &'a [u64],
    factor: &'a InverseCdf,
}

impl LatenciesFrom<'_> {
    /// As [`LatencyModel::sample`].
    #[inline(always)]
    pub fn sample(&self, to_region: u16, random: u64) -> u64 {
        times(self.base_ns[usize::from(to_region)], self.factor.sample(random))
    }
}

/// Latency times a factor, rounded down, at least 1 ns.
#[inline(always)]
fn times(base_ns: u64, factor: Factor) -> u64 {
    factor.apply(SimDuration(base_ns)).0.max(1)
}

/// The distribution of the clamped factor.
fn distribution(jitter: &JitterPlan) -> Result<InverseCdf, LatencyError> {
    let refused = || LatencyError::Jitter(jitter.clone());
    let JitterPlan { p90_ppm, floor_ppm, cap_ppm } = *jitter;
    let ordered = 0 < floor_ppm && floor_ppm <= 1_000_000 && 1_000_000 <= p90_ppm && p90_ppm <= cap_ppm;
    if !ordered || cap_ppm > CAP_MAX_PPM {
        return Err(refused());
    }
    let sigma = math::ln(p90_ppm as f64 / 1e6) / math::normal_quantile(0.9);
    // Both are exact multiples of the factor's unit, the floor rounded up and the cap down, so that neither
    // is crossed.
    let floor = (floor_ppm * FACTOR_UNITS).div_ceil(1_000_000) as f64 / FACTOR_UNITS as f64;
    let cap = (cap_ppm * FACTOR_UNITS / 1_000_000) as f64 / FACTOR_UNITS as f64;
    let quantile = |p: f64| math::exp(sigma * math::normal_quantile(p)).min(cap);
    InverseCdf::from_quantiles(quantile, floor).map_err(|_| refused())
}
