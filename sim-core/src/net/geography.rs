//! Places, distances and the checks every latency table passes before it is used.
//!
//! **Captures.** Great-circle distances, the light-in-fibre bound on one-way latencies, latencies made from
//! coordinates, placement of nodes in regions by exact proportions.
//!
//! **Leaves out.** Real cable routes (one inflation factor stands for all of them), places inside a region
//! (every node of a region sits at the region's coordinates).
//!
//! **Parameters.** [`FIBRE_NS_PER_M`], the Earth as a sphere of [`EARTH_RADIUS_M`], [`TableRules`].
//!
//! **Source.** Haversine formula; mean Earth radius of the IUGG; light in fibre at 200,000 km/s (refractive
//! index 1.468, rounded against us). The rules come from defects found in published tables.
//!
//! **Checked against.** Known city distances, every embedded table, failing examples of each rule
//! (`tests/net_data.rs`, `tests/net_geography.rs`).

use crate::kernel::math;
use crate::kernel::random::uniform_below;
use crate::net::params::{LatencyTable, Region};
use thiserror::Error;

/// Light in fibre needs 5 ns for a metre (200,000 km/s).
pub const FIBRE_NS_PER_M: u64 = 5;
/// Mean radius of the Earth, metres.
pub const EARTH_RADIUS_M: f64 = 6_371_008.8;
/// Median of measured one-way latency over the fibre time of the great circle in `aws-2026`, parts per
/// million: a route inflation to use where only coordinates are known.
pub const ROUTE_INFLATION_PPM: u64 = 1_750_000;
/// No one-way latency between two places on Earth is longer than this, ns; above it the unit is wrong.
pub const ONE_WAY_MAX_NS: u64 = 1_000_000_000;
/// No one-way latency between two different regions is shorter than this, ns; below it the unit is wrong.
pub const ONE_WAY_MIN_NS: u64 = 10_000;

/// What is wrong with a latency table. None of these can be repaired by continuing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TableError {
    /// No region at all.
    #[error("latency table `{table}` has no region")]
    Empty {
        /// Name of the table.
        table: String,
    },
    /// The matrix does not have one row and one column a region.
    #[error(
        "latency table `{table}` names {regions} regions but its matrix has {rows} rows and row {row} has \
         {columns} entries; a row or column shifted against the names gives wrong latencies everywhere"
    )]
    NotSquare {
        /// Name of the table.
        table: String,
        /// Number of regions named.
        regions: usize,
        /// Rows of the matrix.
        rows: usize,
        /// First row that does not fit (counted from 0), or the last one.
        row: usize,
        /// Entries in that row.
        columns: usize,
    },
    /// Two regions have the same name.
    #[error("latency table `{table}` names the region `{region}` twice")]
    DuplicateRegion {
        /// Name of the table.
        table: String,
        /// The name.
        region: String,
    },
    /// Latitude outside +-90 degrees or longitude outside +-180.
    #[error(
        "region `{region}` of latency table `{table}` lies at {latitude_mdeg}/{longitude_mdeg} thousandths \
         of a degree, which is not on Earth (latitude within 90000, longitude within 180000)"
    )]
    OffEarth {
        /// Name of the table.
        table: String,
        /// Name of the region.
        region: String,
        /// Degrees north, times 1000.
        latitude_mdeg: i32,
        /// Degrees east, times 1000.
        longitude_mdeg: i32,
    },
    /// The two directions differ though the table is said to be symmetric.
    #[error(
        "latency table `{table}`: {from} to {to} is {there_ns} ns, the way back {back_ns} ns; say that the \
         table is asymmetric if it is meant to be"
    )]
    Asymmetric {
        /// Name of the table.
        table: String,
        /// Name of one region.
        from: String,
        /// Name of the other.
        to: String,
        /// Latency from the one to the other, ns.
        there_ns: u64,
        /// Latency of the way back, ns.
        back_ns: u64,
    },
    /// The latency inside a region is not zero or small.
    #[error("latency table `{table}`: {ns} ns inside {region} is more than the {max_ns} ns allowed")]
    LargeDiagonal {
        /// Name of the table.
        table: String,
        /// Name of the region.
        region: String,
        /// Entry, ns.
        ns: u64,
        /// Largest entry allowed, ns.
        max_ns: u64,
    },
    /// An entry beats light in fibre along the great circle.
    #[error(
        "latency table `{table}`: {from} to {to} in {ns} ns one-way is faster than light in fibre, which \
         needs {fibre_ns} ns for the {distance_km} km"
    )]
    FasterThanLight {
        /// Name of the table.
        table: String,
        /// Name of one region.
        from: String,
        /// Name of the other.
        to: String,
        /// Entry, ns.
        ns: u64,
        /// Light in fibre along the great circle, ns.
        fibre_ns: u64,
        /// Great circle, km.
        distance_km: u64,
    },
    /// An entry so large or so small that its unit must be wrong.
    #[error(
        "latency table `{table}`: {from} to {to} is {ns} ns one-way, outside {ONE_WAY_MIN_NS} to \
         {ONE_WAY_MAX_NS} ns; is the unit right?"
    )]
    AbsurdUnit {
        /// Name of the table.
        table: String,
        /// Name of one region.
        from: String,
        /// Name of the other.
        to: String,
        /// Entry, ns.
        ns: u64,
    },
    /// The shortest way between North America and Europe is as long as a round trip.
    #[error(
        "latency table `{table}`: the shortest way between North America and Europe, {from} to {to}, takes \
         {ns} ns one-way, more than {max_ns} ns; measured round trips are about 93 ms, so these look like \
         ping times: halve them"
    )]
    PingSized {
        /// Name of the table.
        table: String,
        /// Region in North America.
        from: String,
        /// Region in Europe.
        to: String,
        /// Entry, ns.
        ns: u64,
        /// Longest shortest way allowed, ns.
        max_ns: u64,
    },
    /// A route inflation below 1 (faster than light) or above 10.
    #[error("route inflation of {ppm} parts per million is outside 1_000_000 to 10_000_000")]
    RouteInflation {
        /// The value, parts per million.
        ppm: u64,
    },
}

