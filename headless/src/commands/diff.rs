//! `diff`: two runs made again beside each other: what changed going in, what came out differently, and the first
//! node and moment at which they part.

use super::side;
use crate::failure::Failure;
use crate::task::SideTask;
use sim_core::compare::difference::{Difference, Outcome};
use sim_core::compare::{difference, inputs::Changed};
use sim_core::observe::format::{prefixed, three_digits};
use sim_core::sweep::metrics;
use std::io::Write;

/// Changed inputs listed one by one; the rest is counted.
const LISTED: usize = 40;

pub fn diff(sides: &[SideTask; 2], out: &mut dyn Write) -> Result<(), Failure> {
    let [a, b] = [side::load(&sides[0], out)?, side::load(&sides[1], out)?];
    side::affordable(&a)?;
    side::affordable(&b)?;
    let found = difference(&a, &b).map_err(side::failure)?;
    for (letter, outcome) in ["a", "b"].into_iter().zip(&found.outcomes) {
        writeln!(out, "{letter}  {}, digest {}{}", outcome.label, outcome.digest, reproduced(outcome))?;
    }
    going_in(&found.inputs, out)?;
    parting(&found, out)?;
    coming_out(&found, out)
}

/// Whether it still does what was recorded.
fn reproduced(outcome: &Outcome) -> String {
    match &outcome.recorded {
        None => String::new(),
        Some(recorded) if *recorded == outcome.digest => ", as recorded".to_owned(),
        Some(recorded) => format!(
            "; the folder says {recorded}: it was made by another version, and what follows is about this one"
        ),
    }
}

fn going_in(inputs: &[Changed], out: &mut dyn Write) -> Result<(), Failure> {
    if inputs.is_empty() {
        return Ok(writeln!(out, "inputs: equal")?);
    }
    writeln!(out, "inputs: {} values differ", inputs.len())?;
    for change in inputs.iter().take(LISTED) {
        writeln!(out, "  {}: {} -> {}", change.path, change.a, change.b)?;
    }
    if inputs.len() > LISTED {
        writeln!(out, "  and {} more", inputs.len() - LISTED)?;
    }
    Ok(())
}

fn parting(found: &Difference, out: &mut dyn Write) -> Result<(), Failure> {
    let Some(parting) = &found.parting else {
        return Ok(writeln!(out, "histories: equal at every node, to the end")?);
    };
    let (seconds, ns) = (parting.at_ns / 1_000_000_000, parting.at_ns % 1_000_000_000);
    let Some(first) = &found.first else {
        let line = "histories: not comparable node by node: the numbers of nodes differ";
        return Ok(writeln!(out, "{line}")?);
    };
    let others = match parting.nodes.len() - 1 {
        0 => String::new(),
        1 => "; with it 1 other node".to_owned(),
        n => format!("; with it {n} other nodes"),
    };
    writeln!(
        out,
        "histories: part at {seconds}.{ns:09} s, in second {seconds}, first at node {} ({}, {}){others}",
        first.node, first.region, first.class
    )?;
    Ok(writeln!(out, "  equal until then, over at least {} events", found.events_before)?)
}

fn coming_out(found: &Difference, out: &mut dyn Write) -> Result<(), Failure> {
    let [a, b] = &found.outcomes;
    let pairs = a.metrics.iter().zip(&b.metrics).enumerate().filter(|(_, (x, y))| x.is_some() || y.is_some());
    let (different, equal): (Vec<_>, Vec<_>) = pairs.partition(|(_, (x, y))| x != y);
    writeln!(out, "outcomes: {} differ, {} are equal", different.len(), equal.len())?;
    if different.is_empty() {
        return Ok(());
    }
    let widest = different.iter().map(|(n, _)| metrics::metric(*n).name.len()).max().unwrap_or(0);
    for (n, (x, y)) in different {
        let metric = metrics::metric(n);
        let told = |value: &Option<f64>| value.map_or_else(|| "-".to_owned(), |v| number(v, metric.unit));
        let change = match (x, y) {
            (Some(x), Some(y)) if *x != 0.0 => format!("{:+.1} %", (y - x) / x.abs() * 100.0),
            _ => String::new(),
        };
        writeln!(out, "  {:widest$}  {:>14}  {:>14}  {change}", metric.name, told(x), told(y))?;
    }
    Ok(())
}

/// A number to three digits with its unit.
pub fn number(value: f64, unit: &str) -> String {
    match unit {
        "-" => three_digits(value),
        "ms" => format!("{} ms", three_digits(value)),
        unit => format!("{}{unit}", prefixed(value)),
    }
}
