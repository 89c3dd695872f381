//! Discrete distributions by integer cumulative weights.

use super::uniform_below;
use crate::kernel::math;
use thiserror::Error;

/// Why weights make no distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WeightsError {
    /// Nothing to choose from.
    #[error("no weights, or all of them zero: give at least one positive weight")]
    NothingToChoose,
    /// The sum exceeds 64 bits.
    #[error("the sum of the weights exceeds 2^64 - 1: divide them by a common factor")]
    TooLarge,
    /// A Zipf exponent that is negative, infinite or not a number.
    #[error("a Zipf exponent is a finite number of at least 0")]
    BadExponent,
}

/// Chooses index i with probability `weights[i] / sum`; a binary search per choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weighted {
    /// Sum of the weights up to and including each index.
    cumulative: Vec<u64>,
}

impl Weighted {
    /// From integer weights (stake, shares, measured counts).
    ///
    /// # Errors
    /// If no weight is positive or their sum does not fit 64 bits.
    pub fn new(weights: impl IntoIterator<Item = u64>) -> Result<Self, WeightsError> {
        let mut sum = 0u64;
        let mut cumulative = Vec::new();
        for weight in weights {
            sum = sum.checked_add(weight).ok_or(WeightsError::TooLarge)?;
            cumulative.push(sum);
        }
        if sum == 0 { Err(WeightsError::NothingToChoose) } else { Ok(Self { cumulative }) }
    }

    /// The chosen index.
    #[inline]
    pub fn sample(&self, bits: u64) -> usize {
        let point = uniform_below(bits, self.total());
        self.cumulative.partition_point(|&sum| sum <= point)
    }

    /// Sum of all weights.
    #[inline]
    pub fn total(&self) -> u64 {
        self.cumulative.last().copied().unwrap_or(0)
    }

    /// Weight of index `i`.
    pub fn weight(&self, i: usize) -> u64 {
        self.cumulative[i] - if i == 0 { 0 } else { self.cumulative[i - 1] }
    }

    /// Sum of the weights up to and with an index.
    pub fn up_to(&self, i: usize) -> u64 {
        self.cumulative[i]
    }

    /// Number of indices, including those of weight zero.
    pub fn len(&self) -> usize {
        self.cumulative.len()
    }

    /// Never true: there is always something to choose.
    pub fn is_empty(&self) -> bool {
        self.cumulative.is_empty()
    }
}

/// Zipf's law over ranks 0..n: rank r has weight `(r + 1)^-exponent`.
///
/// Exact by table: the weights are integers (2^40 for rank 0, rounded to nearest, at least 1), so the
/// distribution is the same everywhere, to about 1e-12 for the frequent ranks. Exponent 0 is uniform; hot
/// spots of real contracts lie between 0.7 and 1.2. Takes 8 bytes a rank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zipf(Weighted);

impl Zipf {
    /// Over `n` ranks (at most 2^24, so that the sum of the weights fits).
    ///
    /// # Errors
    /// If `n` is zero or too large, or the exponent is not a finite number of at least 0.
    pub fn new(n: usize, exponent: f64) -> Result<Self, WeightsError> {
        if !(exponent.is_finite() && exponent >= 0.0) {
            return Err(WeightsError::BadExponent);
        }
        if n > 1 << 24 {
            return Err(WeightsError::TooLarge);
        }
        let unit = (1u64 << 40) as f64;
        let weight = |rank: usize| math::pow((rank + 1) as f64, -exponent) * unit;
        Weighted::new((0..n).map(|rank| (weight(rank).round() as u64).max(1))).map(Self)
    }

    /// The chosen rank, 0 being the most frequent.
    #[inline]
    pub fn sample(&self, bits: u64) -> usize {
        self.0.sample(bits)
    }

    /// The weights.
    pub fn weights(&self) -> &Weighted {
        &self.0
    }

    /// The probability of a rank.
    pub fn probability(&self, rank: usize) -> f64 {
        self.0.weight(rank) as f64 / self.0.total() as f64
    }
}
