//! Checkpoints: the planner's stories, its simulation from seeds, and what is kept on disk.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod book;
mod chain;
mod disk;
mod killed;
mod live;
mod machine;
mod planner;
#[path = "../support/ports.rs"]
mod ports;
mod process;
#[expect(
    dead_code,
    reason = "it is what all simulations choose by, and has more than this one needs"
)]
#[path = "../../../tests/src/random.rs"]
mod random;
mod simulation;
