//! Distances, table rules with failing examples, placement of nodes.

mod common;

use common::draw;
use proptest::prelude::*;
use sim_core::net::data::latency_table;
use sim_core::net::geography::*;
use sim_core::scenario::plan::{LatencyTable, Region};

fn region(name: &str, latitude_mdeg: i32, longitude_mdeg: i32) -> Region {
    Region { name: name.to_owned(), latitude_mdeg, longitude_mdeg }
}

/// Two regions and the two directions between them, ns; 1 ms inside.
fn pair(a: Region, b: Region, there_ns: u64, back_ns: u64) -> LatencyTable {
    LatencyTable {
        name: "pair".to_owned(),
        source: "a test".to_owned(),
        regions: vec![a, b],
        one_way_ns: vec![vec![1_000_000, there_ns], vec![back_ns, 1_000_000]],
    }
}

fn seoul() -> Region {
    region("Seoul", 37_567, 126_978)
}

fn tokyo() -> Region {
    region("Tokyo", 35_690, 139_692)
}

#[test]
fn great_circles_match_known_distances() {
    let places = [
        // Frankfurt to Ashburn, Seoul to Tokyo, half and a quarter of the Earth's circumference.
        (region("a", 50_110, 8_682), region("b", 39_043, -77_487), 6_540, 60),
        (seoul(), tokyo(), 1_155, 10),
        (region("a", 0, 0), region("b", 0, 180_000), 20_015, 1),
        (region("a", 90_000, 0), region("b", 0, 45_000), 10_007, 1),
        (region("a", 0, 179_900), region("b", 0, -179_900), 22, 1),
    ];
    for (a, b, km, tolerance_km) in places {
        let measured_km = great_circle_m(&a, &b) / 1000;
        assert!(measured_km.abs_diff(km) <= tolerance_km, "{measured_km} km instead of {km}");
        assert_eq!(great_circle_m(&a, &b), great_circle_m(&b, &a));
    }
    assert_eq!(great_circle_m(&tokyo(), &tokyo()), 0);
    assert_eq!(fibre_time_ns(1_000_000), 5_000_000, "1,000 km take 5 ms");
}

#[test]
fn korea_to_japan_in_a_round_trip_of_4_9_ms_is_faster_than_light() {
    let error = check_table(&pair(seoul(), tokyo(), 2_450_000, 2_450_000), &TableRules::PUBLISHED);
    assert!(matches!(error, Err(TableError::FasterThanLight { distance_km: 1140..1170, .. })), "{error:?}");
    // Even used as a one-way delay it would be too fast.
    let error = check_table(&pair(seoul(), tokyo(), 4_900_000, 4_900_000), &TableRules::PUBLISHED);
    assert!(matches!(error, Err(TableError::FasterThanLight { .. })), "{error:?}");
    check_table(&pair(seoul(), tokyo(), 16_000_000, 16_000_000), &TableRules::OWN).expect("as measured");
}

#[test]
fn a_round_trip_used_one_way_across_the_atlantic_is_refused() {
    let atlantic = |ns| pair(region("east", 39_043, -77_487), region("main", 50_110, 8_682), ns, ns);
    check_table(&atlantic(46_500_000), &TableRules::OWN).expect("half a measured round trip");
    let error = check_table(&atlantic(93_000_000), &TableRules::OWN).expect_err("a whole one");
    assert!(matches!(error, TableError::PingSized { .. }));
    assert!(error.to_string().contains("halve them"), "{error}");
}

#[test]
fn each_rule_has_a_table_that_breaks_it() {
    let good = || pair(seoul(), tokyo(), 16_000_000, 16_000_000);
    let broken = |change: &dyn Fn(&mut LatencyTable)| {
        let mut table = good();
        change(&mut table);
        check_table(&table, &TableRules::OWN).expect_err("broken")
    };
    check_table(&good(), &TableRules::OWN).expect("sound");
    let empty = broken(&|t| t.regions.clear());
    assert!(matches!(empty, TableError::Empty { .. }));
    let short_row = broken(&|t| t.one_way_ns[1].truncate(1));
    assert!(matches!(short_row, TableError::NotSquare { row: 1, columns: 1, .. }), "{short_row}");
    let twice = broken(&|t| t.regions[1].name = "Seoul".to_owned());
    assert!(matches!(twice, TableError::DuplicateRegion { .. }));
    let off = broken(&|t| t.regions[0].latitude_mdeg = 90_001);
    assert!(matches!(off, TableError::OffEarth { .. }));
    let slanted = broken(&|t| t.one_way_ns[0][1] += 1);
    assert!(matches!(slanted, TableError::Asymmetric { .. }));
    let diagonal = broken(&|t| t.one_way_ns[0][0] = 99_000_000);
    assert!(matches!(diagonal, TableError::LargeDiagonal { .. }));
    // Milliseconds and microseconds where nanoseconds are meant; nanoseconds times a thousand.
    for ns in [0, 16, 9_000, 16_000_000_000] {
        let unit = broken(&|t| t.one_way_ns[0][1] = ns);
        assert!(matches!(unit, TableError::AbsurdUnit { .. }), "{unit}");
    }
}

