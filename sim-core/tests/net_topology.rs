//! Graphs: exact degrees, simplicity, connectivity, statistics, edge lists, speed.

mod common;

use common::draw;
use proptest::prelude::*;
use sim_core::net::topology::edge_list::read_edge_list;
use sim_core::net::topology::stats::{clustering, diameter, stats};
use sim_core::net::topology::{Topology, TopologyError};
use sim_core::scenario::plan::TopologyPlan;

fn regular(nodes: u32, degree: u32, seed: u64) -> Result<Topology, TopologyError> {
    Topology::build(&TopologyPlan::RandomRegular { degree }, nodes, draw(seed))
}

fn erdos_renyi(nodes: u32, mean_degree_milli: u64, seed: u64) -> Result<Topology, TopologyError> {
    Topology::build(&TopologyPlan::ErdosRenyi { mean_degree_milli }, nodes, draw(seed))
}

/// Rows sorted, no loop, no double edge, every edge there in both directions and indexed.
fn assert_simple(graph: &Topology) {
    for v in 0..graph.nodes() {
        assert!(graph.neighbours(v).windows(2).all(|w| w[0] < w[1]), "row of {v} is sorted and simple");
        assert!(!graph.neighbours(v).contains(&v), "{v} is not its own neighbour");
        for e in graph.edge_range(v) {
            let w = graph.neighbours[e];
            let back = graph.reverse[e] as usize;
            assert!(graph.edge_range(w).contains(&back));
            assert_eq!(graph.neighbours[back], v, "the reverse of {v} -> {w} leads back");
            assert_eq!(graph.reverse[back] as usize, e);
            assert_eq!(graph.edge(v, w), Some(e as u32));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn random_regular_graphs_are_simple_connected_and_exactly_regular(
        nodes in 4u32..120, degree in 3u32..119, seed in any::<u64>()
    ) {
        prop_assume!(degree < nodes && (nodes * degree).is_multiple_of(2));
        let graph = regular(nodes, degree, seed).expect("possible");
        prop_assert!((0..nodes).all(|v| graph.degree(v) == degree));
        prop_assert_eq!(graph.edges(), u64::from(nodes * degree / 2));
        assert_simple(&graph);
        prop_assert_eq!(graph.component_sizes(), vec![nodes]);
    }

    #[test]
    fn erdos_renyi_graphs_are_simple(nodes in 2u32..200, share in 0u64..=1000, seed in any::<u64>()) {
        match erdos_renyi(nodes, share * u64::from(nodes - 1), seed) {
            Ok(graph) => assert_simple(&graph),
            Err(error) => prop_assert!(matches!(error, TopologyError::Disconnected { .. }), "{}", error),
        }
    }

    #[test]
    fn any_text_is_an_edge_list_or_an_error_with_its_line(text in "[0-9a-z,; #\n-]{0,80}") {
        if let Err(error) = read_edge_list("list.csv", &text, 10) {
            prop_assert!(error.to_string().starts_with("list.csv:"), "{}", error);
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_graph_and_another_does_not() {
    assert_eq!(regular(500, 8, 1), regular(500, 8, 1));
    assert_ne!(regular(500, 8, 1), regular(500, 8, 2));
    assert_eq!(erdos_renyi(500, 14_000, 1), erdos_renyi(500, 14_000, 1));
    assert_ne!(erdos_renyi(500, 14_000, 1), erdos_renyi(500, 14_000, 2));
}

#[test]
fn graphs_are_the_same_on_every_platform() {
    // FNV-1a over the rows; golden values of this generator.
    let fingerprint = |graph: &Topology| {
        graph
            .neighbours
            .iter()
            .flat_map(|w| w.to_le_bytes())
            .fold(0xCBF2_9CE4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01B3))
    };
    let regular = regular(1000, 8, 7).expect("possible");
    assert_eq!(fingerprint(&regular), GOLDEN_REGULAR);
    let random = erdos_renyi(1000, 12_000, 7).expect("connected");
    assert_eq!(fingerprint(&random), GOLDEN_RANDOM);
}
const GOLDEN_REGULAR: u64 = 1_859_582_704_536_903_261;
const GOLDEN_RANDOM: u64 = 9_553_739_626_557_251_477;

#[test]
fn an_8_regular_graph_of_2000_nodes_has_diameter_5_or_6() {
    // A tree of 8 x 7^(k-1) new nodes a hop would reach 2,000 in 4 hops (8 + 56 + 392 + 2,744); collisions
    // leave a few nodes for hop 5 from almost everywhere, hop 6 hardly ever.
    for seed in 0..3 {
        let stats = stats(&regular(2000, 8, seed).expect("possible"));
        assert!((5..=6).contains(&stats.diameter_hops), "{stats:?}");
        assert_eq!((stats.degree_min, stats.degree_max, stats.edges), (8, 8, 8000));
        assert_eq!(stats.degree_mean, 8.0);
        // A random regular graph has about (d - 1) / n clustering: 0.0035.
        assert!(stats.clustering < 0.01, "{stats:?}");
    }
}

#[test]
fn erdos_renyi_degrees_are_binomial() {
    let (nodes, mean) = (20_000u32, 16.0f64);
    let graph = erdos_renyi(nodes, 16_000, 3).expect("connected");
    let degrees: Vec<f64> = (0..nodes).map(|v| f64::from(graph.degree(v))).collect();
    let measured = degrees.iter().sum::<f64>() / f64::from(nodes);
    let variance = degrees.iter().map(|d| (d - measured) * (d - measured)).sum::<f64>() / f64::from(nodes);
    // Standard error of the mean: sqrt(2 x 16 / 20,000) = 0.04 (each edge counts twice); of the variance:
    // about 16 x sqrt(2 / 20,000) = 0.16. Tolerance: 4 of them.
    assert!((measured - mean).abs() < 0.16, "mean {measured}");
    assert!((variance - mean).abs() < 0.64, "variance {variance}");
    // Chi-squared over the degrees 8..=24 against Poisson(16); 17 classes, 1 in 1,000 exceeds 41.
    let mut probability = sim_core::kernel::math::exp(-mean);
    let mut chi = 0.0;
    for k in 0..=24 {
        if k > 0 {
            probability *= mean / f64::from(k);
        }
        if k >= 8 {
            let expected = probability * f64::from(nodes);
            let found = degrees.iter().filter(|&&d| d == f64::from(k)).count() as f64;
            chi += (found - expected) * (found - expected) / expected;
        }
    }
    assert!(chi < 41.0, "chi-squared {chi}");
}

#[test]
fn pairs_of_a_random_regular_graph_are_equally_likely() {
    // 4,000 graphs of 10 nodes and degree 4: each of the 45 pairs is an edge with probability 4/9.
    let mut count = [[0u32; 10]; 10];
    for seed in 0..4000 {
        let graph = regular(10, 4, seed * 1_000_003).expect("possible");
        for v in 0..10 {
            graph.neighbours(v).iter().for_each(|&w| count[v as usize][w as usize] += 1);
        }
    }
    // 1,778 +- 31 by chance; 45 pairs, so 4.5 standard deviations.
    for (v, row) in count.iter().enumerate() {
        for (w, &found) in row.iter().enumerate().filter(|&(w, _)| w != v) {
            assert!(found.abs_diff(1778) < 141, "{v}-{w}: {found}");
        }
    }
}

#[test]
fn impossible_degrees_are_refused() {
    for (nodes, degree) in [(5, 3), (4, 4), (1, 1), (6, 0)] {
        let error = regular(nodes, degree, 1).expect_err("impossible");
        assert_eq!(error, TopologyError::ImpossibleDegree { nodes, degree });
    }
    let error = erdos_renyi(10, 9_001, 1).expect_err("more than 9 neighbours");
    assert!(error.to_string().contains("mean degree of 9.001"), "{error}");
    let full = TopologyPlan::FullMesh;
    assert_eq!(Topology::build(&full, 0, draw(1)), Err(TopologyError::NoNodes));
    let error = Topology::build(&full, 1_000_000, draw(1)).expect_err("half a trillion edges");
    assert!(matches!(error, TopologyError::TooManyEdges { edges: 499_999_500_000, .. }), "{error}");
}

#[test]
fn disconnected_graphs_are_refused_with_sizes_and_a_way_out() {
    let error = erdos_renyi(1000, 3_000, 1).expect_err("about 50 nodes have no neighbour");
    let TopologyError::Disconnected { components, largest, hint, .. } = &error else { panic!("{error}") };
    assert!((20..100).contains(components), "{components}");
    assert!(largest.len() == 5 && largest[0] > 900 && largest[4] <= 3, "{largest:?}");
    // ln 1000 = 6.9.
    assert!(hint.contains("ln n = 6.9") && hint.contains("9.9"), "{hint}");
    assert!(erdos_renyi(1000, 9_908, 1).is_ok());
    // Pairs, whatever the seed.
    let error = regular(1000, 1, 1).expect_err("500 pairs");
    assert!(error.to_string().contains("degree of 3 or more"), "{error}");
    let given = TopologyPlan::Given { name: "two.csv".to_owned(), edges: vec![(0, 1), (2, 3), (3, 4)] };
    let error = Topology::build(&given, 5, draw(1)).expect_err("two parts");
    let message = error.to_string();
    assert!(message.contains("`two.csv`") && message.contains("2 separate components"), "{message}");
    assert!(message.contains("of 3, 2 nodes"), "{message}");
}

#[test]
fn small_graphs_have_the_statistics_computed_by_hand() {
    let path = Topology::from_edges(4, &[(0, 1), (2, 1), (3, 2)]).expect("a path");
    assert_eq!((diameter(&path), clustering(&path)), (3, 0.0));
    assert_eq!(path.neighbours(1), [0, 2]);
    // A triangle with a tail: node degrees 2, 2, 3, 1; one triangle closes 3 of 5 pairs of neighbours.
    let tail = Topology::from_edges(4, &[(0, 1), (1, 2), (2, 0), (2, 3)]).expect("a triangle with a tail");
    assert_eq!((diameter(&tail), clustering(&tail)), (2, 0.6));
    let full = Topology::build(&TopologyPlan::FullMesh, 40, draw(1)).expect("full mesh");
    assert_simple(&full);
    assert_eq!((diameter(&full), clustering(&full), full.edges()), (1, 1.0, 780));
    let single = Topology::build(&TopologyPlan::FullMesh, 1, draw(1)).expect("one node");
    assert_eq!((diameter(&single), single.edges()), (0, 0));
}

#[test]
fn clustering_of_a_random_graph_is_its_density_sampled_or_not() {
    // In a random graph a pair of neighbours is connected like any pair, with probability p.
    for (nodes, mean_degree, tolerance) in
        [(1_500u32, 300u64, 0.005), (3_000, 600, 0.005), (30_000, 60, 0.0005)]
    {
        let graph = erdos_renyi(nodes, mean_degree * 1000, 11).expect("connected");
        let density = mean_degree as f64 / f64::from(nodes - 1);
        assert!((clustering(&graph) - density).abs() < tolerance, "{nodes}: {}", clustering(&graph));
    }
}

#[test]
fn components_and_distances_agree_with_petgraph() {
    let graph = erdos_renyi(300, 9_000, 5).expect("connected");
    let other = graph.to_petgraph();
    assert_eq!(other.edge_count() as u64, graph.edges());
    assert_eq!(petgraph::algo::connected_components(&other), 1);
    let farthest = other
        .node_indices()
        .flat_map(|v| petgraph::algo::dijkstra(&other, v, None, |_| 1u32).into_values().collect::<Vec<_>>())
        .max();
    assert_eq!(Some(diameter(&graph)), farthest);
}

#[test]
fn edge_lists_are_read_with_comments_headers_and_any_separator() {
    let text = "# a comment\nfrom,to\n0,1\n1; 2 # and another\n\n2\t3\n";
    assert_eq!(read_edge_list("good.csv", text, 4), Ok(vec![(0, 1), (1, 2), (2, 3)]));
}

#[test]
fn edge_list_errors_name_file_line_and_fault() {
    let cases = [
        ("0 1\n1 x\n", "g.txt:2: `x` is not a node number"),
        ("0 1\n\n1 2 3\n", "g.txt:3: expected two node numbers, found `1 2 3`"),
        ("0 1\n5\n", "g.txt:2: expected two node numbers, found `5`"),
        ("0 1\n1 4\n", "g.txt:2: node 4 is out of range: 4 nodes, 0 to 3"),
        ("0 1\n2 -1\n", "g.txt:2: `-1` is not a node number"),
        ("0 1\n2 2\n", "g.txt:2: node 2 is connected to itself"),
        ("0 1\n1 2\n2 3\n2 1\n", "g.txt:4: edge 1 2 was given in line 2 already (edges have no direction)"),
        ("# nothing\n", "g.txt:1: no edges: one edge a line, two node numbers each"),
    ];
    for (text, message) in cases {
        let error = read_edge_list("g.txt", text, 4).expect_err(message);
        assert_eq!(error.to_string(), message);
    }
    let given = |edges: &[(u32, u32)]| {
        let plan = TopologyPlan::Given { name: "g".to_owned(), edges: edges.to_vec() };
        Topology::build(&plan, 4, draw(1)).expect_err("bad edges").to_string()
    };
    assert!(given(&[(0, 1), (1, 0)]).contains("given twice"));
    assert!(given(&[(0, 4)]).contains("leaves the 4 nodes (0 to 3)"));
    assert!(given(&[(2, 2)]).contains("connected to itself"));
}

#[test]
fn a_million_nodes_of_degree_8_are_regular_and_9_hops_wide() {
    let graph = regular(1_000_000, 8, 1).expect("possible");
    let stats = stats(&graph);
    assert_eq!((stats.degree_min, stats.degree_max, stats.edges), (8, 8, 4_000_000));
    // Seven hops can reach 8 x (7^7 - 1) / 6 = 1.1 million nodes only if nothing is met twice, so some nodes
    // need an eighth and, from most, a ninth.
    assert!((8..=10).contains(&stats.diameter_hops), "{stats:?}");
    assert!(stats.clustering < 0.001, "{stats:?}");
}
