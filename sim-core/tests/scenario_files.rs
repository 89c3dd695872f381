//! The shipped scenarios and presets, read and resolved.

use sim_core::scenario::plan::*;
use sim_core::scenario::{Changes, Library, Scenario, presets, reader, spec};
use std::path::{Path, PathBuf};

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

fn parse(text: &str) -> Scenario {
    Scenario::parse(text, Path::new("test.ron"), &Library::default(), &Changes::default())
        .unwrap_or_else(|e| panic!("{e}"))
}

/// The shipped files by name; those that need recorded data are pointed at a made-up folder.
fn load(name: &str) -> Scenario {
    let path = shipped().join(name);
    let text = std::fs::read_to_string(&path).unwrap();
    let data = tempfile::tempdir().unwrap();
    std::fs::create_dir(data.path().join("blocks")).unwrap();
    for block in ["116525.json.gz", "1150000.json.gz"] {
        std::fs::write(data.path().join("blocks").join(block), "x").unwrap();
    }
    let library = Library { folder: shipped(), data: Some(data.path().to_path_buf()) };
    Scenario::parse(&text, &path, &library, &Changes::default()).unwrap_or_else(|e| panic!("{e}"))
}

const SHIPPED: [&str; 5] = [
    "quickstart.ron",
    "serial-vs-parallel.ron",
    "bandwidth-wall.ron",
    "mainnet-blocks.ron",
    "region-outage.ron",
];

#[test]
fn every_shipped_scenario_resolves_without_a_warning_and_asks_a_question() {
    for name in SHIPPED {
        let scenario = load(name);
        assert_eq!(scenario.warnings, [], "{name}");
        assert!(scenario.question().is_some_and(|q| q.ends_with('?')), "{name}");
        for word in ["Prediction", "Run time"] {
            assert!(scenario.comment.iter().any(|l| l.starts_with(word)), "{name}: {word}");
        }
        assert!(!scenario.arms.is_empty(), "{name}");
    }
}

#[test]
fn the_quickstart_means_what_it_says() {
    let scenario = load("quickstart.ron");
    let base = &scenario.base;
    assert_eq!((base.name.as_str(), base.seed), ("base", 7));
    assert_eq!(base.run, RunPlan { blocks: 40, warm_up: 5, partitions: 1 });
    assert_eq!(base.nodes.count, 1000);
    let classes: Vec<_> = base.nodes.hardware.iter().map(|(c, w)| (c.name.as_str(), *w)).collect();
    assert_eq!(classes, [("attester", 80), ("home-staker", 20)]);
    assert_eq!(base.network.latency.name, "aws-2026");
    let GossipPlan::Gossipsub(gossip) = &base.network.gossip else { panic!("gossipsub") };
    assert_eq!((gossip.mesh, gossip.mesh_low, gossip.mesh_high, gossip.idontwant), (8, 6, 12, true));
    let chain = &base.chains[0];
    assert_eq!((chain.name.as_str(), chain.gas_limit), ("main", 120_000_000));
    let ConsensusPlan::Slots(slots) = &chain.consensus else { panic!("slots") };
    assert_eq!(slots.slot_ns, 2_000_000_000);
    assert_eq!(slots.attest_by_ns, 1_000_000_000);
    assert_eq!(slots.aggregate_by_ns, 1_500_000_000);
    assert_eq!(chain.execution.algorithm, Algorithm::BlockStm);
    assert_eq!((chain.execution.cores, chain.execution.speed_ppm), (Some(8), 1_000_000));
    let WorkloadPlan::Users(users) = &chain.workload else { panic!("users") };
    assert_eq!((users.rate_milli_tps, users.zipf_ppm), (2_500_000, 800_000));
    assert_eq!(users.mix, [(TxKind::Erc20, 50), (TxKind::Swap, 30), (TxKind::Compute, 20)]);
}

#[test]
fn an_arm_differs_from_the_base_in_what_it_names_and_nothing_else() {
    let Scenario { base, arms, .. } = load("quickstart.ron");
    let names: Vec<_> = arms.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(names, ["10x EVM", "2x bandwidth", "3x bandwidth", "half latency"]);
    let mut expected = vec![base.clone(); 4];
    for (plan, name) in expected.iter_mut().zip(&names) {
        plan.name = (*name).to_owned();
    }
    expected[0].chains[0].execution.speed_ppm = 10_000_000;
    expected[1].network.bandwidth_scale_ppm = 2_000_000;
    expected[2].network.bandwidth_scale_ppm = 3_000_000;
    expected[3].network.latency_scale_ppm = 500_000;
    assert_eq!(arms, expected);
}

#[test]
fn every_preset_gives_every_field() {
    for preset in presets::ALL {
        let scenario = parse(&format!("(version: 1, base: \"{}\")", preset.name));
        assert_eq!(scenario.preset, preset.name);
        assert!(!preset.description().is_empty());
    }
    let starter = parse(presets::STARTER);
    assert_eq!(starter.warnings, []);
}

#[test]
fn the_reader_agrees_with_the_ron_crate() {
    use ron::extensions::Extensions;
    let options = ron::Options::default()
        .with_default_extension(Extensions::IMPLICIT_SOME | Extensions::UNWRAP_VARIANT_NEWTYPES);
    let texts = SHIPPED.map(|name| std::fs::read_to_string(shipped().join(name)).unwrap());
    let presets = presets::ALL.map(|p| p.text.to_owned());
    for text in texts.into_iter().chain(presets) {
        // Override values may be choices, which `ron` cannot read without knowing their type.
        let text = text.split("compare:").next().unwrap().trim_end().trim_end_matches(')').to_owned() + ")";
        let theirs: spec::Spec = options.from_str(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        let mut sources = sim_core::scenario::tree::Sources::default();
        let source = sources.add(sim_core::scenario::tree::SourceKind::File, "test", text.clone());
        let node = reader::read(&text, source).unwrap();
        let ours: spec::Spec = sim_core::scenario::de::from_node(&node, &sources, "").unwrap();
        assert_eq!(ours, theirs);
    }
}

#[test]
fn a_plan_survives_being_written_into_a_manifest() {
    let plan = load("quickstart.ron").base;
    let json = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan);
    let ron = ron::to_string(&plan).unwrap();
    assert_eq!(ron::from_str::<Plan>(&ron).unwrap(), plan);
}
