//! Snapshots show what happens and change nothing.

mod common;

use common::{broadcast, plan};
use sim_core::kernel::time::SimTime;
use sim_core::net::params::Scope;
use sim_core::scenario::plan::*;
use sim_core::simulation::snapshot::{BlockKey, Leg, MESSAGES_MAX, NO_SENDER, Request, Snapshot};
use sim_core::simulation::{Observer, Simulation};

/// Plans that take different ways through the code.
fn varied() -> Vec<Plan> {
    let mut cautious = plan(40);
    cautious.network.forward = ForwardRule::AfterExecution;
    let mut slow = plan(50);
    slow.network.bandwidth_scale_ppm = 150_000;
    vec![plan(60), cautious, slow, broadcast(80, 8, 50_000)]
}

fn taken(simulation: &Simulation, observer: &mut Observer, request: &Request) -> Snapshot {
    let mut snapshot = Snapshot::default();
    simulation.snapshot(observer, request, &mut snapshot);
    snapshot
}

#[test]
fn being_watched_changes_nothing() {
    for plan in varied() {
        let mut unwatched = Simulation::new(plan.clone()).unwrap();
        unwatched.run().unwrap();
        let mut watched = Simulation::new(plan).unwrap();
        let (mut observer, mut snapshot) = (Observer::default(), Snapshot::default());
        let mut turn = 0;
        while !watched.is_finished() {
            watched.run_until(SimTime(watched.now().0 + 50_000_000), u64::MAX).unwrap();
            turn += 1;
            let request = Request { node: Some(turn % 40), ..Request::default() };
            watched.snapshot(&mut observer, &request, &mut snapshot);
            assert_eq!(snapshot.digest, watched.digest());
        }
        assert_eq!(watched.digest(), unwatched.digest());
        assert_eq!(watched.finish().digest, unwatched.finish().digest);
    }
}

#[test]
fn a_snapshot_agrees_with_the_record_of_the_run() {
    for plan in varied() {
        let executes = matches!(plan.chains[0].consensus, ConsensusPlan::Slots(_));
        let mut simulation = Simulation::new(plan).unwrap();
        let mut observer = Observer::default();
        let checkpoint_at = SimTime(simulation.end().0 / 2);
        simulation.run_until(checkpoint_at, u64::MAX).unwrap();
        taken(&simulation, &mut observer, &Request::default());
        simulation.run().unwrap();
        let snapshot = taken(&simulation, &mut observer, &Request::default());
        let record = simulation.finish();
        assert_eq!(snapshot.blocks.len(), record.blocks.len());
        let mut compared = 0;
        for block in &record.blocks {
            let key = BlockKey { slot: block.slot, proposer: block.proposer };
            let shown = snapshot.blocks.iter().find(|b| b.key == key).expect("every block is shown");
            assert_eq!(shown.published_ns, block.published_ns);
            assert_eq!(shown.gas_used, block.gas_used);
            assert_eq!(shown.measured, block.measured);
            let since = block.published_ns - block.slot_start_ns;
            assert_eq!(shown.network_ns, block.arrival_quantiles_ns.map(|q| q.map(|ns| ns - since)));
            if executes {
                assert_eq!(shown.executed_ns, block.verified_quantiles_ns);
                assert_eq!(shown.final_ns, block.final_quantiles_ns);
            }
            let at_nodes =
                record.node_blocks.iter().filter(|n| record.blocks[n.block as usize].slot == key.slot);
            let closing = at_nodes.clone().find(|n| Some(n.node) == shown.closing_node);
            if let (Some(at), Some(spent)) = (closing, shown.spent) {
                assert_eq!(at.to_verified, spent);
                compared += 1;
            }
        }
        assert!(compared > 3, "{compared}");
        let users: u64 = snapshot.confirmation.included.iter().map(|h| h.total()).sum();
        assert_eq!(users > 0, executes);
    }
}

