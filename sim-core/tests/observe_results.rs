//! From records to answers and result folders, on made-up runs.

mod observe_support;

use observe_support::{MS, Shape, arms, meta, run};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use sim_core::observe::record::{Breakdown, Part, Resource, RunRecord};
use sim_core::observe::{
    OutputError, WriteOptions, analyse, check_destination, measure, tables, verdict, write_results,
};
use std::fs;
use std::path::Path;

fn write(dir: &Path, records: &[RunRecord], options: &WriteOptions) -> Result<(), OutputError> {
    write_results(dir, records, &analyse(records), &meta(), options)
}

/// Names in a folder, hidden ones included.
fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn the_documented_schema_is_the_written_one() {
    let documented = include_str!("../src/observe/tables/schema.md");
    if tables::schema_markdown() != documented {
        let proposal = Path::new(env!("CARGO_TARGET_TMPDIR")).join("schema.md");
        fs::write(&proposal, tables::schema_markdown()).unwrap();
        panic!("src/observe/tables/schema.md is out of date; the right text is in {}", proposal.display());
    }
}

#[test]
fn made_up_parts_add_up_to_the_nanosecond() {
    for record in arms() {
        for (nb, block) in measure::measured_node_blocks(&record) {
            let total = measure::to_verified_ns(&record, nb, block).unwrap();
            assert_eq!(total, nb.to_verified.total_ns());
            assert_eq!(nb.final_ns.unwrap() - block.slot_start_ns, nb.to_final.unwrap().total_ns());
        }
        assert!(!measure::summarise(&record).warnings.iter().any(|w| w.contains("add up")));
    }
}

#[test]
fn parts_that_do_not_add_up_are_a_warning() {
    let mut record = run(&Shape::default());
    let last = record.node_blocks.last_mut().unwrap();
    last.to_verified.add(Part::Protocol, 1);
    let warnings = measure::summarise(&record).warnings;
    assert!(warnings.iter().any(|w| w == "The parts of 1 node-blocks do not add up to their total."));
}

#[test]
fn headline_percentile_matches_a_hand_count() {
    let record = run(&Shape::default());
    let mut times = Vec::new();
    for nb in &record.node_blocks {
        let block = &record.blocks[nb.block as usize];
        if block.measured && block.canonical {
            times.push(nb.verified_ns.unwrap() - block.slot_start_ns);
        }
    }
    times.sort_unstable();
    let summary = measure::summarise(&record);
    assert_eq!(summary.to_verified.samples, times.len() as u64);
    assert_eq!(summary.to_verified.p95_ns, Some(times[(times.len() * 95).div_ceil(100) - 1]));
    assert_eq!(summary.blocks_measured, 24);
    assert_eq!(summary.blocks_canonical, 22, "slots 12 and 25 are stale");
    assert!((summary.duplicates_per_item - 3.0).abs() < 1e-12);
    assert_eq!(summary.mesh_degree, Some(7.5));
    let gas: u64 = record.blocks.iter().filter(|b| b.measured && b.canonical).map(|b| b.gas_used).sum();
    assert!((summary.gas_per_second - gas as f64 / 48.0).abs() < 1e-3, "24 slots of 2 s");
}

#[test]
fn the_verdict_takes_the_node_that_closes_two_thirds_of_the_stake() {
    let mut record = run(&Shape { nodes: 3, blocks: 1, warm_up: 0, ..Shape::default() });
    let parts = [(Part::Propagation, 10), (Part::QueueUp, 20), (Part::Execution, 30)];
    for (nb, (part, ns)) in record.node_blocks.iter_mut().zip(parts) {
        nb.to_verified = Breakdown::default();
        nb.to_verified.add(part, ns);
        nb.verified_ns = Some(record.blocks[0].slot_start_ns + ns);
    }
    let closes = |record: &RunRecord, stakes: [u64; 3]| {
        let mut record = record.clone();
        for (node, stake) in record.nodes.iter_mut().zip(stakes) {
            node.stake = stake;
        }
        verdict::verdict(&record).leader().map(|(resource, _)| resource)
    };
    assert_eq!(closes(&record, [1, 1, 1]), Some(Resource::Uplink));
    assert_eq!(closes(&record, [2, 0, 1]), Some(Resource::Latency), "2 of 3 is 2/3");
    assert_eq!(closes(&record, [1, 0, 2]), Some(Resource::Execution));
    assert_eq!(closes(&record, [0, 0, 0]), Some(Resource::Uplink), "without stake nodes count equally");
    record.node_blocks[1].verified_ns = None;
    assert_eq!(closes(&record, [1, 1, 1]), Some(Resource::Execution));
    record.node_blocks[2].verified_ns = None;
    assert_eq!(closes(&record, [1, 1, 1]), None);
    assert_eq!(verdict::verdict(&record).unresolved, 1);
}

