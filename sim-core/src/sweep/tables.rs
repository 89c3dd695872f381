//! A sweep's tables as Parquet: `runs`, `points`, `effects`, `differences`, and `indices` where the design is made
//! for them. Byte-identical from any order and number of processes.

use super::effects;
use super::load::{Design, Sweep};
use super::merge::Merged;
use super::metrics;
use super::stats::{Intervals, deviation, quantile};
use super::store::{ENGINE, Outcome, RunFile, StoreError, io_error, write_whole};
use crate::observe::tables::{Column, Get, column, describe, writer};
use std::io;
use std::path::Path;

/// Confidence of the intervals in tables and reports.
pub const CONFIDENCE: f64 = 0.95;

/// A row of `runs.parquet`.
pub struct RunRow {
    point: usize,
    replication: usize,
    axes: Vec<AxisCell>,
    run: RunFile,
}

type AxisCell = (Option<String>, Option<f64>);

/// A row of `points.parquet`.
pub struct PointRow {
    point: usize,
    axes: Vec<AxisCell>,
    metric: usize,
    runs: usize,
    values: Vec<f64>,
    mean: Option<f64>,
    half: Option<f64>,
}

fn cells(sweep: &Sweep, point: usize) -> Vec<AxisCell> {
    let values = sweep.axes.iter().zip(&sweep.points[point].values);
    values
        .map(|(axis, value)| match value {
            Some(value) => (Some(value.label.clone()), axis.size(value)),
            None => (None, None),
        })
        .collect()
}

/// Two columns an axis: the value as written, and its size where it is a number.
fn axis_columns<R>(
    sweep: &Sweep,
    text: fn(&R, usize) -> Option<String>,
    number: fn(&R, usize) -> Option<f64>,
) -> Vec<Column<R>> {
    let mut columns = Vec::new();
    for (n, axis) in sweep.axes.iter().enumerate() {
        let meaning = "axis: value as written; null: the scenario's own";
        columns.push(column(&axis.name, "-", meaning, Get::NthText(text, n)));
        let unit = if axis.unit.is_empty() { "-" } else { "see name" };
        let name = match axis.unit.as_str() {
            "" | "x" => format!("{}#number", axis.name),
            unit => format!("{}#{unit}", axis.name),
        };
        columns.push(column(
            &name,
            unit,
            "axis: size of the value, where it is a number",
            Get::NthF64(number, n),
        ));
    }
    columns
}

fn run_columns(sweep: &Sweep) -> Vec<Column<RunRow>> {
    let mut columns = vec![
        column(
            "point",
            "-",
            "position of the point in the design, from 0",
            Get::U64(|r: &RunRow| r.point as u64),
        ),
        column("replication", "-", "from 0", Get::U64(|r: &RunRow| r.replication as u64)),
    ];
    columns.extend(axis_columns(sweep, |r: &RunRow, n| r.axes[n].0.clone(), |r: &RunRow, n| r.axes[n].1));
    columns.push(column("seed", "-", "seed of the run", Get::U64(|r: &RunRow| r.run.seed)));
    columns.push(column(
        "key",
        "-",
        "name of the run's file: a hash of its resolved plan",
        Get::OptText(|r: &RunRow| Some(r.run.key.clone())),
    ));
    columns.push(column(
        "digest",
        "-",
        "digest of the run; null if it failed",
        Get::OptText(|r: &RunRow| match &r.run.outcome {
            Outcome::Done { digest, .. } => Some(digest.clone()),
            Outcome::Failed { .. } => None,
        }),
    ));
    columns.push(column(
        "pinned",
        "-",
        "it repeated block contents",
        Get::OptBool(|r: &RunRow| Some(r.run.pinned)),
    ));
    columns.push(column(
        "error",
        "-",
        "why the run failed; null if it did not",
        Get::OptText(|r: &RunRow| match &r.run.outcome {
            Outcome::Failed { error } => Some(error.clone()),
            Outcome::Done { .. } => None,
        }),
    ));
    columns.push(column(
        "warnings",
        "-",
        "things to check before trusting the numbers",
        Get::OptU64(|r: &RunRow| match &r.run.outcome {
            Outcome::Done { warnings, .. } => Some(warnings.len() as u64),
            Outcome::Failed { .. } => None,
        }),
    ));
    let number = |r: &RunRow, n: usize| match &r.run.outcome {
        Outcome::Done { metrics, .. } => metrics.get(n).copied().flatten(),
        Outcome::Failed { .. } => None,
    };
    for (n, metric) in metrics::all().enumerate() {
        columns.push(Column {
            name: metric.name.clone(),
            unit: metric.unit,
            meaning: &metric.meaning,
            get: Get::NthF64(number, n),
        });
    }
    columns
}

