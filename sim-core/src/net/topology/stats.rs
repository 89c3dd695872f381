//! Statistics of a graph: degrees, diameter, clustering.

use super::Topology;
use crate::net::params::TopologyStats;

/// Up to this many nodes diameter and clustering are exact.
pub const EXACT_NODES_MAX: u32 = 2_000;
/// Neighbours looked at for the clustering of a larger graph: a fraction of a second.
const CLUSTERING_STEPS_MAX: u64 = 300_000_000;
/// Double sweeps for the lower bound of the diameter of a larger graph.
const DOUBLE_SWEEPS: u32 = 2;

/// Statistics of a graph. Needs no randomness: samples are taken at equal distances of node numbers.
///
/// The diameter is that of the largest component met; graphs in use are connected.
pub fn stats(graph: &Topology) -> TopologyStats {
    let nodes = graph.nodes();
    let degrees = || (0..nodes).map(|v| graph.degree(v));
    TopologyStats {
        edges: graph.edges(),
        degree_min: degrees().min().unwrap_or(0),
        degree_mean: if nodes == 0 { 0.0 } else { graph.neighbours.len() as f64 / f64::from(nodes) },
        degree_max: degrees().max().unwrap_or(0),
        diameter_hops: diameter(graph),
        clustering: clustering(graph),
    }
}

/// Breadth-first search with buffers that are reused.
pub struct Hops {
    queue: Vec<u32>,
    hops: Vec<u32>,
}

impl Hops {
    /// Hops of a node that was not reached.
    pub const UNREACHED: u32 = u32::MAX;

    /// Buffers for a graph of that many nodes.
    pub fn new(nodes: u32) -> Self {
        Self { queue: Vec::with_capacity(nodes as usize), hops: vec![Self::UNREACHED; nodes as usize] }
    }

    /// Hops from `start` to every node.
    pub fn from(&mut self, graph: &Topology, start: u32) -> &[u32] {
        self.hops.fill(Self::UNREACHED);
        self.queue.clear();
        self.queue.push(start);
        self.hops[start as usize] = 0;
        let mut head = 0;
        // Stops as soon as all nodes are reached: in dense graphs that is after a few rows.
        while head < self.queue.len() && self.queue.len() < self.hops.len() {
            let v = self.queue[head];
            head += 1;
            let next = self.hops[v as usize] + 1;
            for &w in graph.neighbours(v) {
                if self.hops[w as usize] == Self::UNREACHED {
                    self.hops[w as usize] = next;
                    self.queue.push(w);
                }
            }
        }
        &self.hops
    }

    /// The last node reached by the search before (a farthest one) and its hops.
    pub fn farthest(&self) -> (u32, u32) {
        let last = *self.queue.last().expect("a search reaches its start");
        (last, self.hops[last as usize])
    }
}

/// Greatest number of hops between two nodes: exact up to [`EXACT_NODES_MAX`] nodes, above that a lower
/// bound by double sweeps (search from a node, then from the farthest one).
pub fn diameter(graph: &Topology) -> u32 {
    let nodes = graph.nodes();
    let mut search = Hops::new(nodes);
    let mut eccentricity = |start: u32| {
        search.from(graph, start);
        search.farthest()
    };
    if nodes <= EXACT_NODES_MAX {
        return (0..nodes).map(|v| eccentricity(v).1).max().unwrap_or(0);
    }
    let sweep = |i: u32| {
        let (far, _) = eccentricity(i * (nodes / DOUBLE_SWEEPS));
        eccentricity(far).1
    };
    (0..DOUBLE_SWEEPS).map(sweep).max().unwrap_or(0)
}

/// Global clustering coefficient: closed over all pairs of neighbours of a node, summed over nodes. Exact up
/// to [`EXACT_NODES_MAX`] nodes; above, over nodes at equal distances: that many, or fewer in a dense graph,
/// where each says more.
pub fn clustering(graph: &Topology) -> f64 {
    let nodes = graph.nodes();
    if nodes > 2 && graph.edges() == u64::from(nodes) * u64::from(nodes - 1) / 2 {
        return 1.0;
    }
    let (closed, pairs) = if nodes <= EXACT_NODES_MAX { closed_pairs(graph) } else { sample_pairs(graph) };
    if pairs == 0 { 0.0 } else { closed as f64 / pairs as f64 }
}

/// Ordered pairs of neighbours of a node.
fn pairs_at(graph: &Topology, v: u32) -> u64 {
    let degree = u64::from(graph.degree(v));
    degree * degree.saturating_sub(1)
}

/// Closed and all ordered pairs of neighbours, by intersecting rows as bitsets (500 kB at most).
fn closed_pairs(graph: &Topology) -> (u64, u64) {
    let nodes = graph.nodes();
    let words = nodes.div_ceil(64) as usize;
    let mut bits = vec![0u64; words * nodes as usize];
    for v in 0..nodes {
        for &w in graph.neighbours(v) {
            bits[v as usize * words + w as usize / 64] |= 1 << (w % 64);
        }
    }
    let row = |v: u32| &bits[v as usize * words..][..words];
    let common = |v: u32, w: u32| -> u64 {
        row(v).iter().zip(row(w)).map(|(a, b)| u64::from((a & b).count_ones())).sum()
    };
    let closed = |v: u32| graph.neighbours(v).iter().map(|&w| common(v, w)).sum::<u64>();
    ((0..nodes).map(closed).sum(), (0..nodes).map(|v| pairs_at(graph, v)).sum())
}

/// Closed and all ordered pairs of neighbours of a sample of nodes.
fn sample_pairs(graph: &Topology) -> (u64, u64) {
    let nodes = graph.nodes();
    let mean_degree = (graph.neighbours.len() as u64 / u64::from(nodes)).max(1);
    let affordable = (CLUSTERING_STEPS_MAX / (mean_degree * mean_degree)).max(16);
    let samples = u64::from(EXACT_NODES_MAX).min(affordable);
    let mut is_neighbour = vec![false; nodes as usize];
    let (mut closed, mut pairs) = (0, 0);
    for i in 0..samples {
        let v = (i * u64::from(nodes) / samples) as u32;
        let row = graph.neighbours(v);
        row.iter().for_each(|&w| is_neighbour[w as usize] = true);
        for &w in row {
            closed += graph.neighbours(w).iter().filter(|&&x| is_neighbour[x as usize]).count() as u64;
        }
        row.iter().for_each(|&w| is_neighbour[w as usize] = false);
        pairs += pairs_at(graph, v);
    }
    (closed, pairs)
}
