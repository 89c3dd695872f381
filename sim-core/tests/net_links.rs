//! Access links and sampled latencies.

use proptest::prelude::*;
use sim_core::kernel::event::Moment;
use sim_core::kernel::ids::NodeId;
use sim_core::kernel::math;
use sim_core::kernel::time::transfer_time;
use sim_core::net::data::{default_jitter, latency_table};
use sim_core::net::fabric::{Fabric, LinkRates};
use sim_core::net::geography::{fibre_time_ns, great_circle_m, uniform_table};
use sim_core::net::links::{LatencyError, LatencyModel, LinkState, Slot};
use sim_core::net::message::MessageKind;
use sim_core::net::topology::Topology;
use sim_core::scenario::plan::{JitterPlan, TopologyPlan};
use std::sync::Arc;

const NO_JITTER: JitterPlan = JitterPlan { p90_ppm: 1_000_000, floor_ppm: 1_000_000, cap_ppm: 1_000_000 };

#[test]
fn a_link_that_is_too_slow_or_dead_never_finishes_and_never_wraps() {
    for bps in [0, 1] {
        let mut link = LinkState::default();
        assert_eq!(link.enqueue(5, u64::MAX, bps), Slot { start_ns: 5, finish_ns: u64::MAX });
        assert_eq!(link.enqueue(6, 1, 1_000), Slot { start_ns: u64::MAX, finish_ns: u64::MAX });
    }
}

/// Defect 5: a published simulator holds the uplink until the message has arrived.
#[test]
fn eight_copies_leave_one_after_the_other_whatever_the_latency() {
    let mut uplink = LinkState::default();
    let copies: Vec<Slot> = (0..8).map(|_| uplink.enqueue(1_000, 145_000, 25_000_000)).collect();
    assert_eq!(copies[0], Slot { start_ns: 1_000, finish_ns: 46_401_000 });
    assert_eq!(copies[7].queued_ns(1_000), 7 * 46_400_000);
    // Eight transfers and no propagation: the latency of the way is not the link's business.
    assert_eq!(uplink.free_at_ns, 1_000 + 8 * 46_400_000);
    assert_eq!(uplink.backlog_ns(1_000), 371_200_000);
    assert_eq!(uplink.backlog_ns(u64::MAX), 0);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_fifo_link_keeps_order_and_neither_idles_nor_overlaps(
        messages in prop::collection::vec((0u64..3_000_000, 1u64..200_000), 1..60), bps in 1_000u64..10_000_000_000
    ) {
        let mut link = LinkState::default();
        let (mut now, mut busy_until, mut busy) = (0, 0, 0u64);
        for (gap, bytes) in messages {
            now += gap;
            let slot = link.enqueue(now, bytes, bps);
            prop_assert_eq!(slot.start_ns, now.max(busy_until), "work-conserving, first in first out");
            prop_assert_eq!(slot.transfer_ns(), transfer_time(bytes, bps).0, "all bytes at the full rate");
            // Never faster than the rate: bits x 10^9 <= rate x time.
            prop_assert!(u128::from(bytes) * 8_000_000_000 <= u128::from(bps) * u128::from(slot.transfer_ns()));
            busy_until = slot.finish_ns;
            busy += slot.transfer_ns();
        }
        prop_assert!(busy <= link.free_at_ns);
    }

    #[test]
    fn samples_stay_between_floor_and_cap(
        random in any::<u64>(), spread in 0u64..500_000, floor_ppm in 500_000u64..=1_000_000, base in 0u64..400_000_000
    ) {
        let p90_ppm = 1_000_000 + spread;
        let jitter = JitterPlan { p90_ppm, floor_ppm, cap_ppm: p90_ppm + spread };
        let model = LatencyModel::new(&uniform_table("u", base), 1_000_000, &jitter).expect("sound");
        let ns = u128::from(model.sample(0, 0, random));
        // Rounding down to the nanosecond, and at least one.
        let (floor, cap) = [floor_ppm, jitter.cap_ppm].map(|ppm| u128::from(base) * u128::from(ppm) / 1_000_000).into();
        prop_assert!(ns >= floor.max(1), "{} below {} ppm of {}", ns, floor_ppm, base);
        prop_assert!(ns <= cap.max(1), "{} above {} ppm of {}", ns, jitter.cap_ppm, base);
        prop_assert!(ns >= u128::from(model.floor_ns(0, 0)));
    }
}