#[test]
fn latencies_from_coordinates_are_inflated_light() {
    let regions = [seoul(), tokyo()];
    let table = latency_from_coordinates("k", &regions, 2_000_000, 300_000).expect("sound");
    assert_eq!(table.one_way_ns[0][0], 300_000);
    assert_eq!(table.one_way_ns[0][1], 2 * fibre_time_ns(great_circle_m(&seoul(), &tokyo())));
    let error = latency_from_coordinates("k", &regions, 900_000, 0).expect_err("faster than light");
    assert_eq!(error, TableError::RouteInflation { ppm: 900_000 });
    assert!(latency_from_coordinates("k", &[], 1_000_000, 0).is_err());
}

#[test]
fn the_stated_route_inflation_is_the_median_of_our_table() {
    let table = latency_table("aws-2026").expect("embedded");
    let mut ratios = Vec::new();
    for (i, a) in table.regions.iter().enumerate() {
        for (j, b) in table.regions.iter().enumerate().skip(i + 1) {
            ratios.push(table.one_way_ns[i][j] * 1_000_000 / fibre_time_ns(great_circle_m(a, b)));
        }
    }
    ratios.sort_unstable();
    let median = (ratios[ratios.len() / 2 - 1] + ratios[ratios.len() / 2]) / 2;
    // Stated to two digits after the point.
    assert!(median.abs_diff(ROUTE_INFLATION_PPM) <= 10_000, "median {median}");
}

#[test]
fn shares_are_exact_to_one_node_and_ties_go_to_the_lower_index() {
    assert_eq!(largest_remainder(&[1, 1, 1], 10), Ok(vec![4, 3, 3]));
    assert_eq!(largest_remainder(&[0, 5, 0], 7), Ok(vec![0, 7, 0]));
    assert_eq!(largest_remainder(&[u64::MAX, u64::MAX], 3), Ok(vec![2, 1]));
    assert_eq!(largest_remainder(&[0, 0], 7), Err(PlacementError::NoWeight { count: 7 }));
    assert_eq!(largest_remainder(&[], 7), Err(PlacementError::NoWeight { count: 7 }));
}

#[test]
fn the_same_seed_places_the_same_nodes_and_another_does_not() {
    let weights = [(3, 50), (7, 30), (9, 20)];
    let places = place_nodes(&weights, 1000, draw(1)).expect("weights");
    assert_eq!(places, place_nodes(&weights, 1000, draw(1)).expect("weights"));
    assert_ne!(places, place_nodes(&weights, 1000, draw(2)).expect("weights"));
    for (region, count) in [(3, 500), (7, 300), (9, 200)] {
        assert_eq!(places.iter().filter(|&&p| p == region).count(), count);
    }
    // Shuffled: the first half holds about half of the region (250 +- 8 by chance, so 200..300 is wide).
    let early = places[..500].iter().filter(|&&p| p == 3).count();
    assert!((200..300).contains(&early), "{early}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn shares_always_add_up(weights in prop::collection::vec(0u64..1_000_000, 1..40), count in 0u32..100_000) {
        prop_assume!(weights.iter().any(|&w| w > 0));
        let shares = largest_remainder(&weights, count).expect("some weight");
        prop_assert_eq!(shares.iter().sum::<u32>(), count);
        let total: u64 = weights.iter().sum();
        for (&share, &weight) in shares.iter().zip(&weights) {
            let exact = weight as f64 * f64::from(count) / total as f64;
            prop_assert!((f64::from(share) - exact).abs() < 1.0);
            prop_assert!(weight > 0 || share == 0);
        }
    }
}
