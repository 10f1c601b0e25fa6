//! Whole-crate tests: the bindings against the artifacts that they come from.

mod artifacts;
mod codes;
mod errors;
