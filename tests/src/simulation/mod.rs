//! Do validators agree whatever happens to their network, their machines and some of them, and would we notice if not?
//!
//! Real engines run under virtual time: everything that happens comes from a seed. `setup` says what a run is made of, `world`
//! gives it time, `driver` carries out what engines want, `sync` brings blocks
//! that were missed, `network`, `faults` and `byzantine` stand in their way, `check` sees
//! everything and judges, `trace` tells two runs apart. `catalogue` names the setups, `campaign` runs them by the thousand,
//! and `explore` leaves nothing to chance: it tries every order of things for a few slots.
//!
//! Used by the tests in `tests/simulation.rs` and by `ledger-soak`. Nothing here has a real clock, disk or network.

mod byzantine;
pub mod campaign;
pub mod catalogue;
pub mod chain;
pub mod check;
mod driver;
pub mod explore;
mod faults;
pub mod keys;
mod network;
mod node;
pub mod setup;
mod sync;
mod trace;
mod world;

pub use check::Violation;
pub use setup::{Broken, DriverMutant, Promise, Role, Setup};
pub use world::{Outcome, run, run_with_lines};