#[test]
fn percentiles_of_the_jitter_are_those_of_the_plan() {
    let base = 100_000_000u64;
    for p90_ppm in [1_020_000, default_jitter().p90_ppm, 1_300_000, 2_000_000] {
        let jitter = JitterPlan { p90_ppm, floor_ppm: 100_000, cap_ppm: 100_000_000 };
        let model = LatencyModel::new(&uniform_table("u", base), 1_000_000, &jitter).expect("sound");
        // Evenly spaced numbers are the exact distribution of a uniform source.
        let count = 1u64 << 16;
        let mut samples: Vec<u64> = (0..count).map(|i| model.sample(0, 0, i << 48)).collect();
        samples.sort_unstable();
        let factor = |share: f64| samples[(share * count as f64) as usize] as f64 / base as f64;
        let p90 = p90_ppm as f64 / 1e6;
        let sigma = math::ln(p90) / 1.281_551_565_5;
        // The samples are 1/65,536 apart; between the table's 1,025 knots, 0.001 of probability apart, a
        // straight line replaces the quantile function: at the 99th percentile 0.009 of a standard deviation
        // covers both.
        assert!((factor(0.9) / p90 - 1.0).abs() < 0.0014 * sigma * p90 + 1e-6, "p90 {}", factor(0.9));
        assert!((factor(0.5) - 1.0).abs() < 0.0007 * sigma + 1e-6, "median {}", factor(0.5));
        let p99 = math::exp(2.326_347_874 * sigma);
        assert!((factor(0.99) / p99 - 1.0).abs() < 0.009 * sigma + 1e-6, "p99 {}", factor(0.99));
        let p10 = math::exp(-sigma * 1.281_551_565_5);
        assert!((factor(0.1) / p10 - 1.0).abs() < 0.0014 * sigma + 1e-6, "p10 {}", factor(0.1));
    }
}

#[test]
fn default_jitter_on_our_table_never_beats_the_floor_or_light() {
    let table = latency_table("aws-2026").expect("embedded");
    let jitter = default_jitter();
    let model = LatencyModel::new(&table, 1_000_000, &jitter).expect("sound");
    for (i, a) in table.regions.iter().enumerate() {
        for (j, b) in table.regions.iter().enumerate().filter(|(j, _)| *j != i) {
            let (from, to) = (i as u32, j as u32);
            assert_eq!(model.base_ns(from, to), table.one_way_ns[i][j]);
            assert!(model.floor_ns(from, to) >= table.one_way_ns[i][j] * jitter.floor_ppm / 1_000_000);
            // Even the fastest message is slower than light in fibre.
            let light = fibre_time_ns(great_circle_m(a, b));
            assert!(model.floor_ns(from, to) >= light, "{} to {}", a.name, b.name);
        }
    }
}

#[test]
fn without_jitter_a_latency_is_its_table_entry_times_the_scale() {
    let table = latency_table("aws-2026").expect("embedded");
    let model = LatencyModel::new(&table, 500_000, &NO_JITTER).expect("sound");
    for random in [0, 1 << 63, u64::MAX] {
        assert_eq!(model.sample(0, 6, random), table.one_way_ns[0][6].div_ceil(2));
    }
    let none = LatencyModel::new(&table, 0, &NO_JITTER).expect("sound");
    assert_eq!(none.sample(0, 6, 5), 1, "a delay between nodes is at least 1 ns");
}

