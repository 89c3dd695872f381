//! Interventions: whether made one by one or listed in the plan they give the same run, and every byte and
//! nanosecond is still accounted for.

mod common;

use common::{broadcast, gossipsub, plan};
use sim_core::kernel::time::SimTime;
use sim_core::net::message::MessageKind;
use sim_core::observe::record::{Part, RunRecord};
use sim_core::scenario::plan::*;
use sim_core::scenario::{Changes, Library, Scenario, intervention, save};
use sim_core::simulation::{ApplyError, Simulation};
use std::collections::BTreeMap;
use std::path::Path;

const MS: u64 = 1_000_000;

fn finish(mut simulation: Simulation) -> RunRecord {
    simulation.run().expect("the run ends");
    simulation.finish()
}

fn run(plan: Plan) -> RunRecord {
    finish(Simulation::new(plan).expect("the plan is sound"))
}

fn region(plan: &Plan, name: &str) -> Scope {
    let found = plan.network.latency.regions.iter().position(|r| r.name == name);
    Scope::Region(found.expect("a region of the table"))
}

/// Plans that take different ways through the code, with full blocks on links that have to work for them.
fn varied() -> Vec<Plan> {
    let mut flood = plan(40);
    flood.network.gossip = GossipPlan::Flood;
    let mut cautious = plan(40);
    cautious.network.forward = ForwardRule::AfterExecution;
    cautious.chains[0].execution.speed_ppm = 300_000;
    let mut slow = plan(50);
    slow.network.bandwidth_scale_ppm = 150_000;
    let mut gossiped = plan(40);
    if let WorkloadPlan::Users(users) = &mut gossiped.chains[0].workload {
        users.delivery = Delivery::Gossip;
    }
    vec![plan(50), flood, cautious, slow, gossiped]
}

/// One of everything, most of them while messages and executions are under way.
fn everything(plan: &Plan) -> Vec<(u64, Change)> {
    let (west, east) = (region(plan, "eu-west-1"), region(plan, "us-east-1"));
    vec![
        (2_040, Change::Bandwidth { of: west, factor_ppm: 300_000 }),
        (2_090, Change::Bandwidth { of: Scope::All, factor_ppm: 500_000 }),
        (2_130, Change::Latency { factor_ppm: 3_000_000 }),
        (2_160, Change::Latency { factor_ppm: 200_000 }),
        (2_200, Change::ExecutionSpeed { factor_ppm: 100_000 }),
        (4_060, Change::Bandwidth { of: Scope::Node(3), factor_ppm: 10_000_000 }),
        (4_100, Change::Cores { cores: 1 }),
        (4_150, Change::Kill { of: east }),
        (4_700, Change::GasLimit { gas: 8_000_000 }),
        (6_050, Change::Algorithm(Algorithm::Serial)),
        (6_080, Change::Bandwidth { of: Scope::All, factor_ppm: 2_000_000 }),
        (6_110, Change::ExecutionSpeed { factor_ppm: 2_000_000 }),
        (6_500, Change::Load { factor_ppm: 2_500_000 }),
        (8_030, Change::Restore { of: east }),
        (8_070, Change::Latency { factor_ppm: 1_000_000 }),
        (9_000, Change::Kill { of: Scope::Node(7) }),
        (10_020, Change::Bandwidth { of: Scope::All, factor_ppm: 1_000_000 }),
        (12_900, Change::Restore { of: Scope::All }),
    ]
}

/// Makes the changes one by one in a live run, stopping in the middle of instants.
fn live(plan: &Plan) -> Simulation {
    let mut simulation = Simulation::new(plan.clone()).unwrap();
    for (at_ms, change) in everything(plan) {
        simulation.run_until(SimTime::from_millis(at_ms), u64::MAX).unwrap();
        simulation.run_until(SimTime::MAX, 3).unwrap();
        let before = simulation.now();
        let made = simulation.apply(change.clone()).unwrap();
        assert!(made.change == change && made.at_ns >= before.0 && made.at_ns <= before.0 + 1);
        assert_eq!(simulation.interventions().last(), Some(&made));
    }
    simulation
}

