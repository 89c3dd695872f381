//! What a run leaves behind: records, tables, plots, reports.

pub mod causes;
pub mod record;
