//! The embedded network data: sources, derivations, and the defects known from published tables.

use sim_core::net::data::*;
use sim_core::net::geography::*;
use sim_core::scenario::plan::{LatencyTable, Region};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

/// A raw table of the shared data, or a visible note that it is not there.
fn raw(file: &str) -> Option<String> {
    let Ok(root) = std::env::var("LIGHTCONE_DATA") else {
        // Not `eprintln!`, which the test harness would hide.
        let _ = writeln!(std::io::stderr(), "skipped: LIGHTCONE_DATA not set ({file})");
        return None;
    };
    let mut found = ["facts/network", "network", "."].iter().map(|d| PathBuf::from(&root).join(d).join(file));
    let path = found.find(|p| p.is_file());
    let Some(path) = path else {
        let _ = writeln!(std::io::stderr(), "skipped: {file} is not below LIGHTCONE_DATA={root}");
        return None;
    };
    Some(std::fs::read_to_string(&path).expect("readable"))
}

/// Cells of a matrix file in milliseconds, by (row name, column name), in ns.
fn matrix(text: &str) -> BTreeMap<(String, String), u64> {
    let mut lines = text.lines().filter(|l| !l.starts_with('#'));
    let names: Vec<&str> = lines.next().expect("header").split(',').skip(1).collect();
    let mut cells = BTreeMap::new();
    for line in lines {
        let mut fields = line.split(',');
        let from = fields.next().expect("row name");
        for (to, cell) in names.iter().zip(fields) {
            let ms: f64 = cell.parse().expect("a number");
            cells.insert((from.to_owned(), to.to_string()), (ms * 1e6).round() as u64);
        }
    }
    cells
}

fn index(table: &LatencyTable, name: &str) -> usize {
    table.regions.iter().position(|r| r.name == name).unwrap_or_else(|| panic!("no region {name}"))
}

fn one_way_ms(table: &LatencyTable, from: &str, to: &str) -> f64 {
    table.one_way_ns[index(table, from)][index(table, to)] as f64 / 1e6
}

#[test]
fn every_name_gives_its_entry_with_a_source() {
    for name in latency_table_names() {
        let table = latency_table(name).expect(name);
        assert_eq!(table.name, name);
        assert!(table.source.len() > 20, "{name} has no source");
    }
    for name in hardware_class_names() {
        let class = hardware_class(name).expect(name);
        assert!(class.source.len() > 20, "{name} has no source");
        assert!(class.cores > 0 && class.speed_ppm > 0 && class.up_bps > 0 && class.down_bps > 0);
    }
    for name in region_mix_names() {
        assert!(region_mix_source(name).expect(name).len() > 20, "{name} has no source");
    }
    let jitter = default_jitter();
    assert!(jitter.floor_ppm <= 1_000_000 && jitter.p90_ppm > 1_000_000 && jitter.cap_ppm > jitter.p90_ppm);
}

#[test]
fn every_data_file_names_its_source_in_the_first_line() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/network");
    let mut files = Vec::new();
    for dir in [root.clone(), root.join("latency"), root.join("mix")] {
        for entry in std::fs::read_dir(dir).expect("data directory") {
            let path = entry.expect("entry").path();
            files.extend(path.is_file().then_some(path));
        }
    }
    assert_eq!(files.len(), 9);
    for path in files {
        let text = std::fs::read_to_string(&path).expect("readable");
        assert!(text.starts_with("// source: "), "{} does not name its source first", path.display());
    }
}

#[test]
fn an_unknown_name_is_answered_with_the_allowed_ones() {
    let message = latency_table("aws-2025").expect_err("no such table").to_string();
    assert!(message.contains("unknown latency table `aws-2025`"), "{message}");
    assert!(message.contains("ethshadow") && message.contains("did you mean `aws-2026`?"), "{message}");
    let table = latency_table("aws-2026").expect("embedded");
    let message = region_mix("etherium-2026", &table).expect_err("no such mix").to_string();
    assert!(
        message.contains("solana-2025") && message.contains("did you mean `ethereum-2026`?"),
        "{message}"
    );
    let message = hardware_class("mainframe").expect_err("no such class").to_string();
    assert!(message.contains("home-staker") && !message.contains("did you mean"), "{message}");
}

