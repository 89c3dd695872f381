//! How many hops a flood takes.

use crate::check::{Check, Effort, Expected, Finding, Row};
use crate::nets::{self, Study};
use crate::plots::{self, Frame, Series};
use anyhow::Result;
use petgraph::graph::NodeIndex;
use petgraph::visit::{Bfs, EdgeRef};
use sim_core::kernel::math;
use sim_core::net::topology::Topology;
use sim_core::scenario::plan::TopologyPlan;

/// Hops.
pub const FLOOD: Check = Check {
    name: "flood-hops",
    family: "dissemination",
    question: "With equal latencies and lines without limit, does flood reach every node over a shortest path?",
    expected: "hops of every node = its breadth-first distance from the producer; time = hops x latency; \
               farthest node of a random 8-regular graph: above ln n / ln 7, 6 hops at n = 2,000 and 10,000 (5 for few producers)",
    source: "breadth-first search by petgraph on the run's graph; Bollobas and de la Vega 1982 (diameter of random regular graphs)",
    tolerance: "none for hops: integers, every node of every payload. Times may exceed hops x 100 ms by 16 ns a hop: a byte takes 1 ns, at most 8 copies are ahead on an uplink and 8 at a downlink",
    understood_miss: None,
    run: flood,
};

/// Distances from a node.
fn distances(graph: &Topology, start: u32) -> Vec<u32> {
    let mut edges = petgraph::graph::UnGraph::<(), ()>::new_undirected();
    for _ in 0..graph.nodes() {
        edges.add_node(());
    }
    for v in 0..graph.nodes() {
        for &w in graph.neighbours(v).iter().filter(|w| **w > v) {
            edges.add_edge(NodeIndex::new(v as usize), NodeIndex::new(w as usize), ());
        }
    }
    let mut distance = vec![u32::MAX; graph.nodes() as usize];
    distance[start as usize] = 0;
    let mut search = Bfs::new(&edges, NodeIndex::new(start as usize));
    while let Some(node) = search.next(&edges) {
        // The search visits nodes by distance, so the nearest neighbour already has its own.
        let nearest = edges.edges(node).map(|e| distance[e.target().index()]).min();
        let here = &mut distance[node.index()];
        *here = (*here).min(nearest.unwrap_or(u32::MAX).saturating_add(1));
    }
    distance
}

fn flood(effort: Effort) -> Result<Finding> {
    let mut finding = Finding::default();
    let mut series = Vec::new();
    for (nodes, name) in
        effort.pick(&[(2_000, "n = 2,000")][..], &[(2_000, "n = 2,000"), (10_000, "n = 10,000")][..])
    {
        let nodes = *nodes;
        let mut study = Study::new(nodes, TopologyPlan::RandomRegular { degree: 8 });
        study.payloads = effort.pick(5, 20);
        let record = study.run()?;
        let graph = nets::graph(&record.plan)?;
        let (mut wrong, mut late, mut farthest) = (0_u32, 0_u32, Vec::new());
        let (mut counts, mut expected) = (vec![0_u64; 12], vec![0_u64; 12]);
        let distance: Vec<Vec<u32>> = record.blocks.iter().map(|b| distances(&graph, b.proposer)).collect();
        for at in &record.node_blocks {
            let block = &record.blocks[at.block as usize];
            let hops = distance[at.block as usize][at.node as usize];
            wrong += u32::from(at.hops != hops);
            let time = at.arrived_ns.unwrap_or(u64::MAX) - block.published_ns;
            let least = u64::from(hops) * 100_000_000;
            late += u32::from(!(least..=least + 16 * u64::from(hops)).contains(&time));
            counts[(at.hops as usize).min(11)] += 1;
            expected[(hops as usize).min(11)] += 1;
        }
        for block in &distance {
            farthest.push(block.iter().copied().max().unwrap_or(0));
        }
        let sample = format!("{} payloads, {} first copies", record.blocks.len(), record.node_blocks.len());
        let mut row = |what: &str, measured: f64, expected: Expected| {
            finding.rows.push(Row::new(format!("n {nodes}: {what}"), measured, expected, "", &sample));
        };
        let all = f64::from(nodes) * record.blocks.len() as f64;
        row("nodes reached", record.node_blocks.len() as f64, Expected::Exactly(all));
        row("nodes whose hops differ from their distance", f64::from(wrong), Expected::Exactly(0.0));
        row("nodes whose time is not hops x latency", f64::from(late), Expected::Exactly(0.0));
        let different = counts.iter().zip(&expected).filter(|(a, b)| a != b).count();
        row("hop counts whose number of nodes differs", different as f64, Expected::Exactly(0.0));
        let reached = counts.iter().rposition(|c| *c > 0).unwrap_or(0) as f64;
        let longest = f64::from(farthest.iter().copied().max().unwrap_or(0));
        row("farthest node, hops", reached, Expected::Exactly(longest));
        let low = (math::ln(f64::from(nodes)) / math::ln(7.0)).ceil();
        row("farthest node, hops, and theory", reached, Expected::Within { low, high: 6.0 });
        let per = record.blocks.len() as f64;
        let points = counts.iter().enumerate().take(8).map(|(h, c)| (h as f64, *c as f64 / per)).collect();
        let line = expected.iter().enumerate().take(8).map(|(h, c)| (h as f64, *c as f64 / per)).collect();
        series.push(Series { name: "breadth-first", points: line, is_line: true });
        series.push(Series { name, points, is_line: false });
    }
    let frame = Frame {
        title: "Hops of a flood",
        subtitle: "Nodes at each number of hops from the producer: flood (dots), breadth-first search (lines)",
        x: "hops",
        y: "nodes",
        log_y: false,
        log_x: false,
    };
    finding.plot = Some(plots::draw(&frame, &series));
    Ok(finding)
}
