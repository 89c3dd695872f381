//! Random graphs from a counter-based stream.

use super::{Topology, TopologyError, check_size};
use crate::kernel::math;
use crate::kernel::random::uniform_below;

/// Graphs drawn before a disconnected random regular graph is given up: up to 64, fewer where drawing takes
/// long and, for any degree above 2, a second is almost never needed.
fn attempts_max(nodes: u32) -> u32 {
    (1_000_000 / nodes).clamp(2, 64)
}
/// Partners tried for one bad edge before the pairing is drawn anew.
const SWITCHES_MAX: u32 = 10_000;

/// Successive numbers of a counter-based stream.
struct Stream<F> {
    draw: F,
    next: u64,
}

impl<F: Fn(u64) -> u64> Stream<F> {
    fn number(&mut self) -> u64 {
        self.next += 1;
        (self.draw)(self.next - 1)
    }

    fn below(&mut self, bound: usize) -> usize {
        uniform_below(self.number(), bound as u64) as usize
    }
}

/// Every node has exactly `degree` neighbours; connected.
pub(super) fn regular(nodes: u32, degree: u32, draw: impl Fn(u64) -> u64) -> Result<Topology, TopologyError> {
    let stubs = u64::from(nodes) * u64::from(degree);
    if degree == 0 || degree >= nodes || !stubs.is_multiple_of(2) {
        return Err(TopologyError::ImpossibleDegree { nodes, degree });
    }
    check_size(nodes, stubs / 2)?;
    let mut stream = Stream { draw, next: 0 };
    // A dense graph is the complement of a sparse one, where switching always finds room.
    let complement = degree > (nodes - 1) / 2;
    let sparse_degree = if complement { nodes - 1 - degree } else { degree };
    let mut last = None;
    for _ in 0..attempts_max(nodes) {
        let Some(mut rows) = pairing(nodes as usize, sparse_degree as usize, &mut stream) else { continue };
        if complement {
            rows = complement_rows(nodes, sparse_degree as usize, &rows);
        }
        let offsets = (0..=nodes).map(|v| v * degree).collect();
        let graph = Topology::from_rows(offsets, rows);
        let what = format!("RandomRegular(degree: {degree})");
        match graph.check_connected(&what, "a degree of 3 or more is connected almost surely") {
            Ok(()) => return Ok(graph),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or(TopologyError::ImpossibleDegree { nodes, degree }))
}

/// A uniform pairing of `degree` stubs a node, loops and double edges switched away. Rows of `degree`.
fn pairing<F: Fn(u64) -> u64>(nodes: usize, degree: usize, stream: &mut Stream<F>) -> Option<Vec<u32>> {
    if degree == 0 {
        return Some(Vec::new());
    }
    let mut stubs: Vec<u32> = (0..nodes as u32).flat_map(|v| std::iter::repeat_n(v, degree)).collect();
    for i in (1..stubs.len()).rev() {
        let j = stream.below(i + 1);
        stubs.swap(i, j);
    }
    let mut rows = vec![0u32; nodes * degree];
    let mut filled = vec![0u32; nodes];
    for pair in stubs.chunks_exact(2) {
        for (from, to) in [(pair[0], pair[1]), (pair[1], pair[0])] {
            rows[from as usize * degree + filled[from as usize] as usize] = to;
            filled[from as usize] += 1;
        }
    }
    drop((stubs, filled));
    let mut rows = Rows { rows, degree };
    for (v, w) in rows.bad_edges(nodes) {
        rows.switch_away(v, w, stream)?;
    }
    Some(rows.rows)
}

/// A multigraph with rows of equal length.
struct Rows {
    rows: Vec<u32>,
    degree: usize,
}

impl Rows {
    fn row(&self, v: u32) -> &[u32] {
        &self.rows[v as usize * self.degree..][..self.degree]
    }

    fn replace(&mut self, v: u32, old: u32, new: u32) {
        let row = &mut self.rows[v as usize * self.degree..][..self.degree];
        let place = row.iter().position(|&w| w == old).expect("the edge stands in both rows");
        row[place] = new;
    }

    /// Loops once each and surplus copies of double edges, by the lower node.
    fn bad_edges(&self, nodes: usize) -> Vec<(u32, u32)> {
        let mut bad = Vec::new();
        for v in 0..nodes as u32 {
            let row = self.row(v);
            let mut loops = 0;
            for (place, &w) in row.iter().enumerate() {
                if w == v {
                    loops += 1;
                    // A loop stands twice in its row.
                    if loops % 2 == 0 {
                        bad.push((v, v));
                    }
                } else if w > v && row[..place].contains(&w) {
                    bad.push((v, w));
                }
            }
        }
        bad
    }

    /// Replaces v-w and a random edge x-y by v-x and w-y where that makes neither a loop nor a copy.
    fn switch_away<F: Fn(u64) -> u64>(&mut self, v: u32, w: u32, stream: &mut Stream<F>) -> Option<()> {
        // An earlier switch may have taken a surplus copy already.
        if v != w && self.row(v).iter().filter(|&&n| n == w).count() < 2 {
            return Some(());
        }
        for _ in 0..SWITCHES_MAX {
            let place = stream.below(self.rows.len());
            let (x, y) = ((place / self.degree) as u32, self.rows[place]);
            let distinct = x != v && x != w && y != v && y != w && x != y;
            if distinct && !self.row(v).contains(&x) && !self.row(w).contains(&y) {
                self.replace(v, w, x);
                self.replace(w, v, y);
                self.replace(x, y, v);
                self.replace(y, x, w);
                return Some(());
            }
        }
        None
    }
}

/// Rows of the complement of a graph whose rows have length `degree`.
fn complement_rows(nodes: u32, degree: usize, rows: &[u32]) -> Vec<u32> {
    let mut neighbour = vec![false; nodes as usize];
    let mut out = Vec::with_capacity(nodes as usize * (nodes as usize - 1 - degree));
    for v in 0..nodes {
        let row = &rows[v as usize * degree..][..degree];
        row.iter().for_each(|&w| neighbour[w as usize] = true);
        out.extend((0..nodes).filter(|&w| w != v && !neighbour[w as usize]));
        row.iter().for_each(|&w| neighbour[w as usize] = false);
    }
    out
}

/// Every pair is connected with the probability that gives the mean degree; refused unless connected.
pub(super) fn erdos_renyi(
    nodes: u32,
    mean_degree_milli: u64,
    draw: impl Fn(u64) -> u64,
) -> Result<Topology, TopologyError> {
    if mean_degree_milli > 1000 * u64::from(nodes - 1) {
        return Err(TopologyError::ImpossibleMeanDegree { nodes, mean_degree_milli });
    }
    check_size(nodes, (u128::from(nodes) * u128::from(mean_degree_milli) / 2000) as u64)?;
    let probability = mean_degree_milli as f64 / (1000.0 * f64::from(nodes.max(2) - 1));
    let pairs = u64::from(nodes) * (u64::from(nodes) - 1) / 2;
    let mut stream = Stream { draw, next: 0 };
    let mut edges = Vec::new();
    // Pairs (low, high) with low < high are numbered by high, then low; gaps between connected pairs are
    // geometric. `first` is the number of the first pair of `high`.
    let (mut pair, mut high, mut first) = (0u64, 1u64, 0u64);
    let log_miss = math::ln_1p(-probability);
    loop {
        if probability < 1.0 {
            let uniform = ((stream.number() >> 11) + 1) as f64 / 9_007_199_254_740_992.0;
            // Saturates where the probability is zero.
            let gap = (math::ln(uniform) / log_miss).floor();
            pair = pair.saturating_add(if probability > 0.0 { gap as u64 } else { u64::MAX });
        }
        if pair >= pairs {
            break;
        }
        while pair - first >= high {
            first += high;
            high += 1;
        }
        edges.push(((pair - first) as u32, high as u32));
        pair += 1;
    }
    check_size(nodes, edges.len() as u64)?;
    let graph = Topology::from_valid_edges(nodes, &edges);
    let threshold = math::ln(f64::from(nodes));
    let milli = |x: f64| (x * 1000.0).ceil() as u64;
    let hint = format!(
        "Erdos-Renyi graphs of {nodes} nodes are connected from a mean degree of about ln n = {threshold:.1} \
         on, 95 in 100 at ln n + 3 = {:.1}; use mean_degree_milli {} or more, or RandomRegular",
        threshold + 3.0,
        milli(threshold + 3.0).min(1000 * u64::from(nodes - 1)),
    );
    let (whole, rest) = (mean_degree_milli / 1000, mean_degree_milli % 1000);
    graph.check_connected(&format!("ErdosRenyi(mean degree: {whole}.{rest:03})"), &hint)?;
    Ok(graph)
}
