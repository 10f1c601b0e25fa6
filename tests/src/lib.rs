//! What the whole-system tests share: `harness` starts real nodes and talks to them, `crash` does its worst to one, `network` to four
//! and to what is between them, `simulation` lets many engines agree under virtual time, `tidy` holds the rules of the house.
//!
//! Nothing that ships may depend on this crate.

pub mod crash;
pub mod harness;
pub mod network;
pub mod random;
pub mod simulation;
pub mod tidy;
