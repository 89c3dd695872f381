//! Theory against the simulator: measured versus expected, with a stated tolerance and its reason.
//!
//! First rung: closed forms. Each [`check::Check`] asks one question, says where its formula comes from and how
//! far off a measurement may be and why, runs the real simulator (through its facade where that is
//! possible), and reports every number. [`registry::all`] lists the checks; one file a family in [`checks`].
//!
//! Must never be true: that an expected value is computed by the code under test; that a tolerance was chosen
//! by looking at the result; that a miss is left out of the page.
//!
//! Passing says that the simulator does what the theory says its model should do. It says nothing about
//! whether the model is like the world: that is for the other rungs.

pub mod check;
pub mod checks;
pub mod console;
pub mod nets;
pub mod page;
pub mod plots;
pub mod pools;
pub mod registry;
pub mod run;
pub mod stats;
pub mod write;