#[test]
fn a_live_run_is_replayed_from_its_list_whatever_the_partitions() {
    for (number, plan) in varied().into_iter().enumerate() {
        let untouched = run(plan.clone()).digest;
        let mut simulation = live(&plan);
        let saved = simulation.checkpoint();
        simulation.run().unwrap();
        let mut listed = simulation.plan().clone();
        assert_eq!(listed.interventions.len(), everything(&plan).len());
        let digest = simulation.digest();
        simulation.restore(&saved);
        while !simulation.is_finished() {
            simulation.run_until(SimTime::MAX, 20_000).unwrap();
        }
        assert_eq!(simulation.digest(), digest, "plan {number}: restored");
        let outcome = simulation.finish().digest;
        assert_ne!(outcome, untouched, "plan {number}");
        for partitions in [1, 2, 3] {
            listed.run.partitions = partitions;
            assert_eq!(run(listed.clone()).digest, outcome, "plan {number}: {partitions} partitions");
        }
    }
}

#[test]
fn a_list_is_saved_into_a_scenario_file_and_read_back() {
    let text = "(version: 1, seed: 3, nodes: (count: 40), run: (blocks: 6, warm_up: 1), \
                chain: (slot: \"2 s\"), workload: Users(rate: \"100 tx/s\"))";
    let load = |text: &str, set: Vec<String>| {
        let changes = Changes { set, ..Changes::default() };
        Scenario::parse(text, Path::new("a.ron"), &Library::default(), &changes)
            .unwrap_or_else(|e| panic!("{e}"))
    };
    let simulation = live(&load(text, Vec::new()).base);
    let list = intervention::to_ron(simulation.plan());
    let made = simulation.plan().clone();
    let digest = finish(simulation).digest;
    let by_option = load(text, vec![format!("interventions={list}")]);
    assert_eq!(by_option.base, made);
    // Into files of different shapes, twice.
    let body = &text[1..text.len() - 1];
    let shapes = [
        text.to_owned(),
        format!("// Question: \"x)?\n({body},\n  // the end )\n)\n"),
        format!("(interventions: [(at: \"1 s\", change: Load(2))], {body})"),
        format!("({body}, interventions: [ /* none ]) */ ])"),
        format!("(\n{body}, compare: [(\"interventions: [\", {{ \"interventions\": [] }})],\n)"),
    ];
    for shape in shapes {
        let once = save::with_interventions(&shape, &made).expect("a scenario in RON");
        let plan = load(&once, Vec::new()).base;
        assert_eq!(plan.interventions, made.interventions, "{once}");
        assert_eq!(save::with_interventions(&once, &made).as_ref(), Some(&once));
        let none = Plan { interventions: Vec::new(), ..made.clone() };
        let cleared = save::with_interventions(&once, &none).expect("a scenario in RON");
        assert_eq!(load(&cleared, Vec::new()).base.interventions, []);
    }
    assert_eq!(save::with_interventions("{\"version\": 1}", &made), None);
    let saved = save::with_interventions(text, &made).expect("a scenario in RON");
    assert_eq!(run(load(&saved, Vec::new()).base).digest, digest);
}

