//! Jitter: heavy-tailed multiplicative factors from an integer inverse-distribution table.
//!
//! The table is computed once with [`super::math`]; a sample is integer arithmetic. A hard lower floor
//! bounds every factor from below: the base latency times the floor is a lookahead on which a partitioned
//! run can rely.

use super::math;
use super::time::SimDuration;
use thiserror::Error;

/// Cells of the table. The last cell is interpolated like the others, up to [`TOP`].
const CELLS: usize = 1024;
/// The probability at which the distribution is cut off: one sample in 16,384 would lie above.
const TOP: f64 = 1.0 - 1.0 / 16_384.0;
/// Bits after the point of a factor.
const POINT: u32 = 20;

/// A non-negative factor in units of 2^-20, up to 4,096.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Factor(u32);

impl Factor {
    /// No change.
    pub const ONE: Self = Self(1 << POINT);

    /// The nearest representable factor; `None` if negative, 4,096 or more, or not a number.
    pub fn from_f64(x: f64) -> Option<Self> {
        let units = (x * f64::from(1 << POINT)).round();
        (units >= 0.0 && units <= f64::from(u32::MAX)).then_some(Self(units as u32))
    }

    /// For output.
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / f64::from(1 << POINT)
    }

    /// `d` times this factor, rounded down; [`SimDuration::MAX`] if it does not fit.
    #[inline(always)]
    pub const fn apply(self, d: SimDuration) -> SimDuration {
        let product = (d.0 as u128 * self.0 as u128) >> POINT;
        if product > u64::MAX as u128 { SimDuration::MAX } else { SimDuration(product as u64) }
    }
}

/// Why parameters make no jitter table.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum JitterError {
    /// Percentiles out of order, a non-positive shape, or a number that is not finite.
    #[error(
        "jitter parameters must be finite, with 0 < median <= p99 (log-normal) or 0 < scale, shape (Pareto)"
    )]
    BadShape,
    /// The floor is negative, or a factor of the table is 4,096 or more.
    #[error("jitter factors must lie in [0, 4096); the table has {0}")]
    OutOfRange(f64),
}

/// An integer inverse distribution function of a factor.
///
/// Captures: the body and the tail of one distribution up to probability 1 - 2^-14, interpolated linearly
/// between 1,025 knots. Leaves out: correlation between messages, and the 0.006 % beyond the cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InverseCdf {
    /// Factors at probabilities 0, 1/1024, ..., 1023/1024, TOP. Ascending.
    knots: Box<[u32; CELLS + 1]>,
}

impl InverseCdf {
    /// No jitter: always 1.
    pub fn constant() -> Self {
        Self { knots: Box::new([Factor::ONE.0; CELLS + 1]) }
    }

    /// From a quantile function (ascending, from probability to factor), cut off below at `floor`.
    ///
    /// # Errors
    /// If a factor or the floor is negative, 4,096 or more, or not a number.
    pub fn from_quantiles(quantile: impl Fn(f64) -> f64, floor: f64) -> Result<Self, JitterError> {
        let fixed = |x: f64| Factor::from_f64(x).ok_or(JitterError::OutOfRange(x));
        let floor = fixed(floor)?.0;
        let mut knots = Box::new([floor; CELLS + 1]);
        // Knot 0 is the floor itself: a quantile at 0 may be minus infinity.
        for (i, knot) in knots.iter_mut().enumerate().skip(1) {
            let p = if i == CELLS { TOP } else { i as f64 / CELLS as f64 };
            *knot = fixed(quantile(p).max(0.0))?.0.max(floor);
        }
        // A first cell reaching down to a floor of a distribution that never comes near it would bend it.
        knots[0] = fixed(quantile(0.25 / CELLS as f64).max(0.0))?.0.clamp(floor, knots[1]);
        debug_assert!(knots.is_sorted(), "a quantile function ascends");
        Ok(Self { knots })
    }

    /// Log-normal with the given median and 99th percentile.
    ///
    /// Its logarithm is normal with mean `ln(median)` and deviation `ln(p99 / median) / 2.3263`.
    ///
    /// # Errors
    /// Unless `0 < median <= p99`, both finite, and all factors fit.
    pub fn log_normal(median: f64, p99: f64, floor: f64) -> Result<Self, JitterError> {
        if !(median > 0.0 && p99 >= median && p99.is_finite()) {
            return Err(JitterError::BadShape);
        }
        let sigma = math::ln(p99 / median) / math::normal_quantile(0.99);
        Self::from_quantiles(|p| median * math::exp(sigma * math::normal_quantile(p)), floor)
    }