#[test]
fn ties_between_resources_go_to_the_first() {
    let mut parts = Breakdown::default();
    assert_eq!(verdict::bottleneck(&parts), None);
    parts.add(Part::Execution, 5);
    parts.add(Part::SerialisationDown, 5);
    assert_eq!(verdict::bottleneck(&parts), Some(Resource::Downlink));
}

#[test]
fn the_answer_reads_as_a_sentence() {
    let analysis = analyse(&arms());
    let base = &analysis.arms[0];
    let (_, share) = base.verdict.leader().unwrap();
    let leader = |arm: &measure::ArmSummary| arm.verdict.leader().unwrap().0;
    let change = |n: usize| {
        let arm = &analysis.arms[n];
        let times = [base, arm].map(|a| a.to_verified.p95_ns.unwrap() as f64);
        let moved = if leader(arm) == leader(base) {
            String::new()
        } else {
            format!(", bound by {}", leader(arm).name())
        };
        format!("{:+.0} %{moved}", (times[1] - times[0]) / times[0] * 100.0)
    };
    let expected = format!(
        "Bottleneck: {} in {:.0} % of blocks. 10x EVM: p95 {}; 2x bandwidth: p95 {}; half latency: p95 {}.",
        leader(base).name(),
        share * 100.0,
        change(1),
        change(2),
        change(3)
    );
    assert_eq!(analysis.answer.headline, expected);
    assert!(expected.contains("bound by"), "some arm moves the bottleneck: {expected}");
    assert!(
        analysis.answer.detail.contains("1,320 samples from 22 blocks at 60 of 60 nodes"),
        "{}",
        analysis.answer
    );
    let paired = analysis.comparisons[1].paired.as_ref().unwrap();
    assert_eq!(paired.blocks, 22);
    assert!(paired.median_ns < 0 && paired.p25_ns <= paired.median_ns && paired.median_ns <= paired.p75_ns);
}

#[test]
fn an_answer_without_arms_blocks_or_time_says_so() {
    assert_eq!(analyse(&[]).answer.headline, "No answer: no run.");
    let alone = analyse(&[run(&Shape::default())]);
    assert!(alone.answer.headline.ends_with("% of blocks."), "{}", alone.answer);

    let empty = run(&Shape { blocks: 0, warm_up: 0, ..Shape::default() });
    let analysis = analyse(&[empty.clone(), empty]);
    assert_eq!(
        analysis.answer.headline,
        "No bottleneck: no canonical block was measured. base: no measured blocks."
    );
    assert!(analysis.arms[0].warnings.iter().any(|w| w == "The run produced no block."));

    let mut zero = run(&Shape { nodes: 2, blocks: 1, warm_up: 0, ..Shape::default() });
    for nb in &mut zero.node_blocks {
        nb.to_verified = Breakdown::default();
        nb.verified_ns = Some(zero.blocks[0].slot_start_ns);
    }
    let arm = run(&Shape { name: "arm", nodes: 2, blocks: 1, warm_up: 0, ..Shape::default() });
    let headline = analyse(&[zero.clone(), arm]).answer.headline;
    assert!(headline.contains("arm: p95 0 ns -> "), "{headline}");

    let mut lost = zero.clone();
    lost.plan.name = "lost".to_owned();
    for nb in &mut lost.node_blocks {
        nb.verified_ns = None;
    }
    let headline = analyse(&[zero, lost]).answer.headline;
    assert!(headline.ends_with("lost: p95 not reached."), "{headline}");
}

fn read(path: &Path) -> Vec<Row> {
    let reader = SerializedFileReader::new(fs::File::open(path).unwrap()).unwrap();
    assert_eq!(reader.metadata().file_metadata().created_by(), Some("lightcone"));
    reader.get_row_iter(None).unwrap().map(Result::unwrap).collect()
}

fn cell<'a>(row: &'a Row, name: &str) -> &'a Field {
    row.get_column_iter().find(|(n, _)| *n == name).unwrap_or_else(|| panic!("no column {name}")).1
}