#[test]
fn saving_keeps_the_entries_and_comments_of_a_list_that_still_hold() {
    let text = "(version: 1, nodes: (count: 40), interventions: [
    // The cable breaks.
    (at: \"1 s\", change: Latency( \"2x\" )), // for good
    (at: \"2 s\", change: Load(\"3x\")), (at: \"3 s\", change: Kill(Node(4))) // in the end
    // and that is all
  ], seed: 5)";
    let load = |text: &str| {
        Scenario::parse(text, Path::new("a.ron"), &Library::default(), &Changes::default())
            .unwrap_or_else(|e| panic!("{e}"))
            .base
    };
    let mut plan = load(text);
    assert_eq!(plan.interventions.len(), 3);
    let list = &text[save::interventions_at(text).expect("a list")];
    assert!(list.starts_with("[\n    // The cable") && list.ends_with("that is all\n  ]"), "{list}");
    plan.interventions.remove(1);
    plan.interventions.insert(1, Intervention { at_ns: 1_500 * MS, change: Change::Cores { cores: 2 } });
    let saved = save::with_interventions(text, &plan).expect("a scenario in RON");
    let expected = "(version: 1, nodes: (count: 40), interventions: [
    // The cable breaks.
    (at: \"1 s\", change: Latency( \"2x\" )), // for good
    (at: \"1.5 s\", change: Cores(2)),
    (at: \"3 s\", change: Kill(Node(4))), // in the end
    // and that is all
  ], seed: 5)";
    assert_eq!(saved, expected);
    assert_eq!(load(&saved).interventions, plan.interventions);
    assert_eq!(save::with_interventions(&saved, &plan), Some(saved));
}

#[test]
fn the_parts_of_every_time_still_add_up_to_the_nanosecond() {
    for (number, mut plan) in varied().into_iter().enumerate() {
        let changes = everything(&plan).into_iter();
        plan.interventions =
            changes.map(|(ms, change)| Intervention { at_ns: ms * MS + 17, change }).collect();
        let record = run(plan);
        let (mut finals, mut offline) = (0, 0);
        for at in &record.node_blocks {
            let block = &record.blocks[at.block as usize];
            let Some(event_ns) = at.verified_ns.or(at.arrived_ns) else { continue };
            assert_eq!(at.to_verified.total_ns(), event_ns - block.slot_start_ns, "plan {number}: {at:?}");
            offline += u64::from(at.to_verified.get(Part::Offline) > 0);
            if let Some(final_ns) = at.final_ns {
                let to_final = at.to_final.expect("small networks are tracked");
                assert_eq!(to_final.total_ns(), final_ns - block.slot_start_ns, "plan {number}: {at:?}");
                finals += 1;
            }
        }
        assert!(finals > 100, "plan {number}: only {finals} finalities");
        assert!(offline > 0, "plan {number}: nobody waited for being down");
    }
}

#[test]
fn every_byte_sent_is_received_or_lost() {
    let mut lazy = broadcast(80, 12, 400_000);
    lazy.network.gossip = gossipsub();
    for mut plan in [broadcast(120, 8, 400_000), lazy] {
        let of = region(&plan, "eu-central-1");
        let change = |at_ms: u64, change| Intervention { at_ns: at_ms * MS, change };
        plan.interventions = vec![
            change(3_000, Change::Bandwidth { of: Scope::All, factor_ppm: 200_000 }),
            change(3_200, Change::Kill { of }),
            change(3_300, Change::Bandwidth { of: Scope::All, factor_ppm: 900_000 }),
            change(7_500, Change::Restore { of }),
            change(9_000, Change::Latency { factor_ppm: 3_000_000 }),
            change(9_100, Change::Kill { of: Scope::Node(1) }),
        ];
        let record = run(plan);
        assert!(record.lost_bytes[MessageKind::Block as usize] > 1_000_000, "{:?}", record.lost_bytes);
        for kind in MessageKind::ALL.map(|k| k as usize) {
            let sent: u64 = record.nodes.iter().map(|n| n.sent_bytes[kind]).sum();
            let received: u64 = record.nodes.iter().map(|n| n.received_bytes[kind]).sum();
            let arrived = received + record.lost_bytes[kind];
            if kind == MessageKind::Control as usize {
                // Heartbeats go on until the end: a little is under way.
                assert!(arrived <= sent && arrived * 100 >= sent * 90, "{arrived} of {sent}");
            } else {
                assert_eq!(sent, arrived, "kind {kind}");
            }
        }
        for node in &record.nodes {
            assert!(node.uplink_busy_ns <= record.end_ns, "{node:?}");
        }
    }
}

#[test]
fn nodes_that_were_down_catch_up_and_their_votes_are_missed() {
    for gossip in [gossipsub(), GossipPlan::Flood] {
        let mut plan = plan(60);
        plan.network.gossip = gossip;
        let of = region(&plan, "us-east-1");
        let Scope::Region(index) = of else { unreachable!() };
        let at = |at_ms: u64, change| Intervention { at_ns: at_ms * MS, change };
        plan.interventions = vec![at(4_100, Change::Kill { of }), at(9_300, Change::Restore { of })];
        let record = run(plan.clone());
        let hit: Vec<usize> =
            (0..record.nodes.len()).filter(|n| record.nodes[*n].region as usize == index).collect();
        assert!(hit.len() > 2, "{hit:?}");
        let mut missed = 0;
        for at in &record.node_blocks {
            let block = &record.blocks[at.block as usize];
            let was_down = hit.contains(&(at.node as usize));
            assert!(at.final_ns.is_some(), "slot {} at {} is not final: {at:?}", block.slot, at.node);
            if was_down && (4_100 * MS..9_300 * MS).contains(&block.published_ns) {
                // Nothing came in while it was down; then the block was fetched.
                assert!(at.arrived_ns.unwrap() > 9_300 * MS, "{at:?}");
                assert!(at.to_verified.get(Part::Offline) > 0, "{at:?}");
                missed += 1;
            }
        }
        assert!(missed >= hit.len(), "{missed}");
        let direct = MessageKind::Block as usize;
        assert!(record.nodes.iter().map(|n| n.sent_bytes[direct]).sum::<u64>() > 0);
        for node in &hit {
            let node = &record.nodes[*node];
            assert!(node.votes_due >= node.votes_timely + 2, "{node:?}");
        }
        // Never restored: they miss every vote to the end.
        plan.interventions.truncate(1);
        let record = run(plan);
        for (number, node) in record.nodes.iter().enumerate().filter(|(_, n)| n.votes_due > 0) {
            assert_eq!(node.votes_due, 6, "{number}: {node:?}");
            assert!(!hit.contains(&number) || node.votes_timely <= 1, "{number}: {node:?}");
        }
        assert!(record.blocks.iter().filter(|b| b.canonical).count() >= 5);
    }
}

#[test]
fn a_long_outage_outlasts_the_blocks_that_are_kept_open() {
    let mut plan = plan(40);
    plan.run.blocks = 40;
    plan.chains[0].workload = WorkloadPlan::Empty;
    plan.chains[0].consensus = match plan.chains[0].consensus.clone() {
        ConsensusPlan::Slots(slots) => ConsensusPlan::Slots(SlotsPlan { committees: 1, ..slots }),
        other => other,
    };
    let of = Scope::Node(5);
    let at = |slot: u64, change| Intervention { at_ns: slot * 2_000 * MS + 500 * MS, change };
    plan.interventions = vec![at(2, Change::Kill { of }), at(35, Change::Restore { of })];
    let record = run(plan.clone());
    let late: Vec<_> = record.node_blocks.iter().filter(|n| n.node == 5).collect();
    let last = late.iter().rev().find(|n| record.blocks[n.block as usize].canonical).unwrap();
    assert!(last.final_ns.is_some(), "{last:?}");
    plan.run.partitions = 3;
    assert_eq!(run(plan).digest, record.digest);
}

#[test]
fn each_change_does_what_it_says() {
    let base = || plan(50);
    let with = |changes: &[(u64, Change)]| {
        let mut plan = base();
        let made = changes.iter().map(|(ms, change)| Intervention { at_ns: ms * MS, change: change.clone() });
        plan.interventions = made.collect();
        run(plan)
    };
    let plain = run(base());
    let mean = |record: &RunRecord, part: Part, slots: std::ops::Range<u32>| {
        let inside = |n: &&sim_core::observe::record::NodeBlockRecord| {
            slots.contains(&record.blocks[n.block as usize].slot) && n.verified_ns.is_some()
        };
        let times: Vec<u64> =
            record.node_blocks.iter().filter(inside).map(|n| n.to_verified.get(part)).collect();
        times.iter().sum::<u64>() as f64 / times.len() as f64
    };
    let near = |found: f64, expected: f64| {
        assert!((found / expected - 1.0).abs() < 0.1, "{found}, expected about {expected}");
    };
    // The block of slot 4 is the same in all of them: what came before it was.
    let slower = with(&[(7_900, Change::ExecutionSpeed { factor_ppm: 500_000 })]);
    let gas = |record: &RunRecord| record.blocks.iter().find(|b| b.slot == 4).map(|b| b.gas_used);
    assert_eq!(gas(&slower), gas(&plain));
    let executed = |record: &RunRecord| mean(record, Part::Execution, 4..5);
    assert!((executed(&slower) / executed(&plain) - 2.0).abs() < 1e-6);
    assert_eq!(mean(&slower, Part::Execution, 2..3), mean(&plain, Part::Execution, 2..3));
    let far = with(&[(7_900, Change::Latency { factor_ppm: 2_000_000 })]);
    // Straight from the proposer, the same copy takes twice as long, but for rounding.
    let straight = |record: &RunRecord| {
        let of_slot_4 = |n: &&sim_core::observe::record::NodeBlockRecord| {
            n.hops == 1 && record.blocks[n.block as usize].slot == 4
        };
        let times = record.node_blocks.iter().filter(of_slot_4);
        times.map(|n| (n.node, n.to_verified.get(Part::Propagation))).collect::<BTreeMap<u32, u64>>()
    };
    let (near_by, far_off) = (straight(&plain), straight(&far));
    let both: Vec<u32> = near_by.keys().filter(|n| far_off.contains_key(n)).copied().collect();
    assert!(both.len() > 4, "{both:?}");
    assert!(both.iter().all(|n| far_off[n].abs_diff(2 * near_by[n]) <= 2), "{near_by:?} {far_off:?}");
    let thin = with(&[(7_900, Change::Bandwidth { of: Scope::All, factor_ppm: 250_000 })]);
    // Straight from the proposer, serialisation is bytes over a quarter of the lines' rates.
    let mut direct = 0;
    for at in thin.node_blocks.iter().filter(|n| n.hops == 1 && n.arrived_ns.is_some()) {
        let block = &thin.blocks[at.block as usize];
        if block.slot < 4 {
            continue;
        }
        let line = |node: u32| &thin.plan.nodes.hardware[thin.nodes[node as usize].class as usize].0;
        let exact = |bps: u64| (block.size_bytes * 8 * 1_000_000_000).div_ceil(bps / 4);
        assert_eq!(at.to_verified.get(Part::SerialisationUp), exact(line(block.proposer).up_bps));
        assert_eq!(at.to_verified.get(Part::SerialisationDown), exact(line(at.node).down_bps));
        direct += 1;
    }
    assert!(direct > 20, "{direct}");
    let serial = with(&[(7_900, Change::Algorithm(Algorithm::Serial))]);
    assert!(executed(&serial) > 1.2 * executed(&plain));
    let single = with(&[(7_900, Change::Cores { cores: 1 })]);
    assert!(executed(&single) > 1.2 * executed(&plain));
    let small = with(&[(7_900, Change::GasLimit { gas: 2_000_000 })]);
    for block in &small.blocks {
        let limit = if block.slot < 4 { 30_000_000 } else { 2_000_000 };
        assert_eq!(block.gas_limit, limit, "slot {}", block.slot);
        assert!(block.gas_used <= limit);
    }
    let sent = |record: &RunRecord, from_ms: u64, to_ms: u64| {
        let inside = |t: &&sim_core::observe::record::TransactionRecord| {
            (from_ms * MS..to_ms * MS).contains(&t.submitted_ns)
        };
        record.transactions.iter().filter(inside).count() as f64
    };
    let busy = with(&[(5_037, Change::Load { factor_ppm: 3_000_000 })]);
    assert_eq!(sent(&busy, 0, 5_037), sent(&plain, 0, 5_037));
    near(sent(&busy, 5_037, 13_000), 3.0 * sent(&plain, 5_037, 13_000));
}

#[test]
fn undoing_all_rate_and_latency_changes_leaves_the_later_blocks_as_they_were_in_an_idle_network() {
    // A payload every 3 s over a quiet network: what is changed and changed back between two of them is gone.
    let plain = run(broadcast(100, 8, 100_000));
    let mut plan = broadcast(100, 8, 100_000);
    let at = |at_ms: u64, change| Intervention { at_ns: at_ms * MS, change };
    plan.interventions = vec![
        at(3_050, Change::Bandwidth { of: Scope::All, factor_ppm: 700_000 }),
        at(3_080, Change::Latency { factor_ppm: 1_700_000 }),
        at(5_800, Change::Bandwidth { of: Scope::All, factor_ppm: 1_000_000 }),
        at(5_900, Change::Latency { factor_ppm: 1_000_000 }),
    ];
    let changed = run(plan);
    let times = |record: &RunRecord, block: u32| {
        let of_block = record.node_blocks.iter().filter(move |n| n.block == block);
        of_block.map(|n| (n.arrived_ns, n.to_verified)).collect::<Vec<_>>()
    };
    assert_ne!(times(&changed, 0), times(&plain, 0));
    for block in 1..plain.blocks.len() as u32 {
        assert_eq!(times(&changed, block), times(&plain, block), "payload {block}");
    }
}

#[test]
fn lists_and_changes_that_make_no_sense_are_refused() {
    let sound = plan(40);
    let mut simulation = Simulation::new(sound.clone()).unwrap();
    let refused = |simulation: &mut Simulation, change: Change| match simulation.apply(change.clone()) {
        Err(ApplyError::Change(error)) => error.to_string(),
        other => panic!("{change:?}: {other:?}"),
    };
    let nowhere = Scope::Region(99);
    assert!(refused(&mut simulation, Change::Kill { of: nowhere }).contains("no region 99"));
    assert!(refused(&mut simulation, Change::Restore { of: Scope::Node(40) }).contains("no node 40"));
    let zero = Change::Bandwidth { of: Scope::All, factor_ppm: 0 };
    assert!(refused(&mut simulation, zero).contains("too little"));
    let thin = Change::Bandwidth { of: Scope::All, factor_ppm: 1_000 };
    let mut narrow = sound.clone();
    narrow.network.bandwidth_scale_ppm = 1_000;
    let mut narrow = Simulation::new(narrow).unwrap();
    assert!(refused(&mut narrow, thin).contains("allowed: 1 kbit/s"));
    assert!(refused(&mut simulation, Change::Cores { cores: 0 }).contains("1 cores to 1024 cores"));
    assert!(refused(&mut simulation, Change::GasLimit { gas: 1 }).contains("1 gas is too little"));
    assert!(refused(&mut simulation, Change::Load { factor_ppm: u64::MAX }).contains("too much"));
    let mut listed = sound.clone();
    listed.interventions = vec![Intervention { at_ns: 1, change: Change::Kill { of: nowhere } }];
    assert!(Simulation::new(listed).err().unwrap().to_string().contains("no region 99"));

    // The past stays as it was; the future can be rewritten.
    let start = simulation.checkpoint();
    simulation.run_until(SimTime::from_millis(3_000), u64::MAX).unwrap();
    let first = simulation.apply(Change::Cores { cores: 2 }).unwrap();
    assert_eq!(first.at_ns, 3_000 * MS);
    simulation.run_until(SimTime::from_millis(5_000), u64::MAX).unwrap();
    let late = Intervention { at_ns: 4_000 * MS, change: Change::Cores { cores: 1 } };
    let error = simulation.set_interventions(vec![first.clone(), late.clone()]).unwrap_err();
    assert_eq!(error, ApplyError::Late { at_ns: 4_000 * MS, now_ns: 5_000 * MS });
    assert_eq!(simulation.set_interventions(vec![]).unwrap_err(), ApplyError::Past { at_ns: 3_000 * MS });
    assert_eq!(simulation.interventions(), std::slice::from_ref(&first));
    let coming = Intervention { at_ns: 6_000 * MS, change: Change::Cores { cores: 1 } };
    simulation.set_interventions(vec![coming.clone(), first.clone()]).unwrap();
    assert_eq!(simulation.interventions(), [first.clone(), coming.clone()]);
    simulation.run().unwrap();
    assert_eq!(simulation.apply(Change::Cores { cores: 1 }).unwrap_err(), ApplyError::Over);
    let digest = simulation.digest();
    // Undo and redo: back to the start, another future, then the same one again.
    simulation.restore(&start);
    assert_eq!(simulation.interventions(), []);
    simulation.run().unwrap();
    assert_ne!(simulation.digest(), digest);
    simulation.restore(&start);
    simulation.set_interventions(vec![first, coming]).unwrap();
    simulation.run().unwrap();
    assert_eq!(simulation.digest(), digest);
}
