//! Published numbers, compiled into the program, each with its source.
//!
//! **Captures.** One-way latencies between regions ([`latency_table`]), where nodes are ([`region_mix`]),
//! what machines and lines they have ([`hardware_class`]), how much latencies scatter ([`default_jitter`]).
//!
//! **Leaves out.** Loss, routes that change during a run, bandwidth between regions; latencies of home lines
//! (tables are between data centres).
//!
//! **Parameters.** The files in `data/network/`; the first line of each names its source.
//!
//! **Source.** In each table's and class's `source` field. Tables that we did not derive from measurements
//! are kept as published, their defects stated there and by [`latency_caveat`].
//!
//! **Checked against.** `tests/net_data.rs`: rules of [`super::geography`], the derivation of `aws-2026`
//! and of the jitter from the raw measurements, known defects of published tables.

use super::geography::{TableError, TableRules, check_table, great_circle_m, uniform_table};
use crate::net::params::{HardwareClass, JitterPlan, LatencyTable, Region};
use serde::Deserialize;
use std::sync::OnceLock;
use thiserror::Error;

/// Latency tables kept as files: name and text.
const LATENCY_FILES: [(&str, &str); 4] = [
    ("aws-2026", include_str!("../../data/network/latency/aws-2026.ron")),
    ("ethshadow", include_str!("../../data/network/latency/ethshadow.ron")),
    ("gervais", include_str!("../../data/network/latency/gervais.ron")),
    ("simblock-2019", include_str!("../../data/network/latency/simblock-2019.ron")),
];
/// Tables of one region and one latency, ms.
const UNIFORM: [(&str, u64); 3] = [("uniform-10ms", 10), ("uniform-50ms", 50), ("uniform-100ms", 100)];
/// Region mixes kept as files: name and text.
const MIX_FILES: [(&str, &str); 3] = [
    ("bitcoin-2019", include_str!("../../data/network/mix/bitcoin-2019.ron")),
    ("ethereum-2026", include_str!("../../data/network/mix/ethereum-2026.ron")),
    ("solana-2025", include_str!("../../data/network/mix/solana-2025.ron")),
];
const EVEN: &str = "even";
const HARDWARE_FILE: &str = include_str!("../../data/network/hardware.ron");
const JITTER_FILE: &str = include_str!("../../data/network/jitter.ron");
const HARDWARE_NAMES: [&str; 6] =
    ["attester", "datacenter", "full-node", "home-staker", "laggy", "local-builder"];
/// Splitting a weight evenly over up to 16 regions stays exact: the least common multiple of 1 to 16.
const WEIGHT_UNIT: u64 = 720_720;

/// Parts of the world that mixes and tables are matched by, with the place that stands for each when a
/// table does not say which areas its regions serve (thousandths of a degree north, east).
const AREAS: [(&str, i32, i32); 11] = [
    ("na-east", 39_000, -77_500),
    ("na-west", 40_000, -121_000),
    ("south-america", -23_600, -46_600),
    ("europe", 50_100, 8_700),
    ("africa", -28_000, 24_000),
    ("west-asia", 25_200, 55_300),
    ("south-asia", 19_100, 72_900),
    ("southeast-asia", 1_400, 103_800),
    ("east-asia", 22_300, 114_200),
    ("japan", 35_700, 139_700),
    ("australia", -33_900, 151_200),
];

/// Why a name or a data file could not be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DataError {
    /// The name is not one of ours.
    #[error("unknown {kind} `{name}`; allowed: {}{}", .allowed.join(", "), suggestion(.nearest))]
    Unknown {
        /// What was asked for: `latency table`, `region mix` or `hardware class`.
        kind: &'static str,
        /// The name that was given.
        name: String,
        /// The names there are.
        allowed: Vec<&'static str>,
        /// The one that looks most like it, if any does.
        nearest: Option<&'static str>,
    },
    /// An embedded file cannot be read: a defect of this program.
    #[error("data file `{file}`: {message}")]
    Malformed {
        /// Name of the file's entry.
        file: String,
        /// What the reader said.
        message: String,
    },
    /// A latency table breaks a rule.
    #[error(transparent)]
    Table(#[from] TableError),
}

