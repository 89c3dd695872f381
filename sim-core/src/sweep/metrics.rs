//! What a sweep keeps of a run: one number a metric, taken from the run's summary.
//!
//! Warm-up is cut by the scenario's own rule (`run.warm_up`), before anything here is computed.

use crate::observe::measure::ArmSummary;
use crate::observe::record::{Part, Resource};
use crate::observe::stats::Distribution;
use std::sync::LazyLock;

/// A number of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Name of the column; ends in the unit where there is one.
    pub name: String,
    /// Unit, or `-`.
    pub unit: &'static str,
    /// What it is.
    pub meaning: String,
}

type Read = Box<dyn Fn(&ArmSummary) -> Option<f64> + Send + Sync>;

static TABLE: LazyLock<Vec<(Metric, Read)>> = LazyLock::new(table);

/// All metrics, in the order of the columns.
pub fn all() -> impl Iterator<Item = &'static Metric> {
    TABLE.iter().map(|(metric, _)| metric)
}

/// How many there are.
pub fn count() -> usize {
    TABLE.len()
}

/// Position of a metric by its name.
pub fn position(name: &str) -> Option<usize> {
    TABLE.iter().position(|(metric, _)| metric.name == name)
}

/// The metric at a position.
pub fn metric(position: usize) -> &'static Metric {
    &TABLE[position].0
}

/// All metrics of a run; `None` where there is no such number.
pub fn of(summary: &ArmSummary) -> Vec<Option<f64>> {
    TABLE.iter().map(|(_, read)| read(summary).filter(|value| value.is_finite())).collect()
}

fn table() -> Vec<(Metric, Read)> {
    let mut table: Vec<(Metric, Read)> = Vec::new();
    let mut add = |name: &str, unit: &'static str, meaning: &str, read: Read| {
        table.push((Metric { name: name.to_owned(), unit, meaning: meaning.to_owned() }, read));
    };
    let ms = |ns: u64| ns as f64 / 1e6;
    type Times = fn(&ArmSummary) -> &Distribution;
    let times: [(&str, &str, Times); 5] = [
        ("verified", "slot start until a node has received and executed the block", |s| &s.to_verified),
        ("arrived", "slot start until a node holds the whole block", |s| &s.to_arrived),
        ("final", "slot start until a node has seen 2/3 of the stake vote for it", |s| &s.to_final),
        ("user_included", "submission until the user's node has verified the block", |s| &s.user_included),
        ("user_final", "submission until that block is final at the user's node", |s| &s.user_final),
    ];
    for (name, meaning, get) in times {
        add(
            &format!("{name}_p50_ms"),
            "ms",
            &format!("median of: {meaning}"),
            Box::new(move |s| get(s).p50_ns.map(ms)),
        );
        add(
            &format!("{name}_p95_ms"),
            "ms",
            &format!("95th percentile of: {meaning}"),
            Box::new(move |s| get(s).p95_ns.map(ms)),
        );
    }
    type Plain = fn(&ArmSummary) -> Option<f64>;
    let plain: [(&str, &'static str, &str, Plain); 13] = [
        ("gas_per_second", "gas/s", "gas in measured canonical blocks a second", |s| Some(s.gas_per_second)),
        ("tx_per_second", "1/s", "transactions in measured canonical blocks a second", |s| {
            Some(s.transactions_per_second)
        }),
        ("gas_utilisation", "-", "gas used over gas limit of measured canonical blocks", |s| {
            Some(s.gas_utilisation)
        }),
        ("blocks_canonical", "-", "measured blocks on the chain that won", |s| {
            Some(s.blocks_canonical as f64)
        }),
        ("stale_share", "-", "share of measured blocks not on the chain that won", |s| Some(s.stale_share)),
        ("missed_votes_share", "-", "share of due votes missed or late", |s| Some(s.missed_votes_share)),
        ("goodput_bps", "bit/s", "bits of measured canonical blocks a node received a second", |s| {
            Some(s.goodput_bps)
        }),
        ("received_bps", "bit/s", "bits a node received a second, all kinds and copies", |s| {
            Some(s.received_bps)
        }),
        ("duplicates_per_item", "-", "copies beyond the first per item delivered", |s| {
            Some(s.duplicates_per_item)
        }),
        ("mesh_degree", "-", "neighbours in a node's mesh when it passes an item on", |s| s.mesh_degree),
        ("uplink_utilisation", "-", "share of time a node's uplink was busy", |s| Some(s.uplink_utilisation)),
        ("execution_utilisation", "-", "share of time a node's cores were executing", |s| {
            Some(s.execution_utilisation)
        }),
        ("events", "-", "events of the run", |s| Some(s.events as f64)),
    ];
    for (name, unit, meaning, read) in plain {
        add(name, unit, meaning, Box::new(read));
    }
    for (index, resource) in Resource::ALL.into_iter().enumerate() {
        let name = resource.name();
        add(
            &format!("bound_by_{}_share", snake(name)),
            "-",
            &format!("share of blocks whose bottleneck is {name}"),
            Box::new(move |s| {
                let blocks = s.verdict.blocks;
                (blocks > 0).then(|| s.verdict.bound_blocks[index] as f64 / blocks as f64)
            }),
        );
    }
    for part in Part::ALL {
        let name = part.name();
        add(
            &format!("mean_{}_ms", snake(name)),
            "ms",
            &format!("mean part of the time until verified: {name}"),
            Box::new(move |s| s.mean_breakdown_ns.get(name).map(|ns| ns / 1e6)),
        );
    }
    table
}

fn snake(name: &str) -> String {
    name.replace([' ', '-'], "_").to_lowercase()
}