#[test]
fn our_own_table_obeys_every_rule() {
    let table = latency_table("aws-2026").expect("embedded");
    assert_eq!(table.regions.len(), 16);
    check_table(&table, &TableRules::OWN)
        .expect("symmetric, small diagonal, no ping times, slower than light");
    assert_eq!(latency_caveat("aws-2026").expect("embedded"), None);
}

/// Defect 1: SimBlock, Gervais and JABS use ping times as one-way delays.
#[test]
fn one_way_is_half_a_round_trip_and_ping_sized_tables_are_flagged() {
    let aws = latency_table("aws-2026").expect("embedded");
    let atlantic = one_way_ms(&aws, "us-east-1", "eu-central-1");
    assert!((45.0..48.0).contains(&atlantic), "a measured round trip is about 93 ms, got {atlantic} one-way");
    for (name, published) in [("simblock-2019", 124.0), ("gervais", 119.49)] {
        let table = latency_table(name).expect("embedded");
        assert_eq!(one_way_ms(&table, "NORTH_AMERICA", "EUROPE"), published, "kept as published");
        let rules = TableRules { diagonal_max_ns: ONE_WAY_MAX_NS, ..TableRules::OWN };
        assert!(matches!(check_table(&table, &rules), Err(TableError::PingSized { .. })), "{name}");
        assert!(table.source.contains("Defect kept on purpose"), "{name}: {}", table.source);
        assert!(latency_caveat(name).expect("embedded").expect("flagged").contains("round-trip"));
    }
    // ethshadow is one-way and better, but still half as much again as measured.
    let ethshadow = latency_table("ethshadow").expect("embedded");
    assert_eq!(one_way_ms(&ethshadow, "na_east", "europe"), 70.0);
    assert!(matches!(check_table(&ethshadow, &TableRules::OWN), Err(TableError::Asymmetric { .. })));
    assert!(latency_caveat("ethshadow").expect("embedded").expect("flagged").contains("195 ms"));
}

/// Defect 2: a matrix of 91 x 91 against 86 names.
#[test]
fn a_matrix_shifted_against_its_names_is_refused() {
    let mut table = latency_table("aws-2026").expect("embedded");
    table.regions.truncate(14);
    let error = check_table(&table, &TableRules::PUBLISHED).expect_err("16 rows for 14 names");
    assert!(matches!(error, TableError::NotSquare { regions: 14, rows: 16, columns: 16, .. }), "{error}");
    for name in latency_table_names() {
        let table = latency_table(name).expect(name);
        assert_eq!(table.one_way_ns.len(), table.regions.len(), "{name}");
        assert!(table.one_way_ns.iter().all(|row| row.len() == table.regions.len()), "{name}");
    }
}

/// Defect 3: "10 Gbps (= 1.25e8 Bps)". The rates of a class equal the Mbit/s or Gbit/s its source states.
#[test]
fn rates_equal_the_figures_their_sources_state() {
    for name in hardware_class_names() {
        let class = hardware_class(name).expect(name);
        let (at, unit) = [(" Mbit/s", 1_000_000), (" Gbit/s", 1_000_000_000)]
            .into_iter()
            .filter_map(|(text, unit)| class.source.find(text).map(|at| (at, unit)))
            .min()
            .expect("a rate");
        let pair = class.source[..at].rsplit(' ').next().expect("up/down");
        let (up, down) = pair.split_once('/').expect("up/down");
        assert_eq!(class.up_bps, up.parse::<u64>().expect("up") * unit, "{name}");
        assert_eq!(class.down_bps, down.parse::<u64>().expect("down") * unit, "{name}");
    }
    let uplink = |name| hardware_class(name).expect("embedded").up_bps;
    assert!(uplink("home-staker") < uplink("attester"));
}

/// Defect 4: entries faster than light in fibre (Korea-Japan, 4.9 ms round trip).
#[test]
fn no_table_beats_light_in_fibre() {
    for name in latency_table_names() {
        let table = latency_table(name).expect(name);
        for (i, from) in table.regions.iter().enumerate() {
            for (j, to) in table.regions.iter().enumerate().filter(|(j, _)| *j != i) {
                let light = fibre_time_ns(great_circle_m(from, to));
                assert!(table.one_way_ns[i][j] >= light, "{name}: {} to {}", from.name, to.name);
            }
        }
    }
}

