//! What a run leaves behind: records, tables, plots, reports.

pub mod record;
