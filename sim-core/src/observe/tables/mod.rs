//! The tables of a result folder, as Parquet.
//!
//! A table is a list of [`Column`]s over a row type; the same list gives the file's schema, its values and
//! its documentation, so they cannot disagree. Bytes depend on the rows alone: one thread, fixed
//! compression (snappy), fixed `created_by`, no time stamps. The columns of every table:
//!
#![doc = include_str!("schema.md")]

pub mod blocks;
pub mod bridges;
pub mod nodes;
pub mod reader;
pub mod rollups;
pub mod series;
pub mod transactions;
pub mod welfare;
pub mod writer;

use super::record::RunRecord;
use std::io::Write;

/// How a column's values are made from a row.
pub enum Get<R> {
    /// Unsigned 64-bit integer.
    U64(fn(&R) -> u64),
    /// Unsigned 64-bit integer, or null.
    OptU64(fn(&R) -> Option<u64>),
    /// The `usize`-th of several like values; for columns made in a loop.
    Nth(fn(&R, usize) -> Option<u64>, usize),
    /// 64-bit floating point number, or null.
    OptF64(fn(&R) -> Option<f64>),
    /// The `usize`-th of several like floating point numbers, or null.
    NthF64(fn(&R, usize) -> Option<f64>, usize),
    /// The `usize`-th of several like texts, or null.
    NthText(fn(&R, usize) -> Option<String>, usize),
    /// True or false, or null.
    OptBool(fn(&R) -> Option<bool>),
    /// UTF-8 text, or null.
    OptText(fn(&R) -> Option<String>),
}

impl<R> Get<R> {
    /// Name of the type, as documented.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::U64(_) => "u64",
            Self::OptU64(_) | Self::Nth(..) => "u64, nullable",
            Self::OptF64(_) | Self::NthF64(..) => "f64, nullable",
            Self::OptBool(_) => "bool, nullable",
            Self::OptText(_) | Self::NthText(..) => "text, nullable",
        }
    }
}

/// One column: name, unit, meaning and values.
pub struct Column<R> {
    /// Name in the file; ends in the unit where there is one.
    pub name: String,
    /// Unit, or `-`.
    pub unit: &'static str,
    /// Meaning.
    pub meaning: &'static str,
    /// Values.
    pub get: Get<R>,
}

/// A column with a fixed name.
pub(crate) fn column<R>(name: &str, unit: &'static str, meaning: &'static str, get: Get<R>) -> Column<R> {
    Column { name: name.to_owned(), unit, meaning, get }
}

/// A column name from a part's or kind's name: spaces become underscores.
pub(crate) fn snake(name: &str) -> String {
    name.replace([' ', '-'], "_")
}

/// A table that can be written.
pub struct TableFile {
    /// File name inside the result folder.
    pub file: &'static str,
    /// One sentence: what a row is.
    pub row: &'static str,
    /// Writes it.
    pub write: fn(&[RunRecord], &mut (dyn Write + Send)) -> parquet::errors::Result<()>,
    /// Its documentation as lines of a Markdown table: name, type, unit, meaning.
    pub describe: fn() -> Vec<[String; 4]>,
}

