//! Two runs, or two scenarios, against each other.
//!
//! * [`side`]: what is compared: a plan, and how it is run.
//! * [`inputs`]: which values of two plans differ.
//! * [`difference`](mod@difference): both run beside each other: what changed in, what changed out, where they part.
//! * [`replications`]: both run many times with shared random numbers: differences with intervals.
//! * [`page`]: the same as one self-contained page with plots.
//!
//! May import everything below; nothing imports it but programs. What must never be true here: that a number
//! depends on the order or number of threads, or that a difference is told without how often it was seen.

pub mod difference;
pub mod page;
pub mod replications;
pub mod side;

pub use crate::scenario::inputs;
pub use difference::{Difference, difference};
pub use replications::{Replicated, replicate};
pub use side::Side;
