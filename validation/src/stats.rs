//! Means of correlated samples and how far to trust them.

/// A mean and its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Standard error of the mean.
    pub error: f64,
}

/// Standard errors accepted on either side: with a normal error one honest measurement in 16,000 is further
/// off, so that of some twenty random rows none should miss by chance, and a bias of a few errors is seen.
pub const ERRORS: f64 = 4.0;

/// Mean and standard error of independent values.
pub fn independent(values: &[f64]) -> Estimate {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    Estimate { mean, error: (squares / (n - 1.0) / n).sqrt() }
}

/// Mean and standard error of a correlated series by batch means: the series is cut into `batches` pieces much
/// longer than its memory, whose means are nearly independent. A remainder at the end is left out.
pub fn batch_means(series: &[f64], batches: usize) -> Estimate {
    let length = (series.len() / batches).max(1);
    let means: Vec<f64> = series
        .chunks_exact(length)
        .take(batches)
        .map(|batch| batch.iter().sum::<f64>() / length as f64)
        .collect();
    independent(&means)
}

/// A share and its standard error if every trial is independent, with probability `p` of success.
pub fn share(successes: u64, trials: u64, p: f64) -> Estimate {
    let n = trials as f64;
    Estimate { mean: successes as f64 / n, error: (p * (1.0 - p) / n).sqrt() }
}
