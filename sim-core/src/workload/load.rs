//! How much people send over time: a factor on their rate that can change during a run.
//!
//! **Captures.** Poisson arrivals whose rate changes at given moments: gaps are drawn at the plan's own rate
//! and stretched by what the rate was while they passed (the time change of a Poisson process), so that a
//! change keeps the arrivals before it and scales the rest of the gap it falls into.
//! **Leaves out** arrivals that react to anything. **Parameters** factors, parts per million.

/// One as a factor.
const UNIT: u64 = 1_000_000;

/// Factors on the rate, by the moment from which each holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Load {
    changes: Vec<(u64, u64)>,
}

impl Load {
    /// From `at_ns` on the factor is `factor_ppm`. Moments never go back.
    pub fn set(&mut self, at_ns: u64, factor_ppm: u64) {
        self.changes.push((at_ns, factor_ppm.max(1)));
    }

    /// Where a gap of `gap_ns` at factor 1 that begins at `from_ns` ends, ns.
    pub fn after(&self, from_ns: u64, gap_ns: u64) -> u64 {
        let later = self.changes.iter().position(|(at, _)| *at > from_ns).unwrap_or(self.changes.len());
        let mut factor = later.checked_sub(1).map_or(UNIT, |i| self.changes[i].1);
        let (mut now_ns, mut left_ns) = (from_ns, gap_ns);
        for &(at_ns, next) in &self.changes[later..] {
            let end_ns = now_ns.saturating_add(times(left_ns, UNIT, factor));
            if end_ns <= at_ns {
                return end_ns;
            }
            left_ns = left_ns.saturating_sub(times(at_ns - now_ns, factor, UNIT));
            (now_ns, factor) = (at_ns, next);
        }
        now_ns.saturating_add(times(left_ns, UNIT, factor))
    }

    /// Where a gap that would end at `end_ns` ends when the factor becomes `factor_ppm` at `at_ns`, before
    /// it. Call it before [`Load::set`].
    pub fn rescaled(&self, at_ns: u64, end_ns: u64, factor_ppm: u64) -> u64 {
        let old = self.changes.last().map_or(UNIT, |(_, factor)| *factor);
        at_ns.saturating_add(times(end_ns - at_ns, old, factor_ppm.max(1)))
    }
}

/// `ns * numerator / denominator`, rounded down.
fn times(ns: u64, numerator: u64, denominator: u64) -> u64 {
    if numerator == denominator {
        return ns;
    }
    u64::try_from(u128::from(ns) * u128::from(numerator) / u128::from(denominator)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_changes_a_gap_is_a_gap() {
        assert_eq!(Load::default().after(70, 30), 100);
        assert_eq!(Load::default().after(70, u64::MAX), u64::MAX);
    }

    #[test]
    fn a_gap_is_stretched_by_the_rates_it_passes_through() {
        let mut load = Load::default();
        load.set(100, 2 * UNIT);
        load.set(200, UNIT / 2);
        assert_eq!(load.after(0, 50), 50);
        // 40 at rate 1, 100 at rate 2 count 200, the last 10 at rate 1/2 take 20.
        assert_eq!(load.after(60, 250), 220);
        assert_eq!(load.after(300, 10), 320);
        assert_eq!(load.after(100, 10), 105);
    }

    #[test]
    fn a_change_scales_the_rest_of_the_gap_it_falls_into() {
        let mut load = Load::default();
        let end = load.after(0, 300);
        let moved = load.rescaled(100, end, 4 * UNIT);
        assert_eq!(moved, 150);
        load.set(100, 4 * UNIT);
        assert_eq!(load.after(0, 300), moved);
    }
}
