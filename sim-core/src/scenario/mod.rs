//! Scenario files: spec (as written) -> plan (as meant).

pub mod plan;
