//! Fitting a cost profile's prices to measured times.
//!
//! **Captures** non-negative least squares on relative errors, pulled gently towards prior prices where the
//! measurements do not say. **Leaves out** interactions between classes. **Parameters** weights of rows and of
//! the prior. **Source** Lawson and Hanson, "Solving least squares problems" (1974), for the problem; solved
//! here by cyclic coordinate descent on the normal equations, which is exact in the limit and needs nothing
//! but sums and products. **Checked against** problems with known solutions below.

/// One measurement: `sum(units * price)` should be `time`.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Units of each class.
    pub units: Vec<f64>,
    /// Measured time, in the unit of the prices. Above zero.
    pub time: f64,
    /// Weight of this row's relative error, 1 for an ordinary one.
    pub weight: f64,
}

/// Sweeps of the coordinate descent; each visits every price once.
const SWEEPS: usize = 20_000;

/// Prices `x >= 0` that minimise `sum(weight (units x / time - 1)^2) + prior_weight sum((x / prior - 1)^2)`.
///
/// A class whose prior is 0 is held at 0.
pub fn fit(rows: &[Row], prior: &[f64], prior_weight: f64) -> Vec<f64> {
    let classes = prior.len();
    // In units of the prior: price = prior * y, and the prior's pull is towards y = 1.
    let mut gram = vec![vec![0.0; classes]; classes];
    let mut right = vec![0.0; classes];
    for row in rows {
        let scaled: Vec<f64> =
            row.units.iter().zip(prior).map(|(units, prior)| units * prior / row.time).collect();
        for i in 0..classes {
            right[i] += row.weight * scaled[i];
            for j in 0..classes {
                gram[i][j] += row.weight * scaled[i] * scaled[j];
            }
        }
    }
    let mut y = vec![1.0; classes];
    for _ in 0..SWEEPS {
        for i in 0..classes {
            let others: f64 = (0..classes).filter(|j| *j != i).map(|j| gram[i][j] * y[j]).sum();
            let best = (right[i] + prior_weight - others) / (gram[i][i] + prior_weight);
            y[i] = best.max(0.0);
        }
    }
    y.iter().zip(prior).map(|(y, prior)| y * prior).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(units: &[f64], time: f64) -> Row {
        Row { units: units.to_vec(), time, weight: 1.0 }
    }

    #[test]
    fn exact_measurements_give_exact_prices() {
        let rows = [row(&[1.0, 2.0], 8.0), row(&[3.0, 1.0], 9.0), row(&[5.0, 5.0], 25.0)];
        let prices = fit(&rows, &[1.0, 1.0], 1e-12);
        assert!((prices[0] - 2.0).abs() < 1e-6 && (prices[1] - 3.0).abs() < 1e-6, "{prices:?}");
    }

    #[test]
    fn prices_never_fall_below_zero() {
        // Unconstrained, the second price would be -1.
        let rows = [row(&[1.0, 0.0], 2.0), row(&[1.0, 1.0], 1.0)];
        let prices = fit(&rows, &[1.0, 1.0], 1e-12);
        assert!(prices[1].abs() < 1e-9 && prices[0] > 1.0, "{prices:?}");
    }

    #[test]
    fn what_was_not_measured_keeps_its_prior() {
        let prices = fit(&[row(&[2.0, 0.0], 10.0)], &[1.0, 7.0], 1e-9);
        assert!((prices[0] - 5.0).abs() < 1e-6 && (prices[1] - 7.0).abs() < 1e-9, "{prices:?}");
    }
}
