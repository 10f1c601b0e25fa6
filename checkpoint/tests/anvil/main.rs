//! The relayer against real development nodes, the real contract and validators' real keys. Skipped, with words, where npm has not
//! brought them.

mod chains;
mod commands;
mod deploying;
mod kill;
mod node;
mod program;
mod proxy;
#[expect(
    dead_code,
    reason = "it is what all simulations choose by, and has more than this one needs"
)]
#[path = "../../../tests/src/random.rs"]
mod random;
mod reading;
mod reorganisations;
mod side;
mod story;
mod trouble;
#[path = "../it/support/validators.rs"]
mod validators;

use std::sync::{Mutex, MutexGuard};

/// Nobody panics while holding a lock here, unless the test fails anyway.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no holder panicked")
}
