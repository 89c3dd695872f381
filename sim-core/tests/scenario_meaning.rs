//! What a scenario means: units, overrides, arms, further chains, JSON, explanations, estimates.

use proptest::prelude::*;
use sim_core::scenario::estimate::{TooLarge, estimate};
use sim_core::scenario::explain::{explain, keys, schema};
use sim_core::scenario::plan::*;
use sim_core::scenario::units::*;
use sim_core::scenario::{Changes, Library, Scenario};
use std::path::Path;

fn load(text: &str, set: &[&str]) -> Scenario {
    let changes = Changes { set: set.iter().map(|s| (*s).to_owned()).collect(), ..Changes::default() };
    Scenario::parse(text, Path::new("test.ron"), &Library::default(), &changes)
        .unwrap_or_else(|e| panic!("{e}"))
}

fn base(set: &[&str]) -> Plan {
    load("(version: 1)", set).base
}

#[test]
fn units_are_read_exactly() {
    assert_eq!(Duration::parse("80 ms"), Ok(Duration(80_000_000)));
    assert_eq!(Duration::parse("2s"), Ok(Duration(2_000_000_000)));
    assert_eq!(Duration::parse("1.5 min"), Ok(Duration(90_000_000_000)));
    assert_eq!(Duration::parse("0.000000001 s"), Ok(Duration(1)));
    assert_eq!(BitRate::parse("50 Mbit/s"), Ok(BitRate(50_000_000)));
    assert_eq!(BitRate::parse("1 Gbit/s"), Ok(BitRate(1_000_000_000)));
    assert_eq!(BitRate::parse("10 MB/s"), Ok(BitRate(80_000_000)));
    assert_eq!(Size::parse("128 KiB"), Ok(Size(131_072)));
    assert_eq!(Size::parse("1 MB"), Ok(Size(1_000_000)));
    assert_eq!(Size::parse("0.5 KiB"), Ok(Size(512)));
    assert_eq!(GasAmount::parse("30 Mgas"), Ok(GasAmount(30_000_000)));
    assert_eq!(TxRate::parse("2500 tx/s"), Ok(TxRate(2_500_000)));
    assert_eq!(TxRate::parse("0.001 tx/s"), Ok(TxRate(1)));
    assert_eq!(Price::parse("12 gwei"), Ok(Price(12_000_000_000)));
    for half in ["0.5x", "50 %", "0.5", "5e-1", "0.50x", "500e-3x"] {
        assert_eq!(Factor::parse(half), Ok(Factor(500_000)), "{half}");
    }
    // 0.1 + 0.2 is not 0.3 in floating point; here it is.
    assert_eq!(
        Factor::parse("0.3").unwrap().0,
        Factor::parse("0.1").unwrap().0 + Factor::parse("0.2").unwrap().0
    );
    assert_eq!(Duration::parse("18446744073709551615 ns"), Ok(Duration(u64::MAX)));
}

#[test]
fn what_cannot_be_read_exactly_is_refused() {
    for text in [
        "",
        " ",
        "ms",
        "80",
        "80 m",
        "80 Mbit/s",
        "0.5 ns",
        "-1 ms",
        "1e30 s",
        "1.2.3 s",
        "1e999999999 s",
        "18446744073709551616 ns",
        "1e-30 s",
        "NaN s",
        "inf s",
        "1__ s s",
        ". s",
    ] {
        assert!(Duration::parse(text).is_err(), "{text}");
    }
    assert!(Size::parse("0.3 KiB").is_err());
    assert!(Factor::parse("0.0000001x").is_err());
    assert!(Factor::parse("2y").is_err());
}

