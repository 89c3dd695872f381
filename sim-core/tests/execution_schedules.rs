//! Schedules on virtual cores: hand-computed cases, limits, and what must hold for every block.

use proptest::prelude::*;
use sim_core::execution::virtual_cores::{BlockWork, Costs, TxWork, block_stm, bounds, serial};

fn tx(duration_ps: u64, reads: &[(u32, u64)], writes: &[u32]) -> TxWork {
    TxWork { duration_ps, reads: reads.to_vec(), writes: writes.to_vec(), ..TxWork::default() }
}

fn block(transactions: Vec<TxWork>) -> BlockWork {
    let locations = transactions
        .iter()
        .flat_map(|tx| tx.reads.iter().map(|read| read.0).chain(tx.writes.iter().copied()))
        .max()
        .map_or(0, |last| last + 1);
    BlockWork { transactions, locations }
}

fn busy_costs() -> Costs {
    Costs {
        dispatch_ps: 7,
        versioned_access_ps: 3,
        validate_read_ps: 2,
        commit_write_ps: 5,
        core_efficiency_ppm: vec![1_000_000, 900_000, 800_000],
    }
}

#[test]
fn independent_transactions_scale_with_the_cores() {
    let work = block((0..64).map(|i| tx(1_000, &[(i, 10)], &[i])).collect());
    for cores in [1, 2, 4, 8, 16, 64] {
        let schedule = block_stm::replay(&work, cores, &Costs::FREE);
        assert_eq!(schedule.total_ps, 64_000 / u64::from(cores));
        assert_eq!((schedule.re_executions, schedule.busy_ps), (0, 64_000));
        assert_eq!(schedule.utilisation_ppm(cores), 1_000_000);
    }
}

#[test]
fn a_full_conflict_chain_does_not_scale() {
    // Everyone reads the counter at the start and writes it at the end.
    let work = block((0..50).map(|_| tx(1_000, &[(0, 0)], &[0])).collect());
    assert_eq!(bounds::critical_path_ps(&work), 50_000);
    assert_eq!(bounds::pipelined_critical_path_ps(&work), 50_000);
    for cores in [1, 2, 4, 16] {
        let schedule = block_stm::replay(&work, cores, &Costs::FREE);
        assert_eq!(schedule.total_ps, 50_000, "{cores} cores");
        assert_eq!(schedule.re_executions == 0, cores == 1);
    }
}

#[test]
fn a_late_read_overlaps_with_its_writer() {
    // The second reads 900 of 1,000 ps in, the first ends at 800: no conflict on two cores.
    let work = block(vec![tx(800, &[], &[0]), tx(1_000, &[(0, 900)], &[])]);
    assert_eq!(bounds::critical_path_ps(&work), 1_800);
    assert_eq!(bounds::pipelined_critical_path_ps(&work), 1_000);
    let schedule = block_stm::replay(&work, 2, &Costs::FREE);
    assert_eq!((schedule.total_ps, schedule.re_executions), (1_000, 0));
}

#[test]
fn an_early_read_is_aborted_and_executed_again() {
    // The second reads at 100, the first writes at 800. It ends at 1,000, is found stale and runs again.
    let work = block(vec![tx(800, &[], &[0]), tx(1_000, &[(0, 100)], &[])]);
    let schedule = block_stm::replay(&work, 2, &Costs::FREE);
    assert_eq!((schedule.total_ps, schedule.aborts, schedule.stalls), (2_000, 1, 0));
    assert_eq!((schedule.start_ps[1], schedule.finish_ps[1]), (1_000, 2_000));
    assert_eq!(schedule.busy_ps, 2_800);
}

#[test]
fn a_reader_of_an_estimate_stops_and_waits() {
    // 0 writes a at 1,000. 1 reads a at 0 and writes b, ends at 100, is found stale at 1,000 when 0 ends and
    // 2, which started at 100 and has read b = from 1, meets nothing yet; it is found stale too.
    let work = block(vec![tx(1_000, &[], &[0]), tx(100, &[(0, 0)], &[1]), tx(50, &[(1, 0)], &[])]);
    let schedule = block_stm::replay(&work, 2, &Costs::FREE);
    // 0 ends at 1,000 and sends 1 and 2 to validation; 1 runs again until 1,100; 2 must follow it.
    assert_eq!(schedule.total_ps, 1_150);
    assert!(schedule.re_executions >= 2);
    assert!(schedule.start_ps[2] >= 1_000 && schedule.finish_ps[2] == 1_150);
}

#[test]
fn every_cost_is_charged_on_one_core() {
    // Dispatch 7 + work 100 + versioned access 3 * (2 reads + 1 write), validation 7 + 2 * 2, commit 5 * 1.
    let mut one = tx(100, &[], &[0]);
    one.private_reads = 2;
    let schedule = block_stm::replay(&block(vec![one]), 1, &busy_costs());
    assert_eq!(schedule.total_ps, (7 + 100 + 9) + (7 + 4) + 5);
    assert_eq!(schedule.validations, 1);
}

