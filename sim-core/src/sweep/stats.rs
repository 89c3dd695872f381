//! Statistics over replications: Student's t, intervals, differences, effect sizes. Pure; transcendental
//! functions through `kernel::math`, so the same numbers on every machine.

use crate::kernel::math;

/// Mean of values; `None` of nothing.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Standard deviation of a sample (n - 1); `None` below two values.
pub fn deviation(values: &[f64]) -> Option<f64> {
    let mean = mean(values).filter(|_| values.len() > 1)?;
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    Some(math::sqrt(squares / (values.len() - 1) as f64))
}

/// Quantile by linear interpolation between order statistics (type 7 of Hyndman and Fan 1996).
pub fn quantile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = share.clamp(0.0, 1.0) * (sorted.len().checked_sub(1)? as f64);
    let low = at.floor() as usize;
    let high = (low + 1).min(sorted.len() - 1);
    Some(sorted[low] + (sorted[high] - sorted[low]) * (at - low as f64))
}

/// Distribution function of Student's t with `freedom` degrees of freedom.
pub fn t_cdf(t: f64, freedom: f64) -> f64 {
    let tail = 0.5 * incomplete_beta(freedom / 2.0, 0.5, freedom / (freedom + t * t));
    if t < 0.0 { tail } else { 1.0 - tail }
}

/// The t with `t_cdf(t) = p`, by bisection; infinite at 0 and 1.
pub fn t_quantile(p: f64, freedom: f64) -> f64 {
    if p < 0.5 {
        return -t_quantile(1.0 - p, freedom);
    }
    if p >= 1.0 {
        return f64::INFINITY;
    }
    let (mut low, mut high) = (0.0, 1.0);
    while t_cdf(high, freedom) < p && high < 1e12 {
        (low, high) = (high, high * 2.0);
    }
    for _ in 0..80 {
        let middle = 0.5 * (low + high);
        if t_cdf(middle, freedom) < p { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// Regularised incomplete beta function by Lentz's continued fraction (DLMF 8.17.22).
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return if x <= 0.0 { 0.0 } else { 1.0 };
    }
    // The fraction converges fast below this; above, the symmetric one does.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(b, a, 1.0 - x);
    }
    let log =
        a * math::ln(x) + b * math::ln_1p(-x) + math::ln_gamma(a + b) - math::ln_gamma(a) - math::ln_gamma(b);
    const TINY: f64 = 1e-300;
    let guard = |v: f64| if v.abs() < TINY { TINY } else { v };
    let (mut c, mut d) = (1.0, 1.0 / guard(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    for m in 1..500 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / guard(1.0 + even * d);
        c = guard(1.0 + even / c);
        fraction *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / guard(1.0 + odd * d);
        c = guard(1.0 + odd / c);
        fraction *= d * c;
        if (d * c - 1.0).abs() < 1e-15 {
            break;
        }
    }
    math::exp(log) * fraction / a
}

/// A mean with its confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Values.
    pub n: usize,
    /// Mean.
    pub mean: f64,
    /// Half the interval's width; `None` for a single value.
    pub half: Option<f64>,
}

impl Interval {
    /// Lower end.
    pub fn low(&self) -> Option<f64> {
        self.half.map(|half| self.mean - half)
    }

    /// Upper end.
    pub fn high(&self) -> Option<f64> {
        self.half.map(|half| self.mean + half)
    }
}

/// Two-sided t-intervals of one confidence; quantiles are computed once a degree of freedom.
#[derive(Clone, Debug)]
pub struct Intervals {
    confidence: f64,
    quantiles: Vec<Option<f64>>,
}

impl Intervals {
    /// For a confidence such as 0.95.
    pub fn new(confidence: f64) -> Self {
        Self { confidence, quantiles: Vec::new() }
    }

    fn quantile(&mut self, freedom: usize) -> f64 {
        if self.quantiles.len() <= freedom {
            self.quantiles.resize(freedom + 1, None);
        }
        let p = 0.5 + self.confidence / 2.0;
        *self.quantiles[freedom].get_or_insert_with(|| t_quantile(p, freedom as f64))
    }

    /// The mean and its interval: `mean ± t s / sqrt(n)`. `None` of nothing.
    pub fn of(&mut self, values: &[f64]) -> Option<Interval> {
        let n = values.len();
        let half = deviation(values).map(|s| self.quantile(n - 1) * s / math::sqrt(n as f64));
        Some(Interval { n, mean: mean(values)?, half })
    }

