//! Tests of the engine as a whole. Several engines against each other, and broken rules, are tried by the simulation in the
//! workspace's `tests`.

#![allow(clippy::unwrap_used, reason = "a test's panic is its message")]

mod alone;
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
