//! From data to positions, and where the ticks go.

use crate::kernel::math::log10;
use crate::observe::format::three_digits;

/// 10 to an integer power, by multiplication.
fn power_of_ten(exponent: i32) -> f64 {
    let magnitude = (0..exponent.unsigned_abs()).fold(1.0, |p, _| p * 10.0);
    if exponent < 0 { 1.0 / magnitude } else { magnitude }
}

/// A number axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// Equal distances for equal differences.
    Linear {
        /// Value at the start.
        low: f64,
        /// Value at the end.
        high: f64,
    },
    /// Equal distances for equal ratios; both ends positive.
    Log {
        /// Value at the start.
        low: f64,
        /// Value at the end.
        high: f64,
    },
}

/// A labelled place on an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// Value.
    pub at: f64,
    /// Label.
    pub label: String,
}

impl Scale {
    /// From 0 to a round number at or above `max`; to 1 if `max` is not positive.
    pub fn from_zero(max: f64) -> Self {
        let max = if max > 0.0 && max.is_finite() { max } else { 1.0 };
        let step = step(max, 10.0);
        Self::Linear { low: 0.0, high: (max / step - 1e-9).ceil() * step }
    }

    /// Logarithmic around all positive finite values, rounded out to 1, 2 or 5 times a power of ten;
    /// 1 to 10 if there are none.
    pub fn log_around(values: impl Iterator<Item = f64>) -> Self {
        let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
        for value in values.filter(|v| *v > 0.0 && v.is_finite()) {
            low = low.min(value);
            high = high.max(value);
        }
        if high == 0.0 {
            return Self::Log { low: 1.0, high: 10.0 };
        }
        let (low, high) = (round_log(low / 1.15, false), round_log(high * 1.15, true));
        Self::Log { low, high }
    }

    /// Position of a value: 0 at the start, 1 at the end, clamped to both.
    pub fn position(&self, value: f64) -> f64 {
        let share = match *self {
            Self::Linear { low, high } => (value - low) / (high - low),
            Self::Log { low, high } => {
                if value <= 0.0 {
                    0.0
                } else {
                    (log10(value) - log10(low)) / (log10(high) - log10(low))
                }
            }
        };
        if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
    }

    /// Both ends.
    pub fn ends(&self) -> (f64, f64) {
        match *self {
            Self::Linear { low, high } | Self::Log { low, high } => (low, high),
        }
    }

    /// Round values with labels, about `wanted` of them on a linear axis.
    pub fn ticks(&self, wanted: f64) -> Vec<Tick> {
        match *self {
            Self::Linear { low, high } => {
                let step = step(high - low, wanted);
                let decimals = (0..9).find(|&d| is_whole(step * power_of_ten(d))).unwrap_or(9);
                let first = (low / step - 1e-9).ceil() as i64;
                let last = (high / step + 1e-9).floor() as i64;
                let tick = |n: i64| {
                    let at = n as f64 * step;
                    Tick { at, label: format!("{at:.*}", decimals as usize) }
                };
                (first..=last).map(tick).collect()
            }
            Self::Log { low, high } => {
                let first = log10(low).floor() as i32;
                let last = log10(high).ceil() as i32;
                let factors: &[f64] = match last - first {
                    ..=2 => &[1.0, 2.0, 5.0],
                    _ => &[1.0],
                };
                let within = |at: f64| at >= low * (1.0 - 1e-9) && at <= high * (1.0 + 1e-9);
                (first..=last)
                    .flat_map(|e| factors.iter().map(move |f| f * power_of_ten(e)))
                    .filter(|&at| within(at))
                    .map(|at| Tick { at, label: log_label(at) })
                    .collect()
            }
        }
    }
}

fn log_label(at: f64) -> String {
    if at >= 10_000.0 {
        let text = crate::observe::format::prefixed(at);
        return text.replace(".00", "").replace(".0", "");
    }
    if at >= 1.0 {
        return format!("{at:.0}");
    }
    if at < 1e-6 {
        return format!("{at:.0e}");
    }
    let text = if at < 0.1 { format!("{at:.6}") } else { three_digits(at) };
    text.trim_end_matches('0').to_owned()
}

