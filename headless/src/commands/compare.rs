//! `compare`: pairs of runs of two scenarios, differences with intervals, a page with overlaid plots.

use super::diff::number;
use super::side;
use crate::failure::Failure;
use crate::task::CompareTask;
use indicatif::{ProgressBar, ProgressStyle};
use sim_core::compare::replications::{Row, gain_of_pairing};
use sim_core::compare::{Replicated, page, replicate};
use sim_core::simulation::experiment::ExperimentError;
use sim_core::sweep::metrics;
use sim_core::sweep::store::StoreError;
use std::io::{IsTerminal, Write};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

const REDRAW: Duration = Duration::from_millis(50);

pub fn compare(task: &CompareTask, out: &mut dyn Write) -> Result<(), Failure> {
    let [a, b] = [side::load(&task.sides[0], out)?, side::load(&task.sides[1], out)?];
    side::affordable(&a)?;
    side::affordable(&b)?;
    page::check_destination(&task.out).map_err(|e| of_folder(&e))?;
    let jobs = task.jobs.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
    let done = AtomicUsize::new(0);
    let found = thread::scope(|scope| {
        let worker = scope.spawn(|| replicate(&a, &b, task.replications, jobs, &done));
        let bar = bar(task);
        while !worker.is_finished() {
            bar.set_position(done.load(Ordering::Relaxed) as u64);
            thread::sleep(REDRAW);
        }
        bar.finish_and_clear();
        worker.join().map_err(|_| Failure::Failed("the simulator panicked, which is a bug".to_owned()))
    })?;
    let found = found.map_err(|error| match error {
        ExperimentError::Setup { .. } => Failure::BadInput(error.to_string()),
        _ => Failure::Failed(error.to_string()),
    })?;
    table(&found, out)?;
    let page = page::write(&task.out, [&a, &b], &found, &task.command_line).map_err(|e| of_folder(&e))?;
    Ok(writeln!(out, "report {}", page.display())?)
}

fn of_folder(error: &StoreError) -> Failure {
    match error {
        StoreError::Foreign { path } => Failure::BadInput(format!(
            "{} holds something that is no comparison: it is left untouched, choose another --out",
            path.display()
        )),
        other => Failure::Failed(other.to_string()),
    }
}

fn table(found: &Replicated, out: &mut dyn Write) -> Result<(), Failure> {
    let [a, b] = &found.labels;
    let contents = if found.pinned { "with equal block contents" } else { "each with contents of its own" };
    writeln!(out, "{} pairs, {contents}; a = {a}, b = {b}", found.pairs.len())?;
    let (equal, rest): (Vec<&Row>, Vec<&Row>) =
        found.rows.iter().partition(|r| r.difference.interval.mean == 0.0 && r.difference.effect.is_none());
    let widest = rest.iter().map(|r| metrics::metric(r.metric).name.len()).max().unwrap_or(0);
    writeln!(
        out,
        "  {:widest$}  {:>14}  {:>14}  {:>14}  95 % interval of b - a; * leaves zero out",
        "", "a", "b", "b - a"
    )?;
    for row in rest {
        let metric = metrics::metric(row.metric);
        let told = |value: f64| number(value, metric.unit);
        let i = &row.difference.interval;
        let interval = match (i.low(), i.high()) {
            (Some(low), Some(high)) => {
                let star = if row.is_clear() { " *" } else { "" };
                let relative = row.relative().and_then(|r| r[0]);
                let share = relative.map_or_else(String::new, |r| format!(" ({:+.1} %)", r * 100.0));
                let gain = gain_of_pairing(row).filter(|g| *g >= 2.0 && g.is_finite());
                let gain = gain.map_or_else(String::new, |g| format!(", pairing is worth {g:.0}x the runs"));
                format!("{} to {}{share}{star}{gain}", told(low), told(high))
            }
            _ => "no interval from one pair".to_owned(),
        };
        let [first, second] = row.means.map(|m| told(m.mean));
        writeln!(
            out,
            "  {:widest$}  {first:>14}  {second:>14}  {:>14}  {interval}",
            metric.name,
            told(i.mean)
        )?;
    }
    Ok(writeln!(out, "  {} metrics are equal in every pair", equal.len())?)
}

fn bar(task: &CompareTask) -> ProgressBar {
    if task.quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:28} {pos}/{len} pairs, about {eta} left");
    let bar = ProgressBar::new(u64::from(task.replications));
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
