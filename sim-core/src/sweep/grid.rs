//! A metric over the values of the first two axes: what a heat map shows, whoever draws it.

use super::load::Sweep;
use super::merge::Merged;
use super::stats::mean;

/// One field of the grid.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Field {
    /// Mean over the runs of its points; `None` where none has the metric.
    pub mean: Option<f64>,
    /// Points with both values, in the order of the design; several where there are further axes.
    pub points: Vec<usize>,
}

/// A metric over two axes; with a single axis there is one row without a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// Values of the first axis, or a single empty name.
    pub rows: Vec<String>,
    /// Values of the second axis, or of the only one.
    pub columns: Vec<String>,
    /// By row and column.
    pub fields: Vec<Vec<Field>>,
}

impl Grid {
    /// The grid of a metric.
    pub fn new(sweep: &Sweep, merged: &Merged, metric: usize) -> Self {
        let two = sweep.axes.len() > 1;
        let rows = if two { labels(sweep, 0) } else { vec![String::new()] };
        let columns = labels(sweep, usize::from(two));
        let is = |point: usize, axis: usize, label: &str| {
            sweep.points[point].values[axis].as_ref().is_some_and(|value| value.label == label)
        };
        let field = |row: &String, column: &String| {
            let here = |point: &usize| {
                is(*point, usize::from(two), column.as_str()) && (!two || is(*point, 0, row.as_str()))
            };
            let points: Vec<usize> = (0..sweep.points.len()).filter(here).collect();
            let runs = merged.points.iter().filter(|p| points.contains(&p.point));
            let values: Vec<f64> = runs.flat_map(|p| p.values(metric)).collect();
            Field { mean: mean(&values), points }
        };
        let fields =
            rows.iter().map(|row| columns.iter().map(|column| field(row, column)).collect()).collect();
        Self { rows, columns, fields }
    }

    /// Least and greatest mean; `None` where no field has one.
    pub fn ends(&self) -> Option<(f64, f64)> {
        let known = || self.fields.iter().flatten().filter_map(|field| field.mean);
        known().next()?;
        Some((known().fold(f64::MAX, f64::min), known().fold(f64::MIN, f64::max)))
    }

    /// Share of the fields that have a mean.
    pub fn known(&self) -> f64 {
        let known = self.fields.iter().flatten().filter(|field| field.mean.is_some()).count();
        known as f64 / (self.rows.len() * self.columns.len()).max(1) as f64
    }
}

/// Distinct labels of an axis in the design, in the order of their sizes, or of the design.
pub fn labels(sweep: &Sweep, axis: usize) -> Vec<String> {
    let mut found: Vec<(String, Option<f64>)> = Vec::new();
    for value in sweep.points.iter().filter_map(|p| p.values[axis].as_ref()) {
        if !found.iter().any(|(label, _)| *label == value.label) {
            found.push((value.label.clone(), value.number));
        }
    }
    if found.iter().all(|(_, number)| number.is_some()) {
        found.sort_by(|a, b| a.1.unwrap_or(0.0).total_cmp(&b.1.unwrap_or(0.0)));
    }
    found.into_iter().map(|(label, _)| label).collect()
}
