//! Who is connected to whom.
//!
//! **Captures.** Undirected simple graphs, connected or refused: random regular, Erdos-Renyi, full mesh,
//! given by file. Statistics in [`stats`].
//!
//! **Leaves out.** Peers that come and go during a run, choice of peers by place or quality.
//!
//! **Parameters.** [`TopologyPlan`], number of nodes, a counter-based source of 64-bit numbers.
//!
//! **Source.** Random regular: pairing (configuration) model, loops and double edges switched away (McKay
//! and Wormald 1990); nearly, not exactly, uniform. Erdos-Renyi: geometric skipping (Batagelj and Brandes
//! 2005).
//!
//! **Checked against.** Exact degrees and simplicity (property tests), binomial degrees, petgraph's
//! components and distances (`tests/net_topology.rs`).

pub mod edge_list;
mod random;
pub mod stats;

use crate::kernel::prefetch::prefetch;
use crate::net::params::TopologyPlan;
use petgraph::graph::UnGraph;
use petgraph::unionfind::UnionFind;
use thiserror::Error;

/// Most directed edges a graph may have: 2 GiB of adjacency with its reverse index.
pub const DIRECTED_EDGES_MAX: u64 = 1 << 28;

/// Why there is no graph. All of these are errors of the input; another plan or seed is needed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TopologyError {
    /// No nodes.
    #[error("a network needs at least one node")]
    NoNodes,
    /// No graph with this degree exists.
    #[error(
        "no graph gives each of {nodes} nodes exactly {degree} neighbours: the degree must lie between 1 \
         and {}, and nodes x degree must be even",
        nodes.saturating_sub(1)
    )]
    ImpossibleDegree {
        /// Number of nodes.
        nodes: u32,
        /// The degree asked for.
        degree: u32,
    },
    /// A mean degree above nodes - 1.
    #[error(
        "a mean degree of {}.{:03} is more than the {} neighbours a node can have among {nodes} nodes",
        mean_degree_milli / 1000, mean_degree_milli % 1000, nodes.saturating_sub(1)
    )]
    ImpossibleMeanDegree {
        /// Number of nodes.
        nodes: u32,
        /// The mean degree asked for, thousandths.
        mean_degree_milli: u64,
    },
    /// More edges than fit.
    #[error(
        "{nodes} nodes with about {edges} connections need more than the {} connections that fit in memory; \
         use fewer nodes or a lower degree",
        DIRECTED_EDGES_MAX / 2
    )]
    TooManyEdges {
        /// Number of nodes.
        nodes: u32,
        /// Undirected edges.
        edges: u64,
    },
    /// Not everyone can reach everyone.
    #[error(
        "the topology {what} is not connected: {components} separate components, the largest of {} nodes; {hint}",
        .largest.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
    )]
    Disconnected {
        /// Kind of topology, or name of the file.
        what: String,
        /// Number of components.
        components: u32,
        /// Sizes of up to five components, largest first.
        largest: Vec<u32>,
        /// What would help.
        hint: String,
    },
    /// A line of an edge list or an entry of a list of edges is wrong.
    #[error("{file}:{line}: {message}")]
    EdgeList {
        /// Name of the file.
        file: String,
        /// Line, counted from 1 (for edges that are no longer lines: their number).
        line: usize,
        /// What is wrong, with what was found.
        message: String,
    },
}

/// An undirected simple graph as sorted adjacency rows.
///
/// Directed edges are numbered: those of node `v` are `offsets[v]..offsets[v + 1]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// Start of each node's row; one more entry than nodes.
    pub offsets: Vec<u32>,
    /// Neighbours, sorted within a row.
    pub neighbours: Vec<u32>,
    /// For the directed edge v -> w, the number of w -> v.
    pub reverse: Vec<u32>,
}

impl Topology {
    /// Number of nodes.
    pub fn nodes(&self) -> u32 {
        (self.offsets.len() - 1) as u32
    }

    /// Undirected edges.
    pub fn edges(&self) -> u64 {
        self.neighbours.len() as u64 / 2
    }

    /// Neighbours of a node, sorted.
    #[inline]
    pub fn neighbours(&self, node: u32) -> &[u32] {
        &self.neighbours[self.edge_range(node)]
    }

