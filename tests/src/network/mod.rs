//! Does a network of four clouds keep what is final, whatever happens to its processes, clocks, disks and wires?
//!
//! A [`campaign`](run) starts four validators and a full node, each a process in a network namespace of its own where the machine
//! allows it, keeps them under [`load`], and tries one fault after the other ([`faults`]). It measures how long finality stood still,
//! and compares every block and every receipt that a user was shown on every node. The short campaign is a test
//! (`tests/system/network.rs`), the long one is `make faults`.

mod campaign;
mod cluster;
mod faults;
mod files;
mod load;
mod namespaces;
mod report;
pub mod stop;
mod watch;
mod wiring;

pub use campaign::{Plan, run};
pub use faults::names;
pub use report::{Row, Shown};
