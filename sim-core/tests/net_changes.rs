//! Links that change while they carry something: times worked out by hand.

use sim_core::kernel::event::Moment;
use sim_core::kernel::ids::NodeId;
use sim_core::kernel::time::SimTime;
use sim_core::net::fabric::{Delivery, Direct, Fabric, LinkRates};
use sim_core::net::message::{MessageKind, class};
use sim_core::net::params::{JitterPlan, LatencyTable, Region, Scope};
use sim_core::net::topology::Topology;
use sim_core::net::{LatencyModel, data};
use sim_core::scenario::plan::TopologyPlan;
use std::sync::Arc;

const MS: u64 = 1_000_000;
/// 1 kB takes 1 ms up and 0.1 ms down.
const RATES: LinkRates = LinkRates { up_bps: 8_000_000, down_bps: 80_000_000 };

/// Two regions 10 ms apart, nodes 0 and 1 in the first, node 2 in the second.
fn fabric() -> Fabric {
    let region = |name: &str| Region { name: name.into(), latitude_mdeg: 0, longitude_mdeg: 0 };
    let table = LatencyTable {
        name: "test".into(),
        source: String::new(),
        regions: vec![region("a"), region("b")],
        one_way_ns: vec![vec![MS, 10 * MS], vec![10 * MS, MS]],
    };
    let none = JitterPlan { p90_ppm: 1_000_000, floor_ppm: 1_000_000, cap_ppm: 1_000_000 };
    let latency = LatencyModel::new(&table, 1_000_000, &none).unwrap();
    let topology = Topology::build(&TopologyPlan::FullMesh, 3, |k| k).unwrap();
    let placement = [(0, 0), (0, 0), (1, 0)];
    Fabric::new(1, Arc::new(topology), Arc::new(latency), vec![RATES], &placement, 1)
}

fn send(fabric: &mut Fabric, at_ns: u64, from: u32, to: u32, bytes: u64) {
    let now = Moment::at(SimTime(at_ns));
    fabric.send_direct(now, NodeId(from), NodeId(to), MessageKind::Vote, bytes, 0, 0, 0);
}

/// Handles events before `until_ns`; what was delivered, in order.
fn run(fabric: &mut Fabric, until_ns: u64) -> Vec<Direct> {
    let mut delivered = Vec::new();
    while let Some(event) = fabric.next_event(SimTime(until_ns)) {
        match event.class() {
            class::ARRIVE => fabric.arrive(event),
            _ => match fabric.deliver(event) {
                Delivery::Direct(index) => delivered.push(*fabric.direct(index)),
                other => panic!("{other:?}"),
            },
        }
    }
    delivered
}

#[test]
fn the_rest_of_what_is_in_service_and_all_behind_it_go_at_the_new_rate() {
    let mut fabric = fabric();
    (0..3).for_each(|_| send(&mut fabric, 0, 0, 2, 1_000));
    run(&mut fabric, MS / 2);
    // Half of the first is out; at half the rate the rest takes 1 ms and each of the others 2 ms.
    fabric.change_rates(MS / 2, Scope::Node(0), 500_000);
    assert_eq!(fabric.uplink_free(NodeId(0)), SimTime(5_500_000));
    // Then twice its own rate, in the middle of the second: 1 ms of its 2 ms is left, a quarter of that now.
    run(&mut fabric, 2_500_000);
    fabric.change_rates(2_500_000, Scope::Region(0), 2_000_000);
    let done = run(&mut fabric, u64::MAX);
    let up: Vec<[u64; 2]> = done.iter().map(|m| [m.up_start_ns, m.up_finish_ns]).collect();
    assert_eq!(up, [[0, 1_500_000], [1_500_000, 2_750_000], [2_750_000, 3_250_000]]);
    assert!(done.iter().all(|m| m.arrive_ns == m.up_finish_ns + 10 * MS));
    assert_eq!(fabric.traffic(NodeId(0)).up_busy_ns, 3_250_000);
}

#[test]
fn a_downlink_changes_for_what_it_holds() {
    let mut fabric = fabric();
    // Two senders: both messages reach node 2 at 11 ms; the second waits 0.1 ms for the first.
    send(&mut fabric, 0, 0, 2, 1_000);
    send(&mut fabric, 0, 1, 2, 1_000);
    run(&mut fabric, 11 * MS + 50_000);
    fabric.change_rates(11 * MS + 50_000, Scope::Region(1), 100_000);
    let done = run(&mut fabric, u64::MAX);
    // 0.05 ms of the first is left, ten times as long; the second takes 1 ms.
    assert_eq!(done[0].delivered_ns, 11_550_000);
    assert_eq!(done[1].delivered_ns, 12_550_000);
    assert_eq!(fabric.direct_down_start(&done[0]), 11 * MS);
    assert_eq!(fabric.direct_down_start(&done[1]), 11_550_000);
}

#[test]
fn what_is_in_the_air_keeps_its_latency_through_any_number_of_changes() {
    let mut fabric = fabric();
    (0..3).for_each(|_| send(&mut fabric, 0, 0, 2, 1_000));
    run(&mut fabric, 1_500_000);
    fabric.change_latency(1_500_000, 100_000);
    run(&mut fabric, 2_200_000);
    fabric.change_latency(2_200_000, 2_000_000);
    fabric.change_rates(2_300_000, Scope::All, 100_000);
    let done = run(&mut fabric, u64::MAX);
    let mut times: Vec<[u64; 2]> = done.iter().map(|m| [m.up_finish_ns, m.arrive_ns]).collect();
    times.sort_unstable();
    // The third has 0.7 ms left at 2.3 ms, ten times as long.
    assert_eq!(times, [[MS, 11 * MS], [2 * MS, 3 * MS], [9_300_000, 29_300_000]]);
}

#[test]
fn a_node_that_fails_loses_what_is_not_out_and_what_is_not_in() {
    let mut fabric = fabric();
    (0..3).for_each(|_| send(&mut fabric, 0, 0, 2, 1_000));
    send(&mut fabric, 0, 2, 1, 1_000);
    run(&mut fabric, 1_500_000);
    let (failed, own) = fabric.fail(1_500_000, Scope::Node(0));
    assert_eq!((failed, own.len()), (vec![NodeId(0)], 0));
    assert_eq!(fabric.lost_bytes()[MessageKind::Vote as usize], 2_000);
    assert_eq!(fabric.uplink_free(NodeId(0)), SimTime(1_500_000));
    // The first is in the air and arrives; node 2 sends to node 0, which is down.
    send(&mut fabric, 2 * MS, 2, 0, 1_000);
    let done = run(&mut fabric, u64::MAX);
    assert_eq!(done.len(), 2);
    assert_eq!(fabric.lost_bytes()[MessageKind::Vote as usize], 3_000);
    assert_eq!(fabric.recover(50 * MS, Scope::All), [NodeId(0)]);
    send(&mut fabric, 51 * MS, 2, 0, 1_000);
    assert_eq!(run(&mut fabric, u64::MAX).len(), 1);
    assert_eq!(fabric.down_ns(NodeId(0), MS, 60 * MS), 48_500_000);
    assert_eq!(fabric.down_ns(NodeId(1), 0, u64::MAX), 0);
}

#[test]
fn undone_changes_leave_the_model_as_it_was() {
    let table = data::latency_table("aws-2026").unwrap();
    let model = LatencyModel::new(&table, 1_000_000, &data::default_jitter()).unwrap();
    assert_eq!(model.scaled(1_000_000), model);
    let half = model.scaled(500_000);
    assert!((0..16).all(|r| half.base_ns(0, r) == model.base_ns(0, r).div_ceil(2)));
}