proptest! {
    #[test]
    fn a_quantity_survives_being_written(value in prop_oneof![any::<u64>(), 0u64..10_000_000_000, (0u64..1000).prop_map(|v| v * 1_000_000_000)]) {
        prop_assert_eq!(Duration::parse(&Duration(value).to_string()), Ok(Duration(value)));
        prop_assert_eq!(Size::parse(&Size(value).to_string()), Ok(Size(value)));
        prop_assert_eq!(BitRate::parse(&BitRate(value).to_string()), Ok(BitRate(value)));
        prop_assert_eq!(GasAmount::parse(&GasAmount(value).to_string()), Ok(GasAmount(value)));
        prop_assert_eq!(TxRate::parse(&TxRate(value).to_string()), Ok(TxRate(value)));
        prop_assert_eq!(Price::parse(&Price(value).to_string()), Ok(Price(value)));
        prop_assert_eq!(Factor::parse(&Factor(value).to_string()), Ok(Factor(value)));
        prop_assert_eq!(Real::parse(&Real(value).to_string()), Ok(Real(value)));
    }

    #[test]
    fn reading_a_quantity_never_panics(text in "\\PC{0,40}", number in "[0-9.eE_+-]{1,40}", unit in "(ms|x|%|KiB|)") {
        let _ = Duration::parse(&text);
        let _ = Duration::parse(&format!("{number} {unit}"));
        let _ = Factor::parse(&format!("{number}{unit}"));
        let _ = Size::parse(&format!("{number}{unit}"));
    }
}

#[test]
fn set_changes_what_it_names() {
    assert_eq!(base(&["network.gossip=Flood"]).network.gossip, GossipPlan::Flood);
    assert_eq!(base(&["network.gossip=\"Flood\""]).network.gossip, GossipPlan::Flood);
    let GossipPlan::Gossipsub(g) = base(&["network.gossip.mesh=6"]).network.gossip else { panic!() };
    assert_eq!((g.mesh, g.idontwant), (6, true));
    let GossipPlan::Gossipsub(g) = base(&["network.gossip=Gossipsub(mesh: 4)"]).network.gossip else {
        panic!()
    };
    assert_eq!((g.mesh, g.mesh_low, g.mesh_high), (4, 3, 6));
    assert_eq!(base(&["execution.cores=4"]).chains[0].execution.cores, Some(4));
    assert_eq!(base(&["execution.cores=4", "execution.cores=None"]).chains[0].execution.cores, None);
    assert_eq!(base(&["nodes.regions=even"]).nodes.region_weights.len(), 16);
    assert_eq!(base(&["workload.rate=5 tx/s"]), base(&["workload=Users(rate: \"5 tx/s\")"]));
    assert_eq!(base(&["workload.hot_spot=Uniform"]), base(&["workload.hot_spot=Zipf(0)"]));
    let slots = |plan: Plan| match plan.chains[0].consensus.clone() {
        ConsensusPlan::Slots(slots) => slots,
        ConsensusPlan::Broadcast(_) => panic!(),
    };
    assert_eq!(slots(base(&["consensus.committees=9"])).committees, 9);
    assert_eq!(slots(base(&["chain.slot=3 s"])).attest_by_ns, 1_000_000_000);
    let two = "(version: 1, chains: [(name: \"b\")])";
    assert_eq!(
        load(two, &["chains.0.execution.speed=2"]).base,
        load(two, &["chains.b.execution.speed=2x"]).base
    );
}

#[test]
fn a_latency_factor_keeps_the_table_and_a_table_name_keeps_the_factor() {
    let plan = base(&["network.latency=0.5x"]);
    assert_eq!((plan.network.latency.name.as_str(), plan.network.latency_scale_ppm), ("aws-2026", 500_000));
    let plan = load("(version: 1, network: (latency: \"50 %\"))", &["network.latency=ethshadow"]).base;
    assert_eq!((plan.network.latency.name.as_str(), plan.network.latency_scale_ppm), ("ethshadow", 500_000));
}

#[test]
fn seed_and_vs_from_outside_make_further_arms() {
    let changes = Changes {
        set: vec!["run.blocks=3".into()],
        vs: vec!["execution.speed=10".into(), "network.bandwidth=2x".into()],
        seed: Some(99),
    };
    let scenario =
        Scenario::parse("(version: 1)", Path::new("t.ron"), &Library::default(), &changes).unwrap();
    assert_eq!(scenario.arms.len(), 2);
    for plan in scenario.plans() {
        assert_eq!((plan.seed, plan.run.blocks), (99, 3));
    }
    assert_eq!(scenario.arms[1].network.bandwidth_scale_ppm, 2_000_000);
    assert_eq!(scenario.arms[0].name, "execution.speed=10");
}

