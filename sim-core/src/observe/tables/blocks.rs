//! `blocks.parquet` and `node_blocks.parquet`.

use super::{Column, Get, column, snake};
use crate::observe::record::{BlockRecord, NodeBlockRecord, Part, RunRecord};

/// A block and the run it belongs to.
pub struct BlockRow<'a> {
    run: &'a RunRecord,
    index: usize,
    block: &'a BlockRecord,
}

/// All blocks of all arms.
pub fn block_rows(records: &[RunRecord]) -> impl Iterator<Item = BlockRow<'_>> {
    records.iter().flat_map(|run| {
        run.blocks.iter().enumerate().map(move |(index, block)| BlockRow { run, index, block })
    })
}

/// Columns of `blocks.parquet`.
pub fn block_columns<'a>() -> Vec<Column<BlockRow<'a>>> {
    let mut columns = vec![
        column(
            "arm",
            "-",
            "arm of the comparison",
            Get::OptText(|r: &BlockRow| Some(r.run.plan.name.clone())),
        ),
        column("block", "-", "number of the block in its arm", Get::U64(|r| r.index as u64)),
        column("chain", "-", "chain index", Get::U64(|r| r.block.chain.into())),
        column("slot", "-", "slot", Get::U64(|r| r.block.slot.into())),
        column("height", "-", "height", Get::U64(|r| r.block.height.into())),
        column("proposer", "-", "proposing node", Get::U64(|r| r.block.proposer.into())),
        column(
            "parent",
            "-",
            "number of the parent block; null: genesis",
            Get::OptU64(|r| r.block.parent.map(u64::from)),
        ),
        column("canonical", "-", "on the winning chain", Get::OptBool(|r| Some(r.block.canonical))),
        column("measured", "-", "outside the warm-up", Get::OptBool(|r| Some(r.block.measured))),
        column("slot_start_ns", "ns", "start of the slot", Get::U64(|r| r.block.slot_start_ns)),
        column(
            "published_ns",
            "ns",
            "handed to the network by the proposer",
            Get::U64(|r| r.block.published_ns),
        ),
        column("size_bytes", "byte", "size on the wire", Get::U64(|r| r.block.size_bytes)),
        column("transactions", "-", "transactions in the block", Get::U64(|r| r.block.transactions.into())),
        column("gas_used", "gas", "gas used", Get::U64(|r| r.block.gas_used)),
        column("gas_limit", "gas", "gas limit", Get::U64(|r| r.block.gas_limit)),
        column("base_fee_wei", "wei/gas", "base fee", Get::U64(|r| r.block.base_fee_wei)),
        column(
            "metered_gas",
            "gas",
            "gas as the fee market meters it",
            Get::U64(|r| r.block.fees.metered_gas),
        ),
        column(
            "hot_gas",
            "gas",
            "gas of calls of the application in demand",
            Get::U64(|r| r.block.fees.hot_gas),
        ),
        column(
            "hot_surcharge_wei",
            "wei/gas",
            "what calling it costs beyond the base fee",
            Get::U64(|r| r.block.fees.hot_surcharge_wei),
        ),
        column(
            "turned_away",
            "-",
            "transactions executed in vain, because of what they turned out to touch",
            Get::U64(|r| r.block.fees.turned_away.into()),
        ),
        column(
            "recorded",
            "-",
            "name of the recorded block it replays",
            Get::OptText(|r| r.block.recorded.clone()),
        ),
        column(
            "verified_header",
            "-",
            "recorded block: gas, bloom and receipts root match its header",
            Get::OptBool(|r| r.block.verified_header),
        ),
        column("serial_ns", "ns", "execution one by one, speed 1", Get::U64(|r| r.block.execution.serial_ns)),
        column(
            "scheduled_ns",
            "ns",
            "execution with the chosen algorithm and cores, speed 1",
            Get::U64(|r| r.block.execution.scheduled_ns),
        ),
        column(
            "critical_path_ns",
            "ns",
            "longest chain of dependent transactions",
            Get::U64(|r| r.block.execution.critical_path_ns),
        ),
        column(
            "longest_transaction_ns",
            "ns",
            "longest single transaction",
            Get::U64(|r| r.block.execution.longest_transaction_ns),
        ),
        column("cores", "-", "virtual cores", Get::U64(|r| r.block.execution.cores.into())),
        column(
            "aborts",
            "-",
            "aborted executions in the replay",
            Get::U64(|r| r.block.execution.aborts.into()),
        ),
        column(
            "utilisation_ppm",
            "ppm",
            "busy share of the virtual cores",
            Get::U64(|r| r.block.execution.utilisation_ppm),
        ),
        column(
            "extrapolated",
            "-",
            "more cores than were measured",
            Get::OptBool(|r| Some(r.block.execution.extrapolated)),
        ),
        column("votes_stake", "stake", "stake that voted for the block", Get::U64(|r| r.block.votes_stake)),
        column("total_stake", "stake", "total stake", Get::U64(|r| r.block.total_stake)),
        column(
            "timely_stake",
            "stake",
            "stake that had verified the block before the attestation deadline",
            Get::U64(|r| r.block.timely_stake),
        ),
    ];
    const SHARES: [&str; 4] = ["p50", "p90", "p95", "p100"];
    for (n, share) in SHARES.into_iter().enumerate() {
        columns.push(Column {
            name: format!("arrival_{share}_ns"),
            unit: "ns",
            meaning: "slot start until that share of all nodes holds the block; null: never",
            get: Get::Nth(|r, n| r.block.arrival_quantiles_ns[n], n),
        });
    }
    for (n, share) in SHARES.into_iter().enumerate() {
        columns.push(Column {
            name: format!("verified_{share}_ns"),
            unit: "ns",
            meaning: "slot start until that share of all nodes has executed the block; null: never",
            get: Get::Nth(|r, n| r.block.verified_quantiles_ns[n], n),
        });
    }
    for (n, share) in SHARES.into_iter().enumerate() {
        columns.push(Column {
            name: format!("final_{share}_ns"),
            unit: "ns",
            meaning: "slot start until the block is final at that share of all nodes; null: never",
            get: Get::Nth(|r, n| r.block.final_quantiles_ns[n], n),
        });
    }
    columns
}

