//! Made-up records that obey the record's laws (parts add up, times in order), without an engine.

use sim_core::observe::ReportMeta;
use sim_core::observe::record::{
    BlockRecord, Breakdown, ExecutionRecord, MeshRecord, MessageKind, NodeBlockRecord, NodeRecord, Part,
    RunRecord, TopologyStats, TransactionRecord,
};
use sim_core::scenario::plan::*;

pub const MS: u64 = 1_000_000;
const SLOT_NS: u64 = 2_000 * MS;

/// Knobs of a made-up run.
#[derive(Clone)]
pub struct Shape {
    pub name: &'static str,
    pub nodes: u32,
    pub blocks: u32,
    pub warm_up: u32,
    /// Times of the uplink parts, per mille.
    pub uplink: u64,
    /// Times of the execution parts, per mille.
    pub execution: u64,
    /// Times of propagation, per mille.
    pub latency: u64,
    pub observed_every: u32,
    pub broadcast: bool,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            name: "base",
            nodes: 60,
            blocks: 24,
            warm_up: 4,
            uplink: 1000,
            execution: 1000,
            latency: 1000,
            observed_every: 1,
            broadcast: false,
        }
    }
}

/// The base and three arms, as in the quick start.
pub fn arms() -> Vec<RunRecord> {
    let base = Shape::default();
    vec![
        run(&base),
        run(&Shape { name: "10x EVM", execution: 100, ..base.clone() }),
        run(&Shape { name: "2x bandwidth", uplink: 500, ..base.clone() }),
        run(&Shape { name: "half latency", latency: 500, ..base.clone() }),
    ]
}

pub fn meta() -> ReportMeta {
    ReportMeta {
        scenario_name: "quickstart".to_owned(),
        question: "Question: what limits a 1,000-validator chain, wires or EVM?\nPrediction: uplinks first; at about 3x bandwidth, execution.".to_owned(),
        command_line: "headless run scenarios/quickstart.ron --out results/quickstart".to_owned(),
        version: "0.1.0".to_owned(),
        host: vec![("cores".to_owned(), "2".to_owned()), ("os".to_owned(), "linux".to_owned())],
        wall_seconds: vec![1.25, 1.5, 1.75, 2.0],
        warnings: vec!["`nodes.count` is small: 60 nodes.".to_owned()],
    }
}