fn point_columns(sweep: &Sweep) -> Vec<Column<PointRow>> {
    let mut columns = vec![column(
        "point",
        "-",
        "position of the point in the design, from 0",
        Get::U64(|r: &PointRow| r.point as u64),
    )];
    columns.extend(axis_columns(sweep, |r: &PointRow, n| r.axes[n].0.clone(), |r: &PointRow, n| r.axes[n].1));
    let text = |name, meaning, get| column(name, "-", meaning, Get::OptText(get));
    columns.push(text("metric", "name of the metric", |r: &PointRow| {
        Some(metrics::metric(r.metric).name.clone())
    }));
    columns.push(text("unit", "its unit", |r: &PointRow| Some(metrics::metric(r.metric).unit.to_owned())));
    columns.push(column("replications", "-", "runs that count", Get::U64(|r: &PointRow| r.runs as u64)));
    columns.push(column(
        "n",
        "-",
        "of these, runs that have the metric",
        Get::U64(|r: &PointRow| r.values.len() as u64),
    ));
    let number = |name, meaning, get| column(name, "of the metric", meaning, Get::OptF64(get));
    columns.push(number("mean", "mean over replications", |r: &PointRow| r.mean));
    columns.push(number("deviation", "standard deviation over replications (n - 1)", |r: &PointRow| {
        deviation(&r.values)
    }));
    columns.push(number("low", "lower end of the 95 % t-interval of the mean", |r: &PointRow| {
        Some(r.mean? - r.half?)
    }));
    columns.push(number("high", "upper end of the 95 % t-interval of the mean", |r: &PointRow| {
        Some(r.mean? + r.half?)
    }));
    columns.push(number("min", "least", |r: &PointRow| quantile(&r.values, 0.0)));
    columns.push(number("p10", "quantile at 10 %, interpolated", |r: &PointRow| quantile(&r.values, 0.1)));
    columns.push(number("median", "median", |r: &PointRow| quantile(&r.values, 0.5)));
    columns.push(number("p90", "quantile at 90 %, interpolated", |r: &PointRow| quantile(&r.values, 0.9)));
    columns.push(number("max", "greatest", |r: &PointRow| quantile(&r.values, 1.0)));
    columns
}

fn run_rows<'a>(sweep: &'a Sweep, merged: &'a Merged) -> impl Iterator<Item = RunRow> + 'a {
    merged.points.iter().flat_map(move |point| {
        point.runs.iter().enumerate().map(move |(replication, run)| RunRow {
            point: point.point,
            replication,
            axes: cells(sweep, point.point),
            run: run.clone(),
        })
    })
}

fn point_rows<'a>(sweep: &'a Sweep, merged: &'a Merged) -> impl Iterator<Item = PointRow> + 'a {
    let mut intervals = Intervals::new(CONFIDENCE);
    let pairs =
        merged.points.iter().flat_map(|point| (0..metrics::count()).map(move |metric| (point, metric)));
    pairs.map(move |(point, metric)| {
        let values = point.values(metric);
        let interval = intervals.of(&values);
        PointRow {
            point: point.point,
            axes: cells(sweep, point.point),
            metric,
            runs: point.runs.len(),
            values,
            mean: interval.map(|i| i.mean),
            half: interval.and_then(|i| i.half),
        }
    })
}

/// A row of the small tables: texts, counts and numbers, as many as the table has columns of each.
struct Row {
    texts: Vec<String>,
    counts: Vec<u64>,
    numbers: Vec<Option<f64>>,
}