#[test]
fn lookahead_is_the_least_floor_between_partitions() {
    let table = latency_table("aws-2026").expect("embedded");
    let model = LatencyModel::new(&table, 1_000_000, &default_jitter()).expect("sound");
    let at = |name: &str| table.regions.iter().position(|r| r.name == name).expect(name) as u32;
    let (virginia, oregon, frankfurt) = (at("us-east-1"), at("us-west-2"), at("eu-central-1"));
    let apart = [vec![virginia, oregon], vec![frankfurt]];
    assert_eq!(model.lookahead_ns(&apart), Some(model.floor_ns(virginia, frankfurt)));
    let shared = [vec![virginia, frankfurt], vec![frankfurt]];
    assert_eq!(model.lookahead_ns(&shared), Some(model.floor_ns(frankfurt, frankfurt)));
    assert_eq!(model.lookahead_ns(&[vec![virginia], vec![]]), None);
    // The asymmetric published table: the shorter way counts.
    let table = latency_table("ethshadow").expect("embedded");
    let model = LatencyModel::new(&table, 1_000_000, &NO_JITTER).expect("sound");
    assert_eq!(model.lookahead_ns(&[vec![5], vec![6]]), Some(190_000_000));
}

#[test]
fn contradictory_plans_are_refused() {
    let table = uniform_table("u", 1_000_000);
    let jitter = |p90_ppm, floor_ppm, cap_ppm| {
        LatencyModel::new(&table, 1_000_000, &JitterPlan { p90_ppm, floor_ppm, cap_ppm })
    };
    assert!(jitter(1_100_000, 900_000, 2_000_000).is_ok());
    for (p90, floor, cap) in [
        (1_100_000, 0, 2_000_000),
        (1_100_000, 1_100_000, 2_000_000),
        (900_000, 800_000, 2_000_000),
        (1_100_000, 900_000, 1_050_000),
        (1_100_000, 900_000, u64::MAX),
    ] {
        assert!(matches!(jitter(p90, floor, cap), Err(LatencyError::Jitter(_))), "{p90} {floor} {cap}");
    }
    let scale = LatencyModel::new(&table, u64::MAX, &NO_JITTER);
    assert_eq!(scale, Err(LatencyError::Scale { ppm: u64::MAX }));
    let long = LatencyModel::new(&uniform_table("u", u64::MAX), 1_000_000, &NO_JITTER);
    assert!(matches!(long, Err(LatencyError::TooLong { .. })));
    let mut crooked = table.clone();
    crooked.one_way_ns[0].push(1);
    assert!(matches!(LatencyModel::new(&crooked, 1_000_000, &NO_JITTER), Err(LatencyError::Shape { .. })));
}

/// The jitter of a message follows from what it is, not from what its sender sent before: arms of a comparison
/// that send more or less share it.
#[test]
fn a_message_travels_as_long_whatever_was_sent_before_it() {
    let travel = |before: u64, round: u64| {
        let topology = Topology::build(&TopologyPlan::FullMesh, 3, |k| k).unwrap();
        let table = latency_table("aws-2026").unwrap();
        let latency = LatencyModel::new(&table, 1_000_000, &default_jitter()).unwrap();
        let rates = vec![LinkRates { up_bps: 1_000_000, down_bps: 1_000_000 }];
        let mut fabric = Fabric::new(9, Arc::new(topology), Arc::new(latency), rates, &[(0, 0); 3], 1);
        let (now, [from, to]) = (Moment::default(), [NodeId(0), NodeId(1)]);
        for other in 0..before {
            fabric.send_direct(now, from, to, MessageKind::Vote, 240, 0, 0, 100 + other);
        }
        let index = fabric.send_direct(now, from, to, MessageKind::Vote, 240, 0, 0, round);
        let message = fabric.direct(index);
        message.arrive_ns - message.up_finish_ns
    };
    assert_eq!(travel(0, 7), travel(3, 7));
    assert_ne!(travel(0, 7), travel(0, 8));
}
