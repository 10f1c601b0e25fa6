//! Tests of the node's parts on real files, and of the built binary.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod db;
mod driver;
mod endorse;
mod following;
mod guard_store;
mod misbehaving;
mod network;
mod node;
mod notary;
#[path = "../support/ports.rs"]
mod ports;
mod process;
mod recovery;
mod suites;
mod sync;
mod testnet;