/// Columns of a small table: texts first, then counts, then numbers.
fn small_columns(
    texts: &[(&str, &'static str)],
    counts: &[(&str, &'static str)],
    numbers: &[(&str, &'static str)],
) -> Vec<Column<Row>> {
    let text = |(n, &(name, meaning)): (usize, &(&str, &'static str))| {
        column(name, "-", meaning, Get::NthText(|r: &Row, n| r.texts.get(n).cloned(), n))
    };
    let number = |(n, &(name, meaning)): (usize, &(&str, &'static str))| {
        column(name, "as said", meaning, Get::NthF64(|r: &Row, n| r.numbers.get(n).copied().flatten(), n))
    };
    let count = |(n, &(name, meaning)): (usize, &(&str, &'static str))| Column {
        name: name.to_owned(),
        unit: "-",
        meaning,
        get: Get::Nth(|r: &Row, n| r.counts.get(n).copied(), n),
    };
    let columns = texts.iter().enumerate().map(text).chain(counts.iter().enumerate().map(count));
    columns.chain(numbers.iter().enumerate().map(number)).collect()
}

fn effect_rows(sweep: &Sweep, merged: &Merged) -> Vec<Row> {
    let mut intervals = Intervals::new(CONFIDENCE);
    let mut rows = Vec::new();
    for metric in 0..metrics::count() {
        for effect in effects::main_effects(sweep, merged, metric, &mut intervals) {
            let name = sweep.axes[effect.axis].name.clone();
            let i = effect.interval;
            rows.push(Row {
                texts: vec![metrics::metric(metric).name.clone(), name, effect.level],
                counts: vec![effect.points as u64, i.n as u64],
                numbers: vec![Some(i.mean), i.low(), i.high()],
            });
        }
    }
    rows
}

fn difference_rows(sweep: &Sweep, merged: &Merged) -> Vec<Row> {
    let mut intervals = Intervals::new(CONFIDENCE);
    let mut rows = Vec::new();
    let Some((first, others)) = merged.points.split_first() else { return rows };
    for point in others {
        for metric in 0..metrics::count() {
            let Some(d) = effects::difference(sweep, first, point, metric, &mut intervals) else { continue };
            let i = d.interval;
            rows.push(Row {
                texts: vec![
                    metrics::metric(metric).name.clone(),
                    sweep.points[point.point].describe(&sweep.axes),
                ],
                counts: vec![point.point as u64, i.n as u64],
                numbers: vec![Some(i.mean), i.low(), i.high(), d.effect],
            });
        }
    }
    rows
}

fn index_rows(sweep: &Sweep, merged: &Merged) -> Vec<Row> {
    let mut rows = Vec::new();
    for metric in 0..metrics::count() {
        for i in effects::sobol_indices(sweep, merged, metric) {
            let (f, t) = (i.first_interval, i.total_interval);
            rows.push(Row {
                texts: vec![metrics::metric(metric).name.clone(), sweep.axes[i.axis].name.clone()],
                counts: Vec::new(),
                numbers: [i.first, f.0, f.1, i.total, t.0, t.1].map(Some).to_vec(),
            });
        }
    }
    rows
}

/// Writes all tables and their `SCHEMA.md` into a folder, each whole or not at all.
///
/// # Errors
/// The folder cannot be written.
pub fn write(sweep: &Sweep, merged: &Merged, dir: &Path) -> Result<(), StoreError> {
    let mut schema = format!("# Tables of the sweep `{}`\n\nEngine {ENGINE}.\n", sweep.name);
    table(dir, "runs.parquet", "One row a run.", &run_columns(sweep), run_rows(sweep, merged), &mut schema)?;
    let row = "One row a point and metric.";
    table(dir, "points.parquet", row, &point_columns(sweep), point_rows(sweep, merged), &mut schema)?;
    let metric = ("metric", "name of the metric");
    let (low, high) = (("low", "lower end of the 95 % interval"), ("high", "upper end of the 95 % interval"));
    let replications = ("replications", "replications behind the interval");
    let columns = small_columns(
        &[metric, ("axis", "name of the axis"), ("level", "its value, or range of values")],
        &[("points", "points with it"), replications],
        &[("mean", "mean over those points"), low, high],
    );
    let row = "Main effects: one row a metric, axis and value; the interval is over replications.";
    table(dir, "effects.parquet", row, &columns, effect_rows(sweep, merged).into_iter(), &mut schema)?;
    let columns = small_columns(
        &[metric, ("values", "the point in words")],
        &[("point", "position of the point"), replications],
        &[
            ("difference", "mean of the point minus mean of point 0"),
            low,
            high,
            ("effect", "difference over its standard deviation (paired) or the pooled one (Cohen's d)"),
        ],
    );
    let row = "One row a point (but the first) and metric: its difference with point 0, paired by replication with \
               common random numbers, Welch's interval otherwise.";
    table(
        dir,
        "differences.parquet",
        row,
        &columns,
        difference_rows(sweep, merged).into_iter(),
        &mut schema,
    )?;
    if matches!(sweep.design, Design::SobolIndices(_)) {
        let columns = small_columns(
            &[metric, ("axis", "name of the axis")],
            &[],
            &[
                ("first", "first-order index"),
                ("first_low", "lower end of its 95 % bootstrap interval"),
                ("first_high", "upper end"),
                ("total", "total index"),
                ("total_low", "lower end of its 95 % bootstrap interval"),
                ("total_high", "upper end"),
            ],
        );
        let row = "Sobol indices: one row a metric and axis.";
        table(dir, "indices.parquet", row, &columns, index_rows(sweep, merged).into_iter(), &mut schema)?;
    }
    write_whole(&dir.join("SCHEMA.md"), schema.as_bytes())
}

fn table<R>(
    dir: &Path,
    file: &str,
    row: &str,
    columns: &[Column<R>],
    rows: impl Iterator<Item = R>,
    schema: &mut String,
) -> Result<(), StoreError> {
    let path = dir.join(file);
    let mut bytes = Vec::new();
    writer::write(&mut bytes, columns, || rows)
        .map_err(io::Error::other)
        .map_err(io_error("encode", &path))?;
    write_whole(&path, &bytes)?;
    schema.push_str(&format!(
        "\n## {file}\n\n{row}\n\n| column | type | unit | meaning |\n|---|---|---|---|\n"
    ));
    for [name, kind, unit, meaning] in describe(columns) {
        schema.push_str(&format!("| `{name}` | {kind} | {unit} | {meaning} |\n"));
    }
    Ok(())
}