/// Which rules a table has to obey; shape, names, coordinates, units and light always hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableRules {
    /// Both directions of every pair are equal.
    pub symmetric: bool,
    /// Largest latency inside a region, ns.
    pub diagonal_max_ns: u64,
    /// Largest allowed value of the least North America-Europe latency, ns; `None`: not checked.
    pub atlantic_max_ns: Option<u64>,
}

impl TableRules {
    /// What we ask of our own tables: symmetric, at most 10 ms inside a region, the Atlantic under 60 ms.
    pub const OWN: Self =
        Self { symmetric: true, diagonal_max_ns: 10_000_000, atlantic_max_ns: Some(60_000_000) };
    /// For published tables that are kept as they are, defects included: only what would make them
    /// unusable is refused.
    pub const PUBLISHED: Self =
        Self { symmetric: false, diagonal_max_ns: ONE_WAY_MAX_NS, atlantic_max_ns: None };
}

/// Checks a latency table.
///
/// # Errors
/// The first broken rule, in the order shape, names, coordinates, diagonal, units, light, symmetry, Atlantic.
pub fn check_table(table: &LatencyTable, rules: &TableRules) -> Result<(), TableError> {
    let name = || table.name.clone();
    let regions = &table.regions;
    if regions.is_empty() {
        return Err(TableError::Empty { table: name() });
    }
    check_shape(table)?;
    for (i, region) in regions.iter().enumerate() {
        if regions[..i].iter().any(|r| r.name == region.name) {
            return Err(TableError::DuplicateRegion { table: name(), region: region.name.clone() });
        }
        if region.latitude_mdeg.unsigned_abs() > 90_000 || region.longitude_mdeg.unsigned_abs() > 180_000 {
            return Err(TableError::OffEarth {
                table: name(),
                region: region.name.clone(),
                latitude_mdeg: region.latitude_mdeg,
                longitude_mdeg: region.longitude_mdeg,
            });
        }
    }
    let mut shortest_atlantic: Option<(u64, usize, usize)> = None;
    for (i, from) in regions.iter().enumerate() {
        for (j, to) in regions.iter().enumerate() {
            let ns = table.one_way_ns[i][j];
            if i == j {
                if ns > rules.diagonal_max_ns {
                    return Err(TableError::LargeDiagonal {
                        table: name(),
                        region: from.name.clone(),
                        ns,
                        max_ns: rules.diagonal_max_ns,
                    });
                }
                continue;
            }
            check_pair(table, from, to, ns)?;
            let back_ns = table.one_way_ns[j][i];
            if rules.symmetric && back_ns != ns {
                return Err(TableError::Asymmetric {
                    table: name(),
                    from: from.name.clone(),
                    to: to.name.clone(),
                    there_ns: ns,
                    back_ns,
                });
            }
            if in_north_america(from) && in_europe(to) && shortest_atlantic.is_none_or(|(s, ..)| ns < s) {
                shortest_atlantic = Some((ns, i, j));
            }
        }
    }
    if let (Some(max_ns), Some((ns, i, j))) = (rules.atlantic_max_ns, shortest_atlantic)
        && ns > max_ns
    {
        return Err(TableError::PingSized {
            table: name(),
            from: regions[i].name.clone(),
            to: regions[j].name.clone(),
            ns,
            max_ns,
        });
    }
    Ok(())
}