    /// Mean of `b - a` for values paired by position, with its interval and its effect size.
    pub fn paired(&mut self, a: &[f64], b: &[f64]) -> Option<Difference> {
        let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| b - a).collect();
        let interval = self.of(&differences)?;
        let effect = deviation(&differences).filter(|s| *s > 0.0).map(|s| interval.mean / s);
        Some(Difference { interval, effect })
    }

    /// Mean of b minus mean of a for independent samples: Welch's interval, with Cohen's d on the pooled deviation.
    pub fn independent(&mut self, a: &[f64], b: &[f64]) -> Option<Difference> {
        let difference = mean(b)? - mean(a)?;
        let n = a.len().min(b.len());
        let (Some(sa), Some(sb)) = (deviation(a), deviation(b)) else {
            return Some(Difference { interval: Interval { n, mean: difference, half: None }, effect: None });
        };
        let (na, nb) = (a.len() as f64, b.len() as f64);
        let (va, vb) = (sa * sa / na, sb * sb / nb);
        let half = if va + vb == 0.0 {
            0.0
        } else {
            let freedom = (va + vb) * (va + vb) / (va * va / (na - 1.0) + vb * vb / (nb - 1.0));
            t_quantile(0.5 + self.confidence / 2.0, freedom) * math::sqrt(va + vb)
        };
        let pooled = math::sqrt(((na - 1.0) * sa * sa + (nb - 1.0) * sb * sb) / (na + nb - 2.0));
        let effect = (pooled > 0.0).then(|| difference / pooled);
        Some(Difference { interval: Interval { n, mean: difference, half: Some(half) }, effect })
    }
}

/// A difference with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// Mean difference.
    pub interval: Interval,
    /// Difference over the standard deviation (of the differences, if paired); `None` where that is zero or unknown.
    pub effect: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two-sided 95 % and 99 % points as printed in every table of Student's t (three decimals).
    #[test]
    fn t_quantiles_match_the_printed_tables() {
        let table = [
            (1.0, 12.706, 63.657),
            (2.0, 4.303, 9.925),
            (4.0, 2.776, 4.604),
            (9.0, 2.262, 3.250),
            (29.0, 2.045, 2.756),
            (120.0, 1.980, 2.617),
        ];
        for (freedom, p95, p99) in table {
            assert!((t_quantile(0.975, freedom) - p95).abs() < 6e-4, "{freedom}");
            assert!((t_quantile(0.995, freedom) - p99).abs() < 6e-4, "{freedom}");
            assert!((t_quantile(0.025, freedom) + p95).abs() < 6e-4);
        }
        // Cauchy: the quantile is tan(pi (p - 1/2)); many degrees of freedom: the normal distribution.
        assert!((t_quantile(0.9, 1.0) - 3.077_683_537_175_253).abs() < 1e-9);
        assert!((t_quantile(0.975, 1e7) - math::normal_quantile(0.975)).abs() < 1e-6);
    }

    #[test]
    fn an_interval_matches_a_hand_computation() {
        // Mean 5, s = sqrt(10/4), t(0.975, 4) = 2.776.
        let interval = Intervals::new(0.95).of(&[3.0, 4.0, 5.0, 6.0, 7.0]).unwrap();
        assert_eq!((interval.n, interval.mean), (5, 5.0));
        assert!((interval.half.unwrap() - 2.776 * 1.581_138_8 / 2.236_068).abs() < 1e-3);
        assert_eq!(Intervals::new(0.95).of(&[2.0]).unwrap().half, None);
        assert_eq!(Intervals::new(0.95).of(&[]), None);
    }

    #[test]
    fn pairing_removes_what_both_share() {
        let a = [10.0, 20.0, 30.0, 40.0];
        let b = [11.0, 21.5, 30.5, 41.0];
        let mut intervals = Intervals::new(0.95);
        let (paired, alone) = (intervals.paired(&a, &b).unwrap(), intervals.independent(&a, &b).unwrap());
        assert_eq!((paired.interval.mean, alone.interval.mean), (1.0, 1.0));
        assert!(paired.interval.half.unwrap() < 0.7 && alone.interval.half.unwrap() > 20.0);
        assert!(paired.effect.unwrap() > 2.0 && alone.effect.unwrap() < 0.1);
    }

    /// Welch's own kind of example: variances 1 and 4 over 3 values each give 2.94 degrees of freedom.
    #[test]
    fn welch_uses_its_own_degrees_of_freedom() {
        let (a, b) = ([-1.0, 0.0, 1.0], [8.0, 10.0, 12.0]);
        let half = Intervals::new(0.95).independent(&a, &b).unwrap().interval.half.unwrap();
        let freedom = (1.0_f64 + 4.0) * 5.0 / 9.0 / ((1.0 / 9.0 + 16.0 / 9.0) / 2.0);
        assert!((half - t_quantile(0.975, freedom) * math::sqrt(5.0 / 3.0)).abs() < 1e-9);
    }

    #[test]
    fn quantiles_interpolate() {
        let values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!(quantile(&values, 0.5), Some(2.5));
        assert_eq!((quantile(&values, 0.0), quantile(&values, 1.0)), (Some(1.0), Some(4.0)));
        assert_eq!(quantile(&[], 0.5), None);
    }
}
