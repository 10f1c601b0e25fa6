//! What the whole-system tests share. `tidy` holds the rules of the house.
//!
//! Nothing that ships may depend on this crate.

pub mod tidy;
