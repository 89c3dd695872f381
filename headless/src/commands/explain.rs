//! `explain`: what a field means.

use crate::failure::Failure;
use sim_core::scenario::explain;
use std::io::Write;

pub fn explain(key: Option<&str>, out: &mut dyn Write) -> Result<(), Failure> {
    match key {
        Some(key) => {
            let explanation = explain::explain(key).map_err(|e| Failure::BadInput(e.to_string()))?;
            write!(out, "{explanation}")?;
        }
        None => {
            for key in explain::keys() {
                writeln!(out, "{key}")?;
            }
        }
    }
    Ok(())
}
