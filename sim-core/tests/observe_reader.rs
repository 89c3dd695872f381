//! Result folders are read back as they were written, or not at all.

mod common;
mod observe_support;

use observe_support::{Shape, arms, meta, run};
use sim_core::observe::record::{FeeRecord, RunRecord, TopologyStats};
use sim_core::observe::{ReadError, WriteOptions, analyse, figures, read_results, reader, write_results};
use sim_core::scenario::plan::*;
use sim_core::simulation::experiment::{Monitor, run_paired};
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

fn written(dir: &Path, records: &[RunRecord]) -> PathBuf {
    let folder = dir.join("results");
    write_results(&folder, records, &analyse(records), &meta(), &WriteOptions::default()).unwrap();
    folder
}

/// A record as a folder can hold it.
fn kept(record: &RunRecord) -> RunRecord {
    let mut record = record.clone();
    for block in &mut record.blocks {
        block.execution.work.clear();
        // What was paid stands with the transactions.
        let FeeRecord { metered_gas, hot_gas, hot_surcharge_wei, turned_away, .. } = block.fees;
        block.fees =
            FeeRecord { metered_gas, hot_gas, hot_surcharge_wei, turned_away, ..FeeRecord::default() };
    }
    record
}

fn assert_same(written: &RunRecord, read: &RunRecord) {
    // Field by field: a record as a whole has no equality, and this says what differs.
    assert_eq!(written.plan, read.plan);
    assert_eq!(
        (&written.digest, written.end_ns, written.events, written.observed_every),
        (&read.digest, read.end_ns, read.events, read.observed_every)
    );
    let near = |a: f64, b: f64| (a - b).abs() <= 4.0 * f64::EPSILON * a.abs();
    // Numbers of the graph are means: as text they may lose their last bit.
    let (a, b) = (&written.topology, &read.topology);
    assert!(near(a.degree_mean, b.degree_mean) && near(a.clustering, b.clustering), "{a:?} {b:?}");
    let exact = |t: &TopologyStats| (t.edges, t.degree_min, t.degree_max, t.diameter_hops);
    assert_eq!((exact(a), written.mesh), (exact(b), read.mesh));
    assert_eq!((written.lost_bytes, &written.warnings), (read.lost_bytes, &read.warnings));
    assert_eq!(written.nodes, read.nodes);
    assert_eq!(written.blocks, read.blocks);
    assert_eq!(written.node_blocks, read.node_blocks);
    assert_eq!(written.transactions, read.transactions);
}

fn round_trip(records: &[RunRecord]) {
    let dir = tempfile::tempdir().unwrap();
    let read = read_results(&written(dir.path(), records)).unwrap();
    assert_eq!(read.records.len(), records.len());
    for (a, b) in records.iter().zip(&read.records) {
        assert_same(&kept(a), b);
    }
    assert_eq!(read.manifest.scenario, meta().scenario_name);
    // So every number and figure is the same, too.
    let numbers = |records: &[RunRecord]| serde_json::to_string(&analyse(records)).unwrap();
    assert_eq!(numbers(records), numbers(&read.records));
    for (a, b) in figures::all(records).iter().zip(figures::all(&read.records)) {
        assert_eq!((a.name, &a.svg, a.table.csv()), (b.name, &b.svg, b.table.csv()));
    }
}

#[test]
fn made_up_records_come_back_as_they_were() {
    round_trip(&arms());
    round_trip(&[run(&Shape { broadcast: true, observed_every: 7, ..Shape::default() })]);
    round_trip(&[run(&Shape { blocks: 0, warm_up: 0, ..Shape::default() })]);
}

#[test]
fn records_of_real_runs_come_back_as_they_were() {
    let mut base = common::plan(40);
    base.interventions = vec![
        Intervention { at_ns: 3_700_000_000, change: Change::Kill { of: Scope::Region(0) } },
        Intervention { at_ns: 7_100_000_000, change: Change::Restore { of: Scope::Region(0) } },
    ];
    let mut arm = Plan { name: "half latency".into(), ..base.clone() };
    arm.network.latency_scale_ppm /= 2;
    round_trip(&run_paired(&base, &[arm], NonZeroUsize::MIN, &Monitor::new(2)).unwrap());
    let payloads = common::broadcast(50, 8, 50_000);
    round_trip(&run_paired(&payloads, &[], NonZeroUsize::MIN, &Monitor::new(1)).unwrap());
}

#[test]
fn a_half_folder_or_none_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let error = |path: &Path| read_results(path).unwrap_err().to_string();
    assert!(error(dir.path()).contains("not a finished result folder"), "{}", error(dir.path()));
    assert!(error(&dir.path().join("nowhere")).contains("nowhere"));
    let folder = written(dir.path(), &arms());
    for table in ["nodes", "blocks", "node_blocks", "transactions"] {
        let path = folder.join(format!("{table}.parquet"));
        let bytes = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(error(&folder).contains(&format!("{table}.parquet")), "{}", error(&folder));
        fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        assert!(error(&folder).contains(&format!("{table}.parquet")), "{}", error(&folder));
        // The wrong table under the right name.
        fs::copy(folder.join("series.parquet"), &path).unwrap();
        assert!(error(&folder).contains("another version"), "{}", error(&folder));
        fs::write(&path, &bytes).unwrap();
    }
    read_results(&folder).unwrap();
}

#[test]
fn a_folder_of_another_version_is_refused_with_both_versions() {
    let dir = tempfile::tempdir().unwrap();
    let folder = written(dir.path(), &arms());
    let manifest = folder.join("manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("lightcone-result/1", "lightcone-result/9")).unwrap();
    let error = read_results(&folder).unwrap_err();
    assert!(matches!(error, ReadError::Format { .. }));
    let error = error.to_string();
    assert!(error.contains("lightcone-result/9") && error.contains("lightcone-result/1"), "{error}");
    // A field that is missing is named, with its line.
    fs::write(&manifest, text.replacen("\"observed_every\"", "\"observed_seldom\"", 1)).unwrap();
    let error = read_results(&folder).unwrap_err().to_string();
    assert!(error.contains("observed_every") && error.contains("line"), "{error}");
    fs::write(&manifest, "{\"format\": [").unwrap();
    assert!(matches!(read_results(&folder).unwrap_err(), ReadError::Manifest { .. }));
    fs::write(&manifest, text).unwrap();
    assert_eq!(reader::read_manifest(&folder).unwrap().arms.len(), 4);
}

#[test]
fn damaged_bytes_are_an_error_or_other_numbers_but_never_a_panic() {
    let dir = tempfile::tempdir().unwrap();
    let folder = written(dir.path(), &[run(&Shape { nodes: 12, blocks: 4, ..Shape::default() })]);
    let path = folder.join("blocks.parquet");
    let sound = fs::read(&path).unwrap();
    let mut refused = 0;
    for at in (0..sound.len()).step_by(sound.len() / 150 + 1) {
        let mut bytes = sound.clone();
        bytes[at] ^= 0x55;
        fs::write(&path, bytes).unwrap();
        refused += u32::from(read_results(&folder).is_err());
    }
    assert!(refused > 20, "{refused}");
}
