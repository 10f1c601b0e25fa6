//! What the whole-system tests share: `harness` starts real nodes and talks to them, `tidy` holds the rules of the house.
//!
//! Nothing that ships may depend on this crate.

pub mod harness;
pub mod tidy;