#[test]
fn busy_neighbours_slow_a_core_down() {
    let costs = Costs { core_efficiency_ppm: vec![1_000_000, 500_000], ..Costs::FREE };
    // Two at half speed until the shorter ends (100 of work in 200), then the longer's last 50 alone.
    let work = block(vec![tx(100, &[], &[]), tx(150, &[], &[])]);
    assert_eq!(block_stm::replay(&work, 2, &costs).total_ps, 250);
}

#[test]
fn an_empty_block_takes_no_time() {
    assert_eq!(block_stm::replay(&BlockWork::default(), 4, &busy_costs()).total_ps, 0);
    assert_eq!(bounds::list_schedule(&BlockWork::default(), 4).total_ps, 0);
    assert_eq!(bounds::critical_path_ps(&BlockWork::default()), 0);
}

/// Up to 40 transactions over up to 8 locations: from independent to a full chain.
fn any_block() -> impl Strategy<Value = BlockWork> {
    let access = (0_u32..8, 0_u64..=1_000);
    let transaction = (
        0_u64..2_000,
        prop::collection::btree_map(0_u32..8, 0_u64..=1_000, 0..4),
        prop::collection::btree_map(access.0, access.1, 0..3),
        0_u32..3,
    );
    prop::collection::vec(transaction, 0..40).prop_map(|transactions| {
        let transactions = transactions
            .into_iter()
            .map(|(duration_ps, reads, writes, private)| TxWork {
                duration_ps,
                reads: reads.into_iter().map(|(at, share)| (at, duration_ps * share / 1_000)).collect(),
                writes: writes.into_keys().collect(),
                private_reads: private,
                private_writes: private,
            })
            .collect();
        BlockWork { transactions, locations: 8 }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_schedule_beats_its_bounds(work in any_block(), cores in 1_u32..12, priced in any::<bool>()) {
        let costs = if priced { busy_costs() } else { Costs::FREE };
        let schedule = block_stm::replay(&work, cores, &costs);
        prop_assert!(schedule.total_ps >= bounds::resource_bound_ps(&work, cores));
        prop_assert!(schedule.total_ps >= bounds::pipelined_critical_path_ps(&work));
        prop_assert!(bounds::pipelined_critical_path_ps(&work) <= bounds::critical_path_ps(&work));
        prop_assert!(bounds::pipelined_critical_path_ps(&work) >= work.longest_ps());
        prop_assert!(schedule.busy_ps <= schedule.total_ps * u64::from(cores));
        prop_assert!(schedule.busy_ps >= work.total_ps());
        prop_assert_eq!(schedule.re_executions, schedule.aborts + schedule.stalls);
        for (tx, own) in work.transactions.iter().enumerate() {
            prop_assert!(schedule.finish_ps[tx] <= schedule.total_ps);
            prop_assert!(schedule.finish_ps[tx] - schedule.start_ps[tx] >= own.duration_ps);
        }
    }

    #[test]
    fn a_final_execution_reads_after_its_writers_end(work in any_block(), cores in 1_u32..12) {
        let schedule = block_stm::replay(&work, cores, &Costs::FREE);
        for (tx, own) in work.transactions.iter().enumerate() {
            for (location, prefix_ps) in &own.reads {
                let mut earlier = work.transactions[..tx].iter().enumerate().rev();
                if let Some((writer, _)) = earlier.find(|(_, other)| other.writes.contains(location)) {
                    prop_assert!(schedule.start_ps[tx] + prefix_ps >= schedule.finish_ps[writer]);
                }
            }
        }
    }

    #[test]
    fn one_core_gains_nothing(work in any_block(), priced in any::<bool>()) {
        let costs = if priced { busy_costs() } else { Costs::FREE };
        let in_order = serial(&work, &costs);
        prop_assert_eq!(in_order.total_ps, work.total_ps());
        let schedule = block_stm::replay(&work, 1, &costs);
        prop_assert!(schedule.total_ps >= in_order.total_ps);
        prop_assert_eq!(schedule.re_executions, 0);
        if !priced {
            prop_assert_eq!(schedule.total_ps, in_order.total_ps);
        }
    }

    #[test]
    fn list_scheduling_keeps_grahams_promise(work in any_block(), cores in 1_u32..12) {
        let schedule = bounds::list_schedule(&work, cores);
        let path = bounds::critical_path_ps(&work);
        prop_assert!(schedule.total_ps >= path.max(bounds::resource_bound_ps(&work, cores)));
        // total <= work / m + (1 - 1/m) path, times m.
        let m = u64::from(cores);
        prop_assert!(schedule.total_ps * m <= work.total_ps() + (m - 1) * path);
        prop_assert_eq!(schedule.busy_ps, work.total_ps());
    }

    #[test]
    fn a_replay_repeats(work in any_block(), cores in 1_u32..12) {
        let costs = busy_costs();
        prop_assert_eq!(block_stm::replay(&work, cores, &costs), block_stm::replay(&work, cores, &costs));
    }
}
