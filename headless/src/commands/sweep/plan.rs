//! `sweep plan`: points, cost and time before anything runs.

use super::load;
use crate::failure::Failure;
use crate::memory;
use crate::task::SweepTarget;
use sim_core::sweep::contents;
use sim_core::sweep::load::{Replications, Sweep};
use sim_core::sweep::merge::merge;
use sim_core::sweep::metrics;
use sim_core::sweep::store::{Store, StoreError};
use std::io::Write;
use std::num::NonZeroUsize;
use std::thread;

/// Points listed one by one.
const LISTED: usize = 40;
/// Time of a run beside the run itself: its plan, its name, its file; s.
const FILE_S: f64 = 0.000_3;

pub fn plan(target: &SweepTarget, out: &mut dyn Write) -> Result<(), Failure> {
    let sweep = load(target, out)?;
    writeln!(out, "{}", sweep.path.display())?;
    if let Some(question) = sweep.question() {
        writeln!(out, "  question     {question}")?;
    }
    writeln!(out, "  scenario     {}", sweep.scenario.display())?;
    for axis in &sweep.axes {
        let labels: Vec<&str> = axis.values.iter().map(|v| v.label.as_str()).collect();
        writeln!(out, "  axis         {}: {}", axis.name, labels.join(", "))?;
    }
    let mut design = format!("{:?}, {} points", sweep.design, sweep.points.len());
    if sweep.left_out > 0 {
        design += &format!(", {} left out by constraints", sweep.left_out);
    }
    let repeated = sweep.rows.len() - sweep.points.len();
    if repeated > 0 {
        design += &format!(", {repeated} of the design's rows repeat another");
    }
    writeln!(out, "  design       {design}")?;
    writeln!(out, "  replications {}", replications(&sweep.replications))?;
    for (index, point) in sweep.points.iter().take(LISTED).enumerate() {
        writeln!(out, "  point {index:<6} {}", point.describe(&sweep.axes))?;
    }
    if sweep.points.len() > LISTED {
        writeln!(out, "  ...          {} more points", sweep.points.len() - LISTED)?;
    }
    let (min, max) = sweep.replications.bounds();
    let runs = |n: u32| sweep.points.len() as u64 * u64::from(n);
    let span = if min == max { runs(min).to_string() } else { format!("{} to {}", runs(min), runs(max)) };
    let events = affordable(&sweep)? as f64 * f64::from(min);
    writeln!(out, "  cost         {span} runs, at least about {:.1} M events", events / 1e6)?;
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let mut line = format!(
        "about {} on {cores} cores, set-up and execution of blocks included",
        duration(seconds(&sweep)? * f64::from(min) / cores as f64)
    );
    // What was measured beats what is estimated.
    let store = Store::open_for(&target.out, &sweep);
    if let Err(error @ (StoreError::Changed { .. } | StoreError::OtherSweep { .. })) = &store {
        writeln!(out, "  note         {error}")?;
    }
    if let Ok(store) = store
        && let Ok(merged) = merge(&sweep, &[store])
    {
        let made: Vec<f64> = merged.points.iter().flat_map(|p| &p.runs).map(|r| r.wall_seconds).collect();
        if !made.is_empty() {
            let each = made.iter().sum::<f64>() / made.len() as f64;
            let left = duration(each * merged.missing.len() as f64 / cores as f64);
            line = format!(
                "{} runs are there, {} missing: about {left} on {cores} cores at {} a run, as measured",
                made.len(),
                merged.missing.len(),
                duration(each)
            );
        }
    }
    writeln!(out, "  time         {line}")?;
    if let Some(ns) = sweep.time_ns {
        writeln!(out, "  budget       {} a call", duration(ns as f64 / 1e9))?;
    }
    Ok(())
}

/// Refuses a sweep of which a point cannot be run on this machine. Tells the events of one replication of every point.
pub fn affordable(sweep: &Sweep) -> Result<u64, Failure> {
    let available = memory::available_bytes();
    let mut events = 0_u64;
    for (index, (point, one)) in sweep.points.iter().zip(&sweep.estimates).enumerate() {
        let name = format!("point {index} ({})", point.describe(&sweep.axes));
        one.check(&name, available)
            .map_err(|e| Failure::BadInput(format!("{}: {e}", sweep.path.display())))?;
        events = events.saturating_add(one.events);
    }
    Ok(events)
}

/// Time of one replication of every point on one core. Blocks that several points repeat are executed once, by a run of
/// its own.
fn seconds(sweep: &Sweep) -> Result<f64, Failure> {
    let mut seconds = 0.0;
    for (point, first) in contents::repeated(sweep)?.into_iter().enumerate() {
        let one = &sweep.estimates[point];
        seconds += match first {
            None => one.run_s(),
            Some(first) if first == point => one.run_s() + one.repeated_s(),
            Some(_) => one.repeated_s(),
        };
    }
    Ok(seconds + sweep.points.len() as f64 * FILE_S)
}

fn replications(rule: &Replications) -> String {
    match *rule {
        Replications::Fixed(n) => n.to_string(),
        Replications::UntilWidth { metric, relative, confidence, min, max } => format!(
            "{min} to {max}, until half the {:.0} % interval of {} is at most {:.1} % of its mean",
            confidence * 100.0,
            metrics::metric(metric).name,
            relative * 100.0
        ),
    }
}

/// A wall time in words.
pub fn duration(seconds: f64) -> String {
    match seconds {
        // An empty sum is -0.
        0.0 => "0 ms".to_owned(),
        s if s < 1.0 => format!("{:.0} ms", s * 1e3),
        s if s < 120.0 => format!("{s:.1} s"),
        s if s < 7_200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3_600.0),
    }
}