#[test]
fn a_further_chain_starts_from_the_top_level_values() {
    let text = "(version: 1, chain: (slot: \"6 s\"), execution: (cores: 3), chains: [
        (name: \"b\", chain: (gas_limit: \"1 Mgas\"), workload: Empty),
        (name: \"c\", consensus: Broadcast(payload: \"1 KiB\")),
    ])";
    let plan = load(text, &[]).base;
    let names: Vec<_> = plan.chains.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["main", "b", "c"]);
    assert_eq!(plan.chains[1].gas_limit, 1_000_000);
    assert_eq!(plan.chains[1].consensus, plan.chains[0].consensus);
    assert_eq!(plan.chains[1].execution, plan.chains[0].execution);
    assert_eq!(plan.chains[1].workload, WorkloadPlan::Empty);
    let ConsensusPlan::Broadcast(b) = &plan.chains[2].consensus else { panic!() };
    assert_eq!((b.interval_ns, b.payload_bytes), (6_000_000_000, 1024));
}

#[test]
fn json_means_the_same_as_ron() {
    let ron = load(include_str!("../../scenarios/quickstart.ron"), &[]);
    let json = load(
        r#"{
          "version": 1, "base": "ethereum-2026", "seed": 7,
          "run": {"blocks": 40, "warm_up": 5},
          "nodes": {"count": 1000, "regions": "ethereum-2026", "hardware": {"attester": 80, "home-staker": 20}},
          "network": {"latency": "aws-2026", "links": "Fifo", "gossip": {"Gossipsub": {"mesh": 8, "idontwant": true}}},
          "chain": {"slot": "2 s", "attest_by": "1 s", "gas_limit": "120 Mgas", "base_fee": "55 gwei"},
          "execution": {"algorithm": "BlockStm", "cores": 8, "speed": 1.0, "pipeline": "BeforeVoting"},
          "workload": {"Users": {"rate": "2500 tx/s", "hot_spot": {"Zipf": 0.8},
                                 "mix": {"erc20": 50, "swap": 30, "compute": 20}}},
          "compare": [["10x EVM", {"execution.speed": 10.0}], ["2x bandwidth", {"network.bandwidth": "2x"}],
                      ["3x bandwidth", {"network.bandwidth": "3x"}], ["half latency", {"network.latency": "0.5x"}]]
        }"#,
        &[],
    );
    assert_eq!((ron.base, ron.arms), (json.base, json.arms));
    let mesh = load(
        r#"{"version": 1, "network": {"gossip": {"Gossipsub": {"mesh": 8}}}}"#,
        &["network.gossip.mesh=5"],
    );
    let GossipPlan::Gossipsub(g) = mesh.base.network.gossip else { panic!() };
    assert_eq!(g.mesh, 5);
}

#[test]
fn files_beside_the_scenario_are_found_from_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ring.csv"), "a,b\n0,1\n1,2 # comment\n2,0\n2,0\n").unwrap();
    std::fs::create_dir(folder.path().join("blocks")).unwrap();
    for name in ["9.json", "10.json.gz", "readme.md"] {
        std::fs::write(folder.path().join("blocks").join(name), "x").unwrap();
    }
    let path = folder.path().join("s.ron");
    let text = "(version: 1, nodes: (count: 3), network: (topology: File(\"ring.csv\")), workload: Blocks(\"blocks\"))";
    std::fs::write(&path, text).unwrap();
    let plan = Scenario::load(&path).unwrap_or_else(|e| panic!("{e}")).base;
    let edges = vec![(0, 1), (0, 2), (1, 2)];
    assert_eq!(plan.network.topology, TopologyPlan::Given { name: "ring.csv".into(), edges });
    let WorkloadPlan::Blocks(blocks) = &plan.chains[0].workload else { panic!() };
    let names: Vec<_> = blocks.files.iter().map(|f| f.rsplit('/').next().unwrap()).collect();
    assert_eq!(names, ["9.json", "10.json.gz"]);
    for (edges, snippet) in
        [("0,9", "ring.csv:1: node 9 does not exist"), ("1,1", "itself"), ("0;x", "not a pair")]
    {
        std::fs::write(folder.path().join("ring.csv"), edges).unwrap();
        let message = Scenario::load(&path).unwrap_err().to_string();
        assert!(message.contains(snippet), "{message}");
    }
}

