//! What must hold for any bytes from outside? One function per decoder, which panics where it does not hold.
//!
//! The same functions are fuzzed by libFuzzer (`make fuzz`) and replayed over the committed corpora and thousands of seeded
//! mutations by an ordinary test, so that no target rots. "Does not panic" is the least of it: what was read must be
//! written again as the very bytes it was read from, so that no value has two encodings; and no input may make a decoder
//! take more memory than the input itself excuses. Called by the wrappers in `fuzz/fuzz_targets` and by `tests/replay.rs`.

#[cfg(feature = "node")]
pub mod checkpoints;
pub mod desk;
pub mod files;
pub mod mutate;
#[cfg(feature = "node")]
pub mod network;
#[cfg(feature = "node")]
pub mod node;
pub mod notary;
#[cfg(feature = "node")]
pub mod proof;
#[cfg(feature = "node")]
pub mod relayer;
#[cfg(feature = "node")]
pub mod rpc;
pub mod seeds;
#[cfg(feature = "node")]
pub mod state;
pub mod wire;

/// One decoder of foreign bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: that of the fuzz target and of its folder of seeds.
    pub name: &'static str,
    /// What must hold for any input; panics if it does not.
    pub run: fn(&[u8]),
    /// Longest input that is worth trying.
    pub input_bytes_max: usize,
    /// Memory that one run may take at most at any moment, in bytes.
    pub heap: Heap,
}

impl Target {
    /// A target whose inputs are read with little memory.
    pub(crate) const fn small(name: &'static str, run: fn(&[u8]), input_bytes_max: usize) -> Self {
        Self {
            name,
            run,
            input_bytes_max,
            heap: Heap::SMALL,
        }
    }

    /// A target whose inputs are lists of what may be nearly nothing.
    #[cfg(feature = "node")]
    pub(crate) const fn lists(name: &'static str, run: fn(&[u8]), input_bytes_max: usize) -> Self {
        Self {
            heap: Heap::LISTS,
            ..Self::small(name, run, input_bytes_max)
        }
    }
}

/// How much memory reading an input may take.
#[derive(Clone, Copy, Debug)]
pub struct Heap {
    /// Whatever the input.
    pub base: usize,
    /// For each of its bytes.
    pub per_byte: usize,
}

impl Heap {
    /// For decoders that make of each byte a few at most. The base is what signature checks and short error texts take.
    pub const SMALL: Self = Self {
        base: 256 << 10,
        per_byte: 24,
    };

    /// For lists whose elements are one byte on the wire and some dozens in memory, such as a missing transaction or an empty node
    /// of a proof; and a list grows by doubling.
    #[cfg(feature = "node")]
    pub const LISTS: Self = Self {
        base: 256 << 10,
        per_byte: 160,
    };

    /// The bound for an input of `bytes`.
    #[must_use]
    pub const fn of(self, bytes: usize) -> usize {
        self.base.saturating_add(self.per_byte.saturating_mul(bytes))
    }
}

/// Every target. The order is that of the folders: what comes over a wire, what is read from files, what needs the node.
#[must_use]
pub fn targets() -> Vec<Target> {
    let mut all = wire::TARGETS.to_vec();
    all.extend(files::TARGETS);
    all.extend(notary::TARGETS);
    all.extend(desk::TARGETS);
    #[cfg(feature = "node")]
    all.extend(node::TARGETS);
    #[cfg(feature = "node")]
    all.extend(network::TARGETS);
    #[cfg(feature = "node")]
    all.extend(checkpoints::TARGETS);
    #[cfg(feature = "node")]
    all.extend(state::TARGETS);
    #[cfg(feature = "node")]
    all.extend(relayer::TARGETS);
    #[cfg(feature = "node")]
    all.extend(proof::TARGETS);
    #[cfg(feature = "node")]
    all.extend(rpc::TARGETS);
    all
}

/// The target with this name.
///
/// # Panics
/// If there is none: a wrapper and the table disagree.
#[must_use]
pub fn target(name: &str) -> Target {
    targets()
        .into_iter()
        .find(|target| target.name == name)
        .unwrap_or_else(|| panic!("no target is called {name}"))
}
