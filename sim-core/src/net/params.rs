//! Parameters of the network: plain data, as a resolved plan carries them.

use serde::{Deserialize, Serialize};

/// Which nodes something is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// Every node.
    All,
    /// The nodes of a region, by its index in [`LatencyTable::regions`].
    Region(usize),
    /// One node, by its number.
    Node(u32),
}

impl Scope {
    /// Whether a node in `region` belongs to it.
    pub fn contains(&self, node: u32, region: usize) -> bool {
        match *self {
            Self::All => true,
            Self::Region(own) => own == region,
            Self::Node(own) => own == node,
        }
    }
}

/// One-way base latencies between regions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LatencyTable {
    /// Name of the table.
    pub name: String,
    /// Where the numbers come from and what was done to them.
    pub source: String,
    /// The regions, in the order of the matrix.
    pub regions: Vec<Region>,
    /// `one_way_ns[from][to]`, nanoseconds.
    pub one_way_ns: Vec<Vec<u64>>,
}

/// A place on the map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Region {
    /// Name, for example `eu-central`.
    pub name: String,
    /// Degrees north, times 1000.
    pub latitude_mdeg: i32,
    /// Degrees east, times 1000.
    pub longitude_mdeg: i32,
}

/// Multiplicative jitter on the base latency: log-normal with median 1, given by two percentiles' spread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JitterPlan {
    /// 90th percentile of the factor, parts per million (1_000_000 = no jitter).
    pub p90_ppm: u64,
    /// Hard lower floor of the factor, parts per million.
    pub floor_ppm: u64,
    /// Hard upper cap of the factor, parts per million.
    pub cap_ppm: u64,
}

/// Queueing discipline of the shared access links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkDiscipline {
    /// Store and forward, first in first out, one shared uplink and one shared downlink a node.
    Fifo,
}

/// Who is connected to whom.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TopologyPlan {
    /// Every node has exactly `degree` neighbours.
    RandomRegular {
        /// Neighbours of each node.
        degree: u32,
    },
    /// Every pair is connected with the probability that gives `mean_degree`.
    ErdosRenyi {
        /// Expected neighbours, thousandths.
        mean_degree_milli: u64,
    },
    /// Everyone with everyone.
    FullMesh,
    /// An undirected edge list (already read and checked against the node count).
    Given {
        /// Name of the file it was read from.
        name: String,
        /// Pairs of node numbers.
        edges: Vec<(u32, u32)>,
    },
}

/// A kind of machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HardwareClass {
    /// Name shown in reports.
    pub name: String,
    /// Uplink rate of the access link, bit/s.
    pub up_bps: u64,
    /// Downlink rate of the access link, bit/s.
    pub down_bps: u64,
    /// Cores usable for execution when `execution.cores` is not given.
    pub cores: u32,
    /// Speed of one core relative to the cost profile's reference core, parts per million.
    pub speed_ppm: u64,
    /// Where the numbers come from.
    pub source: String,
}

/// Statistics of the overlay graph.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TopologyStats {
    /// Undirected edges.
    pub edges: u64,
    /// Least degree.
    pub degree_min: u32,
    /// Mean degree.
    pub degree_mean: f64,
    /// Greatest degree.
    pub degree_max: u32,
    /// Greatest shortest-path length found, in hops (exact up to 2,000 nodes, a lower bound above).
    pub diameter_hops: u32,
    /// Global clustering coefficient (sampled above 2,000 nodes).
    pub clustering: f64,
}
