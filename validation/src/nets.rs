//! Plans of network studies, and the graph and floors that follow from a plan.

use anyhow::{Context, Result};
use sim_core::execution::profile;
use sim_core::kernel::random::{Purpose, draw};
use sim_core::net::data;
use sim_core::net::topology::Topology;
use sim_core::observe::record::RunRecord;
use sim_core::scenario::plan::*;
use sim_core::simulation::Simulation;

/// A rate so high that serialisation takes a nanosecond or two.
pub const ENDLESS_BPS: u64 = 1_000_000_000_000;

/// Latencies are exactly those of the table.
pub const NO_JITTER: JitterPlan = JitterPlan { p90_ppm: 1_000_000, floor_ppm: 1_000_000, cap_ppm: 1_000_000 };

/// A class of machine with these line rates.
pub fn machine(up_bps: u64, down_bps: u64) -> HardwareClass {
    HardwareClass {
        name: format!("{up_bps}/{down_bps}"),
        up_bps,
        down_bps,
        cores: 1,
        speed_ppm: 1_000_000,
        source: "made up for a check".to_owned(),
    }
}

/// What varies between the network studies.
#[derive(Clone, Debug)]
pub struct Study {
    /// Number of nodes.
    pub nodes: u32,
    /// Graph.
    pub topology: TopologyPlan,
    /// Name of the latency table.
    pub latency: &'static str,
    /// Factor on latencies, parts per million.
    pub latency_scale_ppm: u64,
    /// Jitter.
    pub jitter: JitterPlan,
    /// Machines and weights.
    pub hardware: Vec<(HardwareClass, u64)>,
    /// Protocol.
    pub gossip: GossipPlan,
    /// Who publishes.
    pub stake: StakePlan,
    /// Mean time between payloads, ns.
    pub interval_ns: u64,
    /// Exponential gaps.
    pub poisson: bool,
    /// Size of a payload, bytes.
    pub payload_bytes: u64,
    /// Number of payloads.
    pub payloads: u32,
    /// Seed.
    pub seed: u64,
}

impl Study {
    /// Payloads of one byte every 10 s, flooded over lines without limit, every pair of nodes 100 ms apart.
    pub fn new(nodes: u32, topology: TopologyPlan) -> Self {
        Self {
            nodes,
            topology,
            latency: "uniform-100ms",
            latency_scale_ppm: 1_000_000,
            jitter: NO_JITTER,
            hardware: vec![(machine(ENDLESS_BPS, ENDLESS_BPS), 1)],
            gossip: GossipPlan::Flood,
            stake: StakePlan::Equal,
            interval_ns: 10_000_000_000,
            poisson: false,
            payload_bytes: 1,
            payloads: 10,
            seed: 1,
        }
    }

    /// The plan.
    ///
    /// # Errors
    /// A data file of the simulator is missing.
    pub fn plan(&self) -> Result<Plan> {
        let latency = data::latency_table(self.latency)?;
        let region_weights = if latency.regions.len() == 1 {
            vec![(0, 1)]
        } else {
            data::region_mix("ethereum-2026", &latency)?
        };
        let name = profile::names().first().copied().context("the simulator ships a cost profile")?;
        let profile = profile::named(name).context("the first profile exists")?;
        Ok(Plan {
            name: "study".to_owned(),
            seed: self.seed,
            run: RunPlan { blocks: self.payloads, warm_up: 0, partitions: 1 },
            nodes: NodesPlan {
                count: self.nodes,
                region_weights,
                hardware: self.hardware.clone(),
                stake: self.stake.clone(),
            },
            network: NetworkPlan {
                latency,
                latency_scale_ppm: self.latency_scale_ppm,
                jitter: self.jitter.clone(),
                bandwidth_scale_ppm: 1_000_000,
                links: LinkDiscipline::Fifo,
                topology: self.topology.clone(),
                gossip: self.gossip.clone(),
                forward: ForwardRule::AfterHeaderCheck { check_ns: 0 },
            },
            interventions: Vec::new(),
            rollups: Vec::new(),
            chains: vec![ChainPlan {
                name: "payloads".to_owned(),
                consensus: ConsensusPlan::Broadcast(BroadcastPlan {
                    interval_ns: self.interval_ns,
                    poisson: self.poisson,
                    payload_bytes: self.payload_bytes,
                }),
                gas_limit: 30_000_000,
                initial_base_fee_wei: 1,
                blobs: None,
                fee_market: Default::default(),
                execution: ExecutionPlan {
                    algorithm: Algorithm::Serial,
                    cores: None,
                    speed_ppm: 1_000_000,
                    pipeline: Pipeline::BeforeVoting,
                    profile,
                },
                workload: WorkloadPlan::Empty,
            }],
        })
    }

    /// Runs it.
    ///
    /// # Errors
    /// The plan cannot be built or run.
    pub fn run(&self) -> Result<RunRecord> {
        let mut simulation = Simulation::new(self.plan()?)?;
        simulation.run()?;
        let record = simulation.finish();
        anyhow::ensure!(record.observed_every == 1, "the study observes only some of its nodes");
        Ok(record)
    }
}

/// Parameters of gossipsub as Ethereum sets them.
pub fn gossipsub() -> GossipsubPlan {
    GossipsubPlan {
        mesh: 8,
        mesh_low: 6,
        mesh_high: 12,
        lazy: 6,
        heartbeat_ns: 700_000_000,
        history_gossip: 3,
        history_length: 6,
        idontwant: true,
        idontwant_threshold_bytes: 1_000,
        flood_publish: true,
    }
}

/// The graph a plan is run on: topologies are functions of plan and seed.
///
/// # Errors
/// No such graph.
pub fn graph(plan: &Plan) -> Result<Topology> {
    let draws = |k| draw(plan.seed, Purpose::TOPOLOGY, 0, k);
    Ok(Topology::build(&plan.network.topology, plan.nodes.count, draws)?)
}

/// The least latency a message between two regions can have, from the plan's numbers alone: base x scale x
/// floor of the jitter, rounded down to a nanosecond.
pub fn latency_floor_ns(plan: &Plan, from: u32, to: u32) -> u64 {
    let network = &plan.network;
    let base = u128::from(network.latency.one_way_ns[from as usize][to as usize]);
    let scaled = base * u128::from(network.latency_scale_ppm) * u128::from(network.jitter.floor_ppm);
    (scaled / 1_000_000_000_000) as u64
}

/// (up, down) line rates of every node of a run, bit/s.
pub fn rates(record: &RunRecord) -> Vec<(u64, u64)> {
    let class = |n: &sim_core::observe::record::NodeRecord| &record.plan.nodes.hardware[n.class as usize].0;
    record.nodes.iter().map(|n| (class(n).up_bps, class(n).down_bps)).collect()
}

/// By block and node: when the first copy was complete, ns; `None` where it never was.
pub fn arrivals(record: &RunRecord) -> Vec<Vec<Option<u64>>> {
    let mut arrivals = vec![vec![None; record.nodes.len()]; record.blocks.len()];
    for at in &record.node_blocks {
        arrivals[at.block as usize][at.node as usize] = at.arrived_ns;
    }
    arrivals
}
