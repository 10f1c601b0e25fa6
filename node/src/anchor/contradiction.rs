//! Which checkpoint contradicts which block?
//!
//! Found by the driver and the sync, shown by JSON-RPC, the log and the exit of the process.

use std::fmt;

use alloy_primitives::B256;

/// A block that a confirmed checkpoint contradicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// The checkpoint.
    pub index: u64,
    /// Its height.
    pub height: u64,
    /// Number of the block: the checkpoint's height, or one of the blocks that it anchors.
    pub number: u64,
    /// The block that is anchored.
    pub anchored: B256,
    /// The other one.
    pub got: B256,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            index,
            height,
            number,
            anchored,
            got,
        } = self;
        write!(
            f,
            "checkpoint {index} on the mainchain, at height {height}, says that block {number} is {anchored}, and here it is {got}"
        )
    }
}