#[test]
fn mixes_fit_every_table_and_lose_no_weight() {
    for table in latency_table_names().into_iter().map(|t| latency_table(t).expect(t)) {
        for name in region_mix_names() {
            let mix = region_mix(name, &table).expect(name);
            assert!(!mix.is_empty(), "{name} on {}", table.name);
            assert!(mix.windows(2).all(|w| w[0].0 < w[1].0), "sorted by region, each once");
            assert!(mix.iter().all(|&(r, w)| r < table.regions.len() && w > 0));
        }
    }
    let shares = |mix: &str, table: &str| {
        let table = latency_table(table).expect("embedded");
        let mix = region_mix(mix, &table).expect("embedded");
        let total: u64 = mix.iter().map(|m| m.1).sum();
        let named = mix.iter().map(|&(r, w)| (table.regions[r].name.clone(), w as f64 / total as f64));
        named.collect::<BTreeMap<String, f64>>()
    };
    let libp2p_europe = 5599.0 / 11_326.0;
    assert!((shares("ethereum-2026", "ethshadow")["europe"] - libp2p_europe).abs() < 1e-9);
    let aws = shares("ethereum-2026", "aws-2026");
    let europe = ["eu-west-1", "eu-west-2", "eu-central-1", "eu-north-1", "eu-south-2"];
    assert!((europe.iter().map(|r| aws[*r]).sum::<f64>() - libp2p_europe).abs() < 1e-9);
    // Germany, the Netherlands, Luxembourg, the Czech Republic, ...: Frankfurt is nearest.
    let solana = shares("solana-2025", "aws-2026");
    assert!((0.30..0.60).contains(&solana["eu-central-1"]), "{solana:?}");
    assert!((0.10..0.32).contains(&solana["eu-west-2"]), "{solana:?}");
    let simblock = shares("bitcoin-2019", "simblock-2019");
    for (region, share) in [("EUROPE", 0.4998), ("NORTH_AMERICA", 0.3316), ("ASIA_PACIFIC", 0.1177)] {
        assert!((simblock[region] - share).abs() < 1e-9, "{simblock:?}");
    }
}

#[test]
fn a_table_of_coordinates_gets_its_mix_by_nearness() {
    let place = |name: &str, latitude_mdeg, longitude_mdeg| Region {
        name: name.to_owned(),
        latitude_mdeg,
        longitude_mdeg,
    };
    let regions =
        [place("Berlin", 52_500, 13_400), place("Chicago", 41_900, -87_600), place("Osaka", 34_700, 135_500)];
    let table = latency_from_coordinates("three", &regions, ROUTE_INFLATION_PPM, 500_000).expect("sound");
    let mix = region_mix("bitcoin-2019", &table).expect("embedded");
    assert_eq!(mix.iter().map(|m| m.0).collect::<Vec<_>>(), [0, 1, 2]);
    assert!(mix[0].1 > mix[1].1 && mix[1].1 > mix[2].1, "{mix:?}");
}

#[test]
fn aws_2026_is_the_derivation_from_the_measurements() {
    let Some(text) = raw("commonware_aws_p50_ms.csv") else { return };
    let rtt = matrix(&text);
    let table = latency_table("aws-2026").expect("embedded");
    for (i, from) in table.regions.iter().enumerate() {
        for (j, to) in table.regions.iter().enumerate() {
            let there = rtt[&(from.name.clone(), to.name.clone())];
            let back = rtt[&(to.name.clone(), from.name.clone())];
            // A quarter of the sum of both round trips, to the nearest microsecond.
            let derived_ns = (there + back + 2000) / 4000 * 1000;
            assert_eq!(table.one_way_ns[i][j], derived_ns, "{} to {}", from.name, to.name);
        }
    }
}

#[test]
fn published_tables_are_kept_as_published() {
    let files = [
        ("ethshadow", "ethshadow_latency_ms.csv"),
        ("gervais", "gervais_latency_ms.csv"),
        ("simblock-2019", "simblock_latency_ms_2019.csv"),
    ];
    for (name, file) in files {
        let Some(text) = raw(file) else { return };
        let table = latency_table(name).expect("embedded");
        let published = matrix(&text);
        assert_eq!(published.len(), table.regions.len() * table.regions.len());
        for ((from, to), ns) in published {
            assert_eq!(table.one_way_ns[index(&table, &from)][index(&table, &to)], ns, "{name} {from} {to}");
        }
    }
}

