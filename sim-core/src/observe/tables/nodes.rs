//! `nodes.parquet`.

use super::{Column, Get, column};
use crate::observe::record::{MessageKind, NodeRecord, RunRecord};

/// A node and the run it belongs to.
pub struct NodeRow<'a> {
    run: &'a RunRecord,
    index: usize,
    node: &'a NodeRecord,
}

/// All nodes of all arms.
pub fn rows(records: &[RunRecord]) -> impl Iterator<Item = NodeRow<'_>> {
    records
        .iter()
        .flat_map(|run| run.nodes.iter().enumerate().map(move |(index, node)| NodeRow { run, index, node }))
}

/// Columns of `nodes.parquet`.
pub fn columns<'a>() -> Vec<Column<NodeRow<'a>>> {
    let mut columns = vec![
        column(
            "arm",
            "-",
            "arm of the comparison",
            Get::OptText(|r: &NodeRow| Some(r.run.plan.name.clone())),
        ),
        column("node", "-", "node number", Get::U64(|r| r.index as u64)),
        column(
            "region",
            "-",
            "name of the region",
            Get::OptText(|r| {
                r.run.plan.network.latency.regions.get(r.node.region as usize).map(|x| x.name.clone())
            }),
        ),
        column(
            "hardware",
            "-",
            "name of the hardware class",
            Get::OptText(|r| {
                r.run.plan.nodes.hardware.get(r.node.class as usize).map(|(x, _)| x.name.clone())
            }),
        ),
        column("stake", "stake", "stake", Get::U64(|r| r.node.stake)),
        column("duplicates", "-", "copies received beyond the first", Get::U64(|r| r.node.duplicates)),
        column(
            "first_arrivals",
            "-",
            "items received for the first time",
            Get::U64(|r| r.node.first_arrivals),
        ),
        column("uplink_busy_ns", "ns", "time the uplink was busy", Get::U64(|r| r.node.uplink_busy_ns)),
        column(
            "execution_busy_ns",
            "ns",
            "time the cores were executing",
            Get::U64(|r| r.node.execution_busy_ns),
        ),
        column(
            "votes_due",
            "-",
            "votes that should have been cast after the warm-up",
            Get::U64(|r| r.node.votes_due),
        ),
        column(
            "votes_timely",
            "-",
            "votes cast in time for the slot's own block",
            Get::U64(|r| r.node.votes_timely),
        ),
    ];
    for kind in MessageKind::ALL {
        columns.push(Column {
            name: format!("sent_{}_bytes", kind.name()),
            unit: "byte",
            meaning: "bytes sent of this kind over the whole run",
            get: Get::Nth(|r, n| Some(r.node.sent_bytes[n]), kind as usize),
        });
    }
    for kind in MessageKind::ALL {
        columns.push(Column {
            name: format!("received_{}_bytes", kind.name()),
            unit: "byte",
            meaning: "bytes received of this kind over the whole run",
            get: Get::Nth(|r, n| Some(r.node.received_bytes[n]), kind as usize),
        });
    }
    columns
}
