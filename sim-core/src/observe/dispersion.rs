//! How far apart prices are, moment by moment, and how fast that passes.
//!
//! Pure functions of records. A pool's *mispricing* is the logarithm of its price less that of the price outside; its
//! *distance* is that of its price from the mean of its like on all rollups. Both are looked at on a grid of
//! [`STEPS`] steps over the measured part of a run. **Half-life**: the time after which they are expected to be half of what they
//! are, that is, where their autocorrelation about zero, over all pools, first falls to one half (linear between
//! steps; `None` if it does not within half of the measured part, or in the first step). For an Ornstein-Uhlenbeck process
//! with rate k it is ln 2 / k (`validation`, `half-life`). Pools that arbitrage leaves alone within a band do not return
//! exponentially; the definition holds for them all the same.

use super::format::{duration, percent};
use super::markets;
use super::record::{FleetRecord, RunRecord};
use crate::kernel::math;

/// Steps of the grid.
pub const STEPS: u64 = 600;
/// At most so many pools, spread evenly, are followed for half-lives.
pub const POOLS_MAX: usize = 500;

/// A moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// When, ns.
    pub at_ns: u64,
    /// Root of the mean square of mispricings.
    pub mispricing: f64,
    /// Root of the mean square of distances; 0 with one rollup.
    pub distance: f64,
}

/// Prices of a fleet over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Dispersion {
    /// Moments, in order.
    pub points: Vec<Point>,
    /// Half-life of mispricings, ns.
    pub mispricing_half_life_ns: Option<u64>,
    /// Half-life of distances, ns.
    pub distance_half_life_ns: Option<u64>,
}

/// The prices of a fleet; `None` if there are none outside, or nothing was measured.
pub fn summarise(run: &RunRecord, fleet: &FleetRecord) -> Option<Dispersion> {
    let pools = markets::pools(run, fleet)?;
    let (mut points, mut mispricings, mut distances) = (Vec::new(), Vec::new(), Vec::new());
    let root_mean_square = |of: &[f64]| math::sqrt(of.iter().map(|x| x * x).sum::<f64>() / of.len() as f64);
    markets::replay(run, fleet, STEPS, &mut |at_ns, logs, outside| {
        let rollups = (logs.len() / pools) as f64;
        let means: Vec<f64> =
            (0..pools).map(|pool| logs.iter().skip(pool).step_by(pools).sum::<f64>() / rollups).collect();
        let from = |places: &[f64]| -> Vec<f64> {
            logs.iter().enumerate().map(|(place, log)| log - places[place % pools]).collect()
        };
        let (off, apart) = (from(outside), from(&means));
        let (mispricing, distance) = (root_mean_square(&off), root_mean_square(&apart));
        points.push(Point { at_ns, mispricing, distance });
        let step = logs.len().div_ceil(POOLS_MAX);
        mispricings.push(off.into_iter().step_by(step).collect());
        distances.push(apart.into_iter().step_by(step).collect());
    })?;
    let step_ns = points.get(1)?.at_ns - points[0].at_ns;
    let in_ns = |steps: f64| (steps * step_ns as f64) as u64;
    Some(Dispersion {
        points,
        mispricing_half_life_ns: half_life_steps(&mispricings).map(in_ns),
        distance_half_life_ns: half_life_steps(&distances).map(in_ns),
    })
}

/// Steps after which values are expected to be half of what they are; values by moment and place.
pub fn half_life_steps(moments: &[Vec<f64>]) -> Option<f64> {
    let product = |lag: usize| {
        let pairs = moments.iter().zip(&moments[lag..]);
        let sum: f64 = pairs.map(|(now, then)| now.iter().zip(then).map(|(a, b)| a * b).sum::<f64>()).sum();
        sum / (moments.len() - lag) as f64
    };
    let whole = if moments.is_empty() { 0.0 } else { product(0) };
    if whole <= 0.0 {
        return None;
    }
    let mut before = 1.0;
    for lag in 1..=moments.len() / 2 {
        let correlation = product(lag) / whole;
        if correlation <= 0.5 {
            let steps = (lag - 1) as f64 + (before - 0.5) / (before - correlation);
            return (lag > 1).then_some(steps);
        }
        before = correlation;
    }
    None
}

/// How far apart prices are, in a line of the report.
pub fn line(run: &RunRecord, fleet: &FleetRecord) -> Option<String> {
    let found = summarise(run, fleet)?;
    let mean = |get: fn(&Point) -> f64| found.points.iter().map(get).sum::<f64>() / found.points.len() as f64;
    let of = |half_life: Option<u64>| half_life.map_or("none to be seen".to_owned(), duration);
    let apart = if fleet.rollups > 1 {
        let half_life = of(found.distance_half_life_ns);
        format!("; rollups apart by {} (half-life {half_life})", percent(mean(|p| p.distance)))
    } else {
        String::new()
    };
    Some(format!(
        "    mispricing {} (root mean square, half-life {}){apart}",
        percent(mean(|p| p.mispricing)),
        of(found.mispricing_half_life_ns),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_lives_are_those_of_their_closed_forms() {
        // A wave over a whole period of places: its correlation is cos(2 pi lag / 48) whenever it is looked at, one half at lag 8.
        let moments: Vec<Vec<f64>> = (0..64)
            .map(|step| {
                let angle = |shift: f64| f64::from(step) * std::f64::consts::PI / 24.0 + shift;
                (0..48)
                    .map(|place| math::sin(angle(f64::from(place) * std::f64::consts::PI / 24.0)))
                    .collect()
            })
            .collect();
        let found = half_life_steps(&moments).expect("it halves");
        assert!((found - 8.0).abs() < 1e-9, "{found}");
        assert_eq!(half_life_steps(&[]), None);
        assert_eq!(half_life_steps(&vec![vec![0.0]; 9]), None);
        assert_eq!(half_life_steps(&vec![vec![1.0]; 9]), None, "what stays has none");
        assert_eq!(
            half_life_steps(&[vec![1.0], vec![-1.0], vec![1.0], vec![-1.0]]),
            None,
            "faster than a step"
        );
    }
}