fn suggestion(nearest: &Option<&'static str>) -> String {
    nearest.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LatencyFile {
    name: String,
    source: String,
    caveat: String,
    own: bool,
    symmetric: bool,
    regions: Vec<RegionEntry>,
    one_way_us: Vec<Vec<u64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RegionEntry {
    name: String,
    #[serde(rename = "city")]
    _city: String,
    latitude_mdeg: i32,
    longitude_mdeg: i32,
    groups: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MixFile {
    name: String,
    source: String,
    note: String,
    entries: Vec<MixEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MixEntry {
    name: String,
    weight: u64,
    groups: Vec<String>,
    #[serde(default)]
    at: Option<(i32, i32)>,
}

fn parse<T: serde::de::DeserializeOwned>(file: &str, text: &str) -> Result<T, DataError> {
    ron::Options::default()
        .with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME)
        .from_str(text)
        .map_err(|e| DataError::Malformed { file: file.to_owned(), message: e.to_string() })
}

fn unknown(kind: &'static str, name: &str, allowed: Vec<&'static str>) -> DataError {
    let nearest = allowed
        .iter()
        .map(|a| (strsim::damerau_levenshtein(a, name), *a))
        .min()
        .filter(|&(distance, a)| distance <= 3.min(a.len() / 2) || a.starts_with(name) && !name.is_empty())
        .map(|(_, a)| a);
    DataError::Unknown { kind, name: name.to_owned(), allowed, nearest }
}

/// What is made of an embedded file, made once: a sweep resolves a scenario ten thousand times.
type Once<T> = OnceLock<Result<T, DataError>>;

fn once<T>(
    cell: &'static Once<T>,
    make: impl FnOnce() -> Result<T, DataError>,
) -> Result<&'static T, DataError> {
    cell.get_or_init(make).as_ref().map_err(Clone::clone)
}

/// The parsed file of a table, with its position.
fn latency_file(name: &str) -> Result<Option<(usize, &'static LatencyFile)>, DataError> {
    static FILES: [Once<LatencyFile>; LATENCY_FILES.len()] = [const { OnceLock::new() }; LATENCY_FILES.len()];
    let Some(at) = LATENCY_FILES.iter().position(|(n, _)| *n == name) else { return Ok(None) };
    let (name, text) = LATENCY_FILES[at];
    once(&FILES[at], || parse(name, text)).map(|file| Some((at, file)))
}

/// Names of the latency tables, sorted within measured and synthetic ones.
pub fn latency_table_names() -> Vec<&'static str> {
    LATENCY_FILES.iter().map(|f| f.0).chain(UNIFORM.iter().map(|u| u.0)).collect()
}

/// The latency table of that name, checked by the rules of [`super::geography`].
///
/// # Errors
/// [`DataError::Unknown`] with the allowed names; the others only if the program's own data are broken.
pub fn latency_table(name: &str) -> Result<LatencyTable, DataError> {
    if let Some((_, ms)) = UNIFORM.iter().find(|u| u.0 == name) {
        return Ok(uniform_table(name, ms * 1_000_000));
    }
    static TABLES: [Once<LatencyTable>; LATENCY_FILES.len()] =
        [const { OnceLock::new() }; LATENCY_FILES.len()];
    let (at, file) =
        latency_file(name)?.ok_or_else(|| unknown("latency table", name, latency_table_names()))?;
    once(&TABLES[at], || checked_table(file)).cloned()
}

fn checked_table(file: &LatencyFile) -> Result<LatencyTable, DataError> {
    let source = match file.caveat.as_str() {
        "" => file.source.clone(),
        caveat => format!("{} | {caveat}", file.source),
    };
    let region = |r: &RegionEntry| Region {
        name: r.name.clone(),
        latitude_mdeg: r.latitude_mdeg,
        longitude_mdeg: r.longitude_mdeg,
    };
    let table = LatencyTable {
        name: file.name.clone(),
        source,
        regions: file.regions.iter().map(region).collect(),
        one_way_ns: file.one_way_us.iter().map(|row| row.iter().map(|us| us * 1000).collect()).collect(),
    };
    let mut rules = if file.own { TableRules::OWN } else { TableRules::PUBLISHED };
    rules.symmetric = file.symmetric;
    check_table(&table, &rules)?;
    Ok(table)
}

/// What a user of the table has to know before trusting a result: a published defect, or that it is
/// synthetic. `None` for tables without one. Meant for a run's warnings.
///
/// # Errors
/// [`DataError::Unknown`] with the allowed names.
pub fn latency_caveat(name: &str) -> Result<Option<String>, DataError> {
    if UNIFORM.iter().any(|u| u.0 == name) {
        return Ok(Some("Synthetic: every pair of nodes is equally far apart.".to_owned()));
    }
    let (_, file) =
        latency_file(name)?.ok_or_else(|| unknown("latency table", name, latency_table_names()))?;
    Ok(Some(file.caveat.clone()).filter(|c| !c.is_empty()))
}

/// Names of the region mixes, sorted.
pub fn region_mix_names() -> Vec<&'static str> {
    let mut names: Vec<_> = MIX_FILES.iter().map(|f| f.0).chain([EVEN]).collect();
    names.sort_unstable();
    names
}

fn mix_file(name: &str) -> Result<&'static MixFile, DataError> {
    static FILES: [Once<MixFile>; MIX_FILES.len()] = [const { OnceLock::new() }; MIX_FILES.len()];
    let at = MIX_FILES
        .iter()
        .position(|(n, _)| *n == name)
        .ok_or_else(|| unknown("region mix", name, region_mix_names()))?;
    let (name, text) = MIX_FILES[at];
    once(&FILES[at], || parse(name, text))
}

/// Where a mix comes from and how its areas are mapped to a table's regions.
///
/// # Errors
/// [`DataError::Unknown`] with the allowed names.
pub fn region_mix_source(name: &str) -> Result<String, DataError> {
    if name == EVEN {
        return Ok("not measured: the same number of nodes in every region".to_owned());
    }
    let file = mix_file(name)?;
    Ok(format!("{}. {}", file.source, file.note))
}

