//! One uplink as a queue: Poisson messages of one size, served first in, first out.
//!
//! The real fabric is driven by its own events: a timer at node 0 sends a message to node 1 and sets the next
//! timer; node 2 looks at node 0's backlog at regular times. Nothing of the queue is re-implemented here.

use crate::check::{Check, Effort, Expected, Finding, Row};
use crate::nets::{ENDLESS_BPS, NO_JITTER, Study, machine};
use crate::plots::{self, Frame, Series};
use crate::stats::{ERRORS, Estimate, batch_means, independent};
use anyhow::Result;
use sim_core::kernel::event::Moment;
use sim_core::kernel::ids::NodeId;
use sim_core::kernel::random::{Purpose, draw, exponential_duration};
use sim_core::kernel::time::{SimDuration, SimTime};
use sim_core::net::fabric::{Delivery, Fabric, LinkRates};
use sim_core::net::message::{MessageKind, class, timer};
use sim_core::net::topology::Topology;
use sim_core::net::{LatencyModel, data};
use sim_core::observe::record::Part;
use sim_core::scenario::plan::{StakePlan, TopologyPlan};
use std::sync::Arc;

/// Waiting times.
pub const MD1: Check = Check {
    name: "md1-uplink-wait",
    family: "access links",
    question: "Do messages wait for a shared uplink (and a shared downlink) as long as customers of an M/D/1 queue?",
    expected: "mean wait = rho / (2 mu (1 - rho)); mu = rate / message size, rho = arrivals a second / mu",
    source: "Pollaczek 1930, Khinchine 1932; vectors in the project's closed forms (rho 0.5: 0.5, rho 0.8: 2.0 service times)",
    tolerance: "4 standard errors by the means of 50 batches (at rho 0.9 a batch is some hundred times the queue's memory of about 1 / (1 - rho)^2 services); \
                and the standard error itself at most 3 % of the expected value, so that noise cannot pass for agreement",
    understood_miss: None,
    run: md1,
};

/// Little's law.
pub const LITTLE: Check = Check {
    name: "littles-law",
    family: "access links",
    question: "Is the mean number of messages in the uplink (waiting or on the wire) arrival rate times mean time in it?",
    expected: "L / (lambda W) = 1; L from the backlog seen at regular times by another node, W from the messages' own records",
    source: "Little 1961, A proof for the queuing formula L = lambda W",
    tolerance: "4 standard errors of the ratio over 50 windows of time; messages at the edges of a window and the \
                sampling of L in between are what the error consists of",
    understood_miss: None,
    run: little,
};

const BYTES: u64 = 100_000;
const BPS: u64 = 100_000_000;
/// 100 kB at 100 Mbit/s.
const SERVICE_NS: u64 = 8_000_000;
/// Not a multiple of anything.
const LOOK_NS: u64 = 4_944_272;
const BATCHES: usize = 50;
const GAPS: Purpose = Purpose(Purpose::FIRST_CUSTOM + 1);
const SENDER: NodeId = NodeId(0);
const RECEIVER: NodeId = NodeId(1);
const WATCHER: NodeId = NodeId(2);

/// What was seen of a queue, without the warm-up.
struct Seen {
    /// Time in the queue by message, service times.
    waits: Vec<f64>,
    /// Window means: number in the system, arrival rate (per ns), time in the system (ns).
    windows: Vec<[f64; 3]>,
}

/// Which link is the bottleneck; the other is endless.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Link {
    Up,
    Down,
}

