//! Designs over the unit cube: which shares of each axis a point takes. Pure functions of (design, seed).

use crate::kernel::random::{Purpose, draw, uniform_below, unit_f64};
use sobol::Sobol;
use sobol::params::JoeKuoD6;

/// Sampling a design is no part of any run.
const PURPOSE: Purpose = Purpose::STATISTICS;
/// Most dimensions of a Sobol sequence here.
pub const SOBOL_DIMENSIONS_MAX: usize = 100;

/// Independent uniform points.
pub fn random(points: u64, axes: usize, seed: u64) -> Vec<Vec<f64>> {
    let coordinate = |point, axis| unit_f64(draw(seed, PURPOSE, axis as u64, point));
    (0..points).map(|point| (0..axes).map(|axis| coordinate(point, axis)).collect()).collect()
}

/// A Latin hypercube: on every axis each of `points` equal strata holds exactly one point, drawn uniformly in it;
/// strata are paired by independent random permutations.
pub fn latin_hypercube(points: u64, axes: usize, seed: u64) -> Vec<Vec<f64>> {
    let strata: Vec<Vec<u64>> = (0..axes).map(|axis| permutation(points, seed, axis as u64)).collect();
    let coordinate = |point: u64, axis: usize| {
        let within = unit_f64(draw(seed, PURPOSE, (2 << 32) | axis as u64, point));
        (strata[axis][point as usize] as f64 + within) / points as f64
    };
    (0..points).map(|point| (0..axes).map(|axis| coordinate(point, axis)).collect()).collect()
}

/// A random permutation of 0..n (Fisher and Yates).
fn permutation(n: u64, seed: u64, axis: u64) -> Vec<u64> {
    let mut items: Vec<u64> = (0..n).collect();
    for i in (1..items.len()).rev() {
        let other = uniform_below(draw(seed, PURPOSE, (1 << 32) | axis, i as u64), i as u64 + 1);
        items.swap(i, other as usize);
    }
    items
}

/// The first points of the Sobol sequence, the origin included. At most [`SOBOL_DIMENSIONS_MAX`] axes.
pub fn sobol(points: u64, axes: usize) -> Vec<Vec<f64>> {
    let take = usize::try_from(points).unwrap_or(usize::MAX);
    Sobol::<f64>::new(axes, &JoeKuoD6::minimal()).take(take).collect()
}

/// Rows of the scheme for Sobol indices: A, B, and for each axis A with that axis from B; `base` rows each, in
/// this order. (Saltelli et al., Computer Physics Communications 181, 2010.)
pub fn sobol_indices(base: u64, axes: usize) -> Vec<Vec<f64>> {
    let rows = sobol(base, 2 * axes);
    let a = rows.iter().map(|row| row[..axes].to_vec());
    let b = rows.iter().map(|row| row[axes..].to_vec());
    let mixed = (0..axes).flat_map(|axis| {
        rows.iter().map(move |row| {
            let mut point = row[..axes].to_vec();
            point[axis] = row[axes + axis];
            point
        })
    });
    a.chain(b).chain(mixed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table that accompanies the direction numbers on the authors' page (`sobol 10 3 ...`).
    #[test]
    fn the_sobol_sequence_matches_the_published_points() {
        let expected = [
            [0.0, 0.0, 0.0],
            [0.5, 0.5, 0.5],
            [0.75, 0.25, 0.25],
            [0.25, 0.75, 0.75],
            [0.375, 0.375, 0.625],
            [0.875, 0.875, 0.125],
            [0.625, 0.125, 0.875],
            [0.125, 0.625, 0.375],
            [0.1875, 0.3125, 0.9375],
            [0.6875, 0.8125, 0.4375],
        ];
        assert_eq!(sobol(10, 3), expected.map(|p| p.to_vec()));
    }

    #[test]
    fn every_dyadic_stratum_of_every_sobol_dimension_holds_one_point() {
        let n = 64;
        let points = sobol(n, SOBOL_DIMENSIONS_MAX);
        for axis in 0..SOBOL_DIMENSIONS_MAX {
            let mut strata: Vec<u64> = points.iter().map(|p| (p[axis] * n as f64) as u64).collect();
            strata.sort_unstable();
            assert_eq!(strata, (0..n).collect::<Vec<_>>(), "dimension {axis}");
        }
    }

    #[test]
    fn every_stratum_of_a_latin_hypercube_holds_one_point() {
        for (n, seed) in [(1, 1), (7, 2), (100, 3)] {
            let points = latin_hypercube(n, 3, seed);
            for axis in 0..3 {
                let mut strata: Vec<u64> = points.iter().map(|p| (p[axis] * n as f64) as u64).collect();
                strata.sort_unstable();
                assert_eq!(strata, (0..n).collect::<Vec<_>>());
            }
        }
        assert_ne!(latin_hypercube(20, 2, 1), latin_hypercube(20, 2, 2));
        // Axes are paired at random, not in the same order.
        let points = latin_hypercube(100, 2, 1);
        let mean = |f: &dyn Fn(&Vec<f64>) -> f64| points.iter().map(f).sum::<f64>() / 100.0;
        let covariance = mean(&|p| (p[0] - 0.5) * (p[1] - 0.5));
        // Four standard errors of the correlation of 100 independent uniform pairs.
        assert!(covariance.abs() * 12.0 < 0.4, "{covariance}");
    }

    #[test]
    fn random_points_do_not_depend_on_their_number() {
        assert_eq!(random(50, 4, 9)[..10], random(10, 4, 9));
        assert!(random(1_000, 2, 9).iter().flatten().all(|u| (0.0..1.0).contains(u)));
    }

    #[test]
    fn the_index_scheme_takes_one_axis_from_the_second_matrix() {
        let (base, axes) = (8, 3);
        let rows = sobol_indices(base, axes);
        assert_eq!(rows.len(), 8 * 5);
        for axis in 0..axes {
            for row in 0..8 {
                let (a, b, mixed) = (&rows[row], &rows[8 + row], &rows[8 * (2 + axis) + row]);
                for k in 0..axes {
                    assert_eq!(mixed[k], if k == axis { b[k] } else { a[k] });
                }
            }
        }
    }
}
