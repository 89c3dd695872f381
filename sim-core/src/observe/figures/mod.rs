//! The figures of a report, one a file: data from the records, drawn with [`super::plot`].
//!
//! A figure that does not apply (votes on a `Broadcast` chain, users where there are none) is left out. What
//! is drawn and the table beside it come from the same numbers.

use super::analysis::Analysis;
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
pub fn all(records: &[RunRecord], analysis: &Analysis) -> Vec<Figure> {
    let _ = (records, analysis);
    Vec::new()
}