/// Drives the fabric at a utilisation given in percent. The backlog is looked at for the uplink only.
fn watch(link: Link, percent: u64, messages: u64, seed: u64) -> Result<Seen> {
    let topology = Topology::build(&TopologyPlan::FullMesh, 3, |k| draw(seed, Purpose::TOPOLOGY, 0, k))?;
    let latency = LatencyModel::new(&data::latency_table("uniform-10ms")?, 1_000_000, &NO_JITTER)?;
    let rates = match link {
        Link::Up => LinkRates { up_bps: BPS, down_bps: BPS },
        Link::Down => LinkRates { up_bps: ENDLESS_BPS, down_bps: BPS },
    };
    let rates = vec![rates];
    let mut fabric = Fabric::new(seed, Arc::new(topology), Arc::new(latency), rates, &[(0, 0); 3], 1);
    let mean_gap = SimDuration(SERVICE_NS * 100 / percent);
    let mut sent = 0;
    let warm_up_ns = mean_gap.0 * messages / 50;
    let window_ns = mean_gap.0 * messages / BATCHES as u64;
    let end_ns = warm_up_ns + window_ns * BATCHES as u64;
    let gap = |n: u64| exponential_duration(draw(seed, GAPS, percent, n), mean_gap);
    fabric.timer(Moment::default(), gap(0), SENDER, timer::WORKLOAD, 0);
    fabric.timer(Moment::default(), SimDuration(LOOK_NS), WATCHER, timer::WORKLOAD, 0);
    let mut waits = Vec::with_capacity(messages as usize);
    // By window: looks, seen; messages, their time.
    let mut sums = vec![[0_f64; 4]; BATCHES];
    let window =
        |at: u64| at.checked_sub(warm_up_ns).map(|t| (t / window_ns) as usize).filter(|w| *w < BATCHES);
    while let Some(event) = fabric.next_event(SimTime(end_ns)) {
        let now = event.moment();
        match event.class() {
            class::TIMER if event.destination() == SENDER => {
                fabric.send_direct(now, SENDER, RECEIVER, MessageKind::Vote, BYTES, 0, 0, sent);
                sent += 1;
                fabric.timer(now, gap(sent), SENDER, timer::WORKLOAD, 0);
            }
            class::TIMER => {
                let backlog_ns = fabric.uplink_free(SENDER).0.saturating_sub(now.time.0);
                if let Some(w) = window(now.time.0) {
                    sums[w][0] += 1.0;
                    sums[w][1] += backlog_ns.div_ceil(SERVICE_NS) as f64;
                }
                fabric.timer(now, SimDuration(LOOK_NS), WATCHER, timer::WORKLOAD, 0);
            }
            class::ARRIVE => fabric.arrive(event),
            _ => {
                let Delivery::Direct(index) = fabric.deliver(event) else { continue };
                let message = *fabric.direct(index);
                fabric.free_direct(index);
                if let Some(w) = window(message.enqueued_ns) {
                    let wait_ns = match link {
                        Link::Up => message.up_start_ns - message.enqueued_ns,
                        Link::Down => message.delivered_ns - message.arrive_ns - SERVICE_NS,
                    };
                    waits.push(wait_ns as f64 / SERVICE_NS as f64);
                    sums[w][2] += 1.0;
                    sums[w][3] += (message.up_finish_ns - message.enqueued_ns) as f64;
                }
            }
        }
    }
    let means = |[looks, seen, count, time]: [f64; 4]| [seen / looks, count / window_ns as f64, time / count];
    Ok(Seen { waits, windows: sums.into_iter().map(means).collect() })
}

const UTILISATIONS: [u64; 4] = [30, 50, 70, 90];

