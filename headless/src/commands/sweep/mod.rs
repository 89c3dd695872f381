//! `sweep`: many runs of one scenario.

mod emit;
mod plan;
mod run;

use crate::failure::Failure;
use crate::task::{MergeTask, SweepTarget, SweepTask};
use sim_core::sweep::load::Sweep;
use sim_core::sweep::merge::{MergeError, Merged, merge};
use sim_core::sweep::store::{ENGINE, Store, StoreError};
use sim_core::sweep::{report, tables};
use std::io::Write;

/// Failures listed one by one; the rest is counted.
const LISTED: usize = 10;

pub fn sweep(task: &SweepTask, out: &mut dyn Write) -> Result<(), Failure> {
    match task {
        SweepTask::Plan(target) => plan::plan(target, out),
        SweepTask::Run(task) => run::run(task, out),
        SweepTask::Status(target) => status(target, out),
        SweepTask::Merge(task) => merge_runs(task, out),
        SweepTask::Report(target) => write_report(target, out),
        SweepTask::Emit { engine, target, shards, jobs } => {
            emit::emit(*engine, target, shards.get(), jobs.get(), out)
        }
    }
}

fn load(target: &SweepTarget, out: &mut dyn Write) -> Result<Sweep, Failure> {
    let sweep = Sweep::load(&target.file, &target.changes)?;
    for warning in &sweep.warnings {
        writeln!(out, "warning: {warning}")?;
    }
    Ok(sweep)
}

/// What is in the way of a folder is bad input; what the system refuses is a failure.
fn of_store(error: StoreError) -> Failure {
    match error {
        StoreError::Io { .. } => Failure::Failed(error.to_string()),
        _ => Failure::BadInput(error.to_string()),
    }
}

fn merged(sweep: &Sweep, stores: &[Store]) -> Result<Merged, Failure> {
    merge(sweep, stores).map_err(|error| match error {
        MergeError::Scenario(error) => error.into(),
        MergeError::Store(error) => of_store(error),
        MergeError::Conflict { .. } => Failure::BadInput(error.to_string()),
    })
}

fn status(target: &SweepTarget, out: &mut dyn Write) -> Result<(), Failure> {
    let sweep = load(target, out)?;
    let store = Store::open_for(&target.out, &sweep).map_err(of_store)?;
    let merged = merged(&sweep, std::slice::from_ref(&store))?;
    let there: usize = merged.points.iter().map(|p| p.runs.len()).sum();
    writeln!(out, "{} in {}", sweep.name, target.out.display())?;
    writeln!(out, "  engine       {ENGINE}")?;
    writeln!(out, "  points       {}", sweep.points.len())?;
    let more = if merged.is_complete() { "complete" } else { "run `headless sweep run` to go on" };
    writeln!(out, "  runs         {there} there, {} missing: {more}", merged.missing.len())?;
    let seconds: f64 = merged.points.iter().flat_map(|p| &p.runs).map(|r| r.wall_seconds).sum();
    writeln!(out, "  time spent   {} on one core", plan::duration(seconds))?;
    for path in &merged.damaged {
        writeln!(out, "  damaged      {}: will be run again", path.display())?;
    }
    other_engines(&store, out)?;
    failures(&sweep, &merged.failed(), out)
}

fn other_engines(store: &Store, out: &mut dyn Write) -> Result<(), Failure> {
    for (engine, count) in store.other_engines() {
        writeln!(out, "  kept apart   {count} runs of the engine {engine}: this one is {ENGINE}")?;
    }
    Ok(())
}

fn failures(sweep: &Sweep, failed: &[(usize, u32, &str)], out: &mut dyn Write) -> Result<(), Failure> {
    for (point, replication, error) in failed.iter().take(LISTED) {
        let values = sweep.points[*point].describe(&sweep.axes);
        writeln!(out, "  failed       point {point} ({values}), replication {replication}: {error}")?;
    }
    if failed.len() > LISTED {
        writeln!(out, "  failed       and {} more", failed.len() - LISTED)?;
    }
    Ok(())
}

fn merge_runs(task: &MergeTask, out: &mut dyn Write) -> Result<(), Failure> {
    let MergeTask { target, from, partial } = task;
    let sweep = load(target, out)?;
    let mut stores = Vec::new();
    if from.is_empty() || target.out.join("sweep.json").is_file() {
        stores.push(Store::open_for(&target.out, &sweep).map_err(of_store)?);
    }
    for dir in from {
        let store = Store::open_for(dir, &sweep).map_err(of_store)?;
        other_engines(&store, out)?;
        stores.push(store);
    }
    let merged = merged(&sweep, &stores)?;
    if !merged.is_complete() && !partial {
        let (point, replication) = merged.missing[0];
        return Err(Failure::BadInput(format!(
            "{} runs are missing, the first is replication {replication} of point {point} ({}); run them, name \
             further folders with --from, or give --partial",
            merged.missing.len(),
            sweep.points[point].describe(&sweep.axes)
        )));
    }
    Store::create(&target.out, &sweep).map_err(of_store)?;
    tables::write(&sweep, &merged, &target.out).map_err(of_store)?;
    let runs: usize = merged.points.iter().map(|p| p.runs.len()).sum();
    let missing = match merged.missing.len() {
        0 => String::new(),
        n => format!(", {n} missing"),
    };
    writeln!(out, "{runs} runs of {} points merged{missing}", sweep.points.len())?;
    if merged.repeated > 0 {
        writeln!(out, "{} runs lie in more than one folder, with the same results", merged.repeated)?;
    }
    failures(&sweep, &merged.failed(), out)?;
    Ok(writeln!(out, "tables {}, described in SCHEMA.md", target.out.join("*.parquet").display())?)
}

fn write_report(target: &SweepTarget, out: &mut dyn Write) -> Result<(), Failure> {
    let sweep = load(target, out)?;
    let store = Store::open_for(&target.out, &sweep).map_err(of_store)?;
    let merged = merged(&sweep, std::slice::from_ref(&store))?;
    if !merged.is_complete() {
        writeln!(out, "warning: {} runs are missing: the page shows what is there", merged.missing.len())?;
    }
    let page = report::write(&sweep, &merged, &store).map_err(of_store)?;
    Ok(writeln!(out, "report {}", page.display())?)
}
