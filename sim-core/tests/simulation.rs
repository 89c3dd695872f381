//! Whole simulations: they end, they account for every byte and nanosecond, and nothing but the plan matters.

mod common;

use common::{broadcast, chain, gossipsub, plan};
use sim_core::chain::transaction::TxId;
use sim_core::kernel::time::SimTime;
use sim_core::net::data;
use sim_core::net::message::MessageKind;
use sim_core::observe::record::{BlockRecord, NodeBlockRecord, Part, RunRecord};
use sim_core::scenario::plan::*;
use sim_core::simulation::experiment::{Monitor, run_paired};
use sim_core::simulation::{Resources, Simulation};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;

fn run_with(plan: Plan, resources: &Resources) -> RunRecord {
    let mut simulation = Simulation::with_resources(plan, resources).expect("the plan is sound");
    simulation.run().expect("the run ends");
    simulation.finish()
}

fn run(plan: Plan) -> RunRecord {
    run_with(plan, &Resources::default())
}

/// Most nodes have fast lines. A block of a node with a slow one comes after the deadline, and a descendant
/// makes it final; one of a node with a hopeless line comes after the next slot has begun, and one of the two
/// is lost: mostly the late one, sometimes the one that everybody had executed in time.
fn forking() -> Plan {
    let mut plan = plan(40);
    plan.seed = 5;
    plan.run.blocks = 18;
    // Blocks have room for what was lost, and only one proposer at a time has it.
    if let WorkloadPlan::Users(users) = &mut plan.chains[0].workload {
        users.rate_milli_tps = 100_000;
        users.delivery = Delivery::Leaders { ahead: 1 };
    }
    let line = |name: &str, up_bps| HardwareClass {
        name: name.into(),
        up_bps,
        ..data::hardware_class("attester").unwrap()
    };
    plan.nodes.hardware =
        vec![(line("fast", 100_000_000), 70), (line("slow", 250_000), 18), (line("hopeless", 120_000), 12)];
    plan
}

/// Plans that take different ways through the code.
fn varied() -> Vec<Plan> {
    let mut flood = plan(40);
    flood.network.gossip = GossipPlan::Flood;
    let mut cautious = plan(40);
    cautious.network.forward = ForwardRule::AfterExecution;
    cautious.network.topology = TopologyPlan::ErdosRenyi { mean_degree_milli: 14_000 };
    let mut gossiped = plan(40);
    if let WorkloadPlan::Users(users) = &mut gossiped.chains[0].workload {
        users.delivery = Delivery::Gossip;
    }
    vec![plan(60), flood, cautious, forking(), gossiped]
}

#[test]
fn a_small_chain_becomes_final_everywhere() {
    let record = run(plan(60));
    assert_eq!(record.blocks.len(), 7);
    for block in &record.blocks {
        assert!(block.canonical, "{block:?}");
        assert!(block.final_quantiles_ns[3].is_some(), "{block:?}");
        assert!(block.votes_stake * 3 >= block.total_stake * 2, "{block:?}");
        assert!(block.gas_used <= block.gas_limit);
    }
    assert!(record.blocks[1..].iter().all(|b| b.transactions > 50), "{:?}", record.blocks);
    let included = record.transactions.iter().filter(|t| t.block.is_some()).count();
    assert!(included > 1_000, "{included} of {}", record.transactions.len());
    for t in record.transactions.iter().filter(|t| t.final_ns.is_some()) {
        assert!(t.submitted_ns < t.included_ns.unwrap() && t.included_ns <= t.final_ns, "{t:?}");
    }
}

#[test]
fn the_parts_of_every_time_add_up_to_the_nanosecond() {
    for (number, plan) in varied().into_iter().enumerate() {
        let record = run(plan);
        let mut finals = 0;
        for at in &record.node_blocks {
            let block = &record.blocks[at.block as usize];
            let Some(event_ns) = at.verified_ns.or(at.arrived_ns) else { continue };
            assert_eq!(at.to_verified.total_ns(), event_ns - block.slot_start_ns, "plan {number}: {at:?}");
            if let Some(final_ns) = at.final_ns {
                let to_final = at.to_final.expect("small networks are tracked");
                assert_eq!(to_final.total_ns(), final_ns - block.slot_start_ns, "plan {number}: {at:?}");
                finals += 1;
            }
        }
        assert!(finals > 100, "plan {number}: only {finals} finalities");
    }
}

#[test]
fn the_number_of_partitions_does_not_change_a_result() {
    for plan in varied() {
        let digests = [1, 2, 3, 8].map(|partitions| {
            let mut plan = plan.clone();
            plan.run.partitions = partitions;
            run(plan).digest
        });
        assert!(digests.iter().all(|d| *d == digests[0]), "{digests:?}");
    }
}