/// A block at a node and the run it belongs to.
pub struct NodeBlockRow<'a> {
    run: &'a RunRecord,
    nb: &'a NodeBlockRecord,
}

/// All node-blocks of all arms.
pub fn node_block_rows(records: &[RunRecord]) -> impl Iterator<Item = NodeBlockRow<'_>> {
    records.iter().flat_map(|run| run.node_blocks.iter().map(move |nb| NodeBlockRow { run, nb }))
}

/// Columns of `node_blocks.parquet`.
pub fn node_block_columns<'a>() -> Vec<Column<NodeBlockRow<'a>>> {
    let mut columns = vec![
        column(
            "arm",
            "-",
            "arm of the comparison",
            Get::OptText(|r: &NodeBlockRow| Some(r.run.plan.name.clone())),
        ),
        column("block", "-", "number of the block in its arm", Get::U64(|r| r.nb.block.into())),
        column("node", "-", "node number", Get::U64(|r| r.nb.node.into())),
        column(
            "arrived_ns",
            "ns",
            "moment the first copy was complete; null: never",
            Get::OptU64(|r| r.nb.arrived_ns),
        ),
        column(
            "verified_ns",
            "ns",
            "moment the block was executed; null: never",
            Get::OptU64(|r| r.nb.verified_ns),
        ),
        column(
            "final_ns",
            "ns",
            "moment 2/3 of the stake was seen; null: never",
            Get::OptU64(|r| r.nb.final_ns),
        ),
        column("hops", "-", "overlay hops from the proposer", Get::U64(|r| r.nb.hops.into())),
        column(
            "sender",
            "-",
            "node that sent the first copy; null: none, or its own block",
            Get::OptU64(|r| r.nb.sender.map(u64::from)),
        ),
        column(
            "executing_ns",
            "ns",
            "execution at the node itself, a part of the time to verified",
            Get::U64(|r| r.nb.executing_ns),
        ),
        column(
            "down_ns",
            "ns",
            "time between arrival and verified during which the node itself was down",
            Get::U64(|r| r.nb.offline_ns),
        ),
        column(
            "blobs_ns",
            "ns",
            "waiting for the block's blobs after its arrival, a part of the time to verified",
            Get::U64(|r| r.nb.blobs_ns),
        ),
    ];
    for part in Part::ALL {
        columns.push(Column {
            name: format!("verified_{}_ns", snake(part.name())),
            unit: "ns",
            meaning: "time from slot start to verified spent on this; all such columns add up to it",
            get: Get::Nth(|r, n| Some(r.nb.to_verified.0[n]), part as usize),
        });
    }
    for part in Part::ALL {
        columns.push(Column {
            name: format!("final_{}_ns", snake(part.name())),
            unit: "ns",
            meaning: "time from slot start to final spent on this; all such columns add up to it",
            get: Get::Nth(|r, n| r.nb.to_final.map(|b| b.0[n]), part as usize),
        });
    }
    columns
}