#[test]
fn tables_read_back_with_the_values_of_the_records() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("out");
    let records = arms();
    write(&dir, &records, &WriteOptions::default()).unwrap();
    let total = |f: fn(&RunRecord) -> usize| records.iter().map(f).sum::<usize>();

    let blocks = read(&dir.join("blocks.parquet"));
    assert_eq!(blocks.len(), total(|r| r.blocks.len()));
    let (row, block) = (&blocks[30], &records[1].blocks[2]);
    assert_eq!(cell(row, "arm"), &Field::Str("10x EVM".to_owned()));
    assert_eq!(cell(row, "size_bytes"), &Field::ULong(block.size_bytes));
    assert_eq!(cell(row, "recorded"), &Field::Null);
    assert_eq!(cell(row, "canonical"), &Field::Bool(block.canonical));
    assert_eq!(cell(row, "verified_p95_ns"), &Field::ULong(block.verified_quantiles_ns[2].unwrap()));

    let nodes = read(&dir.join("nodes.parquet"));
    assert_eq!(nodes.len(), total(|r| r.nodes.len()));
    assert_eq!(cell(&nodes[5], "hardware"), &Field::Str("home-staker".to_owned()));
    assert_eq!(cell(&nodes[5], "region"), &Field::Str("eu-north".to_owned()));
    assert_eq!(cell(&nodes[5], "sent_block_bytes"), &Field::ULong(records[0].nodes[5].sent_bytes[0]));

    let node_blocks = read(&dir.join("node_blocks.parquet"));
    assert_eq!(node_blocks.len(), total(|r| r.node_blocks.len()));
    let nb = &records[0].node_blocks[77];
    assert_eq!(cell(&node_blocks[77], "verified_ns"), &Field::ULong(nb.verified_ns.unwrap()));
    let sum: u64 = node_blocks[77]
        .get_column_iter()
        .filter(|(name, _)| name.starts_with("verified_") && name.as_str() != "verified_ns")
        .map(|(_, field)| if let Field::ULong(ns) = field { *ns } else { panic!("{field:?}") })
        .sum();
    assert_eq!(sum, nb.to_verified.total_ns());

    let transactions = read(&dir.join("transactions.parquet"));
    assert_eq!(transactions.len(), total(|r| r.transactions.len()));
    assert_eq!(cell(&transactions[0], "kind"), &Field::Str("erc20".to_owned()).clone());

    let series = read(&dir.join("series.parquet"));
    assert_eq!(series.len(), total(|r| r.blocks.iter().filter(|b| b.canonical).count()));
    let (row, block) = (&series[3], &records[0].blocks[3]);
    assert_eq!(cell(row, "gas_utilisation"), &Field::Double(block.gas_used as f64 / 120e6));
    let waiting = records[0]
        .transactions
        .iter()
        .filter(|t| t.submitted_ns < block.slot_start_ns && t.block.is_none_or(|b| b >= 3))
        .count();
    assert_eq!(cell(row, "waiting_transactions"), &Field::ULong(waiting as u64));
}

/// Relative paths and contents of everything in a folder.
fn contents(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for name in names(dir) {
        let path = dir.join(&name);
        if path.is_dir() {
            files
                .extend(contents(&path).into_iter().map(|(inner, bytes)| (format!("{name}/{inner}"), bytes)));
        } else {
            files.push((name, fs::read(path).unwrap()));
        }
    }
    files
}

#[test]
fn the_same_records_give_the_same_bytes() {
    let place = tempfile::tempdir().unwrap();
    let (a, b) = (place.path().join("a"), place.path().join("b"));
    write(&a, &arms(), &WriteOptions::default()).unwrap();
    let records = arms();
    let other_host = sim_core::observe::ReportMeta {
        host: vec![("cores".to_owned(), "64".to_owned())],
        wall_seconds: vec![9.0],
        ..meta()
    };
    write_results(&b, &records, &analyse(&records), &other_host, &WriteOptions::default()).unwrap();
    for ((name, left), (_, right)) in contents(&a).into_iter().zip(contents(&b)) {
        assert_eq!(left == right, name != "manifest.json", "{name}: only the manifest knows the host");
    }
    assert_eq!(names(place.path()), ["a", "b"], "nothing temporary is left");
}

#[test]
fn json_carries_digest_answer_and_plans() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("deep/er/out");
    let records = arms();
    write(&dir, &records, &WriteOptions::default()).unwrap();
    let json = |name: &str| -> serde_json::Value {
        serde_json::from_slice(&fs::read(dir.join(name)).unwrap()).unwrap()
    };
    let manifest = json("manifest.json");
    assert_eq!(manifest["digest"], records[0].digest.as_str());
    assert_eq!(manifest["arms"][2]["digest"], records[2].digest.as_str());
    assert_eq!(manifest["arms"][1]["plan"]["seed"], 7);
    assert_eq!(manifest["arms"][0]["cost_profiles"][0], "made-up");
    assert_eq!(manifest["host"]["cores"], "2");
    let summary = json("summary.json");
    assert_eq!(summary["answer"]["headline"], analyse(&records).answer.headline.as_str());
    assert_eq!(summary["arms"][0]["to_verified"]["samples"], 1320);
    assert_eq!(summary["comparisons"][0]["arm"], "10x EVM");
    assert!(summary.get("host").is_none());
}