#[test]
fn repeating_threads_and_observation_do_not_change_a_result() {
    let digest = run(plan(40)).digest;
    assert_eq!(run(plan(40)).digest, digest);
    let threads = Resources { execution_threads: NonZeroUsize::new(2).unwrap(), ..Resources::default() };
    assert_eq!(run_with(plan(40), &threads).digest, digest);
    let blind = Resources { causes: false, ..Resources::default() };
    let (seen, unseen) = (run(broadcast(100, 8, 50_000)), run_with(broadcast(100, 8, 50_000), &blind));
    assert_eq!(seen.digest, unseen.digest);
    let mut other = plan(40);
    other.seed += 1;
    assert_ne!(run(other).digest, digest);
}

#[test]
fn a_restored_checkpoint_goes_on_as_if_nothing_had_happened() {
    for plan in varied() {
        let undisturbed = run(plan.clone()).digest;
        let mut simulation = Simulation::new(plan).unwrap();
        simulation.run_until(SimTime::from_millis(4_321), u64::MAX).unwrap();
        let checkpoint = simulation.checkpoint();
        let here = simulation.digest();
        simulation.run_until(SimTime::from_millis(9_000), u64::MAX).unwrap();
        assert_ne!(simulation.digest(), here);
        simulation.restore(&checkpoint);
        assert_eq!(simulation.digest(), here);
        // In small steps this time.
        while !simulation.is_finished() {
            simulation.run_until(SimTime::MAX, 5_000).unwrap();
        }
        assert_eq!(simulation.finish().digest, undisturbed);
    }
}

#[test]
fn every_byte_sent_is_received() {
    let mut quiet = plan(50);
    quiet.chains[0].workload = WorkloadPlan::Empty;
    quiet.network.gossip = GossipPlan::Flood;
    let mut lazy = broadcast(80, 12, 40_000);
    lazy.network.gossip = gossipsub();
    for plan in [quiet, lazy, broadcast(200, 8, 100_000)] {
        let record = run(plan);
        for kind in MessageKind::ALL.map(|k| k as usize) {
            let sent: u64 = record.nodes.iter().map(|n| n.sent_bytes[kind]).sum();
            let received: u64 = record.nodes.iter().map(|n| n.received_bytes[kind]).sum();
            if kind == MessageKind::Control as usize {
                // Heartbeats go on until the end: a little is under way.
                assert!(received <= sent && received * 100 >= sent * 90, "{received} of {sent}");
            } else {
                assert_eq!(sent, received, "kind {kind}");
            }
        }
    }
}

#[test]
fn flood_on_a_regular_graph_sends_exactly_the_copies_it_must() {
    let (nodes, degree, bytes) = (300, 8, 10_000);
    let record = run(broadcast(nodes, degree, bytes));
    let payloads = record.blocks.len() as u64;
    let (nodes, degree) = (u64::from(nodes), u64::from(degree));
    let duplicates: u64 = record.nodes.iter().map(|n| n.duplicates).sum();
    assert_eq!(duplicates, payloads * ((nodes - 1) * (degree - 2) + degree));
    let first: u64 = record.nodes.iter().map(|n| n.first_arrivals).sum();
    assert_eq!(first, payloads * (nodes - 1));
}

#[test]
fn late_blocks_lose_votes() {
    let fast = run(plan(50));
    let mut slow = plan(50);
    slow.network.bandwidth_scale_ppm = 40_000;
    let slow = run(slow);
    let share = |record: &RunRecord| {
        let (timely, due) =
            record.nodes.iter().fold((0, 0), |(t, d), n| (t + n.votes_timely, d + n.votes_due));
        timely as f64 / due as f64
    };
    assert!(share(&fast) > 0.95, "{}", share(&fast));
    assert!(share(&slow) < 0.8 * share(&fast), "{} of {}", share(&slow), share(&fast));
    let timely: u64 = slow.blocks.iter().map(|b| b.timely_stake).sum();
    let total: u64 = slow.blocks.iter().map(|b| b.total_stake).sum();
    assert!(timely < total * 8 / 10);
}

