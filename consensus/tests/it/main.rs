//! Tests of the engine as a whole. Compiled into the library's test build (see `Cargo.toml`).

#![allow(dead_code, reason = "more scenarios use the kit")]

mod alone;
mod cluster;
mod four;
mod guard;
mod kit;
mod simulation;
