//! Push rumour: in every round each informed node tells one node chosen at random.
//!
//! The protocol is written here, outside the simulator's crate, against its public interface.

use crate::check::{Check, Effort, Expected, Finding, Row};
use crate::nets::Study;
use crate::stats::{ERRORS, independent};
use anyhow::Result;
use sim_core::gossip::Dissemination;
use sim_core::kernel::event::{Event, Moment};
use sim_core::kernel::ids::NodeId;
use sim_core::kernel::math;
use sim_core::kernel::random::{Purpose, draw, uniform_below};
use sim_core::kernel::time::SimDuration;
use sim_core::net::fabric::Fabric;
use sim_core::net::items::{Item, Slot};
use sim_core::net::message::timer;
use sim_core::scenario::plan::TopologyPlan;
use sim_core::simulation::{Resources, Simulation};

/// Push rounds.
pub const PUSH: Check = Check {
    name: "push-rumour-rounds",
    family: "dissemination",
    question: "How many rounds does a push rumour take to reach all of n nodes of a full mesh?",
    expected: "floor(log2 n) + ln n - 1.116 <= E <= ceil(log2 n) + ln n + 2.765; and exactly the mean of the Markov chain of the number of informed nodes \
               (Monte Carlo reference for n = 1,000: 18.02)",
    source: "Doerr and Kunnemann 2014, tight analysis of randomised rumour spreading in complete graphs; chain: balls into bins, solved here by dynamic programming",
    tolerance: "4 standard errors of the mean over independent payloads around the chain's exact mean; the bound's constants as published. The chain \
                itself against the reference: 0.2, the reference's stated digits and its unknown sample",
    understood_miss: None,
    run: push,
};

const ROUND_NS: u64 = 1_000_000_000;
/// Nobody tells after this many rounds: by then a rumour that is still not everywhere would be a miracle.
const ROUNDS: u64 = 45;
const CHOICE: Purpose = Purpose(Purpose::FIRST_CUSTOM + 3);

/// The protocol. A node's state is what the fabric knows: which items it has.
#[derive(Clone)]
struct Push {
    nodes: u32,
}

impl Push {
    fn tell(&self, fabric: &mut Fabric, now: Moment, node: NodeId, slot: Slot) {
        let item = fabric.item(slot);
        let round = now.time.0 / ROUND_NS;
        if now.time.0 >= item.published_ns + ROUNDS * ROUND_NS {
            return;
        }
        let entity = u64::from(node.0) << 32 | round;
        let other =
            uniform_below(draw(fabric.seed(), CHOICE, entity, item.id.to_bits()), u64::from(self.nodes) - 1);
        // Anyone but oneself.
        let target = other as u32 + u32::from(other as u32 >= node.0);
        fabric.send_body(now, node, &[target], slot, NodeId(u32::MAX), false);
        self.wait(fabric, now, node, slot);
    }

    fn wait(&self, fabric: &mut Fabric, now: Moment, node: NodeId, slot: Slot) {
        let next = (now.time.0 / ROUND_NS + 1) * ROUND_NS;
        fabric.timer(now, SimDuration(next - now.time.0), node, timer::GOSSIP, slot.0);
    }
}

impl Dissemination for Push {
    fn start(&mut self, _: &mut Fabric) {}

    fn publish(&mut self, fabric: &mut Fabric, now: Moment, node: NodeId, slot: Slot) {
        self.tell(fabric, now, node, slot);
    }

    fn forward(&mut self, fabric: &mut Fabric, now: Moment, node: NodeId, slot: Slot, _: NodeId) {
        self.wait(fabric, now, node, slot);
    }

    fn timer(&mut self, fabric: &mut Fabric, event: &Event) {
        self.tell(fabric, event.moment(), event.destination(), Slot(event.payload));
    }

    fn keeps(&self, now_ns: u64, _: Slot, item: &Item) -> bool {
        now_ns <= item.published_ns + (ROUNDS + 2) * ROUND_NS
    }
}

/// Rounds of `payloads` rumours among n nodes.
fn rounds(nodes: u32, payloads: u32, seed: u64) -> Result<Vec<f64>> {
    let mut study = Study::new(nodes, TopologyPlan::FullMesh);
    study.interval_ns = (ROUNDS + 5) * ROUND_NS;
    study.payloads = payloads;
    study.seed = seed;
    let mut simulation =
        Simulation::with_dissemination(study.plan()?, &Resources::default(), |_| Push { nodes })?;
    simulation.run()?;
    let record = simulation.finish();
    let mut rounds = Vec::new();
    for block in &record.blocks {
        anyhow::ensure!(block.published_ns.is_multiple_of(ROUND_NS), "a rumour begins between rounds");
        let last = block.arrival_quantiles_ns[3];
        let last =
            last.ok_or_else(|| anyhow::anyhow!("a rumour did not reach everybody in {ROUNDS} rounds"))?;
        rounds.push((last / ROUND_NS + 1) as f64);
    }
    Ok(rounds)
}

/// Exact mean number of rounds from 1 to n informed nodes.
///
/// With k informed each picks one of n - 1 others. One after the other, a pick hits a node that is neither
/// informed nor picked yet with probability (n - k - j)/(n - 1) after j such hits: that gives the distribution
/// of the number of new nodes, and the mean follows backwards from n.
fn chain_mean(n: usize) -> f64 {
    let mut mean = vec![0.0; n + 1];
    for k in (1..n).rev() {
        let most = k.min(n - k);
        let mut hits = vec![0.0; most + 1];
        hits[0] = 1.0;
        for pick in 0..k {
            for j in (0..=most.min(pick + 1)).rev() {
                let stay = 1.0 - (n - k - j) as f64 / (n - 1) as f64;
                let gained = if j > 0 { hits[j - 1] * (n - k - j + 1) as f64 / (n - 1) as f64 } else { 0.0 };
                hits[j] = hits[j] * stay + gained;
            }
        }
        let onward: f64 = hits.iter().enumerate().skip(1).map(|(j, p)| p * mean[k + j]).sum();
        mean[k] = (1.0 + onward) / (1.0 - hits[0]);
    }
    mean[1]
}

fn push(effort: Effort) -> Result<Finding> {
    let mut finding = Finding::default();
    for n in effort.pick(&[200_u32][..], &[100, 1_000][..]) {
        let n = *n;
        let mut found = Vec::new();
        for seed in 1..=effort.pick(1, 8) {
            found.extend(rounds(n, effort.pick(40, 100), seed)?);
        }
        let sample = format!("{} rumours among {n} nodes", found.len());
        let estimate = independent(&found);
        let (log2, ln) = (math::log2(f64::from(n)), math::ln(f64::from(n)));
        let bound = Expected::Within { low: log2.floor() + ln - 1.116, high: log2.ceil() + ln + 2.765 };
        finding.rows.push(Row::new(
            format!("n {n}: published bound"),
            estimate.mean,
            bound,
            "rounds",
            &sample,
        ));
        let exact = chain_mean(n as usize);
        let near = Expected::Near { value: exact, tolerance: ERRORS * estimate.error };
        finding.rows.push(Row::new(
            format!("n {n}: exact mean of the chain"),
            estimate.mean,
            near,
            "rounds",
            &sample,
        ));
        if n == 1_000 {
            let near = Expected::Near { value: 18.02, tolerance: 0.2 };
            finding.rows.push(Row::new(
                "n 1000: the chain against the reference",
                exact,
                near,
                "rounds",
                "no sampling",
            ));
        }
    }
    Ok(finding)
}
