//! A finished sweep, read on a thread of its own: its points, their numbers, the way back to a point's scenario.
//!
//! Must never be true: that the window waits for a file, or that a number is drawn that the sweep's own report would
//! not show.

use sim_core::scenario::Scenario;
use sim_core::sweep::grid::Grid;
use sim_core::sweep::stats::Intervals;
use sim_core::sweep::{Merged, Store, Sweep, figures, merge, metrics, tables};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, TryRecvError, channel};

/// A sweep's folder, as it is drawn.
pub struct Opened {
    /// Where it lies.
    pub path: PathBuf,
    /// What was swept.
    pub sweep: Sweep,
    /// Its runs.
    pub merged: Merged,
    /// Metrics that some run has: those the sweep asks for, then the others.
    pub metrics: Vec<usize>,
    /// The metric that is drawn, as a position in `metrics`.
    pub metric: usize,
    /// Its grid.
    pub grid: Grid,
    /// The point that is looked at.
    pub point: Option<usize>,
    /// Runs that failed: point, replication, why.
    pub failed: Vec<(usize, u32, String)>,
}

/// A point's number in words: mean, interval, runs.
pub struct Number {
    /// Name of the metric.
    pub name: String,
    /// Mean over its runs.
    pub mean: Option<f64>,
    /// Ends of the 95 % t-interval.
    pub interval: Option<(f64, f64)>,
    /// Runs behind it.
    pub runs: usize,
}

/// A folder that is being read.
pub struct Reading(Receiver<Result<Opened, String>>);

impl Reading {
    /// Begins to read a folder; `wake` is called from another thread when it is there.
    pub fn start(path: &Path, wake: impl Fn() + Send + 'static) -> Self {
        let (sender, outcome) = channel();
        let path = path.to_owned();
        let spawned = std::thread::Builder::new().name("sweep".to_owned()).spawn(move || {
            // Nobody listens any more: then nobody needs to know.
            let _ = sender.send(Opened::read(&path));
            wake();
        });
        // Without a thread there is no sender, and the reading ends as one that broke off.
        drop(spawned);
        Self(outcome)
    }

    /// What was read, once.
    pub fn poll(&self) -> Option<Result<Opened, String>> {
        match self.0.try_recv() {
            Ok(outcome) => Some(outcome),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err("reading the sweep broke off".to_owned())),
        }
    }
}

impl Opened {
    /// Reads a sweep's folder.
    ///
    /// # Errors
    /// It is none, it is of another version, or no run of it is there; in words.
    pub fn read(path: &Path) -> Result<Self, String> {
        let store = Store::open(path).map_err(|e| e.to_string())?;
        let manifest = store.manifest().map_err(|e| e.to_string())?;
        let sweep = Sweep::of_manifest(&manifest).map_err(|e| e.to_string())?;
        let merged = merge(&sweep, std::slice::from_ref(&store)).map_err(|e| e.to_string())?;
        let has = |metric: &usize| merged.points.iter().any(|p| !p.values(*metric).is_empty());
        let drawn = || sweep.drawn.iter().copied().filter(has);
        let others = (0..metrics::count()).filter(|m| !sweep.drawn.contains(m)).filter(has);
        let metrics: Vec<usize> = drawn().chain(others).collect();
        if merged.points.iter().all(|p| p.runs.is_empty()) {
            let kept: Vec<String> = store.other_engines().into_iter().map(|(engine, _)| engine).collect();
            let apart = match kept.as_slice() {
                [] => String::new(),
                engines => format!("; there are runs of other engines ({})", engines.join(", ")),
            };
            return Err(format!("{}: no run of this version's engine is there{apart}", path.display()));
        }
        // Where every run failed there is no metric, and no field of the grid has a value.
        let grid = Grid::new(&sweep, &merged, metrics.first().copied().unwrap_or(0));
        let failed =
            merged.failed().into_iter().map(|(point, run, error)| (point, run, error.to_owned())).collect();
        Ok(Self { path: path.to_owned(), sweep, merged, metrics, metric: 0, grid, point: None, failed })
    }

    /// Draws another metric.
    pub fn choose(&mut self, metric: usize) {
        if let Some(&position) = self.metrics.get(metric) {
            self.metric = metric;
            self.grid = Grid::new(&self.sweep, &self.merged, position);
        }
    }

    /// Name and unit of a metric.
    pub fn named(&self, metric: usize) -> String {
        self.metrics.get(metric).map_or_else(String::new, |position| figures::named(*position))
    }

    /// The numbers of a point, in the order of the metrics.
    pub fn numbers(&self, point: usize) -> Vec<Number> {
        let mut intervals = Intervals::new(tables::CONFIDENCE);
        let Some(runs) = self.merged.points.get(point) else { return Vec::new() };
        let number = |metric: &usize| {
            let values = runs.values(*metric);
            let interval = intervals.of(&values);
            Number {
                name: figures::named(*metric),
                mean: interval.map(|i| i.mean),
                interval: interval.and_then(|i| Some((i.low()?, i.high()?))),
                runs: values.len(),
            }
        };
        self.metrics.iter().map(number).collect()
    }

    /// The scenario of a point's first replication, to be run in the window.
    ///
    /// # Errors
    /// A file that the scenario names is not there any more.
    pub fn scenario(&self, point: usize) -> Result<Scenario, String> {
        let base = self.sweep.plan(point, 0).map_err(|e| e.to_string())?;
        let values = self.sweep.points[point].describe(&self.sweep.axes);
        Ok(Scenario {
            path: self.path.join("sweep.json"),
            comment: vec![format!("Question: {}: {values}", self.sweep.name)],
            preset: String::new(),
            base,
            arms: Vec::new(),
            warnings: Vec::new(),
        })
    }
}