fn md1(effort: Effort) -> Result<Finding> {
    let mut finding = Finding::default();
    let mut dots = Vec::new();
    for percent in UTILISATIONS {
        let messages = effort.pick(150_000, 3_000_000) * if percent == 90 { 2 } else { 1 };
        let seen = watch(Link::Up, percent, messages, 11)?;
        let rho = percent as f64 / 100.0;
        let expected = rho / (2.0 * (1.0 - rho));
        let found = batch_means(&seen.waits, BATCHES);
        let sample = format!("{} messages, standard error {:.4}", seen.waits.len(), found.error);
        finding.rows.push(near(format!("rho {rho}"), found, expected, sample.clone()));
        // A tenth of the sample is about three times as noisy.
        let noisiest = effort.pick(0.12, 0.03);
        let noise = found.error / expected;
        let case = format!("rho {rho}: relative standard error");
        finding.rows.push(Row::new(case, noise, Expected::AtMost(noisiest), "", sample));
        dots.push((rho, found.mean));
    }
    let seen = watch(Link::Down, 70, effort.pick(150_000, 2_000_000), 13)?;
    let found = batch_means(&seen.waits, BATCHES);
    let sample = format!("{} messages, standard error {:.4}", seen.waits.len(), found.error);
    finding.rows.push(near("downlink, rho 0.7".to_owned(), found, 0.7 / 0.6, sample));
    finding.rows.push(through_the_facade(effort)?);
    let curve = (1..=46).map(|k| f64::from(k) * 0.02).map(|rho| (rho, rho / (2.0 * (1.0 - rho)))).collect();
    let frame = Frame {
        title: "Waiting for the uplink",
        subtitle: "Mean wait in service times over utilisation: measured (dots), M/D/1 (line)",
        x: "utilisation",
        y: "mean wait (service times)",
        log_y: false,
        log_x: false,
    };
    let series = [
        Series { name: "M/D/1", points: curve, is_line: true },
        Series { name: "measured", points: dots, is_line: false },
    ];
    finding.plot = Some(plots::draw(&frame, &series));
    Ok(finding)
}

/// The same queue as a user meets it: Poisson payloads from one node to another, and the part of their way that
/// the record calls waiting for the uplink.
fn through_the_facade(effort: Effort) -> Result<Row> {
    let mut study = Study::new(2, TopologyPlan::FullMesh);
    study.hardware = vec![(machine(BPS, BPS), 1)];
    study.stake = StakePlan::Given(vec![1, 0]);
    study.poisson = true;
    study.payload_bytes = BYTES;
    study.interval_ns = SERVICE_NS * 2;
    study.payloads = effort.pick(20_000, 95_000);
    let record = study.run()?;
    let waits: Vec<f64> = record
        .node_blocks
        .iter()
        .filter(|at| at.node == 1)
        .skip(500)
        .map(|at| at.to_verified.get(Part::QueueUp) as f64 / SERVICE_NS as f64)
        .collect();
    let found = batch_means(&waits, BATCHES);
    let sample = format!("{} payloads, standard error {:.4}", waits.len(), found.error);
    Ok(near("rho 0.5, whole simulation: `uplink queue` of the record".to_owned(), found, 0.5, sample))
}

fn near(case: String, found: Estimate, value: f64, sample: String) -> Row {
    Row::new(
        case,
        found.mean,
        Expected::Near { value, tolerance: ERRORS * found.error },
        "service times",
        sample,
    )
}

fn little(effort: Effort) -> Result<Finding> {
    let mut finding = Finding::default();
    for percent in UTILISATIONS {
        let messages = effort.pick(100_000, 1_000_000);
        let seen = watch(Link::Up, percent, messages, 12)?;
        let ratios: Vec<f64> = seen.windows.iter().map(|[l, lambda, w]| l / (lambda * w)).collect();
        let found = independent(&ratios);
        let mean = |k: usize| seen.windows.iter().map(|w| w[k]).sum::<f64>() / BATCHES as f64;
        let sample = format!(
            "{} messages, looks every {:.1} ms; L {:.4}, lambda W {:.4}, standard error of the ratio {:.5}",
            seen.waits.len(),
            LOOK_NS as f64 / 1e6,
            mean(0),
            mean(1) * mean(2),
            found.error
        );
        let expected = Expected::Near { value: 1.0, tolerance: ERRORS * found.error };
        finding.rows.push(Row::new(format!("rho 0.{}", percent / 10), found.mean, expected, "", sample));
    }
    Ok(finding)
}
