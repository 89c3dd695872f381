//! What makes fine conflicts hard, a test for each trap: the parallel engine yields the serial result however it
//! is disturbed, and what is reported depends on no more and no less than it must.

mod accounts;
mod balances;
mod world;