/// A small hash for made-up numbers: the same arguments give the same number in every arm.
fn draw(a: u64, b: u64, c: u64) -> u64 {
    let mut x = a.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ b.wrapping_mul(0xc2b2_ae3d_27d4_eb4f) ^ c;
    x = (x ^ (x >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 32)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

const REGIONS: [(&str, i32, i32); 10] = [
    ("us-east", 38_900, -77_400),
    ("us-west", 45_800, -119_700),
    ("sa-east", -23_500, -46_600),
    ("eu-west", 53_300, -6_200),
    ("eu-central", 50_100, 8_700),
    ("eu-north", 59_300, 18_000),
    ("eu-south", 45_400, 9_200),
    ("ap-northeast", 35_600, 139_700),
    ("ap-southeast", 1_300, 103_800),
    ("ap-south", 19_000, 72_800),
];

pub fn run(shape: &Shape) -> RunRecord {
    let total_slots = shape.warm_up + shape.blocks;
    let nodes: Vec<NodeRecord> = (0..shape.nodes).map(|n| node(shape, n)).collect();
    let total_stake: u64 = nodes.iter().map(|n| n.stake).sum();
    let mut blocks = Vec::new();
    let mut node_blocks = Vec::new();
    let mut parent = None;
    for slot in 0..total_slots {
        let index = blocks.len() as u32;
        let (block, at_nodes) = block(shape, slot, index, parent, &nodes, total_stake);
        if block.canonical {
            parent = Some(index);
        }
        blocks.push(block);
        node_blocks.extend(at_nodes);
    }
    RunRecord {
        plan: plan(shape),
        digest: format!("{:016x}", draw(shape.uplink, shape.execution, shape.latency)),
        end_ns: u64::from(total_slots) * SLOT_NS + SLOT_NS,
        events: 1_234_567,
        topology: TopologyStats {
            edges: 240,
            degree_min: 8,
            degree_mean: 8.0,
            degree_max: 8,
            diameter_hops: 4,
            clustering: 0.1,
        },
        mesh: Some(MeshRecord { passed_on: 400, degree_sum: 3_000, ..MeshRecord::default() }),
        transactions: transactions(shape, &blocks),
        nodes,
        blocks,
        node_blocks,
        rollups: Default::default(),
        lost_bytes: [0; MessageKind::COUNT],
        observed_every: shape.observed_every,
        warnings: Vec::new(),
    }
}

fn node(shape: &Shape, n: u32) -> NodeRecord {
    let class = u32::from(n.is_multiple_of(5));
    let due = u64::from(shape.blocks);
    let missed = if shape.broadcast {
        0
    } else {
        (u64::from(class) * 3 + draw(1, n.into(), 0) % 3) * shape.uplink / 1000
    };
    let mut sent_bytes = [0; MessageKind::COUNT];
    sent_bytes[MessageKind::Block as usize] = 40_000_000 + u64::from(n) * 1000;
    sent_bytes[MessageKind::Transactions as usize] = 9_000_000;
    NodeRecord {
        region: n % 10,
        class,
        stake: if shape.broadcast { 0 } else { 1 + draw(2, n.into(), 0) % 100 },
        sent_bytes,
        received_bytes: sent_bytes,
        duplicates: 300,
        first_arrivals: 100,
        uplink_busy_ns: 9_000 * MS,
        execution_busy_ns: 4_000 * MS,
        votes_due: if shape.broadcast { 0 } else { due },
        votes_timely: if shape.broadcast { 0 } else { due.saturating_sub(missed) },
    }
}

fn block(
    shape: &Shape,
    slot: u32,
    index: u32,
    parent: Option<u32>,
    nodes: &[NodeRecord],
    total_stake: u64,
) -> (BlockRecord, Vec<NodeBlockRecord>) {
    let slot_start_ns = SLOT_NS * u64::from(slot + 1);
    let canonical = slot % 13 != 12;
    let size_bytes = 60_000 + draw(3, slot.into(), 0) % 120_000;
    let published = 20 * MS + if shape.broadcast { 0 } else { 40 * MS * shape.execution / 1000 };
    let execution_ns = (25 + draw(4, slot.into(), 0) % 60) * MS;
    let mut at_nodes = Vec::new();
    for (n, node) in nodes.iter().enumerate() {
        let n = n as u64;
        let random = |k: u64, range: u64| draw(k, n, slot.into()) % range;
        let mut parts = Breakdown::default();
        parts.add(Part::LeaderWait, 20 * MS);
        parts.add(Part::Build, published - 20 * MS);
        let slow = if node.class == 1 { 2 } else { 1 };
        parts.add(Part::SerialisationUp, size_bytes * 8 * 20 * slow * shape.uplink / 1000);
        parts.add(Part::QueueUp, random(5, 90) * slow * MS * shape.uplink / 1000);
        parts.add(Part::SerialisationDown, size_bytes * 8 * 4);
        parts.add(
            Part::Propagation,
            (15 + random(6, 110) + u64::from(node.region) * 7) * MS * shape.latency / 1000,
        );
        parts.add(Part::ForwardCheck, 2 * MS);
        let arrived = slot_start_ns + parts.total_ns();
        if !shape.broadcast {
            parts.add(Part::CpuWait, random(7, 10) * MS);
            parts.add(Part::Execution, execution_ns * slow * shape.execution / 1000);
        }
        let verified = slot_start_ns + parts.total_ns();
        let mut to_final = parts;
        to_final.add(Part::VoteWait, 200 * MS);
        to_final.add(Part::Aggregation, (300 + random(8, 150)) * MS);
        let lost = !canonical && n.is_multiple_of(7);
        let record = NodeBlockRecord {
            block: index,
            node: n as u32,
            arrived_ns: (!lost).then_some(arrived),
            verified_ns: (!lost && !shape.broadcast).then_some(verified),
            final_ns: (canonical && !shape.broadcast).then(|| slot_start_ns + to_final.total_ns()),
            sender: None,
            hops: 1 + random(9, 4) as u32,
            executing_ns: 0,
            offline_ns: 0,
            blobs_ns: 0,
            to_verified: parts,
            to_final: (canonical && !shape.broadcast).then_some(to_final),
        };
        at_nodes.push(record);
    }
    let quantiles = |f: &dyn Fn(&NodeBlockRecord) -> Option<u64>| {
        let mut times: Vec<u64> = at_nodes.iter().filter_map(f).map(|ns| ns - slot_start_ns).collect();
        times.sort_unstable();
        [50, 90, 95, 100].map(|p| times.get((at_nodes.len() * p).div_ceil(100) - 1).copied())
    };
    let block = BlockRecord {
        chain: 0,
        slot,
        height: slot + 1,
        proposer: slot % shape.nodes.max(1),
        parent,
        canonical,
        measured: slot >= shape.warm_up,
        slot_start_ns,
        published_ns: slot_start_ns + published,
        size_bytes,
        transactions: 400 + slot,
        gas_used: 60_000_000 + draw(10, slot.into(), 0) % 60_000_000,
        gas_limit: 120_000_000,
        base_fee_wei: 1_000_000_000 + u64::from(slot) * 20_000_000,
        recorded: None,
        verified_header: None,
        execution: ExecutionRecord {
            serial_ns: execution_ns * 3,
            scheduled_ns: execution_ns,
            critical_path_ns: execution_ns / 2,
            longest_transaction_ns: execution_ns / 9,
            cores: 8,
            aborts: 12,
            utilisation_ppm: 640_000,
            extrapolated: false,
            work: vec![1, 2, 3],
        },
        fees: Default::default(),
        votes_stake: if canonical { total_stake * 9 / 10 } else { 0 },
        total_stake,
        timely_stake: total_stake * 9 / 10,
        arrival_quantiles_ns: quantiles(&|nb| nb.arrived_ns),
        verified_quantiles_ns: quantiles(&|nb| nb.verified_ns),
        final_quantiles_ns: quantiles(&|nb| nb.final_ns),
    };
    at_nodes.retain(|nb| nb.node % shape.observed_every == 0);
    (block, at_nodes)
}

fn transactions(shape: &Shape, blocks: &[BlockRecord]) -> Vec<TransactionRecord> {
    if shape.broadcast {
        return Vec::new();
    }
    let mut transactions = Vec::new();
    let end = u64::from(shape.blocks + shape.warm_up) * SLOT_NS;
    for n in 0..3_000 {
        let submitted_ns = draw(11, n, 0) % end.max(1);
        let block = blocks.iter().position(|b| b.canonical && b.slot_start_ns > submitted_ns);
        let region = (draw(12, n, 0) % 10) as u32;
        let included = block.map(|b| {
            blocks[b].slot_start_ns
                + (150 + u64::from(region) * 25 + draw(13, n, 0) % 200) * MS * shape.uplink.max(1) / 1000
        });
        transactions.push(TransactionRecord {
            chain: 0,
            region,
            kind: (n % 2) as u32,
            submitted_ns,
            block: block.map(|b| b as u32),
            included_ns: included,
            final_ns: included.map(|ns| ns + (500 + draw(14, n, 0) % 200) * MS),
            measured: submitted_ns >= u64::from(shape.warm_up) * SLOT_NS && submitted_ns + 3 * SLOT_NS < end,
            group: None,
            paid: None,
        });
    }
    transactions.sort_by_key(|t| t.submitted_ns);
    transactions
}

fn plan(shape: &Shape) -> Plan {
    let regions = REGIONS
        .iter()
        .map(|&(name, latitude_mdeg, longitude_mdeg)| Region {
            name: name.to_owned(),
            latitude_mdeg,
            longitude_mdeg,
        })
        .collect();
    let class = |name: &str, up_bps, speed_ppm| HardwareClass {
        name: name.to_owned(),
        up_bps,
        down_bps: up_bps * 4,
        cores: 8,
        speed_ppm,
        source: "made up".to_owned(),
    };
    let consensus = if shape.broadcast {
        ConsensusPlan::Broadcast(BroadcastPlan {
            interval_ns: SLOT_NS,
            poisson: false,
            payload_bytes: 100_000,
        })
    } else {
        ConsensusPlan::Slots(SlotsPlan {
            slot_ns: SLOT_NS,
            attest_by_ns: SLOT_NS / 2,
            aggregate_by_ns: SLOT_NS * 3 / 4,
            committees: 8,
            vote_bytes: 240,
            aggregate_bytes: 400,
        })
    };
    let users = UsersPlan {
        rate_milli_tps: 100_000,
        accounts: 1000,
        zipf_ppm: 800_000,
        instances: 8,
        mix: vec![(TxKind::Erc20, 50), (TxKind::Swap, 50)],
        compute_iterations: 100,
        max_fee_median_wei: 3_000_000_000,
        max_fee_p90_ppm: 2_000_000,
        delivery: Delivery::Leaders { ahead: 2 },
        bundle_ns: 50 * MS,
        rpc_nodes_per_region: 1,
        trade: None,
        burst: None,
    };
    Plan {
        name: shape.name.to_owned(),
        seed: 7,
        run: RunPlan { blocks: shape.blocks, warm_up: shape.warm_up, partitions: 1 },
        nodes: NodesPlan {
            count: shape.nodes,
            region_weights: (0..REGIONS.len()).map(|r| (r, 1)).collect(),
            hardware: vec![
                (class("attester", 50_000_000, 1_000_000), 80),
                (class("home-staker", 25_000_000, 700_000), 20),
            ],
            stake: StakePlan::Equal,
        },
        network: NetworkPlan {
            latency: LatencyTable {
                name: "made-up".to_owned(),
                source: "made up".to_owned(),
                regions,
                one_way_ns: vec![vec![50 * MS; REGIONS.len()]; REGIONS.len()],
            },
            latency_scale_ppm: 1000 * shape.latency,
            jitter: JitterPlan { p90_ppm: 1_200_000, floor_ppm: 900_000, cap_ppm: 3_000_000 },
            bandwidth_scale_ppm: 1_000_000_000 / shape.uplink.max(1),
            links: LinkDiscipline::Fifo,
            topology: TopologyPlan::RandomRegular { degree: 8 },
            gossip: GossipPlan::Flood,
            forward: ForwardRule::AfterHeaderCheck { check_ns: 2 * MS },
        },
        interventions: Vec::new(),
        rollups: Vec::new(),
        chains: vec![ChainPlan {
            name: "main".to_owned(),
            consensus,
            gas_limit: 120_000_000,
            initial_base_fee_wei: 1_000_000_000,
            blobs: None,
            fee_market: Default::default(),
            execution: ExecutionPlan {
                algorithm: Algorithm::BlockStm,
                cores: Some(8),
                speed_ppm: 1_000_000_000 / shape.execution.max(1),
                pipeline: Pipeline::BeforeVoting,
                profile: CostProfile {
                    name: "made-up".to_owned(),
                    source: "made up".to_owned(),
                    unit_ps: [("arithmetic".to_owned(), 900)].into_iter().collect(),
                    sender_recovery_ps: 1,
                    validate_read_ps: 1,
                    versioned_access_ps: 1,
                    dispatch_ps: 1,
                    commit_write_ps: 1,
                    state_root_key_ps: 1,
                    core_efficiency_ppm: vec![1_000_000],
                    measured_cores: 8,
                },
            },
            workload: if shape.broadcast { WorkloadPlan::Empty } else { WorkloadPlan::Users(users) },
        }],
    }
}