fn check_shape(table: &LatencyTable) -> Result<(), TableError> {
    let (regions, rows) = (table.regions.len(), table.one_way_ns.len());
    let wrong = table.one_way_ns.iter().position(|row| row.len() != regions);
    if rows == regions && wrong.is_none() {
        return Ok(());
    }
    let row = wrong.unwrap_or(rows.saturating_sub(1));
    let columns = table.one_way_ns.get(row).map_or(0, Vec::len);
    Err(TableError::NotSquare { table: table.name.clone(), regions, rows, row, columns })
}

fn check_pair(table: &LatencyTable, from: &Region, to: &Region, ns: u64) -> Result<(), TableError> {
    let (table, from_name, to_name) = (table.name.clone(), from.name.clone(), to.name.clone());
    if !(ONE_WAY_MIN_NS..=ONE_WAY_MAX_NS).contains(&ns) {
        return Err(TableError::AbsurdUnit { table, from: from_name, to: to_name, ns });
    }
    let distance_m = great_circle_m(from, to);
    let fibre_ns = fibre_time_ns(distance_m);
    if ns < fibre_ns {
        return Err(TableError::FasterThanLight {
            table,
            from: from_name,
            to: to_name,
            ns,
            fibre_ns,
            distance_km: distance_m / 1000,
        });
    }
    Ok(())
}

fn in_north_america(r: &Region) -> bool {
    (15_000..=75_000).contains(&r.latitude_mdeg) && (-170_000..=-50_000).contains(&r.longitude_mdeg)
}

fn in_europe(r: &Region) -> bool {
    (35_000..=72_000).contains(&r.latitude_mdeg) && (-12_000..=40_000).contains(&r.longitude_mdeg)
}

/// Great-circle distance between two regions, metres, rounded down. Same bits on every platform.
pub fn great_circle_m(a: &Region, b: &Region) -> u64 {
    let radians = |mdeg: i32| f64::from(mdeg) * (core::f64::consts::PI / 180_000.0);
    let half = |x: f64| {
        let s = math::sin(x / 2.0);
        s * s
    };
    let (lat_a, lat_b) = (radians(a.latitude_mdeg), radians(b.latitude_mdeg));
    let longitude = radians(a.longitude_mdeg) - radians(b.longitude_mdeg);
    let h = half(lat_a - lat_b) + math::cos(lat_a) * math::cos(lat_b) * half(longitude);
    let angle = 2.0 * math::asin(math::sqrt(h.clamp(0.0, 1.0)));
    (EARTH_RADIUS_M * angle) as u64
}

/// Time light in fibre needs for a distance in metres, ns.
pub fn fibre_time_ns(distance_m: u64) -> u64 {
    distance_m * FIBRE_NS_PER_M
}

