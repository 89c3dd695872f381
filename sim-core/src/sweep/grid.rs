//! A metric over the values of the first two axes: what a heat map shows, whoever draws it.

use super::alike::{Levels, Over, alike, grouped};
use super::load::Sweep;
use super::merge::Merged;
use super::stats::{Interval, Intervals};
use super::tables::CONFIDENCE;

/// Most values of an axis that have a row or a column each; more numbers are put into ranges.
pub const NAMES_MAX: usize = 24;

/// One field of the grid.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Field {
    /// Mean, with an interval where there are replications; `None` where nothing comparable is there.
    pub interval: Option<Interval>,
    /// Points with both values, in the order of the design; several where there are further axes.
    pub points: Vec<usize>,
}

impl Field {
    /// The mean.
    pub fn mean(&self) -> Option<f64> {
        self.interval.map(|interval| interval.mean)
    }
}

/// A metric over two axes; with a single axis there is one row without a name. Fields are compared over the same
/// combinations of further axes and the same replications.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// Values of the first axis, or a single empty name.
    pub rows: Vec<String>,
    /// Values of the second axis, or of the only one.
    pub columns: Vec<String>,
    /// By row and column.
    pub fields: Vec<Vec<Field>>,
    /// What a field is averaged over.
    pub over: Over,
}

impl Grid {
    /// The grid of a metric.
    pub fn new(sweep: &Sweep, merged: &Merged, metric: usize) -> Self {
        let two = sweep.axes.len() > 1;
        let rows = two.then(|| Levels::new(sweep, 0, NAMES_MAX));
        let columns = Levels::new(sweep, usize::from(two), NAMES_MAX);
        let width = columns.names.len();
        let place = |point: usize| {
            let row = rows.as_ref().map_or(Some(0), |rows| rows.of(point))?;
            Some(row * width + columns.of(point)?)
        };
        let names = rows.as_ref().map_or_else(|| vec![String::new()], |rows| rows.names.clone());
        let groups = grouped(merged, names.len() * width, place);
        let varied: &[usize] = if two { &[0, 1] } else { &[0] };
        let found = alike(sweep, &groups, varied, metric, &mut Intervals::new(CONFIDENCE));
        let mut fields: Vec<Field> =
            found.intervals.into_iter().map(|interval| Field { interval, points: Vec::new() }).collect();
        for point in 0..sweep.points.len() {
            if let Some(field) = place(point) {
                fields[field].points.push(point);
            }
        }
        let fields = fields.chunks(width.max(1)).map(<[Field]>::to_vec).collect();
        Self { rows: names, columns: columns.names, fields, over: found.over }
    }

    /// Least and greatest mean; `None` where no field has one.
    pub fn ends(&self) -> Option<(f64, f64)> {
        let known = || self.fields.iter().flatten().filter_map(Field::mean);
        known().next()?;
        Some((known().fold(f64::MAX, f64::min), known().fold(f64::MIN, f64::max)))
    }

    /// Share of the fields that have a mean.
    pub fn known(&self) -> f64 {
        let known = self.fields.iter().flatten().filter(|field| field.interval.is_some()).count();
        known as f64 / (self.rows.len() * self.columns.len()).max(1) as f64
    }
}
