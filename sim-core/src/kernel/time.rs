//! Simulated time, sizes and rates: integers with a unit in their type.
//!
//! One tick is a nanosecond; 64 bits last 584 years. `+`, `-` and `*` panic on overflow wherever
//! overflow checks are on (debug and `checked` builds) and wrap elsewhere, like Rust's integers; code
//! that can meet "never" uses the `saturating_` and `checked_` forms.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, AddAssign, Div, Mul, Rem, Sub, SubAssign};

const NS_PER_US: u64 = 1_000;
const NS_PER_MS: u64 = 1_000_000;
const NS_PER_SEC: u64 = 1_000_000_000;

/// An instant: nanoseconds since the start of the simulation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[repr(transparent)]
pub struct SimTime(pub u64);

/// A length of time in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[repr(transparent)]
pub struct SimDuration(pub u64);

impl SimTime {
    /// The start of the simulation.
    pub const ZERO: Self = Self(0);
    /// Later than every event; the limit of a run without one.
    pub const MAX: Self = Self(u64::MAX);

    /// `ns` nanoseconds after the start.
    #[inline]
    pub const fn from_nanos(ns: u64) -> Self {
        Self(ns)
    }

    /// `ms` milliseconds after the start. Panics on overflow in a constant or a checked build.
    #[inline]
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms * NS_PER_MS)
    }

    /// `secs` seconds after the start. Panics on overflow in a constant or a checked build.
    #[inline]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs * NS_PER_SEC)
    }

    /// Nanoseconds since the start.
    #[inline(always)]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Whole seconds since the start, rounded down: the row of a per-second series.
    #[inline]
    pub const fn whole_secs(self) -> u64 {
        self.0 / NS_PER_SEC
    }

    /// Seconds since the start, for output only: never feed it back into the simulation.
    #[inline]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / NS_PER_SEC as f64
    }

    /// The time since `earlier`.
    ///
    /// Panics in checked builds if `earlier` is later than `self`.
    #[inline]
    pub const fn since(self, earlier: Self) -> SimDuration {
        SimDuration(self.0 - earlier.0)
    }

    /// The time since `earlier`, or zero if `earlier` is later.
    #[inline]
    pub const fn saturating_since(self, earlier: Self) -> SimDuration {
        SimDuration(self.0.saturating_sub(earlier.0))
    }

    /// `self + d`, or `None` past the end of time.
    #[inline]
    pub const fn checked_add(self, d: SimDuration) -> Option<Self> {
        match self.0.checked_add(d.0) {
            Some(ns) => Some(Self(ns)),
            None => None,
        }
    }

    /// `self + d`, or [`SimTime::MAX`] past the end of time.
    #[inline]
    pub const fn saturating_add(self, d: SimDuration) -> Self {
        Self(self.0.saturating_add(d.0))
    }
}

impl SimDuration {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// One nanosecond: the least delay between two nodes.
    pub const TICK: Self = Self(1);
    /// "Never", as a duration.
    pub const MAX: Self = Self(u64::MAX);

    /// `ns` nanoseconds.
    #[inline]
    pub const fn from_nanos(ns: u64) -> Self {
        Self(ns)
    }

    /// `us` microseconds. Panics on overflow in a constant or a checked build.
    #[inline]
    pub const fn from_micros(us: u64) -> Self {
        Self(us * NS_PER_US)
    }