#[test]
fn finished_results_are_replaced_only_on_request() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("out");
    let overwrite = WriteOptions { overwrite: true, ..WriteOptions::default() };
    write(&dir, &arms(), &WriteOptions::default()).unwrap();
    let refused = write(&dir, &arms(), &WriteOptions::default()).unwrap_err();
    assert!(matches!(refused, OutputError::Exists { .. }), "{refused}");
    assert!(matches!(check_destination(&dir, &WriteOptions::default()), Err(OutputError::Exists { .. })));
    check_destination(&dir, &overwrite).unwrap();
    let alone = &arms()[..1];
    write(&dir, alone, &overwrite).unwrap();
    assert_eq!(read(&dir.join("nodes.parquet")).len(), 60);
    assert_eq!(names(place.path()), ["out"]);

    fs::write(dir.join("notes.txt"), "mine").unwrap();
    let refused = write(&dir, alone, &overwrite).unwrap_err();
    assert!(refused.to_string().contains("it holds notes.txt"), "{refused}");
    assert_eq!(fs::read_to_string(dir.join("notes.txt")).unwrap(), "mine");
}

#[test]
fn what_is_not_a_result_folder_is_left_alone() {
    let place = tempfile::tempdir().unwrap();
    let overwrite = WriteOptions { overwrite: true, ..WriteOptions::default() };
    let file = place.path().join("file");
    fs::write(&file, "text").unwrap();
    let foreign = place.path().join("foreign");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("summary.json"), "{}").unwrap();
    for path in [&file, &foreign] {
        let refused = write(path, &arms(), &overwrite).unwrap_err();
        assert!(matches!(refused, OutputError::NotAResultFolder { .. }), "{refused}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "text");
    assert_eq!(names(&foreign), ["summary.json"]);
    let empty = place.path().join("empty");
    fs::create_dir(&empty).unwrap();
    write(&empty, &arms(), &WriteOptions::default()).unwrap();
    assert!(names(&empty).contains(&"manifest.json".to_owned()));
    assert_eq!(names(place.path()), ["empty", "file", "foreign"]);
}

#[test]
fn failure_is_one_typed_error_and_leaves_nothing_behind() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("file");
    fs::write(&file, "text").unwrap();
    let below = file.join("sub/out");
    for error in [
        write(&below, &arms(), &WriteOptions::default()).unwrap_err(),
        check_destination(&below, &WriteOptions::default()).unwrap_err(),
    ] {
        assert!(matches!(error, OutputError::Io { .. }), "{error}");
        assert!(error.to_string().contains("file"), "{error}");
    }
    for path in ["..", "/", "."] {
        let error = write(Path::new(path), &arms(), &WriteOptions::default()).unwrap_err();
        assert!(matches!(error, OutputError::InvalidPath { .. }), "{error}");
    }
    let none = write(&place.path().join("none"), &[], &WriteOptions::default()).unwrap_err();
    assert!(matches!(none, OutputError::NoRuns { .. }));
    assert_eq!(names(place.path()), ["file"]);
}

#[test]
fn a_full_disk_leaves_nothing_behind_wherever_it_strikes() {
    let place = tempfile::tempdir().unwrap();
    let whole = place.path().join("whole");
    let records = arms();
    let analysis = analyse(&records);
    write(&whole, &records, &WriteOptions::default()).unwrap();
    let total: u64 = contents(&whole).iter().map(|(_, bytes)| bytes.len() as u64).sum();
    for eighth in 0..8 {
        let dir = place.path().join("new/out");
        let options = WriteOptions { limit_bytes: Some(total * eighth / 8), ..WriteOptions::default() };
        let error = write_results(&dir, &records, &analysis, &meta(), &options).unwrap_err();
        let OutputError::Io { path, source, .. } = &error else { panic!("{error}") };
        assert_eq!(source.kind(), std::io::ErrorKind::StorageFull, "{error}");
        assert!(path.starts_with(&dir), "the error names the place asked for: {error}");
        assert_eq!(names(place.path()), ["whole"]);
    }
}

#[test]
fn broadcast_runs_are_judged_by_arrival() {
    let record = run(&Shape { broadcast: true, execution: 0, ..Shape::default() });
    let summary = measure::summarise(&record);
    assert_eq!(summary.to_verified, summary.to_arrived);
    assert_eq!(summary.to_final.samples, 0);
    assert!(summary.verdict.blocks > 0);
    let place = tempfile::tempdir().unwrap();
    write(&place.path().join("out"), &[record], &WriteOptions::default()).unwrap();
}

#[test]
fn every_second_node_observed_is_stated() {
    let analysis = analyse(&[run(&Shape { observed_every: 2, ..Shape::default() })]);
    assert!(analysis.answer.detail.contains("at 30 of 60 nodes"), "{}", analysis.answer);
    assert!(analysis.arms[0].to_verified.p95_ns.unwrap() > 100 * MS);
}