fn is_whole(value: f64) -> bool {
    (value - value.round()).abs() < 1e-6 * value.abs().max(1e-9)
}

/// The round step (1, 2 or 5 times a power of ten) that cuts `span` into about `wanted` pieces.
fn step(span: f64, wanted: f64) -> f64 {
    let rough = (span / wanted).max(1e-12);
    let base = power_of_ten(log10(rough).floor() as i32);
    let factor = match rough / base {
        f if f <= 1.0 + 1e-9 => 1.0,
        f if f <= 2.0 + 1e-9 => 2.0,
        f if f <= 5.0 + 1e-9 => 5.0,
        _ => 10.0,
    };
    base * factor
}

/// The next 1, 2 or 5 times a power of ten below or above.
fn round_log(value: f64, up: bool) -> f64 {
    let exponent = log10(value).floor() as i32;
    let candidates =
        || (exponent - 1..=exponent + 1).flat_map(|e| [1.0, 2.0, 5.0].map(|f| f * power_of_ten(e)));
    if up {
        candidates().find(|&c| c >= value * (1.0 - 1e-9)).unwrap_or(value)
    } else {
        candidates().rfind(|&c| c <= value * (1.0 + 1e-9)).unwrap_or(value)
    }
}

/// Seconds or milliseconds, whichever suits the greatest of the values to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeUnit {
    /// `s` or `ms`.
    pub name: &'static str,
    /// Nanoseconds in one.
    pub ns: u64,
}

impl TimeUnit {
    /// The unit for values up to `max_ns`.
    pub fn for_max(max_ns: u64) -> Self {
        if max_ns >= 2_000_000_000 {
            Self { name: "s", ns: 1_000_000_000 }
        } else if max_ns >= 2_000_000 {
            Self { name: "ms", ns: 1_000_000 }
        } else {
            Self { name: "µs", ns: 1_000 }
        }
    }

    /// A duration in this unit.
    pub fn of(self, ns: u64) -> f64 {
        ns as f64 / self.ns as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale) -> Vec<String> {
        scale.ticks(5.0).into_iter().map(|t| t.label).collect()
    }

    #[test]
    fn linear_ticks_are_round() {
        assert_eq!(labels(Scale::from_zero(1.03)), ["0.0", "0.5", "1.0"]);
        assert_eq!(labels(Scale::from_zero(100.0)), ["0", "20", "40", "60", "80", "100"]);
        assert_eq!(Scale::from_zero(0.0).ends(), (0.0, 1.0));
        assert_eq!(Scale::from_zero(f64::NAN).ends(), (0.0, 1.0));
    }

    #[test]
    fn log_ticks_are_round() {
        let scale = Scale::log_around([3.0, 70.0].into_iter());
        assert_eq!(scale.ends(), (2.0, 100.0));
        assert_eq!(labels(scale), ["2", "5", "10", "20", "50", "100"]);
        assert!((Scale::Log { low: 1.0, high: 100.0 }.position(10.0) - 0.5).abs() < 1e-12);
        assert_eq!(Scale::log_around([0.0, -3.0].into_iter()).ends(), (1.0, 10.0));
        assert_eq!(labels(Scale::Log { low: 0.01, high: 100.0 }), ["0.01", "0.1", "1", "10", "100"]);
        assert_eq!(labels(Scale::Log { low: 1e-8, high: 1e-5 }), ["1e-8", "1e-7", "0.000001", "0.00001"]);
    }

    #[test]
    fn positions_are_clamped_and_finite() {
        let scale = Scale::Linear { low: 0.0, high: 2.0 };
        assert_eq!((scale.position(1.0), scale.position(9.0), scale.position(f64::NAN)), (0.5, 1.0, 0.0));
    }
}
