//! How do libFuzzer's bytes get to a target? Cut to the target's length, run, and the memory that it took held against the
//! target's bound.

pub use libfuzzer_sys;

use ledger_fuzz_targets::Target;
use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// Runs `target` on `bytes`; panics if it breaks a promise or its bound of memory.
pub fn run(target: &Target, bytes: &[u8]) {
    let bytes = &bytes[..bytes.len().min(target.input_bytes_max)];
    let before = HEAP.current_usage();
    HEAP.reset_peak_usage();
    (target.run)(bytes);
    let taken = HEAP.peak_usage().saturating_sub(before);
    let most = target.heap.of(bytes.len());
    assert!(taken <= most, "{} took {taken} bytes for an input of {}, at most {most}", target.name, bytes.len());
}

/// The fuzz target of a name.
#[macro_export]
macro_rules! fuzz {
    ($name:literal) => {
        static TARGET: std::sync::LazyLock<ledger_fuzz_targets::Target> =
            std::sync::LazyLock::new(|| ledger_fuzz_targets::target($name));
        $crate::libfuzzer_sys::fuzz_target!(|bytes: &[u8]| $crate::run(&TARGET, bytes));
    };
}
