//! What a run leaves behind: records, statistics, tables, plots, the report.
//!
//! The road from a finished run to a folder on disk:
//!
//! 1. [`record::RunRecord`]: plain data written by the simulation, one per arm of a comparison.
//! 2. [`analysis::analyse`]: records to numbers ([`measure`]), the [`verdict`] and the answer. Pure.
//! 3. [`folder::write_results`]: records and numbers to a result folder (Parquet [`tables`], JSON,
//!    [`figures`] as SVG and CSV, one self-contained HTML [`report`]), all or nothing.
//! 4. [`reader::read_results`]: such a folder back to records, for whoever compares finished runs.
//!
//! May import `kernel`, the plan, and the plain data that records are made of. Architecture invariants: nothing here changes a run; the same
//! records give the same bytes; host facts and wall time appear in `manifest.json` and nowhere else;
//! nothing here prints.

pub mod bridges;
pub mod burst;
pub mod causes;
pub mod analysis;
pub mod derivation;
pub mod dispersion;
pub mod error;
pub mod figures;
pub mod folder;
pub mod format;
pub mod json;
pub mod measure;
pub mod plot;
pub mod reader;
pub mod provision;
pub mod record;
pub mod report;
pub mod markets;
pub mod rollups;
pub mod stats;
pub mod tables;
pub mod verdict;
pub mod welfare;

pub use analysis::{Analysis, analyse};
pub use error::OutputError;
pub use folder::{ReportMeta, WriteOptions, check_destination, write_results};
pub use reader::{ReadError, ResultFolder, read_results};
