//! What tests of the relayer stand on: real validators' keys, and a simulated mainchain.

pub mod chain;
pub mod contract;
pub mod player;
pub mod random;
pub mod validators;