    /// `ms` milliseconds. Panics on overflow in a constant or a checked build.
    #[inline]
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms * NS_PER_MS)
    }

    /// `secs` seconds. Panics on overflow in a constant or a checked build.
    #[inline]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs * NS_PER_SEC)
    }

    /// `secs` seconds, rounded to the nearest nanosecond (half away from zero).
    ///
    /// `None` if negative, not a number, or past the range.
    #[inline]
    pub fn from_secs_f64(secs: f64) -> Option<Self> {
        let ns = secs * NS_PER_SEC as f64;
        // 2^64 is exact in f64; anything below it fits.
        (ns >= 0.0 && ns < 18_446_744_073_709_551_616.0).then(|| Self(ns.round() as u64))
    }

    /// Nanoseconds.
    #[inline(always)]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Whole milliseconds, rounded down.
    #[inline]
    pub const fn whole_millis(self) -> u64 {
        self.0 / NS_PER_MS
    }

    /// Seconds, for output only: never feed it back into the simulation.
    #[inline]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / NS_PER_SEC as f64
    }

    /// Milliseconds, for output only.
    #[inline]
    pub fn as_millis_f64(self) -> f64 {
        self.0 as f64 / NS_PER_MS as f64
    }

    /// Whether this is no time at all.
    #[inline]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// `self + other`, or `None` on overflow.
    #[inline]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(ns) => Some(Self(ns)),
            None => None,
        }
    }

    /// `self + other`, or [`SimDuration::MAX`] on overflow.
    #[inline]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// `self - other`, or zero.
    #[inline]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// `self * n`, or [`SimDuration::MAX`] on overflow.
    #[inline]
    pub const fn saturating_mul(self, n: u64) -> Self {
        Self(self.0.saturating_mul(n))
    }

    /// `self * numerator / denominator` through 128 bits, rounded **up**; `MAX` if it does not fit.
    ///
    /// # Panics
    /// If `denominator` is zero.
    #[inline]
    pub const fn scale_up(self, numerator: u64, denominator: u64) -> Self {
        let exact = (self.0 as u128 * numerator as u128).div_ceil(denominator as u128);
        if exact > u64::MAX as u128 { Self::MAX } else { Self(exact as u64) }
    }
}

impl Add<SimDuration> for SimTime {
    type Output = Self;
    #[inline(always)]
    fn add(self, d: SimDuration) -> Self {
        Self(self.0 + d.0)
    }
}

impl AddAssign<SimDuration> for SimTime {
    #[inline(always)]
    fn add_assign(&mut self, d: SimDuration) {
        self.0 += d.0;
    }
}

impl Sub<SimDuration> for SimTime {
    type Output = Self;
    #[inline(always)]
    fn sub(self, d: SimDuration) -> Self {
        Self(self.0 - d.0)
    }
}

impl Sub for SimTime {
    type Output = SimDuration;
    #[inline(always)]
    fn sub(self, earlier: Self) -> SimDuration {
        self.since(earlier)
    }
}

impl Add for SimDuration {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for SimDuration {
    #[inline(always)]
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sub for SimDuration {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl SubAssign for SimDuration {
    #[inline(always)]
    fn sub_assign(&mut self, other: Self) {
        self.0 -= other.0;
    }
}

impl Mul<u64> for SimDuration {
    type Output = Self;
    #[inline(always)]
    fn mul(self, n: u64) -> Self {
        Self(self.0 * n)
    }
}

/// Rounds down.
impl Div<u64> for SimDuration {
    type Output = Self;
    #[inline(always)]
    fn div(self, n: u64) -> Self {
        Self(self.0 / n)
    }
}

impl Rem for SimDuration {
    type Output = Self;
    #[inline(always)]
    fn rem(self, other: Self) -> Self {
        Self(self.0 % other.0)
    }
}

impl std::iter::Sum for SimDuration {
    fn sum<I: Iterator<Item = Self>>(durations: I) -> Self {
        durations.fold(Self::ZERO, Add::add)
    }
}

/// The largest unit that leaves a whole part, at most three decimals, rounded half up, trailing zeros
/// dropped: `80 ms`, `1.234 s`.
impl fmt::Display for SimDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit_ns, unit) = match self.0 {
            0..NS_PER_US => (1, "ns"),
            NS_PER_US..NS_PER_MS => (NS_PER_US, "us"),
            NS_PER_MS..NS_PER_SEC => (NS_PER_MS, "ms"),
            _ => (NS_PER_SEC, "s"),
        };
        let thousandths = (u128::from(self.0) * 1000 + u128::from(unit_ns / 2)) / u128::from(unit_ns);
        let (whole, fraction) = (thousandths / 1000, thousandths % 1000);
        let text = format!("{whole}.{fraction:03}");
        write!(f, "{} {unit}", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// As the duration since the start.
impl fmt::Display for SimTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SimDuration(self.0).fmt(f)
    }
}

/// A number of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[repr(transparent)]
pub struct Bytes(pub u64);

/// A rate in bits per second (10^6 bit/s is one Mbit/s).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[repr(transparent)]
pub struct BitsPerSec(pub u64);

impl BitsPerSec {
    /// `mbit` megabits (10^6 bits) per second.
    #[inline]
    pub const fn from_mbit(mbit: u64) -> Self {
        Self(mbit * 1_000_000)
    }