    /// Asks for the memory of a node's neighbours if they are `wanted`. Without a branch, which would be
    /// mispredicted too often.
    #[inline(always)]
    pub fn prefetch_if(&self, wanted: bool, node: u32) {
        prefetch(&self.neighbours, self.offsets[node as usize] as usize * usize::from(wanted));
    }

    /// Number of neighbours of a node.
    #[inline]
    pub fn degree(&self, node: u32) -> u32 {
        self.offsets[node as usize + 1] - self.offsets[node as usize]
    }

    /// Numbers of the directed edges that leave a node.
    #[inline]
    pub fn edge_range(&self, node: u32) -> core::ops::Range<usize> {
        self.offsets[node as usize] as usize..self.offsets[node as usize + 1] as usize
    }

    /// Number of the directed edge from one node to another, if they are neighbours. O(log degree).
    pub fn edge(&self, from: u32, to: u32) -> Option<u32> {
        let place = self.neighbours(from).binary_search(&to).ok()?;
        Some(self.offsets[from as usize] + place as u32)
    }

    /// Builds the graph of a plan on nodes `0..nodes`; `draw(k)` is the k-th number of a uniform 64-bit
    /// stream. The same plan and stream give the same graph on every platform.
    ///
    /// A random regular graph that comes out disconnected is drawn anew (up to 64 times); an Erdos-Renyi
    /// graph is not, since that would change its degrees.
    ///
    /// # Errors
    /// [`TopologyError`]: impossible degrees, too many edges, bad edges, a graph that is not connected.
    pub fn build(plan: &TopologyPlan, nodes: u32, draw: impl Fn(u64) -> u64) -> Result<Self, TopologyError> {
        if nodes == 0 {
            return Err(TopologyError::NoNodes);
        }
        match plan {
            TopologyPlan::RandomRegular { degree } => random::regular(nodes, *degree, draw),
            TopologyPlan::ErdosRenyi { mean_degree_milli } => {
                random::erdos_renyi(nodes, *mean_degree_milli, draw)
            }
            TopologyPlan::FullMesh => Self::full_mesh(nodes),
            TopologyPlan::Given { name, edges } => {
                let graph = Self::from_named_edges(name, nodes, edges)?;
                graph.check_connected(&format!("`{name}`"), "add edges between the components")?;
                Ok(graph)
            }
        }
    }

    /// The graph with these undirected edges; may be disconnected.
    ///
    /// # Errors
    /// [`TopologyError::EdgeList`] at a loop, a repeated edge (in either direction) or a node out of range;
    /// its line is the edge's number, counted from 1. [`TopologyError::TooManyEdges`].
    pub fn from_edges(nodes: u32, edges: &[(u32, u32)]) -> Result<Self, TopologyError> {
        Self::from_named_edges("edges", nodes, edges)
    }

    fn from_named_edges(name: &str, nodes: u32, edges: &[(u32, u32)]) -> Result<Self, TopologyError> {
        let bad = |index: usize, message: String| TopologyError::EdgeList {
            file: name.to_owned(),
            line: index + 1,
            message,
        };
        check_size(nodes, edges.len() as u64)?;
        for (index, &(a, b)) in edges.iter().enumerate() {
            if a >= nodes || b >= nodes {
                let message =
                    format!("edge {a} {b} leaves the {nodes} nodes (0 to {})", i64::from(nodes) - 1);
                return Err(bad(index, message));
            }
            if a == b {
                return Err(bad(index, format!("node {a} is connected to itself")));
            }
        }
        let graph = Self::from_valid_edges(nodes, edges);
        let twice = |v: u32| graph.neighbours(v).windows(2).find(|w| w[0] == w[1]).map(|w| (v, w[0]));
        if let Some((a, b)) = (0..nodes).find_map(twice) {
            let same = |e: &(u32, u32)| *e == (a, b) || *e == (b, a);
            let index = edges.iter().rposition(same).unwrap_or_default();
            return Err(bad(index, format!("edge {a} {b} is given twice (edges have no direction)")));
        }
        Ok(graph)
    }

