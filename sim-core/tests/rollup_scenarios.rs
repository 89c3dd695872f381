//! What may be written about rollups, and what is said about the rest.

use sim_core::scenario::estimate::estimate;
use sim_core::scenario::explain::explain;
use sim_core::scenario::plan::{DataPlan, OrderPlan};
use sim_core::scenario::{Changes, Library, Scenario};
use std::path::Path;

fn parse(body: &str) -> Result<Scenario, String> {
    let text = format!("(version: 1,\n  workload: Empty,\n  {body}\n)");
    Scenario::parse(&text, Path::new("mine.ron"), &Library::default(), &Changes::default())
        .map_err(|e| e.to_string())
}

#[test]
fn mistakes_are_one_message_with_their_place() {
    // (what is written, what the message must name)
    let cases: [(&str, &[&str]); 10] = [
        ("chain: (blobs: (target: 22, max: 21)),", &["mine.ron:3:", "chain.blobs", "target of 22", "21"]),
        ("chain: (blobs: \"bpo3\"),", &["mine.ron:3:", "bpo3", "bpo2"]),
        ("rollups: [Fleet(preset: \"op-lik\")],", &["mine.ron:3:", "rollups.0.preset", "op-lik", "op-like"]),
        ("rollups: [Fleet(count: 1000001)],", &["mine.ron:3:", "rollups.0.count", "1,000,000"]),
        (
            "rollups: [Fleet(count: 3, shares: Given([1, 2]))],",
            &["rollups.0.shares", "2 shares for 3 rollups"],
        ),
        (
            "rollups: [Fleet(count: 2, shares: Given([0, 0]))],",
            &["rollups.0.shares", "no rollup has a share"],
        ),
        (
            "rollups: [Fleet(block: \"2 s\", flashblock: \"300 ms\")],",
            &["rollups.0.flashblock", "whole number"],
        ),
        ("rollups: [Fleet(batch: (compression: 12))],", &["rollups.0.batch.compression", "0 to 11"]),
        ("rollups: [Fleet(), Fleet()],", &["rollups.1.name", "op-like"]),
        ("consensus: Broadcast(), rollups: [Fleet()],", &["rollups", "Slots"]),
    ];
    for (body, parts) in cases {
        let message = parse(body).expect_err(body);
        for part in parts {
            assert!(message.contains(part), "{body}\n{message}\nlacks `{part}`");
        }
    }
}

#[test]
fn presets_fill_what_is_left_out_and_fields_override_them() {
    let scenario = parse(
        "rollups: [Fleet(count: 40, preset: \"arbitrum-like\", order: Timeboost(express: 0.1), gas_limit: \"7 Mgas\", \
         batch: (data: Calldata(\"50 kB\")))],",
    );
    let plan = scenario.expect("sound").base;
    let fleet = &plan.rollups[0];
    assert_eq!((fleet.rules.block_ns, fleet.rules.queue_max), (250_000_000, 1_024));
    assert_eq!(fleet.rules.gas_limit, 7_000_000);
    assert_eq!(fleet.rules.order, OrderPlan::Timeboost { delay_ns: 200_000_000, express_ppm: 100_000 });
    assert_eq!(fleet.batcher.data, DataPlan::Calldata { max_bytes: 50_000 });
    assert_eq!(fleet.sequencers, 8);
    // Rollups need blobs: the schedule of the day, unless another is named.
    assert_eq!(plan.chains[0].blobs.as_ref().map(|b| b.schedule.as_str()), Some("bpo2"));
}

#[test]
fn without_rollups_a_chain_has_no_blobs() {
    assert_eq!(parse("").expect("sound").base.chains[0].blobs, None);
}

#[test]
fn a_fleet_that_posts_nothing_in_the_run_is_warned_about() {
    let quiet = parse("run: (blocks: 10), rollups: [Fleet(demand: (rate: \"1 tx/s\"))],").expect("sound");
    let warnings: Vec<String> = quiet.warnings.iter().map(ToString::to_string).collect();
    assert!(warnings.iter().any(|w| w.contains("rollups.0.batch.max_delay")), "{warnings:?}");
}

#[test]
fn more_rollups_than_memory_allows_are_refused_with_the_number() {
    let many = "run: (blocks: 2000), rollups: [Fleet(count: 1000000, demand: (rate: \"9000 tx/s\"))],";
    let cost = estimate(&parse(many).expect("sound").base);
    let message = cost.check("base", Some(8 << 30)).expect_err("too much for 8 GiB").to_string();
    assert!(message.contains("GiB of memory") && message.contains("8.0 GiB are available"), "{message}");
    let few = "run: (blocks: 60), rollups: [Fleet(count: 1000000, demand: (rate: \"800 tx/s\"))],";
    estimate(&parse(few).expect("sound").base).check("base", Some(8 << 30)).expect("fits into 8 GiB");
}

#[test]
fn the_fields_of_rollups_are_explained() {
    for key in
        ["rollups", "rollups.batch.max_delay", "chain.blobs", "rollups.flashblock", "rollups.batch.sharing"]
    {
        let explanation = explain(key).unwrap_or_else(|e| panic!("{key}: {e}"));
        assert!(explanation.meaning.len() > 20, "{key}: {}", explanation.meaning);
    }
}