/// All tables, in the order in which they are documented.
pub const ALL: [TableFile; 15] = [
    TableFile {
        file: "blocks.parquet",
        row: "One row per arm and block, warm-up and stale blocks included.",
        write: |records, sink| writer::write(sink, &blocks::block_columns(), || blocks::block_rows(records)),
        describe: || describe(&blocks::block_columns()),
    },
    TableFile {
        file: "nodes.parquet",
        row: "One row per arm and node.",
        write: |records, sink| writer::write(sink, &nodes::columns(), || nodes::rows(records)),
        describe: || describe(&nodes::columns()),
    },
    TableFile {
        file: "node_blocks.parquet",
        row: "One row per arm, block and observed node.",
        write: |records, sink| {
            writer::write(sink, &blocks::node_block_columns(), || blocks::node_block_rows(records))
        },
        describe: || describe(&blocks::node_block_columns()),
    },
    TableFile {
        file: "transactions.parquet",
        row: "One row per arm and user transaction.",
        write: |records, sink| writer::write(sink, &transactions::columns(), || transactions::rows(records)),
        describe: || describe(&transactions::columns()),
    },
    TableFile {
        file: "series.parquet",
        row: "One row per arm, chain and slot that has a block on the winning chain.",
        write: |records, sink| writer::write(sink, &series::columns(), || series::rows(records)),
        describe: || describe(&series::columns()),
    },
    TableFile {
        file: "rollups.parquet",
        row: "One row per arm and fleet of rollups.",
        write: |records, sink| {
            writer::write(sink, &rollups::fleet_columns(), || rollups::rows(records, |r| &r.fleets))
        },
        describe: || describe(&rollups::fleet_columns()),
    },
    TableFile {
        file: "rollup_transactions.parquet",
        row: "One row per arm and user transaction on a rollup.",
        write: |records, sink| {
            writer::write(sink, &rollups::transaction_columns(), || {
                rollups::rows(records, |r| &r.transactions)
            })
        },
        describe: || describe(&rollups::transaction_columns()),
    },
    TableFile {
        file: "batches.parquet",
        row: "One row per arm and batch of a rollup.",
        write: |records, sink| {
            writer::write(sink, &rollups::batch_columns(), || rollups::rows(records, |r| &r.batches))
        },
        describe: || describe(&rollups::batch_columns()),
    },
    TableFile {
        file: "derivations.parquet",
        row: "One row per arm, batch, L1 block with it and node that derives its rollup.",
        write: |records, sink| {
            writer::write(sink, &rollups::derivation_columns(), || rollups::rows(records, |r| &r.derivations))
        },
        describe: || describe(&rollups::derivation_columns()),
    },
    TableFile {
        file: "blobs.parquet",
        row: "One row per arm and block of a chain with blobs, stale blocks included.",
        write: |records, sink| {
            writer::write(sink, &rollups::blob_columns(), || rollups::rows(records, |r| &r.blob_blocks))
        },
        describe: || describe(&rollups::blob_columns()),
    },
    TableFile {
        file: "welfare.parquet",
        row: "One row per arm, fleet of rollups with prices outside and a worth of liquidity, and party.",
        write: |records, sink| writer::write(sink, &welfare::columns(), || welfare::rows(records)),
        describe: || describe(&welfare::columns()),
    },
    TableFile {
        file: "trips.parquet",
        row: "One row per arm and journey of a traveller on rollups.",
        write: |records, sink| {
            writer::write(sink, &bridges::trip_columns(), || rollups::rows(records, |r| &r.trips))
        },
        describe: || describe(&bridges::trip_columns()),
    },
    TableFile {
        file: "crossings.parquet",
        row: "One row per arm and crossing of a bridge between rollups.",
        write: |records, sink| {
            writer::write(sink, &bridges::crossing_columns(), || rollups::rows(records, |r| &r.crossings))
        },
        describe: || describe(&bridges::crossing_columns()),
    },
    TableFile {
        file: "bridges.parquet",
        row: "One row per arm and bridge between rollups.",
        write: |records, sink| {
            writer::write(sink, &bridges::bridge_columns(), || rollups::rows(records, |r| &r.bridges))
        },
        describe: || describe(&bridges::bridge_columns()),
    },
    TableFile {
        file: "inventories.parquet",
        row: "One row per arm and bridge and time at which what its relayers have changed, at most one a second.",
        write: |records, sink| {
            writer::write(sink, &bridges::inventory_columns(), || rollups::rows(records, |r| &r.inventories))
        },
        describe: || describe(&bridges::inventory_columns()),
    },
];

pub(crate) fn describe<R>(columns: &[Column<R>]) -> Vec<[String; 4]> {
    columns
        .iter()
        .map(|c| [c.name.clone(), c.get.type_name().to_owned(), c.unit.to_owned(), c.meaning.to_owned()])
        .collect()
}

/// The documentation of all tables in Markdown; written beside them as `SCHEMA.md`.
pub fn schema_markdown() -> String {
    let mut text =
        String::from("# Tables\n\nTimes are simulated nanoseconds. `arm` names the run of a comparison.\n");
    for table in &ALL {
        text.push_str(&format!("\n## {}\n\n{}\n\n", table.file, table.row));
        text.push_str("| column | type | unit | meaning |\n|---|---|---|---|\n");
        for [name, kind, unit, meaning] in (table.describe)() {
            text.push_str(&format!("| `{name}` | {kind} | {unit} | {meaning} |\n"));
        }
    }
    text
}
