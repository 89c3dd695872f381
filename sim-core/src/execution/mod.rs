//! From real execution to simulated time.
//!
//! Blocks run once through `parallel-evm`, whatever the number of nodes. The execution yields receipts, state
//! and, for each transaction, a work vector with its reads and writes. A [cost profile](profile) turns work
//! into picoseconds, [virtual cores](virtual_cores) turn transactions into a schedule, and [`block_time`]
//! says what a block costs on a kind of machine.
//!
//! ```text
//! state --> builder --> trace --> block_time --> pipeline --> clock
//!   ^          |                  (profile, virtual_cores)
//!   +--delta---+
//! ```
//!
//! May import: `chain`, `kernel`, `parallel-evm`, and the plan's and record's plain data. Must never: read host
//! time, or let the number of real threads or anything in an engine's diagnostics change a result.

pub mod block_time;
pub mod builder;
pub mod disk;
pub mod draft;
pub mod fit;
pub mod host;
pub mod params;
pub mod pipeline;
pub mod record;
pub mod profile;
pub mod state;
pub mod trace;
pub mod virtual_cores;