#[test]
fn the_way_of_a_block_has_no_gaps_and_ends_when_the_node_has_executed_it() {
    for plan in varied() {
        let executes = matches!(plan.chains[0].consensus, ConsensusPlan::Slots(_));
        let mut simulation = Simulation::new(plan).unwrap();
        let mut observer = Observer::default();
        let (mut open, mut closed) = (0, 0);
        while !simulation.is_finished() {
            simulation.run_until(SimTime(simulation.now().0 + 170_000_000), u64::MAX).unwrap();
            for node in [0, 7, 23] {
                for block in [None, Some(())] {
                    let first = taken(&simulation, &mut observer, &Request::default());
                    let block = block.and_then(|()| first.blocks.first()).map(|b| b.key);
                    let request = Request { node: Some(node), block, ..Request::default() };
                    let snapshot = taken(&simulation, &mut observer, &request);
                    let Some(block) = snapshot.focus.map(|at| &snapshot.blocks[at]) else { continue };
                    let detail = snapshot.node.as_ref().expect("asked for");
                    let state = snapshot.states[node as usize];
                    assert_eq!(detail.state, state);
                    let Some((first, last)) = detail.way.first().zip(detail.way.last()) else { continue };
                    assert_eq!(first.start_ns, block.slot_start_ns);
                    assert!(detail.way.windows(2).all(|w| w[0].end_ns == w[1].start_ns));
                    let end = if !executes || state.executed_ns == 0 {
                        state.arrived_ns
                    } else {
                        state.executed_ns
                    };
                    assert_eq!(last.end_ns, end.max(state.voted_ns), "{detail:?}");
                    if block.closed {
                        closed += 1
                    } else {
                        open += 1
                    }
                    assert_eq!(state.sender == NO_SENDER, node == block.key.proposer, "{state:?}");
                }
            }
        }
        assert!(closed > 10, "{closed}");
        assert!(open > 10 || !executes, "{open}");
    }
}

#[test]
fn many_nodes_are_listed_in_part() {
    let mut simulation = Simulation::new(plan(60)).unwrap();
    simulation.run_until(SimTime::from_millis(5_000), u64::MAX).unwrap();
    let request = Request { states_max: 25, ..Request::default() };
    let snapshot = taken(&simulation, &mut Observer::default(), &request);
    assert_eq!((snapshot.states_every, snapshot.states.len()), (3, 20));
    let full = taken(&simulation, &mut Observer::default(), &Request::default());
    for (index, state) in snapshot.states.iter().enumerate() {
        assert_eq!(*state, full.states[index * 3]);
    }
    assert_eq!(full.regions.iter().map(|r| r.nodes).sum::<u32>(), 60);
}

/// A plan whose links are crowded, under a change of rates half way.
fn crowded() -> Simulation {
    let mut slow = plan(50);
    slow.network.bandwidth_scale_ppm = 100_000;
    let mut simulation = Simulation::new(slow).unwrap();
    simulation.run_until(SimTime::from_millis(6_100), u64::MAX).unwrap();
    simulation.apply(Change::Bandwidth { of: Scope::All, factor_ppm: 700_000 }).unwrap();
    simulation
}

#[test]
fn looking_at_links_and_groups_changes_nothing() {
    for plan in varied() {
        let mut unwatched = Simulation::new(plan.clone()).unwrap();
        unwatched.run().unwrap();
        let mut watched = Simulation::new(plan).unwrap();
        let (mut observer, mut snapshot) = (Observer::default(), Snapshot::default());
        let mut turn = 0;
        while !watched.is_finished() {
            watched.run_until(SimTime(watched.now().0 + 70_000_000), u64::MAX).unwrap();
            turn += 1;
            let (a, b) = (turn % 40, (turn * 7 + 1) % 40);
            let group = Some((0..20).collect());
            let request = Request { link: Some([a, b]), node: Some(a), group, ..Request::default() };
            watched.snapshot(&mut observer, &request, &mut snapshot);
            assert_eq!(snapshot.link.is_some(), a != b);
            assert_eq!(snapshot.digest, watched.digest());
        }
        assert_eq!(watched.finish().digest, unwatched.finish().digest);
    }
}

