//! Samples, percentiles, cumulative distributions.
//!
//! **The percentile rule** is nearest rank: of n values in ascending order, the p-th percentile is the one
//! of rank ceil(p n / 100), at least 1. What never happened (a node that never received a block) counts as
//! later than everything that did: it is part of n, and a percentile that falls on it has no value. A
//! percentile therefore never looks better because slow nodes were lost.

use serde::Serialize;

/// Durations in nanoseconds, in ascending order, and how many awaited ones never happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    sorted: Vec<u64>,
    missing: u64,
}

impl FromIterator<Option<u64>> for Sample {
    fn from_iter<I: IntoIterator<Item = Option<u64>>>(iter: I) -> Self {
        let mut sample = Self::default();
        for value in iter {
            match value {
                Some(value) => sample.sorted.push(value),
                None => sample.missing += 1,
            }
        }
        sample.sorted.sort_unstable();
        sample
    }
}

impl Sample {
    /// Number of values awaited: those that happened and those that did not.
    pub fn len(&self) -> u64 {
        self.sorted.len() as u64 + self.missing
    }

    /// Nothing was awaited.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of awaited values that never happened.
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// The values that happened, ascending.
    pub fn values(&self) -> &[u64] {
        &self.sorted
    }

    /// The percentile at `permille` (950 = p95) by nearest rank; `None` if nothing was awaited or the rank
    /// falls on something that never happened.
    pub fn percentile(&self, permille: u32) -> Option<u64> {
        let n = u128::from(self.len());
        let rank = (u128::from(permille.min(1000)) * n).div_ceil(1000).max(1);
        self.sorted.get(usize::try_from(rank - 1).ok()?).copied()
    }

    /// Mean of the values that happened.
    pub fn mean(&self) -> Option<f64> {
        let n = self.sorted.len();
        let sum: u128 = self.sorted.iter().map(|&v| u128::from(v)).sum();
        (n > 0).then(|| sum as f64 / n as f64)
    }

    /// The usual percentiles in one value.
    pub fn distribution(&self) -> Distribution {
        Distribution {
            samples: self.len(),
            missing: self.missing,
            mean_ns: self.mean(),
            min_ns: self.sorted.first().copied(),
            p50_ns: self.percentile(500),
            p90_ns: self.percentile(900),
            p95_ns: self.percentile(950),
            p99_ns: self.percentile(990),
            max_ns: self.sorted.last().copied(),
        }
    }
}

/// Percentiles of a [`Sample`], with its size. All times in ns.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Distribution {
    /// Values awaited.
    pub samples: u64,
    /// Of these, how many never happened; they rank after all others.
    pub missing: u64,
    /// Mean of those that happened, ns.
    pub mean_ns: Option<f64>,
    /// Least, ns.
    pub min_ns: Option<u64>,
    /// 50th percentile, ns.
    pub p50_ns: Option<u64>,
    /// 90th percentile, ns.
    pub p90_ns: Option<u64>,
    /// 95th percentile, ns.
    pub p95_ns: Option<u64>,
    /// 99th percentile, ns.
    pub p99_ns: Option<u64>,
    /// Greatest that happened, ns.
    pub max_ns: Option<u64>,
}

/// Median by nearest rank of signed values; `None` of nothing. Sorts its argument.
pub fn median_signed(values: &mut [i64]) -> Option<i64> {
    quantile_signed(values, 500)
}

/// Nearest-rank percentile (in permille) of signed values; `None` of nothing. Sorts its argument.
pub fn quantile_signed(values: &mut [i64], permille: u32) -> Option<i64> {
    values.sort_unstable();
    let rank = (values.len() as u128 * u128::from(permille.min(1000))).div_ceil(1000).max(1);
    values.get(usize::try_from(rank - 1).ok()?).copied()
}

/// `part / whole`, and 0 of nothing.
pub fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// `(value - base) / base`; `None` if the base is zero.
pub fn relative_change(base: f64, value: f64) -> Option<f64> {
    (base > 0.0).then(|| (value - base) / base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_rank_matches_hand_values() {
        let sample: Sample = (1..=20).rev().map(Some).collect();
        assert_eq!(sample.percentile(500), Some(10));
        assert_eq!(sample.percentile(950), Some(19));
        assert_eq!(sample.percentile(951), Some(20));
        assert_eq!(sample.percentile(1000), Some(20));
        assert_eq!(sample.percentile(0), Some(1));
        let one: Sample = [Some(7)].into_iter().collect();
        assert_eq!(one.percentile(1), Some(7));
        assert_eq!(one.percentile(950), Some(7));
    }

    #[test]
    fn what_never_happened_ranks_last() {
        let sample: Sample = [Some(3), None, Some(1), Some(2)].into_iter().collect();
        assert_eq!((sample.len(), sample.missing()), (4, 1));
        assert_eq!(sample.percentile(750), Some(3));
        assert_eq!(sample.percentile(760), None);
        assert_eq!(sample.distribution().p95_ns, None);
        assert_eq!(sample.distribution().max_ns, Some(3));
        assert_eq!(sample.mean(), Some(2.0));
    }

    #[test]
    fn nothing_has_no_percentile() {
        let nothing = Sample::default();
        assert!(nothing.is_empty());
        assert_eq!(nothing.distribution(), Distribution::default());
        assert_eq!(median_signed(&mut []), None);
        assert_eq!(relative_change(0.0, 3.0), None);
        assert_eq!(ratio(1, 0), 0.0);
    }

    #[test]
    fn signed_median_is_nearest_rank() {
        assert_eq!(median_signed(&mut [5, -3, 1]), Some(1));
        assert_eq!(median_signed(&mut [5, -3]), Some(-3));
    }
}