/// A latency table made from coordinates: great circle at the speed of light in fibre, times
/// `route_inflation_ppm` (parts per million, 1 to 10 times; [`ROUTE_INFLATION_PPM`] is a measured median);
/// never below `local_ns`, which is also the latency inside a region.
///
/// # Errors
/// An inflation out of range, or any rule of [`check_table`] that the result breaks (no region, two of the
/// same name, coordinates off Earth).
pub fn latency_from_coordinates(
    name: &str,
    regions: &[Region],
    route_inflation_ppm: u64,
    local_ns: u64,
) -> Result<LatencyTable, TableError> {
    if !(1_000_000..=10_000_000).contains(&route_inflation_ppm) {
        return Err(TableError::RouteInflation { ppm: route_inflation_ppm });
    }
    let one_way = |i: usize, j: usize| {
        if i == j {
            return local_ns;
        }
        let fibre_ns = fibre_time_ns(great_circle_m(&regions[i], &regions[j]));
        (fibre_ns * route_inflation_ppm).div_ceil(1_000_000).max(local_ns)
    };
    let n = regions.len();
    let table = LatencyTable {
        name: name.to_owned(),
        source: format!(
            "great circle at 200,000 km/s times {}.{:06}, at least {local_ns} ns",
            route_inflation_ppm / 1_000_000,
            route_inflation_ppm % 1_000_000
        ),
        regions: regions.to_vec(),
        one_way_ns: (0..n).map(|i| (0..n).map(|j| one_way(i, j)).collect()).collect(),
    };
    let rules = TableRules { symmetric: true, diagonal_max_ns: ONE_WAY_MAX_NS, atlantic_max_ns: None };
    check_table(&table, &rules)?;
    Ok(table)
}

/// A table of one region in which every pair of nodes is `one_way_ns` apart, for closed forms.
pub fn uniform_table(name: &str, one_way_ns: u64) -> LatencyTable {
    LatencyTable {
        name: name.to_owned(),
        source: format!("not measured: every pair of nodes is {one_way_ns} ns apart, for closed forms"),
        regions: vec![Region { name: "everywhere".to_owned(), latitude_mdeg: 0, longitude_mdeg: 0 }],
        one_way_ns: vec![vec![one_way_ns]],
    }
}

/// Why nodes could not be placed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlacementError {
    /// No weight above zero.
    #[error("the weights are empty or all zero: there is nowhere to place {count} nodes")]
    NoWeight {
        /// Number of nodes.
        count: u32,
    },
}

/// Splits `count` in proportion to `weights` by largest remainders; equal remainders go to the lower index.
/// The shares sum to `count`, and each is within one of its exact value.
///
/// # Errors
/// [`PlacementError::NoWeight`] if no weight is above zero.
pub fn largest_remainder(weights: &[u64], count: u32) -> Result<Vec<u32>, PlacementError> {
    let total: u128 = weights.iter().map(|&w| u128::from(w)).sum();
    if total == 0 {
        return Err(PlacementError::NoWeight { count });
    }
    let exact = |w: u64| u128::from(w) * u128::from(count);
    let mut shares: Vec<u32> = weights.iter().map(|&w| (exact(w) / total) as u32).collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|&i| (core::cmp::Reverse(exact(weights[i]) % total), i));
    let missing = count - shares.iter().sum::<u32>();
    for &i in order.iter().take(missing as usize) {
        shares[i] += 1;
    }
    debug_assert_eq!(shares.iter().sum::<u32>(), count);
    Ok(shares)
}

/// Gives each of `count` nodes an index of `weights`: exact proportions by [`largest_remainder`], then a
/// shuffle (Fisher-Yates) with `draw(k)`, the k-th number of a uniform 64-bit stream.
///
/// # Errors
/// [`PlacementError::NoWeight`] if no weight is above zero.
pub fn assign(weights: &[u64], count: u32, draw: impl Fn(u64) -> u64) -> Result<Vec<u32>, PlacementError> {
    let shares = largest_remainder(weights, count)?;
    let mut places: Vec<u32> = Vec::with_capacity(count as usize);
    for (index, &share) in (0u32..).zip(&shares) {
        places.extend(std::iter::repeat_n(index, share as usize));
    }
    for i in (1..places.len()).rev() {
        let j = uniform_below(draw(i as u64), i as u64 + 1) as usize;
        places.swap(i, j);
    }
    Ok(places)
}

/// Places nodes in regions: `region_weights` as in the plan (region index, weight); the result holds a
/// region index for each node. Randomness as in [`assign`].
///
/// # Errors
/// [`PlacementError::NoWeight`] if no weight is above zero.
pub fn place_nodes(
    region_weights: &[(usize, u64)],
    count: u32,
    draw: impl Fn(u64) -> u64,
) -> Result<Vec<u32>, PlacementError> {
    let weights: Vec<u64> = region_weights.iter().map(|&(_, w)| w).collect();
    let mut places = assign(&weights, count, draw)?;
    for place in &mut places {
        *place = region_weights[*place as usize].0 as u32;
    }
    Ok(places)
}
