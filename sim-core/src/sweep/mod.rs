//! Sweeps: many runs of one scenario with some of its values varied, and what they say together.
//!
//! ```text
//! sweep file --load--> Sweep (axes, points) --run--> run files --merge--> tables, effects, report
//! ```
//!
//! * [`spec`]: what may be written. [`load`]: read, checked, laid out into points.
//! * [`axis`], [`design`]: what is varied, and which combinations are run. [`changed`]: whether two files ask for the same.
//! * [`metrics`]: what is kept of a run. [`store`]: the folder. [`run`]: threads, failures, resuming.
//! * [`merge`](mod@merge): which runs count. [`alike`]: which of them may be compared. [`stats`], [`effects`], [`grid`], [`tables`], [`figures`], [`report`]: what they say.
//!
//! May import everything below; nothing imports it but programs. What must never be true here: a result that
//! depends on the order of runs, on the number of processes or threads, on what else lies in the folder, or
//! on host time; a run file that is overwritten by another result; a file that is partly written under its
//! final name.

pub mod alike;
pub mod axis;
pub mod changed;
mod constraint;
pub mod contents;
pub mod design;
pub mod effects;
pub mod figures;
pub mod grid;
pub mod load;
pub mod merge;
pub mod metrics;
pub mod report;
pub mod run;
pub mod spec;
pub mod stats;
pub mod store;
pub mod tables;

pub use load::{Design, Point, Replications, Sweep, SweepChanges};
pub use merge::{Merged, merge};
pub use run::{RunOptions, Shard, SweepProgress, run};
pub use store::Store;