#[test]
fn what_is_on_links_and_in_queues_adds_up_from_both_ends() {
    let mut simulation = crowded();
    let mut observer = Observer::default();
    let (mut waiting, mut flying, mut blocks) = (0, 0, 0);
    for _ in 0..80 {
        simulation.run_until(SimTime(simulation.now().0 + 60_000_000), u64::MAX).unwrap();
        // The proposer of the newest block has most to send.
        let newest = taken(&simulation, &mut observer, &Request::default());
        let node = newest.blocks.last().map_or(0, |b| b.key.proposer);
        let seen = taken(&simulation, &mut observer, &Request { node: Some(node), ..Request::default() });
        let detail = seen.node.as_ref().expect("asked for");
        let (mut up, mut going) = (0, 0);
        for load in &detail.links {
            let request = Request { link: Some([node, load.peer]), ..Request::default() };
            let link = *taken(&simulation, &mut observer, &request).link.expect("asked for");
            assert_eq!(link.queues[0], detail.queues);
            let out: u32 = link.load[0].iter().map(|l| l.messages).sum();
            assert_eq!(out, load.waiting.messages + load.going.messages, "{link:?}");
            let back = link.messages.iter().filter(|m| m.direction == 1 && m.leg >= Leg::Flight);
            assert_eq!(back.count() as u32, load.coming.messages);
            assert!(link.messages.iter().all(|m| m.until_ns.is_none_or(|ns| ns >= seen.now_ns)));
            let total: u32 = link.load.iter().flatten().map(|l| l.messages).sum();
            assert_eq!(link.messages.len(), (total as usize).min(MESSAGES_MAX));
            blocks += link.messages.iter().filter(|m| m.shown_block).count();
            up += link.messages.iter().filter(|m| m.direction == 0 && m.leg <= Leg::Uplink).count();
            going += link.messages.iter().filter(|m| m.direction == 0 && m.leg == Leg::Flight).count();
        }
        let queued: u32 = detail.queues.uplink.iter().map(|l| l.messages).sum();
        assert_eq!(queued as usize, up, "the uplink holds what its links wait for");
        waiting += queued;
        flying += going;
    }
    assert!(waiting > 100 && flying > 10 && blocks > 10, "{waiting} {flying} {blocks}");
}

#[test]
fn a_mesh_is_among_the_neighbours() {
    let simulation = crowded();
    let placement = simulation.placement();
    for node in 0..50 {
        let request = Request { node: Some(node), ..Request::default() };
        let detail = taken(&simulation, &mut Observer::default(), &request).node.expect("asked for");
        assert!(!detail.mesh.is_empty());
        assert!(detail.mesh.iter().all(|peer| placement.topology.neighbours(node).contains(peer)));
    }
}

#[test]
fn a_group_and_the_rest_are_all_nodes() {
    for plan in varied() {
        let executes = matches!(plan.chains[0].consensus, ConsensusPlan::Slots(_));
        let mut simulation = Simulation::new(plan).unwrap();
        let mut observer = Observer::default();
        let mut compared = 0;
        while !simulation.is_finished() {
            simulation.run_until(SimTime(simulation.now().0 + 170_000_000), u64::MAX).unwrap();
            let group: Vec<u32> = (0..40).filter(|n| n % 3 == 0).collect();
            let request = Request { group: Some(group.clone().into()), ..Request::default() };
            let snapshot = taken(&simulation, &mut observer, &request);
            let (Some(groups), Some(at)) = (&snapshot.groups, snapshot.focus) else { continue };
            assert_eq!(groups[0].nodes as usize, group.len());
            assert_eq!(groups[0].nodes + groups[1].nodes, snapshot.nodes);
            let arrived = snapshot.states.iter().filter(|s| s.arrived_ns > 0).count() as u32;
            assert_eq!(groups[0].progress.arrived + groups[1].progress.arrived, arrived);
            let times = |of: bool| {
                let (states, group) = (snapshot.states.iter().enumerate(), &group);
                let of = states.filter(move |(n, _)| group.contains(&(*n as u32)) == of).map(|(_, s)| *s);
                let executed = of.filter(|s| if executes { s.executed_ns > 0 } else { s.arrived_ns > 0 });
                let start = snapshot.blocks[at].slot_start_ns;
                executed.map(move |s| (if executes { s.executed_ns } else { s.arrived_ns }) - start).sum()
            };
            for (side, of) in [true, false].into_iter().enumerate() {
                // The proposer has the block when it begins to build it, and spends the parts until then.
                let sum: u64 = times(of);
                assert_eq!(groups[side].spent.total_ns(), sum, "the parts of all nodes add up");
                compared += u32::from(sum > 0);
            }
        }
        assert!(compared > 10, "{compared}");
    }
}
