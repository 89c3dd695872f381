//! How often a payload is published by a node that does not have the previous one yet.
//!
//! The simulator counts such payloads itself; here they are counted again from the arrival times in the
//! record, which do not know of that count.

use crate::check::{Check, Effort, Expected, Finding, Row};
use crate::nets::{self, Study, machine};
use crate::stats::{ERRORS, independent, share};
use anyhow::Result;
use sim_core::kernel::math;
use sim_core::net::data;
use sim_core::observe::record::RunRecord;
use sim_core::scenario::plan::TopologyPlan;

/// Constant delay.
pub const CONSTANT: Check = Check {
    name: "fork-constant-delay",
    family: "forks",
    question: "With Poisson proposals every T on average and a delay Delta to everyone, how often does a proposer not know the last proposal?",
    expected: "(1 - 1/N)(1 - exp(-Delta/T)): a gap shorter than Delta, and a proposer other than the last of N equals, who knows his own",
    source: "Decker and Wattenhofer 2013 with a step for f(t); vectors (12.6 s, 600 s): 0.020781, (1, 12): 0.079956, (2, 12): 0.153518",
    tolerance: "4 standard errors of a share of independent trials (gaps and proposers are independent, so trials are)",
    understood_miss: None,
    run: constant,
};

/// Measured curve.
pub const INFORMED_FRACTION: Check = Check {
    name: "fork-informed-fraction",
    family: "forks",
    question: "In a real network, how often is a payload followed by another from a node it has not reached?",
    expected: "mean over payloads of 1 - exp(-(1/T) integral of (1 - f(t)) dt), f(t) the measured share of proposers informed after t",
    source: "Decker and Wattenhofer 2013, with hash power replaced by equal stake; exact for Poisson proposals, whatever the shape of f",
    tolerance: "4 standard errors of the mean difference between outcome (0 or 1) and probability by payload; \
                a payload's own curve is used, so that the network's variety does not enter",
    understood_miss: None,
    run: informed_fraction,
};

/// Whether each payload but the first comes from a node that lacks the one before.
fn uninformed(record: &RunRecord) -> Vec<bool> {
    let arrivals = nets::arrivals(record);
    let pairs = record.blocks.windows(2).zip(&arrivals);
    pairs.map(|(pair, previous)| lacks(previous, pair[1].proposer, pair[1].published_ns)).collect()
}

fn lacks(arrived: &[Option<u64>], node: u32, now_ns: u64) -> bool {
    // A timer comes before a delivery of the same instant.
    arrived[node as usize].is_none_or(|at| at >= now_ns)
}

fn constant(effort: Effort) -> Result<Finding> {
    let mut finding = Finding::default();
    for (delay_ms, interval_ms) in [(12.6, 600.0), (250.0, 3_000.0), (500.0, 3_000.0), (2_000.0, 2_000.0)] {
        let nodes = 20;
        let (mut forks, mut trials) = (0, 0);
        for seed in 1..=effort.pick(3, 30) {
            let mut study = Study::new(nodes, TopologyPlan::FullMesh);
            study.latency_scale_ppm = (delay_ms / 100.0 * 1e6) as u64;
            study.interval_ns = (interval_ms * 1e6) as u64;
            study.poisson = true;
            study.payloads = effort.pick(1_000, 2_000);
            study.seed = seed;
            let found = uninformed(&study.run()?);
            forks += found.iter().filter(|f| **f).count() as u64;
            trials += found.len() as u64;
        }
        let p = (1.0 - 1.0 / f64::from(nodes)) * -math::exp_m1(-delay_ms / interval_ms);
        let found = share(forks, trials, p);
        let expected = Expected::Near { value: p, tolerance: ERRORS * found.error };
        let case = format!("Delta/T = {delay_ms} ms / {interval_ms} ms");
        finding.rows.push(Row::new(
            case,
            found.mean,
            expected,
            "",
            format!("{trials} proposals by {nodes} nodes"),
        ));
    }
    Ok(finding)
}

fn informed_fraction(effort: Effort) -> Result<Finding> {
    let mut finding = Finding::default();
    for (bytes, interval_ns) in [(2_000, 2_000_000_000_u64), (100_000, 6_000_000_000)] {
        let nodes = 64;
        let (mut happened, mut probability, mut next) = (Vec::new(), Vec::new(), Vec::new());
        for seed in 1..=effort.pick(2, 12) {
            let mut study = Study::new(nodes, TopologyPlan::RandomRegular { degree: 8 });
            study.latency = "aws-2026";
            study.latency_scale_ppm = 2_000_000;
            study.jitter = data::default_jitter();
            study.hardware =
                vec![(machine(25_000_000, 50_000_000), 3), (machine(100_000_000, 200_000_000), 1)];
            study.payload_bytes = bytes;
            study.interval_ns = interval_ns;
            study.poisson = true;
            study.payloads = effort.pick(800, 3_000);
            study.seed = seed;
            let record = study.run()?;
            let arrivals = nets::arrivals(&record);
            for (k, block) in record.blocks.iter().enumerate() {
                let reached: Option<Vec<u64>> = arrivals[k].iter().copied().collect();
                let Some(reached) = reached else { anyhow::bail!("payload {k} did not reach everybody") };
                let last = reached.iter().copied().max().unwrap_or(0);
                // Later payloads while this one was under way; the last ones of a run have no successors.
                let later = record.blocks[k + 1..].iter().take_while(|b| b.published_ns <= last);
                let fork = later.clone().any(|b| lacks(&arrivals[k], b.proposer, b.published_ns));
                if record.blocks.last().is_some_and(|b| b.published_ns < last) {
                    continue;
                }
                let total: f64 = reached.iter().map(|at| (at - block.published_ns) as f64).sum();
                let delay = total / f64::from(nodes);
                probability.push(-math::exp_m1(-delay / interval_ns as f64));
                happened.push(f64::from(u8::from(fork)));
            }
            next.extend(uninformed(&record).into_iter().map(|u| f64::from(u8::from(u))));
        }
        let differences: Vec<f64> = happened.iter().zip(&probability).map(|(h, p)| h - p).collect();
        let (found, measured, expected) =
            (independent(&differences), independent(&happened), independent(&probability));
        let value = Expected::Near { value: expected.mean, tolerance: ERRORS * found.error };
        let sample = format!("{} payloads, {nodes} nodes", happened.len());
        finding.rows.push(Row::new(
            format!("{bytes} B: followed from an uninformed node"),
            measured.mean,
            value,
            "",
            &sample,
        ));
        finding.notes.push(format!(
            "{bytes} B: a share {:.5} of proposers lacked the payload just before theirs. That is the other common meaning \
             of a fork; it counts a pair once, and equals the above for a constant delay only.",
            independent(&next).mean
        ));
    }
    Ok(finding)
}