    /// From edges known to be in range and without loops. Repeated edges leave `reverse` meaningless.
    pub(crate) fn from_valid_edges(nodes: u32, edges: &[(u32, u32)]) -> Self {
        let mut offsets = vec![0u32; nodes as usize + 1];
        for &(a, b) in edges {
            offsets[a as usize + 1] += 1;
            offsets[b as usize + 1] += 1;
        }
        for v in 0..nodes as usize {
            offsets[v + 1] += offsets[v];
        }
        let mut next = offsets.clone();
        let mut neighbours = vec![0u32; edges.len() * 2];
        for &(a, b) in edges {
            for (from, to) in [(a, b), (b, a)] {
                neighbours[next[from as usize] as usize] = to;
                next[from as usize] += 1;
            }
        }
        drop(next);
        Self::from_rows(offsets, neighbours)
    }

    /// From rows in any order: sorts them and builds the reverse index.
    pub(crate) fn from_rows(offsets: Vec<u32>, mut neighbours: Vec<u32>) -> Self {
        for row in offsets.windows(2) {
            neighbours[row[0] as usize..row[1] as usize].sort_unstable();
        }
        // Nodes are visited in ascending order and rows are sorted, so the edges into w are met in the
        // order in which they stand in w's row: a cursor per node replaces a search per edge.
        let mut cursor = offsets[..offsets.len() - 1].to_vec();
        let reverse = neighbours
            .iter()
            .map(|&w| {
                cursor[w as usize] += 1;
                cursor[w as usize] - 1
            })
            .collect();
        Self { offsets, neighbours, reverse }
    }

    /// Everyone with everyone.
    fn full_mesh(nodes: u32) -> Result<Self, TopologyError> {
        let n = u64::from(nodes);
        check_size(nodes, n * (n - 1) / 2)?;
        let offsets = (0..=nodes).map(|v| v * (nodes - 1)).collect();
        // Rows are sorted as they are made, and where an edge back stands is known: no search, no sort.
        let mut neighbours = Vec::with_capacity(n as usize * (n as usize - 1));
        let mut reverse = Vec::with_capacity(neighbours.capacity());
        for v in 0..nodes {
            neighbours.extend((0..v).chain(v + 1..nodes));
            reverse.extend((0..v).map(|w| w * (nodes - 1) + v - 1));
            reverse.extend((v + 1..nodes).map(|w| w * (nodes - 1) + v));
        }
        Ok(Self { offsets, neighbours, reverse })
    }

    /// Sizes of the connected components, largest first.
    pub fn component_sizes(&self) -> Vec<u32> {
        let nodes = self.nodes();
        let mut sets = UnionFind::<u32>::new(nodes as usize);
        for v in 0..nodes {
            for &w in self.neighbours(v).iter().filter(|&&w| w > v) {
                sets.union(v, w);
            }
        }
        let mut sizes = vec![0u32; nodes as usize];
        for v in 0..nodes {
            sizes[sets.find_mut(v) as usize] += 1;
        }
        sizes.retain(|&s| s > 0);
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        sizes
    }

    /// Refuses a graph in which somebody cannot reach somebody.
    ///
    /// # Errors
    /// [`TopologyError::Disconnected`] with `what` and `hint` in its text.
    pub fn check_connected(&self, what: &str, hint: &str) -> Result<(), TopologyError> {
        let mut sizes = self.component_sizes();
        if sizes.len() <= 1 {
            return Ok(());
        }
        let components = sizes.len() as u32;
        sizes.truncate(5);
        let (what, hint) = (what.to_owned(), hint.to_owned());
        Err(TopologyError::Disconnected { what, components, largest: sizes, hint })
    }

    /// The same graph for petgraph's algorithms; node indices are node numbers.
    pub fn to_petgraph(&self) -> UnGraph<(), (), u32> {
        let edges = (0..self.nodes()).flat_map(|v| self.neighbours(v).iter().map(move |&w| (v, w)));
        let mut graph = UnGraph::with_capacity(self.nodes() as usize, self.neighbours.len() / 2);
        for _ in 0..self.nodes() {
            graph.add_node(());
        }
        graph.extend_with_edges(edges.filter(|&(v, w)| v < w));
        graph
    }
}

pub(crate) fn check_size(nodes: u32, edges: u64) -> Result<(), TopologyError> {
    match edges.checked_mul(2) {
        Some(directed) if directed <= DIRECTED_EDGES_MAX => Ok(()),
        _ => Err(TopologyError::TooManyEdges { nodes, edges }),
    }
}