    /// Pareto: at least `scale`, exceeding x with probability `(scale / x)^shape`.
    ///
    /// # Errors
    /// Unless both are positive and finite and all factors fit.
    pub fn pareto(scale: f64, shape: f64, floor: f64) -> Result<Self, JitterError> {
        if !(scale > 0.0 && scale.is_finite() && shape > 0.0 && shape.is_finite()) {
            return Err(JitterError::BadShape);
        }
        Self::from_quantiles(|p| scale * math::pow(1.0 - p, -1.0 / shape), floor)
    }

    /// The factor for 64 random bits: 10 bits choose the cell, 20 the place in it.
    #[inline(always)]
    pub fn sample(&self, bits: u64) -> Factor {
        let cell = (bits >> 54) as usize % CELLS;
        let place = (bits >> 34) & ((1 << 20) - 1);
        let (low, high) = (self.knots[cell], self.knots[cell + 1]);
        Factor(low + ((u64::from(high - low) * place) >> 20) as u32)
    }

    /// The least factor that can be drawn: base latency times this is a safe lookahead.
    pub fn least(&self) -> Factor {
        Factor(self.knots[0])
    }

    /// The greatest factor that can be drawn (exclusive, unless all are equal).
    pub fn greatest(&self) -> Factor {
        Factor(self.knots[CELLS])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::random::{Purpose, draw};

    fn sorted_sample(table: &InverseCdf, n: u64) -> Vec<f64> {
        let mut factors: Vec<f64> =
            (0..n).map(|i| table.sample(draw(1, Purpose::LATENCY, 0, i)).as_f64()).collect();
        factors.sort_by(f64::total_cmp);
        factors
    }

    #[test]
    fn log_normal_has_the_stated_percentiles_and_floor() {
        let table = InverseCdf::log_normal(1.1, 2.5, 0.9).unwrap();
        let factors = sorted_sample(&table, 200_000);
        let at = |p: f64| factors[(p * 200_000.0) as usize];
        // Sampling error: 5 standard deviations of a quantile of 200,000 samples are 0.005 at the median
        // and 0.07 at the 99th percentile.
        assert!((at(0.5) - 1.1).abs() < 0.005, "median {}", at(0.5));
        assert!((at(0.99) - 2.5).abs() < 0.07, "p99 {}", at(0.99));
        assert!(factors[0] >= 0.9 - 1e-6);
        assert!(factors[199_999] > 3.0, "no tail: {}", factors[199_999]);
        assert_eq!(table.least(), Factor::from_f64(0.9).unwrap());
    }

    #[test]
    fn pareto_exceeds_multiples_of_its_scale_as_stated() {
        let table = InverseCdf::pareto(1.0, 2.0, 1.0).unwrap();
        let factors = sorted_sample(&table, 200_000);
        for x in [1.5, 2.0, 4.0] {
            let share = factors.iter().filter(|&&f| f > x).count() as f64 / 200_000.0;
            let expected = 1.0 / (x * x);
            let deviation = (expected * (1.0 - expected) / 200_000.0).sqrt();
            assert!((share - expected).abs() < 5.0 * deviation, "above {x}: {share}, expected {expected}");
        }
    }

    #[test]
    fn golden_factors() {
        let table = InverseCdf::log_normal(1.0, 2.0, 0.8).unwrap();
        let factors: Vec<u32> =
            [0, 1 << 53, 1 << 62, 1 << 63, u64::MAX].iter().map(|&u| table.sample(u).0).collect();
        assert_eq!(factors, GOLDEN);
    }
    const GOLDEN: [u32; 5] = [838_861, 838_861, 857_671, 1_048_576, 3_294_174];

    #[test]
    fn a_factor_scales_exactly_and_never_wraps() {
        assert_eq!(Factor::ONE.apply(SimDuration::MAX), SimDuration::MAX);
        assert_eq!(Factor::from_f64(1.5).unwrap().apply(SimDuration(7)), SimDuration(10));
        assert_eq!(Factor::from_f64(2.0).unwrap().apply(SimDuration::MAX), SimDuration::MAX);
        assert_eq!(InverseCdf::constant().sample(12_345), Factor::ONE);
    }

    #[test]
    fn impossible_parameters_are_refused() {
        assert_eq!(InverseCdf::log_normal(2.0, 1.0, 0.5), Err(JitterError::BadShape));
        assert_eq!(InverseCdf::pareto(1.0, 0.0, 0.5), Err(JitterError::BadShape));
        assert_eq!(InverseCdf::log_normal(1.0, 2.0, -1.0), Err(JitterError::OutOfRange(-1.0)));
        assert!(matches!(InverseCdf::pareto(1.0, 0.5, 1.0), Err(JitterError::OutOfRange(_))));
    }
}