/// The mix of that name as relative weights of the table's regions: (region index, weight), by index,
/// weights above zero.
///
/// Each entry of a mix belongs to an area of the world. It goes to the table's regions that serve the area:
/// to the nearest one if the entry has coordinates, else evenly to all. Embedded tables say which areas
/// their regions serve; in any other table a region serves the area whose centre is nearest, and an area
/// that nobody serves falls to the region nearest to its centre.
///
/// # Errors
/// [`DataError::Unknown`] with the allowed names; [`TableError::Empty`] if the table has no region.
pub fn region_mix(name: &str, table: &LatencyTable) -> Result<Vec<(usize, u64)>, DataError> {
    if table.regions.is_empty() {
        return Err(TableError::Empty { table: table.name.clone() }.into());
    }
    if name == EVEN {
        return Ok((0..table.regions.len()).map(|r| (r, 1)).collect());
    }
    let file = mix_file(name)?;
    let served = served_areas(table)?;
    let mut weights = vec![0u64; table.regions.len()];
    for entry in &file.entries {
        let mut candidates = candidates(table, &served, &entry.groups).ok_or_else(|| {
            let message = format!("entry `{}` belongs to no known area", entry.name);
            DataError::Malformed { file: file.name.clone(), message }
        })?;
        if let Some((latitude_mdeg, longitude_mdeg)) = entry.at {
            candidates = vec![nearest(table, candidates, latitude_mdeg, longitude_mdeg)];
        }
        let share = entry.weight * WEIGHT_UNIT / candidates.len() as u64;
        for region in candidates {
            weights[region] += share;
        }
    }
    Ok(weights.into_iter().enumerate().filter(|&(_, w)| w > 0).collect())
}

/// Areas served by each region of the table.
fn served_areas(table: &LatencyTable) -> Result<Vec<Vec<String>>, DataError> {
    if table.regions.len() == 1 {
        return Ok(vec![AREAS.iter().map(|a| a.0.to_owned()).collect()]);
    }
    if let Some((_, file)) = latency_file(&table.name)? {
        let same = file.regions.len() == table.regions.len()
            && file.regions.iter().zip(&table.regions).all(|(f, t)| f.name == t.name);
        if same {
            return Ok(file.regions.iter().map(|r| r.groups.clone()).collect());
        }
    }
    let area_of = |region: &Region| {
        let distance = |a: &(&str, i32, i32)| great_circle_m(region, &place(a.1, a.2));
        AREAS.iter().min_by_key(|a| distance(a)).map(|a| a.0.to_owned()).into_iter().collect()
    };
    Ok(table.regions.iter().map(area_of).collect())
}

/// Regions that serve any of the areas, else the nearest to the first area's centre.
fn candidates(table: &LatencyTable, served: &[Vec<String>], areas: &[String]) -> Option<Vec<usize>> {
    let serves = |r: &usize| served[*r].iter().any(|a| areas.contains(a));
    let found: Vec<usize> = (0..served.len()).filter(serves).collect();
    if !found.is_empty() {
        return Some(found);
    }
    let centre = AREAS.iter().find(|a| areas.first().is_some_and(|first| first == a.0))?;
    Some(vec![nearest(table, (0..served.len()).collect(), centre.1, centre.2)])
}

/// The nearest of some regions; the lower index at equal distance. `among` is not empty.
fn nearest(table: &LatencyTable, among: Vec<usize>, latitude_mdeg: i32, longitude_mdeg: i32) -> usize {
    let here = place(latitude_mdeg, longitude_mdeg);
    let by_distance = |&r: &usize| (great_circle_m(&table.regions[r], &here), r);
    among.into_iter().min_by_key(by_distance).expect("there is at least one region to choose from")
}

fn place(latitude_mdeg: i32, longitude_mdeg: i32) -> Region {
    Region { name: String::new(), latitude_mdeg, longitude_mdeg }
}

/// Names of the hardware classes, sorted.
pub fn hardware_class_names() -> Vec<&'static str> {
    HARDWARE_NAMES.to_vec()
}

/// The hardware class of that name. Speeds are relative to the EIP-7870 attester (PassMark 3500).
///
/// # Errors
/// [`DataError::Unknown`] with the allowed names.
pub fn hardware_class(name: &str) -> Result<HardwareClass, DataError> {
    static CLASSES: Once<Vec<HardwareClass>> = OnceLock::new();
    once(&CLASSES, || parse("hardware", HARDWARE_FILE))?
        .iter()
        .find(|c| c.name == name)
        .cloned()
        .ok_or_else(|| unknown("hardware class", name, hardware_class_names()))
}

/// Jitter between data centres, from the spread of measured round trips. The derivation is told in
/// `data/network/jitter.ron` and repeated by a test.
///
/// # Panics
/// Never in a released program: the file is compiled in and read by a test.
pub fn default_jitter() -> JitterPlan {
    static JITTER: Once<JitterPlan> = OnceLock::new();
    once(&JITTER, || parse("jitter", JITTER_FILE))
        .expect("the embedded jitter file is read by a test")
        .clone()
}
