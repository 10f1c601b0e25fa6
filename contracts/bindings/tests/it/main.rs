//! Whole-crate tests: the bindings against the artifacts that they come from, and against the contracts' own hashes.

mod artifacts;
mod checkpoint;
mod codes;
mod errors;
