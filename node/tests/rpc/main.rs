//! Tests of the transaction pool and of JSON-RPC, over real HTTP and WebSockets, on a real runtime in a temporary folder.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod admission;
mod bad_input;
mod callers;
mod codes;
mod conformance;
mod consensus;
mod eth;
mod filled;
mod filters;
mod pool_core;
mod pool_journal;
mod pool_order;
mod pool_properties;
mod pool_validate;
mod proofs;
mod recomputed;
mod server;
mod simulate;
mod subscribe;
mod suite;
mod traces;
mod voting;
mod words;
mod world;
