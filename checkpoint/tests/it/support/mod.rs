//! What tests of the relayer stand on: real validators' keys, and a simulated mainchain.

pub mod chain;
pub mod contract;
pub mod player;
#[expect(
    dead_code,
    reason = "it is what all simulations choose by, and has more than this one needs"
)]
#[path = "../../../../tests/src/random.rs"]
pub mod random;
pub mod validators;
