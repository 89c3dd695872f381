//! Small plans for whole-simulation tests, and a source of randomness.
#![allow(dead_code, reason = "every test binary uses a part")]

use sim_core::execution::profile;
use sim_core::net::data;
use sim_core::scenario::plan::*;

/// A small network of `nodes` nodes with people on it.
pub fn plan(nodes: u32) -> Plan {
    let latency = data::latency_table("aws-2026").unwrap();
    let region_weights = data::region_mix("ethereum-2026", &latency).unwrap();
    Plan {
        name: "base".into(),
        seed: 7,
        run: RunPlan { blocks: 6, warm_up: 1, partitions: 1 },
        nodes: NodesPlan {
            count: nodes,
            region_weights,
            hardware: vec![
                (data::hardware_class("attester").unwrap(), 80),
                (data::hardware_class("home-staker").unwrap(), 20),
            ],
            stake: StakePlan::Equal,
        },
        network: NetworkPlan {
            latency,
            latency_scale_ppm: 1_000_000,
            jitter: data::default_jitter(),
            bandwidth_scale_ppm: 1_000_000,
            links: LinkDiscipline::Fifo,
            topology: TopologyPlan::RandomRegular { degree: 16 },
            gossip: gossipsub(),
            forward: ForwardRule::AfterHeaderCheck { check_ns: 1_000_000 },
        },
        interventions: Vec::new(),
        rollups: Vec::new(),
        chains: vec![chain("main")],
    }
}

pub fn gossipsub() -> GossipPlan {
    GossipPlan::Gossipsub(GossipsubPlan {
        mesh: 8,
        mesh_low: 6,
        mesh_high: 12,
        lazy: 6,
        heartbeat_ns: 700_000_000,
        history_gossip: 3,
        history_length: 6,
        idontwant: true,
        idontwant_threshold_bytes: 16_384,
        flood_publish: true,
    })
}

pub fn chain(name: &str) -> ChainPlan {
    ChainPlan {
        name: name.into(),
        consensus: ConsensusPlan::Slots(SlotsPlan {
            slot_ns: 2_000_000_000,
            attest_by_ns: 1_000_000_000,
            aggregate_by_ns: 1_500_000_000,
            committees: 4,
            vote_bytes: 240,
            aggregate_bytes: 320,
        }),
        gas_limit: 30_000_000,
        initial_base_fee_wei: 1_000_000_000,
        blobs: None,
        fee_market: Default::default(),
        execution: ExecutionPlan {
            algorithm: Algorithm::BlockStm,
            cores: Some(4),
            speed_ppm: 1_000_000,
            pipeline: Pipeline::BeforeVoting,
            profile: profile::named(profile::names()[0]).unwrap(),
        },
        workload: WorkloadPlan::Users(UsersPlan {
            rate_milli_tps: 300_000,
            accounts: 500,
            zipf_ppm: 800_000,
            instances: 4,
            mix: vec![
                (TxKind::Transfer, 20),
                (TxKind::Erc20, 40),
                (TxKind::Swap, 20),
                (TxKind::Mint, 10),
                (TxKind::Compute, 10),
            ],
            compute_iterations: 2_000,
            max_fee_median_wei: 30_000_000_000,
            max_fee_p90_ppm: 3_000_000,
            delivery: Delivery::Leaders { ahead: 2 },
            bundle_ns: 200_000_000,
            rpc_nodes_per_region: 1,
            trade: None,
            burst: None,
        }),
    }
}

/// A network study without a chain.
pub fn broadcast(nodes: u32, degree: u32, bytes: u64) -> Plan {
    let mut plan = plan(nodes);
    plan.network.topology = TopologyPlan::RandomRegular { degree };
    plan.network.gossip = GossipPlan::Flood;
    plan.network.forward = ForwardRule::AfterHeaderCheck { check_ns: 0 };
    plan.chains[0].consensus = ConsensusPlan::Broadcast(BroadcastPlan {
        interval_ns: 3_000_000_000,
        poisson: false,
        payload_bytes: bytes,
    });
    plan.chains[0].workload = WorkloadPlan::Empty;
    plan
}

/// A small portable generator (SplitMix64) as the tests' source of randomness.
pub fn draw(seed: u64) -> impl Fn(u64) -> u64 {
    move |k| {
        let mut z = seed.wrapping_add(k.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}