#[test]
fn finality_passes_over_a_fork() {
    let mut simulation = Simulation::new(forking()).unwrap();
    simulation.run().unwrap();
    let contents = simulation.contents();
    let record = simulation.finish();
    // Those of the last slots have nobody to pass over them.
    let last_slot = record.blocks.iter().map(|b| b.slot).max().unwrap();
    let lost = record.blocks.iter().filter(|b| !b.canonical && b.slot + 4 <= last_slot);
    let lost: Vec<&BlockRecord> = lost.collect();
    assert!(
        lost.iter().any(|b| b.timely_stake < b.total_stake),
        "no late block was lost: {:?}",
        record.blocks
    );
    assert!(lost.iter().any(|b| b.timely_stake == b.total_stake), "no block was lost that all had executed");
    let canonical = || record.blocks.iter().filter(|b| b.canonical);

    // Somebody built on another block, all nodes agree on what came later, and nobody on what was lost.
    for block in &lost {
        assert!(block.final_quantiles_ns.iter().all(Option::is_none), "{block:?}");
        let beyond = canonical().filter(|b| b.slot > block.slot && b.final_quantiles_ns[3].is_some());
        assert!(beyond.count() > 0, "nothing final after {block:?}");
        let next = canonical().find(|b| b.slot > block.slot).unwrap();
        let parent_slot = next.parent.map_or(0, |p| record.blocks[p as usize].slot);
        assert!(parent_slot < block.slot, "{next:?} passes over {block:?}");
    }
    let final_at = |n: &NodeBlockRecord| n.final_ns.is_some();
    assert!(
        record.node_blocks.iter().filter(|n| final_at(n)).all(|n| record.blocks[n.block as usize].canonical)
    );

    // What a lost block held is offered again and included, each transaction once; what it had in common with
    // a block before it, which its proposer did not have, is there already.
    let held =
        |block: &BlockRecord| contents[0].get(&block.slot).into_iter().flat_map(|ids| ids.iter()).copied();
    let included: Vec<(TxId, u32)> = canonical().flat_map(|b| held(b).map(|id| (id, b.slot))).collect();
    let slot_of: BTreeMap<TxId, u32> = included.iter().copied().collect();
    assert_eq!(included.len(), slot_of.len(), "a transaction was included twice");
    for block in &lost {
        // Taken by a node whose line lets it send them in time.
        let sent = || held(block).filter(|id| record.nodes[id.producer as usize].class == 0);
        let slots: Vec<u32> = sent().filter_map(|id| slot_of.get(&id).copied()).collect();
        assert_eq!(slots.len(), sent().count(), "included after the loss of {block:?}");
        let later = slots.iter().filter(|slot| **slot > block.slot).count();
        assert!(later > 50, "{later} of {} transactions included after {block:?}", slots.len());
    }

    // Some blocks were late and became final together with a descendant, at the same node and moment.
    let finals: BTreeMap<(u32, u32), u64> =
        record.node_blocks.iter().filter_map(|n| Some(((n.block, n.node), n.final_ns?))).collect();
    let slot_ns = 2_000_000_000;
    let child = |parent: u32| record.blocks.iter().position(|b| b.canonical && b.parent == Some(parent));
    let mut with_descendant = 0;
    for n in record.node_blocks.iter().filter(|n| n.to_final.is_some()) {
        let child = child(n.block).and_then(|child| finals.get(&(child as u32, n.node)));
        if child.is_some_and(|child_ns| n.final_ns == Some(*child_ns)) {
            // It waited for the slot of the one that closed it.
            assert!(n.to_final.unwrap().get(Part::Protocol) >= slot_ns, "{n:?}");
            with_descendant += 1;
        }
    }
    assert!(with_descendant > 10, "{with_descendant} blocks at nodes became final by a descendant");
}

#[test]
fn two_chains_share_the_nodes_and_the_network() {
    let alone = run(plan(40));
    let mut both = plan(40);
    both.chains.push(chain("second"));
    let both = run(both);
    for number in 0..2 {
        let blocks: Vec<_> = both.blocks.iter().filter(|b| b.chain == number).collect();
        assert_eq!(blocks.len(), 7);
        assert!(blocks.iter().all(|b| b.canonical && b.final_quantiles_ns[3].is_some()));
        assert!(both.transactions.iter().any(|t| t.chain == number && t.final_ns.is_some()));
    }
    // They compete for links and cores.
    let busy = |r: &RunRecord| r.nodes.iter().map(|n| n.uplink_busy_ns + n.execution_busy_ns).sum::<u64>();
    assert!(busy(&both) > busy(&alone) * 17 / 10);
    let cpu_wait = both.node_blocks.iter().any(|n| n.to_verified.get(Part::CpuWait) > 0);
    assert!(cpu_wait, "two blocks of a slot must meet at some node's cores");
}

#[test]
fn arms_run_paired_and_apart_from_each_other() {
    let base = plan(40);
    let mut faster = base.clone();
    faster.name = "faster".into();
    faster.chains[0].execution.speed_ppm *= 10;
    let mut wider = base.clone();
    wider.name = "wider".into();
    wider.network.bandwidth_scale_ppm *= 2;
    let threads = NonZeroUsize::new(2).unwrap();
    let all = run_paired(&base, &[faster.clone(), wider.clone()], threads, &Monitor::new(3)).unwrap();
    let swapped = run_paired(&base, &[wider, faster.clone()], NonZeroUsize::MIN, &Monitor::new(3)).unwrap();
    let digests = |records: &[RunRecord]| records.iter().map(|r| r.digest.clone()).collect::<Vec<_>>();
    assert_eq!(digests(&all), [&swapped[0], &swapped[2], &swapped[1]].map(|r| r.digest.clone()));
    // The arms propose what the base proposed.
    for (a, b) in all[0].blocks.iter().zip(&all[1].blocks) {
        assert_eq!((a.slot, a.gas_used, a.size_bytes), (b.slot, b.gas_used, b.size_bytes));
        assert!(b.execution.scheduled_ns < a.execution.scheduled_ns || a.transactions == 0);
    }
    assert_eq!(all[0].digest, run(base).digest);
}