    /// How long `size` occupies a line of this rate: see [`transfer_time`].
    #[inline]
    pub const fn transfer_time(self, size: Bytes) -> SimDuration {
        transfer_time(size.0, self.0)
    }
}

impl Add for Bytes {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for Bytes {
    #[inline(always)]
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl std::iter::Sum for Bytes {
    fn sum<I: Iterator<Item = Self>>(sizes: I) -> Self {
        sizes.fold(Self(0), Add::add)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} B", self.0)
    }
}

impl fmt::Display for BitsPerSec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bit/s", self.0)
    }
}

/// Time that `bytes` occupy a line of `bits_per_sec`: `ceil(8e9 * bytes / bits_per_sec)` ns.
///
/// Exact and rounded **up** to the nanosecond, so that no line ever carries more than its rate. A rate of
/// zero, or a result past the range, is [`SimDuration::MAX`]: it never arrives.
#[inline]
pub const fn transfer_time(bytes: u64, bits_per_sec: u64) -> SimDuration {
    const BIT_NS: u64 = 8 * NS_PER_SEC;
    if bits_per_sec == 0 {
        return SimDuration::MAX;
    }
    // Same quotient in 64 bits while the product fits (2.3 GB): a 128-bit division costs ten times more.
    if let Some(product) = bytes.checked_mul(BIT_NS) {
        return SimDuration(product.div_ceil(bits_per_sec));
    }
    let exact = (bytes as u128 * BIT_NS as u128).div_ceil(bits_per_sec as u128);
    if exact > u64::MAX as u128 { SimDuration::MAX } else { SimDuration(exact as u64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_print_in_the_largest_fitting_unit() {
        let cases = [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_500, "1.5 us"),
            (80_000_000, "80 ms"),
            (1_234_000_000, "1.234 s"),
            (1_234_567_890, "1.235 s"),
            (1_000_000_400, "1 s"),
        ];
        for (ns, text) in cases {
            assert_eq!(SimDuration(ns).to_string(), text);
        }
        assert_eq!(SimTime::from_secs(12).to_string(), "12 s");
    }

    #[test]
    fn transfer_time_is_exact_and_rounds_up() {
        // 1 MiB at 25 Mbit/s: 8 * 2^20 / 25e6 s = 335.54432 ms exactly.
        assert_eq!(transfer_time(1 << 20, 25_000_000), SimDuration(335_544_320));
        // One byte at 3 bit/s: 2.666... s.
        assert_eq!(transfer_time(1, 3), SimDuration(2_666_666_667));
        assert_eq!(transfer_time(0, 3), SimDuration::ZERO);
        assert_eq!(transfer_time(1, 0), SimDuration::MAX);
        assert_eq!(BitsPerSec::from_mbit(100).transfer_time(Bytes(125)), SimDuration::from_micros(10));
    }

    #[test]
    fn both_widths_of_transfer_time_agree() {
        let edge = u64::MAX / (8 * NS_PER_SEC);
        for bytes in [edge - 1, edge, edge + 1, edge * 7] {
            for rate in [1_000_003, 25_000_000, 10_000_000_007] {
                let wide = (u128::from(bytes) * 8 * u128::from(NS_PER_SEC)).div_ceil(u128::from(rate));
                assert_eq!(u128::from(transfer_time(bytes, rate).0), wide.min(u128::from(u64::MAX)));
            }
        }
        assert_eq!(transfer_time(u64::MAX, 1), SimDuration::MAX);
    }

    #[test]
    fn seconds_round_to_the_nearest_nanosecond() {
        assert_eq!(SimDuration::from_secs_f64(0.08), Some(SimDuration::from_millis(80)));
        assert_eq!(SimDuration::from_secs_f64(-1.0), None);
        assert_eq!(SimDuration::from_secs_f64(f64::NAN), None);
        assert_eq!(SimDuration::from_secs_f64(1e11), None);
    }

    #[test]
    fn saturation_and_checks_hold_at_the_end_of_time() {
        assert_eq!(SimTime::MAX.saturating_add(SimDuration::TICK), SimTime::MAX);
        assert_eq!(SimTime::MAX.checked_add(SimDuration::TICK), None);
        assert_eq!(SimTime(3).saturating_since(SimTime(5)), SimDuration::ZERO);
        assert_eq!(SimDuration(10).scale_up(1, 3), SimDuration(4));
        assert_eq!(SimDuration::MAX.scale_up(2, 1), SimDuration::MAX);
    }
}
