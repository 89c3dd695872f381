//! The figures of a report, one a file: data from the records, drawn with [`super::plot`].
//!
//! A figure that does not apply (votes on a `Broadcast` chain, users where there are none) is left out. What
//! is drawn and the table beside it come from the same numbers.

pub mod breakdown;
pub mod bridges;
pub mod burst;
pub mod confirmation;
pub mod gas;
pub mod propagation;
pub mod regions;
pub mod rollups;
pub mod trades;
pub mod roofline;
pub mod timeline;
pub mod votes;
pub mod welfare;

use super::plot::table::DataTable;
use super::record::RunRecord;

/// A finished figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Name of its files, without an ending.
    pub name: &'static str,
    /// Title.
    pub title: String,
    /// What to see.
    pub see: String,
    /// How it is computed.
    pub how: String,
    /// The drawing: a whole SVG document.
    pub svg: String,
    /// The numbers drawn.
    pub table: DataTable,
}

/// All figures that apply, in the report's order.
pub fn all(records: &[RunRecord]) -> Vec<Figure> {
    [
        breakdown::by_arm(records),
        propagation::figure(records),
        roofline::figure(records),
        timeline::figure(records),
        breakdown::by_region(records),
        regions::figure(records),
        confirmation::figure(records),
        votes::figure(records),
        gas::figure(records),
        rollups::labels(records),
        rollups::blobs(records),
        rollups::scale(records),
        trades::costs(records),
        trades::mispricing(records),
        welfare::dispersion(records),
        welfare::block_space(records),
        bridges::journeys(records),
        bridges::inventories(records),
        burst::figure(records),
    ]
    .into_iter()
    .flatten()
    .collect()
}
