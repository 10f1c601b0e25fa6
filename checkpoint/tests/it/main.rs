//! The relayer against validators with real keys: its journal on disk, and whole stories on a simulated mainchain.

mod journal;
mod kept;
mod plan;
mod reading;
mod statement;
mod stories;
mod support;

use std::sync::{Mutex, MutexGuard};

/// Nobody panics while holding a lock here, unless the test fails anyway.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no holder panicked")
}
