//! How many copies a node receives in vain.

use crate::check::{Check, Effort, Expected, Finding, Row};
use crate::nets::{Study, gossipsub, machine};
use anyhow::{Context, Result};
use sim_core::net::data;
use sim_core::observe::record::{MessageKind, RunRecord};
use sim_core::scenario::plan::{GossipPlan, TopologyPlan};

/// Flood, exactly.
pub const FLOOD: Check = Check {
    name: "flood-duplicates",
    family: "dissemination",
    question: "How many copies beyond the first does flood deliver on a graph where each of N nodes has D neighbours?",
    expected: "(N - 1)(D - 2) + D in all, that is D - 2 + 2/N a node: the producer sends D copies and each of the N - 1 others D - 1, \
               together D + (N - 1)(D - 1), of which N - 1 are first. `D - 2 exactly` is the limit for many nodes",
    source: "counting; upper bound D - 2 in vac.dev (2025-08-12) and ethresear.ch 19921",
    tolerance: "none for the counts: integers. The mean a node may differ from D - 2 by its finite-size term 2/N (and rounding), no more",
    understood_miss: None,
    run: flood,
};

/// Gossipsub, exactly, by the degree its mesh really had.
pub const GOSSIPSUB: Check = Check {
    name: "gossipsub-duplicates",
    family: "dissemination",
    question: "Does every node of a gossipsub mesh receive exactly the duplicates that the mesh's degree calls for?",
    expected: "a node passes an item on to its mesh, except where it came from. D is the mean degree of the mesh at these moments, as the \
               record has it (nodes aim at 8). Pushing within the mesh alone, without IDONTWANT: D - 2 + 2/N a node. In general, for F first \
               copies, F (D' - 2) + (what came from or went beyond the mesh: to all neighbours at publication, or on request) - (copies \
               cancelled by IDONTWANT), with F D' the sum of degrees. Every link of the mesh is used at least once where nothing is \
               cancelled: D/2 - 1 is the floor. IDONTWANT only takes copies away",
    source: "counting; vac.dev (2025-08-12), probelab.io: measured about 3 on Ethereum, 2 with IDONTWANT",
    tolerance: "none for the counts: integers. The mean a node may differ from D - 2 + 2/N by rounding (1e-9)",
    understood_miss: None,
    run: gossipsub_by_degree,
};

/// Duplicates of all nodes.
fn total(record: &RunRecord) -> u64 {
    record.nodes.iter().map(|n| n.duplicates).sum()
}

fn flood(effort: Effort) -> Result<Finding> {
    let mut finding = Finding::default();
    let cases: &[(u32, u32)] = effort.pick(
        &[(50, 4), (1_000, 8)][..],
        &[(6, 5), (50, 4), (200, 3), (1_000, 8), (2_000, 8), (500, 16), (10_000, 8)][..],
    );
    for &(nodes, degree) in cases {
        let mut study = Study::new(nodes, TopologyPlan::RandomRegular { degree });
        study.latency = "aws-2026";
        study.jitter = data::default_jitter();
        study.hardware =
            vec![(data::hardware_class("attester")?, 4), (data::hardware_class("home-staker")?, 1)];
        study.payload_bytes = 20_000;
        study.payloads = 10;
        let record = study.run()?;
        let (n, d, payloads) = (u64::from(nodes), u64::from(degree), 10);
        let sample = format!("{payloads} payloads");
        let case = |what: &str| format!("N {nodes}, D {degree}: {what}");
        let mut exactly = |what: &str, measured: u64, expected: u64| {
            let expected = Expected::Exactly((expected * payloads) as f64);
            finding.rows.push(Row::new(case(what), measured as f64, expected, "", &sample));
        };
        exactly("duplicates", total(&record), (n - 1) * (d - 2) + d);
        exactly("first copies", record.nodes.iter().map(|n| n.first_arrivals).sum(), n - 1);
        let copies = d + (n - 1) * (d - 1);
        let kind = MessageKind::Block as usize;
        exactly("bytes sent", record.nodes.iter().map(|n| n.sent_bytes[kind]).sum(), copies * 20_000);
        exactly("bytes received", record.nodes.iter().map(|n| n.received_bytes[kind]).sum(), copies * 20_000);
        let mean = total(&record) as f64 / (n * payloads) as f64;
        let expected = Expected::Near { value: (d - 2) as f64, tolerance: 2.0 / n as f64 + 1e-12 };
        finding.rows.push(Row::new(case("a node (limit D - 2)"), mean, expected, "", &sample));
    }
    Ok(finding)
}

