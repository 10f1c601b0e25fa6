//! Tests of the runtime through its public interface.

#![allow(clippy::unwrap_used, reason = "a test's panic is its message")]

mod admission;
mod calls;
mod chain;
mod chain_reads;
mod codes;
mod council;
mod dice;
mod estimates;
mod evidence;
mod genesis_bounds;
mod golden;
mod governance;
mod history;
mod lanes;
mod lost_blocks;
mod mirror;
mod raw;
mod recovery;
mod scenario;
mod serve;
mod sets;
mod state;
mod store;
mod story;
mod taking;
mod tamper;
mod transactions;
mod transfer;
mod transfer_tampering;
mod unsynced;
mod usage;
mod verify;
mod world;
