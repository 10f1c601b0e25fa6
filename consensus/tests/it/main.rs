//! Tests of the engine as a whole. Compiled into the library's test build (see `Cargo.toml`).

mod alone;
mod cluster;
mod evidence;
mod four;
mod garbage;
mod guard;
mod headers;
mod kit;
mod limits;
mod locks;
mod protocol;
mod sets;
mod simulation;