#[test]
fn every_field_is_explained() {
    for key in keys() {
        let explanation = explain(&key).unwrap_or_else(|e| panic!("{e}"));
        assert!(explanation.meaning.len() > 8, "{key}: {}", explanation.meaning);
        assert!(!explanation.form.is_empty(), "{key}");
    }
    assert_eq!(explain("mesh").unwrap().path, "network.gossip.mesh");
    assert_eq!(explain("network.gossip.mesh").unwrap().default.as_deref(), Some("8"));
    assert_eq!(explain("network.gosip").unwrap_err().nearest[0], "network.gossip");
    assert!(explain("").is_err());
    assert_eq!(schema()["properties"]["nodes"]["$ref"], "#/$defs/NodesSpec");
}

/// `Default: X.` in a doc comment, if X can be written in a scenario.
fn stated_default(meaning: &str) -> Option<String> {
    let rest = meaning.split("Default: ").nth(1)?;
    let end = rest.find(". ").or_else(|| rest.ends_with('.').then(|| rest.len() - 1))?;
    let text = &rest[..end];
    let literal = text.starts_with(['"', '{'])
        || text.starts_with(|c: char| c.is_ascii_digit())
        || text.starts_with("Zipf")
        || matches!(text, "true" | "false");
    (literal && !text.contains(" of ")).then(|| text.to_owned())
}

#[test]
fn the_defaults_the_documentation_states_are_the_defaults() {
    let mut checked = 0;
    for (section, start) in [
        ("network.gossip", "network.gossip=Gossipsub()"),
        ("workload", "workload=Users()"),
        ("consensus", "consensus=Slots()"),
        ("consensus", "consensus=Broadcast()"),
        ("network.forward", "network.forward=AfterHeaderCheck()"),
    ] {
        for key in keys().iter().filter(|k| k.strip_prefix(section).is_some_and(|r| r.starts_with('.'))) {
            let Some(default) = stated_default(&explain(key).unwrap().meaning) else { continue };
            let changes = |set: Vec<String>| Changes { set, ..Changes::default() };
            let parse = |changes: &Changes| {
                Scenario::parse("(version: 1)", Path::new("t"), &Library::default(), changes)
            };
            // A field of the section's other choice is refused here and checked with that one.
            let Ok(stated) = parse(&changes(vec![start.into(), format!("{key}={default}")])) else {
                continue;
            };
            assert_eq!(stated.base, parse(&changes(vec![start.into()])).unwrap().base, "{key}={default}");
            checked += 1;
        }
    }
    assert!(checked >= 20, "{checked}");
}

#[test]
fn an_estimate_grows_with_the_run_and_refuses_what_cannot_be() {
    let small = estimate(&base(&[]));
    let large = estimate(&base(&["nodes.count=100000", "run.blocks=300"]));
    assert!(small.check("base", Some(8 << 30)).is_ok());
    assert!(large.events > 500 * small.events && large.memory_bytes > 10 * small.memory_bytes);
    assert!(matches!(large.check("base", Some(1 << 20)), Err(TooLarge::Memory { .. })));
    let absurd =
        estimate(&base(&["nodes.count=10000000", "run.blocks=1000000", "workload.rate=10000 ktx/s"]));
    let message = absurd.check("base", None).unwrap_err().to_string();
    assert!(message.contains("events, more than 1,000,000,000,000"), "{message}");
    // The target of a million nodes in 2 GiB is not refused on a machine that has them.
    let million = base(&[
        "nodes.count=1000000",
        "network.topology=RandomRegular(degree: 8)",
        "network.gossip=Flood",
        "consensus=Broadcast()",
        "workload=Empty",
        "run.blocks=1",
        "run.warm_up=0",
    ]);
    assert!(estimate(&million).memory_bytes < 2 << 30, "{}", estimate(&million));
}