#[test]
fn default_jitter_is_the_derivation_from_the_measurements() {
    let jitter = default_jitter();
    let (Some(p50), Some(p90), Some(bench)) = (
        raw("commonware_aws_p50_ms.csv"),
        raw("commonware_aws_p90_ms.csv"),
        raw("leios_bench52_region_rtt_ms.csv"),
    ) else {
        return;
    };
    let (p50, p90) = (matrix(&p50), matrix(&p90));
    let ratios: Vec<f64> = p50
        .iter()
        .filter(|((from, to), _)| from != to)
        .map(|(pair, median)| p90[pair] as f64 / *median as f64)
        .collect();
    assert_eq!(ratios.len(), 1056);
    let mean = ratios.iter().sum::<f64>() / 1056.0;
    assert!((jitter.p90_ppm as f64 / 1e6 - mean).abs() < 1e-6, "mean {mean}");
    let largest = ratios.iter().copied().fold(0.0, f64::max);
    assert!((jitter.cap_ppm as f64 / 1e6 - largest).abs() < 1e-6, "largest {largest}");
    let floor = bench
        .lines()
        .map(|l| l.split(',').collect::<Vec<_>>())
        .filter(|f| f.len() == 9 && f[0].len() == 2 && f[0] != f[1])
        .map(|f| f[4].parse::<f64>().expect("min") / f[5].parse::<f64>().expect("p50"))
        .fold(1.0, f64::min);
    let cut_ppm = (floor * 100.0).floor() as u64 * 10_000;
    assert_eq!(jitter.floor_ppm, cut_ppm, "least min/median {floor}");
}

/// Rows of a raw table as fields, without comments and header.
fn rows(text: &str) -> Vec<Vec<&str>> {
    text.lines().filter(|l| !l.starts_with('#')).skip(1).map(|l| l.split(',').collect()).collect()
}

#[test]
fn mixes_hold_the_published_weights() {
    let file = |name: &str| {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/network/mix").join(name);
        std::fs::read_to_string(path).expect("embedded")
    };
    let (Some(crawl), Some(stake), Some(bitcoin)) = (
        raw("libp2p_gossipsub_location_weights.csv"),
        raw("alpenglow_solana_country_stake.csv"),
        raw("simblock_region_distribution.csv"),
    ) else {
        return;
    };
    let holds = |text: &str, name: &str, weight: u64| {
        assert!(text.contains(&format!("(name: \"{name}\", weight: {weight},")), "{name} {weight}");
    };
    let ethereum = file("ethereum-2026.ron");
    for row in rows(&crawl) {
        holds(&ethereum, row[0], row[1].parse().expect("a count"));
    }
    let solana = file("solana-2025.ron");
    // The United States are two entries, validators without a country none.
    for row in rows(&stake).iter().filter(|row| !["US", ""].contains(&row[0])) {
        let share: f64 = row[1].parse().expect("a share");
        holds(&solana, row[0], (share * 1e5).round() as u64);
    }
    holds(&solana, "US east", 12_968);
    holds(&solana, "US west", 14_836 - 12_968);
    let names = bitcoin.lines().find(|l| l.starts_with("dataset")).expect("header").split(',').skip(1);
    let shares = rows(&bitcoin).into_iter().find(|r| r[0] == "BITCOIN_2019").expect("2019");
    let text = file("bitcoin-2019.ron");
    for (name, share) in names.zip(&shares[1..]) {
        holds(&text, name, (share.parse::<f64>().expect("a share") * 1e4).round() as u64);
    }
}

#[test]
fn hardware_classes_hold_the_published_figures() {
    let Some(text) = raw("eip7870_hardware_bandwidth.csv") else { return };
    for row in rows(&text) {
        let name = row[0].replace("local_block_builder", "local-builder").replace('_', "-");
        let class = hardware_class(&name).expect("one class a row");
        let number = |column: usize| row[column].parse::<u64>().expect("a number");
        assert_eq!(u64::from(class.cores), number(3), "{name}");
        assert_eq!(class.speed_ppm, number(5) * 1_000_000 / 3500, "{name}: PassMark over the attester's");
        assert_eq!((class.down_bps, class.up_bps), (number(7) * 1_000_000, number(8) * 1_000_000), "{name}");
    }
}