/// One way of running gossipsub.
#[derive(Clone, Copy)]
struct Case {
    bytes: u64,
    idontwant: bool,
    lazy: u32,
    flood_publish: bool,
}

impl Case {
    /// Nothing but pushing within the mesh.
    fn is_plain(self) -> bool {
        !self.idontwant && self.lazy == 0 && !self.flood_publish
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let switch = |on| if on { "on" } else { "off" };
        let (bytes, lazy) = (self.bytes, self.lazy);
        let (idontwant, flood) = (switch(self.idontwant), switch(self.flood_publish));
        write!(f, "{bytes} B, IDONTWANT {idontwant}, D_lazy {lazy}, publishing to all {flood}")
    }
}

fn gossipsub_by_degree(effort: Effort) -> Result<Finding> {
    let mut finding = Finding::default();
    let (nodes, degree, payloads) = (effort.pick(300, 1_000), 24, effort.pick(10, 40));
    let case = |bytes, idontwant, lazy, flood_publish| Case { bytes, idontwant, lazy, flood_publish };
    for case in [
        case(1_000, false, 0, false),
        case(100_000, false, 0, false),
        case(1_000_000, false, 0, false),
        case(1_000, false, 0, true),
        case(1_000_000, false, 0, true),
        case(100_000, true, 0, true),
        case(1_000_000, true, 0, true),
        case(1_000, false, 6, true),
        case(100_000, true, 6, true),
    ] {
        let mut study = Study::new(nodes, TopologyPlan::RandomRegular { degree });
        study.latency = "aws-2026";
        study.jitter = data::default_jitter();
        study.hardware = vec![(machine(50_000_000, 100_000_000), 1)];
        study.payload_bytes = case.bytes;
        study.payloads = payloads;
        let mut plan = gossipsub();
        (plan.idontwant, plan.lazy, plan.flood_publish) = (case.idontwant, case.lazy, case.flood_publish);
        study.gossip = GossipPlan::Gossipsub(plan);
        let record = study.run()?;
        let mesh = record.mesh.context("gossipsub has a mesh")?;
        let mean_degree = mesh.mean_degree().context("something was passed on")?;
        let (n, all) = (f64::from(nodes), u64::from(nodes) * u64::from(payloads));
        let first: u64 = record.nodes.iter().map(|n| n.first_arrivals).sum();
        let sample = format!("{nodes} nodes, {payloads} payloads, mean degree {mean_degree:.4}");
        let mut row = |what: &str, measured: f64, expected: Expected, unit: &'static str| {
            finding.rows.push(Row::new(format!("{case}: {what}"), measured, expected, unit, &sample));
        };
        row("passed on", mesh.passed_on as f64, Expected::Exactly(all as f64), "");
        let wanted = mesh.degree_sum + mesh.from_beyond + mesh.to_beyond - mesh.cancelled - 2 * first;
        row("duplicates", total(&record) as f64, Expected::Exactly(wanted as f64), "");
        if !case.idontwant {
            row("cancelled", mesh.cancelled as f64, Expected::Exactly(0.0), "");
        }
        let plain = mean_degree - 2.0 + 2.0 / n;
        let beyond = (mesh.from_beyond + mesh.to_beyond) as f64 / all as f64;
        let expected = if case.is_plain() {
            Expected::Near { value: plain, tolerance: ROUNDING }
        } else {
            let low = if case.idontwant { 0.0 } else { mean_degree / 2.0 - 1.0 };
            Expected::Within { low, high: plain + beyond + ROUNDING }
        };
        row("a node", total(&record) as f64 / all as f64, expected, "a node");
    }
    Ok(finding)
}

/// Of means of numbers around 10 in double precision.
const ROUNDING: f64 = 1e-9;
